"""Charts as inline SVG, and the pages that hold them: one file without script and without anything from elsewhere."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment as Templates
from jinja2 import PackageLoader, StrictUndefined

WIDTH, HEIGHT, LEFT, BOTTOM = 720, 200, 56, 24
POINTS_AT_MOST = 360
Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Line:
    """One curve: its name, its class in the style, and its points."""

    name: str
    kind: str
    points: Points


@dataclass(frozen=True)
class Chart:
    """Curves over one axis. `level` is a limit, drawn across."""

    title: str
    unit: str
    lines: tuple[Line, ...]
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
        return f"{LEFT + max(x, 0) / self._right * (WIDTH - LEFT - 8):.1f},{self.height(y):.1f}"

    def height(self, y: float) -> float:
        """Where a value lies, in pixels from above."""
        return HEIGHT - BOTTOM - y / self._top * (HEIGHT - BOTTOM - 8)

    def path(self, line: Line) -> str:
        """Write the points of a curve as SVG wants them."""
        step = max(1, len(line.points) // POINTS_AT_MOST)
        return " ".join(self._at(x, y) for x, y in line.points[::step])

    def rows(self) -> Iterator[tuple[float, str]]:
        """Give the marks of the upright axis: height and label."""
        for part in range(5):
            value = self._top / 1.1 * part / 4
            yield self.height(value), f"{value:.3g}"

    def columns(self) -> Iterator[tuple[float, str]]:
        """Give the marks of the level axis: place and label."""
        for part in range(5):
            yield LEFT + part / 4 * (WIDTH - LEFT - 8), f"{self._right * part / 4:.3g}"


def page(template: str, **facts: Any) -> str:
    """Fill a page. Its policy lets only its own style in."""
    templates = Templates(
        loader=PackageLoader("readiness.evidence"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    style = templates.get_template("page.css").render()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    size = (WIDTH, HEIGHT, LEFT, BOTTOM)
    return templates.get_template(template).render(style=style, style_digest=digest, size=size, **facts)
