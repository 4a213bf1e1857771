#!/usr/bin/env bats
#
# connect -z of several ports and hosts.

# shellcheck disable=SC2154 # run sets output, stderr and status
load helper
load network

setup_file() {
    needs_machines
}

teardown_file() {
    end_all
}

# Two servers, on ports FIRST and SECOND, in this order.
two_servers() {
    start_server -m echo -H 127.0.0.1
    FIRST=$PORT
    start_server -m echo -H 127.0.0.1
    SECOND=$PORT
    [ "$FIRST" -lt "$SECOND" ] || { FIRST=$SECOND SECOND=$FIRST && PORT=$FIRST; }
}

# bats test_tags=unit
@test "open ports are printed, the others counted" {
    two_servers
    free_port
    run -1 --separate-stderr sockx connect -z 127.0.0.1 "$FIRST,$PORT,$SECOND"
    equal "$output" "$FIRST"$'\n'"$SECOND"
    equal "$stderr" "ports: 2 open, 1 refused, 0 silent"
    run -1 --separate-stderr sockx connect -zv 127.0.0.1 "$FIRST,$PORT,$SECOND"
    [[ $stderr == *"127.0.0.1:$PORT: refused"* ]]
}

@test "0: all are open; 7: all are refused; what is printed has the host if there are several" {
    two_servers
    run -0 --separate-stderr sockx connect -z 127.0.0.1,localhost "$FIRST,$SECOND"
    equal "$output" "127.0.0.1 $FIRST
127.0.0.1 $SECOND
localhost $FIRST
localhost $SECOND"
    free_port
    run -7 --separate-stderr sockx connect -z "localhost:$PORT-$PORT"
    equal "$output" ""
    run -7 sockx connect -Qz -H localhost -p "$PORT-$PORT"
    equal "$output" ""
}

@test "-j: an object for each open port, and the counts" {
    two_servers
    free_port
    run -1 --separate-stderr sockx connect -jz 127.0.0.1 "$FIRST,$PORT"
    equal "$output" '{"v":1,"event":"port","address":"127.0.0.1:'"$FIRST"'","host":"127.0.0.1","port":'"$FIRST"',"transport":"tcp","state":"open"}'
    [[ $stderr == *'"event":"port","address":"127.0.0.1:'"$PORT"'","host":"127.0.0.1","port":'"$PORT"',"transport":"tcp","state":"refused"'* ]]
    [[ $stderr == *'"event":"scanned","open":1,"refused":1,"silent":0}'* ]]
    [[ ${stderr##*$'\n'} == *'"event":"error"'*'"exit":1'* ]]
    run -0 --separate-stderr sockx connect -jz 127.0.0.1 "$FIRST-$FIRST"
    [[ ${stderr##*$'\n'} == *'"event":"done"'* ]]
}

# On a machine with one server, and so few ports to connect from that many connections meet themselves.
none_met_itself() {
    "$SOCKX" serve -m echo -H 127.0.0.1 -p 9000 2>there.err &
    wait_until has_line there.err '^listening on'
    limit here ipv4/ip_local_port_range '20000 20019'
    for _ in {1..10}; do
        "$SOCKX" connect -z 127.0.0.1 9000,20000-20019 >here.out 2>here.err || [ "$?" = 1 ]
        equal "$(cat here.out here.err)" "9000"$'\n'"ports: 1 open, 20 refused, 0 silent"
    done
}

# A connection to a free port of this machine may be given that very port, and meet itself.
@test "a connection that met itself is none" {
    on_machines
    all_well none_met_itself
}

# bats test_tags=unit
@test "a scan needs no more descriptors than there are" {
    start_server -m echo -H 127.0.0.1
    run -1 bash -c 'ulimit -n 24 && exec "$@"' bash "$SOCKX" connect -z 127.0.0.1 "1-3000,$PORT"
    [[ $output == *"$PORT"*"ports: "*" 0 silent" ]]
    start_server -u -m discard -H 127.0.0.1
    run -5 bash -c 'ulimit -n 20 && exec "$@"' bash "$SOCKX" connect -zu -w 0.1s 127.0.0.1 \
        "$PORT,$PORT,$PORT,$PORT,$PORT,$PORT,$PORT,$PORT,$PORT,$PORT"
    [[ $output == "ports: 0 open, 0 refused, 10 silent" ]]
}

# bats test_tags=unit
@test "over UDP: an answer is open, a refusal refused, silence silent" {
    local discard echo

    start_server -u -m discard -H 127.0.0.1
    discard=$PORT
    start_server -u -m echo -H 127.0.0.1
    echo=$PORT
    free_port
    run -1 --separate-stderr sockx connect -zu -w 1s localhost "$discard,$echo,$PORT"
    equal "$output" "$echo"
    equal "$stderr" "ports: 1 open, 1 refused, 1 silent"
    run -5 sockx connect -zu -w 0.2s --probe ping localhost "$discard-$discard"
}

# bats test_tags=unit
@test "standard output that takes no more: the scan waits for it, and fails with it" {
    start_server -m echo -H 127.0.0.1
    # shellcheck disable=SC2016 # for the inner shell
    run -1 bash -c '"$1" connect -z 127.0.0.1 "$2-$2" >/dev/full' bash "$SOCKX" "$PORT"
    [[ $output == *"standard output"* ]]
}

@test "lists that are none are usage errors" {
    run -2 sockx connect -z localhost 30-20
    [[ $output == *"'30-20' ends before it begins"* ]]
    run -2 sockx connect -z localhost 0-10
    run -2 sockx connect -z localhost 22,
    run -2 sockx connect -z localhost,, 22
    run -2 sockx connect -z localhost 22,no-such-service
    run -2 sockx connect -z --retry-for 1s localhost 22,80
    [[ $output == *"'--retry-for' waits for one port"* ]]
    run -6 sockx connect -z localhost,nothing.invalid 22,80
}
