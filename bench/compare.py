#!/usr/bin/env python3
"""Ropeway beside ncnn, ONNX Runtime, OpenVINO and PyTorch: same models, same machine, same minutes. One command; it makes its own environment and builds what it needs.

    bench/compare.py [MODEL ...] [--threads 1,2] [--json FILE] [--svg FILE] [--baseline FILE]    MODEL: a name of bench/networks.py, or a .pt2 file
    bench/compare.py --kernels [--json FILE] [--baseline FILE]                   single kernels, compared with bench/baseline/ of this kind of machine

Engines take turns, round by round, each in a process of its own on the same processors, alone. Ratios are to the fastest peer of the same class: fp32, or reduced (weights or
arithmetic in 16 bits): of OpenVINO and ncnn's default as they say themselves of their operators, of the others, which cannot be asked, as they were told. Every output is compared
with PyTorch's. Memory is what loading added to the process. Kernels have no peers, and their outputs are not looked at: one process runs them in random order, --rounds times each.

The machine may be too noisy: bench/judge.py has the rule. Where it is, of models up to as many rounds again follow; if that does not help, the row says "too noisy to judge".
Exit status: 0 done; 1 Ropeway has no output or a wrong one, or a time more than 10 % above the baseline's; 2 something was too noisy to judge or to compare, or had no peer;
5 the command or the machine is not as it must be, and nothing was measured.
"""
import argparse
import datetime
import glob
import hashlib
import json
import os
import shutil
import signal
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
TIMEOUT = 600  # seconds of one round of one engine, with what --seconds asks for beside it
SETUP = 5  # exit status


class Parser(argparse.ArgumentParser):
    def error(self, message):
        give_up(f"{message} (--help says more)")


def give_up(why):
    print(f"compare.py: {why}", file=sys.stderr)
    sys.exit(SETUP)


def must(command, remedy, **options):
    """Runs it; where it fails, which it says itself, ends with the remedy."""
    try:
        status = subprocess.run(command, **{"stdout": sys.stderr} | options).returncode
    except OSError as error:
        give_up(f"{command[0]}: {error.strerror}. {remedy}")
    if status:
        give_up(f"'{' '.join(map(str, command))}' failed. {remedy}")


def enter_environment():
    """Goes on in .venv-bench, which it makes where that is missing or of other requirements, with the Python from outside: this one may be .venv-bench's."""
    if os.environ.get(ENTERED) == str(ENVIRONMENT):
        return
    done = ENVIRONMENT / REQUIREMENTS.name
    if not done.exists() or done.read_text() != REQUIREMENTS.read_text():
        print(f"making {ENVIRONMENT}", file=sys.stderr)
        shutil.rmtree(ENVIRONMENT, ignore_errors=True)
        must([sys._base_executable, "-m", "venv", ENVIRONMENT], "Python's module venv is needed, with pip: on Debian and Ubuntu, apt install python3-venv")
        must([ENVIRONMENT / "bin" / "pip", "install", "-qq", "--disable-pip-version-check", "-r", REQUIREMENTS],
             f"It installs {REQUIREMENTS.name} from PyPI: see that this is reached, that this Python has all of these versions, and that the disk has 3 GB")
        shutil.copy(REQUIREMENTS, done)  # last: its presence says that the rest is complete
    python = ENVIRONMENT / "bin" / "python"
    os.execve(python, [python, *sys.argv], {**os.environ, ENTERED: str(ENVIRONMENT), "OPENBLAS_NUM_THREADS": "1"})  # 1 for this process: the fixed loop has threads of its own


def build(target):
    """The release build of the target, up to date."""
    folder = ROOT / "build" / "release"
    remedy = f"The README says what building needs; --program takes a {target} that is built already"
    must(["cmake", "--preset", "release", "-DROPEWAY_BENCH=ON"], remedy, cwd=ROOT, stdout=subprocess.DEVNULL)
    must(["cmake", "--build", "--preset", "release", "--target", target], remedy, cwd=ROOT)
    return str(folder / "bench" / target)


