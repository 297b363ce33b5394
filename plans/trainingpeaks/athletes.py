"""An athlete on a coach's TrainingPeaks roster: only what Baton may keep of them."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from plans.trainingpeaks.wire import ParseNote, Reader, conform, identity, line


@dataclass(frozen=True, kw_only=True)
class RosterAthlete:
    source_id: int
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    time_zone: str | None = None  # not known is not UTC: the coach is asked
    is_premium: bool = False
    coached_by: int | None = None

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()


def parse_roster(raw: object, *, notes: list[ParseNote] | None = None) -> tuple[RosterAthlete, ...]:
    """The bare list of the roster. Another coach's id in `CoachedBy` is no reason to drop one."""
    if not isinstance(raw, list):
        Reader().refuse("a list of athletes", raw)
    return tuple(
        parse_athlete(member, path=f"[{index}]", notes=notes) for index, member in enumerate(raw)
    )


def parse_athlete(
    raw: object, *, path: str = "", notes: list[ParseNote] | None = None
) -> RosterAthlete:
    reader = Reader(path, notes if notes is not None else [])
    athlete = conform(raw, "athlete.json", path)
    coach = athlete.get("CoachedBy")
    return RosterAthlete(
        source_id=identity(athlete["Id"], reader.at("Id")),
        first_name=line(athlete.get("FirstName"), 100, reader.at("FirstName")),
        last_name=line(athlete.get("LastName"), 100, reader.at("LastName")),
        email=line(athlete.get("Email"), 254, reader.at("Email")),
        time_zone=_time_zone(athlete.get("TimeZone"), reader.at("TimeZone")),
        is_premium=athlete.get("IsPremium") is True,
        coached_by=identity(coach, reader.at("CoachedBy")) if coach else None,
    )


def _time_zone(name: str | None, reader: Reader) -> str | None:
    if not name or not name.strip():
        return None
    try:
        return ZoneInfo(name.strip()).key
    except (ValueError, OSError, KeyError):  # not found, not a zone's name, a folder's name
        reader.note("time_zone_unknown", "Not a time zone we know: the coach must choose one.")
        return None
