"""A coach's studio, the same every time: Ana Keller, her assistant, and forty athletes."""

import random
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sandbox import journal, store
from sandbox.control import training
from sandbox.trainingpeaks import calendars

COACH_ID, ASSISTANT_ID, FIRST_ATHLETE = 7_001, 7_002, 5_410_001
PASSWORD = "sandbox"  # noqa: S105 - shown on the sign-in page of a simulator
ZONES = ("Europe/Berlin", "Europe/London", "America/New_York", "Australia/Sydney")
FIRST_NAMES = (
    "Ben", "Mia", "Jonas", "Aisha", "Luca", "Freya", "Mateo", "Ingrid", "Tom", "Noor",
    "Emil", "Clara", "Rui", "Hannah", "Oskar", "Priya", "Liam", "Zoë", "Marek", "Elena",
    "Kofi", "Greta", "Hugo", "Yuki", "Arne", "Lucía", "Sven", "Maeve", "Paul", "Ines",
    "Theo", "Nadia", "Felix", "Amara", "Jan", "Saoirse", "Max", "Leonie", "Iker", "Ruth",
)  # fmt: skip
LAST_NAMES = (
    "Hartmann", "Okafor", "Lindqvist", "Rossi", "O’Brien", "Sato", "García", "Novák", "Weiß",
    "Fischer", "Dubois", "Haddad", "Nyström", "Costa", "MacLeod", "Patel", "Brandt", "Ilves",
    "Moreau", "Zhang",
)  # fmt: skip
FOCUSES = ("triathlon", "bike", "run", "triathlon", "run", "mtb", "ski", "rowing")


@dataclass(frozen=True)
class Size:
    athletes: int = 40
    weeks: int = 8
    start: date | None = None


def seed(size: Size) -> dict[str, Any]:
    """Forget everything, then put the studio there. Nobody is told: it was always so."""
    start = size.start or monday(store.now().date()) - timedelta(weeks=1)
    store.forget()
    with store.transaction():
        _seed_staff()
        for place in range(size.athletes):
            _seed_athlete(place, start, size.weeks)
        journal.record("seed", "control", studio="demo", athletes=size.athletes)
    return listing()


def listing() -> dict[str, Any]:
    coach = store.one("SELECT * FROM person WHERE role = 'coach'")
    if coach is None:
        return {"coach": None, "athletes": []}
    body = store.loaded(coach["body"])
    login = {"email": coach["email"], "password": coach["password"]}
    return {
        "coach": {"id": coach["id"], "name": full_name(body), **login, "login": login},
        "athletes": [_listed(row) for row in _athletes()],
    }


def full_name(body: dict[str, Any]) -> str:
    return f"{body.get('FirstName') or ''} {body.get('LastName') or ''}".strip()


def monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _athletes() -> list[store.Row]:
    return store.all_rows("SELECT * FROM person WHERE role = 'athlete' ORDER BY id")


def _listed(row: store.Row) -> dict[str, Any]:
    body = store.loaded(row["body"])
    return {
        "id": row["id"],
        "name": full_name(body),
        "email": row["email"],
        "timeZone": body.get("TimeZone"),
        "isPremium": body["IsPremium"],
        "login": {"email": row["email"], "password": row["password"]},
    }


def _seed_staff() -> None:
    _add_person(COACH_ID, "coach", "Ana", "Keller", {"CoachId": COACH_ID})
    cara = {"CoachId": ASSISTANT_ID, "Id": ASSISTANT_ID}
    _add_person(ASSISTANT_ID, "assistant", "Cara", "Vogel", cara)


def _seed_athlete(place: int, start: date, weeks: int) -> None:
    chance = random.Random(f"athlete {place}")  # noqa: S311 - the same studio every time
    number = FIRST_ATHLETE + place
    first = FIRST_NAMES[place % len(FIRST_NAMES)]
    last = LAST_NAMES[(place * 7) % len(LAST_NAMES)]
    _add_person(number, "athlete", first, last, _profile(number, place, chance))
    focus = FOCUSES[place % len(FOCUSES)]
    bodies = training.block(focus, start, weeks, chance, race=place == 0)
    calendars.seed_all(number, bodies)


def _profile(number: int, place: int, chance: random.Random) -> dict[str, Any]:
    """The third is a basic athlete, the fourth has no time zone, the fifth is Cara's."""
    profile: dict[str, Any] = {
        "Id": number,
        "TimeZone": ZONES[place % len(ZONES)],
        "BirthMonth": f"{chance.randint(1965, 2004)}-{chance.randint(1, 12):02}",
        "Sex": chance.choice("mf"),
        "CoachedBy": ASSISTANT_ID if place == 4 else COACH_ID,
        "Weight": round(chance.uniform(52, 88), 1),
        "IsPremium": place != 2,
        "PreferredUnits": "English" if place % len(ZONES) == 2 else "Metric",
    }
    if place == 3:
        del profile["TimeZone"]
    if place % 9 == 5:
        del profile["Weight"]
    return profile


def _add_person(number: int, role: str, first: str, last: str, about: dict[str, Any]) -> None:
    plain = (first, last)
    email = ".".join(_ascii(name) for name in plain) + f".{number}@example.com"
    if role != "athlete":
        email = ".".join(_ascii(name) for name in plain) + "@example.com"
    body = {"FirstName": first, "LastName": last, "Email": email} | about
    store.run(
        "INSERT INTO person VALUES (?, ?, ?, ?, ?)",
        number, role, email, PASSWORD, store.dumped(body),
    )  # fmt: skip


def _ascii(name: str) -> str:
    table = str.maketrans({"ö": "oe", "ß": "ss", "’": "", "ë": "e", "í": "i", "á": "a"})
    return name.casefold().translate(table).encode("ascii", "ignore").decode()
