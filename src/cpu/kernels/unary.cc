#include "cpu/kernels/unary.h"

#include "base/text.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/kernels/unary.cc"
#include <hwy/foreach_target.h>
#include "cpu/kernels/clamp-inl.h"
#include "cpu/kernels/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ropeway::cpu {
namespace HWY_NAMESPACE {

// False for a function that is not computed here.
bool unary(UnaryFunction function, float alpha, float beta, const float* in, float* out, int64_t n) {
  const V zero = hn::Zero(D()), one = set(1.0f), a = set(alpha), b = set(beta);
  switch (function) {
    case UnaryFunction::relu: map(in, out, n, [=](V x) { return hn::IfThenElse(hn::Lt(x, zero), zero, x); }); return true;
    case UnaryFunction::clip: map(in, out, n, [=](V x) { return clamped(x, a, b); }); return true;
    case UnaryFunction::leaky_relu: map(in, out, n, [=](V x) { return hn::IfThenElse(hn::Lt(x, zero), hn::Mul(a, x), x); }); return true;
    case UnaryFunction::elu:
      map(in, out, n, [=](V x) { return hn::IfThenElse(hn::Lt(x, zero), hn::Mul(a, hn::Expm1(D(), hn::Min(x, zero))), x); });
      return true;
    case UnaryFunction::sigmoid: map(in, out, n, [](V x) { return sigmoid_of(x); }); return true;
    case UnaryFunction::hard_sigmoid: map(in, out, n, [=](V x) { return clamped(hn::MulAdd(a, x, b), zero, one); }); return true;
    case UnaryFunction::hard_swish:
      // As x clip(x + 3, 0, 6) / 6, in which nothing is lost near -3.
      map(in, out, n, [=](V x) { return hn::Mul(x, hn::Mul(clamped(hn::Add(x, set(3.0f)), zero, set(6.0f)), set(1.0f / 6))); });
      return true;
    case UnaryFunction::silu: map(in, out, n, [=](V x) { return hn::Div(x, hn::Add(one, exp_of(hn::Neg(hn::Mul(a, x))))); }); return true;
    case UnaryFunction::gelu: map(in, out, n, [](V x) { return gelu_of(x); }); return true;
    case UnaryFunction::gelu_tanh: map(in, out, n, [](V x) { return gelu_tanh_of(x); }); return true;
    case UnaryFunction::softplus: map(in, out, n, [](V x) { return softplus_of(x); }); return true;
    case UnaryFunction::mish: map(in, out, n, [](V x) { return mish_of(x); }); return true;
    case UnaryFunction::tanh: map(in, out, n, [](V x) { return hn::Tanh(D(), x); }); return true;
    case UnaryFunction::erf: map(in, out, n, [](V x) { return erf_of(x); }); return true;
    case UnaryFunction::exp: map(in, out, n, [](V x) { return exp_of(x); }); return true;
    case UnaryFunction::log: map(in, out, n, [](V x) { return log_of(x); }); return true;
    case UnaryFunction::sqrt: map(in, out, n, [](V x) { return hn::Sqrt(x); }); return true;
    case UnaryFunction::rsqrt: map(in, out, n, [=](V x) { return hn::Div(one, hn::Sqrt(x)); }); return true;
    case UnaryFunction::reciprocal: map(in, out, n, [=](V x) { return hn::Div(one, x); }); return true;
    case UnaryFunction::sin: map(in, out, n, [](V x) { return sin_of(x); }); return true;
    case UnaryFunction::cos: map(in, out, n, [](V x) { return cos_of(x); }); return true;
    case UnaryFunction::abs: map(in, out, n, [](V x) { return hn::Abs(x); }); return true;
    case UnaryFunction::neg: map(in, out, n, [](V x) { return hn::Neg(x); }); return true;
    case UnaryFunction::sign:
      // Of NaN 0, as PyTorch has it.
      map(in, out, n, [=](V x) { return hn::IfThenElse(hn::Gt(x, zero), one, hn::IfThenElse(hn::Lt(x, zero), hn::Neg(one), zero)); });
      return true;
    case UnaryFunction::floor: map(in, out, n, [](V x) { return hn::Floor(x); }); return true;
    case UnaryFunction::ceil: map(in, out, n, [](V x) { return hn::Ceil(x); }); return true;
    case UnaryFunction::round: map(in, out, n, [](V x) { return hn::Round(x); }); return true;
    case UnaryFunction::logical_not:
    case UnaryFunction::is_nan: return false;
  }
  return false;
}

}  // namespace HWY_NAMESPACE
}  // namespace ropeway::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ropeway::cpu {

HWY_EXPORT(unary);
void apply_unary(const UnaryParams& p, const float* in, float* out, size_t count) {
  const bool known = HWY_DYNAMIC_DISPATCH(unary)(p.function, static_cast<float>(p.alpha), static_cast<float>(p.beta), in, out, static_cast<int64_t>(count));
  ensure(known, "the function {} of floats is asked for, whose results are no floats", name(p.function));
}

}  // namespace ropeway::cpu
#endif  // HWY_ONCE
