"""Child processes that render tenants' templates; the parent holds the clock and the axe.

A child that dies, hangs or answers nonsense is killed and replaced, and only the rendering it
was at ends with an error. One owner occupies at most `each` children, so that the others find
one free.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import liquid

from kernel import log
from kernel.errors import ProductError
from messaging.liquid import child as program
from messaging.liquid.engine import Rendered, Use
from messaging.liquid.limits import KINDS, Limits
from messaging.liquid.variables import Plain

_log = log.logger(__name__)
_READY_SECONDS = 20.0  # a child's first breath: interpreter and imports, on a machine under load
# Who has worked for longer steps back behind the others, and is replaced afterwards. Seconds of
# the processor: on a busy machine an honest rendering waits for long and works for little.
_SLOW_SECONDS = 0.04
_TICKS = os.sysconf("SC_CLK_TCK")
_FRAME_MAX = 4 * 1024 * 1024


class TemplateInvalid(ProductError):
    """A template can't be read or rendered; `line` counts from 1, 0 when unknown."""

    code = "template_invalid"
    status = 422
    message = "The template can't be rendered."

    def __init__(self, message: str, *, line: int = 0) -> None:
        """Keep the line and put it before the message."""
        super().__init__(f"Line {line}: {message}" if line else message)
        self.line = line


class TemplateTooExpensive(TemplateInvalid):
    """A template takes more time, memory or room than a message needs."""

    code = "template_too_expensive"
    message = "The template takes too much time or memory."


class RendererBusy(ProductError):
    """More renderings wait than can be served soon."""

    code = "renderer_busy"
    status = 503
    message = "Too many templates are being rendered. Try again in a moment."


class _ChildDied(Exception):
    """A child ended without an answer; `signal_number` is what ended it."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(signal_number)
        self.signal_number = signal_number


class _Child:
    """One process: a frame goes in, a frame comes out."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.renderings = 0
        self.spent = False

    @classmethod
    async def start(cls, limits: Limits) -> _Child:
        """Start a process with an empty environment and wait until its walls are up."""
        here = Path(program.__file__)
        path = [str(Path(liquid.__file__).parents[1]), str(here.parents[2])]
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", "-B", str(here)),
            json.dumps({"path": path, "limits": limits.as_dict()}),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={},
            cwd="/",
            close_fds=True,
        )
        made = cls(process)
        try:
            async with asyncio.timeout(_READY_SECONDS):
                await made._frame()
        except BaseException:
            await made.kill()
            raise
        return made

    async def ask(self, asked: bytes, *, seconds: float) -> dict[str, Any]:
        """Return the answer; raises TimeoutError, or _ChildDied when it is no more."""
        self.renderings += 1
        assert self.process.stdin is not None
        watch = asyncio.create_task(self._watch())
        try:
            async with asyncio.timeout(seconds):
                self.process.stdin.write(len(asked).to_bytes(4, "big") + asked)
                await self.process.stdin.drain()
                return await self._frame()
        except (OSError, EOFError, ValueError) as error:
            if isinstance(error, TimeoutError):
                raise
            await self.kill()
            raise _ChildDied(-(self.process.returncode or 0)) from None
        finally:
            watch.cancel()

    async def _frame(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        size = int.from_bytes(await self.process.stdout.readexactly(4), "big")
        if size > _FRAME_MAX:
            raise EOFError
        answer: dict[str, Any] = json.loads(await self.process.stdout.readexactly(size))
        return answer

    async def _watch(self) -> None:
        """Step back once this rendering has worked for too long."""
        begun = self._worked()
        left = _SLOW_SECONDS
        while left > 0:
            # Not in smaller steps than the kernel counts in.
            await asyncio.sleep(max(left, 1 / _TICKS))
            left = _SLOW_SECONDS - (self._worked() - begun)
        self.spent = True
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, self.process.pid, 19)

    def _worked(self) -> float:
        """Return the seconds of processor it has used, or the clock's where nobody counts them."""
        try:
            status = Path(f"/proc/{self.process.pid}/stat").read_text()
        except OSError:
            return time.monotonic()
        # After the name in parentheses, user and system time are the 12th and 13th fields.
        fields = status.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    async def kill(self) -> None:
        """End it at once and bury it."""
        if self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                # Not `process.kill()`: that collects a child which is dead already, and with it
                # the signal that ended it, before the loop has asked for it.
                os.kill(self.process.pid, signal.SIGKILL)
        if self.process.stdin is not None:
            self.process.stdin.close()
        await self.process.wait()


