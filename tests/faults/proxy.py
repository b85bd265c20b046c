"""A wire that can be cut: a small TCP proxy between the clients and the web server, in a thread of its own."""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Coroutine
from typing import Any

CHUNK = 65_536
RESET = struct.pack("ii", 1, 0)


class Wire:
    """Passes bytes both ways until somebody cuts. `address` is where clients connect."""

    def __init__(self, port: int) -> None:
        self.port, self.cuts = port, 0
        self.loop = asyncio.new_event_loop()
        self.live: set[asyncio.StreamWriter] = set()
        self.loses_answers = False
        self.thread = threading.Thread(target=self.loop.run_forever, name="wire", daemon=True)
        self.thread.start()
        self.server = self._do(asyncio.start_server(self._meet, "127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}"

    def cut(self) -> int:
        """Reset every connection that is open now, wherever its request or answer is; returns how many."""

        async def all_of_them() -> int:
            return sum(map(self._reset, list(self.live)))

        return int(self._do(all_of_them()))

    def lose_answers(self, lost: bool) -> None:
        """Requests go through, and the first byte of each answer breaks the connection: done, but nobody hears of it."""
        self.loses_answers = lost

    def close(self) -> None:
        async def end() -> None:
            self.server.close()
            for writer in list(self.live):
                self._reset(writer)
            await asyncio.sleep(0)
            tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        self._do(end())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    def _reset(self, writer: asyncio.StreamWriter) -> int:
        if writer not in self.live:
            return 0
        self.live.discard(writer)
        self.cuts += 1
        found = writer.get_extra_info("socket")
        if found is not None:
            with contextlib.suppress(OSError):
                found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        writer.transport.abort()
        return 1

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            writer.transport.abort()
            return
        self.live |= {writer, up_writer}
        ways = [
            asyncio.ensure_future(self._pass_on(reader, up_writer)),
            asyncio.ensure_future(self._pass_on(up_reader, writer, answers=True)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            for end in (writer, up_writer):
                self.live.discard(end)
                end.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool = False) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK):
                if answers and self.loses_answers:
                    self._reset(writer)
                    return
                writer.write(data)
                await writer.drain()
