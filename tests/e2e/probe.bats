#!/usr/bin/env bats
#
# connect -z: see whether a server is there.

# shellcheck disable=SC2154 # run sets output, stderr and status
load helper

# bats test_tags=unit
@test "-z: 0 if there is a server, 7 if refused, 6 if there is no such name; nothing is printed" {
    start_server -m source -H 127.0.0.1
    run -0 sockx connect -z 127.0.0.1 "$PORT"
    equal "$output" ""
    run -0 --separate-stderr sockx connect -zv localhost "$PORT"
    [[ $stderr == *"connected to 127.0.0.1:$PORT (tcp)"* ]]
    run -6 sockx connect -z nothing.invalid 80
    free_port
    run -7 sockx connect -z 127.0.0.1 "$PORT"
    [[ $output == *"cannot connect to 127.0.0.1:$PORT: Connection refused"* ]]
    run -7 sockx connect -z -U "$BATS_TEST_TMPDIR/nothing"
}

# WORD...: what a probe with -j says of WORD..., without the time that it took.
probed() {
    sockx connect -zj "$@" 2>/dev/null | sed 's/,"duration_ms":[0-9]*}$/}/'
}

@test "-zj: an object says what was found, and nothing where nothing could be looked at" {
    local place

    start_server -m echo -H 127.0.0.1
    place='"address":"127.0.0.1:'"$PORT"'","host":"127.0.0.1","port":'$PORT',"transport"'
    equal "$(probed 127.0.0.1 "$PORT")" '{"v":1,"event":"port",'"$place"':"tcp","state":"open"}'
    equal "$(probed -u 127.0.0.1 "$PORT")" '{"v":1,"event":"port",'"$place"':"udp","state":"refused"}'
    stop_server
    equal "$(probed 127.0.0.1 "$PORT")" '{"v":1,"event":"port",'"$place"':"tcp","state":"refused"}'
    equal "$(probed --retry-for 0.2s 127.0.0.1 "$PORT")" '{"v":1,"event":"port",'"$place"':"tcp","state":"refused"}'
    start_server -u -m discard -H 127.0.0.1
    place='"address":"127.0.0.1:'"$PORT"'","host":"127.0.0.1","port":'$PORT',"transport"'
    equal "$(probed -u -w 0.2s 127.0.0.1 "$PORT")" '{"v":1,"event":"port",'"$place"':"udp","state":"silent"}'
    start_unix_server "$BATS_TEST_TMPDIR/s" -m echo
    equal "$(probed -U "$BATS_TEST_TMPDIR/s")" '{"v":1,"event":"port","address":"unix:'"$BATS_TEST_TMPDIR/s"'","path":"'"$BATS_TEST_TMPDIR/s"'","transport":"unix","state":"open"}'
    equal "$(probed nothing.invalid 80)" ""
    equal "$(probed 127.0.0.1 0)" ""
}

@test "-zj: an object that cannot be written is an error, though the port is open" {
    start_server -m echo -H 127.0.0.1
    run -1 bash -c 'exec "$@" >/dev/full' bash "$SOCKX" connect -zj 127.0.0.1 "$PORT"
}

# bats test_tags=unit
@test "-z: a probe uses up no one-shot server" {
    start_server --once -m echo -H 127.0.0.1
    for _ in 1 2 3; do
        sockx connect -z 127.0.0.1 "$PORT"
    done
    run -0 sockx echo -H 127.0.0.1 -p "$PORT" hello
    equal "$output" hello
    wait_server
    equal "$SERVER_STATUS" 0
}

# bats test_tags=unit
@test "-z: a server of pipe goes on waiting for its client" {
    start_server --recv-only -H 127.0.0.1
    sockx connect -z 127.0.0.1 "$PORT"
    sockx connect 127.0.0.1 "$PORT" <<<hello
    wait_server
    equal "$SERVER_STATUS $(cat "$SERVER_OUT")" "0 hello"
}

# bats test_tags=unit
@test "-z --retry-for: waits for a server" {
    free_port
    start_job bash -c 'sleep 0.5; exec "$@"' bash "$SOCKX" serve -m echo -H 127.0.0.1 -p "$PORT"
    timed sockx connect -z --retry-for 10s 127.0.0.1 "$PORT"
    took_between 500 5000
    free_port
    run -5 sockx connect -z --retry-for 0.3s 127.0.0.1 "$PORT"
}

