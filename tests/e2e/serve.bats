# shellcheck disable=SC2030,SC2031,SC2034,SC2153,SC2154 # tests are processes; helper reads; run sets
# bats file_tags=unit
#
# sockx serve: what it says, whom it serves, and when it ends.

load helper

says() {
    has_line "$SERVER_ERR" "$1"
}

count_lines() {
    grep -Ec -e "$2" -- "$1" || true
}

# FILE of JSON lines, each an object with the keys; prints how many.
json_lines() {
    "$PYTHON" -c '
import json, sys
lines = open(sys.argv[1], encoding="utf-8").read().splitlines()
for line in lines:
    said = json.loads(line)
    assert isinstance(said, dict), line
    for key in sys.argv[2:]:
        assert key in said, f"no {key}: {line}"
print(len(lines))
' "$@"
}

# ---- what it says ----

@test "a line an address is announced, on one port number, and nothing on standard output" {
    start_server -m echo
    wait_until says "^listening on \[::\]:"
    equal "$(cat "$SERVER_ERR")" "listening on 0.0.0.0:$PORT (tcp, echo)
listening on [::]:$PORT (tcp, echo)"
    stop_server
    equal "$(cat "$SERVER_OUT")" ""
    equal "$(wc -l <"$SERVER_ERR")" 2
}

@test "what is announced is never refused" {
    for _ in {1..10}; do
        start_server -m echo
        sockx echo -4 -p "$PORT" -Q hello
        sockx echo -6 -p "$PORT" -Q hello
        stop_server
    done
}

@test "-4 and -6 listen on one family" {
    start_server -m echo -4
    equal "$(cat "$SERVER_ERR")" "listening on 0.0.0.0:$PORT (tcp, echo)"
    run sockx echo -H ::1 -p "$PORT" hello
    expect_status 7
    start_server -m echo -6
    equal "$(cat "$SERVER_ERR")" "listening on [::]:$PORT (tcp, echo)"
    run sockx echo -H 127.0.0.1 -p "$PORT" hello
    expect_status 7
}

@test "-H is repeated, and only those addresses are served" {
    start_server -m echo -H 127.0.0.1 -H 127.0.0.2 -H ::1
    wait_until says '^listening on \[::1\]:'
    equal "$(cat "$SERVER_ERR")" "listening on 127.0.0.1:$PORT (tcp, echo)
listening on 127.0.0.2:$PORT (tcp, echo)
listening on [::1]:$PORT (tcp, echo)"
    for host in 127.0.0.1 127.0.0.2 ::1; do
        run sockx echo -H "$host" -p "$PORT" hello
        expect_status 0
    done
    run sockx echo -H 127.0.0.3 -p "$PORT" hello
    expect_status 7
}

@test "-H given twice with one address is one" {
    start_server -m echo -H 127.0.0.1 -H 127.0.0.1
    equal "$(count_lines "$SERVER_ERR" '^listening on')" 1
}

@test "-H localhost listens on what that name means" {
    start_server -m echo -H localhost
    run sockx echo -H localhost -p "$PORT" hello
    expect_status 0
    run sockx echo -H 127.0.0.1 -p "$PORT" hello
    expect_status 0
    run sockx echo -H 127.0.0.2 -p "$PORT" hello
    expect_status 7
}

# bats test_tags=long
@test "names to listen on are looked up all at once, and served in the order typed" {
    slow_names
    timed start_server -m echo -H after400ms.127.0.0.3 -H 127.0.0.1 -H after500ms.127.0.0.2 \
        -H after600ms.127.0.0.4 -H after50ms.127.0.0.1
    took_between 600 1400
    wait_until says '^listening on 127.0.0.4:'
    equal "$(cat "$SERVER_ERR")" "listening on 127.0.0.3:$PORT (tcp, echo)
listening on 127.0.0.1:$PORT (tcp, echo)
listening on 127.0.0.2:$PORT (tcp, echo)
listening on 127.0.0.4:$PORT (tcp, echo)"
    run sockx echo -H 127.0.0.2 -p "$PORT" hello
    equal "$output" hello
}

