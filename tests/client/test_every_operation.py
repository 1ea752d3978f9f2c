"""Every operation of the API's document has its call in the client, and a live server answers as the document says."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest
from arrears_client import ApiProblem, Client
from tests.site import using
from tests.sources import ROOT
from tests.stories.paying import post as post_form
from tests.web.living import Living

from arrears.engine.courier import put_what_is_new

WHY = "the client's test"


def differences(value: Any, schema: Mapping[str, Any], document: Any, at: str = "") -> Iterator[str]:
    """Where an answer is not as its schema has it: a wrong type, something missing, something that is not described."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        each = [list(differences(value, one, document, at)) for one in schema["anyOf"]]
        yield from min(each, key=len)
        return
    kinds = {"string": str, "integer": int, "boolean": bool, "object": dict, "array": list, "null": type(None)}
    kind = kinds.get(schema.get("type", ""))
    if kind is not None and not (isinstance(value, kind) and (kind is not int or value is not True)):
        yield f"{at}: {value!r} is no {schema['type']}"
    elif "enum" in schema and value not in schema["enum"]:
        yield f"{at}: {value!r} is none of {schema['enum']}"
    elif isinstance(value, list):
        for one in value:
            yield from differences(one, schema.get("items", {}), document, f"{at}[]")
    elif isinstance(value, dict) and "properties" in schema:
        yield from (f"{at}.{name} is missing" for name in schema.get("required", ()) if name not in value)
        for name, one in value.items():
            described = schema["properties"].get(name)
            if described is None:
                yield f"{at}.{name} is not described: see web/api/answers.py"
            else:
                yield from differences(one, described, document, f"{at}.{name}")


def test_the_clients_calls_are_those_of_the_document(document: Any) -> None:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "client" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    there = {name: (generate.PLACE / name).read_text(encoding="utf-8") for name in ("models.py", "operations.py")}
    assert generate.generated(document) == there, "run `make client`"


class Calling:
    """What came of each operation that was called, by its name."""

    def __init__(self, client: Client) -> None:
        self._client, self.answers = client, dict[str, Any]()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def called(*args: Any, **named: Any) -> Any:
            self.answers[name] = answer = getattr(self._client, name)(*args, **named)
            return answer

        return called


STATEMENT = b""":20:STARTUMSE
:25:NL91ABNA0417164300
:28C:1/1
:60F:C260601EUR0,00
:61:2606010601C1,00NTRFNONREF//CLIENT1
:86:?20nobody knows
:62F:C260601EUR1,00
-
"""


def sent_by_hand(call: Calling, today: str, due: str, later: str) -> None:
    """Accounts, invoices and what is done with them."""
    ann = {"name": "Ann", "country": "NL", "zone": "Europe/Amsterdam", "locale": "nl", "payment_mode": "invoice"}
    call.put_account("client-1", {**ann, "email": "ann@example.org"})
    call.get_account("client-1")
    eur = {"currency": "EUR"}
    for number, minor in (("K-1", 900), ("K-2", 800), ("K/3", 700), ("K-4", 600), ("K-5", 500)):
        invoice = {"account": "client-1", "services": ["cloud"], "issued_on": today, "due_on": due}
        call.put_invoice(number, {**invoice, "total": {"amount_minor": minor, **eur}})
    call.get_invoice("K/3")
    call.post_upserts([{"kind": "account", "ref": "client-2", **ann}])
    with using(bank_accounts=(("NL91ABNA0417164300", "EUR"),)):
        call.post_bank_statements(STATEMENT, name="client.sta")
    call.post_payments(
        {"account": "client-1", "ref": "p-1", "amount": {"amount_minor": 900, **eur}, "invoices": ["K-1"]}
    )
    call.post_payment_take_back("p-1", {"why": WHY})
    call.post_credits({"invoice": "K-2", "number": "CN-1", "amount": {"amount_minor": 100, **eur}, "why": WHY})
    call.post_voids({"invoice": "K-4", "why": WHY})
    call.post_write_offs({"invoice": "K-5", "why": WHY})
    call.post_due_dates({"invoice": "K/3", "due_on": later, "why": WHY})
    call.post_declines({"invoices": ["K-2"]})
    promised = call.post_account_promises("client-1", {"parts": [{"on": later}], "invoices": ["K-2"], "why": WHY})
    call.get_account_promises("client-1")
    call.post_promise_end(promised["promise"], {"why": WHY})
    held = call.post_disputes({"invoice": "K/3", "why": WHY})
    call.post_hold_release(held["hold"], {"why": WHY})
    call.post_holds({"account": "client-1", "until": later, "why": WHY})
    call.put_account_subscription("client-1", "client-1-cloud", {"service": "cloud"})
    call.get_account_subscription("client-1", "client-1-cloud")
    call.put_account_person("client-1", "reader@example.org", {"role": "billing_reader"})
    call.get_account_person("client-1", "reader@example.org")
    call.get_account_people("client-1")
    call.delete_account_person("client-1", "reader@example.org")
    call.post_account_subscription_cancel("client-1", "cloud", {"why": WHY})
    call.post_account_subscription_reactivate("client-1", "cloud", {"why": WHY})


