# shellcheck disable=SC2030,SC2031,SC2034,SC2153,SC2154 # tests are processes; helper reads; run sets output
# bats file_tags=unit
#
# Unix sockets: streams, datagrams and sequenced packets, by path and by abstract name: bytes and
# messages come back whole, the ends are what they are on TCP, and no peer disturbs another. With
# other programs: unix-interop.bats. No other program's path is taken, and none is left: unix-paths.bats.

load helper
load unix

export BATS_TEST_TIMEOUT=60

# ---- whole ----

# KIND AT SIZE...: standard input of each size comes back.
comes_back_whole() {
    start_kind "$1" "$2" -m echo
    kind "$1"
    for size in "${@:3}"; do
        random_file sent "$size"
        sockx echo "${WITH[@]}" -U "$2" <sent >back
        same_bytes sent back
    done
}

@test "a stream of 0 to 3000000 bytes comes back whole to sockx echo" {
    comes_back_whole stream at 0 1 8193 3000000
}

@test "a stream of 0 to 3000000 bytes comes back whole by an abstract name" {
    comes_back_whole stream "$(abstract_name)" 0 1 8193 3000000
}

@test "datagrams of 0 to 65507 bytes come back whole to sockx echo" {
    comes_back_whole datagram at 0 1 8193 65507
}

@test "datagrams of 0 to 65507 bytes come back whole by an abstract name" {
    comes_back_whole datagram "$(abstract_name)" 0 1 8193 65507
}

@test "sequenced packets of 0 to 65507 bytes come back whole to sockx echo" {
    comes_back_whole seqpacket at 0 1 8193 65507
}

@test "sequenced packets of 0 to 65507 bytes come back whole by an abstract name" {
    comes_back_whole seqpacket "$(abstract_name)" 0 1 8193 65507
}

answers_python() {
    local name

    name=$(abstract_name)
    start_kind "$1" at -m echo
    asks whole "$1" at 1 8193 65507 200000
    start_kind "$1" "$name" -m echo
    asks whole "$1" "$name" 1 8193 65507 200000
    asks turns "$1" "$name" a b c a b c
}

@test "serve --mode echo answers Python over streams, by path and abstract name" { answers_python stream; }
@test "serve --mode echo answers Python over datagrams, by path and abstract name" { answers_python datagram; }
@test "serve --mode echo answers Python over sequenced packets, by path and abstract name" { answers_python seqpacket; }

# KIND BYTES: files both ways at once between serve and connect.
swap() {
    kind "$1"
    random_file ours "$2"
    random_file theirs "$2"
    start_kind "$1" at <ours
    sockx connect "${WITH[@]}" -U at <theirs >ours.got
    wait_server
    equal "$SERVER_STATUS" 0
    same_bytes ours ours.got
    same_bytes theirs "$SERVER_OUT"
}

@test "serve and connect swap files of 8 MiB over a stream" { swap stream 8388608; }
@test "serve and connect swap files of 8 MiB over sequenced packets" { swap seqpacket 8388608; }
@test "serve and connect swap files of 100 kB over datagrams" { swap datagram 100000; }

@test "a file of 4 MB goes from connect to serve by datagrams whole, for nothing is dropped on the way" {
    random_file sent 4000000
    start_kind datagram at -q 300ms </dev/null
    sockx connect -u -q 0 -U at <sent
    wait_server
    equal "$SERVER_STATUS" 0
    same_bytes sent "$SERVER_OUT"
}

@test "-U PATH, --unix=PATH and unix:PATH are one, on each command" {
    for option in "-U at" "--unix=at" "unix:at" "-U ./at" "unix:$PWD/at"; do
        : >err
        # shellcheck disable=SC2086
        "$SOCKX" serve -m echo $option 2>err 3>&- &
        adopt_unix_server $! "$PWD/err"
        for client in "-U at" "--unix=at" "-Uat"; do
            # shellcheck disable=SC2086
            equal "$(sockx echo $client hello)" hello
        done
        for client in "-U at" "--unix at" "unix:at" "unix:./at"; do
            # shellcheck disable=SC2086
            equal "$(sockx connect -N $client <<<"hello")" hello
        done
        stop_server
    done
}

@test "what listens is announced with its kind" {
    start_kind stream stream -m echo
    equal "$(cat "$SERVER_ERR")" "listening on unix:stream (unix, echo)"
    start_kind datagram datagram -m echo
    equal "$(cat "$SERVER_ERR")" "listening on unix:datagram (unix-datagram, echo)"
    start_kind seqpacket seqpacket -m discard
    equal "$(cat "$SERVER_ERR")" "listening on unix:seqpacket (unix-seqpacket, discard)"
    start_kind stream "$(abstract_name)"
    equal "$(cat "$SERVER_ERR")" "listening on unix:$(abstract_name) (unix, pipe)"
}

