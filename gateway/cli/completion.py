"""`completion`: lets a shell complete commands, options and what they take.

What a shell's script prints is asked of the commands themselves at each Tab, so that it is never older than they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import click
from click.shell_completion import ShellComplete

from gateway.cli.options import config_option

NAME = "challenge-gateway"
ASKED = "_CHALLENGE_GATEWAY_COMPLETE"
"""In the environment of a call that asks how its last word could go on."""

_BASH = """\
# Completion of challenge-gateway in bash; `challenge-gateway completion bash` prints this.
_challenge_gateway() {
    local kind value help word begun= words=()
    COMPREPLY=()
    for word in "${COMP_WORDS[@]:1:COMP_CWORD}"; do
        # Bash takes a word apart at a colon, and keeps what stands in front of it.
        if [[ $COMP_WORDBREAKS == *:* && ${#words[@]} -gt 0 && ( $word == : || ${words[-1]} == *: ) ]]; then
            words[-1]+=$word
        else
            words+=("$word")
        fi
    done
    [[ $COMP_WORDBREAKS == *:* && ${words[-1]} == *:* ]] && begun=${words[-1]%:*}:
    while IFS=$'\\t' read -r kind value help; do
        case $kind in
            plain) COMPREPLY+=("${value#"$begun"}") ;;
            file) compopt -o default ;;
            dir) compopt -o dirnames ;;
        esac
    done < <(@ASKED@=1 "$1" "${words[@]}" 2>/dev/null)
}
complete -o nosort -F _challenge_gateway challenge-gateway
"""
_ZSH = """\
#compdef challenge-gateway
# Completion of challenge-gateway in zsh; `challenge-gateway completion zsh` prints this.
_challenge_gateway() {
    local line kind value help
    local -a found
    for line in "${(@f)$(@ASKED@=1 ${words[1]} "${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
        IFS=$'\\t' read -r kind value help <<< "$line"
        case $kind in
            plain) found+=("${value//:/\\\\:}${help:+:$help}") ;;
            file) _files ;;
            dir) _files -/ ;;
        esac
    done
    (( $#found )) && _describe -V challenge-gateway found
}
if [[ ${zsh_eval_context[-1]} == loadautofunc ]]; then
    _challenge_gateway "$@"
else
    compdef _challenge_gateway challenge-gateway
fi
"""
_FISH = """\
# Completion of challenge-gateway in fish; `challenge-gateway completion fish` prints this.
function __challenge_gateway_complete
    set -l words (commandline --tokenize --current-process --cut-at-cursor)
    for line in (@ASKED@=1 $words[1] $words[2..-1] (commandline --current-token --cut-at-cursor) 2>/dev/null)
        set -l told (string split \\t -- $line)
        switch $told[1]
            case plain
                printf '%s\\t%s\\n' $told[2] $told[3]
            case file
                __fish_complete_path (commandline --current-token --cut-at-cursor)
            case dir
                __fish_complete_directories (commandline --current-token --cut-at-cursor)
        end
    end
end
complete --command challenge-gateway --no-files --arguments '(__challenge_gateway_complete)'
"""
SCRIPTS = {name: text.replace("@ASKED@", ASKED) for name, text in (("bash", _BASH), ("zsh", _ZSH), ("fish", _FISH))}


@click.command()
@config_option
@click.argument("shell", type=click.Choice(list(SCRIPTS)))
def completion(config: Path | None, shell: str) -> None:
    """Print the script that lets a shell complete commands.

    In ~/.bashrc: eval "$(challenge-gateway completion bash)"; in ~/.zshrc the same with zsh, below compinit; in
    fish: challenge-gateway completion fish > ~/.config/fish/completions/challenge-gateway.fish
    """
    click.echo(SCRIPTS[shell], nl=False)


def answers(commands: click.Command, words: Sequence[str]) -> Iterator[str]:
    """Yield how the last of the words could go on: kind, word and help, parted by tabs. kind: `plain`, `file`, `dir`."""
    *before, begun = words or [""]
    # What bash takes apart at a "=" is an option with its value all the same.
    before = [word for word in before if word != "="]
    found = ShellComplete(commands, {}, NAME, ASKED).get_completions(before, "" if begun == "=" else begun)
    for item in found:
        yield f"{item.type}\t{item.value}\t{' '.join((item.help or '').split())}".rstrip("\t")
