# bats file_tags=once
# sockx against nc.openbsd, ncat, socat, and Python programs. The pairs, each over IPv4 and IPv6:
#
#                      | nc            | ncat          | socat         | Python (R2)
# ---------------------|---------------|---------------|---------------|----------------
# serve -m echo,       | -N client     | client        | client        | reference client
#   their client       |   1 MiB       |   1 MiB       |   1 MiB       |   one message
# sockx echo,          | -l on a loop  | -l -e cat     | LISTEN PIPE   | reference server
#   their echo server  |   64 KiB      |   50 kB       |   1 MiB       |   1 MiB
# sockx connect,       | -l on a loop  | -l -e cat     | LISTEN PIPE   | reference server
#   their echo server  |   a line      |   a line      |   1 MiB       |   one message, 1 MiB
# serve (pipe),        | -N client     | client        | client        |
#   their client       |   4 MiB both ways at once, on each
# connect (pipe),      | -lN server    | -l server     | LISTEN        |
#   their server       |   4 MiB both ways at once, on each
#
# nc has no echo server: its output is led back to its input. `ncat -e cat` loses what is on its way
# when its client half-closes, so `connect` keeps its side open there; `echo` waits by itself. Past what
# a pipe holds, ncat and cat may wait for each other.
# Not under the sanitizers: the same code meets the same bytes in echo, connect and streams.bats.

load helper

six_of() {
    [ "$1" = ::1 ]
}

socat_name() {
    if six_of "$1"; then
        echo "TCP6:[::1]:$PORT"
    else
        echo "TCP4:127.0.0.1:$PORT"
    fi
}

socat_listen() {
    if six_of "$1"; then
        echo "TCP6-LISTEN:$PORT,reuseaddr,ipv6only=1$2"
    else
        echo "TCP4-LISTEN:$PORT,reuseaddr$2"
    fi
}

client_of() {
    case $1 in
    nc) timeout 20 nc -N "$2" "$PORT" ;;
    ncat) timeout 20 ncat "$2" "$PORT" ;;
    socat) timeout 20 socat -t 20 - "$(socat_name "$2")" ;;
    esac
}

# Reads and writes the caller's 0 and 1.
start_listener() {
    free_port
    case $1 in
    nc) start_peer nc -N -l "$2" "$PORT" ;;
    ncat) start_peer ncat -l "$2" "$PORT" ;;
    socat) start_peer socat -t 20 - "$(socat_listen "$2" '')" ;;
    esac
}

start_echo_server() {
    free_port
    case $1 in
    nc)
        mkfifo "$BATS_TEST_TMPDIR/loop"
        # shellcheck disable=SC2016
        start_peer bash -c 'exec nc -l "$2" "$3" 0<>"$1" 1>&0' - "$BATS_TEST_TMPDIR/loop" "$2" "$PORT"
        ;;
    ncat) start_peer ncat -k -l "$2" "$PORT" -e /bin/cat ;;
    socat) start_peer socat "$(socat_listen "$2" ,fork)" PIPE ;;
    python)
        if six_of "$2"; then
            start_script r2_echo_server.py --six
        else
            start_script r2_echo_server.py
        fi
        ;;
    esac
}

# ---- their client, our echo server ----

served_to() {
    cd "$BATS_TEST_TMPDIR" || return
    random_file sent 1048576
    start_server -m echo -H "$2"
    client_of "$1" "$2" <sent >back
    same_bytes sent back
}

@test "serve --mode echo answers nc -N, IPv4" { served_to nc 127.0.0.1; }
@test "serve --mode echo answers nc -N, IPv6" { served_to nc ::1; }
@test "serve --mode echo answers ncat, IPv4" { served_to ncat 127.0.0.1; }
@test "serve --mode echo answers ncat, IPv6" { served_to ncat ::1; }
@test "serve --mode echo answers socat, IPv4" { served_to socat 127.0.0.1; }
@test "serve --mode echo answers socat, IPv6" { served_to socat ::1; }

@test "serve --mode echo answers the reference client, IPv4 and IPv6, on one port" {
    start_server -m echo
    run timeout 20 "$PYTHON" "$PEERS/r2_echo_client.py" "$PORT"
    expect_status 0
    equal "$output" "Received b'Hello, world'"
    run timeout 20 "$PYTHON" "$PEERS/r2_echo_client.py" "$PORT" --six
    expect_status 0
    equal "$output" "Received b'Hello, world'"
}

@test "serve --mode echo answers sockx connect and sockx echo, by name" {
    start_server -m echo
    run bash -c "printf 'Hello, world' | timeout 20 '$SOCKX' connect -N localhost $PORT"
    expect_status 0
    equal "$output" "Hello, world"
    run sockx echo -p "$PORT" 'Hello, world'
    expect_status 0
    equal "$output" "Hello, world"
}

