"""Logs: one event name, facts as keys; JSON lines, or colours on a terminal."""

from __future__ import annotations

import contextlib
import json
import logging
import sys
from collections.abc import Sequence
from typing import Any, BinaryIO, cast

import orjson
import structlog
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import Processor

from shared.runtime.settings import RuntimeSettings

_CHATTY = ("aiormq", "aio_pika", "botocore", "alembic", "asyncio")


def configure_logs(settings: RuntimeSettings) -> None:
    """Send structlog and the standard library's logging to stderr, in one format.

    Our own lines do not pass through the standard library, which costs 50 us for each. Stack
    traces come without local variables: they may hold passwords.
    """
    chosen = settings.log_format or ("console" if sys.stderr.isatty() else "json")
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    told: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    rendered = _json() if chosen == "json" else _console()
    _configure_standard_library(level, told, rendered)
    structlog.configure(
        processors=[*told, *rendered, _encode],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.BytesLoggerFactory(cast(BinaryIO, _Stderr())),
        cache_logger_on_first_use=True,
    )


class _Stderr:
    """Standard error; a terminal that is gone or a full disk costs lines, and nothing else."""

    def write(self, line: bytes) -> None:
        with contextlib.suppress(OSError):
            sys.stderr.buffer.write(line)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            sys.stderr.buffer.flush()


def _json() -> list[Processor]:
    return [
        structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
        structlog.processors.JSONRenderer(serializer=_dumps),
    ]


def _console() -> list[Processor]:
    return [
        structlog.processors.UnicodeDecoder(),
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
    ]


def _dumps(facts: object, default: object = None) -> str:  # noqa: ARG001 - structlog's signature
    try:
        return orjson.dumps(facts, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:  # text that is no Unicode came in a request; a log must not fail over it
        return json.dumps(facts, default=str, skipkeys=True)


def _encode(_: object, __: str, line: Any) -> bytes:
    return str(line).encode(errors="replace")


def _configure_standard_library(
    level: int, told: Sequence[Processor], rendered: Sequence[Processor]
) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=told,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendered],
        )
    )
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for chatty in _CHATTY:
        logging.getLogger(chatty).setLevel(max(level, logging.WARNING))
