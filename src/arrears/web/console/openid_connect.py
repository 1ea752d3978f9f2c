"""Signing in at the operator's own OpenID Connect provider: the authorization code flow with PKCE (RFC 7636).

What the provider says is taken only with its signature, for us, for this sign-in and now (OpenID Connect Core 1.0,
3.1.3.7), although it comes over a connection of our own. PyJWT reads signatures and times; loaded by the first who
signs in so.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import quote, urlencode, urlsplit

import requests
import urllib3

from arrears.core.errors import Refused, quoted

SIGNED_WITH: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures that only the provider can make. None (`none`) is none, and a shared secret (`HS256`) is no proof to
whoever holds it."""
CLOCKS_APART_SECONDS: Final = 60
LIMIT_SECONDS: Final = 10
BODY_BYTES_MAX: Final = 256 * 1024
_KEYS: Final = ("issuer", "client_id", "client_secret", "name", "second_factor")
_CLAIMS: Final = ("amr", "acr")


@dataclass(frozen=True, slots=True)
class OpenIdProvider:
    """A provider as the operator's file describes it. `amr` and `acr` are the values of those claims of which one says
    that the provider asked for a second factor itself."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    name: str
    amr: frozenset[str] = frozenset()
    acr: frozenset[str] = frozenset()


class SignInBegun(NamedTuple):
    """Where a browser goes to sign in, and what its session keeps meanwhile."""

    url: str
    kept: Mapping[str, str]


class ProvedAddress(NamedTuple):
    """Whose address a provider has proved, in small letters, and whether it asked for a second factor. `user` is who it
    is there: its issuer and the subject, which is nobody else's ever (OpenID Connect Core 1.0, 5.7)."""

    email: str
    user: str
    second_factor: bool


# -- the operator's file -------------------------------------------------------------------------------------------


def read_provider(path: Path, *, live: bool) -> OpenIdProvider:
    """What the file says. Refuses `bad_staff_sign_in` with the first thing that is wrong, in one line that repeats no
    secret."""
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise _refused_file(path, f"cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise _refused_file(path, "is not TOML") from None
    if unknown := sorted(set(found) - set(_KEYS)):
        raise _refused_file(path, f"has {quoted(unknown[0])}, which is unknown; it may have {', '.join(_KEYS)}")
    issuer, client, secret = (_text(path, found, key) for key in _KEYS[:3])
    return OpenIdProvider(
        _issuer(path, issuer, live=live),
        client,
        secret,
        _text(path, {"name": urlsplit(issuer).hostname, **found}, "name"),
        *(_values(path, found.get("second_factor", {}), claim) for claim in _CLAIMS),
    )


def _text(path: Path, found: Mapping[str, Any], key: str) -> str:
    text = found.get(key, "")
    if not isinstance(text, str) or not text.strip() or not text.isprintable():
        raise _refused_file(path, f'has no {key}; write it as one line: {key} = "..."')
    return text.strip()


def _issuer(path: Path, issuer: str, *, live: bool) -> str:
    try:
        parts = urlsplit(issuer)
        plain = parts.scheme == "http" and parts.hostname in ("localhost", "127.0.0.1", "::1") and not live
        right = (parts.scheme == "https" or plain) and parts.hostname and "@" not in parts.netloc
    except ValueError:
        right, parts = False, urlsplit("")
    if not right or parts.query or parts.fragment:
        why = f"issuer is {quoted(issuer)}; give the provider's https address, as its own configuration has it"
        raise _refused_file(path, why)
    return issuer


def _values(path: Path, table: Any, claim: str) -> frozenset[str]:
    found = table.get(claim, []) if isinstance(table, dict) and set(table) <= set(_CLAIMS) else None
    if not isinstance(found, list) or not all(isinstance(one, str) and one for one in found):
        raise _refused_file(path, 'second_factor is wrong; write it like second_factor = {amr = ["mfa"], acr = []}')
    return frozenset(found)


def _refused_file(path: Path, why: str) -> Refused:
    return Refused("bad_staff_sign_in", f"ARREARS_STAFF_SIGN_IN: {path.name} {why}")


# -- there and back ------------------------------------------------------------------------------------------------


def begin(provider: OpenIdProvider, back: str) -> SignInBegun:
    """Send a browser to the provider, who sends it to `back`. Refuses `provider_silent`."""
    about = _about(provider)
    kept = {name: secrets.token_urlsafe(32) for name in ("state", "nonce", "verifier")}
    challenge = base64.urlsafe_b64encode(hashlib.sha256(kept["verifier"].encode()).digest()).rstrip(b"=").decode()
    asked = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": back,
        "scope": "openid email",
        "state": kept["state"],
        "nonce": kept["nonce"],
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        **({"acr_values": " ".join(sorted(provider.acr))} if provider.acr else {}),
    }
    at = _endpoint(provider, about, "authorization_endpoint")
    return SignInBegun(f"{at}{'&' if '?' in at else '?'}{urlencode(asked)}", kept)


