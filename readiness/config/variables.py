"""Substitution of what an environment file leaves to its surroundings: `${VARIABLE}` and `file:/path`."""

from __future__ import annotations

import base64
import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from readiness.config.documents import Document, Loc, explain, in_the_file, read
from readiness.config.secret_places import takes_secret, wants_reference, why_as_written
from readiness.errors import BadEnvironment, nearest
from readiness.files import bounded_read
from readiness.redaction.secret import SHORTEST, Secret, is_date, is_secret, is_secret_parameter, names_a_secret

_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_PARAMETER = re.compile(r"[?&]([^=&#]+)=([^&#]*)")
_OPTION = re.compile(r"--?([A-Za-z][\w-]*)(?:=(.*))?")
"""Of a program, alone or with its value."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*$")
FILE = "file:"
_WRONG_FOR_ANY_TEXT = {
    "extra_forbidden",
    "model_type",
    "model_attributes_type",
    "dict_type",
    "mapping_type",
    "list_type",
    "tuple_type",
    "set_type",
    "frozen_set_type",
}
Model = TypeVar("Model", bound=BaseModel)


@dataclass
class Filling:
    """Puts in variables and files, and turns what came from them into secrets where the model wants one."""

    document: Document
    variables: Mapping[str, str]
    model: type[BaseModel]
    """Says where a secret is wanted."""
    problems: list[str] = field(default_factory=list)
    of_surroundings: set[str] = field(default_factory=set)
    """Those of the problems that other variables, or another machine, would mend."""
    unresolved: set[Loc] = field(default_factory=set)
    """The places whose variable or file is missing, and is among the problems."""
    filled: set[Loc] = field(default_factory=set)
    """The places where a variable or a file stands: what is wrong there is the fault of what it says."""

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

        why_not = why_as_written(self.model, loc)
        if why_not:
            self._complain(loc, f"no variable may stand here: {why_not}", is_of_file=True)
            self.unresolved.add(loc)
            return data

        self.filled.add(loc)
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
            self._complain(loc, _missing(name, self.variables), is_of_file=not _NAME.match(name))
        if missing:
            return None

        remember_used(data, loc, self.variables)
        text = filled_where_set(data, self.variables)
        if not self._is_secret_file(data, loc):
            return text

        try:
            return bounded_read.read_text(Path(text.removeprefix(FILE)).expanduser()).strip()
        except (OSError, UnicodeDecodeError) as error:
            self._complain(loc, f"the file cannot be read: {error}")
            return None

    def _is_secret_file(self, data: str, loc: Loc) -> bool:
        return data.startswith(FILE) and takes_secret(self.model, loc)

    def _complain(self, loc: Loc, sentence: str, *, is_of_file: bool = False) -> None:
        key = ".".join(str(part) for part in loc)
        problem = f"{self.document.where(loc)}: {key}: {sentence}"
        self.problems.append(problem)
        if not is_of_file:
            self.of_surroundings.add(problem)

    def leave_open(self, loc: Loc, error: BadEnvironment) -> None:
        """Take over the problems of another file, of which something was to be put at a place."""
        self.problems += error.problems
        self.of_surroundings |= error.of_surroundings
        self.unresolved.add(loc)

    def refused(self, error: ValidationError, of_machine: frozenset[Loc] = frozenset()) -> BadEnvironment:
        """Return all that keeps the document from being used. At the places `of_machine` other machines may be well."""
        mistaken = self._mistaken(error)
        reported = self.unresolved | self._following(error, self.unresolved)
        problems = explain(error, self.model, self.document, reported=reported - mistaken)

        varying = self.filled | self.unresolved | self._following(error, self.filled) | of_machine
        of_file = explain(error, self.model, self.document, reported=varying - mistaken)
        of_surroundings = self.of_surroundings | ({*problems} - {*of_file})
        return BadEnvironment([*self.problems, *problems], of_surroundings)

    def _mistaken(self, error: ValidationError) -> set[Loc]:
        """Return where a variable stands that no text can be right for: a key that nobody knows, a section, a list."""
        wrong = {in_the_file(problem["loc"]) for problem in error.errors() if problem["type"] in _WRONG_FOR_ANY_TEXT}
        return wrong & self.filled

    def _following(self, error: ValidationError, places: set[Loc]) -> set[Loc]:
        """Return where something is wrong only because of what these places hold."""
        following = set()
        for problem in error.errors():
            loc = in_the_file(problem["loc"])
            around = self.document.deepest(loc)
            # A list lacks what cannot be read; and of a choice the alternatives that nobody meant are wrong, too.
            is_list = problem["type"] == "too_short"
            is_alternative = loc != around and problem["type"] != "missing"
            holds_a_place = any(place[: len(around)] == around for place in places)
            if (is_list or is_alternative) and holds_a_place:
                following.add(loc)
        return following


def unset_in(value: Any, variables: Container[str]) -> list[str]:
    """Return the names of the variables that stand in a value, or in a part of it, and are not set.

    >>> unset_in({"until": "${UNTIL}", "phases": ["${FIRST}", "smoke"]}, {"FIRST": "preflight"})
    ['UNTIL']
    """
    if isinstance(value, dict | list):
        parts = value.values() if isinstance(value, dict) else value
        return sorted({name for part in parts for name in unset_in(part, variables)})
    names = set(_VARIABLE.findall(value)) if isinstance(value, str) else set()
    return sorted(name for name in names if _NAME.match(name) and name not in variables)


def remember_used(text: str, loc: Loc, variables: Mapping[str, str]) -> None:
    """Remember what may be secret where the model takes plain text, so that it is masked in all output."""
    # Of an address only the parameters that name a secret are one; a header may be one whatever its name.
    is_header = "headers" in loc[:-1]
    is_sent_secret = "post" in loc[:-1] and any(names_a_secret(str(part)) for part in loc[loc.index("post") :])
    parameters = [value for name, value in _PARAMETER.findall(text) if is_secret_parameter(name)]
    credentials = text if is_header or is_sent_secret else " ".join(parameters)
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
    return filled(document, model, variables), document


def filled(document: Document, model: type[Model], variables: Mapping[str, str]) -> Model:
    """Return what a document beside an environment holds. Raises BadEnvironment with every problem."""
    if document.problems:
        raise BadEnvironment(document.problems)

    filling = Filling(document, variables, model)
    data = filling.fill(document.data, ())
    try:
        content = model.model_validate(data)
    except ValidationError as error:
        raise filling.refused(error) from None

    if filling.problems:
        raise BadEnvironment(filling.problems, filling.of_surroundings)
    return content


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
