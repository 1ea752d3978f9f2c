"""When a method may be tried again, or why not: the networks' rules read against the book of attempts.

Networks bill a merchant for attempts that had no chance and may close a card to it for good. So nothing here tries:
a pure function is asked before each attempt, whoever wants it, and answers with an instant or with the rule that
forbids it. Where the networks' texts leave a doubt the strictest reading counts:

- an open attempt counts as declined, and a decline without a response code as Visa's generic category 4 under the
  caps of *both* card networks (so does a Mastercard decline without advice: not every provider passes it on);
- an advice code binds on every card and also on an approval, as does an unknown one, which stops for ever;
- a reattempt is every attempt after a first one that did not succeed, however long ago that was;
- what a card's counters hold is every amount and currency of every account, and no success resets them: that it
  would is the word of one processor alone. It ends the entry of a bank debit.

What one success or new data of a card shows to be cured (wrong data, want of authentication) binds until then; a code
that says never binds for ever on that credential.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from operator import attrgetter
from typing import Final, NamedTuple

from arrears.core.payments.networks import (
    STRICTEST_FIRST,
    Advice,
    AdviceAction,
    Cap,
    Category,
    CodeRow,
    Counts,
    Rules,
    advice_row,
    code_row,
    decline_row,
    networks_of,
)
from arrears.core.payments.values import OPEN_STATES, AttemptState, Codes, Initiator, MethodKind, Network
from arrears.core.value import Value

EXPIRED: Final = "expired"
"""The rule of a refusal because the card is over: no network forbids it, the card itself has failed."""

NEW_ENTRY: Final = -1
"""`Wanted.entry` of a debit for a debt that this account has never been debited for."""


class Tried(Value, frozen=True, omit_defaults=True):
    """One attempt on one credential, open or finished: `no` its number, `at` when the provider was asked (UTC).

    A bank debit that was paid and came back is DECLINED, with the return's code; `returned_at` is when that was known,
    and only what was paid with the account later shows that it is cured. `reached_network` is False where
    the provider refused by itself. `entry` is the number of the first entry of which this debit is one (its own for
    the first); 0 where nobody said, then the same amount means the same entry. `debts`: what a bank debit was for.
    `elsewhere`: on another account, with the same card; what a payer there must put right keeps nobody here from
    trying.
    """

    no: int
    at: datetime
    by: Initiator
    amount_minor: int
    currency: str
    state: AttemptState
    codes: Codes = Codes()
    reached_network: bool = True
    entry: int = 0
    elsewhere: bool = False
    returned_at: datetime | None = None
    debts: tuple[int, ...] = ()


class Wanted(NamedTuple):
    """An attempt that somebody would like to make on one credential.

    `country` is the issuer's or the debtor bank's, empty if unknown; `renewed_at` when the card's data last changed;
    `entry` the number of the first entry that a bank debit presents again, NEW_ENTRY for a new debt, 0 if unknown.
    """

    kind: MethodKind
    network: Network
    country: str
    expires_on: date | None
    durable: bool
    amount_minor: int
    currency: str
    by: Initiator
    renewed_at: datetime | None = None
    entry: int = 0


class Allowed(NamedTuple):
    """The earliest instant at which an attempt breaks no rule; if that is later than asked, the rule that says so."""

    at: datetime
    rule: str = ""
    source: str = ""
    why: str = ""


class Refusal(NamedTuple):
    """No attempt now: the rule, its source and one sentence. `until` is when to ask again; None means never on this
    credential, unless its data or a success of the customer's change that."""

    rule: str
    source: str
    why: str
    until: datetime | None


