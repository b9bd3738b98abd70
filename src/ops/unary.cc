#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "ops/convert.h"
#include "ops/operator.h"
#include "ops/shape_util.h"

namespace ropeway {
namespace {

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double softplus(double x) { return x > 20 ? x : std::log1p(std::exp(x)); }

// NaN stays NaN.
double clamp(double x, double low, double high) { return std::isnan(x) ? x : std::min(std::max(x, low), high); }

double apply(const UnaryParams& p, double x) {
  using enum UnaryFunction;
  switch (p.function) {
    case relu: return std::isnan(x) || x > 0 ? x : 0;
    case clip: return clamp(x, p.alpha, p.beta);
    case leaky_relu: return x < 0 ? p.alpha * x : x;
    case elu: return x < 0 ? p.alpha * std::expm1(x) : x;
    case sigmoid: return ropeway::sigmoid(x);
    case hard_sigmoid: return clamp(p.alpha * x + p.beta, 0, 1);
    case hard_swish: return x * clamp(x / 6 + 0.5, 0, 1);
    case silu: return x * ropeway::sigmoid(p.alpha * x);
    case gelu: return x * 0.5 * std::erfc(-x / std::numbers::sqrt2);
    case gelu_tanh: return 0.5 * x * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
    case softplus: return ropeway::softplus(x);
    case mish: return x * std::tanh(ropeway::softplus(x));
    case tanh: return std::tanh(x);
    case erf: return std::erf(x);
    case exp: return std::exp(x);
    case log: return std::log(x);
    case sqrt: return std::sqrt(x);
    case rsqrt: return 1 / std::sqrt(x);
    case reciprocal: return 1 / x;
    case sin: return std::sin(x);
    case cos: return std::cos(x);
    case abs: return std::fabs(x);
    case neg: return -x;
    case sign: return (x > 0) - (x < 0);  // 0 for NaN, as PyTorch has it
    case floor: return std::floor(x);
    case ceil: return std::ceil(x);
    case round: return std::nearbyint(x);
    case logical_not: return x == 0;
    case is_nan: return std::isnan(x);
  }
  return x;
}

// Functions that keep integers integers; computed without a detour through double.
bool is_integral(UnaryFunction function) {
  using enum UnaryFunction;
  return function == relu || function == clip || function == abs || function == neg || function == sign || function == floor || function == ceil || function == round;
}

// A bound of clip in the range of T.
template <class T>
T bound(double value) {
  using Limits = std::numeric_limits<T>;
  if (value <= static_cast<double>(Limits::lowest())) return Limits::lowest();
  if (value >= static_cast<double>(Limits::max())) return Limits::max();
  return static_cast<T>(value);
}

// Overflow wraps.
template <class T>
T apply_integral(const UnaryParams& p, T x) {
  using enum UnaryFunction;
  const T negated = static_cast<T>(0 - static_cast<uint64_t>(x));
  switch (p.function) {
    case relu: return std::max<T>(x, 0);
    case clip: return std::min(std::max(x, bound<T>(p.alpha)), bound<T>(p.beta));
    case abs: return x < 0 ? negated : x;
    case neg: return negated;
    case sign: return static_cast<T>((x > 0) - (x < 0));
    default: return x;
  }
}

}  // namespace

std::vector<TensorType> infer_Unary(const UnaryParams& p, const InputTypes& in) {
  if (p.function == UnaryFunction::logical_not) {
    expect(in[0]->dtype == DType::boolean, "Unary logical_not: X is {}, but bool is expected", to_string(*in[0]));
  } else {
    expect(is_float(in[0]->dtype) || (is_integral(p.function) && in[0]->dtype != DType::boolean), "Unary {}: X is {}, for which it is not defined", name(p.function), to_string(*in[0]));
  }
  if (p.function == UnaryFunction::clip && !is_float(in[0]->dtype)) {
    expect(std::floor(p.alpha) == p.alpha && std::floor(p.beta) == p.beta, "Unary clip: the bounds {} and {} must be whole numbers, because X is {}", p.alpha, p.beta, to_string(*in[0]));
  }
  return {{p.function == UnaryFunction::is_nan ? DType::boolean : in[0]->dtype, in[0]->shape}};
}

void reference_Unary(const UnaryParams& p, const InputTensors& in, std::span<Tensor> out) {
  visit_dtype(in[0]->dtype(), [&]<class T>() {
    const auto x = in[0]->data<T>();
    if (p.function == UnaryFunction::is_nan) {
      const auto y = out[0].data<bool>();
      for (size_t i = 0; i < x.size(); ++i) y[i] = x[i] != x[i];
      return;
    }
    const auto y = out[0].data<T>();
    for (size_t i = 0; i < x.size(); ++i) {
      if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
        y[i] = apply_integral(p, x[i]);
      } else {
        y[i] = static_cast<T>(apply(p, static_cast<double>(x[i])));
      }
    }
  });
}

}  // namespace ropeway
