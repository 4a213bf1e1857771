# shellcheck disable=SC2030,SC2031,SC2034,SC2154 # tests are processes; helper reads; run sets output
#
# Greeting: `serve --mode greet` tells each client its text, at once or once it knows its name, and
# closes; `sockx greet` says a name, if there is one, and prints what it gets.

load helper
load talk

export BATS_TEST_TIMEOUT=60

# BEHAVIOUR [WORD...]: peers/names.py, with this test's port.
says_name() {
    timeout -k 1 30 "$PYTHON" "$PEERS/names.py" "$1" "$PORT" "${@:2}"
}

# EXPECTED COMMAND...: prints that and nothing else, and is content.
answers() {
    local wanted=$1

    shift
    run --separate-stderr "$@"
    expect_status 0
    equal "$output" "$wanted"
    equal "$stderr" ""
}

# STATUS PATTERN COMMAND...: fails so, with two lines on standard error, the first of them like that.
refuses() {
    local status_wanted=$1 pattern=$2

    shift 2
    run --separate-stderr "$@"
    expect_status "$status_wanted"
    # shellcheck disable=SC2154
    equal "${#stderr_lines[@]}" 2
    [[ ${stderr_lines[0]} =~ $pattern ]] || fail "not like '$pattern': ${stderr_lines[0]}"
    [[ ${stderr_lines[1]} == 'hint: '* ]] || fail "no hint: ${stderr_lines[1]}"
}

# ---- the server: its text ----

# bats test_tags=unit
@test "a name is greeted, also an empty one" {
    start_server -m greet
    answers 'welcome Ada' sockx greet -p "$PORT" Ada
    answers 'welcome Ada Lovelace' sockx greet -p "$PORT" Ada Lovelace
    answers 'welcome ' sockx greet -p "$PORT"
    answers 'welcome ' says_name lines ''
}

# bats test_tags=unit
@test "{name}, {peer} and {host} are filled in" {
    start_server -m greet -H 127.0.0.1 \
        --greeting '{name} from {peer}, this is {host}; {name}!'
    run --separate-stderr sockx greet -s 127.0.0.9 -H 127.0.0.1 -p "$PORT" Ada
    expect_status 0
    [[ $output =~ ^'Ada from 127.0.0.9:'[0-9]+", this is $(uname -n); Ada!"$ ]] || fail "$output"
}

# bats test_tags=unit
@test "what is filled in is not looked at again" {
    start_server -m greet
    answers 'welcome {name}{peer}%s\n' sockx greet -p "$PORT" '{name}{peer}%s\n'
}

# bats test_tags=unit
@test "a greeting without {name} is said to a client that says nothing" {
    start_server -m greet --greeting 'Hello World! This is {host}'
    held_input
    start_job "$SOCKX" connect localhost "$PORT" <"$INPUT"
    wait_until has_text "$JOB_OUT" "^Hello World! This is $(uname -n)\$"
    exec {HELD}>&-
    wait_job
    equal "$JOB_STATUS" 0
}

# bats test_tags=unit
@test "it reaches a client that sends and sends, too, and no reset after it" {
    start_server -m greet --greeting 'Hello World!'
    for _ in 1 2 3 4 5; do
        answers 'Hello World!' says_name long 3000000
    done
}

# bats test_tags=unit
@test "with --ask, it is not said before there is a name" {
    start_server -m greet --ask --greeting 'Hello World!'
    held_input
    start_job "$PYTHON" "$PEERS/names.py" asked "$PORT" Ada <"$INPUT"
    wait_until has_line "$JOB_ERR" silent
    equal "$(cat "$JOB_OUT")" ""
    echo >&"$HELD"
    wait_job
    equal "$JOB_STATUS" 0
    equal "$(cat "$JOB_OUT")" 'Hello World!'
}