class Renderer:
    """A bounded pool of rendering children for one event loop; started when first needed."""

    def __init__(
        self, limits: Limits | None = None, *, size: int = 2, each: int = 1, waiting: int = 200
    ) -> None:
        """Allow `size` renderings at once, `each` of one owner, and `waiting` in line."""
        self._limits = limits or Limits()
        self._size = size
        self._waiting_max = waiting
        self._free = asyncio.Semaphore(size)
        self._owners: defaultdict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(each)
        )
        self._queued: defaultdict[str, int] = defaultdict(int)
        self._idle: list[_Child] = []
        self._starting: set[asyncio.Task[None]] = set()
        self._closed = False

    async def __aenter__(self) -> Self:
        """Start the children, so that the first rendering does not wait for them."""
        await asyncio.gather(*(self._add() for _ in range(self._size)))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End all children."""
        await self.close()

    async def close(self) -> None:
        """End all children; what is still being rendered fails."""
        self._closed = True
        for task in tuple(self._starting):
            task.cancel()
        await asyncio.gather(*self._starting, return_exceptions=True)
        while self._idle:
            await self._idle.pop().kill()

    @property
    def pids(self) -> list[int]:
        """The process ids of the idle children."""
        return [child.process.pid for child in self._idle]

    async def render(
        self, source: str, context: Mapping[str, Plain], *, kind: str, owner: str = ""
    ) -> str:
        """Return the text of a template for one owner (a tenant).

        Raises TemplateInvalid, TemplateTooExpensive and RendererBusy.
        """
        return (await self.rendered(source, context, kind=kind, owner=owner)).text

    async def rendered(
        self, source: str, context: Mapping[str, Plain], *, kind: str, owner: str = ""
    ) -> Rendered:
        """Return the text and what was left out of it; raises as `render` does."""
        reply = await self._asked(source, context, kind=kind, owner=owner, operation="render")
        return Rendered(str(reply["text"]), [str(one) for one in reply["removed"]])

    async def inspect(self, source: str, *, kind: str, owner: str = "") -> Sequence[Use]:
        """Return the variables that a template takes from outside; raises as `render` does."""
        reply = await self._asked(source, {}, kind=kind, owner=owner, operation="inspect")
        return [Use(str(path), int(line)) for path, line in reply["uses"]]

    async def _asked(
        self, source: str, context: Mapping[str, Plain], *, kind: str, owner: str, operation: str
    ) -> dict[str, Any]:
        if kind not in KINDS:
            raise TemplateInvalid(f"There is no kind {kind}.")
        asked = {"operation": operation, "source": source, "kind": kind, "context": context}
        if len(source.encode("utf-8", "replace")) > self._limits.source_bytes:
            raise TemplateTooExpensive("The template is too long.")
        # Half a surrogate pair is no text; it becomes a question mark before anything reads it.
        frame = json.dumps(asked, ensure_ascii=False).encode("utf-8", "replace")
        if len(json.dumps(context).encode()) > self._limits.context_bytes:
            raise TemplateTooExpensive("The values are too long.")
        async with self._turn(owner) as successors:
            reply = await self._tried(frame, successors)
        if "error" in reply:
            error = TemplateTooExpensive if reply["error"] == "expensive" else TemplateInvalid
            raise error(str(reply["message"]), line=int(reply["line"]))
        return reply

    @contextlib.asynccontextmanager
    async def _turn(self, owner: str) -> AsyncIterator[list[asyncio.Task[None]]]:
        """Wait for the owner's turn and for a free place; give both back afterwards.

        Whoever cost us a child has the next turn when its successor stands, so that one owner
        never uses up the children of the others. One owner may fill half of the line.
        """
        waiting = sum(self._queued.values())
        if waiting >= self._waiting_max or self._queued[owner] >= max(self._waiting_max // 2, 1):
            raise RendererBusy
        self._queued[owner] += 1
        turn = self._owners[owner]
        try:
            await turn.acquire()
        except BaseException:
            self._leave(owner)
            raise
        successors: list[asyncio.Task[None]] = []
        try:
            async with self._free:
                yield successors
        finally:
            if successors:
                successors[-1].add_done_callback(lambda _task: self._pass_on(owner, turn))
            else:
                self._pass_on(owner, turn)

    def _pass_on(self, owner: str, turn: asyncio.Semaphore) -> None:
        turn.release()
        self._leave(owner)

    def _leave(self, owner: str) -> None:
        self._queued[owner] -= 1
        if not self._queued[owner]:
            del self._queued[owner], self._owners[owner]

    async def _tried(self, frame: bytes, successors: list[asyncio.Task[None]]) -> dict[str, Any]:
        """Ask a child; ask another one when somebody else killed the first."""
        for last in (False, True):
            child = await self._found()
            try:
                reply = await child.ask(frame, seconds=self._limits.wall_seconds)
            except TimeoutError:
                await self._replace(child, successors, reason="time")
                raise TemplateTooExpensive("It takes too much time.") from None
            except _ChildDied as died:
                await self._replace(child, successors, reason=f"signal {died.signal_number}")
                if died.signal_number == signal.SIGKILL and not last:
                    continue  # not ours: the machine was short of memory, or an operator was
                raise TemplateTooExpensive("It takes too much time or memory.") from None
            except BaseException:
                await self._replace(child, successors, reason="cancelled")
                raise
            if child.spent or reply.get("spent") or child.renderings >= self._limits.renderings:
                await self._replace(child, successors, reason="spent")
            elif self._closed:
                await child.kill()
            else:
                self._idle.append(child)
            return reply
        raise AssertionError

    async def _found(self) -> _Child:
        """Return an idle child, the one that is being started, or a new one."""
        if not self._idle and self._starting:
            await asyncio.wait(tuple(self._starting), return_when=asyncio.FIRST_COMPLETED)
        return self._idle.pop() if self._idle else await _Child.start(self._limits)

    async def _replace(
        self, child: _Child, successors: list[asyncio.Task[None]], *, reason: str
    ) -> None:
        """Kill a child and start its successor behind our back."""
        await child.kill()
        _log.info("template_child_replaced", reason=reason)
        if not self._closed:
            task = asyncio.create_task(self._add())
            self._starting.add(task)
            task.add_done_callback(self._starting.discard)
            successors.append(task)

    async def _add(self) -> None:
        try:
            child = await _Child.start(self._limits)
            if self._closed or len(self._idle) >= self._size:
                await child.kill()
            else:
                self._idle.append(child)
        except (OSError, EOFError) as error:
            _log.warning("template_child_not_started", error=type(error).__name__)
