"""Destinations of the four classes, in a process of their own, with weather.

    python -m tests.faults.harness.destinations --port 0 --folder DIR --seed 1 --trouble 0.1

`PUT|DELETE /<class>/<name>/<record>` with a JSON body. What was asked stands in
`requests.jsonl` before anything is done, what was done in `effects.jsonl` before it is
answered. The weather of a call depends on seed, key and how often the key has come, so a
seed gives the same weather whatever the timing. `POST /weather` changes it.
"""

import argparse
import asyncio
import hashlib
import json
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.faults.harness.journal import Journal

Reply = tuple[int, dict[str, Any], dict[str, str]]

Behaviour = Callable[["Call", asyncio.StreamWriter], Awaitable[int | None]]

OK, CREATED, STALE, MISMATCH = 200, 201, 409, 422
SILENCE = 30.0  # seconds; longer than anybody waits


@dataclass(frozen=True)
class Call:
    """One request, as it came."""

    number: int
    method: str
    kind: str
    name: str
    record: str
    key: str
    body: dict[str, Any]


@dataclass
class Weather:
    """How the destinations behave now. `trouble` is a share of the calls; the rest are orders."""

    seed: int = 0
    trouble: float = 0.0
    late: float = 3.0  # the longest that a call is applied after it came, seconds
    late_keyed: float = 3.0  # the same where keys are honoured
    down: dict[str, int] = field(default_factory=dict)  # destination → status
    hang: list[str] = field(default_factory=list)  # destinations that never answer
    slow: dict[str, float] = field(default_factory=dict)  # destination → seconds


class Held:
    """What the destinations hold, by the promises of their classes."""

    def __init__(self, effects: Journal) -> None:
        self.effects = effects
        self.records: dict[tuple[str, str], dict[str, Any]] = {}
        self.answered: dict[tuple[str, str], tuple[str, Reply]] = {}
        self.made = 0

    def apply(self, call: Call) -> Reply:
        """Do what is asked, as the class does it; say what was done."""
        promise: dict[str, Callable[[Call], Reply]] = {
            "fault_versioned": self._versioned,
            "fault_keyed": self._keyed,
            "fault_upsert": self._write,
            "fault_none": self._none,
        }
        return promise[call.kind](call)

    def _versioned(self, call: Call) -> Reply:
        held = self.records.get((call.name, call.record))
        if held and held["revision"] > call.body["revision"]:
            return STALE, {"revision": held["revision"]}, {}
        if held and held["revision"] == call.body["revision"] and held["key"] == call.key:
            return OK, {"id": call.record}, {}
        return self._write(call)

    def _keyed(self, call: Call) -> Reply:
        asked = hashlib.sha256(json.dumps(call.body, sort_keys=True).encode()).hexdigest()
        known = self.answered.get((call.name, call.key))
        if known:
            same, reply = known
            return reply if same == asked else (MISMATCH, {"error": "key of another body"}, {})
        reply = self._write(call)
        self.answered[call.name, call.key] = asked, reply
        return reply

    def _none(self, call: Call) -> Reply:
        if call.record != "new":
            return self._write(call)
        self.made += 1
        made = Call(**{**vars(call), "record": f"r{self.made}"})
        return self._write(made)

    def _write(self, call: Call) -> Reply:
        """To write what is there already, or to take away what is gone, has no effect."""
        held = self.records.get((call.name, call.record))
        gone = call.method == "DELETE"
        same = bool(held and held["gone"] == gone and _as_there(held, call))
        same = same and call.kind != "fault_keyed"  # to it, another key is another wish
        about = {"gone": gone, "body": call.body, "revision": call.body["revision"]}
        self.records[call.name, call.record] = {**about, "key": call.key}
        if not same:
            self.effects.add(
                at=time.time(), request=call.number, kind=call.kind, name=call.name,
                record=call.record, key=call.key, **about,
            )  # fmt: skip
        return (OK if held else CREATED), {"id": call.record}, {}


def _as_there(held: dict[str, Any], call: Call) -> bool:
    return bool(held["gone"]) or _wish(held["body"]) == _wish(call.body)


def _wish(body: dict[str, Any]) -> dict[str, Any]:
    """What is to be there, without the number of who asks."""
    return {name: value for name, value in body.items() if name != "revision"}


