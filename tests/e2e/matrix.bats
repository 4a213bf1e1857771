#!/usr/bin/env bats
# bats file_tags=once
#
# The data/EOF matrix: {connect, serve} x {the other direction quiet, filled, done} x {data, EOF} x
# {in, out}. "In" is from the network to standard output, "out" from standard input to the network.
# What a cell asks for is written in peers/matrix.py. The sanitizers see the same bytes and ends in bulk and
# ends; here it is the times that count.

load helper

export BATS_TEST_TIMEOUT=60

cell() {
    run timeout -k 1 50 "$PYTHON" "$PEERS/matrix.py" "$@"
    expect_status 0
}

@test "connect, data in, while out is quiet" {
    cell connect quiet data in
}

@test "connect, data out, while in is quiet" {
    cell connect quiet data out
}

@test "connect, EOF in, while out is quiet" {
    cell connect quiet eof in
}

@test "connect, EOF out, while in is quiet" {
    cell connect quiet eof out
}

@test "connect, data in, while out is filled" {
    cell connect filled data in
}

@test "connect, data out, while in is filled" {
    cell connect filled data out
}

@test "connect, EOF in, while out is filled" {
    cell connect filled eof in
}

@test "connect, EOF out, while in is filled" {
    cell connect filled eof out
}

@test "connect, data in, while out is done" {
    cell connect "done" data in
}

@test "connect, data out, while in is done" {
    cell connect "done" data out
}

@test "connect, EOF in, while out is done" {
    cell connect "done" eof in
}

@test "connect, EOF out, while in is done" {
    cell connect "done" eof out
}

@test "serve, data in, while out is quiet" {
    cell serve quiet data in
}

@test "serve, data out, while in is quiet" {
    cell serve quiet data out
}

@test "serve, EOF in, while out is quiet" {
    cell serve quiet eof in
}

@test "serve, EOF out, while in is quiet" {
    cell serve quiet eof out
}

@test "serve, data in, while out is filled" {
    cell serve filled data in
}

@test "serve, data out, while in is filled" {
    cell serve filled data out
}

@test "serve, EOF in, while out is filled" {
    cell serve filled eof in
}

@test "serve, EOF out, while in is filled" {
    cell serve filled eof out
}

@test "serve, data in, while out is done" {
    cell serve "done" data in
}

@test "serve, data out, while in is done" {
    cell serve "done" data out
}

@test "serve, EOF in, while out is done" {
    cell serve "done" eof in
}

@test "serve, EOF out, while in is done" {
    cell serve "done" eof out
}
