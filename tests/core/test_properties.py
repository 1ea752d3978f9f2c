"""What must be true of every account, however it came to be: accounts are played, not made (see stories/play.py)."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.sizes import few
from tests.stories.play import Move, Play, Plot, played, plots
from tests.stories.story import Story

from arrears.core import facts as f
from arrears.core.account import Action, HoldScope, Stop, decode_account, encode_account
from arrears.core.calendar import calendar_of
from arrears.core.decide import Decision, decide
from arrears.core.evolve import fold
from arrears.core.facts import decode_fact, encode_fact
from arrears.core.rules import RULES
from arrears.core.states import Reason, State
from arrears.engine import commands
from arrears.engine.booking import Payment
from arrears.engine.run import run

ONE_DAY = timedelta(days=1)
TINY = timedelta(microseconds=1)
STOPS = {Action.RESTRICT: Stop.RESTRICT, Action.DISABLE: Stop.DISABLE, Action.DELETE: Stop.DELETE}


def examples(count: int) -> Callable[..., object]:
    return settings(
        max_examples=few(count // 4, count * 20),
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


def answer(play: Play, at: datetime, rules: object = RULES) -> Decision:
    return decide(play.store.policies(), play.account, play.store.system().guards, at, rules=rules)  # type: ignore[arg-type]


@examples(60)
@given(plots())
def test_every_invariant_holds_after_every_transaction(plot: Plot) -> None:
    play = played(plot, calm_days=200)
    assert play.checker.breaches == []


LATER_RESTRICTION = Plot(
    zone="Pacific/Niue",
    policy=4,
    start=date(2023, 3, 10),
    moves=(
        Move(hours=7, what="doubt", pick=0, many=0),
        Move(hours=0, what="stand still", pick=0, many=11),
        Move(hours=0, what="wait", pick=0, many=1),
        Move(hours=7, what="stand still", pick=0, many=0),
        Move(hours=7, what="wait", pick=0, many=0),
    ),
)
"""An accepted warning moves the restriction to a later day, and the disablement with it."""


@examples(60)
@example(LATER_RESTRICTION)
@given(plots())
def test_deciding_twice_does_nothing_twice(plot: Plot) -> None:
    def replayed(play: Play) -> None:
        assert answer(play, play.now).facts == ()
        before = len(play.history)
        run(play.store, play.now)
        assert len(play.history) == before

    played(plot, replayed, calm_days=150)


@pytest.mark.turn(2)
@examples(60)
@given(plots(), st.lists(st.floats(0.0, 1.0, exclude_max=True), min_size=3, max_size=3))
def test_until_the_next_look_the_answer_does_not_change(plot: Plot, parts: list[float]) -> None:
    def between(play: Play) -> None:
        now, stored = play.now, play.next_at
        first = answer(play, now)
        assert first.facts == ()
        assert first.next_at is None or (stored is not None and now < stored <= first.next_at)
        last = now + timedelta(days=900) if first.next_at is None else first.next_at
        instants = [now + (last - now) * part for part in parts]
        calendar = calendar_of(play.account.terms.zone)
        instants += [last - TINY, calendar.end_of_day(calendar.local_day(now)), calendar.at(calendar.local_day(now))]
        for at in instants:
            if now <= at < last:
                assert answer(play, at) == first, at

    played(plot, between, calm_days=150)


@examples(60)
@given(plots(), st.integers(0, 2**32), st.integers(0, 60))
def test_the_order_of_the_rules_changes_nothing(plot: Plot, order: int, days: int) -> None:
    rng = random.Random(order)

    def shuffled(play: Play) -> None:
        rules = list(RULES)
        rng.shuffle(rules)
        for at in (play.now, play.now + timedelta(days=days), play.next_at or play.now):
            assert answer(play, at, rules) == answer(play, at)

    played(plot, shuffled, calm_days=100)


@examples(60)
@given(plots())
def test_folding_the_facts_gives_the_state_and_both_survive_being_written(plot: Plot) -> None:
    play = played(plot)
    assert fold(play.history) == play.account
    assert decode_account(encode_account(play.account)) == play.account
    assert [decode_fact(encode_fact(r.fact)) for r in play.history] == [r.fact for r in play.history]
    read_back = [
        r.__class__(r.account, r.seq, r.at, r.author, r.why, decode_fact(encode_fact(r.fact))) for r in play.history
    ]
    assert encode_account(fold(read_back)) == encode_account(play.account)


# -- promises and stages -------------------------------------------------------------------------------------------


def promises(play: Play) -> list[tuple[tuple[int, int, Action], date]]:
    """Every day that was told, on a page or in a warning that was accepted, or acted on, by subscription, episode and
    action. An episode begins when a subscription becomes past due; of deletions, with the service end."""
    accepted = {r.fact.notice for r in play.history if isinstance(r.fact, f.NoticeAccepted)}
    found: list[tuple[tuple[int, int, Action], date]] = []
    episode = {1: 0, 2: 0}
    ends = {1: 0, 2: 0}
    owing = {1: False, 2: False}

    def tell(sub: int, action: Action, on: date) -> None:
        found.append(((sub, ends[sub] if action is Action.DELETE else episode[sub], action), on))

    for r in play.history:
        match r.fact:
            case f.BecamePastDue(subscriptions=subs):
                for sub in subs:
                    episode[sub] += not owing[sub]
                    owing[sub] = True
            case f.Resumed(subscription=sub, after=after, keeps_past_due=keeps):
                episode[sub] += 1
                ends[sub] += after is not State.DISABLED
                owing[sub] = keeps
            case f.DateMoved(subscription=sub, action=action, on=on):
                tell(sub, action, on)
            case f.Noticed() as notice if r.seq in accepted:
                for w in notice.each(f.Warning):
                    tell(w.subscription, w.action, w.promised_on)
            case f.Restricted(subscription=sub, on=on):
                tell(sub, Action.RESTRICT, on)
            case f.Disabled(subscription=sub, on=on):
                tell(sub, Action.DISABLE, on)
                ends[sub] += 1
            case f.DeletionScheduled(subscription=sub, on=on):
                tell(sub, Action.DELETE, on)
            case _:
                pass
    return found


REFUSED_WARNINGS = Plot(
    zone="Pacific/Niue",
    policy=0,
    start=date(2023, 3, 10),
    moves=(
        Move(hours=0, what="wait", pick=0, many=5),
        Move(hours=72, what="mail", pick=0, many=0),
        Move(hours=168, what="wait", pick=0, many=0),
        Move(hours=168, what="wait", pick=0, many=1),
        Move(hours=336, what="hold", pick=0, many=0),
    ),
)
"""Warnings that the server refused named later days than the one that a hold then moves: nobody was told those."""


@examples(80)
@example(REFUSED_WARNINGS)
@given(plots())
def test_promises_never_move_earlier(plot: Plot) -> None:
    last: dict[tuple[int, int, Action], date] = {}
    for episode, on in promises(played(plot, calm_days=250)):
        assert on >= last.get(episode, on), episode
        last[episode] = on


@examples(80)
@given(plots())
def test_no_stage_is_skipped_or_shortened_whatever_happens(plot: Plot) -> None:
    play = played(plot, calm_days=250)
    policies = play.store.policies()
    state = {1: State.ACTIVE, 2: State.ACTIVE}
    entered: dict[int, date] = {}
    accepted: dict[int, datetime] = {r.fact.notice: r.at for r in play.history if isinstance(r.fact, f.NoticeAccepted)}
    warned: list[tuple[int, f.Warning]] = []
    calendar = calendar_of(plot.zone)
    for r in play.history:
        match r.fact:
            case f.BecamePastDue() as fact:
                calendar = calendar_of(fact.terms.zone)
                for sub in fact.subscriptions:
                    if state[sub] is State.ACTIVE:
                        state[sub] = State.PAST_DUE
                        entered[sub] = min(d.day_0 for d in fact.debts)
            case f.Noticed() as notice:
                warned += [(r.seq, w) for w in notice.each(f.Warning)]
            case f.Restricted(subscription=sub) | f.Disabled(subscription=sub) as cut:
                policy = policies[cut.evidence.policy]
                limit, before, lead = policy.disable_after_days, State.PAST_DUE, policy.disable_lead_days
                action, stage_days = Action.DISABLE, policy.disable_after_days
                if isinstance(cut, f.Restricted):
                    assert policy.restrict_after_days is not None
                    limit = stage_days = policy.restrict_after_days
                    action, lead = Action.RESTRICT, policy.restrict_lead_days
                elif policy.restrict_after_days is not None:
                    before, stage_days = State.RESTRICTED, limit - policy.restrict_after_days
                assert cut.before is before is state[sub]
                assert r.at >= calendar.end_of_day(cut.on)
                assert cut.on >= min(o.day_0 for o in cut.evidence.owing) + limit * ONE_DAY
                assert cut.on >= entered[sub] + stage_days * ONE_DAY
                leads = [
                    calendar.local_day(accepted[seq]) + lead * ONE_DAY
                    for seq, w in warned
                    if seq in accepted
                    and (w.subscription, w.action, w.generation) == (sub, action, cut.generation)
                    and w.promised_on <= cut.on
                ]
                assert min(leads) <= cut.on
                state[sub], entered[sub] = cut.after, cut.on
            case f.Resumed(subscription=sub, after=after, entered_on=on):
                state[sub] = after
                if on is not None:
                    entered[sub] = on
            case f.Canceled(subscription=sub) | f.ReasonSet(subscription=sub):
                state[sub] = State.DISABLED
            case _:
                pass


@examples(80)
@given(plots())
def test_no_deadline_lies_inside_a_hold(plot: Plot) -> None:
    play = played(plot, calm_days=250)
    holds = {r.fact.hold.no: r.fact.hold for r in play.history if isinstance(r.fact, f.HoldPlaced)}
    ended = {r.fact.hold: r.fact.at for r in play.history if isinstance(r.fact, f.HoldEnded)}
    for r in play.history:
        match r.fact:
            case f.Restricted(evidence=evidence, subscription=sub):
                action = Action.RESTRICT
            case f.Disabled(evidence=evidence, subscription=sub):
                action = Action.DISABLE
            case (
                f.DeletionScheduled(evidence=evidence, subscription=sub)
                | f.DeletionOrdered(evidence=evidence, subscription=sub)
            ):
                action = Action.DELETE
            case _:
                continue
        standing = [
            h
            for h in holds.values()
            if STOPS[action] in h.stops and h.from_at < r.at and (h.no not in ended or r.at < ended[h.no])
        ]
        assert not [h for h in standing if h.scope is HoldScope.ACCOUNT]
        assert not [h for h in standing if h.scope is HoldScope.SUBSCRIPTION and h.target == sub]
        held = {h.target for h in standing if h.scope is HoldScope.DEBT}
        assert not evidence.owing or any(o.debt not in held for o in evidence.owing)


CANCELED_AND_KEPT = Plot(
    zone="UTC",
    policy=6,
    start=date(2026, 10, 1),
    moves=(Move(hours=0, what="pay all", pick=0, many=0), Move(hours=0, what="cancel", pick=0, many=0)),
)
"""Canceled, owing nothing, under a policy that never deletes: it stays disabled, and can be reactivated at any time."""


@examples(60)
@example(CANCELED_AND_KEPT)
@given(plots())
def test_once_all_is_calm_every_subscription_comes_to_rest(plot: Plot) -> None:
    """Nothing waits for ever: what has ended is deleted in the end, for whatever reason it ended, unless the policy it
    ended under says "never"; what is owed for ends, unless too little is owed (I25) or the policy says "never". What no
    past-due debt names, under the account's clock, stays disabled until the last one is paid (spec, section 3)."""
    play = played(plot)
    play.release_everything()
    play.calm(400)
    account, policies = play.account, play.store.policies()
    for sub in account.subscriptions:
        if sub.state is State.DELETED:
            continue
        if sub.end is not None and policies[sub.end.terms.policy].retention_days is None:
            assert sub.state is State.DISABLED
            continue
        if Reason.PAST_DUE not in sub.reasons:
            assert sub.state is State.ACTIVE or sub.reasons == (Reason.POLICY_VIOLATION,)
            continue
        assert account.case is not None
        if account.case.terms.account_wide and not account.debts_for(sub):
            assert sub.state is State.DISABLED
            continue
        policy = policies[account.case.terms.policy if sub.end is None else sub.end.terms.policy]
        if sub.end is None and policy.disable_after_days is None:
            continue
        minimum = policy.minimum_minor.get("EUR", 0)
        assert sum(d.open_minor for d in account.debts_of(sub)) < minimum, (sub.no, sub.state)


