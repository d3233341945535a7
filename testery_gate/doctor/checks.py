"""The checks, in the order of the way: settings, network, encryption, token, endpoints."""

from __future__ import annotations

import os
import socket
import ssl
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import requests

from testery_gate.api import faults
from testery_gate.api.address import check_api_url
from testery_gate.api.client import Limits, TesteryClient
from testery_gate.api.connection import (
    Route,
    direct_route,
    find_proxy,
    find_trust,
    system_has_certificates,
)
from testery_gate.api.credentials import Token
from testery_gate.api.transport import Encryption, Transport
from testery_gate.doctor import Finding, State, Step
from testery_gate.errors import NoAnswer, NotFound, Unavailable, UsageError
from testery_gate.model import TestRun
from testery_gate.text import Clean, clean_text, one_line

MOST_SKEW = 60
"""Seconds by which two clocks may differ."""
FEWEST_DAYS = 3
"""Days for which a certificate should still be valid; some are issued for six days only."""
RUNS = 20
"""How many runs are searched for a finished one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is examined; ``source`` says what set the address, ``timeout`` is in seconds."""

    api_url: str
    source: str
    find_token: Callable[[], Token]
    timeout: float


def checks_of(
    subject: Subject, now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> Sequence[Step]:
    """Return the checks of one examination."""
    steps = _Checks(subject, now)
    return [
        Step(name="api-url", work=steps.api_url),
        Step(name="proxy", work=steps.proxy, needs=["api-url"]),
        Step(name="certificates", work=steps.certificates, needs=["api-url"]),
        Step(
            name="token",
            work=steps.token,
            timeout_advice="No token arrives from its source: standard input, or a file that is a"
            " pipe.",
            timeout_error=UsageError,
        ),
        Step(
            name="resolve",
            work=steps.resolve,
            needs=["proxy"],
            timeout_advice="The DNS server does not answer. Check the network.",
        ),
        Step(
            name="connect",
            work=steps.connect,
            needs=["resolve"],
            timeout_advice="Something on the way drops the connection, for example a firewall.",
        ),
        Step(name="tls", work=steps.tls, needs=["certificates", "connect"]),
        Step(name="clock", work=steps.clock, needs=["tls"]),
        Step(name="runs", work=steps.runs, needs=["token", "tls"]),
        Step(name="results", work=steps.results, needs=["runs"], needed=False),
        Step(name="account", work=steps.account, needs=["runs"], needed=False),
    ]


class _Checks:
    """The checks; each uses what the earlier ones found."""

    def __init__(self, subject: Subject, now: Callable[[], datetime]) -> None:
        self._subject = subject
        # Longer than a check may take, so that the check times out first, with its own advice.
        self._client_timeout = subject.timeout + 1
        self._now = now
        self._token = ""
        self._date: str | None = None
        self._dated: datetime | None = None
        self._finished: TestRun | None = None
        self._route: Route
        self._transport: Transport
        self._client: TesteryClient

    def api_url(self) -> Finding:
        self._route = direct_route(check_api_url(self._subject.api_url))
        found = f"{self._route.url} ({self._subject.source})"
        return Finding(found=found, details={"url": self._route.url})

    def proxy(self) -> Finding:
        if not self._route.is_encrypted:
            return Finding(found="none, as for all addresses of this machine")
        proxy = find_proxy(self._route.url)
        if proxy is None:
            named = [name for name in os.environ if name.lower() in {"https_proxy", "all_proxy"}]
            why = (
                f": NO_PROXY contains {self._route.host}" if any(map(os.environ.get, named)) else ""
            )
            return Finding(found=f"none{why}", details={"proxy": None})
        self._route = replace(self._route, proxy=proxy)
        return Finding(found=str(proxy), details={"proxy": proxy.shown, "source": proxy.source})

    def certificates(self) -> Finding:
        if not self._route.is_encrypted:
            return Finding(found="none needed for plain http")
        trust = find_trust()
        trust.context()
        self._route = replace(self._route, trust=trust)
        details = {"source": trust.source}
        if not trust.is_named and not system_has_certificates(
            sys.platform, ssl.get_default_verify_paths()
        ):
            return Finding(
                state=State.WARNING,
                found="the system has none; those that come with testery-gate are trusted",
                advice="Install the system's (on Debian: ca-certificates).",
                details={"source": "certifi"},
            )
        also = " and nothing else" if trust.is_named else ""
        return Finding(found=f"trusted are {trust.source}{also}", details=details)

    def token(self) -> Finding:
        token = self._subject.find_token()
        self._token = token.value
        return Finding(found=f"from {token.source}", details={"source": token.source})

    def resolve(self) -> Finding:
        host, port = self._first_hop()
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise self._unreachable(requests.ConnectionError(error)) from error
        addresses = list(dict.fromkeys(str(address[0]) for *_, address in found))
        shown = ", ".join(addresses[:3])
        more = f" and {len(addresses) - 3} more" if len(addresses) > 3 else ""
        return Finding(
            found=f"{self._named_hop(host)} is {shown}{more}", details={"addresses": addresses}
        )

    def connect(self) -> Finding:
        host, port = self._first_hop()
        started = time.monotonic()
        try:
            with socket.create_connection((host, port), self._client_timeout) as connection:
                address = connection.getpeername()[0]
        except OSError as error:
            raise self._unreachable(requests.ConnectionError(error)) from error
        milliseconds = round(1000 * (time.monotonic() - started))
        return Finding(
            found=f"{self._named_hop(host)} accepts connections on port {port}"
            f" ({address}, {milliseconds} ms)",
            details={"address": address, "port": port, "milliseconds": milliseconds},
        )

    def _first_hop(self) -> tuple[str, int]:
        hop = self._route.proxy or self._route
        return hop.host, hop.port

    def _named_hop(self, host: str) -> str:
        return host if self._route.proxy is None else f"the proxy {host}"

    def _unreachable(self, error: requests.ConnectionError) -> NoAnswer:
        if self._route.proxy is not None:
            error = requests.exceptions.ProxyError(error)
        return faults.explained(error, self._route.url, self._route)

    def tls(self) -> Finding:
        self._transport = Transport(self._route, self._token)
        self._date = self._transport.fetch_date(self._client_timeout)
        self._dated = self._now()
        encryption = self._transport.encryption
        if encryption is None:
            return Finding(found="none: plain http to this machine")
        return certificate_finding(encryption, self._dated, self._transport.redact)

    def clock(self) -> Finding:
        theirs = faults.moment_of(self._date or "")
        if theirs is None:
            return Finding(state=State.SKIPPED, found="because the API does not send its time")
        skew = round(((self._dated or theirs) - theirs).total_seconds())
        details = {"skewSeconds": skew}
        if abs(skew) <= MOST_SKEW:
            return Finding(found=f"within {MOST_SKEW} s of the API's", details=details)
        return Finding(
            state=State.WARNING,
            found=f"this machine's is {abs(skew)} s {'ahead of' if skew > 0 else 'behind'} the"
            " API's",
            advice="Set it, preferably by NTP: certificates and --max-age depend on it.",
            details=details,
        )

    def runs(self) -> Finding:
        self._client = TesteryClient(
            self._transport,
            Limits.once(self._client_timeout),
            sleep=time.sleep,
        )
        try:
            runs = self._client.page(0, RUNS)
        except NotFound as error:
            # No single run was asked for: the API itself is not at this address.
            raise Unavailable(error.message, advice=faults.WRONG_ADDRESS) from None
        if not runs:
            return Finding(found="the token is accepted; there is no run yet", details={"runs": 0})
        self._finished = next((run for run in runs if run.complete or run.status.is_final), None)
        newest = runs[0]
        return Finding(
            found=f"the token is accepted; the newest run is {newest.id}, {newest.status_text}",
            details={"runs": len(runs), "newest": newest.id},
        )

    def results(self) -> Finding:
        if self._finished is None:
            return Finding(state=State.SKIPPED, found="because no run has finished yet")
        run = self._finished.id
        number = len(self._client.results(run))
        return Finding(
            found=f"offered: {number} for run {run}", details={"run": run, "results": number}
        )

    def account(self) -> Finding:
        name = self._client.account_name()
        if name is None:
            return Finding(
                state=State.WARNING,
                found="it has no name",
                advice="Reports can't link to a run that is named by its id.",
            )
        return Finding(found=name, details={"name": name})


def certificate_finding(
    encryption: Encryption, now: datetime, clean: Clean = clean_text
) -> Finding:
    """Return a finding that says who issued the certificate, and how long it is valid."""
    details: dict[str, object] = {"protocol": encryption.protocol}
    certificate = encryption.certificate
    if not certificate:
        # The operating system has checked it, and OpenSSL returns nothing about it.
        return Finding(
            found=f"{encryption.protocol}, a certificate that is trusted", details=details
        )
    ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(certificate["notAfter"]), UTC)
    days = (ends - now).days
    issuer = clean(_name(certificate["issuer"]))
    details |= {"issuer": issuer, "validUntil": ends.isoformat(), "daysLeft": days}
    found = f"{encryption.protocol}, certificate by {issuer}, valid for {days} days"
    if days >= FEWEST_DAYS:
        return Finding(found=found, details=details)
    return Finding(
        state=State.WARNING,
        found=found,
        advice="The administrator of the host, or of a proxy that decrypts, must renew it by"
        f" {ends:%Y-%m-%d %H:%M} UTC.",
        details=details,
    )


def _name(parts: Sequence[Sequence[tuple[str, str]]]) -> str:
    """Return the most useful part of a distinguished name."""
    names_by_key = {key: value for part in parts for key, value in part}
    names = (names_by_key.get(key) for key in ("organizationName", "commonName"))
    return one_line(next(filter(None, names), "an unnamed authority"))
