"""Changing the key: what an older key sealed is opened and sealed again, some rows at a time.

Only a row whose value is still the one that was read is written, so a token that is renewed
meanwhile is never put back. What is done stays done: a run that was stopped is simply run again.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.db import models

from accounts.sealing import SealedError, SealedField, closed, key_of, newest_key, opened
from audit.crashpoint import crashpoint
from audit.log import audited_atomic

BATCH = 200


@dataclass(frozen=True)
class Place:
    """A column that holds sealed values."""

    model: type[models.Model]
    field: SealedField

    def __str__(self) -> str:
        return f"{self.model._meta.db_table}.{self.field.column}"  # noqa: SLF001 - Django's public name

    def rows(self) -> models.QuerySet[Any]:
        rows = self.model._base_manager.exclude(**{self.field.attname: None})  # noqa: SLF001 - past any tenant's wall
        return rows.order_by("pk")

    def values(self) -> Iterator[tuple[Any, str]]:
        """Each row's key and what it holds, as the database holds it."""
        return self.rows().values_list("pk", self.field.attname).iterator(chunk_size=2_000)


@dataclass
class Done:
    """How one column's rotation went."""

    sealed: int = 0
    failures: list[str] = field(default_factory=list)


def places() -> list[Place]:
    return [
        Place(model, column)
        for model in apps.get_models()
        for column in model._meta.concrete_fields  # noqa: SLF001 - Django's public name
        if isinstance(column, SealedField)
    ]


def under_old_keys() -> dict[str, dict[str, int]]:
    """How many values each older key still holds, and where."""
    found: dict[str, Counter[str]] = {}
    for place in places():
        for _, value in place.values():
            if (key_id := key_of(value)) != newest_key():
                found.setdefault(key_id, Counter())[str(place)] += 1
    return {key_id: dict(counts) for key_id, counts in found.items()}


def rotate(place: Place, batch: int = BATCH) -> Done:
    """Seal this column again where an older key sealed it. What does not open stays and is told."""
    done = Done()
    waiting = [pk for pk, value in place.values() if key_of(value) != newest_key()]
    for start in range(0, len(waiting), batch):
        _rotate(place, waiting[start : start + batch], done)
        crashpoint("P24")
    return done


def _rotate(place: Place, keys: list[Any], done: Done) -> None:
    with audited_atomic() as log:
        before = done.sealed
        rows = place.rows().filter(pk__in=keys).values_list("pk", place.field.attname)
        for pk, value in rows:
            try:
                done.sealed += _replace(place, pk, value)
            except SealedError as error:
                done.failures.append(f"{place} of {pk}: {error}")
        if done.sealed > before:
            log.record("keys.rotated", extra={"place": str(place), "sealed": done.sealed - before})


def _replace(place: Place, pk: Any, value: str) -> int:
    aad = place.field.place(pk)
    new = closed(opened(value, aad=aad), aad=aad)
    still = place.model._base_manager.filter(pk=pk, **{f"{place.field.attname}__exact": value})  # noqa: SLF001 - past any tenant's wall
    return still.update(**{place.field.attname: new})
