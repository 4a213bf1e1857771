#!/usr/bin/env bats
# bats file_tags=unit
# How a transfer ends: an orderly end vouches for what came before it; and the ends that only one order
# of events shows.
load helper

# ---- our output fails ----

# WORD...: a sender of so many bytes to a server whose output is full does not end with 0.
is_not_vouched_for() {
    local size

    for size in 1 1000 60000 200000; do
        SERVER_TO=/dev/full start_server --recv-only "$@"
        random_file "$BATS_TEST_TMPDIR/in" "$size"
        run "$SOCKX" connect -N 127.0.0.1 "$PORT" <"$BATS_TEST_TMPDIR/in"
        expect_status 4
        wait_server
        equal "$SERVER_STATUS" 1
    done
}

@test "a full output: the sender is reset, however little it sent" { is_not_vouched_for; }
@test "a full output, by read and write: the same" { is_not_vouched_for --no-splice; }

@test "a file that was received: the sender's 0 comes after it was written" {
    random_file "$BATS_TEST_TMPDIR/in" 3000000
    SERVER_TO=$BATS_TEST_TMPDIR/out start_server --recv-only
    run "$SOCKX" connect 127.0.0.1 "$PORT" <"$BATS_TEST_TMPDIR/in"
    expect_status 0
    same_bytes "$BATS_TEST_TMPDIR/in" "$BATS_TEST_TMPDIR/out"
    wait_server
    equal "$SERVER_STATUS" 0
}

@test "a reader of our output that is slow: our end follows when it has taken all" {
    start_fifo_server --recv-only
    start_job bash -c "head -c 100000 /dev/zero | '$SOCKX' connect -N 127.0.0.1 $PORT"
    wait_until has_sent_all "$PORT"
    sleep 0.3
    run ! is_gone "$JOB_PID"
    equal "$(head -c 100000 <&"$HELD" | wc -c)" 100000
    wait_job
    equal "$JOB_STATUS" 0
    wait_server
    equal "$SERVER_STATUS" 0
}

# A server whose output is a pipe that is read from descriptor HELD.
start_fifo_server() {
    mkfifo "$BATS_TEST_TMPDIR/fifo"
    exec {HELD}<>"$BATS_TEST_TMPDIR/fifo"
    SERVER_TO=$BATS_TEST_TMPDIR/fifo start_server "$@"
}

# A client of PORT has ended its side (FIN_WAIT_2).
has_sent_all() {
    local hex

    printf -v hex '%04X' "$1"
    grep -Eq "^ *[0-9]+: [0-9A-F]+:[0-9A-F]+ [0-9A-F]+:$hex 05 " /proc/net/tcp
}

# ---- what was written before is delivered ----

@test "our output fails: what we had sent arrives whole, and then a reset" {
    random_file "$BATS_TEST_TMPDIR/in" 1000000
    held_input # our end has not been passed on before
    SERVER_TO=/dev/full start_server <"$INPUT"
    cat "$BATS_TEST_TMPDIR/in" >&"$HELD" &
    run "$PYTHON" "$PEERS/late_reader.py" "$PORT" 1000000 "$BATS_TEST_TMPDIR/out" fail
    expect_status 0
    equal "$output" reset
    same_bytes "$BATS_TEST_TMPDIR/in" "$BATS_TEST_TMPDIR/out"
    wait_server
    equal "$SERVER_STATUS" 1
}

@test "a server told to stop: what it had sent arrives whole, and its end in order" {
    random_file "$BATS_TEST_TMPDIR/in" 1000000
    start_server <"$BATS_TEST_TMPDIR/in"
    run "$PYTHON" "$PEERS/late_reader.py" "$PORT" 1000000 "$BATS_TEST_TMPDIR/out" "$SERVER_PID"
    expect_status 0
    equal "$output" end
    same_bytes "$BATS_TEST_TMPDIR/in" "$BATS_TEST_TMPDIR/out"
    wait_server
}

# ---- both orders of the two ends ----

@test "--no-shutdown: over once both have ended, the peer first, in connect and serve" {
    start_script server.py greet 1
    held_input
    start_job "$SOCKX" connect --no-shutdown 127.0.0.1 "$PORT" <"$INPUT"
    wait_until has_bytes "$JOB_OUT" 1
    sleep 0.1
    eval "exec $HELD>&-"
    wait_job
    equal "$JOB_STATUS" 0

    held_input
    start_server --no-shutdown <"$INPUT"
    start_job "$SOCKX" connect -N 127.0.0.1 "$PORT" </dev/null
    wait_until has_sent_all "$PORT"
    eval "exec $HELD>&-"
    wait_server
    equal "$SERVER_STATUS" 0
    wait_job
    equal "$JOB_STATUS" 0
}

@test "--send-only: over as soon as all has arrived" {
    start_script server.py mute
    timed "$SOCKX" connect --send-only 127.0.0.1 "$PORT" <<<"just this"
    took_between 0 1000
}

# ---- datagrams: silence ----

# STATUS: of each of four that wait a second for an answer.
each_ends_with() {
    local pid pids=()

    for _ in {1..4}; do
        start_job "$SOCKX" connect -u -i 1 127.0.0.1 "$PORT" <<<hi
        pids+=("$JOB_PID")
    done
    for pid in "${pids[@]}"; do
        wait_job "$pid"
        equal "$JOB_STATUS" "$1"
    done
}

@test "connect -u -i 1: 0 once something has come, 5 for nothing, whichever timer is first" {
    start_server -u -m echo
    each_ends_with 0
    stop_server
    start_server -u -m discard
    each_ends_with 5
    run "$SOCKX" connect -u 127.0.0.1 "$PORT" <<<hi
    expect_status 0
}

# ---- ends of descriptors ----

@test "one socket is 0 and 1, as inetd has it: the peer's end is passed on" {
    for kind in tcp unix; do
        for descriptors in 01 012; do
            start_script server.py greet 1
            run "$PYTHON" "$PEERS/inetd.py" "$kind" "$descriptors" "$SOCKX" connect -Q 127.0.0.1 "$PORT"
            expect_status 0
            # A Unix socket that is 2 as well may be shared by others: it is closed, not shut down.
            [ "$kind$descriptors" = unix012 ] && equal "$output" 'not told' || equal "$output" told
        done
    done
}

@test "the reader of standard output goes: connect ends by SIGPIPE, with no byte to come" {
    start_script server.py mute
    start_job bash -c "echo q | '$SOCKX' connect 127.0.0.1 $PORT | true; exit \${PIPESTATUS[1]}"
    timed wait_job
    took_between 0 1200
    equal "$JOB_STATUS" 141
}

@test "the reader of standard output goes: what standard input still has is sent first" {
    start_script server.py take
    start_job bash -c "{ echo one; sleep 0.3; echo two; } | '$SOCKX' connect 127.0.0.1 $PORT | true
        exit \${PIPESTATUS[1]}"
    timed wait_job
    took_between 300 1200
    equal "$JOB_STATUS" 141
    wait_until has_bytes "$PEER_OUT" 8
}