def digest(*parts):
    return hashlib.sha1(b"".join(hashlib.sha1(part).digest() for part in parts)).hexdigest()[:8]


def exported(model, folder):
    """Where the model's files are, PREFIX.*. Makes them in the place of those of another recipe or another content of the model's file; tries those again that could not be made."""
    file = None if model in networks.NAMES else Path(model)
    name = f"{file.stem}-{digest(str(file.resolve()).encode())}" if file else model
    prefix = folder / f"{name}-{digest(*(path.read_bytes() for path in RECIPE + ([file] if file else [])))}"
    complete, failed = Path(f"{prefix}.output.npy").exists(), list(folder.glob(f"{glob.escape(prefix.name)}.*.failed"))
    if not complete:
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob(f"{glob.escape(name)}-{8 * '[0-9a-f]'}.*"):
            old.unlink()
    if not complete or failed:
        print(f"exporting {model}", file=sys.stderr)
        if subprocess.run([sys.executable, ROOT / "bench" / "exports.py", model, prefix]).returncode:
            give_up(f"{model} could not be exported")
    return str(prefix)


def run_alone(command, environment, timeout):
    """(status, stdout, stderr). When it is not done in time, or this process is interrupted, what it has started ends with it."""
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        try:
            out, err = process.communicate(timeout=timeout)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    return process.returncode, out, err


