#!/usr/bin/env bats
# bats file_tags=unit
#
# Many clients at once, large transfers, what an idle client costs, and how long one waits beside
# thousands.

load helper
load measure

export BATS_TEST_TIMEOUT=90

IDLE=10000
IDLE_MAX_BYTES=320 # each, in user space
BIG=$((64 << 20))

needs_descriptors() {
    local most

    most=$(ulimit -Hn)
    [ "$most" = unlimited ] || [ "$most" -ge "$1" ] ||
        skip "the hard limit of descriptors is $most, not $1"
}

# bats test_tags=load
@test "2,000 echo clients at once get every byte back" {
    needs_descriptors 2100
    start_server --mode echo
    load_run --connections 2000 --count 20 --size 1000
    equal "$(figure sent) $(figure received) $(figure complete)" '40000 40000 true'
    tell "2,000 clients: $(figure messages_per_s) messages/s"
    service_goes_on
}

# bats test_tags=load
@test "2,000 echo clients that come at once, before any of them says a word" {
    needs_descriptors 2100
    start_server --mode echo
    start_job "$PYTHON" "$PEERS/idle.py" "$PORT" 2000 1000 2000
    timed wait_until 20 has_line "$JOB_OUT" '^ready'
    tell "2,000 clients at once: all served in $TOOK_MS ms"
    service_goes_on
}

@test "64 MiB through one connection, with connect" {
    local big=$BATS_TEST_TMPDIR/big

    random_file "$big" "$BIG"
    start_server --mode echo
    sockx connect -N 127.0.0.1 "$PORT" <"$big" >"$big.back"
    same_bytes "$big" "$big.back"
}

@test "64 MiB through one connection, with a client in Python" {
    local big=$BATS_TEST_TMPDIR/big

    random_file "$big" "$BIG"
    start_server --mode echo
    run timeout -k 1 40 "$PYTHON" "$PEERS/transfer.py" "$PORT" "$big"
    expect_status 0
    equal "$output" "$BIG"
}

@test "64 MiB from connect to serve, file to file" {
    local big=$BATS_TEST_TMPDIR/big

    random_file "$big" "$BIG"
    SERVER_TO=$big.there start_server --mode pipe
    sockx connect 127.0.0.1 "$PORT" <"$big"
    wait_server
    equal "$SERVER_STATUS" 0
    same_bytes "$big" "$big.there"
}

# WHAT NOW_RSS NOW_ANON: against what the server was before its first connection.
expect_small() {
    local each=$((($2 - fresh_rss) / IDLE))

    tell "$1: $each B each (anonymous memory $((($3 - fresh_anon) / IDLE)) B)"
    WHAT="bytes for each idle connection" expect_at_most "$each" "$IDLE_MAX_BYTES"
}

# bats test_tags=load
@test "10,000 idle clients: memory, and the wait of an active one beside them" {
    local fresh_rss fresh_anon

    needs_descriptors $((IDLE + 100))
    start_server --mode echo
    fresh_rss=$(rss_bytes "$SERVER_PID")
    fresh_anon=$(anon_bytes "$SERVER_PID")
    start_job "$PYTHON" "$PEERS/idle.py" "$PORT" "$IDLE" 0
    wait_until 60 has_line "$JOB_OUT" '^ready'
    honest_begin --duration 1
    [ "$(fds "$SERVER_PID")" -gt "$IDLE" ]
    expect_small "10,000 idle, never used" \
        "$(rss_bytes "$SERVER_PID")" "$(anon_bytes "$SERVER_PID")"
    honest_end
    service_goes_on
}

# bats test_tags=load
@test "10,000 clients that were used once and are idle: memory" {
    local fresh_rss fresh_anon

    needs_descriptors $((IDLE + 100))
    start_server --mode echo
    fresh_rss=$(rss_bytes "$SERVER_PID")
    fresh_anon=$(anon_bytes "$SERVER_PID")
    start_job "$PYTHON" "$PEERS/idle.py" "$PORT" "$IDLE" 1024
    wait_until 60 has_line "$JOB_OUT" '^ready'
    [ "$(fds "$SERVER_PID")" -gt "$IDLE" ]
    expect_small "10,000 idle, used once" \
        "$(rss_bytes "$SERVER_PID")" "$(anon_bytes "$SERVER_PID")"
    honest
}

# bats test_tags=load
@test "16 KiB with one connection: no 40 ms stall" {
    start_server --mode echo
    load_run --size 16384 --duration 1
    tell "16 KiB: p50 $(figure rtt_p50_us) us, p99 $(figure rtt_p99_us) us, p99.9 $(figure rtt_p999_us) us"
    WHAT="p99 in us" expect_at_most "$(figure rtt_p99_us)" 5000
    # The longest says more about this machine: a process may wait as long for a processor. Over
    # loopback, 16 KiB are one segment, which Nagle's algorithm lets go: the next test is about that.
    WHAT="p99.9 in us" expect_at_most "$(figure rtt_p999_us)" 20000
}

# bats test_tags=load
@test "what connect and serve send in two parts is not held back" {
    for role in connect serve; do
        run timeout -k 1 20 "$PYTHON" "$PEERS/halves.py" "$role" 50
        expect_status 0
        tell "second parts, $role, in ms: $output"
        # shellcheck disable=SC2086 # median M p90 N max X
        set -- $output
        WHAT="p90 in ms" expect_at_most "$4" 20
    done
}

# bats test_tags=load
@test "1,000 clients that come, echo and leave, again and again: nothing is kept" {
    local base_fds rss

    needs_descriptors 1100
    start_server --mode echo
    base_fds=$(fds "$SERVER_PID")
    for round in {1..12}; do
        load_run --connections 1000 --count 1 --size 1000
        wait_until has_fds "$SERVER_PID" "$base_fds"
        [ "$round" -ne 2 ] || rss=$(rss_bytes "$SERVER_PID")
    done
    tell "churn: grown by $((($(rss_bytes "$SERVER_PID") - rss) / 1024)) KiB over 10,000 clients"
    WHAT="growth in bytes" expect_at_most $(($(rss_bytes "$SERVER_PID") - rss)) $((64 * 1024))
}
