#!/usr/bin/env python3
"""Makes tools/reader_operators.tsv: what the operators of files become in Ropeway's graph, seen at the cases of tests/torch.

    .venv/bin/python tools/reader_operators.py > tools/reader_operators.tsv

Each case is exported as PyTorch leaves it, decomposed to core ATen, and as ONNX, beside the single nodes of test_onnx_operators.py and the ONNX files of tests/golden; `ropeway inspect --stage graph` says which operators each node of the file has become.
"""
import re
import subprocess
import sys
import tempfile
import warnings
from collections import defaultdict
from pathlib import Path

import onnx
import torch
from torch import nn

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "torch"))
from ropeway import PROGRAM  # noqa: E402
from test_onnx_operators import NODES, ROUNDS, Case, save  # noqa: E402
from test_operators import CASES, Function  # noqa: E402

NODE = re.compile(r"^%\S+(?:, %\S+)* = (\w+)\([^)]*\)(?:.*?\bfunction=(\w+))?.* @ .*?\(?([^() ]+)\)?$")


def graph_operators(file):
    """By name of the file's node: the operators that it has become."""
    result = defaultdict(set)
    answer = subprocess.run([PROGRAM, "inspect", file, "--stage", "graph"], capture_output=True, text=True)
    for line in answer.stdout.splitlines():
        if match := NODE.match(line):
            operator, function, node = match.groups()
            result[node].add(f"{operator}:{function}" if function else operator)
    return result


def add(found, dialect, operators, file):
    graph = graph_operators(file)
    for node, operator in operators:
        found[dialect, operator] |= graph.get(node, set())


def aten_operators(program):
    for node in program.graph.nodes:
        if node.op == "call_function" and str(node.target).startswith("aten."):
            yield node.name, re.sub(r"(?<!_)_\.", ".", str(node.target).removeprefix("aten."))


def onnx_operators(file):
    return [(node.name, node.op_type) for node in onnx.load(file, load_external_data=False).graph.node]


def main():
    warnings.simplefilter("ignore")
    found = defaultdict(set)
    with tempfile.TemporaryDirectory() as folder:
        for function, *inputs in CASES.values():
            module = (function if isinstance(function, nn.Module) else Function(function)).eval()
            program = torch.export.export(module, tuple(inputs))
            for each in (program, program.run_decompositions()):
                torch.export.save(each, f"{folder}/model.pt2")
                add(found, "aten", aten_operators(each), f"{folder}/model.pt2")
            try:
                torch.onnx.export(module, tuple(inputs), f"{folder}/model.onnx", opset_version=18, verbose=False)
            except Exception:  # PyTorch cannot write everything as ONNX
                continue
            add(found, "onnx", onnx_operators(f"{folder}/model.onnx"), f"{folder}/model.onnx")
        for make in NODES:
            for seed in range(ROUNDS):
                arguments, _ = make(Case(seed))
                save(f"{folder}/model.onnx", outputs=arguments.pop("outputs", 1), **arguments)
                add(found, "onnx", onnx_operators(f"{folder}/model.onnx"), f"{folder}/model.onnx")
    for file in sorted((ROOT / "tests" / "golden" / "onnx").glob("*.onnx")):
        add(found, "onnx", onnx_operators(file), file)
    for (dialect, operator), graph in sorted(found.items()):
        print(dialect, operator, " ".join(sorted(graph)), sep="\t")


if __name__ == "__main__":
    main()
