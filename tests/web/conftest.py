"""A browser for the pages and the API."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from tests.site import NOW, PASSWORD

if TYPE_CHECKING:
    from django.test import Client

__all__ = ["NOW", "PASSWORD"]


@pytest.fixture
def client(site: str) -> Client:
    """A browser that has not been here before."""
    from django.test import Client

    with psycopg.connect(site) as db:
        db.execute("DELETE FROM sign_in_attempt")
    return Client(raise_request_exception=False, HTTP_HOST="localhost")
