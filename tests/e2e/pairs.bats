# bats file_tags=once
# shellcheck disable=SC2030,SC2031,SC2154 # tests are processes; run sets output
#
# sockx against small programs as people write them in a first course on sockets: one send is one
# message, one recv(1024) is one message, no newline, no length, each waiting for the other. They are
# in peers/r*.py, each described there. The pairs, each over IPv4 and over IPv6:
#
#                                  | their client, our server    | our client, their server
# ---------------------------------|-----------------------------|---------------------------------
# R0: operator chat, ended by a    | serve -m chat               | connect -m chat --eol none
#   line `bye` that is not sent    |   typed, and from a script  |   typed, and from a script
# R1: greeted at once, and closed  | serve -m greet              | greet, greet NAME
# R2: echo                         | serve -m echo               | echo, connect
# R2: unique words and length      | serve -m analyze            | analyze
# R3: operator chat, ended by BYE, | serve -m chat --bye BYE     | connect -m chat --bye BYE
#   exactly so and sent            |   --eol none                |   --eol none; typed and scripted
# R4: says a name, is greeted      | serve -m greet              | greet NAME
# Not under the sanitizers: echo, greet, analyze, chat and streams.bats have peers that do as these.

load helper
load talk

export BATS_TEST_TIMEOUT=60

# HOST: the option of the Python programs, in SIX; how an address is written, in AT.
host_is() {
    HOST=$1 AT=$1 SIX=()
    if [ "$1" = ::1 ]; then
        AT='[::1]' SIX=(--six)
    fi
}

# How Python writes a client's address, up to its port: a pattern.
python_address() {
    if [ "$HOST" = ::1 ]; then
        echo "\\('::1', [0-9]+, 0, 0\\)"
    else
        echo "\\('127\\.0\\.0\\.1', [0-9]+\\)"
    fi
}

# FILE LINE...: these are its lines, where an address may stand for ADDRESS.
printed() {
    equal "$(sed -E "s/$(python_address)/ADDRESS/" "$1")" "$(lines "${@:2}")"
}

# NAME ARG...: a Python server, run to its end by what follows; and its client.
start_theirs() {
    start_script "$1" "${SIX[@]}" "${@:2}"
}

theirs() {
    timeout -k 1 20 "$PYTHON" "$PEERS/$1" "$PORT" "${SIX[@]}" "${@:2}"
}

# The Python server has ended by itself and in order, and has had nothing to complain of.
server_is_done() {
    wait_job "$PEER_PID"
    equal "$JOB_STATUS" 0
    equal "$(cat "$PEER_ERR")" "ready $PORT"
}

nobody_is_left() {
    if ! is_gone "$1" || is_listening "$PORT"; then
        fail "a socket is left on port $PORT"
    fi
}

# ---- R0: operator chat ----

r0_client_typed() {
    host_is "$1"
    start_operator 'see:^hello$' 'type:good morning' 'see:^how are you\?$' 'type:très bien, 你好' -- \
        -m chat -1 -H "$HOST"
    local operator=$JOB_PID screen=$JOB_OUT
    start_dialogue 'see:^ ->$' 'type:hello' 'see:^Received from server: good morning' 'see:^ ->$' \
        'type:how are you?' 'see:^Received from server: très bien, 你好' 'see:^ ->$' 'type: Bye ' -- \
        "$PYTHON" "$PEERS/r0_chat_client.py" "$PORT" "${SIX[@]}"
    wait_dialogue "$JOB_PID"
    equal "$JOB_STATUS" 0
    equal "$(shown "$JOB_OUT")" "$(lines ' -> hello' 'Received from server: good morning' \
        ' -> how are you?' 'Received from server: très bien, 你好' ' ->  Bye')"
    wait_dialogue "$operator" "$screen"
    equal "$JOB_STATUS" 0
    equal "$(shown "$screen")" "$(lines "listening on $AT:PORT (tcp, chat)" "1: $AT:PORT connected" \
        hello '> good morning' 'how are you?' '> très bien, 你好' \
        "1: $AT:PORT done, 17 bytes received, 32 sent")"
    nobody_is_left "$operator"
}

