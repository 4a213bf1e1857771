# shellcheck shell=bash disable=SC2034
#
# What the files about Unix sockets share: `load unix` behind `load helper`. Each test runs in a directory
# of its own.

setup() {
    exec </dev/null
    cd "$BATS_TEST_TMPDIR" || return
}

# The options of a kind, in WITH.
kind() {
    case $1 in
    stream) WITH=() ;;
    datagram) WITH=(-u) ;;
    seqpacket) WITH=(--seqpacket) ;;
    esac
}

# KIND AT ARG...
start_kind() {
    kind "$1"
    start_unix_server "$2" "${WITH[@]}" "${@:3}"
}

# An abstract name that is this test's alone.
abstract_name() {
    echo "@sockx-test-$$-$BATS_TEST_NUMBER"
}

# HOW KIND AT WORD...: peers/unix_client.py asks, and is content.
asks() {
    timeout -k 1 "${LIMIT:-20}" "$PYTHON" "$PEERS/unix_client.py" "$@"
}

says() {
    has_line "$SERVER_ERR" "$1"
}
