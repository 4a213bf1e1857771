#!/usr/bin/env bats
# bats file_tags=unit
#
# --hexdump: the bytes of every connection, on standard error or in a file; the bytes that are rebuilt from the rows are
# those that were sent and received.

# shellcheck disable=SC2154 # run sets output, stderr and status
load helper
load unix
load tls

# FILE CONN DIRECTION [messages]: the bytes, or "[one][two]", that it shows; <> where they are the same both ways.
undump() {
    "$PYTHON" "$PEERS/undump.py" "$@"
}

# FILE: the rows of a dump among what was said on a standard error.
rows_of() {
    grep -E '^ *[0-9]+\.[0-9]{6} ' "$1"
}

# CLIENT SERVER CONN TEXT: both dumps have the text that was sent and came back.
both_have() {
    equal "$(undump "$1" 1 '<>')" "$4"
    equal "$(undump "$2" "$3" '<>')" "$4"
}

# ARG...: an echo over the address, dumped on both sides, to standard error and to a file.
echoes_at() {
    equal "$(printf 'hello, world: 23 bytes.' | sockx connect -N --hexdump=client "$@" 2>said)" \
        'hello, world: 23 bytes.'
    equal "$(cat said)" ''
    rows_of "$SERVER_ERR" >server
    both_have client server 1 'hello, world: 23 bytes.'
}

@test "TCP, IPv4 and IPv6" {
    start_server -m echo -H 127.0.0.1 -x
    echoes_at 127.0.0.1 "$PORT"
    start_server -m echo -H ::1 -x
    echoes_at ::1 "$PORT"
}

@test "Unix stream sockets" {
    start_unix_server ./socket -m echo -x
    echoes_at -U ./socket
}

@test "TLS: the plain text" {
    serve_tls -m echo -x
    equal "$(printf 'hello, world: 23 bytes.' | sockx connect --hexdump=client "${TO[@]}" 2>said)" \
        'hello, world: 23 bytes.'
    rows_of "$SERVER_ERR" >server
    both_have client server 1 'hello, world: 23 bytes.'
}

@test "on standard error, beside what else is said" {
    start_server -m echo -H 127.0.0.1
    run --separate-stderr sockx connect -vx 127.0.0.1 "$PORT" < <(printf hello)
    expect_status 0
    equal "$output" hello
    [[ $stderr == *$'connected to 127.0.0.1:'*$'\n'*' 1 > 00000000  68 65 6c 6c 6f   '*'|hello|'*' 1 < 00000000  68 65 6c 6c 6f   '* ]] ||
        fail "$stderr"
}

# KIND: each datagram is whole, also an empty one; a message is no place in a stream.
messages_of() {
    local -a at=("${@:2}")

    "$PYTHON" - "${at[@]}" <<'END'
import socket, sys

kind, where = sys.argv[1:3]
if kind == "udp":
    peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    peer.connect(("127.0.0.1", int(where)))
else:
    peer = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM if kind == "datagram" else socket.SOCK_SEQPACKET)
    if kind == "datagram":
        peer.bind("./peer")
    peer.connect(where)
peer.settimeout(10)
for message in b"one", b"", b"0123456789abcdef0", b"":
    if kind == "seqpacket" and not message:
        continue # its end
    peer.send(message)
    assert peer.recv(100) == message
END
    rows_of "$SERVER_ERR" >server
    equal "$(undump server 1 '<>' messages)" "$1"
}

@test "UDP: each datagram, also an empty one" {
    start_server -u -m echo -H 127.0.0.1 -x
    messages_of '[one][][0123456789abcdef0][]' udp "$PORT"
}

@test "Unix datagrams and packets" {
    start_unix_server ./datagram -u -m echo -x
    messages_of '[one][][0123456789abcdef0][]' datagram ./datagram
    start_unix_server ./seqpacket --seqpacket -m echo -x
    messages_of '[one][0123456789abcdef0]' seqpacket ./seqpacket
}

@test "a client's datagrams" {
    start_server -u -m echo -H 127.0.0.1
    sockx echo -u --hexdump=client -H 127.0.0.1 -p "$PORT" 'one datagram' >out
    equal "$(undump client 1 '<>' messages)" '[one datagram]'
}

