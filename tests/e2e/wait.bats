#!/usr/bin/env bats
# bats file_tags=unit
#
# Clients that wait for a server.

# shellcheck disable=SC2154 # run sets output, stderr and status
load helper
load network

setup_file() {
    needs_machines
}

teardown_file() {
    end_all
}

# COMMAND...: in a second, in the background.
in_a_second() {
    start_job bash -c 'sleep 1; exec "$@"' bash "$@"
}

@test "--retry-for: a server that comes up after a second is used within one pause" {
    free_port
    in_a_second "$SOCKX" serve -m echo -H 127.0.0.1 -p "$PORT"
    timed sockx connect -v --retry-for 10s 127.0.0.1 "$PORT" <<<hello >"$BATS_TEST_TMPDIR/out" \
        2>"$BATS_TEST_TMPDIR/err"
    equal "$(cat "$BATS_TEST_TMPDIR/out")" hello
    grep -Eq '^refused [0-9]+ times, open after [1-9]\.[0-9] s$' "$BATS_TEST_TMPDIR/err"
    has_line "$BATS_TEST_TMPDIR/err" "^connected to 127.0.0.1:$PORT "
    took_between 1000 5000
}

@test "--retry-for: every client has it, and a Unix path may be missing at first" {
    local path=$BATS_TEST_TMPDIR/s

    in_a_second "$SOCKX" serve -m echo -U "$path"
    run -0 --separate-stderr sockx echo --retry-for 10s -U "$path" hello
    equal "$output" hello
    equal "$stderr" ""
    free_port
    in_a_second "$SOCKX" serve -m greet -H 127.0.0.1 -p "$PORT"
    run -0 sockx greet --retry-for 10s -H 127.0.0.1 -p "$PORT" Ada
    equal "$output" "welcome Ada"
}

@test "--retry-for: status 5 when the time has passed, naming the last refusal" {
    free_port
    timed run -5 --separate-stderr sockx connect --retry-for 2s 127.0.0.1 "$PORT"
    [[ $stderr == "sockx: cannot connect to '127.0.0.1:$PORT' within 2000 ms: Connection refused (attempts: "*")"* ]]
    took_between 2000 2400
}

@test "-r: status 7 after so many attempts" {
    free_port
    run -7 --separate-stderr sockx connect -v -r 2 127.0.0.1 "$PORT"
    equal "$(grep -c '^trying ' <<<"$stderr")" 3
    [[ $stderr == *"cannot connect to 127.0.0.1:$PORT: Connection refused"* ]]
}

@test "a name that cannot be found is tried again" {
    run -6 --separate-stderr sockx connect -v -r 1 nothing.invalid 80
    equal "$(grep -c '^looking up ' <<<"$stderr")" 2
}

@test "what time cannot mend is not tried again" {
    run -2 sockx connect --retry-for 10s -n name 80
    run -1 sockx connect --retry-for 10s -s 192.0.2.1 127.0.0.1 80
    [[ $output != *attempts* ]]
}

@test "a run that was connected is not repeated" {
    start_server --once -m discard -H 127.0.0.1
    run -0 sockx connect --retry-for 10s 127.0.0.1 "$PORT"
    wait_server
    start_script server.py reset_answering 3
    run -4 sockx connect -v -r 5 127.0.0.1 "$PORT" <<<hello
    equal "$(grep -c '^trying ' <<<"$output")" 1
}

@test "--max-time and signals end the waiting" {
    free_port
    run -5 sockx connect --retry-for 10s --max-time 0.5s 127.0.0.1 "$PORT"
    [[ $output == *"--max-time"* ]]
    for signal in INT TERM; do
        start_job "$SOCKX" connect -v --retry-for 10s 127.0.0.1 "$PORT"
        wait_until has_line "$JOB_ERR" "^trying "
        timed kill -"$signal" "$JOB_PID"
        wait_job "$JOB_PID" 2
        [ "$JOB_STATUS" -gt 128 ]
    done
}

@test "--retry-for: the second address of a name is used as soon as it is there" {
    free_port
    in_a_second "$SOCKX" serve -m echo -H 127.0.0.1 -p "$PORT"
    run -0 sockx connect --retry-for 10s localhost "$PORT" <<<hello
    equal "$output" hello
}

# ---- packets that are dropped ----

# STATUS ARG...: connect -z ends with it; what it says is in here.err.
probe_ends() {
    local status=0

    "$SOCKX" connect -z "${@:2}" >here.out 2>here.err </dev/null || status=$?
    equal "$status" "$1"
}

dropped() {
    rule there 'meta l4proto { tcp, udp } th dport 9 drop'
    probe_ends 5 -w 0.3s "$AT" 9
    has_line here.err 'within 300 ms$'
    timed probe_ends 5 -w 0.2s --retry-for 1s "$AT" 9
    took_between 1000 1300
    has_line here.err "^sockx: cannot connect to '$AT:9' within 1000 ms\$"
    has_line here.err '^hint: there was no answer at all'
    probe_ends 5 -u -w 0.3s "$AT" 9
    probe_ends 7 "$AT" 8
    probe_ends 5 -w 0.3s "$AT" 9,9
    has_line here.err '^ports: 0 open, 0 refused, 2 silent$'
    probe_ends 7 -w 0.3s "$AT" 8-10
    has_line here.err '^ports: 0 open, 2 refused, 1 silent$'
}

# localhost is ::1 first.
dead_first() {
    rule here 'ip6 daddr ::1 tcp dport 9000 drop'
    { sleep 1 && exec "$SOCKX" serve -m echo -H 127.0.0.1 -p 9000; } 2>there.err &
    timed "$SOCKX" connect --retry-for 10s localhost 9000 <<<hello >here.out
    equal "$(cat here.out)" hello
    took_between 1000 4000
    probe_ends 1 -w 0.3s localhost 9000,9001
    equal "$(cat here.out)" 9000
}

@test "a port that drops packets is silent: 5" {
    on_machines
    all_well dropped
}

@test "the first address of a name is dead: the second is used" {
    on_machines
    all_well dead_first
}
