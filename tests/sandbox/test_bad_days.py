"""The sandbox's bad days: requests that break off, idempotency keys, and webhooks that come twice, late or never."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.error
from typing import Any

import pytest
import stripe
from tests.sandbox.conftest import DAY, Receiver, Shop, soon
from torture.outside import own_port

from arrears.core.errors import Refused
from arrears.sandbox.__main__ import main
from arrears.sandbox.faults import KINDS, Fault, Faults
from arrears.sandbox.run import running


def charged(shop: Shop, method: tuple[str, str], key: str, amount: int = 4200, **more: Any) -> Any:
    return shop.charge(method, amount, options={"idempotency_key": key}, **more)


def plan(shop: Shop, kind: str, path: str = "payment_intents", **more: Any) -> None:
    shop.control("faults", plan=[{"kind": kind, "path": path, **({"times": 1} | more)}])


# Idempotency keys


def test_the_same_request_under_the_same_key_is_done_once_and_answered_alike(shop: Shop) -> None:
    method = shop.method()
    first, again = charged(shop, method, "k"), charged(shop, method, "k")
    assert (first.id, first.to_dict()) == (again.id, again.to_dict())
    assert "Idempotent-Replayed" not in first.last_response.headers
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    assert shop.book() == [(4200, 0, 0)]


def test_another_request_under_the_same_key_is_refused_and_does_nothing(shop: Shop) -> None:
    method = shop.method()
    charged(shop, method, "k")
    with pytest.raises(stripe.IdempotencyError) as caught:
        charged(shop, method, "k", 4300)
    assert caught.value.http_status == 400
    with pytest.raises(stripe.IdempotencyError):
        shop.v1.customers.create({}, {"idempotency_key": "k"})
    assert shop.book() == [(4200, 0, 0)]


def test_a_decline_is_kept_under_its_key_even_when_the_bank_would_now_agree(shop: Shop) -> None:
    method = shop.method("insufficient_funds")
    for bank in ("insufficient_funds", "approve"):
        shop.control("behave", **{"method": method[0], "as": bank})
        with pytest.raises(stripe.CardError):
            charged(shop, method, "k")
    assert charged(shop, method, "another").status == "succeeded"


def test_what_was_refused_before_it_began_may_be_mended_under_its_key(shop: Shop) -> None:
    method = shop.method()
    with pytest.raises(stripe.InvalidRequestError):
        charged(shop, method, "k", 0)
    assert charged(shop, method, "k").status == "succeeded"


def test_a_key_is_forgotten_after_a_day_and_then_charges_again(shop: Shop) -> None:
    method = shop.method()
    first = charged(shop, method, "k")
    shop.move(DAY - 1)
    assert charged(shop, method, "k").id == first.id
    shop.move(1)
    assert charged(shop, method, "k").id != first.id
    assert len(shop.book()) == 2


def test_a_key_has_at_most_255_characters(shop: Shop) -> None:
    assert shop.v1.customers.create({}, {"idempotency_key": "k" * 255}).id
    with pytest.raises(stripe.InvalidRequestError):
        shop.v1.customers.create({}, {"idempotency_key": "k" * 256})


# Bad days: what the caller sees, how often money was taken then, and after the same key was sent again
BAD = {
    "drop_before": (stripe.APIConnectionError, 0, None),
    "drop_after": (stripe.APIConnectionError, 1, None),
    "late": (stripe.APIConnectionError, 0, None),
    "error_before": (stripe.APIError, 0, None),
    "error_after": (stripe.APIError, 1, stripe.APIError),
    "limited": (stripe.RateLimitError, 0, None),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_day_takes_money_once_however_often_its_key_is_sent(shop: Shop, kind: str) -> None:
    seen, taken, then = BAD[kind]
    method = shop.method()
    plan(shop, kind)
    with pytest.raises(seen):
        charged(shop, method, "k")
    assert len(shop.book()) == taken
    if then is not None:
        with pytest.raises(then):
            charged(shop, method, "k")
    else:
        assert charged(shop, method, "k").status == "succeeded"
    shop.control("release")
    assert shop.book() == [(4200, 0, 0)]
    assert shop.control("faults") == {kind: 1}


def test_every_bad_day_is_tried_here() -> None:
    assert {*BAD, "slow"} == {*KINDS}


def test_a_slow_answer_is_an_answer(shop: Shop) -> None:
    plan(shop, "slow", "customers")
    assert shop.v1.customers.create({}).id
    assert shop.control("faults") == {"slow": 1}


def test_what_comes_late_is_found_only_after_it_was_done(shop: Shop) -> None:
    method = shop.method()
    plan(shop, "late")
    with pytest.raises(stripe.APIConnectionError):
        charged(shop, method, "k", metadata={"attempt": "att_1_1"})
    assert shop.v1.payment_intents.list({"customer": method[1]}).data == []
    assert shop.control("release") == [200]
    assert [one.status for one in shop.v1.payment_intents.list({"customer": method[1]}).data] == ["succeeded"]
    assert shop.control("release") == []


def test_a_fault_is_for_its_path_its_verb_and_so_many_times(shop: Shop) -> None:
    plan(shop, "error_before", "/v1/customers", times=2)
    method = shop.v1.payment_intents.list()
    assert method.data == []
    for _ in range(2):
        with pytest.raises(stripe.APIError):
            shop.v1.customers.create({})
    customer = shop.v1.customers.create({}).id
    plan(shop, "error_before", "customers", verb="GET")
    with pytest.raises(stripe.APIError):
        shop.v1.customers.retrieve(customer)
    assert shop.v1.customers.retrieve(customer).id == customer


def test_a_share_of_bad_days_can_be_had_again_by_its_seed() -> None:
    def day(seed: int) -> list[str]:
        faults = Faults()
        faults.plan([Fault("limited", "refunds", share=0.5)], seed)
        return [faults.next_for("POST", "refunds") for _ in range(40)]

    assert day(3) == day(3) != day(4)
    assert {*day(3)} == {"", "limited"}


@pytest.mark.parametrize(
    ("what", "asked"),
    [
        ("faults", {"plan": [{"kind": "earthquake", "path": ""}]}),
        ("faults", {"plan": [{"kind": "late"}]}),
        ("behave", {"method": "pm_none", "as": "lost"}),
        ("card", {"session": "cs_none", "card": "approve"}),
        ("clock", {"now": "soon"}),
        ("webhook", {"colour": "red"}),
        ("webhook", {"url": "ftp://127.0.0.1/"}),
        ("webhook", {"url": 7}),
        ("webhook", {"lose": "no"}),
        ("webhook", {"tries": "many"}),
        ("webhook", {"times": 0}),
        ("webhook", {"tries": 21}),
        ("webhook", {"retry_seconds": 86_400}),
        ("webhook", {"retry_seconds": -1}),
        ("dispute", {}),
    ],
)
def test_a_control_that_cannot_be_done_says_so(shared: Shop, what: str, asked: dict[str, Any]) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        shared.control(what, **asked)
    with caught.value as answer:
        assert (answer.code, b"error" in answer.read()) == (400, True)


def test_an_unknown_control_is_a_404(shared: Shop) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        shared.control("explode")
    with caught.value as answer:
        assert (answer.code, b"end_debits" in answer.read()) == (404, True)


# Webhooks

PAID = ["payment_intent.created", "payment_intent.succeeded"]


def listening(shop: Shop, receiver: Receiver, **mode: Any) -> tuple[str, str]:
    """A card that can be charged; from now on the receiver is told, without a pause between tries."""
    method = shop.method()
    shop.control("webhook", **({"url": receiver.url, "retry_seconds": 0} | mode))
    return method


def settled(shop: Shop) -> dict[str, Any]:
    """The webhooks' figures, once none is waiting."""
    soon(lambda: shop.control("webhook")["waiting"] == 0)
    return shop.control("webhook")  # type: ignore[no-any-return]


