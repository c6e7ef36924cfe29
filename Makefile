# Each of demo, test, bench and lint sets itself up: python3 (3.11 or newer), a C compiler and make are enough.

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
VENV ?= .venv
DEMO ?= demo
PYTEST_ARGS ?= -n auto --maxprocesses 8
BIN := $(VENV)/bin
# uv, where there is one, installs in a fifth of the time.
INSTALL = $(if $(shell command -v uv),uv pip install --quiet --python $(BIN)/python,$(BIN)/python -m pip install --quiet --disable-pip-version-check)

# CPython 3.13 dropped a call that durable_rules still makes under its old name, and new compilers refuse undeclared calls.
export CFLAGS := $(CFLAGS) $(shell $(or $(PYTHON),false) -c \
	'import sys; print("-DPyEval_CallObject=PyObject_CallObject" if sys.version_info >= (3, 13) else "")' 2>/dev/null)

.PHONY: demo test test-tryton-70 bench lint docs clean cflags

demo: $(VENV)/.ready-base  ## The main job on a sample CRM in files: pull, decide, plan, apply, again, undo
	$(BIN)/crmrules demo $(DEMO)

test: $(VENV)/.ready-test  ## All tests
	$(BIN)/python -m pytest $(PYTEST_ARGS)

test-tryton-70: $(VENV)/.ready-test  ## The tests of the Tryton connector once more, on a server of series 7.0
	CRMRULES_TRYTON=7.0 $(BIN)/python -m pytest $(PYTEST_ARGS) tests/connectors/tryton

mutation: $(VENV)/.ready-base  ## The mutation score of b2b-core; some ten minutes
	$(BIN)/crmrules ruleset coverage rulesets/b2b-core --mutate --least 0.8

bench: $(VENV)/.ready-bench  ## Measure against peers on the same work; a few minutes
	$(BIN)/python -m benchmarks

lint: $(VENV)/.ready-lint  ## Style, types and floors; and our own rulesets by our own tools
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	printf '%s\n' rulesets/*/ | xargs -P 2 -n 1 sh -ec '$(BIN)/crmrules ruleset fmt --check "$$0"; $(BIN)/crmrules ruleset lint --fail-on warning "$$0"'

docs: $(VENV)/.ready-base  ## Write the generated pages again
	$(BIN)/python docs/generate_cli.py
	$(BIN)/python docs/generate.py rulesets

cflags:  ## What a C compiler must be told for durable_rules on this Python
	@echo $(CFLAGS)

clean:  ## Forget the environment and what was built
	rm -rf $(VENV) dist build demo

$(VENV)/.ready-base: pyproject.toml | $(BIN)/pip
	$(INSTALL) --editable .
	@touch $@

$(VENV)/.ready-test $(VENV)/.ready-lint $(VENV)/.ready-bench: $(VENV)/.ready-%: pyproject.toml | $(BIN)/pip
	$(INSTALL) --editable '.[test,$*]'
	@touch $@

$(BIN)/pip:
	@test -n "$(PYTHON)" || { echo "crmrules needs Python 3.11 or newer: make PYTHON=/path/to/python3" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
