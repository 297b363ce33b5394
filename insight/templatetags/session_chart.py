"""A session's intervals as a small picture: time runs right, effort goes up."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from plans.model import Interval, Repeat, Session

register = template.Library()

METRES_PER_SECOND = {"swim": 1.1, "bike": 8.0, "mtb": 5.0, "rowing": 3.5}
USUAL_EFFORT = {"warmup": 55.0, "active": 85.0, "rest": 50.0, "cooldown": 50.0}
ZONES = ((60.0, "z1"), (76.0, "z2"), (91.0, "z3"), (106.0, "z4"))
UNIT_WORDS = {
    "percent_ftp": "% of FTP",
    "percent_max_hr": "% of maximum heart rate",
    "percent_threshold_hr": "% of threshold heart rate",
    "percent_threshold_pace": "% of threshold pace",
    "rpe": "RPE",
}
LOWEST_TOP = 100.0  # an easy session does not fill the picture
MOST_BARS = 400


class Bar(NamedTuple):
    seconds: float
    effort: float  # percent of the athlete's threshold


@register.simple_tag
def session_chart(session: Session) -> SafeString | str:
    bars = list(flat(session.intervals, str(session.sport)))[:MOST_BARS]
    total = sum(bar.seconds for bar in bars)
    if not total:
        return ""
    return format_html(
        '<svg class="chart" viewBox="0 0 1000 100" preserveAspectRatio="none" role="img" '
        'aria-label="{}">{}</svg>',
        outline(session.intervals),
        format_html_join(
            "", '<rect class="{}" x="{}" y="{}" width="{}" height="{}"/>', _drawn(bars, total)
        ),
    )


def flat(intervals: Sequence[Interval | Repeat], sport: str) -> Iterator[Bar]:
    """Every interval as it is done, repeats written out."""
    for part in intervals:
        if isinstance(part, Repeat):
            for _ in range(part.count):
                yield from flat(part.steps, sport)
        else:
            yield Bar(_seconds(part, sport), _effort(part))


def outline(intervals: Sequence[Interval | Repeat]) -> str:
    """The same picture in words, for those who cannot see it."""
    return ", ".join(_in_words(part) for part in intervals) or "no intervals"


@register.filter
def interval_words(part: Interval) -> str:
    """One interval as a coach writes it: “8 min active at 105–110 % of FTP”."""
    return " ".join(filter(None, (_in_words(part), _target(part), part.notes)))


def _target(part: Interval) -> str:
    target = part.target
    if target is None:
        return ""
    unit = UNIT_WORDS.get(str(target.unit), str(target.unit))
    bounds = [f"{n:g}" for n in (target.minimum, target.maximum) if n is not None]
    amount = f"{target.value:g}" if target.value is not None else "–".join(bounds)
    return f"at RPE {amount}" if unit == "RPE" else f"at {amount} {unit}"


def _in_words(part: Interval | Repeat) -> str:
    if isinstance(part, Repeat):
        return f"{part.count} × ({outline(part.steps)})"
    amount = part.length.value
    length = f"{amount} m" if str(part.length.unit) == "meter" else _clock(amount)
    return f"{length} {part.name or str(part.intensity)}"


def _clock(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    if not minutes:
        return f"{rest} s"
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"


def _seconds(part: Interval, sport: str) -> float:
    if str(part.length.unit) == "meter":
        return part.length.value / METRES_PER_SECOND.get(sport, 3.2)
    return float(part.length.value)


def _effort(part: Interval) -> float:
    usual = USUAL_EFFORT.get(str(part.intensity), 70.0)
    target = part.target
    if target is None:
        return usual
    known = [bound for bound in (target.minimum, target.maximum) if bound is not None]
    middle = (
        target.value if target.value is not None else sum(known) / len(known) if known else usual
    )
    return float(middle) * 10 if str(target.unit) == "rpe" else float(middle)


def _drawn(bars: Sequence[Bar], total: float) -> Iterator[tuple[str, str, str, str, str]]:
    left, top = 0.0, max(LOWEST_TOP, *(bar.effort for bar in bars))
    for bar in bars:
        width = bar.seconds / total * 1000
        height = max(8.0, bar.effort / top * 100)
        gap = min(3.0, width * 0.15)
        yield (
            zone(bar.effort),
            f"{left:.1f}",
            f"{100 - height:.1f}",
            f"{width - gap:.1f}",
            f"{height:.1f}",
        )
        left += width


def zone(effort: float) -> str:
    return next((name for limit, name in ZONES if effort < limit), "z5")
