// Weights of 32 or 16 bits, as vectors of f32. Included once per SIMD target.
#if defined(ROPEWAY_CPU_KERNELS_WEIGHTS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef ROPEWAY_CPU_KERNELS_WEIGHTS_INL_H
#undef ROPEWAY_CPU_KERNELS_WEIGHTS_INL_H
#else
#define ROPEWAY_CPU_KERNELS_WEIGHTS_INL_H
#endif

#include "cpu/kernels/vector-inl.h"
#include "ops/convert.h"

HWY_BEFORE_NAMESPACE();
namespace ropeway::cpu {
namespace HWY_NAMESPACE {

HWY_INLINE float weight(const float* w) { return *w; }
HWY_INLINE float weight(const uint16_t* w) { return f16_to_f32(*w); }
HWY_INLINE V load_weights(const float* w) { return load(w); }
HWY_INLINE V load_weights(const uint16_t* w) {
#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128  // Highway's own conversion there makes numbers of infinity and NaN
  return set(weight(w));
#else
  return hn::PromoteTo(D(), hn::LoadU(hn::Rebind<hwy::float16_t, D>(), reinterpret_cast<const hwy::float16_t*>(w)));
#endif
}

}  // namespace HWY_NAMESPACE
}  // namespace ropeway::cpu
HWY_AFTER_NAMESPACE();

#endif
