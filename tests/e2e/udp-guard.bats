# shellcheck disable=SC2030,SC2031,SC2034,SC2153,SC2154 # tests are processes; helper reads; run sets output
# bats file_tags=unit
#
# The loop guard: no datagram, forged or not, makes UDP servers answer each other for ever, and
# ordinary clients do not notice. Some tests need root, for raw sockets, low ports and network
# namespaces of their own.

load helper
load measure

export BATS_TEST_TIMEOUT=60

FROM=() # what runs our side elsewhere: (ip netns exec NAME)
namespaces=()

teardown() {
    local verdict=0

    end_all || verdict=$?
    for name in "${namespaces[@]}"; do
        ip netns del "$name"
    done
    return "$verdict"
}

needs_root() {
    [ "$(id -u)" = 0 ] || skip "$1 are root's"
}

# HOW HOST ARG...: peers/udp_client.py asks the server at PORT and is content.
asks() {
    timeout -k 1 20 "${FROM[@]}" "$PYTHON" "$PEERS/udp_client.py" "$1" "$2" "$PORT" "${@:3}"
}

# SOURCE SOURCE_PORT TARGET TARGET_PORT TTL: a datagram of one byte.
forge() {
    timeout -k 1 20 "${FROM[@]}" "$PYTHON" "$PEERS/udp_forge.py" "$@"
}

# Ends the server that was started with -v; RECEIVED and SENT are what its peers and it sent.
count_bytes() {
    stop_server
    equal "$SERVER_STATUS" 0
    RECEIVED=$(sum_of 'done, ([0-9]+) bytes received')
    SENT=$(sum_of 'bytes received, ([0-9]+) sent')
}

sum_of() {
    sed -nE "s/.*$1.*/\1/p" "$SERVER_ERR" | awk '{ sum += $1 } END { print sum + 0 }'
}

# ---- what must not be answered ----

# HOST SOURCE [LISTEN]
small_services_get_no_answer() {
    needs_root "ports below 1024"
    start_server -u -v -m echo -H "${3:-$1}"
    asks from_ports "$1" "$2" 7 13 17 19 37
    # Two from each; the 1st, 2nd, 4th, 8th... is reported.
    has_line "$SERVER_ERR" ':7: datagram dropped: .*port 7 .*\(1 so far\)$'
    has_line "$SERVER_ERR" ':19: datagram dropped: .*port 19 .*\(8 so far\)$'
}

@test "nothing is answered to the ports of small services, IPv4" {
    small_services_get_no_answer 127.0.0.1 127.0.0.66
}

@test "nothing is answered to the ports of small services, IPv6" {
    small_services_get_no_answer ::1 ::1
}

@test "nothing is answered to the ports of small services, IPv4 by an IPv6 socket" {
    small_services_get_no_answer 127.0.0.1 127.0.0.66 ::ffff:127.0.0.1
}

@test "of the ports beside theirs, all are answered" {
    needs_root "ports below 1024"
    start_server -u -m echo
    for port in 6 8 12 14 16 18 20 36 38; do
        run asks from_ports 127.0.0.1 127.0.0.66 "$port"
        expect_status 1
        [[ $output == *"was answered: b'first'"* ]] || fail "port $port: $output"
    done
}

# HOST LISTEN...: forged from the server's own address and port, none of it is answered.
itself_gets_no_answer() {
    needs_root "raw sockets"
    start_server -u -v -m echo "${@:2}"
    forge "$1" "$PORT" "$1" "$PORT" 64
    asks turns "$1" ab
    wait_until is_idle "$SERVER_PID"
    has_line "$SERVER_ERR" 'dropped: .*our own address'
    count_bytes
    equal "$RECEIVED received" "3 received"
}

@test "a datagram forged from the server's own address is not answered, IPv4" {
    itself_gets_no_answer 127.0.0.1 -H 127.0.0.1
}

@test "a datagram forged from the server's own address is not answered, IPv6" {
    itself_gets_no_answer ::1 -H ::1
}

