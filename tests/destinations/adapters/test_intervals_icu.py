"""intervals.icu: the text of the intervals with its traps, and the calls."""

import base64
import json
import re
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from destinations.adapters.intervals_icu import workout_text
from destinations.adapters.intervals_icu.adapter import IntervalsIcuAdapter
from destinations.adapters.intervals_icu.forms import IntervalsIcuConfigForm
from destinations.errors import (
    DestinationError,
    UnavailableError,
    UnknownOutcomeError,
    UnlistedError,
)
from destinations.http import DestinationClient
from destinations.port import Action, Receipt
from tests.contracts import plans
from tests.contracts.plans import step, target
from tests.contracts.server import Server

PLAIN_RUN = {
    "itemId": "tp-9", "sport": "run", "date": "2026-03-04", "title": "Easy run",
    "durationSeconds": 2700, "distanceMeters": 8000.0,
}  # fmt: skip
REPEAT = {"type": "repeat", "count": 3, "steps": [step(60), step(30, intensity="rest")]}


def text(*steps):
    return workout_text.workout_text(
        plans.session(**{**plans.SWIM, "intervals": list(steps)}).intervals
    )


@pytest.mark.parametrize(
    ("interval", "line"),
    [
        (step(300), "- 5m"),
        (step(30), "- 30s"),
        (step(3750), "- 1h2m30s"),
        (step(metres=400), "- 400mtr"),
        (step(metres=1000), "- 1km"),
        (step(metres=1500), "- 1.5km"),
        (step(metres=1610), "- 1.61km"),
        (step(metres=1609), "- 1609mtr"),
        (step(300, target=target("percent_ftp", value=75)), "- 5m 75%"),
        (step(300, target=target("percent_ftp", 95, 105)), "- 5m 95-105%"),
        (step(300, target=target("percent_max_hr", value=70)), "- 5m 70% HR"),
        (step(300, target=target("percent_threshold_hr", 95, 100)), "- 5m 95-100% LTHR"),
        (step(300, target=target("percent_threshold_pace", value=60)), "- 5m 60% Pace"),
        (step(300, target=target("percent_ftp", low=90)), "- 5m 90%"),
        (step(300, target=target("percent_ftp", value=92.5)), "- 5m 92.5%"),
        (step(300, target=target("rpe", value=7)), "- 5m"),
        (step(300, cadence={"minimum": 90, "maximum": 95}), "- 5m 90-95rpm"),
        (step(300, intensity="warmup"), "- Warmup 5m"),
        (step(300, name="Hill 10m hard"), "- Hill hard 5m"),
        (step(300, name="Z2 ramp Pace press lap"), "- 5m"),
        (step(300, name="10x 30/30"), "- 5m"),
    ],
)
def test_a_step_is_one_line(interval, line):
    assert text(interval) == line


def test_metres_are_never_minutes():
    assert "400m\n" not in text(step(metres=400)) + "\n"


def test_a_repeat_stands_between_blank_lines():
    assert text(step(600), REPEAT, step(300)) == ("- 10m\n\n3x\n- 1m\n- Recovery 30s\n\n- 5m")


def test_repeats_inside_repeats_are_written_out():
    nested = {"type": "repeat", "count": 2, "steps": [REPEAT, step(300)]}
    once = "3x\n- 1m\n- Recovery 30s\n\n- 5m"
    assert text(nested) == f"{once}\n\n{once}"


def test_what_would_be_too_long_is_held_as_words():
    monster = {"type": "repeat", "count": 400, "steps": [REPEAT, step(300)]}
    assert text(monster) is None
    [item] = rendered({**plans.SWIM, "intervals": [monster]})
    assert "400 times:" in item.body["event"]["description"]
    assert not step_lines(item)
    assert any("too long" in note.words for note in item.notes)


def step_lines(item):
    lines = item.body["event"]["description"].split("\n")
    return [line for line in lines if re.match(r"\s*-\s", line)]


def rendered(*sessions, **config):
    adapter = IntervalsIcuAdapter({"athlete_id": "0", **config}, DestinationClient())
    return adapter.render(plans.plan(*sessions), plans.options())


def test_a_coachs_own_list_is_not_taken_for_steps():
    words = "Plan:\n- 10m easy\n* 5m hard\n  - 3m\nMain 4x\n6X "
    [item] = rendered({**plans.SWIM, "intervals": [], "description": words, "coachNotes": words})
    assert step_lines(item) == []
    assert "• 10m easy" in item.body["event"]["description"]
    assert not re.search(
        r"\dx\s*$", item.body["event"]["description"], re.MULTILINE | re.IGNORECASE
    )