def one_round(engine, prefix, threads, arguments):
    """What bench/engines.py printed, or why it could not."""
    count = str(threads)
    environment = os.environ | {name: count for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    command = [sys.executable, ROOT / "bench" / "engines.py", engine, prefix, count, str(arguments.seconds), arguments.program]
    timeout = TIMEOUT + 2 * arguments.seconds
    try:
        status, out, err = run_alone(command, environment, timeout)
    except subprocess.TimeoutExpired:
        return None, f"no answer in {timeout:g} s"
    if status:
        return None, (err.strip() or f"ended with status {status}").splitlines()[-1]  # of Python's traceback
    return json.loads(out.splitlines()[-1]), None


def summarise(engine, rounds, best, known):
    """The row of an engine; `known`: the model is one of networks.NAMES. Of what is not a time of a run, the least counts, too; of errors the worst."""
    ms, settled = judge.settle([(each["ms"], judge.slowdown(each["loop"], best)) for each in rounds])
    error, kind = judge.worst([each["error"] for each in rounds]), judge.class_of(rounds[0]["precision"])
    row = {"engine": engine, "class": kind, "precision": rounds[0]["precision"], "version": rounds[0].get("version"), "ms": ms, "settled": settled, "error": error,
           "right": error <= judge.error_bound(engine, kind, known), "rounds_ms": [each["ms"] for each in rounds], "runs": sum(each["runs"] for each in rounds)}
    return row | {what: min(each[what] for each in rounds) for what in ("load_ms", "rest_mb", "peak_mb", "process_mb")}


def compare_engines(model, prefix, threads, loop, engines, arguments):
    """(rows, {engine: why it has none}) of one model. Of a peer that fails in a later round its earlier ones count: without them a slower one might seem to be the fastest."""
    rounds, failed, rows = {}, {}, []
    for number in range(2 * arguments.rounds):
        turn = engines if number < arguments.rounds else [engine for engine in engines if engine in judge.unsettled(rows)]
        for engine in turn:
            if engine in failed:
                continue
            seconds = loop.seconds()
            result, why = one_round(engine, prefix, threads, arguments)
            if result is not None:
                rounds.setdefault(engine, []).append(result | {"loop": seconds})
                continue
            failed[engine] = why
            if judge.is_ours(engine):
                rounds.pop(engine, None)
        rows = [summarise(engine, rounds[engine], judge.best_loop(loop.history), model in networks.NAMES) for engine in engines if engine in rounds]
        if sys.stderr.isatty():
            print(f"{model}, {threads} threads: round {number + 1}", file=sys.stderr)
    judge.judge(rows)
    rows = [{"model": model, "threads": threads, **row} | ({"failed": failed[row["engine"]]} if row["engine"] in failed else {}) for row in rows]
    return rows, {engine: why for engine, why in failed.items() if engine not in rounds}


def note(row):
    words = ""
    if "ratio" in row:
        words = f"{row['ratio']:.2f} of {row['peer']}" + ("" if row["judged"] else ", too noisy to judge")
    elif "judged" in row:
        words = "no peer"
    elif not row["settled"]:
        words = "not settled"
    if not row["right"]:
        words += "  OUTPUT IS WRONG" if judge.is_ours(row["engine"]) else "  output is off: not counted"
    return words + (f"  failed in round {len(row['rounds_ms']) + 1}: {row['failed']}" if "failed" in row else "")


def table(model, threads, rows, skipped):
    first = f"{model}, {threads} thread{'s' if threads > 1 else ''}"
    lines = [f"{first:28} {'class':8} {'ms':>9}  {'error':>8} {'load ms':>8} {'at rest':>8} {'peak MB':>8}  ours / fastest peer"]
    for row in sorted(rows, key=lambda row: row["class"]):
        figures = f"{row['ms']:9.3f}  {row['error']:8.1e} {row['load_ms']:8.0f} {row['rest_mb']:8.0f} {row['peak_mb']:8.0f}"
        lines.append(f"  {row['engine']:26} {row['class']:8} {figures}  {note(row)}".rstrip())
    return "\n".join(lines + [f"  {engine:26} skipped: {why}" for engine, why in skipped.items()])


def run(arguments):
    import engines  # needs the environment
    kind = machine.this_machine()
    allowed = os.sched_getaffinity(0)
    result = {"sort": "models", "date": datetime.date.today().isoformat(), "machine": kind, "system": machine.system(), "commit": commit(),
              "rows": [], "skipped": [], "loop": {}, "versions": []}
    prefixes = {model: exported(model, arguments.folder) for model in arguments.models}
    print(f"{result['date']}, {kind['text']}, {result['system']}; Ropeway {result['commit']}; "
          f"minimum of {arguments.rounds} to {2 * arguments.rounds} rounds of {arguments.seconds:g} s", flush=True)
    for threads in arguments.threads:
        os.sched_setaffinity(0, machine.choose_processors(threads, allowed))
        loop = machine.FixedLoop(threads)
        for model, prefix in prefixes.items():
            rows, skipped = compare_engines(model, prefix, threads, loop, list(engines.ENGINES), arguments)
            result["rows"] += rows
            result["skipped"] += [{"model": model, "threads": threads, "engine": engine, "why": why} for engine, why in skipped.items()]
            result["loop"][str(threads)] = judge.best_loop(loop.history)
            result["versions"] = sorted({row["version"] for row in result["rows"] if row["version"]})
            print(f"\n{table(model, threads, rows, skipped)}", flush=True)
            write(result, arguments)  # what took minutes is not lost
    print("\n" + ", ".join(result["versions"]))
    return result


def replace(path, words):
    """Writes a file at once, so that no half of it is ever there; into a pipe or a device directly."""
    if path.exists() and not path.is_file():
        path.write_text(words)
        return
    path = path.resolve()  # a link goes on being one
    beside = path.with_name(path.name + ".new")
    beside.write_text(words)
    os.replace(beside, path)


def write(result, arguments):
    if arguments.json:
        replace(arguments.json, json.dumps(result, indent=1) + "\n")
    if arguments.svg:
        replace(arguments.svg, chart.draw(result))


def commit():
    done = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip() or "of unknown version"


def read_baseline(path, sort):
    """Results to compare with. ValueError says, in a line, why they are none."""
    try:
        before = json.loads(path.read_text())
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from None
    except ValueError:
        raise ValueError(f"{path} is not JSON") from None
    if why := judge.refusal(before, sort, machine.this_machine()):
        raise ValueError(f"{path}: {why}")
    return before


def committed_baseline():
    """(the kernels' results of this kind of machine, or None; why there are none)"""
    path = ROOT / "bench" / "baseline" / machine.file_name(machine.this_machine())
    if not path.exists():
        return None, f"no baseline for this kind of machine: --json {path} makes one"
    try:
        return read_baseline(path, "kernels"), ""
    except ValueError as error:
        return None, f"not compared: {error}"


def numbers(words):
    return [int(part) for part in words.split(",")]


def options():
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", metavar="MODEL", help=f"without: {' '.join(networks.NAMES)}")
    parser.add_argument("--threads", type=numbers, metavar="N,...", help="1,2, as far as there are processors")
    parser.add_argument("--rounds", type=int, default=5, help="2 at least: of each engine, as many again where it is noisy; with --kernels, repetitions of each kernel")
    parser.add_argument("--seconds", type=float, help="of an engine's turn that count; 1")
    parser.add_argument("--program", help="bench_session, or with --kernels bench_kernels, as it is; without, it is built in build/release")
    parser.add_argument("--folder", type=Path, help="for the exported models, about 5 GB; those that are there are used; build/bench-models")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="write a bar chart of them")
    parser.add_argument("--baseline", type=Path, metavar="FILE", help="earlier --json of the same kind of machine")
    parser.add_argument("--kernels", action="store_true", help="measure bench_kernels instead")
    return parser


