# shellcheck disable=SC2030,SC2031,SC2154 # tests are processes; run sets output
#
# sockx echo as a measuring tool: what it sends and when, what it makes of what comes back, how it
# ends, and what it tells.

load helper

# KIND SIZE BEHAVIOUR...: peers/echo_peer.py, at PORT.
start_misbehaving() {
    start_script echo_peer.py "$@"
}

# ARG...: a measurement over UDP or TCP against PORT that prints its report alone: status and output.
measure() {
    run --separate-stderr sockx echo -H 127.0.0.1 -p "$PORT" -Q "$@"
}

# KEY...: the values of these keys in the one JSON object that `output` is.
json_of() {
    "$PYTHON" -c '
import json, sys
lines = sys.argv[1].splitlines()
assert len(lines) == 1, lines
report = json.loads(lines[0])
print(*(json.dumps(report[key]) for key in sys.argv[2:]))
' "$output" "$@"
}

# EXPRESSION over the keys of the JSON object that `output` is, in Python.
json_holds() {
    "$PYTHON" -c '
import json, sys
report = json.loads(sys.argv[1])
sys.exit(0 if eval(sys.argv[2], {}, report) else 1)
' "$output" "$1" || fail "not so: $1" "$output"
}

sent_is() {
    [[ $output == *"$1"* ]] || fail "not '$1':" "$output" "$stderr"
}

# ---- every transport ----

# bats test_tags=unit
@test "a line for each answer, then the report: over TCP" {
    start_server -m echo -H 127.0.0.1
    run --separate-stderr sockx echo -H 127.0.0.1 -p "$PORT" --count 3 --interval 10ms
    expect_status 0
    [[ ${lines[0]} =~ ^64\ bytes\ from\ 127\.0\.0\.1:$PORT:\ seq=1\ time=[0-9]+\.[0-9]{3}\ ms$ ]]
    [[ ${lines[2]} == *" seq=3 time="* ]]
    equal "${lines[3]}" "sent 3, received 3, lost 0 (0 %)"
    [[ ${lines[4]} =~ ^round\ trip\ in\ ms:\ min\ [0-9.]+,\ avg\ [0-9.]+,\ max\ [0-9.]+,\ jitter\ [0-9.]+$ ]]
    [[ ${lines[5]} =~ ^percentiles\ in\ ms:\ p50\ [0-9.]+,\ p90\ [0-9.]+,\ p99\ [0-9.]+,\ p99\.9\ [0-9.]+$ ]]
    [[ ${lines[6]} =~ ^sent\ at\ most\ [0-9.]+\ ms\ behind\ schedule$ ]]
    equal "${#lines[@]}" 7
    equal "$stderr" ""
}

# bats test_tags=unit
@test "over TCP, UDP, IPv4 and IPv6, whole" {
    for kind in -t -u; do
        for host in 127.0.0.1 ::1; do
            start_server -m echo "$kind" -H "$host"
            run --separate-stderr sockx echo "$kind" -H "$host" -p "$PORT" --count 20 --interval 1ms -j
            expect_status 0
            equal "$(json_of sent received lost duplicates out_of_order complete)" '20 20 0 0 0 true'
            stop_server
        done
    done
}

# bats test_tags=unit
@test "over Unix stream, datagram and seqpacket sockets" {
    for kind in -t -u --seqpacket; do
        [ "$kind" != -t ] || kind=
        start_unix_server "$BATS_TEST_TMPDIR/s$kind" ${kind:+"$kind"} -m echo
        run --separate-stderr sockx echo -U "$BATS_TEST_TMPDIR/s$kind" ${kind:+"$kind"} --count 20 --interval 1ms -j
        expect_status 0
        equal "$(json_of sent received lost)" '20 20 0'
    done
}

# bats test_tags=unit
@test "messages of every size, down to an empty datagram" {
    start_server -m echo -u -H 127.0.0.1
    for size in 0 1 2 7 8 9 65507; do
        measure -u --count 300 --interval 0 --size "$size" -j
        expect_status 0
        equal "$(json_of sent received lost duplicates out_of_order size_bytes)" "300 300 0 0 0 $size"
    done
    stop_server
    start_server -m echo -H 127.0.0.1
    for size in 1 3 100K 3M; do
        measure --count 5 --interval 0 --size "$size" -j
        expect_status 0
        equal "$(json_of sent received)" '5 5'
    done
}

