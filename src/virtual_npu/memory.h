// The memory of the virtual device, and the page-locked memory of its host.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>

#include "virtual_npu/settings.h"

namespace ropeway::virtual_npu {

// Any thread may call. Members throw Fault.
class Memory {
 public:
  Memory(size_t total, Mode mode) : total_(total), mode_(mode) {}

  size_t total() const { return total_; }
  size_t free_bytes() const;

  // `what` is for the message when there is not enough.
  void reserve(size_t bytes, const char* what);
  void release(size_t bytes);

  void* allocate(size_t bytes);
  void* allocate_host(size_t bytes);  // on the board itself, this is device memory too
  void free(const void* memory);
  void free_host(const void* memory);
  void free_all();  // as after a reset of the device; host memory stays

  // What keeps the block that holds all of these bytes; null when none does.
  std::shared_ptr<void> find(const void* memory, size_t bytes) const;
  std::shared_ptr<void> find_host(const void* memory, size_t bytes) const;

 private:
  struct Block {
    std::shared_ptr<std::byte> memory;
    size_t bytes = 0;     // that the caller asked for
    size_t reserved = 0;
  };
  using Blocks = std::map<const std::byte*, Block>;  // by address
  void* add(Blocks& blocks, size_t bytes, bool counts, const char* what);
  void remove(Blocks& blocks, const void* memory, const char* what);
  static std::shared_ptr<void> find_in(const Blocks& blocks, const void* memory, size_t bytes);

  const size_t total_;
  const Mode mode_;
  mutable std::mutex mutex_;
  size_t used_ = 0;
  Blocks device_, host_;
};

}  // namespace ropeway::virtual_npu
