"""The completion scripts in the shells that they are for: what is typed, and what becomes of it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from testery_gate.cli.main import COMMANDS
from tests.acceptance import command
from tests.acceptance.terminal import PROMPT, Tmux

pytestmark = pytest.mark.acceptance


@dataclass(frozen=True)
class Shell:
    """A shell, and the files of a user who did what docs/terminal.md says."""

    name: str
    start: tuple[str, ...]
    script: str
    """Where the script goes, below the home folder; empty for a shell that asks for it itself."""
    settings: str
    lines: str
    """What the settings are."""


BASH = Shell(
    "bash", ("bash",), "", ".bashrc", f"PS1='{PROMPT}'\nsource <(testery-gate completion bash)\n"
)
FISH = Shell(
    "fish",
    ("fish",),
    ".config/fish/completions/testery-gate.fish",
    ".config/fish/config.fish",
    f"function fish_prompt; printf '{PROMPT}'; end\nset -g fish_greeting\n",
)
ZSH = Shell(
    "zsh",
    ("zsh",),
    ".zfunc/_testery-gate",
    ".zshrc",
    f"PS1='{PROMPT}'\nfpath=(~/.zfunc $fpath)\nautoload -Uz compinit && compinit -u\n",
)
SHELLS = [pytest.param(shell, id=shell.name) for shell in (BASH, FISH, ZSH)]


@contextmanager
def typing(shell: Shell, folder: Path) -> Iterator[Tmux]:
    home, work = folder / "home", folder / "work"
    for path in (work / "out", (home / shell.settings).parent, (home / shell.script).parent):
        path.mkdir(parents=True, exist_ok=True)
    (work / "out" / "report.xml").touch()
    # Neither the files nor the variables of a project may spoil it.
    (work / "testery-gate.toml").write_text("timeout = [nonsense")
    if shell.script:
        (home / shell.script).write_text(script(shell.name, work))
    (home / shell.settings).write_text(shell.lines)
    with Tmux(
        cwd=work,
        columns=120,
        lines=60,
        shell=shell.start,
        unset=["XDG_CONFIG_HOME", "XDG_DATA_HOME", "ZDOTDIR"],
        HOME=str(home),
        TESTERY_GATE_TIMEOUT="nonsense",
        TESTERY_GATE_REQUIRE="nonsense",
    ) as terminal:
        terminal.until(lambda lines: lines[-1] == PROMPT.rstrip())
        yield terminal


def script(name: str, folder: Path) -> str:
    done = command.run("completion", name, cwd=folder)
    assert (done.code, done.stderr) == (0, "")
    return done.stdout


WORDS = [
    pytest.param("wa", "wait ", id="a command"),
    pytest.param("wait --junit-x", "wait --junit-xml ", id="an option"),
    pytest.param("wait 55676 --fail-f", "wait 55676 --fail-fast ", id="behind a run"),
    pytest.param("wait --ci gith", "wait --ci github ", id="a choice"),
    pytest.param("wait --ci=gith", "wait --ci=github ", id="a choice behind ="),
    pytest.param("wait --each env", "wait --each environment ", id="a group"),
    pytest.param("wait --report juni", "wait --report junit=", id="a format"),
    pytest.param("wait --report=juni", "wait --report=junit=", id="a format behind ="),
    pytest.param(
        "wait --report junit=out/re", "wait --report junit=out/report.xml ", id="a report"
    ),
    pytest.param("wait --junit-xml out/re", "wait --junit-xml out/report.xml ", id="a file"),
    pytest.param("wait --token-file=out/re", "wait --token-file=out/report.xml ", id="behind ="),
    pytest.param("wait --config out/re", "wait --config out/report.xml ", id="a setting's file"),
    pytest.param("wait --expect git", "wait --expect git-ref=", id="an expectation"),
    pytest.param("wait --status CANC", "wait --status CANCELED ", id="a status"),
    pytest.param("wait --git-ref au", "wait --git-ref auto ", id="the commit"),
    pytest.param("simulate --scenario unav", "simulate --scenario unavailable ", id="a scenario"),
    pytest.param(
        "simulate --scenario out/re", "simulate --scenario out/report.xml ", id="its file"
    ),
    pytest.param("completion fi", "completion fish ", id="a shell"),
    pytest.param("wait --timeout 5", "wait --timeout 5", id="what nobody knows"),
]


@pytest.mark.parametrize("shell", SHELLS)
def test_words_are_completed(shell: Shell, tmp_path: Path) -> None:
    wrong = []
    with typing(shell, tmp_path) as terminal:
        for case in WORDS:
            typed, completed = map(str, case.values)
            terminal.type(f"testery-gate {typed}")
            terminal.press("Tab")
            # Where a blank belongs it is there already.
            terminal.type("X")
            (shown, *_) = terminal.until(lambda lines: lines[0].endswith("X"))
            if shown != f"{PROMPT}testery-gate {completed}X":
                wrong.append((typed, shown))
            terminal.press("C-u", "C-l")
            terminal.until(lambda lines: lines == [PROMPT.rstrip()])
    assert not wrong


@pytest.mark.parametrize("shell", SHELLS)
def test_the_commands_are_listed(shell: Shell, tmp_path: Path) -> None:
    with typing(shell, tmp_path) as terminal:
        terminal.type("testery-gate ")
        terminal.press("Tab", "Tab")
        terminal.until(lambda lines: COMMANDS.keys() <= set(" ".join(lines).split()))
        if shell is not BASH:
            # The start of it, as the shells fold what is longer than the line.
            terminal.until_shown(COMMANDS["check"][:40])


def test_a_script_is_what_its_shell_takes(tmp_path: Path) -> None:
    for shell in (BASH, FISH, ZSH):
        (tmp_path / "script").write_text(script(shell.name, tmp_path))
        subprocess.run([shell.name, "-n", "script"], cwd=tmp_path, check=True)
