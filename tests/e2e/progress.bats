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

# The same, whatever it said when it was asked before: it may still have been on its way there.
tells_now() {
    kill -USR1 "$1"
    pause 0.02
    has_line "$3" "$2"
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
    wait_until tells_now "$JOB_PID" "^127.0.0.1:$PORT: waiting to try again, for [0-9.]+ s$" "$JOB_ERR"
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

# ---- --progress ----

# [-c COLUMNS] [-t TERM] CMD...: its standard error is a terminal, its input and output are ours. The
# file shown has what the terminal shows in the end, drawn has all that was written to it, as text.
# TERMINAL_STATUS is its status.
on_terminal() {
    local columns=100 TERM=xterm

    TERMINAL_STATUS=0
    while [[ $1 == -? ]]; do
        [ "$1" = -c ] && columns=$2
        [ "$1" = -t ] && TERM=$2
        shift 2
    done
    TERM=$TERM timeout 30 "$PYTHON" "$PEERS/drawn.py" "$columns" "$BATS_TEST_TMPDIR/shown" "$@" \
        >"$BATS_TEST_TMPDIR/drawn" 3>&- || TERMINAL_STATUS=$?
}

# FILE PATTERN: of drawn or shown.
sees() {
    has_text "$BATS_TEST_TMPDIR/$1" "$2" || fail "$1 has no '$2':" "$(cat "$BATS_TEST_TMPDIR/$1")"
}

RATE='[0-9.]+ [KM]iB/s'

@test "--progress: bytes, rate, average and time left, four times a second; the total stays" {
    start_server --recv-only --rate 4M
    head -c 2M /dev/zero >"$BATS_TEST_TMPDIR/in"
    on_terminal "$SOCKX" connect --progress -N 127.0.0.1 "$PORT" <"$BATS_TEST_TMPDIR/in"
    equal "$TERMINAL_STATUS" 0
    sees drawn "\\\\r[0-9.]+ [KM]iB of 2.00 MiB sent \\([0-9]+ %\\), $RATE, 0:0[0-9] left, average $RATE, 0:00 so far\\\\x1b\\[K"
    sees shown "^2.00 MiB of 2.00 MiB sent \\(100 %\\) in [0-9.]+ m?s, average $RATE$"
    equal "$(wc -l <"$BATS_TEST_TMPDIR/shown")" 2
    wait_server
    equal "$SERVER_STATUS" 0
}

@test "--progress=SIZE: of what comes, and a line that is reported does not tear it" {
    start_server -m source
    # shellcheck disable=SC2016 # for the inner shell
    on_terminal -c 60 bash -c '"$@" >/dev/null & sleep 0.6; kill -USR1 $!; wait $!' bash \
        "$SOCKX" connect --progress=4G --rate 4M --max-time 0.9s 127.0.0.1 "$PORT"
    equal "$TERMINAL_STATUS" 5
    sees drawn '\\r\\x1b\[K[0-9]+ bytes received, 0 sent in [0-9]+ ms \([^)]*\)\\r\\n[0-9.]+ MiB of 4.00 GiB received \(0 %\), '
    sees shown "^[0-9]+ bytes received, 0 sent in [0-9]+ ms \\([^)]*\\)$"
    sees shown '^[0-9.]+ MiB of 4.00 GiB received \(0 %\) in [0-9]+ ms'
    sees shown '^sockx: '
}

@test "--progress: nothing is drawn where there is no terminal, with TERM=dumb, -Q and -j" {
    start_server -m discard -H 127.0.0.1
    run -0 --separate-stderr sockx connect --progress --send-only 127.0.0.1 "$PORT" <<<hello
    equal "$stderr" ''
    on_terminal -t dumb "$SOCKX" connect --progress --send-only 127.0.0.1 "$PORT" <<<hello
    sees drawn '^connected to [^\\]*\\r\\n$'
    on_terminal "$SOCKX" connect -Q --progress --send-only 127.0.0.1 "$PORT" <<<hello
    equal "$(cat "$BATS_TEST_TMPDIR/drawn")" ''
    on_terminal "$SOCKX" connect -j --progress --send-only 127.0.0.1 "$PORT" <<<hello
    run ! has_line "$BATS_TEST_TMPDIR/drawn" x1b
}

@test "--progress: it gives way to what the same terminal is to show" {
    start_server -m echo
    # shellcheck disable=SC2016 # for the inner shell
    run -0 timeout 30 env TERM=xterm "$PYTHON" "$PEERS/on_terminal.py" --no-input bash -c \
        '{ sleep 0.3; echo hello; sleep 0.3; } | "$@"' bash "$SOCKX" connect --progress -N 127.0.0.1 "$PORT"
    [[ $output == *$'\r0 B sent'*$'\033[K\r\033[Khello'* ]] || fail "$(printf '%q' "$output")"
    [[ ${output##*hello} != *$'\033'* ]] || fail "$(printf '%q' "$output")"
}

@test "--progress: a server shows what it receives" {
    free_port
    head -c 2M /dev/zero >"$BATS_TEST_TMPDIR/in"
    start_job "$SOCKX" connect -Q --retry-for 10s --rate 4M -N 127.0.0.1 "$PORT" <"$BATS_TEST_TMPDIR/in"
    on_terminal "$SOCKX" serve --progress -H 127.0.0.1 "$PORT"
    equal "$TERMINAL_STATUS" 0
    sees shown '^2.00 MiB received in [0-9.]+ m?s, average '
    wait_job
    equal "$JOB_STATUS" 0
}

@test "--progress: it is not for a chat, nor for a probe" {
    run -2 --separate-stderr sockx connect --progress -m chat 127.0.0.1 9
    equal "$stderr" "sockx: '--progress' is not for mode chat: its lines are shown as they come
hint: leave it out"
    run -2 --separate-stderr sockx connect --progress=1K -z 127.0.0.1 9
    [[ $stderr == "sockx: '--zero' and '--progress' cannot be combined"* ]]
    run -2 --separate-stderr sockx connect --progress=many 127.0.0.1 9
    [[ $stderr == "sockx: 'many' is not a size for '--progress'"* ]]
}

# ---- a measurement ----

@test "a load shows its figures so far, each second on a terminal, and then its report" {
    start_server -m echo -H 127.0.0.1
    on_terminal "$SOCKX" echo -H 127.0.0.1 -p "$PORT" --duration 1.2s
    equal "$TERMINAL_STATUS" 0
    sees drawn '\\r[0-9]+ round trips, [0-9]+/s, p50 [0-9.]+ ms, p99 [0-9.]+ ms, 0:0[1-9] so far\\x1b\[K\\r\\x1b\[K$'
    on_terminal "$SOCKX" echo -H 127.0.0.1 -p "$PORT" --duration 1.2s -j
    run ! has_line "$BATS_TEST_TMPDIR/drawn" x1b
}

# ---- rows ----

@test "a report begins a row of its own, whatever the peer's last bytes were" {
    local end

    for end in '' $'\n'; do
        start_server -H 127.0.0.1 < <(printf 'good bye%s' "$end")
        run -0 on_tty "$SOCKX" connect 127.0.0.1 "$PORT" < <(sleep 0.5)
        [[ $output == *"good bye"$'\n'"127.0.0.1:$PORT closed the connection"* ]] || fail "$output"
        wait_server
    done
    start_server -H 127.0.0.1 < <(printf 'good bye')
    run on_tty "$SOCKX" connect -Q --expect hello 127.0.0.1 "$PORT" < <(sleep 0.5)
    expect_status 9
    [[ $output == *"good bye"$'\n'*"'hello' did not come before the end"* ]] || fail "$output"
    wait_server
}

on_tty() {
    timeout 30 "$PYTHON" "$PEERS/on_terminal.py" "$@"
}
