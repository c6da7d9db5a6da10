"""Child processes that render tenants' templates; the parent holds the clock and the axe.

A child that dies, hangs or answers nonsense is killed and replaced, and only the rendering it
was at ends with an error. One owner occupies at most `each` children, so that the others find
one free.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from kernel import log
from kernel.errors import ProductError
from messaging.liquid.engine import Rendered, Use
from messaging.liquid.limits import KINDS, Limits
from messaging.liquid.nursery import Child, ChildDied, Nursery
from messaging.liquid.variables import Plain

_log = log.logger(__name__)
# Who used up a child rests for so many times as long as the rendering took, at most so long:
# whatever an owner writes, the others have most of the processor.
_REST, _REST_SECONDS_MAX = 4.0, 3.0


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


class Renderer:
    """A bounded pool of rendering children for one event loop; started when first needed."""

    def __init__(
        self,
        limits: Limits | None = None,
        *,
        size: int = 2,
        each: int = 1,
        waiting: int = 200,
        patience: float = 60.0,
    ) -> None:
        """Allow `size` renderings at once, `each` of one owner, and `waiting` in line.

        Nobody waits for a turn for more than `patience` seconds.
        """
        self._limits = limits or Limits()
        self._size = size
        self._waiting_max = waiting
        self._patience = patience
        self._free = asyncio.Semaphore(size)
        self._owners: defaultdict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(each)
        )
        self._queued: defaultdict[str, int] = defaultdict(int)
        self._idle: list[Child] = []
        self._starting: set[asyncio.Task[None]] = set()
        self._resting: set[asyncio.Task[None]] = set()
        self._nursery = Nursery(self._limits)
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
        ending = (*self._starting, *self._resting)
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)
        while self._idle:
            await self._idle.pop().kill()
        await self._nursery.close()

    @property
    def pids(self) -> list[int]:
        """The process ids of the idle children."""
        return [child.pid for child in self._idle]

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

        Whoever cost us a child has the next turn when its successor stands and the owner has
        rested, so that one owner never uses up the children or the processor of the others. One
        owner may fill half of the line.
        """
        waiting = sum(self._queued.values())
        if waiting >= self._waiting_max or self._queued[owner] >= max(self._waiting_max // 2, 1):
            raise RendererBusy
        self._queued[owner] += 1
        turn = self._owners[owner]
        try:
            async with asyncio.timeout(self._patience):
                await turn.acquire()
        except TimeoutError:
            self._leave(owner)
            raise RendererBusy from None
        except BaseException:
            self._leave(owner)
            raise
        successors: list[asyncio.Task[None]] = []
        begun = time.monotonic()
        try:
            async with self._free:
                begun = time.monotonic()
                yield successors
        finally:
            if successors:
                worked = time.monotonic() - begun
                rest = asyncio.create_task(self._rest(successors[-1], worked))
                self._resting.add(rest)
                rest.add_done_callback(self._resting.discard)
                rest.add_done_callback(lambda _task: self._pass_on(owner, turn))
            else:
                self._pass_on(owner, turn)

    async def _rest(self, successor: asyncio.Task[None], worked: float) -> None:
        """Wait for a successor, and let the others have the processor for a while."""
        await asyncio.wait((successor,))
        await asyncio.sleep(min(worked * _REST, _REST_SECONDS_MAX))

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
            except ChildDied as died:
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

    async def _found(self) -> Child:
        """Return an idle child, the one that is being started, or a new one."""
        if not self._idle and self._starting:
            await asyncio.wait(tuple(self._starting), return_when=asyncio.FIRST_COMPLETED)
        return self._idle.pop() if self._idle else await self._nursery.child()

    async def _replace(
        self, child: Child, successors: list[asyncio.Task[None]], *, reason: str
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
            child = await self._nursery.child()
            if self._closed or len(self._idle) >= self._size:
                await child.kill()
            else:
                self._idle.append(child)
        except (OSError, EOFError) as error:
            _log.warning("template_child_not_started", error=type(error).__name__)
