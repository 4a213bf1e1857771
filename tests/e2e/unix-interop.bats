# bats file_tags=once
# shellcheck disable=SC2030,SC2031,SC2034,SC2153,SC2154 # tests are processes; helper reads; run sets output
#
# Unix sockets with other programs as peers:
#
#                      | nc           | ncat         | socat                 | Python
# ---------------------|--------------|--------------|-----------------------|---------------
# serve -m echo,       | -N -U, -u -U | -U, -u -U    | UNIX-CONNECT, the     | all kinds, path
#   their client       |              |              | same of type 5 (seq.  |   and abstract
#                      |              |              | packets), UNIX-SENDTO,|
#                      |              |              | ABSTRACT-CONNECT      |
# sockx echo, connect, | -l -U,       | -l -k -U     | UNIX-LISTEN, type 5,  | all kinds, path
#   their echo server  | -u -l -U     |   -e cat     | UNIX-RECVFROM,        |   and abstract
#                      | (prints)     | -u -l -U     | ABSTRACT-LISTEN       |
#                      |              | (prints)     |                       |
# serve (pipe),        | -N -U        | -U           | UNIX-CONNECT, type 5, |
#   their client       |              |              | UNIX-SENDTO, ABSTRACT |
# connect (pipe),      | -N -l -U     | -l -U        | UNIX-LISTEN, type 5,  |
#   their server       |              |              | ABSTRACT-LISTEN       |
# Not under the sanitizers: the same code meets the same bytes in unix.bats.

load helper
load unix

export BATS_TEST_TIMEOUT=60

# ---- their client, our echo server ----

# A line each way, their input held open: they leave when it ends.
answers_client() {
    held_input
    start_job "$@" <"$INPUT"
    for line in 'Hello, world' 'Hello again'; do
        echo "$line" >&"$HELD"
        wait_until has_line "$JOB_OUT" "^$line\$"
    done
}

# CMD...: a file of 1 MiB there and back.
whole_by() {
    random_file sent 1048576
    timeout 20 "$@" <sent >back
    same_bytes sent back
}

@test "serve --mode echo answers nc -N -U, stream" {
    start_kind stream at -m echo
    whole_by nc -N -U at
    answers_client nc -U at
}

@test "serve --mode echo answers ncat -U, stream" {
    start_kind stream at -m echo
    whole_by ncat -U at
    answers_client ncat -U at
}

@test "serve --mode echo answers socat UNIX-CONNECT, stream" {
    start_kind stream at -m echo
    whole_by socat -t 20 - UNIX-CONNECT:at
    answers_client socat - UNIX-CONNECT:at
}

@test "serve --mode echo answers socat ABSTRACT-CONNECT, stream" {
    local name

    name=$(abstract_name)
    start_kind stream "$name" -m echo
    whole_by socat -t 20 - "ABSTRACT-CONNECT:${name#@}"
}

@test "serve --mode echo answers socat UNIX-CONNECT with socktype=5, sequenced packets" {
    start_kind seqpacket at -m echo
    whole_by socat -t 20 - UNIX-CONNECT:at,socktype=5
    answers_client socat - UNIX-CONNECT:at,socktype=5
}

@test "serve --mode echo answers socat ABSTRACT-CONNECT with socktype=5, sequenced packets" {
    local name

    name=$(abstract_name)
    start_kind seqpacket "$name" -m echo
    whole_by socat -t 20 - "ABSTRACT-CONNECT:${name#@},socktype=5"
}

@test "serve --mode echo answers nc -u -U, datagrams" {
    start_kind datagram at -m echo
    answers_client nc -u -U at
}

@test "serve --mode echo answers ncat -u -U, datagrams" {
    start_kind datagram at -m echo
    answers_client ncat -u -U at
}

@test "serve --mode echo answers socat UNIX-SENDTO, datagrams" {
    start_kind datagram at -m echo
    answers_client socat - UNIX-SENDTO:at,bind=theirs
}

