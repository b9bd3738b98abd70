"""One engine, one model, one round, in a process of its own:    engines.py ENGINE PREFIX THREADS SECONDS PROGRAM → a line of JSON

Each engine gets the files that bench/exports.py made, the settings that are best for one stream of single inputs, the input as an array in each run, and gives its output as one. The files are in the system's cache when it opens them.
Measured as in bench/session.cc, which is Ropeway's round: the library is imported before the clock starts; from opening the file to the first output, but for reading the input;
memory that this added, at rest after the first output and at its highest until then; then warm-up, and the least time of the runs of SECONDS.
"""
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

LEAST_RUNS = 5
WARMUP = 0.3  # of the seconds that count, before these


class Ropeway:
    """Not loaded here: its round is bench_session's."""
    title, file, parts, options = "Ropeway", "pt2", ["pt2"], []


class RopewayFp16(Ropeway):
    title, options = "Ropeway --precision fp16", ["fp16"]


class OnnxRuntime:
    title, file, parts = "ONNX Runtime", "onnx", ["onnx", "onnx.data"]

    def __init__(self):
        import onnxruntime
        self.library, self.version = onnxruntime, f"ONNX Runtime {onnxruntime.__version__}"

    def load(self, prefix, threads):
        options = self.library.SessionOptions()
        options.graph_optimization_level = self.library.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "1")
        self.session = self.library.InferenceSession(f"{prefix}.onnx", options, providers=["CPUExecutionProvider"])
        self.name = self.session.get_inputs()[0].name

    def run(self, x):
        return self.session.run(None, {self.name: x})[0]

    def precision(self):
        return "fp32"


class OpenVino:
    title, file, parts = "OpenVINO f32", "xml", ["xml", "bin"]
    hints = {"INFERENCE_PRECISION_HINT": "f32"}

    def __init__(self):
        import openvino
        self.library, self.version = openvino, f"OpenVINO {openvino.__version__.split('-')[0]}"

    def load(self, prefix, threads):
        settings = {"PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": 1, "INFERENCE_NUM_THREADS": threads, **self.hints}
        self.model = self.library.Core().compile_model(f"{prefix}.xml", "CPU", settings)
        self.request = self.model.create_infer_request()

    def run(self, x):
        return self.request.infer([x], share_inputs=True, share_outputs=True)[0]

    def precision(self):
        """What the operators compute in that do the work, by the executed model's own words."""
        heavy = {"Convolution", "FullyConnected", "MatMul", "Deconvolution", "ScaledDotProductAttention"}
        used = set()
        for node in self.model.get_runtime_model().get_ops():
            info = {key: str(value.astype(str)) for key, value in node.get_rt_info().items() if key in ("layerType", "runtimePrecision")}
            if info.get("layerType") in heavy:
                used.add(info.get("runtimePrecision", "?"))
        used = used or {self.model.get_property("INFERENCE_PRECISION_HINT").to_string()}
        return "fp32" if used == {"f32"} else ", ".join(sorted(used))


class OpenVinoDefault(OpenVino):
    title = "OpenVINO, its default"
    hints = {}


class Ncnn:
    title, file, parts = "ncnn fp32", "ncnn", ["ncnn.param", "ncnn.bin"]

    def __init__(self):
        import ncnn
        self.library, self.version = ncnn, f"ncnn {ncnn.__version__}"

    def load(self, prefix, threads):
        self.net = self.library.Net()
        options = self.net.opt
        options.num_threads = threads
        options.use_vulkan_compute = False
        options.lightmode = options.use_packing_layout = options.use_sgemm_convolution = options.use_winograd_convolution = True
        self.choose_precision(options)
        if self.net.load_param(f"{prefix}.{self.parts[0]}") or self.net.load_model(f"{prefix}.{self.parts[1]}"):
            raise RuntimeError("ncnn cannot load the model")

    def choose_precision(self, options):
        for name in ("use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic", "use_bf16_packed", "use_bf16_storage"):
            setattr(options, name, False)

    def run(self, x):
        with self.net.create_extractor() as extractor:
            extractor.input("in0", self.library.Mat(x[0]))
            status, output = extractor.extract("out0")
            if status:
                raise RuntimeError("ncnn cannot run the model")
            return np.array(output)

    def precision(self):
        return "fp32"


