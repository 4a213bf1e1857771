"""What --trace=json shows of a TCP connection against what ss(8) shows of it, at moments when nothing moves.

    trace_states.py CASE

SOCKX names the program. Run in a network namespace of its own (unshare --net), where packets can be lost. Each case
below is run twice: sockx is the client and then the server, we are its peer. After a step it waits for the call that
tells of it, and then compares the state that the call shows last (`after`; in brackets or not) with the state that ss
has for that socket, and the peer's own with what it has to be. "CLOSED" is a socket of which ss shows nothing.
"""

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

PATIENCE_S = 10
LEAVES = "1s"  # --max-time: a client closes what the peer has not acknowledged
SS = {"ESTAB": "ESTABLISHED", "FIN-WAIT-1": "FIN_WAIT_1", "FIN-WAIT-2": "FIN_WAIT_2", "TIME-WAIT": "TIME_WAIT",
      "CLOSE-WAIT": "CLOSE_WAIT", "LAST-ACK": "LAST_ACK", "SYN-SENT": "SYN_SENT", "SYN-RECV": "SYN_RECV",
      "UNCONN": "CLOSED", "LISTEN": "LISTEN", "CLOSING": "CLOSING"}


def command(*words):
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def nft(rule):
    """Lose what matches; None: nothing."""
    command("nft", "flush chain inet states lost")
    if rule:
        command("nft", f"add rule inet states lost {rule} drop")


def ss(*what):
    """The state, Recv-Q and Send-Q of the one socket."""
    rows = command("ss", "-tnH", *(what if what[0] == "-l" else ("-a", *what))).split("\n")
    found = [row.split() for row in rows if row]
    assert len(found) <= 1, found
    return (SS[found[0][0]], int(found[0][1]), int(found[0][2])) if found else ("CLOSED", 0, 0)


