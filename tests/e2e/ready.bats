# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2094,SC2153,SC2154 # tests are processes; helper reads; run sets output
# bats file_tags=unit
#
# A server tells the program that waits for it, without a loop or a sleep on that side: a descriptor,
# FIFO or file.

load helper

export BATS_TEST_TIMEOUT=120

setup() {
    exec </dev/null
    cd "$BATS_TEST_TMPDIR" || return 1
}

# ARG...: `serve -m echo ARG...` in the background, not yet ready. SERVER_PID, SERVER_ERR
launch() {
    local base=$BATS_TEST_TMPDIR/launched$((started += 1))

    "$SOCKX" serve -m echo "$@" >"$base.out" 2>"$base.err" 3>&- &
    account_for_server $! "$base.err"
}

# HOST PORT: a server answers there, at the first try.
answers() {
    equal "$(sockx echo -w 5 -H "$1" -p "$2" hello)" hello
}

# STATUS WHAT ARG...: serve ARG... ends with that, without having listened.
refused() {
    local status_expected=$1 what=$2

    shift 2
    run --separate-stderr sockx serve -m echo -p 0 "$@"
    expect_status "$status_expected"
    [[ ${stderr_lines[0]} == "sockx: $what"* ]] || fail "$stderr"
    [[ $stderr != *'listening on'* ]] || fail "$stderr"
}

# The pipe that HELD leads to takes no more.
fill_pipe() {
    "$PYTHON" -c 'import os
os.set_blocking(1, False)
try:
    while True:
        os.write(1, b"x" * 512 + b"\n")
except BlockingIOError:
    os.set_blocking(1, True)' >&"$HELD"
}

# ---- descriptors ----

@test "40 servers are used as soon as a descriptor says so" {
    local fd host port rest

    for _ in {1..40}; do
        coproc exec "$SOCKX" serve -m echo -H 127.0.0.1 -p 0 --ready 5 5>&1 1>/dev/null 2>/dev/null
        # shellcheck disable=SC2086 # bash closes them with the job
        exec {fd}<&${COPROC[0]}
        account_for_server "$COPROC_PID" /dev/null
        read -r host port rest <&"$fd"
        equal "$host$rest" 127.0.0.1
        answers "$host" "$port"
        ! read -r rest <&"$fd" || fail "one line is all: $rest"
        exec {fd}<&-
        stop_server
    done
}

@test "a descriptor is closed after the line, and bash's >(...) is one" {
    mkfifo line
    launch -p 0 --ready >(cat >line)
    equal "$(sed 's/[0-9]*$/N/' line)" '127.0.0.1 N'
    stop_server
}

@test "a descriptor that is closed, a standard one, or for reading only is refused" {
    refused 2 "'--ready' cannot use '7': there is no such descriptor" --ready 7
    refused 2 "'--ready' cannot use '99999999999': there is no such descriptor" --ready 99999999999
    refused 2 "'--ready' cannot use '1': 0, 1 and 2 are standard" --ready 1
    refused 2 "'--ready' cannot use '/dev/fd/2': 0, 1 and 2 are standard" --ready /dev/fd/2
    refused 2 "'--ready' cannot use '5': this descriptor is open for reading only" --ready 5 5</dev/null
    refused 2 "'--ready' cannot use '': it is empty" --ready ''
    [ ! -e 7 ] || fail 'a file was made'
}

@test "digits with a directory are a file" {
    launch -p 0 -H 127.0.0.1 --ready ./7
    wait_until test -e 7
    # shellcheck disable=SC2046
    answers $(cat 7)
    stop_server
}

@test "a pipe that is full gets the line once there is room, and the server serves meanwhile" {
    mkfifo pipe
    exec {HELD}<>pipe
    fill_pipe
    for way in 5 pipe; do
        "$SOCKX" serve -m echo -H 127.0.0.1 -p 0 --ready "$way" 5>pipe 2>"err-$way" 3>&- &
        adopt_server $! "err-$way"
        answers 127.0.0.1 "$PORT"
        timeout 5 sed -n '/^127/{p;q}' <pipe >line
        equal "$(cat line)" "127.0.0.1 $PORT"
        stop_server
        fill_pipe
    done
}

