#include "virtual_npu/profiling.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
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

constexpr int kPatienceMs = 5000, kLookMs = 20;
constexpr size_t kPiece = PIPE_BUF / sizeof(OperatorRecord) * sizeof(OperatorRecord);  // what a pipe with room takes without waiting

// Blocks SIGPIPE in this thread: a reader that has gone away must not end the program.
class NoBrokenPipe {
 public:
  NoBrokenPipe() {
    sigemptyset(&broken_);
    sigaddset(&broken_, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &broken_, &before_);
  }
  ~NoBrokenPipe() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  NoBrokenPipe(const NoBrokenPipe&) = delete;
  NoBrokenPipe& operator=(const NoBrokenPipe&) = delete;
  void take() const {  // the signal of a failed write
    const timespec at_once{};
    sigtimedwait(&broken_, nullptr, &at_once);
  }

 private:
  sigset_t broken_, before_;
};

// Whether `pipe` has room before `ended` and within our patience.
bool has_room(int pipe, const std::atomic<bool>& ended) {
  for (int waited = 0; waited < kPatienceMs && !ended; waited += kLookMs) {
    pollfd look{pipe, POLLOUT, 0};
    const int ready = poll(&look, 1, kLookMs);
    if (ready > 0) return (look.revents & POLLNVAL) == 0;
    if (ready < 0 && errno != EINTR) return false;
  }
  return false;
}

// What is not read in time, or by nobody, is lost.
void write_all(int pipe, const std::atomic<bool>& ended, const void* data, size_t bytes) {
  const NoBrokenPipe guard;
  const char* at = static_cast<const char*>(data);
  while (bytes > 0 && has_room(pipe, ended)) {
    const ssize_t written = write(pipe, at, std::min(bytes, kPiece));
    if (written < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (written < 0 && errno == EPIPE) guard.take();
    if (written <= 0) return;
    at += written;
    bytes -= static_cast<size_t>(written);
  }
}

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string result = "\"";
  for (const char c : text) result += c == '"' ? std::string("\"\"") : std::string(1, c);
  return result + "\"";
}

uint64_t nanoseconds(double ms) { return static_cast<uint64_t>(std::llround(ms * 1e6)); }

}  // namespace

void Profiling::subscribe(uint32_t model, int pipe) {
  const std::lock_guard lock(mutex_);
  const auto [at, added] = subscribers_.emplace(model, nullptr);
  if (!added) refuse(Rule::subscribed_twice, "model {}", model);
  at->second = std::make_shared<Subscriber>(pipe);
}

void Profiling::unsubscribe(uint32_t model) {
  if (!forget(model)) refuse(Rule::not_subscribed, "model {}", model);
}

bool Profiling::forget(uint32_t model) {
  std::shared_ptr<Subscriber> forgotten;
  {
    const std::lock_guard lock(mutex_);
    const auto at = subscribers_.find(model);
    if (at == subscribers_.end()) return false;
    forgotten = std::move(at->second);
    subscribers_.erase(at);
  }
  forgotten->ended = true;
  const std::lock_guard written(forgotten->writing);  // from here on the caller may close the pipe
  return true;
}

void Profiling::forget_all() {
  std::vector<uint32_t> models;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [model, subscriber] : subscribers_) models.push_back(model);
  }
  for (const uint32_t model : models) forget(model);
}

void Profiling::initialise(const std::filesystem::path& folder) {
  const std::lock_guard lock(mutex_);
  if (initialised_) refuse(Rule::profiling_started_twice);
  std::error_code problem;
  if (!std::filesystem::is_directory(folder, problem)) refuse(Rule::invalid_value, "{} is no folder", folder.string());
  folder_ = folder;
  initialised_ = true;
  begun_ = false;
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
  std::ofstream file(folder_ / "op_summary.csv", begun_ ? std::ios::app : std::ios::trunc);
  if (!begun_) file << "Op Name,OP Type,Task Start Time(us),Task Duration(us)\n";
  if (!file.flush()) refuse(Rule::invalid_value, "{} cannot be written", (folder_ / "op_summary.csv").string());
  begun_ = started_ = true;
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
    file << fmt::format("{},{},{:.3f},{:.3f}\n", csv_field(each.name), csv_field(each.type), 1e3 * begin_ms, 1e3 * each.ms);
    begin_ms += each.ms;
  }
}

void Profiling::executed(uint32_t model, std::span<const OperatorTime> operators, double begin_ms) {
  std::vector<OperatorRecord> records;
  std::shared_ptr<Subscriber> subscriber;
  {
    const std::lock_guard lock(mutex_);
    if (started_) write_summary(operators, begin_ms);
    const auto at = subscribers_.find(model);
    if (at == subscribers_.end()) return;
    subscriber = at->second;
    for (const OperatorTime& each : operators) {
      records.push_back({kMark, model, number_of(each.name), number_of(each.type), 0, nanoseconds(begin_ms), nanoseconds(begin_ms + each.ms)});
      begin_ms += each.ms;
    }
  }
  const std::lock_guard writing(subscriber->writing);
  write_all(subscriber->pipe, subscriber->ended, records.data(), records.size() * sizeof(OperatorRecord));
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
