# shellcheck shell=bash disable=SC2034,SC2119,SC2120
#
# Shared by all files here: `load helper` at the top. SOCKX names the binary under test, absolute.
#
#   start_server [ARG...]     `sockx serve -p 0 ARG...` in the background, ready when this returns.
#                             Its input is the caller's: start_server -k <file
#                             Sets PORT SERVER_PID SERVER_ERR SERVER_OUT (files of its 2 and 1).
#                             Before the name: SERVER_PORT=N a fixed port, SERVER_TO=FILE another
#                             output, and LAUNCHER=(env ...) programs that exec it.
#   adopt_server PID ERR      the same for a server that the test started in its own way
#   start_unix_server PATH [ARG...]  `sockx serve -U PATH ARG...`, or @NAME, in the same way: sets
#                             SERVER_PID SERVER_ERR SERVER_OUT, and no PORT
#   adopt_unix_server PID ERR the same for a server that the test started in its own way
#   stop_server [SIGNAL]      end it (TERM) and wait: SERVER_STATUS
#   wait_server [SECONDS]     wait until it ends by itself: SERVER_STATUS
#   free_port                 PORT: one on which nothing listens
#   start_peer CMD...         a foreign program that listens on PORT; sets PEER_PID PEER_OUT PEER_ERR
#   start_script NAME ARG...  the same for peers/NAME, which says `ready PORT` on its 2; sets PORT
#   start_job CMD...          anything else in the background: JOB_PID JOB_OUT JOB_ERR
#   wait_job [PID [SECONDS]]  wait until a job or peer ends: JOB_STATUS
#   wait_until [SECONDS] CMD  until CMD succeeds; fails after 10 s
#   timed CMD..., took_between MIN MAX   how long CMD took, and that it did so (ms)
#   held_input                INPUT: a path to read from that does not end; write to it by >&"$HELD"
#
# What was started is ended by teardown, which fails the test if a server has left without being
# asked to, crashed, or did not leave when told.

bats_require_minimum_version 1.5.0

: "${SOCKX:?names the binary under test, absolute}"
export LC_ALL=C.UTF-8
unset NO_COLOR CLICOLOR_FORCE COLUMNS

PEERS=$BATS_TEST_DIRNAME/peers
PYTHON=/usr/bin/python3
LAUNCHER=()
servers=() # pids not yet accounted for
errs=()    # and what each said
jobs_left=()
started=0
HELD=9 # see held_input; the programs started must not hold it, too

