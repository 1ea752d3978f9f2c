"""No schedule can break a rule: whatever happened before, and whoever asks, following the planner stays inside it.

What is played is judged by `breaches`, which counts by brute force, from the numbers written in the tests and not from
the data file, and shares no line with the planner. Then each row of the data is loosened by one: some sentence of
test_planner.py must fail, and for a cap the judge must see it too.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core import test_planner as table
from tests.sizes import few

from arrears.core.calendar import calendar_of
from arrears.core.payments.networks import Advice, AdviceAction, Cap, Category, CodeRow, Counts, Rules, load_rules
from arrears.core.payments.planner import NEW_ENTRY, Allowed, Refusal, Tried, earliest
from arrears.core.payments.strategies import plan
from arrears.core.payments.strategies.paydays import Paydays, is_payday
from arrears.core.payments.values import OPEN_STATES, AttemptState, Codes, Initiator, Network

START = datetime(2026, 1, 1, tzinfo=UTC)
US, THEM = Initiator.MERCHANT, Initiator.CUSTOMER
VISA, MASTERCARD, UNKNOWN = Network.VISA, Network.MASTERCARD, Network.UNKNOWN
ACH, SEPA, BACS = Network.ACH, Network.SEPA, Network.BACS
NETWORKS = (VISA, MASTERCARD, UNKNOWN, ACH, SEPA, BACS)
CARDS = (VISA, MASTERCARD, UNKNOWN)
DAY = timedelta(days=1)

SOFT = {VISA: "51 05 91", MASTERCARD: "51 05 91", UNKNOWN: "51 05", ACH: "R01 R09", SEPA: "AM04 AM04 MS03", BACS: "0"}
HARD = {VISA: "04 R1 54 1A", MASTERCARD: "41 54", UNKNOWN: "14 R3 54", ACH: "R07 R03", SEPA: "AC04 MS03", BACS: "1 B"}
ENDS = {
    VISA: {*table.VISA_NEVER.split()},
    MASTERCARD: {"04", "07", "41", "43"},
    UNKNOWN: {*table.VISA_NEVER.split()},
    ACH: {"R07", "R03"},
    SEPA: {"AC04"},
    BACS: {"1", "B"},
}


class Limit(NamedTuple):
    """At most `most` in `days`; `first_free`: the first attempt of all is none."""

    most: int
    days: int
    same: Callable[[Tried], object]
    first_free: bool


VISAS = Limit(15, 30, lambda t: t.by, True)
MASTERCARDS = (Limit(9, 1, lambda t: 0, False), Limit(30, 30, lambda t: 0, False))
BRAZIL = Limit(7, 31, lambda t: 0, True)


class Played(NamedTuple):
    """A credential's book; what comes before `planned` was tried without asking."""

    network: Network
    country: str
    book: list[Tried]
    planned: int


def breaches(played: Played) -> list[str]:
    """Every rule that an attempt broke when it was made, given what came before it."""
    found = []
    for index in range(played.planned, len(played.book)):
        before, one = played.book[:index], played.book[index]
        found += [
            f"{index}: {what}" for what in (*code_breaches(played, before, one), *limit_breaches(played, before, one))
        ]
    return found


def limit_breaches(played: Played, before: Sequence[Tried], one: Tried) -> Iterator[str]:
    if played.network not in CARDS:
        if one.entry != one.no and len(entries(played, before, one)) > 2:
            yield "a third re-presentment"
        return
    for limit in limits(played, before):
        asked = [other for other in before if reached(other)]
        run = [other for other in asked[limit.first_free :] if limit.same(other) == limit.same(one)]
        if asked or not limit.first_free:
            inside = [1 for o in run if one.at - o.at < timedelta(days=limit.days)]
            if len(inside) + 1 > limit.most:
                yield f"{len(inside) + 1} attempts in {limit.days} days"


