"""The broker's config, access list and setup script under `deploy/mosquitto/`, in a real Mosquitto."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.broker import HOST, Mosquitto, Subscriber, free_port, tool
from tests.daemon import Daemon, edge_fer
from tests.discovering import ON, TOPIC
from tests.mqtt.kit import until
from tests.running import ENDLESS

SOURCE = Path(__file__).resolve().parents[2] / "deploy" / "mosquitto"
USERS = ("test", "other", "dashboard", "homeassistant", "operator")


def setup(folder, *arguments):
    environment = {"PATH": "/usr/bin:/bin", "EDGE_FER_MOSQUITTO": str(folder)}
    return subprocess.run(
        [SOURCE / "setup.sh", *arguments], env=environment, capture_output=True, text=True, timeout=60, check=False
    )


class Installed:
    """Mosquitto with what the script has set up, on another port.

    Args:
        folder: in place of /etc/mosquitto.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        ended = setup(folder, "install", HOST, "localhost")
        assert ended.returncode == 0, ended.stderr
        self.passwords = {user: setup(folder, "user", user).stdout.strip() for user in USERS}
        self.ca = folder / "edge-fer" / "ca.crt"

    def __enter__(self):
        given = (self.folder / "conf.d" / "edge-fer.conf").read_text()
        assert given.count("listener 8883\n") == 1
        config = self.folder / "mosquitto.conf"
        # as root it would give up root, and with it the right to read what tests have written
        own = f"user root\npersistence true\npersistence_location {self.folder}/\nlog_type all\n"
        config.write_text(own + given.replace("listener 8883\n", f"listener {self.port} {HOST}\n"))
        self.log = (self.folder / "log").open("ab")
        self.process = subprocess.Popen([tool("mosquitto"), "-c", config], stdout=self.log, stderr=self.log)
        deadline = time.monotonic() + 10
        while subprocess.run(
            self.command("mosquitto_pub", "test", "-t", "edge-fer/test/x", "-n"), check=False
        ).returncode:
            assert time.monotonic() < deadline, (self.folder / "log").read_text()
            assert self.process.poll() is None, (self.folder / "log").read_text()
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(10)
        self.log.close()

    def command(self, program, user, *arguments):
        login = ["-u", user, "-P", self.passwords[user]] if user else []
        return [tool(program), "-h", HOST, "-p", str(self.port), "--cafile", str(self.ca), *login, *arguments]

    def publish(self, user, topic, payload="x", *, retain=False):
        command = self.command("mosquitto_pub", user, "-V", "5", "-q", "1", "-t", topic, "-m", payload)
        return subprocess.run([*command, *(["-r"] if retain else [])], capture_output=True, check=False, timeout=10)

    def received(self, user, told, *, last):
        """What a user who subscribes to everything is given of what others publish.

        Args:
            user: who listens.
            told: who publishes, and where; the payload is the number of the row.
            last: one that the listener is given for sure; whatever it is not given by then, it never is.
        """
        command = self.command("mosquitto_sub", user, "-t", "#", "-F", "%p", "-W", "20", "-d")
        with subprocess.Popen([tool("stdbuf"), "-oL", *command], stdout=subprocess.PIPE, text=True) as reader:
            assert reader.stdout
            while "Subscribed" not in (line := reader.stdout.readline()):
                assert line, "it ended"
            for number, (publisher, topic) in enumerate([*told, last]):
                self.publish(publisher, topic, str(number))
            found = set()
            while len(told) not in found:
                line = reader.stdout.readline()
                assert line, "the last one did not come"
                found |= {int(line)} if line.strip().isdigit() else set()
            reader.terminate()
        return found - {len(told)}


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    with Installed(tmp_path_factory.mktemp("mosquitto")) as found:
        yield found


