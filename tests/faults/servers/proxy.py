"""A TCP proxy between us and a server, which delays, swallows, cuts and resets."""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, Self

from tests.faults.servers import packets
from tests.faults.servers.ports import HERE

CHUNK = 65_536
AT_ONCE = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends a reset
ANSWERED_WITHIN = 5.0  # seconds


@dataclass
class _Weather:
    """What the proxy does to bytes now."""

    delay: float = 0.0
    dropping: bool = False
    left: int | None = None  # bytes that may still pass
    pattern: bytes = b""
    times: int = 0
    delivered: bool = True


@dataclass(eq=False)
class _Link:
    """One connection through the proxy."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    lost: bool = False  # bytes were swallowed: what follows would have a hole
    silent: bool = False  # answers are kept from the client: the line is about to be cut

    def reset(self) -> None:
        for writer in (self.client, self.server):
            sock = writer.get_extra_info("socket")
            with contextlib.suppress(OSError, AttributeError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
            writer.transport.abort()


class Proxy:
    """`with Proxy("127.0.0.1", port) as proxy:`; clients connect to `proxy.port`.

    It runs in a thread of its own; every method may be called from any thread.
    """

    def __init__(self, target_host: str, target_port: int) -> None:
        self.target = (target_host, target_port)
        self.port = 0
        self.cuts = 0  # lines that were cut by `cut_after` or `cut_on`
        self._weather = _Weather()
        self._links: set[_Link] = set()
        self._listening: tuple[Any, ...] = ()
        self._up = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._up.wait(10):
            raise RuntimeError("The proxy did not start.")
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    # --- the weather -------------------------------------------------------------------------

    def delay(self, seconds: float) -> None:
        """Every packet waits so long, half on its way there and half on its way back."""
        self._change(delay=seconds)

    def drop(self) -> None:
        """Half-open: every packet vanishes, in both directions, and nobody is told."""
        self._do(self._drop())

    def reset(self) -> None:
        """Reset every connection there is; new ones are welcome."""
        self._do(self._reset(every=True))

    def cut_after(self, count: int) -> None:
        """Reset every connection once so many more bytes have gone to the server."""
        self._change(left=count)

    def cut_on(self, pattern: bytes, times: int = 1, *, delivered: bool = True) -> None:
        """Cut the line of whoever sends this next, so many times: before its answer gets back.

        `delivered` says whether the server still receives it.
        """
        self._change(pattern=pattern, times=times, delivered=delivered)

    def heal(self) -> None:
        """All is well again. Lines on which something was lost are reset, as a real one ends."""
        self._do(self._heal())

    @property
    def connections(self) -> int:
        return len(self._links)

    def _change(self, **values: Any) -> None:
        async def change() -> None:
            for name, value in values.items():
                setattr(self._weather, name, value)

        self._do(change())

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _drop(self) -> None:
        self._weather.dropping = True
        for link in self._links:
            link.lost = True
        for sock in self._sockets():
            packets.lose(sock)

    async def _heal(self) -> None:
        if self._weather.dropping:
            for sock in self._sockets():
                packets.let_in(sock)
        self._weather = _Weather()
        await self._reset(every=False)

    def _sockets(self) -> list[Any]:
        """Where packets of clients come in."""
        lines = [link.client.get_extra_info("socket") for link in self._links]
        return [*self._listening, *(line for line in lines if line.fileno() >= 0)]

    async def _reset(self, *, every: bool) -> None:
        for link in list(self._links):
            if every or link.lost:
                link.reset()

    # --- the lines ---------------------------------------------------------------------------

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, HERE, 0))
        self._listening = server.sockets
        self.port = server.sockets[0].getsockname()[1]
        self._up.set()
        self._loop.run_forever()
        for link in list(self._links):
            link.reset()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection(*self.target)
        except OSError:
            writer.transport.abort()
            return
        link = _Link(writer, back)
        self._links.add(link)
        try:
            await asyncio.gather(self._upward(reader, link), self._downward(there, link))
        finally:
            self._links.discard(link)
            writer.close()
            back.close()

    async def _upward(self, reader: asyncio.StreamReader, link: _Link) -> None:
        while data := await _read(reader):
            await asyncio.sleep(self._weather.delay / 2)
            if self._swallowed(link):
                continue
            if await self._cut(data, link):
                return
            await _write(link.server, data)
        if not self._swallowed(link):
            _finish(link.server)

    async def _downward(self, reader: asyncio.StreamReader, link: _Link) -> None:
        while data := await _read(reader):
            link.answered.set()
            await asyncio.sleep(self._weather.delay / 2)
            if not self._swallowed(link) and not link.silent:
                await _write(link.client, data)
        if not self._swallowed(link):
            _finish(link.client)

    def _swallowed(self, link: _Link) -> bool:
        link.lost = link.lost or self._weather.dropping
        return link.lost

    async def _cut(self, data: bytes, link: _Link) -> bool:
        """Whether this was where the line is cut; then it has been."""
        weather = self._weather
        if weather.left is not None:
            weather.left -= len(data)
            if weather.left < 0:
                weather.left = None
                self.cuts += len(self._links)
                await self._reset(every=True)
                return True
        if weather.times and weather.pattern in data:
            weather.times -= 1
            await self._cut_before_the_answer(data, link, delivered=weather.delivered)
            return True
        return False

    async def _cut_before_the_answer(self, data: bytes, link: _Link, *, delivered: bool) -> None:
        if delivered:
            link.silent = True
            link.answered.clear()
            await _write(link.server, data)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(link.answered.wait(), ANSWERED_WITHIN)
        self.cuts += 1
        link.reset()


async def _read(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read(CHUNK)
    except OSError:
        return b""


async def _write(writer: asyncio.StreamWriter, data: bytes) -> None:
    with contextlib.suppress(OSError):
        writer.write(data)
        await writer.drain()


def _finish(writer: asyncio.StreamWriter) -> None:
    """No more comes from the other side."""
    with contextlib.suppress(OSError, RuntimeError):
        if writer.can_write_eof():
            writer.write_eof()
