"""Exports: checked without the database, and no alteration of the file passes."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from audit import bundle, export
from audit.log import audited_atomic
from audit.models import Entry, Head
from audit.verify import verify
from tests.audit.conftest import body_of, forge, said_by

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).parents[2]


@pytest.fixture
def exported(written, tmp_path):
    file = tmp_path / "log.jsonl"
    assert export.export(file) == written
    return file


def codes(file):
    return {finding.code for finding in bundle.check(file).findings}


def lines(file):
    return file.read_bytes().splitlines(keepends=True)


def test_an_export_is_the_tree_head_and_the_exact_bytes(exported, written):
    first, *rest = lines(exported)
    said = json.loads(first)
    assert (said["format"], said["size"], said["root"]) == (
        "baton-audit-1", written, verify().root,
    )  # fmt: skip
    assert rest == [body_of(seq) + b"\n" for seq in range(written)]


def test_an_export_is_good_as_long_as_nobody_touches_it(exported, written):
    report = bundle.check(exported)
    assert (report.exit_code, report.size) == (0, written)


def test_the_export_of_an_empty_log_is_good(db, tmp_path):
    assert export.export(tmp_path / "empty") == 0
    assert bundle.check(tmp_path / "empty").exit_code == 0


def test_entries_written_during_an_export_are_left_for_the_next(written, tmp_path, monkeypatch):
    header = bundle.header

    def meanwhile(size, root, note):
        with audited_atomic() as log:
            log.record("route.made")
        return header(size, root, note)

    with monkeypatch.context() as patch:
        patch.setattr(bundle, "header", meanwhile)
        assert export.export(tmp_path / "log") == written
    assert bundle.check(tmp_path / "log").exit_code == 0
    assert Entry.objects.count() == written + 1


def test_t17_no_flipped_bit_at_any_of_1000_places_passes(exported):
    whole = exported.read_bytes()
    places = random.Random(17)
    for _ in range(1_000):
        altered = bytearray(whole)
        altered[places.randrange(len(whole))] ^= 1 << places.randrange(8)
        exported.write_bytes(altered)
        assert bundle.check(exported).exit_code in {1, 2}


def test_t17_no_byte_can_be_cut_from_the_end(exported):
    whole = exported.read_bytes()
    for kept in range(len(whole)):
        exported.write_bytes(whole[:kept])
        assert bundle.check(exported).exit_code in {1, 2}


@pytest.mark.parametrize(
    ("alter", "expected"),
    [
        (lambda rows: rows[:4] + rows[5:], "gap"),
        (lambda rows: [*rows[:4], rows[5], rows[4], *rows[6:]], "order"),
        (lambda rows: [*rows[:4], rows[3], *rows[4:]], "repeated"),
        (lambda rows: rows[:-1], "size"),
        (lambda rows: [*rows, rows[-1].replace(b'"seq":7', b'"seq":8')], "size"),
        (lambda rows: [*rows[:4], rows[4].replace(b'"seq":3', b'"seq":30'), *rows[5:]], "root"),
        (lambda rows: [*rows[:4], b"\n", *rows[4:]], "unreadable"),
        (lambda rows: [*rows, b"x" * 100_000], "cut"),
        (lambda rows: [rows[0].replace(b'"size":8', b'"size":7'), *rows[1:]], "size"),
    ],
)
def test_t17_lines_that_were_moved_added_or_removed_are_named(exported, alter, expected):
    exported.write_bytes(b"".join(alter(lines(exported))))
    assert expected in codes(exported)


@pytest.mark.parametrize(
    "begin",
    [
        b"", b"\n", b"{}\n", b"[]\n", b"\xff\n", b"[" * 20_000, b'{"size":8}\n',
        b'{"format":"baton-audit-2","root":"","size":0}\n',
        b'{"format": "baton-audit-1", "root": "", "size": 0}\n',
        b'{"format":"baton-audit-1","root":"","size":true}\n',
        b'{"format":"baton-audit-1","root":"","size":' + b"9" * 9_000 + b"}\n",
    ],
)  # fmt: skip
def test_a_file_that_is_no_export_cannot_be_judged(tmp_path, begin):
    file = tmp_path / "log"
    file.write_bytes(begin)
    report = bundle.check(file)
    assert (report.exit_code, report.good) == (2, False)


def test_a_file_that_is_not_there_cannot_be_judged(tmp_path):
    assert bundle.check(tmp_path / "nothing").exit_code == 2


def test_the_check_runs_without_django_and_without_a_database(exported):
    script = (
        "import sys; from audit import bundle; code = bundle.main(sys.argv[1:]); "
        "assert not any(name.startswith('django') for name in sys.modules); sys.exit(code)"
    )
    ran = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); {script}",
         str(exported), "--json"],
        capture_output=True, text=True, check=False, env={},
    )  # fmt: skip
    assert (ran.returncode, json.loads(ran.stdout)["good"]) == (0, True), ran.stderr


# --- the commands -------------------------------------------------------------------------------


def command(capsys, *arguments):
    """The exit code and what was said."""
    code = 0
    try:
        call_command("audit", *arguments)
    except SystemExit as end:
        code = end.code
    return code, capsys.readouterr().out


def test_a_good_log_says_so_and_says_what_that_does_not_prove(written, capsys):
    code, said = command(capsys, "verify")
    assert code == 0
    assert "8 entries" in said
    assert "could be cut unseen" in said


def test_a_tampered_log_exits_with_1_and_names_the_entry(written, capsys):
    forge(4, said_by(4, seq=40))
    code, said = command(capsys, "verify")
    assert code == 1
    assert "Entry 4: the column seq differs from its bytes." in said
    assert "NOT as it was written" in said


def test_a_program_is_told_in_json(written, capsys):
    forge(4, said_by(4, version=9))
    code, said = command(capsys, "verify", "--json")
    report = json.loads(said)
    assert (code, report["good"], report["exit"], report["size"]) == (1, False, 1, 8)
    assert [finding["code"] for finding in report["findings"]] == ["root"]


def test_an_export_is_written_and_checked_by_command(written, tmp_path, capsys):
    file = str(tmp_path / "log")
    assert command(capsys, "export", file)[0] == 0
    assert command(capsys, "check", file)[0] == 0
    with Path(file).open("ab") as opened:
        opened.write(b"{}\n")
    assert command(capsys, "check", file)[0] == 1


def test_rows_and_entries_agree_by_command(db, capsys):
    assert command(capsys, "fsck")[0] == 0


@pytest.mark.parametrize("arguments", [["export"], ["check"], ["export", "/nowhere/log"]])
def test_what_cannot_be_done_exits_with_2(written, arguments):
    with pytest.raises(CommandError) as refusal:
        call_command("audit", *arguments)
    assert refusal.value.returncode == 2


def test_a_log_without_a_head_is_not_exported(written, tmp_path):
    Head.objects.all().delete()
    with pytest.raises(CommandError) as refusal:
        call_command("audit", "export", str(tmp_path / "log"))
    assert refusal.value.returncode == 2