@test "two clients have their numbers" {
    start_server -m echo -H 127.0.0.1 --hexdump=server
    equal "$(sockx echo -H 127.0.0.1 -p "$PORT" first)" first
    equal "$(sockx echo -H 127.0.0.1 -p "$PORT" second)" second
    equal "$(undump server 1 '<>')" first
    equal "$(undump server 2 '<>')" second
}

@test "a relay: its own connections have a mark" {
    start_server -m echo -H 127.0.0.1
    start_server -m relay -H 127.0.0.1 --to "127.0.0.1:$PORT" --hexdump=relay
    equal "$(printf 'through it' | sockx connect -N 127.0.0.1 "$PORT")" 'through it'
    for conn in 1 1+; do
        equal "$(undump relay "$conn" '<>')" 'through it'
    done
}

@test "greet, analyze, discard, exec and a chat" {
    start_server -m greet -H 127.0.0.1
    sockx greet --hexdump=dump -H 127.0.0.1 -p "$PORT" Ada >out
    equal "$(undump dump 1 '>')" Ada
    equal "$(undump dump 1 '<')" "$(cat out)"
    start_server -m analyze -H 127.0.0.1
    sockx analyze --hexdump=dump -H 127.0.0.1 -p "$PORT" 'to be or not to be' >out
    equal "$(undump dump 1 '>')" 'to be or not to be'
    [ -n "$(undump dump 1 '<')" ]
    start_server -m discard -H 127.0.0.1 --hexdump=dump
    printf 'for nothing' | sockx connect -N 127.0.0.1 "$PORT"
    stop_server
    equal "$(undump dump 1 '<')" 'for nothing'
    start_server -m exec -H 127.0.0.1 --hexdump=exec.dump -- tr a-z A-Z
    equal "$(printf 'for tr' | sockx connect -N 127.0.0.1 "$PORT")" 'FOR TR'
    equal "$(undump exec.dump 1 '<')" 'for tr'
    equal "$(undump exec.dump 1 '>')" 'FOR TR'
    start_server -m chat -H 127.0.0.1 --hexdump=dump </dev/null
    printf 'Ada\nhello\n' | sockx connect 127.0.0.1 "$PORT" >out
    wait_server
    equal "$(undump dump 1 '<')" $'Ada\nhello'
    equal "$(undump dump 1 '>')" "$(cat out)"
}

@test "a measurement: every message of every connection" {
    start_server -m echo -H 127.0.0.1
    sockx echo --hexdump=dump -H 127.0.0.1 -p "$PORT" --count 30 --interval 0 --size 100 --connections 3 -j >out
    has_line out '"lost":0,'
    for conn in 1 2 3; do
        undump dump "$conn" '<>' >bytes
        [ "$(stat -c %s bytes)" -ge 1000 ]
    done
}

@test "2 MiB in each direction, rebuilt from the file" {
    random_file bytes 2M
    start_server -m echo -H 127.0.0.1 --hexdump=server
    LIMIT=60 sockx connect -N --hexdump=client 127.0.0.1 "$PORT" <bytes >back
    same_bytes bytes back
    stop_server
    for dump in client server; do
        undump "$dump" 1 '<>' | same_bytes bytes -
    done
}

@test "from a file to a file, where the kernel would move the bytes" {
    random_file bytes 300K
    SERVER_TO=to start_server --hexdump=server -H 127.0.0.1 </dev/null
    sockx connect --hexdump=client 127.0.0.1 "$PORT" <bytes
    wait_server
    same_bytes bytes to
    undump client 1 '>' | same_bytes bytes -
    undump server 1 '<' | same_bytes bytes -
}

# What is in the file now, and has been since: SIGKILL leaves no time for more.
@test "a file has all that has passed, as it passes" {
    start_server -m echo -H 127.0.0.1 --hexdump=dump
    equal "$(sockx echo -H 127.0.0.1 -p "$PORT" text)" text
    equal "$(undump dump 1 '>')" text
    stop_server KILL
    equal "$(undump dump 1 '<')" text
}

