# Two commands do everything on a fresh machine with Python 3.11+: `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin
DEMO_OUT := demo-out

.PHONY: help setup demo watch-demo test check lint types layers docs benchmark accuracy clean

help:
	@echo "make demo    set up, scan sample_data/ under its policy, show what a first scan says"
	@echo "make watch-demo    a transfer folder with its gate, and an approver, in a scratch folder"
	@echo "make test    set up, run all tests"
	@echo "make check   set up, run lint, strict types, the layer check and all tests"
	@echo "make docs    write the generated pages anew"
	@echo "make benchmark, make accuracy    measure speed; measure accuracy on the labelled sets (SETS=folder)"

.venv/.ready: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Strayscan needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.12") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

setup: .venv/.ready

demo: setup
	@$(BIN)/python sample_data/demo.py $(DEMO_OUT)

watch-demo: setup
	@$(BIN)/python sample_data/watch_demo.py

test: setup
	$(BIN)/python -m pytest -n logical --maxprocesses 4 --dist loadscope

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy

layers: setup
	$(BIN)/lint-imports

check: lint types layers test

docs: setup
	$(BIN)/python docs/generate.py
	$(BIN)/python docs/generate.py --readme

benchmark: setup
	$(BIN)/python benchmarks/speed.py --write docs/reference/performance.md
	$(BIN)/python benchmarks/whole_scan.py --write docs/reference/performance.md

SETS ?= ../shared/eval
accuracy: setup
	$(BIN)/python benchmarks/accuracy.py $(SETS) --write docs/reference/accuracy.md
	$(BIN)/python benchmarks/columns.py $(SETS) --write docs/reference/accuracy.md
	$(BIN)/python benchmarks/persons.py --write docs/reference/accuracy.md

clean:
	rm -rf .venv build *.egg-info $(DEMO_OUT)
