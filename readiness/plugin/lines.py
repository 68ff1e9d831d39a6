"""One runbook line is one pytest item; what does not fit is reported at once, before anything is contacted."""

from __future__ import annotations

import gc
import inspect
import typing
from collections.abc import Iterable, Iterator
from typing import cast

import pytest

from readiness.errors import BadRunbook, meant
from readiness.observations import LINE, OBSERVATIONS, RESERVED
from readiness.outcomes import STATES_NO, Effect, NotConfigured, Outcome, Phase
from readiness.plugin import judging_ahead
from readiness.plugin.catalogue import Catalogue
from readiness.plugin.neutral_limits import compared_where_stated
from readiness.plugin.options import known_environments
from readiness.plugin.own_fixtures import overridden
from readiness.plugin.run import UNDECIDED, Predecided, Run, check_id
from readiness.plugin.session import SESSION, STATE, ItemState, is_controller
from readiness.runbook.limit_examples import example_of
from readiness.runbook.limits import Limits
from readiness.runbook.lines import Item, limits_of, planned_checks
from readiness.runbook.overrides import OwnLimits, overrides_of, unexplained
from readiness.timeline import AFTER_SIGN_OFF, parse_offset
from readiness.verdict import DECIDING

PARAMETER = "item_of_line"
GIVEN = {"limits", "measure"}
PROBLEMS = pytest.StashKey[list[str]]()
REFUSED = pytest.StashKey[bool]()
"""On the controller: the lines do not fit. Pytest finishes the collection all the same."""
LIMITS_LACK = pytest.StashKey[NotConfigured]()
"""On a pytest item: the limits that its line would have to state."""
REFUSED_MARKS = {"skip", "skipif", "xfail"}


@pytest.fixture
def item_of_line(request: pytest.FixtureRequest) -> Item:
    """Return the line, and the one thing of it, that is decided."""
    item: Item = request.param
    return item


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make an item of each line that names the check."""
    if PARAMETER not in metafunc.fixturenames or SESSION not in metafunc.config.stash:
        return
    run = metafunc.config.stash[SESSION].run
    items = run.items_of(check_id(metafunc.module.__name__, metafunc.function.__name__))
    if items:
        metafunc.parametrize(PARAMETER, items, ids=[run.local_id(item) for item in items], indirect=True)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Connect each item with its line, limits and phases; everything that does not fit is reported at once."""
    checks = [item for item in items if PARAMETER in getattr(item, "fixturenames", ())]
    problems: list[str] = []
    if SESSION in config.stash:
        problems = list(_connect(config, checks))
        # A check that no line of the run names is left out; a test that decides no line runs as it is.
        items[:] = [item for item in items if item not in checks or STATE in item.stash]
    elif checks:
        names = ", ".join(known_environments(config)) or "none yet: copy environments/example.yaml"
        problems = [f"name an environment: --env NAME (known: {names})"]

    problems = list(dict.fromkeys(problems))
    if problems and is_controller(config):
        config.stash[REFUSED] = True
        items.clear()
        raise pytest.UsageError("\n".join(problems))
    if problems:
        # Pytest would lose an error of a worker: `workers` hands them over to the controller.
        config.stash[PROBLEMS] = problems
        items.clear()


