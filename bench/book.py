"""A receivables book of any size, written straight into the tables: accounts in every phase of the ladder.

Each phase is a few dozen template accounts, played by the real engine in memory; every account of the book is a copy
of one with its own number and its own hash chain. So the book passes `arrears check`, and a million accounts take a
minute.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any, Final, NamedTuple

import psycopg
from msgspec.structs import astuple

from arrears.adapters.channels.memory import MemoryChannel
from arrears.adapters.services.inprocess import InProcessServices
from arrears.core.account import Mode, encode_account
from arrears.core.facts import kind_of
from arrears.core.policy import default_policy
from arrears.core.rows import rows_of
from arrears.core.unit import GENESIS, Unit, chained
from arrears.engine import commands
from arrears.engine.booking import Payment
from arrears.engine.system import adopt_policy
from arrears.ports import Mail, NewAccount
from arrears.sim.stage import Stage
from arrears.store.memory.store import MemoryStore
from arrears.store.postgres.write import FACT_HASH, SEAL

NOW: Final = datetime(2026, 6, 1, 9, tzinfo=UTC)
"""The instant of the measured run: 09:00 of a Monday, UTC."""

MARK: Final = 987654321987
"""Stands for the account's number in a template; no other number in a template looks like it."""


class Phase(NamedTuple):
    """One kind of account that is due: how many days before NOW its invoice was due, and its share of all due."""

    name: str
    days: int
    share: int


PHASES: Final = (
    Phase("goes past due", 1, 10),
    Phase("reminder 3", 4, 20),
    Phase("reminder 14", 15, 20),
    Phase("warning 21", 22, 10),
    Phase("warning 28", 29, 10),
    Phase("disabled", 32, 20),
    Phase("retention warning 30", 61, 10),
)

CUT: Final = PHASES[5]
"""Of these something is cut in the measured run."""

VARIANTS: Final = 48
"""In how many ways the accounts of one phase differ in what a decision could look at: how many invoices they paid
before, the service they use, and the second at which a mail server accepted their messages."""
SERVICES: Final = ("cloud", "mail", "storage")


@dataclass(frozen=True, slots=True)
class Template:
    """One account's rows as text with MARK for its number, its facts for the chain, and what its letters say, by the
    digest that the facts of their acceptance name."""

    facts: tuple[tuple[int, datetime, str, str, str, str], ...]
    letters: dict[str, str]
    state: str
    next_at: datetime | None
    blocks: dict[str, str]


