# shellcheck disable=SC2030,SC2031,SC2034,SC2153,SC2154 # tests are processes; run and helpers set variables
# bats file_tags=unit,tls
#
# TLS: who the peer is. Certificates that are right, and each that is not, with the status and the words
# for it; pins; client certificates; keys and files; the certificate that a server makes for itself; what
# -v and -j tell of them.

load helper
load tls

export BATS_TEST_TIMEOUT=60

ESC=$'\e'

setup_file() {
    make_certs
    make_ca ca
    make_ca other
    make_cert good DNS:localhost,IP:127.0.0.1
    make_cert elsewhere DNS:example.org,IP:192.0.2.7
    make_cert wild 'DNS:*.example.org'
    make_cert numbers IP:127.0.0.1
    make_cert nameless ''
    FROM=20200101000000Z TO=20210101000000Z make_cert old DNS:localhost,IP:127.0.0.1
    FROM=20900101000000Z make_cert young DNS:localhost,IP:127.0.0.1
    ISSUER=other make_cert foreign DNS:localhost,IP:127.0.0.1
    make_cert middle '' -addext basicConstraints=critical,CA:TRUE
    ISSUER=middle make_cert leaf DNS:localhost,IP:127.0.0.1
    cat "$CERTS/leaf.pem" "$CERTS/middle.pem" >"$CERTS/chain.pem"
    cp "$CERTS/leaf.key" "$CERTS/chain.key"
    cat "$CERTS/good.pem" "$CERTS/good.key" >"$CERTS/both.pem"
    openssl pkey -in "$CERTS/good.key" -aes256 -passout pass:sesame -out "$CERTS/locked.key"
    cp "$CERTS/good.pem" "$CERTS/locked.pem"
    echo sesame >"$CERTS/password"
    make_cert client '' -addext extendedKeyUsage=clientAuth
    ISSUER=other make_cert stranger ''
    make_cert loud "DNS:localhost,IP:127.0.0.1,DNS:a${ESC}[31mb" -subj "/CN=loud${ESC}[31m/O=two"$'\n'lines
    make_cert odd "DNS:localhost,IP:127.0.0.1,IP:::1"
    make_cert stub DER:30:06:87:01:7f:82:01:00
}

setup() {
    exec </dev/null
    cd "$BATS_TEST_TMPDIR" || return
}

# NAME [ARG...]: openssl s_server shows that certificate, which sockx would not.
show_cert() {
    free_port
    start_peer openssl s_server -accept "127.0.0.1:$PORT" -cert "$CERTS/$1.pem" -key "$CERTS/$1.key" -rev "${@:2}"
    TO=(-H 127.0.0.1 -p "$PORT" --tls --tls-ca "$CERTS/ca.pem")
}

# STATUS TEXT [ARG...]: what a client with those arguments says.
asks() {
    ends_with "$1" echo "${TO[@]}" "${@:3}" x
    told "$2"
    [ "$1" -eq 0 ] || equal "$(wc -l <<<"$stderr")" 2
}

pin_of() {
    echo "sha256:$(openssl x509 -in "$CERTS/$1.pem" -noout -pubkey | openssl pkey -pubin -outform DER |
        sha256sum | cut -d ' ' -f 1)"
}

# ---- a server's ----

@test "right: by name, by address, and with its chain" {
    serve_with good -m echo
    asks 0 ''
    TO[1]=localhost
    asks 0 '' -4
    TO=()
    serve_with chain -m echo
    asks 0 ''
}

@test "its dates: expired, and not valid yet" {
    show_cert old
    asks 8 'certificate has expired (2021-01-01 00:00:00Z)'
    told "is this machine's clock right?"
    show_cert young
    asks 8 'certificate is not yet valid (2090-01-01 00:00:00Z)'
}

@test "a server does not begin with one that all would refuse" {
    ends_with 8 serve --tls --tls-cert "$CERTS/old.pem" --tls-key "$CERTS/old.key" 0
    told 'has expired'
    ends_with 8 serve --tls --tls-cert "$CERTS/young.pem" --tls-key "$CERTS/young.key" 0
    told 'not valid yet'
    ends_with 8 serve --tls --tls-cert "$CERTS/good.pem" --tls-key "$CERTS/leaf.key" 0
    told 'does not belong to the certificate'
}

