"""Logs: one event is one line, and no secret is in it."""

import logging

import pytest

from config.logging import SafeFormatter

FORMATTER = SafeFormatter("%(levelname)s %(name)s %(message)s")


def logged(message, *arguments, exc_info=None):
    record = logging.LogRecord("baton", logging.INFO, "", 0, message, arguments, exc_info)
    return FORMATTER.format(record)


@pytest.mark.parametrize(
    ("said", "secret"),
    [
        ("POST /hooks/trainingpeaks/6f1c/AbCdEf0123456789/ 202", "AbCdEf0123456789"),
        ("GET /feeds/6f1c/AbCdEf0123456789.ics", "AbCdEf0123456789"),
        ("GET /a/WyJhIl0:1abc:sig/ 200", "WyJhIl0:1abc:sig"),
        ("Authorization: Bearer baton_0123456789abcdef", "baton_0123456789abcdef"),
        ("Authorization: Basic QVBJX0tFWTpzZWNyZXQ=", "QVBJX0tFWTpzZWNyZXQ="),
        ("refresh_token=i7ne!IAAA&x=1", "i7ne!IAAA"),
        ("callback?code=abc123&state=def456", "abc123"),
        ("callback?code=abc123&state=def456", "def456"),
        ("client_secret=hunter2", "hunter2"),
        ("secret whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
    ],
)
def test_secrets_are_hidden(said, secret):
    assert secret not in logged("%s", said)


def test_a_line_break_cannot_pretend_to_be_another_event():
    line = logged("name: %s", "Ben\nERROR baton forged\x1b[31m")
    assert "\n" not in line
    assert "\x1b" not in line


def test_a_very_long_text_is_cut():
    assert len(logged("%s", "x" * 100_000)) < 3_000


def int_of(text):
    return int(text)


def test_a_traceback_keeps_its_lines_but_not_its_secrets():
    with pytest.raises(ValueError, match="refresh_token") as raised:
        int_of("refresh_token=i7ne!IAAA")
    text = logged("failed", exc_info=(raised.type, raised.value, raised.tb))
    assert "Traceback" in text
    assert "i7ne!IAAA" not in text
