#include "engine/masks.h"

#include "base/random.h"
#include "base/text.h"
#include "ops/convert.h"

namespace ropeway {
namespace {

constexpr double kDraws = 0x1p53;  // different ones: 53 random bits each

// Keeps an element where rand ≥ ratio, which is so for exactly 1 − ratio of all draws.
template <class T>
void draw(Tensor& tensor, T kept, double ratio, uint64_t stream) {
  T* const elements = reinterpret_cast<T*>(tensor.raw());
  const auto dropped = static_cast<uint64_t>(ratio * kDraws);
  for (int64_t i = 0; i < tensor.count(); ++i) elements[i] = random_bits(stream, static_cast<uint64_t>(i)) >> 11 >= dropped ? kept : T{0};
}

}  // namespace

void draw_mask(const DropoutMask& mask, uint64_t seed, uint64_t run, Tensor& tensor) {
  const uint64_t stream = random_bits(random_bits(seed, 0) ^ mask.stream, run);
  const double kept = 1 / (1 - mask.ratio);
  switch (tensor.dtype()) {
    case DType::f32: return draw(tensor, static_cast<float>(kept), mask.ratio, stream);
    case DType::f64: return draw(tensor, kept, mask.ratio, stream);
    case DType::f16: return draw(tensor, f32_to_f16(static_cast<float>(kept)), mask.ratio, stream);  // their bits; those of 0 are 0
    case DType::bf16: return draw(tensor, f32_to_bf16(static_cast<float>(kept)), mask.ratio, stream);
    default: fail(ErrorCode::internal, "a mask of {}", name(tensor.dtype()));
  }
}

}  // namespace ropeway
