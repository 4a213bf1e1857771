#!/usr/bin/env bats
# bats file_tags=once
#
# --trace shows the calls that were made: peers/trace_calls.py compares them with what strace saw of the same run, call
# for call and result for result.
#
#   both_client STATUS ARG...   a client that both watch ends so
#   both_server ARG...          a server of ours on 127.0.0.1; unix PATH ARG...: on a Unix socket
#   equals, server_equals       its trace is what strace saw

# shellcheck disable=SC2034,SC2154 # helper reads; run sets output, stderr and status
load helper
load tls

setup() {
    exec </dev/null
    cd "$BATS_TEST_TMPDIR" || return
    strace -D -qq -o /dev/null true 2>strace.err || skip "strace cannot attach: $(head -n 1 strace.err)"
    # LeakSanitizer, where it is built in, cannot work beside strace.
    export ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0
    STRACE=(strace -D -f -qq -s 64 -e 'trace=network,close' -e signal=none -o)
}

# NAME FUNCTION... [-- FD...]: what strace saw in NAME.calls is in NAME.err, and some of it is of those functions. The
# run inherits the sockets FD.
equals() {
    local name=$1 function functions=()

    shift
    while [ $# -gt 0 ] && [ "$1" != -- ]; do
        functions+=("$1")
        shift
    done
    run "$PYTHON" "$PEERS/trace_calls.py" "$name.calls" "$name.err" "${@:2}"
    expect_status 0
    for function in "${functions[@]}"; do
        [[ "$output " == *" $function "* ]] || fail "no $function in: $output" "$(cat "$name.calls")"
    done
}

# STATUS ARG...: a client ends so.
both_client() {
    local status=0

    timeout -k 1 20 "${STRACE[@]}" client.calls "$SOCKX" "$2" --trace=json "${@:3}" >client.out 2>client.err <&0 || status=$?
    [ "$status" = "$1" ] || fail "status $status, expected $1" "$(cat client.err)"
}

# ARG...: a server on 127.0.0.1, or on a socket of [unix PATH].
both_server() {
    LAUNCHER=("${STRACE[@]}" server.calls)
    if [ "$1" = unix ]; then
        start_unix_server "$2" --trace=json "${@:3}"
    else
        start_server -H 127.0.0.1 --trace=json "$@"
    fi
    LAUNCHER=()
}

# FUNCTION... [-- FD...]: it ends, and equals.
server_equals() {
    is_gone "$SERVER_PID" || stop_server
    cp "$SERVER_ERR" server.err
    equals server "$@"
}

@test "an echo client over TCP, IPv4 and IPv6" {
    start_server -m echo
    both_client 0 echo -H 127.0.0.1 -p "$PORT" hello
    equals client socket setsockopt connect getpeername getsockname send recv shutdown close
    both_client 0 echo -H ::1 -p "$PORT" $'h\xe9llo \\ "x"\t'
    equals client socket connect send recv shutdown close
    both_client 0 echo -H 127.0.0.1 -p "$PORT" --count 3 --interval 1ms --size 500
    equals client connect send recv close
    both_client 0 echo -H 127.0.0.1 -p "$PORT" --connections 3 --count 5 --window 4 --size 32
    equals client connect send recv close
}

@test "an echo server with two clients, on all addresses" {
    both_server -m echo -H ::1
    equal "$(sockx echo -H 127.0.0.1 -p "$PORT" one)" one
    equal "$(sockx echo -H ::1 -p "$PORT" two)" two
    server_equals socket bind listen getsockname accept recv send shutdown close
}

@test "a connection that is refused" {
    free_port
    both_client 7 connect 127.0.0.1 "$PORT"
    equals client socket connect close
    both_client 7 connect ::1 "$PORT" --ttl 9 --dscp ef --rcvbuf 64k --sndbuf 64k --keepalive 5s
    equals client socket setsockopt connect close
}

@test "UDP, client and server" {
    both_server -u -m echo
    both_client 0 echo -u -H 127.0.0.1 -p "$PORT" hello
    equals client socket connect send recv close
    both_client 0 echo -u -H 127.0.0.1 -p "$PORT" --count 3 --interval 1ms
    equals client connect close
    both_client 0 echo -u -H 127.0.0.1 -p "$PORT" -s 127.0.0.9 ''
    equals client bind
    server_equals socket setsockopt bind recvmsg sendmsg close
    free_port
    both_client 7 echo -u -H 127.0.0.1 -p "$PORT" hello
    equals client connect
}

@test "Unix sockets of each kind, client and server" {
    local how

    for how in "" --seqpacket -u; do
        # shellcheck disable=SC2086 # none, or one
        both_server unix "$PWD/at" $how -m echo
        # shellcheck disable=SC2086
        both_client 0 echo -U at $how hello
        equal "$(cat client.out)" hello
        equals client socket connect close
        server_equals socket bind close
    done
    both_server unix "@sockx-calls-$$" -m echo
    both_client 0 connect -N -U "@sockx-calls-$$" <<<"hello"
    equals client connect
    server_equals bind accept recvmsg send
}

@test "greet and analyze, client and server" {
    both_server -m greet
    both_client 0 greet -H 127.0.0.1 -p "$PORT" Ada
    equals client connect send shutdown recv
    server_equals accept recv send shutdown
    both_server -m analyze
    both_client 0 analyze -H 127.0.0.1 -p "$PORT" a word is a word
    equals client connect send shutdown recv
    server_equals accept recv send shutdown
}

@test "chat with two clients" {
    held_input
    both_server -m chat <"$INPUT"
    coproc first { exec "$SOCKX" connect -m chat 127.0.0.1 "$PORT" 3>&-; }
    echo one >&"${first[1]}"
    wait_until has_line "$SERVER_OUT" 'one$'
    sockx connect -m chat 127.0.0.1 "$PORT" < <(printf 'two\nbye\n') >second.out
    wait_until has_line "$SERVER_OUT" 'two$'
    echo three >&"$HELD"
    read -r -u "${first[0]}" _
    read -r -u "${first[0]}" said
    equal "$said" three
    echo bye >&"${first[1]}"
    wait_until has_line "$SERVER_ERR" '"function":"close","fd":[0-9]*,"result":0,"before":"[A-Z_]*"'
    server_equals accept recv send shutdown close
}

@test "a half-close, by either side" {
    start_server -m discard -H 127.0.0.1
    both_client 0 connect --shutdown now 127.0.0.1 "$PORT" <<<"hello"
    equals client send shutdown recv
    stop_server
    both_server -k
    sockx connect -N 127.0.0.1 "$PORT" <<<"hello"
    server_equals accept recv shutdown
}

@test "a reset by the peer" {
    start_script server.py reset_sending 10
    both_client 4 connect 127.0.0.1 "$PORT" <<<"hello"
    equals client connect recv
    both_server -m echo
    start_script client.py reset_sending "$PORT" 100000
    wait_until has_line "$SERVER_ERR" ECONNRESET
    server_equals accept recv close
}

@test "all places are taken" {
    both_server -m echo --max-conns 1
    "$PYTHON" -c 'import socket, sys
both = [socket.create_connection(("127.0.0.1", int(sys.argv[1])), 10) for _ in range(2)]
for one in both:
    one.sendall(b"x")
    assert one.recv(1) == b"x"
    one.close()' "$PORT"
    server_equals accept recv send
}

@test "a socket that was handed over" {
    "$PYTHON" "$PEERS/starter.py" tcp -- "$(type -P strace)" "${STRACE[@]:1}" server.calls \
        "$SOCKX" serve -m echo --trace=json >out 2>handed.err 3>&- &
    account_for_server $! "$PWD/handed.err"
    wait_until is_announced "$SERVER_PID" handed.err
    port_in handed.err '^ready (.*)$'
    equal "$(sockx echo -H 127.0.0.1 -p "$PORT" hello)" hello
    server_equals getsockopt getsockname accept recv send -- 3
}

@test "a scan of ports" {
    start_server -m echo -H 127.0.0.1
    both_client 1 connect -z 127.0.0.1,::1 "$PORT,1-3"
    equals client socket connect close
}

# bats test_tags=tls
@test "TLS, client and server" {
    LAUNCHER=("${STRACE[@]}" server.calls)
    serve_tls -m echo --trace=json
    LAUNCHER=()
    both_client 0 echo "${TO[@]}" hello
    equals client connect send recv
    server_equals accept send recv
}

@test "relay, exec and collect" {
    local target

    start_server -m echo -H 127.0.0.1
    target=$PORT
    both_server -m relay --to 127.0.0.1:"$target"
    equal "$(sockx echo -H 127.0.0.1 -p "$PORT" hello)" hello
    server_equals accept connect send recv shutdown
    both_server -m exec -- cat
    equal "$(sockx echo -H 127.0.0.1 -p "$PORT" hello)" hello
    server_equals accept send recv shutdown
    both_server -m collect
    sockx connect -q 0 127.0.0.1 "$PORT" <<<"hello"
    wait_until has_line "$SERVER_OUT" hello
    server_equals accept recv
}
