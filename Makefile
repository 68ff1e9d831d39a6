# Everything runs in .venv, which `make` creates by itself.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

# Rehearsals take a few seconds each, and wait for most of them: six at a time, and nothing else beside them. What
# brings gevent has a process of its own, because a worker of xdist does not live with it.
GEVENT := tests/loadtests/test_client.py tests/loadtests/test_connection.py tests/loadtests/test_opening.py
REHEARSALS := tests/loadtests $(foreach one,$(GEVENT),--ignore=$(one))
OTHERS := tests --ignore=tests/loadtests
# Workers take whole files (and the fault matrix by its sandboxes). In `make test` three of them begin with the matrix,
# where each waits for half of the time, so that one more has work meanwhile; a fifth only pushes the others out of the
# processor's caches. The slowest tests are told at the end, and what each file costs beside its budget. The folders of
# tests that passed go at once: they may be in memory.
TELL := --durations=30 --override-ini=tmp_path_retention_policy=failed
BY_FILE := --dist=loadscope --no-loadscope-reorder $(TELL)
WAITING := --numprocesses=6 --dist=worksteal $(TELL)

# What other people's plugins need and requirements.lock has: it is there already where they are tried.
IN_BOTH := colorama exceptiongroup iniconfig markupsafe packaging pluggy pygments pytest tomli typing-extensions

.PHONY: setup lock latest demo check test lab lint clean

setup: $(VENV)/ready $(VENV)/tools  ## what requirements.lock says, this folder as editable, and the outside programs

$(VENV)/ready: requirements.lock pyproject.toml setup.py
	$(PYTHON) -m venv $(VENV)
	$(PIP) --require-hashes --requirement requirements.lock
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

# What the sandbox and the pages' tests run beside Python. Without it the demo still runs, and names the lines it lacks.
$(VENV)/tools: $(VENV)/ready
	@if $(BIN)/readiness tools --fetch; then touch $@; else echo "going on without: some lines stay unknown"; fi
	@$(BIN)/python -m tests.beside || echo "going on without: tests/plugin/test_other_plugins.py will ask for them again"

lock:  ## write requirements.lock anew: the newest releases that pyproject.toml allows, for every platform
	$(PYTHON) -m venv --clear .venv-lock
	.venv-lock/bin/python -m pip install --quiet --disable-pip-version-check uv
	.venv-lock/bin/uv pip compile --no-config --quiet --upgrade --universal --python-version 3.11 --all-extras \
	  --generate-hashes --custom-compile-command 'make lock' --output-file requirements.lock pyproject.toml
	.venv-lock/bin/uv pip compile --no-config --quiet --upgrade --universal --python-version 3.11 --group beside \
	  --constraint requirements.lock $(foreach one,$(IN_BOTH),--no-emit-package $(one)) \
	  --generate-hashes --custom-compile-command 'make lock' --output-file requirements-beside.lock
	rm -rf .venv-lock

latest:  ## the tests with the newest releases that pyproject.toml allows, whatever the lock says
	$(PYTHON) -m venv --clear .venv-latest
	.venv-latest/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[sandbox,dev]'
	@touch .venv-latest/ready
	$(MAKE) check test VENV=.venv-latest

demo: setup  ## take the ingestion runbook through preflight, smoke, postlaunch and the sign-off on the sandbox
	@$(BIN)/readiness demo $(DEMO)

# The tests start the suite a thousand times: it is to find its modules compiled.
unexport PYTHONDONTWRITEBYTECODE

# There Hypothesis tries the same examples on every machine, however busy it is.
check test: export CI := true

check: lint  ## the inner loop: lint, types, and all tests that need no sandbox, no installation and no whole run
	PYTHONPATH=$(CURDIR)/tests/without_servers \
	  $(BIN)/python -m pytest $(OTHERS) -m 'not servers and not runs and not installed' --numprocesses=3 $(BY_FILE)

test: setup  ## all of the suite's own tests; rehearsals have the machine to themselves
	$(BIN)/python -m pytest $(GEVENT) $(TELL)
	$(BIN)/python -m pytest $(REHEARSALS) $(WAITING)
	$(BIN)/python -m pytest $(OTHERS) --numprocesses=4 $(BY_FILE)

# What the benchmarks of `make lab` may take together.
MINUTES ?= 20

lab: setup  ## what takes long and depends on the machine: the benchmarks, in at most MINUTES; and third-party software
	@$(BIN)/readiness tools --fetch --only pgbouncer || echo "going on without: the tests of PgBouncer are skipped"
	$(BIN)/python -m pytest tests/on_production/test_pgbouncer.py
	$(BIN)/python -m tests.benchmarks --minutes $(MINUTES)

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf .venv .venv-latest .venv-lock
	find reports -mindepth 1 -maxdepth 1 ! -name README.md -exec rm -rf {} +
