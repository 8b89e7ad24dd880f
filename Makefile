# The commands of this repository. Each sets up what it needs; nothing is installed by hand.
#   make setup   the virtual environment .venv, from the hash-pinned requirements/dev.txt
#   make run     the platform on this machine (PORT=8000, DATA_DIR=.data), with its web UI;
#                Ctrl-C stops it
#   make ui      the web UI alone, if its sources changed; it says what is in the way
#   make test    all tests, three files at a time (WORKERS=3), each with a real broker and database
#                (ARGS="-k name")
#   make test-engine  what needs a container engine: the image, and what is deployed with it
#   make test-containers  tests/integration with its servers in containers instead of from wheels
#   make lint    what CI checks: ruff, mypy, import-linter; of the web UI Biome and tsc
#   make ui-types  the web UI's types, from the OpenAPI document of the gateway
#   make bench   the benchmarks; figures go to bench/results
#   make lock    re-make requirements/*.txt from pyproject.toml and requirements/*.in

PYTHON ?= python3
PORT ?= 8000
DATA_DIR ?= .data
ARGS ?=
WORKERS ?= 3

BIN := .venv/bin
# Touched when the environment is complete, and older than its inputs when it is not any more.
READY := .venv/.ready

.DEFAULT_GOAL := setup
.PHONY: setup run ui ui-types test test-engine test-containers lint lint-style lint-types lint-layers lint-ui bench lock

setup: $(READY)

$(READY): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed; this is " + sys.version + ". Try: make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --only-binary=:all: -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(READY)

run: setup
	@$(BIN)/python -m ui_build build --or-go-on
	@exec $(BIN)/etp up --port $(PORT) --data-dir $(DATA_DIR)

ui: setup
	@$(BIN)/python -m ui_build build

ui-types: setup
	@$(BIN)/python -m ui_build.schema_types

test: setup
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder --ignore=tests/engine $(ARGS)

# One after the other: they share an engine, and kill what they test.
test-engine: setup
	$(BIN)/python -m pytest tests/engine $(ARGS)

test-containers: setup
	ETP_TEST_SERVERS=docker $(BIN)/python -m tests.support.engine $(BIN)/python -m pytest \
	  -n $(WORKERS) --dist loadfile --no-loadscope-reorder tests/integration $(ARGS)

lint: lint-style lint-types lint-layers lint-ui

lint-style: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

lint-types: setup
	$(BIN)/mypy

lint-layers: setup
	$(BIN)/lint-imports

lint-ui: setup
	$(BIN)/python -m ui_build check

bench: setup
	$(BIN)/python -m bench $(ARGS)

# dev.txt first: it holds everything, and the others take their versions from it. No addresses are
# written: where packages come from is the business of whoever installs.
lock: setup
	for extra in dev local admin cli otel api scheduler executor retention image ui; do \
	  constraint=; if [ $$extra != dev ]; then constraint="--constraint requirements/dev.txt"; fi; \
	  $(BIN)/uv pip compile pyproject.toml --extra $$extra $$constraint --upgrade --universal \
	    --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url \
	    --no-emit-find-links --quiet --output-file requirements/$$extra.txt || exit 1; \
	done
	for tools in bench build engine kubernetes; do \
	  constraint=; case $$tools in build|kubernetes) constraint="--constraint requirements/dev.txt --constraint requirements/ui.txt";; esac; \
	  $(BIN)/uv pip compile requirements/$$tools.in $$constraint --upgrade --universal \
	    --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url \
	    --no-emit-find-links --quiet --output-file requirements/$$tools.txt || exit 1; \
	done
