# bats file_tags=once
# shellcheck disable=SC2030,SC2031,SC2153,SC2154 # tests are processes; run sets output
#
# Wrong usage is two lines on standard error, what is wrong and one hint, nothing on standard output,
# and status 2; what is right but finds no host is 6; nothing that is typed is a crash. Under the sanitizers the parser
# runs in the unit tests and the fuzz targets.

load helper

LONG=100000

# ARG...: refused as wrong usage. $stderr is what was said.
refuses() {
    run --separate-stderr sockx "$@"
    expect_status 2
    equal "$output" ""
    equal "$(wc -l <<<"$stderr")" 2
    [[ $stderr == "sockx: "*$'\n'"hint: "?* ]] || fail "not an error and a hint: $stderr"
    [[ $stderr != *[$'\e\r\x07']* ]] || fail "control characters: $(cat -v <<<"$stderr")"
}

# TEXT ARG...: the same, and TEXT is said.
refuses_saying() {
    local text=$1

    shift
    refuses "$@"
    [[ $stderr == *"$text"* ]] || fail "'$text' is not in: $stderr"
}

long_word() {
    head -c "$LONG" /dev/zero | tr '\0' "${1:-a}"
}

# ---- ports ----

refuses_port() {
    refuses_saying "'$1'" connect localhost "$1"
    refuses_saying "'$1'" connect -p "$1"
    refuses_saying "'$1'" echo -p "$1" hello
    refuses_saying "'$1'" serve -p "$1"
    refuses_saying "'$1'" serve localhost "$1"
}

@test "a port is at most 65535" { refuses_port 65536; }
@test "a port fits no machine word" { refuses_port 99999999999; }
@test "a port is a number to its end" { refuses_port 12x; }
@test "a port is not empty" { refuses_port ''; }
@test "a port has no space before it" { refuses_port ' 80'; }
@test "a port has no space after it" { refuses_port '80 '; }
@test "a port has no sign" { refuses_port +80; }
@test "a port is not hexadecimal" { refuses_port 0x50; }

@test "a port is not negative" {
    refuses_saying "'-1'" connect -p -1
    refuses_saying "'-1'" serve -p -1
    refuses_saying "'-1'" echo -p -1 hello
    refuses_saying "'-1'" connect localhost -- -1
    refuses_saying "'-1'" connect localhost:-1
    refuses_saying -1 connect localhost -1
}

@test "a port joined to its host is as strict" {
    for port in 65536 99999999999 12x '' ' 80' '80 '; do
        refuses connect "localhost:$port"
        refuses connect "[::1]:$port"
        refuses serve ":$port"
    done
}

@test "a range of ports is for a scan, by connect -z" {
    refuses_saying "sockx connect -z localhost 20-30" connect localhost 20-30
    refuses_saying "sockx connect -z localhost 20-30" connect localhost:20-30
    refuses_saying "sockx connect -z localhost 20-30" connect -p 20-30 localhost
    refuses_saying "sockx connect -z HOST 20-30" localhost 20-30
    refuses_saying "sockx connect -z localhost 20-30" nc -z localhost 20-30
    refuses_saying "sockx connect -z HOST 20-30" echo -p 20-30 hello
    refuses_saying "start one for each" serve -p 20-30
    [[ $stderr != *scan* ]]
}

@test "a client goes nowhere at port 0" {
    refuses connect localhost 0
    refuses echo -p 0 hello
}

@test "a server's lone word of digits is its port, and as strict" {
    refuses_saying "'65536'" serve 65536
    refuses_saying "'99999999999'" serve 99999999999
}

@test "a client's lone word of digits is not taken for a host" {
    refuses_saying "connect localhost 9000" connect 9000
}

# ---- hosts ----

@test "a host is not empty" {
    refuses connect '' 80
    refuses connect -H '' 80
    refuses connect ''
    refuses echo -H '' hello
    refuses serve -H '' -p 0
    refuses serve '' 0
}

@test "a host has no spaces" {
    refuses connect ' ' 80
    refuses connect 'local host' 80
    refuses connect ' localhost' 80
    refuses serve -H 'localhost ' -p 0
}

@test "a host has no control characters, and they are shown visibly" {
    refuses_saying '\x1b' connect $'a\e[2Jb' 80
    refuses connect $'a\nb' 80
    refuses connect $'a\rb' 80
    refuses connect $'localhost\x07' 80
    refuses connect $'a\x7fb' 80
    refuses echo -H $'a\tb' hello
    refuses serve -H $'a\e]0;title\x07b' -p 0
}