def limits(played: Played, before: Sequence[Tried]) -> list[Limit]:
    declined = [t.codes for t in before if t.state is AttemptState.DECLINED and t.reached_network]
    bare = any(not codes.network or (played.network is MASTERCARD and not codes.advice) for codes in declined)
    brazil = [BRAZIL] if played.country == "BR" else []
    if played.network is UNKNOWN or bare:
        return [VISAS, *MASTERCARDS, *brazil]
    return [VISAS] if played.network is VISA else [*MASTERCARDS, *brazil]


def entries(played: Played, before: Sequence[Tried], one: Tried) -> list[Tried]:
    """The entries before this one that are of the same debit."""
    if one.entry:
        return [t for t in before if reached(t) and one.entry in (t.no, t.entry)]
    chain: list[Tried] = []
    for t in before:
        if played.network is SEPA or (t.amount_minor, t.currency) == (one.amount_minor, one.currency):
            chain = [] if t.state is AttemptState.PAID else [*chain, t]
    return [t for t in chain if reached(t)]


def reached(t: Tried) -> bool:
    return t.state in OPEN_STATES or (t.state is not AttemptState.PAID and t.reached_network)


def code_breaches(played: Played, before: Sequence[Tried], one: Tried) -> Iterator[str]:
    cured = max((i for i, t in enumerate(before) if t.state is AttemptState.PAID), default=-1)
    for index, other in enumerate(before):
        codes = other.codes
        if codes.network in ENDS[played.network] or codes.decline in ("lost_card", "do_not_try_again"):
            yield f"after {codes}"
        if codes.network == "MS03" and played.country != "DE":
            yield "MS03 where banks do not use it so"
        data = played.network in CARDS and codes.network in ("54", "1A")
        if one.by is US and index > cured and (data or codes.decline == "authentication_required"):
            yield f"silently after {codes}"
        if played.network in CARDS:
            hours = table.WAITS.get(codes.advice, 0)
            if one.at < other.at + timedelta(hours=hours):
                yield f"{one.at - other.at} after advice {codes.advice}"
            if codes.advice == "21" or (codes.advice == "03" and one.at < other.at + 30 * DAY):
                yield f"after advice {codes.advice}"
        days = {ACH: 180, BACS: 28}.get(played.network)
        old = days is not None and one.at >= other.at + days * DAY
        if old and one.entry != one.no and other in entries(played, before, one):
            yield f"after {days} days"


def outcome(dice: random.Random, network: Network, hard: int) -> dict[str, Any]:
    """Mostly a soft decline, so that the caps are reached; `hard` in a thousand end it."""
    draw = dice.randrange(1000)
    if draw < hard:
        return {"codes": Codes("", dice.choice(HARD[network].split()), "")}
    if draw < hard + 5:
        return {
            "codes": Codes(
                dice.choice(("lost_card", "do_not_try_again", "authentication_required")),
                "51" if network in CARDS else "0",
            )
        }
    if draw < 40:
        return {"state": AttemptState.PAID, "codes": Codes(advice=dice.choice(("", "40", "24")))}
    if draw < 100:
        states = (AttemptState.CREATED, AttemptState.SUBMITTED, AttemptState.UNKNOWN)
        return {"state": dice.choice(states)}
    if draw < 160:
        return {"state": AttemptState.CANCELED, "reached_network": dice.random() < 0.5}
    advice = dice.choice(("02", "24", "26", "03", "21")) if draw < 170 else dice.choice(("", "43", "43", "43"))
    code = "" if network in CARDS and draw < 180 else dice.choice(SOFT[network].split())
    return {"codes": Codes(dice.choice(("", "insufficient_funds")), code, advice if network in CARDS else "")}


