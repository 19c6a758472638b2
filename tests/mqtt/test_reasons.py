from __future__ import annotations

import errno
import socket
import ssl

import pytest

from edge_fer.mqtt.failures import Setback, Trouble, explain, of_code, of_error, of_tls_text, remedy_for_refusal
from edge_fer.mqtt.settings import BrokerSettings

SETTINGS = BrokerSettings.from_url("mqtts://edge@broker.example", node="n1")


@pytest.mark.parametrize("trouble", Trouble)
def test_every_trouble_says_what_is_wrong_and_what_to_do(trouble):
    words = explain(Setback(trouble, "the {detail}"), SETTINGS)
    problem, _, remedy = words.partition(". ")
    assert "(the {detail})" in problem
    assert len(remedy) > 10
    assert "{" not in words.replace("{detail}", "")


@pytest.mark.parametrize(
    ("trouble", "named"),
    [
        (Trouble.NAME_NOT_FOUND, "broker.example"),
        (Trouble.REFUSED, "8883"),
        (Trouble.TLS_NOT_TRUSTED, "`ca_file`"),
        (Trouble.LOGIN, "'edge'"),
        (Trouble.TAKEN_OVER, "'edge-fer-n1'"),
    ],
)
def test_the_words_name_the_value(trouble, named):
    assert named in explain(Setback(trouble), SETTINGS)


@pytest.mark.parametrize(
    ("error", "trouble"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), Trouble.NAME_NOT_FOUND),
        (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), Trouble.REFUSED),
        (ConnectionResetError(errno.ECONNRESET, "reset"), Trouble.CLOSED),
        (TimeoutError("timed out"), Trouble.TIMED_OUT),
        (OSError(errno.EHOSTUNREACH, "No route to host"), Trouble.UNREACHABLE),
        (OSError(errno.ENETUNREACH, "Network is unreachable"), Trouble.UNREACHABLE),
        (OSError(errno.EMFILE, "Too many open files"), Trouble.OTHER),
        (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number"), Trouble.TLS),
    ],
)
def test_errors_are_told_apart(error, trouble):
    assert of_error(error).trouble is trouble


@pytest.mark.parametrize(
    ("verify_code", "trouble"),
    [
        (9, Trouble.TLS_NOT_YET_VALID),
        (10, Trouble.TLS_NOT_TRUSTED),
        (18, Trouble.TLS_NOT_TRUSTED),
        (62, Trouble.TLS_WRONG_HOST),
    ],
)
def test_certificates_are_told_apart(verify_code, trouble):
    error = ssl.SSLCertVerificationError()
    error.verify_code, error.verify_message = verify_code, "words"
    assert of_error(error).trouble is trouble


@pytest.mark.parametrize(
    ("code", "trouble"),
    [
        (0x84, Trouble.PROTOCOL_REFUSED),
        (0x86, Trouble.LOGIN),
        (0x87, Trouble.NOT_AUTHORISED),
        (0x8E, Trouble.TAKEN_OVER),
        (0x97, Trouble.QUOTA),
        (0xFE, Trouble.OTHER),
    ],
)
def test_reason_codes_are_told_apart(code, trouble):
    assert of_code(code).trouble is trouble


def test_an_unknown_reason_code_is_told():
    assert "0xFE" in explain(of_code(0xFE), SETTINGS)


def test_a_refusal_of_our_certificate_is_told_apart():
    alert = "failed to receive on socket: [SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED] tlsv13 alert certificate required"
    assert of_tls_text(alert).trouble is Trouble.TLS_CLIENT_REFUSED
    assert of_tls_text("TLSV1_ALERT_PROTOCOL_VERSION").trouble is Trouble.TLS


def test_only_what_time_may_cure_is_tried_often():
    quick = {trouble for trouble in Trouble if not trouble.slow}
    assert {Trouble.REFUSED, Trouble.TIMED_OUT, Trouble.NAME_NOT_FOUND, Trouble.TLS_NOT_YET_VALID} <= quick
    assert not {Trouble.LOGIN, Trouble.TAKEN_OVER, Trouble.TLS_NOT_TRUSTED} & quick


@pytest.mark.parametrize(("code", "keep"), [(0x87, True), (0x97, True), (0x80, True), (0x95, False), (0x99, False)])
def test_only_what_the_broker_will_never_take_is_given_up(code, keep):
    remedy, kept = remedy_for_refusal(code)
    assert remedy
    assert kept is keep
