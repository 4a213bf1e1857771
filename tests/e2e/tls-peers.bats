# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2153,SC2154 # tests are processes; run and helpers set variables
# bats file_tags=tls,once
#
# TLS with other programs at the other end, each as client and as server: openssl, ncat, socat, curl,
# Python's ssl, nginx. What ends a transfer differs most: see each.

load helper
load tls

export BATS_TEST_TIMEOUT=60

setup_file() {
    make_certs
    make_ca ca
    make_cert good DNS:localhost,IP:127.0.0.1
    cat "$CERTS/good.pem" "$CERTS/good.key" >"$CERTS/both.pem"
    random_file "$BATS_FILE_TMPDIR/mib" 1048576
}

setup() {
    exec </dev/null
    MIB=$BATS_FILE_TMPDIR/mib
    CA=$CERTS/ca.pem
    cd "$BATS_TEST_TMPDIR" || return
}

# CMD...: a program that listens on PORT; TO are the arguments of a client.
start_tls_peer() {
    start_peer "$@" <&0
    TO=(-H 127.0.0.1 -p "$PORT" --tls --tls-ca "$CA")
}

# ---- openssl ----

s_client() {
    timeout 20 openssl s_client -connect "127.0.0.1:$PORT" -CAfile "$CA" -verify_return_error -quiet "$@" 2>err
}

# s_client leaves at the end of its input, unless -ign_eof (which -quiet sets): then with the server.
@test "openssl s_client: TLS 1.2 and 1.3" {
    for version in 2 3; do
        serve_with good -m exec -- sh -c 'head -c 1048576 | sha256sum'
        equal "$(s_client "-tls1_$version" <"$MIB")" "$(sha256sum <"$MIB")"
        serve_with good --send-only <"$MIB"
        s_client "-tls1_$version" >got
        was_served 0
        same_bytes got "$MIB"
    done
}

@test "openssl s_client sends a file: TLS 1.2 and 1.3" {
    for version in 2 3; do
        serve_with good # with nothing to send, it keeps its end back: s_client would leave at it
        timeout 20 openssl s_client -connect "127.0.0.1:$PORT" -CAfile "$CA" -quiet -no_ign_eof -nocommands "-tls1_$version" \
            <"$MIB" 2>err
        was_served 0
        same_bytes "$SERVER_OUT" "$MIB"
    done
}

@test "openssl s_server: a line and its answer, TLS 1.2 and 1.3" {
    for version in 2 3; do
        free_port
        start_tls_peer openssl s_server -accept "127.0.0.1:$PORT" -cert "$CERTS/good.pem" -key "$CERTS/good.key" \
            -rev -quiet "-tls1_$version"
        equal "$(printf 'abc\ndef\n' | sockx connect -N "${TO[@]}")" "$(printf 'cba\nfed')"
        kill "$PEER_PID"
    done
}

@test "openssl s_server -www: a page" {
    free_port
    start_tls_peer openssl s_server -accept "127.0.0.1:$PORT" -cert "$CERTS/good.pem" -key "$CERTS/good.key" -www -quiet
    printf 'GET / HTTP/1.0\r\n\r\n' | sockx connect "${TO[@]}" >page
    has_line page '^HTTP/1.0 200 ok'
    has_line page '</HTML>|</html>'
}

@test "openssl s_server takes a file: TLS 1.2 and 1.3" {
    held_input
    for version in 2 3; do
        free_port
        start_tls_peer openssl s_server -accept "127.0.0.1:$PORT" -cert "$CERTS/good.pem" -key "$CERTS/good.key" \
            -quiet -naccept 1 "-tls1_$version" <"$INPUT"
        ends_with 0 connect --send-only "${TO[@]}" <"$MIB"
        wait_until has_bytes "$PEER_OUT" 1048576
        same_bytes "$PEER_OUT" "$MIB"
        wait_job "$PEER_PID"
    done
}

@test "ALPN with openssl, both ways; and none in common" {
    serve_with good -k --tls-alpn h2,http/1.1 -j -v
    openssl s_client -connect "127.0.0.1:$PORT" -alpn http/1.1,spdy </dev/null >said 2>&1
    has_line said 'ALPN protocol: http/1.1'
    server_tells '"alpn":"http/1.1"'
    openssl s_client -connect "127.0.0.1:$PORT" </dev/null >said 2>&1
    has_line said 'No ALPN negotiated'
    run openssl s_client -connect "127.0.0.1:$PORT" -alpn spdy </dev/null
    [[ $output == *'no application protocol'* ]] || fail "$output"
    ends_with 8 connect "${TO[@]}" --tls-alpn imap
    told 'no protocol in common (ALPN)'
    free_port
    start_tls_peer openssl s_server -accept "127.0.0.1:$PORT" -cert "$CERTS/good.pem" -key "$CERTS/good.key" \
        -rev -quiet -alpn h2
    ends_with 0 connect -j -v -N "${TO[@]}" --tls-alpn http/1.1,h2
    told '"alpn":"h2"'
}