def finish(provider: OpenIdProvider, back: str, kept: Mapping[str, str], given: Mapping[str, str]) -> ProvedAddress:
    """Who came back with these parameters, to a session that kept this. Refuses `stale_sign_in`, `provider_declined`,
    `provider_silent`, `untrusted_token` with what is wrong of it, and `unverified_address`."""
    if not kept or not hmac.compare_digest(given.get("state", "").encode(), kept["state"].encode()):
        raise Refused("stale_sign_in", "nobody began this sign-in in this browser, or it is over already")
    if given.get("iss", provider.issuer) != provider.issuer:
        raise _untrusted("wrong_issuer")
    if "error" in given or not given.get("code"):
        raise Refused("provider_declined", "the provider did not let them in")
    about = _about(provider)
    answer = _exchanged(provider, about, back, given["code"], kept["verifier"])
    said = _claims(provider, about, answer.get("id_token"), kept["nonce"])
    factor = not provider.amr.isdisjoint(_words(said.get("amr"))) or _text_of(said, "acr") in provider.acr
    user = f"{provider.issuer} {said['sub']}"
    if "email" not in said:
        said = _user(provider, about, answer.get("access_token"), said["sub"])
    email, verified = said.get("email"), said.get("email_verified")
    if not isinstance(email, str) or verified is not True:
        raise Refused("unverified_address", "the provider does not say that their address is verified")
    return ProvedAddress(email.lower(), user, factor)


def _about(provider: OpenIdProvider) -> Mapping[str, Any]:
    """What the provider says of itself; only where it is the one that was asked (OpenID Connect Discovery 1.0, 4.3)."""
    about = _asked("GET", f"{provider.issuer.rstrip('/')}/.well-known/openid-configuration")
    if about.get("issuer") != provider.issuer:
        raise _untrusted("wrong_issuer")
    return about


def _endpoint(provider: OpenIdProvider, about: Mapping[str, Any], name: str) -> str:
    at = about.get(name)
    if not isinstance(at, str) or not at.startswith(("https://", f"{urlsplit(provider.issuer).scheme}://")):
        raise Refused("provider_silent", f"the provider names no {name} that can be used")
    return at


def _exchanged(
    provider: OpenIdProvider, about: Mapping[str, Any], back: str, code: str, verifier: str
) -> Mapping[str, Any]:
    """The tokens for a code (RFC 6749, 4.1.3); the secret goes in the header where the provider takes it there."""
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": back, "code_verifier": verifier}
    headers = {}
    if "client_secret_basic" in _words(about.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])):
        pair = f"{quote(provider.client_id, safe='')}:{quote(provider.client_secret, safe='')}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    else:
        form |= {"client_id": provider.client_id, "client_secret": provider.client_secret}
    return _asked("POST", _endpoint(provider, about, "token_endpoint"), data=form, headers=headers)


