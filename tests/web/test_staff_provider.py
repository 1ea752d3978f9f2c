"""Staff sign in at an OpenID Connect provider, over HTTP: who is let in, and every lie that is not believed."""

from __future__ import annotations

import hashlib
import hmac
import html
import io
import json
import logging
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import psycopg
import pytest
from tests import members
from tests.openid_provider import CLIENT, SECRET, Provider, provider, query
from tests.site import PASSWORD, using
from tests.web.entrance import Entrance, browser, text

from arrears.core.errors import Refused
from arrears.web import logs
from arrears.web.console.openid_connect import read_provider

if TYPE_CHECKING:
    from django.test import Client

FILE: Final = 'issuer = "{issuer}"\nclient_id = "{client}"\nclient_secret = "{secret}"\nname = "Example login"\n{more}'
MFA: Final = 'second_factor = {amr = ["mfa"], acr = ["phr"]}'


@pytest.fixture(scope="module")
def house(site: str) -> Iterator[Entrance]:
    found = Entrance(site)
    yield found
    found.close()


@pytest.fixture(scope="module")
def one() -> Iterator[Provider]:
    with provider() as made:
        yield made


@pytest.fixture
def says(house: Entrance, one: Provider, tmp_path: Path) -> Iterator[Provider]:
    """The provider, with nothing wrong yet, which the installation's settings name."""
    one.forget()
    with psycopg.connect(house.database) as db:
        db.execute("DELETE FROM throttle")
    with using(staff_sign_in=written(tmp_path, one.url), base_url="http://localhost:8000"):
        yield one


@pytest.fixture
def said() -> Iterator[io.StringIO]:
    root, stream = logging.getLogger(), io.StringIO()
    was = list(root.handlers), root.level
    logs.begin("json", quiet=True, stream=stream)
    yield stream
    root.handlers[:], root.level = was


@pytest.fixture(scope="module")
def sam(house: Entrance) -> str:
    members.made("sam@operator.example", "Sam", PASSWORD, "agent", house.clock.now())
    return "sam@operator.example"


def written(folder: Path, issuer: str, more: str = MFA, *, client: str = CLIENT, secret: str = SECRET) -> Path:
    path = folder / "provider.toml"
    path.write_text(FILE.format(issuer=issuer, client=client, secret=secret, more=more), encoding="utf-8")
    return path


def leaves(client: Client, **sent: str) -> str:
    """Where the button of the sign-in page leads on to."""
    assert "Sign in with Example login" in text(client.get("/console/sign-in"))
    answer = client.post("/console/sign-in/provider", sent)
    found = re.search(r'http-equiv="refresh" content="0; url=([^"]+)"', text(answer))
    assert found is not None, text(answer)
    return html.unescape(found[1])


def comes_back(client: Client, says: Provider, email: str, **sent: str) -> Any:
    return client.get(query(says.authorize(leaves(client, **sent), email)))


def test_who_is_staff_comes_in_with_the_providers_second_factor_or_with_ours(
    house: Entrance, says: Provider, sam: str, said: io.StringIO
) -> None:
    for claims in ({"amr": ["pwd", "mfa"]}, {"acr": "phr"}):
        says.claims, client = claims, browser()
        answer = comes_back(client, says, sam.upper(), next="/console/tasks")
        assert (answer.status_code, answer.headers["Location"]) == (302, "/console/tasks")
        assert client.get("/console/tasks").status_code == 200
    for claims in ({}, {"amr": ["pwd"]}, {"amr": "mfa"}, {"acr": "0"}, {"amr": [["mfa"]], "acr": ["phr"]}):
        says.claims, client = claims, browser()
        answer = comes_back(client, says, sam, next="/console/tasks")
        assert answer.headers["Location"] == "/console/second-step"
        assert client.get("/console/tasks").status_code == 302
        members.statement("UPDATE staff SET code_no = 0 WHERE email = %s", sam)
        answer = client.post("/console/second-step", {"code": members.code()})
        assert answer.headers["Location"] == "/console/tasks"
    assert "staff_not_let_in" not in said.getvalue()