def earliest(rules: Rules, wanted: Wanted, history: Sequence[Tried], now: datetime) -> Allowed | Refusal:
    """The earliest instant, not before `now` (aware), at which the network lets us make this attempt.

    `history` is the whole book of the credential in any order, of customer and merchant alike.
    """
    book = sorted(history, key=attrgetter("at", "no"))
    refusal: Refusal | None = None
    allowed = Allowed(now)
    for bound in _bounds(rules, wanted, book, now):
        if isinstance(bound, Allowed):
            allowed = max(allowed, bound, key=attrgetter("at"))
        elif bound.until is None:
            return bound
        elif bound.until > now and (refusal is None or refusal.until is None or bound.until > refusal.until):
            refusal = bound
    if refusal is not None:
        assert refusal.until is not None
        until = max(refusal.until, allowed.at)
        return refusal._replace(until=None if _expired(wanted, until) else until)
    if _expired(wanted, allowed.at):
        return _expiry(rules)
    return allowed


def is_final(rules: Rules, wanted: Wanted, tried: Tried, now: datetime) -> bool:
    """Whether this one attempt alone forbids every other on its card, for ever and to everybody."""
    answer = earliest(rules, wanted._replace(by=Initiator.CUSTOMER), [tried], now)
    return isinstance(answer, Refusal) and answer.until is None


def counts(tried: Tried) -> bool:
    """Whether the networks count this attempt, or might: declined or canceled after it reached them, or open."""
    if tried.state in OPEN_STATES:
        return True
    return tried.reached_network and tried.state in (AttemptState.DECLINED, AttemptState.CANCELED)


def _bounds(rules: Rules, wanted: Wanted, book: Sequence[Tried], now: datetime) -> Iterator[Allowed | Refusal]:
    """What each rule says, the final refusals first."""
    if not wanted.durable:
        why = "This card has turned out to work only once, so it is never tried again; ask for another card."
        yield Refusal("not_durable", rules.general["not_durable"].source, why, None)
    if _expired(wanted, now):
        yield _expiry(rules)
    since_paid = _since_paid(book)
    yield from _code_bounds(rules, wanted, book, len(book) - len(since_paid))
    no_retry = rules.general["no_retry_country"]
    by_us_on_card = wanted.by is Initiator.MERCHANT and wanted.kind is MethodKind.CARD
    if (
        by_us_on_card
        and wanted.country in no_retry.countries
        and any(counts(t) and not t.elsewhere for t in since_paid)
    ):
        why = f"Cards issued in {wanted.country} are not retried by us; the customer may pay themselves."
        yield Refusal("no_retry_country", no_retry.source, why, None)
    networks = networks_of(wanted.kind, wanted.network)
    if wanted.kind is MethodKind.CARD and any(_uncoded(wanted.network, tried) for tried in book):
        networks = networks_of(MethodKind.CARD, Network.UNKNOWN)
    for network in networks:
        for cap in rules.networks[network].caps:
            if not cap.countries or wanted.country in cap.countries:
                represents = cap.counts is Counts.REPRESENTMENTS
                yield from (_entry_bounds(cap, wanted, book, now) if represents else _cap_bounds(cap, wanted, book))


def _expired(wanted: Wanted, at: datetime) -> bool:
    return wanted.expires_on is not None and at.date() > wanted.expires_on


def _expiry(rules: Rules) -> Refusal:
    return Refusal(EXPIRED, rules.general["expired"].source, "The card has expired; its new expiry is needed.", None)


def _since_paid(book: Sequence[Tried]) -> Sequence[Tried]:
    """What came after the last success."""
    for index in range(len(book) - 1, -1, -1):
        if book[index].state is AttemptState.PAID:
            return book[index + 1 :]
    return book


def _uncoded(network: Network, tried: Tried) -> bool:
    """Whether a card's decline came without the code that would tell which counter it is in."""
    if tried.state is not AttemptState.DECLINED or not tried.reached_network:
        return False
    return not tried.codes.network or (network is Network.MASTERCARD and not tried.codes.advice)


