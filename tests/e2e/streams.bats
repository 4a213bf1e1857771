# shellcheck disable=SC2030,SC2031,SC2034,SC2153,SC2154 # tests are processes; run sets output
# bats file_tags=unit
#
# Standard input, output and error of every kind: bytes are kept, nothing waits for anything that it
# need not wait for, and what we share with others is left as it was.

load helper

on_tty() {
    timeout 30 "$PYTHON" "$PEERS/on_terminal.py" "$@"
}

# KIND BYTES CMD...: a text goes in at 0 and comes out at 1, all of 0, 1 and 2 being of that kind,
# and no flag of them changes (peers/streams.py watches).
through() {
    local kind=$1 bytes=$2

    shift 2
    # Lines, for a terminal; none of its special characters.
    random_file "$BATS_TEST_TMPDIR/random" "$bytes"
    base64 -w 70 "$BATS_TEST_TMPDIR/random" >"$BATS_TEST_TMPDIR/in"
    run --separate-stderr timeout 30 "$PYTHON" "$PEERS/streams.py" "$kind" \
        "$BATS_TEST_TMPDIR/in" "$BATS_TEST_TMPDIR/out" "$@"
    expect_status 0
    same_bytes "$BATS_TEST_TMPDIR/in" "$BATS_TEST_TMPDIR/out"
    [[ $output == "looks "[1-9]* ]]
}

# ---- every kind, and its flags ----

connect_through() {
    start_server -m echo
    through "$1" 1500000 "$SOCKX" connect -N localhost "$PORT"
}

@test "connect: 0, 1 and 2 are files, and their flags stay" { connect_through file; }
@test "connect: 0, 1 and 2 are pipes, and their flags stay" { connect_through pipe; }
@test "connect: 0, 1 and 2 are sockets, and their flags stay" { connect_through socket; }

echo_through() {
    start_server -m echo
    through "$1" 1500000 "$SOCKX" echo -p "$PORT"
}

@test "echo: 0, 1 and 2 are files, and their flags stay" { echo_through file; }
@test "echo: 0, 1 and 2 are pipes, and their flags stay" { echo_through pipe; }
@test "echo: 0, 1 and 2 are sockets, and their flags stay" { echo_through socket; }

@test "connect: 0, 1 and 2 are a terminal, and their flags stay" {
    start_server -m echo
    through tty 30000 "$SOCKX" connect -N localhost "$PORT"
}

@test "echo: 0, 1 and 2 are a terminal, and their flags stay" {
    start_server -m echo
    through tty 30000 "$SOCKX" echo -p "$PORT"
}

serve_through() {
    free_port
    # The bytes come back by a client that is an echo.
    start_job "$PYTHON" "$PEERS/client.py" boomerang "$PORT"
    through "$1" "$2" "$SOCKX" serve -p "$PORT"
}

@test "serve: 0, 1 and 2 are files, and their flags stay" { serve_through file 1500000; }
@test "serve: 0, 1 and 2 are pipes, and their flags stay" { serve_through pipe 1500000; }
@test "serve: 0, 1 and 2 are sockets, and their flags stay" { serve_through socket 1500000; }
@test "serve: 0, 1 and 2 are a terminal, and their flags stay" { serve_through tty 30000; }

@test "a flag that changed would be seen" {
    echo >"$BATS_TEST_TMPDIR/in"
    run "$PYTHON" "$PEERS/streams.py" pipe "$BATS_TEST_TMPDIR/in" "$BATS_TEST_TMPDIR/out" \
        "$PYTHON" -c 'import os, time; os.set_blocking(1, False); time.sleep(0.5); os.set_blocking(1, True)'
    expect_status 1
    [[ $output == *"flags of [1] changed"* ]]
}

@test "what was non-blocking is used, and stays so" {
    start_server -m echo
    random_file "$BATS_TEST_TMPDIR/in" 2000000
    run timeout 30 "$PYTHON" -c '
import fcntl, os, subprocess, sys, threading, time
source, out = open(sys.argv[1], "rb").read(), bytearray()
give, take = os.pipe(), os.pipe()
for fd in (give[0], take[1]):
    os.set_blocking(fd, False)
program = subprocess.Popen(sys.argv[2:], stdin=give[0], stdout=take[1])
def feed():
    with os.fdopen(give[1], "wb") as pipe:
        for at in range(0, len(source), 100000):
            pipe.write(source[at : at + 100000])
            time.sleep(0.001)
def collect():
    while data := os.read(take[0], 65536):
        out.extend(data)
        time.sleep(0.0005)
workers = [threading.Thread(target=feed), threading.Thread(target=collect)]
for worker in workers:
    worker.start()
status = program.wait()
flags = [fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_NONBLOCK for fd in (give[0], take[1])]
os.close(take[1])
for worker in workers:
    worker.join()
print(status, bytes(out) == source, all(flags))
' "$BATS_TEST_TMPDIR/in" "$SOCKX" connect -N localhost "$PORT"
    expect_status 0
    equal "$output" "0 True True"
}

@test "standard output appends where it was opened to append" {
    start_server -m echo
    echo before >"$BATS_TEST_TMPDIR/log"
    sockx connect -N localhost "$PORT" <<<"behind" >>"$BATS_TEST_TMPDIR/log"
    equal "$(cat "$BATS_TEST_TMPDIR/log")" "before
behind"
}

@test "a file's place is shared with the programs that read and write it after us" {
    start_server -m echo
    printf 'one\ntwo\n' >"$BATS_TEST_TMPDIR/in"
    run bash -c "{ read -r line; timeout 20 '$SOCKX' connect -N localhost $PORT; echo three; } <'$BATS_TEST_TMPDIR/in' >'$BATS_TEST_TMPDIR/out'"
    equal "$(cat "$BATS_TEST_TMPDIR/out")" "two
three"
}

@test "standard input is /dev/null, /dev/zero, or empty" {
    start_server -m echo
    run sockx connect -N localhost "$PORT" </dev/null
    expect_status 0
    equal "$output" ""
    : >"$BATS_TEST_TMPDIR/empty"
    run sockx connect -N localhost "$PORT" <"$BATS_TEST_TMPDIR/empty"
    expect_status 0
    equal "$(sockx connect localhost "$PORT" </dev/zero 2>/dev/null | head -c 1000000 | wc -c)" 1000000
}

@test "one socket is both standard input and output" {
    start_server -m echo
    run timeout 20 "$PYTHON" -c '
import socket, subprocess, sys
ours, theirs = socket.socketpair()
program = subprocess.Popen(sys.argv[1:], stdin=theirs, stdout=theirs)
theirs.close()
ours.sendall(b"there and back")
got = ours.recv(100)
ours.shutdown(socket.SHUT_WR)
rest = ours.recv(100)
print(got, rest, program.wait())
' "$SOCKX" connect -N localhost "$PORT"
    expect_status 0
    equal "$output" "b'there and back' b'' 0"
}

# ---- a terminal ----

# What a server may say, and what of it may reach a terminal.
HOSTILE=$'plain \e[2J \e]0;title\x07 \xc2\x9b31m a\rb \xe2\x80\xae reversed \xff end\r\n\tcaf\xc3\xa9\n'

only_harmless() {
    "$PYTHON" -c '
import sys
text = sys.stdin.buffer.read().decode("utf-8")
bad = [c for c in text if c not in "\n\t\r" and (ord(c) < 32 or 127 <= ord(c) < 160 or c in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")]
assert not bad, bad
assert "\r" not in text.replace("\r\n", ""), repr(text)
for kept in ("plain", "reversed", "end", "café"):
    assert kept in text, (kept, text)
'
}

@test "connect shows what would control a terminal" {
    printf %s "$HOSTILE" >"$BATS_TEST_TMPDIR/hostile"
    start_script server.py say <"$BATS_TEST_TMPDIR/hostile"
    on_tty --no-input "$SOCKX" connect -Q localhost "$PORT" >"$BATS_TEST_TMPDIR/seen"
    only_harmless <"$BATS_TEST_TMPDIR/seen"
}

@test "connect --raw passes it on" {
    printf %s "$HOSTILE" >"$BATS_TEST_TMPDIR/hostile"
    start_script server.py say <"$BATS_TEST_TMPDIR/hostile"
    on_tty --no-input "$SOCKX" connect -Q --raw localhost "$PORT" >"$BATS_TEST_TMPDIR/seen"
    same_bytes "$BATS_TEST_TMPDIR/hostile" "$BATS_TEST_TMPDIR/seen"
}

@test "connect passes it on to a pipe and a file" {
    printf %s "$HOSTILE" >"$BATS_TEST_TMPDIR/hostile"
    start_script server.py say <"$BATS_TEST_TMPDIR/hostile"
    sockx connect localhost "$PORT" </dev/null >"$BATS_TEST_TMPDIR/seen"
    same_bytes "$BATS_TEST_TMPDIR/hostile" "$BATS_TEST_TMPDIR/seen"
    start_script server.py say <"$BATS_TEST_TMPDIR/hostile"
    sockx connect localhost "$PORT" </dev/null | cat >"$BATS_TEST_TMPDIR/seen"
    same_bytes "$BATS_TEST_TMPDIR/hostile" "$BATS_TEST_TMPDIR/seen"
}

@test "serve shows what would control a terminal" {
    printf %s "$HOSTILE" >"$BATS_TEST_TMPDIR/hostile"
    free_port
    start_job "$PYTHON" "$PEERS/on_terminal.py" --no-input "$SOCKX" serve -Q -p "$PORT"
    wait_until is_listening "$PORT"
    sockx connect localhost "$PORT" <"$BATS_TEST_TMPDIR/hostile"
    wait_job
    equal "$JOB_STATUS" 0
    only_harmless <"$JOB_OUT"
}

@test "echo shows what would control a terminal" {
    printf %s "$HOSTILE" >"$BATS_TEST_TMPDIR/hostile"
    start_server -m echo
    on_tty --no-input bash -c "'$SOCKX' echo -Q -p $PORT <'$BATS_TEST_TMPDIR/hostile'" >"$BATS_TEST_TMPDIR/seen"
    only_harmless <"$BATS_TEST_TMPDIR/seen"
}

@test "echo shows what would control a terminal in an answer that is no echo" {
    printf %s "$HOSTILE" >"$BATS_TEST_TMPDIR/hostile"
    start_script server.py say <"$BATS_TEST_TMPDIR/hostile"
    run on_tty --no-input env NO_COLOR=1 "$SOCKX" echo -p "$PORT" hello # what is left is the peer's
    expect_status 9
    [[ $output != *[$'\e\x07']* ]] || fail "$(cat -v <<<"$output")"
}

@test "an error about hostile words is as harmless" {
    run on_tty env NO_COLOR=1 "$SOCKX" connect $'\e[2Jevil'
    expect_status 2
    [[ $output != *$'\e'* ]]
    [[ $output == *'\x1b[2Jevil'* ]]
}

@test "connect on a terminal ends when the server does" {
    start_script server.py greet 5
    held_input
    on_tty --timeout 10 "$SOCKX" connect -Q localhost "$PORT" <"$INPUT" >"$BATS_TEST_TMPDIR/seen"
    equal "$(cat "$BATS_TEST_TMPDIR/seen")" ggggg
}

@test "connect on a terminal tells to whom it is connected, and -Q does not" {
    start_script server.py greet 5
    on_tty --no-input "$SOCKX" connect 127.0.0.1 "$PORT" >"$BATS_TEST_TMPDIR/seen"
    has_line "$BATS_TEST_TMPDIR/seen" "^connected to 127\.0\.0\.1:$PORT \(tcp\)"
    on_tty --no-input "$SOCKX" connect -Q 127.0.0.1 "$PORT" >"$BATS_TEST_TMPDIR/seen"
    equal "$(cat "$BATS_TEST_TMPDIR/seen")" ggggg
}

@test "serve on a terminal tells who comes and goes" {
    free_port
    start_job "$PYTHON" "$PEERS/on_terminal.py" --no-input "$SOCKX" serve -m echo -H 127.0.0.1 -p "$PORT" --once
    wait_until is_listening "$PORT"
    sockx echo -H 127.0.0.1 -p "$PORT" hello
    wait_job
    equal "$JOB_STATUS" 0
    has_line "$JOB_OUT" '127\.0\.0\.1:[0-9]+ connected'
    has_line "$JOB_OUT" '127\.0\.0\.1:[0-9]+ done, 5 bytes received, 5 sent'
}

# ---- a terminal that takes nothing for a moment ----

@test "what a terminal did not take at once is shown when it does" {
    free_port
    start_job timeout 20 "$PYTHON" "$PEERS/full_terminal.py" 0.5 "$SOCKX" serve -m echo -H 127.0.0.1 -p "$PORT" --once
    wait_until is_listening "$PORT"
    wait_until has_line "$JOB_OUT" '^listening on 127\.0\.0\.1:'
    sockx echo -H 127.0.0.1 -p "$PORT" hello
    wait_job
    equal "$JOB_STATUS" 0
    has_line "$JOB_OUT" '^1: 127\.0\.0\.1:[0-9]+ done, 5 bytes received, 5 sent'
}

@test "an error waits a moment for a terminal that takes nothing, and no longer" {
    run --separate-stderr timeout 20 "$PYTHON" "$PEERS/full_terminal.py" 0.05 "$SOCKX" serve --color=never -p 99999
    expect_status 2
    [[ $output == *"'99999' is not a port"* ]]
    timed run --separate-stderr timeout 20 "$PYTHON" "$PEERS/full_terminal.py" -1 "$SOCKX" serve --color=never -p 99999
    expect_status 2
    equal "$output" ""
    took_between 0 3000
}

# bats test_tags=long
@test "200 clients and their server share a terminal: each is reported" {
    free_port
    on_tty bash -c "
        '$SOCKX' serve -m echo -H 127.0.0.1 -p $PORT --exit-after 200 &
        until ss -Hltn sport = :$PORT | grep -q LISTEN; do sleep 0.01; done
        for i in {1..200}; do '$SOCKX' connect -N 127.0.0.1 $PORT </dev/null & done
        wait" >"$BATS_TEST_TMPDIR/seen"
    equal "$(grep -Ec '^[0-9]+: .* connected$' "$BATS_TEST_TMPDIR/seen")" 200
    equal "$(grep -Ec '^connected to ' "$BATS_TEST_TMPDIR/seen")" 200
    equal "$(grep -Ec '^[0-9]+: .* done, ' "$BATS_TEST_TMPDIR/seen")" 200
}

@test "a line typed at a terminal goes out at once" {
    start_script server.py keep
    held_input
    start_job "$PYTHON" "$PEERS/on_terminal.py" "$SOCKX" connect -Q localhost "$PORT" <"$INPUT"
    echo typed >&"$HELD"
    wait_until has_line "$PEER_OUT" '^typed$'
}

@test "a terminal's modes are as they were" {
    start_script server.py greet 5
    run on_tty bash -c "before=\$(stty -g); '$SOCKX' connect -Q localhost $PORT; [ \"\$before\" = \"\$(stty -g)\" ] && echo kept"
    [[ $output == *kept* ]]
}

# ---- a reader that does not read ----

# Make FIFO and open it so that its pipe is full and stays so (fd 8).
full_pipe() {
    mkfifo "$1"
    exec 8<>"$1"
    "$PYTHON" -c '
import os
os.set_blocking(8, False)
try:
    while True:
        os.write(8, b"x" * 4096)
except BlockingIOError:
    pass
os.set_blocking(8, True)
'
}

@test "a standard error that is full never blocks the server" {
    full_pipe "$BATS_TEST_TMPDIR/full"
    free_port
    "$SOCKX" serve -m echo -v -p "$PORT" 2>"$BATS_TEST_TMPDIR/full" 3>&- 8>&- &
    SERVER_PORT=$PORT adopt_server $! /dev/null
    for n in 1 2 3 4 5; do
        run sockx echo -p "$PORT" "client $n"
        expect_status 0
    done
    stop_server
    equal "$SERVER_STATUS" 0
}

@test "a standard error whose reader is gone never ends the server" {
    free_port
    LAUNCHER=(env --default-signal=PIPE)
    "${LAUNCHER[@]}" "$SOCKX" serve -m echo -v -p "$PORT" 2> >(exec head -n 1 >/dev/null) 3>&- &
    SERVER_PORT=$PORT adopt_server $! /dev/null
    for n in 1 2 3 4 5; do
        run sockx echo -p "$PORT" "client $n"
        expect_status 0
    done
    stop_server
    equal "$SERVER_STATUS" 0
}

@test "a standard error on a full disk changes nothing" {
    free_port
    "$SOCKX" serve -m echo -v -p "$PORT" 2>/dev/full 3>&- &
    SERVER_PORT=$PORT adopt_server $! /dev/null
    run sockx echo -p "$PORT" hello
    expect_status 0
    stop_server
    equal "$SERVER_STATUS" 0
}

@test "an error message that is not read does not keep a client" {
    full_pipe "$BATS_TEST_TMPDIR/full"
    free_port
    run bash -c "timeout 5 '$SOCKX' connect localhost $PORT 2>'$BATS_TEST_TMPDIR/full'"
    expect_status 7
}

@test "a standard output that is full does not keep a pipe's other direction" {
    full_pipe "$BATS_TEST_TMPDIR/full"
    random_file "$BATS_TEST_TMPDIR/in" 3000000
    SERVER_TO=$BATS_TEST_TMPDIR/full start_server <"$BATS_TEST_TMPDIR/in"
    start_job bash -c "exec '$SOCKX' connect localhost $PORT </dev/zero"
    wait_until has_bytes "$JOB_OUT" 3000000
    same_bytes "$BATS_TEST_TMPDIR/in" "$JOB_OUT"
    stop_server
}

@test "a server told to stop does not wait for ever for the reader of its standard output" {
    full_pipe "$BATS_TEST_TMPDIR/full"
    SERVER_TO=$BATS_TEST_TMPDIR/full start_server
    sockx connect localhost "$PORT" <<<"nobody reads this"
    stop_server
    equal "$SERVER_STATUS" 4
}

@test "terminal output that is stopped does not keep the other direction" {
    start_script server.py chatter
    random_file "$BATS_TEST_TMPDIR/in" 1000000
    start_job "$PYTHON" -c '
import os, pty, subprocess, sys
master, slave = pty.openpty()
program = subprocess.Popen(sys.argv[2:], stdin=open(sys.argv[1], "rb"), stdout=slave)
program.wait()
' "$BATS_TEST_TMPDIR/in" "$SOCKX" connect -Q localhost "$PORT"
    wait_until has_bytes "$PEER_OUT" 1000000
    same_bytes "$BATS_TEST_TMPDIR/in" "$PEER_OUT"
}

# ---- kernels ----

@test "pipes without RWF_NOWAIT, as before Linux 6.4: every byte arrives, and no flag changes" {
    local data=$BATS_TEST_TMPDIR/data

    strace -D -qq -o /dev/null true 2>"$data.strace" ||
        skip "strace cannot attach: $(head -n 1 "$data.strace")"
    random_file "$data" 3000000
    start_server -m echo
    # LeakSanitizer, where it is built in, cannot work beside strace.
    local -x ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0
    # shellcheck disable=SC2002 # its input is to be a pipe
    cat "$data" | timeout 20 strace -D -f -qq -o "$data.calls" \
        -e inject=preadv2,pwritev2:error=EOPNOTSUPP "$SOCKX" connect -N --no-splice 127.0.0.1 "$PORT" |
        cat >"$data.back"
    same_bytes "$data" "$data.back"
    has_line "$data.calls" 'preadv2.*EOPNOTSUPP'
    has_line "$data.calls" 'pwritev2.*EOPNOTSUPP'
    run ! has_line "$data.calls" 'F_SETFL'
}

@test "what follows urgent data is read at once, too" {
    start_server -m echo
    timeout -k 1 20 "$PYTHON" "$PEERS/short_reads.py" urgent "$PORT" "$SERVER_PID"
}