def check_models(parser, arguments):
    """Fills in what was left out."""
    processors = len(os.sched_getaffinity(0))
    arguments.models = arguments.models or list(networks.NAMES)
    arguments.threads = arguments.threads or machine.usual_threads()
    arguments.seconds = 1 if arguments.seconds is None else arguments.seconds
    arguments.folder = arguments.folder or ROOT / "build" / "bench-models"
    for model in arguments.models:
        if model not in networks.NAMES and not Path(model).is_file():
            parser.error(f"{model} is neither a file nor one of {' '.join(networks.NAMES)}")
    if len(set(arguments.models)) < len(arguments.models) or len(set(arguments.threads)) < len(arguments.threads):
        parser.error("each MODEL and each number of --threads once")
    if min(arguments.threads) < 1 or max(arguments.threads) > processors:
        parser.error(f"--threads from 1 to {processors}, the processors that this process may use")
    if not 0 < arguments.seconds < float("inf"):
        parser.error("--seconds above 0")


def parse():
    """The arguments, with `before`, the baseline's results. Nothing is measured for a command that cannot be done."""
    parser = options()
    arguments = parser.parse_args()
    if arguments.kernels and (given := [name for name in ("models", "threads", "seconds", "folder", "svg") if getattr(arguments, name) not in (None, [])]):
        parser.error(f"--kernels takes no {' nor '.join('MODEL' if name == 'models' else '--' + name for name in given)}")
    if not arguments.kernels:
        check_models(parser, arguments)
    if arguments.rounds < 2:
        parser.error("--rounds from 2: one alone never settles a time")
    if arguments.program and not shutil.which(arguments.program):
        parser.error(f"{arguments.program} is no program")
    try:
        arguments.before = read_baseline(arguments.baseline, "kernels" if arguments.kernels else "models") if arguments.baseline else None
        for path in (arguments.json, arguments.svg):
            if path:
                path.parent.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        give_up(error)
    return arguments


def against_baseline(result, before):
    lines, compared = judge.compare(result, before)
    print(f"\nsince {before['date']}:\n  " + "\n  ".join(lines))
    return compared


def main():
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # so that run_alone ends what it runs
    arguments = parse()
    enter_environment()
    before, why_none = arguments.before, ""
    if arguments.kernels:
        before, why_none = (before, "") if before else committed_baseline()
        result = kernel_times.run(arguments.program or build("bench_kernels"), arguments.rounds, machine.this_machine(), commit())
    else:
        arguments.program = arguments.program or build("bench_session")
        result = run(arguments)
    write(result, arguments)
    unsettled = sum(judge.is_ours(row["engine"]) and not row["settled"] for row in result["rows"])
    if arguments.json and unsettled:
        print(f"warning: {unsettled} of our times in {arguments.json} are not settled; nothing can be compared with these", file=sys.stderr)
    if why_none:
        print(f"\n{why_none}")
    return judge.status(result, against_baseline(result, before) if before else 0)


if __name__ == "__main__":
    sys.exit(main())
