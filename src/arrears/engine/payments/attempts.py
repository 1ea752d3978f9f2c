"""Driving attempts to their end: ask the provider, look up what is unknown, record what it says.

No call is made inside a transaction. Every function may be repeated, by anybody, at any time: the attempt's key is
stored before the first call, and an outcome of an attempt that is over changes nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from arrears.core import facts as f
from arrears.core.account import Attempt, DoubtKind
from arrears.core.errors import Refused
from arrears.core.payments.settlement import moves_with
from arrears.core.payments.values import (
    OPEN_STATES,
    REQUEST_REFUSED,
    AttemptCanceled,
    AttemptState,
    Charge,
    Codes,
    Declined,
    HostedPage,
    Initiator,
    NeedsCustomer,
    NotFound,
    Outcome,
    Paid,
    Processing,
    Unknown,
)
from arrears.core.unit import Unit
from arrears.core.view import View
from arrears.engine.acting import acting_on, local_today
from arrears.engine.booking import Payment, book
from arrears.engine.doubting import end_doubt, note_refused
from arrears.engine.failpoints import reached
from arrears.engine.payments.copies import WHOSE, methods_before
from arrears.engine.payments.providers import Providers, provider_of
from arrears.engine.payments.requests import note_denied, taken_up
from arrears.engine.payments.said_before import make_way
from arrears.engine.payments.tries import record_tries
from arrears.engine.payments.wanted import not_to_be_charged, still_owed
from arrears.ports import AccountsAndMoney, AccountViews, MethodRecord, MoneyBook
from arrears.ports.payments import MethodAndTries

NONE_FOUND_AFTER: Final = timedelta(hours=24)
"""When "the provider has nothing of ours" is proof. Commits that appear late have been seen after minutes; and a
provider may forget a key after 24 hours, so that the same request would then be a new charge (reliability.md, F7, F9).
Until then the same key is asked again, which cannot charge twice; from then on nothing is ever asked with it."""


REFUSED: Final = "refused"
"""How the reason of an unknown outcome begins that staff must look at: see `actions.tasks_of`."""


UNREAD: Final = ("provider_unreachable", "provider_denied")
"""A provider that says nothing, or nothing to us. Nobody's attempt is at fault."""


PAGE_MINUTES: Final = 30
"""How long a payment page stays open: the shortest that the provider knows (it is ended by us when the set changes)."""


PAGE_OVER_AFTER: Final = timedelta(hours=1)
"""When a page of which nothing more was heard is ended by us, so that its invoices are not held up by it."""


CHALLENGES_MAX: Final = 2
"""Spec, section 4, point 6: so many challenges of one case count as in flight."""


def attempt_ref(account: int, attempt: int) -> str:
    """Our own reference of an attempt, stored at the provider as metadata and never used again."""
    return f"att_{account}_{attempt}"


def payment_ref(provider: str, ref: str) -> str:
    """How a provider's payment is named in our book: once, whatever reports it."""
    return f"{provider}:{ref}"


def pursue(
    store: AccountsAndMoney, providers: Providers, account: int, attempt_no: int, now: datetime
) -> Attempt | None:
    """Bring one attempt as far as it can be brought now; what is still open of it, or None when it is over."""
    view, by = store.seen_to_charge(account, attempt_no, now)
    assert view is not None, f"there is no account {account}"
    attempt = view.account.attempt(attempt_no)
    if attempt is None:
        return None
    if attempt.on_page:
        if now - attempt.created_at >= PAGE_OVER_AFTER or not still_owed(view.account, attempt):
            _end_or_tell(store, providers, account, attempt, now)
        return store.snapshots([account])[account].attempt(attempt_no)
    try:
        provider, outcome = _ask(store, providers, view, attempt, by, now)
    except Refused as refused:
        provider, outcome = f.ARREARS, _not_known(refused)
        note_denied(store, providers, account, attempt, refused, now)
    try:
        return record_outcome(store, provider, account, attempt_no, outcome, now)
    except Refused as refused:
        # Our book contradicts the provider's, as when it holds this payment for somebody else: a person must look.
        return record_outcome(store, f.ARREARS, account, attempt_no, Unknown(f"{REFUSED}: {refused.message}"), now)


def _seen(store: AccountViews, account: int, now: datetime) -> View:
    view = store.seen(account, now)
    assert view is not None, f"there is no account {account}"
    return view


