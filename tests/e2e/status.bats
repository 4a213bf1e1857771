# shellcheck disable=SC2030,SC2031,SC2034,SC2154 # each test is a process of its own; helper reads, run sets
#
# The exit statuses: a row of the table in `sockx serve --help` after the other.

load helper

NOT_OURS=198.51.100.1 # RFC 5737: no machine's

expect_message() {
    [ -n "$stderr" ] || fail "status $status without a word"
}

# ---- 0 ----

# bats test_tags=unit
@test "0: connect, every byte went and came" {
    start_server -m echo
    run --separate-stderr bash -c "printf 'Hello, world' | timeout 20 '$SOCKX' connect localhost $PORT"
    expect_status 0
    equal "$output" "Hello, world"
    equal "$stderr" ""
}

# bats test_tags=unit
@test "0: echo, the answer is the same" {
    start_server -m echo
    run --separate-stderr sockx echo -p "$PORT" 'Hello, world'
    expect_status 0
    equal "$output" "Hello, world"
    equal "$stderr" ""
}

# bats test_tags=unit
@test "0: a one-shot server, every byte went and came" {
    start_server <<<"from the server"
    sockx connect localhost "$PORT" <<<"from the client" >"$BATS_TEST_TMPDIR/got"
    wait_server
    equal "$SERVER_STATUS" 0
    equal "$(cat "$SERVER_OUT")" "from the client"
    equal "$(cat "$BATS_TEST_TMPDIR/got")" "from the server"
}

# ---- 1 ----

# bats test_tags=unit
@test "1: connect, standard output on a full disk" {
    start_script server.py greet 1000
    run --separate-stderr bash -c "timeout 20 '$SOCKX' connect 127.0.0.1 $PORT >/dev/full"
    expect_status 1
    expect_message
}

# bats test_tags=unit
@test "1: connect, standard output a file that may be no longer" {
    start_script server.py greet 1000
    cd "$BATS_TEST_TMPDIR"
    head -c 512 /dev/zero >file
    run --separate-stderr bash -c "ulimit -f 1; timeout 20 '$SOCKX' connect 127.0.0.1 $PORT >>file"
    expect_status 1
    expect_message
    [[ ${stderr_lines[0]} == *'cannot write to standard output: File too large' ]]
    [[ ${stderr_lines[1]} == "hint: "*"'ulimit -f'"* ]]
}

# bats test_tags=unit
@test "1: echo, standard output on a full disk" {
    start_server -m echo
    run --separate-stderr bash -c "timeout 20 '$SOCKX' echo -p $PORT hello >/dev/full"
    expect_status 1
    expect_message
}

# bats test_tags=unit
@test "1: echo --json, the report on a full disk" {
    start_server -m echo
    run --separate-stderr bash -c "timeout 20 '$SOCKX' echo -j -p $PORT hello >/dev/full"
    expect_status 1
    expect_message
}

# bats test_tags=unit
@test "1: a one-shot server, standard output on a full disk" {
    SERVER_TO=/dev/full start_server
    run sockx connect localhost "$PORT" <<<"lost"
    wait_server
    equal "$SERVER_STATUS" 1
    has_line "$SERVER_ERR" 'standard output'
}

@test "1: help, standard output on a full disk" {
    run --separate-stderr bash -c "timeout 20 '$SOCKX' --help >/dev/full"
    expect_status 1
    expect_message
}

# bats test_tags=unit
@test "1: connect, standard output closed when data comes" {
    start_script server.py greet 1000
    run --separate-stderr bash -c "timeout 20 '$SOCKX' connect 127.0.0.1 $PORT >&-"
    expect_status 1
    expect_message
}

# bats test_tags=unit
@test "0: connect, standard output closed and no data comes" {
    start_script server.py greet 0
    run --separate-stderr bash -c "timeout 20 '$SOCKX' connect 127.0.0.1 $PORT >&-"
    expect_status 0
}

# bats test_tags=unit
@test "1: echo, standard output closed" {
    start_server -m echo
    run --separate-stderr bash -c "timeout 20 '$SOCKX' echo -p $PORT hello >&-"
    expect_status 1
    expect_message
}

# bats test_tags=unit
@test "1: a one-shot server, standard output closed when data comes" {
    : >"$BATS_TEST_TMPDIR/err"
    "$SOCKX" serve -p 0 >&- 2>"$BATS_TEST_TMPDIR/err" 3>&- &
    adopt_server $! "$BATS_TEST_TMPDIR/err"
    run sockx connect localhost "$PORT" <<<"lost"
    wait_server
    equal "$SERVER_STATUS" 1
}

