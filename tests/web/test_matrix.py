"""Every route, for everybody: what they are answered, that looking changes nothing, that forms are ours.

The lists are made from the URL configuration: a route that is not in the tables fails the first test, and is under all
the others once its line is written.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import psycopg
import pytest
from tests import members
from tests.web import states
from tests.web.routes import address, parts, routes, target, values
from tests.web.states import Town
from tests.web.visitors import ROLES, forget_sessions, visitor

if TYPE_CHECKING:
    from django.test import Client

# What each role is answered: on the own account, and after a slash on somebody else's where that differs. `in` is the
# way to the sign-in page. A method that has no line is answered with 405; HEAD is as GET. Forms are sent empty.
PAGES: Final = """
                                                anonymous  link     administrator  reader   stranger  staff
GET  /                                          in         in       200            200      200       in
GET  /sign-in                                   200        200      200            200      200       200
POST /sign-in                                   403        403      403            403      403       403
POST /sign-out                                  in         in       in             in       in        in
GET  /console/                                  in         in       in             in       in        200
GET  /console/sign-in                           200        200      200            200      200       200
POST /console/sign-in                           403        403      403            403      403       403
GET  /console/sign-in/back                      404        404      404            404      404       404
POST /console/sign-in/provider                  404        404      404            404      404       404
POST /console/sign-out                          in         in       in             in       in        in
GET  /console/second-step                       in         in       in             in       in        in
POST /console/second-step                       in         in       in             in       in        in
GET  /console/second-step/picture.svg           404        404      404            404      404       404
GET  /console/search                            in         in       in             in       in        200
GET  /console/tasks                             in         in       in             in       in        200
POST /console/tasks                             in         in       in             in       in        422
GET  /console/deletions                         in         in       in             in       in        200
POST /console/deletions                         in         in       in             in       in        403
GET  /console/bank                              in         in       in             in       in        200
GET  /console/bank/<int:number>                 in         in       in             in       in        404
POST /console/bank/<int:number>                 in         in       in             in       in        404
GET  /console/tokens                            in         in       in             in       in        403
POST /console/tokens                            in         in       in             in       in        403
GET  /console/policies                          in         in       in             in       in        200
GET  /console/policies/<slug:policy>            in         in       in             in       in        200
POST /console/policies/<slug:policy>            in         in       in             in       in        403
GET  /console/messages                          in         in       in             in       in        200
GET  /console/messages/<slug:kind>              in         in       in             in       in        200
GET  /console/reports                           in         in       in             in       in        200
GET  /console/reports/<slug:report>             in         in       in             in       in        200
GET  /console/requests                          in         in       in             in       in        200
GET  /console/requests/<int:number>             in         in       in             in       in        404
POST /console/requests/<int:number>             in         in       in             in       in        404
GET  /console/<account:account>/                in         in       in             in       in        200
GET  /console/<account:account>/deleted/<int:number>.pdf in         in       in             in       in        404
GET  /console/<account:account>/<slug:act>      in         in       in             in       in        200
POST /console/<account:account>/<slug:act>      in         in       in             in       in        422
POST /language                                  302        302      302            302      302       302
GET  /banner.js                                 200        200      200            200      200       200
GET  /favicon.ico                               200        200      200            200      200       200
GET  /acc/                                      in         in       200            200      200       in
GET  /acc/<path:task>                           in         in       200            200      200       in
GET  /assets/<asset>                            200        200      200            200      200       200
GET  /address/<str:token>                       200        200      200            200      200       200
POST /address/<str:token>                       200        200      200            200      200       200
GET  /outbox/                                   404        404      404            404      404       404
GET  /outbox/<str:name>                         404        404      404            404      404       404
GET  /outbox/<str:name>/html                    404        404      404            404      404       404
GET  /pay/                                      410        200      410            410      410       410
POST /pay/                                      410        409      410            410      410       410
GET  /pay/<str:token>                           303        303      303            303      303       303
GET  /settle/<str:account>                      302        302      302            302      302       302
GET  /<account:account>/                        in         in       200/404        200/404  404       in
GET  /<account:account>/settle                  in         in       200/404        200/404  404       in
POST /<account:account>/settle                  in         in       409/404        403/404  404       in
GET  /<account:account>/settle/back/<int:number>  in       in       303/404        303/404  404       in
POST /<account:account>/settle/back/<int:number>  in       in       303/404        403/404  404       in
GET  /<account:account>/methods                 in         in       200/404        200/404  404       in
POST /<account:account>/methods                 in         in       303/404        403/404  404       in
GET  /<account:account>/methods/add             in         in       303/404        303/404  404       in
GET  /<account:account>/subscriptions           in         in       200/404        200/404  404       in
POST /<account:account>/subscriptions           in         in       303/404        403/404  404       in
GET  /<account:account>/invoices                in         in       200/404        200/404  404       in
GET  /<account:account>/invoices.csv            in         in       200/404        200/404  404       in
GET  /<account:account>/statement               in         in       200/404        200/404  404       in
GET  /<account:account>/statement.pdf           in         in       200/404        200/404  404       in
GET  /<account:account>/statement.csv           in         in       200/404        200/404  404       in
GET  /<account:account>/profile                 in         in       200/404        200/404  404       in
POST /<account:account>/profile                 in         in       303/404        403/404  404       in
GET  /<account:account>/profile/address         in         in       303/404        303/404  404       in
GET  /<account:account>/profile/people          in         in       303/404        303/404  404       in
GET  /<account:account>/story/<str:attempts>    in         in       200/404        200/404  404       in
POST /<account:account>/story/<str:attempts>    in         in       303/404        403/404  404       in
GET  /settle/<str:account>/<int:attempt>        302        302      302            302      302       302
GET  /sign-in/second-step                       in         in       302            302      302       in
POST /sign-in/second-step                       in         in       302            302      302       in
GET  /sign-in/passkey                           in         in       302            302      302       in
POST /sign-in/passkey                           403        403      302            302      302       403
GET  /sign-in/forgotten                         200        200      200            200      200       200
POST /sign-in/forgotten                         200        200      200            200      200       200
GET  /sign-in/again                             in         in       200            200      200       in
POST /sign-in/again                             in         in       200            200      200       in
GET  /sign-in/again/code                        in         in       in             in       in        in
POST /sign-in/again/code                        in         in       in             in       in        in
GET  /sign-in/again/passkey                     in         in       in             in       in        in
POST /sign-in/again/passkey                     in         in       in             in       in        in
GET  /new-password/<str:token>                  410        410      410            410      410       410
POST /new-password/<str:token>                  410        410      410            410      410       410
GET  /invitation/<str:token>                    410        410      410            410      410       410
POST /invitation/<str:token>                    410        410      410            410      410       410
GET  /security                                  in         in       200            200      200       in
POST /security                                  in         in       303            303      303       in
GET  /security/password                         in         in       200            200      200       in
POST /security/password                         in         in       422            422      422       in
GET  /security/app                              in         in       200            200      200       in
POST /security/app                              in         in       200            200      200       in
GET  /security/app/picture.svg                  in         in       404            404      404       in
GET  /security/app/remove                       in         in       404            404      404       in
POST /security/app/remove                       in         in       404            404      404       in
GET  /security/codes                            in         in       404            404      404       in
GET  /security/codes/new                        in         in       200            200      200       in
POST /security/codes/new                        in         in       200            200      200       in
GET  /security/passkeys/new                     in         in       200            200      200       in
POST /security/passkeys/new                     in         in       200            200      200       in
GET  /security/passkeys/<int:pk>                in         in       404            404      404       in
POST /security/passkeys/<int:pk>                in         in       404            404      404       in
GET  /security/passkeys/<int:pk>/remove         in         in       404            404      404       in
POST /security/passkeys/<int:pk>/remove         in         in       404            404      404       in
GET  /<account:account>/timeline                in         in       200/404        200/404  404       in
GET  /<account:account>/receipts/<int:number>   in         in       404            404      404       in
GET  /<account:account>/receipts/<int:number>.pdf  in      in       404            404      404       in
GET  /<account:account>/invoices/<int:number>.pdf  in      in       404            404      404       in
GET  /<account:account>/invoices/<int:number>/credits/<int:place>.pdf  in  in  404   404      404       in
GET  /help                                      200        200      200            200      200       200
POST /help                                      422        422      422            422      422       422
GET  /help/confirm/<str:token>                  410        410      410            410      410       410
POST /help/confirm/<str:token>                  410        410      410            410      410       410
GET  /help/read/<str:token>                     410        410      410            410      410       410
GET  /help/request                              410        410      410            410      410       410
POST /help/request                              410        410      410            410      410       410
GET  /<account:account>/help                    in         in       200/404        200/404  404       in
POST /<account:account>/help                    in         in       422/404        422/404  404       in
GET  /<account:account>/help/<int:number>       in         in       404            404      404       in
POST /<account:account>/help/<int:number>       in         in       404            404      404       in
HEAD /webhooks/mail/<slug:provider>             404        404      404            404      404       404
POST /webhooks/mail/<slug:provider>             404        404      404            404      404       404
POST /webhooks/services/<str:service>           401        401      401            401      401       401
POST /webhooks/<slug:provider>                  400        400      400            400      400       400
"""

# For programs: no token, one that may read, one that may write, the banner's own for this account. Bodies are wrong
# on an account that is there, and right (BODIES) on one that is not. Here HEAD has no line of its own and is 405.
PROGRAMS: Final = """
                                                             nobody  reads    writes   banner
