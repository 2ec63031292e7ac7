# Two commands set everything up: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# What `make test` installs, with hashes, for this platform; and the folder to install it into.
LOCKED := .ci/locked-linux-x86_64-py311.txt
EXACT ?= .venv-exact

.PHONY: demo test lint pictures locked exact advisories clean

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

pictures: $(READY)  ## the pictures and the reference of docs/ and README; needs Chromium
	$(BIN)/selfpaced demo blobs --output docs/pictures
	$(BIN)/python docs/pictures.py
	$(BIN)/python docs/screenshots.py
	$(BIN)/python docs/reference.py

locked: $(READY)  ## the pins with hashes, from pyproject.toml and constraints.txt
	$(BIN)/python -m pip install --dry-run --ignore-installed --quiet --report - \
		--constraint constraints.txt --editable ".[all]" --group dev hatchling editables \
		> $(LOCKED).json
	$(BIN)/python .ci/lock.py < $(LOCKED).json > $(LOCKED)
	rm $(LOCKED).json

exact:  ## an environment of these very files, in EXACT
	$(PYTHON) -m venv $(EXACT)
	$(EXACT)/bin/python -m pip install --quiet --require-hashes --requirement $(LOCKED)
	$(EXACT)/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .

advisories: $(READY)  ## known weaknesses of the pinned packages
	$(BIN)/python .ci/advisories.py $(LOCKED)

clean:
	rm -rf $(VENV) $(EXACT) .pytest_cache .mypy_cache .ruff_cache
