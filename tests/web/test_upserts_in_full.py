"""What a row can say besides sums and days: lines and tax, a method at a provider; and what a request leaves that was
refused as a whole."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import psycopg
import pytest
from tests.site import NOW, using
from tests.web.test_upserts import ANNA, Billing, billing, history, money

from arrears.engine.payments.providers import Providers

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["billing", "history"]  # fixtures of the same names

LINE: Final[dict[str, Any]] = {"text": "Cloud, May", "net": money(9917), "tax_rate": "21", "quantity": "2.5"}
TAX: Final[dict[str, Any]] = {"rate": "21", "net": money(9917), "tax": money(2083)}


def test_lines_and_tax_are_taken_once_and_told_as_they_were_said(billing: Billing, history: Any) -> None:
    billing.account()
    status, said = billing.invoice(lines=[LINE], tax=[TAX])
    assert (status, said["lines"][0]["text"], said["lines"][0]["net"]) == (201, "Cloud, May", money(9917))
    assert (said["tax"][0]["rate"], said["tax"][0]["tax"]) == ("21", money(2083))
    before = history(billing.ref)
    sent_back = {"lines": said["lines"], "tax": said["tax"]}
    assert billing.invoice(**sent_back)[1]["result"] == billing.invoice()[1]["result"] == "unchanged"
    status, said = billing.invoice(lines=[{**LINE, "text": "Cloud, June"}], tax=[TAX])
    assert (status, said["fields"][0]["field"]) == (409, "lines")
    assert history(billing.ref)[: len(before)] == before


@pytest.mark.parametrize(
    ("more", "field", "code"),
    [
        ({"lines": [{**LINE, "net": money(1)}], "tax": [TAX]}, "body", "bad_lines"),
        ({"lines": [{**LINE, "net": money(9917, "USD")}], "tax": [TAX]}, "body", "other_currency"),
        ({"lines": [LINE]}, "body", "bad_lines"),
        ({"lines": [{**LINE, "tax_rate": "much"}], "tax": [TAX]}, "body", "bad_lines"),
        ({"lines": [{**LINE, "text": ""}]}, "lines.0.text", "string_too_short"),
        ({"lines": [{**LINE, "price": 1}]}, "lines.0.price", "extra_forbidden"),
        ({"tax": [{**TAX, "category": "X"}]}, "tax.0.category", "literal_error"),
        ({"lines": [LINE] * 501}, "lines", "too_long"),
    ],
)
def test_lines_that_do_not_fit_are_named_and_nothing_is_done(
    billing: Billing, history: Any, more: dict[str, Any], field: str, code: str
) -> None:
    billing.account()
    before = history(billing.ref)
    status, said = billing.invoice(**more)
    assert (status, said["fields"][0]["field"], said["fields"][0]["code"]) == (422, field, code)
    assert history(billing.ref) == before


def test_the_document_of_an_invoice_is_where_its_customer_finds_it(billing: Billing) -> None:
    billing.account()
    assert billing.invoice()[1]["document_url"] is None, "nobody said who asks on invoices"
    with using(invoice_url="https://billing.example.org/{number}.pdf"):
        said = billing.ask("GET", f"invoices/{billing.number}")[1]
    assert said["document_url"] == f"https://billing.example.org/{billing.number.replace('/', '%2F')}.pdf"


OWN = "https://papers.example.org/2026/1.pdf?key=a%2Fb"


def test_the_link_of_a_document_is_said_with_the_invoice_changed_and_taken_away(billing: Billing) -> None:
    billing.account()
    status, said = billing.invoice(document_url=OWN)
    assert (status, said["document_url"], said["changed"]) == (201, OWN, [])
    assert billing.invoice()[1]["document_url"] == OWN, "not said is no word"
    assert billing.invoice(document_url=OWN)[1]["result"] == "unchanged"
    status, said = billing.invoice(document_url=f"{OWN}2")
    assert (status, said["result"], said["changed"], said["document_url"]) == (
        200,
        "changed",
        ["document_url"],
        f"{OWN}2",
    )
    with using(invoice_url="https://billing.example.org/{number}.pdf"):
        assert billing.ask("GET", f"invoices/{billing.number}")[1]["document_url"] == f"{OWN}2", "the nearer word"
    assert billing.invoice(document_url="")[1]["document_url"] is None


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "http://papers.example.org/1.pdf",
        "https:///1.pdf",
        "https://anna:secret@papers.example.org/1.pdf",
        "https://papers.example.org/1 2.pdf",
        "https://papers.example.org:x/1.pdf",
        "//papers.example.org/1.pdf",
        "https://papers.example.org/\u202e.pdf",
    ],
)
def test_what_is_no_link_for_a_customer_is_refused(billing: Billing, url: str) -> None:
    billing.account()
    status, said = billing.invoice(document_url=url)
    assert (status, said["fields"][0]["field"], said["fields"][0]["code"]) == (422, "document_url", "bad_url")
    assert billing.ask("GET", f"invoices/{billing.number}")[0] == 404


def test_rows_say_links_too_and_an_account_that_is_left_as_it_was_keeps_its(billing: Billing) -> None:
    first, second = f"{billing.number}-1", f"{billing.number}-2"
    billing.account()

    def rows(**more: Any) -> Any:
        told = {"kind": "invoice", **billing.word()}
        return billing.rows({**told, "number": first, "document_url": OWN}, {**told, "number": second, **more})[1]

    assert [one["result"] for one in rows()["rows"]] == ["created", "created"]
    assert [one["result"] for one in rows()["rows"]] == ["unchanged", "unchanged"]
    assert [one["changed"] for one in rows(document_url=OWN)["rows"]] == [[], ["document_url"]]
    refused = rows(total=money(5, "USD"), document_url="")["rows"]
    assert {one["result"] for one in refused} == {"refused"}
    assert billing.ask("GET", f"invoices/{second}")[1]["document_url"] == OWN
    told = {"kind": "invoice", **billing.word(), "number": first}
    twice = billing.rows({**told, "document_url": OWN}, {**told, "document_url": f"{OWN}2"})[1]["rows"]
    assert twice[1]["fields"][0]["code"] == "said_twice"


@pytest.fixture
def provider(billing: Billing) -> Iterator[None]:
    """A payment provider is set up, and the billing system may say what is paid with."""
    from tests.stories.test_small_provider import Till

    from arrears import wiring
    from arrears.web.api_tokens import create_token

    billing.token = create_token("billing, methods too", "*:read accounts:write payments:money", NOW)
    live = wiring.installed()
    wiring.install(replace(live, providers=Providers({"till": Till(lambda: NOW)})))
    try:
        yield
    finally:
        wiring.install(live)


@pytest.mark.usefixtures("provider")
def test_a_method_at_a_provider_is_named_as_by_a_file(billing: Billing, site: str) -> None:
    method = {"provider": "till", "customer": "cus_1", "method": "pm_1"}
    assert billing.account(payment_method=method)[1]["payment_method"] == method
    assert billing.account()[1]["payment_method"] == method, "what is not sent is no word about it"
    said = billing.account(payment_method={**method, "method": "pm_2"})[1]
    assert (said["changed"], said["payment_method"]["method"]) == (["payment_method"], "pm_2")
    with psycopg.connect(site) as db:
        found = db.execute(
            "SELECT at_provider, customer_ref, n.ref, answer FROM named_method n JOIN account a USING (account_id)"
            " WHERE a.ref = %s",
            [billing.ref],
        ).fetchall()
    assert found == [("till", "cus_1", "pm_2", "waiting")]


@pytest.mark.usefixtures("provider")
def test_what_is_paid_with_is_said_by_who_may_move_money(billing: Billing) -> None:
    from arrears.web.api_tokens import create_token

    billing.token = create_token("no money", "*:read *:write", NOW)
    method = {"provider": "till", "customer": "cus_1", "method": "pm_1"}
    status, said = billing.account(payment_method=method)
    assert (status, said["detail"]) == (403, "this token lacks payments:money")
    status, said = billing.rows({"kind": "account", "ref": billing.ref, **ANNA, "payment_method": method})
    assert (status, said["detail"]) == (403, "this token lacks payments:money")
    assert billing.account()[0] == 201


@pytest.mark.usefixtures("provider")
@pytest.mark.parametrize(
    ("more", "field", "code"),
    [
        ({"provider": "elsewhere"}, "provider", "unknown_provider"),
        ({"method": "4242 4242 4242 4242"}, "method", "card_number"),
        ({"customer": "5555555555554444"}, "customer", "card_number"),
        ({"cvc": "123"}, "cvc", "extra_forbidden"),
    ],
)
def test_no_card_and_no_provider_that_is_not_set_up_is_taken_for_a_method(
    billing: Billing, more: dict[str, Any], field: str, code: str
) -> None:
    method = {"provider": "till", "customer": "cus_1", "method": "pm_1", **more}
    status, said = billing.account(payment_method=method)
    assert (status, said["fields"][0]["field"], said["fields"][0]["code"]) == (422, f"payment_method.{field}", code)
    row = {"kind": "account", "ref": billing.ref, **json.loads(json.dumps({"payment_method": method}))}
    assert billing.rows(row)[1]["rows"][0]["result"] == "refused"


@pytest.mark.parametrize("body", [b"{", b'{"kind": "account"}', b"{}\n" * 10_001, b" " * (16 * 1024 * 1024 + 1)])
def test_rows_that_are_refused_as_a_whole_are_a_task_and_nobody_is_cut_before_it_is_closed(
    billing: Billing, body: bytes
) -> None:
    from arrears.engine.system import close_task
    from arrears.store.postgres.lists import list_tasks
    from arrears.wiring import installed

    live = installed()
    billing.account()
    billing.invoice()
    for _ in range(2):
        assert billing.ask("POST", "upserts", body)[0] in (400, 413, 422)
    [feed] = live.store.system().books_refused
    assert feed.startswith("rows of token:")
    assert live.store.system().guards.feed_stale
    billing.rows({"kind": "invoice", "number": billing.number, **billing.word()})
    assert live.store.system().books_refused == (feed,), "other rows say nothing about those"
    [task] = list_tasks(live.store, 0, 1000, account=0, kind="book_refused")
    close_task(live.store, task.seq, live.clock.now(), "staff:sam", "they were sent again")
    assert not live.store.system().books_refused


@pytest.mark.parametrize("headers", [{"Content-Type": "application/json"}, {"Authorization": "Bearer arr_wrong"}])
def test_what_is_no_export_leaves_no_trace(billing: Billing, headers: dict[str, str]) -> None:
    from arrears.wiring import installed

    billing.account()
    billing.invoice()
    kind = headers.pop("Content-Type", "application/x-ndjson")
    sent = {"Authorization": f"Bearer {billing.token}", **headers}
    answer = billing.client.generic("POST", "/v1/upserts", b"{", kind, headers=sent)
    assert answer.status_code in (401, 415)
    assert not installed().store.system().books_refused


def test_the_line_of_a_request_has_the_number_of_its_token_and_not_the_token(billing: Billing) -> None:
    from structlog.testing import capture_logs

    from arrears.web.api_tokens import token_of

    with capture_logs() as lines:
        billing.ask("GET", "me")
    [line] = [one for one in lines if one["event"] == "request"]
    found = token_of(billing.token, NOW)
    assert found is not None
    assert line["token"] == found.number
    assert billing.token not in str(line)