@test "its name: another, an address that is another, none, and the one that --tls-name expects" {
    serve_with elsewhere -m echo
    asks 8 "not for '127.0.0.1': it is for 'example.org, 192.0.2.7'"
    TO[1]=localhost
    asks 8 "not for 'localhost'" -4
    TO[1]=127.0.0.1
    asks 8 "not for 'example.com'" --tls-name example.com
    asks 0 '' --tls-name example.org
    asks 0 '' --tls-name 192.0.2.7
    asks 8 "not for '192.0.2.8'" --tls-name 192.0.2.8
    serve_with nameless -m echo
    asks 8 "not for 'localhost': it is for 'CN=nameless'" --tls-name localhost
    serve_with stub -m echo # an address of one byte, a name that is a NUL
    asks 8 "not for '127.0.0.1': it is for '?'"
    serve_with loud -m echo
    asks 8 "not for 'x.test': it is for 'localhost, 127.0.0.1, a\\x1b[31mb'" --tls-name x.test
    serve_with numbers -m echo
    asks 0 ''
    asks 8 "not for 'localhost'" --tls-name localhost
}

@test "its name: a wildcard stands for one label" {
    serve_with wild -m echo
    asks 0 '' --tls-name www.example.org
    asks 8 "not for 'a.b.example.org'" --tls-name a.b.example.org
    asks 8 "not for 'example.org'" --tls-name example.org
}

@test "its issuer: unknown, itself, or not shown" {
    serve_with foreign -m echo
    asks 8 'not accepted'
    told 'hint: if it is the one you mean: --tls-pin'
    told "$(pin_of foreign)"
    serve_tls -m echo
    TO=(-H 127.0.0.1 -p "$PORT" --tls --tls-ca "$CERTS/ca.pem")
    asks 8 'self-signed certificate'
    told "$PIN"
    serve_with leaf -m echo
    asks 8 'unable to get local issuer certificate'
}

@test "its pin: right whatever else is wrong, and wrong whatever else is right" {
    for name in foreign old; do
        show_cert "$name"
        ends_with 0 connect -N -H 127.0.0.1 -p "$PORT" --tls --tls-pin "$(pin_of "$name")"
        kill "$PEER_PID"
    done
    serve_with good -m echo
    TO=(-H 127.0.0.1 -p "$PORT" --tls --tls-pin "$(pin_of foreign)")
    asks 8 "its pin is another: $(pin_of good)"
}

@test "--tls-no-verify takes any, and says so each time" {
    show_cert old
    TO=(-H 127.0.0.1 -p "$PORT" --tls --tls-no-verify)
    ends_with 0 connect -N "${TO[@]}"
    told 'was not verified'
    equal "$(wc -l <<<"$stderr")" 1
}

@test "the system's store: SSL_CERT_FILE, SSL_CERT_DIR (hashed), or neither" {
    serve_with good -m echo
    TO=(-H 127.0.0.1 -p "$PORT" --tls)
    asks 8 'not accepted'
    export SSL_CERT_FILE=$CERTS/ca.pem
    asks 0 ''
    export SSL_CERT_FILE=$CERTS/other.pem
    asks 8 'not accepted'
    unset SSL_CERT_FILE
    mkdir store
    cp "$CERTS/ca.pem" store
    openssl rehash store
    export SSL_CERT_DIR=$PWD/store
    asks 0 ''
    mkdir empty
    export SSL_CERT_DIR=$PWD/empty
    asks 8 'not accepted'
    asks 0 '' --tls-ca "$CERTS/ca.pem"
    export SSL_CERT_FILE=$PWD/nowhere
    asks 2 nowhere
}

# ---- a client's ----

# NAME: the arguments of a client that shows it, in SHOW.
show() {
    SHOW=(--tls-cert "$CERTS/$1.pem" --tls-key "$CERTS/$1.key")
}

@test "clients with certificates: right, absent, of another authority" {
    serve_with good -m echo --tls-ca "$CERTS/ca.pem" -v
    show client
    asks 0 '' "${SHOW[@]}"
    server_tells 'certificate of .*CN=client'
    ends_with 8 echo "${TO[@]}" x
    told 'it requires a certificate of us'
    told '--tls-cert FILE'
    server_tells 'no certificate came, and one is required'
    show stranger
    ends_with 8 echo "${TO[@]}" "${SHOW[@]}" x
    told 'who signed our certificate'
    show client
    asks 0 '' "${SHOW[@]}"
}

