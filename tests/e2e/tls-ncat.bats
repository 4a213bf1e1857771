# bats file_tags=unit,tls
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2154 # programs of their own; tests are processes; helpers set variables
#
# What ncat's own tests ask of TLS over TCP (--ssl), asked of serve --tls and connect --tls: programs, line
# ends, limits of silence, one direction alone, what is left open when one ends, handshakes that hang or fail,
# verification, and how many at once. Where we differ on purpose, the difference is tested, and named in
# COMING FROM NC. Which name fits which certificate: tests/unit/transport/test_tls_names.c.
#
# Without a counterpart here: --lua-exec, --allow and --deny, a proxy with a password, --output, and SCTP.

load helper
load tls
load ncat

export BATS_TEST_TIMEOUT=30

setup() {
    exec </dev/null
    cd "$BATS_TEST_TMPDIR" || return
}

# NAME...: it has ended by itself, in order.
left() {
    local name

    for name in "$@"; do
        JOB_STATUS=0
        if [ "$name" = server ]; then
            was_served 0
        else
            wait_job "${PIDS[$name]}"
        fi
        equal "$name: $JOB_STATUS" "$name: 0"
    done
}

# NAME...: it goes on.
stayed() {
    local name

    for name in "$@"; do
        run ! is_gone "${PIDS[$name]}"
    done
}

# FROM TO: a line goes over.
passes() {
    say "$1" "$1 to $2"
    hears "$2" "$1 to $2"
}

# ---- programs ----

@test "a program, and a line of the shell, answer while the client's input is open" {
    serve_tls -m exec -- sed -u y/abc/ABC/
    talker one "${TO[@]}"
    say one abc
    hears one ABC
    serve_tls -m exec -- sh -c 'sed -u "y/abc/ABC/"'
    talker two "${TO[@]}"
    say two abc
    hears two ABC
}

@test "a program that quits at once without reading: its output, in order" {
    serve_tls -m exec -- echo abc
    for _ in 1 2 3; do
        equal "$(sockx connect -N "${TO[@]}" <<<test)" abc
    done
    talker one --quit-with-peer "${TO[@]}"
    say one test
    left one
    equal "$(cat one)" abc
}

@test "addresses, ports and the protocol are in a program's environment" {
    facts='echo $PROTO $TCPREMOTEIP ${TCPREMOTEPORT:+and} $TCPLOCALIP $TCPLOCALPORT'
    serve_tls -m exec -- sh -c "$facts"
    equal "$(sockx connect "${TO[@]}")" "TCP 127.0.0.1 and 127.0.0.1 $PORT"
}

@test "-C, which ncat has with a program, is refused; the program can do it" {
    run -2 sockx serve --tls -C -m exec -- cat
    serve_tls -m exec -- sed -u 's/$/\r/'
    equal "$(sockx connect -N "${TO[@]}" <<<abc)" $'abc\r'
}

# ---- line ends ----

# FROM TO: texts, each read by itself; TO has them as they are, or, with CRLF after it, with such ends.
passes_lines() {
    local text want='' due piece=($'\none\n' two $'\r\nthree\r\n' $'four\r' $'\n')
    local crlf=($'\r\none\r\n' two $'\r\nthree\r\n' $'four\r' $'\n')

    for i in "${!piece[@]}"; do
        put "$1" "${piece[i]}"
        due=${piece[i]}
        [ -z "${3-}" ] || due=${crlf[i]}
        want+=$due
        wait_until has_bytes "$2" "${#want}"
    done
    printf %s "$want" | cmp - "$2"
}

@test "-C on both sides: the ends of lines that are read, whatever comes at once" {
    attended serve_tls -C
    talker one -C "${TO[@]}"
    passes_lines one server crlf
    passes_lines server one crlf
}

@test "-C changes nothing of what is received" {
    attended serve_tls -C
    talker one "${TO[@]}"
    passes_lines one server
    attended serve_tls
    talker two -C "${TO[@]}"
    passes_lines server two
}

# ---- silence ----

