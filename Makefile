# make run     build what it needs and start the daemon on the best source there is
# make test    everything that is checked before a change lands
# make models  fetch the face detector's model files, once; without them, Haar has to do
# make generated  write the parts of the docs that follow from the code
# make sample  make the sample recording again
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
MODELS := $(CURDIR)/$(VENV)/models

.PHONY: run test lint types tests benchmarks format generated models sample clean

run: $(VENV)/run.done models
	@$(BIN)/edge-fer run --demo -o 'models_dir=$(MODELS)'

# what cannot be fetched today holds nothing up: it says so, runs with Haar, and tries again next time
models: $(VENV)/run.done
	@$(BIN)/edge-fer models fetch -o 'models_dir=$(MODELS)' || \
	 printf '\n*** BlazeFace could not be fetched (see above): faces are found with Haar, slower and fewer. ***\n\n'

test: lint types tests benchmarks

lint: $(VENV)/test.done
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/test.done
	$(BIN)/mypy

tests: $(VENV)/test.done models
	tests/install-tools.sh
	$(BIN)/python -m pytest

# a quick pass: that they run and print ratios, not how fast this machine is
benchmarks: $(VENV)/test.done
	$(BIN)/python -m tests.benchmarks --smoke
	$(BIN)/python -m tests.benchmarks.peers --smoke

format: $(VENV)/test.done
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

generated: $(VENV)/test.done
	$(BIN)/python -m tests.config.generated
	$(BIN)/python -m tests.mqtt_page

sample: $(VENV)/test.done
	$(BIN)/pip install --quiet scikit-image
	$(BIN)/python -m edge_fer.sample.make

$(VENV)/run.done: setup.cfg pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[embedded]'
	@touch $@

$(VENV)/test.done: setup.cfg pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[embedded,test]'
	@touch $@ $(VENV)/run.done

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "edge-fer needs Python 3.11 or newer, and $(PYTHON) is " + sys.version.split()[0] + ": run make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
