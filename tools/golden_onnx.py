#!/usr/bin/env python3
"""Makes tests/golden/onnx: tiny models as torch 2.13 exports them to ONNX, with an input each and what PyTorch computes for it.

Usage: golden_onnx.py [FOLDER]      (needs torch==2.13.0, onnx, onnxscript, numpy)

Stack traces are taken out of the files: they name folders of the exporting machine, and make most of a small file.
"""
import pathlib
import sys

import numpy as np
import onnx
import torch

import tiny_models

KEPT_METADATA = ("pkg.torch.onnx.name_scopes", "pkg.torch.onnx.class_hierarchy", "pkg.onnxscript.rewriter.rule_name")


def strip(path):
    model = onnx.load(path, load_external_data=False)
    for message in [*model.graph.value_info, *model.graph.input, *model.graph.output, model.graph, model, *model.graph.initializer]:
        del message.metadata_props[:]
    del model.graph.value_info[:]
    for node in model.graph.node:
        kept = [entry for entry in node.metadata_props if entry.key in KEPT_METADATA]
        del node.metadata_props[:]
        node.metadata_props.extend(kept)
        node.doc_string = ""
    onnx.save(model, path)


DYNAMIC = dict(dynamic_shapes=({0: torch.export.Dim.DYNAMIC},))
LEGACY_DYNAMIC = dict(dynamo=False, opset_version=17, input_names=["x"], dynamic_axes={"x": {0: "batch"}})
VARIANTS = {
    "lenet": {"d20": {}, "legacy13": dict(dynamo=False, opset_version=13), "legacy11": dict(dynamo=False, opset_version=11)},
    "alexnet": {"d20": {}},
    "resnet": {"d18": dict(opset_version=18, external_data=True), "d20": {}, "plain": dict(optimize=False), "legacy17": dict(dynamo=False, opset_version=17), "dynamic": DYNAMIC},
    "mobilenet": {"d20": {}, "legacy13": dict(dynamo=False, opset_version=13)},
    "vit": {"d23": dict(opset_version=23), "dynamic": DYNAMIC, "legacy_dynamic": LEGACY_DYNAMIC},
    "mixed": {"d18": dict(opset_version=18), "plain": dict(optimize=False), "legacy17": dict(dynamo=False, opset_version=17)},
}


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent / "tests/golden/onnx")
    folder.mkdir(parents=True, exist_ok=True)
    for name, variants in VARIANTS.items():
        model, x = tiny_models.make(name)
        for variant, options in variants.items():
            path = folder / f"{name}.{variant}.onnx"
            external = options.get("external_data", False)
            more = {} if options.get("dynamo") is False else {"external_data": external, "verbose": False}
            torch.onnx.export(model, (x,), str(path), **{**options, **more})
            strip(path)
        np.save(folder / f"{name}.x.npy", x.numpy())
        with torch.no_grad():
            results = model(x)
        results = results if isinstance(results, tuple) else (results,)
        for i, y in enumerate(results):
            np.save(folder / f"{name}.y{i}.npy", y.numpy())


if __name__ == "__main__":
    main()
