#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2153,SC2154 # programs of their own; tests are processes; helpers set variables
#
# serve -m exec and connect -m exec: a program for each connection, and how both end.

load helper
load unix

export BATS_TEST_TIMEOUT=60

# LINE: a server that runs it by sh for each client; more options before it in WITH.
serve_line() {
    start_server "${WITH[@]}" -m exec -- sh -c "$1"
}

# What a client gets that sends nothing; its status is in STATUS.
ask() {
    STATUS=0
    SAID=$(sockx connect -N 127.0.0.1 "$PORT" </dev/null 2>/dev/null) || STATUS=$?
}

said() {
    [ "$SAID" = "$1" ] || fail "it said: $SAID"
}

status_is() {
    [ "$STATUS" -eq "$1" ] || fail "the client's status is $STATUS, not $1"
}

server_said() {
    wait_until has_line "$SERVER_ERR" "$1" || fail "the server said:" "$(cat "$SERVER_ERR")"
}

# The server has no child, and so many descriptors.
has_no_child() {
    [ -z "$(cat "/proc/$SERVER_PID/task/$SERVER_PID/children")" ]
}

descriptors() {
    find "/proc/$SERVER_PID/fd" -mindepth 1 2>/dev/null | wc -l
}

has_descriptors() {
    [ "$(descriptors)" -eq "$1" ]
}

# FILE: no process of the groups whose numbers are in it, but zombies that others left.
no_group_lives() {
    ps -eo pgid=,stat= | awk 'NR == FNR { group[$1]; next } $1 in group && $2 !~ /^Z/ { exit 1 }' "$1" -
}

# ---- what passes ----

# bats test_tags=unit
@test "a program's input and output are the connection" {
    start_server -m exec -- tr a-z A-Z
    [ "$(printf 'hello\nworld' | sockx connect -N 127.0.0.1 "$PORT")" = $'HELLO\nWORLD' ]
}

# bats test_tags=long
@test "200 clients at once: each gets back what it sent" {
    start_server -m exec -- cat
    before=$(descriptors)
    run -0 "$PYTHON" "$PEERS/crew.py" whole "$PORT" 200 1048576
    [ "$output" = "ready $PORT" ]
    wait_until has_no_child
    wait_until has_descriptors "$before"
}

@test "the same by read and write" {
    start_server --no-splice -m exec -- cat
    run -0 "$PYTHON" "$PEERS/crew.py" whole "$PORT" 20 1048576
    [ "$output" = "ready $PORT" ]
}

# bats test_tags=unit
@test "a program that reads nothing holds nothing up" {
    serve_line 'exec <&-; sleep 0.1; echo done'
    head -c 1000000 /dev/zero | sockx connect -N 127.0.0.1 "$PORT" >out
    [ "$(cat out)" = "done" ]
}

# bats test_tags=unit
@test "standard error: each line with the connection's number, and harmless" {
    serve_line 'printf "one\n\033[31mtwo\n\nrest" >&2'
    ask
    server_said '^1: one$'
    server_said '^1: \\x1b\[31mtwo$'
    server_said '^1: $'
    server_said '^1: rest$'
}

@test "standard error: a long line in parts, as JSON with -j" {
    WITH=(-j)
    serve_line 'head -c 3000 /dev/zero | tr "\0" x >&2; echo >&2; exit 5'
    ask
    server_said '"event":"program.stderr","conn":1,"line":"x{1024}'
    server_said '"event":"program.ended","conn":1,"status":5'
}

# ---- how the program's end becomes the connection's ----

# bats test_tags=unit
@test "status 0, and any other but 126 and 127: an orderly end, told with -v" {
    serve_line 'echo all; exit 1'
    ask
    said all
    status_is 0
    run ! has_line "$SERVER_ERR" 'status'
    stop_server
    WITH=(-v)
    serve_line 'echo all; exit 1'
    ask
    server_said '^1: program ended with status 1$'
}

