"""The registry of the systems that host code, with one module for each."""

from __future__ import annotations

from collections.abc import Mapping

from testery_gate.code_hosts import System
from testery_gate.code_hosts.azure import Azure
from testery_gate.code_hosts.bitbucket import Bitbucket
from testery_gate.code_hosts.github import GitHub
from testery_gate.code_hosts.gitlab import GitLab
from testery_gate.code_hosts.host import CodeHost

ADAPTERS: Mapping[System, type[CodeHost]] = {
    System.GITHUB: GitHub,
    System.GITLAB: GitLab,
    System.AZURE: Azure,
    System.BITBUCKET: Bitbucket,
}
