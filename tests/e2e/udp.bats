# shellcheck disable=SC2030,SC2031,SC2034,SC2154 # tests are processes; helper reads; run sets output
# bats file_tags=unit
#
# UDP: datagrams come back whole and to who asked, no peer disturbs another, and a pipe of datagrams
# ends. With whom, each over IPv4, and IPv6 where the name says so:
#
#                      | nc             | ncat          | socat              | Python
# ---------------------|----------------|---------------|--------------------|----------------
# serve -u -m echo,    | -u client      | -u client     | UDP: client        | sockets
#   their client       |   both         |   both        |   both             |   both
# sockx echo -u,       | -u -l on a loop| -u -l -k      | UDP-LISTEN,fork    | sockets
#   their echo server  |                |   -e cat      | UDP-RECVFROM,fork  |   both
# sockx connect -u,    | -u -l, prints  | -u -l, prints | UDP-RECV, prints   | sockets
#   their server       |   both         |   both        |   both             |   both
# serve -u (pipe),     | -u client      | -u client     | UDP: client        | sockets
#   their client       |   a line each way, both versions for each of the three
#
# What must not be answered is in udp-guard.bats.

load helper
load measure

export BATS_TEST_TIMEOUT=60

# Nothing here needs the load generator.
setup_file() {
    :
}

# HOW HOST ARG...: peers/udp_client.py asks the server at PORT and is content.
asks() {
    timeout -k 1 "${LIMIT:-20}" "$PYTHON" "$PEERS/udp_client.py" "$1" "$2" "$PORT" "${@:3}"
}

# UDP has no state of its own for a socket that listens: one that is bound to the port counts.
is_bound() {
    local hex

    printf -v hex '%04X' "$1"
    cat /proc/net/udp /proc/net/udp6 2>/dev/null | grep -Eq "^ *[0-9]+: [0-9A-F]+:$hex "
}

free_udp_port() {
    for _ in {1..50}; do
        PORT=$((10000 + RANDOM % 20000))
        is_bound "$PORT" || return 0
    done
    fail "no free port"
}

is_up_udp() {
    is_gone "$1" || is_bound "$PORT"
}

# start_peer for a program whose socket is UDP's.
start_udp_peer() {
    start_job "$@" <&0
    PEER_PID=$JOB_PID PEER_OUT=$JOB_OUT PEER_ERR=$JOB_ERR
    wait_until is_up_udp "$PEER_PID" || return 1
    is_bound "$PORT" || fail "$* did not start:" "$(cat "$PEER_ERR")"
}

six_of() {
    [ "$1" = ::1 ]
}

# ---- whole, and to who asked ----

# HOST: standard input of each size comes back from there.
comes_back_whole() {
    cd "$BATS_TEST_TMPDIR" || return
    start_server -u -m echo
    for size in 0 1 1472 1473 8193 16385 65507; do
        random_file sent "$size"
        sockx echo -u -H "$1" -p "$PORT" <sent >back
        same_bytes sent back
    done
}

@test "datagrams of 0 to 65507 bytes come back whole to sockx echo, IPv4" { comes_back_whole 127.0.0.1; }
@test "datagrams of 0 to 65507 bytes come back whole to sockx echo, IPv6" { comes_back_whole ::1; }

@test "datagrams of 0 to 65507 bytes come back whole to a Python client" {
    start_server -u -m echo
    asks whole 127.0.0.1 0 1 1472 1473 8193 16385 65507
    asks whole ::1 0 1 1472 1473 8193 16385 65507 65527
}

@test "TEXT is one datagram, and comes back with a newline at its end" {
    start_server -u -m echo
    sockx echo -u -p "$PORT" Hello, world >"$BATS_TEST_TMPDIR/got"
    equal "$(od -An -c <"$BATS_TEST_TMPDIR/got")" "$(printf 'Hello, world\n' | od -An -c)"
    sockx echo -u -p "$PORT" '' >"$BATS_TEST_TMPDIR/got"
    equal "$(od -An -c <"$BATS_TEST_TMPDIR/got")" "$(echo | od -An -c)"
}

# HOST BYTES: standard input of so many is refused, by a message and a hint.
is_too_long() {
    random_file "$BATS_TEST_TMPDIR/sent" "$2"
    run --separate-stderr sockx echo -u -H "$1" -p "$PORT" <"$BATS_TEST_TMPDIR/sent"
    expect_status 1
    equal "$output" ""
    [[ ${stderr_lines[0]} == *[Tt]oo\ long* ]] || fail "it says: $stderr"
    [[ ${stderr_lines[1]} == hint:*65507* ]] || fail "its hint: $stderr"
}

