#!/usr/bin/env bats
# bats file_tags=unit
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2154 # programs of their own; tests are processes; helpers set variables
#
# What ncat's own tests ask of its --exec and --sh-exec, asked of serve -m exec and connect -m exec.
# Where we differ on purpose, the difference is tested, and named in COMING FROM NC.

load helper
load unix
load ncat

export BATS_TEST_TIMEOUT=30

@test "a program, and a line of the shell, answer while the client's input is open" {
    start_server -m exec -- sed -u y/abc/ABC/
    talker one 127.0.0.1 "$PORT"
    say one abc
    hears one ABC
    start_server -m exec -- sh -c 'sed -u "y/abc/ABC/"'
    talker two 127.0.0.1 "$PORT"
    say two abc
    hears two ABC
    start_unix_server at -m exec -- sed -u y/abc/ABC/
    talker three -U at
    say three abc
    hears three ABC
}

@test "a program that quits at once without reading: its output, in order" {
    start_server -m exec -- echo abc
    for _ in {1..10}; do
        run -0 sockx connect -N 127.0.0.1 "$PORT" <<<test
        [ "$output" = abc ]
    done
    talker one --quit-with-peer 127.0.0.1 "$PORT"
    say one test
    wait_job
    [ "$JOB_STATUS" -eq 0 ]
    [ "$(cat one)" = abc ]
}

@test "one client with -1, ended by a signal: the server leaves, too" {
    start_server -1 -m exec -- cat
    talker one 127.0.0.1 "$PORT"
    say one abc
    hears one abc
    kill "$JOB_PID"
    wait_server
    [ "$SERVER_STATUS" -eq 0 ]
}

@test "without -1 several at once, and one that says nothing holds none up" {
    start_server -m exec -- cat
    talker silent 127.0.0.1 "$PORT"
    talker one 127.0.0.1 "$PORT"
    say one first
    hears one first
    talker two 127.0.0.1 "$PORT"
    say two second
    hears two second
    say one again
    hears one again
    [ ! -s silent ]
}

# ncat sends away those that are too many, and with 0 all.
@test "--max-conns: those that are too many wait, and have their turn" {
    start_server --max-conns 1 -m exec -- cat
    talker one 127.0.0.1 "$PORT"
    say one abc
    hears one abc
    first=$JOB_PID
    talker two 127.0.0.1 "$PORT"
    say two abc
    sleep 0.2
    [ ! -s two ]
    kill "$first"
    hears two abc
}

# LINE VAR=VALUE...
holds() {
    local given

    for given in "${@:2}"; do
        [[ " $1 " == *" $given "* ]] || fail "no $given in: $1"
    done
}

facts='echo PROTO=$PROTO TCPREMOTEIP=$TCPREMOTEIP TCPREMOTEPORT=$TCPREMOTEPORT TCPLOCALIP=$TCPLOCALIP TCPLOCALPORT=$TCPLOCALPORT'

@test "both addresses, both ports and the protocol, by the names of UCSPI" {
    free_port
    local mine=$PORT

    for host in 127.0.0.1 ::1; do
        start_server -m exec -- sh -c "$facts; env | grep -c ^NCAT_"
        # -s takes a port once: the next client's is another.
        run sockx connect -N -s ":$((mine++))" "$host" "$PORT"
        expect_status 0
        holds "${lines[0]}" PROTO=TCP "TCPREMOTEIP=$host" "TCPREMOTEPORT=$((mine - 1))" "TCPLOCALIP=$host" "TCPLOCALPORT=$PORT"
        [ "${lines[1]}" -eq 0 ]
    done
    start_server
    run -0 sockx connect -m exec 127.0.0.1 "$PORT" -- sh -c "$facts"
    wait_server
    holds "$(cat "$SERVER_OUT")" PROTO=TCP TCPREMOTEIP=127.0.0.1 "TCPREMOTEPORT=$PORT" TCPLOCALIP=127.0.0.1
    [[ $(cat "$SERVER_OUT") =~ TCPLOCALPORT=[0-9]+ ]]
}

@test "connect: what a program says that quits at once reaches the server" {
    start_server
    run -0 sockx connect -m exec 127.0.0.1 "$PORT" -- echo abc
    wait_server
    [ "$SERVER_STATUS" -eq 0 ]
    [ "$(cat "$SERVER_OUT")" = abc ]
}

# ncat -e takes one string, and splits it; what comes after -- is words already.
@test "a program's words stay as they were typed" {
    start_server -m exec -- printf '%s|' 'a b' 'c\d' '' '$HOME' "it's"
    run -0 sockx connect -N 127.0.0.1 "$PORT"
    [ "$output" = 'a b|c\d||$HOME|it'\''s|' ]
}

@test "-C and datagrams, which ncat has with a program, are refused; a program can do the first" {
    run -2 sockx serve -C -m exec -- cat
    run -2 sockx serve -u -m exec -- cat
    start_server -m exec -- sh -c 'sed -u "y/abc/ABC/; s/\$/\r/"'
    [ "$(sockx connect -N 127.0.0.1 "$PORT" <<<abc)" = $'ABC\r' ]
}
