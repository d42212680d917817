# make help lists what there is. PORT, DATA and PYTHON can be given: make run PORT=5055 DATA=/tmp/x
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
# The flask command would read .env by itself, beside our one way to read settings.
export FLASK_SKIP_DOTENV := 1

PYTHON ?= python3
PORT ?= 5000
DATA ?= instance
VENV := .venv
BIN := $(VENV)/bin
RUN_STAMP := $(VENV)/.run-ready
DEV_STAMP := $(VENV)/.dev-ready
CODE := medical_ai tests app.py db.py gunicorn_config.py

.PHONY: help run test test-host release check lint fix migrate demo e2e bench bench-audit bench-backup lock docs screenshots triage-eval clean

help: ## List the targets
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## */\t/' | expand -t 14

run: $(RUN_STAMP) ## Install, create the database, start web and worker with demo data
	@$(BIN)/python -m medical_ai.ops.local --port $(PORT) --data $(DATA)

test: $(DEV_STAMP) ## Install what the tests need and run all of them
	@deploy/system-packages.sh test
	@deploy/test-tools.sh
	@$(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

test-host: $(DEV_STAMP) ## Boot a server and live with it: needs root and systemd-nspawn. SHORT=1: a part
	@deploy/system-packages.sh host
	@$(BIN)/python -m pytest tests/host $(if $(SHORT),-m "not long") $(ARGS)

release: $(DEV_STAMP) ## Build dist/medical-ai-<version>.tar.gz with its packages, SBOM and checksums
	@deploy/release.sh

check: lint test ## What CI runs

lint: $(DEV_STAMP) ## Style, types, complexity, imports, secrets, dead code
	@$(BIN)/ruff check $(CODE)
	@$(BIN)/ruff format --check $(CODE)
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/xenon --max-absolute B --max-modules A --max-average A medical_ai
	@$(BIN)/vulture
	@$(BIN)/deptry .
	@$(BIN)/codespell
	@$(BIN)/bandit -q -ll -r medical_ai -c pyproject.toml
	@$(BIN)/python -m tests.tools.secrets_scan
	@$(BIN)/python -m medical_ai.ops.documentation --check

fix: $(DEV_STAMP) ## Let the tools mend what they can
	@$(BIN)/ruff check --fix $(CODE)
	@$(BIN)/ruff format $(CODE)

migrate: $(RUN_STAMP) ## Create or upgrade the tables of the configured database
	@$(BIN)/python db.py

demo: $(RUN_STAMP) ## Create the demo people and print their logins
	@$(BIN)/flask --app app demo

e2e: $(DEV_STAMP) ## The journeys in a real browser
	@deploy/system-packages.sh test
	@deploy/test-tools.sh
	@$(BIN)/python -m pytest tests/browser $(ARGS)

bench: $(DEV_STAMP) ## Cost of a request beside a bare Flask constant
	@deploy/system-packages.sh test
	@$(BIN)/python -m tests.benchmarks.requests

bench-audit: $(DEV_STAMP) ## How fast the audit log is sealed and verified: EVENTS=1000000
	@deploy/system-packages.sh test
	@$(BIN)/python -m tests.benchmarks.audit

bench-backup: $(DEV_STAMP) ## How long a backup, a restore and its proof take: ROWS=1000000
	@deploy/system-packages.sh test
	@$(BIN)/python -m tests.benchmarks.backup

triage-eval: $(DEV_STAMP) ## Measure red-flag triage: make triage-eval FILES="a.json b.json"
	@$(BIN)/python tests/benchmarks/triage_eval.py $(FILES)

docs: $(DEV_STAMP) ## Write the generated pages of docs/
	@$(BIN)/python -m medical_ai.ops.documentation

screenshots: $(DEV_STAMP) ## Take the README's pictures
	@deploy/system-packages.sh test
	@$(BIN)/python -m tests.tools.screenshots

lock: $(DEV_STAMP) ## Resolve and hash the requirements anew
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-header --no-emit-index-url --no-emit-find-links pyproject.toml -o requirements.txt
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-header --no-emit-index-url --no-emit-find-links --extra dev -c requirements.txt pyproject.toml -o requirements-dev.txt

clean: ## Remove the environment and caches; data stays
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

$(VENV)/bin/python:
	@deploy/system-packages.sh run
	@$(PYTHON) -m venv $(VENV)

$(RUN_STAMP): $(VENV)/bin/python requirements.txt
	@echo "Installing the packages of requirements.txt (about half a minute) …"
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

$(DEV_STAMP): $(VENV)/bin/python requirements-dev.txt
	@echo "Installing the packages of requirements-dev.txt (about a minute) …"
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $(RUN_STAMP) $@
