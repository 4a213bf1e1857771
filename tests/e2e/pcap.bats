#!/usr/bin/env bats
# bats file_tags=unit
# shellcheck disable=SC2001,SC2030,SC2031,SC2034,SC2094,SC2153,SC2154 # tests are processes; run and helpers set variables
load helper
load tls

# --pcap: the calls as packets. peers/packets.py refuses what an analyst would stumble over, and tcpdump knows
# the checksums; tests/unit/report/test_trace_pcap.c has which packets a call becomes.

setup_file() {
    random_file "$BATS_FILE_TMPDIR/mib" 4194304
}

setup() {
    exec </dev/null
    MIB=$BATS_FILE_TMPDIR/mib
    cd "$BATS_TEST_TMPDIR" || return
}

# FILE: its packets in $PACKETS, a line each, with S for the server's port and C for others; nothing is wrong
# with them, and tcpdump agrees.
packets() {
    run "$PYTHON" "$PEERS/packets.py" "$1"
    expect_status 0
    PACKETS=$(sed -E "s/^([<>]) ([0-9]+) ([0-9]+) /\1 :\2 :\3 /; s/:$PORT\b/S/; s/^([<>]) :[0-9]+ /\1 C /; s/^([<>] S) :[0-9]+ /\1 C /" \
        <<<"$output")
    run tcpdump -nvvr "$1"
    expect_status 0
    # A checksum may well end in "bad".
    [[ ! $output =~ incorrect|[^0-9a-f]'bad '|wrong|invalid|truncated ]] || fail "$output"
    PACKETS_READ=$output
}

# The packets without their comments are those of standard input.
packets_are() {
    equal "$(sed 's/ |.*//' <<<"$PACKETS")" "$(cat)"
}

# FILE: how many packets a file has by now.
has_packets() {
    [ "$("$PYTHON" "$PEERS/packets.py" "$1" | grep -c .)" -ge "$2" ]
}

hello_by_tcp() {
    start_server -H "$1" -m echo --pcap server.pcapng
    run sockx connect --pcap client.pcapng "$1" "$PORT" <<<hello
    equal "$output" hello
    stop_server
    packets client.pcapng
    packets_are <<'END'
> C S S 0 0 0
< S C SA 0 1 0
> C S A 1 1 0
> C S PA 1 1 6
< S C A 1 7 0
< S C PA 1 7 6
> C S A 7 7 0
> C S FA 7 7 0
< S C A 7 8 0
< S C FA 7 8 0
> C S A 8 8 0
END
    [[ $PACKETS == *' | connect('*') = -1 EINPROGRESS'*' | send('*', "hello\n", 6) = 6'*' | follows from send('* ]] ||
        fail "$PACKETS"
    [[ $PACKETS == *' | recv('*', "hello\n", '*') = 6'*' | shutdown('*', SHUT_WR) = 0'*' | recv('*', "", '*') = 0'* ]] ||
        fail "$PACKETS"
    packets server.pcapng
    packets_are <<'END'
< C S S 0 0 0
> S C SA 0 1 0
< C S A 1 1 0
< C S PA 1 1 6
> S C A 1 7 0
> S C PA 1 7 6
< C S A 7 7 0
< C S FA 7 7 0
> S C A 7 8 0
> S C FA 7 8 0
< C S A 8 8 0
END
}

@test "a connection over IPv4, from both of its sides" {
    hello_by_tcp 127.0.0.1
    [[ $PACKETS_READ == *"127.0.0.1.$PORT > 127.0.0.1."* ]]
}

@test "a connection over IPv6, from both of its sides" {
    hello_by_tcp ::1
    [[ $PACKETS_READ == *"::1.$PORT > ::1."* ]]
}

@test "a socket for IPv4 and IPv6: a client over IPv4 has packets of IPv4" {
    start_server -m echo --pcap server.pcapng
    equal "$(sockx connect 127.0.0.1 "$PORT" <<<hello)" hello
    stop_server
    packets server.pcapng
    [[ $PACKETS_READ == *"127.0.0.1.$PORT > 127.0.0.1."* && $PACKETS_READ != *IP6* ]] || fail "$PACKETS_READ"
}

