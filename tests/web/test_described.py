"""The document of the API has, for generators, a name for each operation and the shape of each answer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from django.test import Client


@pytest.fixture
def document(client: Client) -> Any:
    return json.loads(client.get("/v1/openapi.json").content)


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("GET", "/v1/me", "get_me"),
        ("GET", "/v1/policies", "get_policies"),
        ("GET", "/v1/policies/{name}", "get_policy"),
        ("PUT", "/v1/accounts/{account}/people/{person}/profile", "put_account_person_profile"),
        ("POST", "/v1/event-endpoints/{name}/rotate", "post_event_endpoint_rotate"),
        ("DELETE", "/v1/accounts/{account}/recipients/extra", "delete_account_recipients_extra"),
    ],
)
def test_an_operation_is_called_by_its_method_and_path(site: str, method: str, path: str, name: str) -> None:
    from arrears.web.api.document import operation_name

    assert operation_name(method, path) == name


def test_each_operation_has_a_name_of_its_own_and_the_shape_of_its_answer(document: Any) -> None:
    from arrears.web.api.document import ANSWERS

    names = [one["operationId"] for operations in document["paths"].values() for one in operations.values()]
    assert sorted(names) == sorted({*ANSWERS, "get_me"}), "give the answer of each operation in web/api/document.py"


def test_every_shape_that_is_named_is_there(document: Any) -> None:
    text = json.dumps(document)
    named = {part.partition('"')[0] for part in text.split('"#/components/schemas/')[1:]}
    assert named == {*document["components"]["schemas"]}


def test_what_may_follow_an_answer_is_there_and_takes_what_the_answer_has(document: Any) -> None:
    from arrears.web.api.links import NEXT

    operations = {one["operationId"]: one for each in document["paths"].values() for one in each.values()}
    for name, following in NEXT.items():
        answers = [a for status, a in operations[name]["responses"].items() if status[0] == "2" and "links" in a]
        assert answers, name
        for one in following:
            parts = {part["name"] for part in operations[one.name]["parameters"] if part["in"] == "path"}
            assert parts == {*one.parts}, (name, one.name)
            for place in one.parts.values():
                schema = answers[0]["content"]["application/json"]["schema"]
                for step in place.removeprefix("/").split("/"):
                    if "$ref" in schema:
                        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
                    schema = schema["items"] if step.isdecimal() else schema["properties"][step]