@test "a pipe whose reader has gone ends the server with status 1" {
    mkfifo pipe
    exec {HELD}<>pipe 5>pipe
    exec {HELD}<&-
    run --separate-stderr sockx serve -m echo -p 0 --ready 5
    expect_status 1
    [[ $stderr == *"sockx: cannot write to '--ready' '5': Broken pipe"$'\n'"hint: its reader has gone" ]] || fail "$stderr"
    exec 5>&-
}

@test "what cannot be written ends the server with status 1" {
    run --separate-stderr sockx serve -m echo -p 0 --ready /dev/full
    expect_status 1
    [[ $stderr == *"sockx: cannot write to '--ready' '/dev/full': No space left on device" ]] || fail "$stderr"
}

# ---- FIFOs ----

@test "a FIFO gets the line whether its reader comes first or later" {
    mkfifo fifo
    launch -H 127.0.0.1 -p 0 --ready fifo
    read -r host port <fifo
    answers "$host" "$port"
    stop_server
    [ -p fifo ] || fail 'it is still there'

    "$SOCKX" serve -m echo -H 127.0.0.1 -p 0 --ready fifo 2>err 3>&- &
    adopt_server $! err
    answers 127.0.0.1 "$PORT"
    equal "$(cat fifo)" "127.0.0.1 $PORT"
    stop_server
}

@test "a FIFO that has no reader keeps no client and no signal waiting" {
    mkfifo fifo
    start_server -m echo -H 127.0.0.1 --ready fifo
    answers 127.0.0.1 "$PORT"
    stop_server
    equal "$SERVER_STATUS" 0
}

# ---- files ----

@test "40 servers are used as soon as their file is there" {
    for _ in {1..40}; do
        launch -H 127.0.0.1 -p 0 --ready file
        until [ -e file ]; do is_gone "$SERVER_PID" && fail "$(cat "$SERVER_ERR")"; done
        # shellcheck disable=SC2046
        answers $(cat file)
        stop_server
        [ ! -e file ] || fail 'the file was left'
    done
    equal "$(find . -name '.ready*')" ''
}

@test "a file is replaced whole: no reader ever sees an empty or an old one" {
    local host port look

    echo '127.0.0.1 1' >file
    launch -H 127.0.0.1 -p 0 --ready file
    until read -r host port 2>/dev/null <file && [ "$port" != 1 ]; do
        # What was opened stays what it was, even if it is removed meanwhile.
        { exec {look}<file; } 2>/dev/null || continue
        [ -s "/dev/fd/$look" ] || fail 'it was empty'
        exec {look}<&-
    done
    answers "$host" "$port"
    stop_server
}

@test "of two families the IPv4 loopback is written; of IPv6, the IPv6 one" {
    launch -p 0 --ready file
    wait_until test -e file
    equal "$(cut -d ' ' -f 1 file)" 127.0.0.1
    stop_server
    launch -u -p 0 --ready file
    wait_until test -e file
    equal "$(cut -d ' ' -f 1 file)" 127.0.0.1
    stop_server
    [ -e /proc/net/if_inet6 ] || skip 'no IPv6'
    launch -6 -p 0 --ready file
    wait_until test -e file
    # shellcheck disable=SC2046
    answers $(cat file)
    equal "$(cut -d ' ' -f 1 file)" ::1
    stop_server
}

@test "of a Unix socket the path is written, of an abstract one its @NAME" {
    for name in "$BATS_TEST_TMPDIR/a b" "@sockx-ready-$$"; do
        launch -U "$name" --ready file
        wait_until test -e file
        equal "$(cat file)" "$name"
        equal "$(sockx echo -U "$(cat file)" hello)" hello
        stop_server
    done
}

