"""The page: one HTML file that needs nothing else, with pictures, their legends, and what they show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from statistics import median

from census.charts import KINDS, density, density_scatter, histogram, import_matrix, package_bars
from census.graph import Graph, busiest, importers, layered
from census.source import Measures
from census.style import STYLE

#: so big, and so unlike the rest, that it would flatten every other bar
TESTS_OF_ALL = "test"
BARS = 16
MATRIX_NAMES = 25


def page(files: Sequence[Measures], graph: Graph, version: str) -> str:
    """The whole page. The same census gives the same bytes: no time, no host, no folder is in it."""
    packages = totals(files)
    body = "\n".join(
        (
            header(files, packages, version),
            '<div class="pair">',
            size_section(files),
            bar_section(packages),
            "</div>",
            density_section(files),
            graph_section(graph),
            table_section(packages, graph),
            problem_section(files),
        )
    )
    title = f"The standard library of Python {version}"
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{escape(title)}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<style>{STYLE}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def totals(files: Sequence[Measures]) -> dict[str, dict[str, int]]:
    """The sums of each package, biggest first."""
    packages: dict[str, dict[str, int]] = {}
    for file in files:
        package = packages.setdefault(file["package"], dict.fromkeys(("files", *SUMS), 0))
        package["files"] += 1
        for column in SUMS:
            package[column] += file[column]  # type: ignore[literal-required]
    return dict(sorted(packages.items(), key=lambda item: (-item[1]["lines"], item[0])))


SUMS = ("lines", *KINDS, "classes", "functions")


def header(files: Sequence[Measures], packages: Mapping[str, Mapping[str, int]], version: str) -> str:
    lines = sum(file["lines"] for file in files)
    tests = sum(file["lines"] for file in files if file["is_test"])
    numbers = {
        "source files": len(files),
        "lines": lines,
        "packages": sum(1 for name in packages if name.isidentifier()),
        "classes": sum(file["classes"] for file in files),
        "functions": sum(file["functions"] for file in files),
    }
    tiles = "".join(f"<li><b>{value:,}</b>{name}</li>" for name, value in numbers.items())
    return (
        f'<header><p class="kicker">A census of source files</p>'
        f"<h1>The standard library of Python {escape(version)}</h1>"
        f'<p class="lead">Every file was read by Python’s own parser. {percent(tests, lines)} of all '
        f"lines are tests; what remains has {lines - tests:,} lines.</p>"
        f'<ul class="tiles">{tiles}</ul></header>'
    )


def size_section(files: Sequence[Measures]) -> str:
    middle = median(file["lines"] for file in files if not file["is_test"])
    longest = max(files, key=lambda file: (file["lines"], file["source"]))
    return section(
        "How long is a file?",
        f"Half of the library’s files have fewer than {middle:,.0f} lines. The longest, "
        f"<code>{escape(longest['source'])}</code>, has {longest['lines']:,}.",
        legend(library="library", tests="tests"),
        histogram(files),
    )


def bar_section(packages: Mapping[str, Mapping[str, int]]) -> str:
    ranked = {name: package for name, package in packages.items() if name.isidentifier()}
    whole = ranked.pop(TESTS_OF_ALL, None)
    shown = dict(list(ranked.items())[:BARS])
    remark = "Lines by what they hold."
    if whole:
        remark += (
            f" Not drawn: <code>{TESTS_OF_ALL}</code>, whose {whole['lines']:,} lines would need a bar "
            f"{whole['lines'] / next(iter(shown.values()))['lines']:.0f} times the longest."
        )
    return section(
        "The biggest packages", remark, legend(**{kind: kind for kind in KINDS}), package_bars(shown)
    )


def density_section(files: Sequence[Measures]) -> str:
    library = [density(file) for file in files if not file["is_test"] and not file["problem"]]
    tests = [density(file) for file in files if file["is_test"] and not file["problem"]]
    remark = (
        "Each dot is a file of ten lines or more; its height is the share of docstrings and comments among "
        f"the lines that are not blank. The median is {median(library):.0f} % in the library"
    )
    remark += f" and {median(tests):.0f} % in tests." if tests else "."
    return section(
        "How much is written for people?",
        remark,
        legend(library="library", tests="tests"),
        density_scatter(files),
    )


def graph_section(graph: Graph) -> str:
    part = busiest(graph, MATRIX_NAMES)
    order = layered(part)
    place = {name: index for index, name in enumerate(order)}
    pairs = [(importer, imported) for importer, row in part.items() for imported in row]
    backward = sum(1 for importer, imported in pairs if place[imported] < place[importer])
    return section(
        "Who imports whom?",
        f"The {len(order)} best connected names, tests left out. A row imports its columns; the number says "
        "in how many files. The order puts importers before what they import, so that a layered library "
        f"would leave the lower left empty. {backward} of {len(pairs)} pairs go against it, which Python "
        "forgives as long as nothing is needed before it is there.",
        legend(forward="down the layers", backward="back up"),
        import_matrix(part, order),
    )


def table_section(packages: Mapping[str, Mapping[str, int]], graph: Graph) -> str:
    popularity = importers(graph)
    head = "".join(f"<th{' class=left' * (name in LEFT)}>{name}</th>" for name in HEADS)
    rows = []
    for name, package in packages.items():
        words = package["docstrings"] + package["comments"]
        cells = (
            f"{package['files']:,}",
            f"{package['lines']:,}",
            strip(package),
            percent(words, words + package["code"]),
            f"{package['classes']:,}",
            f"{package['functions']:,}",
            f"{popularity[name]}" if name in popularity else "–",
        )
        row = "".join(f"<td>{cell}</td>" for cell in cells)
        rows.append(f"<tr><th>{escape(name.replace('-', ' '))}</th>{row}</tr>")
    body = "\n".join(rows)
    return section(
        "All packages",
        "“Imported by” counts top-level names of the library that import the package somewhere.",
        legend(**{kind: kind for kind in KINDS}),
        f"<table><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table>",
    )


HEADS = ("package", "files", "lines", "what they hold", "for people", "classes", "functions", "imported by")
LEFT = ("package", "what they hold")


def strip(package: Mapping[str, int]) -> str:
    """A package's lines by kind, as one thin bar of full width."""
    lines = max(1, sum(package[kind] for kind in KINDS))
    parts = (f'<i class="{kind}" style="width:{100 * package[kind] / lines:.1f}%"></i>' for kind in KINDS)
    return f'<span class="strip">{"".join(parts)}</span>'


def problem_section(files: Sequence[Measures]) -> str:
    items = "".join(
        f"<li><code>{escape(file['source'])}</code> {escape(file['problem'])}</li>\n"
        for file in files
        if file["problem"]
    )
    if not items:
        return ""
    remark = "Not mistakes: the library ships them to test how Python refuses them. Their lines are counted."
    return section("Files that Python does not parse", remark, "", f'<ul class="problems">{items}</ul>')


def section(title: str, remark: str, key: str, content: str) -> str:
    return f'<section><h2>{title}</h2><p>{remark}</p>{key}<div class="figure">{content}</div></section>'


def legend(**names: str) -> str:
    """What the colours mean; keys are classes of the style sheet."""
    items = "".join(f'<li><i class="{class_}"></i>{name}</li>' for class_, name in names.items())
    return f'<ul class="legend">{items}</ul>'


def percent(part: int, whole: int) -> str:
    return f"{100 * part / max(1, whole):.0f} %"
