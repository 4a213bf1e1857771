"""steady.py SECONDS: the processor time that sockx takes where there is nothing to do.

Brings one program into each of the states below, watches all of them together for SECONDS, and
prints a line for each: its name, and the share of a processor in per cent, or `ended STATUS`."""

import os
import random
import re
import resource
import select
import socket
import struct
import subprocess
import sys
import tempfile
import time

NOISE = random.Random(13).randbytes(1 << 20)
FULL_S = 0.2  # no byte was taken for so long: it is full
SETTLE_S = 0.7
STATES = []
DIRECTORIES = []  # of Unix sockets, removed at the end


def state(run):
    STATES.append(run)
    return run


def reset(conn):
    conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    conn.close()


def fill(fd, piece=NOISE):
    os.set_blocking(fd, False)
    poll = select.poll()
    poll.register(fd, select.POLLOUT)
    while poll.poll(FULL_S * 1000):
        try:
            os.write(fd, piece)
        except BlockingIOError:
            pass


class Program:
    """sockx with pipes, or what it is given, as standard input and output."""

    children = []

    def __init__(self, arguments, stdin=None, stdout=None, limit=None):
        self.input = self.output = self.net = None
        if stdin is None:
            stdin, self.input = os.pipe()
        if stdout is None:
            self.output, stdout = os.pipe()
        self.held = []

        def set_limit():
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))

        self.child = subprocess.Popen([os.environ["SOCKX"]] + arguments, stdin=stdin, stdout=stdout,
                                      stderr=subprocess.PIPE, preexec_fn=limit and set_limit)
        self.children.append(self.child)
        os.close(stdin)
        os.close(stdout)

    def learn_port(self):
        line = self.child.stderr.readline().decode()
        self.port = int(re.search(r":(\d+) \(", line)[1])

    def dial(self, wait=True):
        conn = socket.socket()
        if wait:
            conn.settimeout(10)
            conn.connect(("127.0.0.1", self.port))
        else:
            conn.setblocking(False)
            conn.connect_ex(("127.0.0.1", self.port))
        self.held.append(conn)
        return conn

    def share(self, seconds, before):
        status = self.child.poll()
        if status is not None:
            return f"ended {status}"
        return f"{(self.cpu_ns() - before) / seconds / 1e7:.3f}"

    def cpu_ns(self):
        """Of all its threads (the first field of schedstat: ns on a processor)."""
        total = 0
        try:
            for task in os.listdir(f"/proc/{self.child.pid}/task"):
                with open(f"/proc/{self.child.pid}/task/{task}/schedstat") as file:
                    total += int(file.read().split()[0])
        except OSError:
            pass
        return total


def serve(*arguments, **options):
    program = Program(["serve", "-H", "127.0.0.1", "-p", "0", *arguments], **options)
    program.learn_port()
    return program


def serve_pipe(*arguments, **options):
    program = serve("--mode", "pipe", *arguments, **options)
    program.net = program.dial()
    return program


def connect(*arguments, **options):
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(10)
    program = Program(["connect", "127.0.0.1", str(listener.getsockname()[1]), *arguments],
                      **options)
    program.net = listener.accept()[0]
    return program


def opened(path, flags=os.O_RDONLY):
    return os.open(path, flags)


def big_file():
    with tempfile.NamedTemporaryFile() as file:
        file.truncate(100 << 20)
        return opened(file.name)


# ---- servers ----

@state
def echo_with_1000_idle():
    program = serve("--mode", "echo")
    for _ in range(1000):
        program.dial()
    return program


@state
def echo_at_a_hard_limit_of_64():
    program = serve("--mode", "echo", limit=64)
    for _ in range(200):
        program.dial(wait=False)
    return program


@state
def echo_out_of_descriptors():
    program = serve("--mode", "echo")
    for _ in range(30):
        conn = program.dial()
        conn.sendall(b"x")
        conn.recv(1)
    hard = resource.prlimit(program.child.pid, resource.RLIMIT_NOFILE)[1]
    resource.prlimit(program.child.pid, resource.RLIMIT_NOFILE, (10, hard))
    for _ in range(20):
        program.dial(wait=False)
    return program


@state
def echo_with_a_client_that_never_reads():
    program = serve("--mode", "echo")
    program.net = program.dial()
    fill(program.net.fileno())
    return program


@state
def echo_never_read_and_half_closed():
    program = echo_with_a_client_that_never_reads()
    program.net.shutdown(socket.SHUT_WR)
    return program


@state
def echo_never_read_and_reset():
    program = echo_with_a_client_that_never_reads()
    reset(program.net)
    return program


@state
def source_with_a_client_that_never_reads():
    program = serve("--mode", "source")
    program.dial()
    return program


@state
def serve_waiting_with_input_there():
    program = serve()
    os.write(program.input, b"for whoever comes")
    return program


@state
def serve_waiting_with_input_closed():
    program = serve()
    os.close(program.input)
    return program


@state
def serve_waiting_with_input_null():
    return serve(stdin=opened("/dev/null"))


@state
def serve_waiting_with_a_file():
    return serve(stdin=big_file())


@state
def serve_with_reader_gone():
    program = serve_pipe()
    os.close(program.output)
    return program


@state
def serve_with_reader_gone_after_use():
    program = serve_pipe()
    program.net.sendall(NOISE)
    left = len(NOISE)
    while left:
        left -= len(os.read(program.output, left))
    os.close(program.output)
    return program


@state
def serve_in_turn_input_closed_between_clients():
    program = serve_pipe("-k")
    os.write(program.input, b"x")
    program.net.recv(1)
    program.net.close()
    time.sleep(0.1)
    os.close(program.input)
    return program