def play(rules: Rules, network: Network, seed: int, steps: int = 34) -> Played:
    """A book: first some attempts without asking, then as soon as the planner allows, or somewhat later."""
    dice = random.Random(seed)
    country = dice.choice(("DE", "FR", "BR")) if network is not SEPA else dice.choice(("DE", "DE", "FR"))
    hard, varied, dense = dice.choice((0, 0, 2, 60)), dice.random() < 0.4, dice.random() < 0.6
    # A month's cap is met only by a long row of declines that nothing interrupts.
    plain = network is MASTERCARD and dice.random() < 0.04
    steps, varied, dense = (60, False, True) if plain else (steps, varied, dense)
    book: list[Tried] = []
    now, planned = START, dice.choice((0, 0, 3, 12))
    for no in range(1, steps + 1):
        by = dice.choice((US, US, US, THEM)) if varied or dice.random() < 0.1 else US
        amount, currency = (
            (dice.choice((5000, 5000, 700)), dice.choice(("EUR", "EUR", "USD"))) if varied else (5000, "EUR")
        )
        said = dice.choice((0, 0, 0, NEW_ENTRY, *(t.entry for t in book[-3:]))) if network in (ACH, SEPA, BACS) else 0
        asked = table.want(network, by, country=country, amount_minor=amount, currency=currency, entry=said)
        now += timedelta(hours=dice.choice((0, 0, 1)) if dense else dice.choice((0, 9, 40, 200, 2000)))
        if no > planned:
            answer = earliest(rules, asked, book, now)
            if isinstance(answer, Refusal):
                if answer.until is None and not varied:
                    break
                now = answer.until or now
                continue
            assert no % 4 or isinstance(earliest(rules, asked, book, answer.at), Allowed), (
                "what it allows it allows then too"
            )
            now = answer.at
        given: dict[str, Any] = {"codes": Codes("", "51", "43")} if plain else outcome(dice, network, hard)
        given = {"state": AttemptState.DECLINED} | given
        entry = no if said == NEW_ENTRY else said
        book.append(Tried(no=no, at=now, by=by, amount_minor=amount, currency=currency, entry=entry, **given))
        end_some(dice, book)
    return Played(network, country, book, len([t for t in book if t.no <= planned]))


def end_some(dice: random.Random, book: list[Tried]) -> None:
    """Now and then an open attempt turns out to have been paid, or to have reached nobody."""
    if len(book) > 4 and book[-4].state in OPEN_STATES and dice.random() < 0.3:
        state, arrived = dice.choice(((AttemptState.PAID, True), (AttemptState.CANCELED, False)))
        book[-4] = msgspec.structs.replace(book[-4], state=state, reached_network=arrived)


@pytest.mark.sample(3)
@pytest.mark.parametrize("network", NETWORKS)
@settings(max_examples=few(60, 300), deadline=None)
@given(st.integers(0, 2**62))
def test_no_schedule_over_any_history_breaks_a_rule(network: Network, seed: int) -> None:
    played = play(load_rules(), network, seed)
    assert breaches(played) == [], f"play(load_rules(), {network!r}, {seed})"


@pytest.mark.long
@pytest.mark.parametrize("network", NETWORKS)
def test_nor_do_a_hundred_thousand_of_them(network: Network) -> None:
    first = random.randrange(2**62)
    for seed in range(first, first + 100_000):
        assert breaches(play(load_rules(), network, seed)) == [], f"play(load_rules(), {network!r}, {seed})"


def with_network(rules: Rules, network: Network, **changed: Any) -> Rules:
    return rules._replace(networks={**rules.networks, network: rules.networks[network]._replace(**changed)})


def looser_codes(rows: Mapping[str, CodeRow]) -> Iterator[tuple[str, Mapping[str, CodeRow]]]:
    """Each code that stops anything taken one step down, and each list of countries lengthened by one."""
    for code, row in rows.items():
        steps = {
            Category.NEVER: Category.FIX_DATA,
            Category.FIX_DATA: Category.LATER,
            Category.AUTHENTICATE: Category.LATER,
        }
        if row.category in steps:
            yield (
                f"{code!r} less than {row.category}",
                {**rows, code: msgspec.structs.replace(row, category=steps[row.category])},
            )
        if row.countries:
            more = msgspec.structs.replace(row, countries=(*row.countries, "FR"))
            yield f"{code!r} in one more country", {**rows, code: more}