# -- paying --------------------------------------------------------------------------------------------------------


@examples(80)
@given(plots())
def test_a_payment_at_any_instant_lifts_the_cause_in_the_same_transaction(plot: Plot) -> None:
    play = played(plot)
    before = play.account
    seen = len(play.history)
    play.pay_everything()
    after = play.account
    assert after.debts == ()
    assert after.case is None or before.parked
    for sub in after.subscriptions:
        was = before.subscription(sub.no)
        gone = was.state is State.DELETED or (was.end is not None and was.end.ordered_at is not None)
        if gone:
            assert sub.state is was.state
            continue
        assert Reason.PAST_DUE not in sub.reasons
        assert sub.state is (State.DISABLED if sub.reasons else State.ACTIVE)
        resumed = [
            r.fact for r in play.history[seen:] if isinstance(r.fact, f.Resumed) and r.fact.subscription == sub.no
        ]
        assert len(resumed) == (was.state not in (State.ACTIVE,) and Reason.PAST_DUE in was.reasons)
        stopped = was.state in (State.RESTRICTED, State.DISABLED)
        assert bool(resumed and resumed[0].order_no) == (bool(resumed) and stopped and not sub.reasons)
    assert play.checker.breaches == []


@pytest.mark.parametrize("order", sorted(set(permutations(("pay", "run", "perform", "run"))), key=str))
@pytest.mark.parametrize("day", [31, 121, 122])
def test_of_a_payment_and_a_cut_at_one_instant_the_payment_wins(order: tuple[str, ...], day: int) -> None:
    story = Story().just_before(day)
    story.stage.now = story.instant(day)
    for what in order:
        if what == "pay":
            story.pay()
        elif what == "run":
            run(story.store, story.now)
        else:
            story.stage.perform()
    sub = story.sub()
    ordered = sub.end is not None and sub.end.ordered_at is not None
    if ordered:
        assert day == 122, "only its own order ends what can be brought back"
        assert order.index("run") < order.index("pay")
        assert not any(isinstance(r.fact, f.Resumed) for r in story.history())
    else:
        assert (sub.state, sub.reasons) == (State.ACTIVE, ())
        if day == 31 and order.index("pay") < order.index("run"):
            assert not any(isinstance(r.fact, f.Disabled) for r in story.history())
    assert not any(isinstance(r.fact, f.DeletionOrdered) for r in story.history()) or ordered
    story.check()


def test_payments_of_several_debts_can_come_in_any_order() -> None:
    outcomes = set()
    for order in permutations((1, 2, 3)):
        story = Story(services=("cloud", "mail"), bill=False)
        for subscriptions in ((1,), (2,), (1, 2)):
            story.bill(-1, subscriptions=subscriptions)
        story.until(40)
        for debt in order:
            commands.record_payments(story.store, [Payment(1, f"P{debt}", "EUR", 12_000, (debt,))], story.now, "api:1")
        outcomes.add(tuple((s.state, s.reasons, s.generation) for s in story.account.subscriptions))
    assert outcomes == {((State.ACTIVE, (), 2), (State.ACTIVE, (), 2))}
