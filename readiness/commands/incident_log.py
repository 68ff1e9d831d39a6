"""`readiness incident-log`: the template of an incident report, with the fields of the runbook's own document."""

from __future__ import annotations

import argparse

from readiness.commands import add_env, add_environments
from readiness.errors import BadInput, not_one_of
from readiness.rendering.terminal import say
from readiness.runbook import editing
from readiness.runbook.document_facts import template
from readiness.runbook.lines import Runbook

HELP = "print the template of an incident report, with the fields that the runbook asks for"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    add_env(parser)
    parser.add_argument("--runbook", metavar="NAME", help="whose template, where the environment follows several")
    add_environments(parser)


def run(options: argparse.Namespace) -> int:
    """Print the template and return 0. Raises BadInput."""
    runbooks, _ = editing.runbooks_of(options.env, options.environments)
    book = _with_a_template(runbooks, options.runbook)
    for line in template(book.title, book.incident_report).splitlines():
        say(line)
    return 0


def _with_a_template(runbooks: list[Runbook], name: str | None) -> Runbook:
    """Return the runbook that is meant. Raises BadInput where none, or more than one, has a template."""
    by_name = {book.runbook: book for book in runbooks}
    if name is not None and name not in by_name:
        raise BadInput([f"--runbook {not_one_of(name, by_name)}"])

    wanted = [by_name[name]] if name else runbooks
    with_a_template = [book for book in wanted if book.incident_report]
    if not with_a_template:
        names = ", ".join(book.runbook for book in wanted)
        raise BadInput([f"{names}: states no incident_report; write one into the runbook: field: what stands there"])
    if len(with_a_template) > 1:
        names = " or ".join(book.runbook for book in with_a_template)
        raise BadInput([f"several runbooks have a template; write --runbook {names}"])
    return with_a_template[0]
