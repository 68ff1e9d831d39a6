"""An option that is empty is a mistake, of whichever command: an unset variable must not drop what was asked for."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import pytest

from readiness.__main__ import USAGE_ERROR, Parser, command, main, verbs
from readiness.config.command_words import empty_value


def options() -> Iterator[tuple[str, str]]:
    """Yield each command with each of its options that takes a value."""
    for verb in verbs():
        parser = Parser(prog=verb)
        command(verb).add_arguments(parser)
        for action in parser._actions:
            takes_one = action.nargs != 0 and not isinstance(action, argparse._HelpAction)
            for option in action.option_strings:
                if takes_one and option.startswith("--"):
                    yield verb, option


@pytest.mark.parametrize(("verb", "option"), list(options()))
@pytest.mark.parametrize("form", ["{} ", "{}=", "{}=\t"])
def test_an_empty_value_is_refused_by_each_command(
    verb: str,
    option: str,
    form: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    words = form.format(option).split(" ")
    assert main([verb, *words]) == USAGE_ERROR
    assert capsys.readouterr().err == (
        f"readiness: {option} is empty (is its variable set?): give it a value, or leave it out\n"
    )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["verify", "", "ga"], "the word after 'verify'"),
        ([""], "a word"),
        (["--env", "prod", " "], "the word after 'prod'"),
        (["-k", ""], "-k"),
    ],
)
def test_a_word_that_is_empty_is_told(words: list[str], names: str) -> None:
    assert empty_value(words).startswith(f"{names} is empty")


@pytest.mark.parametrize(
    "words", [[], ["prod"], ["--env=prod"], ["-o", "addopts="], ["--override-ini=addopts="], ["-"]]
)
def test_what_is_not_empty(words: list[str]) -> None:
    assert empty_value(words) == ""
