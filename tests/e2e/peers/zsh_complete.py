"""Prints what zsh offers at the end of each line: LINE, a tab and the word, without what stands
before it in the line.

    zsh_complete.py DIRECTORY LINE...     DIRECTORY has the completion function _sockx

zsh completes only where a line is edited: it runs in a pseudo-terminal, is typed the line and a tab,
and tells what its completion functions add.
"""

import os
import pty
import select
import signal
import sys
import tempfile
import time

LIMIT_S = 10
SETUP = r"""
PS1= PS2= RPS1=
unsetopt beep auto_list auto_menu
fpath=(%(directory)s $fpath)
autoload -Uz compinit; compinit -u -D
zmodload zsh/complete
compadd() {
    if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then builtin compadd "$@"; return; fi
    local -a found
    builtin compadd -O found "$@"
    print -rl -- $found >>%(out)s
    builtin compadd "$@"
}
over() { print %%%%over >>%(out)s }
zle -N over
zle -N zle-line-init over
bindkey '^I' complete-word '^G' over '^U' kill-whole-line
"""


def until_over(terminal, out, times):
    """Read what the terminal shows, which nobody needs, until it was over so often."""
    until = time.monotonic() + LIMIT_S
    while time.monotonic() < until:
        if select.select([terminal], [], [], 0.02)[0]:
            try:
                os.read(terminal, 65536)
            except OSError:
                break
        with open(out, encoding="utf-8") as said:
            lines = said.read().splitlines()
        if lines.count("%%over") >= times:
            return lines
    sys.exit("zsh did not answer")


def main():
    directory, lines = sys.argv[1], sys.argv[2:]
    with tempfile.TemporaryDirectory() as home:
        out = os.path.join(home, "out")
        setup = os.path.join(home, "setup")
        with open(out, "w", encoding="utf-8"), open(setup, "w", encoding="utf-8") as text:
            text.write(SETUP % {"directory": directory, "out": out})
        pid, terminal = pty.fork()
        if pid == 0:
            os.environ.update(HOME=home, TERM="dumb")
            os.execvp("zsh", ["zsh", "-f", "-i"])
        os.write(terminal, f"source {setup}\n".encode())
        until_over(terminal, out, 1)
        for times, line in enumerate(lines, 2):
            os.write(terminal, line.encode() + b"\t\x07\x15")
            until_over(terminal, out, times)
        found = "\n".join(until_over(terminal, out, len(lines) + 1)).split("%%over")[1:]
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    for line, words in zip(lines, found):
        for word in dict.fromkeys(words.split()):
            print(f"{line}\t{word}")


main()
