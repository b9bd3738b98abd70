#include "cpu/half_weights.h"

#include <algorithm>
#include <vector>

#include "base/text.h"
#include "cpu/kernels/half.h"
#include "ir/deferred.h"

namespace ropeway::cpu {

namespace {

// Of all finite elements, read a piece at a time.
float largest_of(const Tensor& weights, ThreadPool* pool) {
  constexpr size_t kPiece = size_t{256} << 10;
  struct Worker {
    std::vector<float> piece;
    float largest = 0;
  };
  std::vector<Worker> workers(pool == nullptr ? 1 : static_cast<size_t>(pool->threads()));
  const auto reading = begin_reading(weights);
  read_in_parts(*reading, weights.bytes(), pool, [&](size_t offset, size_t bytes, int worker) {
    auto& [piece, largest] = workers[static_cast<size_t>(worker)];
    for (size_t at = 0; at < bytes; at += kPiece) {
      piece.resize(std::min(kPiece, bytes - at) / sizeof(float));
      reading->read(offset + at, std::as_writable_bytes(std::span(piece)));
      largest = std::max(largest, largest_finite(piece.data(), std::ssize(piece)));
    }
  });
  return std::ranges::max(workers, {}, &Worker::largest).largest;
}

}  // namespace

std::string declines_half(const KernelRequest& request, const Tensor& weights) {
  if (!request.half_weights) return "16-bit weights are not asked for";
  constexpr float kLeastNormal = 6.1035e-5f;  // below 2^-14 it has fewer than 11 bits
  const float largest = largest_of(weights, request.pool);
  if (largest > kLargestF16) return fmt::format("a weight of {:g} is beyond what 16 bits hold, {:g}", largest, kLargestF16);
  if (largest > 0 && largest < kLeastNormal) return fmt::format("its largest weight, {:g}, is so small that 16 bits hold few digits of it", largest);
  return "";
}

}  // namespace ropeway::cpu
