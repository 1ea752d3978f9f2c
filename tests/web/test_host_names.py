"""Pages stand at a name: a passkey belongs to one, so whoever types figures is sent to `localhost` or told why not."""

from __future__ import annotations

import pytest
from django.test import Client
from tests.site import using
from tests.web.entrance import Entrance, come_in

from arrears.web.host_names import is_in_figures


def asked(path: str, host: str, method: str = "get") -> tuple[int, str]:
    answer = getattr(Client(raise_request_exception=False, HTTP_HOST=host), method)(path)
    return answer.status_code, answer.headers.get("Location", "")


@pytest.mark.parametrize(
    ("host", "path", "where"),
    [
        ("127.0.0.1:8000", "/sign-in?next=/acc_1/", "http://localhost:8000/sign-in?next=/acc_1/"),
        ("[::1]:8000", "/outbox/", "http://localhost:8000/outbox/"),
        ("127.0.0.1", "/help", "http://localhost/help"),
    ],
)
def test_a_page_asked_for_in_figures_is_at_localhost(site: str, host: str, path: str, where: str) -> None:
    assert asked(path, host) == (302, where)


@pytest.mark.parametrize(
    "path", ["/v1/openapi.json", "/webhooks/stripe", "/banner.js", "/assets/style-000000000000.css"]
)
def test_programs_are_answered_where_they_ask(site: str, path: str) -> None:
    assert not asked(path, "127.0.0.1:8000")[1].startswith("http://localhost")


def test_forms_are_taken_where_they_are_sent(site: str) -> None:
    assert not asked("/language", "127.0.0.1:8000", "post")[1].startswith("http://localhost")


@pytest.mark.parametrize(
    "told",
    [
        {"base_url": "http://127.0.0.1:8000"},
        {"base_url": "https://pay.example.org"},
        {"hosts": ("127.0.0.1",)},
        {"https": True},
    ],
    ids=str,
)
def test_nobody_is_sent_to_localhost_by_an_installation_that_is_elsewhere(site: str, told: dict[str, object]) -> None:
    with using(**told):
        assert not asked("/sign-in", "127.0.0.1:8000")[1].startswith("http://localhost")


def test_where_the_site_is_an_address_in_figures_the_passkey_pages_say_why_there_are_none(site: str) -> None:
    house = Entrance(site)
    try:
        _, person, _ = house.account()
        with using(base_url="http://127.0.0.1:8000"):
            browser = Client(HTTP_HOST="127.0.0.1:8000")
            come_in(browser, person)
            for path in ("/security", "/security/passkeys/new"):
                page = browser.get(path).content.decode()
                assert "by an address in figures (127.0.0.1)" in page, path
                assert "data-passkey" not in page, path
                assert ">Add a passkey</a>" not in page, path
            assert "data-passkey" not in Client(HTTP_HOST="127.0.0.1:8000").get("/sign-in").content.decode()
        with using(base_url="https://pay.example.org"):
            assert "Open https://pay.example.org instead" in browser.get("/security/passkeys/new").content.decode()
    finally:
        house.close()


@pytest.mark.parametrize(
    ("host", "figures"),
    [("127.0.0.1", True), ("[::1]", True), ("192.0.2.1", True), ("localhost", False), ("1.example.org", False)],
)
def test_what_is_an_address_in_figures(host: str, *, figures: bool) -> None:
    assert is_in_figures(host) is figures
