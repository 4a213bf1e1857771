# shellcheck disable=SC2154 # run sets output
# bats file_tags=unit
#
# An urgent byte (MSG_OOB) is a byte: it is read in its place, and costs nothing while it waits.

load helper

urgent() {
    timeout -k 1 20 "$PYTHON" "$PEERS/urgent.py" "$@"
}

setup() {
    exec </dev/null
    ALL=$(urgent all)
}

@test "a server reads urgent bytes in their place" {
    start_server -m echo -H 127.0.0.1
    urgent echo "$PORT"
    start_unix_server "$BATS_TEST_TMPDIR/socket" -m echo
    urgent echo "$BATS_TEST_TMPDIR/socket"
}

@test "a server that discards counts urgent bytes" {
    start_server -m discard -j --once -H 127.0.0.1
    urgent send "$PORT"
    wait_server
    has_line "$SERVER_ERR" "\"event\":\"conn.closed\".*\"received\":${#ALL},"
}

@test "a client reads urgent bytes in their place" {
    start_script urgent.py serve
    equal "$(sockx connect 127.0.0.1 "$PORT")" "$ALL"
    equal "$(sockx greet -H 127.0.0.1 -p "$PORT")" "$ALL"
    start_script urgent.py serve "$BATS_TEST_TMPDIR/socket"
    equal "$(sockx connect -U "$BATS_TEST_TMPDIR/socket")" "$ALL"
}

@test "so does one whose standard input is a TCP connection" {
    start_server -H 127.0.0.1
    urgent input "$SOCKX" connect 127.0.0.1 "$PORT"
    wait_server
    equal "$SERVER_STATUS" 0
    equal "$(cat "$SERVER_OUT")" "$ALL"
}

@test "an urgent byte that waits for a paused reader takes no processor time" {
    run urgent paused "$SOCKX" connect
    expect_status 0
    [ "${lines[0]}" -le 20 ] || fail "${lines[0]} ms of 500"
    equal "${lines[1]}" 0
}
