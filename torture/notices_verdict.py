"""What is judged of every mail that the post office took, from outside, at the instant at which it came."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final

from arrears.core import facts as f
from arrears.core.account import Account, Action
from arrears.core.actions import NOTICE
from arrears.core.calendar import calendar_of
from arrears.core.deadlines import ahead
from arrears.core.evolve import evolve, open_account
from arrears.core.messages.kinds import KINDS, MessageKind
from arrears.core.messages.recipients import addresses
from arrears.core.money import format_amount
from arrears.core.view import View
from arrears.engine.tokens import digest_of
from arrears.ports import Claim, Mail
from arrears.store.postgres.check import check_store
from arrears.store.postgres.store import PostgresStore
from torture.letters import Letter, read
from torture.post_office import Accepted

LEDGER: Final = """
SELECT account_id, debt, min(currency), sum(minor) FROM entry WHERE ledger = 'receivable' AND account_id = ANY(%s)
GROUP BY account_id, debt HAVING sum(minor) <> 0
"""
FAULTS: Final = (
    "sums_wrong",
    "dates_wrong",
    "dates_earlier",
    "duplicates",
    "strangers",
    "parts_differ",
    "too_early",
)
Promised = tuple[int, int, int, Action]
"""Account, subscription, generation, action."""


class Verdict:
    """Counts what holds and what does not; the first few of what does not are kept in words."""

    def __init__(self, store: PostgresStore) -> None:
        self._store = store
        self.counts: Counter[str] = Counter()
        self.wrong: list[str] = []
        self._ids: set[str] = set()
        self._days_named: set[tuple[object, ...]] = set()
        self._promises: dict[Promised, list[tuple[datetime, date]]] = defaultdict(list)
        self._tokens: set[str] = set()

    def _fault(self, what: str, why: str) -> None:
        self.counts[what] += 1
        if len(self.wrong) < 20:
            self.wrong.append(f"{what}: {why}")

    # -- at each instant -----------------------------------------------------------------------------------------

    def judge(self, mails: Sequence[Accepted], now: datetime) -> None:
        """The mails that came at an instant, before anything else happens at a later one."""
        if not mails:
            return
        numbers = sorted({_account_of(mail) for mail in mails})
        accounts, contacts = self._store.snapshots(numbers), self._store.contacts(numbers)
        ledger = self._ledger(numbers)
        policies, guards = self._store.policies(), self._store.system().guards
        rows = {row.id: row for number in numbers for row in self._store.mails_of(number)}
        for mail in mails:
            number = _account_of(mail)
            account, row = accounts[number], rows[mail.id]
            text, html = read(mail.mail)
            self.counts["messages"] += 1
            self.counts[f"in_{text.language}"] += 1
            if text != html:
                self._fault("parts_differ", f"{mail.id}: {text} is not {html}")
            if mail.to not in addresses(contacts[number]):
                self._fault("strangers", f"{mail.id} went to {mail.to}")
            self._sums(mail, row, text, account, ledger.get(number, {}), contacts[number].locale)
            self._dates(mail, text, View(policies, account, guards, now))
            self._once(mail, row, account)
            self._tokens.update(text.tokens)
            self.counts["pay_links"] += len(text.tokens)

    def _ledger(self, numbers: Sequence[int]) -> dict[int, dict[int, tuple[str, int]]]:
        """What is open of each debt by the ledger's entries alone."""
        found: dict[int, dict[int, tuple[str, int]]] = defaultdict(dict)
        with self._store.reading() as db:
            for account, debt, currency, minor in db.execute(LEDGER.encode(), [list(numbers)]):
                found[account][debt] = (currency, int(minor))
        return found

    def _sums(
        self,
        mail: Accepted,
        row: Mail,
        letter: Letter,
        account: Account,
        ledger: dict[int, tuple[str, int]],
        locale: str,
    ) -> None:
        """The total of each currency is what the ledger has of the debts that are asked for."""
        if not KINDS[MessageKind(row.kind)].asks_for_money:
            return
        owed: dict[str, int] = defaultdict(int)
        for debt in account.debts:
            if debt.day_0 is not None and not debt.ended and not account.debt_is_held(debt.no):
                currency, minor = ledger.get(debt.no, (debt.currency, 0))
                owed[currency] += minor
        wanted = sorted(format_amount(m, c, locale).replace("\u00a0", " ") for c, m in owed.items() if m)
        self.counts["sums_compared"] += 1
        if sorted(letter.totals) != wanted:
            self._fault("sums_wrong", f"{mail.id} ({row.kind}) says {letter.totals}, the ledger {wanted}")

    def _dates(self, mail: Accepted, letter: Letter, view: View) -> None:
        """A promised day is the stored one, and never earlier than one that was promised before."""
        stored = {(one.sub.service, one.action): (one.sub, one.announced_day) for one in ahead(view)}
        for service, action, day in letter.promises:
            self.counts["dates_compared"] += 1
            sub, told = stored.get((service, action), (None, None))
            if sub is None or told != day:
                self._fault("dates_wrong", f"{mail.id} says {action} of {service} on {day}, stored is {told}")
                continue
            given = self._promises[(view.account.no, sub.no, sub.generation, action)]
            if given and day < given[-1][1]:
                self._fault("dates_earlier", f"{mail.id}: {action} of {service} on {day} after {given[-1][1]}")
            given.append((view.now, day))

    def _once(self, mail: Accepted, row: Mail, account: Account) -> None:
        """No message twice: not by its name, and not by what it says on one rung to one address."""
        if mail.id in self._ids:
            self._fault("duplicates", f"{mail.id} was delivered twice")
        self._ids.add(mail.id)
        claim = Claim(row.account, row.seq, NOTICE, 0, 0, "", 1)
        fact = self._store.noticed_facts([claim])[row.account, row.seq]
        if not isinstance(fact, f.Noticed):
            return
        keys: list[tuple[object, ...]] = []
        if row.kind == MessageKind.REMINDER:
            keys += [
                (account.no, "case", r.case, d.debt, d.reopened, d.step, mail.to)
                for r in fact.each(f.Reminder)
                for d in r.debts
            ]
        if row.kind in (MessageKind.STOP_WARNING, MessageKind.DELETION_WARNING):
            deletes = row.kind == MessageKind.DELETION_WARNING
            keys += [
                (account.no, w.subscription, w.generation, w.action, w.step, w.promised_on, mail.to)
                for w in fact.each(f.Warning)
                if (w.action is Action.DELETE) == deletes
            ]
        for key in keys:
            self.counts["rungs"] += 1
            if key in self._days_named:
                self._fault("duplicates", f"{mail.id} repeats {key}")
            self._days_named.add(key)

    # -- in the end ----------------------------------------------------------------------------------------------

    def close(self, numbers: Sequence[int]) -> dict[str, Any]:
        """The figures. Nobody was cut off before the last day told, or without a mail a full lead before."""
        for number in numbers:
            self._stops(number)
        counts = self._store_counts()
        breaches = check_store(self._store).breaches
        return {
            **{name: self.counts[name] for name in ("messages", "in_en", "in_nl", "sums_compared", "dates_compared")},
            **{name: self.counts[name] for name in ("rungs", "pay_links", "disabled", "deleted")},
            **{zero: self.counts[zero] for zero in FAULTS},
            **counts,
            "tokens_in_database": self._secrets(),
            "breaches": len(breaches),
            "wrong": [*self.wrong, *map(str, breaches[:5])],
        }

    def _stops(self, number: int) -> None:
        """Each disablement and deletion against what the post office had taken before it."""
        history = self._store.history(number)
        account: Account | None = None
        policies = self._store.policies()
        for recorded in history:
            account = open_account(recorded) if account is None else evolve(account, recorded)
            fact = recorded.fact
            if isinstance(fact, f.Disabled):
                action, policy = Action.DISABLE, policies[account.terms.policy]
                lead, name = policy.disable_lead_days, "disabled"
            elif isinstance(fact, f.DeletionOrdered):
                action, policy = Action.DELETE, policies[account.terms.policy]
                lead, name = policy.delete_lead_days, "deleted"
            else:
                continue
            self.counts[name] += 1
            key = (number, fact.subscription, fact.generation, action)
            told = [(at, day) for at, day in self._promises.get(key, []) if at < recorded.at]
            calendar = calendar_of(account.terms.zone)
            today = calendar.local_day(recorded.at)
            last_day = max((day for _, day in told), default=None)
            first_warned = min((calendar.local_day(at) for at, _ in told), default=None)
            if last_day is None or first_warned is None or today <= last_day or (last_day - first_warned).days < lead:
                self._fault("too_early", f"account {number}: {name} on {today}, told {told[:3]}")

    def _store_counts(self) -> dict[str, int]:
        with self._store.reading() as db:
            states = dict(db.execute("SELECT state, count(*) FROM message GROUP BY state").fetchall())
            row = db.execute("SELECT count(*) FROM action WHERE status IN ('recorded', 'claimed')").fetchone()
        assert row is not None
        names = ("accepted", "unknown", "refused", "dropped", "waiting", "claimed")
        return {**{f"book_{name}": states.get(name, 0) for name in names}, "actions_open": row[0]}

    def _secrets(self) -> int:
        """How many tokens of links stand in the database in clear, or have no digest there."""
        wrong = 0
        with self._store.reading() as db:
            bodies = "\n".join(text for (text,) in db.execute("SELECT body FROM message"))
            facts = "\n".join(text for (text,) in db.execute("SELECT body::text FROM fact"))
            digests = {bytes(d) for (d,) in db.execute("SELECT digest FROM pay_link")}
        known = bodies + facts
        for token in self._tokens:
            wrong += token in known or digest_of(token) not in digests
        return wrong


def _account_of(mail: Accepted) -> int:
    return int(mail.id.removeprefix("a").partition("-")[0])
