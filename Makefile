# Everything runs in .venv, which `make` creates by itself.
PYTHON ?= python3
BIN := .venv/bin

ALONE := tests/loadtests tests/test_load_checks.py tests/test_fault_matrix.py

.PHONY: setup demo test lint clean

setup: .venv/ready .venv/tools

.venv/ready: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[sandbox,dev]'
	@touch $@

# What the sandbox and the pages' tests run beside Python. Without it the demo still runs, and names the lines it lacks.
.venv/tools: .venv/ready
	@if $(BIN)/readiness tools --fetch; then touch $@; else echo "going on without: some lines stay unknown"; fi

demo: setup  ## take the ingestion runbook through preflight, smoke, postlaunch and the sign-off on the sandbox
	@$(BIN)/readiness demo $(DEMO)

# The tests start the suite a thousand times: it is to find its modules compiled.
unexport PYTHONDONTWRITEBYTECODE

# There Hypothesis tries the same examples on every machine, however busy it is.
test: export CI := true
test: setup  ## the suite's own tests; what measures times has the machine to itself
	$(BIN)/python -m pytest tests/loadtests tests/test_load_checks.py
	$(BIN)/python -m pytest tests --numprocesses=2 --dist=loadfile $(foreach one,$(ALONE),--ignore=$(one))
	$(BIN)/python -m pytest tests/test_fault_matrix.py --numprocesses=2

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf .venv
	find reports -mindepth 1 -maxdepth 1 ! -name README.md -exec rm -rf {} +
