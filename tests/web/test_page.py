"""The page beside a real daemon, asked as browsers and as whoever means ill ask."""

from __future__ import annotations

import random
import re
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from types import SimpleNamespace

import pytest

from edge_fer.control.client import ControlClient
from edge_fer.errors import CommandError
from tests.broker import Mosquitto, Subscriber
from tests.daemon import Daemon, edge_fer
from tests.mqtt.kit import until
from tests.running import ENDLESS, config
from tests.web.visiting import Visitor, WebPage, logged_in

HAPPY = {"happy-guest": {"when": {"emotion": ["happy"], "score": 0.2}, "for": "0s", "keep_firing_for": "5m"}}
FORMS = (
    "/alerts/acknowledge",
    "/alerts/silence",
    "/cameras/pause",
    "/cameras/resume",
    "/tune/set",
    "/logout",
    "/accounts/put",
    "/accounts/role",
    "/backup/download",
)
PAGES = (
    "/",
    "/now/events",
    "/tune",
    "/system",
    "/history",
    "/pictures",
    "/faces",
    "/faces/events",
    "/log",
    "/findings",
    "/certificate",
    "/accounts",
    "/backup",
    "/nothing",
    "/static/../pages.py",
    "/static/%2e%2e/accounts.py",
)


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    folder = tmp_path_factory.mktemp("house")
    with Mosquitto(folder / "broker") as broker, Subscriber(broker) as seen:
        settings = config(broker, ENDLESS, alerts=HAPPY, emotion={"labels": "seven"})
        with Daemon(folder / "node", settings) as daemon:
            seen.wait_for(lambda m: m.topic.endswith("/alert_event"), timeout=120)
            with WebPage(folder / "web", folder / "node" / "state" / "control.sock") as page:
                for role in ("viewer", "operator", "admin"):
                    page.account(role, role)
                page.daemon, page.seen = daemon, seen
                yield page
                assert "Traceback" not in page.output
            assert "Traceback" not in daemon.output


def test_nothing_is_shown_without_login(house):
    stranger = Visitor(house)
    for path in PAGES:
        status, headers, text = stranger.get(path)
        assert (status, headers.get("location")) == (303, "/login") or (status == 404 and "counter" not in text), path
    for path in FORMS:
        status, headers, _ = stranger.post(path, {})
        assert (status, headers.get("location")) == (303, "/login"), path


def test_people_and_alerts_are_shown_and_an_alert_is_acknowledged(house):
    ann = logged_in(house, "operator")
    until(lambda: "alert_id" in ann.get("/")[2])
    house.seen.clear()
    alert = ann.get("/")[2].split('name="alert_id" value="')[1].split('"')[0]
    assert ann.send("/alerts/acknowledge", alert_id=alert)[0] == 303
    told = house.seen.wait_for(lambda m: m.topic.endswith("/audit") and m.json["command"] == "acknowledge")
    assert told
    assert "acknowledged" in ann.get("/")[2]


def test_a_threshold_is_set_and_undone(house):
    ann = logged_in(house, "operator")
    assert ann.send("/tune/set", key="emotion.min_confidence", value="0.31")[0] == 303
    assert "0.31</strong>" in ann.get("/tune")[2]
    for path in ("/", "/system"):
        until(lambda path=path: 'href="/tune">emotion.min_confidence' in ann.get(path)[2])
    assert "0.9</strong>" not in ann.get("/tune?key=emotion.min_confidence&old=0.4&new=0.9&was_set=yes")[2]
    for odd in ("NaN", "1e999", "[" * 20_000):
        assert ann.send("/tune/set", key="emotion.min_confidence", value=odd)[0] in {409, 413}
    assert ann.send("/tune/set", key="emotion.min_confidence", default="yes")[0] == 303
    shown = ann.get("/tune")[2]
    assert 'href="/tune">emotion.min_confidence' not in ann.get("/")[2]
    assert 'id="emotion.min_confidence"' in shown
    assert 'id="emotion.min_confidence" name="value" class="number" value="0.31"' not in shown
    status, _, text = ann.send("/tune/set", key="emotion.min_confidence", value="7")
    assert status == 409
    assert "min_confidence" in text
    assert ann.send("/tune/set", key="mqtt.broker", value="mqtt://evil")[0] == 409