ticks='for i in 1 2 3 4 5 6; do sleep 0.15; echo $i; done'

# What reads INPUT gets these lines, and no end.
tick() {
    start_job sh -c "exec >'$INPUT'; $ticks"
}

# FILE: it has all the lines that came in time.
has_ticks() {
    equal "$(cat "$1")" "$(seq 6)"
}

@test "-i: what is sent or received puts it off, then it ends, on either side" {
    serve_tls -m exec -- sh -c "$ticks; sleep 5"
    talker receiver -i 0.8s "${TO[@]}"
    serve_tls -m collect
    heard_from_sender=$SERVER_OUT
    held_input
    start_job "$SOCKX" connect -i 0.8s "${TO[@]}" <"$INPUT"
    PIDS[sender]=$JOB_PID
    tick
    held_input
    serve_tls -i 0.8s --send-only <"$INPUT"
    tick
    talker one "${TO[@]}"
    wait_server
    equal "$SERVER_STATUS" 5
    has_ticks one
    for name in receiver sender; do
        wait_job "${PIDS[$name]}"
        equal "$JOB_STATUS" 5
    done
    has_ticks receiver
    has_ticks "$heard_from_sender"
}

# ---- one direction ----

@test "--send-only and --recv-only, on either side: nothing goes the other way" {
    attended serve_tls
    talker sender --send-only "${TO[@]}"
    passes sender server
    say server lost
    attended serve_tls
    talker receiver --recv-only "${TO[@]}"
    say receiver lost
    passes server receiver
    equal "$(cat sender)" ''
    equal "$(cat server)" ''
}

@test "--send-only and --recv-only servers: the same" {
    attended serve_tls --send-only
    talker one "${TO[@]}"
    say one lost
    passes server one
    equal "$(cat server)" ''
    attended serve_tls --recv-only
    talker two "${TO[@]}"
    say server lost
    passes two server
    equal "$(cat two)" ''
}


# ---- an end ----

@test "-N: the end of a client's input reaches the server, whose answer to it comes" {
    serve_tls -m exec -- sh -c 'cat; echo over'
    talker one -N "${TO[@]}"
    say one abc
    hears one abc
    hush one
    hears one over
    left one
}

@test "the end of a server's input reaches the client, and the server goes on reading" {
    attended serve_tls
    start_job exec_alone "$SOCKX" connect -m exec "${TO[@]}" -- sh -c 'cat; echo over'
    passes server server
    hush server
    hears server over
    left server
}

@test "after the peer's end each goes on sending, and ends with its own input" {
    attended serve_tls
    talker one -N "${TO[@]}"
    hush server
    passes one server
    stayed one server
    hush one
    left one server
    attended serve_tls
    talker two -N "${TO[@]}"
    hush two
    passes server two
    stayed two server
    hush server
    left two server
}

@test "--send-only, on either side: it leaves with the end of its input" {
    attended serve_tls
    talker one --send-only "${TO[@]}"
    passes one server
    hush one
    left one
    hush server
    left server
    attended serve_tls --send-only
    talker two "${TO[@]}"
    passes server two
    hush server
    left server
}

@test "--recv-only, on either side: it leaves with the peer's end, though its input is open" {
    attended serve_tls
    talker one --recv-only "${TO[@]}"
    passes server one
    hush server
    left one server
    attended serve_tls --recv-only
    talker two -N "${TO[@]}"
    passes two server
    hush two
    left server two
}

# ---- what goes over, and who hears it ----

@test "both ways, with all that -v says on standard error alone" {
    attended serve_tls -v
    talker one -v "${TO[@]}"
    passes one server
    passes server one
    equal "$(cat one server)" "$(printf '%s\n' 'server to one' 'one to server')"
    server_tells 'TLSv1\.'
}

@test "a broker: each hears the other; past --max-conns one waits, and has the place of one that is lost" {
    serve_tls -m broker --max-conns 2
    talker one "${TO[@]}"
    talker two "${TO[@]}"
    wait_until has_met one two
    passes two one
    talker three "${TO[@]}"
    say three early
    sleep 0.2
    run ! has_line one early
    kill "${PIDS[two]}"
    hears one early
    passes one three
}