def _play(days: int | None, variant: int = 0) -> Template:
    """An account whose invoice was due `days` ago and that was last looked at before NOW; None: one that paid."""
    paid_before, late = variant % 6, timedelta(seconds=7 * (variant // 6))
    store = MemoryStore()
    due_on = NOW.date() - timedelta(days=days if days is not None else 40)
    issued_on = due_on - timedelta(days=14)
    start = datetime.combine(issued_on, datetime.min.time(), UTC)
    stage = Stage(store, MemoryChannel(), InProcessServices(), start, late=late)
    adopt_policy(store, default_policy(), start, "staff:1")
    new = NewAccount("x", "x", "NL", "UTC", "nl", Mode.CARD, "default", "x@example.org")
    [number] = commands.open_accounts(store, [(new, [SERVICES[variant % 3]])], start, "api:1")
    for earlier in range(paid_before):
        named = f"{earlier}-{MARK}"
        invoice = commands.Invoice(number, f"E{named}", "EUR", 4900, issued_on, due_on, (1,))
        [debt] = commands.issue_invoices(store, [invoice], start, "api:1")
        commands.record_payments(store, [Payment(number, f"P{named}", "EUR", 4900, (debt,))], start, "api:1")
    invoice = commands.Invoice(number, f"I{MARK}", "EUR", 4900 + 10 * variant, issued_on, due_on, (1,))
    [debt] = commands.issue_invoices(store, [invoice], start, "api:1")
    if days is None:
        commands.record_payments(store, [Payment(number, f"P{MARK}", "EUR", 4900, (debt,))], start, "api:1")
        stage.until(NOW)
    else:
        stage.until(_last_look(days))
    return _template(store, number)


def _last_look(days: int) -> datetime:
    """Just before the instant at which the phase begins: midnight for past due and disabled, else 09:00."""
    if days in (1, 32):
        return datetime.combine(NOW.date(), datetime.min.time(), UTC) - timedelta(seconds=1)
    return NOW - timedelta(seconds=1)


def _template(store: MemoryStore, number: int) -> Template:
    unit = Unit(MARK, None, 0, GENESIS, NOW)
    for recorded in store.history(number):
        unit.now = recorded.at
        unit.record(recorded.fact, recorded.author, recorded.why)
    rows = rows_of([unit])
    blocks = {
        COPY_STEP: "".join(_line(astuple(s)) for s in rows.steps),
        "COPY action (account_id, seq, kind, subscription, order_no, what, status, tries) FROM STDIN": "".join(
            _line((*astuple(a), "done", 1)) for a in rows.actions
        ),
        "COPY entry (account_id, seq, line, ledger, debt, currency, minor) FROM STDIN": "".join(
            _line(astuple(e)) for e in rows.entries
        ),
        "COPY account (account_id, ref, name, country, zone, locale, mode, policy, contact) FROM STDIN": (
            f"{MARK}\tref-{MARK}\tAccount {MARK}\tNL\tUTC\tnl\tcard\tdefault\tbilling-{MARK}@example.org\n"
        ),
    }
    for name, table in (
        ("invoices", "invoice"),
        ("payments", "payment"),
        ("subscriptions", "subscription"),
        ("cases", "collection_case"),
        ("service_ends", "service_end"),
    ):
        found = getattr(rows, name)
        if found:
            columns = ", ".join(found[0]._fields)
            blocks[f"COPY {table} ({columns}) FROM STDIN"] = "".join(_line(row) for row in found)
    mails = store.mails_of(number)
    if mails:
        blocks[COPY_MESSAGE] = "".join(map(_mail_line, mails))
    facts = tuple(
        (s.recorded.seq, s.recorded.at, s.recorded.author, s.recorded.why, kind_of(s.recorded.fact), s.body)
        for s in unit.stored
    )
    letters = {sha256(m.text.encode()).hexdigest(): m.text for m in mails}
    return Template(facts, letters, encode_account(unit.account), store.slots[number].next_at, blocks)


def _mail_line(m: Mail) -> str:
    who = (m.address, m.role, m.person, m.language)
    said = (m.subject, m.text.replace("\n", "\\n"), m.state, m.reply, m.at, m.mark, m.address)
    return _line((MARK, m.seq, m.no, m.kind, m.cause, m.on_day, *who, *said))


def _line(row: Iterable[Any]) -> str:
    return "\t".join("\\N" if value is None else str(value) for value in row) + "\n"


def _copies(accounts: int, due: int, cut_percent: int) -> Iterator[tuple[int, Template]]:
    """Which template each account is a copy of: the due ones lie evenly between the others."""
    played = {p: [_play(p.days, variant) for variant in range(VARIANTS)] for p in PHASES}
    cut = [played[CUT][v] for v in range(VARIANTS)]
    others = [played[p][v] for v in range(VARIANTS) for p in PHASES if p != CUT for _ in range(p.share // 10)]
    paid = _play(None)
    made = 0
    for number in range(1, accounts + 1):
        if made * accounts < due * number and made < due:
            before, after = made * cut_percent // 100, (made + 1) * cut_percent // 100
            yield number, cut[before % len(cut)] if after > before else others[(made - before) % len(others)]
            made += 1
        else:
            yield number, paid


def _chunks(accounts: int, due: int, cut_percent: int) -> Iterator[dict[str, str]]:
    """The book as COPY texts, 5,000 accounts at a time."""
    texts: dict[str, list[str]] = {}
    for number, template in _copies(accounts, due, cut_percent):
        _add(texts, number, template)
        if number % 5000 == 0:
            yield {statement: "".join(parts) for statement, parts in texts.items()}
            texts = {}
    if texts:
        yield {statement: "".join(parts) for statement, parts in texts.items()}


COPY_STEP: Final = (
    "COPY step (account_id, seq, kind, case_no, subscription, generation, rung, promised_on, skipped) FROM STDIN"
)
COPY_FACT: Final = "COPY fact (account_id, seq, at, kind, author, why, hash, body) FROM STDIN"
COPY_MESSAGE: Final = (
    "COPY message (account_id, seq, no, kind, cause, on_day, address, role, person_id, language, subject, body, state,"
    " reply, at, mark, mailbox) FROM STDIN"
)
COPY_STATE: Final = "COPY arriving (account_id, seq, next_at, waits, head, state, recorded_at) FROM STDIN"
SEALED: Final = f"""
INSERT INTO account_state (account_id, seq, next_at, waits, head, state, recorded_at, journal, seal)
SELECT account_id, seq, next_at, waits, head, state, recorded_at, j.journal, {SEAL.format("s", "j.journal")}
FROM arriving s CROSS JOIN LATERAL (
    SELECT bit_xor({FACT_HASH.format("f")}) AS journal FROM generate_series(1, s.seq) AS n (seq)
    JOIN fact f ON f.seq = n.seq AND f.account_id = s.account_id
) j"""
"""States come in as text and are sealed by the server, as those are that the engine writes."""


def _add(texts: dict[str, list[str]], number: int, template: Template) -> None:
    mark, own = str(MARK), str(number)
    head = GENESIS
    lines = texts.setdefault(COPY_FACT, [])
    digests = {said: sha256(text.replace(mark, own).encode()).hexdigest() for said, text in template.letters.items()}
    for seq, at, author, why, kind, body in template.facts:
        text = body.replace(mark, own)
        if kind == "notice_accepted":
            said = text.partition('"digest":"')[2][:64]
            text = text.replace(said, digests[said])
        head = chained(head, number, seq, at, author, why, text)
        lines.append(f"{own}\t{seq}\t{at}\t{kind}\t{author}\t{why}\t\\\\x{head.hex()}\t{text}\n")
    state = template.state.replace(mark, own)
    next_at = "\\N" if template.next_at is None else template.next_at
    texts.setdefault(COPY_STATE, []).append(
        f"{own}\t{len(template.facts)}\t{next_at}\tf\t\\\\x{head.hex()}\t{state}\t{template.facts[-1][1]}\n"
    )
    for statement, block in template.blocks.items():
        texts.setdefault(statement, []).append(block.replace(mark, own))


def write_book(url: str, accounts: int, due: int, cut_percent: int = CUT.share) -> None:
    """Fill the tables of an empty database; `due` of the accounts are due at NOW, so many in a hundred of those to be
    disabled."""
    with psycopg.connect(url) as db:
        db.execute("SET synchronous_commit = off")
        db.execute("CREATE TEMP TABLE arriving (LIKE account_state)")
        for chunk in _chunks(accounts, due, cut_percent):
            for statement, text in chunk.items():
                with db.cursor().copy(statement) as copy:
                    copy.write(text)
            db.execute(SEALED.encode())
            db.execute("TRUNCATE arriving")
        db.execute("SELECT setval('account_number', %s)", [accounts])
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("VACUUM (ANALYZE, FREEZE)")


def days_of(phase: Phase) -> date:
    """The due date of the invoice of an account in this phase."""
    return NOW.date() - timedelta(days=phase.days)
