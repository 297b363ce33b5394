"""Plan → the JSON that a webhook carries, and the messages around it. Pure functions."""

from datetime import UTC, date, datetime
from typing import Any

from destinations.adapters.shared import allowed_sessions, clock_length
from destinations.port import Action, Body, Item, Recipient, RenderOptions, Step
from plans.model import Plan, Session

PUBLISHED, UPDATED, WITHDRAWN = "plan.published", "plan.updated", "plan.withdrawn"
TEST = "endpoint.test"


def plan_item(plan: Plan, options: RenderOptions) -> Item:
    """The whole plan as one item: what it says, not which version of it this is."""
    sessions = allowed_sessions(plan, options)
    body: Body = {
        "planId": plan.plan_id,
        "planName": plan.plan_name,
        "startDate": plan.start_date.isoformat(),
        "endDate": plan.end_date.isoformat(),
        "totalDuration": sum(session.duration_seconds or 0 for session in sessions),
        "timeZone": options.recipient.time_zone or None,
        "athlete": _athlete(options.recipient),
        "exerciseList": [session_body(session) for session in sessions],
        "sessionsText": "\n".join(_line(session) for session in sessions),
    }
    return Item(key=f"plan-{plan.plan_id}", date=None, body=body)


def session_body(session: Session) -> Body:
    """Every field under its canonical name; what is not known or not allowed is null."""
    body: Body = session.model_dump(mode="json", by_alias=True)
    return body


def _athlete(recipient: Recipient) -> Body:
    return {"id": recipient.pseudonym, "name": recipient.name, "email": recipient.email}


def _line(session: Session) -> str:
    """One session in one line, for tools that cannot walk through a list."""
    time = session.start_time.strftime(" %H:%M") if session.start_time else ""
    length = f" ({clock_length(session.duration_seconds)})" if session.duration_seconds else ""
    return f"{session.date.isoformat()}{time} {session.sport}: {session.label}{length}"


def message(step: Step) -> Body:
    """What is sent for a step. The same step gives the same message on every try."""
    previous = step.remote.body if step.remote else None
    data: Body = {
        "planId": step.plan_id,
        "version": step.version,
        "revision": step.revision,
        "previousVersion": (step.remote.version or None) if step.remote else None,
        "publishedAt": utc(step.occurred_at),
        "changes": changes(previous, step.item.body if step.item else None),
    }
    return {
        "type": _event(step),
        "timestamp": utc(step.occurred_at),
        "data": data | (step.item.body if step.item else {}),
    }


def _event(step: Step) -> str:
    if step.action == Action.REMOVE:
        return WITHDRAWN
    return PUBLISHED if step.action == Action.CREATE else UPDATED


def changes(before: Body | None, after: Body | None) -> dict[str, list[str]]:
    """The sessions that are new, different or gone since the destination last acknowledged."""
    old, new = _by_id(before), _by_id(after)
    return {
        "created": [key for key in new if key not in old],
        "updated": [key for key in new if key in old and new[key] != old[key]],
        "removed": [key for key in old if key not in new],
    }


def _by_id(body: Body | None) -> dict[str, Any]:
    return {session["itemId"]: session for session in (body or {}).get("exerciseList", [])}


def utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def test_message(now: datetime) -> Body:
    """A complete sample in the shape of a real one, so that fields can be mapped from it."""
    sample = _sample_session(now.astimezone(UTC).date())
    return {
        "type": TEST,
        "timestamp": utc(now),
        "data": {
            "planId": "00000000-0000-0000-0000-000000000000",
            "version": 1,
            "revision": 1,
            "previousVersion": None,
            "publishedAt": utc(now),
            "changes": {"created": [sample.item_id], "updated": [], "removed": []},
            "planName": "Sample plan",
            "startDate": sample.date.isoformat(),
            "endDate": sample.date.isoformat(),
            "totalDuration": sample.duration_seconds,
            "timeZone": "Europe/Paris",
            "athlete": {"id": "sample", "name": "Sample athlete", "email": None},
            "exerciseList": [session_body(sample)],
            "sessionsText": _line(sample),
        },
    }


def _sample_session(day: date) -> Session:
    return Session.model_validate(
        {
            "itemId": "tp-0",
            "sport": "run",
            "date": day,
            "startTime": "07:00:00",
            "title": "Sample: easy run",
            "durationSeconds": 3600,
            "distanceMeters": 10000.0,
            "load": 50.0,
            "description": "This is a test. No athlete has this session.",
            "coachNotes": "Keep it easy.",
            "intervals": (),
            "strength": (),
            "url": None,
        }
    )