@test "a datagram that is too long is status 1, with a hint" {
    start_server -u -m echo
    is_too_long 127.0.0.1 65508
    is_too_long ::1 65528
    is_too_long 127.0.0.1 5000000
}

@test "an answer that differs is status 9, one that never comes is 5" {
    start_script udp_server.py alter 127.0.0.1
    run --separate-stderr sockx echo -u -H 127.0.0.1 -p "$PORT" hello
    expect_status 9
    start_script udp_server.py tell 127.0.0.1
    run --separate-stderr sockx echo -u -w 200ms -H 127.0.0.1 -p "$PORT" hello
    expect_status 5
    start_script udp_server.py answer 127.0.0.1 hel
    run --separate-stderr sockx echo -u -H 127.0.0.1 -p "$PORT" hello
    expect_status 4
}

# bats test_tags=load
@test "50 peers at once, 1000 datagrams each, get each their own answers" {
    start_server -u -m echo
    equal "$(LIMIT=40 load_of 127.0.0.1 50 1000 4 200)" 50000
}

# bats test_tags=load
@test "50 peers with 32 datagrams of 1400 bytes in flight each lose none" {
    start_server -u -m echo
    equal "$(load_of 127.0.0.1 50 320 32 1400)" 16000
    equal "$(load_of ::1 50 320 32 1400)" 16000
}

# HOST PEERS MESSAGES WINDOW SIZE
load_of() {
    timeout -k 1 "${LIMIT:-20}" "$PYTHON" "$PEERS/udp_load.py" ${VANISH:+--vanish "$VANISH"} \
        "$1" "$PORT" "${@:2}"
}

@test "peers that are gone when their answer comes disturb no other client" {
    start_server -u -v -m echo
    equal "$(VANISH=100 load_of 127.0.0.1 10 100 2 100)" 1000
    equal "$(VANISH=100 load_of ::1 10 100 2 100)" 1000
    has_line "$SERVER_ERR" '127\.0\.0\.1:[0-9]+ lost after 12 bytes .*refused'
    has_line "$SERVER_ERR" '\[::1\]:[0-9]+ lost after 12 bytes .*refused'
    wait_until is_idle "$SERVER_PID"
}

@test "answers that go out together do not fail for each other" {
    start_server -u -m echo
    for size in 1 1400 60000; do
        asks among_the_gone 127.0.0.1 "$SERVER_PID" "$size"
        asks among_the_gone ::1 "$SERVER_PID" "$size"
    done
}

@test "a server on all addresses answers from the one that was asked" {
    start_server -u -m echo
    asks asked 127.0.0.1 127.0.0.2 127.0.0.3 ::1
    asks asked_connected 127.0.0.2 127.0.0.3 127.0.0.1 ::1
    asks asked_in_turn 127.0.0.1 127.0.0.2 127.0.0.3
}

@test "an IPv6 socket that serves IPv4 answers from the address that was asked" {
    start_server -u -m echo -H ::ffff:0.0.0.0
    asks asked 127.0.0.1 127.0.0.2 127.0.0.3
    asks whole 127.0.0.2 0 1473 65507
}

@test "a server on one address does not answer requests to another" {
    start_server -u -m echo -H 127.0.0.2
    asks asked_connected 127.0.0.2
    run --separate-stderr sockx echo -u -H 127.0.0.3 -p "$PORT" hello
    expect_status 7
}

@test "empty datagrams are answered, and end neither a server nor a client" {
    start_server -u -m echo
    asks empty 127.0.0.1
    asks empty ::1
    start_script udp_server.py answer 127.0.0.1 '' one '' two
    run sockx connect -u -q 200ms 127.0.0.1 "$PORT" <<<"go"
    expect_status 0
    equal "$output" onetwo
    start_server -u -q 200ms </dev/null
    asks send 127.0.0.1 '' one '' two
    wait_server
    equal "$SERVER_STATUS" 0
    equal "$(cat "$SERVER_OUT")" onetwo
}

@test "discard answers nothing" {
    start_server -u -v -m discard
    asks send 127.0.0.1 one two
    wait_until has_line "$SERVER_ERR" '^1: .* connected$'
    stop_server
    has_line "$SERVER_ERR" '^1: .* done, 6 bytes received, 0 sent in [0-9]'
}

