"""What tests/lint/documented asks: prints a finding a line. Arguments: the program, the option
table as `docs options` prints it."""

import glob
import re
import subprocess
import sys

MANUAL = "man/sockx.1"
ADVICE = "src/cmd/advice.c"
OTHERS = re.compile(r"\b(?:ulimit|ls|ss|mkdir) -\w+")


def read(path):
    with open(path, encoding="utf-8") as text:
        return text.read()


def find(path, number, what):
    print(f"{path}:{number}: {what}")


# ---- options ----


def table(path):
    """{command: {"-p", "--port", ...}}"""
    options = {}
    for line in read(path).splitlines():
        command, letter, name = line.split()
        forms = options.setdefault(command, set())
        forms.update(["-" + letter] if letter != "-" else [])
        forms.update(["--" + name] if name != "-" else [])
    return options


def in_manual(text, command):
    """The options of the items between the marks for that command."""
    part = re.search(rf'^\.\\" options of {command} begin\n(.*?)^\.\\" options of {command} end',
                     text, re.M | re.S)
    items = re.findall(r"^\.It (Fl .*)", part.group(1) if part else "", re.M)
    return {"-" + flag for item in items for flag in re.findall(r"Fl (\S+)", item)}


def in_help(program, command):
    said = subprocess.run([program, command, "--help"], capture_output=True, text=True, check=True)
    left = re.findall(r"^ {2,6}(-.*?)(?: {2}|$)", said.stdout, re.M)
    return {form for forms in left for form in re.findall(r"(?<!\S)-[^\s,\[]+", forms)}


def in_bash(command):
    body = re.search(rf"^_sockx_{command}\(\) \{{\n(.*?)^\}}", read("completions/sockx.bash"),
                     re.M | re.S).group(1)
    listed = re.search(r"if \[\[ \$current == -\*.*?_sockx_reply -W '(.*?)'", body, re.S)
    return set(listed.group(1).split())


def in_zsh(command):
    body = re.search(rf"^_sockx_{command}\(\) \{{\n(.*?)^\}}", read("completions/_sockx"),
                     re.M | re.S).group(1)
    forms = re.findall(r"^\t\t(?:'\([^)]*\)'|'\*')?(\{[^}]*\}|-[^'\[]+)'?\[?", body, re.M)
    return {form.rstrip("+=-") for group in forms for form in group.strip("{}").split(",")}


def in_fish(command):
    options = set()
    for line in read("completions/sockx.fish").splitlines():
        if f"-n '__sockx_is {command}'" in line:
            options.update("-" + x for x in re.findall(r" -s (\S)(?= )", line)[:1])
            options.update("--" + x for x in re.findall(r" -l (\S+)(?= )", line)[:1])
    return options


def compare(path, command, has, wants):
    for form in sorted(wants - has):
        find(path, 1, f"option {form} of {command} is missing")
    for form in sorted(has - wants):
        find(path, 1, f"{command} has no option {form}")


def check_options(program, options):
    for command, wants in options.items():
        page = f"man/sockx-{command}.1" if command != "help" else MANUAL
        compare(page, command, in_manual(read(page), command), wants)
        compare("src/cli/help.c", command, in_help(program, command), wants)
        compare("completions/sockx.bash", command, in_bash(command), wants)
        compare("completions/_sockx", command, in_zsh(command), wants)
        compare("completions/sockx.fish", command, in_fish(command), wants)


def check_mentions(options):
    """What the text of a page calls an option is one: of its own command, or, where a page is about
    several, of any."""
    everything = set().union(*options.values())
    for page in sorted(glob.glob("man/*.[157]")):
        for number, line in enumerate(read(page).splitlines(), 1):
            if not line.startswith(".") or line.startswith((".It Li", ".Li")):
                continue
            for flag in re.findall(r"\bFl (-?[\w-]+)", line):
                if "-" + flag not in everything:
                    find(page, number, f"there is no option -{flag}")


def check_advice(options, rows):
    """What the table of advice calls an option is one, of any command."""
    everything = set().union(*options.values())
    for texts, line in rows.values():
        for text in texts:
            for form in re.findall(r"(?<![\w-])--?[A-Za-z0-9][\w-]*", OTHERS.sub("", text or "")):
                if form not in everything:
                    find(ADVICE, line, f"there is no option {form}")


# ---- messages ----

DIRECTIVE = re.compile(r"%(?:\.\*)?[-0-9]*(?:j|z|l)*[a-zA-Z]")


def bare(text):
    """A message with everything that differs from time to time as `*`: what a format fills in, what
    the manual has in capitals."""
    text = re.sub(r"\b[A-Z][A-Za-z]*[A-Z]\b|\b[A-Z]\b|\bIPv[N*]", "*", text)
    text = re.sub(r"'?\*'?", "*", text)
    text = re.sub(r"\b(an?) \*", "*", text)
    return re.sub(r"\*( ?\*)+", "*", text)


def strings(argument):
    """The C strings of an expression: of `a ? "x" : "y"` both."""
    joined = re.sub(r'"\s*"', "", argument)
    return [x.replace('\\"', '"').replace("\\n", "") for x in re.findall(r'"((?:[^"\\]|\\.)*)"', joined)]


