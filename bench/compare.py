#!/usr/bin/env python3
"""Ropeway beside ncnn, ONNX Runtime, OpenVINO and PyTorch: same models, same machine, same minutes. One command; it makes its own environment and builds what it needs.

    bench/compare.py [MODEL ...] [--threads 1,2] [--json FILE] [--svg FILE] [--baseline FILE]        MODEL: a name of bench/networks.py, or a .pt2 file
    bench/compare.py --kernels [--json FILE] [--baseline FILE]                                      single kernels, compared with bench/baseline/ of this kind of machine

Engines take turns, round by round, each in a process of its own on the same processors, alone. Ratios are to the fastest peer of the same class: fp32, or reduced (weights or
arithmetic in 16 bits): of OpenVINO as it says itself of its operators, of the others, which cannot be asked, as they were told. Every output is compared with PyTorch's.
Memory is what loading added to the process.

The machine may be too noisy: bench/judge.py has the rule. Where it is, up to as many rounds again follow; if that does not help, the row says "too noisy to judge".
Exit status: 0 done; 1 Ropeway has no output or a wrong one, or a time more than 10 % above the baseline's; 2 something was too noisy to judge.
"""
import argparse
import datetime
import glob
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "bench"))
import chart  # noqa: E402
import judge  # noqa: E402
import kernel_times  # noqa: E402
import machine  # noqa: E402
import networks  # noqa: E402

ENVIRONMENT, REQUIREMENTS = ROOT / ".venv-bench", ROOT / "requirements-bench.txt"
ENTERED = "ROPEWAY_BENCH_ENVIRONMENT"  # set to ENVIRONMENT by who goes on in it
RECIPE = [ROOT / name for name in ("bench/exports.py", "bench/networks.py", "tests/torch/models.py", "tools/random_stream.py", "requirements-bench.txt")]  # what the exported files depend on
TIMEOUT = 600  # seconds of one round of one engine


def enter_environment():
    """Goes on in .venv-bench, which it makes where that is missing or of other requirements, with the Python from outside: this one may be .venv-bench's."""
    if os.environ.get(ENTERED) == str(ENVIRONMENT):
        return
    done = ENVIRONMENT / REQUIREMENTS.name
    if not done.exists() or done.read_text() != REQUIREMENTS.read_text():
        print(f"making {ENVIRONMENT}", file=sys.stderr)
        shutil.rmtree(ENVIRONMENT, ignore_errors=True)
        subprocess.run([sys._base_executable, "-m", "venv", ENVIRONMENT], check=True)
        subprocess.run([ENVIRONMENT / "bin" / "pip", "install", "-qq", "--disable-pip-version-check", "-r", REQUIREMENTS], check=True)
        shutil.copy(REQUIREMENTS, done)  # last: its presence says that the rest is complete
    python = ENVIRONMENT / "bin" / "python"
    os.execve(python, [python, *sys.argv], {**os.environ, ENTERED: str(ENVIRONMENT), "OPENBLAS_NUM_THREADS": "1"})  # 1 for this process: the fixed loop has threads of its own