@test "source answers with exactly as much as it was sent" {
    start_server -u -m source
    asks like_the_question 127.0.0.1 1 0 73 1472 65507
    asks like_the_question ::1 1 0 73 1472 65507
}

@test "source listens on the loopback addresses only, unless -H says otherwise" {
    start_server -u -m source
    equal "$(grep -c '^listening on ' "$SERVER_ERR")" 2
    has_line "$SERVER_ERR" "^listening on 127\.0\.0\.1:$PORT \(udp, source\)$"
    has_line "$SERVER_ERR" "^listening on \[::1\]:$PORT \(udp, source\)$"
    start_server -u -m source -H 0.0.0.0
    equal "$(grep '^listening on ' "$SERVER_ERR")" "listening on 0.0.0.0:$PORT (udp, source)"
}

# ---- the table of peers ----

@test "at --max-conns everybody is answered still" {
    start_server -u -v -m echo --max-conns 5
    # shellcheck disable=SC2046 # words
    asks turns 127.0.0.1 $(seq 20) $(seq 20)
    equal "$(grep -c ' connected$' "$SERVER_ERR")" 40
    equal "$(grep -c ' done, ' "$SERVER_ERR")" 35
}

@test "at --max-conns the peer not heard for longest is forgotten" {
    start_server -u -v -m echo --max-conns 3
    asks turns 127.0.0.1 a b c a d a
    equal "$(grep -c ' connected$' "$SERVER_ERR")" 4
    equal "$(grep -c ' done, ' "$SERVER_ERR")" 1
    has_line "$SERVER_ERR" '^2: .* done, 1 bytes received, 1 sent in [0-9]'
}

@test "a peer that was silent for --idle-timeout is forgotten" {
    start_server -u -v -m echo -i 200ms
    asks turns 127.0.0.1 a
    wait_until has_line "$SERVER_ERR" '^1: .* (done|lost)'
    asks turns 127.0.0.1 a
    has_line "$SERVER_ERR" '^2: .* connected$'
}

@test "--once and --exit-after end when their peers are silent, with status 0" {
    start_server -u -m echo --once -i 200ms
    asks whole 127.0.0.1 100
    wait_server 5
    equal "$SERVER_STATUS" 0
    start_server -u -v -m echo --exit-after 2 -i 200ms
    asks turns 127.0.0.1 a b a
    wait_server 5
    equal "$SERVER_STATUS" 0
    equal "$(grep -c ' connected$' "$SERVER_ERR")" 2
}

@test "--exit-after waits for all its peers, and takes no more" {
    start_server -u -v -m echo --exit-after 2 -i 400ms
    asks turns 127.0.0.1 a
    wait_until has_line "$SERVER_ERR" '^1: .* done'
    kill -0 "$SERVER_PID"
    asks turns 127.0.0.1 b
    run sockx echo -u -w 100ms -H 127.0.0.1 -p "$PORT" c
    expect_status 5
    has_line "$SERVER_ERR" 'turned away'
    wait_server 5
    equal "$SERVER_STATUS" 0
}

# ---- starting and stopping ----

@test "a second server on a taken port is refused with status 3" {
    start_server -u -m echo
    for host in 0.0.0.0 127.0.0.1 ::1; do
        run --separate-stderr sockx serve -u -m echo -H "$host" -p "$PORT"
        expect_status 3
        [[ $stderr == *"$PORT"*"Address already in use"* ]] || fail "it says: $stderr"
    done
    run sockx serve -u -m echo -p "$PORT"
    expect_status 3
    asks whole 127.0.0.1 1
    start_script udp_server.py tell 127.0.0.1
    run sockx serve -u -m echo -p "$PORT"
    expect_status 3
}

@test "TCP and UDP may have the same port, each its own server" {
    start_server -m echo
    start_job "$SOCKX" serve -u -m echo -p "$PORT"
    wait_until has_line "$JOB_ERR" '^listening on .*udp'
    run sockx echo -p "$PORT" stream
    equal "$output" stream
    run sockx echo -u -p "$PORT" datagram
    equal "$output" datagram
}

@test "a server that has served peers ends within 1 s on SIGTERM, with status 0" {
    for mode in echo discard source pipe; do
        start_server -u -m "$mode"
        asks send 127.0.0.1 one two
        asks send 127.0.0.1 three
        timed stop_server
        equal "$SERVER_STATUS" 0
        took_between 0 1000
    done
}

