"""That the process stays small, each in a process of its own, because settings of native libraries cannot be undone."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

#: What a plain daemon loads that others have written, and how many of its milliseconds go there, on an AMD EPYC: of 670
#: in all, 440 are ours.
LOADED = {
    "numpy",  # 53
    "pydantic",  # 29
    "pydantic_core",  # 11
    "ruamel",  # 16
    "cv2",  # 15
    "paho",  # 6
    "annotated_types",  # 6
    "ai_edge_litert",  # 4
    "tflite_runtime",
    "typing_inspection",
    "typing_extensions",
    "socks",
}
#: What tests or an installation's own start-up may have loaded before.
HELPERS = {"coverage", "a1_coverage", "distutils_hack", "mypyc", "google", "flatbuffers"}


def python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    known = {key: value for key, value in os.environ.items() if not key.startswith("OPENCV_")}
    return subprocess.run(
        [sys.executable, "-c", code], env=known | environment, capture_output=True, text=True, check=True, timeout=60
    )


def test_opencv_does_without_ipp_in_all_threads_and_says_nothing():
    if python("import cv2; print(cv2.ipp.useIPP())").stdout.strip() == "False":
        pytest.skip("OpenCV has no IPP on this machine")
    ended = python("""
import threading, cv2
from edge_fer.support.native_libraries import keep_small
keep_small()
told = [cv2.ipp.useIPP()]
thread = threading.Thread(target=lambda: told.append(cv2.ipp.useIPP()))
thread.start()
thread.join()
print(told)
""")
    assert (ended.stdout.strip(), ended.stderr) == ("[False, False]", "")


def test_whoever_asks_for_ipp_keeps_it():
    code = "import cv2; from edge_fer.support.native_libraries import keep_small; {}print(cv2.ipp.useIPP())"
    asked = python(code.format("keep_small(); "), OPENCV_IPP="sse42")
    assert asked.stdout == python(code.format(""), OPENCV_IPP="sse42").stdout


def test_opencv_goes_on_saying_what_it_said():
    ended = python("""
import cv2
from edge_fer.support.native_libraries import keep_small
home = cv2 if hasattr(cv2, "getLogLevel") else cv2.utils.logging
before = home.getLogLevel()
keep_small()
print(before == home.getLogLevel() > 0)
""")
    assert ended.stdout.strip() == "True"


def test_threads_share_one_heap():
    ended = python("""
import ctypes, threading
from edge_fer.support.native_libraries import keep_small
keep_small()
malloc = ctypes.CDLL(None).malloc
malloc.restype = ctypes.c_void_p
thread = threading.Thread(target=lambda: print(hex(malloc(1000))))
thread.start()
thread.join()
[heap] = [line.split()[0] for line in open("/proc/self/maps") if line.rstrip().endswith("[heap]")]
print(*(f"0x{end}" for end in heap.split("-")))
""")
    address, begin, end = (int(word, 16) for word in ended.stdout.split())
    assert begin <= address < end


def test_a_verb_brings_no_other_verb_with_it():
    ended = python("""
import sys
from edge_fer.cli.main import main
main(["version"])
verbs = [name for name in sys.modules if name.startswith("edge_fer.cli.") and "._" not in name]
print(*sorted(set(verbs) - {"edge_fer.cli.main"}))
""")
    assert ended.stdout.splitlines()[-1] == "edge_fer.cli.version"


def test_a_daemon_does_without_what_reads_still_pictures():
    ended = python("""
import importlib, pkgutil, sys
import edge_fer
still = ("edge_fer.analyzer", "edge_fer.pictures", "edge_fer.recordings.analysis", "edge_fer.cli")
still += ("edge_fer.drawing", "edge_fer.mqtt.embedded")
for module in pkgutil.walk_packages(edge_fer.__path__, "edge_fer.", onerror=lambda name: None):
    if not module.name.startswith(still) and "__main__" not in module.name:
        try:
            importlib.import_module(module.name)
        except ImportError as error:
            print("left out:", module.name, error)
import edge_fer.cli.run
print("PIL" in sys.modules, "edge_fer.daemon.process" in sys.modules, "edge_fer.wiring" in sys.modules)
""")
    assert ended.stdout.splitlines()[-1] == "False True True"


def test_a_daemon_with_a_usb_camera_does_without_pyav():
    ended = python("""
import sys
import edge_fer.cli.run, edge_fer.daemon.process, edge_fer.wiring
from edge_fer.clock.system import SystemClock
from edge_fer.capture.sources import make_source
make_source("front", "/dev/video0", clock=SystemClock())
before = "av" in sys.modules
make_source("door", "rtsp://192.0.2.7/stream", clock=SystemClock())
print(before, "av" in sys.modules)
""")
    assert ended.stdout.strip() == "False True"


def test_a_daemon_loads_only_what_its_config_asks_for():
    ended = python("""
import sys
import edge_fer.cli.run, edge_fer.wiring
from edge_fer.config import Config
edge_fer.wiring.build_service(Config.model_validate({"cameras": {"front": {"source": "/dev/video0"}}}))
unasked = (
    "edge_fer.capture.picamera2.live", "edge_fer.control.state", "edge_fer.control.live", "edge_fer.control.pixels",
    "edge_fer.wiring.live", "edge_fer.emotion.attributes",
    "edge_fer.homeassistant", "edge_fer.sinks.trace", "edge_fer.trace", "edge_fer.config.output.schema",
    "edge_fer.mqtt.embedded", "av",
)
print(*(name for name in sys.modules if name.startswith(unasked)))
""")
    assert ended.stdout.split() == []


def test_nothing_is_collected_while_a_verb_is_loaded_and_everything_afterwards():
    ended = python("""
import gc, sys
from edge_fer.cli.main import main
runs, freeze = [], gc.freeze
gc.freeze = lambda: (freeze(), print("while loading:", len(runs), file=sys.stderr))
gc.callbacks.append(lambda phase, info: runs.append(phase))
sys.argv = ["edge-fer", "config", "default"]
main()
print("afterwards:", gc.isenabled(), gc.get_freeze_count() > 10_000, file=sys.stderr)
""")
    assert ended.stderr.splitlines() == ["while loading: 0", "afterwards: True True"]


def test_these_are_the_packages_that_a_plain_daemon_loads_and_no_more_modules_of_ours_than_that():
    ended = python("""
import sys
import edge_fer.cli.run, edge_fer.wiring
from edge_fer.config import Config
edge_fer.wiring.build_service(Config.model_validate({"cameras": {"front": {"source": "/dev/video0"}}}))
ours = [name for name in sys.modules if name.partition(".")[0] == "edge_fer"]
others = {name.partition(".")[0] for name in sys.modules} - sys.stdlib_module_names - {"__main__", "edge_fer"}
print(len(ours), *sorted(name for name in others if not name.startswith(("_", "cython_runtime", "sitecustomize"))))
""")
    ours, *others = ended.stdout.split()
    assert set(others) - HELPERS <= LOADED
    assert int(ours) <= 290, "of which the config's sections and the messages cost most, for pydantic builds each model"
