"""`python -m bench.notices`: delivering 10,000 notices, beside bare smtplib feeding the same server the same mails.

Ours is everything from the claim of a notice to its result in the journal: reading the account again, drafting, the
real texts (half English, half Dutch) as text and HTML, pay links, SMTP, PostgreSQL. Bare smtplib gets the finished
octets and one kept connection. Both take turns, slice by slice, in one process against one server process.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from smtplib import SMTP
from statistics import median
from typing import Any, Final

from torture.post_office import PostOffice
from torture.postman import SENDER, real_context

from arrears.adapters.channels.headers import compose, origin
from arrears.adapters.channels.smtp import SmtpChannel
from arrears.adapters.services.inprocess import InProcessServices
from arrears.cli.common import tune_for_batches
from arrears.core.account import Mode
from arrears.core.messages.content import Content
from arrears.core.policy import default_policy
from arrears.engine import commands
from arrears.engine.message_context import MessageContext
from arrears.engine.perform import perform
from arrears.engine.run import run
from arrears.engine.system import adopt_policy
from arrears.ports import Delivery, Fate, Message, MessageText, NewAccount
from arrears.store.postgres.store import PostgresStore
from arrears.wiring import fresh_database, set_up_django

GOAL: Final = 0.5
START: Final = datetime(2026, 6, 1, tzinfo=UTC)
SLICE: Final = 1000
BATCH: Final = 500


class Kept(SmtpChannel):
    """The real channel, which keeps what it sent and how long that took."""

    def __init__(self, url: str) -> None:
        super().__init__(url, SENDER)
        self.sent: list[Message] = []
        self.seconds = 0.0

    def send(self, message: Message) -> Delivery:
        """Send, and note it."""
        began = time.perf_counter()
        delivery = super().send(message)
        self.seconds += time.perf_counter() - began
        assert delivery.fate is Fate.ACCEPTED, delivery
        self.sent.append(message)
        return delivery


class Timed:
    """The real words, and how long they took."""

    def __init__(self, context: MessageContext) -> None:
        self._writer, self.seconds = context.writer, 0.0

    def render(self, content: Content) -> MessageText:
        """See ports.Writer."""
        began = time.perf_counter()
        words = self._writer.render(content)
        self.seconds += time.perf_counter() - began
        return words


def open_book(store: PostgresStore, count: int) -> datetime:
    """So many accounts, each with one invoice that is past due and one reminder recorded; the instant of that."""
    adopt_policy(store, default_policy(), START, "staff:1")
    due = START.date() + timedelta(days=1)
    for first in range(0, count, BATCH):
        some = range(first, min(first + BATCH, count))
        new = [
            (
                NewAccount(f"N{i}", f"Company {i} Ltd", "NL", "UTC", ("nl-NL", "en-GB")[i % 2], Mode.CARD,
                           contact=f"billing@customer-{i}.example"),
                ("cloud",),
            )
            for i in some
        ]  # fmt: skip
        numbers = commands.open_accounts(store, new, START, "api:1")
        invoices = [
            commands.Invoice(number, f"2026-{number:06d}", "EUR", 1000 + number, START.date(), due, (1,))
            for number in numbers
        ]
        commands.issue_invoices(store, invoices, START, "api:1")
    for at in (due + timedelta(days=1), due + timedelta(days=1)):
        midnight = datetime(at.year, at.month, at.day, tzinfo=UTC)
        run(store, midnight)
    morning = datetime(at.year, at.month, at.day, 9, tzinfo=UTC)
    run(store, morning)
    return morning


def bench(count: int) -> dict[str, Any]:
    """The figures of one run."""
    url = fresh_database("bench_notices")
    set_up_django(url)
    store = PostgresStore(url, connections_max=4, clock_is_real=False)
    now = open_book(store, count)
    context = real_context()
    timed = Timed(context)
    context = MessageContext(timed, context.operator, context.base_url, limits=context.limits)
    tune_for_batches()
    ratios, ours_seconds, bare_seconds = [], 0.0, 0.0
    with tempfile.TemporaryDirectory() as folder:
        post = PostOffice(Path(folder), _free_port())
        (Path(folder) / "clock").write_text(now.isoformat())
        post.set("count")
        post.start()
        channel, who = Kept(post.url), origin(SENDER, "", "")
        bare = SMTP("127.0.0.1", post.port)
        bare.ehlo()
        sent = 0
        while sent < count:
            began, wanted = time.perf_counter(), min(SLICE, count - sent)
            while len(channel.sent) < wanted and perform(store, channel, InProcessServices(), now, context=context):
                pass
            ours = time.perf_counter() - began
            finished = [(m.to, compose(m, who).octets()) for m in channel.sent]
            began = time.perf_counter()
            for to, octets in finished:
                bare.sendmail("billing@example.org", [to], octets, ["BODY=8BITMIME"])
            plain = time.perf_counter() - began
            assert len(finished) >= wanted, f"only {len(finished)} of {wanted} messages left"
            sent += len(finished)
            channel.sent.clear()
            ours_seconds, bare_seconds = ours_seconds + ours, bare_seconds + plain
            ratios.append(plain / ours)
        bare.quit()
        channel.close()
        post.kill()
    store.close()
    return {
        "notices": sent,
        "seed": None,  # the notices are the same every time; nothing is left to chance
        "ours_per_second": round(sent / ours_seconds),
        "smtplib_per_second": round(sent / bare_seconds),
        "ratio_median": round(median(ratios), 3),
        "ratios": [round(ratio, 3) for ratio in ratios],
        "words_ms": round(1000 * timed.seconds / sent, 2),
        "smtp_ms": round(1000 * channel.seconds / sent, 2),
        "rest_ms": round(1000 * (ours_seconds - timed.seconds - channel.seconds) / sent, 2),
        "goal": GOAL,
        "holds": median(ratios) >= GOAL,
    }


def _free_port() -> int:
    import socket

    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def main() -> int:
    """One JSON object; exit code 1 below the goal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="only the JSON object, on one line")
    parser.add_argument("--count", type=int, default=10_000)
    options = parser.parse_args()
    figures = bench(options.count)
    sys.stdout.write(json.dumps(figures, indent=None if options.json else 2) + "\n")
    return 0 if figures["holds"] else 1


if __name__ == "__main__":
    sys.exit(main())
