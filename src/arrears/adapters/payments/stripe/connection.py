"""How Stripe is reached: with which keys, at which address, and for how long an answer is waited for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import stripe
import urllib3

from arrears.core.errors import Refused

CONNECT_SECONDS: Final = 5
READ_SECONDS: Final = 40
"""Longer than a slow bank takes. Whoever waits in vain has an unknown outcome, which costs more than waiting."""
KEPT_MAX: Final = 64
"""So many connections are kept for whoever asks next: more than a process has threads that ask."""

_LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")
_STRIPES: Final = "https://api.stripe.com"
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


def _proxy_for(api_base: str | None) -> str | None:
    """The proxy that the environment names for this address. What is on this machine is never behind one."""
    if api_base is not None or proxy_bypass(urlsplit(_STRIPES).netloc):
        return None
    named = getproxies()
    found = named.get("https") or named.get("all")
    return f"http://{found}" if found and "://" not in found else found


class KeptConnections(stripe.HTTPClient):
    """What carries the SDK's requests to this address (None is Stripe's own): urllib3 alone, by connections that all
    threads share and that are kept. No redirect is followed and nothing is sent twice. An answer that does not come is
    the SDK's `APIConnectionError`."""

    name = "urllib3"

    def __init__(self, api_base: str | None) -> None:
        super().__init__()
        how: dict[str, Any] = {
            "maxsize": KEPT_MAX,
            "timeout": urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS),
            "retries": False,
            "ca_certs": stripe.ca_bundle_path,
        }
        proxy = _proxy_for(api_base)
        self._pool = urllib3.PoolManager(**how) if proxy is None else urllib3.ProxyManager(proxy, **how)

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[str, int, Mapping[str, str]]:
        """See stripe.HTTPClient."""
        sent = {**(headers or {}), "Accept-Encoding": "gzip"}
        try:
            answer = self._pool.request(method.upper(), url, body=post_data, headers=sent, redirect=False)
            return answer.data.decode(), answer.status, answer.headers
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            why = f"{type(error).__name__}: {error}"
            raise stripe.APIConnectionError(why) from error  # type: ignore[no-untyped-call]

    def close(self) -> None:
        """End the connections that nobody uses."""
        self._pool.clear()
