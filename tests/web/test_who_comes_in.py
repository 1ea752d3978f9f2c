"""Links that let somebody in: invitations, new passwords. And what is not there: sign-up, or a word on who exists."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import timedelta

import psycopg
import pytest
from click.testing import CliRunner
from tests.site import PASSWORD
from tests.web.entrance import Entrance, browser, come_in, guess, link_in, sign_in, text, with_app

from arrears.core.errors import Refused
from arrears.engine.messages.bounces import Returned, came_back
from arrears.engine.people import access

NEW = "four blue cups of coffee"


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


def without_token(answer: object) -> str:
    return re.sub(r'name="csrfmiddlewaretoken" value="\w+"|nonce="[^"]+"', "", text(answer))


def test_the_page_for_a_forgotten_password_tells_nobody_who_exists(house: Entrance) -> None:
    _, _, email = house.account()
    client, pages, seconds = browser(), [], []
    client.get("/sign-in/forgotten")
    for address in (email, "nobody@example.org", "no address at all", "", "x\x00y@example.org"):
        began = time.monotonic()
        answer = client.post("/sign-in/forgotten", {"email": address})
        seconds.append(time.monotonic() - began)
        assert answer.status_code == 200
        pages.append(without_token(answer))
    assert len(set(pages)) == 1
    assert min(seconds) >= 0.4
    assert [message.to for message in house.mail()] == [email]


def test_signing_in_tells_nobody_who_exists(house: Entrance) -> None:
    _, _, email = house.account()
    known, unknown = (sign_in(browser(), address, "wrong") for address in (email, "nobody@example.org"))
    assert known.status_code == unknown.status_code == 403
    assert without_token(known).replace(email, "") == without_token(unknown).replace("nobody@example.org", "")


def test_a_link_from_mail_gives_a_new_password_once_and_ends_what_was(house: Entrance) -> None:
    number, _, email = house.account()
    before = browser()
    sign_in(before, email)
    browser().post("/sign-in/forgotten", {"email": email.upper()})
    [message] = house.mail()
    link = link_in(message, "/new-password/")
    assert house.rows("SELECT 1 FROM message WHERE position(%s IN body) > 0", link[-43:]) == []
    digest = house.store.digest()
    client = browser()
    for _ in range(2):
        assert client.get(link).status_code == 200
    assert client.head(link).status_code == 200
    assert house.store.digest() == digest
    assert client.post(link, {"password": "passwordpassword"}).status_code == 422
    assert client.post(link, {"password": NEW}).headers["Location"] == "/"
    assert client.get("/security").status_code == 200
    assert before.get("/").status_code == 302
    assert client.get(link).status_code == client.post(link, {"password": PASSWORD}).status_code == 410
    assert sign_in(browser(), email).status_code == 403
    assert ["password was changed" in told.subject for told in house.mail()] == [True]
    facts = [type(recorded.fact).__name__ for recorded in house.store.history(number)]
    assert [name for name in facts if name in ("ResetAsked", "SignInChanged")] == ["ResetAsked", "SignInChanged"]


def test_a_new_password_does_not_get_around_the_second_step(house: Entrance) -> None:
    _, person, email = house.account()
    owner = browser()
    come_in(owner, person)
    with_app(owner)
    house.mail()
    client = browser()
    client.post("/sign-in/forgotten", {"email": email})
    [message] = house.mail()
    answer = client.post(link_in(message, "/new-password/"), {"password": NEW})
    assert answer.headers["Location"] == "/sign-in/second-step"
    assert client.get("/").status_code == 302


def test_the_link_lets_in_whatever_strangers_have_guessed(house: Entrance) -> None:
    _, _, email = house.account()
    guess(house, browser(), email)
    client = browser()
    client.post("/sign-in/forgotten", {"email": email})
    [message] = house.mail()
    client.post(link_in(message, "/new-password/"), {"password": NEW})
    client.post("/sign-out")
    assert sign_in(client, email, NEW).status_code == 302, "and the browser is known from now on"


def test_whoever_may_ask_for_no_more_links_has_one_that_works(house: Entrance) -> None:
    _, _, email = house.account()
    for _ in range(8):
        access.ask_reset(house.store, email, house.clock.now())
    messages = house.mail()
    assert len(messages) == access.RESETS_A_DAY
    house.clock.ahead = timedelta(hours=23)
    assert browser().get(link_in(messages[0], "/new-password/")).status_code == 200
    house.clock.ahead = timedelta(hours=25)
    assert browser().get(link_in(messages[0], "/new-password/")).status_code == 410
    access.ask_reset(house.store, email, house.clock.now())
    assert len(house.mail()) == 1


def test_nobody_without_an_account_is_written_to(house: Entrance) -> None:
    number, person, email = house.account(role="billing_reader")
    access.remove(house.store, number, person, house.clock.now(), "staff:1")
    access.ask_reset(house.store, email, house.clock.now())
    access.sign_in_changed(house.store, person, "password", house.clock.now())
    assert house.mail() == []


def invited(house: Entrance, account: int, email: str = "sam@example.org", role: str = "billing_reader") -> str:
    access.invite(house.store, account, email, role, "Sam", house.clock.now(), "staff:1")
    [message] = house.mail()
    assert message.to == email
    return link_in(message, "/invitation/")


def test_what_staff_invite_to_is_in_nobody_elses_name(house: Entrance) -> None:
    number, _person, _ = house.account()
    access.invite(house.store, number, "sam@example.org", "billing_reader", "Sam", house.clock.now(), "staff:1")
    [message] = house.mail()
    assert "You are invited to see the bills" in " ".join(message.text.split())
    assert "Anna" not in message.text


def test_the_administrator_invites_a_reader_who_comes_in_once(house: Entrance) -> None:
    number, person, _ = house.account()
    admin = browser()
    come_in(admin, person)
    page = f"/acc_{number}/profile"
    admin.post(page, {"do": "invite", "address": f"Sam{number}@Example.org", "name": "Sam Okafor"})
    assert f"Sam{number}@example.org" in text(admin.get(page))
    [message] = house.mail()
    assert "Anna de Vries invites you" in message.text
    link = link_in(message, "/invitation/")
    assert house.rows("SELECT 1 FROM message WHERE position(%s IN body) > 0", link[-43:]) == []
    sam, digest = browser(), house.store.digest()
    assert 'value="Sam Okafor"' in text(sam.get(link))
    assert house.store.digest() == digest
    assert sam.post(link, {"name": "Sam", "password": "short"}).status_code == 422
    assert sam.post(link, {"name": "Sam O.", "password": NEW}).headers["Location"] == f"/acc_{number}/"
    assert "You are signed in as Sam O." in text(sam.get(f"/acc_{number}/"))
    assert sam.post(page, {"do": "test"}).status_code == 403, "a reader changes nothing"
    assert sam.get(link).status_code == sam.post(link, {"password": NEW}).status_code == 410
    again = browser()
    assert sign_in(again, f"sam{number}@example.org", NEW).status_code == 302
    [reader] = [p for p in house.store.contacts([number])[number].people if p.name == "Sam O."]
    admin.post(page, {"do": "remove", "person": str(reader.no)})
    assert sam.get(f"/acc_{number}/").status_code == 302, "whoever sees no account is signed out"
    assert again.get("/").status_code == 302
    assert "Sam O." not in text(admin.get(page))


def test_an_invitation_that_is_old_replaced_or_withdrawn_lets_nobody_in(house: Entrance) -> None:
    number, person, _ = house.account()
    first = invited(house, number)
    second = invited(house, number)
    assert browser().get(first).status_code == 410
    assert browser().get(second).status_code == 200
    house.clock.ahead = timedelta(days=7, minutes=1)
    assert browser().post(second, {"name": "Sam", "password": NEW}).status_code == 410
    house.clock.ahead = timedelta(0)
    admin = browser()
    come_in(admin, person)
    [number_of_link] = re.findall(r'name="link" value="(\d+)"', text(admin.get(f"/acc_{number}/profile")))
    assert admin.post(f"/acc_{number}/profile", {"do": "withdraw", "link": number_of_link}).status_code == 303
    assert browser().get(second).status_code == 410
    assert admin.post(f"/acc_{number}/profile", {"do": "withdraw", "link": number_of_link}).status_code == 422
    assert browser().get("/invitation/" + "x" * 43).status_code == 410
    assert browser().get("/new-password/" + second[-43:]).status_code == 410


def test_an_invitation_withdrawn_before_it_left_is_not_sent(house: Entrance) -> None:
    number, _, _ = house.account()
    link = access.invite(house.store, number, "sam@example.org", "billing_reader", "", house.clock.now(), "staff:1")
    access.withdraw(house.store, number, link, house.clock.now(), "staff:1")
    assert house.mail() == []


def test_whoever_has_a_sign_in_keeps_it(house: Entrance) -> None:
    number, _, _ = house.account()
    _, person, email = house.account()
    link = invited(house, number, email)
    client = browser()
    assert "You have a sign-in with this address already" in text(client.get(link))
    before = house.rows("SELECT password FROM person WHERE person_id = %s", person)
    answer = client.post(link, {"name": "Somebody else", "password": NEW})
    assert answer.headers["Location"] == f"/sign-in?next=/acc_{number}/"
    assert house.rows("SELECT password FROM person WHERE person_id = %s", person) == before
    sign_in(client, email)
    assert client.get(f"/acc_{number}/").status_code == 200


def test_an_account_has_at_most_one_administrator(house: Entrance) -> None:
    from arrears.web import identities

    number, person, _ = house.account(role="billing_reader")
    links = [invited(house, number, f"{name}{number}@example.org", "administrator") for name in ("a", "b")]
    identities.grant(number, house.account()[1], "administrator")
    answer = browser().post(links[0], {"name": "A", "password": NEW})
    assert (answer.status_code, "has an administrator already" in text(answer)) == (422, True)
    for role, why in (("administrator", "administrator_exists"), ("owner", "bad_role")):
        with pytest.raises(Refused) as refused:
            access.invite(house.store, number, "c@example.org", role, "", house.clock.now(), "staff:1")
        assert refused.value.code == why
    with pytest.raises(Refused) as refused:
        access.remove(house.store, number, person + 1, house.clock.now(), "staff:1")
    assert refused.value.code == "unknown_person"


def test_an_account_invites_only_so_many_a_day_and_nobody_twice(house: Entrance) -> None:
    number, _, email = house.account()
    with pytest.raises(Refused) as refused:
        access.invite(house.store, number, email, "billing_reader", "", house.clock.now(), "staff:1")
    assert refused.value.code == "already_there"
    for serial in range(access.INVITATIONS_A_DAY):
        access.invite(house.store, number, f"r{serial}@example.org", "billing_reader", "", house.clock.now(), "staff:1")
    with pytest.raises(Refused) as refused:
        access.invite(house.store, number, "one.more@example.org", "billing_reader", "", house.clock.now(), "staff:1")
    assert refused.value.code == "too_many_requests"


def test_invitations_fill_no_strangers_mailbox_and_what_becomes_of_them_is_no_storm(house: Entrance) -> None:
    number, person, _ = house.account()
    boss = browser()
    come_in(boss, person)
    page, victim = f"/acc_{number}/profile", {"do": "invite", "address": "Victim@example.org", "name": ""}
    before = house.store.mail_counts(house.clock.now(), ())
    answers = [boss.post(page, victim) for _ in range(11)]
    assert [answer.status_code for answer in answers] == [303] * 10 + [422]
    assert "This address was given several times today." in text(answers[10])
    other, somebody, _ = house.account()
    with pytest.raises(Refused) as refused:
        access.invite(
            house.store, other, "victim@EXAMPLE.org", "billing_reader", "", house.clock.now(), f"person:{somebody}"
        )
    assert refused.value.code == "typed_often"
    for serial in range(5):
        boss.post(page, victim | {"address": f"x{serial}@nowhere.example"})
    sent = [message for message in house.mail() if "nowhere" in message.to]
    assert len(sent) == 5
    for message in sent:
        came_back(house.store, Returned(message.id, message.to, "hard", "5.1.1", "550 no such user"), house.clock.now())
    assert house.store.mail_counts(house.clock.now(), ()).dead == before.dead


def test_the_command_invites_the_first_administrator(house: Entrance, monkeypatch: pytest.MonkeyPatch) -> None:
    from arrears.cli import invite

    class Opened:
        def __enter__(self) -> object:
            return house.live

        def __exit__(self, *_: object) -> None:
            """Others go on using it."""

    monkeypatch.setattr(invite, "open_installation", Opened)
    from arrears.web import identities

    number, person, _ = house.account()
    with psycopg.connect(house.database) as db:
        db.execute("DELETE FROM account_role WHERE account_id = %s", [number])
    assert identities.role_of(number, person) is None
    ran = CliRunner().invoke(invite.command, [f"acc_{number}", f"boss{number}@example.org", "--name", "Boss"])
    assert (
        ran.output == f"invited boss{number}@example.org to acc_{number} as administrator; the worker sends the link\n"
    )
    [message] = house.mail()
    assert "be the administrator" in message.text
    boss = browser()
    boss.post(link_in(message, "/invitation/"), {"name": "Boss", "password": NEW})
    assert boss.post(f"/acc_{number}/profile", {"do": "test"}).status_code == 303


def test_nobody_can_sign_up_and_no_page_of_the_library_is_there_that_we_have_not_put_there(site: str) -> None:
    from allauth.account.urls import urlpatterns as accounts
    from allauth.mfa.urls import urlpatterns as factors
    from django.urls import NoReverseMatch, get_resolver, reverse

    client = browser()
    for path in (
        "/signup/",
        "/sign-up",
        "/accounts/signup/",
        "/accounts/login/",
        "/accounts/email/",
        "/login/",
        "/mfa/",
    ):
        assert client.get(path).status_code == 404
    for name in ("account_signup", "account_email", "account_set_password", "account_inactive", "mfa_trust"):
        with pytest.raises(NoReverseMatch):
            reverse(name)
    assert accounts
    assert factors
    ours = {str(p.pattern) for p in get_resolver().url_patterns if "allauth" in getattr(p.callback, "__module__", "")}
    assert ours == {
        "sign-in/second-step",
        "sign-in/again",
        "sign-in/again/code",
        "sign-in/again/passkey",
        "security/app",
        "security/app/remove",
        "security/codes/new",
        "security/passkeys/new",
        "security/passkeys/<int:pk>",
        "security/passkeys/<int:pk>/remove",
    }


def paths() -> list[str]:
    from arrears.web.sign_in.urls import paths

    return sorted({"/" + str(p.pattern).replace("<str:token>", "x" * 43).replace("<int:pk>", "1") for p in paths})


def test_every_form_of_the_door_refuses_what_comes_from_elsewhere(house: Entrance) -> None:
    strict = browser(enforce_csrf_checks=True)
    assert len(paths()) == 20
    for path in paths():
        answer = strict.post(path, {})
        assert (path, answer.status_code, "Please try once more" in text(answer)) == (path, 403, True)


def test_looking_at_the_door_changes_nothing(house: Entrance) -> None:
    number, person, _ = house.account()
    client, outsider = browser(), browser()
    come_in(client, person)
    with_app(client)
    house.mail()
    tables = ["person", "account_role", "mfa_authenticator", "sign_in_link", "sign_in_session"]
    # Not `throttle`: a link that is wrong is counted.
    tables += ["fact", "action", "message", "web_cache", "account_emailaddress"]

    def rows() -> list[object]:
        return [house.rows(f"SELECT * FROM {table} ORDER BY 1, 2") for table in tables]

    before = rows()
    seen = {}
    for path in [*paths(), f"/acc_{number}/profile"]:
        for one in (client, outsider):
            seen[path] = one.get(path).status_code
            one.head(path)
    assert rows() == before
    assert seen["/sign-out"] == 405
    assert client.get("/").status_code == 200


def test_the_person_of_the_pages_is_a_window_on_the_row(site: str) -> None:
    from django.core.management import call_command

    from arrears.store.models import Person

    with psycopg.connect(site) as db:
        found = dict(
            db.execute(
                "SELECT column_name, data_type || CASE is_nullable WHEN 'YES' THEN '?' ELSE '' END"
                " FROM information_schema.columns WHERE table_name = 'person'"
            ).fetchall()
        )
    kinds = {"BigAutoField": "bigint", "TextField": "text", "IntegerField": "integer"}
    fields = {field.column: kinds[field.get_internal_type()] for field in Person._meta.concrete_fields}
    assert {name: found[name] for name in fields} == fields
    assert not Person._meta.managed
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)
