"""Killed at every named point from event to version: nothing is lost, nothing done twice."""

import json
import os
import signal
import subprocess
import sys

import pytest
from django.conf import settings
from django.db import connection

from sharing import clock, intake
from sharing.models import Delivery, Hint, Source
from tests.sharing.source.studio import BEN

pytestmark = [pytest.mark.usefixtures("transactional_db"), pytest.mark.processes]


def database_url():
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    host, port = connection.settings_dict["HOST"], connection.settings_dict["PORT"]
    user, password = connection.settings_dict["USER"], connection.settings_dict["PASSWORD"]
    return f"postgres://{user}:{password}@{host}:{port}/{name}"


def run(what, point, workouts=()):
    """The other process; says whether it was killed."""
    environment = os.environ | {
        "BATON_CRASHPOINT": point,
        "DATABASE_URL": database_url(),
        "DJANGO_SETTINGS_MODULE": "tests.settings",
    }
    module = "tests.sharing.source.crashing"
    done = subprocess.run(
        [sys.executable, "-m", module, what, json.dumps(workouts)],
        env=environment, cwd=settings.BASE_DIR, capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode in {0, -signal.SIGKILL}, done.stderr.decode()
    return done.returncode == -signal.SIGKILL


@pytest.mark.parametrize(("point", "kept"), [("P01", 0), ("P02", 1), ("P03", 1)])
def test_a_hint_is_there_once_it_is_committed_and_not_before(ana, api, point, kept):
    assert run("intake", point)
    assert Hint.objects.count() == kept
    assert Source.objects.get().dirty_seq == kept


@pytest.mark.parametrize(("point", "versions"), [("P04", 0), ("P05", 0), ("P06", 0), ("P07", 1)])
def test_a_reading_that_dies_is_done_again_and_makes_one_version(ana, api, point, versions):
    api.put(BEN, 1, ana.day(1))
    intake.record(ana.source, headers={}, body=b"")
    ana.make_due()
    assert run("read", point, [[BEN, 1, str(ana.day(1))]])
    assert len(ana.versions()) == versions
    if versions == 0:
        assert ana.source.lease_until > clock.now()  # it comes due again by itself
    ana.read()
    assert len(ana.versions()) == 1
    assert Delivery.objects.count() == 1
    assert ana.source.clean_seq == ana.source.dirty_seq


def test_an_unarmed_point_does_nothing(ana, api):
    intake.record(ana.source, headers={}, body=b"")
    ana.make_due()
    assert not run("read", "P99")
