"""Substitution of what an environment file leaves to its surroundings: `${VARIABLE}` and `file:/path`."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from readiness.config.documents import Document, Loc, explain, read
from readiness.config.secret_places import takes_secret, wants_reference
from readiness.errors import BadEnvironment, nearest
from readiness.files import bounded_read
from readiness.redaction.secret import SHORTEST, Secret, is_date, is_secret, is_secret_parameter, names_a_secret

_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_PARAMETER = re.compile(r"[?&]([^=&#]+)=([^&#]*)")
_OPTION = re.compile(r"--?([A-Za-z][\w-]*)(?:=(.*))?")
"""Of a program, alone or with its value."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*$")
FILE = "file:"
Model = TypeVar("Model", bound=BaseModel)


@dataclass
class Filling:
    """Puts in variables and files, and turns what came from them into secrets where the model wants one."""

    document: Document
    variables: Mapping[str, str]
    model: type[BaseModel]
    """Says where a secret is wanted."""
    problems: list[str] = field(default_factory=list)
    unresolved: set[Loc] = field(default_factory=set)
    """The places whose variable or file is missing, and is among the problems."""

    def fill(self, data: Any, loc: Loc) -> Any:
        """Return the data with everything put in; what is missing is among the problems."""
        if isinstance(data, dict):
            return {key: self.fill(value, (*loc, str(key))) for key, value in data.items()}
        if isinstance(data, list):
            remember_words(data, self.variables)
            return [self.fill(value, (*loc, index)) for index, value in enumerate(data)]
        if not isinstance(data, str):
            return data
        return self._fill_text(data, loc)

    def _fill_text(self, data: str, loc: Loc) -> str | Secret:
        # A secret that is written in the file itself stays text, and the model refuses it.
        if not _VARIABLE.search(data) and not self._is_secret_file(data, loc):
            return data

        text = self._resolve(data, loc)
        if text is None:
            self.unresolved.add(loc)
            return data
        if not wants_reference(self.model, loc):
            return text

        if len(text) < SHORTEST:
            self._complain(loc, f"the secret has fewer than {SHORTEST} characters; is the variable empty?")
        elif is_date(text):
            self._complain(loc, "the secret is a date, as each record of a run has one; is it the right variable?")
        return Secret(text)

    def _resolve(self, data: str, loc: Loc) -> str | None:
        """Return the text that is meant; None, with a problem, where a variable or the file is missing."""
        missing = sorted({name for name in _VARIABLE.findall(data) if name not in self.variables})
        for name in missing:
            self._complain(loc, _missing(name, self.variables))
        if missing:
            return None

        remember_used(data, loc, self.variables)
        text = _VARIABLE.sub(lambda match: self.variables[match[1]], data)
        if not self._is_secret_file(data, loc):
            return text

        try:
            return bounded_read.read_text(Path(text.removeprefix(FILE)).expanduser()).strip()
        except (OSError, UnicodeDecodeError) as error:
            self._complain(loc, f"the file cannot be read: {error}")
            return None

    def _is_secret_file(self, data: str, loc: Loc) -> bool:
        return data.startswith(FILE) and takes_secret(self.model, loc)

    def _complain(self, loc: Loc, sentence: str) -> None:
        key = ".".join(str(part) for part in loc)
        self.problems.append(f"{self.document.where(loc)}: {key}: {sentence}")


def remember_used(text: str, loc: Loc, variables: Mapping[str, str]) -> None:
    """Remember what may be secret where the model takes plain text, so that it is masked in all output."""
    # Of an address only the parameters that name a secret are one; a header may be one whatever its name.
    is_header = "headers" in loc[:-1]
    parameters = [value for name, value in _PARAMETER.findall(text) if is_secret_parameter(name)]
    credentials = text if is_header else " ".join(parameters)
    used_as_secret = set(_VARIABLE.findall(credentials))

    for variable in _VARIABLE.findall(text):
        value = variables.get(variable, "")
        Secret(value, remembered=variable in used_as_secret or is_secret(variable, value))
        if is_header:
            _remember_decoded(text, value)


def remember_words(words: Sequence[Any], variables: Mapping[str, str]) -> None:
    """Remember what an option of a program has that names a secret: `--token=${TOKEN}`, or `--token`, `${TOKEN}`."""
    texts = [word for word in words if isinstance(word, str)]
    for word, following in zip_longest(texts, texts[1:], fillvalue=""):
        option = _OPTION.fullmatch(word)
        if option and names_a_secret(option[1]):
            value = following if option[2] is None else option[2]
            for variable in _VARIABLE.findall(value):
                Secret(variables.get(variable, ""))


def filled_where_set(text: str, variables: Mapping[str, str]) -> str:
    """Return a text with the variables that are set; the others stay as they are written."""
    return _VARIABLE.sub(lambda match: variables.get(match[1], match[0]), text)


def read_filled(path: Path, model: type[Model], variables: Mapping[str, str]) -> tuple[Model, Document]:
    """Return what a file beside an environment holds, and its document. Raises BadEnvironment with every problem."""
    document = read(path)
    if document.problems:
        raise BadEnvironment(document.problems)

    filling = Filling(document, variables, model)
    data = filling.fill(document.data, ())
    try:
        content = model.model_validate(data)
    except ValidationError as error:
        problems = filling.problems + explain(error, model, document, reported=filling.unresolved)
        raise BadEnvironment(problems) from None

    if filling.problems:
        raise BadEnvironment(filling.problems)
    return content, document


def _remember_decoded(header: str, value: str) -> None:
    """Remember what a header of basic authentication holds in base64: the user with the password, and the password."""
    if not header.lower().startswith("basic "):
        return
    try:
        credentials = base64.b64decode(value, validate=True).decode("utf-8")
    except ValueError:  # no base64, or no text: then there is no other form of it
        return
    Secret(credentials)
    Secret(credentials.partition(":")[2])


def _missing(variable: str, variables: Mapping[str, str]) -> str:
    if not _NAME.match(variable):
        return f"${{{variable}}} is not the name of a variable"

    # Of the names with another beginning none is listed: the surroundings have many, of no concern here.
    alike = [name for name in variables if name[:3] == variable[:3]]
    near = nearest(variable, sorted(alike))
    hint = f"; did you mean {near!r}?" if near else ""
    return f"the variable {variable} is not set{hint}"
