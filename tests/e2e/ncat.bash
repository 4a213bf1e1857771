# shellcheck shell=bash disable=SC2034,SC2154
#
# What the files share that ask what ncat's own tests ask: `load ncat` after `load helper`. Programs whose
# input stays open until the test ends it:
#
#   talker NAME ARG...        a client, `sockx connect ARG...`; its output is the file NAME, its pid PIDS[NAME]
#   attended COMMAND ARG...   start_server, serve_tls and so on, with the output in the file server
#   say NAME TEXT             a line for its input; NAME: server, too
#   put NAME TEXT             the same without the end of a line
#   hush NAME                 its input ends
#   hears NAME TEXT           it has written that line, or is about to

declare -gA inputs=() # bats has the file within a function
declare -gA PIDS=()

# Run it without the inputs of others, which would not end as long as it has them.
exec_alone() {
    local fd

    for fd in "${inputs[@]}"; do
        exec {fd}>&-
    done
    exec "$@"
}

talker() {
    held_input
    start_job exec_alone "$SOCKX" connect "${@:2}" <"$INPUT"
    inputs[$1]=$HELD
    PIDS[$1]=$JOB_PID
    ln -s "$JOB_OUT" "$1"
}

attended() {
    held_input
    LAUNCHER=(exec_alone)
    "$@" <"$INPUT" || return
    LAUNCHER=()
    inputs[server]=$HELD
    PIDS[server]=$SERVER_PID
    ln -sf "$SERVER_OUT" server
}

put() {
    printf %s "$2" >&"${inputs[$1]}"
}

say() {
    put "$1" "$2"$'\n'
}

hush() {
    local fd=${inputs[$1]}

    exec {fd}>&-
    unset "inputs[$1]"
}

hears() {
    wait_until has_line "$1" "^$2\$" || fail "$1 heard: $(cat "$1")"
}