@test "R0: a typed chat of serve with their client, IPv4" { r0_client_typed 127.0.0.1; }
@test "R0: a typed chat of serve with their client, IPv6" { r0_client_typed ::1; }

# Their server sends without a newline, so that each of its messages is known to be whole when it has
# been quiet for --settle.
r0_server_typed() {
    host_is "$1"
    start_dialogue 'see:^from connected user: hello$' 'see:^ ->$' 'type:good morning' \
        'see:^from connected user: how are you\?$' 'see:^ ->$' 'type:très bien' -- \
        "$PYTHON" "$PEERS/r0_chat_server.py" "${SIX[@]}"
    local server=$JOB_PID screen=$JOB_OUT
    learn_port "$server" "$JOB_ERR"
    start_dialogue 'see:^>$' 'type:hello' 'see:^good morning$' 'type:how are you?' \
        'see:^très bien$' 'type:Bye ' -- \
        "$SOCKX" connect -m chat --eol none "$HOST" "$PORT"
    wait_dialogue "$JOB_PID"
    equal "$JOB_STATUS" 0
    equal "$(shown "$JOB_OUT")" "$(lines "connected to $AT:PORT (tcp)" '> hello' 'good morning' \
        '> how are you?' 'très bien' '> Bye')"
    wait_dialogue "$server" "$screen"
    equal "$JOB_STATUS" 0
    shown "$screen" >"$BATS_TEST_TMPDIR/screen"
    printed "$BATS_TEST_TMPDIR/screen" "ready $PORT" 'Connection from: ADDRESS' \
        'from connected user: hello' ' -> good morning' 'from connected user: how are you?' \
        ' -> très bien'
    nobody_is_left "$server"
}

@test "R0: a typed chat of connect with their server, IPv4" { r0_server_typed 127.0.0.1; }
@test "R0: a typed chat of connect with their server, IPv6" { r0_server_typed ::1; }

r0_client_scripted() {
    host_is "$1"
    printf 'one\ntwo\n' >"$BATS_TEST_TMPDIR/answers"
    start_server -m chat -1 --turns --eol none -H "$HOST" <"$BATS_TEST_TMPDIR/answers"
    printf 'eins\nzwei\nBYE\n' | theirs r0_chat_client.py >"$BATS_TEST_TMPDIR/theirs"
    equal "$(cat "$BATS_TEST_TMPDIR/theirs")" \
        "$(lines ' -> Received from server: one' ' -> Received from server: two' ' -> ')"
    wait_server
    equal "$SERVER_STATUS" 0
    equal "$(cat "$SERVER_OUT")" "$(lines eins zwei)"
    equal "$(cat "$SERVER_ERR")" "listening on $AT:$PORT (tcp, chat)"
}

@test "R0: a scripted chat of serve with their client, IPv4" { r0_client_scripted 127.0.0.1; }
@test "R0: a scripted chat of serve with their client, IPv6" { r0_client_scripted ::1; }

r0_server_scripted() {
    host_is "$1"
    start_theirs r0_chat_server.py < <(printf 'one\ntwo\n')
    run --separate-stderr sockx connect -m chat --turns --eol none "$HOST" "$PORT" \
        < <(printf 'eins\nzwei\nbye\n')
    expect_status 0
    equal "$output" "$(lines one two)"
    equal "$stderr" ""
    server_is_done
    printed "$PEER_OUT" 'Connection from: ADDRESS' 'from connected user: eins' \
        ' -> from connected user: zwei' ' -> '
}

@test "R0: a scripted chat of connect with their server, IPv4" { r0_server_scripted 127.0.0.1; }
@test "R0: a scripted chat of connect with their server, IPv6" { r0_server_scripted ::1; }

@test "R0: a script that just ends, ends the chat too" {
    host_is 127.0.0.1
    start_theirs r0_chat_server.py < <(printf 'one\ntwo\n')
    run --separate-stderr sockx connect -m chat --turns --eol none "$HOST" "$PORT" \
        < <(printf 'eins\nzwei')
    expect_status 0
    equal "$output" "$(lines one two)"
    server_is_done
}

