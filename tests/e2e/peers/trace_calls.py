"""The calls that --trace=json shows of a run against those that strace saw of it.

    trace_calls.py STRACE TRACE [INHERITED...]

STRACE is what `strace -f -e trace=network,close -e signal=none` wrote of the run, TRACE its standard error. Equal
are, call for call: the text of the call (from strace's it is made anew here), the data, the result, and the name of
the error. Left out on both sides are the looks at TCP_INFO, and closing what is no socket: one is what socket and
accept made, and the descriptors INHERITED. Each is a call of the first thread that made one; names are looked up by
another. Prints how many calls were equal, and which functions.
"""

import json
import re
import sys

LINE = re.compile(r"(\d+) +(\w+)\((.*)\) += (-?\d+)(?: (E[A-Z0-9]+) .*)?$")
TEXT = r'"((?:[^"\\]|\\.)*)"(?:\.\.\.)?'
ESCAPES = {"n": 10, "r": 13, "t": 9, "v": 11, "f": 12, "a": 7, "b": 8}
OURS = {"accept4": "accept", "recvfrom": "recv", "sendto": "send"}
CALLS = {"socket", "bind", "listen", "accept", "connect", "send", "recv", "sendmsg", "recvmsg", "shutdown", "close",
         "setsockopt", "getsockopt", "getsockname", "getpeername", "socketpair", "sendmmsg", "recvmmsg"}
DROPS = 8 * 4  # of SO_MEMINFO: SK_MEMINFO_DROPS (linux/sock_diag.h)
MOST = 64  # bytes of data, as strace shows them (-s)


def unescaped(text):
    out = bytearray()
    for octal, hexadecimal, letter, plain in re.findall(
            r"\\([0-7]{1,3})|\\x([0-9a-f]{2})|\\(.)|([^\\])", text, re.DOTALL):
        out += (bytes([int(octal, 8)]) if octal else bytes([int(hexadecimal, 16)]) if hexadecimal else
                bytes([ESCAPES.get(letter, ord(letter))]) if letter else plain.encode())
    return bytes(out)


def address(text):
    """strace's {sa_family=...} as sockx writes it."""
    if match := re.search(r'sin_port=htons\((\d+)\), sin_addr=inet_addr\("([^"]*)"\)', text):
        return f"{match[2]}:{match[1]}"
    if match := re.search(r'sin6_port=htons\((\d+)\).*inet_pton\(AF_INET6, "([^"]*)"', text):
        return f"[{match[2]}]:{match[1]}"
    if match := re.search(r"sun_path=(@?)" + TEXT, text):
        return f"unix:{match[1]}{match[2]}"
    return "an unnamed socket" if "sa_family=AF_UNIX" in text else None


def data_in(text):
    match = re.match(TEXT, text)
    return (unescaped(match[1]), text[match.end():]) if match else (None, text)


def named(level):
    """SOL_TCP is IPPROTO_TCP, by another name."""
    return level if level == "SOL_SOCKET" else level.replace("SOL_", "IPPROTO_")


def flags(text, known):
    return "".join(f", {flag}" for flag in known if flag in text)


def written(name, args, failed):
    """The text of a call, all after its descriptor, and its data (None: it shows none)."""
    first, _, rest = args.partition(", ")
    if name == "socket":
        return re.sub(r"\|SOCK_(CLOEXEC|NONBLOCK)", "", args.rpartition(", ")[0]), None
    if name in ("bind", "connect"):
        return f", {address(rest)}", None
    if name in ("accept", "getsockname", "getpeername"):
        return "" if failed else f", {address(rest)}", None
    if name in ("recv", "send"):
        data, rest = data_in(rest)
        data = None if failed else data
        length = re.match(r"(?:0x[0-9a-f]+|NULL)?, (\d+)", rest)[1]
        return f", {length}{flags(rest, ('MSG_PEEK', 'MSG_TRUNC') if name == 'recv' else ())}", data
    if name in ("recvmsg", "sendmsg"):
        data = re.search("iov_base=" + TEXT, rest)
        to = re.search(r"msg_name=(\{.*?\}), msg_namelen", rest)
        shown = f", {address(to[1])}" if to and not (failed and name == "recvmsg") else ""
        return (shown + flags(rest.rpartition("}")[2], ("MSG_ERRQUEUE",)),
                unescaped(data[1]) if data and not failed else None)
    if name == "setsockopt":
        level, option, value, _ = re.match(r"(\w+), (\w+), (\[?.*?\]?), (\d+)$", rest).groups()
        value = re.sub(r"\{l_onoff=(\d+), l_linger=(\d+)\}", r"{\1, \2}", value).strip("[]")
        return f", {named(level)}, {option}, {value}", None
    if name == "getsockopt":
        level, option, value = re.match(r"(\w+), (\w+), (.*), \[", rest).groups()
        if option == "SO_MEMINFO":
            value = f"{int.from_bytes(data_in(value)[0][DROPS:DROPS + 4], sys.byteorder)} drops"
        shown = "" if failed or option == "SO_PEERCRED" else f", {value.strip('[]')}"
        return f", {named(level)}, {option}{shown}", None
    return f", {rest}" if rest else "", None


