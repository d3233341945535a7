from __future__ import annotations

import pytest

from testery_gate.api.address import check_api_url
from testery_gate.errors import UsageError


@pytest.mark.parametrize(
    "url",
    [
        "https://api.testery.io/api",
        "https://api.testery.io/api/",
        "http://127.0.0.1:8099/api",
        "http://127.8.8.8/api",
        "http://[::1]:8099/api",
        "http://localhost:8099/api",
        "http://LOCALHOST/api",
    ],
)
def test_a_safe_address_is_taken(url: str) -> None:
    assert check_api_url(url) == url.rstrip("/")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        pytest.param("http://api.testery.io/api", "plain http to api.testery.io", id="http"),
        pytest.param("http://127.0.0.1.evil.test/api", "plain http", id="looks like loopback"),
        pytest.param("http://10.0.0.1/api", "plain http", id="a private address"),
        pytest.param("ftp://api.testery.io/api", "must look like", id="another scheme"),
        pytest.param("api.testery.io/api", "must look like", id="no scheme"),
        pytest.param("https:///api", "must look like", id="no host"),
        pytest.param(
            "https://me:secret@api.testery.io/api", "must not contain a user name", id="a password"
        ),
        pytest.param(
            "ftp://me:secret@api.testery.io/", "must not contain a user name", id="another scheme's"
        ),
        pytest.param("https://api.testery.io/api?x=1", "without", id="a query"),
        pytest.param("https://api.testery.io/api#x", "without", id="a fragment"),
        pytest.param("https://[::1/api", "not an address", id="a broken IPv6 address"),
        pytest.param(
            "https://api.testery.io:99999/api", "not an address", id="a port out of range"
        ),
    ],
)
def test_an_unsafe_address_is_refused(url: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        check_api_url(url)
    assert "secret" not in caught.value.message
