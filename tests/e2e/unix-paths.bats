# shellcheck disable=SC2030,SC2031,SC2034,SC2153,SC2154 # tests are processes; helper reads; run sets output
# bats file_tags=unit
#
# Unix sockets' paths: no other program's is taken, of two that want one exactly one gets it, what a dead server
# has left is replaced, and nothing of ours is left. What goes through the sockets: unix.bats.

load helper
load unix

export BATS_TEST_TIMEOUT=60

teardown() {
    local bad=0

    end_all || bad=1
    [ -z "${SHARED:-}" ] || rm -rf "$SHARED"
    return "$bad"
}

KINDS="stream datagram seqpacket"

# KIND AT ARG...
start_echo() {
    start_kind "$1" "$2" -m echo "${@:3}"
}

# KIND AT: the server there answers.
is_served() {
    kind "$1"
    equal "$(sockx echo "${WITH[@]}" -U "$2" hello)" hello
}

# KIND PATH [REASON]: a server is refused the path, by a message and a hint.
is_refused() {
    kind "$1"
    run --separate-stderr "${AS[@]}" timeout 10 "$SOCKX" serve -m echo "${WITH[@]}" -U "$2"
    expect_status 3
    [[ ${stderr_lines[0]} == "sockx: cannot listen on unix:"*"${3:-}"* ]] || fail "it says: $stderr"
    [[ ${stderr_lines[1]} == hint:* ]] || fail "no hint: $stderr"
    equal "$output" ""
}

AS=()

# A directory that other users may look into, in SHARED; and AS, another user.
other_user() {
    [ "$(id -u)" -eq 0 ] || skip "another user cannot be had"
    SHARED=$(mktemp -d /tmp/sockx-paths.XXXXXX)
    chmod 755 "$SHARED"
    AS=(setpriv --reuid=65534 --regid=65534 --clear-groups)
    # What lies above may be another's to look at, too.
    "${AS[@]}" test -x "$SOCKX" || skip "another user cannot run $SOCKX"
}

# What is at a path: its kind, permissions, number and time.
what_is_at() {
    stat -c '%F %a %i %y' "$1"
}

# SIGKILL leaves the path.
kill_server() {
    kill -KILL "$SERVER_PID"
    wait "$SERVER_PID" || true
    forget_server "$SERVER_PID"
}

# ---- taken ----

# KIND: no server of any kind gets its path, and it goes on serving there.
keeps_its_path() {
    local before

    start_echo "$1" at
    before=$(what_is_at at)
    for other in $KINDS; do
        is_refused "$other" at "Address already in use"
        equal "$(what_is_at at)" "$before"
        is_served "$1" at
    done
}

@test "the path of a live stream server is not taken, by none of the three kinds" { keeps_its_path stream; }
@test "the path of a live datagram server is not taken, by none of the three kinds" { keeps_its_path datagram; }
@test "the path of a live server of sequenced packets is not taken, by none of the three kinds" { keeps_its_path seqpacket; }

@test "the path of a foreign server is not taken, and it notices nothing" {
    for served in $KINDS; do
        start_script unix_server.py "$([ "$served" = datagram ] && echo datagrams_tell || echo tell)" "$served" "$served"
        for other in $KINDS; do
            is_refused "$other" "$served" "Address already in use"
        done
        kind "$served"
        sockx connect "${WITH[@]}" -q 0 -U "$served" <<<"hello"
        wait_until has_line "$PEER_OUT" hello
        # No other client has come, nor said anything.
        equal "$(head -n 1 "$PEER_OUT")" "b'hello\\n'"
    done
}

@test "the path of a server that is stopped is not taken" {
    for served in $KINDS; do
        start_echo "$served" at
        kill -STOP "$SERVER_PID"
        for other in $KINDS; do
            is_refused "$other" at "Address already in use"
        done
        kill -CONT "$SERVER_PID"
        is_served "$served" at
        stop_server
    done
}

