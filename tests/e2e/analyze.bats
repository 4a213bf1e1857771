#!/usr/bin/env bats
# shellcheck shell=bash disable=SC2154
# serve --mode analyze and sockx analyze: the words of a text, counted by one and shown by the other.
load helper

start() {
    start_server -m analyze -H 127.0.0.1 "$@"
}

analyze() {
    sockx analyze -H 127.0.0.1 -p "$PORT" "$@"
}

# EXPECTED: what standard input is.
is() {
    local actual

    actual=$(cat && echo .)
    [ "$actual" = "$1." ] || fail "expected:" "$1" "got:" "$actual"
}

# bats test_tags=unit
@test "a text's words, in the order of their first appearance" {
    start
    analyze 'To be or not' 'to be' | is 'length: 18
bytes: 18
words: 6
unique: 4
To 2
be 2
or 1
not 1
'
    printf 'x\ny' | analyze | is 'length: 3
bytes: 3
words: 2
unique: 2
x 1
y 1
'
}

@test "--sort and --top change what is shown" {
    start
    analyze --top 2 'c b a b' | tail -n 2 | is 'c 1
b 2
'
    analyze --sort count 'c b a b' | tail -n 3 | is 'b 2
c 1
a 1
'
    analyze --sort alpha 'c b B A' | tail -n 3 | is 'A 1
b 2
c 1
'
    analyze --sort count --top 1 'c b a b' | is 'length: 7
bytes: 7
words: 4
unique: 3
b 2
'
}

@test "-j is one object with the whole report" {
    start
    analyze -j --sort count $'a b "\xff a' >"$BATS_TEST_TMPDIR/out" 2>/dev/null
    "$PYTHON" - "$BATS_TEST_TMPDIR/out" <<'END'
import json, sys
text = open(sys.argv[1]).read()
assert text.count("\n") == 1 and text.endswith("\n")
got = json.loads(text)
assert got["event"] == "analyze", got
assert (got["length"], got["bytes"], got["invalid"]) == (8, 8, 1), got
assert (got["words"], got["unique"]) == (3, 2), got
assert got["list"] == [{"word": "a", "count": 2}, {"word": "b", "count": 1}], got
END
}

# bats test_tags=unit
@test "words in ten scripts, whatever their case and composition" {
    start
    {
        printf 'Straße STRASSE Éa E\xcc\x81A '   # Latin
        printf 'Σίσυφος ΣΊΣΥΦΟΣ Слово СЛОВО '    # Greek, Cyrillic
        printf 'שָׁלוֹם سلام '                       # Hebrew, Arabic
        printf 'नमस्ते हिन्दी 한국어 '                 # Devanagari, Hangul
        printf '東京 ひらがな カタカナ ไทย'         # Han, Hiragana, Katakana, Thai
    } | analyze >"$BATS_TEST_TMPDIR/out"
    for line in 'Straße 2' 'Éa 2' 'Σίσυφος 2' 'Слово 2' 'שָׁלוֹם 1' 'سلام 1' 'नमस्ते 1' 'हिन्दी 1' \
        '한국어 1' '東 1' '京 1' 'ひ 1' 'カタカナ 1' 'ไ 1'; do
        grep -qxF -e "$line" "$BATS_TEST_TMPDIR/out" ||
            fail "no '$line' in:" "$(cat "$BATS_TEST_TMPDIR/out")"
    done
    analyze "can't 3.14 1,000 a.b foo_bar don’t --- _" | tail -n 6 | is "can't 1
3.14 1
1,000 1
a.b 1
foo_bar 1
don’t 1
"
}

# bats test_tags=unit
@test "--exact takes words for the same byte for byte" {
    start --exact
    analyze 'To to TO to' | tail -n 3 | is 'To 1
to 2
TO 1
'
}

# bats test_tags=unit
@test "an empty text and one that is no text have their reports" {
    start
    printf '' | analyze | is 'length: 0
bytes: 0
words: 0
unique: 0
'
    printf '\xff\xfea\xc3(\xe2\x82' | analyze | is 'length: 7
bytes: 7
invalid: 5
words: 1
unique: 1
a 1
'
}