@pytest.hookimpl(trylast=True, specname="pytest_collection_modifyitems")
def leave_out_other_phases(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what `-m` selects of another phase: `preflight or not slow` says more than a run judges."""
    phase = config.stash[SESSION].run.phase if SESSION in config.stash else None
    if phase is None:
        return
    items[:] = [item for item in items if STATE not in item.stash or phase in item.stash[STATE].item.line.phase]


def _connect(config: pytest.Config, checks: Iterable[pytest.Item]) -> Iterator[str]:
    """Connect the checks with the lines of the run. Yields what does not fit."""
    run = config.stash[SESSION].run
    parametrised = [item for item in checks if isinstance(item, pytest.Function) and hasattr(item, "callspec")]
    of_lines = [item for item in parametrised if set(item.callspec.params) == {PARAMETER}]
    yield from _repeated(parametrised)
    for item in of_lines:
        yield from _fit(run, item)
    yield from _without_a_check(run, Catalogue(config, of_lines))


def _repeated(checks: Iterable[pytest.Function]) -> Iterator[str]:
    """Yield that checks have parameters beside their line; once, because one option does it to all of them."""
    parameters = {name: check for check in checks for name in check.callspec.params if name != PARAMETER}
    if parameters:
        name, check = parameters.popitem()
        yield (
            f"{check.location[0]}::{check.originalname} is repeated, by the parameter {name}: a line is judged once; "
            "leave out the option or the mark that repeats it (such as --count, --flake-finder)"
        )


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Keep the garbage collector from the items: they stay as long as the run."""
    gc.freeze()


def _fit(run: Run, node: pytest.Function) -> Iterator[str]:
    """Connect one pytest item with its line. Yields what does not fit."""
    item = cast("Item", node.callspec.params[PARAMETER])
    state = node.stash[STATE] = ItemState(item)
    where = f"{node.location[0]}::{node.originalname}"
    yield from _marks(node, item, where)
    yield from (f"{where}: {problem}" for problem in overridden(node, GIVEN | {PARAMETER}))
    yield from _id(run, node, item)

    model = Limits
    try:
        model = typing.get_type_hints(node.obj).get("limits", Limits)
    except NameError as error:
        yield f"{where}: an annotation cannot be read: {error}"
    yield from _arguments(node, item, model, where)

    missing = [name for name, field in model.model_fields.items() if field.is_required() and name not in item.limits]
    if item.check not in planned_checks():
        try:
            state.limits = limits_of(item, model)
        except BadRunbook as error:
            # A limit that is missing makes the line unknown, and not the runbook wrong.
            yield from (problem for problem in error.problems if not problem.endswith("is missing"))
        yield from judging_ahead.connect(state, node, model)
        yield from _overrides(run, state, OwnLimits.of(model, _neutral(node, item, model)))
    state.limits_lack = _limits_lack(item, missing)
    state.predecided = _predecided(run, item, state.limits_lack)


def _neutral(node: pytest.Function, item: Item, model: type[Limits]) -> Iterator[str]:
    """Yield the limits of a check without which nothing is looked at or compared in their place."""
    overlaid = item.line.overlaid
    if overlaid is None or item.check not in overlaid.stated:
        return
    looks = [OBSERVATIONS[name] for name in inspect.signature(node.obj).parameters if name in OBSERVATIONS]
    looked_at = {name for look in looks for name in look.limit_names}
    for name in compared_where_stated(node.obj) - looked_at:
        if name in model.model_fields and model.model_fields[name].default is None:
            yield name


def _overrides(run: Run, state: ItemState, own: OwnLimits) -> Iterator[str]:
    """Note what the environment states otherwise than the line. Yields what demands less and says no word why."""
    overrides = list(overrides_of(state.item, run.moment, own))
    state.overrides = tuple(overrides)
    if run.environment.production and state.item.line.gate in DECIDING:
        yield from unexplained(state.item, overrides)


def _marks(node: pytest.Function, item: Item, where: str) -> Iterator[str]:
    """Leave an item only the phases of its line, so that `-m` selects by the line. Yields what does not fit."""
    phases = set(Phase)
    marked = {mark.name for mark in node.own_markers} & phases
    for phase in item.line.phase:
        if phase not in marked:
            names = ", ".join(sorted(marked)) or "none"
            yield f"{item.line_id} wants the phase {phase}; {where} is marked for {names}"
    node.own_markers[:] = [mark for mark in node.own_markers if mark.name not in phases or mark.name in item.line.phase]

    for mark in node.iter_markers():
        if mark.name in REFUSED_MARKS:
            yield f"{where}: {mark.name} is not allowed on a check; see not_applicable in the environment file"


def _id(run: Run, node: pytest.Function, item: Item) -> Iterator[str]:
    """Yield that the node id does not lead back to the decision: its reports would be those of nobody."""
    if run.phase is not None and run.phase not in item.line.phase:
        return
    decided = run.item_of(node.nodeid)
    if decided is None or decided.key != item.key:
        yield f"{item.name}: pytest calls it {node.nodeid}; does a setting or a plugin change its ids? leave it out"


def _limits_lack(item: Item, missing: list[str]) -> NotConfigured | None:
    """Return what a line that is short of limits says, in the plan as in the run; None where it has them all."""
    if not missing or item.check in planned_checks():
        return None
    keys = ", ".join(missing)
    limits = ", ".join(f"{key}: ..." for key in missing)
    stated = limits if len(item.line.decided_by) == 1 else f"{item.check}: {{{limits}}}"
    remedy = f"state it in the environment file: lines: {{{item.line_id}: {{{stated}}}}}"
    example = example_of(item.check, missing)
    return NotConfigured(f"{STATES_NO}{keys}", f"{remedy}, such as {example}" if example else remedy)


def _predecided(run: Run, item: Item, lack: NotConfigured | None) -> Predecided | None:
    """Return the outcome of what needs no observation: not due yet, not applicable here, or short of a limit."""
    reason = run.environment.not_applicable.get(item.line_id)
    if reason:
        return Predecided(Outcome.NOT_APPLICABLE, reason)
    if not run.due(item):
        return _later(run, item.line.due or "")
    if lack:
        return Predecided(Outcome.UNKNOWN, lack.reason, lack.remedy, configured=False)
    return None


def _later(run: Run, due: str) -> Predecided:
    """Return that a line is not due, and where that can be said, by which command it is judged before its time."""
    launch = run.environment.launch_at
    if due == AFTER_SIGN_OFF or launch is None:
        return Predecided(Outcome.NOT_DUE, f"due {due}", "nothing to do until then")
    reason = f"due {due}, that is {launch + parse_offset(due):%Y-%m-%d %H:%M}Z"
    return Predecided(Outcome.NOT_DUE, reason, f"judge it as it must stand then with --as-of={due}")


def _arguments(node: pytest.Function, item: Item, model: type[Limits], where: str) -> Iterator[str]:
    """Check that all arguments of a check are observations whose needs can be met. Yields what does not fit."""
    effects = {str(mark.args[0]) for mark in node.iter_markers("effect") if mark.args}
    for name in inspect.signature(node.obj).parameters:
        if name in GIVEN:
            continue
        if name not in OBSERVATIONS:
            yield f"{where}: observation {meant(name, OBSERVATIONS)}"
            continue

        observation = OBSERVATIONS[name]
        for parameter in observation.parameters:
            if parameter in RESERVED and parameter in model.model_fields:
                given = f"{name} is given something else by that name"
                yield f"{where}: {model.__name__} calls a limit {parameter}; {given}"
        for limit in observation.limit_names:
            if limit not in model.model_fields:
                yield f"{where}: the observation {name} needs the limit {limit}, and {model.__name__} has none"

        effect = observation.effect
        if effect is not Effect.READ and effect not in effects:
            yield f'{where}: the observation {name} has an effect; mark the check @pytest.mark.effect("{effect}")'

    yield from _diagnostics(item, model)


def _diagnostics(item: Item, model: type[Limits]) -> Iterator[str]:
    """Check that the diagnostics of a line exist, only read, and need no limit that the check has not."""
    # A diagnostic is asked for without the line, see `diagnosing`; a limit that is called so would not arrive.
    offered = model.model_fields.keys() - {LINE}
    for name in item.line.diagnostics:
        observation = OBSERVATIONS.get(name)
        if observation is None:
            yield f"{item.line_id}: diagnostics: observation {meant(name, OBSERVATIONS)}"
            continue
        has_effect = observation.effect is not Effect.READ
        lacking = set(observation.arguments) - offered
        if has_effect or lacking:
            reason = f"has an effect or needs a limit that {item.check} has not; name one that does neither"
            yield f"{item.line_id}: diagnostics: {name} {reason}"


def _without_a_check(run: Run, catalogue: Catalogue) -> Iterator[str]:
    """Yield the lines whose check does not exist. One that is only planned is decided by a check that says so."""
    for book in run.runbooks:
        for item in book.items():
            is_planned = item.check in planned_checks() and UNDECIDED in catalogue
            if not is_planned and item.check not in catalogue:
                yield f"{item.line_id}: check {meant(item.check, catalogue.ids)}"