@test "as JSON, an address is its text" {
    start_kind seqpacket at -m echo -j -v
    asks turns seqpacket at hello
    wait_until says '"event":"conn.closed"'
    run "$PYTHON" -c '
import json, sys
events = [json.loads(line) for line in open(sys.argv[1])]
print(events[0]["address"], events[0]["transport"])
print([e["event"] for e in events], events[-1]["received"], events[-1]["sent"])
' "$SERVER_ERR"
    equal "$output" "unix:at unix-seqpacket
['listening', 'conn.opened', 'conn.closed'] 5 5"
}

@test "a message of TEXT keeps its place: each is one, however many follow" {
    for kind in datagram seqpacket; do
        start_kind $kind $kind -m echo
        kind $kind
        equal "$(sockx echo "${WITH[@]}" -U $kind Hello, world)" "Hello, world"
        equal "$(sockx echo "${WITH[@]}" -U $kind '' | od -An -c)" "$(echo | od -An -c)"
    done
}

@test "each read of connect's standard input is one message" {
    printf 'two\nthree' >rest
    for kind in datagram seqpacket; do
        held_input
        start_script unix_server.py "$([ $kind = datagram ] && echo datagrams_tell || echo tell)" $kind $kind
        kind $kind
        start_job "$SOCKX" connect "${WITH[@]}" -U $kind <"$INPUT"
        echo one >&"$HELD"
        wait_until has_line "$PEER_OUT" one
        cat rest >&"$HELD" # in one write, which printf would not do
        wait_until has_line "$PEER_OUT" three
        equal "$(cat "$PEER_OUT")" "b'one\\n'
b'two\\nthree'"
    done
}

# ---- modes ----

@test "discard takes all and answers nothing" {
    random_file sent 3000000
    for kind in stream seqpacket; do
        start_kind $kind $kind -m discard -v
        kind $kind
        equal "$(sockx connect "${WITH[@]}" -U $kind <sent)" ""
        wait_until says '^1: .* done, 3000000 bytes received, 0 sent in [0-9]'
    done
    start_kind datagram datagram -m discard -v
    asks send datagram datagram one '' two
    wait_until says '^1: unix:@[0-9a-f]+ connected$'
    stop_server
    says '^1: unix:@[0-9a-f]+ done, 6 bytes received, 0 sent in [0-9]'
}

@test "source sends without end, and to a datagram as much as it was sent" {
    for kind in stream seqpacket; do
        start_kind $kind $kind -m source
        kind $kind
        equal "$(sockx connect "${WITH[@]}" --recv-only -U $kind | head -c 3000000 | wc -c)" 3000000
    done
    start_kind datagram datagram -m source
    asks like_the_question datagram datagram 1 0 73 65507
}

@test "--once serves one client, with its status" {
    for kind in stream seqpacket; do
        start_kind $kind at -m echo --once
        asks whole $kind at 1000
        wait_server
        equal "$SERVER_STATUS" 0
    done
    start_kind datagram at -m echo --once -i 200ms
    asks whole datagram at 1000
    wait_server
    equal "$SERVER_STATUS" 0
}

path_is_gone() {
    [ ! -e "$1" ]
}

@test "a one-shot server's path is gone once a byte of its client has moved" {
    for kind in stream seqpacket; do
        kind $kind
        start_kind $kind at -v -m echo --once
        held_input
        start_job "$SOCKX" connect "${WITH[@]}" -U at <"$INPUT"
        wait_until has_line "$SERVER_ERR" ' connected$'
        [ -S at ]
        echo hello >&"$HELD"
        wait_until path_is_gone at
        exec {HELD}>&-
        HELD=9
        wait_job
        equal "$JOB_STATUS" 0
        wait_server
        equal "$SERVER_STATUS" 0
    done
}

@test "--keep-open serves clients in turn" {
    for kind in stream seqpacket; do
        start_kind $kind at -k
        kind $kind
        sockx connect "${WITH[@]}" -U at <<<"one"
        sockx connect "${WITH[@]}" -U at <<<"two"
        wait_until has_line "$SERVER_OUT" '^two$'
        equal "$(cat "$SERVER_OUT")" "one
two"
        stop_server
    done
}

@test "--trace shows the calls, and the path in them" {
    start_kind stream at -m echo --trace
    says 'bind\([0-9]+, .*at'
    asks whole stream at 5
}

