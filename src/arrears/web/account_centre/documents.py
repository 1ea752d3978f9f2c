"""The document of each invoice: ours, made by the first who asks, and the operator's own where theirs are elsewhere."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _

from arrears.core.account import Mode
from arrears.core.errors import Refused
from arrears.engine.commands.documents import credit_note, invoice_document, is_offered
from arrears.settings import invoice_documents
from arrears.web.account_centre.frame import Visit, account_page
from arrears.web.account_centre.money import InvoiceShown, books_of
from arrears.web.logs import LOG
from arrears.web.refusals import in_words
from arrears.wiring import settings


class Papers:
    """Which documents there are for the invoices of an account."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._invoicing, _maker = invoice_documents(settings())
        self._country = visit.live.store.described([visit.account])[visit.account].country
        self._own = settings().invoice_url
        self._links = visit.live.store.invoice_links(visit.account)

    def offers(self, one: InvoiceShown) -> bool:
        """Whether ours is there to be asked for."""
        return not one.void and is_offered(
            self._invoicing,
            one.debt.currency,
            self._country,
            by_transfer=self._visit.snapshot.mode is Mode.INVOICE,
            has_lines=one.has_lines,
            open_minor=one.open_minor,
        )

    def offers_credit(self, one: InvoiceShown, place: int) -> bool:
        """Whether there is a credit note of ours for the `place`th time (1 is the first) that less was asked: where the
        invoice is ours, and it is known which tax was credited."""
        if not 0 < place <= len(one.credited) or self._invoicing.seller is None or not one.has_lines:
            return False
        return one.taxes < 2 or one.credited[place - 1][1] == one.debt.total_minor

    def of(self, one: InvoiceShown) -> dict[str, Any]:
        """Its number within the account where ours is offered, the address of the operator's own, and how much less was
        asked, each with the place of its credit note."""
        number = quote(one.debt.number, safe="")
        own = self._links.get(one.debt.no, self._own.replace("{number}", number))
        credited = [
            {
                "number": number,
                "amount": self._visit.amount(minor, one.debt.currency),
                "place": place if self.offers_credit(one, place) else 0,
            }
            for place, (number, minor) in enumerate(one.credited, 1)
        ]
        pdf = one.debt.no if self.offers(one) else 0
        return {"pdf": pdf, "no": one.debt.no, "is_slip": not one.has_lines, "own": own, "credited": credited}


@account_page()
def document(visit: Visit, number: int, place: int = 0) -> HttpResponse:
    """The document of one invoice, by its number within the account, or of the `place`th time that less was asked of
    it: the same bytes each time."""
    books = books_of(visit, visit.live.store.history(visit.account))
    shown, papers = next((one for one in books.invoices if one.debt.no == number), None), Papers(visit)
    if shown is None or not (papers.offers_credit(shown, place) if place else papers.offers(shown)):
        raise Http404
    invoicing, maker = invoice_documents(settings())
    asked = visit.live.store, maker, invoicing, shown.debt.number
    try:
        made = credit_note(*asked, place, visit.now) if place else invoice_document(*asked, visit.now)
    except Refused as refused:
        LOG.error("document not made", code=refused.code)
        back = f"/{visit.id}/invoices"
        return visit.page("refused", _("That was not possible"), 500, text=in_words(refused), back=back)
    response = HttpResponse(made.body, content_type="application/pdf")
    name = "".join(char if char.isascii() and char.isalnum() else "-" for char in made.number)
    response.headers["Content-Disposition"] = f'attachment; filename="{made.kind.value}-{name}.pdf"'
    return response
