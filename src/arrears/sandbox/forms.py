"""What comes in over Stripe's wire: forms with brackets, read as strictly as the real one reads them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol, TypeVar
from urllib.parse import parse_qsl, urlsplit

from arrears.adapters.payments.stripe.amounts import amount_limits, to_stripe
from arrears.sandbox.objects import WireError, bad_request

Params = dict[str, Any]

AMOUNT_MAX: Final = 999_999_999
"""Amounts have at most eight digits (docs.stripe.com/currencies)."""
METADATA_KEYS_MAX, METADATA_KEY_CHARS_MAX, METADATA_VALUE_CHARS_MAX = 50, 40, 500
"""docs.stripe.com/api/metadata"""
PAGE_MAX: Final = 100

EXPANDABLE: Final = frozenset(
    """latest_charge payment_method customer charge payment_intent payment_intent.latest_charge
    payment_intent.payment_method setup_intent setup_intent.payment_method payment.payment_intent
    payment.payment_intent.latest_charge payment.payment_record""".split()  # noqa: SIM905 - readable
)


class Made(Protocol):
    """What has an id and a time of creation."""

    id: str
    created: int


T = TypeVar("T", bound=Made)


def read_form(body: bytes) -> Params:
    """`metadata[attempt]=x&line_items[0][quantity]=1` as nested dicts; lists as dicts by their index."""
    found: Params = {}
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True)
    except ValueError:
        raise bad_request("The request's body is no form in UTF-8.") from None
    for name, value in pairs:
        first, _, rest = name.partition("[")
        keys = [first, *(part.rstrip("]") for part in rest.split("["))] if rest else [first]
        place = found
        for key in keys[:-1]:
            place = place.setdefault(key, {})
            if not isinstance(place, dict):
                raise bad_request(f"Invalid parameter: {name}")
        if isinstance(place.get(keys[-1]), dict):
            raise bad_request(f"Invalid parameter: {name}")
        place[keys[-1]] = value
    return found


def only(params: Params, allowed: str) -> None:
    """Strict as the real one: a parameter it does not know is an error, not a surprise later."""
    for name in params:
        if name not in allowed.split() and name != "expand":
            raise bad_request(f"Received unknown parameter: {name}", "parameter_unknown", param=name)


def part(params: Params, name: str) -> Params:
    """A group of parameters, empty where it is missing."""
    found = params.get(name, {})
    if not isinstance(found, dict):
        raise bad_request(f"Invalid hash: {name}", param=name)
    return found


def listed(params: Params, name: str) -> list[str]:
    """A list of words, empty where it is missing."""
    found = [*part(params, name).values()]
    if not all(isinstance(one, str) for one in found):
        raise bad_request(f"Invalid array: {name}", param=name)
    return found


def text(params: Params, name: str, default: str = "") -> str:
    """A word."""
    found = params.get(name, default)
    if not isinstance(found, str):
        raise bad_request(f"Invalid string: {name}", param=name)
    return found


def flag(params: Params, name: str) -> bool:
    """true or false; false where it is missing."""
    found = params.get(name, "false")
    if found not in ("true", "false"):
        raise bad_request(f"Invalid boolean: {found}", param=name)
    return bool(found == "true")


def integer(params: Params, name: str, least: int = 1) -> int:
    """A whole number that must be there."""
    found = params.get(name)
    if found is None:
        raise bad_request(f"Missing required param: {name}.", "parameter_missing", param=name)
    return _whole(found, name, least)


def _whole(found: Any, name: str, least: int = 0) -> int:
    if not (isinstance(found, str) and found.isascii() and found.isdecimal() and len(found) < 20) or int(found) < least:
        raise bad_request(f"Invalid integer: {found}", "parameter_invalid_integer", param=name)
    return int(found)


def amount_of(params: Params, name: str = "amount") -> int:
    """Minor units that one payment can have."""
    found = integer(params, name)
    if found > AMOUNT_MAX:
        raise bad_request(f"Amount must be no more than {AMOUNT_MAX}", "amount_too_large", param=name)
    return found


def within_limits(amount: int, currency: str, param: str = "amount") -> None:
    """Refuse what no charge of this currency can be: too little, too much, or with a last digit that is not passed
    on. Currencies whose minimum is another's are not refused."""
    ours = currency.upper()
    limits = amount_limits().get(ours)
    if limits is None:
        return
    if limits.takes_nothing:
        raise bad_request(f"Invalid currency: {currency}", "invalid_currency", param=param)
    least, most = to_stripe(limits.minimum_minor, ours), to_stripe(limits.maximum_minor, ours)
    if amount < least:
        raise bad_request(f"Amount must be at least {least} {currency}", "amount_too_small", param=param)
    if amount > most:
        raise bad_request(f"Amount must be no more than {most}", "amount_too_large", param=param)
    in_steps(amount, currency, param)