@test "a name's other address is measured where the first refuses" {
    start_server -m echo -u -H 127.0.0.1
    run --separate-stderr sockx echo -u -H localhost -p "$PORT" --count 3 --interval 1ms -j
    expect_status 0
    equal "$(json_of sent received address)" "3 3 \"127.0.0.1:$PORT\""
    run --separate-stderr sockx echo -u -H localhost -p "$PORT" --connections 3 --count 3 -j
    expect_status 0
    equal "$(json_of sent received)" '9 9'
}

# ---- what is lost, comes twice, or in another order ----

# bats test_tags=unit
@test "every third datagram is lost: reported, and status 5" {
    start_misbehaving udp 64 drop_every 3
    measure -u --count 30 --interval 2ms -w 200ms
    expect_status 5
    sent_is "sent 30, received 20, lost 10 (33.3 %), out of order 0"
    [[ $stderr == *"10 of 30 messages were not answered"* ]]
    # Their number is in what room there is for it.
    start_misbehaving udp 1 drop_every 3
    measure -u --count 30 --interval 2ms -w 200ms --size 1
    expect_status 5
    sent_is "sent 30, received 20, lost 10 (33.3 %), out of order 0"
}

# bats test_tags=unit
@test "a lost datagram holds up a closed loop only for so long" {
    start_misbehaving udp 64 drop_every 4
    measure -u --count 8 --interval 0 -w 100ms -j
    expect_status 5
    equal "$(json_of sent received lost)" '8 6 2'
}

@test "duplicates are counted, and answer nothing" {
    start_misbehaving udp 64 duplicate_every 5
    measure -u --count 20 --interval 2ms -j
    expect_status 0
    json_holds 'sent == received == 20 and duplicates in (3, 4)' # the last may come too late
    measure -u --count 20 --interval 2ms
    [[ $output =~ duplicates\ [34] ]]
}

# bats test_tags=unit
@test "datagrams that overtake each other are out of order, and none is lost" {
    start_misbehaving udp 64 swap_pairs
    measure -u --count 20 --interval 2ms -j
    expect_status 0
    equal "$(json_of sent received lost duplicates out_of_order)" '20 20 0 0 10'
}

# bats test_tags=unit
@test "a server that stalls shows in the time of every message that was due meanwhile" {
    for kind in udp tcp; do
        start_misbehaving "$kind" 64 stall_at 20 200
        measure "--$kind" --count 60 --interval 10ms -j
        expect_status 0
        # Number 20 takes 200 ms, 21 takes 190, and so on: a third of all.
        json_holds '200000 <= rtt_max_us < 400000 and rtt_p90_us > 120000'
        json_holds 'rtt_p50_us < 50000'
    done
}

@test "what cannot be sent counts from when it was due" {
    start_misbehaving tcp 4194304 stall_at 3 400
    measure --count 30 --interval 10ms --size 4M -j
    expect_status 0
    # What the sockets hold is full after a few: what follows is sent only when the stall is over.
    json_holds 'sent == received == 30 and behind_max_us > 100000'
    json_holds 'rtt_p50_us > 100000 and rtt_max_us > 350000'
}

# ---- wrong answers ----

@test "a byte that differs ends it with status 9, and is named" {
    start_misbehaving tcp 100 alter_at 3 77
    measure --count 10 --interval 1ms --size 100
    expect_status 9
    [[ $stderr == *"the answer to message 3 differs at byte 77: sent 0x"* ]]
    for byte in 1 8 9 100; do
        start_misbehaving udp 100 alter_at 3 "$byte"
        measure -u --count 10 --interval 1ms --size 100
        expect_status 9
        [[ $stderr == *"the answer to message 3 differs at byte $byte: sent 0x"* ]] || fail "$stderr"
    done
}

@test "an answer that is shorter is 4, a longer one 9" {
    start_misbehaving udp 100 cut_at 2 40
    measure -u --count 10 --interval 1ms --size 100
    expect_status 4
    [[ $stderr == *"the answer to message 2 ended after 40 bytes of 100"* ]]
    start_misbehaving udp 100 lengthen_at 2
    measure -u --count 10 --interval 1ms --size 100
    expect_status 9
    start_misbehaving tcp 100 lengthen_at 5
    measure --count 5 --interval 1ms --size 100
    expect_status 9
    [[ $stderr == *"1 bytes came back that were not sent"* ]]
}

