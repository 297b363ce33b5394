"""Why a delivery stands where it stands: whose matter it is, its words, and the one thing to do.

The reasons are rows of the same shape as the errors of destinations and of the source, so that
whoever reads about a delivery or a calendar is told the same four things, whatever held it up.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

from destinations.errors import CATALOGUE, TRIES_AGAIN, ErrorKind, Owner
from sharing.source.errors import CATALOGUE as SOURCE

if TYPE_CHECKING:  # the tables are read without Django, too
    from sharing.models import Delivery

COACH, ADMIN, DESTINATION, BATON = Owner.COACH, Owner.ADMIN, Owner.DESTINATION, Owner.BATON
NOTHING = "Nothing to do."
LOOK = "Look at the destination, then say here whether it is there."
GIVEN_UP = " Baton has tried as often as planned."
REDELIVER = "See that the destination takes plans again, then redeliver."

OWN: dict[str, ErrorKind] = {
    "newer_version": ErrorKind(
        BATON,
        "A newer version took its place before this one was sent.",
        "The lane wants a later version: only the newest is sent, unless the route wants every.",
        NOTHING,
    ),
    "withdrawn": ErrorKind(
        COACH,
        "Sharing ended, so everything that was shared is being taken back.",
        "The consent was withdrawn: the content is never sent again, and a removal is promised.",
        "Nothing to do, unless the athlete agrees again.",
    ),
    "no_consent": ErrorKind(
        COACH,
        "The athlete has not agreed to share with this destination. Nothing was sent.",
        "The gate found no consent in force for this destination when the claim was made.",
        "Ask the athlete through their link, or record their consent.",
    ),
    "route_retired": ErrorKind(
        COACH,
        "The route was retired before this was sent.",
        "The gate refuses content for a retired route; removals still pass.",
        "Nothing to do, unless it should go there after all: then open a new route.",
    ),
    "destination_disabled": ErrorKind(
        ADMIN,
        "The destination is switched off.",
        "The gate refuses content for a destination that is disabled or retired.",
        "Switch it on again, then redeliver.",
    ),
    "athlete_detached": ErrorKind(
        COACH,
        "The athlete is no longer attached to the coach in TrainingPeaks.",
        "The roster that was read last does not list the athlete under this connection.",
        "Attach the athlete in TrainingPeaks again if this was a mistake.",
    ),
    "athlete_erased": ErrorKind(
        BATON,
        "The athlete is being erased: nothing is shared any more.",
        "An erasure is under way: content is refused, and removals go first.",
        NOTHING,
    ),
    "rate_limit": ErrorKind(
        BATON,
        "The destination's rate limit was reached; no try was used up.",
        "The bucket of the destination was empty, or it asked for a pause; the lane waits.",
        "Raise this destination's rate if it happens every day and the destination allows it.",
    ),
    "database_failed": ErrorKind(
        BATON,
        "Baton's own database did not answer in time; nothing was sent, and no try was used up.",
        "The last look before the call failed on the database, so the call was never begun.",
        "Look at the database if it happens again.",
    ),
    "consent_changed": ErrorKind(
        BATON,
        "What the athlete agreed to changed while this was being sent; it goes again with that.",
        "The consent's row is newer than the one that the attempt was claimed under.",
        NOTHING,
    ),
    "lease_lost": ErrorKind(
        BATON,
        "Another worker took over; nothing was sent twice.",
        "The lease ended before the call, or another worker's epoch fenced this one.",
        "Nothing to do, unless it happens every day: then give the workers more time.",
    ),
    "crashes": ErrorKind(
        BATON,
        "The worker stopped three times while sending this. Baton does not try it a fourth time.",
        "Three attempts in a row were left unsettled by a process that ended.",
        "Read the attempts below, then redeliver.",
    ),
    "outcome_unknown": ErrorKind(
        COACH,
        "The destination did not say whether it has the plan.",
        "A destination without keys, versions or a way to be asked: repeating could double it.",
        LOOK,
    ),
    "never_acknowledged": ErrorKind(
        DESTINATION,
        "The destination never said whether it has the plan, however often Baton asked.",
        "The schedule is over and the last try ended in doubt. As its class says, it refuses "
        "doubles, replaces what it has, or is looked at first.",
        "See why it does not answer, then redeliver.",
    ),
    "restored": ErrorKind(
        BATON,
        "Baton was restored from a backup. Only the newest version is sent after that.",
        "`after_restore` promised the newest version to every lane that might be behind.",
        NOTHING,
    ),
    "unknown_since_restore": ErrorKind(
        COACH,
        "Baton was restored from a backup and cannot know whether the destination has the plan.",
        "What happened after the backup is not in the database, and this one cannot be asked.",
        LOOK,
    ),
    "unknown_key_expired": ErrorKind(
        COACH,
        "The destination did not say whether it has the plan, and by now it may have forgotten "
        "our try. Sending it again might make a second one.",
        "The doubt is older than the destination keeps our idempotency keys.",
        LOOK,
    ),
    "confirmed_by_person": ErrorKind(
        BATON,
        "A person looked and confirmed that it is there.",
        "The unknown outcome was settled by hand; the audit entry names who did it.",
        NOTHING,
    ),
    "destination_not_active": ErrorKind(
        ADMIN,
        "The destination is paused or switched off, so nothing more is read back there.",
        "A drift check ends at once when its destination is not active; what it found stays.",
        "Resume the destination, then compare again.",
    ),
}


def known(code: str) -> ErrorKind | None:
    """The row of a reason or an error, in whichever table it is."""
    return OWN.get(code) or CATALOGUE.get(code) or SOURCE.get(code)


def explain(code: str) -> ErrorKind:
    """The row for a reason or an error; a code without a row speaks for itself."""
    return known(code) or ErrorKind(ADMIN, code.replace("_", " ").capitalize(), "", "")


def given_up(code: str) -> ErrorKind:
    """The row for what is tried no more: it tells nobody to wait."""
    kind = explain(code)
    waits = kind.action.startswith("Wait")
    return replace(
        kind,
        coach_words=kind.coach_words.replace(TRIES_AGAIN, GIVEN_UP),
        action=REDELIVER if waits else kind.action,
    )


def of(delivery: "Delivery") -> ErrorKind:
    """Why it stands as it does."""
    dead = delivery.state == delivery.State.DEAD
    return given_up(delivery.reason) if dead else explain(delivery.reason)