@given(st.text(max_size=200))
def test_no_free_text_becomes_a_step_or_a_repeat(words):
    for line in workout_text.plain(words).splitlines():
        assert not re.match(r"\s*[-*][\s\d]", line)
        assert not re.search(r"\b\d+x\s*$", line, re.IGNORECASE)


@given(st.text(max_size=60))
def test_no_name_of_a_step_adds_a_length_or_a_target(name):
    interval = plans.session(**{**plans.SWIM, "intervals": [step(300, name=name)]}).intervals[0]
    assert not re.search(r"\d|%|\n", workout_text.cue(interval))


def test_rest_days_and_mere_words_are_notes():
    kinds = {item.key: item.body["event"]["category"] for item in rendered()}
    assert {key for key, kind in kinds.items() if kind == "NOTE"} == {"tp-1005", "tp-1006"}


def test_the_description_ends_with_who_wrote_it():
    for item in rendered():
        assert item.body["event"]["description"].endswith(f"Baton · {item.key}")


# --- whose calendar -----------------------------------------------------------------------------


def test_with_a_list_of_athletes_each_goes_to_their_own_calendar_and_nobody_else_to_any():
    [item] = rendered(plans.SWIM, athletes={"ben baker": "i7"})
    assert item.body["athlete"] == "i7"
    with pytest.raises(UnlistedError) as refusal:
        rendered(plans.SWIM, athletes={"dan": "i8"})
    assert refusal.value.code == "athlete_unlisted"


# --- calls --------------------------------------------------------------------------------------


@pytest.fixture
def server():
    def answer(connection, request):
        reply(connection, [{**event, "id": 500 + n} for n, event in enumerate(body_of(request))])

    server = Server(answer)
    yield server
    server.close()


def body_of(request):
    return json.loads(request.partition(b"\r\n\r\n")[2])


def reply(connection, events, status=200):
    raw = json.dumps(events).encode()
    head = b"HTTP/1.1 %d OK\r\nContent-Length: %d\r\n\r\n" % (status, len(raw))
    connection.sendall(head + raw)


def first_line(request):
    return request.split(b"\r\n")[0].decode()


def adapter_at(server, **config):
    settings = {
        "auth": "api_key",
        "credential": "k3y",
        "athlete_id": "i42",
        "base_url": f"http://127.0.0.1:{server.port}",
        **config,
    }
    return IntervalsIcuAdapter(settings, DestinationClient(deadline=2, allow_loopback=True))


def steps_for(adapter, *sessions):
    return [plans.step_for(i) for i in adapter.render(plans.plan(*sessions), plans.options())]


def test_many_sessions_are_one_call_with_our_ids(server):
    adapter = adapter_at(server)
    outcomes = adapter.write_batch(steps_for(adapter, plans.SWIM, plans.BRICK))
    assert outcomes["tp-1003"].remote_id == "500"
    assert outcomes["tp-1007"].remote_id == "501"
    [request] = server.requests
    assert first_line(request) == "POST /api/v1/athlete/i42/events/bulk?upsert=true HTTP/1.1"
    assert [event["external_id"] for event in body_of(request)] == ["tp-1003", "tp-1007"]


@pytest.mark.parametrize(
    ("auth", "header"),
    [
        ("api_key", "Basic " + base64.b64encode(b"API_KEY:k3y").decode()),
        ("bearer", "Bearer k3y"),
    ],
)
def test_it_signs_in_with_a_key_or_a_token(auth, header, server):
    adapter = adapter_at(server, auth=auth)
    adapter.write_batch(steps_for(adapter, plans.SWIM))
    assert f"\r\nAuthorization: {header}\r\n".encode() in server.requests[0]


def test_removals_go_before_writes_and_by_the_id_that_was_returned(server):
    adapter = adapter_at(server)
    write, old = steps_for(adapter, plans.SWIM, plans.BRICK)
    remove = plans.step_for(None, Action.REMOVE, plans.remote_of(old.item, "777"))
    adapter.write_batch([write, remove])
    assert [first_line(request).split()[:2] for request in server.requests] == [
        ["PUT", "/api/v1/athlete/i42/events/bulk-delete"],
        ["POST", "/api/v1/athlete/i42/events/bulk?upsert=true"],
    ]
    assert body_of(server.requests[0]) == [{"id": 777}]


def test_what_was_never_acknowledged_is_removed_from_the_athletes_own_calendar(server):
    adapter = adapter_at(server, athletes={"ben baker": "i7"})
    remove = plans.step_for(None, Action.REMOVE, item_key="tp-1003", recipient=plans.BEN)
    adapter.write(remove, idempotency_key="k")
    assert "/athlete/i7/" in first_line(server.requests[0])
    assert body_of(server.requests[0]) == [{"external_id": "tp-1003"}]