# ---- R1: greeted at once ----

r1_client() {
    host_is "$1"
    start_server -m greet --greeting 'Hello World! This is Ada' -H "$HOST"
    for _ in 1 2 3; do
        run --separate-stderr theirs r1_greeting_client.py
        expect_status 0
        equal "$output$stderr" 'Hello World! This is Ada'
    done
    stop_server
    equal "$SERVER_STATUS" 0
    equal "$(cat "$SERVER_ERR" "$SERVER_OUT")" "listening on $AT:$PORT (tcp, greet)"
}

@test "R1: serve greets their client at once, IPv4" { r1_client 127.0.0.1; }
@test "R1: serve greets their client at once, IPv6" { r1_client ::1; }

r1_server() {
    host_is "$1"
    start_theirs r1_greeting_server.py Ada
    run --separate-stderr sockx greet -H "$HOST" -p "$PORT"
    expect_status 0
    equal "$output$stderr" 'Hello World! This is Ada'
    run --separate-stderr sockx greet -H "$HOST" -p "$PORT" Grace Hopper
    expect_status 0
    equal "$output$stderr" 'Hello World! This is Ada'
    wait_until has_line "$PEER_OUT" .
    printed "$PEER_OUT" 'Got connection from ADDRESS' 'Got connection from ADDRESS'
    equal "$(cat "$PEER_ERR")" "ready $PORT"
}

@test "R1: greet hears their server, with a name and without, IPv4" { r1_server 127.0.0.1; }
@test "R1: greet hears their server, with a name and without, IPv6" { r1_server ::1; }

# Their server closes with the name unread, and its kernel answers with a reset behind the greeting.
@test "R1: no greeting is lost to a reset after it, 200 times" {
    host_is 127.0.0.1
    start_theirs r1_greeting_server.py Ada
    for _ in {1..100}; do
        "$SOCKX" greet -H "$HOST" -p "$PORT" 'a name that is not read'
        "$SOCKX" greet -H "$HOST" -p "$PORT"
    done >"$BATS_TEST_TMPDIR/greetings"
    equal "$(sort "$BATS_TEST_TMPDIR/greetings" | uniq -c | sed 's/^ *//')" \
        '200 Hello World! This is Ada'
}

# ---- R2: echo ----

r2_echo_client() {
    host_is "$1"
    start_server -m echo -1 -H "$HOST"
    run --separate-stderr theirs r2_echo_client.py
    expect_status 0
    equal "$output$stderr" "Received b'Hello, world'"
    wait_server
    equal "$SERVER_STATUS" 0
    equal "$(cat "$SERVER_ERR" "$SERVER_OUT")" "listening on $AT:$PORT (tcp, echo)"
}

@test "R2: serve echoes to their client, IPv4" { r2_echo_client 127.0.0.1; }
@test "R2: serve echoes to their client, IPv6" { r2_echo_client ::1; }

r2_echo_server() {
    host_is "$1"
    start_theirs r2_echo_server.py
    run --separate-stderr sockx echo -H "$HOST" -p "$PORT" 'Hello, world'
    expect_status 0
    equal "$output$stderr" 'Hello, world'
    server_is_done
    printed "$PEER_OUT" 'Connected by ADDRESS'
    start_theirs r2_echo_server.py
    run --separate-stderr sockx connect "$HOST" "$PORT" < <(printf 'Hello, world')
    expect_status 0
    equal "$output$stderr" 'Hello, world'
    server_is_done
}

@test "R2: echo and connect are content with their server, IPv4" { r2_echo_server 127.0.0.1; }
@test "R2: echo and connect are content with their server, IPv6" { r2_echo_server ::1; }

# ---- R2: unique words and length ----

