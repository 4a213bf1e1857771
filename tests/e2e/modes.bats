# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # tests are processes; run sets output
# bats file_tags=unit
#
# Every mode on every transport, sockx with sockx:
#
#           | TCP IPv4, IPv6 | UDP IPv4, IPv6  | Unix stream | Unix datagram   | Unix seqpacket
# ----------|----------------|-----------------|-------------|-----------------|---------------
# pipe      | 1 MB each way  | messages, whole | 1 MB        | messages, whole | messages, whole
# echo      | x              | x               | x           | x               | x
# greet     | x              | x               | x           | x               | x
# chat      | x              | refused, says   | x           | refused, says   | x
#           |                |   why           |             |   why           |
# analyze   | x              | x               | x           | x               | x
# discard   | x              | x               | x           | x               | x
# exec      | x              | refused, says   | x           | refused, says   | --pass-socket
#           |                |   why           |             |   why           |
# broker    | x              | refused, says   | x           | refused, says   | x
#           |                |   why           |             |   why           |
# relay     | x              | x               | x           | x               | x
# collect   | x              | x               | x           | x               | x
# source    | without end    | as long as the  | without end | as long as the  | without end
#           |                |   question      |             |   question      |

load helper
load unix

export BATS_TEST_TIMEOUT=60

STREAMS=(tcp4 tcp6 unix-stream)
MESSAGES=(udp4 udp6 unix-datagram unix-seqpacket)
DATAGRAMS=(udp4 udp6 unix-datagram)
CONNECTIONS=("${STREAMS[@]}" unix-seqpacket)
ALL=("${STREAMS[@]}" "${MESSAGES[@]}")

# TRANSPORT: the options of both sides that choose it, in ON.
on() {
    case $1 in
    tcp4) ON=(-H 127.0.0.1) ;;
    tcp6) ON=(-H ::1) ;;
    udp4) ON=(-u -H 127.0.0.1) ;;
    udp6) ON=(-u -H ::1) ;;
    unix-stream) ON=(-U at) ;;
    unix-datagram) ON=(-u -U at) ;;
    unix-seqpacket) ON=(--seqpacket -U at) ;;
    esac
}

# TRANSPORT ARG...: a server on it, of the caller's input; its clients' options are in TO.
serve_on() {
    on "$1"
    case $1 in
    unix-*)
        kind "${1#unix-}"
        start_unix_server at "${WITH[@]}" "${@:2}"
        TO=("${ON[@]}")
        ;;
    *)
        start_server "${ON[@]}" "${@:2}"
        TO=("${ON[@]}" -p "$PORT")
        ;;
    esac
}

