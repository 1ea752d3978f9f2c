"""The sessions of a person: where they are signed in, and how to end that elsewhere.

A session is Django's; it is listed here as long as it is there. Looking changes nothing, and ending one takes effect
with its next request.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple

from django.contrib.auth import update_session_auth_hash
from django.db import connection, transaction
from django.http import HttpRequest

from arrears.store.models import Person

BROWSER_CHARS_MAX: Final = 300

_BROWSERS: Final = (("Firefox/", "Firefox"), ("Edg/", "Edge"), ("OPR/", "Opera"), ("Chrome/", "Chrome"))
_SYSTEMS: Final = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


class Signed(NamedTuple):
    """One session. `browser` is what the browser said of itself."""

    no: int
    began_at: datetime
    browser: str
    address: str
    here: bool

    @property
    def label(self) -> str:
        """ "Firefox · Windows", or what there is; empty for a browser that says nothing we know."""
        found = [next((name for token, name in known if token in self.browser), "") for known in (_BROWSERS, _SYSTEMS)]
        if not found[0] and "Safari/" in self.browser:
            found[0] = "Safari"
        return " · ".join(part for part in found if part)


def began(request: HttpRequest, person: int, address: str, now: datetime) -> None:
    """Somebody has signed in: their session is listed, and those that are over are forgotten."""
    if not request.session.session_key:
        request.session.save()
    browser = request.headers.get("User-Agent", "")[:BROWSER_CHARS_MAX]
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM sign_in_session s WHERE person_id = %s AND NOT EXISTS"
            " (SELECT FROM django_session d WHERE d.session_key = s.session_key AND d.expire_date > %s)",
            [person, now],
        )
        cursor.execute(
            "INSERT INTO sign_in_session (person_id, session_key, began_at, browser, address)"
            " VALUES (%s, %s, %s, %s, %s) ON CONFLICT (session_key) DO UPDATE SET person_id = excluded.person_id,"
            " began_at = excluded.began_at, browser = excluded.browser, address = excluded.address",
            [person, request.session.session_key, now, browser, address],
        )


def listed(request: HttpRequest, person: int, now: datetime) -> list[Signed]:
    """The sessions that are open, this one first, then the newest."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT s.no, s.began_at, s.browser, s.address, s.session_key = %s FROM sign_in_session s"
            " JOIN django_session d USING (session_key) WHERE s.person_id = %s AND d.expire_date > %s"
            " ORDER BY 5 DESC, s.began_at DESC",
            [request.session.session_key, person, now],
        )
        return [Signed(*row) for row in cursor.fetchall()]


def end(person: int, no: int) -> None:
    """End one session of this person; one of somebody else's is left alone."""
    _end("person_id = %s AND no = %s", [person, no])


def end_others(request: HttpRequest, person: int) -> None:
    """End every session of this person but this one, those that are not listed too."""
    with transaction.atomic():
        _end("person_id = %s AND session_key <> %s", [person, request.session.session_key])
        with connection.cursor() as cursor:
            cursor.execute("UPDATE person SET session_epoch = session_epoch + 1 WHERE person_id = %s", [person])
        goes_on(request, person)


def goes_on(request: HttpRequest, person: int) -> None:
    """Password or epoch has changed, and every session with it; this one goes on, under another key."""
    before = request.session.session_key
    update_session_auth_hash(request, Person.objects.get(pk=person))
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE sign_in_session SET session_key = %s WHERE session_key = %s", [request.session.session_key, before]
        )


def ended(request: HttpRequest) -> None:
    """This session is over, here and in the browser."""
    if request.session.session_key:
        _end("session_key = %s", [request.session.session_key])
    request.session.flush()


def _end(where: str, values: list[str | int | None]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH gone AS (DELETE FROM sign_in_session WHERE {where} RETURNING session_key)"
            " DELETE FROM django_session WHERE session_key IN (SELECT session_key FROM gone)",
            values,
        )
