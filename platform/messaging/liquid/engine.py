"""The Liquid that a tenant may write: its tags, its filters, and how a rendering ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from liquid import Environment
from liquid.builtin import content, illegal, output
from liquid.builtin.tags import (
    assign_tag,
    capture_tag,
    case_tag,
    comment_tag,
    cycle_tag,
    echo_tag,
    for_tag,
    if_tag,
    inline_comment_tag,
    unless_tag,
)
from liquid.context import RenderContext
from liquid.exceptions import (
    BlockNestingError,
    ContextDepthError,
    LiquidError,
    LocalNamespaceLimitError,
    LoopIterationLimitError,
    OutputStreamLimitError,
)
from liquid.template import BoundTemplate
from liquid.undefined import Undefined
from liquid.utils import ReadOnlyChainMap

from messaging.liquid import markup
from messaging.liquid.filters import FILTERS, FilterTooLarge, bounded
from messaging.liquid.limits import (
    HTML_KINDS,
    NOTE_CHARACTERS,
    SMS_CHARACTERS,
    SUBJECT_CHARACTERS,
    Limits,
)

_TAGS = (
    *(content.Literal, output.Output, illegal.Illegal, if_tag.IfTag, unless_tag.UnlessTag),
    *(case_tag.CaseTag, for_tag.ForTag, for_tag.BreakTag, for_tag.ContinueTag),
    *(assign_tag.AssignTag, capture_tag.CaptureTag, cycle_tag.CycleTag, echo_tag.EchoTag),
    *(comment_tag.CommentTag, inline_comment_tag.InlineCommentTag),
)
TAGS = ("if", "unless", "case", "for", "assign", "capture", "cycle", "echo", "comment")
_COSTLY = (
    *(LoopIterationLimitError, OutputStreamLimitError, LocalNamespaceLimitError),
    FilterTooLarge,
)
_DEEP = (ContextDepthError, BlockNestingError)


class Refused(Exception):
    """A template that can't be rendered: `expensive` or not, the line, and why."""

    def __init__(self, message: str, *, line: int = 0, expensive: bool = False) -> None:
        """Keep the words for the author and the line, counted from 1; 0 is unknown."""
        super().__init__(message)
        self.message = message
        self.line = line
        self.expensive = expensive


@dataclass(frozen=True)
class Rendered:
    """A text, and what had to be left out of it."""

    text: str
    removed: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Use:
    """One place where a template names a variable: its dotted path and its line."""

    path: str
    line: int


class _Context(RenderContext):
    """Finds values in plain dictionaries and lists only, and counts what is assigned."""

    __slots__ = ("assigned",)

    def __init__(self, template: BoundTemplate, **options: Any) -> None:
        super().__init__(template, **options)
        self.scope = ReadOnlyChainMap(self.locals, self.globals)  # no clock: no `now`
        self.assigned = 0

    def assign(self, key: str, val: object) -> None:
        """Bind a name; raises when all bindings together pass the limit."""
        self.assigned += _weight(val)
        if self.assigned > self.env.limits.assigned_characters:  # type: ignore[attr-defined]
            raise LocalNamespaceLimitError("too much is assigned or captured", token=None)
        self.locals[key] = val

    def get_item(self, obj: object, key: object) -> object:
        """Return an entry of a plain value; raises KeyError for anything else."""
        if not isinstance(obj, Mapping | list | tuple | str | range):
            raise KeyError(key)
        return super().get_item(obj, key)


def _weight(value: object) -> int:
    if isinstance(value, str):
        return len(value) + 16
    if isinstance(value, list | tuple):
        return sum(_weight(one) for one in value) + 16
    return 16


class _Template(BoundTemplate):
    context_class = _Context


