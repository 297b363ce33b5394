"""Attacks on the log in the database, numbered as the threats are: each is found and named."""

import pytest
from django.db import connection, transaction

from audit import checking, triggers
from audit.log import audited_atomic
from audit.models import Entry, Head
from audit.verify import verify
from tests.audit.conftest import (
    body_of,
    forge,
    insert,
    rewrite_head,
    run,
    said_by,
    unguarded,
)

pytestmark = pytest.mark.django_db(transaction=True)

UPDATE = "UPDATE audit_entry SET"
ELSEWHERE = "connection.vendor != 'postgresql'"


def found():
    """What verifying says, as codes with the entry that is meant."""
    report = verify()
    assert report.exit_code == 1
    return {(finding.code, finding.seq) for finding in report.findings}


def words():
    return " ".join(finding.words for finding in verify().findings)


def test_a_log_as_it_was_written_is_good(written):
    report = verify()
    assert (report.exit_code, report.size, report.findings) == (0, written, [])
    assert len(report.root) == 64


def test_an_empty_log_is_good(db):
    assert verify().exit_code == 0


@pytest.mark.parametrize("seq", range(8))
@pytest.mark.parametrize("place", [0, 13, 60, -2])
def test_t01_one_flipped_bit_is_found_and_the_entry_named(written, seq, place):
    body = bytearray(body_of(seq))
    body[place] ^= 1
    with unguarded():
        run("UPDATE audit_entry SET body = %s WHERE seq = %s", bytes(body), seq)
    assert {("leaf", seq), ("root", None)} <= found()


def test_t01_a_flipped_bit_is_found_when_the_leaf_hash_was_made_to_fit(written):
    forge(3, body_of(3).replace(b'"version":0', b'"version":1'))
    assert found() == {("root", None)}


def test_t03_a_deleted_entry_is_found_and_named(written):
    with unguarded():
        run("DELETE FROM audit_entry WHERE seq = 4")
    assert found() == {("gap", 5), ("size", None)}
    assert "Before entry 5, 4 should have come." in words()


def test_t03_several_deleted_entries_are_named_together(written):
    with unguarded():
        run("DELETE FROM audit_entry WHERE seq BETWEEN 0 AND 2")
    assert "Before entry 3, 0 to 2 should have come." in words()


def test_t04_a_cut_end_is_found(written):
    with unguarded():
        run("DELETE FROM audit_entry WHERE seq >= 6")
    assert found() == {("size", None)}
    assert "The head counts 8 entries; there are 6." in words()


def test_t06_two_swapped_entries_are_found_and_named(written):
    second, sixth = body_of(2), body_of(6)
    forge(2, sixth)
    forge(6, second)
    assert {("gap", 6), ("order", 2), ("column", 2), ("column", 6), ("root", None)} <= found()


def test_t07_an_entry_put_in_at_the_end_is_found_and_named(written):
    insert(8)
    assert found() == {("beyond", 8)}


def test_t07_an_entry_put_in_at_the_beginning_is_found_and_named(written):
    insert(-1)
    assert {("order", -1), ("size", None)} <= found()


def test_t07_an_entry_put_in_between_moves_the_others(written):
    """To make room, the attacker renumbers the rows behind it."""
    with unguarded():
        for seq in (7, 6, 5):
            run("UPDATE audit_entry SET seq = %s WHERE seq = %s", seq + 1, seq)
        insert(5)
    assert {("repeated", 5), ("column", 6), ("column", 7), ("beyond", 8)} <= found()


def test_t08_a_back_dated_entry_is_found_even_with_a_new_tree(written):
    early = "2001-01-01T00:00:00.000000+00:00"
    forge(5, said_by(5, time=early))
    with unguarded():
        run("UPDATE audit_entry SET at = '2001-01-01 00:00:00+00:00' WHERE seq = 5")
    rewrite_head()
    assert found() == {("time", 5)}
    assert words() == "Entry 5 is dated before the one it follows."


def test_t09_a_doubled_entry_is_found_even_with_a_new_tree(written):
    with unguarded():
        for seq in (7, 6, 5):
            run("UPDATE audit_entry SET seq = %s WHERE seq = %s", seq + 1, seq)
    insert(5)
    forge(5, body_of(4))
    rewrite_head()
    assert ("repeated", 4) in found()
    assert "Entry 4 comes twice." in words()


@pytest.mark.skipif(ELSEWHERE, reason="SQLite has no way to take a constraint off")
def test_t09_an_identity_that_stands_twice_is_named(written):
    with transaction.atomic():
        run("ALTER TABLE audit_entry DROP CONSTRAINT audit_entry_id_key CASCADE")
        insert(8, id=str(Entry.objects.get(seq=2).id))
        rewrite_head()
        assert "Entries 2 and 8 have the same identity." in words()
        transaction.set_rollback(True)


