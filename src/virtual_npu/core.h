// The chip's one AI core: models run on it one after another, in the order in which the program asked for them.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <set>

namespace ropeway::virtual_npu {

// The order is that of calls, not of which thread of this machine is faster, so that times of two runs are the same. Any thread may call.
class Core {
 public:
  // A place in the order, from its making; those behind it go on when it is destroyed.
  class Turn {
   public:
    explicit Turn(Core& core);
    ~Turn();
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    void wait();  // until all turns made before it are gone

   private:
    Core& core_;
    uint64_t number_;
  };

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::set<uint64_t> turns_;
  uint64_t next_ = 0;
};

}  // namespace ropeway::virtual_npu
