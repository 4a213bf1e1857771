"""What a terminal shows of the bytes that a program writes: as much of one as line editors need."""

import codecs
import re
import unicodedata

SEQUENCE = re.compile(r"\x1b\[([0-?]*)([ -/]*[@-~])")
UNFINISHED = re.compile(r"\x1b(\[[0-?]*[ -/]*)?$")


def width(letter):
    if unicodedata.combining(letter) or unicodedata.category(letter) in ("Cf", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


class Screen:
    """Rows that scrolled off stay in front of the others. A cell is a letter with what combines with
    it; the right half of a wide letter is an empty one. What is not understood shows as <1b>."""

    def __init__(self, height=24, columns=80):
        self.height, self.columns = height, columns
        self.rows = [[]]
        self.row = self.column = 0
        self.rest = ""
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def text(self):
        return "\n".join("".join(row).rstrip() for row in self.rows).rstrip("\n")

    def feed(self, data):
        text = self.rest + self.decoder.decode(data)
        at = 0
        while at < len(text):
            if text[at] != "\x1b":
                self.put(text[at])
                at += 1
            elif found := SEQUENCE.match(text, at):
                self.control(*found.groups())
                at = found.end()
            elif UNFINISHED.match(text, at):
                break
            else:
                self.show("<1b>")
                at += 1
        self.rest = text[at:]

    def move(self, row, column):
        top = max(0, len(self.rows) - self.height)
        self.row = max(top, min(row, len(self.rows) - 1))
        self.column = max(0, min(column, self.columns - 1))

    def next_row(self):
        self.row += 1
        if self.row == len(self.rows):
            self.rows.append([])

    def put(self, letter):
        if letter == "\n":
            self.next_row()
        elif letter == "\r":
            self.column = 0
        elif letter == "\b":
            self.column = max(0, min(self.column, self.columns) - 1)
        elif letter == "\t":
            self.column = min(self.columns - 1, self.column // 8 * 8 + 8)
        elif unicodedata.category(letter) == "Cc":
            if letter not in "\0\a":
                self.show(f"<{ord(letter):02x}>")
        else:
            self.letter(letter)

    def show(self, text):
        for letter in text:
            self.letter(letter)

    def letter(self, letter):
        row, wide = self.rows[self.row], width(letter)
        if wide == 0:
            if 0 < self.column <= len(row):
                row[self.column - 1] += letter
            return
        if self.column + wide > self.columns:
            self.column = 0
            self.next_row()
            row = self.rows[self.row]
        row += " " * (self.column + wide - len(row))
        row[self.column] = letter
        if wide == 2:
            row[self.column + 1] = ""
        self.column += wide

    def control(self, words, final):
        if words.startswith(("?", ">", "=")):
            return  # modes of the terminal
        numbers = [int(word) if word.isdigit() else 0 for word in words.split(";")]
        n, row = max(1, numbers[0]), self.rows[self.row]
        if final in "ABCD":
            down = {"A": -n, "B": n}.get(final, 0)
            right = {"C": n, "D": -n}.get(final, 0)
            self.move(self.row + down, min(self.column, self.columns - 1) + right)
        elif final == "G":
            self.move(self.row, n - 1)
        elif final in "Hf":
            top = max(0, len(self.rows) - self.height)
            self.move(top + n - 1, max(1, numbers[-1]) - 1 if len(numbers) > 1 else 0)
        elif final in "KJ":
            self.erase(final, numbers[0])
        elif final == "P":
            del row[self.column : self.column + n]
        elif final == "@":
            row[self.column : self.column] = " " * n
        elif final == "n":
            self.show("<asked for its state>")
        elif final != "m":
            self.show("<1b>[" + words + final)

    def erase(self, final, what):
        row = self.rows[self.row]
        if what == 0:
            del row[self.column :]
        elif what == 1:
            row[: self.column + 1] = " " * min(len(row), self.column + 1)
        else:
            row.clear()
        if final == "J" and what == 0:
            for below in self.rows[self.row + 1 :]:
                below.clear()
        elif final == "J":
            last = len(self.rows) if what == 2 else self.row
            for other in self.rows[max(0, len(self.rows) - self.height) : last]:
                other.clear()