# ---- clients: the peer is silent, or does not read ----

@state
def connect_silent():
    return connect()


@state
def connect_input_closed():
    program = connect()
    os.close(program.input)
    return program


@state
def connect_input_closed_no_shutdown():
    program = connect("--no-shutdown")
    os.close(program.input)
    return program


@state
def connect_input_a_file_at_its_end():
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"all there is")
        file.flush()
        return connect(stdin=opened(file.name))


@state
def connect_input_null():
    return connect(stdin=opened("/dev/null"))


@state
def connect_input_null_output_null():
    return connect(stdin=opened("/dev/null"), stdout=opened("/dev/null", os.O_WRONLY))


@state
def connect_input_a_socket_closed():
    ours, theirs = socket.socketpair()
    program = connect(stdin=theirs.detach())
    ours.close()
    return program


@state
def connect_input_a_terminal():
    master, slave = os.openpty()
    program = connect(stdin=slave, stdout=os.dup(slave))
    program.held.append(master)
    return program


@state
def connect_reader_gone():
    program = connect()
    os.close(program.output)
    return program


@state
def connect_output_full():
    program = connect()
    fill(program.net.fileno())
    return program


@state
def connect_output_full_and_half_closed():
    program = connect_output_full()
    program.net.shutdown(socket.SHUT_WR)
    return program


@state
def connect_output_full_and_reset():
    program = connect_output_full()
    reset(program.net)
    return program


@state
def connect_output_full_input_closed_and_reset():
    program = connect_output_full()
    os.close(program.input)
    time.sleep(0.1)
    reset(program.net)
    return program


@state
def connect_output_a_full_socket_and_reset():
    ours, theirs = socket.socketpair()
    program = connect(stdout=theirs.detach())
    program.held.append(ours)
    fill(program.net.fileno())
    reset(program.net)
    return program


@state
def connect_input_full():
    program = connect()
    fill(program.input)
    return program


@state
def connect_input_full_then_closed():
    program = connect_input_full()
    os.close(program.input)
    return program


@state
def connect_input_a_file_not_taken():
    return connect(stdin=big_file())


@state
def connect_both_full_and_half_closed():
    program = connect_output_full()
    fill(program.input)
    program.net.shutdown(socket.SHUT_WR)
    return program


@state
def connect_peer_ended():
    program = connect()
    program.net.shutdown(socket.SHUT_WR)
    return program


@state
def connect_peer_ended_input_full():
    program = connect_peer_ended()
    fill(program.input)
    return program


@state
def echo_whose_client_ended_in_urgent_data():
    program = serve("--mode", "echo")
    peer = program.dial()
    for _ in range(3):
        peer.send(b"abc")
        peer.send(b"!", socket.MSG_OOB)
    return program


# ---- datagrams and Unix sockets ----

def unix_address(program):
    return re.search(r"listening on unix:(.*) \(", program.child.stderr.readline().decode())[1]


def unix_place():
    directory = tempfile.TemporaryDirectory()
    DIRECTORIES.append(directory)
    return os.path.join(directory.name, "socket")


def datagram_peer(program, family, address):
    peer = socket.socket(family, socket.SOCK_DGRAM)
    peer.settimeout(10)
    if family == socket.AF_UNIX:
        peer.bind("")
    peer.connect(address)
    program.held.append(peer)
    return peer


@state
def udp_echo_with_1000_idle():
    program = serve("-u", "--mode", "echo")
    for _ in range(1000):
        peer = datagram_peer(program, socket.AF_INET, ("127.0.0.1", program.port))
        peer.send(b"x")
        peer.recv(10)
    return program


@state
def udp_serve_output_full():
    program = serve("-u", "--mode", "pipe")
    peer = datagram_peer(program, socket.AF_INET, ("127.0.0.1", program.port))
    for _ in range(1000):
        peer.send(NOISE[:8192])
    return program


@state
def udp_connect_silent():
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))
    program = Program(["connect", "-u", "127.0.0.1", str(server.getsockname()[1])])
    program.held.append(server)
    return program


@state
def unix_datagram_serve_to_a_peer_that_never_reads():
    place = unix_place()
    program = Program(["serve", "-u", "-U", place], stdin=big_file())
    unix_address(program)
    datagram_peer(program, socket.AF_UNIX, place).send(b"x")
    return program


@state
def unix_connect_where_there_is_no_room():
    place = unix_place()
    server = socket.socket(socket.AF_UNIX)
    server.bind(place)
    server.listen(0)
    program = Program(["connect", "-w", "0", "-U", place])
    other = Program(["connect", "-w", "0", "-U", place])
    other.held += [server, program]
    return other


@state
def seqpacket_echo_with_a_client_that_never_reads():
    place = unix_place()
    program = Program(["serve", "--mode", "echo", "--seqpacket", "-U", place])
    unix_address(program)
    peer = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    peer.connect(place)
    peer.setblocking(False)
    program.held.append(peer)
    fill(peer.fileno(), NOISE[:1 << 16])
    return program


def watch(seconds):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    programs = [(run.__name__, run()) for run in STATES]
    time.sleep(SETTLE_S)
    before = [program.cpu_ns() for _, program in programs]
    time.sleep(seconds)
    for (name, program), then in zip(programs, before):
        print(name, program.share(seconds, then))


def main():
    try:
        watch(float(sys.argv[1]))
    finally:
        for child in Program.children:
            child.kill()
            child.wait()
        for directory in DIRECTORIES:
            directory.cleanup()


main()
