"""Keys, signed notes and checkpoints in the C2SP formats: one form each, and everything else is
refused as what it is.
"""

import stat
import time
from base64 import b64encode

import pytest

from audit import checkpoints, keys, notes
from audit.checkpoints import KeyRing, TreeHead
from audit.keys import NoteError, PublicKey, SigningKey

# The example of Go's golang.org/x/mod/sumdb/note, which C2SP has made its format.
SKEY = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
TEXT = (
    b"If you think cryptography is the answer to your problem,\n"
    b"then you don't know what your problem is.\n"
)
SIGNED = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6"
    "KE6RyyBwJnAM=\n"
)

KEY = SigningKey.make("baton.example/audit")
RING = KeyRing.read([str(KEY.public)])
ROOT = bytes(range(32))
ENCODED = b64encode(ROOT)
HEAD = TreeHead("baton.example/audit", 42, ROOT)
NOTE = checkpoints.sign(HEAD, KEY)
BODY, SIGNATURE = NOTE.split(b"\n\n")


def note(text, signatures=SIGNATURE):
    return text + b"\n" + signatures


def body(size=b"42", root=ENCODED, origin=b"baton.example/audit"):
    return b"\n".join((origin, size, root)) + b"\n"


def signed(text, key=KEY):
    """A text of any form, truly signed."""
    return notes.sign(text, key)


def test_the_known_example_is_signed_and_checked_as_elsewhere():
    key = SigningKey.read(SKEY)
    assert str(key.public) == VKEY
    assert notes.sign(TEXT, key) == TEXT + b"\n" + SIGNED.encode()
    assert notes.read(TEXT + b"\n" + SIGNED.encode()).signed_by(PublicKey.read(VKEY))


def test_a_checkpoint_is_read_as_it_was_signed():
    assert NOTE.split(b"\n")[:4] == [b"baton.example/audit", b"42", b64encode(ROOT), b""]
    opened = RING.opened(NOTE)
    assert (opened.head, opened.life) == (HEAD, 1)


def test_keys_are_written_and_read_again():
    assert SigningKey.read(KEY.private_text) == KEY
    assert PublicKey.read(str(KEY.public)) == KEY.public
    assert "seed" not in repr(KEY)


def test_only_its_owner_can_read_the_key_and_it_is_never_made_anew(tmp_path):
    there = ("baton.example/audit", tmp_path / "key", tmp_path / "vkeys")
    assert keys.main([str(each) for each in there]) == 0
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    made = SigningKey.read((tmp_path / "key").read_text().strip())
    assert made.public in KeyRing.of_file(tmp_path / "vkeys")
    assert keys.main([str(each) for each in there]) == 1
    assert SigningKey.read((tmp_path / "key").read_text().strip()) == made


@pytest.mark.parametrize(
    "text",
    [
        "", "name", "name+00000000+", "na me+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        VKEY.replace("c74f20a3", "c74f20a4"), VKEY.replace("c74f20a3", "C74F20A3"),
        VKEY.replace("+AR", "+AB"), VKEY[:-4], VKEY + "A", VKEY + "\n", SKEY, "+" + VKEY,
    ],
)  # fmt: skip
def test_what_is_no_public_key_is_refused(text):
    with pytest.raises(NoteError):
        PublicKey.read(text)


@pytest.mark.parametrize("text", ["", VKEY, SKEY[:-1], SKEY.replace("c74f20a3", "c74f20a4")])
def test_what_is_no_signing_key_is_refused(text):
    with pytest.raises(NoteError):
        SigningKey.read(text)


MALFORMED = {
    "nothing": b"",
    "no signature": body(),
    "no empty line": body() + SIGNATURE,
    "no text": b"\n" + SIGNATURE,
    "no end": note(body())[:-1],
    "carriage returns": note(body()).replace(b"\n", b"\r\n"),
    "a control character": note(body(origin=b"baton\x00example")),
    "a tab": note(body(origin=b"baton\texample")),
    "no UTF-8": note(body(origin=b"baton\xff")),
    "a hyphen": note(body(), SIGNATURE.replace("—".encode(), b"-")),
    "no base64": note(body(), "— baton.example/audit ****\n".encode()),
    "a signature without bytes": note(body(), "— baton.example/audit AAAAAA==\n".encode()),
    "bits in the padding": note(body(), "— baton.example/audit AAAAAAB=\n".encode()),
    "a thousand signatures": note(body(), SIGNATURE * 1_000),
    "ten megabytes": note(b"x" * 10_000_000 + b"\n"),
    "ten megabytes of empty lines": b"\n" * 10_000_000,
    "another word": note(body(), SIGNATURE + b"and so on\n"),
}