# bats test_tags=unit
@test "grep that finds nothing: an orderly end, and a one-shot server's 1" {
    start_server -1 -m exec -- grep needle
    STATUS=0
    echo hay | sockx connect -N 127.0.0.1 "$PORT" || STATUS=$?
    status_is 0
    wait_server
    [ "$SERVER_STATUS" -eq 1 ]
    server_said '^sockx: program ended with status 1$'
}

# bats test_tags=unit
@test "killed after half of its output: that half and a reset, ours is 1" {
    WITH=(-1)
    serve_line 'head -c 200000 /dev/zero; kill -9 $$'
    STATUS=0
    sockx connect -N 127.0.0.1 "$PORT" </dev/null >out 2>err || STATUS=$?
    status_is 4
    grep -q 'reset by peer' err
    [ "$(stat -c %s out)" -eq 200000 ]
    wait_server
    [ "$SERVER_STATUS" -eq 1 ]
    server_said '^sockx: program was ended by signal 9 \(Killed\)$'
}

# bats test_tags=unit
@test "126 and 127: what a shell could not run, a reset" {
    for status in 126 127; do
        serve_line "echo part; exit $status"
        ask
        said part
        status_is 4
        server_said "^1: program ended with status $status\$"
        stop_server
    done
}

@test "a program that goes on without output is not waited for" {
    serve_line 'echo $$ >pid; echo all; exec sleep 100 >&-'
    timed ask
    said all
    status_is 0
    [ "$TOOK_MS" -ge 200 ]
    kill -0 "$(cat pid)"
}

# bats test_tags=unit
@test "background children hold nothing up, and are left alone" {
    serve_line 'sleep 100 & echo $! >pid; echo all'
    ask
    said all
    kill "$(cat pid)"
    stop_server
    serve_line 'sh -c "while echo more; do :; done" & echo $! >pid; sleep 0.1'
    ask
    status_is 0
    wait_until has_ended "$(cat pid)"
}

@test "background children that keep standard error do not use up the descriptors" {
    LAUNCHER=(prlimit --nofile=32:32)
    serve_line 'sleep 20 & echo $! >>pids; echo on'
    for ((i = 0; i < 30; i++)); do
        ask
        [ "$SAID" = on ] || fail "client $i: $SAID" "$(cat "$SERVER_ERR")"
    done
    xargs kill <pids
}

# A zombie has: an orphan may stay one for long.
has_ended() {
    [ ! -e "/proc/$1" ] || grep -q '^State:.Z' "/proc/$1/status"
}

# ---- how the connection's end becomes the program's ----

# COUNT: each of them has been served, and nothing is left of it.
vanish() {
    WITH=(-i 300ms)
    serve_line 'echo $$ >>groups; echo on; read -r way; [ "$way" = half ] || sleep 100 & exec cat >/dev/null'
    before=$(descriptors)
    run -0 "$PYTHON" "$PEERS/crew.py" vanish "$PORT" "$1"
    [ "$output" = "ready $PORT" ]
    wait_until 20 has_no_child
    wait_until has_descriptors "$before"
    [ "$(wc -l <groups)" -eq "$1" ]
    wait_until no_group_lives groups
}

# bats test_tags=unit
@test "clients that vanish leave no process, no zombie and no descriptor" {
    vanish 100
}

# bats test_tags=release
@test "1,000 clients that vanish" {
    vanish 1000
}

# bats test_tags=unit
@test "clients that vanish while their programs are being started" {
    needs_strace
    LAUNCHER=(strace -D -f -qq -o /dev/null -e trace=execve -e inject=execve:delay_enter=300000)
    start_server -m exec -- cat
    before=$(descriptors)
    run -0 "$PYTHON" "$PEERS/crew.py" leave "$PORT" 20
    wait_until has_child
    wait_until has_no_child
    wait_until has_descriptors "$before"
}