def _code_bounds(rules: Rules, wanted: Wanted, book: Sequence[Tried], paid: int) -> Iterator[Allowed | Refusal]:
    """What the codes of earlier attempts say; the first `paid` of them came before the last success or are it."""
    for index, tried in enumerate(book):
        codes = tried.codes
        if tried.state is not AttemptState.PAID:
            outdated = wanted.renewed_at is not None and tried.at < wanted.renewed_at
            for name, code, row in _judged(rules, wanted, tried):
                cured = index < paid and _paid_since_return(book, tried)
                lifted = cured or tried.elsewhere or (outdated and row.category is Category.FIX_DATA)
                refusal = _code_refusal(wanted, name, code, row, lifted=lifted)
                if refusal is not None:
                    yield refusal
        if codes.advice and wanted.kind is MethodKind.CARD:
            advice = advice_row(rules, codes.advice)
            bound = _advice_bound(advice, wanted, tried, book, lifted=index < paid or tried.elsewhere)
            if bound is not None:
                yield bound


def _paid_since_return(book: Sequence[Tried], tried: Tried) -> bool:
    """Whether a success after this attempt shows that what its code says is over; a return comes long after it."""
    since = tried.returned_at
    return since is None or any(t.state is AttemptState.PAID and t.at >= since for t in book)


def _judged(rules: Rules, wanted: Wanted, tried: Tried) -> Iterator[tuple[str, str, CodeRow]]:
    """The rows of an attempt's codes: ours, the network's, and that of a challenge which nobody has passed."""
    codes = tried.codes
    if codes.decline:
        yield "decline", codes.decline, decline_row(rules, codes.decline)
    if tried.state is AttemptState.NEEDS_CUSTOMER:
        yield "decline", "authentication_required", decline_row(rules, "authentication_required")
    if codes.network or (tried.state is AttemptState.DECLINED and tried.reached_network):
        networks = networks_of(wanted.kind, wanted.network)
        rows = [(code_row(rules, network, codes.network, wanted.country), network) for network in networks]
        row, network = min(rows, key=lambda one: STRICTEST_FIRST.index(one[0].category))
        yield network.value, codes.network, row


_SILENTLY: Final = {
    Category.FIX_DATA: "we do not retry by ourselves; the customer must put it right first.",
    Category.AUTHENTICATE: "a charge without the customer is refused again; they must confirm it at their bank.",
}


def _code_refusal(wanted: Wanted, name: str, code: str, row: CodeRow, *, lifted: bool) -> Refusal | None:
    if row.category is Category.NEVER:
        then = "this method must never be tried again; another one is needed."
    elif row.category in _SILENTLY and not lifted and wanted.by is Initiator.MERCHANT:
        then = _SILENTLY[row.category]
    else:
        return None
    said = f"{name} code {code}" if code and name != "decline" else f'the answer "{code or "no code"}"'
    return Refusal(f"{name}_{row.category.value}", row.source, f"After {said} {then}", None)


def _advice_bound(
    row: Advice, wanted: Wanted, tried: Tried, book: Sequence[Tried], *, lifted: bool
) -> Allowed | Refusal | None:
    code, rule = tried.codes.advice, f"advice_{row.action.value}"
    silent = wanted.by is Initiator.MERCHANT
    if row.action is AdviceAction.NOT_BEFORE:
        why = f"Advice {code} of the card network asks to wait at least {row.hours} hours."
        return Allowed(tried.at + timedelta(hours=row.hours), rule, row.source, why)
    if row.action is AdviceAction.STOP and _same(row.key, wanted, tried):
        if row.days:
            why = f"Advice {code} of the card network forbids every attempt on this card for {row.days} days."
            return Refusal(rule, row.source, why, tried.at + timedelta(days=row.days))
        return Refusal(rule, row.source, f"Advice {code} of the card network ends all attempts on this card.", None)
    if row.action is AdviceAction.ASK_DURABLE_CARD and silent:
        why = f"Advice {code} of the card network says that the card is not made to be kept; ask for another."
        return Refusal(rule, row.source, why, None)
    if row.action in (AdviceAction.UPDATER_THEN_ONCE, AdviceAction.TECHNICAL) and silent and not lifted:
        # New data allow one attempt of ours. Whether that reached the network does not matter: it had its chance.
        renewed = wanted.renewed_at
        used = renewed is not None and any(t.by is Initiator.MERCHANT and t.at >= renewed for t in book)
        if renewed is None or renewed <= tried.at or used:
            why = f"Advice {code} of the card network allows us one retry, with new data of the card alone."
            return Refusal(rule, row.source, why, None)
    return None