def looser_advice(row: Advice) -> Iterator[Advice]:
    if row.action is AdviceAction.NOT_BEFORE:
        yield msgspec.structs.replace(row, hours=row.hours - 1)
    if row.action is AdviceAction.STOP:
        yield msgspec.structs.replace(row, days=row.days - 1 if row.days else 3660)
        for field in sorted({"amount", "currency", "initiator"} - set(row.key)):
            yield msgspec.structs.replace(row, key=(*row.key, field))
    if row.action not in (AdviceAction.NOT_BEFORE, AdviceAction.NORMAL):
        yield msgspec.structs.replace(row, action=AdviceAction.NORMAL, days=0)


def looser_caps(cap: Cap) -> Iterator[tuple[str, Cap]]:
    yield "limit", msgspec.structs.replace(cap, limit=cap.limit + 1)
    if cap.window_hours:
        # A rolling window is looser when shorter; the time to present a debit again when it is longer.
        more = 1 if cap.counts is Counts.REPRESENTMENTS else -1
        yield "window", msgspec.structs.replace(cap, window_hours=cap.window_hours + more)
    for field in sorted({"amount", "currency", "initiator"} - set(cap.key)):
        yield f"{field} in the key", msgspec.structs.replace(cap, key=(*cap.key, field))
    if cap.counts is Counts.DECLINES:
        yield "first one free", msgspec.structs.replace(cap, counts=Counts.REATTEMPTS)
    if cap.countries:
        yield "countries", msgspec.structs.replace(cap, countries=("ZZ",))


def looser(rules: Rules) -> Iterator[tuple[str, Rules]]:
    for network, one in rules.networks.items():
        for name, codes in looser_codes(one.codes):
            yield f"{network} {name}", with_network(rules, network, codes=codes)
        for code, row in one.advice.items():
            for number, changed in enumerate(looser_advice(row)):
                yield f"advice {code} ({number})", with_network(rules, network, advice={**one.advice, code: changed})
        for cap in one.caps:
            for name, other in looser_caps(cap):
                caps = tuple(other if kept is cap else kept for kept in one.caps)
                yield f"{cap.name} {name}", with_network(rules, network, caps=caps)
    for name, codes in looser_codes(rules.declines):
        yield f"decline {name}", rules._replace(declines=codes)
    nowhere = msgspec.structs.replace(rules.general["no_retry_country"], countries=())
    yield "India", rules._replace(general={**rules.general, "no_retry_country": nowhere})


LOOSER = dict(looser(load_rules()))


@pytest.mark.sample(46)
@pytest.mark.parametrize("name", LOOSER)
def test_a_rule_loosened_by_one_makes_a_sentence_false(name: str) -> None:
    assert [case.sentence for case in table.CASES if table.answered(LOOSER[name], case) != case.answer]


@pytest.mark.parametrize(
    ("name", "network"),
    [
        ("visa_30d limit", VISA),
        ("visa_30d window", VISA),
        ("mastercard_24h limit", MASTERCARD),
        ("mastercard_24h window", MASTERCARD),
        ("mastercard_30d limit", MASTERCARD),
        ("mastercard_brazil limit", MASTERCARD),
        ("ach_reinitiations limit", ACH),
        ("sepa_retries limit", SEPA),
        ("bacs_representments limit", BACS),
        ("visa '14' less than never", UNKNOWN),
        ("bacs '*' less than never", BACS),
    ],
)
def test_the_judge_sees_a_schedule_made_with_a_looser_rule(name: str, network: Network) -> None:
    assert any(breaches(play(LOOSER[name], network, seed)) for seed in range(600)), "600 schedules and no breach seen"


ZONES = ("UTC", "Europe/Amsterdam", "America/New_York", "Pacific/Kiritimati", "Australia/Lord_Howe")


