"""The anchor: a file that is only ever appended to, whole lines, each note once."""

import json

import pytest

from audit import checkpoints
from audit.anchors import AnchorFile, note_of
from audit.keys import NoteError, SigningKey

KEY = SigningKey.make("baton.example/audit")


def note(size, life=1):
    root = bytes([size % 256]) * 32
    head = checkpoints.TreeHead(checkpoints.name_in(life, KEY.name), size, root)
    return checkpoints.sign(head, KEY)


@pytest.fixture
def anchor(tmp_path):
    return AnchorFile(tmp_path / "anchors.jsonl")


def kept(anchor):
    return [note_of(line) for line in anchor.lines()]


def test_notes_are_kept_one_a_line_as_they_came(anchor):
    for size in (3, 5, 9):
        anchor.keep(note(size))
    assert kept(anchor) == [note(3), note(5), note(9)]
    assert json.loads(anchor.path.read_text().splitlines()[0]).encode() == note(3)


@pytest.mark.parametrize("again", [0, 1, 2])
def test_a_note_that_is_there_is_not_written_again(anchor, again):
    notes = [note(3), note(5), note(2, life=2)]
    for each in [*notes, notes[again]]:
        anchor.keep(each)
    assert kept(anchor) == notes


def test_a_line_that_was_cut_off_anywhere_is_completed(anchor):
    anchor.keep(note(3))
    before = anchor.path.read_bytes()
    anchor.keep(note(5))
    whole = anchor.path.read_bytes()
    for cut in range(len(before), len(whole)):
        anchor.path.write_bytes(whole[:cut])
        assert kept(anchor) == [note(3)]
        anchor.keep(note(5))
        assert anchor.path.read_bytes() == whole


def test_what_was_cut_off_of_something_else_stays_as_it_was_left(anchor):
    anchor.path.write_bytes(b'"somebody else')
    anchor.keep(note(3))
    first, second = anchor.lines()
    assert first == b'"somebody else'
    assert note_of(second) == note(3)


def test_nothing_is_ever_taken_back(anchor, monkeypatch):
    """Where only appending is allowed, no other mode opens the file."""
    opened = []
    really = type(anchor.path).open
    monkeypatch.setattr(
        type(anchor.path), "open", lambda self, mode="r": opened.append(mode) or really(self, mode)
    )
    anchor.keep(note(3))
    assert opened == ["a+b"]


def test_no_folder_is_made_where_nothing_is_mounted(tmp_path):
    with pytest.raises(FileNotFoundError):
        AnchorFile(tmp_path / "not-mounted" / "anchors").keep(note(3))


@pytest.mark.parametrize(
    "line", [b"", b"{}", b"7", b"not json", b"[" * 100_000, b'"\\ud800"', b"\xff", b'"cut']
)
def test_t23_a_line_that_is_no_note_is_refused(line):
    with pytest.raises(NoteError):
        note_of(line)