@test "serve --mode echo answers socat ABSTRACT-SENDTO, datagrams" {
    local name

    name=$(abstract_name)
    start_kind datagram "$name" -m echo
    answers_client socat - "ABSTRACT-SENDTO:${name#@},bind=${name#@}-theirs"
}

# ---- our clients, their echo server ----

# A path is there from bind on, and a server only from listen on: it has the flag SO_ACCEPTCON.
is_up_at() {
    is_gone "$PEER_PID" || grep -Eq "( 00010000 [0-9]{4}| 0002) .* $1\$" /proc/net/unix
}

# AT CMD...: start_peer for a program that serves AT, as /proc/net/unix shows it.
start_unix_peer() {
    start_job "${@:2}" <&0
    PEER_PID=$JOB_PID PEER_OUT=$JOB_OUT PEER_ERR=$JOB_ERR
    wait_until is_up_at "$1" || return 1
    ! is_gone "$PEER_PID" || fail "${*:2} did not start:" "$(cat "$PEER_ERR")"
}

# KIND AT: both of our clients are answered.
is_answered() {
    kind "$1"
    run --separate-stderr sockx echo "${WITH[@]}" -U "$2" 'Hello, world'
    expect_status 0
    equal "$output" 'Hello, world'
    held_input
    start_job "$SOCKX" connect "${WITH[@]}" -U "$2" <"$INPUT"
    echo 'Hello again' >&"$HELD"
    wait_until has_line "$JOB_OUT" '^Hello again$'
}

@test "echo is answered by nc -l -U on a loop, stream" {
    mkfifo loop
    # shellcheck disable=SC2016
    start_unix_peer at bash -c 'exec nc -l -U at 0<>loop 1>&0'
    run --separate-stderr sockx echo -U at 'Hello, world'
    expect_status 0
    equal "$output" 'Hello, world'
}

@test "echo and connect are answered by ncat -l -k -U -e cat, stream" {
    start_unix_peer at ncat -k -l -U at -e /bin/cat
    is_answered stream at
}

@test "echo and connect are answered by socat UNIX-LISTEN, stream" {
    start_unix_peer at socat UNIX-LISTEN:at,fork PIPE
    is_answered stream at
}

@test "echo and connect are answered by socat ABSTRACT-LISTEN, stream" {
    local name

    name=$(abstract_name)
    start_unix_peer "$name" socat "ABSTRACT-LISTEN:${name#@},fork" PIPE
    is_answered stream "$name"
}

@test "echo and connect are answered by socat UNIX-LISTEN with socktype=5, sequenced packets" {
    start_unix_peer at socat UNIX-LISTEN:at,fork,socktype=5 PIPE
    is_answered seqpacket at
}

@test "echo and connect are answered by socat UNIX-RECVFROM, datagrams" {
    start_unix_peer at socat UNIX-RECVFROM:at,fork PIPE
    is_answered datagram at
}

@test "echo and connect are answered by Python, all kinds, by path and abstract name" {
    for kind in stream datagram seqpacket; do
        for at in $kind "$(abstract_name)-$kind"; do
            start_script unix_server.py "$([ $kind = datagram ] && echo datagrams_echo || echo echo)" $kind "$at"
            kind $kind
            equal "$(sockx echo "${WITH[@]}" -U "$at" 'Hello, world')" 'Hello, world'
            equal "$(sockx connect -q 300ms "${WITH[@]}" -U "$at" <<<"Hello again")" 'Hello again'
        done
    done
}

# ---- pipes ----

# KIND AT CMD...: serve and their client swap files of 4 MiB at once.
swaps_served() {
    random_file ours 4194304
    random_file theirs 4194304
    start_kind "$1" "$2" <ours
    timeout 20 "${@:3}" <theirs >theirs.got
    wait_server
    equal "$SERVER_STATUS" 0
    same_bytes theirs "$SERVER_OUT"
    same_bytes ours theirs.got
}

