"""What is fuzzed: the whole command, in this process, against what a stranger wrote.

Each target takes the bytes that come from elsewhere, and raises ``AssertionError`` where the gate
did with them what it must never do: end in a way that is not documented, or in a defect, obey what
it should show, leave a report that can't be read, or pass without the evidence.
"""

from __future__ import annotations

import json
import re
import threading
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from testery_gate.cli.main import run as run_command
from testery_gate.errors import ExitCode
from testery_gate.simulator import ScenarioError, load_scenario
from testery_gate.simulator.scenario import Kind
from testery_gate.simulator.server import Simulator
from testery_gate.waiting.signals import Interrupts
from tests.builders import make_answer

RUN_ID = 55676
TOKEN = "canary-of-the-fuzzing"
PASSING = json.dumps(make_answer()).encode()
ENDINGS = frozenset(ExitCode) - {ExitCode.INTERNAL, ExitCode.INTERRUPTED, ExitCode.TERMINATED}
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        bodies: Mapping[str, bytes] = self.server.bodies  # type: ignore[attr-defined]
        body = bodies.get(self.path.partition("?")[0])
        self.send_response(404 if body is None else 200)
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *_: object) -> None:
        pass


@dataclass
class Place:
    """A folder for files, and a server that gives every path the body it has for it."""

    folder: Path
    url: str
    bodies: dict[str, bytes] = field(default_factory=dict)

    def file(self, name: str, content: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content)
        return path


@contextmanager
def place(folder: Path) -> Iterator[Place]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        found = Place(folder, f"http://127.0.0.1:{server.server_address[1]}/api")
        server.bodies = found.bodies  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield found
        finally:
            server.shutdown()
            thread.join()


def gate(here: Place, *arguments: str, config: Path = Path("/dev/null")) -> tuple[int, str]:
    """Run the command, and return the exit code and all that it printed."""
    written = BytesIO()
    stream = TextIOWrapper(written, "utf-8", write_through=True)
    with chdir(here.folder), redirect_stdout(stream), redirect_stderr(stream):
        code = run_command([*arguments, f"--config={config}"], Interrupts())
    shown = written.getvalue().decode()
    assert code in ENDINGS, shown
    assert "Traceback" not in shown, shown
    assert TOKEN not in shown, shown
    assert not CONTROLS.search(shown), repr(shown)
    return code, shown


def _wait(here: Place, *arguments: str, **options: Any) -> tuple[int, str]:
    now = ("--timeout=0", "--outage-tolerance=0", "--appear-within=0", "--ci=none")
    return gate(
        here, "wait", f"--api-url={here.url}", f"--token={TOKEN}", *now, *arguments, **options
    )


def _reported(here: Place) -> tuple[Sequence[str], Callable[[], None]]:
    """Return the options for two reports, and what reads them back."""
    junit, as_json = here.folder / "TEST-fuzz.xml", here.folder / "fuzz.json"
    for path in (junit, as_json):
        path.unlink(missing_ok=True)

    def check() -> None:
        (junit_text, json_text) = (path.read_bytes() for path in (junit, as_json))
        assert ET.fromstring(junit_text).tag == "testsuites"  # noqa: S314  (our own report)
        assert json.loads(json_text)["runs"]
        assert TOKEN.encode() not in junit_text + json_text

    return (f"--report=junit={junit}", f"--report=json={as_json}"), check


def run_object(here: Place, content: bytes) -> None:
    """Take any answer for a run."""
    here.bodies.clear()
    here.bodies[f"/api/test-runs/{RUN_ID}"] = content
    options, check = _reported(here)
    code, shown = _wait(here, str(RUN_ID), *options)
    check()
    answer = _json(content)
    assert code != ExitCode.PASSED or _passes(answer), shown
    assert code != ExitCode.FAILED or _whole(answer.get("failCount")) > 0, shown
    lenient, shown = _wait(here, str(RUN_ID), "--max-failed=50%", "--require=not_run <= 3")
    assert lenient != ExitCode.PASSED or _is_evidence(answer), shown


def run_list(here: Place, content: bytes) -> None:
    """Take any answer for the list of runs."""
    here.bodies.clear()
    here.bodies["/api/test-runs"] = content
    code, shown = _wait(here, "--environment=dev")
    runs = _json(content, list)
    assert code != ExitCode.PASSED or any(map(_passes, runs)), shown
    _wait(here, "--latest", "--each=name", "--git-ref=abcd4e8")
    listing = ("list", f"--api-url={here.url}", f"--token={TOKEN}", "--outage-tolerance=0")
    gate(here, *listing)
    gate(here, *listing, "--output=json")


def results(here: Place, content: bytes) -> None:
    """Take any answer for the tests of a run; none of it changes the verdict."""
    here.bodies.clear()
    here.bodies[f"/api/test-runs/{RUN_ID}"] = PASSING
    here.bodies[f"/api/test-runs/{RUN_ID}/results"] = content
    options, check = _reported(here)
    others = [f"--report={name}={here.folder / name}" for name in ("markdown", "sonar", "dotenv")]
    code, shown = _wait(here, str(RUN_ID), *options, *others)
    assert code == ExitCode.PASSED, shown
    check()