# bats test_tags=unit
@test "-z: Unix sockets of each kind" {
    local kind path=$BATS_TEST_TMPDIR/s

    for kind in "" -u --seqpacket; do
        # shellcheck disable=SC2086 # may be none
        start_unix_server "$path" $kind -m echo
        # shellcheck disable=SC2086
        sockx connect -z $kind -U "$path"
        stop_server
    done
}

# bats test_tags=unit
@test "-z over UDP: only an answer is one" {
    start_server -u -m echo -H 127.0.0.1
    sockx connect -zu 127.0.0.1 "$PORT"
    sockx connect -zu --probe ping 127.0.0.1 "$PORT"
    start_server -u -m discard -H 127.0.0.1
    run -5 timed sockx connect -zu -w 0.3s 127.0.0.1 "$PORT"
    [[ $output == *"127.0.0.1:$PORT: no answer within 300 ms"*"a server may be there all the same"* ]]
    free_port
    run -7 sockx connect -zu 127.0.0.1 "$PORT"
}

# bats test_tags=unit
@test "-z over UDP: the second address of a name answers" {
    start_server -u -m echo -H 127.0.0.1
    sockx connect -zu localhost "$PORT"
}

# bats test_tags=unit
@test "-zu --retry-for: waits for an answer" {
    free_port
    start_job bash -c 'sleep 0.5; exec "$@"' bash "$SOCKX" serve -u -m echo -H 127.0.0.1 -p "$PORT"
    run -0 --separate-stderr sockx connect -zvu --retry-for 10s 127.0.0.1 "$PORT"
    [[ $stderr =~ refused\ [0-9]+\ times,\ open\ after ]]
    free_port
    run -5 sockx connect -zu --retry-for 0.5s 127.0.0.1 "$PORT"
    [[ $output == *"within 500 ms: "*"refused (attempts: "* ]]
}

# bats test_tags=unit
@test "-z -- PROGRAM: becomes it once the port answers" {
    free_port
    start_job bash -c 'sleep 0.3; exec "$@"' bash "$SOCKX" serve -m echo -H 127.0.0.1 -p "$PORT"
    run -3 sockx connect -z --retry-for 10s 127.0.0.1 "$PORT" -- sh -c 'cat; exit 3' < <(echo input)
    [ "$output" = input ]
}

@test "-z -- PROGRAM: one that is not there, or cannot answer, is not waited for" {
    free_port
    run -2 sockx connect -z --retry-for 10s 127.0.0.1 "$PORT" -- no-such-program
    [ "${lines[0]}" = "sockx: cannot run 'no-such-program': there is no such program in PATH" ]
    run -7 sockx connect -z 127.0.0.1 "$PORT" -- touch "$BATS_TEST_TMPDIR/made"
    [ ! -e "$BATS_TEST_TMPDIR/made" ]
}

# bats test_tags=unit
@test "-z -- PROGRAM: has the signals and limits that we were started with" {
    start_server -m discard -H 127.0.0.1
    look=(sed -n -E '/^Sig(Blk|Ign|Cgt)/p; /open files/p' /proc/self/status /proc/self/limits)
    [ "$(sockx connect -z 127.0.0.1 "$PORT" -- "${look[@]}")" = "$(timeout 10 "${look[@]}")" ]
}

@test "-z beside what it has no use for is a usage error" {
    run -2 sockx connect -z -m chat 127.0.0.1 80
    [[ $output == *"'--zero' and '-m' cannot be combined"* ]]
    run -2 sockx connect -z -q 1 127.0.0.1 80
    run -2 sockx connect -z 127.0.0.1 80 --
    [[ $output == *"'--zero' needs a program after '--'"* ]]
    run -2 sockx connect -z 127.0.0.1 80-90 -- true
    [[ $output == *"'--' waits for one port, and here are several"* ]]
    run -2 sockx connect --probe x 127.0.0.1 80
    run -2 sockx connect -z --probe x 127.0.0.1 80
    [[ $output == *"'--probe' is for datagrams"* ]]
}
