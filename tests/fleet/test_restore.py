"""What brings a fleet back whose machines are lost: a copy in git, and the authority's key."""

from __future__ import annotations

import shutil
import stat
import subprocess

import pytest

from tests.broker import tool
from tests.daemon import Daemon
from tests.fleet.kit import Fleet, reported
from tests.mqtt.kit import until
from tests.running import ENDLESS


@pytest.fixture
def fleet(tmp_path):
    return Fleet(tmp_path, "one --ring canary", "two", "stolen")


def lose(fleet):
    """Loses the operator's machine but for git's copy, which has no secrets; where the authority's key is kept."""
    kept = fleet.root / "safe" / "ca.key"
    kept.parent.mkdir()
    shutil.copy(fleet.path / "secrets" / "ca.key", kept)
    shutil.move(fleet.path, fleet.root / "lost")
    git = [tool("git"), "-C", fleet.root / "lost", "-c", "user.name=ann", "-c", "user.email=ann@example.org"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "x"]):
        subprocess.run([*git, *words], check=True)
    subprocess.run([tool("git"), "clone", "-q", fleet.root / "lost", fleet.path], check=True)
    assert not (fleet.path / "secrets").exists()
    return kept


def lost_client(fleet, user):
    """What a client with a lost key is told, and whether it was let in."""
    secrets = fleet.root / "lost" / "secrets"
    files = ["--cafile", fleet.path / "certificates" / "ca.crt", "--cert", secrets / f"{user}.crt"]
    command = [
        tool("mosquitto_sub"),
        "-h",
        "127.0.0.1",
        "-p",
        str(fleet.port),
        *files,
        "--key",
        secrets / f"{user}.key",
    ]
    words = [*command, "-V", "5", "-t", "$SYS/broker/version", "-E"]
    return subprocess.run(words, capture_output=True, check=False, timeout=60).returncode == 0


def test_a_lost_operator_and_a_lost_broker_come_back_and_nodes_go_on_with_what_they_have(tmp_path, fleet):
    fleet.ok("revoke", "stolen")
    config = fleet.taken_over("one") | {"cameras": {"front": ENDLESS}}
    with fleet, Daemon(tmp_path / "node", config) as node:
        node.wait_for("connected to the broker")
        fleet.ok("set", "all", "emotion.min_lead=0.123")
        fleet.ok("rollout", "--watch", "1", "--allow-silent")
        before = reported(fleet, "one")
        assert "all" in before["desired"]
        assert operator_is_let_in(fleet)

        fleet.stop(kill=True)
        shutil.rmtree(fleet.mosquitto)
        said = fleet.ok("restore", "--key", str(lose(fleet)))
        assert "New keys for the broker, collector, operator" in said
        fleet.deploy()
        fleet.start()
        until(lambda: reported(fleet, "one") is not None)
        assert reported(fleet, "one")["hash"] == before["hash"], "without a broker's memory the node keeps its config"
        said = fleet.ok("rollout", "--watch", "1", "--allow-silent")
        assert "ring canary: in force on all of them" in said
        until(lambda: reported(fleet, "one")["desired"] == before["desired"])
        assert reported(fleet, "one")["hash"] == before["hash"]
        assert "one: " not in fleet.ok("diff")
        # nobody knows who has the lost keys now
        assert not lost_client(fleet, "operator")
        assert not lost_client(fleet, "collector")
        assert "stolen" not in fleet.ok("list")
        revoked = {one.name for one in fleet.folder.records if one.revoked}
        assert revoked == {"stolen", "operator", "collector", fleet.folder.settings.brokers[0]}
        assert node.stop() == 0
        assert "Traceback" not in node.output


def operator_is_let_in(fleet):
    """Whether the operator is let in, asked as `lost_client` asks."""
    return fleet.client("mosquitto_sub", "operator", "-t", "$SYS/broker/version", "-E").returncode == 0


def test_only_what_is_missing_is_made_and_a_second_time_nothing(fleet):
    secrets = fleet.path / "secrets"
    assert fleet.ok("restore") == "Nothing is missing.\n"
    before = {file: file.read_bytes() for file in secrets.rglob("*") if file.is_file()}
    (secrets / "operator.crt").unlink()
    assert "New keys for operator;" in fleet.ok("restore")
    changed = {file.name for file, content in before.items() if file.read_bytes() != content}
    assert changed == {"operator.crt", "operator.key"}
    assert [one.name for one in fleet.folder.records if one.revoked] == ["operator"]
    assert fleet.ok("restore") == "Nothing is missing.\n"


def test_keys_that_come_back_are_for_their_owner_alone(fleet):
    kept = lose(fleet)
    fleet.ok("restore", "--key", str(kept))
    secrets = fleet.path / "secrets"
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o700
    keys = sorted(secrets.glob("*.key"))
    assert [file.name for file in keys] == ["ca.key", "collector.key", "operator.key", "server.key"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in keys} == {0o600}


@pytest.mark.parametrize(
    ("key", "said"),
    [("missing", "No such file"), ("junk", "is damaged"), ("other", "do not belong together"), (None, "ca.key")],
)
def test_without_the_right_key_nothing_is_written(tmp_path, fleet, key, said):
    kept = lose(fleet)
    kept.unlink()
    if key == "junk":
        kept.write_text("junk")
    if key == "other":
        other = tmp_path / "other"
        other.mkdir()
        shutil.copy(Fleet(other).path / "secrets" / "ca.key", kept)
    issued = (fleet.path / "certificates" / "issued.csv").read_bytes()
    ended = fleet.run("restore", *(["--key", str(kept)] if key else []))
    assert ended.returncode == 1
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1
    assert not (fleet.path / "secrets").exists()
    assert (fleet.path / "certificates" / "issued.csv").read_bytes() == issued
