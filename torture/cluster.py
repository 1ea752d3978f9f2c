"""`python -m torture.cluster`: hosts of a PostgreSQL cluster fail under load; nothing that was answered is lost.

Three hosts with PostgreSQL under Patroni and etcd, a commit being answered when two of them have it; two hosts, each
with `arrears worker` and `arrears serve`, started once and never again, which are told of all three databases
(`ARREARS_DATABASE_URL`). Each host is a network namespace of its own. Customers come, are written to, pay by card and
by transfer, leave and come back, all over the API, with one key for all tries of a request.

The primary loses its power, its network, stands still, gets a full disk, and is told to hand over; a host of workers
loses its power. In the end what was answered is there, nothing was charged, written or ordered twice, the ledger holds,
and after each fault writes were taken again within half a minute, with nobody's help. It needs root.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, NamedTuple

import psycopg

from arrears.sandbox.run import SECRET_KEY, WEBHOOK_SECRET, SandboxAt, running
from arrears.store.postgres.check import check_store
from arrears.store.postgres.store import PostgresStore
from torture.cluster_hosts import (
    ADDRESS,
    DATABASE_HOSTS,
    HUB,
    NET,
    WORK_HOSTS,
    DatabaseHost,
    Net,
    Patroni,
    missing,
    patroni_at,
    until,
)
from torture.cluster_load import CloudService, Load
from torture.nursery import ROOT
from torture.outside import ClockFile, own_port
from torture.post_office import PostOffice

BACK_SECONDS_MAX: Final = 30.0
FAULT_SECONDS: Final = 45.0
"""So long a fault lasts: longer than a cluster needs to choose another primary."""
CALM_SECONDS: Final = 5.0
WHOLE_SECONDS_MAX: Final = 90.0
"""A host that follows nobody for so long will not by itself."""
LETTERS_SECONDS_MAX: Final = 180.0


class Seen(NamedTuple):
    """One fault: for how long no write was answered, after how many seconds there was another primary, and after how
    many, from its end, all three hosts were well again; `rebuilt` where its host could not follow any more by itself,
    and its copy was made anew, as whoever runs a cluster does."""

    fault: str
    host: str
    silent_seconds: float
    primary_seconds: float
    whole_seconds: float
    rebuilt: bool = False


class WorkHost:
    """A host with a worker and pages."""

    def __init__(self, net: Net, name: str, folder: Path, settings: Mapping[str, str], wires: list[str]) -> None:
        self._net, self.name, self.folder, self._wires = net, name, folder / name, wires
        self.folder.mkdir()
        self._settings = {**settings, "ARREARS_HOME": str(self.folder / "home")}
        self.processes: list[subprocess.Popen[str]] = []

    def start(self) -> None:
        """Switch it on."""
        self.processes = [
            self._start("wire", "torture.cluster_wire", *self._wires),
            self._start("worker", "arrears", "worker", "--poll-seconds", "1"),
            self._start("serve", "arrears", "serve", "--host", "0.0.0.0", "--port", "8000"),
        ]

    def _start(self, log: str, module: str, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", module, *arguments]
        return self._net.start(self.name, self.folder / f"{log}.log", *command, environment=self._settings)

    def lose_power(self) -> None:
        """All of it ends at once."""
        for one in self.processes:
            with suppress(ProcessLookupError):
                os.killpg(one.pid, 9)
            one.wait()


class Cluster:
    """The whole: databases, workers, and the world outside."""

    def __init__(self, net: Net, folder: Path, patroni: Patroni) -> None:
        self.net, self.folder, self.patroni = net, folder, patroni
        self.databases = {name: DatabaseHost(net, name, folder, patroni) for name in DATABASE_HOSTS}
        hosts = ",".join(f"{ADDRESS[name]}:5432" for name in DATABASE_HOSTS)
        self.url = f"postgresql://postgres:postgres@{hosts}/arrears"
        self.seen: list[Seen] = []

    def primary(self) -> str:
        """The host that writes; empty while there is none, or more than one says so."""
        found = [name for name, host in self.databases.items() if host.role() == "primary"]
        return found[0] if len(found) == 1 else ""

    def is_whole(self) -> bool:
        """Whether one host writes, and the others follow as they are to."""
        roles = Counter(host.role() for host in self.databases.values())
        return roles == {"primary": 1, **self.patroni.followers}

    def start(self) -> None:
        """Switch the databases on, and make ours."""
        for host in self.databases.values():
            host.start()
        until(self.is_whole, "the cluster", 180)
        server = self.url.rpartition("/")[0] + "/postgres?target_session_attrs=primary"
        with psycopg.connect(server, autocommit=True) as db:
            db.execute("CREATE DATABASE arrears")

    def fault(self, kind: str, load: Load) -> Seen:
        """One fault of the primary, its end, and the cluster well again."""
        name = self.primary()
        host = self.databases[name]
        begin, end = FAULTS[kind]
        began = time.monotonic()
        begin(host)
        changed = until(lambda: self.primary() not in ("", name), f"another primary after {kind}")
        time.sleep(max(FAULT_SECONDS - (time.monotonic() - began), 0))
        end(host)
        healed = time.monotonic()
        try:
            until(self.is_whole, kind, WHOLE_SECONDS_MAX)
            rebuilt = False
        except AssertionError:
            host.rebuild()
            until(self.is_whole, f"the cluster after {kind}", 240)
            rebuilt = True
        whole = time.monotonic() - healed
        return Seen(kind, name, silence(load, began), round(changed, 1), round(whole, 1), rebuilt)

    def a_copy_refuses(self, settings: Mapping[str, str]) -> bool:
        """Whether a run that is told of a copy alone decides nothing."""
        copy = next(host for host in self.databases.values() if host.role() not in ("primary", ""))
        url = f"postgresql://postgres:postgres@{copy.address}:5432/arrears"
        told = {**settings, "ARREARS_DATABASE_URL": url, "ARREARS_HOME": str(self.folder / "copy")}
        ended = subprocess.run([sys.executable, "-m", "arrears", "run"], env=told, capture_output=True, check=False)
        return ended.returncode != 0

    def lost_worker(self, host: WorkHost, load: Load) -> Seen:
        """A host of workers and pages loses its power, and is switched on again."""
        began = time.monotonic()
        host.lose_power()
        time.sleep(FAULT_SECONDS / 3)
        host.start()
        time.sleep(CALM_SECONDS)
        return Seen("workers' host loses power", host.name, silence(load, began), 0, 0)


def silence(load: Load, since: float) -> float:
    """The longest time in which no write was answered, since then."""
    instants = [since, *(at for at in list(load.done.acknowledged) if at > since), time.monotonic()]
    return round(max(later - earlier for earlier, later in pairwise(instants)), 1)


FAULTS: Final[Mapping[str, tuple[Callable[[DatabaseHost], None], Callable[[DatabaseHost], None]]]] = {
    "loses power": (DatabaseHost.lose_power, DatabaseHost.start),
    "loses its network": (lambda host: host.net.cut(host.name), lambda host: host.net.mend(host.name)),
    "stands still": (DatabaseHost.pause, DatabaseHost.go_on),
    "disk is full": (DatabaseHost.fill_disk, DatabaseHost.empty_disk),
    "hands over": (DatabaseHost.hand_over, lambda _: None),
}


def torture(mark: str, patroni: Patroni, rounds: int, faults: list[str]) -> dict[str, Any]:
    """The figures. It is called in the namespace of the bridge."""
    folder = Path(tempfile.mkdtemp(prefix="arrears-cluster-"))
    folder.chmod(0o755)
    net = Net(mark)
    cluster = Cluster(net, folder, patroni)
    post = PostOffice(folder, own_port())
    ClockFile(folder).set(datetime.now(UTC))
    workers: list[WorkHost] = []
    wire: subprocess.Popen[bytes] | None = None
    try:
        cluster.start()
        post.start()
        with running(own_port()) as sandbox:
            ports = [sandbox.url.rpartition(":")[2], str(post.port)]
            wire = subprocess.Popen([sys.executable, "-m", "torture.cluster_wire", *_pairs(ports, HUB, "127.0.0.1")])
            service = CloudService(HUB)
            settings = _settings(cluster.url, sandbox, post)
            token, secret = _prepared(settings, service.url)
            service.begin(secret)
            workers = [WorkHost(net, name, folder, settings, _pairs(ports, "127.0.0.1", HUB)) for name in WORK_HOSTS]
            for one in workers:
                one.start()
            load = Load([ADDRESS[name] for name in WORK_HOSTS], token)
            load.begin()
            until(lambda: len(load.done.settled) > 1, "the first settlements")
            for _round in range(rounds):
                for kind in faults:
                    cluster.seen.append(
                        cluster.lost_worker(workers[0], load) if kind == "workers" else cluster.fault(kind, load)
                    )
                    sys.stderr.write(f"{cluster.seen[-1]}\n")
                    time.sleep(CALM_SECONDS)
            load.end()
            figures = _verdict(cluster, load, service, sandbox, post)
            figures["a_copy_refuses"] = cluster.a_copy_refuses(settings)
            figures["still_running"] = all(p.poll() is None for one in workers for p in one.processes)
            return figures
    finally:
        for one in workers:
            one.lose_power()
        if wire is not None:
            wire.kill()
        post.kill()
        for host in cluster.databases.values():
            host.lose_power()
            subprocess.run(["umount", str(host.disk)], check=False)
        if os.environ.get("KEEP"):
            sys.stderr.write(f"kept: {folder}\n")
        else:
            shutil.rmtree(folder, ignore_errors=True)


def _pairs(ports: list[str], listen: str, connect: str) -> list[str]:
    return [part for port in ports for part in (f"{listen}:{port}", f"{connect}:{port}")]


def _settings(url: str, sandbox: SandboxAt, post: PostOffice) -> dict[str, str]:
    ours = {
        "ARREARS_DATABASE_URL": url,
        "ARREARS_MAIL_URL": post.url,
        "ARREARS_MAIL_FROM": "billing@example.org",
        "ARREARS_STRIPE_KEY": SECRET_KEY,
        "ARREARS_STRIPE_WEBHOOK_SECRETS": WEBHOOK_SECRET,
        "ARREARS_STRIPE_API": sandbox.url,
        "ARREARS_BASE_URL": "http://localhost:8000",
        "ARREARS_DELIVERY_TARGETS": f"{NET}.0/24",
        "ARREARS_SECRET_KEY": secrets.token_urlsafe(32),
        "ARREARS_CERTIFICATE_KEY": secrets.token_hex(32),
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ARREARS_")}
    return {**kept, **ours}


def _prepared(settings: Mapping[str, str], service: str) -> tuple[str, str]:
    """A token of the API, and the secret by which the service's orders are signed."""

    def arrears(*arguments: str) -> Any:
        command = [sys.executable, "-m", "arrears", *arguments, "--json"]
        with tempfile.TemporaryDirectory() as home:
            said = subprocess.run(
                command, env={**settings, "ARREARS_HOME": home}, check=True, stdout=subprocess.PIPE, text=True
            )
        return json.loads(said.stdout)

    return arrears("token", "create", "billing")["token"], arrears("services", "add", "cloud", service)["secret"]