# bats test_tags=unit
@test "2: another word in braces is a mistake; other braces are text" {
    refuses 2 "there is no value for '\{nmae\}'" sockx serve -m greet -p 0 --greeting 'hi {nmae}'
    refuses 2 "'--greeting' belongs to mode greet" sockx serve -m echo -p 0 --greeting hi
    start_server -m greet --greeting '{"to": "{name}", "n": {}, "{": "}"}'
    answers '{"to": "Ada", "n": {}, "{": "}"}' sockx greet -p "$PORT" Ada
}

# ---- the server: names as they come ----

# bats test_tags=long
@test "1,000 clients at once are each greeted by their own name" {
    start_server -m greet
    run says_name at_once 1000
    expect_status 0
    equal "$output" 1000
    answers 'welcome Ada' sockx greet -p "$PORT" Ada
}

# bats test_tags=unit
@test "a client that never ends its name is greeted when it has been quiet for --settle" {
    start_server -m greet
    run --separate-stderr says_name quiet Ada
    equal "$output" 'welcome Ada'
    TOOK_MS=$stderr
    took_between 90 600
    stop_server
    start_server -m greet --settle 700ms
    run --separate-stderr says_name quiet Ada
    equal "$output" 'welcome Ada'
    TOOK_MS=$stderr
    took_between 690 1500
}

# bats test_tags=unit
@test "a name that comes byte by byte is one name" {
    start_server -m greet
    answers 'welcome Ada Löwe' says_name pieces 'Ada Löwe'
    answers 'welcome Ada Löwe' says_name pieces $'Ada Löwe\n'
}

# bats test_tags=unit
@test "a name ends at its newline, and only the first counts" {
    start_server -m greet
    answers 'welcome Ada' says_name lines Ada Grace
    answers 'welcome Ada' says_name lines $'Ada\r' Grace
}

# bats test_tags=unit
@test "a name of 100 KB is refused to that client alone" {
    start_server -m greet -v
    held_input
    start_job "$PYTHON" "$PEERS/names.py" asked "$PORT" Ada <"$INPUT"
    wait_until has_line "$JOB_ERR" silent
    answers 'error: a line may have at most 65536 bytes' says_name long 100000
    wait_until has_line "$SERVER_ERR" ' lost .*a line may have at most 65536 bytes'
    echo >&"$HELD"
    wait_job
    equal "$(cat "$JOB_OUT")" 'welcome Ada'
    answers 'welcome Grace' sockx greet -p "$PORT" Grace
}

# bats test_tags=unit
@test "a name of 64 KiB is a name" {
    start_server -m greet
    random_file "$BATS_TEST_TMPDIR/random" 49152
    { base64 -w 0 "$BATS_TEST_TMPDIR/random"; } >"$BATS_TEST_TMPDIR/name"
    equal "$(stat -c %s "$BATS_TEST_TMPDIR/name")" 65536
    says_name raw <"$BATS_TEST_TMPDIR/name" >"$BATS_TEST_TMPDIR/greeting"
    { printf 'welcome ' && cat "$BATS_TEST_TMPDIR/name"; } >"$BATS_TEST_TMPDIR/wanted"
    same_bytes "$BATS_TEST_TMPDIR/greeting" "$BATS_TEST_TMPDIR/wanted"
}

HOSTILE=$'\e]0;owned\a\e[2J\rA\b\x9b5i\xe2\x80\xaeda'

# bats test_tags=unit
@test "control characters in a name go back as they came, and reach no log or terminal" {
    start_server -m greet -v
    printf '%s\n' "$HOSTILE" | says_name raw >"$BATS_TEST_TMPDIR/greeting"
    printf 'welcome %s' "$HOSTILE" >"$BATS_TEST_TMPDIR/wanted"
    same_bytes "$BATS_TEST_TMPDIR/greeting" "$BATS_TEST_TMPDIR/wanted"
    wait_until has_line "$SERVER_ERR" ' is .*\\x1b\]0;owned\\x07'
    is_harmless "$SERVER_ERR"
}

