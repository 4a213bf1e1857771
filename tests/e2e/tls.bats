# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2153,SC2154 # tests are processes; run and helpers set variables
# bats file_tags=unit
#
# TLS from sockx to sockx: every command and mode of streams, over TCP and Unix sockets, TLS 1.2 and 1.3;
# how a transfer ends, and what is no use of the options.

load helper
load tls

export BATS_TEST_TIMEOUT=60

setup_file() {
    random_file "$BATS_FILE_TMPDIR/mib" 1048576
}

setup() {
    exec </dev/null
    MIB=$BATS_FILE_TMPDIR/mib
    cd "$BATS_TEST_TMPDIR" || return
}

# ---- commands and modes ----

@test "echo: a text, many at once, and each over one connection" {
    serve_tls -m echo
    equal "$(sockx echo "${TO[@]}" 'over TLS')" 'over TLS'
    ends_with 0 echo -j "${TO[@]}" --count 100 --size 20000 --connections 20
    [[ $output == *'"messages":2000,'* || $output == *'"received":2000,'* ]] || fail "$output"
}

@test "connect to echo: 1 MiB there and back, over TCP and a Unix socket" {
    serve_tls -m echo
    sockx connect "${TO[@]}" <"$MIB" >tcp
    same_bytes tcp "$MIB"
    serve_tls_unix here -m echo
    sockx connect -N "${TO[@]}" <"$MIB" >unix
    same_bytes unix "$MIB"
}

@test "greet" {
    serve_tls -m greet
    equal "$(sockx greet "${TO[@]}" Ada)" "$(printf 'welcome Ada')"
}

@test "analyze" {
    serve_tls -m analyze
    sockx analyze "${TO[@]}" 'one two two' >report
    has_line report '^two 2$'
}

@test "chat: two members hear each other" {
    held_input
    serve_tls -m chat <"$INPUT"
    start_job "$SOCKX" connect "${TO[@]}" <"$INPUT"
    wait_until has_clients "$PORT"
    sleep 0.1 # until its handshake is over
    sockx connect "${TO[@]}" --send-only <<<'from the other'
    wait_until has_line "$JOB_OUT" 'from the other'
    stop_server
}

@test "broker: what one sends, the others get" {
    serve_tls -m broker
    held_input
    start_job "$SOCKX" connect "${TO[@]}" <"$INPUT"
    wait_until has_clients "$PORT"
    sleep 0.1 # until its handshake is over
    sockx connect "${TO[@]}" --send-only <<<'to all others'
    wait_until has_line "$JOB_OUT" '^to all others$'
}

@test "collect: lines of several clients" {
    serve_tls -m collect
    for i in 1 2 3; do
        echo "line $i" | sockx connect "${TO[@]}" --send-only
    done
    wait_until has_line "$SERVER_OUT" '^line 3$'
    equal "$(sort "$SERVER_OUT")" "$(printf 'line %d\n' 1 2 3)"
}

@test "discard takes all, source ends with its reader" {
    serve_tls -m discard
    sockx connect "${TO[@]}" <"$MIB" >none
    equal "$(stat -c %s none)" 0
    serve_tls -m source
    equal "$(sockx connect "${TO[@]}" 2>/dev/null | head -c 200000 | wc -c)" 200000
}

@test "exec: a program's pipes on either side" {
    serve_tls -m exec -- tr a-z A-Z
    equal "$(echo 'small letters' | sockx connect -N "${TO[@]}")" 'SMALL LETTERS'
    serve_tls -m echo
    sockx connect -m exec "${TO[@]}" -- sh -c 'echo asked; read -r answer; echo "$answer" >got'
    equal "$(cat got)" asked
}

@test "relay: TLS ends there, and plain clients of its upstream go on as they were" {
    start_server -H 127.0.0.1 -m echo
    serve_tls -m relay --to "127.0.0.1:$PORT"
    sockx connect -N "${TO[@]}" <"$MIB" >back
    same_bytes back "$MIB"
}

@test "pipe: both ways at once, 32 MiB each" {
    random_file up 33554432
    random_file down 33554432
    serve_tls <down
    sockx connect "${TO[@]}" <up >got
    was_served 0
    same_bytes got down
    same_bytes "$SERVER_OUT" up
}

@test "tls://HOST:PORT is --tls HOST PORT" {
    SERVER_ERR=$PWD/err
    "$SOCKX" serve tls://127.0.0.1:0 -m echo 2>err 3>&- &
    adopt_server $! "$SERVER_ERR"
    TO=()
    learn_pin
    equal "$(sockx connect -N --tls-pin "$PIN" "tls://127.0.0.1:$PORT" <<<plain)" plain
    ends_with 0 connect -N --tls --tls-pin "$PIN" "tls://127.0.0.1:$PORT"
}