def test_whom_the_provider_proved_chooses_no_password_and_sets_an_app_up(house: Entrance, says: Provider) -> None:
    from arrears.web.console.members import create_staff, known_member

    create_staff("new@operator.example", "New", "a-first-password", "agent", house.clock.now(), first=True)
    client = browser()
    assert comes_back(client, says, "new@operator.example").headers["Location"] == "/console/second-step"
    found = re.search("<code>([A-Z2-7]+)</code>", text(client.get("/console/second-step")))
    assert found is not None
    assert client.get("/console/second-step/picture.svg").status_code == 200
    before = known_member("new@operator.example")
    client.post("/console/second-step", {"password": "another password of mine", "again": "another password of mine"})
    assert known_member("new@operator.example").proof == before.proof, "nobody chooses a password in passing"
    assert client.post("/console/second-step", {"code": members.code(key=found[1])}).status_code == 302
    assert client.get("/console/").status_code == 200
    with psycopg.connect(house.database) as db:
        db.execute("UPDATE staff SET is_active = false WHERE email = 'new@operator.example'")
    assert client.get("/console/").status_code == 302, "their session ended with them"
    assert "Nobody on staff has the address" in text(comes_back(browser(), says, "new@operator.example"))


def not_signed(_body: bytes) -> bytes:
    return b""


LIES: Final[dict[str, tuple[dict[str, Any], str]]] = {
    "another issuer": ({"claims": {"iss": "https://login.example.net"}}, "wrong_issuer"),
    "a configuration of another": ({"about": {"issuer": "https://login.example.net"}}, "wrong_issuer"),
    "for another client": ({"claims": {"aud": "another"}}, "wrong_audience"),
    "for several, authorized for another": ({"claims": {"aud": [CLIENT, "x"], "azp": "x"}}, "wrong_audience"),
    "for several, and for whom is not said": ({"claims": {"aud": [CLIENT, "x"]}}, "wrong_audience"),
    "of another sign-in": ({"claims": {"nonce": "x" * 43}}, "wrong_nonce"),
    "of no sign-in": ({"claims": {"nonce": None}}, "incomplete"),
    "over": ({"claims": {"exp": int(time.time()) - 120}}, "expired"),
    "without an end": ({"claims": {"exp": None}}, "incomplete"),
    "from tomorrow": ({"claims": {"iat": int(time.time()) + 86_400}}, "not_yet"),
    "of nobody": ({"claims": {"sub": None}}, "incomplete"),
    "alg none": ({"header": {"alg": "none"}, "sign": not_signed}, "unsigned"),
    "alg None": ({"header": {"alg": "None"}, "sign": not_signed}, "unsigned"),
    "signed by nobody": ({"sign": not_signed}, "wrong_signature"),
    "signed over something else": ({"sign": "other"}, "wrong_signature"),
    "with the key that everybody has": ({"header": {"alg": "HS256", "kid": "k0"}, "sign": "public"}, "unsigned"),
    "with a key that is not there": ({"header": {"kid": "k9"}}, "wrong_signature"),
    "by another way than it says": ({"header": {"alg": "PS256"}}, "wrong_signature"),
    "unverified": ({"claims": {"email_verified": False}}, "unverified_address"),
    "verified in so many words": ({"claims": {"email_verified": "true"}}, "unverified_address"),
    "verified or not": ({"claims": {"email_verified": None}}, "unverified_address"),
    "without an address": ({"claims": {"email": None}, "user": {"sub": "u1"}}, "unverified_address"),
    "with an address of somebody else": (
        {"claims": {"email": None}, "user": {"sub": "u2", "email": "sam@operator.example", "email_verified": True}},
        "wrong_subject",
    ),
    "no provider any more": ({"down": True}, "provider_silent"),
}