@test "a datagram forged from the server's own address is not answered, IPv4 by an IPv6 socket" {
    itself_gets_no_answer 127.0.0.1 -H ::ffff:127.0.0.1
}

@test "a datagram forged from the server's own address is not answered on all addresses" {
    itself_gets_no_answer 127.0.0.1
    itself_gets_no_answer ::1
}

@test "one forged from another loopback address and the server's own port is not answered" {
    needs_root "raw sockets"
    start_server -u -v -m echo
    forge 127.0.0.9 "$PORT" 127.0.0.1 "$PORT" 64
    asks turns 127.0.0.1 ab
    wait_until is_idle "$SERVER_PID"
    count_bytes
    equal "$RECEIVED received" "3 received"
}

# ---- two servers that one forged datagram sets on each other ----

# MODE MODE ADDRESS [ARG...]: a datagram of one byte, that may travel 64 hops, is sent to and fro by
# them 64 times and no more; then neither has anything to do.
dies_out() {
    local first_port first_pid first_err

    needs_root "raw sockets"
    start_server -u -v -m "$1" "${@:4}"
    first_port=$PORT first_pid=$SERVER_PID first_err=$SERVER_ERR
    start_server -u -v -m "$2" "${@:4}"
    forge "$3" "$first_port" "$3" "$PORT" 64
    wait_until has_line "$SERVER_ERR" connected
    wait_until is_idle "$SERVER_PID"
    wait_until is_idle "$first_pid"
    count_bytes
    equal "$RECEIVED received" "32 received"
    SERVER_PID=$first_pid SERVER_ERR=$first_err
    count_bytes
    equal "$RECEIVED received" "32 received"
    has_line "$first_err" 'dropped: .*hops'
}

@test "a forged datagram between two echo servers dies out, IPv4" {
    dies_out echo echo 127.0.0.1 -H 127.0.0.1
}

@test "a forged datagram between two echo servers dies out, IPv6" {
    dies_out echo echo ::1 -H ::1
}

@test "a forged datagram between two echo servers dies out, IPv4 by IPv6 sockets" {
    dies_out echo echo 127.0.0.1 -H ::ffff:127.0.0.1
}

@test "a forged datagram between two echo servers on all addresses dies out" {
    dies_out echo echo 127.0.0.1
    dies_out echo echo ::1
}

@test "a forged datagram between echo and source dies out" {
    dies_out echo source 127.0.0.1
    dies_out source source ::1
}

# ---- hops ----

# HOST ARG...: the TTLs that the answers to requests of TTL 1, 2, 3, 64 and 255 come with. What comes
# from 64 hops away or more is answered as if from 64.
answers_with_one_less() {
    start_server -u -m echo "${@:2}"
    equal "$(asks ttl "$1" 1 2 3 64 255)" "none
1
2
63
63"
}

@test "an answer may travel one hop less than the request, whose last it must not be, IPv4" {
    answers_with_one_less 127.0.0.1 -H 127.0.0.1
}

@test "an answer may travel one hop less than the request, whose last it must not be, IPv6" {
    answers_with_one_less ::1 -H ::1
}

@test "an answer may travel one hop less than the request, IPv4 by an IPv6 socket" {
    answers_with_one_less 127.0.0.1 -H ::ffff:127.0.0.1
}

@test "an answer may travel one hop less than the request, on all addresses" {
    answers_with_one_less 127.0.0.1
    answers_with_one_less ::1
}

@test "a request without a single hop, which IPv6 has, is not answered" {
    start_server -u -m echo
    equal "$(asks ttl ::1 0)" none
}

@test "what is not answered is counted, and reported with --verbose" {
    start_server -u -v -m echo
    asks ttl 127.0.0.1 1
    has_line "$SERVER_ERR" '^127\.0\.0\.1:[0-9]+: datagram dropped: not answered: .*\(1 so far\)$'
}

# ---- over a router ----

# NAME: a namespace of ours, in $NAME.
make_namespace() {
    local name=sockx-$$-$BATS_TEST_NUMBER-$1

    ip netns add "$name" 2>/dev/null || skip "network namespaces cannot be made here"
    namespaces+=("$name")
    printf -v "$1" %s "$name"
    ip -n "$name" link set lo up
}