# ---- ends ----

# VERSION SIZE: a file from connect to serve, and both end by themselves.
passes_a_file() {
    use_version "$1"
    random_file file "$2"
    serve_tls -v
    ends_with 0 connect -v "${TO[@]}" <file
    told "TLSv$1, "
    was_served 0
    same_bytes "$SERVER_OUT" file
}

@test "a file ends by itself: TLS 1.3" {
    passes_a_file 1.3 3000000
}

@test "a file ends by itself: TLS 1.2" {
    passes_a_file 1.2 3000000
}

@test "a small file ends by itself: TLS 1.3" {
    passes_a_file 1.3 5
}

@test "--send-only to --recv-only, TLS 1.2 and 1.3, over TCP and a Unix socket" {
    for version in 1.2 1.3; do
        use_version "$version"
        serve_tls --recv-only
        sockx connect "${TO[@]}" --send-only <"$MIB"
        was_served 0
        same_bytes "$SERVER_OUT" "$MIB"
        serve_tls_unix "u$version" --recv-only
        sockx connect "${TO[@]}" --send-only <"$MIB"
        was_served 0
        same_bytes "$SERVER_OUT" "$MIB"
    done
}

@test "serve --send-only to connect --recv-only, TLS 1.2 and 1.3" {
    for version in 1.2 1.3; do
        use_version "$version"
        serve_tls --send-only <"$MIB"
        sockx connect "${TO[@]}" --recv-only >got
        was_served 0
        same_bytes got "$MIB"
    done
}

@test "what a program answers to the end of its input comes whole: TLS 1.3" {
    use_version 1.3
    serve_tls -m exec -- sh -c 'sha256sum; head -c 300000 /dev/zero'
    sockx connect -N "${TO[@]}" <"$MIB" >got
    equal "$(head -n 1 got)" "$(sha256sum <"$MIB")"
    equal "$(stat -c %s got)" $((68 + 300000))
}

@test "a program's answer, before the end of our input: TLS 1.2" {
    use_version 1.2
    serve_tls -m exec -- sh -c 'read -r n; head -c "$n" /dev/zero'
    equal "$(echo 500000 | sockx connect "${TO[@]}" | wc -c)" 500000
}

@test "a client that is killed does not end a server" {
    serve_tls -m echo
    held_input
    start_job "$SOCKX" connect "${TO[@]}" <"$INPUT"
    echo here >&"$HELD"
    wait_until has_line "$JOB_OUT" here
    kill -KILL "$JOB_PID"
    equal "$(sockx echo "${TO[@]}" still)" still
}

@test "a server that is stopped: its clients end in order" {
    serve_tls -m echo
    held_input
    start_job "$SOCKX" connect "${TO[@]}" <"$INPUT"
    echo here >&"$HELD"
    wait_until has_line "$JOB_OUT" here
    stop_server
    equal "$SERVER_STATUS" 0
    exec {HELD}>&-
    wait_job
    equal "$JOB_STATUS" 0
}

@test "--idle-timeout, --max-time and -w end it over TLS as without" {
    serve_tls -m echo
    ends_with 5 connect -i 0.2s "${TO[@]}" < <(sleep 2)
    ends_with 5 connect --max-time 0.2s "${TO[@]}" < <(sleep 2)
    start_server -H 127.0.0.1 -m discard
    ends_with 5 connect -w 0.2s --tls --tls-no-verify -H 127.0.0.1 -p "$PORT"
}

@test "two seconds of quiet after the end of input are told: what is waited for" {
    held_input
    for version in 1.2 1.3; do
        use_version "$version"
        serve_tls -m exec -- sleep 60
        start_job "$SOCKX" connect -v "${TO[@]}" <<<question
        wait_until has_line "$JOB_ERR" ': waiting for its end'
        cp "$JOB_ERR" "said$version"
        kill "$JOB_PID"
        stop_server
    done
    has_line said1.2 ': waiting for its end; ours is held back, for with TLS 1.2'
    has_line said1.3 ': waiting for its end$'
    serve_tls -v # it has nothing to send
    start_job "$SOCKX" connect "${TO[@]}" <"$INPUT"
    server_tells ': waiting for its end$'
    equal "$(grep -c 'waiting for' "$SERVER_ERR")" 1
}

# ---- usage ----

# TEXT ARG...: wrong usage, and TEXT is said.
refuses() {
    ends_with 2 "${@:2}"
    equal "$output" ''
    equal "$(wc -l <<<"$stderr")" 2
    told "$1"
    [[ $stderr == "sockx: "*$'\n'"hint: "?* ]] || fail "not an error and a hint: $stderr"
}