@pytest.mark.parametrize("lie", LIES)
def test_no_lie_is_believed_and_each_is_one_line_on_the_page_and_in_the_log(
    says: Provider, sam: str, said: io.StringIO, lie: str
) -> None:
    told, why = LIES[lie]
    client = browser()
    given = says.authorize(leaves(client), sam)
    for name, value in told.items():
        setattr(says, name, value)
    if says.sign == "other":
        says.sign = lambda body: says.signed(body + b".")
    elif says.sign == "public":
        says.sign = lambda body: hmac.digest(b"x" * 32, body, hashlib.sha256)
    answer = client.get(query(given))
    assert answer.status_code == 403
    [alert] = re.findall(r'role="alert">([^<]+)<', text(answer))
    assert "\n" not in alert
    lines = [json.loads(line) for line in said.getvalue().splitlines()]
    assert [one.get("code") for one in lines if one["event"] == "staff_not_let_in"] == [why]
    assert not [line for line in lines if sam in str(line)]
    assert client.get("/console/").status_code == 302
    says.forget()
    assert client.get("/console/second-step").status_code == 302
    again = client.get(query(says.authorize(leaves(client), sam)))
    assert again.headers["Location"] == "/console/second-step", "who begins again comes in"


def test_a_user_page_of_the_same_user_says_the_address_that_the_token_leaves_out(says: Provider, sam: str) -> None:
    says.claims, says.user = {"email": None}, {"sub": "u1", "email": sam, "email_verified": True}
    assert comes_back(browser(), says, sam).headers["Location"] == "/console/second-step"


def test_an_answer_is_good_once_in_the_browser_that_began_and_for_some_minutes(
    says: Provider, sam: str, said: io.StringIO
) -> None:
    client, other = browser(), browser()
    given = says.authorize(leaves(client), sam)
    assert other.get(query(given)).status_code == 403, "a link that somebody was sent lets them in as nobody"
    leaves(other)
    assert other.get(query(given)).status_code == 403
    assert says.codes, "for a foreign sign-in nothing is asked of the provider"
    assert client.get(query(given)).headers["Location"] == "/console/second-step"
    assert client.get(query(given)).status_code == 403
    assert client.get("/console/sign-in/back").status_code == 403
    client = browser()
    given = says.authorize(leaves(client), sam)
    assert client.get(query({**given, "state": given["state"][:-1] + "é"})).status_code == 403
    client = browser()
    given = says.authorize(leaves(client), sam)
    session = client.session
    session["staff_provider"] = {**session["staff_provider"], "began": time.time() - 601}
    session.save()
    assert client.get(query(given)).status_code == 403
    assert said.getvalue().count("stale_sign_in") == 6


def test_an_address_that_the_provider_gave_to_somebody_else_lets_nobody_in(
    house: Entrance, says: Provider, said: io.StringIO
) -> None:
    from arrears.web.console.members import known_member, reset_member

    email = "ida@operator.example"
    members.made(email, "Ida", PASSWORD, "agent", house.clock.now())
    says.claims = {"sub": "ida-1", "amr": ["mfa"]}
    for _time in range(2):
        assert comes_back(browser(), says, email).headers["Location"] == "/console/"
    says.claims |= {"sub": "ida-2"}
    assert "to somebody else" in text(comes_back(browser(), says, email))
    assert said.getvalue().count("another_user") == 1
    reset_member(known_member(email), "a-first-password")
    assert comes_back(browser(), says, email).headers["Location"] == "/console/"


