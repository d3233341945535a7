"""Certificates and proxies as the environment names them, through the installed command."""

from __future__ import annotations

import os
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from testery_gate.errors import ExitCode
from testery_gate.simulator import load_scenario
from tests.acceptance import command
from tests.authority import Authority
from tests.canary import Simulator
from tests.servers import Proxy, encrypted_front, proxy_server, raw_server, reset

HOST = "api.example.test"
PASSED, USAGE, UNAVAILABLE = ExitCode.PASSED, ExitCode.USAGE, ExitCode.UNAVAILABLE


@dataclass(frozen=True, kw_only=True)
class World:
    """An API with TLS, and where there are certificates: one's own and others."""

    port: int
    places: Mapping[str, str]

    def gate(self, cwd: Path, host: str = "", **variables: str) -> command.Finished:
        """Run a gate against the API; values name places, as in ``{file}``."""
        return command.run(
            "check",
            "55676",
            "--outage-tolerance=1s",
            cwd=cwd,
            api_url=f"https://{host or f'localhost:{self.port}'}/api",
            **{name: value.format_map(self.places) for name, value in variables.items()},
        )


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("certificates")
    authority = Authority()
    places = {
        "file": str(authority.bundle(folder / "ca.pem")),
        "folder": str(authority.folder(folder / "ca")),
        "other": str(Authority().bundle(folder / "other.pem")),
        "missing": str(folder / "missing.pem"),
    }
    with (
        Simulator(load_scenario("documented")) as api,
        encrypted_front(port_of(api.url), authority.context("localhost", HOST)) as port,
    ):
        yield World(port=port, places=places)


def port_of(url: str) -> int:
    return int(url.split(":")[2].split("/")[0])


@pytest.mark.parametrize(
    "variables",
    [
        pytest.param({"REQUESTS_CA_BUNDLE": "{file}"}, id="REQUESTS_CA_BUNDLE"),
        pytest.param({"REQUESTS_CA_BUNDLE": "{folder}"}, id="a folder in REQUESTS_CA_BUNDLE"),
        pytest.param({"CURL_CA_BUNDLE": "{file}"}, id="CURL_CA_BUNDLE"),
        pytest.param({"SSL_CERT_FILE": "{file}"}, id="SSL_CERT_FILE"),
        pytest.param({"SSL_CERT_DIR": f"/nowhere{os.pathsep}{{folder}}"}, id="SSL_CERT_DIR"),
        pytest.param(
            {"SSL_CERT_FILE": "{other}", "SSL_CERT_DIR": "{folder}"}, id="a file and a folder"
        ),
        pytest.param(
            {"REQUESTS_CA_BUNDLE": "{file}", "SSL_CERT_FILE": "{other}"}, id="the closer one wins"
        ),
    ],
)
def test_a_private_authority_is_trusted_where_a_variable_names_it(
    world: World, tmp_path: Path, variables: Mapping[str, str]
) -> None:
    done = world.gate(tmp_path, **variables)
    assert done.code == PASSED, done.output


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        pytest.param({}, "Trusted now: the system's certificates", id="none"),
        pytest.param(
            {"SSL_CERT_FILE": "{other}"}, "Trusted now: SSL_CERT_FILE={other}, and nothing else",
            id="another",
        ),
        pytest.param(
            {"REQUESTS_CA_BUNDLE": "{other}", "SSL_CERT_FILE": "{file}"},
            "Trusted now: REQUESTS_CA_BUNDLE={other}, and nothing else",
            id="the closer one wins",
        ),
    ],
)  # fmt: skip
def test_an_authority_that_is_not_trusted_ends_with_4_and_names_the_variables(
    world: World, tmp_path: Path, variables: Mapping[str, str], said: str
) -> None:
    done = world.gate(tmp_path, **variables)
    assert done.code == UNAVAILABLE, done.output
    words = " ".join(done.output.split())
    assert "unable to get local issuer certificate" in words
    assert "REQUESTS_CA_BUNDLE or SSL_CERT_FILE" in words
    assert said.format_map(world.places) in words
    assert "testery-gate doctor" in words


@pytest.mark.parametrize(
    "variables",
    [
        pytest.param({"REQUESTS_CA_BUNDLE": "{missing}"}, id="no bundle"),
        pytest.param({"SSL_CERT_FILE": "{missing}"}, id="no file"),
        pytest.param({"SSL_CERT_DIR": "{missing}"}, id="no folder"),
        pytest.param({"HTTPS_PROXY": "http://:3128"}, id="a proxy without a host"),
        pytest.param({"HTTPS_PROXY": "socks5://localhost:3128"}, id="a proxy of another kind"),
    ],
)
def test_what_is_set_up_wrong_ends_with_2_at_once(
    world: World, tmp_path: Path, variables: Mapping[str, str]
) -> None:
    done = world.gate(tmp_path, **variables)
    assert done.code == USAGE, done.output
    assert next(iter(variables)) in done.stderr
    assert "next try" not in done.stderr


