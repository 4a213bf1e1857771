#!/usr/bin/env bats
# shellcheck disable=SC2016 # programs of their own
# bats file_tags=unit
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

# ---- every line is as the schema says ----

# NAME ARG...: a run with -j whose standard output is bytes; what it said is checked by all_valid.
said_by() {
    local name=$BATS_TEST_TMPDIR/$1 status=0

    shift
    sockx "$@" -j >"$name.out" 2>"$name.err" || status=$?
    echo "$status" >"$name.status"
}

# NAME ARG...: the same for one whose standard output is a report.
reported_by() {
    said_by "$@"
    mv "$BATS_TEST_TMPDIR/$1.out" "$BATS_TEST_TMPDIR/$1.report"
}

SCHEMA=$BATS_TEST_DIRNAME/../../man/sockx.schema.json

@test "the schema is one" {
    "$PYTHON" "$PEERS/schema.py" "$SCHEMA"
}

# KEY=VALUE...: all runs of this test were valid, and have these.
all_valid() {
    "$PYTHON" "$PEERS/schema.py" "$SCHEMA" "$BATS_TEST_TMPDIR" "$@"
}

# KIND ARG...: a server with -j over tcp, udp, unix, datagram or seqpacket; AT is how clients get there.
serve_over() {
    local kind=$1 path=$BATS_TEST_TMPDIR/s

    shift
    case $kind in
    tcp) start_server -j -H 127.0.0.1 "$@" && AT=(-H 127.0.0.1 -p "$PORT") ;;
    udp) start_server -j -u -H 127.0.0.1 "$@" && AT=(-u -H 127.0.0.1 -p "$PORT") ;;
    unix) start_unix_server "$path" -j "$@" && AT=(-U "$path") ;;
    datagram) start_unix_server "$path" -j -u "$@" && AT=(-u -U "$path") ;;
    seqpacket) start_unix_server "$path" -j --seqpacket "$@" && AT=(--seqpacket -U "$path") ;;
    esac
}

# KIND: each mode, and each client.
everything_over() {
    serve_over "$1" -m echo
    reported_by echo echo "${AT[@]}" hello
    reported_by input echo "${AT[@]}" <<<hello
    reported_by count echo "${AT[@]}" --count 2 --interval 1ms
    reported_by load echo "${AT[@]}" --connections 2 --count 2
    reported_by probe connect -z --probe x "${AT[@]}"
    said_by connect connect -N -q 100ms "${AT[@]}" <<<hello
    stop_server
    serve_over "$1" -m greet --ask
    reported_by greet greet "${AT[@]}" Ada
    stop_server
    serve_over "$1" -m analyze
    reported_by analyze analyze "${AT[@]}" 'a b a'
    stop_server
    serve_over "$1" -m discard
    said_by discard connect -N -q 50ms "${AT[@]}" <<<hello
    stop_server
    serve_over "$1" -m source
    said_by source connect --max-time 50ms --no-shutdown "${AT[@]}" <<<x
    stop_server
    serve_over "$1" -m pipe
    said_by pipe connect -N -q 50ms "${AT[@]}" <<<hello
    case $1 in
    udp | datagram) kill "$SERVER_PID" ;; # a peer without a connection does not end
    esac
    wait_server
}

@test "over TCP: every mode and client" {
    everything_over tcp
    serve_over tcp -m chat
    said_by chat connect -m chat "${AT[@]}" <<<bye
    wait_server
    all_valid event={echo,echo.measured,greet,analyze,listening,connected,conn.opened,conn.closed} \
        event={conn.named,measure.begun,measure.ended,stopping,done} end=fin retransmits=0
}

@test "over UDP: every mode and client" {
    everything_over udp
    said_by chat connect -m chat "${AT[@]}"
    all_valid event={echo,echo.measured,greet,analyze,conn.opened,error} messages_in=1 messages_out=2
}

@test "over Unix stream sockets: every mode and client" {
    everything_over unix
    all_valid event={echo,echo.measured,greet,analyze} transport=unix path="$BATS_TEST_TMPDIR/s"
}

@test "over Unix datagrams: every mode and client" {
    everything_over datagram
    all_valid event={echo,echo.measured,greet,analyze} transport=unix-datagram messages_in=1
}

@test "over sequenced packets: every mode and client" {
    everything_over seqpacket
    all_valid event={echo,echo.measured,greet,analyze} transport=unix-seqpacket messages_in=1 end=fin
}

is_served() {
    has_line "$SERVER_ERR" '"event":"conn.opened"'
}