def test_who_may_write_what(broker):
    allowed = [
        ("test", "edge-fer/test/availability"),
        ("test", "edge-fer/test/camera/front/alert/unhappy-guest"),
        ("test", "homeassistant/device/test/config"),
        ("homeassistant", "homeassistant/status"),
        ("operator", "edge-fer/test/command/pause"),
    ]
    forbidden = [
        ("test", "edge-fer/other/availability"),
        ("test", "edge-fer/other/camera/front/alert_event"),
        ("test", "edge-fer/other/command/pause"),
        ("test", "homeassistant/device/other/config"),
        ("test", "homeassistant/sensor/x/config"),
        ("test", "homeassistant/status"),
        ("test", "edge-fer/dashboard/availability"),
        ("dashboard", "edge-fer/test/availability"),
        ("dashboard", "edge-fer/dashboard/availability"),
        ("dashboard", "homeassistant/device/dashboard/config"),
        ("dashboard", "edge-fer/test/command/pause"),
        ("homeassistant", "edge-fer/test/availability"),
        ("homeassistant", "edge-fer/homeassistant/availability"),
        ("operator", "edge-fer/test/availability"),
        ("operator", "homeassistant/device/operator/config"),
        ("operator", "homeassistant/status"),
    ]
    last = ("test", "edge-fer/test/info")
    found = broker.received("homeassistant", allowed + forbidden, last=last)
    assert found == set(range(len(allowed))), "the allowed ones come first"


@pytest.mark.parametrize(
    ("user", "allowed", "forbidden"),
    [
        (
            "dashboard",
            [("test", "edge-fer/test/camera/front/event"), ("other", "edge-fer/other/health")],
            [("test", "homeassistant/device/test/config"), ("homeassistant", "homeassistant/sensor/x/config")],
        ),
        (
            "test",
            [
                ("operator", "edge-fer/test/command/ping"),
                ("test", "edge-fer/test/doctor"),
                ("test", "edge-fer/test/health"),
                ("homeassistant", "homeassistant/status"),
            ],
            [
                ("operator", "edge-fer/other/command/ping"),
                ("other", "edge-fer/other/camera/front/event"),
                ("other", "edge-fer/other/health"),
                ("test", "edge-fer/test/camera/front/event"),
                ("test", "homeassistant/device/test/config"),
            ],
        ),
    ],
)
def test_who_may_read_what(broker, user, allowed, forbidden):
    found = broker.received(user, allowed + forbidden, last=allowed[0])
    assert found == set(range(len(allowed)))


def publishes(*options, broker):
    command = [tool("mosquitto_pub"), "-h", HOST, "-p", str(broker.port), "-t", "edge-fer/test/x", "-m", "x", *options]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)


def test_nobody_gets_in_without_tls_a_login_or_the_right_authority(broker, tmp_path):
    right = ["--cafile", str(broker.ca), "-u", "test", "-P", broker.passwords["test"]]
    assert publishes(*right, broker=broker).returncode == 0
    assert publishes(*right[:2], broker=broker).returncode == 5, "an anonymous login is refused as not authorised"
    assert publishes(*right[:5], "wrong", broker=broker).returncode == 5
    assert publishes(*right[2:], broker=broker).returncode != 0, "it speaks TLS alone"
    setup(tmp_path, "install", HOST)
    others = ["--cafile", str(tmp_path / "edge-fer" / "ca.crt"), *right[2:]]
    refused = publishes(*others, broker=broker)
    # it says so in one way or the other, as the broker hangs up soon or late
    assert (refused.returncode != 0, bool(re.search("TLS|Protocol error", refused.stderr))) == (True, True), refused


def as_node(broker, folder, **more):
    password = folder / "password"
    password.write_text(broker.passwords["test"])
    mqtt = {"broker": f"mqtts://test@{HOST}:{broker.port}", "password_file": str(password), "ca_file": str(broker.ca)}
    return {"cameras": {"front": ENDLESS}, "mqtt": mqtt, **more}


