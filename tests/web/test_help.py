"""Help as customers meet it: signed in, through a pay link, and as strangers, who learn nothing of any account."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from tests.web.living import Living, living
from tests.web.test_centre import digest, reader_of, sign_in, text
from tests.web.test_pay_link import link_for

from arrears.core.account import Action
from arrears.core.people.throttles import LIMITS, CountedBy, Throttled
from arrears.engine.people import support
from arrears.ports import Message
from arrears.sandbox.run import Running, running

if TYPE_CHECKING:
    from django.test import Client

ASK = {"about": "cannot_pay", "text": "The transfer takes two more weeks."}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Running]:
    with running() as found:
        yield found


@pytest.fixture
def shop(site: str, sandbox: Running) -> Iterator[Living]:
    with living(site, sandbox) as found:
        with psycopg.connect(site) as db:
            db.execute("UPDATE support_request SET address = ''")
        yield found


def visitor(**changes: str) -> dict[str, str]:
    typed = {"as": "stranger", "email": "piet@mail.example", "name": "Piet", "company": "", "known_by": ""}
    return {**typed, "about": "administrator_gone", "text": "She left in May.", **changes}


def letters(shop: Living, to: str = "piet@mail.example") -> list[Message]:
    """What leaves now to a stranger."""
    before = len(shop.channel.taken)
    shop.work()
    return [m for m in shop.channel.taken[before:] if m.to == to]


def path_in(message: Message) -> str:
    found = re.search(r"http://\S+?(/help/(?:confirm|read)/[\w-]{43})", message.text)
    assert found is not None, message.text
    return found[1]


def deletion_of(shop: Living, account: int) -> Any:
    return shop.store.snapshots([account])[account].subscription(1).promise(Action.DELETE).promised_on


def last_request(shop: Living) -> int:
    with psycopg.connect(shop.database) as db:
        row = db.execute("SELECT max(request_id) FROM support_request").fetchone()
    assert row is not None
    return int(row[0])


def test_the_administrator_asks_and_sees_what_that_holds_everywhere(shop: Living, client: Client) -> None:
    account = shop.account((12000, "EUR"), days=32)
    sign_in(client, shop.email(account))
    before = deletion_of(shop, account)
    page = text(client.get(f"/acc_{account}/help"))
    assert "14 dagen lang niet verwijderd" in page
    answer = client.post(f"/acc_{account}/help", ASK)
    assert answer.status_code == 303
    number = last_request(shop)
    assert answer["Location"] == f"/acc_{account}/help/{number}"
    assert deletion_of(shop, account) == before + timedelta(days=14)
    held = re.compile(r"Er worden tot en met \d+ \w+ \d{4} geen gegevens verwijderd\.")
    for path in ("", "subscriptions", "help", f"help/{number}"):
        page = text(client.get(f"/acc_{account}/{path}"))
        assert held.search(page), path
        assert f"Vraag {number}" in page
    assert "The transfer takes two more weeks." in text(client.get(f"/acc_{account}/help/{number}"))
    [told] = [m for m in letters(shop, shop.email(account)) if "vraag ontvangen" in m.subject]
    assert f"/acc_{account}/help/{number}" in told.text
    assert "tot en met" in told.text


def test_a_second_request_about_the_same_says_that_it_puts_nothing_off(shop: Living, client: Client) -> None:
    account = shop.account((12000, "EUR"), days=24)
    sign_in(client, shop.email(account))
    none = "Deze vraag geeft geen nieuw uitstel."
    for asked, says in (
        (ASK, False),
        ({**ASK, "text": "And one week more."}, True),
        ({**ASK, "about": "other"}, False),
    ):
        page = text(client.post(f"/acc_{account}/help", asked, follow=True))
        assert (none in page) is says, asked


def test_it_is_answered_and_goes_on(shop: Living, client: Client) -> None:
    account = shop.account((12000, "EUR"), days=32)
    sign_in(client, shop.email(account))
    client.post(f"/acc_{account}/help", ASK)
    number = last_request(shop)
    support.answer(shop.store, number, "Pay in <b>two</b> parts.", shop.clock.now(), "staff:1")
    page = text(client.get(f"/acc_{account}/help/{number}"))
    assert "beantwoord" in page
    assert "Pay in &lt;b&gt;two&lt;/b&gt; parts." in page
    assert client.post(f"/acc_{account}/help/{number}", {"text": "Good,\r\nthank you"}).status_code == 303
    page = text(client.get(f"/acc_{account}/help/{number}"))
    assert "Good,<br>thank you" in page
    assert "wacht op ons antwoord" in page
    refused = client.post(f"/acc_{account}/help/{number}", {"text": " "})
    assert refused.status_code == 422
    assert "Vertel ons" in text(refused)
    [told] = [m for m in letters(shop, shop.email(account)) if "antwoord op uw vraag" in m.subject]
    assert "parts" not in told.text, "the words stay behind the sign-in"


def test_a_reader_asks_for_themselves_and_reads_only_that(shop: Living, client: Client) -> None:
    account = shop.account((12000, "EUR"), days=32)
    sign_in(client, shop.email(account))
    client.post(f"/acc_{account}/help", ASK)
    theirs = last_request(shop)
    reader = reader_of(shop, account)
    client.post("/sign-out")
    sign_in(client, reader)
    before = deletion_of(shop, account)
    assert client.get(f"/acc_{account}/help/{theirs}").status_code == 404
    assert client.post(f"/acc_{account}/help/{theirs}", {"text": "x"}).status_code == 404
    page = text(client.get(f"/acc_{account}/"))
    assert f"Vraag {theirs}" in page, "what is held is everybody's to know"
    assert f"/help/{theirs}" not in page
    assert client.post(f"/acc_{account}/help", {**ASK, "text": "Where is Anna?"}).status_code == 303
    assert deletion_of(shop, account) == before, "5 days lie within the administrator's 14"
    own = last_request(shop)
    assert "Where is Anna?" in text(client.get(f"/acc_{account}/help/{own}"))
    client.post("/sign-out")
    sign_in(client, shop.email(account))
    assert client.get(f"/acc_{account}/help/{own}").status_code == 404


def test_nobody_reaches_the_requests_of_another_account(shop: Living, client: Client) -> None:
    account, other = shop.account((12000, "EUR"), days=32), shop.account((900, "EUR"), days=32)
    sign_in(client, shop.email(account))
    client.post(f"/acc_{account}/help", ASK)
    number = last_request(shop)
    client.post("/sign-out")
    sign_in(client, shop.email(other))
    for path in (f"acc_{account}/help", f"acc_{account}/help/{number}", f"acc_{other}/help/{number}", "acc_9/help/0"):
        assert client.get(f"/{path}").status_code == 404, path
        assert client.post(f"/{path}", ASK).status_code == 404, path
    assert client.get(f"/acc_{other}/help/999999999999999999999999").status_code == 404
    client.post("/sign-out")
    assert client.get(f"/acc_{account}/help/{number}")["Location"].startswith("/sign-in?next=")


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"about": "cannot_pay", "text": ""}, "Vertel ons in een paar woorden"),
        ({"about": "", "text": "help"}, "Kies waar het over gaat"),
        ({"about": "refund_me", "text": "help"}, "Kies waar het over gaat"),
        ({"about": "other", "text": "x" * 4001}, "te lang"),
    ],
)
def test_what_is_not_right_is_said_and_what_was_typed_is_kept(
    shop: Living, client: Client, form: dict[str, str], says: str
) -> None:
    account = shop.account((12000, "EUR"), days=32)
    sign_in(client, shop.email(account))
    before = digest(shop)
    answer = client.post(f"/acc_{account}/help", form)
    assert answer.status_code == 422
    assert says in text(answer)
    assert form["text"] in text(answer)
    assert digest(shop) == before


def test_no_get_changes_anything_and_no_form_goes_without_its_token(shop: Living, client: Client) -> None:
    from django.test import Client as Browser

    account = shop.account((12000, "EUR"), days=32)
    sign_in(client, shop.email(account))
    client.post(f"/acc_{account}/help", ASK)
    number = last_request(shop)
    client.post("/help?other=1", visitor())
    link = path_in(letters(shop)[-1])
    before = digest(shop)
    paths = (f"/acc_{account}/help", f"/acc_{account}/help/{number}", "/help", "/help?sent=1", link, "/help/request")
    for path in paths:
        for _ in range(2):
            assert client.get(path).status_code in (200, 410), path
            assert client.head(path).status_code in (200, 410), path
        assert client.put(path).status_code == 405
    assert digest(shop) == before
    strict = Browser(enforce_csrf_checks=True, HTTP_HOST="localhost")
    for path in ("/help", link, "/help/request"):
        assert strict.post(path, visitor()).status_code == 403, path
    assert digest(shop) == before


def test_who_came_by_a_pay_link_asks_without_signing_in(shop: Living, client: Client) -> None:
    account = shop.account((12000, "EUR"), days=32)
    client.get(link_for(shop, account))
    assert 'href="/help"' in text(client.get("/pay/"))
    page = text(client.get("/help"))
    assert "Ba•• De Vr••" in page
    assert "Bakkerij" not in page
    assert 'name="email"' not in page
    before = deletion_of(shop, account)
    answer = client.post("/help", ASK)
    assert answer["Location"] == "/help/request"
    assert deletion_of(shop, account) == before + timedelta(days=14)
    page = text(client.get("/help/request"))
    assert "geen gegevens verwijderd" in page
    assert ASK["text"] in page
    [letter] = [m for m in letters(shop, shop.email(account)) if "/help/read/" in m.text]
    client.cookies.clear()
    assert client.get("/help/request").status_code == 410
    assert client.get(path_in(letter))["Location"] == "/help/request"
    assert ASK["text"] in text(client.get("/help/request"))
    assert 'name="email"' in text(client.get("/help?other=1"))


def test_a_link_that_went_to_an_administrator_who_has_left_opens_no_conversation(shop: Living, client: Client) -> None:
    account = shop.account((12000, "EUR"), days=32)
    client.get(link_for(shop, account))
    client.post("/help", ASK)
    assert client.get("/help/request").status_code == 200
    with psycopg.connect(shop.database) as db:
        db.execute("DELETE FROM account_role WHERE account_id = %s", [account])
    assert client.get("/help/request").status_code == 410
    assert client.post("/help/request", {"text": "x"}).status_code == 410


def test_a_stranger_confirms_and_only_then_deletion_is_held(shop: Living, client: Client) -> None:
    account = shop.account((12000, "EUR"), days=32)
    before = deletion_of(shop, account)
    answer = client.post("/help", visitor(known_by=f"acc_{account}"))
    assert (answer.status_code, answer["Location"]) == (303, "/help?sent=1")
    assert "Kijk" in text(client.get("/help?sent=1", headers={"accept-language": "nl"}))
    [letter] = letters(shop)
    assert deletion_of(shop, account) == before
    link = path_in(letter)
    page = text(client.get(link))
    assert "Bakkerij" not in page
    assert f"acc_{account}" not in page
    assert deletion_of(shop, account) == before
    done = client.post(link)
    assert f"number {last_request(shop)}" in text(done)
    [received] = letters(shop)
    assert deletion_of(shop, account) == before + timedelta(days=5)
    assert client.get(path_in(received))["Referrer-Policy"] == "no-referrer"
    page = text(client.get("/help/request"))
    assert "She left in May." in page
    for word in ("Bakkerij", f"acc_{account}", "deleted", "on hold"):
        assert word not in page
    assert client.post("/help/request", {"text": "Nobody else is there."}).status_code == 303
    assert "Nobody else is there." in text(client.get("/help/request"))
    sign_in(client, shop.email(account))
    home = text(client.get(f"/acc_{account}/"))
    assert "gevraagd zonder in te loggen" in home
    assert "Piet" not in home
    assert client.get(f"/acc_{account}/help/{last_request(shop)}").status_code == 404


def test_no_word_says_whether_an_account_exists(shop: Living, client: Client) -> None:
    """Every answer and letter is the same for an account that is there, one that is not, and none at all."""
    account = shop.account((12000, "EUR"), days=32)
    seen = []
    for which, known_by in enumerate((f"acc_{account}", "acc_999999999", "")):
        email = f"piet{which}@mail.example"
        pages = [client.post("/help", visitor(known_by=known_by, email=email))]
        pages.append(client.get("/help?sent=1"))
        [letter] = letters(shop, email)
        link = path_in(letter)
        pages += [client.get(link), client.post(link), client.get(link)]
        [received] = letters(shop, email)
        pages.append(client.get(path_in(received)))
        pages.append(client.get("/help/request"))
        support.answer(shop.store, last_request(shop), "Thank you.", shop.clock.now(), "staff:1")
        pages.append(client.get("/help/request"))
        mails = [letter, received, *letters(shop, email)]
        words = [plain(text(page), known_by) for page in pages] + [
            plain(f"{m.subject}\n{m.text}", known_by) for m in mails
        ]
        seen.append(([page.status_code for page in pages], words))
        assert len(mails) == 3
    for other in seen[1:]:
        assert other[0] == seen[0][0]
        for one, same in zip(other[1], seen[0][1], strict=True):
            assert one.splitlines() == same.splitlines()


def plain(page: str, known_by: str) -> str:
    """What does not differ from one request to the next by itself."""
    found = re.sub(r"[\w-]{43,}|nonce=\S+|\b\d+\b", "", page)
    return found.replace(known_by, "") if known_by else found


def test_too_many_requests_are_refused_in_one_way_for_everybody(shop: Living, client: Client) -> None:
    for _ in range(LIMITS[Throttled.HELP][CountedBy.MAILBOX].most):
        assert client.post("/help", visitor(email="many@mail.example")).status_code == 303
    answer = client.post("/help", visitor(email="many@mail.example", known_by="acc_1"))
    assert answer.status_code == 429
    assert "She left in May." in text(answer)
    assert len(letters(shop, "many@mail.example")) == LIMITS[Throttled.HELP][CountedBy.MAILBOX].most


@pytest.mark.parametrize("email", ["", "piet", "a@example.org\r\nBcc: x@y.example", "x" * 300])
def test_an_address_that_nobody_can_write_to_is_refused_with_what_was_typed(
    shop: Living, client: Client, email: str
) -> None:
    before = digest(shop)
    answer = client.post("/help", visitor(email=email, headers=""))
    assert answer.status_code == 422
    assert "She left in May." in text(answer)
    assert digest(shop) == before


@pytest.mark.parametrize("path", ["/help/confirm/x", "/help/confirm/" + "x" * 43, "/help/read/" + "x" * 43])
def test_a_link_that_is_over_or_made_up_says_only_that_it_does_not_work(
    shop: Living, client: Client, path: str
) -> None:
    answer = client.get(path)
    assert answer.status_code == 410
    assert 'href="/help"' in text(answer)
    assert "help" not in answer.cookies


def test_paid_and_not_back_after_a_day_is_said_on_every_page_with_a_number(shop: Living, client: Client) -> None:
    account = shop.account((12000, "EUR"), days=32)
    sign_in(client, shop.email(account))

    class Busy:
        def order(self, order: object, now: object) -> None:
            """Taken, and never done."""

    shop.services = Busy()  # type: ignore[assignment]
    from arrears.engine import commands
    from arrears.engine.booking import Payment

    paid_at = shop.clock.now()
    commands.record_payments(shop.store, [Payment(account, f"P{account}", "EUR", 12000, (1,))], paid_at, "api:1")
    shop.work()
    assert "nog niet weer aangezet" not in text(client.get(f"/acc_{account}/"))
    shop.clock.ahead = timedelta(hours=24, minutes=1)
    shop.work()
    number = last_request(shop)
    sign_in(client, shop.email(account))
    for path in ("", "subscriptions"):
        page = text(client.get(f"/acc_{account}/{path}"))
        assert "cloud: betaald, maar nog niet weer aangezet" in page
        assert f"Vraag {number}" in page
    assert "Alles is in orde" not in page
    page = text(client.get(f"/acc_{account}/help/{number}"))
    assert f"Het gaat om betaling P{account}." in page
    late = [m for m in shop.channel.taken if m.to == shop.email(account)][-1]
    assert "Nog niet aan: cloud" in late.subject


def test_every_way_in_leads_to_help(shop: Living, client: Client) -> None:
    account = shop.account((12000, "EUR"), days=32)
    for path in ("/sign-in", "/pay/"):
        assert 'href="/help"' in text(client.get(path)), path
    sign_in(client, shop.email(account))
    assert f'href="/acc_{account}/help"' in text(client.get(f"/acc_{account}/"))
    assert f'href="/acc_{account}/help"' in text(client.get("/help"))
