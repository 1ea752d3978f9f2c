"""A policy with a mistake is refused as a whole, with every mistake named (bad inputs 89 to 96)."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError, replace
from datetime import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arrears.core.errors import Refused
from arrears.core.policy import ClockScope, Policy, default_policy, diff_policies, load_policy, policy_text
from arrears.core.policy.checks import StepAhead, ladder_mistakes
from arrears.core.policy.values import KEYS

LEAST = 'name = "mine"\n[delete]\nretention_days = 90\n'
NEVER_DAYS = 10**6
DANGER = "a deletion setting left blank once erased"


def mistakes(text: str) -> list[str]:
    with pytest.raises(Refused) as refusal:
        load_policy(text, where="p.toml")
    assert refusal.value.code == "bad_policy"
    assert refusal.value.exit_code == 2
    lines = refusal.value.message.splitlines()
    assert all(line.startswith("p.toml: ") for line in lines)
    assert all(len(line) < 400 for line in lines)
    return [line.removeprefix("p.toml: ") for line in lines]


def changed(table: str, key: str, value: str) -> str:
    """The canonical default policy with one key written differently, or added."""
    top, *tables = policy_text(default_policy()).split("\n[")
    parts = {"": top} | {part.partition("]")[0]: f"[{part}" for part in tables}
    lines = parts.get(table, f"[{table}]").strip().splitlines()
    kept = [line for line in lines if not line.startswith(f"{key} =")]
    parts[table] = "\n".join([*kept, f"{key} = {value}"])
    return "\n".join(parts.values()) + "\n"


def test_the_default_policy_is_the_specified_ladder() -> None:
    policy = default_policy()
    assert policy.remind_days == (0, 3, 7, 14)
    assert (policy.disable_warning_days, policy.disable_after_days, policy.disable_lead_days) == ((21, 28), 30, 7)
    assert (policy.restrict_after_days, policy.restrict_warning_days) == (None, ())
    assert (policy.retention_days, policy.delete_warning_days) == (90, (30, 60, 75, 83, 87, 89))
    assert (policy.delete_lead_days, policy.delete_cool_off_hours) == (7, 24)
    assert (policy.scope, policy.notice_at, policy.name) == (ClockScope.SUBSCRIPTION, time(9), "default")
    assert policy.tolerance_minor.get("EUR", 0) == policy.minimum_minor.get("EUR", 0) == 0


def test_what_a_file_leaves_out_has_the_default_value() -> None:
    assert replace(load_policy(LEAST, where="p.toml"), name="default") == default_policy()


def test_a_stage_that_never_begins_has_nothing_else() -> None:
    never = load_policy('name = "kept"\n[disable]\nafter_days = "never"\n[delete]\nretention_days = "never"', where="")
    assert (never.disable_after_days, never.disable_warning_days) == (None, ())
    assert (never.retention_days, never.delete_warning_days) == (None, ())
    assert policy_text(never).endswith('[disable]\nafter_days = "never"\n\n[delete]\nretention_days = "never"\n')
    lines = mistakes('name = "x"\n[disable]\nafter_days = "never"\nlead_days = 9\n[delete]\nretention_days = "Never"')
    assert lines[0] == 'disable.lead_days: is 9, and means nothing beside disable.after_days = "never"; take it out'
    assert "delete.retention_days: is 'Never'; write a whole number of days from 30 to 3650 or \"never\"" in lines[1]


def test_every_key_is_read() -> None:
    text = """
        name = "strict-1"
        notice_at = 08:30:00
        scope = "account"
        [remind]
        days = [0, 5]
        before_due_days = 3
        [restrict]
        after_days = 12
        warning_days = [4, 9]
        lead_days = 5
        [disable]
        after_days = 40
        warning_days = [20]
        lead_days = 14
        [delete]
        retention_days = 60
        warning_days = [1, 50]
        lead_days = 30
        cool_off_hours = 48
        [tolerance]
        EUR = 100
        JPY = 0
        [minimum]
        KWD = 5000
    """
    policy = load_policy(text, where="p.toml")
    assert policy == Policy(
        name="strict-1",
        remind_days=(0, 5),
        before_due_days=3,
        restrict_after_days=12,
        restrict_warning_days=(4, 9),
        restrict_lead_days=5,
        disable_after_days=40,
        disable_warning_days=(20,),
        disable_lead_days=14,
        retention_days=60,
        delete_warning_days=(1, 50),
        delete_lead_days=30,
        delete_cool_off_hours=48,
        scope=ClockScope.ACCOUNT,
        tolerance_minor={"EUR": 100},
        minimum_minor={"KWD": 5000},
        notice_at=time(8, 30),
    )
    assert load_policy(policy_text(policy), where="p.toml") == policy


def test_a_key_that_is_off_is_not_in_the_text_so_that_a_new_one_changes_no_version() -> None:
    policy = load_policy(LEAST, where="p.toml")
    keys = {**KEYS, "delete_lead_days": KEYS["delete_lead_days"]._replace(off=policy.delete_lead_days)}
    line = f"lead_days = {policy.delete_lead_days}\n"
    before, _, after = policy_text(policy).rpartition(line)
    assert policy_text(policy, keys) == before + after


def test_the_version_is_of_the_contents_and_not_of_the_writing() -> None:
    plain = load_policy(LEAST, where="a.toml")
    written = (
        '# ours\nname="mine"\n\n[delete]\nretention_days = 9_0 # days\n'
        "[tolerance]\nEUR = 0\n[remind]\ndays=[0,3,\n7,14]\n"
    )
    assert load_policy(written, where="b.toml").version == plain.version
    assert len(plain.version) == 16
    assert set(plain.version) <= set("0123456789abcdef")


def test_every_promise_is_in_the_version() -> None:
    base = load_policy(changed("restrict", "after_days", "16\nwarning_days = [5]"), where="p.toml")
    others = [
        replace(base, name="b"),
        replace(base, remind_days=(0,)),
        replace(base, restrict_after_days=17),
        replace(base, restrict_warning_days=(6,)),
        replace(base, restrict_lead_days=6),
        replace(base, disable_after_days=31),
        replace(base, disable_warning_days=(21,)),
        replace(base, disable_lead_days=8),
        replace(base, retention_days=91),
        replace(base, delete_warning_days=(30,)),
        replace(base, delete_lead_days=8),
        replace(base, delete_cool_off_hours=25),
        replace(base, scope=ClockScope.ACCOUNT),
        replace(base, tolerance_minor={"EUR": 1}),
        replace(base, minimum_minor={"EUR": 1}),
        replace(base, notice_at=time(9, 1)),
    ]
    assert len({base.version, *(other.version for other in others)}) == len(others) + 1
    assert len({base, *others}) == len(others) + 1


def test_a_policy_cannot_be_changed_and_can_be_copied() -> None:
    policy = default_policy()
    with pytest.raises(FrozenInstanceError):
        policy.retention_days = 1  # type: ignore[misc]
    assert pickle.loads(pickle.dumps(policy)) == copy.deepcopy(policy) == policy


@pytest.mark.parametrize(
    "value", ['""', '"90"', "0", "-1", "1", "29", "3651", "90.0", "1e9", "true", "[]", "{}", "nan", "1979-05-27"]
)
def test_a_retention_that_is_not_a_clear_number_is_refused_with_the_danger(value: str) -> None:
    (line,) = mistakes(changed("delete", "retention_days", value))
    assert line.startswith("delete.retention_days: is ")
    assert "from 30 to 3650" in line
    assert DANGER in line


@pytest.mark.parametrize(
    "text", ['name = "mine"\n', 'name = "mine"\n[delete]\n', 'name = "mine"\n[delete]\nlead_days = 7\n']
)
def test_a_missing_retention_is_refused_with_the_danger(text: str) -> None:
    (line,) = mistakes(text)
    assert line.startswith("delete.retention_days: is missing; under [delete] write ")
    assert DANGER in line


@pytest.mark.parametrize("days", [30, 3650])
def test_the_ends_of_the_retention_span_are_allowed(days: int) -> None:
    text = f'name = "mine"\n[delete]\nretention_days = {days}\nwarning_days = [10]\n'
    assert load_policy(text, where="p.toml").retention_days == days


@pytest.mark.parametrize(
    ("table", "key", "hint"),
    [
        ("delete", "retention_dayz", "did you mean retention_days?"),
        ("disable", "after_day", "did you mean after_days?"),
        ("", "nam", "did you mean name?"),
        ("", "scop", "did you mean scope?"),
        ("", "retention_days", "did you mean retention_days under [delete]?"),
        ("remind", "notice_at", "did you mean notice_at above the first table?"),
        ("delete", "zzz", "write one of retention_days, warning_days, lead_days, cool_off_hours"),
        ("delet", "lead_days", "did you mean delete?"),
        ("remind", '"a\\nb"', "write one of days"),
        ("remind.days2", "x", "did you mean days?"),
    ],
)
def test_an_unknown_key_is_an_error_that_names_the_nearest(table: str, key: str, hint: str) -> None:
    text = f"{key} = 1\n{LEAST}" if not table else f"{LEAST}[{table}]\n{key} = 1\n"
    if table == "delete":
        text = f"{LEAST}{key} = 1\n"
    (line,) = mistakes(text)
    assert "is unknown; " in line
    assert hint in line


@pytest.mark.parametrize(
    ("table", "key", "value", "named"),
    [
        ("", "name", '""', "name: is blank"),
        ("", "name", '"A policy"', "name: is 'A policy'"),
        ("", "name", "5", "name: is 5"),
        ("", "scope", '"acount"', 'scope: is \'acount\'; write "subscription" or "account"'),
        ("", "scope", "true", "scope: is true"),
        ("", "notice_at", '"9"', "notice_at: is '9'"),
        ("", "notice_at", '"24:00"', "notice_at: is '24:00'"),
        ("", "notice_at", "09:00:01", "notice_at: is 09:00:01"),
        ("", "notice_at", "2026-01-01", "notice_at: is 2026-01-01"),
        *(
            ("cancel", "by_customer", way, f'cancel.by_customer: is {said}; write "here", or an address of yours')
            for way, said in (
                ('""', "blank"),
                ("true", "true"),
                ('"there"', "'there'"),
                ('"http://a.nl"', "'http://a.nl'"),
            )
        ),
        ("cancel", "by_customer", '"javascript:alert(1)"', "cancel.by_customer: is 'javascript:alert(1)'"),
        ("remind", "days", "[]", "remind.days: is empty"),
        ("remind", "days", "0", "remind.days: is 0, not a list"),
        ("remind", "days", "[3, 7]", "remind.days: starts on day 3"),
        ("remind", "days", "[-1, 0]", "remind.days: has -1"),
        ("remind", "days", "[0, 3, 3]", "remind.days: has 3 after 3"),
        ("remind", "days", "[0, 7, 3]", "remind.days: has 3 after 7"),
        ("remind", "days", "[0, true]", "remind.days: has true"),
        ("remind", "days", "[0, 3.0]", "remind.days: has 3.0"),
        ("remind", "days", '[0, "3"]', "remind.days: has '3'"),
        ("remind", "days", "[0, 3, 130]", "remind.days: day 130 is never reached: deletion is on day 120"),
        ("disable", "after_days", "true", "disable.after_days: is true"),
        ("disable", "after_days", "30.0", "disable.after_days: is 30.0"),
        ("disable", "after_days", "0", "disable.after_days: is 0"),
        ("disable", "after_days", "28", "disable.warning_days: day 28 is not before disable.after_days (28)"),
        ("disable", "warning_days", "[]", "disable.warning_days: is empty; nobody is disabled without a warning"),
        ("disable", "warning_days", "[28]", "disable.warning_days: the first warning on day 28 and disable.lead_days"),
        ("disable", "warning_days", "[14, 28]", "disable.warning_days: day 14 is also in remind.days"),
        ("disable", "warning_days", "[21, 31]", "disable.warning_days: day 31 is not before"),
        ("disable", "lead_days", "10", "disable.warning_days: the first warning on day 21"),
        ("disable", "lead_days", "0", "disable.lead_days: is 0"),
        ("delete", "warning_days", "[]", "delete.warning_days: is empty; nobody is deleted without a warning"),
        ("delete", "warning_days", "[89]", "delete.warning_days: the first warning on day 89"),
        ("delete", "warning_days", "[60, 90]", "delete.warning_days: day 90 is not before delete.retention_days"),
        ("delete", "warning_days", "[0, 60]", "delete.warning_days: has 0"),
        ("delete", "retention_days", "89", "delete.warning_days: day 89 is not before delete.retention_days (89)"),
        ("delete", "cool_off_hours", "23", "delete.cool_off_hours: is 23; write a whole number of hours from 24"),
        ("delete", "cool_off_hours", "0", "delete.cool_off_hours: is 0"),
        ("restrict", "after_days", "20", "restrict.warning_days: is empty; nobody is restricted without a warning"),
        ("restrict", "warning_days", "[5]", "restrict.after_days: is missing"),
        ("restrict", "after_days", "30\nwarning_days = [5]", "restrict.after_days: is 30, not before disable"),
        (
            "restrict",
            "after_days",
            "21\nwarning_days = [5]",
            "restrict.after_days: day 21 is also in disable.warning_days",
        ),
        ("restrict", "after_days", "20\nwarning_days = [7]", "restrict.warning_days: day 7 is also in remind.days"),
        ("restrict", "after_days", "10\nwarning_days = [4]", "restrict.warning_days: the first warning on day 4"),
        ("tolerance", "eur", "0", "tolerance.eur: 'eur' is not a currency; write EUR"),
        ("tolerance", "XXX", "0", "tolerance.XXX: 'XXX' is not a currency"),
        ("tolerance", "EUR", "-1", "tolerance.EUR: is -1"),
        ("tolerance", "EUR", "1.5", "tolerance.EUR: is 1.5"),
        ("minimum", "EUR", "true", "minimum.EUR: is true"),
        ("minimum", "EUR", '"1"', "minimum.EUR: is '1'"),
    ],
)
def test_one_wrong_value_is_one_line_that_names_its_key(table: str, key: str, value: str, named: str) -> None:
    (line,) = mistakes(changed(table, key, value))
    assert line.startswith(named)


@pytest.mark.parametrize("table", ["remind", "restrict", "disable", "delete", "tolerance", "minimum"])
@pytest.mark.parametrize("value", ["5", '""', "[[1]]", "[{lead_days = 1}]"])
def test_a_table_that_is_a_value_is_refused(table: str, value: str) -> None:
    text = f'{table} = {value}\nname = "mine"\n' + ("" if table == "delete" else "[delete]\nretention_days = 90\n")
    (line,) = mistakes(text)
    assert line.startswith(f"{table}: is ")
    assert f"write [{table}]" in line


def test_disabling_before_the_first_reminder_is_refused() -> None:
    lines = mistakes(changed("remind", "days", "[35]"))
    assert "disable.after_days: is 30, before the first reminder (day 35); remind first" in lines
    assert any(line.startswith("remind.days: starts on day 35") for line in lines)


def test_every_mistake_of_a_file_is_told_at_once() -> None:
    lines = mistakes(
        'scop = "account"\nnotice_at = 9\n[remind]\ndays = [0, 3, 21]\n[disable]\nlead_days = "7"\n'
        '[delete]\nretention_days = ""\ncool_off_hours = 1\n[tolerance]\neur = 5\nUSD = -1\n'
    )
    assert [line.split(":")[0] for line in lines] == [
        "name",
        "notice_at",
        "disable.lead_days",
        "delete.retention_days",
        "delete.cool_off_hours",
        "tolerance.eur",
        "tolerance.USD",
        "scop",
        "disable.warning_days",
    ]


def test_a_mistake_with_a_default_says_that_the_key_is_not_in_the_file() -> None:
    (line,) = mistakes(f"{LEAST}[disable]\nafter_days = 28\n")
    assert line.endswith("(the file has no disable.warning_days, so the default counts)")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('name = "a"\nretention_days 90\n', "line 2"),
        ('name = "a"\nname = "b"\n', "line 2"),
        ("name = ", "line 1"),
        ("[delete]\nretention_days = ", "line 2"),
        ("name: default\nretention_days: 90\n", "it looks like YAML"),
        ("!!python/object/apply:os.system ['true']", "it looks like YAML"),
        ("a: &a [x, x]\nb: &b [*a, *a]\n", "it looks like YAML"),
        ('{"name": "default"}', "is not TOML"),
        ("\x00", "is not TOML"),
        ("a = " + "[" * 5_000, "nested too deeply"),
        ("a = " + "9" * 5_000, "thousands of digits"),
        ("#" * 70_000, "has more than 65536 characters"),
    ],
)
def test_what_is_not_toml_is_refused_in_one_line(text: str, said: str) -> None:
    (line,) = mistakes(text)
    assert said in line


def test_a_number_too_long_to_write_out_is_still_refused_in_a_line() -> None:
    (line,) = mistakes(changed("delete", "retention_days", "0x" + "f" * 30_000))
    assert line.startswith("delete.retention_days: is a huge number")


def test_an_empty_text_lacks_a_name_and_a_retention() -> None:
    assert [line.split(":")[0] for line in mistakes("")] == ["name", "delete.retention_days"]


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Policies without a mistake: distinct days on one ladder, every cut warned in time."""
    lead = draw(st.integers(1, 20))
    warn = draw(st.integers(1, 40))
    restricts = draw(st.booleans())
    restrict_after = warn + 1 + lead
    disable_after = restrict_after + draw(st.integers(2, 40))
    taken = {warn, warn + 1, restrict_after, disable_after}
    reminders = draw(st.sets(st.integers(1, 60)))
    disables, deletes = draw(st.booleans()), draw(st.booleans())
    retention = draw(st.integers(60, 3650)) if deletes else None
    warnings = st.sets(st.integers(1, 59 - 20), min_size=1, max_size=9)
    return Policy(
        name=draw(st.from_regex(r"[a-z0-9][a-z0-9_-]{0,20}", fullmatch=True)),
        remind_days=(0, *sorted(reminders - taken)),
        before_due_days=draw(st.integers(0, 60)),
        business_days=(business_days := draw(st.booleans())),
        cancel_by_customer=draw(st.sampled_from(["", "here", "https://example.org/cancel?of=us"])),
        holidays=draw(st.sampled_from(["", "NL", "DE-BY"])) if business_days else "",
        retry_days=tuple(sorted(draw(st.sets(st.integers(1, 60), max_size=5)))),
        retry_attempts_max=draw(st.integers(0, 50)),
        restrict_after_days=restrict_after if restricts else None,
        restrict_warning_days=(warn,) if restricts else (),
        restrict_lead_days=lead if restricts else 7,
        disable_after_days=disable_after if disables else None,
        disable_warning_days=(warn + 1,) if disables else (),
        disable_lead_days=lead if disables else 7,
        retention_days=retention,
        delete_warning_days=tuple(sorted(draw(warnings))) if deletes else (),
        delete_lead_days=draw(st.integers(1, 20)) if deletes else 7,
        delete_cool_off_hours=draw(st.integers(24, 720)) if deletes else 24,
        scope=draw(st.sampled_from(ClockScope)),
        tolerance_minor=draw(st.dictionaries(st.sampled_from(["EUR", "JPY", "KWD"]), st.integers(0, 10**15))),
        minimum_minor=draw(st.dictionaries(st.sampled_from(["EUR", "USD"]), st.integers(0, 10**15))),
        notice_at=time(draw(st.integers(0, 23)), draw(st.integers(0, 59))),
    )