def build(target):
    """The release build of the target, up to date."""
    folder = ROOT / "build" / "release"
    subprocess.run(["cmake", "--preset", "release", "-DROPEWAY_BENCH=ON"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", "--preset", "release", "--target", target], cwd=ROOT, check=True, stdout=sys.stderr)
    return str(folder / "bench" / target)


def digest(*parts):
    return hashlib.sha1(b"".join(hashlib.sha1(part).digest() for part in parts)).hexdigest()[:8]


def exported(model, folder):
    """Where the model's files are, PREFIX.*. Makes them in the place of those of another recipe or another content of the model's file, and where one of them could not be made."""
    file = None if model in networks.NAMES else Path(model)
    name = f"{file.stem}-{digest(str(file.resolve()).encode())}" if file else model
    prefix = folder / f"{name}-{digest(*(path.read_bytes() for path in RECIPE + ([file] if file else [])))}"
    if not Path(f"{prefix}.output.npy").exists() or list(folder.glob(f"{glob.escape(prefix.name)}.*.failed")):
        print(f"exporting {model}", file=sys.stderr)
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob(f"{glob.escape(name)}-{8 * '[0-9a-f]'}.*"):
            old.unlink()
        if subprocess.run([sys.executable, ROOT / "bench" / "exports.py", model, prefix]).returncode:
            sys.exit(f"{model} could not be exported")
    return str(prefix)


def one_round(engine, prefix, threads, arguments):
    """What bench/engines.py printed, or why it could not."""
    count = str(threads)
    environment = os.environ | {name: count for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    command = [sys.executable, ROOT / "bench" / "engines.py", engine, prefix, count, str(arguments.seconds), arguments.program]
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        return None, f"no answer in {TIMEOUT} s"
    if done.returncode:
        return None, (done.stderr.strip() or f"ended with status {done.returncode}").splitlines()[-1]  # of Python's traceback
    return json.loads(done.stdout.splitlines()[-1]), None


def summarise(engine, rounds, best):
    """The row of an engine. Of what is not a time of a run, the least counts, too; of errors the worst."""
    ms, settled = judge.settle([(each["ms"], judge.slowdown(each["loop"], best)) for each in rounds])
    error, kind = judge.worst([each["error"] for each in rounds]), judge.class_of(rounds[0]["precision"])
    row = {"engine": engine, "class": kind, "precision": rounds[0]["precision"], "version": rounds[0].get("version"), "ms": ms, "settled": settled, "error": error,
           "right": error <= judge.error_bound(engine, kind), "rounds_ms": [each["ms"] for each in rounds], "runs": sum(each["runs"] for each in rounds)}
    return row | {what: min(each[what] for each in rounds) for what in ("load_ms", "rest_mb", "peak_mb", "process_mb")}


def compare_engines(model, prefix, threads, loop, engines, arguments):
    """(rows, {engine: why it has none}) of one model."""
    rounds, skipped, rows = {}, {}, []
    for number in range(2 * arguments.rounds):
        turn = engines if number < arguments.rounds else [engine for engine in engines if engine in judge.unsettled(rows)]
        for engine in turn:
            if engine in skipped:
                continue
            seconds = loop.seconds()
            result, why = one_round(engine, prefix, threads, arguments)
            if result is None:
                skipped[engine] = why
                rounds.pop(engine, None)
            else:
                rounds.setdefault(engine, []).append(result | {"loop": seconds})
        rows = [summarise(engine, rounds[engine], judge.best_loop(loop.history)) for engine in engines if engine in rounds]
        if sys.stderr.isatty():
            print(f"{model}, {threads} threads: round {number + 1}", file=sys.stderr)
    judge.judge(rows)
    return [{"model": model, "threads": threads, **row} for row in rows], skipped


def table(rows, skipped):
    """Of one model and number of threads."""
    first = f"{rows[0]['model']}, {rows[0]['threads']} thread{'s' if rows[0]['threads'] > 1 else ''}" if rows else ""
    lines = [f"{first:28} {'class':8} {'ms':>9}  {'error':>8} {'load ms':>8} {'at rest':>8} {'peak MB':>8}  ours / fastest peer"]
    for row in sorted(rows, key=lambda row: row["class"]):
        note = ""
        if "ratio" in row:
            note = f"{row['ratio']:.2f} of {row['peer']}" + ("" if row["judged"] else ", too noisy to judge")
        elif not row["settled"]:
            note = "not settled"
        if not row["right"]:
            note += "  OUTPUT IS WRONG" if judge.is_ours(row["engine"]) else "  output is off: not counted"
        lines.append(f"  {row['engine']:26} {row['class']:8} {row['ms']:9.3f}  {row['error']:8.1e} {row['load_ms']:8.0f} {row['rest_mb']:8.0f} {row['peak_mb']:8.0f}  {note}".rstrip())
    return "\n".join(lines + [f"  {engine:26} skipped: {why}" for engine, why in skipped.items()])


def run(arguments):
    import engines  # needs the environment
    kind = machine.this_machine()
    allowed = os.sched_getaffinity(0)
    result = {"date": datetime.date.today().isoformat(), "machine": kind, "commit": commit(), "rows": [], "skipped": []}
    prefixes = {model: exported(model, arguments.folder) for model in arguments.models}
    print(f"{result['date']}, {kind['text']}, {kind['system']}; Ropeway {result['commit']}; minimum of {arguments.rounds} to {2 * arguments.rounds} rounds of {arguments.seconds} s", flush=True)
    for threads in arguments.threads:
        os.sched_setaffinity(0, machine.choose_processors(threads, allowed))
        loop = machine.FixedLoop(threads)
        for model, prefix in prefixes.items():
            rows, skipped = compare_engines(Path(model).stem, prefix, threads, loop, list(engines.ENGINES), arguments)
            result["rows"] += rows
            result["skipped"] += [{"model": Path(model).stem, "threads": threads, "engine": engine, "why": why} for engine, why in skipped.items()]
            result["versions"] = sorted({row["version"] for row in result["rows"] if row["version"]})
            print(f"\n{table(rows, skipped)}", flush=True)
            write(result, arguments)  # what took minutes is not lost
    print("\n" + ", ".join(result["versions"]))
    return result


def write(result, arguments):
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1) + "\n")
    if arguments.svg:
        arguments.svg.write_text(chart.draw(result))


def commit():
    done = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip() or "of unknown version"


def against_baseline(now, before):
    """Prints; whether something became slower."""
    lines, worse = judge.compare(judge.our_times(now), judge.our_times(before), now["machine"]["kind"], before["machine"]["kind"])
    print(f"\nsince {before['date']}:\n  " + "\n  ".join(lines))
    return worse


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=networks.NAMES, metavar="MODEL", help=f"without: {' '.join(networks.NAMES)}")
    parser.add_argument("--threads", type=lambda text: [int(part) for part in text.split(",")], default=[1, 2], metavar="N,...")
    parser.add_argument("--rounds", type=int, default=5, help="of each engine; as many again where it is noisy")
    parser.add_argument("--seconds", type=float, default=1, help="of an engine's turn that count")
    parser.add_argument("--program", help="bench_session, or with --kernels bench_kernels, as it is; without, it is built in build/release")
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "bench-models", help="for the exported models, about 5 GB; those that are there are used")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="write a bar chart of them")
    parser.add_argument("--baseline", type=Path, metavar="FILE", help="earlier --json of the same kind of machine")
    parser.add_argument("--kernels", action="store_true", help="measure bench_kernels instead")
    arguments = parser.parse_args()
    for model in arguments.models:
        if model not in networks.NAMES and not Path(model).is_file():
            parser.error(f"{model} is neither a file nor one of {' '.join(networks.NAMES)}")
    if arguments.kernels and arguments.svg:
        parser.error("--svg is of models, not of --kernels")
    if arguments.rounds < 1 or min(arguments.threads) < 1 or max(arguments.threads) > len(os.sched_getaffinity(0)):
        parser.error(f"--rounds from 1, --threads from 1 to {len(os.sched_getaffinity(0))}, the processors that this process may use")
    return arguments


def run_kernels(arguments):
    """(result, baseline or None)"""
    result = kernel_times.run(arguments.program or build("bench_kernels"), arguments.rounds, machine.this_machine())
    committed = ROOT / "bench" / "baseline" / machine.file_name(result["machine"])
    if arguments.before or committed.exists():
        return result, arguments.before or json.loads(committed.read_text())
    print(f"\nno baseline for this kind of machine: --json {committed.relative_to(ROOT)} makes one")
    return result, None


def main():
    arguments = parse()
    arguments.before = json.loads(arguments.baseline.read_text()) if arguments.baseline else None
    for path in (arguments.json, arguments.svg):
        if path:
            path.parent.mkdir(parents=True, exist_ok=True)
    if arguments.kernels:
        result, before = run_kernels(arguments)
    else:
        enter_environment()
        arguments.program = arguments.program or build("bench_session")
        result, before = run(arguments), arguments.before
    write(result, arguments)
    worse = against_baseline(result, before) if before else False
    return judge.status(result, worse)


if __name__ == "__main__":
    sys.exit(main())
