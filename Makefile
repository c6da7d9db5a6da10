# Every target sets up what it needs; a second run finds it in place.
PYTHON ?= python3
VENV := .venv/bin
UP_FLAGS ?=
BENCH ?=
T ?= tests
.DEFAULT_GOAL := help
.PHONY: help up down status doctor walk check test prove bench lock .venv runtime clean

help:              ## this list
	@sed -n 's/^\([a-z.]*\):.*## /\1\t/p' Makefile | expand -t 12

up: runtime        ## start everything (UP_FLAGS="--demo ..."), see `.venv/bin/marque up --help`
	@$(VENV)/marque up $(UP_FLAGS)

down: runtime      ## stop everything, keep the data
	@$(VENV)/marque down

status: runtime    ## what runs, and where
	@$(VENV)/marque status

doctor: runtime    ## what is wrong with this machine or set-up
	@$(VENV)/marque doctor

walk: .venv        ## the synthetic person walks through the running product
	@$(VENV)/marque walk

check: .venv       ## format, lint, types, import rules, house rules: all of them, then the verdict
	@$(VENV)/python tools/check.py

test: .venv        ## the test suite (T=tests/ledger for a part)
	$(VENV)/pytest -n 2 --dist loadfile -m "not prove" $(T)

prove: .venv       ## the long proofs
	$(VENV)/pytest -m prove $(T)

bench: .venv       ## the benchmarks (BENCH="ledger ..." for some)
	$(VENV)/python -m bench $(BENCH)

.venv:             ## development environment and front end
	@$(PYTHON) tools/bootstrap.py dev

runtime:
	@$(PYTHON) tools/bootstrap.py runtime

COMPILE := $(VENV)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url \
  --python-version 3.11 --custom-compile-command "make lock" $(LOCK_FLAGS)
lock: .venv        ## write the lock files anew (LOCK_FLAGS="--upgrade" for newer versions)
	$(COMPILE) pyproject.toml -o requirements.lock
	$(COMPILE) pyproject.toml --extra dev -c requirements.lock -o requirements-dev.lock
	$(COMPILE) --group setup -o requirements-setup.lock
	$(COMPILE) --group node -o requirements-node.lock
	npm install --package-lock-only --ignore-scripts --no-audit --no-fund

clean:             ## remove what was built; data of `make up` stays
	rm -rf .venv node_modules themes/*/static/vendor themes/*/documents/fonts build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
