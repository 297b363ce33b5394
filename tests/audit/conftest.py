"""A log with a few entries, and what an attacker does who owns the database."""

import json
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from django.db import connection

from audit import entry, merkle, triggers
from audit.log import audited_atomic
from audit.models import Entry, Head

STUDIO, BEN, PLAN = UUID(int=1), UUID(int=2), UUID(int=3)
WATCH, DELIVERY = UUID(int=4), UUID(int=5)
SIZE = 8


def run(sql, *params):
    with connection.cursor() as cursor:
        cursor.execute(sql, params or None)


@contextmanager
def unguarded(table="audit_entry"):
    """The triggers are off, as for somebody who owns the table, and come back afterwards."""
    on = f" ON {table}" if connection.vendor == "postgresql" else ""
    for name in triggers.names(table, connection.vendor):
        run(f"DROP TRIGGER {name}{on}")
    try:
        yield
    finally:
        for statement in triggers._install(connection, table, ()):
            run(statement)


def forge(seq, body):
    """Other bytes, and everything in the row that follows from them but the columns."""
    leaf = merkle.leaf_hash(body)
    with unguarded():
        run("UPDATE audit_entry SET body = %s, leaf_hash = %s WHERE seq = %s", body, leaf, seq)


def body_of(seq):
    return bytes(Entry.objects.get(seq=seq).body)


def said_by(place, **changes):
    """The entry's line with something else in it, encoded as the log would."""
    line = json.loads(body_of(place)) | changes
    return json.dumps(line, sort_keys=True, separators=(",", ":")).encode()


def insert(seq, **changes):
    """An entry that was never recorded."""
    line = {"seq": seq, "id": str(uuid4()), "action": "route.made"} | changes
    line = {"time": "2026-11-01T00:00:00.000000+00:00", "v": 1} | line
    body = json.dumps(line, sort_keys=True, separators=(",", ":")).encode()
    at = datetime.fromisoformat(line["time"]).astimezone(UTC)
    leaf = merkle.leaf_hash(body)
    row = Entry(
        seq=seq, id=line["id"], body=body, leaf_hash=leaf, action=line["action"], at=at,
        **{name: line.get(name) for name in entry.LOOKUPS},
    )  # fmt: skip
    Entry.objects.bulk_create([row])


def rewrite_head():
    """The head that the entries of now would have: what a thorough attacker writes."""
    peaks = merkle.Peaks()
    for leaf in Entry.objects.order_by("seq").values_list("leaf_hash", flat=True):
        peaks.append(bytes(leaf))
    Head.objects.update(size=peaks.size, peaks=peaks.to_bytes())


@pytest.fixture
def written(db):
    """Eight entries in three transactions."""
    for count in (3, 1, 4):
        with audited_atomic() as log:
            for number in range(count):
                log.record(
                    "delivery.delivered", organisation=STUDIO, subject=BEN, plan=PLAN,
                    version=number, destination=WATCH, delivery=DELIVERY,
                )  # fmt: skip
    return SIZE
