"""What people do with destinations: each is one audited transaction that says what changed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.utils import timezone

from accounts.models import Organisation, User
from audit.log import audited_atomic, now
from audit.retrying import retried
from destinations import pace, registry, schedule
from destinations.audit_trail import changed, fingerprint
from destinations.configuration import ConfigForm
from destinations.errors import DestinationError
from destinations.models import LONG_AGO, SWITCHED_OFF, Destination
from destinations.port import ChecksConnection, IdempotencyClass

OVERLAP = timedelta(days=7)  # how long a renewed secret's predecessor still signs
CHANGEABLE = frozenset(
    [
        "name",
        "owner",
        "deputy",
        "pseudonymous",
        "delivery_mode",
        "idempotency_class",
        "rate_per_second",
        "burst",
        "slots",
        "late_apply_window",
        "schedule",
    ]
)


@dataclass(frozen=True)
class Checked:
    """What a test of a destination found, in words for the person who asked."""

    ok: bool
    words: str
    code: str = ""


@retried
def create(
    organisation: Organisation,
    owner: User,
    *,
    kind: str,
    name: str,
    answers: Mapping[str, Any],
    **choices: Any,
) -> Destination:
    """Set up a destination, in test. `answers` are what the kind's form asks for."""
    adapter = registry.adapter_class(kind)
    destination = Destination(
        organisation=organisation,
        owner=owner,
        kind=kind,
        name=name,
        rate_per_second=adapter.capabilities.rate_per_second,
    )
    _configure(destination, _settings(adapter.config_form(dict(answers))))
    destination.idempotency_class = registry.adapter_for(destination).promise().value
    _choose(destination, choices)
    with audited_atomic():
        _record(destination, "created", {})
        destination.save(force_insert=True)
    return destination


def change(
    destination: Destination, *, answers: Mapping[str, Any] | None = None, **choices: Any
) -> Destination:
    """Change settings or choices. A secret that is left empty keeps its value."""

    def apply(row: Destination) -> None:
        if answers is not None:
            before = registry.adapter_for(row).promise()
            form = registry.adapter_class(row.kind).config_form
            _configure(row, _settings(form(dict(answers), stored=row.configuration)))
            _promise_no_more(row, before)
        _choose(row, choices)

    return _audited(destination, "changed", apply)


def _promise_no_more(row: Destination, before: IdempotencyClass) -> None:
    """An address that moved to where nothing is promised takes the promise with it; one that moved
    from there gets it back only when a person says so.
    """
    promised = registry.adapter_for(row).promise()
    if promised != before and promised == IdempotencyClass.NONE:
        row.idempotency_class = promised.value


def pause(destination: Destination, reason: str) -> Destination:
    """Keep everything waiting until somebody resumes it."""

    def apply(row: Destination) -> None:
        row.state, row.paused_reason = Destination.State.PAUSED, reason[:200]

    return _audited(destination, "paused", apply)


def resume(destination: Destination) -> Destination:
    """Let it work again, with a clean slate: what waited goes out in its newest version."""

    def apply(row: Destination) -> None:
        failing = row.breaker_state != Destination.Breaker.CLOSED
        if failing or (row.held_until and row.held_until > now()):
            row.held_until = None  # what was put off is made due again soon
        row.state, row.paused_reason = Destination.State.ACTIVE, ""
        row.breaker_state, row.breaker_opened_at = Destination.Breaker.CLOSED, None
        row.breaker_until, row.breaker_step = LONG_AGO, 0
        row.consecutive_failures, row.failing_since = 0, None
        if (
            row.warned_percent < SWITCHED_OFF
        ):  # otherwise what died meanwhile is promised again first
            row.warned_percent = 0

    return _audited(destination, "resumed", apply)


def set_stage(destination: Destination, stage: Destination.Stage) -> Destination:
    def apply(row: Destination) -> None:
        row.stage = Destination.Stage(stage)

    return _audited(destination, "staged", apply)


def rotate_secret(destination: Destination, *, overlap: timedelta = OVERLAP) -> str:
    """Make a new signing secret and return it, to be shown once. The old one signs on a while."""

    def apply(row: Destination) -> None:
        form = registry.adapter_class(row.kind).config_form
        until = timezone.now() + overlap
        _configure(row, form.rotated(row.configuration, overlap_until=until))

    row = _audited(destination, "secret_rotated", apply)
    return str(row.configuration["secret"])


