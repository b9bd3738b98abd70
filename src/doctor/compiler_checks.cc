// What CANN's compiler needs: its operators, a Python with packages, memory.
#include <unistd.h>

#include <algorithm>

#include "base/text.h"
#include "doctor/checks.h"
#include "doctor/python.h"
#include "doctor/symptoms.h"

namespace ropeway::doctor {
namespace {

namespace fs = std::filesystem;

constexpr const char* kOldestPython = "3.7.5";
constexpr const char* kOperatorsApart = "8.5";  // since then the 310B's operators are a package of their own

// What CANN's operator compiler imports.
struct Package {
  const char* name;    // for pip
  const char* module;  // its file or folder
};
constexpr Package kPackages[] = {{"attrs", "attr"},           {"cython", "Cython"},           {"numpy", "numpy"}, {"decorator", "decorator"}, {"sympy", "sympy"},       {"cffi", "cffi"},   {"pyyaml", "yaml"},
                                 {"pathlib2", "pathlib2"},    {"psutil", "psutil"},           {"protobuf", "google/protobuf"}, {"scipy", "scipy"}, {"requests", "requests"}, {"absl-py", "absl"}};

// Releases of torch_npu and the CANN that each is made for (torch_npu's own table).
struct Pair {
  const char* torch_npu;
  const char* cann;
};
constexpr Pair kPairs[] = {{"2.12.0", "9.1.0"}, {"2.11.0", "9.1.0"}, {"2.7.1.post8", "9.1.0"}, {"2.7.1.post4", "9.0.0"}, {"2.8.0.post4", "9.0.0"}, {"2.9.0", "8.5.0"}, {"2.8.0.post2", "8.5.0"}, {"2.7.1.post2", "8.5.0"},
                           {"2.1.0.post17", "8.3.RC1"}, {"2.6.0", "8.2.RC1"}, {"2.1.0.post13", "8.2.RC1"}, {"2.5.1", "8.1.RC1"}, {"2.4.0.post4", "8.1.RC1"}};

void check_atc(const Context& context, std::vector<Finding>& findings) {
  const auto& atc = context.cann().atc;
  if (!atc) return findings.push_back(note("none: compiled models (.om) run; other models are compiled on a machine with CANN's toolkit", cann::kCompileElsewhere));
  std::error_code ignored;
  const bool runs = (fs::status(*atc, ignored).permissions() & (fs::perms::owner_exec | fs::perms::group_exec | fs::perms::others_exec)) != fs::perms::none;
  if (runs) findings.push_back(ok(context.shown(*atc)));
  else findings.push_back(problem(fmt::format("{} may not be run", context.shown(*atc)), fmt::format("sudo chmod a+rx {}", context.shown(*atc))));
}

void check_operators(const Context& context, std::vector<Finding>& findings) {
  const cann::Machine& machine = context.machine;
  const auto set = machine.variable("ASCEND_OPP_PATH");
  const fs::path opp = set && cann::is_there(machine.at(*set)) ? machine.at(*set) : context.cann().root / "opp", tbe = opp / "built-in/op_impl/ai_core/tbe";
  const Symptom& row = symptom("kernels-package");
  const std::string install = context.package("kernels-310b");
  if (!cann::is_there(tbe)) return findings.push_back(problem(fmt::format("{} is not there: atc has no operators (E40001)", context.shown(tbe)), context.package("toolkit") + " && " + install, "operators-path"));
  const bool kernels = cann::is_there(tbe / "kernel/ascend310b"), described = kernels || cann::is_there(tbe / "config/ascend310b");
  const bool apart = context.cann().version != "unknown" && !cann::is_older(context.cann().version, kOperatorsApart);
  if (apart && !described) findings.push_back(problem(fmt::format("those of the 310B are a package of their own since CANN {}, and not in {}", kOperatorsApart, context.shown(tbe)), install, row.id));
  else if (!kernels) findings.push_back(note("no kernels for the 310B: models can be compiled, but single operators (aclnn, torch_npu) do not run (561112)", install, row.id));
  else findings.push_back(ok(fmt::format("those of the 310B in {}", context.shown(opp))));
}

void check_python(const Context& context, std::vector<Finding>& findings) {
  const auto python = find_python(context.machine);
  const Symptom& row = symptom("python-version");
  if (!python) return findings.push_back(problem("there is no python3 on PATH, which atc runs", row.fix, row.id));
  if (python->version.empty()) {  // a launcher, as of pyenv
    std::vector<std::string> modules;
    for (const Package& package : kPackages) modules.push_back(fmt::format("{}", fmt::join(split(package.module, '/'), ".")));
    const std::string program = context.shown(python->program);
    return findings.push_back(note(fmt::format("{} does not show its version and packages in files; this shows whether atc's are there", program), fmt::format("{} -c \"import {}\"", program, fmt::join(modules, ", "))));
  }
  // "3.7" alone does not say which of its releases.
  const bool old = python->version != "3.7" && cann::is_older(python->version, kOldestPython);
  const std::string name = fmt::format("{} {}", context.shown(python->program), python->version);
  if (old) findings.push_back(problem(fmt::format("{}: atc needs {} or newer (E40002)", name, kOldestPython), row.fix, row.id));
  std::vector<std::string> missing;
  for (const Package& package : kPackages) {
    if (!has_module(*python, package.module)) missing.emplace_back(package.name);
  }
  if (!missing.empty()) {
    findings.push_back(problem(fmt::format("{} lacks {}, so that atc fails with EH9999 or E40020", name, listed(missing)), fmt::format("{} -m pip install {}", context.shown(python->program), fmt::join(missing, " ")), "python-packages"));
  }
  if (findings.empty()) findings.push_back(ok(name + " with all packages that atc needs"));
}

void check_memory(const Context& context, std::vector<Finding>& findings) {
  const auto bytes = context.machine.memory_bytes();
  const std::string slow = cann::why_compiling_is_slow(context.machine);
  if (slow.empty()) return findings.push_back(ok(bytes ? readable_bytes(static_cast<double>(*bytes)) : "not told by /proc"));
  findings.push_back(note(slow, cann::kCompileElsewhere, "compiler-memory"));
}

std::string without_local(const std::string& version) { return version.substr(0, version.find('+')); }

// PyTorch's way to the NPU, which Ropeway does not need.
void check_torch_npu(const Context& context, std::vector<Finding>& findings) {
  const auto python = find_python(context.machine);
  const std::string npu = python ? without_local(version_of_package(*python, "torch_npu")) : "", torch = npu.empty() ? "" : without_local(version_of_package(*python, "torch"));
  if (npu.empty()) return;
  const std::string program = context.shown(python->program), base = npu.substr(0, npu.find(".post"));
  if (torch != base) findings.push_back(note(fmt::format("torch_npu {} needs torch {}, but {} is installed", npu, base, torch.empty() ? "none" : torch), fmt::format("{} -m pip install torch=={}", program, base)));
  for (const Pair& pair : kPairs) {
    const std::string& version = context.cann().version;
    if (npu == pair.torch_npu && version != "unknown" && split(version, '.')[0] + split(version + ".", '.')[1] != split(pair.cann, '.')[0] + split(pair.cann, '.')[1]) {
      findings.push_back(note(fmt::format("torch_npu {} is made for CANN {}, not {}", npu, pair.cann, version), fmt::format("{} -m pip install --upgrade torch_npu", program)));
    }
  }
  const bool hccl = std::any_of(context.folders.begin(), context.folders.end(), [](const fs::path& folder) { return cann::is_there(folder / "libhccl.so"); });
  if (!hccl) findings.push_back(note("torch_npu needs libhccl.so, which this CANN does not have (libhccl.so: cannot open shared object file)", context.package("toolkit"), "library"));
  if (findings.empty()) findings.push_back(ok(fmt::format("{} with torch {}", npu, torch)));
}

}  // namespace

const std::vector<Check> kCompilerChecks = {{"atc", check_atc, false}, {"operators", check_operators, true}, {"python", check_python, true}, {"memory", check_memory, true}, {"torch_npu", check_torch_npu, false}};

}  // namespace ropeway::doctor
