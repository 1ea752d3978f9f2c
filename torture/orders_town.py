"""The services of `torture.orders`, each behind the real receiver with its book on disk, and the wires to them.

Whoever opens the same folder is at the same services: a worker that is killed leaves them as they were. What a service
was ordered to do it does in a file of its own (`states.json`), and writes down in another that no backup takes along.
"""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

from arrears_receiver import Done, Order, Receiver, Reply, SqliteBook
from arrears_receiver.adapters import answer_to
from arrears_receiver.orders import STATE_AFTER

from arrears.core.delivery.signing import secret_text
from arrears.ports import DeliveryAnswer

MODES: Final = {
    "down": 3.0,  # 500 for three days
    "hangs": 1.5,
    "mute": 1.5,  # obeys, and its answer is lost
    "vague": 1.0,  # 200 and nothing said
    "lies": 1.0,  # says done, and does nothing
    "slow": 2.0,  # accepted; done later
    "backup": 0.0,  # a copy of a day or more ago is put back
    "moved": 1.0,  # its address is another, and staff say so a day later
    "secret": 1.0,  # its secret is lost, and staff make another a day later
}
"""How long each lasts, in days."""
DAY: Final = timedelta(days=1)


class Episode(NamedTuple):
    """What is wrong with a service, and when."""

    mode: str
    begins: datetime
    ends: datetime


def episodes(rng: random.Random, begins: datetime, ends: datetime) -> list[Episode]:
    """What a service goes through: one after the other, each mode as likely."""
    found: list[Episode] = []
    at = begins + DAY * rng.uniform(1, 6)
    while True:
        mode = rng.choice(list(MODES))
        over = at + DAY * MODES[mode]
        if over > ends:
            return found
        found.append(Episode(mode, at, over))
        at = over + DAY * rng.uniform(0.5, 5)


class Service:
    """One service. `name` is what arrears calls it; all it knows is in `folder`."""

    def __init__(self, folder: Path, name: str, plan: Sequence[Episode], clock: Any) -> None:
        self.name, self.plan, self._folder, self._clock = name, plan, folder / name, clock
        self._kept, self._backups = self._folder / "kept", self._folder / "backups"
        self._kept.mkdir(parents=True, exist_ok=True)
        self._backups.mkdir(exist_ok=True)
        self.came_again = False
        """Whether what it obeys now is a request of before, that came once more."""

    def mode(self) -> str:
        """What is wrong with it now; empty where nothing is."""
        now = self._clock.now()
        return next((one.mode for one in self.plan if one.begins <= now < one.ends), "")

    @property
    def secret(self) -> str:
        """The secret that it verifies by."""
        file = self._folder / "secret"
        return file.read_text() if file.exists() else secret_text(self.name.encode().ljust(32, b"."))

    def new_secret(self, secret: str) -> None:
        """It was told another one."""
        (self._folder / "secret").write_text(secret)

    def receiver(self) -> Receiver:
        """The receiver in front of it, with the secret that it has now."""
        lost = secret_text(b"another one, or none that it was told"[:32])
        return Receiver([lost if self.mode() == "secret" else self.secret], self.name, self._obey, self.book)

    @property
    def book(self) -> SqliteBook:
        """What its receiver remembers."""
        return SqliteBook(self._kept / "orders.db")

    def states(self) -> dict[str, str]:
        """What each subscription really is in here; one that is not named runs."""
        file = self._kept / "states.json"
        return dict(json.loads(file.read_text())) if file.exists() else {}

    def _obey(self, order: Order) -> Done | None:
        if self.mode() == "slow":
            self._write(self._kept / "begun", order)
            return None
        return self._carry_out(order)

    def _carry_out(self, order: Order) -> Done:
        states = self.states()
        states[order.subscription] = STATE_AFTER[order.command]
        part = self._kept / "states.part"
        part.write_text(json.dumps(states))
        part.replace(self._kept / "states.json")
        self._write(self._folder / "obeyed", order)
        return Done({"files": 3} if order.command == "delete" else {})

    def _write(self, file: Path, order: Order) -> None:
        at = self._clock.now().isoformat()
        what = [order.subscription, order.sequence, order.command, order.id, at, order.account, order.account_name]
        with file.open("a") as lines:
            lines.write(json.dumps([*what, order.generation, self.came_again, self.restored]) + "\n")

    def obeyed(self) -> Iterator[list[Any]]:
        """Everything that was carried out: subscription, sequence, command, order, ..., whether it came once more, and
        after how many backups."""
        file = self._folder / "obeyed"
        return map(json.loads, file.read_text().splitlines() if file.exists() else [])

    def finish(self) -> Iterator[tuple[str, Reply]]:
        """What was only begun is done; which order, and what is said of it."""
        file = self._kept / "begun"
        begun = file.read_text().splitlines() if file.exists() else []
        file.unlink(missing_ok=True)
        for subscription, sequence, command, order, _, account, name, generation, again, _ in map(json.loads, begun):
            known = self.book.known(subscription)
            if known is None or known.order != order:
                continue
            self.came_again = again
            done = self._carry_out(Order(order, command, self.name, account, name, subscription, generation, sequence))
            self.came_again = False
            yield order, self.receiver().done(order, done)

    @property
    def restored(self) -> int:
        """How often an old backup was put back."""
        file = self._folder / "restored"
        return int(file.read_text()) if file.exists() else 0

    def back_up(self) -> None:
        """Another copy of all that it keeps."""
        shutil.copytree(self._kept, self._backups / str(len(list(self._backups.iterdir()))))

    def restore(self, rng: random.Random) -> bool:
        """Put an old copy back; whether there was one."""
        copies = sorted(self._backups.iterdir())[-4:]
        if not copies:
            return False
        (self._folder / "restored").write_text(str(self.restored + 1))
        shutil.rmtree(self._kept)
        shutil.copytree(rng.choice(copies), self._kept)
        return True


