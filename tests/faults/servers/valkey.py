"""A Redis of the test's own (Valkey from its wheel, or the machine's), to be hurt as wanted."""

import shutil
from pathlib import Path
from typing import Self

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from devtools import broker
from tests.faults.servers.ports import HERE
from tests.faults.servers.process import Process
from tests.sandbox_process import free_port

NEXT_TO_NOTHING = "1"  # bytes: every write is refused, whatever is there already


class PrivateRedis:
    """`with PrivateRedis(folder) as server:`; append-only file, as the embedded broker has it."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.data = folder / "redis"
        self.data.mkdir(parents=True)
        self._server = Process(
            "redis", self._command(), {}, folder / "redis.log", ready=lambda _: self.answers()
        )

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self._server.kill()
        shutil.rmtree(self.data, ignore_errors=True)

    @property
    def url(self) -> str:
        return self.url_at(self.port)

    def url_at(self, port: int) -> str:
        """Its address through a proxy on this port."""
        return f"redis://{HERE}:{port}/0"

    @property
    def alive(self) -> bool:
        return self._server.alive

    def client(self) -> "redis.Redis":
        """One that waits for two seconds and does not try again."""
        return redis.Redis(
            host=HERE, port=self.port, socket_timeout=2, socket_connect_timeout=2,
            retry=Retry(NoBackoff(), 0),
        )  # fmt: skip

    def answers(self) -> bool:
        try:
            with self.client() as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    # --- what befalls it ---------------------------------------------------------------------

    def start(self) -> Self:
        self._server.start().await_ready()
        return self

    def kill(self) -> None:
        self._server.kill()

    def wipe(self) -> Self:
        """Killed, its data gone, started again."""
        self.kill()
        shutil.rmtree(self.data)
        self.data.mkdir()
        return self.start()

    def freeze(self) -> None:
        self._server.freeze()

    def thaw(self) -> None:
        self._server.thaw()

    def fill(self) -> None:
        """No memory is left and nothing is evicted: it refuses every write."""
        with self.client() as client:
            client.config_set("maxmemory-policy", "noeviction")
            client.config_set("maxmemory", NEXT_TO_NOTHING)

    def flush(self) -> None:
        """Everything in it is gone, and it takes writes again."""
        with self.client() as client:
            client.config_set("maxmemory", "0")
            client.flushall()

    def _command(self) -> list[str]:
        return [
            broker.server(), "--bind", HERE, "--port", str(self.port), "--dir", str(self.data),
            "--appendonly", "yes", "--appendfsync", "everysec", "--save", "",
            "--maxmemory-policy", "noeviction", "--daemonize", "no",
        ]  # fmt: skip