@test "--backlog is taken, and nothing is different" {
    start_server -u -m echo -b 1
    asks turns 127.0.0.1 a b c
}

@test "--trace shows how the error of a refused datagram is taken" {
    free_port
    run --separate-stderr sockx connect -u --trace 127.0.0.1 "$PORT" <<<"hello"
    [ "$status" -eq 7 ]
    [[ $stderr == *"recvmsg("*"127.0.0.1:$PORT, MSG_ERRQUEUE) = 0"* ]]
}

@test "datagrams are moved in batches, and one by one where --trace shows them" {
    strace -D -qq -o /dev/null true 2>"$BATS_TEST_TMPDIR/err" || skip "strace cannot attach: $(head -n 1 "$BATS_TEST_TMPDIR/err")"
    start_server -u -m echo --trace
    asks whole 127.0.0.1 100
    has_line "$SERVER_ERR" 'recvmsg\([0-9]+, ".*".*, 127.0.0.1:[0-9]+\) = '
    has_line "$SERVER_ERR" 'sendmsg\([0-9]+, ".*".*, 127.0.0.1:[0-9]+\) = '
    stop_server
    # LeakSanitizer, where it is built in, cannot work beside strace.
    local -x ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0
    LAUNCHER=(strace -D -f -qq -o "$BATS_TEST_TMPDIR/calls" -e "trace=recvmmsg,sendmmsg")
    start_server -u -m echo
    asks whole 127.0.0.1 100
    has_line "$BATS_TEST_TMPDIR/calls" 'recvmmsg'
    has_line "$BATS_TEST_TMPDIR/calls" 'sendmmsg'
}

# MESSAGE ARG...: a usage error that says so.
is_wrong_usage() {
    run --separate-stderr sockx "${@:2}"
    expect_status 2
    [[ ${stderr_lines[0]} == *$1* ]] || fail "it says: $stderr"
    [[ ${stderr_lines[1]} == hint:* ]] || fail "no hint: $stderr"
}

@test "what contradicts --udp is wrong usage" {
    for command in serve connect echo; do
        is_wrong_usage "'--tcp' and '--udp'" "$command" -u -t
        is_wrong_usage "'--seqpacket' and '--udp'" "$command" -u --seqpacket
        is_wrong_usage "'-4' and '-6'" "$command" -u -4 -6
        is_wrong_usage localhost "$command" -u -n -H localhost
    done
}

@test "-4 and -6 choose the address, with --udp as without" {
    start_server -u -m echo -4
    run sockx echo -u -4 -p "$PORT" four
    expect_status 0
    run sockx echo -u -6 -p "$PORT" six
    expect_status 7
    start_server -u -m echo -6
    run sockx echo -u -6 -p "$PORT" six
    expect_status 0
    run sockx echo -u -4 -p "$PORT" four
    expect_status 7
}

# ---- refused ----

@test "a client refused at a name's first address goes to the next, and sends all again" {
    start_server -u -m echo -4
    run --separate-stderr sockx echo -u -v -H localhost -p "$PORT" four
    expect_status 0
    equal "$output" four
    [[ $stderr == *"sending to [::1]:$PORT"*"[::1]:$PORT: Connection refused"*"sending to 127.0.0.1:$PORT"* ]] ||
        fail "it says: $stderr"
    run sockx connect -u -q 200ms localhost "$PORT" <<<"four"
    expect_status 0
    equal "$output" four
    start_server -u -m echo -6
    run sockx echo -u -H localhost -p "$PORT" six
    expect_status 0
    equal "$output" six
}

@test "several datagrams sent before the refusal go to the next address, in order" {
    start_server -u -q 300ms -4 </dev/null
    random_file "$BATS_TEST_TMPDIR/sent" 200000
    run sockx connect -u -q 0 localhost "$PORT" <"$BATS_TEST_TMPDIR/sent"
    expect_status 0
    wait_server
    equal "$SERVER_STATUS" 0
    same_bytes "$BATS_TEST_TMPDIR/sent" "$SERVER_OUT"
}

# ARG...: sockx so, with a line on its input, is refused wherever it goes.
is_refused() {
    run --separate-stderr sockx "$@" <<<"x"
    expect_status 7
    [[ $stderr == *"onnection refused"*"serve -u"* ]] || fail "it says: $stderr"
}

