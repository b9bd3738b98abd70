"""bench_kernels' times, in the form of compare.py's results."""
import datetime
import json
import subprocess

import judge


def read(text):
    """Rows from google-benchmark's JSON: of each kernel the times of all repetitions, settled when the two best agree."""
    times, peak = {}, {}
    for entry in json.loads(text)["benchmarks"]:
        if entry["run_type"] == "iteration":
            times.setdefault(entry["run_name"], []).append(entry["real_time"] * {"ns": 1e-6, "us": 1e-3, "ms": 1}[entry["time_unit"]])
            peak[entry["run_name"]] = max(entry.get("of_peak", 0), peak.get(entry["run_name"], 0))
    rows = []
    for name, rounds in times.items():
        ms, settled = judge.settle([(each, 1) for each in rounds])
        rows.append({"model": name, "threads": 1, "engine": "Ropeway kernel", "ms": ms, "settled": settled, "judged": settled, "right": True, "of_peak": peak[name]})
    return rows


def run(program, rounds, machine):
    command = [program, "--benchmark_format=json", f"--benchmark_repetitions={rounds}", "--benchmark_enable_random_interleaving=true", "--benchmark_min_time=0.1"]
    rows = read(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    print(f"{machine['text']}; minimum of {rounds} repetitions\n\n{'kernel':82} {'ms':>9} {'of peak':>8}")
    for row in rows:
        print(f"{row['model']:82} {row['ms']:9.4f} {100 * row['of_peak']:7.0f}%{'' if row['settled'] else '  too noisy to judge'}")
    return {"date": datetime.date.today().isoformat(), "machine": machine, "rows": rows}