def _not_known(refused: Refused) -> Unknown:
    """Our own mistake, or a provider that is no longer set up: nothing happened now, but who knows what did before. A
    key that is not accepted, or a provider that does not answer, is said once for the installation, by the sweep."""
    whole = refused.code in UNREAD
    return Unknown(refused.message if whole else f"{REFUSED}: {refused.message}")


def ask_page(store: AccountsAndMoney, providers: Providers, account: int, attempt_no: int, now: datetime) -> None:
    """Ask the provider whether an attempt on its page is over, for a payer who came back before its webhook did."""
    attempt = store.snapshots([account])[account].attempt(attempt_no)
    if attempt is None or not attempt.on_page or not attempt.ref:
        return
    name = provider_of(store, providers.default, account, attempt)
    outcome = providers.of(name).look_up(attempt_ref(account, attempt.no), "", attempt.ref, attempt.created_at)
    if isinstance(outcome, Paid | AttemptCanceled):
        record_outcome(store, name, account, attempt_no, outcome, now)
    tried = providers.of(name).tried_on(attempt.ref)
    if tried is not None:
        record_tries(store, name, tried._replace(account=account), attempt_no, now)


def reopen_page(
    store: AccountsAndMoney, providers: Providers, account: int, attempt: Attempt, now: datetime
) -> HostedPage:
    """The page of an attempt on the provider's page; asked again with the same key it is the same page."""
    name = provider_of(store, providers.default, account, attempt)
    known = store.invoices(account)
    charge = Charge(
        attempt=attempt_ref(account, attempt.no),
        key=attempt.key,
        customer_ref="",
        method_ref="",
        amount_minor=attempt.amount_minor,
        currency=attempt.currency,
        off_session=False,
        return_url=providers.return_url(account, attempt.no),
        description=", ".join(known[part.debt].number for part in attempt.parts)[:200],
    )
    reached("attempt.before_call")
    # The payer's browser says which language: everything that is sent must be the same when it is sent again.
    page = providers.of(name).open_payment(charge, attempt.created_at + timedelta(minutes=PAGE_MINUTES), "auto")
    reached("attempt.after_call")
    with acting_on(store, account, now) as unit:
        left = unit.account.attempt(attempt.no)
        if left is not None:
            _move(unit, left, AttemptState.SUBMITTED, f"provider:{name}", page.ref)
    return page


def end_page(store: AccountsAndMoney, providers: Providers, account: int, attempt: Attempt, now: datetime) -> Outcome:
    """End an attempt on the provider's page and record what that proves.

    Of one whose page was never learnt (its opener died) the page is asked for again with the same key, so that it can
    be ended. A page that cannot be opened any more was not opened before either, or is long over.
    """
    name = provider_of(store, providers.default, account, attempt)
    ref = attempt.ref
    outcome: Outcome = AttemptCanceled("", reached_network=False)
    if not ref and now - attempt.created_at < NONE_FOUND_AFTER:
        try:
            ref = reopen_page(store, providers, account, attempt, now).ref
        except Refused as refused:
            if refused.code != "provider_refused":
                raise
    if ref:
        outcome = providers.of(name).expire_payment(ref, f"{attempt.key}-end")
    if isinstance(outcome, NotFound):
        # Another account of the provider's, perhaps, where somebody may pay on it until the page is over by itself.
        why = f"{name} does not know this payment page; a day after it was opened it is over"
        outcome = Unknown(f"{REFUSED}: {why}", ref)
        if now - attempt.created_at >= NONE_FOUND_AFTER:
            outcome = AttemptCanceled(ref, reached_network=False)
    record_outcome(store, name, account, attempt.no, outcome, now)
    return outcome


def _end_or_tell(store: AccountsAndMoney, providers: Providers, account: int, attempt: Attempt, now: datetime) -> None:
    """End a page. At a provider that is no longer set up, or refuses, it may still be paid on: then nobody knows, and
    staff look. One that does not answer is asked again."""
    try:
        end_page(store, providers, account, attempt, now)
    except Refused as refused:
        if refused.code not in UNREAD:
            record_outcome(store, f.ARREARS, account, attempt.no, _not_known(refused), now)