def in_steps(amount: int, currency: str, param: str = "amount") -> None:
    """Refuse what no money of this currency can be, charged or given back: with a last digit that is not passed on."""
    limits = amount_limits().get(currency.upper())
    if limits is not None and amount % to_stripe(limits.step_minor, currency.upper()):
        raise bad_request(f"Invalid amount for {currency}: {amount}.", "invalid_amount", param=param)


def may_do(refused: Mapping[str, str], *names: str) -> None:
    """Refuse what this account of the provider may not do."""
    code = next((refused[name] for name in names if name in refused), "")
    if code:
        raise bad_request(f"Your account cannot do this: {code}.", code)


def currency_of(params: Params) -> str:
    """A currency in lower case, as the wire has it."""
    found = text(params, "currency")
    if not found:
        raise bad_request("Missing required param: currency.", "parameter_missing", param="currency")
    if len(found) != 3 or not found.isascii() or not found.isalpha() or found != found.lower():
        raise bad_request(f"Invalid currency: {found}", "parameter_invalid", param="currency")
    return found


def address_of(params: Params, name: str) -> str:
    """An address to go to; empty where it is missing."""
    found = text(params, name)
    if found and (urlsplit(found).scheme not in ("http", "https") or not urlsplit(found).netloc):
        raise bad_request("Not a valid URL", "url_invalid", param=name)
    return found


def metadata_of(params: Params) -> dict[str, str]:
    """Metadata within the limits that it has."""
    if params.get("metadata") == "":
        return {}
    found = part(params, "metadata")
    if len(found) > METADATA_KEYS_MAX:
        raise bad_request(f"Metadata can have at most {METADATA_KEYS_MAX} keys", param="metadata")
    for key, value in found.items():
        if not isinstance(value, str):
            raise bad_request("Metadata values must be strings", param="metadata")
        if len(key) > METADATA_KEY_CHARS_MAX or len(value) > METADATA_VALUE_CHARS_MAX:
            raise bad_request(f"Metadata {key[:METADATA_KEY_CHARS_MAX]} is too long", param="metadata")
    return dict(found)


def expands(params: Params, *, of_list: bool = False) -> set[str]:
    """What the caller wants to see whole; in a list its names begin with `data.`."""
    wanted = set(listed(params, "expand"))
    found = {name.removeprefix("data.") for name in wanted} if of_list else wanted
    for name in sorted(wanted):
        if name.removeprefix("data." if of_list else "") not in EXPANDABLE or name.startswith("data.") is not of_list:
            raise bad_request(f"This property cannot be expanded ({name}).", param="expand")
    return found | {name.partition(".")[0] for name in found}


def page_of(found: Sequence[T], params: Params, url: str, shown: Callable[[T], Params]) -> Params:
    """A list of objects, newest first, in pages of at most 100."""
    wanted = _created_then(params)
    found = [one for one in reversed(found) if wanted(one.created)]
    if "starting_after" in params and "ending_before" in params:
        raise bad_request("You can only specify one of starting_after and ending_before.")
    limit = _whole(params.get("limit", "10"), "limit")
    if not 1 <= limit <= PAGE_MAX:
        message = f"This value must be between 1 and {PAGE_MAX}."
        raise bad_request(message, "parameter_invalid_integer", param="limit")
    if "ending_before" in params:
        before = found[: _place(found, params, "ending_before")]
        return _list(url, before[-limit:], len(before) > limit, shown)
    if "starting_after" in params:
        found = found[_place(found, params, "starting_after") + 1 :]
    return _list(url, found[:limit], len(found) > limit, shown)


def _created_then(params: Params) -> Callable[[int], bool]:
    """What `created` asks for; a wrong one is refused whether or not there is anything to look through."""
    bounds = params.get("created", {})
    if not isinstance(bounds, dict):
        exactly = _whole(bounds, "created")
        return lambda created: created == exactly
    only(bounds, "gt gte lt lte")
    limit = {name: _whole(value, "created") for name, value in bounds.items()}
    return lambda created: (
        created >= limit.get("gte", created)
        and created > limit.get("gt", created - 1)
        and created <= limit.get("lte", created)
        and created < limit.get("lt", created + 1)
    )


def _place(found: Sequence[Made], params: Params, name: str) -> int:
    wanted = text(params, name)
    for index, one in enumerate(found):
        if one.id == wanted:
            return index
    raise WireError(400, "invalid_request_error", f"No such object: '{wanted}'", "resource_missing", param=name)


def _list(url: str, found: Sequence[T], more: bool, shown: Callable[[T], Params]) -> Params:
    return {"object": "list", "url": url, "has_more": more, "data": [shown(one) for one in found]}
