"""What the program says of its work: one line for one event, as text or JSON, on standard error.

Nothing of a customer and nothing secret stands in it, by how it is made: an event has only fields of `FIELDS`, whose
values are counts, codes and names of our own; a request is its route (`pay/<str:token>`), never its address; of an
exception there are its class and the places in the code, never its words, which may quote what somebody typed; of what
libraries say, the text that stands in their code, without what they put into it.
"""

from __future__ import annotations

import logging
import secrets
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Mapping, MutableMapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, Literal, TextIO

import structlog
from structlog import contextvars
from structlog.stdlib import ProcessorFormatter

FIELDS: Final[Mapping[str, str]] = {
    "at": "when, in UTC",
    "level": "info, warning or error",
    "event": "what",
    "logger": "which part says it, where that is a library",
    "request": "the name of a request, which whoever made it was shown",
    "method": "of a request",
    "route": "the pattern that its address has, or - where it has none of ours",
    "status": "of its answer",
    "milliseconds": "how long it took",
    "token": "the number of the token with which a program asked",
    "accounts": "how many were due",
    "facts": "how many were recorded",
    "left_out": "how many accounts that were due nobody looked at",
    "performed": "how many actions were",
    "parked": "how many accounts were parked",
    "said": "a line of ours about mail as a whole, or why something waits",
    "seconds": "how long an outage was, or how long is waited",
    "mistake": "an exception by its class and the place where it was raised",
    "times": "how often this process has met it",
    "frames": "how it came to that place, the first time",
    "code": "the stable code of what was refused, or PostgreSQL's",
    "constraint": "the rule of the database that was broken",
}
"""Every field that an event can have."""

MISTAKES_MAX: Final = 1_000
"""So many kinds of mistakes are told apart; after that they are one."""
FRAMES_MAX: Final = 40

_ROOT: Final = Path(__file__).parents[2]
_FOREIGN_LEVEL: Final = logging.WARNING


class MistakesByKind:
    """Exceptions by kind: the first of a kind with how it came about, the others with how many there were."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._times: Counter[str] = Counter()

    def fields(self, error: BaseException) -> dict[str, object]:
        """What is said of an exception."""
        frames = traceback.extract_tb(error.__traceback__)
        ours = [frame for frame in frames if "arrears" in Path(frame.filename).parts] or frames
        place = _place(ours[-1]) if ours else "nowhere"
        kind = f"{type(error).__name__} at {place}"
        with self._lock:
            if kind not in self._times and len(self._times) >= MISTAKES_MAX:
                kind = "others"
            self._times[kind] += 1
            times = self._times[kind]
        found: dict[str, object] = {"mistake": kind, "times": times}
        if times == 1:
            found["frames"] = " < ".join(_place(frame) for frame in reversed(frames[-FRAMES_MAX:]))
        code = getattr(error, "sqlstate", None) or getattr(error, "code", None)
        if isinstance(code, str):
            found["code"] = code
        constraint = getattr(getattr(error, "diag", None), "constraint_name", None)
        if constraint:
            found["constraint"] = constraint
        return found


def _place(frame: traceback.FrameSummary) -> str:
    path = Path(frame.filename)
    name = path.relative_to(_ROOT) if path.is_relative_to(_ROOT) else Path(*path.parts[-2:])
    return f"{name}:{frame.lineno} {frame.name}"


_mistakes: Final = MistakesByKind()
LogEvent = MutableMapping[str, Any]


def _with_mistake(_logger: Any, _method: str, event: LogEvent) -> LogEvent:
    error = event.pop("exc_info", None)
    if isinstance(error, tuple):
        error = error[1]
    elif error is True:
        error = sys.exc_info()[1]
    if isinstance(error, BaseException):
        event.update(_mistakes.fields(error))
    return event


def _known(_logger: Any, _method: str, event: LogEvent) -> LogEvent:
    """Nothing but what has a place in `FIELDS`, in its order."""
    return {name: event[name] for name in FIELDS if name in event}


def _foreign(_logger: Any, _method: str, event: LogEvent) -> LogEvent:
    """What a library says: its own words, without the values that it puts in."""
    record: logging.LogRecord = event["_record"]
    event["event"], event["logger"] = str(record.msg) if isinstance(record.msg, str) else "-", record.name
    if record.exc_info:
        event["event"], event["exc_info"] = "mistake", record.exc_info
    return event


_STAMP: Final = structlog.processors.TimeStamper(fmt="iso", utc=True, key="at")
_RENDERERS: Final[Mapping[str, Any]] = {
    "text": structlog.processors.LogfmtRenderer(),
    "json": structlog.processors.JSONRenderer(ensure_ascii=False),
}
_OURS: Final = (contextvars.merge_contextvars, structlog.stdlib.add_log_level, _STAMP, _with_mistake)
# Where nobody has asked for a log, events go the way of the standard library's: what is only informative, nowhere.
structlog.configure(
    processors=[structlog.stdlib.filter_by_level, *_OURS, ProcessorFormatter.wrap_for_formatter],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
)


def begin(form: Literal["text", "json"], *, quiet: bool = False, stream: TextIO | None = None) -> None:
    """Say what happens from now on; only what is wrong where `quiet`."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        ProcessorFormatter(
            foreign_pre_chain=[_foreign, *_OURS],
            processors=[ProcessorFormatter.remove_processors_meta, _known, _RENDERERS[form]],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(_FOREIGN_LEVEL)
    logging.getLogger("arrears").setLevel(logging.WARNING if quiet else logging.INFO)
    # Every request is a line of ours already; these two say the same again, with its address. What Django calls
    # suspicious (a foreign host name, a broken cookie) is a visitor's, and is no mistake of ours whatever its level.
    logging.getLogger("django.request").setLevel(logging.ERROR)
    logging.getLogger("django.security").setLevel(logging.CRITICAL)
    logging.getLogger("uvicorn").setLevel(logging.ERROR)
    # Each try to connect anew would be a line, for as long as a database is away; that it is away is one.
    logging.getLogger("psycopg").setLevel(logging.ERROR)


