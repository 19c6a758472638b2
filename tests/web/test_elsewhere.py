"""The page reached from another host, which is a network namespace with a browser and a reverse proxy of its own."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from edge_fer.web.certificates import CertificateFiles, renew
from tests.broker import Mosquitto
from tests.daemon import COMMAND, Daemon
from tests.missing import missing
from tests.running import ENDLESS, config

ROOT = Path(__file__).resolve().parents[2]
SECRET = "a-secret-of-the-proxy-alone"  # noqa: S105 - opens nothing
#: Asks once, by an address of its own, and trusts the authority alone; prints status and text.
ASK = """
import http.client, json, ssl, sys
(host, port, own, authority, path, headers) = json.loads(sys.argv[1])
context = ssl.create_default_context(cafile=authority)
connection = http.client.HTTPSConnection(host, port, timeout=60, context=context, source_address=(own, 0))
connection.request("GET", path, headers=headers)
answer = connection.getresponse()
print(json.dumps([answer.status, answer.read().decode()]))
"""


class Elsewhere:
    """Another host, by a cable between it and us.

    Attributes:
        ours: our address on it.
        theirs: its addresses.
    """

    def __init__(self) -> None:
        number = os.getpid() % 250
        self.name, self._cable = f"edge-fer-{os.getpid()}", f"ef{os.getpid()}"
        self.ours, self.theirs = f"10.213.{number}.1", [f"10.213.{number}.2", f"10.213.{number}.3"]

    def __enter__(self):
        self._ip("netns", "add", self.name)
        self._ip("link", "add", self._cable, "type", "veth", "peer", "name", "eth0", "netns", self.name)
        self._ip("address", "add", f"{self.ours}/24", "dev", self._cable)
        self._ip("link", "set", self._cable, "up")
        for address in self.theirs:
            self._ip("-n", self.name, "address", "add", f"{address}/24", "dev", "eth0")
        for link in ("lo", "eth0"):
            self._ip("-n", self.name, "link", "set", link, "up")
        return self

    def __exit__(self, *_):
        self._ip("netns", "delete", self.name)

    def _ip(self, *arguments):
        subprocess.run(["ip", *arguments], check=True, capture_output=True)

    def run(self, *command):
        entered = ["ip", "netns", "exec", self.name, *command]
        ended = subprocess.run(entered, capture_output=True, text=True, timeout=300, check=False, cwd=ROOT)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return json.loads(ended.stdout)


@pytest.fixture(scope="module")
def elsewhere():
    if os.geteuid() != 0 or shutil.which("ip") is None:
        missing("needs root and ip (apt install iproute2)")
    host = Elsewhere()
    try:
        host.__enter__()
    except subprocess.CalledProcessError as error:
        missing(f"needs network namespaces: {error.stderr.decode().strip()}")
    yield host
    host.__exit__()


@pytest.fixture(scope="module")
def page(elsewhere, tmp_path_factory):
    """The link to a page that is served by HTTPS there; the proxy is its second address."""
    folder = tmp_path_factory.mktemp("elsewhere")
    files = CertificateFiles(folder)
    renew(files, ["counter-1.lan"], [elsewhere.ours], datetime.now(UTC))
    (folder / "secret").write_text(SECRET)
    command = [*COMMAND, "web", "serve", "--listen", f"{elsewhere.ours}:0", "--folder", str(folder / "web")]
    command += ["--certificate", str(files.page), "--key", str(files.page_key), "--host", "counter-1.lan"]
    command += ["--proxy", elsewhere.theirs[1], "--proxy-secret-file", str(folder / "secret")]
    command += ["--socket", str(folder / "node" / "state" / "control.sock")]
    with Mosquitto(folder / "broker") as broker, Daemon(folder / "node", config(broker, ENDLESS)) as daemon:
        daemon.wait_for("camera front is online")
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            link = re.search(r"https://\S+", process.stdout.readline())[0]
            yield link, files
        finally:
            process.terminate()
            process.wait(30)
            process.stdout.close()


def ask(elsewhere, page, own, path="/", **headers):
    link, files = page
    host, port = re.match(r"https://([\d.]+):(\d+)/", link).groups()
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    question = [host, int(port), own, str(files.authority), path, given]
    return elsewhere.run(sys.executable, "-c", ASK, json.dumps(question))


def test_whoever_trusts_the_authority_reaches_it_by_its_address_and_name(elsewhere, page):
    own = elsewhere.theirs[0]
    assert ask(elsewhere, page, own)[0] == 303
    assert ask(elsewhere, page, own, host="counter-1.lan:8443")[0] == 303
    assert ask(elsewhere, page, own, host="evil.example")[0] == 421
    assert ask(elsewhere, page, own, "/notice")[0] == 200


def test_the_proxy_alone_says_who_is_logged_in(elsewhere, page):
    headers = {"x_edge_fer_user": "ann", "x_edge_fer_role": "viewer", "x_edge_fer_secret": SECRET}
    status, text = ask(elsewhere, page, elsewhere.theirs[1], **headers)
    assert (status, "ann (viewer)" in text) == (200, True)
    assert ask(elsewhere, page, elsewhere.theirs[0], **headers)[0] == 303
    assert ask(elsewhere, page, elsewhere.theirs[1], **headers | {"x_edge_fer_secret": "x" * 30})[0] == 303


def test_a_browser_there_warns_until_it_trusts_the_page_and_then_sees_people(elsewhere, page):
    link, files = page
    public = x509.load_pem_x509_certificate(files.page.read_bytes()).public_key()
    pin = hashlib.sha256(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()
    told = elsewhere.run(sys.executable, "-m", "tests.web.elsewhere", link, base64.b64encode(pin).decode())
    assert "ERR_CERT_AUTHORITY_INVALID" in told["stranger"]
    assert told["secure"]
    (cookie,) = told["cookies"]
    assert (cookie["name"], cookie["secure"], cookie["httpOnly"]) == ("__Host-edge-fer", True, True)
    assert cookie["sameSite"] == "Strict"
    assert told["console"] == []
