#!/usr/bin/env bats
# bats file_tags=unit
# shellcheck disable=SC2030,SC2031,SC2154 # tests are processes; helper and run set variables
#
# `serve --mode broker`: what one client sends goes to all others. `--broker` of ncat's public tests
# (ncat/test/ncat-test.pl: "--broker mode (tcp)", "IPV4 and IPV6 clients can talk to each other") is
# restated here. What unit tests show on scripted peers is in tests/unit/mode/test_broker.c.

load helper
load unix
load measure

export BATS_TEST_TIMEOUT=60
WAY=() # to get there, other than by TCP over IPv4

start_broker() {
    start_server -m broker -v -H 127.0.0.1 "$@"
}

# STEP...: see peers/room.py.
members() {
    timeout -k 1 30 "$PYTHON" "$PEERS/room.py" "${WAY[@]}" "$PORT" "$SERVER_ERR" "$@"
}

# ---- who hears what ----

@test "as in ncat's test, each of two clients hears the other" {
    start_broker
    members join:a join:b 'says:b:abc\n' 'hears:a:abc\n' 'says:a:abc\n' 'hears:b:abc\n' quiet:a quiet:b
}

@test "clients over IPv4 and IPv6 hear each other" {
    start_server -m broker -v
    start_job "$SOCKX" connect --recv-only -H ::1 -p "$PORT"
    wait_until has_line "$SERVER_ERR" '^1: .* connected$'
    echo abc | "$SOCKX" connect --send-only -H 127.0.0.1 -p "$PORT"
    wait_until has_line "$JOB_OUT" '^abc$'
}

@test "bytes are passed on as they are, and not to the one that sent them" {
    start_broker
    members join:a join:b join:c 'says:a:\x00\x1b[2J\xff\xfe\r' 'hears:b:\x00\x1b[2J\xff\xfe\r' \
        'hears:c:\x00\x1b[2J\xff\xfe\r' quiet:a
}

@test "ncat's clients are members like others" {
    start_broker
    start_job ncat --recv-only 127.0.0.1 "$PORT"
    wait_until has_line "$SERVER_ERR" '^1: .* connected$'
    echo abc | ncat --send-only 127.0.0.1 "$PORT"
    wait_until has_line "$JOB_OUT" '^abc$'
}

@test "over a Unix socket" {
    start_unix_server at -m broker -v
    WAY=(--unix) PORT=at
    members join:a join:b says:a:one hears:b:one says:b:two hears:a:two
}

@test "over sequenced packets each is passed on whole" {
    start_unix_server at --seqpacket -m broker -v
    WAY=(--packets) PORT=at
    members join:a join:b join:c says:a:one says:a:two hears:b:one hears:b:two \
        hears:c:one hears:c:two
}

# ---- who leaves ----

@test "a client that has ended still hears, until it closes" {
    start_broker
    members join:a join:b done:a 'says:b:one\n' 'hears:a:one\n' 'says:b:two\n' 'hears:a:two\n' \
        leaves:a 'says:b:three\n' 'told:^1: .* done' quiet:b
}

@test "over a Unix socket it is seen at once that a client has closed" {
    start_unix_server at -m broker -v
    WAY=(--unix) PORT=at
    members join:a join:b leaves:a 'told:^1: .* done' says:b:alone quiet:b
}

@test "a client that is reset, and one that is silent, concern no other" {
    start_broker -i 700ms
    members join:a join:b join:c resets:a 'told:^1: .* lost' 'says:b:one\n' 'hears:c:one\n' \
        ends:b ends:c 'told:^2: .* silent' 'told:^3: .* silent'
}

@test "--once ends when its one client has" {
    start_broker -1
    members join:a 'says:a:alone\n' done:a ends:a
    wait_server
    equal "$SERVER_STATUS" 0
}

# ---- those that do not read ----

@test "a report of what was missed has the address, and its host and port" {
    start_server -m broker -j --slow drop -H 127.0.0.1
    start_job "$PYTHON" -c 'import socket, sys, time
client = socket.socket()
client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
client.connect(("127.0.0.1", int(sys.argv[1])))
time.sleep(50)' "$PORT"
    wait_until has_line "$SERVER_ERR" '"event":"conn.opened"'
    head -c 8000000 /dev/zero | "$SOCKX" connect --send-only 127.0.0.1 "$PORT"
    wait_until has_line "$SERVER_ERR" \
        '"event":"conn.missed","conn":1,"address":"127.0.0.1:[0-9]+","host":"127.0.0.1","port":[0-9]+,"count":1'
    kill "$JOB_PID" # or the server would wait for it to read
}

# PID: the most memory it has had.
peak_bytes() {
    awk '/^VmHWM/ { print $2 * 1024 }' "/proc/$1/status"
}

# SLOW MEMBERS RATE SECONDS: see peers/brokered.py. What else this machine does can only make it take
# longer, so the best of up to three counts.
converse() {
    for _ in 1 2 3; do
        start_server -m broker -v -H 127.0.0.1 --slow "$1"
        run -0 timeout -k 1 50 "$PYTHON" "$PEERS/brokered.py" "$PORT" "$SERVER_ERR" "${@:2}"
        tell "broker, $2 members, one of which never reads, $3 messages a second: 99 %, longest: $output ms"
        WHAT='peak of memory (bytes)' expect_at_most "$(peak_bytes "$SERVER_PID")" $((8 << 20))
        if is_at_most "${output% *}" 250; then
            return
        fi
        stop_server
    done
    fail "99 % took ${output% *} ms, at most 250 allowed"
}

# bats test_tags=load
@test "200 members, of which one never reads and is closed: each of the others hears all at once" {
    converse close 200 100 1
    wait_until has_line "$SERVER_ERR" '^1: .* lost .* sent away: it does not read what others send$'
}

# bats test_tags=load
@test "200 members, of which one never reads and is kept: each of the others hears all at once" {
    converse drop 200 100 1
    wait_until has_line "$SERVER_ERR" '^1: .* missed what others sent: it does not read \([0-9]+ so far\)$'
}

# bats test_tags=load
@test "500 members" {
    converse drop 500 20 1
}
