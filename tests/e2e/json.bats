#!/usr/bin/env bats
#
# -j: what each line says, and that a script can rely on it.

load helper

@test "the last line is an error where the reader of standard output has left" {
    start_server -m source -H 127.0.0.1
    "$SOCKX" connect -j -H 127.0.0.1 -p "$PORT" 2>"$BATS_TEST_TMPDIR/err" | head -c 1 >"$BATS_TEST_TMPDIR/out"
    equal "${PIPESTATUS[0]}" 141
    [[ $(tail -n 1 "$BATS_TEST_TMPDIR/err") == *'"event":"error","kind":"sigpipe","exit":141,'* ]] ||
        fail "$(cat "$BATS_TEST_TMPDIR/err")"
}

# ---- every line, or a line that says how many are missing ----

@test "1,000 connections are 1,000 opened and 1,000 closed or lost, with their bytes" {
    "$PYTHON" "$PEERS/events.py" read "$SOCKX" 1000
}

@test "a full pipe stops no server, and what was told and what was dropped are all there was" {
    run -0 "$PYTHON" "$PEERS/events.py" full "$SOCKX" 1000
    [[ $output == *' told, '*' dropped' ]] || fail "$output"
}
