"""Write a text of lower-case ASCII words, and what is to be counted of it, sorted as lines.

    text.py BYTES TEXT EXPECTED
"""

import collections
import random
import string
import sys

size, text_path, expected_path = int(sys.argv[1]), sys.argv[2], sys.argv[3]
chosen = random.Random(29)
vocabulary = sorted(
    {"".join(chosen.choices(string.ascii_lowercase, k=chosen.randint(1, 9))) for _ in range(30000)}
)
# One part, many times over: quick to make, and to count.
part = [vocabulary[min(int(chosen.paretovariate(0.6)) - 1, len(vocabulary) - 1)] for _ in range(200000)]
line = " ".join(part) + "\n"
times = size // len(line)
with open(text_path, "w") as out:
    for _ in range(times):
        out.write(line)
counts = collections.Counter(part)
lines = [f"{word} {count * times}\n" for word, count in counts.items()]
lines += [f"words: {len(part) * times}\n", f"unique: {len(counts)}\n"]
with open(expected_path, "w") as out:
    out.writelines(sorted(lines))