def test_a_host_that_can_not_be_ends_with_2_at_once(world: World, tmp_path: Path) -> None:
    done = world.gate(tmp_path, "api..example.test")
    assert done.code == USAGE, done.output
    assert "api..example.test" in done.stderr


@contextmanager
def proxy_to(world: World, user: str = "") -> Iterator[Proxy]:
    reaches = {f"{HOST}:443": world.port, f"localhost:{world.port}": world.port}
    with proxy_server(reaches, user=user) as proxy:
        yield proxy


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
def test_a_proxy_is_used_where_a_variable_names_it(world: World, tmp_path: Path, name: str) -> None:
    with proxy_to(world) as proxy:
        variables = {name: f"http://localhost:{proxy.port}", "SSL_CERT_FILE": "{file}"}
        done = world.gate(tmp_path, HOST, **variables)
        assert proxy.asked
    assert done.code == PASSED, done.output


@pytest.mark.parametrize("name", ["NO_PROXY", "no_proxy"])
def test_a_proxy_is_not_used_for_a_host_that_is_excluded(
    world: World, tmp_path: Path, name: str
) -> None:
    with proxy_to(world) as proxy:
        variables = {
            "HTTPS_PROXY": f"http://localhost:{proxy.port}",
            "SSL_CERT_FILE": "{file}",
            name: "localhost",
        }
        done = world.gate(tmp_path, **variables)
        assert proxy.asked == []
    assert done.code == PASSED, done.output


@pytest.mark.parametrize(
    ("user", "code"),
    [
        pytest.param("someone:pa%2Fss", PASSED, id="right"),
        pytest.param("someone:canary-secret", UNAVAILABLE, id="wrong"),
        pytest.param("", UNAVAILABLE, id="none"),
    ],
)
def test_a_proxy_gets_its_password_and_nobody_else_sees_it(
    world: World, tmp_path: Path, user: str, code: ExitCode
) -> None:
    with proxy_to(world, user="someone:pa/ss") as proxy:
        at = f"{user}{'@' if user else ''}localhost:{proxy.port}"
        done = world.gate(tmp_path, HOST, HTTPS_PROXY=f"http://{at}", SSL_CERT_FILE="{file}")
    assert done.code == code, done.output
    if code is UNAVAILABLE:
        assert f"http://localhost:{proxy.port} requires" in done.output
        assert "variable HTTPS_PROXY" in " ".join(done.output.split())
        assert "canary-secret" not in done.output


def test_a_proxy_that_is_down_ends_with_4_and_is_named(world: World, tmp_path: Path) -> None:
    with raw_server(reset) as server:
        port = server.port
    done = world.gate(tmp_path, HOST, https_proxy=f"http://me:canary-secret@localhost:{port}")
    assert done.code == UNAVAILABLE, done.output
    words = " ".join(done.output.split())
    assert f"the proxy http://localhost:{port} can't be used: Connection refused" in words
    assert "Check variable https_proxy" in words
    assert "canary-secret" not in words


@pytest.mark.acceptance
@pytest.mark.parametrize("trusts", [True, False], ids=["own", "other"])
def test_what_the_system_trusts_is_trusted(world: World, tmp_path: Path, trusts: bool) -> None:
    # In a name space of its own this process has another file of certificates in its place.
    paths = ssl.get_default_verify_paths()
    places = [
        Path(place).resolve()
        for place in (paths.openssl_cafile, "/etc/ssl/certs/ca-certificates.crt")
        if Path(place).is_file()
    ]
    assert places
    mounts = [
        f"mount --bind {world.places['file' if trusts else 'other']} {place}" for place in places
    ]
    gate = f"{command.COMMAND} check 55676 --outage-tolerance=1s"
    unshare = ["unshare", "--mount", "sh", "-ec", "\n".join([*mounts, gate])]
    done = subprocess.run(
        unshare if os.geteuid() == 0 else ["sudo", "-n", "--preserve-env", *unshare],
        cwd=tmp_path,
        env=command.environment(f"https://localhost:{world.port}/api"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == (PASSED if trusts else UNAVAILABLE), done.stdout + done.stderr
