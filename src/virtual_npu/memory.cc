#include "virtual_npu/memory.h"

#include "base/buffer.h"
#include "virtual_npu/fault.h"

namespace ropeway::virtual_npu {
namespace {

// CANN's documents: blocks are made larger to a multiple of 32 bytes, and 32 more.
size_t with_margin(size_t bytes) { return (bytes + 31) / 32 * 32 + 32; }

}  // namespace

size_t Memory::free_bytes() const {
  const std::lock_guard lock(mutex_);
  return total_ - used_;
}

void Memory::reserve(size_t bytes, const char* what) {
  const std::lock_guard lock(mutex_);
  if (bytes > total_ - used_) {
    refuse(Rule::no_memory, "{} needs {}, but of the {} of device memory {} are free", what, readable_bytes(static_cast<double>(bytes)), readable_bytes(static_cast<double>(total_)),
           readable_bytes(static_cast<double>(total_ - used_)));
  }
  used_ += bytes;
}

void Memory::release(size_t bytes) {
  const std::lock_guard lock(mutex_);
  used_ -= bytes;
}

void* Memory::allocate(size_t bytes) { return add(device_, bytes, true, "aclrtMalloc"); }
void* Memory::allocate_host(size_t bytes) { return add(host_, bytes, mode_ == Mode::board, "aclrtMallocHost"); }
void Memory::free(const void* memory) { remove(device_, memory, "aclrtFree"); }
void Memory::free_host(const void* memory) { remove(host_, memory, "aclrtFreeHost"); }

void* Memory::add(Blocks& blocks, size_t bytes, bool counts, const char* what) {
  if (bytes == 0) refuse(Rule::invalid_value, "{} of 0 bytes", what);
  Block block{nullptr, bytes, !counts ? 0 : bytes <= total_ ? with_margin(bytes) : bytes};
  reserve(block.reserved, what);
  try {
    block.memory = allocate_buffer(bytes);
  } catch (const Error& error) {
    release(block.reserved);
    refuse(Rule::no_memory, "{}: the memory behind the virtual device is exhausted: {}", what, error.message());
  }
  const std::lock_guard lock(mutex_);
  std::byte* const address = block.memory.get();
  blocks[address] = std::move(block);
  return address;
}

void Memory::remove(Blocks& blocks, const void* memory, const char* what) {
  std::shared_ptr<std::byte> freed;  // outside of the lock
  const std::lock_guard lock(mutex_);
  const auto at = blocks.find(static_cast<const std::byte*>(memory));
  if (at == blocks.end()) refuse(Rule::foreign_memory, what);
  freed = std::move(at->second.memory);
  used_ -= at->second.reserved;
  blocks.erase(at);
}

void Memory::free_all() {
  const std::lock_guard lock(mutex_);
  for (const auto& [address, block] : device_) used_ -= block.reserved;
  device_.clear();
}

std::shared_ptr<void> Memory::find(const void* memory, size_t bytes) const {
  const std::lock_guard lock(mutex_);
  auto found = find_in(device_, memory, bytes);
  return found == nullptr && mode_ == Mode::board ? find_in(host_, memory, bytes) : found;
}

std::shared_ptr<void> Memory::find_host(const void* memory, size_t bytes) const {
  const std::lock_guard lock(mutex_);
  return find_in(host_, memory, bytes);
}

std::shared_ptr<void> Memory::find_in(const Blocks& blocks, const void* memory, size_t bytes) {
  const auto* const address = static_cast<const std::byte*>(memory);
  auto at = blocks.upper_bound(address);
  if (at == blocks.begin()) return nullptr;
  --at;
  const auto offset = static_cast<size_t>(address - at->first);
  return offset <= at->second.bytes && bytes <= at->second.bytes - offset ? at->second.memory : nullptr;
}

}  // namespace ropeway::virtual_npu
