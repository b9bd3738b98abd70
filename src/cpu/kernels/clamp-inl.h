// A clamp that keeps NaN, as PyTorch's do. Included once per SIMD target.
#if defined(ROPEWAY_CPU_KERNELS_CLAMP_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef ROPEWAY_CPU_KERNELS_CLAMP_INL_H
#undef ROPEWAY_CPU_KERNELS_CLAMP_INL_H
#else
#define ROPEWAY_CPU_KERNELS_CLAMP_INL_H
#endif

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace ropeway::cpu {
namespace HWY_NAMESPACE {

// Between low and high; NaN stays NaN. Highway leaves Max and Min of NaN to the target: x86 returns the second operand, whatever the first is.
// Others drop NaN, or may, so they compare.
template <class V>
HWY_INLINE V clamped(V x, V low, V high) {
  namespace hn = hwy::HWY_NAMESPACE;
#if HWY_ARCH_X86 && HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128
  return hn::Min(high, hn::Max(low, x));
#else
  const V raised = hn::IfThenElse(hn::Lt(x, low), low, x);
  return hn::IfThenElse(hn::Gt(raised, high), high, raised);
#endif
}

}  // namespace HWY_NAMESPACE
}  // namespace ropeway::cpu
HWY_AFTER_NAMESPACE();

#endif
