#!/usr/bin/env bats
# bats file_tags=long
#
# Standard input and output that epoll refuses: a file, /dev/null, /dev/zero, and closed ones. For
# each command and mode, whether its peer does not read, does nothing more, or has gone: no processor
# time while nothing moves, and no more memory than the same run has over a pipe.

load helper
load measure

export BATS_TEST_TIMEOUT=60

WATCH_S=1
MAX_PERCENT=1
MAX_KIB=4096
ECHO_MAX_KIB=81920 # it keeps up to 64 MiB of what it has sent, to compare

# All cells are watched by whichever test comes first.
watch() {
    CELLS=$BATS_FILE_TMPDIR/cells
    [ ! -e "$CELLS" ] || return 0
    timeout -k 1 50 "$PYTHON" "$PEERS/descriptors.py" "$WATCH_S" >"$CELLS.new" 2>"$CELLS.err" ||
        fail "descriptors.py:" "$(cat "$CELLS.err")" || return 1
    mv "$CELLS.new" "$CELLS"
}

# COMMAND COUNT STATUS...: so many cells of a command are calm; those that ended did so with one of
# these statuses.
calm() {
    local wanted=$1 count=$2 seen=0 name share kib status most bad=()

    shift 2
    watch
    while read -r name share kib status; do
        [ "${name%%:*}" = "$wanted" ] || continue
        seen=$((seen + 1))
        most=$MAX_KIB
        [[ $name != echo:0:* ]] || most=$ECHO_MAX_KIB
        if ! is_at_most "$share" "$MAX_PERCENT" || [ "$kib" -gt "$most" ] ||
            [[ " - $* " != *" $status "* ]]; then
            bad+=("$name: $share %, $kib KiB, status $status")
        fi
    done <"$CELLS"
    equal "$seen" "$count"
    [ "${#bad[@]}" -eq 0 ] || fail "${bad[@]}"
}

@test "connect" {
    calm connect 24 0 1 4
}

@test "connect -m chat" {
    calm connect-chat 24 0 1 4
}

@test "echo" {
    calm echo 24 0 1 4 9
}

@test "greet" {
    calm greet 24 0 1 4
}

@test "analyze" {
    calm analyze 18 0 1 4
}

@test "serve -m pipe" {
    calm serve 24 0 1 4
}

@test "serve -m pipe -k" {
    calm serve-k 24 1
}

@test "serve -m echo, greet, discard, source and analyze do not look at them" {
    for mode in echo greet discard source analyze; do
        calm "serve-$mode" 24
    done
}

@test "serve -m chat" {
    calm serve-chat 24 0 1
}