@test "the path of a server whose backlog is full is not taken" {
    for served in stream seqpacket; do
        start_echo "$served" at -b 1
        kill -STOP "$SERVER_PID"
        start_script unix_client.py idle "$served" at 2
        for other in $KINDS; do
            is_refused "$other" at "Address already in use"
        done
        kill -CONT "$SERVER_PID"
        stop_server
    done
}

@test "a path that is bound and not yet listened on is not taken" {
    for bound in $KINDS; do
        start_script unix_server.py bound "$bound" "$bound"
        for other in $KINDS; do
            is_refused "$other" "$bound" "Address already in use"
            [ -S "$bound" ]
        done
    done
}

@test "the path that a datagram client is bound to is not taken, be it connected or not" {
    # A connected socket hears no other, and says so.
    start_echo datagram server
    held_input
    start_job "$SOCKX" connect -u -s client -U server <"$INPUT"
    wait_until test -S client
    for other in $KINDS; do
        is_refused "$other" client "Address already in use"
    done
    echo hello >&"$HELD"
    wait_until has_line "$JOB_OUT" hello
}

@test "an abstract name that is taken is refused" {
    local name="@sockx-test-$$-$BATS_TEST_NUMBER"

    for kind in $KINDS; do
        start_echo "$kind" "$name"
        is_refused "$kind" "$name" "Address already in use"
        is_served "$kind" "$name"
        stop_server
        start_echo "$kind" "$name"
        stop_server
    done
}

@test "a look at the path does not use up a --once server" {
    for served in $KINDS; do
        start_echo "$served" at --once -i 500ms -v
        for other in $KINDS; do
            is_refused "$other" at
        done
        run ! is_gone "$SERVER_PID"
        equal "$(grep -c connected "$SERVER_ERR" || true)" 0
        is_served "$served" at
        wait_server
        equal "$SERVER_STATUS" 0
    done
}

# ---- races ----

# KIND KIND
race() {
    run timeout 50 "$PYTHON" "$PEERS/unix_race.py" "$SOCKX" 150 "$1" "$2"
    expect_status 0
    equal "$output" 150
}

# bats test_tags=long
@test "of two stream servers started at once, one wins: 150 times" { race stream stream; }
# bats test_tags=long
@test "of two datagram servers started at once, one wins: 150 times" { race datagram datagram; }
# bats test_tags=long
@test "of two servers of sequenced packets started at once, one wins: 150 times" { race seqpacket seqpacket; }
# bats test_tags=long
@test "of a stream server and a datagram server started at once, one wins: 150 times" { race stream datagram; }

@test "of two that find a dead server's socket, one wins, however slow each is to remove it" {
    strace -D -qq -o /dev/null true 2>strace.err || skip "strace cannot attach: $(head -n 1 strace.err)"
    # LeakSanitizer, where it is built in, cannot work beside strace.
    local -x ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0
    start_echo stream at
    kill_server
    for name in first second; do
        : >$name.err
        # The second is about to remove the socket when the first is there already.
        strace -D -f -qq -o /dev/null -e trace=unlinkat \
            -e inject=unlinkat:delay_enter="$([ $name = first ] && echo 200000 || echo 500000)" \
            "$SOCKX" serve -m echo -U at 2>$name.err 3>&- &
        printf -v "$name" %s $!
    done
    # shellcheck disable=SC2154 # printf sets them
    jobs_left+=("$first" "$second")
    one_is_gone() {
        is_gone "$first" || is_gone "$second"
    }
    wait_until one_is_gone
    local winner=$first loser=$second status=0
    is_gone "$second" || winner=$second loser=$first
    wait "$loser" || status=$?
    equal "$status" 3
    wait_until has_line "$([ "$winner" = "$first" ] && echo first || echo second).err" '^listening'
    is_served stream at
}

# ---- left behind, and not ours ----

