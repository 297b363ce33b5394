"""`python -m devtools.servers DATABASE_URL REDIS_URL`: whether the tests can run there, or why not.

Runs inside `.venv`: it needs the clients.
"""

import sys

import psycopg
import redis

RIGHTS = """
    SELECT rolsuper OR rolcreatedb,
           rolsuper OR has_parameter_privilege('session_replication_role', 'SET')
    FROM pg_roles WHERE rolname = current_user
"""
OLDER_RIGHTS = "SELECT rolsuper OR rolcreatedb, rolsuper FROM pg_roles WHERE rolname = current_user"
HAS_PARAMETER_PRIVILEGES = 150_000  # the server version that brought them


def postgresql_trouble(url: str) -> str:
    """Empty when the tests can make their database there and empty it between tests."""
    try:
        with psycopg.connect(url, connect_timeout=3) as connection:
            newer = connection.info.server_version >= HAS_PARAMETER_PRIVILEGES
            row = connection.execute(RIGHTS if newer else OLDER_RIGHTS).fetchone()
            user = connection.info.user
    except psycopg.Error as error:
        return f"PostgreSQL would not let us in: {str(error).strip().splitlines()[-1]}"
    may_create, may_empty = row or (False, False)
    if not may_create:
        return f"PostgreSQL: the role {user} may not create databases; give it CREATEDB."
    if not may_empty:
        return (
            f"PostgreSQL: the role {user} may not set session_replication_role, with which "
            f"the tests empty append-only tables; name a superuser in DATABASE_URL."
        )
    return ""


def redis_trouble(url: str) -> str:
    try:
        redis.Redis.from_url(url, socket_connect_timeout=3, socket_timeout=3).ping()
    except (redis.RedisError, ValueError) as error:
        return f"Redis would not let us in: {error}"
    return ""


def main(database: str, broker: str) -> int:
    trouble = [said for said in (postgresql_trouble(database), redis_trouble(broker)) if said]
    print(" ".join(trouble))
    return 1 if trouble else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
