#include <algorithm>
#include <cctype>
#include <filesystem>
#include <memory>
#include <optional>

#include "base/file.h"
#include "base/process.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/doctor.h"
#include "cli/exit_status.h"
#include "cli/options.h"
#include "selftest/archive.h"
#include "selftest/selftest.h"

namespace ropeway::cli {
namespace {

namespace fs = std::filesystem;

struct SelftestOptions {
  selftest::Options options;
  std::optional<double> budget_minutes;
  std::string output, task, result;
};

// The file through which a child answers.
struct AnswerFile {
  fs::path folder;
  AnswerFile() {
    std::string pattern = (fs::temp_directory_path() / "ropeway-selftest-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) fail(ErrorCode::io, "cannot make a folder in {}: set TMPDIR to one that can be written", fs::temp_directory_path().string());
    folder = pattern;
  }
  ~AnswerFile() {
    std::error_code ignored;
    fs::remove_all(folder, ignored);
  }
  AnswerFile(const AnswerFile&) = delete;
  AnswerFile& operator=(const AnswerFile&) = delete;
  fs::path path() const { return folder / "answer.json"; }
};

// In a process of its own, of this program.
std::string run_in_child(const selftest::Task& task, const SessionOptions& options, double seconds) {
  const AnswerFile answer;
  const ProcessResult result = run_process({fs::read_symlink("/proc/self/exe").string(), "selftest", "--device", options.device, "--task", to_string(task), "--result", answer.path().string(), "--compile-timeout",
                                            fmt::format("{}", options.compile_seconds), "--run-timeout", fmt::format("{}", options.run_seconds)},
                                           fs::current_path(), seconds);
  std::string last = result.output;
  while (!last.empty() && std::isspace(static_cast<unsigned char>(last.back())) != 0) last.pop_back();
  last = last.substr(last.rfind('\n') + 1);
  if (result.timed_out) fail(ErrorCode::device, "no answer within {:g} s: CANN or its driver hangs", seconds);
  if (result.signal != 0) fail(ErrorCode::device, "the process was ended by signal {}: CANN's libraries crash, or memory has run out; it printed last: {}", result.signal, last);
  if (result.status != 0) fail(ErrorCode::device, "the process ended with exit status {}: {}", result.status, last);
  const File file(answer.path());
  std::string text(file.size(), '\0');
  file.read(0, std::as_writable_bytes(std::span(text)));
  return text;
}

// Before hours are spent: a file can be made there.
void check_output(const fs::path& path) {
  check_writable(path);
  if (fs::exists(path) && !fs::is_regular_file(path)) fail(ErrorCode::io, "cannot write {}: something that is no file is there", path.string());
  const fs::path probe = path.string() + ".part";
  write_file(probe, std::string());
  fs::remove(probe);
}

int run(SelftestOptions& chosen) {
  selftest::Options& options = chosen.options;
  options.version = ROPEWAY_VERSION;
  if (chosen.budget_minutes) options.budget_seconds = 60 * *chosen.budget_minutes;
  check_output(chosen.output.empty() ? "ropeway-selftest.tar.gz" : chosen.output);
  const selftest::Outcome outcome = selftest::examine_device(options, {run_in_child, [] { return doctor::examine(patient_here()); }, [](const std::string& line) { fmt::print(stderr, "{}\n", line); }});
  fmt::print("{}", outcome.text);
  const selftest::Archived archived = selftest::write_archive(chosen.output.empty() ? fmt::format("ropeway-selftest-{}.tar.gz", outcome.soc) : chosen.output, outcome.files);
  if (archived.why_folder.empty()) fmt::print("written to {}: please attach it to an issue\n", archived.path.string());
  else fmt::print("written to the folder {}, for no archive could be made ({}): please pack it and attach it to an issue\n", archived.path.string(), archived.why_folder);
  if (!outcome.usable) return kDevice;
  return outcome.as_expected ? kDone : kFindings;
}

}  // namespace

void add_selftest(CLI::App& app, int& status) {
  const auto chosen = std::make_shared<SelftestOptions>();
  CLI::App* const command = app.add_subcommand("selftest", "Compare an NPU with what is predicted of it, in an archive to send");
  selftest::Options& options = chosen->options;
  command->add_option("--device", options.session.device, "npu, or virtual-npu to see what it would be")->required()->check(CLI::IsMember({"npu", "virtual-npu"}))->type_name("NAME");
  command->add_option("-o,--output", chosen->output, "The archive; without: ropeway-selftest-CHIP.tar.gz in this folder")->type_name("FILE.tar.gz");
  command->add_flag("--quick", options.quick, "Leave out the operators: models and times alone, which take three runs of the compiler");
  command->add_option("--operators", options.operators, "Test these operators alone (`ropeway inspect` shows their names)")->delimiter(',')->allow_extra_args(false)->excludes("--quick")->type_name("NAME,...");
  command->add_option("--budget", chosen->budget_minutes, "Minutes after which nothing new is begun")->check(CLI::Range(0.0001, 1e6))->type_name("MIN");
  add_compile_timeout_option(*command, options.session);
  add_run_timeout_option(*command, options.session);
  command->add_option("--task", chosen->task)->group("");
  command->add_option("--result", chosen->result)->group("");
  command->footer("\nWhat it does: doctor, CANN's functions, every case of every operator, the outputs and times of the built-in models, copies.\n"
                  "The archive holds no names of users and hosts, no home folders, no serial numbers.\n\n"
                  "Examples:\n"
                  "  ropeway selftest --device npu\n"
                  "  ropeway selftest --device npu --quick -o report.tar.gz\n\n"
                  "Exit status: 0 all as expected, 1 something is not, 5 wrong arguments, 6 writing failed,\n"
                  "7 the device cannot be used (the archive is written all the same).");
  command->callback([chosen, &status] {
    if (chosen->task.empty()) status = run(*chosen);
    else write_file(chosen->result, selftest::run_task(selftest::task_of(chosen->task), chosen->options.session));
  });
}

}  // namespace ropeway::cli
