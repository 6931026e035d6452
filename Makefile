# What is run around the code; `make` alone lists it. Needs Python 3.11 or later and nothing else.
# Nothing is installed outside .venv, and only what the locks name, checked by hash.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq

# A finished setup leaves a stamp named after what it installed, so a second one costs nothing.
SUM := $(firstword $(shell cat requirements*.lock pyproject.toml hatch_build.py \
    browser/package-lock.json | cksum))
DEV := .venv/.dev-$(SUM)
# The demo is content with its own shorter lock, and with the developers', which contains it.
DEMO := $(or $(wildcard $(DEV)),.venv/.demo-$(SUM))

# Images of Python often forbid bytecode; pytest would compile its plugins again at every start.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup demo test check stats format load bench fraud-bench screenshots lock clean
.DEFAULT_GOAL := help

help: ## This list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1	\2/p' $(MAKEFILE_LIST) | expand -t 16

setup: $(DEV) ## .venv with everything the locks name; the other targets do it by themselves

demo: $(DEMO) ## The service with its own Postgres and Valkey [PORT= DATA= CROWD= STAGE=review]
	@$(BIN)/voting-service demo $(if $(PORT),--port $(PORT)) \
	    $(if $(OFFICE_PORT),--console-port $(OFFICE_PORT)) \
	    $(if $(DATA),--data '$(DATA)') $(if $(CROWD),--crowd $(CROWD)) \
	    $(if $(STAGE),--stage $(STAGE))

test: $(DEV) ## Every test, real servers and browsers included [TESTS=tests/project]
	@$(BIN)/python tests/browser/find_browsers.py
	$(BIN)/pytest $(or $(TESTS),-p tests.forks --forks 4)

MANIFESTS := $(filter-out %/kustomization.yaml,$(wildcard deploy/kubernetes/*/*.yaml))

check: $(DEV) ## Formatting, lint, types, import contracts, migrations, what deploy/ and the image hold
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/squawk $(wildcard migrations/*/*.sql migrations/*/*/*.sql)
	$(BIN)/pytest tests/project/test_migration_files.py
	$(BIN)/hadolint Dockerfile
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec compose.yaml
	$(BIN)/kubernetes-validate --strict --quiet $(MANIFESTS)
	bash -n .ci/run

stats: $(DEV) ## The code in figures, beside those of a revision [BASE=7e8e2b0 LIST='late imports']
	@$(BIN)/python -m tests.project.stats '$(BASE)' '$(LIST)'

format: $(DEV) ## Formats the code and mends what lint can mend
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

load: $(DEV) ## Locust against a demo it starts: table here, report in loadtests/ [ARGS=--help]
	$(BIN)/python -m loadtests.load $(ARGS)

bench: $(DEV) ## The benchmark table, side by side with a bare endpoint [ARGS=--help]
	$(BIN)/python -m loadtests.bench $(ARGS)

fraud-bench: $(DEV) ## The fraud benchmark; goes on where it was interrupted [ARGS=--quick]
	$(BIN)/python -m loadtests.fraud $(ARGS)

screenshots: $(DEV) ## The main pages as pictures in docs/screenshots, from a demo it starts
	@$(BIN)/python tests/browser/find_browsers.py
	$(BIN)/python -m loadtests.screenshots

# The developers' lock is resolved first; the shorter ones take their versions from it.
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
    --no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock' $(UPGRADE)
SHORT := $(LOCK) --constraints requirements-dev.lock

lock: $(DEV) ## Rebuilds the locks after a change of pyproject.toml [UPGRADE=--upgrade]
	$(LOCK) --extra demo --extra traces --group dev --output-file requirements-dev.lock pyproject.toml
	$(SHORT) --output-file requirements.lock pyproject.toml
	$(SHORT) --extra traces --output-file requirements-traces.lock pyproject.toml
	$(SHORT) --extra demo --group build --output-file requirements-demo.lock pyproject.toml
	$(SHORT) --group build --output-file requirements-build.lock

clean: ## Removes caches and builds; .venv and the demo's data stay
	rm -rf build dist .hypothesis .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -not -path './.venv/*' -prune -exec rm -rf {} +

# A setup that was interrupted leaves .unfinished behind, and the next one starts afresh: pip
# takes a package that is half there for installed.
.venv/.%-$(SUM):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
	    "Python 3.11 or later is needed; say which with PYTHON=")'
	@if test -e .venv/.unfinished; then rm -rf .venv; fi
	@mkdir -p .venv && touch .venv/.unfinished
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo 'Installing into .venv what requirements-$*.lock names; this takes a minute.'
	@$(PIP) install --require-hashes -r requirements-$*.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@rm -f .venv/.dev-* .venv/.demo-* .venv/.unfinished
	@touch $@