# A B: a link between two namespaces, its ends called as the other namespace is here.
join() {
    ip -n "${!1}" link add "$2" type veth peer name "$1" netns "${!2}"
    ip -n "${!1}" link set "$2" up
    ip -n "${!2}" link set "$1" up
}

# WHERE LINK ADDRESS...
number() {
    for address in "${@:3}"; do
        case $address in
        *:*) ip -n "${!1}" addr add "$address" dev "$2" nodad ;;
        *) ip -n "${!1}" addr add "$address" dev "$2" broadcast + ;;
        esac
    done
}

# client (10.77.1.2) - router - server (10.77.2.2), and an echo server there; we are the client.
make_path() {
    needs_root "network namespaces"
    make_namespace client
    make_namespace router
    make_namespace server
    join client router
    join router server
    number client router 10.77.1.2/24 fd77:1::2/64
    number router client 10.77.1.1/24 fd77:1::1/64
    number router server 10.77.2.1/24 fd77:2::1/64
    number server router 10.77.2.2/24 fd77:2::2/64
    for end in "$client 1" "$server 2"; do
        ip -n "${end% *}" route add default via "10.77.${end#* }.1"
        ip -n "${end% *}" route add default via "fd77:${end#* }::1"
    done
    ip netns exec "$router" sh -c '
        echo 1 >/proc/sys/net/ipv4/ip_forward
        echo 1 >/proc/sys/net/ipv6/conf/all/forwarding' || skip "a namespace cannot be made a router here"
    LAUNCHER=(ip netns exec "$server")
    start_server -u -v -m echo
    FROM=(ip netns exec "$client")
}

@test "an ordinary client beyond a router is answered, even with a small TTL" {
    make_path
    asks asked 10.77.2.2 fd77:2::2
    asks whole 10.77.2.2 0 1 1473 65507
    asks whole fd77:2::2 0 1 1453 65507
    run "${FROM[@]}" timeout 10 "$SOCKX" echo -u -H 10.77.2.2 -p "$PORT" 'Hello, world'
    expect_status 0
    equal "$output" 'Hello, world'
    # There and back is a hop less each time at the router, and one at the server. The last two are
    # spent on the way back, and at the server.
    equal "$(asks ttl 10.77.2.2 64 5 4 3 2)" "61
2
1
none
none"
    equal "$(asks ttl fd77:2::2 64 5 4 3 2)" "61
2
1
none
none"
    asks turns 10.77.2.2 still here # after the router has told the server of the answer it dropped
}

@test "a datagram forged between two addresses of one server dies out" {
    make_path
    ip -n "$server" addr add 10.77.3.1/32 dev lo
    FROM=("${LAUNCHER[@]}")
    forge 10.77.3.1 "$PORT" 10.77.2.2 "$PORT" 64
    forge 10.77.2.2 "$PORT" 10.77.2.2 "$PORT" 64
    asks turns 10.77.2.2 ab
    wait_until is_idle "$SERVER_PID"
    count_bytes
    is_at_most "$RECEIVED" 67
}

# What reaches an IPv6 socket by IPv4 is described in other words; IPv4 multicast does not reach it.
@test "requests to a broadcast or multicast address are answered with the usual TTL, from one of ours" {
    make_path
    FROM=(ip netns exec "$router")
    ip -n "$router" route add 224.0.0.0/4 dev server
    ip -n "$router" route add 255.255.255.255 dev server
    [[ $(asks group fd77:2::1 ff02::1 server) =~ ^(fe80::.*|fd77:2::2)\ 64$ ]]
    groups_are_answered 10.77.2.255 255.255.255.255 224.0.0.1
    start_server -u -m echo -H ::ffff:0.0.0.0
    groups_are_answered 10.77.2.255 255.255.255.255
}

groups_are_answered() {
    for at in "$@"; do
        equal "$(asks group 10.77.2.1 "$at")" "10.77.2.2 64"
    done
}