def _claims(provider: OpenIdProvider, about: Mapping[str, Any], token: Any, nonce: str) -> Mapping[str, Any]:
    import jwt

    wrongs = {
        jwt.ExpiredSignatureError: "expired",
        jwt.InvalidIssuerError: "wrong_issuer",
        jwt.InvalidAudienceError: "wrong_audience",
        jwt.InvalidSignatureError: "wrong_signature",
        jwt.InvalidAlgorithmError: "unsigned",
        jwt.MissingRequiredClaimError: "incomplete",
        jwt.ImmatureSignatureError: "not_yet",
    }
    try:
        header = jwt.get_unverified_header(token if isinstance(token, str) else "")
        if header.get("alg") not in SIGNED_WITH:
            raise _untrusted("unsigned")
        said: dict[str, Any] = jwt.decode(
            str(token),
            _key(_asked("GET", _endpoint(provider, about, "jwks_uri")), header),
            algorithms=SIGNED_WITH,
            audience=provider.client_id,
            issuer=provider.issuer,
            leeway=CLOCKS_APART_SECONDS,
            options={"require": ["iss", "sub", "aud", "exp", "iat", "nonce"]},
        )
    except jwt.PyJWTError as error:
        raise _untrusted(next((why for kind, why in wrongs.items() if isinstance(error, kind)), "unreadable")) from None
    several = isinstance(said["aud"], list) and len(said["aud"]) > 1
    if said.get("azp", None if several else provider.client_id) != provider.client_id:
        raise _untrusted("wrong_audience")
    if not hmac.compare_digest(str(said["nonce"]).encode(), nonce.encode()):
        raise _untrusted("wrong_nonce")
    return said


def _key(keys: Mapping[str, Any], header: Mapping[str, Any]) -> Any:
    """The provider's key that a token names; the only one, where it names none."""
    import jwt

    listed = keys.get("keys")
    usable = [
        one
        for one in (listed if isinstance(listed, list) else [])
        if isinstance(one, dict)
        and one.get("kty") in ("RSA", "EC", "OKP")
        and one.get("use", "sig") == "sig"
        and one.get("alg", header["alg"]) == header["alg"]
        and ("kid" not in header or one.get("kid") == header["kid"])
    ]
    if len(usable) != 1:
        raise _untrusted("wrong_signature")
    return jwt.PyJWK(usable[0], algorithm=header["alg"])


def _user(provider: OpenIdProvider, about: Mapping[str, Any], token: Any, subject: str) -> Mapping[str, Any]:
    """What a provider that keeps its tokens small says of the user elsewhere (OpenID Connect Core 1.0, 5.3)."""
    if "userinfo_endpoint" not in about or not isinstance(token, str):
        return {}
    at = _endpoint(provider, about, "userinfo_endpoint")
    user = _asked("GET", at, headers={"Authorization": f"Bearer {token}"})
    if user.get("sub") != subject:
        raise _untrusted("wrong_subject")
    return user


def _untrusted(why: str) -> Refused:
    return Refused("untrusted_token", why)


def _text_of(said: Mapping[str, Any], claim: str) -> str:
    found = said.get(claim)
    return found if isinstance(found, str) else ""


def _words(value: Any) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _asked(method: str, url: str, **more: Any) -> Mapping[str, Any]:
    """The JSON object that is there. Nothing is followed, and no more is read than such an answer has."""
    more = {"timeout": LIMIT_SECONDS, "allow_redirects": False, "stream": True, **more}
    try:
        with requests.request(method, url, **more) as answer:
            body = answer.raw.read(BODY_BYTES_MAX + 1, decode_content=True)
            found = json.loads(body) if answer.status_code == 200 and len(body) <= BODY_BYTES_MAX else None
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Refused("provider_silent", "the provider did not answer as one that speaks OpenID Connect does")
    return found
