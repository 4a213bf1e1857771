# shellcheck disable=SC2030,SC2031,SC2153,SC2154 # tests are processes; run sets output
#
# The ends that scripts ask for: with the peer, after so many messages, once a text has come. Each
# exchange is one command, with no sleep.

load helper

# ---- --quit-with-peer ----

# bats test_tags=unit
@test "--quit-with-peer ends with the server though standard input is open" {
    start_script strict_server.py farewell
    held_input
    run --separate-stderr sockx connect --quit-with-peer --max-time 8s 127.0.0.1 "$PORT" <"$INPUT"
    expect_status 0
    equal "$output" bye
}

# bats test_tags=unit
@test "without --quit-with-peer a pipe that stays open is waited for" {
    start_script strict_server.py farewell
    held_input
    run --separate-stderr sockx connect --max-time 300ms 127.0.0.1 "$PORT" <"$INPUT"
    expect_status 5
}

# bats test_tags=unit
@test "serve --quit-with-peer ends with its client though standard input is open" {
    held_input
    start_server --quit-with-peer -H 127.0.0.1 <"$INPUT"
    sockx connect -N 127.0.0.1 "$PORT" <<<hello
    wait_server 5
    equal "$SERVER_STATUS" 0
    equal "$(cat "$SERVER_OUT")" hello
}

# bats test_tags=unit
@test "--quit-with-peer over datagrams is refused, for they have no end" {
    run --separate-stderr sockx connect -u --quit-with-peer localhost 9
    expect_status 2
    [[ $stderr == *"'--quit-with-peer' does not go over datagrams"*'-q DUR'* ]]
}

# ---- --messages ----

# bats test_tags=unit
@test "--messages ends with the last of them, over UDP and Unix datagrams" {
    start_script udp_server.py answer 127.0.0.1 one two three
    held_input
    echo question >&"$HELD"
    run sockx connect -u --messages 2 127.0.0.1 "$PORT" <"$INPUT"
    expect_status 0
    equal "$output" onetwo
    start_unix_server "$BATS_TEST_TMPDIR/s" -u -m echo
    run sockx connect -u --messages 1 -U "$BATS_TEST_TMPDIR/s" <<<hello
    expect_status 0
    equal "$output" hello
}

# bats test_tags=unit
@test "--messages ends with the last of them, over sequenced packets" {
    start_unix_server "$BATS_TEST_TMPDIR/s" --seqpacket -m echo
    held_input
    echo question >&"$HELD"
    run sockx connect --seqpacket --messages 1 -U "$BATS_TEST_TMPDIR/s" <"$INPUT"
    expect_status 0
    equal "$output" question
}

# bats test_tags=unit
@test "--messages and no answer is status 5 after -w, and fewer than N as well" {
    start_script udp_server.py answer 127.0.0.1
    run --separate-stderr sockx connect -u --messages 1 -w 300ms 127.0.0.1 "$PORT" <<<question
    expect_status 5
    [[ $stderr == *'0 of 1 messages came, then nothing for 3'*ms* ]]
    end_all
    start_script udp_server.py answer 127.0.0.1 one
    run --separate-stderr sockx connect -u --messages 2 -w 300ms 127.0.0.1 "$PORT" <<<question
    expect_status 5
    equal "$output" one
    [[ $stderr == *'1 of 2 messages came'* ]]
}

# bats test_tags=unit
@test "--messages and an end before the last is status 9" {
    start_unix_server "$BATS_TEST_TMPDIR/s" --seqpacket -m echo
    run --separate-stderr sockx connect --seqpacket --messages 2 -N -U "$BATS_TEST_TMPDIR/s" <<<one
    expect_status 9
    equal "$output" one
    [[ $stderr == *'1 of 2 messages came before the end'* ]]
}

# bats test_tags=unit
@test "serve --messages ends after so many datagrams of its client" {
    start_server -u --messages 2 -H 127.0.0.1
    held_input
    start_job "$SOCKX" connect -u 127.0.0.1 "$PORT" <"$INPUT"
    echo one >&"$HELD"
    wait_until has_bytes "$SERVER_OUT" 4
    echo two >&"$HELD"
    wait_server 5
    equal "$SERVER_STATUS" 0
    equal "$(cat "$SERVER_OUT")" $'one\ntwo'
}