def test_what_fails_in_one_call_does_not_hide_what_succeeded_in_the_other(server):
    adapter = adapter_at(server)
    write, old = steps_for(adapter, plans.SWIM, plans.BRICK)
    remove = plans.step_for(None, Action.REMOVE, plans.remote_of(old.item, "777"))
    calm = server.handler

    def answer(connection, request):
        if request.startswith(b"POST"):
            connection.sendall(b"HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n")
        else:
            calm(connection, request)

    server.handler = answer
    outcomes = adapter.write_batch([write, remove])
    assert isinstance(outcomes["tp-1007"], Receipt)
    assert isinstance(outcomes["tp-1003"], UnavailableError)


def test_two_athletes_are_two_calls(server):
    athletes = {"ben baker": "i7", "dan": "i8"}
    adapter = adapter_at(server, athletes=athletes)
    dan = plans.Recipient(pseudonym="d", name="Dan")
    other = adapter.render(plans.plan(plans.BRICK), plans.options(recipient=dan))
    adapter.write_batch([*steps_for(adapter, plans.SWIM), plans.step_for(other[0])])
    assert {first_line(request).split()[1].split("/")[4] for request in server.requests} == {
        "i7",
        "i8",
    }


def test_reading_back_tells_present_altered_and_unlisted_apart(server):
    adapter = adapter_at(server)
    items = [one.item for one in steps_for(adapter, plans.SWIM, plans.BRICK, plans.REST)]
    there = [
        {**item.body["event"], "id": 500 + n, "icu_training_load": 9}
        for n, item in enumerate(items[:2])
    ]
    there[1]["name"] = "Somebody's own words"
    server.handler = lambda connection, _: reply(connection, there)
    remotes = [replace(plans.remote_of(item), remote_id=f"50{n}") for n, item in enumerate(items)]
    found = {state.item_key: state for state in adapter.read_back(remotes)}
    assert found["tp-1003"].present is True
    assert found["tp-1003"].altered == ()
    assert [change.field for change in found["tp-1005"].altered] == ["title"]
    assert found["tp-1005"].altered[0].theirs == "Somebody's own words"
    assert found["tp-1007"].present is None  # not listed is not gone
    assert "oldest=2026-03-04&newest=2026-03-08" in first_line(server.requests[0])


def looked_up(server, item):
    return adapter_at(server).look_up(replace(plans.remote_of(item), remote_id="501"))


def swim(server):
    return steps_for(adapter_at(server), plans.SWIM)[0].item


def test_only_a_404_for_the_event_itself_says_that_it_is_gone(server):
    server.handler = lambda connection, _: reply(connection, {"error": "no"}, 404)
    assert looked_up(server, swim(server)).present is False
    assert first_line(server.requests[0]).split()[1].endswith("/events/501")


@pytest.mark.parametrize("status", [401, 403, 429, 500, 502, 503])
def test_a_refused_look_says_nothing_about_the_event(server, status):
    server.handler = lambda connection, _: reply(connection, {"error": "no"}, status)
    with pytest.raises(DestinationError):
        looked_up(server, swim(server))


@pytest.mark.parametrize("answer", [[], {}, {"id": 7}, {"id": 501, "start_date_local": "soon"}])
def test_an_answer_that_is_not_the_event_says_nothing_about_it(server, answer):
    server.handler = lambda connection, _: reply(connection, answer)
    with pytest.raises(UnknownOutcomeError):
        looked_up(server, swim(server))


@pytest.mark.parametrize("lost", ["category", "start_date_local", "name", "description", "type"])
def test_half_an_event_says_nothing_about_it(server, lost):
    item = swim(server)
    half = {**item.body["event"], "id": 501}
    del half[lost]
    server.handler = lambda connection, _: reply(connection, half)
    with pytest.raises(UnknownOutcomeError):
        looked_up(server, item)


def test_a_figure_that_is_not_shown_was_not_changed_and_one_that_is_empty_was(server):
    item = adapter_at(server).render(plans.plan(PLAIN_RUN), plans.options())[0]
    shown = {**item.body["event"], "id": 501, "moving_time": None}
    del shown["distance"]
    server.handler = lambda connection, _: reply(connection, shown)
    assert [one.field for one in looked_up(server, item).altered] == ["duration_seconds"]


