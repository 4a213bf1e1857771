"""What tests/lint/events asks: prints a finding a line."""

import glob
import json
import re

REPORT = "src/report/report.c"
SCHEMA = "man/sockx.schema.json"
MANUAL = "man/sockx-json.5"
EVERY = {"ts", "v", "event"}
FOR_PEOPLE = {"pace"}  # fields of rows that JSON has in other members


def read(path):
    with open(path, encoding="utf-8") as text:
        return text.read()


def find(path, what):
    print(f"{path}:1: {what}")


# ---- the sources ----


def rows():
    """{event: members that its texts name}"""
    found = {}
    for row in re.finditer(r'\[REPORT_\w+\] = \{"([\w.]+)", \w+,\s*((?:"(?:[^"\\]|\\.)*"\s*)+)\}',
                           read(REPORT)):
        found.setdefault(row.group(1), set()).update(re.findall(r"\{(\w+)\}", row.group(2)))
    return found


def written(pattern):
    """What is written by a literal, anywhere."""
    return {name for path in glob.glob("src/*/*.c") for name in re.findall(pattern, read(path))}


def members():
    fields = set(re.findall(r'\{"(\w+)", FIELD_\w+, offsetof', read(REPORT))) - FOR_PEOPLE
    own = written(r'\b(?:json_(?:str|int|num|bool|list_open)|add_text|figures_add_us|trace_json_state)\(\s*&?\w+, "(\w+)"')
    return fields | own | EVERY


# ---- the manual ----


def items(section, macro):
    """{name: (its text, the members that it lists)} of a list in a section."""
    text = read(MANUAL)
    part = re.search(rf"^\.Sh {section}\n.*?^\.Bl.*?\n(.*?)^\.El", text, re.M | re.S).group(1)
    found = {}
    for item in re.split(r"^\.It ", part, flags=re.M)[1:]:
        lines = item.splitlines()
        if not lines[0].startswith(macro + " "):
            find(MANUAL, f"no {macro}: {lines[0]}")
        listed = " ".join(line[4:] for line in lines[1:] if line.startswith(".Va "))
        words = " ".join(line for line in lines[1:] if not line.startswith("."))
        found[lines[0].split()[1]] = (words.replace("\\-", "-"), re.findall(r"\[?\w+\]?", listed))
    return found


# ---- compared ----


def compare(path, what, has, wants):
    for name in sorted(wants - has):
        find(path, f"{what} {name} is missing")
    for name in sorted(has - wants):
        find(path, f"nothing prints the {what} {name}")


def check_texts(what, told, described):
    for name in sorted(told.keys() & described.keys()):
        if told[name][0] != described[name]["description"]:
            find(MANUAL, f"{what} {name} is described otherwise in {SCHEMA}")


def check_event(name, listed, definition):
    """In brackets: what is not required."""
    keys = [key for key in definition["properties"] if key not in EVERY]
    wants = [key if key in definition["required"] else f"[{key}]" for key in keys]
    if sorted(listed) != sorted(wants):
        find(MANUAL, f"{name} has in {SCHEMA}: {' '.join(wants)}")


def main():
    schema = json.loads(read(SCHEMA))
    named, described, definitions = rows(), schema["properties"], schema["$defs"]
    events = set(named) | written(r'(?:json_event|report_json_open)\(\s*&?\w+, "([\w.]+)"')
    told, explained = items("EVENTS", "Li"), items("MEMBERS", "Va")
    inner = set(described["list"]["items"]["properties"])
    compare(SCHEMA, "event", set(definitions), events)
    compare(SCHEMA, "member", set(described) | inner, members())
    compare(MANUAL, "event", set(told), events)
    compare(MANUAL, "member", set(explained), members())
    check_texts("event", told, definitions)
    check_texts("member", explained, described)
    if {one["$ref"].rpartition("/")[2] for one in schema["oneOf"]} != set(definitions):
        find(SCHEMA, "oneOf is not all of $defs")
    for name in sorted(definitions.keys() & told.keys()):
        check_event(name, told[name][1], definitions[name])
    for name in sorted(definitions.keys() & named.keys()):
        for field in sorted(named[name] - FOR_PEOPLE - definitions[name]["properties"].keys()):
            find(SCHEMA, f"{name} has no {field}, which a person is told")
    for name in sorted(definitions):
        for key in sorted(definitions[name]["properties"].keys() - described.keys()):
            find(SCHEMA, f"{name} has {key}, which is not described")


main()