@test "--messages on a stream is refused with the reason" {
    run --separate-stderr sockx connect --messages 1 localhost 9
    expect_status 2
    [[ $stderr == *'cannot count on a stream'* ]]
    run --separate-stderr sockx serve -u -k --messages 1
    expect_status 2
}

# ---- --expect ----

# bats test_tags=unit
@test "--expect ends once its text has come, over two reads, though both sides stay open" {
    start_script strict_server.py banner
    held_input
    run sockx connect --expect 'OpenSSH_9' 127.0.0.1 "$PORT" <"$INPUT"
    expect_status 0
    [[ $output == SSH-2.0-OpenSSH_9* ]]
}

# bats test_tags=unit
@test "--expect and an end without its text is status 9, and what came is written" {
    start_script strict_server.py farewell
    held_input
    run --separate-stderr sockx connect --expect hello 127.0.0.1 "$PORT" <"$INPUT"
    expect_status 9
    equal "$output" bye
    [[ $stderr == *"'hello' did not come before the end (--expect)"* ]]
}

# bats test_tags=unit
@test "--expect and a limit of time is status 5" {
    start_script strict_server.py store
    run sockx connect --expect hello -q 200ms 127.0.0.1 "$PORT" <<<other
    expect_status 5
    held_input
    run sockx connect --expect hello -i 200ms 127.0.0.1 "$PORT" <"$INPUT"
    expect_status 5
    run sockx connect --expect hello --max-time 200ms 127.0.0.1 "$PORT" <"$INPUT"
    expect_status 5
}

# bats test_tags=unit
@test "serve --expect ends once its client has sent the text" {
    held_input
    start_server --expect 'over\n' -H 127.0.0.1 <"$INPUT"
    start_job "$SOCKX" connect 127.0.0.1 "$PORT" <<<over
    wait_server 5
    equal "$SERVER_STATUS" 0
    equal "$(cat "$SERVER_OUT")" over
}

@test "--expect refuses a text that it cannot read, and --keep-open" {
    for text in '' a\\ '\q' '\x1'; do
        run sockx connect --expect "$text" localhost 9
        expect_status 2
    done
    run sockx serve -k --expect hello
    expect_status 2
    run sockx connect --send-only --expect hello localhost 9
    expect_status 2
}

# ---- --delay ----

# bats test_tags=unit
@test "--delay sends a line at a time, and the last one without its newline" {
    start_script strict_server.py arrivals
    printf 'one\ntwo\nthree' >"$BATS_TEST_TMPDIR/lines"
    timed sockx connect -N --delay 200ms 127.0.0.1 "$PORT" <"$BATS_TEST_TMPDIR/lines"
    took_between 400 5000
    wait_until has_line "$PEER_OUT" three
    equal "$(cat "$PEER_OUT")" $'b\'one\\n\'\nb\'two\\n\'\nb\'three\''
}

# bats test_tags=unit
@test "--delay sends a line a datagram, and with -C each has its CR LF" {
    start_script strict_server.py statsd
    printf 'one\ntwo\nthree' >"$BATS_TEST_TMPDIR/lines"
    run sockx connect -u -C --delay 1ms -q 0 127.0.0.1 "$PORT" <"$BATS_TEST_TMPDIR/lines"
    expect_status 0
    wait_until has_line "$PEER_OUT" three
    equal "$(cat "$PEER_OUT")" $'b\'one\\r\\n\'\nb\'two\\r\\n\'\nb\'three\''
}

# bats test_tags=unit
@test "serve --delay sends its lines one by one over a Unix socket" {
    printf 'one\ntwo\n' >"$BATS_TEST_TMPDIR/lines"
    start_unix_server "$BATS_TEST_TMPDIR/s" --delay 300ms <"$BATS_TEST_TMPDIR/lines"
    run --separate-stderr sockx connect --recv-only -U "$BATS_TEST_TMPDIR/s"
    expect_status 0
    equal "$output" $'one\ntwo'
    wait_server 5
    equal "$SERVER_STATUS" 0
}

# ---- --rate ----

