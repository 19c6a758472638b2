"""What goes into the log, and how the journal gets it: by a socket as the journal opens it."""

from __future__ import annotations

import logging
import os
import socket
import struct
import subprocess
import sys

import pytest

from edge_fer.log.journal import JournalHandler
from edge_fer.log.setup import NAME, NotAgain, set_up_log


def fields(datagram):
    """Reads the journal's native protocol, in both of its forms."""
    found = {}
    while datagram:
        name, _, rest = datagram.partition(b"\n")
        if b"=" in name:
            key, _, value = name.partition(b"=")
            datagram = rest
        else:
            key, (length,) = name, struct.unpack("<Q", rest[:8])
            value, datagram = rest[8 : 8 + length], rest[8 + length + 1 :]
        found[key.decode()] = value.decode()
    return found


@pytest.fixture
def journal(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(tmp_path / "journal"))
        sock.settimeout(5)
        yield sock, tmp_path / "journal"


@pytest.fixture
def logger(journal):
    handler = JournalHandler(journal[1])
    logger = logging.getLogger("edge_fer.tests.journal")
    logger.propagate = False
    logger.setLevel(logging.DEBUG)
    logger.addHandler(handler)
    yield logger
    logger.removeHandler(handler)
    handler.close()


def test_a_record_has_its_fields(journal, logger):
    logger.warning("camera %s is %s", "front", "lost", extra={"camera": "front", "not_ours": 1})
    got = fields(journal[0].recv(65536))
    assert got["MESSAGE"] == "camera front is lost"
    assert (got["PRIORITY"], got["CAMERA"], got["SYSLOG_IDENTIFIER"]) == ("4", "front", "edge-fer")
    assert got["LOGGER"] == "edge_fer.tests.journal"
    assert got["CODE_FUNC"] == "test_a_record_has_its_fields"
    assert "NOT_OURS" not in got


def test_a_line_break_begins_no_field_of_its_own(journal, logger):
    logger.error("one\nCAMERA=%s", "forged")
    got = fields(journal[0].recv(65536))
    assert got["MESSAGE"] == "one\nCAMERA=forged"
    assert "CAMERA" not in got


def test_an_exception_comes_with_its_traceback_and_a_giant_is_cut(journal, logger):
    try:
        int("x" * 1_000_000)
    except ValueError:
        logger.exception("oh")
    got = fields(journal[0].recv(200_000))
    assert got["MESSAGE"].startswith("oh\nTraceback")
    assert len(got["MESSAGE"]) < 50_000


def test_a_journal_that_takes_nothing_holds_nobody_up(journal, logger):
    handler = next(handler for handler in logger.handlers if isinstance(handler, JournalHandler))
    for _ in range(2000):
        logger.info("x" * 1000)
    assert handler.lost > 0


def test_a_journal_that_was_restarted_is_found_again(tmp_path, journal, logger):
    journal[0].close()
    journal[1].unlink()
    logger.info("lost")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as again:
        again.bind(str(journal[1]))
        again.settimeout(5)
        logger.info("found")
        assert fields(again.recv(65536))["MESSAGE"] == "found"


@pytest.mark.outside
def test_without_a_journal_there_is_no_handler(tmp_path):
    with pytest.raises(FileNotFoundError):
        JournalHandler(tmp_path / "none")


@pytest.fixture
def root():
    """The root logger, without what other tests have set up."""

    def strip():
        for handler in [handler for handler in root.handlers if handler.name == NAME]:
            root.removeHandler(handler)

    root = logging.getLogger()
    level = root.level
    strip()
    yield root
    strip()
    root.setLevel(level)


@pytest.fixture
def told(caplog):
    now = [0.0]
    limit = NotAgain(lambda: now[0])
    logger = logging.getLogger("edge_fer.tests.repeats")
    logger.setLevel(logging.DEBUG)
    caplog.handler.addFilter(limit)
    yield logger, now, caplog
    caplog.handler.removeFilter(limit)


def test_what_fails_again_and_again_is_told_seldom_with_a_count(told):
    logger, now, caplog = told
    for second in range(60):
        now[0] = second
        logger.warning("camera %s has sent nothing for %d s", "front", second)
    assert caplog.messages == [
        "camera front has sent nothing for 0 s",
        "camera front has sent nothing for 10 s (and 9 times more since this was last told)",
    ]


def test_cameras_and_levels_are_told_apart_and_debugging_is_not_limited(told):
    logger, _, caplog = told
    for name in ("front", "back"):
        logger.warning("camera %s is lost", name)
        logger.info("camera %s is lost", name)
    for _ in range(3):
        logger.debug("again")
    assert len(caplog.messages) == 7


def test_two_that_differ_by_a_number_are_told_apart(told):
    logger, _, caplog = told
    for name in ("cam1", "cam2", "cam1"):
        logger.warning("camera %s is lost", name, extra={"camera": name})
    assert caplog.messages == ["camera cam1 is lost", "camera cam2 is lost"]


def test_it_is_quiet_by_default_and_may_be_set_up_again(root, capsys):
    before = len(root.handlers)
    for _ in range(3):
        set_up_log("warning")
    assert len(root.handlers) == before + 1
    logging.getLogger("edge_fer.tests.quiet").info("unheard")
    logging.getLogger("edge_fer.tests.quiet").warning("heard")
    assert capsys.readouterr().err.count("heard") == 1


def test_errors_that_end_the_program_have_their_priority_in_the_journal(tmp_path):
    script = (
        "from edge_fer.log import complain; from edge_fer.config.engine.faults import ConfigFaults, Fault;"
        "complain(ConfigFaults([Fault('a', None, 'b', 'c\\nd', 'e', 'f')]))"
    )
    with (tmp_path / "stream").open("w") as stream:
        stat = os.fstat(stream.fileno())
        for journal, prefix in ((f"{stat.st_dev}:{stat.st_ino}", "<3>"), ("1:1", "")):
            stream.truncate(0)
            stream.seek(0)
            subprocess.run(
                [sys.executable, "-c", script], stderr=stream, check=True, env=os.environ | {"JOURNAL_STREAM": journal}
            )
            assert (tmp_path / "stream").read_text() == (
                f"{prefix}edge-fer: the configuration has a fault:\n{prefix}  a: b: `c\\nd` e. f.\n"
            )
