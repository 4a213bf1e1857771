#!/usr/bin/env bats
# bats file_tags=once,slow
#
# Two servers on two machines, whose network loses packets, is slow, goes away or resets connections: every
# byte arrives, or the exit status says that it did not. `make release-check` runs the same for longer.

# shellcheck disable=SC2034 # AT is read by serve and client
load helper
load network

LOSE_BOTH_WAYS=("lose_both_ways 1" "lose_both_ways 2" "lose_both_ways 3" "lose_both_ways 4" "lose_both_ways 5")

# What waits for time to pass, and not for the processor, does so beside the others.
setup_file() {
    local each

    needs_machines
    [ -z "${NETWORK_MISSING-}" ] || return 0
    for each in "unacknowledged --send-only" "unacknowledged -q 1s" "pulled there" "pulled here" \
        "over_ipv6 pulled there" narrow given_up "stays_down -i 3s" "stays_down --max-time 4s" \
        sender_reset lost_datagrams "${LOSE_BOTH_WAYS[@]}"; do
        # shellcheck disable=SC2086 # words
        begin $each
    done
}

teardown_file() {
    end_all
}

setup() {
    exec </dev/null
    on_machines
}

over_ipv6() {
    AT=$THERE6
    "$@"
}

# ---- every byte arrives ----

# OPTION...: a file each way.
both_ways() {
    serve "$@"
    connect "$@"
    both_end 0 0
    arrived
}

# [OPTION...]
lose_some() {
    lose 5 here there
    both_ways "$@"
    [ "$(lost)" -gt 0 ]
}

@test "5 % of the packets are lost: all arrives" {
    all_well lose_some "lose_some --no-splice" "over_ipv6 lose_some"
}

lose_much() {
    lose 30 there
    serve --recv-only "$@"
    connect "$@"
    both_end 0 0
    arrived there
    [ "$(lost)" -gt 0 ]
}

@test "30 % of the packets are lost: all arrives" {
    all_well lose_much "lose_much --no-splice" "over_ipv6 lose_much"
}

# Acknowledgements, too: it may take longer than there is time for.
lose_both_ways() {
    local here=0 there=0

    lose 30 here there
    serve --max-time $((NETWORK_PATIENCE_S + 2))
    connect --max-time "$NETWORK_PATIENCE_S"
    wait "$CLIENT" || here=$?
    wait "$SERVER" || there=$?
    [[ $here$there == [045][045] ]]
    [ "$here" != 0 ] || arrived there
    [ "$there" != 0 ] || same_bytes there.in here.out
    echo "$here$there" >verdict
}

@test "30 % of the packets are lost each way: all arrives, or both say that it did not" {
    all_well "${LOSE_BOTH_WAYS[@]}"
    cat "$BATS_FILE_TMPDIR"/lose_both_ways*/verdict | grep -qx 00
}

@test "an MTU of 576: all arrives" {
    all_well small_packets
}

small_packets() {
    mtu 576
    both_ways -N
    [ "$(packets there)" -ge $((NETWORK_BYTES / 536)) ]
}

@test "1 Mbit/s: all arrives" {
    all_well narrow
}

narrow() {
    slow 1mbit
    timed both_ways -N
    [ "$TOOK_MS" -ge $((NETWORK_BYTES * 7 / 1000)) ]
}

# OPTION...: each has half of what the other sends, and the rest is yet to be sent.
halfway() {
    in_halves here there
    serve "$@"
    connect "$@"
    half_has_come here there
}

# WHERE: the second half is sent while an end of the cable is down.
pulled() {
    halfway
    cable "$1" down
    go_on
    sleep "$NETWORK_DOWN_S"
    equal "$(cat here.out there.out | wc -c)" "$NETWORK_BYTES"
    cable "$1" up
    both_end 0 0
    arrived
}

@test "the link is down for a while: all arrives" {
    all_well "pulled there" "pulled here" "over_ipv6 pulled there"
}

# Our kernel has it all, and tells meanwhile that the other machine cannot be reached.
pulled_late() {
    in_halves here
    limit here ipv4/neigh/cable/retrans_time_ms 100
    serve --recv-only
    connect --send-only
    half_has_come there
    cable there down
    go_on
    wait_until host_is_unreachable
    cable there up
    both_end 0 0
    arrived there
}

host_is_unreachable() {
    [ "$(awk '$1 == "Icmp:" { told = $5 } END { print told }' /proc/self/net/snmp)" -gt 0 ]
}

@test "the link is down once all is sent: all arrives" {
    all_well pulled_late
}

