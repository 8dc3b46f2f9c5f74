"""Logging for a process of the platform: JSON lines for machines, colours for a terminal."""

from __future__ import annotations

import logging
import sys
import threading
from types import TracebackType
from typing import TextIO

import structlog
from structlog.typing import ExcInfo, Processor

from anju_platform.db.errors import format_error


def configure(level: int = logging.INFO) -> None:
    """Send structlog's and the standard library's messages to standard error in one form."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    last: list[Processor] = (
        [structlog.dev.ConsoleRenderer(exception_formatter=_write_error)]
        if sys.stderr.isatty()
        else [
            structlog.processors.ExceptionRenderer(_render_error),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ]
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last]
        )
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for name in ("uvicorn.access", "httpx"):
        logging.getLogger(name).setLevel(logging.WARNING)
    threading.excepthook = _log_thread_error
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def _render_error(exc_info: tuple[type[BaseException], BaseException, TracebackType | None]) -> str:
    """Return a traceback without variables and without a database's text: both are people's data."""
    return format_error(exc_info[1])


def _write_error(out: TextIO, info: ExcInfo) -> None:
    if info[1] is not None:
        out.write(format_error(info[1]) + "\n")


def _log_thread_error(given: threading.ExceptHookArgs) -> None:
    if given.exc_value is not None and not isinstance(given.exc_value, SystemExit):
        structlog.get_logger("anju").error("a thread ended with an error", exc_info=given.exc_value)