GET    /v1/                                                  404     404      404      404
GET    /v1/openapi.json                                      200     200      200      200
GET    /v1/me                                                401     200      200      401
GET    /v1/accounts/<account>/settlement                     401     200/404  200/404  401
POST   /v1/accounts/<account>/settlement                     401     403      422/404  401
GET    /v1/accounts/<account>/payment-methods                401     200/404  200/404  401
POST   /v1/accounts/<account>/payment-methods                401     403      422/404  401
POST   /v1/accounts/<account>/payment-methods/finish         401     403      422/404  401
POST   /v1/accounts/<account>/payment-methods/<method>/activate  401  403     422/404  401
POST   /v1/accounts/<account>/payment-methods/<method>/renew  401    403      422/404  401
DELETE /v1/accounts/<account>/payment-methods/<method>       401     403      404      401
GET    /v1/accounts/<account>/attempts                       401     200/404  200/404  401
POST   /v1/payments/<payment>/refund                         401     403      422/404  401
GET    /v1/accounts/<account>/alerts                         401     200/404  200/404  200/404
POST   /v1/accounts/<account>/banner-token                   401     200/404  200/404  401
GET    /v1/accounts/<account>/recipients                     401     200/404  200/404  401
GET    /v1/accounts/<account>/told-when                      401     200/404  200/404  401
POST   /v1/accounts/<account>/contact-address                401     403      422/404  401
POST   /v1/accounts/<account>/test-message                   401     403      422/404  401
PUT    /v1/accounts/<account>/recipients/extra               401     403      422/404  401
DELETE /v1/accounts/<account>/recipients/extra               401     403      422/404  401
GET    /v1/accounts/<account>/people                         401     200/404  200/404  401
GET    /v1/accounts/<account>/people/<person>                401     200/404  200/404  401
PUT    /v1/accounts/<account>/people/<person>                401     403      422/404  401
DELETE /v1/accounts/<account>/people/<person>                401     403      404      401
PUT    /v1/accounts/<account>/people/<person>/profile        401     403      422/404  401
GET    /v1/accounts/<account>/timeline                       401     200/404  200/404  401
GET    /v1/accounts/<ref>                                    401     404      404      401
PUT    /v1/accounts/<ref>                                    401     403      422      401
GET    /v1/invoices/<path:number>                            401     404      404      401
PUT    /v1/invoices/<path:number>                            401     403      422      401
POST   /v1/upserts                                           401     403      415      401
POST   /v1/bank/statements                                   401     403      415      401
GET    /v1/accounts                                          401     200      200      401
GET    /v1/subscriptions                                     401     200      200      401
GET    /v1/invoices                                          401     200      200      401
GET    /v1/cases                                             401     200      200      401
GET    /v1/cases/<case>                                      401     404      404      401
GET    /v1/accounts/<account>/explanation                    401     200/404  200/404  401
GET    /v1/accounts/<account>/ahead                          401     200/404  200/404  401
GET    /v1/tasks                                             401     200      200      401
POST   /v1/tasks/<task_no>/close                             401     403      422      401
GET    /v1/policies                                          401     200      200      401
GET    /v1/policies/<name>                                   401     404      404      401
POST   /v1/payments                                          401     403      422      401
POST   /v1/payments/<path:payment>/take-back                 401     403      422/404  401
POST   /v1/credits                                           401     403      422      401
POST   /v1/voids                                             401     403      422      401
POST   /v1/write-offs                                        401     403      422      401
POST   /v1/due-dates                                         401     403      422      401
POST   /v1/declines                                          401     403      422      401
POST   /v1/disputes                                          401     403      422      401
POST   /v1/holds                                             401     403      422      401
POST   /v1/holds/<hold>/release                              401     403      422      401
GET    /v1/accounts/<account>/promises                       401     200/404  200/404  401
POST   /v1/accounts/<account>/promises                       401     403      422      401
POST   /v1/promises/<promise>/end                            401     403      422      401
GET    /v1/accounts/<account>/subscriptions/<subscription>   401     200/404  200/404  401
PUT    /v1/accounts/<account>/subscriptions/<subscription>   401     403      422/404  401
POST   /v1/accounts/<account>/subscriptions/<subscription>/cancel      401  403  422/404  401
POST   /v1/accounts/<account>/subscriptions/<subscription>/reactivate  401  403  422/404  401
GET    /v1/events                                            401     200      200      401
GET    /v1/event-endpoints                                   401     200      200      401
PUT    /v1/event-endpoints/<name>                            401     403      422      401
DELETE /v1/event-endpoints/<name>                            401     403      404      401
POST   /v1/event-endpoints/<name>/rotate                     401     403      422      401
POST   /v1/event-endpoints/<name>/replay                     401     403      422      401
GET    /v1/event-endpoints/<name>/deliveries                 401     404      404      401
"""
BODIES: Final[dict[str, dict[str, object]]] = {
    "settlement": {"method": 1, "quotes": [{"currency": "EUR", "amount_minor": 1, "hash": "x"}]},
    "finish": {"page": "x"},
    "renew": {"month": 1, "year": 2040},
    "refund": {"amount_minor": 1, "currency": "EUR", "why": "test"},
    "contact-address": {"person": "per_1", "address": "a@example.org"},
    "test-message": {"person": "per_1"},
    "extra": {"address": "a@example.org"},
    "<subscription>": {"service": "cloud"},
    "<person>": {"role": "billing_reader"},
    "profile": {"locale": "nl"},
    "take-back": {"why": "test"},
    "cancel": {"why": "test"},
    "reactivate": {"why": "test"},
}

# Pages that ask the browser's own device something: what they asked is kept in the session, for the form to come.
ASKING: Final = (
    "/security/app",
    "/security/app/picture.svg",
    "/security/passkeys/new",
    "/sign-in/passkey",
    "/sign-in/again/passkey",
)
# What those may change by being looked at, and nothing else may.
MAY_CHANGE: Final = {"django_session"}

# Unsafe routes that take no token of a form, and why that is safe.
WITHOUT_A_FORM: Final = {
    "/webhooks/<slug:provider>": "a provider's server has no page of ours; its signature is over the body",
    "/webhooks/services/<str:service>": "a service has no page of ours; its signature is over the body",
    "/webhooks/mail/<slug:provider>": "a mail provider's server has no page of ours; it signs in with a secret",
    "/v1/": "programs send a token in a header, which no other site's form can; no cookie counts there",
}


class Line(NamedTuple):
    """What each role is answered with this method."""

    method: str
    route: str
    cells: dict[str, str]

    def wanted(self, role: str, *, own: bool) -> str:
        mine, slash, others = self.cells[role].partition("/")
        return mine if own or not slash else others


def table(text: str) -> list[Line]:
    head, *rows = (row.split() for row in text.strip().splitlines())
    return [Line(method, route, dict(zip(head, cells, strict=True))) for method, route, *cells in rows]


PAGE_LINES, PROGRAM_LINES = table(PAGES), table(PROGRAMS)
LISTED: Final = list(dict.fromkeys(line.route for line in (*PAGE_LINES, *PROGRAM_LINES)))
PAGE_ROUTES: Final = list(dict.fromkeys(line.route for line in PAGE_LINES))
UNKNOWN: Final = 999_999
METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


@pytest.fixture(scope="module")
def own(town: Town) -> int:
    """An account that owes, has a card that was declined, and a story to tell."""
    return town.accounts["declined"]


def said(answer: Any) -> str:
    """The answer in the words of the table."""
    to = answer.headers.get("Location", "")
    return (
        "in"
        if answer.status_code == 302 and to.startswith(("/sign-in", "/console/sign-in"))
        else str(answer.status_code)
    )


def test_every_route_has_its_lines_in_the_tables(site: str) -> None:
    found = routes()
    assert [route for route in found if route not in LISTED] == [], "write its line in PAGES or PROGRAMS"
    assert [route for route in LISTED if route not in found] == [], "this route is gone: take its line out"


@pytest.mark.parametrize("route", PAGE_ROUTES)
def test_everybody_is_answered_as_listed_and_nobody_sees_the_canary(town: Town, own: int, route: str) -> None:
    other, wrong = town.accounts["canary"], []
    if route in ASKING:
        forget_sessions()  # what an earlier look has asked is not asked again
    lines = {line.method: line for line in PAGE_LINES if line.route == route}
    for role in ROLES:
        for account in (own, other) if "account" in parts(route) else (own,):
            for method in METHODS:
                line = lines.get(method) or lines.get({"HEAD": "GET"}.get(method, ""))
                wanted = line.wanted(role, own=account == own) if line else "405"
                browser = visitor(town, role, own)
                answer = browser.generic(method, target(town, route, account))
                if "Clear-Site-Data" in answer.headers:
                    forget_sessions()
                whose = "own" if account == own else "another"
                if said(answer) != wanted:
                    wrong.append(f"{method} {route} as {role}, {whose} account: {said(answer)}, not {wanted}")
                if (seen := canaries(answer, other)) and not (role == "staff" and route.startswith("/console/")):
                    wrong.append(f"{method} {route} as {role}, {whose} account: shows {seen}")
    assert wrong == []


def canaries(answer: Any, other: int) -> list[str]:
    """What an answer shows of somebody else's account. Its number may stand where it was in the address."""
    text = answer.content.decode(errors="replace").replace("\u00a0", " ").replace(f"acc_{other}", "")
    return [word for word in states.CANARY if word in text]