# COMMAND NAME[=VALUE]...
not_without_tls() {
    local command option

    read -ra command <<<"$1"
    for option in "${@:2}"; do
        refuses "'${option%%=*}' is for TLS" "${command[@]}" "$option"
    done
}

@test "usage: what is about TLS wants TLS" {
    not_without_tls 'connect -H 127.0.0.1 -p 9' --tls-cert=f --tls-key=f --tls-key-password=f --tls-ca=f \
        --tls-alpn=h2 --tls-name=n "--tls-pin=sha256:$(printf '%064d' 0)" --tls-no-verify
    not_without_tls 'serve -p 0' --tls-cert=f --tls-key=f --tls-key-password=f --tls-ca=f --tls-alpn=h2 --tls-keep=.
    not_without_tls 'echo -H 127.0.0.1 -p 9 x' --tls-no-verify --tls-name=n
    not_without_tls 'greet -H 127.0.0.1 -p 9 x' --tls-no-verify
}

@test "usage: TLS is for streams" {
    refuses '' connect --tls -u 127.0.0.1 9
    refuses '' connect --tls --seqpacket unix:x
    refuses '' connect --tls unix-datagram:x
    refuses '' connect --tls unix-seqpacket:x
    refuses '' connect --tls udp://127.0.0.1:9
    refuses '' connect -u tls://127.0.0.1:9
    refuses '' serve --tls -u 0
    refuses '' serve --tls --seqpacket unix:x
    refuses '' echo --tls -u -H 127.0.0.1 -p 9 x
    [ ! -e x ]
}

@test "usage: options that need or exclude each other" {
    local pin

    pin=sha256:$(printf '%064d' 0)
    refuses '--tls-cert' connect --tls --tls-key f 127.0.0.1 9
    refuses '--tls-cert' serve --tls --tls-key f 0
    refuses '--tls-cert' serve --tls --tls-key-password f 0
    refuses "'--tls-keep' and '--tls-cert' cannot both" serve --tls --tls-keep . --tls-cert f 0
    refuses "'--tls-no-verify' and '--tls-pin' cannot both" connect --tls --tls-no-verify --tls-pin "$pin" 127.0.0.1 9
    refuses "'--tls-no-verify' and '--tls-ca' cannot both" connect --tls --tls-no-verify --tls-ca f 127.0.0.1 9
    refuses "'--tls-pin' and '--tls-ca' cannot both" connect --tls --tls-pin "$pin" --tls-ca f 127.0.0.1 9
}

@test "usage: pins and lists of protocols that are none" {
    local pin

    for pin in '' sha256: sha256:00 "sha256:$(printf '%063d' 0)" "sha256:$(printf '%065d' 0)" \
        "sha1:$(printf '%064d' 0)" "sha256:$(printf '%063d' 0)g" "$(printf '%064d' 0)"; do
        refuses 'is not a pin' connect --tls --tls-pin "$pin" 127.0.0.1 9
    done
    for list in '' ',' 'h2,' ',h2' h2,,http/1.1 "$(printf '%0256d' 0)" "$(printf 'a%.0s,' {1..2000})a"; do
        refuses 'is not a list of protocols' connect --tls --tls-alpn "$list" 127.0.0.1 9
        refuses 'is not a list of protocols' serve --tls --tls-alpn "$list" 0
    done
}

@test "usage: names that no certificate can have" {
    for name in '' % %x %eth0 "$(printf '%0256d' 0)"; do
        refuses 'is not a name that a certificate can have' connect --tls --tls-name "$name" 127.0.0.1 9
    done
}

@test "a pin in capital letters is the same pin" {
    serve_tls -m echo
    equal "$(sockx echo -H 127.0.0.1 -p "$PORT" --tls --tls-pin "sha256:$(tr a-f A-F <<<"${PIN#*:}")" x)" x
}

@test "without OpenSSL: what cannot be opened, and why; all but TLS works" {
    local library hidden words

    library=$(ldd "$(command -v openssl)" | sed -nE 's/^\tlibssl\.so\.3 => (.*) \(.*/\1/p')
    # shellcheck disable=SC2016 # the inner shell expands
    hidden=(unshare --map-root-user --mount sh -c 'mount --bind /dev/null "$0" && exec "$@"' "$(readlink -f "$library")")
    "${hidden[@]}" true 2>/dev/null || skip 'no mount namespaces here'
    for words in 'connect --tls 127.0.0.1 9' 'serve --tls 0'; do
        # shellcheck disable=SC2086 # a list of words
        run -2 --separate-stderr timeout 20 "${hidden[@]}" "$SOCKX" $words </dev/null
        told 'sockx: no TLS: cannot open OpenSSL: '
        told '/libssl.so.3: file too short'
        told 'libssl3'
    done
    run -7 timeout 20 "${hidden[@]}" "$SOCKX" connect -z 127.0.0.1 1
}
