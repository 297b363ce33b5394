"""Recording: in the same transaction, as its last statements, with what was rolled back gone."""

import json
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
import time_machine
from django.db import connection, transaction

from accounts.models import Organisation
from audit import log as audit_log
from audit import merkle
from audit.append_only import AppendOnlyError
from audit.log import audited_atomic, record, recording
from audit.models import Entry, Head
from audit.verify import verify

pytestmark = pytest.mark.django_db(transaction=True)


class StoppedError(Exception):
    """Something that goes wrong inside of a block."""


def actions():
    return list(Entry.objects.order_by("seq").values_list("action", flat=True))


def studio(slug):
    return Organisation.objects.create(name=slug, slug=slug)


class Statements:
    """Every statement that is sent, in order."""

    def __init__(self):
        self.sent = []

    def __call__(self, execute, sql, params, many, context):
        self.sent.append(sql)
        return execute(sql, params, many, context)


def test_an_entry_is_known_at_once_and_written_at_the_end():
    with audited_atomic() as log:
        identity = log.record("route.made")
        assert not Entry.objects.exists()
    assert Entry.objects.get().id == identity


def test_the_stored_bytes_are_the_hashed_bytes():
    with audited_atomic() as log:
        log.record("route.made", version=3)
        log.record("route.paused")
    first, second = Entry.objects.order_by("seq")
    head = Head.objects.get()
    leaves = [merkle.leaf_hash(bytes(row.body)) for row in (first, second)]
    assert [bytes(row.leaf_hash) for row in (first, second)] == leaves
    assert merkle.Peaks.from_bytes(head.size, bytes(head.peaks)).root() == merkle.root_of(leaves)
    assert [first.seq, second.seq, head.size] == [0, 1, 2]


def test_nothing_but_the_end_of_the_transaction_follows_the_head():
    statements = Statements()
    with connection.execute_wrapper(statements), audited_atomic() as log:
        log.record("route.made")
        studio("ana")
        with audited_atomic() as nested:
            nested.record("route.paused")
    first_touch = next(n for n, sql in enumerate(statements.sent) if '"audit_head"' in sql)
    after = [sql for sql in statements.sent[first_touch:] if "clock_timestamp" not in sql]
    assert [sql.split()[0] for sql in after] == ["SELECT", "INSERT", "UPDATE"]
    assert '"audit_head"' in after[-1]


def test_inside_a_plain_transaction_only_the_savepoint_is_released_after_the_head():
    statements = Statements()
    with connection.execute_wrapper(statements), transaction.atomic(), audited_atomic() as log:
        log.record("route.made")
    assert statements.sent[-1].startswith("RELEASE SAVEPOINT")
    assert 'UPDATE "audit_head"' in statements.sent[-2]


def test_a_block_that_recorded_nothing_does_not_touch_the_head():
    statements = Statements()
    with connection.execute_wrapper(statements), audited_atomic():
        Organisation.objects.count()
    assert not any('"audit_head"' in sql for sql in statements.sent)


def test_a_block_that_fails_leaves_neither_row_nor_entry():
    with suppress(StoppedError), audited_atomic() as log:
        studio("ana")
        log.record("route.made")
        raise StoppedError
    assert (actions(), Organisation.objects.count()) == ([], 0)
    assert not recording()


def test_a_nested_block_that_fails_takes_only_its_own_entries_with_it():
    with audited_atomic() as log:
        log.record("first")
        with suppress(StoppedError), audited_atomic() as nested:
            nested.record("second")
            raise StoppedError
        log.record("third")
    assert actions() == ["first", "third"]


def test_a_savepoint_of_somebody_else_takes_its_entries_with_it():
    with audited_atomic() as log:
        log.record("first")
        with suppress(StoppedError), transaction.atomic():
            with audited_atomic() as nested:
                nested.record("second")
            log.record("third")
            raise StoppedError
        log.record("fourth")
    assert actions() == ["first", "fourth"]


def test_a_savepoint_rolled_back_without_an_error_takes_its_entries_with_it():
    with audited_atomic() as log:
        with audited_atomic() as nested:
            studio("dry-run")
            nested.record("dry")
            transaction.set_rollback(True)
        log.record("wet")
    assert (actions(), Organisation.objects.count()) == (["wet"], 0)


def test_a_whole_block_rolled_back_without_an_error_leaves_nothing():
    with audited_atomic() as log:
        studio("dry-run")
        log.record("dry")
        transaction.set_rollback(True)
    assert (actions(), Head.objects.get().size) == ([], 0)


def test_entries_keep_the_order_in_which_they_were_said():
    with audited_atomic() as log:
        for number in range(250):  # more than one statement on SQLite
            with audited_atomic() as nested:
                nested.record("step", extra={"n": number})
        log.record("done")
    said = [json.loads(bytes(body)) for body in Entry.objects.values_list("body", flat=True)]
    assert [line.get("extra", {}).get("n") for line in said] == [*range(250), None]
    assert verify().good


