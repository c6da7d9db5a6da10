"""The rendering children as their parent sees them: born, asked, watched and ended.

Starting an interpreter costs a quarter of a second of the processor, which a busy neighbour
would pay for whenever an attack costs a child. So one mother process is started, which has
everything imported and used once; each child is a fork of her and stands within milliseconds.
She renders nothing herself, ends whom she is told to end, and says how each one ended.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import time
from collections import deque
from pathlib import Path
from typing import Any

import liquid

from messaging.liquid import child as program
from messaging.liquid.limits import Limits

_READY_SECONDS = 20.0  # the mother's first breath: interpreter and imports, on a busy machine
_REPORT_SECONDS = 5.0
# Who has worked for longer steps back behind the others, and is replaced afterwards. Seconds of
# the processor: on a busy machine an honest rendering waits for long and works for little.
_SLOW_SECONDS = 0.01
_FRAME_MAX = 4 * 1024 * 1024


class ChildDied(Exception):
    """A child ended without an answer; `signal_number` is what ended it, 0 when unknown."""

    def __init__(self, signal_number: int) -> None:
        """Keep the signal."""
        super().__init__(signal_number)
        self.signal_number = signal_number


class Nursery:
    """The mother process, and the children that live."""

    def __init__(self, limits: Limits) -> None:
        """Remember the limits; the mother is started with the first child."""
        self._limits = limits
        self._lock = asyncio.Lock()
        self._mother: asyncio.subprocess.Process | None = None
        self._control: socket.socket | None = None
        self._listening: asyncio.Task[None] | None = None
        self._births: deque[asyncio.Future[int]] = deque()
        self._ends: dict[int, asyncio.Future[int]] = {}

    async def child(self) -> Child:
        """Return a child whose walls are up; raises OSError and EOFError when there is none."""
        async with self._lock:
            if self._control is None:
                await self._begin()
            control = self._control
            assert control is not None
            ours, theirs = socket.socketpair()
            with theirs:
                socket.send_fds(control, [program.BIRTH], [theirs.fileno()])
            born: asyncio.Future[int] = asyncio.get_running_loop().create_future()
            self._births.append(born)
        try:
            async with asyncio.timeout(_READY_SECONDS):
                pid = await born
                reader, writer = await asyncio.open_unix_connection(sock=ours)
        except BaseException:
            ours.close()
            raise
        made = Child(self, pid, reader, writer)
        try:
            async with asyncio.timeout(_READY_SECONDS):
                await made.frame()
        except BaseException:
            await made.kill()
            raise
        return made

    async def end(self, pid: int) -> int:
        """Kill a child and return the signal that ended it, 0 when nobody can say."""
        ended = self._ends.get(pid)
        if ended is None:
            return 0
        try:
            if not ended.done():
                if self._control is None:
                    raise OSError
                self._control.send(program.END + pid.to_bytes(4, "big"))
            async with asyncio.timeout(_REPORT_SECONDS):
                return await asyncio.shield(ended)
        except (OSError, TimeoutError):
            # Without the mother nobody buries it but the system, which asks nobody.
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            return 0
        finally:
            self._ends.pop(pid, None)

    async def close(self) -> None:
        """End the mother, and with her every child."""
        async with self._lock:
            control, self._control = self._control, None
            if control is not None:
                control.shutdown(socket.SHUT_WR)
            if self._listening is not None:
                await asyncio.wait((self._listening,), timeout=_REPORT_SECONDS)
            await self._leave(control)

    async def _begin(self) -> None:
        """Start the mother with an empty environment and wait until she is warm."""
        here = Path(program.__file__)
        path = [str(Path(liquid.__file__).parents[1]), str(here.parents[2])]
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        with theirs:
            self._mother = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", "-B", str(here)),
                json.dumps({"path": path, "limits": self._limits.as_dict()}),
                stdin=theirs.fileno(),
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
                env={},
                cwd="/",
                close_fds=True,
            )
        try:
            async with asyncio.timeout(_READY_SECONDS):
                if not await asyncio.get_running_loop().sock_recv(ours, 64):
                    raise EOFError
        except BaseException:
            await self._leave(ours)
            raise
        self._control = ours
        self._listening = asyncio.create_task(self._listen(ours))

    async def _listen(self, control: socket.socket) -> None:
        """Take in what the mother says until she is no more."""
        loop = asyncio.get_running_loop()
        try:
            while said := await loop.sock_recv(control, 64):
                kind, pid = said[:1], int.from_bytes(said[1:5], "big")
                if kind == program.END:
                    ended = self._ends.setdefault(pid, loop.create_future())
                    if not ended.done():
                        ended.set_result(said[5])
                    continue
                born = self._births.popleft()
                if pid:
                    self._ends[pid] = loop.create_future()
                if not born.done():
                    born.set_result(pid) if pid else born.set_exception(OSError("no process"))
        except OSError:  # she is gone: whoever waits for her is told below
            pass
        while self._births:
            born = self._births.popleft()
            if not born.done():
                born.set_exception(EOFError())
        for ended in self._ends.values():
            if not ended.done():
                ended.set_result(0)
        if self._control is control:  # she died by herself: the next child gets another one
            self._control = None
            await self._leave(control)

    async def _leave(self, control: socket.socket | None) -> None:
        if control is not None:
            control.close()
        mother, self._mother = self._mother, None
        if mother is not None:
            if mother.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    mother.kill()
            await mother.wait()


class Child:
    """One process: a frame goes in, a frame comes out."""

    def __init__(
        self,
        nursery: Nursery,
        pid: int,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        """Take the ends of its socket."""
        self.pid = pid
        self.renderings = 0
        self.spent = False
        self._nursery = nursery
        self._reader = reader
        self._writer = writer

    async def ask(self, asked: bytes, *, seconds: float) -> dict[str, Any]:
        """Return the answer; raises TimeoutError, or ChildDied when it is no more."""
        self.renderings += 1
        watch = asyncio.create_task(self._watch())
        try:
            async with asyncio.timeout(seconds):
                self._writer.write(len(asked).to_bytes(4, "big") + asked)
                await self._writer.drain()
                return await self.frame()
        except (OSError, EOFError, ValueError) as error:
            if isinstance(error, TimeoutError):
                raise
            raise ChildDied(await self.kill()) from None
        finally:
            watch.cancel()

    async def frame(self) -> dict[str, Any]:
        """Return the next thing it says."""
        size = int.from_bytes(await self._reader.readexactly(4), "big")
        if size > _FRAME_MAX:
            raise EOFError
        answer: dict[str, Any] = json.loads(await self._reader.readexactly(size))
        return answer

    async def kill(self) -> int:
        """End it at once and return the signal that ended it, 0 when nobody can say."""
        try:
            return await self._nursery.end(self.pid)
        finally:  # also when whoever asked is gone meanwhile
            self._writer.close()

    async def _watch(self) -> None:
        """Step back once this rendering has worked for too long."""
        begun = self._worked()
        left = _SLOW_SECONDS
        while left > 0:
            await asyncio.sleep(max(left, 0.001))
            left = _SLOW_SECONDS - (self._worked() - begun)
        self.spent = True
        with contextlib.suppress(OSError):
            # Not a low priority: what is idle gives way at once, whoever wakes up.
            os.sched_setscheduler(self.pid, os.SCHED_IDLE, os.sched_param(0))

    def _worked(self) -> float:
        """Return the seconds of processor it has used, or the clock's where nobody counts them."""
        try:
            return int(Path(f"/proc/{self.pid}/schedstat").read_text().split()[0]) / 1e9
        except OSError:
            return time.monotonic()
