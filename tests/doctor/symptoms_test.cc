// The symptoms that users of CANN report, each staged on a made-up machine: what the doctor finds, and which command it gives.
#include "doctor/symptoms.h"

#include "cann/errors.h"
#include "doctor/machine.h"

namespace ropeway::doctor {
namespace {

using Machine = MadeUpMachine;

struct Row {
  const char* symptom;
  const char* title;
  std::function<void(Machine&)> stage;
  Status status;
  const char* check;
  const char* text;  // a part of the finding's
  const char* fix;   // a part of the command
};

std::function<void(Machine&)> logged(const std::string& line) {
  return [line](Machine& machine) { machine.log(line); };
}

const std::vector<Row>& rows() {
  static const std::string root = Machine::kRoot, driver = Machine::kDriver;
  static const std::vector<Row> table = {
      {"library", "the article's libhccl.so", [](Machine& m) { m.variables.erase("LD_LIBRARY_PATH"); }, Status::note, "environment", "libhccl.so: cannot open shared object file", "source /usr/local/Ascend/ascend-toolkit/latest/set_env.sh"},
      {"library", "libhccl.so, as logged", logged("ImportError: libhccl.so: cannot open shared object file: No such file or directory"), Status::note, "log", "library", "source /usr/local/Ascend/ascend-toolkit/latest/set_env.sh"},
      {"library", "no CANN", [](Machine& m) { m.drop("/usr/local/Ascend/ascend-toolkit"); }, Status::problem, "cann", "there is no CANN", "Ascend-cann-toolkit_VERSION_linux-x86_64.run --install"},
      {"library", "torch_npu beside a run time without libhccl.so",
       [](Machine& m) {
         m.drop(root + "/lib64/libhccl.so");
         fs::create_directories(m.at(std::string(Machine::kPackages) + "torch_npu-2.5.1.dist-info"));
         fs::create_directories(m.at(std::string(Machine::kPackages) + "torch-2.5.1+cpu.dist-info"));
       },
       Status::note, "torch_npu", "libhccl.so", "Ascend-cann-toolkit_VERSION"},
      {"driver-library", "no driver", [](Machine& m) { m.drop(driver); }, Status::problem, "libraries", "libascend_hal.so (needed by libascendcl.so)", "Ascend-hdk-310b-npu-driver_VERSION_linux-"},
      {"driver-library", "a part of the driver", [](Machine& m) { m.drop(driver + "/lib64/common"); }, Status::problem, "libraries", "libdrv_inner.so (needed by libascend_hal.so)", "npu-driver"},
      {"stub", "stubs on the path",
       [](Machine& m) {
         m.copy(ROPEWAY_SMALL_CANN "/devlib/libascend_hal.so", root + "/devlib/libascend_hal.so");
         m.variables["LD_LIBRARY_PATH"] = root + "/devlib:" + root + "/lib64";
       },
       Status::problem, "environment", "100039", "export LD_LIBRARY_PATH=/usr/local/Ascend/ascend-toolkit/latest/lib64"},
      {"no-device", "no node of the device", [](Machine& m) { m.drop("/dev/davinci0"); }, Status::problem, "devices", "/dev/davinci0; the driver is not loaded", "npu-smi info"},
      {"no-device", "as logged", logged("rtSetDevice failed, runtime result = 107001, the driver may not be loaded"), Status::note, "log", "no-device", "npu-smi info"},
      {"permission", "another's device nodes",
       [](Machine& m) {
         m.user.groups = {Machine::kUser};
         m.put("/etc/group", fmt::format("HwHiAiUser:x:{}:\n", Machine::kGroup));
         if (geteuid() != 0) m.node_of("davinci0", 0, 0400), m.user.id = 1;
       },
       Status::problem, "permissions", "pi may not read and write", "sudo usermod -aG HwHiAiUser pi"},
      {"no-context", "a thread without context", logged("aclrtMemcpy failed, error 107002"), Status::note, "log", "no context", "aclrtSetCurrentContext"},
      {"initialised-twice", "aclInit twice", logged("aclInit repeat, ret=100002"), Status::note, "log", "initialised-twice", "ACL_ERROR_REPEAT_INITIALIZE"},
      {"model-path", "no such model", logged("load model failed, ret is 100003"), Status::note, "log", "model-path", "ls -l"},
      {"damaged-model", "a model of a newer CANN", logged("aclmdlLoadFromFile returns 545001"), Status::note, "log", "newer", "ropeway compile"},
      {"other-chip", "a model for another chip", logged("error code 507009, task type not support"), Status::note, "log", "another chip", "ropeway compile MODEL --device npu --soc"},
      {"operators-path", "a wrong path to the operators", [](Machine& m) { m.variables["ASCEND_OPP_PATH"] = "/nowhere/opp"; }, Status::problem, "environment", "/nowhere/opp", "export ASCEND_OPP_PATH=/usr/local/Ascend/ascend-toolkit/latest/opp"},
      {"operators-path", "no operators", [](Machine& m) { m.drop(root + "/opp"); }, Status::problem, "operators", "E40001", "Ascend-cann-kernels-310b_VERSION"},
      {"python-packages", "packages that Python lacks",
       [](Machine& m) {
         m.drop(std::string(Machine::kPackages) + "decorator.py");
         m.drop(std::string(Machine::kPackages) + "google");
       },
       Status::problem, "python", "lacks decorator and protobuf", "/usr/bin/python3 -m pip install decorator protobuf"},
      {"python-packages", "as logged", logged("EH9999 build op model failed, result = 500001"), Status::note, "log", "packages", "pip install attrs"},
      {"python-version", "an old Python",
       [](Machine& m) {
         m.drop("/usr/bin/python3");
         m.put("/usr/bin/python3.6", "");
         fs::create_symlink("/usr/bin/python3.6", m.at("/usr/bin/python3"));
       },
       Status::problem, "python", "/usr/bin/python3 3.6: atc needs 3.7.5", "sudo apt install python3"},
      {"operator-compiler", "an operator that does not compile", logged("E40021: Failed to compile Op [DropOutDoMask]"), Status::note, "log", "operator-compiler", "grep -rh ERROR"},
      {"no-parser", "an operator that CANN cannot read", logged("E19010: No parser is registered for Op [a, optype [ai.onnx::17::Det]]."), Status::note, "log", "reader of ONNX", "ropeway run MODEL --device cpu"},
      {"atc-flag", "a wrong value of a flag", logged("E10001: Value [x] for parameter [--framework] is invalid."), Status::note, "log", "a flag of atc", "atc --help"},
      {"no-kernel", "an operator that the chip lacks", logged("EZ3003: No supported Ops kernel and engine are found for [RmsNorm24]"), Status::note, "log", "no such operator", "ropeway run MODEL --device cpu"},
      {"compiler-memory", "a small board", [](Machine& m) { m.put("/proc/meminfo", "MemTotal: 3903120 kB\n"); }, Status::note, "memory", "may take hours", "ropeway compile"},
      {"compiler-memory", "as logged", logged("EOFError in tbe multiprocessing"), Status::note, "log", "ran out of memory", "MAX_COMPILE_CORE_NUMBER=1"},
      {"old-driver", "a driver older than CANN needs", [](Machine& m) { m.put(driver + "/version.info", "Version=24.1.rc3\nascendhal_version=3.9.1\n"); }, Status::problem, "driver", "3.9.1, but CANN 8.1.RC1 needs 4.0.0", "--upgrade"},
      {"old-driver", "a firmware of another version", [](Machine& m) { m.put("/usr/local/Ascend/firmware/version.info", "Version=23.0.0\n"); }, Status::problem, "driver", "the firmware is 23.0.0", "npu-firmware"},
      {"old-driver", "as logged", logged("EE1015: driver capacity insufficient"), Status::note, "log", "older than CANN needs", "--upgrade"},
      {"device-memory", "no memory left", logged("aclrtMalloc failed: 207001"), Status::note, "log", "no memory", "npu-smi info; free -h"},
      {"core-fault", "an operator that hangs", logged("aicore timeout, ret 507014"), Status::note, "log", "core-fault", "grep -rh ERROR"},
      {"cpu-operator-fault", "an operator on the chip's CPU", logged("aicpu timeout 507017"), Status::note, "log", "control CPU", "grep -rh ERROR"},
      {"kernels-package", "no kernels package", [](Machine& m) { m.drop(root + "/opp/built-in/op_impl/ai_core/tbe/kernel"); }, Status::note, "operators", "561112", "Ascend-cann-kernels-310b_VERSION_linux-x86_64.run --install"},
      {"kernels-package", "no operators of the 310B since 8.5",
       [](Machine& m) {
         m.put(root + "/x86_64-linux/ascend_toolkit_install.info", "version=8.5.0\n");
         m.drop(root + "/opp/built-in/op_impl/ai_core/tbe/kernel");
         m.drop(root + "/opp/built-in/op_impl/ai_core/tbe/config");
       },
       Status::problem, "operators", "a package of their own since CANN 8.5", "Ascend-cann-kernels-310b"},
      {"old-torch-npu", "a torch_npu that does not know the chip", logged("RuntimeError: Unsupported soc version: Ascend310B4"), Status::note, "log", "old-torch-npu", "pip install --upgrade torch_npu"},
  };
  return table;
}

TEST(Symptoms, NothingIsWrongWithAHealthyMachine) {
  const Report report = Machine().examine();
  EXPECT_TRUE(report.healthy());
  EXPECT_EQ(complaints(report), "");
  EXPECT_EQ(report.findings.size(), 11u);
}

TEST(Symptoms, EachIsFoundWithItsFix) {
  for (const Row& row : rows()) {
    SCOPED_TRACE(row.title);
    Machine machine;
    row.stage(machine);
    const Report report = machine.examine();
    const auto at = std::find_if(report.findings.begin(), report.findings.end(), [&](const Finding& each) { return each.symptom == row.symptom && each.check == row.check; });
    ASSERT_NE(at, report.findings.end()) << complaints(report);
    EXPECT_EQ(at->status, row.status);
    EXPECT_EQ(report.healthy(), row.status != Status::problem) << complaints(report);
    EXPECT_NE(at->text.find(row.text), std::string::npos) << at->text;
    EXPECT_NE(at->fix.find(row.fix), std::string::npos) << at->fix;
  }
}

TEST(Symptoms, EachIsStaged) {
  EXPECT_EQ(symptoms().size(), 24u);
  for (const Symptom& row : symptoms()) {
    EXPECT_TRUE(std::any_of(rows().begin(), rows().end(), [&](const Row& staged) { return std::string(staged.symptom) == row.id; })) << row.id;
  }
}

TEST(Symptoms, AreExplainedByCodeAndText) {
  for (const Symptom& row : symptoms()) {
    for (const cann::aclError code : row.codes) {
      const std::string text = explain(std::to_string(code), "/cann");
      EXPECT_NE(text.find(cann::describe(code)), std::string::npos) << text;
      EXPECT_NE(text.find(fix_of(row, "/cann")), std::string::npos) << text;
      EXPECT_NE(std::string(cann::remedy(code)), "") << code;
    }
    for (const char* part : row.texts) EXPECT_NE(explain(std::string("it says ") + part + ": x", "/cann").find(row.cause), std::string::npos) << part;
  }
  EXPECT_NE(explain("libhccl.so: cannot open shared object file", "/cann").find("source /cann/set_env.sh"), std::string::npos);
  EXPECT_EQ(explain("libascend_hal.so: cannot open shared object file", "/cann").find("set_env.sh"), std::string::npos) << "the driver's is not CANN's";
  EXPECT_NE(explain("145003", "/cann").find("ACL_ERROR_GE_EXEC_MODEL_ID_INVALID"), std::string::npos) << "listed, without a row";
  EXPECT_EQ(explain("hello", "/cann"), "");
}

TEST(Symptoms, OnlyWholeNumbersAreCodes) {
  EXPECT_EQ(codes_in("error 507014, then 507014 and (107002)"), (std::vector<cann::aclError>{507014, 107002}));
  EXPECT_TRUE(codes_in("1507014 0x507014 12:00:01.507014 50701 507014ms 999999").empty());
}

}  // namespace
}  // namespace ropeway::doctor