# bats test_tags=long
@test "the first name that is not found ends a server before it begins" {
    slow_names
    timed run --separate-stderr "${LAUNCHER[@]}" timeout 20 "$SOCKX" serve -p 0 \
        -H after8000ms.127.0.0.1 -H after200ms.unknown -H after100ms.127.0.0.2
    expect_status 6
    took_between 200 1200
    equal "${stderr_lines[0]}" "sockx: cannot look up 'after200ms.unknown': Name or service not known"
    timed run --separate-stderr "${LAUNCHER[@]}" timeout 20 "$SOCKX" serve -p 0 \
        -H after8000ms.127.0.0.1 -4 -H ::1
    expect_status 2
    took_between 0 1000
}

# bats test_tags=long
@test "while names are looked up, a server obeys signals and its limits" {
    slow_names
    for signal in TERM INT HUP; do
        start_job "${LAUNCHER[@]}" "$SOCKX" serve -p 0 -H after8000ms.127.0.0.1 -H after8000ms.127.0.0.2
        wait_until blocks_signals "$JOB_PID"
        kill -"$signal" "$JOB_PID"
        timed wait_job
        equal "$JOB_STATUS" 0
        took_between 0 1000
        equal "$(cat "$JOB_ERR")" ""
    done
    timed run --separate-stderr "${LAUNCHER[@]}" timeout 20 "$SOCKX" serve -p 0 \
        -H after8000ms.127.0.0.1 --max-time 200ms
    expect_status 0
    took_between 200 1200
    timed run --separate-stderr "${LAUNCHER[@]}" timeout 20 "$SOCKX" serve -p 0 \
        -H after12000ms.127.0.0.1 -H after11000ms.127.0.0.2
    expect_status 5
    took_between 10000 11000
}

# PID: its signals are the loop's. (bash blocks some in a process that has yet to become the program.)
blocks_signals() {
    [ "/proc/$1/exe" -ef "$SOCKX" ] && [ "$(awk '/^SigBlk/ { print $2 }' "/proc/$1/status")" != 0000000000000000 ]
}

@test "an address is positional, too" {
    free_port
    for address in "$PORT" ":$PORT" "127.0.0.1:$PORT" "127.0.0.1 $PORT" "localhost $PORT"; do
        : >"$BATS_TEST_TMPDIR/err"
        # shellcheck disable=SC2086
        "$SOCKX" serve -m echo $address 2>"$BATS_TEST_TMPDIR/err" 3>&- &
        adopt_server $! "$BATS_TEST_TMPDIR/err"
        run sockx echo -H 127.0.0.1 -p "$PORT" hello
        expect_status 0
        stop_server
    done
}

@test "a port is free for a new server as soon as the old one has left" {
    start_server -m echo -H 127.0.0.1
    local port=$PORT
    start_script client.py idle "$PORT"
    stop_server
    SERVER_PORT=$port start_server -m echo -H 127.0.0.1
    run sockx echo -p "$port" hello
    expect_status 0
}

@test "--quiet announces nothing, and errors are reported all the same" {
    free_port
    SERVER_PORT=$PORT start_server -m echo -Q
    run sockx echo -p "$PORT" hello
    expect_status 0
    equal "$(cat "$SERVER_ERR")" ""
    run --separate-stderr sockx serve -Q -p "$PORT"
    expect_status 3
    [ -n "$stderr" ]
}

@test "--verbose tells who comes and goes, one whole line an event" {
    start_server -m echo -v -H 127.0.0.1
    sockx echo -H 127.0.0.1 -p "$PORT" hello
    wait_until says ' done, 5 bytes received, 5 sent in [0-9]'
    says '^1: 127\.0\.0\.1:[0-9]+ connected$'
}

@test "--json tells events as JSON objects, one a line" {
    start_server -m echo -j
    sockx echo -p "$PORT" hello
    start_script client.py reset_sending "$PORT" 65536
    wait_until says '"event":"conn.lost"'
    stop_server
    [ "$(json_lines "$SERVER_ERR" ts event)" -ge 6 ]
    for event in listening conn.opened conn.closed conn.lost stopping; do
        says "\"event\":\"$event\""
    done
    equal "$(cat "$SERVER_OUT")" ""
}

