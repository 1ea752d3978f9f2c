"""The wheel alone, without the source tree beside it, is a whole arrears."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from arrears.store.server import EmbeddedServer

ROOT = Path(__file__).parents[1]


def ran(command: list[str | Path], **environment: str) -> str:
    """Run a command outside the source tree and without the caller's settings of ours; return what it printed."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("ARREARS_", "PYTHON"))}
    done = subprocess.run(command, cwd="/", env=kept | environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    ran([sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT])
    (built,) = folder.glob("arrears-*.whl")
    return built


@pytest.fixture(scope="module")
def programs(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` of an environment with the wheel in it, that borrows the installed packages it depends on."""
    place = tmp_path_factory.mktemp("installed")
    venv.create(place, symlinks=True)
    python = place / "bin" / "python"
    ran([sys.executable, "-m", "pip", "--python", python, "install", "--no-index", "--no-deps", "--quiet", wheel])
    own = sysconfig.get_path("purelib", vars={"base": str(place)})
    # A path in a .pth file does not have its own .pth files read, so the editable source tree stays out.
    Path(own, "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python.parent


def test_the_wheel_holds_every_file_of_the_package_and_the_example_that_the_demo_starts(wheel: Path) -> None:
    package, receiver = ROOT / "src" / "arrears", ROOT / "receiver" / "src" / "arrears_receiver"
    files = [path for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    wanted = {path.relative_to(ROOT / "src").as_posix() for path in files}
    wanted |= {f"arrears_example/arrears_receiver/{path.name}" for path in receiver.iterdir() if path.is_file()}
    wanted.add("arrears_example/files_service.py")
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("arrears") and "-" not in name}
    assert packed == wanted
    assert {".py", ".toml", ".sql", ".typed"} <= {Path(name).suffix for name in packed}


@pytest.mark.turn(2)
def test_the_installed_command_says_its_version(programs: Path) -> None:
    assert ran([programs / "arrears", "--version"]).startswith("arrears ")
    where = ran([programs / "python", "-c", "import arrears; print(arrears.__path__[0])"])
    assert where.startswith(str(programs.parent))


@pytest.mark.long
@pytest.mark.skipif(importlib.util.find_spec("arrears.cli.demo") is None, reason="there is no demo yet")
def test_the_installed_demo_runs(programs: Path, short_folder: Path) -> None:
    home = short_folder / "demo"
    try:
        assert ran([programs / "arrears", "demo", "--no-serve"], ARREARS_HOME=str(home))
    finally:
        EmbeddedServer(home).stop()