class Wires:
    """See ports.Transport: in this process, with whatever goes wrong on the way. Each request is kept, so that it can
    come once more at any time."""

    def __init__(self, folder: Path, services: Sequence[Service]) -> None:
        self._sent = folder / "sent"
        self.services = {one.name: one for one in services}

    def check(self, url: str) -> None:
        """Everything is allowed."""

    def sealed(self, secret: str) -> str:
        """As it is."""
        return secret

    def opened(self, kept: str) -> str:
        """As it is."""
        return kept

    def _at(self, url: str) -> Service | None:
        name = url.partition("?")[0].rsplit("/", 1)[1]
        service = self.services[name.partition("-")[0]]
        return None if service.mode() == "moved" and not name.endswith("-new") else service

    def get(self, url: str, headers: Mapping[str, str]) -> DeliveryAnswer:
        """What a service says that it is in."""
        service = self._at(url)
        if service is None or service.mode() in ("down", "hangs", "mute"):
            return DeliveryAnswer(None, "nobody answers")
        return _said(answer_to(service.receiver(), "GET", headers, url.partition("?")[2], b""))

    def post(self, url: str, requests: Sequence[tuple[Mapping[str, str], bytes]]) -> Sequence[DeliveryAnswer]:
        """Orders, each answered or not."""
        return [self._one(self._at(url), headers, body) for headers, body in requests]

    def _one(self, service: Service | None, headers: Mapping[str, str], body: bytes) -> DeliveryAnswer:
        if service is None:
            return DeliveryAnswer(404, "there is nothing here")
        with self._sent.open("a") as lines:
            lines.write(json.dumps([service.name, dict(headers), body.decode()]) + "\n")
        match service.mode():
            case "down":
                return DeliveryAnswer(500, "down")
            case "hangs":
                return DeliveryAnswer(None, "no answer within 15 seconds")
            case "vague":
                return DeliveryAnswer(200, "{}", b"{}")
            case "lies":
                answer = {"state": "done", "order": json.loads(body)["data"]["order"]}
                return DeliveryAnswer(200, "", json.dumps(answer).encode())
            case mode:
                found = _said(answer_to(service.receiver(), "POST", headers, "", body))
                return DeliveryAnswer(None, "its answer is lost") if mode == "mute" else found

    def once_more(self, rng: random.Random) -> int:
        """Some requests of before come again, in any order, whatever has become of them; how many."""
        lines = self._sent.read_text().splitlines() if self._sent.exists() else []
        for line in rng.sample(lines[-200:], min(3, len(lines[-200:]))):
            name, headers, body = json.loads(line)
            if self.services[name].mode() in ("", "slow"):
                self.services[name].came_again = True
                answer_to(self.services[name].receiver(), "POST", headers, "", body.encode())
                self.services[name].came_again = False
        return min(3, len(lines))


def _said(reply: Reply) -> DeliveryAnswer:
    body = json.dumps(reply.body)
    return DeliveryAnswer(reply.status, body, body.encode())
