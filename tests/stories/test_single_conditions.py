"""Conditions on the paths of money, each as what happens by it: from where a sweep reads, what a payer may still
confirm, what is met of others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace
from tests.stories.bank import ADMIN, Banked
from tests.stories.story import API, PRICE

from arrears.core import facts as f
from arrears.core.account import DoubtKind
from arrears.core.errors import Refused
from arrears.core.payments.limits import AmountLimits
from arrears.core.payments.provider_time import FIRST, LASTING, OVERLAP
from arrears.core.payments.settlement import quotes
from arrears.core.payments.values import (
    AttemptChange,
    AttemptState,
    CardsTried,
    CardTry,
    Change,
    Codes,
    DisputeChange,
    DisputeState,
    ForeignChange,
    MethodDetails,
    MethodKind,
    NeedsCustomer,
    Network,
    NotFound,
    Paid,
    RefundChange,
    RefundState,
    SetupChange,
    Unknown,
)
from arrears.core.states import State
from arrears.core.view import View
from arrears.engine import commands
from arrears.engine.payments import methods, refunds, settling, sweep
from arrears.engine.payments.becoming import become_another
from arrears.engine.payments.canceling import cancel, cancel_open_attempts
from arrears.engine.payments.providers import Providers
from arrears.engine.payments.recording import Recording, record_change
from arrears.engine.payments.tries import record_tries
from arrears.engine.payments.wanted import may_confirm, not_to_be_charged, waits_for_nothing

# -- from where a provider is read -------------------------------------------------------------------------------


@pytest.mark.parametrize("used", ["", "under way", "paid"])
@pytest.mark.parametrize(
    ("read_days_ago", "back"),
    [(None, FIRST), (40, timedelta(days=40)), (1, timedelta(days=1)), (0, timedelta(0)), (-1, timedelta(0))],
)
def test_what_may_have_ended_unheard_is_read_itself_where_anything_of_ours_may_be_there(
    read_days_ago: int | None, back: timedelta, used: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = Banked()
    if used == "under way":
        story.until(1)
        story.open_page()
    elif used:
        story.card()
        story.until(2)
        assert not story.account.attempts
    story.stage.now += timedelta(days=60)
    read: list[datetime] = []

    def changes_since(since: datetime) -> Iterator[Change]:
        read.append(since)
        return iter(())

    monkeypatch.setattr(story.bank, "changes_since", changes_since)
    if read_days_ago is not None:
        at = story.now - timedelta(days=read_days_ago)
        story.store.set_swept("bank", at, at)
    sweep.sweep(story.store, story.providers, story.now)
    unread = bool(used) if read_days_ago is None else read_days_ago == 40
    assert read == [story.now - back - OVERLAP - (LASTING if unread else timedelta())]


def test_a_provider_that_was_just_read_is_not_read_further_back_because_it_has_had_nothing_new(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    story = Banked()
    story.stage.now += timedelta(days=60)
    read: list[datetime] = []

    def changes_since(since: datetime) -> Iterator[Change]:
        read.append(since)
        return iter(())

    monkeypatch.setattr(story.bank, "changes_since", changes_since)
    cursor = story.now - timedelta(days=40)
    story.store.set_swept("bank", story.now - timedelta(hours=1), cursor)
    sweep.sweep(story.store, story.providers, story.now)
    assert read == [cursor - OVERLAP]


def test_that_a_provider_cannot_be_read_is_recorded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    story = Banked()
    sweep.sweep(story.store, story.providers, story.now)

    def away(since: datetime) -> Iterator[Change]:
        raise Refused("provider_unreachable", "the bank does not answer")

    monkeypatch.setattr(story.bank, "changes_since", away)
    sweep.sweep(story.store, story.providers, story.now + timedelta(hours=7))
    assert story.store.system().feed_stale
    before = story.store.digest()
    sweep.sweep(story.store, story.providers, story.now + timedelta(hours=8))
    assert story.store.digest() == before


def test_what_cannot_be_recorded_is_read_again_for_some_hours_and_then_no_more() -> None:
    story = Banked()
    story.card()
    story.until(2)
    [taken] = story.bank.taken
    sweep.sweep(story.store, story.providers, story.now)
    read_at = story.now
    odd = RefundChange(taken, "r1", "", RefundState.DONE, 100, "USD")
    story.bank.changes_since = lambda since: iter((odd,))  # type: ignore[method-assign]
    for hours, until in ((1, read_at), (2, read_at), (5, read_at), (7, read_at + timedelta(hours=7)), (8, None)):
        sweep.sweep(story.store, story.providers, read_at + timedelta(hours=hours))
        assert story.store.swept_until("bank") == (until or read_at + timedelta(hours=7))
    assert [doubt.ref for doubt in story.account.doubts] == ["bank:r1"]


# -- what may still be confirmed, and what waits for nothing -----------------------------------------------------


def waiting() -> Banked:
    """The bank has asked the payer about a charge of what is owed."""
    story = Banked()
    story.until(1)
    story.card("approve")
    story.bank.silent = True
    assert story.settle(1) == ["unknown"]
    return story


def test_a_payer_may_confirm_what_waits_for_that_as_long_as_it_is_owed_or_asked_for_again() -> None:
    story = waiting()
    [record] = story.store.attempts(story.no)
    account = story.account
    asks = record._replace(state=AttemptState.NEEDS_CUSTOMER)
    assert may_confirm(account, asks, ())
    assert not may_confirm(account, record, ()), "the bank has asked nothing"
    assert not may_confirm(account, asks._replace(on_page=True), ()), "that is the page's"
    over = replace(account, attempts=())
    [owed] = quotes(View(story.store.policies(), over, story.store.system().guards, story.now))
    assert may_confirm(over, asks, [owed]), "the whole of it is charged once more"
    assert not may_confirm(over, asks, ())
    assert not may_confirm(over, asks, [owed._replace(amount_minor=PRICE - 1)])
    assert not may_confirm(over, asks, [owed._replace(currency="USD")])
    paid = replace(account, debts=())
    assert not may_confirm(paid, asks, ())


def test_only_of_what_waits_for_its_payer_the_provider_is_asked_where_that_is_confirmed() -> None:
    story = waiting()
    asked: list[str] = []

    def look_up(attempt: str, *_: object) -> NeedsCustomer:
        asked.append(attempt)
        return NeedsCustomer("p1", "https://bank.example/confirm", story.now)

    story.bank.look_up = look_up  # type: ignore[method-assign]
    [record] = story.store.attempts(story.no)
    asks = record._replace(state=AttemptState.NEEDS_CUSTOMER)
    others = (record, asks._replace(on_page=True, method=0), record._replace(state=AttemptState.PAID))
    assert [settling.confirm_at(story.store, story.providers, story.no, one) for one in others] == [""] * 3
    assert asked == []
    assert settling.confirm_at(story.store, story.providers, story.no, asks) == "https://bank.example/confirm"


def test_only_what_waits_for_a_payer_who_owes_it_no_more_waits_for_nothing() -> None:
    account = waiting().account
    [attempt] = account.attempts
    paid = replace(account, debts=())
    asks, page = replace(attempt, state=AttemptState.NEEDS_CUSTOMER), replace(attempt, on_page=True)
    assert [waits_for_nothing(account, one) for one in (attempt, asks, page)] == [False, False, False]
    assert [waits_for_nothing(paid, one) for one in (attempt, asks, page)] == [False, True, True]
    part = replace(account, debts=(replace(account.debts[0], open_minor=PRICE - 1),))
    assert waits_for_nothing(part, asks)


@pytest.mark.parametrize("doubted", [True, False])
@pytest.mark.parametrize(
    ("state", "minutes", "left"),
    [
        (AttemptState.CREATED, 0, False),
        (AttemptState.CREATED, 9, False),
        (AttemptState.CREATED, 10, True),
        (AttemptState.UNKNOWN, 0, True),
    ],
)
def test_what_nobody_waits_for_any_more_is_charged_only_while_nothing_else_is_in_doubt(
    state: AttemptState, minutes: int, left: bool, doubted: bool
) -> None:
    story = waiting()
    if doubted:
        story.doubt(DoubtKind.FEED)
    attempt = replace(story.account.attempts[0], state=state)
    at = attempt.created_at + timedelta(minutes=minutes)
    seen = View(story.store.policies(), story.account, story.store.system().guards, at)
    found = not_to_be_charged(seen, attempt, (), at)
    assert isinstance(found, Unknown) is (left and doubted)
    story.clear(DoubtKind.ATTEMPT)
    paid = View(seen.policies, replace(story.account, debts=()), seen.guards, at)
    assert isinstance(not_to_be_charged(paid, attempt, (), at), Unknown), "it is owed no more"


# -- what nobody's account has tried -----------------------------------------------------------------------------


def test_a_try_of_an_account_that_is_not_there_is_left_and_one_of_ours_recorded_once() -> None:
    story = Banked()
    one = CardTry(
        ref="t1", at=story.now, fingerprint="print", codes=Codes("generic", "05"), amount_minor=1, currency="EUR"
    )
    for account in (99, story.no):
        record_tries(story.store, "bank", CardsTried("p1", account, "", (one,)), 0, story.now)
    record_tries(story.store, "bank", CardsTried("p1", story.no, "", (one, replace(one, ref="t2"))), 0, story.now)
    assert [fact.tried.ref for _, fact in story.facts(f.CardTried)] == ["t1", "t2"]


# -- what is known by its name only ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (AttemptChange("att_99_1", Paid("p1", 1, "EUR", datetime(2026, 1, 1, tzinfo=UTC)), certain=False), "p1"),
        (AttemptChange("att_99_1", NotFound(), certain=False), "att_99_1"),
        (AttemptChange("att_99_1", Unknown("nobody knows", ""), certain=False), "att_99_1"),
        (ForeignChange("p2", "ins_other"), "p2"),
    ],
)
def test_what_is_none_of_ours_is_met_under_the_providers_name_of_it_or_else_the_attempts(
    change: AttemptChange | ForeignChange, name: str
) -> None:
    story = Banked()
    assert record_change(story.store, story.providers, "bank", change, story.now) is Recording.FOREIGN
    assert {*story.inner.foreign} == {("bank", name)}


# -- a sum that is taken in several goes -------------------------------------------------------------------------


@pytest.mark.parametrize(("card", "states"), [("approve", ["paid"] * 3), ("empty", ["declined"])])
def test_what_is_more_than_is_taken_at_once_goes_on_only_after_what_was_paid(card: str, states: list[str]) -> None:
    story = Banked()
    story.until(1)
    story.bank.limits = lambda: {"EUR": AmountLimits(50, 5_000)}  # type: ignore[method-assign]
    sweep.note_limits(story.store, story.providers, story.now)
    assert story.settle(story.card(card)) == states
    assert [a.amount_minor for a in story.store.attempts(story.no)] == [5_000, 5_000, 2_000][: len(states)]
    assert all(fact.in_part for _, fact in story.facts(f.AttemptCreated)), "of something larger"
    story.agrees()


def test_what_is_told_of_an_account_that_is_not_there_is_done_with() -> None:
    story = Banked()
    assert record_change(story.store, story.providers, "bank", SetupChange("s1", 99), story.now) is Recording.RECORDED


def test_a_doubt_about_what_was_told_ends_when_it_is_recorded_after_all() -> None:
    story = Banked()
    story.card()
    story.until(2)
    [taken] = story.bank.taken
    odd = RefundChange(taken, "r1", "", RefundState.DONE, 100, "USD")
    assert record_change(story.store, story.providers, "bank", odd, story.now) is Recording.NEWLY_ASIDE
    assert record_change(story.store, story.providers, "bank", odd, story.now) is Recording.ASIDE
    assert [doubt.ref for doubt in story.account.doubts] == ["bank:r1"]
    told = odd._replace(currency="EUR")
    assert record_change(story.store, story.providers, "bank", told, story.now) is Recording.RECORDED
    assert story.account.doubts == ()


def test_a_page_that_was_paid_on_and_waits_for_nobody_is_ended_as_a_page() -> None:
    story = Banked()
    story.until(1)
    story.open_page()
    [attempt] = story.account.attempts
    cancel(story.store, story.providers, story.no, replace(attempt, on_page=False), story.now)
    assert [one.state for one in story.store.attempts(story.no)] == ["canceled"]


def test_a_copy_asks_for_no_refund_that_the_original_has_begun() -> None:
    story = Banked()
    story.card()
    story.until(2)
    [taken] = story.bank.taken
    story.bank.silent = True
    answer = refunds.refund(story.store, story.providers, f"bank:{taken}", 100, story.now, "staff:1", "x", "r1")
    assert answer.state is RefundState.UNKNOWN
    become_another(story.store, story.now, "staff:7", "a copy")
    with pytest.raises(Refused) as refused:
        refunds.pursue(story.store, story.providers, story.no, 1, story.now)
    assert refused.value.code == "not_ours"
    before = story.history()
    with pytest.raises(Refused) as refused:
        refunds.refund(story.store, story.providers, f"bank:{taken}", 100, story.now, "staff:1", "x", "r2")
    assert (refused.value.code, story.history()) == ("not_ours", before)


def test_the_provider_that_opens_pages_is_one_of_those_that_are_set_up() -> None:
    bank = Banked(bill=False).bank
    assert (Providers({}).default, Providers({"bank": bank}).default) == ("", "bank")
    assert Providers({"bank": bank, "till": bank}, default="till").default == "till"
    for by_name, default in (({"bank": bank}, "till"), ({"bank": bank, "till": bank}, "")):
        with pytest.raises(AssertionError):
            Providers(by_name, default=default)


def test_what_somebody_may_still_be_driving_is_not_asked_about_for_two_minutes() -> None:
    story = waiting()
    story.bank.silent = False
    for after, state in ((timedelta(seconds=119), "unknown"), (timedelta(minutes=2), "paid")):
        sweep.look_up_open(story.store, story.providers, story.now + after)
        assert [attempt.state for attempt in story.store.attempts(story.no)] == [state]


def test_only_what_a_provider_has_taken_can_be_given_back_there() -> None:
    story = Banked()
    story.pay()
    for payment in ("bank:nothing", "P1", "nothing"):
        with pytest.raises(Refused) as refused:
            refunds.refund(story.store, story.providers, payment, 100, story.now, "staff:1", "x", "r1")
        assert refused.value.code == "unknown_payment"


# -- methods -----------------------------------------------------------------------------------------------------


def test_a_payer_is_the_customer_that_the_provider_knows_by_the_newest_method_there() -> None:
    story = Banked(bill=False)
    assert methods.customer_of(story.store, story.no, "bank") == ""
    for at_provider, customer in (("bank", "old"), ("bank", "new"), ("till", "other")):
        details = MethodDetails(customer, customer, MethodKind.CARD, Network.UNKNOWN, customer, customer)
        methods.add(story.store, story.providers, story.no, at_provider, details, story.now, ADMIN)
    assert methods.customer_of(story.store, story.no, "bank") == "new"
    assert methods.customer_of(story.store, story.no, "till") == "other"


def test_what_pays_already_is_made_active_by_nothing_new() -> None:
    story = Banked(bill=False)
    first, second = story.card("one"), story.card("two", active=False)
    commands.add_subscription(story.store, story.no, "mail", story.now, API)
    assert [sub.method for sub in story.account.subscriptions] == [first, first]
    story.cancel(2)
    before = story.history()
    methods.activate(story.store, story.no, first, story.now, ADMIN)
    methods.activate(story.store, story.no, first, story.now, ADMIN, (1,))
    assert story.history() == before
    methods.activate(story.store, story.no, second, story.now, ADMIN, (1,))
    assert [sub.method for sub in story.account.subscriptions] == [second, first]
    methods.activate(story.store, story.no, second, story.now, ADMIN)
    assert story.facts(f.MethodActivated)[-1][1].subscriptions == (2,)
    assert story.account.default_method == second


def test_a_copy_forgets_nothing_at_the_provider_that_was_there_when_it_was_made() -> None:
    story = Banked(bill=False)
    first = story.card("one", active=False)
    become_another(story.store, story.now, "staff:7", "a copy")
    story.stage.now += timedelta(seconds=1)
    second = story.card("two", active=False)
    for number in (first, second):
        methods.remove(story.store, story.providers, story.no, number, story.now, ADMIN)
    assert story.bank.forgotten == {"two"}


def test_a_card_that_nothing_needs_becomes_the_one_for_what_comes_later_only_where_there_is_none() -> None:
    story = Banked(bill=False)
    first, second = story.card("one", active=False), story.card("two", active=False)
    for number in (first, second):
        methods.activate_where_needed(story.store, story.no, number, story.now, ADMIN)
    assert (story.account.default_method, story.sub().method) == (first, first)
    assert len(story.facts(f.MethodActivated)) == 1
    none_needs_it = Banked(bill=False)
    none_needs_it.cancel()
    none_needs_it.until(200)
    assert none_needs_it.sub().state is State.DELETED
    number = none_needs_it.card(active=False)
    methods.activate_where_needed(none_needs_it.store, none_needs_it.no, number, none_needs_it.now, ADMIN)
    assert none_needs_it.account.default_method == number


def test_nothing_is_done_with_a_method_that_was_removed() -> None:
    story = Banked(bill=False)
    number = story.card(active=False)
    story.bank.renewed_until = story.date(400)
    methods.remove(story.store, story.providers, story.no, number, story.now, ADMIN)
    before = story.history()
    acts: list[Callable[[], object]] = [
        lambda: methods.renew(story.store, story.providers, story.no, number, 12, 2027, story.now, ADMIN),
        lambda: methods.activate(story.store, story.no, number, story.now, ADMIN),
        lambda: methods.activate_where_needed(story.store, story.no, number, story.now, ADMIN),
        lambda: methods.remove(story.store, story.providers, story.no, number, story.now, ADMIN),
    ]
    for act in acts:
        with pytest.raises(Refused) as refused:
            act()
        assert refused.value.code == "unknown_method"
    assert story.history() == before


def test_methods_of_other_fingerprints_or_none_are_other_cards() -> None:
    story = Banked(bill=False)
    for number, fingerprint in enumerate(("one", "two", "", ""), 1):
        details = MethodDetails(f"m{number}", "customer", MethodKind.CARD, Network.UNKNOWN, fingerprint, "Card")
        methods.add(story.store, story.providers, story.no, "bank", details, story.now, ADMIN)
    assert [method.credential for method in story.account.methods] == [1, 2, 3, 4]


def test_an_account_that_is_not_there_has_nothing_to_end_or_to_settle() -> None:
    story = Banked()
    cancel_open_attempts(story.store, story.providers, 99, "EUR", "", (), story.now)
    with pytest.raises(Refused) as refused:
        settling.settle(story.store, story.providers, 99, {"EUR": "x"}, 1, lambda: story.now, ADMIN)
    assert refused.value.code == "unknown_account"


def test_what_is_unknown_and_still_owed_is_not_asked_of_the_provider_by_whoever_wants_to_pay_otherwise() -> None:
    story = waiting()
    other = story.card("other", active=False)
    story.bank.look_up = lambda *_: pytest.fail("nobody asked")  # type: ignore[method-assign]
    with pytest.raises(Refused) as refused:
        story.settle(other)
    assert refused.value.code == "attempt_in_flight"


def test_a_copy_sets_up_no_card_for_the_customer_of_the_original() -> None:
    story = Banked(bill=False)
    story.card(active=False)
    assert methods.customer_of(story.store, story.no, "bank") == "customer"
    become_another(story.store, story.now, "staff:7", "a copy")
    assert methods.customer_of(story.store, story.no, "bank") == ""


# -- what a payer is told of a payment ---------------------------------------------------------------------------


@pytest.mark.parametrize(("minor", "told"), [(PRICE, ""), (PRICE + 1, "credit")])
def test_what_was_paid_in_time_is_told_only_where_it_was_more_than_was_owed(minor: int, told: str) -> None:
    story = Banked(bill=False)
    card = story.card()
    story.bill(10)
    story.bill(11, 5_000)
    story.bank.silent = True
    assert story.settle(card, also=(1,)) == ["unknown"]
    [(attempt, paid)] = story.bank.said.items()
    assert isinstance(paid, Paid)
    story.bank.silent = False
    story.hear(AttemptChange(attempt, paid._replace(amount_minor=minor)))
    assert [fact.tell for _, fact in story.facts(f.PaymentBooked)] == [told]


# -- an installation that becomes another ------------------------------------------------------------------------


def test_what_was_under_way_is_ended_by_whoever_says_that_this_is_a_copy() -> None:
    story = Banked()
    story.until(1)
    story.open_page()
    become_another(story.store, story.now, "staff:7", "a copy")
    ended = [recorded for recorded in story.history() if isinstance(recorded.fact, f.AttemptMoved)]
    assert [(recorded.author, recorded.fact.to) for recorded in ended][1:] == [("staff:7", AttemptState.CANCELED)]


@pytest.mark.parametrize(("by", "past_due", "told"), [("us", False, False), ("us", True, True), ("payer", True, False)])
def test_a_payer_who_must_confirm_is_told_at_once_only_where_no_reminder_will_say_it(
    by: str, past_due: bool, told: bool
) -> None:
    story = Banked()
    card = story.card("approve", active=not past_due)
    if past_due:
        story.until(0)
        methods.activate_where_needed(story.store, story.no, card, story.now, ADMIN)
    story.bank.charge = lambda asked: NeedsCustomer(f"p-{asked.attempt}", "", story.now)  # type: ignore[method-assign]
    if by == "us":
        story.until(2)
    else:
        assert story.settle(card) == ["needs_customer"]
    moved = [fact for _, fact in story.facts(f.AttemptMoved) if fact.to is AttemptState.NEEDS_CUSTOMER]
    assert [fact.tell for fact in moved][:1] == [told]
    assert [fact.counts for fact in moved][:1] == [by == "payer"], "a challenge of ours keeps nobody waiting"


@pytest.mark.parametrize(("day", "hour", "state"), [(0, "18:30", "canceled"), (1, "10:00", "declined")])
def test_a_charge_of_which_the_provider_has_nothing_ends_as_the_rule_says_that_forbids_it_now(
    day: int, hour: str, state: str
) -> None:
    story = Banked()
    story.until(0, "18:00")
    details = MethodDetails("one", "customer", MethodKind.CARD, Network.VISA, "p", "Card", expires_on=story.date(0))
    card = methods.add(story.store, story.providers, story.no, "bank", details, story.now, ADMIN)
    story.bank.charge = lambda asked: Unknown("the line was cut")  # type: ignore[method-assign]
    story.bank.use_up = lambda asked: True  # type: ignore[method-assign]
    assert story.settle(card) == ["unknown"]
    if state == "canceled":
        story.pay()  # owed no more, and no rule forbids it
    sweep.look_up_open(story.store, story.providers, story.instant(day, hour))
    assert [attempt.state for attempt in story.store.attempts(story.no)] == [state]


def test_what_is_past_due_already_is_made_so_by_no_decline() -> None:
    story = Banked()
    story.until(1)
    methods.activate_where_needed(story.store, story.no, story.card("empty", active=False), story.now, ADMIN)
    story.until(4)
    assert [attempt.state for attempt in story.store.attempts(story.no)][:1] == ["declined"]
    assert story.facts(f.ChargeDeclined) == []


# -- what comes back ---------------------------------------------------------------------------------------------


def test_what_comes_back_in_part_pays_what_was_paid_first() -> None:
    story = Banked(bill=False)
    story.bill(-1, 5_000)
    story.bill(0, 7_000)
    story.until(2)
    assert story.settle(story.card("approve", active=False)) == ["paid"]
    [taken] = story.bank.taken
    for name, state in (("a", DisputeState.LOST), ("b", DisputeState.LOST), ("a", DisputeState.WON)):
        story.bank.dispute(taken, state, 6_000, name)
        story.hear(DisputeChange(taken, name, state, 6_000, "EUR"))
    assert {debt.number: debt.open_minor for debt in story.account.debts} == {"I1-2": 6_000}
    assert story.facts(f.RefundUndone) == [], "all of it is here again"
    story.agrees()