@test "serve swaps files with nc -N -U, stream" { swaps_served stream at nc -N -U at; }
@test "serve swaps files with ncat -U, stream" { swaps_served stream at ncat -U at; }
@test "serve swaps files with socat UNIX-CONNECT, stream" {
    swaps_served stream at socat -t 20 - UNIX-CONNECT:at
}
@test "serve swaps files with socat ABSTRACT-CONNECT, stream" {
    swaps_served stream "$(abstract_name)" socat -t 20 - "ABSTRACT-CONNECT:$(abstract_name | cut -c 2-)"
}
# socat reads 8 KiB at a time by default, and would cut our messages.
@test "serve swaps files with socat UNIX-CONNECT with socktype=5, sequenced packets" {
    swaps_served seqpacket at socat -b 65536 -t 20 - UNIX-CONNECT:at,socktype=5
}

# KIND AT CMD...: connect and their server swap files of 4 MiB at once.
swaps_connected() {
    kind "$1"
    random_file ours 4194304
    random_file theirs 4194304
    start_unix_peer "$2" "${@:3}" <theirs
    sockx connect "${WITH[@]}" ${HOLDING:+"$HOLDING"} -U "$2" <ours >theirs.got
    wait_job "$PEER_PID"
    same_bytes ours "$PEER_OUT"
    same_bytes theirs theirs.got
}

# It leaves as soon as its client has ended, whatever it still has to send.
@test "connect --no-shutdown swaps files with nc -N -l -U, stream" {
    HOLDING=--no-shutdown swaps_connected stream at nc -N -l -U at
}
@test "connect swaps files with ncat -l -U, stream" { swaps_connected stream at ncat -l -U at; }
@test "connect swaps files with socat UNIX-LISTEN, stream" {
    swaps_connected stream at socat -t 20 - UNIX-LISTEN:at
}
@test "connect swaps files with socat ABSTRACT-LISTEN, stream" {
    swaps_connected stream "$(abstract_name)" socat -t 20 - "ABSTRACT-LISTEN:$(abstract_name | cut -c 2-)"
}
@test "connect swaps files with socat UNIX-LISTEN with socktype=5, sequenced packets" {
    swaps_connected seqpacket at socat -b 65536 -t 20 - UNIX-LISTEN:at,socktype=5
}

# CMD...: serve and their datagram client swap lines.
swaps_lines() {
    start_kind datagram at -q 500ms <<<"from the server"
    held_input
    start_job "$@" <"$INPUT"
    echo "from the client" >&"$HELD"
    wait_until has_line "$JOB_OUT" '^from the server$'
    wait_server
    equal "$SERVER_STATUS" 0
    equal "$(cat "$SERVER_OUT")" "from the client"
}

@test "serve swaps lines with nc -u -U, datagrams" { swaps_lines nc -u -U at; }
@test "serve swaps lines with ncat -u -U, datagrams" { swaps_lines ncat -u -U at; }
@test "serve swaps lines with socat UNIX-SENDTO, datagrams" { swaps_lines socat - UNIX-SENDTO:at,bind=theirs; }

# CMD...: their datagram server gets three datagrams from connect.
receives() {
    random_file sent 3000
    start_unix_peer at "$@"
    held_input
    start_job "$SOCKX" connect -u -q 0 -U at <"$INPUT"
    for n in 0 1 2; do
        dd if=sent bs=1000 skip=$n count=1 status=none >&"$HELD"
        wait_until has_bytes "$PEER_OUT" $(((n + 1) * 1000))
    done
    exec {HELD}>&-
    wait_job
    equal "$JOB_STATUS" 0
    same_bytes sent "$PEER_OUT"
}

@test "connect sends to nc -u -l -U, datagrams" { receives nc -u -l -U at; }
@test "connect sends to ncat -u -l -U, datagrams" { receives ncat -u -l -U at; }
@test "connect sends to socat UNIX-RECV, datagrams" { receives socat -u -b 65507 UNIX-RECV:at -; }
