#!/usr/bin/env bats
# bats file_tags=unit
# shellcheck disable=SC2034,SC2153,SC2154 # helpers set variables, and read them
#
# serve -m relay and connect -m relay: each connection joined to one of its own.

load helper
load unix

export BATS_TEST_TIMEOUT=60

# A sockx that serves as the target: its port is TARGET. The server that is started next is the one
# that stop_server ends.
start_target() {
    start_server -H 127.0.0.1 "$@"
    TARGET=$PORT
    TARGET_PID=$SERVER_PID
    TARGET_ERR=$SERVER_ERR
}

# BEHAVIOUR [NUMBER]: the same, of peers/server.py.
start_odd_target() {
    start_script server.py "$@"
    TARGET=$PORT
}

start_relay() {
    start_server -m relay "$@"
    BEFORE=$(descriptors)
}

# What a client gets that sends nothing; its status is in STATUS.
ask() {
    STATUS=0
    SAID=$(sockx connect -N 127.0.0.1 "$PORT" </dev/null 2>/dev/null) || STATUS=$?
}

status_is() {
    [ "$STATUS" -eq "$1" ] || fail "the client's status is $STATUS, not $1"
}

server_said() {
    wait_until has_line "$SERVER_ERR" "$1" || fail "the server said:" "$(cat "$SERVER_ERR")"
}

descriptors() {
    find "/proc/$SERVER_PID/fd" -mindepth 1 -lname 'socket:*' 2>/dev/null | wc -l
}

has_descriptors() {
    [ "$(descriptors)" -eq "$1" ]
}

# Nothing is left of any client.
is_clean() {
    wait_until has_descriptors "$BEFORE" || fail "$(descriptors) sockets, not $BEFORE"
}

MUCH=12582912 # more than the buffers of a connection hold by default: 6 and 4 MiB at most, tcp(7)

# AT [BYTES]: two programs exchange so many (MUCH) both ways by the server.
exchanges() {
    "$PYTHON" "$PEERS/relay.py" client "$1" "${2:-$MUCH}"
    wait_job "$PEER_PID"
    [ "$JOB_STATUS" -eq 0 ] || fail "$(cat "$PEER_ERR")"
}

# ---- what passes ----

@test "12 MiB both ways at once, with pauses, over TCP" {
    start_script relay.py target 0 "$MUCH"
    start_relay --to "127.0.0.1:$PORT"
    exchanges "$PORT"
    is_clean
}

@test "the same by read and write" {
    start_script relay.py target 0 "$MUCH"
    start_relay --no-splice --to "127.0.0.1:$PORT"
    exchanges "$PORT"
}

@test "8 MiB from TCP to a Unix socket, and from a Unix socket to TCP" {
    start_script relay.py target there 8388608
    start_relay --to unix:there
    exchanges "$PORT" 8388608
    start_script relay.py target 0 8388608
    start_unix_server here -m relay --to "tcp://127.0.0.1:$PORT"
    exchanges here 8388608
}

@test "two relays in a row" {
    start_script relay.py target 0 "$MUCH"
    start_relay --to "127.0.0.1:$PORT"
    start_relay --to "127.0.0.1:$PORT"
    exchanges "$PORT"
}

@test "sequenced packets stay whole" {
    start_unix_server there --seqpacket -m echo
    start_unix_server here --seqpacket -m relay --to unix-seqpacket:there
    sockx connect -N --delay 1ms --seqpacket -U here < <(printf 'one\n\ntwo\n') >out
    [ "$(cat out)" = $'one\n\ntwo' ]
}

@test "1,000 connections at once" {
    start_target -m echo
    start_relay --to "127.0.0.1:$TARGET"
    start_job "$PYTHON" "$PEERS/idle.py" "$PORT" 1000 64
    wait_until 20 has_line "$JOB_OUT" ready
    [ "$(descriptors)" -eq $((BEFORE + 2000)) ]
    kill "$JOB_PID"
    is_clean
}

@test "few descriptors: clients wait for their turn, and nothing spins" {
    start_target -m echo
    LAUNCHER=(prlimit --nofile=24:24)
    start_relay --to "127.0.0.1:$TARGET"
    run -0 "$PYTHON" "$PEERS/crew.py" whole "$PORT" 40 100000
    [ "$output" = "ready $PORT" ] || fail "$output"
    read -r _ _ _ _ _ _ _ _ _ _ _ _ _ user system _ <"/proc/$SERVER_PID/stat"
    [ $((user + system)) -lt 100 ]
}