# bats test_tags=unit
@test "a text that its sender does not end is answered when it has gone quiet" {
    start --settle 50ms
    printf 'a b a' >"$BATS_TEST_TMPDIR/text"
    # It stays open until the server ends it.
    timed "$PYTHON" - "$PORT" >"$BATS_TEST_TMPDIR/out" <<'END'
import socket, sys
with socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=10) as s:
    s.sendall(b"a b a")
    sys.stdout.write(s.recv(1024).decode())
    assert s.recv(1024) == b""
END
    is 'length: 5
bytes: 5
words: 3
unique: 2
a 2
b 1
' <"$BATS_TEST_TMPDIR/out"
    took_between 50 5000
}

@test "one word of 10 MB, of letters of one byte or of two" {
    start --max-message 16M
    head -c 10000000 /dev/zero | tr '\0' x >"$BATS_TEST_TMPDIR/word"
    analyze <"$BATS_TEST_TMPDIR/word" >"$BATS_TEST_TMPDIR/out"
    head -n 4 "$BATS_TEST_TMPDIR/out" | is 'length: 10000000
bytes: 10000000
words: 1
unique: 1
'
    [ "$(tail -n 1 "$BATS_TEST_TMPDIR/out" | wc -c)" = 10000003 ]
    "$PYTHON" -c 'import sys; sys.stdout.buffer.write("я".encode() * 5000000)' >"$BATS_TEST_TMPDIR/word"
    analyze --top 0 <"$BATS_TEST_TMPDIR/word" | head -n 4 | is 'length: 5000000
bytes: 10000000
words: 1
unique: 1
'
}

# bats test_tags=unit
@test "a text past --max-message is refused to its sender alone, however much it still sends" {
    start --max-message 1000
    head -c 30000000 /dev/zero | tr '\0' x >"$BATS_TEST_TMPDIR/text"
    run -9 --separate-stderr analyze <"$BATS_TEST_TMPDIR/text"
    [ -z "$output" ]
    [[ $stderr == *"the server refused: 'a text may have at most 1000 bytes'"* ]]
    analyze one | tail -n 1 | is 'one 1
'
}

# WHAT: what its client, which has read a byte of a long report, does once the server gets SIGTERM.
stopped_in_a_report() {
    start --max-message 16M
    timeout 30 "$PYTHON" - "$PORT" "$SERVER_PID" "$1" <<'END'
import os, select, signal, socket, sys
server = int(sys.argv[2])
with socket.socket() as s:
    s.settimeout(20)
    s.connect(("127.0.0.1", int(sys.argv[1])))
    s.sendall(" ".join(f"w{i}" for i in range(800000)).encode())
    s.shutdown(socket.SHUT_WR)
    report = s.recv(1)
    gone = os.pidfd_open(server)
    os.kill(server, signal.SIGTERM)
    if sys.argv[3] == "reads":
        while data := s.recv(1 << 20):
            report += data
        lines = report.decode().splitlines()
        assert lines[3] == "unique: 800000" and len(lines) == 800004, (lines[:4], len(lines))
    else:
        select.select([gone], [], [], 20)
END
    wait_server
}

# bats test_tags=unit
@test "stopped while a report is on its way, it sends all of it" {
    stopped_in_a_report reads
    [ "$SERVER_STATUS" = 0 ] || fail "status $SERVER_STATUS" "$(cat "$SERVER_ERR")"
}

# bats test_tags=unit
@test "4: told to stop, it gives up a report that is not taken in time" {
    timed stopped_in_a_report waits
    [ "$SERVER_STATUS" = 4 ]
    [[ $(cat "$SERVER_ERR") == *'stopped with '*' bytes that clients had not taken'* ]]
    took_between 2000 10000
}

# bats test_tags=long
@test "100 MB of text cost the server some megabytes, and are counted right" {
    start --max-message 128M
    "$PYTHON" "$PEERS/text.py" 100000000 "$BATS_TEST_TMPDIR/text" "$BATS_TEST_TMPDIR/expected"
    LIMIT=60 analyze --sort count <"$BATS_TEST_TMPDIR/text" | tail -n +3 | sort >"$BATS_TEST_TMPDIR/out"
    cmp "$BATS_TEST_TMPDIR/out" "$BATS_TEST_TMPDIR/expected"
    grep VmHWM "/proc/$SERVER_PID/status" >&2
    [ "$(awk '/^VmHWM/ { print $2 }' "/proc/$SERVER_PID/status")" -lt 32000 ]
}