# bats test_tags=unit
@test "on the server's terminal, too" {
    start_operator -- -m greet -1 -H 127.0.0.1
    printf '%s\n' "$HOSTILE" | says_name raw >"$BATS_TEST_TMPDIR/greeting"
    wait_dialogue "$JOB_PID"
    equal "$JOB_STATUS" 0
    is_harmless "$JOB_ERR"
    has_line "$JOB_OUT" '^1: .* is .*owned'
}

# bats test_tags=unit
@test "on the server's terminal: that a client has said no name for 2 s" {
    local operator said

    start_operator -- -m greet -1 -H 127.0.0.1
    operator=$JOB_PID
    said=$JOB_ERR
    held_input
    start_job "$SOCKX" connect 127.0.0.1 "$PORT" <"$INPUT"
    wait_until has_line "$said" '^1: waiting for a name$'
    echo Ada >&"$HELD"
    wait_until has_text "$JOB_OUT" '^welcome Ada$'
    wait_dialogue "$operator"
    equal "$(grep -c waiting "$said")" 1
}

# ---- the server: how it ends ----

# bats test_tags=unit
@test "--once: 0 when its client was greeted" {
    start_server -m greet --once
    answers 'welcome Ada' sockx greet -p "$PORT" Ada
    wait_server
    equal "$SERVER_STATUS" 0
}

# bats test_tags=unit
@test "--once: 4 when its client has reset the connection" {
    start_server -m greet --once --settle 10s
    says_name reset_later Ada
    wait_server
    equal "$SERVER_STATUS" 4
}

# bats test_tags=unit
@test "--once: 1 when its client had to be refused" {
    start_server -m greet --once
    answers 'error: a line may have at most 65536 bytes' says_name long 100000
    wait_server
    equal "$SERVER_STATUS" 1
}

# bats test_tags=unit
@test "--exit-after counts those who were greeted" {
    start_server -m greet --exit-after 3
    for name in Ada Grace Edith; do
        answers "welcome $name" sockx greet -p "$PORT" "$name"
    done
    wait_server
    equal "$SERVER_STATUS" 0
}

# bats test_tags=unit
@test "SIGTERM while a client has not said its name: 0" {
    start_server -m greet -v
    start_script client.py hold "$PORT" 3
    wait_until has_line "$SERVER_ERR" '^3: .* connected'
    stop_server
    equal "$SERVER_STATUS" 0
}

# ---- other sockets ----

# bats test_tags=unit
@test "over UDP it is for this machine alone, unless -H says otherwise" {
    start_server -u -m greet
    answers 'welcome Ada' sockx greet -u -p "$PORT" Ada
    answers 'welcome ' sockx greet -u -p "$PORT"
    answers 'welcome Ada' sockx greet -u -H ::1 -p "$PORT" Ada
    equal "$(sed 's/:[0-9]* /:PORT /' "$SERVER_ERR")" \
        "$(lines 'listening on 127.0.0.1:PORT (udp, greet)' 'listening on [::1]:PORT (udp, greet)')"
    stop_server
    start_server -u -m greet -H 0.0.0.0
    equal "$(cat "$SERVER_ERR")" "listening on 0.0.0.0:$PORT (udp, greet)"
    answers 'welcome Ada' sockx greet -u -H 127.0.0.1 -p "$PORT" Ada
}

# bats test_tags=unit
@test "each datagram is a name" {
    start_server -u -m greet -H 127.0.0.1
    run timeout 20 "$PYTHON" - "$PORT" <<'EOF'
import socket, sys
peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
peer.settimeout(5)
peer.connect(("127.0.0.1", int(sys.argv[1])))
for name in (b"Ada", b"", b"Grace\n", b"two\nlines"):
    peer.send(name)
    print(peer.recv(1000))
EOF
    expect_status 0
    equal "$output" "$(lines "b'welcome Ada'" "b'welcome '" "b'welcome Grace'" "b'welcome two\\nlines'")"
}