# ---- datagrams ----

@test "datagrams: 50 peers, each with a session of its own" {
    start_target -u -m echo
    start_relay -u --to "udp://127.0.0.1:$TARGET"
    "$PYTHON" "$PEERS/udp_load.py" 127.0.0.1 "$PORT" 50 40 4 1200
    [ "$(descriptors)" -eq $((BEFORE + 50)) ]
}

@test "datagrams: the first ones wait until the name is looked up, and empty ones are some" {
    start_target -u -v -m echo
    start_relay -u --to "udp://localhost:$TARGET"
    "$PYTHON" "$PEERS/udp_load.py" 127.0.0.1 "$PORT" 20 1 1 100
    "$PYTHON" "$PEERS/udp_client.py" empty 127.0.0.1 "$PORT"
}

@test "datagrams: UDP to a Unix socket, and back" {
    start_unix_server there -u -m echo
    start_relay -u --to unix-datagram:there
    "$PYTHON" "$PEERS/udp_load.py" 127.0.0.1 "$PORT" 5 20 1 1000
    start_target -u -m echo
    start_unix_server here -u -m relay --to "udp://127.0.0.1:$TARGET"
    [ "$(sockx echo -u -U here hello)" = hello ]
}

@test "datagrams: a peer that is silent for -i is forgotten" {
    start_target -u -m echo
    start_relay -u -i 200ms --to "udp://127.0.0.1:$TARGET"
    "$PYTHON" "$PEERS/udp_load.py" 127.0.0.1 "$PORT" 10 2 1 100
    is_clean
}

@test "datagrams: a target that refuses is told, and tried again for the next one" {
    free_port
    TARGET=$PORT
    start_relay -v -u --to "udp://127.0.0.1:$TARGET"
    "$PYTHON" "$PEERS/udp_client.py" send 127.0.0.1 "$PORT" one
    server_said "^1: .* lost after 3 bytes .*: cannot reach 127\\.0\\.0\\.1:$TARGET: Connection refused\$"
    is_clean
    start_job "$SOCKX" serve -u -m echo -H 127.0.0.1 -p "$TARGET"
    wait_until has_line "$JOB_ERR" '^listening'
    "$PYTHON" "$PEERS/udp_load.py" 127.0.0.1 "$PORT" 1 2 1 100
}

# HOST: two relays, each the other's target. A datagram goes to and fro until its hops are used up.
dies_out() {
    local at=$1 second

    [[ $1 != *:* ]] || at="[$1]"
    free_port
    second=$PORT
    start_relay -u -v -H "$1" --to "udp://$at:$second"
    start_job "$SOCKX" serve -u -v -m relay -H "$1" -p "$second" --to "udp://$at:$PORT"
    wait_until has_line "$JOB_ERR" '^listening'
    sockx connect -u -q 0 "udp://$at:$PORT" <<<once
    wait_until grep -q 'dropped: not passed on: hop limit reached' "$SERVER_ERR" "$JOB_ERR" ||
        fail "$(cat "$SERVER_ERR" "$JOB_ERR" | wc -l) lines, and no end"
    equal "$(cat "$SERVER_ERR" "$JOB_ERR" | grep -c ' connected')" 64
    kill "$JOB_PID"
}

@test "two relays of datagrams that target each other: what goes round dies out" {
    dies_out 127.0.0.1
    dies_out ::1
    dies_out ::ffff:127.0.0.1
}

@test "datagrams: what comes from the target itself is not passed on to it" {
    start_job "$PYTHON" -c 'import socket, sys
sock = socket.socket(type=socket.SOCK_DGRAM)
sock.bind(("127.0.0.1", 0))
print(sock.getsockname()[1], flush=True)
sock.sendto(b"ball", ("127.0.0.1", int(sys.stdin.readline())))
while True:
    data, sender = sock.recvfrom(100)
    print(data, flush=True)
    sock.sendto(data, sender)' < <(until [ -s port ]; do sleep 0.01; done; cat port)
    wait_until has_line "$JOB_OUT" '^[0-9]'
    start_relay -v -u --to "udp://127.0.0.1:$(cat "$JOB_OUT")"
    echo "$PORT" >port
    server_said '^1: .* lost after 4 bytes received, 0 sent: sent away: it is the target itself'
    is_clean
    run ! grep -q ball "$JOB_OUT"
}

