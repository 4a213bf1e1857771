#!/usr/bin/env bats
# bats file_tags=unit
#
# Clients that misbehave, and too few descriptors: beside each of them an honest client gets every
# byte and waits at most 2 ms (p99), the server survives, and service goes on once the cause is
# gone. A system that fails: inject.bats and preload.bats.

# shellcheck disable=SC2034 # LAUNCHER and SERVER_PORT are read by the helper
# shellcheck disable=SC2030,SC2031 # of its tests, each a process, and of what the helper reads
load helper
load measure

export BATS_TEST_TIMEOUT=60

# The kernel would hold 3 MB of each client that does not read: to fill that takes seconds.
SMALL=(--rcvbuf 64K --sndbuf 64K)
OPTIONS=()
STEADY_S=5
STEADY_MAX_PERCENT=1

# KIND ARG...: an echo server that meets the fault, an honest client beside it, and one after it.
meets() {
    local base

    start_server --mode echo "${OPTIONS[@]}"
    base=$(fds "$SERVER_PID")
    start_fault "$@"
    honest "${HONEST_S:-}"
    end_fault
    wait_until has_fds "$SERVER_PID" "$base"
    service_goes_on
    stop_server
    equal "$SERVER_STATUS" 0
}

# ---- clients ----

# bats test_tags=load
@test "a client that never reads" {
    meets never-reads 1
}

# bats test_tags=load
@test "300 clients that never read" {
    OPTIONS=("${SMALL[@]}")
    meets never-reads 300
}

# bats test_tags=load
@test "100 clients that never read what source sends" {
    local base

    start_server --mode source
    base=$(fds "$SERVER_PID")
    start_fault never-reads 100 quiet
    wait_until 20 is_calm "$SERVER_PID" # they are full
    comes_from_source 10000000
    end_fault
    wait_until has_fds "$SERVER_PID" "$base"
    comes_from_source 10000000
}

# So many bytes, in a second.
comes_from_source() {
    local before

    before=$(now_ms)
    equal "$(sockx connect --recv-only 127.0.0.1 "$PORT" | head -c "$1" | wc -c)" "$1"
    WHAT="ms for $1 bytes" expect_at_most $(($(now_ms) - before)) 1000
}

# bats test_tags=load
@test "clients that reset at once" {
    meets resets at-once
}

# bats test_tags=load
@test "clients that reset before they are accepted" {
    start_server --mode echo
    meets_queued_resets
    service_goes_on
}

meets_queued_resets() {
    local base

    base=$(fds "$SERVER_PID")
    start_fault queued-resets 300 "$SERVER_PID"
    honest
    wait_until has_fds "$SERVER_PID" "$base"
    end_fault
}

@test "a client that resets before it is accepted does not use up a one-shot server" {
    start_server --mode echo --once
    start_fault queued-resets 3 "$SERVER_PID"
    run -0 sockx echo -p "$PORT" "still there?"
    equal "$output" "still there?"
    wait_server
    equal "$SERVER_STATUS" 0
}

# bats test_tags=load
@test "clients that reset while they send" {
    meets resets sending
}

# bats test_tags=load
@test "clients that reset while they receive" {
    meets resets receiving
}

# bats test_tags=load
@test "clients that reset after their half-close" {
    meets resets half-closed
}

# bats test_tags=load
@test "500 clients that send a byte a second" {
    HONEST_S=1.5 meets trickles 500
}

# bats test_tags=load
@test "clients that are killed at work" {
    meets killed 20
}

# bats test_tags=load
@test "all of these at once" {
    OPTIONS=("${SMALL[@]}")
    meets many 30
}

# ---- too few descriptors ----

served() {
    [ "$(sed -n 's/^served //p' "$FAULT_OUT" | tail -n 1)" -ge "$1" ]
}

# bats test_tags=load
@test "a hard limit of 64 descriptors and 200 clients" {
    local first

    # shellcheck disable=SC2016 # for the inner shell
    LAUNCHER=(sh -c 'ulimit -n 64 && exec "$@"' sh)
    start_server --mode echo
    # The honest one comes first: who comes later waits for a place.
    honest_begin --duration 1
    start_fault wants 200
    honest_end
    wait_until served 40
    first=$(sed -n 's/^served //p' "$FAULT_OUT" | tail -n 1)
    tell "at 64 descriptors: $first of 200 clients are served at once"
    [ "$first" -lt 64 ]
    kill -USR1 "$FAULT_PID"
    wait_until served 200
    end_fault
    service_goes_on
}

descriptor_limit() {
    prlimit --pid "$SERVER_PID" --nofile="$1:"
}

# bats test_tags=load
@test "no descriptors left: those who are there are served, the others once there are some again" {
    local before

    start_server --mode echo
    start_job "$PYTHON" "$PEERS/idle.py" "$PORT" 30 100
    wait_until has_line "$JOB_OUT" '^ready'
    honest_begin --duration 1
    descriptor_limit 10
    start_fault wants 20
    honest_end
    has_line "$SERVER_ERR" 'cannot accept: Too many open files'
    equal "$(grep -c 'cannot accept' "$SERVER_ERR")" 1
    served 0
    before=$(now_ms)
    descriptor_limit 1024
    wait_until served 20
    WHAT="ms until all were served" expect_at_most $(($(now_ms) - before)) 1000
    end_fault
    service_goes_on
}

