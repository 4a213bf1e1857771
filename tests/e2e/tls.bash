# shellcheck shell=bash disable=SC2034,SC2154
#
# What the files about TLS share: `load tls` after `load helper`.
#
#   make_ca NAME              $CERTS/NAME.pem and NAME.key: a certificate that may sign others
#   make_cert NAME SAN [ARG...]  the same for a server or client, signed by ca; ISSUER=NAME: another,
#                             FROM=DATE TO=DATE (YYYYMMDDHHMMSSZ): valid then; ARG: for openssl req
#   serve_tls [ARG...]        start_server over TLS, with a certificate of its own; sets PIN, and TO,
#                             the arguments of a client that knows it
#   serve_with NAME [ARG...]  the same with the certificate NAME; TO verifies by ca
#   serve_tls_unix PATH [ARG...]  as serve_tls, on a Unix socket
#   use_version 1.2|1.3       from here on, OpenSSL speaks that version at most (and at least)
#   ends_with STATUS ARG...   sockx with those arguments ends so
#   told TEXT                 ... and said so on standard error, in $stderr
#   was_served STATUS         the server ends by itself, with that status

CERTS=$BATS_FILE_TMPDIR/certs

# $CERTS, with the configuration of a little authority.
make_certs() {
    mkdir -p "$CERTS"
    : >"$CERTS/index.txt"
    cat >"$CERTS/ca.cnf" <<EOF
[ca]
default_ca = little
[little]
database = $CERTS/index.txt
new_certs_dir = $CERTS
rand_serial = yes
unique_subject = no
default_md = sha256
policy = any
copy_extensions = copy
[any]
commonName = supplied
EOF
}

new_key=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes)

make_ca() {
    openssl req -x509 "${new_key[@]}" -subj "/CN=$1" -days 30 \
        -keyout "$CERTS/$1.key" -out "$CERTS/$1.pem" 2>"$CERTS/log" ||
        fail "$(cat "$CERTS/log")"
}

make_cert() {
    local name=$1 issuer=$CERTS/${ISSUER:-ca} san=()

    if [ -n "$2" ]; then
        san=(-addext "subjectAltName=$2")
    fi
    {
        openssl req -new "${new_key[@]}" -subj "/CN=$name" "${san[@]}" "${@:3}" \
            -keyout "$CERTS/$name.key" -out "$CERTS/$name.csr" &&
            openssl ca -batch -notext -config "$CERTS/ca.cnf" -cert "$issuer.pem" -keyfile "$issuer.key" \
                -startdate "${FROM:-20200101000000Z}" -enddate "${TO:-20991231235959Z}" \
                -in "$CERTS/$name.csr" -out "$CERTS/$name.pem"
    } 2>"$CERTS/log" || fail "$(cat "$CERTS/log")"
}

learn_pin() {
    PIN=$(grep -Eom 1 'sha256:[0-9a-f]{64}' "$SERVER_ERR")
    TO+=(--tls --tls-pin "$PIN")
}

serve_tls() {
    start_server -H 127.0.0.1 --tls "$@" || return
    TO=(-H 127.0.0.1 -p "$PORT")
    learn_pin
}

serve_tls_unix() {
    start_unix_server "$1" --tls "${@:2}" || return
    TO=(-U "$1")
    learn_pin
}

serve_with() {
    start_server -H 127.0.0.1 --tls --tls-cert "$CERTS/$1.pem" --tls-key "$CERTS/$1.key" "${@:2}" || return
    TO=(-H 127.0.0.1 -p "$PORT" --tls --tls-ca "$CERTS/ca.pem")
}

use_version() {
    export OPENSSL_CONF=$BATS_TEST_TMPDIR/openssl.cnf

    cat >"$OPENSSL_CONF" <<EOF
openssl_conf = all
[all]
ssl_conf = ssl
[ssl]
system_default = versions
[versions]
MinProtocol = TLSv$1
MaxProtocol = TLSv$1
EOF
}

ends_with() {
    run --separate-stderr sockx "${@:2}"
    expect_status "$1"
}

told() {
    [[ $stderr == *"$1"* ]] || fail "'$1' is not in: $stderr"
}

# PATTERN: the server says it, or has said so.
server_tells() {
    wait_until has_line "$SERVER_ERR" "$1" || fail "the server said:" "$(cat "$SERVER_ERR")"
}

was_served() {
    wait_server
    [ "$SERVER_STATUS" -eq "$1" ] || fail "the server's status is $SERVER_STATUS:" "$(cat "$SERVER_ERR")"
}