# ---- messages, and the ends ----

@test "empty sequenced packets are messages and no end, to a server" {
    start_kind seqpacket at -m echo -v
    asks empty seqpacket at
    wait_until says '^1: .* done, 6 bytes received, 6 sent in [0-9]'
}

@test "empty datagrams are answered, and end nothing" {
    start_kind datagram at -m echo
    asks empty datagram at
    asks whole datagram at 0 1 0
}

@test "empty sequenced packets are messages and no end, to a client" {
    start_script unix_server.py say seqpacket at '' one '' two ''
    run sockx connect --seqpacket -U at <<<"go"
    expect_status 0
    equal "$output" onetwo
    wait_until has_line "$PEER_OUT" "^b'go"
    wait_until has_line "$PEER_OUT" '^end$'
    start_script unix_server.py echo seqpacket echo
    run sockx echo --seqpacket -U echo ''
    expect_status 0
}

@test "empty sequenced packets do not end a pipe's server, and its end is reported after them" {
    start_kind seqpacket at <<<"from the server"
    asks listen seqpacket at '' one '' two '' >heard
    wait_server
    equal "$SERVER_STATUS" 0
    equal "$(cat "$SERVER_OUT")" onetwo
    equal "$(cat heard)" "b'from the server\\n'
end"
}

@test "a half-close is passed on, and what was asked before is answered" {
    start_kind stream stream -m echo
    asks half_close stream stream one two
    start_kind seqpacket seqpacket -m echo
    asks half_close seqpacket seqpacket one '' two
    start_script unix_server.py store seqpacket store
    equal "$(sockx connect -N --seqpacket -U store <<<"hello")" hello
    start_script unix_server.py store stream store2
    equal "$(sockx connect -U store2 <<<"hello")" hello
}

# KIND: when the server ends first, our output ends at once and we go on sending.
sends_after_the_server_ended() {
    kind "$1"
    start_script unix_server.py say "$1" at ggggg
    held_input
    mkfifo out
    "$SOCKX" connect "${WITH[@]}" -U at <"$INPUT" >out 3>&- {HELD}>&- &
    local pid=$!
    jobs_left+=("$pid")
    equal "$(timeout 10 cat out)" ggggg
    echo "still sending" >&"$HELD"
    kill -0 "$pid"
    exec {HELD}>&-
    wait_job "$pid"
    equal "$JOB_STATUS" 0
    wait_until has_line "$PEER_OUT" "still sending"
    wait_until has_line "$PEER_OUT" '^end$'
}

@test "when the server ends first, our output ends at once and we go on sending: stream" {
    sends_after_the_server_ended stream
}

@test "when the server ends first, our output ends at once and we go on sending: sequenced packets" {
    sends_after_the_server_ended seqpacket
}

# A peer that closes is reported as a hang-up, where TCP reports its end alone.
@test "a server that sends all and closes is no loss while our input is still open" {
    for kind in stream seqpacket; do
        held_input
        start_script unix_server.py say_and_close $kind $kind response
        kind $kind
        start_job "$SOCKX" connect "${WITH[@]}" -U $kind <"$INPUT"
        wait_until has_line "$PEER_OUT" '^closed$'
        wait_until has_text "$JOB_OUT" response
        exec {HELD}>&-
        wait_job
        equal "$JOB_STATUS" 0
        equal "$(cat "$JOB_OUT")" response
        HELD=9
    done
}

@test "what our input still gives to a server that has closed is lost, and said to be" {
    for kind in stream seqpacket; do
        held_input
        start_script unix_server.py say_and_close $kind $kind response
        kind $kind
        start_job "$SOCKX" connect "${WITH[@]}" -U $kind <"$INPUT"
        wait_until has_line "$PEER_OUT" '^closed$'
        wait_until has_text "$JOB_OUT" response
        echo more >&"$HELD"
        wait_job
        equal "$JOB_STATUS" 4
        exec {HELD}>&-
        HELD=9
    done
}

@test "a client's end is no end of what serve still has to say" {
    for kind in stream seqpacket; do
        held_input
        start_kind $kind at <"$INPUT"
        start_job "$PYTHON" "$PEERS/unix_client.py" listen $kind at hello
        wait_until has_text "$SERVER_OUT" '^hello'
        echo later >&"$HELD"
        wait_until has_line "$JOB_OUT" later
        exec {HELD}>&-
        wait_server
        equal "$SERVER_STATUS" 0
        wait_job
        equal "$JOB_STATUS" 0
        has_line "$JOB_OUT" '^end$'
        HELD=9
    done
}

