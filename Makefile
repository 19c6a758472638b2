# make run     build what it needs and start the daemon on the best source there is
# make test    everything that is checked before a change lands; says at its end how long each part took
# make check   for every save: lint, types, and the tests without process, socket or sleep (tests/check.py); a minute
# make coverage  which lines and branches of edge_fer the tests run; fails below 95 %. TESTS=tests/rules looks at a part
# make release VERSION=x.y.z  version, changelog, tag, wheel, packages and image, from a clean tree (RELEASING.md)
# make lock    choose anew which versions are installed, print what changed, ask for known vulnerabilities (lock/README.md)
# make test-ranges  the tests with the oldest and with the newest versions that setup.cfg allows
# make test-fresh  README's first steps and the whole of `make test` on fresh Debian 12 and 13; as root, with mmdebstrap.
#   An hour and more; SUITES=trixie does it on one of them
# make models  fetch the face detector's model files, once
# make test-faults  300 faults on a real broker while events flow, and 72 hours without one; half an hour. Writes
#   docs/reliability.md; SEED=n runs the same again
# make fleet-test  simulated nodes into a real PostgreSQL, over kills of broker, loader and database; NODES=100
#   SECONDS=120 say how many, and for how long
# make test-mutations  10,000 pictures, recordings and streams, damaged at random; an hour and more, N=300 of each kind less
# make usb-test  plug a USB camera in and out, in an emulated machine with a kernel of Debian; as root, minutes
# make test-install  install, upgrade and uninstall on fresh Debian machines; as root, with mmdebstrap and systemd-nspawn
# make test-picamera2  hold the Pi camera's stand-in against the real picamera2, where that can be imported
# make test-homeassistant  announce a node to a real Home Assistant; with a Python new enough for it (HOMEASSISTANT_PYTHON)
# make test-node-red  run the flow in a real Node-RED, from npm
# make deb     build the Debian packages for this architecture, in clean chroots; needs mmdebstrap; `make deb ARCH=arm64`
# make repo    put the packages in dist/ into the suite canary of a signed apt repository (docs/update.md)
# make deb-test  install, upgrade and remove those packages on fresh Debian machines, as make test-install does
# make image   build a bootable image of Debian for arm64 with that package inside; as root
# make image-test  boot it in an emulated machine, and break it in every way: an hour or more; as root. Writes
#   docs/reliability.md
# make arm64-test  install the arm64 packages (`make deb ARCH=arm64`) where arm64 is emulated by qemu-user, and run the core
#   of the tests on them there; as root; an hour
# make generated  write the parts of the docs that follow from the code
# make outcomes  replay the traces that ship with the tests, and store what each profile makes of its own
# make sample  make the sample recording again
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

PICAMERA2_PYTHON ?= python3
# Home Assistant 2026.2 needs Python 3.13
HOMEASSISTANT_PYTHON ?= python3.13
HOMEASSISTANT := $(CURDIR)/$(VENV)/homeassistant
NODE_RED := $(CURDIR)/$(VENV)/node-red

ARCH ?= $(shell dpkg --print-architecture)

# an index may be slow, or fail once
export PIP_RETRIES ?= 10
export PIP_DEFAULT_TIMEOUT ?= 60

.PHONY: fleet-test run check coverage release test environment lock test-ranges test-fresh test-faults test-mutations usb-test test-install test-picamera2 test-homeassistant test-node-red lint types tests benchmarks format generated outcomes models sample clean deb deb-test repo image image-test arm64-test


# what cannot be fetched today holds the demo up the least: it asks for Haar, says so, and tries again next time
run: $(VENV)/run.done
	@if $(BIN)/edge-fer models fetch; then exec $(BIN)/edge-fer run --demo; fi; \
	 printf '\n*** The face detector could not be fetched (see above). This once, `make run` asks for another: ***\n'; \
	 printf '*** Haar (-o faces.detector=haar) is slower, and finds upright frontal faces only.            ***\n\n'; \
	 exec $(BIN)/edge-fer run --demo -o faces.detector=haar