@test "where all addresses refuse, the status is 7" {
    free_udp_port
    is_refused echo -u -p "$PORT" hello
    is_refused echo -u -H 127.0.0.1 -p "$PORT" hello
    is_refused echo -u -H ::1 -p "$PORT"
    is_refused connect -u localhost "$PORT"
    is_refused connect -u 127.0.0.1 "$PORT"
    is_refused connect -u --send-only localhost "$PORT"
    is_refused connect -u -q 0 localhost "$PORT"
}

@test "a server that leaves in the middle is status 4" {
    held_input
    start_server -u -m echo -H 127.0.0.1
    start_job "$SOCKX" connect -u 127.0.0.1 "$PORT" <"$INPUT"
    echo one >&"$HELD"
    wait_until has_line "$JOB_OUT" '^one$'
    stop_server
    echo two >&"$HELD"
    wait_job
    equal "$JOB_STATUS" 4
}

# ---- pipe ----

@test "without -k the first peer is the exchange, and that others are turned away is reported" {
    held_input
    start_server -u -q 100ms <"$INPUT"
    asks turned_away 127.0.0.1 first second
    wait_until has_line "$SERVER_OUT" '^firstbye$'
    asks send 127.0.0.1 third
    wait_until has_line "$SERVER_ERR" '^127.0.0.1:[0-9]+: turned away: no place is left for it$'
    exec {HELD}>&-
    wait_server
    equal "$SERVER_STATUS" 0
    equal "$(cat "$SERVER_OUT")" firstbye
    equal "$(grep -c 'turned away: no' "$SERVER_ERR")" 1
    has_line "$SERVER_ERR" '^datagrams of other peers that were turned away: 2$'
}

@test "serve -k hears every peer, as nc -luk does" {
    start_server -u -k </dev/null
    asks in_turns 127.0.0.1 a b c
    wait_until has_line "$SERVER_OUT" '^abcabc$'
    equal "$(grep -c 'turned away' "$SERVER_ERR")" 0
}

@test "serve -k -j knows each of its peers" {
    start_server -u -k -j </dev/null
    asks in_turns 127.0.0.1 a b c
    wait_until has_line "$SERVER_OUT" '^abcabc$'
    equal "$(grep -c '"event":"conn.opened"' "$SERVER_ERR")" 3
}

# What comes from standard input would go to one of them.
@test "serve -k wants no input that holds something, unless --follow" {
    cd "$BATS_TEST_TMPDIR" || return
    : >empty
    echo some >file
    run sockx serve -u -k -p 0 <file
    equal "$status" 2
    [[ $output == *"standard input is for one peer, and all are heard"* ]] || fail "$output"
    run sockx serve -u -k -p 0 < <(true)
    equal "$status" 2
    for from in empty /dev/null; do
        start_server -u -k <"$from"
        stop_server
    done
    start_server -u -k --recv-only <file
    stop_server
}

@test "--follow sends standard input to the peer heard last" {
    held_input
    start_server -u -k --follow <"$INPUT"
    start_job "$PYTHON" "$PEERS/udp_client.py" hears 127.0.0.1 "$PORT" one 1
    wait_until has_text "$SERVER_OUT" '^one'
    echo for one >&"$HELD"
    wait_job
    has_line "$JOB_OUT" "^b'for one"
    start_job "$PYTHON" "$PEERS/udp_client.py" hears 127.0.0.1 "$PORT" two 1
    wait_until has_text "$SERVER_OUT" '^onetwo'
    echo for two >&"$HELD"
    wait_job
    has_line "$JOB_OUT" "^b'for two"
}

@test "--follow is for -u -k alone, and some of pipe's options are not for it" {
    for line in 'serve --follow' 'serve -u --follow' 'serve -k --follow' 'connect --follow host 80' \
        'serve -u -k --expect x' 'serve -u -k --rate 1k' 'serve -u -k --follow --recv-only'; do
        # shellcheck disable=SC2086
        run sockx $line </dev/null
        equal "$status" 2
    done
}

@test "serve -k ends when standard output fails" {
    SERVER_TO=/dev/full start_server -u -k </dev/null
    asks send 127.0.0.1 one
    wait_server
    equal "$SERVER_STATUS" 1
}

@test "serve -k with a reader that stops drops datagrams and says so" {
    mkfifo "$BATS_TEST_TMPDIR/slow"
    sleep 30 3<"$BATS_TEST_TMPDIR/slow" &
    READER=$!
    SERVER_TO=$BATS_TEST_TMPDIR/slow start_server -u -k </dev/null
    asks heap 127.0.0.1 2000
    wait_until has_line "$SERVER_ERR" 'not written: standard output takes no more \(1 so far\)'
    kill "$SERVER_PID"
    wait_server
    kill "$READER"
    equal "$SERVER_STATUS" 4
}

