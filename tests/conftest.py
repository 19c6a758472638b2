"""What all tests share: how property-based tests run on machines that are noisy and slow; a broker."""

from __future__ import annotations

import ctypes
import os
from collections import Counter

import pytest
from hypothesis import HealthCheck, settings

from tests.broker import Certificates, Mosquitto

# time says nothing about right or wrong; in CI, the same examples every time
settings.register_profile(
    "ours", deadline=None, derandomize=bool(os.environ.get("CI")), suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("ours")
# where each example takes ten times as long (tests/arm64)
settings.register_profile("emulated", settings.get_profile("ours"), max_examples=10)

LIBM = ctypes.CDLL("libm.so.6")
#: glibc's name for floating point as it is when a program starts.
FE_DFL_ENV = ctypes.c_void_p(-1)


#: Files that take longest: they come first, or the last of them has one processor to itself while the others idle.
LONGEST = (
    "system/test_history.py",
    "test_bad_disks.py",
    "test_secrets.py",
    "mqtt/test_outbox.py",
    "notify/test_sender.py",
    "test_run.py",
    "notify/test_command.py",
    "web/test_browser.py",
)


def pytest_collection_modifyitems(items):
    """Puts the longest first."""
    items.sort(key=lambda item: not item.path.as_posix().endswith(LONGEST))


def pytest_terminal_summary(terminalreporter):
    """Says where the time went: in which folder of tests, and which ten tests took longest."""
    spent, tests = Counter(), Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                parts = report.nodeid.partition("::")[0].split("/")
                spent["/".join(parts[:2])] += report.duration
                tests[report.nodeid] += report.duration
    terminalreporter.section("where the time went")
    for place, seconds in spent.most_common():
        if seconds >= 1:
            terminalreporter.write_line(f"{seconds:8.0f} s  {place}")
    terminalreporter.write_line("slowest:")
    for test, seconds in tests.most_common(10):
        terminalreporter.write_line(f"{seconds:8.1f} s  {test}")


@pytest.fixture(autouse=True)
def _numbers_close_to_nought():
    """tflite-runtime on arm64 rounds them to nought once it is loaded, and Hypothesis does not go on without them."""
    LIBM.fesetenv(FE_DFL_ENV)


@pytest.fixture
def broker(tmp_path):
    """A real one, that lets everybody in."""
    with Mosquitto(tmp_path / "broker") as found:
        yield found


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    """Of an authority that is trusted where a test says so."""
    return Certificates(tmp_path_factory.mktemp("ours"))


@pytest.fixture(scope="session")
def others(tmp_path_factory):
    """Of an authority that nobody here has heard of, and for another host."""
    return Certificates(tmp_path_factory.mktemp("others"), host="broker.example")