@test "a host has no control characters of ISO 6429's second set, and is UTF-8" {
    refuses connect $'a\xc2\x9bb' 80
    refuses connect $'a\xffb' 80
}

# HOST TEXT: refused as a host by all who take one, and not looked up.
refuses_host() {
    for args in "connect -v -H" "connect -v" "echo -v hello -H" "serve -v -H" "serve -v"; do
        # shellcheck disable=SC2086
        refuses_saying "$2" $args "$1" -p 9
        [[ $stderr != *"looking up"* ]] || fail "$stderr"
    done
    refuses_saying "$2" connect "$1" 80
}

@test "a path is not a host" {
    refuses_host ./x.sock "it has a '/'"
    [[ $stderr == *"'-U ./x.sock'"* ]]
    refuses_host example.org/index.html "it has a '/'"
    refuses_host 10.0.0.0/8 "it has a '/'"
}

@test "a link-local address needs an interface, one that there is" {
    refuses_host fe80::1 "link-local"
    refuses_host fe80::1%nope "'nope'"
    refuses_host fe80::1%99999 "'99999'"
    run --separate-stderr sockx connect --interface nope fe80::1 80
    expect_status 1
    [[ $stderr == *"--interface"* ]]
}

@test "what no resolver can have is not a host" {
    refuses_host a..b "is empty"
    refuses_host .a "is empty"
    refuses_host "$(printf 'a%.0s' {1..64}).b" "63 bytes"
    refuses_host user@host "letters"
    refuses_host 1.2.3.256 "no IPv4 address"
    run --separate-stderr sockx connect -n my_host 80
    [[ $stderr == *"is a name"* ]]
}

@test "two colons without brackets are an address, and a hint has the brackets where it fails" {
    run --separate-stderr sockx connect --interface lo -w 200ms ::1:80
    [ "$status" -eq 5 ] || expect_status 7
    [[ $stderr == *"hint: for port 80 write [::1]:80" ]] || fail "$stderr"
    run --separate-stderr sockx serve ::1:80
    expect_status 3
    [[ $stderr == *"hint: for port 80 write [::1]:80" ]] || fail "$stderr"
    run --separate-stderr sockx connect --interface lo -w 200ms ::1:80 81
    [[ $stderr != *"for port"* ]] || fail "$stderr"
}

@test "an address in brackets is one" {
    refuses connect '[::1' 80
    refuses connect '[::1]x'
    refuses connect '[]:80'
    refuses connect '[::1]:80:90'
}

@test "a host and a port are at most two words" {
    refuses_saying "'c'" connect a b c
    refuses_saying "'c'" serve a 80 c
}

# ---- options ----

@test "an unknown option is refused by every command" {
    for command in serve connect echo help; do
        refuses_saying --no-such-option "$command" --no-such-option
        refuses_saying -Z "$command" -Z
    done
}

@test "a value that is missing" {
    refuses_saying "'-p'" connect -p
    refuses_saying "'--port'" echo --port
    refuses_saying "'-H'" serve -H
    refuses_saying "'-w'" connect localhost 80 -w
    refuses_saying "'--max-conns'" serve --max-conns
}

@test "a value that none asked for" {
    refuses_saying "'--raw'" connect --raw=1 localhost
    refuses_saying "'--once'" serve --once=yes
}

@test "an option is not abbreviated" {
    refuses_saying "'--mode'" serve --mod echo
    refuses_saying "'--host'" connect --hos localhost
}

@test "a duration is a number and a unit" {
    for duration in '' abc -1 1x '1 s' ' 1s' 1e3 0x1 . s 99999999999999999999s; do
        refuses connect -w "$duration" localhost
        refuses serve -i "$duration" -p 0
    done
}

@test "a number is one, within its bounds" {
    for number in '' abc -1 1x 99999999999999999999; do
        refuses serve --max-conns "$number" -p 0
        refuses serve --exit-after "$number" -p 0
        refuses serve -b "$number" -p 0
    done
    refuses serve -b 65536 -p 0
}

@test "an option given twice with another value" {
    refuses serve -p 1 -p 2
    refuses connect -w 1s -w 2s localhost
    refuses connect -H localhost -H ::1 80
}

@test "an option given twice with the same value is accepted" {
    start_server -m echo --mode echo
    run sockx echo -p "$PORT" --port "$PORT" hello
    expect_status 0
}

