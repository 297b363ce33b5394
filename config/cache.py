"""The cache: Redis, shared by all processes; while it is away, what this process remembers.

Only limits are counted in it, of sign-ins and of requests to the API. They still hold without
Redis, for each process by itself, and nobody is turned away because it is absent, full or frozen.
"""

import logging
import time
from typing import Any, ClassVar

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

REST = 30.0  # seconds for which Redis is not asked again after it failed
PATIENCE = 0.5  # seconds that a request waits for it
MOST_OF_ITS_OWN = 10_000  # entries that a process remembers


class FallbackCache(BaseCache):
    """Asks Redis at LOCATION, or the memory of this process for a while after Redis failed."""

    _rest_until: ClassVar[float] = 0.0  # of this process: each of its threads has a cache

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        waiting = {"socket_timeout": PATIENCE, "socket_connect_timeout": PATIENCE}
        self._shared = RedisCache(server, params | {"OPTIONS": waiting})
        self._own = LocMemCache(server, params | {"OPTIONS": {"MAX_ENTRIES": MOST_OF_ITS_OWN}})

    def add(
        self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> bool:
        return bool(self._ask("add", key, value, timeout=timeout, version=version))

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        return self._ask("get", key, default=default, version=version)

    def set(
        self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> None:
        self._ask("set", key, value, timeout=timeout, version=version)

    def touch(self, key: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        return bool(self._ask("touch", key, timeout=timeout, version=version))

    def delete(self, key: Any, version: int | None = None) -> bool:
        return bool(self._ask("delete", key, version=version))

    def incr(self, key: Any, delta: int = 1, version: int | None = None) -> int:
        return int(self._ask("incr", key, delta=delta, version=version))

    def clear(self) -> None:
        self._ask("clear")

    def _ask(self, what: str, *args: Any, **options: Any) -> Any:
        if time.monotonic() >= FallbackCache._rest_until:
            try:
                return getattr(self._shared, what)(*args, **options)
            except RedisError as error:
                FallbackCache._rest_until = time.monotonic() + REST
                logger.warning("Redis did not count (%s).", type(error).__name__)
        return getattr(self._own, what)(*args, **options)
