# shellcheck disable=SC2030,SC2031,SC2153,SC2154 # tests are processes; run sets output
# bats file_tags=unit
#
# sockx connect: when it ends, what it passes on, and what it leaves alone.

load helper

took_ms() {
    local began

    began=$(now_ms)
    "$@"
    TOOK=$(($(now_ms) - began))
}

peer_said() {
    has_line "$PEER_ERR" "$1"
}

# ---- the address ----

@test "the server's address may be written in each way" {
    start_server -m echo
    for address in "localhost $PORT" "localhost:$PORT" "127.0.0.1 $PORT" "127.0.0.1:$PORT" "::1 $PORT" \
        "[::1]:$PORT" ":$PORT" "-p $PORT" "-H ::1 -p $PORT" "-p $PORT localhost" "-n 127.0.0.1 $PORT" \
        "-4 localhost $PORT" "-6 localhost $PORT" "--host=localhost --port=$PORT" "-4p$PORT"; do
        # shellcheck disable=SC2086
        equal "$(sockx connect -N $address <<<"to $address")" "to $address"
    done
}

@test "-4 and -6 choose among a name's addresses" {
    start_server -m echo -4
    run sockx connect -N4 localhost "$PORT"
    expect_status 0
    run sockx connect -6 localhost "$PORT"
    expect_status 7
}

@test "an address without a port is the default port's" {
    # Whether or not a server listens there.
    run --separate-stderr sockx connect -v localhost --max-time 1s
    [[ $stderr == *:65432* ]]
}

@test "--source ADDR:PORT is where it comes from" {
    start_server -m echo -v -H 127.0.0.1
    local server=$PORT
    free_port
    run sockx connect -N -s "127.0.0.9:$PORT" 127.0.0.1 "$server"
    expect_status 0
    wait_until has_line "$SERVER_ERR" "127\.0\.0\.9:$PORT connected"
}

# [OPTION...]: from a port alone, over both families.
comes_from_port() {
    local host server=$PORT

    for host in 127.0.0.1 ::1 localhost; do
        free_port
        run sockx connect "$@" -s ":$PORT" "$host" "$server" <<<hello
        expect_status 0
        equal "$output" hello
        wait_until has_line "$SERVER_ERR" "^[0-9]+: (127\.0\.0\.1|\[::1\]):$PORT connected"
    done
}

@test "--source :PORT is the port it comes from" {
    start_server -m echo -v
    comes_from_port -N
}

@test "--source :PORT is the port datagrams come from" {
    start_server -m echo -v -u
    comes_from_port -u -q 100ms
}

@test "--source :PORT that another socket has is status 1" {
    start_server -m echo
    run --separate-stderr sockx connect -u -s ":$PORT" 127.0.0.1 9 <<<hello
    expect_status 7
    start_server -u -m echo
    run --separate-stderr sockx connect -u -s ":$PORT" 127.0.0.1 9 <<<hello
    expect_status 1
    [[ $stderr == *"cannot bind the source address 0.0.0.0:$PORT: "* ]] || fail "$stderr"
}

@test "--source :0 is any port" {
    start_server -m echo
    run sockx connect -N -s :0 localhost "$PORT" <<<hello
    expect_status 0
    equal "$output" hello
}

@test "--source of one family leaves a name's addresses of the other out" {
    start_server -m echo -v
    run sockx connect -N -s 127.0.0.9 localhost "$PORT"
    expect_status 0
    run sockx connect -N -s ::1 localhost "$PORT"
    expect_status 0
    wait_until has_line "$SERVER_ERR" '127\.0\.0\.9:[0-9]+ connected'
    wait_until has_line "$SERVER_ERR" '\[::1\]:[0-9]+ connected'
}

@test "--connect-timeout does not limit what comes after connecting" {
    start_server -m echo
    held_input
    start_job "$SOCKX" connect -w 100ms localhost "$PORT" <"$INPUT"
    wait_until has_clients "$PORT"
    run wait_until 1 is_gone "$JOB_PID"
    expect_status 1
    echo later >&"$HELD"
    wait_until has_line "$JOB_OUT" '^later$'
}

# ---- the ends ----

@test "the end of standard input is passed on, and reading goes on without a timer" {
    start_script server.py store_slowly 1500
    took_ms sockx connect localhost "$PORT" <<<"hello" >"$BATS_TEST_TMPDIR/got"
    equal "$(cat "$BATS_TEST_TMPDIR/got")" hello
    [ "$TOOK" -ge 1500 ]
}

@test "when the server ends first, our output ends at once and we go on sending" {
    start_script server.py greet 5
    held_input
    mkfifo "$BATS_TEST_TMPDIR/out"
    "$SOCKX" connect localhost "$PORT" <"$INPUT" >"$BATS_TEST_TMPDIR/out" 3>&- {HELD}>&- &
    local pid=$!
    jobs_left+=("$pid")
    # Ends only when the other side of the pipe is closed.
    equal "$(timeout 10 cat "$BATS_TEST_TMPDIR/out")" ggggg
    echo "still sending" >&"$HELD"
    kill -0 "$pid"
    exec {HELD}>&-
    wait_job "$pid"
    equal "$JOB_STATUS" 0
    wait_until has_line "$PEER_OUT" '^still sending$'
}

@test "a server that ends first and then refuses what we send is 4" {
    start_script server.py slam
    held_input
    start_job "$SOCKX" connect localhost "$PORT" <"$INPUT"
    wait_until peer_said '^slammed$'
    # The first write is answered by a reset, the next fails.
    is_refused() {
        echo more >&"$HELD"
        is_gone "$JOB_PID"
    }
    wait_until is_refused
    wait_job
    equal "$JOB_STATUS" 4
}

@test "-q 0 leaves as soon as standard input has ended" {
    start_script server.py keep
    took_ms sockx connect -q 0 localhost "$PORT" <<<"hello"
    [ "$TOOK" -lt 1500 ]
    wait_until has_line "$PEER_OUT" '^hello$'
}

@test "the port check that -h shows ends where the server stays silent" {
    local words

    start_script server.py keep
    read -r -a words < <(sockx connect -h | sed -n 's/^ *sockx \(.* -z host 22\) .*/\1/p')
    [ "${words[*]: -2}" = 'host 22' ] || fail "${words[*]}"
    timed timeout 5 "$SOCKX" "${words[@]:0:${#words[@]}-2}" 127.0.0.1 "$PORT" </dev/null
    took_between 0 4000
}

@test "-q 0 delivers all of a large input first" {
    random_file "$BATS_TEST_TMPDIR/sent" 8388608
    start_script server.py keep
    sockx connect -q 0 localhost "$PORT" <"$BATS_TEST_TMPDIR/sent"
    wait_until has_bytes "$PEER_OUT" 8388608
    same_bytes "$BATS_TEST_TMPDIR/sent" "$PEER_OUT"
}

@test "-q 1s waits a second for what still comes" {
    start_script server.py keep
    took_ms sockx connect -q 1s localhost "$PORT" <<<"hello"
    [ "$TOOK" -ge 1000 ]
    [ "$TOOK" -lt 3000 ]
}

@test "-q does not wait where the server ends first" {
    start_server -m echo
    took_ms sockx connect -q 15s localhost "$PORT" <<<"hello" >"$BATS_TEST_TMPDIR/got"
    equal "$(cat "$BATS_TEST_TMPDIR/got")" hello
    [ "$TOOK" -lt 5000 ]
}

# ---- servers that drop their answer at our end ----

@test "a server that drops the rest at our end gives all of it by default" {
    start_script server.py drop 200000
    timed sockx connect localhost "$PORT" <<<"question" >"$BATS_TEST_TMPDIR/got"
    took_between 1000 3000
    equal "$(stat -c %s "$BATS_TEST_TMPDIR/got")" 200000
}

@test "where it was cut because of -N, -v says so and what to try; not without either" {
    start_script server.py drop 200000
    run -0 --separate-stderr sockx connect -Nv localhost "$PORT" <<<"question"
    equal "${#output}" 100000
    [[ $stderr == *"127.0.0.1:$PORT ended perhaps in the middle of its answer, right after our end of input;"*"try --no-shutdown"* ]] ||
        fail "$stderr"
    run -0 --separate-stderr sockx connect -N localhost "$PORT" <<<"question"
    equal "$stderr" ""
    run -0 --separate-stderr sockx connect -v localhost "$PORT" <<<"question"
    equal "${#output}" 200000
    [[ $stderr != *"ended"* ]] || fail "$stderr"
}

@test "a server that thinks for a second is heard by default; with -N it says nothing, and -v so" {
    start_script server.py think 1000
    run -0 --separate-stderr sockx connect localhost "$PORT" <<<"question"
    equal "$output" question
    run -0 --separate-stderr sockx connect -Nv localhost "$PORT" <<<"question"
    equal "$output" ""
    [[ $stderr == *"127.0.0.1:$PORT ended without an answer, right after our end of input;"* ]] || fail "$stderr"
}

@test "of one that thinks too long -v says so, and --no-shutdown hears it" {
    start_script server.py think 2000
    run -0 --separate-stderr sockx connect -v localhost "$PORT" <<<"question"
    equal "$output" ""
    [[ $stderr == *"ended without an answer, right after our end of input;"*"try --no-shutdown"* ]] || fail "$stderr"
    run -0 --separate-stderr sockx connect --no-shutdown localhost "$PORT" <<<"question"
    equal "$output" question
}

@test "a server that ends after its answer is not waited for" {
    start_script server.py cut 5
    timed sockx connect localhost "$PORT" <<<"question" >"$BATS_TEST_TMPDIR/got"
    took_between 0 900
    equal "$(cat "$BATS_TEST_TMPDIR/got")" quest
}

@test "--no-shutdown does not pass the end on" {
    start_script server.py keep
    start_job "$SOCKX" connect --no-shutdown localhost "$PORT" <<<"hello"
    wait_until has_line "$PEER_OUT" '^hello$'
    run wait_until 1 peer_said '^end$'
    expect_status 1
    kill -0 "$JOB_PID"
}

@test "without it the end is passed on" {
    start_script server.py keep
    start_job "$SOCKX" connect localhost "$PORT" <<<"hello"
    wait_until peer_said '^end$'
}

@test "--no-shutdown -q 300ms ends all the same" {
    start_script server.py keep
    took_ms sockx connect --no-shutdown -q 300ms localhost "$PORT" <<<"hello"
    [ "$TOOK" -ge 300 ]
    wait_until has_line "$PEER_OUT" '^hello$'
}

@test "--send-only writes nothing out, and ends with standard input" {
    random_file "$BATS_TEST_TMPDIR/sent" 3000000
    start_script server.py chatter
    sockx connect --send-only localhost "$PORT" <"$BATS_TEST_TMPDIR/sent" >"$BATS_TEST_TMPDIR/got"
    equal "$(stat -c %s "$BATS_TEST_TMPDIR/got")" 0
    wait_until has_bytes "$PEER_OUT" 3000000
    same_bytes "$BATS_TEST_TMPDIR/sent" "$PEER_OUT"
}

@test "--recv-only leaves standard input alone, and ends with the server" {
    start_script server.py greet 5
    run bash -c "{ timeout 20 '$SOCKX' connect --recv-only localhost $PORT; cat; } <<<'left alone'"
    expect_status 0
    equal "$output" "gggggleft alone"
    wait_until has_line "$PEER_ERR" ready
    equal "$(cat "$PEER_OUT")" ""
}

@test "--recv-only does not wait for standard input" {
    start_script server.py greet 5
    held_input
    took_ms sockx connect --recv-only localhost "$PORT" <"$INPUT" >"$BATS_TEST_TMPDIR/got"
    [ "$TOOK" -lt 3000 ]
    equal "$(cat "$BATS_TEST_TMPDIR/got")" ggggg
}

@test "--crlf ends our lines by CR LF, also where one is read in two pieces" {
    start_script server.py keep
    held_input
    start_job "$SOCKX" connect -C localhost "$PORT" <"$INPUT"
    printf 'a\r' >&"$HELD"
    wait_until has_bytes "$PEER_OUT" 2
    printf '\nb\n' >&"$HELD"
    wait_until has_bytes "$PEER_OUT" 6
    equal "$(od -An -c <"$PEER_OUT")" "$(printf 'a\r\nb\r\n' | od -An -c)"
}

@test "a server that does not read stops only our direction" {
    start_script server.py deaf 5000000
    held_input
    start_job "$SOCKX" connect localhost "$PORT" < <(cat /dev/zero)
    wait_until has_bytes "$JOB_OUT" 5000000
}

@test "a reader of our output that does not read stops only its direction" {
    start_script server.py chatter 200000000
    mkfifo "$BATS_TEST_TMPDIR/out"
    exec 8<>"$BATS_TEST_TMPDIR/out"
    random_file "$BATS_TEST_TMPDIR/sent" 3000000
    start_job bash -c "exec '$SOCKX' connect localhost $PORT >'$BATS_TEST_TMPDIR/out'" <"$BATS_TEST_TMPDIR/sent"
    wait_until has_bytes "$PEER_OUT" 3000000
    same_bytes "$BATS_TEST_TMPDIR/sent" "$PEER_OUT"
    kill -0 "$JOB_PID"
}

@test "a large answer is written whole to a slow reader" {
    start_script server.py greet 3000000
    set -o pipefail
    equal "$(sockx connect localhost "$PORT" | "$PYTHON" -c '
import sys, time
whole = 0
while data := sys.stdin.buffer.read1(30000):
    whole += len(data)
    time.sleep(0.001)
print(whole)
')" 3000000
}

# ---- what it says ----

@test "9: what comes past --max-answer ends it at once, the rest is written" {
    start_script server.py source
    run -9 --separate-stderr sockx connect --max-answer 300K 127.0.0.1 "$PORT"
    [ "${#output}" -eq 307200 ]
    [[ $stderr == *'more than 307200 bytes came (--max-answer)'*'hint: '*'--max-answer SIZE'* ]] || fail "$stderr"
    start_script server.py greet 307200
    run -0 --separate-stderr sockx connect --max-answer 300K 127.0.0.1 "$PORT"
    [ "${#output}" -eq 307200 ]
}

@test "nothing is said on success" {
    start_server -m echo
    run --separate-stderr sockx connect localhost "$PORT" <<<"hello"
    expect_status 0
    equal "$output" hello
    equal "$stderr" ""
}

@test "--verbose tells each attempt, and to whom we are connected" {
    start_server -m echo -H 127.0.0.1
    run --separate-stderr sockx connect -Nv localhost "$PORT"
    expect_status 0
    [[ $stderr == *"trying 127.0.0.1:$PORT"*"connected to 127.0.0.1:$PORT (tcp)"* ]]
}

@test "--trace tells the calls, on whatever standard error is" {
    start_server -m echo
    run --separate-stderr sockx connect --trace localhost "$PORT" <<<"hello"
    expect_status 0
    equal "$output" hello
    [[ $stderr == *"socket("*"connect("*"shutdown("* ]]
    sockx connect -N --trace localhost "$PORT" <<<"hello" 2>"$BATS_TEST_TMPDIR/trace"
    has_line "$BATS_TEST_TMPDIR/trace" 'shutdown\('
}

@test "an error names the operation and what was typed" {
    free_port
    run --separate-stderr sockx connect localhost "$PORT"
    expect_status 7
    [[ $stderr == "sockx: cannot connect to 'localhost:$PORT'"*refused* ]]
}

@test "--json tells an error as one object" {
    free_port
    run --separate-stderr sockx connect -j localhost "$PORT"
    expect_status 7
    equal "$output" ""
    equal "$("$PYTHON" -c '
import json, sys
lines = [json.loads(line) for line in sys.stdin]
print(lines[-1]["event"], lines[-1]["kind"], lines[-1]["exit"])' <<<"$stderr")" "error refused 7"
}

@test "a person at a terminal sees that the server closed the connection, a script does not" {
    load talk
    start_server -m greet --greeting $'hello\n' -H 127.0.0.1
    start_dialogue -- "$SOCKX" connect 127.0.0.1 "$PORT"
    wait_dialogue "$JOB_PID"
    equal "$JOB_STATUS" 0
    has_line "$JOB_ERR" "^127\.0\.0\.1:$PORT closed the connection"
    start_dialogue -- "$SOCKX" connect -Q 127.0.0.1 "$PORT"
    wait_dialogue "$JOB_PID"
    run ! grep -q closed "$JOB_ERR"
    run --separate-stderr sockx connect -v 127.0.0.1 "$PORT"
    expect_status 0
    [[ $stderr != *"closed the connection"* ]] || fail "$stderr"
}

# ---- totals ----

@test "-v: a run ends with its bytes, their time and their rate, and so does each client of a server" {
    start_server -m echo -v
    run --separate-stderr sockx connect -v -q 50ms 127.0.0.1 "$PORT" <<<hello
    expect_status 0
    [[ $stderr =~ done:\ 6\ bytes\ received,\ 6\ sent\ in\ [0-9.]+\ m?s\ \([0-9.]+\ B/s\ in,\ [0-9.]+\ B/s\ out\)$ ]]
    wait_until has_line "$SERVER_ERR" \
        '^1: .* done, 6 bytes received, 6 sent in [0-9.]+ m?s \([0-9.]+ B/s in, [0-9.]+ B/s out\)$'
    stop_server
    has_line "$SERVER_ERR" '^done: 6 bytes received, 6 sent$'
}