def _verdict(
    cluster: Cluster, load: Load, service: CloudService, sandbox: SandboxAt, post: PostOffice
) -> dict[str, Any]:
    store = PostgresStore(cluster.url + "?target_session_attrs=primary")
    try:
        letters: Counter[str] = Counter()
        owing = {f"c{ref[1:]}@example.org" for ref in load.done.accounts if int(ref[1:]) % 4 == 0}

        def all_written_to() -> bool:
            letters.update(one.id for one in post.news())
            return owing <= post.addresses

        written = until(all_written_to, "the last letters", LETTERS_SECONDS_MAX)
        done = load.done
        lost = _lost(store, load)
        taken = Counter(line["attempt"].split("_")[1] for line in sandbox.control("book") if line["taken"])
        report = check_store(store)
        return {
            "patroni": cluster.patroni.says,
            "quorum": cluster.patroni.has_quorum,
            "faults": [one._asdict() for one in cluster.seen],
            "acknowledged": len(done.acknowledged),
            "accounts": len(done.accounts),
            "settled": len(done.settled),
            "paid": len(done.paid),
            "canceled": len(done.canceled),
            "came_back": len(done.came_back),
            "captures": sum(taken.values()),
            "letters": sum(letters.values()),
            "orders": sum(service.carried_out.values()),
            "last_letters_seconds": round(written, 1),
            "answers_that_were_none": dict(load.api.failures),
            "lost": lost,
            "refused": done.refused,
            "charged_twice": sum(1 for count in taken.values() if count > 1),
            "written_twice": sum(1 for count in letters.values() if count > 1),
            "ordered_twice": sum(1 for count in service.carried_out.values() if count > 1),
            "breaches": [str(breach) for breach in report.breaches][:10],
        }
    finally:
        store.close()


