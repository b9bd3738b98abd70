"""This machine: what kind it is, the processors that a run may use, and how fast it is at the moment."""
import os
import platform
import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

# What decides which kernels and which precisions an engine has.
FLAGS = ("avx2", "avx512f", "avx512_bf16", "avx512_fp16", "avx512_vnni", "amx_tile", "amx_bf16", "asimdhp", "asimddp", "bf16", "i8mm", "sve")


def describe(cpuinfo, processors, simd=""):
    """{kind, name, processors, flags, simd, text} from the text of /proc/cpuinfo. Where kind, flags and simd, which is ROPEWAY_SIMD, are the same, times can be compared."""
    fields = dict(re.findall(r"^([^\t:]+?)\s*: (.*)$", cpuinfo, re.MULTILINE))
    name = fields.get("model name") or f"CPU implementer {fields.get('CPU implementer', '?')} part {fields.get('CPU part', '?')}"
    model = f", family {fields['cpu family']} model {fields['model']}" if "model" in fields else ""
    flags = set(fields.get("flags", fields.get("Features", "")).split())
    has = [flag for flag in FLAGS if flag in flags]
    lacks = [] if not model else [flag for flag in ("avx512f", "avx512_bf16", "amx_bf16") if flag not in flags]
    text = f"{name}{model}, {processors} processors, {' '.join(has) or 'no SIMD'}" + (f", no {' '.join(lacks)}" if lacks else "") + (f", ROPEWAY_SIMD={simd}" if simd else "")
    return {"kind": f"{name}{model}, {processors} processors", "name": name, "processors": processors, "flags": has, "simd": simd, "text": text}


def this_machine():
    return describe(Path("/proc/cpuinfo").read_text(), len(os.sched_getaffinity(0)), os.environ.get("ROPEWAY_SIMD", ""))


def system():
    return f"{platform.system()} {platform.release()}"


def usual_threads():
    """Those of 1 and 2 that this machine has."""
    return [threads for threads in (1, 2) if threads <= len(os.sched_getaffinity(0))]


def file_name(machine):
    return re.sub(r"[^a-z0-9]+", "-", machine["kind"].lower()).strip("-") + ".json"


def choose_processors(threads, allowed):
    """One per core first, from the last, for the first is where interrupts go."""
    def core(cpu):
        path = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
        return path.read_text() if path.exists() else str(cpu)

    first, second, seen = [], [], set()
    for cpu in sorted(allowed, reverse=True):
        (second if core(cpu) in seen else first).append(cpu)
        seen.add(core(cpu))
    return set((first + second)[:threads])


class FixedLoop:
    """The same work each time, arithmetic and reading, on as many threads as are measured: when it takes longer, others use the machine."""

    def __init__(self, threads):
        import numpy
        self.small = numpy.ones((384, 384), numpy.float32)
        self.large = [numpy.ones(16 << 20, numpy.float32) for _ in range(threads)]
        self.pool = ThreadPoolExecutor(threads)
        self.history = []

    def seconds(self):
        """{what: seconds}, each the best of three in a row: a moment's interruption does not count."""
        self.history.append({"arithmetic": self.timed(lambda values: [self.small @ self.small for _ in range(8)]), "reading": self.timed(lambda values: values @ values)})
        return self.history[-1]

    def timed(self, work):
        times = []
        for _ in range(3):
            begin = time.perf_counter()
            list(self.pool.map(work, self.large))
            times.append(time.perf_counter() - begin)
        return min(times)