# ---- or the exit status says that it did not ----

# OPTION...: time limits.
stays_down() {
    halfway "$@"
    cable here down
    go_on
    both_end 5 5
}

# The kernels send what is not acknowledged three times more.
given_up() {
    halfway
    limit here ipv4/tcp_retries2 3
    limit there ipv4/tcp_retries2 3
    cable here down
    go_on
    both_end 4 4
}

@test "the link stays down: what was sent is lost, or a time limit passes" {
    all_well given_up "stays_down -i 3s" "stays_down --max-time 4s"
}

# OPTION...: those with which nothing is awaited but that all has arrived.
unacknowledged() {
    in_halves here
    serve --recv-only -i 5s
    connect "$@"
    half_has_come there
    cable there down
    go_on
    both_end 4 5
    has_line here.err 'bytes were not acknowledged'
}

@test "the link stays down before all is acknowledged: what is not is lost" {
    all_well "unacknowledged --send-only" "unacknowledged -q 1s"
}

# WHERE: what comes to that end is answered with a reset, once half has been sent.
reset_at() {
    halfway "${@:2}"
    rule "$1" 'tcp flags & rst == 0 reject with tcp reset'
    go_on
    both_end 4 4
}

@test "a reset on the way: both ends have lost the other" {
    all_well "reset_at there" "reset_at here" "reset_at there --no-splice" "over_ipv6 reset_at here"
}

# The receiver is the one that hears nothing of it.
sender_reset() {
    in_halves here
    serve --recv-only -i 3s
    connect --send-only
    half_has_come there
    rule there 'tcp flags & rst == 0 reject with tcp reset'
    go_on
    both_end 4 5
}

@test "a reset on the way to the sender alone: the receiver waits as long as it may" {
    all_well sender_reset
}

# ---- no answer, no connection ----

# What becomes of a packet, as nftables calls it.
fate() {
    case $1 in
    reset) echo reject with tcp reset ;;
    barred) echo reject with icmpx admin-prohibited ;;
    gone) echo drop ;;
    esac
}

# MODE CLIENT_STATUS FATE: of the first bytes, once the connection is made.
question() {
    serve -m "$1"
    rule there "tcp flags & psh == psh $(fate "$3")"
    timed client "$1" -w 1s hello
    equal "$CLIENT_STATUS" "$2"
    took_between 0 8000
}

@test "a question that is reset is lost; one that vanishes is waited for as long as it may" {
    all_well "question echo 4 reset" "question greet 4 reset" "question analyze 4 reset" \
        "question echo 5 gone" "question greet 5 gone" "question analyze 5 gone"
}

# CLIENT_STATUS FATE PROTOCOL -w DURATION [-u]: of whatever comes to the server.
no_way() {
    serve -m echo "${@:6}"
    rule there "$3 dport 9000 $(fate "$2")"
    timed client echo "${@:4}" hello
    equal "$CLIENT_STATUS" "$1"
    took_between 0 8000
}

@test "a firewall: refused, or a time limit passes" {
    all_well "no_way 7 reset tcp -w 5s" "no_way 7 barred tcp -w 5s" "no_way 5 gone tcp -w 1s" \
        "over_ipv6 no_way 7 barred tcp -w 5s" "no_way 7 barred udp -w 5s -u" "no_way 5 gone udp -w 1s -u"
}

# ADDRESS: of no machine.
not_there() {
    AT=$1
    limit here ipv4/neigh/cable/retrans_time_ms 100
    limit here ipv6/neigh/cable/retrans_time_ms 100
    client connect
    equal "$CLIENT_STATUS" 7
}

@test "no such machine, or no way to it: unreachable" {
    all_well "not_there 192.0.2.9" "not_there 198.51.100.1" "not_there 2001:db8::9"
}

# ---- datagrams ----

# Each of them is lost once at most, on its way or its answer's.
@test "30 % of the datagrams are lost: the report says how many" {
    all_well lost_datagrams "over_ipv6 lost_datagrams"
}

lost_datagrams() {
    lose 30 here there
    serve -u -m echo
    client echo -u -j --count 100 --interval 10ms
    equal "$CLIENT_STATUS" 5
    has_line here.out "\"lost\":$(lost),"
}

@test "an MTU of 576: datagrams of 4000 bytes come whole" {
    all_well fragments
}

fragments() {
    mtu 576
    serve -u -m echo
    client echo -u --count 10 --interval 10ms --size 4000
    equal "$CLIENT_STATUS" 0
    [ "$(packets there)" -ge 80 ]
}