@test "datagrams: of too many peers the oldest make room" {
    start_target -u -m echo
    LAUNCHER=(prlimit --nofile=24:24)
    start_relay -u --to "udp://127.0.0.1:$TARGET"
    for _ in {1..20}; do
        "$PYTHON" "$PEERS/udp_client.py" turns 127.0.0.1 "$PORT" a
    done
}

# ---- ends ----

@test "the client's end is passed on at once, and the answer still comes" {
    start_odd_target store_slowly 300
    start_relay --to "127.0.0.1:$TARGET"
    [ "$(printf 'a question' | sockx connect -N 127.0.0.1 "$PORT")" = "a question" ]
    is_clean
}

@test "the target's end is passed on, and it still gets what the client sends" {
    SERVER_TO=got start_target <<<"welcome"
    unset SERVER_TO
    start_relay --to "127.0.0.1:$TARGET"
    (sleep 0.3; echo late) | sockx connect --no-shutdown 127.0.0.1 "$PORT" >out
    [ "$(cat out)" = welcome ]
    SERVER_PID=$TARGET_PID SERVER_ERR=$TARGET_ERR
    wait_server
    [ "$(cat got)" = late ]
}

@test "a target that resets in the middle: the client gets what came, and a reset" {
    for behaviour in "reset_sending 20000" "reset_receiving 10" "reset_answering 10"; do
        # shellcheck disable=SC2086 # words
        start_odd_target $behaviour
        start_relay -v --to "127.0.0.1:$TARGET"
        STATUS=0
        head -c 3000000 /dev/zero | sockx connect 127.0.0.1 "$PORT" >out 2>err || STATUS=$?
        [ "$STATUS" -eq 4 ] || fail "$behaviour: $STATUS $(cat err)"
        server_said '^1: .* lost after .*: connection with 127\.0\.0\.1:.* lost after '
        [[ $behaviour != reset_sending* ]] || [ "$(stat -c %s out)" -eq 20000 ]
        is_clean
        stop_server
    done
}

@test "a client that resets: the target gets what came, and a reset" {
    SERVER_TO=got start_target
    unset SERVER_TO
    start_relay --to "127.0.0.1:$TARGET"
    "$PYTHON" "$PEERS/client.py" reset_sending "$PORT" 100000 2>/dev/null
    SERVER_PID=$TARGET_PID SERVER_ERR=$TARGET_ERR
    wait_server
    [ "$SERVER_STATUS" -eq 4 ]
}

@test "clients that vanish at any point leave nothing" {
    start_target -m source
    start_relay --to "127.0.0.1:$TARGET"
    "$PYTHON" "$PEERS/crew.py" vanish "$PORT" 60 3 # the others would hear an endless source
    is_clean
}

@test "a target that is killed while clients send: each gets a reset" {
    start_job "$SOCKX" serve -m discard -H 127.0.0.1 -p 0
    target=$JOB_PID
    wait_until has_line "$JOB_ERR" '^listening'
    start_relay --to "$(sed -nE 's/^listening on ([0-9.:]+) .*/\1/p' "$JOB_ERR")"
    clients=()
    for _ in 1 2 3; do
        start_job "$SOCKX" connect --send-only 127.0.0.1 "$PORT" </dev/zero
        clients+=("$JOB_PID")
    done
    wait_until has_descriptors $((BEFORE + 6))
    kill -KILL "$target"
    for client in "${clients[@]}"; do
        wait_job "$client"
        [ "$JOB_STATUS" -eq 4 ]
    done
    is_clean
}

@test "a client that is silent for -i is closed, and its target with it" {
    start_target -m echo
    start_relay -i 300ms --to "127.0.0.1:$TARGET"
    timed sockx connect --recv-only 127.0.0.1 "$PORT"
    took_between 300 1900
    is_clean
}

# ---- targets that are not there ----

