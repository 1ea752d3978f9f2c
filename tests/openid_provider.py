"""An OpenID Connect provider on this machine, by the specifications' text: it signs with a key of its own, checks what
it is sent (RFC 6749, 7636), takes each code once, and lies as it is told. JWS is written here by hand."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

CLIENT, SECRET = "arrears console", "a secret: of the client"
BACK = "http://localhost:8000/console/sign-in/back"


def b64(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def number(value: int) -> str:
    return b64(value.to_bytes((value.bit_length() + 7) // 8))


class Provider:
    """What it says: `claims` go over the true ones (None leaves one out), `header` over the token's own."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.url = ""
        self.codes: dict[str, dict[str, str]] = {}
        self.forget()

    def forget(self) -> None:
        self.claims: dict[str, Any] = {}
        self.header: dict[str, Any] = {}
        self.about: dict[str, Any] = {}
        self.user: dict[str, Any] = {}
        self.sign = self.signed
        self.asked: list[str] = []
        self.down = False

    @property
    def configuration(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize?tenant=staff",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "userinfo_endpoint": f"{self.url}/user",
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            **self.about,
        }

    @property
    def keys(self) -> dict[str, Any]:
        public = self.key.public_key().public_numbers()
        own = {"kty": "RSA", "kid": "k1", "use": "sig", "n": number(public.n), "e": number(public.e)}
        return {"keys": [{"kty": "oct", "kid": "k0", "k": b64(b"x" * 32)}, own]}

    def signed(self, body: bytes) -> bytes:
        return self.key.sign(body, padding.PKCS1v15(), SHA256())

    def authorize(self, url: str, email: str) -> dict[str, str]:
        """Somebody signs in on the page that `url` leads to; what their browser comes back with."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert asked.pop("tenant") == "staff"
        assert (asked["response_type"], asked["client_id"], asked["redirect_uri"]) == ("code", CLIENT, BACK)
        assert asked["scope"].split() == ["openid", "email"]
        assert asked["code_challenge_method"] == "S256"
        assert len(asked["state"]) >= 43 <= len(asked["nonce"])
        code = secrets.token_urlsafe(16)
        self.codes[code] = {**asked, "email": email}
        return {"code": code, "state": asked["state"], "iss": self.url}

    def token(self, form: dict[str, str], authorization: str) -> dict[str, Any] | None:
        """The tokens for a code; None refuses."""
        kind, _, pair = authorization.partition(" ")
        client, _, secret = base64.b64decode(pair).decode().partition(":")
        of_code = self.codes.pop(form.get("code", ""), None)
        challenge = b64(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if (
            of_code is None
            or (kind, unquote(client), unquote(secret)) != ("Basic", CLIENT, SECRET)
            or form.get("grant_type") != "authorization_code"
            or form.get("redirect_uri") != of_code["redirect_uri"]
            or challenge != of_code["code_challenge"]
        ):
            return None
        now = int(time.time())
        true = {"iss": self.url, "sub": "u1", "aud": CLIENT, "exp": now + 300, "iat": now, "nonce": of_code["nonce"]}
        true |= {"email": of_code["email"], "email_verified": True}
        claims = {name: value for name, value in {**true, **self.claims}.items() if value is not None}
        head = {"alg": "RS256", "typ": "JWT", "kid": "k1", **self.header}
        body = f"{b64(json.dumps(head).encode())}.{b64(json.dumps(claims).encode())}"
        token = f"{body}.{b64(self.sign(body.encode()))}"
        return {"access_token": "at-1", "token_type": "Bearer", "expires_in": 300, "id_token": token}


@contextmanager
def provider() -> Iterator[Provider]:
    """One that listens until the end of the block."""
    made = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append(self.path)
            answers: dict[str, Any] = {
                "/.well-known/openid-configuration": made.configuration,
                "/keys": made.keys,
                "/user": made.user if self.headers["Authorization"] == "Bearer at-1" else None,
            }
            self._answer(answers.get(self.path))

        def do_POST(self) -> None:
            made.asked.append(self.path)
            sent = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(sent).items()}
            self._answer(made.token(form, self.headers["Authorization"] or ""))

        def _answer(self, found: object) -> None:
            body = json.dumps(found if found is not None else {"error": "invalid_grant"}).encode()
            self.send_response(503 if made.down else 400 if found is None else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_said: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made.url = f"http://127.0.0.1:{server.server_port}"
        served = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        served.start()
        yield made
        server.shutdown()
        served.join()


def query(given: dict[str, str]) -> str:
    return f"/console/sign-in/back?{urlencode(given)}"
