# shellcheck shell=bash disable=SC2034
#
# Two machines with a cable between them: `load network` after `load helper`.
#
#   needs_machines            in setup_file: whether there can be any
#   on_machines               skips the test where there are none
#   begin CASE ARG...         the function CASE runs on two machines of its own, in the background
#   all_well CASE...          each of these, its words in one: begins it if it has not been, waits for it, and
#                               fails if it has, with what it said
#
# A machine is a network namespace. The processes of a case have a namespace of their own, too: all end with
# the first of them, which is killed if its parent dies. With them go the machines and the cable.
#
# A case runs in a directory of its own, on the machine `here`, with all functions there are, and these:
#
#   here CMD..., there CMD... run CMD on that machine
#   lose PERCENT WHERE...     of what comes there by a connection, and of all datagrams, by chance
#   lost                      how many that has been
#   packets WHERE             how many have come
#   slow RATE                 neither end sends faster (tc-tbf(8))
#   mtu BYTES                 of the cable
#   cable WHERE up|down       its end at that machine
#   rule WHERE RULE           nftables, about what comes in
#   limit WHERE NAME VALUE    below /proc/sys/net, where there is one of that name
#   serve ARG...              `sockx serve` there, listening when this returns: from there.in to there.out
#   connect ARG...            `sockx connect` here: from here.in to here.out. Both in the background, what they
#                               say in there.err and here.err; AT is the server's address
#   client ARG...             another command of sockx here, to its end: CLIENT_STATUS, its output in here.out
#   in_halves WHERE...        the input there is half a file, and the other half once there is a `go_on`
#   half_has_come WHERE...    as much has been written there
#   both_end HERE THERE       with these statuses
#   arrived [there]           all that was sent to both, or only there

HERE=192.0.2.1
THERE=192.0.2.2
HERE6=2001:db8::1
THERE6=2001:db8::2
AT=$THERE
: "${NETWORK_BYTES:=262144}" "${NETWORK_DOWN_S:=3}" "${NETWORK_PATIENCE_S:=12}" "${NETWORK_LIMIT_S:=30}"

# ---- from outside ----

MACHINES=(setpriv --pdeathsig KILL unshare --net --pid --fork --kill-child)
[ "$(id -u)" = 0 ] || MACHINES+=(--user --map-root-user)

needs_machines() {
    begin is_possible
    wait "${jobs_left[-1]}" || NETWORK_MISSING=$(head -n 1 "$BATS_FILE_TMPDIR/is_possible/said")
    export NETWORK_MISSING
}

on_machines() {
    [ -z "${NETWORK_MISSING-}" ] || skip "no two machines can be had here: $NETWORK_MISSING"
}

is_possible() {
    lose 1 here there
    slow 1mbit
    rule here 'tcp dport 9 reject with tcp reset'
}

begin() {
    local base="$BATS_FILE_TMPDIR/$*"

    mkdir "$base"
    {
        declare -p SOCKX HERE THERE HERE6 THERE6 AT NETWORK_BYTES NETWORK_DOWN_S NETWORK_PATIENCE_S NETWORK_LIMIT_S
        declare -f
        # LeakSanitizer wants the /proc of these processes, and they have none.
        # shellcheck disable=SC2016 # for the inner shell
        printf '%s\n' 'export ASAN_OPTIONS="${ASAN_OPTIONS-}:detect_leaks=0"' \
            'trap '\''echo $? >status'\'' EXIT' \
            'trap '\''echo "failed: $BASH_COMMAND" >&2'\'' ERR' 'set -eE' make_machines
        printf '%q ' "$@"
    } >"$base/script"
    # shellcheck disable=SC2016 # for the inner shell
    "${MACHINES[@]}" bash -c '
        cd "$1"
        exec 8</proc/self/ns/net
        exec unshare --net bash script' case "$base" </dev/null >"$base/said" 2>&1 3>&- &
    jobs_left+=($!)
    echo $! >"$base/pid"
}

all_well() {
    local each base bad=0

    for each in "$@"; do
        # shellcheck disable=SC2086 # words
        [ -d "$BATS_FILE_TMPDIR/$each" ] || begin $each
    done
    for each in "$@"; do
        base=$BATS_FILE_TMPDIR/$each
        wait_until $((2 * NETWORK_LIMIT_S)) is_over "$base" || bad=1
        [ "$(cat "$base/status")" = 0 ] || bad=1
        [ "$bad" = 0 ] || fail "$each:" "$(tail -n 30 "$base"/{said,*.err} /dev/null)" || return 1
    done
}

is_over() {
    [ -s "$1/status" ] || is_gone "$(<"$1/pid")" || { sleep 0.05 && false; }
}

# ---- the machines ----

here() {
    "$@"
}