# ---- our echo client, their server ----

echoes() {
    cd "$BATS_TEST_TMPDIR" || return
    random_file sent "$3"
    start_echo_server "$1" "$2"
    sockx echo -H "$2" -p "$PORT" <sent >back
    same_bytes sent back
}

@test "echo is content with nc on a loop, IPv4" { echoes nc 127.0.0.1 65536; }
@test "echo is content with nc on a loop, IPv6" { echoes nc ::1 65536; }
@test "echo is content with ncat -e cat, IPv4" { echoes ncat 127.0.0.1 50000; }
@test "echo is content with ncat -e cat, IPv6" { echoes ncat ::1 50000; }
@test "echo is content with socat PIPE, IPv4" { echoes socat 127.0.0.1 1048576; }
@test "echo is content with socat PIPE, IPv6" { echoes socat ::1 1048576; }
@test "echo is content with the reference server, IPv4" { echoes python 127.0.0.1 1048576; }
@test "echo is content with the reference server, IPv6" { echoes python ::1 1048576; }

# ---- connect, their echo server ----

# A line there and back, our side open until it is.
line_comes_back() {
    start_echo_server "$1" "$2"
    held_input
    start_job "$SOCKX" connect "$2" "$PORT" <"$INPUT"
    echo 'Hello, world' >&"$HELD"
    wait_until has_line "$JOB_OUT" '^Hello, world$'
}

@test "connect talks to nc on a loop, IPv4" { line_comes_back nc 127.0.0.1; }
@test "connect talks to nc on a loop, IPv6" { line_comes_back nc ::1; }
@test "connect talks to ncat -e cat, IPv4" { line_comes_back ncat 127.0.0.1; }
@test "connect talks to ncat -e cat, IPv6" { line_comes_back ncat ::1; }

whole_comes_back() {
    cd "$BATS_TEST_TMPDIR" || return
    random_file sent 1048576
    start_echo_server "$1" "$2"
    sockx connect -N "$2" "$PORT" <sent >back
    same_bytes sent back
}

@test "connect talks to socat PIPE, IPv4" { whole_comes_back socat 127.0.0.1; }
@test "connect talks to socat PIPE, IPv6" { whole_comes_back socat ::1; }
@test "connect talks to the reference server, IPv4" { whole_comes_back python 127.0.0.1; }
@test "connect talks to the reference server, IPv6" { whole_comes_back python ::1; }

# ---- files both ways at once ----

swap_served() {
    cd "$BATS_TEST_TMPDIR" || return
    random_file ours 4194304
    random_file theirs 4194304
    start_server -H "$2" <ours
    client_of "$1" "$2" <theirs >theirs.got
    wait_server
    equal "$SERVER_STATUS" 0
    same_bytes theirs "$SERVER_OUT"
    same_bytes ours theirs.got
}

@test "serve swaps files with nc -N, IPv4" { swap_served nc 127.0.0.1; }
@test "serve swaps files with nc -N, IPv6" { swap_served nc ::1; }
@test "serve swaps files with ncat, IPv4" { swap_served ncat 127.0.0.1; }
@test "serve swaps files with ncat, IPv6" { swap_served ncat ::1; }
@test "serve swaps files with socat, IPv4" { swap_served socat 127.0.0.1; }
@test "serve swaps files with socat, IPv6" { swap_served socat ::1; }

swap_connected() {
    cd "$BATS_TEST_TMPDIR" || return
    random_file ours 4194304
    # nc -l leaves when the other side has ended, whatever it has not yet read of its own input.
    random_file theirs "$([ "$1" = nc ] && echo 65536 || echo 4194304)"
    start_listener "$1" "$2" <theirs
    sockx connect "$2" "$PORT" <ours >theirs.got
    wait_job "$PEER_PID"
    same_bytes ours "$PEER_OUT"
    same_bytes theirs theirs.got
}

@test "connect swaps files with nc -lN, IPv4" { swap_connected nc 127.0.0.1; }
@test "connect swaps files with nc -lN, IPv6" { swap_connected nc ::1; }
@test "connect swaps files with ncat -l, IPv4" { swap_connected ncat 127.0.0.1; }
@test "connect swaps files with ncat -l, IPv6" { swap_connected ncat ::1; }
@test "connect swaps files with socat LISTEN, IPv4" { swap_connected socat 127.0.0.1; }
@test "connect swaps files with socat LISTEN, IPv6" { swap_connected socat ::1; }

@test "serve and connect swap files" {
    cd "$BATS_TEST_TMPDIR" || return
    random_file ours 4194304
    random_file theirs 4194304
    start_server <ours
    sockx connect ::1 "$PORT" <theirs >ours.got
    wait_server
    equal "$SERVER_STATUS" 0
    same_bytes ours ours.got
    same_bytes theirs "$SERVER_OUT"
}
