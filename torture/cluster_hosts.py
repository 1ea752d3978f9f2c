"""The hosts of `torture.cluster`: network namespaces on one bridge, three with PostgreSQL under Patroni and etcd.

No packet leaves the machine: the bridge leads nowhere else. Everything is made here and is gone with the process that
made it: the namespaces are removed, and the disks of the databases are memory that only its mount namespace has.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

NET: Final = "10.77.0"
HUB: Final = f"{NET}.1"
DATABASE_HOSTS: Final = ("db1", "db2", "db3")
WORK_HOSTS: Final = ("app1", "app2")
ADDRESS: Final = {
    **{name: f"{NET}.{11 + n}" for n, name in enumerate(DATABASE_HOSTS)},
    **{name: f"{NET}.{21 + n}" for n, name in enumerate(WORK_HOSTS)},
}
USER: Final = "postgres"
"""PostgreSQL does not run as root; Debian's packages make this user."""
BIN: Final = "/usr/lib/postgresql/15/bin"
DISK_MB: Final = 700
FREE_MIN: Final = 0.03
"""A primary with less of its disk free hands over."""
KEPT_BY_START: Final = len(["ip", "netns", "exec", "space", "setpriv", "--reuid", "--regid", "--clear-groups"])
"""So many words stand before a command that is run on a host as another user."""
TTL_SECONDS: Final = 20
"""So long a primary that is not heard of keeps its place: Patroni takes no less."""
_DIRECT: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def run(*command: str) -> str:
    """What a command of the system says; CalledProcessError where it fails."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def until(so: Callable[[], bool], what: str, seconds: float = 120) -> float:
    """How long it takes until something is so; an AssertionError after `seconds`."""
    began = time.monotonic()
    while not so():
        assert time.monotonic() < began + seconds, f"{what}: not within {seconds:.0f} s"
        time.sleep(0.1)
    return time.monotonic() - began


class Net:
    """The hosts, by name: each a network namespace with one line to the bridge. `mark` keeps two tortures apart."""

    def __init__(self, mark: str) -> None:
        self._mark = mark

    @property
    def hub(self) -> str:
        """The namespace of the bridge, in which this torture itself runs, with the world outside."""
        return f"arrears-{self._mark}"

    def space(self, host: str) -> str:
        """The namespace of a host."""
        return f"{self.hub}-{host}"

    def make(self) -> None:
        """Make the bridge and its namespace; from outside of it."""
        run("ip", "netns", "add", self.hub)
        self._in(self.hub, "ip", "link", "set", "lo", "up")
        self._in(self.hub, "ip", "link", "add", "br0", "type", "bridge")
        self._in(self.hub, "ip", "address", "add", f"{HUB}/24", "dev", "br0")
        self._in(self.hub, "ip", "link", "set", "br0", "up")
        for host in ADDRESS:
            run("ip", "netns", "add", self.space(host))
            self._in(self.hub, "ip", "link", "add", host, "type", "veth", "peer", "eth0", "netns", self.space(host))
            self._in(self.hub, "ip", "link", "set", host, "master", "br0", "up")
            self._in(self.space(host), "ip", "link", "set", "lo", "up")
            self._in(self.space(host), "ip", "address", "add", f"{ADDRESS[host]}/24", "dev", "eth0")
            self._in(self.space(host), "ip", "link", "set", "eth0", "up")

    def end(self) -> None:
        """Remove all of it."""
        for space in (*map(self.space, ADDRESS), self.hub):
            with suppress(subprocess.CalledProcessError):
                run("ip", "netns", "delete", space)

    def cut(self, host: str) -> None:
        """Its line is cut: nothing comes or goes, and nobody is told."""
        run("ip", "link", "set", host, "nomaster")

    def mend(self, host: str) -> None:
        """Its line is whole again."""
        run("ip", "link", "set", host, "master", "br0")

    def start(
        self, host: str, log: Path, *command: str, user: str = "", environment: Mapping[str, str] | None = None
    ) -> subprocess.Popen[str]:
        """A process on a host, the head of a group of its own."""
        as_user = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"] if user else []
        with log.open("ab") as said:
            return subprocess.Popen(
                ["ip", "netns", "exec", self.space(host), *as_user, *command],
                env=None if environment is None else dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                text=True,
                start_new_session=True,
            )

    def _in(self, space: str, *command: str) -> None:
        run("ip", "netns", "exec", space, *command)


class Patroni(NamedTuple):
    """Which Patroni: the program, and what it says of itself ("patroni 4.1.5")."""

    path: str
    says: str

    @property
    def has_quorum(self) -> bool:
        """Whether a commit can wait for any one of the others (since 4.0); before it is one that is named."""
        return int(self.says.split()[1].partition(".")[0]) >= 4

    @property
    def followers(self) -> Mapping[str, int]:
        """What the hosts beside the primary are when all is well."""
        return {"sync_standby": 2} if self.has_quorum else {"sync_standby": 1, "replica": 1}


class DatabaseHost:
    """A host with a node of etcd, and PostgreSQL under Patroni, all on a small disk of its own."""

    def __init__(self, net: Net, name: str, folder: Path, patroni: Patroni) -> None:
        self.net, self.name, self.folder, self.patroni = net, name, folder / name, patroni
        self.address = ADDRESS[name]
        self.disk = self.folder / "disk"
        self.disk.mkdir(parents=True)
        run("mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m,mode=0755", "tmpfs", str(self.disk))
        for path in (self.folder, self.disk):
            shutil.chown(path, USER, USER)
        self._processes: dict[str, subprocess.Popen[str]] = {}
        self._etcd_knows = "new"
        self._on = threading.Event()

    def start(self) -> None:
        """Switch the host on."""
        settings = self.folder / "patroni.json"  # JSON is YAML
        settings.write_text(json.dumps(self._patroni()))
        self._run("etcd", *self._etcd())
        self._run("patroni", self.patroni.path, str(settings))
        self._on = threading.Event()
        self._on.set()
        threading.Thread(target=self._stays_up, args=(self._on,), daemon=True).start()

    def _run(self, what: str, *command: str) -> None:
        self._processes[what] = self.net.start(self.name, self.folder / f"{what}.log", *command, user=USER)

    def _etcd(self) -> list[str]:
        peers = ",".join(f"{name}=http://{ADDRESS[name]}:2380" for name in DATABASE_HOSTS)
        here = f"http://{self.address}"
        etcd = ["etcd", "--name", self.name, "--data-dir", str(self.disk / "etcd"), "--initial-cluster", peers]
        etcd += ["--listen-peer-urls", f"{here}:2380", "--initial-advertise-peer-urls", f"{here}:2380"]
        etcd += ["--listen-client-urls", f"{here}:2379", "--advertise-client-urls", f"{here}:2379"]
        etcd += ["--initial-cluster-state", self._etcd_knows, "--logger", "zap"]
        self._etcd_knows = "existing"
        return etcd

    def _stays_up(self, on: threading.Event) -> None:
        """What the system of a host does by itself: what ended is started anew, and a primary whose disk is nearly full
        hands over, as Patroni does not look at disks."""
        while on.is_set():
            time.sleep(2)
            for what, process in list(self._processes.items()):
                if on.is_set() and process.poll() is not None:
                    self._run(what, *map(str, process.args[KEPT_BY_START:]))  # type: ignore[index]
            disk = shutil.disk_usage(self.disk)
            if on.is_set() and disk.free < disk.total * FREE_MIN and self.role() == "primary":
                self.hand_over()

    def hand_over(self) -> None:
        """Another host is to write."""
        self._control("switchover", "--force")

    def rebuild(self) -> None:
        """Its copy is thrown away and made anew from the primary."""
        self._control("reinit", "arrears", self.name, "--force")

    def _control(self, *words: str) -> None:
        command = [f"{self.patroni.path}ctl", "-c", str(self.folder / "patroni.json"), *words]
        subprocess.run(command, check=False, capture_output=True, timeout=60)

    def _patroni(self) -> dict[str, Any]:
        who = {"username": "postgres", "password": "postgres"}
        parameters = {"max_connections": 60, "shared_buffers": "64MB", "max_wal_size": "96MB", "min_wal_size": "32MB"}
        parameters |= {"wal_keep_size": "0", "wal_log_hints": "on", "wal_sender_timeout": "10s"}
        parameters |= {"wal_receiver_timeout": "10s", "synchronous_commit": "on", "max_slot_wal_keep_size": "128MB"}
        parameters |= {"log_checkpoints": "off", "track_commit_timestamp": "on"}
        return {
            "scope": "arrears",
            "name": self.name,
            "restapi": {"listen": f"{self.address}:8008", "connect_address": f"{self.address}:8008"},
            "etcd3": {"hosts": [f"{ADDRESS[name]}:2379" for name in DATABASE_HOSTS]},
            "bootstrap": {
                "dcs": {
                    "ttl": TTL_SECONDS,
                    "loop_wait": 3,
                    "retry_timeout": 5,
                    "maximum_lag_on_failover": 1_048_576,
                    "master_start_timeout": 10,
                    # A commit is only answered when a second host has it on disk, and only that one can be promoted.
                    "synchronous_mode": "quorum" if self.patroni.has_quorum else True,
                    "synchronous_mode_strict": True,
                    "postgresql": {"use_pg_rewind": True, "parameters": parameters},
                },
                "initdb": [{"encoding": "UTF8"}, {"locale": "C.UTF-8"}, "data-checksums"],
            },
            "postgresql": {
                "listen": f"{self.address}:5432",
                "connect_address": f"{self.address}:5432",
                "data_dir": str(self.disk / "data"),
                "bin_dir": BIN,
                "pgpass": str(self.folder / "pgpass"),
                "parameters": {"unix_socket_directories": str(self.folder)},
                "pg_hba": [f"host all all {NET}.0/24 scram-sha-256", f"host replication all {NET}.0/24 scram-sha-256"],
                "authentication": {"superuser": who, "rewind": who, "replication": who},
            },
        }

    def role(self) -> str:
        """What its Patroni says that it is: `primary`, `sync_standby` (it follows in step, or counts for a quorum),
        `replica`; empty where it does not answer."""
        with suppress(OSError, ValueError), _DIRECT.open(f"http://{self.address}:8008/patroni", timeout=2) as answer:
            said = json.loads(answer.read())
            if said.get("state") == "running":
                in_step = said.get("sync_standby") or said.get("quorum_standby")
                role = "sync_standby" if in_step else str(said.get("role", ""))
                return "primary" if role == "master" else role
        return ""

    def pids(self) -> list[int]:
        """Every process of the host."""
        found = run("ip", "netns", "pids", self.net.space(self.name)).split()
        return [int(pid) for pid in found]

    def signal(self, how: signal.Signals) -> None:
        """Send every process of the host a signal."""
        for pid in self.pids():
            with suppress(ProcessLookupError):
                os.kill(pid, how)

    def lose_power(self) -> None:
        """All of it ends at once, and what its memory held is lost; the disk stays."""
        self._on.clear()
        while self.pids():
            self.signal(signal.SIGKILL)
            time.sleep(0.02)
        for one in self._processes.values():
            one.wait()

    def pause(self) -> None:
        """The machine stands still, its network too, as a virtual one that is moved."""
        self.net.cut(self.name)
        self.signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """It goes on as if no time had passed."""
        self.signal(signal.SIGCONT)
        self.net.mend(self.name)

    def fill_disk(self) -> None:
        """Something else writes its disk full."""
        with suppress(OSError), (self.disk / "filler").open("wb") as file:
            while True:
                file.write(bytes(1 << 20))
                file.flush()

    def empty_disk(self) -> None:
        """Somebody has made room."""
        (self.disk / "filler").unlink(missing_ok=True)


def patroni_at(path: str) -> Patroni:
    """The one at this path."""
    return Patroni(path, run(path, "--version").strip())


def missing(patroni: str) -> Sequence[str]:
    """What this machine lacks for a cluster, as Debian's packages."""
    needed = {patroni: "patroni", "etcd": "etcd-server", "ip": "iproute2", f"{BIN}/postgres": "postgresql-15"}
    return [package for program, package in needed.items() if shutil.which(program) is None]