r2_analyze_client() {
    host_is "$1"
    start_server -m analyze -1 -H "$HOST"
    run --separate-stderr theirs r2_analyze_client.py 'To be, or not to be: straße'
    expect_status 0
    equal "$output" "$(lines 'length: 27' 'bytes: 28' 'words: 7' 'unique: 5' 'To 2' 'be 2' 'or 1' \
        'not 1' 'straße 1')"
    equal "$stderr" ""
    wait_server
    equal "$SERVER_STATUS" 0
    equal "$(cat "$SERVER_ERR" "$SERVER_OUT")" "listening on $AT:$PORT (tcp, analyze)"
}

@test "R2: serve analyzes for their client, IPv4" { r2_analyze_client 127.0.0.1; }
@test "R2: serve analyzes for their client, IPv6" { r2_analyze_client ::1; }

# Its form of a report is not ours, and is printed as it came.
r2_analyze_server() {
    host_is "$1"
    for with in '' --top=1; do
        start_theirs r2_analyze_server.py
        run --separate-stderr sockx analyze -H "$HOST" -p "$PORT" $with to be or not to be
        expect_status 0
        equal "$output" "$(lines 'Unique words: be, not, or, to' 'Total length: 18')"
        equal "$stderr" ""
        server_is_done
        printed "$PEER_OUT" 'Connected by ADDRESS'
    done
}

@test "R2: analyze prints what their server answers, IPv4" { r2_analyze_server 127.0.0.1; }
@test "R2: analyze prints what their server answers, IPv6" { r2_analyze_server ::1; }

# ---- R3: operator chat that ends on BYE ----

r3_client_typed() {
    host_is "$1"
    start_operator 'see:^hello$' 'type:good morning' 'see:^BYE now$' 'type:not yet?' -- \
        -m chat -1 --bye BYE --eol none -H "$HOST"
    local operator=$JOB_PID screen=$JOB_OUT
    start_dialogue 'see:^Client:$' 'type:hello' 'see:^Server: good morning$' 'see:^Client:$' \
        'type:BYE now' 'see:^Server: not yet\?$' 'see:^Client:$' 'type:BYE' -- \
        "$PYTHON" "$PEERS/r3_chat_client.py" "$PORT" "${SIX[@]}"
    wait_dialogue "$JOB_PID"
    equal "$JOB_STATUS" 0
    equal "$(shown "$JOB_OUT")" "$(lines 'Client: hello' 'Server: good morning' 'Client: BYE now' \
        'Server: not yet?' 'Client: BYE')"
    wait_dialogue "$operator" "$screen"
    equal "$JOB_STATUS" 0
    equal "$(shown "$screen")" "$(lines "listening on $AT:PORT (tcp, chat)" "1: $AT:PORT connected" \
        hello '> good morning' 'BYE now' '> not yet?' "1: $AT:PORT done, 15 bytes received, 20 sent")"
    nobody_is_left "$operator"
}

@test "R3: a typed chat of serve with their client, IPv4" { r3_client_typed 127.0.0.1; }
@test "R3: a typed chat of serve with their client, IPv6" { r3_client_typed ::1; }

r3_server_typed() {
    host_is "$1"
    start_dialogue 'see:^Client: hello$' 'see:^Server:$' 'type:good morning' \
        'see:^Client: bye$' 'see:^Server:$' 'type:not yet?' -- \
        "$PYTHON" "$PEERS/r3_chat_server.py" "${SIX[@]}"
    local server=$JOB_PID screen=$JOB_OUT
    learn_port "$server" "$JOB_ERR"
    start_dialogue 'see:^>$' 'type:hello' 'see:^good morning$' 'type:bye' \
        'see:^not yet\?$' 'type:BYE' -- \
        "$SOCKX" connect -m chat --bye BYE --eol none "$HOST" "$PORT"
    wait_dialogue "$JOB_PID"
    equal "$JOB_STATUS" 0
    equal "$(shown "$JOB_OUT")" "$(lines "connected to $AT:PORT (tcp)" '> hello' 'good morning' \
        '> bye' 'not yet?' '> BYE')"
    wait_dialogue "$server" "$screen"
    equal "$JOB_STATUS" 0
    shown "$screen" >"$BATS_TEST_TMPDIR/screen"
    printed "$BATS_TEST_TMPDIR/screen" "ready $PORT" 'Connected with ADDRESS' 'Client: hello' \
        'Server: good morning' 'Client: bye' 'Server: not yet?' 'Client has left the chat'
    nobody_is_left "$server"
}

