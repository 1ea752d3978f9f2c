"""What Stripe Billing's objects mean in our words: pure, and all in this one file.

Stripe's amounts become ours by `amounts.from_stripe`. An invoice asks what Stripe asks for it in money, `amount_due`:
credit that Stripe applied, and what it carried over as too little to charge, never count here as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from arrears.adapters.payments.stripe.amounts import from_stripe
from arrears.adapters.payments.stripe.codes import Thing, attempt_in, id_of, inside, installation_in
from arrears.adapters.payments.stripe.tries import charged
from arrears.core.address import check_address
from arrears.core.errors import Refused
from arrears.core.money import exponent
from arrears.core.payments.values import CardTry
from arrears.core.receivables import BookAccount, BookInvoice, BookPayment, InvoiceStanding, NamedMethod
from arrears.core.row_fields import TEXT_CHARACTERS_MAX
from arrears.ports.billing import BilledInvoice, BilledSubscription, BillingOptions, Reported

NAME: Final = "stripe-billing"
PROVIDER: Final = "stripe"
SWITCH: Final = (
    "in Stripe's dashboard, Billing > Revenue recovery > Retries, switch automatic retries off, for subscriptions and"
    " for one-off invoices; and on the page of each such invoice switch its automatic collection off"
)
"""docs.stripe.com/billing/revenue-recovery/smart-retries, /invoicing/integration/automatic-advancement-collection"""

_STANDING: Final[Mapping[str, InvoiceStanding]] = {
    "open": InvoiceStanding.OPEN,
    "paid": InvoiceStanding.OPEN,
    "void": InvoiceStanding.VOID,
    "uncollectible": InvoiceStanding.UNCOLLECTIBLE,
}
NOT_SAID: Final = frozenset({"zone", "policy", "copies", "billing_address", "tax_number"})
"""What Stripe has no word about: what is here stays."""

_GOES_ON: Final = ("active", "trialing", "past_due", "unpaid", "paused")

END_MARK: Final = "arrears_end"
"""The key of a subscription's metadata that says which installation asked for its end, and by which cancellation."""

PAUSE_MARK: Final = "arrears_pause"
"""The same of the pause of its billing."""

_OPEN_DISPUTES: Final = ("needs_response", "under_review")


def instant_of(seconds: int) -> datetime:
    """A time of Stripe's."""
    return datetime.fromtimestamp(seconds, UTC)


def day_of(seconds: int, options: BillingOptions) -> date:
    """The day of a time of Stripe's, in the zone that was given when it was connected: always the same one."""
    return instant_of(seconds).astimezone(ZoneInfo(options.zone)).date()


def ended_at(invoice: Thing) -> int:
    """When an invoice was last moved from one state to another."""
    times = inside(invoice.get("status_transitions")).values()
    return max([int(invoice["created"]), *(int(at) for at in times if at)])


def account_of(
    customer: Thing, invoices: Sequence[Thing], options: BillingOptions, subscriptions: Sequence[Thing] = ()
) -> BookAccount:
    """A customer as an account. Only where every open invoice is charged by itself arrears charges a method too: what
    was sent to be paid otherwise is not taken from a card as well. Of one that was deleted nothing is known any more,
    and what is here stays."""
    address = inside(customer.get("address"))
    locales = customer.get("preferred_locales") or []
    method = method_of(customer, subscriptions)
    wanted = [one for one in invoices if one["status"] == "open"] or invoices[:1]
    sent = any(one.get("collection_method") == "send_invoice" for one in wanted)
    unsaid = {*NOT_SAID, *(() if address.get("country") else ("country",)), *(() if locales else ("locale",))}
    unsaid |= {"name"} if customer.get("deleted") else set()
    return BookAccount(
        ref=customer["id"],
        name=_line(str(customer.get("name") or customer.get("email") or "")) or str(customer["id"]),
        country=str(address.get("country") or options.country),
        zone=options.zone,
        locale=str(locales[0])[:2].lower() if locales else options.locale,
        mode="invoice" if sent else "card",
        email=_address(str(customer.get("email") or "")),
        policy=options.policy,
        method=NamedMethod(PROVIDER, customer["id"], method) if method else None,
        unsaid=frozenset(unsaid),
    )


def _line(text: str) -> str:
    """A text that stands on one line, as a row of a file has to."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:TEXT_CHARACTERS_MAX].strip()


def _address(text: str) -> str | None:
    """Where mail can be sent; what no server would take is no address, so that the one that is here stays."""
    try:
        return check_address(text)
    except Refused:
        return None


def method_of(customer: Thing, subscriptions: Sequence[Thing]) -> str:
    """What pays for what a customer uses; empty where nothing does. Stripe charges a subscription's own method, else
    the customer's (docs.stripe.com/api/subscriptions/object, `default_payment_method`). Where all that go on are
    charged with one and the same it is this; where they are not, a subscription's own is left to it, and the
    customer's pays."""
    usual = id_of(inside(customer.get("invoice_settings")).get("default_payment_method"))
    alive = [one for one in subscriptions if one["status"] in _GOES_ON]
    charged_with = {id_of(one.get("default_payment_method")) or usual for one in alive}
    return charged_with.pop() if len(charged_with) == 1 else usual


