#!/usr/bin/env bats
# bats file_tags=once,slow
# shellcheck disable=SC2034 # LAUNCHER and SERVER_PORT are read by the helper
#
# A system that does little at a time, or has no memory: libraries that are loaded before the
# program's own (peers/shortio.c, peers/alloc.c) stand in for it. A sanitizer would be one more.

load helper
load measure

export BATS_TEST_TIMEOUT=60

@test "a few bytes a call, every fifth call interrupted: every byte arrives" {
    local shim=$BATS_TEST_TMPDIR/shortio.so data=$BATS_TEST_TMPDIR/data shortened by_hand

    export SHORTIO_LOG=$BATS_TEST_TMPDIR/shortio.log
    cc -std=c17 -O2 -D_GNU_SOURCE -shared -fPIC -o "$shim" "$PEERS/shortio.c" -ldl
    random_file "$data" $((1 << 18))
    free_port
    LAUNCHER=(env LD_PRELOAD="$shim")
    SERVER_PORT=$PORT start_server --mode echo
    shortened=(timeout -k 1 20 env LD_PRELOAD="$shim" "$SOCKX")
    for by_hand in "" --no-splice; do
        # shellcheck disable=SC2086 # it may be nothing
        "${shortened[@]}" connect -N $by_hand 127.0.0.1 "$PORT" <"$data" >"$data.connect"
        same_bytes "$data" "$data.connect"
        # shellcheck disable=SC2002,SC2086 # its input is to be a pipe
        cat "$data" | "${shortened[@]}" connect -N $by_hand 127.0.0.1 "$PORT" | cat >"$data.piped"
        same_bytes "$data" "$data.piped"
    done
    "${shortened[@]}" echo -p "$PORT" <"$data" >"$data.echo"
    same_bytes "$data" "$data.echo"
    stop_server
    equal "$SERVER_STATUS" 0
    # Six programs, each with its 256 KiB in and out at 13 bytes a call at most.
    equal "$(awk '$2 > 2 * 256 * 1024 / 13 && $4 > 1000' "$SHORTIO_LOG" | wc -l)" 6
    has_line "$SERVER_ERR" "^listening on 0.0.0.0:$PORT \(tcp, echo\)\$" ||
        fail "it said: $(cat "$SERVER_ERR")"
}

# Where it is about datagrams, 50 ms of silence are the end.
# bats test_tags=long
@test "an allocation that fails, once or for ever: no crash, no hang, 0 only if all arrived" {
    free_port
    run timeout -k 1 55 "$PYTHON" "$PEERS/alloc.py" "$PORT"
    expect_status 0
    tell "a failing allocation: $output"
}