@test "a target that is down: the client is reset, it is told, and the server serves on" {
    free_port
    TARGET=$PORT
    start_relay --to "127.0.0.1:$TARGET"
    ask
    status_is 4
    server_said "^1: cannot connect to 127\\.0\\.0\\.1:$TARGET: Connection refused\$"
    is_clean
    SERVER_PORT=$TARGET start_server -H 127.0.0.1 -m greet
    PORT=$(sed -nE 's/^listening on 127.*:([0-9]+) .*relay.*/\1/p' "$BATS_TEST_TMPDIR"/server1.err)
    ask
    [[ $SAID == welcome* ]] || fail "$SAID"
}

@test "the same with -j, and over a Unix socket" {
    start_unix_server here -j -m relay --to unix:nowhere
    STATUS=0
    echo hello | sockx connect -U here >/dev/null 2>&1 || STATUS=$?
    status_is 4
    server_said '"event":"conn.not_joined","conn":1,"reason":"cannot connect to unix:nowhere: No such file or directory"'
}

@test "a black hole: the client is reset after -w" {
    start_script server.py black_hole
    TARGET=$PORT
    start_relay -w 300ms --to "127.0.0.1:$TARGET"
    timed ask
    status_is 4
    took_between 300 2000
    server_said '^1: .* within 300 ms'
    is_clean
}

threads() {
    find "/proc/$SERVER_PID/task" -mindepth 1 -maxdepth 1 | wc -l
}

@test "a name is looked up once for all clients that wait for it" {
    start_target -m echo
    slow_names
    start_relay --to "after1000ms.127.0.0.1:$TARGET"
    start_job "$PYTHON" "$PEERS/idle.py" "$PORT" 1000 64 1000
    wait_until has_descriptors $((BEFORE + 1000)) || fail "$(descriptors) sockets"
    [ "$(threads)" -eq 2 ]
    wait_until 20 has_line "$JOB_OUT" ready
    kill "$JOB_PID"
    is_clean
}

@test "clients that have left leave no look-ups to a name server that is silent" {
    slow_names
    start_relay -w 100ms --to after20000ms.unknown:1
    for _ in 1 2 3; do
        ask
        status_is 4
        server_said '^[123]: .*cannot look up .* within 100 ms'
    done
    [ "$(threads)" -eq 2 ]
}

@test "a client that leaves while its target is awaited is let go" {
    start_script server.py black_hole
    TARGET=$PORT
    start_relay --to "127.0.0.1:$TARGET"
    "$PYTHON" "$PEERS/client.py" reset_early "$PORT" 3 2>/dev/null
    is_clean
}

@test "a name whose first address is dead, and the next --to where one is down" {
    start_target -m greet
    free_port
    start_relay -v --to "127.0.0.1:$PORT" --to "localhost:$TARGET"
    PORT=$(sed -nE 's/^listening on 127.*:([0-9]+) .*/\1/p' "$SERVER_ERR")
    ask
    [[ $SAID == welcome* ]] || fail "$SAID"
    status_is 0
    server_said "^1: joined to 127\\.0\\.0\\.1:$TARGET \\(tcp\\)\$"
}

@test "the target is called from --to-source" {
    start_target -v -m greet
    start_relay --to "127.0.0.1:$TARGET" --to-source 127.0.0.77
    ask
    has_line "$TARGET_ERR" '^1: 127\.0\.0\.77:'
}

# ---- the server's own end ----

@test "--once: the status is 0 where all has gone, and 4 where the target was lost" {
    start_target -m echo
    start_relay --once --to "127.0.0.1:$TARGET"
    [ "$(echo hello | sockx connect -N 127.0.0.1 "$PORT")" = hello ]
    wait_server
    [ "$SERVER_STATUS" -eq 0 ]
    start_odd_target reset_sending 1000
    start_relay --once --to "127.0.0.1:$TARGET"
    ask
    status_is 4
    wait_server
    [ "$SERVER_STATUS" -eq 4 ]
}

@test "a server that stops resets none" {
    start_target -v -m echo
    start_relay --to "127.0.0.1:$TARGET"
    start_job "$PYTHON" "$PEERS/idle.py" "$PORT" 5 64
    wait_until has_line "$JOB_OUT" ready
    timed stop_server
    took_between 0 1000
    [ "$SERVER_STATUS" -eq 0 ]
    wait_until has_line "$TARGET_ERR" '^5: .* done, '
    run ! has_line "$TARGET_ERR" ' lost '
}

# ---- the client of two servers ----