@test "a file of a killed server is replaced; one that another has put there is not removed" {
    launch -H 127.0.0.1 -p 0 --ready file
    wait_until test -e file
    cp file old
    kill -KILL "$SERVER_PID"
    wait_until is_gone "$SERVER_PID"
    forget_server "$SERVER_PID"
    cmp file old
    launch -H 127.0.0.1 -p 0 --ready file
    wait_until has_line "$SERVER_ERR" listening
    # shellcheck disable=SC2046
    wait_until test -e file
    # shellcheck disable=SC2046
    answers $(cat file)
    echo mine >other
    mv other file
    stop_server
    equal "$(cat file)" mine
}

@test "the old file is gone before the server listens, and where it cannot" {
    free_port
    start_peer "$PYTHON" -c 'import socket, sys, time
s = socket.create_server(("127.0.0.1", int(sys.argv[1])))
time.sleep(60)' "$PORT"
    echo '127.0.0.1 1' >file
    run --separate-stderr sockx serve -m echo -H 127.0.0.1 -p "$PORT" --ready file
    expect_status 3
    [ ! -e file ] || fail "$(cat file)"
}

@test "a place that is no file's is refused before the server listens" {
    mkdir directory shared
    chmod 777 shared
    : >real
    ln -s real link
    ln -s nowhere dangling
    "$PYTHON" -c 'import socket; socket.socket(socket.AF_UNIX).bind("socket")'
    refused 2 "cannot make the ready file 'directory': a directory is there" --ready directory
    refused 2 "cannot make the ready file 'link': a symbolic link is there" --ready link
    refused 2 "cannot make the ready file 'dangling': a symbolic link is there" --ready dangling
    refused 2 "cannot make the ready file 'socket': a socket is there" --ready socket
    refused 2 "cannot make the ready file 'no/file': its directory: No such file" --ready no/file
    refused 2 "cannot make the ready file 'shared/file': every user may replace files" --ready shared/file
    [ -L link ] && [ -L dangling ] && [ -e real ] && [ -S socket ] && [ -d directory ] || fail "$(ls -l)"
    chmod 1777 shared
    launch -p 0 --ready shared/file
    wait_until test -e shared/file
    stop_server
}

@test "a link to a FIFO is a FIFO" {
    mkfifo fifo
    ln -s fifo link
    launch -H 127.0.0.1 -p 0 --ready link
    read -r host port <fifo
    answers "$host" "$port"
    stop_server
}

@test "the file has 0644, less the umask" {
    (
        umask 027
        exec "$SOCKX" serve -m echo -p 0 --ready file 2>err 3>&-
    ) &
    adopt_server $! err
    wait_until test -e file
    equal "$(stat -c %a file)" 640
    stop_server
}

@test "its line and the line 'listening on' name the same port" {
    start_server -m discard --ready file
    wait_until test -e file
    equal "$(cut -d ' ' -f 2 file)" "$PORT"
    stop_server
}

# ---- service managers ----

# AT: serves with a manager there, and stops: it hears both.
is_notified() {
    start_job "$PYTHON" "$PEERS/notified.py" "$1" "$SOCKX" serve -m echo -H 127.0.0.1 -p 0 --ready file
    wait_until has_line "$JOB_OUT" '^READY=1$'
    # shellcheck disable=SC2046
    answers $(cat file)
    kill "$(sed -n 's/^pid //p' "$JOB_OUT")"
    wait_job
    equal "$(sed 1d "$JOB_OUT")" $'READY=1\nSTOPPING=1\nstatus 0'
    equal "$(grep -c NOTIFY "$JOB_ERR")" 0
}

@test "a service manager hears when a server is ready and when it stops" {
    is_notified "$BATS_TEST_TMPDIR/notify"
    is_notified "@sockx-notify-$$"
}