def _ask(
    store: AccountsAndMoney,
    providers: Providers,
    view: View,
    attempt: Attempt,
    by: MethodAndTries | None,
    now: datetime,
) -> tuple[str, Outcome]:
    account, reference = view.account.no, attempt_ref(view.account.no, attempt.no)
    if by is None:
        # It was paid on the provider's page: nothing is asked for, only what has become of it.
        name = provider_of(store, providers.default, account, attempt)
        return name, providers.of(name).look_up(reference, "", attempt.ref, attempt.created_at)
    method, elsewhere = by
    processor = providers.of(method.at_provider)
    fresh = now - attempt.created_at < NONE_FOUND_AFTER
    elsewhere_too = ""
    if fresh and providers.billing is not None:
        elsewhere_too = providers.billing.before_charge(account, now)
        view = _seen(store, account, now)
    stop = not_to_be_charged(view, attempt, elsewhere, now)
    if elsewhere_too and stop is None:
        stop = Unknown(elsewhere_too)
    if attempt.method in methods_before(store, account, view.guards.copied_at):
        return method.at_provider, AttemptCanceled("", reached_network=False, why=f"this payment method {WHOSE}")
    charge = _charge(account, attempt, method, providers.return_url(account, attempt.no))
    if attempt.state is not AttemptState.CREATED or not fresh or stop is not None:
        # Somebody may have asked already and died before the answer was recorded.
        reached("attempt.before_look_up")
        found = processor.look_up(reference, method.customer_ref, attempt.ref, attempt.created_at)
        reached("attempt.after_look_up")
        if not isinstance(found, NotFound):
            return method.at_provider, found
        if not fresh:
            return method.at_provider, AttemptCanceled("", reached_network=False)
        if stop is not None:
            proven = isinstance(stop, Unknown) and processor.use_up(charge)
            return method.at_provider, AttemptCanceled("", reached_network=False) if proven else stop
    reached("attempt.before_call")
    outcome = processor.charge(charge)
    reached("attempt.after_call")
    return method.at_provider, outcome


def _charge(account: int, attempt: Attempt, method: MethodRecord, return_url: str) -> Charge:
    return Charge(
        attempt=attempt_ref(account, attempt.no),
        key=attempt.key,
        customer_ref=method.customer_ref,
        method_ref=method.ref,
        amount_minor=attempt.amount_minor,
        currency=attempt.currency,
        off_session=attempt.by is Initiator.MERCHANT,
        return_url=return_url,
        description=f"account {account}",
    )


def record_outcome(
    store: AccountsAndMoney,
    provider: str,
    account: int,
    attempt_no: int,
    outcome: Outcome,
    now: datetime,
    author: str = "",
) -> Attempt | None:
    """Record what the provider said of an attempt, with everything that follows, in one transaction: the money, the
    method, the lifted causes and the resume orders. Of an attempt that is over, only money that was not booked yet.
    What is still open of it afterwards is answered."""
    author = author or f"provider:{provider}"
    with acting_on(store, account, now) as unit:
        attempt = unit.account.attempt(attempt_no)
        if attempt is None:
            if isinstance(outcome, Paid):
                _late_money(store, unit, provider, outcome, author)
        else:
            if isinstance(outcome, Paid):
                make_way(store, unit, attempt, outcome)
            _record(unit, provider, attempt, outcome, author)
            if taken_up(attempt, outcome):
                end_doubt(store, unit, DoubtKind.REQUEST, attempt.currency, author)
    return unit.account.attempt(attempt_no)


def record_foreign(store: AccountsAndMoney, provider: str, account: int, outcome: Outcome, now: datetime) -> None:
    """Record what a provider says of an attempt that was made at another one: money of it is money that arrived, and
    nothing else that it says is proof of anything."""
    if isinstance(outcome, Paid):
        with acting_on(store, account, now) as unit:
            _late_money(store, unit, provider, outcome, f"provider:{provider}")