# CHECK TRANSPORT...: the check on each of them; all that fail are named.
each() {
    local check=$1 transport bad=()

    shift
    for transport in "$@"; do
        "$check" "$transport" && continue
        bad+=("$transport")
        stop_server || true
    done
    [ ${#bad[@]} -eq 0 ] || fail "$check fails on: ${bad[*]}"
}

# EXPECTED COMMAND...: prints that and nothing else, and is content.
answers() {
    local wanted=$1

    shift
    run --separate-stderr "$@"
    expect_status 0 && equal "$output" "$wanted" && equal "$stderr" ""
}

ends_with() {
    wait_server && equal "$SERVER_STATUS" "$1"
}

is_stopped() {
    stop_server && equal "$SERVER_STATUS" 0
}

# ---- pipe ----

pipe_bytes() {
    serve_on "$1" <ours &&
        sockx connect "${TO[@]}" <theirs >ours.got &&
        ends_with 0 && same_bytes ours ours.got && same_bytes theirs "$SERVER_OUT"
}

# A client's first datagram, however short, is what tells the server of it.
pipe_messages() {
    serve_on "$1" -q 200ms <ours.line &&
        answers 'from the server' sockx connect "${TO[@]}" -q 200ms <theirs.line &&
        ends_with 0 && equal "$(cat "$SERVER_OUT")" 'from the client'
}

@test "pipe" {
    random_file ours 1000000
    random_file theirs 1000000
    echo 'from the server' >ours.line
    echo 'from the client' >theirs.line
    each pipe_bytes "${STREAMS[@]}"
    each pipe_messages "${MESSAGES[@]}"
}

# ---- echo ----

echo_text() {
    serve_on "$1" -m echo &&
        answers 'Hello, world' sockx echo "${TO[@]}" 'Hello, world' &&
        sockx echo "${TO[@]}" <sent >back && same_bytes sent back &&
        is_stopped
}

@test "echo" {
    random_file sent 3000
    each echo_text "${ALL[@]}"
}

# ---- greet ----

greet_by_name() {
    serve_on "$1" -m greet &&
        answers 'welcome Ada' sockx greet "${TO[@]}" Ada &&
        answers 'welcome ' sockx greet "${TO[@]}" &&
        is_stopped
}

greet_at_once() {
    serve_on "$1" -m greet --greeting 'Hello World! This is Ada' &&
        answers 'Hello World! This is Ada' sockx greet "${TO[@]}" &&
        answers 'Hello World! This is Ada' sockx greet "${TO[@]}" Grace &&
        is_stopped
}

@test "greet" {
    each greet_by_name "${ALL[@]}"
    each greet_at_once "${ALL[@]}"
}

# ---- chat ----

chat_lines() {
    serve_on "$1" -m chat -1 --turns <ours &&
        answers $'eins\nzwei' sockx connect -m chat --turns "${TO[@]}" <theirs &&
        ends_with 0 && equal "$(cat "$SERVER_OUT")" $'one\ntwo'
}

no_chat() {
    on "$1"
    for command in serve connect; do
        run --separate-stderr sockx "$command" -m chat "${ON[@]}"
        expect_status 2 && equal "$output" "" || return 1
        # shellcheck disable=SC2154
        equal "${#stderr_lines[@]}" 2 || return 1
        equal "${stderr_lines[0]}" \
            "sockx: mode chat does not work over datagrams: they do not tell who comes and goes" || return 1
        [[ ${stderr_lines[1]} == 'hint: '* ]] || fail "no hint: ${stderr_lines[1]}" || return 1
    done
}

@test "chat" {
    printf 'eins\nzwei\n' >ours
    printf 'one\ntwo\nbye\n' >theirs
    each chat_lines "${CONNECTIONS[@]}"
    each no_chat "${DATAGRAMS[@]}"
}

# ---- analyze ----

analyze_text() {
    local report

    printf -v report '%s\n' 'length: 20' 'bytes: 24' 'words: 4' 'unique: 3' 'größe 2' 'of 1' 'x2 1'
    serve_on "$1" -m analyze &&
        answers "${report%$'\n'}" sockx analyze "${TO[@]}" 'größe of, Größe; x2!' &&
        answers "${report%$'\n'}" sockx analyze "${TO[@]}" < <(printf 'größe of, Größe; x2!') &&
        is_stopped
}

# A report may be as long as one message, and no longer.
analyze_long() {
    serve_on "$1" -m analyze &&
        sockx analyze "${TO[@]}" <numbers >report &&
        equal "$(sed -n '2,4p' report)" "$(printf '%s\n' 'bytes: 48894' 'words: 10000' 'unique: 10000')" &&
        equal "$(sed 1,4d report)" "$(sed 's/$/ 1/' numbers)" &&
        is_stopped
}

@test "analyze" {
    seq 1 10000 >numbers
    each analyze_text "${ALL[@]}"
    each analyze_long "${STREAMS[@]}"
}

# ---- discard ----

discard_all() {
    serve_on "$1" -m discard &&
        answers '' sockx connect "${TO[@]}" -q 200ms <sent &&
        is_stopped
}

@test "discard" {
    random_file sent 50000
    each discard_all "${ALL[@]}"
}

# ---- source ----

source_stream() {
    serve_on "$1" -m source &&
        sockx connect "${TO[@]}" </dev/null 2>said | head -c 200000 >got &&
        same_bytes expected got && equal "$(cat said)" "" &&
        is_stopped
}

source_datagram() {
    serve_on "$1" -m source &&
        sockx connect "${TO[@]}" -q 200ms <question >got &&
        equal "$(cat got)" "$(head -c 1000 expected)" &&
        is_stopped
}

# RFC 864: 72 of the 95 printable characters a line, each line beginning one further.
pattern() {
    "$PYTHON" -c '
all = bytes(range(32, 127)) * 2
for line in range(3000):
    print(all[line % 95 : line % 95 + 72].decode(), end="\r\n")' | head -c "$1"
}

@test "source" {
    pattern 200000 >expected
    head -c 1000 /dev/zero >question
    each source_stream "${CONNECTIONS[@]}"
    each source_datagram "${DATAGRAMS[@]}"
}

# ---- exec ----

exec_both() {
    serve_on "$1" -m exec -- cat &&
        answers 'Hello, world' sockx connect -N "${TO[@]}" < <(printf 'Hello, world') &&
        run sockx connect -m exec "${TO[@]}" -- sh -c 'echo ours; read -r back; echo "$back" >&2' &&
        equal "$output" '1: ours' &&
        is_stopped
}

exec_packets() {
    serve_on "$1" -m exec --pass-socket -- cat &&
        answers '' sockx connect -m exec --pass-socket "${TO[@]}" -- "$PYTHON" -c "$PACKETS" &&
        equal "$(cat got)" '[one][two]' &&
        is_stopped
}

no_exec() {
    on "$1"
    run -2 sockx serve "${ON[@]}" -m exec -- cat
    [[ ${lines[0]} == *"does not work over datagrams: a program has one input"* ]]
}

PACKETS='import socket, os
s = socket.socket(fileno=0)
s.send(b"one")
s.send(b"two")
os.write(os.open("got", os.O_CREAT | os.O_WRONLY), b"[%s][%s]" % (s.recv(99), s.recv(99)))'

@test "exec" {
    each exec_both "${STREAMS[@]}"
    each exec_packets unix-seqpacket
    each no_exec "${DATAGRAMS[@]}"
}

# ---- broker ----

broker_line() {
    serve_on "$1" -m broker -v &&
        start_job "$SOCKX" connect --recv-only "${TO[@]}" &&
        wait_until has_line "$SERVER_ERR" '^1: .* connected$' &&
        answers '' sockx connect --send-only "${TO[@]}" <theirs &&
        wait_until has_line "$JOB_OUT" '^from the client$' &&
        is_stopped
}

no_broker() {
    on "$1"
    run -2 sockx serve "${ON[@]}" -m broker
    equal "${lines[0]}" \
        'sockx: mode broker does not work over datagrams: they do not tell who comes and goes'
}

@test "broker" {
    echo 'from the client' >theirs
    each broker_line "${CONNECTIONS[@]}"
    each no_broker "${DATAGRAMS[@]}"
}

# ---- relay ----

# An echo server that travels as those of the transport do, in TARGET.
start_target() {
    case $1 in
    tcp* | unix-stream)
        start_server -H 127.0.0.1 -m echo
        TARGET=tcp://127.0.0.1:$PORT
        ;;
    unix-seqpacket)
        kind seqpacket
        start_unix_server there "${WITH[@]}" -m echo
        TARGET=unix-seqpacket:there
        ;;
    *)
        start_server -u -H 127.0.0.1 -m echo
        TARGET=udp://127.0.0.1:$PORT
        ;;
    esac
    TARGET_PID=$SERVER_PID
}

relay_text() {
    start_target "$1" &&
        serve_on "$1" -m relay --to "$TARGET" &&
        answers 'Hello, world' sockx echo "${TO[@]}" 'Hello, world' &&
        is_stopped && SERVER_PID=$TARGET_PID && is_stopped
}

@test "relay" {
    each relay_text "${ALL[@]}"
}

# ---- collect ----

collect_line() {
    serve_on "$1" -m collect &&
        answers '' sockx connect --send-only "${TO[@]}" <theirs &&
        wait_until has_line "$SERVER_OUT" '^from the client$' &&
        is_stopped
}

@test "collect" {
    echo 'from the client' >theirs
    each collect_line "${ALL[@]}" </dev/null
}
