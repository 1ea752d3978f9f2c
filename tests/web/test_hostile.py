"""Whatever is sent to whatever address: it is refused or answered, and never a mistake of ours (no answer is a 500)."""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
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
ASKED: Final = few(300, 10_000)
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


VALUES: Final[tuple[Any, ...]] = (
    *(None, True, 0, -1, 1, 4900, 2**31, 2**63, 10**400, 1.5, 1e400, "", "x", "x" * 5_000, "\x00", "\ud800", "\u202e"),
    *("acc_1", "acc_0", "sub_1_1", "EUR", "eur", "XXX", "nl", "Mars/Phobos", "0000-00-00", "2026-02-30", "9999-12-31"),
    *(
        "2026-01-01T00:00:00",
        "2026-01-01T00:00:00+99:99",
        "٣",
        "a@b",
        "a@b.example\r\nBcc: c@d",
        [],
        {},
        [[]],
        {"a": 1},
    ),
)


class Program:
    """Requests of a program that may do everything, drawn from one seed, over all that is described: most of what it
    sends has the shape that is asked for, with values that nobody should send."""

    def __init__(self, town: Town, seed: int) -> None:
        from django.test import Client

        from arrears.web.api_tokens import create_token

        described = json.loads(Client(HTTP_HOST="localhost").get("/v1/openapi.json").content)
        self._dice, self._town = random.Random(seed), town
        self._schemas = described.get("components", {}).get("schemas", {})
        self._asked = [
            (path, method.upper(), operation)
            for path, operations in sorted(described["paths"].items())
            for method, operation in sorted(operations.items())
        ]
        now = datetime.now(UTC)
        # Several, since each has its own tries a minute.
        self._tokens = [create_token(f"hostile {n}", "write", now) for n in range(8)]

    def request(self) -> tuple[dict[str, Any], bytes]:
        """A scope and a body."""
        dice = self._dice
        path, method, operation = dice.choice(self._asked)
        whole = re.sub(r"\{(\w+)\}", lambda part: self._part(part[1]), path).encode("latin-1")
        named = [one["name"] for one in operation.get("parameters", []) if one["in"] == "query"]
        query = b"&".join(
            name.encode() + b"=" + quoted(dice.choice(ODD), dice) for name in named if dice.random() < 0.4
        )
        headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
        headers.append((b"authorization", f"Bearer {dice.choice(self._tokens)}".encode()))
        key = dice.choice(("", "k", f"k{dice.random()}", "x" * 300, "\xff"))
        headers += [(b"idempotency-key", key.encode("latin-1"))] if key else []
        asked = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
        body = b"" if asked is None else json.dumps(self._made(asked, 0)).encode()
        headers.append((b"content-length", str(len(body)).encode()))
        scope = {"type": "http", "method": method, "http_version": "1.1", "path": whole.decode("latin-1")}
        scope |= {"raw_path": whole, "query_string": query, "headers": headers}
        return scope | {"client": ("127.0.0.1", 1), "server": ("127.0.0.1", 8000)}, body

    def _part(self, name: str) -> str:
        dice, known = self._dice, sorted(self._town.links) or [1]
        if dice.random() < 0.3:
            return quoted(dice.choice(ODD), dice).decode("latin-1")
        return dice.choice((f"acc_{dice.choice(known)}", f"sub_{dice.choice(known)}_1", "1", "nobody", name))

    def _made(self, schema: Mapping[str, Any], depth: int) -> Any:
        dice = self._dice
        if dice.random() < 0.15 or depth > 5:
            return dice.choice(VALUES)
        if "$ref" in schema:
            return self._made(self._schemas[schema["$ref"].rsplit("/", 1)[1]], depth + 1)
        for several in ("anyOf", "oneOf", "allOf"):
            if several in schema:
                return self._made(dice.choice(schema[several]), depth + 1)
        match schema.get("type"):
            case "object":
                required, known = schema.get("required", ()), schema.get("properties", {})
                left = {name: one for name, one in known.items() if name in required or dice.random() < 0.4}
                return {name: self._made(one, depth + 1) for name, one in left.items() if dice.random() < 0.95}
            case "array":
                return [self._made(schema.get("items", {}), depth + 1) for _ in range(dice.randrange(3))]
            case "integer":
                return dice.choice((1, 4900, schema.get("minimum", 0), dice.choice(VALUES)))
            case "string":
                asked = schema.get("enum") or schema.get("examples") or ["2026-01-05" if "format" in schema else "EUR"]
                return dice.choice((asked[0], asked[-1], dice.choice(VALUES)))
            case _:
                return dice.choice(VALUES)


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


def asked_of(attacker: Attacker | Program, count: int, mistakes: list[str]) -> dict[int, int]:
    """So many requests; how often each status was answered."""
    from arrears.web.wsgi import get_application

    let_in = gate(get_application())
    statuses: dict[int, int] = {}

    async def all_of_them() -> None:
        for _ in range(count):
            scope, body = attacker.request()
            status = await answered(let_in, scope, body)
            statuses[status] = statuses.get(status, 0) + 1
            assert status < 500, f"{scope} {body[:2000]!r} {mistakes[-1:]}"

    # A browser of other tests keeps an event loop in this thread.
    with ThreadPoolExecutor(1) as apart:
        apart.submit(asyncio.run, all_of_them()).result()
    return statuses


def seed_of(request: pytest.FixtureRequest) -> int:
    return int(str(request.config.getoption("randomly_seed", 0)).removeprefix("default") or 0)


@pytest.mark.turn(2)
def test_no_request_is_a_mistake_of_ours(town: Town, mistakes: list[str], request: pytest.FixtureRequest) -> None:
    statuses = asked_of(Attacker(town, seed_of(request)), REQUESTS, mistakes)
    assert {200, 400, 403, 404, 405, 413, 415} & set(statuses)


@pytest.mark.turn(2)
def test_no_request_of_a_program_that_may_do_everything_is_a_mistake_of_ours(
    town: Town, mistakes: list[str], request: pytest.FixtureRequest
) -> None:
    statuses = asked_of(Program(town, seed_of(request)), ASKED, mistakes)
    assert not statuses.keys() & {401, 429}, "it gets in, and is heard"
    assert {200, 404, 422} <= statuses.keys(), statuses


@pytest.mark.parametrize("path", ["/v1/me", "/webhooks/stripe", "/webhooks/mail/postmark", "/sign-in", "/help"])
@pytest.mark.parametrize("length", ["abc", "-1", "9" * 4301, "9" * 400, "\xb2", "0x10", "1,1"])
def test_a_length_that_is_none_is_refused_whatever_server_let_it_through(
    client: Client, path: str, length: str
) -> None:
    answer = client.post(path, b"{}", content_type="application/json", CONTENT_LENGTH=length)
    assert answer.status_code == 400
