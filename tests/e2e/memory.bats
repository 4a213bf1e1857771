#!/usr/bin/env bats
# bats file_tags=long
# shellcheck shell=bash disable=SC2034,SC2154 # helper reads; run sets output
# serve --max-memory: what clients make a server hold, all of them together.

load helper

# LIMIT MODE: a server; its own few megabytes are not among them.
start() {
    start_server -H 127.0.0.1 -m "$2" --max-memory "$1" "${@:3}"
}

# KIND COUNT BYTES [REFUSED]: clients that hold on until they are to leave, and so many are answered.
hoard() {
    held_input
    start_script hoard.py "$1" "$PORT" "${@:2}" <"$INPUT"
}

# They leave: REFUSED of them were told a reason.
leave() {
    exec {HELD}>&-
    wait_job "$PEER_PID"
    REFUSED=$(sed -n 's/^refused //p' "$PEER_OUT")
}

# COUNT: so many have been sent away.
has_sent_away() {
    [ "$(grep -c "sent away: the server's memory limit is reached" "$SERVER_ERR")" -ge "$1" ]
}

# MEBIBYTES: the most that the server has had.
had_at_most() {
    local kib

    kib=$(awk '/^VmHWM/ { print $2 }' "/proc/$SERVER_PID/status")
    echo "at most $kib KiB" >&2
    [ "$kib" -lt $(($1 * 1024)) ] || fail "$kib KiB"
}

@test "past --max-memory the largest texts are refused, and a small one is counted" {
    start 32M analyze -v
    hoard words 6 2000000
    run sockx analyze -H 127.0.0.1 -p "$PORT" hello
    expect_status 0
    [[ $output == *'hello 1'* ]]
    wait_until has_sent_away 4
    had_at_most 48
    leave
    [ "$REFUSED" -ge 4 ]
}

@test "past --max-memory names without an end are refused, and others greeted" {
    start 8M greet
    hoard name 400 65000
    run sockx greet -H 127.0.0.1 -p "$PORT" Ada
    expect_status 0
    [ "$output" = 'welcome Ada' ]
    had_at_most 16
    leave
    [ "$REFUSED" -ge 250 ]
}

@test "a client that alone is past --max-memory gets its reason; without one it is a quarter of RLIMIT_AS" {
    start 1M analyze -v
    # These read their reason, and are not waited for as those above that do not.
    hoard words 1 500000 1
    leave
    [ "$REFUSED" = 1 ]
    wait_until has_sent_away 1
    LAUNCHER=(prlimit --as=60000000)
    start_server -H 127.0.0.1 -m analyze -v
    hoard words 3 2000000 2
    run sockx analyze -H 127.0.0.1 -p "$PORT" hello
    expect_status 0
    leave
    [ "$REFUSED" -ge 2 ]
    wait_until has_sent_away 2
    had_at_most 24
}
