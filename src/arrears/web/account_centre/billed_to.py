"""Who the customer is on their papers, besides the account's name: the billing address and the tax number."""

from __future__ import annotations

from django.utils.translation import gettext as _

from arrears.web.account_centre.frame import Visit


def billed_to(visit: Visit) -> list[tuple[str, str]]:
    """Names with their values, an address with line breaks in it; nothing of what the operator has not given."""
    known = visit.live.store.described([visit.account])[visit.account]
    address = "\n".join(visit.name(line) for line in known.billing_address.splitlines())
    heads = [(_("Billing address"), address), (_("Tax number"), visit.name(known.tax_number))]
    return [head for head in heads if head[1]]
