"""I6 looks at what was signed: each way to sign wrongly is seen."""

from base64 import b64encode
from types import SimpleNamespace

import pytest

from audit import bundle, merkle
from tests.faults.harness.records import i6_audit_verifies

BODIES = [f'{{"seq":{seq}}}'.encode() for seq in range(11)]


def root(size):
    return merkle.root_of(map(merkle.leaf_hash, BODIES[:size]))


def note(size, of=None, origin="baton.example/audit"):
    return f"{origin}\n{size}\n{b64encode(of or root(size)).decode()}\n\n— signed\n"


def broken(anchors, stored=None, anchored_at=1.0):
    stored = anchors if stored is None else stored
    rows = [
        {"size": int(text.split("\n")[1]), "note": text.encode(), "anchored_at": anchored_at}
        for text in stored
    ]
    evidence = SimpleNamespace(
        bodies=[bundle.header(len(BODIES), root(len(BODIES))), *BODIES],
        entries=[{"seq": seq, "time": "2026"} for seq in range(len(BODIES))],
        anchors=anchors,
        checkpoints=rows,
    )
    return i6_audit_verifies(evidence).violations


def test_what_was_signed_and_is_outside_is_good():
    assert broken([note(3), note(8), note(11)]) == []


def test_an_earlier_life_is_not_compared_with_the_log_of_the_last():
    lost = note(9, bytes(32), "baton.example/audit")
    assert broken([lost, note(5, origin="baton.example/audit/2")]) == []


@pytest.mark.parametrize(
    ("anchors", "more"),
    [
        ([], {}),
        ([note(8, bytes(32))], {}),
        ([note(12, bytes(32))], {}),
        ([note(8), note(3)], {}),
        ([note(8), note(8)], {}),
        ([note(8)], {"stored": [note(8), note(11)]}),
        ([note(8)], {"stored": []}),
        ([note(8)], {"anchored_at": None}),
    ],
    ids=["nothing", "another root", "too many", "back", "twice", "not anchored", "not stored",
         "not said"],
)  # fmt: skip
def test_what_was_signed_wrongly_is_seen(anchors, more):
    assert broken(anchors, **more)
