"""What the command keeps of earlier runs, where it keeps that, and what it asks for again."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from testery_gate.errors import ExitCode
from tests.acceptance import command
from tests.builders import make_answer

JUDGED = 30
EARLIER = 20


def run_of(run_id: int) -> Mapping[str, Any]:
    """Return a run of two tests, of which one always fails."""
    about: dict[str, Any] = {"id": run_id, "gitRef": f"{run_id}abcdef", "buildKey": str(run_id)}
    return make_answer(total=2, failed=1, createTime=f"2020-05-04 20:{run_id:02}:00+0000", **about)


@dataclass
class Api:
    """A run, those before it, and which tests were asked for."""

    url: str
    asked: list[int] = field(default_factory=list)
    waits_for: set[int] = field(default_factory=set)
    """Whose tests have to be asked for before the run finishes."""

    def answer(self, path: str) -> object:
        parts = path.partition("?")[0].split("/")[2:]
        if parts == ["test-runs"]:
            return [run_of(run_id) for run_id in range(JUDGED, JUDGED - EARLIER - 1, -1)]
        if parts[0] != "test-runs":
            return {"name": "acme"}
        run_id = int(parts[1])
        if parts[3:]:
            return {"id": int(parts[3])}  # with no screenshots
        if parts[2:] != ["results"]:
            over = run_id != JUDGED or self.waits_for <= set(self.asked)
            return {**run_of(run_id), **({} if over else {"status": "RUNNING", "complete": False})}
        self.asked.append(run_id)
        return [
            {"id": 1, "status": "PASS", "projectTest": {"name": "works", "file": "a.feature"}},
            {"id": 2, "status": "FAIL", "projectTest": {"name": "fails", "file": "a.feature"}},
        ]

    def take_asked(self) -> list[int]:
        asked, self.asked = sorted(self.asked), []
        return asked


@pytest.fixture
def api() -> Iterator[Api]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(served.answer(self.path)).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        served = Api(f"http://127.0.0.1:{server.server_port}/api")
        try:
            yield served
        finally:
            server.shutdown()
            thread.join()


def gate(
    folder: Path, api: Api, *arguments: str, timeout: str = "0", **variables: str
) -> tuple[command.Finished, list[str]]:
    """Run the gate, and return how it ended and the notes on the run."""
    done = command.run(
        *("wait", str(JUDGED), f"--timeout={timeout}", "--report=json=report.json", *arguments),
        cwd=folder,
        api_url=api.url,
        **variables,
    )
    assert (folder / "report.json").exists(), done.output
    report = json.loads((folder / "report.json").read_text())
    return done, report["runs"][0]["notes"]


HISTORY = ("--only-new", f"--history={EARLIER}")


def test_what_is_kept_is_not_asked_for_again(tmp_path: Path, api: Api) -> None:
    options = (*HISTORY, "--cache=kept/results.sqlite")
    everything = list(range(JUDGED - EARLIER, JUDGED + 1))
    for asked in (everything, [JUDGED]):
        done, notes = gate(tmp_path, api, *options)
        assert done.code == ExitCode.PASSED, done.output
        assert api.take_asked() == asked
        assert notes == []


def test_earlier_runs_are_read_while_the_gate_waits(tmp_path: Path, api: Api) -> None:
    api.waits_for = set(range(JUDGED - EARLIER, JUDGED))
    done, notes = gate(tmp_path, api, *HISTORY, "--cache=none", timeout="60s")
    assert done.code == ExitCode.PASSED, done.output
    # The tests of the run itself are also read to name those that fail meanwhile.
    assert sorted(set(api.take_asked())) == list(range(JUDGED - EARLIER, JUDGED + 1))
    assert notes == []


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(["--only-new", "--cache=none"], id="none"),
        pytest.param(["--only-new"], id="the API is a stand-in"),
        pytest.param(["--max-failed=1", "--cache=results.sqlite"], id="nobody asks for it"),
    ],
)
def test_nothing_is_kept(tmp_path: Path, api: Api, options: list[str]) -> None:
    done, notes = gate(tmp_path, api, *options, HOME=str(tmp_path))
    assert done.code == ExitCode.PASSED, done.output
    assert not list(tmp_path.glob("**/*.sqlite"))
    assert notes == []


def test_a_damaged_file_is_a_note(tmp_path: Path, api: Api) -> None:
    (tmp_path / "results.sqlite").write_bytes(b"damaged" * 1000)
    done, (note,) = gate(tmp_path, api, *HISTORY, "--cache=results.sqlite")
    assert done.code == ExitCode.PASSED, done.output
    assert "the cache results.sqlite is not used: it is damaged, or something else" in note
    assert note in " ".join(done.stdout.split())


def test_a_file_of_somebody_without_the_token_makes_no_failure_known(
    tmp_path: Path, api: Api
) -> None:
    options = (*HISTORY, "--cache=results.sqlite")
    gate(tmp_path, api, *options, TESTERY_API_TOKEN="another")
    everything = api.take_asked()
    done, (note,) = gate(tmp_path, api, *options)
    assert done.code == ExitCode.PASSED, done.output
    assert "written with another token" in note
    assert api.take_asked() == everything


def test_the_file_of_a_change_does_not_say_where_it_is(tmp_path: Path, api: Api) -> None:
    (tmp_path / "testery-gate.toml").write_text("cache = 'theirs.sqlite'\n")
    done = command.run("wait", str(JUDGED), "--only-new", cwd=tmp_path, api_url=api.url)
    assert done.code == ExitCode.USAGE
    assert "sets cache, which is not for a change to decide" in " ".join(done.stderr.split())
    done, _ = gate(tmp_path, api, "--only-new", "--trust-config")
    assert done.code == ExitCode.PASSED, done.output
    assert (tmp_path / "theirs.sqlite").exists()
