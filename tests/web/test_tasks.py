"""Links to a task without an account's number: everybody comes to their own account."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.web.living import Living, living
from tests.web.test_centre import sign_in, text

from arrears.sandbox.run import Running, running

if TYPE_CHECKING:
    from django.test import Client

LINKS = Path(__file__).parents[2] / "docs" / "links.md"


@pytest.fixture(scope="module")
def shop(site: str) -> Iterator[Living]:
    sandbox: Running
    with running() as sandbox, living(site, sandbox) as found:
        yield found


def test_every_task_leads_to_its_place_on_a_page_of_the_readers_account(shop: Living, client: Client) -> None:
    from arrears.web.account_centre.tasks import TASKS

    account = shop.account((12000, "EUR"))
    assert client.get("/acc/methods/add")["Location"] == "/sign-in?next=/acc/methods/add"
    sign_in(client, shop.email(account))
    for task, onward in TASKS.items():
        for path in (f"/acc/{task}", f"/acc/{task}/".replace("//", "/")):
            assert client.get(path)["Location"] == f"/acc_{account}/{onward}", path
        page, _hash, place = onward.partition("#")
        answer = client.get(f"/acc_{account}/{page}")
        assert answer.status_code == 200
        assert not place or f'id="{place}"' in text(answer), onward
        assert client.get(f"/acc_{account}/{task}", follow=True).status_code == 200, task
    assert client.get("/acc/nothing").status_code == 404
    assert client.post("/acc/settle").status_code == 405


def test_whoever_has_several_accounts_is_asked_which_and_who_has_none_is_told(shop: Living, client: Client) -> None:
    from arrears.web import identities

    first, second = shop.account(name="Bakery One"), shop.account(name="Bakery Two")
    person = shop.store.contacts([first])[first].people[0].no
    identities.grant(second, person, "billing_reader")
    sign_in(client, shop.email(first))
    page = text(client.get("/acc/methods/add", headers={"accept-language": "nl"}))
    assert "Om welk account gaat het?" in page
    assert re.findall(r'<a href="(/acc_[^"]+)">', page) == [f"/acc_{n}/methods#add" for n in (first, second)]
    client.cookies.clear()
    identities.create_person("nobody@example.org", "Kim", "correct horse battery staple", "nl", shop.clock.now())
    sign_in(client, "nobody@example.org")
    assert "U hebt hier nog geen accounts." in text(client.get("/acc/settle", headers={"accept-language": "nl"}))


@pytest.mark.usefixtures("site")
def test_the_manual_names_every_task_and_no_other() -> None:
    from arrears.web.account_centre.tasks import TASKS

    assert re.findall(r"^\| `/acc/([^`]*)`", LINKS.read_text("utf-8"), re.MULTILINE) == list(TASKS)
