# Everything runs in .venv, which `make` creates by itself.
PYTHON ?= python3
BIN := .venv/bin

# What measures times has the machine to itself. No worker may import it: it brings gevent.
ALONE := tests/loadtests tests/test_load_checks.py
OTHERS := tests $(foreach one,$(ALONE),--ignore=$(one))
# Two workers take whole files (and the fault matrix by its sandboxes); the slowest tests are told at the end, and what
# each file costs beside its budget.
TELL := --durations=30
SHARED := --numprocesses=2 --dist=loadscope --no-loadscope-reorder $(TELL)

.PHONY: setup demo check test lab lint clean

setup: .venv/ready

.venv/ready: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[sandbox,dev]'
	@touch $@

demo: setup  ## take the ingestion runbook through preflight, smoke, postlaunch and the sign-off on the sandbox
	@$(BIN)/readiness demo

# The tests start the suite a thousand times: it is to find its modules compiled.
unexport PYTHONDONTWRITEBYTECODE

# There Hypothesis tries the same examples on every machine, however busy it is.
check test: export CI := true

check: lint  ## the inner loop: lint, types, and all tests that need neither a sandbox nor the machine to themselves
	PYTHONPATH=$(CURDIR)/tests/without_servers \
	  $(BIN)/python -m pytest $(OTHERS) -m 'not servers and not workers' $(SHARED)

test: setup  ## all of the suite's own tests; what measures times has the machine to itself
	$(BIN)/python -m pytest $(ALONE) $(TELL)
	$(BIN)/python -m pytest $(OTHERS) $(SHARED)

lab: setup  ## what takes long and depends on the machine: the benchmarks, in at most 20 minutes
	$(BIN)/python -m tests.benchmarks

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf .venv
	find reports -mindepth 1 -maxdepth 1 ! -name README.md -exec rm -rf {} +
