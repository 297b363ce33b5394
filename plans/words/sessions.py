"""One session's change as one sentence: what it is about, what happened to it, and the details."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from plans.diff import SessionChange
from plans.model import Session, Sport
from plans.words import amounts
from plans.words.intervals import interval_clauses, outline
from plans.words.names import NOUNS, Names, Subject, noun, with_article
from plans.words.strength import strength_clauses, titles


@dataclass
class Sentence:
    """Predicates follow the subject; details stand on their own behind them."""

    subject: Subject
    predicates: list[str] = field(default_factory=list)
    gained: list[str] = field(default_factory=list)
    renewed: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    details: list[str] = field(default_factory=list)

    def text(self) -> str:
        has = self.subject.verb("has", "have")
        predicates = [*self.predicates]
        predicates += [f"now {has} {amounts.listed(self.gained)}"] if self.gained else []
        predicates += [f"{has} {amounts.listed(self.renewed)}"] if self.renewed else []
        predicates += [f"no longer {has} {amounts.listed(self.lost)}"] if self.lost else []
        if not predicates:
            return f"{self.subject.starts()}: {'; '.join(self.details)}"
        first = f"{self.subject.starts()} {amounts.listed(predicates)}"
        return "; ".join([first, *self.details])

    def member(self, before: object, after: object, what: str, content: str = "") -> None:
        """Something a session has or has not: added, replaced or gone.

        With `content`, a replacement is told in detail elsewhere.
        """
        if before == after:
            return
        if not before:
            self.gained.append(f"a {what}{content}")
        elif after and not content:
            self.renewed.append(f"a new {what}")
        elif not after:
            self.lost.append(f"a {what}")


def sentence(change: SessionChange, names: Names, *, moved: bool = True) -> str:
    """The change in words; `moved=False` where another line says already where it went."""
    was, now = change.before, change.after
    about = Sentence(names.subject(was if moved else now))
    if moved:
        about.predicates += _moved(change, names)
    if Sport.REST in {was.sport, now.sport} and was.sport is not now.sport:
        about.predicates.append(f"became {with_article(noun(now))}{in_brackets(now)}")
        return about.text()
    about.predicates += _time(change, about.subject, moved=moved)
    about.predicates += _nature(was, now, about.subject)
    _size(was, now, about)
    _words(was, now, about)
    about.details += [*_load(was, now), *_insides(was, now)]
    return about.text()


def _moved(change: SessionChange, names: Names) -> Iterator[str]:
    was, now = change.before, change.after
    if was.date == now.date:
        return
    time = f" at {now.start_time:%H:%M}" if now.start_time not in {None, was.start_time} else ""
    step = now.date - was.date
    if step.days % 7 == 0:
        yield f"moved {amounts.shift(step)} to {names.day(now.date)}{time}"
    else:
        yield f"moved to {names.day(now.date)}{time}"


def _time(change: SessionChange, subject: Subject, *, moved: bool) -> Iterator[str]:
    was, now = change.before.start_time, change.after.start_time
    if was == now or (now and moved and change.moved):
        return
    if now is None:
        yield f"no longer {subject.verb('has', 'have')} a fixed start time"
    else:
        instead = f" instead of {was:%H:%M}" if was else ""
        yield f"now {subject.verb('starts', 'start')} at {now:%H:%M}{instead}"


def _nature(was: Session, now: Session, subject: Subject) -> Iterator[str]:
    """Another sport, another name, done."""
    if was.sport is not now.sport:
        same = NOUNS[was.sport] == NOUNS[now.sport]
        plain = with_article(Subject(NOUNS[now.sport]))
        yield "became another kind of session" if same else f"became {plain}"
    if was.title != now.title:
        verb = subject.verb("is", "are")
        called = f"now called “{now.title}”" if now.title else "now without a title"
        yield f"{verb} {called}"
    if was.completed != now.completed:
        yield (
            f"{subject.verb('was', 'were')} marked as done"
            if now.completed
            else f"{subject.verb('is', 'are')} no longer marked as done"
        )


def _size(was: Session, now: Session, about: Sentence) -> None:
    """Duration and distance: together where both grew or both shrank."""
    sizes = [*_duration(was, now, about), *_distance(was, now, about)]
    if len({larger for larger, _, _ in sizes}) > 1:
        now_words = amounts.listed([after for _, _, after in sizes])
        was_words = amounts.listed([before for _, before, _ in sizes])
        verb = about.subject.verb("is", "are")
        about.predicates.append(f"{verb} now {now_words} instead of {was_words}")
        return
    for grew, word in ((True, "longer"), (False, "shorter")):
        same = [(before, after) for larger, before, after in sizes if larger is grew]
        if same:
            after = amounts.listed([size for _, size in same])
            before = amounts.listed([size for size, _ in same])
            about.predicates.append(f"got {word} ({after} instead of {before})")


def _duration(was: Session, now: Session, about: Sentence) -> Iterator[tuple[bool, str, str]]:
    before, after = was.duration_seconds, now.duration_seconds
    if before == after:
        return
    if before is None and after is not None:
        about.gained.append(f"a planned duration of {amounts.duration(after)}")
    elif after is None:
        about.lost.append("a planned duration")
    elif before is not None:
        yield after > before, *amounts.durations(before, after)


def _distance(was: Session, now: Session, about: Sentence) -> Iterator[tuple[bool, str, str]]:
    before, after = was.distance_meters, now.distance_meters
    if before == after:
        return
    if before is None and after is not None:
        about.gained.append(f"a planned distance of {amounts.distance(after, now.sport)}")
    elif after is None:
        about.lost.append("a planned distance")
    elif before is not None:
        yield after > before, *amounts.distances(before, after, now.sport)


def _words(was: Session, now: Session, about: Sentence) -> None:
    about.member(was.description, now.description, "description")
    about.member(was.coach_notes, now.coach_notes, "note from the coach")
    about.member(was.intervals, now.intervals, "structure", f" ({outline(now.intervals)})")
    about.member(was.strength, now.strength, "list of exercises", f" ({titles(now.strength)})")
    about.member(was.url, now.url, "link to TrainingPeaks")


def _load(was: Session, now: Session) -> Iterator[str]:
    if was.load != now.load:
        yield _went("planned load", was.load, now.load, " TSS")
    if was.intensity_factor != now.intensity_factor:
        yield _went("planned intensity", was.intensity_factor, now.intensity_factor, " IF")


def _went(what: str, before: float | None, after: float | None, unit: str) -> str:
    """Hidden is not zero: a figure that is gone is only not given any more."""
    if after is None:
        return f"{what} is no longer given"
    if before is None:
        return f"{what} is now {after:g}{unit}"
    return f"{what} went from {before:g} to {after:g}{unit}"


def _insides(was: Session, now: Session) -> Iterator[str]:
    if was.intervals and now.intervals and was.intervals != now.intervals:
        yield from interval_clauses(was.intervals, now.intervals)
    if was.strength and now.strength and was.strength != now.strength:
        yield from strength_clauses(was.strength, now.strength)


def in_brackets(session: Session) -> str:
    """How much of it there is: (45 min, 8 km)."""
    parts = []
    if session.duration_seconds:
        parts.append(amounts.duration(session.duration_seconds))
    if session.distance_meters:
        parts.append(amounts.distance(session.distance_meters, session.sport))
    return f" ({', '.join(parts)})" if parts else ""


def added(session: Session, names: Names) -> str:
    day = names.day(session.date)
    if session.sport is Sport.REST:
        return f"{day} is now a rest day"
    thing = noun(session).words
    at = f" at {session.start_time:%H:%M}" if session.start_time else ""
    return f"{thing[:1].upper()}{thing[1:]} added on {day}{at}{in_brackets(session)}"


def removed(session: Session, names: Names) -> str:
    if session.sport is Sport.REST:
        return f"{names.day(session.date)} is no longer a rest day"
    subject = names.subject(session)
    return f"{subject.starts()} {subject.verb('was', 'were')} removed"


def replaced(gone: Session, new: Session, names: Names) -> str:
    """One went and one came on the same day."""
    day = names.day(gone.date)
    if new.sport is Sport.REST:
        subject = noun(gone)
        return f"{day} is now a rest day: {subject.words} removed"
    if gone.sport is Sport.REST:
        return f"{day} is no longer a rest day: {noun(new).words} added{in_brackets(new)}"
    subject = names.subject(gone)
    verb = subject.verb("was", "were")
    return f"{subject.starts()} {verb} replaced by {with_article(noun(new))}{in_brackets(new)}"
