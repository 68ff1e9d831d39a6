"""A program of this machine that is asked: its words, what it does to the other side, and how far it is trusted.

command: [kubectl, get, nodes, --output=json]
effect: reads
env: [KUBECONFIG]
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field, model_validator

from readiness.config.fields import STRICT, AsWritten, Seconds

SECONDS = 10.0
BYTES = 1_000_000
Word = Annotated[str, AsWritten("every user of the machine sees the words of a program; name the variable in `env:`")]
_KEYS = ("effect", "env", "seconds_at_most", "bytes_at_most")


def _program(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words of a command line. Raises ValueError for one that was meant for a shell."""
    program = words[0]
    if not program.strip() or "\0" in "".join(words):
        raise ValueError("the first word is the program, and none is empty or has a zero byte")
    if len(words) == 1 and len(program.split()) > 1:
        parts = ", ".join(program.split())
        raise ValueError(f"no shell reads this: write each word by itself, [{parts}]")
    return words


class ByCommand(BaseModel):
    """The keys of a source that is a program."""

    model_config = STRICT

    command: Annotated[tuple[Word, ...], Field(min_length=1), AfterValidator(_program)] | None = None
    """A program and its words; no shell reads them. What it prints is the answer, and it must end with status 0."""
    effect: Literal["reads"] | None = None
    """That it only reads: whoever writes it down says so, as nothing here can see what a program does."""
    env: tuple[Annotated[str, Field(pattern="^[A-Za-z_][A-Za-z0-9_]*$")], ...] = ()
    """The variables of this process that it is given, by their names; it gets no others but PATH."""
    seconds_at_most: Seconds = SECONDS
    bytes_at_most: Annotated[int, Field(gt=0, le=100_000_000)] = BYTES

    @model_validator(mode="after")
    def _states_its_effect(self) -> ByCommand:
        if self.command is not None and self.effect is None:
            raise ValueError(
                "a program may do anything: state `effect: reads` where this one only reads; no other is run"
            )
        for name in _KEYS:
            if self.command is None and name in self.model_fields_set:
                raise ValueError(f"{name} goes with command")
        return self