# bats test_tags=load
@test "while a long text is counted, others are served at once" {
    start --max-message 128M
    "$PYTHON" -c 'import sys; sys.stdout.buffer.write("Ὀδυσσεύς ἄνδρα μοι ἔννεπε \u0301".encode() * 1000000)' \
        >"$BATS_TEST_TMPDIR/long"
    start_job "$SOCKX" analyze -H 127.0.0.1 -p "$PORT" <"$BATS_TEST_TMPDIR/long"
    wait_until has_clients "$PORT"
    served=0
    while ! is_gone "$JOB_PID" && [ "$served" -lt 20 ]; do
        timed analyze hello >"$BATS_TEST_TMPDIR/out"
        took_between 0 300
        served=$((served + 1))
    done
    wait_job "$JOB_PID" 60
    [ "$JOB_STATUS" = 0 ]
    [ "$served" -gt 1 ] || fail "the long text was over too soon"
    grep -qx 'words: 4000000' "$JOB_OUT"
}

@test "4: a report that is cut short is no report" {
    for bytes in 1 9 14 16 20 30 42 44; do
        start_script text_server.py cut "$bytes"
        run -4 --separate-stderr sockx analyze -p "$PORT" 'a b a'
        [ -z "$output" ]
        [[ $stderr == *"the report is incomplete: it ended after $bytes bytes"*'hint: '* ]] || fail "$stderr"
    done
    start_script text_server.py cut 42
    run -4 --separate-stderr sockx analyze -j -p "$PORT" 'a b a'
    [ -z "$output" ]
}

