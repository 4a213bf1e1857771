# shellcheck disable=SC2016,SC2030,SC2031,SC2153,SC2154 # tests are processes; run sets output
#
# What sockx says about itself: help that needs nothing installed, transcripts that come out as they
# are printed, completions in the shells themselves, and hints for who comes from elsewhere.

load helper

ROOT=$BATS_TEST_DIRNAME/../..

# ---- transcripts ----

# PAGE: every transcript on it goes as printed, in a network of its own.
goes_as_printed() {
    run "$PYTHON" "$PEERS/transcript.py" "$SOCKX" "$ROOT/$1"
    [ "$status" != 77 ] || skip "$output"
    expect_status 0
}

@test "sockx(1): each example prints what it says" { goes_as_printed man/sockx.1; }
@test "sockx-serve(1): each example prints what it says" { goes_as_printed man/sockx-serve.1; }
@test "sockx-connect(1): each example prints what it says" { goes_as_printed man/sockx-connect.1; }
@test "sockx-echo(1): each example prints what it says" { goes_as_printed man/sockx-echo.1; }
@test "sockx-greet(1): each example prints what it says" { goes_as_printed man/sockx-greet.1; }
@test "sockx-analyze(1): each example prints what it says" { goes_as_printed man/sockx-analyze.1; }
@test "sockx-lab(7): each exercise prints what it says" { goes_as_printed man/sockx-lab.7; }
@test "README: each block prints what it says" { goes_as_printed README.md; }

@test "a transcript that does not come out as printed is found" {
    printf '.Bd -literal\n$ echo one\ntwo\n.Ed\n' >"$BATS_TEST_TMPDIR/page.1"
    run "$PYTHON" "$PEERS/transcript.py" "$SOCKX" "$BATS_TEST_TMPDIR/page.1"
    [ "$status" != 77 ] || skip "$output"
    expect_status 1
    [[ $output == *two* && $output == *one* ]] || fail "$output"
}

# ---- help ----

@test "help shows the manual of every command, and needs nothing but itself" {
    for command in serve connect echo greet analyze; do
        run --separate-stderr env -i "$SOCKX" help "$command"
        expect_status 0
        equal "$(head -n 1 <<<"$output" | cut -d ' ' -f 1)" "SOCKX-${command^^}(1)"
        [[ $output == *$'\nEXIT STATUS\n'* && $output == *$'\nEXAMPLES\n'* ]] || fail "$output"
    done
    equal "$(sockx help sockx)" "$(cat "$ROOT/man/text/sockx.1.txt")"
}

@test "help of a topic is its part of the manual" {
    for topic in addresses:ADDRESSES exit-codes:'EXIT STATUS' coming-from-nc:'COMING FROM NC' \
        diagnostics:DIAGNOSTICS; do
        run sockx help "${topic%%:*}"
        expect_status 0
        equal "${lines[0]}" "${topic#*:}"
        equal "$(grep -c '^[A-Z]' <<<"$output")" 1
        [ "${#lines[@]}" -gt 10 ] || fail "$output"
    done
    equal "$(sockx help lab)" "$(cat "$ROOT/man/text/sockx-lab.7.txt")"
}

@test "help lists the topics, as --help does" {
    equal "$(sockx help)" "$(sockx --help)"
    for topic in addresses exit-codes diagnostics coming-from-nc lab; do
        [[ $(sockx help) == *$'\n  '"$topic"' '* ]] || fail "no $topic"
    done
}

@test "help of what is no command and no topic says what is" {
    run --separate-stderr sockx help exit-code
    expect_status 2
    equal "$stderr" "sockx: 'exit-code' is no command and no topic
hint: did you mean 'sockx help exit-codes'?"
    run --separate-stderr sockx help nonsense
    expect_status 2
    [[ $stderr == *"'sockx help' lists both" ]] || fail "$stderr"
}

@test "help that cannot be written is status 1; whose reader goes away, SIGPIPE" {
    run --separate-stderr sh -c '"$1" help serve >/dev/full' sh "$SOCKX"
    expect_status 1
    [[ $stderr == *'cannot write to standard output: No space left'* ]] || fail "$stderr"
    run bash -c '"$1" help serve --color always | head -n 0; echo "${PIPESTATUS[0]}"' sh "$SOCKX"
    [[ $output == 141 || $output == 0 ]] || fail "$output"
}

# ---- colour ----

ESC=$'\e'

# [VAR=VALUE...] COMMAND...: as on a terminal with colours.
on_terminal() {
    env -u NO_COLOR TERM=xterm "$@"
}