# bats test_tags=unit
@test "SIGTERM with 200 clients: their programs end at once, and so does the server" {
    serve_line 'echo $$ >>groups; exec cat'
    "$PYTHON" "$PEERS/crew.py" stay "$PORT" 200 >out 2>/dev/null &
    wait_until has_line out 'all are served'
    timed stop_server
    [ "$SERVER_STATUS" -eq 0 ]
    took_between 0 1900
    [ "$(wc -l <groups)" -eq 200 ]
    no_group_lives groups
}

# bats test_tags=unit
@test "an idle client: its program ends with it" {
    WITH=(-i 200ms)
    serve_line 'echo $$ >groups; sleep 100 & exec sleep 100'
    ask
    wait_until has_no_child
    no_group_lives groups
}

# bats test_tags=unit
@test "a reset is seen while the program takes no input" {
    serve_line 'echo $$ >>groups; echo r; exec sleep 100'
    "$PYTHON" "$PEERS/client.py" reset_sending "$PORT" 1000000 2>/dev/null
    wait_until has_no_child
    no_group_lives groups
}

has_child() {
    ! has_no_child
}

# bats test_tags=unit
@test "a program that ignores SIGHUP is gone after 2 s" {
    serve_line 'trap "" HUP; echo $$ >groups; echo on; sleep 100 & wait'
    "$PYTHON" "$PEERS/client.py" reset_receiving "$PORT" 1 2>/dev/null
    has_child
    timed wait_until has_no_child
    took_between 1500 10000
    no_group_lives groups
}

# bats test_tags=unit
@test "a server that stops takes its programs with it, at once if they let it" {
    serve_line 'echo $$ >groups; echo on; sleep 100 & exec cat'
    sockx connect 127.0.0.1 "$PORT" < <(sleep 5) >out 2>/dev/null &
    wait_until has_line out on
    timed stop_server
    [ "$SERVER_STATUS" -eq 0 ]
    took_between 0 1900
    no_group_lives groups
}

# ---- what a program sees ----

# bats test_tags=unit
@test "descriptors, signals and limits are what a shell gives" {
    start_server -m exec -- ls /proc/self/fd
    ask
    said $'0\n1\n2\n3' # the last is for the directory
    stop_server
    ulimit -S -n 300
    exec 17</dev/null
    start_server -m exec -- sed -n -E '/^(SigBlk|SigIgn|SigCgt)/p; /open files/p' /proc/self/status /proc/self/limits
    exec 17<&-
    ask
    # As a job in the background, which the server is, too: bash has it ignore SIGINT.
    sed -n -E '/^(SigBlk|SigIgn|SigCgt)/p; /open files/p' /proc/self/status /proc/self/limits >direct &
    wait "$!"
    said "$(cat direct)"
}

# bats test_tags=unit
@test "the environment: the connection's, and nothing that is ours" {
    export PROTO=old TCPREMOTEHOST=old UNIXREMOTEPID=old NOTIFY_SOCKET=@sockx-none SSLKEYLOGFILE=old MARK=kept
    start_server -m exec -- env
    ask
    for var in PROTO=TCP TCPLOCALIP=127.0.0.1 "TCPLOCALPORT=$PORT" TCPREMOTEIP=127.0.0.1 MARK=kept; do
        grep -qxF "$var" <<<"$SAID" || fail "$var is not in:" "$SAID"
    done
    grep -qE '^TCPREMOTEPORT=[0-9]+$' <<<"$SAID"
    run ! grep -qE '^(TCPREMOTEHOST|UNIX|NOTIFY_SOCKET|SSLKEYLOGFILE)' <<<"$SAID"
}

@test "the environment over a Unix socket, with a path of the peer's made harmless" {
    start_unix_server at -m exec -- env
    sockx connect -U at -s "$(printf 'a\nB=\033c')" </dev/null >out
    grep -qx 'PROTO=UNIX' out
    grep -qx 'UNIXLOCALPATH=.*at' out
    grep -qx "UNIXREMOTEEUID=$(id -u)" out
    grep -qx "UNIXREMOTEEGID=$(id -g)" out
    grep -qE '^UNIXREMOTEPID=[0-9]+$' out
    grep -qxF 'UNIXREMOTEPATH=a\nB=\x1bc' out
}

