#!/usr/bin/env bats
# bats file_tags=once,slow
#
# A system whose calls fail, each of them once: peers/inject.py, which has strace do it. What status
# each must lead to is in peers/fault_statuses.py. What differs in the transport only runs in
# `make release-check`. A sanitizer's own calls would fail, too.

load helper
load measure
load inject

export BATS_TEST_TIMEOUT=60

fails_once_each() {
    inject "$@"
}

@test "a failing system call: serve, echo" { fails_once_each serve; }
@test "a failing system call: serve, pipe" { fails_once_each pipe; }
@test "a failing system call: connect" { fails_once_each connect; }
@test "a failing system call: what moves bytes in the kernel" { fails_once_each moves; }
# bats test_tags=release
@test "a failing system call: what moves bytes from a Unix socket" { fails_once_each moves unix; }
@test "a failing system call: echo" { fails_once_each echo; }
# bats test_tags=release
@test "a failing system call: greet" { fails_once_each greet; }
@test "a failing system call: analyze" { fails_once_each analyze; }
@test "a failing system call: chat" { fails_once_each chat; }
# bats test_tags=release
@test "a failing system call: serve and connect, exec" { fails_once_each exec; }
# bats test_tags=release
@test "a failing system call: exec over a Unix socket" { fails_once_each exec unix; }
# bats test_tags=release
@test "a failing system call: serve and connect, relay" { fails_once_each relay; }
# bats test_tags=release
@test "a failing system call: relay from Unix socket to Unix socket" { fails_once_each relay unix; }
# bats test_tags=release
@test "a failing system call: relay over UDP" { fails_once_each relay udp; }
# bats test_tags=release
@test "a failing system call: relay of Unix datagrams" { fails_once_each relay unix-datagram; }
# bats test_tags=release
@test "a failing system call: relay of sequenced packets" { fails_once_each relay unix-seqpacket; }
@test "a failing system call: serve over UDP, echo" { fails_once_each serve udp; }
# bats test_tags=release
@test "a failing system call: serve over UDP, pipe" { fails_once_each pipe udp; }
# bats test_tags=release
@test "a failing system call: connect over UDP" { fails_once_each connect udp; }
@test "a failing system call: echo over UDP" { fails_once_each echo udp; }
@test "a failing system call: a Unix socket's server" { fails_once_each serve unix; }
@test "a failing system call: connect to a Unix socket" { fails_once_each connect unix; }
# bats test_tags=release
@test "a failing system call: echo through a Unix socket" { fails_once_each echo unix; }
@test "a failing system call: Unix datagrams, serve, echo" { fails_once_each serve unix-datagram; }
# bats test_tags=release
@test "a failing system call: Unix datagrams, serve, pipe" { fails_once_each pipe unix-datagram; }
# bats test_tags=release
@test "a failing system call: Unix datagrams, echo" { fails_once_each echo unix-datagram; }
# bats test_tags=release
@test "a failing system call: sequenced packets, serve, echo" { fails_once_each serve unix-seqpacket; }
# bats test_tags=release
@test "a failing system call: sequenced packets, serve, pipe" { fails_once_each pipe unix-seqpacket; }
# bats test_tags=release
@test "a failing system call: sequenced packets, echo" { fails_once_each echo unix-seqpacket; }
