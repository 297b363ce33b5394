"""How long a text and how fine a number may be in a plan: the annotations the model is made of."""

import math
from dataclasses import dataclass
from datetime import time
from typing import Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from plans.text import clean, one_line, shortened

MOST_SECONDS = 3_600 * 1_000  # a session longer than a thousand hours is a mistake of units
MOST_REPEATS = 1_000
MOST_STEPS = 5_000  # repeats written out: more cannot be drawn, sent or done
DEEPEST = 8  # repeats inside repeats


@dataclass(frozen=True)
class CleanText:
    """Text of several lines. Too long a text is shortened, visibly."""

    limit: int

    def kept(self, value: Any) -> Any:
        return shortened(self._cleaned(value), self.limit) if isinstance(value, str) else value

    def loses(self, value: str) -> bool:
        return len(self._cleaned(value)) > self.limit

    def _cleaned(self, value: str) -> str:
        return clean(value)

    def __get_pydantic_core_schema__(
        self, source: type[Any], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self.kept, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return handler(schema) | {"maxLength": self.limit}


class CleanLine(CleanText):
    """Text of one line: names and titles."""

    def _cleaned(self, value: str) -> str:
        return one_line(value)


@dataclass(frozen=True)
class Rounded:
    """A number from 0 to `most`, with so many decimals. Rounding happens here and nowhere else."""

    decimals: int
    most: float

    def kept(self, value: float) -> float:
        rounded = round(value, self.decimals) + 0.0  # never minus zero
        if not math.isfinite(rounded) or not 0 <= rounded <= self.most:
            raise ValueError(f"must be between 0 and {self.most:g}")
        return rounded

    def __get_pydantic_core_schema__(
        self, source: type[Any], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.kept, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return handler(schema) | {"minimum": 0, "maximum": self.most}


def is_web_address(value: str) -> bool:
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    unsafe = not value.isprintable() or any(mark in ' "<>\\' for mark in value)
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and not unsafe


@dataclass(frozen=True)
class WebAddress:
    """An http or https address: anything else could run as a script where it is shown."""

    limit: int

    def kept(self, value: str) -> str:
        if len(value) > self.limit or not is_web_address(value):
            raise ValueError(f"must be a web address of at most {self.limit} characters")
        return value

    def __get_pydantic_core_schema__(
        self, source: type[Any], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.kept, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return handler(schema) | {"maxLength": self.limit, "pattern": "^https?://"}


def _wall_clock(value: time) -> time:
    if value.tzinfo is not None:
        raise ValueError("is a local time of day: it has no time zone")
    return value.replace(microsecond=0)


LocalTime = AfterValidator(_wall_clock)
