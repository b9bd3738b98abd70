"""What a program does with onnxruntime-cann. Runs in .venv-ort, in a shell that has sourced the virtual CANN's set_env.sh; prints what came out as JSON.

    scenarios.py SCENARIO [ARGUMENT...]
"""
import gc
import json
import sys
import threading
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

NPU = "CANNExecutionProvider"
CPU = "CPUExecutionProvider"
RANDOM = np.random.default_rng(0)


def array(*shape):
    return RANDOM.standard_normal(shape).astype(np.float32)


def value(name, shape, dtype=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, dtype, shape)


def model(nodes, inputs, outputs, **constants):
    graph = helper.make_graph(nodes, "small", inputs, outputs, [numpy_helper.from_array(each, name) for name, each in constants.items()])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()


def convolution(width=8):
    """Batch and size are open."""
    nodes = [helper.make_node("Conv", ["x", "w"], ["a"], pads=[1] * 4), helper.make_node("Relu", ["a"], ["y"])]
    return model(nodes, [value("x", ["N", 3, "H", "W"])], [value("y", None)], w=array(width, 3, 3, 3))


def session(source, **options):
    settings = onnxruntime.SessionOptions()
    settings.enable_profiling = True
    settings.profile_file_prefix = "profile"
    options = {"dump_om_model": "0", **options}  # else every run leaves its compiled model in the current folder, and the next takes it
    made = onnxruntime.InferenceSession(source, settings, providers=[(NPU, options), CPU])
    assert made.get_providers() == [NPU, CPU], made.get_providers()
    return made


def kernels(ended):
    """The providers of all kernels that ran, from the session's own profile."""
    events = json.loads(Path(ended.end_profiling()).read_text())
    return [event["args"]["provider"] for event in events if event["cat"] == "Node" and event["name"].endswith("_kernel_time")]


def error_of(actual, expected):
    """The largest error, of the largest value."""
    assert actual.shape == expected.shape and actual.dtype == expected.dtype, (actual.shape, actual.dtype, expected.shape, expected.dtype)
    return float(np.abs(actual.astype(np.float64) - expected).max() / max(np.abs(expected).max(), 1e-30))


def run_both(source, inputs, **options):
    """Runs twice on the NPU; the second run takes what the first compiled."""
    made = session(source, **options)
    made.run(None, inputs)
    outputs = made.run(None, inputs)
    expected = onnxruntime.InferenceSession(source, providers=[CPU]).run(None, inputs)
    return {"errors": [error_of(*each) for each in zip(outputs, expected, strict=True)], "kernels": kernels(made)}


def onnx_inputs(path):
    return onnxruntime.InferenceSession(path, providers=[CPU]).get_inputs()


def network(path):
    return run_both(path, {each.name: array(*each.shape) for each in onnx_inputs(path)})


def libraries():
    """The files of CANN's libraries in this process, once the provider is in use."""
    made = session(convolution())
    made.run(None, {"x": array(1, 3, 8, 8)})
    mapped = {line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines() if len(line.split()) == 6}
    return sorted(file for file in mapped if Path(file).name.startswith(("libacl", "libascend", "libfmk", "libge")))


def open_sizes():
    source = convolution()
    made, reference, errors = session(source), onnxruntime.InferenceSession(source, providers=[CPU]), []
    for shape in ((1, 3, 8, 8), (2, 3, 16, 8), (1, 3, 8, 8), (5, 3, 7, 9)):
        x = {"x": array(*shape)}
        errors.append(error_of(made.run(None, x)[0], reference.run(None, x)[0]))
    return {"errors": errors, "kernels": kernels(made)}


def provider_options():
    return run_both(convolution(), {"x": array(1, 3, 8, 8)}, precision_mode="force_fp16", op_select_impl_mode="high_performance")


def split():
    """An operator that the provider leaves to the CPU, between two that it takes; without this option it takes whole models only."""
    nodes = [helper.make_node("Conv", ["x", "w"], ["a"]), helper.make_node("IsInf", ["a"], ["b"]), helper.make_node("Where", ["b", "a", "a"], ["y"])]
    return run_both(model(nodes, [value("x", [1, 3, 8, 8])], [value("y", None)], w=array(8, 3, 3, 3)), {"x": array(1, 3, 8, 8)}, enable_cann_subgraph="1")


def refusal(source, inputs, **options):
    """What the provider says of a model that it takes and cannot run."""
    made = session(source, **options)
    try:
        made.run(None, inputs)
    except Exception as error:  # noqa: BLE001
        return {"text": str(error)}
    raise AssertionError("it runs")


def unsupported():
    """And the process goes on."""
    source = model([helper.make_node("Relu", ["x"], ["a"]), helper.make_node("Det", ["a"], ["y"])], [value("x", [2, 4, 4])], [value("y", None)])
    return {**refusal(source, {"x": array(2, 4, 4)}), "after": provider_options()}


def float64():
    source = model([helper.make_node("Add", ["x", "x"], ["y"])], [value("x", [2], TensorProto.DOUBLE)], [value("y", None, TensorProto.DOUBLE)])
    return refusal(source, {"x": array(2).astype(np.float64)})


def single_operators():
    return refusal(convolution(), {"x": array(1, 3, 8, 8)}, enable_cann_graph="0")


def option(name, setting):
    return refusal(convolution(), {"x": array(1, 3, 8, 8)}, **{name: setting})


def nothing_to_run():
    return refusal(convolution(), {"x": array(0, 3, 8, 8)})


def compiled_file():
    """As the provider does of itself: the compiled model stays in the current folder."""
    return {**run_both(convolution(), {"x": array(1, 3, 8, 8)}, dump_om_model="1"), "files": [str(file) for file in Path().glob("*.om")]}


def threads(shared):
    """Four threads, on a session each, or all on one; what each gets is its own."""
    source = convolution()
    reference = onnxruntime.InferenceSession(source, providers=[CPU])
    sessions = [session(source) for _ in range(1 if shared == "shared" else 4)]
    errors, refusals = [], []

    def work(number):
        random = np.random.default_rng(number)
        for i in range(50):
            x = {"x": random.standard_normal((1 + i % 3, 3, 8, 8)).astype(np.float32)}
            try:
                errors.append(error_of(sessions[number % len(sessions)].run(None, x)[0], reference.run(None, x)[0]))
            except Exception as error:  # noqa: BLE001
                refusals.append(str(error))

    workers = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    return {"errors": errors, "refusals": refusals}


def again():
    """Sessions made and destroyed; none leaves its model on the device."""
    source = model([helper.make_node("MatMul", ["x", "w"], ["y"])], [value("x", [1, 2048])], [value("y", None)], w=array(2048, 2048))
    errors = []
    for _ in range(12):
        errors += run_both(source, {"x": array(1, 2048)})["errors"]
        gc.collect()
    return {"errors": errors}


def bound():
    """Inputs and outputs that stay on the device."""
    source, x = convolution(), array(1, 3, 8, 8)
    made = session(source)
    binding = made.io_binding()
    binding.bind_ortvalue_input("x", onnxruntime.OrtValue.ortvalue_from_numpy(x, "cann", 0))
    binding.bind_output("y", "cann", 0)
    made.run_with_iobinding(binding)
    return {"errors": [error_of(binding.copy_outputs_to_cpu()[0], onnxruntime.InferenceSession(source, providers=[CPU]).run(None, {"x": x})[0])], "device": binding.get_outputs()[0].device_name()}


if __name__ == "__main__":
    onnxruntime.set_default_logger_severity(4)
    print(json.dumps(globals()[sys.argv[1]](*sys.argv[2:])))