@test "a source address is an address" {
    for source in '' localhost 127.0.0.1:x 127.0.0.1:65536 '[::1' 1.2.3 : :x :65536; do
        refuses connect -s "$source" localhost 80
    done
    refuses_saying "':4000' is a port to connect from" connect -s :4000 unix:at
    refuses_saying "':4000' is a port to connect from" connect -u -s :4000 unix:at
}

# ---- contradictions ----

@test "-4 and an IPv6 address" {
    refuses_saying "'::1'" connect -4 ::1 80
    refuses_saying "'::1'" echo -4 -H ::1 hello
    refuses_saying "'::1'" serve -4 -H ::1 -p 0
}

@test "-6 and an IPv4 address" {
    refuses_saying "'127.0.0.1'" connect -6 127.0.0.1 80
    refuses_saying "'127.0.0.1'" echo -6 -H 127.0.0.1 hello
    refuses_saying "'127.0.0.1'" serve -6 -H 127.0.0.1 -p 0
}

@test "-4 and -6" {
    refuses connect -4 -6 localhost
    refuses echo -46 hello
    refuses serve -46 -p 0
}

@test "--once and --keep-open" { refuses serve --once --keep-open -p 0; }
@test "--once and --exit-after 2" { refuses serve -m echo --once --exit-after 2 -p 0; }

@test "--max-conns-per-peer where a peer has no address, or may forge it" {
    refuses_saying "the clients of a Unix socket" serve --max-conns-per-peer 2 unix:/nonexistent/s
    refuses_saying "the clients of a Unix socket" serve --max-conns-per-peer 2 -u -U @name
    refuses_saying "may be forged" serve -m echo --max-conns-per-peer 2 -u -p 0
}

@test "--send-only and --recv-only" {
    refuses connect --send-only --recv-only localhost
    refuses serve --send-only --recv-only -p 0
}

@test "-n and a name" {
    refuses_saying "'localhost'" connect -n localhost 80
    refuses_saying "'localhost'" echo -n -H localhost hello
    refuses_saying "'localhost'" serve -n -H localhost -p 0
}

@test "two ports that differ" {
    refuses connect localhost:80 81
    refuses connect -p 80 localhost 81
    refuses serve -p 80 81
}

@test "an option of another mode" {
    refuses_saying "'-q'" serve -m echo -q 1 -p 0
    refuses_saying "'--send-only'" serve -m discard --send-only -p 0
}

# ---- the first word, and what was meant ----

@test "sockx alone shows the overview on standard error, status 2" {
    run --separate-stderr sockx
    expect_status 2
    equal "$output" ""
    [[ $stderr == *"Usage: sockx COMMAND"* ]]
}

@test "a first word that is no command" {
    refuses_saying "'nonsense'" nonsense
    refuses_saying "''" ''
    refuses localhost 80
    refuses 9000
}

@test "did you mean: a command" {
    refuses_saying "'sockx serve'" serv
    refuses_saying "'sockx connect localhost'" conect localhost
    refuses_saying "'sockx echo'" ehco
    refuses_saying "'nosuch'" help nosuch
    refuses_saying "'sockx serve 8080'" server 8080
    refuses_saying "'sockx --version'" --verison
    refuses_saying "'sockx --version'" version
    refuses_saying "'--max-time DUR'" --timeout
    refuses_saying "'--max-time DUR'" connect --timeout 3 localhost
}

@test "did you mean: an option" {
    refuses_saying "'--mode'" serve --mdoe echo
    refuses_saying "'--max-time'" connect --maxtime 1s
    refuses_saying "'--recv-only'" connect --recvonly
}

@test "did you mean: a value" {
    refuses_saying "'echo'" serve -m ech
    refuses_saying "'discard'" serve --mode=discrad
    refuses_saying "pipe, echo, greet, chat, analyze, discard, source" serve -m nonsense
    refuses_saying "source, exec, relay, broker" serve -m proxy
}

@test "sockx -l 9000: did you mean 'sockx serve -p 9000'" {
    refuses_saying "sockx serve -p 9000" -l 9000
    refuses_saying "sockx serve -p 9000" -lp 9000
}