@test "--json tells an error as a JSON object" {
    start_server -m echo
    run --separate-stderr sockx serve -j -m echo -p "$PORT"
    expect_status 3
    printf '%s\n' "$stderr" >"$BATS_TEST_TMPDIR/said"
    equal "$(json_lines "$BATS_TEST_TMPDIR/said" ts event kind exit message)" 1
    has_line "$BATS_TEST_TMPDIR/said" '"kind":"listen","exit":3'
    run --separate-stderr sockx serve -j -p 99999
    expect_status 2
    printf '%s\n' "$stderr" >"$BATS_TEST_TMPDIR/said"
    equal "$(json_lines "$BATS_TEST_TMPDIR/said" ts event kind exit message hint)" 1
}

# ---- the modes ----

@test "echo sends every byte back, also after the client's end" {
    start_server -m echo
    random_file "$BATS_TEST_TMPDIR/sent" 3000000
    start_script client.py half "$PORT" <"$BATS_TEST_TMPDIR/sent"
    wait_job "$PEER_PID"
    same_bytes "$BATS_TEST_TMPDIR/sent" "$PEER_OUT"
}

@test "discard takes everything and answers nothing" {
    start_server -m discard --once -v
    run bash -c "head -c 8M /dev/zero | timeout 20 '$SOCKX' connect -N localhost $PORT; exit \${PIPESTATUS[1]}"
    expect_status 0
    equal "$output" ""
    wait_server
    equal "$SERVER_STATUS" 0
    says '8388608 bytes received, 0 sent'
}

# Over TCP the kernel drops it; with --trace, and over a Unix socket, it is read.
@test "discard counts every byte" {
    random_file "$BATS_TEST_TMPDIR/sent" 5000001
    for options in '' --trace; do
        start_server -m discard --once -j ${options:+"$options"}
        timeout 20 "$SOCKX" connect -N localhost "$PORT" <"$BATS_TEST_TMPDIR/sent"
        wait_server
        equal "$SERVER_STATUS" 0
        has_line "$SERVER_ERR" '"event":"conn.closed".*"received":5000001,"sent":0[,}]'
    done
    start_unix_server "$BATS_TEST_TMPDIR/socket" -m discard --once -j
    timeout 20 "$SOCKX" connect -N -U "$BATS_TEST_TMPDIR/socket" <"$BATS_TEST_TMPDIR/sent"
    wait_server
    equal "$SERVER_STATUS" 0
    has_line "$SERVER_ERR" '"event":"conn.closed".*"received":5000001,"sent":0[,}]'
}

@test "source sends RFC 864's pattern, also to a client that has half-closed" {
    start_server -m source
    "$PYTHON" -c '
import sys
ring = bytes(range(32, 127))
sys.stdout.buffer.write(b"".join((ring * 2)[n % 95 : n % 95 + 72] + b"\r\n" for n in range(400)))
' >"$BATS_TEST_TMPDIR/expected"
    sockx connect localhost "$PORT" --recv-only | head -c 29600 >"$BATS_TEST_TMPDIR/got" || true
    same_bytes "$BATS_TEST_TMPDIR/expected" "$BATS_TEST_TMPDIR/got"
    start_script client.py listen_only "$PORT"
    wait_until has_bytes "$PEER_OUT" 20000000
    kill "$PEER_PID"
    head -c 29600 "$PEER_OUT" >"$BATS_TEST_TMPDIR/got"
    same_bytes "$BATS_TEST_TMPDIR/expected" "$BATS_TEST_TMPDIR/got"
}

@test "--crlf ends lines of standard input by CR LF, and leaves those that were" {
    printf 'a\nb\r\nc\r\rd\n\n' >"$BATS_TEST_TMPDIR/in"
    start_server -C <"$BATS_TEST_TMPDIR/in"
    sockx connect localhost "$PORT" >"$BATS_TEST_TMPDIR/got"
    wait_server
    equal "$(od -An -c <"$BATS_TEST_TMPDIR/got")" "$(printf 'a\r\nb\r\nc\r\rd\r\n\r\n' | od -An -c)"
}

# ---- pipe ----

@test "pipe ends after its first client" {
    start_server <<<"hello"
    equal "$(sockx connect localhost "$PORT")" hello
    wait_server
    equal "$SERVER_STATUS" 0
    run sockx connect localhost "$PORT"
    expect_status 7
}

@test "pipe -k takes clients in turn, and standard output stays open" {
    held_input
    start_server -k <"$INPUT"
    for n in 1 2 3; do
        sockx connect -N localhost "$PORT" <<<"client $n"
    done
    wait_until has_line "$SERVER_OUT" '^client 3$'
    equal "$(cat "$SERVER_OUT")" "client 1
client 2
client 3"
}

