"""The console: staff come in by two steps, look, and see what an act changes before it is done."""

from __future__ import annotations

import io
import json
import re
from datetime import timedelta
from html import unescape
from typing import TYPE_CHECKING, Any, Final

import psycopg
import pytest
from pypdf import PdfReader
from tests import members
from tests.site import PASSWORD
from tests.web.routes import address, routes
from tests.web.states import Town
from tests.web.visitors import visitor

from arrears.core.certificate import verified
from arrears.core.closed import closed
from arrears.core.people.roles import MAY, StaffAct, StaffRole
from arrears.core.states import Reason
from arrears.engine.commands.arrangements import promisable
from arrears.notices.certificate_paper import FILE
from arrears.ports.bank import CreditState
from arrears.web.console.kinds import StaffForm

if TYPE_CHECKING:
    from django.test import Client


@pytest.fixture(scope="module")
def staff(town: Town) -> dict[StaffRole, Client]:
    """A member of staff of each role, signed in."""
    from django.test import Client

    found = {}
    for role in StaffRole:
        email = f"{role}@operator.example"
        members.made(email, f"The {role}", PASSWORD, role, town.now)
        found[role] = Client(HTTP_HOST="localhost")
        with psycopg.connect(town.shop.database) as db:
            db.execute("DELETE FROM throttle")
        assert members.both_steps(found[role], email, PASSWORD) == 302
    return found


