"""Deliveries over HTTP: each parcel is one POST on a connection of its own, to the very address that was checked.

The name of an endpoint is resolved here, once; what it resolves to is checked, and that address is connected to, so
that nobody can answer the check with one address and the connection with another. Nothing is followed, nothing is
kept, and nobody is waited for longer than LIMIT_SECONDS, whatever they send and however slowly.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import socket
import ssl
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import h11
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from arrears.core.delivery.targets import AllowedTargets, Target, target_of
from arrears.core.errors import Refused
from arrears.ports import DeliveryAnswer

LIMIT_SECONDS: Final = 15.0
"""For the whole of one delivery, from its name to its answer. Standard Webhooks asks for 15 to 30."""
BODY_BYTES_MAX: Final = 64 * 1024
"""Of an answer. Who sends more has answered all the same: the rest is not read."""
_PART_BYTES: Final = 16 * 1024

PostedRequest = tuple[Mapping[str, str], bytes]
"""Headers and body of one request."""


class HttpTransport:
    """See ports.Transport. `allowed` is what the setting names; `keys` seal secrets, the first of them, and open them;
    `trusted` are the certificates that are trusted, the machine's own where None."""

    def __init__(
        self,
        allowed: AllowedTargets,
        keys: Sequence[bytes] = (b"",),
        *,
        trusted: ssl.SSLContext | None = None,
        limit_seconds: float = LIMIT_SECONDS,
    ) -> None:
        self._allowed = allowed
        digests = [hashlib.sha256(b"arrears.endpoint-secret:" + key).digest() for key in keys]
        self._ciphers = MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])
        self._tls = trusted or ssl.create_default_context()
        self._limit = limit_seconds

    def check(self, url: str) -> None:
        """See ports.Transport."""
        self._allowed.check(target_of(url))

    def post(self, url: str, requests: Sequence[PostedRequest]) -> Sequence[DeliveryAnswer]:
        """See ports.Transport. In a thread of its own, so that it does not matter what the caller's is busy with."""
        with ThreadPoolExecutor(1, "delivery") as apart:
            return apart.submit(asyncio.run, self._all("POST", url, requests)).result()

    def get(self, url: str, headers: Mapping[str, str]) -> DeliveryAnswer:
        """See ports.Transport."""
        with ThreadPoolExecutor(1, "delivery") as apart:
            return apart.submit(asyncio.run, self._all("GET", url, [(headers, b"")])).result()[0]

    def sealed(self, secret: str) -> str:
        """See ports.Transport."""
        return self._ciphers.encrypt(secret.encode()).decode()

    def opened(self, kept: str) -> str:
        """See ports.Transport."""
        try:
            return self._ciphers.decrypt(kept.encode()).decode()
        except InvalidToken:
            raise Refused(
                "secret_unreadable",
                "the secret of an endpoint was sealed by another ARREARS_SECRET_KEY; give it another",
            ) from None

    async def _all(self, method: str, url: str, requests: Sequence[PostedRequest]) -> Sequence[DeliveryAnswer]:
        try:
            target = target_of(url)
            self._allowed.check(target)
            async with asyncio.timeout(self._limit):
                address = self._allowed.address(target, await _resolved(target))
        except Refused as refused:
            return [DeliveryAnswer(None, refused.message)] * len(requests)
        except TimeoutError:
            return [DeliveryAnswer(None, "its name was not resolved in time")] * len(requests)
        except OSError as error:
            return [DeliveryAnswer(None, f"its name cannot be resolved: {_reason(error)}")] * len(requests)
        return await asyncio.gather(*(self._one(method, target, address, headers, body) for headers, body in requests))

    async def _one(
        self, method: str, target: Target, address: str, headers: Mapping[str, str], body: bytes
    ) -> DeliveryAnswer:
        try:
            async with asyncio.timeout(self._limit):
                return await self._exchanged(method, target, address, headers, body)
        except TimeoutError:
            return DeliveryAnswer(None, f"no answer within {self._limit:g} seconds")
        except ssl.SSLError as error:
            return DeliveryAnswer(None, f"TLS: {getattr(error, 'verify_message', '') or error.reason or 'failed'}")
        except OSError as error:
            return DeliveryAnswer(None, _reason(error))
        except (h11.RemoteProtocolError, asyncio.IncompleteReadError) as error:
            return DeliveryAnswer(None, f"not an answer of HTTP: {error}")

    async def _exchanged(
        self, method: str, target: Target, address: str, headers: Mapping[str, str], body: bytes
    ) -> DeliveryAnswer:
        secure: dict[str, Any] = {"ssl": self._tls, "server_hostname": target.host} if target.secure else {}
        reader, writer = await asyncio.open_connection(address, target.port, limit=_PART_BYTES, **secure)
        try:
            asked = h11.Connection(h11.CLIENT, max_incomplete_event_size=_PART_BYTES)
            sent = {"Host": target.authority, "User-Agent": "arrears", "Connection": "close", **headers}
            head = [*sent.items(), ("Content-Length", str(len(body)))]
            writer.write(asked.send(h11.Request(method=method, target=target.route, headers=head)) or b"")
            writer.write((asked.send(h11.Data(data=body)) or b"") + (asked.send(h11.EndOfMessage()) or b""))
            await writer.drain()
            return await _answer(asked, reader)
        finally:
            # Without the other side's farewell: whoever withholds it would be waited for.
            writer.transport.abort()


async def _resolved(target: Target) -> list[str]:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


async def _answer(asked: h11.Connection, reader: asyncio.StreamReader) -> DeliveryAnswer:
    status: int | None = None
    body = b""
    while True:
        event = asked.next_event()
        if event is h11.NEED_DATA:
            asked.receive_data(await reader.read(_PART_BYTES))
        elif isinstance(event, h11.Response):
            status = event.status_code
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) >= BODY_BYTES_MAX:
                break
        elif isinstance(event, h11.EndOfMessage | h11.ConnectionClosed) or event is h11.PAUSED:
            break
    if status is None:
        return DeliveryAnswer(None, "the connection was closed before there was an answer")
    return DeliveryAnswer(status, body[:200].decode("utf-8", "replace"), body[:BODY_BYTES_MAX])


def _reason(error: OSError) -> str:
    if error.errno is not None and not isinstance(error, socket.gaierror):
        return os.strerror(error.errno).lower()
    return (error.strerror or str(error) or type(error).__name__).lower()