@test "a service manager that has no room hears of it once it has" {
    export FULL=1
    is_notified "$BATS_TEST_TMPDIR/notify"
}

@test "a service manager hears which process goes on in the background" {
    start_job "$PYTHON" "$PEERS/notified.py" "$PWD/notify" "$SOCKX" serve -m echo -p 0 --background
    wait_until has_line "$JOB_OUT" '^[0-9]+ 127'
    wait_until has_line "$JOB_OUT" '^MAINPID='
    read -r SERVER_PID _ < <(grep -E '^[0-9]+ 127' "$JOB_OUT") # not "pid 1278"
    DETACHED+=("$SERVER_PID")
    equal "$(grep "=" "$JOB_OUT")" "READY=1"$'\n'"MAINPID=$SERVER_PID"
    attach_end
}

@test "--max-time is a stop that a service manager hears of" {
    start_job "$PYTHON" "$PEERS/notified.py" "$PWD/notify" "$SOCKX" serve -m echo -p 0 --max-time 100ms
    wait_job
    equal "$(sed 1d "$JOB_OUT")" $'READY=1\nSTOPPING=1\nstatus 0'
}

@test "a server that cannot listen is never ready" {
    run --separate-stderr "$PYTHON" "$PEERS/notified.py" "$PWD/notify" "$SOCKX" serve -m echo -H 192.0.2.1 -p 0
    equal "$(sed 1d <<<"$output")" 'status 3'
}

@test "a service manager that cannot be reached is one line, and the server goes on" {
    local reason

    for at in "$PWD/none:unix:$PWD/none" @sockx-none:unix:@sockx-none relative:relative; do
        LAUNCHER=(env NOTIFY_SOCKET="${at%%:*}")
        start_server -m echo -H 127.0.0.1
        answers 127.0.0.1 "$PORT"
        stop_server
        equal "$SERVER_STATUS" 0
        equal "$(grep -c NOTIFY_SOCKET "$SERVER_ERR")" 1
        grep -q "^${at#*:}: cannot notify the service manager (NOTIFY_SOCKET): " "$SERVER_ERR" || fail "$(cat "$SERVER_ERR")"
    done
    LAUNCHER=(env NOTIFY_SOCKET=)
    start_server -m echo
    stop_server
    equal "$(grep -c NOTIFY_SOCKET "$SERVER_ERR")" 0
}

# ---- sockets that were handed over ----

# SOCKET... -- [ARG...]: a server that got those sockets. SERVER_PID SERVER_ERR, and PORTS
hand_over() {
    local kinds=() err=$BATS_TEST_TMPDIR/handed$((started += 1))

    while [ "$1" != -- ]; do
        kinds+=("$1")
        shift
    done
    shift
    "$PYTHON" "$PEERS/starter.py" "${kinds[@]}" -- "$SOCKX" serve -m echo "$@" 2>"$err" 3>&- &
    account_for_server $! "$err"
    wait_until is_announced "$SERVER_PID" "$err"
    mapfile -t PORTS < <(sed -n 's/^ready //p' "$err")
}

# WHAT SOCKET... -- [ARG...]: they are refused.
not_taken() {
    local what=$1 kinds=()

    shift
    while [ "$1" != -- ]; do
        kinds+=("$1")
        shift
    done
    shift
    run --separate-stderr timeout 10 "$PYTHON" "$PEERS/starter.py" "${kinds[@]}" -- "$SOCKX" serve -m echo "$@"
    expect_status 2
    [[ $stderr == *"sockx: $what"*$'\n'"hint: "* && $stderr != *'listening on'* ]] || fail "$stderr"
}

