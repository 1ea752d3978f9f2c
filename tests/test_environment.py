"""A setting that is wrong is refused in one line before anything is opened."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.test_main import arrears

from arrears import settings as environment
from arrears.core.errors import Refused
from arrears.wiring import mail_channel

WRONG = {
    "ARREARS_DELETIONS_PER_DAY": ["ten", "-1", "1.5", "1e3", "\u0664", "9" * 10],
    "ARREARS_MAIL_PER_HOUR": ["0", "many"],
    "ARREARS_MAIL_PER_RECIPIENT": ["0", "NaN"],
    "ARREARS_PROXIES": ["one", "-1"],
    "ARREARS_HTTPS": ["yes", "true", "2"],
    "ARREARS_BASE_URL": ["billing.example.org", "ftp://billing.example.org", "https://", "https:// x"],
    "ARREARS_SUPPORT_URL": ["help", "javascript:alert(1)"],
    "ARREARS_STRIPE_API": ["localhost:12111"],
    "ARREARS_SUPPORT_EMAIL": ["help", "@example.org"],
    "ARREARS_SECRET_KEY": ["secret"],
    "ARREARS_MAIL_WEBHOOK_SECRET": ["secret", "user:", ":password"],
    "ARREARS_HOSTS": ["", " , "],
}
RIGHT = {
    "ARREARS_DELETIONS_PER_DAY": "0",
    "ARREARS_MAIL_PER_HOUR": " 500 ",
    "ARREARS_PROXIES": "2",
    "ARREARS_HTTPS": "1",
    "ARREARS_BASE_URL": "https://billing.example.org/",
    "ARREARS_SUPPORT_URL": "https://help.example.org/billing?from=mail",
    "ARREARS_SUPPORT_EMAIL": "help@example.org",
    "ARREARS_SECRET_KEY": "x" * 32,
    "ARREARS_MAIL_WEBHOOK_SECRET": "user:pass:word",
    "ARREARS_HOSTS": "billing.example.org",
}


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in WRONG:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(("name", "given"), [(name, given) for name, every in WRONG.items() for given in every])
def test_what_is_wrong_is_refused_by_its_name(name: str, given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, given)
    with pytest.raises(Refused) as refused:
        environment.check()
    assert (refused.value.code, refused.value.exit_code) == ("bad_setting", 2)
    assert refused.value.message.startswith(f"{name} ")
    assert "\n" not in refused.value.message


@pytest.mark.parametrize("name", ["ARREARS_SECRET_KEY", "ARREARS_MAIL_WEBHOOK_SECRET"])
def test_a_secret_is_not_said(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "hush")
    with pytest.raises(Refused) as refused:
        environment.check()
    assert "hush" not in refused.value.message


def test_what_is_right_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, given in RIGHT.items():
        monkeypatch.setenv(name, given)
    environment.check()
    assert environment.number("ARREARS_MAIL_PER_HOUR", 20_000, 1) == 500
    assert environment.url("ARREARS_BASE_URL") == "https://billing.example.org", "links are put behind it"
    assert environment.switch("ARREARS_HTTPS")
    assert environment.hosts() == ["billing.example.org"]


def test_nothing_given_is_the_default() -> None:
    environment.check()
    assert environment.number("ARREARS_PROXIES", 0) == 0
    assert environment.url("ARREARS_BASE_URL", "http://127.0.0.1:8000") == "http://127.0.0.1:8000"
    assert not environment.switch("ARREARS_HTTPS")
    assert "localhost" in environment.hosts()


def test_a_command_looks_at_every_setting_before_it_opens_anything() -> None:
    failed = arrears("status", ARREARS_HTTPS="yes", ARREARS_DATABASE_URL="postgresql://a@127.0.0.1:1/x")
    assert (failed.returncode, failed.stdout) == (2, "")
    assert failed.stderr == "arrears: ARREARS_HTTPS is 'yes'; give 1 or leave it out [bad_setting]\n"


def test_a_mail_folder_that_is_none_is_refused_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mail").write_text("no folder")
    for name in ("ARREARS_MAIL_URL", "ARREARS_MAIL_BACKEND"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ARREARS_MAIL_FOLDER", str(tmp_path / "mail"))
    with pytest.raises(Refused) as refused:
        mail_channel("")
    assert refused.value.message == f"the mail folder '{tmp_path}/mail' cannot be used: file exists"
