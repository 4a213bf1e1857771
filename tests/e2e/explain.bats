# shellcheck disable=SC2030,SC2031,SC2153,SC2154 # tests are processes; run sets output
#
# What --explain says of real runs: a first-course reader's, and of the failures that they meet.

load helper
load tls
load unix

# ARG...: what a client explains goes to SAID, each sentence in one row.
explained() {
    run --separate-stderr timeout 20 "$SOCKX" "$@" --explain
    SAID=$(sed -E ':more; N; $!b more; s/\n {16}/ /g' <<<"$stderr")
}

tells() {
    [[ $SAID == *"$1"* ]] || fail "it does not tell '$1':" "$SAID"
}

setup_file() {
    make_certs
    make_ca ca
    make_ca other
    make_cert good DNS:localhost,IP:127.0.0.1
    make_cert elsewhere DNS:example.org,IP:192.0.2.7
    make_cert loud $'DNS:a\e[31mb' -subj $'/CN=loud\e[31m'
    FROM=20200101000000Z TO=20210101000000Z make_cert old DNS:localhost,IP:127.0.0.1
}

# bats test_tags=unit
@test "an echo over TCP, on both sides" {
    start_server -m echo -H 127.0.0.1 --explain
    explained echo -H 127.0.0.1 -p "$PORT" hello
    expect_status 0
    equal "$output" hello
    tells '# getsockname shows our own address. The program never called bind: connect chose it, with a free port. [ip(7)]'
    tells '# send hands bytes to the kernel.'
    tells "Summary: connection 1, from 127.0.0.1:"
    tells " to 127.0.0.1:$PORT: 5 bytes received, 5 sent, in "
    tells '; we ended first.'
    stop_server
    SAID=$(sed -E ':more; N; $!b more; s/\n {16}/ /g' "$SERVER_ERR")
    tells '# accept makes a new socket, for this client alone.'
    tells '# 0 is the end, not an empty message'
    tells 'CLOSE_WAIT: the peer has ended'
    tells '5 bytes received, 5 sent, in '
    tells "; the peer ended first."
    [[ $SAID == *' calls are shown; the run took '*' ms.' ]] || fail "$SAID"
    tells '# SIGTERM has come: the server ends.'
    equal "$(grep -c '# accept makes' "$SERVER_ERR")" 1
}

# bats test_tags=unit
@test "how its lines are read comes first, and why our end waits" {
    start_server -m echo -H 127.0.0.1
    explained connect -H 127.0.0.1 -p "$PORT" <<<hello
    expect_status 0
    [[ $SAID == *'# Each line: '*' socket(AF_INET'* ]] || fail "$SAID"
    tells '# Our input has ended. We pass that on once the peer has been silent for 1.'
    explained connect --json -H 127.0.0.1 -p "$PORT" <<<hello
    [[ $stderr != *'Each line: '* ]] || fail "$stderr"
}

@test "an echo over UDP" {
    start_server -u -m echo -H 127.0.0.1
    explained echo -u -H 127.0.0.1 -p "$PORT" hello
    expect_status 0
    tells 'SOCK_DGRAM over IP is UDP'
    tells 'Over UDP, connect sends nothing.'
    tells 'One send is one datagram.'
}

# bats test_tags=unit
@test "a greeting over a Unix socket" {
    start_unix_server "$BATS_TEST_TMPDIR/socket" -m greet
    explained greet -U "$BATS_TEST_TMPDIR/socket"
    expect_status 0
    tells 'AF_UNIX connects programs of one machine'
    tells '0 is the end, not an empty message'
}

# bats test_tags=unit
@test "an address that is taken: by which process" {
    start_server -m echo -H 127.0.0.1
    explained serve -m echo -H 127.0.0.1 -p "$PORT"
    expect_status 3
    tells "# Another socket has that port, on this address or on all of them. [bind(2)]"
    tells "# It is in process $SERVER_PID (sockx)."
}

# bats test_tags=unit
@test "an address that this machine does not have: which it has" {
    explained serve -H 192.0.2.77 -p 0
    expect_status 3
    tells '# No interface of this machine has that address. [bind(2)]'
    tells '# This machine has '
    tells '127.0.0.1'
}

# bats test_tags=unit
@test "a refused connection: the machine answered" {
    free_port
    explained connect -H 127.0.0.1 -p "$PORT"
    expect_status 7
    tells '# The machine answered, and at once: it is up, and nothing listens on that port.'
}

# bats test_tags=unit
@test "a refused datagram: what came late, and from where" {
    free_port
    explained connect -u -H 127.0.0.1 -p "$PORT" <<<hello
    expect_status 7
    tells 'nothing hears on that port. UDP learns of it only at a later call. [udp(7)]'
    tells ", 127.0.0.1:$PORT, MSG_ERRQUEUE) = 0"
    [[ $SAID != *'Nothing has arrived.'* ]] || fail "no recv waits for what is asked of the queue of errors:" "$SAID"
}

# bats test_tags=unit
@test "no answer: nothing said no" {
    start_script server.py black_hole
    explained connect -w 300ms -H 127.0.0.1 -p "$PORT"
    expect_status 5
    tells 'No answer came until this attempt was given up. Most likely a server on this machine does not call accept, and its queue is full'
}

