"""Rows that are written once, for the application: a change is refused before it is a statement.

What takes another road meets the triggers of `audit.triggers`.
"""

from typing import Any, NoReturn, TypeVar

from django.db import models

M = TypeVar("M", bound=models.Model)


class AppendOnlyError(TypeError):
    """A row that is written once was about to change."""


def refusal(model: type[models.Model], what: str) -> AppendOnlyError:
    name = str(model._meta.verbose_name)  # noqa: SLF001 - Django's documented name
    return AppendOnlyError(f"{name.capitalize()}: added, never {what}.")


class AppendOnlyQuerySet(models.QuerySet[M]):
    def update(self, **kwargs: Any) -> NoReturn:
        raise refusal(self.model, "edited")

    def delete(self) -> NoReturn:
        raise refusal(self.model, "deleted")


class AppendOnlyManager(models.Manager[M]):
    def get_queryset(self) -> AppendOnlyQuerySet[M]:
        return AppendOnlyQuerySet(self.model, using=self._db)


class AppendOnlyModel(models.Model):
    """Its manager is an `AppendOnlyManager`."""

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise refusal(type(self), "edited")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise refusal(type(self), "deleted")