@test "-q 0 leaves as soon as standard input has ended, and delivers all of it" {
    random_file sent 8000000
    for kind in stream seqpacket; do
        start_kind $kind $kind -k
        kind $kind
        timed sockx connect "${WITH[@]}" -q 0 -U $kind <sent
        took_between 0 5000
        wait_until has_bytes "$SERVER_OUT" 8000000
        same_bytes sent "$SERVER_OUT"
    done
}

@test "-q 0 waits until the server has read all, 2 s at most without progress" {
    for kind in stream seqpacket; do
        kind $kind
        start_script unix_server.py late $kind $kind now
        start_job "$SOCKX" connect "${WITH[@]}" -q 0 -U $kind <<<"hello"
        timed wait_job
        took_between 1900 3500
        equal "$JOB_STATUS" 4
        has_line "$JOB_ERR" "^sockx: connection with unix:$kind: up to 6 bytes were not read in 2000 ms"
    done
}

@test "-q 0 is 0 once a slow server has read all, and 4 if it leaves without" {
    for kind in stream seqpacket; do
        kind $kind
        start_script unix_server.py late $kind $kind "read $kind"
        start_job "$SOCKX" connect -v "${WITH[@]}" -q 0 -U $kind <<<"hello"
        wait_until has_line "$JOB_ERR" '^connected to '
        touch "read $kind"
        wait_job
        equal "$JOB_STATUS" 0
        start_script unix_server.py leave_unread $kind "$kind 2" "left $kind"
        start_job "$SOCKX" connect -v "${WITH[@]}" -q 0 -U "$kind 2" <<<"hello"
        wait_until has_line "$JOB_ERR" '^connected to '
        touch "left $kind"
        wait_job
        equal "$JOB_STATUS" 4
    done
}

# What a client has not read yet is in its socket, and stays there.
@test "a server that is stopped does not wait for clients to read" {
    for kind in stream seqpacket; do
        start_kind $kind $kind -m echo
        start_script unix_client.py unread $kind $kind hello
        timed stop_server
        took_between 0 1000
        equal "$SERVER_STATUS" 0
    done
}

@test "datagrams have no end: connect is over when all was quiet for 1 s, or --quit-after" {
    start_kind datagram at -m echo
    timed sockx connect -u -U at <<<"hello" >got
    equal "$(cat got)" hello
    took_between 1000 2000
    timed sockx connect -u -q 300ms -U at <<<"hello" >got
    equal "$(cat got)" hello
    took_between 300 900
    timed sockx connect -u -q 0 -U at <<<"hello"
    took_between 0 250
}

@test "datagrams have no end: serve is over when all was quiet for --quit-after" {
    start_kind datagram at -q 300ms <<<"from the server"
    sockx connect -u -q 200ms -U at <<<"from the client" >got
    wait_server
    equal "$SERVER_STATUS" 0
    equal "$(cat "$SERVER_OUT")" "from the client"
    equal "$(cat got)" "from the server"
}

# ---- who is answered ----

@test "datagram clients find themselves a name, and are answered" {
    start_kind datagram at -m echo -v
    equal "$(sockx echo -u -U at hello)" hello
    wait_until says '^1: unix:@[0-9a-f]{5} connected$'
}

@test "a datagram sender without a name is heard but not answered, and counted" {
    start_kind datagram at -m echo -v
    asks nameless datagram at one two three
    asks turns datagram at a
    stop_server
    says 'datagram dropped: .*no name.*\(1 so far\)$'
    says 'datagram dropped: .*no name.*\(2 so far\)$'
    says 'an unnamed socket done, 11 bytes received'
}

@test "a datagram sender without a name is heard by a pipe" {
    start_kind datagram at -q 300ms </dev/null
    asks nameless datagram at one two
    wait_server
    equal "$SERVER_STATUS" 0
    equal "$(cat "$SERVER_OUT")" onetwo
}

@test "answers that a peer has no room for are dropped and counted, while others are served" {
    local room

    room=$(cat /proc/sys/net/unix/max_dgram_qlen)
    start_kind datagram at -m echo -v
    run asks deaf datagram at 200 10
    expect_status 0
    [ "$output" -le $((room + 1)) ] || fail "it has $output answers waiting, of $room"
    [ "$output" -ge "$room" ] || fail "it has $output answers waiting, of $room"
    says 'datagram dropped: .*no room.*\(128 so far\)$'
}

@test "large answers that a peer does not take keep no other client from being answered" {
    start_kind datagram at -m echo -v
    run asks deaf datagram at 20 20000
    expect_status 0
}