def show_secret(destination: Destination) -> str:
    """The signing secret, for whoever sets up the other side. That it was shown is recorded."""
    if not registry.adapter_class(destination.kind).config_form.rotates:
        raise ValidationError("This kind of destination has no signing secret.")
    row = _audited(destination, "secret_shown", lambda _: None)
    return str(row.configuration["secret"])


def test(destination: Destination) -> Checked:
    """Ask the destination whether it would take a plan. No transaction is open meanwhile."""
    checked = _check(destination)

    def apply(row: Destination) -> None:
        if checked.ok:
            row.last_ok_at = timezone.now()
        else:
            row.last_error_code, row.last_error_at = checked.code, timezone.now()

    _audited(destination, "tested", apply, outcome=checked.code or "ok")
    return checked


def _check(destination: Destination) -> Checked:
    adapter = registry.adapter_for(destination)
    if not isinstance(adapter, ChecksConnection):
        return Checked(ok=True, words="Nothing to connect to: this destination is read from Baton.")
    try:
        return Checked(ok=True, words=adapter.check_connection())
    except DestinationError as error:
        return Checked(ok=False, words=str(error), code=error.code)


@retried
def _audited(
    destination: Destination,
    what: str,
    apply: Callable[[Destination], None],
    *,
    outcome: str | None = None,
) -> Destination:
    """Change the row as it is now, under its lock, and record what became of it."""
    with audited_atomic():
        row = Destination.objects.select_for_update(no_key=True).get(pk=destination.pk)
        before = fingerprint(row)
        apply(row)
        _record(row, what, before, outcome)
        row.save()
    destination.refresh_from_db()
    return row


def _record(
    row: Destination, what: str, before: Mapping[str, str], outcome: str | None = None
) -> None:
    with audited_atomic() as log:
        row.audit_entry_id = log.record(
            f"destination.{what}",
            organisation=row.organisation_id,
            destination=row.pk,
            outcome=outcome,
            extra=changed(before, fingerprint(row)),
        )


def _settings(form: ConfigForm) -> dict[str, Any]:
    if not form.is_valid():
        raise ValidationError(form.errors.as_data())
    return form.settings()


def _configure(row: Destination, settings: Mapping[str, Any]) -> None:
    row.configure(settings)
    row.endpoint = registry.adapter_for(row).endpoint()[:255]


def _choose(row: Destination, choices: Mapping[str, Any]) -> None:
    if unknown := set(choices) - CHANGEABLE:
        raise TypeError(f"These cannot be chosen: {', '.join(sorted(unknown))}.")
    _check_pace(row, choices)
    for name, value in choices.items():
        setattr(row, name, value)
    _check_schedule(row)
    if "idempotency_class" in choices:
        _check_promise(row)
    row.clean_fields(exclude=["audit_entry", "settings"])
    row.validate_unique()
    row.validate_constraints(exclude=["audit_entry"])


def _check_pace(row: Destination, choices: Mapping[str, Any]) -> None:
    """Only what is changed now: what was set before there were bounds may stay."""
    refused: dict[str, list[str]] = {}
    for name in pace.BOUNDS.keys() & choices.keys():
        if choices[name] == getattr(row, name):
            continue
        try:
            pace.check(name, choices[name])
        except ValidationError as refusal:
            refused[name] = refusal.messages
    if refused:
        raise ValidationError(refused)


def _check_promise(row: Destination) -> None:
    adapter = registry.adapter_class(row.kind)
    able = sorted(adapter.capabilities.promises)
    if row.idempotency_class not in able:
        words = f"A destination of the kind “{adapter.label}” can be: {', '.join(able)}."
        raise ValidationError({"idempotency_class": words})


def _check_schedule(row: Destination) -> None:
    try:
        schedule.check(row.schedule)
    except ValidationError as refusal:
        raise ValidationError({"schedule": refusal.messages}) from None


__all__ = [
    "Checked",
    "change",
    "create",
    "pause",
    "resume",
    "rotate_secret",
    "set_stage",
    "show_secret",
    "test",
]