@test "what a dead server has left is replaced, by each kind" {
    for dead in $KINDS; do
        for new in $KINDS; do
            start_echo "$dead" at
            kill_server
            [ -S at ]
            start_echo "$new" at
            is_served "$new" at
            stop_server
            [ ! -e at ]
        done
    done
}

# PATH WHAT: whatever is there is an error, and is untouched.
is_left_alone() {
    local before

    before=$(what_is_at "$1")
    for kind in $KINDS; do
        is_refused "$kind" "$1" "there is already $2"
        equal "$(what_is_at "$1")" "$before"
    done
}

@test "a file at the path is an error, and untouched" {
    echo kept >file
    is_left_alone file "a file"
    equal "$(cat file)" kept
}

@test "an empty file at the path is an error, and untouched" {
    : >file
    is_left_alone file "a file"
}

@test "a directory at the path is an error, and untouched" {
    mkdir directory
    is_left_alone directory "a directory"
    is_left_alone directory/ "a directory"
    is_left_alone directory/. "a directory"
    is_left_alone /dev/pts/.. "a directory"
    is_left_alone / "a directory"
    is_refused stream . "there is already a directory"
}

@test "a symbolic link at the path is an error, wherever it leads" {
    echo kept >file
    ln -s file to-a-file
    is_left_alone to-a-file "a symbolic link"
    equal "$(cat file)" kept
    ln -s nowhere to-nowhere
    is_left_alone to-nowhere "a symbolic link"
    [ ! -e nowhere ]
    start_echo stream live
    ln -s live to-a-server
    is_left_alone to-a-server "a symbolic link"
    is_served stream live
    start_echo stream dead
    kill_server
    ln -s dead to-a-dead-one
    is_left_alone to-a-dead-one "a symbolic link"
    [ -S dead ]
}

@test "a FIFO or a device at the path is an error, and untouched" {
    mkfifo fifo
    is_left_alone fifo "something else"
    is_left_alone /dev/null "something else"
}

@test "another user's live server is left alone" {
    other_user
    start_unix_server "$SHARED/at"
    chmod 777 "$SHARED"
    for kind in $KINDS; do
        is_refused "$kind" "$SHARED/at" "ermission denied"
        [[ ${stderr_lines[1]} == *"another user"* ]] || fail "its hint: $stderr"
        [ -S "$SHARED/at" ]
    done
    AS=()
    is_refused stream "$SHARED/at" "Address already in use"
}

@test "what another user's dead server has left stays, where its directory is sticky" {
    other_user
    start_unix_server "$SHARED/at" --unix-mode 666
    kill_server
    chmod 1777 "$SHARED"
    is_refused stream "$SHARED/at" "unlink: Operation not permitted"
    [ -S "$SHARED/at" ]
}

# ---- removed ----

@test "the path is removed at the end: by SIGTERM, SIGINT, SIGHUP, --max-time, --once" {
    for kind in $KINDS; do
        for signal in TERM INT HUP; do
            LAUNCHER=(env --default-signal=INT --default-signal=HUP)
            start_echo "$kind" at
            stop_server "$signal"
            equal "$SERVER_STATUS" 0
            [ ! -e at ]
        done
        LAUNCHER=()
        start_echo "$kind" at --max-time 50ms
        wait_server
        equal "$SERVER_STATUS" 0
        [ ! -e at ]
        start_echo "$kind" at --once -i 200ms
        is_served "$kind" at
        wait_server
        equal "$SERVER_STATUS" 0
        [ ! -e at ]
    done
}

@test "the path is removed at the end of a pipe that went wrong" {
    start_unix_server at </dev/zero
    sockx connect --recv-only -U at | head -c 100000 >/dev/null
    wait_server
    equal "$SERVER_STATUS" 4
    [ ! -e at ]
    SERVER_TO=/dev/full start_unix_server at
    run sockx connect -U at <<<"hello"
    wait_server
    equal "$SERVER_STATUS" 1
    [ ! -e at ]
}