@test "clients with certificates: over TLS 1.2" {
    use_version 1.2
    serve_with good -m echo --tls-ca "$CERTS/ca.pem"
    show client
    asks 0 '' "${SHOW[@]}"
    ends_with 8 echo "${TO[@]}" x
    told 'the peer refuses: it requires a certificate of us'
    told '--tls-cert FILE'
    show stranger
    ends_with 8 echo "${TO[@]}" "${SHOW[@]}" x
    told 'who signed our certificate'
}

@test "clients with certificates: one that leaves at once hears that it is refused" {
    serve_with good -m discard --tls-ca "$CERTS/ca.pem"
    for _ in {1..20}; do
        ends_with 8 connect "${TO[@]}" --send-only </dev/null
        told 'the peer refuses: it requires a certificate of us'
    done
    show client
    ends_with 0 connect "${TO[@]}" "${SHOW[@]}" --send-only </dev/null
}

@test "a client's own files are looked at before it connects" {
    free_port
    ends_with 2 echo -H 127.0.0.1 -p "$PORT" --tls --tls-cert nowhere x
    told 'cannot read the certificate'
    ends_with 8 echo -H 127.0.0.1 -p "$PORT" --tls --tls-cert "$CERTS/good.pem" --tls-key "$CERTS/ca.key" x
    ends_with 2 echo -H 127.0.0.1 -p "$PORT" --tls --tls-ca nowhere x
    told "nowhere"
}

# ---- files ----

# STATUS TEXT ARG...: a server does not begin.
refuses() {
    ends_with "$1" serve --tls "${@:3}" 0
    told "$2"
    equal "$(wc -l <<<"$stderr")" 2
    [[ $stderr == "sockx: "*$'\n'"hint: "?* ]] || fail "not an error and a hint: $stderr"
}

@test "a certificate and its key in one file" {
    start_server -H 127.0.0.1 --tls --tls-cert "$CERTS/both.pem" -m echo
    TO=(-H 127.0.0.1 -p "$PORT" --tls --tls-ca "$CERTS/ca.pem")
    asks 0 ''
}

@test "an encrypted key: its password is right, wrong, missing, or unreadable" {
    serve_with locked -m echo --tls-key-password "$CERTS/password"
    asks 0 ''
    echo wrong >wrong
    refuses 8 'password' --tls-cert "$CERTS/locked.pem" --tls-key "$CERTS/locked.key" --tls-key-password wrong
    run -2 setsid -w "$SOCKX" serve --tls --tls-cert "$CERTS/locked.pem" --tls-key "$CERTS/locked.key" 0
    [[ $output == *"is encrypted"*"--tls-key-password FILE" ]]
    refuses 2 'cannot read the password' --tls-cert "$CERTS/locked.pem" --tls-key "$CERTS/locked.key" \
        --tls-key-password nowhere
}

# STATUS STEP...: what the server with such a key does at a terminal; its screen is in $output.
asked_at_terminal() {
    run "-$1" --separate-stderr "$PYTHON" "$PEERS/dialogue.py" 'see:^Password of the key .*:' "${@:2}" -- \
        "$SOCKX" serve --tls --tls-cert locked.pem --tls-key locked.key -H 127.0.0.1 -p 0
}

@test "an encrypted key: its password is asked for at the terminal, once, and not shown" {
    cp "$CERTS"/locked.* .
    asked_at_terminal 0 type:sesame 'see:^listening on .*\(tls, pipe\) sha256:' 'keys:\x03'
    [[ $output != *sesame* ]]
    asked_at_terminal 8 type:wrong
    [[ $output == *"the password of the key in "*" is another"* ]]
    asked_at_terminal 2 'keys:\x03'
    [[ $output == *"is encrypted"* ]]
    [ "$(grep -c Password <<<"$output")" -eq 1 ]
}

