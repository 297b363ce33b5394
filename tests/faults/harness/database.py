"""The database as a stranger sees it: plain SQL over a connection that only reads."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

Row = dict[str, Any]


class Database:
    """Rows of either engine in one form: identities as text, times in seconds since 1970."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.sqlite = url.startswith("sqlite")

    def rows(self, sql: str) -> list[Row]:
        """Raises sqlite3.Error or psycopg.Error, for instance while a server is restarted."""
        return [
            {name: _plain(name, value) for name, value in row.items()} for row in self._ask(sql)
        ]

    def value(self, sql: str) -> Any:
        (row,) = self.rows(sql)
        return next(iter(row.values()))

    def identity(self, text: str) -> str:
        """An identity as this engine writes it."""
        return UUID(text).hex if self.sqlite else text

    def script(self, path: Path) -> None:
        """All tables of an SQLite file as statements, without what lies in freed pages."""
        with closing(sqlite3.connect(f"file:{self._file}?mode=ro", uri=True)) as known:
            path.write_text("\n".join(known.iterdump()))

    @property
    def _file(self) -> str:
        return urlsplit(self.url).path.removeprefix("/")

    def _ask(self, sql: str) -> Iterator[Row]:
        if self.sqlite:
            with closing(
                sqlite3.connect(f"file:{self._file}?mode=ro", uri=True, timeout=30)
            ) as known:
                known.row_factory = sqlite3.Row
                yield from (dict(row) for row in known.execute(sql))
            return
        with psycopg.connect(self.url, row_factory=dict_row, connect_timeout=5) as server:
            yield from server.execute(sql.encode()).fetchall()


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, memoryview):
        return bytes(value)
    if isinstance(value, str) and (name == "id" or name.endswith("_id")) and len(value) == 32:
        return str(UUID(value))
    if name.endswith(("_at", "_until", "_since")) and isinstance(value, str):
        value = datetime.fromisoformat(value)
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    return value