def subscriptions_of(
    subscriptions: Sequence[Thing], options: BillingOptions, installation: str
) -> list[BilledSubscription]:
    """Every subscription of a customer that has begun; of several to one service the newest is the first."""
    found = []
    for one in subscriptions:
        if one["status"] not in (*_GOES_ON, "canceled"):
            continue  # Its first invoice was never paid: nothing has begun.
        items: Sequence[Thing] = one["items"]["data"]
        products = {id_of(inside(item.get("price")).get("product")) for item in items}
        over = max([int(one.get("ended_at") or 0), *(int(item.get("current_period_end") or 0) for item in items)])
        ends = bool(one.get("cancel_at_period_end")) or 0 < int(one.get("cancel_at") or 0) <= over
        found.append(
            BilledSubscription(
                ref=str(one["id"]),
                services=tuple(sorted({options.services.get(product, options.service) for product in products})),
                goes_on=one["status"] != "canceled",
                over_at=instant_of(over),
                asked=inside(one.get("cancellation_details")).get("reason") == "cancellation_requested",
                begun_at=instant_of(int(one.get("created") or over)),
                billed_from=instant_of(max([0, *(int(item.get("current_period_start") or 0) for item in items)])),
                ends=ends,
                told=_asked_by_us(one, END_MARK, installation),
                paused=bool(one.get("pause_collection")),
                paused_by=_asked_by_us(one, PAUSE_MARK, installation),
            )
        )
    return found


def _asked_by_us(subscription: Thing, mark: str, installation: str) -> str:
    whose, _, key = str(inside(subscription.get("metadata")).get(mark) or "").partition("/")
    return key if whose == installation else ""


def invoice_of(
    invoice: Thing,
    lines: Sequence[Thing],
    payments: Sequence[Thing],
    disputes: Mapping[str, Sequence[Thing]],
    options: BillingOptions,
    installation: str,
) -> BilledInvoice:
    """An invoice with its payments (each with its intent or record expanded), and the disputes of each intent."""
    ref, number = str(invoice["id"]), str(invoice.get("number") or "")
    try:
        return _read(invoice, lines, payments, disputes, options, installation)
    except (Refused, KeyError, TypeError, ValueError) as error:
        why = error.message if isinstance(error, Refused) else f"{type(error).__name__} {error}"
        return BilledInvoice(ref, number, None, unreadable=why)


def _read(
    invoice: Thing,
    lines: Sequence[Thing],
    payments: Sequence[Thing],
    disputes: Mapping[str, Sequence[Thing]],
    options: BillingOptions,
    installation: str,
) -> BilledInvoice:
    currency, status = str(invoice["currency"]).upper(), str(invoice["status"])
    exponent(currency)
    automatic = invoice.get("collection_method") != "send_invoice"
    paid = [one for one in payments if one.get("status") == "paid"]
    ours = [one for one in paid if _is_ours(one, installation)]
    apart = [one for one in paid if one not in ours and _intent(one)]
    lost, in_dispute = _disputed(apart, disputes)
    row = _row(invoice, lines, currency, options, disputed=in_dispute)
    reported = sum(_minor(one.get("amount_paid"), currency) for one in ours)
    records = [_reported(one, currency) for one in ours if _record(one)]
    booked = [_payment(one, row) for one in apart if id_of(_intent(one)) not in lost]
    whole = row.total_minor if status == "paid" else _minor(invoice["amount_paid"], currency)
    booked += _not_named(row, whole - reported - sum(_minor(one.get("amount_paid"), currency) for one in apart))
    under_way = any(_intent(one).get("status") == "processing" for one in payments if one.get("status") == "open")
    attempted = int(invoice.get("attempt_count") or 0) > 0
    is_open = status == "open"
    collected = is_open and automatic and bool(invoice.get("next_payment_attempt") or invoice.get("auto_advance"))
    tries = [one for one in payments if one.get("is_default")]
    failed = is_open and automatic and attempted and not under_way
    return BilledInvoice(
        ref=str(invoice["id"]),
        number=row.number,
        row=row,
        payments=booked,
        reported_minor=reported,
        asks_minor=_minor(invoice["amount_remaining"], currency) if status in ("open", "uncollectible") else 0,
        is_open=is_open,
        not_tried=is_open and automatic and ((collected and not attempted) or (under_way and attempted)),
        collected=collected,
        under_way=under_way,
        failed=failed,
        tries=list(_tries(tries)) if failed else (),
        reported=records,
        attached=[id_of(_intent(one)) for one in paid if _intent(one)],
        detached=[id_of(_intent(one)) for one in payments if _is_detached(one)],
        used_from=_used_from(lines),
    )


