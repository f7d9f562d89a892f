# `make` prints what there is. Every target makes the environment it needs.
.DEFAULT_GOAL := help
.PHONY: help setup demo test soak docs-run families results check format organism bench clean

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
PIP := $(BIN)/python -m pip -qq --disable-pip-version-check

# On Linux the default index serves the CUDA build. A machine without an NVIDIA driver gets the CPU build, from the index
# that pip has or from PyTorch's; where neither offers one in a few seconds, the line after it takes what there is.
CPU_TORCH = [ "$$(uname -s)" != Linux ] || command -v nvidia-smi >/dev/null 2>&1 || \
  $(PIP) install --retries 0 --timeout 5 torch==2.13.0+cpu 2>/dev/null || \
  $(PIP) install --retries 1 --timeout 10 --extra-index-url $(CPU_INDEX) torch==2.13.0+cpu 2>/dev/null || \
  echo "no index in reach offers the CPU build of torch: taking the default one (PIP_EXTRA_INDEX_URL=... names another)"
CPU_INDEX := https://download.pytorch.org/whl/cpu

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## make .venv with the pinned dependencies

# An environment that still runs is brought up to date, not thrown away. torch goes first and alone: its range admits
# other builds, and it is the largest download by far.
$(STAMP): pyproject.toml .ci/constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' || { \
	  echo "goalguard needs Python 3.11, 3.12 or 3.13, and $(PYTHON) is not one ($$($(PYTHON) --version 2>&1))."; \
	  echo "Name another one: make setup PYTHON=python3.12"; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || { \
	  echo "setup 1/3: making .venv with $$($(PYTHON) --version)"; $(PYTHON) -m venv --clear .venv; }
	@echo "setup 2/3: installing torch 2.13.0 (the largest download)"
	@$(CPU_TORCH)
	@$(PIP) install -c .ci/constraints.txt torch==2.13.0
	@echo "setup 3/3: installing the packages pinned in .ci/constraints.txt, and goalguard itself"
	@$(PIP) install -c .ci/constraints.txt -e '.[dev]'
	@touch $(STAMP)

demo: setup ## run the headline experiment on the CPU and print its table and the report's path
	@$(BIN)/python -m scripts.train experiment=headline

test: setup ## run the whole test suite and print its ten slowest cases
	@$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

soak: setup ## kill a run twenty times at random moments and compare it with one left alone
	@$(BIN)/python -m pytest -q -m soak tests/test_soak.py

docs-run: setup ## carry out every command of the documentation, shortened
	@$(BIN)/python -m pytest -q -m "docs or not docs" tests/test_docs_run.py

families: setup ## see what works with a tiny random model of each family, for docs/models.md
	@PYTHONPATH=tests $(BIN)/python -m support.families && $(BIN)/python -m rl.report.results

results: setup ## fill the result tables of the documentation from docs/results
	@$(BIN)/python -m rl.report.results

check: setup ## formatting, lint and types
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy

format: setup ## rewrite the files the way `make check` wants them
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

organism: setup ## describe the embedded organism
	@$(BIN)/python -m scripts.organism

bench: setup ## seconds and tokens per second beside stock TRL, and beside the arithmetic floor
	@$(BIN)/python -m scripts.bench

clean: ## remove the environment and caches; runs/ stays
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist goalguard.egg-info
	find rl reward monitors scripts tests -name __pycache__ -type d -prune -exec rm -rf {} +
