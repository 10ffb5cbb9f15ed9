# `make` alone lists what there is. Everything happens in .venv; nothing is installed outside this folder but package caches.
PYTHON ?= python3
IN := .venv/bin
export NO_MKDOCS_2_WARNING := 1
PYTEST := $(IN)/python -m pytest -n 2

.PHONY: help setup run test check nightly mutants bench docs lock clean
.DEFAULT_GOAL := help

help: ## list the targets
	@grep -E '^[a-z]+: .*## ' Makefile | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 16

setup: ## make .venv/bin/qts, or bring it up to date; YAHOO=1 adds what free daily prices need
	@command -v $(PYTHON) >/dev/null || { echo "set-up: there is no $(PYTHON). Debian, Ubuntu:  sudo apt-get install python3 python3-venv" >&2; exit 1; }
	@$(PYTHON) tools/set_up.py $(if $(DEV),--dev) $(if $(YAHOO),--yahoo)

run: setup ## start everything on this machine and open the web interface; DATA=folder imports your files first
	@$(IN)/qts up $(if $(DATA),--data "$(DATA)")

test: DEV := 1
test: setup ## run all tests with branch coverage
	$(PYTEST) --cov --cov-report=term

check: DEV := 1
check: setup ## format, lint, types, floors, the quick tests, the documentation
	$(IN)/ruff format --check
	$(IN)/ruff check
	$(IN)/mypy
	$(IN)/lint-imports
	$(PYTEST) -q tests/unit tests/conformance tests/repo
	$(IN)/mkdocs build --quiet --strict --config-file tools/mkdocs.yml

nightly: DEV := 1
nightly: setup ## play 10,000 random cases in the engine and in its reference; RUNS=n for another number
	QTS_REFERENCE_RUNS=$(or $(RUNS),10000) $(PYTEST) -q --timeout 3600 tests/golden

mutants: DEV := 1
mutants: setup ## change the engine's code in small ways and list the changes no test notices; ONLY=charges for one group
	$(IN)/python tools/mutate.py $(ONLY)

bench: DEV := 1
bench: setup ## measure us and others, and write benchmarks/RESULTS.md; QUICK=1 takes a few minutes
	-@$(IN)/python benchmarks/set_up.py
	$(IN)/python -m benchmarks.run $(if $(QUICK),--quick)

docs: DEV := 1
docs: setup ## regenerate the reference pages and build the documentation into site/
	$(IN)/python tools/generate_docs.py
	$(IN)/mkdocs build --quiet --strict --config-file tools/mkdocs.yml

lock: DEV := 1
lock: setup ## resolve the dependencies of pyproject.toml anew into requirements/*.lock
	@tools/lock

clean: ## remove what was built here (.venv too), never your data
	rm -rf .venv .venv-bench site build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage .coverage.*
	find src tests tools benchmarks -name __pycache__ -prune -exec rm -rf {} +
	rm -f src/qts/ui/components/assets/lightweight-charts.*
