"""Charts as inline SVG, and the pages that hold them: one file without script and without anything from elsewhere."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from jinja2 import Environment as Templates
from jinja2 import PackageLoader, StrictUndefined
from markupsafe import Markup

WIDTH, HEIGHT, LEFT, BOTTOM = 720, 200, 56, 24
POINTS_AT_MOST = 360
Points = Sequence[tuple[float, float]]
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
"""Controls, and what turns the direction of the text around it or hides within it."""
_ACCENTS = "[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
_STACKED = re.compile(f"({_ACCENTS}{{2}}){_ACCENTS}+")
"""Accents that would pile up over the lines above."""
TEXT_AT_MOST = 10_000
"""No text of a page is longer, wherever it comes from; the journal has the whole of it."""


@dataclass(frozen=True)
class Curve:
    """One curve: its name, its class in the style, and its points."""

    name: str
    kind: str
    points: Points


@dataclass(frozen=True)
class Chart:
    """Curves over one axis. `level` is a limit, drawn across."""

    title: str
    unit: str
    lines: tuple[Curve, ...]
    level: float | None = None
    across: str = "min"

    @property
    def _right(self) -> float:
        return max((x for line in self.lines for x, _ in line.points), default=1) or 1

    @property
    def _top(self) -> float:
        highest = max((y for line in self.lines for _, y in line.points), default=1)
        return max(highest, self.level or 0) * 1.1 or 1

    def _at(self, x: float, y: float) -> str:
        across = LEFT + max(x, 0) / self._right * (WIDTH - LEFT - 8)
        return f"{across:.1f},{self.height(y):.1f}"

    def height(self, y: float) -> float:
        """Return where a value lies, in pixels from above."""
        return HEIGHT - BOTTOM - y / self._top * (HEIGHT - BOTTOM - 8)

    def path(self, line: Curve) -> str:
        """Return the points of a curve as SVG wants them."""
        step = max(1, len(line.points) // POINTS_AT_MOST)
        return " ".join(self._at(x, y) for x, y in line.points[::step])

    def rows(self) -> Iterator[tuple[float, str]]:
        """Yield the marks of the upright axis: height in pixels from above, and label."""
        for part in range(5):
            value = self._top / 1.1 * part / 4
            yield self.height(value), f"{value:.3g}"

    def columns(self) -> Iterator[tuple[float, str]]:
        """Yield the marks of the level axis: place in pixels from the left, and label."""
        for part in range(5):
            yield LEFT + part / 4 * (WIDTH - LEFT - 8), f"{self._right * part / 4:.3g}"


def page(template: str, **facts: Any) -> str:
    """Return a filled template. It carries the stylesheet that all pages share, and its policy lets nothing else in."""
    templates = _templates()
    style = templates.get_template("page.css").render()
    # The policy of the page allows this one stylesheet by its digest.
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()

    size = (WIDTH, HEIGHT, LEFT, BOTTOM)
    return templates.get_template(template).render(style=style, style_digest=digest, size=size, **facts)


@cache
def _templates() -> Templates:
    """Return the templates, read once: compiling them takes longer than filling them."""
    return Templates(
        loader=PackageLoader("readiness.rendering"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        finalize=_harmless,
    )


def _harmless(value: Any) -> Any:
    """Return a value as text in which nothing acts on the text around it. Escaping is Jinja's own part."""
    if isinstance(value, Markup):
        return value

    text = str(value)
    if len(text) > TEXT_AT_MOST:
        text = f"{text[:TEXT_AT_MOST]}…"
    visible = _INVISIBLE.sub("\N{REPLACEMENT CHARACTER}", text)
    return _STACKED.sub(r"\1", visible)
