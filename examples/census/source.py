"""One source file, measured.

Python's own parser says what is in the file (`ast`), its own tokenizer says which lines are comments, so
that a `#` inside a string is not one. Every line is exactly one of four kinds, and the four add up:

* *docstring*: within the docstring of a module, class or function,
* *blank*: nothing but white space,
* *comment*: nothing but a comment,
* *code*: everything else, also code with a comment behind it.

Only statements are walked, not expressions: imports, classes and functions are all statements, and
a file has ten times fewer of them than of nodes.
"""

from __future__ import annotations

import ast
import io
import tokenize
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TypedDict

#: a folder with one of these names holds tests, wherever in the library it is
TEST_FOLDERS = {"test", "tests", "idle_test"}


class Measures(TypedDict):
    """What the census knows of one file; stored as JSON."""

    source: str  # path below the library, with slashes
    package: str
    is_test: bool
    lines: int
    code: int
    docstrings: int
    comments: int
    blank: int
    classes: int
    functions: int
    imports: list[str]  # top-level names, sorted
    problem: str  # why the file could not be parsed; "" for nearly all of them


def measure(path: Path, source: str, package: str) -> Measures:
    """Measure the file at `path`, which the census calls `source`.

    A file that Python itself refuses (the library ships some on purpose, as test data) is counted with its
    lines and its problem, and with zero for everything that only a parser can know.
    """
    content = path.read_bytes()
    lines = content.splitlines()
    measures: Measures = {
        "source": source,
        "package": package,
        "is_test": not TEST_FOLDERS.isdisjoint(source.split("/")[:-1]),
        "lines": len(lines),
        "code": 0,
        "docstrings": 0,
        "comments": 0,
        "blank": 0,
        "classes": 0,
        "functions": 0,
        "imports": [],
        "problem": "",
    }
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # old test data is full of invalid escapes
            tree = ast.parse(content)
        commented = comment_lines(content)
    except (SyntaxError, ValueError, tokenize.TokenError) as error:
        return {**measures, "problem": f"{type(error).__name__}: {getattr(error, 'msg', error)}"}

    documented: set[int] = set()
    imported: set[str] = set()
    for statement in statements(tree):
        match statement:
            case ast.ClassDef():
                measures["classes"] += 1
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                measures["functions"] += 1
            case ast.Import(names=names):
                imported.update(name.name.partition(".")[0] for name in names)
            case ast.ImportFrom(level=0, module=str(module)):
                imported.add(module.partition(".")[0])
            case ast.ImportFrom():  # a relative import stays in its package
                imported.add(source.partition("/")[0])
        documented.update(docstring_lines(statement))

    for number, line in enumerate(lines, start=1):
        stripped = line.strip()
        if number in documented:
            measures["docstrings"] += 1
        elif not stripped:
            measures["blank"] += 1
        elif number in commented and stripped.startswith(b"#"):
            measures["comments"] += 1
        else:
            measures["code"] += 1
    measures["imports"] = sorted(imported)
    return measures


def comment_lines(content: bytes) -> set[int]:
    """The numbers of the lines that hold a comment, alone or behind code."""
    tokens = tokenize.tokenize(io.BytesIO(content).readline)
    return {token.start[0] for token in tokens if token.type == tokenize.COMMENT}


def statements(tree: ast.Module) -> Iterator[ast.AST]:
    """The module and every statement in it, at any depth."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        for block in ("body", "orelse", "finalbody", "handlers", "cases"):
            below = getattr(node, block, ())
            if isinstance(below, list):  # the body of a lambda, say, is an expression
                waiting.extend(below)


def docstring_lines(node: ast.AST) -> range:
    """The numbers of the lines of the node's docstring; an empty range when it has none."""
    if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        match node.body:
            case [ast.Expr(value=ast.Constant(value=str())) as first, *_]:
                return range(first.lineno, (first.end_lineno or first.lineno) + 1)
    return range(0)
