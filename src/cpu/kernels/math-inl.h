// Elementary functions of vectors of floats; unary.h states their errors. Included once per SIMD target.
#if defined(ROPEWAY_CPU_KERNELS_MATH_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef ROPEWAY_CPU_KERNELS_MATH_INL_H
#undef ROPEWAY_CPU_KERNELS_MATH_INL_H
#else
#define ROPEWAY_CPU_KERNELS_MATH_INL_H
#endif

#include <hwy/contrib/math/math-inl.h>

#include <cmath>
#include <limits>

#include "cpu/kernels/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ropeway::cpu {
namespace HWY_NAMESPACE {

// c[0] + c[1] x + c[2] x² + …
template <size_t kTerms>
HWY_INLINE V polynomial(V x, const float (&c)[kTerms]) {
  V sum = set(c[kTerms - 1]);
  for (size_t i = kTerms - 1; i-- > 0;) sum = hn::MulAdd(sum, x, set(c[i]));
  return sum;
}

// Like a where `which` does not hold.
template <class Mask>
HWY_INLINE V replace(Mask which, V a, float by) {
  return hn::IfThenElse(which, set(by), a);
}

// f of each lane, for functions without a vector form of enough precision.
template <class F>
HWY_INLINE V per_lane(F f, V a, V b) {
  HWY_ALIGN float x[kLanes];
  HWY_ALIGN float y[kLanes];
  hn::Store(a, D(), x);
  hn::Store(b, D(), y);
  for (int64_t i = 0; i < kLanes; ++i) x[i] = f(x[i], y[i]);
  return hn::Load(D(), x);
}

// e^x = 2^n e^r with |r| ≤ ln 2 / 2, where Taylor's series to r^7 has a remainder below 6e-9. 2^n is applied in two factors, so that results
// reach down to the smallest subnormal and up to infinity. Highway's Exp turns NaN into 0 and is undefined above 104.
HWY_INLINE V exp_of(V x) {
  const hn::RebindToSigned<D> di;
  const V bounded = hn::Min(hn::Max(x, set(-104.0f)), set(89.0f));
  const V n = hn::Round(hn::Mul(bounded, set(1.44269504f)));
  V r = hn::NegMulAdd(n, set(0.693359375f), bounded);  // ln 2 in two parts (Cody and Waite, 1980): the first product is exact
  r = hn::NegMulAdd(n, set(-2.12194440e-4f), r);
  constexpr float kTaylor[] = {1.0f, 1.0f, 1.0f / 2, 1.0f / 6, 1.0f / 24, 1.0f / 120, 1.0f / 720, 1.0f / 5040};
  const auto power = hn::ConvertTo(di, n);
  const auto half = hn::ShiftRight<1>(power);
  const auto two_to = [&](auto k) { return hn::BitCast(D(), hn::ShiftLeft<23>(hn::Add(k, hn::Set(di, 127)))); };
  const V result = hn::Mul(hn::Mul(polynomial(r, kTaylor), two_to(half)), two_to(hn::Sub(power, half)));
  return hn::IfThenElse(hn::IsNaN(x), x, result);
}

// The same for x ≤ 0, where what is too small for a normal number may be 0: fewer steps. Adding 1.5 · 2^23 rounds to an integer, which then stands in the
// lowest bits; shifted, they count up the exponent.
HWY_INLINE V exp_of_negative(V x) {
  const hn::RebindToSigned<D> di;
  const V magic = set(12582912.0f);
  const V shifted = hn::MulAdd(x, set(1.44269504f), magic), n = hn::Sub(shifted, magic);
  V r = hn::NegMulAdd(n, set(0.693359375f), x);
  r = hn::NegMulAdd(n, set(-2.12194440e-4f), r);
  constexpr float kTaylor[] = {1.0f, 1.0f, 1.0f / 2, 1.0f / 6, 1.0f / 24, 1.0f / 120, 1.0f / 720, 1.0f / 5040};
  const V result = hn::BitCast(D(), hn::Add(hn::BitCast(di, polynomial(r, kTaylor)), hn::ShiftLeft<23>(hn::BitCast(di, shifted))));
  return hn::IfThenElse(hn::Lt(x, set(-87.0f)), hn::Zero(D()), hn::IfThenElse(hn::IsNaN(x), x, result));
}

// Highway's Log, with the values that it leaves undefined: 0, negative numbers, infinity, NaN.
HWY_INLINE V log_of(V x) {
  V result = hn::Log(D(), x);
  result = replace(hn::Eq(x, hn::Zero(D())), result, -std::numeric_limits<float>::infinity());
  result = replace(hn::Lt(x, hn::Zero(D())), result, std::numeric_limits<float>::quiet_NaN());
  return hn::IfThenElse(hn::Or(hn::IsNaN(x), hn::Eq(x, set(std::numeric_limits<float>::infinity()))), x, result);
}

// log(1 + e^x) = max(x, 0) + log(1 + e^-|x|).
HWY_INLINE V softplus_of(V x) {
  const V small = hn::Log1p(D(), exp_of(hn::Neg(hn::Abs(x))));
  return hn::IfThenElse(hn::IsNaN(x), x, hn::Add(hn::Max(x, hn::Zero(D())), small));
}

HWY_INLINE V sigmoid_of(V x) { return hn::Div(set(1.0f), hn::Add(set(1.0f), exp_of(hn::Neg(x)))); }

// x tanh(log(1 + e^x)) = x n / (n + 2) with n = e^x (e^x + 2). Above 20 it is x to the last bit.
HWY_INLINE V mish_of(V x) {
  const V e = exp_of(hn::Min(x, set(20.0f)));
  const V n = hn::Mul(e, hn::Add(e, set(2.0f)));
  return hn::IfThenElse(hn::Gt(x, set(20.0f)), x, hn::Mul(x, hn::Div(n, hn::Add(n, set(2.0f)))));
}

// 1 - erf(x) for x ≥ 0: e^(-x²) t P(t) with t = 1 / (1 + x / 2), the form of Numerical Recipes (6.2.2) with coefficients from tools/fit_normal.py.
HWY_INLINE V erfc_of_positive(V x) {
  constexpr float kScaled[] = {0.282065887f,   0.282827877f, 0.238904022f,  0.224260251f, -0.0944225377f,
                               0.413705784f, -0.660590665f, 0.421636576f, -0.120071741f, 0.0116845261f};
  const V t = hn::Div(set(1.0f), hn::MulAdd(x, set(0.5f), set(1.0f)));
  return hn::Mul(exp_of(hn::Neg(hn::Mul(x, x))), hn::Mul(t, polynomial(t, kScaled)));
}

// Below 1 an odd polynomial, also from tools/fit_normal.py; above, 1 - erfc.
HWY_INLINE V erf_of(V x) {
  constexpr float kNear[] = {1.12837917f, -0.376126258f, 0.112835851f, -0.0268538118f, 0.00518832745f, -0.000801019159f, 7.85385463e-05f};
  const V size = hn::Abs(x);
  const V far = hn::CopySign(hn::Sub(set(1.0f), erfc_of_positive(size)), x);
  return hn::IfThenElse(hn::Lt(size, set(1.0f)), hn::Mul(x, polynomial(hn::Mul(x, x), kNear)), far);
}

// x Φ(x), where Φ(-z) = 1 / P(z)^4 with P from tools/fit_normal.py, a form of Abramowitz and Stegun's 7.1.28: no exponential, and no cancellation for
// negative x. P is fitted up to 6; beyond, Φ(-z) is below 1e-9 and falls.
HWY_INLINE V gelu_of(V x) {
  constexpr float kRoot[] = {1.18920708f,      0.237213703f,    0.11827936f,    0.0313243151f,  0.00623480084f,  0.00210269804f,  -0.000245072071f,
                             0.000565516895f, -0.000311286327f, 0.00014136264f, -4.09682774e-05f, 7.97451507e-06f, -9.03042677e-07f, 4.90005466e-08f};
  const V root = polynomial(hn::Abs(x), kRoot), square = hn::Mul(root, root);
  const V tail = hn::Div(set(1.0f), hn::Mul(square, square));
  return hn::Mul(x, hn::IfThenElse(hn::Lt(x, hn::Zero(D())), tail, hn::Sub(set(1.0f), tail)));
}

// x / 2 (1 + tanh u) = x / (1 + e^-2u) with u = √(2/π) (x + 0.044715 x³) (Hendrycks and Gimpel, 2016).
HWY_INLINE V gelu_tanh_of(V x) {
  const V inner = hn::MulAdd(hn::Mul(set(0.044715f), hn::Mul(x, x)), x, x);
  return hn::Div(x, hn::Add(set(1.0f), exp_of(hn::Mul(inner, set(-1.59576912f)))));
}

// Highway's Sin and Cos hold to ±39000; vectors with anything beyond go through the C library.
HWY_INLINE V sin_of(V x) {
  if (hn::AllTrue(D(), hn::Lt(hn::Abs(x), set(39000.0f)))) return hn::Sin(D(), x);
  return per_lane([](float a, float) { return std::sin(a); }, x, x);
}
HWY_INLINE V cos_of(V x) {
  if (hn::AllTrue(D(), hn::Lt(hn::Abs(x), set(39000.0f)))) return hn::Cos(D(), x);
  return per_lane([](float a, float) { return std::cos(a); }, x, x);
}

}  // namespace HWY_NAMESPACE
}  // namespace ropeway::cpu
HWY_AFTER_NAMESPACE();

#endif
