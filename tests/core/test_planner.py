"""Each rule of the networks as a sentence; and each rule loosened by one, which some sentence must notice.

The lists of codes and the numbers are written out here, not read from the data file: otherwise a wrong row would
agree with itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from importlib import resources
from itertools import count
from typing import Any, NamedTuple

import msgspec
import pytest

from arrears.core.errors import Refused
from arrears.core.payments.networks import Rules, alert_of, load_rules, read_rules, tightened
from arrears.core.payments.planner import NEW_ENTRY, Allowed, Refusal, Tried, Wanted, earliest
from arrears.core.payments.values import OPEN_STATES, AttemptState, Codes, Initiator, MethodKind, Network

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
US, THEM = Initiator.MERCHANT, Initiator.CUSTOMER
VISA, MASTERCARD, UNKNOWN = Network.VISA, Network.MASTERCARD, Network.UNKNOWN
ACH, SEPA, BACS = Network.ACH, Network.SEPA, Network.BACS
KINDS = {ACH: MethodKind.ACH, SEPA: MethodKind.SEPA, BACS: MethodKind.BACS}
NUMBERS = count(1)

VISA_NEVER = "04 07 12 14 15 41 43 46 57 R0 R1 R3"
VISA_LATER = "03 19 39 51 52 53 59 61 62 65 75 78 83 86 91 93 96 N3 N4 Z5 5C 9G 05 ZZ"
VISA_FIX = "54 55 70 82 1A 6P N7"
NEVER_WORDS = (
    "do_not_try_again lost_card stolen_card pickup_card account_closed prepaid_refused not_durable revoked revocation "
    "revocation_of_authorization revocation_of_all_authorizations stop_payment_order"
)
FIX_WORDS = (
    "expired incorrect_data incorrect_number not_permitted transaction_not_allowed fraud_suspected "
    "highest_risk_level currency_unsupported configuration abandoned not_asked "
    "unrecognised a_word_we_do_not_know"
)
LATER_WORDS = "insufficient_funds limit_exceeded provider_error do_not_honor generic unknown"
WAITS = {"02": 72, "24": 1, "25": 24, "26": 48, "27": 96, "28": 144, "29": 192, "30": 240}
CEILINGS = {
    "visa_30d": 20,
    "mastercard_24h": 10,
    "mastercard_30d": 35,
    "mastercard_brazil": 7,
    "ach_reinitiations": 2,
    "sepa_retries": 2,
    "bacs_representments": 2,
}

Answer = tuple[str, str, datetime | None]
MAY: Answer = ("allowed", "", NOW)


class Case(NamedTuple):
    """One sentence and the answer that makes it true."""

    sentence: str
    answer: Answer
    wanted: Wanted
    history: tuple[Tried, ...]


def later(rule: str, at: datetime) -> Answer:
    return ("allowed", rule, at)


def refused(rule: str, until: datetime | None = None) -> Answer:
    return ("refused", rule, until)


def ago(days: int = 0, hours: int = 0) -> datetime:
    return NOW - timedelta(days=days, hours=hours)


def tried(at: datetime, code: str = "", advice: str = "", decline: str = "", **more: Any) -> Tried:
    given: dict[str, Any] = {"by": US, "amount_minor": 5000, "currency": "EUR", "state": AttemptState.DECLINED} | more
    return Tried(no=given.pop("no", None) or next(NUMBERS), at=at, codes=Codes(decline, code, advice), **given)


def want(network: Network, by: Initiator = US, **more: Any) -> Wanted:
    kind = KINDS.get(network, MethodKind.CARD)
    base = Wanted(kind, network, "NL", None, True, 5000, "EUR", by)
    return base._replace(**more)


def hourly(number: int, hours: int = 1, code: str = "51", advice: str = "43", **more: Any) -> tuple[Tried, ...]:
    """So many declines, the last of them an hour ago."""
    return tuple(tried(ago(hours=1 + hours * back), code, advice, **more) for back in reversed(range(number)))


def mixed(history: tuple[Tried, ...], amount: int = 0) -> tuple[Tried, ...]:
    """The same attempts by both, in two currencies, at the amount given or each at its own, the first at zero."""
    parts = [((US, THEM)[i % 2], ("EUR", "USD")[i // 2 % 2], amount or i) for i in range(len(history))]
    return tuple(
        msgspec.structs.replace(one, by=by, currency=currency, amount_minor=minor)
        for one, (by, currency, minor) in zip(history, parts, strict=True)
    )


def code_cases() -> Iterator[Case]:
    old = ago(days=400)
    for code in VISA_NEVER.split():
        for by in (US, THEM):
            for card in (VISA, UNKNOWN):
                sentence = f"after {code} a card of {card} is never tried again by the {by}, even a success later"
                paid = tried(ago(days=300), state=AttemptState.PAID)
                yield Case(sentence, refused("visa_never"), want(card, by), (tried(old, code), paid))
    for code in VISA_LATER.split():
        yield Case(f"after {code} a Visa card may be tried again", MAY, want(VISA), (tried(old, code),))
    for code in VISA_FIX.split():
        yield Case(f"after {code} we do not retry", refused("visa_fix_data"), want(VISA), (tried(old, code),))
        yield Case(f"after {code} the customer may", MAY, want(VISA, THEM), (tried(old, code),))
    for code in ("41", "43", "04", "07"):
        yield Case(f"{code} ends a Mastercard", refused("mastercard_never"), want(MASTERCARD), (tried(old, code),))
    for code in ("14", "54", "55", "63"):
        sentence = f"after {code} we do not retry a Mastercard"
        yield Case(sentence, refused("mastercard_fix_data"), want(MASTERCARD), (tried(old, code),))
    yield Case("a code sent without its zero is the same code", refused("visa_never"), want(VISA), (tried(old, " 4"),))
    renewed = want(VISA, renewed_at=ago(days=1))
    yield Case("new data of the card cure wrong data", MAY, renewed, (tried(old, "54"),))
    at_once = want(VISA, renewed_at=ago(days=400))
    yield Case("data of the same instant are the wrong ones", refused("visa_fix_data"), at_once, (tried(old, "54"),))
    yield Case("new data do not cure never", refused("visa_never"), renewed, (tried(old, "14"),))
    cured = (tried(old, "54"), tried(ago(days=9), state=AttemptState.PAID))
    yield Case("a success shows that the data are right", MAY, want(VISA), cured)


def word_cases() -> Iterator[Case]:
    old = ago(days=400)
    for word in NEVER_WORDS.split():
        for by in (US, THEM):
            sentence = f"after {word} the {by} tries no more"
            yield Case(sentence, refused("decline_never"), want(VISA, by), (tried(old, "05", decline=word),))
    for word in FIX_WORDS.split():
        history = (tried(old, "51", decline=word),)
        yield Case(f"after {word} we do not retry", refused("decline_fix_data"), want(VISA), history)
        yield Case(f"after {word} the customer may", MAY, want(VISA, THEM), history)
    for word in LATER_WORDS.split():
        yield Case(f"after {word} we may retry", MAY, want(VISA), (tried(old, "51", decline=word),))
    for word in ("authentication_required", "authentication_failed"):
        history = (tried(old, "51", decline=word),)
        yield Case(f"{word}: never off session", refused("decline_authenticate"), want(VISA), history)
        yield Case(f"{word}: the customer may", MAY, want(VISA, THEM), history)
        renewed = want(VISA, renewed_at=ago(days=1))
        yield Case(f"{word}: new data cure nothing", refused("decline_authenticate"), renewed, history)
        paid = (*history, tried(ago(days=9), by=THEM, state=AttemptState.PAID))
        yield Case(f"{word}: a success of the customer cures it", MAY, want(VISA), paid)
    waiting = (tried(ago(hours=1), state=AttemptState.NEEDS_CUSTOMER),)
    yield Case("a challenge nobody passed forbids ours", refused("decline_authenticate"), want(VISA), waiting)
    word_first = (tried(old, "51", decline="stolen_card", reached_network=False),)
    yield Case("our word counts if no network was asked", refused("decline_never"), want(SEPA), word_first)


def advice_cases() -> Iterator[Case]:
    for code, hours in WAITS.items():
        history = (tried(ago(hours=hours) + timedelta(minutes=1), "51", code),)
        at = later("advice_not_before", NOW + timedelta(minutes=1))
        for by in (US, THEM):
            yield Case(f"advice {code} waits {hours} hours, for the {by}", at, want(MASTERCARD, by), history)
        yield Case(f"advice {code} binds on every card", at, want(VISA), history)
        done = (tried(ago(hours=hours), "51", code),)
        yield Case(f"advice {code} ends after {hours} hours", MAY, want(MASTERCARD), done)
    both = (tried(ago(days=1), "51", "30"), tried(ago(hours=2), "51", "24"))
    at = later("advice_not_before", ago(days=1) + timedelta(days=10))
    yield Case("the longest wait counts", at, want(MASTERCARD), both)
    for code in ("05", "21", "22", "42", "99"):
        for state in (AttemptState.DECLINED, AttemptState.PAID):
            history = (tried(ago(days=4000), "05", code, state=state),)
            for by in (US, THEM):
                sentence = f"advice {code} with a {state} attempt stops the {by} for ever"
                yield Case(sentence, refused("advice_stop"), want(MASTERCARD, by), history)
                other = want(MASTERCARD, by, amount_minor=77, currency="USD")
                yield Case(f"{sentence}, at any amount", refused("advice_stop"), other, history)
    stopped = (tried(ago(days=29, hours=23), "05", "03"),)
    until = refused("advice_stop", NOW + timedelta(hours=1))
    for by in (US, THEM):
        yield Case(f"advice 03 stops the {by} for 30 days", until, want(MASTERCARD, by), stopped)
    other = want(MASTERCARD, amount_minor=5001, currency="USD")
    yield Case("advice 03 binds the card, whatever the amount and currency", until, other, stopped)
    yield Case("advice 03 binds it whoever tries", until, want(MASTERCARD, THEM), (tried(stopped[0].at, "05", "03"),))
    yield Case("advice 03 ends after 30 days", MAY, want(MASTERCARD), (tried(ago(days=30), "05", "03"),))
    for code, action in {"01": "updater_then_once", "04": "technical"}.items():
        first = tried(ago(days=3), "05", code)
        rule = refused(f"advice_{action}")
        yield Case(f"advice {code} needs new data", rule, want(MASTERCARD), (first,))
        yield Case(f"advice {code} lets the customer try", MAY, want(MASTERCARD, THEM), (first,))
        renewed = want(MASTERCARD, renewed_at=ago(days=2))
        yield Case(f"advice {code} gives one retry with new data", MAY, renewed, (first,))
        earlier = want(MASTERCARD, renewed_at=ago(days=4))
        theirs = tried(ago(days=3), "05", code, by=THEM)
        yield Case(f"advice {code} counts no data from before it", rule, earlier, (theirs,))
        at_once = (first, tried(ago(days=2), "05", "43"))
        yield Case(f"advice {code} gives only one, at the instant of the new data too", rule, renewed, at_once)
        yield Case(f"advice {code} gives only one", rule, renewed, (first, tried(ago(days=1), "05", "43")))
    for code in ("40", "41"):
        for state in (AttemptState.DECLINED, AttemptState.PAID):
            history = (tried(ago(days=90), "05", code, state=state),)
            sentence = f"advice {code} with a {state} attempt asks for a durable card"
            yield Case(sentence, refused("advice_ask_durable_card"), want(MASTERCARD), history)
    yield Case("advice 43 changes nothing", MAY, want(MASTERCARD), (tried(ago(hours=1), "51", "43"),))


def cap_cases() -> Iterator[Case]:
    cards = (VISA, UNKNOWN)
    strict = (tried(ago(days=400), "63"),)
    yield Case(
        "of two networks' rules the stricter binds an unknown card",
        refused("mastercard_fix_data"),
        want(UNKNOWN),
        strict,
    )
    full = hourly(16, hours=30)
    free = later("visa_30d", full[1].at + timedelta(days=30))
    for card in cards:
        yield Case(f"15 reattempts in 30 days are all of a card of {card}", free, want(card), full)
        yield Case(f"the 15th reattempt on a card of {card} is allowed", MAY, want(card), full[1:])
    yield Case("a customer has a counter of their own at Visa", MAY, want(VISA, THEM), full)
    yield Case("another amount has no counter of its own at Visa", free, want(VISA, amount_minor=4999), full)
    yield Case("nor has another currency", free, want(VISA, currency="USD"), full)
    grown = tuple(msgspec.structs.replace(t, amount_minor=t.amount_minor + n) for n, t in enumerate(full))
    yield Case("a sum that grows with every attempt fills it too", free, want(VISA, amount_minor=9999), grown)
    late = (tried(ago(days=100), "51"), *full[1:])
    yield Case("a reattempt is one however old the first is", free, want(VISA), late)
    pressed = tuple(msgspec.structs.replace(t, by=THEM) for t in full[1:])
    yield Case(
        "after a decline of ours every try of the payer is a reattempt", free, want(VISA, THEM), (late[0], *pressed)
    )
    yield Case("but leaves ours their own counter", MAY, want(VISA), (late[0], *pressed))
    paid = (*full, tried(ago(hours=0), state=AttemptState.PAID))
    yield Case("a success does not reset Visa's counter", free, want(VISA), paid)
    for state in (*OPEN_STATES[:-1], AttemptState.CANCELED):
        last = tried(full[-1].at, "51", state=state)
        yield Case(f"{state} counts as a decline", free, want(VISA), (*full[:-1], last))
    for state in (AttemptState.CANCELED, AttemptState.DECLINED):
        last = tried(full[-1].at, "51", state=state, reached_network=False)
        yield Case(f"{state} counts only if it reached the network", MAY, want(VISA), (*full[:-1], last))
    nine = hourly(9)
    day = later("mastercard_24h", nine[0].at + timedelta(hours=24))
    for card, by in ((MASTERCARD, US), (MASTERCARD, THEM), (UNKNOWN, US)):
        yield Case(f"9 declines in 24 hours are all of a card of {card}, for the {by}", day, want(card, by), nine)
    yield Case("they count at any amount and currency, whoever tried", day, want(MASTERCARD), mixed(nine))
    yield Case("the 9th attempt on a Mastercard is allowed", MAY, want(MASTERCARD), nine[1:])
    yield Case("Visa has no such cap", MAY, want(VISA), nine)
    after = (*nine, tried(ago(hours=0), state=AttemptState.PAID))
    yield Case("a success does not reset Mastercard's count of a day", day, want(MASTERCARD), after)
    blank = (*(tried(t.at, "51") for t in nine[1:]), tried(ago(hours=1)))
    at = later("mastercard_24h", blank[0].at + timedelta(hours=24))
    yield Case("a decline without a code brings both networks' caps", at, want(VISA), blank)
    yield Case("so does one of Mastercard without advice", free, want(MASTERCARD), hourly(16, 30, advice=""))
    half = hourly(30, hours=20)
    month = later("mastercard_30d", half[0].at + timedelta(days=30))
    yield Case("30 declines in 30 days are all of a Mastercard", month, want(MASTERCARD), half)
    yield Case("they count in any amount and currency, whoever tried", month, want(MASTERCARD), mixed(half))
    yield Case("the 30th decline in 30 days is allowed", MAY, want(MASTERCARD), half[1:])
    yield Case("another amount has no counter of its own there", month, want(MASTERCARD, amount_minor=1), half)
    after = (*half, tried(ago(hours=0), state=AttemptState.PAID))
    yield Case("a success does not reset Mastercard's count of a month", month, want(MASTERCARD), after)
    eight = hourly(8, hours=80)
    brazil = later("mastercard_brazil", eight[1].at + timedelta(days=31))
    yield Case("7 retries a month are all in Brazil", brazil, want(MASTERCARD, country="BR"), mixed(eight))
    yield Case("the 7th retry in Brazil is allowed", MAY, want(MASTERCARD, country="BR"), eight[1:])
    yield Case("they are Brazil's alone", MAY, want(MASTERCARD), eight)


def bank_cases() -> Iterator[Case]:
    old, week = ago(days=100), ago(days=7)
    good = {ACH: ("R01", "R09"), SEPA: ("AM04",), BACS: ("0",)}
    bad = {
        ACH: ("R02", "R03", "R07", "R08", "R10", "51"),
        SEPA: ("AC04", "MD01", "MS02", "MS03"),
        BACS: ("1", "00", "B"),
    }
    for network in good:
        for code in good[network]:
            yield Case(f"{network} {code} may be presented again", MAY, want(network), (tried(week, code),))
        for code in bad[network]:
            for by in (US, THEM):
                sentence = f"{network} {code} is never presented again by the {by}"
                yield Case(sentence, refused(f"{network}_never"), want(network, by), (tried(old, code),))
        no_code = (tried(week),)
        yield Case(f"{network} without a code: not by us", refused(f"{network}_fix_data"), want(network), no_code)
        yield Case(f"{network} without a code: the customer may", MAY, want(network, THEM), no_code)
    unsent = (tried(week, decline="provider_error", reached_network=False),)
    yield Case("a debit that no bank has seen has no code that says anything", MAY, want(SEPA), unsent)
    under_way = (tried(week, state=AttemptState.SUBMITTED),)
    yield Case("a debit under way has no code that says anything", MAY, want(SEPA, entry=NEW_ENTRY), under_way)
    returned = tried(ago(days=20), returned_at=ago(days=10))
    for days, answer in ((15, refused("sepa_fix_data")), (10, MAY), (5, MAY)):
        book = (returned, tried(ago(days=days), state=AttemptState.PAID), tried(ago(days=1), "AM04"))
        sentence = f"a debit returned 10 days ago is cured by a success {days} days ago, or it is not"
        yield Case(sentence, answer, want(SEPA, entry=NEW_ENTRY), book)
    for country in ("AT", "BE", "DE", "LU", "SK"):
        yield Case(f"MS03 may be tried again in {country}", MAY, want(SEPA, country=country), (tried(week, "MS03"),))
    for country in ("FR", "IT", ""):
        answer = refused("sepa_never")
        yield Case(f"MS03 ends it in {country!r}", answer, want(SEPA, country=country), (tried(week, "MS03"),))
    first = tried(ago(days=9), "R01", no=901, entry=901)
    twice = (first, tried(week, "R01", entry=901), tried(ago(days=2), "R09", entry=901))
    used, spent = refused("ach_reinitiations"), want(ACH, entry=901)
    yield Case("a returned ACH debit is presented again twice", MAY, spent, twice[:2])
    yield Case("but not a third time", used, spent, twice)
    yield Case("nor when nobody says that it is the same", used, want(ACH), twice)
    yield Case("nor by the customer", used, want(ACH, THEM), twice)
    yield Case("another debt is a first entry", MAY, want(ACH, entry=NEW_ENTRY), twice)
    yield Case("a success ends the entry", MAY, want(ACH), (*twice, tried(ago(days=1), state=AttemptState.PAID)))
    same = refused("ach_reinitiations_same_amount")
    yield Case("its amount stays", same, want(ACH, entry=901, amount_minor=5001), twice[:1])
    yield Case("its currency stays", same, want(ACH, entry=901, currency="USD"), twice[:1])
    yield Case("it is not merged into another debit", same, want(ACH, amount_minor=9000), twice[:1])
    yield Case("an entry that nobody knows is refused", same, want(ACH, entry=77), twice[:1])
    yield Case("the customer may authorise another sum", MAY, want(ACH, THEM, amount_minor=9000), twice[:1])
    for entry in (0, 901):
        too_old = (tried(ago(days=180), "R01", no=901, entry=901),)
        still = (tried(ago(days=179, hours=23), "R01", no=901, entry=901),)
        answer = refused("ach_reinitiations_window")
        yield Case(f"not after 180 days (entry {entry})", answer, want(ACH, entry=entry), too_old)
        yield Case(f"within 180 days (entry {entry})", MAY, want(ACH, entry=entry), still)
    thrice = (*hourly(3, hours=30, code="0")[:2], tried(ago(hours=1), "0", by=THEM))
    yield Case("a Bacs debit is presented again twice", MAY, want(BACS), thrice[1:])
    for by in (US, THEM):
        spent = refused("bacs_representments")
        yield Case(f"but not a third time by the {by}, whoever tried", spent, want(BACS, by), thrice)
    said = refused("bacs_representments_same_amount")
    for changed in ({"amount_minor": 5001}, {"currency": "GBP"}):
        yield Case(f"it stays as it was: {changed}", said, want(BACS, **changed), thrice[1:])
    for days, answer in ((28, refused("bacs_representments_window")), (27, MAY)):
        yield Case(f"Bacs after {days} days", answer, want(BACS), (tried(ago(days=days, hours=days % 2 * 23), "0"),))
    thrice = mixed(hourly(3, hours=30, code="AM04"))
    yield Case("a SEPA mandate is retried twice", MAY, want(SEPA), thrice[1:])
    yield Case("but not a third time, at any amount", refused("sepa_retries"), want(SEPA), thrice)
    yield Case("a new debt may be debited", MAY, want(SEPA, entry=NEW_ENTRY), thrice)
    bare = hourly(40, code="", advice="")
    yield Case("declines of debits without a code fill no card's counter", MAY, want(SEPA, THEM, entry=NEW_ENTRY), bare)
    yield Case("a debit whose first entry the book has no more may be", MAY, want(SEPA, entry=7), ())
    yield Case("advice is of cards, and binds no debit", MAY, want(SEPA), (tried(ago(days=7), "AM04", "03"),))


def general_cases() -> Iterator[Case]:
    for network in (VISA, MASTERCARD, UNKNOWN, ACH, SEPA, BACS):
        yield Case(f"a first attempt on {network} is allowed", MAY, want(network), ())
    for by in (US, THEM):
        over, once = want(VISA, by, expires_on=date(2026, 11, 22)), want(VISA, by, durable=False)
        yield Case(f"an expired card is refused to the {by}", refused("expired"), over, ())
        yield Case(f"a single-use card is refused to the {by}", refused("not_durable"), once, ())
    yield Case("a card is good on its last day", MAY, want(VISA, expires_on=date(2026, 11, 23)), ())
    waiting, soon_over = (tried(ago(hours=1), "51", "30"),), want(MASTERCARD, expires_on=date(2026, 11, 30))
    yield Case("a card that expires before it may be tried is refused", refused("expired"), soon_over, waiting)
    india = want(VISA, country="IN")
    yield Case("a card from India is not retried", refused("no_retry_country"), india, (tried(ago(days=9), "51"),))
    unseen = tried(ago(days=9), decline="generic", reached_network=False)
    yield Case("an attempt that no network saw is none there", MAY, india, (unseen,))
    mixed_up = (tried(ago(days=10), "51"), unseen, tried(ago(days=8), "51", elsewhere=True))
    yield Case("one among others that count for nothing is one", refused("no_retry_country"), india, mixed_up)
    yield Case("its holder may pay", MAY, india._replace(by=THEM), (tried(ago(days=9), "51"),))
    stops = (tried(ago(days=29), "05", "03"), tried(ago(days=10), "05", "03"))
    longest = refused("advice_stop", ago(days=10) + timedelta(days=30))
    yield Case("of two stops the longer counts", longest, want(MASTERCARD), stops)
    both = (tried(ago(days=29), "05", "03"), tried(ago(days=1), "51", "30"))
    until = refused("advice_stop", ago(days=1) + timedelta(days=10))
    yield Case("a stop lasts as long as the longest wait beside it", until, want(MASTERCARD), both)
    for code in ("54", "51"):
        there = (tried(ago(days=2), code, "01", decline="authentication_required", elsewhere=True),)
        sentence = f"what a payer of another account must put right after {code} keeps nobody here from trying"
        yield Case(sentence, MAY, want(VISA), there)
        yield Case(f"{sentence}, in India", MAY, want(VISA, country="IN"), there)
    there = (tried(ago(days=2), "14", elsewhere=True),)
    yield Case("what says never says it to every account", refused("visa_never"), want(VISA), there)
    there = tuple(msgspec.structs.replace(t, elsewhere=True) for t in hourly(9))
    at = later("mastercard_24h", there[0].at + timedelta(hours=24))
    yield Case("what other accounts tried is counted", at, want(MASTERCARD), there)
    ended = (tried(ago(days=2), "51", "30"), tried(ago(days=1), "14"))
    yield Case("never is stronger than a wait", refused("visa_never"), want(VISA), ended)


CASES = [*code_cases(), *word_cases(), *advice_cases(), *cap_cases(), *bank_cases(), *general_cases()]


def answered(rules: Rules, case: Case) -> Answer:
    found = earliest(rules, case.wanted, case.history, NOW)
    if isinstance(found, Allowed):
        return ("allowed", found.rule, found.at)
    return ("refused", found.rule, found.until)


@pytest.mark.parametrize("case", CASES, ids=[case.sentence for case in CASES])
def test_the_planner_says(case: Case) -> None:
    assert answered(load_rules(), case) == case.answer
    assert answered(load_rules(), case._replace(history=case.history[::-1])) == case.answer, "in any order"
    found = earliest(load_rules(), case.wanted, case.history, NOW)
    if isinstance(found, Refusal) or found.rule:
        assert found.source
        assert found.why.endswith(".")
        assert found.why.count(".") == 1


@pytest.mark.parametrize(
    ("network", "history", "said"),
    [
        (VISA, tried(NOW, "04"), "After visa code 04 this method must never be tried again; another one is needed."),
        (
            VISA,
            tried(NOW, decline="stolen_card"),
            'After the answer "stolen_card" this method must never be tried again; another one is needed.',
        ),
        (
            SEPA,
            tried(NOW),
            'After the answer "no code" we do not retry by ourselves; the customer must put it right first.',
        ),
    ],
)
def test_a_refusal_says_whose_code_it_was(network: Network, history: Tried, said: str) -> None:
    found = earliest(load_rules(), want(network), [history], NOW)
    assert isinstance(found, Refusal)
    assert found.why == said


def test_no_two_sentences_are_the_same() -> None:
    assert len({case.sentence for case in CASES}) == len(CASES)


def test_the_ceilings_are_the_networks_own_and_the_operator_stays_below_them() -> None:
    for name, ceiling in CEILINGS.items():
        assert tightened(load_rules(), {name: ceiling}) is not None
        with pytest.raises(Refused, match=f"{name}: is {ceiling + 1}; write a whole number from . to {ceiling}$"):
            tightened(load_rules(), {name: ceiling + 1})
    assert {cap.name for one in load_rules().networks.values() for cap in one.caps} == {*CEILINGS}
    with pytest.raises(Refused, match=r"^visa: is no cap; .*; mastercard_24h: is 0; "):
        tightened(load_rules(), {"mastercard_24h": 0, "visa": 3})


def test_a_tightened_cap_holds_earlier() -> None:
    two = tightened(load_rules(), {"visa_30d": 2})
    history = hourly(3)
    assert earliest(two, want(VISA), history, NOW)[0] == history[1].at + timedelta(days=30)
    none = earliest(tightened(load_rules(), {"visa_30d": 0}), want(VISA), hourly(1), NOW)
    assert isinstance(none, Refusal)
    assert none.rule == "visa_30d"


def test_staff_hear_of_each_code_that_is_theirs_to_mend_and_of_no_other() -> None:
    rules = load_rules()
    codes = {
        (name, code): row.alert
        for name, rows in (*((n, one.codes) for n, one in rules.networks.items()), ("ours", rules.declines))
        for code, row in rows.items()
        if row.alert
    }
    gone = [(VISA, "R0"), (VISA, "R1"), (VISA, "R3"), (ACH, "R07"), (ACH, "R08")]
    gone += [("ours", word) for word in NEVER_WORDS.split()[7:]]
    assert codes == dict.fromkeys(gone, "mandate_revoked")
    advice = {code: row.alert for code, row in rules.networks[MASTERCARD].advice.items() if row.alert}
    assert advice == {"04": "technical", "21": "mandate_revoked", "22": "configuration", "42": "compliance"}


def test_staff_hear_of_a_mandate_that_is_gone() -> None:
    card = MethodKind.CARD
    assert alert_of(load_rules(), card, VISA, Codes("", "R1")) == "mandate_revoked"
    assert alert_of(load_rules(), card, MASTERCARD, Codes("", "05", "42")) == "compliance"
    assert alert_of(load_rules(), MethodKind.ACH, ACH, Codes("revoked", "R03")) == "mandate_revoked"
    assert alert_of(load_rules(), card, VISA, Codes("", "51")) == ""
    assert alert_of(load_rules(), MethodKind.SEPA, SEPA, Codes("", "AM04", "42")) == "", "advice is of cards"


MISTAKES = {
    ('source = "NW4"\n', ""): "visa.codes row 6: .*missing required field `source`",
    ('source = "NW4"\n', 'source = "somewhere"\n'): "visa.codes row 6: .*source",
    ("as_of = 2026-11-23\n", ""): "visa.codes row 1: .*missing required field `as_of`",
    ("default = 15", "default = 21"): "visa.caps visa_30d: default 21 is above the ceiling 20",
    ("default = 9\n", "default = 0\n"): "mastercard_24h: default 0 forbids the first attempt",
    ("window_hours = 24\n", ""): "mastercard_24h: window_hours is missing",
    ("window_hours = 24\n", "window = 24\n"): "mastercard.caps row 1: .*unknown field `window`",
    ('key = ["credential", "merchant"]', 'key = ["merchant"]'): "key must hold credential",
    ('category = "later"', 'category = "soon"'): "visa.codes row 3: .*soon",
    ('"54", "55", "82"', '"54", "55", "51"'): "visa.codes: '51' is there 2 times",
    ('"R0", "R1"', '"r0", "R1"'): "visa.codes: 'r0' is not written as networks do",
    ('codes = ["R0", "R1", "R3"]', "codes = []"): "visa.codes row 2: .*length",
    ('category = "generic"\ncodes = ["*"]', 'category = "generic"\ncodes = ["05"]'): "visa.codes: has no row for",
    ("hours = 72\n", ""): "mastercard.advice 02: hours belong to not_before",
    ('action = "normal"', 'action = "normal"\ndays = 3'): "mastercard.advice 43: days belong to stop",
    ('name = "sepa_retries"', 'name = "visa_30d"'): "caps: visa_30d is there 2 times",
    ('rule = "expired"', 'rule = "not_durable"'): "general: must have expired once",
    ('countries = ["IN"]\n', ""): "no_retry_country: names no countries",
    ("[[bacs.codes]]", "[[giro.codes]]"): "giro: is unknown; take it out; bacs.codes: is missing",
    ("[[visa.codes]]", "[[visa.codes"): "not TOML",
}


@pytest.mark.parametrize(("old", "new"), MISTAKES)
def test_a_mistake_in_the_file_is_named(old: str, new: str) -> None:
    text = (resources.files("arrears.core") / "data" / "networks.toml").read_text(encoding="utf-8")
    assert old in text
    many = old.startswith("[[")
    with pytest.raises(Refused, match=MISTAKES[old, new]) as caught:
        read_rules(text.replace(old, new) if many else text.replace(old, new, 1))
    assert caught.value.code == "bad_rules"


def test_no_second_presentment_is_a_limit_that_the_file_may_set() -> None:
    text = (resources.files("arrears.core") / "data" / "networks.toml").read_text(encoding="utf-8")
    before, name, after = text.partition('name = "sepa_retries"')
    assert "default = 2" in after
    none = read_rules(before + name + after.replace("default = 2", "default = 0", 1))
    [cap] = [one for one in none.networks[SEPA].caps if one.name == "sepa_retries"]
    assert cap.limit == 0


def test_every_mistake_is_named_not_the_first_alone() -> None:
    with pytest.raises(Refused) as caught:
        read_rules("[[visa.codes]]\n[odd]\n")
    for table in ("odd", "visa.codes row 1", "mastercard", "ach", "sepa", "bacs", "declines", "general"):
        assert table in caught.value.message
    assert "mastercard: has no rules; write [[mastercard.codes]]" in caught.value.message
    assert "visa: has no rules" not in caught.value.message
