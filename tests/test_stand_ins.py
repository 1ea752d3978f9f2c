"""Where others can come in, what was meant for a demo does not start; and nobody else reads what is kept here."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from arrears.adapters.channels.folder import FolderChannel
from arrears.core.errors import Refused
from arrears.ports import Message
from arrears.setting_values import is_loopback
from arrears.settings import read, refuse_stand_ins
from arrears.store.server import make_home

REAL = {
    "ARREARS_MAIL_URL": "smtp://mail.example.org",
    "ARREARS_MAIL_FROM": "b@example.org",
    "ARREARS_MAIL_BOUNCE_TO": "bounces@example.org",
    "ARREARS_BASE_URL": "https://pay.example.org",
}
OPEN = {
    "live": {"ARREARS_MODE": "live"},
    "https": {"ARREARS_HTTPS": "1"},
    "a public name": {"ARREARS_HOSTS": "127.0.0.1,pay.example.org"},
    "an address": {"ARREARS_HOSTS": "192.0.2.1"},
    "a name of the local net": {"ARREARS_HOSTS": "billing.lan"},
}


@pytest.mark.parametrize("how", OPEN)
@pytest.mark.parametrize(
    ("less", "more", "code"),
    [
        (("ARREARS_MAIL_URL",), {}, "no_mail_server"),
        ((), {"ARREARS_BASE_URL": "http://pay.example.org"}, "bad_base_url"),
        ((), {"ARREARS_BASE_URL": "https://127.0.0.1:8000"}, "bad_base_url"),
        ((), {"ARREARS_BASE_URL": "https://localhost"}, "bad_base_url"),
        (("ARREARS_BASE_URL",), {}, "bad_base_url"),
        ((), {}, ""),
    ],
)
def test_where_others_come_in_mail_must_leave_and_links_must_lead_somewhere_safe(
    how: str, less: tuple[str, ...], more: dict[str, str], code: str
) -> None:
    given = {name: value for name, value in (REAL | OPEN[how] | more).items() if name not in less}
    if not code:
        refuse_stand_ins(read(given))
        return
    with pytest.raises(Refused) as refused:
        refuse_stand_ins(read(given))
    assert refused.value.code == code
    assert refused.value.message.startswith(("ARREARS_MODE is", "ARREARS_HTTPS is", "ARREARS_HOSTS names"))


@pytest.mark.parametrize("hosts", ["", "localhost,127.0.0.1,[::1]", "demo.localhost"])
def test_a_demo_on_this_machine_starts_with_what_it_has(hosts: str) -> None:
    refuse_stand_ins(read({"ARREARS_HOSTS": hosts} if hosts else {}))


@pytest.mark.parametrize(
    ("host", "own"),
    [
        *((one, True) for one in ("localhost", "LOCALHOST.", "127.0.0.1", "127.1.2.3", "::1", "[::1]", "a.localhost")),
        *((one, True) for one in ("::ffff:127.0.0.1", "0.0.0.0")),
        *((one, False) for one in ("", "127.0.0.1.example.org", "localhost.example.org", "192.0.2.1", "::2", "*")),
        *((one, False) for one in ("::ffff:192.0.2.1", "notlocalhost", "1270.0.0.1")),
    ],
)
def test_what_this_machine_calls_itself(host: str, own: bool) -> None:
    assert is_loopback(host) is own


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_mail_that_is_kept_is_read_by_its_owner_alone(tmp_path: Path) -> None:
    was = os.umask(0)
    try:
        channel = FolderChannel(tmp_path / "mail")
        channel.send(Message("a1-2-3", "a@example.org", "subject", "https://pay.example.org/pay/secret"))
    finally:
        os.umask(was)
    assert mode(tmp_path / "mail") == 0o700
    assert [mode(path) for path in (tmp_path / "mail").iterdir()] == [0o600]


def test_a_mail_folder_that_was_open_is_closed(tmp_path: Path) -> None:
    (tmp_path / "mail").mkdir(mode=0o755)
    FolderChannel(tmp_path / "mail")
    assert mode(tmp_path / "mail") == 0o700


def test_a_home_is_made_for_its_owner_alone_and_one_of_ours_is_closed(tmp_path: Path) -> None:
    was = os.umask(0)
    try:
        make_home(tmp_path / "new" / "home")
    finally:
        os.umask(was)
    assert mode(tmp_path / "new" / "home") == 0o700
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    for folder in (ours, theirs):
        folder.mkdir()
        folder.chmod(0o755)
    (ours / "secret_key").touch()
    make_home(ours)
    make_home(theirs)
    assert (mode(ours), mode(theirs)) == (0o700, 0o755), "what nothing of ours is in stays as it is"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root hands its folder to another group")
def test_roots_home_lets_the_servers_group_pass_and_nobody_else(tmp_path: Path) -> None:
    make_home(tmp_path / "home", passing_gid=65534)
    found = (tmp_path / "home").stat()
    assert (stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid) == (0o710, 0, 65534)
    (tmp_path / "home" / "data").mkdir()
    make_home(tmp_path / "home")
    assert mode(tmp_path / "home") == 0o710, "its server goes on"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root hands its folder to another group")
def test_a_home_that_was_there_and_empty_when_its_server_started_still_lets_it_pass(tmp_path: Path) -> None:
    """What nothing of ours was in was left as it was; now the server's data is in it, and it is closed."""
    home = tmp_path / "home"
    home.mkdir(mode=0o755)
    make_home(home, passing_gid=65534)
    assert mode(home) == 0o755
    (home / "data").mkdir()
    os.chown(home / "data", 65534, 65534)
    make_home(home)
    found = home.stat()
    assert (stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid) == (0o710, 0, 65534)