@test "as objects, one a line" {
    start_server -m echo -H 127.0.0.1
    run --separate-stderr "$SOCKX" echo -j --explain -H 127.0.0.1 -p "$PORT" hello
    expect_status 0
    [[ $stderr == *'"event":"explained","at_ms":'*'"text":"'*'","see":"'* ]] || fail "$stderr"
}

# FILE: the messages of TLS, without their lengths, and of the hellos without what is in them.
messages() {
    sed -nE 's/^ *[0-9.]+ +[0-9-]+ ([<>] [A-Za-z]+), [0-9]+ bytes?/\1/; T; s/Hello:.*/Hello/; p' "$1" | paste -sd ' '
}

@test "a handshake of TLS 1.3: its messages on both sides" {
    serve_tls -m echo --trace
    explained echo "${TO[@]}" hello
    expect_status 0
    tells '# ClientHello asks for TLS: it has the versions and ciphers'
    tells ' > ClientHello, '
    tells ' bytes: TLS 1.3 or 1.2'
    tells '# ServerHello is the choice'
    tells ' bytes: TLS 1.3, TLS_'
    tells '# CertificateVerify is a signature over all messages so far.'
    tells '# Finished is a code over all messages'
    tells "# close_notify is TLS's own end."
    stop_server
    equal "$(messages "$SERVER_ERR")" '< ClientHello > ServerHello > ChangeCipherSpec > EncryptedExtensions > Certificate > CertificateVerify > Finished < ChangeCipherSpec < Finished < alert: warning, close_notify > alert: warning, close_notify'
}

# bats test_tags=unit
@test "messages of TLS as objects" {
    serve_tls -m echo
    run --separate-stderr "$SOCKX" echo "${TO[@]}" --trace=json hello
    expect_status 0
    [[ $stderr == *'"event":"tls.message","at_ms":'*'"conn":1,"direction":"sent","name":"ClientHello",'*'"length":'* ]] ||
        fail "$stderr"
    [[ $stderr == *'"direction":"sent","name":"alert","detail":"warning, close_notify","length":2}'* ]] || fail "$stderr"
}

# NAME: openssl shows that certificate, which sockx would not; TO are the arguments of a client.
show_cert() {
    free_port
    start_peer openssl s_server -accept "127.0.0.1:$PORT" -cert "$CERTS/$1.pem" -key "$CERTS/$1.key" -rev
    TO=(-H 127.0.0.1 -p "$PORT" --tls)
}

@test "a certificate: what was checked of it" {
    serve_with good -m echo --tls-ca "$CERTS/ca.pem" --explain
    explained echo "${TO[@]}" --tls-cert "$CERTS/good.pem" --tls-key "$CERTS/good.key" hello
    expect_status 0
    tells '# Checked: the certificate of CN=good leads to the authority CN=ca, which is one of the certificates that were given; today is within its dates, 2020-01-01 00:00:00Z to 2099-12-31 23:59:59Z; and it is for 127.0.0.1, which was asked for.'
    tells '# The handshake is done: TLSv1.3 with the cipher '
    stop_server
    SAID=$(sed -E ':more; N; $!b more; s/\n {16}/ /g' "$SERVER_ERR")
    tells '# CertificateRequest: the client is to show a certificate, too.'
    tells '# Checked: the certificate of CN=good leads to the authority CN=ca, '
}

@test "a certificate that has expired: when" {
    show_cert old
    explained echo "${TO[@]}" --tls-ca "$CERTS/ca.pem" hello
    expect_status 8
    tells '# Not accepted: the certificate of CN=old expired on 2021-01-01 00:00:00Z.'
    tells ' > alert, 2 bytes: fatal, certificate_expired'
}

@test "a certificate of an authority that is not known: whose" {
    serve_with good -m echo --explain
    explained echo -H 127.0.0.1 -p "$PORT" --tls --tls-ca "$CERTS/other.pem" hello
    expect_status 8
    tells '# Not accepted: the certificate of CN=good is signed by CN=ca, and that leads to none of the certificates that were given.'
    tells '# unknown_ca: the certificate leads to no authority that the sender of the alert trusts.'
    stop_server
    SAID=$(sed -E ':more; N; $!b more; s/\n {16}/ /g' "$SERVER_ERR")
    tells ' < alert, 2 bytes: fatal, unknown_ca'
}

# bats test_tags=unit
@test "a certificate of another name, and one that is loud" {
    show_cert elsewhere
    explained echo "${TO[@]}" --tls-ca "$CERTS/ca.pem" hello
    expect_status 8
    tells '# Not accepted: the certificate is for example.org, 192.0.2.7, and not for 127.0.0.1, which was asked for.'
    show_cert loud
    explained echo "${TO[@]}" --tls-ca "$CERTS/ca.pem" hello
    expect_status 8
    tells '# Not accepted: the certificate is for a\x1b[31mb, and not for 127.0.0.1'
    [[ $stderr != *$'\e'* ]]
}
