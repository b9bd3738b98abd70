#include "virtual_npu/profiling.h"

#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstring>
#include <ctime>
#include <fstream>
#include <vector>

#include "virtual_npu/fault.h"

namespace ropeway::virtual_npu {
namespace {

constexpr uint64_t kMark = 0x3031335f70705f72;

// A reader that has gone away must not end the program by SIGPIPE: what it does not read is lost.
void write_all(int pipe, const void* data, size_t bytes) {
  sigset_t broken, before;
  sigemptyset(&broken);
  sigaddset(&broken, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &broken, &before);
  const char* at = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t written = write(pipe, at, bytes);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && errno == EPIPE) {
      const timespec at_once{};
      sigtimedwait(&broken, nullptr, &at_once);
    }
    if (written <= 0) break;
    at += written;
    bytes -= static_cast<size_t>(written);
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

uint64_t nanoseconds(double ms) { return static_cast<uint64_t>(std::llround(ms * 1e6)); }

}  // namespace

void Profiling::subscribe(uint32_t model, int pipe) {
  const std::lock_guard lock(mutex_);
  if (!pipes_.emplace(model, pipe).second) refuse(Rule::subscribed_twice, "model {}", model);
}

void Profiling::unsubscribe(uint32_t model) {
  const std::lock_guard lock(mutex_);
  if (pipes_.erase(model) == 0) refuse(Rule::not_subscribed, "model {}", model);
}

void Profiling::forget(uint32_t model) {
  const std::lock_guard lock(mutex_);
  pipes_.erase(model);
}

void Profiling::initialise(const std::filesystem::path& folder) {
  const std::lock_guard lock(mutex_);
  if (initialised_) refuse(Rule::profiling_started_twice);
  std::error_code problem;
  if (!std::filesystem::is_directory(folder, problem)) refuse(Rule::invalid_value, "{} is no folder", folder.string());
  folder_ = folder;
  initialised_ = true;
}

void Profiling::finalise() {
  const std::lock_guard lock(mutex_);
  if (!initialised_) refuse(Rule::profiling_not_started);
  initialised_ = started_ = false;
}

void Profiling::start() {
  const std::lock_guard lock(mutex_);
  if (!initialised_) refuse(Rule::profiling_not_started, "aclprofInit comes before aclprofStart");
  if (started_) refuse(Rule::profiling_started_twice);
  std::ofstream file(folder_ / "op_summary.csv");
  file << "Op Name,OP Type,Task Start Time(us),Task Duration(us)\n";
  if (!file.flush()) refuse(Rule::invalid_value, "{} cannot be written", (folder_ / "op_summary.csv").string());
  started_ = true;
}

void Profiling::stop() {
  const std::lock_guard lock(mutex_);
  if (!started_) refuse(Rule::profiling_not_started);
  started_ = false;
}

uint32_t Profiling::number_of(const std::string& text) {
  const auto [at, added] = numbers_.emplace(text, static_cast<uint32_t>(texts_.size()));
  if (added) texts_.push_back(text);
  return at->second;
}

void Profiling::write_summary(std::span<const OperatorTime> operators, double begin_ms) {
  std::ofstream file(folder_ / "op_summary.csv", std::ios::app);
  for (const OperatorTime& each : operators) {
    file << fmt::format("{},{},{:.3f},{:.3f}\n", each.name, each.type, 1e3 * begin_ms, 1e3 * each.ms);
    begin_ms += each.ms;
  }
}

void Profiling::executed(uint32_t model, std::span<const OperatorTime> operators, double begin_ms) {
  std::vector<OperatorRecord> records;
  int pipe = -1;
  {
    const std::lock_guard lock(mutex_);
    if (started_) write_summary(operators, begin_ms);
    const auto at = pipes_.find(model);
    if (at == pipes_.end()) return;
    pipe = at->second;
    for (const OperatorTime& each : operators) {
      records.push_back({kMark, model, number_of(each.name), number_of(each.type), 0, nanoseconds(begin_ms), nanoseconds(begin_ms + each.ms)});
      begin_ms += each.ms;
    }
  }
  write_all(pipe, records.data(), records.size() * sizeof(OperatorRecord));
}

size_t Profiling::record_count(const void* data, size_t bytes) const {
  if (data == nullptr) refuse(Rule::null_pointer, "the operator data");
  if (bytes % sizeof(OperatorRecord) != 0) refuse(Rule::invalid_value, "{} bytes are no whole number of operators, {} bytes each", bytes, sizeof(OperatorRecord));
  return bytes / sizeof(OperatorRecord);
}

OperatorRecord Profiling::record(const void* data, size_t bytes, uint32_t index) const {
  if (index >= record_count(data, bytes)) refuse(Rule::invalid_value, "there is no operator {} in {} bytes of them", index, bytes);
  OperatorRecord found;  // callers need not have aligned them
  std::memcpy(&found, static_cast<const std::byte*>(data) + index * sizeof found, sizeof found);
  if (found.mark != kMark) refuse(Rule::invalid_value, "the operator data is none that a subscription gave");
  return found;
}

const std::string& Profiling::text(uint32_t number) const {
  const std::lock_guard lock(mutex_);
  if (number >= texts_.size()) refuse(Rule::invalid_value, "the operator data is damaged");
  return texts_[number];
}

}  // namespace ropeway::virtual_npu
