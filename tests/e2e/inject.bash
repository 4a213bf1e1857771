# shellcheck shell=bash
#
# For inject.bats and inject-pairs.bats: `load inject` after `load measure`.

needs_strace() {
    strace -D -qq -o /dev/null true 2>"$BATS_TEST_TMPDIR/strace" ||
        skip "strace cannot attach: $(head -n 1 "$BATS_TEST_TMPDIR/strace")"
}

# SCENARIO [KIND [pairs|SIGTERM]]
inject() {
    needs_strace
    run timeout -k 1 55 "$PYTHON" "$PEERS/inject.py" "$@"
    # shellcheck disable=SC2154 # run sets it
    tell "$BATS_TEST_DESCRIPTION: ${output%%$'\n'*}"
    expect_status 0
}
