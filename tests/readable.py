"""Everything that the test's database holds, as a stranger with a copy of it would read it."""

from django.db import connection


def everything() -> bytes:
    """Every value of every column of every table, as bytes."""
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        return b"\n".join(value for table in sorted(tables) for value in _values(cursor, table))


def _values(cursor, table):
    cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608 - our own tables
    for row in cursor.fetchall():
        for value in row:
            is_bytes = isinstance(value, bytes | memoryview)
            yield bytes(value) if is_bytes else str(value).encode()


def found(*words: str) -> list[str]:
    """Which of these words can be read in it, in whatever case."""
    content = everything().lower()
    return [word for word in words if word.lower().encode() in content]