@test "openssl with a client's certificate, both ways" {
    make_cert client ''
    serve_with good -m echo --tls-ca "$CA"
    printf 'one\n' | s_client -cert "$CERTS/client.pem" -key "$CERTS/client.key" -no_ign_eof >/dev/null
    free_port
    start_tls_peer openssl s_server -accept "127.0.0.1:$PORT" -cert "$CERTS/good.pem" -key "$CERTS/good.key" \
        -rev -quiet -CAfile "$CA" -Verify 1 -verify_return_error
    equal "$(echo abc | sockx connect "${TO[@]}" --tls-cert "$CERTS/client.pem" --tls-key "$CERTS/client.key")" cba
    ends_with 8 connect "${TO[@]}"
    told '--tls-cert FILE'
}

# ---- ncat ----

@test "ncat --ssl as client: it leaves at the end of its input" {
    serve_with good -m echo
    timeout 20 ncat -4 --ssl --ssl-verify --ssl-trustfile "$CA" localhost "$PORT" < <(echo from ncat && sleep 0.3) >got
    equal "$(cat got)" 'from ncat'
}

@test "ncat --ssl --send-only sends a file, and --recv-only takes one" {
    serve_with good
    timeout 20 ncat -4 --ssl --ssl-verify --ssl-trustfile "$CA" --send-only localhost "$PORT" <"$MIB"
    was_served 4 # it ends without saying so
    has_line "$SERVER_ERR" 'without saying so'
    same_bytes "$SERVER_OUT" "$MIB"
    serve_with good --send-only <"$MIB"
    timeout 20 ncat --ssl --recv-only 127.0.0.1 "$PORT" >got
    was_served 0
    same_bytes got "$MIB"
}

# Where its input ends, it ends TCP under TLS: at once without any, and takes what comes all the same.
@test "ncat -l --ssl: a file to it" {
    held_input
    for way in --send-only -N; do
        for input in "$INPUT" /dev/null; do
            free_port
            start_tls_peer ncat -l --ssl --ssl-cert "$CERTS/good.pem" --ssl-key "$CERTS/good.key" 127.0.0.1 "$PORT" <"$input"
            case $way$input in
            -N/dev/null) ends_with 4 connect "$way" "${TO[@]}" <"$MIB" ;; # an answer may be cut short
            *) ends_with 0 connect "$way" "${TO[@]}" <"$MIB" ;;
            esac
            wait_job "$PEER_PID"
            same_bytes "$PEER_OUT" "$MIB"
        done
    done
}

@test "ncat -l --ssl --exec and --sh-exec: the answer comes whole" {
    for how in --exec --sh-exec; do
        free_port
        start_tls_peer ncat -l --ssl --ssl-cert "$CERTS/good.pem" --ssl-key "$CERTS/good.key" 127.0.0.1 "$PORT" \
            "$how" "/usr/bin/head -n 1"
        equal "$(echo 'one line' | sockx connect "${TO[@]}")" 'one line'
    done
}

@test "ncat --ssl -e as client: its program talks to a server" {
    held_input
    serve_with good -v <"$INPUT" # at its end, ncat leaves before its program
    echo 'a question' >&"$HELD"
    timeout 20 ncat --ssl --sh-exec 'read -r line; echo "got $line"' 127.0.0.1 "$PORT" 2>err || :
    wait_until has_line "$SERVER_OUT" 'got a question'
}

# ---- socat ----

@test "socat OPENSSL: as client" {
    serve_with good -m exec -- tr a-z A-Z
    equal "$(echo 'from socat' | timeout 20 socat -t 5 - "OPENSSL:localhost:$PORT,cafile=$CA,pf=ip4")" 'FROM SOCAT'
    serve_with good
    timeout 20 socat -u "FILE:$MIB" "OPENSSL:localhost:$PORT,cafile=$CA,pf=ip4"
    was_served 0
    same_bytes "$SERVER_OUT" "$MIB"
}

@test "socat OPENSSL-LISTEN: as server" {
    free_port
    start_tls_peer socat -t 5 "OPENSSL-LISTEN:$PORT,bind=127.0.0.1,cert=$CERTS/both.pem,verify=0" 'EXEC:tr a-z A-Z'
    equal "$(echo 'to socat' | sockx connect "${TO[@]}")" 'TO SOCAT'
    free_port
    start_tls_peer socat -u "OPENSSL-LISTEN:$PORT,bind=127.0.0.1,cert=$CERTS/both.pem,verify=0" CREATE:taken
    ends_with 0 connect "${TO[@]}" <"$MIB"
    wait_job "$PEER_PID"
    same_bytes taken "$MIB"
}

# ---- curl ----

