"""What CI systems make of a log or a file, by their published rules; knows nothing of the gate.

Sources: actions/runner (ActionCommand.cs, FileCommandManager.cs), azure-pipelines-agent
(Command.cs, CommandStringConvertor.cs), TeamCity's ServiceMessage.java and MapSerializerUtil.java,
GitLab (lib/gitlab/regex.rb, parse_dotenv_artifact_service.rb).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# .NET's and Java's idea of white space, as far as their Trim and TrimStart go.
BLANKS = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)


@dataclass(frozen=True)
class Command:
    """A command that a system executes."""

    name: str
    properties: tuple[tuple[str, str], ...] = ()
    data: str = ""

    def __getitem__(self, name: str) -> str:
        return dict(self.properties)[name]


def lines_of(output: str) -> list[str]:
    """Split as StreamReader.ReadLine and BufferedReader.readLine do."""
    return re.split(r"\r\n|\r|\n", output)


# GitHub

GITHUB_COMMANDS = {
    *("add-mask", "add-matcher", "add-path", "debug", "echo", "endgroup", "error", "group"),
    *("internal-set-repo-path", "notice", "remove-matcher", "save-state", "set-env"),
    *("set-output", "stop-commands", "warning"),
}


def github(output: str) -> list[Command]:
    """Return the workflow commands in a log."""
    return [
        command
        for line in lines_of(output)
        if (command := _github_v2(line) or _github_v1(line)) is not None
    ]


def _github_v2(line: str) -> Command | None:
    line = line.lstrip(BLANKS)
    if not line.startswith("::"):
        return None
    end = line.find("::", 2)
    if end < 0:
        return None
    name, _, properties = line[2:end].partition(" ")
    if name.lower() not in GITHUB_COMMANDS:
        return None
    pairs = _pairs(
        properties.strip(BLANKS), ",", {"%0D": "\r", "%0A": "\n", "%3A": ":", "%2C": ","}
    )
    return Command(name.lower(), pairs, _unescaped(line[end + 2 :], {"%0D": "\r", "%0A": "\n"}))


def _github_v1(line: str) -> Command | None:
    start = line.find("##[")
    end = line.find("]", start)
    if start < 0 or end < 0:
        return None
    name = line[start + 3 : end].partition(" ")[0]
    return Command(name.lower()) if name.lower() in GITHUB_COMMANDS else None


def _pairs(text: str, separator: str, escapes: dict[str, str]) -> tuple[tuple[str, str], ...]:
    pairs = []
    for part in text.split(separator):
        # Split('=', 2, RemoveEmptyEntries): equals signs at a value's start are lost.
        name, _, value = part.lstrip("=").partition("=")
        if value.lstrip("="):
            pairs.append((name, _unescaped(value.lstrip("="), escapes)))
    return tuple(pairs)


def _unescaped(text: str, escapes: dict[str, str], percent: str = "%25") -> str:
    for escape, character in escapes.items():
        text = text.replace(escape, character)
    return text.replace(percent, "%")


def github_file(text: str) -> dict[str, str]:
    """Return what a file named by GITHUB_OUTPUT sets; raises ``ValueError`` as the runner does."""
    values: dict[str, str] = {}
    lines = iter(text.split("\n"))
    for line in lines:
        if not line:
            continue
        equals, heredoc = line.find("="), line.find("<<")
        if equals >= 0 and (heredoc < 0 or equals < heredoc):
            name, _, values[name] = line.partition("=")
            continue
        name, _, delimiter = line.partition("<<")
        if heredoc < 0 or not name or not delimiter:
            raise ValueError(f"invalid format {line!r}")
        value = []
        for part in lines:
            if part == delimiter:
                break
            value.append(part)
        else:
            raise ValueError(f"matching delimiter not found {delimiter!r}")
        values[name] = "\n".join(value)
    return values


# Azure


def azure(output: str) -> list[Command]:
    """Return the logging commands in a log."""
    found = []
    for line in lines_of(output):
        start = line.find("##vso[")
        end = line.find("]", start)
        if start < 0 or end < 0:
            continue
        name, _, properties = line[start + 6 : end].partition(" ")
        if len([part for part in name.split(".") if part]) != 2:
            continue
        escapes = {"%3B": ";", "%0D": "\r", "%0A": "\n", "%5D": "]"}
        data = _unescaped(line[end + 1 :], escapes, "%AZP25")
        found.append(Command(name, _pairs_azure(properties, escapes), data))
    return found


def _pairs_azure(text: str, escapes: dict[str, str]) -> tuple[tuple[str, str], ...]:
    pairs = []
    for part in filter(None, text.split(";")):
        name, _, value = part.lstrip("=").partition("=")
        if value.lstrip("="):
            pairs.append((name, _unescaped(value.lstrip("="), escapes, "%AZP25")))
    return tuple(pairs)


# TeamCity


def teamcity(output: str) -> list[Command]:
    """Return the service messages in a log; raises ``ValueError`` for one that has no form."""
    found = []
    for line in lines_of(output):
        at = line.find("##teamcity[")
        while at >= 0:
            end = at
            while True:
                end = line.find("]", end + 1)
                if end < 0 or line[end - 1] != "|":
                    break
            if end < 0:
                break
            found.append(_service_message(line[at + 11 : end].strip()))
            at = line.find("##teamcity[", end)
    return found


def _service_message(text: str) -> Command:
    name, _, rest = text.partition(" ")
    rest = rest.strip()
    if rest.startswith("'"):
        return Command(name, (), _unbarred(rest[1:-1]))
    attributes = []
    while rest:
        key, equals, rest = rest.partition("=")
        rest = rest.strip()
        if not equals or not key.strip().isidentifier() or not rest.startswith("'"):
            raise ValueError(f"invalid service message {text!r}")
        at = 1
        while rest[at] != "'":
            at += 2 if rest[at] == "|" else 1
        attributes.append((key.strip(), _unbarred(rest[1:at])))
        rest = rest[at + 1 :].strip()
    return Command(name, tuple(attributes))


def _unbarred(text: str) -> str:
    known = {"n": "\n", "r": "\r", "x": "\x85", "l": "\u2028", "p": "\u2029"}
    return re.sub(r"\|([nrxlp'|\[\]])", lambda match: known.get(match[1], match[1]), text)


# GitLab


def gitlab(output: str) -> list[Command]:
    """Return where sections begin and end in a log."""
    pattern = r"section_(start|end):(\d+):([a-zA-Z0-9_.-]+)(\[\w+=\w+(?:, ?\w+=\w+)*\])?\r\x1b\[0K"
    return [
        Command(match[1], (("time", match[2]), ("name", match[3])))
        for match in re.finditer(pattern, output)
    ]


def gitlab_dotenv(file: bytes) -> dict[str, str]:
    """Return the variables of a dotenv report; raises ``ValueError`` where GitLab refuses it."""
    if len(file) >= 5 * 1024:
        raise ValueError("Dotenv Artifact Too Big")
    variables = {}
    for line in re.findall(r"[^\n]*\n|[^\n]+", file.decode("utf-8")):
        match = re.match(r"(.*?)=(.*)$", line.removesuffix("\n"))
        if match is None:
            raise ValueError("Invalid Format")
        name, value = match[1].strip(), match[2].strip()
        if not re.fullmatch(r"[A-Za-z0-9_]+", name):
            raise ValueError("Validation failed: Key can contain only letters, digits and '_'")
        variables[name] = value
    if len(variables) > 20:
        raise ValueError("Dotenv files cannot have more than 20 variables")
    return variables


def gitlab_expands(value: str) -> bool:
    """Whether GitLab would put another variable's value into this one (expand_variables.rb)."""
    name = "[a-zA-Z_][a-zA-Z0-9_]*"
    return re.search(rf"\${name}|\$\{{{name}\}}|%{name}%", value) is not None


READERS = {
    "github": github,
    "azure": azure,
    "teamcity": teamcity,
    "gitlab": gitlab,
}
"""A reader of the log for each system that reads it."""
