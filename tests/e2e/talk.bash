# shellcheck shell=bash disable=SC2034,SC2154
#
# What the files about people talking share: `load talk` behind `load helper`.
#
#   start_dialogue STEP... -- CMD...  a program on a terminal, led by peers/dialogue.py: sets JOB_PID,
#                             JOB_OUT (its screen, once it has ended) and JOB_ERR (what it wrote so far)
#   start_operator STEP... -- ARG...  the same for `sockx serve ARG... -p 0`; sets PORT, too
#   wait_dialogue PID         until it has ended, as its steps say: JOB_STATUS is the program's
#   shown FILE                a screen or log with what differs from run to run made the same: ports
#                             are PORT; without rows that are empty, or only a prompt
#   is_harmless FILE          it holds nothing but printable ASCII in lines
#   lines WORD...             each on a line

export PYTHONDONTWRITEBYTECODE=1 # dialogue.py has a module beside it

start_dialogue() {
    start_job "$PYTHON" "$PEERS/dialogue.py" "$@"
}

says_port() {
    is_gone "$1" || has_line "$2" '^(ready .|listening on )' # as says_ready
}

# PID FILE: PORT, once the program says it there.
learn_port() {
    wait_until says_port "$1" "$2" || return 1
    port_in "$2" '^ready ([0-9]+)$|^listening on .*:([0-9]+) \('
    [ -n "$PORT" ] || fail "it did not start:" "$(cat "$2")"
}

start_operator() {
    local steps=()

    while [ "$1" != -- ]; do
        steps+=("$1")
        shift
    done
    shift
    start_dialogue "${steps[@]}" -- "$SOCKX" serve "$@" -p 0
    learn_port "$JOB_PID" "$JOB_ERR"
}

wait_dialogue() {
    local out=${2:-$JOB_OUT}

    wait_job "$1" 20
    case $JOB_STATUS in
    98 | 99) fail "$(cat "$out")" ;;
    esac
}

shown() {
    sed -E "s/(127\.0\.0\.1|\[::1\]|localhost):[0-9]+/\1:PORT/g; /^>?\$/d" "$1"
}

is_harmless() {
    if LC_ALL=C grep -aq '[^ -~]' "$1"; then
        fail "not harmless:" "$(od -An -c "$1")"
    fi
}

lines() {
    printf '%s\n' "$@"
}
