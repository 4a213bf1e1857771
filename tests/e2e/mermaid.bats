#!/usr/bin/env bats
# shellcheck disable=SC2153,SC2154 # helper and run set variables
load helper

# --trace=mermaid: all of standard error is one sequence diagram. tests/unit/report/test_trace_mermaid.c has
# what stands in it, and what a peer may send; here are whole runs.

# FILE: it, with numbers that differ from run to run taken out: ports, descriptors, and states and times that
# depend on which side comes first.
drawn() {
    sed -E -e "s/127\.0\.0\.1:$PORT/SERVER/g" -e 's/127\.0\.0\.1:[1-9][0-9]*/CLIENT/g' \
        -e 's/\((6|7|8|9|1[0-9])(,|\))/(5\2/g' -e 's/ = (7|8|9|1[0-9])$/ = 6/' -e 's/%% done: .*/%% done/' "$1"
}

# bats test_tags=unit
@test "a server's diagram of one client" {
    start_server -H 127.0.0.1 -m echo --trace=mermaid
    run sockx connect 127.0.0.1 "$PORT" <<<"hello"
    equal "$output" hello
    wait_until has_line "$SERVER_ERR" 'S,P1: close'
    stop_server
    drawn "$SERVER_ERR" | sed -E 's/(shutdown\(5, SHUT_WR\)|close\(5\)), .*/\1/; s/(accept\(5\)) = .*/\1/; s/(socket\(.*\)) = .*/\1/' >"$BATS_TEST_TMPDIR/shown"
    cat >"$BATS_TEST_TMPDIR/expected" <<'END'
sequenceDiagram
    participant S as sockx serve
    Note over S: socket(AF_INET, SOCK_STREAM)
    Note over S: setsockopt(5, SOL_SOCKET, SO_REUSEADDR, 1)
    Note over S: bind(5, 127.0.0.1:0)
    Note over S: listen(5, 65535), CLOSED -> LISTEN
    Note over S: getsockname(5, SERVER)
%% listening on SERVER (tcp, echo)
    participant P1 as CLIENT
    P1->>S: TCP handshake: accept(5)
    P1->>S: recv(5, "hello#92;n") = 6
    S->>P1: send(5, "hello#92;n") = 6
    P1->>S: FIN: recv(5, "") = 0, ESTABLISHED -> CLOSE_WAIT
    S->>P1: FIN: shutdown(5, SHUT_WR)
    Note over S,P1: close(5)
    Note over S: close(5)
END
    diff "$BATS_TEST_TMPDIR/expected" "$BATS_TEST_TMPDIR/shown"
}

# bats test_tags=unit
@test "a client's diagram of a connection, and of one that is refused" {
    start_server -H 127.0.0.1 -m echo
    run --separate-stderr sockx connect -v --trace=mermaid 127.0.0.1 "$PORT" <<<"hello"
    equal "$output" hello
    [[ $stderr == sequenceDiagram$'\n'*'participant S as sockx connect'* ]]
    [[ $stderr == *"S->>P1: SYN: connect("*"P1-->>S: SYN, ACK: "*'S->>P1: send('*'S->>P1: FIN: '*'P1->>S: FIN: '* ]]
    [[ $stderr == *$'\n'"%% connected to 127.0.0.1:$PORT (tcp)"$'\n'* ]]
    free_port
    run --separate-stderr sockx connect --explain --trace=mermaid 127.0.0.1 "$PORT"
    [ "$status" -eq 7 ]
    [[ $stderr == *$'\n    P1-xS: RST: '*ECONNREFUSED* ]]
    [[ $stderr == *$'\n%% sockx: cannot connect'*$'\n%% hint: '* ]]
    run grep -vE '^(sequenceDiagram$|%% |    (participant|Note over|S-|P1-))' <<<"$stderr"
    equal "$output" ''
}

@test "datagrams have arrows of their own" {
    start_server -H 127.0.0.1 -u -m echo --trace=mermaid
    run sockx connect -u 127.0.0.1 "$PORT" <<<"hello"
    equal "$output" hello
    has_line "$SERVER_ERR" '^    P1-\)S: recvmsg\([0-9]+, "hello#92;n"\) = 6$'
    has_line "$SERVER_ERR" '^    S-\)P1: sendmsg\([0-9]+, "hello#92;n"\) = 6$'
}

@test "a diagram is no JSON" {
    run --separate-stderr sockx connect -j --trace=mermaid 127.0.0.1 1
    [ "$status" -eq 2 ]
    [[ $stderr == *"'--trace=mermaid' and '--json' cannot be combined"*--trace=json* ]]
}
