# shellcheck disable=SC2030,SC2031,SC2153,SC2154 # tests are processes; run sets output
#
# The ends that scripts ask for: with the peer, after so many messages, once a text has come. Each
# exchange is one command, with no sleep.

load helper

# ---- --quit-with-peer ----

@test "--quit-with-peer ends with the server though standard input is open" {
    start_script strict_server.py farewell
    held_input
    run --separate-stderr sockx connect --quit-with-peer --max-time 8s 127.0.0.1 "$PORT" <"$INPUT"
    expect_status 0
    equal "$output" bye
}

@test "without --quit-with-peer a pipe that stays open is waited for" {
    start_script strict_server.py farewell
    held_input
    run --separate-stderr sockx connect --max-time 300ms 127.0.0.1 "$PORT" <"$INPUT"
    expect_status 5
}

@test "serve --quit-with-peer ends with its client though standard input is open" {
    held_input
    start_server --quit-with-peer -H 127.0.0.1 <"$INPUT"
    sockx connect -N 127.0.0.1 "$PORT" <<<hello
    wait_server 5
    equal "$SERVER_STATUS" 0
    equal "$(cat "$SERVER_OUT")" hello
}

@test "--quit-with-peer over datagrams is refused, for they have no end" {
    run --separate-stderr sockx connect -u --quit-with-peer localhost 9
    expect_status 2
    [[ $stderr == *"'--quit-with-peer' does not go over datagrams"*'-q DUR'* ]]
}
