# setup builds .venv; every other target stands on it
PYTHON ?= python3
# PyTorch's index of CPU builds, where one likes to spare Linux 3 GB of CUDA: make setup TORCH_INDEX=URL
TORCH_INDEX ?=
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: setup demo test check bench clean
setup: $(STAMP)

$(STAMP): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("stepwell needs Python 3.11 or newer") if sys.version_info < (3, 11) else None'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(if $(TORCH_INDEX),$(BIN)/python -m pip install --quiet --index-url $(TORCH_INDEX) torch==2.13.0)
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	$(BIN)/python -m tests.support.fetch_browser
	$(BIN)/stepwell local fetch
	touch $(STAMP)

demo: setup
	$(BIN)/python -m stepwell.front.cli.demo

test: setup
	$(BIN)/python -m pytest

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup
	$(BIN)/python -m tests.bench

clean:
	rm -rf $(VENV) build dist *.egg-info