@test "an end of each kind, at the client and at the server" {
    serve_over tcp -m source
    said_by limit connect --max-answer 10 "${AT[@]}"
    "$SOCKX" connect -j "${AT[@]}" >/dev/full 2>"$BATS_TEST_TMPDIR/error.err" || :
    stop_server
    serve_over tcp -m echo --max-conns-per-peer 1
    held_input
    start_job "$SOCKX" connect "${AT[@]}" <"$INPUT"
    wait_until is_served
    said_by reset connect "${AT[@]}"
    said_by echo echo -r 1 "${AT[@]}" hello
    stop_server
    kill "$JOB_PID"
    serve_over tcp -m echo
    said_by idle connect --no-shutdown -i 50ms "${AT[@]}"
    said_by refused connect -H 127.0.0.1 -p 1
    "$PYTHON" "$PEERS/client.py" reset_sending "$PORT" 65536
    wait_until has_line "$SERVER_ERR" conn.lost
    stop_server
    serve_over tcp -m echo -i 50ms
    said_by cut connect --no-shutdown "${AT[@]}"
    stop_server
    all_valid end={fin,reset,idle,limit,error,signal,denied} event={conn.lost,conn.refused,error}
}

@test "programs: what they say, and how they end" {
    serve_over tcp -m exec -- sh -c 'echo problem >&2; read -r status; exit "$status"'
    said_by exec connect -N "${AT[@]}" <<<3
    said_by lost connect -N "${AT[@]}" <<<127
    wait_until has_line "$SERVER_ERR" program.failed
    stop_server
    serve_over tcp -m echo
    said_by own connect -j -m exec "${AT[@]}" -- sh -c 'echo problem >&2; exit 3'
    said_by none connect -j -m exec "${AT[@]}" -- sh -c 'kill -9 $$'
    stop_server
    all_valid event={program.stderr,program.ended,program.failed} line=problem status=3 exit=1
}

@test "relays: joined or not, and what is dropped" {
    local target target_pid

    serve_over tcp -m echo
    target=$PORT target_pid=$SERVER_PID
    serve_over tcp -m relay --to "127.0.0.1:$target"
    said_by joined connect -N "${AT[@]}" <<<hello
    stop_server
    serve_over tcp -m relay --to nothing.invalid:1
    said_by failed connect -N "${AT[@]}" <<<hello
    stop_server
    said_by both connect -m relay "127.0.0.1:$target" --to 127.0.0.1:1
    SERVER_PID=$target_pid
    stop_server
    serve_over udp -v -m relay --to udp://127.0.0.1:1
    said_by dropped connect -q 50ms --ttl 1 "${AT[@]}" <<<hello
    stop_server
    all_valid event={conn.joined,conn.not_joined,datagram.dropped,resolving} kind={lost,refused}
}

@test "brokers and collectors: what does not arrive" {
    serve_over tcp -m broker --slow drop
    start_job "$PYTHON" -c 'import socket, sys, time
client = socket.socket()
client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
client.connect(("127.0.0.1", int(sys.argv[1])))
time.sleep(50)' "$PORT"
    wait_until is_served
    said_by says connect --send-only "${AT[@]}" < <(head -c 8000000 /dev/zero)
    wait_until has_line "$SERVER_ERR" conn.missed
    kill "$JOB_PID"
    stop_server
    serve_over tcp -m collect -1 </dev/null
    said_by line connect -N "${AT[@]}" < <(head -c 70000 /dev/zero | tr '\0' x)
    wait_server
    all_valid event={conn.missed,collect.lost}
}

# N: the server has told of more clients than that.
has_opened_more_than() {
    [ "$(grep -c '"event":"conn.opened"' "$SERVER_ERR")" -gt "$1" ]
}

@test "what else is told: names, scans, calls, retries, a full server" {
    local opened

    said_by name connect nothing.invalid 80
    said_by usage connect -z --mode chat
    said_by listen serve -p 1 -H 192.0.2.1
    serve_over tcp -m echo --max-conns 1
    reported_by scan connect -z 127.0.0.1 "1,$PORT"
    said_by trace echo --trace "${AT[@]}" hello
    held_input
    opened=$(grep -c '"event":"conn.opened"' "$SERVER_ERR")
    start_job "$SOCKX" connect "${AT[@]}" <"$INPUT"
    wait_until has_opened_more_than "$opened" # that the server is full was told before, too
    wait_until has_line "$SERVER_ERR" accept.paused
    kill "$JOB_PID"
    wait_until has_line "$SERVER_ERR" accept.resumed
    stop_server
    NOTIFY_SOCKET=nowhere serve_over tcp -m echo
    stop_server
    free_port
    start_job bash -c 'sleep 0.2; exec "$@"' bash "$SOCKX" serve -m echo -H 127.0.0.1 -p "$PORT"
    said_by retry echo --retry-for 5s -H 127.0.0.1 -p "$PORT" hello
    kill "$JOB_PID"
    wait_job
    all_valid event={resolving,connect.attempt,connect.lost,connect.retried,port,scanned,call} \
        event={accept.paused,accept.resumed,notify.failed} state={open,refused} kind={name,usage,listen}
}
