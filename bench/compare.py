#!/usr/bin/env python3
"""Ropeway beside ONNX Runtime and PyTorch on the article's three networks, fp32, batch 1, same weights, same minutes.

Usage: compare.py [--threads N] [--rounds N] [--program build/release/ropeway] [MODEL ...]      (needs requirements-test.txt)

The engines take turns, round by round, so that a machine whose speed drifts is the same for all; the minimum over all rounds counts, in milliseconds.
"""
import argparse
import json
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import onnxruntime
import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "torch"))
import models  # noqa: E402

RUNS = 10  # of each engine in a round
WARMUP = 3


def timed(run):
    for _ in range(WARMUP):
        run()
    times = []
    for _ in range(RUNS):
        begin = time.perf_counter()
        run()
        times.append((time.perf_counter() - begin) * 1e3)
    return min(times)


def ropeway_round(program, name, threads, folder):
    path = f"{folder}/{name}.json"
    subprocess.run([program, "bench", name, "--threads", str(threads), "--warmup", str(WARMUP), "--iterations", str(RUNS), "--json", path], check=True, stdout=subprocess.DEVNULL)
    return json.loads(Path(path).read_text())[0]["devices"][0]["end_to_end_ms"]["min"]


def engines(name, arguments, folder):
    model, x = models.make_builtin(name), torch.from_numpy(models.stream_input())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model, (x,), f"{folder}/{name}.onnx", verbose=False)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = arguments.threads
    session = onnxruntime.InferenceSession(f"{folder}/{name}.onnx", options, providers=["CPUExecutionProvider"])
    feed = {session.get_inputs()[0].name: x.numpy()}

    def eager():
        with torch.inference_mode():
            model(x)

    return {
        "Ropeway": lambda: ropeway_round(arguments.program, name, arguments.threads, folder),
        "ONNX Runtime": lambda: timed(lambda: session.run(None, feed)),
        "PyTorch": lambda: timed(eager),
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("models", nargs="*", default=list(models.BUILTIN))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--program", default=str(ROOT / "build" / "release" / "ropeway"))
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    print(f"onnxruntime {onnxruntime.__version__}, torch {torch.__version__}; {arguments.threads} thread(s), minimum of {arguments.rounds} rounds of {RUNS} runs, ms")
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.models:
            rounds = engines(name, arguments, folder)
            best = dict.fromkeys(rounds, float("inf"))
            for _ in range(arguments.rounds):
                for engine, run in rounds.items():
                    best[engine] = min(best[engine], run())
            print(f"{name:10}" + "".join(f"  {engine} {value:.2f}" for engine, value in best.items()) + f"  Ropeway / ONNX Runtime {best['Ropeway'] / best['ONNX Runtime']:.2f}")


if __name__ == "__main__":
    main()
