"""The local outbox shows mail as its reader would see it, and is nowhere else than in test installations."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser
from tests.site import using
from tests.web.living import Living, living

from arrears import wiring
from arrears.adapters.channels.folder import FolderChannel
from arrears.sandbox.run import Running, running

if TYPE_CHECKING:
    from django.test import Client


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Running]:
    with running() as found:
        yield found


@pytest.fixture
def shop(site: str, sandbox: Running, tmp_path: Path) -> Iterator[Living]:
    with living(site, sandbox) as found:
        found.channel = FolderChannel(tmp_path)  # type: ignore[assignment]
        wiring.install(replace(found.live, channel=found.channel))
        yield found


@pytest.mark.sample(4)
@pytest.mark.parametrize(
    "asks",
    [
        {"HTTP_HOST": "pay.example.org"},
        {"HTTP_HOST": "localhost.example.org"},
        {"HTTP_HOST": "127.0.0.1.example.org"},
        {"REMOTE_ADDR": "192.0.2.7"},
        {"REMOTE_ADDR": "::ffff:192.0.2.7"},
        {"HTTP_X_FORWARDED_FOR": "192.0.2.7"},
        {"HTTP_X_FORWARDED_FOR": "127.0.0.1"},
        {"HTTP_X_FORWARDED_HOST": "localhost"},
        {"HTTP_FORWARDED": "for=127.0.0.1"},
        {"HTTP_VIA": "1.1 proxy"},
    ],
)
def test_whoever_comes_from_elsewhere_or_through_a_proxy_finds_no_outbox(
    shop: Living, client: Client, asks: dict[str, str]
) -> None:
    from django.test import override_settings

    shop.account((12000, "EUR"))
    name = re.findall(r'href="/outbox/([^"]+)"', client.get("/outbox/").content.decode())[0]
    with override_settings(ALLOWED_HOSTS=["*"]):
        for path in ("/outbox/", f"/outbox/{name}", f"/outbox/{name}/html"):
            assert client.get(path).status_code == 200
            assert client.get(path, **asks).status_code == 404  # type: ignore[arg-type]


@pytest.mark.parametrize("asks", [{"HTTP_HOST": "localhost"}, {"HTTP_HOST": "[::1]:8000", "REMOTE_ADDR": "::1"}])
def test_a_browser_on_this_machine_finds_it(shop: Living, client: Client, asks: dict[str, str]) -> None:
    # Where the installation says that it is at an address in figures, nobody is sent to a name.
    with using(base_url="http://127.0.0.1:8000"):
        assert client.get("/outbox/", **asks).status_code == 200  # type: ignore[arg-type]


def listed(client: Client, address: str = "/outbox/") -> list[str]:
    """The names of the mails on a page of the outbox, in its order."""
    return re.findall(r'href="/outbox/([^"?]+)"', client.get(address).content.decode())


def test_the_mails_of_two_customers_are_not_mixed(shop: Living, client: Client) -> None:
    one, other = shop.account((12000, "EUR"), name="Bakkerij Een"), shop.account((900, "EUR"), name="Bakkerij Twee")
    shop.work()
    names = [name for name in listed(client) if name.startswith((f"a{one}-", f"a{other}-"))]
    owners = [name.partition("-")[0] for name in names]
    assert {f"a{one}", f"a{other}"} == set(owners)
    assert sum(before != after for before, after in pairwise(owners)) == 1, "each customer's mails stand together"
    assert "Bakkerij Twee <small>" in client.get("/outbox/").content.decode()
    only = listed(client, f"/outbox/?account=acc_{one}")
    assert only
    assert {name.partition("-")[0] for name in only} == {f"a{one}"}
    assert f'href="/outbox/?account=acc_{one}"' in client.get(f"/outbox/{only[0]}").content.decode()
    assert listed(client, "/outbox/?account=acc_0") == []


def test_the_newest_mail_stands_first_and_opens_as_page_and_text(shop: Living, client: Client) -> None:
    account = shop.account((12000, "EUR"))
    assert shop.email(account) in client.get("/outbox/").content.decode()
    names = listed(client, f"/outbox/?account=acc_{account}")
    written = {path.stem: path.stat().st_mtime_ns for path in shop.channel.folder.iterdir()}  # type: ignore[attr-defined]
    assert names == sorted(names, key=lambda name: written[name], reverse=True)
    # The database has accounts of other tests, and one of them may have been written to last.
    name = next(name for name in names if name.startswith(f"a{account}-"))
    page = client.get(f"/outbox/{name}")
    text = page.content.decode().replace("\u00a0", " ")
    assert "€ 120,00" in text
    assert re.search(r'<a href="http://[^"]+/pay/[\w-]{43}"', text), "links of the text can be clicked"
    assert "frame-src 'self'" in page["Content-Security-Policy"]
    inner = client.get(f"/outbox/{name}/html")
    assert inner["X-Frame-Options"] == "SAMEORIGIN"
    assert "sandbox" in inner["Content-Security-Policy"]
    assert ' target="_top"' in inner.content.decode()


@pytest.mark.parametrize("name", ["..%2f..%2fetc%2fpasswd", "....", ".part", "none", "a/b"])
def test_nothing_but_mails_of_the_folder_can_be_opened(shop: Living, client: Client, name: str) -> None:
    assert client.get(f"/outbox/{name}").status_code == 404
    assert client.get(f"/outbox/{name}/html").status_code == 404


def test_live_installations_and_those_with_a_mail_server_have_no_outbox(
    site: str, sandbox: Running, shop: Living, client: Client
) -> None:
    with using(mode="live"):
        assert client.get("/outbox/").status_code == 404
    wiring.install(shop.live)
    assert client.get("/outbox/").status_code == 404


@pytest.mark.turn(2)
def test_a_person_opens_the_mail_and_its_link(shop: Living, browser: Browser) -> None:
    account = shop.account((12000, "EUR"))
    page = browser.new_page(viewport={"width": 1000, "height": 900}, locale="nl")
    page.goto(f"{shop.url}/outbox/")
    page.get_by_text(shop.email(account)).first.wait_for()
    page.locator(".rows a").first.click()
    frame = page.frame_locator("iframe.mail")
    frame.get_by_role("link").first.wait_for()
    if os.environ.get("ARREARS_PICTURES"):
        page.screenshot(path=f"{os.environ['ARREARS_PICTURES']}/outbox.png")
    frame.get_by_role("link").first.click()
    page.wait_for_url(f"{shop.url}/pay/")
    page.get_by_role("button", name="€ 120,00 betalen").wait_for()
    if os.environ.get("ARREARS_PICTURES"):
        page.screenshot(path=f"{os.environ['ARREARS_PICTURES']}/pay.png")
