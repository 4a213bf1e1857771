#!/usr/bin/env bats
# bats file_tags=unit
#
# How far a run is: when SIGUSR1 asks, and on a terminal.

# shellcheck disable=SC2154 # run sets output, stderr and status
load helper

# PID REGEX FILE: asked by SIGUSR1, it says so on its standard error, and goes on.
tells() {
    kill -USR1 "$1"
    wait_until has_line "$3" "$2"
}

# ---- SIGUSR1 ----

# A client that has had "hello" back, and whose input goes on.
start_client() {
    held_input
    start_job "$SOCKX" connect "$@" 127.0.0.1 "$PORT" <"$INPUT"
    echo hello >&"$HELD"
    wait_until has_line "$JOB_OUT" '^hello$'
}

end_client() {
    exec {HELD}>&-
    wait_job
    equal "$JOB_STATUS" 0
}

@test "SIGUSR1: a client tells its bytes both ways, their time and their rate, each time" {
    start_server -m echo
    start_client
    sleep 0.01
    tells "$JOB_PID" '^6 bytes received, 6 sent in [0-9.]+ m?s \([0-9.]+ B/s in, [0-9.]+ B/s out\)$' "$JOB_ERR"
    echo again >&"$HELD"
    wait_until has_line "$JOB_OUT" '^again$'
    tells "$JOB_PID" '^12 bytes received, 12 sent in ' "$JOB_ERR"
    equal "$(wc -l <"$JOB_ERR")" 2
    end_client
}

@test "SIGUSR1: with --json it is an event, with --quiet nothing, and one that is ignored stays so" {
    start_server -m echo
    start_client -j
    tells "$JOB_PID" '^\{"ts":"[^"]*",.*"event":"progress",.*"received":6,"sent":6,.*"duration_ms":[0-9]+.*\}$' "$JOB_ERR"
    end_client
    start_client -Q
    kill -USR1 "$JOB_PID"
    end_client
    equal "$(cat "$JOB_ERR")" ''
    trap '' USR1
    start_client
    trap - USR1
    kill -USR1 "$JOB_PID"
    end_client
    equal "$(cat "$JOB_ERR")" ''
}

@test "SIGUSR1: a client that is not connected yet tells what it waits for" {
    free_port
    start_job "$SOCKX" connect --retry-for 20s 127.0.0.1 "$PORT"
    wait_until starts_to_wait "$JOB_PID"
    tells "$JOB_PID" "^127.0.0.1:$PORT: waiting to try again, for [0-9.]+ s$" "$JOB_ERR"
    kill "$JOB_PID"
    wait_job
}

# It has SIGUSR1 held back (bit 10 of SigBlk): from then on it answers.
starts_to_wait() {
    local mask

    mask=$(sed -n 's/^SigBlk:[[:space:]]*//p' "/proc/$1/status")
    ((0x${mask:-0} & 1 << 9))
}

@test "SIGUSR1: a server tells its clients, now and in all, and their bytes" {
    start_server -m echo
    tells "$SERVER_PID" '^clients: 0 now, 0 in all; 0 bytes received, 0 sent; up for [0-9.]+ s$' "$SERVER_ERR"
    sockx echo -H 127.0.0.1 -p "$PORT" hello
    start_client
    tells "$SERVER_PID" '^clients: 1 now, 2 in all; 11 bytes received, 11 sent; up for ' "$SERVER_ERR"
    end_client
    stop_server
    equal "$SERVER_STATUS" 0
}

@test "SIGUSR1: a measurement tells its figures so far" {
    start_server -m echo
    start_job "$SOCKX" echo --count 0 --interval 0 -H 127.0.0.1 -p "$PORT"
    wait_until starts_to_wait "$JOB_PID"
    wait_until has_clients "$PORT"
    tells "$JOB_PID" '^[0-9]+ messages sent, [0-9]+ answered in [0-9.]+ m?s: [0-9]+/s, p50 [0-9.]+ ms, p99 [0-9.]+ ms$' "$JOB_ERR"
    kill -INT "$JOB_PID"
    wait_job
    equal "$JOB_STATUS" 0
}