class Traced:
    """A run of sockx; its calls come in by a thread."""

    def __init__(self, *words):
        self.calls, self.lines, self.ended, self.news = [], [], False, threading.Condition()
        self.run = subprocess.Popen([os.environ["SOCKX"], words[0], "--trace=json", *words[1:]], bufsize=0,
                                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.run.stderr:
            with self.news:
                line = line.decode()
                self.lines.append(line)
                if line.startswith("{"):
                    self.calls.append(json.loads(line))
                self.news.notify()
        with self.news:
            self.ended = True
            self.news.notify()

    def shows(self, what, found):
        """Wait for what found() has."""
        with self.news:
            if not self.news.wait_for(found, PATIENCE_S):
                sys.exit(f"no {what} in:\n" + "".join(self.lines))
            return found()

    def call(self, function, fd=None, **members):
        """The last call, once it is one of that function, of fd, with these members."""
        def found():
            return [call for call in self.calls if call["function"] == function and fd in (None, call.get("fd")) and
                    all(call.get(key) == value for key, value in members.items())]
        return self.shows(f"{function} {members}", found)[-1]

    def accepted(self):
        """The first call that took a client; those before it are forgotten: another had its descriptor."""
        self.shows("accept", lambda: any(
            call["function"] == "accept" and call["result"] > 0 for call in self.calls))
        with self.news:
            while not (self.calls[0]["function"] == "accept" and self.calls[0]["result"] > 0):
                del self.calls[0]
            return self.calls[0]

    def last(self, fd):
        """The last call about fd that shows a state."""
        with self.news:
            return [call for call in self.calls if "after" in call and fd == (
                call["result"] if call["function"] in ("socket", "accept") else call["fd"])][-1]

    def end(self):
        self.run.kill()
        self.run.wait()
        self.reader.join()


class Pair:
    """A connection of sockx's (net, fd) with us (peer)."""

    def __init__(self, role, *options):
        self.role = role
        if role == "client":
            with socket.create_server(("127.0.0.1", 0)) as listener:
                self.sockx = Traced("connect", *options, f"127.0.0.1:{listener.getsockname()[1]}")
                self.peer = listener.accept()[0]
            self.fd = self.sockx.call("connect")["fd"]
            self.sockx.call("getsockname", self.fd)
        else:
            self.sockx = Traced("serve", "-H", "127.0.0.1", "-p", "0", *options)
            line = self.sockx.shows("port", lambda: [x for x in self.sockx.lines if x.startswith("listening")])[0]
            self.peer = socket.create_connection(("127.0.0.1", int(line.split(":")[1].split()[0])))
            self.fd = self.sockx.accepted()["result"]
        self.mine, self.its = self.peer.getsockname()[1], self.peer.getpeername()[1]
        self.sockx.run.stdin.write(b"hello")
        assert self.peer.recv(5) == b"hello"
        self.sockx.call("send", self.fd)
        self.equal("ESTABLISHED", "ESTABLISHED")

    def equal(self, state, peers):
        """The trace shows state, and ss the same, without brackets; and peers of our own end."""
        compare(self.sockx, self.fd, state, f"sport = :{self.its} and dport = :{self.mine}")
        here = ss(f"sport = :{self.mine} and dport = :{self.its}")[0]
        if here != peers:
            sys.exit(f"the peer: {here}, expected: {peers}")

    def fill(self):
        """Send until bytes are left unread."""
        def received():
            return sum(call["result"] for call in self.sockx.calls if call["function"] == "recv" and call["result"] > 0)
        sent = 0
        with self.sockx.news:
            while self.sockx.news.wait_for(lambda: received() == sent, 0.1):
                sent += self.peer.send(b"x" * 32768)

    def left(self, state, peers):
        """A client closes it so (--max-time); a server would wait for 2 s more."""
        if self.role == "client":
            self.sockx.call("close", self.fd)
            self.equal(state, peers)

    def ends_input(self):
        self.sockx.run.stdin.close()

    def reset(self):
        self.peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.peer.close()

    def close(self):
        nft(None)
        self.sockx.end()
        self.peer.close()


def half_close_by_us(role):
    """Our end, then the peer's."""
    pair = Pair(role, "--shutdown", "now")
    pair.ends_input()
    pair.sockx.call("shutdown", pair.fd)
    pair.equal("FIN_WAIT_2", "CLOSE_WAIT")
    pair.peer.sendall(b"more")
    pair.sockx.call("recv", pair.fd, result=4)
    pair.equal("FIN_WAIT_2", "CLOSE_WAIT")
    pair.peer.close()
    pair.sockx.call("close", pair.fd)
    pair.equal("[TIME_WAIT]", "CLOSED")
    return pair


def half_close_by_peer(role):
    """The peer's end, then ours, which it does not acknowledge."""
    pair = Pair(role, "--shutdown", "now", "--max-time", LEAVES)
    pair.peer.shutdown(socket.SHUT_WR)
    pair.sockx.call("recv", pair.fd, result=0)
    pair.equal("CLOSE_WAIT", "FIN_WAIT_2")
    nft(f"tcp sport {pair.its}")
    pair.ends_input()
    pair.sockx.call("shutdown", pair.fd)
    pair.equal("LAST_ACK", "FIN_WAIT_2")
    pair.left("[LAST_ACK]", "FIN_WAIT_2")
    return pair


def not_acknowledged(role):
    """Our end, which the peer does not acknowledge, and then neither the close."""
    pair = Pair(role, "--shutdown", "now", "--max-time", LEAVES)
    nft(f"tcp sport {pair.its}")
    pair.ends_input()
    pair.sockx.call("shutdown", pair.fd)
    pair.equal("FIN_WAIT_1", "ESTABLISHED")
    pair.left("[FIN_WAIT_1]", "ESTABLISHED")
    return pair


def left_half_closed(role):
    """Our end, and a close that does not wait for the peer's."""
    pair = Pair(role, "--shutdown", "now", "-q", "100ms")
    pair.ends_input()
    pair.sockx.call("shutdown", pair.fd)
    pair.equal("FIN_WAIT_2", "CLOSE_WAIT")
    pair.sockx.call("close", pair.fd)
    pair.equal("[FIN_WAIT_2]", "CLOSE_WAIT")
    return pair


def simultaneous(role):
    """Both ends are sent before either comes; then the peer's does."""
    pair = Pair(role, "--shutdown", "now", "--max-time", LEAVES)
    nft("tcp dport != 0")
    pair.ends_input()
    pair.sockx.call("shutdown", pair.fd)
    pair.peer.shutdown(socket.SHUT_WR)
    pair.equal("FIN_WAIT_1", "FIN_WAIT_1")
    nft(f"tcp sport {pair.its}")
    pair.sockx.call("recv", pair.fd, result=0)
    pair.equal("CLOSING", "FIN_WAIT_1")
    pair.left("[CLOSING]", "FIN_WAIT_1")
    return pair


def reset_by_peer(role):
    """While both may send."""
    pair = Pair(role)
    pair.reset()
    assert pair.sockx.call("recv", pair.fd, errno="ECONNRESET")["after"] == "CLOSED"
    pair.sockx.call("close", pair.fd)
    pair.equal("[CLOSED]", "CLOSED")
    return pair


def reset_after_our_end(role):
    """While only the peer may send."""
    pair = Pair(role, "--shutdown", "now")
    pair.ends_input()
    pair.sockx.call("shutdown", pair.fd)
    pair.reset()
    pair.sockx.call("close", pair.fd)
    pair.equal("[CLOSED]", "CLOSED")
    return pair


def ended_unseen(role):
    """Our end; then the peer's, after bytes that sockx has no room for: no call shows it, and close leaves them."""
    pair = Pair(role, "--shutdown", "now", "--max-time", LEAVES)
    pair.ends_input()
    pair.sockx.call("shutdown", pair.fd)
    pair.fill()
    pair.equal("FIN_WAIT_2", "CLOSE_WAIT")
    pair.peer.close()
    pair.left("[TIME_WAIT]", "CLOSED")
    return pair


def refused(_):
    """Nothing listens there."""
    sockx = Traced("connect", "127.0.0.1:9")
    fd = sockx.call("close")["fd"]
    compare(sockx, fd, "[CLOSED]", "dport = :9")
    states = [call["after"] for call in sockx.calls if call.get("fd") == fd and call["function"] == "recv"]
    assert states == ["CLOSED"], states
    sockx.end()


def full_backlog(role):
    """A queue of a listener that takes one more than it is meant for, and then no more."""
    return (queue_of_peer if role == "client" else queue_of_ours)()


def fill(port):
    """So many as it takes."""
    waiting = []
    while len(waiting) < 20:
        one = socket.socket()
        one.settimeout(0.1)
        waiting.append(one)
        try:
            one.connect(("127.0.0.1", port))
        except TimeoutError:
            return waiting
    sys.exit("the queue takes all")


def compare(sockx, fd, state, *what):
    """The trace shows state, and ss the same of that socket of sockx's, without brackets. Where all is slow, sockx may
    have closed it meanwhile: that puts the same state in brackets."""
    last, saw = sockx.last(fd), ss(*what)[0]
    shown = last["after"]
    said = f"trace: {shown}, ss: {saw}, expected: {state}"
    if saw != state.strip("[]") or (shown != state and (last["function"], shown) != ("close", f"[{state}]")):
        sys.exit(said + "\n" + "".join(sockx.lines))
    print(said)


def queue_of_peer():
    with socket.create_server(("127.0.0.1", 0), backlog=1) as listener:
        port = listener.getsockname()[1]
        waiting = fill(port)
        sockx = Traced("connect", "-w", "300ms", "-s", "127.0.0.9", f"127.0.0.1:{port}")
        fd = sockx.call("connect", errno="EINPROGRESS")["fd"]
        compare(sockx, fd, "SYN_SENT", "src = 127.0.0.9")
        sockx.call("close", fd)
        compare(sockx, fd, "[CLOSED]", "src = 127.0.0.9")
        sockx.end()
        for one in waiting:
            one.close()


def queue_of_ours():
    sockx = Traced("serve", "-m", "echo", "-H", "127.0.0.1", "-p", "0", "-b", "3", "--max-conns", "1")
    line = sockx.shows("port", lambda: [x for x in sockx.lines if x.startswith("listening")])[0]
    port = int(line.split(":")[1].split()[0])
    compare_queue(sockx, sockx.call("listen"), port, 0)
    os.kill(sockx.run.pid, signal.SIGSTOP)
    waiting = fill(port)
    assert ss("-l", f"sport = :{port}") == ("LISTEN", 4, 3)
    os.kill(sockx.run.pid, signal.SIGCONT)
    compare_queue(sockx, sockx.accepted(), port, 3)
    sockx.end()
    for one in waiting:
        one.close()


def compare_queue(sockx, call, port, expected):
    """The queue that the call shows, and what ss shows of the listener."""
    shown, saw = (call.get("queue"), call.get("queue_most")), ss("-l", f"sport = :{port}")
    if shown != saw[1:] or saw[:2] != ("LISTEN", expected):
        sys.exit(f"trace: {shown}, ss: {saw}, expected: {expected}\n" + "".join(sockx.lines))
    print(shown, saw)


def main():
    command("ip", "link", "set", "lo", "up")
    # What comes is acknowledged at once, not 40 ms later: it is one state or the other.
    command("ip", "route", "change", "local", "127.0.0.1", "dev", "lo", "src", "127.0.0.1", "table", "local",
            "quickack", "1")
    command("nft", "table inet states { chain lost { type filter hook input priority 0; }; }")
    for role in ("client", "server"):
        pair = globals()[sys.argv[1]](role)
        if pair:
            pair.close()


main()
