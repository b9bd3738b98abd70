#include "ascend/profiler.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/text.h"
#include "cann/errors.h"

namespace ropeway::ascend {

bool Subscription::is_available(const cann::Functions& f) {
  return f.aclprofCreateSubscribeConfig != nullptr && f.aclprofDestroySubscribeConfig != nullptr && f.aclprofModelSubscribe != nullptr && f.aclprofModelUnSubscribe != nullptr && f.aclprofGetOpNum != nullptr &&
         f.aclprofGetOpNameLen != nullptr && f.aclprofGetOpName != nullptr && f.aclprofGetOpTypeLen != nullptr && f.aclprofGetOpType != nullptr && f.aclprofGetOpDuration != nullptr;
}

template <class Action>
auto Subscription::as_profiler(Action action) const {
  try {
    return action();
  } catch (const Error& error) {
    if (device_->is_given_up()) throw;
    throw ProfilerError(error.code(), error.message());
  }
}

Subscription::Subscription(std::shared_ptr<const Device> device, uint32_t model, std::string what) : device_(std::move(device)), model_(model), what_(std::move(what)) {
  as_profiler([&] { begin(); });
}

void Subscription::begin() {
  const cann::Functions& f = device_->functions();
  if (pipe2(pipe_, O_CLOEXEC) != 0) fail(ErrorCode::io, "cannot make a pipe for the profiler: {}", std::strerror(errno));
  reader_ = std::thread([this] { read_all(); });
  try {
    config_.reset(f.aclprofCreateSubscribeConfig(1, cann::ACL_AICORE_NONE, &pipe_[1]), [device = device_](cann::aclprofSubscribeConfig* each) {
      if (each != nullptr && !device->is_given_up()) device->functions().aclprofDestroySubscribeConfig(each);
    });
    device_->check_value(config_ != nullptr, "aclprofCreateSubscribeConfig", "asking for the times of " + what_);
    device_->check(f.aclprofModelSubscribe(model_, config_.get()), "aclprofModelSubscribe", "asking for the times of " + what_);
    subscribed_ = true;
  } catch (...) {
    end();
    throw;
  }
}

Subscription::~Subscription() { end(); }

// What was subscribed to and did not end may still write to this number later, into whatever file has it then: so it stays taken, and what is written goes nowhere.
void Subscription::close_writer(bool has_ended) {
  const int nothing = has_ended ? -1 : open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (nothing < 0 || dup3(nothing, pipe_[1], O_CLOEXEC) < 0) close(pipe_[1]);
  if (nothing >= 0) close(nothing);
}

// The reader ends when the last writer closes the pipe, which is us.
cann::aclError Subscription::end() {
  cann::aclError code = cann::ACL_SUCCESS;
  if (subscribed_ && !device_->is_given_up()) code = device_->functions().aclprofModelUnSubscribe(model_);
  if (pipe_[1] >= 0) close_writer(!subscribed_ || (!device_->is_given_up() && code == cann::ACL_SUCCESS));
  subscribed_ = false;
  if (reader_.joinable()) reader_.join();
  if (pipe_[0] >= 0) close(pipe_[0]);
  pipe_[0] = pipe_[1] = -1;
  return code;
}

void Subscription::read_all() {
  char buffer[4096];
  for (;;) {
    const ssize_t got = read(pipe_[0], buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return;
    data_.append(buffer, static_cast<size_t>(got));
  }
}

std::vector<OperatorTime> Subscription::finish() {
  return as_profiler([&] {
    device_->check(end(), "aclprofModelUnSubscribe", "asking for the times of " + what_);
    return parse();
  });
}

std::vector<OperatorTime> Subscription::parse() const {
  const cann::Functions& f = device_->functions();
  const std::string doing = "reading the times of " + what_;
  uint32_t count = 0;
  if (!data_.empty()) device_->check(f.aclprofGetOpNum(data_.data(), data_.size(), &count), "aclprofGetOpNum", doing);
  std::vector<OperatorTime> result;
  for (uint32_t i = 0; i < count; ++i) {
    const auto text = [&](auto length_of, const char* length_call, auto text_of, const char* text_call) {
      size_t length = 0;
      device_->check(length_of(data_.data(), data_.size(), i, &length), length_call, doing);
      std::string characters(length + 1, '\0');
      device_->check(text_of(data_.data(), data_.size(), i, characters.data(), length + 1), text_call, doing);
      return std::string(characters.c_str());
    };
    OperatorTime each;
    each.name = text(f.aclprofGetOpNameLen, "aclprofGetOpNameLen", f.aclprofGetOpName, "aclprofGetOpName");
    each.type = text(f.aclprofGetOpTypeLen, "aclprofGetOpTypeLen", f.aclprofGetOpType, "aclprofGetOpType");
    device_->recent_text();  // an older one is not about this
    const uint64_t nanoseconds = f.aclprofGetOpDuration(data_.data(), data_.size(), i);
    // An operator may take no time; whether it did or the call has failed, CANN's text alone tells.
    if (const std::string recent = nanoseconds == 0 ? device_->recent_text() : ""; !recent.empty()) fail(ErrorCode::device, "aclprofGetOpDuration gives nothing while {}: {}", doing, recent);
    each.ms = 1e-6 * static_cast<double>(nanoseconds);
    result.push_back(std::move(each));
  }
  return result;
}

}  // namespace ropeway::ascend