def test_the_daemon_publishes_and_announces_itself_over_tls_and_the_doctor_finds_nothing_wrong(broker, tmp_path):
    wanted = broker.command("mosquitto_sub", "homeassistant", "-t", "edge-fer/test/camera/front/event", "-C", "1")
    with (
        subprocess.Popen([*wanted, "-W", "120"], stdout=subprocess.PIPE, text=True) as reader,
        Daemon(tmp_path, as_node(broker, tmp_path, homeassistant=ON)) as daemon,
    ):
        assert reader.stdout
        assert '"appeared"' in reader.stdout.read()
        retained = broker.command("mosquitto_sub", "homeassistant", "-t", TOPIC, "-C", "1", "-W", "60")
        assert '"components"' in subprocess.run(retained, capture_output=True, text=True, check=True).stdout
        doctor = edge_fer("doctor", "--json", "--config", str(tmp_path / "config.yaml"))
        for name in ("login", "encryption", "publishing", "subscribing"):
            found = re.search(
                rf'"name": "{name}",\s+"state": "(\w+)"|"state": "(\w+)",\s+"name": "{name}"', doctor.stdout
            )
            assert found, doctor.stdout
            assert "good" in found.groups(), doctor.stdout
        assert daemon.stop() == 0
    for complaint in ("refuse", "hangs up", "does not let us"):
        assert complaint not in daemon.output


def test_a_user_who_was_removed_or_has_a_new_password_is_out(broker):
    old = broker.passwords["other"]
    broker.passwords["other"] = setup(broker.folder, "user", "other").stdout.strip()
    assert broker.passwords["other"] != old
    broker.process.send_signal(signal.SIGHUP)
    options = ["--cafile", str(broker.ca), "-u", "other", "-P"]
    until(lambda: publishes(*options, old, broker=broker).returncode == 5)
    assert publishes(*options, broker.passwords["other"], broker=broker).returncode == 0
    assert setup(broker.folder, "remove", "other").returncode == 0
    broker.process.send_signal(signal.SIGHUP)
    until(lambda: publishes(*options, broker.passwords["other"], broker=broker).returncode == 5)
    assert (
        publishes("--cafile", str(broker.ca), "-u", "test", "-P", broker.passwords["test"], broker=broker).returncode
        == 0
    )


