"""A year in which mail goes wrong in every way at once: reports early, late, forged and misaddressed, soft answers,
silence, answers at the wrong moment, a provider's events.

The engine plays on the memory store, everything it sends goes through the real channel to `torture.recipients`. What is
judged comes from there alone: nobody was stopped or deleted whom no letter had reached in time, and nothing was held
back from who could be reached.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, NamedTuple

from arrears.adapters.channels import bounces as channel_bounces
from arrears.adapters.channels.signing import signed
from arrears.adapters.channels.smtp import SmtpChannel
from arrears.core.account import Action, Mode
from arrears.core.messages.content import Operator, Role
from arrears.core.messages.recipients import ContactPerson
from arrears.core.people.support import About
from arrears.core.policy import default_policy
from arrears.engine import commands, heard, system
from arrears.engine.acting import acting_on
from arrears.engine.message_context import MailLimits, MessageContext
from arrears.engine.messages import bounces
from arrears.engine.people.visitors import Visitor, ask, attend
from arrears.engine.plain import PlainWriter
from arrears.ports import Delivery, Fate, Message, NewAccount, Obeyed, Order
from arrears.sim.stage import Stage
from arrears.store.memory.store import MemoryStore
from torture.recipients import BY_PROVIDER, BY_SMTP, DYING, Handed, ProviderBackend, Recipients, Spell, Way
from torture.reports import delivery_report

KEY: Final = b"a key of this torture alone"
SENDER: Final = "Billing <billing@arrears.example>"
BOUNCES: Final = "bounces@arrears.example"
START: Final = datetime(2026, 1, 1, tzinfo=UTC)
DAY: Final = timedelta(days=1)
DAY_0: Final = date(2026, 1, 3)
RUNGS: Final = (0, 3, 7, 14, 21, 28)
LEAD: Final = timedelta(days=7)
STOP_DAY, RETENTION_DAYS = 30, 90
GRACE_DAYS: Final = 14
"""After an address can be reached again: two mornings, a new warning's lead, and what waits between two tries."""

LOOKS: Final = (9 * 60 + 4, 9 * 60 + 8, 9 * 60 + 20, 12 * 60)
"""In which minutes of a day a worker looks for what waits: when a lease is over, and when what was put off is due."""

FAULTS: Final = ("unreached", "held_back", "overdue", "twice", "to_the_dead")


class Died(BaseException):
    """A worker ends in the middle of what it does."""


class Person(NamedTuple):
    """Who is written to: one address or two, the first of which may be in trouble."""

    account: int
    contact: str
    sign_in: str
    since: datetime = START
    """Since when this is who is told; a former administrator's letters are nobody's notice."""

    @property
    def addresses(self) -> frozenset[str]:
        """All of them."""
        return frozenset({self.contact, self.sign_in})


@dataclass
class Verdict:
    """What was counted, and the first few things that must not be."""

    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def fault(self, what: str, why: str) -> None:
        """One thing that must not be."""
        self.counts[what] += 1
        if len(self.wrong) < 10:
            self.wrong.append(f"{what}: {why}")

    @property
    def holds(self) -> bool:
        """Whether there was none, and something to judge."""
        return self.counts["handed"] > 0 and not any(self.counts[name] for name in FAULTS)


class _Post:
    """A channel: the real one, and what comes back while it still speaks."""

    def __init__(self, year: MailYear, channel: SmtpChannel) -> None:
        self._year, self._channel = year, channel

    def send(self, message: Message) -> Delivery:
        """See ports.Channel."""
        self._year.outside.now = self._year.stage.now
        self._year.may_die(message.to)
        delivery = self._channel.send(message)
        self._year.hand_in()
        return delivery

    def look_up(self, message_id: str) -> Fate:
        """See ports.Channel."""
        return self._channel.look_up(message_id)


class _Services:
    """They obey at once; what they were told is kept."""

    def __init__(self) -> None:
        self.orders: list[tuple[datetime, int, str]] = []

    def order(self, order: Order, now: datetime) -> Obeyed | None:
        """See ports.Services."""
        self.orders.append((now, order.account, order.command))
        return Obeyed(now)