def test_back_leads_to_where_one_came_from(house):
    ann = logged_in(house, "viewer")
    own = f"http://127.0.0.1:{house.port}"
    for referer, back in (
        (f"{own}/aim?camera=front", "/aim?camera=front"),
        (f"{own}/system", "/system"),
        ("http://evil.example/aim", "/"),
        (f"{own}//evil.example", "/"),
        (f"{own}/\\evil.example", "/"),
        ("http://[", "/"),
        (None, "/"),
    ):
        status, _, text = ann.get("/accounts", referer=referer)
        assert status == 403
        assert f'href="{back}"' in text.split("<main")[1], referer


def test_now_and_system_say_whether_all_is_well(house):
    ann = logged_in(house, "operator")
    until(lambda: "alert_id" in ann.get("/")[2] or "acknowledged" in ann.get("/")[2])
    ann.send("/alerts/acknowledge")
    # this machine's own clock may need somebody
    for path in ("/", "/system"):
        until(lambda path=path: "All is well." in ann.get(path)[2] or "The clock is not" in ann.get(path)[2])
        assert "Alert happy-guest at front" not in ann.get(path)[2]


def test_the_uptime_is_the_daemons_however_often_cameras_begin_anew(house):
    with ControlClient([house.folder.parent / "node" / "state" / "control.sock"], timeout=60) as client:

        def frames():
            # it answers nothing while it begins anew
            with suppress(CommandError):
                return client.ask("state")["health"]["cameras"]["front"]["frames"]
            return count

        before = client.ask("state")
        count = before["health"]["cameras"]["front"]["frames"]
        client.ask("command", command="set", with_={"key": "faces.confirm", "value": 4})
        until(lambda: frames() < count, timeout=60)
        assert client.ask("state")["uptime_s"] > before["uptime_s"]
        client.ask("command", command="set", with_={"key": "faces.confirm", "value": None})


def test_a_rule_is_silenced_and_the_silence_ended(house):
    ann = logged_in(house, "operator")
    assert ann.send("/alerts/silence", rule="happy-guest", camera="front", **{"for": "30m"})[0] == 303
    until(lambda: "End the silence" in ann.get("/")[2])
    assert ann.send("/alerts/silence", rule="happy-guest", camera="front", end="yes")[0] == 303
    until(lambda: "End the silence" not in ann.get("/")[2])


def test_another_password_ends_sessions_and_an_account_that_is_made_anew_has_none(house):
    house.account("zoe", "operator")
    zoe = Visitor(house)
    zoe.log_in("zoe")
    assert zoe.get("/")[0] == 200
    house.account("zoe", "operator", "another secret")
    assert zoe.get("/")[0] == 303
    assert edge_fer("web", "account", "remove", "zoe", "--folder", str(house.folder)).returncode == 0
    house.account("zoe", "admin", "and one more")
    assert zoe.get("/")[0] == 303


def test_connections_that_ask_for_nothing_keep_nobody_out_for_long(house):
    idle = [socket.create_connection(("127.0.0.1", house.port)) for _ in range(70)]
    try:
        until(lambda: Visitor(house).get("/login")[0] == 200)
    finally:
        for one in idle:
            one.close()


def test_each_role_may_do_what_it_may(house):
    viewer = logged_in(house, "viewer")
    for path in ("/", "/tune", "/system"):
        assert viewer.get(path)[0] == 200
    assert "/tune/set" not in viewer.get("/tune")[2]
    for path in [path for path in FORMS if path != "/logout"]:
        assert viewer.send(path, key="faces.confirm", value="4", camera="front")[0] == 403, path
    assert logged_in(house, "operator").send("/cameras/resume", camera="front")[0] == 303