def words(answer: Any) -> str:
    """The text of a page, in one line."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())).split())


CONSOLE: Final = {
    "/console/": StaffAct.LOOK,
    "/console/search": StaffAct.LOOK,
    "/console/tasks": StaffAct.LOOK,
    "/console/deletions": StaffAct.LOOK,
    "/console/bank": StaffAct.LOOK,
    "/console/bank/<int:number>": StaffAct.LOOK,
    "/console/tokens": StaffAct.MANAGE,
    "/console/policies": StaffAct.LOOK,
    "/console/policies/<slug:policy>": StaffAct.LOOK,
    "/console/messages": StaffAct.LOOK,
    "/console/messages/<slug:kind>": StaffAct.LOOK,
    "/console/reports": StaffAct.LOOK,
    "/console/reports/<slug:report>": StaffAct.LOOK,
    "/console/requests": StaffAct.LOOK,
    "/console/requests/<int:number>": StaffAct.LOOK,
    "/console/<account:account>/": StaffAct.LOOK,
    "/console/<account:account>/deleted/<int:number>.pdf": StaffAct.LOOK,
    "/console/<account:account>/<slug:act>": StaffAct.SERVE,
}
SENDING: Final = {
    "/console/tasks": StaffAct.SERVE,
    "/console/deletions": StaffAct.APPROVE,
    "/console/bank/<int:number>": StaffAct.SERVE,
    "/console/tokens": StaffAct.MANAGE,
    "/console/policies/<slug:policy>": StaffAct.MANAGE,
    "/console/requests/<int:number>": StaffAct.SERVE,
    "/console/<account:account>/<slug:act>": StaffAct.SERVE,
}
BEFORE_IT_OPENS: Final = ("sign-in", "sign-out", "second-step")


def test_every_page_of_the_console_opens_for_the_roles_that_may_and_for_no_other(
    town: Town, staff: dict[StaffRole, Client]
) -> None:
    every = {one for one in routes() if one.startswith("/console/") and not any(w in one for w in BEFORE_IT_OPENS)}
    assert every == set(CONSOLE)
    request = _asks(town, town.accounts["declined"], "What is this invoice for?")
    place = {"account": f"acc_{town.accounts['declined']}", "act": "hold", "report": "ageing", "number": request}
    place |= {"policy": "default", "kind": "reminder"}
    for route in sorted(every - {"/console/bank/<int:number>", "/console/<account:account>/deleted/<int:number>.pdf"}):
        where = address(route, place)
        for role, client in staff.items():
            looked, sent = client.get(where).status_code, client.post(where, {}).status_code
            assert looked == (200 if CONSOLE[route] in MAY[role] else 403), (route, role)
            if route in SENDING:
                assert (sent == 403) == (SENDING[route] not in MAY[role]), (route, role, sent)
            else:
                assert sent == 405, (route, role)
        for who in ("anonymous", "administrator"):
            answer = visitor(town, who).get(where)
            assert (answer.status_code, answer.headers["Location"].split("?")[0]) == (302, "/console/sign-in")


def test_whoever_has_the_password_alone_sees_nothing(town: Town) -> None:
    members.made("half@operator.example", "Half", PASSWORD, "administrator", town.now)
    from django.test import Client

    client = Client(HTTP_HOST="localhost")
    assert client.post("/console/sign-in", {"email": "half@operator.example", "password": PASSWORD}).status_code == 302
    assert client.get("/console/").status_code == 302
    assert client.post("/console/second-step", {"code": "000000"}).status_code == 422
    assert client.get("/console/").status_code == 302


def test_a_code_lets_in_once_and_none_before_it_does_after_it(town: Town) -> None:
    from django.test import Client

    members.made("once@operator.example", "Once", PASSWORD, "viewer", town.now)

    def comes_in(code: str) -> bool:
        client = Client(HTTP_HOST="localhost")
        client.post("/console/sign-in", {"email": "once@operator.example", "password": PASSWORD})
        return client.post("/console/second-step", {"code": code}).status_code == 302

    later = members.code(1)
    assert comes_in(f"{later[:3]} {later[3:]}")
    assert not comes_in(later)
    assert not comes_in(members.code())


def test_a_newcomer_chooses_a_password_and_sets_the_app_up_before_anything_opens(town: Town) -> None:
    from django.test import Client

    from arrears.web.console.members import create_staff

    create_staff("new@operator.example", "New", "a-first-password-of-mine", "agent", town.now, by="test", first=True)
    client = Client(HTTP_HOST="localhost")
    first = {"email": "new@operator.example", "password": "a-first-password-of-mine"}
    client.post("/console/sign-in", first)
    assert "Choose a password of your own" in words(client.get("/console/second-step"))
    for password, again, status in (
        ("short", "short", 422),
        ("a-first-password-of-mine", "a-first-password-of-mine", 422),
        ("another one, of my own", "another one, of mine", 422),
        ("another one, of my own", "another one, of my own", 302),
    ):
        answer = client.post("/console/second-step", {"password": password, "again": again})
        assert answer.status_code == status, password
    page = client.get("/console/second-step").content.decode()
    [key] = re.findall(r"<code>([A-Z2-7]{32})</code>", page)
    assert b"<svg" in client.get("/console/second-step/picture.svg").content
    assert client.get("/console/").status_code == 302
    assert client.post("/console/second-step", {"code": members.code(key=key)}).status_code == 302
    assert client.get("/console/").status_code == 200
    assert (
        client.post(
            "/console/sign-in", {"email": "new@operator.example", "password": "a-first-password-of-mine"}
        ).status_code
        == 403
    )


def test_a_new_start_and_an_end_take_every_session_with_them(town: Town) -> None:
    from django.test import Client

    from arrears.web.console import members as store

    for email, ends in (
        ("reset@operator.example", lambda one: store.reset_member(one, store.first_password())),
        ("ended@operator.example", store.end_member),
    ):
        members.made(email, "Sam", PASSWORD, "agent", town.now)
        client = Client(HTTP_HOST="localhost")
        assert members.both_steps(client, email, PASSWORD) == 302
        assert client.get("/console/").status_code == 200
        ends(store.known_member(email))
        assert client.get("/console/").status_code == 302
        assert members.both_steps(Client(HTTP_HOST="localhost"), email, PASSWORD) == 403


def test_today_says_what_is_at_risk_and_what_comes(town: Town, staff: dict[StaffRole, Client]) -> None:
    page = words(staff[StaffRole.VIEWER].get("/console/"))
    assert "Past due now" in page
    assert "€" in page
    assert "What happens in the next 14 days" in page


def test_an_account_is_found_by_whatever_is_known_of_it(town: Town, staff: dict[StaffRole, Client]) -> None:
    number = town.accounts["declined"]
    with psycopg.connect(town.shop.database) as db:
        row = db.execute(
            "SELECT a.ref, i.number FROM account a JOIN invoice i USING (account_id) WHERE account_id = %s", [number]
        ).fetchone()
    assert row is not None
    for known in (f"acc_{number}", *row):
        answer = staff[StaffRole.VIEWER].get("/console/search", {"q": known})
        assert (answer.status_code, answer.headers.get("Location")) == (303, f"/console/acc_{number}/"), known
    for unknown in ("nobody at all", "acc_999999", "%", "_", "a" * 500, "' OR 1=1 --"):
        assert "No account was found" in words(staff[StaffRole.VIEWER].get("/console/search", {"q": unknown})), unknown


# What each act is filled in with; a form that is new has a line here.
FILLED: Final = closed(
    "acts of staff, filled in",
    StaffForm,
    {
        StaffForm.HOLD: {"scope": "account"},
        StaffForm.RELEASE: {"hold": "1"},
        StaffForm.PROMISE: {"count": "3", "every": "month", "collected": "no"},
        StaffForm.END_PROMISE: {"arrangement": "1"},
        StaffForm.DISPUTE: {},
        StaffForm.DUE_DATE: {},
        StaffForm.CREDIT: {"amount": "1.00"},
        StaffForm.VOID: {},
        StaffForm.WRITE_OFF: {},
        StaffForm.PAYMENT: {"amount": "1.00", "ref": "bank-1"},
        StaffForm.WARNED: {"action": "disable", "how": "telephone", "proof": "file 7"},
        StaffForm.CANCEL: {},
        StaffForm.REACTIVATE: {},
    },
)


@pytest.mark.parametrize("kind", list(StaffForm))
def test_what_an_act_shows_is_what_it_does_and_looking_does_nothing(
    town: Town, staff: dict[StaffRole, Client], kind: StaffForm
) -> None:
    from arrears.wiring import installed

    number, store = _owing(town, kind), installed().store
    client, where = staff[StaffRole.AGENT], f"/console/acc_{number}/{kind}"
    account = store.snapshots([number])[number]
    form = {
        "why": "they asked",
        "day": (town.now + timedelta(days=20)).date().isoformat(),
        "invoice": account.debts[0].number,
        "subscription": f"sub_{number}_{account.subscriptions[0].no}",
        **FILLED[kind],
    }
    if kind is StaffForm.PROMISE:
        form["promised"] = promisable(account)[0].currency
    if kind is StaffForm.RELEASE:
        form["hold"] = next((str(hold.no) for hold in account.holds if hold.ended_at is None), "1")
    if kind is StaffForm.WARNED:
        form["day"] = (town.now - timedelta(days=1)).date().isoformat()
    before = store.history(number)
    shown = client.post(where, form)
    assert store.history(number) == before, "looking at the effect recorded something"
    if shown.status_code == 422:
        assert 'role="alert"' in shown.content.decode()
        return
    assert shown.status_code == 200, words(shown)
    then = dict(re.findall(r'<th scope="row">(.*?)</th><td>.*?</td><td><strong>(.*?)</strong>', shown.content.decode()))
    [seq] = re.findall(r'name="seq" value="(\d+)"', shown.content.decode())
    assert int(seq) == before[-1].seq
    done = client.post(where, {**form, "seq": seq})
    assert done.headers.get("Location") == f"/console/acc_{number}/?done={kind}", words(done)
    after = store.history(number)
    assert after[len(before)].author.startswith("staff:")
    assert client.post(where, {**form, "seq": seq}).status_code in (409, 422), "pressed twice, done twice"
    assert store.history(number) == after
    from arrears.web.console.acts import _said

    page = client.get(f"/console/acc_{number}/")
    assert page.status_code == 200
    visit = _visit(client, number)
    now = _said(visit, visit.snapshot)
    assert {what: now.get(unescape(what), "no") for what in then} == {k: unescape(v) for k, v in then.items()}


def _owing(town: Town, kind: StaffForm) -> int:
    """An account of its own for each act, that owes, or is stopped by its own wish."""
    from arrears.wiring import installed

    snapshots = installed().store.snapshots(sorted(town.accounts.values()))
    owe = [number for number, account in snapshots.items() if account.debts and account.subscriptions]
    held = [n for n in owe if any(hold.ended_at is None for hold in snapshots[n].holds)]
    canceled = [n for n in owe if any(Reason.CANCELED in sub.reasons for sub in snapshots[n].subscriptions)]
    late = [n for n in owe if promisable(snapshots[n])]
    promised = [n for n in owe if snapshots[n].arrangements]
    fits = {StaffForm.RELEASE: held, StaffForm.REACTIVATE: canceled}
    fit = {**fits, StaffForm.PROMISE: late, StaffForm.END_PROMISE: promised}.get(kind) or owe
    return fit[list(StaffForm).index(kind) % len(fit)]


def _visit(client: Client, number: int) -> Any:
    from django.test import RequestFactory
    from django.utils import translation

    from arrears.web.console.frame import ConsoleRequest
    from arrears.web.console.members import members as every
    from arrears.wiring import installed

    translation.activate("en")
    request = RequestFactory().get("/console/", HTTP_HOST="localhost")
    return ConsoleRequest(request, installed(), every()[0], installed().clock.now()).visit(number)


def test_one_person_is_not_two_when_a_deletion_is_released(town: Town, staff: dict[StaffRole, Client]) -> None:
    """The command and the console name whoever releases alike."""
    from arrears.cli.deletion import releasing
    from arrears.core.errors import Refused
    from arrears.web.console.members import known_member
    from arrears.wiring import installed

    approver = known_member("approver@operator.example")
    assert releasing(installed(), "Approver@Operator.example") == (f"staff:{approver.number}", approver.known_as)
    for somebody, code in (("agent@operator.example", "bad_role"), ("ann", "unknown_staff")):
        with pytest.raises(Refused) as refused:
            releasing(installed(), somebody)
        assert refused.value.code == code


def test_nothing_of_one_account_is_on_the_page_of_another(town: Town, staff: dict[StaffRole, Client]) -> None:
    with psycopg.connect(town.shop.database) as db:
        theirs = {
            number
            for (number,) in db.execute(
                "SELECT account_id FROM account WHERE name LIKE '%CANARY%' UNION SELECT account_id"
                " FROM account_role JOIN person USING (person_id) WHERE display_name LIKE '%CANARY%'"
            )
        }
    assert theirs
    for name, number in town.accounts.items():
        page = staff[StaffRole.ADMINISTRATOR].get(f"/console/acc_{number}/")
        assert page.status_code == 200, name
        assert ("CANARY" in page.content.decode()) == (number in theirs), name


def test_a_token_is_made_shown_once_turned_and_ended(town: Town, staff: dict[StaffRole, Client]) -> None:
    from arrears.web.api_tokens import listed_tokens, token_of

    client = staff[StaffRole.ADMINISTRATOR]
    asked = {"do": "create", "name": "Billing", "scopes": "*:read invoices:write", "account": "", "expires_on": ""}
    made = client.post("/console/tokens", asked)
    [secret] = re.findall(r"arr_[\w-]+", made.content.decode())
    found = token_of(secret, town.now)
    assert found is not None
    assert (found.name, sorted(map(str, found.scopes))) == ("Billing", ["*:read", "invoices:write"])
    listed = client.get("/console/tokens")
    assert "Billing" in words(listed)
    assert re.search(r"made on .* by \w+", words(listed)), "the page says who made it, as they are called"
    assert listed_tokens()[-1].made_by.startswith("staff:")
    assert "arr_" not in listed.content.decode(), "a secret is on one page alone"
    for more, said in (
        ({}, "in use"),
        ({"name": "x" * 61}, "at most 60"),
        ({"name": "Other", "scopes": "everything"}, "is no scope"),
        ({"name": "Other", "scopes": " "}, "Say what it may do"),
        ({"name": "Other", "account": "nobody-there"}, "there is no account"),
        ({"name": "Other", "expires_on": "soon"}, "Write the day"),
        ({"name": "Other", "expires_on": "2020-01-01"}, "later day"),
    ):
        answer = client.post("/console/tokens", {**asked, **more})
        assert (answer.status_code, said in words(answer)) == (422, True), (more, words(answer))
    turned = client.post("/console/tokens", {"do": "rotate", "token": found.number})
    [second] = re.findall(r"arr_[\w-]+", turned.content.decode())
    assert token_of(second, town.now) == token_of(secret, town.now) == found
    assert client.post("/console/tokens", {"do": "revoke", "token": found.number}).status_code == 303
    assert token_of(second, town.now) is None
    assert "Billing" not in words(client.get("/console/tokens"))
    assert client.post("/console/tokens", {"do": "revoke", "token": "999999"}).status_code == 422
    assert listed_tokens()[-1].number == found.number


def test_a_request_is_answered_held_for_longer_and_closed(town: Town, staff: dict[StaffRole, Client]) -> None:
    text = "We cannot pay this month <b>at all</b>."
    asked = _asks(town, town.accounts["warned"], text)
    agent, where = staff[StaffRole.AGENT], f"/console/requests/{asked}"
    assert f'href="{where}"' in agent.get("/console/requests").content.decode()
    page = agent.get(where)
    assert "&lt;b&gt;at all&lt;/b&gt;" in page.content.decode()
    for form, status in (
        ({"do": "answer", "text": " "}, 422),
        ({"do": "hold", "days": "0", "why": "they asked"}, 422),
        ({"do": "hold", "days": "9", "why": ""}, 422),
        ({"do": "nothing"}, 422),
        ({"do": "hold", "days": "9", "why": "they asked"}, 303),
        ({"do": "answer", "text": "You have nine days more."}, 303),
        ({"do": "close", "why": ""}, 422),
        ({"do": "close", "why": "agreed"}, 303),
        ({"do": "close", "why": "agreed"}, 422),
    ):
        assert agent.post(where, form).status_code == status, form
    assert "You have nine days more." in words(agent.get(where))
    assert 'name="do"' not in staff[StaffRole.VIEWER].get(where).content.decode()
    assert staff[StaffRole.VIEWER].post(where, {"do": "close", "why": "x"}).status_code == 403


def _asks(town: Town, account: int, text: str) -> int:
    """The administrator asks for help in the account centre; the number of the request."""
    answer = visitor(town, "administrator").post(f"/acc_{account}/help", {"about": "cannot_pay", "text": text})
    assert answer.status_code == 303
    return int(answer.headers["Location"].split("/help/")[-1].split("?")[0].split("#")[0])


def test_the_certificate_of_a_deletion_is_a_pdf_for_staff(town: Town, staff: dict[StaffRole, Client]) -> None:
    viewer = staff[StaffRole.VIEWER]
    page = viewer.get("/console/deletions").content.decode()
    [where] = set(re.findall(r'href="(/console/acc_[0-9]+/deleted/[0-9]+[.]pdf)"', page))
    answer = viewer.get(where)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/pdf")
    [file] = PdfReader(io.BytesIO(answer.content)).attachments[FILE]
    says = verified(file, json.loads(file)["key"])
    assert says["account"] in where
    for other in (f"/console/acc_{town.accounts['declined']}/deleted/1.pdf", where.replace(".pdf", "9.pdf")):
        assert viewer.get(other).status_code == 404, "nothing of it is deleted"


def test_a_return_is_closed_with_what_it_takes_back_and_both_are_opened_again(
    town: Town, staff: dict[StaffRole, Client]
) -> None:
    from arrears.core.bank.statements import Balance, BankEntry, BankFile, BankStatement, BankTransaction, StatementKind
    from arrears.engine.commands.bank.taking import take_file

    store, today, iban = town.shop.store, town.now.date(), "NL91ABNA0417164300"
    ends = (Balance(0, "EUR", today), Balance(0, "EUR", today))
    entries = [
        BankEntry(minor, "EUR", today, today, f"B{minor}", reversal=minor < 0, transactions=(
            BankTransaction(minor, "EUR", name="Somebody else", iban="DE89370400440532013000", texts=("who knows",)),
        ))
        for minor in (7, -7)
    ]  # fmt: skip
    file = BankFile((BankStatement("camt.053.001.08", StatementKind.STATEMENT, iban, "EUR", *ends, tuple(entries)),))
    [[came, back]] = take_file(store, file, b"r" * 32, "returns.xml", {(iban, "EUR")}, town.now).firsts

    def states() -> list[str]:
        return [one.state.value for one in store.credits_in(list(CreditState), [came or 0, back or 0])]

    agent, page = staff[StaffRole.AGENT], f"/console/bank/{back}"
    assert states() == ["waiting", "waiting"]
    shown = agent.get(page).content.decode()
    assert f'name="credit" value="{came}"' in shown
    assert "Somebody else" in shown
    refused = agent.post(page, {"do": "return", "other": "999999"})
    assert (refused.status_code, "there is no credit 999999" in words(refused)) == (422, True)
    assert (agent.post(page, {"do": "return"}).status_code, states()) == (422, ["waiting", "waiting"])
    assert agent.post(page, {"do": "return", "credit": str(came)}).status_code == 303
    assert states() == ["returned", "returned"]
    assert agent.post(f"/console/bank/{came}", {"do": "undo", "why": "another one"}).status_code == 303
    assert states() == ["waiting", "waiting"]
    for number in (came, back):
        agent.post(f"/console/bank/{number}", {"do": "ignore", "why": "a test"})


def test_a_part_of_what_nobody_has_booked_and_a_reversal_are_said_before_anybody_decides(
    town: Town, staff: dict[StaffRole, Client]
) -> None:
    from arrears.core.bank.statements import Balance, BankEntry, BankFile, BankStatement, BankTransaction, StatementKind
    from arrears.engine.commands.bank.taking import take_file

    store, today, iban = town.shop.store, town.now.date(), "NL91ABNA0417164300"
    entries = [
        BankEntry(minor, "EUR", today, today, reversal=minor == 900, transactions=(
            BankTransaction(minor, "EUR", end_to_end=f"P{minor == 900}", texts=("who knows",), returned=minor < 0),
        ))
        for minor in (700, -500, 900)
    ]  # fmt: skip
    ends = (Balance(0, "EUR", today), Balance(1_100, "EUR", today))
    file = BankFile((BankStatement("camt.053.001.08", StatementKind.STATEMENT, iban, "EUR", *ends, tuple(entries)),))
    [[came, back, reversal]] = take_file(store, file, b"p" * 32, "parts.xml", {(iban, "EUR")}, town.now).firsts
    agent = staff[StaffRole.AGENT]
    shown = agent.get(f"/console/bank/{back}")
    assert "Say first whose it is: €2.00 of it stays with us." in words(shown)
    assert f'href="/console/bank/{came}"' in shown.content.decode()
    assert 'name="credit"' not in shown.content.decode()
    refused = agent.post(f"/console/bank/{back}", {"do": "return", "other": str(came)})
    assert (refused.status_code, "nobody has said whose that is" in words(refused)) == (422, True)
    assert "it is no new money of a customer" in words(agent.get(f"/console/bank/{reversal}"))
    for number in (came, back, reversal):
        agent.post(f"/console/bank/{number}", {"do": "ignore", "why": "a test"})
