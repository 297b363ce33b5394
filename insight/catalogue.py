"""What each kind of alert means: who acts, what each reader is told, and the one action offered."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from django.conf import settings
from django.urls import reverse
from django.utils.timesince import timesince

from destinations.errors import Owner
from insight.models import Alert
from sharing.source import errors as source

COACH, ADMIN, DESTINATION, BATON = Owner.COACH, Owner.ADMIN, Owner.DESTINATION, Owner.BATON
CRITICAL, WARNING = Alert.Severity.CRITICAL, Alert.Severity.WARNING
MINUTE = timedelta(minutes=1)
SOME_DAY = datetime(2000, 1, 3, tzinfo=UTC)


@dataclass(frozen=True)
class AlertKind:
    """One row of the catalogue. `page` is where the action is done. `wait` names the setting whose
    time the words tell as {wait}.
    """

    owner: Owner
    severity: Alert.Severity
    title: str
    coach_words: str
    admin_words: str
    action: str
    page: Callable[[Alert], str]
    wait: str = ""

    def words(self, *, technical: bool) -> str:
        """For who runs Baton, or for who uses it; with the time after which it is said here."""
        words = self.admin_words if technical else self.coach_words
        return words.format(wait=_in_words(getattr(settings, self.wait))) if self.wait else words


def _in_words(wait: timedelta) -> str:
    """30 seconds, 5 minutes, 1 day."""
    if wait < MINUTE:
        return f"{wait.total_seconds():g} seconds"
    return timesince(SOME_DAY, SOME_DAY + wait, depth=1)


def _named(name: str) -> Callable[[Alert], str]:
    return lambda alert: reverse(name)


def _destination(alert: Alert) -> str:
    return reverse("destination", args=[alert.destination_id])


def _athlete(alert: Alert) -> str:
    return reverse("athlete", args=[alert.athlete_id])


def _deliveries(state: str) -> Callable[[Alert], str]:
    def page(alert: Alert) -> str:
        wish = {"state": state, "destination": alert.destination_id}
        return f"{reverse('deliveries')}?{urlencode(wish)}"

    return page


def _both(code: str) -> tuple[str, str]:
    """What the coach and the admin are told about it on every page."""
    row = source.CATALOGUE[code]
    return row.coach_words, row.admin_words


KINDS: dict[str, AlertKind] = {
    "nothing_claimed": AlertKind(
        BATON, CRITICAL, "Nothing is being sent",
        "Plans are due and nobody takes them up. Nothing is lost; they wait.",
        "Lanes are due and no worker has begun an attempt for {wait}.",
        "Look at the workers", _named("health"), wait="BATON_ALERT_LATE",
    ),
    "lane_late": AlertKind(
        ADMIN, WARNING, "Plans are late",
        "Plans were due here more than {wait} ago and have not been sent yet.",
        "Lanes are due and not sent: too few workers, its rate limit, or calls that hang.",
        "See what waits", _deliveries("waiting"), wait="BATON_ALERT_LATE",
    ),
    "attempt_unsettled": AlertKind(
        BATON, WARNING, "A try was never finished",
        "A worker stopped while it was sending. Baton finds out by itself what arrived.",
        "Attempts are unsettled past their lease and no worker has taken the lane over.",
        "See what waits", _deliveries("waiting"),
    ),
    "source_dirty": AlertKind(
        ADMIN, WARNING, "Changed calendars are not read",
        "TrainingPeaks calendars changed more than {wait} ago and are not read yet.",
        "Sources are dirty for over {wait}: see their last error and the workers.",
        "Look at the connection", _named("connections"), wait="BATON_ALERT_UNREAD",
    ),
    "polling_stuck": AlertKind(
        ADMIN, WARNING, "Nobody looks for changes any more",
        "Baton has not got a list of changes for some time. Announced changes still arrive.",
        "The changed feed was not read for three rounds: see the error, the jobs and the log.",
        "Look at the connection", _named("connections"),
    ),
    "athletes_not_shown": AlertKind(
        COACH, WARNING, "TrainingPeaks does not show some athletes",
        "They are on your list, but TrainingPeaks refuses to show their calendars to Baton.",
        "A call for these athletes got a 403. They are tried again whenever the list names them.",
        "Look at the athletes", _named("roster"),
    ),
    "needs_reauth": AlertKind(
        COACH, CRITICAL, "TrainingPeaks must be connected again",
        *_both(source.NeedsReconnectError.code),
        "Connect again", _named("connections"),
    ),
    "refresh_failing": AlertKind(
        ADMIN, CRITICAL, "The access to TrainingPeaks cannot be renewed",
        *_both(source.NoTokenError.code),
        "Look at the connection", _named("connections"),
    ),
    "scope_missing": AlertKind(
        COACH, WARNING, "A TrainingPeaks permission is missing",
        *_both(source.SourceRefusedError.code),
        "Connect again and allow it", _named("connections"),
    ),
    "webhooks_silent": AlertKind(
        ADMIN, WARNING, "TrainingPeaks announces no changes",
        "Changes were found that TrainingPeaks had not announced. They arrive, only later.",
        "Polling finds what no webhook event announced: the subscription is dead or refused.",
        "Look at the athlete", _athlete,
    ),
    "quarantine_open": AlertKind(
        BATON, CRITICAL, "An answer of TrainingPeaks was refused",
        *_both(source.BadAnswerError.code),
        "Open the quarantine", _named("quarantine"),
    ),
    "mass_change": AlertKind(
        COACH, CRITICAL, "Too many athletes are missing at once",
        *_both(source.LIST_TOO_SHORT),
        "Open the quarantine", _named("quarantine"),
    ),
    "breaker_open": AlertKind(
        DESTINATION, CRITICAL, "A destination fails",
        "The destination has failed several times. Plans wait and go on by themselves.",
        "The breaker is open: lanes wait, spend no tries, and one probes from time to time.",
        "Open the destination", _destination,
    ),
    "destination_stopped": AlertKind(
        COACH, CRITICAL, "A destination was stopped by an error",
        "Nothing is sent there until a person changes something. What waits is kept.",
        "The destination was paused or switched off by an error. Its queue is kept.",
        "Open the destination", _destination,
    ),
    "destination_errors": AlertKind(
        DESTINATION, WARNING, "Many errors at a destination",
        "Many of the last calls to this destination failed. Baton goes on trying.",
        "Failed attempts have reached the threshold within the window.",
        "Open the destination", _destination,
    ),
    "destination_failing": AlertKind(
        DESTINATION, WARNING, "A destination has failed for days",
        "Nothing has arrived there for days. It is switched off after five; what waits is kept.",
        "Every call has failed for more than half of five days. Then it is switched off.",
        "Open the destination", _destination,
    ),
    "tries_failing": AlertKind(
        DESTINATION, WARNING, "Plans do not arrive",
        "Several tries in a row have failed there. Baton goes on trying by itself, for days.",
        "Tries of a lane fail one after the other. One alert for each cause of the last failure.",
        "See what waits", _deliveries("waiting"),
    ),
    "delivery_dead": AlertKind(
        ADMIN, CRITICAL, "Deliveries were given up",
        "Plans could not be delivered and Baton does not try again by itself.",
        "The schedule ended, or the cause cannot pass by itself. One alert for each cause.",
        "See what was given up", _deliveries("dead"),
    ),
    "athletes_unlisted": AlertKind(
        COACH, WARNING, "A destination does not list some athletes",
        "Their plans wait, because they are not in this destination's list of athletes.",
        "The settings list athletes, and these are not there: their lanes wait, no try is spent.",
        "Open the destination", _destination,
    ),
    "outcome_unknown": AlertKind(
        COACH, CRITICAL, "Deliveries wait for a person",
        "The destination did not say whether it has the plan, and Baton cannot look.",
        "Outcome unknown at a destination that can neither be read nor asked twice.",
        "Say whether they are there", _deliveries("unknown"),
    ),
    "removal_late": AlertKind(
        ADMIN, CRITICAL, "Shared plans are not taken back yet",
        "Sharing ended more than {wait} ago, and the destination still holds what was shared.",
        "A removal was promised over {wait} ago and is not delivered.",
        "Open the destination", _destination, wait="BATON_ALERT_TAKE_BACK",
    ),
    "drift_found": AlertKind(
        COACH, WARNING, "A destination shows something else",
        "What the destination holds is not what was written. A person decides which one counts.",
        "Reading back found records that are missing or altered.",
        "Open the destination", _destination,
    ),
    "unusual_volume": AlertKind(
        ADMIN, CRITICAL, "Far more is sent than usual",
        "Far more plans than ever were to be sent at once. They wait until somebody has looked.",
        "A destination got many times its busiest hour and was paused. Lift it if that is right.",
        "Review the stop", _named("stops"),
    ),
    "emptied_calendars": AlertKind(
        ADMIN, CRITICAL, "Too many calendars were emptied at once",
        "Many or all plans lost most of their sessions in one day. They wait for somebody to look.",
        "TrainingPeaks showed many or all calendars nearly empty. Is it true? Then lift the stop.",
        "Review the stop", _named("stops"),
    ),
    "too_many_failures": AlertKind(
        ADMIN, CRITICAL, "A route fails, and was paused",
        "Most of what this route sends fails for good. It is held until somebody has looked.",
        "Most deliveries of a route were given up. Roll it back or mend it, then lift the stop.",
        "Review the stop", _named("stops"),
    ),
    "second_wanted": AlertKind(
        ADMIN, WARNING, "A bulk action waits for a second person",
        "It is more than one person may do alone. Another owner, admin or coach looks and agrees.",
        "A bulk action over its role's limit waits; an hour after its preview it ends by itself.",
        "Look at the bulk actions", _named("bulk_actions"),
    ),
    "pump_silent": AlertKind(
        BATON, CRITICAL, "No pump is running",
        "The part of Baton that looks for changes and due plans has stopped. Nothing is lost.",
        "No pump has beaten for {wait}: no calendar is read, and only the broker wakes workers.",
        "Look at the workers", _named("health"), wait="BATON_ALERT_PUMP",
    ),
    "broker_silent": AlertKind(
        BATON, WARNING, "Wake-up calls do not arrive",
        "What wakes Baton at once does not work. Plans go out a little later; nothing is lost.",
        "For {wait} no call reached a worker: the broker is down, full or not heard. Pumps go on.",
        "Look at the workers", _named("health"), wait="BATON_ALERT_BROKER",
    ),
    "job_failing": AlertKind(
        BATON, CRITICAL, "A regular job does not run",
        "Something that Baton does regularly fails or is overdue. Nothing is lost.",
        "A periodic job fails, or nobody runs it. The health page shows its last error.",
        "Look at the jobs", _named("health"),
    ),
    "clock_wrong": AlertKind(
        BATON, WARNING, "Two clocks disagree",
        "A machine of Baton has the wrong time. Destinations may refuse what it signs.",
        "A machine and the database are seconds apart. Set its clock by NTP.",
        "Look at the workers", _named("health"),
    ),
    "log_unanchored": AlertKind(
        BATON, WARNING, "The newest entries are not sealed outside",
        "The proof of the last minutes is not kept outside Baton yet. Plans go out as ever.",
        "Entries have had no checkpoint outside for {wait}: see the signer and its anchor.",
        "Look at the audit trail", _named("audit"), wait="BATON_ALERT_ANCHOR",
    ),
    "signer_refuses": AlertKind(
        BATON, CRITICAL, "The audit log is not the one that was signed",
        "The record of what was shared is shorter or other than it was. A person must look.",
        "The log is shorter than or differs from what was signed: a backup put back, or tampering.",
        "Look at the audit trail", _named("audit"),
    ),
    "conservation_gap": AlertKind(
        BATON, CRITICAL, "Promises without a place",
        "The count of accepted plans and the count of their outcomes differ.",
        "The conservation ledger has a gap. The lanes and the promises in them are named.",
        "See the conservation page", _named("conservation"),
    ),
}  # fmt: skip
