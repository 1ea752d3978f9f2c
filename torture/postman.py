"""A worker process with the real texts and real SMTP, to be killed: collects and performs on a clock that is a file."""

from __future__ import annotations

import time
from datetime import datetime
from functools import cache, partial
from pathlib import Path

import psycopg

from arrears.adapters.channels.smtp import SmtpChannel
from arrears.adapters.services.inprocess import InProcessServices
from arrears.core.messages.content import Operator
from arrears.engine.failpoints import arm
from arrears.engine.message_context import MessageContext
from arrears.engine.perform import perform_all
from arrears.engine.run import run
from arrears.notices.render import load_texts
from arrears.store.postgres.store import PostgresStore
from arrears.wiring import set_up_django
from torture.outside import LIMITS, POLL_SECONDS, READY, ClockFile

BASE_URL = "https://pay.example.org"
SENDER = "Example Billing <billing@example.org>"


@cache
def real_context() -> MessageContext:
    """The texts that ship, with pay links and without limits: the post office sets those."""
    return MessageContext(load_texts(), Operator("Example", "https://help.example.org", ""), BASE_URL, limits=None)


def _same(now: datetime) -> datetime:
    return now


def main(arguments: list[str], armed: str) -> None:
    """`postman name folder url schema smtp-url`; `armed` names a failpoint."""
    _what, name, folder, url, schema, smtp = arguments
    set_up_django(url)
    context, channel = real_context(), SmtpChannel(smtp, SENDER, timeout_seconds=5)
    store = PostgresStore(url, schema=schema, connections_max=1, clock_is_real=False)
    clock, services = ClockFile(Path(folder)), InProcessServices()
    worked_at = clock.read() if armed else None
    clock.see(name, READY)
    arm(armed)
    while (now := clock.read()) is not None:
        if now == worked_at:
            time.sleep(POLL_SECONDS)
            continue
        try:
            while run(store, now, limits=LIMITS).accounts + perform_all(
                store,
                channel,
                services,
                partial(_same, now),
                context=context,
            ):
                pass
        except psycopg.OperationalError:
            time.sleep(10 * POLL_SECONDS)
            continue
        worked_at = now
        clock.see(name, now.isoformat())
    store.close()