@test "answers that a connected peer does not take keep no other client from being answered" {
    start_kind datagram at -m echo -v
    run asks deaf_connected datagram at 500 10
    expect_status 0
}

@test "peers that are gone when their answer comes disturb no other client" {
    for kind in stream datagram seqpacket; do
        start_kind $kind $kind -m echo
        for _ in {1..10}; do
            asks leave $kind $kind
        done
        asks whole $kind $kind 1 8193
        stop_server
        equal "$SERVER_STATUS" 0
    done
}

@test "a peer with the longest name there can be is served, and disturbs no other client" {
    for kind in stream datagram seqpacket; do
        start_kind $kind $kind -m echo -v
        asks long_name $kind $kind
        wait_until says 'unix:p{108} connected$'
        rm p*
    done
}

@test "a name that would control a terminal is shown escaped" {
    for kind in stream datagram seqpacket; do
        start_kind $kind $kind -m echo -v
        asks abstract_zeros $kind $kind
        wait_until says '^1: .* connected$'
        says '^1: unix:@x@y\\x1b\[2Jz@ connected$'
        run ! grep -q $'\e' "$SERVER_ERR"
    done
}

@test "a pipe of datagrams takes its first peer, and that others are turned away is reported" {
    held_input
    start_kind datagram at -q 100ms <"$INPUT"
    asks send datagram at first
    wait_until has_text "$SERVER_OUT" first
    asks send datagram at second
    wait_until says 'turned away: no place is left for it$'
    exec {HELD}>&-
    wait_server
    equal "$SERVER_STATUS" 0
    equal "$(cat "$SERVER_OUT")" first
}

@test "a pipe of datagrams with -k hears every peer" {
    start_kind datagram at -k </dev/null
    asks send datagram at first
    asks send datagram at second
    wait_until has_text "$SERVER_OUT" firstsecond
}

@test "at --max-conns the datagram peer not heard for longest is forgotten" {
    start_kind datagram at -v -m echo --max-conns 3
    asks turns datagram at a b c a d a
    equal "$(grep -c ' connected$' "$SERVER_ERR")" 4
    equal "$(grep -c ' done, ' "$SERVER_ERR")" 1
    says '^2: .* done, 1 bytes received, 1 sent in [0-9]'
}

# ---- hostile peers ----

# KIND: descriptors that a peer passes (SCM_RIGHTS) do not stay open in the server, at no moment.
leaves_no_descriptors() {
    start_kind "$1" at -m echo
    asks descriptors "$1" at "$SERVER_PID" 20
    asks whole "$1" at 1000
}

@test "descriptors passed to a stream's server do not stay open in it" { leaves_no_descriptors stream; }
@test "descriptors passed to a datagram server do not stay open in it" { leaves_no_descriptors datagram; }
@test "descriptors passed to a server of sequenced packets do not stay open in it" { leaves_no_descriptors seqpacket; }

@test "descriptors passed to a client do not stay open in it" {
    for kind in stream seqpacket; do
        held_input
        start_script unix_server.py descriptors $kind $kind
        kind $kind
        start_job "$SOCKX" connect "${WITH[@]}" -U $kind <"$INPUT"
        for text in one two three; do
            echo $text >&"$HELD"
            wait_until has_line "$JOB_OUT" "^$text\$"
        done
        # The first answer may have made a pipe of the client's own, which stays.
        equal "$(tail -n 2 "$PEER_OUT" | sort -u | wc -l)" 1
        HELD=9
    done
}

# BEFORE: what it says first.
is_too_large_for_a_pipe() {
    start_kind seqpacket at </dev/null
    run asks large seqpacket at 262145 "$1"
    expect_status 0
    [[ $output == end || $output == reset ]] || fail "it was met by: $output"
    wait_server 3
    [ "$SERVER_STATUS" -ne 0 ]
    equal "$(cat "$SERVER_OUT")" "$1"
    has_line "$SERVER_ERR" '^sockx: '
}

@test "a message of more than a pipe's server takes at once is an error, not a wrong 0" {
    is_too_large_for_a_pipe before
}

@test "a message of more than a pipe's server takes at once is an error, be it the first" {
    is_too_large_for_a_pipe ''
}

@test "a message of more than an echo server takes at once ends its sender alone" {
    start_kind seqpacket at -m echo
    asks idle seqpacket at 2>/dev/null 3>&- &
    local idle=$!
    run asks large seqpacket at 300000
    [[ $output == end || $output == reset ]] || fail "it was met by: $output"
    asks whole seqpacket at 200000
    kill "$idle"
    wait "$idle" || true
}

