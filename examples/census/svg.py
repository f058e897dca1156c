"""Just enough SVG to draw with: elements, numbers and two kinds of scale."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape


def element(name: str, *children: str, **attributes: object) -> str:
    """One element. `children` are markup already; `class_` and `text_anchor` lose their underscores."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(number(value))}"' for key, value in attributes.items()
    )
    return f"<{name}{written}>{''.join(children)}</{name}>" if children else f"<{name}{written}/>"


def number(value: object) -> str:
    """A coordinate in one decimal at most, so that the page stays small and the same everywhere."""
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else str(value)


def label(x: float, y: float, text: str, **attributes: object) -> str:
    return element("text", escape(text), x=float(x), y=float(y), **attributes)


def tooltip(text: str) -> str:
    """What a browser shows when the pointer rests on the parent element."""
    return element("title", escape(text))


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> str:
    return element("line", x1=float(x1), y1=float(y1), x2=float(x2), y2=float(y2), class_=class_)


def drawing(width: int, height: int, title: str, *children: str) -> str:
    """A whole picture. It scales with the page, down to where its text could no longer be read."""
    return element(
        "svg",
        *children,
        viewBox=f"0 0 {width} {height}",
        role="img",
        aria_label=title,
        style=f"min-width:{width * 2 // 3}px",
    )


@dataclass(frozen=True)
class Linear:
    """Values from 0 to `top`, onto the pixels from `start` to `end`."""

    top: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        return self.start + (self.end - self.start) * value / self.top

    def ticks(self, about: int) -> list[int]:
        """Round values at even distances; `about` so many."""
        rough = self.top / about
        power = 10.0 ** math.floor(math.log10(rough))
        step = max(1, int(next(power * nice for nice in (1, 2, 5, 10) if power * nice >= rough)))
        return list(range(0, int(self.top) + 1, step))


@dataclass(frozen=True)
class Logarithmic:
    """Values from `bottom` to `top`, every factor of ten equally wide."""

    bottom: float
    top: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        share = math.log(max(value, self.bottom) / self.bottom) / math.log(self.top / self.bottom)
        return self.start + (self.end - self.start) * share

    def ticks(self) -> list[int]:
        powers = (10**power for power in range(math.ceil(math.log10(self.top)) + 1))
        return [power for power in powers if self.bottom <= power <= self.top]