def test_a_form_of_another_page_or_session_is_refused(house):
    ann, bob = logged_in(house, "operator"), logged_in(house, "operator")
    form = {"key": "faces.confirm", "value": "4"}
    assert ann.post("/tune/set", form)[0] == 403
    assert ann.post("/tune/set", form | {"csrf": bob.csrf})[0] == 403
    good = form | {"csrf": ann.csrf, "value": "3"}
    for origin in ("http://evil.example", "null", None, f"https://127.0.0.1:{house.port}"):
        assert ann.post("/tune/set", good, origin=origin)[0] == 403, origin
    assert ann.post("/tune/set", good, sec_fetch_site="cross-site")[0] == 403
    assert ann.ask("POST", "/tune/set", '{"key": 1}', content_type="application/json")[0] == 403
    assert ann.post("/tune/set", good)[0] == 303


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "", "[", "evil.example:80", "127.0.0.1@evil"]
)
def test_a_foreign_host_is_refused(house, host):
    status, _, text = Visitor(house).get("/login", host=host)
    assert status in {400, 421}
    assert "Log in" not in text


def test_every_answer_says_what_browsers_may_do(house):
    ann = logged_in(house, "viewer")
    for path in ("/", "/login", "/nothing", "/static/page.css", "/static/labels.css"):
        headers = ann.get(path)[1]
        assert "script-src 'self'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert "server" not in headers
    assert ann.get("/")[1]["cache-control"] == "no-store"


def test_the_cookie_is_for_us_alone_and_is_another_after_each_login(house):
    ann = Visitor(house)
    ann.cookies["edge-fer"] = "chosen-by-somebody-else"
    _, headers, _ = ann.log_in("viewer")
    assert "chosen" not in headers["set-cookie"]
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= {part.strip() for part in headers["set-cookie"].split(";")}
    old = dict(ann.cookies)
    ann.log_in("viewer")
    stale = Visitor(house)
    stale.cookies = old
    assert stale.get("/")[0] == 303


def test_who_logs_out_or_loses_the_account_is_out(house):
    ann = logged_in(house, "viewer")
    cookies = dict(ann.cookies)
    assert ann.send("/logout")[0] == 303
    ann.cookies = cookies
    assert ann.get("/")[0] == 303
    house.account("eve", "viewer")
    eve = Visitor(house)
    eve.log_in("eve")
    assert eve.get("/")[0] == 200
    assert edge_fer("web", "account", "role", "eve", "operator", "--folder", str(house.folder)).returncode == 0
    assert "(operator)" in eve.get("/")[2]
    assert edge_fer("web", "account", "remove", "eve", "--folder", str(house.folder)).returncode == 0
    assert eve.get("/")[0] == 303


def test_a_link_logs_in_once_and_looking_at_it_does_not_use_it_up(house):
    first, second = Visitor(house), Visitor(house)
    assert first.get(f"/link?token={house.token}")[0] == 200
    assert first.follow(house.token)[0] == 303
    assert first.get("/")[0] == 200
    assert second.follow(house.token)[0] == 403
    made = edge_fer("web", "link", "--role", "viewer", "--name", "bob", "--folder", str(house.folder)).stdout
    assert second.follow(made.split("token=")[1].split()[0])[0] == 303
    assert "bob (viewer)" in second.get("/")[2]


def test_a_flood_of_logins_waits(house):
    codes = [Visitor(house).log_in("mallory", f"wrong {number}")[0] for number in range(6)]
    assert codes[:3] == [403, 403, 403]
    assert set(codes[4:]) == {429}


def test_what_is_too_large_or_too_slow_holds_nobody_up(house):
    ann = logged_in(house, "operator")
    assert ann.post("/tune/set", {"csrf": ann.csrf, "value": "x" * 70_000})[0] == 413
    with suppress(ConnectionError):
        assert ann.get("/" + "x" * 200_000)[0] == 400
    assert ann.ask("DELETE", "/")[0] == 405
    slow = [socket.create_connection(("127.0.0.1", house.port)) for _ in range(20)]
    for one in slow:
        one.sendall(b"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n")
    assert ann.get("/")[0] == 200
    for one in slow:
        one.close()


def test_random_requests_find_nothing_that_breaks(house):
    chance = random.Random(17)  # noqa: S311 - no secret
    pieces = [
        "/",
        "now",
        "tune",
        "set",
        "link",
        "login",
        "?",
        "=",
        "&",
        "%00",
        "%ff",
        "..",
        "{{7*7}}",
        "<b>",
        "é",
        "token",
    ]

    def once(number):
        path = "/" + "".join(chance.choice(pieces) for _ in range(chance.randrange(6)))
        body = bytes(chance.randrange(256) for _ in range(chance.randrange(200)))
        line = f"{chance.choice(['GET', 'POST', 'HEAD', 'PUT', 'X'])} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        head = f"Origin: http://127.0.0.1\r\nCookie: edge-fer={number}\r\nContent-Length: {len(body)}\r\n"
        with socket.create_connection(("127.0.0.1", house.port), timeout=60) as one:
            one.sendall((line + head + "Connection: close\r\n\r\n").encode() + body)
            answer = b""
            while piece := one.recv(65_536):
                answer += piece
        return answer.split(b" ", 2)[1:2]

    with ThreadPoolExecutor(8) as pool:
        codes = {code for found in pool.map(once, range(1000)) for code in found}
    assert codes <= {b"200", b"303", b"400", b"403", b"404", b"405", b"413", b"429"}, codes
    assert Visitor(house).get("/login")[0] == 200


def test_what_is_new_is_pushed_and_ends_with_the_session(house):
    ann = logged_in(house, "viewer")
    with socket.create_connection(("127.0.0.1", house.port), timeout=60) as one:
        cookie = f"edge-fer={ann.cookies['edge-fer']}"
        one.sendall(f"GET /now/events HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookie}\r\n\r\n".encode())
        text = b""
        while b"event: scene" not in text:
            piece = one.recv(65_536)
            assert piece
            text += piece
        ann.send("/logout")
        deadline = time.monotonic() + 60
        while piece := one.recv(65_536):
            if piece.endswith(b"0\r\n\r\n"):
                break
            assert time.monotonic() < deadline
        assert piece.endswith(b"0\r\n\r\n"), "the stream has ended"


def test_it_says_so_where_no_daemon_runs_and_ends_when_nobody_looks(tmp_path):
    with WebPage(tmp_path / "web", tmp_path / "none.sock", "--idle", "3") as page:
        ann = Visitor(page)
        ann.follow(page.token)
        status, _, text = ann.get("/")
        assert status == 503
        assert "edge-fer does not answer" in text
        assert page.process.wait(60) == 0


@pytest.mark.parametrize("listen", ["0.0.0.0:0", "nowhere:80", "127.0.0.1:x", "127.0.0.1:99999"])
def test_it_serves_nobody_else_without_encryption(tmp_path, listen):
    ended = edge_fer("web", "serve", "--listen", listen, "--folder", str(tmp_path), "--socket", str(tmp_path / "none"))
    assert ended.returncode == 78
    assert "--certificate" in ended.stderr if listen.startswith("0.0") else "--listen" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_demo_shows_the_page_and_ends_it(tmp_path):
    environment = {"XDG_STATE_HOME": str(tmp_path), "HOME": str(tmp_path)}
    with Daemon(tmp_path, {}, "--demo", "-o", "cameras.camera.source=sample:counter", environment=environment) as demo:
        demo.wait_for("In a browser, once: ")
        link = r"In a browser, once: http://127\.0\.0\.1:(\d+)/link\?token=(\S+)"
        port, token = re.search(link, demo.output).groups()
        # the same one each time, so that a browser finds it again
        assert (int(port) == 8321) != ("port 8321 is taken" in demo.output)
        ann = Visitor(SimpleNamespace(port=int(port)))
        until(lambda: ann.follow(token)[0] == 303)
        until(lambda: 'class="person"' in ann.get("/")[2])
        # the one that was used is replaced
        until(lambda: len(re.findall(link, demo.output)) > 1)
        assert Visitor(SimpleNamespace(port=int(port))).follow(re.findall(link, demo.output)[-1][1])[0] == 303
        assert demo.stop(signal.SIGINT) == 0
        with pytest.raises(ConnectionError):
            ann.get("/")


def test_where_the_port_is_taken_the_demo_takes_another_and_says_so(tmp_path):
    environment = {"XDG_STATE_HOME": str(tmp_path), "HOME": str(tmp_path)}
    with socket.socket() as other:
        # whoever holds it already does as well
        with suppress(OSError):
            other.bind(("127.0.0.1", 8321))
            other.listen()
        arguments = ("--demo", "-o", "cameras.camera.source=sample:counter")
        with Daemon(tmp_path, {}, *arguments, environment=environment) as demo:
            demo.wait_for("port 8321 is taken")
            assert demo.stop(signal.SIGINT) == 0


def test_a_page_on_a_full_disk_says_what_was_not_done(house):
    """What stands in the way here is a folder, which root cannot write to either."""
    ann = logged_in(house, "admin")
    in_the_way = house.folder / ".accounts.json.new"
    in_the_way.mkdir()
    try:
        status, _, text = ann.send("/accounts/put", name="eve", role="viewer", password="correct horse")  # noqa: S106
    finally:
        in_the_way.rmdir()
    assert (status, "accounts.json cannot be written" in text) == (503, True), text
    assert ann.get("/accounts")[0] == 200


def test_logins_and_changes_of_accounts_are_told_in_audit(house):
    refused = Visitor(house)
    refused.log_in("somebody", "wrong")
    house.seen.wait_for(lambda m: told(m, "login_refused", actor="nobody", about="somebody"))
    ann = Visitor(house)
    ann.log_in("admin")
    house.seen.wait_for(lambda m: told(m, "login", actor="admin", role="admin", via="web"))
    ann.send("/accounts/put", name="eve", role="viewer", password="correct horse")  # noqa: S106 - of a test
    house.seen.wait_for(lambda m: told(m, "account_put", actor="admin", about="eve"))
    ann.send("/accounts/role", name="eve", role="operator")
    house.seen.wait_for(lambda m: told(m, "account_role", actor="admin", about="eve"))
    ann.send("/accounts/remove", name="eve")
    house.seen.wait_for(lambda m: told(m, "account_removed", actor="admin", about="eve"))
    ann.send("/logout")
    house.seen.wait_for(lambda m: told(m, "logout", actor="admin"))


def told(message, event, *, actor, about="", **more):
    """Whether `audit` tells of it."""
    if not message.topic.endswith("/audit") or message.json["command"] != "note":
        return False
    said = message.json
    fields = {"event": event, "about": about}
    return said["fields"].items() >= fields.items() and said.items() >= ({"actor": actor} | more).items()


def test_a_flood_of_refused_logins_is_no_flood_of_messages(house):
    before = sum(m.json["fields"]["event"] == "login_refused" for m in audits(house))
    for number in range(12):
        Visitor(house).log_in(f"flood{number}", "wrong")
    house.seen.wait_for(lambda m: told(m, "login_refused", actor="nobody", about="flood11"))
    told_of = [m for m in audits(house) if m.json["fields"]["event"] == "login_refused"][before:]
    assert len(told_of) <= 3
    assert sum(m.json["fields"]["times"] for m in told_of) >= 12


def audits(house):
    return [m for m in house.seen.messages if m.topic.endswith("/audit") and m.json["command"] == "note"]
