"""A link for each task, without an account's number: mail, portals and manuals have one address for everybody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from arrears.core.ids import ACCOUNT, format_id
from arrears.web.account_centre.frame import Visit, account_page
from arrears.web.identities import accounts_of
from arrears.web.signed_in import SIGN_IN, signed_in

TASKS: Final[Mapping[str, str]] = {
    "": "",
    "settle": "settle",
    "methods": "methods",
    "methods/add": "methods#add",
    "subscriptions": "subscriptions",
    "invoices": "invoices",
    "statement": "statement",
    "timeline": "timeline",
    "profile": "profile",
    "profile/address": "profile#address",
    "profile/people": "profile#people",
    "help": "help",
}
"""What stands after `/acc/`, and the page of an account on which that is done (docs/links.md)."""


@account_page()
def of_account(visit: Visit, task: str) -> HttpResponse:
    """The same task of the account that the address names: `/acc_12/methods/add`."""
    return visit.to(TASKS[task])


@require_safe
def page(request: HttpRequest, task: str = "") -> HttpResponse:
    """On to that page of the reader's own account. Who has several is asked which, who is not signed in signs in
    first and comes here again; a task that is none of ours is not there."""
    onward = TASKS.get(task.rstrip("/"))
    if onward is None:
        raise Http404
    somebody = signed_in(request)
    if somebody is None:
        return HttpResponseRedirect(f"{SIGN_IN['person']}?next={request.path}")
    accounts = accounts_of(somebody.number)
    if len(accounts) == 1:
        return HttpResponseRedirect(f"/{format_id(ACCOUNT, accounts[0][0])}/{onward}")
    title = _("Which account?") if accounts else _("Your accounts")
    values = {"title": title, "somebody": somebody, "accounts": accounts, "onward": onward}
    return render(request, "home.html", values)