@given(policies())
def test_what_is_written_loads_back_equal(policy: Policy) -> None:
    loaded = load_policy(policy_text(policy), where="p.toml")
    assert loaded == policy
    assert (loaded.version, policy_text(loaded), hash(loaded)) == (policy.version, policy_text(policy), hash(policy))


@settings(max_examples=50)
@given(policies(), policies())
def test_policies_differ_exactly_if_their_versions_do(one: Policy, other: Policy) -> None:
    assert bool(diff_policies(one, other)) == (one.version != other.version)
    assert diff_policies(one, one) == []


@settings(max_examples=50)
@given(policies(), policies())
def test_less_time_in_one_direction_is_never_unmarked(one: Policy, other: Policy) -> None:
    marked = " ".join(line for line in diff_policies(one, other) if line.endswith("(shortens a promise)"))
    days = [(p.disable_after_days or NEVER_DAYS, p.retention_days or NEVER_DAYS) for p in (one, other)]
    assert ("disabled after" in marked) == (days[1][0] < days[0][0])
    assert ("data is kept for" in marked) == (days[1][1] < days[0][1])
    both = one.retention_days is not None and other.retention_days is not None
    assert ("a scheduled deletion waits" in marked) == (
        both and other.delete_cool_off_hours < one.delete_cool_off_hours
    )


