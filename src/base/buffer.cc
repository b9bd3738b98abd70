#include "base/buffer.h"

#include <sys/mman.h>

#include <cstdlib>

#include "base/text.h"

namespace ropeway {

std::shared_ptr<std::byte> allocate_buffer(size_t bytes) {
  constexpr size_t kHugePage = size_t{2} << 20;
  const bool huge = bytes >= kHugePage;
  const size_t alignment = huge ? kHugePage : kBufferAlignment;
  if (bytes > PTRDIFF_MAX - alignment) fail(ErrorCode::out_of_memory, "a block of {} bytes is more than any machine has", bytes);
  const size_t rounded = (bytes + kBufferAlignment) / kBufferAlignment * kBufferAlignment;
  void* memory = nullptr;
  if (posix_memalign(&memory, alignment, rounded) != 0) fail(ErrorCode::out_of_memory, "no memory for a block of {}", readable_bytes(static_cast<double>(bytes)));
  if (huge) madvise(memory, rounded, MADV_HUGEPAGE);
  return {static_cast<std::byte*>(memory), [](std::byte* block) { std::free(block); }};
}

}  // namespace ropeway
