"""What an environment file leaves to its surroundings: `${VARIABLE}` and `file:/path`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from readiness.config.documents import Document, Loc, explain, read
from readiness.errors import BadEnvironment, not_one_of
from readiness.redaction.secret import SHORTEST, Secret, is_secret, is_secret_parameter

_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_PARAMETER = re.compile(r"[?&]([^=&#]+)=([^&#]*)")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*$")
_FILE = "file:"
Model = TypeVar("Model", bound=BaseModel)


@dataclass
class Filling:
    """Puts in variables and files, and turns what came from them into secrets where the model wants one."""

    document: Document
    variables: Mapping[str, str]
    problems: list[str] = field(default_factory=list)
    unresolved: set[Loc] = field(default_factory=set)

    def fill(self, data: Any, loc: Loc) -> Any:
        """Give the data with everything put in; what is missing is among the problems."""
        if isinstance(data, dict):
            return {key: self.fill(value, (*loc, str(key))) for key, value in data.items()}
        if isinstance(data, list):
            return [self.fill(value, (*loc, index)) for index, value in enumerate(data)]
        if not isinstance(data, str) or not (_VARIABLE.search(data) or _secret_file(data, loc)):
            return data
        text = self._text(data, loc)
        if text is None:
            self.unresolved.add(loc)
            return data
        if not _wants_secret(loc):
            return text
        if len(text) < SHORTEST:
            self._complain(loc, f"the secret has fewer than {SHORTEST} characters; is the variable empty?")
        return Secret(text)

    def _text(self, data: str, loc: Loc) -> str | None:
        missing = sorted({found for found in _VARIABLE.findall(data) if found not in self.variables})
        for variable in missing:
            self._complain(loc, _missing(variable, self.variables))
        if missing:
            return None
        self._remember(data, loc)
        text = _VARIABLE.sub(lambda found: self.variables[found[1]], data)
        if not _secret_file(data, loc):
            return text
        try:
            return Path(text.removeprefix(_FILE)).expanduser().read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            self._complain(loc, f"the file cannot be read: {error}")
            return None

    def _remember(self, data: str, loc: Loc) -> None:
        """Remember what may be secret where the model takes plain text, so that it is masked in all output."""
        within = [value for name, value in _PARAMETER.findall(data) if is_secret_parameter(name)]
        sent = set(_VARIABLE.findall(data if "headers" in loc[:-1] else " ".join(within)))
        for variable in _VARIABLE.findall(data):
            value = self.variables[variable]
            Secret(value, remembered=variable in sent or is_secret(variable, value))

    def _complain(self, loc: Loc, sentence: str) -> None:
        self.problems.append(f"{self.document.where(loc)}: {'.'.join(str(part) for part in loc)}: {sentence}")


def read_filled(path: Path, model: type[Model], variables: Mapping[str, str]) -> tuple[Model, Document]:
    """Read a file that stands beside an environment. Raises BadEnvironment with every problem."""
    document = read(path)
    if document.problems:
        raise BadEnvironment(document.problems)
    filling = Filling(document, variables)
    data = filling.fill(document.data, ())
    try:
        found = model.model_validate(data)
    except ValidationError as error:
        problems = filling.problems + explain(error, model, document, told=filling.unresolved)
        raise BadEnvironment(problems) from None
    if filling.problems:
        raise BadEnvironment(filling.problems)
    return found, document


def _missing(variable: str, variables: Mapping[str, str]) -> str:
    if not _NAME.match(variable):
        return f"${{{variable}}} is not the name of a variable"
    hint = not_one_of(variable, (name for name in variables if name[:3] == variable[:3])).partition("; ")[2]
    return f"the variable {variable} is not set" + (f"; {hint.split(' (known')[0]}" if hint else "")


def _wants_secret(loc: Loc) -> bool:
    named = loc[-1] in {"token", "key", "password", "secret"} or loc in {("postgres", "url"), ("replica", "url")}
    named = named or loc == ("drills", "restore", "server")
    return named or loc[:2] == ("notify", "urls")


def _secret_file(data: str, loc: Loc) -> bool:
    return data.startswith(_FILE) and _wants_secret(loc)
