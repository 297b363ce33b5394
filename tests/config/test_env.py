"""Settings: a wrong one stops the start with one sentence that says what to set."""

import base64
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import env

ROOT = Path(__file__).resolve().parents[2]
KEY = base64.b64encode(bytes(range(32))).decode()
GOOD = {
    "BATON_SECRET_KEY": "s" * 40 + "ecret",
    "BATON_KEYS": f"k1:{KEY}",
}
PRODUCTION = GOOD | {
    "BATON_ENV": "production",
    "BATON_PUBLIC_URL": "https://baton.example",
    "TRAININGPEAKS_CLIENT_ID": "id",
    "TRAININGPEAKS_CLIENT_SECRET": "secret",
    "REDIS_URL": "redis://redis/0",
    "EMAIL_URL": "smtp://mail.example",
    "BATON_ERASURES_FILE": "/srv/baton/erasures.jsonl",
}


@pytest.fixture(autouse=True)
def bare(monkeypatch):
    """Nothing but what the test sets."""
    for name in list(os.environ):
        if name.startswith(("BATON_", "TRAININGPEAKS_", "REDIS_", "DATABASE_", "EMAIL_")):
            monkeypatch.delenv(name)
    monkeypatch.setitem(env.Env.model_config, "env_file", None)


def read(monkeypatch, settings):
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    return env.read()


def test_good_settings_are_read(monkeypatch):
    found = read(monkeypatch, GOOD | {"BATON_ALLOWED_HOSTS": "a.example, b.example"})
    assert found.baton_keys == {"k1": bytes(range(32))}
    assert found.baton_allowed_hosts == ["a.example", "b.example"]


def test_a_database_that_is_empty_is_the_embedded_one(monkeypatch):
    assert read(monkeypatch, GOOD | {"DATABASE_URL": ""}).database_url.startswith("sqlite:///")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"BATON_SECRET_KEY": ""}, "Set BATON_SECRET_KEY"),
        ({"DATABASE_URL": "mysql://db/baton"}, "DATABASE_URL: Set it to postgres://"),
        ({"DATABASE_URL": "127.0.0.1:5432"}, "DATABASE_URL: Set it to postgres://"),
        ({"BATON_SECRET_KEY": "change-me"}, "Set BATON_SECRET_KEY"),
        ({"BATON_KEYS": ""}, "Set BATON_KEYS"),
        ({"BATON_KEYS": "k1:tooshort"}, "BATON_KEYS"),
        ({"BATON_KEYS": "k1:" + base64.b64encode(b"short").decode()}, "32 random bytes"),
        ({"BATON_KEYS": "k1:" + base64.b64encode(b"\0" * 32).decode()}, "32 random bytes"),
        ({"BATON_LEASE_SECONDS": "10"}, "BATON_LEASE_SECONDS must be at least three times"),
        ({"BATON_LEASE_SECONDS": "44"}, "BATON_LEASE_SECONDS must be at least three times"),
        ({"BATON_SEND_DEADLINE": "21"}, "BATON_LEASE_SECONDS must be at least three times"),
        ({"BATON_WINDOW_WEEKS": "many"}, "BATON_WINDOW_WEEKS"),
        ({"TRAININGPEAKS_RATE_PER_SECOND": "0"}, "TRAININGPEAKS_RATE_PER_SECOND"),
        ({"BATON_ENV": "staging"}, "BATON_ENV"),
    ],
)
def test_a_wrong_setting_is_named_in_one_sentence(monkeypatch, change, sentence):
    with pytest.raises(ImproperlyConfigured, match=sentence) as refusal:
        read(monkeypatch, GOOD | change)
    assert "\n" not in str(refusal.value)
    assert KEY not in str(refusal.value)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"BATON_DEBUG": "1"}, "BATON_DEBUG"),
        ({"BATON_PUBLIC_URL": "http://baton.example"}, "https"),
        ({"TRAININGPEAKS_CLIENT_SECRET": ""}, "TRAININGPEAKS_CLIENT_SECRET"),
        ({"BATON_ALLOW_LOOPBACK_DESTINATIONS": "1"}, "BATON_ALLOW_LOOPBACK_DESTINATIONS"),
        ({"TRAININGPEAKS_INSECURE_TRANSPORT": "1"}, "TRAININGPEAKS_INSECURE_TRANSPORT"),
        ({"REDIS_URL": ""}, "REDIS_URL"),
        ({"EMAIL_URL": "console:"}, "EMAIL_URL"),
        ({"BATON_ERASURES_FILE": "var/erasures.jsonl"}, "BATON_ERASURES_FILE"),
    ],
)
def test_production_refuses_what_is_for_development(monkeypatch, change, sentence):
    read(monkeypatch, PRODUCTION)
    with pytest.raises(ImproperlyConfigured, match=sentence):
        read(monkeypatch, PRODUCTION | change)


def test_the_program_does_not_start_with_a_wrong_setting():
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "BATON_SECRETS_FILE": os.devnull},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "Set BATON_SECRET_KEY to a long random value" in done.stderr.splitlines()[-1]
