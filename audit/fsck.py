"""State and log against each other: every state row has its entry, and every entry its row.

A row says which entry sealed its last change by a foreign key to it: every model that has one is
checked without being named. What else a room knows, it says in its app's `ready`.
"""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db import DatabaseError
from django.db.models import Exists, Field, Model, OuterRef, QuerySet

from audit import entry, sealing, stored
from audit.checking import MOST_FINDINGS, Report
from audit.models import Entry

BATCH = 500

_named: dict[str, type[Model]] = {}
_checks: list[Callable[[], Iterator[tuple[int, str]]]] = []


def register(model: type[Model], *, named: str) -> None:
    """Entries name rows of this model: under `delivery`, `attempt` or `consent`, say."""
    if named not in entry.IDENTITIES:
        raise ValueError(f"Entries name nothing as {named}.")
    _named[named] = model


def also(check: Callable[[], Iterator[tuple[int, str]]]) -> None:
    """A room's own check of its rows against the log: yields an entry's number and words."""
    if check not in _checks:
        _checks.append(check)


def fsck() -> Report:
    try:
        return _fsck()
    except DatabaseError as error:
        return Report(unreadable=f"The rows cannot be read ({type(error).__name__}).")


def _fsck() -> Report:
    report = Report()
    for model, field in references():
        _without_entry(model, field, report)
    _without_row(report)
    for row in sealing.unsealed():
        report.note(None, "unsealed", f"Model change {row} was never sealed.")
    for check in _checks:
        for seq, words in check():
            report.note(seq, "row", words)
    return report


def references() -> list[tuple[type[Model], "Field[Any, Any]"]]:
    """Every foreign key to an entry, of whatever room."""
    return [
        (model, field)
        for model in apps.get_models()
        for field in model._meta.concrete_fields  # noqa: SLF001 - Django's documented name
        if field.related_model is Entry
    ]


def _without_entry(model: type[Model], field: "Field[Any, Any]", report: Report) -> None:
    name = field.attname
    rows = _all(model).exclude(**{name: None})
    lost = rows.filter(~Exists(Entry.objects.filter(id=OuterRef(name)))).values_list(
        "pk", flat=True
    )
    for row in lost[:MOST_FINDINGS]:
        report.note(None, "entry", f"The {_name(model)} {row} has no entry.")


def _without_row(report: Report) -> None:
    """Entries that tell of rows which are not there."""
    lines = stored.lines()
    while batch := list(islice(lines, BATCH)):
        report.size += len(batch)
        for named, model in _named.items():
            _compare(named, model, batch, report)


def _compare(named: str, model: type[Model], lines: list[dict[str, Any]], report: Report) -> None:
    told = {line["seq"]: line[named] for line in lines if line.get(named)}
    asked = {identity for identity in told.values() if _is_uuid(identity)}
    there = {str(pk) for pk in _all(model).filter(pk__in=asked).values_list("pk", flat=True)}
    for seq, identity in told.items():
        if str(identity) not in there:
            words = f"Entry {seq} tells of a {_name(model)} that is not there."
            report.note(seq, "row", words)


def _is_uuid(said: object) -> bool:
    try:
        return isinstance(said, str) and str(UUID(said)) == said
    except ValueError:
        return False


def _name(model: type[Model]) -> str:
    return str(model._meta.verbose_name)  # noqa: SLF001 - Django's documented name


def _all(model: type[Model]) -> "QuerySet[Any]":
    return model._base_manager.all()  # noqa: SLF001 - every row, whatever a manager leaves out
