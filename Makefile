# Everything a contributor needs, on a machine with python3, make and git. No root, nothing outside this folder but caches.
.DEFAULT_GOAL := help
.PHONY: help setup demo chassis chassis-fast where dev check mutants test test-fast test-long lint format bench clean

VENV := .venv
PYTHON := $(VENV)/bin/python
UV := $(VENV)/bin/uv
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

# The tools come from the same day as the versions that services are tested with, so that a clean checkout gives the same result later.
TESTED_ON = $(shell python3 -c 'import json; print(json.load(open("cookiecutter.json"))["_tested_on"] + "T23:59:59Z")')
PYTEST = $(PYTHON) -m pytest
# Two projects at a time; each project stays in one process.
WORKERS ?= 2

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: $(VENV)/.ready  ## install the tools into .venv

$(VENV)/.ready: pyproject.toml cookiecutter.json
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11) and "python3 is too old: the tools need 3.11 or newer")'
	@python3 -m venv $(VENV) || { echo "python3 cannot make virtual environments; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check uv
	@$(UV) pip install --quiet --python $(PYTHON) --exclude-newer "$(TESTED_ON)" --group dev
	@touch $@

demo: setup  ## generate the default service and serve it; no server needed (PORT=8000)
	@$(PYTHON) -m tools.demo

chassis: setup  ## check the chassis in place: style, types, tests on real servers, and again without each choice
	@$(PYTHON) -m tools.chassis

chassis-fast: setup  ## the same in place only, without servers
	@$(PYTHON) -m tools.chassis --fast

where: setup  ## which file of the template a file of a service comes from (FILE=k8s/deployment.yaml)
	@$(PYTHON) -m tools.where "$(FILE)"

dev: setup  ## generate into build/dev, install, watch: edits there go back to the template (CHOICES="broker=kafka")
	@$(PYTHON) -m tools.dev $(CHOICES)

check: setup  ## everything that the matrix asks of a service, for one combination (CHOICES="broker=kafka")
	@CHECK_CHOICES="$(CHOICES)" $(PYTEST) tests/matrix -k asked

test: setup  ## everything: hooks and options, every pair of choices, real servers (LIVE=required: all of them)
	@$(PYTEST) --numprocesses $(WORKERS) --durations 10 --durations-min 1

test-fast: setup  ## only the hooks and the options model
	@$(PYTEST) tests/unit

test-long: setup  ## what takes minutes and no run of CI waits for: failovers, other servers, rollouts under load
	@start=$$(date +%s); failed=0; \
	$(PYTHON) -m tools.chassis --long || failed=1; \
	$(PYTEST) -v -m long --durations 10 --durations-min 1 || failed=1; \
	echo "make test-long took $$(( $$(date +%s) - start )) s"; exit $$failed

lint: setup  ## check style and types
	@$(VENV)/bin/ruff check
	@$(VENV)/bin/ruff format --check
	@$(VENV)/bin/mypy

format: setup  ## fix style
	@$(VENV)/bin/ruff check --fix
	@$(VENV)/bin/ruff format

mutants: setup  ## break copies of the template on purpose: a test has to fail for each mutant (ONLY="words")
	@$(PYTHON) -m tools.mutants $(ONLY)

bench: setup  ## how long it takes to generate a service, and what lists, telemetry, the outbox, limits and overload cost it
	@$(PYTHON) -m benchmarks.generation
	@$(PYTHON) -m benchmarks.lists
	@$(PYTHON) -m benchmarks.telemetry
	@$(PYTHON) -m benchmarks.relay
	@$(PYTHON) -m benchmarks.limits
	@$(PYTHON) -m benchmarks.overload

clean:  ## remove what the targets above made
	@rm -rf $(VENV) .cache build .mypy_cache .pytest_cache .ruff_cache
