"""How Baton shows things: icons, times, durations, state chips, form fields. No queries."""

from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from django import template
from django.forms import BoundField, CheckboxInput, CheckboxSelectMultiple, RadioSelect
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts import rights
from accounts.models import Connection, User
from plans.fields import SESSION_FIELDS
from sharing import reasons
from sharing.models import Delivery, Quarantine, Source
from sharing.reasons import explain
from sharing.selectors import waiting
from sharing.selectors.trouble import Trouble, of_connection, of_kept, of_source

register = template.Library()

DAY = timedelta(days=1)
MINUTE = 60
HOUR = 3600


class Look(NamedTuple):
    tone: str
    icon: str
    word: str


LOOKS: dict[str, Look] = {
    # a delivery
    "delivered": Look("ok", "delivered", "Delivered"),
    "waiting": Look("wait", "waiting", "Waiting"),
    "superseded": Look("", "superseded", "Superseded"),
    "blocked": Look("warn", "blocked", "Blocked"),
    "unknown": Look("odd", "unknown", "Unknown"),
    "dead": Look("bad", "dead", "Dead"),
    # a step, an attempt, a remote record
    "done": Look("ok", "delivered", "Done"),
    "intended": Look("wait", "waiting", "Under way"),
    "failed": Look("bad", "dead", "Failed"),
    "transient": Look("warn", "waiting", "Trying again later"),
    "permanent": Look("bad", "dead", "Refused"),
    "present": Look("ok", "delivered", "Present"),
    "uncertain": Look("odd", "unknown", "Uncertain"),
    "removed": Look("", "superseded", "Removed"),
    "replaced": Look("", "superseded", "Replaced since"),
    # consent
    "granted": Look("ok", "delivered", "Granted"),
    "declined": Look("bad", "dead", "Declined"),
    "withdrawn": Look("warn", "blocked", "Withdrawn"),
    "expired": Look("warn", "waiting", "Expired"),
    "missing": Look("", "none", "Not asked yet"),
    # a connection, a destination, a route, a lane
    "healthy": Look("ok", "delivered", "Connected"),
    "needs_reauth": Look("bad", "dead", "Needs reconnecting"),
    "scope_missing": Look("warn", "blocked", "Permission missing"),
    "disconnected": Look("", "none", "Disconnected"),
    "detached": Look("", "none", "Detached"),
    "erasing": Look("warn", "unknown", "Being erased"),
    "erased": Look("", "none", "Erased"),
    "active": Look("ok", "delivered", "Active"),
    "paused": Look("warn", "blocked", "Paused"),
    "disabled": Look("", "none", "Disabled"),
    "retired": Look("", "none", "Retired"),
    "closed": Look("", "none", "Closed"),
    "test": Look("wait", "waiting", "Test"),
    "live": Look("ok", "delivered", "Live"),
    "well": Look("ok", "delivered", "Well"),
    "untested": Look("", "none", "Not tested yet"),
    "unsteady": Look("warn", "unknown", "Unsteady"),
    "failing": Look("bad", "dead", "Failing"),
    "off": Look("", "none", "Off"),
    "open": Look("warn", "unknown", "Waiting for a person"),
    "replayed": Look("ok", "delivered", "Read again"),
    "dismissed": Look("", "superseded", "Dismissed"),
    # a difference, a check
    "repairing": Look("wait", "waiting", "Being put back"),
    "repaired": Look("ok", "delivered", "Put back"),
    "kept": Look("odd", "person", "Kept as it is there"),
    "vanished": Look("", "superseded", "Gone by itself"),
    "running": Look("wait", "waiting", "Under way"),
    "incomplete": Look("warn", "unknown", "Incomplete"),
    # a stop
    "pause": Look("warn", "pause", "Paused"),
    "drain": Look("warn", "waiting", "Draining"),
    "kill": Look("bad", "dead", "Kill switch on"),
    # a bulk action, one of its plans
    "preview": Look("", "eye", "Preview"),
    "second": Look("warn", "person", "Waiting for a second person"),
    "cancelled": Look("", "superseded", "Cancelled"),
    "nothing": Look("ok", "delivered", "As wished already"),
    # an alert
    "critical": Look("bad", "dead", "Critical"),
    "warning": Look("warn", "unknown", "Warning"),
    "acknowledged": Look("wait", "person", "Acknowledged"),
    "resolved": Look("ok", "delivered", "Resolved"),
    "verified": Look("ok", "delivered", "Verified"),
    "broken": Look("bad", "dead", "Broken"),
}

SPORT_ICONS = frozenset(
    [
        "swim",
        "bike",
        "run",
        "walk",
        "mtb",
        "xc_ski",
        "rowing",
        "brick",
        "cross_training",
        "race",
        "rest",
        "strength",
        "custom",
    ]
)


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    address = f"{static('img/icons.svg')}#{name}"
    if label:
        return format_html(
            '<svg class="icon" role="img" aria-label="{}"><use href="{}"></use></svg>',
            label,
            address,
        )
    return format_html('<svg class="icon" aria-hidden="true"><use href="{}"></use></svg>', address)


@register.simple_tag
def sport_icon(sport: object) -> SafeString:
    name = str(sport)
    return icon(name if name in SPORT_ICONS else "other", name.replace("_", " ").capitalize())


@register.simple_tag
def chip(state: str, word: str = "") -> SafeString:
    """A state as a word with a shape: never by colour alone."""
    look = LOOKS.get(state, Look("", "none", state.replace("_", " ").capitalize()))
    return format_html(
        '<span class="chip {}" data-state="{}">{}{}</span>',
        look.tone,
        state,
        icon(look.icon),
        word or look.word,
    )