# ---- what cannot be started ----

# bats test_tags=unit
@test "a program that is not there is a usage error before anything listens" {
    run -2 sockx serve -p 0 -m exec -- no-such-program
    [ "${lines[0]}" = "sockx: cannot run 'no-such-program': there is no such program in PATH" ]
    touch plain
    run -2 sockx serve -p 0 -m exec -- ./plain
    [ "${lines[0]}" = "sockx: cannot run './plain': Permission denied" ]
    [ "${lines[1]}" = "hint: 'chmod +x' makes a file executable" ]
}

# bats test_tags=unit
@test "a program that can no longer be started: its client is reset, and the server serves on" {
    printf '#!/bin/sh\necho on\n' >program
    chmod +x program
    start_server -m exec -- ./program
    ask
    said on
    chmod -x program
    ask
    said ""
    status_is 4
    server_said "^2: cannot start './program': Permission denied\$"
    chmod +x program
    ask
    said on
}

# bats test_tags=unit
@test "a program that changes while the server runs: each client gets what it is then" {
    printf '#!/bin/sh\necho on\n' >program
    chmod +x program
    start_server -m exec -- ./program
    printf 'echo "$0 $#"\n' >new # no first line: a shell's
    chmod +x new
    mv new program
    ask
    said './program 0'
    : >program
    ask
    said ""
    status_is 0
    printf '#!/no/such/shell\n' >program
    ask
    status_is 4
    server_said "^3: cannot start './program': No such file or directory\$"
    rm program
    mkdir program
    ask
    status_is 4
    server_said "^4: cannot start './program': Permission denied\$"
    rmdir program
    cp "$(type -P pwd)" program
    exec {busy}>>program
    ask
    status_is 4
    server_said "^5: cannot start './program': Text file busy\$"
    exec {busy}>&-
    ask
    said "$PWD"
    status_is 0
}

# bats test_tags=unit
@test "no more processes: those that are there go on, new clients are reset and told" {
    [ "$(id -u)" -eq 0 ] || skip "needs another user's limit"
    # That user may not go to where the program is, but may run it from a descriptor.
    exec {program}<"$SOCKX"
    LAUNCHER=(setpriv --reuid=54321 --clear-groups prlimit --nproc=2)
    SOCKX=/proc/self/fd/$program start_server -m exec -- cat
    sockx connect 127.0.0.1 "$PORT" < <(sleep 1; echo still) >out 2>/dev/null &
    first=$!
    wait_until has_child
    ask
    status_is 4
    server_said "^2: cannot start 'cat': "
    wait "$first"
    [ "$(cat out)" = still ]
}

needs_strace() {
    export ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 # it cannot look for them under strace
    strace -D -qq -o /dev/null true 2>strace.err || skip "strace cannot attach: $(head -n 1 strace.err)"
}

# bats test_tags=unit
@test "programs that are slow to start hold up no other client" {
    [ "$(uname -m)" = x86_64 ] || skip "elsewhere a server waits until a program has started"
    needs_strace
    LAUNCHER=(strace -D -f -qq -o /dev/null -e trace=execve -e inject=execve:delay_enter=300000)
    start_server -m exec -- cat
    timed "$PYTHON" "$PEERS/crew.py" whole "$PORT" 10 1000
    took_between 300 2000 # one after the other they would take 3 s
}

# bats test_tags=unit
@test "few descriptors: clients wait for their turn, and nothing spins" {
    LAUNCHER=(prlimit --nofile=24:24)
    start_server -m exec -- cat
    run -0 "$PYTHON" "$PEERS/crew.py" whole "$PORT" 40 1000
    [ "$output" = "ready $PORT" ]
    read -r _ _ _ _ _ _ _ _ _ _ _ _ _ user system _ <"/proc/$SERVER_PID/stat"
    [ $((user + system)) -lt 100 ]
}

is_whole() {
    sockx connect -N 127.0.0.1 "$PORT" <sent >again 2>/dev/null
    cmp -s sent again
}

