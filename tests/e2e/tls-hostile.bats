# shellcheck disable=SC2030,SC2031,SC2034,SC2153,SC2154 # tests are processes; run and helpers set variables
# bats file_tags=unit,tls
#
# TLS with peers that do not speak it, end or reset at any byte, send byte by byte, stall, or never read.

load helper
load measure
load tls

export BATS_TEST_TIMEOUT=120

setup() {
    exec </dev/null
    cd "$BATS_TEST_TMPDIR" || return
}

# What goes on is served.
goes_on() {
    equal "$(sockx echo "${TO[@]}" 'goes on')" 'goes on'
}

# PRINTF-TEXT: sent to the TLS port by a program that then reads to the end.
says_to_it() {
    "$PYTHON" - "$PORT" "$1" <<'EOF'
import socket
import sys

peer = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
peer.settimeout(5)
peer.sendall(sys.argv[2].encode().decode("unicode_escape").encode("latin-1"))
try:
    while peer.recv(1000):
        pass
except ConnectionResetError:
    pass
EOF
}

# ---- what is no TLS ----

@test "on a TLS port: HTTP, garbage, a hello of SSLv2, and ends" {
    serve_tls -m echo -v
    says_to_it 'GET / HTTP/1.0\r\n\r\n'
    server_tells '^1: .*HTTP without TLS'
    says_to_it 'CONNECT x:1 HTTP/1.0\r\n\r\n'
    server_tells '^2: .*HTTP without TLS'
    says_to_it 'SSH-2.0-OpenSSH_9.2p1\r\n'
    server_tells '^3: .*what came is not TLS'
    # SSLv2 CLIENT-HELLO: 2 bytes of length, type 1, version 2.0, three ciphers, a challenge
    says_to_it '\x80\x22\x01\x00\x02\x00\x09\x00\x00\x00\x10\x01\x00\x80\x03\x00\x80\x06\x00\x400123456789012345'
    server_tells '^4: '
    # A record of TLS 1.0 that has no handshake in it
    says_to_it '\x16\x03\x01\x00\x05\xff\x00\x00\x01\x00'
    server_tells '^5: .*is not served'
    # One that is too long
    says_to_it '\x16\x03\x01\xff\xff\x01\x00\x00\x00'
    server_tells '^6: .*is not served'
    timeout 5 nc -N 127.0.0.1 "$PORT" </dev/null || :
    server_tells '^7: .*is not served'
    head -c 300000 /dev/urandom | timeout 5 nc -N 127.0.0.1 "$PORT" >/dev/null || :
    server_tells '^8: .*is not served'
    goes_on
}

@test "a client without TLS at a TLS port ends, with a status" {
    serve_tls -m echo
    LIMIT=5 ends_with 9 echo -v -H 127.0.0.1 -p "$PORT" 'without TLS' # the server's alert is no echo
    told "speaks TLS: see --tls"
    for into in file pipe; do
        if [ "$into" = file ]; then
            sockx connect -v -H 127.0.0.1 -p "$PORT" <<<'without TLS' >got 2>err
        else
            sockx connect -v -H 127.0.0.1 -p "$PORT" <<<'without TLS' 2>err | cat >got
        fi
        has_line err '127.0.0.1:[0-9]+ speaks TLS: see --tls'
        equal "$(stat -c %s got)" 7
    done
    goes_on
}

@test "a client of TLS at a plain pipe, which is served by the kernel alone: the server says so" {
    for into in file pipe; do
        if [ "$into" = file ]; then
            start_server -H 127.0.0.1 -v
        else
            SERVER_ERR=$PWD/err
            "$SOCKX" serve -H 127.0.0.1 -p 0 -v 2>err 3>&- > >(cat >taken) &
            adopt_server $! "$SERVER_ERR"
        fi
        ends_with 8 connect --tls -H 127.0.0.1 -p "$PORT"
        server_tells '^1: 127.0.0.1:[0-9]+ speaks TLS, and this server does not: see --tls'
        was_served 0
    done
}

@test "a client of TLS at a plain port: echo, greet, discard that ends, HTTP" {
    for mode in echo greet; do
        start_server -H 127.0.0.1 -m "$mode"
        ends_with 8 connect --tls -H 127.0.0.1 -p "$PORT"
        told 'does it speak TLS there?'
    done
    start_server -H 127.0.0.1 -k -m exec -- printf 'HTTP/1.1 400 Bad Request\r\n\r\n'
    ends_with 8 connect --tls -H 127.0.0.1 -p "$PORT"
    told 'does it speak TLS there?'
    start_server -H 127.0.0.1 -k -m exec -- true
    ends_with 8 connect --tls -H 127.0.0.1 -p "$PORT"
    told 'during the handshake'
    start_server -H 127.0.0.1 -m discard
    ends_with 5 connect --tls -w 0.2s -H 127.0.0.1 -p "$PORT"
    told 'hint: does it speak TLS there?'
}

# ---- cut at every point ----

@test "an end or a reset at every point of what the client sends" {
    serve_tls -m echo
    "$PYTHON" "$PEERS/tls_cut.py" "$SOCKX" "$PORT" "$PIN" up
    goes_on
}

@test "an end or a reset at every point of what the server sends: TLS 1.3" {
    serve_tls -m echo
    "$PYTHON" "$PEERS/tls_cut.py" "$SOCKX" "$PORT" "$PIN" down
    goes_on
}

@test "an end or a reset at every point of what the server sends: TLS 1.2" {
    use_version 1.2
    serve_tls -m echo
    "$PYTHON" "$PEERS/tls_cut.py" "$SOCKX" "$PORT" "$PIN" down
    goes_on
}

