"""What an entry looks like, byte by byte, and what it refuses to hold."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest

from audit import entry

NOON = datetime(2026, 5, 4, 12, 0, 0, 250, tzinfo=UTC)
ONE = UUID(int=1)


def event(**about):
    return {
        "id": ONE, "action": "plan.version.recorded", "actor_kind": "source",
        "actor_id": "trainingpeaks", **about,
    }  # fmt: skip


def line(**about):
    return entry.decode(entry.encode(7, NOON, event(**about)))


def test_an_entry_is_one_line_of_sorted_ascii_without_spaces():
    body = entry.encode(
        7, NOON, event(plan=UUID(int=2), version=3, commitment="ab" * 32, extra={"urgent": True})
    )
    assert body == (
        b'{"action":"plan.version.recorded","actor":"source","by":"trainingpeaks",'
        b'"commitment":"' + b"ab" * 32 + b'","extra":{"urgent":true},'
        b'"id":"00000000-0000-0000-0000-000000000001",'
        b'"plan":"00000000-0000-0000-0000-000000000002",'
        b'"seq":7,"time":"2026-05-04T12:00:00.000250+00:00","v":1,"version":3}'
    )


def test_the_time_is_written_in_utc_at_one_length():
    east = NOON.replace(microsecond=0).astimezone(timezone(timedelta(hours=9)))
    assert entry.time_text(east) == "2026-05-04T12:00:00.000000+00:00"


@pytest.mark.parametrize(
    "words",
    [
        "Ana", "ana lopez", "ana@example.com", "192.0.2.7", "2001:db8::1", "easy run", "", "x" * 65,
        "line\nbreak", "zażółć", "token=s3cret", "-dash", "{}",
    ],
)  # fmt: skip
@pytest.mark.parametrize("place", ["action", "actor_id", "outcome", "request", "extra", "name"])
def test_what_could_be_a_persons_words_is_refused_everywhere(place, words):
    if place == "extra":
        about = {"extra": {"channel": words}}
    elif place == "name":
        about = {"extra": {words: 1}}
    else:
        about = {place: words}
    if not words and place in {"outcome", "request"}:
        assert place not in line(**about)  # nothing said
        return
    with pytest.raises(ValueError, match="not a code"):
        entry.encode(7, NOON, event(**about))


@pytest.mark.parametrize("value", ["ben", 12, "12"])
def test_an_identity_is_a_uuid(value):
    with pytest.raises((ValueError, AttributeError)):
        entry.encode(7, NOON, event(subject=value))


@pytest.mark.parametrize("value", ["AB" * 32, "ab" * 31, "easy run"])
def test_a_commitment_is_a_digest(value):
    with pytest.raises(ValueError, match="SHA-256"):
        entry.encode(7, NOON, event(commitment=value))


@pytest.mark.parametrize("value", [2**63, -(2**70)])
def test_a_number_has_at_most_64_bits(value):
    with pytest.raises(ValueError, match="64 bits"):
        entry.encode(7, NOON, event(extra={"count": value}))


@pytest.mark.parametrize("value", ["workouts:wod", "en-1", str(ONE), "ab" * 32, 5, True, None])
def test_codes_numbers_and_truths_are_kept_as_they_are(value):
    assert line(extra={"it": value})["extra"] == {"it": value}


def test_the_value_of_a_setting_is_readable_before_and_after():
    said = {"endpoint.before": "webhook at a.example.com", "endpoint.after": "https://b.example/x"}
    assert line(extra=said)["extra"] == said


@pytest.mark.parametrize("value", ["ana@example.com", "Zoë's garage", "x" * 201])
def test_a_setting_that_could_be_a_person_is_kept_as_its_digest(value):
    said = line(extra={"to.after": value})["extra"]["to.after"]
    assert said.startswith("sha256:")
    assert value not in said


def test_an_entry_has_a_largest_size():
    with pytest.raises(ValueError, match="at most"):
        entry.encode(7, NOON, event(extra={f"k{n}": "x" * 64 for n in range(400)}))


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"{}", b'{"seq":"1"}', b'{"seq":true}', b"\xff", b"[" * 100_000,
        "{}".encode("utf-16"),
    ],
)  # fmt: skip
def test_bytes_that_are_no_entry_are_refused(body):
    with pytest.raises(ValueError):  # noqa: PT011 - json's words, or ours
        entry.decode(body)