# bats test_tags=unit
@test "all kinds of Unix sockets" {
    cd "$BATS_TEST_TMPDIR" || return
    for with in '' -u --seqpacket; do
        start_unix_server at -m greet $with
        answers 'welcome Ada' sockx greet -U at $with Ada
        answers 'welcome ' sockx greet -U at $with
        stop_server
        equal "$SERVER_STATUS" 0
    done
}

# ---- the client ----

# bats test_tags=unit
@test "greet prints a newline after a greeting that has none, and none after one that has" {
    for text in 'hello' $'hello\n' $'\n' $'two\nlines'; do
        start_script server.py say < <(printf %s "$text")
        sockx greet -p "$PORT" -H 127.0.0.1 >"$BATS_TEST_TMPDIR/got"
        equal "$(od -An -c "$BATS_TEST_TMPDIR/got")" "$(printf '%s\n' "${text%$'\n'}" | od -An -c)"
    done
}

# bats test_tags=unit
@test "greet puts the name on the wire, no more, and then its end" {
    start_script server.py store
    sockx greet -H 127.0.0.1 -p "$PORT" Ada  Lovelace >"$BATS_TEST_TMPDIR/got"
    equal "$(cat "$BATS_TEST_TMPDIR/got")" 'Ada Lovelace'
    start_script server.py greet 5
    wait_until sockx greet -H 127.0.0.1 -p "$PORT" $'A\xff' >"$BATS_TEST_TMPDIR/got"
    wait_until has_bytes "$PEER_OUT" 2
    equal "$(od -An -tx1 "$PEER_OUT")" ' 41 ff'
}

# bats test_tags=unit
@test "9: the greeting is empty" {
    start_script server.py silent
    refuses 9 'the greeting is empty' sockx greet -H 127.0.0.1 -p "$PORT" Ada
    equal "$output" ""
    start_script server.py slam
    refuses 9 'the greeting is empty' sockx greet -H 127.0.0.1 -p "$PORT"
}

# bats test_tags=unit
@test "9: the server refused, and says why" {
    start_server -m greet
    run --separate-stderr sockx greet -p "$PORT" "$(printf 'n%.0s' {1..100000})"
    expect_status 9
    [[ $stderr == *'the server refused: '*'at most 65536 bytes'* ]]
    equal "$output" 'error: a line may have at most 65536 bytes'
}

@test "0: a reset after the greeting is its end" {
    start_script server.py reset_answering 5
    answers rrrrr sockx greet -H 127.0.0.1 -p "$PORT" Ada
}

# bats test_tags=unit
@test "4: a reset before the greeting" {
    start_script server.py reset_receiving 3
    refuses 4 'Connection reset by peer' sockx greet -H 127.0.0.1 -p "$PORT" Ada
}

# bats test_tags=unit
@test "5: nothing comes within -w" {
    start_script server.py mute
    timed refuses 5 'no greeting within 300 ms' sockx greet -w 300ms -H 127.0.0.1 -p "$PORT" Ada
    took_between 290 1500
}

# bats test_tags=unit
@test "7: no server listens" {
    free_port
    refuses 7 'Connection refused' sockx greet -H 127.0.0.1 -p "$PORT" Ada
}

@test "--json is one object, also of bytes that are no text, and of no greeting" {
    start_server -m greet
    sockx greet -j -p "$PORT" $'A"d\\a\e\xff' >"$BATS_TEST_TMPDIR/report"
    "$PYTHON" - "$BATS_TEST_TMPDIR/report" "localhost:$PORT" <<'EOF'
import json, sys
lines = open(sys.argv[1], encoding="utf-8").read().splitlines()
assert len(lines) == 1, lines
report = json.loads(lines[0])
assert report["event"] == "greet", report
assert report["address"] == sys.argv[2], report
assert report["greeting"].startswith('welcome A"d\\a\x1b'), report
EOF
    start_script server.py silent
    run --separate-stderr sockx greet -j -H 127.0.0.1 -p "$PORT" Ada
    expect_status 9
    [[ $stderr == *'"kind":"wrong","exit":9'* ]]
    "$PYTHON" -c 'import json, sys; [json.loads(line) for line in sys.stdin]' <<<"$stderr"
}

