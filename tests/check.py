"""What `make check` runs: the quick tests, which start no process, open no socket and do not sleep.

A pytest plugin, used as `python -m pytest -p tests.check`. The choice is a rule, so there is no list to keep: a test is
left out if it names such a thing (`NAMES`), or a fixture or helper that it uses does. What works on pictures (OpenCV,
PyAV, fetched detectors, shared data) is left out as well, because it takes long.

A test may start a process, open a socket or sleep without naming it, because the package does it. It then fails here,
and is marked with `@pytest.mark.outside`. What takes seconds for another reason is marked with `@pytest.mark.slow`.
"""

from __future__ import annotations

import inspect
import sys
import time
from collections.abc import Iterator
from types import CodeType

import pytest
from hypothesis import settings

#: What `make check` runs at the least. Fewer means that the rule leaves out too much.
FEWEST = 2000
#: How many examples a property-based test tries, unless it says so itself.
EXAMPLES = 10
#: Who names one of these starts a process, opens a socket, sleeps, or works on pictures.
NAMES = {"asyncio", "http", "multiprocessing", "pty", "selenium", "socket", "socketserver", "subprocess"}
NAMES |= {"sleep", "av", "cv2", "tests.fetched", "tests.shared"}
#: What Python calls these acts (https://docs.python.org/3/library/audit_events.html), and what we call them.
ACTS = {
    "os.exec": "starts a process",
    "os.fork": "starts a process",
    "os.forkpty": "starts a process",
    "os.posix_spawn": "starts a process",
    "os.system": "starts a process",
    "socket.__new__": "opens a socket",
    "socket.getaddrinfo": "looks up an address",
    "subprocess.Popen": "starts a process",
}


class Outside(BaseException):
    """A test did what none may do in `make check`. The code under test catches no such exception."""


class Guard:
    """Stops a test that starts a process, opens a socket or sleeps, in any of its threads, and keeps what it did."""

    def __init__(self) -> None:
        self.watching = False
        self.acts: list[str] = []

    def __call__(self, event: str, _arguments: object) -> None:
        """An audit hook: Python calls it before each act, which does not happen if this raises."""
        if event in ACTS:
            self.refuse(ACTS[event])

    def refuse(self, act: str) -> None:
        """Stops the test where it is."""
        if self.watching:
            self.acts.append(act)
            raise Outside(act)

    def sleep(self, seconds: float) -> None:
        """In the place of `time.sleep`, of which Python tells no audit hook before 3.13."""
        self.refuse("sleeps")
        SLEEP(seconds)

    def complaint(self) -> str | None:
        """What the test did since the last question, and what to do about it."""
        acts, self.acts = sorted(set(self.acts)), []
        if not acts:
            return None
        return f"this test {' and '.join(acts)}, which none does in `make check`: mark it with @pytest.mark.outside"


GUARD = Guard()
SLEEP = time.sleep


def pytest_configure(config):
    """From here on Python asks the guard, which cannot be taken back: this process runs nothing but `make check`."""
    settings.register_profile("check", settings.get_profile("ours"), max_examples=EXAMPLES)
    settings.load_profile("check")
    sys.addaudithook(GUARD)
    time.sleep = GUARD.sleep


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    """Leaves out what the rule leaves out."""
    chosen, left = [], []
    for item in items:
        (left if is_outside(item) else chosen).append(item)
    items[:] = chosen
    config.hook.pytest_deselected(items=left)
    # who names files or tests wants those alone
    if config.args_source is not pytest.Config.ArgsSource.ARGS and len(chosen) < FEWEST:
        msg = f"`make check` has {len(chosen)} tests, and should have {FEWEST}: tests/check.py leaves out too many"
        raise pytest.UsageError(msg)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item, nextitem):
    """Watches the test, its fixtures and what they leave running."""
    GUARD.watching = True
    try:
        return (yield)
    finally:
        GUARD.watching = False
        GUARD.acts.clear()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Fails a test that did such a thing, also where it went on after that."""
    report = yield
    if complaint := GUARD.complaint():
        report.outcome, report.longrepr = "failed", complaint
    return report


def is_outside(item: pytest.Item) -> bool:
    """Whether this test is left out."""
    if item.get_closest_marker("outside") or item.get_closest_marker("slow"):
        return True
    seen: set[int] = set()
    values = item.callspec.params.values() if hasattr(item, "callspec") else ()
    fixtures = (found[-1].func for found in item._fixtureinfo.name2fixturedefs.values())
    return any(_names_it(part, seen) for part in (item.function, *fixtures, *values))


def _names_it(part: object, seen: set[int]) -> bool:
    """Whether a function or class of `tests`, or one of `tests` that it uses, names what none may in `make check`."""
    if hasattr(part, "hypothesis"):
        part = part.hypothesis.inner_test
    if isinstance(part, property):
        part = part.fget
    part = getattr(part, "__func__", part)
    if inspect.isfunction(part):
        part = inspect.unwrap(part)
    if id(part) in seen:
        return False
    seen.add(id(part))
    module = (part.__name__ if inspect.ismodule(part) else getattr(part, "__module__", None)) or ""
    if module in NAMES or module.partition(".")[0] in NAMES:
        return True
    if module.partition(".")[0] != "tests":
        return False
    if inspect.isclass(part):
        return any(_names_it(member, seen) for member in (*vars(part).values(), *part.__bases__))
    if not inspect.isfunction(part):
        return False
    names = set(_names(part.__code__))
    used = [part.__globals__[name] for name in names if name in part.__globals__]
    modules = [vars(thing) for thing in used if inspect.ismodule(thing) and thing.__name__.startswith("tests.")]
    used += [module[name] for module in modules for name in names if name in module]
    return not names.isdisjoint(NAMES) or any(_names_it(thing, seen) for thing in used)


def _names(code: CodeType) -> Iterator[str]:
    """The names that a function uses, also in functions within it."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)
