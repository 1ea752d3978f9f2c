"""The hosted page: where a person sets up a card or pays with one. Plain HTML, no scripts."""

from __future__ import annotations

from html import escape
from typing import Final

from arrears.core.money import format_amount
from arrears.sandbox.cards import BY_NAME, CARDS, Card
from arrears.sandbox.objects import Book, Intent, Method, Session, WireError

WORDS: Final = {
    "en": {
        "title": "Sandbox payments",
        "note": "This is a test provider. No money moves, and only the cards below exist.",
        "setup": "Save a card",
        "pay": "Pay",
        "choose": "Choose a test card",
        "cancel": "Go back without a card",
        "leave": "Go back without paying",
        "declined": "The bank declined this card. Choose another one.",
        "confirm": "Your bank asks you to confirm this payment",
        "yes": "Confirm",
        "no": "Refuse",
        "over": "This page is closed",
        "over_text": "It was used already, or its time is over. Go back and start again.",
    },
    "nl": {
        "title": "Sandbox-betalingen",
        "note": "Dit is een testaanbieder. Er wordt geen geld afgeschreven en alleen de kaarten hieronder bestaan.",
        "setup": "Kaart opslaan",
        "pay": "Betaal",
        "choose": "Kies een testkaart",
        "cancel": "Terug zonder kaart",
        "leave": "Terug zonder te betalen",
        "declined": "De bank heeft deze kaart geweigerd. Kies een andere.",
        "confirm": "Je bank vraagt je deze betaling te bevestigen",
        "yes": "Bevestigen",
        "no": "Weigeren",
        "over": "Deze pagina is gesloten",
        "over_text": "Ze is al gebruikt, of de tijd is om. Ga terug en begin opnieuw.",
    },
}

IN_DUTCH: Final = {
    "approve": "Visa die betaalt",
    "approve_mastercard": "Mastercard die betaalt",
    "insufficient_funds": "Visa met te weinig saldo",
    "generic": "Visa die zonder reden wordt geweigerd",
    "lost": "Visa die als verloren is gemeld",
    "do_not_honor": "Mastercard die nooit meer geprobeerd mag worden",
    "wait_a_day": "Mastercard die pas na 24 uur weer geprobeerd mag worden",
    "expired": "Visa die verlopen is",
    "challenge": "Visa waarbij je bank om bevestiging vraagt",
    "prepaid": "Prepaid Mastercard",
    "single_use": "Mastercard die maar één keer werkt",
}

STYLE: Final = """
body{font:16px/1.5 system-ui,sans-serif;margin:0;background:#f4f5f7;color:#1c2430}
main{max-width:26rem;margin:2rem auto;padding:1.5rem;background:#fff;border:1px solid #d5dae1;border-radius:10px}
h1{font-size:1.25rem;margin:0 0 .25rem}.note{color:#525d6b;font-size:.9rem;margin:0 0 1rem}
fieldset{border:0;padding:0;margin:0 0 1rem}legend{font-weight:600;margin-bottom:.5rem}
label{display:flex;gap:.6rem;padding:.55rem .6rem;border:1px solid #d5dae1;border-radius:8px;margin:.35rem 0}
label:focus-within{outline:3px solid #2f6fde}small{color:#525d6b;display:block}
button{font:inherit;font-weight:600;width:100%;padding:.75rem;border:0;border-radius:8px;background:#1d4fb8;color:#fff}
button.second{background:#fff;color:#1c2430;border:1px solid #8a94a3;margin-top:.5rem}
.sum{font-size:1.75rem;font-weight:700;margin:.5rem 0 1rem}.alert{background:#fdeceb;padding:.6rem;border-radius:8px}
"""


def _language(locale: str) -> str:
    return locale[:2] if locale[:2] in WORDS else "en"


def _words(locale: str) -> dict[str, str]:
    return WORDS[_language(locale)]


def _named(card: Card, locale: str) -> str:
    return IN_DUTCH[card.name] if _language(locale) == "nl" else card.words


def _page(locale: str, title: str, body: str) -> str:
    lang = _language(locale)
    return (
        f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body><main>{body}</main></body></html>"
    )


def session_page(session: Session, *, declined: bool = False) -> str:
    """The page of an open session; a closed one says so."""
    words = _words(session.locale)
    head = f'<h1>{words["title"]}</h1><p class="note">{words["note"]}</p>'
    if session.status != "open":
        return _page(session.locale, words["over"], f"<h1>{words['over']}</h1><p>{words['over_text']}</p>")
    alert = f'<p class="alert" role="alert">{words["declined"]}</p>' if declined else ""
    act, leave = words["setup"], words["cancel"]
    if session.mode == "payment":
        amount = format_amount(session.amount, session.currency.upper(), _language(session.locale))
        leave = words["leave"]
        head += f'<p class="sum">{escape(amount)}</p><p>{escape(session.description)}</p>'
        act = f"{words['pay']} {escape(amount)}"
    cards = "".join(
        f'<label><input type="radio" name="card" value="{c.name}" required{" checked" if c.name == "approve" else ""}>'
        f"<span>{escape(_named(c, session.locale))}<small>•••• {c.number[-4:]}</small></span></label>"
        for c in CARDS
    )
    body = (
        f'{head}{alert}<form method="post"><fieldset><legend>{words["choose"]}</legend>{cards}</fieldset>'
        f'<button name="do" value="go">{act}</button>'
        f'<button class="second" name="do" value="cancel" formnovalidate>{leave}</button></form>'
    )
    return _page(session.locale, words["title"], body)


def challenge_page(intent: Intent) -> str:
    """The bank's page."""
    words = WORDS["en"]
    amount = escape(format_amount(intent.amount, intent.currency.upper()))
    body = (
        f'<h1>{words["confirm"]}</h1><p class="sum">{amount}</p><form method="post">'
        f'<button name="do" value="yes">{words["yes"]}</button>'
        f'<button class="second" name="do" value="no">{words["no"]}</button></form>'
    )
    return _page("en", words["confirm"], body)


def use_card(book: Book, session: Session, name: str) -> bool:
    """What choosing a card on the page does; False when the bank says no and the page stays open."""
    method = Method(book.new_id("pm"), BY_NAME[name], book.clock, customer=session.customer)
    if name == "expired":
        method.exp_month, method.exp_year = 1, 2020
    book.methods[method.id] = method
    if session.mode == "setup":
        session.method, session.status = method.id, "complete"
        book.happened("checkout.session.completed", session.id, "checkout.session")
        return True
    intent = Intent(
        book.new_id("pi"),
        session.amount,
        session.currency,
        book.clock,
        session.intent_metadata,
        customer=session.customer,
        method=method.id,
        return_url=session.success_url,
    )
    if session.intent is not None:
        intent = book.intents[session.intent]
        intent.method = method.id
    book.intents[intent.id] = intent
    session.intent = intent.id
    try:
        book.confirm(intent, completed=True)
    except WireError:
        return False
    session.status = "complete"
    book.happened("checkout.session.completed", session.id, "checkout.session")
    return True


def answer_challenge(book: Book, intent: Intent, *, confirmed: bool) -> None:
    """The customer has answered the bank."""
    if intent.status != "requires_action":
        return
    if confirmed:
        book.confirm(intent, completed=True)
        return
    intent.status = "requires_payment_method"
    intent.error = {
        "type": "card_error",
        "code": "payment_intent_authentication_failure",
        "decline_code": "authentication_failed",
        "message": "The customer refused.",
    }
    book.happened("payment_intent.payment_failed", intent.id, "payment_intent")
