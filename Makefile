# make run     build what it needs and start the daemon on the best source there is
# make test    everything that is checked before a change lands
# make generated  write the parts of the docs that follow from the code
# make sample  make the sample recording again
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run test lint types tests benchmarks format generated sample clean

run: $(VENV)/run.done
	@$(BIN)/edge-fer run --demo

test: lint types tests benchmarks

lint: $(VENV)/test.done
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/test.done
	$(BIN)/mypy

tests: $(VENV)/test.done
	tests/install-tools.sh
	$(BIN)/python -m pytest

# a quick pass: that they run and print ratios, not how fast this machine is
benchmarks: $(VENV)/test.done
	$(BIN)/python -m tests.benchmarks --smoke

format: $(VENV)/test.done
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

generated: $(VENV)/test.done
	$(BIN)/python -m tests.config.generated
	$(BIN)/python -m tests.mqtt_page
	$(BIN)/python -m tests.timelines

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
