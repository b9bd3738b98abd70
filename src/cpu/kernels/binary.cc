#include "cpu/kernels/binary.h"

#include <cmath>

#ifndef ROPEWAY_CPU_KERNELS_BINARY_CC
#define ROPEWAY_CPU_KERNELS_BINARY_CC
namespace ropeway::cpu {
// What all targets' loops are given.
struct Operands {
  const float* a;
  const float* b;
  int64_t a_step, b_step;
  float* out;
  int64_t count;
};
}  // namespace ropeway::cpu
#endif

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/kernels/binary.cc"
#include <hwy/foreach_target.h>
#include "cpu/kernels/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ropeway::cpu {
namespace HWY_NAMESPACE {

template <class F>
HWY_INLINE void map_two(const Operands& o, F f) {
  if (o.b_step == 0) {
    const V b = set(*o.b);
    if (o.a_step == 0) {
      const V result = f(set(*o.a), b);
      for (int64_t i = 0; i < o.count; ++i) o.out[i] = hn::GetLane(result);
      return;
    }
    map(o.a, o.out, o.count, [=](V a) { return f(a, b); });
    return;
  }
  if (o.a_step == 0) {
    const V a = set(*o.a);
    map(o.b, o.out, o.count, [=](V b) { return f(a, b); });
    return;
  }
  int64_t i = 0;
  for (; i + kLanes <= o.count; i += kLanes) store(f(load(o.a + i), load(o.b + i)), o.out + i);
  const int64_t left = o.count - i;
  if (left > 0) store_first(f(load_first(o.a + i, left), load_first(o.b + i, left)), o.out + i, left);
}

HWY_INLINE float modulo(float a, float b) {
  const float rest = std::fmod(a, b);
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

void binary(BinaryFunction function, const Operands& o) {
  switch (function) {
    case BinaryFunction::add: return map_two(o, [](V a, V b) { return hn::Add(a, b); });
    case BinaryFunction::sub: return map_two(o, [](V a, V b) { return hn::Sub(a, b); });
    case BinaryFunction::mul: return map_two(o, [](V a, V b) { return hn::Mul(a, b); });
    case BinaryFunction::div: return map_two(o, [](V a, V b) { return hn::Div(a, b); });
    case BinaryFunction::min: return map_two(o, [](V a, V b) { return smaller(a, b); });
    case BinaryFunction::max: return map_two(o, [](V a, V b) { return larger(a, b); });
    case BinaryFunction::prelu: return map_two(o, [](V a, V b) { return hn::IfThenElse(hn::Lt(a, hn::Zero(D())), hn::Mul(a, b), a); });
    case BinaryFunction::pow:
      if (o.a_step == 1 && o.b_step == 0 && *o.b == 2.0f) return map(o.a, o.out, o.count, [](V a) { return hn::Mul(a, a); });
      return map_two(o, [](V a, V b) { return per_lane([](float x, float y) { return std::pow(x, y); }, a, b); });
    case BinaryFunction::mod: return map_two(o, [](V a, V b) { return per_lane([](float x, float y) { return modulo(x, y); }, a, b); });
    default: return;
  }
}

void choose(const bool* condition, int64_t condition_step, const float* x, int64_t x_step, const float* y, int64_t y_step, float* out, int64_t count) {
  const D d;
  const hn::Rebind<int32_t, D> wide;
  const hn::Rebind<uint8_t, D> narrow;
  const V x_all = set(count > 0 ? *x : 0), y_all = set(count > 0 ? *y : 0);
  int64_t i = 0;
  if (condition_step == 1) {
    for (; i + kLanes <= count; i += kLanes) {
      const auto flags = hn::PromoteTo(wide, hn::LoadU(narrow, reinterpret_cast<const uint8_t*>(condition) + i));
      const auto chosen = hn::RebindMask(d, hn::Ne(flags, hn::Zero(wide)));
      store(hn::IfThenElse(chosen, x_step == 0 ? x_all : load(x + i), y_step == 0 ? y_all : load(y + i)), out + i);
    }
  }
  for (; i < count; ++i) out[i] = condition[i * condition_step] ? x[i * x_step] : y[i * y_step];
}

}  // namespace HWY_NAMESPACE
}  // namespace ropeway::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ropeway::cpu {

bool is_arithmetic(BinaryFunction function) {
  switch (function) {
    case BinaryFunction::add:
    case BinaryFunction::sub:
    case BinaryFunction::mul:
    case BinaryFunction::div:
    case BinaryFunction::min:
    case BinaryFunction::max:
    case BinaryFunction::prelu:
    case BinaryFunction::pow:
    case BinaryFunction::mod: return true;
    default: return false;
  }
}

HWY_EXPORT(binary);
HWY_EXPORT(choose);

void apply_binary(BinaryFunction function, const float* a, int64_t a_step, const float* b, int64_t b_step, float* out, int64_t count) {
  HWY_DYNAMIC_DISPATCH(binary)(function, {a, b, a_step, b_step, out, count});
}
void select(const bool* condition, int64_t condition_step, const float* x, int64_t x_step, const float* y, int64_t y_step, float* out, int64_t count) {
  HWY_DYNAMIC_DISPATCH(choose)(condition, condition_step, x, x_step, y, y_step, out, count);
}

}  // namespace ropeway::cpu
#endif  // HWY_ONCE