def test_the_canary_sings_for_its_owner(town: Town) -> None:
    """Otherwise its silence elsewhere would prove nothing."""
    other = town.accounts["canary"]
    browser = visitor(town, "other")
    seen = {word for path in ("", "settle", "profile") for word in canaries(browser.get(f"/acc_{other}/{path}"), other)}
    assert {"CANARY", "canary.example", "87.654"} <= seen


def test_numbers_of_another_account_lead_nowhere_on_the_own_one(town: Town, own: int) -> None:
    browser = visitor(town, "administrator")
    number = town.setup(town.accounts["canary"])
    assert number
    for path in (f"settle/back/{number}", "settle/back/999999", "story/99", "story/1-99", "story/x"):
        assert browser.get(f"/acc_{own}/{path}").status_code == 404, path
    answer = browser.get(f"/acc_{own}/methods?added={number}&why=CANARY&done=CANARY")
    assert canaries(answer, town.accounts["canary"]) == []


@pytest.mark.parametrize("line", PROGRAM_LINES, ids=lambda line: f"{line.method} {line.route}")
def test_every_program_is_answered_as_listed(town: Town, own: int, line: Line) -> None:
    with psycopg.connect(town.shop.database) as db:
        db.execute("DELETE FROM throttle")  # tokens that are wrong are counted, and this table has many
    wrong = []
    for role, headers in tokens(town, own).items():
        for account in (own, UNKNOWN) if "account" in parts(line.route) or "payment" in parts(line.route) else (own,):
            answer = asked(line, headers, account, town)
            wanted = line.wanted(role, own=account == own)
            if str(answer.status_code) != wanted:
                whose = "known" if account == own else "unknown"
                wrong.append(
                    f"{line.method} {line.route} as {role}, {whose} account: {answer.status_code}, not {wanted}"
                    f" ({answer.content[:200].decode(errors='replace')})"
                )
    assert wrong == []