def _record(unit: Unit, provider: str, attempt: Attempt, outcome: Outcome, author: str) -> None:
    match outcome:
        case Paid():
            _paid(unit, provider, attempt, outcome, author)
        case Declined():
            reached_network = bool(outcome.ref) or outcome.codes.decline != "expired"
            _move(unit, attempt, AttemptState.DECLINED, author, outcome.ref, outcome.codes, reached_network)
            _past_due_by_decline(unit, attempt, author)
        case NeedsCustomer():
            _needs_customer(unit, attempt, outcome, author)
        case Processing():
            _move(unit, attempt, AttemptState.SUBMITTED, author, outcome.ref, under_way=attempt.on_page)
        case AttemptCanceled(ref=ref, why="", reached_network=reached, codes=codes):
            _move(unit, attempt, AttemptState.CANCELED, author, ref, codes, reached)
        case AttemptCanceled(ref=ref, why=why):
            codes = Codes(decline=REQUEST_REFUSED)
            _move(unit, attempt, AttemptState.CANCELED, author, ref, codes, reached=False, why=f"{REFUSED}: {why}")
            note_refused(unit, attempt.currency, author, why)
        case Unknown() | NotFound():
            why = outcome.why if isinstance(outcome, Unknown) else "the provider has nothing yet"
            _move(unit, attempt, AttemptState.UNKNOWN, author, why=why)


def _move(
    unit: Unit,
    attempt: Attempt,
    to: AttemptState,
    author: str,
    ref: str = "",
    codes: Codes = Codes(),  # noqa: B008 - frozen
    reached: bool = True,
    *,
    counts: bool = False,
    why: str = "",
    tell: bool = False,
    under_way: bool = False,
) -> None:
    """Say it once: a state that was recorded before is not recorded again."""
    if to in OPEN_STATES and (to, ref or attempt.ref) == (attempt.state, attempt.ref) and not under_way:
        return
    unit.record(
        f.AttemptMoved(
            attempt=attempt.no,
            to=to,
            ref=ref,
            codes=codes,
            reached_network=reached,
            counts=counts,
            why=why[:300],
            tell=tell,
            under_way=under_way,
        ),
        author,
    )


def _paid(unit: Unit, provider: str, attempt: Attempt, outcome: Paid, author: str) -> None:
    _move(unit, attempt, AttemptState.PAID, author, outcome.ref, outcome.codes)
    debts = tuple(part.debt for part in attempt.parts)
    ref = payment_ref(provider, outcome.ref)
    open_minor = sum(d.open_minor for d in unit.account.debts if d.no in debts)
    too_much = outcome.amount_minor > open_minor
    book(unit, Payment(unit.no, ref, outcome.currency, outcome.amount_minor, debts, unasked=too_much), author)
    if attempt.method and not outcome.durable:
        unit.record(f.MethodSpent(method=attempt.method), author)
    elif attempt.activates:
        moved = moves_with(unit.account, attempt.method)
        if moved:
            unit.record(f.MethodActivated(method=attempt.method, subscriptions=moved), author)
    reached("attempt.before_resume")


def _past_due_by_decline(unit: Unit, attempt: Attempt, author: str) -> None:
    """A charge of ours that was definitively refused makes its debts past due that day. What a customer tried of
    himself before the due date does not."""
    fresh = _fresh(unit, attempt)
    if fresh:
        unit.record(f.ChargeDeclined(debts=fresh, on=local_today(unit)), author)


def _fresh(unit: Unit, attempt: Attempt) -> tuple[int, ...]:
    """The debts that are past due from now on, because a charge of ours for them was refused."""
    if attempt.by is not Initiator.MERCHANT:
        return ()
    return tuple(
        part.debt
        for part in attempt.parts
        if (debt := unit.account.debt(part.debt)) is not None and debt.day_0 is None and debt.past_due_from is None
    )


def _needs_customer(unit: Unit, attempt: Attempt, outcome: NeedsCustomer, author: str) -> None:
    case = unit.account.case
    on_session = attempt.by is Initiator.CUSTOMER
    counts = on_session and (case is None or case.challenges < CHALLENGES_MAX)
    # What is past due only by this is told by its first reminder.
    tell = not on_session and not _fresh(unit, attempt)
    _move(unit, attempt, AttemptState.NEEDS_CUSTOMER, author, outcome.ref, counts=counts, tell=tell)
    _past_due_by_decline(unit, attempt, author)


def _late_money(store: MoneyBook, unit: Unit, provider: str, outcome: Paid, author: str) -> None:
    """Money for an attempt that was over, as on a page that had been replaced: it becomes account credit, which pays
    whatever is still open, and the rest is offered back."""
    ref = payment_ref(provider, outcome.ref)
    if store.payment(ref) is None:
        book(unit, Payment(unit.no, ref, outcome.currency, outcome.amount_minor, unasked=True), author)