# What two servers get from each other by a client; its options in WITH.
joins() {
    random_file one 3000000
    random_file two 2000000
    SERVER_TO=got2 start_server "$@" <one
    first=$PORT first_pid=$SERVER_PID first_err=$SERVER_ERR
    SERVER_TO=got1 start_server "$@" <two
    run -0 sockx connect "${WITH[@]}" -m relay "127.0.0.1:$first" --to "127.0.0.1:$PORT"
    wait_server
    SERVER_PID=$first_pid SERVER_ERR=$first_err
    wait_server
    same_bytes one got1
    same_bytes two got2
}

@test "connect -m relay: two servers, joined both ways" {
    WITH=()
    joins -H 127.0.0.1
    WITH=(--no-splice)
    joins -H 127.0.0.1
}

@test "connect -m relay: the status tells which side failed, and how" {
    free_port
    TARGET=$PORT
    start_server -H 127.0.0.1 -m echo
    run -7 sockx connect -m relay "127.0.0.1:$PORT" --to "127.0.0.1:$TARGET"
    [ "${lines[0]}" = "sockx: cannot connect to 127.0.0.1:$TARGET: Connection refused" ]
    run -7 sockx connect -m relay "127.0.0.1:$TARGET" --to "127.0.0.1:$PORT"
    near=$PORT
    start_odd_target reset_sending 1000
    run -4 sockx connect -m relay "127.0.0.1:$near" --to "127.0.0.1:$TARGET"
    [[ ${lines[0]} == "sockx: connection with 127.0.0.1:$TARGET lost after "* ]]
    run -4 sockx connect -m relay "127.0.0.1:$TARGET" --to "127.0.0.1:$near"
    run -2 sockx connect -m relay "127.0.0.1:$near"
    [ "${lines[0]}" = "sockx: mode relay needs an address to connect to" ]
}

# ---- what cannot be meant ----

@test "a relay needs a target that it can join its clients to" {
    run -2 sockx serve -p 0 -m relay
    [ "${lines[0]}" = "sockx: mode relay needs an address to connect to" ]
    run -2 sockx serve -p 0 -m relay --to 9000
    [ "${lines[0]}" = "sockx: '9000' is a port without a host" ]
    run -2 sockx serve -p 0 -m relay --to http://example.org/
    [[ ${lines[0]} == "sockx: address 'http://example.org/' is a URL of another kind" ]]
    run -2 sockx serve -p 0 -m relay --to localhost:80 --to udp://localhost:53
    [ "${lines[0]}" = "sockx: mode relay cannot join a stream to datagrams" ]
    run -2 sockx serve -p 0 -m relay --to unix-seqpacket:x
    [ "${lines[0]}" = "sockx: mode relay cannot join a stream to packets" ]
    run -2 sockx serve -p 0 --to localhost:80
    [ "${lines[0]}" = "sockx: '--to' belongs to mode relay, not to mode pipe" ]
    run -2 sockx serve -p 0 -n -m relay --to localhost:80
    [[ ${lines[0]} == "sockx: 'localhost' is a name"* ]]
    run -2 sockx serve -p 0 -m relay --to localhost:80 --to-source nowhere
    [ "${lines[0]}" = "sockx: 'nowhere' is not an address to connect from" ]
}

@test "a relay is not its own target" {
    free_port
    for to in "127.0.0.1:$PORT" "localhost:$PORT" "[::1]:$PORT"; do
        run -2 sockx serve -p "$PORT" -m relay --to "$to"
        [ "${lines[0]}" = "sockx: '--to $to' is where this server listens itself" ] || fail "$to: $output"
        run -2 sockx serve -u -p "$PORT" -H 0.0.0.0 -H :: -m relay --to "udp://$to"
    done
    run -2 sockx serve -U here -m relay --to unix:here
    SERVER_PORT=$PORT start_relay -H 127.0.0.2 --to "127.0.0.1:$PORT" # another address
}

@test "only this machine may come, unless an address is named" {
    start_relay --to localhost:80
    has_line "$SERVER_ERR" '^listening on 127\.0\.0\.1:'
    run ! has_line "$SERVER_ERR" '^listening on 0\.0\.0\.0:'
    stop_server
    start_relay -H 0.0.0.0 --to localhost:80
    has_line "$SERVER_ERR" '^listening on 0\.0\.0\.0:'
}
