"""Watchdogs over bulk actions: what is too much for one person waits for another to look."""

from collections.abc import Iterator
from datetime import datetime

from insight.alerts import Finding
from sharing.bulk import asking
from sharing.models import BulkAction


def second_wanted(now: datetime) -> Iterator[Finding]:
    for action in BulkAction.objects.filter(state=BulkAction.State.SECOND):
        if not asking.is_stale(action):
            yield Finding(
                "second_wanted",
                f"bulk:{action.pk}",
                organisation=action.organisation_id,
                facts={"action": str(action.pk)},
            )