class _Language(Environment):
    """Liquid with our tags and filters, without any way to load another template."""

    template_class = _Template
    # A line break alone in a condition is what its author wrote, so it is written.
    suppress_blank_control_flow_blocks = False

    def __init__(self, limits: Limits, *, html: bool) -> None:
        self.limits = limits
        super().__init__(autoescape=html, undefined=Undefined)
        self.block_nesting_limit = limits.block_nesting  # type: ignore[misc]
        self.context_depth_limit = limits.block_nesting + 4  # type: ignore[misc]
        self.loop_iteration_limit = limits.loop_iterations  # type: ignore[misc]
        self.output_stream_limit = limits.output_bytes  # type: ignore[misc]

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        """Register what is allowed, and nothing else."""
        for tag in _TAGS:
            self.add_tag(tag)
        for name, work in bounded(self.limits).items():
            self.add_filter(name, work)


class Engine:
    """Parses and renders; keeps nothing from one template to the next."""

    def __init__(self, limits: Limits) -> None:
        """Prepare both languages: one that escapes for HTML and one for plain text."""
        self._limits = limits
        self._languages = {html: _Language(limits, html=html) for html in (True, False)}

    def render(self, source: str, context: Mapping[str, object], *, kind: str) -> Rendered:
        """Return the cleaned text of a template; raise Refused with line and reason."""
        with _Explained(source):
            text = self._parsed(source, kind).render(context)
            removed: list[str] = []
            if kind in HTML_KINDS:
                text, removed = markup.clean_html(text, page=kind == "landing")
            elif kind == "text":
                text = markup.clean_text(text)
            elif kind == "pdf_block":
                text = markup.clean_note(text, characters=NOTE_CHARACTERS)
            else:
                most = SUBJECT_CHARACTERS if kind == "subject" else SMS_CHARACTERS
                text = markup.clean_line(text, characters=most)
        if len(text.encode("utf-8", "replace")) > self._limits.output_bytes:
            raise Refused("It writes more than a message may hold.", expensive=True)
        return Rendered(text.encode("utf-8", "replace").decode(), removed)

    def inspect(self, source: str, *, kind: str) -> list[Use]:
        """Return the variables a template takes from outside; raise Refused as rendering does."""
        with _Explained(source):
            found = self._parsed(source, kind).analyze(include_partials=False)
            for name, spans in found.filters.items():
                if name not in FILTERS:
                    raise Refused(
                        f"There is no filter {name[:40]}. There are: {', '.join(sorted(FILTERS))}.",
                        line=_line(source, spans[0].index),
                    )
            return [
                Use(_path(one.segments), _line(source, one.span.index))
                for uses in found.globals.values()
                for one in uses
            ][:500]

    def _parsed(self, source: str, kind: str) -> BoundTemplate:
        if len(source.encode("utf-8", "replace")) > self._limits.source_bytes:
            raise Refused("The template is too long.", expensive=True)
        return self._languages[kind in HTML_KINDS].from_string(source)


class _Explained:
    """Turns whatever a template provokes into a Refused that an author can use."""

    def __init__(self, source: str) -> None:
        self._source = source

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if not isinstance(error, Exception) or isinstance(error, Refused | MemoryError):
            return
        if isinstance(error, LiquidError):
            line = _line(self._source, error.token.start_index) if error.token else 0
            cause = error.__cause__
            if isinstance(cause, RecursionError):
                raise Refused("It nests too deeply.", expensive=True) from None
            message = " ".join(str(error.message or "it can't be read").split())[:300]
            raise Refused(
                message, line=line, expensive=isinstance(error, (*_COSTLY, *_DEEP))
            ) from None
        if isinstance(error, RecursionError):
            raise Refused("It nests too deeply.", expensive=True) from None
        raise Refused(f"It can't be rendered ({type(error).__name__}).") from None


def _line(source: str, index: int) -> int:
    return source.count("\n", 0, index) + 1 if index >= 0 else 0


def _path(segments: list[Any]) -> str:
    """Return a path in dots; a number or a computed key is any entry, written `*`."""
    return ".".join(one if isinstance(one, str) else "*" for one in segments)[:200]