# Bash would write line by line.
at_once() {
    # shellcheck disable=SC2059
    printf "$1" >"$BATS_TEST_TMPDIR/at-once"
    cat "$BATS_TEST_TMPDIR/at-once" >&"$HELD"
}

@test "each read of connect's standard input is one datagram" {
    held_input
    start_script udp_server.py tell 127.0.0.1
    start_job "$SOCKX" connect -u 127.0.0.1 "$PORT" <"$INPUT"
    echo one >&"$HELD"
    wait_until has_line "$PEER_OUT" one
    at_once 'two\nthree'
    wait_until has_line "$PEER_OUT" three
    equal "$(cat "$PEER_OUT")" "b'one\\n'
b'two\\nthree'"
}

@test "each read of serve's standard input is one datagram, to the peer that came" {
    held_input
    start_server -u <"$INPUT"
    echo early >&"$HELD"
    start_job "$PYTHON" "$PEERS/udp_client.py" hears 127.0.0.1 "$PORT" hello 2
    wait_until has_line "$JOB_OUT" early
    at_once 'two\nthree'
    wait_job
    equal "$(cat "$JOB_OUT")" "b'early\\n'
b'two\\nthree'"
}

@test "a file's datagrams are as long as pass everywhere" {
    start_script udp_server.py tell 127.0.0.1
    head -c 150000 /dev/zero >"$BATS_TEST_TMPDIR/file"
    sockx connect -u -q 0 127.0.0.1 "$PORT" <"$BATS_TEST_TMPDIR/file"
    wait_until has_line "$PEER_OUT" 18986
    equal "$(cat "$PEER_OUT")" "65507
65507
18986"
}

@test "connect is over when nothing came for 1 s after its input ended" {
    start_server -u -m echo
    timed sockx connect -u 127.0.0.1 "$PORT" <<<"hello" >"$BATS_TEST_TMPDIR/got"
    equal "$(cat "$BATS_TEST_TMPDIR/got")" hello
    took_between 1000 2000
}

@test "--quit-after is how long that takes, and 0 is at once" {
    start_server -u -m echo
    timed sockx connect -u -q 300ms 127.0.0.1 "$PORT" <<<"hello" >"$BATS_TEST_TMPDIR/got"
    equal "$(cat "$BATS_TEST_TMPDIR/got")" hello
    took_between 300 900
    timed sockx connect -u -q 0 127.0.0.1 "$PORT" <<<"hello"
    took_between 0 800
    timed sockx connect -u --send-only 127.0.0.1 "$PORT" <<<"hello"
    took_between 0 800
}

@test "while answers come, it is not over" {
    start_script udp_server.py answer_slowly 127.0.0.1 200 a b c d
    run sockx connect -u -q 500ms 127.0.0.1 "$PORT" <<<"hello"
    expect_status 0
    equal "$output" abcd
}

@test "serve is over when nothing came for 1 s after its input ended" {
    start_server -u <<<"from the server"
    timed sockx connect -u -q 300ms 127.0.0.1 "$PORT" <<<"from the client" >"$BATS_TEST_TMPDIR/got"
    timed wait_server
    equal "$SERVER_STATUS" 0
    took_between 500 2000
    equal "$(cat "$SERVER_OUT")" "from the client"
    equal "$(cat "$BATS_TEST_TMPDIR/got")" "from the server"
}

@test "a file of 300 kB goes from connect to serve whole" {
    random_file "$BATS_TEST_TMPDIR/sent" 300000
    for host in 127.0.0.1 ::1; do
        start_server -u -q 500ms </dev/null
        sockx connect -u -q 0 "$host" "$PORT" <"$BATS_TEST_TMPDIR/sent"
        wait_server
        equal "$SERVER_STATUS" 0
        same_bytes "$BATS_TEST_TMPDIR/sent" "$SERVER_OUT"
    done
}