@test "foreign spellings get the one of sockx as the hint" {
    refuses_saying "sockx serve" -l
    refuses_saying "sockx serve" -nvlp 9000
    refuses_saying "leave the '-l' out" serve -l 9000
    refuses_saying "sockx serve -k" connect -k 9000
    refuses_saying "sockx serve -k -p 9000" tcp-l:9000,fork
    refuses_saying "sockx serve -k -p 9000" TCP-LISTEN:9000,fork,reuseaddr
    refuses_saying "sockx connect localhost:80" TCP:localhost:80
    refuses_saying "'-N' is for" echo -N localhost
    refuses_saying "sockx connect -z HOST PORT" serve -z localhost 80
    refuses_saying "'-i DUR'" serve -w 3
}

# ---- never a crash ----

@test "a name of 300 characters is none" {
    refuses_saying "longer than 253 bytes" connect "$(printf 'a%.0s' {1..300})" 80
}

@test "an unknown name is not found" {
    run --separate-stderr sockx connect nonexistent.invalid 80
    expect_status 6
    equal "$output" ""
}

@test "words of 100 KB are refused like others, and quoted in part" {
    local word

    word=$(long_word)
    for place in "connect -H" "connect -p" "connect localhost" "connect -s" "connect -w" "connect --" \
        "echo -H" "serve -p" "serve -H" "serve -m" "serve -b" "serve" "help" "--"; do
        # shellcheck disable=SC2086
        run --separate-stderr sockx $place "$word"
        [ "$status" -eq 2 ] || [ "$status" -eq 6 ] || fail "$place: status $status"
        equal "$output" ""
        [ "${#stderr}" -lt 2000 ] || fail "$place: ${#stderr} characters were said"
    done
    refuses "$word"
    refuses "--$word"
    refuses connect "--$word"
    refuses connect "--${word:1:50000}=${word:1:50000}"
    refuses connect "-$word"
    refuses connect "$(long_word 9)"
    refuses connect localhost "$(long_word 9)"
    refuses connect "localhost:$(long_word 9)"
    refuses connect "[$(long_word :)]"
    refuses serve "$(long_word 9)"
    refuses connect -w "$(long_word 9)" localhost
}

@test "words that look like formats are only words" {
    refuses_saying '%s%n%n' '%s%n%n'
    refuses_saying '%n%s' connect localhost '%n%s'
    refuses_saying '--%n%s' connect '--%n%s'
}

@test "words that are no UTF-8 are shown visibly" {
    refuses $'\xff\xfe'
    refuses connect localhost $'\xc3'
    refuses connect $'--\xe2\x80\xaeevil'
    [[ $stderr != *$'\xe2\x80\xae'* ]]
}

@test "a text of 100 KB is echoed" {
    start_server -m echo
    run --separate-stderr sockx echo -p "$PORT" "$(long_word)"
    expect_status 0
    equal "${#output}" "$LONG"
}

# ---- help ----

# LINES COLUMNS ARG...
shows() {
    local height=$1 width=$2

    shift 2
    run --separate-stderr sockx "$@"
    expect_status 0
    equal "$stderr" ""
    [ "$(wc -l <<<"$output")" -le "$height" ] || fail "$* is $(wc -l <<<"$output") lines long"
    [ "$(wc -L <<<"$output")" -le "$width" ] || fail "$* is $(wc -L <<<"$output") columns wide"
    [ -n "$output" ]
}

@test "-h is at most one screen: 24 lines of 80 columns" {
    shows 24 80 -h
    for command in serve connect echo help; do
        shows 24 80 "$command" -h
    done
}

@test "--help is at most 80 columns wide, and names every option and status" {
    shows 1000 80 --help
    for command in serve connect echo help; do
        shows 1000 80 "$command" --help
    done
    shows 1000 80 serve --help
    for word in --max-conns --exit-after --idle-timeout --keep-open 'Exit status'; do
        [[ $output == *"$word"* ]] || fail "$word is missing"
    done
}

@test "-h shows examples, and they are commands that exist" {
    for command in serve connect echo; do
        run sockx "$command" -h
        [[ $output == *"sockx $command "* ]]
    done
}

@test "--version is one line" {
    shows 1 80 --version
    [[ $output =~ ^sockx\ [0-9]+\.[0-9]+ ]]
    local version=$output
    for command in serve connect echo; do
        equal "$(sockx "$command" --version)" "$version"
    done
}

@test "help wins over what else is wrong in the line" {
    for command in serve connect echo; do
        run sockx "$command" --help 99999999999
        expect_status 0
        [[ $output == *"Usage: sockx $command "* ]]
    done
}
