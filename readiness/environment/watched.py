"""An environment that tells which of its keys are read: what a look read, its answer may rest on, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, PrivateAttr

from readiness.environment.normal_form import ENTRIES
from readiness.environment.schema import Environment

Entry = TypeVar("Entry", bound=BaseModel)
Note = Callable[[str], None]
"""Takes the path of a key that is read, in the thread that reads it."""
_ASKS = {"sql": "postgres", "metric": "metrics", "promql": "prometheus"}
"""The key of a source → the section of the system that it asks."""


class WatchedEnvironment(Environment):
    """The same environment; who reads a key of it is noted, also where the key is not stated."""

    _note: Note = PrivateAttr()
    _entries: dict[str, Mapping[str, Any]] = PrivateAttr(default_factory=dict)

    @classmethod
    def of(cls, environment: Environment, note: Note) -> WatchedEnvironment:
        """Return an environment that tells `note` what is read of it."""
        watched = cls.model_construct(**{name: getattr(environment, name) for name in Environment.model_fields})
        watched._note = note  # noqa: SLF001  it is its own
        watched._entries = {  # noqa: SLF001  they are its own
            name: _Entries(name, getattr(environment, name), note) for name in ENTRIES
        }
        return watched

    def __getattribute__(self, name: str) -> Any:
        """Return a field, and note it; of what holds many things each is noted as it is read."""
        if name not in Environment.model_fields:
            return super().__getattribute__(name)
        if name in ENTRIES:
            return self._entries[name]
        self._note(name)
        return super().__getattribute__(name)


class _Entries(Mapping[str, Entry], Generic[Entry]):
    """Entries by their names; who asks for one is noted, with the system that it asks itself."""

    def __init__(self, key: str, entries: Mapping[str, Entry], note: Note) -> None:
        self._key = key
        self._named = entries
        self._note = note

    def __getitem__(self, name: str) -> Entry:
        self._note(f"{self._key}.{name}")
        entry = self._named[name]
        self._note_systems(entry)
        return entry

    def get(self, name: str, default: Any = None) -> Any:
        """Return an entry, or what stands in for it: that asks a system too."""
        self._note(f"{self._key}.{name}")
        entry = self._named.get(name, default)
        self._note_systems(entry)
        return entry

    def __iter__(self) -> Iterator[str]:
        self._note(self._key)
        return iter(self._named)

    def __len__(self) -> int:
        self._note(self._key)
        return len(self._named)

    def _note_systems(self, entry: object) -> None:
        if isinstance(entry, BaseModel):
            for key in _stated_keys(entry):
                if key in _ASKS:
                    self._note(_ASKS[key])


def _stated_keys(model: BaseModel) -> Iterator[str]:
    """Yield each key that is stated in a model, and in those within it."""
    for name, value in model:
        if value is not None:
            yield name
        if isinstance(value, BaseModel):
            yield from _stated_keys(value)