class MailYear:
    """One world: so many accounts that never pay, made and maltreated as the seed says."""

    def __init__(self, seed: int, accounts: int, outside: Recipients) -> None:
        self.rng = random.Random(f"mail year {seed}")
        self.outside = outside
        self.by_provider = self.rng.random() < 0.3
        self.store, self.services = MemoryStore(), _Services()
        backend = "torture.recipients.ProviderBackend" if self.by_provider else ""
        ProviderBackend.recipients = outside
        self.channel = SmtpChannel(outside.url, SENDER, timeout_seconds=60, backend=backend, bounce_to=BOUNCES, key=KEY)
        operator = Operator("Example", "https://help.example.org", "")
        context = MessageContext(PlainWriter(), operator, "https://pay.example.org", False, MailLimits())
        self.stage = Stage(self.store, _Post(self, self.channel), self.services, START, context=context)
        self.context = context
        self.people = self._open(accounts)
        self.helped: dict[str, datetime] = {}
        self.deaths = [START + DAY * self.rng.randrange(2, 60) for _ in range(4)]
        """After each of these the next sender of a letter dies with it in its hands."""
        self.performing = False
        self.lost_one: set[str] = set()
        self.forged = 0
        if not self.by_provider and self.rng.random() < 0.3:
            began = START + DAY * (self.rng.choice(RUNGS[1:4]) + 2)
            outside.outage = (began, began + DAY * self.rng.choice((1, 2)))

    def _open(self, accounts: int) -> list[Person]:
        policy = default_policy()
        system.adopt_policy(self.store, policy, START, "staff:1")
        new = [
            (NewAccount(f"A{n}", f"A{n}", "NL", "UTC", "en", Mode.CARD, policy.name), ("cloud",))
            for n in range(1, accounts + 1)
        ]
        people: list[Person] = []
        for number in commands.open_accounts(self.store, new, START, "api:1"):
            invoice = commands.Invoice(number, f"I{number}", "EUR", 12_000, START.date(), DAY_0 - DAY, (1,))
            commands.issue_invoices(self.store, [invoice], START, "api:1")
            contact = f"c{number}@n{number}.example"
            person = Person(number, contact, contact if self.rng.random() < 0.7 else f"s{number}@n{number}.example")
            if people and self.rng.random() < 0.15:
                person = people[-1]._replace(account=number)  # an office that runs two accounts
            who = ContactPerson(number, Role.ADMINISTRATOR, "Jo", person.sign_in, person.contact, "en", "")
            self.store.reached[number] = self.store.reached[number]._replace(people=(who,))
            if person.contact not in self.outside.spells and self.rng.random() < 0.75:
                self._maltreat(person)
            people.append(person)
        return people

    def _maltreat(self, person: Person) -> None:
        ways = BY_PROVIDER if self.by_provider else BY_SMTP
        until = START + DAY * self.rng.choice((5, 24, 29, 40, 500, 500))
        late = timedelta(hours=self.rng.choice((0, 0, 3, 20, 70)))
        self.outside.spells[person.contact] = Spell(self.rng.choice(ways), until, late)

    def may_die(self, to: str) -> None:
        """Whoever hands a letter over ends here, where it is time. Nobody can tell that this one has not left, so it
        never leaves; all others must."""
        if self.performing and any(at <= self.stage.now for at in self.deaths):
            self.deaths = [at for at in self.deaths if at > self.stage.now]
            self.lost_one.add(to)
            raise Died

    def _perform(self, instant: datetime) -> None:
        """Until then; a worker that dies is followed by the next."""
        over = False
        while not over:
            self.performing = True
            try:
                self.stage.until(max(instant, self.stage.now))
                self.stage.perform()
                over = True
            except Died:
                continue
            finally:
                self.performing = False

    def _replace(self) -> None:
        """Somebody takes an administrator's place, between two letters or while one is on its way."""
        person = self.rng.choice(self.people)
        if sum(one.contact == person.contact for one in self.people) > 1:
            return
        number = person.account
        new = f"x{number}d{self.stage.now:%m%d}@x{number}.example"
        who = ContactPerson(1000 + number, Role.ADMINISTRATOR, "Eva", new, new, "en", "")
        with acting_on(self.store, number, self.stage.now) as unit:
            self.store.reached[number] = self.store.reached[number]._replace(people=(who,))
            heard.check_heard(self.store, unit, replaced=True)
        self.people[self.people.index(person)] = Person(number, new, new, self.stage.now)

    # -- time --------------------------------------------------------------------------------------------------

    def play(self, days: int) -> Verdict:
        """All of it, judged."""
        for day in range(days):
            for minutes in LOOKS:
                self._until(START + DAY * day + timedelta(minutes=minutes))
                self._perform(self.stage.now)
            if self.rng.random() < 0.02:
                self._replace()
            if self.rng.random() < 0.15:
                self._forge()
            if self.rng.random() < 0.05:
                self._ask_for_help(day)
            attend(self.store, self.stage.channel, self.context, self.stage.now)
        self.channel.close()
        return self._judged(days)

    def _until(self, instant: datetime) -> None:
        while (at := self.outside.next_due()) is not None and at <= instant:
            self._perform(at)
            self.hand_in()
        self._perform(instant)
        self.hand_in()

    def hand_in(self) -> None:
        """What has come back by now is told, as `arrears bounce` and the provider's webhook tell it."""
        self.outside.now = now = self.stage.now
        reports, events = self.outside.due()
        for raw in reports:
            self._hand_over_report(channel_bounces.bounces_in(raw, [KEY]), now, by_provider=False)
        for event in events:
            self._hand_over_report(channel_bounces.bounce_of(event), now, by_provider=True)

    def _hand_over_report(self, found: channel_bounces.Bounce | None, now: datetime, *, by_provider: bool) -> None:
        if found is not None:
            report = bounces.Returned(found.message_id, found.address, found.kind, found.status, found.why, by_provider)
            bounces.came_back(self.store, report, now)

    def _forge(self) -> None:
        """Somebody who has seen none of it reports that everybody's mail came back; and a debtor, of his own mail, that
        a neighbour's address does not exist."""
        newest = {one.to: one for one in self.outside.handed}
        said = "550 5.1.1 User unknown"
        for to, one in newest.items():
            ours = one.message.partition("+")[2].partition("@")[0] or one.message
            bare = ours.partition(".")[0]
            # The last: our own signature, of a letter that had its numbers before a backup was restored.
            lost = signed(f"{bare.rpartition('-')[0]}-aaaaaaaa", KEY)
            for name in (bare, f"{bare}.aaaaaaaaaa", "", lost):
                heads = f"Message-ID: <{name}@arrears.example>" if name else ""
                sender = f"bounces+{name}@arrears.example" if name else BOUNCES
                self.outside.reports.append((self.stage.now, delivery_report(sender, to, "5.1.1", said, heads)))
                self.forged += 1
        own = [one for one in newest.values() if not one.kept and "+" in one.message]
        if own and self.rng.random() < 0.2:
            mine = self.rng.choice(own)
            others = [person.contact for person in self.people if mine.to not in person.addresses]
            report = delivery_report(mine.message, self.rng.choice(others), "5.1.1", said, "")
            self.outside.reports.append((self.stage.now, report))
        self.hand_in()

    def _ask_for_help(self, day: int) -> None:
        """Two who do not sign in ask for help; the first one's system puts it off, for a year."""
        put_off, other = f"a{day}@strange.example", f"b{day}@strange.example"
        self.outside.spells[put_off] = Spell(Way.DEFERS, START + 500 * DAY, timedelta())
        for address in (put_off, other):
            who = Visitor("Jo", address, "", "", "en")
            ask(self.store, who, About.OTHER, "what is this?", self.stage.now)
        self.helped[other] = self.stage.now

    # -- judging -----------------------------------------------------------------------------------------------

    def _judged(self, days: int) -> Verdict:
        verdict, outside = Verdict(), self.outside
        verdict.counts.update(handed=len(outside.handed), kept=sum(one.kept for one in outside.handed))
        verdict.counts.update(forged=self.forged, worlds=1, by_provider=self.by_provider)
        for message, count in Counter((one.to, one.message) for one in outside.handed if one.kept).items():
            if count > 1 and "+" in message[1]:
                verdict.fault("twice", f"{message} came {count} times")
        for person in self.people:
            orders = {Action(command): at for at, number, command in self.services.orders if number == person.account}
            self._reached(verdict, person, orders)
            self._went_on(verdict, person, orders, days)
        for address, asked_at in self.helped.items():
            answered = [one.at for one in outside.handed if one.to == address]
            if asked_at < self.stage.now - 2 * DAY and not any(at <= asked_at + 2 * DAY for at in answered):
                verdict.fault("held_back", f"a stranger asked for help at {asked_at} and got {answered}")
        for address, since in outside.dead.items():
            later = sum(one == address and at > since + DAY for at, one in outside.asked)
            if later:
                verdict.fault("to_the_dead", f"asked {later} more times for {address}, which does not exist")
        return verdict

    def _reached(self, verdict: Verdict, person: Person, orders: dict[Action, datetime]) -> None:
        """Before each action a letter that somebody has, which named its day or an earlier one, a lead ahead."""
        for action, at in orders.items():
            verdict.counts[f"{action}d"] += 1
            since = orders.get(Action.DISABLE, START) if action is Action.DELETE else START
            if at < person.since:
                continue  # what was done before this one came was announced to the one before
            since = max(since, person.since)
            last_day = at.date() - DAY
            if not any(
                one.kept and since < one.at and one.to in person.addresses and one.at.date() + LEAD <= last_day
                and any(what is action and one.at.date() + LEAD <= day <= last_day for what, day in one.promises)
                for one in self.outside.handed
            ):  # fmt: skip
                way = self.outside.spells.get(person.contact)
                verdict.fault("unreached", f"account {person.account}: {action} at {at}, and the mail server {way}")

    def _went_on(self, verdict: Verdict, person: Person, orders: dict[Action, datetime], days: int) -> None:
        """Who can be reached is written to on every day of the ladder, and the ladder goes on."""
        free = self._free_from(person)
        if free is None or person.since > START or self.lost_one & person.addresses:
            return
        for rung in RUNGS:
            on = DAY_0 + DAY * rung
            if (
                (on - START.date()).days >= days
                or on < free
                or self._in_outage(on)
                or (len(person.addresses) == 2 and rung < RUNGS[-2])
            ):
                continue
            verdict.counts["rungs"] += 1
            if not any(one.to in person.addresses and one.at.date() == on for one in self._texts(person)):
                verdict.fault("held_back", f"account {person.account}: nothing on day {rung} ({on}), free since {free}")
        self._after_outage(verdict, person, free)
        stop_by = max(free, DAY_0 + STOP_DAY * DAY) + GRACE_DAYS * DAY
        stopped = orders.get(Action.DISABLE)
        if (stop_by - START.date()).days < days and (stopped is None or stopped.date() > stop_by):
            verdict.fault("overdue", f"account {person.account}: stopped {stopped}, free since {free}")
        if stopped is None:
            return
        gone_by = stopped.date() + (RETENTION_DAYS + GRACE_DAYS) * DAY
        gone = orders.get(Action.DELETE)
        if (gone_by - START.date()).days < days and (gone is None or gone.date() > gone_by):
            verdict.fault("overdue", f"account {person.account}: deleted {gone}, stopped {stopped}")

    def _in_outage(self, on: date) -> bool:
        outage = self.outside.outage
        return outage is not None and outage[0].date() <= on <= outage[1].date()

    def _after_outage(self, verdict: Verdict, person: Person, free: date) -> None:
        """What the server would not take from us is not used up: it comes when that is over."""
        outage = self.outside.outage
        if outage is None or free > outage[0].date() or len(person.addresses) == 2:
            return
        if not any(outage[1] <= one.at <= outage[1] + DAY for one in self._texts(person)):
            verdict.fault("held_back", f"account {person.account}: nothing in the day after the outage {outage}")

    def _texts(self, person: Person) -> list[Handed]:
        return [one for one in self.outside.handed if one.to in person.addresses]

    def _free_from(self, person: Person) -> date | None:
        """The day from which an address of theirs takes everything, and nobody was told that it does not exist."""
        days = []
        for address in person.addresses:
            spell = self.outside.spells.get(address)
            if spell is None:
                days.append(START.date())
            elif spell.way not in DYING or address not in self.outside.dead:
                days.append(spell.until.date() + DAY)
        return min(days, default=None)


def play(seed: int, accounts: int, days: int) -> Verdict:
    """One world from one seed."""
    with Recipients(START) as outside:
        return MailYear(seed, accounts, outside).play(days)


def figures(seeds: Iterable[int], accounts: int, days: int) -> dict[str, Any]:
    """The sum of several worlds, and the first things that were wrong, with their seeds."""
    counts: Counter[str] = Counter()
    wrong: list[str] = []
    for seed in seeds:
        verdict = play(seed, accounts, days)
        counts.update(verdict.counts)
        wrong += [f"seed {seed}: {why}" for why in verdict.wrong]
    names = ("worlds", "by_provider", "handed", "kept", "forged", "rungs", "disabled", "deleted", *FAULTS)
    return {**{name: counts[name] for name in names}, "wrong": wrong[:10], "holds": not wrong}