there() {
    nsenter --net=/proc/self/fd/8 "$@"
}

make_machines() {
    there ip link add cable type veth peer name cable netns 1
    make_machine here "$HERE" "$HERE6"
    make_machine there "$THERE" "$THERE6"
    random_file here.in "$NETWORK_BYTES"
    random_file there.in "$NETWORK_BYTES"
}

# WHERE ADDRESS ADDRESS6. No packet is longer than the MTU, as on a cable. A kernel has room for all that is to be
# sent. What is lost it sends again soon, after a second at the latest if it can be told so, and again and again.
# IPv6 addresses outlast an end that is down.
make_machine() {
    "$1" sh -es "$2" "$3" $((4 * NETWORK_BYTES)) <<'END'
cd /proc/sys/net
while read -r name value; do
    { echo "$value" >"$name"; } 2>/dev/null || :
done <<VALUES
ipv4/tcp_wmem 4096 $3 $3
ipv4/tcp_rto_min_us 20000
ipv4/tcp_rto_max_ms 1000
ipv4/tcp_thin_linear_timeouts 1
ipv4/tcp_retries2 100
ipv4/tcp_congestion_control cubic
ipv6/conf/all/keep_addr_on_down 1
VALUES
ip -batch - <<LINKS
link set lo up
link set cable gso_max_segs 1
addr add $1/24 dev cable
addr add $2/64 dev cable nodad
link set cable up
LINKS
nft 'table inet machine {
    counter lost { }
    chain lose { type filter hook prerouting priority raw; }
    chain come { type filter hook input priority filter; }
}'
END
}

# WHERE NAME VALUE
limit() {
    # shellcheck disable=SC2016 # for the inner shell
    "$1" sh -c 'echo "$2" >"/proc/sys/net/$1"' sh "$2" "$3" 2>/dev/null || :
}

# Connections are made all the same: what is lost of that is sent again a second later, then two, then four.
lose() {
    local where what="numgen random mod 100 < $1 counter name lost drop"

    for where in "${@:2}"; do
        "$where" nft "add rule inet machine lose tcp flags & syn == 0 $what
            add rule inet machine lose meta l4proto udp $what"
    done
}

lost() {
    { here nft list counters && there nft list counters; } |
        awk '$1 == "packets" { sum += $2 } END { print sum }'
}

slow() {
    here tc qdisc add dev cable root tbf rate "$1" burst 3000 limit 60000
    there tc qdisc add dev cable root tbf rate "$1" burst 3000 limit 60000
}

mtu() {
    here ip link set cable mtu "$1"
    there ip link set cable mtu "$1"
}

cable() {
    "$1" ip link set cable "$2"
}

rule() {
    "$1" nft "add rule inet machine come $2"
}

packets() {
    # shellcheck disable=SC2016 # awk's own
    "$1" awk '$1 == "cable:" { print $3 }' /proc/self/net/dev
}

# ---- both ends ----

# WHERE COMMAND...
run_on() {
    local run=(timeout -k 1 "$NETWORK_LIMIT_S" "${@:2}")

    [ "$1" = here ] || run=(nsenter --net=/proc/self/fd/8 "${run[@]}")
    if [ -p "$1.go" ]; then
        exec "${run[@]}" < <(feed "$1") >"$1.out" 2>"$1.err"
    else
        exec "${run[@]}" <"$1.in" >"$1.out" 2>"$1.err"
    fi
}

feed() {
    head -c $((NETWORK_BYTES / 2)) "$1.in"
    read -r _ <"$1.go"
    tail -c $((NETWORK_BYTES / 2)) "$1.in"
}

in_halves() {
    local where

    for where in "$@"; do
        mkfifo "$where.go"
    done
}

go_on() {
    local where

    for where in *.go; do
        echo >"$where"
    done
}

serve() {
    run_on there "$SOCKX" serve -H "$AT" -p 9000 "$@" &
    SERVER=$!
    wait_until has_line there.err '^listening on'
}

connect() {
    run_on here "$SOCKX" connect -H "$AT" -p 9000 "$@" &
    CLIENT=$!
}

client() {
    CLIENT_STATUS=0
    (run_on here "$SOCKX" "$1" -H "$AT" -p 9000 "${@:2}") || CLIENT_STATUS=$?
}

half_has_come() {
    local where

    for where in "$@"; do
        wait_until "$NETWORK_LIMIT_S" has_bytes "$where.out" $((NETWORK_BYTES / 2))
    done
}

both_end() {
    local here=0 there=0

    wait "$CLIENT" || here=$?
    wait "$SERVER" || there=$?
    equal "here $here, there $there" "here $1, there $2"
}

arrived() {
    same_bytes here.in there.out
    [ "${1-}" = there ] || same_bytes there.in here.out
}