@test "a server that ends too early is 4, with the report so far" {
    start_misbehaving tcp 100 end_at 4 30
    measure --count 10 --interval 1ms --size 100
    expect_status 4
    sent_is "received 3,"
    [[ $stderr == *"the answer to message 4 ended after 30 bytes of 100"* ]]
    start_misbehaving tcp 100 end_at 4 100
    measure --count 10 --interval 1ms --size 100 -j
    expect_status 4
    equal "$(json_of received complete)" '4 false'
}

# bats test_tags=unit
@test "an answer in pieces of one byte is whole" {
    start_misbehaving tcp 300 in_pieces
    measure --count 5 --interval 0 --size 300 -j
    expect_status 0
    equal "$(json_of sent received)" '5 5'
}

@test "what a connection still owes is waited for as long as -w says" {
    start_misbehaving tcp 64 mute_after 2
    timed measure --count 4 --interval 10ms -w 300ms
    expect_status 5
    sent_is "sent 4, received 2, lost 2 (50 %)"
    took_between 300 1500
    start_misbehaving tcp 64 mute_after 2
    timed measure --count 4 --interval 0 -w 300ms
    expect_status 5
    sent_is "sent 3, received 2, lost 1"
    took_between 300 1500
}

@test "no server there is reported as for other commands" {
    free_port
    run --separate-stderr sockx echo -H 127.0.0.1 -p "$PORT" --count 3
    expect_status 7
    equal "$output" ""
    run --separate-stderr sockx echo -u -H 127.0.0.1 -p "$PORT" --count 3 --interval 1ms -Q
    expect_status 7
    start_misbehaving udp 64 mute
    measure -u --count 3 --interval 1ms -w 100ms
    expect_status 5
    sent_is "sent 3, received 0, lost 3 (100 %)"
}

# ---- ending it ----
#
# --foreground: timeout would signal its whole group as well, and a second signal ends it at once.

@test "SIGINT ends it with the report, and what is on its way is not lost" {
    start_server -m echo -H 127.0.0.1
    start_job "$SOCKX" echo -H 127.0.0.1 -p "$PORT" --interval 20ms
    wait_until has_line "$JOB_OUT" 'seq=3 '
    kill -INT "$JOB_PID"
    wait_job
    equal "$JOB_STATUS" 0
    has_line "$JOB_OUT" '^sent [0-9]+, received [0-9]+, lost 0 \(0 %\)$'
    for kind in udp tcp; do
        start_misbehaving "$kind" 64 mute_after 2
        run --separate-stderr timeout --foreground --preserve-status -s TERM 0.4 "$SOCKX" echo "--$kind" -H 127.0.0.1 -p "$PORT" --interval 20ms -Q
        expect_status 0
        [[ ${lines[0]} =~ ^sent\ [0-9]+,\ received\ 2,\ lost\ 0\ .*,\ in\ flight\ [1-9] ]]
    done
}

# bats test_tags=unit
@test "SIGINT: what should long have come is lost" {
    for kind in udp tcp; do
        start_misbehaving "$kind" 64 mute_after 2
        run --separate-stderr timeout --foreground --preserve-status -s INT 1 "$SOCKX" echo "--$kind" -H 127.0.0.1 -p "$PORT" --interval 20ms -w 100ms -Q
        expect_status 5
        [[ ${lines[0]} =~ ^sent\ [0-9]+,\ received\ 2,\ lost\ [1-9] ]]
    done
}

@test "a second signal ends it at once" {
    start_misbehaving tcp 64 mute_after 1
    start_job "$SOCKX" echo -H 127.0.0.1 -p "$PORT" --interval 0 --count 9
    wait_until has_line "$JOB_OUT" 'seq=1 '
    kill -INT "$JOB_PID"
    kill -TERM "$JOB_PID"
    wait_job
    equal "$JOB_STATUS" 143
    [ "$(wc -l <"$JOB_OUT")" -eq 1 ]
}

