"""What a provider refuses as a request, before it asks any bank, is our mistake and never the payer's: nothing is
stopped for it, nobody is dunned, staff have one task with the way out, and it heals by itself (decision 30)."""

from __future__ import annotations

import pytest
from tests.stories.paying import Paying
from tests.stories.story import PRICE

from arrears.core import facts as f
from arrears.core.account import DoubtKind
from arrears.core.errors import Refused
from arrears.core.states import State
from arrears.engine import commands
from arrears.engine.payments import pages, setups
from arrears.sandbox.run import Running

REFUSALS: dict[str, tuple[str, dict[str, object]]] = {
    "currency": ("refuse", {"codes": {"eur": "invalid_currency"}}),
    "amount": ("refuse", {"codes": {"eur": "amount_too_large"}}),
    "capability": ("refuse", {"codes": {"any": "payment_method_unactivated"}}),
    "method type": ("refuse", {"codes": {"any": "payment_intent_invalid_parameter"}}),
    "account restricted": ("refuse", {"codes": {"any": "account_closed"}}),
    "key without permission": ("key", {"denied": ["POST payment_intents", "POST checkout"]}),
}
MENDED: dict[str, dict[str, object]] = {"refuse": {"codes": {}}, "key": {"denied": []}}


def broken(story: Paying, kind: str) -> None:
    """From now on the provider refuses in this way."""
    what, asked = REFUSALS[kind]
    story.control(what, **asked)


def mended(story: Paying, kind: str) -> None:
    what = REFUSALS[kind][0]
    story.control(what, **MENDED[what])


def swept(story: Paying, day: int) -> None:
    """Until that day, with a sweep every three."""
    began = max(-1, (story.now - story.instant(0)).days + 1)
    for one in (*range(began, day, 3), day):
        story.until(one).sweep()


@pytest.mark.sample(2)
@pytest.mark.parametrize("kind", REFUSALS)
def test_what_is_refused_as_a_request_stops_nothing_and_is_charged_once_it_is_taken(
    sandbox: Running, kind: str
) -> None:
    story = Paying(sandbox)
    story.card()
    broken(story, kind)
    swept(story, 45)
    assert (story.sub().state, story.captures()) == (State.PAST_DUE, 0)
    assert story.mail.taken == [], "it is our own mistake"
    assert story.tasks().count("charge_refused") == 1
    [said] = [task.what for task in story.inner.tasks.values() if task.kind == "charge_refused"]
    assert "by bank transfer" in said
    mended(story, kind)
    swept(story, 60)
    assert (story.taken(), story.sub().state) == ({"EUR": PRICE}, State.ACTIVE)
    assert (story.account.doubts, story.tasks()) == ((), [])
    story.check()


@pytest.mark.sample(1)
@pytest.mark.parametrize("kind", REFUSALS)
def test_a_retry_that_is_refused_as_a_request_after_a_real_decline_stops_nothing(sandbox: Running, kind: str) -> None:
    story = Paying(sandbox)
    card = story.card("insufficient_funds")
    swept(story, 0)
    story.bank_says(card, "approve")
    broken(story, kind)
    swept(story, 40)
    assert (story.sub().state, story.captures()) == (State.PAST_DUE, 0)
    mended(story, kind)
    swept(story, 75)
    assert (story.taken(), story.sub().state) == ({"EUR": PRICE}, State.ACTIVE)
    story.check()


@pytest.mark.sample(2)
@pytest.mark.parametrize("kind", REFUSALS)
@pytest.mark.parametrize("way", ["page", "set-up"])
def test_a_payer_whose_page_is_refused_is_not_cut_off(sandbox: Running, kind: str, way: str) -> None:
    story = Paying(sandbox)
    swept(story, 20)
    broken(story, kind)
    if way == "set-up" and REFUSALS[kind][0] == "refuse":
        story.control("refuse", codes={"setup": "payment_method_unactivated"})
    with pytest.raises(Refused) as refused:
        open_one(story, way)
    assert refused.value.code in ("provider_refused", "provider_denied")
    swept(story, 45)
    assert story.sub().state is State.PAST_DUE
    assert [d.kind for d in story.account.doubts] == [DoubtKind.REQUEST]
    assert story.tasks().count("charge_refused") == 1
    mended(story, kind)
    if way == "set-up":
        open_one(story, way)
        assert (story.account.doubts, story.tasks().count("charge_refused")) == ((), 0)
        return
    assert story.settle(story.add()) == ["paid"]
    assert (story.account.doubts, story.tasks(), story.sub().state) == ((), [], State.ACTIVE)
    story.check()


def test_a_page_that_cannot_be_opened_while_the_provider_is_away_is_no_mistake_of_ours(sandbox: Running) -> None:
    story = Paying(sandbox)
    story.until(2)
    story.control("faults", plan=[{"kind": "error_before", "path": "checkout", "verb": "POST", "times": 9}])
    with pytest.raises(Refused) as refused:
        open_one(story, "page")
    assert (refused.value.code, story.account.doubts, story.tasks()) == ("provider_unreachable", (), [])


def open_one(story: Paying, way: str) -> None:
    shown = {q.currency: q.hash for q in story.owed()}
    if way == "page":
        pages.open_page(story.store, story.providers, story.no, shown, story.now, "paylink:1")
    else:
        setups.start(
            story.store,
            story.providers,
            story.no,
            shown,
            "en",
            story.now,
            "person:1",
            back=lambda _: "http://127.0.0.1:9/",
        )


def test_staff_who_close_the_task_let_it_be_asked_again_within_a_day(sandbox: Running) -> None:
    story = Paying(sandbox)
    story.card()
    broken(story, "capability")
    swept(story, 3)
    before = len(story.attempts())
    [raised] = [r for r in story.history() if isinstance(r.fact, f.DoubtRaised)]
    commands.close_task(story.store, story.no, raised.seq, story.now, "staff:1", "asked the provider")
    swept(story, 5)
    assert len(story.attempts()) == before + 1
    assert story.tasks().count("charge_refused") == 1, "and refused again they are told again"
    story.check()


@pytest.mark.turn(2)
def test_paid_by_transfer_the_doubt_is_over_and_another_currency_is_charged_all_the_same(sandbox: Running) -> None:
    story = Paying(sandbox, bill=False)
    story.card()
    story.control("refuse", codes={"eur": "invalid_currency"})
    story.bill(-1)
    story.bill(2, 700, currency="USD")
    swept(story, 40)
    assert story.taken() == {"USD": 700}
    assert [d.ref for d in story.account.doubts] == ["EUR"]
    story.pay(PRICE, (1,))
    assert (story.account.doubts, story.tasks(), story.sub().state) == ((), [], State.ACTIVE)
    story.check()


def test_what_is_left_and_too_little_for_any_charge_is_in_no_doubt_and_is_charged_with_the_next(
    sandbox: Running,
) -> None:
    story = Paying(sandbox)
    story.card()
    story.bill(-1, 1)
    broken(story, "currency")
    story.until(1).sweep()
    assert [doubt.kind for doubt in story.account.doubts] == [DoubtKind.REQUEST]
    story.pay(PRICE, (1,))
    assert [debt.open_minor for debt in story.account.debts] == [1]
    assert (story.account.doubts, story.tasks()) == ((), [])
    mended(story, "currency")
    story.bill(20, 5_000)
    story.until(21).sweep()
    assert story.taken() == {"EUR": 5_001}
    story.check()
