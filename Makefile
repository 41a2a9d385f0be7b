# make install, make run, make test; `make` alone lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help install run test lint browser pictures bundle tck chaos fuzz distributed

help:
	@echo "make install   install everything into $(VENV)"
	@echo "make run       start Partwell with its demo company and print the address"
	@echo "make test      the whole test suite, on SQLite and PostgreSQL, in a real browser"
	@echo "make chaos     random diagrams (N=200), killed processes and races, longer than in the test suite"
	@echo "make fuzz      ask each address of the JSON interface EXAMPLES=100 odd things; a few are part of the test suite"
	@echo "make lint      style, types and import rules only"
	@echo "make tck       cases of the DMN TCK: the copied ones, or those of a checkout with DIR=..."
	@echo "make distributed  several processes, hosts and a standby under load for SECONDS=60 each"
	@echo "make pictures  make the pictures of the handbook anew"
	@echo "make bundle    rebuild the committed FEEL interpreter and the editors of the studio (needs Node and npm)"

install: $(BIN)/.installed

# Again only when what is to be installed has changed.
$(BIN)/.installed: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Partwell needs Python 3.11 or newer") if sys.version_info < (3, 11) else None'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev,distributed]'
	touch $@

run: install
	$(BIN)/partwell up

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# A browser for the tests, from the system's packages where we may install them; elsewhere those tests say that they did not run.
browser:
	@if ! command -v chromium >/dev/null && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends chromium fonts-noto-cjk; \
	fi || echo "no browser could be installed; the browser tests will say so"

pictures: install browser
	PYTHONPATH=tests $(BIN)/python tests/handbook_pictures.py

bundle:
	cd engine/bpmn/feel && npm ci && npm run build
	cd webapp/frontend && npm ci && npm run build

# Without DIR a miss that is not pinned is an error; with it the figures are printed, and what failed is listed in tck-missed.tsv.
tck: install
	$(BIN)/python tests/conformance/tck.py $(DIR)

# Each worker has databases and servers of its own. What Python compiled is kept, for the tests start many processes of it.
test: export PYTHONDONTWRITEBYTECODE =
test: install browser lint
	$(BIN)/pytest -n auto --dist worksteal

N ?= 200
chaos: install
	$(BIN)/python -m tests.chaos $(N)

EXAMPLES ?= 100
fuzz: install
	EXAMPLES=$(EXAMPLES) $(BIN)/pytest tests/test_api_fuzz.py

SECONDS ?= 60
distributed: install
	DISTRIBUTED_SECONDS=$(SECONDS) $(BIN)/pytest -s tests/distributed
