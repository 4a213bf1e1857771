#!/usr/bin/env bats
# bats file_tags=unit
#
# --trace: what it does where standard error takes nothing, and with hostile bytes. trace-calls.bats and
# trace-states.bats have what it shows.

# shellcheck disable=SC2154 # run sets output, stderr and status
load helper

# PATTERN OPTION: 1000 messages pass while a server's trace fills a pipe that is not read; what then comes out of it is
# whole lines that match, and how many are missing.
fills_its_pipe() {
    local pipe=$BATS_TEST_TMPDIR/pipe ready=$BATS_TEST_TMPDIR/ready line dropped

    mkfifo "$pipe"
    exec {HELD}<>"$pipe"
    "$SOCKX" serve -m echo -H 127.0.0.1 -p 0 --ready "$ready" "$2" 2>"$pipe" 3>&- {HELD}>&- &
    account_for_server $! /dev/null
    wait_until test -s "$ready"
    read -r _ PORT <"$ready"
    sockx echo -H 127.0.0.1 -p "$PORT" --count 1000 --interval 0 --size 64 -jQ >"$BATS_TEST_TMPDIR/out"
    has_line "$BATS_TEST_TMPDIR/out" '"sent":1000,"received":1000,"lost":0,'
    cat "$pipe" >"$BATS_TEST_TMPDIR/said" {HELD}>&- &
    jobs_left+=($!)
    wait_until has_bytes "$BATS_TEST_TMPDIR/said" 60000
    equal "$(sockx echo -H 127.0.0.1 -p "$PORT" more)" more
    stop_server
    exec {HELD}>&-
    wait "${jobs_left[-1]}"
    dropped=$(awk '/standard error took no more; lines dropped: / { sum += $NF }
        END { print sum + 0 }' "$BATS_TEST_TMPDIR/said")
    [ "$dropped" -gt 1000 ] || fail "dropped: $dropped" "$(head -n 5 "$BATS_TEST_TMPDIR/said")"
    while IFS= read -r line; do
        [[ $line =~ $1 ]] || fail "not a line: $line"
    done <"$BATS_TEST_TMPDIR/said"
}

@test "a pipe that is not read does not stop a server: lines are dropped, and counted" {
    fills_its_pipe '^( *[0-9]+\.[0-9]{6} +[-0-9]+ [a-z0-9]+\(.*| +[A-Z]+.*|listening on .*|standard error took no more.*)$' --trace
}

@test "... and as JSON" {
    fills_its_pipe '^(\{"ts":.*\}|listening on .*|standard error took no more.*)$' --trace=json
}

@test "a peer's bytes cannot steer a terminal, in no form" {
    local steering=$'\e[31m\a\x9b1m"\\\r\u202e\xff\n' form said

    for form in text json; do
        start_server -m echo -H 127.0.0.1 "--trace=$form"
        printf %s "$steering" | sockx connect -N --trace="$form" 127.0.0.1 "$PORT" \
            >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/$form.client"
        equal "$(cat "$BATS_TEST_TMPDIR/out")" "${steering%$'\n'}"
        stop_server
        cp "$SERVER_ERR" "$BATS_TEST_TMPDIR/$form.server"
        for said in client server; do
            run ! grep -qP '[^\x20-\x7e]' <(LC_ALL=C sed 's/\xef\xbf\xbd//g' "$BATS_TEST_TMPDIR/$form.$said")
        done
    done
    has_line "$BATS_TEST_TMPDIR/text.server" 'recv\([0-9]+, "\\x1b\[31m\\x07\\x9b1m'
    "$PYTHON" - "$BATS_TEST_TMPDIR"/json.{client,server} <<'END'
import json
import sys

for name in sys.argv[1:]:
    said = [json.loads(line) for line in open(name, encoding="utf-8") if line.startswith("{")]
    data = {call["data"] for call in said if call["function"] in ("send", "recv") and call.get("data")}
    assert data == {'\x1b[31m\x07\ufffd1m"\\\r\u202e\ufffd\n'}, data
END
}

@test "a form that is not joined to its option gets the way to write it" {
    run --separate-stderr sockx connect --trace mermaid localhost 1
    expect_status 2
    [[ $stderr == *"'mermaid' is not joined to '--trace'"*"hint: write '--trace=mermaid'" ]] || fail "$stderr"
    run --separate-stderr sockx connect -x=file localhost 1
    expect_status 2
    [[ $stderr == *"hint: write '--hexdump=file'" ]] || fail "$stderr"
}