def test_a_token_that_is_over_opens_what_none_opens(town: Town, own: int) -> None:
    from arrears.web import api_tokens

    now = datetime.now(UTC)
    texts = [api_tokens.create_token("over", "write", now, now - timedelta(seconds=1))]
    texts.append(api_tokens.create_token("revoked", "write", now))
    known = api_tokens.token_of(texts[1], now)
    assert known is not None
    texts += [_banner_token_of(f"acc_{own}", known.number), _banner_token_of(f"acc_{own}", known.number + 1)]
    api_tokens.revoke_token(known.number, now)
    for line in PROGRAM_LINES:
        with psycopg.connect(town.shop.database) as db:
            db.execute("DELETE FROM throttle")  # each of these is a wrong token, and there are many routes
        for text in texts:
            answer = asked(line, {"Authorization": f"Bearer {text}"}, own, town)
            assert (line.method, line.route, str(answer.status_code)) == (line.method, line.route, line.cells["nobody"])


@pytest.mark.parametrize("staff_role", ["viewer", "approver", "administrator"])
def test_staff_of_every_role_are_answered_as_listed(town: Town, own: int, staff_role: str) -> None:
    """The town's own is an agent. No role of theirs opens a customer's page."""
    with psycopg.connect(town.shop.database) as db:
        columns = "email, name, password, role, created_at"
        row = db.execute(
            f"INSERT INTO staff ({columns}) VALUES (%s, 'Sam', '!', %s, now()) RETURNING staff_id",  # type: ignore[arg-type]
            [f"{staff_role}@operator.example", staff_role],
        ).fetchone()
    browser = visitor(town, "anonymous")
    session = browser.session
    session["staff"] = members.session_of(row[0]) if row else {}
    session.save()
    browser.cookies["session"] = session.session_key
    lines = [line for line in PAGE_LINES if line.method == "GET" and line.route.startswith(("/<account", "/console/"))]
    answers = {line.route: said(browser.get(target(town, line.route, own))) for line in lines}
    listed = {line.route: line.cells["staff"] for line in lines}
    acts = {"/console/<account:account>/<slug:act>": "403"} if staff_role == "viewer" else {}
    manages = {"/console/tokens": "200"} if staff_role == "administrator" else {}
    assert answers == {**listed, **acts, **manages}