# bats test_tags=unit
@test "9: a greeting past --max-answer ends at once, with and without -j" {
    start_script server.py source
    run -9 --separate-stderr sockx greet -H 127.0.0.1 -p "$PORT"
    [ "${#output}" -eq 1048576 ]
    [[ $stderr == *'more than 1048576 bytes came (--max-answer)'*'hint: '*'--max-answer SIZE'* ]] || fail "$stderr"
    run -9 --separate-stderr sockx greet -j -H 127.0.0.1 -p "$PORT"
    equal "$output" ''
    [[ $stderr == *'"kind":"wrong","exit":9,"message":"'*'more than 1048576 bytes'* ]] || fail "$stderr"
    run -9 --separate-stderr sockx greet --max-answer 5 -H 127.0.0.1 -p "$PORT"
    [ "${#output}" -eq 5 ]
    start_script server.py greet 2000000
    run -0 --separate-stderr sockx greet --max-answer 0 -H 127.0.0.1 -p "$PORT"
    [ "${#output}" -eq 2000000 ]
}

# bats test_tags=unit
@test "escape sequences in a greeting are visible on a terminal, and raw in a pipe or with --raw" {
    printf '%s\n' "$HOSTILE" >"$BATS_TEST_TMPDIR/greeting"
    start_script server.py say <"$BATS_TEST_TMPDIR/greeting"
    sockx greet -H 127.0.0.1 -p "$PORT" >"$BATS_TEST_TMPDIR/got"
    same_bytes "$BATS_TEST_TMPDIR/got" "$BATS_TEST_TMPDIR/greeting"
    start_script server.py say <"$BATS_TEST_TMPDIR/greeting"
    start_dialogue -- "$SOCKX" greet -H 127.0.0.1 -p "$PORT"
    wait_dialogue "$JOB_PID"
    equal "$JOB_STATUS" 0
    is_harmless "$JOB_ERR"
    has_line "$JOB_OUT" 'owned.*A.*da'
    start_script server.py say <"$BATS_TEST_TMPDIR/greeting"
    start_dialogue -- "$SOCKX" greet --raw -H 127.0.0.1 -p "$PORT"
    wait_dialogue "$JOB_PID"
    LC_ALL=C grep -qF "$HOSTILE" "$JOB_ERR"
}

# bats test_tags=unit
@test "a greeting and its newline are one write: lines of many clients stay whole" {
    start_server -m greet -H 127.0.0.1
    run "$PYTHON" "$PEERS/writes.py" "$SOCKX" greet -p "$PORT" Ada
    expect_status 0
    equal "$output" "b'welcome Ada\\n'"
}

# bats test_tags=unit
@test "a greeting without a newline is shown though its server does not close" {
    start_script server.py stay 5
    start_job "$SOCKX" greet -p "$PORT"
    wait_until has_bytes "$JOB_OUT" 5
    ! is_gone "$JOB_PID" || fail 'it did not wait for the end'
}

# bats test_tags=unit
@test "a name that is not whole within --request-timeout is refused, though a byte comes now and then" {
    start_server -m greet --request-timeout 500ms --settle 2s -i 1s -H 127.0.0.1 -v
    start_job bash -c "exec 8<>/dev/tcp/127.0.0.1/$PORT; for _ in {1..8}; do printf x; sleep 0.1; done >&8 2>/dev/null; cat <&8"
    wait_until has_line "$JOB_OUT" '^error: the request took too long'
    wait_until has_line "$SERVER_ERR" 'sent away: the request took too long'
    run sockx greet -H 127.0.0.1 -p "$PORT" Ada
    equal "$output" 'welcome Ada'
}
