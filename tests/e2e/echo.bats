# shellcheck disable=SC2030,SC2031,SC2154 # tests are processes; run sets output
# bats file_tags=unit
#
# sockx echo: sends exactly what it was given, prints what comes back, checks that it is the same.

load helper

# ARG...: what `echo` puts on the wire, in $BATS_TEST_TMPDIR/wire, told by a server that keeps it.
wire_of() {
    start_script server.py keep
    run sockx echo -p "$PORT" -w 300ms "$@"
    expect_status 5
    mv "$PEER_OUT" "$BATS_TEST_TMPDIR/wire"
}

# FILE KEY...: the values of these keys in the report, which is all that FILE holds.
report_of() {
    "$PYTHON" -c '
import json, sys
lines = open(sys.argv[1], encoding="utf-8").read().splitlines()
assert len(lines) == 1, lines
report = json.loads(lines[0])
print(*(json.dumps(report[key]) for key in sys.argv[2:]))
' "$@"
}

@test "TEXT comes back with a newline at its end" {
    start_server -m echo
    sockx echo -p "$PORT" 'Hello, world' >"$BATS_TEST_TMPDIR/got"
    equal "$(od -An -c <"$BATS_TEST_TMPDIR/got")" "$(printf 'Hello, world\n' | od -An -c)"
}

@test "no newline goes over the wire" {
    wire_of 'Hello, world'
    equal "$(od -An -c <"$BATS_TEST_TMPDIR/wire")" "$(printf 'Hello, world' | od -An -c)"
}

@test "TEXT's words are joined by one space, and are kept as they are" {
    wire_of a  b ' c ' '' d
    equal "$(cat "$BATS_TEST_TMPDIR/wire")" "a b  c   d"
}

@test "TEXT after -- may look like an option" {
    start_server -m echo
    run sockx echo -p "$PORT" -- -p --json
    expect_status 0
    equal "$output" "-p --json"
}

@test "TEXT is bytes, not letters" {
    start_server -m echo
    sockx echo -p "$PORT" $'\xff\xfe\e[1m' >"$BATS_TEST_TMPDIR/got"
    printf '\xff\xfe\e[1m\n' >"$BATS_TEST_TMPDIR/expected"
    same_bytes "$BATS_TEST_TMPDIR/expected" "$BATS_TEST_TMPDIR/got"
}

@test "with TEXT, standard input is left alone" {
    start_server -m echo
    run bash -c "{ timeout 20 '$SOCKX' echo -p $PORT one; cat; } <<<two"
    expect_status 0
    equal "$output" "one
two"
}

@test "standard input comes back byte for byte, and nothing is added" {
    start_server -m echo
    printf 'no newline\0\r\n\xff at the end' >"$BATS_TEST_TMPDIR/sent"
    sockx echo -p "$PORT" <"$BATS_TEST_TMPDIR/sent" >"$BATS_TEST_TMPDIR/back"
    same_bytes "$BATS_TEST_TMPDIR/sent" "$BATS_TEST_TMPDIR/back"
}

@test "standard input that arrives in pieces comes back as it arrives" {
    held_input
    start_server -m echo
    start_job "$SOCKX" echo -p "$PORT" <"$INPUT"
    echo one >&"$HELD"
    wait_until has_line "$JOB_OUT" '^one$'
    echo two >&"$HELD"
    wait_until has_line "$JOB_OUT" '^two$'
    exec {HELD}>&-
    wait_job
    equal "$JOB_STATUS" 0
}

# bats test_tags=long
@test "64 MiB of a file come back the same" {
    random_file "$BATS_TEST_TMPDIR/sent" 67108864
    start_server -m echo
    sockx echo -p "$PORT" <"$BATS_TEST_TMPDIR/sent" >"$BATS_TEST_TMPDIR/back"
    same_bytes "$BATS_TEST_TMPDIR/sent" "$BATS_TEST_TMPDIR/back"
}

@test "empty input, from a file and from a pipe, is echoed whole" {
    start_server -m echo
    run --separate-stderr sockx echo -p "$PORT" </dev/null
    expect_status 0
    equal "$output$stderr" ""
    run --separate-stderr bash -c ": | timeout 20 '$SOCKX' echo -p $PORT"
    expect_status 0
    equal "$output$stderr" ""
}

@test "an empty TEXT is a TEXT, and standard input is not read" {
    start_server -m echo
    sockx echo -p "$PORT" '' <<<"unread" >"$BATS_TEST_TMPDIR/got"
    equal "$(od -An -c <"$BATS_TEST_TMPDIR/got")" "$(echo | od -An -c)"
}

@test "--json reports on standard output, in one object, and not the answer" {
    start_server -m echo
    sockx echo -p "$PORT" -j 'Hello, world' >"$BATS_TEST_TMPDIR/report" 2>"$BATS_TEST_TMPDIR/events"
    equal "$(report_of "$BATS_TEST_TMPDIR/report" event sent received identical)" '"echo" 12 12 true'
    [[ $(report_of "$BATS_TEST_TMPDIR/report" address time_ms) =~ ^\"localhost:$PORT\"\ [0-9.]+$ ]]
    "$PYTHON" -c 'import json, sys; [json.loads(line)["event"] for line in sys.stdin]' <"$BATS_TEST_TMPDIR/events"
}

@test "--json reports an answer that differs, was cut short or never came" {
    start_script server.py alter 2
    run --separate-stderr sockx echo -p "$PORT" -j hello
    expect_status 9
    printf '%s\n' "$output" >"$BATS_TEST_TMPDIR/report"
    equal "$(report_of "$BATS_TEST_TMPDIR/report" sent identical)" '5 false'
    [[ $stderr == *'"kind":"wrong","exit":9'* ]]
    start_script server.py cut 3
    run --separate-stderr sockx echo -p "$PORT" -j hello
    expect_status 4
    printf '%s\n' "$output" >"$BATS_TEST_TMPDIR/report"
    equal "$(report_of "$BATS_TEST_TMPDIR/report" sent received identical)" '5 3 false'
    [[ $stderr == *'"kind":"lost","exit":4'* ]]
}

@test "a server that answers only after our end gets that end" {
    start_script server.py store
    run --separate-stderr sockx echo -p "$PORT" 'Hello, world'
    expect_status 0
    equal "$output" 'Hello, world'
    random_file "$BATS_TEST_TMPDIR/sent" 3000000
    sockx echo -p "$PORT" <"$BATS_TEST_TMPDIR/sent" >"$BATS_TEST_TMPDIR/back"
    same_bytes "$BATS_TEST_TMPDIR/sent" "$BATS_TEST_TMPDIR/back"
}

@test "--settle is how long that takes" {
    start_script server.py store
    local began took
    began=$(now_ms)
    sockx echo -p "$PORT" --settle 600ms hello
    took=$(($(now_ms) - began))
    [ "$took" -ge 600 ] || fail "after $took ms already"
    began=$(now_ms)
    sockx echo -p "$PORT" --settle 0 hello
    took=$(($(now_ms) - began))
    [ "$took" -lt 500 ] || fail "only after $took ms"
}

@test "a server that would lose its answer to an immediate half-close is given time" {
    free_port
    start_peer ncat -k -l 127.0.0.1 "$PORT" -e /bin/cat
    # No more than a pipe holds: past that, ncat and cat may wait for each other.
    random_file "$BATS_TEST_TMPDIR/sent" 50000
    for _ in 1 2 3 4 5; do
        sockx echo -H 127.0.0.1 -p "$PORT" <"$BATS_TEST_TMPDIR/sent" >"$BATS_TEST_TMPDIR/back"
        same_bytes "$BATS_TEST_TMPDIR/sent" "$BATS_TEST_TMPDIR/back"
    done
}

@test "a slow echo is waited for, as long as it moves" {
    start_script server.py slow
    run --separate-stderr sockx echo -p "$PORT" --settle 50ms -w 2s -i 1s 'Hello, world'
    expect_status 0
    equal "$output" 'Hello, world'
}

@test "an answer that differs is printed, and its place is reported" {
    start_script server.py alter 1
    run --separate-stderr sockx echo -p "$PORT" hello
    expect_status 9
    equal "$output" hdllo
    [[ $stderr == *"byte 2"* ]]
}

@test "a name's other address is tried where the first refuses" {
    start_server -m echo -4
    run sockx echo -H localhost -p "$PORT" four
    expect_status 0
    equal "$output" four
    start_server -m echo -6
    run sockx echo -H localhost -p "$PORT" six
    expect_status 0
    equal "$output" six
}

@test "--verbose tells each attempt and why it was lost" {
    start_server -m echo -4
    run --separate-stderr sockx echo -v -H localhost -p "$PORT" hello
    expect_status 0
    [[ $stderr == *"trying [::1]:$PORT"*"[::1]:$PORT: Connection refused"*"connected to 127.0.0.1:$PORT"* ]]
}

@test "--source is where it comes from" {
    start_server -m echo -v -H 127.0.0.1
    run sockx echo -s 127.0.0.9 -H 127.0.0.1 -p "$PORT" hello
    expect_status 0
    wait_until has_line "$SERVER_ERR" '127\.0\.0\.9:[0-9]+ connected'
}

@test "many at once each get their own" {
    local pids=()
    start_server -m echo
    for n in {1..50}; do
        "$SOCKX" echo -p "$PORT" "client $n" >"$BATS_TEST_TMPDIR/$n.got" 3>&- &
        pids+=($!)
    done
    for n in {1..50}; do
        wait "${pids[n - 1]}"
        equal "$(cat "$BATS_TEST_TMPDIR/$n.got")" "client $n"
    done
}

@test "what comes back and its newline are one write: lines of many clients stay whole" {
    start_server -m echo -H 127.0.0.1
    run "$PYTHON" "$PEERS/writes.py" "$SOCKX" echo -p "$PORT" Hello, world
    expect_status 0
    equal "$output" "b'Hello, world\\n'"
}

@test "a refusal hints at how to start the server that was meant" {
    free_port
    for command in 'echo hi' 'greet Ada' 'analyze words' 'echo --count 1'; do
        read -r -a words <<<"$command"
        run --separate-stderr sockx "${words[@]}" -H 127.0.0.1 -p "$PORT"
        expect_status 7
        [[ $stderr == *"sockx serve -p $PORT -m ${words[0]}" ]] || fail "$stderr"
    done
    run --separate-stderr sockx connect 127.0.0.1 "$PORT"
    [[ $stderr == *"sockx serve -p $PORT" ]] || fail "$stderr"
}

@test "-n forbids no default: without a host it is localhost, which is never looked up" {
    start_server -m echo -H 127.0.0.1
    equal "$(sockx echo -n -p "$PORT" hello)" hello
}

@test "a source path that is taken is reported as such" {
    start_unix_server "$BATS_TEST_TMPDIR/server" -u -m echo
    : >"$BATS_TEST_TMPDIR/taken"
    run --separate-stderr sockx echo -u -U "$BATS_TEST_TMPDIR/server" -s "$BATS_TEST_TMPDIR/taken" hello
    expect_status 1
    [[ $stderr == *'--source takes a path that does not exist'* ]] || fail "$stderr"
}
