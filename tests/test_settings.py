"""Settings are one table: each has a default, takes what is right, and refuses what is wrong in one line."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import FrozenInstanceError
from ipaddress import ip_network
from pathlib import Path
from typing import Any, NamedTuple

import click
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg.conninfo import conninfo_to_dict
from tests.cli.commands import arrears
from tests.site import using
from tests.sources import texts

from arrears import wiring
from arrears.cli import main
from arrears.cli.settings import as_markdown
from arrears.core.delivery.targets import AllowedTargets
from arrears.core.errors import Refused
from arrears.sandbox import __main__ as sandbox
from arrears.setting_values import Secret
from arrears.settings import TABLE, read, variable
from arrears.web import brand

ROOT = Path(__file__).parents[1]
OWN_HOME = Path("/var/lib/arrears" if os.geteuid() == 0 else "/xdg/arrears")
A_NUMBER = "is {given!r}; give a whole number, {least} or more"
AN_ADDRESS = "is no address: the address {given!r} has no @; write it like name@example.org"
A_URL = "is {given!r}; write it like https://billing.example.org"
NO_IBAN = "is {given!r}, which is no IBAN; write it like NL91 ABNA 0417 1643 00"
LINES = "has a line break in it; leave that out"


class Case(NamedTuple):
    """What a setting is without anything given, something good with its value, something bad with what is said of it.
    `{given!r}` in that is the bad text itself."""

    default: Any
    good: str
    value: Any
    bad: str
    said: str


CASES = {
    "database_url": Case(
        "",
        "postgresql://a:b@db.example/x",
        "user=a password=b dbname=x host=db.example target_session_attrs=primary connect_timeout=5 keepalives_idle=5"
        " keepalives_interval=3 keepalives_count=3 tcp_user_timeout=12000",
        "postgresql://a:sec%zzret@h/x",
        "is not like postgresql://USER:PASSWORD@HOST:PORT/DATABASE",
    ),
    "database": Case("", "arrears_demo", "arrears_demo", "arrears\n", LINES),
    "home": Case(OWN_HOME, "/srv/arrears", Path("/srv/arrears"), "~nobody-of-this-name/x", "is {given!r}, which is"),
    "mode": Case("test", "live", "live", "production", "is 'production'; it is test or live"),
    "stripe_key": Case("", "sk_test_1", "sk_test_1", "sk_test_1\n", LINES),
    "stripe_webhook_secrets": Case((), "whsec_1, whsec_2,", ("whsec_1", "whsec_2"), "whsec_1\nwhsec_2", LINES),
    "stripe_api": Case("", "http://127.0.0.1:12111", "http://127.0.0.1:12111", "localhost:12111", A_URL),
    "base_url": Case(
        "http://localhost:8000", "https://pay.example.org/", "https://pay.example.org", "pay.example.org", A_URL
    ),
    "deletions_per_day": Case(10, "0", 0, "ten", A_NUMBER.replace("{least}", "0")),
    "mail_url": Case(
        "",
        "smtps://user:password@mail.example.org",
        "smtps://user:password@mail.example.org",
        "mail.example.org:25",
        "names no mail server; write it like smtp+starttls://user:password@host:587",
    ),
    "mail_from": Case("", "Example <billing@example.org>", "Example <billing@example.org>", "Billing", AN_ADDRESS),
    "mail_reply_to": Case("", "help@example.org", "help@example.org", "help", AN_ADDRESS),
    "mail_bounce_to": Case("", "bounces@example.org", "bounces@example.org", "bounces", AN_ADDRESS),
    "mail_returns_unseen": Case(False, "1", True, "yes", "is 'yes'; give 1 or leave it out"),
    "mail_folder": Case(None, "/srv/mail", Path("/srv/mail"), "/srv/mail\n", LINES),
    "mail_backend": Case(
        "",
        "anymail.backends.postmark.EmailBackend",
        "anymail.backends.postmark.EmailBackend",
        "postmark",
        "is 'postmark'; give one of anymail's, like anymail.backends.postmark.EmailBackend",
    ),
    "mail_webhook_secret": Case(
        "", "user:pass:word", "user:pass:word", "secret", "has no colon; write it like user:password"
    ),
    "mail_per_hour": Case(20_000, " 500 ", 500, "0", A_NUMBER.replace("{least}", "1")),
    "mail_per_recipient": Case(300, "5", 5, "NaN", A_NUMBER.replace("{least}", "1")),
    "texts": Case(None, "texts", Path("texts"), "te\u0007xts", "has the control character U+0007 in it"),
    "operator": Case("arrears", "Example Hosting", "Example Hosting", "Example\nHosting", LINES),
    "legal_identity": Case("", "Example B.V., KvK 12345678", "Example B.V., KvK 12345678", "Example\nB.V.", LINES),
    "iban": Case("", "nl91abna0417164300", "NL91 ABNA 0417 1643 00", "NL91ABNA0417164300\n", NO_IBAN),
    "invoicing": Case(None, "invoicing.toml", Path("invoicing.toml"), "invoicing.toml\n", LINES),
    "invoice_url": Case(
        "",
        "https://billing.example.org/{number}.pdf?as=pdf",
        "https://billing.example.org/{number}.pdf?as=pdf",
        "https://billing.example.org/",
        "is {given!r}; say once where the number belongs, as {{number}}",
    ),
    "attach_invoices": Case(False, "1", True, "yes", "is 'yes'; give 1 or leave it out"),
    "support_url": Case(
        "", "https://help.example.org/b?from=mail", "https://help.example.org/b?from=mail", "javascript:alert(1)", A_URL
    ),
    "support_email": Case("", "help@example.org", "help@example.org", "help", AN_ADDRESS),
    "brand": Case(None, "brand.toml", Path("brand.toml"), "brand.toml\n", LINES),
    "staff_sign_in": Case(None, "login.toml", Path("login.toml"), "login.toml\n", LINES),
    "portal_origins": Case(
        frozenset(),
        "https://a.example, http://localhost:81",
        frozenset({"https://a.example", "http://localhost:81"}),
        "https://a.example/",
        "{given!r} is not an origin; write it like https://portal.example.org",
    ),
    "delivery_targets": Case(
        AllowedTargets(),
        "*.example.org, 10.1.0.0/16",
        AllowedTargets(("*.example.org",), (ip_network("10.1.0.0/16"),)),
        "10.1.0.0/99",
        "'10.1.0.0/99' is neither a host like *.example.org nor a network like 10.1.0.0/16",
    ),
    "hosts": Case(
        ("localhost", "127.0.0.1", "[::1]"),
        "pay.example.org, 127.0.0.1",
        ("pay.example.org", "127.0.0.1"),
        " , ",
        "names no host; write them with commas between, or leave it out",
    ),
    "https": Case(False, "1", True, "yes", "is 'yes'; give 1 or leave it out"),
    "secret_key": Case("", "x" * 32, "x" * 32, "hush", "is short; give 32 random characters or more"),
    "secret_key_fallbacks": Case(
        (),
        f"{'x' * 32}, {'y' * 32},",
        ("x" * 32, "y" * 32),
        f"{'x' * 32},hush",
        "is short; give 32 random characters or more",
    ),
    "certificate_key": Case("", "a1" * 32, "a1" * 32, "hush", "is no key; give 64 hexadecimal digits"),
    "proxies": Case(0, "2", 2, "-1", A_NUMBER.replace("{least}", "0")),
    "log": Case("text", "json", "json", "yaml", "is 'yaml'; it is text or json"),
    "metrics_token": Case("", "m" * 32, "m" * 32, "hush", "is short; give 32 random characters or more"),
    "bank_accounts": Case(
        (),
        "nl91 abna 0417 1643 00:EUR, 517852257:USD",
        (("NL91ABNA0417164300", "EUR"), ("517852257", "USD")),
        "NL91ABNA0417164300",
        "has 'NL91ABNA0417164300' in it; write each like NL91ABNA0417164300:EUR",
    ),
    "statements_folder": Case(None, "bank", Path("bank"), "bank\n", LINES),
    "bank_feed_days": Case(0, "3", 3, "-1", A_NUMBER.replace("{least}", "0")),
    "keep_texts_days": Case(730, "365", 365, "2 years", A_NUMBER.replace("{least}", "365")),
    "keep_people_days": Case(730, "30", 30, "30 d", A_NUMBER.replace("{least}", "30")),
    "failpoint": Case("", "tick.after_commit:1", "tick.after_commit:1", "tick\n", LINES),
    "test_all": Case("", "1", "1", "1\n", LINES),
    "pictures": Case("", "docs/pictures", "docs/pictures", "docs\n", LINES),
}
UNSEEN = "\u200b\u200d\u202e\u2066\u00ad\ufeff\ue000\udc80\x1b\u2028"
NO_URL = [
    *("ftp://billing.example.org", "https://", "https:// x", "http://[::1", "http://[::1]x", "http://[fe80::1%25eth0]"),
    *("http://user:pass@host.example/", "https://@host.example", "https://*.example.org", "https://a_b.example"),
    *("https://x\u202e.example", "https://x.example/a\x07b", "https://x.example/\u200b", "https://x\tx.example"),
    *("https://x.example:0", "https://x.example:65536", "https://x.example:", "https://x.example:8o", "https://:80"),
    *("https://.example", "https://-a.example", "https://1.2.3", "https://1.2.3.256", "https://a.0x7f"),
    *("https://x.example\\@other.example", "https://x.example/a b", "https://x.example/<b>", "https://x.example/%zz"),
    *(
        "https://stra\u00dfe.example",
        "https://x.example/caf\u00e9",
        f"https://x.example/{'a' * 500}",
    ),
    *(
        "https:x.example",
        "javascript:alert(1)",
        "//x.example",
        f"https://{'a' * 64}.example",
        f"https://{'a.' * 127}example",
    ),
]
NO_BASE = ["https://x.example?y", "https://x.example?", "https://x.example#z", "https://x.example/a?y=1#z"]
NO_HOST = [
    *("*", ".example.org", "*.example.org", "http://", "https://pay.example.org", "a@b", "https://a b", "a b"),
    *("pay.example.org:443", "pay.example.org/", "::1", "[::1", "a..b", "256.1.1.1", "x\u202e.example", "a_b"),
]
MORE_THAT_IS_BAD = {
    "deletions_per_day": ["-1", "1.5", "1e3", "\u0664", "9" * 10],
    "mail_per_hour": ["many"],
    "keep_texts_days": ["364"],
    "keep_people_days": ["29"],
    "mail_per_recipient": ["0"],
    "proxies": ["one"],
    "https": ["true", "2"],
    "stripe_api": [*NO_URL, *NO_BASE],
    "base_url": [*NO_URL, *NO_BASE],
    "support_url": ["help", *NO_URL],
    "invoice_url": ["https://x.example/{number}/{number}", "javascript:{number}"],
    "iban": ["to our bank", "NL92ABNA0417164300", "NL91ABNA041716430", "DE91ABNA0417164300", "NL91-ABNA-0417-1643-00"],
    "operator": ["x" * 101, *(f"Exam{char}ple" for char in UNSEEN)],
    "legal_identity": ["x" * 501, *(f"Exam{char}ple" for char in UNSEEN)],
    "database": ["x" * 64, "\u00e9" * 32, *(f"arr{char}ears" for char in UNSEEN)],
    "mail_from": [f"Exam{char}ple <billing@example.org>" for char in UNSEEN],
    "database_url": ["\udc80", "postgresql://h/x\udc80", "\x00"],
    "secret_key": ["\udc80" * 40],
    "support_email": ["@example.org"],
    "mail_webhook_secret": ["user:", ":password", ":"],
    "mail_url": ["http://mail.example.org", "smtp://", "smtp://host:port"],
    "mail_backend": ["anymail.backends.postmark.", "../postmark.py"],
    "hosts": ["", *(f"pay.example.org,{bad}" for bad in NO_HOST)],
    "mode": [""],
    "portal_origins": ["*", "a.example", "https://*.example", "https://a.example:99999", "https://a.example?", "null"],
}
SECRETS = (
    "database_url",
    "stripe_key",
    "stripe_webhook_secrets",
    "mail_url",
    "mail_webhook_secret",
    "secret_key",
    "secret_key_fallbacks",
    "certificate_key",
    "metrics_token",
)


def test_every_setting_has_a_case_here() -> None:
    assert list(CASES) == list(TABLE)


def test_a_databases_address_keeps_what_it_says_of_its_own_line() -> None:
    given = "postgresql://a@db1,db2:6432/x?target_session_attrs=any&connect_timeout=30&application_name=billing"
    parts = conninfo_to_dict(read({variable("database_url"): given}).database_url)
    assert (parts["host"], parts["port"], parts["application_name"]) == ("db1,db2", ",6432", "billing")
    assert (parts["target_session_attrs"], parts["connect_timeout"]) == ("any", "30")
    assert parts["tcp_user_timeout"] == "12000"
    assert "connect_timeout=5" in read({variable("database_url"): "host=db1 dbname=x"}).database_url
    assert "connect_timeout=2" in read({variable("database_url"): "host=db1,db2 dbname=x"}).database_url


@pytest.mark.parametrize("name", CASES)
def test_a_setting_has_a_default_and_takes_what_is_right(name: str) -> None:
    case = CASES[name]
    default, given = read({"XDG_DATA_HOME": "/xdg"}), read({variable(name): case.good})
    assert getattr(default, name) == case.default
    assert getattr(given, name) == case.value
    assert (default.given, given.given) == (frozenset(), frozenset({name}))


@pytest.mark.parametrize("name", CASES)
def test_what_is_wrong_is_refused_in_one_line_with_what_to_write(name: str) -> None:
    case = CASES[name]
    with pytest.raises(Refused) as refused:
        read({variable(name): case.bad})
    assert refused.value.message.startswith(variable(name))
    said = refused.value.message.removeprefix(variable(name)).lstrip(": ")
    assert said.startswith(case.said.format(given=case.bad))
    assert "\n" not in refused.value.message
    own_codes = {"database_url": "database_url_invalid", "mode": "bad_mode", "portal_origins": "bad_origin"}
    assert (refused.value.code, refused.value.exit_code) == (own_codes.get(name, "bad_setting"), 2)


@pytest.mark.parametrize(("name", "given"), [(name, bad) for name, every in MORE_THAT_IS_BAD.items() for bad in every])
def test_other_things_that_are_wrong_are_refused_by_name(name: str, given: str) -> None:
    with pytest.raises(Refused) as refused:
        read({variable(name): given})
    assert refused.value.message.startswith(variable(name))
    assert "\n" not in refused.value.message


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("base_url", "HTTPS://Pay.Example.org:443/Billing/", "https://pay.example.org/Billing"),
        ("base_url", "https://b\u00fccher.example:8443", "https://xn--bcher-kva.example:8443"),
        ("base_url", "http://[::1]:8000", "http://[::1]:8000"),
        ("support_url", "https://help.example.org/a%20b/?q=1#top", "https://help.example.org/a%20b/?q=1#top"),
        ("hosts", "Pay.Example.org, [::1], billing, 192.0.2.1", ("pay.example.org", "[::1]", "billing", "192.0.2.1")),
        ("portal_origins", "https://a.example:443", frozenset({"https://a.example"})),
        ("iban", "MT84 MALT 0110 0001 2345 MTLC AST0 01S", "MT84 MALT 0110 0001 2345 MTLC AST0 01S"),
        ("iban", "be68 5390 0754 7034", "BE68 5390 0754 7034"),
        ("operator", " Caf\u00e9 \u4e2d\u6587 & Zn. ", "Caf\u00e9 \u4e2d\u6587 & Zn."),
    ],
)
def test_what_is_written_in_more_than_one_way_has_one_form(name: str, given: str, value: Any) -> None:
    assert getattr(read({variable(name): given}), name) == value


def refusal_of(name: str, text: str) -> str:
    """What is said of a text that is wrong; nothing of one that is right."""
    try:
        TABLE[name].parse(variable(name), text)
    except Refused as refused:
        return refused.message
    return ""


@settings(max_examples=10)
@given(text=st.text(st.characters(exclude_categories=[]), max_size=300), data=st.data())
@pytest.mark.parametrize("name", TABLE)
def test_whatever_text_is_given_there_is_a_value_or_one_refusal(name: str, text: str, data: st.DataObject) -> None:
    """Good texts with something in them that does not belong there get further than noise alone."""
    good = CASES[name].good
    place = data.draw(st.integers(0, len(good)))
    for tried in (text, good[:place] + text + good[place:], text * 50):
        said = refusal_of(name, tried)
        assert len(said) < 250
        assert said.isprintable()


@pytest.mark.parametrize("name", [name for name in CASES if name not in ("hosts", "mode")])
def test_an_empty_text_is_the_default(name: str) -> None:
    environ = {"XDG_DATA_HOME": "/xdg"}
    assert read({**environ, variable(name): " "}) == read(environ)


@pytest.mark.parametrize(
    "name", ["secret_key", "secret_key_fallbacks", "mail_webhook_secret", "database_url", "mail_url"]
)
def test_a_secret_that_is_wrong_is_not_said(name: str) -> None:
    with pytest.raises(Refused) as refused:
        read({variable(name): "hush"})
    assert "hush" not in refused.value.message


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ("ARREARS_DELETIONS_PERDAY", "is no setting; did you mean ARREARS_DELETIONS_PER_DAY?"),
        ("ARREARS_STRIPE_WEBHOOK_SECRET", "is no setting; did you mean ARREARS_STRIPE_WEBHOOK_SECRETS?"),
        ("ARREARS_home", "is no setting; `arrears settings --markdown` lists what there is"),
        ("ARREARS_", "is no setting; `arrears settings --markdown` lists what there is"),
    ],
)
def test_a_variable_that_begins_like_ours_and_is_none_is_refused(wrong: str, says: str) -> None:
    with pytest.raises(Refused) as refused:
        read({wrong: "5", "DELETIONS_PER_DAY": "5"})
    assert (refused.value.code, refused.value.message) == ("bad_setting", f"{wrong} {says}")


def test_settings_cannot_be_changed_and_show_no_secret() -> None:
    environ = {
        **{variable(name): CASES[name].good for name in SECRETS},
        "ARREARS_DATABASE_URL": "postgresql://anna:canary1@db.example:5433/x?sslpassword=canary2",
        "ARREARS_MAIL_URL": "smtp+starttls://canary3:canary4@mail.example.org:587",
        "ARREARS_STRIPE_KEY": "sk_test_canary5",
        "ANYMAIL_POSTMARK_SERVER_TOKEN": "canary6",
    }
    found = read(environ)
    for text in (repr(found), str(found)):
        assert "canary" not in text
        assert "x" * 32 not in text
        assert "whsec" not in text
    assert "<host=db.example port=5433 user=anna dbname=x>" in repr(found)
    assert "<smtp+starttls://mail.example.org:587>" in repr(found)
    assert dict(found.anymail) == {"POSTMARK_SERVER_TOKEN": "canary6"}
    assert read(environ) == found
    with pytest.raises(FrozenInstanceError):
        found.mode = "live"  # type: ignore[misc]


def test_the_environment_is_read_once_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    before = wiring.settings()
    monkeypatch.setenv("ARREARS_OPERATOR", "Somebody else")
    assert wiring.settings() is before
    with using(operator="Somebody else"):
        assert brand.brand().name == "Somebody else"
    assert wiring.settings() is before


# -- the command and README ----------------------------------------------------------------------------------------


def test_readme_has_the_table_that_the_command_prints() -> None:
    text = (ROOT / "README.md").read_text()
    [table] = re.findall(r"<!-- arrears settings --markdown -->\n(.*?)<!-- end -->", text, re.DOTALL)
    assert table == as_markdown()
    assert "ARREARS_FAILPOINT" not in table
    assert arrears("settings", "--markdown", ARREARS_NONSENSE="1").stdout == table


def test_what_documents_and_code_name_is_a_setting() -> None:
    folders = ("src", "docs", "bench", "torture", "examples")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.suffix in (".py", ".md", ".css")]
    named = {
        (name, path.relative_to(ROOT).as_posix())
        for path in [*files, *ROOT.glob("*.md"), ROOT / "Makefile"]
        for name in re.findall(r"ARREARS_[A-Z][A-Z_]*[A-Z]", path.read_text())
    }
    known = {variable(name) for name in TABLE}
    assert {(name, path) for name, path in named if name not in known} == set()


def test_the_command_shows_each_setting_its_value_and_its_source_and_no_secret() -> None:
    given = {
        "ARREARS_DATABASE_URL": "postgresql://anna:canary@db.example/x",
        "ARREARS_STRIPE_KEY": "sk_test_canary",
        "ARREARS_HOSTS": "a.example,b.example",
        "ANYMAIL_POSTMARK_SERVER_TOKEN": "canary",
    }
    for_people, for_scripts = arrears("settings", **given), arrears("settings", "--json", **given)
    assert "canary" not in for_people.stdout + for_scripts.stdout
    said = {line.split()[0]: line.split(maxsplit=2)[1:] for line in for_people.stdout.splitlines()}
    assert said["ARREARS_DATABASE_URL"] == ["environment", "host=db.example user=anna dbname=x"]
    assert said["ARREARS_STRIPE_KEY"] == ["environment", "set"]
    assert said["ARREARS_HOSTS"] == ["environment", "a.example, b.example"]
    assert said["ARREARS_DELETIONS_PER_DAY"] == ["default", "10"]
    assert said["ARREARS_SECRET_KEY"] == ["default", "(this machine's own, made once and kept in the home)"]
    assert said["ANYMAIL_POSTMARK_SERVER_TOKEN"] == ["environment", "set"]
    rows = {row["variable"]: row for row in json.loads(for_scripts.stdout)}
    assert set(rows) == set(said)
    assert rows["ARREARS_HOSTS"]["value"] == ["a.example", "b.example"]
    assert (rows["ARREARS_STRIPE_API"]["value"], rows["ARREARS_STRIPE_API"]["default"]) == (None, "Stripe's")
    assert (rows["ARREARS_HTTPS"]["value"], rows["ARREARS_HTTPS"]["source"]) == (False, "default")
    assert "ARREARS_FAILPOINT" not in said
    assert "ARREARS_FAILPOINT" in arrears("settings", ARREARS_FAILPOINT="tick.after_commit:1").stdout


# -- who uses them -------------------------------------------------------------------------------------------------


def test_a_command_looks_at_every_setting_before_it_opens_anything() -> None:
    failed = arrears("status", ARREARS_HTTPS="yes", ARREARS_DATABASE_URL="postgresql://a@127.0.0.1:1/x")
    assert (failed.returncode, failed.stdout) == (2, "")
    assert failed.stderr == "arrears: ARREARS_HTTPS is 'yes'; give 1 or leave it out [bad_setting]\n"


def test_a_given_database_is_used_as_it_is(tmp_path: Path) -> None:
    with using(database_url=Secret("postgresql://db.example/arrears"), home=tmp_path / "never made", database=""):
        assert wiring.database_url() == wiring.live_url() == "postgresql://db.example/arrears"
    assert not (tmp_path / "never made").exists()


def test_a_mail_folder_that_is_none_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "mail").write_text("no folder")
    with using(mail_url=Secret(), mail_backend="", mail_folder=tmp_path / "mail"), pytest.raises(Refused) as refused:
        wiring.mail_channel("")
    assert refused.value.message == f"the mail folder '{tmp_path}/mail' cannot be used: file exists"


def every_command(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Each command by the words that call it."""
    context = click.Context(group)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        if isinstance(found, click.Group):
            yield from every_command(found, (*path, name))
        else:
            yield (*path, name)


