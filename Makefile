# Two commands set everything up: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test lint pictures clean

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet "pip>=25.1"
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[all]" --group dev
	touch $(READY)

demo: $(READY)  ## wrong labels in real digits: train, compare, show the suspects
	$(BIN)/selfpaced demo digits

test: $(READY)  ## all tests, doctests and README blocks
	$(BIN)/python -m pytest --numprocesses 2 --dist worksteal

lint: $(READY)  ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy src tests benchmarks docs examples

pictures: $(READY)  ## the pictures and the reference of docs/ and README
	$(BIN)/selfpaced demo blobs --output docs/pictures
	$(BIN)/python docs/pictures.py
	$(BIN)/python docs/reference.py

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache
