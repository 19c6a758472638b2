"""Secrets are taken out of a config's text, and nothing else of it changes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_fer.boot.secrets import move_secrets, variables_in
from edge_fer.config import ConfigFaults, Layer, load

FILE = Path("/var/lib/edge-fer-boot/boot-mqtt-password")
BROKER = "broker: mqtts://edge@192.0.2.10:8883"


@pytest.mark.parametrize(
    "text",
    [
        f"mqtt:\n  {BROKER}\n  password: s3cret  # changed in May\n",
        f'mqtt: {{"password": "s3cret", {BROKER}}}',
        f"mqtt:\n  password:   's3cret'\n  {BROKER}\nfaces: {{confirm: 4}}\n",
        f"mqtt:\r\n  {BROKER}\r\n  password: s3cret\r\n",
    ],
)
def test_the_brokers_password_becomes_a_file(text):
    moved = move_secrets(text, FILE)
    assert (moved.password, moved.keys) == ("s3cret", ("mqtt.password",))
    assert "s3cret" not in moved.text
    assert moved.text.count("\n") == text.count("\n")
    assert load([Layer("boot", moved.text)], environ={}, settings=False).config.mqtt.password_file == FILE
    assert ("# changed in May" in text) == ("# changed in May" in moved.text)


def test_passwords_of_cameras_become_variables_of_their_own():
    text = """cameras:
      a-b: {source: "rtsp://u:first@192.0.2.1/s?x=1"}
      a_b: {source: rtsp://u:second@192.0.2.2/s}
      c: {source: rtsp://192.0.2.3/s}
      d: {source: "rtsp://u:${MINE}@192.0.2.4/s"}
    """
    moved = move_secrets(text, FILE)
    assert moved.variables == {"CAMERA_A_B_PASSWORD": "first", "CAMERA_A_B_PASSWORD_2": "second"}
    cameras = load([Layer("boot", moved.text)], environ={**moved.variables, "MINE": "m"}, settings=False).config.cameras
    assert cameras["a-b"].source == "rtsp://u:first@192.0.2.1/s?x=1"
    assert cameras["a_b"].source == "rtsp://u:second@192.0.2.2/s"
    assert moved.keys == ("cameras.a-b.source", "cameras.a_b.source")
    assert variables_in(moved.text) == {*moved.variables, "MINE"}


@pytest.mark.parametrize("password", ["pa$word", "pa%23word", "a$${b", "`ls`", "100%", "a%3Fb&c=d", "a@b"])
def test_a_cameras_password_may_have_signs_in_it(password):
    moved = move_secrets(f"cameras: {{a: {{source: 'rtsp://u:{password}@192.0.2.1/s'}}}}", FILE)
    assert password not in moved.text
    source = load([Layer("boot", moved.text)], environ=moved.variables, settings=False).config.cameras["a"].source
    assert source == f"rtsp://u:{password.replace('$${', '${')}@192.0.2.1/s"


@pytest.mark.parametrize("password", ["pa#word", "a?b&c=d", "2024/x", "#1word"])
def test_a_password_that_only_escapes_make_right_is_moved_and_refused(password):
    moved = move_secrets(f"cameras: {{a: {{source: 'rtsp://u:{password}@192.0.2.1/s'}}}}", FILE)
    assert set(moved.variables.values()) == {password}
    with pytest.raises(ConfigFaults, match="write %23 for #") as raised:
        load([Layer("boot", moved.text)], environ=moved.variables, settings=False)
    assert password not in str(raised.value)


def test_keys_in_a_path_are_secrets_too():
    text = "cameras: {a: {source: 'rtsps://192.0.2.1:7441/7Kx9Q2abcdEFGH1?enableSrtp'}, b: {source: 'rtsp://192.0.2.2/user=u_password=my_pw1_channel=1'}}"
    moved = move_secrets(text, FILE)
    assert set(moved.variables.values()) == {"7Kx9Q2abcdEFGH1", "my_pw1"}


def test_tokens_behind_an_address_are_secrets_too():
    text = "cameras: {a: {source: 'rtsp://u:first@192.0.2.1/s?token=second&quality=3&api_key=third'}}"
    moved = move_secrets(text, FILE)
    assert set(moved.variables.values()) == {"first", "second", "third"}
    assert "quality=3" in moved.text
    source = load([Layer("boot", moved.text)], environ=moved.variables, settings=False).config.cameras["a"].source
    assert source in text
    assert move_secrets(moved.text, FILE).variables == {}


@pytest.mark.parametrize(
    "source",
    [
        ">-\n      rtsp://u:plain@192.0.2.1/s\n",
        "'rtsp://u:caf\u00e9@192.0.2.1/s'",
        '"rtsp://u:a\\\\b@192.0.2.1/s"',
        '"rtsp://u:it\'s@192.0.2.1/s"',
    ],
)
def test_what_cannot_be_moved_is_said(source):
    text = f"cameras:\n  a:\n    source: {source}\n"
    moved = move_secrets(text, FILE)
    assert (moved.text, moved.stuck) == (text, ("cameras.a.source",))


def test_a_password_that_is_a_variable_is_no_password():
    text = f"mqtt: {{{BROKER}, password: '${{GONE}}'}}"
    assert move_secrets(text, FILE).password is None


def test_it_is_done_once():
    moved = move_secrets(f"mqtt: {{{BROKER}, password: x1}}\ncameras: {{a: {{source: 'rtsp://u:p@h/'}}}}", FILE)
    again = move_secrets(moved.text, FILE)
    assert (again.text, again.password, again.variables, again.keys) == (moved.text, None, {}, ())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing",
        "just text",
        "- a\n- b",
        "mqtt: [1]",
        "mqtt: {password: |\n  long\n",
        "a: &x [*x]",
        "? {a: b}\n: c",
    ],
)
def test_what_cannot_be_replaced_is_left_alone(text):
    moved = move_secrets(text, FILE)
    assert (moved.text, moved.password, moved.keys) == (text, None, ())


PASSWORDS = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=30)


@pytest.mark.slow
@given(PASSWORDS)
def test_any_password_survives_and_none_stays(password):
    quoted = password.replace("'", "''").replace("${", "$${")
    moved = move_secrets(f"mqtt:\n  password: '{quoted}'\n  {BROKER}\n", FILE)
    assert moved.password == password
    assert moved.text == f'mqtt:\n  password_file: "{FILE}"\n  {BROKER}\n'


@given(st.text(max_size=200))
def test_no_text_makes_it_fail_or_adds_lines(text):
    assert len(re.findall("\n", move_secrets(text, FILE).text)) == text.count("\n")
