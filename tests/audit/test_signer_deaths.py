"""P22 and P23: a signer that is really killed, and what the next one makes of it."""

import pytest

from audit import checkpoints
from audit.models import Checkpoint
from audit.verify import verify
from tests.audit.conftest import record
from tests.faults.servers.forks import Fork, database_url

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]

FILES = ("key", "vkeys", "memory")


@pytest.fixture
def sign(outside, tmp_path):
    """Sign in a process of its own, which dies at `at`."""

    def run(at=""):
        named = {f"BATON_CHECKPOINT_{name.upper()}_FILE": outside.folder / name for name in FILES}
        return Fork(
            f"{__name__}:_sign",
            database=database_url(),
            log=tmp_path / "log",
            at=at,
            BATON_ANCHOR_FILE=outside.anchor.path,
            **named,
        )

    return run


def _sign():
    from django.core.management import call_command

    call_command("sign_checkpoints", "--once")


def stored():
    return [(row.size, row.anchored_at is not None) for row in Checkpoint.objects.all()]


def test_p22_what_was_signed_and_not_stored_is_stored_by_the_next(written, outside, sign):
    sign(at="P22").await_death()
    signed = outside.memory.read_bytes()
    assert (stored(), outside.sizes) == ([], [])
    record(2)
    sign().await_end()
    assert stored() == [(8, True), (10, True)]
    assert bytes(Checkpoint.objects.get(size=8).note) == signed
    assert outside.sizes == [8, 10]
    assert verify().good


def test_p23_what_was_stored_and_not_anchored_is_anchored_by_the_next(written, outside, sign):
    sign(at="P23").await_death()
    assert (stored(), outside.sizes) == ([(8, False)], [])
    record(2)
    sign().await_end()
    assert stored() == [(8, True), (10, True)]
    assert outside.sizes == [8, 10]
    assert verify().good


def test_p22_p23_after_many_deaths_no_checkpoint_is_lost_and_none_is_doubled(
    written, outside, sign
):
    signed = []
    for at in ("P22", "P23", "P22", "P22", "P23", "P23"):
        sign(at=at).await_death()
        signed.append(checkpoints.unchecked(outside.memory.read_bytes()).size)
        record()
    sign().await_end()
    assert outside.sizes == [size for size, _ in stored()]
    assert set(signed) < set(outside.sizes)
    assert all(anchored for _, anchored in stored())
    assert verify().good