COMMANDS = list(every_command(main.arrears))


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_no_command_begins_with_a_setting_that_is_misspelt(
    words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARREARS_DELETIONS_PERDAY", "5")
    monkeypatch.setattr(wiring, "_settings", [])
    with pytest.raises(Refused, match="did you mean ARREARS_DELETIONS_PER_DAY"):
        main.arrears(list(words), standalone_mode=False)


def test_neither_does_the_sandbox(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("ARREARS_DELETIONS_PERDAY", "5")
    monkeypatch.setattr("sys.argv", ["arrears.sandbox"])
    assert sandbox.main() == 2
    assert "did you mean ARREARS_DELETIONS_PER_DAY" in capsys.readouterr().err


def test_bytes_that_are_no_text_are_refused_in_one_line() -> None:
    failed = arrears("settings", ARREARS_DATABASE_URL="\udc80")
    assert (failed.returncode, failed.stdout) == (2, "")
    assert failed.stderr == (
        "arrears: ARREARS_DATABASE_URL has the control character U+DC80 in it; leave that out [bad_setting]\n"
    )


def test_only_what_gives_them_back_changes_the_settings_of_the_tests() -> None:
    """A session of tests works with one value of them: where one test forgets it, the next looks into another
    database."""
    asks = re.compile(r"\buse_settings\b")
    found = {name for name, text in texts("tests").items() if asks.search(text)}
    assert found == {"tests/site.py"}