# FROM TO: a first line was heard; one that comes before the other's handshake is not.
has_met() {
    say "$1" hello
    sleep 0.05
    has_line "$2" hello
}

# ---- handshakes that fail or hang ----

# What does not speak TLS, and what says nothing at all, before one that does.
disturb() {
    exec {silent}<>"/dev/tcp/127.0.0.1/$PORT"
    sockx connect --send-only -H 127.0.0.1 -p "$PORT" <<<'hello, world'
}

# ncat's server ends with a client whose handshake fails, and takes no other while one hangs.
@test "a handshake that fails or hangs takes no place: the next client is served, and the server leaves with it" {
    attended serve_tls -v
    disturb
    server_tells 'what came is not TLS'
    talker one "${TO[@]}"
    passes one server
    hush server
    hush one
    left one server
}

@test "... and with -k, or programs, several are" {
    attended serve_tls -k
    disturb
    sockx connect --send-only "${TO[@]}" <<<first
    hears server first
    talker one "${TO[@]}"
    passes one server
    serve_tls -m exec -- sed -u y/abc/ABC/
    disturb
    talker two "${TO[@]}"
    say two abc
    hears two ABC
}

@test "--max-conns counts no client whose handshake failed" {
    serve_tls -v -m exec --max-conns 1 -- cat
    for _ in 1 2 3; do
        sockx connect --send-only -H 127.0.0.1 -p "$PORT" <<<'hello, world'
    done
    server_tells '^3: .* what came is not TLS'
    equal "$(sockx connect -N "${TO[@]}" <<<abc)" abc
}

# ---- who it is ----

@test "verified, by default: the right name, another, and a certificate that is another" {
    serve_tls -m echo --tls-keep .
    TO=(-p "$PORT" -4 --tls)
    equal "$(sockx echo -H localhost "${TO[@]}" --tls-ca sockx-tls.pem x)" x
    ends_with 8 echo -H localhost "${TO[@]}" --tls-ca sockx-tls.pem --tls-name example.org x
    told "not for 'example.org'"
    serve_tls -m echo
    TO=(-H localhost -p "$PORT" -4 --tls)
    ends_with 8 echo "${TO[@]}" --tls-ca sockx-tls.pem x
    ends_with 8 echo "${TO[@]}" x
    equal "$(sockx echo "${TO[@]}" --tls-no-verify x)" x
}

# ---- how many at once ----

# N [HEARER]: N clients say who they are, and HEARER hears it (or they themselves), one more waits, and has the
# place of one that is killed.
serves_at_once() {
    local i more=$(($1 + 1))

    for ((i = 1; i <= $1; i++)); do
        talker "$1.$i" "${TO[@]}"
        say "$1.$i" "from $i"
    done
    for ((i = 1; i <= $1; i++)); do
        hears "${2:-$1.$i}" "from $i"
    done
    talker "$1.$more" "${TO[@]}"
    say "$1.$more" "from $more"
    sleep 0.1
    run ! has_line "${2:-$1.$more}" "from $more"
    kill "${PIDS[$1.1]}"
    hears "${2:-$1.$more}" "from $more"
}

@test "--max-conns: those that are too many wait, and have their turn: programs" {
    for most in 1 10; do
        serve_tls -m exec --max-conns "$most" -- cat
        serves_at_once "$most"
    done
}

@test "--max-conns: the same where lines are collected" {
    for most in 1 10; do
        attended serve_tls -m collect --max-conns "$most"
        serves_at_once "$most" server
    done
}

@test "--max-conns 0 is any number; ncat sends all away" {
    for mode in 'exec -- cat' echo; do
        read -ra mode <<<"$mode"
        serve_tls --max-conns 0 -m "${mode[@]}"
        equal "$(sockx connect -N "${TO[@]}" <<<abc)" abc
    done
}
