#!/usr/bin/env bats
# bats file_tags=unit
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2154 # tests are processes; helpers set variables
#
# serve -m collect: what all clients send goes to standard output.

load helper
load unix

export BATS_TEST_TIMEOUT=60

writers() {
    "$PYTHON" "$PEERS/writers.py" "$@"
}

# KIND COUNT LINES [PAUSE]: a server that ends after COUNT writers. MISSING lines; SERVER_STATUS
collect_all() {
    case $1 in
    tcp) start_server -m collect -H 127.0.0.1 --exit-after "$2" </dev/null ;;
    udp) start_server -u -m collect -H 127.0.0.1 --exit-after "$2" -i 300ms --rcvbuf 4M </dev/null ;;
    unix-datagram) start_kind datagram at -m collect --exit-after "$2" -i 300ms </dev/null ;;
    unix-*) start_kind "${1#unix-}" at -m collect --exit-after "$2" </dev/null ;;
    esac
    WHERE=$PORT
    [[ $1 != unix-* ]] || WHERE="at"
    writers write "$1" "$WHERE" "$2" "$3" "${@:4}"
    wait_server
    MISSING=$(writers check "$SERVER_OUT" "$2" "$3") || fail "$MISSING"
}

none_is_missing() {
    equal "$SERVER_STATUS" 0
    equal "$MISSING" 0
}

server_said() {
    wait_until has_line "$SERVER_ERR" "$1" || fail "the server said:" "$(cat "$SERVER_ERR")"
}

# ---- many at once ----

@test "100 writers over TCP: every line is whole, and none is missing" {
    collect_all tcp 100 300
    none_is_missing
}

@test "100 writers of a Unix stream: every line is whole, and none is missing" {
    collect_all unix-stream 100 300
    none_is_missing
}

@test "100 writers of Unix datagrams: each is a line, and none is missing" {
    collect_all unix-datagram 100 30
    none_is_missing
}

@test "100 writers of sequenced packets: each is a line, and none is missing" {
    collect_all unix-seqpacket 100 30
    none_is_missing
}

@test "100 writers over UDP: each datagram is a line, and a loss is reported" {
    local lost

    collect_all udp 100 100
    lost=$(sed -nE 's/.* datagrams lost: they came too fast \(([0-9]+) so far\)/\1/p' "$SERVER_ERR" |
        awk '{ sum += $1 } END { print sum + 0 }')
    equal "$MISSING" "$lost"
    equal "$SERVER_STATUS" $((lost ? 4 : 0))
}

# KIND: start it, and note how it is called here; it ends after 100 writers.
begin_to_collect() {
    case $1 in
    udp) start_server -u -m collect -H 127.0.0.1 --exit-after 100 -i 1s --rcvbuf 4M </dev/null ;;
    tcp) start_server -m collect -H 127.0.0.1 --exit-after 100 </dev/null ;;
    unix-stream) start_kind stream at -m collect --exit-after 100 </dev/null ;;
    esac
    SERVERS+=("$SERVER_PID $SERVER_OUT $SERVER_ERR")
}

# bats test_tags=release
@test "100 writers each over TCP, UDP and a Unix socket at once: none of 300,000 lines is missing" {
    local kinds=(tcp udp unix-stream) jobs=()

    SERVERS=()
    for kind in "${kinds[@]}"; do
        begin_to_collect "$kind"
        [ "$kind" != unix-stream ] || PORT="at"
        start_job "$PYTHON" "$PEERS/writers.py" write "$kind" "$PORT" 100 1000
        jobs+=("$JOB_PID")
    done
    wait "${jobs[@]}"
    for one in "${SERVERS[@]}"; do
        read -r SERVER_PID SERVER_OUT SERVER_ERR <<<"$one"
        wait_server
        MISSING=$(writers check "$SERVER_OUT" 100 1000) || fail "$MISSING"
        none_is_missing
    done
}

@test "streams wait for a reader that stops: none of their lines is missing" {
    mkfifo slow
    start_job bash -c '"$@" >slow' - "$SOCKX" serve -m collect -H 127.0.0.1 -p 0 --exit-after 20
    { sleep 0.5; cat; } <slow >out &
    READER=$!
    adopt_server "$JOB_PID" "$JOB_ERR"
    writers write tcp "$PORT" 20 5000
    wait_server
    equal "$SERVER_STATUS" 0
    wait "$READER"
    equal "$(writers check out 20 5000)" 0
}

# ---- what is written ----

