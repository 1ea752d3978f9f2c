"""Every throttled place and how often somebody may try it: no burst has more tries than the table says, nobody is
locked out by somebody else, and an address that is written to is not flooded."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import psycopg
import pytest
from django.http import HttpRequest
from tests import members
from tests.site import PASSWORD
from tests.web.entrance import Entrance, browser, come_in, sign_in, text
from tests.web.routes import address, routes

from arrears.core.closed import closed
from arrears.core.people.throttles import LIMITS, CountedBy, CountedTry, Limit, Throttled, counted_try

if TYPE_CHECKING:
    from django.test import Client

WRONG: Final = "x" * 43
STAFF: Final = "staff@example.org"


@pytest.fixture(scope="module")
def shared(site: str) -> Iterator[Entrance]:
    found = Entrance(site)
    yield found
    found.close()


@pytest.fixture
def house(shared: Entrance) -> Entrance:
    shared.clock.ahead = timedelta(0)
    shared.mail()
    with psycopg.connect(shared.database) as db:
        db.execute("DELETE FROM throttle")
    return shared


@pytest.fixture
def behind_one(site: str) -> Iterator[None]:
    """One server of the operator's own stands in front."""
    from django.test import override_settings

    with override_settings(PROXIES=1):
        yield


@pytest.fixture
def still(house: Entrance, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was used does not come back while a slow machine goes on."""
    now = house.clock.now()
    monkeypatch.setattr(house.clock, "now", lambda: now)


def at(net: str, **more: Any) -> Client:
    """A browser that has not been here before, at this address."""
    return browser(REMOTE_ADDR=net, **more)


def through(net: str, *said: str) -> Client:
    """The same, through the server in front; `said` is what the browser itself sent to it."""
    return browser(REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR=", ".join([*said, net]))


def staff(client: Client, password: str = PASSWORD, email: str = STAFF) -> int:
    return members.both_steps(client, email, password)


def wear_out(house: Entrance, throttled: Throttled, by: CountedBy, value: str) -> None:
    """As if as much had been tried here as may be."""
    one = counted_try(throttled, by, value)
    with psycopg.connect(house.database) as db:
        db.execute(
            "INSERT INTO throttle VALUES (%s, %s) ON CONFLICT (key) DO UPDATE SET until = excluded.until",
            [one.key, house.clock.now() + one.limit.within],
        )


# -- how tries are counted -----------------------------------------------------------------------------------------


def test_a_limit_is_so_many_at_once_and_then_one_by_one(house: Entrance) -> None:
    start, three = datetime(2026, 1, 1, tzinfo=UTC), CountedTry("three", Limit(3, timedelta(minutes=15)))
    counted = [house.store.count_tries([three], start) for _ in range(5)]
    assert counted == [True, True, True, False, False]
    assert not house.store.count_tries([three], start + timedelta(minutes=4, seconds=59))
    assert house.store.count_tries([three], start + timedelta(minutes=5))
    assert not house.store.count_tries([three], start + timedelta(minutes=5))
    house.store.take_back([three])
    assert house.store.count_tries([three], start + timedelta(minutes=5))
    later = start + timedelta(hours=1)
    assert [house.store.count_tries([three], later) for _ in range(4)] == [True, True, True, False]


def test_what_is_counted_in_two_ways_is_counted_in_both_or_in_none(house: Entrance) -> None:
    now, narrow, wide = (
        house.clock.now(),
        *(CountedTry(key, Limit(most, timedelta(1))) for key, most in (("n", 1), ("w", 2))),
    )
    assert house.store.count_tries([wide, narrow], now)
    assert not house.store.count_tries([narrow, wide], now)
    assert house.store.count_tries([wide], now), "the one that was refused took nothing of it"
    assert not house.store.count_tries([wide], now)


def test_a_burst_from_many_processes_has_exactly_as_many_tries_as_one(house: Entrance) -> None:
    ten, now = [CountedTry("burst", Limit(10, timedelta(minutes=15)))], house.clock.now()
    with ThreadPoolExecutor(8) as threads:
        let_in = [*threads.map(lambda _: house.store.count_tries(ten, now), range(60))]
    assert sum(let_in) == 10


def test_what_is_over_is_forgotten_and_what_is_kept_names_nobody(house: Entrance) -> None:
    now = house.clock.now()
    assert house.store.count_tries([counted_try(Throttled.SIGN_IN, CountedBy.NAME, "anna@bakery.example")], now)
    [(key,)] = house.rows("SELECT key FROM throttle")
    assert len(key) == 32
    assert "anna" not in key
    assert house.store.count_tries([CountedTry("other", Limit(1, timedelta(1)))], now + timedelta(days=1))
    assert house.rows("SELECT key FROM throttle") == [("other",)]


# -- where somebody comes from -------------------------------------------------------------------------------------

FROM: Final = [
    # proxies, address of the connection, X-Forwarded-For -> by what it is counted
    (0, "192.0.2.7", "", "192.0.2.7"),
    (0, "192.0.2.7", "198.51.100.1", "192.0.2.7"),
    (0, "::ffff:192.0.2.7", "", "192.0.2.7"),
    (0, "2001:db8:1:2:3:4:5:6", "", "2001:db8:1:2::/64"),
    (0, "", "", ""),
    (1, "10.0.0.1", "192.0.2.7", "192.0.2.7"),
    (1, "10.0.0.1", "198.51.100.1, 192.0.2.7", "192.0.2.7"),
    (1, "10.0.0.1", "198.51.100.1,192.0.2.7:50123", "192.0.2.7"),
    (1, "10.0.0.1", "[2001:db8:1:2::9]:443", "2001:db8:1:2::/64"),
    (1, "10.0.0.1", "2001:db8:1:2::9", "2001:db8:1:2::/64"),
    (1, "10.0.0.1", "", ""),
    (1, "10.0.0.1", "unknown", ""),
    (1, "10.0.0.1", "192.0.2.7, \xff", ""),
    (2, "10.0.0.1", "198.51.100.1, 192.0.2.7, 10.0.0.2", "192.0.2.7"),
    (2, "10.0.0.1", "192.0.2.7", ""),
]


@pytest.mark.parametrize(("proxies", "connection", "said", "net"), FROM)
def test_a_request_is_counted_by_the_last_address_that_nobody_can_make_up(
    site: str, proxies: int, connection: str, said: str, net: str
) -> None:
    from django.test import override_settings

    from arrears.web.client_address import net_of

    request = HttpRequest()
    request.META = {"REMOTE_ADDR": connection, **({"HTTP_X_FORWARDED_FOR": said} if said else {})}
    with override_settings(PROXIES=proxies):
        assert net_of(request) == net


@pytest.mark.turn(2)
def test_behind_https_there_is_a_server_in_front_though_nobody_said_so(tmp_path: Path, site: str) -> None:
    found = {}
    for https, proxies in (("", ""), ("1", ""), ("1", "2"), ("", "1")):
        environ = {**os.environ, "ARREARS_HOME": str(tmp_path), "ARREARS_DATABASE_URL": site}
        environ |= {"ARREARS_HTTPS": https, "ARREARS_PROXIES": proxies}
        said = subprocess.run(
            [sys.executable, "-c", "from arrears.web import settings; print(settings.PROXIES)"],
            env={name: value for name, value in environ.items() if value},
            capture_output=True,
            text=True,
            timeout=60,
        )
        found[https, proxies] = said.stdout.strip() or said.stderr
    assert found == {("", ""): "0", ("1", ""): "1", ("1", "2"): "2", ("", "1"): "1"}


# -- who is locked out, and who is not -----------------------------------------------------------------------------


def test_ten_strangers_behind_the_proxy_lock_nobody_out(house: Entrance, behind_one: None) -> None:
    _, _, email = house.account()
    for n in range(10):
        assert staff(through(f"198.51.100.{n}"), "wrong", f"x{n}@nobody.example") == 403
        assert sign_in(through(f"198.51.100.{n}"), f"y{n}@nobody.example", "wrong").status_code == 403
    assert staff(through("203.0.113.99")) == 302
    assert sign_in(through("203.0.113.99"), email).status_code == 302


def test_ten_strangers_at_one_address_lock_out_nobody_who_comes_from_there(house: Entrance) -> None:
    _, _, email = house.account()
    for n in range(10):
        assert staff(at("192.0.2.1"), "wrong", f"x{n}@nobody.example") == 403
        assert sign_in(at("192.0.2.1"), f"y{n}@nobody.example", "wrong").status_code == 403
    assert staff(at("192.0.2.1")) == 302
    assert sign_in(at("192.0.2.1"), email).status_code == 302


@pytest.mark.parametrize("throttled", [Throttled.STAFF, Throttled.SIGN_IN])
def test_strangers_all_over_the_net_lock_no_name_for_good(house: Entrance, throttled: Throttled) -> None:
    _, _, person = house.account()
    email = STAFF if throttled is Throttled.STAFF else person

    def comes_in(client: Client, password: str = PASSWORD) -> bool:
        if throttled is Throttled.STAFF:
            return staff(client, password) == 302
        return bool(sign_in(client, email, password).status_code == 302)

    known = at("192.0.2.5")
    assert comes_in(known)
    known.post("/console/sign-out" if throttled is Throttled.STAFF else "/sign-out")
    wear_out(house, throttled, CountedBy.NAME, email)
    assert comes_in(known), "a browser that has signed in before"
    assert comes_in(at("203.0.113.1")), "a net of its own has tries of its own"
    for _ in range(3):
        assert not comes_in(at("203.0.113.2"), "wrong")
    assert not comes_in(at("203.0.113.2")), "and they are few"
    assert comes_in(at("203.0.113.3"))


def test_a_name_has_no_more_wrong_passwords_in_a_burst_than_ten_from_one_net(house: Entrance) -> None:
    from arrears.web.console import sign_in as console

    tried: list[str] = []

    def counts(email: str, password: str) -> None:
        tried.append(password)

    with pytest.MonkeyPatch.context() as patched, ThreadPoolExecutor(8) as threads:
        patched.setattr(console, "member_of", counts)
        answers = [*threads.map(lambda n: staff(at("192.0.2.9"), f"wrong{n}"), range(23))]
    assert set(answers) == {403}
    assert len(tried) == 10


def test_whoever_knows_the_password_guesses_no_codes_by_beginning_anew(house: Entrance) -> None:
    _, _, email = house.account()
    wear_out(house, Throttled.SECOND_STEP, CountedBy.NAME, email)
    request = HttpRequest()
    request.META = {"REMOTE_ADDR": "203.0.113.77"}
    from arrears.web import throttle

    with pytest.raises(throttle.TooManyTries):
        throttle.take(request, Throttled.SECOND_STEP, name=email)


def asks(client: Client, **changes: str) -> int:
    typed = {"as": "stranger", "email": "v@example.org", "name": "V", "company": "c", "known_by": "", "about": "other"}
    return int(client.post("/help", {**typed, "text": "hello", **changes}).status_code)


def test_twenty_requests_for_help_refuse_no_honest_one(house: Entrance, behind_one: None) -> None:
    flood = [asks(through("198.51.100.1"), email=f"v{n}@flood.example") for n in range(21)]
    assert flood == [303] * 20 + [429]
    assert asks(through("203.0.113.98"), email="honest@example.org") == 303
    house.clock.ahead = timedelta(minutes=3, seconds=1)
    assert asks(through("198.51.100.1"), email="neighbour@example.org") == 303, "and not for a day"


def test_a_mailbox_is_not_filled_by_spelling_it_anew_and_a_form_filled_in_wrongly_costs_nothing(
    house: Entrance,
) -> None:
    for n in range(4):
        assert asks(at(f"192.0.2.{n}"), email="ärger@exämple.nl", text="") == 422
    spelled = ("ärger@exämple.nl", "ÄRGER@exämple.nl", "Ärger@xn--exmple-cua.nl", "ärger@EXÄMPLE.nl")
    assert [asks(at(f"192.0.2.{n}"), email=one) for n, one in enumerate(spelled)] == [303, 303, 303, 429]


def test_a_program_gone_wild_keeps_no_other_from_the_api(house: Entrance) -> None:
    from arrears.web import api_tokens

    good = api_tokens.create_token("good", "read", house.clock.now())
    wear_out(house, Throttled.WRONG_TOKEN, CountedBy.NET, "192.0.2.1")
    answers = {
        token: at("192.0.2.1").get("/v1/me", headers={"Authorization": f"Bearer {token}"}).status_code
        for token in ("arr_wrong", good)
    }
    assert answers == {"arr_wrong": 429, good: 200}
    assert at("192.0.2.2").get("/v1/me", headers={"Authorization": "Bearer arr_wrong"}).status_code == 401


# -- the places, all of them ----------------------------------------------------------------------------------------

# Every route: what it is throttled as, or why it is not. `session`: nobody gets there who is not signed in; `public`:
# the same for everybody, and nothing is sent; `provider`: its signature or secret is looked at, and its reports are
# never turned away.
THROTTLES: Final = """
/                                        session
/sign-in                                 sign_in
/sign-in/second-step                     second_step
/sign-in/passkey                         passkey
/sign-in/forgotten                       forgotten
/sign-in/again                           reauthentication
/sign-in/again/code                      reauthentication
/sign-in/again/passkey                   session
/sign-out                                public
/new-password/<str:token>                link
/invitation/<str:token>                  link
/security                                session
/security/password                       reauthentication
/security/app                            session
/security/app/picture.svg                session
/security/app/remove                     session
/security/codes                          session
/security/codes/new                      session
/security/passkeys/new                   session
/security/passkeys/<int:pk>              session
/security/passkeys/<int:pk>/remove       session
/console/                                session
/console/second-step                     second_step
/console/second-step/picture.svg         session
/console/search                          session
/console/tasks                           session
/console/deletions                       session
/console/tokens                          session
/console/policies                        session
/console/policies/<slug:policy>          session
/console/messages                        session
/console/messages/<slug:kind>            session
/console/reports                         session
/console/reports/<slug:report>           session
/console/requests                        session
/console/bank                            session
/console/bank/<int:number>               session
/console/requests/<int:number>           session
/console/<account:account>/              session
/console/<account:account>/deleted/<int:number>.pdf session
/console/<account:account>/<slug:act>    session
/console/sign-in                         staff
/console/sign-in/back                    staff
/console/sign-in/provider                staff
/console/sign-out                        public
/language                                public
/banner.js                               public
/favicon.ico                             public
/acc/                                    session
/acc/<path:task>                         session
/address/<str:token>                     link
/outbox/                                 public
/outbox/<str:name>                       public
/outbox/<str:name>/html                  public
/pay/                                    cookie
/pay/<str:token>                         link
/settle/<str:account>                    public
/settle/<str:account>/<int:attempt>      public
/help                                    help
/help/confirm/<str:token>                link
/help/read/<str:token>                   link
/help/request                            cookie
/<account:account>/                      session
/<account:account>/settle                session
/<account:account>/settle/back/<int:number>  session
/<account:account>/methods               session
/<account:account>/methods/add           session
/<account:account>/subscriptions         session
/<account:account>/invoices              session
/<account:account>/invoices.csv          session
/<account:account>/statement             session
/<account:account>/statement.csv         session
/<account:account>/profile               typed_address
/<account:account>/profile/address       session
/<account:account>/profile/people        session
/<account:account>/timeline              session
/<account:account>/statement.pdf         session
/<account:account>/receipts/<int:number>.pdf  session
/<account:account>/receipts/<int:number>  session
/<account:account>/invoices/<int:number>.pdf  session
/<account:account>/invoices/<int:number>/credits/<int:place>.pdf  session
/<account:account>/help                  session
/<account:account>/help/<int:number>     session
/<account:account>/story/<str:attempts>  session
/assets/<asset>                          public
/v1/                                     public
/v1/openapi.json                         public
/webhooks/mail/<slug:provider>           provider
/webhooks/services/<str:service>         provider
/webhooks/<slug:provider>                provider
"""
NOT_THROTTLED: Final = ("session", "public", "provider", "cookie")
BY_ROUTE: Final = dict(line.split() for line in THROTTLES.strip().splitlines())
"""`cookie`: what a link was exchanged for, signed by us."""


def views() -> dict[str, Any]:
    """The view of each route; the API's are asked for their token."""
    from django.urls import get_resolver

    return {
        "/" + str(pattern.pattern): pattern.callback
        for pattern in get_resolver().url_patterns
        if not hasattr(pattern, "url_patterns")
    }


def test_every_route_is_throttled_or_says_why_it_is_not(site: str) -> None:
    pages = [route for route in routes() if not route.startswith("/v1/") or route in BY_ROUTE]
    assert [route for route in pages if route not in BY_ROUTE] == [], "write its line in THROTTLES"
    assert [route for route in BY_ROUTE if route not in pages] == [], "this route is gone: take its line out"
    assert {word for word in BY_ROUTE.values() if word not in NOT_THROTTLED} | {"api", "wrong_token"} == set(
        map(str, Throttled)
    )
    said = {route: str(getattr(view, "throttled", "")) for route, view in views().items()}
    wanted = {route: BY_ROUTE[route] for route in said if BY_ROUTE.get(route, "public") not in NOT_THROTTLED}
    assert {route: word for route, word in said.items() if word} == wanted


KINDS: Final = {"/v1/upserts": "application/x-ndjson", "/v1/bank/statements": "application/octet-stream"}


def test_every_route_of_the_api_counts_the_tokens_that_are_none_of_ours(house: Entrance) -> None:
    from tests.web.test_matrix import PROGRAM_LINES

    asks = [line for line in PROGRAM_LINES if BY_ROUTE.get(line.route) != "public"]
    assert {line.route for line in asks} == {r for r in routes() if r.startswith("/v1/") and r not in BY_ROUTE}
    wear_out(house, Throttled.WRONG_TOKEN, CountedBy.NET, "192.0.2.1")
    open_parts = {
        "account": "acc_1",
        "method": 1,
        "payment": "pay_1",
        "person": "per_1",
        "ref": "c1",
        "number": "N-1",
        "name": "crm",
        "case": "case_1_1",
        "task_no": 1,
        "hold": "hold_1_1",
        "promise": "promise_1_1",
        "subscription": "sub_1_1",
    }
    for line in asks:
        path, headers = address(line.route, open_parts), {"Authorization": "Bearer arr_wrong"}
        kind = KINDS.get(line.route, "application/json")
        answer = at("192.0.2.1").generic(line.method, path, "{}", kind, headers=headers)
        assert (line.route, answer.status_code) == (line.route, 429)


def knock(client: Client, path: str, form: dict[str, str] | None = None, **more: Any) -> tuple[int, str]:
    answer = client.get(path, **more) if form is None else client.post(path, form)
    return answer.status_code, text(answer)


@pytest.fixture
def somebody(house: Entrance) -> tuple[int, str, Client]:
    """An account, the address its administrator signs in with, and a browser where they are signed in."""
    number, person, email = house.account()
    client = at("192.0.2.1")
    come_in(client, person)
    return number, email, client


WRONG_LINK: Final = [route for route, word in BY_ROUTE.items() if word == "link"]


@pytest.mark.parametrize("route", WRONG_LINK)
def test_links_that_are_wrong_are_counted_and_one_that_is_right_opens(house: Entrance, route: str) -> None:
    path = route.replace("<str:token>", WRONG)
    assert knock(at("192.0.2.1"), path)[0] == 410
    wear_out(house, Throttled.LINK, CountedBy.NET, "192.0.2.1")
    status, said = knock(at("192.0.2.1"), path)
    assert (status, "That was too often" in said) == (429, True)
    assert knock(at("192.0.2.2"), path)[0] == 410, "from elsewhere"


def test_whoever_has_tried_too_often_is_told_so_at_every_door(
    house: Entrance, still: None, somebody: tuple[int, str, Client]
) -> None:
    from arrears.web.api_tokens import create_token, token_of

    number, email, client = somebody
    profile = f"/acc_{number}/profile"
    good = create_token("gone wild", "read", house.clock.now())
    asked = {"as": "stranger", "email": "v@example.org", "name": "", "company": "", "known_by": "", "about": "other"}
    told: dict[Throttled, tuple[CountedBy, str, Callable[[], tuple[int, str]], int, str]] = closed(
        "whoever has tried too often",
        Throttled,
        {
            Throttled.SIGN_IN: (
                *(CountedBy.NAME_HERE, f"{email} 192.0.2.1"),
                lambda: knock(at("192.0.2.1"), "/sign-in", {"email": email, "password": PASSWORD}),
                *(403, "password"),
            ),
            Throttled.STAFF: (
                *(CountedBy.NAME_HERE, f"{STAFF} 192.0.2.1"),
                lambda: knock(at("192.0.2.1"), "/console/sign-in", {"email": STAFF, "password": PASSWORD}),
                *(403, "password"),
            ),
            # With a second factor: tests/web/test_sign_in.py, "codes cannot be guessed either".
            Throttled.SECOND_STEP: (CountedBy.NAME, email, lambda: (0, ""), 0, ""),
            Throttled.REAUTHENTICATION: (
                *(CountedBy.SESSION, str(client.session.session_key)),
                lambda: knock(client, "/sign-in/again", {"password": PASSWORD}),
                *(200, "That was too often"),
            ),
            Throttled.PASSKEY: (
                *(CountedBy.NET, "192.0.2.1"),
                lambda: knock(at("192.0.2.1"), "/sign-in/passkey", {"credential": "{}"}),
                *(429, "That was too often"),
            ),
            Throttled.FORGOTTEN: (
                *(CountedBy.NET, "192.0.2.1"),
                lambda: knock(at("192.0.2.1"), "/sign-in/forgotten", {"email": email}),
                *(200, ""),
            ),
            Throttled.LINK: (
                *(CountedBy.NET, "192.0.2.1"),
                lambda: knock(at("192.0.2.1"), f"/pay/{WRONG}"),
                *(429, "That was too often"),
            ),
            Throttled.API: (
                *(CountedBy.TOKEN, str(token_of(good, house.clock.now()).number)),  # type: ignore[union-attr]
                lambda: knock(at("192.0.2.2"), "/v1/me", headers={"Authorization": f"Bearer {good}"}),
                *(429, "too_many_requests"),
            ),
            Throttled.WRONG_TOKEN: (
                *(CountedBy.NET, "192.0.2.1"),
                lambda: knock(at("192.0.2.1"), "/v1/me", headers={"Authorization": "Bearer arr_wrong"}),
                *(429, "too_many_requests"),
            ),
            Throttled.HELP: (
                *(CountedBy.NET, "192.0.2.1"),
                lambda: knock(at("192.0.2.1"), "/help", {**asked, "text": "hello"}),
                *(429, "several times today"),
            ),
            Throttled.TYPED_ADDRESS: (
                *(CountedBy.MAILBOX, "victim@example.org"),
                lambda: knock(client, profile, {"do": "warn", "address": "Victim@example.org"}),
                *(422, "given several times today"),
            ),
        },
    )
    for throttled, (by, value, try_it, status, words) in told.items():
        wear_out(house, throttled, by, value)
        found, said = try_it()
        assert (throttled, found, words in said) == (throttled, status, True), said[:500]
    assert house.mail() == [], "nothing was sent to anybody"


def test_every_limit_of_the_table_is_reached_somewhere(site: str) -> None:
    """Names, nets, browsers, mailboxes: what nothing could count would be a limit in name alone."""
    assert {by for limits in LIMITS.values() for by in limits} == set(CountedBy)
    assert all(limit.step > timedelta(0) for limits in LIMITS.values() for limit in limits.values())
