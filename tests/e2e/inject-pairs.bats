#!/usr/bin/env bats
# bats file_tags=once,slow
#
# Two system calls that fail, one while the failure of the other is handled; and SIGTERM between two
# calls: as inject.bats, by peers/inject.py.

load helper
load measure
load inject

export BATS_TEST_TIMEOUT=60

fail_in_pairs() {
    inject "$1" "$2" pairs
}

# bats test_tags=release
@test "two failing system calls: serve, echo" { fail_in_pairs serve tcp; }
@test "two failing system calls: serve, pipe" { fail_in_pairs pipe tcp; }
@test "two failing system calls: connect" { fail_in_pairs connect tcp; }
@test "two failing system calls: what moves bytes in the kernel" { fail_in_pairs moves tcp; }
# bats test_tags=release
@test "two failing system calls: echo" { fail_in_pairs echo tcp; }
# bats test_tags=release
@test "two failing system calls: serve and connect, exec" { fail_in_pairs exec tcp; }
# bats test_tags=release
@test "two failing system calls: exec over a Unix socket" { fail_in_pairs exec unix; }
# bats test_tags=release
@test "two failing system calls: serve over UDP, echo" { fail_in_pairs serve udp; }
# bats test_tags=release
@test "two failing system calls: a Unix socket's server" { fail_in_pairs serve unix; }
# bats test_tags=release
@test "two failing system calls: sequenced packets, serve, pipe" { fail_in_pairs pipe unix-seqpacket; }

# bats test_tags=release
@test "SIGTERM at a system call: serve, exec" { inject exec tcp SIGTERM; }
# bats test_tags=release
@test "SIGTERM at a system call: serve, echo" { inject serve tcp SIGTERM; }
# bats test_tags=release
@test "SIGTERM at a system call: a Unix socket's server" { inject serve unix SIGTERM; }
@test "SIGTERM at a system call: sequenced packets, serve, pipe" { inject pipe unix-seqpacket SIGTERM; }