@test "9: a report that contradicts itself is no report" {
    while read -r counts list why; do
        # shellcheck disable=SC2086
        printf -v head 'length: %s\nbytes: %s\nwords: %s\nunique: %s' ${counts//,/ }
        start_script text_server.py says "$head"$'\n'"$(tr ':/' ' \n' <<<"$list")"$'\n'
        for option in --top=1 -j; do
            run -9 --separate-stderr sockx analyze "$option" -p "$PORT" 'a b a'
            [ -z "$output" ] || fail "$output"
            [[ $stderr == *"the report contradicts itself: $why"*hint* ]] || fail "$why: $stderr"
        done
    done <<'EOF'
6,5,3,2 a:2/b:1 its length is more than its bytes
5,5,6,2 a:5/b:1 it has more words than its length
5,5,1,2 a:1/b:1 it has more unique words than words
5,5,3,2 a:2/a:1 it lists a word twice
5,5,3,3 a:2/b:1/c:0 it lists a word with count 0
5,5,3,2 a:2/b:2 its list has more words than it says
5,5,3,2 a:1/b:1 its list has fewer words than it says
5,5,3,2 a:1/b:1/c:1 it lists more words than are unique
EOF
}

@test "9: a report that is too long for its text is not passed on as another answer" {
    start_script text_server.py says $'length: 5\nbytes: 5\nwords: 3\nunique: 2\n' 100000
    run -9 --separate-stderr sockx analyze -p "$PORT" 'a b a'
    [ -z "$output" ] || fail "${output:0:100}"
    [[ $stderr == *'too long to be a report of this text'*'hint: '* ]] || fail "$stderr"
}

@test "a report of half a text is no report: 9" {
    start_script text_server.py half
    run -9 --separate-stderr sockx analyze -p "$PORT" 'to be or not to be'
    [ -z "$output" ]
    [[ $stderr == *'the report counts 9 bytes, but 18 were sent'*'hint: '*--settle* ]]
}

# bats test_tags=unit
@test "an answer in another form is printed as it came, and ends its line" {
    start_script text_server.py other
    sockx analyze -p "$PORT" 'to be' | is "['be', 'to'] 5
"
}

# bats test_tags=unit
@test "an answer that never ends is passed on, and not collected" {
    start_script text_server.py endless
    sockx analyze -p "$PORT" 'to be' | head -c 20000000 | wc -c | is '20000000
'
}

@test "9: an answer past --max-answer, or past what -j can hold, ends at once" {
    start_script text_server.py endless
    run -9 --separate-stderr sockx analyze --max-answer 100K -p "$PORT" 'to be'
    [ "${#output}" -eq 102400 ]
    [[ $stderr == *'more than 102400 bytes came (--max-answer)'*'hint: '* ]] || fail "$stderr"
    run -9 --separate-stderr sockx analyze --max-answer 100K -j -p "$PORT" 'to be'
    equal "$output" ''
    [[ $stderr == *'more than 102400 bytes came'* ]] || fail "$stderr"
    run -9 --separate-stderr sockx analyze -j -p "$PORT" 'to be'
    equal "$output" ''
    [[ $stderr == *'too long to be a report of this text'* ]] || fail "$stderr"
}

@test "no answer is 9, and none in time is 5" {
    start_script text_server.py silent
    run -9 --separate-stderr sockx analyze -p "$PORT" text
    [[ $stderr == *'the report is empty'* ]]
    start_script text_server.py deaf
    run -5 --separate-stderr sockx analyze -w 200ms -p "$PORT" text
    [[ $stderr == *'no report within 200 ms'* ]]
}

@test "what an answer does to a terminal is shown, and done to a file" {
    start_script text_server.py steering
    sockx analyze -p "$PORT" x | is $'\e[2Ja\u202eb\n'
    "$PYTHON" "$PEERS/on_terminal.py" "$SOCKX" analyze -p "$PORT" x >"$BATS_TEST_TMPDIR/out" 2>/dev/null
    grep -qF '\x1b[2Ja\u{202E}b' "$BATS_TEST_TMPDIR/out"
    run ! grep -q $'\e\\[2J' "$BATS_TEST_TMPDIR/out"
}

@test "over datagrams each is a text; a report must fit, and only the loopback is served" {
    start_server -m analyze -u
    grep -q '^listening on 127.0.0.1:' "$SERVER_ERR"
    sockx analyze -u -p "$PORT" 'a b a' | tail -n 2 | is 'a 2
b 1
'
    "$PYTHON" -c 'print(" ".join(f"w{i:05}" for i in range(9000)), end="")' >"$BATS_TEST_TMPDIR/text"
    run -9 --separate-stderr sockx analyze -4 -u -p "$PORT" <"$BATS_TEST_TMPDIR/text"
    [[ $stderr == *'the report is too long for one message'* ]]
}

# bats test_tags=unit
@test "words and options that do not fit are refused" {
    start
    run -2 --separate-stderr analyze --sort size x
    [[ $stderr == *"'size'"* ]]
    run -2 --separate-stderr sockx serve -m echo --exact
    [[ $stderr == *"'--exact' belongs to mode analyze"* ]]
}

# ARG...: on a terminal. What was written there is in JOB_ERR.
analyze_on_terminal() {
    start_dialogue -- "$SOCKX" analyze -H 127.0.0.1 -p "$PORT" "$@"
    wait_dialogue "$JOB_PID"
    equal "$JOB_STATUS" 0
}

@test "a person who gave the name of a file reads how to have the file analyzed" {
    load talk
    start
    cd "$BATS_TEST_TMPDIR"
    echo 'one two' >LICENSE
    echo 'one two' >'two words'
    analyze_on_terminal LICENSE
    grep -qF "'LICENSE' was taken as a text; for the file of that name: sockx analyze <LICENSE" "$JOB_ERR"
    analyze_on_terminal 'two words'
    grep -qF "sockx analyze <FILE" "$JOB_ERR"
    for args in NOTICE "LICENSE LICENSE" . "-Q LICENSE"; do
        # shellcheck disable=SC2086
        analyze_on_terminal $args
        run ! grep -qF "of that name" "$JOB_ERR"
    done
    run --separate-stderr analyze -v LICENSE
    expect_status 0
    [[ $stderr != *"of that name"* ]] || fail "$stderr"
}