@test "pipe -k gives standard input that a client has not taken to the next" {
    held_input
    start_server -k <"$INPUT"
    echo first >&"$HELD"
    start_script client.py take_one "$PORT"
    wait_job "$PEER_PID"
    equal "$(cat "$PEER_OUT")" first
    echo second >&"$HELD"
    start_script client.py take_one "$PORT"
    wait_job "$PEER_PID"
    equal "$(cat "$PEER_OUT")" second
}

@test "pipe -k reads no standard input before a client is there" {
    held_input
    echo early >&"$HELD"
    start_server -k <"$INPUT"
    come_and_reset
    start_script client.py take_one "$PORT"
    wait_job "$PEER_PID"
    equal "$(cat "$PEER_OUT")" early
}

@test "pipe lets a second client wait until the first has left" {
    held_input
    start_server -k <"$INPUT"
    start_script client.py hold "$PORT"
    local first=$PEER_PID
    start_script client.py take_one "$PORT"
    kill "$first"
    wait_job "$first"
    wait_until has_clients "$PORT" 1
    echo for the second >&"$HELD"
    wait_job "$PEER_PID"
    equal "$(cat "$PEER_OUT")" "for the second"
}

@test "pipe passes the client's end on at once, and goes on sending" {
    held_input
    start_server <"$INPUT"
    start_script client.py listen_only "$PORT"
    echo still here >&"$HELD"
    wait_until has_line "$PEER_OUT" '^still here$'
    is_gone "$SERVER_PID" && fail "the server has left"
    exec {HELD}>&-
    wait_server
    equal "$SERVER_STATUS" 0
    wait_job "$PEER_PID"
    equal "$(cat "$PEER_OUT")" "still here"
}

# ---- when it ends ----

@test "--once ends after one client, in every mode" {
    for mode in echo discard; do
        start_server -m "$mode" --once
        sockx connect -N localhost "$PORT" <<<"hello"
        wait_server
        equal "$SERVER_STATUS" 0
    done
}

@test "--exit-after 3 ends after three clients" {
    start_server -m echo --exit-after 3
    for _ in 1 2 3; do
        run sockx echo -p "$PORT" hello
        expect_status 0
    done
    wait_server
    equal "$SERVER_STATUS" 0
}

@test "--exit-after takes clients together, and no more of them" {
    start_server -m echo --exit-after 2
    start_script client.py idle "$PORT"
    sockx echo -p "$PORT" hello
    kill -0 "$SERVER_PID"
    kill "$PEER_PID"
    wait_server
}

@test "pipe --exit-after 2 takes two in turn" {
    held_input
    start_server --exit-after 2 <"$INPUT"
    sockx connect -N localhost "$PORT" <<<"one"
    sockx connect -N localhost "$PORT" <<<"two"
    wait_server
    equal "$SERVER_STATUS" 0
    equal "$(cat "$SERVER_OUT")" "one
two"
}

# OPTION...: while the one client talks, another is refused, and what the first sends is all there is.
lets_no_second_in() {
    start_server "$@"
    start_script client.py reset_early "$PORT" 1 # it has no byte, and does not count
    held_input
    start_job "$SOCKX" connect 127.0.0.1 "$PORT" <"$INPUT"
    echo first >&"$HELD"
    wait_until stops_listening
    run sockx connect -N 127.0.0.1 "$PORT" <<<"second"
    expect_status 7
    echo more >&"$HELD"
    exec {HELD}>&-
    HELD=9
    wait_job
    equal "$JOB_STATUS" 0
    wait_server
    equal "$SERVER_STATUS" 0
}

@test "a one-shot server lets no second client in once a byte of the first has moved" {
    lets_no_second_in -H 127.0.0.1
    equal "$(cat "$SERVER_OUT")" "first
more"
    lets_no_second_in -H 127.0.0.1 -m echo --once
    lets_no_second_in -H 127.0.0.1 -k --exit-after 1
    equal "$(cat "$SERVER_OUT")" "first
more"
}

@test "a client that resets before its first byte does not use up a one-shot server" {
    start_server -m echo --once
    start_script client.py reset_early "$PORT" 5
    run sockx echo -p "$PORT" hello
    expect_status 0
    wait_server
    equal "$SERVER_STATUS" 0
}