@register.filter
def tone(state: str) -> str:
    return LOOKS[state].tone if state in LOOKS else ""


@register.filter
def shape(state: str) -> str:
    return LOOKS[state].icon if state in LOOKS else "none"


@register.simple_tag
def when(moment: datetime | None, never: str = "never") -> SafeString | str:
    """A moment as people say it, the exact UTC time on it."""
    return never if moment is None else _said(moment, " data-relative")


@register.simple_tag
def due(moment: datetime) -> SafeString | str:
    """A moment to come as people say it; what should have come already is due now."""
    return "now" if moment <= timezone.now() else _said(moment)


def _said(moment: datetime, kept_up_to_date: str = "") -> SafeString:
    exact = moment.astimezone(UTC)
    return format_html(
        '<time datetime="{}" title="{}"{}>{}</time>',
        exact.isoformat(timespec="milliseconds"),
        f"{exact:%a %-d %b %Y, %H:%M:%S} UTC",
        kept_up_to_date,
        spoken(timezone.now() - moment) or f"{exact:%-d %b %Y}",
    )


@register.simple_tag
def exact(moment: datetime | None) -> SafeString | str:
    """A moment to the second, in UTC: for evidence."""
    if moment is None:
        return "—"
    utc = moment.astimezone(UTC)
    return format_html(
        '<time datetime="{}">{}</time>',
        utc.isoformat(timespec="milliseconds"),
        f"{utc:%-d %b %Y, %H:%M:%S} UTC",
    )


def spoken(past: timedelta) -> str:
    """“5 minutes ago”, “in 2 hours”, or nothing when a date says more."""
    if abs(past) >= 7 * DAY:
        return ""
    seconds = int(abs(past).total_seconds())
    if seconds < 45:
        return "just now" if past >= timedelta() else "in a moment"
    amount, unit = _amount(seconds)
    words = f"{amount} {unit}{'' if amount == 1 else 's'}"
    return f"{words} ago" if past > timedelta() else f"in {words}"


def _amount(seconds: int) -> tuple[int, str]:
    for size, unit in ((24 * HOUR, "day"), (HOUR, "hour")):
        if seconds >= size:
            return round(seconds / size), unit
    return max(1, round(seconds / MINUTE)), "minute"


@register.filter
def hours(seconds: float | None) -> str:
    """Seconds of training as a person writes them: “1 h 30 min”."""
    if seconds is None:
        return "—"
    whole, minutes = divmod(round(seconds / MINUTE), 60)
    if whole and minutes:
        return f"{whole} h {minutes} min"
    return f"{whole} h" if whole else f"{minutes} min"


@register.filter
def kilometres(meters: float | None) -> str:
    if not meters:
        return ""
    return f"{meters / 1000:.1f} km" if meters >= 1000 else f"{meters:.0f} m"


@register.filter
def took(passed: timedelta | None) -> str:
    """How long something took, as fine as it matters."""
    if passed is None:
        return "—"
    seconds = passed.total_seconds()
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    return hours(seconds)


@register.filter
def minus(after: datetime, before: datetime) -> timedelta:
    return after - before


@register.filter
def because(code: str) -> str:
    """Why, in a coach's words."""
    return explain(code).coach_words


@register.filter
def why(delivery: Delivery) -> str:
    """Why it stands as it does, in a coach's words."""
    return reasons.of(delivery).coach_words


@register.filter
def next_try(delivery: Delivery) -> waiting.NextTry | None:
    """When it is tried next, or for whom it waits."""
    return waiting.next_try(delivery)


@register.filter
def trouble(about: Connection | Source | Quarantine | None) -> Trouble | None:
    """What is wrong with a connection or an answer, or keeps a calendar from being read."""
    if isinstance(about, Connection):
        return of_connection(about)
    if isinstance(about, Quarantine):
        return of_kept(about)
    return of_source(about) if about else None


@register.filter
def field_label(name: str) -> str:
    """A session field as people call it."""
    about = SESSION_FIELDS.get(name)
    return about.label if about else words(name)


@register.filter
def day(value: date | None) -> str:
    return f"{value:%a %-d %b}" if value else "—"


@register.filter
def get(mapping: Any, key: Any) -> Any:
    return mapping.get(key)


@register.filter
def words(name: str) -> str:
    """A stored name as words: “needs_reauth” → “Needs reauth”."""
    return str(name).replace("_", " ").replace(".", " ").capitalize()


@register.inclusion_tag("components/field.html")
def field(bound: BoundField) -> dict[str, Any]:
    """One form field with its label, help and errors tied together for every reader."""
    widget = bound.field.widget
    return {
        "field": bound,
        "single_check": isinstance(widget, CheckboxInput),
        "group": isinstance(widget, RadioSelect | CheckboxSelectMultiple),
        "long": isinstance(widget, CheckboxSelectMultiple),
    }


@register.simple_tag(takes_context=True)
def permissions(context: template.Context) -> frozenset[str]:
    """What the person may do anywhere: a door that is closed to them is not shown."""
    user = context.get("user")
    if not isinstance(user, User):
        return frozenset()
    held = user.memberships.values_list("role", flat=True)
    return frozenset().union(*(rights.PERMISSIONS[role] for role in held))


@register.simple_tag(takes_context=True)
def current(context: template.Context, *names: str) -> SafeString | str:
    """`aria-current` on the navigation entry whose pages these are."""
    request = context.get("request")
    match = getattr(request, "resolver_match", None)
    here = match is not None and match.url_name in names
    return format_html(' aria-current="{}"', "page") if here else ""
