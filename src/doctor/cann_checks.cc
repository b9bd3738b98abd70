// CANN itself: versions, the shell's environment, libraries and functions.
#include <algorithm>
#include <set>

#include "base/text.h"
#include "cann/elf.h"
#include "doctor/checks.h"
#include "doctor/symptoms.h"

namespace ropeway::doctor {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> acl_libraries(const Context& context) {
  std::error_code ignored;
  std::vector<fs::path> result;
  for (const char* name : cann::kAclLibraries) {
    if (const fs::path path = context.cann().library.parent_path() / name; fs::is_regular_file(path, ignored)) result.push_back(path);
  }
  return result;
}

void check_versions(const Context& context, std::vector<Finding>& findings) {
  const auto describe = [&](const cann::Installation& each) { return fmt::format("{} at {}{}", each.version, context.shown(each.root), each.atc ? "" : ", the run time alone"); };
  findings.push_back(ok(describe(context.cann())));
  for (size_t i = 1; i < context.installations.size(); ++i) {
    const cann::Installation& other = context.installations[i];
    findings.push_back(note(fmt::format("also {}; the first is used unless ASCEND_HOME_PATH says otherwise", describe(other)), fmt::format("export ASCEND_HOME_PATH={}", context.shown(other.root))));
  }
}

void check_environment(const Context& context, std::vector<Finding>& findings) {
  const cann::Machine& machine = context.machine;
  const std::string root = context.shown(context.cann().root);
  for (const char* name : {"ASCEND_HOME_PATH", "ASCEND_TOOLKIT_HOME"}) {
    const auto value = machine.variable(name);
    if (value && !cann::is_folder(machine.at(*value))) findings.push_back(note(fmt::format("{} is {}, where nothing is", name, *value), fmt::format("export {}={}", name, root)));
  }
  if (const auto opp = machine.variable("ASCEND_OPP_PATH"); opp && !cann::is_folder(machine.at(*opp))) {
    const Symptom& row = symptom("operators-path");
    findings.push_back(problem(fmt::format("ASCEND_OPP_PATH is {}, where nothing is: atc fails with E40001", *opp), fix_of(row, root), row.id));
  }
  std::vector<std::string> stubs, others;
  for (const std::string& entry : machine.variable_list("LD_LIBRARY_PATH")) (cann::is_stub_folder(entry) && cann::is_folder(machine.at(entry)) ? stubs : others).push_back(entry);
  if (!stubs.empty()) {
    findings.push_back(problem(fmt::format("LD_LIBRARY_PATH names libraries for linking, whose every function returns 100039: {}", listed(stubs)), fmt::format("export LD_LIBRARY_PATH={}", fmt::join(others, ":")), "stub"));
  }
  std::error_code ignored;
  const bool is_set = std::any_of(others.begin(), others.end(), [&](const std::string& entry) { return fs::equivalent(machine.at(entry), context.cann().library.parent_path(), ignored); });
  if (!is_set) {
    findings.push_back(note("CANN's script was not run in this shell: Ropeway needs none, but torch_npu and others do (libhccl.so: cannot open shared object file)", "source " + context.script(), "library"));
  }
  if (findings.empty()) findings.push_back(ok("set for this CANN"));
}

void check_libraries(const Context& context, std::vector<Finding>& findings) {
  std::vector<std::string> missing;
  bool driver = false;
  std::set<std::string> known;
  for (const fs::path& library : acl_libraries(context)) {
    try {
      cann::check_whole(library);
      cann::read_elf(library);
    } catch (const Error& error) {
      findings.push_back(problem(error.message(), context.package(context.cann().atc ? "toolkit" : "nnrt")));
      continue;
    }
    for (const cann::MissingLibrary& each : cann::missing_libraries(library, context.folders)) {
      if (!known.insert(each.name).second) continue;
      missing.push_back(fmt::format("{} (needed by {})", each.name, each.needed_by));
      for (const char* prefix : {"libascend_hal", "libdrv", "libdcmi", "libdsmi", "libtsdaemon"}) driver |= each.name.starts_with(prefix);
    }
  }
  if (missing.empty()) {
    if (findings.empty()) findings.push_back(ok(fmt::format("{} and all that it needs", context.cann().library.filename().string())));
    return;
  }
  const std::string fix = driver ? context.driver() : context.package(context.cann().atc ? "toolkit" : "nnrt");
  // Models can be compiled where no driver is.
  const std::string text = fmt::format("missing in all of CANN's, the driver's and the system's folders: {}", listed(missing));
  const bool all_driver = driver && std::all_of(missing.begin(), missing.end(), [](const std::string& each) { return each.starts_with("libascend_hal") || each.starts_with("libdrv") || each.starts_with("libdcmi"); });
  if (all_driver && context.cann().atc && !context.exists("/dev/davinci0")) findings.push_back(note(text + ": the driver is not installed, so that models can be compiled here, but not run", fix, "driver-library"));
  else findings.push_back(problem(text, fix, driver ? "driver-library" : "library"));
}

void check_functions(const Context& context, std::vector<Finding>& findings) {
  std::set<std::string> functions;
  for (const fs::path& library : acl_libraries(context)) {
    try {
      functions.merge(cann::read_elf(library).functions);
    } catch (const Error&) {  // told by the check before
    }
  }
  constexpr bool needed = true, offered = false;
  std::vector<std::string> missing;
  size_t count = 0;
#define ROPEWAY_CANN(file, need, result, name, parameters) \
  count += need;                                           \
  if ((need) && !functions.contains(#name)) missing.emplace_back(#name);
#include "cann/abi.def"
#undef ROPEWAY_CANN
  (void)offered;
  if (missing.empty()) return findings.push_back(ok(fmt::format("all {} that running a model needs", count)));
  findings.push_back(problem(fmt::format("{} of {} that running a model needs are missing, so this CANN is too old (8.1.RC1 has them all) or damaged: {}", missing.size(), count, listed(missing)), context.package(context.cann().atc ? "toolkit" : "nnrt")));
}

}  // namespace

const std::vector<Check> kCannChecks = {{"cann", check_versions, false}, {"environment", check_environment, false}, {"libraries", check_libraries, false}, {"functions", check_functions, false}};

}  // namespace ropeway::doctor