@test "a message of just as much as is taken at once comes whole" {
    start_kind seqpacket at </dev/null
    run asks large seqpacket at 262144
    expect_status 0
    wait_server
    equal "$SERVER_STATUS" 0
    equal "$(stat -c %s "$SERVER_OUT")" 262144
}

@test "a message of more than a client takes at once is an error, not a wrong 0" {
    start_script unix_server.py large seqpacket at 262145
    run --separate-stderr sockx connect --seqpacket -U at </dev/null
    [ "$status" -ne 0 ]
    equal "$output" ""
    [[ ${stderr_lines[0]} == sockx:\ * ]] || fail "it says: $stderr"
}

@test "a datagram of more than can be taken is dropped and counted, and others are answered" {
    start_kind datagram at -m echo -v
    run asks large datagram at 600000
    expect_status 0
    equal "$output" nothing
    says 'datagram dropped: too long to receive \(1 so far\)$'
}

@test "a server that leaves in the middle is status 4" {
    for kind in stream seqpacket; do
        kind $kind
        start_script unix_server.py leave $kind $kind 100000
        run --separate-stderr sockx connect "${WITH[@]}" -U $kind </dev/zero
        expect_status 4
        [[ ${stderr_lines[0]} == sockx:\ *$kind* ]] || fail "it says: $stderr"
    done
    head -c 60000000 /dev/zero >sent
    run sockx echo -U stream --max-time 10s <sent
    expect_status 4
}

@test "a server that leaves with our bytes unread is status 4, and what it sent first is kept" {
    for kind in stream seqpacket; do
        kind $kind
        start_script unix_server.py leave_sending $kind $kind 50000
        held_input
        start_job "$SOCKX" connect "${WITH[@]}" -U $kind <"$INPUT"
        echo read >&"$HELD"
        wait_until has_line "$PEER_ERR" '^read$'
        echo unread >&"$HELD"
        wait_job
        equal "$JOB_STATUS" 4
        equal "$(stat -c %s "$JOB_OUT")" 50000
        HELD=9
    done
}

@test "a datagram server that leaves in the middle is status 4 or 7, not 0" {
    held_input
    start_kind datagram at -m echo
    start_job "$SOCKX" connect -u -U at <"$INPUT"
    echo one >&"$HELD"
    wait_until has_line "$JOB_OUT" '^one$'
    stop_server
    echo two >&"$HELD"
    wait_job
    equal "$JOB_STATUS" 4
}

@test "a client that leaves in the middle is status 4 on a pipe's server" {
    for kind in stream seqpacket; do
        start_kind $kind at </dev/zero
        asks leave_later $kind at 100000
        wait_server
        equal "$SERVER_STATUS" 4
    done
}

@test "a client that leaves in the middle disturbs no mode" {
    for kind in stream seqpacket; do
        start_kind $kind $kind -m source
        for _ in 1 2 3; do
            asks leave_later $kind $kind 100000
        done
        kind $kind
        equal "$(sockx connect "${WITH[@]}" --recv-only -U $kind | head -c 1000000 | wc -c)" 1000000
    done
}

@test "a server told to stop while clients are idle ends within 1 s, with status 0" {
    for kind in stream seqpacket; do
        start_kind $kind at -m echo
        start_script unix_client.py idle $kind at 20
        timed stop_server
        equal "$SERVER_STATUS" 0
        took_between 0 1000
    done
}

# bats test_tags=long
@test "300 clients at once get each their own bytes" {
    for kind in stream seqpacket; do
        start_kind $kind $kind -m echo
        start_script unix_client.py idle $kind $kind 300
        asks whole $kind $kind 1 8193 65507
        # shellcheck disable=SC2046 # words
        asks turns $kind $kind $(seq 300) $(seq 300)
    done
    start_kind datagram datagram -m echo
    # shellcheck disable=SC2046 # words
    asks turns datagram datagram $(seq 300) $(seq 300)
}

@test "what follows descriptors that were passed is read at once, too" {
    start_kind stream at -m echo
    timeout -k 1 20 "$PYTHON" "$PEERS/short_reads.py" descriptors at "$SERVER_PID"
}

# ---- where nothing answers ----

# STATUS REASON ARG...: sockx fails so on each of its clients, and gives a hint.
fails_to_connect() {
    for client in echo connect; do
        run --separate-stderr "${AS[@]}" timeout 20 "$SOCKX" "$client" "${@:3}"
        expect_status "$1"
        [[ ${stderr_lines[0]} == *"$2"* ]] || fail "it says: $stderr"
        [[ ${stderr_lines[1]} == hint:* ]] || fail "no hint: $stderr"
    done
}

