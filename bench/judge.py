"""When a figure counts, and what a change of it means. No timing here: functions of what was measured.

The rule of noise. In each round, before an engine has its turn, a fixed loop of arithmetic and of reading is timed on the same processors. A round is *calm* for an engine when that
loop took at most 10 % longer than at its best since the run began. An engine's time is the minimum of its calm rounds, and it is *settled* when there are two calm rounds whose best
times are within 5 % of each other. A ratio is judged only when our time and those of all peers that may be the fastest (within 25 % of it) are settled; otherwise the row says
"too noisy to judge". Without a calm round the minimum of all is shown, and never judged; nor is a time that has no peer.

Times are compared with a baseline's where both are settled, and where the fixed loop's best was at most 10 % longer than the baseline's: else the machine is the slower one.
"""
import math
import re

CALM = 1.10
AGREE = 1.05
RIVAL = 1.25
REGRESSION = 1.10

# Largest error of an output, relative to its largest value: ours on the networks that Ropeway was tested on, and that of anything that is to count for its class.
ERRORS = {"Ropeway": 5e-6, "Ropeway --precision fp16": 1e-3}
ERRORS_OF_CLASS = {"fp32": 1e-4, "reduced": 5e-2}


def slowdown(loop, best):
    """How much longer the fixed loop took than at its best: of arithmetic and reading, the worse."""
    return max(loop[what] / best[what] for what in loop)


def best_loop(loops):
    return {what: min(loop[what] for loop in loops) for what in loops[0]}


def settle(rounds):
    """(ms, settled) from [(ms, slowdown of the fixed loop)]."""
    calm = sorted(ms for ms, slow in rounds if slow <= CALM)
    if not calm:
        return min(ms for ms, _ in rounds), False
    return calm[0], len(calm) > 1 and calm[1] <= AGREE * calm[0]


def class_of(precision):
    """What an engine is compared with: by its precision(), which is what it says that it computed in, or, where it cannot be asked, what it was told."""
    return "fp32" if precision == "fp32" else "reduced"


def error_bound(engine, kind, known):
    """`known`: the model is of networks.NAMES, no file of the user's."""
    return ERRORS[engine] if known and engine in ERRORS else ERRORS_OF_CLASS[kind]


def is_ours(engine):
    return engine.startswith("Ropeway")


def worst(errors):
    """The largest; not a number is worse than any."""
    return max(errors, key=lambda error: (math.isnan(error), error))


def status(result, compared=0):
    """compare.py's exit status. `compared`: what compare() says."""
    if compared == 1 or any(is_ours(each["engine"]) for each in result["skipped"]) or any(not row["right"] and is_ours(row["engine"]) for row in result["rows"]):
        return 1
    return 2 if compared or any(not row.get("judged", True) for row in result["rows"]) else 0


def rivals(row, rows):
    """Of the same class, with the right output, fastest first: the fastest, and those that could be it if they were not seen at their best."""
    peers = sorted((peer for peer in rows if peer["class"] == row["class"] and peer["right"] and not is_ours(peer["engine"])), key=lambda peer: peer["ms"])
    return [peer for peer in peers if peer["ms"] <= RIVAL * peers[0]["ms"]]


def judge(rows):
    """Adds to our rows of one model and one number of threads: "peer", the fastest of the same class, "ratio" to it, and "judged", whether that counts: never without a peer.

    A row is a dictionary with engine, class, ms, settled and right (the output is).
    """
    for row in rows:
        if not is_ours(row["engine"]):
            continue
        row["judged"] = False
        if peers := rivals(row, rows):
            row |= {"peer": peers[0]["engine"], "ratio": row["ms"] / peers[0]["ms"], "judged": row["settled"] and all(peer["settled"] for peer in peers)}


def unsettled(rows):
    """Engines whose further rounds may settle a ratio."""
    wanted = [peer for row in rows if is_ours(row["engine"]) for peer in [row, *rivals(row, rows)]]
    return {row["engine"] for row in wanted if not row["settled"]}


def refusal(before, sort, machine):
    """Why a baseline cannot be compared with times of this sort, models or kernels, on this machine; None if it can."""
    if not isinstance(before, dict) or not {"date", "machine", "rows"} <= before.keys():
        return "it is not what --json writes"
    if not {"sort", "loop"} <= before.keys():
        return "it is of an older form, without the fixed loop's times: make it anew with --json"
    if before["sort"] != sort:
        return f"it has times of {before['sort']}, these are of {sort}"
    for key, name in (("kind", "kind of machine"), ("flags", "set of instructions"), ("simd", "ROPEWAY_SIMD")):
        then, now = (" ".join(value) if isinstance(value, list) else value or "none" for value in (before["machine"][key], machine[key]))
        if then != now:
            return f"it is of another {name} ({then}, here {now})"
    return None


def our_times(result):
    """{what: row} of a run's results."""
    def what(row):
        return f"{row['model']}, {row['threads']} thread{'s' if row['threads'] > 1 else ''}, {row['engine']}" if "threads" in row else row["model"]  # a kernel's name says it all

    return {what(row): row for row in result["rows"] if is_ours(row["engine"])}


def slow_loops(now, before):
    """{threads, as text: how much longer the fixed loop's best took than the baseline's}, where that is too much."""
    ratios = {threads: slowdown(loop, before["loop"][threads]) for threads, loop in now["loop"].items() if threads in before["loop"]}
    return {threads: ratio for threads, ratio in ratios.items() if ratio > CALM}


def is_slowed(row, slow):
    """A kernel's threads are in its name; one that does not say runs on one."""
    named = re.search(r"threads:(\d+)", row["model"])
    return str(row.get("threads") or (named[1] if named else 1)) in slow


def compare(now, before):
    """What became of our times since a baseline: lines, and 1 if something is slower by more than 10 %, 2 if something was too noisy to compare, else 0."""
    slow = slow_loops(now, before)
    lines = [f"threads {threads}: too noisy to compare, the fixed loop takes {100 * (ratio - 1):.0f} % longer than then" for threads, ratio in slow.items()]
    worse, noisy, baseline = False, bool(slow), our_times(before)
    for what, row in our_times(now).items():
        old = baseline.get(what)
        if not old:
            lines.append(f"{what}: not in the baseline")
        elif is_slowed(row, slow):
            continue
        elif not (row["settled"] and old["settled"]):
            noisy = True
            lines.append(f"{what}: too noisy to compare")
        elif row["ms"] > REGRESSION * old["ms"] or REGRESSION * row["ms"] < old["ms"]:
            slower = row["ms"] > old["ms"]
            worse = worse or slower
            lines.append(f"{what}: {'REGRESSION' if slower else 'faster'}, {old['ms']:.3f} → {row['ms']:.3f} ms, {100 * (row['ms'] / old['ms'] - 1):+.0f} %")
    if now["sort"] == "kernels":  # these are always measured as a whole
        lines += [f"{what}: no longer measured" for what in baseline if what not in our_times(now)]
    return lines or ["nothing is more than 10 % slower or faster than in the baseline"], 1 if worse else 2 if noisy else 0
