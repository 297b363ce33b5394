"""Every call to TrainingPeaks that Baton makes: its address, the scope it needs, and why."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Endpoint:
    name: str
    method: str
    path: str
    scope: str  # empty: none is needed
    purpose: str
    writes: bool = False

    @property
    def of_one_athlete(self) -> bool:
        """A 403 here is about the athlete, not about the scope. A subscription is one athlete's."""
        return "{athlete}" in self.path or self.scope == WRITE_HOOKS_SCOPE


ROSTER_SCOPE = "coach:athletes"
READ_SCOPE = "workouts:read"
STRUCTURE_SCOPE = "workouts:wod"
LIST_HOOKS_SCOPE = "webhook:read-subscriptions"
WRITE_HOOKS_SCOPE = "webhook:write-subscriptions"

VERSION = Endpoint("version", "GET", "/v1/info/version", "", "Is the API there at all?")
COACH = Endpoint("coach", "GET", "/v1/coach/profile", ROSTER_SCOPE, "Whose connection is this?")
ATHLETES = Endpoint(
    "athletes", "GET", "/v1/coach/athletes", ROSTER_SCOPE, "Who is coached, in which time zone?"
)
WORKOUTS = Endpoint(
    "workouts",
    "GET",
    "/v2/workouts/{athlete}/{start}/{end}",
    READ_SCOPE,
    "Read the days of a plan, at most 42 in one call.",
)
STRUCTURE = Endpoint(
    "structure",
    "GET",
    "/v2/workouts/wod/file/{workout}/",
    STRUCTURE_SCOPE,
    "Read the intervals of one workout that has any and was changed.",
)
STRENGTH = Endpoint(
    "strength-workouts",
    "GET",
    "/v2/athletes/{athlete}/strength-workouts",
    READ_SCOPE,
    "Read exercises and sets of the same days.",
)
CHANGED = Endpoint(
    "changed",
    "GET",
    "/v2/workouts/{athlete}/changed",
    READ_SCOPE,
    "Find changes that no webhook event announced.",
)
LIST_HOOKS = Endpoint(
    "subscriptions",
    "GET",
    "/v1/webhook/subscriptions",
    LIST_HOOKS_SCOPE,
    "See which webhook subscriptions exist.",
)
CREATE_HOOK = Endpoint(
    "subscribe",
    "POST",
    "/v1/webhook/subscriptions",
    WRITE_HOOKS_SCOPE,
    "Be told when a workout is created, updated or deleted.",
    writes=True,
)
UPDATE_HOOK = Endpoint(
    "resubscribe",
    "PUT",
    "/v1/webhook/subscriptions/{subscription}",
    WRITE_HOOKS_SCOPE,
    "Give a subscription its new secret address, or wake it up.",
    writes=True,
)
DELETE_HOOK = Endpoint(
    "unsubscribe",
    "DELETE",
    "/v1/webhook/subscriptions/{subscription}",
    WRITE_HOOKS_SCOPE,
    "End a subscription that nobody needs any more.",
    writes=True,
)

CATALOGUE = (
    VERSION,
    COACH,
    ATHLETES,
    WORKOUTS,
    STRUCTURE,
    STRENGTH,
    CHANGED,
    LIST_HOOKS,
    CREATE_HOOK,
    UPDATE_HOOK,
    DELETE_HOOK,
)
SCOPES = tuple(dict.fromkeys(endpoint.scope for endpoint in CATALOGUE if endpoint.scope))
