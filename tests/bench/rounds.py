"""What tests/bench/tls and tests/bench/relay share: rounds in which each program runs once, servers whose
processor time is taken, and a table of medians and of ratios within the rounds."""

import collections
import os
import signal
import socket
import statistics
import subprocess
import threading
import time

STARTS_WITHIN_S = 5
PATIENCE_S = 120

# key: of a run's figures; text: how one is shown; more: whether more of it is better
Figure = collections.namedtuple("Figure", "key heading text more")
# bound: what sockx divided by the program is to reach, at least or, where less is better, at most
Goal = collections.namedtuple("Goal", "program key bound")


class Failed(Exception):
    pass


# ---- processes ----


def free_port():
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def threads_cpu_s(pid):
    """What its threads have had of a processor."""
    total = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/schedstat", encoding="ascii") as figures:
            total += int(figures.read().split()[0])
    return total / 1e9


def start(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=None):
    return subprocess.Popen(list(map(str, words)), stdin=stdin, stdout=stdout, stderr=stderr, env=env)


def reap(process, signal_first=None):
    """Wait for it, and return its processor time, with that of the children that it has waited for."""
    if signal_first:
        process.send_signal(signal_first)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime


class Server:
    """Started, and listening. It is killed at the end of the block, if it has not been reaped."""

    def __init__(self, words, port, **started):
        self.port, self.process = port, start(words, **started)
        try:
            self.wait_until_it_listens()
            self.had = threads_cpu_s(self.process.pid)
        except Failed:
            self.__exit__()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.returncode is None:
            self.process.kill()
            self.process.wait()

    def wait_until_it_listens(self):
        """A connection would count as a client."""
        end = time.monotonic() + STARTS_WITHIN_S
        while time.monotonic() < end and self.process.poll() is None:
            with open("/proc/net/tcp", encoding="ascii") as sockets:
                if any(f"0100007F:{self.port:04X} 00000000:0000 0A" in line for line in sockets):
                    return
            time.sleep(0.01)
        raise Failed("the server does not listen")

    def wait_until_it_rests(self):
        """Until it has waited for all of its children."""
        end = time.monotonic() + STARTS_WITHIN_S
        while time.monotonic() < end:
            with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="ascii") as children:
                if not children.read():
                    return
            time.sleep(0.01)

    def stop(self):
        """Returns the processor time that it had since it began to listen."""
        self.wait_until_it_rests()
        return reap(self.process, signal.SIGKILL) - self.had


class Watchdog:
    """Kills the processes that are given to it if the block takes too long."""

    def __init__(self, *processes):
        self.processes = list(processes)
        self.timer = threading.Timer(PATIENCE_S, self.kill)

    def kill(self):
        for process in self.processes:
            if process.returncode is None:
                process.kill()

    def __enter__(self):
        self.timer.start()
        return self

    def __exit__(self, *_):
        self.timer.cancel()
        for process in self.processes:
            if process.returncode is None:
                process.kill()
                process.wait()


# ---- rounds, and what is shown of them ----


def measure(rounds, programs):
    """Each program is a function that returns a run's figures, by their keys. Returns the runs, None where one
    failed, and the failures, both by the program's name."""
    runs, failures = {name: [] for name in programs}, {name: [] for name in programs}
    for _ in range(rounds):
        for name, run in programs.items():
            try:
                runs[name].append(run())
            except (Failed, OSError, subprocess.SubprocessError) as error:
                runs[name].append(None)
                failures[name].append(str(error))
    return runs, failures


def ratio(runs, name, key):
    """The median of sockx divided by it, within each round that both got through."""
    both = [a[key] / b[key] for a, b in zip(runs["sockx"], runs[name]) if a and b and b[key] > 0]
    return statistics.median(both) if both else None


def missed(figures, runs, goals):
    more = {figure.key: figure.more for figure in figures}
    words = {figure.key: figure.heading for figure in figures}
    for goal in goals:
        found = ratio(runs, goal.program, goal.key) if goal.program in runs else None
        if found and (found < goal.bound if more[goal.key] else found > goal.bound):
            yield f"{goal.bound:.1f}x the {words[goal.key]} of {goal.program}"


def show(title, figures, measured, goals, told):
    """Returns the same for programs, a line each, which begins with told=PROGRAM."""
    runs, failures = measured
    lines = []
    print(f"\n{title}")
    print(f"  {'program':<15}" + "".join(f" {figure.heading:>17} {'sockx/it':>9}" for figure in figures))
    for name, results in runs.items():
        found = [result for result in results if result]
        row, line = f"  {name:<15}", f"bench {told}={name} failed={len(failures[name])}"
        for figure in figures:
            value = figure.text.format(statistics.median(run[figure.key] for run in found)) if found else "-"
            compared = ratio(runs, name, figure.key)
            times = f"{compared:.2f}" if compared else "-"
            row += f" {value:>17} {times if name != 'sockx' else '':>9}"
            line += f" {figure.key}={value} sockx_{figure.key}_ratio={times}"
        print(row)
        if failures[name]:
            print(f"  {name:<15} failed in {len(failures[name])} of {len(results)} rounds: {failures[name][0]}")
        lines.append(line)
    phrases = list(missed(figures, runs, goals))
    print(f"  {'missed: ' + ', '.join(phrases) if phrases else 'all goals are reached'}", flush=True)
    return lines