@pytest.mark.parametrize("what", MALFORMED)
def test_t23_what_is_no_note_is_refused_at_once(what):
    began = time.monotonic()
    with pytest.raises(NoteError):
        RING.opened(MALFORMED[what])
    assert time.monotonic() - began < 1.0


@pytest.mark.parametrize(
    "text",
    [
        body(b"042"), body(b"00"), body(b"-1"), body(b"+42"), body(b"4_2"), body(b" 42"), body(b""),
        body(b"9" * 19), body(b"9" * 5_000), body("٤٢".encode()), body(b"4.2"),
        body(root=b""), body(root=b64encode(ROOT[1:])), body(root=b64encode(ROOT + b"x")),
        body(root=b64encode(ROOT)[:-1]), body(root=b64encode(ROOT) + b"="),
        body(root=b64encode(ROOT)[:-2] + b"9="), body(origin=b""), b"baton.example/audit\n42\n",
        body() + b"an extension\n", body() + b"\n", b"\n\n\n",
    ],
)  # fmt: skip
def test_t23_a_signed_text_that_is_no_checkpoint_is_refused(text):
    with pytest.raises(NoteError):
        RING.opened(signed(text))


def test_every_flipped_bit_is_refused():
    for place in range(len(NOTE) * 8):
        altered = bytearray(NOTE)
        altered[place // 8] ^= 1 << place % 8
        with pytest.raises(NoteError):
            RING.opened(bytes(altered))


def test_signatures_of_strangers_are_no_obstacle():
    stranger = notes.sign(HEAD.text(), SigningKey.make("witness.example")).split(b"\n\n")[1]
    assert RING.opened(NOTE + stranger).head == HEAD


def test_t16_another_key_of_the_same_name_does_not_count():
    thief = SigningKey.make(KEY.name)
    with pytest.raises(NoteError, match="No published key"):
        RING.opened(checkpoints.sign(HEAD, thief))


def test_t16_another_key_that_claims_the_same_id_does_not_count():
    thief = SigningKey.make(KEY.name)
    forged = b64encode(KEY.public.id + thief.sign(HEAD.text())).decode()
    with pytest.raises(NoteError, match="not by its key"):
        RING.opened(HEAD.text() + f"\n— {KEY.name} {forged}\n".encode())


@pytest.mark.parametrize(
    "origin", ["other.example/audit", "baton.example/audit/1", "baton.example/audit/x", "baton"]
)
def test_t16_a_checkpoint_of_another_log_does_not_count(origin):
    said = TreeHead(origin, 42, ROOT)
    for note in (checkpoints.sign(said, KEY), notes.sign(said.text(), KEY)):
        with pytest.raises(NoteError, match="No published key"):
            RING.opened(note)


def test_a_later_life_of_the_log_has_the_same_key_under_its_own_name():
    said = TreeHead(checkpoints.name_in(3, KEY.name), 42, ROOT)
    assert said.origin == "baton.example/audit/3"
    assert RING.opened(checkpoints.sign(said, KEY)).life == 3


def test_t24_a_retired_key_counts_up_to_its_last_size_and_no_further():
    retired = KeyRing.read([f"{KEY.public} until 42", str(SigningKey.make(KEY.name).public)])
    assert retired.opened(NOTE).head == HEAD
    later = TreeHead(HEAD.origin, 43, ROOT)
    with pytest.raises(NoteError, match="ends at 42"):
        retired.opened(checkpoints.sign(later, KEY))


@pytest.mark.parametrize("line", ["{key} until", "{key} until 04", "nonsense"])
def test_a_published_key_that_cannot_be_read_is_refused(line):
    with pytest.raises(NoteError):
        KeyRing.read([line.format(key=KEY.public)])


def test_a_file_of_keys_may_have_remarks(tmp_path):
    (tmp_path / "vkeys").write_text(f"# of this year\n\n{KEY.public}\n")
    assert KEY.public in KeyRing.of_file(tmp_path / "vkeys")
    assert not KeyRing.of_file(tmp_path / "none")
