# bats file_tags=once
# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # requests have dollars; tests are processes
#
# sockx connect at real servers, which drop an answer that is still on its way when they read our
# end, and end in order: every answer comes whole, with status 0, and in a second more than it takes.
# The same code is run under the sanitizers by connect.bats, whose servers do as these.

load helper

BODY='the answer'

setup_file() {
    random_file "$BATS_FILE_TMPDIR/page" 5000000
    random_file "$BATS_FILE_TMPDIR/big" 100000000
}

setup() {
    exec </dev/null
    OURS=$BATS_TEST_TMPDIR
    PAGES=$BATS_FILE_TMPDIR
    GOT=$OURS/got
    AS_ROOT=
    [ "$(id -u)" != 0 ] || AS_ROOT=yes
}

teardown() {
    rm -f "$GOT" "$OURS/request"
    end_all
}

# Serves PAGES; /slow is the backend's, on port BACKEND.
start_nginx() {
    free_port
    cat >"$OURS/nginx.conf" <<EOF
${AS_ROOT:+user root;}
daemon off;
master_process off;
pid $OURS/nginx.pid;
events { }
http {
    access_log off;
    client_body_temp_path $OURS/body;
    proxy_temp_path $OURS/proxy;
    fastcgi_temp_path $OURS/fastcgi;
    uwsgi_temp_path $OURS/uwsgi;
    scgi_temp_path $OURS/scgi;
    server {
        listen 127.0.0.1:$PORT;
        root $PAGES;
        ${BACKEND:+location /slow { proxy_pass http://127.0.0.1:$BACKEND; \}}
    }
}
EOF
    start_peer /usr/sbin/nginx -p "$OURS" -e "$OURS/nginx.err" -c "$OURS/nginx.conf"
}

# OPTION: before the backend.
start_haproxy() {
    free_port
    cat >"$OURS/haproxy.cfg" <<EOF
defaults
    mode http
    timeout connect 5s
    timeout client 20s
    timeout server 20s
    $1
listen front
    bind 127.0.0.1:$PORT
    server backend 127.0.0.1:$BACKEND
EOF
    start_peer /usr/sbin/haproxy -db -f "$OURS/haproxy.cfg"
}

start_redis() {
    free_port
    start_peer redis-server --bind 127.0.0.1 --port "$PORT" --save '' --dir "$OURS" --daemonize no
}

start_memcached() {
    free_port
    start_peer memcached -l 127.0.0.1 -p "$PORT" -U 0 ${AS_ROOT:+-u root}
}

# It takes a second, and so much more that a client which waits for just a second is seen to fail.
start_backend() {
    start_script server.py http 1100
    BACKEND=$PORT
}

# shellcheck disable=SC2002 # a pipe is what is meant
piped() {
    cat "$OURS/request" | sockx connect "$@" 127.0.0.1 "$PORT" >"$GOT" 2>"$GOT.err"
}

# REQUEST [OPTION...]: what comes back is in GOT, what is said in GOT.err. Status 0, in less than 3 s.
asks() {
    local request=$1

    shift
    printf '%b' "$request" >"$OURS/request"
    timed piped "$@"
    took_between 0 3000
}

# FILE: it is the body of the page that came, with an end of head before it.
got_page() {
    local size

    size=$(stat -c %s "$1")
    tail -c "$size" "$GOT" | cmp - "$1"
    [[ $(head -c "-$size" "$GOT") == "HTTP/1.1 200 OK"*$'\r\n\r' ]]
}

@test "nginx: twenty pages of 5 MB come whole" {
    start_nginx
    for _ in {1..20}; do
        asks 'GET /page HTTP/1.0\r\n\r\n'
        got_page "$PAGES/page"
    done
}

@test "nginx: a page of 100 MB comes whole, and from a file of input" {
    start_nginx
    asks 'GET /big HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'
    got_page "$PAGES/big"
    sockx connect 127.0.0.1 "$PORT" <"$OURS/request" >"$GOT"
    got_page "$PAGES/big"
}

@test "nginx: a connection that it would keep is over a second after the page" {
    start_nginx
    asks 'GET /page HTTP/1.1\r\nHost: x\r\n\r\n'
    [ "$TOOK_MS" -ge 1000 ]
    got_page "$PAGES/page"
}

@test "nginx before a backend that takes a second" {
    start_backend
    start_nginx
    asks 'GET /slow HTTP/1.0\r\n\r\n'
    has_line "$GOT" "^$BODY$"
    asks 'GET /slow HTTP/1.0\r\n\r\n' -Nv
    equal "$(stat -c %s "$GOT")" 0
    has_line "$GOT.err" 'ended without an answer, right after our end of input; .*try --no-shutdown'
}

@test "haproxy before a backend that takes a second" {
    start_backend
    start_haproxy 'option abortonclose'
    for _ in 1 2; do
        asks 'GET / HTTP/1.0\r\n\r\n'
        has_line "$GOT" "^$BODY$"
    done
}

@test "redis: 100 MB go in and come out whole" {
    start_redis
    { printf '*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n$100000000\r\n' && cat "$PAGES/big" && printf '\r\n'; } >"$OURS/set"
    timed sockx connect 127.0.0.1 "$PORT" <"$OURS/set" >"$GOT"
    took_between 0 3000
    equal "$(cat "$GOT")" $'+OK\r'
    rm "$OURS/set"
    asks 'GET big\r\n'
    equal "$(head -n 1 "$GOT")" $'$100000000\r'
    equal "$(stat -c %s "$GOT")" 100000014
    tail -c 100000002 "$GOT" | head -c 100000000 | cmp - "$PAGES/big"
}

@test "redis ends with our input, or at QUIT" {
    start_redis
    asks 'PING\r\n'
    [ "$TOOK_MS" -ge 1000 ]
    equal "$(cat "$GOT")" $'+PONG\r'
    asks 'PING\r\nQUIT\r\n'
    equal "$(cat "$GOT")" $'+PONG\r\n+OK\r'
}

@test "memcached ends with our input, or at quit" {
    start_memcached
    asks 'set k 0 0 5\r\nhello\r\nget k\r\n'
    [ "$TOOK_MS" -ge 1000 ]
    equal "$(cat "$GOT")" $'STORED\r\nVALUE k 0 5\r\nhello\r\nEND\r'
    asks 'get k\r\nquit\r\n'
    equal "$(cat "$GOT")" $'VALUE k 0 5\r\nhello\r\nEND\r'
}