def test_an_event_that_was_moved_is_found_by_its_id(server):
    item = swim(server)
    moved = {**item.body["event"], "id": 501, "start_date_local": "2026-04-01T06:30:00"}
    server.handler = lambda connection, _: reply(connection, moved)
    changes = {one.field: (one.ours, one.theirs) for one in looked_up(server, item).altered}
    assert changes["date"] == (item.date.isoformat(), "2026-04-01")
    assert changes["start_time"][1] == "06:30"


def test_a_list_that_shows_less_than_was_written_does_not_tell(server):
    item = swim(server)
    there = {**item.body["event"], "id": 501}
    del there["description"]
    server.handler = lambda connection, _: reply(connection, [there])
    remote = replace(plans.remote_of(item), remote_id="501")
    assert adapter_at(server).read_back([remote])[0].present is None


def test_a_doubtful_session_is_found_by_our_id_on_its_day(server):
    adapter = adapter_at(server)
    [doubtful] = steps_for(adapter, plans.SWIM)
    server.handler = lambda connection, _: reply(
        connection, [{"id": 1, "external_id": "tp-9"}, {"id": 2, "external_id": "tp-1003"}]
    )
    assert adapter.find(doubtful).remote_id == "2"
    server.handler = lambda connection, _: reply(connection, [])
    assert adapter.find(doubtful) is None


def test_the_test_button_reads_the_calendar(server):
    server.handler = lambda connection, _: reply(connection, [])
    assert "accepts the stored key" in adapter_at(server).check_connection()


# --- form ---------------------------------------------------------------------------------------


def form(**answers):
    return IntervalsIcuConfigForm({"credential": "k3y", **answers})


def test_a_form_fills_in_what_is_usual():
    entered = form()
    assert entered.is_valid(), entered.errors
    assert entered.settings() == {
        "auth": "api_key",
        "credential": "k3y",
        "athlete_id": "0",
        "athletes": {},
        "base_url": "https://intervals.icu",
    }


def test_a_list_of_athletes_is_read_line_by_line():
    entered = form(athletes="Ben Baker = i7\n\nDan = 8 ")
    assert entered.is_valid()
    assert entered.settings()["athletes"] == {"ben baker": "i7", "dan": "8"}


@pytest.mark.parametrize(
    "answers",
    [
        {"athletes": "Ben i7"},
        {"athletes": "Ben = seven"},
        {"athlete_id": "../1"},
        {"credential": "two words"},
        {"credential": ""},
        {"base_url": "http://intervals.icu"},
        {"base_url": "https://a@b.example"},
    ],
)
def test_a_form_refuses_what_could_not_work(answers):
    assert not form(**answers).is_valid()


def test_the_stored_key_is_kept_when_the_field_is_left_empty_and_never_shown():
    stored = form(athletes="Ben = i7")
    assert stored.is_valid()
    again = IntervalsIcuConfigForm(
        {"credential": "", "athletes": "Ben = i7"}, stored=stored.settings()
    )
    assert again.is_valid(), again.errors
    assert again.settings()["credential"] == "k3y"
    shown = IntervalsIcuConfigForm(stored=stored.settings()).as_p()
    assert "k3y" not in shown
    assert "ben = i7" in shown


# --- what is ours there --------------------------------------------------------------------------


def test_only_what_carries_our_id_and_our_mark_is_ours(server):
    [item] = rendered(plans.SWIM)
    written = item.body["event"]
    events = [
        {**written, "id": 1},
        {**written, "id": 2, "external_id": None},  # a copy that somebody made
        {**written, "id": 3, "description": "Mine."},  # another application's
        {**written, "id": 4, "external_id": "tp-1"},  # marked for another session
        {"id": 5, "category": "NOTE", "name": "Own", "start_date_local": "2026-03-04"},
    ]
    server.handler = lambda connection, _: reply(connection, events)
    found = adapter_at(server).ours(plans.BEN, date(2026, 3, 1), date(2026, 3, 31))
    assert [(one.item_key, one.remote_id, one.date) for one in found] == [
        (item.key, "1", item.date)
    ]
    path = first_line(server.requests[0]).split()[1]
    assert path == "/api/v1/athlete/i42/events?oldest=2026-03-01&newest=2026-03-31"


def test_an_athlete_who_has_no_calendar_there_has_nothing_of_ours_on_it(server):
    adapter = adapter_at(server, athletes={"dan": "i8"})
    assert adapter.ours(plans.BEN, date(2026, 3, 1), date(2026, 3, 31)) == []
    assert server.requests == []


def test_a_list_that_is_cut_off_does_not_say_what_is_ours(server):
    server.handler = lambda connection, _: reply(connection, {"error": "half"})
    with pytest.raises(UnknownOutcomeError):
        adapter_at(server).ours(plans.BEN, date(2026, 3, 1), date(2026, 3, 31))