def test_t10_renumbered_rows_are_found_and_named(written):
    with unguarded():
        run("UPDATE audit_entry SET seq = 70 WHERE seq = 7")
    assert {("size", None), ("beyond", 70)} <= found()
    run("UPDATE audit_head SET size = 71")
    assert ("column", 70) in found()


def test_t10_an_entry_with_another_number_in_its_bytes_is_named(written):
    forge(4, said_by(4, seq=40))
    assert {("column", 4), ("gap", 40), ("root", None)} <= found()


def test_t11_a_rewritten_log_under_the_old_head_is_found(written):
    for seq in range(written):
        forge(seq, said_by(seq, outcome="unknown"))
    assert found() == {("root", None)}


def test_t20_a_dropped_trigger_is_named(written):
    on = " ON audit_entry" if connection.vendor == "postgresql" else ""
    definition = triggers._install(connection, "audit_entry", ())
    run(f"DROP TRIGGER audit_entry_no_delete{on}")
    try:
        assert found() == {("trigger", None)}
        assert "audit_entry_no_delete" in words()
    finally:
        run(next(sql for sql in definition if "_no_delete" in sql))


def test_t20_a_change_under_a_trigger_that_was_put_back_is_found(written):
    forge(2, said_by(2, version=9))
    assert triggers.missing() == []
    assert found() == {("root", None)}


def test_t21_an_emptied_table_is_found(written):
    with unguarded():
        run("DELETE FROM audit_entry")
    assert found() == {("size", None)}


@pytest.mark.skipif(ELSEWHERE, reason="a statement of PostgreSQL")
def test_t21_a_truncated_table_is_found(written):
    """Every trigger is in the way, those of the rows that refer to entries as well."""
    with transaction.atomic():
        run("SET LOCAL session_replication_role = replica")
        run("TRUNCATE audit_entry CASCADE")
    assert found() == {("size", None)}


def test_a_lost_head_is_found(written):
    Head.objects.all().delete()
    assert found() == {("head", None)}


@pytest.mark.parametrize("peaks", [b"", b"x" * 31, b"x" * 64])
def test_a_damaged_head_is_found(written, peaks):
    Head.objects.update(peaks=peaks)
    assert ("head", None) in found()


def test_a_head_with_another_root_is_found(written):
    Head.objects.update(peaks=b"x" * 32)
    assert found() == {("root", None)}


@pytest.mark.parametrize(
    "change",
    [
        "action = 'other'", "at = '2001-01-01 00:00:00+00:00'", "plan = NULL",
        "delivery = subject", "subject = organisation", "destination = NULL",
        "organisation = plan", "id = organisation",
    ],
)  # fmt: skip
def test_a_column_that_says_something_else_than_the_bytes_is_named(written, change):
    with unguarded():
        run(f"{UPDATE} {change} WHERE seq = 5")
    assert found() == {("column", 5)}
    assert f"the column {change.split()[0]} differs" in words()


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff\x00", b"[" * 50_000, b'{"seq":"4"}'])
def test_bytes_that_are_no_entry_are_named_and_stop_nothing(written, body):
    forge(4, body)
    assert found() == {("unreadable", 4), ("root", None)}


@pytest.mark.parametrize(
    "line",
    [
        {"extra": {"row": 10**40}, "action": "model.changed"}, {"extra": [1]},
        {"time": {"no": "time"}}, {"id": ["x"]}, {"plan": 7}, {"action": None},
    ],
)  # fmt: skip
def test_an_entry_of_strange_values_stops_nothing(written, line):
    forge(4, said_by(4, **line))
    assert ("root", None) in found()


def test_only_the_first_findings_are_told_and_the_others_counted(db):
    with audited_atomic() as log:
        for _ in range(checking.MOST_FINDINGS + 20):
            log.record("route.made")
    with unguarded():
        run("UPDATE audit_entry SET action = 'other'")
    report = verify()
    assert (len(report.findings), report.more) == (checking.MOST_FINDINGS, 20)
    assert "And 20 more." in report.as_text()


def test_what_is_written_while_the_log_is_verified_is_no_finding(written, monkeypatch):
    def meanwhile():
        with audited_atomic() as log:
            log.record("route.made")
        return []

    monkeypatch.setattr(triggers, "missing", meanwhile)
    bodies = checking.check

    def later(*args, **kwargs):
        meanwhile()
        return bodies(*args, **kwargs)

    monkeypatch.setattr(checking, "check", later)
    report = verify()
    assert (report.exit_code, report.size) == (0, written)


def test_a_log_that_cannot_be_read_is_not_called_good(written):
    run("ALTER TABLE audit_head RENAME TO audit_elsewhere")
    try:
        report = verify()
    finally:
        run("ALTER TABLE audit_elsewhere RENAME TO audit_head")
    assert (report.exit_code, report.good) == (2, False)


def test_many_pages_are_one_log(db, monkeypatch):
    monkeypatch.setattr("audit.stored.PAGE", 3)
    for number in range(10):
        with audited_atomic() as log:
            log.record("route.made", version=number)
    report = verify()
    assert (report.exit_code, report.size) == (0, 10)
