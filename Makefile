# The commands of this project; `make help` lists them. Python 3.11 and libcurl4 are all it needs.
#
# STACK_PORT_BASE (8080) and STACK_DIR (.local) name the stack that a command works on.
# STACK_PROCESSES starts only some of it: make up STACK_PROCESSES="issuer intake-web"

SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# The system's own Python where it is recent enough: distributions build it optimised, version managers often do not,
# and the same play took a fifth more processor time on one of those. PYTHON=python3 takes the first on PATH.
PYTHON ?= $(shell /usr/bin/python3 -c 'import ensurepip, sys, venv; print(sys.executable if sys.version_info >= (3, 11) else "python3")' 2>/dev/null || echo python3)
VENV ?= .venv
PY := $(VENV)/bin/python
DEMO_COMMAND ?= $(PY) -m clients.player
export STACK_PORT_BASE STACK_DIR STACK_PROCESSES DEMO_COMMAND ONCE FAULT

COMPILE = $(VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"

.PHONY: help
help: ## Show this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# -- Installing ---------------------------------------------------------------------------------

.PHONY: venv venv-dev
venv: $(VENV)/runtime ## Install what the services and the local stack run on, into .venv
venv-dev: $(VENV)/development ## The same, and what tests and checks it

$(VENV)/uv: requirements-uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo "Python 3.11 or later is needed and '$(PYTHON)' is $$($(PYTHON) --version 2>&1): install it, and say which: make PYTHON=python3.11 …" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "This Python cannot make virtual environments: install its venv package (Debian and Ubuntu: apt-get install python3-venv)." >&2; exit 1; }
	@echo "Installing into $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r $< || { $(NO_PACKAGES) }
	@touch $@

$(VENV)/runtime: requirements.lock $(VENV)/uv
	@VIRTUAL_ENV=$(VENV) $(VENV)/bin/uv pip install --quiet --require-hashes -r $< || { $(NO_PACKAGES) }
	@touch $@

$(VENV)/development: requirements-dev.lock $(VENV)/uv
	@VIRTUAL_ENV=$(VENV) $(VENV)/bin/uv pip install --quiet --require-hashes -r $< || { $(NO_PACKAGES) }
	@touch $@ $(VENV)/runtime

NO_PACKAGES = echo "The packages could not be installed (see above): check this machine's network and disk, and run the same command again." >&2; exit 1;

.PHONY: lock
lock: $(VENV)/uv ## Write the locks anew from the *.in files, and the jars' lock
	$(COMPILE) requirements-uv.in -o requirements-uv.lock
	$(COMPILE) requirements.in -o requirements.lock
	$(COMPILE) deploy/requirements.in -o deploy/requirements.lock
	$(COMPILE) requirements-dev.in -o requirements-dev.lock
	$(MAKE) venv-dev
	$(PY) -m tools.stack lock-jars

# -- The local stack ----------------------------------------------------------------------------

# Whatever a command ends with, make itself ends with 2. A script asks the command.
HAND_ON = status=$$?; echo "Exit status $$status. A script gets it from: $(PY) -m tools.stack $@ …" >&2; exit $$status;

.PHONY: demo up down status logs token page reset journeys backup
demo: venv ## Start everything, play three years of CoActive, stop on Ctrl-C (ONCE=1: end by itself; FAULT=drop-one-event)
	@$(PY) -m tools.stack demo

up: venv ## Start everything in the background and wait until it is ready
	@$(PY) -m tools.stack up

down: venv ## Stop everything, in order
	@$(PY) -m tools.stack down

status: venv ## Show every process, its lag, its halts and their cure
	@$(PY) -m tools.stack status || { $(HAND_ON) }

logs: venv ## Follow the logs (P=intake, P=intake-web, P=broker)
	@$(PY) -m tools.stack logs $(P)

token: venv ## Print a bearer token (ORG=forsakringskassan DUTY=caseworker)
	@test -n "$(ORG)" -a -n "$(DUTY)" || { echo "Say for whom: make token ORG=forsakringskassan DUTY=caseworker" >&2; exit 2; }
	@$(PY) -m tools.stack token "$(ORG)" "$(DUTY)"

page: venv ## Print a new link to the live page (ORG=styrgruppen PROGRAMME=coactive)
	@$(PY) -m tools.stack page "$(or $(ORG),styrgruppen)" "$(or $(PROGRAMME),coactive)"

journeys: venv ## Run the operators' command on the stack: DO="status", DO="parked", DO="replay --all -m 'mended'"
	@$(PY) -m tools.stack journeys $(DO) || { $(HAND_ON) }

backup: venv ## Back the stack's databases up: DO="take /backup/monday" (docs/operations/backup.md)
	@$(PY) -m tools.stack backup $(DO) || { $(HAND_ON) }

reset: venv ## Remove the data of a stack that is down
	@$(PY) -m tools.stack reset

# -- Checking -----------------------------------------------------------------------------------

.PHONY: contracts
contracts: venv-dev ## Write what is generated from the code: schemas, AsyncAPI, the reference, alerts
	$(PY) -m tools.contracts write

.PHONY: openapi-lint
openapi-lint: ## Hold the OpenAPI documents against redocly, where Node is (its npx fetches the linter)
	npx --yes @redocly/cli@2 lint docs/reference/openapi/*.json

.PHONY: lint check test bench chaos chaos-part chaos-long mutants fuzz fuzz-proof
lint: venv-dev ## Style, types, the direction of imports and the declared packages
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	$(PY) -W ignore -m deptry --config deptry.toml clients deploy services shared tools
	$(PY) -W ignore -m deptry --config deptry.toml --requirements-files requirements.in,requirements-dev.in --ignore DEP002 tests

check: lint ## What needs no stack: lint, unit, contract and architecture tests
	$(PY) -m pytest -n auto $(wildcard tests/unit tests/contract tests/architecture)

# Short tests in parallel; then, since much of it is waiting, two workers with a stack of their own each, a file at a time.
test: check ## Everything: check, then integration and end-to-end tests against a real stack
	@$(PY) -m tests.support.install_browser
	$(PY) -m pytest -n 2 --dist loadfile $(wildcard tests/integration tests/e2e)

chaos: venv-dev ## Every fault, and what must hold after it (SEED=5; ONLY="3 7-9")
	$(PY) -m tests.chaos

chaos-part: venv-dev ## Its short scenarios, in six minutes
	PART=1 $(PY) -m tests.chaos

chaos-long: venv-dev ## A thousand kills, ten million events; goes on where it was interrupted (EVENTS=, KILLS=)
	$(PY) -m tests.chaos.long

mutants: venv-dev ## Break the runtime on purpose, and see which scenario notices (ONLY=offset)
	$(PY) -m tests.chaos.mutate

fuzz: venv-dev ## Send what no honest client would, by seed (MINUTES=10; SEED=5; ONLY="inbound files"; PART=1)
	$(PY) -m tests.fuzz

fuzz-proof: venv-dev ## Undo one mend at a time, and see that the fuzzers find it (ONLY=wide)
	$(PY) -m tests.fuzz.prove

bench: venv-dev ## Measure throughput and latency
	$(PY) -m tests.bench
