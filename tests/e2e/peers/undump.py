"""Rebuild the bytes of one direction of a connection from a hex dump.

undump.py FILE CONN DIRECTION: CONN as the dump has it ("1", "1+"), DIRECTION "<" or ">". Each row must have the
form of the manual, and the place that follows from the rows before it; a message begins at 0 again, and is
written in brackets.
"""

import re
import sys

ROW = re.compile(rb" *\d+\.\d{6} +(\d+\+?) ([<>]) ([0-9a-f]{8,})  (?:\(empty message\)|([0-9a-f ]{50})\|([ -~]*)\|)\n")


def shown(data):
    return bytes(byte if 32 <= byte <= 126 else 46 for byte in data)


def main(path, conn, direction, messages):
    out = sys.stdout.buffer
    due = 0
    with open(path, "rb") as dump:
        for line in dump:
            row = ROW.fullmatch(line)
            assert row, line
            if row[1].decode() != conn or row[2].decode() != direction:
                continue
            data = bytes.fromhex((row[4] or b"").decode())
            assert shown(data) == (row[5] or b""), line
            assert len(line) <= 101, line
            at = int(row[3], 16)
            if messages and at == 0:
                out.write(b"][" if due is None or due else b"[")
                due = 0
            assert at == due, (line, due)
            due += len(data)
            if messages and not data:
                due = None
            out.write(data)
    if messages:
        out.write(b"]")


main(*sys.argv[1:4], len(sys.argv) > 4)
