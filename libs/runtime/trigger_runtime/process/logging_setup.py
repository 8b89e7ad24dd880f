"""Logging: structlog to standard error, one line per record, everything through one format.

Callers log an event name and key-value pairs (``log.info("batch refused", size=3)``).
Never logged: secrets and payloads. Settings hold secrets as ``SecretStr``, which prints stars, and
an exception's words are said only where nobody else's are among them (``exceptions_told``). What a
record is about is added when it is written (``log_context``).
"""

import asyncio
import logging
import sys
import threading
from types import TracebackType
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, ExcInfo

from .exceptions_told import told, traceback_of
from .log_context import add_context
from .printing import printable
from .settings import LogSettings
from .variable_names import unknown

_LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}


def set_up_logging(settings: LogSettings, *, service: str) -> None:
    """Route structlog and the standard library's logging to standard error, for this process."""
    level = _LEVELS[settings.log_level]

    def add_service(_logger: Any, _method: str, event: EventDict) -> EventDict:
        event["service"] = service
        return event

    shared: list[Any] = [
        add_context,
        add_service,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    as_json = settings.log_format == "json"
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(),
            # The default one prints local variables, too.
            exception_formatter=_indented_traceback,
        )
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            _drop_color_message,
            # The console renderer prints tracebacks itself; JSON needs them as text in one line.
            *([_exception_as_text] if as_json else [_one_line]),
            renderer,
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # uvicorn says how to quit it, which a supervisor's child does not need to hear.
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)
    sys.excepthook = _ended_by
    threading.excepthook = _ended_thread
    sys.unraisablehook = _ignored
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    for old, new in settings.outdated().items():
        get_logger(__name__).warning("this setting has a new name", old=old, new=new)
    warn_of_unknown_variables()


def warn_of_unknown_variables() -> None:
    """Whoever misspelt a setting has its default, and is told."""
    for name, meant in unknown():
        get_logger(__name__).warning(
            f"{name} is no setting" + (f": perhaps {meant} is meant" if meant else ""),
            variable=name,
        )


def log_trouble_alone() -> None:
    """For commands, whose standard output is their answer: warnings and worse, on standard error.

    The answer says the rest in words of its own.
    """
    structlog.configure(
        processors=[
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=_indented_traceback
            ),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def _drop_color_message(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Some libraries say everything twice, the second time with escape codes."""
    event.pop("color_message", None)
    return event


def _one_line(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """What others wrote (a path, a name, the words of an error) forges no line of its own."""
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = printable(value)
    return event


def _exception_as_text(_logger: Any, _method: str, event: EventDict) -> EventDict:
    found = event.pop("exc_info", None)
    if found is True:
        found = sys.exc_info()
    error = found[1] if isinstance(found, tuple) else found
    if isinstance(error, BaseException):
        event["exception"] = traceback_of(error)
    return event


def _indented_traceback(out: TextIO, info: ExcInfo) -> None:
    """What an exception says may have lines: none begins as a record does."""
    lines = printable(traceback_of(info[1]), keep="\n\t").split("\n")
    out.writelines(f"\n  | {line}" for line in lines)


def _ended_by(
    _kind: type[BaseException], error: BaseException, _where: TracebackType | None
) -> None:
    """What nobody has caught ends the process, and is a record like any other."""
    get_logger(__name__).critical("ended by an error", exc_info=error)


def _ended_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None and not isinstance(args.exc_value, SystemExit):
        get_logger(__name__).error("a thread ended by an error", exc_info=args.exc_value)


def _ignored(args: "sys.UnraisableHookArgs") -> None:
    """Of a destructor, say: nobody could be told."""
    if args.exc_value is not None:
        get_logger(__name__).error("an error was ignored", exc_info=args.exc_value)


def tell_of_tasks(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """An event loop's exception handler: asyncio's own shows a task with its exception's words."""
    error = context.get("exception")
    get_logger("asyncio").error(
        str(context.get("message", "unhandled")),
        **({"error": told(error), "exc_info": error} if isinstance(error, BaseException) else {}),
    )


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger whose records carry ``module=name``."""
    logger: structlog.stdlib.BoundLogger = structlog.get_logger(module=name)
    return logger
