#include "base/buffer.h"

#include <sys/mman.h>

#include <cstdlib>
#include <cstring>

#include "base/text.h"

namespace ropeway {
namespace {

constexpr size_t kHugePage = size_t{2} << 20;

[[noreturn]] void fail_for(size_t bytes) { fail(ErrorCode::out_of_memory, "no memory for a block of {}", readable_bytes(static_cast<double>(bytes))); }

// Memory of its own from the kernel, which gets it back at once: malloc keeps what is freed, and so a model's weights after they are packed.
std::shared_ptr<std::byte> map_huge(size_t bytes) {
  constexpr size_t kPage = size_t{64} << 10;  // the largest of any kernel
  const size_t rounded = (bytes + kPage - 1) / kPage * kPage;
  void* const mapped = mmap(nullptr, rounded + kHugePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) fail_for(bytes);
  auto* const first = static_cast<std::byte*>(mapped);
  const size_t before = (kHugePage - reinterpret_cast<uintptr_t>(first) % kHugePage) % kHugePage;
  std::byte* const block = first + before;
  if (before > 0) munmap(first, before);
  munmap(block + rounded, kHugePage - before);
  madvise(block, rounded, MADV_HUGEPAGE);
  return {block, [rounded](std::byte* address) { munmap(address, rounded); }};
}

}  // namespace

std::shared_ptr<std::byte> allocate_buffer(size_t bytes) {
  if (bytes > PTRDIFF_MAX - 2 * kHugePage) fail(ErrorCode::out_of_memory, "a block of {} bytes is more than any machine has", bytes);
  if (bytes >= kHugePage) return map_huge(bytes);
  const size_t rounded = (bytes + kBufferAlignment) / kBufferAlignment * kBufferAlignment;
  void* memory = nullptr;
  if (posix_memalign(&memory, kBufferAlignment, rounded) != 0) fail_for(bytes);
  return {static_cast<std::byte*>(memory), [](std::byte* block) { std::free(block); }};
}

std::shared_ptr<std::byte> allocate_zeros(size_t bytes) {
  auto block = allocate_buffer(bytes);
  if (bytes < kHugePage) std::memset(block.get(), 0, bytes);  // the kernel gives zeros
  return block;
}

}  // namespace ropeway
