"""Completion in bash, fish and zsh: a script for each, and the answers that it asks for.

A script runs the command without arguments, with the line up to the cursor in a variable. The
answer has a line for each suggestion: its kind, its text and its help, with tabs between them.
Kinds: ``plain``; ``open``, which no blank follows; or ``file``, where the shell adds the names of
files after the text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files

import click
from click.shell_completion import CompletionItem, ShellComplete, split_arg_string

from testery_gate.cli.option_types import Command
from testery_gate.cli.output import hand_over

SHELLS = ("bash", "fish", "zsh")
"""The shells that there is a script for."""
VARIABLE = "_TESTERY_GATE_COMPLETE"
"""The environment variable by which a script asks."""


def answer(cli: click.Command, obj: object, environment: Mapping[str, str]) -> str:
    """Return the suggestions for the line in ``COMP_LINE``.

    bash treats the text after ``=`` or ``:`` as a word of its own, which is in ``COMP_WORD``. It
    needs suggestions for that word alone.
    """
    # With a mark at the end: a blank there may begin another word, or be part of a quoted one.
    *words, last = split_arg_string(f"{environment.get('COMP_LINE', '')}|")
    word = last[:-1]
    taken = word.removesuffix(environment.get("COMP_WORD", word))
    return "".join(
        f"{item.type}\t{item.value.removeprefix(taken)}\t{' '.join((item.help or '').split())}\n"
        for item in _suggestions(cli, obj, words[1:], word)
    )


def _suggestions(
    cli: click.Command, obj: object, words: Sequence[str], word: str
) -> list[CompletionItem[str]]:
    """Return suggestions for whole words, also for those that begin with ``--option=``."""
    complete = ShellComplete(cli, {"obj": obj}, "testery-gate", "").get_completions
    name, equals, value = word.partition("=")
    if not (equals and name.startswith("--")):
        return [_whole("", item) for item in complete([*words], word)]
    return [_whole(f"{name}=", item) for item in complete([*words, name], value)]


def _whole(before: str, item: CompletionItem[str]) -> CompletionItem[str]:
    # click gives what has been typed as the text of a file.
    text = (item.after or "") if item.type == "file" else item.value
    return CompletionItem(f"{before}{text}", type=item.type, help=item.help)


@click.command(
    cls=Command,
    examples=(
        "testery-gate completion bash >~/.local/share/bash-completion/completions/testery-gate",
        "testery-gate completion fish >~/.config/fish/completions/testery-gate.fish",
        "testery-gate completion zsh >~/.zfunc/_testery-gate",
    ),
    page="terminal.md",
)
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    """Print the script that completes this command in a shell (docs/terminal.md).

    Put it where the shell looks for it, as the examples do, and open a new shell.
    """
    script = files("testery_gate") / "completion" / f"testery-gate.{shell}"
    hand_over(script.read_text(encoding="utf-8"), "the script")
