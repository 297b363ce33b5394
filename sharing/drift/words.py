"""A difference in words for the person who decides: old, new, and what is suggested."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from sharing.drift import policy
from sharing.drift.values import unseal
from sharing.models import Drift, DriftCheck

LONGEST = 160  # characters of a text that a table shows
TITLE = 80
NOTHING = "—"
SUGGESTIONS: dict[str, str] = {
    Drift.State.OPEN: "Confirm that it is put back.",
    Drift.State.REPAIRING: "The next delivery puts it back.",
    Drift.State.KEPT: "The session stays away until you change it in TrainingPeaks.",
    Drift.State.REPAIRED: "The plan’s own is there again.",
    Drift.State.VANISHED: "It was put back there, left the plan, or its day has gone by.",
}

COPIES: dict[str, str] = {
    Drift.State.OPEN: "Take the copy away, which cannot be undone, or keep it: you decide.",
    Drift.State.REPAIRING: "The next delivery takes the copy away.",
    Drift.State.KEPT: "The copy stays; Baton never writes to it.",
    Drift.State.REPAIRED: "The copy was taken away.",
}


@dataclass(frozen=True)
class Shown:
    """One row of the page. `ours` is what the plan says, `theirs` what the destination says."""

    row: Drift
    title: str
    field: str
    ours: str
    theirs: str
    suggestion: str

    @property
    def state(self) -> str:
        """A word of its own where the usual one is too long for a table."""
        return "To decide" if self.row.state == Drift.State.OPEN else ""

    @property
    def may_repair(self) -> bool:
        return self.row.state in {Drift.State.OPEN, Drift.State.KEPT}

    @property
    def may_keep(self) -> bool:
        return self.row.state == Drift.State.OPEN

    @property
    def may_undo(self) -> bool:
        return self.row.state == Drift.State.REPAIRED and self.row.kind != Drift.Kind.EXTRA

    @property
    def repair_words(self) -> str:
        return "Take it away" if self.row.kind == Drift.Kind.EXTRA else "Put back"


def shown(row: Drift) -> Shown:
    values = unseal(row)
    title = _shortened(values.title or row.record.item_key, TITLE)
    if row.kind == Drift.Kind.MISSING:
        day = row.record.day
        ours = f"There, on {day:%a %-d %b}" if day else "There"
        return Shown(row, title, policy.label(""), ours, "Missing", suggestion(row))
    if row.kind == Drift.Kind.EXTRA:
        theirs = f"Also on {spoken('date', values.theirs)}"
        return Shown(row, title, policy.label(""), "Once", theirs, suggestion(row))
    ours, theirs = spoken(row.field, values.ours), spoken(row.field, values.theirs)
    return Shown(row, title, policy.label(row.field), ours, theirs, suggestion(row))


def suggestion(row: Drift) -> str:
    """What happens next, or what a person is asked to do."""
    if row.state == Drift.State.OPEN and row.policy == policy.Choice.ASK:
        return "Put it back, or keep it as it is there: you decide."
    if row.kind == Drift.Kind.EXTRA and row.state in COPIES:
        return COPIES[row.state]
    if row.state == Drift.State.KEPT and row.kind != Drift.Kind.MISSING:
        name = policy.label(row.field).lower()
        return f"Stays as the athlete changed it until you change the {name} yourself."
    return SUGGESTIONS[row.state]


def left_out(check: DriftCheck) -> str:
    """How many plans a check did not compare, and why; empty when it compared them all."""
    if not check.skipped:
        return ""
    said = {"given up": check.given_up, "in doubt": check.in_doubt, "being written": check.busy}
    said["stopped, due later or without consent"] = check.skipped - sum(said.values())
    why = ", ".join(f"{count} {words}" for words, count in said.items() if count)
    plans = "plan was" if check.skipped == 1 else "plans were"
    return f"{check.skipped} {plans} not compared: {why}."


def spoken(field: str, value: Any) -> str:
    """A value of the plan as people write it."""
    if value is None or value == "":
        return NOTHING
    return SPOKEN.get(field, _shortened)(value)


def _shortened(value: Any, longest: int = LONGEST) -> str:
    text = str(value)
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _distance(meters: float) -> str:
    return f"{meters / 1000:.2f}".rstrip("0").rstrip(".") + " km"


def _duration(seconds: int) -> str:
    hours, rest = divmod(seconds, 3600)
    minutes, left = divmod(rest, 60)
    parts = [(hours, "h"), (minutes, "min"), (left, "s")]
    return " ".join(f"{amount} {unit}" for amount, unit in parts if amount) or "0 min"


SPOKEN: dict[str, Callable[[Any], str]] = {
    "date": lambda value: f"{date.fromisoformat(value):%a %-d %b %Y}",
    "start_time": lambda value: str(value)[:5],
    "duration_seconds": lambda value: _duration(round(value)),
    "distance_meters": _distance,
    "sport": lambda value: str(value).replace("_", " ").capitalize(),
}