# Before each command bats notes the stack, to show it if that command fails; this takes longer than most commands.
# Here it notes it before a test's own commands only (set +T), and looks at a function's stack once the function fails.
# shellcheck disable=SC2016 # evaluated where bats looks
lighten() {
    local debug error check=bats_check_status_from_trap

    debug=$(declare -f bats_debug_trap) && error=$(declare -f bats_error_trap) || return 0 # another bats
    eval "${debug/"{"/'{
        [[ -z ${BATS_DEBUG_LAST_STACK_TRACE_IS_VALID-} ]] || return 0
        [[ ${FUNCNAME[1]-} != "${BATS_TEST_NAME-}" ]] || set +T'}"
    eval "${error/"$check;"/"$check;"'
        if [[ -z $BATS_DEBUG_LAST_STACK_TRACE_IS_VALID && $- != *T* && ${FUNCNAME[1]-} != "${BATS_TEST_NAME-}" ]]; then
            bats_capture_stack_trace
        fi'}"
}
lighten

setup() {
    exec </dev/null
}

teardown() {
    end_all
}

fail() {
    printf '%s\n' "$@" >&2
    return 1
}

# ---- waiting ----
#
# What is asked again and again starts no process where bash can do it by itself: hundreds of tests wait, and
# to start a process takes longer than most of them have to.

now_ms() {
    local now=${EPOCHREALTIME/[.,]/}
    echo $((now / 1000))
}

# SECONDS: sleep, without a process: nothing is ever written to this pipe.
pause() {
    local pipe=$BATS_FILE_TMPDIR/pause

    [ -p "$pipe" ] || mkfifo "$pipe" 2>/dev/null || [ -p "$pipe" ] || return 1
    read -r -t "$1" _ <>"$pipe" || :
}

wait_until() {
    local seconds=10 deadline

    if [[ $1 =~ ^[0-9]+$ ]]; then
        seconds=$1
        shift
    fi
    deadline=$((${EPOCHREALTIME/[.,]/} + seconds * 1000000))
    until "$@"; do
        [ "${EPOCHREALTIME/[.,]/}" -lt "$deadline" ] || fail "not within $seconds s: $*" || return 1
        pause 0.01
    done
}

# COMMAND...: how long it took is in TOOK_MS; its status is its own.
timed() {
    local began=${EPOCHREALTIME/[.,]/} verdict

    "$@" # no ||, or what fails within a function would not end it
    verdict=$?
    TOOK_MS=$(((${EPOCHREALTIME/[.,]/} - began) / 1000))
    return "$verdict"
}

took_between() {
    if [ "$TOOK_MS" -lt "$1" ] || [ "$TOOK_MS" -ge "$2" ]; then
        fail "it took $TOOK_MS ms, not $1 to $2"
    fi
}

# bash collects what it has started when something else ends, say: a zombie is gone, too.
is_gone() {
    local stat

    kill -0 "$1" 2>/dev/null && read -r stat 2>/dev/null <"/proc/$1/stat" || return 0
    [[ ${stat##*) } == Z* ]]
}

# has_line FILE PATTERN: it holds a line that matches (as of grep -E) and has ended: one that has not may be half of
# what is being written. Of many lines grep is the quicker reader.
has_line() {
    local lines line

    [ -r "$1" ] || return 1
    mapfile -n 200 lines <"$1"
    if [ "${#lines[@]}" = 200 ]; then
        grep -Eq -e "$2" < <(head -n "$(wc -l <"$1")" -- "$1")
        return
    fi
    for line in "${lines[@]}"; do
        [[ $line != *$'\n' || ! ${line%$'\n'} =~ $2 ]] || return 0
    done
    return 1
}

# The same of a line that may not end, or not yet: a prompt, what a peer says without a newline.
has_text() {
    has_line "$1" "$2" || { [ -r "$1" ] && [[ $(tail -n 1 -- "$1") =~ $2 ]]; }
}

# The file has at least so many bytes.
has_bytes() {
    [ -e "$1" ] && [ "$(stat -Lc %s -- "$1")" -ge "$2" ]
}

is_listening() {
    local hex

    printf -v hex '%04X' "$1"
    grep -Eqs "^ *[0-9]+: [0-9A-F]+:$hex [0-9A-F]+:0000 0A " /proc/net/tcp /proc/net/tcp6
}

stops_listening() {
    ! is_listening "$PORT"
}

# PORT [N]: that many connections (1) to that port of ours are established.
has_clients() {
    local hex found

    printf -v hex '%04X' "$1"
    mapfile -t found < <(grep -Ehs "^ *[0-9]+: [0-9A-F]+:$hex [0-9A-F]+:[0-9A-F]{4} 01 " /proc/net/tcp /proc/net/tcp6)
    [ "${#found[@]}" -eq "${2:-1}" ]
}

# A socket has this port, in whatever state: one in TIME_WAIT keeps out who binds without SO_REUSEADDR (socat).
is_in_use() {
    local hex

    printf -v hex '%04X' "$1"
    grep -Eqs "^ *[0-9]+: [0-9A-F]+:$hex " /proc/net/tcp /proc/net/tcp6
}

# Outside the range that outgoing connections take theirs from; and apart where files run side by side
# (E2E_SLOT, 0 to 7).
free_port() {
    for _ in {1..50}; do
        PORT=$((10000 + RANDOM % 2500 * 8 + ${E2E_SLOT:-0}))
        is_in_use "$PORT" || return 0
    done
    fail "no free port"
}

# ---- sockx ----

# In the foreground, never for ever.
sockx() {
    timeout -k 1 "${LIMIT:-20}" "$SOCKX" "$@"
}

is_announced() {
    is_gone "$1" || has_line "$2" '^[% ]*listening on |"event":"listening"'
}

# FILE PATTERN: PORT is what the pattern (of grep -E) has in one of its two (groups), in the first line that it
# matches; or it is empty.
port_in() {
    local lines line

    PORT=
    mapfile -t lines <"$1"
    for line in "${lines[@]}"; do
        if [[ $line =~ $2 ]]; then
            PORT=${BASH_REMATCH[1]}${BASH_REMATCH[2]:-}
            return
        fi
    done
}

account_for_server() {
    SERVER_PID=$1
    SERVER_ERR=$2
    servers+=("$1")
    errs+=("$2")
}

adopt_server() {
    account_for_server "$1" "$2"
    if [ -n "${SERVER_PORT:-}" ]; then
        PORT=$SERVER_PORT
        wait_until is_listening "$PORT"
        return
    fi
    wait_until is_announced "$1" "$2" || return 1
    port_in "$2" '^[% ]*listening on .*:([0-9]+) \(|"event":"listening".*"address":"[^"]*:([0-9]+)"'
    [ -n "$PORT" ] || fail "the server did not start:" "$(cat "$2")"
}

start_server() {
    local base=$BATS_TEST_TMPDIR/server$((started += 1))

    SERVER_OUT=${SERVER_TO:-$base.out}
    : >"$base.err"
    "${LAUNCHER[@]}" "$SOCKX" serve -p "${SERVER_PORT:-0}" "$@" \
        <&0 >"$SERVER_OUT" 2>"$base.err" 3>&- {HELD}>&- &
    adopt_server $! "$base.err"
}

adopt_unix_server() {
    account_for_server "$1" "$2"
    wait_until is_announced "$1" "$2" || return 1
    has_line "$2" '^listening on unix:|"event":"listening"' ||
        fail "the server did not start:" "$(cat "$2")"
}

start_unix_server() {
    local base=$BATS_TEST_TMPDIR/server$((started += 1)) path=$1

    shift
    SERVER_OUT=${SERVER_TO:-$base.out}
    : >"$base.err"
    "${LAUNCHER[@]}" "$SOCKX" serve -U "$path" "$@" \
        <&0 >"$SERVER_OUT" 2>"$base.err" 3>&- {HELD}>&- &
    adopt_unix_server $! "$base.err"
}

forget_server() {
    local i

    for i in "${!servers[@]}"; do
        [ "${servers[i]}" != "$1" ] || unset "servers[i]" "errs[i]"
    done
}

wait_server() {
    wait_until "${1:-10}" is_gone "$SERVER_PID" || return 1
    forget_server "$SERVER_PID"
    SERVER_STATUS=0
    wait "$SERVER_PID" || SERVER_STATUS=$?
    no_crash "$SERVER_STATUS" "$SERVER_ERR"
}

stop_server() {
    kill -"${1:-TERM}" "$SERVER_PID" || fail "the server is gone:" "$(cat "$SERVER_ERR")" || return 1
    wait_server
}

# ---- others ----

held_input() {
    INPUT=$BATS_TEST_TMPDIR/input$((started += 1))
    mkfifo "$INPUT"
    exec {HELD}<>"$INPUT"
}

start_job() {
    local base=$BATS_TEST_TMPDIR/job$((started += 1))

    JOB_OUT=$base.out
    JOB_ERR=$base.err
    set -m # a process group of its own: it may fork
    "$@" <&0 >"$JOB_OUT" 2>"$JOB_ERR" 3>&- {HELD}>&- &
    JOB_PID=$!
    set +m
    jobs_left+=("$JOB_PID")
}

wait_job() {
    local pid=${1:-$JOB_PID}

    wait_until "${2:-10}" is_gone "$pid" || return 1
    JOB_STATUS=0
    wait "$pid" || JOB_STATUS=$?
}

is_up() {
    is_gone "$1" || is_listening "$PORT"
}

start_peer() {
    start_job "$@" <&0
    PEER_PID=$JOB_PID PEER_OUT=$JOB_OUT PEER_ERR=$JOB_ERR
    wait_until is_up "$PEER_PID" || return 1
    is_listening "$PORT" || fail "$* did not start:" "$(cat "$PEER_ERR")"
}

says_ready() {
    is_gone "$1" || has_line "$2" '^ready .' # the word comes before the rest of its line
}

start_script() {
    local name=$1

    shift
    start_job "$PYTHON" "$PEERS/$name" "$@" <&0
    PEER_PID=$JOB_PID PEER_OUT=$JOB_OUT PEER_ERR=$JOB_ERR
    wait_until says_ready "$PEER_PID" "$PEER_ERR" || return 1
    port_in "$PEER_ERR" '^ready (.*)$'
    [ -n "$PORT" ] || fail "$name did not start:" "$(cat "$PEER_ERR")"
}

# ---- the end ----

# Neither a signal that is a crash nor a word from a sanitizer.
no_crash() {
    case $1 in
    132 | 134 | 135 | 136 | 139) fail "crashed: status $1" "$(cat "$2")" ;;
    *) ! has_line "$2" 'Sanitizer|runtime error:' || fail "$(cat "$2")" ;;
    esac
}

end_server() {
    local pid=$1 err=$2 status=0

    if is_gone "$pid"; then
        wait "$pid" || status=$?
        fail "a server left by itself: status $status" "$(cat "$err")"
        return 1
    fi
    kill -TERM "$pid" 2>/dev/null
    if ! wait_until 5 is_gone "$pid"; then
        kill -KILL "$pid"
        fail "a server did not leave on SIGTERM"
        return 1
    fi
    wait "$pid" || status=$?
    no_crash "$status" "$err" || return 1
    case $status in
    0 | 4) ;; # 4: a client left bytes unread
    *) fail "a server ended with status $status on SIGTERM" "$(cat "$err")" ;;
    esac
}