def of_strace(path):
    halves, thread = {}, None
    for line in open(path, encoding="utf-8", errors="surrogateescape"):
        pid = line.partition(" ")[0]
        if "<unfinished ...>" in line:
            halves[pid] = line.partition("<unfinished")[0]
            continue
        line = re.sub(r"^\d+ +<\.\.\. \w+ resumed> ?", lambda _: halves.pop(pid), line)
        match = LINE.match(line)
        if not match or match[2] not in CALLS | OURS.keys():
            continue
        thread = thread or pid
        if pid != thread or (match[2] == "getsockopt" and "TCP_INFO" in match[3]):
            continue
        name, result = OURS.get(match[2], match[2]), int(match[4])
        text, data = written(name, match[3], result < 0)
        first = "" if name == "socket" else match[3].partition(",")[0]
        yield {"name": name, "fd": int(first or -1), "text": text, "data": data, "result": result,
               "errno": match[5]}


def of_trace(path):
    for line in open(path, encoding="utf-8"):
        if not line.startswith("{") or '"event":"call"' not in line:
            continue
        said = json.loads(line)
        if said["function"] in CALLS:
            yield {"name": said["function"], "fd": said.get("fd", -1), "text": said["call"],
                   "data": said.get("data"), "result": said["result"], "errno": said.get("errno")}


def about_sockets(calls, known):
    for call in calls:
        if call["name"] in ("socket", "accept") and call["result"] >= 0:
            known.add(call["result"])
        if call["name"] == "close":
            if call["fd"] not in known:
                continue
            known.discard(call["fd"])
        yield call


def as_json(data):
    """The bytes as they stand in a string of JSON: each one that is no letter is U+FFFD."""
    out, at = "", 0
    while at < len(data):
        for size in (1, 2, 3, 4):
            try:
                out += data[at:at + size].decode()
                break
            except UnicodeDecodeError:
                continue
        else:
            out, size = out + "\ufffd", 1
        at += size
    return out


def differ(saw, shown):
    """What is not equal in two calls; None: nothing."""
    for key in ("name", "fd", "result", "errno"):
        if saw[key] != shown[key]:
            return key
    fd = "" if saw["fd"] < 0 else str(saw["fd"])
    begin, end = f"{saw['name']}({fd}", f"{saw['text']})"
    if saw["data"] is None:
        return None if shown["text"] == begin + end and shown["data"] is None else "text"
    if shown["data"] is None or saw["result"] >= 0 and not (
            shown["data"].startswith(as_json(saw["data"])[:MOST // 4]) if saw["result"] > MOST else
            shown["data"] == as_json(saw["data"][:saw["result"]])):
        return "data"
    return None if shown["text"].startswith(begin + ', "') and shown["text"].endswith('"' + end) or \
        shown["text"].endswith('"...' + end) else "text"


def main():
    inherited = {int(word) for word in sys.argv[3:]}
    saw = list(about_sockets(of_strace(sys.argv[1]), set(inherited)))
    shown = list(about_sockets(of_trace(sys.argv[2]), set(inherited)))
    for i in range(max(len(saw), len(shown))):
        here = saw[i] if i < len(saw) else None
        there = shown[i] if i < len(shown) else None
        what = differ(here, there) if here and there else "one is missing"
        if what:
            sys.exit(f"call {i}: {what}\nstrace: {here}\n trace: {there}")
    print(len(saw), *sorted({call["name"] for call in saw}))


main()
