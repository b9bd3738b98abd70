#include "cpu/half_weights.h"

#include <algorithm>
#include <vector>

#include "base/text.h"
#include "cpu/kernels/half.h"

namespace ropeway::cpu {

std::string declines_half(const KernelRequest& request, const Tensor& weights) {
  if (!request.half_weights) return "16-bit weights are not asked for";
  constexpr float kMost = 65504;              // of a 16-bit float
  constexpr float kLeastNormal = 6.1035e-5f;  // below 2^-14 it has fewer than 11 bits
  const auto all = weights.data<float>();
  constexpr int64_t kChunk = 1 << 16;
  const int64_t chunks = (weights.count() + kChunk - 1) / kChunk;
  std::vector<float> each(static_cast<size_t>(chunks), 0.0f);
  const auto look = [&](int64_t i, int) { each[static_cast<size_t>(i)] = largest_finite(all.data() + i * kChunk, std::min(kChunk, weights.count() - i * kChunk)); };
  if (request.pool != nullptr) request.pool->run(chunks, look);
  else for (int64_t i = 0; i < chunks; ++i) look(i, 0);
  const float largest = each.empty() ? 0 : *std::max_element(each.begin(), each.end());
  if (largest > kMost) return fmt::format("a weight of {:g} is beyond what 16 bits hold, {:g}", largest, kMost);
  if (largest > 0 && largest < kLeastNormal) return fmt::format("its largest weight, {:g}, is so small that 16 bits hold few digits of it", largest);
  return "";
}

}  // namespace ropeway::cpu