# bats test_tags=unit
@test "1: the source address is not ours" {
    start_server -m echo
    for command in "connect 127.0.0.1 $PORT" "echo -H 127.0.0.1 -p $PORT hello"; do
        # shellcheck disable=SC2086
        run --separate-stderr sockx $command -s "$NOT_OURS"
        expect_status 1
        [[ $stderr == *"$NOT_OURS"* ]]
    done
}

# bats test_tags=unit
@test "1: the source port is taken" {
    start_server -m echo -H 127.0.0.1
    run --separate-stderr sockx connect 127.0.0.1 "$PORT" -s "127.0.0.1:$PORT"
    expect_status 1
    expect_message
}

# bats test_tags=unit
@test "1: standard input is a directory" {
    start_server -m echo
    run --separate-stderr sockx connect localhost "$PORT" </
    expect_status 1
    [[ $stderr == *"standard input"* ]]
    run --separate-stderr sockx echo -p "$PORT" </
    expect_status 1
    [[ $stderr == *"standard input"* ]]
}

# bats test_tags=unit
@test "1: a one-shot server's standard input is a directory" {
    start_server </
    run sockx connect localhost "$PORT"
    wait_server
    equal "$SERVER_STATUS" 1
    has_line "$SERVER_ERR" 'standard input'
}

# ---- 2 (see usage.bats) ----

# bats test_tags=unit
@test "2: an unknown option" {
    run --separate-stderr sockx connect --no-such-option localhost 1
    expect_status 2
    expect_message
}

# ---- 3 ----

# bats test_tags=unit
@test "3: the port is in use" {
    start_server -m echo
    run --separate-stderr sockx serve -m echo -p "$PORT"
    expect_status 3
    equal "$output" ""
    [[ $stderr == *"$PORT"* ]]
    [[ $stderr != *"listening on"* ]]
}

# bats test_tags=unit
@test "3: the port is in use on one of the two families, and nothing is announced" {
    start_server -m echo -H ::1
    run --separate-stderr sockx serve -m echo -H 127.0.0.1 -H ::1 -p "$PORT"
    expect_status 3
    [[ $stderr != *"listening on"* ]]
}

# bats test_tags=unit
@test "3: the address is not ours" {
    run --separate-stderr sockx serve -m echo -H "$NOT_OURS" -p 0
    expect_status 3
    [[ $stderr == *"$NOT_OURS"* ]]
}

# bats test_tags=unit
@test "3: the port is privileged" {
    [ "$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start)" -gt 7 ] || skip "no port is privileged here"
    local without=()
    if [ "$(id -u)" -eq 0 ]; then
        without=(setpriv --bounding-set=-net_bind_service --inh-caps=-all)
    fi
    run --separate-stderr "${without[@]}" timeout 20 "$SOCKX" serve -m echo -H 127.0.0.1 -p 7
    expect_status 3
    expect_message
}

# ---- 4 ----

# bats test_tags=unit
@test "4: connect, reset while receiving" {
    start_script server.py reset_answering 65536
    held_input
    echo >&"$HELD"
    run --separate-stderr sockx connect 127.0.0.1 "$PORT" <"$INPUT"
    expect_status 4
    expect_message
}

# bats test_tags=unit
@test "4: connect, reset before we looked, yet after the server had sent" {
    start_script server.py reset_sending 65536
    held_input
    for _ in {1..30}; do
        run --separate-stderr sockx connect 127.0.0.1 "$PORT" <"$INPUT"
        expect_status 4
    done
}

# bats test_tags=unit
@test "4: connect, reset while sending" {
    start_script server.py reset_receiving 100000
    run --separate-stderr bash -c "head -c 64M /dev/zero | timeout 20 '$SOCKX' connect 127.0.0.1 $PORT; exit \${PIPESTATUS[1]}"
    expect_status 4
    expect_message
}

# bats test_tags=unit
@test "4: connect, reset after our half-close, with nothing received" {
    start_script server.py reset_receiving 10
    run --separate-stderr sockx connect 127.0.0.1 "$PORT" <<<"123456789"
    expect_status 4
}

# bats test_tags=unit
@test "4: echo, reset while sending" {
    start_script server.py reset_receiving 100000
    run --separate-stderr bash -c "head -c 16M /dev/zero | timeout 20 '$SOCKX' echo -p $PORT >/dev/null; exit \${PIPESTATUS[1]}"
    expect_status 4
    expect_message
}

