"""The register of failpoints and the places that reach them are the same list, so that none is forgotten."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from arrears.core.errors import Refused
from arrears.engine.failpoints import DELIVERY_POINTS, MONEY_POINTS, POINTS, REFUND_POINTS, arm

ROOT = Path(__file__).parents[2]
PLACES = ("src/arrears/engine", "torture")


def calls(name: str) -> list[tuple[str, ast.Call]]:
    return [
        (path.relative_to(ROOT).as_posix(), node)
        for place in PLACES
        for path in sorted((ROOT / place).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == name
    ]


def test_every_registered_point_is_reached_somewhere_and_no_other() -> None:
    reached = {ast.literal_eval(call.args[0]) for _, call in calls("reached")}
    assert reached == {*POINTS, *MONEY_POINTS, *REFUND_POINTS, *DELIVERY_POINTS}


def test_every_point_has_its_other_side() -> None:
    names = {tuple(point.split(".")) for point in POINTS}
    opposite = {
        (family, side.replace("before", "*").replace("after", "before").replace("*", "after")) for family, side in names
    }
    assert opposite == names


@pytest.mark.parametrize("outside", ["send", "look_up", "order"])
def test_no_call_to_the_outside_is_made_where_there_is_no_failpoint(outside: str) -> None:
    """`send` is also what a batch does with finished units; a channel's and a service's calls are in one file."""
    found = [
        (name, ast.unparse(call.func))
        for name, call in calls(outside)
        if ast.unparse(call.func) in (f"channel.{outside}", f"services.{outside}")
    ]
    place = "perform" if outside == "order" else "handing_over"
    assert [name for name, _ in found] == [f"src/arrears/engine/{place}.py"]


@pytest.mark.sample(3)
@pytest.mark.parametrize("commit", ["accounts", "due", "open_accounts", "claim", "tick", "record_system"])
def test_a_function_that_commits_has_a_point_on_each_side(commit: str) -> None:
    for path in (ROOT / "src/arrears/engine").rglob("*.py"):
        if path.name in ("system.py", "becoming.py"):
            # Commands of a person's: one commit and nothing else, or given again where it died, which goes on with it.
            continue
        for function in ast.walk(ast.parse(path.read_text())):
            if not isinstance(function, ast.FunctionDef):
                continue
            body = ast.unparse(function)
            if f"store.{commit}(" in body:
                assert ".before_commit" in body, f"{path.name}: {function.name}"
                assert ".after_commit" in body, f"{path.name}: {function.name}"


def test_a_process_dies_at_the_named_point_when_it_is_reached_the_named_time() -> None:
    program = (
        "from arrears.engine.failpoints import arm, reached\n"
        "arm('send.before_call:3')\n"
        "for n in range(5): reached('send.after_call'); print(n, flush=True); reached('send.before_call')"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (ran.returncode, ran.stdout.split()) == (-signal.SIGKILL, ["0", "1", "2"])


@pytest.mark.turn(2)
def test_a_real_process_is_armed_by_its_environment() -> None:
    program = (
        "from arrears.engine.failpoints import reached; from arrears.wiring import settings\n"
        "settings(); reached('tick.after_commit')"
    )
    environment = {**os.environ, "ARREARS_FAILPOINT": "tick.after_commit:1"}
    ran = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert ran.returncode == -signal.SIGKILL, ran.stderr
    unarmed = subprocess.run([sys.executable, "-c", program], env={**environment, "ARREARS_FAILPOINT": ""})
    assert unarmed.returncode == 0


@pytest.mark.parametrize("spec", ["nowhere:1", "send.before_call", "send.before_call:0", "send.before_call:x", ":"])
def test_a_point_that_does_not_exist_is_refused(spec: str) -> None:
    with pytest.raises(Refused, match="names no point") as refused:
        arm(spec)
    assert refused.value.code == "bad_failpoint"
