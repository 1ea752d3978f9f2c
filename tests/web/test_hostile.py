"""Whatever is sent to whatever address: it is refused or answered, and never a mistake of ours (no answer is a 500)."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote_from_bytes

import pytest
from tests.sizes import few
from tests.sources import texts
from tests.web.routes import parts, routes, target
from tests.web.states import Town
from tests.web.visitors import visitor

from arrears.web.gate import Gate
from arrears.web.serving import gate

if TYPE_CHECKING:
    from django.test import Client

REQUESTS: Final = few(1_000, 20_000)
METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "X" * 40, "get")
ROLES: Final = ("anonymous", "administrator", "reader", "staff")
TOKENS: Final = ("", "Bearer ", "Bearer x", "Basic x", "Basic Zm9vOmJhcg==", "Bearer \xff\xfe", "Bearer " + "9" * 5000)
TYPES: Final = (
    "application/json",
    "application/x-www-form-urlencoded",
    "application/x-www-form-urlencoded; charset=utf-16",
    "application/json; charset=nothing",
    "text/plain; charset=\xff",
    "multipart/form-data",
    "multipart/form-data; boundary=x",
    "multipart/form-data; boundary=" + "\xff" * 80,
    "application/xml",
    "/",
    ";",
    "",
)
ODD: Final = (
    b"\x00",
    b"%00",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"9" * 4301,
    b"-1",
    b"9223372036854775808",
    b"1e400",
    b"NaN",
    b"\xd9\xa1\xd9\xa2",
    b"\xef\xbc\x91",
    b"..",
    b"../../etc/passwd",
    b"\r\nX: y",
    b"' OR 1=1 --",
    b"{{7*7}}",
    b"%",
    b"%zz",
    b"\xe2\x80\xae",
    b"acc_0",
    b"acc_" + b"9" * 18,
    b"acc_" + b"9" * 19,
    b"1" * 300,
    b"x" * 5000,
    b"",
)
BODIES: Final = (
    b"",
    b"{",
    b"[" * 10_000,
    b'{"a":' * 5_000,
    b'{"amount_minor": ' + b"9" * 4301 + b"}",
    b'{"a": "\\u0000"}',
    b'{"a": "\\ud800"}',
    b'{"a": 1, "a": 2}',
    b"null",
    b"[]",
    b"1",
    b'"text"',
    b"\xff\xfe{\x00}\x00",
    b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n",
    b"--x\r\nContent-Disposition: form-data; name=a; filename=b\r\n\r\nc\r\n--x--\r\n",
    b"a=%00&b=%ff&c=%ud800",
    b"&".join(b"a%d=b" % n for n in range(2_000)),
    b"email=a%00b&password=%ff",
    b"do=" + b"9" * 4301,
    b"x" * 1_000_000,
)
ASKED_FOR = re.compile(r'(?:POST|GET|form|query)\.get(?:list)?\(\s*"(\w+)"')
NAMES: Final = sorted(
    {"email", "password", "address", "link", "number", "page", "credential", "name", "code"}
    | {name for text in texts("src/arrears/web").values() for name in ASKED_FOR.findall(text)}
)
"""Every field that a page of ours reads, and those of the forms that come with allauth."""
DOES = re.compile(r'(?:case |get\("do"\) == )"(\w+)"')
DOINGS: Final = sorted({do for text in texts("src/arrears/web").values() for do in DOES.findall(text)})
"""What the buttons of our pages send as `do`."""
CREDENTIALS: Final = (
    b"{}",
    b"[]",
    b'{"id": "AA", "rawId": "AA", "type": "public-key", "response": {}}',
    b'{"id": "AA", "rawId": "AA", "type": "public-key", "response": '
    b'{"clientDataJSON": "AA", "attestationObject": "AA"}}',
    b'{"id": 1, "rawId": [], "type": null, "response": {"clientDataJSON": "e30", "authenticatorData": "AA"}}',
    b'{"id":"AA","rawId":"AA","type":"public-key","response":{"clientDataJSON":"e30","authenticatorData":"'
    + b"A" * 60
    + b'","signature":"AA","userHandle":"_w"}}',
)
HEADERS: Final = (
    ("accept-language", "\xff;q=x," * 50),
    ("accept-language", "nl-" + "x" * 600),
    ("accept", "\x7f"),
    ("cookie", "session=\xff; csrf=\x7f; language=../..; known=" + "9" * 2000),
    ("cookie", ";" * 500 + "=" * 500),
    ("host", "evil.example"),
    ("host", "localhost:99999999"),
    ("host", "[::1"),
    ("x-forwarded-for", "\xff, 1.2.3.4, " * 20),
    ("x-forwarded-proto", "https"),
    ("content-length", "5"),
    ("if-modified-since", "9" * 300),
    ("range", "bytes=9-1"),
    ("origin", "null"),
    ("referer", "http://[::1"),
    ("idempotency-key", "\xff" * 300),
    ("stripe-signature", "t=" + "9" * 4301 + ",v1=x"),
    ("stripe-signature", "t=\xb2,v1=\xff"),
    ("hx-request", "true"),
)


class Attacker:
    """Requests drawn from one seed, over all routes."""

    def __init__(self, town: Town, seed: int) -> None:
        self._town, self._dice, self._routes = town, random.Random(seed), routes()
        self._accounts = sorted(town.links) or [1]
        self._cookies = {role: cookies_of(town, role) for role in ROLES}

    def request(self) -> tuple[dict[str, Any], bytes]:
        """A scope and a body."""
        dice = self._dice
        route = dice.choice(self._routes)
        path = target_or_odd(self._town, route, dice, dice.choice(self._accounts))
        query = b"&".join(
            dice.choice(NAMES).encode() + b"=" + quoted(dice.choice(ODD), dice) for _ in range(dice.randrange(3))
        )
        headers: list[tuple[bytes, bytes]] = [(b"host", b"localhost")]
        role = dice.choice(ROLES)
        body = dice.choice(BODIES) if dice.random() < 0.6 else form(dice, self._cookies[role])
        kind = dice.choice(TYPES) if dice.random() < 0.5 else TYPES[dice.randrange(2)]
        headers.append((b"content-type", kind.encode("latin-1")))
        headers.append((b"cookie", cookie_line(self._cookies[role]).encode("latin-1")))
        if dice.random() < 0.5:
            headers.append((b"authorization", dice.choice(TOKENS).encode("latin-1")))
        for name, value in dice.sample(HEADERS, dice.randrange(3)):
            headers = [one for one in headers if one[0] != name.encode()]
            headers.append((name.encode(), value.encode("latin-1")))
        if not any(name == b"content-length" for name, _ in headers):
            headers.append((b"content-length", str(len(body)).encode()))
        scope = {
            "type": "http",
            "method": dice.choice(METHODS[:2] if dice.random() < 0.7 else METHODS),
            "http_version": "1.1",
            "path": path.decode("latin-1"),
            "raw_path": path,
            "query_string": query,
            "headers": headers,
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 8000),
        }
        return scope, body


def quoted(octets: bytes, dice: random.Random) -> bytes:
    """As an address has it; sometimes as nobody should send it."""
    return quote_from_bytes(octets).encode() if dice.random() < 0.8 else octets.replace(b" ", b"%20")


def target_or_odd(town: Town, route: str, dice: random.Random, account: int) -> bytes:
    whole = target(town, route, account).encode()
    if parts(route) and dice.random() < 0.6:
        pieces = whole.split(b"/")
        pieces[dice.randrange(1, len(pieces))] = quoted(dice.choice(ODD), dice)
        return b"/".join(pieces)
    return whole if dice.random() < 0.8 else whole + quoted(dice.choice(ODD), dice)


def form(dice: random.Random, cookies: Mapping[str, str]) -> bytes:
    fields = [(b"csrfmiddlewaretoken", cookies.get("csrf", "x").encode())]
    fields += [(b"do", dice.choice(DOINGS).encode())] if dice.random() < 0.5 else []
    fields += [(name.encode(), dice.choice(CREDENTIALS)) for name in ("credential",) if dice.random() < 0.2]
    fields += [(name.encode(), dice.choice(ODD)) for name in dice.sample(NAMES, dice.randrange(9))]
    return b"&".join(name + b"=" + quoted(value, dice) for name, value in fields)


def cookies_of(town: Town, role: str) -> dict[str, str]:
    browser = visitor(town, role)
    browser.get("/sign-in")
    return {name: morsel.value for name, morsel in browser.cookies.items()}


def cookie_line(cookies: Mapping[str, str]) -> str:
    return "; ".join(f"{name}={value}" for name, value in cookies.items())


async def answered(let_in: Gate, scope: dict[str, Any], body: bytes) -> int:
    """The status of what is answered."""
    came: list[dict[str, Any]] = [{"type": "http.request", "body": body, "more_body": False}]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return came.pop() if came else {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await let_in(scope, receive, send)
    return int(sent[0]["status"])


@pytest.fixture
def mistakes() -> Any:
    """What went wrong inside, with where."""
    from django.core.signals import got_request_exception

    found: list[str] = []

    def keep(**_: Any) -> None:
        import traceback

        found.append(traceback.format_exc())

    got_request_exception.connect(keep)
    yield found
    got_request_exception.disconnect(keep)


@pytest.mark.turn(2)
def test_no_request_is_a_mistake_of_ours(town: Town, mistakes: list[str], request: pytest.FixtureRequest) -> None:
    from arrears.web.wsgi import get_application

    seed = int(str(request.config.getoption("randomly_seed", 0)).removeprefix("default") or 0)
    attacker, let_in = Attacker(town, seed), gate(get_application())
    statuses: dict[int, int] = {}

    async def all_of_them() -> None:
        for _ in range(REQUESTS):
            scope, body = attacker.request()
            status = await answered(let_in, scope, body)
            statuses[status] = statuses.get(status, 0) + 1
            assert status < 500, f"seed {seed}: {scope} {body[:200]!r} {mistakes[-1:]}"

    # A browser of other tests keeps an event loop in this thread.
    with ThreadPoolExecutor(1) as apart:
        apart.submit(asyncio.run, all_of_them()).result()
    assert {200, 400, 403, 404, 405, 413, 415} & set(statuses)


@pytest.mark.parametrize("path", ["/v1/me", "/webhooks/stripe", "/webhooks/mail/postmark", "/sign-in", "/help"])
@pytest.mark.parametrize("length", ["abc", "-1", "9" * 4301, "9" * 400, "\xb2", "0x10", "1,1"])
def test_a_length_that_is_none_is_refused_whatever_server_let_it_through(
    client: Client, path: str, length: str
) -> None:
    answer = client.post(path, b"{}", content_type="application/json", CONTENT_LENGTH=length)
    assert answer.status_code == 400
