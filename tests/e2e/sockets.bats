# shellcheck disable=SC2030,SC2031,SC2034,SC2154 # tests are processes; helper reads; run sets output
# bats file_tags=unit
#
# What is asked of sockets: --ttl, --dscp, --rcvbuf, --sndbuf, --keepalive and --interface.

load helper
load unix

export BATS_TEST_TIMEOUT=60

# ARG...: all calls that --trace shows of a client go to CALLS.
calls_of_client() {
    run --separate-stderr sockx connect --trace "$@" </dev/null
    CALLS=$stderr
}

has_call() {
    [[ $CALLS == *"setsockopt("+([0-9])", $1) = 0"* ]] || fail "no call '$1' in: $CALLS"
}

@test "--trace shows every option that was asked for, TCP" {
    shopt -s extglob
    start_server -m echo -H 127.0.0.1
    calls_of_client --ttl 9 --dscp af21 --rcvbuf 8K --sndbuf 9K --keepalive 60 --interface lo 127.0.0.1 "$PORT"
    expect_status 0
    has_call 'IPPROTO_IP, IP_TTL, 9'
    has_call 'IPPROTO_IP, IP_TOS, 72'
    has_call 'SOL_SOCKET, SO_RCVBUF, 8192'
    has_call 'SOL_SOCKET, SO_SNDBUF, 9216'
    has_call 'SOL_SOCKET, SO_KEEPALIVE, 1'
    has_call 'IPPROTO_TCP, TCP_KEEPIDLE, 30'
    has_call 'IPPROTO_TCP, TCP_KEEPINTVL, 10'
    has_call 'IPPROTO_TCP, TCP_KEEPCNT, 3'
    has_call 'SOL_SOCKET, SO_BINDTODEVICE, lo'
}

@test "--trace shows every option that was asked for, UDP over IPv6" {
    shopt -s extglob
    start_server -u -m echo -H ::1
    calls_of_client -u -q 0.1 --ttl 9 --dscp ef --rcvbuf 8K --sndbuf 9K ::1 "$PORT"
    expect_status 0
    has_call 'IPPROTO_IPV6, IPV6_UNICAST_HOPS, 9'
    has_call 'IPPROTO_IPV6, IPV6_TCLASS, 184'
    has_call 'SOL_SOCKET, SO_RCVBUF, 8192'
    has_call 'SOL_SOCKET, SO_SNDBUF, 9216'
}

@test "every command has them, and they do no harm" {
    start_server -m echo --ttl 64 --dscp le --rcvbuf 64K --sndbuf 64K --keepalive 10 --interface lo
    run --separate-stderr sockx echo -p "$PORT" --ttl 64 --dscp 8 --rcvbuf 64K --keepalive 0 'Hello, world'
    expect_status 0
    equal "$output" "Hello, world"
    stop_server
    start_server -m greet --ttl 64
    run --separate-stderr sockx greet -p "$PORT" --sndbuf 64K
    expect_status 0
    stop_server
    start_server -m analyze --ttl 64
    run --separate-stderr sockx analyze -p "$PORT" --interface lo one two
    expect_status 0
}

@test "a Unix socket has a send buffer" {
    start_unix_server socket -m echo --sndbuf 64K
    run --separate-stderr sockx echo -U socket --sndbuf 64K 'Hello, world'
    expect_status 0
    equal "$output" "Hello, world"
}

# STATUS TEXT ARG...
is_refused() {
    run --separate-stderr sockx "${@:3}" </dev/null
    expect_status "$1"
    [[ ${stderr_lines[0]} == *"$2"* ]] || fail "no '$2' in: $stderr"
    [[ ${stderr_lines[1]} == 'hint: '* ]]
}

@test "what cannot be meant is a usage error" {
    is_refused 2 "'0' is out of range for '--ttl'" connect --ttl 0 localhost 9
    is_refused 2 "'256' is out of range for '--ttl'" serve --ttl 256
    is_refused 2 "'64' is not a DSCP for '--dscp'" serve --dscp 64
    is_refused 2 "'0' is out of range for '--rcvbuf'" echo --rcvbuf 0 hi
    is_refused 2 "'--ttl' is for TCP and UDP" serve --ttl 5 unix:x
    is_refused 2 "'--rcvbuf' is for TCP and UDP" connect --rcvbuf 5 unix:x
    is_refused 2 "'--keepalive' is for TCP" connect -u --keepalive 5 localhost 9
    is_refused 2 "'--keepalive' is for TCP" serve -u --keepalive 0
    is_refused 2 "'sixteen-letters-' is not an interface" greet --interface sixteen-letters-
}

@test "what the system refuses is named: 1 of a client, 3 of a server" {
    is_refused 1 "cannot connect to 127.0.0.1:9: --interface 'nosuch': " connect --interface nosuch 127.0.0.1 9
    is_refused 1 "cannot connect to 127.0.0.1:9: --interface 'nosuch': " echo -u --interface nosuch -H 127.0.0.1 -p 9 hi
    is_refused 3 "cannot listen on 127.0.0.1:0: --interface 'nosuch': " serve --interface nosuch -H 127.0.0.1 -p 0
    is_refused 3 "cannot listen on 127.0.0.1:0: --interface 'nosuch': " serve -u -m echo --interface nosuch -H 127.0.0.1 -p 0
}

@test "a buffer larger than the system allows is an error, but for root" {
    local most as=()

    [ "$(id -u)" != 0 ] || as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
    most=$(cat /proc/sys/net/core/rmem_max)
    [ "$most" -lt 1073741823 ] || skip "there is no limit here"
    run --separate-stderr timeout 20 "${as[@]}" "$SOCKX" connect --rcvbuf 1073741823 127.0.0.1 9 </dev/null
    [ "$status" -ne 126 ] || skip "another user cannot run it"
    expect_status 1
    [[ ${stderr_lines[0]} == *": --rcvbuf: the system allows $most bytes" ]]
    [[ ${stderr_lines[1]} == 'hint: '*net.core.rmem_max* ]]
}