@test "a path that is no longer ours is left to its new owner" {
    for kind in $KINDS; do
        start_echo "$kind" at
        rm at
        start_script unix_server.py bound stream at
        local before
        before=$(what_is_at at)
        stop_server
        equal "$SERVER_STATUS" 0
        equal "$(what_is_at at)" "$before"
        rm at
        start_echo "$kind" at
        rm at
        echo theirs >./at
        stop_server
        equal "$SERVER_STATUS" 0
        equal "$(cat at)" theirs
        rm at
        start_echo "$kind" at
        rm at
        ln -s elsewhere at
        stop_server
        equal "$SERVER_STATUS" 0
        [ -L at ]
        rm at
        start_echo "$kind" at
        rm at
        stop_server
        equal "$SERVER_STATUS" 0
        [ ! -e at ]
    done
}

@test "a path whose directory was renamed is removed from where it is" {
    mkdir directory
    start_echo stream directory/at
    mv directory renamed
    mkdir directory
    echo theirs >directory/at
    stop_server
    equal "$SERVER_STATUS" 0
    [ ! -e renamed/at ]
    equal "$(cat directory/at)" theirs
}

@test "two servers on the same path one after the other, 20 times" {
    for _ in {1..20}; do
        start_echo stream at
        is_served stream at
        stop_server
    done
    [ ! -e at ]
}

# ---- permissions ----

# bats test_tags=once
@test "the path's permissions are 0600, or what --unix-mode says, whatever the umask" {
    for mask in 000 022 077 777; do
        for kind in $KINDS; do
            umask "$mask"
            start_echo "$kind" at
            umask 022
            equal "$(stat -c %a at)" 600
            stop_server
            for mode in 666 0660 777 0 0000 4; do
                umask "$mask"
                start_echo "$kind" at --unix-mode "$mode"
                umask 022
                equal "$(printf %o "0$(stat -c %a at)")" "$(printf %o "0$mode")"
                stop_server
            done
        done
    done
}

