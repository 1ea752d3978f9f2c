"""The local outbox: mail that went to the folder instead of a server, as its reader would see it.

Only where the installation is in test mode and mail goes to a folder, and only for a browser on this machine that asks
for it by this machine's own name; for everybody else there is no such page. Links in a mail are secrets of its reader.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import wraps
from pathlib import Path
from typing import Any, Final, NamedTuple

from django.http import Http404, HttpRequest, HttpResponse
from django.http.request import split_domain_port
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from arrears.adapters.channels.folder import FolderChannel
from arrears.core.ids import ACCOUNT, format_id
from arrears.setting_values import is_loopback
from arrears.wiring import installed, settings

SHOWN_MAX: Final = 200
EACH_MAX: Final = 20
"""So many of one customer are listed beside other customers' mail; all of them stand on a page of their own."""
_OF_ACCOUNT: Final = re.compile(r"a([1-9][0-9]{0,17})-")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,60}")
MAIL_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none';"
    " frame-ancestors 'self'; sandbox allow-top-navigation-by-user-activation allow-popups"
)
"""For the mail itself: mails carry their styles with them, and nothing else."""

OUTER_POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'; frame-src 'self'"
)


class Listed(NamedTuple):
    """One mail of the list."""

    name: str
    to: str
    subject: str
    at: datetime


class OfCustomer(NamedTuple):
    """The mails of one customer, the newest first. `account` is like acc_12, empty for mail to people who have none;
    `more` says how many there are where not all are listed."""

    account: str
    customer: str
    mails: list[Listed]
    more: str


def only_here(page: Any) -> Any:
    """The pages of the outbox, which are handed the mail folder, are there in test mode with one, and nowhere else."""

    @wraps(page)
    def answered(request: HttpRequest, **more: str) -> HttpResponse:
        channel = installed().channel
        if settings().mode != "test" or not isinstance(channel, FolderChannel) or not asked_here(request):
            raise Http404
        answer: HttpResponse = page(request, channel.folder, **more)
        return answer

    return answered


_PASSED_ON: Final = ("HTTP_FORWARDED", "HTTP_VIA", "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_HOST", "HTTP_X_REAL_IP")


def asked_here(request: HttpRequest) -> bool:
    """Whether the peer is this machine, nobody passed the request on, and it names this machine by its own name: a
    page elsewhere that has its name point here does not."""
    host = split_domain_port(request.META.get("HTTP_HOST", ""))[0]
    passed_on = any(name in request.META for name in _PASSED_ON)
    return is_loopback(request.META.get("REMOTE_ADDR", "")) and is_loopback(host) and not passed_on


@require_safe
@only_here
def index(request: HttpRequest, folder: Path) -> HttpResponse:
    """The mails by customer, the newest first; with `?account=acc_12` those of that customer alone."""
    wanted = request.GET.get("account", "")
    paths = sorted(folder.glob("*.eml"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
    found: dict[int, list[Path]] = {}
    for path in paths:
        found.setdefault(_account(path.stem), []).append(path)
    if wanted:
        found = {number: own for number, own in found.items() if number and format_id(ACCOUNT, number) == wanted}
    shown = {"title": _("Outbox"), "customers": _of_customers(found, each=SHOWN_MAX if wanted else EACH_MAX)}
    return render(request, "outbox.html", {**shown, "wanted": wanted})


def _of_customers(found: dict[int, list[Path]], *, each: int) -> list[OfCustomer]:
    """Whoever got the newest mail stands first."""
    names = installed().store.contacts([number for number in found if number])
    return [
        OfCustomer(
            format_id(ACCOUNT, number) if number else "",
            names[number].name if number in names else "",
            [_listed(path) for path in paths[:each]],
            _("All %(count)s messages") % {"count": len(paths)} if len(paths) > each else "",
        )
        for number, paths in list(found.items())[:SHOWN_MAX]
    ]


def _account(name: str) -> int:
    """The number of the account that a message is about; 0 where it is about none."""
    found = _OF_ACCOUNT.match(name)
    return int(found[1]) if found else 0


@require_safe
@only_here
def mail(request: HttpRequest, folder: Path, name: str) -> HttpResponse:
    """One mail: its head, the page that most readers see, and the plain text."""
    found = _open(folder, name)
    text = found.get_body(("plain",))
    heads = [(head, str(found[head])) for head in ("Date", "From", "To", "Subject", "Message-ID") if found[head]]
    values = {
        "title": str(found["Subject"]),
        "heads": heads,
        "name": name,
        "text": text.get_content() if text is not None else "",
        "account": format_id(ACCOUNT, number) if (number := _account(name)) else "",
        "has_html": found.get_body(("html",)) is not None,
    }
    response = render(request, "outbox_mail.html", values)
    response.headers["Content-Security-Policy"] = OUTER_POLICY
    return response


@require_safe
@only_here
def html(_request: HttpRequest, folder: Path, name: str) -> HttpResponse:
    """The page of one mail, by itself, for the frame that shows it."""
    part = _open(folder, name).get_body(("html",))
    if part is None:
        raise Http404
    # A mail's links open in the whole window, as they would from a mail program.
    page = part.get_content().replace(' target="_blank"', ' target="_top"')
    response = HttpResponse(page, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = MAIL_POLICY
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    return response


def _open(folder: Path, name: str) -> EmailMessage:
    if not _NAME.fullmatch(name) or ".." in name:
        raise Http404
    try:
        octets = (folder / f"{name}.eml").read_bytes()
    except OSError:
        raise Http404 from None
    found = message_from_bytes(octets, policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


def _listed(path: Path) -> Listed:
    found = message_from_bytes(path.read_bytes(), policy=policy.default)
    kept = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    at = found["Date"].datetime.astimezone(UTC) if found["Date"] else kept
    return Listed(path.stem, str(found["To"]), str(found["Subject"]), at)