# ---- where there is nothing to do, nothing is done ----

# All states are watched at the same time, by whichever test comes first.
watch_steady() {
    local all=$BATS_FILE_TMPDIR/steady some

    exec 9>"$all.lock"
    flock 9
    if [ ! -e "$all" ]; then
        timeout -k 1 50 "$PYTHON" "$PEERS/steady.py" "$STEADY_S" \
            >"$all.new" 2>"$all.err" 9>&- 3>&- ||
            fail "steady.py:" "$(cat "$all.err")" || return 1
        mv "$all.new" "$all"
        some=$(awk '$3 == "" && $2 > 0.005 { printf "%s %s, ", $1, $2 }' "$all")
        tell "processor time in $STEADY_S idle seconds, per cent: ${some}all others 0"
    fi
    exec 9>&-
}

# PATTERN [STATUS...]: all states that match are calm; one that ended did so with such a status.
expect_calm() {
    local pattern=$1 name share status bad=0 count=0

    shift
    watch_steady
    while read -r name share status; do
        [[ $name =~ ^$pattern$ ]] || continue
        count=$((count + 1))
        if [ "$share" = ended ]; then
            [[ " $* " = *" $status "* ]] || bad=1
        elif ! is_at_most "$share" "$STEADY_MAX_PERCENT"; then
            bad=1
        fi
        [ "$bad" -eq 0 ] || fail "$name: $share $status" || return 1
    done <"$BATS_FILE_TMPDIR/steady"
    [ "$count" -gt 0 ] || fail "no such state: $pattern"
}

# bats test_tags=long
@test "no processor time: an echo server with 1,000 idle clients" {
    expect_calm echo_with_1000_idle
}

# bats test_tags=long
@test "no processor time: at a hard limit of 64 descriptors, clients waiting" {
    expect_calm echo_at_a_hard_limit_of_64
}

# bats test_tags=long
@test "no processor time: out of descriptors, clients waiting" {
    expect_calm echo_out_of_descriptors
}

# bats test_tags=long
@test "no processor time: echo and source with clients that never read, half-close or reset" {
    expect_calm '(echo_never.*|echo_whose.*|.*_that_never_reads)'
}

# bats test_tags=long
@test "no processor time: serve before the first client, whatever standard input is" {
    expect_calm 'serve_waiting.*'
}

# bats test_tags=long
@test "no processor time: serve whose reader has gone" {
    expect_calm 'serve_with_reader_gone.*' -13
}

# bats test_tags=long
@test "no processor time: serve between two clients, standard input closed" {
    expect_calm serve_in_turn_input_closed_between_clients
}

# bats test_tags=long
@test "no processor time: connect to a silent peer, whatever standard input is" {
    expect_calm 'connect_(silent|input_closed|input_closed_no_shutdown|input_(null|a_).*)'
}

# bats test_tags=long
@test "no processor time: connect whose reader has gone" {
    expect_calm connect_reader_gone -13
}

# bats test_tags=long
@test "no processor time: connect with its output full, also where the peer half-closed or reset" {
    expect_calm 'connect_output.*' 4
}

# bats test_tags=long
@test "no processor time: connect with its input full, closed, or a file" {
    expect_calm 'connect_(input_full.*|input_a_file_not_taken)'
}

# bats test_tags=long
@test "no processor time: connect with both directions full, or a peer that has ended" {
    expect_calm 'connect_(both|peer).*'
}

# bats test_tags=long
@test "no processor time: datagram servers and clients, with peers that are silent or never read" {
    expect_calm '(udp|unix_datagram)_.*'
}

# bats test_tags=long
@test "no processor time: sequenced packets never read, and a Unix server without room" {
    expect_calm '(seqpacket|unix_connect)_.*'
}

# ---- the end ----

# LIMIT_MS STATUS: what SIGTERM does, and how soon.
ends_within() {
    local before

    before=$(now_ms)
    stop_server
    tell "${BATS_TEST_DESCRIPTION}: $(($(now_ms) - before)) ms"
    WHAT="ms until the end" expect_at_most $(($(now_ms) - before)) "$1"
    equal "$SERVER_STATUS" "$2"
}

@test "SIGTERM with a client that never reads: status 4 within 3 s" {
    start_server --mode echo
    start_fault never-reads 1
    ends_within 3000 4
}

@test "SIGTERM with clients that never read what source sends: status 4 within 3 s" {
    start_server --mode source
    start_fault never-reads 20 quiet
    ends_within 3000 4
}

@test "SIGTERM with 1,000 idle clients: status 0 within 1 s" {
    start_server --mode echo
    start_job "$PYTHON" "$PEERS/idle.py" "$PORT" 1000 100
    wait_until 20 has_line "$JOB_OUT" '^ready'
    ends_within 1000 0
}

@test "SIGTERM with 100 busy clients: over within 3 s, and nothing wrong was sent" {
    start_server --mode echo
    start_fault busy 100
    ends_within 3000 0
    wait_fault
    tell "100 busy clients at SIGTERM: $(tail -n 1 "$FAULT_OUT")"
}