# Clients that are gone again when the server accepts them.
come_and_reset() {
    kill -STOP "$SERVER_PID"
    start_script client.py reset_early "$PORT" 5
    kill -CONT "$SERVER_PID"
}

@test "a client that resets before it is accepted does not use up a pipe, nor its input" {
    start_server <<<"for an honest client"
    come_and_reset
    run sockx connect localhost "$PORT"
    expect_status 0
    equal "$output" "for an honest client"
    wait_server
    equal "$SERVER_STATUS" 0
}

@test "a client that resets before it is accepted does not use up a one-shot server" {
    start_server -m echo --once
    come_and_reset
    run sockx echo -p "$PORT" hello
    expect_status 0
    wait_server
    equal "$SERVER_STATUS" 0
}

# For start_job: a program with so many descriptors at most, and none open beside the standard ones.
with_descriptors() {
    # shellcheck disable=SC2016 # for the inner shell
    exec bash -c 'exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-
        ulimit -n "$1" && shift && exec "$@"' bash "$@"
}

# How a server with so few descriptors begins: it says that it listens, and then it does serve; or 3.
serves_or_refuses() {
    local port

    start_job with_descriptors "$@"
    wait_until is_announced "$JOB_PID" "$JOB_ERR"
    port=$(sed -nE 's/^listening on .*:([0-9]+) .*/\1/p' "$JOB_ERR" | head -n 1)
    if [ -n "$port" ]; then
        equal "$(sockx echo -4 -w 2s -p "$port" hello)" hello
        kill "$JOB_PID"
        wait_job
        equal "$JOB_STATUS" 0
    else
        wait_job
        equal "$JOB_STATUS" 3
        refusals+=$(cat "$JOB_ERR")
    fi
}

@test "a server says that it listens only where it can take a client" {
    local most port refusals=''

    for most in 5 6 7 8 9; do
        serves_or_refuses "$most" "$SOCKX" serve -m echo -p 0
        serves_or_refuses "$most" "$SOCKX" serve -m echo -p 0 -4 --max-conns 3
    done
    [[ $refusals == *"no descriptor is left for a client"*"ulimit -n"* ]]
    # Sessions of datagrams need none.
    start_job with_descriptors 6 "$SOCKX" serve -u -m echo -p 0 -4
    wait_until is_announced "$JOB_PID" "$JOB_ERR"
    port=$(sed -nE 's/^listening on .*:([0-9]+) .*/\1/p' "$JOB_ERR")
    equal "$(sockx echo -u -4 -p "$port" hello)" hello
}

@test "a Unix server without a descriptor for its directory hints at the limit" {
    run --separate-stderr with_descriptors 6 "$SOCKX" serve -m echo "unix:$BATS_TEST_TMPDIR/s"
    expect_status 3
    [[ $stderr == *"Too many open files"*"hint: start it where 'ulimit -n' allows more than 6"* ]]
}

@test "that all places are taken is reported once, and that some are free again" {
    start_server -m echo --max-conns 2 -4
    start_script client.py hold "$PORT"
    local first=$PEER_PID
    start_script client.py hold "$PORT"
    wait_until has_line "$SERVER_ERR" "cannot accept: 2 of 2 places are taken .*-i .*--max-conns"
    # One takes the place of another: that is no news.
    start_job "$SOCKX" echo -4 -p "$PORT" hello
    kill "$first"
    wait_job
    equal "$(cat "$JOB_OUT")" hello
    wait_until has_line "$SERVER_ERR" 'accepting clients again'
    equal "$(grep -c 'cannot accept' "$SERVER_ERR")" 1
    start_script client.py hold "$PORT"
    # shellcheck disable=SC2016 # eval expands it
    wait_until eval '[ "$(grep -c "cannot accept" "$SERVER_ERR")" = 2 ]'
}

@test "-j tells that all places are taken; a server of one client at a time does not" {
    start_server -j -m echo --max-conns 1 -4
    start_script client.py hold "$PORT"
    wait_until has_line "$SERVER_ERR" '"event":"accept.paused".*"reason":"1 of 1 places'
    kill "$PEER_PID"
    wait_until has_line "$SERVER_ERR" '"event":"accept.resumed"'
    start_server -v -k -4
    start_script client.py hold "$PORT"
    wait_until has_line "$SERVER_ERR" ' connected'
    run grep 'cannot accept' "$SERVER_ERR"
    expect_status 1
}

