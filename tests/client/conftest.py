"""A served installation, and the client of a program that may do everything there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from arrears_client import Client
from tests.site import using
from tests.web.living import Living, living

from arrears.core.delivery.targets import allowed_targets
from arrears.sandbox.run import Running, running


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Running]:
    with running() as found:
        yield found


@pytest.fixture
def shop(site: str, sandbox: Running) -> Iterator[Living]:
    with living(site, sandbox) as found, using(delivery_targets=allowed_targets("127.0.0.0/8")):
        yield found


@pytest.fixture
def address(shop: Living, site: str) -> Iterator[tuple[str, str]]:
    """Where an installation is served, with standing beside its pages, and a token that may do everything."""
    from arrears.web import api_tokens
    from arrears.web.serving import gate, listen, port_of, serving_beside
    from arrears.web.standing import StandingPages
    from arrears.web.wsgi import get_application

    token = api_tokens.create_token("client", "write", shop.clock.now())
    listening = listen("127.0.0.1", 0)
    standing = StandingPages(site, shop.url, shop.clock.now)
    served = serving_beside(listening, gate(get_application(), aside=standing))
    with served:
        yield f"http://127.0.0.1:{port_of(listening)}", token


@pytest.fixture
def client(address: tuple[str, str]) -> Iterator[Client]:
    """The client of that token."""
    with Client(*address, tries=2) as found:
        yield found


@pytest.fixture
def document(client: Client) -> Any:
    return client.ask("GET", "/v1/openapi.json").body
