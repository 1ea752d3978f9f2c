"""Everything that lets somebody do something because they have it, and everything that ends it: each by each.

A capability ends with what its row of `CAPABILITIES` names, and with nothing else: all of them are given out, one thing
happens, and each is looked at. A capability or an ending that is added later has its line to get here.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import psycopg
import pytest
from django.http import HttpRequest, HttpResponse
from tests import members
from tests.web.entrance import Entrance, browser, come_in, hashed, text

from arrears.core.calendar import calendar_of
from arrears.core.closed import closed
from arrears.core.errors import Refused
from arrears.core.people.links import CAPABILITIES, LASTS, Capability, Ending
from arrears.core.people.support import About, Via
from arrears.core.people.throttles import LIMITS, CountedBy, Throttled
from arrears.engine import commands
from arrears.engine.booking import Payment
from arrears.engine.people import access, profile, support, visitors
from arrears.engine.people.pay_links import good_link
from arrears.engine.run import run
from arrears.engine.tokens import digest_of, new_token

if TYPE_CHECKING:
    from django.test import Client

_serial: Final = itertools.count(1)
NEW_HASH: Final = "pbkdf2_sha256$1$another$one"


class World:
    """An account that owes, its administrator with every way in, a member of staff, and a program."""

    def __init__(self, house: Entrance) -> None:
        self.house, self.store, self.now = house, house.store, house.clock.now()
        self.account, self.person, self.email = house.account()
        self.serial = next(_serial)
        self.contact = f"contact{self.serial}@example.org"
        self._sql("UPDATE person SET contact_email = %s WHERE person_id = %s", self.contact, self.person)
        today = calendar_of("Europe/Amsterdam").local_day(self.now)
        bill = commands.Invoice(
            *(self.account, f"C{self.serial}", "EUR", 12000),
            *(today - timedelta(days=20), today - timedelta(days=3), (1,)),
        )
        commands.issue_invoices(self.store, [bill], self.now, "api:1")
        run(self.store, self.now)
        self.clients: dict[str, Client] = {}
        self.token = ""

    def _sql(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.house.database) as db:
            done = db.execute(statement.encode(), values)
            return done.fetchall() if done.description else []

    def signed_in(self, name: str) -> Client:
        """A browser in which the administrator is signed in."""
        client = self.clients[name] = browser()
        come_in(client, self.person)
        return client

    def reset_link(self) -> str:
        """A link for a new password."""
        with self.store.accounts([self.account], self.now):
            link = self.store.ask_reset(self.account, self.person, self.now)
        return self.token_of(link)

    def token_of(self, link: int) -> str:
        """The token of a link to come in, as its letter would have it."""
        token = new_token()
        self.store.renew_sign_in_link(link, digest_of(token))
        return token

    def invite(self, who: str = "sam") -> int:
        address, role = f"{who}{self.serial}@example.org", "billing_reader"
        author = f"person:{self.person}"
        return access.invite(self.store, self.account, address, role, "", self.now, author, by_person=self.person)

    def ask_address(self, address: str = "new") -> str:
        """A link to confirm another contact address."""
        new, token = f"{address}{self.serial}@example.org", new_token()
        request = profile.change_address(self.store, self.account, self.person, new, self.now, "api:1")
        self.store.renew_address_link(request, digest_of(token))
        return token


Works = Callable[[], bool]


def refused(does: Callable[[], object]) -> bool:
    try:
        does()
    except Refused:
        return True
    return False


# -- what is given out ---------------------------------------------------------------------------------------------


def pay_link(world: World) -> Works:
    digest = digest_of(new_token())
    case = world.store.snapshots([world.account])[world.account].case
    assert case is not None
    columns = "digest, account_id, person_id, address, case_no, made_at"
    values = (digest, world.account, world.person, world.contact, case.no, world.now)
    world._sql(f"INSERT INTO pay_link ({columns}) VALUES (%s, %s, %s, %s, %s, %s)", *values)
    return lambda: good_link(world.store, digest) is not None


def address_link(world: World) -> Works:
    token = world.ask_address()
    world.token = token

    def works() -> bool:
        page = text(browser().get(f"/address/{token}"))
        return "Is this the right address?" in page

    return works


def help_link(world: World) -> Works:
    token = new_token()
    who = visitors.Visitor("Piet", f"piet{world.serial}@example.org", "", "", "en")
    number = visitors.ask(world.store, who, About.OTHER, "Help", world.now)
    world.store.add_support_link(digest_of(token), number, "confirm", world.now)
    world.token = token
    return lambda: visitors.asked_with(world.store, token, world.now).state == "unconfirmed"


def conversation(world: World) -> Works:
    asked = support.open_request(
        *(world.store, world.account, Via.LINK, About.OTHER, "Help", world.now, "link"),
        address=world.contact,
        locale="en",
    )
    token, client = new_token(), browser()
    world.store.add_support_link(digest_of(token), asked.number, "conversation", world.now)
    assert client.get(f"/help/read/{token}").status_code == 303
    return lambda: client.get("/help/request").status_code == 200


def invitation(world: World) -> Works:
    token = world.token_of(world.invite())
    world.token = token
    return lambda: not refused(lambda: access.link_of(world.store, "invitation", token, world.now))


def new_password(world: World) -> Works:
    token = world.reset_link()
    world.token = token
    return lambda: not refused(lambda: access.link_of(world.store, "reset", token, world.now))


def session(world: World) -> Works:
    client = world.signed_in("session")
    return lambda: client.get(f"/acc_{world.account}/").status_code == 200


def proof(world: World) -> Works:
    client = world.signed_in("proof")
    return lambda: client.get("/security/app").status_code == 200


def known_browser(world: World) -> Works:
    from arrears.web import throttle

    response = HttpResponse()
    throttle.remember(HttpRequest(), response, Throttled.SIGN_IN, world.email)
    request = HttpRequest()
    request.COOKIES["known"] = response.cookies["known"].value

    def works() -> bool:
        [*taken] = throttle.take(request, Throttled.SIGN_IN, name=world.email)
        world.store.take_back(taken)
        return [one.limit for one in taken] == [LIMITS[Throttled.SIGN_IN][CountedBy.BROWSER]]

    return works


def staff_session(world: World) -> Works:
    [(number,)] = world._sql(
        "INSERT INTO staff (email, name, password, role, created_at) VALUES (%s, 'Sam', %s, 'agent', %s)"
        " RETURNING staff_id",
        *(f"sam{world.serial}@operator.example", hashed(), world.now),
    )
    client = world.clients["staff"] = browser()
    kept = client.session
    kept["staff"] = members.session_of(number)
    kept.save()
    client.cookies["session"] = kept.session_key
    return lambda: client.get("/console/").status_code == 200


def api_token(world: World) -> Works:
    return _program(world, "/v1/me", lambda token, _number: token)


def banner_token(world: World) -> Works:
    from arrears.web.api.alerts import banner_token_of

    path = f"/v1/accounts/acc_{world.account}/alerts"
    return _program(world, path, lambda _token, number: banner_token_of(f"acc_{world.account}", number))


def _program(world: World, path: str, shown: Callable[[str, int], str]) -> Works:
    from arrears.web import api_tokens

    token = api_tokens.create_token(f"for {world.serial}", "read", world.now)
    known = api_tokens.token_of(token, world.now)
    assert known is not None
    headers = {"Authorization": f"Bearer {shown(token, known.number)}"}
    return lambda: browser().get(path, headers=headers).status_code == 200


GIVEN: Final[Mapping[Capability, Callable[[World], Works]]] = closed(
    "how each is given out",
    Capability,
    {
        Capability.PAY_LINK: pay_link,
        Capability.ADDRESS_LINK: address_link,
        Capability.HELP_LINK: help_link,
        Capability.CONVERSATION: conversation,
        Capability.INVITATION: invitation,
        Capability.NEW_PASSWORD: new_password,
        Capability.SESSION: session,
        Capability.PROOF: proof,
        Capability.KNOWN_BROWSER: known_browser,
        Capability.STAFF_SESSION: staff_session,
        Capability.API_TOKEN: api_token,
        Capability.BANNER_TOKEN: banner_token,
    },
)


# -- what happens --------------------------------------------------------------------------------------------------


def case_ends(world: World) -> None:
    paid = Payment(world.account, f"paid{world.serial}", "EUR", 12000, (1,))
    commands.record_payments(world.store, [paid], world.now, "api:1")


def address_changes(world: World) -> None:
    profile.confirm_address(world.store, world.ask_address("newer"), world.now)


def password_is_set_anew(world: World) -> None:
    access.reset(world.store, world.reset_link(), NEW_HASH, world.now)


def password_is_changed(world: World) -> None:
    access.change_password(world.store, world.person, NEW_HASH, world.now)


def signs_out(world: World) -> None:
    for name, client in world.clients.items():
        assert client.post("/console/sign-out" if name == "staff" else "/sign-out").status_code == 302


def signs_out_elsewhere(world: World) -> None:
    assert world.signed_in("here").post("/security", {"do": "others"}).status_code == 303


def is_taken_off(world: World) -> None:
    with world.store.accounts([world.account], world.now):
        world.store.take_role(world.account, world.person, world.now)


def is_succeeded(world: World) -> None:
    address = f"next{world.serial}@example.org"
    with world.store.accounts([world.account], world.now):
        world.store.take_role(world.account, world.person, world.now)
        heir = world.store.new_person(address, "Eva", hashed(), "en", world.now)
        world.store.give_role(world.account, heir, "administrator")


def staff_leave(world: World) -> None:
    world._sql("UPDATE staff SET is_active = false WHERE email = %s", f"sam{world.serial}@operator.example")


def staff_change_their_password(world: World) -> None:
    world._sql("UPDATE staff SET password = %s WHERE email = %s", NEW_HASH, f"sam{world.serial}@operator.example")


def token_is_revoked(world: World) -> None:
    from arrears.web.api_tokens import revoke_token

    for (number,) in world._sql("SELECT token_id FROM api_token WHERE name = %s", f"for {world.serial}"):
        revoke_token(number, world.now)


OWN: Final = (Ending.USED, Ending.REPLACED, Ending.WITHDRAWN)
HAPPENS: Final[Mapping[Ending, Callable[[World], None]]] = closed(
    "what ends them",
    set(Ending) - set(OWN),
    {
        Ending.CASE_ENDED: case_ends,
        Ending.ADDRESS_CHANGED: address_changes,
        Ending.RESET: password_is_set_anew,
        Ending.CHANGED: password_is_changed,
        Ending.SIGNED_OUT: signs_out,
        Ending.SIGNED_OUT_ELSEWHERE: signs_out_elsewhere,
        Ending.TAKEN_OFF: is_taken_off,
        Ending.SUCCEEDED: is_succeeded,
        Ending.STAFF_LEFT: staff_leave,
        Ending.STAFF_PASSWORD: staff_change_their_password,
        Ending.REVOKED: token_is_revoked,
    },
)
# What befalls a capability itself: how, where it can.
BEFALLS: Final[Mapping[Ending, Mapping[Capability, Callable[[World], object]]]] = {
    Ending.USED: {
        Capability.ADDRESS_LINK: lambda world: profile.confirm_address(world.store, world.token, world.now),
        Capability.HELP_LINK: lambda world: visitors.confirm(world.store, world.token, world.now),
        Capability.INVITATION: lambda world: access.accept(world.store, world.token, "Sam", NEW_HASH, world.now),
        Capability.NEW_PASSWORD: lambda world: access.reset(world.store, world.token, NEW_HASH, world.now),
    },
    Ending.REPLACED: {
        Capability.ADDRESS_LINK: lambda world: world.ask_address("newer"),
        Capability.INVITATION: lambda world: world.invite(),
        # Whoever may ask for no more has one that works: nobody's asking ends it for somebody else.
        Capability.NEW_PASSWORD: lambda world: world.reset_link(),
        # Each message carries its own, and people open the one that is at hand.
        Capability.PAY_LINK: pay_link,
        Capability.SESSION: lambda world: world.signed_in("another"),
        Capability.KNOWN_BROWSER: known_browser,
    },
    Ending.WITHDRAWN: {
        Capability.INVITATION: lambda world: access.withdraw(
            *(world.store, world.account, world._sql("SELECT max(link_id) FROM sign_in_link")[0][0]),
            *(world.now, "staff:1"),
        ),
    },
}


@pytest.fixture(scope="module")
def shared(site: str) -> Iterator[Entrance]:
    found = Entrance(site)
    yield found
    found.close()


@pytest.fixture
def house(shared: Entrance) -> Entrance:
    with psycopg.connect(shared.database) as db:
        db.execute("DELETE FROM throttle")
    shared.mail()
    return shared


@pytest.mark.sample(5)
@pytest.mark.parametrize("ending", HAPPENS)
def test_what_happens_ends_what_the_table_says_and_nothing_else(house: Entrance, ending: Ending) -> None:
    world = World(house)
    works = {capability: give(world) for capability, give in GIVEN.items()}
    assert [capability for capability, still in works.items() if not still()] == [], "before anything happened"
    HAPPENS[ending](world)
    ended = {capability for capability, still in works.items() if not still()}
    assert ended == {capability for capability, held in CAPABILITIES.items() if ending in held.ends_with}


@pytest.mark.parametrize("ending", OWN)
def test_what_befalls_one_ends_it_where_the_table_says_so(house: Entrance, ending: Ending) -> None:
    named = {capability for capability, held in CAPABILITIES.items() if ending in held.ends_with}
    assert named <= set(BEFALLS[ending])
    for capability, befalls in BEFALLS[ending].items():
        world = World(house)
        works = GIVEN[capability](world)
        assert works()
        befalls(world)
        assert (capability, works()) == (capability, capability not in named)


def test_each_lasts_as_long_as_the_table_says(house: Entrance) -> None:
    from django.conf import settings

    from arrears.web import throttle
    from arrears.web.api import alerts

    world = World(house)
    links = {
        Capability.ADDRESS_LINK: lambda token, at: profile.request_of(world.store, token, at),
        Capability.HELP_LINK: lambda token, at: visitors.asked_with(world.store, token, at),
        Capability.INVITATION: lambda token, at: access.link_of(world.store, "invitation", token, at),
        Capability.NEW_PASSWORD: lambda token, at: access.link_of(world.store, "reset", token, at),
    }
    for capability, opens in links.items():
        GIVEN[capability](world)
        last = world.now + LASTS[capability]
        opens(world.token, last - timedelta(seconds=1))
        with pytest.raises(Refused):
            opens(world.token, last + timedelta(seconds=1))
    assert LASTS[Capability.SESSION].total_seconds() == settings.SESSION_COOKIE_AGE
    assert LASTS[Capability.STAFF_SESSION].total_seconds() == settings.SESSION_COOKIE_AGE
    assert LASTS[Capability.PROOF].total_seconds() == settings.ACCOUNT_REAUTHENTICATION_TIMEOUT
    assert LASTS[Capability.KNOWN_BROWSER] == throttle.KNOWN_FOR
    assert LASTS[Capability.BANNER_TOKEN] == alerts.LASTS


def test_an_older_link_takes_no_address_over_after_a_newer_one_was_asked_for(house: Entrance) -> None:
    world = World(house)
    older, newer = world.ask_address("typo.stranger"), world.ask_address("right")
    assert browser().get(f"/address/{older}").status_code == 410
    assert "Thank you" in text(browser().post(f"/address/{newer}"))
    assert browser().post(f"/address/{older}").status_code == 410
    [who] = world.store.contacts([world.account])[world.account].people
    assert who.contact == f"right{world.serial}@example.org"
    told = [message.to for message in house.mail() if "address" in message.subject]
    assert told == [world.contact], "and no letter asks at an address that is not meant any more"


def test_whoever_gets_the_mail_until_now_is_told_that_it_goes_elsewhere(house: Entrance) -> None:
    world = World(house)
    token, meanwhile = world.ask_address("later"), f"meanwhile{world.serial}@example.org"
    world._sql("UPDATE person SET contact_email = %s WHERE person_id = %s", meanwhile, world.person)
    assert profile.confirm_address(world.store, token, world.now).old == meanwhile
    told = [message.to for message in house.mail() if "address" in message.subject]
    assert told == [meanwhile]


def test_a_new_password_leaves_an_intruder_nothing(house: Entrance) -> None:
    world = World(house)
    intruder = world.signed_in("intruder")
    page = f"/acc_{world.account}/profile"
    intruder.post(page, {"do": "address", "address": "thief@evil.example"})
    intruder.post(page, {"do": "invite", "address": "friend@evil.example"})
    access.reset(world.store, world.reset_link(), hashed(), world.now)
    contacts = world.store.contacts([world.account])[world.account]
    assert (contacts.links, [request.used for request in contacts.requests]) == ((), [True])
    assert intruder.get(page).status_code == 302
    assert [message.to for message in house.mail() if "evil" in message.to] == [], "and what waited is not sent"
    facts = [type(recorded.fact).__name__ for recorded in world.store.history(world.account)]
    assert facts.index("InvitationWithdrawn") + 1 == facts.index("SignInChanged")


def test_the_question_whether_an_address_is_still_right_outlives_a_new_password(house: Entrance) -> None:
    """It changes nothing but the day on which that was last said."""
    world = World(house)
    with world.store.accounts([world.account], world.now):
        world.store.ask_address(world.account, world.person, world.contact, world.contact, world.now)
    access.reset(world.store, world.reset_link(), hashed(), world.now)
    [asked] = world.store.contacts([world.account])[world.account].requests
    assert not asked.used