def test_what_follows_the_commit_may_record_for_itself():
    def afterwards():
        with audited_atomic() as log:
            log.record("after")

    with audited_atomic() as log:
        log.record("before")
        transaction.on_commit(afterwards)
    assert actions() == ["before", "after"]
    assert verify().good


def test_what_follows_the_commit_is_run_in_its_order_and_sees_the_entry():
    seen = []
    with audited_atomic() as log:
        transaction.on_commit(lambda: seen.append(("first", Entry.objects.count())))
        log.record("done")
        transaction.on_commit(lambda: seen.append(("second", Entry.objects.count())))
    assert seen == [("first", 1), ("second", 1)]


def test_two_blocks_inside_of_one_plain_transaction_are_two_pieces_of_the_log():
    with transaction.atomic():
        with audited_atomic() as log:
            log.record("first")
        with audited_atomic() as log:
            log.record("second")
    assert actions() == ["first", "second"]
    assert verify().good


def test_a_plain_transaction_that_fails_later_takes_the_entries_with_it():
    with suppress(StoppedError), transaction.atomic():
        with audited_atomic() as log:
            log.record("first")
        raise StoppedError
    assert (actions(), Head.objects.get().size) == ([], 0)


def test_nothing_is_recorded_outside_of_a_block():
    with pytest.raises(RuntimeError, match="audited_atomic"):
        record("lost")
    with audited_atomic() as log:
        record("kept")
    with pytest.raises(RuntimeError, match="audited_atomic"):
        log.record("late")
    assert actions() == ["kept"]


def test_free_text_is_refused_where_it_is_said_and_the_rest_goes_on():
    with audited_atomic() as log:
        with pytest.raises(ValueError, match="not a code"):
            log.record("route.made", extra={"name": "Ana Lopez"})
        with pytest.raises(TypeError, match="coach"):
            log.record("route.made", coach="ana")
        log.record("route.made")
    assert actions() == ["route.made"]


def test_a_block_may_be_a_decorator():
    @audited_atomic()
    def make():
        return record("made")

    assert make() != make()
    assert actions() == ["made", "made"]


def test_f25_time_in_the_log_never_goes_back(monkeypatch):
    at = datetime(2026, 5, 4, 12, tzinfo=UTC)
    for back in (0, 5, -1):
        monkeypatch.setattr(audit_log, "now", lambda back=back: at - timedelta(minutes=back))
        with audited_atomic() as log:
            log.record("tick")
    times = list(Entry.objects.order_by("seq").values_list("at", flat=True))
    assert times == [at, at, at + timedelta(minutes=1)]
    assert verify().good


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite's clock is the machine's")
def test_the_clock_is_the_databases():
    with time_machine.travel(datetime(2001, 1, 1, tzinfo=UTC)), audited_atomic() as log:
        log.record("tick")
    assert Entry.objects.get().at.year > 2001


def test_an_entry_is_written_by_recording_it_and_then_never_again():
    with audited_atomic() as log:
        log.record("route.made")
    row = Entry.objects.get()
    for change in (
        row.save,
        row.delete,
        Entry.objects.all().delete,
        lambda: Entry.objects.update(action="other"),
        lambda: Entry.objects.bulk_update([row], ["action"]),
        lambda: Entry.objects.create(seq=9, id=row.id, body=b"", leaf_hash=b"", at=row.at),
    ):
        with pytest.raises(AppendOnlyError):
            change()


def test_many_threads_write_one_log_without_a_gap():
    threads, each = 6, 15
    failures = []
    start = threading.Barrier(threads)

    def work(name):
        try:
            start.wait(10)
            for number in range(each):
                slug = f"{name}-{number}"
                with audited_atomic() as log:
                    studio(slug)
                    log.record("made", extra={"thread": name, "n": number})
        except Exception as error:  # noqa: BLE001 - said by the test, not lost in the thread
            failures.append(error)
        finally:
            connection.close()

    workers = [threading.Thread(target=work, args=(name,)) for name in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert failures == []
    rows = list(Entry.objects.filter(action="made").order_by("seq"))
    assert len(rows) == Organisation.objects.count() == threads * each
    report = verify()
    assert (report.good, report.findings) == (True, [])
    assert all(a.at <= b.at for a, b in pairwise(rows))
    said = [json.loads(bytes(row.body))["extra"] for row in rows]
    for name in range(threads):
        assert [line["n"] for line in said if line["thread"] == name] == list(range(each))


def test_another_threads_block_is_not_mine():
    seen = []
    with audited_atomic():
        thread = threading.Thread(target=lambda: seen.append(recording()))
        thread.start()
        thread.join(10)
    assert seen == [False]