@test "--prefix tells when each line came and from whom" {
    start_server -m collect --prefix -H 127.0.0.1 -1 </dev/null
    printf 'one\r\ntwo\033[2J' | sockx connect -N 127.0.0.1 "$PORT"
    wait_server
    equal "$SERVER_STATUS" 0
    grep -Eqx '[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{3}Z 127\.0\.0\.1:[0-9]+ one' "$SERVER_OUT"
    grep -Eq ' two\\x1b\[2J$' "$SERVER_OUT"
}

@test "--prefix keeps a datagram on one line, and numbers clients without an address" {
    start_kind datagram at -m collect --prefix -1 -i 300ms </dev/null
    printf 'one\ntwo\n' | sockx connect -q 0 -u -U at
    wait_server
    grep -Eq 'Z unix:@[0-9a-f]+ one\\ntwo$' "$SERVER_OUT"
    rm -f at
    start_kind stream at -m collect --prefix -1 </dev/null
    printf 'one\ntwo\n' | sockx connect -N -U at
    wait_server
    equal "$(grep -Ec 'Z #1 (one|two)$' "$SERVER_OUT")" 2
}

@test "a terminal gets no control characters" {
    free_port
    {
        wait_until is_listening "$PORT"
        printf '\033[2J' | sockx connect -Q -N 127.0.0.1 "$PORT"
    } &
    run script -qec "$SOCKX serve -m collect -1 -H 127.0.0.1 -p $PORT" /dev/null 3>&-
    [[ $output == *'\x1b[2J'* ]] || fail "$output"
}

# ---- standard output that takes no more ----

@test "a full disk ends it with 1, and resets its clients" {
    SERVER_TO=/dev/full start_server -m collect -H 127.0.0.1 </dev/null
    STATUS=0
    printf 'one\n' | sockx connect -N 127.0.0.1 "$PORT" 2>err || STATUS=$?
    wait_server
    equal "$SERVER_STATUS" 1
    server_said 'standard output.*No space left on device'
}

@test "a closed standard output ends it with 1" {
    start_job bash -c '"$@" >&-' - "$SOCKX" serve -m collect -H 127.0.0.1 -p 0
    adopt_server "$JOB_PID" "$JOB_ERR"
    printf 'one\n' | sockx connect -N 127.0.0.1 "$PORT" 2>err || true
    wait_server
    equal "$SERVER_STATUS" 1
}

@test "it ends by SIGPIPE when its reader has left" {
    start_job bash -c '"$@" | head -n 1; exit "${PIPESTATUS[0]}"' - "$SOCKX" serve -m collect -H 127.0.0.1 -p 0
    adopt_server "$JOB_PID" "$JOB_ERR"
    printf 'one\ntwo\n' | sockx connect -N 127.0.0.1 "$PORT" 2>err || true
    wait_server
    equal "$SERVER_STATUS" 141
}

@test "stopped while its reader takes nothing, it says so" {
    mkfifo slow
    sleep 30 3<slow &
    READER=$!
    SERVER_TO=slow start_server -m collect -H 127.0.0.1 </dev/null
    head -c 500000 /dev/zero | tr '\0' '\n' >lines
    sockx connect --send-only 127.0.0.1 "$PORT" <lines 2>/dev/null &
    sleep 0.2
    kill "$SERVER_PID"
    wait_server
    kill "$READER"
    equal "$SERVER_STATUS" 4
    server_said 'stopped with bytes not yet written to standard output'
}

# ---- a line that is too long ----

@test "a line of more than 64 KiB is refused, and that is reported" {
    start_server -m collect -H 127.0.0.1 </dev/null
    head -c 70000 /dev/zero | tr '\0' x >long
    run sockx connect -N 127.0.0.1 "$PORT" <long
    [[ $output == *'error: a line may have at most 65536 bytes'* ]] || fail "$output"
    server_said 'not written: a line may have at most 65536 bytes \(1 so far\)'
    equal "$(cat "$SERVER_OUT")" ""
    stop_server
    start_server -m collect -H 127.0.0.1 -1 </dev/null
    sockx connect -N 127.0.0.1 "$PORT" <long
    wait_server
    equal "$SERVER_STATUS" 1
    server_said '^sockx: .* was sent away: a line may have at most 65536 bytes'
}

# ---- in the background ----

@test "in the background it writes to a file, and to nothing else" {
    run sockx serve -m collect --background -H 127.0.0.1 -p 0 2>&1 </dev/null
    equal "$status" 2
    [[ $output == *"needs a file as standard output"* ]] || fail "$output"
    "$SOCKX" serve -Q -m collect --background -H 127.0.0.1 -p 0 </dev/null >out 2>said 3>&-
    read -r DETACHED _ PORT <said
    printf 'one\n' | sockx connect -N 127.0.0.1 "$PORT"
    wait_until has_line out '^one$'
    kill "$DETACHED"
    wait_until is_gone "$DETACHED"
    equal "$(cat out)" one
}
