"""Comments and statuses by the installed command, which change nothing about how it ends."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from testery_gate.errors import ExitCode
from testery_gate.simulator import load_scenario
from tests.acceptance import command
from tests.canary import CANARY, Simulator
from tests.ci.reporting import github_variables
from tests.code_hosts.github_stand_in import GitHubStandIn
from tests.code_hosts.stand_in import COMMIT, SOMEBODY_ELSE, Fault, Said, serving
from tests.servers import Reply, hang, http, raw_server, reset

BOTH = ("--comment=always", "--commit-status")
FAILS = ("55676", "--min-total=999")


@dataclass
class Scene:
    """A pull request whose pipeline runs the gate."""

    folder: Path
    stand_in: GitHubStandIn
    api_url: str
    variables: dict[str, str] = field(default_factory=dict)

    def environment(self, **variables: str) -> dict[str, str]:
        event = self.folder / "event.json"
        event.write_text(json.dumps({"pull_request": {"number": 7, "head": {"sha": COMMIT}}}))
        return (
            self.stand_in.environment()
            | {"GITHUB_EVENT_PATH": str(event), "TESTERY_GATE_CODE_HOST_TOKEN": CANARY}
            | github_variables(self.folder)
            | self.variables
            | variables
        )

    def run(self, *arguments: str, **variables: str) -> command.Finished:
        return command.run(
            *arguments, cwd=self.folder, api_url=self.api_url, **self.environment(**variables)
        )


@contextmanager
def playing(folder: Path, scenario: str = "documented") -> Iterator[Scene]:
    stand_in = GitHubStandIn()
    stand_in.is_app = True
    with serving(stand_in), Simulator(load_scenario(scenario), speed=50) as api:
        yield Scene(folder, stand_in, api.url)


def ends(stand_in: GitHubStandIn) -> list[str | None]:
    return [check.get("conclusion") for check in stand_in.checks]


def test_a_pull_request_shows_the_verdict(tmp_path: Path) -> None:
    with playing(tmp_path) as scene:
        done = scene.run("wait", "55676", *BOTH)
    assert done.code == ExitCode.PASSED, done.output
    (check,) = scene.stand_in.checks
    assert (check["name"], check["conclusion"]) == ("testery-gate (Deploy / gate)", "success")
    assert check["head_sha"] == COMMIT
    assert [
        asked.data.get("status") for asked in scene.stand_in.asked if "check" in asked.path
    ] == [
        "in_progress",
        "completed",
    ]
    (comment,) = scene.stand_in.shown()
    assert "## ✅ PASSED" in comment.text
    assert f"commit `{COMMIT[:7]}`" in comment.text
    assert "testery-gate: no " not in done.stderr


@pytest.mark.slow
def test_a_run_that_the_gate_started_is_said_too(tmp_path: Path) -> None:
    with playing(tmp_path) as scene:
        start = ("--project=demo", "--environment=qa", "--git-ref=auto", "--interval=1s")
        done = scene.run("run", *start, *BOTH)
    assert done.code == ExitCode.PASSED, done.output
    (check,) = scene.stand_in.checks
    assert (check["head_sha"], check["conclusion"]) == (COMMIT, "success")
    assert len(scene.stand_in.shown()) == 1


@pytest.mark.slow
def test_the_next_pipeline_updates_the_comment(tmp_path: Path) -> None:
    with playing(tmp_path) as scene:
        for run_id in ("900", "901"):
            done = scene.run("check", *FAILS, *BOTH, GITHUB_RUN_ID=run_id)
            assert done.code == ExitCode.FAILED, done.output
    assert ends(scene.stand_in) == ["failure", "failure"]
    (comment,) = scene.stand_in.entries
    assert "outcome=failed pipeline=901 -->" in comment.text


@pytest.mark.slow
@pytest.mark.parametrize("before", [0, 1])
def test_jobs_at_once_leave_one_comment(tmp_path: Path, before: int) -> None:
    with playing(tmp_path) as scene:
        arguments = ["check", *FAILS, "--comment=always"]
        for _ in range(before):
            scene.run(*arguments)
        env = command.environment(scene.api_url, **scene.environment())
        jobs = [command.start(arguments, cwd=tmp_path, env=env) for _ in range(4)]
        codes = [command.finish(job).code for job in jobs]
    assert codes == [ExitCode.FAILED] * 4
    assert len(scene.stand_in.shown()) == 1


@pytest.mark.slow
def test_options_of_ones_own_are_used(tmp_path: Path) -> None:
    with playing(tmp_path) as scene:
        scene.stand_in.is_app = False
        (tmp_path / "token").write_text(CANARY)
        own = ("--comment-key=smoke", "--status-context=gate/smoke", "--code-host=github")
        file = "--code-host-token-file=token"
        done = scene.run("wait", "55676", *BOTH, *own, file, TESTERY_GATE_CODE_HOST_TOKEN="")
    assert done.code == ExitCode.PASSED, done.output
    assert [(one["context"], one["state"]) for one in scene.stand_in.statuses] == [
        ("gate/smoke", "pending"),
        ("gate/smoke", "success"),
    ]
    assert scene.stand_in.entries[0].text.startswith("<!-- testery-gate:smoke-")


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [(), ("--code-host=none", *BOTH), ("--comment=never",)])
def test_nothing_is_said_where_nobody_asks(tmp_path: Path, arguments: Sequence[str]) -> None:
    with playing(tmp_path) as scene:
        done = scene.run("wait", "55676", *arguments)
    assert done.code == ExitCode.PASSED, done.output
    assert not scene.stand_in.asked


def test_a_fork_without_rights_is_told_once_and_judged_all_the_same(tmp_path: Path) -> None:
    with playing(tmp_path) as scene:
        scene.stand_in.faults = [Fault(said=scene.stand_in.forbidden())]
        done = scene.run("check", *FAILS, *BOTH)
    assert done.code == ExitCode.FAILED, done.output
    told = [line for line in done.stderr.splitlines() if "docs/pull-requests.md" in line]
    assert len(told) == 2  # the status is one right, and the comment another
    assert "testery-gate: no status: POST" in told[0]
    assert "HTTP 403 Forbidden (Resource not accessible by integration)" in told[0]
    assert "testery-gate: no comment: GET" in told[1]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("variables", "why"),
    [
        ({"TESTERY_GATE_CODE_HOST_TOKEN": ""}, "there is no token for the code host"),
        ({"TESTERY_GATE_CODE_HOST_TOKEN": "two words"}, "contains spaces"),
        ({"TESTERY_GATE_CODE_HOST_TOKEN_FILE": "/nowhere"}, "can't be read from file /nowhere"),
        ({"GITHUB_REPOSITORY": ""}, "GITHUB_REPOSITORY does not say"),
        ({"GITHUB_API_URL": "http://198.51.100.1"}, "would send the token unencrypted"),
        ({"GITHUB_ACTIONS": "", "GITLAB_CI": ""}, "the system that hosts the code is not known"),
        ({"GITHUB_API_URL": "http://127.0.0.1:9"}, "no connection to http://127.0.0.1:9"),
    ],
)
def test_what_keeps_it_from_saying_anything_is_said_once(
    tmp_path: Path, variables: dict[str, str], why: str
) -> None:
    with playing(tmp_path) as scene:
        done = scene.run("wait", "55676", *BOTH, "--ci=none", **variables)
    assert done.code == ExitCode.PASSED, done.output
    assert done.stderr.count(why) == (2 if "127.0.0.1:9" in why else 1), done.stderr
    assert not scene.stand_in.asked


SAID = {
    "404 for no rights": Said(status=404, data={"message": "Not Found"}),
    "422": Said(status=422, data={"message": "Validation Failed", "errors": [{"message": "no"}]}),
    "500": Said(status=500),
    "200 without sense": Said(body=b"<html>"),
    "200 of another type": Said(body=b'[{"id": "x", "body": 7, "user": []}]'),
    "an hour to wait": Said(status=403, data={}, headers={"Retry-After": "3600"}),
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", SAID)
@pytest.mark.parametrize(
    ("arguments", "code"), [(FAILS, ExitCode.FAILED), (("55676",), ExitCode.PASSED)]
)
def test_no_answer_changes_how_it_ends(
    tmp_path: Path, fault: str, arguments: Sequence[str], code: ExitCode
) -> None:
    with playing(tmp_path) as scene:
        scene.stand_in.faults = [Fault(said=SAID[fault])]
        done = scene.run("check", *arguments, *BOTH)
    assert done.code == code, done.output
    assert "Traceback" not in done.output
    assert "defect" not in done.output
    assert "testery-gate: no status" in done.stderr


REPLIES: dict[str, Reply] = {
    "it resets": reset,
    "it hangs": hang,
    "it sends away": http(b"", "Location: http://127.0.0.1:9/", status="307 Away"),
}


@pytest.mark.slow
@pytest.mark.parametrize("reply", REPLIES)
def test_no_connection_changes_how_it_ends(tmp_path: Path, reply: str) -> None:
    with playing(tmp_path) as scene, raw_server(REPLIES[reply]) as server:
        scene.variables["GITHUB_API_URL"] = server.url
        done = scene.run("wait", "55676", *BOTH)
    assert done.code == ExitCode.PASSED, done.output
    assert "Traceback" not in done.output
    assert "testery-gate: no status" in done.stderr


DEFECTS = [
    "testery_gate.code_hosts.github.GitHub.set_status",
    "testery_gate.code_hosts.github.GitHub.comments",
    "testery_gate.code_hosts.github.text_at",
    "testery_gate.code_hosts.wording.description",
    "testery_gate.code_hosts.wording.comment",
    "testery_gate.code_hosts.http.Http.__init__",
    "testery_gate.code_hosts.announcer.Announcer.__init__",
    "testery_gate.code_hosts.announcer.Announcer.begin",
    "testery_gate.code_hosts.announcer.Announcer.finish",
    "threading.Thread.start",
]


@pytest.mark.quick(1)
@pytest.mark.parametrize("place", DEFECTS)
def test_no_defect_changes_how_it_ends(tmp_path: Path, place: str) -> None:
    module, _, name = place.rpartition(".")
    holder, _, kind = module.rpartition(".")
    # Only threads of ours: those of a request are started by the thread that began it.
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib\n"
        "from testery_gate.code_hosts import adapters, announcer\n"
        f"try: holder = importlib.import_module({module!r})\n"
        "except ImportError:\n"
        f"    holder = getattr(importlib.import_module({holder!r}), {kind!r})\n"
        f"was = getattr(holder, {name!r})\n"
        "def broken(*arguments, **options):\n"
        f"    if {name!r} == 'start' and 'Announcer' not in repr(arguments[0]._target):\n"
        "        return was(*arguments, **options)\n"
        "    raise AssertionError('broken')\n"
        f"setattr(holder, {name!r}, broken)\n"
    )
    with playing(tmp_path) as scene:
        scene.stand_in.write(SOMEBODY_ELSE, "prose")
        done = scene.run("wait", "55676", *BOTH, PYTHONPATH=str(tmp_path))
        debug = scene.run("wait", "55676", *BOTH, "--debug", PYTHONPATH=str(tmp_path))
    assert done.code == debug.code == ExitCode.PASSED, done.output
    assert "Traceback" not in done.output
    assert "a defect in testery-gate: AssertionError: broken" in done.stderr
    assert "Traceback" in debug.stderr


@pytest.mark.quick(1)
@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGTERM, ExitCode.TERMINATED), (signal.SIGINT, ExitCode.INTERRUPTED)],
)
def test_a_signal_is_a_final_status_too(
    tmp_path: Path, number: signal.Signals, code: ExitCode
) -> None:
    with playing(tmp_path, "stuck") as scene:
        env = command.environment(scene.api_url, **scene.environment())
        process = command.start(["wait", "55676", *BOTH], cwd=tmp_path, env=env)
        assert process.stderr is not None
        assert any("next poll in" in line for line in iter(process.stderr.readline, ""))
        process.send_signal(number)
        done = command.finish(process)
    assert done.code == code, done.output
    assert ends(scene.stand_in) == ["cancelled"]
    (comment,) = scene.stand_in.shown()
    assert "🛑 NO VERDICT: the gate was stopped" in comment.text


@pytest.mark.slow
def test_a_file_does_not_say_of_which_commit_the_status_is(tmp_path: Path) -> None:
    """Else a change could set the status that another one is waiting for."""
    other = "abcd4e8" + "0" * 33
    (tmp_path / "testery-gate.toml").write_text(f'git-ref = "{other}"\n')
    with playing(tmp_path) as scene:
        done = scene.run("check", "--commit-status")
        trusted = scene.run("check", "--commit-status", "--trust-config")
    heads = [check["head_sha"] for check in scene.stand_in.checks]
    assert heads == [COMMIT, other], done.output + trusted.output


@pytest.mark.slow
def test_a_signal_while_the_end_is_said_is_said_next(tmp_path: Path) -> None:
    """And what was being said gets no more time: whoever stops a gate kills it soon."""
    with playing(tmp_path) as scene, raw_server(hang) as server:
        scene.variables["GITHUB_API_URL"] = server.url
        env = command.environment(scene.api_url, **scene.environment())
        process = command.start(["check", "55676", "--comment=always"], cwd=tmp_path, env=env)
        while not server.requests:
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        done = command.finish(process)
    assert done.code == ExitCode.TERMINATED, done.output
    assert done.stderr.count("testery-gate: no comment: ") == 1
    assert "testery-gate: no comment: it took too long" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "variables", "code"),
    [
        (("wait", "99999", "--appear-within=0"), {}, ExitCode.NOT_FOUND),
        (("wait", "55676", "--max-age=1s"), {}, ExitCode.INCONCLUSIVE),
        (("wait", "55676", "--junit-xml=gone/t.xml"), {}, ExitCode.REPORT_LOST),
        (("wait", "55676"), {"TESTERY_API_TOKEN": "another-one"}, ExitCode.UNAUTHORIZED),
        (("check", "55676", "--api-url=http://127.0.0.1:9/api"), {}, ExitCode.UNAVAILABLE),
        (("wait", "55676", "--debug"), {}, ExitCode.INTERNAL),
    ],
    ids=lambda value: value.outcome if isinstance(value, ExitCode) else "",
)
def test_every_end_that_is_no_pass_is_a_failure(
    tmp_path: Path, arguments: tuple[str, ...], variables: dict[str, str], code: ExitCode
) -> None:
    hook = "raise RuntimeError('broken')"
    if code is ExitCode.REPORT_LOST:
        # Its folder is there when that is looked at, and a file when the report is written.
        (tmp_path / "gone").mkdir()
        gone = f"__import__('pathlib').Path({str(tmp_path / 'gone')!r})"
        hook = f"{gone}.rmdir(); {gone}.touch(); return was(self, *rest)"
    (tmp_path / "hook").mkdir()
    (tmp_path / "hook" / "sitecustomize.py").write_text(
        "import testery_gate.gate\n"
        "was = testery_gate.gate.Gate.judge\n"
        f"def judge(self, *rest): {hook}\n"
        "testery_gate.gate.Gate.judge = judge\n"
    )
    hooked = code in {ExitCode.REPORT_LOST, ExitCode.INTERNAL}
    with playing(tmp_path) as scene:
        scene.variables["PYTHONPATH"] = str(tmp_path / "hook") if hooked else ""
        done = scene.run(*arguments, "--outage-tolerance=0", *BOTH, **variables)
    assert done.code == code, done.output
    assert ends(scene.stand_in) == ["failure"]
    (comment,) = scene.stand_in.shown()
    assert f"outcome={code.outcome} pipeline=900" in comment.text


@pytest.mark.slow
def test_another_ci_system_says_by_hand_which_change_it_is(tmp_path: Path) -> None:
    by_hand = {"JENKINS_URL": "x", "GITHUB_ACTIONS": "", "GITHUB_EVENT_PATH": "", "GITHUB_JOB": ""}
    ref = "abcd4e87d8d928a21a393b0def6ab0c0a21d35a2"
    with playing(tmp_path) as scene:
        selection = (f"--git-ref={ref}", "--lookback=10", "--code-host=github")
        done = scene.run("wait", *selection, *BOTH, **by_hand)
    assert done.code == ExitCode.PASSED, done.output
    (check,) = scene.stand_in.checks
    assert (check["head_sha"], check["name"]) == (ref, "testery-gate (Deploy)")
    assert len(scene.stand_in.shown()) == 1


@pytest.mark.slow
def test_a_commit_that_is_not_known_gets_no_status(tmp_path: Path) -> None:
    with playing(tmp_path) as scene:
        done = scene.run("wait", "55676", *BOTH, GITHUB_EVENT_NAME="issue_comment")
    assert done.code == ExitCode.PASSED, done.output
    assert "testery-gate: no status: it is not known which commit this is about" in done.stderr
    assert not scene.stand_in.checks
    assert len(scene.stand_in.shown()) == 1


@pytest.mark.slow
def test_what_is_already_wrong_with_the_options_sets_no_status(tmp_path: Path) -> None:
    with playing(tmp_path) as scene:
        done = scene.run("wait", *BOTH)
    assert done.code == ExitCode.USAGE
    assert not scene.stand_in.asked