def result(here: Place, content: bytes) -> None:
    """Take any answer for a test that failed; none of it changes the verdict."""
    here.bodies.clear()
    here.bodies[f"/api/test-runs/{RUN_ID}"] = json.dumps(make_answer(failed=1)).encode()
    here.bodies[f"/api/test-runs/{RUN_ID}/results"] = b'[{"id": 1, "status": "FAIL"}]'
    here.bodies[f"/api/test-runs/{RUN_ID}/results/1"] = content
    options, check = _reported(here)
    page = here.folder / "fuzz.html"
    code, shown = _wait(here, str(RUN_ID), *options, f"--report=html={page}")
    assert code == ExitCode.FAILED, shown
    assert "files.example.test" not in shown, shown
    check()
    addresses = re.findall('href="([^#][^"]*)"', page.read_text(encoding="utf-8"))
    assert all(re.fullmatch(r"https://[!-~]+", address) for address in addresses), addresses


def configuration(here: Place, content: bytes) -> None:
    """Take any configuration file."""
    here.bodies.clear()
    here.bodies[f"/api/test-runs/{RUN_ID}"] = PASSING
    path = here.file("fuzzed.toml", content)
    code, shown = gate(here, "explain", f"--token={TOKEN}", config=path)
    assert code in {ExitCode.PASSED, ExitCode.USAGE}, shown
    assert not re.search("^(api-url|token-file|trust-config) .* file ", shown, re.MULTILINE), shown
    _wait(here, str(RUN_ID), config=path)


def quarantine(here: Place, content: bytes) -> None:
    """Take any quarantine file: what fails is tolerated only where an entry could name it."""
    here.bodies.clear()
    here.bodies[f"/api/test-runs/{RUN_ID}"] = json.dumps(make_answer(failed=1)).encode()
    failing = {"id": 1, "status": "FAIL", "projectTest": {"name": "a", "file": "a.feature"}}
    here.bodies[f"/api/test-runs/{RUN_ID}/results"] = json.dumps([failing]).encode()
    path = here.file("fuzzed-quarantine.toml", content)
    for form in ("text", "json", "markdown"):
        code, shown = gate(here, "quarantine", str(path), f"--output={form}")
        assert code in {ExitCode.PASSED, ExitCode.USAGE}, shown
    code, shown = _wait(here, str(RUN_ID), f"--quarantine={path}")
    assert code in {ExitCode.PASSED, ExitCode.FAILED, ExitCode.USAGE}, shown
    if code == ExitCode.PASSED:
        today = datetime.now(UTC).date()
        entries = tomllib.loads(content.decode())["test"]
        named = [entry for entry in entries if {"a", "*"} & set(entry["name"])]
        assert any(entry["expires"] >= today for entry in named), shown


def baseline(here: Place, content: bytes) -> None:
    """Take any report as the baseline: none has the test that fails, so it stays new."""
    here.bodies.clear()
    here.bodies[f"/api/test-runs/{RUN_ID}"] = json.dumps(make_answer(failed=1)).encode()
    failing = {"id": 1, "status": "FAIL", "projectTest": {"name": "\U0001f512", "file": "\u29b8"}}
    here.bodies[f"/api/test-runs/{RUN_ID}/results"] = json.dumps([failing]).encode()
    path = here.file("fuzzed-baseline", content)
    code, shown = _wait(here, str(RUN_ID), "--only-new", f"--baseline={path}")
    assert code in {ExitCode.FAILED, ExitCode.USAGE}, shown


def criterion(here: Place, content: bytes) -> None:
    """Take any text for a criterion."""
    here.bodies.clear()
    here.bodies[f"/api/test-runs/{RUN_ID}"] = PASSING
    text = content.decode("utf-8", "replace").replace("\0", "")
    code, shown = _wait(here, str(RUN_ID), f"--require={text}")
    assert code in {ExitCode.PASSED, ExitCode.FAILED, ExitCode.USAGE, ExitCode.INCONCLUSIVE}, shown
    for option in ("--max-failed", "--min-pass-rate", "--max-duration", "--lookback", "--expect"):
        gate(here, "explain", f"--token={TOKEN}", f"{option}={text}")


def scenario(here: Place, content: bytes) -> None:
    """Take any scenario file: what can be played, the gate judges."""
    path = here.file("fuzzed-scenario.toml", content)
    try:
        played = load_scenario(str(path))
    except ScenarioError:
        return
    slow = {Kind.HANG, Kind.SLOW, Kind.TRICKLE, Kind.BIG, Kind.GZIP_BOMB}
    if not played.runs or any(fault.kind in slow for fault in played.faults):
        return
    with Simulator(played, token=TOKEN) as api:
        run = str(played.runs[0].id)
        now = ("--timeout=0", "--outage-tolerance=0", "--ci=none")
        gate(here, "wait", run, f"--api-url={api.url}", f"--token={TOKEN}", *now)


def _json(content: bytes, kind: type = dict) -> Any:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return kind()
    return found if isinstance(found, kind) else kind()


def _whole(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else -1


def _is_evidence(run: Any) -> bool:
    """Whether a run says what has to be known of it, by the specification's own words."""
    if not isinstance(run, dict):
        return False
    counts = [_whole(run.get(name)) for name in ("passCount", "failCount", "ignoredCount")]
    status = CONTROLS.sub("", str(run.get("status"))).strip()
    return (
        status in {"PASS", "FAIL"}
        and min(counts) >= 0
        and _whole(run.get("totalCount")) >= max(1, sum(counts))
    )


def _passes(run: Any) -> bool:
    return (
        _is_evidence(run)
        and run["failCount"] == 0
        and run["passCount"] + run["ignoredCount"] == run["totalCount"]
    )