def test_what_is_answered_beside_the_pages_is_for_everybody_but_the_figures(site: str) -> None:
    from arrears.web.operation import beside

    now = datetime.now(UTC)
    answers = beside(site, lambda: now, "a token of the operator's")
    assert set(answers) == {"/healthz", "/readyz", "/metrics"}
    assert set(beside(site, lambda: now, "")) == {"/healthz", "/readyz"}
    assert {path: answer({}).status for path, answer in answers.items()} == {
        "/healthz": 200,
        "/readyz": 200,
        "/metrics": 401,
    }


@pytest.mark.parametrize("route", [r for r in LISTED if r.startswith("/v1/")])
def test_a_program_gets_405_for_what_a_route_does_not_do(town: Town, own: int, route: str) -> None:
    listed = {line.method for line in PROGRAM_LINES if line.route == route}
    if route in ("/v1/", "/v1/openapi.json"):
        listed |= set(METHODS)  # the framework's own: data for nobody in particular, whatever the method
    for method in METHODS:
        if method not in listed:
            answer = asked(Line(method, route, {}), tokens(town, own)["writes"], own, town)
            assert answer.status_code == 405, f"{method} {route}: {answer.status_code}, not 405"


def asked(line: Line, headers: dict[str, str], account: int, town: Town) -> Any:
    from django.test import Client

    browser = Client(raise_request_exception=False, HTTP_HOST="localhost")
    path = address(line.route, values(town, account))
    body: dict[str, object] = {"unheard of": 1}
    if account == UNKNOWN:
        body = BODIES.get(line.route.rpartition("/")[2], {})
        path += "?address=a@example.org" if line.method == "DELETE" and path.endswith("/extra") else ""
    return browser.generic(
        line.method, path, json.dumps(body), "application/json", headers={**headers, "Idempotency-Key": path}
    )