# OPTION...: of every call that starts a program and joins it, one fails, the first to twelfth time. A
# client's 0 is an answer that is whole, and the next client is served.
survives_failing_calls() {
    local spec call error when

    for spec in pipe2:EMFILE:3 clone:EAGAIN:1 clone:ENOMEM:1 epoll_ctl:ENOMEM:12 ioctl:EINVAL:6 splice:EIO:3 \
        splice:EINVAL:2 fcntl:EMFILE:4 getsockname:ENOBUFS:4 read:EIO:3 wait4:ECHILD:1; do
        IFS=: read -r call error when <<<"$spec"
        for ((; when > 0; when--)); do
            # The first calls are those that begin to listen; no server is no failure here.
            LAUNCHER=(strace -D -qq -o trace -e "trace=$call" -e "inject=$call:error=$error:when=$when")
            start_server "$@" -m exec -H 127.0.0.1 -- cat 2>/dev/null || { forget_server "$SERVER_PID"; continue; }
            status=0
            sockx connect -N 127.0.0.1 "$PORT" <sent >back 2>/dev/null || status=$?
            [ "$status" -ne 0 ] || cmp sent back || fail "$spec, $when: half an answer"
            is_whole || is_whole || fail "$spec, $when: serves no more" # it may have been the second's call
            wait_until has_no_child
            stop_server
        done
    done
}

# bats test_tags=release
@test "one call fails: never half an answer in order, and the next client is served" {
    needs_strace
    head -c 100000 /dev/urandom >sent
    survives_failing_calls
    survives_failing_calls --pass-socket
}

# ---- what cannot be meant ----

# bats test_tags=unit
@test "a program comes after --" {
    for line in "" "9000 cat" "--" "9000 --"; do
        # shellcheck disable=SC2086 # words
        run -2 sockx serve -m exec $line
        [ "${lines[0]}" = "sockx: mode exec needs a program after '--'" ] || fail "$line: $output"
    done
    run -2 sockx connect -m exec localhost 9000
    [ "${lines[1]}" = "hint: for example: sockx connect --mode exec HOST PORT -- cat" ]
    # Elsewhere it ends the options.
    run -6 sockx serve -m echo -- -p 9000
    [[ ${lines[0]} == "sockx: cannot look up '-p': "* ]]
}

@test "datagrams have no program, and packets only the socket itself" {
    run -2 sockx serve -u -m exec -- cat
    [[ ${lines[0]} == "sockx: mode exec does not work over datagrams: "* ]]
    run -2 sockx serve --seqpacket -U at -m exec -- cat
    [[ ${lines[1]} == *"--pass-socket"* ]]
    run -2 sockx serve -i 1s --pass-socket -m exec -- cat
    [ "${lines[0]}" = "sockx: '-i' and '--pass-socket' cannot be combined" ]
    run -2 sockx connect --max-answer 1K --pass-socket -m exec localhost 80 -- cat
    [ "${lines[0]}" = "sockx: '--max-answer' and '--pass-socket' cannot be combined" ]
    run -2 sockx serve --rate 1K -m exec -- cat
    run -2 sockx serve --pass-socket
    [ "${lines[0]}" = "sockx: '--pass-socket' belongs to mode exec, not to mode pipe" ]
}

# bats test_tags=unit
@test "only this machine may come, unless an address is named" {
    start_server -m exec -- cat
    has_line "$SERVER_ERR" '^listening on 127\.0\.0\.1:'
    run ! has_line "$SERVER_ERR" '^listening on 0\.0\.0\.0:'
    stop_server
    start_server -H 0.0.0.0 -m exec -- cat
    has_line "$SERVER_ERR" '^listening on 0\.0\.0\.0:'
}

# ---- the socket itself ----

