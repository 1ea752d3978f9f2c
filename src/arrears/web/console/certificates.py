"""The certificate of a deletion as PDF, for staff who are asked for it."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _

from arrears.core.errors import Refused
from arrears.core.ids import SUBSCRIPTION, format_id
from arrears.engine.certifying import signed_certificate
from arrears.notices.certificate_paper import certificate_pdf
from arrears.store.certificate_key import certificate_key
from arrears.web.console.frame import ConsoleRequest, console_page
from arrears.web.languages import language_now
from arrears.web.logs import LOG
from arrears.wiring import settings


@console_page()
def certificate(console: ConsoleRequest, account: int, number: int) -> HttpResponse:
    """In the language of the page; the same file each time. 404 for what is not deleted."""
    visit, ours = console.visit(account), settings()
    key = certificate_key(ours.certificate_key, ours.home)
    try:
        signed = signed_certificate(console.live.store, visit.account, number, ours.operator, key)
        body = certificate_pdf(signed, language_now(), ours.legal_identity)
    except KeyError:
        raise Http404 from None
    except Refused as refused:
        if refused.code == "not_deleted":
            raise Http404 from None
        LOG.error("paper not made", code=refused.code)
        why = _("The PDF could not be made here. `arrears certificate show` gives the certificate itself.")
        return console.page("refused", _("That was not possible"), 500, text=why)
    response = HttpResponse(body, content_type="application/pdf")
    name = f"deletion-{format_id(SUBSCRIPTION, account, number)}.pdf"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
