"""`edge-fer notify`, the doctor's check, and the daemon with its sender, as people run them."""

from __future__ import annotations

import json
import os
import subprocess
import time

import pytest

from edge_fer.config import Layer, load
from edge_fer.doctor import notify as module
from edge_fer.doctor.finding import State
from edge_fer.doctor.notify import notifications
from edge_fer.notify.spool import Spool
from tests.broker import tool
from tests.daemon import COMMAND, Daemon, edge_fer
from tests.notify.making import item
from tests.notify.servers import NtfyServer, Webhook

pytestmark = pytest.mark.outside
ALWAYS = ["happy", "neutral", "sad", "angry", "surprise", "fear", "disgust"]


@pytest.fixture
def config(tmp_path):
    """Writes a config with these targets."""

    def write(targets, **more):
        file = tmp_path / "config.yaml"
        given = {"state_dir": str(tmp_path / "state"), "node": {"id": "n", "site": "Ward 3"}, **more}
        file.write_text(json.dumps(given | {"notify": {"targets": targets} | more.get("notify", {})}))
        return ["--config", str(file)]

    return write


def test_a_test_reaches_all_targets_or_one(config):
    with Webhook() as hook, NtfyServer() as ntfy:
        asked = config({"hook": {"url": hook.url}, "ntfy": {"url": ntfy.url}})
        ended = edge_fer("notify", "test", *asked)
        assert (ended.returncode, ended.stderr) == (0, "")
        assert [line.split() for line in ended.stdout.splitlines()] == [["hook", "taken"], ["ntfy", "taken"]]
        assert edge_fer("notify", "test", "ntfy", *asked).returncode == 0
        assert (len(hook.taken), len(ntfy.taken)) == (1, 2)
        assert hook.taken[0].title == "Ward 3: test of notifications"


def test_a_test_that_fails_says_why_and_tells_no_secret(config):
    ended = edge_fer("notify", "test", *config({"hook": {"url": "json://user:word-secret@127.0.0.1:1/path-secret"}}))
    assert ended.returncode == 1
    assert "NOT TAKEN: the server refuses connections" in ended.stdout
    assert "secret" not in ended.stdout + ended.stderr


@pytest.mark.parametrize(
    ("targets", "arguments", "told"),
    [
        ({}, ["test"], "notify.targets: nobody is named who could be told"),
        ({}, ["list"], "notify.targets: nobody is named who could be told"),
        (
            {"nurse": {"url": "json://127.0.0.1:1"}},
            ["test", "nurs"],
            "there is no target `nurs`. Did you mean `nurse`?",
        ),
    ],
)
def test_what_cannot_be_tried_is_told(config, targets, arguments, told):
    ended = edge_fer("notify", *arguments, *config(targets))
    assert ended.returncode == 78
    assert told in ended.stderr


def test_the_list_shows_who_is_told_and_what_waits(config, tmp_path):
    targets = {
        "nurse": {"url": "ntfy://tk_secret@127.0.0.1/bed"},
        "boss": {"url": "tgram://to-secret/1", "detail": "full"},
    }
    asked = config(targets, notify={"routes": {"all": {"to": ["nurse"]}}})
    Spool(tmp_path / "state/notify").add([item(), item()], time.time())
    Spool(tmp_path / "state/notify").refused("nurse", time.time(), "the server answers with status 401")
    ended = edge_fer("notify", "list", *asked)
    assert (ended.returncode, ended.stderr) == (0, "")
    for words in (
        "(outside)",
        "place; all",
        "full; no route leads to it",
        "2 wait",
        "NOT TAKEN: the server answers with",
    ):
        assert words in ended.stdout
    assert "secret" not in ended.stdout
    shown = json.loads(edge_fer("notify", "list", "--json", *asked).stdout)
    assert (shown["nurse"]["waiting"], shown["boss"]["outside"]) == (2, True)


@pytest.fixture
def closed(tmp_path):
    """Runs commands as somebody who may not look into the spool."""
    spool = tmp_path / "state" / "notify"
    spool.mkdir(parents=True)
    Spool(spool).add([item(), item()], time.time())
    Spool(spool).refused("nurse", time.time(), "it is down")
    given = {"state_dir": str(tmp_path / "state"), "notify": {"targets": {"nurse": {"url": "json://127.0.0.1:1"}}}}
    (tmp_path / "config.yaml").write_text(json.dumps(given))
    spool.chmod(0)
    before = []
    if os.geteuid() == 0:
        # root without its rights over files of others
        os.chown(spool, 65534, 65534)
        spool.chmod(0o2770)
        before = [tool("setpriv"), "--bounding-set", "-dac_override,-dac_read_search"]

    def run(*arguments):
        command = [*before, *COMMAND, *arguments, "--config", str(tmp_path / "config.yaml")]
        return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)

    yield run
    spool.chmod(0o700)