@test "an answer that ends without a word is 4, and what came is written" {
    make_certs
    make_ca ca
    cat >server.py <<'EOF'
import socket
import ssl
import sys

context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain(sys.argv[1], sys.argv[2])
listener = socket.create_server(("127.0.0.1", 0))
print("ready", listener.getsockname()[1], file=sys.stderr, flush=True)
tls = context.wrap_socket(listener.accept()[0], server_side=True)
tls.sendall(b"x" * 300000)
tls.close()
EOF
    PEERS=$PWD start_script server.py "$CERTS/ca.pem" "$CERTS/ca.key"
    status=0
    sockx connect --tls --tls-no-verify --recv-only -H 127.0.0.1 -p "$PORT" >got 2>err || status=$?
    equal "$status" 4
    equal "$(stat -c %s got)" 300000
    has_line err 'without saying so'
}

# ---- byte by byte ----

@test "handshake and data byte by byte, both ways" {
    serve_tls -m echo
    start_script tls_slow.py bytes "$PORT"
    head -c 3000 /dev/urandom >file
    sockx connect -N --tls --tls-pin "$PIN" -H 127.0.0.1 -p "$PORT" <file >got
    same_bytes got file
}

@test "many small records that come at once are all met" {
    serve_tls -m collect
    "$PYTHON" - "$PORT" <<'EOF'
import socket
import ssl
import sys

context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
raw = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
reads, writes = ssl.MemoryBIO(), ssl.MemoryBIO()
tls = context.wrap_bio(reads, writes)
while True:
    try:
        tls.do_handshake()
        break
    except ssl.SSLWantReadError:
        raw.sendall(writes.read())
        reads.write(raw.recv(65536))
for size in (10, 1000, 3):  # records of one size after the other, in one write each
    for i in range(3000):
        tls.write(b"%0*d\n" % (size, i))
    raw.sendall(writes.read())
raw.sendall(writes.read())
raw.settimeout(10)
try:
    tls.unwrap()
except ssl.SSLWantReadError:
    raw.sendall(writes.read())
while raw.recv(1000):
    pass
EOF
    wait_until [ "$(wc -l <"$SERVER_OUT")" -eq 9000 ]
}

# ---- slow, and too many ----

# bats test_tags=long
@test "a handshake that sends a byte a second is gone after 10 s" {
    serve_tls -m echo
    start_script tls_slow.py trickle "$PORT"
    wait_job "$PEER_PID" 20
    WHAT=seconds expect_at_most 9 "$(cat "$PEER_OUT")"
    WHAT=seconds expect_at_most "$(cat "$PEER_OUT")" 12
    goes_on
}

has_come_to_rest() {
    local used

    used=$(cpu_ns "$SERVER_PID")
    pause 0.1
    [ "$(cpu_ns "$SERVER_PID")" = "$used" ]
}

# bats test_tags=long
@test "500 clients that stall in the handshake: others are served, and they are gone after 10 s" {
    serve_tls -m echo
    start_script tls_slow.py stall "$PORT" 500
    wait_until has_come_to_rest # it may not have read the last of their bytes
    before=$(cpu_ns "$SERVER_PID")
    sleep 2
    spent=$((($(cpu_ns "$SERVER_PID") - before) / 1000))
    tell "500 stalled in the handshake: processor $spent us in 2 s"
    WHAT="us of a processor" expect_at_most "$spent" 20000
    load_run --tls --tls-pin "$PIN" --size 1024 --duration 2
    tell "beside 500 stalled in the handshake: p99 $(figure rtt_p99_us) us"
    WHAT="p99 in us" expect_at_most "$(figure rtt_p99_us)" 50000
    wait_job "$PEER_PID" 20
    tell "they were gone after $(cat "$PEER_OUT") s"
    WHAT=seconds expect_at_most "$(cat "$PEER_OUT")" 12
}

# bats test_tags=load
@test "1,000 clients at once" {
    serve_tls -m echo
    load_run --tls --tls-pin "$PIN" --connections 1000 --count 3 --size 2000
    equal "$(figure received)" 3000
    tell "1,000 TLS clients: p50 $(figure rtt_p50_us) us, p99 $(figure rtt_p99_us) us"
}

# bats test_tags=load
@test "the memory of an idle client" {
    held_input
    serve_tls -m echo
    goes_on
    before=$(anon_bytes "$SERVER_PID")
    start_script tls_slow.py idle "$PORT" 300 <"$INPUT"
    each=$((($(anon_bytes "$SERVER_PID") - before) / 300))
    tell "an idle TLS client takes $each bytes"
    WHAT="bytes an idle client" expect_at_most "$each" 30000
}

# bats test_tags=load
@test "key updates without end, whose answers are not read: memory is bounded" {
    serve_tls -m discard --sndbuf 4K
    start_script tls_slow.py deaf "$PORT"
    before=$(rss_bytes "$SERVER_PID")
    start_job sh -c "yes K | timeout 2 openssl s_client -connect 127.0.0.1:$PORT -tls1_3"
    wait_job "$JOB_PID" 10
    has_line "$JOB_ERR" 'KEYUPDATE'
    tell "key updates: $(grep -c KEYUPDATE "$JOB_ERR"), memory $((($(rss_bytes "$SERVER_PID") - before) / 1024)) KiB more"
    WHAT="bytes more" expect_at_most $(($(rss_bytes "$SERVER_PID") - before)) 4000000
    wait_until is_calm "$SERVER_PID" # once it has read what came
}
