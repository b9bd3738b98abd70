#include "cli/doctor.h"

#include <cctype>
#include <memory>
#include <optional>

#include "base/file.h"
#include "base/process.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/options.h"
#include "doctor/symptoms.h"
#include "engine/devices.h"

namespace ropeway::cli {
namespace {

constexpr double kProbeSeconds = 60;  // the first use of a device may take several

struct DoctorOptions {
  std::string root, json;
  std::vector<std::string> text;
  bool probe = false;
};

// Uses the NPU, and says what it is: run in a child, for broken libraries may crash.
void probe_here() {
  const DeviceInfo info = make_backend({.device = "npu"}, "")->info();
  fmt::print("{}", info.title);
  for (const auto& [key, value] : info.details) fmt::print(", {}: {}", key, value);
}

doctor::Probe probe() {
  std::error_code problem;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", problem);
  if (problem) return {false, "cannot be tried, because /proc cannot be read"};
  const ProcessResult result = run_process({program.string(), "doctor", "--probe"}, "/", kProbeSeconds);
  if (result.timed_out) return {false, fmt::format("gives no answer within {:g} s: its driver may hang", kProbeSeconds)};
  if (result.signal != 0) return {false, fmt::format("CANN's libraries crash (signal {}) when the device is opened", result.signal)};
  std::string text = result.output;
  if (const std::string before = "ropeway: "; text.starts_with(before)) text.erase(0, before.size());
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) text.pop_back();
  return {result.status == 0, text};
}

// Another machine's variables are not known; of its homes the one that there is.
cann::Machine machine_at(const std::string& root) {
  std::error_code ignored;
  if (!std::filesystem::is_directory(root, ignored)) fail(ErrorCode::not_found, "there is no folder {}", root);
  if (std::filesystem::equivalent(root, "/", ignored)) return {};
  cann::Machine machine{std::filesystem::absolute(root), {{"HOME", "/root"}}};
  std::vector<std::filesystem::path> homes;
  for (const auto& entry : std::filesystem::directory_iterator(machine.root / "home", ignored)) homes.push_back(entry.path().filename());
  if (homes.size() == 1) machine.variables["HOME"] = (std::filesystem::path("/home") / homes[0]).string();
  return machine;
}

void print_report(const doctor::Report& report) {
  size_t problems = 0, notes = 0;
  for (const doctor::Finding& each : report.findings) {
    problems += each.status == doctor::Status::problem;
    notes += each.status == doctor::Status::note;
    fmt::print("{:<8} {:<12} {}\n", to_string(each.status), each.check, each.text);
    if (!each.fix.empty()) fmt::print("{:<21} fix: {}\n", "", each.fix);
  }
  fmt::print("\n{} problem{}, {} note{}\n", problems, problems == 1 ? "" : "s", notes, notes == 1 ? "" : "s");
}

int examine(const DoctorOptions& options) {
  doctor::Patient patient{options.root.empty() ? cann::Machine{} : machine_at(options.root), doctor::this_user()};
  patient.virtual_installation = cann::find_virtual_installation().found;
  if (patient.machine.is_this()) patient.probe = probe;
  if (!options.text.empty()) {
    const auto found = cann::find_installation(patient.machine).found;
    const std::string text = fmt::format("{}", fmt::join(options.text, " ")), answer = doctor::explain(text, found ? patient.machine.shown(found->root) : "/usr/local/Ascend/ascend-toolkit/latest");
    if (answer.empty()) fail(ErrorCode::invalid_argument, "'{}' shows no code and no symptom that is known; `ropeway doctor` examines this machine", text);
    fmt::print("{}", answer);
    return kDone;
  }
  if (!options.json.empty()) check_writable(options.json);
  const doctor::Report report = doctor::examine(patient);
  print_report(report);
  if (!options.json.empty()) write_file(options.json, doctor::to_json(report));
  return report.healthy() ? kDone : kFindings;
}

}  // namespace

doctor::Patient patient_here() { return {{}, doctor::this_user(), cann::find_virtual_installation().found, probe}; }

void add_doctor(CLI::App& app, int& status) {
  const auto options = std::make_shared<DoctorOptions>();
  CLI::App* const command = app.add_subcommand("doctor", "Examine this machine's CANN, driver and NPU, or explain an error of theirs");
  command->add_option("CODE_OR_TEXT", options->text, "An error code, or what was printed: says the cause and the fix")->type_name("");
  command->add_option("--root", options->root, "Examine the machine whose files are in this folder; nothing of it is run")->type_name("DIR");
  CLI::Option* const explained = command->get_option("CODE_OR_TEXT");
  command->add_option("--json", options->json, "Write the findings to this file, too")->excludes(explained)->type_name("FILE");
  command->add_flag("--probe", options->probe)->group("");
  command->footer("\nExamples:\n"
                  "  ropeway doctor\n"
                  "  ropeway doctor 507009\n"
                  "  ropeway doctor \"libhccl.so: cannot open shared object file\"\n\n"
                  "Exit status: 0 nothing is wrong (notes do not count), 1 something is, 5 wrong arguments, 6 reading or writing failed.");
  command->callback([options, &status] {
    if (options->probe) probe_here();
    else status = examine(*options);
  });
}

}  // namespace ropeway::cli