def test_what_happens_is_told_in_order_and_signed(shop: Shop, receiver: Receiver) -> None:
    paid = shop.charge(listening(shop, receiver))
    assert settled(shop) == {"delivered": 2, "given_up": 0, "tries": 2, "waiting": 0, "held": 0}
    assert receiver.kinds() == PAID
    for body, signature in receiver.told:
        event = stripe.Webhook.construct_event(body, signature, shop.running.webhook_secret)
        assert (event.livemode, event.data.object["id"]) == (False, paid.id)
        for wrong in (body + b" ", body.replace(b"4200", b"4300")):
            with pytest.raises(stripe.SignatureVerificationError):
                stripe.Webhook.construct_event(wrong, signature, shop.running.webhook_secret)
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.Webhook.construct_event(body, signature, "whsec_other")


def test_a_signature_says_when_by_the_sandboxs_clock(shop: Shop, receiver: Receiver) -> None:
    method = listening(shop, receiver)
    now = shop.move(400 * DAY)
    shop.charge(method)
    settled(shop)
    assert {one.signature.partition(",")[0] for one in receiver.told} == {f"t={now}"}


@pytest.mark.parametrize(
    ("mode", "kinds"),
    [
        ({"times": 3}, [PAID[0]] * 3 + [PAID[1]] * 3),
        ({"reverse": True}, PAID[::-1]),
        ({"lose": True}, []),
        ({"url": ""}, []),
    ],
)
def test_webhooks_come_several_times_backwards_or_never(
    shop: Shop, receiver: Receiver, mode: dict[str, Any], kinds: list[str]
) -> None:
    shop.charge(listening(shop, receiver, **mode))
    assert settled(shop)["delivered"] == len(kinds)
    assert receiver.kinds() == kinds


