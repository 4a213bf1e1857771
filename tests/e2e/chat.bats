# shellcheck disable=SC2030,SC2031,SC2034,SC2153,SC2154 # tests are processes; helper reads and sets; run sets output
#
# Chat: lines both ways. `serve --mode chat` has a room of members and an operator, who sits at its
# standard input and output; for `connect --mode chat` the server is the one other member. The typed
# and scripted chats with foreign programs are in pairs.bats.

load helper
load talk
load measure

export BATS_TEST_TIMEOUT=60

# ARG...: a room whose operator types by >&"$HELD".
start_room() {
    held_input
    start_server -m chat -v -H 127.0.0.1 "$@" <"$INPUT"
}

# STEP...: see peers/room.py.
in_room() {
    timeout -k 1 30 "$PYTHON" "$PEERS/room.py" "$PORT" "$SERVER_ERR" "$INPUT" "$SERVER_OUT" "$@"
}

# `sockx connect` to the room, what is typed there going in by a FIFO held open in a
# descriptor of its own, whose number is in TYPED.
join() {
    local input=$BATS_TEST_TMPDIR/typed$((started += 1))

    mkfifo "$input"
    exec {TYPED}<>"$input"
    # shellcheck disable=SC2016 # the other bash's
    start_job bash -c 'eval "exec \"\$@\" $0>&-"' "$TYPED" "$SOCKX" connect -m chat 127.0.0.1 "$PORT" <"$input"
}

room_ends_with() {
    wait_server
    equal "$SERVER_STATUS" "$1"
}

HOSTILE=$'\e]0;owned\a\e[2J\rA\b\x9b5i\xe2\x80\xaeda'

# ---- who says what to whom ----

# bats test_tags=unit
@test "with one member, lines go plain, both ways" {
    start_room
    in_room join:a 'says:a:hello\n' 'shows:hello\n' 'operator:good morning\n' 'hears:a:good morning\n' \
        'says:a:two\nlines\n' 'shows:two\nlines\n' quiet:a
}

# bats test_tags=unit
@test "in a room of three each hears the others, who are named, and the operator, who is not" {
    start_room
    in_room join:a 'says:a:alone\n' 'shows:alone\n' join:b join:c \
        'says:b:hello\n' 'hears:a:guest2: hello\n' 'hears:c:guest2: hello\n' 'shows:guest2: hello\n' \
        'operator:welcome\n' 'hears:a:welcome\n' 'hears:b:welcome\n' 'hears:c:welcome\n' \
        'says:c:one\ntwo\n' 'hears:a:guest3: one\nguest3: two\n' 'hears:b:guest3: one\nguest3: two\n' \
        'shows:guest3: one\nguest3: two\n' quiet:a quiet:b quiet:c
}

# bats test_tags=unit
@test "who has left is not spoken to, and the last one's lines go plain again" {
    start_room
    in_room join:a join:b 'says:a:hi\n' 'hears:b:guest1: hi\n' leaves:a 'told:^1: .* done' \
        'says:b:anyone?\n' 'shows:guest1: hi\nanyone?\n' join:c 'says:c:me\n' 'hears:b:guest3: me\n'
}

# bats test_tags=unit
@test "sockx connect is a member as any" {
    start_room
    join
    in_room 'told:^1: .* connected'
    echo 'from connect' >&"$TYPED"
    in_room 'shows:from connect\n' 'operator:from serve\n'
    wait_until has_line "$JOB_OUT" '^from serve$'
    equal "$(cat "$JOB_OUT" "$JOB_ERR")" 'from serve'
    echo bye >&"$TYPED"
    wait_job
    equal "$JOB_STATUS" 0
    in_room 'told:^1: .* done'
}

# bats test_tags=unit
@test "a line is bytes: an empty one, NUL and invalid UTF-8 pass to the operator's pipe" {
    start_room
    in_room join:a 'says:a:\n' 'shows:\n' 'says:a:\x00 x\n' 'shows:\x00 x\n' 'operator:\n' 'hears:a:\n'
}

