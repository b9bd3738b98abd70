// What happened: CANN's logs, and using the NPU now.
#include <algorithm>

#include "base/file.h"
#include "base/text.h"
#include "doctor/checks.h"
#include "doctor/symptoms.h"

namespace ropeway::doctor {
namespace {

namespace fs = std::filesystem;

constexpr size_t kLogs = 4, kLogFiles = 10'000, kFindings = 4;
constexpr uint64_t kLogBytes = 256 << 10;

// The newest logs: of a card's host below the home folder, of a board in /var.
std::vector<fs::path> newest_logs(const Context& context) {
  std::vector<std::pair<fs::file_time_type, fs::path>> files;
  std::vector<fs::path> folders = {context.machine.at("/var/log/npu/slog")};
  if (const auto home = context.machine.variable("HOME")) folders.push_back(context.machine.at(*home) / "ascend/log");
  for (const fs::path& folder : folders) {
    std::error_code ignored;
    for (auto each = fs::recursive_directory_iterator(folder, fs::directory_options::skip_permission_denied, ignored); each != fs::recursive_directory_iterator() && files.size() < kLogFiles; each.increment(ignored)) {
      if (each->is_regular_file(ignored) && each->path().extension() == ".log") files.emplace_back(each->last_write_time(ignored), each->path());
    }
  }
  std::sort(files.rbegin(), files.rend());
  std::vector<fs::path> result;
  for (size_t i = 0; i < std::min(kLogs, files.size()); ++i) result.push_back(files[i].second);
  return result;
}

// The end of a log, its lines of errors alone.
std::string errors_in(const fs::path& path) {
  const File file(path);
  const uint64_t begin = file.size() > kLogBytes ? file.size() - kLogBytes : 0;
  const auto content = file.read(begin, file.size() - begin);
  std::string errors;
  for (const std::string& line : split({reinterpret_cast<const char*>(content.get()), file.size() - begin}, '\n')) {
    if (line.find("ERROR") != std::string::npos || line.find("rror") != std::string::npos || line.find("Failed") != std::string::npos) errors += line + "\n";
  }
  return errors;
}

void check_log(const Context& context, std::vector<Finding>& findings) {
  const std::vector<fs::path> logs = newest_logs(context);
  std::vector<const Symptom*> known;
  for (const fs::path& log : logs) {
    for (const Symptom* const row : symptoms_in(errors_in(log))) {
      if (std::find(known.begin(), known.end(), row) != known.end() || findings.size() == kFindings) continue;
      known.push_back(row);
      findings.push_back(note(fmt::format("{} tells of {}: {}", context.shown(log), row->id, row->cause), fix_of(*row, context.shown(context.cann().root)), row->id));
    }
  }
  if (findings.empty() && !logs.empty()) findings.push_back(ok(fmt::format("nothing known to be wrong in the newest of CANN's, {}", context.shown(logs[0]))));
}

void check_use(const Context& context, std::vector<Finding>& findings) {
  if (!context.patient.probe) return;
  const Probe probe = context.patient.probe();
  if (probe.works) return findings.push_back(ok(probe.text));
  // Where no NPU is, it cannot be used: what is wrong with that is said elsewhere.
  const bool none = context.cann().atc && !context.exists("/dev/davinci0") && !context.exists("/dev/davinci_manager");
  const std::vector<const Symptom*> rows = symptoms_in(probe.text);
  const std::string fix = rows.empty() ? "ropeway devices" : fix_of(*rows[0], context.shown(context.cann().root)), id = rows.empty() ? "" : rows[0]->id;
  findings.push_back(none ? note(probe.text, fix, id) : problem(probe.text, fix, id));
}

}  // namespace

const std::vector<Check> kHistoryChecks = {{"log", check_log, false}, {"use", check_use, false}};

}  // namespace ropeway::doctor
