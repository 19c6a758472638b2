"""Where addresses lead."""

from __future__ import annotations

import pytest

from edge_fer.values.destination import destination_fault, leads_outside

INSIDE = [
    "ntfy://ntfy.ward.lan/bed",
    "ntfys://192.168.1.5:8443/bed",
    "ntfy://user:word@server/bed",
    "json://127.0.0.1:8080/x",
    "jsons://hook.hospital.internal/",
    "mailto://nurse@example.org?smtp=mail.local",
    "mailtos://mailserver:587?to=a@example.org",
    "gotify://10.0.0.4/token",
    "matrixs://user:word@matrix.home.arpa/#room",
    "json://[fd00::1]/x",
]
OUTSIDE = [
    "ntfy://topic",
    "ntfys://ntfy.sh/topic",
    "ntfys://ntfy.ward.lan/bed?mode=cloud",
    "tgram://token/chat",
    "slack://a/b/c",
    "mailto://user:word@gmail.com",
    "mailto://a@ward.lan?smtp=smtp.provider.com",
    "jsons://hooks.example.org/x",
    "json://8.8.8.8/x",
    "matrix://user:word@ward.lan/#room?mode=t2bot",
    "ntfy://ntfy.ward.lan/bed?MODE=cloud",
    "ntfy://ntfy.ward.lan/bed?%6dode=cloud",
    "mailto://u:p@ward.lan?smtp=mail.ward.lan&smtp=smtp.provider.com",
    "mailto://u:p@ward.lan?SMTP=smtp.provider.com",
    "mailto://u:p@ward.lan?smtp=mail.ward.lan&SMTP=smtp.provider.com",
    "matrix://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "json://134744072/x",
    "json://0x08080808/x",
    "json://8%2e8%2e8%2e8/x",
    "gotify:///nothing",
    "json://[::1",
    "json://ward.lan.example.org/",
    "pover://user@token",
]


@pytest.mark.parametrize("address", INSIDE)
def test_a_server_inside_is_known(address):
    assert not leads_outside(address)


@pytest.mark.parametrize("address", OUTSIDE)
def test_all_else_is_outside(address):
    assert leads_outside(address)


@pytest.mark.parametrize(
    ("text", "fault"), [("nurse", "is no address"), ("ntfy://a b", "has a space in it"), ("a://b", None)]
)
def test_what_is_no_address_is_told(text, fault):
    assert destination_fault(text) == fault
