"""The checks against real servers; what a whole examination prints is in the acceptance tests."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from testery_gate.api.credentials import Token
from testery_gate.api.transport import Encryption
from testery_gate.doctor import Finding, State, Step, examine, overall
from testery_gate.doctor.checks import Subject, certificate_finding, checks_of
from testery_gate.errors import ExitCode, GateError, NoAnswer, Unauthorized, UsageError
from testery_gate.simulator import load_scenario
from tests.canary import CANARY, FINISHED, Simulator
from tests.servers import Reply, hang, http, proxy_server, raw_server

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ALL = (
    *("api-url", "proxy", "certificates", "token", "resolve", "connect", "tls", "clock"),
    *("runs", "results", "account"),
)


def examined(
    api_url: str,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    timeout: float = 10,
) -> dict[str, Finding]:
    """Examine what is at an address, and return the findings by their checks."""
    subject = Subject(
        api_url=api_url,
        source="default",
        find_token=lambda: Token(value=CANARY, source="a test"),
        timeout=timeout,
    )
    findings = list(examine(checks_of(subject, now), timeout))
    assert [finding.check for finding in findings] == list(ALL)
    return {finding.check: finding for finding in findings}


def states(findings: Mapping[str, Finding]) -> dict[State, list[str]]:
    found: dict[State, list[str]] = {}
    for check, finding in findings.items():
        found.setdefault(finding.state, []).append(check)
    return found


def check(name: str, work: Callable[[], Finding], **others: Any) -> Step:
    return Step(name=name, work=work, **others)


def fail(error: Exception) -> Callable[[], Finding]:
    def work() -> Finding:
        raise error

    return work


def well() -> Finding:
    return Finding(found="well")


def test_what_needs_a_failed_check_is_skipped_with_the_first_cause() -> None:
    checks = [
        check("one", fail(NoAnswer("broken", advice="mend it"))),
        check("two", well, needs=["one"]),
        check("three", well, needs=["two"]),
        check("four", well),
    ]
    one, two, three, four = examine(checks, 10)
    assert (one.state, one.found, one.advice) == (State.FAILED, "broken", "mend it")
    assert (two.state, two.found) == (State.SKIPPED, "because one failed")
    assert (three.state, three.found) == (State.SKIPPED, "because one failed")
    assert (four.state, four.found, four.check) == (State.OK, "well", "four")


@pytest.mark.parametrize(("timeout_error", "code"), [(NoAnswer, 4), (UsageError, 2)])
def test_a_check_that_takes_too_long_fails_with_its_own_advice(
    timeout_error: type[GateError], code: int
) -> None:
    forever = threading.Event()

    def work() -> Finding:
        forever.wait(30)
        return well()

    (finding,) = examine(
        [check("one", work, timeout_advice="Wait.", timeout_error=timeout_error)], 0.1
    )
    forever.set()
    assert (finding.state, finding.exit_code) == (State.FAILED, code)
    assert (finding.found, finding.advice) == ("not finished within 0.1 s", "Wait.")


def test_what_a_gate_can_do_without_only_warns() -> None:
    (finding,) = examine([check("one", fail(NoAnswer("broken")), needed=False)], 10)
    assert (finding.state, finding.exit_code) == (State.WARNING, ExitCode.PASSED)


def test_a_defect_is_not_taken_for_a_finding() -> None:
    with pytest.raises(ZeroDivisionError):
        list(examine([check("one", lambda: Finding(found=str(1 // 0)))], 10))


@pytest.mark.parametrize(
    ("errors", "code"),
    [
        pytest.param([], ExitCode.PASSED, id="nothing"),
        pytest.param([UsageError("a")], ExitCode.USAGE, id="a setting"),
        pytest.param([Unauthorized("a")], ExitCode.UNAUTHORIZED, id="a token"),
        pytest.param([NoAnswer("a"), UsageError("b")], ExitCode.UNAVAILABLE, id="the first"),
    ],
)
def test_the_exit_code_is_that_of_the_first_failure(
    errors: Sequence[Exception], code: ExitCode
) -> None:
    checks = [check(str(number), fail(error)) for number, error in enumerate(errors)]
    assert overall(list(examine([check("well", well), *checks], 10))) is code


def test_the_stand_in_api_is_well() -> None:
    with Simulator(load_scenario("documented"), speed=FINISHED) as api:
        findings = examined(api.url)
    assert states(findings) == {State.OK: list(ALL)}
    assert findings["results"].details == {"run": 55676, "results": 30}
    assert findings["account"].details == {"name": "acme"}


def api_of(*replies: bytes | Reply) -> Sequence[Reply]:
    """Replies in the order in which the checks ask; connecting alone takes the first."""
    return [lambda _: None, *(http(one) if isinstance(one, bytes) else one for one in replies)]


EMPTY = b"[]"


@pytest.mark.parametrize(
    ("replies", "check", "state", "said"),
    [
        pytest.param([EMPTY, EMPTY], "runs", State.OK, "no run yet", id="no runs"),
        pytest.param([EMPTY, EMPTY], "results", State.SKIPPED, "no run has finished", id="none"),
        pytest.param(
            [EMPTY, EMPTY, b"{}"], "account", State.WARNING, "no name", id="no account's name"
        ),
        pytest.param(
            [EMPTY, EMPTY, http(b"", status="404 No")],
            "account",
            State.WARNING,
            "nothing was found at",
            id="no account",
        ),
        pytest.param(
            [EMPTY, http(b"", status="404 No")],
            "runs",
            State.FAILED,
            "nothing was found at",
            id="not the API's address",
        ),
        pytest.param(
            [EMPTY, http(b"", status="403 No")], "runs", State.FAILED, "has no access", id="barred"
        ),
        pytest.param([EMPTY, b"<html>"], "runs", State.FAILED, "not JSON", id="a web page"),
        pytest.param([EMPTY], "clock", State.SKIPPED, "does not send its time", id="no date"),
        pytest.param(
            [http(EMPTY, "Date: soon")], "clock", State.SKIPPED, "does not send", id="bad date"
        ),
        pytest.param(
            [http(EMPTY, f"Date: Mon, 01 Jan 2024 00:00:00 +{'9' * 20}")],
            "clock",
            State.SKIPPED,
            "does not send its time",
            id="a date beyond all dates",
        ),
        pytest.param([hang], "tls", State.FAILED, "not finished within", id="silence"),
    ],
)
def test_what_an_api_lacks_is_told(
    replies: Sequence[bytes | Reply], check: str, state: State, said: str
) -> None:
    with raw_server(*api_of(*replies)) as server:
        finding = examined(server.url, timeout=1)[check]
    assert finding.state is state
    assert said in finding.found
    assert "testery-gate doctor" not in finding.advice


@pytest.mark.parametrize(
    ("ahead", "state", "said"),
    [
        pytest.param(0, State.OK, "within 60 s", id="right"),
        pytest.param(60, State.OK, "within 60 s", id="nearly right"),
        pytest.param(61, State.WARNING, "61 s ahead of", id="fast"),
        pytest.param(-3600, State.WARNING, "3600 s behind", id="slow"),
    ],
)
@pytest.mark.parametrize("zone", ["GMT", "-0000"])
def test_clocks_that_differ_are_told(ahead: int, state: State, said: str, zone: str) -> None:
    date = format_datetime(NOW - timedelta(seconds=ahead), usegmt=True).replace("GMT", zone)
    with raw_server(*api_of(http(EMPTY, f"Date: {date}"))) as server:
        finding = examined(server.url, now=lambda: NOW, timeout=1)["clock"]
    assert finding.state is state
    assert said in finding.found
    assert finding.details == {"skewSeconds": ahead}


def certificate(days: float, **issuer: str) -> Mapping[str, Any]:
    end = NOW + timedelta(days=days)
    return {
        "issuer": tuple(((key, value),) for key, value in issuer.items()),
        "notAfter": end.strftime("%b %d %H:%M:%S %Y GMT"),
    }


@pytest.mark.parametrize(
    ("known", "state", "said"),
    [
        pytest.param(
            certificate(84.5, organizationName="Acme", commonName="A1"),
            State.OK,
            "TLSv1.3, certificate by Acme, valid for 84 days",
            id="an organisation",
        ),
        pytest.param(
            certificate(3, commonName="A\x1b[31m1"), State.OK, "by A1, valid", id="a name"
        ),
        pytest.param(certificate(2.9), State.WARNING, "unnamed authority, valid for 2", id="soon"),
        pytest.param({}, State.OK, "a certificate that is trusted", id="not told by the system"),
    ],
)
def test_a_certificate_is_told(known: Mapping[str, Any], state: State, said: str) -> None:
    finding = certificate_finding(Encryption(protocol="TLSv1.3", certificate=known), NOW)
    assert finding.state is state
    assert said in finding.found


def test_a_system_without_certificates_is_warned_of(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    # Empty variables name nothing, and OpenSSL finds nothing in a place without a name.
    monkeypatch.setenv("SSL_CERT_FILE", "")
    monkeypatch.setenv("SSL_CERT_DIR", "")
    finding = examined("https://localhost:1/api")["certificates"]
    assert finding.state is State.WARNING
    assert "ca-certificates" in finding.advice


def test_a_proxy_stands_first_on_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("https_proxy", raising=False)
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("no_proxy", "")
    with proxy_server({}) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://localhost:{proxy.port}")
        findings = examined("https://api.example.test/api")
        assert f"http://localhost:{proxy.port}" in findings["proxy"].found
        assert "the proxy localhost is" in findings["resolve"].found
        assert "the proxy localhost accepts" in findings["connect"].found
        assert findings["tls"].state is State.FAILED
        assert "does not connect to api.example.test" in findings["tls"].found
    assert "can't be used" in examined("https://api.example.test/api")["connect"].found
    monkeypatch.setenv("NO_PROXY", "localhost")
    excluded = examined("https://localhost:1/api")["proxy"]
    assert excluded.found == "none: NO_PROXY contains localhost"


def test_a_name_that_nobody_has_is_said() -> None:
    found = examined("https://api.invalid")["resolve"]
    assert found.state is State.FAILED
    assert "api.invalid can't be resolved" in found.found