# ---- ends of lines ----

# bats test_tags=unit
@test "a line without an end is said when it has been quiet for --settle" {
    start_room
    in_room join:a 'says:a:hello' 'shows:hello\n' 'says:a:again' 'shows:again\n'
    stop_server
    start_room --settle 10s
    in_room join:a 'says:a:hel' quiet:a 'says:a:lo\nwor' 'shows:hello\n' 'says:a:ld\n' 'shows:world\n'
}

# bats test_tags=unit
@test "a line without an end is said when its member ends, too" {
    start_room --settle 10s
    in_room join:a join:b 'says:a:hello' done:a 'hears:b:guest1: hello\n' 'says:b:hi' leaves:b \
        'shows:guest1: hello\nguest2: hi\n'
}

# bats test_tags=unit
@test "--eol: lf, crlf or none end what is sent; what comes may end in either" {
    start_room --eol crlf
    in_room join:a join:b 'operator:one\n' 'hears:a:one\r\n' 'says:b:two\r\n' 'hears:a:guest2: two\r\n' \
        'shows:guest2: two\n' 'says:b:three\n' 'hears:a:guest2: three\r\n' 'shows:guest2: three\n'
    stop_server
    start_room --eol none
    in_room join:a 'operator:one\n' 'hears:a:one' quiet:a 'says:a:two' 'shows:two\n'
    stop_server
    start_room -C
    in_room join:a 'operator:one\n' 'hears:a:one\r\n'
}

# ---- hostile text ----

# bats test_tags=unit
@test "members hear control characters as text; the operator's pipe has them raw" {
    start_room
    in_room join:a join:b 'says:b:\x1b]0;owned\x07\x1b[2J\rA\n' \
        'hears:a:guest2: \\x1b]0;owned\\x07\\x1b[2J\\rA\n' \
        'shows:guest2: \x1b]0;owned\x07\x1b[2J\rA\n'
}

# bats test_tags=unit
@test "on the operator's terminal it is visible and harmless" {
    start_operator 'see:owned.*A.*5i.*da$' 'type:bye' -- -m chat -H 127.0.0.1
    local operator=$JOB_PID screen=$JOB_OUT said=$JOB_ERR
    start_job "$PYTHON" "$PEERS/names.py" quiet "$PORT" "$HOSTILE"$'\n'
    wait_dialogue "$operator" "$screen"
    equal "$JOB_STATUS" 0
    for bytes in $'\e]' $'\e[2J' $'\a' $'\b' $'\x9b' $'\xe2\x80\xae'; do
        if LC_ALL=C grep -aqF "$bytes" "$said"; then
            fail "not escaped: $(od -An -c <<<"$bytes")"
        fi
    done
}