def _banner_token_of(account: str, minter: int) -> str:
    from arrears.web.api.alerts import banner_token_of

    return banner_token_of(account, minter)


TOKENS: Final = ("nobody", "reads", "writes", "banner")


@cache
def tokens(town: Town, own: int) -> dict[str, dict[str, str]]:
    """The headers of each kind of program."""
    from arrears.web import api_tokens

    found = {scope: api_tokens.create_token(scope, scope, town.now) for scope in ("read", "write")}
    minter = api_tokens.token_of(found["read"], town.now)
    assert minter is not None
    banner = _banner_token_of(f"acc_{own}", minter.number)
    texts = dict(zip(TOKENS, ("", found["read"], found["write"], banner), strict=True))
    return {role: {"Authorization": f"Bearer {text}"} if text else {} for role, text in texts.items()}


# -- looking changes nothing ---------------------------------------------------------------------------------------


def digest(town: Town) -> dict[str, str]:
    """Every table, sessions and all, as one hash each; but for the tries that are counted, a link that is wrong among
    them (tests/web/test_throttles.py)."""
    listed = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'throttle' ORDER BY 1"
    with psycopg.connect(town.shop.database) as db:
        names = [n for (n,) in db.execute(listed)]
        parts = [f"SELECT '{n}', md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {n} t" for n in names]
        return dict(db.execute(" UNION ALL ".join(parts).encode()).fetchall())