@test "4: echo, cut short" {
    start_script server.py cut 3
    run --separate-stderr sockx echo -p "$PORT" hello
    expect_status 4
    equal "$output" hel
    expect_message
}

# bats test_tags=unit
@test "4: echo, ended without an answer" {
    start_script server.py cut 0
    run --separate-stderr sockx echo -p "$PORT" hello
    expect_status 4
    expect_message
}

# bats test_tags=unit
@test "4: a one-shot server, reset while receiving" {
    held_input
    echo >&"$HELD"
    start_server <"$INPUT"
    start_script client.py reset_sending "$PORT" 65536
    wait_server
    equal "$SERVER_STATUS" 4
}

# bats test_tags=unit
@test "4: a one-shot server, reset while sending" {
    start_server < <(head -c 64M /dev/zero)
    start_script client.py reset_receiving "$PORT" 100000
    wait_server
    equal "$SERVER_STATUS" 4
}

# bats test_tags=unit
@test "4: serve --mode echo --once, reset while echoing" {
    start_server -m echo --once
    start_script client.py reset_sending "$PORT" 65536
    wait_server
    equal "$SERVER_STATUS" 4
}

# bats test_tags=unit
@test "4: a server told to stop drops a byte that its client does not read" {
    start_server -m echo
    start_script client.py full "$PORT"
    local began
    began=$(now_ms)
    stop_server
    equal "$SERVER_STATUS" 4
    [ $(($(now_ms) - began)) -lt 3500 ]
    has_line "$SERVER_ERR" 'had not taken'
}

# bats test_tags=unit
@test "4: a server told to stop does not confirm what only the kernel has, which a late reader still gets" {
    held_input
    start_server -m source -j
    start_script client.py late "$PORT" <"$INPUT"
    stop_server
    equal "$SERVER_STATUS" 4
    echo >&"$HELD"
    wait_job "$PEER_PID"
    has_line "$SERVER_ERR" "\"event\":\"conn.lost\".*\"sent\":$(cat "$PEER_OUT")\\b"
}

# ---- 5 ----

# Ends with 5, in about so many milliseconds.
times_out() {
    local at_least=$1 began took

    shift
    began=$(now_ms)
    # shellcheck disable=SC2016
    run --separate-stderr timeout 20 bash -c '"$0" "$@" >/dev/null' "$SOCKX" "$@"
    took=$(($(now_ms) - began))
    expect_status 5
    expect_message
    [ "$took" -ge "$at_least" ] || fail "after $took ms already"
    [ "$took" -lt $((at_least + 3000)) ] || fail "only after $took ms"
}

# bats test_tags=unit
@test "5: connect and echo -w, no answer" {
    start_script server.py black_hole
    times_out 300 connect 127.0.0.1 "$PORT" -w 300ms
    times_out 300 echo -H 127.0.0.1 -p "$PORT" -w 300ms hello
}

# bats test_tags=unit
@test "5: connect -w, one address refuses and the other never answers" {
    start_script server.py black_hole
    times_out 500 connect localhost "$PORT" -w 500ms
}

@test "5: echo -w, no first byte" {
    start_script server.py mute
    times_out 300 echo -p "$PORT" -w 300ms hello
}

# bats test_tags=unit
@test "5: echo -w, no first byte, and not much later than that" {
    start_script server.py mute
    local began
    began=$(now_ms)
    run sockx echo -p "$PORT" -w 1s hello
    expect_status 5
    [ $(($(now_ms) - began)) -lt 1700 ] || fail "after $(($(now_ms) - began)) ms"
}

# bats test_tags=unit
@test "5: connect -i, nothing moves" {
    start_script server.py mute
    times_out 300 connect localhost "$PORT" -i 300ms
}

# bats test_tags=unit
@test "5: echo -i, the answer stalls" {
    start_script server.py trickle 2
    times_out 300 echo -p "$PORT" -i 300ms hello
}

@test "5: connect --max-time" {
    start_script server.py source
    times_out 300 connect localhost "$PORT" --max-time 300ms
}

# bats test_tags=unit
@test "5: echo --max-time" {
    start_script server.py trickle 2
    times_out 300 echo -p "$PORT" --max-time 300ms hello
}

# bats test_tags=unit
@test "5: --max-time counts connecting, too" {
    start_script server.py black_hole
    times_out 300 connect 127.0.0.1 "$PORT" --max-time 300ms
}

# bats test_tags=unit
@test "5: a one-shot server, -i with a silent client" {
    start_server -i 300ms
    start_script client.py hold "$PORT"
    wait_server
    equal "$SERVER_STATUS" 5
}