models: $(VENV)/run.done
	@$(BIN)/edge-fer models fetch

test:
	@tests/all.sh $(MAKE)

check: lint types
	$(BIN)/python -m pytest -p tests.check -n 2 --dist worksteal -q

# Each part of a run writes a file, and so does each process that a test starts. A few tests fail while they are
# measured, because they look at what a process writes, or start one as another user: `make test` says what passes
coverage: $(VENV)/test.done models
	@rm -rf build/coverage && mkdir -p build/coverage
	tests/install-tools.sh
	-COVERAGE_FILE=$(CURDIR)/build/coverage/data $(BIN)/coverage run -m pytest -n 2 --dist loadfile $(TESTS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage html --quiet --directory build/coverage/html --fail-under 0
	$(BIN)/coverage report

# SKIP="deb image" leaves parts out
release: $(VENV)/test.done models
	$(BIN)/python -m tools.release $(VERSION) $(if $(SKIP),--skip $(SKIP))

environment: $(VENV)/test.done models

# writes the lock anew (lock/README.md); the tools for that have an environment of their own
lock: $(VENV)/lock/bin/uv
	@$(VENV)/lock/bin/python lock/refresh.py

$(VENV)/lock/bin/uv: | $(VENV)/bin/python
	$(BIN)/python -m venv $(VENV)/lock
	$(VENV)/lock/bin/pip install --quiet --disable-pip-version-check --require-hashes --requirement lock/tools.txt

# what setup.cfg allows, at its oldest and at its newest
test-ranges: $(VENV)/test.done models | $(VENV)/lock/bin/uv
	@mkdir -p $(VENV)/ranges
	lock/ranges.sh $(VENV)/lock $(VENV)/ranges $(BIN)/python

test-fresh:
	tests/fresh.sh $(SUITES)

lint: $(VENV)/test.done
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell

types: $(VENV)/test.done
	$(BIN)/mypy

tests: $(VENV)/test.done models
	tests/install-tools.sh
	$(BIN)/python -m pytest -n 4 --dist loadfile

# as root, it fills a real disk, for which it mounts a small one in memory; else it limits the size of files
test-faults: $(VENV)/test.done
	tests/install-tools.sh
	$(BIN)/python -m tests.faults --page docs/reliability.md $(if $(SEED),--seed $(SEED))

fleet-test: $(VENV)/test.done
	tests/install-tools.sh
	EDGE_FER_TEST_FLEET_NODES=$(or $(NODES),100) EDGE_FER_TEST_FLEET_SECONDS=$(or $(SECONDS),120) \
	 $(BIN)/python -m pytest -s tests/fleet/test_loader.py -k over_kills

test-mutations: $(VENV)/test.done models
	EDGE_FER_TEST_MUTATIONS=$(or $(N),2000) $(BIN)/python -m pytest -n 2 -rP --timeout 7200 tests/capture/test_mutations.py

usb-test: $(VENV)/test.done
	EDGE_FER_TEST_USB=$(CURDIR)/$(VENV)/usb $(BIN)/python -m pytest -rP tests/usb

test-install: $(VENV)/test.done
	EDGE_FER_TEST_INSTALL=1 $(BIN)/python -m pytest -s tests/install

deb: $(VENV)/run.done
	deploy/deb/build.sh --arch $(ARCH)

repo:
	deploy/updates/repository.sh add

deb-test: $(VENV)/test.done
	EDGE_FER_TEST_DEB=1 $(BIN)/python -m pytest -s tests/deb

arm64-test: $(VENV)/test.done
	EDGE_FER_TEST_ARM64=1 $(BIN)/python -m pytest -s tests/arm64

# libcamera's Python part comes with the system's own Python, so this runs in an environment that sees it: on Raspberry
# Pi OS `sudo apt install --no-install-recommends python3-picamera2`, on Debian 13 `sudo apt install python3-libcamera`;
# then `python3 -m venv --system-site-packages pi && pi/bin/pip install -e .[test]` (on Debian also `picamera2`, for
# which pip wants gcc, python3-dev and libcap-dev) and `make test-picamera2 PICAMERA2_PYTHON=pi/bin/python`
test-picamera2:
	@$(PICAMERA2_PYTHON) -c 'import libcamera' || { sed -n '/^# libcamera/,/^# which/s/^# //p' Makefile; exit 1; }
	$(PICAMERA2_PYTHON) -m pytest tests/capture/test_picamera2_contract.py tests/capture/test_picamera2.py -rs

# it has requirements of its own, so it lives in an environment of its own; a command in EDGE_FER_HOMEASSISTANT replaces it
test-homeassistant: $(VENV)/test.done models
	@[ -n "$$EDGE_FER_HOMEASSISTANT" ] || [ -x $(HOMEASSISTANT)/bin/hass ] || \
	 { $(HOMEASSISTANT_PYTHON) -m venv $(HOMEASSISTANT) && $(HOMEASSISTANT)/bin/pip install --quiet homeassistant paho-mqtt; }
	EDGE_FER_HOMEASSISTANT="$${EDGE_FER_HOMEASSISTANT:-$(HOMEASSISTANT)/bin/python}" $(BIN)/python -m pytest -s tests/homeassistant

test-node-red: $(VENV)/test.done
	@[ -x $(NODE_RED)/node_modules/.bin/node-red ] || npm install --silent --no-audit --no-fund --prefix $(NODE_RED) node-red
	EDGE_FER_NODE_RED=$(NODE_RED)/node_modules/.bin/node-red $(BIN)/python -m pytest tests/deploy/test_node_red.py

image: $(VENV)/run.done
	deploy/image/build.sh

image-test: $(VENV)/test.done
	@ls dist/edge-fer-*-arm64.img.zst >/dev/null 2>&1 || $(MAKE) image
	tests/install-tools.sh
	EDGE_FER_QEMU=$$(tests/image/get-qemu.sh $(CURDIR)/$(VENV)/qemu) EDGE_FER_TEST_IMAGE=page $(BIN)/python -m pytest -s -x tests/image

# a quick pass: that they run and print ratios, not how fast this machine is
benchmarks: $(VENV)/test.done
	$(BIN)/python -m tests.benchmarks --smoke
	$(BIN)/python -m tests.benchmarks.budget --smoke
	$(BIN)/python -m tests.benchmarks.peers --smoke
	$(BIN)/python -m tests.benchmarks.analysis --smoke

format: $(VENV)/test.done
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

generated: $(VENV)/test.done
	$(BIN)/python -m tests.config.generated
	$(BIN)/python -m tests.mqtt_page
	$(BIN)/python -m tests.control_page
	$(BIN)/python -m tests.privacy_page
	$(BIN)/python -m tests.notify.examples
	$(BIN)/python -m tests.tuning_page
	$(BIN)/python -m tests.timelines
	$(BIN)/python -m tests.capture.tried_page
	-$(BIN)/python -m tests.analysis.moments

outcomes: $(VENV)/test.done
	$(BIN)/python -m tests.traces.make

sample: $(VENV)/test.done
	$(BIN)/pip install --quiet scikit-image
	$(BIN)/python -m tools.sample_recording

$(VENV)/run.done: setup.cfg pyproject.toml lock/install.sh lock/build.txt lock/run.txt | $(VENV)/bin/python
	lock/install.sh $(VENV) run embedded,notify
	@touch $@

$(VENV)/test.done: setup.cfg pyproject.toml lock/install.sh lock/build.txt lock/run.txt lock/test.txt | $(VENV)/bin/python
	lock/install.sh $(VENV) test embedded,fleet,metrics,notify,test
	@touch $@ $(VENV)/run.done

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "edge-fer needs Python 3.11 or newer, and $(PYTHON) is " + sys.version.split()[0] + ": run make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