class NcnnDefault(Ncnn):
    title, parts = "ncnn, its default", ["fp16.ncnn.param", "fp16.ncnn.bin"]

    def choose_precision(self, options):
        pass

    def precision(self):
        """Whether arithmetic is in fp16, too, as on Arm, its layers know; options are only wishes."""
        heavy = {"Convolution", "InnerProduct", "Gemm", "MultiHeadAttention"}
        return "fp16" if any(layer.support_fp16_storage for layer in self.net.layers() if layer.type in heavy) else "fp16 weights"


class NcnnBf16(Ncnn):
    title = "ncnn bf16"

    def choose_precision(self, options):
        super().choose_precision(options)
        options.use_bf16_packed = options.use_bf16_storage = True

    def precision(self):
        return "bf16"


class PyTorch:
    title, file, parts = "PyTorch, eager", "pt2", ["pt2"]

    def __init__(self):
        import torch
        self.library, self.version = torch, f"PyTorch {torch.__version__.split('+')[0]}"

    def load(self, prefix, threads):
        self.library.set_num_threads(threads)
        self.library.set_num_interop_threads(1)
        self.module = self.library.export.load(f"{prefix}.pt2").module()

    def run(self, x):
        with self.library.inference_mode():
            return self.module(self.library.from_numpy(x)).numpy()

    def precision(self):
        return "fp32"


ENGINES = {engine.title: engine for engine in (Ropeway, Ncnn, OnnxRuntime, OpenVino, PyTorch, RopewayFp16, OpenVinoDefault, NcnnDefault, NcnnBf16)}


def memory_mb(key):
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(key + ":"))
    return int(line.split()[1]) * 1024 / 1e6


def milliseconds_since(begin):
    return (time.perf_counter() - begin) * 1e3


def best_ms(run, seconds):
    end = time.perf_counter() + WARMUP * seconds
    while time.perf_counter() < end:
        run()
    best, runs, end = float("inf"), 0, time.perf_counter() + seconds
    while runs < LEAST_RUNS or time.perf_counter() < end:
        begin = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - begin)
        runs += 1
    return {"ms": best * 1e3, "runs": runs}


def measure(engine, prefix, threads, seconds):
    Path("/proc/self/clear_refs").write_text("5")  # VmHWM begins anew
    before = memory_mb("VmRSS")
    begin = time.perf_counter()
    engine.load(prefix, threads)
    load_ms = milliseconds_since(begin)
    x = np.load(f"{prefix}.input.npy")
    first = time.perf_counter()
    output = engine.run(x)
    load_ms += milliseconds_since(first)
    rest, peak = memory_mb("VmRSS"), memory_mb("VmHWM")
    output = np.array(output)  # some lend theirs only until the next run
    result = {"load_ms": load_ms, "rest_mb": rest - before, "peak_mb": peak - before, "process_mb": rest, "version": engine.version, "precision": engine.precision()}
    return result | best_ms(lambda: engine.run(x), seconds), output


def measure_ropeway(program, prefix, threads, seconds, options, dtype):
    with tempfile.NamedTemporaryFile(suffix=".bin") as output:
        command = [program, f"{prefix}.pt2", f"{prefix}.input.bin", output.name, str(threads), str(seconds), *options]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            sys.exit(done.stderr.splitlines()[0] if done.stderr else f"{program} ended with status {done.returncode}")
        return json.loads(done.stdout) | {"precision": "fp16 weights" if options else "fp32"}, np.fromfile(output.name, dtype)


def read_once(path):
    """So that loading is from the system's cache of files, whatever other engines have read since."""
    if path.exists():  # parts that an exporter had no need of
        with open(path, "rb") as file:
            while file.read(1 << 22):
                pass


def relative_error(output, expected):
    """The largest error, relative to the largest value. Shapes may differ, for ncnn has no dimension of a batch."""
    if output.size != expected.size:
        raise ValueError(f"the output has {output.size} values, PyTorch's {expected.size}")
    return float(np.abs(output.ravel().astype(np.float64) - expected.ravel()).max() / np.abs(expected).max())


def main():
    title, prefix, threads, seconds, program = sys.argv[1:]
    threads, seconds, engine = int(threads), float(seconds), ENGINES[title]
    if (failed := Path(f"{prefix}.{engine.file}.failed")).exists():
        sys.exit(failed.read_text())
    for part in engine.parts:
        read_once(Path(f"{prefix}.{part}"))
    expected = np.load(f"{prefix}.output.npy")
    if issubclass(engine, Ropeway):
        result, output = measure_ropeway(program, prefix, threads, seconds, engine.options, expected.dtype)
    else:
        result, output = measure(engine(), prefix, threads, seconds)
    print(json.dumps(result | {"error": relative_error(output, expected)}))


if __name__ == "__main__":
    main()
