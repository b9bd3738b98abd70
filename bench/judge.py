"""When a figure counts, and what a change of it means. No timing here: functions of what was measured.

The rule of noise. In each round, before an engine has its turn, a fixed loop of arithmetic and of reading is timed on the same processors. A round is *calm* for an engine when that
loop took at most 10 % longer than at its best since the run began. An engine's time is the minimum of its calm rounds, and it is *settled* when there are two calm rounds whose best
times are within 5 % of each other. A ratio is judged only when our time and those of all peers that may be the fastest (within 25 % of it) are settled; otherwise the row says
"too noisy to judge". Without a calm round the minimum of all is shown, and never judged.
"""
import math

CALM = 1.10
AGREE = 1.05
RIVAL = 1.25
REGRESSION = 1.10

# Largest error of an output, relative to its largest value: ours, and that of a peer that is to count for its class.
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


def error_bound(engine, kind):
    return ERRORS.get(engine, ERRORS_OF_CLASS[kind])


def is_ours(engine):
    return engine.startswith("Ropeway")


def worst(errors):
    """The largest; not a number is worse than any."""
    return max(errors, key=lambda error: (math.isnan(error), error))


def status(result, worse):
    """compare.py's exit status. `worse`: a time is behind the baseline's."""
    if worse or any(is_ours(each["engine"]) for each in result["skipped"]) or any(not row["right"] and is_ours(row["engine"]) for row in result["rows"]):
        return 1
    return 2 if any(not row.get("judged", True) for row in result["rows"]) else 0


def rivals(row, rows):
    """Of the same class, with the right output, fastest first: the fastest, and those that could be it if they were not seen at their best."""
    peers = sorted((peer for peer in rows if peer["class"] == row["class"] and peer["right"] and not is_ours(peer["engine"])), key=lambda peer: peer["ms"])
    return [peer for peer in peers if peer["ms"] <= RIVAL * peers[0]["ms"]]


def judge(rows):
    """Adds to our rows of one model and one number of threads: "peer", the fastest of the same class, "ratio" to it, and "judged", whether that counts.

    A row is a dictionary with engine, class, ms, settled and right (the output is).
    """
    for row in rows:
        if is_ours(row["engine"]) and (peers := rivals(row, rows)):
            row |= {"peer": peers[0]["engine"], "ratio": row["ms"] / peers[0]["ms"], "judged": row["settled"] and all(peer["settled"] for peer in peers)}


def unsettled(rows):
    """Engines whose further rounds may settle a ratio."""
    wanted = [peer for row in rows if is_ours(row["engine"]) for peer in [row, *rivals(row, rows)]]
    return {row["engine"] for row in wanted if not row["settled"]}


def our_times(result):
    """{what: (ms, settled)} of a run's results."""
    def what(row):
        return f"{row['model']}, {row['threads']} thread{'s' if row['threads'] > 1 else ''}, {row['engine']}" if "threads" in row else row["model"]  # a kernel's name says it all

    return {what(row): (row["ms"], row["settled"]) for row in result["rows"] if is_ours(row["engine"])}


def compare(now, before, machine_now, machine_before):
    """What became of our times since a baseline: lines, and whether something is slower by more than 10 %.

    Both are {what: (ms, settled)}; only what is settled in both is compared.
    """
    if machine_now != machine_before:
        return [f"the baseline is of another kind of machine ({machine_before}, this one is {machine_now}): nothing is compared"], False
    lines, worse = [], False
    for what, (ms, settled) in now.items():
        if what not in before:
            lines.append(f"{what}: not in the baseline")
        elif not (settled and before[what][1]):
            lines.append(f"{what}: too noisy to compare")
        elif ms > REGRESSION * before[what][0]:
            worse = True
            lines.append(f"{what}: REGRESSION, {before[what][0]:.3f} → {ms:.3f} ms, {100 * (ms / before[what][0] - 1):+.0f} %")
        elif REGRESSION * ms < before[what][0]:
            lines.append(f"{what}: faster, {before[what][0]:.3f} → {ms:.3f} ms, {100 * (ms / before[what][0] - 1):+.0f} %")
    return lines or ["nothing is more than 10 % slower or faster than in the baseline"], worse