@test "4 MiB there and back: the packets hold each byte" {
    start_server -H 127.0.0.1 -m echo --pcap server.pcapng
    sockx connect --pcap client.pcapng 127.0.0.1 "$PORT" <"$MIB" >out
    same_bytes out "$MIB"
    stop_server
    for side in server client; do
        packets "$side.pcapng"
        for way in in out; do
            "$PYTHON" "$PEERS/packets.py" "$side.pcapng" "$way" >"$way"
            same_bytes "$way" "$MIB"
        done
    done
}

# Without a trace the kernel would move them by itself.
@test "what a pipe or a file gives, and what nothing reads, is there too" {
    start_server -H 127.0.0.1 -m discard --pcap server.pcapng
    sockx connect -N --pcap client.pcapng 127.0.0.1 "$PORT" < <(cat "$MIB")
    sockx connect -N --pcap file.pcapng 127.0.0.1 "$PORT" <"$MIB"
    stop_server
    for side in client file; do
        "$PYTHON" "$PEERS/packets.py" "$side.pcapng" out >out
        same_bytes out "$MIB"
    done
    "$PYTHON" "$PEERS/packets.py" server.pcapng in >in
    cat "$MIB" "$MIB" >both
    same_bytes in both
}

@test "a half-close: data comes after our end" {
    start_server -H 127.0.0.1 -m exec -- sh -c 'cat >/dev/null; echo late'
    equal "$(sockx connect -N --pcap client.pcapng 127.0.0.1 "$PORT" <<<hello)" late
    packets client.pcapng
    [[ $(sed 's/ |.*//' <<<"$PACKETS") == *$'> C S FA 7 1 0\n< S C A 1 8 0\n< S C PA 1 8 5\n> C S A 8 6 0\n< S C FA 6 8 0\n> C S A 8 7 0' ]] ||
        fail "$PACKETS"
}

