"""The four pictures of the page. A colour is a class here; `style.py` says which, by day and by night."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from census.graph import Graph
from census.source import Measures
from census.svg import Linear, Logarithmic, drawing, element, label, line, tooltip

#: the four kinds of lines, in the order in which bars are stacked
KINDS = ("code", "docstrings", "comments", "blank")


def histogram(files: Sequence[Measures]) -> str:
    """How many files are how long; each bin is twice as wide as the one before, empty files come first."""
    width, height, left, bottom = 540, 328, 40, 286
    bins = Counter((file["lines"].bit_length(), file["is_test"]) for file in files)
    last = max(bin_ for bin_, _ in bins)
    slot = (width - left) / (last + 1)
    y = Linear(max(bins[bin_, False] + bins[bin_, True] for bin_ in range(last + 1)) * 1.04, bottom, 14)
    marks = [line(left, y(tick), width, y(tick), "grid") for tick in y.ticks(4)]
    marks += [label(left - 8, y(tick) + 4, f"{tick}", class_="axis end") for tick in y.ticks(4)]
    for bin_ in range(last + 1):
        code, tests = bins[bin_, False], bins[bin_, True]
        x = left + slot * bin_
        least, most = (1 << bin_) >> 1, (1 << bin_) - 1
        span = f"{least:,} to {most:,} lines" if bin_ > 1 else f"{least} lines"
        marks.append(
            element(
                "g",
                tooltip(f"{span}: {code} files of the library, {tests} of tests"),
                bar(x + 1, y(code), slot - 2, bottom - y(code), "library"),
                bar(x + 1, y(code + tests), slot - 2, max(0.0, y(code) - y(code + tests) - 1), "tests"),
            )
        )
        short = f"{least // 1024}k" if least >= 1024 else f"{least}"
        marks.append(label(x + slot / 2, bottom + 18, short, class_="axis middle"))
    marks.append(line(left, bottom, width, bottom, "base"))
    marks.append(label(width, bottom + 38, "lines in a file, from", class_="axis end"))
    return drawing(width, height, "Files by length", *marks)


def package_bars(packages: Mapping[str, Mapping[str, int]]) -> str:
    """Packages as bars, split by kind of line, in the order given."""
    width, left, right, row = 540, 122, 52, 20
    height = 8 + row * len(packages)
    x = Linear(max(package["lines"] for package in packages.values()), left, width - right)
    marks = []
    for index, (name, package) in enumerate(packages.items()):
        top = 4 + row * index
        marks.append(label(left - 10, top + 13, name, class_="name end"))
        at, parts = float(left), []
        for kind in KINDS:
            length = x(package[kind]) - left
            parts.append(bar(at, top, max(0.0, length - 1), row - 5, kind))
            at += length
        split = ", ".join(f"{package[kind]:,} {kind}" for kind in KINDS)
        marks.append(element("g", tooltip(f"{name}: {package['lines']:,} lines: {split}"), *parts))
        marks.append(label(at + 7, top + 13, f"{package['lines']:,}", class_="axis"))
    return drawing(width, height, "The biggest packages", *marks)


def density_scatter(files: Sequence[Measures], labelled: int = 12) -> str:
    """Every file as a dot: its length, and how much of it is written for people."""
    width, height, left, bottom = 1120, 400, 46, 356
    shown = [file for file in files if not file["problem"] and file["lines"] >= 10]
    x = Logarithmic(10, max(file["lines"] for file in shown) * 1.2, left, width - 10)
    y = Linear(100, bottom, 14)
    marks = []
    for tick in (0, 20, 40, 60, 80, 100):
        marks.append(line(left, y(tick), width, y(tick), "grid"))
        marks.append(label(left - 8, y(tick) + 4, f"{tick} %", class_="axis end"))
    for tick in x.ticks():
        marks.append(line(x(tick), 14, x(tick), bottom, "grid"))
        marks.append(label(x(tick), bottom + 18, f"{tick:,}", class_="axis middle"))
    for file in sorted(shown, key=lambda file: not file["is_test"]):  # tests below
        at = {"cx": x(file["lines"]), "cy": y(density(file)), "r": 3}
        text = tooltip(f"{file['source']}: {file['lines']:,} lines, {density(file):.0f} % for people")
        marks.append(element("circle", text, class_="tests" if file["is_test"] else "library", **at))
    marks += names_beside_dots(shown, x, y, labelled)
    marks.append(label(width, bottom + 36, "lines in a file", class_="axis end"))
    return drawing(width, height, "Comments and docstrings by length of file", *marks)


def density(file: Measures) -> float:
    """Docstrings and comments among the lines that are not blank, in percent."""
    words = file["docstrings"] + file["comments"]
    return 100 * words / max(1, words + file["code"])


def names_beside_dots(files: Sequence[Measures], x: Logarithmic, y: Linear, count: int) -> list[str]:
    """Names for the dots that stand out, as far as they find room beside each other."""

    def outstanding(file: Measures) -> tuple[float, str]:
        return -math.log2(file["lines"]) * (10 + density(file)), file["source"]

    marks: list[str] = []
    taken: list[tuple[float, float, float]] = []
    for file in sorted((file for file in files if not file["is_test"]), key=outstanding):
        name = file["source"].removesuffix("/__init__.py")
        to_left = x(file["lines"]) > x.end - 170
        reach = 6.4 * len(name) + 12
        at = x(file["lines"]) - (reach if to_left else 0)
        height = y(density(file))
        if any(at < end and start < at + reach and abs(height - other) < 15 for start, end, other in taken):
            continue
        taken.append((at, at + reach, height))
        side = "end" if to_left else "start"
        x_text = x(file["lines"]) + (-7 if to_left else 7)
        marks.append(label(x_text, height + 4, name, class_=f"note {side}"))
        if len(marks) == count:
            break
    return marks


def import_matrix(graph: Graph, order: Sequence[str]) -> str:
    """Importers as rows, imported names as columns, both in `order`; below the diagonal it goes back up."""
    left, top, cell = 165, 112, 34
    size = cell * len(order)
    most = max((files for row in graph.values() for files in row.values()), default=1)
    marks = []
    for index, name in enumerate(order):
        middle = cell * index + cell / 2
        x, y = left + middle, top + middle
        marks.append(label(left - 10, y + 4, name, class_="name end"))
        marks.append(label(x, top - 10, name, class_="name", transform=f"rotate(-48 {x:.1f} {top - 10})"))
    for row, importer in enumerate(order):
        for column, imported in enumerate(order):
            files = graph[importer].get(imported, 0)
            kind = "self" if row == column else "backward" if column < row else "forward"
            shade = 0.25 + 0.75 * math.log1p(files) / math.log1p(most)
            attributes = {"x": left + cell * column + 1, "y": top + cell * row + 1, "rx": 3}
            attributes |= {"width": cell - 2, "height": cell - 2}
            if files:
                text = tooltip(f"{importer} imports {imported} in {files} file{'s' * (files > 1)}")
                shaded = {"class_": kind, "fill_opacity": f"{shade:.2f}"}
                marks.append(element("rect", text, **attributes, **shaded))
                x_text, y_text = left + cell * column + cell / 2, top + cell * row + cell / 2 + 4
                strong = " strong" if shade > 0.6 else ""
                marks.append(label(x_text, y_text, str(files), class_=f"count middle{strong}"))
            else:
                marks.append(element("rect", **attributes, class_="self" if row == column else "none"))
    return drawing(left + size + 105, top + size + 6, "Who imports whom", *marks)


def bar(x: float, y: float, width: float, height: float, class_: str) -> str:
    return element("rect", x=float(x), y=float(y), width=float(width), height=float(height), class_=class_)