def test_who_may_not_look_is_told_so_and_how_to(closed):
    ended = closed("notify", "list")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "What waits, and what was sent, is not known:" in ended.stdout
    assert "Use sudo" in ended.stdout
    assert "nothing sent" not in ended.stdout
    if os.geteuid() == 0:
        assert "become a member of the group nogroup (`sudo usermod -aG nogroup $USER`" in ended.stdout
    shown = json.loads(closed("notify", "list", "--json").stdout)["nurse"]
    assert [shown[name] for name in ("waiting", "last_sent", "lost", "problem")] == [None] * 4
    assert "whether targets take messages is not known" in closed("doctor").stdout


def findings(targets, folder, **more):
    given = {"state_dir": str(folder), "notify": {"targets": targets, **more}}
    return {one.name: one for one in notifications(load([Layer("x", json.dumps(given))], settings=False).config)}


def test_the_doctor_looks_at_each_target(tmp_path):
    file = tmp_path / "address"
    file.write_text("nothing like an address\n")
    targets = {
        "good": {"url": "json://127.0.0.1/x"},
        "missing": {"url_file": str(tmp_path / "nowhere")},
        "wrong": {"url_file": str(file)},
        "refusing": {"url": "json://127.0.0.1/y"},
    }
    Spool(tmp_path / "notify").add([item("refusing")], time.time())
    Spool(tmp_path / "notify").refused("refusing", time.time(), "it is down")
    found = findings(targets, tmp_path)
    assert {name: one.state for name, one in found.items()} == {
        "notify good": State.GOOD,
        "notify missing": State.FAULT,
        "notify wrong": State.FAULT,
        "notify refusing": State.FAULT,
    }
    assert "it is down" in found["notify refusing"].what
    assert str(tmp_path / "nowhere") in found["notify missing"].what
    assert not (tmp_path / "elsewhere").exists()


def test_the_doctor_says_which_target_cannot_get_a_page(tmp_path):
    files = {name: tmp_path / name for name in ("mail", "hook")}
    files["mail"].write_text("mailto://a@ward.lan\n")
    files["hook"].write_text("json://ward.lan\n")
    targets = {name: {"url_file": str(file), "detail": "full"} for name, file in files.items()}
    found = findings(targets, tmp_path, week_page=["mail", "hook"])
    assert (found["notify mail"].state, found["notify hook"].state) == (State.GOOD, State.FAULT)
    assert "no address of mail" in found["notify hook"].what


def test_the_doctor_makes_no_files(tmp_path):
    findings({"good": {"url": "json://127.0.0.1/x"}}, tmp_path / "state")
    assert not (tmp_path / "state").exists()


def test_the_doctor_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    (found,) = findings({"good": {"url": "json://127.0.0.1/x"}}, tmp_path).values()
    assert (found.state, "apprise" in found.remedy) == (State.FAULT, True)


def test_the_doctor_reads_texts_of_others(tmp_path):
    file = tmp_path / "fr.toml"
    file.write_text("alert = 5")
    found = findings({"good": {"url": "json://127.0.0.1/x"}}, tmp_path, language=str(file))
    assert found["notify"].state is State.FAULT


def alerting(tmp_path, **notify):
    always = {"when": {"emotion": ALWAYS, "score": 0.1}, "for": 0, "severity": "critical", "cooldown": 0}
    return {
        "node": {"id": "test", "site": "Ward 3"},
        "mqtt": {"broker": "mqtt://127.0.0.1:1"},
        "cameras": {"bed-1": {"source": "sample", "loop": True, "faces": {"detector": "haar"}}},
        "alerts": {"always": always | {"keep_firing_for": 0}},
        "notify": notify,
    }


@pytest.mark.slow
def test_a_daemon_tells_people_of_what_it_sees(tmp_path):
    with NtfyServer() as ntfy, Webhook() as full:
        targets = {"nurse": {"url": ntfy.url}, "boss": {"url": full.url, "detail": "full"}}
        with Daemon(tmp_path, alerting(tmp_path, targets=targets)) as daemon:
            assert ntfy.wait_for(1, 120)[0].text.startswith("Ward 3 · bed-1: please look. Since ")
            assert "always (critical)" in full.wait_for(1)[0].text
            assert daemon.stop() == 0
        assert "always" not in "".join(one.title + one.text for one in ntfy.taken)
        assert set(ntfy.priorities.values()) == {"max"}


@pytest.mark.slow
def test_a_rule_that_flaps_makes_at_most_what_the_limit_allows(tmp_path):
    """With the sample, this rule fires again and again for a minute."""
    with NtfyServer() as ntfy:
        notify = {"targets": {"nurse": {"url": ntfy.url}}, "group": "5s", "limit": {"messages": 2, "per": "1m"}}
        with Daemon(tmp_path, alerting(tmp_path, **notify)) as daemon:
            first = ntfy.wait_for(1, 120)[0].at
            ntfy.wait_for(3, 120)
            assert daemon.stop() == 0
        spool = Spool(tmp_path / "state/notify")
        assert spool.status()["nurse"].problem == ""
    within = [one for one in ntfy.taken if one.at - first < 59]
    assert len(within) <= 2
    assert any("times since" in one.text for one in ntfy.taken)