# bats test_tags=load
# No more is kept than the kernel's buffer, a turn's datagrams and the queue: of 300 MB, a few.
@test "a flood to a server whose reader has stopped is bounded, and reported as lost" {
    mkfifo "$BATS_TEST_TMPDIR/unread"
    exec {unread}<>"$BATS_TEST_TMPDIR/unread"
    SERVER_TO=$BATS_TEST_TMPDIR/unread start_server -u -q 300ms </dev/null
    before=$(resident)
    asks flood 127.0.0.1 5000 60000
    grown=$(($(resident) - before))
    [ "$grown" -lt 12000 ] || fail "it grew by $grown KiB"
    timeout 10 cat "$BATS_TEST_TMPDIR/unread" >"$BATS_TEST_TMPDIR/read" 3>&- {unread}>&- &
    exec {unread}>&-
    wait_server
    equal "$SERVER_STATUS" 4
    wait $!
    size=$(stat -c %s "$BATS_TEST_TMPDIR/read")
    equal $((size % 60000)) 0
    [ "$size" -gt 0 ]
}

resident() {
    awk '$1 == "Rss:" { print $2 }' "/proc/$SERVER_PID/smaps_rollup"
}

# ---- their client, our echo server ----

socat_udp() {
    if six_of "$1"; then
        echo "UDP6:[::1]:$PORT"
    else
        echo "UDP4:127.0.0.1:$PORT"
    fi
}

# They leave when their input ends or soon after, so it is held open.
start_udp_client() {
    held_input
    case $1 in
    nc) start_job nc -u "$2" "$PORT" <"$INPUT" ;;
    ncat) start_job ncat -u "$2" "$PORT" <"$INPUT" ;;
    socat) start_job socat - "$(socat_udp "$2")" <"$INPUT" ;;
    esac
}

answers_client() {
    start_server -u -m echo -H "$2"
    start_udp_client "$1" "$2"
    for line in 'Hello, world' 'Hello again'; do
        echo "$line" >&"$HELD"
        wait_until has_line "$JOB_OUT" "^$line\$"
    done
}

@test "serve --mode echo answers nc -u, IPv4" { answers_client nc 127.0.0.1; }
@test "serve --mode echo answers nc -u, IPv6" { answers_client nc ::1; }
@test "serve --mode echo answers ncat -u, IPv4" { answers_client ncat 127.0.0.1; }
@test "serve --mode echo answers ncat -u, IPv6" { answers_client ncat ::1; }
@test "serve --mode echo answers socat UDP, IPv4" { answers_client socat 127.0.0.1; }
@test "serve --mode echo answers socat UDP, IPv6" { answers_client socat ::1; }

# ---- our echo client, their server ----

start_udp_echo_server() {
    free_udp_port
    case $1 in
    nc)
        mkfifo "$BATS_TEST_TMPDIR/loop"
        # shellcheck disable=SC2016
        start_udp_peer bash -c 'exec nc -u -l "$2" "$3" 0<>"$1" 1>&0' - "$BATS_TEST_TMPDIR/loop" "$2" "$PORT"
        ;;
    ncat) start_udp_peer ncat -u -k -l "$2" "$PORT" -e /bin/cat ;;
    socat-listen) start_udp_peer socat "UDP4-LISTEN:$PORT,fork" PIPE ;;
    socat-recvfrom) start_udp_peer socat "UDP4-RECVFROM:$PORT,fork" PIPE ;;
    python) start_script udp_server.py echo "$2" ;;
    esac
}

is_answered_by() {
    start_udp_echo_server "$1" "$2"
    run --separate-stderr sockx echo -u -H "$2" -p "$PORT" 'Hello, world'
    expect_status 0
    equal "$output" 'Hello, world'
    [ "$1" != nc ] || return 0 # it hears only its first peer
    run --separate-stderr sockx connect -u -q 300ms "$2" "$PORT" <<<'Hello again'
    expect_status 0
    equal "$output" 'Hello again'
}

@test "echo is answered by nc -u on a loop" { is_answered_by nc 127.0.0.1; }
@test "echo and connect are answered by ncat -u -e cat" { is_answered_by ncat 127.0.0.1; }
@test "echo and connect are answered by socat UDP-LISTEN" { is_answered_by socat-listen 127.0.0.1; }
@test "echo and connect are answered by socat UDP-RECVFROM" { is_answered_by socat-recvfrom 127.0.0.1; }
@test "echo and connect are answered by Python, IPv4" { is_answered_by python 127.0.0.1; }
@test "echo and connect are answered by Python, IPv6" { is_answered_by python ::1; }

# ---- pipes ----