@settings(max_examples=200)
@given(st.text(max_size=200) | st.lists(st.sampled_from([*LEAST, "[", "]", "=", "\n", '"', "days", "9"])).map("".join))
def test_any_text_is_a_policy_or_refused(text: str) -> None:
    code = ""
    try:
        policy = load_policy(text, where="p.toml")
    except Refused as refusal:
        code = refusal.code
    assert code == "bad_policy" or load_policy(policy_text(policy), where="p.toml") == policy


@pytest.mark.parametrize(
    ("step", "day", "days", "said"),
    [
        ("delete.retention_days", 90, 2, []),
        ("delete.retention_days", 90, 50, []),
        ("delete.retention_days", None, 2, ["is 2, and delete.retention_days never comes; take it out"]),
        (
            "delete.retention_days", 90, 1,
            ["is 1: that is day 89, which delete.warning_days has too; put one step on a day"],
        ),
        (
            "delete.retention_days", 30, 10,
            ["is 10: that is day 20, before the first of delete.warning_days (30); write fewer days"],
        ),
        ("disable.after_days", 30, 5, []),
        (
            "disable.after_days", 30, 2,
            ["is 2: that is day 28, which disable.warning_days has too; put one step on a day"],
        ),
        ("disable.after_days", 30, 16, ["is 16: that is day 14, which remind.days has too; put one step on a day"]),
        ("disable.after_days", None, 5, ["is 5, and disable.after_days never comes; take it out"]),
    ],
)  # fmt: skip
def test_a_step_that_is_announced_ahead_comes_has_been_warned_of_and_has_its_morning_to_itself(
    step: str, day: int | None, days: int, said: list[str]
) -> None:
    ahead = StepAhead("remind.before_it_days", days, step, day)
    assert [(one.keys[0], one.text) for one in ladder_mistakes(default_policy(), [ahead])] == [
        ("remind.before_it_days", text) for text in said
    ]


def test_two_steps_are_not_announced_ahead_on_one_morning() -> None:
    ahead = [StepAhead(f"remind.before_{of}_days", 5, "disable.after_days", 30) for of in ("one", "two")]
    [mistake] = ladder_mistakes(default_policy(), ahead)
    assert mistake.keys == ("remind.before_two_days", "remind.before_one_days")
