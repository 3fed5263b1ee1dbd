"""A TCP line to an emulator that can be cut, or stall: nothing comes through while its connections stay open."""

import asyncio
import threading
from contextlib import suppress
from typing import Literal

CHUNK_BYTES = 65536


class Line:
    """Listens on a port of its own and hands on what comes to a host, in both directions."""

    def __init__(self, host: str) -> None:
        name, _, port = host.rpartition(":")
        self._target = (name, int(port))
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._writers: set[asyncio.StreamWriter] = set()
        self._flows = asyncio.Event()
        self._flows.set()
        self._is_cut = False
        self._server = self._run(asyncio.start_server(self._carry, "127.0.0.1", 0))
        self.host = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def fail(self, how: Literal["cut", "stalled"]) -> None:
        """Cuts all connections and takes no new ones, or stalls them."""
        self._run(self._fail(how))

    def mend(self) -> None:
        """Takes connections again; what was stalled goes on."""
        self._run(self._mend())

    def close(self) -> None:
        """Stops for good."""
        self.fail("cut")
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self, work):  # type: ignore[no-untyped-def]
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _fail(self, how: Literal["cut", "stalled"]) -> None:
        if how == "stalled":
            self._flows.clear()
            return
        self._is_cut = True
        for writer in list(self._writers):
            writer.transport.abort()

    async def _mend(self) -> None:
        self._is_cut = False
        self._flows.set()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_cut:
            writer.transport.abort()
            return
        there_reader, there_writer = await asyncio.open_connection(*self._target)
        ends = {writer, there_writer}
        self._writers |= ends
        try:
            await asyncio.gather(self._pump(reader, there_writer), self._pump(there_reader, writer))
        finally:
            self._writers -= ends

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):  # a connection that is cut
            while data := await reader.read(CHUNK_BYTES):
                await self._flows.wait()
                writer.write(data)
                await writer.drain()
        writer.close()