@test "sockets that were handed over are served" {
    hand_over tcp -- --ready file
    wait_until test -e file
    equal "$(cat file)" "127.0.0.1 ${PORTS[0]}"
    grep -qx "listening on 127.0.0.1:${PORTS[0]} (tcp, echo)" "$SERVER_ERR" || fail "$(cat "$SERVER_ERR")"
    answers 127.0.0.1 "${PORTS[0]}"
    answers 127.0.0.1 "${PORTS[0]}"
    stop_server
    equal "$SERVER_STATUS" 0
    if [ -e /proc/net/if_inet6 ]; then
        hand_over tcp tcp6 tcp -- --ttl 9
        answers 127.0.0.1 "${PORTS[0]}"
        answers ::1 "${PORTS[1]}"
        answers 127.0.0.1 "${PORTS[2]}"
        equal "$(grep -c '^listening on' "$SERVER_ERR")" 3
        stop_server
    fi
}

@test "a Unix socket that was handed over keeps its path" {
    hand_over "unix:$PWD/stream" -- --ready file
    wait_until test -e file
    equal "$(cat file)" "$PWD/stream"
    equal "$(sockx echo -U stream hello)" hello
    stop_server
    [ -S stream ] || fail 'it was removed'
    hand_over "seqpacket:$PWD/packets" --
    equal "$(sockx echo --seqpacket -U packets hello)" hello
    equal "$(sockx echo --seqpacket -U packets '')" ''
    stop_server
    [ -S packets ] || fail 'it was removed'
    hand_over "unix:@sockx-handed-$$" --
    equal "$(sockx echo -U "@sockx-handed-$$" hello)" hello
    stop_server
}

@test "other modes take them, too, and --once ends by itself" {
    "$PYTHON" "$PEERS/starter.py" tcp -- "$SOCKX" serve --recv-only >out 2>err 3>&- &
    account_for_server $! err
    wait_until is_announced "$SERVER_PID" err
    echo hello | sockx connect 127.0.0.1 "$(sed -n 's/^ready //p' err)"
    wait_server
    equal "$SERVER_STATUS" 0
    equal "$(cat out)" hello
}

@test "calls on a socket that was handed over never wait, and it stays so" {
    run "$PYTHON" -c 'import os, socket, subprocess, sys, time
s = socket.create_server(("127.0.0.1", 0))
s.setblocking(True)
def child():
    os.dup2(s.fileno(), 3)
    os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
    os.execv(sys.argv[1], [sys.argv[1], "serve", "-m", "echo", "--max-time", "100ms"])
if not os.fork():
    child()
os.wait()
print(os.get_blocking(s.fileno()))' "$SOCKX"
    [[ $output == *False ]] || fail "$output"
}

@test "what was handed over and does not listen, or cannot be served, is refused" {
    not_taken 'descriptor 3 (LISTEN_FDS) does not listen' deaf --
    not_taken 'descriptor 3 (LISTEN_FDS) is connected, and does not listen' connected --
    [[ $stderr == *"descriptors 0 and 1 of 'sockx connect HOST PORT'"* ]] || fail "$stderr"
    not_taken 'descriptor 4 (LISTEN_FDS) is a socket of datagrams' tcp udp --
    not_taken 'descriptor 3 (LISTEN_FDS) is a socket of datagrams' "datagram:$PWD/d" --
    not_taken 'descriptor 3 (LISTEN_FDS) is not a socket' file --
    not_taken 'descriptor 4 (LISTEN_FDS) is not a socket' tcp closed --
    not_taken 'descriptor 4 (LISTEN_FDS) is unix, those before it are tcp' tcp "unix:$PWD/u" --
    not_taken "'--ready' cannot use '4': this descriptor is a socket that listens" tcp tcp -- --ready 4
    LISTEN_FDS=x not_taken "LISTEN_FDS is 'x', which is not a number" tcp --
}

@test "an address beside sockets that were handed over is an error" {
    local given words

    for given in 9000 127.0.0.1:9000 '-p 9000' '-H 127.0.0.1' '-u' '-U x' '-b 5' '-4' "unix:$PWD/x"; do
        read -r -a words <<<"$given"
        not_taken "'${words[0]}' cannot be combined with inherited sockets (LISTEN_FDS)" tcp -- "${words[@]}"
    done
    [ ! -e x ] || fail 'it was made'
    not_taken "'--max-conns-per-peer' is for TCP" "unix:$PWD/u" -- --max-conns-per-peer 1
    not_taken "'--ttl' is for TCP and UDP" "unix:$PWD/v" -- --ttl 4
}

