"""pytest-html's page, made safe and useful: own columns, everything escaped, a policy without foreign script, printable.

pytest-html 4.2 writes parameter ids, metadata and cells unescaped; its Result column hides rows with words of our own.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Generator
from html import escape
from pathlib import Path
from typing import Any

import pytest

from readiness.evidence.journal import write_whole
from readiness.measurements import Measurement, show
from readiness.plugin.deciding import VERDICT
from readiness.plugin.recording import FOLDER, REDACTOR
from readiness.plugin.run import RESULTS, RUN, found_in, is_controller, is_real

COLUMNS = ("line", "gate", "measured", "limit", "outcome")
RESULT_COLUMN, ID_COLUMN, LINKS_COLUMN = 0, 1, 3
STYLE = """
body { font: 14px/1.45 system-ui, sans-serif; color: #1b1f24; max-width: 1400px; }
.verdict { border-left: 8px solid #8a6d00; padding: .6em 1em; margin: 1em 0; background: #fff8e1; }
.verdict.good { border-color: #1a7f37; background: #e9f7ec; }
.verdict.bad { border-color: #b3261e; background: #fdecea; }
.verdict h2 { margin: 0; font-size: 1.6em; }
.verdict ul { margin: .4em 0 0; }
td.col-line { overflow-wrap: anywhere; } td.col-outcome { font-weight: 600; white-space: nowrap; }
td.col-measured, td.col-limit { font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.outcome-fail { color: #b3261e; } .outcome-unknown, .outcome-not-run { color: #7a5c00; } .outcome-pass { color: #1a7f37; }
.logwrapper { max-height: none !important; } .logwrapper .log { max-height: none !important; overflow: visible !important; }
.filters label, .collapse button, #environment td { color: #1b1f24; }
@media print {
  .filters, .collapse, .additional-summary button, .logexpander { display: none !important; }
  tr { break-inside: avoid; } thead { display: table-header-group; }
  .logwrapper, .log { max-height: none !important; overflow: visible !important; white-space: pre-wrap; }
}
"""


class Reporting:
    """Hooks of pytest-html."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def pytest_html_report_title(self, report: Any) -> None:
        """Name what was judged."""
        run = self._config.stash[RUN]
        report.title = f"{run.environment.environment} {run.phase}, {run.moment:%Y-%m-%d %H:%M}Z"

    def pytest_html_results_table_header(self, cells: list[str]) -> None:
        """Add our columns; there are no links."""
        cells[LINKS_COLUMN:] = [f'<th class="sortable" data-column-type="{name}">{name}</th>' for name in COLUMNS]

    def pytest_html_results_table_row(self, report: pytest.TestReport, cells: list[str]) -> None:
        """Fill them, and write the id again, escaped."""
        if not cells:
            return
        cells[ID_COLUMN] = f'<td class="col-testId">{escape(REDACTOR.text(report.nodeid))}</td>'
        record = found_in(report)
        values = _cells(dict(record)) if record else dict.fromkeys(COLUMNS, "")
        state = values["outcome"].replace(" ", "-")
        cells[LINKS_COLUMN:] = [
            f'<td class="col-{name}{f" outcome-{state}" if name == "outcome" else ""}">{escape(REDACTOR.text(values[name]))}</td>'
            for name in COLUMNS
        ]

    def pytest_html_results_summary(self, prefix: list[str]) -> None:
        """Open with the verdict and what holds it back."""
        if VERDICT not in self._config.stash:
            return
        verdict, results = self._config.stash[VERDICT], self._config.stash[RESULTS]
        colour = "good" if verdict.good else "bad" if verdict.exit == 1 else ""
        bad = [record for record in results if record["outcome"] in {"fail", "unknown", "not run"}]
        bad.sort(key=lambda record: (record["outcome"] != "fail", record["gate"] != "blocker"))
        entries = [f"<b>{escape(_head(record))}</b> {_text(_why(record))}" for record in bad]
        entries += [f"<b>not run: {escape(line)}</b> the run ended without it" for line, _, _ in verdict.missing]
        counts = ", ".join(f"{number} {word}" for word, number in sorted(verdict.counts.items()))
        prefix.append(
            f'<div class="verdict {colour}"><h2>{escape(str(verdict.word))}</h2><p>{_text(verdict.action)}</p>'
            f"<p>{escape(counts)}</p><ul>{''.join(f'<li>{entry}</li>' for entry in entries)}</ul></div>"
        )


def _cells(record: dict[str, Any]) -> dict[str, str]:
    taken = [Measurement(**one) for one in record["measurements"]]
    subject = f":{record['subject']}" if record["subject"] else ""
    return {
        "line": f"{record['line']}{subject} - {record['says']}",
        "gate": record["gate"],
        "measured": "; ".join(f"{one.name}: {show(one.value)} {one.unit}".strip() for one in taken) or record["reason"],
        "limit": "; ".join(one.allowed for one in taken),
        "outcome": record["outcome"],
    }


def _head(record: dict[str, Any]) -> str:
    subject = f":{record['subject']}" if record["subject"] else ""
    return f"{record['outcome']}: {record['line']}{subject} ({record['gate']})"


def _why(record: dict[str, Any]) -> str:
    return f"{record['says']} - {record['reason']}. Remedy: {record['remedy']}"


def _text(text: str) -> str:
    return escape(REDACTOR.text(text))


def pytest_configure(config: pytest.Config) -> None:
    """Register the hooks where pytest-html writes a page."""
    if is_real(config) and is_controller(config) and config.pluginmanager.hasplugin("html"):
        config.pluginmanager.register(Reporting(config), "readiness-reporting")


@pytest.hookimpl(wrapper=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, None, None]:
    """Allow only facts of ours among the metadata; make the page safe once it is written."""
    config = session.config
    if FOLDER not in config.stash or not getattr(config.option, "htmlpath", None):
        return (yield)
    _metadata(config)
    result = yield
    page = Path(config.option.htmlpath)
    if page.is_file():
        write_whole(page, hardened(page.read_text(encoding="utf-8")))
    return result


def _metadata(config: pytest.Config) -> None:
    """Replace what pytest-metadata collected: variables of pipelines, branch names among them, stand there unescaped."""
    from pytest_metadata.plugin import metadata_key  # noqa: PLC0415  pytest-html brings it

    run = config.stash[RUN]
    facts = {
        "environment": run.environment.environment,
        "target": run.environment.target.url,
        "phase": str(run.phase),
        "judged as of": run.moment.isoformat(),
        "run": config.stash[FOLDER].name,
    }
    collected = config.stash[metadata_key]
    collected.clear()
    collected.update({name: _text(value) for name, value in facts.items()})


def hardened(page: str) -> str:
    """Add the policy, a language and our style; only pytest-html's own script may run, by its digest."""
    page = page.replace("</style>", f"{STYLE}</style>", 1)
    digests = [
        f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
        for script in re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    ]
    policy = f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src {' '.join(digests) or "'none'"}"
    meta = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    page = re.sub(r"<html(?![^>]*lang=)", '<html lang="en"', page, count=1)
    return re.sub(r"(<head[^>]*>)", lambda found: found[1] + meta, page, count=1)
