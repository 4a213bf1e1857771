#!/usr/bin/env bats
# bats file_tags=unit
#
# Many bytes, with what the kernel moves by itself and with --no-splice: what each case asks for is
# written in peers/bulk.py. BULK_MIB=1024 moves a gibibyte each way.

load helper
load measure

export BATS_TEST_TIMEOUT=${BULK_LIMIT_S:-60}

bulk() {
    run "${AS[@]}" timeout -k 1 "$((BATS_TEST_TIMEOUT - 5))" "$PYTHON" "$PEERS/bulk.py" "$@"
    expect_status 0
}

@test "both ways at once over TCP, all pausing at random: every byte arrives" {
    bulk both-ways tcp
}

@test "both ways at once through a Unix socket, all pausing at random: every byte arrives" {
    bulk both-ways unix
}

@test "both ways full before anybody reads: every byte arrives" {
    bulk both-full tcp
}

@test "standard input a file, a pipe, one of 4 KiB, the head of /dev/zero" {
    bulk input
}

@test "standard output a file, one for appending, a pipe, one of 4 KiB, /dev/null" {
    bulk output
}

@test "standard output is full: status 1 says why, and the peer is let go" {
    bulk no-room /dev/full limit
}

@test "the file system of standard output is full: status 1 says why, and the peer is let go" {
    AS=(unshare --map-root-user --mount)
    "${AS[@]}" true || skip "file systems cannot be mounted here"
    mkdir "$BATS_TEST_TMPDIR/small"
    # shellcheck disable=SC2016 # for the inner shell
    AS+=(sh -c 'mount -t tmpfs -o size=1m none "$0" && exec "$@"' "$BATS_TEST_TMPDIR/small")
    "${AS[@]}" true || skip "tmpfs cannot be mounted here"
    bulk no-room "$BATS_TEST_TMPDIR/small"
}

@test "a reset in the middle: status 4, whatever standard input and output are" {
    bulk reset
}

@test "urgent bytes among others, into a file, /dev/null and a pipe" {
    bulk urgent tcp
}

@test "urgent bytes of a Unix socket among others, into a file, /dev/null and a pipe" {
    bulk urgent unix
}

@test "few descriptors, or none for a pipe: every byte arrives" {
    bulk descriptors 7 8 9 10 12
}

# bats test_tags=long
@test "no reader for a second: no processor time, and then every byte arrives" {
    bulk stall
}

# bats test_tags=long
@test "forty at once, of a user with few pages left for pipes: every byte arrives" {
    [ "$(id -u)" -ne 0 ] || AS=(setpriv --reuid=65534 --regid=65534 --clear-groups)
    "${AS[@]}" test -x "$SOCKX" || skip "another user cannot run $SOCKX"
    "${AS[@]}" test -r "$PEERS/bulk.py" || skip "another user cannot read $PEERS"
    bulk crowd
}

# bats test_tags=long
@test "readers that are slower than the writers: at most 8 MiB in memory" {
    bulk memory
    tell "in memory: $(sort -k 2 -t : -n <<<"$output" | tail -n 1)"
}