@test "the path never has other permissions than it is to have" {
    local calls=$BATS_TEST_TMPDIR/calls

    strace -D -qq -o /dev/null true 2>strace.err || skip "strace cannot attach: $(head -n 1 strace.err)"
    # LeakSanitizer, where it is built in, cannot work beside strace.
    local -x ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0
    run timeout 10 strace -D -f -qq -o "$calls" -e trace=bind,fchmod,chmod,fchmodat,umask \
        "$SOCKX" serve -U at --unix-mode 640 --max-time 50ms
    expect_status 0
    # Before it has a path, and never after.
    equal "$(grep -oE '[a-z]*chmod[a-z]*\(.*\) |bind\([0-9]+, .*"at"' "$calls" | sed -E 's/[0-9]+, /FD, /; s/ +$//')" \
        'fchmod(FD, 0640)
bind(FD, {sa_family=AF_UNIX, sun_path="at"'
}

@test "the permissions of what else is made do not change" {
    umask 027
    SERVER_TO=$BATS_TEST_TMPDIR/out start_echo stream at
    equal "$(umask)" 0027
    equal "$(stat -c %a out)" 640
}

# ---- names ----

# PATH: it is served there, reached there, and left clean.
works() {
    for kind in $KINDS; do
        start_echo "$kind" "$1"
        is_served "$kind" "$1"
        stop_server
        [ ! -e "$1" ]
    done
}

# N: a text of so many letters.
letters() {
    printf "%$1s" '' | tr ' ' x
}

@test "a path of 107 bytes works, one of 108 is wrong usage" {
    mkdir "$(letters 50)"
    works "$(letters 50)/$(letters 56)"
    works "$(letters 107)"
    for length in 108 109 200; do
        for command in serve connect echo; do
            run --separate-stderr sockx $command -U "$(letters $length)"
            expect_status 2
            [[ ${stderr_lines[0]} == *"too long"* ]] || fail "it says: $stderr"
            [[ ${stderr_lines[1]} == hint:*107* ]] || fail "its hint: $stderr"
        done
        for command in serve connect; do
            run --separate-stderr sockx $command "unix:$(letters $length)"
            expect_status 2
        done
    done
    equal "$(find . -name 'x*' -type s)" ""
}

@test "an abstract name of 107 bytes works, with its @; a longer one is wrong usage" {
    local name

    name="@$(letters 90)$(printf %016d $$)"
    equal "${#name}" 107
    works "$name"
    run --separate-stderr sockx serve -U "x$name"
    expect_status 2
}

@test "abstract names of one beginning are different names" {
    local name="@sockx-test-$$"

    start_echo stream "$name"
    start_echo stream "${name}1"
    start_echo stream "${name}12"
    is_served stream "${name}1"
    [ ! -e "$name" ]
}

@test "a path may be relative, absolute, a name with @, a dash or a colon" {
    mkdir directory
    for path in at ./at directory/at directory/../at "$PWD/at" ./@at directory//at directory/./at a:b a:1 -- -at; do
        [ "$path" != -- ] || continue
        works "$path"
    done
    start_echo stream ./@at
    [ -S @at ]
    is_served stream ./@at
    run sockx echo -U @at hello
    expect_status 7
}

@test "a path with spaces, letters of all kinds and quotes works" {
    for path in 'a path' 'name é ü 漢字' "a'quote" 'a"quote' 'a\slash' '*' '%s%n' ' '; do
        works "$path"
    done
}

@test "what in a path would control a terminal works, and is shown escaped" {
    path=$'a\e[2Jb\nc\x9b\xff'
    works "$path"
    start_echo stream "$path"
    equal "$(wc -l <"$SERVER_ERR")" 1
    has_line "$SERVER_ERR" '^listening on unix:a\\x1b\[2Jb\\nc\\x9b\\xff '
    is_refused stream "$path"
    [[ $stderr != *$'\e'* ]]
    equal "${#stderr_lines[@]}" 2
    kill_server
    run --separate-stderr sockx echo -v -U "$path" hello
    expect_status 7
    [[ $stderr != *$'\e'* ]]
    rm -- "$path"
    run --separate-stderr sockx serve -U $'missing\e/at'
    expect_status 3
    [[ $stderr != *$'\e'* ]] || fail "it says: $(cat -v <<<"$stderr")"
    run --separate-stderr sockx serve -U $'\e'"$(letters 200)"
    expect_status 2
    [[ $stderr != *$'\e'* ]]
}

# ---- directories ----

@test "a missing directory, or a file in its place, is status 3, and the hint creates it" {
    for kind in $KINDS; do
        is_refused "$kind" missing/at "No such file"
        [[ ${stderr_lines[1]} == *"mkdir -p missing"* ]] || fail "its hint: $stderr"
    done
    echo kept >file
    is_refused stream file/at "Not a directory"
    equal "$(cat file)" kept
}

@test "a directory without write permission is status 3" {
    other_user
    for kind in $KINDS; do
        is_refused "$kind" "$SHARED/at" "ermission denied"
    done
    chmod 711 "$SHARED"
    is_refused stream "$SHARED/at" "ermission denied"
    chmod 700 "$SHARED"
    is_refused stream "$SHARED/at" "ermission denied"
    [ -z "$(ls -A "$SHARED")" ]
}

@test "a directory without read permission serves all the same" {
    other_user
    chmod 733 "$SHARED"
    LAUNCHER=("${AS[@]}")
    start_echo stream "$SHARED/at"
    run "${AS[@]}" timeout 10 "$SOCKX" echo -U "$SHARED/at" hello
    equal "$output" hello
    is_refused stream "$SHARED/at" "Address already in use"
    kill_server
    start_echo stream "$SHARED/at"
    stop_server
    [ -z "$(ls -A "$SHARED")" ]
}

# DIRECTORY: another process holds the lock on it, until unlock.
lock() {
    start_job flock -x "$1" sh -c 'echo locked; sleep 60'
    wait_until has_line "$JOB_OUT" locked
    LOCKER=$JOB_PID
}

unlock() {
    kill -KILL -- "-$LOCKER"
    wait "$LOCKER" || true
}

@test "a directory locked by another program is status 3 within about 2 s, with its message" {
    mkdir directory
    lock directory
    timed is_refused stream directory/at "directory 'directory' is locked by another program"
    [ "$TOOK_MS" -ge 1500 ] && [ "$TOOK_MS" -lt 3500 ] || fail "it took $TOOK_MS ms"
    [[ ${stderr_lines[1]} == *lslocks*directory* ]] || fail "its hint: $stderr"
    [ -z "$(ls -A directory)" ]
}

@test "a server that waits for a directory's lock obeys signals and --max-time at once" {
    mkdir directory
    lock directory
    for signal in TERM INT HUP; do
        start_job env --default-signal=INT --default-signal=HUP "$SOCKX" serve -U directory/at --trace
        wait_until has_line "$JOB_ERR" 'flock'
        kill -"$signal" "$JOB_PID"
        timed wait_job
        equal "$JOB_STATUS" 0
        took_between 0 900
        run has_line "$JOB_ERR" listening
        expect_status 1
    done
    timed run -0 --separate-stderr sockx serve -U directory/at --max-time 200ms
    took_between 200 1200
    equal "$stderr" ""
    [ -z "$(ls -A directory)" ]
}

@test "a server that waits for a directory's lock in vain ends, whatever its mode has begun" {
    mkdir directory
    lock directory
    for mode in pipe chat echo; do
        timed run --separate-stderr timeout 10 "$SOCKX" serve -m "$mode" -U directory/at </dev/zero
        expect_status 3
        took_between 1500 3500
        equal "${stderr_lines[0]}" "sockx: cannot listen on unix:directory/at: directory 'directory' is locked by another program"
    done
}

@test "a directory that is locked for a moment is waited for" {
    mkdir directory
    lock directory
    "$SOCKX" serve -m echo -U directory/at 2>err 3>&- &
    local pid=$!
    wait_until grep -q FLOCK /proc/locks
    run wait_until 0 has_line err listening
    expect_status 1
    unlock
    adopt_unix_server $pid "$PWD/err"
    is_served stream directory/at
}

@test "the path is removed within 1 s though its directory is locked" {
    mkdir directory
    for kind in $KINDS; do
        start_echo "$kind" directory/at
        lock directory
        timed stop_server
        equal "$SERVER_STATUS" 0
        [ "$TOOK_MS" -lt 1000 ] || fail "it took $TOOK_MS ms"
        [ ! -e directory/at ]
        unlock
    done
}

@test "a server holds no lock while it serves" {
    mkdir directory
    start_echo stream directory/at
    flock -n -x directory true
}

# ---- a client's own path ----

@test "--source is the path that a client comes from, and is removed when it is done" {
    for kind in $KINDS; do
        start_echo "$kind" at -v
        kind "$kind"
        equal "$(sockx echo "${WITH[@]}" -s mine -U at hello)" hello
        wait_until has_line "$SERVER_ERR" '^1: unix:mine connected$'
        [ ! -e mine ]
        equal "$(sockx connect -q 100ms "${WITH[@]}" --source ./mine -U at <<<"hello")" hello
        wait_until has_line "$SERVER_ERR" '^2: unix:\./mine connected$'
        [ ! -e mine ]
        stop_server
    done
}

@test "--source may be an abstract name" {
    for kind in $KINDS; do
        start_echo "$kind" at -v
        kind "$kind"
        equal "$(sockx echo "${WITH[@]}" -s "@sockx-test-$$-mine" -U at hello)" hello
        wait_until has_line "$SERVER_ERR" "^1: unix:@sockx-test-$$-mine connected\$"
        stop_server
    done
}

@test "--source is removed when the client is refused, loses its server, or is ended" {
    for kind in $KINDS; do
        kind "$kind"
        run sockx echo "${WITH[@]}" -s mine -U nothing hello
        expect_status 7
        [ ! -e mine ]
    done
    start_echo stream at
    held_input
    start_job env --default-signal=INT "$SOCKX" connect -s mine -U at <"$INPUT"
    wait_until test -S mine
    stop_server
    echo more >&"$HELD"
    wait_job
    [ ! -e mine ]
}

# STATUS REASON ARG...
source_fails() {
    run --separate-stderr sockx echo "${@:3}" hello
    expect_status "$1"
    [[ ${stderr_lines[0]} == *"$2"* ]] || fail "it says: $stderr"
    [[ ${stderr_lines[1]} == hint:* ]] || fail "no hint: $stderr"
}

@test "--source where something is already is status 1, and it is untouched" {
    start_echo stream at
    echo kept >file
    source_fails 1 "cannot bind the source address unix:file" -s file -U at
    equal "$(cat file)" kept
    source_fails 1 "cannot bind the source address unix:at" -s at -U at
    source_fails 1 "cannot bind the source address unix:missing/mine" -s missing/mine -U at
    is_served stream at
    source_fails 2 "too long" -s "$(letters 108)" -U at
}

@test "--source in a directory that is locked by another program is status 1, in time" {
    start_echo stream at
    mkdir directory
    lock directory
    timed source_fails 1 "cannot bind the source address unix:directory/mine" -s directory/mine -w 5s -U at
    [ "$TOOK_MS" -lt 3500 ] || fail "it took $TOOK_MS ms"
    [[ ${stderr_lines[0]} == *": directory 'directory' is locked by another program" ]] || fail "it says: $stderr"
    [[ ${stderr_lines[1]} == *lslocks*directory* ]] || fail "its hint: $stderr"
    [ -z "$(ls -A directory)" ]
}

@test "--source in a locked directory: --max-time and -w hold meanwhile, with status 5" {
    start_echo stream at
    mkdir directory
    lock directory
    for kind in $KINDS; do
        kind "$kind"
        timed run --separate-stderr sockx connect "${WITH[@]}" -U directory/at -s directory/mine --max-time 200ms
        expect_status 5
        took_between 200 1200
        equal "$stderr" "sockx: unix:directory/at: not done within 200 ms (--max-time)"
    done
    timed source_fails 5 "directory 'directory' is locked by another program" -s directory/mine -w 200ms -U at
    took_between 200 1200
}

@test "--source in a directory that is locked for a moment is waited for, and removed though it is locked" {
    for kind in $KINDS; do
        start_echo "$kind" at
        kind "$kind"
        mkdir directory
        lock directory
        held_input
        start_job "$SOCKX" connect "${WITH[@]}" -q 100ms --trace -s directory/mine -U at <"$INPUT"
        local client=$JOB_PID err=$JOB_ERR
        wait_until has_line "$err" flock
        [ ! -e directory/mine ]
        unlock
        wait_until test -S directory/mine
        lock directory
        exec {HELD}>&-
        wait_job "$client"
        equal "$JOB_STATUS" 0
        [ ! -e directory/mine ]
        unlock
        stop_server
        rmdir directory
    done
}

@test "--source of a client whose server has no room yet is bound in the end, and removed" {
    start_echo stream at -b 1 -v
    kill -STOP "$SERVER_PID"
    start_script unix_client.py idle stream at 2
    start_job "$SOCKX" connect -Nv -s mine -U at <<<"hello"
    wait_until has_line "$JOB_ERR" '^trying unix:at$'
    kill -CONT "$SERVER_PID"
    wait_job
    equal "$JOB_STATUS" 0
    equal "$(cat "$JOB_OUT")" hello
    wait_until has_line "$SERVER_ERR" 'unix:mine connected$'
    [ ! -e mine ]
}
