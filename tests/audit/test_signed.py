"""Attacks on a log that was signed, numbered as the threats are: checkpoints find what the tree
alone does not.
"""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import call_command

from audit import bundle, checkpoints, export, keys, merkle
from audit.anchors import AnchorFile
from audit.checkpoints import KeyRing, TreeHead
from audit.models import Checkpoint, Head
from audit.verify import verify
from tests.audit.conftest import forge, record, rewrite_head, run, said_by, unguarded

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).parents[2]


@pytest.fixture
def signed(written, outside):
    """Checkpoints of eight and of eleven entries, and one entry after them."""
    outside.sign()
    record(3)
    outside.sign()
    record()
    return outside


def codes(report):
    assert report.exit_code == 1, report.as_text()
    return {finding.code for finding in report.findings}


def write_stored(*notes):
    """What is stored is what the attacker wants."""
    with unguarded("audit_checkpoint"):
        run("DELETE FROM audit_checkpoint")
    at = Head.objects.get().last_at
    for note in notes:
        head = checkpoints.unchecked(note)
        Checkpoint.objects.create(size=head.size, root=head.root, note=note, signed_at=at)


def cut(to):
    with unguarded():
        run("DELETE FROM audit_entry WHERE seq >= %s", to)
    rewrite_head()


def rewrite():
    """Another third entry, and everything that follows from it in the database."""
    forge(3, said_by(3, version=9))
    rewrite_head()


def roots(*sizes):
    """The roots that the entries of now give."""
    from audit import stored

    return [merkle.root_of(stored.leaves(range(size))) for size in sizes]


def test_a_log_that_was_signed_is_good(signed):
    report = verify()
    assert (report.exit_code, report.size, report.checkpoints, report.outside) == (0, 12, 4, 11)


def test_t04_the_end_was_cut_with_the_head_and_what_was_stored(signed):
    cut(9)
    write_stored(*[bytes(row.note) for row in Checkpoint.objects.filter(size=8)])
    assert codes(verify()) == {"cut"}
    assert "counts 11 entries; the log has 9." in verify().as_text()


def test_t14_an_old_backup_was_put_back(signed, tmp_path):
    kept = tmp_path / "kept-by-the-auditor"
    kept.write_bytes(signed.anchor.path.read_bytes())
    signed.anchor.path.unlink()
    cut(9)
    write_stored()
    assert verify().exit_code == 0  # nothing outside was looked at, and the report says so
    assert "none outside" in verify().as_text()
    assert codes(verify(kept)) == {"cut"}


def test_t05_what_no_checkpoint_covers_can_be_cut_unseen_as_the_report_says(signed):
    cut(11)
    assert verify().exit_code == 0
    assert "could be cut unseen" in verify().as_text()


def test_t11_everything_was_rewritten_without_the_key(signed):
    rewrite()
    assert codes(verify()) == {"checkpoint"}
    thief = keys.SigningKey.make(signed.key.name)
    sizes = (8, 11)
    heads = [
        TreeHead(thief.name, size, root) for size, root in zip(sizes, roots(*sizes), strict=True)
    ]
    write_stored(*[checkpoints.sign(head, thief) for head in heads])
    signed.anchor.path.unlink()
    assert codes(verify()) == {"signature"}


def test_t12_everything_was_rewritten_with_the_stolen_key(signed):
    rewrite()
    write_stored(
        *[signed.note(size, root) for size, root in zip((8, 11), roots(8, 11), strict=True)]
    )
    assert codes(verify()) == {"checkpoint", "fork"}


def test_t13_two_checkpoints_of_one_size_are_a_fork(signed):
    signed.anchor.keep(signed.note(11, bytes(32)))
    report = verify()
    assert {"fork", "checkpoint"} == codes(report)
    assert "Two checkpoints of 11 entries have different roots" in report.as_text()


def test_t16_a_checkpoint_of_another_log_or_by_another_key_does_not_count(signed):
    thief = keys.SigningKey.make(signed.key.name)
    root = roots(12)[0]
    notes = [signed.note(12, root, key=thief), signed.note(12, root, "other.example/audit")]
    for note in notes:
        signed.anchor.keep(note)
    assert [finding.code for finding in verify().findings] == ["signature"] * 2


def test_t24_a_retired_key_signs_no_more(signed):
    (signed.folder / "vkeys").write_text(f"{signed.key.public} until 8\n")
    report = verify()
    assert codes(report) == {"signature"}
    assert "A key that ends at 8 signed 11." in report.as_text()


def test_t20_the_columns_of_a_checkpoint_were_changed(signed):
    with unguarded("audit_checkpoint"):
        run("UPDATE audit_checkpoint SET root = %s WHERE size = 8", bytes(32))
    assert codes(verify()) == {"column", "checkpoint", "fork"}


def test_t20_the_triggers_of_checkpoints_are_watched(signed):
    with unguarded("audit_checkpoint"):
        assert codes(verify()) == {"trigger"}


def test_t23_what_is_no_checkpoint_is_never_good(signed):
    for line in (b"nonsense", b'"note"', b"{}", b'"' + b"x" * 10_000_000):
        signed.anchor.path.write_bytes(line + b"\n")
        assert verify().exit_code in {1, 2}


def test_anchors_that_are_named_and_cannot_be_read_are_no_proof(signed, tmp_path):
    assert verify(tmp_path / "none").exit_code == 2
    signed.anchor.path.unlink()
    assert verify().exit_code == 0


def test_without_a_published_key_nobody_knows_who_signed(signed):
    (signed.folder / "vkeys").unlink()
    report = verify()
    assert (report.exit_code, report.checkpoints) == (2, 4)
    (signed.folder / "vkeys").write_text("nonsense\n")
    assert verify().exit_code == 2


