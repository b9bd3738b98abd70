"""The unchanged onnxruntime-cann on the virtual CANN: it loads the three libraries, compiles in process and runs, near its own CPU provider's numbers and yet not the same.

Each scenario is a process of its own, which must end well, too.
"""
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILD = Path(os.environ.get("ROPEWAY_PROGRAM", ROOT / "build" / "dev" / "ropeway")).parent
NPU, CPU = "CANNExecutionProvider", "CPUExecutionProvider"
NEAR = 1e-2      # of the largest value: 16 bits hold 11 of a number's, and errors add up
NOT_FP32 = 2e-5  # what fp32 differs by at most
BUILTIN = ("lenet", "alexnet", "resnet34")
EXPORTED = ("resnet34", "mobilenet_v2", "vit")


def process(folder, *arguments, **environment):
    """Everything a user does: source set_env.sh, run the program."""
    command = ["bash", "-c", 'source "$0/virtual-cann/set_env.sh" && exec "$@"', str(BUILD), sys.executable, str(HERE / "scenarios.py"), *map(str, arguments)]
    return subprocess.run(command, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, timeout=120)


def run(folder, *arguments, **environment):
    result = process(folder, *arguments, **environment)
    assert result.returncode == 0, f"exit status {result.returncode}: {result.stderr}"
    return json.loads(result.stdout.splitlines()[-1])


def check_errors(errors):
    assert errors
    assert max(errors) <= NEAR
    assert max(errors) > NOT_FP32, "that is the fp32 result"


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported")
    subprocess.run([ROOT / ".venv" / "bin" / "python", HERE / "export_models.py", folder, *EXPORTED], check=True, capture_output=True)
    return folder


@pytest.mark.parametrize("name", BUILTIN)
def test_builtin(name, tmp_path):
    path = tmp_path / f"{name}.onnx"
    subprocess.run([BUILD / "tools" / "write_onnx", name, path], check=True)
    check_network(tmp_path, path)
    path.unlink()  # not kept until the session ends: they are large


@pytest.mark.parametrize("name", EXPORTED)
def test_exported(name, exported, tmp_path):
    check_network(tmp_path, exported / f"{name}.onnx")


def check_network(folder, path):
    result = run(folder, "network", path)
    check_errors(result["errors"])
    assert result["kernels"] == [NPU, NPU], "not one fused node in each of two runs"


def test_every_library_is_the_virtual_one_and_there_once(tmp_path):
    folder = BUILD.resolve() / "virtual-cann" / "lib64"
    assert run(tmp_path, "libraries") == sorted(str(folder / name) for name in ("libacl_op_compiler.so", "libascendcl.so", "libfmk_onnx_parser.so"))


@pytest.mark.parametrize("scenario, runs", [("open_sizes", 4), ("provider_options", 2)])
def test_whole_model_on_the_npu(scenario, runs, tmp_path):
    result = run(tmp_path, scenario)
    check_errors(result["errors"])
    assert result["kernels"] == [NPU] * runs


def test_what_the_provider_does_not_take_stays_on_the_cpu(tmp_path):
    result = run(tmp_path, "split")
    check_errors(result["errors"])
    assert set(result["kernels"]) == {NPU, CPU}


def test_other_chip(tmp_path):
    check_errors(run(tmp_path, "provider_options", ROPEWAY_VIRTUAL_SOC="Ascend310B4")["errors"])


def test_an_unsupported_operator_ends_in_an_error_and_the_log_says_why(tmp_path):
    result = run(tmp_path, "unsupported", ROPEWAY_VIRTUAL_LOG=str(tmp_path / "log"))
    assert "aclgrphBuildModel" in result["text"]
    (failed,) = [line for line in (tmp_path / "log").read_text().splitlines() if line.startswith("aclgrphBuildModel ") and not line.startswith("aclgrphBuildModel 0")]
    assert "Det" in failed
    check_errors(result["after"]["errors"])


@pytest.mark.parametrize("scenario, part", [
    (("float64",), "aclgrphBuildModel"),
    (("single_operators",), "aclopCompileAndExecute"),
    (("option", "precision_mode", "no_such_mode"), "aclgrphBuildModel"),
    (("option", "op_select_impl_mode", "high_precision"), "aclgrphBuildInitialize"),
    (("option", "optypelist_for_implmode", "Conv2D"), "aclgrphBuildInitialize"),
    (("nothing_to_run",), "aclrtMemcpy"),
])
def test_what_cannot_be_is_refused(scenario, part, tmp_path):
    assert part in run(tmp_path, *scenario)["text"]


def test_too_little_memory_is_an_error(tmp_path):
    result = process(tmp_path, "open_sizes", ROPEWAY_VIRTUAL_MEMORY="1")
    assert result.returncode == 1
    assert "207001" in result.stderr or "aclrtMalloc" in result.stderr, result.stderr


def test_a_compiled_model_is_taken_from_its_file(tmp_path):
    first = run(tmp_path, "compiled_file")
    check_errors(first["errors"])
    (file,) = first["files"]
    content = (tmp_path / file).read_bytes()
    second = run(tmp_path, "compiled_file")
    assert second["errors"] == first["errors"] and second["files"] == [file]
    assert (tmp_path / file).read_bytes() == content
    (tmp_path / file).write_bytes(content[:-1])
    result = process(tmp_path, "compiled_file")
    assert result.returncode == 1
    assert "aclmdlLoadFromFile" in result.stderr


def test_threads_with_a_session_each(tmp_path):
    result = run(tmp_path, "threads", "own")
    assert result["refusals"] == []
    assert len(result["errors"]) == 200
    check_errors(result["errors"])


def test_threads_that_share_a_session(tmp_path):
    """CANN does not allow one model on two streams at once: a run may be refused, but what comes out is right."""
    result = run(tmp_path, "threads", "shared")
    assert len(result["errors"]) + len(result["refusals"]) == 200
    check_errors(result["errors"])


def test_sessions_come_and_go(tmp_path):
    """A model takes 8 MB of the device: a dozen of them would not fit."""
    check_errors(run(tmp_path, "again", ROPEWAY_VIRTUAL_MEMORY="64")["errors"])


def test_bound_to_the_device(tmp_path):
    result = run(tmp_path, "bound")
    assert result["device"] == "cann"
    check_errors(result["errors"])