def _same(key: Sequence[str], wanted: Wanted, tried: Tried) -> bool:
    """Whether both fall under one counter. Credential and merchant are the same for the whole book."""
    return (
        ("amount" not in key or tried.amount_minor == wanted.amount_minor)
        and ("currency" not in key or tried.currency == wanted.currency)
        and ("initiator" not in key or tried.by is wanted.by)
    )


def _counted(cap: Cap, wanted: Wanted, book: Sequence[Tried]) -> list[Tried]:
    """What a counter holds: everything of its key, whatever its age."""
    return [tried for tried in book if _same(cap.key, wanted, tried) and counts(tried)]


def _cap_bounds(cap: Cap, wanted: Wanted, book: Sequence[Tried]) -> Iterator[Allowed | Refusal]:
    """Allowed when as many have left the rolling window that one more fits; an attempt as old as it is outside."""
    counted = _counted(cap, wanted, book)
    if cap.counts is Counts.REATTEMPTS:
        # One attempt on a card is its first: what the payer tries after a decline of ours is a reattempt too.
        first = next(filter(counts, book), None)
        counted = [tried for tried in counted if tried is not first]
        if first is None:
            return
    if cap.limit == 0:
        yield Refusal(cap.name, cap.source, "The operator allows no reattempt.", None)
    elif len(counted) >= cap.limit:
        assert cap.window is not None
        why = f"There may be {cap.limit} {cap.counts.value} in {cap.window_hours} hours, and they are used up."
        yield Allowed(counted[-cap.limit].at + cap.window, cap.name, cap.source, why)


def _entry_bounds(cap: Cap, wanted: Wanted, book: Sequence[Tried], now: datetime) -> Iterator[Allowed | Refusal]:
    """What limits the re-presentments of one bank debit: how many, until when, and that its amount stays."""
    if wanted.entry == NEW_ENTRY:
        return
    said = wanted.entry != 0
    chain = [t for t in book if counts(t) and wanted.entry in (t.no, t.entry)] if said else _unsaid(cap, wanted, book)
    if "amount" in cap.key and wanted.by is Initiator.MERCHANT and _other_amount(cap, wanted, chain, book):
        why = "A returned debit may be presented again only alone and at its own amount."
        yield Refusal(f"{cap.name}_same_amount", cap.source, why, None)
    if not chain:
        return
    if cap.window is not None and now >= chain[0].at + cap.window:
        why = f"A debit may be presented again only within {cap.window.days} days of its first entry."
        yield Refusal(f"{cap.name}_window", cap.source, why, None)
    if len(chain) > cap.limit:
        why = f"A debit may be presented again at most {cap.limit} times, and that is used up."
        yield Refusal(cap.name, cap.source, why, None)


def _unsaid(cap: Cap, wanted: Wanted, book: Sequence[Tried]) -> list[Tried]:
    """The entry of a debit of which nobody said which it is: what came of its key after the last success."""
    return [t for t in _since_paid([t for t in book if _same(cap.key, wanted, t)]) if counts(t)]


def _other_amount(cap: Cap, wanted: Wanted, chain: Sequence[Tried], book: Sequence[Tried]) -> bool:
    """Whether this debit would take another amount than the one that came back."""
    if wanted.entry != 0:
        named = [tried for tried in book if wanted.entry in (tried.no, tried.entry)]
        return not named or not all(_same(cap.key, wanted, tried) for tried in named)
    if chain:
        return False
    # Nobody said which debit is meant: any one that has not been paid since would be merged into this.
    latest = {(t.amount_minor, t.currency): t for t in book if counts(t) or t.state is AttemptState.PAID}
    return any(tried.state is not AttemptState.PAID for tried in latest.values())