# A client waits to be accepted on that port, over IPv4 or IPv6. It may have half-closed already, and is
# then none of has_clients.
waits_in_backlog() {
    local hex

    printf -v hex '%04X' "$1"
    cat /proc/net/tcp /proc/net/tcp6 2>/dev/null |
        grep -Eq "^ *[0-9]+: [0-9A-F]+:$hex [0-9A-F]+:0000 0A 00000000:00000001 "
}

@test "--max-conns 2: the third waits in the backlog until one has left" {
    start_server -m echo --max-conns 2
    start_script client.py hold "$PORT"
    local first=$PEER_PID
    start_script client.py hold "$PORT"
    start_job "$SOCKX" echo -p "$PORT" -w 20s hello
    wait_until waits_in_backlog "$PORT"
    # It would have been answered within a millisecond.
    run wait_until 1 is_gone "$JOB_PID"
    expect_status 1
    kill "$first"
    wait_job
    equal "$JOB_STATUS" 0
    equal "$(cat "$JOB_OUT")" hello
}

@test "--max-conns-per-peer 2: the third of one address is reset, and another address is served" {
    start_server -j -m echo --max-conns-per-peer 2 -4
    start_script client.py hold "$PORT" 2
    run sockx echo -H 127.0.0.1 -p "$PORT" hello
    expect_status 4
    wait_until has_line "$SERVER_ERR" '"event":"conn.refused".*"reason":"it has 2 connections .*"count":1'
    run sockx echo -H 127.0.0.1 -p "$PORT" -s 127.0.0.2 hello
    expect_status 0
    kill "$PEER_PID"
    wait_until has_clients "$PORT" 0
    run sockx echo -H 127.0.0.1 -p "$PORT" hello
    expect_status 0
}

@test "--idle-timeout closes clients on which nothing moves, and no others" {
    start_server -m echo -i 500ms -v
    start_script client.py idle "$PORT"
    local idle=$PEER_PID out=$PEER_OUT
    "$PYTHON" -c '
import socket, sys, time
server = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=10)
for _ in range(12):
    server.sendall(b"x")
    assert server.recv(1) == b"x"
    time.sleep(0.1)
' "$PORT"
    wait_job "$idle"
    [[ $(cat "$out") =~ ^(end|reset)$ ]]
    says 'idle-timeout'
    run sockx echo -p "$PORT" hello
    expect_status 0
}

@test "--max-time ends the server, clients or not" {
    held_input
    start_server -m echo --max-time 2s
    start_script client.py idle "$PORT"
    wait_server
    equal "$SERVER_STATUS" 0
    wait_job "$PEER_PID"
    equal "$(cat "$PEER_OUT")" end
}

@test "as a background job SIGINT does not end it, and SIGTERM does" {
    LAUNCHER=(env --ignore-signal=INT)
    start_server -m echo
    kill -INT "$SERVER_PID"
    run sockx echo -p "$PORT" hello
    expect_status 0
    run sockx echo -p "$PORT" hello
    expect_status 0
    stop_server TERM
    equal "$SERVER_STATUS" 0
}

@test "under nohup SIGHUP does not end it" {
    LAUNCHER=(env --ignore-signal=HUP)
    start_server -m echo
    kill -HUP "$SERVER_PID"
    run sockx echo -p "$PORT" hello
    expect_status 0
    stop_server TERM
}

@test "told to stop, it sends what is queued to clients that read" {
    random_file "$BATS_TEST_TMPDIR/sent" 8000000
    start_server -m echo
    start_script client.py slow_half "$PORT" <"$BATS_TEST_TMPDIR/sent"
    stop_server
    equal "$SERVER_STATUS" 0
    wait_job "$PEER_PID"
    equal "$(cat "$PEER_OUT")" "same prefix"
}

# ---- closed 0, 1 and 2 ----

# COMBINATION (of the digits 0, 1, 2) CMD...: run it with those closed.
with_closed() {
    local closed=$1

    shift
    [[ $closed != *0* ]] || exec 0<&-
    [[ $closed != *1* ]] || exec 1>&-
    [[ $closed != *2* ]] || exec 2>&-
    exec 3>&- "$@"
}

