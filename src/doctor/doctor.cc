#include "doctor/doctor.h"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include "base/text.h"
#include "doctor/checks.h"

namespace ropeway::doctor {
namespace {

namespace fs = std::filesystem;

void run(const Check& check, const Context& context, Report& report) {
  std::vector<Finding> findings;
  try {
    check.examine(context, findings);
  } catch (const std::exception& error) {  // a file that cannot be read, most likely
    findings.push_back(problem(fmt::format("cannot be examined: {}", error.what()), "sudo ropeway doctor"));
  }
  for (Finding& finding : findings) {
    finding.check = check.name;
    report.findings.push_back(std::move(finding));
  }
}

void tell_virtual(const Patient& patient, Report& report) {
  if (patient.virtual_installation) report.findings.push_back({"virtual-npu", Status::ok, fmt::format("{}: needs no CANN and no NPU, and predicts", patient.virtual_installation->root.string())});
}

Finding no_cann(const Context& context, size_t places) {
  const bool is_board = std::string_view(context.machine.architecture()) == "aarch64";
  const std::string what = is_board ? "To run compiled models, a board needs nnrt" : "A PC that compiles models needs the toolkit and its operators for the 310B; a board that runs them, nnrt";
  const std::string fix = is_board ? context.package("nnrt") : context.package("toolkit") + " && " + context.package("kernels-310b");
  return {"cann", Status::problem, fmt::format("there is no CANN in any of the {} places where it is installed or noted. {}. Without any, --device virtual-npu works", places, what), fix, "library"};
}

}  // namespace

bool Context::exists(const std::string& path) const {
  std::error_code ignored;
  return fs::exists(machine.at(path), ignored);
}

std::string Context::script() const {
  std::error_code ignored;
  const fs::path& root = cann().root;
  for (const fs::path& path : {root / "set_env.sh", root.parent_path() / "set_env.sh", root / "bin/setenv.bash"}) {
    if (fs::exists(path, ignored)) return shown(path);
  }
  return shown(root / "set_env.sh");
}

std::string Context::package(const char* name) const { return fmt::format("sudo ./Ascend-cann-{}_VERSION_linux-{}.run --install", name, machine.architecture()); }

std::string Context::driver() const { return fmt::format("sudo ./Ascend-hdk-310b-npu-driver_VERSION_linux-{}.run --full", machine.architecture()); }

User this_user() {
  User user{"", geteuid(), {getegid()}};
  if (const passwd* const entry = getpwuid(user.id)) user.name = entry->pw_name;
  std::vector<gid_t> groups(static_cast<size_t>(std::max(0, getgroups(0, nullptr))));
  if (getgroups(static_cast<int>(groups.size()), groups.data()) > 0) user.groups.insert(groups.begin(), groups.end());
  return user;
}

Report examine(const Patient& patient) {
  Report report{patient.machine.root.string(), {}};
  Context context{patient, patient.machine, {}, {}};
  try {
    context.installations = cann::find_all_installations(patient.machine);
    if (context.installations.empty()) report.findings.push_back(no_cann(context, cann::find_installation(patient.machine).looked.size()));
  } catch (const Error& error) {
    report.findings.push_back({"cann", Status::problem, fmt::format("CANN cannot be read: {}", error.what()), "sudo ropeway doctor", ""});
  }
  if (!context.installations.empty()) {
    context.folders = cann::library_folders(context.cann().library, patient.machine);
    for (const std::string& entry : patient.machine.variable_list("LD_LIBRARY_PATH")) {
      if (!cann::is_stub_folder(entry)) context.folders.push_back(patient.machine.at(entry));
    }
    for (const fs::path& folder : patient.machine.system_folders()) context.folders.push_back(folder);
    for (const auto* checks : {&kCannChecks, &kBoardChecks, &kCompilerChecks, &kHistoryChecks}) {
      for (const Check& check : *checks) {
        if (!check.needs_atc || context.cann().atc) run(check, context, report);
      }
    }
  }
  tell_virtual(patient, report);
  return report;
}

}  // namespace ropeway::doctor
