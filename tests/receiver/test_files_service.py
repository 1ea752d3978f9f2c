"""The example service, in a process of its own: what it is ordered it is, and a deletion leaves nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from arrears_receiver.kit import OverHttp, message, prove, signed

ROOT = Path(__file__).parents[2]
SECRET = "whsec_" + "c2VjcmV0IG9mIGEgc2VydmljZSBvZiB0aGUgdGVzdHM="
SECONDS_MAX = 60


class Served:
    """`examples/files_service.py`, started as its readers start it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.number, self.sequence = 6, 0
        self.start()

    def start(self) -> None:
        environ = {**os.environ, "FILES_SECRETS": f"files:{SECRET}", "PYTHONPATH": str(ROOT / "receiver/src")}
        command = [sys.executable, str(ROOT / "examples/files_service.py"), str(self.folder), "--port", "0"]
        self.process = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().removeprefix("serving on ").strip()

    @property
    def sub(self) -> str:
        return f"sub_{self.number}_1"

    def for_another_customer(self) -> Served:
        self.number, self.sequence = self.number + 1, 0
        return self

    def end(self) -> None:
        self.process.kill()
        self.process.wait(SECONDS_MAX)

    def ask(self, path: str, form: dict[str, str] | None = None) -> tuple[int, str]:
        body = None if form is None else urllib.parse.urlencode(form).encode()
        request = urllib.request.Request(f"{self.url}{path}", body, {"Accept": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=SECONDS_MAX) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode()

    def order(self, command: str, **other: Any) -> tuple[int, Any]:
        self.sequence += 1
        body = json.dumps(message(self.sub, self.sequence, command, "files", **other)).encode()
        return OverHttp(f"{self.url}orders/files")(signed(SECRET, body), body)

    def save(self, name: str, text: str = "flour") -> int:
        return self.ask(f"{self.sub}/", {"name": name, "text": text})[0]

    def state_in(self, subscription: str) -> str:
        state = json.loads(self.ask(f"{subscription}/")[1])["state"]
        return "active" if state == "unknown" else str(state)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    found = Served(tmp_path_factory.mktemp("files"))
    try:
        yield found
    finally:
        found.end()


@pytest.fixture
def files(service: Served) -> Served:
    return service.for_another_customer()


def test_the_kit_has_nothing_to_say_about_it(files: Served) -> None:
    """I14, I15, I17; scenario 37; F45: permuted, repeated, forged, late."""
    assert prove(OverHttp(f"{files.url}orders/files"), SECRET, "files", files.state_in) == []


def test_whom_nobody_has_spoken_of_may_do_everything(files: Served) -> None:
    assert files.save("list.txt") == 200, "303 to the page, which is 200"
    assert json.loads(files.ask(f"{files.sub}/")[1]) == {"state": "unknown", "files": ["list.txt"]}
    assert files.ask(f"public/{files.sub}/list.txt") == (200, "flour")


def test_restricted_is_offline_and_back_at_once_with_everything(files: Served) -> None:
    """Scenario 28."""
    files.save("list.txt")
    assert files.order("restrict")[1]["state"] == "done"
    assert files.ask(f"public/{files.sub}/list.txt")[0] == 503
    assert files.save("more.txt") == 403
    assert files.ask(f"{files.sub}/files/list.txt") == (200, "flour")
    files.order("resume")
    assert files.ask(f"public/{files.sub}/list.txt") == (200, "flour")
    assert files.save("more.txt") == 200


def test_disabled_can_be_read_and_deleted_and_what_was_deleted_does_not_come_back(files: Served) -> None:
    """Scenario 27."""
    files.save("list.txt")
    files.save("other.txt")
    files.order("disable")
    status, answer = files.ask(f"{files.sub}/", {"name": "more.txt", "text": "x"})
    assert (status, json.loads(answer)) == (403, {"code": "subscription_disabled"})
    assert files.ask(f"{files.sub}/files/list.txt") == (200, "flour")
    assert files.ask(f"{files.sub}/delete", {"name": "other.txt"})[0] == 200
    files.order("resume")
    assert json.loads(files.ask(f"{files.sub}/")[1])["files"] == ["list.txt"]


def test_deleted_is_gone_from_the_disk_with_a_count_and_stays_so(files: Served) -> None:
    """Scenario 32, at the service."""
    files.save("list.txt")
    files.order("disable")
    name = f"Customer acc_{files.number}"
    assert files.order("delete", account_name="Somebody else")[0] == 409
    status, answer = files.order("delete", account_name=name)
    assert (status, answer["deleted"], answer["left"]) == (200, {"files": 1}, {})
    assert not (files.folder / files.sub).exists()
    assert files.order("resume")[0] == 409
    assert files.save("list.txt") == 403
    assert files.ask(f"{files.sub}/files/list.txt")[0] == 404


def test_what_cannot_be_deleted_is_counted_as_left_and_the_order_is_done_when_it_is_given_again(files: Served) -> None:
    files.save("list.txt")
    files.order("disable")
    inside = files.folder / files.sub / "list.txt"
    inside.unlink()
    kept = files.folder / files.sub
    kept.rmdir()
    target = files.folder / "elsewhere"
    target.mkdir()
    (target / "a.txt").write_text("x")
    kept.symlink_to(target)
    status, answer = files.order("delete")
    assert (status, answer["left"]) == (200, {"files": 1})
    kept.unlink()
    files.sequence -= 1
    status, answer = files.order("delete")
    assert (status, answer["left"]) == (200, {})


def test_one_that_is_killed_remembers_what_it_is(files: Served) -> None:
    files.save("list.txt")
    files.order("disable")
    files.end()
    files.start()
    assert files.state_in(files.sub) == "disabled"
    assert files.save("more.txt") == 403


@pytest.mark.parametrize("name", ["", "..", "../x", "a/b", "a\0b", ".hidden", "x" * 81])
def test_a_name_that_leads_elsewhere_is_refused(files: Served, name: str) -> None:
    assert files.save(name) == 422
    assert files.ask(f"{files.sub}/delete", {"name": name})[0] == 422


@pytest.mark.parametrize("path", ["sub_0_1/", "acc_1/", "sub_7_1", "sub_7_1/files/..%2forders.db", "orders/other"])
def test_there_is_no_page_of_what_does_not_exist(files: Served, path: str) -> None:
    assert files.ask(path)[0] == 404
