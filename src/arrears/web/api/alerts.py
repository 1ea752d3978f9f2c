"""Alerts over the API, for programs and for the banner in the operator's own portal (docs/portal-banner.md).

The banner has a token of its own: for one account, for a quarter of an hour, for this one route. It is signed, not
stored, and grants less than the token that asked for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from django.core import signing
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import translation
from ninja import Router

from arrears.core.errors import Refused
from arrears.core.ids import ACCOUNT, INVOICE, format_id, parse_id
from arrears.core.money import format_amount
from arrears.core.people.links import LASTS as CAPABILITY_LASTS
from arrears.core.people.links import Capability
from arrears.core.people.scopes import ScopeAct, ScopeKind
from arrears.core.view import View
from arrears.engine.messages.addressing import stable_link
from arrears.notices import values
from arrears.notices.languages import language_of
from arrears.web.alerts import Standing, standing
from arrears.web.api.frame import AllowedToken, account_number, terms, wrong
from arrears.web.api_tokens import Token, token_lives
from arrears.wiring import RealClock, installed, settings

router = Router(tags=["alerts"])

SALT: Final = "arrears.banner"
LASTS: Final = CAPABILITY_LASTS[Capability.BANNER_TOKEN]
_PATH: Final = re.compile(r"/v1/accounts/([^/]+)/alerts/?")


class BannerOrToken(AllowedToken):
    """An API token, or the banner's own for the account in the path."""

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        """The token; 401 for one that is forged or too old. Another account's is no different."""
        if token.startswith("arr_"):
            return super().authenticate(request, token)
        found = _PATH.fullmatch(request.path)
        try:
            account, minter = signing.loads(token, salt=SALT, max_age=LASTS)
        except (signing.BadSignature, TypeError, ValueError):
            raise wrong(request) from None
        if not token_lives(minter, RealClock().now()):
            raise wrong(request)
        if found is None or (account_number(found[1]),) != parse_id(ACCOUNT, account):
            raise Refused("unknown_account", "there is no such account for this token")
        return account


@router.get("/accounts/{account}/alerts", **terms(ScopeKind.ALERTS, ScopeAct.READ, auth=BannerOrToken))
def alerts(request: HttpRequest, account: str, lang: str = "") -> HttpResponse:
    """What stands, the most urgent first, in the language of `?lang=`, else of the browser, else of the account."""
    live = installed()
    number = account_number(account)
    contacts = live.store.contacts([number]).get(number)
    snapshot = live.store.snapshots([number]).get(number)
    if contacts is None or snapshot is None:
        raise Refused("unknown_account", f"there is no account {account}")
    view = View(live.store.policies(), snapshot, live.store.system().guards, live.clock.now())
    language = _language(request, lang, contacts.locale)
    with translation.override(language):
        locale = values.formats_of(language, contacts.locale)
        found = standing(view, contacts, locale)
        link = stable_link(live.providers.base_url, number)
        body = {
            "account": format_id(ACCOUNT, number),
            "language": language,
            "alerts": [_said(s, number, str(locale), link) for s in found],
        }
    return JsonResponse(body)


@router.post("/accounts/{account}/banner-token", **terms(ScopeKind.ALERTS, ScopeAct.READ))
def banner_token(request: HttpRequest, account: str) -> HttpResponse:
    """A token for the banner of this account. Minted by the operator's backend for a person who is signed in there: it
    grants less than the token that asks for it, so one that may read may ask."""
    number = account_number(account)
    minter: Token = request.auth  # type: ignore[attr-defined]
    token = banner_token_of(format_id(ACCOUNT, number), minter.number)
    return JsonResponse({"token": token, "expires_at": (RealClock().now() + LASTS).isoformat()})


def banner_token_of(account: str, minter: int) -> str:
    """A token for the banner of an account; it ends with the API token that asked for it, or before."""
    return signing.dumps([account, minter], salt=SALT)


def _language(request: HttpRequest, asked: str, account_locale: str) -> str:
    return language_of(asked, *_accepted(request), account_locale)


def _accepted(request: HttpRequest) -> list[str]:
    header = request.headers.get("Accept-Language", "")[:200]
    return [part.partition(";")[0] for part in header.split(",")]


def _said(one: Standing, account: int, locale: str, link: str) -> dict[str, Any]:
    alert = one.alert
    return {
        "level": alert.level,
        "cause": alert.cause,
        "urgent": one.urgent,
        "title": one.title,
        "text": one.text,
        "since": alert.since and alert.since.isoformat(),
        "on": alert.on and alert.on.isoformat(),
        "service": alert.service or None,
        "invoices": [format_id(INVOICE, account, debt) for debt in alert.debts],
        "sums": [
            {"currency": currency, "amount_minor": minor, "amount": format_amount(minor, currency, locale)}
            for currency, minor in alert.sums
        ],
        "settle_url": link,
    }


def portal_access(answer: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: the operator's portals, and no other origin, may read the alerts from a browser."""

    def answered(request: HttpRequest) -> HttpResponse:
        if not _PATH.fullmatch(request.path):
            return answer(request)
        origin = request.headers.get("Origin", "")
        allowed = origin in settings().portal_origins
        preflight = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
        response = HttpResponse(status=204) if preflight and allowed else answer(request)
        response.headers["Vary"] = "Origin"
        if allowed:
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
            if preflight:
                response.headers["Access-Control-Allow-Methods"] = "GET"
                response.headers["Access-Control-Allow-Headers"] = "Authorization"
                response.headers["Access-Control-Max-Age"] = "600"
        return response

    return answered