start_udp_receiver() {
    free_udp_port
    case $1 in
    nc) start_udp_peer nc -u -l "$2" "$PORT" ;;
    ncat) start_udp_peer ncat -u -l "$2" "$PORT" ;;
    socat)
        if six_of "$2"; then
            start_udp_peer socat -u -b 65507 "UDP6-RECV:$PORT" -
        else
            start_udp_peer socat -u -b 65507 "UDP4-RECV:$PORT" -
        fi
        ;;
    esac
}

# Three datagrams of what all of them take in one piece.
receives() {
    cd "$BATS_TEST_TMPDIR" || return
    random_file sent 3000
    start_udp_receiver "$1" "$2"
    held_input
    start_job "$SOCKX" connect -u -q 0 "$2" "$PORT" <"$INPUT"
    for n in 0 1 2; do
        dd if=sent bs=1000 skip=$n count=1 status=none >&"$HELD"
        wait_until has_bytes "$PEER_OUT" $(((n + 1) * 1000))
    done
    exec {HELD}>&-
    wait_job
    equal "$JOB_STATUS" 0
    same_bytes sent "$PEER_OUT"
}

@test "connect sends to nc -u -l, IPv4" { receives nc 127.0.0.1; }
@test "connect sends to nc -u -l, IPv6" { receives nc ::1; }
@test "connect sends to ncat -u -l, IPv4" { receives ncat 127.0.0.1; }
@test "connect sends to ncat -u -l, IPv6" { receives ncat ::1; }
@test "connect sends to socat UDP-RECV, IPv4" { receives socat 127.0.0.1; }
@test "connect sends to socat UDP-RECV, IPv6" { receives socat ::1; }

swaps_lines() {
    start_server -u -q 500ms -H "$2" <<<"from the server"
    start_udp_client "$1" "$2"
    echo "from the client" >&"$HELD"
    wait_until has_line "$JOB_OUT" '^from the server$'
    wait_server
    equal "$SERVER_STATUS" 0
    equal "$(cat "$SERVER_OUT")" "from the client"
}

@test "serve swaps lines with nc -u, IPv4" { swaps_lines nc 127.0.0.1; }
@test "serve swaps lines with nc -u, IPv6" { swaps_lines nc ::1; }
@test "serve swaps lines with ncat -u, IPv4" { swaps_lines ncat 127.0.0.1; }
@test "serve swaps lines with ncat -u, IPv6" { swaps_lines ncat ::1; }
@test "serve swaps lines with socat UDP, IPv4" { swaps_lines socat 127.0.0.1; }
@test "serve swaps lines with socat UDP, IPv6" { swaps_lines socat ::1; }

# ---- to many ----

@test "2: no answer is awaited from a group or from all" {
    local at

    for at in 239.255.77.7 127.255.255.255 255.255.255.255 ::ffff:239.255.77.7 ff05::7; do
        run --separate-stderr sockx connect -u "$at" 9
        expect_status 2
        [[ $stderr == *"no answer comes from it"*"--send-only"* ]] || fail "$stderr"
        run --separate-stderr sockx echo -u -H "$at" hello
        expect_status 2
    done
    run --separate-stderr sockx connect -u -q 0 --recv-only 127.255.255.255 9
    expect_status 2
    run --separate-stderr sockx connect -u -s 239.255.77.7 127.0.0.1 9
    expect_status 2
    run --separate-stderr sockx connect -s 127.255.255.255 127.0.0.1 9
    expect_status 1
}

@test "0: what awaits no answer goes to all" {
    start_server -u -m discard -v -H 127.255.255.255
    sockx connect -u --send-only 127.255.255.255 "$PORT" <<<one
    sockx connect -u -q 0 127.255.255.255 "$PORT" <<<two
    wait_until has_line "$SERVER_ERR" '^2: .* connected'
}

@test "3: a group is not heard, and no stream comes to many" {
    local at

    for at in 239.255.77.7 ::ffff:239.255.77.7 ff02::1 ff05::7; do
        run --separate-stderr sockx serve -u -m echo -H "$at" -p 0 --max-time 1
        expect_status 3
        [[ $stderr == *"it is a multicast group"*"-H takes"* ]] || fail "$stderr"
        run --separate-stderr sockx serve -m echo -H "$at" -p 0 --max-time 1
        expect_status 3
    done
    for at in 127.255.255.255 255.255.255.255; do
        run --separate-stderr sockx serve -m echo -H "$at" -p 0 --max-time 1
        expect_status 3
        [[ $stderr == *"it is a broadcast address"* ]] || fail "$stderr"
    done
}