@test "help is coloured on a terminal, unless told otherwise" {
    run on_terminal script -qec "$SOCKX serve -h" /dev/null
    [[ $output == *"${ESC}[1mUsage:${ESC}[0m"* && $output == *"${ESC}[36m-p, --port PORT${ESC}[0m"* ]] ||
        fail "$output"
    run on_terminal NO_COLOR=1 script -qec "$SOCKX serve -h" /dev/null
    [[ $output != *"$ESC"* ]] || fail "$output"
    run on_terminal TERM=dumb script -qec "$SOCKX serve -h" /dev/null
    [[ $output != *"$ESC"* ]] || fail "$output"
    run on_terminal script -qec "$SOCKX serve --color=never -h" /dev/null
    [[ $output != *"$ESC"* ]] || fail "$output"
}

@test "help is plain elsewhere, unless told otherwise" {
    [[ $(sockx serve --help) != *"$ESC"* ]] || fail 'coloured'
    [[ $(CLICOLOR_FORCE=1 sockx serve --help) == *"${ESC}[1m"* ]] || fail 'not coloured'
    [[ $(CLICOLOR_FORCE=0 sockx serve --help) != *"$ESC"* ]] || fail 'coloured'
    [[ $(NO_COLOR=1 CLICOLOR_FORCE=1 sockx serve --help) != *"$ESC"* ]] || fail 'coloured'
    [[ $(NO_COLOR=1 sockx help serve --color always) == *"${ESC}[1mNAME${ESC}[0m"* ]] || fail 'plain'
}

@test "colours change nothing but the colour" {
    for page in sockx serve lab; do
        equal "$(sockx help "$page" --color always | sed "s/$ESC\[[0-9;]*m//g")" "$(sockx help "$page")"
    done
}

@test "an error is coloured as help is" {
    run --separate-stderr sockx serve --color always -p 0 -H ''
    [[ $stderr == "${ESC}[1;31msockx: ${ESC}[0m"*$'\n'"${ESC}[1;36mhint: ${ESC}[0m"* ]] || fail "$stderr"
    run --separate-stderr sockx serve -p 0 -H ''
    [[ $stderr == "sockx: "* ]] || fail "$stderr"
    run --separate-stderr sockx serve -j --color always -p 0 -H ''
    [[ $stderr == '{'* && $stderr != *"$ESC"* ]] || fail "$stderr"
}

# ---- completions ----

# LINE: what bash would offer for the last word.
bash_offers() {
    bash --norc --noprofile -c '
        . "$1"
        IFS=$'"' '"' read -r -a words <<<"${2//[:=]/ & }"
        [[ $2 != *" " ]] || words+=("")
        COMP_WORDS=("${words[@]}") COMP_CWORD=$((${#words[@]} - 1))
        compopt() { :; }
        _sockx
        printf "%s\n" "${COMPREPLY[@]}"' bash "$ROOT/completions/sockx.bash" "$1"
}

fish_offers() {
    HOME=$BATS_TEST_TMPDIR fish --no-config -c '
        source $argv[1]
        complete -C $argv[2]' "$ROOT/completions/sockx.fish" "$1" | cut -f 1
}

zsh_offers() {
    "$PYTHON" "$PEERS/zsh_complete.py" "$ROOT/completions" "$1"
}

# SHELL: it offers what there is.
offers() {
    local offers=$1_offers

    cd "$BATS_TEST_TMPDIR"
    mkdir -p folder
    : >some.sock
    includes() {
        local found
        found=$("$offers" "$1")
        for word in "${@:2}"; do
            grep -qxF -e "$word" <<<"$found" || fail "'$1': no '$word' in: $found" || return 1
        done
    }
    includes 'sockx ' serve connect echo greet analyze help
    includes 'sockx se' serve
    includes 'sockx serve --' --mode --port --keep-open --color --version
    includes 'sockx serve --mode ' pipe echo greet chat analyze discard source
    includes 'sockx analyze --sort ' count first alpha
    includes 'sockx connect --color ' auto always never
    includes 'sockx connect -H local' localhost
    includes 'sockx connect local' localhost
    includes 'sockx connect -p htt' http https
    includes 'sockx serve -U some' some.sock
    includes 'sockx help ' serve exit-codes lab
    if "$offers" 'sockx serve --window ' | grep -qx 64; then fail 'not an option of serve'; fi
}

@test "bash completes commands, options, values, hosts, services and paths" { offers bash; }
@test "fish completes commands, options, values, hosts, services and paths" { offers fish; }
@test "zsh completes commands, options, values, hosts, services and paths" { offers zsh; }

@test "the paths behind unix: are completed" {
    cd "$BATS_TEST_TMPDIR"
    : >some.sock
    equal "$(bash_offers 'sockx connect unix:so')" some.sock
    equal "$(fish_offers 'sockx connect unix:so')" unix:some.sock
    equal "$(zsh_offers 'sockx connect unix:so')" some.sock
}
