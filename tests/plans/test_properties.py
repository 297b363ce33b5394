"""What holds for every plan, whatever is in it."""

import json
import unicodedata
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from plans.contract import check
from plans.diff import apply, diff, is_urgent
from plans.fields import ALWAYS, SESSION_FIELDS, only, withheld
from plans.hashing import canonical_bytes, content_hash
from plans.model import Plan, Session, in_order
from plans.text import clean, one_line, shortened
from plans.window import carry_over, rolling_window, slices
from plans.words import describe, headline
from tests.plans.making import changed_since
from tests.plans.strategies import (
    allowed_fields,
    calendars,
    days,
    edits,
    noisy,
    plans,
    sessions,
    wild_texts,
)


@given(plans())
def test_a_plan_survives_being_written_and_read(plan):
    document = json.loads(json.dumps(plan.document()))
    assert Plan.model_validate(document) == plan
    assert Plan.model_validate(document).document() == document


@given(plans())
def test_every_plan_keeps_the_published_contract(plan):
    check(plan.document())


@given(edits())
def test_a_difference_applied_gives_the_later_plan(pair):
    before, after = pair
    assert apply(diff(before, after), before) == in_order(after)


@given(calendars())
def test_nothing_differs_from_itself(calendar):
    difference = diff(calendar, list(reversed(calendar)))
    assert not difference
    assert not is_urgent(difference)
    assert describe(difference) == []


@given(edits())
def test_the_hash_differs_exactly_when_the_plans_do(pair):
    before, after = pair
    assert (content_hash(before) == content_hash(after)) == (not diff(before, after))


@given(sessions())
def test_the_hash_ignores_key_order_and_float_noise(session):
    written = session.model_dump(mode="json", by_alias=True)
    assert content_hash([Session.model_validate(noisy(written))]) == content_hash([session])


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(-1e6, 1e6) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abc"), inner),
    max_leaves=10,
))  # fmt: skip
def test_canonical_bytes_ignore_key_order(value):
    assert canonical_bytes(value) == canonical_bytes(_turned(value))


def _turned(value):
    if isinstance(value, dict):
        return {key: _turned(value[key]) for key in reversed(list(value))}
    return [_turned(member) for member in value] if isinstance(value, list) else value


@given(st.text(max_size=30))
def test_the_hash_ignores_unicode_forms(text):
    forms = {canonical_bytes(unicodedata.normalize(form, text)) for form in ("NFC", "NFD")}
    assert len(forms) == 1


@given(wild_texts)
def test_cleaning_text_twice_is_cleaning_it_once(text):
    for cleaned in (clean, one_line):
        once = cleaned(text)
        assert cleaned(once) == once
        assert unicodedata.is_normalized("NFC", once)
        once.encode()
        assert not set(once) & {chr(code) for code in range(32) if chr(code) not in "\n\t"}


@given(st.text(max_size=30), st.integers(2, 10))
def test_a_shortened_text_never_exceeds_its_limit(text, limit):
    assert len(shortened(text, limit)) <= limit
    assert shortened(shortened(text, limit), limit) == shortened(text, limit)


@given(sessions(), allowed_fields)
def test_only_never_leaks_a_field_that_was_not_allowed(session, allowed):
    shared = only(session, allowed)
    written = shared.model_dump_json()
    for name in Session.model_fields:
        if name not in allowed and name not in ALWAYS:
            assert getattr(shared, name) == Session.model_fields[name].default
    if "interval_notes" not in allowed:
        assert not _texts_at(json.loads(written)["intervals"], {"notes"})
    if "strength_notes" not in allowed:
        assert not _texts_at(json.loads(written)["strength"], {"instructions", "video_url"})


def _texts_at(value, names):
    if isinstance(value, list):
        return [text for member in value for text in _texts_at(member, names)]
    if isinstance(value, dict):
        here = [value[name] for name in names if value.get(name) is not None]
        return here + [text for member in value.values() for text in _texts_at(member, names)]
    return []


@given(sessions(), allowed_fields)
def test_only_twice_is_only_once(session, allowed):
    shared = only(session, allowed)
    assert only(shared, allowed) == shared
    assert withheld(shared, allowed) == set()


@given(sessions(), allowed_fields)
def test_what_is_withheld_is_exactly_what_makes_the_difference(session, allowed):
    missing = withheld(session, allowed)
    assert missing.isdisjoint(allowed)
    assert (only(session, allowed) == session) == (not missing)


@given(sessions())
def test_everything_allowed_is_everything(session):
    assert only(session, set(SESSION_FIELDS)) == session


@given(edits(), st.none() | days)
def test_every_difference_has_words(pair, today):
    difference = diff(*pair)
    lines = describe(difference, today)
    assert bool(lines) == bool(difference)
    assert all(line.strip() and "\n" not in line for line in lines)
    assert all(not line.endswith((": ", ":", ";", "  ")) for line in lines)
    assert headline(difference, today)


@given(calendars(), st.integers(0, 120))
def test_time_passing_is_not_a_change(calendar, elapsed):
    start = date(2026, 1, 1) + timedelta(days=elapsed)
    left = [session for session in calendar if session.date >= start]
    assert not changed_since(calendar, left, start)


@given(edits(), days)
def test_a_change_inside_the_window_is_always_seen(pair, start):
    before, after = pair
    inside = [session for session in after if session.date >= start]
    seen = [session for session in before if session.date >= start]
    assert changed_since(before, inside, start) == bool(diff(seen, inside))
    kept = carry_over(before, inside, start)
    assert apply(diff(kept, inside), kept) == in_order(inside)


@given(days, st.integers(1, 60), st.integers(1, 45))
def test_slices_cover_every_day_once(today, weeks, size):
    start, end = rolling_window(today, weeks)
    covered = [
        first + timedelta(days=day)
        for first, last in slices(start, end, size)
        for day in range((last - first).days + 1)
    ]
    assert covered == [start + timedelta(days=day) for day in range(weeks * 7)]
    assert all((last - first).days < size for first, last in slices(start, end, size))
