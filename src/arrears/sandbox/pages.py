"""The hosted page: where a person sets up a card or a bank account, or pays with one. Plain HTML, no scripts."""

from __future__ import annotations

from html import escape
from typing import Final

from arrears.core.money import format_amount
from arrears.sandbox.accounts import INSTRUMENTS, Instrument, offered
from arrears.sandbox.book import SandboxBook, declined
from arrears.sandbox.cards import Card
from arrears.sandbox.objects import Intent, SandboxMethod, Session, SetupCheck, WireError, bad_request

WORDS: Final = {
    "en": {
        "title": "Sandbox payments",
        "note": "This is a test provider. No money moves, and only what is listed below exists.",
        "setup": "Save a card",
        "setup_any": "Save",
        "pay": "Pay",
        "choose": "Choose a test card",
        "choose_any": "Choose a test card or account",
        "cancel": "Go back without saving",
        "leave": "Go back without paying",
        "declined": "The bank declined this card. Choose another one.",
        "unknown": "Choose one of the list.",
        "confirm": "Your bank asks you to confirm this payment",
        "yes": "Confirm",
        "no": "Refuse",
        "over": "This page is closed",
        "over_text": "It was used already, or its time is over. Go back and start again.",
    },
    "nl": {
        "title": "Sandbox-betalingen",
        "note": "Dit is een testomgeving. Er wordt geen geld afgeschreven en u kunt alleen kiezen wat hieronder staat.",
        "setup": "Kaart opslaan",
        "setup_any": "Opslaan",
        "pay": "Betaal",
        "choose": "Kies een testkaart",
        "choose_any": "Kies een testkaart of testrekening",
        "cancel": "Terug zonder op te slaan",
        "leave": "Terug zonder te betalen",
        "declined": "De bank heeft deze kaart geweigerd. Kies een andere.",
        "unknown": "Kies er een uit de lijst.",
        "confirm": "Uw bank vraagt u om deze betaling te bevestigen",
        "yes": "Bevestigen",
        "no": "Weigeren",
        "over": "Deze pagina is gesloten",
        "over_text": "De pagina is al gebruikt of verlopen. Ga terug en begin opnieuw.",
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
    "challenge": "Visa waarbij uw bank om bevestiging vraagt",
    "prepaid": "Prepaid Mastercard",
    "single_use": "Mastercard die maar één keer werkt",
    "sepa": "Eurorekening die na enkele dagen betaalt",
    "sepa_empty": "Eurorekening met te weinig saldo",
    "sepa_returned": "Eurorekening waarvan de bank het geld later terughaalt",
    "ach": "Dollarrekening die na enkele dagen betaalt",
    "ach_empty": "Dollarrekening met te weinig saldo",
    "ach_closed": "Dollarrekening die is opgeheven",
    "ach_returned": "Dollarrekening waarvan de bank het geld later terughaalt",
    "bacs": "Pondenrekening die na enkele dagen betaalt",
    "bacs_empty": "Pondenrekening met te weinig saldo",
    "bacs_returned": "Pondenrekening waarvan de bank het geld later terughaalt",
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


def language_of(locale: str, accept: str = "") -> str:
    """The language of a page: its locale's, or for `auto` the best of the browser's Accept-Language; else English."""
    if locale != "auto":
        return locale[:2] if locale[:2] in WORDS else "en"
    wanted = [one.strip().partition(";") for one in accept.lower().split(",")]
    ranked = sorted(wanted, key=lambda one: _quality(one[2]), reverse=True)
    return next((name[:2] for name, _, how in ranked if name[:2] in WORDS and _quality(how) > 0), "en")


def _quality(how: str) -> int:
    # Thousandths, as the header has at most three decimals: "q=0.8" is 800, a missing one 1000.
    text = how.strip().removeprefix("q=")
    if not text:
        return 1000
    whole, _, rest = text.partition(".")
    digits = whole + rest.ljust(3, "0")[:3]
    return int(digits) if digits.isascii() and digits.isdecimal() else 0


def _named(one: Instrument, lang: str) -> str:
    return IN_DUTCH[one.name] if lang == "nl" else one.words


def _page(lang: str, title: str, body: str) -> str:
    return (
        f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body><main>{body}</main></body></html>"
    )


def closed_page(lang: str) -> str:
    """A page that was used, or whose time is over."""
    words = WORDS[lang]
    return _page(lang, words["over"], f"<h1>{words['over']}</h1><p>{words['over_text']}</p>")


def session_page(session: Session, lang: str, *, alert: str = "") -> str:
    """The page of an open session; a closed one says so. `alert` is one of `declined` and `unknown`."""
    if session.status != "open":
        return closed_page(lang)
    words = WORDS[lang]
    head = f'<h1>{words["title"]}</h1><p class="note">{words["note"]}</p>'
    told = f'<p class="alert" role="alert">{words[alert]}</p>' if alert else ""
    shown = offered(session.types, session.currency)
    some = "" if all(one.kind == "card" for one in shown) else "_any"
    act, leave = words[f"setup{some}"], words["cancel"]
    if session.mode == "payment":
        amount = format_amount(session.amount, session.currency.upper(), lang)
        leave = words["leave"]
        head += f'<p class="sum">{escape(amount)}</p><p>{escape(session.description)}</p>'
        act = f"{words['pay']} {escape(amount)}"
    choices = "".join(
        f'<label><input type="radio" name="card" value="{one.name}" required{"" if place else " checked"}>'
        f"<span>{escape(_named(one, lang))}<small>•••• {one.number[-4:]}</small></span></label>"
        for place, one in enumerate(shown)
    )
    body = (
        f'{head}{told}<form method="post"><fieldset><legend>{words[f"choose{some}"]}</legend>{choices}</fieldset>'
        f'<button name="do" value="go">{act}</button>'
        f'<button class="second" name="do" value="cancel" formnovalidate>{leave}</button></form>'
    )
    return _page(lang, words["title"], body)


def challenge_page(intent: Intent, lang: str) -> str:
    """The bank's page."""
    if intent.status != "requires_action":
        return closed_page(lang)
    words = WORDS[lang]
    amount = escape(format_amount(intent.amount, intent.currency.upper(), lang))
    body = (
        f'<h1>{words["confirm"]}</h1><p class="sum">{amount}</p><form method="post">'
        f'<button name="do" value="yes">{words["yes"]}</button>'
        f'<button class="second" name="do" value="no">{words["no"]}</button></form>'
    )
    return _page(lang, words["confirm"], body)


def back_to(address: str, session: Session) -> str:
    """Where a page leads, with the session's id put in where the address asks for it."""
    return address.replace("{CHECKOUT_SESSION_ID}", session.id)


def use_card(book: SandboxBook, session: Session, name: str, *, own: bool = False) -> bool:
    """What choosing a card or an account on the page does; False when the bank says no, or asks the payer to confirm,
    and the page stays open.

    WireError for one that the page does not offer. What pays once is not kept for the customer, as at the real one.
    """
    if session.status != "open":
        raise bad_request(f"This page is {session.status}.")
    if name not in [one.name for one in offered(session.types, session.currency)]:
        raise bad_request(f"This page offers no {name!r}.")
    method = SandboxMethod(book.new_id("pm"), INSTRUMENTS[name], book.clock, own=own or book.own_cards)
    if name == "expired":
        method.exp_month, method.exp_year = 1, 2020
    book.methods[method.id] = method
    if session.setup_intent is not None:
        method.customer = session.customer
        book.setups[session.setup_intent].method = method.id
        book.complete(session)
        return True
    intent = _intent_of(book, session)
    intent.method = method.id
    try:
        book.confirm(intent)
    except WireError:
        return False
    if intent.status == "requires_action":
        return False
    book.complete(session)
    return True


def refuse_setup(book: SandboxBook, session: Session, name: str) -> None:
    """The bank refuses the check of a card that somebody wants to save on the page, which stays open."""
    card = INSTRUMENTS[name]
    if session.setup_intent is None or session.status != "open" or not isinstance(card, Card) or card.decline is None:
        raise bad_request(f"This page does not set up {name!r}, or its bank does not refuse it.")
    method = SandboxMethod(book.new_id("pm"), card, book.clock)
    book.methods[method.id] = method
    check = SetupCheck(book.new_id("setatt"), book.clock, method.id, declined(card))
    book.setups[session.setup_intent].refused.append(check)


def _intent_of(book: SandboxBook, session: Session) -> Intent:
    if session.intent is None:
        intent = Intent(
            book.new_id("pi"),
            session.amount,
            session.currency,
            book.clock,
            session.intent_metadata,
            customer=session.customer,
            return_url=session.success_url,
            session=session.id,
        )
        book.intents[intent.id] = intent
        session.intent = intent.id
        book.add_event("payment_intent.created", intent.id, "payment_intent")
    return book.intents[session.intent]
