"""`python -m devtools.demo_database URL`: an empty database of this name, made anew."""

import sys
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

SUFFIXES = ("_demo", "_faults")


def main(url: str) -> None:
    parts = urlsplit(url)
    name = parts.path.lstrip("/")
    if not name.endswith(SUFFIXES):
        raise SystemExit(f"{name} is not a demo database: it would have been emptied.")
    server = urlunsplit(parts._replace(path="/postgres"))
    try:
        _make_anew(server, name)
    except psycopg.Error as error:
        raise SystemExit(f"PostgreSQL would not make {name}: {error}") from None


def _make_anew(server: str, name: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        )
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


if __name__ == "__main__":
    main(sys.argv[1])
