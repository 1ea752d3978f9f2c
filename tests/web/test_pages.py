"""The first pages: who gets in, what every answer carries, and that looking changes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from tests import members
from tests.site import using
from tests.web.conftest import PASSWORD

if TYPE_CHECKING:
    from django.test import Client

ADDRESSES = ("/", "/sign-in", "/console/", "/console/sign-in", "/nothing-here", "/v1/me", "/v1/openapi.json")
LOCALE = Path(__file__).parents[2] / "src" / "arrears" / "locale"


def sign_in(client: Client, path: str = "/sign-in", email: str = "anna@example.org", **more: str) -> int:
    return int(client.post(path, {"email": email, "password": PASSWORD, **more}).status_code)


def test_a_person_signs_in_and_sees_their_own_accounts_and_nobody_elses(client: Client) -> None:
    assert client.get("/").headers["Location"] == "/sign-in?next=/"
    assert sign_in(client) == 302
    page = client.get("/").content.decode()
    assert "You are signed in as Anna." in page
    assert "Bakery &lt;b&gt;Anna&lt;/b&gt;" in page
    assert "CANARY" not in page


def test_who_the_operator_is_by_law_stands_at_the_foot_of_every_page(client: Client) -> None:
    with using(legal_identity="Müller & Söhne GmbH, HRB 12345"):
        for address in ("/sign-in", "/help", "/"):
            if address == "/":
                sign_in(client)
            page = client.get(address).content.decode()
            assert page.count("Müller &amp; Söhne GmbH, HRB 12345") == page.count("<footer>") == 1, address
    assert "<footer>" not in client.get("/help").content.decode(), "nothing to say, no foot"


def test_a_customer_is_never_staff_and_staff_are_never_a_customer(client: Client) -> None:
    assert sign_in(client, "/console/sign-in") == 403
    assert sign_in(client, "/sign-in", "staff@example.org") == 403
    assert members.both_steps(client, "staff@example.org", PASSWORD) == 302
    assert client.get("/console/").status_code == 200
    assert client.get("/").status_code == 302


def test_signing_out_ends_the_session_and_clears_the_browser(client: Client) -> None:
    sign_in(client)
    assert client.post("/sign-out").headers["Clear-Site-Data"] == '"cache", "storage"'
    assert client.get("/").status_code == 302


def test_a_person_who_was_removed_is_out_at_once(client: Client, site: str) -> None:
    from tests.web.conftest import NOW

    from arrears.web import identities

    person = identities.create_person("gone@example.org", "Gone", PASSWORD, "en", NOW)
    assert sign_in(client, email="gone@example.org") == 302
    with psycopg.connect(site) as db:
        db.execute("DELETE FROM person WHERE person_id = %s", [person])
    assert client.get("/").status_code == 302


def test_after_ten_wrong_tries_even_the_right_password_waits_and_the_words_stay_the_same(client: Client) -> None:
    wrong = [client.post("/sign-in", {"email": "anna@example.org", "password": "x"}) for _ in range(10)]
    unknown = client.post("/sign-in", {"email": "nobody@example.org", "password": "x"})
    waits = client.post("/sign-in", {"email": "anna@example.org", "password": PASSWORD})
    alerts = {r.content.decode().split('role="alert">')[1].split("<")[0] for r in (*wrong, unknown, waits)}
    assert (waits.status_code, len(alerts)) == (403, 1)


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example/", "/console/", "javascript:alert(1)", "\\\\x"]
)
def test_signing_in_leads_only_to_places_of_ours(client: Client, target: str) -> None:
    answer = client.post("/sign-in", {"email": "anna@example.org", "password": PASSWORD, "next": target})
    assert answer.headers["Location"] == "/"


def test_a_form_from_elsewhere_is_refused_kindly(site: str) -> None:
    from django.test import Client

    strict = Client(enforce_csrf_checks=True, HTTP_HOST="localhost")
    for address in ("/sign-in", "/sign-out", "/console/sign-in", "/console/sign-out", "/language"):
        answer = strict.post(address, {})
        assert answer.status_code == 403
        assert "Please try once more" in answer.content.decode()


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_answer_carries_the_headers(client: Client, address: str) -> None:
    answer = client.get(address)
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["Cache-Control"] == "no-store"


def digest(url: str) -> list[object]:
    tables = ("person", "account_role", "staff", "api_token", "idempotency_key", "throttle", "account")
    with psycopg.connect(url) as db:
        return [db.execute(f"SELECT * FROM {table}".encode()).fetchall() for table in tables]


def test_looking_at_any_address_changes_nothing(client: Client, site: str) -> None:
    sign_in(client)
    before = digest(site)
    for address in ADDRESSES:
        client.get(address)
        client.head(address)
    for address in ("/sign-out", "/console/sign-out", "/language"):
        assert client.get(address).status_code == 405
    assert digest(site) == before
    assert client.get("/").status_code == 200


def test_a_forged_host_is_refused(client: Client) -> None:
    answer = client.get("/sign-in", HTTP_HOST="evil.example")
    assert answer.status_code == 400
    assert "evil" not in answer.content.decode()


def test_a_mistake_of_ours_shows_nothing_of_the_inside(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from arrears.web import pages

    def fails(*_: object) -> None:
        raise RuntimeError("the inside")

    monkeypatch.setattr(pages, "signed_in", fails)
    answer = client.get("/")
    assert answer.status_code == 500
    assert "the inside" not in answer.content.decode()
    assert "Something went wrong on our side" in answer.content.decode()


def test_the_language_is_switched_and_kept(client: Client) -> None:
    assert client.post("/language", {"language": "nl", "next": "/sign-in"}).headers["Location"] == "/sign-in"
    page = client.get("/sign-in").content.decode()
    assert '<html lang="nl">' in page
    assert "Wachtwoord" in page
    assert client.post("/language", {"language": "xx", "next": "//evil"}).headers["Location"] == "/"
    assert "Wachtwoord" in client.get("/sign-in").content.decode()


def test_a_browser_in_dutch_gets_dutch(client: Client) -> None:
    assert "Inloggen" in client.get("/sign-in", HTTP_ACCEPT_LANGUAGE="nl").content.decode()


def test_dutch_is_complete_and_the_compiled_texts_are_the_written_ones() -> None:
    with (LOCALE / "nl/LC_MESSAGES/django.po").open("rb") as file:
        written = {_words(m.id): _words(m.string) for m in read_po(file) if m.id}
    with (LOCALE / "nl/LC_MESSAGES/django.mo").open("rb") as file:
        compiled = {_words(m.id): _words(m.string) for m in read_mo(file) if m.id}
    assert written == compiled
    web = LOCALE.parent / "web"
    sources = "".join(p.read_text() for p in [*web.rglob("*.html"), *web.rglob("*.py")])
    missing = [text for text in _marked(sources) if text not in written]
    assert missing == []


def _words(text: Any) -> str | tuple[str, ...]:
    """A sentence, or its forms for one and for many."""
    return text if isinstance(text, str) else tuple(text)


def _marked(sources: str) -> list[str]:
    import re

    found = re.findall(r'{% translate "([^"]+)" %}', sources) + re.findall(r'\b_\("([^"]+)"\)', sources)
    assert len(found) > 15
    return found


def test_a_weak_password_is_refused(site: str) -> None:
    from tests.web.conftest import NOW

    from arrears.core.errors import Refused
    from arrears.web import identities

    for password in ("short", "annalies1 is my name, annalies1"):
        with pytest.raises(Refused, match="15 characters"):
            identities.create_person("annalies1@example.org", "A", password, "en", NOW)
