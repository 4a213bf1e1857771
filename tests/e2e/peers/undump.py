"""Rebuild the bytes of one direction of a connection from a hex dump.

undump.py FILE CONN DIRECTION [messages]: CONN as the dump has it ("1", "1+"), DIRECTION "<" or ">", or "<>" where
both have the same bytes, which are written once. Each row must have the form of the manual, and the place that
follows from the rows before it; a message begins at 0 again, and is written in brackets.
"""

import itertools
import re
import sys

ROW = re.compile(r" *\d+\.\d{6} +(\d+\+?) ([<>]) ([0-9a-f]{8,})  (?:\(empty message\)|([0-9a-f ]{50})\|([ -~]*)\|)\n")
SHOWN = [byte if 32 <= byte <= 126 else 46 for byte in range(256)]
LONGEST = 101


def rows_of(path):
    """(connection, direction, place, bytes in hex, the same as text) of each row."""
    with open(path, encoding="latin-1", newline="\n") as dump:
        lines = dump.readlines()
    rows = list(map(ROW.fullmatch, lines))
    assert all(rows), next(line for line, row in zip(lines, rows) if not row)
    assert not lines or len(max(lines, key=len)) <= LONGEST, max(lines, key=len)
    return [row.groups("") for row in rows]


def of_stream(places, parts):
    due = list(itertools.accumulate(map(len, parts), initial=0))[:-1]
    assert places == due, next(pair for pair in zip(places, due) if pair[0] != pair[1])
    return b"".join(parts)


def of_messages(places, parts):
    begins = [at for at, place in enumerate(places) if place == 0] + [len(places)]
    assert begins[0] == 0, places[0]
    return b"".join(b"[" + of_stream(places[at:end], parts[at:end]) + b"]" for at, end in itertools.pairwise(begins))


def rebuilt(rows, conn, direction, messages):
    own = [row for row in rows if row[0] == conn and row[1] == direction]
    parts = [bytes.fromhex(row[3]) for row in own]
    for row, part in zip(own, parts):
        assert row[4].encode() == part.translate(bytes(SHOWN)), row
    return (of_messages if messages else of_stream)([int(row[2], 16) for row in own], parts)


def main(path, conn, directions, *messages):
    rows = rows_of(path)
    one, *other = [rebuilt(rows, conn, direction, messages) for direction in directions]
    assert other in ([], [one]), f"{directions}: {one[-100:]} and {other[0][-100:]}"
    sys.stdout.buffer.write(one)


main(*sys.argv[1:])
