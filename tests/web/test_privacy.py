"""Who only looks leaves nothing behind, no page is for a search engine, and no cache runs what is stored in it."""

from __future__ import annotations

import base64
import pickle
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg import sql
from tests.web.routes import target
from tests.web.states import Town
from tests.web.test_matrix import PAGE_ROUTES
from tests.web.visitors import visitor


def rows_of(url: str) -> dict[str, int]:
    """How many rows each table of a database has; a link that is none is counted as a try, by nobody's name."""
    with psycopg.connect(url) as db:
        tables = [
            name
            for (name,) in db.execute(
                "SELECT relname FROM pg_stat_user_tables WHERE schemaname = 'public' AND relname <> 'throttle'"
            )
        ]
        each = [sql.SQL("SELECT {}, count(*) FROM {}").format(name, sql.Identifier(name)) for name in tables]
        return dict(db.execute(sql.SQL(" UNION ALL ").join(each)).fetchall())


@pytest.mark.parametrize("role", ["anonymous", "link"])
def test_who_only_looks_leaves_no_row(town: Town, role: str) -> None:
    own = town.accounts["declined"]
    browser = visitor(town, role, own)
    before = rows_of(town.shop.database)
    for route in [*PAGE_ROUTES, "/nothing-here"]:
        for method in ("GET", "HEAD"):
            browser.generic(method, target(town, route, own))
    assert rows_of(town.shop.database) == before


@pytest.mark.parametrize("path", ["/pay/", "/help", "/sign-in"])
def test_no_page_is_for_a_search_engine(town: Town, path: str) -> None:
    own = town.accounts["declined"]
    answer = visitor(town, "link", own).get(path)
    assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"
    assert '<meta name="robots" content="noindex, nofollow">' in answer.content.decode()


class Mine:
    """What a pickle does as it is read."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return (pytest.fail, ("a row of the cache was run",))


def test_the_cache_is_json_and_nothing_in_it_is_run(site: str) -> None:
    from django.core.cache import cache
    from django.db import connection

    assert (cache.add("code", {"used": [1, "y"]}), cache.add("code", "other")) == (True, False)
    with connection.cursor() as db:
        db.execute("SELECT value FROM web_cache WHERE cache_key LIKE '%code'")
        assert db.fetchall() == [('{"used": [1, "y"]}',)]
        db.execute("UPDATE web_cache SET value = %s", [base64.b64encode(pickle.dumps(Mine())).decode()])
    assert cache.get("code", "nothing") == "nothing"
    cache.set("code", "new", timeout=-1)
    assert (cache.get("code"), cache.add("code", "again"), cache.get("code")) == (None, True, "again")
    assert (cache.touch("code", timedelta(days=1).total_seconds()), cache.delete("code")) == (True, True)
    assert (cache.touch("code"), cache.delete("code"), cache.has_key("code")) == (False, False, False)
