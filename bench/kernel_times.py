"""bench_kernels' times, in the form of compare.py's results."""
import datetime
import json
import subprocess
import sys

import judge
import machine

MS = {"ns": 1e-6, "us": 1e-3, "ms": 1}


def read(printed):
    """(rows, {kernel: why it has no time}) from google-benchmark's JSON: repetitions are rounds, whose noise shows in how they agree alone."""
    rounds, peaks, skipped = {}, {}, {}
    for entry in sorted(printed["benchmarks"], key=lambda entry: (entry.get("family_index", 0), entry.get("per_family_instance_index", 0))):  # they ran in random order
        name = entry["run_name"].removesuffix("/real_time")
        if entry.get("error_occurred"):
            skipped[name] = entry["error_message"]
        elif entry["run_type"] == "iteration":
            rounds.setdefault(name, []).append(entry["real_time"] * MS[entry["time_unit"]])
            peaks.setdefault(name, []).append(entry.get("of_peak", 0))
    rows = []
    for name, times in rounds.items():
        ms, settled = judge.settle([(each, 1) for each in times])
        rows.append({"model": name, "engine": "Ropeway", "ms": ms, "settled": settled, "judged": settled, "right": True, "of_peak": max(peaks[name])})
    return rows, skipped


def measured(program, rounds):
    """What bench_kernels printed; ends where it fails, as a missing output of ours does."""
    command = [program, "--benchmark_format=json", f"--benchmark_repetitions={rounds}", "--benchmark_enable_random_interleaving=true", "--benchmark_min_time=0.05"]
    done = subprocess.run(command, capture_output=True, text=True)
    try:
        return json.loads(done.stdout if done.returncode == 0 else "")
    except ValueError:
        sys.exit(f"{program} failed: {(done.stderr.strip() or f'status {done.returncode}, and no times').splitlines()[-1]}")


def run(program, rounds, here, commit):
    loops = {str(threads): machine.FixedLoop(threads) for threads in machine.usual_threads()}

    def time_loops():
        for loop in loops.values():
            for _ in range(rounds):
                loop.seconds()

    time_loops()  # before and after: neither side's moment may be a busy one
    rows, skipped = read(measured(program, rounds))
    time_loops()
    print(f"{here['text']}; Ropeway {commit}; minimum of {rounds} repetitions\n\n{'kernel':90} {'ms':>9}  of peak")
    for row in rows:
        of_peak = f"{100 * row['of_peak']:6.0f} %" if row["of_peak"] else " " * 8
        print(f"{row['model']:90} {row['ms']:9.4f} {of_peak}{'' if row['settled'] else '  too noisy to judge'}")
    for name, why in skipped.items():
        print(f"{name:90} skipped: {why}")
    skipped = [{"model": name, "engine": "Ropeway", "why": why} for name, why in skipped.items()]
    loop = {threads: judge.best_loop(loop.history) for threads, loop in loops.items()}
    return {"sort": "kernels", "date": datetime.date.today().isoformat(), "machine": here, "commit": commit, "rows": rows, "skipped": skipped, "loop": loop}
