#include "selftest/work.h"

#include <algorithm>
#include <limits>

#include "base/text.h"

namespace ropeway::selftest {
namespace {

constexpr double kStartSeconds = 120;  // CANN's libraries, on a slow disk
constexpr double kRunsOfTask = 4;      // that may take run_seconds before the process is taken to hang

}  // namespace

double Work::remaining_seconds() const {
  if (!options_.budget_seconds) return std::numeric_limits<double>::infinity();
  return *options_.budget_seconds - std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
}

std::string Work::why_not() const {
  if (!given_up_.empty()) return given_up_;
  return is_budget_spent() ? fmt::format("the budget of {:g} min was spent", *options_.budget_seconds / 60) : "";
}

Json Work::run(const Task& task) {
  SessionOptions session = options_.session;
  session.compile_seconds = std::max(1.0, std::min(session.compile_seconds, remaining_seconds()));
  std::string why;
  try {
    const Json answer = Json::parse(surroundings_.run(task, session, session.compile_seconds + kRunsOfTask * session.run_seconds + kStartSeconds));
    if (answer.is_object()) return answer;
    why = "it gave no answer";
  } catch (const Json::exception& error) {
    why = fmt::format("it gave no answer ({})", error.what());
  } catch (const std::exception& error) {
    why = error.what();
  }
  return {{"failed", {{"stage", "process"}, {"code", name(ErrorCode::device)}, {"message", why}, {"output", ""}}}};
}

void Work::check_device() {
  if (const Json answer = run({Task::Kind::device}); answer.contains("failed")) give_up("the device cannot be used any more: " + answer["failed"]["message"].get<std::string>());
}

void Work::keep_output(const std::string& name, const Json& failed) {
  const std::string output = failed["output"].get<std::string>();
  outputs["failures/" + name + ".txt"] = failed["message"].get<std::string>() + "\n" + (output.empty() ? "" : "\nThe end of what atc printed:\n\n" + output);
}

std::string counted(size_t number, const char* what) { return fmt::format("{} {}{}", number, what, number == 1 ? "" : "s"); }

}  // namespace ropeway::selftest
