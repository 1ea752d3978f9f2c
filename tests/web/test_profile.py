"""Addresses: changed by a link, asked again, tested; who is told what, when. On PostgreSQL, over the API and pages."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psycopg
import pytest
from tests.stories.story import Mail
from tests.web.living import Living, living
from tests.web.test_centre import sign_in, text

from arrears import wiring
from arrears.core.errors import Refused
from arrears.core.ids import format_id
from arrears.core.messages.recipients import ChannelName
from arrears.engine.messages.bounces import Returned, came_back
from arrears.engine.people.profile import CONFIRMED_FOR, ask_unconfirmed, needs_confirming
from arrears.ports import Message
from arrears.sandbox.run import Running, running

if TYPE_CHECKING:
    from django.test import Client


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Running]:
    with running() as found:
        yield found


class Texts(Mail):
    """A service for text messages."""

    def checked(self, address: str) -> str:
        """See ports.OtherChannel."""
        number = address.replace(" ", "")
        if not re.fullmatch(r"\+[0-9]{7,15}", number):
            raise Refused("bad_address", f"{address!r} is no telephone number; write it like +31612345678")
        return number


class ProfilePages:
    """A program with a token, and the mail that leaves."""

    def __init__(self, shop: Living, client: Client) -> None:
        from arrears.web import api_tokens

        self.shop, self.client = shop, client
        self.token = api_tokens.create_token("profile", "write", shop.clock.now())
        with psycopg.connect(shop.database) as db:
            # Nobody of the other tests is asked to confirm anything here.
            db.execute("UPDATE person SET contact_confirmed_at = now() + interval '1 year'")
        self.account = shop.account((12000, "EUR"), days=5)
        person = shop.store.contacts([self.account])[self.account].administrator
        assert person is not None
        self.person, self.id = person, format_id("per", person.no)
        shop.channel.taken.clear()

    def call(self, verb: str, path: str, body: object = None) -> Any:
        headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": uuid4().hex}
        url = f"/v1/accounts/acc_{self.account}/{path}"
        if body is None:
            return getattr(self.client, verb)(url, headers=headers)
        return getattr(self.client, verb)(url, json.dumps(body), content_type="application/json", headers=headers)

    def mail(self) -> list[Message]:
        """What leaves now about this account; the database has others too."""
        self.shop.work()
        found = [one for one in self.shop.channel.taken if one.id.partition("-")[0] == f"a{self.account}"]
        self.shop.channel.taken.clear()
        return found

    def contacts(self) -> Any:
        return self.shop.store.contacts([self.account])[self.account]


@pytest.fixture
def context(site: str, sandbox: Running, client: Client) -> Iterator[ProfilePages]:
    with living(site, sandbox) as shop:
        yield ProfilePages(shop, client)


def link_in(message: Message) -> str:
    found = re.search(r"http://\S+?(/address/[\w-]{43})", message.text)
    assert found is not None, message.text
    return found[1]


def test_an_address_changes_only_when_its_link_is_used_and_the_old_one_is_told(context: ProfilePages) -> None:
    answer = context.call("post", "contact-address", {"person": context.id, "address": "Anna.New@EXAMPLE.org"})
    assert answer.status_code == 202
    [asked] = context.mail()
    assert (asked.to, context.contacts().administrator.contact) == ("Anna.New@example.org", context.person.contact)
    link = link_in(asked)
    before = context.shop.store.digest()
    for _ in range(2):
        page = context.client.get(link)
        assert page.status_code == 200
        assert "Ja, dit klopt" in page.content.decode()
    assert context.client.head(link).status_code == 200
    assert context.shop.store.digest() == before, "machines that open links change nothing"
    assert "bevestigd" in context.client.post(link).content.decode()
    assert context.contacts().administrator.contact == "Anna.New@example.org"
    [told] = context.mail()
    assert told.to == context.person.contact
    assert "Anna.New@example.org" not in told.text, "the old reader learns no more than that it was changed"
    assert "A•••@example.org" in told.text
    assert context.client.post(link).status_code == 200
    assert context.mail() == []
    assert "bevestigd" in context.client.get(link).content.decode()


def test_a_link_that_is_old_replaced_or_made_up_is_refused_kindly(context: ProfilePages) -> None:
    context.call("post", "contact-address", {"person": context.id, "address": "anna.new@example.org"})
    [asked] = context.mail()
    context.shop.clock.ahead = timedelta(days=8)
    assert context.client.get(link_in(asked)).status_code == 410
    assert context.client.post(link_in(asked)).status_code == 410
    assert context.client.get("/address/" + "x" * 43).status_code == 410
    assert context.contacts().administrator.contact == context.person.contact


def test_administrators_are_asked_again_after_90_days_once_each(context: ProfilePages) -> None:
    store, now = context.shop.store, context.shop.clock.now()
    assert (
        not needs_confirming(context.contacts(), context.person.confirmed_at or now)
        or context.person.confirmed_at is None
    )
    assert ask_unconfirmed(store, now) == 1, "never confirmed"
    assert ask_unconfirmed(store, now) == 0
    [asked] = context.mail()
    assert asked.to == context.person.contact
    assert needs_confirming(context.contacts(), now)
    context.client.post(link_in(asked))
    assert not needs_confirming(context.contacts(), context.shop.clock.now())
    later = context.shop.clock.now() + CONFIRMED_FOR
    assert needs_confirming(context.contacts(), later)
    assert ask_unconfirmed(store, later + timedelta(days=1)) >= 1
    assert context.mail()[0].to == context.person.contact


def test_a_test_message_shows_where_warnings_arrive(context: ProfilePages) -> None:
    assert context.call("post", "test-message", {"person": context.id}).status_code == 202
    [message] = context.mail()
    assert message.to == context.person.contact
    assert "Testbericht" in message.subject
    assert f"/acc_{context.account}/profile#told" in message.text, "where its button says"
    assert context.call("post", "test-message", {"person": "per_999999"}).status_code == 404


def test_others_are_warned_too_and_listed(context: ProfilePages) -> None:
    body = {"address": "ops@example.org", "name": "Ops", "locale": "en"}
    assert context.call("put", "recipients/extra", body).json()["extra"] == [
        {"address": "ops@example.org", "name": "Ops", "locale": "en", "channel": "email", "bounces": False}
    ]
    warnings = [t for t in context.call("get", "told-when").json()["tellings"] if t["kind"] == "stop_warning"]
    assert warnings
    ops = {"address": "ops@example.org", "channel": "email", "role": "technical", "locale": "en"}
    assert all(ops in t["to"] for t in warnings)
    for number in range(9):
        assert context.call("put", "recipients/extra", {"address": f"o{number}@example.org"}).status_code == 200
    full = context.call("put", "recipients/extra", {"address": "one@too.many.example"})
    assert (full.status_code, full.json()["code"]) == (422, "too_many_recipients")
    assert context.call("delete", "recipients/extra?address=ops@example.org").status_code == 200
    assert context.call("delete", "recipients/extra?address=ops@example.org").status_code == 404


def test_a_telephone_is_warned_where_there_is_a_channel_for_it_and_is_removed_again(context: ProfilePages) -> None:
    body = {"address": "+31 612345678", "channel": "sms"}
    refused = context.call("put", "recipients/extra", body)
    assert (refused.status_code, refused.json()["code"]) == (404, "unknown_channel")
    texts = Texts()
    wiring.install(replace(context.shop.live, channels={ChannelName("sms"): texts}))
    try:
        refused = context.call("put", "recipients/extra", {**body, "address": "ops@example.org"})
        assert (refused.status_code, refused.json()["code"]) == (422, "bad_address")
        for _ in range(2):
            [added] = context.call("put", "recipients/extra", body).json()["extra"]
        assert (added["address"], added["channel"]) == ("+31612345678", "sms")
        warned = [to for t in context.call("get", "told-when").json()["tellings"] for to in t["to"]]
        assert ("+31612345678", "sms") in {(to["address"], to["channel"]) for to in warned}
        assert wiring.installed().context().channels == {"sms": texts}, "what messages leave by"
        assert context.call("delete", "recipients/extra?address=%2B31612345678").json()["extra"] == []
    finally:
        wiring.install(context.shop.live)


@pytest.mark.turn(2)
def test_who_will_be_told_what_when_is_what_is_then_told(context: ProfilePages) -> None:
    plan = context.call("get", "told-when").json()
    planned = [(t["kind"], t["on"], t["names"]) for t in plan["tellings"] if t["kind"] in ("reminder", "stop_warning")]
    start = context.shop.clock.now()
    context.shop.until(start, start + timedelta(days=26))
    with psycopg.connect(context.shop.database) as db:
        sent = db.execute(
            "SELECT kind, on_day::text FROM message WHERE account_id = %s AND on_day > %s AND state = 'accepted'"
            " AND kind IN ('reminder', 'stop_warning') ORDER BY on_day",
            [context.account, start.date()],
        ).fetchall()
    assert sorted(sent) == sorted((kind, on) for kind, on, _ in planned if on > str(start.date()))
    names = {name for kind, _, name in planned if kind == "stop_warning"}
    [account] = context.shop.store.snapshots([context.account]).values()
    assert names == {str(account.subscription(1).disable.promised_on)}


@pytest.mark.turn(2)
def test_that_nobody_can_be_reached_is_said_where_it_is_said_who_is_told_what(context: ProfilePages) -> None:
    assert context.call("get", "told-when").json()["unreachable"] is None
    now = context.shop.clock.now()
    with context.shop.store.accounts([context.account], now) as batch:
        for address in {context.person.contact, context.person.sign_in} - {""}:
            batch.mark_dead(address, "5.1.1", now)
    context.shop.until(now, now + timedelta(days=17))
    context.shop.clock.ahead = timedelta(days=17)
    plan = context.call("get", "told-when").json()
    found = plan["unreachable"]
    assert [one["action"] for one in found["waits"]] == ["disable"]
    assert found["waits"][0]["subscription"].startswith(f"sub_{context.account}_")
    assert (found["why"], "`arrears told`" in found["what_to_do"]) == ("addresses_dead", True)
    assert str(now.date()) <= found["since"] <= str((now + timedelta(days=17)).date())
    sign_in(context.client, context.shop.email(context.account))
    for language, said, waits in (
        ("nl", "Niemand van dit account is te bereiken", "schuift de datum op: dat cloud stopt"),
        ("en", "Nobody of this account can be reached", "its date moves: that cloud stops"),
    ):
        form = {"do": "read", "language": language, "zone": ""}
        assert context.client.post(f"/acc_{context.account}/profile", form).status_code == 303
        page = context.client.get(f"/acc_{context.account}/profile").content.decode()
        assert said in page
        assert waits in page
        assert 'href="#address"' in page
        assert ("Aan: niemand" if language == "nl" else "To: nobody") in page


def test_language_and_zone_of_a_person(context: ProfilePages) -> None:
    path = f"people/{context.id}/profile"
    assert context.call("put", path, {"locale": "en-GB", "zone": "America/Lima"}).status_code == 200
    context.call("post", "test-message", {"person": context.id})
    [message] = context.mail()
    assert message.subject.startswith("Test message")
    assert context.call("put", path, {"locale": "xx-yy", "zone": ""}).json()["code"] == "unknown_locale"
    assert context.call("put", path, {"locale": "nl", "zone": "Mars/Base"}).json()["code"] == "unknown_zone"
    assert context.call("put", "people/per_999999/profile", {"locale": "nl", "zone": ""}).status_code == 404


@pytest.mark.sample(3)
@pytest.mark.parametrize(
    "address", ["", "anna", "a@b", "a@@example.org", "a@example.org\r\nBcc: x@y.example", "a b@example.org", "x" * 300]
)
def test_a_bad_address_is_refused_when_it_is_entered(context: ProfilePages, address: str) -> None:
    answer = context.call("post", "contact-address", {"person": context.id, "address": address})
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_address")
    assert context.mail() == []


def test_a_link_can_be_asked_for_five_times_a_day(context: ProfilePages) -> None:
    for number in range(5):
        body = {"person": context.id, "address": f"a{number}@example.org"}
        assert context.call("post", "contact-address", body).status_code == 202
    sixth = context.call("post", "contact-address", {"person": context.id, "address": "a6@example.org"})
    assert (sixth.status_code, sixth.json()["code"]) == (422, "too_many_requests")


def test_an_old_report_makes_no_address_dead_that_its_owner_has_confirmed_since(context: ProfilePages) -> None:
    store, clock = context.shop.store, context.shop.clock
    for _ in range(2):
        context.call("post", "test-message", {"person": context.id})
    first, second = context.mail()
    gone = Returned(first.id, first.to, "hard", "5.1.1", "550 no such user")
    assert came_back(store, gone._replace(message=second.id), clock.now()) == 1
    assert context.contacts().dead
    assert ask_unconfirmed(store, clock.now()) == 1
    clock.ahead += timedelta(minutes=1)
    context.client.post(link_in(context.mail()[0]))
    assert not context.contacts().dead
    assert came_back(store, gone, clock.now()) == 1
    assert not context.contacts().dead
    [state] = {m.state.value for m in store.mails_of(context.account) if m.id == first.id}
    assert state == "came_back"


def test_test_messages_can_be_asked_for_five_times_a_day(context: ProfilePages) -> None:
    asked = [context.call("post", "test-message", {"person": context.id}) for _ in range(6)]
    assert [answer.status_code for answer in asked] == [202] * 5 + [422]
    assert asked[5].json()["code"] == "too_many_requests"
    assert len(context.mail()) == 5


def test_a_new_address_that_waits_is_shown_and_its_link_sent_again(context: ProfilePages) -> None:
    sign_in(context.client, context.shop.email(context.account))
    page = f"/acc_{context.account}/profile"
    context.client.post(page, {"do": "address", "address": "new@example.org"})
    assert "Wij hebben een link naar new@example.org gestuurd." in text(context.client.get(page))
    context.mail()
    assert context.client.post(page, {"do": "again"}).status_code == 303
    assert [one.to for one in context.mail() if "/address/" in one.text] == ["new@example.org"]


def test_the_alert_about_an_address_says_where_its_link_went(context: ProfilePages) -> None:
    home, page = f"/acc_{context.account}/", f"/acc_{context.account}/profile"
    sign_in(context.client, context.shop.email(context.account))
    with psycopg.connect(context.shop.database) as db:
        db.execute("UPDATE person SET contact_confirmed_at = NULL WHERE person_id = %s", [context.person.no])
        db.execute("DELETE FROM address_request WHERE person_id = %s", [context.person.no])
    assert "Laat er een link heen sturen en open die" in text(context.client.get(home))
    context.client.post(page, {"do": "again"})
    assert "Klopt dit e-mailadres?" in text(context.client.get(home))
    assert "Open de link die wij daarheen hebben gestuurd" in text(context.client.get(home))
    context.client.post(page, {"do": "address", "address": "new@example.org"})
    waiting = text(context.client.get(home))
    assert "Er wacht een nieuw adres: open de link die wij daarheen hebben gestuurd." in waiting
    assert "Klopt dit e-mailadres?" not in waiting


def test_an_address_that_is_not_confirmed_has_the_button_that_sends_its_link(context: ProfilePages) -> None:
    sign_in(context.client, context.shop.email(context.account))
    page = f"/acc_{context.account}/profile"
    for ago, asked in ((timedelta(0), False), (CONFIRMED_FOR, True)):
        with psycopg.connect(context.shop.database) as db:
            at = context.shop.clock.now() - ago
            db.execute("UPDATE person SET contact_confirmed_at = %s WHERE person_id = %s", [at, context.person.no])
        assert ("Stuur mij de link" in text(context.client.get(page))) is asked
    assert "Klopt dit e-mailadres?" in text(context.client.get(f"/acc_{context.account}/"))
    assert context.client.post(page, {"do": "again"}).status_code == 303
    [message] = [one for one in context.mail() if "/address/" in one.text]
    assert context.client.post(link_in(message)).status_code == 200
    assert "Stuur mij de link" not in text(context.client.get(page))


def test_zones_are_few_by_the_cities_that_people_know_and_those_of_the_own_country_come_first(
    context: ProfilePages,
) -> None:
    from babel.core import Locale

    from arrears.web.account_centre.zones import zone_groups

    english, dutch = Locale.parse("en_GB"), Locale.parse("nl_NL")
    groups = zone_groups("America/Chicago", "", (2026, 11), english)
    zones = {one.zone: one.city for group in groups for one in group.choices}
    assert groups[0].name == "United States"
    assert groups[0].choices[0].city == "Adak"
    assert {"Chicago", "New York", "Los Angeles"} <= {one.city for one in groups[0].choices}
    assert {"Europe/Amsterdam", "Europe/Kyiv", "Asia/Kolkata"} <= zones.keys()
    assert not {"Europe/Kiev", "Asia/Calcutta", "US/Eastern", "America/Indiana/Knox", "Europe/Busingen"} & zones.keys()
    assert len(zones) < 340, "one for each time that a country has"
    for chosen in ("Europe/Kiev", "America/Indiana/Knox", "Etc/GMT+5", "UTC"):
        kept = zone_groups("Europe/Amsterdam", chosen, (2026, 11), dutch)
        assert chosen in {one.zone for group in kept for one in group.choices}, "what somebody has chosen stays"
    sign_in(context.client, context.shop.email(context.account))
    page = text(context.client.get(f"/acc_{context.account}/profile"))
    assert '<optgroup label="Nederland"><option value="Europe/Amsterdam">Amsterdam</option></optgroup>' in page
    assert "die van het account (Amsterdam)" in page