def paid_by_card(call: Calling, account: str) -> None:
    """Methods, what is owed, and paying it."""
    page = call.post_account_payment_methods(account, {})
    post_form(page["url"], card="approve", do="go")
    method = call.post_account_payment_methods_finish(account, {"page": page["page"]})["method"]
    call.get_account_payment_methods(account)
    call.post_account_payment_method_renew(account, method, {"month": 12, "year": 2099})
    owed = call.get_account_settlement(account)["owed"]
    shown = [{name: one[name] for name in ("currency", "amount_minor", "hash")} for one in owed]
    call.post_account_settlement(account, {"method": method, "quotes": shown})
    call.post_account_payment_method_activate(account, method, {})
    call.get_account_attempts(account)
    person = call.get_account_recipients(account)["people"][0]["person"]
    call.get_account_told_when(account)
    call.put_account_person_profile(account, person, {"locale": "en"})
    call.post_account_contact_address(account, {"person": person, "address": "new@example.org"})
    call.post_account_test_message(account, {"person": person})
    call.put_account_recipients_extra(account, {"address": "cto@example.org"})
    call.delete_account_recipients_extra(account, address="cto@example.org")


def read(call: Calling, account: str, late: str) -> None:
    """Everything that is only read, of an account that owes."""
    call.get_me()
    call.get_accounts(in_case=True)
    call.get_subscriptions(state="disabled")
    call.get_invoices(past_due=True)
    case = call.get_cases(account=late, open=True)["cases"][0]["case"]
    call.get_case(case)
    call.get_account_explanation(late)
    call.get_account_ahead(late)
    call.get_account_timeline(late)
    call.get_account_alerts(late)
    call.post_account_banner_token(account)
    call.get_policies()
    call.get_policy("default")
    call.get_subscription_standing(f"sub_{late.removeprefix('acc_')}_1")
    call.get_standing(of=f"sub_{late.removeprefix('acc_')}_1,sub_1_99")


def events(call: Calling) -> None:
    """Endpoints, and what happened."""
    call.put_event_endpoint("client", {"url": "http://127.0.0.1:9/", "state": "off"})
    call.get_event_endpoints()
    call.post_event_endpoint_rotate("client", {"overlap_hours": 1})
    call.post_event_endpoint_replay("client", {"after": "evt_0"})
    call.get_event_endpoint_deliveries("client")
    call.delete_event_endpoint("client")
    assert call.get_events(after="evt_0", limit=1000, type=["account.*"])["events"]


def test_each_operation_is_called_and_answers_as_the_document_says(shop: Living, client: Client, document: Any) -> None:
    call = Calling(client)
    today = shop.clock.now().date()
    sent_by_hand(call, today.isoformat(), *((today + timedelta(days=n)).isoformat() for n in (30, 60)))
    ours, late = shop.account((1200, "EUR")), shop.account((900, "EUR"), days=40)
    paid_by_card(call, f"acc_{ours}")
    put_what_is_new(shop.store, shop.clock.now())
    events(call)
    stream = client.events(types=["account.*"])
    numbers = [int(one["id"].removeprefix("evt_")) for one in stream]
    assert numbers == sorted({*numbers})
    assert int(stream.cursor.removeprefix("evt_")) >= numbers[-1]
    read(call, f"acc_{ours}", f"acc_{late}")
    paid = next(one for one in client.each_fact_of(f"acc_{ours}") if one["kind"] == "payment_booked")
    call.post_payment_refund(paid["ref"], {"amount_minor": 1, "currency": "EUR", "why": WHY})
    invoice = client.get_invoice("K-2")
    more = {"amount_minor": 99_999, "currency": "EUR"}
    dearer = {name: invoice[name] for name in ("account", "services", "issued_on", "due_on")} | {"total": more}
    with pytest.raises(ApiProblem, match="conflicting_row") as refused:
        client.put_invoice("K-2", dearer)  # type: ignore[arg-type]
    assert [one.field for one in refused.value.fields] == ["total"]
    tasks = call.get_tasks()["tasks"]
    call.post_task_close(tasks[0]["task"], {"why": WHY})
    names = {one["operationId"] for path in document["paths"].values() for one in path.values()}
    with pytest.raises(ApiProblem, match="method_held"):
        call.delete_account_payment_method(f"acc_{ours}", 1)
    assert {*call.answers} == names - {"delete_account_payment_method"}, "each operation is called here"
    found = []
    for path in document["paths"].values():
        for one in path.values():
            name = one["operationId"]
            answers = [a for status, a in one["responses"].items() if status.startswith("2")]
            schema = answers[0]["content"]["application/json"]["schema"]
            if name in call.answers:
                found += differences(json.loads(json.dumps(call.answers[name])), schema, document, name)
    assert found == []
