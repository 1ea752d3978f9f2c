"""Performing what was recorded: hand messages over, give orders, record what the world answered.

A message is handed over at most once: the claim is committed first, and a claim whose holder died is looked up,
never repeated blindly. An order is given until it is acknowledged; receivers drop what they have seen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Final

from arrears.core import facts as f
from arrears.core.actions import CHARGE, NOTICE, ORDER, REFUND
from arrears.core.errors import Refused
from arrears.core.payments.values import AttemptState, RefundState
from arrears.core.unit import Unit
from arrears.engine.acknowledging import acknowledge, answered_in_part
from arrears.engine.acting import decide_until_rest
from arrears.engine.failpoints import reached
from arrears.engine.heard import unheard, whom
from arrears.engine.message_context import PLAIN_CONTEXT, MessageContext
from arrears.engine.messages.bounces import refused_at_delivery
from arrears.engine.messages.delivering import Answer
from arrears.engine.messages.sending import send
from arrears.engine.orders import order_id
from arrears.engine.payments import refunds
from arrears.engine.payments.attempts import pursue
from arrears.engine.payments.providers import NO_PROVIDERS, Providers
from arrears.ports import (
    AccountsAndMail,
    AccountsAndMoney,
    Batch,
    Channel,
    Claim,
    Obeyed,
    OnItsWay,
    Order,
    ReachableAccounts,
    Services,
    Store,
)

LEASE_SECONDS: Final = 120
"""Longer than any one message or order takes; a performer that dies is taken over after this."""

CLAIM_MAX: Final = 100

ActionResult = tuple[Claim, bool, Obeyed | None]
"""A claim of an order or a charge, whether it is done, and of an order what its service says: nothing yet of one that
is on its way."""


def perform(
    store: Store,
    channel: Channel,
    services: Services,
    now: datetime,
    providers: Providers = NO_PROVIDERS,
    context: MessageContext = PLAIN_CONTEXT,
) -> int:
    """Claim up to CLAIM_MAX actions and perform them: hand messages over, give orders, pursue charges. Returns how many
    were claimed."""
    reached("claim.before_commit")
    claims = store.claim(now, CLAIM_MAX, LEASE_SECONDS)
    reached("claim.after_commit")
    if not claims:
        return 0
    notices = [c for c in claims if c.kind == NOTICE]
    orders = [c for c in claims if c.kind == ORDER]
    charges = [c for c in claims if c.kind == CHARGE]
    sent = send(store, channel, context, notices, now)
    if sent.back:
        store.give_back(sent.back)
    results = _order(store, services, orders, now) + _charge(store, providers, charges, now)
    record_results(store, results, now, sent.answers)
    for gone in sent.dead:
        refused_at_delivery(store, gone.mail, gone.code, gone.reply, now)
    return len(claims)


def perform_all(
    store: Store,
    channel: Channel,
    services: Services,
    now: Callable[[], datetime],
    providers: Providers = NO_PROVIDERS,
    context: MessageContext = PLAIN_CONTEXT,
) -> int:
    """Perform actions until none is left; how many were claimed."""
    total = 0
    while count := perform(store, channel, services, now(), providers, context):
        total += count
    return total


def give_orders(store: Store, services: Services, now: datetime) -> int:
    """Claim orders alone and give them; how many. Who has paid need not wait until letters have left."""
    reached("claim.before_commit")
    claims = store.claim(now, CLAIM_MAX, LEASE_SECONDS, ORDER)
    reached("claim.after_commit")
    record_results(store, _order(store, services, claims, now), now)
    return len(claims)


def _order(store: ReachableAccounts, services: Services, claims: Sequence[Claim], now: datetime) -> list[ActionResult]:
    if not claims:
        return []
    numbers = sorted({c.account for c in claims})
    accounts, contacts = store.snapshots(numbers), store.contacts(numbers)
    results: list[ActionResult] = []
    for claim in claims:
        sub = accounts[claim.account].subscription(claim.subscription)
        order = Order(
            id=order_id(claim.account, claim.subscription, claim.order_no),
            service=sub.service,
            account=claim.account,
            subscription=claim.subscription,
            generation=sub.generation,
            number=claim.order_no,
            command=claim.order,
            name=contacts[claim.account].name,
        )
        reached("order.before_call")
        said = services.order(order, now)
        reached("order.after_call")
        if isinstance(said, OnItsWay):
            results.append((claim, True, None))
        elif said is not None:
            results.append((claim, not said.left, said))
    return results


def _charge(
    store: AccountsAndMoney, providers: Providers, claims: Sequence[Claim], now: datetime
) -> list[ActionResult]:
    """Bring each attempt as far as it can be brought. What waits for the payer is nobody's work here any more; what
    is unknown keeps its claim, and is looked up when the lease is over."""
    results: list[ActionResult] = []
    for claim in claims:
        if claim.order == REFUND:
            if _refund(store, providers, claim, now):
                results.append((claim, True, None))
            continue
        left = pursue(store, providers, claim.account, claim.order_no, now)
        if left is None or left.on_page or left.state in (AttemptState.NEEDS_CUSTOMER, AttemptState.SUBMITTED):
            results.append((claim, True, None))
    return results


def _refund(store: AccountsAndMoney, providers: Providers, claim: Claim, now: datetime) -> bool:
    """Bring a refund as far as it can be brought; whether that is the performer's work no more. One that is under way
    is told of by its provider; one that cannot be asked for now is asked for again when the lease is over."""
    try:
        answer = refunds.pursue(store, providers, claim.account, claim.order_no, now)
    except Refused:
        return False
    return answer.state is not RefundState.UNKNOWN


def record_results(
    store: AccountsAndMail, results: Sequence[ActionResult], now: datetime, answers: Sequence[Answer] = ()
) -> None:
    """Record what the world answered, for the claims that are still held by this performer."""
    if not results and not answers:
        return
    policies = store.policies()
    claims = [(claim, done) for claim, done, said in results if said is None or not said.left]
    claims += [(a.claim, a.outcome) for a in answers if a.outcome is not None]
    with store.accounts(
        sorted({c.account for c in (*(r[0] for r in results), *(a.claim for a in answers))}), now
    ) as batch:
        units = {unit.no: unit for unit in batch.units}
        kept = set(batch.end_claims(claims))
        kept |= set(batch.postpone_claims([(a.claim, a.until) for a in answers if a.outcome is None]))
        of_kept = [a for a in answers if a.claim in kept]
        _record_answers(batch, units, of_kept, _to_others(store, of_kept), now)
        for claim, _, said in results:
            if said is None or claim.kind != ORDER:
                continue
            unit = units[claim.account]
            if said.left:
                answered_in_part(unit, claim.subscription, claim.order_no, said)
            elif claim in kept:
                acknowledge(unit, policies, claim.subscription, claim.order_no, said)
        for unit in units.values():
            if unit.stored:
                decide_until_rest(unit, policies, batch.guards, only_consequences=True)
        reached("results.before_commit")
    reached("results.after_commit")


def _record_answers(
    batch: Batch,
    units: Mapping[int, Unit],
    answers: Sequence[Answer],
    to_others: Mapping[Claim, AbstractSet[int]],
    now: datetime,
) -> None:
    moves = [move for answer in answers for move in answer.moves]
    stayed = batch.move_mails(moves, now) if moves else ()
    for given in answers:
        # What came back while it was being handed over did so, whatever the server said then.
        answer = given.without([s for s in stayed if (s.account, s.seq) == (given.claim.account, given.claim.seq)], now)
        if answer.outcome is None and given.outcome is not None:
            batch.send_notice_again(answer.claim.account, answer.claim.seq)
        unit, notice = units[answer.claim.account], answer.claim.seq
        if answer.accepted:
            left_out = tuple(sorted({*answer.left_out, *to_others.get(answer.claim, ())}))
            unit.record(f.NoticeAccepted(notice=notice, digest=answer.digest, left_out=left_out))
        elif answer.outcome is False:
            unit.record(f.NoticeFailed(notice=notice, why=answer.why))


def _to_others(store: AccountsAndMail, answers: Sequence[Answer]) -> Mapping[Claim, AbstractSet[int]]:
    """The subscriptions of whose warnings nobody has got one who is told by now: whom an account reaches can have
    changed while they were being handed over."""
    warned = {a.claim: _warnings(a) for a in answers if a.accepted and _warnings(a)}
    if not warned:
        return {}
    now = store.contacts(sorted({claim.account for claim in warned}))
    found = {}
    for answer in answers:
        given, warnings = answer.delivery, warned.get(answer.claim, ())
        if warnings and whom(now[answer.claim.account]) != whom(given.contacts):
            found[answer.claim] = unheard(now[answer.claim.account], given.mails.values(), warnings)
    return found


def _warnings(answer: Answer) -> Sequence[f.Warning]:
    fact = answer.delivery.fact
    return fact.each(f.Warning) if isinstance(fact, f.Noticed) else ()
