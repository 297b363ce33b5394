"""The two values of a difference, sealed with the athlete's key."""

import json
from dataclasses import asdict, dataclass
from typing import Any

from accounts.sealing import SealedError
from sharing.models import Drift


@dataclass(frozen=True, kw_only=True)
class Values:
    """What the coach's version says and what was read, and the session's name for people.

    For a session that is missing as a whole, `ours` is the hash of what was written.
    """

    ours: Any = None
    theirs: Any = None
    title: str = ""


def seal(drift: Drift, values: Values) -> None:
    """Put the values into the row. The caller saves it."""
    content = json.dumps(asdict(values)).encode()
    drift.values = drift.lane.plan.athlete.seal(content, purpose=f"drift:{drift.pk}")


def unseal(drift: Drift) -> Values:
    """The values; nothing at all once the athlete's key was destroyed."""
    if drift.values is None:
        return Values()
    try:
        opened = drift.lane.plan.athlete.unseal(bytes(drift.values), purpose=f"drift:{drift.pk}")
    except SealedError:
        return Values()
    return Values(**json.loads(opened))
