#include "virtual_npu/core.h"

namespace ropeway::virtual_npu {

Core::Turn::Turn(Core& core) : core_(core) {
  const std::lock_guard lock(core_.mutex_);
  number_ = core_.next_++;
  core_.turns_.insert(number_);
}

Core::Turn::~Turn() {
  {
    const std::lock_guard lock(core_.mutex_);
    core_.turns_.erase(number_);
  }
  core_.changed_.notify_all();
}

void Core::Turn::wait() {
  std::unique_lock lock(core_.mutex_);
  core_.changed_.wait(lock, [&] { return *core_.turns_.begin() == number_; });
}

}  // namespace ropeway::virtual_npu
