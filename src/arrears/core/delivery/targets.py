"""Where a delivery may go: to hosts that the operator has named, at addresses of the public internet or of networks
that are named too."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from arrears.core.errors import Refused, quoted

TargetAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
TargetNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

URL_CHARACTERS_MAX: Final = 2000
_NAME: Final = re.compile(r"(?:\*\.)?(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.?)+")
_ROUTE: Final = re.compile(r"[!-~]*")


@dataclass(frozen=True, slots=True)
class Target:
    """An address taken apart. `route` is path and query."""

    secure: bool
    host: str
    port: int
    route: str

    @property
    def authority(self) -> str:
        """As the header `Host` has it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.secure else 80) else f"{host}:{self.port}"


def target_of(url: str) -> Target:
    """The target that a URL names; refuses `bad_endpoint_url`, with what is wrong."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _wrong(url, "it is no URL") from None
    host = (parts.hostname or "").lower()
    if parts.scheme not in ("https", "http") or not host:
        raise _wrong(url, "give one like https://hooks.example.org/arrears")
    if parts.username is not None or parts.password is not None:
        raise _wrong("with a password in it", "leave the user and password out: deliveries are signed")
    if parts.fragment or "#" in url:
        raise _wrong(url, "leave out what follows the #")
    if len(url) > URL_CHARACTERS_MAX or not _ROUTE.fullmatch(url) or "\\" in url:
        raise _wrong(url, "write it in plain ASCII, with % for the rest, in 2000 characters at the most")
    if port == 0 or not (_NAME.fullmatch(host) or _literal(host)):
        raise _wrong(url, "its host or port is none")
    secure = parts.scheme == "https"
    route = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(secure, host, port or (443 if secure else 80), route)


def _wrong(url: str, what: str) -> Refused:
    return Refused("bad_endpoint_url", f"the address {quoted(url)} cannot be used: {what}")


def _literal(host: str) -> TargetAddress | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class AllowedTargets:
    """What the setting names: hosts (`hooks.example.org`, `*.example.org`, `*`) and networks (`10.1.0.0/16`)."""

    names: tuple[str, ...] = ()
    networks: tuple[TargetNetwork, ...] = ()

    def __str__(self) -> str:
        return ", ".join((*self.names, *map(str, self.networks)))

    def check(self, target: Target) -> None:
        """Refuse a target whose host is not named, or that could not be connected to whatever it resolves to, which is
        asked by `address`: `target_not_allowed`."""
        literal = _literal(target.host)
        if literal is not None:
            self.address(target, [str(literal)])
        elif not any(_names(pattern, target.host.rstrip(".")) for pattern in self.names):
            raise Refused(
                "target_not_allowed",
                f"deliveries may not go to {target.host}: name it in ARREARS_DELIVERY_TARGETS",
            )
        elif not (target.secure or self.networks):
            way = "give its https address, or name the network that it is in in ARREARS_DELIVERY_TARGETS"
            raise Refused("target_not_allowed", f"deliveries may not go to {target.host} without TLS: {way}")

    def address(self, target: Target, resolved: Sequence[str]) -> str:
        """The first of the addresses that a host has which may be connected to; refuses `target_not_allowed`. Without
        TLS only a named network may."""
        for text in resolved:
            address = _literal(text.partition("%")[0])
            if address is None:
                continue
            named = any(one in network for one in (address, *_same(address)) for network in self.networks)
            public = target.secure and _literal(target.host) is None and all(map(is_public, _same(address)))
            if named or public:
                return text
        why = "is in no network that" if target.secure else "is not reached over https, and in no network that"
        raise Refused(
            "target_not_allowed",
            f"{target.host} ({', '.join(resolved) or 'no address'}) {why} ARREARS_DELIVERY_TARGETS names",
        )


LOOPBACK: Final = AllowedTargets(networks=(ipaddress.ip_network("127.0.0.0/8"),))
"""This machine alone."""


def _names(pattern: str, host: str) -> bool:
    return pattern in ("*", host) or (pattern.startswith("*.") and host.endswith(pattern[1:]))


def _same(address: TargetAddress) -> tuple[TargetAddress, ...]:
    """An address and those of IPv4 that it leads to, where it is one of those inside IPv6."""
    if isinstance(address, ipaddress.IPv4Address):
        return (address,)
    inner: list[TargetAddress] = [one for one in (address.ipv4_mapped, address.sixtofour) if one is not None]
    if address.teredo is not None:
        inner += address.teredo
    if address in _NAT64:
        inner.append(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
    # One that is mapped is that address and no other.
    return tuple(inner) if address.ipv4_mapped is not None else (address, *inner)


_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")


def is_public(address: TargetAddress) -> bool:
    """Whether an address is one of the public internet, that one host has."""
    return address.is_global and not address.is_multicast and not address.is_reserved


def allowed_targets(text: str) -> AllowedTargets:
    """What a setting says: hosts and networks with commas between; refuses `bad_target`, with the one that
    is wrong."""
    names: list[str] = []
    networks: list[TargetNetwork] = []
    for one in (part.strip().lower() for part in text.split(",") if part.strip()):
        try:
            networks.append(ipaddress.ip_network(one))
            continue
        except ValueError:
            pass
        if one != "*" and ("/" in one or not _NAME.fullmatch(one)):
            raise Refused(
                "bad_target", f"{quoted(one)} is neither a host like *.example.org nor a network like 10.1.0.0/16"
            )
        names.append(one.rstrip("."))
    return AllowedTargets(tuple(names), tuple(networks))
