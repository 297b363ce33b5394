"""The watchdog over the ledger: every promise that was accepted has a place, and only one."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from insight.alerts import Finding
from sharing.ledger import lanes_with_a_gap, without_a_place
from sharing.models import Lane

MOST_NAMED = 20


def gap(now: datetime) -> Iterator[Finding]:
    """One for each organisation: it names the lanes, and in each the promises."""
    wrong: dict[UUID, list[UUID]] = {}
    lanes = Lane.objects.filter(pk__in=lanes_with_a_gap()).order_by("pk")
    for lane, organisation in lanes.values_list("pk", "route__organisation"):
        wrong.setdefault(organisation, []).append(lane)
    for organisation, named in wrong.items():
        odd = without_a_place(named[:MOST_NAMED])
        facts: dict[str, Any] = {"promises": {str(lane): found for lane, found in odd.items()}}
        yield Finding(
            "conservation_gap",
            f"organisation:{organisation}",
            organisation=organisation,
            count=len(named),
            facts=facts,
        )
