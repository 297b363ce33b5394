"""Why a delivery stands where it stands, in a coach's words, and the one thing to do."""

from dataclasses import dataclass

from destinations.errors import CATALOGUE


@dataclass(frozen=True)
class Reason:
    words: str
    action: str = ""


OWN = {
    "newer_version": Reason("A newer version took its place before this one was sent."),
    "destination_has_newer": Reason("The destination already holds a newer version."),
    "withdrawn": Reason("Sharing ended, so everything that was shared is being taken back."),
    "no_consent": Reason(
        "The athlete has not agreed to share with this destination. Nothing was sent.",
        "Ask the athlete through their link, or record their consent.",
    ),
    "route_retired": Reason("The route was retired before this was sent."),
    "destination_disabled": Reason(
        "The destination is switched off.", "Switch it on again, then redeliver."
    ),
    "athlete_detached": Reason("The athlete is no longer attached to the coach in TrainingPeaks."),
    "athlete_erased": Reason("The athlete is being erased: nothing is shared any more."),
    "rate_limit": Reason("The destination's rate limit was reached; no try was used up."),
    "database_failed": Reason(
        "Baton's own database did not answer in time; nothing was sent, and no try was used up."
    ),
    "consent_changed": Reason(
        "What the athlete agreed to changed while this was being sent; it goes again with that."
    ),
    "lease_lost": Reason("Another worker took over; nothing was sent twice."),
    "crashes": Reason(
        "The worker stopped three times while sending this. Baton does not try it a fourth time.",
        "Read the attempts below, then redeliver.",
    ),
    "outcome_unknown": Reason(
        "The destination did not say whether it has the plan.",
        "Look at the destination, then say here whether it is there.",
    ),
    "restored": Reason(
        "Baton was restored from a backup. Only the newest version is sent after that."
    ),
    "unknown_since_restore": Reason(
        "Baton was restored from a backup and cannot know whether the destination has the plan.",
        "Look at the destination, then say here whether it is there.",
    ),
    "unknown_key_expired": Reason(
        "The destination did not say whether it has the plan, and by now it may have forgotten "
        "our try. Sending it again might make a second one.",
        "Look at the destination, then say here whether it is there.",
    ),
    "confirmed_by_person": Reason("A person looked and confirmed that it is there."),
}


def explain(code: str) -> Reason:
    """The sentence for a reason or an error code; a code without words speaks for itself."""
    if code in OWN:
        return OWN[code]
    if code in CATALOGUE:
        return Reason(CATALOGUE[code].coach_words, CATALOGUE[code].action)
    return Reason(code.replace("_", " ").capitalize()) if code else Reason("")