# BYTES MIN MAX: so much takes so long, there and back, at 1 MiB/s.
goes_at_the_rate() {
    local sent=$BATS_TEST_TMPDIR/sent back=$BATS_TEST_TMPDIR/back

    random_file "$sent" "$1"
    timed sockx connect -N --rate 1M/s 127.0.0.1 "$PORT" <"$sent" >"$back"
    same_bytes "$back" "$sent" || return 1
    took_between "$2" "$3"
}

# bats test_tags=unit
@test "--rate 1M/s: 1 MiB takes a second, there and back" {
    start_server -m echo -H 127.0.0.1
    goes_at_the_rate 1048576 970 1300
}

# bats test_tags=long
@test "--rate 1M/s: 5 MiB take 5 seconds within 3 %, and another client is not held up" {
    start_server -m echo -H 127.0.0.1
    start_job "$SOCKX" echo --count 40 --interval 100ms -w 2s -p "$PORT" -H 127.0.0.1
    goes_at_the_rate 5242880 4850 5150
    wait_job
    equal "$JOB_STATUS" 0
}

@test "serve --rate limits what its client gets, and a rate that is none is refused" {
    random_file "$BATS_TEST_TMPDIR/sent" 524288
    start_server --rate 1M -H 127.0.0.1 <"$BATS_TEST_TMPDIR/sent"
    timed sockx connect 127.0.0.1 "$PORT" >"$BATS_TEST_TMPDIR/got"
    took_between 450 1500
    same_bytes "$BATS_TEST_TMPDIR/got" "$BATS_TEST_TMPDIR/sent"
    wait_server 5
    for rate in 0 1M/m 1M/ /s fast; do
        run sockx connect --rate "$rate" localhost 9
        expect_status 2
    done
}

# ---- recipes of sockx-connect(1): one command each ----

# bats test_tags=unit
@test "recipe: a query to a server that never closes" {
    start_script strict_server.py store
    timed sockx connect -q 200ms 127.0.0.1 "$PORT" <<<INFO >"$BATS_TEST_TMPDIR/answer"
    equal "$(cat "$BATS_TEST_TMPDIR/answer")" +INFO
    took_between 200 1000
}

# bats test_tags=unit
@test "recipe: a question over UDP is over with its answer" {
    start_script strict_server.py dns
    timed sockx connect -u --messages 1 127.0.0.1 "$PORT" \
        < <(printf '\0\7\1\0\0\1\0\0\0\0\0\0\7example\3org\0\0\1\0\1') >"$BATS_TEST_TMPDIR/answer"
    took_between 0 500 # 50 ms on a machine that has nothing else to do
    equal "$(tail -c 4 "$BATS_TEST_TMPDIR/answer" | od -An -tu1 | xargs)" '192 0 2 7'
}

# bats test_tags=unit
@test "recipe: a banner" {
    start_script strict_server.py banner
    run sockx connect --recv-only --expect '\n' 127.0.0.1 "$PORT"
    expect_status 0
    equal "$output" $'SSH-2.0-OpenSSH_9.2p1\r'
}

# bats test_tags=unit
@test "recipe: an SMTP dialogue with a server that speaks first and hears one command at a time" {
    start_script strict_server.py smtp
    coproc MAIL { exec "$SOCKX" connect -C --quit-with-peer 127.0.0.1 "$PORT" 3>&-; }
    local pid=$MAIL_PID answers='' answer
    for command in 'EHLO client.example' 'MAIL FROM:<a@client.example>' 'RCPT TO:<b@mail.example>' \
        DATA $'Subject: test\n\nHello.\n.' QUIT; do
        read -r -t 10 answer <&"${MAIL[0]}"
        answers+="${answer%% *} "
        echo "$command" >&"${MAIL[1]}"
    done
    read -r -t 10 answer <&"${MAIL[0]}"
    wait "$pid"
    equal "$answers${answer%% *}" '220 250 250 250 354 250 221'
}

# bats test_tags=unit
@test "recipe: counters to statsd, a datagram each" {
    start_script strict_server.py statsd
    run sockx connect -u --delay 0 -q 0 127.0.0.1 "$PORT" < <(printf 'hits:1|c\nload:7|g\n')
    expect_status 0
    wait_until has_line "$PEER_OUT" load
    equal "$(cat "$PEER_OUT")" $'b\'hits:1|c\\n\'\nb\'load:7|g\\n\''
}
