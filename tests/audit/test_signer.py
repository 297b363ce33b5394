"""The signer: what it signs, when, and what it will not sign whoever asks."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DatabaseError, transaction

from audit import export, keys, signer
from audit.models import Checkpoint, Entry, Head, SignerState
from audit.signer import RefusedError
from audit.verify import verify
from tests.audit.conftest import forge, record, rewrite_head, run, said_by, unguarded

pytestmark = pytest.mark.django_db(transaction=True)


def refusal(outside, **wishes):
    """The code of the refusal; it is where the watchdog looks, and nothing was signed."""
    before = (remembered(outside), outside.sizes)
    with pytest.raises(RefusedError) as refused:
        outside.sign(**wishes)
    assert SignerState.objects.get().refusal == refused.value.code
    assert (remembered(outside), outside.sizes) == before
    return refused.value.code


def remembered(outside):
    return outside.memory.read_bytes() if outside.memory.exists() else b""


def cut(to):
    """The end of the log is gone, and its head says nothing of it."""
    with unguarded():
        run("DELETE FROM audit_entry WHERE seq >= %s", to)
    rewrite_head()


def forget_stored():
    with unguarded("audit_checkpoint"):
        run("DELETE FROM audit_checkpoint")


# --- what it does -------------------------------------------------------------------------------


def test_a_checkpoint_is_remembered_stored_and_outside(written, outside):
    outside.sign()
    row = Checkpoint.objects.get()
    head = outside.ring.opened(bytes(row.note)).head
    assert (row.size, head.size, head.root.hex()) == (written, written, verify().root)
    assert outside.memory.read_bytes() == bytes(row.note)
    assert outside.sizes == [written]
    assert row.signed_at <= row.anchored_at


def test_each_checkpoint_continues_the_one_before(written, outside):
    signer = outside.signer()
    for _ in range(3):
        signer.round(at_once=True)
        record(2)
    outside.sign()
    assert outside.sizes == [8, 10, 12, 14]
    assert verify().exit_code == 0


def test_a_log_that_has_not_grown_is_signed_once(written, outside):
    signer = outside.signer(every=timedelta(0))
    for _ in range(3):
        signer.round()
    outside.sign()
    assert outside.sizes == [8]


def test_an_empty_log_is_not_signed(db, outside):
    outside.sign()
    assert not Checkpoint.objects.exists()


def test_it_signs_after_a_while_or_after_so_many_entries(written, outside, monkeypatch):
    now = 1_000.0
    monkeypatch.setattr(signer.time, "monotonic", lambda: now)
    one = outside.signer(every=timedelta(seconds=60), entries=3)
    sizes = []
    for passed, entries in ((0, 0), (59, 2), (1, 0), (1, 2), (1, 1), (200, 0)):
        now += passed
        record(entries)
        one.round()
        sizes.append(outside.sizes[-1])
    assert sizes == [8, 8, 10, 10, 13, 13]


def test_an_anchor_that_is_away_gets_everything_when_it_is_back(written, outside, monkeypatch):
    one = outside.signer()
    path, one.anchor.path = one.anchor.path, outside.folder / "away" / "anchors"
    for _ in range(2):
        with pytest.raises(FileNotFoundError):
            one.round(at_once=True)
        record()
    assert set(Checkpoint.objects.values_list("anchored_at", flat=True)) == {None}
    one.anchor.path = path
    one.round(at_once=True)
    assert outside.sizes == [8, 9, 10]


def test_a_checkpoint_that_could_not_be_stored_is_stored_by_the_next_round(
    written, outside, monkeypatch
):
    one = outside.signer()
    with monkeypatch.context() as patch:
        patch.setattr(signer, "now", lambda: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            one.round(at_once=True)
    assert not Checkpoint.objects.exists()
    one.round()
    assert outside.sizes == [8]


def test_a_new_place_for_anchors_begins_with_the_newest(written, outside):
    outside.sign()
    (outside.folder / "anchors").unlink()
    outside.sign()
    assert outside.sizes == [8]


# --- what the database refuses ------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_checkpoint SET size = 9",
        "UPDATE audit_checkpoint SET root = note",
        "UPDATE audit_checkpoint SET anchored_at = NULL",
        "UPDATE audit_checkpoint SET anchored_at = signed_at",
        "DELETE FROM audit_checkpoint",
    ],
)
def test_a_checkpoint_is_written_once_and_anchored_once(written, outside, statement):
    outside.sign()
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        run(statement)


def test_until_it_is_anchored_nothing_else_of_it_changes(written, outside):
    one = outside.signer()
    one.anchor.path = outside.folder / "away" / "anchors"
    with pytest.raises(FileNotFoundError):
        one.round(at_once=True)
    changed = "UPDATE audit_checkpoint SET anchored_at = signed_at, root = note"
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        run(changed)


# --- what it will not sign ----------------------------------------------------------------------


def test_t04_t14_a_log_that_is_smaller_than_what_was_signed(written, outside):
    outside.sign()
    cut(6)
    assert refusal(outside) == "smaller"


def test_t14_a_backup_that_was_put_back_and_has_grown_since(written, outside):
    record(2)
    outside.sign()
    cut(8)
    forget_stored()
    record(5)
    assert refusal(outside) == "inconsistent"


def test_a_running_signer_notices_at_once(written, outside):
    one = outside.signer()
    one.round(at_once=True)
    cut(6)
    with pytest.raises(RefusedError, match="put back"):
        one.round()


def test_t11_a_log_that_was_rewritten_with_its_head(written, outside):
    one = outside.signer()
    one.round(at_once=True)
    forge(3, said_by(3, version=9))
    record()
    rewrite_head()
    assert refusal(outside) == "inconsistent"
    with pytest.raises(RefusedError, match="do not lead"):
        one.round(at_once=True)


def test_an_entry_whose_bytes_do_not_give_the_head(written, outside):
    outside.sign()
    record()
    forge(8, said_by(8, version=9))
    assert refusal(outside) == "inconsistent"


def test_t21_a_table_that_was_emptied(written, outside):
    outside.sign()
    with unguarded():
        run("DELETE FROM audit_entry")
    assert refusal(outside) == "inconsistent"
    Head.objects.all().delete()
    assert refusal(outside) == "smaller"


@pytest.mark.parametrize("lost", ["memory", "anchors", "stored"])
def test_whatever_is_left_of_what_it_signed_is_enough_to_refuse(written, outside, lost):
    outside.sign()
    cut(6)
    if lost == "stored":
        forget_stored()
    else:
        (outside.folder / lost).unlink()
    assert refusal(outside) == "smaller"


def test_t13_another_checkpoint_of_the_same_size_is_stored(written, outside):
    outside.sign()
    forget_stored()
    root = bytes(32)
    row = Checkpoint(
        size=8, root=root, note=outside.note(8, root), signed_at=Entry.objects.first().at
    )
    row.save(force_insert=True)
    assert refusal(outside) == "inconsistent"


def test_t16_what_is_stored_was_signed_by_somebody_else(written, outside):
    thief = keys.SigningKey.make(outside.key.name)
    outside.sign()
    forget_stored()
    note = outside.note(8, bytes(32), key=thief)
    Checkpoint.objects.create(size=8, root=bytes(32), note=note, signed_at=Entry.objects.first().at)
    assert refusal(outside) == "unreadable"


def test_a_damaged_memory_is_not_written_over(written, outside):
    outside.sign()
    outside.memory.write_bytes(b"nothing")
    record()
    assert refusal(outside) == "unreadable"


def test_a_new_key_continues_what_the_retired_one_signed(written, outside):
    outside.sign()
    retired = f"{outside.key.public} until 8\n"
    outside.key = keys.SigningKey.make(outside.key.name)
    (outside.folder / "vkeys").write_text(f"{retired}{outside.key.public}\n")
    record()
    outside.sign()
    assert outside.sizes == [8, 9]
    assert verify().exit_code == 0


def test_when_all_is_well_again_the_refusal_is_over(written, outside):
    outside.sign()
    remembered = outside.memory.read_bytes()
    outside.memory.write_bytes(b"nothing")
    assert refusal(outside) == "unreadable"
    outside.memory.write_bytes(remembered)
    outside.sign()
    assert SignerState.objects.get().refusal == ""


# --- after a restore ----------------------------------------------------------------------------


def test_a_new_life_after_a_restore_is_a_log_with_a_name_of_its_own(written, outside, settings):
    outside.sign()
    record(4)
    outside.sign()
    cut(8)  # a backup of the moment at which there were eight
    with unguarded("audit_checkpoint"):
        run("DELETE FROM audit_checkpoint WHERE size > 8")
    assert refusal(outside) == "smaller"
    settings.BATON_INCARNATION = 2
    outside.sign(life=2)  # nothing happened since: there is nothing to sign
    record()
    outside.sign(life=2)
    assert [(head.origin, head.size) for head in outside.heads] == [
        ("baton.example/audit", 8), ("baton.example/audit", 12), ("baton.example/audit/2", 9),
    ]  # fmt: skip
    report = verify()
    assert (report.exit_code, report.outside) == (0, 9)
    settings.BATON_INCARNATION = 1
    assert verify().exit_code == 1


def test_what_was_cut_off_in_the_life_that_was_lost_is_completed_in_the_next(written, outside):
    outside.sign()
    record()
    outside.sign()
    path = outside.anchor.path
    path.write_bytes(path.read_bytes()[:-20])
    cut(8)
    with unguarded("audit_checkpoint"):
        run("DELETE FROM audit_checkpoint")
    outside.sign(life=2)
    assert [(head.origin, head.size) for head in outside.heads] == [
        ("baton.example/audit", 8), ("baton.example/audit", 9), ("baton.example/audit/2", 8),
    ]  # fmt: skip


# --- the command --------------------------------------------------------------------------------


def test_the_command_signs_once_and_says_its_key(written, outside, capsys):
    call_command("sign_checkpoints", "--once")
    assert outside.sizes == [8]
    call_command("sign_checkpoints", "--vkey")
    assert capsys.readouterr().out.strip() == str(outside.key.public)


def test_the_command_ends_with_a_sentence_when_it_refuses(written, outside):
    call_command("sign_checkpoints", "--once")
    cut(6)
    with pytest.raises(CommandError, match="6 entries, and 8 were signed already"):
        call_command("sign_checkpoints", "--once")


def test_the_first_run_in_development_makes_a_key(written, outside, settings):
    settings.BATON_CHECKPOINT_KEY_FILE = outside.folder / "fresh"
    settings.BATON_CHECKPOINT_VKEYS_FILE = outside.folder / "fresh.vkeys"
    call_command("sign_checkpoints", "--once")
    assert verify().exit_code == 0
    assert export.export(outside.folder / "log") == written


def test_production_makes_no_key_by_itself(written, outside, settings):
    settings.PRODUCTION = True
    settings.BATON_CHECKPOINT_KEY_FILE = outside.folder / "none"
    with pytest.raises(CommandError, match=r"audit\.keys"):
        call_command("sign_checkpoints", "--once")


def test_a_key_that_nobody_knows_signs_nothing(written, outside):
    (outside.folder / "vkeys").write_text(f"{keys.SigningKey.make('other.example').public}\n")
    with pytest.raises(CommandError, match="Nobody could check it"):
        call_command("sign_checkpoints", "--once")
    assert outside.sizes == []


def test_two_signers_do_not_share_a_memory(written, outside):
    from audit.management.commands.sign_checkpoints import _alone

    with _alone(outside.memory), pytest.raises(CommandError, match="Another signer"):
        call_command("sign_checkpoints", "--once")