def call_arguments(text, start):
    """The text from start to the parenthesis that closes the call."""
    depth, at = 1, start
    while depth:
        if text[at] == '"':
            at += 1
            while text[at] != '"':
                at += 2 if text[at] == "\\" else 1
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        at += 1
    return text[start:at - 1]


def advice():
    """{fact: ((what the message goes on with, hint), line)}: the rows of the table; None for NULL."""
    text, rows = read(ADVICE), {}
    for row in re.finditer(r'\[(FACT_\w+)\] = \{(NULL|(?:"(?:[^"\\]|\\.)*"\s*)+),\s*'
                           r'(NULL|(?:"(?:[^"\\]|\\.)*"\s*)+)\}', text):
        texts = tuple((strings(part) or [None])[0] for part in row.group(2, 3))
        rows[row.group(1)] = (texts, text.count("\n", 0, row.start()) + 1)
    return rows


def facts_after(text, start):
    """The facts that are stated of the error that was set before start: [] where none is."""
    rest = re.split(r"\berr_(?:set|sys)\(|^\}", text[start:], maxsplit=1, flags=re.M)[0]
    call = re.search(r"\berr_fact\(", rest)
    return re.findall(r"\bFACT_\w+", call_arguments(rest, call.end())) if call else []


def goes_on(text, start, rows, used):
    """What the message of the error set before start can go on with. used gets the facts."""
    facts = facts_after(text, start)
    used.update(facts)
    return {rows[fact][0][0] or "" if fact in rows else "" for fact in facts} or {""}


def told(rows):
    """[(bare message, file, line)] of all that the program can say."""
    found, used = [], set()
    for path in sorted(glob.glob("src/*/*.c")) + ["src/main.c"]:
        if path in ("src/base/err.c", "src/cli/opt_check.c"):
            continue  # what defines them, and what is told to who writes a table
        text = read(path)
        for call in re.finditer(r"\berr_(set|sys)\(", text):
            arguments = call_arguments(text, call.end())
            line = text.count("\n", 0, call.start()) + 1
            message = (strings(arguments) or [""])[0]
            message = DIRECTIVE.sub("*", message.replace("0x%02x", "*").replace("IPv%c", "IPv*"))
            message += ": *" if call.group(1) == "sys" else ""
            more = goes_on(text, call.end() + len(arguments), rows, used)
            if "ERR_NONE" not in arguments:  # else a reason: its report is what is explained
                found += [(bare(message + part), path, line) for part in sorted(more)]
        for call in re.finditer(r'(?:conn_refuse\(\S+ |conn_refuse_silent\([^"]*|conn_give_up\(\S+ |too_long\), )"([^"]*)"', text):
            found.append((bare("error: " + DIRECTIVE.sub("*", call.group(1))), path,
                          text.count("\n", 0, call.start()) + 1))
        for call in re.finditer(r'\(struct err\)\{\w+, \.what = "([^"]*)"', text):
            found.append((bare(call.group(1)), path,
                          text.count("\n", 0, call.start()) + 1))
    text = read("src/report/report.c")
    for row in re.finditer(r'\[REPORT_\w+\] = \{"[^"]*", \w+,\s*("(?:[^"\\]|"\s*")*")', text):
        human = re.sub(r"\{\w+\}", "*", strings(row.group(1))[0])
        found.append((bare(human), "src/report/report.c", text.count("\n", 0, row.start()) + 1))
    for call in re.finditer(r'"(call: [^"]*)\\n"', text):
        found.append((bare(DIRECTIVE.sub("*", call.group(1))), "src/report/report.c",
                      text.count("\n", 0, call.start()) + 1))
    for fact, (texts, line) in rows.items():
        if texts[0] and fact not in used:
            find(ADVICE, line, f"no message goes on with {fact}")
    return found


def explained():
    """[(bare message, line)] of DIAGNOSTICS."""
    text = read(MANUAL)
    begin = text.index(".Sh DIAGNOSTICS")
    end = text.index(".Sh ", begin + 1)
    return [(bare(item.group(1)), text.count("\n", 0, begin + item.start()) + 1)
            for item in re.finditer(r'^\.It Li "(.*)"$', text[begin:end], re.M)]


def covers(general, special):
    """Whether one message is a case of the other: `*` is any text, where enough else is left."""
    if general == special:
        return True
    words = [word for word in general.split() if "*" not in word]
    pattern = ".*".join(re.escape(part) for part in general.split("*"))
    return len(words) >= 2 and re.fullmatch(pattern, special) is not None


def check_messages(rows):
    messages, items = told(rows), explained()
    for text, path, line in messages:
        if not any(covers(text, item) or covers(item, text) for item, _ in items):
            find(path, line, f"DIAGNOSTICS of sockx(1) does not explain: {text}")
    for item, line in items:
        if not any(covers(text, item) or covers(item, text) for text, _, _ in messages):
            find(MANUAL, line, f"nothing says: {item}")


def main():
    program, options = sys.argv[1], table(sys.argv[2])
    check_options(program, options)
    rows = advice()
    check_mentions(options)
    check_advice(options, rows)
    check_messages(rows)


main()
