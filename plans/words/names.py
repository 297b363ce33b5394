"""How people call a day and a session: Tuesday's intervals, “Fartlek 12” on Sunday 12 April."""

import re
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta

from plans.model import Session, Sport
from plans.text import shortened

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
NEAR = timedelta(days=6)  # a bare weekday is the next one of that name
LONGEST_TITLE = 60

NOUNS = {
    Sport.SWIM: "swim",
    Sport.BIKE: "ride",
    Sport.RUN: "run",
    Sport.WALK: "walk",
    Sport.MTB: "mountain bike ride",
    Sport.XC_SKI: "ski session",
    Sport.ROWING: "row",
    Sport.BRICK: "brick session",
    Sport.CROSS_TRAINING: "cross-training session",
    Sport.RACE: "race",
    Sport.REST: "rest day",
    Sport.STRENGTH: "strength session",
    Sport.CUSTOM: "session",
    Sport.OTHER: "session",
}


def vocabulary(words: str) -> frozenset[str]:
    return frozenset(words.split())


# Titles made of these words alone are everyday language: no capitals, no quotation marks.
THINGS = vocabulary(
    "run ride swim walk row hike jog spin session workout race test brick climb shakeout"
)
MANY = vocabulary("intervals hills repeats drills strides sprints climbs laps openers")
KINDS = vocabulary(
    "easy long short tempo recovery endurance steady hard fast slow hill interval threshold "
    "aerobic base race pace marathon strength speed track trail road sweet spot morning evening "
    "lunch group indoor outdoor brick technique progression progressive light moderate core "
    "mobility yoga stretching full body upper lower active medium big gear open water pool "
    "mountain bike and"
)


@dataclass(frozen=True)
class Subject:
    """What a sentence is about, and whether its verb is plural."""

    words: str
    plural: bool = False

    def verb(self, one: str, many: str) -> str:
        return many if self.plural else one

    def starts(self) -> str:
        return self.words[:1].upper() + self.words[1:]


@dataclass(frozen=True)
class Names:
    """Names that are clear among these sessions and, where it is known, to a reader of `today`."""

    dates: frozenset[date]
    today: date | None = None
    twins: Collection[tuple[date, str]] = field(default_factory=frozenset)

    @classmethod
    def among(cls, sessions: Iterable[Session], today: date | None = None) -> "Names":
        named = [(session.date, noun(session).words) for session in sessions]
        counts = Counter(set_of_times(sessions))
        twins = frozenset(key for key, count in counts.items() if count > 1)
        return cls(frozenset(day for day, _ in named), today, twins)

    def near(self, day: date) -> bool:
        first = self.today or min(self.dates, default=day)
        clear = all(abs(day - other) <= NEAR for other in self.dates) or self.today is not None
        return clear and first <= day <= first + NEAR

    def day(self, day: date) -> str:
        weekday = WEEKDAYS[day.weekday()]
        return weekday if self.near(day) else f"{weekday} {self.dated(day)}"

    def dated(self, day: date) -> str:
        years = {other.year for other in self.dates} | {(self.today or day).year}
        year = f" {day.year}" if len(years | {day.year}) > 1 else ""
        return f"{day.day} {MONTHS[day.month - 1]}{year}"

    def span(self, days: Collection[date]) -> str:
        """The days of several: on Saturday, from 2 to 30 March, from 1 March to 12 April."""
        first, last = min(days), max(days)
        if first == last:
            return f"on {self.day(first)}"
        if (first.year, first.month) == (last.year, last.month):
            return f"from {first.day} to {self.dated(last)}"
        return f"from {self.dated(first)} to {self.dated(last)}"

    def subject(self, session: Session) -> Subject:
        thing = self._distinct(session)
        if self.near(session.date):
            return Subject(f"{self.day(session.date)}'s {thing.words}", thing.plural)
        article = "" if thing.words.startswith("“") else "the "
        return Subject(f"{article}{thing.words} on {self.day(session.date)}", thing.plural)

    def _distinct(self, session: Session) -> Subject:
        """Two of one name on one day are told apart by their time."""
        thing = noun(session)
        if (session.date, thing.words) in self.twins and session.start_time:
            return Subject(f"{session.start_time:%H:%M} {thing.words}", thing.plural)
        return thing


def set_of_times(sessions: Iterable[Session]) -> list[tuple[date, str]]:
    """Day and name of every session, each session once."""
    seen = {(session.item_id, session.date): noun(session).words for session in sessions}
    return [(day, words) for (_, day), words in seen.items()]


def noun(session: Session) -> Subject:
    """The session in the middle of a sentence: intervals, easy run, “Alpine simulation”."""
    plain = NOUNS[session.sport]
    title = shortened(session.title, LONGEST_TITLE)
    if session.sport is Sport.REST or not title:
        return Subject(plain)
    if session.sport is Sport.RACE:
        return Subject(plain if title.casefold() == plain else f"race “{title}”")
    everyday = _everyday(title, plain)
    return everyday or Subject(f"“{title}”")


def _everyday(title: str, plain: str) -> Subject | None:
    words = title.casefold().split()
    if not words or not all(word in THINGS | MANY | KINDS for word in words):
        return None
    last = words[-1]
    if last in THINGS | MANY:
        return Subject(" ".join(words), plural=last in MANY)
    short = plain.rpartition(" ")[2]
    return Subject(" ".join([*words, short]))


def with_article(thing: Subject) -> str:
    """In a sentence: a run, an easy ride, intervals, “Alpine simulation”."""
    if thing.plural or thing.words.startswith("“"):
        return thing.words
    return f"{'an' if re.match('[aeiou]', thing.words) else 'a'} {thing.words}"