@test "curl: a page from a program" {
    {
        printf 'HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\nConnection: close\r\n\r\n'
        cat "$MIB"
    } >page
    serve_with good -k --tls-alpn http/1.1 -m exec -- sh -c 'while read -r line; do [ "$line" != "$(printf "\r")" ] || break; done; cat page'
    curl -sS --cacert "$CA" "https://localhost:$PORT/" --ipv4 >got
    same_bytes got "$MIB"
    run curl -sS "https://localhost:$PORT/" --ipv4
    equal "$status" 60
}

@test "curl: a page that ends with the connection" {
    {
        printf 'HTTP/1.0 200 OK\r\n\r\n'
        cat "$MIB"
    } >page
    serve_with good -k -m exec -- sh -c 'read -r line; cat page; sleep 0.1'
    curl -sS --cacert "$CA" "https://localhost:$PORT/" --ipv4 >got
    same_bytes got "$MIB"
}

# ---- Python ----

@test "Python's ssl: a client that unwraps" {
    serve_with good -m echo
    "$PYTHON" - "$PORT" "$CA" <<'EOF'
import socket
import ssl
import sys

context = ssl.create_default_context(cafile=sys.argv[2])
raw = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
tls = context.wrap_socket(raw, server_hostname="localhost")
data = bytes(range(256)) * 1000
tls.sendall(data)
got = b""
while len(got) < len(data):
    got += tls.recv(65536)
assert got == data
tls.unwrap()  # our close_notify, and the peer's
raw.close()
EOF
}

@test "Python's ssl: a server that closes without a word, and one that unwraps" {
    cat >server.py <<'EOF'
import socket
import ssl
import sys

context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain(sys.argv[1])
listener = socket.create_server(("127.0.0.1", 0))
print("ready", listener.getsockname()[1], file=sys.stderr, flush=True)
for unwraps in (False, True):
    tls = context.wrap_socket(listener.accept()[0], server_side=True)
    tls.recv(100)
    tls.sendall(b"the answer\n")
    if unwraps:
        tls.unwrap()
    tls.close()
EOF
    PEERS=$PWD start_script server.py "$CERTS/both.pem"
    TO=(-H 127.0.0.1 -p "$PORT" --tls --tls-ca "$CA")
    ends_with 4 connect "${TO[@]}" <<<question
    equal "$output" 'the answer'
    told 'without saying so (close_notify)'
    told "hint: many programs end so, Python's and ncat among them"
    ends_with 0 connect "${TO[@]}" <<<question
    equal "$output" 'the answer'
}

# ---- nginx ----

start_nginx() {
    local as_root=

    [ "$(id -u)" != 0 ] || as_root='user root;'
    free_port
    mkdir -p pages
    cp "$MIB" pages/page
    cat >nginx.conf <<EOF
$as_root
daemon off;
master_process off;
pid $PWD/nginx.pid;
events { }
http {
    access_log off;
    client_body_temp_path $PWD/body;
    proxy_temp_path $PWD/proxy;
    fastcgi_temp_path $PWD/fastcgi;
    uwsgi_temp_path $PWD/uwsgi;
    scgi_temp_path $PWD/scgi;
    server {
        listen 127.0.0.1:$PORT ssl http2;
        ssl_certificate $CERTS/good.pem;
        ssl_certificate_key $CERTS/good.key;
        ssl_protocols $1;
        root $PWD/pages;
        location /up { proxy_pass https://127.0.0.1:${BACKEND:-1}; }
    }
}
EOF
    start_tls_peer /usr/sbin/nginx -p "$PWD" -e "$PWD/nginx.err" -c "$PWD/nginx.conf"
}

@test "nginx: a page of 1 MiB comes whole, over TLS 1.2 and 1.3" {
    for version in 1.2 1.3; do
        start_nginx "TLSv$version"
        printf 'GET /page HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' >request
        sockx connect -v --tls-alpn http/1.1 "${TO[@]}" <request >got 2>err
        has_line err "TLSv$version, "
        tail -c 1048576 got >page
        same_bytes page "$MIB"
        kill "$PEER_PID"
    done
}

@test "nginx before sockx: its upstream is https" {
    serve_with good -k -m exec -- sh -c 'read -r line; printf "HTTP/1.0 200 OK\r\n\r\nfrom behind"'
    BACKEND=$PORT start_nginx TLSv1.3
    equal "$(curl -sS --cacert "$CA" --ipv4 "https://localhost:$PORT/up")" 'from behind'
}

@test "relay to tls:// and nginx: plain in front, TLS after it" {
    start_nginx TLSv1.3
    start_server -H 127.0.0.1 -m relay --to "tls://localhost:$PORT" --to-tls-ca "$CA"
    curl -sS --http1.1 --ipv4 "http://localhost:$PORT/page" >got
    same_bytes got "$MIB"
}