@test "a reset is one: the peer's, and ours" {
    start_script server.py reset_receiving 6
    run sockx connect --pcap client.pcapng 127.0.0.1 "$PORT" <<<hello
    expect_status 4
    packets client.pcapng
    [[ ${PACKETS##*$'\n'} == '< S C RA '*ECONNRESET ]] || fail "$PACKETS"
    held_input # our end has not been passed on before
    SERVER_TO=/dev/full start_server -H 127.0.0.1 --pcap server.pcapng <"$INPUT"
    run sockx connect 127.0.0.1 "$PORT" <<<hello
    wait_server
    packets server.pcapng
    [[ ${PACKETS##*$'\n'} == '> S C RA '*'| close('* ]] || fail "$PACKETS"
}

@test "refused, over TCP and UDP" {
    free_port
    run sockx connect --pcap client.pcapng 127.0.0.1 "$PORT"
    expect_status 7
    packets client.pcapng
    packets_are <<'END'
> C S S 0 0 0
< S C RA 0 1 0
END
    [[ $PACKETS == *ECONNREFUSED ]]
    for at in 127.0.0.1 ::1; do
        run sockx connect -u --pcap client.pcapng "$at" "$PORT" <<<hello
        expect_status 7
        packets client.pcapng
        [[ $PACKETS == '> C S UDP 6 | send('*$'\n< ICMP '[31]' '[34]' | '*ECONNREFUSED ]] || fail "$PACKETS"
        [[ $PACKETS_READ == *"unreachable"*"udp port $PORT"* || $PACKETS_READ == *"udp port $PORT unreachable"* ]] || fail "$PACKETS_READ"
    done
}

@test "datagrams, each one a packet, from both sides" {
    for at in 127.0.0.1 ::1; do
        start_server -H "$at" -u -m echo --pcap server.pcapng
        equal "$(sockx connect -u --pcap client.pcapng "$at" "$PORT" <<<hello)" hello
        equal "$(sockx connect -u "$at" "$PORT" <<<more)" more
        stop_server
        packets client.pcapng
        packets_are <<<$'> C S UDP 6\n< S C UDP 6'
        packets server.pcapng
        packets_are <<<$'< C S UDP 6\n> S C UDP 6\n< C S UDP 5\n> S C UDP 5'
        [[ $PACKETS == *' | recvmsg('*' | sendmsg('* ]] || fail "$PACKETS"
    done
}

@test "datagrams to all addresses have the one that they came to" {
    start_server -u -m echo --pcap server.pcapng
    equal "$(sockx connect -u 127.0.0.2 "$PORT" <<<hello)" hello
    stop_server
    packets server.pcapng
    [[ $PACKETS_READ == *"> 127.0.0.2.$PORT: "*"127.0.0.2.$PORT > 127.0.0."* ]] || fail "$PACKETS_READ"
}

@test "two clients of a server are two connections" {
    start_server -H 127.0.0.1 -m echo --pcap server.pcapng
    held_input
    start_job sockx connect 127.0.0.1 "$PORT" <"$INPUT"
    echo first >&"$HELD"
    wait_until has_bytes "$JOB_OUT" 6
    equal "$(sockx connect 127.0.0.1 "$PORT" <<<second)" second
    exec {HELD}>&-
    wait_job
    stop_server
    packets server.pcapng
    equal "$(grep -c '^< C S S 0 0 0 | accept' <<<"$PACKETS")" 2
    equal "$(grep -c '^> S C FA ' <<<"$PACKETS")" 2
    equal "$("$PYTHON" "$PEERS/packets.py" server.pcapng in)" $'first\nsecond'
}

@test "over TLS the packets hold the records" {
    serve_tls -m echo --pcap server.pcapng
    equal "$(sockx connect "${TO[@]}" --pcap client.pcapng <<<'a secret')" 'a secret'
    stop_server
    for side in client server; do
        packets "$side.pcapng"
        [[ $PACKETS == *' | '*'"\x16\x03\x0'* ]] || fail "$PACKETS"
        run grep -a 'a secret' "$side.pcapng"
        expect_status 1
    done
    "$PYTHON" "$PEERS/packets.py" server.pcapng in >in
    "$PYTHON" "$PEERS/packets.py" client.pcapng out >out
    same_bytes in out
}

@test "a relay between TCP and a Unix socket: packets of the one, and word of the other" {
    start_unix_server here -m echo
    start_server -H 127.0.0.1 -m relay --to unix:here --pcap server.pcapng
    equal "$(sockx connect 127.0.0.1 "$PORT" <<<hello)" hello
    equal "$(sockx connect 127.0.0.1 "$PORT" <<<hello)" hello
    wait_until has_packets server.pcapng 22
    equal "$(grep -c '^server.pcapng: not all is in it: Unix sockets have no packets$' "$SERVER_ERR")" 1
    packets server.pcapng
    equal "$("$PYTHON" "$PEERS/packets.py" server.pcapng in)" $'hello\nhello'
}

@test "the file can be read while the server runs" {
    start_server -H 127.0.0.1 -m echo --pcap server.pcapng
    packets server.pcapng
    equal "$PACKETS" ''
    equal "$(sockx connect 127.0.0.1 "$PORT" <<<hello)" hello
    wait_until has_packets server.pcapng 11
    packets server.pcapng
}

@test "beside a trace, an explanation and JSON, and without a word alone" {
    start_server -H 127.0.0.1 -m echo
    run --separate-stderr sockx connect --pcap a.pcapng 127.0.0.1 "$PORT" <<<hello
    equal "$stderr" ''
    run --separate-stderr sockx connect --trace --explain --pcap b.pcapng 127.0.0.1 "$PORT" <<<hello
    [[ $stderr == *' send('*'# '* ]] || fail "$stderr"
    run --separate-stderr sockx connect -j --pcap c.pcapng 127.0.0.1 "$PORT" <<<hello
    [[ $stderr != *'"event":"call"'* && $stderr == *'"event":"done"'* ]] || fail "$stderr"
    for file in [abc].pcapng; do
        packets "$file"
        equal "$(grep -c . <<<"$PACKETS")" 11
    done
}

@test "every command that talks has it" {
    start_server -H 127.0.0.1 -m echo
    equal "$(sockx echo --pcap echo.pcapng -H 127.0.0.1 -p "$PORT" hello)" hello
    packets echo.pcapng
    [[ $PACKETS == *hello* ]]
    stop_server
    start_server -H 127.0.0.1 -m greet
    sockx greet --pcap greet.pcapng -H 127.0.0.1 -p "$PORT"
    packets greet.pcapng
    [[ $PACKETS == *' recv('* ]]
    stop_server
    start_server -H 127.0.0.1 -m analyze
    sockx analyze --pcap analyze.pcapng -H 127.0.0.1 -p "$PORT" 'to be' >/dev/null
    packets analyze.pcapng
    [[ $PACKETS == *'to be'* ]]
    sockx connect -z --pcap probe.pcapng 127.0.0.1 "$PORT"
    packets probe.pcapng
    [[ $PACKETS == '> C S S 0 0 0 | connect('* ]]
}

@test "a FIFO is read while it is written" {
    mkfifo fifo
    start_server -H 127.0.0.1 -m echo
    start_job tcpdump -nr fifo
    sockx connect --pcap fifo 127.0.0.1 "$PORT" <"$MIB" >out
    same_bytes out "$MIB"
    wait_job
    equal "$JOB_STATUS" 0
    [[ $(tail -n 2 "$JOB_OUT") == *"127.0.0.1.$PORT > "*"Flags [F.]"*"Flags [.]"* ]] || fail "$(tail -n 2 "$JOB_OUT")"
}

# ---- what fails ----

@test "a disk that is full: it is reported once, and the status is 1 though all bytes went" {
    start_server -H 127.0.0.1 -m echo
    run --separate-stderr sockx connect --pcap /dev/full 127.0.0.1 "$PORT" <<<hello
    expect_status 1
    equal "$output" hello
    equal "$stderr" '/dev/full: the packets end here: No space left on device'
    run --separate-stderr sockx connect -j --pcap /dev/full 127.0.0.1 "$PORT" <<<hello
    expect_status 1
    [[ $stderr == *'"event":"capture.failed"'*'"event":"error"'*"'/dev/full' is not complete"* ]] || fail "$stderr"
    [[ $stderr != *'"event":"done"'* ]]
    free_port
    run --separate-stderr sockx connect --pcap /dev/full 127.0.0.1 "$PORT" <<<hello
    expect_status 7
}

@test "a disk that fills up: the file ends with a whole packet" {
    start_server -H 127.0.0.1 -m echo
    run bash -c 'trap "" XFSZ; ulimit -f 1000; exec "$SOCKX" connect --pcap cut.pcapng 127.0.0.1 "$1" <"$2" | cmp - "$2"
        exit "${PIPESTATUS[0]}"' - "$PORT" "$MIB"
    expect_status 1
    equal "$output" 'cut.pcapng: the packets end here: File too large'
    packets cut.pcapng
}

@test "a file that cannot be made: status 2 before anything is opened" {
    run --separate-stderr sockx connect --pcap no/such 127.0.0.1 1
    expect_status 2
    [[ $stderr == *"cannot write packets to 'no/such': No such file or directory"*'hint: '* ]] || fail "$stderr"
    run --separate-stderr sockx serve --pcap . 0
    expect_status 2
    [[ $stderr != *listening* ]]
    run --separate-stderr sockx connect --pcap - 127.0.0.1 1
    expect_status 2
    [[ $stderr == *"'--pcap -': standard output is for data"* ]] || fail "$stderr"
}

@test "a line that is wrong empties no file, nor does a program that has the socket" {
    echo kept >file
    run --separate-stderr sockx serve -m exec --pass-socket --pcap file 0 -- cat
    expect_status 2
    [[ $stderr == *"'--pcap' and '--pass-socket' cannot be combined"* ]] || fail "$stderr"
    run sockx serve --once --exit-after 2 --pcap file 0
    expect_status 2
    equal "$(cat file)" kept
}
