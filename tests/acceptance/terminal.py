"""A shell in a real terminal, tmux, in which commands are typed and whose screen is read."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

from tests.acceptance import command
from tests.canary import watched

BASH = ("bash", "--norc", "--noprofile")
PROMPT = "$ "


def until(holds: Callable[[], bool], shown: Sequence[str] = ()) -> None:
    """Wait until something holds; else say what is ``shown``."""
    patience = time.monotonic() + command.LONGEST
    while not holds():
        assert time.monotonic() < patience, "\n".join(shown)
        time.sleep(0.05)


class Tmux:
    """A terminal with a shell in it; nothing in it is of the caller's own settings."""

    def __init__(
        self,
        *,
        cwd: Path,
        columns: int = 80,
        lines: int = 24,
        api_url: str | None = None,
        shell: Sequence[str] = BASH,
        unset: Sequence[str] = (),
        **variables: str,
    ) -> None:
        self.folder = cwd
        self._size = ["-x", str(columns), "-y", str(lines)]
        # In front of the shell, as the one between would take a prompt of its own.
        self._shell = shlex.join(["env", f"PS1={PROMPT}", *shell])
        path = f"{Path(command.COMMAND).parent}:{os.environ['PATH']}"
        own = {"LC_ALL": "C.UTF-8", "PATH": path, **variables}
        self._environment = {
            name: value
            for name, value in command.environment(api_url, **own).items()
            # The terminal tells its size and type, against which these would speak.
            if name not in {"COLUMNS", "LINES", "TERM", "TMUX", *unset}
        }
        # Not in the test's folder, whose name may be longer than a socket's may be.
        self._sockets = tempfile.TemporaryDirectory(prefix="tmux-")

    def __enter__(self) -> Self:
        self._tmux("new-session", "-d", *self._size, "-c", str(self.folder), self._shell)
        # What is typed before the shell is there shows twice.
        self.until(lambda lines: bool(lines[-1]))
        return self

    def __exit__(self, *_: object) -> None:
        self._tmux("kill-server")
        self._sockets.cleanup()

    def type(self, text: str) -> None:
        """Type some text, without the return key."""
        self._tmux("send-keys", "-l", text)

    def press(self, *keys: str) -> None:
        """Press keys by tmux's names, such as Enter, Tab or C-c."""
        self._tmux("send-keys", *keys)

    def enter(self, line: str) -> None:
        """Type a line at the shell's prompt and have it run."""
        self.type(line)
        self.press("Enter")

    def resize(self, columns: int, lines: int) -> None:
        """Change the size of the terminal, as a person does by dragging the window's edge."""
        self._tmux("resize-window", "-x", str(columns), "-y", str(lines))

    def screen(self, *, styles: bool = False, whole: bool = False) -> list[str]:
        """The lines that are seen now, or all since the shell began; none that are empty below."""
        flags = [*(["-e"] if styles else []), *(["-S", "-"] if whole else [])]
        return watched(self._tmux("capture-pane", "-p", *flags)).rstrip().split("\n")

    def until(self, seen: Callable[[list[str]], bool], *, whole: bool = False) -> list[str]:
        """Wait until the screen is as it should be, and return it."""
        lines: list[str] = []

        def is_seen() -> bool:
            lines[:] = self.screen(whole=whole)
            return seen(lines)

        until(is_seen, lines)
        return lines

    def until_shown(self, text: str) -> list[str]:
        """Wait until this is to be read in a line."""
        return self.until(lambda lines: any(text in line for line in lines))

    def value(self, name: str) -> str:
        """The value of one of tmux's variables, such as cursor_flag."""
        return self._tmux("display-message", "-p", f"#{{{name}}}").strip()

    @property
    def cursor_shown(self) -> bool:
        return self.value("cursor_flag") == "1"

    def close(self) -> None:
        """Take the terminal away from whatever runs in it."""
        self._tmux("kill-pane")

    def _tmux(self, *arguments: str) -> str:
        done = subprocess.run(
            # Without a configuration file, and with UTF-8 whatever the locale of the tests is.
            ["tmux", "-u", "-f", "/dev/null", "-S", f"{self._sockets.name}/socket", *arguments],  # noqa: S607
            capture_output=True,
            check=False,
            encoding="utf-8",
            env=self._environment,
        )
        return done.stdout