@test "sockets that were handed over to another process are left alone" {
    export OTHER_PID=1
    hand_over tcp -- -p 0 -H 127.0.0.1
    PORT=$(sed -n 's/^listening on .*:\([0-9]*\) .*/\1/p' "$SERVER_ERR")
    [ "$PORT" != "${PORTS[0]}" ] || fail "$(cat "$SERVER_ERR")"
    answers 127.0.0.1 "$PORT"
    stop_server
}

@test "systemd-socket-activate hands its socket over" {
    command -v systemd-socket-activate >/dev/null || skip 'it is not installed'
    free_port
    start_peer systemd-socket-activate -l "127.0.0.1:$PORT" "$SOCKX" serve -m echo
    answers 127.0.0.1 "$PORT"
    answers 127.0.0.1 "$PORT"
    kill "$PEER_PID"
    wait_job "$PEER_PID"
    equal "$JOB_STATUS" 0
}

# ---- the background ----

# ARG...: `serve -m echo --background ARG...`; it is accounted for. SERVER_PID, HOST, PORT; SAID on 2
detach() {
    started=$((started + 1))
    SAID=$BATS_TEST_TMPDIR/said$started
    read -r SERVER_PID HOST PORT < <(timeout 10 "$SOCKX" serve -m echo --background "$@" 2>"$SAID" 3>&- {HELD}>&-)
    DETACHED+=("$SERVER_PID")
    [ -n "$SERVER_PID" ] || fail "$(cat "$SAID")"
}

DETACHED=()

# A server in the background is no child of ours.
teardown() {
    local pid

    for pid in "${DETACHED[@]}"; do
        kill "$pid" 2>/dev/null || true
    done
    end_all
}

attach_end() {
    kill "$SERVER_PID"
    wait_until is_gone "$SERVER_PID"
}

@test "40 servers in the background are used as soon as the command returns" {
    for _ in {1..40}; do
        detach -H 127.0.0.1 -p 0
        answers "$HOST" "$PORT"
        kill "$SERVER_PID"
    done
    wait_until is_gone "$SERVER_PID"
}

@test "a server in the background has a session of its own, and no descriptor of its starter" {
    detach -p 0
    equal "$HOST" 127.0.0.1
    equal "$(ps -o sid= -p "$SERVER_PID" | tr -d ' ')" "$SERVER_PID"
    for fd in 0 1; do
        equal "$(readlink "/proc/$SERVER_PID/fd/$fd")" /dev/null
    done
    equal "$(readlink "/proc/$SERVER_PID/fd/2")" "$SAID"
    equal "$(readlink "/proc/$SERVER_PID/cwd")" "$(pwd -P)"
    attach_end
}

@test "in the background a terminal is let go, and the log gets what is said" {
    run on_a_terminal "$SOCKX serve -m echo -H 127.0.0.1 -p 0 --background"
    read -r SERVER_PID HOST PORT < <(grep -Eo '^[0-9]+ 127[^ ]* [0-9]+' <<<"$output")
    DETACHED+=("$SERVER_PID")
    [[ $output == *'listening on 127.0.0.1:'* ]] || fail "$output"
    equal "$(readlink "/proc/$SERVER_PID/fd/2")" /dev/null
    answers "$HOST" "$PORT"
    attach_end

    echo before >log
    run on_a_terminal "$SOCKX serve -v -m echo -H 127.0.0.1 -p 0 --background --log log"
    read -r SERVER_PID HOST PORT < <(grep -Eo '^[0-9]+ 127[^ ]* [0-9]+' <<<"$output")
    DETACHED+=("$SERVER_PID")
    answers "$HOST" "$PORT"
    attach_end
    equal "$(sed 's/127.0.0.1:[0-9]*/ADDRESS/; s/ in [0-9.]* m\{0,1\}s.*/ in TIME/' log)" "before
1: ADDRESS connected
1: ADDRESS done, 5 bytes received, 5 sent in TIME
stopping: SIGTERM
done: 5 bytes received, 5 sent"
}

