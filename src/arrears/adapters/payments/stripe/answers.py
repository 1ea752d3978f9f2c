"""How Stripe answered: its errors as refusals, and when it did so by its own clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import stripe

from arrears.core.errors import Refused


def refusal(error: stripe.StripeError) -> Refused:
    """The error as a refusal: `provider_denied` where our key may not do this, `provider_refused` for another mistake
    of ours, `provider_unreachable` where no answer came."""
    if isinstance(error, stripe.AuthenticationError | stripe.PermissionError):
        said = (error.user_message or type(error).__name__)[:200]
        what = "set ARREARS_STRIPE_KEY to one that is valid and may do everything that arrears asks"
        return Refused("provider_denied", f"Stripe does not accept our key: {said}; {what}", exit_code=4)
    if is_ours(error) or isinstance(error, stripe.CardError):
        said = (error.user_message or type(error).__name__)[:300]
        return Refused("provider_refused", f"Stripe refused the request: {said}")
    # What the library says of it is a paragraph for programmers, with the address that was asked.
    how = f"HTTP {error.http_status}" if error.http_status else "no connection"
    return Refused("provider_unreachable", f"Stripe did not answer ({how}); try again later", exit_code=4)


def is_ours(error: stripe.StripeError) -> bool:
    """Whether the request itself was wrong, so that nothing happened."""
    return isinstance(
        error,
        stripe.InvalidRequestError | stripe.AuthenticationError | stripe.PermissionError | stripe.IdempotencyError,
    )


@contextmanager
def answering() -> Iterator[None]:
    """Turn the SDK's errors into refusals."""
    try:
        yield
    except stripe.StripeError as error:
        raise refusal(error) from error


def date_in(headers: Mapping[str, str]) -> datetime | None:
    """When an answer was given, by the clock of whoever gave it; None where that is not said, or is no date."""
    try:
        found = parsedate_to_datetime(headers.get("Date") or headers.get("date") or "")
        return found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def left(return_url: str) -> str:
    """Where a payer comes back to who leaves the provider's page: the same address, which says so."""
    return f"{return_url}{'&' if '?' in return_url else '?'}left=1"
