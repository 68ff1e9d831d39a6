"""The page of pytest-html, beside the report of the run: with the lines of the runbook in it, and made safe.

pytest-html writes test ids, metadata and the names of extras as they are, so a branch name can run as script in its
page. Here everything is escaped, and a content security policy lets nothing run but pytest-html's own script.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import re
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from readiness.evidence.records import Result
from readiness.files import atomic_write
from readiness.plugin.deciding import CRASHED
from readiness.plugin.session import SESSION
from readiness.plugin.transfer import result_of
from readiness.redaction.redactor import REDACTOR
from readiness.rendering import diagnostics, exports, report_page
from readiness.runbook.links import is_link

HTML, PYTEST_HTML = report_page.FILE, report_page.BESIDE
STYLE = Path(str(files("readiness.rendering").joinpath("templates/pytest.css")))
COLUMNS = {"line": "Line", "gate": "Gate", "state": "Outcome", "measured": "Measured", "limit": "Limit"}
VALUES_AT_MOST = 5
_HARDENED = '<!DOCTYPE html>\n<html lang="en">'
_RESULT, _TEST, _DURATION = 0, 1, 2  # the cells of pytest-html; the fourth are links, of which there are none


class Reporting:
    """The hooks of pytest-html."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        if hasattr(config.option, "css"):
            config.option.css = [*config.option.css, str(STYLE)]

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_report_title(self, report: Any) -> None:
        """Set the title to what was judged."""
        run = self._config.stash[SESSION].run
        report.title = f"{run.environment.environment}: {run.phase}, as of {run.moment:%Y-%m-%d %H:%M}Z"

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_table_header(self, cells: list[str]) -> None:
        """Add our columns; Result stays pytest's own, because the page filters by its words."""
        own = [f'<th class="sortable" data-column-type="{key}">{title}</th>' for key, title in COLUMNS.items()]
        cells[:] = [cells[_RESULT], *own, cells[_TEST], cells[_DURATION]]

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_table_row(self, report: pytest.TestReport, cells: list[str]) -> None:
        """Fill our columns, and write the id of the test again, escaped."""
        if not cells:
            return
        result = self._result(report)
        values = _cells(result) if result else dict.fromkeys(COLUMNS, "")
        state = result.outcome.replace(" ", "-") if result else "none"
        own = []
        for key, value in values.items():
            classes = f"col-{key} state-{state}" if key == "state" else f"col-{key}"
            own.append(f'<td class="{classes}">{_text(value)}</td>')
        test = f'<td class="col-testId">{_text(report.nodeid)}</td>'
        cells[:] = [cells[_RESULT], *own, test, cells[_DURATION]]

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_table_html(self, report: pytest.TestReport, data: list[str]) -> None:
        """Show every measurement and diagnostic of a line under its row."""
        result = self._result(report)
        if result is None:
            return

        texts = [str(measurement) for measurement in result.measured()]
        # What did not pass has reason and remedy in its long text, which stands here already.
        if report.outcome == "passed":
            texts += [text for text in (result.reason, result.remedy) if text]
        for name, value in (result.diagnostics or {}).items():
            rows = diagnostics.rows(REDACTOR.plain(value))
            texts.append("\n  ".join([f"diagnostic {name}:", *rows]))

        if texts and data == ["No log output captured."]:
            del data[:]
        data.extend(f"{_text(text)}\n" for text in texts)
        if result.outcome in exports.SHOWN:
            data.extend(f"look: {_link(link)}\n" for link in result.links)

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Give the item of a crashed worker its row: pytest-html waits for an end that never comes."""
        if report.when != CRASHED:
            return
        plugins = self._config.pluginmanager.get_plugins()
        page = next((plugin for plugin in plugins if hasattr(plugin, "_process_report")), None)
        if page is None:
            return
        ended = copy.copy(report)
        ended.when = "call"
        page._process_report(ended, ended.duration, [])  # noqa: SLF001  no public way

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """Leave only facts of ours in the metadata, before -v prints it."""
        self._replace_metadata()

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Do it again: xdist's workers have added theirs."""
        self._replace_metadata()

    def _replace_metadata(self) -> None:
        """Keep out what a pipeline's variables say: pytest-html would write a branch name unescaped."""
        from pytest_metadata.plugin import metadata_key  # noqa: PLC0415  comes with pytest-html, so only here

        run = self._config.stash[SESSION].run
        facts = {
            "environment": run.environment.environment,
            "target": run.environment.target.url,
            "phase": run.phase,
            "judged as of": run.moment.isoformat(),
            "started at": run.started_at.isoformat(),
            "runbooks": ", ".join(book.runbook for book in run.runbooks),
            "pytest": pytest.__version__,
        }
        collected: dict[str, object] = self._config.stash.get(metadata_key, {})
        collected.clear()
        collected.update({name: _text(str(value)) for name, value in facts.items()})

    def _result(self, report: pytest.TestReport) -> Result | None:
        """Return what was decided for the item of a report."""
        carried = result_of(report)
        if carried:
            return carried
        decided = self._config.stash[SESSION].results
        return next((result for result in reversed(decided) if result.nodeid == report.nodeid), None)


