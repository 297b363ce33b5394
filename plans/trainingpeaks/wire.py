"""How single values look on TrainingPeaks' wire: names, ids, days, times and figures."""

import logging
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any, NoReturn

from plans import contract
from plans.errors import ContractError, joined
from plans.limits import CleanLine, CleanText, is_web_address

logger = logging.getLogger("plans.trainingpeaks")

LARGEST_ID = 2**63 - 1
_STAMP = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)"
    r"(?:[T ](?P<clock>\d\d:\d\d(?::\d\d)?)(?:[.,]\d+)?\s*(?P<zone>Z|[+-]\d\d:?\d\d)?)?",
    re.IGNORECASE | re.ASCII,
)
_NO_YEAR = 1  # the source's empty date is in the year 1


@dataclass(frozen=True)
class ParseNote:
    """Something that was read with tolerance, so that a person can see it later."""

    path: str
    code: str
    words: str


@dataclass(frozen=True)
class Reader:
    """Where we are in the document, and what was remarkable on the way."""

    path: str = ""
    notes: list[ParseNote] = field(default_factory=list)

    def at(self, part: str | int) -> "Reader":
        name = f"[{part}]" if isinstance(part, int) else part
        return Reader(joined(self.path, name), self.notes)

    def note(self, code: str, words: str) -> None:
        self.notes.append(ParseNote(self.path, code, words))
        logger.info("%s at %s", code, self.path)

    def refuse(self, expected: str, got: object) -> NoReturn:
        raise ContractError(self.path, f"expected {expected}, got {contract.shown(got)}")


def conform(raw: object, schema_name: str, at: str = "") -> Any:
    """The document with every known name in the documented casing, held against its schema."""
    schema = contract.load(f"source/{schema_name}")
    document = _cased(raw, schema, schema)
    contract.check(document, f"source/{schema_name}", at=at)
    return document


def _cased(value: Any, schema: Mapping[str, Any], root: Mapping[str, Any]) -> Any:
    if "$ref" in schema:
        return _cased(value, root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    if isinstance(value, Mapping) and "properties" in schema:
        return _cased_members(value, schema["properties"], root)
    if isinstance(value, list) and "items" in schema:
        return [_cased(member, schema["items"], root) for member in value]
    return value


def _cased_members(
    value: Mapping[str, Any], properties: Mapping[str, Any], root: Mapping[str, Any]
) -> dict[str, Any]:
    """Only the members we know. Where two casings are sent, the one that says something wins."""
    known = {name.casefold(): name for name in properties}
    found: dict[str, Any] = {}
    for key, member in value.items():
        name = known.get(str(key).casefold())
        if name is not None and found.get(name) is None:
            found[name] = _cased(member, properties[name], root)
    return found


def identity(value: object, reader: Reader) -> int:
    """A 64-bit number, sent as a number or as digits."""
    number = int(value) if isinstance(value, str) and re.fullmatch(r"[0-9]{1,19}", value) else value
    if isinstance(number, float) and number.is_integer():
        number = int(number)
    if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= LARGEST_ID:
        reader.refuse("a whole number from 1 to 2^63-1", value)
    return number


def figure(value: float | None, most: float, reader: Reader) -> float | None:
    """A planned figure. The source sends zero where nothing is planned."""
    if value is None:
        return None
    if not math.isfinite(value) or not 0 <= value <= most:
        reader.refuse(f"a number from 0 to {most:g}", value)
    return float(value) or None


def local_stamp(text: str, reader: Reader) -> tuple[date, time]:
    """Day and time on the athlete's wall. Fractions of any length and a zone mean nothing here."""
    match = _STAMP.fullmatch(text.strip())
    if match is None:
        reader.refuse("a local date like 2026-03-02T00:00:00", text)
    try:
        return date.fromisoformat(match["day"]), time.fromisoformat(match["clock"] or "00:00")
    except ValueError:
        reader.refuse("a day and time that exist", text)


def local_day(text: str, reader: Reader) -> date:
    day, _ = local_stamp(text, reader)
    if day.year == _NO_YEAR:
        reader.refuse("a day", text)
    return day


def local_time(text: str | None, reader: Reader) -> time | None:
    if not text or not text.strip():
        return None
    if re.fullmatch(r"\d\d:\d\d(:\d\d)?(\.\d+)?", text.strip()):
        text = f"2000-01-01T{text.strip()}"
    day, clock = local_stamp(text, reader)
    return None if day.year == _NO_YEAR else clock


def instant(text: str, reader: Reader) -> datetime:
    """A moment with its zone, with any number of fractional digits: 7 are usual there."""
    trimmed = re.sub(r"(\.\d{6})\d+", r"\1", text.strip())
    try:
        moment = datetime.fromisoformat(trimmed)
    except ValueError:
        reader.refuse("a date and time", text)
    if moment.tzinfo is None:
        reader.refuse("a date and time with a zone", text)
    return moment


def words(value: str | None, limit: CleanText, reader: Reader) -> str | None:
    """Text as it may be kept; None where there is none."""
    if value is None:
        return None
    if limit.loses(value):
        reader.note("text_shortened", f"Longer than {limit.limit} characters: it was shortened.")
    kept: str = limit.kept(value)
    return kept or None


def line(value: str | None, limit: int, reader: Reader) -> str:
    return words(value, CleanLine(limit), reader) or ""


def web_address(value: str | None, reader: Reader) -> str | None:
    if value is None or not value.strip():
        return None
    if len(value) > 2_000 or not is_web_address(value.strip()):
        reader.note("address_dropped", "Not a web address: it was left out.")
        return None
    return value.strip()