# bats test_tags=unit
@test "on the terminal of connect, too, and raw with --raw" {
    printf '%s\n' "$HOSTILE" >"$BATS_TEST_TMPDIR/hostile"
    for with in '' --raw; do
        start_script server.py say <"$BATS_TEST_TMPDIR/hostile"
        start_dialogue -- "$SOCKX" connect -m chat $with 127.0.0.1 "$PORT"
        wait_dialogue "$JOB_PID"
        equal "$JOB_STATUS" 0
        has_line "$JOB_OUT" owned || [ "$with" = --raw ]
        equal "$(LC_ALL=C grep -acF $'\e]0;owned\a' "$JOB_ERR")" $((${#with} > 0))
    done
}

# ---- who may end it ----

# bats test_tags=unit
@test "a member's bye, in any case and with blanks, ends its own chat alone" {
    start_room
    in_room join:a join:b join:c join:d 'says:a:bye\n' ends:a leaves:a 'says:b: BYE \r\n' ends:b leaves:b \
        'says:c:Bye' ends:c leaves:c 'told:^1: .* done' 'told:^2: .* done' 'told:^3: .* done' \
        'says:d:bye bye\n' 'shows:bye bye\n' 'operator:hi\n' 'hears:d:hi\n'
}

# bats test_tags=unit
@test "the operator's bye ends it for all, unsaid, with status 0" {
    start_room
    in_room join:a join:b 'operator:see you\nbye\nnot this\n' 'hears:a:see you\n' 'hears:b:see you\n' \
        ends:a ends:b leaves:a leaves:b
    room_ends_with 0
    equal "$(cat "$SERVER_OUT")" ""
}

# bats test_tags=unit
@test "the operator's bye ends it also when no member is left" {
    start_room
    in_room join:a 'says:a:hello\n' 'shows:hello\n' leaves:a 'told:^1: .* done' 'operator:bye\n'
    room_ends_with 0
}

# bats test_tags=unit
@test "so does the end of its input" {
    start_room
    in_room join:a 'says:a:hello\n' 'shows:hello\n' leaves:a 'told:^1: .* done'
    exec {HELD}>&-
    room_ends_with 0
}

# bats test_tags=unit
@test "so do both of them at a terminal" {
    for end in type:bye 'keys:\x04'; do
        start_operator 'see:^hello$' 'see: done, ' "$end" -- -m chat -H 127.0.0.1
        timeout 20 "$PYTHON" "$PEERS/names.py" raw "$PORT" <<<hello
        wait_dialogue "$JOB_PID"
        equal "$JOB_STATUS" 0
    done
}

# bats test_tags=unit
@test "what no member was there to hear is heard by the next one" {
    start_room
    in_room join:a 'says:a:hello\n' 'shows:hello\n' leaves:a 'told:^1: .* done' 'operator:one\ntwo\n' \
        join:b 'hears:b:one\ntwo\n' 'operator:bye\n' ends:b leaves:b
    room_ends_with 0
}

# bats test_tags=unit
@test "--bye WORD is exactly that, and is sent, by either side" {
    start_room --bye END
    in_room join:a join:b 'says:a:END\n' ends:a leaves:a 'told:^1: .* done' \
        'says:b:end\n' 'says:b:bye\n' 'says:b: END\n' \
        'says:b:ENDE\n' 'shows:end\nbye\n END\nENDE\n' \
        'operator:bye\nend\n END \n' 'hears:b:bye\nend\n END \n' \
        'operator:END\n' 'hears:b:END\n' ends:b leaves:b
    room_ends_with 0
    start_script server.py take
    run --separate-stderr sockx connect -m chat --bye END 127.0.0.1 "$PORT" < <(printf 'hi\nEND\nno\n')
    expect_status 0
    wait_until has_line "$PEER_ERR" end
    equal "$(cat "$PEER_OUT")" $'hi\nEND'
}

# bats test_tags=unit
@test "both say bye at once, 20 times" {
    for _ in {1..20}; do
        start_server -m chat -1 -H 127.0.0.1 <<<bye
        run --separate-stderr sockx connect -m chat 127.0.0.1 "$PORT" <<<bye
        expect_status 0
        equal "$output$stderr" ""
        room_ends_with 0
    done
}

# bats test_tags=unit
@test "connect's input ends: what was said is heard, and the room goes on" {
    start_room
    run --separate-stderr sockx connect -m chat 127.0.0.1 "$PORT" < <(printf 'one\ntwo')
    expect_status 0
    in_room 'shows:one\ntwo\n' 'told:^1: .* done'
}

# bats test_tags=unit
@test "serve's input ends: what it held is said first, then all may leave, with status 0" {
    start_room
    join
    in_room 'told:^1: .* connected' 'operator:one\ntwo\n'
    exec {HELD}>&-
    wait_job
    equal "$JOB_STATUS" 0
    equal "$(cat "$JOB_OUT")" $'one\ntwo'
    room_ends_with 0
}

# bats test_tags=unit
@test "a standard input that is closed is an empty one" {
    start_server -m chat -H 127.0.0.1 <&-
    run --separate-stderr sockx connect -m chat 127.0.0.1 "$PORT" <&-
    expect_status 0
    room_ends_with 0
    equal "$(cat "$SERVER_OUT")$output" ""
}

# bats test_tags=unit
@test "--once: the first member's end is the end" {
    start_room --once
    in_room join:a 'says:a:hello\n' 'shows:hello\n' leaves:a
    room_ends_with 0
}

# bats test_tags=unit
@test "SIGTERM: members hear the end, status 0" {
    start_room
    join
    in_room 'told:^1: .* connected'
    stop_server
    equal "$SERVER_STATUS" 0
    wait_job
    equal "$JOB_STATUS" 0
}

# ---- what goes wrong ----

# bats test_tags=unit
@test "a member that resets in the middle of a line disturbs no other" {
    start_room --settle 10s
    in_room join:a join:b 'says:a:whole\nhal' 'hears:b:guest1: whole\n' resets:a 'told:^1: .* lost' quiet:b \
        'says:b:still here\n' 'shows:guest1: whole\nstill here\n'
}

# bats test_tags=unit
@test "4: connect loses a server that resets" {
    start_script server.py reset_answering 3
    run --separate-stderr sockx connect -m chat 127.0.0.1 "$PORT" < <(echo hello)
    expect_status 4
    [[ $stderr == *'Connection reset by peer'* ]]
}

# bats test_tags=unit
@test "a line of 10 MB without a newline is refused to its member alone" {
    start_room
    in_room join:a join:b floods:a:10000000 'told:^1: .* lost .*a line may have at most 65536 bytes' \
        'says:b:hello\n' 'operator:hi\n' 'hears:b:hi\n'
    has_line "$SERVER_OUT" '^(guest2: )?hello$'
    in_room join:c 'floods:c:70000' 'hears:c:error: a line may have at most 65536 bytes\n' ends:c
}

# bats test_tags=unit
@test "1: a line too long in our own input is reported" {
    start_script server.py take
    run --separate-stderr sockx connect -m chat 127.0.0.1 "$PORT" < <(head -c 100000 /dev/zero)
    expect_status 1
    equal "${#stderr_lines[@]}" 2
    [[ ${stderr_lines[0]} == *'a line is longer than 65536 bytes'* ]]
}

# bats test_tags=unit
@test "2: options of chat belong to chat, and --bye needs a word" {
    for words in '-m echo --bye END' '-m pipe --turns' '-m chat --bye='; do
        # shellcheck disable=SC2086
        run --separate-stderr sockx serve -p 0 $words
        expect_status 2
        equal "${#stderr_lines[@]}" 2
    done
}

# ---- members that talk in bursts ----

# SILENT BURSTING SECONDS [OPTION]...: see peers/burst.py. MS is how long the two waited at most.
start_bursts() {
    start_job "$PYTHON" "$PEERS/burst.py" "$PORT" "$@"
    wait_until 40 has_line "$JOB_OUT" '^longest'
    read -r _ MS _ WORDS _ LOST <"$JOB_OUT"
    tell "chat, $1 silent and $2 bursting members ${*:4}: longest wait $MS ms, $WORDS words"
    equal "$LOST" 0
}

# bats test_tags=load
@test "beside ten that talk in bursts two others are heard at once, and SIGTERM is obeyed" {
    # 250 ms are meant; other work of this machine may add to them. Unbounded, it was a minute.
    for options in '' '--eol none' '--turns'; do
        # shellcheck disable=SC2086
        start_room $options
        start_bursts 20 10 0.7
        WHAT="longest wait in ms" expect_at_most "$MS" 1000
        timed stop_server
        WHAT="ms until SIGTERM was obeyed" expect_at_most "$TOOK_MS" 3500
        equal "$SERVER_STATUS" 0
        wait_job
    done
}

# bats test_tags=long
@test "a member that reads all the time stays, whatever escaping makes of what is said" {
    start_room
    start_bursts 0 1 1.5 --slow --wide 65000
    WHAT="longest wait in ms" expect_at_most "$MS" 1000
    run ! has_line "$SERVER_ERR" 'does not read'
    stop_server
}

# ---- turns ----

# bats test_tags=unit
@test "--turns: two scripts take turns, whatever comes in one piece" {
    printf 'eins\nzwei\ndrei\n' >"$BATS_TEST_TMPDIR/ours"
    start_server -m chat -1 --turns --eol none -H 127.0.0.1 <"$BATS_TEST_TMPDIR/ours"
    run --separate-stderr sockx connect -m chat --turns --eol none 127.0.0.1 "$PORT" \
        < <(printf 'one\ntwo\nthree\nbye\n')
    expect_status 0
    equal "$output" $'eins\nzwei\ndrei'
    room_ends_with 0
    equal "$(cat "$SERVER_OUT")" $'one\ntwo\nthree'
}

# bats test_tags=unit
@test "--turns, 4: the peer has left before every line was sent" {
    start_server -m chat -1 --turns -H 127.0.0.1 <<<'one'
    run --separate-stderr sockx connect -m chat --turns 127.0.0.1 "$PORT" < <(printf 'eins\nzwei\ndrei\n')
    expect_status 4
    equal "$output" one
    [[ $stderr == *'the peer left before every line was sent'* ]]
    room_ends_with 0
}

@test "--turns, 4: serve --once, too" {
    printf 'one\ntwo\nthree\n' >"$BATS_TEST_TMPDIR/ours"
    start_server -m chat -1 --turns -H 127.0.0.1 <"$BATS_TEST_TMPDIR/ours"
    run --separate-stderr sockx connect -m chat --turns 127.0.0.1 "$PORT" < <(printf 'eins\nbye\n')
    expect_status 0
    equal "$output" one
    room_ends_with 4
    has_line "$SERVER_ERR" 'left before every line was sent'
}

# ---- at a terminal; that it is left as it was found is checked by peers/dialogue.py each time ----

@test "--turns: the prompt says whose turn it is, and an early line is shown when it is said" {
    start_operator 'see:^\(their turn\)$' 'type:early' 'see:^\(their turn, 1 line waits\)$' \
        'type:two' 'see:^\(their turn, 2 lines wait\)$' 'see:^three$' 'see:^>$' 'type:in time' \
        'see:^\(their turn\)$' 'keys:\x03' -- -m chat --turns -H 127.0.0.1
    local operator=$JOB_PID screen=$JOB_OUT said=$JOB_ERR
    held_input
    start_job "$SOCKX" connect -m chat --turns 127.0.0.1 "$PORT" <"$INPUT"
    wait_until has_text "$said" '2 lines wait'
    printf 'one\ntwo\nthree\n' >&"$HELD"
    wait_dialogue "$operator" "$screen"
    equal "$(grep -v -e '^listening' -e '^1: ' -e '^stopping' "$screen" | sed -n '1,/in time/p')" \
        "$(lines one '> early' two '> two' three '> in time')"
    equal "$(head -n 3 "$JOB_OUT")" "$(lines early two 'in time')"
}

# bats test_tags=unit
@test "a line being typed is not torn by one that comes" {
    start_operator 'see:^hello$' 'keys:good mor' 'see:^> good mor$' 'see:^again$' 'see:^> good mor$' \
        'type:ning' 'see:^bye then$' 'type:bye' -- -m chat -v -H 127.0.0.1
    local operator=$JOB_PID screen=$JOB_OUT said=$JOB_ERR
    held_input
    start_job "$SOCKX" connect -m chat 127.0.0.1 "$PORT" <"$INPUT"
    echo hello >&"$HELD"
    wait_until has_text "$said" 'good mor'
    echo again >&"$HELD"
    wait_until has_line "$JOB_OUT" '^good morning$'
    echo 'bye then' >&"$HELD"
    wait_dialogue "$operator" "$screen"
    equal "$JOB_STATUS" 0
    equal "$(shown "$screen" | sed '/connected$\|done\|out)$/d')" "$(lines \
        'listening on 127.0.0.1:PORT (tcp, chat)' hello again '> good morning' 'bye then' '> bye')"
}

@test "lines are edited before they are sent, and come back with the up key" {
    start_script server.py echo
    start_dialogue 'see:^>$' 'keys:wörlx\x7fd\x01hello \r' 'see:^hello wörld$' 'keys:\x1b[A!\r' \
        'see:^hello wörld!$' 'keys:\x04' -- "$SOCKX" connect -m chat 127.0.0.1 "$PORT"
    wait_dialogue "$JOB_PID"
    equal "$JOB_STATUS" 0
    equal "$(shown "$JOB_OUT")" "$(lines 'connected to 127.0.0.1:PORT (tcp)' '> hello wörld' 'hello wörld' \
        '> hello wörld!' 'hello wörld!')"
}

@test "130: Ctrl-C in connect, with a line half typed" {
    start_script server.py keep
    start_dialogue 'see:^>$' 'keys:half a line' 'see:half a line' 'keys:\x03' -- \
        "$SOCKX" connect -m chat 127.0.0.1 "$PORT"
    wait_dialogue "$JOB_PID"
    equal "$JOB_STATUS" 130
    equal "$(cat "$PEER_OUT")" ""
}

@test "Ctrl-C ends serve in order, with status 0" {
    start_operator 'see:^hello$' 'keys:\x03' -- -m chat -H 127.0.0.1
    local operator=$JOB_PID screen=$JOB_OUT
    start_job "$SOCKX" connect -m chat 127.0.0.1 "$PORT" < <(echo hello)
    wait_dialogue "$operator" "$screen"
    equal "$JOB_STATUS" 0
}

@test "0: the terminal of serve hangs up, with a line half typed" {
    run timeout 20 "$PYTHON" - "$SOCKX" <<'END'
import os, pty, re, socket, sys

def seen(text):
    shown = b""
    while text not in shown:
        shown += os.read(terminal, 4096)
    return shown

pid, terminal = pty.fork()
if pid == 0:
    os.environ["TERM"] = "xterm"
    os.execv(sys.argv[1], [sys.argv[1], "serve", "-m", "chat", "-H", "127.0.0.1", "-p", "0"])
port = int(re.search(rb"127.0.0.1:(\d+) ", seen(b"(tcp, chat)"))[1])
with socket.create_connection(("127.0.0.1", port), timeout=10) as member:
    member.sendall(b"hello\n")
    seen(b"hello")
    os.write(terminal, b"half")
    seen(b"half")
    os.close(terminal)
    assert member.recv(100) == b""
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
END
    expect_status 0
}

@test "4: the server resets while a line is half typed" {
    start_script server.py reset_receiving 6
    start_dialogue 'see:^>$' 'keys:hello\rhalf' -- "$SOCKX" connect -m chat 127.0.0.1 "$PORT"
    wait_dialogue "$JOB_PID"
    equal "$JOB_STATUS" 4
    has_line "$JOB_ERR" 'Connection reset by peer'
}

# bats test_tags=unit
@test "0: the server ends; a person is done then" {
    start_script server.py say < <(echo 'that was it')
    start_dialogue 'see:^that was it$' -- "$SOCKX" connect -m chat 127.0.0.1 "$PORT"
    wait_dialogue "$JOB_PID"
    equal "$JOB_STATUS" 0
}

# ---- many ----

# bats test_tags=long
@test "of 200 members one never reads: the others hear every line, and it is sent away" {
    start_room
    run timeout -k 1 40 "$PYTHON" "$PEERS/crowd.py" "$PORT" 200 "$SERVER_ERR"
    expect_status 0
    local peak_kb
    has_line "$SERVER_ERR" '^1: .* lost .*, [0-9]+ sent: sent away: it does not read what is said'
    equal "$(grep -c 'sent away' "$SERVER_ERR")" 1
    equal "$(wc -l <"$SERVER_OUT")" "$output"
    peak_kb=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$SERVER_PID/status")
    [ "$peak_kb" -lt 32768 ] || fail "it took $peak_kb KiB"
}