def test_what_the_provider_refuses_is_told(says: Provider, sam: str, said: io.StringIO) -> None:
    client = browser()
    given = says.authorize(leaves(client), sam)
    answer = client.get(query({"state": given["state"], "error": "access_denied", "error_description": "<b>no</b>"}))
    assert "did not let you in" in text(answer)
    assert "<b>no" not in text(answer)
    given = says.authorize(leaves(client), sam)
    assert client.get(query({**given, "iss": "https://login.example.net"})).status_code == 403
    given = says.authorize(leaves(client), sam)
    assert client.get(query({**given, "code": "guessed"})).status_code == 403
    assert [json.loads(line)["code"] for line in said.getvalue().splitlines() if "staff_not_let_in" in line] == [
        "provider_declined",
        "wrong_issuer",
        "provider_silent",
    ]


def test_a_client_that_is_to_be_in_the_form_is_there(says: Provider, sam: str) -> None:
    says.about = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    taken = says.token

    def posted(form: dict[str, str], authorization: str) -> dict[str, Any] | None:
        assert (form.pop("client_id"), form.pop("client_secret"), authorization) == (CLIENT, SECRET, "")
        from base64 import b64encode
        from urllib.parse import quote

        return taken(form, f"Basic {b64encode(f'{quote(CLIENT)}:{quote(SECRET)}'.encode()).decode()}")

    says.token = posted  # type: ignore[method-assign]
    try:
        assert comes_back(browser(), says, sam).headers["Location"] == "/console/second-step"
    finally:
        del says.token  # type: ignore[method-assign]


def test_an_installation_without_a_provider_has_no_such_page(house: Entrance) -> None:
    client = browser()
    assert "Sign in with" not in text(client.get("/console/sign-in"))
    assert client.post("/console/sign-in/provider").status_code == 404
    assert client.get("/console/sign-in/back").status_code == 404


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "has no issuer"),
        ("issuer =", "is not TOML"),
        (FILE.format(issuer="https://l.example", client=" ", secret="s", more=""), "has no client_id"),
        (FILE.format(issuer="https://l.example", client="c", secret="", more=""), "has no client_secret"),
        (FILE.format(issuer="http://l.example", client="c", secret="s", more=""), "issuer is 'http://l.example'"),
        (FILE.format(issuer="http://127.0.0.1:1", client="c", secret="s", more=""), "issuer is 'http://127.0.0.1:1'"),
        (FILE.format(issuer="https://u:p@l.example", client="c", secret="s", more=""), "issuer is"),
        (FILE.format(issuer="https://[l", client="c", secret="s", more=""), "issuer is 'https://[l'"),
        (FILE.format(issuer="l.example", client="c", secret="s", more=""), "issuer is 'l.example'"),
        (FILE.format(issuer="https://l.example", client="c", secret="s", more="scope = 1"), "has 'scope', which is"),
        (FILE.format(issuer="https://l.example", client="c", secret="s", more="second_factor = 1"), "second_factor is"),
        (
            FILE.format(issuer="https://l.example", client="c", secret="s", more='second_factor = {amr = "mfa"}'),
            "second_factor is wrong",
        ),
    ],
)
def test_a_wrong_file_is_one_line(tmp_path: Path, content: str, why: str) -> None:
    path = tmp_path / "provider.toml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(Refused) as refused:
        read_provider(path, live=True)
    assert refused.value.code == "bad_staff_sign_in"
    assert refused.value.message.startswith(f"ARREARS_STAFF_SIGN_IN: provider.toml {why}")
    assert "\n" not in refused.value.message


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"provider\.toml cannot be read: No such file"):
        read_provider(tmp_path / "provider.toml", live=False)
    (tmp_path / "provider.toml").write_bytes(b"\xff\x00")
    with pytest.raises(Refused, match="is not TOML"):
        read_provider(tmp_path / "provider.toml", live=False)


def test_a_secret_is_in_no_text_of_the_provider(tmp_path: Path) -> None:
    found = read_provider(written(tmp_path, "https://login.example.org"), live=True)
    assert (found.client_secret, found.name, found.acr) == (SECRET, "Example login", frozenset({"phr"}))
    assert SECRET not in repr(found)
