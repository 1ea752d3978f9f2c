"""The pages of the demo are where the demo is, and nowhere else."""

from __future__ import annotations

import pytest
from tests.web.entrance import browser
from tests.web.routes import routes


@pytest.mark.usefixtures("site")
def test_an_installation_has_no_way_to_move_its_clock() -> None:
    client = browser()
    assert [route for route in routes() if "demo" in route or "time" in route.split("/")] == []
    for path in ("/demo/time", "/demo/anew", "/demo/sign-in", "/demo/staff", "/demo/console"):
        assert client.post(path, {"day": "21"}).status_code == client.get(path).status_code == 404
    assert client.get("/").headers["Location"] == "/sign-in?next=/"