def looks(town: Town, own: int, role: str) -> Iterator[tuple[str, str, Client, str, dict[str, str]]]:
    """Everything that can be looked at in this role: route, role, browser, address, headers."""
    if role in ROLES:
        browser = visitor(town, role, own)
        for route in PAGE_ROUTES:
            for account in (own, town.accounts["canary"]):
                yield route, role, browser, target(town, route, account), {}
    else:
        browser, headers = visitor(town, "anonymous"), tokens(town, own)[role]
        for line in PROGRAM_LINES:
            yield line.route, role, browser, address(line.route, values(town, own)), headers


SEES_MOST: Final = ("administrator", "staff", "writes")
LOOKING: Final = [
    role if role in SEES_MOST else pytest.param(role, marks=pytest.mark.sample(2)) for role in (*ROLES, *TOKENS)
]


@pytest.mark.sample(3)
@pytest.mark.parametrize("role", LOOKING)
@pytest.mark.parametrize("asking", [False, True], ids=["every other page", "pages that ask the browser's device"])
def test_looking_changes_nothing_in_the_database(town: Town, own: int, asking: bool, role: str) -> None:
    every = [one for one in looks(town, own, role) if (one[0] in ASKING) is asking]
    with psycopg.connect(town.shop.database) as db:
        # That a token is used is noted once a minute, and this may take longer.
        db.execute("UPDATE api_token SET last_used_at = now() + interval '1 hour'")
    before = digest(town)
    for _route, _role, browser, path, headers in every:
        browser.get(path, headers=headers)
        browser.head(path, headers=headers)
    changed = {name for name, found in digest(town).items() if found != before[name]} - (
        MAY_CHANGE if asking else set()
    )
    assert changed == set(), f"{sorted(changed)} changed: {who_changes(town, every)}"


def who_changes(town: Town, every: list[tuple[str, str, Client, str, dict[str, str]]]) -> str:
    """Look again one by one, to say which route it is."""
    for route, role, browser, path, headers in every:
        for method in ("GET", "HEAD"):
            before = digest(town)
            browser.generic(method, path, headers=headers)
            if before != digest(town):
                return f"{method} {route} as {role}"
    return "not the second time"


# -- forms are ours ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("route", PAGE_ROUTES)
def test_nothing_unsafe_is_done_without_the_token_of_our_own_page(town: Town, own: int, route: str) -> None:
    if route in WITHOUT_A_FORM:
        pytest.skip(WITHOUT_A_FORM[route])
    for role in ROLES:
        browser = visitor(town, role, own, enforce_csrf_checks=True)
        for method in ("POST", "PUT", "PATCH", "DELETE") if role == "administrator" else ("POST",):
            for form in ("", f"csrfmiddlewaretoken={'x' * 64}"):
                answer = browser.generic(method, target(town, route, own), form, "application/x-www-form-urlencoded")
                assert answer.status_code == 403, f"{method} {route} as {role}: {answer.status_code}, not 403"


def test_a_session_opens_no_route_for_programs(town: Town, own: int) -> None:
    """They take no token of a form, so no cookie may count there."""
    for role in ROLES:
        browser = visitor(town, role, own)
        for line in PROGRAM_LINES:
            if line.cells["nobody"] == "401":
                answer = browser.generic(line.method, address(line.route, values(town, own)), "{}", "application/json")
                assert answer.status_code == 401, f"{line.method} {line.route} as {role}: {answer.status_code}"