@test "--max-time and -i end it with status 5, and the report" {
    start_server -m echo -H 127.0.0.1
    timed measure --interval 10ms --max-time 200ms
    expect_status 5
    took_between 200 1500
    sent_is "sent "
    [[ $stderr == *"(--max-time)"* ]]
    start_misbehaving tcp 64 mute_after 2
    measure --interval 10s --count 3 -i 100ms
    expect_status 5
    [[ $stderr == *"(--idle-timeout)"* ]]
    sent_is "received 1, lost 0"
}

# bats test_tags=unit
@test "the reader of its output goes away: it ends by SIGPIPE" {
    start_server -m echo -H 127.0.0.1
    run --separate-stderr bash -c "timeout 10 '$SOCKX' echo -H 127.0.0.1 -p $PORT --interval 10ms | head -n 1; exit \${PIPESTATUS[0]}"
    expect_status 141
    equal "${#lines[@]}" 1
}

# ---- load ----

# bats test_tags=unit
@test "a load: every connection sends as many, and the rate is reported" {
    start_server -m echo -H 127.0.0.1
    measure --connections 20 --count 50
    expect_status 0
    [[ ${lines[0]} =~ ^20\ connections,\ 64\ bytes,\ [0-9.]+\ s:\ [0-9]+\ messages/s,\ [0-9.]+\ MB/s\ each\ way$ ]]
    equal "${lines[1]}" "sent 1000, received 1000, lost 0 (0 %)"
    measure --connections 20 --count 50 -j
    equal "$(json_of connections window interval_us sent received complete)" '20 1 0 1000 1000 true'
    json_holds 'messages_per_s > 0 and abs(bytes_per_s - 64 * messages_per_s) < 1'
    json_holds '0 < rtt_min_us <= rtt_p50_us <= rtt_p90_us <= rtt_p99_us <= rtt_p999_us <= rtt_max_us'
    json_holds 'behind_max_us is None'
}

# bats test_tags=unit
@test "a load ends after --duration, over every transport" {
    start_server -m echo -H 127.0.0.1
    timed measure --connections 5 --duration 200ms --window 8 --size 1000 -j
    expect_status 0
    took_between 200 1500
    json_holds 'sent == received > 100 and window == 8 and 190 < time_ms < 400'
    stop_server
    start_server -m echo -u -H 127.0.0.1
    measure -u --connections 5 --duration 100ms -j
    expect_status 0
    json_holds 'sent == received > 100'
    start_unix_server "$BATS_TEST_TMPDIR/s" --seqpacket -m echo
    run --separate-stderr sockx echo -U "$BATS_TEST_TMPDIR/s" --seqpacket --connections 5 --duration 100ms -j
    expect_status 0
    json_holds 'sent == received > 100'
}

# bats test_tags=unit
@test "a load by a schedule: so many on each connection, and no more" {
    start_server -m echo -H 127.0.0.1
    measure --connections 10 --duration 300ms --interval 5ms -j
    expect_status 0
    json_holds 'sent == received == 600'
    json_holds 'interval_us == 5000 and window == 0'
}

# bats test_tags=unit
@test "a load whose server goes away is 4, whose bytes differ 9" {
    start_misbehaving tcp 64 end_at 50 64
    measure --duration 5s
    expect_status 4
    start_misbehaving tcp 64 alter_at 50 5
    measure --duration 5s
    expect_status 9
    [[ $stderr == *"differs at byte 5:"* ]]
}

@test "a load without answers gives up before the clock starts" {
    start_misbehaving udp 64 mute
    measure -u --duration 5s -w 200ms
    expect_status 5
    equal "$output" ""
    [[ $stderr == *"no answer within 200 ms on connection 1"* ]]
    # It serves one client at a time.
    start_misbehaving tcp 64 well
    measure --connections 3 --duration 5s -w 200ms
    expect_status 5
    [[ $stderr == *"no answer within 200 ms on connection "[23]* ]]
    run --separate-stderr sockx echo -H 127.0.0.1 -p "$PORT" -j --connections 3 --duration 5s -w 200ms
    expect_status 5
    [[ $stderr == *'"event":"connected"'* && $stderr != *measure* ]] || fail "$stderr"
}