def _cells(result: Result) -> dict[str, str]:
    """Return what our columns say of a result."""
    measurements = result.measured()
    worst_first = sorted(measurements, key=lambda measurement: measurement.ok)[:VALUES_AT_MOST]
    values = [f"{measurement.name}: {measurement.seen}" for measurement in worst_first]
    if len(measurements) > VALUES_AT_MOST:
        values.append(f"and {len(measurements) - VALUES_AT_MOST} more below")
    return {
        "line": f"{result.key.name}: {result.says}",
        "gate": ", ".join(filter(None, (result.gate, exports.urgency_of(result)))),
        "state": f"{result.outcome} (waived)" if result.waived else str(result.outcome),
        "measured": "\n".join(values) or result.reason,
        "limit": "\n".join(measurement.allowed for measurement in worst_first),
    }


def _text(text: str) -> str:
    return escape(REDACTOR.text(text))


def _link(text: str) -> str:
    shown = _text(text)
    return f'<a href="{shown}" rel="noopener noreferrer">{shown}</a>' if is_link(text) else shown


def finish_page(path: Path, report: Path) -> None:
    """Make a page of pytest-html safe, and name the report of the run in it. May be done again. Raises OSError."""
    page = path.read_text(encoding="utf-8")
    # Done before: nothing that a test or a target said stands so early in a page.
    if page.startswith(_HARDENED):
        return
    page = hardened(page).replace("</h1>", f"</h1>{_pointer(path, report)}", 1)
    atomic_write.write_whole(path, page)


def _pointer(path: Path, report: Path) -> str:
    """Return the paragraph that leads to the report of the run, where the verdict stands."""
    if path.parent.resolve() == report.parent.resolve():
        return f'<p>The verdict and every line: <a href="{report.name}">{report.name}</a></p>'
    return f"<p>The verdict and every line: {_text(str(report))}</p>"


def hardened(page: str) -> str:
    """Return a page of pytest-html with a content security policy, and with what accessibility asks for."""
    policy = f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src {_allowed_script(page)}; "
    policy += "base-uri 'none'; form-action 'none'"
    head = f'<head><meta charset="utf-8"/><meta http-equiv="Content-Security-Policy" content="{policy}">'
    page = page.replace("<html>", '<html lang="en">', 1).replace("<head>", head, 1)
    page = page.replace('<img src="" />', '<img src="" alt="" />').replace(' onclick="location.reload()"', "", 1)
    page = page.replace("<body>", "<body><main>", 1).replace("<footer>", "</main><footer>", 1)
    return re.sub(r'(<input checked="true" class="filter"[^>]*data-test-result="(\w+)")', r'\1 aria-label="\2"', page)


def _allowed_script(page: str) -> str:
    """Return the digest of pytest-html's script as a policy's source; no other script of the page is allowed."""
    own = files("pytest_html").joinpath("resources/app.js").read_text(encoding="utf-8").strip()
    for script in re.findall(r"<script>(.*?)</script>", page, re.DOTALL):
        if script.strip() == own:
            digest = hashlib.sha256(script.encode()).digest()
            return f"'sha256-{base64.b64encode(digest).decode()}'"
    return "'none'"
