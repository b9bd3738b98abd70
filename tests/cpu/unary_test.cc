#include "cpu/kernels/unary.h"

#include "support/kernel_harness.h"

namespace ropeway::test {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr double kSmallest = 0x1p-126;  // of the normal numbers: below, the spacing stays

// What unary.h states: the error, in units in the last place of the result, but of no smaller one than `floor`.
struct Bound {
  UnaryParams params;
  double low, high;  // of the arguments that are tried
  double ulps;
  double floor = kSmallest;
};

const std::vector<Bound>& bounds() {
  using enum UnaryFunction;
  static const std::vector<Bound> list = {
      {{relu}, -10, 10, 0},
      {{clip, -1.5, 2.5}, -10, 10, 0},
      {{leaky_relu, 0.01}, -10, 10, 1},
      {{elu, 1.25}, -100, 10, 3},
      {{sigmoid}, -87, 100, 3},
      {{hard_sigmoid, 1.0 / 6, 0.5}, -10, 10, 4, 0.1},
      {{hard_swish}, -10, 10, 3, 0.1},
      {{silu, 1.0}, -80, 80, 3},
      {{silu, 1.702}, -50, 50, 4, 0.1},
      {{gelu}, -20, 20, 8, 0.1},
      {{gelu_tanh}, -20, 20, 8, 0.1},
      {{softplus}, -87, 100, 3},
      {{mish}, -80, 80, 5},
      {{tanh}, -20, 20, 4},
      {{erf}, -5, 5, 4},
      {{exp}, -104, 89, 2},
      {{log}, 0, 1000, 1},
      {{sqrt}, 0, 1000, 0.5},
      {{rsqrt}, 0, 1000, 1.5},
      {{reciprocal}, -10, 10, 0.5},
      {{sin}, -1000, 1000, 3},
      {{cos}, -1000, 1000, 3},
      {{abs}, -10, 10, 0},
      {{neg}, -10, 10, 0},
      {{sign}, -10, 10, 0},
      {{floor}, -10, 10, 0},
      {{ceil}, -10, 10, 0},
      {{round}, -10, 10, 0},
  };
  return list;
}

// Uniform over [low, high], and a quarter of them a thousand times nearer to 0.
Tensor arguments(const Bound& bound) {
  Tensor in = random_tensor({100003}, 1.0f, name(bound.params.function));
  size_t i = 0;
  for (float& x : in.data<float>()) {
    x = static_cast<float>((bound.low + bound.high) / 2 + (bound.high - bound.low) / 2 * static_cast<double>(x));
    if (i++ % 4 == 0) x *= 1e-3f;
  }
  return in;
}

double error_in_ulps(float actual, double exact, double floor) {
  if (actual == static_cast<float>(exact)) return std::isinf(actual) ? 0 : std::min(0.5, std::fabs(static_cast<double>(actual) - exact) * 0x1p200);
  int exponent;
  std::frexp(std::max(std::fabs(exact), floor), &exponent);
  return std::fabs(static_cast<double>(actual) - exact) / std::ldexp(1.0, exponent - 24);
}

TEST(Unary, ErrorsAreAsStated) {
  for (const Bound& bound : bounds()) {
    const Tensor in = arguments(bound);
    Tensor wide({DType::f64, in.shape()});
    std::copy(in.data<float>().begin(), in.data<float>().end(), wide.data<double>().begin());
    const Tensor result = evaluate(Op::Unary, bound.params, {&wide}).front();
    const auto truth = result.data<double>();
    for_each_target([&] {
      std::vector<float> out(truth.size());
      cpu::apply_unary(bound.params, in.data<float>().data(), out.data(), out.size());
      double worst = 0;
      size_t at = 0;
      for (size_t i = 0; i < out.size(); ++i) {
        const double error = error_in_ulps(out[i], truth[i], bound.floor);
        if (error > worst) worst = error, at = i;
      }
      EXPECT_LE(worst, bound.ulps) << name(bound.params.function) << "(" << in.data<float>()[at] << ") is " << out[at] << ", not " << truth[at];
    });
  }
}

TEST(Unary, SpecialValues) {
  const Tensor in = Tensor::of<float>({12}, {0.0f, -0.0f, kInfinity, -kInfinity, kNaN, 1e-42f, -1e-42f, 3e38f, -3e38f, 100000.0f, -100000.0f, 0.5f});
  for (const Bound& bound : bounds()) {
    const UnaryFunction function = bound.params.function;
    const Tensor expected = evaluate(Op::Unary, bound.params, {&in}).front();
    for_each_target([&] {
      std::vector<float> out(12);
      cpu::apply_unary(bound.params, in.data<float>().data(), out.data(), out.size());
      for (size_t i = 0; i < out.size(); ++i) {
        const float e = expected.data<float>()[i];
        if (std::isnan(e)) {
          EXPECT_TRUE(std::isnan(out[i])) << name(function) << "(" << in.data<float>()[i] << ") is " << out[i];
        } else if (std::isinf(e)) {
          EXPECT_EQ(out[i], e) << name(function) << "(" << in.data<float>()[i] << ")";
        } else {
          EXPECT_NEAR(out[i], e, 1e-6 * std::max(1.0f, std::fabs(e))) << name(function) << "(" << in.data<float>()[i] << ")";
        }
      }
    });
  }
}

TEST(Unary, AnyLengthInPlace) {
  const UnaryParams params{UnaryFunction::exp, 0, 0};
  for_each_target([&] {
    for (size_t n = 0; n < 70; ++n) {
      Guarded memory(n * sizeof(float), 4);
      auto* floats = reinterpret_cast<float*>(memory.data());
      for (size_t i = 0; i < n; ++i) floats[i] = 0.1f * static_cast<float>(i);
      cpu::apply_unary(params, floats, floats, n);
      EXPECT_TRUE(memory.intact()) << n;
      for (size_t i = 0; i < n; ++i) EXPECT_NEAR(floats[i], std::exp(0.1f * static_cast<float>(i)), 1e-4) << n;
    }
  });
}

TEST(Unary, FunctionsWithoutFloatResultAreRefused) {
  float x = 1;
  EXPECT_THROW(cpu::apply_unary({UnaryFunction::is_nan, 0, 0}, &x, &x, 1), Error);
  EXPECT_THROW(cpu::apply_unary({UnaryFunction::logical_not, 0, 0}, &x, &x, 1), Error);
  EXPECT_NE(KernelCase(Op::Unary, UnaryParams{UnaryFunction::is_nan, 0, 0}).input(random_tensor({4})).declines("unary"), "");
}

TEST(Unary, Nodes) {
  for (const Shape& shape : {Shape{2, 19, 5, 7}, Shape{1, 33, 60, 61}, Shape{2, 3, 4}}) {
    for (const UnaryFunction function : {UnaryFunction::relu, UnaryFunction::gelu, UnaryFunction::silu}) {
      KernelCase(Op::Unary, UnaryParams{function, 1, 0}).input(random_tensor(shape, 5)).check("unary", 1e-6, {cpu::Layout::plain, cpu::Layout::blocked});
    }
  }
  KernelCase(Op::Unary, UnaryParams{UnaryFunction::tanh, 0, 0}).input(random_tensor({})).check("unary", 1e-6);
  KernelCase(Op::Unary, UnaryParams{UnaryFunction::tanh, 0, 0}).input(random_tensor({0, 3})).check("unary", 0);
}

// Channels beyond the last stay finite, though e^123 and 1 / 0 are not.
TEST(Unary, BlockedPaddingStaysFinite) {
  KernelCase(Op::Unary, UnaryParams{UnaryFunction::exp, 0, 0}).input(random_tensor({1, 5, 3, 3})).check("unary", 1e-6, {cpu::Layout::blocked});
}

}  // namespace
}  // namespace ropeway::test