@test "a server in the background" {
    local pid

    sockx serve -m echo -H 127.0.0.1 -p 0 --background --hexdump=dump >place 2>said
    read -r pid _ PORT <place
    equal "$(sockx echo -H 127.0.0.1 -p "$PORT" text)" text
    kill "$pid"
    wait_until is_gone "$pid"
    equal "$(undump dump 1 '<>')" text
}

# bats test_tags=once
@test "memory is bounded" {
    start_server -m discard -H 127.0.0.1 --hexdump=/dev/null
    LIMIT=60 sockx connect -N --hexdump=/dev/null 127.0.0.1 "$PORT" < <(head -c 64M /dev/zero)
    [ "$(awk '/VmHWM/ { print $2 }' "/proc/$SERVER_PID/status")" -lt 20000 ]
}

@test "a full disk is reported once; the run goes on, and its status is 1" {
    start_server -m echo -H 127.0.0.1
    run --separate-stderr sockx connect -N --hexdump=/dev/full 127.0.0.1 "$PORT" < <(printf hello)
    expect_status 1
    equal "$output" hello
    equal "$stderr" "cannot write the dump /dev/full: No space left on device; it ends here
sockx: the dump '/dev/full' is not complete
hint: when that began was reported, with the reason"
    run --separate-stderr sockx connect -j -N --hexdump=/dev/full 127.0.0.1 "$PORT" < <(printf hello)
    expect_status 1
    [[ $stderr == *'"event":"dump.failed","path":"/dev/full","reason":"No space left on device"}'* ]] || fail "$stderr"
    [[ $stderr == *'"event":"error","kind":"runtime","exit":1,'* ]] || fail "$stderr"
}

@test "a file that has reached the limit of a file's size" {
    start_server -m echo -H 127.0.0.1
    random_file bytes 64K
    run bash -c 'ulimit -f 16; exec "$@"' bash "$SOCKX" connect -N --hexdump=dump 127.0.0.1 "$PORT" <bytes
    expect_status 1
    [[ $output == *'cannot write the dump dump: File too large; it ends here'* ]] || fail "${output: -300}"
    [ "$(stat -c %s dump)" -gt 16000 ]
    equal "$(tail -c 1 dump)" '' # its last row is whole
}

@test "a file that something else reads or writes is refused, and left as it is" {
    start_server -m echo -H 127.0.0.1
    for option in --hexdump=file --pcap=file; do
        echo precious >file
        run --separate-stderr sockx connect "$option" 127.0.0.1 "$PORT" <file
        expect_status 2
        [[ $stderr == *"'file': it is standard input, too"* ]] || fail "$stderr"
        run bash -c '"$1" connect "$2" 127.0.0.1 "$3" </dev/null >>file' bash "$SOCKX" "$option" "$PORT"
        expect_status 2
        equal "$(cat file)" precious
    done
    start_server -m echo -H 127.0.0.1 --pcap=taken
    run --separate-stderr sockx connect --hexdump=taken 127.0.0.1 "$PORT" </dev/null
    expect_status 2
    [[ $stderr == *"'taken': it is being written already"* ]] || fail "$stderr"
}

@test "another error's status is kept" {
    free_port
    run -7 sockx connect --hexdump=/dev/full 127.0.0.1 "$PORT"
}

@test "a closed standard error" {
    start_server -m echo -H 127.0.0.1
    equal "$(printf hello | sockx connect -Nx 127.0.0.1 "$PORT" 2>&-)" hello
}

@test "a pipe that is not read does not stop a server: rows are dropped, and counted" {
    local dropped line

    mkfifo pipe
    exec {HELD}<>pipe
    "$SOCKX" serve -m echo -H 127.0.0.1 -p 0 --ready ready -x 2>pipe 3>&- {HELD}>&- &
    account_for_server $! /dev/null
    wait_until test -s ready
    read -r _ PORT <ready
    sockx echo -H 127.0.0.1 -p "$PORT" --count 1000 --interval 0 --size 64 -jQ >out
    has_line out '"sent":1000,"received":1000,"lost":0,'
    cat pipe >said {HELD}>&- &
    jobs_left+=($!)
    wait_until has_bytes said 60000
    equal "$(sockx echo -H 127.0.0.1 -p "$PORT" more)" more
    stop_server
    exec {HELD}>&-
    wait "${jobs_left[-1]}"
    dropped=$(awk '/standard error took no more; lines dropped: / { sum += $NF } END { print sum + 0 }' said)
    [ "$dropped" -gt 1000 ] || fail "dropped: $dropped"
    while IFS= read -r line; do
        [[ $line =~ ^(\ *[0-9]+\.[0-9]{6}\ +[0-9]+\ [\<\>]\ [0-9a-f]{8}\ \ .*\|.*\||listening on .*|standard error took no more.*)$ ]] ||
            fail "not a line: $line"
    done <said
}