@test "SSLKEYLOGFILE: keys for those who decrypt a capture, in a file that is no link, and told" {
    export SSLKEYLOGFILE=keys

    serve_with good -m echo
    asks 0 ''
    stop_server
    [ "$(stat -c %a keys)" = 600 ]
    # Four secrets of each side, which are the same.
    [ "$(grep -cE '^[A-Z0-9_]+ [0-9a-f]{64} [0-9a-f]{64,}$' keys)" -ge 8 ]
    [ "$(sort -u keys | wc -l)" -eq $(($(wc -l <keys) / 2)) ]
    has_line "$SERVER_ERR" '^keys: the keys of TLS are written there'
    ln -s keys link
    mkfifo fifo # without a reader: it is not waited for
    export SSLKEYLOGFILE=fifo
    refuses 2 "cannot write keys to 'fifo'" --tls-cert "$CERTS/good.pem" --tls-key "$CERTS/good.key"
    export SSLKEYLOGFILE=link
    refuses 2 "cannot write keys to 'link'" --tls-cert "$CERTS/good.pem" --tls-key "$CERTS/good.key"
}

@test "SSLKEYLOGFILE: where it takes no more, that is said once, and the connections go on" {
    export SSLKEYLOGFILE=/dev/full

    serve_with good -m echo
    unset SSLKEYLOGFILE
    asks 0 ''
    asks 0 ''
    stop_server
    [ "$(grep -c '^/dev/full: the keys of TLS are no longer written there: No space left on device$' "$SERVER_ERR")" -eq 1 ]
}

@test "files that are missing, unreadable, or hold something else" {
    local good=$CERTS/good

    : >empty
    refuses 2 "cannot read the certificate 'nowhere'" --tls-cert nowhere
    refuses 2 "cannot read the key 'nowhere'" --tls-cert "$good.pem" --tls-key nowhere
    refuses 2 'no certificate' --tls-cert empty
    refuses 2 'no certificate' --tls-cert "$good.key"
    refuses 2 'no certificate' --tls-cert /dev/null
    refuses 2 'no certificate' --tls-cert .
    openssl req -x509 -newkey rsa:1024 -nodes -subj /CN=weak -keyout weak.key -out weak.pem 2>/dev/null
    refuses 2 'ee key too small' --tls-cert weak.pem --tls-key weak.key
    told 'hint: make one with a stronger key'
    refuses 2 'no key' --tls-cert "$good.pem" --tls-key empty
    refuses 2 'no key' --tls-cert "$good.pem"
    refuses 2 'no key' --tls-cert "$good.pem" --tls-key .
    refuses 2 'nowhere' --tls-cert "$good.pem" --tls-key "$good.key" --tls-ca nowhere
    refuses 2 'empty' --tls-cert "$good.pem" --tls-key "$good.key" --tls-ca empty
    refuses 2 'cannot read certificates' --tls-cert "$good.pem" --tls-key "$good.key" --tls-ca "$good.key"
    if [ "$(id -u)" != 0 ]; then
        cp "$good.key" shut
        chmod 0 shut
        refuses 2 'Permission denied' --tls-cert "$good.pem" --tls-key shut
    fi
}

@test "a name with an escape sequence is shown harmless" {
    refuses 2 '' --tls-cert "a${ESC}[31m"
    [[ $stderr != *"$ESC"* ]] || fail "$(cat -v <<<"$stderr")"
}

# ---- the certificate that a server makes ----

@test "the pin of the 'listening' line, and of JSON, works pasted; it is another each time" {
    serve_tls -m echo
    asks 0 ''
    first=$PIN
    start_server -H 127.0.0.1 --tls -j -m echo
    PIN=$(sed -nE 's/.*"event":"listening".*"pin":"(sha256:[0-9a-f]{64})".*/\1/p' "$SERVER_ERR")
    [ "$PIN" != "$first" ]
    ends_with 0 echo -H 127.0.0.1 -p "$PORT" --tls --tls-pin "$PIN" x
}

@test "its names are those that the server listens on" {
    serve_tls -m echo
    openssl s_client -connect "127.0.0.1:$PORT" -showcerts </dev/null 2>/dev/null >shown
    openssl x509 -in shown -noout -ext subjectAltName >names
    grep -q 'DNS:localhost' names
    grep -q 'IP Address:127.0.0.1' names
    openssl x509 -in shown -out own.pem
    ends_with 0 echo -H 127.0.0.1 -p "$PORT" --tls --tls-ca own.pem x
    ends_with 0 echo -H localhost -4 -p "$PORT" --tls --tls-ca own.pem x
    ends_with 8 echo -H 127.0.0.1 -p "$PORT" --tls --tls-ca own.pem --tls-name example.org x
}

