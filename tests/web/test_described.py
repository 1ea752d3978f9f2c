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