# No socket, epoll or other thing of its own is 0, 1 or 2.
std_is_clean() {
    local fd to

    for fd in 0 1 2; do
        to=$(readlink "/proc/$1/fd/$fd") || fail "$fd of $1 is closed" || return 1
        case $to in
        socket:* | anon_inode:*) fail "$fd of $1 is $to" || return 1 ;;
        esac
    done
}

@test "a server with any of 0, 1, 2 closed serves, and no socket takes their place" {
    for closed in _ 0 1 2 01 02 12 012; do
        free_port
        local port=$PORT
        with_closed "$closed" "$SOCKX" serve -m echo -p "$port" >/dev/null 2>"$BATS_TEST_TMPDIR/err" &
        SERVER_PORT=$port adopt_server $! "$BATS_TEST_TMPDIR/err"
        start_script client.py idle "$port"
        wait_until has_clients "$port"
        std_is_clean "$SERVER_PID"
        run sockx echo -p "$port" hello
        expect_status 0
        kill "$PEER_PID"
        stop_server
        equal "$SERVER_STATUS" 0
    done
}

@test "connect with any of 0, 1, 2 closed connects, and no socket takes their place" {
    start_script server.py mute
    local port=$PORT
    for closed in _ 0 1 2 01 02 12 012; do
        held_input
        with_closed "$closed" "$SOCKX" connect localhost "$port" <"$INPUT" >/dev/null 2>&1 &
        jobs_left+=($!)
        local pid=$!
        wait_until owns_connection "$pid"
        std_is_clean "$pid"
        kill "$pid"
        wait_until is_gone "$pid"
    done
}

# The process has a socket.
owns_connection() {
    [[ $(readlink "/proc/$1/fd/"*) == *socket:* ]]
}

@test "echo with a closed standard input sends nothing" {
    start_server -m echo
    run --separate-stderr bash -c "timeout 20 '$SOCKX' echo -p $PORT <&-"
    expect_status 0
    equal "$output" ""
}

@test "connect with a closed standard input has sent its end" {
    start_server -m echo
    run --separate-stderr bash -c "timeout 20 '$SOCKX' connect -N localhost $PORT <&-"
    expect_status 0
    equal "$output" ""
}

@test "what could not be said on a closed standard error changes no status" {
    free_port
    run bash -c "timeout 20 '$SOCKX' connect localhost $PORT 2>&-"
    expect_status 7
    run bash -c "timeout 20 '$SOCKX' connect localhost $PORT 2>/dev/full"
    expect_status 7
    start_server -m echo
    run bash -c "timeout 20 '$SOCKX' echo -p $PORT hello 2>&-"
    expect_status 0
}

# ---- told to stop before its client has ended ----

# STATUS CLIENT ARG...: the status of a server that gets SIGTERM while a client of it sends.
stopped_in_mid_transfer() {
    local wanted=$1

    shift
    start_server "$@"
    start_job "$SOCKX" connect -H 127.0.0.1 -p "$PORT" </dev/zero
    wait_until has_bytes "$SERVER_OUT" 1
    stop_server
    equal "$SERVER_STATUS" "$wanted"
    wait_job
}

@test "a receiver that is stopped in mid-transfer is status 4, with -k too" {
    stopped_in_mid_transfer 4
    has_line "$SERVER_ERR" 'cut off after [0-9]+ bytes received'
    stopped_in_mid_transfer 4 -k
}

@test "a receiver whose --max-time passes in mid-transfer is status 5" {
    start_server --max-time 300ms
    start_job "$SOCKX" connect -H 127.0.0.1 -p "$PORT" </dev/zero
    wait_server
    equal "$SERVER_STATUS" 5
    wait_job
}

@test "a one-shot server that is stopped is status 4 with a client there, and 0 without" {
    for options in "-v -m echo --once" "-v -m pipe"; do
        # shellcheck disable=SC2086 # words
        start_server $options
        stop_server
        equal "$SERVER_STATUS" 0
        # shellcheck disable=SC2086 # words
        start_server $options
        held_input
        start_job "$SOCKX" connect -H 127.0.0.1 -p "$PORT" <"$INPUT"
        wait_until has_line "$SERVER_ERR" "connected$"
        stop_server
        equal "$SERVER_STATUS" 4
        kill "$JOB_PID" 2>/dev/null || :
        exec {HELD}>&-
        HELD=9
    done
}
