"""Structured logs: one JSON object a line, from an allow-list of fields.

Bodies, tokens, passwords and personal data are never logged: a field that is not on the
list is dropped, whoever wrote it.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import msgspec
import structlog

ALLOWED = frozenset(
    {
        *("event", "level", "timestamp", "logger", "process", "request_id", "tenant", "actor"),
        *("method", "route", "status", "milliseconds", "surface", "topic", "subscriber", "attempt"),
        *("operation", "state", "server", "count", "seconds", "step", "run", "queue", "actor_name"),
        *("error", "exception", "reason", "port", "event_id", "retcode", "lag_seconds", "worker"),
    }
)


def _keep_allowed(
    _logger: object, _name: str, fields: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    return {key: value for key, value in fields.items() if key in ALLOWED}


class _Named(structlog.WriteLogger):
    """Writes lines to standard error, and knows the module whose they are."""

    def __init__(self, name: str = "") -> None:
        super().__init__(sys.stderr)
        self.name = name


def _as_json(fields: MutableMapping[str, Any], **_options: object) -> str:
    return msgspec.json.encode(fields, enc_hook=str).decode()


def configure(process: str, *, level: int = logging.INFO) -> None:
    """Send every log line of this process to standard error as JSON."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    ending: list[structlog.typing.Processor] = [
        _keep_allowed,
        structlog.processors.JSONRenderer(serializer=_as_json),
    ]
    # Our own lines go straight out; only those of libraries pass through `logging`.
    structlog.configure(
        processors=[*shared, structlog.stdlib.add_logger_name, *ending],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=_Named,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *ending],
        )
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for noisy in ("httpx", "httpcore", "botocore", "urllib3", "stripe", "asyncio", "_granian"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    structlog.contextvars.bind_contextvars(process=process)


def logger(name: str) -> structlog.typing.FilteringBoundLogger:
    """Return the logger of a module."""
    bound: structlog.typing.FilteringBoundLogger = structlog.get_logger(name)
    return bound


def bind(**fields: str) -> None:
    """Add fields (tenant, actor, request_id) to every line of this task."""
    structlog.contextvars.bind_contextvars(**fields)