@test "a path where nothing is is status 7, with a hint" {
    AS=()
    for with in "" -u --seqpacket; do
        # shellcheck disable=SC2086
        fails_to_connect 7 "unix:nothing: No such file" $with -U nothing
        [[ $stderr == *"sockx serve ${with:+$with }unix:nothing"* ]] || fail "its hint: $stderr"
        # shellcheck disable=SC2086
        fails_to_connect 7 "Connection refused" $with -U "$(abstract_name)"
    done
}

@test "a socket whose server has died is status 7, with a hint" {
    AS=()
    for kind in stream datagram seqpacket; do
        kind $kind
        start_kind $kind at -m echo
        kill -KILL "$SERVER_PID"
        wait "$SERVER_PID" || true
        forget_server "$SERVER_PID"
        [ -S at ]
        fails_to_connect 7 "unix:at: Connection refused" "${WITH[@]}" -U at
        [ -S at ]
        rm at
    done
}

@test "a socket of another kind is status 7, and the hint names the kinds" {
    declare -A SAYS=([stream]=unix:PATH [datagram]=unix-datagram:PATH [seqpacket]=unix-seqpacket:PATH)
    AS=()
    for served in stream datagram seqpacket; do
        start_kind $served $served -m echo
        for asked in stream datagram seqpacket; do
            [ $served != $asked ] || continue
            kind $asked
            fails_to_connect 7 "unix:$served: " "${WITH[@]}" -U $served
            if [ $asked = datagram ]; then
                [[ ${stderr_lines[1]} == *-u*--seqpacket* ]] || fail "its hint: $stderr"
            else
                [[ ${stderr_lines[1]} == *"${SAYS[$served]}"* ]] || fail "its hint: $stderr"
            fi
        done
    done
}

@test "the hint names the kind of an abstract name's server as well" {
    declare -A SAYS=([stream]=unix:PATH [datagram]=unix-datagram:PATH [seqpacket]=unix-seqpacket:PATH)
    AS=()
    for served in stream datagram seqpacket; do
        start_kind $served @$served.$$ -m echo
        for asked in stream datagram seqpacket; do
            [ $served != $asked ] || continue
            kind $asked
            fails_to_connect 7 "unix:@$served.$$: " "${WITH[@]}" -U @$served.$$
            [[ ${stderr_lines[1]} == *"${SAYS[$served]}"* ]] || fail "its hint: $stderr"
        done
    done
}

@test "what is no socket is status 7" {
    AS=()
    echo kept >file
    mkdir directory
    for path in file directory; do
        fails_to_connect 7 "unix:$path: " -U $path
    done
    equal "$(cat file)" kept
}

as_nobody() {
    [ "$(id -u)" -eq 0 ] || skip "another user cannot be had"
    AS=(setpriv --reuid=65534 --regid=65534 --clear-groups)
    # What lies above may be another's to look at, too.
    "${AS[@]}" test -x "$SOCKX" || skip "another user cannot run $SOCKX"
}

@test "a socket whose permissions keep us out is status 7, and the hint names --unix-mode" {
    as_nobody
    local shared

    shared=$(mktemp -d /tmp/sockx-unix.XXXXXX)
    chmod 755 "$shared"
    start_kind stream "$shared/at" -m echo
    fails_to_connect 7 "Permission denied" -U "$shared/at"
    [[ ${stderr_lines[1]} == *--unix-mode* ]] || fail "its hint: $stderr"
    stop_server
    start_kind stream "$shared/at" -m echo --unix-mode 666
    run --separate-stderr "${AS[@]}" timeout 20 "$SOCKX" echo -U "$shared/at" hello
    expect_status 0
    stop_server
    rm -r "$shared"
}

# KIND: -b 1 and a server that does not accept; how many get in.
fill_backlog() {
    start_kind "$1" at -m echo -b 1
    kill -STOP "$SERVER_PID"
    # The kernel lets one more in than it was told.
    start_script unix_client.py idle "$1" at 2
}

@test "where the backlog is full, connect waits until there is room" {
    for kind in stream seqpacket; do
        fill_backlog $kind
        kind $kind
        start_job "$SOCKX" connect -Nv "${WITH[@]}" -U at <<<"hello"
        wait_until has_line "$JOB_ERR" '^trying unix:at$'
        run wait_until 1 is_gone "$JOB_PID"
        expect_status 1
        equal "$(grep -c trying "$JOB_ERR")" 1
        kill -CONT "$SERVER_PID"
        wait_job
        equal "$JOB_STATUS" 0
        equal "$(cat "$JOB_OUT")" hello
        stop_server
    done
}