@test "more connections than there can be descriptors: reported before any is opened" {
    start_misbehaving tcp 64 well
    run --separate-stderr bash -c "ulimit -n 64; exec timeout 10 '$SOCKX' echo -H 127.0.0.1 -p $PORT --connections 100 --duration 1s"
    expect_status 1
    [[ $stderr == *"100 connections are more than the "* ]]
    start_server -m echo -H 127.0.0.1
    run --separate-stderr bash -c "ulimit -Sn 64; exec timeout 10 '$SOCKX' echo -H 127.0.0.1 -p $PORT --connections 100 --count 2"
    expect_status 0
}

# ---- reports ----

# The events on stderr, with what they count.
events() {
    "$PYTHON" -c '
import json, sys
for line in sys.argv[1].splitlines():
    event = json.loads(line)
    print(event["event"], *[event[key] for key in ("count",) if key in event])
' "$stderr"
}

# bats test_tags=unit
@test "-j and -v tell when all connections are up and it begins, and when the figures stand" {
    start_server -m echo -H 127.0.0.1
    run --separate-stderr sockx echo -H 127.0.0.1 -p "$PORT" -j --connections 20 --count 5
    expect_status 0
    equal "$(events)" "connect.attempt
connected
measure.begun 20
measure.ended 20
done"
    run --separate-stderr sockx echo -H 127.0.0.1 -p "$PORT" -v --connections 20 --count 5
    expect_status 0
    [[ $stderr == *"
measuring 127.0.0.1:$PORT (tcp), connections: 20
measured 127.0.0.1:$PORT (tcp), connections: 20
"* ]] || fail "$stderr"
    run --separate-stderr sockx echo -H 127.0.0.1 -p "$PORT" --connections 20 --count 5
    expect_status 0
    equal "$stderr" ""
}

@test "on a terminal the report has bars, plain and no wider than it is" {
    start_server -m echo -H 127.0.0.1
    run --separate-stderr timeout 20 "$PYTHON" "$PEERS/on_terminal.py" "$SOCKX" echo -H 127.0.0.1 -p "$PORT" --count 200 --interval 0
    expect_status 0
    [[ $output =~ up\ to\ +[0-9.]+\ ms\ \#{40}\ [0-9]+ ]]
    [[ $output != *$'\e'* ]]
    "$PYTHON" -c 'import sys; sys.exit(any(len(line) > 79 for line in sys.argv[1].splitlines()))' "$output"
    # All 200 are in the bars.
    equal "$(awk '/up to/ { sum += $NF } END { print sum }' <<<"$output")" 200
}

# bats test_tags=unit
@test "many answers are not shown one by one, nor any with -Q or -j" {
    start_server -m echo -H 127.0.0.1
    run --separate-stderr sockx echo -H 127.0.0.1 -p "$PORT" --count 101 --interval 1ms
    equal "${#lines[@]}" 4
    run --separate-stderr sockx echo -H 127.0.0.1 -p "$PORT" --count 100 --interval 1ms
    equal "${#lines[@]}" 104
    run --separate-stderr sockx echo -H 127.0.0.1 -p "$PORT" --count 2 --interval 10ms -Q
    equal "${#lines[@]}" 4
    run --separate-stderr sockx echo -H 127.0.0.1 -p "$PORT" --count 2 --interval 10ms -j
    equal "${#lines[@]}" 1
}

# bats test_tags=unit
@test "without --count it goes on, once a second" {
    start_server -m echo -H 127.0.0.1
    run --separate-stderr sockx echo -H 127.0.0.1 -p "$PORT" --size 10 --max-time 1200ms
    expect_status 5
    [[ ${lines[0]} == "10 bytes from "*"seq=1 "* ]]
    equal "${lines[2]}" "sent 2, received 2, lost 0 (0 %)"
}

@test "what does not go together is a usage error of two lines" {
    local words
    for words in "--count 3 hello" "--size 0 --count 1" "--interval 1s --window 2" "--window 0" \
        "--connections 0" "--interval 1us1" "--size 17M"; do
        # shellcheck disable=SC2086 # a list of words
        run --separate-stderr sockx echo $words
        expect_status 2
        equal "$output" ""
        equal "${#stderr_lines[@]}" 2
        [[ ${stderr_lines[1]} == "hint: "* ]]
    done
}
