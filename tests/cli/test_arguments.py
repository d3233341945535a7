"""From a command line to typed options; the rest is tested through the command."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import pytest

from testery_gate.api.time_limit import TookTooLong
from testery_gate.cli import arguments
from testery_gate.cli.arguments import GateOptions
from testery_gate.cli.check import check
from testery_gate.cli.connection import TOKEN_SECONDS
from testery_gate.cli.explain import explain
from testery_gate.cli.list_runs import all_described, list_runs
from testery_gate.cli.options import SHORT_CRITERIA, given
from testery_gate.cli.process import Machine, Process
from testery_gate.cli.run import run, run_options
from testery_gate.cli.wait import wait
from testery_gate.errors import UsageError
from testery_gate.judging.criteria import Criterion, parse_criterion
from testery_gate.judging.policy import Expectation, Policy
from testery_gate.model import Field
from testery_gate.runs.references import PipedRuns, RunReference
from testery_gate.runs.selection import Condition, Group, Query, Selection
from testery_gate.runs.start import Start, Variable
from testery_gate.waiting import interval
from testery_gate.waiting.signals import Interrupts

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DESCRIPTIONS = [
    pytest.param("--git-ref=main", id="git-ref"),
    pytest.param("--build-key=1", id="build-key"),
    pytest.param("--environment=dev", id="environment"),
    pytest.param("--project-id=0", id="project-id"),
    pytest.param("--name=x", id="name"),
    pytest.param("--include-tag=smoke", id="include-tag"),
    pytest.param("--status=PASS", id="status"),
    pytest.param("--latest", id="latest"),
    pytest.param("--each=name", id="each"),
    pytest.param("--all", id="all"),
    pytest.param("--deploy-id=7", id="deploy-id"),
]


def never(*_: object) -> Any:
    raise AssertionError("this is not asked for")


MACHINE = Machine(
    environment={"TESTERY_API_TOKEN": "token"},
    home=Path("/dev/null"),
    now=lambda: NOW,
    read_stdin=never,
    read_start=never,
    head_of_checkout=never,
    remote_of_checkout=never,
    file_at=never,
)


def context(command: click.Command, *words: str) -> click.Context:
    process = Process(interrupts=Interrupts(), machine=MACHINE)
    return command.make_context(command.name, list(words), obj=process)


def waiting(*words: str, machine: Machine = MACHINE) -> GateOptions:
    with context(wait, *words) as ctx:
        return arguments.wait_options(ctx.params, machine, given(ctx))


def checking(*words: str) -> GateOptions:
    with context(check, *words) as ctx:
        return arguments.check_options(ctx.params, MACHINE, given(ctx))


def listing(*words: str) -> Query:
    with context(list_runs, *words) as ctx:
        return all_described(ctx.params, MACHINE, given(ctx))


def explaining(*words: str) -> Policy:
    with context(explain, *words) as ctx:
        return arguments.explained_policy(ctx.params, MACHINE, given(ctx))


def query(*words: str) -> Query:
    target = waiting(*words).target
    assert isinstance(target, Query)
    return target


def selection(*words: str) -> Selection:
    return query(*words).selection


@pytest.mark.parametrize("given", DESCRIPTIONS)
def test_whatever_describes_a_run_makes_a_query(given: str) -> None:
    found = query(given, "--lookback=1d,50")
    assert (found.max_age, found.max_runs) == (timedelta(days=1), 50)


@pytest.mark.parametrize("given", DESCRIPTIONS)
def test_a_run_that_is_named_must_not_be_described_too(given: str) -> None:
    flag = given.partition("=")[0]
    with pytest.raises(UsageError, match=f"named and described, by {flag};") as error:
        waiting("1", given)
    assert "--expect" in error.value.advice


def test_without_either_it_is_a_usage_error_that_says_how_to() -> None:
    with pytest.raises(UsageError, match="no run is named or described") as error:
        waiting()
    assert "--git-ref auto" in error.value.advice


def test_conditions_are_combined_in_the_order_of_their_weight() -> None:
    words = "--status=fail --include-tag=a --include-tag=b --environment=dev --git-ref=main"
    assert selection(*words.split(), "--project-id=7").conditions == (
        Condition(field=Field.GIT_REF, wanted="main"),
        Condition(field=Field.ENVIRONMENT, wanted="dev"),
        Condition(field=Field.PROJECT_ID, wanted="7"),
        Condition(field=Field.INCLUDE_TAG, wanted="a"),
        Condition(field=Field.INCLUDE_TAG, wanted="b"),
        Condition(field=Field.STATUS, wanted="FAIL"),
    )


def test_what_is_wanted_is_read_as_the_runs_own_text_is() -> None:
    (condition,) = selection("--name=  Nightly \n  checkout ").conditions
    assert condition.wanted == "Nightly checkout"


@pytest.mark.parametrize(
    "words",
    [
        ["--git-ref="],
        ["--environment= "],
        ["--include-tag=", "--include-tag=smoke"],
        ["--name=\x1b[1m"],
    ],
)
def test_an_empty_condition_is_a_mistake_and_not_any_run(words: list[str]) -> None:
    flag = words[0].partition("=")[0]
    with pytest.raises(UsageError, match=f"{flag} is empty"):
        waiting(*words)


def test_each_and_all_exclude_each_other() -> None:
    with pytest.raises(UsageError, match="choose one"):
        waiting("--each=name", "--all")


@pytest.mark.parametrize(
    ("words", "every", "each"),
    [
        pytest.param("--latest", False, (), id="one"),
        pytest.param("--all", True, (), id="all"),
        pytest.param(
            "--each=project --each=name", False, (Group.PROJECT, Group.NAME), id="of groups"
        ),
        pytest.param("--deploy-id=7", True, (), id="a deploy's runs as a whole"),
        pytest.param("--deploy-id=7 --each=name", False, (Group.NAME,), id="or of groups"),
    ],
)
def test_how_many_runs_are_meant(words: str, every: bool, each: tuple[Group, ...]) -> None:
    chosen = selection(*words.split())
    assert (chosen.every, chosen.each) == (every, each)


def test_a_lookback_without_an_age_has_none() -> None:
    found = query("--latest", "--lookback=5")
    assert (found.max_age, found.max_runs) == (None, 5)


def test_runs_are_named_once_each() -> None:
    address = "https://testery.app/acme/test-runs/1"
    assert waiting("2", address, "1").target == (
        RunReference(run_id=2),
        RunReference(run_id=1, web_url=address),
    )


def test_runs_and_commits_come_from_the_machine_that_is_passed() -> None:
    machine = replace(
        MACHINE,
        read_stdin=lambda seconds: f"test_run_id: {seconds:.0f}",
        head_of_checkout=lambda: "abc1234\n",
    )
    assert waiting("3", "--expect=name= Nightly\x1b[31m  run").policy.expected == (
        Expectation(field=Field.NAME, value="Nightly run"),
    )
    options = waiting("3", "-", "3", "--expect=git-ref=auto", machine=machine)
    assert isinstance(options.target, PipedRuns)
    assert options.target.read(7) == (RunReference(run_id=3), RunReference(run_id=7))
    assert options.policy.expected == (Expectation(field=Field.GIT_REF, value="abc1234"),)
    found = waiting("--git-ref=auto", machine=machine).target
    assert str(found) == "run with git-ref abc1234"


@pytest.mark.parametrize(
    ("git_ref", "commit"),
    [
        ("c" * 40, "c" * 40),
        ("C" * 40, "c" * 40),
        ("c" * 64, "c" * 64),
        ("auto", "ab12" * 10),
        ("main", "ab12" * 10),
        ("ab12ab1", "ab12" * 10),
        ("AB12AB1", "ab12" * 10),
        ("ccccccc", None),
    ],
)
def test_a_status_is_of_the_commit_that_is_named_or_the_pipelines(
    git_ref: str, commit: str | None
) -> None:
    machine = replace(MACHINE, head_of_checkout=lambda: "ab12" * 10)
    host = waiting(f"--git-ref={git_ref}", "--commit-status", machine=machine).code_host
    assert host is not None
    assert host.commit() == commit


def test_a_slip_on_standard_input_is_a_usage_error_when_it_is_read() -> None:
    machine = replace(MACHINE, read_stdin=lambda _: "7\n20x")
    target = waiting("-", machine=machine).target
    assert isinstance(target, PipedRuns)
    with pytest.raises(UsageError, match="line 2 of standard input"):
        target.read(1)


def test_a_token_that_does_not_come_in_time_is_a_usage_error() -> None:
    def late(seconds: float) -> str:
        assert seconds == TOKEN_SECONDS
        raise TookTooLong

    with pytest.raises(UsageError, match="standard input did not end within 60 s"):
        waiting("7", "--token-file=-", machine=replace(MACHINE, read_stdin=late))


@pytest.mark.parametrize(
    ("words", "every"),
    [
        pytest.param("", True, id="all"),
        pytest.param("--environment=dev", True, id="all that are described"),
        pytest.param("--latest", False, id="the latest"),
        pytest.param("--each=name", False, id="of each group the newest"),
    ],
)
def test_a_list_has_all_runs_unless_fewer_are_asked_for(words: str, every: bool) -> None:
    found = listing(*words.split()).selection
    assert (found.every, found.most) == (every, 20)


def test_the_groups_that_can_be_named_are_those_there_are() -> None:
    (each,) = (option for option in wait.params if option.name == "each")
    assert isinstance(each.type, click.Choice)
    assert list(each.type.choices) == [group.value for group in Group]


SHORT: Mapping[str, tuple[str, str]] = {
    "--max-failed": ("5%", "fail_rate <= 5%"),
    "--min-passed": ("3", "passed >= 3"),
    "--min-pass-rate": ("99.5", "pass_rate >= 99.5%"),
    "--max-ignored": ("0", "ignored <= 0"),
    "--min-total": ("10", "total >= 10"),
    "--min-coverage": ("80%", "coverage >= 80%"),
    "--max-duration": ("90s", "duration <= 1m30s"),
}


def test_every_short_criterion_is_tried() -> None:
    assert [f"--{short.option_name}" for short in SHORT_CRITERIA] == list(SHORT)


@pytest.mark.parametrize(
    ("flag", "value", "meant"), [(flag, *rest) for flag, rest in SHORT.items()]
)
def test_a_short_criterion_decides_and_is_explained(flag: str, value: str, meant: str) -> None:
    criterion: Criterion = parse_criterion(meant)
    assert waiting("1", f"{flag}={value}").policy.required == (criterion,)
    assert explaining(f"{flag}={value}").required == (criterion,)
    words = ["--require=total >= 1", f"{flag}={value}"]
    assert waiting("1", *words).policy.required == (parse_criterion("total >= 1"), criterion)


def test_how_old_a_run_may_be() -> None:
    assert waiting("1", "--max-age=2d").policy.max_age == timedelta(days=2)
    assert waiting("1").policy.max_age is None


def test_a_wait_is_as_long_as_it_is_asked_to_be() -> None:
    found = waiting("1", "--timeout=90s", "--interval=5s", "--fail-fast", "--no-follow").waiting
    assert (found.timeout, found.appear_within, found.patience) == (90, 10, 0)
    assert found.poll_interval([]) == 5
    assert (found.fail_fast, found.follow) == (True, False)


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        pytest.param("--latest", 120, id="described"),
        pytest.param("1", 10, id="named"),
        pytest.param("--latest --appear-within=auto", 120, id="described, as by default"),
        pytest.param("1 --appear-within=1m", 60, id="as the user says"),
        pytest.param("--latest --timeout=30s", 30, id="no longer than the whole wait"),
    ],
)
def test_how_long_a_run_may_take_to_appear(words: str, seconds: float) -> None:
    assert waiting(*words.split()).waiting.appear_within == seconds


def test_a_check_gives_a_run_no_time_to_appear_unless_it_is_told_to() -> None:
    assert checking("1").waiting.appear_within == 0
    assert checking("1", "--appear-within=auto").waiting.timeout == 10


def test_a_check_can_stay_with_the_first_answer() -> None:
    assert not checking("1", "--no-follow").waiting.follow


@pytest.mark.parametrize("words", ["--each=name", "--latest --all", "--deploy-id=5"])
def test_how_many_runs_must_be_there(words: str) -> None:
    assert query(*words.split()).min_runs == 1
    assert query(*words.split(), "--min-runs=3").min_runs == 3


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param("--latest", "--min-runs 2 can't be reached", id="one is meant"),
        pytest.param("5", "--min-runs is for runs that are described", id="named"),
    ],
)
def test_more_runs_than_can_be_meant_are_a_usage_error(words: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        waiting(*words.split(), "--min-runs=2")


def test_a_check_waits_only_for_a_run_to_be_there() -> None:
    found = checking("1", "--appear-within=7s", "--outage-tolerance=8s").waiting
    assert (found.timeout, found.appear_within) == (7, 7)
    assert (found.outage_tolerance, found.patience) == (8, 8)
    assert found.poll_interval is interval.adaptive
    assert (found.fail_fast, found.follow) == (False, True)


def test_a_history_is_gathered_for_a_report_that_shows_it() -> None:
    assert waiting("1", "--report=html=a.html").reports.shown_runs == 20
    assert waiting("1", "--report=json=a.json").reports.shown_runs == 0


def test_screenshots_are_asked_for_where_a_file_shows_them() -> None:
    for report in ("html=a.html", "json=a.json"):
        assert waiting("1", f"--report={report}").reports.with_attachments
    for report in ("html=-", "markdown=a.md", "junit=a.xml"):
        assert not waiting("1", f"--report={report}").reports.with_attachments
    assert not waiting("1", "--report=html=a.html", "--no-test-results").reports.with_attachments


@pytest.mark.usefixtures("nowhere")
def test_a_report_beside_a_folder_that_is_gone_is_refused() -> None:
    with pytest.raises(UsageError, match="the working directory no longer exists"):
        waiting("1", "--junit-xml=t.xml")


def cache_of(options: GateOptions) -> Path | None:
    assert options.evidence is not None
    return options.evidence.cache


@pytest.mark.parametrize(
    ("words", "named"),
    [(["--cache=none"], None), (["--cache=a/b.sqlite"], Path("a/b.sqlite"))],
)
def test_who_names_a_cache_gets_it(words: list[str], named: Path | None) -> None:
    assert cache_of(waiting("1", "--history=1", *words)) == named


def test_the_cache_is_in_the_users_folder_where_there_can_be_one(tmp_path: Path) -> None:
    def cache(home: Path | None, **variables: str) -> Path | None:
        environment = {**MACHINE.environment, **variables}
        machine = replace(MACHINE, home=home, environment=environment)
        return cache_of(waiting("1", "--history=1", machine=machine))

    ours = Path("testery-gate/results.sqlite")
    assert cache(tmp_path) == tmp_path / ".cache" / ours
    assert cache(None) is None
    assert cache(Path("/dev/null")) is None
    assert cache(tmp_path / ("x" * 300)) == tmp_path / ("x" * 300) / ".cache" / ours
    assert cache(None, XDG_CACHE_HOME=str(tmp_path)) == tmp_path / ours
    assert cache(tmp_path, XDG_CACHE_HOME="relative") == tmp_path / ".cache" / ours
    assert cache(tmp_path, TESTERY_GATE_CACHE="") == tmp_path / ".cache" / ours


def test_the_runs_of_a_stand_in_are_kept_only_where_somebody_says_so(tmp_path: Path) -> None:
    words = ("1", "--history=1", "--api-url=http://127.0.0.1:8099/api")
    machine = replace(MACHINE, home=tmp_path)
    assert cache_of(waiting(*words, machine=machine)) is None
    named = waiting(*words, "--cache=a.sqlite", machine=machine)
    assert cache_of(named) == Path("a.sqlite")


def test_nothing_is_kept_where_nobody_asks_for_single_tests() -> None:
    assert waiting("1", "--cache=a.sqlite").evidence is None


def starting(*words: str, machine: Machine = MACHINE) -> GateOptions:
    with context(run, "--no-config", *words) as ctx:
        return run_options(ctx.params, machine, given(ctx), lambda: "5f2a")


SHOP = ("--project=shop", "--environment=qa")


def test_a_start_has_a_build_key_that_no_other_run_has() -> None:
    options = starting(*SHOP)
    assert options.target == Start(
        project="shop", environment="qa", build_key="testery-gate-5f2a", own_key=True
    )
    assert (options.connection.secrets, options.waiting.appear_within) == ([], 10)


def test_all_that_is_said_of_a_start_arrives() -> None:
    machine = replace(
        MACHINE,
        environment={**MACHINE.environment, "PASSWORD": "p=1 \n", "EMPTY": ""},
        head_of_checkout=lambda: "abc1234\n",
    )
    options = starting(
        *SHOP,
        *("--git-ref=auto", "--branch=main", "--build-key= v1 ", "--test-suite=Smoke"),
        *("--include-tags=a, b,", "--include-tags=b,c", "--exclude-tags=d", "--no-vcs-status"),
        *("--variable=URL=https://x.test/?a=b ", "--variable=secure:PASSWORD"),
        *("--variable=secure:KEY=s3cret-value", "--variable=EMPTY", "--timeout=5s"),
        *("--variable= Secure:LOUD=hidden-too", "--variable=secure:BLANK=a   b   c"),
        machine=machine,
    )
    assert options.target == Start(
        project="shop",
        environment="qa",
        build_key="v1",
        git_ref="abc1234",
        branch="main",
        test_suite="Smoke",
        include_tags=("a", "b", "c"),
        exclude_tags=("d",),
        variables=(
            Variable(key="URL", value="https://x.test/?a=b "),
            Variable(key="PASSWORD", value="p=1 \n", secret=True),
            Variable(key="KEY", value="s3cret-value", secret=True),
            Variable(key="EMPTY", value=""),
            Variable(key="LOUD", value="hidden-too", secret=True),
            Variable(key="BLANK", value="a   b   c", secret=True),
        ),
        vcs_status=False,
    )
    assert options.connection.secrets == ["s3cret-value", "hidden-too"]
    assert "s3cret-value" not in repr(options)
    assert (options.waiting.timeout, options.waiting.appear_within) == (5, 5)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        pytest.param(["--environment=qa"], "--project is missing", id="project"),
        pytest.param(["--project=shop"], "--environment is missing", id="environment"),
        *(
            pytest.param([*SHOP, f"{flag}= "], f"{flag} is empty", id=f"an empty {flag}")
            for flag in ("--project", "--build-key", "--git-ref", "--branch", "--test-suite")
        ),
        *(
            pytest.param(
                [*SHOP, "--variable=A=1", f"--variable={text}"],
                "number 2 of --variable has no value",
                id=f"variable {text}",
            )
            for text in ("hunter2", "secure:hunter2", "=hunter2", "secure:=hunter2", "")
        ),
        pytest.param(
            [*SHOP, "--cancel-when-decided"], "--cancel-when-decided needs --fail-fast", id="cancel"
        ),
    ],
)
def test_a_start_that_says_too_little_is_a_usage_error(words: list[str], says: str) -> None:
    with pytest.raises(UsageError) as raised:
        starting(*words)
    assert raised.value.message.startswith(says)
    assert raised.value.advice
    assert "hunter2" not in f"{raised.value.message}{raised.value.advice}"


def test_canceling_is_asked_for() -> None:
    assert not starting(*SHOP).waiting.cancel_on_interrupt
    words = ("--fail-fast", "--cancel-when-decided", "--cancel-on-interrupt")
    for options in (starting(*SHOP, *words), waiting("7", *words)):
        assert options.waiting.cancel_on_interrupt
        assert options.waiting.cancel_when_decided