@settings(max_examples=few(60, 200), deadline=None)
@given(st.integers(0, 2**62), st.sampled_from(NETWORKS), st.sampled_from(ZONES), st.integers(1, 10**9))
def test_a_plan_is_allowed_is_between_eight_and_ten_and_comes_out_the_same_again(
    seed: int, network: Network, zone: str, account_no: int
) -> None:
    played = play(load_rules(), network, seed, steps=random.Random(seed).randrange(9))
    now = (played.book[-1].at if played.book else START) + random.Random(seed).random() * DAY
    asked = table.want(network, country=played.country, expires_on=date(2026, 9, 30) if network in CARDS else None)
    day_0 = calendar_of(zone).local_day(now - 2 * DAY)

    def planned() -> datetime | Refusal:
        return plan(load_rules(), Paydays(), asked, played.book, zone=zone, day_0=day_0, now=now, account_no=account_no)

    at = planned()
    assert planned() == at
    allowed = earliest(load_rules(), asked, played.book, now)
    if isinstance(at, Refusal):
        assert at == allowed or at.rule in ("strategy", "expired") or at.rule.endswith("_window")
        return
    assert isinstance(allowed, Allowed)
    assert at >= allowed.at
    eight = calendar_of(zone).at(calendar_of(zone).local_day(at)) - timedelta(hours=1)
    assert timedelta() <= at - eight < timedelta(hours=2)


def days_planned(attempts: int, day_0: date, zone: str = "Europe/Amsterdam") -> list[date]:
    """The local days on which the default strategy tries, if each attempt is declined."""
    book: list[Tried] = []
    now = calendar_of(zone).at(day_0)
    for no in range(1, attempts + 1):
        at = plan(load_rules(), Paydays(), table.want(VISA), book, zone=zone, day_0=day_0, now=now, account_no=7)
        if isinstance(at, Refusal):
            assert at.rule == "strategy"
            break
        book.append(table.tried(at, "51", no=no))
        now = at
    return [calendar_of(zone).local_day(tried.at) for tried in book]


def test_the_default_tries_after_one_and_three_days_then_after_paydays_four_times_in_all() -> None:
    assert days_planned(9, date(2026, 11, 2)) == [date(2026, 11, day) for day in (3, 5, 15, 25)]
    # 11 November to 16: five days apart; 30 January 2026 is a Friday, the last working day of its month.
    assert days_planned(9, date(2026, 1, 22)) == [
        date(2026, 1, 23),
        date(2026, 1, 25),
        date(2026, 1, 30),
        date(2026, 2, 15),
    ]


def test_asked_again_at_the_planned_instant_the_plan_is_the_same() -> None:
    def asked(now: datetime) -> datetime | Refusal:
        day_0 = date(2026, 11, 2)
        return plan(load_rules(), Paydays(), table.want(VISA), (), zone="UTC", day_0=day_0, now=now, account_no=7)

    at = asked(datetime(2026, 11, 3, tzinfo=UTC))
    assert isinstance(at, datetime)
    assert asked(at) == at


def test_after_an_outage_the_first_attempts_keep_their_distance() -> None:
    late = table.tried(datetime(2026, 11, 10, 8, tzinfo=UTC), "51")
    found = Paydays().preferred(date(2026, 11, 10), "UTC", [late], date(2026, 11, 2))
    assert found == datetime(2026, 11, 12, 8, tzinfo=UTC)


def test_the_last_working_day_of_a_month_is_a_payday() -> None:
    days = [date(2026, 1, 30), date(2026, 1, 31), date(2026, 3, 31), date(2026, 10, 29)]
    assert [is_payday(day) for day in days] == [True, False, True, False]


def test_accounts_are_spread_evenly_over_the_two_hours() -> None:
    asked, day_0 = table.want(VISA), START.date()

    def ten_minutes(number: int) -> int:
        at = plan(load_rules(), Paydays(), asked, (), zone="UTC", day_0=day_0, now=START, account_no=number)
        assert isinstance(at, datetime)
        return (at - START.replace(day=2, hour=8)) // timedelta(minutes=10)

    share = [list(map(ten_minutes, range(1, 1201))).count(ten) for ten in range(12)]
    assert all(80 <= accounts <= 120 for accounts in share), share
