#!/usr/bin/env bats
# bats file_tags=once
#
# The state of a connection that --trace shows is the one that ss(8) shows, of a client and of a server:
# peers/trace_states.py, in a network namespace in which packets can be lost.

# shellcheck disable=SC2154 # run sets output, stderr and status
load helper

ALONE=(setpriv --pdeathsig KILL unshare --net)
[ "$(id -u)" = 0 ] || ALONE+=(--user --map-root-user)

# CASE: of trace_states.py.
agrees() {
    "${ALONE[@]}" nft list tables 2>"$BATS_TEST_TMPDIR/err" || skip "no network of our own: $(cat "$BATS_TEST_TMPDIR/err")"
    run "${ALONE[@]}" timeout -k 1 20 "$PYTHON" "$PEERS/trace_states.py" "$1"
    expect_status 0
}

@test "a half-close by us, then the peer's: FIN_WAIT_2, TIME_WAIT" {
    agrees half_close_by_us
}

@test "a half-close by the peer, then ours: CLOSE_WAIT, LAST_ACK" {
    agrees half_close_by_peer
}

@test "our end is not acknowledged: FIN_WAIT_1" {
    agrees not_acknowledged
}

@test "our end and a close, the peer stays: FIN_WAIT_2" {
    agrees left_half_closed
}

@test "the peer's end comes between our last call and close, with bytes unread: TIME_WAIT" {
    agrees ended_unseen
}

@test "both ends cross: CLOSING" {
    agrees simultaneous
}

@test "a reset by the peer: CLOSED" {
    agrees reset_by_peer
}

@test "a reset by the peer after our end: CLOSED, and no TIME_WAIT" {
    agrees reset_after_our_end
}

@test "a connection that is refused: CLOSED" {
    agrees refused
}

@test "a full queue: SYN_SENT, and what waits and can wait there" {
    agrees full_backlog
}