# bats test_tags=unit
@test "5: serve --mode echo --once, -i with a client that falls silent" {
    start_server -m echo --once -i 300ms
    start_script client.py idle "$PORT"
    wait_server
    equal "$SERVER_STATUS" 5
}

# bats test_tags=unit
@test "0: serve --max-time ends as SIGTERM does" {
    start_server -m echo --max-time 300ms
    wait_server
    equal "$SERVER_STATUS" 0
}

# ---- 6 ----

@test "6: an unknown name" {
    for command in connect "echo -H"; do
        # shellcheck disable=SC2086
        run --separate-stderr sockx $command nonexistent.invalid
        expect_status 6
        [[ $stderr == *nonexistent.invalid* ]]
    done
}

# bats test_tags=unit
@test "6: serve, an unknown name" {
    run --separate-stderr sockx serve -H nonexistent.invalid -p 0
    expect_status 6
    [[ $stderr == *nonexistent.invalid* ]]
}

@test "2: a name of 300 characters" {
    local name

    name=$(printf 'a%.0s' {1..300})
    run --separate-stderr sockx connect "$name" 80
    expect_status 2
    expect_message
    run --separate-stderr sockx echo -H "$name" hello
    expect_status 2
    run --separate-stderr sockx serve -H "$name" -p 0
    expect_status 2
}

# ---- 7 ----

# bats test_tags=unit
@test "7: no server listens there" {
    free_port
    for command in "connect localhost $PORT" "connect 127.0.0.1 $PORT" "connect ::1 $PORT" "echo -p $PORT hello"; do
        # shellcheck disable=SC2086
        run --separate-stderr sockx $command
        expect_status 7
        [[ $stderr == *"$PORT"* ]]
    done
}

# bats test_tags=unit
@test "7: there is no way there" {
    unshare -n true 2>/dev/null || skip "no network namespaces here"
    run --separate-stderr unshare -n timeout 20 "$SOCKX" connect 127.0.0.1 9
    expect_status 7
    expect_message
}

# ---- 9 ----

# bats test_tags=unit
@test "9: echo, a byte is another" {
    start_script server.py alter 3
    run --separate-stderr sockx echo -p "$PORT" hello
    expect_status 9
    expect_message
}

@test "9: echo of a file, a byte late in it is another" {
    head -c 1M /dev/urandom >"$BATS_TEST_TMPDIR/sent"
    start_script server.py alter 1000000
    run --separate-stderr bash -c "timeout 20 '$SOCKX' echo -p $PORT <'$BATS_TEST_TMPDIR/sent' >/dev/null"
    expect_status 9
    [[ $stderr == *1000001* ]]
}

# bats test_tags=unit
@test "9: echo, bytes after the answer" {
    start_script server.py extra 1
    run --separate-stderr sockx echo -p "$PORT" hello
    expect_status 9
    expect_message
}

@test "9: echo, bytes after the answer that come when we say that we are done" {
    start_script server.py extra_later 1
    run --separate-stderr sockx echo -p "$PORT" hello
    expect_status 9
}

# ---- signals ----

# bats test_tags=unit
@test "141: the reader of connect's standard output is gone, and nothing is said" {
    start_server -m source
    run --separate-stderr bash -c "env --default-signal=PIPE timeout 20 '$SOCKX' connect localhost $PORT | head -c 1 >/dev/null; exit \${PIPESTATUS[0]}"
    expect_status 141
    equal "$stderr" ""
}

# bats test_tags=unit
@test "141: the reader of echo's standard output is gone, and nothing is said" {
    start_server -m echo
    run --separate-stderr bash -c "env --default-signal=PIPE timeout 20 '$SOCKX' echo -p $PORT </dev/zero | head -c 1 >/dev/null; exit \${PIPESTATUS[0]}"
    expect_status 141
    equal "$stderr" ""
}

# bats test_tags=unit
@test "141: the reader of a one-shot server's standard output is gone" {
    LAUNCHER=(env --default-signal=PIPE)
    SERVER_TO=$BATS_TEST_TMPDIR/fifo
    mkfifo "$SERVER_TO"
    head -c 1 <"$SERVER_TO" >/dev/null 3>&- &
    start_server
    run sockx connect localhost "$PORT" < <(head -c 16M /dev/zero)
    wait_server
    equal "$SERVER_STATUS" 141
    equal "$(grep -vc '^listening on' "$SERVER_ERR")" 0
}

