"""Signing in: passwords, the second step, recovery codes, sessions, and tries that are counted without locking out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import quote

import psycopg
import pytest
from tests.site import PASSWORD
from tests.web.entrance import Entrance, browser, code, come_in, guess, long_ago, sign_in, ten_times, text, with_app

from arrears.core.errors import Refused
from arrears.engine.people import access

WORDS = ("anna.devries@bakkerij.example", "Anna de Vries", "Voorbeeld Hosting")


@pytest.fixture(scope="module")
def house(site: str) -> Iterator[Entrance]:
    found = Entrance(site)
    yield found
    found.close()


@pytest.fixture(autouse=True)
def _nothing_left(site: str, house: Entrance) -> None:
    """No try and no message of the test before."""
    house.mail()
    with psycopg.connect(site) as db:
        db.execute("DELETE FROM throttle")


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("", "weak_password"),
        ("fourteen chars", "weak_password"),
        ("x" * 257, "weak_password"),
        ("aaaaaaaaaaaaaaaaaaaa", "common_password"),
        ("abababababababababab", "common_password"),
        ("passwordpassword", "common_password"),
        ("PasswordPassword", "common_password"),
        ("iloveyou iloveyou", "common_password"),
        ("letmein123456789", "common_password"),
        ("123456789012345", "common_password"),
        ("qwertyuiopasdfghjkl", "common_password"),
        ("annadevries2026", "own_password"),
        ("bakkerij-2026!!", "own_password"),
        ("voorbeeld hosting", "own_password"),
    ],
)
def test_a_password_that_would_be_guessed_is_refused(site: str, password: str, why: str) -> None:
    from arrears.web import passwords

    with pytest.raises(Refused) as refused:
        passwords.check(password, *WORDS)
    assert refused.value.code == why


@pytest.mark.parametrize(
    "password",
    [
        PASSWORD,
        "een lange zin met gekke woorden",
        "kT9$vLq2#xWz7!mB",
        "my bakkerij smells of cinnamon",
        "пять синих слонов танцуют",
    ],
)
def test_a_password_that_nobody_expects_is_taken(site: str, password: str) -> None:
    from arrears.web import passwords

    passwords.check(password, *WORDS)
    assert len(password) >= passwords.CHARACTERS_MIN


def test_another_password_needs_the_one_before_ends_other_sessions_and_is_told(house: Entrance) -> None:
    _, _, email = house.account()
    here, there = browser(), browser()
    sign_in(here, email)
    sign_in(there, email)
    new = "four blue cups of coffee"
    for form, why in (
        ({"before": "wrong", "password": new}, "Your password now is another one"),
        ({"before": PASSWORD, "password": "passwordpassword"}, "tried first"),
    ):
        answer = here.post("/security/password", form)
        assert (answer.status_code, why in text(answer)) == (422, True)
    assert house.mail() == []
    assert here.post("/security/password", {"before": PASSWORD, "password": new}).status_code == 302
    assert here.get("/security").status_code == 200
    assert there.get("/security").status_code == 302
    [told] = house.mail()
    assert (told.to, "password was changed" in told.subject) == (email, True)
    assert sign_in(browser(), email).status_code == 403
    assert sign_in(browser(), email, new).status_code == 302


def test_with_an_app_the_password_alone_does_not_let_in(house: Entrance) -> None:
    _, person, email = house.account()
    client = browser()
    come_in(client, person)
    assert "That code is not right" in text(client.post("/security/app", {"code": "12345"}))
    picture = client.get("/security/app/picture.svg")
    assert (picture.headers["Content-Type"], b"<svg" in picture.content) == ("image/svg+xml", True)
    secret = with_app(client)
    assert any("authenticator app" in message.subject for message in house.mail())
    [(stored,)] = house.rows("SELECT data::text FROM mfa_authenticator WHERE type = 'totp' ORDER BY id DESC LIMIT 1")
    assert secret not in stored, "a copy of the database does not give the codes"
    client.post("/sign-out")
    assert sign_in(client, email, next="/security").headers["Location"] == "/sign-in/second-step"
    assert client.get("/").status_code == 302
    assert "That code is not right" in text(client.post("/sign-in/second-step", {"code": "000000"}))
    good = code(secret, 1)
    assert client.post("/sign-in/second-step", {"code": good}).headers["Location"] == "/security"
    again = browser()
    sign_in(again, email)
    assert "not right" in text(again.post("/sign-in/second-step", {"code": good})), "a code is used once"


def test_each_recovery_code_lets_in_once(house: Entrance) -> None:
    _, person, email = house.account()
    client = browser()
    come_in(client, person)
    with_app(client)
    codes = re.findall(r"<li>(\d{8})</li>", text(client.get("/security/codes")))
    assert len(set(codes)) == 10
    assert "Not used yet: 10." in text(client.get("/security"))
    for one, status in ((codes[0], 302), (codes[0], 200), (codes[9], 302)):
        other = browser()
        sign_in(other, email)
        assert other.post("/sign-in/second-step", {"code": one}).status_code == status
    assert "Not used yet: 8." in text(client.get("/security"))
    house.mail()
    client.post("/security/codes/new")
    assert codes[1] not in text(client.get("/security/codes"))
    assert ["recovery codes" in message.subject for message in house.mail()] == [True]


def test_an_app_is_removed_and_that_is_told(house: Entrance) -> None:
    _, person, email = house.account()
    client = browser()
    come_in(client, person)
    with_app(client)
    house.mail()
    assert client.get("/security/app/remove").status_code == 200
    assert client.post("/security/app/remove").headers["Location"] == "/security"
    assert ["removed" in message.subject for message in house.mail()] == [True]
    assert sign_in(browser(), email).headers["Location"] == "/"
    assert client.get("/security/codes").status_code == 404


def test_sessions_are_listed_and_ended_elsewhere(house: Entrance) -> None:
    _, _, email = house.account()
    phone = browser(HTTP_USER_AGENT="Mozilla/5.0 (iPhone) Version/17.0 Mobile/15E148 Safari/604.1")
    here, third = browser(HTTP_USER_AGENT="Mozilla/5.0 (Windows NT 10.0) Firefox/145.0"), browser()
    for client in (phone, here, third):
        sign_in(client, email)
    page = text(here.get("/security"))
    assert re.findall(r"<strong>(Firefox · Windows|Safari · iPhone|Another browser)</strong>", page) == [
        "Firefox · Windows",
        "Another browser",
        "Safari · iPhone",
    ]
    numbers = re.findall(r'name="session" value="(\d+)"', page)
    assert len(numbers) == 2, "this browser is signed out with its own button"
    here.post("/security", {"session": numbers[1]})
    assert phone.get("/").status_code == 302
    assert third.get("/").status_code == 200
    here.post("/security", {"do": "others"})
    assert third.get("/").status_code == 302
    assert here.get("/").status_code == 200
    assert text(here.get("/security")).count("since ") == 1


def test_a_session_is_listed_in_a_world_that_is_a_year_ahead(house: Entrance) -> None:
    _, _, email = house.account()
    client = browser()
    sign_in(client, email)
    house.clock.ahead = timedelta(days=400)
    try:
        page = text(client.get("/security"))
    finally:
        house.clock.ahead = timedelta(0)
    assert page.count("since ") == 1


def test_nobody_ends_the_session_of_somebody_else(house: Entrance) -> None:
    _, person, email = house.account()
    _, _, outsider = house.account()
    mine, theirs = browser(), browser()
    sign_in(mine, email)
    sign_in(theirs, outsider)
    [(number,)] = house.rows("SELECT no FROM sign_in_session WHERE person_id = %s", person)
    theirs.post("/security", {"session": str(number)})
    assert mine.get("/").status_code == 200


def test_every_session_ends_with_a_transaction_of_the_engine(house: Entrance) -> None:
    number, person, _ = house.account()
    client = browser()
    come_in(client, person)

    def fails() -> None:
        with house.store.accounts([number], house.clock.now()):
            access.end_sessions(house.store, person)
            raise RuntimeError("what it belongs to did not happen")

    with pytest.raises(RuntimeError):
        fails()
    assert client.get("/").status_code == 200
    with house.store.accounts([number], house.clock.now()):
        access.end_sessions(house.store, person)
    assert client.get("/").status_code == 302


def test_strangers_who_guess_lock_out_nobody(house: Entrance) -> None:
    _, _, email = house.account()
    known, outsider = browser(), browser()
    sign_in(known, email)
    known.post("/sign-out")
    for _ in range(10):
        assert sign_in(outsider, email, "guess").status_code == 403
    assert sign_in(outsider, email).status_code == 403, "too many tries, even with the right password"
    assert sign_in(browser(), email).status_code == 403
    assert sign_in(known, email).status_code == 302, "a browser that has signed in before"
    known.post("/sign-out")
    guess(house, known, email)
    assert sign_in(known, email).status_code == 403, "whoever took that browser guesses no more than others"


def test_a_cookie_that_we_have_not_signed_makes_no_browser_known(house: Entrance) -> None:
    _, _, email = house.account()
    _, _, other = house.account()
    known = browser()
    sign_in(known, other)
    ours = known.cookies["known"].value
    guess(house, browser(), email)
    for value in ("x", ours[:-1] + ("A" if ours[-1] != "A" else "B"), ours):
        client = browser()
        client.cookies["known"] = value
        assert sign_in(client, email).status_code == 403, "known to another name, or to none"


def test_codes_cannot_be_guessed_either(house: Entrance) -> None:
    _, person, email = house.account()
    owner = browser()
    come_in(owner, person)
    secret = with_app(owner)
    owner.post("/sign-out")
    sign_in(owner, email)
    assert owner.post("/sign-in/second-step", {"code": code(secret, -1)}).headers["Location"] == "/"
    guesser = browser()
    sign_in(guesser, email)
    for wrong in range(10):
        guesser.post("/sign-in/second-step", {"code": f"{wrong:06}"})
    answer = guesser.post("/sign-in/second-step", {"code": code(secret, 1)})
    assert "That was too often" in text(answer)
    owner.post("/sign-out")
    sign_in(owner, email)
    answer = owner.post("/sign-in/second-step", {"code": code(secret, 1)})
    assert answer.headers["Location"] == "/", "a browser that has signed in before"


def test_what_matters_asks_once_more_who_it_is_and_goes_on_where_one_was(house: Entrance) -> None:
    number, person, _ = house.account()
    client, page = browser(), f"/acc_{number}/profile"
    come_in(client, person)
    long_ago(client)
    for path in ("/security/app", "/security/passkeys/new"):
        assert client.get(path).headers["Location"] == f"/sign-in/again?next={quote(path, safe='')}"
    answer = client.post(page, {"do": "address", "address": "anna.new@example.org"})
    assert answer.headers["Location"] == f"/sign-in/again?next=%2Facc_{number}%2Fprofile"
    assert house.mail() == []
    again = answer.headers["Location"]
    assert "show once more that it is you" in text(client.get(again))
    assert "That password is not right" in text(client.post(again, {"password": "wrong"}))
    assert house.mail() == []
    done = client.post(again, {"password": PASSWORD})
    assert done.status_code == 303
    assert done.headers["Location"].startswith(f"{page}?done="), "the form was not lost"
    assert "We sent a link to the new address." in text(client.get(done.headers["Location"]))
    assert [message.to for message in house.mail()] == ["anna.new@example.org"]
    assert client.post(page, {"do": "invite", "address": "sam@example.org"}).status_code == 303, "for five minutes"


@pytest.mark.parametrize("do", ["address", "invite", "withdraw", "remove", "warn", "unwarn"])
def test_nothing_about_people_changes_without_a_proof(house: Entrance, do: str) -> None:
    number, person, _ = house.account()
    client = browser()
    come_in(client, person)
    long_ago(client)
    answer = client.post(f"/acc_{number}/profile", {"do": do, "address": "sam@example.org", "link": "1", "person": "1"})
    assert answer.headers["Location"].startswith("/sign-in/again?")
    assert client.post("/security", {"do": "others"}).headers["Location"].startswith("/sign-in/again?")


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example/", "/\\evil.example", "/console/", "javascript:x"]
)
def test_proving_who_one_is_leads_only_to_places_of_ours(house: Entrance, target: str) -> None:
    _, person, _ = house.account()
    client = browser()
    come_in(client, person)
    answer = client.post(f"/sign-in/again?next={target}", {"password": PASSWORD})
    assert answer.headers["Location"] == "/"


def test_somebody_who_took_a_session_over_cannot_guess_the_password(house: Entrance) -> None:
    _, _, email = house.account()
    client = browser()
    sign_in(client, email)
    client.post("/sign-in/again?next=/security", {"password": "guess"})
    ten_times(house)
    assert "That was too often" in text(client.post("/sign-in/again?next=/security", {"password": PASSWORD}))
    assert sign_in(browser(), email).status_code == 302, "and locks nobody out"
