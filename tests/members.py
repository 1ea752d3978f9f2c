"""Members of staff for tests: with an app that is set up, and a way in through both steps."""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from django.test import Client

KEY: Final = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
"""The key of everybody's app."""


def made(email: str, name: str, password: str, role: str, now: datetime) -> int:
    """A member of staff with a password and an app."""
    from allauth.mfa.adapter import get_adapter

    from arrears.web.console import members

    number = members.create_staff(email, name, password, role, now)
    statement("UPDATE staff SET app = %s WHERE staff_id = %s", get_adapter().encrypt(KEY), number)
    return number


def code(half_minutes: int = 0, key: str = KEY) -> str:
    """The code that the app shows now, or so many half minutes later."""
    from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value

    return str(format_hotp_value(hotp_value(key, int(time.time()) // 30 + half_minutes)))


def both_steps(client: Client, email: str, password: str) -> int:
    """Sign in as staff do; the status of the first step that did not go well, else 302."""
    status = client.post("/console/sign-in", {"email": email, "password": password}).status_code
    if status != 302:
        return int(status)
    # Each code lets in once, and tests sign in more often than twice a minute.
    statement("UPDATE staff SET code_no = 0 WHERE email = %s", email)
    return int(client.post("/console/second-step", {"code": code()}).status_code)


def session_of(number: int) -> dict[str, object]:
    """What the session of a member of staff has in it."""
    from arrears.web.console import members

    found = members.member(number)
    assert found is not None, number
    return {"number": number, "proof": found.proof}


def statement(sql: str, *values: Any) -> None:
    """Run a statement where the pages do."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(sql, list(values))