LOG: Final = structlog.stdlib.get_logger("arrears")
"""Where our own events are said."""


def enter_request() -> str:
    """Name the request that this thread answers from now on, and return the name; everything that is said until
    `leave_request` has it."""
    name = secrets.token_hex(6)
    contextvars.bind_contextvars(request=name)
    return name


def leave_request() -> None:
    """The request is answered."""
    contextvars.clear_contextvars()


def request_name() -> str:
    """The name of the request that this thread answers; empty outside of one."""
    return str(contextvars.get_contextvars().get("request", ""))


def say_of_mail(line: str) -> None:
    """Something is wrong with mail as a whole, or is over."""
    LOG.warning("mail", said=line)


class WorkerLog:
    """What a worker says of its looks (`engine.worker.Watcher`): each that did something, and an outage once when it
    begins and once when it is over, however often the database was asked for meanwhile."""

    def __init__(self, outages: tuple[type[Exception], ...]) -> None:
        self.outages = outages
        self._away_since: float | None = None

    def looked(self, report: Any, performed: int) -> None:
        """See engine.worker.Watcher."""
        if self._away_since is not None:
            LOG.info("database_back", seconds=round(time.monotonic() - self._away_since, 1))
            self._away_since = None
        if report.left_out:
            LOG.warning("left_out", left_out=report.left_out)
        if report.accounts or performed:
            LOG.info("worked", **asdict(report), performed=performed)

    def lost(self, error: Exception) -> None:
        """See engine.worker.Watcher."""
        if self._away_since is None:
            self._away_since = time.monotonic()
            LOG.error("database_away", said="working on as soon as it is back", exc_info=error)


class CourierLog:
    """What a courier says of its deliveries (`engine.courier.CourierWatcher`): how many, and what goes wrong, once
    until something is carried again."""

    def __init__(self) -> None:
        self._failing = False

    def carried(self, parcels: int) -> None:
        """See engine.courier.CourierWatcher."""
        self._failing = False
        if parcels:
            LOG.info("delivered", performed=parcels)

    def lost(self, error: Exception) -> None:
        """See engine.courier.CourierWatcher."""
        if not self._failing:
            LOG.error("not_delivered", said="it is tried again", exc_info=error)
        self._failing = True
