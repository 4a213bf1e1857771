# bats file_tags=once
# shellcheck disable=SC2016,SC2030,SC2031,SC2153,SC2154 # tests are processes; run sets output
#
# What sockx says about itself: help that needs nothing installed, transcripts that come out as they
# are printed, completions in the shells themselves, and hints for who comes from elsewhere.
# Not under the sanitizers: usage.bats has them see help and hints, the rest is not about the program.

load helper

ROOT=$BATS_TEST_DIRNAME/../..

# ---- transcripts ----

# PAGE: every transcript on it goes as printed, in a network of its own.
goes_as_printed() {
    goes_as_printed_in "$ROOT/$1"
}

goes_as_printed_in() {
    run "$PYTHON" "$PEERS/transcript.py" "$SOCKX" "$1"
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

@test "in a transcript, every port that the kernel may have chosen is as good as another" {
    {
        printf '.Bd -literal\n'
        for port in 32768 32812 32999 33000 60999 65000; do
            printf '$ echo "accept(5, 127.0.0.1:%s) = 6"\naccept(5, 127.0.0.1:46052) = 6\n' $port
            printf '$ echo "1: 127.0.0.1:%s connected"\n1: 127.0.0.1:46052 connected\n' $port
        done
        printf '.Ed\n'
    } >"$BATS_TEST_TMPDIR/page.1"
    goes_as_printed_in "$BATS_TEST_TMPDIR/page.1"
    printf '.Bd -literal\n$ echo "bind(5, 127.0.0.1:65432)"\nbind(5, 127.0.0.1:46052)\n.Ed\n' >"$BATS_TEST_TMPDIR/page.1"
    run "$PYTHON" "$PEERS/transcript.py" "$SOCKX" "$BATS_TEST_TMPDIR/page.1"
    expect_status 1
}

@test "in a transcript, a TCP state may be one that was seen a moment later" {
    {
        printf '.Bd -literal\n'
        printf '$ echo "%s"\n%s\n' 'shutdown(6, SHUT_WR) = 0 ESTABLISHED -> FIN_WAIT_2' \
            'shutdown(5, SHUT_WR) = 0 ESTABLISHED -> FIN_WAIT_1'
        printf '$ echo "%s"\n%s\n' '1 connect(5, [::1]:80) = -1 EINPROGRESS CLOSED -> ESTABLISHED' \
            '1 connect(4, [::1]:80) = -1 EINPROGRESS CLOSED -> SYN_SENT'
        printf '.Ed\n'
    } >"$BATS_TEST_TMPDIR/page.1"
    goes_as_printed_in "$BATS_TEST_TMPDIR/page.1"
    {
        printf '.Bd -literal\n'
        printf '$ echo "%s"\n%s\n' 'shutdown(5, SHUT_WR) = 0 ESTABLISHED -> CLOSED' \
            'shutdown(5, SHUT_WR) = 0 ESTABLISHED -> FIN_WAIT_1'
        printf '$ echo "%s"\n%s\n' 'close(5) = 0 CLOSED -> [CLOSED]' 'close(5) = 0 [TIME_WAIT]'
        printf '.Ed\n'
    } >"$BATS_TEST_TMPDIR/page.1"
    run "$PYTHON" "$PEERS/transcript.py" "$SOCKX" "$BATS_TEST_TMPDIR/page.1"
    expect_status 1
    equal "$(grep -c '^  said:' <<<"$output")" 2
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

@test "man finds each page, also as 'man sockx serve'" {
    mkdir "$BATS_TEST_TMPDIR/man1" "$BATS_TEST_TMPDIR/man7"
    cp "$ROOT"/man/*.1 "$BATS_TEST_TMPDIR/man1"
    cp "$ROOT"/man/*.7 "$BATS_TEST_TMPDIR/man7"
    export MANPATH=$BATS_TEST_TMPDIR MANPAGER=cat
    for command in serve connect echo greet analyze; do
        run man sockx "$command"
        expect_status 0
        [[ ${lines[0]} == "SOCKX-${command^^}(1)"* ]] || fail "$output"
    done
    run man sockx
    [[ ${lines[0]} == 'SOCKX(1)'* ]] || fail "$output"
    run man sockx-lab
    [[ ${lines[0]} == 'SOCKX-LAB(7)'* ]] || fail "$output"
}

@test "help of a topic is its part of the manual" {
    for topic in addresses:ADDRESSES exit-codes:'EXIT STATUS' coming-from-nc:'COMING FROM NC' \
        diagnostics:DIAGNOSTICS tls:TLS; do
        run sockx help "${topic%%:*}"
        expect_status 0
        equal "${lines[0]}" "${topic#*:}"
        equal "$(grep -c '^[A-Z]' <<<"$output")" 1
        [ "${#lines[@]}" -gt 10 ] || fail "$output"
    done
    equal "$(sockx help lab)" "$(cat "$ROOT/man/text/sockx-lab.7.txt")"
}

@test "help lab N is one exercise" {
    for n in 1 2 3 4 5; do
        run --separate-stderr sockx help lab "$n"
        expect_status 0
        [[ ${lines[0]} == "EXERCISE $n: "* ]] || fail "$output"
        equal "$(grep -c '^[A-Z]' <<<"$output")" 1
    done
    for n in 6 '' 12 x; do
        run --separate-stderr sockx help lab "$n"
        expect_status 2
        equal "$stderr" "sockx: the lab has no exercise '$n'
hint: there are 1 to 5: 'sockx help lab 1' shows the first"
    done
}

@test "other words for a topic lead to it, and a mode to its command" {
    for topic in nc:'COMING FROM NC' socat:'COMING FROM NC' output:OUTPUT udp:DATAGRAMS unix:'UNIX SOCKETS' \
        examples:EXAMPLES ssl:TLS; do
        run sockx help "${topic%%:*}"
        expect_status 0
        equal "${lines[0]}" "${topic#*:}"
    done
    run --separate-stderr sockx help chat
    expect_status 2
    equal "${stderr_lines[1]}" "hint: it is a mode: 'sockx help serve' explains it"
}

@test "help lists the topics, as --help does" {
    equal "$(sockx help)" "$(sockx --help)"
    for topic in addresses tls exit-codes diagnostics coming-from-nc json lab; do
        [[ $(sockx help) == *$'\n  '"$topic"' '* ]] || fail "no $topic"
    done
}

@test "help of what is not a command or a topic says what is" {
    run --separate-stderr sockx help exit-code
    expect_status 2
    equal "$stderr" "sockx: 'exit-code' is not a command or a topic
hint: did you mean 'sockx help exit-codes'?"
    run --separate-stderr sockx help nonsense
    expect_status 2
    [[ $stderr == *"'sockx help' lists both" ]] || fail "$stderr"
}

@test "help at a terminal goes through PAGER, or less, and nowhere else" {
    local bin=$BATS_TEST_TMPDIR/bin

    mkdir "$bin"
    printf '#!/bin/sh\necho "less ($LESS):"\nhead -n 1\n' >"$bin/less"
    chmod +x "$bin/less"
    run env -u PAGER -u LESS TERM=xterm "PATH=$bin:$PATH" script -qec "$SOCKX help serve" /dev/null
    [[ $output == 'less (FRX):'*'SOCKX-SERVE(1)'* && $output != *EXAMPLES* ]] || fail "$output"
    run env TERM=xterm PAGER='head -n 1; echo paged' script -qec "$SOCKX help lab 2" /dev/null
    [[ $output == *'EXERCISE 2'*paged* && $output != *recv* ]] || fail "$output"
    for pager in '' cat; do
        run env TERM=xterm "PAGER=$pager" "PATH=$bin:$PATH" script -qec "$SOCKX help serve" /dev/null
        [[ $output != *'less ('* && $output == *EXAMPLES* ]] || fail "$output"
    done
    run env TERM=xterm PAGER='head -n 1' "$SOCKX" help serve
    [[ $output == *EXAMPLES* ]] || fail "$output"
    run env -u PAGER TERM=xterm PATH=/nonexistent "$(command -v script)" -qec "$SOCKX help serve" /dev/null
    [[ $output == *EXAMPLES* ]] || fail "$output"
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

# LINE...: LINE, a tab, and what bash would offer for its last word, for each.
bash_offers() {
    local line

    for line in "$@"; do
        bash --norc --noprofile -c '
            . "$1"
            read -r -a COMP_WORDS <<<"${2//[:=]/ & }"
            [[ $2 != *" " ]] || COMP_WORDS+=("")
            COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
            compopt() { :; }
            _sockx
            printf "$2\t%s\n" "${COMPREPLY[@]}"' bash "$ROOT/completions/sockx.bash" "$line"
    done
}

fish_offers() {
    HOME=$BATS_TEST_TMPDIR fish --no-config -c '
        source $argv[1]
        for line in $argv[2..-1]
            printf "$line\t%s\n" (complete -C $line | string replace -r "\t.*" "")
        end' "$ROOT/completions/sockx.fish" "$@"
}

zsh_offers() {
    "$PYTHON" "$PEERS/zsh_complete.py" "$ROOT/completions" "$@"
}

# A line, and some of what is to be offered for its last word.
TYPED=(
    'sockx :serve connect echo greet analyze help'
    'sockx se:serve'
    'sockx serve --:--mode --port --keep-open --color --version'
    'sockx serve --mode :pipe echo greet chat analyze discard source'
    'sockx analyze --sort :count first alpha'
    'sockx connect --color :auto always never'
    'sockx connect -H local:localhost'
    'sockx connect local:localhost'
    'sockx connect unix:unix: unix-datagram: unix-seqpacket:'
    'sockx connect tc:tcp://'
    'sockx serve ud:udp://'
    'sockx connect -p htt:http https'
    'sockx serve -U some:some.sock'
    'sockx help :serve exit-codes lab'
    'sockx serve -m exec -- env:env'
    'sockx connect -m exec some.host 80 -- env:env'
    'sockx serve -m exec -- cat some.f:some.file'
)

# SHELL: it offers what there is, and nothing that there is not.
offers() {
    local found word typed form

    cd "$BATS_TEST_TMPDIR"
    mkdir some.directory
    : >some.file
    "$PYTHON" -c 'import socket; socket.socket(socket.AF_UNIX).bind("some.sock")'
    found=$("$1_offers" "${TYPED[@]%%:*}" 'sockx connect unix:so' 'sockx connect unix-datagram:so' \
        'sockx serve --window' 'sockx serve --trace=m' 'sockx serve --hexdump=some.f' 'sockx serve --pcap=some.f')
    for typed in "${TYPED[@]}"; do
        for word in ${typed#*:}; do
            grep -qxF -e "${typed%%:*}"$'\t'"$word" <<<"$found" ||
                fail "'${typed%%:*}': no '$word' in:" "$found"
        done
    done
    for form in unix: unix-datagram:; do
        grep -qx -e "sockx connect ${form}so"$'\t'"\\($form\\)\\?some.sock" <<<"$found" || fail "$found"
        grep -qx -e "sockx connect ${form}so"$'\t'"\\($form\\)\\?some.directory/\\?" <<<"$found" || fail "$found"
    done
    for word in --trace=m:mermaid --hexdump=some.f:some.file --pcap=some.f:some.file; do
        grep -qx -e "sockx serve ${word%:*}"$'\t'"\(${word%%=*}=\)\?${word#*:}" <<<"$found" || fail "no $word in:" "$found"
    done
    run ! grep -e 'connect unix.*some.file' <<<"$found"
    ! grep -e '--window.*--window' <<<"$found" || fail 'that is no option of serve'
}

@test "bash completes commands, options, values, hosts, services and paths" { offers bash; }
@test "fish completes commands, options, values, hosts, services and paths" { offers fish; }
@test "zsh completes commands, options, values, hosts, services and paths" { offers zsh; }

# ---- who comes from elsewhere ----

# TYPED HINT: what was typed is status 2, and answered with that.
answered() {
    local words

    read -r -a words <<<"$1"
    run --separate-stderr sockx "${words[@]}"
    expect_status 2
    equal "${stderr_lines[1]}" "hint: $2"
}

# TYPED LINE [NOTE]: it is answered with a line of ours, and sockx takes all of its options.
means() {
    local line=${2%% <*}

    answered "$1" "did you mean '$2'?${3+ $3}"
    read -r -a words <<<"$line"
    sockx "${words[@]:1}" -h >/dev/null || fail "not understood: $line"
}

@test "lines of nc and ncat are answered with ours" {
    means '-l 9000' 'sockx serve -p 9000'
    means '-l -p 9000' 'sockx serve -p 9000'
    means '-lk 9000' 'sockx serve -k -p 9000'
    means '-nvlp 9000' 'sockx serve -n -v -p 9000'
    means '-lu 9000' 'sockx serve -u -p 9000'
    means '-lU /run/x.sock' 'sockx serve -U /run/x.sock'
    means '-l -k -e /bin/cat 9000' 'sockx serve -k -m echo -p 9000'
    means '-l --chat 9000' 'sockx serve -m chat -p 9000'
    means '-l -m 10 9000' 'sockx serve --max-conns 10 -p 9000'
    means 'host 80' 'sockx connect host 80'
    means '-N host 80' 'sockx connect -N host 80'
    means '-zv host 80' 'sockx connect -z -v host 80'
    means '-u host 53' 'sockx connect -u host 53'
    means '-w 3 host 80' 'sockx connect -w 3 -q 3 host 80' "(here '-w' limits connecting alone)"
    means '-d host 80' 'sockx connect --recv-only host 80'
    means '-U /run/x.sock' 'sockx connect -U /run/x.sock'
    means '-s 192.0.2.1 -p 99 host 80' 'sockx connect -s 192.0.2.1:99 host 80'
}

@test "addresses of socat are answered with ours" {
    means TCP-LISTEN:9000 'sockx serve -p 9000'
    means TCP-LISTEN:9000,fork 'sockx serve -k -p 9000'
    means 'TCP4-LISTEN:9000,bind=127.0.0.1,fork PIPE' 'sockx serve -m echo -H 127.0.0.1 -p 9000'
    means UDP-RECV:9000 'sockx serve -k -u --recv-only -p 9000'
    means UNIX-LISTEN:/run/x 'sockx serve unix:/run/x'
    means TCP:host:80 'sockx connect host:80'
    means UNIX-CONNECT:/run/x 'sockx connect unix:/run/x'
    means 'serve TCP-LISTEN:9000,fork' 'sockx serve -k -p 9000'
    means 'connect TCP:host:80' 'sockx connect host:80'
    means '- TCP:host:80' 'sockx connect host:80'
}

@test "TLS of nc and socat is answered with ours" {
    means '--ssl-verify host 443' 'sockx connect --tls host 443'
    means '--ssl host 443' 'sockx connect --tls host 443' "('--tls' verifies the server, as '--ssl-verify' does)"
    means '-l --ssl 9000' 'sockx serve --tls -p 9000' '(its clients need the pin that it prints)'
    means 'connect OPENSSL:host:443,verify=0' 'sockx connect --tls --tls-no-verify host:443'
    answered 'connect --ssl host 443' "TLS is '--tls'"
    answered 'connect https://host/' "to connect to its server: 'sockx connect --tls host 443'"
}

@test "what sockx has not is answered with who has it" {
    answered 'serve -e /bin/sh 9000' "to run a program for each client: 'sockx serve -m exec -p PORT -- PROGRAM'"
    answered 'connect --proxy host 80' "sockx goes through no proxies; 'nc -x' and 'ncat --proxy' do"
    answered '--sctp host 80' "sockx has no SCTP; 'ncat --sctp' has"
}

@test "the table of COMING FROM NC says what the hints say" {
    run sockx help coming-from-nc
    while IFS=$'\t' read -r theirs ours; do
        case $theirs in
        nc*) ;;
        *) continue ;;
        esac
        read -r -a words <<<"${theirs//PATH//run/x.sock}"
        [[ $theirs != *ADDR* ]] || continue
        run --separate-stderr sockx "${words[@]:1}"
        expect_status 2
        [[ ${stderr_lines[1]} == "hint: did you mean 'sockx "*"'?"* ]] || fail "$theirs: $stderr"
        if [[ $theirs == *host* ]]; then
            # The table says how to do exactly as nc; a hint leaves the half-close to us.
            ours=${ours/ --no-shutdown/}
            equal "${stderr_lines[1]%% (*}" "hint: did you mean '$ours'?"
        fi
    done < <(sed -n 's/^\.It Li "\(nc.*\)" Ta Li "\(.*\)"$/\1\t\2/p' "$ROOT/man/sockx.1")
}
