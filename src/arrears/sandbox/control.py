"""What tests, torture and the demo ask of the sandbox itself at /sandbox/NAME; JSON in and out."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from arrears.sandbox import control_billing
from arrears.sandbox.accounts import INSTRUMENTS, Failure
from arrears.sandbox.faults import Fault
from arrears.sandbox.objects import WireError
from arrears.sandbox.pages import refuse_setup, use_card
from arrears.sandbox.server import Sandbox

Asked = dict[str, Any]


def book(sandbox: Sandbox, _: Asked) -> Any:
    """Every payment that took money, as it truly is."""
    return list(sandbox.book.truth())


def clock(sandbox: Sandbox, asked: Asked) -> Any:
    """Set sandbox time (`now`, Unix seconds), and let happen what falls due; from then on it stands still, until it
    is told to `follow` the real clock again: `offset` seconds ahead of it, if that is set. `date` is what its answers
    say instead of that ("own"; null for nothing), `late` after how many seconds its events are listed."""
    if "now" in asked:
        sandbox.follows_clock, sandbox.book.clock = False, int(asked["now"])
        sandbox.book.pass_time()
    sandbox.follows_clock = sandbox.follows_clock or bool(asked.get("follow"))
    if "offset" in asked:
        sandbox.offset = int(asked["offset"])
        sandbox.book.clock = sandbox.clock() + sandbox.offset
    sandbox.date = asked.get("date", sandbox.date)
    sandbox.book.late = int(asked.get("late", sandbox.book.late))
    return {"now": sandbox.book.clock}


def faults(sandbox: Sandbox, asked: Asked) -> Any:
    """Plan bad days (`plan`, `seed`); how many of each there were."""
    if "plan" in asked:
        sandbox.faults.plan([Fault(**one) for one in asked["plan"]], int(asked.get("seed", 0)))
    return sandbox.faults.counts


def lists(sandbox: Sandbox, asked: Asked) -> Any:
    """A page of a list holds at most `most`, however much is asked for."""
    sandbox.api.page_max = int(asked["most"])
    return {}


def key(sandbox: Sandbox, asked: Asked) -> Any:
    """The secret key is another one from now on (`secret`), or may not ask for what begins with one of `denied`."""
    sandbox.secret_key = asked.get("secret", sandbox.secret_key)
    sandbox.denied = tuple(asked.get("denied", sandbox.denied))
    return {"secret": sandbox.secret_key, "denied": sandbox.denied}


def refuse(sandbox: Sandbox, asked: Asked) -> Any:
    """From now on requests are refused as such, with the `codes` of a currency, of `any`, or of `setup`."""
    sandbox.book.refused = {str(what): str(code) for what, code in asked["codes"].items()}
    return sandbox.book.refused


def forget(sandbox: Sandbox, asked: Asked) -> Any:
    """The provider no longer knows the object `id`, as where its test data were deleted. Its book keeps the money."""
    sandbox.book.forgotten.add(asked["id"])
    return {}


def release(sandbox: Sandbox, _: Asked) -> Any:
    """What was late is done now: the statuses."""
    late, sandbox.late = sandbox.late, []
    return [sandbox.once(*one)[0] for one in late]


def behave(sandbox: Sandbox, asked: Asked) -> Any:
    """From now on the bank of `method` answers `as` that test instrument's, of the same kind."""
    method, wanted = sandbox.book.methods[asked["method"]], INSTRUMENTS[asked["as"]]
    if wanted.kind != method.instrument.kind:
        raise ValueError(f"{method.id} is a {method.instrument.kind}; {wanted.name} is a {wanted.kind}")
    method.behaves = wanted.name
    return {}


def card(sandbox: Sandbox, asked: Asked) -> Any:
    """Choose a card or an account on a page, as a person would; `own`: nobody else has that card."""
    session, own = sandbox.book.sessions[asked["session"]], bool(asked.get("own"))
    return {"done": use_card(sandbox.book, session, asked["card"], own=own)}


def setup_refused(sandbox: Sandbox, asked: Asked) -> Any:
    """The bank refuses the check of a card (`card`) on a page that sets one up (`session`)."""
    refuse_setup(sandbox.book, sandbox.book.sessions[asked["session"]], asked["card"])
    return {}


def challenge(sandbox: Sandbox, asked: Asked) -> Any:
    """Answer the bank's question about `intent`."""
    sandbox.book.answer_challenge(sandbox.book.intents[asked["intent"]], confirmed=asked["confirmed"])
    return {}


def dispute(sandbox: Sandbox, asked: Asked) -> Any:
    """The payer disputes `intent`, or `amount` of it."""
    return {"id": sandbox.book.dispute(sandbox.book.intents[asked["intent"]], asked.get("amount")).id}


def fail_refund(sandbox: Sandbox, asked: Asked) -> Any:
    """The money of `refund` could not be delivered."""
    sandbox.book.fail_refund(sandbox.book.refunds[asked["refund"]])
    return {}


def close(sandbox: Sandbox, asked: Asked) -> Any:
    """The network rules on `dispute`."""
    sandbox.book.close_dispute(sandbox.book.disputes[asked["dispute"]], won=asked["won"])
    return {}


def end_debits(sandbox: Sandbox, asked: Asked) -> Any:
    """Debits that are under way settle or fail now, all or that of `intent`: their statuses by id."""
    if "intent" in asked:
        found = [sandbox.book.intents[asked["intent"]]]
        sandbox.book.end_debit(found[0])
    else:
        found = sandbox.book.end_debits()
    return {intent.id: intent.status for intent in found}


def return_debit(sandbox: Sandbox, asked: Asked) -> Any:
    """The bank takes the settled debit of `intent` back: `code` is Stripe's word for why, `network_code` the scheme's.
    Without them the payer has asked for it."""
    why = Failure(asked["code"], asked.get("network_code", "")) if "code" in asked else None
    return {"id": sandbox.book.give_back(sandbox.book.intents[asked["intent"]], why).id}


def webhook(sandbox: Sandbox, asked: Asked) -> Any:
    """Where and how events are told (see Webhooks); how many were."""
    sandbox.webhooks.set(asked)
    return sandbox.webhooks.figures()


def release_webhooks(sandbox: Sandbox, _: Asked) -> Any:
    """Tell now what was held."""
    return {"released": sandbox.webhooks.release()}


CONTROLS: Final[dict[str, Callable[[Sandbox, Asked], Any]]] = {
    one.__name__: one
    for one in (
        book,
        clock,
        faults,
        lists,
        key,
        refuse,
        forget,
        release,
        behave,
        card,
        setup_refused,
        challenge,
        dispute,
        fail_refund,
        close,
        end_debits,
        return_debit,
        webhook,
        release_webhooks,
        *control_billing.ALL,
    )
}


async def answer(sandbox: Sandbox, request: Request) -> Response:
    """What is asked of the sandbox itself, as HTTP: 404 for an unknown name, 400 for what makes no sense."""
    what = request.path_params["what"]
    asked_for = CONTROLS.get(what)
    if asked_for is None:
        return JSONResponse({"error": f"no control {what!r}; there are {', '.join(CONTROLS)}"}, 404)
    sandbox.pass_time()
    try:
        asked = json.loads(await request.body() or b"{}")
        found, status = asked_for(sandbox, asked), 200
    except KeyError as error:
        found, status = {"error": f"{what} needs {error}, or there is none of that name"}, 400
    except (WireError, TypeError, ValueError, AttributeError) as error:
        found, status = {"error": str(error)}, 400
    sandbox.tell()
    return JSONResponse(found, status)