def test_what_was_lost_is_not_told_later_but_is_listed(shop: Shop, receiver: Receiver) -> None:
    method = listening(shop, receiver, lose=True)
    shop.charge(method)
    shop.control("webhook", lose=False)
    shop.charge(method, 101)
    settled(shop)
    assert [b'"amount": 101,' in one.body for one in receiver.told] == [True, True]
    assert [one.type for one in shop.v1.events.list({"types": PAID}).data] == PAID[::-1] * 2


def test_webhooks_wait_until_they_are_released(shop: Shop, receiver: Receiver) -> None:
    method = listening(shop, receiver, hold=True)
    shop.charge(method)
    assert (shop.control("webhook")["held"], receiver.told) == (2, [])
    assert shop.control("release_webhooks") == {"released": 2}
    assert settled(shop)["held"] == 0
    assert receiver.kinds() == PAID
    shop.charge(method, 101)
    settled(shop)
    assert receiver.kinds() == PAID * 2


@pytest.mark.parametrize("answer", [500, 503, 404, 302, 0])
def test_what_was_not_taken_is_told_again_with_the_same_id(shop: Shop, receiver: Receiver, answer: int) -> None:
    receiver.answers = [answer, answer]
    method = listening(shop, receiver)
    refused = shop.v1.payment_intents.create({"amount": 100, "currency": "eur", "customer": method[1]})
    assert settled(shop) == {"delivered": 1, "given_up": 0, "tries": 3, "waiting": 0, "held": 0}
    assert len({one.body for one in receiver.told}) == 1
    assert refused.id.encode() in receiver.told[0].body


def test_a_receiver_that_never_takes_it_is_given_up_and_holds_nobody_up(shop: Shop, receiver: Receiver) -> None:
    receiver.answers = [500] * 4
    shop.charge(listening(shop, receiver, tries=2))
    assert settled(shop) == {"delivered": 0, "given_up": 2, "tries": 4, "waiting": 0, "held": 0}
    assert receiver.kinds() == [PAID[0], PAID[1], PAID[0], PAID[1]]


def test_a_receiver_that_is_not_there_is_tried_a_bounded_number_of_times(shop: Shop, receiver: Receiver) -> None:
    nowhere = f"http://127.0.0.1:{own_port()}/"
    method = listening(shop, receiver, url=nowhere, tries=5)
    assert shop.charge(method).status == "succeeded"
    assert settled(shop) == {"delivered": 0, "given_up": 2, "tries": 10, "waiting": 0, "held": 0}


def test_tries_that_wait_when_nobody_is_to_be_told_any_more_are_given_up(shop: Shop, receiver: Receiver) -> None:
    receiver.answers = [500] * 4
    method = listening(shop, receiver, tries=2, retry_seconds=0.05)
    shop.charge(method)
    soon(lambda: len(receiver.told) > 0)
    shop.control("webhook", url="")
    assert settled(shop)["given_up"] == 2
    shop.control("webhook", url=receiver.url)
    receiver.answers = []
    shop.charge(method, 101)
    assert settled(shop)["delivered"] == 2


def test_a_webhook_may_overtake_the_answer_that_broke_off(shop: Shop, receiver: Receiver) -> None:
    method = listening(shop, receiver)
    plan(shop, "drop_after")
    with pytest.raises(stripe.APIConnectionError):
        charged(shop, method, "k")
    settled(shop)
    assert receiver.kinds() == PAID


# Starting


@pytest.mark.parametrize(
    "value",
    ["sk_live_1", "rk_live_1", " sk_live_1", "sk_test_1,sk_live_1"],
    ids=["secret", "restricted", "after a space", "second of two"],
)
@pytest.mark.parametrize("name", ["STRIPE_KEY", "ARREARS_STRIPE_KEY", "SHOP_SECRET"])
def test_it_never_runs_beside_a_live_key(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(Refused) as caught, running():
        pytest.fail("it started")
    assert (caught.value.code, name in caught.value.message) == ("live_key", True)
    assert "live_1" not in caught.value.message


@pytest.mark.turn(2)
def test_as_a_process_it_says_in_one_line_why_it_does_not_start() -> None:
    command, more = [sys.executable, "-m", "arrears.sandbox"], {"STRIPE_KEY": "sk_live_1"}
    ran = subprocess.run(command, env={**os.environ, **more}, capture_output=True, text=True, timeout=120)
    assert (ran.returncode, ran.stdout, len(ran.stderr.splitlines())) == (2, "", 1)
    assert "holds a live key" in ran.stderr


@pytest.mark.parametrize("arguments", [["x"], ["70000"], ["-1"], ["\u0663"], ["1", "2"]])
def test_what_is_no_port_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["sandbox", *arguments])
    assert main() == 2
    assert "is no port" in capsys.readouterr().err


def test_a_port_that_is_taken_is_refused(shop: Shop) -> None:
    with pytest.raises(Refused) as caught, running(int(shop.running.url.rpartition(":")[2])):
        pytest.fail("it started")
    assert caught.value.code == "port_taken"