class TestTheScript:
    def test_no_password_lies_about_and_nobody_else_reads_what_is_secret(self, broker):
        everything = [path for path in broker.folder.rglob("*") if path.is_file() and path.name != "config.yaml"]
        for path in everything:
            text = path.read_bytes()
            assert not any(password.encode() in text for password in broker.passwords.values()), path
        secret = {path.name: path.stat().st_mode & 0o777 for path in (broker.folder / "edge-fer").iterdir()}
        assert secret.keys() == {"acl", "ca.crt", "ca.key", "passwords", "server.crt", "server.key"}
        assert not any(secret[name] & 0o007 for name in ("acl", "passwords", "server.key"))
        assert not secret["ca.key"] & 0o077

    def test_installing_again_keeps_users_access_list_and_authority(self, tmp_path):
        setup(tmp_path, "install", HOST)
        setup(tmp_path, "user", "test")
        folder = tmp_path / "edge-fer"
        (folder / "acl").write_text("# ours\n")
        kept = {name: (folder / name).read_bytes() for name in ("ca.crt", "ca.key", "passwords", "acl")}
        certificate = (folder / "server.crt").read_bytes()
        assert setup(tmp_path, "install", "broker.example", "192.0.2.10", "2001:db8::1").returncode == 0
        assert {name: (folder / name).read_bytes() for name in kept} == kept
        assert (folder / "server.crt").read_bytes() != certificate
        shown = subprocess.run(
            [tool("openssl"), "x509", "-noout", "-ext", "subjectAltName", "-in", folder / "server.crt"],
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        assert "DNS:broker.example, IP Address:192.0.2.10, IP Address:2001:DB8:0:0:0:0:0:1" in shown

    @pytest.mark.parametrize(
        ("arguments", "code", "said"),
        [
            ([], 2, "Usage"),
            (["dance"], 2, "Usage"),
            (["install"], 1, "by which names"),
            (["install", "bad name"], 1, "neither a host name nor an address"),
            (["user", "a/b"], 1, "letters, digits"),
            (["user", "#"], 1, "letters, digits"),
            (["user", ""], 1, "letters, digits"),
            (["user", "test"], 1, "install"),
            (["remove", "test"], 1, "install"),
        ],
    )
    def test_it_says_what_is_wrong(self, tmp_path, arguments, code, said):
        ended = setup(tmp_path, *arguments)
        assert (ended.returncode, said in ended.stderr) == (code, True), ended.stderr

    def test_shellcheck_finds_nothing(self):
        path = shutil.which("shellcheck")
        if path is None:
            pytest.skip("needs shellcheck (apt install shellcheck)")
        assert subprocess.run([path, SOURCE / "setup.sh"], capture_output=True, check=False).stdout == b""


def test_a_bridge_hands_on_what_came_while_the_central_broker_was_away(tmp_path, broker):
    text = (SOURCE / "bridge.conf").read_text()
    central = Mosquitto(tmp_path / "central", users={"site-main": "secret", "reader": "secret"}, acl=[
        "user site-main", "topic write edge-fer/#", "user reader", "topic read edge-fer/#",
    ])  # fmt: skip
    text = text.replace("central.example:8883", f"{HOST}:{central.port}").replace("CHANGE-ME", "secret")
    # the central one of this test has no certificate
    lines = [line for line in text.splitlines() if line and not line.startswith(("#", "bridge_cafile"))]
    site = Mosquitto(
        tmp_path / "site", options=[line.replace("restart_timeout 5 60", "restart_timeout 1") for line in lines]
    )
    with central, site, Subscriber(central, user="reader") as seen:
        site.publish("edge-fer/test/camera/front/alert_event", "one")
        seen.wait_for(lambda m: m.payload == "one", timeout=20)
        back = seen.subscriptions
        central.stop()
        for payload in ("two", "three"):
            site.publish("edge-fer/test/camera/front/alert_event", payload)
        site.publish("edge-fer/test/availability", "online", retain=True)
        central.start()
        seen.wait_until_back(back)
        seen.wait_for(lambda m: m.payload == "online", timeout=30)
        assert [m.payload for m in seen.of("/alert_event")] == ["one", "two", "three"]
        assert central.retained("edge-fer/#", user="reader") == {"edge-fer/test/availability": "online"}


class TestCertificatesOfClients:
    """What `setup.sh client` makes, in a real Mosquitto."""

    @pytest.fixture
    def broker(self, tmp_path):
        """With a listener for certificates, which `port` then is."""
        folder = tmp_path / "mosquitto"
        with Installed(folder) as found:
            assert setup(folder, "client", "test").returncode == 0
            assert setup(folder, "client", "other").returncode == 0
            found.by_certificate = free_port()
            self.restart(found)
            yield found

    def restart(self, broker):
        text = (broker.folder / "conf.d" / "edge-fer-certificates.conf").read_text()
        assert text.count("listener 8884\n") == 1
        broker.__exit__()
        whole = (broker.folder / "conf.d" / "edge-fer.conf").read_text()
        file = broker.folder / "conf.d" / "edge-fer.conf"
        if "edge-fer/ca.crl" not in whole:
            file.write_text(whole + text.replace("listener 8884\n", f"listener {broker.by_certificate} {HOST}\n"))
        broker.__enter__()

    def files(self, broker, user="test"):
        folder = broker.folder / "edge-fer" / "clients" / user
        return {"cert": folder / "client.crt", "key": folder / "client.key"}

    def publishes(self, broker, topic, files=None, *, port=None):
        given = [option for name, file in (files or {}).items() for option in (f"--{name}", str(file))]
        command = [tool("mosquitto_pub"), "-h", HOST, "-p", str(port or broker.by_certificate), "-V", "5", "-q", "1"]
        told = ["--cafile", str(broker.ca), *given, "-t", topic, "-m", "x", "-d"]
        ended = subprocess.run([*command, *told], capture_output=True, text=True, check=False, timeout=20)
        # RC 135: not authorised
        return ended.returncode == 0 and "RC:135" not in ended.stdout

    def test_the_name_in_the_certificate_is_the_name_in_the_access_list(self, broker):
        assert self.publishes(broker, "edge-fer/test/health", self.files(broker))
        assert not self.publishes(broker, "edge-fer/other/health", self.files(broker))
        assert self.publishes(broker, "edge-fer/other/health", self.files(broker, "other"))

    def test_nobody_gets_in_by_the_wrong_one(self, broker, tmp_path):
        assert not self.publishes(broker, "edge-fer/test/health")
        stranger = tmp_path / "stranger"
        setup(stranger, "install", HOST)
        setup(stranger, "client", "test")
        folder = stranger / "edge-fer" / "clients" / "test"
        files = {"cert": folder / "client.crt", "key": folder / "client.key"}
        assert not self.publishes(broker, "edge-fer/test/health", files)
        own = broker.folder / "edge-fer"
        assert not self.publishes(
            broker, "edge-fer/test/health", {"cert": own / "server.crt", "key": own / "server.key"}
        ), "the broker's own is none of a client"
        assert not self.publishes(broker, "edge-fer/test/health", self.files(broker), port=broker.port), (
            "where passwords are asked for, a certificate is none"
        )

    def test_passwords_hold_beside_it(self, broker):
        assert broker.publish("test", "edge-fer/test/health").returncode == 0

    def test_a_new_one_has_the_same_key_and_all_of_a_removed_user_are_out(self, broker, tmp_path):
        old = tmp_path / "old.crt"
        shutil.copy(self.files(broker)["cert"], old)
        key = self.files(broker)["key"].read_bytes()
        assert setup(broker.folder, "client", "test").returncode == 0
        assert self.files(broker)["key"].read_bytes() == key
        assert self.files(broker)["cert"].read_bytes() != old.read_bytes()
        kept = {name: shutil.copy(file, tmp_path / file.name) for name, file in self.files(broker).items()}
        both = [kept, kept | {"cert": old}]
        for files in both:
            assert self.publishes(broker, "edge-fer/test/health", files)
        assert setup(broker.folder, "remove", "other").returncode == 0
        self.restart(broker)
        for files in both:
            assert self.publishes(broker, "edge-fer/test/health", files), "another one was removed"
        ended = setup(broker.folder, "remove", "test")
        assert (ended.returncode, "no longer holds" in ended.stdout) == (0, True), ended.stderr
        assert not (broker.folder / "edge-fer" / "clients" / "test").exists()
        broker.passwords["test"] = setup(broker.folder, "user", "test").stdout.strip()
        self.restart(broker)
        for files in both:
            assert not self.publishes(broker, "edge-fer/test/health", files)
        assert setup(broker.folder, "client", "test").returncode == 0, "it may come back"
        assert self.publishes(broker, "edge-fer/test/health", self.files(broker))

    def test_keys_are_nobody_elses(self, broker):
        for path in (broker.folder / "edge-fer" / "clients").rglob("*.key"):
            assert path.stat().st_mode & 0o777 == 0o600
        assert (broker.folder / "edge-fer" / "clients").stat().st_mode & 0o777 == 0o700

    def test_the_daemon_and_its_doctor_get_in_by_it(self, broker, tmp_path):
        mqtt = {"broker": f"mqtts://{HOST}:{broker.by_certificate}", "ca_file": str(broker.ca)}
        mqtt |= {f"{name}_file": str(file) for name, file in self.files(broker).items()}
        wanted = broker.command("mosquitto_sub", "homeassistant", "-t", "edge-fer/test/camera/front/event", "-C", "1")
        with (
            subprocess.Popen([*wanted, "-W", "120"], stdout=subprocess.PIPE, text=True) as reader,
            Daemon(tmp_path, {"cameras": {"front": ENDLESS}, "mqtt": mqtt}) as daemon,
        ):
            assert reader.stdout
            assert '"appeared"' in reader.stdout.read()
            doctor = edge_fer("doctor", "--json", "--config", str(tmp_path / "config.yaml"))
            found = {finding["name"]: finding for finding in json.loads(doctor.stdout)["findings"]}
            for name in ("login", "encryption", "own certificate", "publishing", "subscribing"):
                assert found[name]["state"] == "good", found[name]
            assert daemon.stop() == 0

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [(["client"], "letters, digits"), (["client", "../x"], "letters, digits"), (["client", "test"], "install")],
    )
    def test_it_says_what_is_wrong(self, tmp_path, arguments, said):
        ended = setup(tmp_path, *arguments)
        assert (ended.returncode, said in ended.stderr) == (1, True), ended.stderr