def _used_from(lines: Sequence[Thing]) -> datetime | None:
    """When the latest time began that an invoice bills of a subscription: each line says of which it is, and for when
    (docs.stripe.com/api/invoice-line-item/object)."""
    of_use = [one for one in lines if inside(one.get("parent")).get("type") == "subscription_item_details"]
    begun = [int(inside(one.get("period")).get("start") or 0) for one in of_use]
    return instant_of(max(begun)) if any(begun) else None


def _row(
    invoice: Thing, lines: Sequence[Thing], currency: str, options: BillingOptions, *, disputed: bool
) -> BookInvoice:
    issued_on = day_of(int(invoice.get("effective_at") or invoice["created"]), options)
    due_on = day_of(int(invoice["due_date"]), options) if invoice.get("due_date") else issued_on
    return BookInvoice(
        row=0,
        number=str(invoice["number"]),
        account_ref=id_of(invoice["customer"]),
        services=services_of(lines, options),
        issued_on=issued_on,
        due_on=max(issued_on, due_on),
        currency=currency,
        total_minor=_minor(invoice["amount_due"], currency),
        disputed=disputed,
        standing=_STANDING[str(invoice["status"])],
    )


def _not_named(row: BookInvoice, minor: int) -> list[BookPayment]:
    """What Stripe calls paid and names no payment for: out of band, or in a way that we do not know."""
    if minor <= 0:
        return []
    number = row.number
    return [BookPayment(0, number, row.account_ref, number, row.issued_on, row.currency, minor, dated=False)]


def _minor(amount: object, currency: str) -> int:
    return from_stripe(int(str(amount or 0)), currency)


def services_of(lines: Iterable[Thing], options: BillingOptions) -> tuple[str, ...]:
    """The services that an invoice is for, by the products of its lines."""
    found: dict[str, None] = {}
    for line in lines:
        product = id_of(inside(inside(line.get("pricing")).get("price_details")).get("product"))
        found[options.services.get(product, options.service)] = None
    return tuple(sorted(found)) or (options.service,)


def _intent(payment: Thing) -> Thing:
    return inside(inside(payment.get("payment")).get("payment_intent"))


def _record(payment: Thing) -> Thing:
    return inside(inside(payment.get("payment")).get("payment_record"))


def _reported(payment: Thing, currency: str) -> Reported:
    record = _record(payment)
    returned = _minor(inside(record.get("amount_refunded")).get("value"), currency)
    return Reported(str(record["id"]), _minor(payment.get("amount_paid"), currency), returned)


def _is_detached(payment: Thing) -> bool:
    """Whether it was taken from its invoice with its money still there: that moves none, and gives none back
    (docs.stripe.com/api/invoices/detach_payment)."""
    intent = _intent(payment)
    charge = inside(intent.get("latest_charge"))
    is_left = int(intent.get("amount_received") or 0) > int(charge.get("amount_refunded") or 0)
    is_gone = bool(charge.get("refunded") or charge.get("disputed"))
    return payment.get("status") == "canceled" and intent.get("status") == "succeeded" and is_left and not is_gone


def _is_ours(payment: Thing, installation: str) -> bool:
    """Whether arrears has taken this: we have reported it, or a person has attached our own payment."""
    record = _record(payment)
    if record:
        return bool(installation) and installation_in(record) == installation
    intent = _intent(payment)
    return bool(attempt_in(intent)) and installation_in(intent) in ("", installation)


def _payment(payment: Thing, row: BookInvoice) -> BookPayment:
    """A payment that Stripe took. Everything that stands there of the invoice is told, so that what is not there any
    more is paid no more (`dated` says otherwise of a file)."""
    name = f"{NAME}:{id_of(_intent(payment))}"
    paid = _minor(payment.get("amount_paid"), row.currency)
    return BookPayment(0, name, row.account_ref, row.number, row.issued_on, row.currency, paid, dated=False, apart=True)


def _disputed(payments: Sequence[Thing], disputes: Mapping[str, Sequence[Thing]]) -> tuple[set[str], bool]:
    """Which of these payments the payer's bank holds, and whether one of them is not decided yet."""
    lost: set[str] = set()
    is_open = False
    for payment in payments:
        name = id_of(_intent(payment))
        states = {str(one.get("status")) for one in disputes.get(name, ())}
        is_open = is_open or not states.isdisjoint(_OPEN_DISPUTES)
        if not states.isdisjoint((*_OPEN_DISPUTES, "lost")):
            lost.add(name)
    return lost, is_open


def disputed_intents(payments: Iterable[Thing]) -> list[str]:
    """The intents among these payments whose charge was ever disputed."""
    charges = ((id_of(_intent(one)), inside(_intent(one).get("latest_charge"))) for one in payments)
    return [name for name, charge in charges if charge.get("disputed")]


def _tries(payments: Iterable[Thing]) -> Iterable[CardTry]:
    """The last charge of Stripe's that failed, for the book of attempts of its card."""
    for payment in payments:
        intent = _intent(payment)
        charge = inside(intent.get("latest_charge"))
        if charge.get("status") == "failed":
            yield charged(charge, inside(intent.get("last_payment_error")))
