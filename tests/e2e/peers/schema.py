"""Every line of every run against the JSON Schema, as strict as it can be.

    schema.py SCHEMA                             the schema itself is one
    schema.py SCHEMA DIRECTORY [KEY=VALUE...]

In DIRECTORY, NAME.err (but for job*.err) is what a run with -j said on standard error, NAME.report its objects on
standard output, NAME.status its exit status. Each line is an object of a known event, without any
other member than the schema has for it; a run ends with done or error, as its status says, and with
one of them. Each KEY=VALUE is met by one line at least.
"""

import glob
import json
import os
import sys

from jsonschema import Draft202012Validator

ENDS = ("done", "error")


def strict(schema):
    """{event: its validator}"""
    made = {}
    for event, definition in schema["$defs"].items():
        own = {key: value if isinstance(value, dict) else schema["properties"][key]
               for key, value in definition["properties"].items()}
        made[event] = Draft202012Validator(
            {**definition, "type": "object", "properties": own, "additionalProperties": False})
    return made


def objects(path):
    with open(path, encoding="utf-8") as text:
        for line in text:
            assert line.endswith("\n"), f"{path}: torn: {line}"
            yield json.loads(line)


def check_line(path, line, validators):
    assert line.get("event") in validators, f"{path}: no such event: {line}"
    for wrong in validators[line["event"]].iter_errors(line):
        raise AssertionError(f"{path}: {wrong.message}: {line}")


def check_last(path, lines):
    """That one line ends the run, and says with which status."""
    events = [line["event"] for line in lines]
    assert events and events[-1] in ENDS, f"{path}: it does not end: {events}"
    assert sum(event in ENDS for event in events) == 1, f"{path}: two ends: {events}"
    status = path[:-len("err")] + "status"
    if os.path.exists(status):
        with open(status, encoding="utf-8") as text:
            said = int(text.read())
        assert said == lines[-1].get("exit", 0), f"{path}: status {said}: {lines[-1]}"


def main():
    with open(sys.argv[1], encoding="utf-8") as text:
        schema = json.load(text)
    if len(sys.argv) == 2:
        Draft202012Validator.check_schema(schema)
        return
    validators, whole = strict(schema), Draft202012Validator(schema)
    seen, tried, count = set(), set(), 0
    for path in sorted(glob.glob(os.path.join(sys.argv[2], "*.err")) +
                       glob.glob(os.path.join(sys.argv[2], "*.report"))):
        if os.path.basename(path).startswith("job"):
            continue
        lines = list(objects(path))
        for line in lines:
            check_line(path, line, validators)
            seen.update(f"{key}={value}" for key, value in line.items())
            if line["event"] not in tried:
                whole.validate(line)  # the schema as it is used by others
                tried.add(line["event"])
            count += 1
        if path.endswith(".err"):
            check_last(path, lines)
        else:
            assert all("ts" not in line for line in lines), path
    missing = [wanted for wanted in sys.argv[3:] if wanted not in seen]
    assert not missing, f"no line has {missing}"
    print(f"{count} lines are valid: {' '.join(sorted(tried))}")


main()