def _lost(store: PostgresStore, load: Load) -> list[str]:
    """What was answered and is not there."""
    done = load.done
    numbers = store.account_numbers(done.accounts)
    lost = [f"account {ref}" for ref in done.accounts if ref not in numbers]
    known = store.snapshots(list(numbers.values()))
    debts = {debt.number: debt for account in known.values() for debt in account.debts}
    books = {ref: store.invoices(number) for ref, number in numbers.items()}
    issued = {debt.number for book in books.values() for debt in book.values()} | set(debts)
    lost += [f"invoice {number}" for number in done.invoices if number not in issued]
    for ref in (*done.settled, *done.paid):
        if any(debt.open_minor for debt in known[numbers[ref]].debts):
            lost.append(f"payment of {ref}")
    return lost


def holds(figures: Mapping[str, Any]) -> bool:
    """Whether everything is as it must be."""
    wrong = ("lost", "refused", "charged_twice", "written_twice", "ordered_twice", "breaches")
    silent = max(one["silent_seconds"] for one in figures["faults"])
    return (
        not any(figures[name] for name in wrong)
        and figures["still_running"]
        and figures["a_copy_refuses"]
        and silent <= BACK_SECONDS_MAX
    )


def main() -> int:
    """One JSON object; exit code 1 where something was lost, came twice, or was late; 2 where this cannot be run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=1, help="how often every fault happens")
    parser.add_argument("--faults", nargs="*", default=[*FAULTS, "workers"], choices=[*FAULTS, "workers"])
    parser.add_argument("--patroni", default="patroni", help="the program, where it is not Debian's")
    parser.add_argument("--inside", default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was made is removed then too
    if options.inside:
        figures = torture(options.inside, patroni_at(options.patroni), options.rounds, options.faults)
        figures["holds"] = holds(figures)
        sys.stdout.write(json.dumps(figures, indent=2) + "\n")
        return 0 if figures["holds"] else 1
    lacks = missing(options.patroni)
    if os.geteuid() != 0 or lacks:
        what = "root" if os.geteuid() else f"apt-get install --no-install-recommends {' '.join(lacks)}"
        sys.stderr.write(f"torture.cluster makes network namespaces and a cluster in them; it needs {what}\n")
        return 2
    net = Net(secrets.token_hex(2))
    try:
        net.make()
        command = ["ip", "netns", "exec", net.hub, sys.executable, "-m", "torture.cluster", *sys.argv[1:]]
        return subprocess.run([*command, "--inside", net.hub.rpartition("-")[2]], cwd=ROOT, check=False).returncode
    finally:
        net.end()


if __name__ == "__main__":
    sys.exit(main())
