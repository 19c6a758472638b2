"""Commands to a camera that is not there: whatever comes is answered, and only what is asked for is done."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import threading
from concurrent.futures import Future

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from edge_fer.clock.system import SystemClock
from edge_fer.config import Layer, load
from edge_fer.contract.messages import rfc3339
from edge_fer.errors import CommandError, ConfigError
from edge_fer.remote.asker import Asker, Role, Way
from edge_fer.remote.auditing import audit_of
from edge_fer.remote.commander import Commander
from edge_fer.remote.configuring import ConfigureRequest
from edge_fer.remote.executor import Executor
from edge_fer.remote.guests import GuestDoor, GuestPauseRequest
from edge_fer.remote.handlers import Verbs
from edge_fer.remote.inbox import Inbox
from edge_fer.remote.pauses import PauseWatch
from edge_fer.remote.registry import COMMANDS, schemas
from edge_fer.remote.reloader import Reloader
from edge_fer.remote.settings import Settings
from edge_fer.types import Instant, Pause
from edge_fer.wiring.meaning import pause_of
from tests.capture.broken import BrokenSource
from tests.fakes.camera import Counting, Ear, make_camera
from tests.invented import at
from tests.mqtt.almost import ALMOST
from tests.mqtt.kit import COMPOSER, TOPICS

VALIDATORS = {kind: Draft202012Validator(schema) for kind, schema in schemas().items()}


class House:
    """A commander with all that it commands, but for the thread; each request comes a minute after the one before."""

    def __init__(self, folder, **values):
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.values = {"state_dir": str(folder), "cameras": {"front": {}}} | values
        self.overrides = []
        self.answers = []
        self.reloaded = 0
        self.fault = None
        self.minutes = 0
        self.is_kept = True
        self.passcode = "quiet-table-7"
        self.reloader = Reloader()
        self.reloader.bind(self.reload)
        self.camera = make_camera(BrokenSource("front", [[]], clock=SystemClock()), Ear(), Counting())
        self.settings = Settings(self.load, self.load(None).settings)
        self.inbox = Inbox(TOPICS)
        verbs = Verbs(
            {"front": self.camera},
            settings=self.settings,
            reloader=self.reloader,
            uptime=lambda: 7.0,
            settings_changed=lambda: None,
            kept=lambda _: self.is_kept,
            clock=self.clock,
            passcode=lambda: self.passcode,
        )
        self.audited = []
        self.executor = Executor(verbs, self.audited.append)
        self.commander = Commander(
            self.inbox,
            self.executor,
            topics=TOPICS,
            composer=COMPOSER,
            clock=self.clock,
            reply=lambda topic, message: self.answers.append((topic, json.loads(message.model_dump_json()))),
        )

    def clock(self):
        return at(60.0 * self.minutes)

    def load(self, remote):
        layers = [Layer.mapping("file", self.values)]
        return load(layers, overrides=self.overrides, environ={}, settings=remote or True)

    def reload(self):
        self.reloaded += 1

        def make():
            if self.fault:
                raise self.fault
            return self.load(None)

        # as the daemon does, which tells those who asked, and goes on with the old config
        with contextlib.suppress(ConfigError):
            self.reloader.renew(make)

    def ask(self, verb, **fields):
        """The answer."""
        return self.say(verb, json.dumps({"id": f"{self.minutes}"} | fields).encode())

    def say(self, verb, payload):
        self.minutes += 1
        before = len(self.answers)
        self.commander.handle(verb, payload)
        found = self.answers[before:]
        if not found:
            return None
        ((topic, answer),) = found
        assert topic == f"edge-fer/counter-1/response/{verb}"
        VALIDATORS.get(f"response/{verb}", VALIDATORS["response/reload"]).validate(answer)
        return answer

    @property
    def state(self):
        file = self.folder / "settings.yaml"
        return file.read_text() if file.exists() else None, self.camera.paused, self.reloaded

    def kept(self):
        return self.load(None).settings


@pytest.fixture
def house(tmp_path):
    return House(tmp_path / "state")


def test_a_setting_is_kept_and_left_to_the_files_again(house):
    answer = house.ask("set", key="faces.min_size", value="64px")
    assert answer["result"] == {"key": "faces.min_size", "old": "48px", "new": "64px"}
    assert house.kept() == {"faces.min_size": "64px"}
    answer = house.ask("set", key="cameras.front.faces.min_size", value="80px")
    assert answer["result"]["old"] == "64px", "a camera has what all have"
    assert house.ask("set", key="faces.min_size", value=None)["result"] == {
        "key": "faces.min_size", "old": "64px", "new": "48px",
    }  # fmt: skip
    assert house.kept() == {"cameras.front.faces.min_size": "80px"}
    assert house.reloaded == 3


DOOR = {"kind": "exclude", "polygon": [[0.0, 0.0], [0.4, 0.0], [0.4, 1.0]]}


def configure(house, key, value, role=Role.ADMIN):
    request = ConfigureRequest(id="1", key=key, value=value)
    return house.executor.carry_out("configure", request, Asker("ann", Way.SOCKET, role))


def test_a_zone_is_kept_told_and_taken_away_again(house):
    key = "cameras.front.zones.door"
    assert configure(house, key, DOOR).model_dump() == {"key": key, "old": None, "new": DOOR}
    assert house.kept() == {key: DOOR}
    assert list(house.load(None).config.cameras["front"].zones) == ["door"]
    assert house.audited[-1].done.changes[0].new == DOOR
    assert configure(house, key, None).old == DOOR
    assert house.kept() == {}
    assert house.reloaded == 2


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("cameras.front.zones.door", {"polygon": [[0, 0]]}, "too few corners"),
        ("cameras.front.zones.door", {"polygon": DOOR["polygon"], "colour": "red"}, "colour"),
        ("cameras.back.zones.door", DOOR, "is not there"),
        ("alerts.unhappy-guest.schedule", ["always"], "schedule"),
        ("alerts.gone.schedule", [], "is not there"),
        ("cameras.front.source", "rtsp://evil", "can be set"),
        ("cameras.front.zones.", DOOR, "can be set"),
        ("privacy.events", "on", "can be set"),
        ("faces.confirm", 4, "can be set"),
    ],
)
def test_a_part_that_cannot_be_set_is_refused_and_nothing_changes(house, key, value, told):
    before = house.state
    with pytest.raises(CommandError, match=told) as raised:
        configure(house, key, value)
    assert raised.value.code == "refused"
    assert house.state == before


def test_only_an_admin_may_set_a_zone_and_nobody_over_mqtt(house):
    with pytest.raises(CommandError, match="needs the role admin"):
        configure(house, "cameras.front.zones.door", DOOR, Role.OPERATOR)
    assert house.ask("configure", key="cameras.front.zones.door", value=DOOR)["error"] == "unknown"
    assert house.ask("set", key="cameras.front.zones.door", value=DOOR)["error"] == "malformed"
    assert house.ask("set", key="cameras.front.zones.door", value=None)["error"] == "refused"
    assert house.kept() == {}


@pytest.mark.slow
def test_no_more_is_kept_than_can_be_read_again(tmp_path):
    corners = [[round(0.001 * index, 3), 0.001 * (index % 2)] for index in range(90)]
    wide = {"polygon": [[0, 1], *corners, [1, 1]]}
    configure(House(tmp_path), "cameras.front.zones.z0", wide)
    file = tmp_path / "settings.yaml"
    comment, _, content = file.read_text().partition("\n")
    written = json.loads(content)
    zones = written["cameras"]["front"]["zones"]
    # nearly as many as there may be, at once: each change reads the whole config anew
    many = 195_000 // len(content)
    zones |= {f"y{number}": zones["z0"] for number in range(many)}
    file.write_text(f"{comment}\n{json.dumps(written, indent=2)}")
    house = House(tmp_path)
    with pytest.raises(CommandError, match="200000 bytes"):
        for number in range(10):
            configure(house, f"cameras.front.zones.x{number}", wide)
    assert len(house.kept()) > many
    assert house.load(None).set_aside == ()


def test_a_value_that_is_so_already_changes_nothing_else(house):
    assert house.ask("set", key="faces.min_size", value="48px")["ok"]
    assert house.reloaded == 0


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("faces.min_size", "9px", "16px to 4096px"),
        ("faces.min_size", 64, "unit"),
        ("faces.min_size", "${HOME}", "is not a length"),
        ("faces.confirm", "4", "whole number"),
        ("faces.confirm", True, "whole number"),
        ("alerts.gone.for", "4s", "is not there"),
        ("alerts.unhappy-guest.when.more_people_than", 4, "is not there"),
        ("mood.distress.moderate", 0.9, "high"),
        ("mqtt.broker", "mqtt://evil", "docs/commands.md"),
        ("", "x", None),
    ],
)
def test_what_cannot_be_set_is_refused_and_nothing_changes(house, key, value, told):
    before = house.state
    answer = house.ask("set", key=key, value=value)
    assert not answer["ok"]
    assert answer["result"] is None
    assert told is None or told in answer["message"]
    assert house.state == before


def test_what_the_command_line_says_cannot_be_set(house):
    house.overrides = [Layer.setting("faces.min_size=99px")]
    answer = house.ask("set", key="faces.min_size", value="64px")
    assert answer["error"] == "refused"
    assert "-o faces.min_size=99px" in answer["message"]
    assert house.kept() == {}


def test_a_setting_that_cannot_be_taken_over_is_taken_back(house):
    house.ask("set", key="faces.confirm", value=4)
    house.fault = ConfigError("the camera is on fire", remedy="Pour water on it")
    answer = house.ask("set", key="faces.confirm", value=5)
    assert (answer["error"], answer["message"]) == ("refused", "the camera is on fire. Pour water on it")
    assert house.kept() == {"faces.confirm": 4}
    assert house.ask("reload")["error"] == "refused"
    house.fault = None
    assert house.ask("reload")["ok"]


def test_a_disk_that_cannot_be_written_is_told(house):
    house.folder.chmod(0o500)
    if os.access(house.folder, os.W_OK):  # as root, a folder in the file's place does it
        (house.folder / ".settings.yaml.new").mkdir()
    answer = house.ask("set", key="faces.confirm", value=4)
    assert (answer["ok"], answer["error"]) == (False, "failed")
    assert "settings.yaml cannot be written" in answer["message"]
    answer = house.ask("pause")
    assert "is paused, but" in answer["message"]
    assert house.camera.paused, "privacy comes first"
    house.folder.chmod(0o700)


def test_a_pause_is_kept_and_ends_even_where_the_config_file_says_pause(tmp_path):
    house = House(tmp_path, cameras={"front": {"paused": True}})
    assert house.ask("resume")["ok"]
    assert house.kept() == {"cameras.front.paused": False}
    assert house.ask("pause")["ok"]
    assert house.load(None).config.cameras["front"].paused
    assert house.camera.paused


def test_a_name_that_is_not_there_is_refused_with_those_that_are(house):
    for verb, fields in [("pause", {}), ("resume", {}), ("acknowledge", {}), ("silence", {"for": "1m"})]:
        answer = house.ask(verb, camera="back", **fields)
        assert (answer["error"], "front" in answer["message"]) == ("refused", True)


def test_a_fault_of_ours_is_answered_and_the_next_request_is_carried_out(house, caplog):
    row = dataclasses.replace(COMMANDS["ping"], handler=lambda _verbs, _request: 1 / 0)
    house.executor.commands = {**COMMANDS, "ping": row}
    assert house.ask("ping")["error"] == "failed"
    assert "ZeroDivisionError" in caplog.text
    assert house.ask("resume")["ok"]


def test_at_the_end_what_waits_is_answered(house):
    """A reload that is never done does not hold up the end, and the one behind it is answered too."""
    house.reloader.bind(lambda: None)
    started = threading.Event()
    house.reloader.ask = lambda ask=house.reloader.ask: (started.set(), ask())[1]
    house.commander.start()
    house.inbox.take("edge-fer/counter-1/command/reload", b'{"id": "1"}', retained=False)
    assert started.wait(60)
    house.inbox.take("edge-fer/counter-1/command/ping", b'{"id": "2"}', retained=False)
    house.commander.close()
    house.commander._thread.join(60)
    assert [(answer["id"], answer["error"]) for _, answer in house.answers] == [("1", "busy"), ("2", "busy")]


def test_what_could_not_be_done_for_now_may_be_asked_again_with_the_same_id(house):
    house.camera.ask = lambda _: Future()
    house.executor._verbs.give_up()
    assert house.ask("acknowledge", id="1")["error"] == "busy"
    assert house.ask("acknowledge", id="1")["error"] == "busy"


def test_who_asks_while_a_reload_goes_on_is_told_of_the_next_one():
    reloader = Reloader()
    late: list[Future[None]] = []
    early = reloader.ask()
    reloader.renew(lambda: late.append(reloader.ask()))
    assert early.done()
    assert not late[0].done()
    reloader.renew(lambda: None)
    assert late[0].done()


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None, max_examples=150
)
@given(verb=st.sampled_from([*COMMANDS, "explode", "a/b", "", "x" * 100]), payload=st.binary(max_size=100) | ALMOST)
def test_whatever_comes_is_answered_and_what_is_refused_changes_nothing(house, verb, payload):
    before = house.state
    answer = house.say(verb, payload)
    if answer is None:
        assert verb not in COMMANDS
    elif not answer["ok"]:
        assert answer["error"] != "failed", answer
        assert house.state[0] == before[0]
        assert house.state[1] == before[1]


def test_a_pause_with_an_end_and_a_reason_is_kept_told_and_ends_by_itself(house):
    answer = house.ask("pause", reason="a talk with relatives", **{"for": "10m"})
    until = rfc3339(house.clock().later(600).utc)
    assert answer["result"] == {"cameras": ["front"], "until": until}
    told = {"paused": True, "paused_until": until, "pause_reason": "a talk with relatives"}
    assert house.kept() == {f"cameras.front.{key}": value for key, value in told.items()}
    assert [(change.key, change.new) for change in house.audited[-1].done.changes] == [*house.kept().items()]
    after_a_restart = pause_of(house.load(None).config.cameras["front"])
    watch = PauseWatch({"front": house.camera}, house.executor, house.clock)
    house.minutes += 9
    assert not after_a_restart.is_over(house.clock())
    watch.look()
    assert house.camera.paused
    house.minutes += 1
    assert after_a_restart.is_over(house.clock())
    watch.look()
    assert not house.camera.paused
    assert house.kept() == {}
    ended = house.audited[-1]
    assert (ended.command, ended.asker.name, ended.request.camera) == ("resume", "edge-fer", "front")
    watch.look()
    assert house.audited[-1] is ended, "nothing more is to be ended"


def test_a_pause_without_an_end_takes_the_place_of_one_with_an_end(house):
    house.ask("pause", **{"for": "10m"})
    assert house.ask("pause")["result"]["until"] is None
    assert house.kept() == {"cameras.front.paused": True}
    house.minutes += 20
    PauseWatch({"front": house.camera}, house.executor, house.clock).look()
    assert house.camera.paused


def test_a_pause_that_cannot_be_ended_on_disk_goes_on_and_is_tried_again(house):
    house.ask("pause", **{"for": "10m"})
    (house.folder / ".settings.yaml.new").mkdir()
    watch = PauseWatch({"front": house.camera}, house.executor, house.clock)
    house.minutes += 10
    watch.look()
    refused = len(house.audited)
    assert house.camera.paused
    watch.look()
    assert len(house.audited) == refused, "not again and again"
    (house.folder / ".settings.yaml.new").rmdir()
    house.minutes += 1
    watch.look()
    assert not house.camera.paused


def test_a_clock_that_is_put_right_does_not_shorten_a_pause():
    pause = Pause(at(600).utc, "", at(600).mono)
    put_forward = Instant(at(10).mono, at(9000).utc)
    assert not pause.is_over(put_forward)
    assert Pause(at(600).utc).is_over(put_forward), "of one from before the start, the clock is all that is known"
    assert not Pause().is_over(put_forward)


@pytest.mark.parametrize("fields", [{"for": "8d"}, {"for": "0s"}, {"for": 5}, {"reason": ""}, {"reason": "x" * 201}])
def test_a_pause_that_makes_no_sense_is_refused(house, fields):
    assert house.ask("pause", **fields)["error"] == "malformed"
    assert not house.camera.paused


def test_people_who_are_watched_pause_the_room_with_the_passcode_and_not_too_often(house):
    def ask(passcode):
        request = GuestPauseRequest(id="1", passcode=passcode)
        return house.executor.carry_out("guest_pause", request, Asker("notice", Way.WEB, Role.VIEWER))

    with pytest.raises(CommandError, match="not the passcode"):
        ask("quiet")
    assert ask(" quiet-table-7 ").until == rfc3339(house.clock().later(900).utc)
    assert house.camera.pause_now.reason == "asked for on the notice"
    assert "quiet-table-7" not in repr([audit_of(one, COMPOSER, at(0)) for one in house.audited])
    house.minutes += 15
    PauseWatch({"front": house.camera}, house.executor, house.clock).look()
    assert not house.camera.paused
    with pytest.raises(CommandError, match="a short while ago"):
        ask("quiet-table-7")
    house.minutes += 15
    house.ask("pause")
    ask("quiet-table-7")
    assert house.camera.pause_now.until is None, "a longer pause stays"
    house.passcode = None
    with pytest.raises(CommandError, match="without an account"):
        ask("quiet-table-7")


def test_passcodes_cannot_be_tried_out():
    door = GuestDoor()
    for second in range(20):
        with pytest.raises(CommandError, match="not the passcode"):
            door.let_in("quiet-table-7", "ä", float(second))
    for given_code in ("wrong", "quiet-table-7"):
        with pytest.raises(CommandError, match="too many"):
            door.let_in("quiet-table-7", given_code, 20.0)
    door.let_in("quiet-table-7", "quiet-table-7", 920.0)
