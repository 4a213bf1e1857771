# shellcheck shell=bash
#
# Measuring, for load.bats and faults.bats: `load measure` after `load helper`.
#
#   load_run ARG...        sockx echo, as a load on PORT that must end well: FIGURES
#   figure KEY             what its report says
#   expect_at_most A B     numbers, fractions too; WHAT says what they are
#   tell TEXT...           a line in the report of the whole run
#   honest [SECONDS]       an echo client (0.5: thousands of round trips): every byte right, p99 at most 2 ms
#   honest_begin [ARG...]  the same beside what the test does meanwhile, from when it is connected,
#   honest_end               with more arguments for sockx echo; until it is over
#   service_goes_on        fifty echo clients find all well
#   start_fault KIND ARG.. peers/faults.py, once it says that the fault is there; end_fault ends it
#   is_calm PID            it took less than a hundredth of a processor over a fifth of a second
#   fds PID, rss_bytes PID, anon_bytes PID, cpu_ns PID

tell() {
    echo "# $*" >&3
}

# ---- the load ----

# Every byte that comes back is compared: status 0 says that all were right.
load_run() {
    local err=$BATS_TEST_TMPDIR/load.err

    FIGURES=$(timeout -k 1 60 "${BEFORE_ALL[@]}" "$SOCKX" echo -j -H 127.0.0.1 -p "$PORT" "$@" 2>"$err") ||
        fail "echo $*: $FIGURES" "$(cat "$err")"
}

figure() {
    local value=${FIGURES##*"\"$1\":"}

    echo "${value%%[,\}]*}"
}

is_at_most() {
    awk -v a="$1" -v b="$2" 'BEGIN { exit !(a + 0 <= b + 0) }'
}

expect_at_most() {
    is_at_most "$1" "$2" || fail "${WHAT:-figure}: $1, at most $2 allowed"
}

# SECONDS: the smallest p99 of up to three, which is BEST_US. Whatever else this machine does can
# only make a round trip longer, never shorter. Every byte must be right each time.
best_p99() {
    local p99

    BEST_US=1000000
    for _ in 1 2 3; do
        load_run --size 1024 --duration "$1" || return 1
        p99=$(figure rtt_p99_us)
        ! is_at_most "$p99" "$BEST_US" || BEST_US=$p99
        ! is_at_most "$BEST_US" 2000 || break
    done
}

# Beside other work each may have to wait for its turn at a processor. That is not the fault's
# doing, nor the server's: where it takes too long, both run before all others (sched(7)).
honest() {
    local BEFORE_ALL=()

    best_p99 "${1:-0.5}" || return 1
    tell "beside ${BATS_TEST_DESCRIPTION}: p99 $BEST_US us"
    if ! is_at_most "$BEST_US" 2000 && chrt -a -f -p 1 "$SERVER_PID" 2>/dev/null; then
        BEFORE_ALL=(chrt -f 1)
        best_p99 "${1:-0.5}" || return 1
        tell "... and before all other work: $BEST_US us"
    fi
    WHAT="p99 of an honest client in us" expect_at_most "$BEST_US" 2000
}

honest_begin() {
    start_job "$SOCKX" echo -j -H 127.0.0.1 -p "$PORT" --size 1024 "$@"
    HONEST_PID=$JOB_PID HONEST_OUT=$JOB_OUT HONEST_ERR=$JOB_ERR
    wait_until 30 has_line "$HONEST_ERR" '"event":"measure.begun"'
}

honest_end() {
    wait_job "$HONEST_PID" 30 || return 1
    FIGURES=$(cat "$HONEST_OUT")
    [ "$JOB_STATUS" -eq 0 ] || fail "echo: $FIGURES" "$(cat "$HONEST_ERR")" || return 1
    tell "beside ${BATS_TEST_DESCRIPTION}: p50 $(figure rtt_p50_us) us, p99 $(figure rtt_p99_us) us"
    WHAT="p99 of an honest client in us" expect_at_most "$(figure rtt_p99_us)" 2000
}

service_goes_on() {
    load_run --connections 50 --count 20 --size 1000 --max-time 10
}

# ---- faults ----

start_fault() {
    start_job "$PYTHON" "$PEERS/faults.py" "$1" "$PORT" "${@:2}"
    FAULT_PID=$JOB_PID FAULT_OUT=$JOB_OUT FAULT_ERR=$JOB_ERR
    wait_until 20 fault_is_there || return 1
    has_line "$FAULT_OUT" '^ready' || fail "faults.py $*:" "$(cat "$FAULT_ERR")"
}

fault_is_there() {
    is_gone "$FAULT_PID" || has_line "$FAULT_OUT" '^ready'
}

# It must have lasted until now, and have gone as it meant to.
end_fault() {
    kill -TERM "$FAULT_PID" ||
        fail "faults.py has left:" "$(cat "$FAULT_OUT" "$FAULT_ERR")" || return 1
    wait_fault
}

wait_fault() {
    wait_job "$FAULT_PID" || return 1
    [ "$JOB_STATUS" -eq 0 ] || fail "faults.py:" "$(cat "$FAULT_OUT" "$FAULT_ERR")"
}

# ---- what the kernel knows of a process ----

fds() {
    local all=(/proc/"$1"/fd/*)

    echo "${#all[@]}"
}

has_fds() {
    [ "$(fds "$1")" -eq "$2" ]
}

# Exact, unlike VmRSS in status, which may be some pages behind for each processor.
rss_bytes() {
    awk '$1 == "Rss:" { print $2 * 1024 }' "/proc/$1/smaps_rollup"
}

anon_bytes() {
    awk '$1 == "Pss_Anon:" { print $2 * 1024 }' "/proc/$1/smaps_rollup"
}

cpu_ns() {
    cat /proc/"$1"/task/*/schedstat | awk '{ sum += $1 } END { printf "%d\n", sum }'
}

is_calm() {
    local before

    before=$(cpu_ns "$1")
    sleep 0.2
    [ $(($(cpu_ns "$1") - before)) -lt 2000000 ]
}

# PID: it takes no processor time at all, for a moment.
is_idle() {
    local before

    before=$(cpu_ns "$1")
    sleep 0.2
    [ "$(cpu_ns "$1")" = "$before" ]
}
