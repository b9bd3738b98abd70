#!/usr/bin/env python3
"""Holds the rooms of docs/architecture.md: who may include whom, and a few things that have one place only.

    tools/check_layers.py [ROOT]

Prints each finding as file:line: message; exit status 1 if there is any.
"""
import re
import sys
from pathlib import Path

# What a room may include, besides itself: these, and what these may include.
ROOMS = {
    "base": [],
    "ir": ["base"],
    "ops": ["ir"],
    "formats": ["ops"],
    "passes": ["ops"],
    "backend": ["ir"],
    "plan": ["backend", "ops"],
    "cpu": ["backend", "ops"],
    "chip": ["ops"],
    "cann": ["base"],
    "doctor": ["cann"],
    "ascend": ["backend", "cann", "chip", "formats", "passes"],
    "virtual_npu": ["cann", "chip", "formats", "passes", "cpu"],
    "accuracy": ["chip", "cpu", "passes"],
    "engine": ["plan", "accuracy", "cpu", "ascend"],
    "report": ["engine"],
    "selftest": ["report", "doctor"],
    "check": ["report"],
    "cli": ["engine", "report", "doctor", "selftest", "check"],
}
# Public headers stand together for their users; each belongs to a room all the same.
PUBLIC = {"error.h": "base", "tensor.h": "ir", "session.h": "engine"}

# (what, pattern of code, the files that may, message). A file is named by its path below src/ or include/.
ONE_PLACE = [
    (r"\bgetenv\s*\(", lambda path: path == "base/env.cc", "getenv belongs in base/env.cc alone"),
    (r"#\s*include\s*<hwy/(?!targets\.h)", lambda path: path.startswith("cpu/kernels/"), "SIMD code belongs in cpu/kernels alone"),
    (r"#\s*include\s*<hwy/targets\.h", lambda path: path.startswith("cpu/"), "the SIMD targets are the CPU backend's matter"),
    (r"#\s*include\s*<iostream>|(?<![\w:])(?:std::)?[fv]*printf\s*\(|\bfmt::print\s*\(|\bstd::(?:cout|cerr|clog)\b",
     lambda path: path.startswith("cli/") or path in ("virtual_npu/atc/main.cc", "virtual_npu/npu_smi/main.cc"), "the library never prints: only programs do"),
    (r"(?<![\w.>:])(?:std::)?(?:abort|exit|_exit|quick_exit|terminate)\s*\(", lambda path: path.startswith("cli/") or path == "base/process.cc", "the library never ends the process: throw an Error"),
]
QUOTED_INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"')
NO_CODE = re.compile(r'"(?:\\.|[^"\\])*"|//.*')


def closure(room, rooms=None):
    """The rooms that `room` may include, itself among them."""
    rooms = ROOMS if rooms is None else rooms
    reached, todo = set(), [room]
    while todo:
        current = todo.pop()
        if current not in reached:
            reached.add(current)
            todo += rooms[current]
    return reached


def room_of(path):
    """The room of a path below src/ or include/, or None."""
    folder, _, name = path.partition("/")
    if folder == "ropeway":
        return PUBLIC.get(name)
    return folder if folder in ROOMS else None


def read_sources(root):
    """Path below src/ or include/ → (path to print, lines)."""
    sources = {}
    for top in ("src", "include"):
        for file in sorted((root / top).rglob("*")):
            if file.suffix in (".h", ".cc", ".def"):
                sources[file.relative_to(root / top).as_posix()] = (file.relative_to(root).as_posix(), file.read_text().splitlines())
    return sources


def quoted_includes(lines):
    return [(number, match[1]) for number, line in enumerate(lines, 1) if (match := QUOTED_INCLUDE.match(line))]


def check_includes(path, shown, lines):
    room = room_of(path)
    if room is None:
        yield f"{shown}:1: belongs to no room: add it to the table in tools/check_layers.py"
        return
    allowed = closure(room)
    for number, target in quoted_includes(lines):
        other = room_of(target)
        if other is None:
            yield f'{shown}:{number}: "{target}" is in no room; headers of other projects are included with <>'
        elif other not in allowed:
            yield f'{shown}:{number}: {room} may not include {other} ("{target}"); it may include {", ".join(sorted(allowed - {room})) or "no other room"}'


def check_places(path, shown, lines):
    for number, line in enumerate(lines, 1):
        code = NO_CODE.sub("", line)
        for pattern, may, message in ONE_PLACE:
            if re.search(pattern, code) and not may(path):
                yield f"{shown}:{number}: {message}"


def check_cycles(sources):
    """Each cycle of includes once, at the include that closes it."""
    done, trail = set(), []

    def visit(path):
        trail.append(path)
        for number, target in quoted_includes(sources[path][1]):
            if target in trail:
                yield f"{sources[path][0]}:{number}: a cycle of includes: {' → '.join(trail[trail.index(target):] + [target])}"
            elif target in sources and target not in done:
                yield from visit(target)
        done.add(trail.pop())

    for path in sources:
        if path not in done:
            yield from visit(path)


def check(root):
    sources = read_sources(root)
    findings = []
    for path, (shown, lines) in sources.items():
        findings += check_includes(path, shown, lines)
        findings += check_places(path, shown, lines)
    return findings + list(check_cycles(sources)), len(sources)


def main(arguments):
    root = Path(arguments[0]) if arguments else Path(__file__).resolve().parents[1]
    findings, files = check(root)
    for finding in findings:
        print(finding)
    if files == 0:
        print(f"{root}: no sources below src/ and include/")
        return 1
    print(f"rooms: {files} files, {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
