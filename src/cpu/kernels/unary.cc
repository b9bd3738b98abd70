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

// Of `rows` rows of n elements, `stride` apart in both arrays. False for a function that is not computed here.
bool unary(UnaryFunction function, float alpha, float beta, const float* in, float* out, int64_t n, int64_t rows, int64_t stride) {
  const auto each = [=](auto f) {
    for (int64_t row = 0; row < rows; ++row) map(in + row * stride, out + row * stride, n, f);
  };
  const V zero = hn::Zero(D()), one = set(1.0f), a = set(alpha), b = set(beta);
  switch (function) {
    case UnaryFunction::relu: each([=](V x) { return hn::IfThenElse(hn::Lt(x, zero), zero, x); }); return true;
    case UnaryFunction::clip: each([=](V x) { return clamped(x, a, b); }); return true;
    case UnaryFunction::leaky_relu: each([=](V x) { return hn::IfThenElse(hn::Lt(x, zero), hn::Mul(a, x), x); }); return true;
    case UnaryFunction::elu:
      each([=](V x) { return hn::IfThenElse(hn::Lt(x, zero), hn::Mul(a, hn::Expm1(D(), hn::Min(x, zero))), x); });
      return true;
    case UnaryFunction::sigmoid: each([](V x) { return sigmoid_of(x); }); return true;
    case UnaryFunction::hard_sigmoid: each([=](V x) { return clamped(hn::MulAdd(a, x, b), zero, one); }); return true;
    case UnaryFunction::hard_swish:
      // As x clip(x + 3, 0, 6) / 6, in which nothing is lost near -3.
      each([=](V x) { return hn::Mul(x, hn::Mul(clamped(hn::Add(x, set(3.0f)), zero, set(6.0f)), set(1.0f / 6))); });
      return true;
    case UnaryFunction::silu: each([=](V x) { return hn::Div(x, hn::Add(one, exp_of(hn::Neg(hn::Mul(a, x))))); }); return true;
    case UnaryFunction::gelu: each([](V x) { return gelu_of(x); }); return true;
    case UnaryFunction::gelu_tanh: each([](V x) { return gelu_tanh_of(x); }); return true;
    case UnaryFunction::softplus: each([](V x) { return softplus_of(x); }); return true;
    case UnaryFunction::mish: each([](V x) { return mish_of(x); }); return true;
    case UnaryFunction::tanh: each([](V x) { return hn::Tanh(D(), x); }); return true;
    case UnaryFunction::erf: each([](V x) { return erf_of(x); }); return true;
    case UnaryFunction::exp: each([](V x) { return exp_of(x); }); return true;
    case UnaryFunction::log: each([](V x) { return log_of(x); }); return true;
    case UnaryFunction::sqrt: each([](V x) { return hn::Sqrt(x); }); return true;
    case UnaryFunction::rsqrt: each([=](V x) { return hn::Div(one, hn::Sqrt(x)); }); return true;
    case UnaryFunction::reciprocal: each([=](V x) { return hn::Div(one, x); }); return true;
    case UnaryFunction::sin: each([](V x) { return sin_of(x); }); return true;
    case UnaryFunction::cos: each([](V x) { return cos_of(x); }); return true;
    case UnaryFunction::abs: each([](V x) { return hn::Abs(x); }); return true;
    case UnaryFunction::neg: each([](V x) { return hn::Neg(x); }); return true;
    case UnaryFunction::sign:
      // Of NaN 0, as PyTorch has it.
      each([=](V x) { return hn::IfThenElse(hn::Gt(x, zero), one, hn::IfThenElse(hn::Lt(x, zero), hn::Neg(one), zero)); });
      return true;
    case UnaryFunction::floor: each([](V x) { return hn::Floor(x); }); return true;
    case UnaryFunction::ceil: each([](V x) { return hn::Ceil(x); }); return true;
    case UnaryFunction::round: each([](V x) { return hn::Round(x); }); return true;
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
namespace {
void apply(const UnaryParams& p, const float* in, float* out, int64_t columns, int64_t rows, int64_t stride) {
  const bool known = HWY_DYNAMIC_DISPATCH(unary)(p.function, static_cast<float>(p.alpha), static_cast<float>(p.beta), in, out, columns, rows, stride);
  ensure(known, "the function {} of floats is asked for, whose results are no floats", name(p.function));
}
}  // namespace

void apply_unary(const UnaryParams& params, const float* in, float* out, size_t count) { apply(params, in, out, static_cast<int64_t>(count), 1, 0); }
void apply_unary_to_rows(const UnaryParams& params, float* values, int64_t rows, int64_t columns, int64_t stride) { apply(params, values, values, columns, rows, stride); }

}  // namespace ropeway::cpu
#endif  // HWY_ONCE