@test "--tls-keep: the same key after a restart, readable by its owner alone" {
    mkdir kept
    serve_tls -m echo --tls-keep kept
    first=$PIN
    equal "$(stat -c %a kept/*)" 600
    stop_server
    serve_tls -m echo --tls-keep kept
    equal "$PIN" "$first"
    asks 0 ''
    equal "$(find kept -type f | wc -l)" 1
}

@test "--tls-keep: a directory that is not there, not one, or holds something else" {
    refuses 2 'cannot keep the certificate' --tls-keep nowhere
    [ ! -e nowhere ]
    : >file
    refuses 2 '' --tls-keep file
    mkdir kept
    : >kept/sockx-tls.pem
    refuses 2 'no certificate' --tls-keep kept
    equal "$(stat -c %s kept/sockx-tls.pem)" 0
    if [ "$(id -u)" != 0 ]; then
        mkdir -m 500 shut
        refuses 2 'Permission denied' --tls-keep shut
    fi
}

@test "--tls-keep: a symbolic link in its place is not written through" {
    mkdir kept
    ln -s ../target kept/sockx-tls.pem
    refuses 2 '' --tls-keep kept
    [ ! -e target ]
}

@test "--tls-keep: another certificate for each directory" {
    mkdir a b
    serve_tls -m echo --tls-keep a
    first=$PIN
    serve_tls -m echo --tls-keep b
    [ "$PIN" != "$first" ]
}

# ---- what is told ----

@test "-v: version, cipher, subject, issuer, names, dates, pin, and how it was verified" {
    serve_with good -m echo
    ends_with 0 echo -v "${TO[@]}" x
    told "TLSv1.3, TLS_"
    told "certificate of CN=good by CN=ca, names localhost, 127.0.0.1, from 2020-01-01 00:00:00Z to 2099-12-31 23:59:59Z, $(pin_of good): verified by the given certificates"
    ends_with 0 echo -v -H 127.0.0.1 -p "$PORT" --tls --tls-pin "$(pin_of good)" x
    told 'verified by its pin'
    SSL_CERT_FILE=$CERTS/ca.pem ends_with 0 echo -v -H 127.0.0.1 -p "$PORT" --tls x
    told "verified by the system's certificates"
}

@test "-j: the same, as fields" {
    serve_with good -m echo
    ends_with 0 connect -j -v -N "${TO[@]}"
    "$PYTHON" - "$(pin_of good)" 3<<<"$stderr" <<'EOF' || fail "$stderr"
import json
import os
import sys

lines = [json.loads(line) for line in os.fdopen(3)]
agreed = [line for line in lines if "cipher" in line]
shown = [line for line in lines if "subject" in line]
assert len(agreed) == 1 and agreed[0]["tls"] == "TLSv1.3", lines
assert len(shown) == 1, lines
shown = shown[0]
assert shown["subject"] == "CN=good" and shown["issuer"] == "CN=ca", shown
assert shown["pin"] == sys.argv[1], shown
assert "localhost" in str(shown["names"]) and "127.0.0.1" in str(shown["names"]), shown
EOF
}

@test "a certificate with control characters is told harmless, on both sides" {
    serve_with loud -m echo --tls-ca "$CERTS/ca.pem" -v
    show loud
    ends_with 0 echo -v "${TO[@]}" "${SHOW[@]}" x
    told 'CN=loud'
    [[ $stderr != *[$'\e\a\r']* ]] || fail "$(cat -v <<<"$stderr")"
    server_tells 'CN=loud'
    ! grep -q "$ESC" "$SERVER_ERR" || fail "$(cat -v "$SERVER_ERR")"
    ends_with 0 connect -N -j -v "${TO[@]}" "${SHOW[@]}"
    [[ $stderr != *[$'\e\a\r']* ]] || fail "$(cat -v <<<"$stderr")"
    "$PYTHON" -c 'import json, sys; [json.loads(line) for line in sys.stdin]' <<<"$stderr"
}

@test "-v: addresses of both kinds, and names that are none" {
    serve_with odd -m echo
    ends_with 0 echo -v "${TO[@]}" x
    told ', names localhost, 127.0.0.1, ::1, from'
    serve_with stub -m echo # an address of one byte, a name that is a NUL
    ends_with 0 echo -v -H 127.0.0.1 -p "$PORT" --tls --tls-no-verify x
    told 'certificate of CN=stub by CN=ca'
}

@test "the port of a URL that was pasted" {
    ends_with 2 connect https://127.0.0.1/
    told --tls
}
