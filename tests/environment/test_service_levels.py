"""Service levels in an environment file: what may stand in their queries."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from readiness.environment.service_levels import Figure, ServiceLevel, Window
from tests.environment.test_environment import GOOD, problems

SQL = "select count(*) from t where at > now() - {offset} - {window} and at <= now() - {offset}"


@pytest.mark.parametrize(
    ("level", "told"),
    [
        ("{history: {check: health.live, lin: a/b}}", "key 'lin' is not known; did you mean 'line'?"),
        ("{history: {}}", "check"),
        ("{history: {check: live}}", "'live' is not a check id such as health.live"),
        (
            "{history: {check: health.live, line: health-200}}",
            "'health-200' is not a line such as ingestion/health-200",
        ),
        ("{history: {check: health.live, measurement: ''}}", "some text is wanted"),
        (f"{{history: {{check: health.live}}, failed: {{sql: '{SQL}'}}}}", "failed belongs to a level of its own"),
        ("{}", "a level says count, or it has a history"),
    ],
)
def test_each_mistake_of_a_history_is_told(tmp_path: Path, level: str, told: str) -> None:
    found = problems(tmp_path, f"{GOOD}service_levels:\n  probes: {level}\n")
    assert len(found) == 1, found
    assert told in found[0]
    assert found[0].startswith("shop.yaml:9: service_levels.probes"), found


@pytest.mark.parametrize(
    ("figure", "told"),
    [
        ('{promql: "sum(increase(a[{windw}]))"}', "placeholder 'windw' is not known; did you mean 'window'?"),
        ('{promql: "sum(a)"}', "the query has no {window}: without it every window would give the same figure"),
        ('{promql: "sum(increase(a[{window}] offset {offset}))"}', "promql takes no {offset}"),
        ('{sql: "select count(*) from t where at > now() - {window}"}', "the query has no {offset}"),
        (f"{{sql: \"{SQL} and path = '{{path}}'\"}}", "a placeholder takes no quotes in sql"),
        (f'{{sql: "{SQL}", promql: "a[{{window}}]"}}', "a figure has one source of promql, sql and http"),
        ("{}", "a figure has one source of promql, sql and http"),
        (f'{{sql: "{SQL}"}}, latency: {{sql: "{SQL}"}}', "{quantile} stands in the query of latency"),
        (f'{{sql: "{SQL}"}}, failed: {{sql: "{SQL} and path = {{path}}"}}', "failed and count differ"),
        ('{promql: "sum(increase(a[{window}]))"}', "service_levels.orders.count needs the section prometheus"),
    ],
)
def test_each_mistake_is_told(tmp_path: Path, figure: str, told: str) -> None:
    found = problems(tmp_path, f"{GOOD}service_levels:\n  orders: {{count: {figure}}}\n")
    assert len(found) == 1, found
    assert told in found[0]
    assert found[0].startswith("shop.yaml:9: service_levels.orders"), found


def test_a_level_counts_at_least() -> None:
    with pytest.raises(ValidationError, match="count"):
        ServiceLevel.model_validate({"failed": {"sql": SQL}})


def test_spans_are_parameters_of_sql() -> None:
    figure = Figure(sql=f"{SQL} and name like 'a%' and path = {{path}}")
    statement, parameters = figure.in_sql(Window("7d", "1h", path="/x").values)
    assert statement.count("make_interval(secs => %s)") == 3
    assert "like 'a%%' and path = %s::text" in statement
    assert parameters == [3600.0, 604_800.0, 3600.0, "/x"]


@given(st.text(max_size=20))
def test_no_path_leaves_its_quotes_in_promql(path: str) -> None:
    query = Figure(promql='sum(increase(a{path="{path}"}[{window}]))').in_promql(Window("1h", path=path).values)
    inside = query.removeprefix('sum(increase(a{path="').removesuffix('"}[1h]))')
    assert inside.replace("\\\\", "").replace('\\"', "").count('"') == 0
    assert "\n" not in inside


def test_selectors_are_no_placeholders() -> None:
    figure = Figure(promql='sum(increase(a{code=~"5..", path!=""}[{window}]))')
    assert figure.in_promql(Window("30m").values) == 'sum(increase(a{code=~"5..", path!=""}[30m]))'
