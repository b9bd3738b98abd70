#include "cpu/arena.h"

#include <algorithm>
#include <numeric>

#include "base/buffer.h"

namespace ropeway::cpu {

size_t plan_arena(std::span<Lifetime> buffers) {
  std::vector<size_t> order(buffers.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return buffers[a].bytes > buffers[b].bytes; });

  size_t total = 0;
  std::vector<const Lifetime*> placed;  // by offset
  for (const size_t index : order) {
    Lifetime& buffer = buffers[index];
    const size_t bytes = (buffer.bytes + kBufferAlignment - 1) / kBufferAlignment * kBufferAlignment;
    size_t offset = 0;
    for (const Lifetime* other : placed) {
      if (other->last < buffer.first || buffer.last < other->first) continue;
      if (offset + bytes <= other->offset) break;
      const size_t end = other->offset + (other->bytes + kBufferAlignment - 1) / kBufferAlignment * kBufferAlignment;
      offset = std::max(offset, end);
    }
    buffer.offset = offset;
    total = std::max(total, offset + bytes);
    placed.insert(std::upper_bound(placed.begin(), placed.end(), &buffer, [](const Lifetime* a, const Lifetime* b) { return a->offset < b->offset; }), &buffer);
  }
  return total;
}

}  // namespace ropeway::cpu
