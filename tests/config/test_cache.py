"""Limits are counted in Redis, and while it is away in the memory of each process."""

import time

import pytest
from django.core.cache import CacheHandler

from config import cache
from config.settings import CACHES
from tests.faults.servers.template import NOWHERE
from tests.faults.servers.valkey import PrivateRedis

LONGEST_REST = 60.0  # seconds
WITHOUT_A_LIMIT = 4.0  # seconds; a client that was told nothing waits for five


def made(url):
    """What each thread of the product has: a cache of its own, at this address."""
    return CacheHandler({"default": CACHES["default"] | {"LOCATION": url}})["default"]


@pytest.fixture(autouse=True)
def rested(monkeypatch):
    monkeypatch.setattr(cache.FallbackCache, "_rest_until", 0.0)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with PrivateRedis(tmp_path_factory.mktemp("cache")) as server:
        yield server


@pytest.fixture
def redis(server):
    server.flush()
    return server


def test_what_one_process_counts_another_one_sees(redis):
    made(redis.url).set("times", 3)
    with redis.client() as client:
        assert client.keys() == [b"baton:1:times"]
    assert made(redis.url).get("times") == 3
    assert made(redis.url).incr("times") == 4


@pytest.mark.parametrize("befalls", ["full", "frozen", "absent"])
def test_without_redis_a_process_counts_by_itself_and_nobody_waits_long(befalls, redis):
    url = NOWHERE if befalls == "absent" else redis.url
    {"full": redis.fill, "frozen": redis.freeze, "absent": int}[befalls]()
    try:
        started = time.monotonic()
        made(url).set(befalls, [1.0])
        assert made(url).get(befalls) == [1.0]
        assert made(url).get("another", "none") == "none"
        assert not made(url).add(befalls, [2.0])
        assert time.monotonic() - started < WITHOUT_A_LIMIT
    finally:
        redis.thaw()


def test_redis_is_asked_again_after_a_rest(redis, monkeypatch):
    away = made(redis.url)
    redis.fill()
    away.set("times", 1)
    rest = cache.FallbackCache._rest_until - time.monotonic()
    assert 0 < rest < LONGEST_REST
    redis.flush()
    away.set("times", 2)
    assert made(redis.url).get("times") == 2
    with redis.client() as client:
        assert client.keys() == []
    monkeypatch.setattr(cache.FallbackCache, "_rest_until", 0.0)
    assert made(redis.url).get("times") is None
    made(redis.url).set("times", 3)
    with redis.client() as client:
        assert client.keys() == [b"baton:1:times"]
