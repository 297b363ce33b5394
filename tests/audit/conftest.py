"""A log with a few entries, and what an attacker does who owns the database."""

import json
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from django.db import connection

from audit import anchors, checkpoints, entry, keys, merkle, triggers
from audit.anchors import AnchorFile
from audit.checkpoints import KeyRing, TreeHead
from audit.log import audited_atomic
from audit.models import Entry, Head
from audit.signer import Signer

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
        for statement in triggers._install(connection, table, triggers._protected[table]):
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


def record(count=1):
    """So many entries more, each in a transaction of its own."""
    for _ in range(count):
        with audited_atomic() as log:
            log.record("route.made")


@dataclass
class Outside:
    """What is not in the database: the key, the signer's memory, the anchor."""

    folder: Path
    key: keys.SigningKey

    def signer(self, **wishes):
        """A signer that was just started."""
        usual = {"life": 1, "every": timedelta(hours=1), "entries": 1_000}
        return Signer(
            key=self.key, ring=self.ring, memory=self.memory, anchor=self.anchor, **usual | wishes
        )

    def sign(self, **wishes):
        self.signer(**wishes).round(at_once=True)

    @property
    def ring(self):
        return KeyRing.of_file(self.folder / "vkeys")

    @property
    def memory(self):
        return self.folder / "memory"

    @property
    def anchor(self):
        return AnchorFile(self.folder / "anchors")

    @property
    def sizes(self):
        """Of the checkpoints in the anchor."""
        return [head.size for head in self.heads]

    @property
    def heads(self):
        if not self.anchor.path.exists():
            return []
        return [checkpoints.unchecked(anchors.note_of(line)) for line in self.anchor.lines()]

    def note(self, size, root, origin="", key=None):
        """A note that a key of our choice has signed."""
        key = key or self.key
        return checkpoints.sign(TreeHead(origin or key.name, size, root), key)


@pytest.fixture
def outside(tmp_path, settings):
    folder = tmp_path / "outside"
    folder.mkdir()
    key = keys.make_files("baton.example/audit", folder / "key", folder / "vkeys")
    settings.BATON_CHECKPOINT_KEY_FILE = folder / "key"
    settings.BATON_CHECKPOINT_VKEYS_FILE = folder / "vkeys"
    settings.BATON_CHECKPOINT_MEMORY_FILE = folder / "memory"
    settings.BATON_ANCHOR_FILE = folder / "anchors"
    return Outside(folder, key)