@test "R3: a typed chat of connect with their server, IPv4" { r3_server_typed 127.0.0.1; }
@test "R3: a typed chat of connect with their server, IPv6" { r3_server_typed ::1; }

r3_client_scripted() {
    host_is "$1"
    printf 'one\ntwo\n' >"$BATS_TEST_TMPDIR/answers"
    start_server -m chat -1 --turns --bye BYE --eol none -H "$HOST" <"$BATS_TEST_TMPDIR/answers"
    printf 'eins\nzwei\nBYE\n' | theirs r3_chat_client.py >"$BATS_TEST_TMPDIR/theirs"
    equal "$(cat "$BATS_TEST_TMPDIR/theirs")" \
        "$(lines 'Client: Server: one' 'Client: Server: two' 'Client: ')"
    wait_server
    equal "$SERVER_STATUS" 0
    equal "$(cat "$SERVER_OUT")" "$(lines eins zwei)"
    equal "$(cat "$SERVER_ERR")" "listening on $AT:$PORT (tcp, chat)"
}

@test "R3: a scripted chat of serve with their client, IPv4" { r3_client_scripted 127.0.0.1; }
@test "R3: a scripted chat of serve with their client, IPv6" { r3_client_scripted ::1; }

r3_server_scripted() {
    host_is "$1"
    start_theirs r3_chat_server.py < <(printf 'one\ntwo\n')
    run --separate-stderr sockx connect -m chat --turns --bye BYE --eol none "$HOST" "$PORT" \
        < <(printf 'eins\nzwei\nBYE\n')
    expect_status 0
    equal "$output" "$(lines one two)"
    equal "$stderr" ""
    server_is_done
    printed "$PEER_OUT" 'Connected with ADDRESS' 'Client: eins' 'Server: Client: zwei' \
        'Server: Client has left the chat'
}

@test "R3: a scripted chat of connect with their server, IPv4" { r3_server_scripted 127.0.0.1; }
@test "R3: a scripted chat of connect with their server, IPv6" { r3_server_scripted ::1; }

# ---- R4: greeted by name ----

r4_client() {
    host_is "$1"
    start_server -m greet -H "$HOST"
    start_dialogue 'see:^Enter your name:' 'type:Ada Lovelace' -- \
        "$PYTHON" "$PEERS/r4_name_client.py" "$PORT" "${SIX[@]}"
    wait_dialogue "$JOB_PID"
    equal "$JOB_STATUS" 0
    equal "$(shown "$JOB_OUT")" "$(lines 'Enter your name: Ada Lovelace' 'welcome Ada Lovelace')"
    run --separate-stderr theirs r4_name_client.py <<<'Grace'
    expect_status 0
    equal "$output$stderr" 'Enter your name: welcome Grace'
    stop_server
    equal "$SERVER_STATUS" 0
    equal "$(cat "$SERVER_ERR" "$SERVER_OUT")" "listening on $AT:$PORT (tcp, greet)"
}

@test "R4: serve greets their client by name, IPv4" { r4_client 127.0.0.1; }
@test "R4: serve greets their client by name, IPv6" { r4_client ::1; }

r4_server() {
    host_is "$1"
    start_theirs r4_name_server.py
    for name in Ada 'Grace Hopper'; do
        sockx greet -H "$HOST" -p "$PORT" "$name" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err"
        equal "$(od -An -c "$BATS_TEST_TMPDIR/out")" "$(printf 'welcome \n' | od -An -c)"
        equal "$(cat "$BATS_TEST_TMPDIR/err")" ""
    done
    printed "$PEER_OUT" 'Connected with ADDRESS Ada' 'Connected with ADDRESS Grace Hopper'
    equal "$(cat "$PEER_ERR")" "ready $PORT"
}

@test "R4: greet says its name to their server, IPv4" { r4_server 127.0.0.1; }
@test "R4: greet says its name to their server, IPv6" { r4_server ::1; }
