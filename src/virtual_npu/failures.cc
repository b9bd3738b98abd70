#include "virtual_npu/failures.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <set>

#include "base/env.h"
#include "virtual_npu/fault.h"

namespace ropeway::virtual_npu {
namespace {

const std::set<std::string>& function_names() {
  static const std::set<std::string> names = {
#define ROPEWAY_CANN(library, need, result, name, parameters) #name,
#include "cann/abi.def"
#undef ROPEWAY_CANN
  };
  return names;
}

int number(const std::string& word, const std::string& part) {
  int value = 0;
  const auto [end, problem] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (problem != std::errc() || end != word.data() + word.size() || value <= 0) fail(ErrorCode::invalid_argument, "ROPEWAY_VIRTUAL_FAULTS: '{}' in '{}' is no number above 0", word, part);
  return value;
}

}  // namespace

FaultPlan parse_faults(const std::string& text) {
  FaultPlan plan;
  for (const std::string& part : split(text, ',')) {
    const size_t equals = part.find('=');
    if (equals == std::string::npos) fail(ErrorCode::invalid_argument, "ROPEWAY_VIRTUAL_FAULTS: '{}' is none of function:call=code, slow=ms, hang=execution, lost=execution, atc=status", part);
    const std::string key = part.substr(0, equals);
    const int value = number(part.substr(equals + 1), part);
    if (key == "slow") plan.slow_ms = value;
    else if (key == "hang") plan.hang = value;
    else if (key == "lost") plan.lost = value;
    else if (key == "atc") plan.atc_status = value;
    else {
      const size_t colon = key.find(':');
      const std::string function = key.substr(0, colon);
      if (function == "aclGetRecentErrMsg") fail(ErrorCode::invalid_argument, "ROPEWAY_VIRTUAL_FAULTS: aclGetRecentErrMsg, which says what went wrong, does not fail");
      if (function == "aclGetRecentErrMsg") fail(ErrorCode::invalid_argument, "ROPEWAY_VIRTUAL_FAULTS: {} tells of failures, it has none itself", function);
      if (!function_names().contains(function)) fail(ErrorCode::invalid_argument, "ROPEWAY_VIRTUAL_FAULTS: the virtual CANN has no function '{}'", function);
      plan.calls.push_back({function, colon == std::string::npos ? 1 : number(key.substr(colon + 1), part), value});
    }
  }
  return plan;
}

Failures::Failures() {
  if (const auto text = environment("ROPEWAY_VIRTUAL_FAULTS")) plan_ = parse_faults(*text);
  if (const auto file = environment("ROPEWAY_VIRTUAL_LOG")) {
    log_ = open(file->c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0666);
    if (log_ < 0) fail(ErrorCode::io, "ROPEWAY_VIRTUAL_LOG: {} cannot be written: {}", *file, std::strerror(errno));
  }
}

void Failures::begin(const char* function) {
  if (plan_.calls.empty()) return;
  const std::lock_guard lock(mutex_);
  const int nth = ++calls_[function];
  for (const FaultPlan::Call& call : plan_.calls) {
    if (call.nth == nth && call.function == function) throw Fault(call.code, fmt::format("call {} of {} fails because ROPEWAY_VIRTUAL_FAULTS asks for it", nth, function));
  }
}

void Failures::end(const char* function, cann::aclError code, const std::string& text) {
  if (log_ < 0) return;
  std::string line = fmt::format("{} {}{}{}", function, code, text.empty() ? "" : " ", text);
  std::replace(line.begin(), line.end(), '\n', ' ');
  line += '\n';
  // A full disk loses lines of a log, not the caller's work.
  [[maybe_unused]] const ssize_t written = write(log_, line.data(), line.size());
}

int Failures::next_execution() {
  const std::lock_guard lock(mutex_);
  return ++executions_;
}

}  // namespace ropeway::virtual_npu
