"""The demo's service: `examples/files_service.py` in a process of its own, which is given its orders over HTTP."""

from __future__ import annotations

import multiprocessing
import runpy
import secrets
import signal
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final, NamedTuple

import arrears
from arrears.cli.demo_card import SERVICES
from arrears.core.delivery.signing import SECRET_BYTES, secret_text
from arrears.core.errors import Refused
from arrears.core.ids import SUBSCRIPTION, format_id
from arrears.core.people.scopes import scopes_of
from arrears.ports import EndpointState, EndpointUse, NewEndpoint, Transport
from arrears.store.postgres.store import PostgresStore
from arrears.web.serving import end_with_parent

HOST: Final = "127.0.0.1"
FILES: Final = {"Order.txt": "Flour, two bags", "Oven.txt": "Ask about the oven"}
"""What each customer of the demo has kept there."""
READY_SECONDS_MAX: Final = 60
TOKEN: Final = "the demo's service"
_PACKAGE: Final = Path(arrears.__file__).parent
_PLACES: Final = (
    (_PACKAGE.parent / "arrears_example", _PACKAGE.parent / "arrears_example"),
    (_PACKAGE.parents[1] / "examples", _PACKAGE.parents[1] / "receiver" / "src"),
)
"""Where the example and the receiver that it stands on are: in a wheel, in a clone."""


class ServiceMemory(NamedTuple):
    """What the next demo needs to go on with the same service: a secret for each name that arrears has of it, and the
    token with which it asks arrears."""

    secrets: Mapping[str, str]
    token: str


class ExampleService:
    """The service. `folder` is where it keeps the files, `base_url` where arrears is, `port` the one it would like."""

    def __init__(self, folder: Path, base_url: str, port: int, memory: ServiceMemory | None = None) -> None:
        self._folder, self._base_url, self._port = folder, base_url, port
        self._process: multiprocessing.process.BaseProcess | None = None
        self.memory = memory or ServiceMemory(
            {name: secret_text(secrets.token_bytes(SECRET_BYTES)) for name in SERVICES}, ""
        )

    def connect(self, store: PostgresStore, transport: Transport, now: datetime) -> None:
        """Start it, and make it and a new installation of arrears known to each other."""
        from arrears.web.api_tokens import create_token

        self.memory = self.memory._replace(token=create_token(TOKEN, scopes_of(["subscriptions:read"]), now))
        self.start()
        for name, secret in self.memory.secrets.items():
            store.add_endpoint(
                NewEndpoint(EndpointUse.SERVICE, name, self._orders(name), transport.sealed(secret)), now
            )

    @property
    def runs(self) -> bool:
        """Whether its process is there."""
        return self._process is not None and self._process.is_alive()

    @property
    def process_id(self) -> int:
        """For whoever wants to see what happens without it."""
        return (self._process.pid if self._process is not None else None) or 0

    def start(self) -> None:
        """Start it where it does not run; where it keeps files, it goes on with them. Refuses `demo_service`."""
        if self.runs:
            return
        here, there = multiprocessing.Pipe(duplex=False)
        arguments = _program(), self._folder, self.memory, self._base_url, self._port, there
        self._process = multiprocessing.get_context("spawn").Process(target=_serve, args=arguments, name="service")
        self._process.start()
        there.close()
        try:
            self._port = here.recv() if here.poll(READY_SECONDS_MAX) else 0
        except EOFError:
            self._port = 0
        if not self._port:
            raise Refused("demo_service", "the demo's service does not start; what it says stands above")

    def stop(self) -> None:
        """End it as a machine that is switched off would."""
        if self._process is not None:
            self._process.kill()
            self._process.join()

    def found_again(self, store: PostgresStore, now: datetime) -> None:
        """It has been started again, perhaps at another port: what waited for it is given at once."""
        for one in store.endpoints():
            if one.name in self.memory.secrets and one.use is EndpointUse.SERVICE:
                store.change_endpoint(one.number, self._orders(one.name), (), now)
                store.switch_endpoint(one.number, EndpointState.ON, "", now, "staff:1")
                store.redrive(one.number, "", now)

    def page(self, account: int, subscription: int) -> str:
        """Where a customer uses a subscription."""
        return f"http://{HOST}:{self._port}/{format_id(SUBSCRIPTION, account, subscription)}/"

    def fill(self, account: int, subscriptions: Sequence[int]) -> None:
        """The files that their owner has saved before the story begins."""
        for subscription in subscriptions:
            kept = self._folder / format_id(SUBSCRIPTION, account, subscription)
            kept.mkdir(parents=True, exist_ok=True)
            for name, text in FILES.items():
                (kept / name).write_text(text, encoding="utf-8")

    def _orders(self, name: str) -> str:
        return f"http://{HOST}:{self._port}/orders/{name}"


def _program() -> tuple[Path, Path]:
    """The example, and the folder of the package that it needs."""
    for example, receiver in _PLACES:
        if (example / "files_service.py").exists():
            return example / "files_service.py", receiver
    raise Refused("demo_service", "the demo's service is not there: examples/files_service.py is missing")


def _serve(
    program: tuple[Path, Path], folder: Path, memory: ServiceMemory, base_url: str, port: int, ready: Connection
) -> None:
    """In the service's process: what `python examples/files_service.py` does, with the settings handed over."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the demo, which ends this one
    end_with_parent()
    sys.path.insert(0, str(program[1]))
    example = runpy.run_path(str(program[0]))
    ask = example["asking"](base_url, memory.token) if memory.token else None
    known = {name: [secret] for name, secret in memory.secrets.items()}
    service = example["FilesService"](folder, known, ask, base_url)
    try:
        server = example["served"](service, HOST, port)
    except OSError:
        server = example["served"](service, HOST, 0)
    ready.send(server.server_port)
    ready.close()
    server.serve_forever()
