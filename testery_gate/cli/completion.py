"""Completion in bash, fish and zsh: a script for each, and the answers that it asks for.

A script runs the command without arguments, with the line up to the cursor in a variable. The
answer is a line for each suggestion, of three fields with a tab between: what it is, its text, and
its help. What it is: ``plain``; ``open``, after which no blank belongs; or ``file``, of which the
shell knows the names, to come after the text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import click
from click.shell_completion import CompletionItem, ShellComplete, split_arg_string

from testery_gate.cli.option_types import Command
from testery_gate.cli.output import hand_over

VARIABLE = "_TESTERY_GATE_COMPLETE"
"""The environment variable by which a script asks."""


def answer(cli: click.Command, obj: object, environment: Mapping[str, str]) -> str:
    """Return the suggestions for the line in ``COMP_LINE``.

    bash takes what comes after ``=`` or ``:`` for a word of its own, which is in ``COMP_WORD``, and
    wants no more than that.
    """
    # With a mark behind it, as a blank at the end may begin another word or be in a quoted one.
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


SCRIPTS = {
    "bash": """\
_testery_gate_completion() {
    local type value help
    COMPREPLY=()
    while IFS=$'\\t' read -r type value help; do
        case $type in
            plain) COMPREPLY+=("$value") ;;
            open) COMPREPLY+=("$value"); compopt -o nospace ;;
            file) compopt -o default ;;
        esac
    done < <(_TESTERY_GATE_COMPLETE=1 COMP_LINE=${COMP_LINE:0:COMP_POINT} COMP_WORD=$2 \\
        command "$1" 2>/dev/null)
}
complete -o nosort -F _testery_gate_completion testery-gate
""",
    "fish": """\
function __testery_gate_completion
    set -l word (commandline -ct)
    for line in (_TESTERY_GATE_COMPLETE=1 COMP_LINE=(commandline -cp | string collect) \\
            command testery-gate 2>/dev/null)
        set -l fields (string split \\t -- $line)
        switch $fields[1]
            case file
                set -l rest (string replace -- "$fields[2]" "" "$word")
                printf '%s\\n' $fields[2](__fish_complete_path $rest)
            case '*'
                printf '%s\\t%s\\n' $fields[2] $fields[3]
        end
    end
end
complete --command testery-gate --no-files --keep-order --arguments '(__testery_gate_completion)'
""",
    "zsh": """\
#compdef testery-gate

_testery-gate() {
    local -a lines fields plain open
    local line text
    lines=("${(@f)$(_TESTERY_GATE_COMPLETE=1 \\
        COMP_LINE="${(j: :)words[1,CURRENT-1]} ${(qq)PREFIX}" \\
        command "${(Q)words[1]}" 2>/dev/null)}")
    for line in $lines; do
        fields=("${(@ps:\\t:)line}")
        text=${fields[2]//:/\\\\:}${fields[3]:+:$fields[3]}
        case $fields[1] in
            plain) plain+=("$text") ;;
            open) open+=("$text") ;;
            file) compset -P "$fields[2]"; _files ;;
        esac
    done
    (( $#plain )) && _describe -V value plain
    (( $#open )) && _describe -V value open -S ''
}

if [[ $funcstack[1] == _testery-gate ]]; then
    _testery-gate "$@"
else
    compdef _testery-gate testery-gate
fi
""",
}
"""What each shell has to read."""


@click.command(
    cls=Command,
    examples=(
        "testery-gate completion bash >~/.local/share/bash-completion/completions/testery-gate",
        "testery-gate completion fish >~/.config/fish/completions/testery-gate.fish",
        "testery-gate completion zsh >~/.zfunc/_testery-gate",
    ),
    page="terminal.md",
)
@click.argument("shell", type=click.Choice(list(SCRIPTS)))
def completion(shell: str) -> None:
    """Print the script that completes this command in a shell (docs/terminal.md).

    Put it where the shell looks for it, as the examples do, and open a new shell.
    """
    hand_over(SCRIPTS[shell], "the script")