# LINE: as typed at a terminal.
on_a_terminal() {
    timeout 10 script -qec "$1" /dev/null 3>&- | tr -d '\r'
}

@test "a server in the background that cannot start tells why, with its status" {
    free_port
    start_peer "$PYTHON" -c 'import socket, sys, time
s = socket.create_server(("127.0.0.1", int(sys.argv[1])))
time.sleep(60)' "$PORT"
    run --separate-stderr sockx serve -m echo -H 127.0.0.1 -p "$PORT" --background --log log
    expect_status 3
    equal "$output" ''
    [[ ${stderr_lines[0]} == "sockx: cannot listen on 127.0.0.1:$PORT: bind: Address already in use" ]] || fail "$stderr"
    [[ ${stderr_lines[1]} == hint:* ]] || fail "$stderr"
    run --separate-stderr sockx serve -m echo -p 0 --background --ready no/file
    expect_status 2
    equal "${#stderr_lines[@]}" 2
    run --separate-stderr sockx serve -m echo -p 0 --background --log no/log
    expect_status 1
    [[ $stderr == "sockx: cannot open the log 'no/log': No such file or directory" ]] || fail "$stderr"
}

@test "a command that cannot print what it started ends it" {
    run --separate-stderr sh -c '"$1" serve -m echo -H 127.0.0.1 -p 0 --background --log log >/dev/full' sh "$SOCKX"
    expect_status 1
    [[ $stderr == *'cannot write to standard output: No space left'* ]] || fail "$stderr"
    PORT=$(sed -n 's/^listening on .*:\([0-9]*\) .*/\1/p' <<<"$stderr")
    wait_until stops_listening
}

@test "modes that use standard input and output stay in the foreground" {
    for mode in pipe chat; do
        run --separate-stderr sockx serve -m "$mode" -p 0 --background
        expect_status 2
        equal "${stderr_lines[0]}" "sockx: '--background' is not for mode $mode: it uses standard input and output"
    done
    run --separate-stderr sockx serve -m echo -p 0 --log log
    expect_status 2
    equal "${stderr_lines[0]}" "sockx: '--log' needs '--background'"
    [ ! -e log ] || fail 'it was made'
}

@test "in the background the rest works as well: files, managers, sockets that were handed over" {
    detach -p 0 --ready file
    equal "$(cat file)" "$HOST $PORT"
    attach_end
    [ ! -e file ] || fail 'it was left'
    detach -U socket
    equal "$HOST" socket
    equal "$(sockx echo -U socket hello)" hello
    attach_end
    run --separate-stderr timeout 10 "$PYTHON" "$PEERS/starter.py" tcp -- "$SOCKX" serve -m echo --background --log log
    expect_status 0
    read -r SERVER_PID HOST PORT <<<"$output"
    DETACHED+=("$SERVER_PID")
    answers "$HOST" "$PORT"
    attach_end
}

@test "a background process that ends early is an error of the command" {
    local locker told

    mkdir locked
    exec {locker}<locked
    flock "$locker"
    for told in 'KILL:was ended by signal 9' 'TERM:ended before it was ready'; do
        start_job "$SOCKX" serve -m echo -U locked/socket --background
        wait_until pgrep -P "$JOB_PID"
        kill -"${told%%:*}" "$(pgrep -P "$JOB_PID")"
        wait_job
        equal "$JOB_STATUS" 1
        equal "$(tail -n 1 "$JOB_ERR")" "sockx: the background process ${told#*:}"
    done
    exec {locker}<&-
}