class Server:
    def __init__(self, folder: Path, weather: Weather) -> None:
        self.requests = Journal(folder / "requests.jsonl")
        self.held = Held(Journal(folder / "effects.jsonl"))
        self.weather = weather
        self.came: Counter[str] = Counter()
        self.calls = 0
        self.late: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            read = await _read(reader)
            if read is not None:
                await self._answer(*read, reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _answer(
        self,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        if path == "/weather":
            for name, value in json.loads(body).items():
                setattr(self.weather, name, value)
            await _reply(writer, (OK, {}, {}))
            return
        kind, name, record = path.strip("/").split("/")
        self.calls += 1
        call = Call(
            self.calls, method, kind, name, record,
            headers.get("idempotency-key", ""), json.loads(body),
        )  # fmt: skip
        self.requests.add(
            at=time.time(), event="came", request=call.number, method=method, kind=kind, name=name,
            record=record, key=call.key, body=call.body,
        )  # fmt: skip
        handled = asyncio.ensure_future(self._weathered(call, writer))
        left = asyncio.ensure_future(reader.read(1))
        await asyncio.wait({handled, left}, return_when=asyncio.FIRST_COMPLETED)
        status = handled.result() if handled.done() and not handled.exception() else None
        self.requests.add(at=time.time(), event="ended", request=call.number, status=status)
        left.cancel()
        if not handled.done():
            handled.cancel()  # whoever asked has gone; what is to come late, comes all the same

    async def _weathered(self, call: Call, writer: asyncio.StreamWriter) -> int | None:
        """The status that was answered whole, or None."""
        if call.name in self.weather.hang:
            return await _silence()
        if wait := self.weather.slow.get(call.name):
            await asyncio.sleep(wait)
        if status := self.weather.down.get(call.name):
            return await _reply(writer, (status, {"error": "down"}, {}))
        return await self._trouble(call)(call, writer)

    def _trouble(self, call: Call) -> Behaviour:
        """The weather of this call: fine, or one of the ways in which calls go wrong."""
        self.came[call.key] += 1
        drawn = hashlib.sha256(f"{self.weather.seed}:{call.key}:{self.came[call.key]}".encode())
        chance = int.from_bytes(drawn.digest()[:4], "big") / 2**32
        if chance >= self.weather.trouble:
            return self._fine
        kinds = [
            self._applied_and_silent, self._applied_late, self._silent, self._applied_and_500,
            self._refused_for_now, self._throttled, self._applied_and_reset, self._reset,
            self._applied_and_cut_off, self._bad_gateway,
        ]  # fmt: skip
        return kinds[drawn.digest()[5] % len(kinds)]

    async def _fine(self, call: Call, writer: asyncio.StreamWriter) -> int | None:
        return await _reply(writer, self.held.apply(call))

    async def _applied_and_silent(self, call: Call, writer: asyncio.StreamWriter) -> int | None:
        self.held.apply(call)
        return await _silence()

    async def _applied_late(self, call: Call, writer: asyncio.StreamWriter) -> int | None:
        """A queue in front of it: applied after the caller has given up, within the window."""
        keyed = call.kind == "fault_keyed"
        wait = self.weather.late_keyed if keyed else self.weather.late
        task = asyncio.ensure_future(self._later(call, wait))
        self.late.add(task)
        task.add_done_callback(self.late.discard)
        return await _silence()

    async def _later(self, call: Call, wait: float) -> None:
        await asyncio.sleep(wait)
        self.held.apply(call)

    async def _silent(self, call: Call, writer: asyncio.StreamWriter) -> int | None:
        return await _silence()

    async def _applied_and_500(self, call: Call, writer: asyncio.StreamWriter) -> int | None:
        self.held.apply(call)
        return await _reply(writer, (500, {"error": "half done"}, {}))

    async def _bad_gateway(self, call: Call, writer: asyncio.StreamWriter) -> int | None:
        return await _reply(writer, (502, {"error": "nobody there"}, {}))

    async def _refused_for_now(self, call: Call, writer: asyncio.StreamWriter) -> int | None:
        return await _reply(writer, (503, {"error": "busy"}, {}))

    async def _throttled(self, call: Call, writer: asyncio.StreamWriter) -> int | None:
        return await _reply(writer, (429, {"error": "slow down"}, {"Retry-After": "1"}))

    async def _applied_and_reset(self, call: Call, writer: asyncio.StreamWriter) -> int | None:
        self.held.apply(call)
        writer.transport.abort()
        return None

    async def _reset(self, call: Call, writer: asyncio.StreamWriter) -> int | None:
        writer.transport.abort()
        return None

    async def _applied_and_cut_off(self, call: Call, writer: asyncio.StreamWriter) -> int | None:
        self.held.apply(call)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{")
        await writer.drain()
        return None


async def _silence() -> int | None:
    """Nothing is answered."""
    await asyncio.sleep(SILENCE)
    return None


async def _read(reader: asyncio.StreamReader) -> tuple[str, str, dict[str, str], bytes] | None:
    head = await reader.readuntil(b"\r\n\r\n")
    first, *rest = head.decode("latin-1").split("\r\n")
    method, path, _ = first.split(" ", 2)
    pairs = (line.partition(":") for line in rest if line)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return method, path, headers, body


async def _reply(writer: asyncio.StreamWriter, reply: Reply) -> int:
    status, body, headers = reply
    content = json.dumps(body).encode()
    about = {"Content-Type": "application/json", "Content-Length": str(len(content)), **headers}
    lines = [f"HTTP/1.1 {status} Said", *(f"{name}: {value}" for name, value in about.items())]
    writer.write("\r\n".join([*lines, "Connection: close", "", ""]).encode() + content)
    await writer.drain()
    return status


async def run(port: int, folder: Path, weather: Weather) -> None:
    served = await asyncio.start_server(Server(folder, weather).serve, "127.0.0.1", port)
    bound = served.sockets[0].getsockname()[1]
    (folder / "port").write_text(str(bound))
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    async with served:
        await stopped.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--trouble", type=float, default=0.0)
    told = parser.parse_args()
    told.folder.mkdir(parents=True, exist_ok=True)
    asyncio.run(run(told.port, told.folder, Weather(told.seed, told.trouble)))


if __name__ == "__main__":
    main()