end_all() {
    local i bad=0

    for i in "${!servers[@]}"; do
        end_server "${servers[i]}" "${errs[i]}" || bad=1
    done
    for i in "${jobs_left[@]}"; do
        kill -KILL -- "-$i" 2>/dev/null || kill -KILL "$i" 2>/dev/null || true
    done
    for i in "${jobs_left[@]}"; do
        wait "$i" 2>/dev/null || true
    done
    return "$bad"
}

# ---- expectations ----

equal() {
    [ "$1" = "$2" ] || fail "expected: $2" "     got: $1"
}

# After `run`: the status, with what was said where it differs.
expect_status() {
    # shellcheck disable=SC2154
    [ "$status" -eq "$1" ] || fail "status $status, expected $1" "stdout: ${output:-}" "stderr: ${stderr:-}"
}

same_bytes() {
    cmp -- "$1" "$2" >&2
}

# FILE BYTES: a file of bytes that no two places have in common.
random_file() {
    head -c "$2" /dev/urandom >"$1"
}

# Names say how long they take to look up: peers/lookup.c. For servers that are started next.
slow_names() {
    local shim=$BATS_TEST_TMPDIR/lookup.so

    cc -std=c17 -O2 -D_GNU_SOURCE -shared -fPIC -o "$shim" "$PEERS/lookup.c" -ldl
    LAUNCHER=(env --default-signal=INT --default-signal=HUP LD_PRELOAD="$shim")
}