@test "a peer's bytes cannot steer a terminal" {
    start_server -m echo -H 127.0.0.1 -x
    printf '\e[31m\a\x9b1m"\\\r\u202e\xff\0\n' | sockx connect -Nx 127.0.0.1 "$PORT" >out 2>said
    run ! grep -qP '[^\x20-\x7e]' said
    run ! grep -qP '[^\x20-\x7e]' "$SERVER_ERR"
    has_line said '1b 5b 33 31 6d 07 9b 31  6d 22 5c 0d e2 80 ae ff  \|\.\[31m\.\.1m"\\\.\.\.\.\.\|$'
}

@test "the time is that of the trace" {
    start_server -m echo -H 127.0.0.1
    printf hello | sockx connect -Nx --trace 127.0.0.1 "$PORT" >out 2>said
    LC_ALL=C sort -c -k 1,1n said
    grep -A 1 -E ' 1 send\([0-9]+, "hello", 5\) = 5 ' said | tail -n 1 | grep -qE ' 1 > 00000000  68 65 6c 6c 6f '
}

# ARG... : refused, with what is in WHAT and HINT, before anything connects.
refused() {
    run --separate-stderr sockx "$@"
    expect_status 2
    [[ $stderr == *"$WHAT"*"$HINT"* ]] || fail "$stderr"
}

@test "what cannot be meant" {
    HINT=--hexdump=FILE
    WHAT="'-x' and '--json' cannot be combined" refused connect -xj 127.0.0.1 1
    WHAT="'-x' and '--trace=mermaid' cannot be combined" refused serve -x --trace=mermaid
    WHAT="'proxy:1080' is one word too many: '-x' takes no value" refused connect -x proxy:1080 127.0.0.1 80
    WHAT="'proxy:1080' is one word too many" refused connect -x proxy:1080 host:80
    WHAT="unknown option '--hex-dump'" refused connect --hex-dump file 127.0.0.1 80
    HINT='is not ours to see' WHAT="'-x' and '--pass-socket' cannot be combined" \
        refused serve -m exec --pass-socket -x -p 0 -- cat
    HINT='transfers nothing' WHAT="'--zero' and '-x' cannot be combined" refused connect -zx 127.0.0.1 80
    HINT='' WHAT="'' is not a value for '--hexdump'" refused connect --hexdump= 127.0.0.1 80
    mkfifo fifo
    HINT='standard error' WHAT="cannot write the dump 'fifo': it is no file" refused serve -p 0 --hexdump=fifo
    HINT=./- WHAT="cannot write the dump '-': standard output" refused serve -p 0 --hexdump=-
    HINT='' WHAT="'none/dump': No such file or directory" refused serve -p 0 --hexdump=none/dump
}

@test "a line that cannot be run does not empty the file" {
    echo old >dump
    echo old >packets
    run -2 sockx connect --hexdump=dump 127.0.0.1 80 90
    run -2 sockx serve --hexdump=dump -p 0 -m chat --to host
    run -2 sockx echo --hexdump=dump --pcap packets -p 99999 hi
    run -2 sockx echo --hexdump=dump --pcap packets --size 5 hi
    run -2 sockx greet --hexdump=dump --pcap packets --tls-pin x Ada
    run -2 sockx analyze --hexdump=dump --pcap packets -s 999.1.1.1 text
    run -2 sockx connect -xj --pcap packets 127.0.0.1 80
    equal "$(cat dump)" old
    equal "$(cat packets)" old
    HINT='two files' WHAT="'--hexdump' and '--pcap' cannot both write to 'dump'" \
        refused connect --hexdump=dump --pcap dump 127.0.0.1 80
    equal "$(cat dump)" old
}