def test_what_is_signed_while_the_log_is_verified_is_no_finding(signed, monkeypatch):
    lines = AnchorFile.lines

    def meanwhile(self):
        monkeypatch.setattr(AnchorFile, "lines", lines)
        record(2)
        signed.sign()
        return lines(self)

    monkeypatch.setattr(AnchorFile, "lines", meanwhile)
    report = verify()
    assert (report.exit_code, report.size) == (0, 12)


def test_anchors_out_of_their_order_cannot_be_judged(signed, tmp_path):
    lines = signed.anchor.path.read_bytes().splitlines(keepends=True)
    (tmp_path / "turned").write_bytes(b"".join(reversed(lines)))
    assert verify(tmp_path / "turned").exit_code == 2


def test_t16_the_keys_of_an_auditor_count_more_than_those_of_the_machine(signed):
    thief = keys.SigningKey.make(signed.key.name)
    (signed.folder / "vkeys").write_text(f"{thief.public}\n")
    signed.anchor.path.unlink()
    rewrite()
    write_stored(signed.note(11, roots(11)[0], key=thief))
    assert verify().exit_code == 0  # everything there is belongs to the attacker
    assert codes(verify(vkeys=[str(signed.key.public)])) == {"signature"}
    assert verify(vkeys=["nonsense"]).exit_code == 2


def test_the_command_takes_the_anchors_of_an_auditor(signed, tmp_path, capsys):
    (tmp_path / "kept").write_bytes(signed.anchor.path.read_bytes())
    cut(9)
    with pytest.raises(SystemExit) as ended:
        call_command("audit", "verify", "--anchors", str(tmp_path / "kept"), "--json")
    found = json.loads(capsys.readouterr().out)
    assert (ended.value.code, found["outside"]) == (1, 11)


# --- exports ------------------------------------------------------------------------------------


@pytest.fixture
def exported(signed, tmp_path):
    export.export(tmp_path / "log")
    return tmp_path / "log"


def test_an_export_carries_the_newest_checkpoint(exported, signed):
    said = json.loads(exported.read_bytes().splitlines()[0])
    assert checkpoints.unchecked(said["checkpoint"].encode()).size == 11
    assert said["size"] == 12
    report = bundle.check(exported, signed.ring)
    assert (report.exit_code, report.checkpoints) == (0, 1)


def test_t17_no_flipped_bit_of_a_signed_export_passes(exported, signed):
    whole, places = exported.read_bytes(), random.Random(17)
    first = whole.index(b"\n")
    for number in range(1_000):
        altered = bytearray(whole)
        altered[places.randrange(first if number % 2 else len(whole))] ^= 1 << places.randrange(8)
        exported.write_bytes(altered)
        assert bundle.check(exported, signed.ring).exit_code in {1, 2}


def test_t11_an_export_that_was_rewritten_does_not_fit_its_checkpoint(exported, signed):
    rewrite()
    note = bytes(Checkpoint.objects.get(size=11).note)
    export.export(exported)
    assert codes(bundle.check(exported, signed.ring)) == {"checkpoint"}
    thief = keys.SigningKey.make(signed.key.name)
    write_stored(signed.note(11, roots(11)[0], key=thief))
    export.export(exported)
    assert codes(bundle.check(exported, signed.ring)) == {"signature"}
    assert note not in exported.read_bytes()


def test_t04_an_export_that_was_cut_counts_less_than_its_checkpoint(exported, signed):
    first, *rest = exported.read_bytes().splitlines(keepends=True)
    note = json.loads(first)["checkpoint"].encode()
    root = merkle.root_of(merkle.leaf_hash(line[:-1]) for line in rest[:9])
    exported.write_bytes(b"".join([bundle.header(9, root, note), *rest[:9]]))
    assert codes(bundle.check(exported, signed.ring)) == {"cut"}


def test_an_export_without_its_checkpoint_is_not_signed(exported, signed):
    write_stored()
    export.export(exported)
    assert bundle.check(exported, signed.ring).exit_code == 2
    assert bundle.check(exported).exit_code == 0


def test_a_signed_export_is_no_proof_without_its_key(exported):
    assert bundle.check(exported).exit_code == 2
    assert bundle.check(exported, KeyRing()).exit_code == 2


@pytest.mark.parametrize("whose", ["ours", "another's", "nonsense"])
def test_an_export_is_checked_offline_with_the_public_key_alone(exported, signed, whose):
    vkey = {
        "ours": str(signed.key.public),
        "another's": str(keys.SigningKey.make(signed.key.name).public),
        "nonsense": "nonsense",
    }[whose]
    script = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); from audit import bundle; "
        "code = bundle.main(sys.argv[1:]); "
        "assert not any(name.startswith('django') for name in sys.modules); sys.exit(code)"
    )
    ran = subprocess.run(
        [sys.executable, "-I", "-c", script, str(exported), "--key", vkey],
        capture_output=True, text=True, check=False, env={},
    )  # fmt: skip
    assert ran.returncode == {"ours": 0, "another's": 1, "nonsense": 2}[whose], ran.stderr


def test_the_command_checks_with_the_key_that_is_named_or_published(exported, signed, capsys):
    call_command("audit", "check", str(exported))
    call_command("audit", "check", str(exported), "--key", str(signed.key.public))
    stranger = keys.SigningKey.make(signed.key.name).public
    with pytest.raises(SystemExit) as ended:
        call_command("audit", "check", str(exported), "--key", str(stranger))
    assert ended.value.code == 1
