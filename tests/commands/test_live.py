"""The live view of the demo and of `status`: what it shows, and that it gives the terminal back."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time

import pytest

from edge_fer.cli._live import demo_lines, fitted
from edge_fer.cli._status_screen import BARS, PLAIN_BARS
from tests.broker import free_port

HINTS = ["do this", "do that"]


def test_before_the_node_answers_the_demo_says_so():
    assert demo_lines(None, [], HINTS, seconds=0, bar=BARS, about=["Still set: x"])[-3] == "Still set: x"
    shown = demo_lines(None, [], HINTS, seconds=0, bar=BARS)
    assert shown[0].startswith("edge-fer begins")
    assert shown[-2:] == ["Try next: do this", "Ctrl-C ends this."]


def test_hints_take_turns():
    shown = {demo_lines(None, [], HINTS, seconds=second, bar=BARS)[-2] for second in range(20)}
    assert shown == {"Try next: do this", "Try next: do that"}


def test_what_does_not_fit_is_left_out_before_the_last_three_lines():
    lines = [f"line {number}" for number in range(20)]
    drawn = fitted(lines, columns=80, rows=10, colours=False).replace("\x1b[K", "").split("\r\n")
    assert drawn == [*lines[:6], *lines[-3:]]


def test_no_line_is_longer_than_the_terminal_or_heeded_by_it():
    [drawn] = fitted(["\x1b[2J" + "x" * 100], columns=20, rows=10, colours=False).split("\r\n")
    assert drawn == r"\x1b[2J" + "x" * 12 + "\x1b[K"


@pytest.mark.parametrize(
    ("line", "code"),
    [("  ab12  happy     ████ 90 %", "32"), ("  FIRING   unhappy-guest ab12", "1;31"), ("broker   embedded", None)],
)
def test_lines_are_coloured_by_what_they_say(line, code):
    drawn = fitted([line], columns=80, rows=10, colours=True)
    assert drawn == (f"\x1b[{code}m{line}\x1b[0m\x1b[K" if code else f"{line}\x1b[K")
    assert "\x1b[3" not in fitted([line], columns=80, rows=10, colours=False)


class Terminal:
    """A command in a terminal of its own."""

    def __init__(self, *command, **environment):
        self._screen, other = pty.openpty()
        fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        self.process = subprocess.Popen(command, stdin=other, stdout=other, stderr=other, env=os.environ | environment)
        os.close(other)
        self.seen = ""

    def wait_for(self, text, patience=180):
        deadline = time.monotonic() + patience
        while text not in self.seen:
            assert time.monotonic() < deadline, self.seen[-3000:]
            self._read()

    def stop(self):
        """Ends it as Ctrl-C does; its exit status."""
        self.process.send_signal(signal.SIGINT)
        while self.process.poll() is None:
            self._read()
        while self._read():
            pass
        os.close(self._screen)
        return self.process.returncode

    def _read(self):
        if not select.select([self._screen], [], [], 0.2)[0]:
            return False
        try:
            read = os.read(self._screen, 1 << 16)
        except OSError:  # nobody writes any more
            return False
        self.seen += read.decode(errors="replace")
        return bool(read)


def demo(tmp_path, **environment):
    environment = {"TERM": "xterm", **environment}
    mqtt = [f"mqtt.embedded_port={free_port()}", "mqtt.broker=embedded"]
    settings = ["node.id=test", f"state_dir={tmp_path}", "cameras.camera.source=sample:counter", *mqtt]
    arguments = [part for setting in settings for part in ("-o", setting)]
    command = [sys.executable, "-m", "edge_fer", "run", "--demo", *arguments]
    return Terminal(*command, XDG_STATE_HOME=str(tmp_path), **environment)


def test_the_demo_shows_people_with_bars_an_alert_with_its_reason_and_its_end(tmp_path):
    terminal = demo(tmp_path)
    terminal.wait_for("The people are invented")
    terminal.wait_for("neutral   ███")
    terminal.wait_for("unhappy-guest")
    terminal.wait_for("FIRING")
    terminal.wait_for("the limit is 65 %: a face looks angry, disgusted or sad")
    terminal.wait_for("resolved")
    assert terminal.stop() == 0
    assert "Try next: " in terminal.seen
    # it took a screen of its own, and gave it back with the cursor
    assert terminal.seen.index("\x1b[?1049h") < terminal.seen.index("\x1b[?25h\x1b[?1049l")
    assert "Traceback" not in terminal.seen


def test_a_terminal_that_cannot_draw_gets_lines(tmp_path):
    terminal = demo(tmp_path, TERM="dumb")
    terminal.wait_for("appeared")
    assert terminal.stop() == 0
    assert "\x1b" not in terminal.seen
    assert "Ctrl-C ends it." in terminal.seen


def test_where_blocks_cannot_be_shown_bars_are_plain(tmp_path):
    terminal = demo(tmp_path, PYTHONIOENCODING="ascii:replace")
    terminal.wait_for(f"neutral   {PLAIN_BARS[0] * 3}")
    assert terminal.stop() == 0


def test_what_ends_the_demo_is_read_after_the_screen_is_given_back(tmp_path):
    film = tmp_path / "film.mp4"
    film.write_bytes(b"no film")
    command = [sys.executable, "-m", "edge_fer", "run", "--demo", "-o", f"cameras.camera.source={film}"]
    settings = ["-o", f"state_dir={tmp_path}", "-o", "mqtt.broker=embedded", "-o", f"mqtt.embedded_port={free_port()}"]
    terminal = Terminal(*command, *settings, XDG_STATE_HOME=str(tmp_path), TERM="xterm")
    terminal.wait_for("film.mp4 is not a video", patience=120)
    terminal.process.wait(60)
    assert terminal.stop() != 0
    after = terminal.seen.partition("\x1b[?1049l")[2]
    assert "film.mp4 is not a video" in after
    assert "Traceback" not in terminal.seen
