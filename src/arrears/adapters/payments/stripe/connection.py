"""How Stripe is reached: with which keys, at which address, and for how long an answer is waited for."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

import requests
import stripe

from arrears.core.errors import Refused

CONNECT_SECONDS: Final = 5
READ_SECONDS: Final = 40
"""Longer than a slow bank takes. Whoever waits in vain has an unknown outcome, which costs more than waiting."""

_LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")
# Otherwise the SDK writes an id into the home folder and sends it, the platform and our timings with every request.
stripe.enable_telemetry = False


def check_key(key: str, live: bool, api_base: str | None) -> None:
    """Refuse `no_provider_key` for what is no secret key, `wrong_mode` for one of the other mode, or for an
    address that is not Stripe's with real money or off this machine."""
    if not key.startswith(("sk_live_", "rk_live_", "sk_test_", "rk_test_")):
        raise Refused("no_provider_key", "give Stripe's secret key; it starts with sk_live_ or sk_test_")
    if (key[3:7] == "live") is not live:
        mode = "live" if live else "test"
        raise Refused("wrong_mode", f"this installation is in {mode} mode; give a key that starts with sk_{mode}_")
    if api_base is not None and (live or urlsplit(api_base).hostname not in _LOOPBACK):
        raise Refused("wrong_mode", "another address than Stripe's is for test keys on this machine only")


def client_over(api_base: str | None) -> stripe.HTTPClient:
    """What carries requests to this address; None is Stripe's own."""
    session = None
    if api_base is not None:
        session = requests.Session()
        # What is on this machine is never behind the proxy that the environment names.
        session.trust_env = False
    return stripe.RequestsClient(timeout=(CONNECT_SECONDS, READ_SECONDS), session=session)
