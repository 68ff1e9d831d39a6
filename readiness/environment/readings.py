"""A reading as data: a number or a fact, and the one place that it is found at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from readiness.config.fields import AgeSeconds, StatedPath
from readiness.environment.commands import ByCommand
from readiness.environment.posts import ByHttp
from readiness.environment.spans import BEGINS, ENDS, Window
from readiness.timeline import parse_span

SOURCES = ("sql", "http", "metric", "promql", "file", "command", "value")
WHEN_ASKED = "when asked"
"""The time of a reading whose source looks at what is now, whenever it is asked."""


def _span(text: str) -> str:
    """Return a span of time. Raises ValueError for none, and for one without length."""
    if not parse_span(text):
        raise ValueError(f"{text!r} is no time at all: nothing happens in it")
    return text


class Reading(ByHttp, ByCommand):
    """A number or a fact that the environment knows how to find. Exactly one source."""

    sql: str | None = None
    """A query through `postgres`; columns are matched by name."""
    metric: str | None = None
    """A sample of the exposition page (`metrics_url`); `labels` narrow it, several samples are added up."""
    promql: str | None = None
    """A query to `prometheus`: one number, or rows with the labels as columns and the number as `value`."""
    file: StatedPath | None = None
    """A file: JSON (with `pointer`), JSON lines, a dotenv file, or bare text."""
    value: str | int | float | bool | None = None
    """A fact that stands in this file itself."""

    window: Annotated[str, AfterValidator(_span)] | None = None
    """Of a question by HTTP: the span that `{from}` and `{until}` in it are about; it ends when it is asked."""
    labels: dict[str, str] = {}  # noqa: RUF012  a model, two files away: pydantic copies it
    format: Literal["json", "jsonl", "dotenv", "text"] = "json"
    at: Annotated[str, Field(min_length=1)] | None = None
    """Of when the value is: a column (sql), a pointer (JSON), a query of its own (promql), or `when asked`."""
    age_seconds_at_most: AgeSeconds | None = None
    """Of a file since it was last written, of others since their time `at`; None takes one of any age."""

    @model_validator(mode="after")
    def _one_source(self) -> Reading:
        stated = [name for name in SOURCES if getattr(self, name) is not None]
        if len(stated) != 1:
            names = f"{', '.join(SOURCES[:-1])} and {SOURCES[-1]}"
            raise ValueError(f"a reading has one source of {names}; here: {stated or 'none'}")
        if self.command is not None and self.format not in {"json", "text"}:
            raise ValueError(f"a command prints json or text, and the format here is {self.format}")
        if self.age_seconds_at_most is not None and self.file is None and self.at in {None, WHEN_ASKED}:
            raise ValueError(
                "age_seconds_at_most is of a file, by when it was written, and of others by `at`; state where it stands"
            )
        self._require_sound_window()
        self._require_sound_time()
        return self

    def _require_sound_window(self) -> None:
        if self.window is None:
            asks = self.post.places & (BEGINS | ENDS) if self.post else frozenset[str]()
            if asks:
                raise ValueError(f"{{{min(asks)}}} stands in what is sent: state in `window` the span that is meant")
            return
        places = self.places_of_http
        if not (BEGINS & places and ENDS & places):
            raise ValueError(
                "window is of {from} and {until} in the address, or in what is sent; one of them is missing"
            )

    def _require_sound_time(self) -> None:
        if self.at is None:
            return
        if self.metric is not None or self.value is not None:
            what = "a metric, whose samples carry theirs" if self.metric is not None else "a value that stands here"
            raise ValueError(f"at is not for {what}")
        is_pointer = self.http is not None or self.file is not None or self.command is not None
        if is_pointer and self.format != "json" and self.at != WHEN_ASKED:
            raise ValueError(f"at is a pointer into JSON, and the format here is {self.format}")
        if is_pointer and self.at != WHEN_ASKED and not self.at.startswith("/"):
            raise ValueError(
                f"at is a pointer such as /updated_at, or `{WHEN_ASKED}`; begin it with a slash: /{self.at}"
            )
        if self.command is not None and self.at == WHEN_ASKED:
            raise ValueError(
                "a program may print what was kept earlier, and nothing here sees that; leave at out, or give a pointer"
            )
        if self.file is not None and self.at == WHEN_ASKED:
            raise ValueError(
                "a file is of when it was written, not of when it is read; leave at out, or give a pointer"
            )

    @property
    def span(self) -> Window | None:
        """The span that a question by HTTP is about; None where it names none."""
        return Window(self.window) if self.window else None


@dataclass(frozen=True)
class KnownReading:
    """A reading that an observation asks for; `default` is how PostgreSQL answers it of itself."""

    name: str
    says: str
    default: Reading | None = None