# bats test_tags=unit
@test "1: the reader is gone, and our parent had us ignore SIGPIPE" {
    start_server -m source
    run --separate-stderr bash -c "env --ignore-signal=PIPE timeout 20 '$SOCKX' connect localhost $PORT | head -c 1 >/dev/null; exit \${PIPESTATUS[0]}"
    expect_status 1
    expect_message
}

# bats test_tags=unit
@test "0: serve is stopped by SIGTERM, SIGINT or SIGHUP" {
    LAUNCHER=(env '--default-signal=INT,HUP,TERM')
    for signal in TERM INT HUP; do
        start_server -m echo
        stop_server "$signal"
        equal "$SERVER_STATUS" 0
        start_server -k
        stop_server "$signal"
        equal "$SERVER_STATUS" 0
    done
}

# bats test_tags=unit
@test "0: a server told to stop closes its idle clients" {
    start_server -m echo
    start_script client.py idle "$PORT"
    stop_server
    equal "$SERVER_STATUS" 0
    wait_job "$PEER_PID"
    equal "$(cat "$PEER_OUT")" end
}

@test "4: serve -k is stopped with a client there" {
    held_input
    start_server -k <"$INPUT"
    start_job "$SOCKX" connect localhost "$PORT" <"$INPUT"
    wait_until has_clients "$PORT"
    stop_server
    equal "$SERVER_STATUS" 4
}

# bats test_tags=unit
@test "130: connect is stopped" {
    start_script server.py mute
    held_input
    start_job env --default-signal=INT "$SOCKX" connect localhost "$PORT" <"$INPUT"
    wait_until has_clients "$PORT"
    kill -INT "$JOB_PID"
    wait_job
    equal "$JOB_STATUS" 130
}

# bats test_tags=unit
@test "143: a second signal ends a server at once" {
    start_server -m source
    start_script client.py unread "$PORT"
    local began
    began=$(now_ms)
    kill -TERM "$SERVER_PID"
    wait_until stops_listening
    stop_server TERM
    equal "$SERVER_STATUS" 143
    [ $(($(now_ms) - began)) -lt 1500 ]
}

# ---- the last line ----

# EVENT: it is that of the last line of $stderr, and of done and error there is no other.
ends_with() {
    has_line <(tail -n 1 <<<"$stderr") "\"event\":\"$1\"" || fail "the last line is no $1:" "$stderr"
    equal "$(grep -Ec '"event":"(done|error)"' <<<"$stderr")" 1
}

# bats test_tags=unit
@test "--json: the last line of a client is done, or its error" {
    start_server -m echo
    run --separate-stderr sockx echo -j -p "$PORT" hello
    expect_status 0
    ends_with "done"
    run --separate-stderr sockx echo -j --count 2 --interval 1ms -p "$PORT"
    expect_status 0
    ends_with "done"
    run --separate-stderr bash -c "timeout 20 '$SOCKX' echo -j -p $PORT hello >/dev/full"
    expect_status 1
    ends_with error
    run --separate-stderr bash -c "echo hello | timeout 20 '$SOCKX' connect -N -j localhost $PORT >/dev/full"
    expect_status 1
    ends_with error
    start_script server.py reset_sending 1000
    run --separate-stderr sockx connect -j 127.0.0.1 "$PORT"
    expect_status 4
    ends_with error
    free_port
    run --separate-stderr sockx echo -j -p "$PORT" hello
    expect_status 7
    ends_with error
}

# bats test_tags=unit
@test "--json: the last line of a server is done, or its error" {
    start_server -j -m echo --once
    sockx echo -p "$PORT" hello
    wait_server
    equal "$SERVER_STATUS" 0
    stderr=$(cat "$SERVER_ERR")
    ends_with "done"
    has_line "$SERVER_ERR" '"event":"done","received":5,"sent":5'
    start_server -j -m echo
    stop_server
    stderr=$(cat "$SERVER_ERR")
    ends_with "done"
    start_server -j -m echo --once
    start_script client.py reset_sending "$PORT" 1
    wait_server
    equal "$SERVER_STATUS" 4
    stderr=$(cat "$SERVER_ERR")
    ends_with error
}

# bats test_tags=unit
@test "a client that is lost is reported with its reason, and nothing twice" {
    start_server -v -m echo
    start_script client.py reset_sending "$PORT" 1
    wait_until has_line "$SERVER_ERR" '^1: 127\.0\.0\.1:[0-9]+ lost after 1 bytes received, 1 sent: Connection reset by peer$'
    start_server -j -m echo
    start_script client.py reset_sending "$PORT" 1
    wait_until has_line "$SERVER_ERR" '"event":"conn.lost",.*"reason":"Connection reset by peer"'
}