@test "where the backlog stays full, connect gives up at --connect-timeout with status 5" {
    for kind in stream seqpacket; do
        fill_backlog $kind
        kind $kind
        timed run --separate-stderr sockx connect -w 300ms "${WITH[@]}" -U at </dev/null
        expect_status 5
        took_between 300 1000
        [[ ${stderr_lines[1]} == hint:*accepts\ no\ connection* ]] || fail "its hint: $stderr"
        kill -CONT "$SERVER_PID"
        stop_server
    done
}

@test "where the backlog is full and the server leaves, connect is refused with status 7" {
    fill_backlog stream
    start_job "$SOCKX" connect -v -U at </dev/null
    wait_until has_line "$JOB_ERR" '^trying unix:at$'
    kill -KILL "$SERVER_PID"
    wait "$SERVER_PID" || true
    forget_server "$SERVER_PID"
    wait_job
    equal "$JOB_STATUS" 7
}

# ---- usage ----

# MESSAGE ARG...: a usage error that says so.
is_wrong_usage() {
    run --separate-stderr sockx "${@:2}"
    expect_status 2
    [[ ${stderr_lines[0]} == *$1* ]] || fail "it says: $stderr"
    [[ ${stderr_lines[1]} == hint:* ]] || fail "no hint: $stderr"
    equal "${#stderr_lines[@]}" 2
    [ ! -e at ]
}

@test "what contradicts a Unix socket is wrong usage" {
    for command in serve connect echo; do
        is_wrong_usage "has no host" $command -U at -H localhost
        is_wrong_usage "has no port" $command -U at -p 4000
        is_wrong_usage "has no IP version" $command -U at -4
        is_wrong_usage "has no IP version" $command -U at -6
        is_wrong_usage "has no use of TCP" $command -U at -t
        is_wrong_usage "'--seqpacket' and '--udp'" $command -U at --seqpacket -u
        is_wrong_usage "'--seqpacket' and '--tcp'" $command -U at --seqpacket -t
        is_wrong_usage "'--seqpacket' is for Unix sockets" $command --seqpacket
    done
    for command in serve connect; do
        is_wrong_usage "has no host" $command -U at localhost
        is_wrong_usage "has no port" $command unix:at 4000
        is_wrong_usage "has no port" $command unix:at -p 4000
        is_wrong_usage other $command unix:at -U other
        is_wrong_usage "no path" $command unix:
    done
    for command in connect echo; do
        is_wrong_usage "" $command -U at -s ''
    done
    # To name one socket twice is no contradiction.
    run sockx connect unix:at -U at
    expect_status 7
}

@test "an empty path is wrong usage, and never TCP" {
    for command in serve connect echo; do
        run --separate-stderr sockx $command --max-time 300ms -U ''
        expect_status 2
    done
}

@test "--unix-mode is for a path" {
    is_wrong_usage "abstract name" serve -U "$(abstract_name)" --unix-mode 666
    is_wrong_usage "a port has no permissions" serve -p 0 --unix-mode 600
    is_wrong_usage "a port has no permissions" serve -u -p 0 --unix-mode 600
}

@test "--unix-mode is octal, from 000 to 777" {
    for mode in 8 0o600 u=rw -1 1000 4755 7777 0666x ''; do
        is_wrong_usage "octal" serve -U at --unix-mode="$mode"
    done
}

# ---- addresses in one word ----

# SCHEME OF: a server of that address, and a client of the same.
meet_by_scheme() {
    start_job "$SOCKX" serve -m echo "$1"
    wait_until has_line "$JOB_ERR" "^listening on .*\\($2, echo\\)"
    SAID=$(sed -nE 's/^listening on (unix:)?(.*) \(.*/\2/p' "$JOB_ERR")
    run -0 sockx connect -q 200ms "${1%%[:/]*}:${3-}$SAID" <<<"by scheme"
    equal "$output" "by scheme"
    kill "$JOB_PID"
    wait_job
}

@test "a scheme says how to travel, to server and client alike" {
    meet_by_scheme tcp://127.0.0.1:0 tcp //
    meet_by_scheme udp://127.0.0.1:0 udp //
    meet_by_scheme "unix:$BATS_TEST_TMPDIR/s" unix
    meet_by_scheme "unix-datagram:$BATS_TEST_TMPDIR/d" unix-datagram
    meet_by_scheme "unix-seqpacket:$BATS_TEST_TMPDIR/q" unix-seqpacket
    run -2 sockx serve -u unix-seqpacket:x
    [[ $output == *"'--udp' contradicts 'unix-seqpacket:' of the address"* ]]
}
