"""Accounts and invoices by request: an import of what is sent, row by row, one truth however often it comes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any, Final

import psycopg
import pytest
from tests.web.conftest import NOW

from arrears.core.receivables import BookAccount, BookInvoice, ReceivablesBook
from arrears.engine.commands.importing import import_book

if TYPE_CHECKING:
    from django.test import Client

ANNA: Final[dict[str, Any]] = {
    "name": "Anna",
    "country": "NL",
    "zone": "Europe/Amsterdam",
    "locale": "nl",
    "payment_mode": "invoice",
    "email": "anna@example.org",
}
_NUMBERS: Final = count(1)


def money(minor: int, currency: str = "EUR") -> dict[str, Any]:
    return {"amount_minor": minor, "currency": currency}


class Billing:
    """A billing system with a token: it says what it knows, and is answered with a status and a body."""

    def __init__(self, client: Client, token: str) -> None:
        self.client = client
        self.token = token
        self.ref = f"c-{next(_NUMBERS)}"
        self.number = f"2026/{next(_NUMBERS)}"

    def ask(self, verb: str, path: str, body: object = None, **headers: str) -> tuple[int, Any]:
        kind = "application/x-ndjson" if isinstance(body, bytes) else "application/json"
        sent = body if isinstance(body, bytes) else "" if body is None else json.dumps(body)
        answer = self.client.generic(
            verb, f"/v1/{path}", sent, kind, headers={"Authorization": f"Bearer {self.token}", **headers}
        )
        said = json.loads(answer.content)
        return answer.status_code, {**said, "ETag": answer.headers.get("ETag")}

    def account(self, **more: Any) -> tuple[int, Any]:
        return self.ask("PUT", f"accounts/{self.ref}", {**ANNA, **more})

    def invoice(self, **more: Any) -> tuple[int, Any]:
        return self.ask("PUT", f"invoices/{self.number}", self.word(**more))

    def word(self, **more: Any) -> dict[str, Any]:
        days = {"issued_on": "2026-05-01", "due_on": "2026-05-31"}
        return {"account": self.ref, "services": ["cloud"], **days, "total": money(12_000), **more}

    def rows(self, *rows: dict[str, Any]) -> tuple[int, Any]:
        return self.ask("POST", "upserts", b"".join(json.dumps(row).encode() + b"\n" for row in rows))


@pytest.fixture
def billing(client: Client, site: str) -> Iterator[Billing]:
    """It has a token of its own; requests of it that were refused as a whole hold back nobody of other tests."""
    from arrears.core.policy import default_policy
    from arrears.engine.system import adopt_policy, set_book_taken
    from arrears.web.api_tokens import create_token
    from arrears.wiring import installed

    if "default" not in installed().store.policies():
        adopt_policy(installed().store, default_policy(), NOW - timedelta(days=100), "staff:1")
    yield Billing(client, create_token("billing", "*:read accounts:write invoices:write", NOW))
    live = installed()
    for book in live.store.system().books_refused:
        set_book_taken(live.store, book, live.clock.now(), "staff:1", "the test is over")


@pytest.fixture
def history(site: str) -> Iterator[Any]:
    """What is recorded of an account, by its reference: the kinds of its facts."""
    with psycopg.connect(site, autocommit=True) as db:

        def facts(ref: str) -> list[str]:
            found = db.execute(
                "SELECT kind FROM account_fact JOIN account USING (account_id) WHERE ref = %s ORDER BY seq", [ref]
            )
            return [kind for (kind,) in found]

        yield facts


def test_an_account_and_its_invoice_are_made_once_and_then_brought_up_to_date(billing: Billing, history: Any) -> None:
    status, said = billing.account()
    assert (status, said["result"], said["email"]) == (201, "created", "anna@example.org")
    status, said = billing.invoice()
    assert (status, said["result"], said["open"], said["standing"]) == (201, "created", money(12_000), "open")
    before = history(billing.ref)
    assert [one[1]["result"] for one in (billing.account(), billing.invoice(), billing.invoice())] == ["unchanged"] * 3
    assert history(billing.ref) == before, "the same again records nothing"
    status, said = billing.account(name="Anna BV", zone="Europe/Paris")
    assert (status, said["result"], said["changed"], said["zone"]) == (200, "changed", ["name", "zone"], "Europe/Paris")
    status, said = billing.invoice(due_on="2026-06-30", paid=money(5000))
    assert (said["changed"], said["open"], said["due_on"]) == (["due_on", "paid"], money(7000), "2026-06-30")


def test_a_billing_address_and_a_tax_number_are_taken_and_taken_away(billing: Billing) -> None:
    lines = ["Dorpsstraat 1", "1234 AB Ons Dorp"]
    _, said = billing.account(billing_address=lines, tax_number="NL000099998B57")
    assert (said["billing_address"], said["tax_number"]) == (lines, "NL000099998B57")
    _, said = billing.account()
    assert (said["result"], said["billing_address"], said["tax_number"]) == ("unchanged", lines, "NL000099998B57")
    _, said = billing.account(billing_address=["Kade 2"], tax_number="")
    assert (said["changed"], said["billing_address"], said["tax_number"]) == (
        ["billing_address", "tax_number"], ["Kade 2"], None,
    )  # fmt: skip
    assert billing.account(billing_address=[])[1]["billing_address"] == []
    assert billing.ask("GET", f"accounts/{billing.ref}")[1]["billing_address"] == []


@pytest.mark.parametrize("lines", [["x"] * 7, ["x" * 101], ["a\nb"], [" a"], ["a", ""], ["a\x07"], "a"])
def test_a_billing_address_is_a_few_short_lines(billing: Billing, lines: object) -> None:
    status, said = billing.account(billing_address=lines)
    assert (status, said["code"]) == (422, "invalid")
    assert said["fields"][0]["field"].startswith("billing_address")


def test_what_is_not_sent_is_no_word_about_it(billing: Billing) -> None:
    billing.account(policy="default", warn_too=["cfo@example.org"])
    billing.invoice(paid=money(5000), disputed=True)
    assert billing.account(email=None)[1]["result"] == "unchanged"
    said = billing.invoice()[1]
    assert (said["result"], said["disputed"], said["open"]) == ("unchanged", True, money(7000))
    said = billing.invoice(disputed=False, paid=money(0))[1]
    assert (said["changed"], said["disputed"], said["open"]) == (["disputed", "paid"], False, money(12_000))


def test_a_lower_total_is_credited_a_void_closes_and_a_given_up_one_is_asked_for_again(billing: Billing) -> None:
    billing.account()
    billing.invoice()
    assert billing.invoice(total=money(9000))[1]["open"] == money(9000)
    assert billing.invoice(total=money(9000), standing="uncollectible")[1]["standing"] == "uncollectible"
    assert billing.invoice(total=money(9000))[1]["standing"] == "uncollectible"
    assert billing.invoice(total=money(9000), standing="open")[1]["open"] == money(9000)
    assert billing.invoice(total=money(9000), standing="void")[1]["standing"] == "void"


def test_what_cannot_be_taken_is_said_with_its_field_and_puts_the_account_in_doubt(
    billing: Billing, history: Any
) -> None:
    billing.account()
    billing.invoice()
    for more, field in (({"total": money(13_000)}, "total"), ({"services": ["mail"]}, "services")):
        status, said = billing.invoice(**more)
        assert (status, said["code"], said["fields"][0]["field"]) == (409, "conflicting_row", field)
    assert "doubt_raised" in history(billing.ref)
    assert billing.invoice()[0] == 200
    assert history(billing.ref)[-1] == "doubt_cleared", "rows that are taken end it"


def test_an_invoice_of_nobody_and_of_somebody_else_is_refused(billing: Billing) -> None:
    assert billing.invoice()[1]["code"] == "unknown_account"
    billing.account()
    billing.invoice()
    billing.ref = "c-other"
    billing.account()
    status, said = billing.invoice()
    assert (status, said["code"], said["fields"][0]["field"]) == (409, "conflicting_row", "number")


WRONG: Final = [
    ({"total": money(-1)}, "total.amount_minor", "greater_than_equal"),
    ({"total": money(10**30)}, "", "bad_json"),
    ({"total": {"amount_minor": "10.00", "currency": "EUR"}}, "total.amount_minor", "int_type"),
    ({"total": money(1, "eur")}, "total.currency", "unknown_currency"),
    ({"total": money(1, "XXX")}, "total.currency", "unknown_currency"),
    ({"total": money(1, "")}, "total.currency", "unknown_currency"),
    ({"paid": money(1, "USD")}, "body", "other_currency"),
    ({"due_on": "2026-02-30"}, "due_on", "bad_day"),
    ({"due_on": "0000-01-01"}, "due_on", "bad_day"),
    ({"due_on": "9999-12-31T23:59:60"}, "due_on", "bad_day"),
    ({"due_on": "2026-04-30"}, "body", "due_before_issue"),
    ({"services": []}, "services", "too_short"),
    ({"services": ["a", "a"]}, "body", "same_service"),
    ({"standing": "paid"}, "standing", "literal_error"),
    ({"is_admin": True}, "is_admin", "extra_forbidden"),
]


@pytest.mark.parametrize(("more", "field", "code"), WRONG)
def test_a_value_that_is_not_right_is_named_and_changes_nothing(
    billing: Billing, history: Any, more: dict[str, Any], field: str, code: str
) -> None:
    billing.account()
    before = history(billing.ref)
    status, said = billing.invoice(**more)
    if code == "bad_json":
        assert (status, said["code"]) == (400, code)
    else:
        assert (status, said["code"]) == (422, "invalid")
        assert (said["fields"][0]["field"], said["fields"][0]["code"]) == (field, code)
    assert history(billing.ref) == before


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"email": "a@@example.org"}, "bad_address"),
        ({"email": "a@example.org\r\nBcc: x@example.org"}, "bad_address"),
        ({"zone": "CET+1"}, "bad_zone"),
        ({"country": "nl"}, "string_pattern_mismatch"),
        ({"locale": "Dutch"}, "bad_locale"),
        ({"name": "a\nb"}, "bad_text"),
        ({"name": "x" * 201}, "string_too_long"),
    ],
)
def test_an_account_that_is_not_right_is_not_opened(billing: Billing, more: dict[str, Any], code: str) -> None:
    status, said = billing.account(**more)
    assert (status, said["fields"][0]["code"]) == (422, code)
    assert billing.ask("GET", f"accounts/{billing.ref}")[1]["code"] == "unknown_account"


def test_markup_in_a_name_is_text(billing: Billing) -> None:
    name = "<script>'); DROP TABLE account; --{{ config }}"
    assert billing.account(name=name)[1]["name"] == name


def test_a_version_that_was_read_is_changed_only_while_it_is_that(billing: Billing) -> None:
    version = billing.account()[1]["ETag"]
    assert billing.ask("GET", f"accounts/{billing.ref}")[1]["ETag"] == version
    path, body = f"accounts/{billing.ref}", {**ANNA, "name": "Anna BV"}
    assert billing.ask("PUT", path, body, **{"If-None-Match": "*"})[1]["code"] == "version_changed"
    assert billing.ask("PUT", path, body, **{"If-Match": version})[0] == 200
    status, said = billing.ask("PUT", path, ANNA, **{"If-Match": version})
    assert (status, said["code"]) == (412, "version_changed")
    assert billing.ask("GET", path)[1]["name"] == "Anna BV"
    assert billing.ask("PUT", "accounts/nobody-yet", ANNA, **{"If-Match": "*"})[0] == 412


def test_rows_are_taken_account_by_account_and_each_is_answered(billing: Billing, history: Any) -> None:
    one, two = {"kind": "account", "ref": f"{billing.ref}-1"}, {"kind": "account", "ref": f"{billing.ref}-2"}
    invoice = {"kind": "invoice", **billing.word(account=one["ref"])}
    rows = [
        {**ANNA, **one},
        {**ANNA, **two, "zone": "Mars/Base"},
        {**invoice, "number": f"{billing.number}-a"},
        {**invoice, "number": f"{billing.number}-b", "account": two["ref"]},
        {**invoice, "number": f"{billing.number}-c", "total": money(0)},
        {**invoice, "number": f"{billing.number}-d", "account": "nobody"},
    ]
    status, said = billing.rows(*rows)
    results = [(one["result"], one.get("code")) for one in said["rows"]]
    assert (status, said["taken"], said["refused"]) == (200, 3, 3)
    assert results == [
        ("created", None),
        ("refused", "conflicting_row"),
        ("created", None),
        ("refused", "account_refused"),
        ("nothing_asked", None),
        ("refused", "conflicting_row"),
    ]
    assert said["rows"][1]["fields"][0]["field"] == "zone"
    assert history(two["ref"]) == []
    again = billing.rows(*reversed(rows))[1]
    assert [one["result"] for one in again["rows"]] == [
        "refused",
        "nothing_asked",
        "refused",
        "unchanged",
        "refused",
        "unchanged",
    ]


def test_two_rows_about_one_thing_that_differ_are_refused(billing: Billing) -> None:
    row = {"kind": "account", "ref": billing.ref, **ANNA}
    said = billing.rows(row, row, {**row, "name": "Other"})[1]
    assert [(one["result"], [f["code"] for f in one["fields"]]) for one in said["rows"]] == [
        ("refused", []),
        ("refused", []),
        ("refused", ["said_twice"]),
    ]


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("paid", [(0, 12_000), (12_000, 0), (300, 500), (None, 300)])
def test_two_sums_that_are_paid_of_one_invoice_are_none(
    billing: Billing, history: Any, paid: tuple[int | None, int | None], known: bool
) -> None:
    billing.account()
    if known:
        billing.invoice(paid=money(300))
    before = history(billing.ref)
    more = [{} if one is None else {"paid": money(one)} for one in paid]
    said = billing.rows(*({"kind": "invoice", "number": billing.number, **billing.word(**one)} for one in more))[1]
    codes = [[f["code"] for f in one["fields"]] for one in said["rows"]]
    assert (said["taken"], codes) == (0, [[], ["said_twice"]])
    kinds = history(billing.ref)[len(before) :]
    assert kinds in ([], ["doubt_raised"]), "nothing is taken, and nobody is stopped before it was said right"


def test_an_account_is_never_called_what_could_mean_another(billing: Billing) -> None:
    first = billing.account()[1]["account"]
    billing.ref, mine = first, billing.ref
    status, said = billing.account()
    assert (status, said["code"]) == (422, "bad_ref")
    said = billing.rows({"kind": "account", "ref": first, **ANNA})[1]
    assert [(one["result"], one["fields"][0]["field"]) for one in said["rows"]] == [("refused", "ref")]
    assert billing.ask("GET", f"accounts/{first}")[1]["ref"] == mine


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        (b"{", (400, "bad_json")),
        (b'{"kind": "account"}', (422, "invalid")),
        (b'{"kind": "order", "ref": "x"}', (422, "invalid")),
        (b"[]", (422, "invalid")),
        (b"{}\n" * 10_001, (413, "too_many_rows")),
        (b" " * (16 * 1024 * 1024 + 1), (413, "too_large")),
    ],
)
def test_rows_that_cannot_be_read_take_nothing(billing: Billing, body: bytes, wanted: tuple[int, str]) -> None:
    status, said = billing.ask("POST", "upserts", body)
    assert (status, said["code"]) == wanted


def test_a_file_and_a_request_say_the_same(billing: Billing, history: Any) -> None:
    from tests.stories.ledger import COLUMNS

    from arrears.core.known import IMPORTER
    from arrears.wiring import installed

    def book(ref: str, number: str, total: int) -> None:
        account = BookAccount(ref, "Anna", "NL", "Europe/Amsterdam", "nl", "invoice", "anna@example.org")
        days = date(2026, 5, 1), date(2026, 5, 31)
        invoice = BookInvoice(2, number, ref, ("cloud",), *days, "EUR", total, False)
        whole = ReceivablesBook((account,), (invoice,), (), "", COLUMNS)
        import_book(installed().store, whole, installed().clock.now(), IMPORTER)

    book(f"{billing.ref}-f", f"{billing.number}-f", 12_000)
    book(f"{billing.ref}-f", f"{billing.number}-f", 9000)
    billing.account()
    billing.invoice()
    billing.invoice(total=money(9000))
    assert history(billing.ref) == history(f"{billing.ref}-f")
    book(billing.ref, billing.number, 8000)
    assert billing.ask("GET", f"invoices/{billing.number}")[1]["open"] == money(8000)
    assert billing.invoice(total=money(8000))[1]["result"] == "unchanged", "what a file said is known to a request"


def test_sixteen_at_once_say_it_and_it_is_there_once(billing: Billing, history: Any) -> None:
    def say(_: int) -> list[int]:
        from django.db import connection
        from django.test import Client

        mine = Billing(Client(raise_request_exception=False, HTTP_HOST="localhost"), billing.token)
        mine.ref, mine.number = billing.ref, billing.number
        try:
            return [mine.account()[0], mine.invoice(paid=money(2000))[0]]
        finally:
            connection.close()

    with ThreadPoolExecutor(16) as threads:
        found = [*threads.map(say, range(16))]
    assert sorted(one for pair in found for one in pair) == [200] * 30 + [201] * 2
    assert [history(billing.ref).count(kind) for kind in ("invoice_issued", "payment_booked")] == [1, 1]


def test_a_timeline_is_read_on_from_where_one_was_and_misses_nothing(billing: Billing, history: Any) -> None:
    number = billing.account()[1]["account"]
    billing.invoice(paid=money(2000))
    read: list[str] = []
    after: int | None = 0
    while after is not None:
        status, said = billing.ask("GET", f"accounts/{number}/timeline?limit=2&after={after}")
        assert status == 200
        read += [one["kind"] for one in said["facts"]]
        if after == 0:
            billing.invoice(paid=money(5000))
        after = said["next_after"]
    assert read == history(billing.ref)
    for wrong in ("limit=0", "limit=-1", "limit=1000000000", "after=-1", "after=x", f"after={10**30}"):
        status, said = billing.ask("GET", f"accounts/{number}/timeline?{wrong}")
        assert (status, said["fields"][0]["field"]) == (422, wrong.partition("=")[0])
    assert billing.ask("GET", "accounts/acc_999999/timeline")[1]["code"] == "unknown_account"


def test_a_token_says_only_what_its_scopes_and_its_account_let_it(billing: Billing, site: str) -> None:
    from arrears.web.api_tokens import create_token

    billing.account()
    with psycopg.connect(site) as db:
        row = db.execute("SELECT account_id FROM account WHERE ref = %s", [billing.ref]).fetchone()
    assert row is not None
    mine, ref = billing.token, billing.ref
    billing.token = create_token("one", "write", NOW, account=row[0])
    assert (billing.account()[0], billing.invoice()[0]) == (200, 201)
    assert billing.rows({"kind": "account", "ref": ref, **ANNA})[0] == 403
    billing.ref, billing.number = f"{ref}-x", f"{billing.number}-x"
    assert [billing.account()[0], billing.invoice()[0], billing.ask("GET", f"accounts/{billing.ref}")[0]] == [404] * 3
    billing.token = mine
    billing.account()
    billing.token = create_token("one", "write", NOW, account=row[0])
    assert [billing.account()[0], billing.invoice()[0], billing.ask("GET", f"accounts/{billing.ref}")[0]] == [404] * 3
    billing.token = create_token("accounts", "accounts:write", NOW)
    said = billing.rows({"kind": "invoice", "number": billing.number, **billing.word()})
    assert (said[0], said[1]["detail"]) == (403, "this token lacks invoices:write")


def test_an_upsert_waits_for_an_import_and_says_so_in_the_end(
    billing: Billing, site: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from arrears.engine.commands import importing
    from arrears.store.postgres.parts import IN_PARTS_LOCK

    monkeypatch.setattr(importing, "UPSERT_WAITS", timedelta(milliseconds=50))
    with psycopg.connect(site) as db:
        db.execute("SELECT pg_advisory_xact_lock(%s)", [IN_PARTS_LOCK])
        status, said = billing.account()
    assert (status, said["code"]) == (503, "import_under_way")
    assert billing.account()[0] == 201


def test_a_row_that_cannot_be_read_puts_whoever_has_what_it_names_in_doubt(billing: Billing, history: Any) -> None:
    """It is sent under another reference, and may say that this customer has paid."""
    billing.account()
    billing.invoice()
    row = {"kind": "invoice", "number": billing.number, **billing.word(account="c-renamed", due_on="soon")}
    status, said = billing.rows({**row, "paid": money(12_000)})
    assert (status, said["refused"]) == (200, 1)
    assert history(billing.ref)[-1] == "doubt_raised"


def test_no_rows_are_one_clear_line(billing: Billing) -> None:
    status, said = billing.ask("POST", "upserts", b"\n \n")
    assert (status, said["code"]) == (422, "no_rows")
    assert "a JSON object on each line" in said["detail"]