# bats test_tags=unit
@test "--pass-socket: a program has the socket, as one that waits" {
    start_server --pass-socket -m exec -- "$PYTHON" -c 'import socket, os
s = socket.socket(fileno=os.dup(0))
print("blocks" if os.get_blocking(0) else "does not", s.getpeername()[0], flush=True)
os.write(1, s.recv(100))'
    [ "$(echo hello | sockx connect -N 127.0.0.1 "$PORT")" = $'blocks 127.0.0.1\nhello' ]
}

# bats test_tags=unit
@test "--pass-socket: killed, its output and a reset; else an orderly end" {
    WITH=(--pass-socket)
    serve_line 'echo half; echo why >&2; kill -9 $$'
    ask
    said half
    status_is 4
    server_said '^1: why$'
    stop_server
    serve_line 'sleep 1 & echo all; exit 3'
    ask
    said all
    status_is 0
}

@test "--pass-socket: a reset ends the program" {
    WITH=(--pass-socket)
    serve_line 'echo r; exec sleep 100'
    "$PYTHON" "$PEERS/client.py" reset_sending "$PORT" 1000 2>/dev/null
    wait_until has_no_child
}

@test "--pass-socket: packets stay whole" {
    start_unix_server at --seqpacket --pass-socket -m exec -- "$PYTHON" -c 'import socket
s = socket.socket(fileno=0)
while part := s.recv(100):
    s.send(b"[%s]" % part)'
    [ "$(printf 'one\ntwo\n' | sockx connect -N --delay 1ms --seqpacket -U at | tr -d '\n')" = '[one][two]' ]
}

# ---- the client of a server ----

# bats test_tags=unit
@test "connect -m exec: a program with the server, and its status" {
    start_server -m echo
    run -0 sockx connect -m exec 127.0.0.1 "$PORT" -- sh -c 'echo hi; read -r x; echo "got $x" >&2'
    [ "$output" = "1: got hi" ]
    run -1 sockx connect -m exec 127.0.0.1 "$PORT" -- sh -c 'exit 3'
    [ "$output" = "sockx: program ended with status 3" ]
    run -1 sockx connect -m exec 127.0.0.1 "$PORT" -- sh -c 'kill -9 $$'
    [ "$output" = "sockx: program was ended by signal 9 (Killed)" ]
    run -2 sockx connect -m exec 127.0.0.1 "$PORT" -- no-such-program
}

# bats test_tags=unit
@test "connect -m exec: the program stays in our group, and learns where it is" {
    start_server -m discard
    run -0 sockx connect -m exec 127.0.0.1 "$PORT" -- sh -c 'echo "$(ps -o pgid= -p $$) $(ps -o pgid= -p $PPID) $TCPREMOTEPORT" >&2'
    read -r _ own ours port <<<"$output"
    [ "$own" = "$ours" ]
    [ "$port" = "$PORT" ]
}

# bats test_tags=unit
@test "connect -m exec: a connection that is lost ends the program" {
    start_script server.py reset_sending 10
    run -4 sockx connect -m exec 127.0.0.1 "$PORT" -- sleep 100
}

@test "connect -m exec: ended by a signal, it takes its program with it" {
    start_server -m discard
    for signal in HUP TERM; do
        start_job "$SOCKX" connect -m exec 127.0.0.1 "$PORT" -- sh -c 'trap "echo hung up >&2; exit" HUP
            echo on >&2; while :; do sleep 0.05; done'
        wait_until has_line "$JOB_ERR" '^1: on$'
        kill -s "$signal" "$JOB_PID"
        wait_job
        [ "$JOB_STATUS" -eq $((128 + $(kill -l "$signal"))) ]
        has_line "$JOB_ERR" '^1: hung up$'
    done
    start_job "$SOCKX" connect -m exec 127.0.0.1 "$PORT" -- sh -c 'trap "" HUP; echo "$$" >&2; exec sleep 100'
    wait_until has_line "$JOB_ERR" '^1: [0-9]+$'
    kill "$JOB_PID"
    timed wait_job
    took_between 1500 10000
    [ "$JOB_STATUS" -eq 143 ]
    run ! kill -0 "$(sed 's/^1: //' "$JOB_ERR")"
}
