from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from testery_gate.api.connection import (
    Trust,
    find_proxy,
    find_route,
    find_trust,
    system_has_certificates,
)
from testery_gate.errors import UsageError
from tests.authority import Authority

URL = "https://api.example.test/api"
Environ = Callable[[Mapping[str, str]], None]


@pytest.fixture
def environ(monkeypatch: pytest.MonkeyPatch) -> Environ:
    """Set these variables and no others of those that make a route."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name.endswith(
            ("_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")
        ):
            monkeypatch.delenv(name)

    def set_these(variables: Mapping[str, str]) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return set_these


def test_without_variables_the_way_is_direct_and_the_systems_certificates_are_trusted(
    environ: Environ,
) -> None:
    environ({})
    route = find_route(URL)
    assert (route.url, route.host, route.port) == (URL, "api.example.test", 443)
    assert (route.proxy, route.trust) == (None, Trust())
    assert find_route("https://api.example.test:8443").port == 8443


def test_plain_http_takes_neither_proxy_nor_certificates(environ: Environ) -> None:
    environ({"HTTP_PROXY": "http://proxy.test:1", "REQUESTS_CA_BUNDLE": "/nowhere"})
    route = find_route("http://[::1]/api")
    assert (route.host, route.port, route.proxy, route.trust) == ("::1", 80, None, None)


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("https://api..example.test", id="an empty label"),
        pytest.param(f"https://{'a' * 64}.test", id="a label that is too long"),
        pytest.param("https://exa mple.test", id="a blank"),
        pytest.param("https://exa%20mple.test", id="an encoded blank"),
        pytest.param("https://exam,ple.test", id="a comma"),
        pytest.param("https://*.example.test", id="a wildcard"),
    ],
)
def test_a_host_that_can_not_be_is_said_at_once(environ: Environ, url: str) -> None:
    environ({})
    with pytest.raises(UsageError, match="invalid host name"):
        find_route(url)


@pytest.mark.parametrize(
    ("variables", "shown", "source"),
    [
        pytest.param(
            {"HTTPS_PROXY": "http://one.test:3128"},
            "http://one.test:3128",
            "variable HTTPS_PROXY",
            id="upper case",
        ),
        pytest.param(
            {"https_proxy": "http://one.test:3128"},
            "http://one.test:3128",
            "variable https_proxy",
            id="lower case",
        ),
        pytest.param(
            {"HTTPS_PROXY": "http://upper.test", "https_proxy": "http://lower.test"},
            "http://lower.test:80",
            "variable https_proxy",
            id="the lower case wins",
        ),
        pytest.param(
            {"ALL_PROXY": "https://all.test"},
            "https://all.test:443",
            "variable ALL_PROXY",
            id="for everything",
        ),
        pytest.param(
            {"ALL_PROXY": "http://all.test", "HTTPS_PROXY": "http://one.test"},
            "http://one.test:80",
            "variable HTTPS_PROXY",
            id="the closer one wins",
        ),
        pytest.param(
            {"HTTPS_PROXY": "one.test:3128"},
            "http://one.test:3128",
            "variable HTTPS_PROXY",
            id="without a scheme",
        ),
        pytest.param(
            {"HTTPS_PROXY": "http://someone:secret@[::1]:3128/"},
            "http://[::1]:3128",
            "variable HTTPS_PROXY",
            id="a user, and an address of IPv6",
        ),
    ],
)
def test_a_proxy_is_found_with_its_source_and_shown_without_its_user(
    environ: Environ, variables: Mapping[str, str], shown: str, source: str
) -> None:
    environ(variables)
    proxy = find_proxy(URL)
    assert proxy is not None
    assert (proxy.shown, proxy.source) == (shown, source)
    assert "secret" not in f"{proxy} {proxy!r}"


def test_a_proxy_that_no_variable_names_is_the_systems(environ: Environ) -> None:
    # As on macOS and Windows, where the system itself knows a proxy.
    environ({"https://api.example.test_proxy": "http://one.test"})
    proxy = find_proxy(URL)
    assert proxy is not None
    assert proxy.source == "the system's settings"


@pytest.mark.parametrize("name", ["NO_PROXY", "no_proxy"])
@pytest.mark.parametrize("value", ["example.test", ".example.test", "other, api.example.test", "*"])
def test_a_host_can_be_excluded_from_the_proxy(environ: Environ, name: str, value: str) -> None:
    environ({"HTTPS_PROXY": "http://one.test:3128", name: value})
    assert find_proxy(URL) is None


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_an_empty_variable_is_none(environ: Environ, name: str) -> None:
    environ({name: "", "NO_PROXY": ""})
    assert find_proxy(URL) is None


@pytest.mark.parametrize(
    ("value", "said"),
    [
        pytest.param("http://", "has an invalid proxy address", id="no host"),
        pytest.param("http://:3128", "has an invalid proxy address", id="a port alone"),
        pytest.param("http://one.test:99999", "has an invalid proxy address", id="no port"),
        pytest.param("http://one..test:3128", "has an invalid proxy address", id="no name"),
        pytest.param(
            "http://a:sec/ret@one.test", "has an invalid proxy address", id="a bare slash"
        ),
        pytest.param("http://[::1", "has an invalid proxy address", id="a bracket"),
        pytest.param("socks5://one.test:1080", "names a socks5 proxy", id="SOCKS"),
    ],
)
def test_a_proxy_that_can_not_be_is_said_at_once_and_not_quoted(
    environ: Environ, value: str, said: str
) -> None:
    environ({"HTTPS_PROXY": value})
    with pytest.raises(UsageError, match=f"variable HTTPS_PROXY .*{said}") as caught:
        find_route(URL)
    assert value not in caught.value.message
    assert "NO_PROXY" in caught.value.advice


def test_what_a_proxy_echoes_of_its_password_is_not_shown(environ: Environ) -> None:
    environ({"HTTPS_PROXY": "http://someone:p%40ss@one.test"})
    proxy = find_proxy(URL)
    assert proxy is not None
    assert proxy.has_user
    assert proxy.redact("p@ss or c29tZW9uZTpwQHNz?") == "*** or ***?"
    environ({"HTTPS_PROXY": "http://one.test"})
    bare = find_proxy(URL)
    assert bare is not None
    assert not bare.has_user
    assert bare.redact("anything") == "anything"


@pytest.mark.parametrize(
    ("variables", "trust"),
    [
        pytest.param(
            {"REQUESTS_CA_BUNDLE": "/a.pem", "CURL_CA_BUNDLE": "/b.pem", "SSL_CERT_FILE": "/c.pem"},
            Trust(source="REQUESTS_CA_BUNDLE=/a.pem", file="/a.pem"),
            id="a bundle for requests",
        ),
        pytest.param(
            {"REQUESTS_CA_BUNDLE": "", "CURL_CA_BUNDLE": "/b.pem", "SSL_CERT_FILE": "/c.pem"},
            Trust(source="CURL_CA_BUNDLE=/b.pem", file="/b.pem"),
            id="a bundle for curl",
        ),
        pytest.param(
            {"REQUESTS_CA_BUNDLE": "/"},
            Trust(source="REQUESTS_CA_BUNDLE=/", folders="/"),
            id="a folder for requests",
        ),
        pytest.param(
            {"SSL_CERT_FILE": "/c.pem"},
            Trust(source="SSL_CERT_FILE=/c.pem", file="/c.pem"),
            id="a file for OpenSSL",
        ),
        pytest.param(
            {"SSL_CERT_DIR": "/c:/d"},
            Trust(source="SSL_CERT_DIR=/c:/d", folders="/c:/d"),
            id="folders for OpenSSL",
        ),
        pytest.param(
            {"SSL_CERT_FILE": "/c.pem", "SSL_CERT_DIR": "/d"},
            Trust(source="SSL_CERT_FILE=/c.pem and SSL_CERT_DIR=/d", file="/c.pem", folders="/d"),
            id="both for OpenSSL",
        ),
        pytest.param({"SSL_CERT_FILE": "", "SSL_CERT_DIR": ""}, Trust(), id="empty variables"),
    ],
)
def test_variables_name_the_certificates_that_are_trusted(
    environ: Environ, variables: Mapping[str, str], trust: Trust
) -> None:
    environ(variables)
    assert find_trust() == trust
    assert find_trust().is_named is (trust != Trust())


def test_what_is_named_is_trusted_and_nothing_else(environ: Environ, tmp_path: Path) -> None:
    bundle = Authority().bundle(tmp_path / "ca.pem")
    environ({"REQUESTS_CA_BUNDLE": str(bundle)})
    context = find_trust().context()
    assert len(context.get_ca_certs()) == 1
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


@pytest.mark.parametrize(
    ("variable", "content", "said"),
    [
        pytest.param("REQUESTS_CA_BUNDLE", None, "No such file", id="no bundle"),
        pytest.param("SSL_CERT_FILE", None, "No such file", id="no file"),
        pytest.param("SSL_CERT_DIR", None, "is not a folder", id="no folder"),
        pytest.param("REQUESTS_CA_BUNDLE", "", "holds no certificates", id="an empty bundle"),
        pytest.param("SSL_CERT_FILE", "<html>", "holds no certificates", id="something else"),
    ],
)
def test_certificates_that_are_not_there_are_said_at_once(
    environ: Environ, tmp_path: Path, variable: str, content: str | None, said: str
) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    environ({variable: str(path)})
    with pytest.raises(UsageError, match=said) as caught:
        find_trust().context()
    assert f"{variable}={path}" in caught.value.message
    assert caught.value.advice


@pytest.mark.parametrize(
    ("platform", "file", "folder", "has"),
    [
        pytest.param("linux", None, None, False, id="nothing"),
        pytest.param("linux", None, "empty", False, id="an empty folder"),
        pytest.param("linux", None, "full", True, id="a folder"),
        pytest.param("linux", "a.pem", None, True, id="a file"),
        pytest.param("darwin", None, None, True, id="macOS"),
        pytest.param("win32", None, None, True, id="Windows"),
    ],
)
def test_a_system_without_certificates_is_recognised(
    tmp_path: Path, platform: str, file: Any, folder: str | None, has: bool
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "5ed36f99.0").touch()
    path: Any = folder and str(tmp_path / folder)
    assert (
        system_has_certificates(platform, ssl.DefaultVerifyPaths(file, path, "", "", "", "")) is has
    )
