#include "support/kernel_harness.h"

namespace ropeway::test {
namespace {

constexpr double kTolerance = 2e-6;

struct Convolution {
  Shape x, w;
  ConvParams params;
};

Tensor weight_for(const Shape& w) { return random_tensor(w, 1, "w"); }

KernelCase with_bias(const Convolution& conv) {
  KernelCase result(Op::Conv, conv.params);
  result.input(random_tensor(conv.x)).constant(weight_for(conv.w)).constant(random_tensor({conv.w[0]}, 1, "b"));
  return result;
}

TEST(Conv, DirectAgreesWithReference) {
  const Convolution list[] = {
      {{1, 3, 23, 23}, {64, 3, 7, 7}, {{2, 2}, {3, 3, 3, 3}, {1, 1}, 1}},     // a stem: few channels
      {{1, 3, 35, 31}, {20, 3, 11, 11}, {{4, 4}, {1, 1, 1, 1}, {1, 1}, 1}},
      {{1, 32, 14, 14}, {48, 32, 3, 3}, {{1, 1}, {1, 1, 1, 1}, {1, 1}, 1}},
      {{2, 17, 9, 11}, {33, 17, 3, 2}, {{1, 2}, {1, 0, 0, 1}, {1, 1}, 1}},    // channels beyond whole blocks, padding that differs
      {{1, 6, 12, 12}, {16, 6, 5, 5}, {{1, 1}, {0, 0, 0, 0}, {1, 1}, 1}},
      {{1, 16, 13, 12}, {16, 16, 3, 3}, {{1, 1}, {2, 3, 2, 3}, {2, 3}, 1}},   // dilated
      {{1, 40, 7, 7}, {24, 20, 3, 3}, {{1, 1}, {1, 1, 1, 1}, {1, 1}, 2}},     // groups
      {{1, 12, 6, 6}, {24, 3, 1, 1}, {{1, 1}, {0, 0, 0, 0}, {1, 1}, 4}},
      {{1, 64, 8, 8}, {128, 64, 1, 1}, {{2, 2}, {0, 0, 0, 0}, {1, 1}, 1}},
      {{1, 5, 1, 1}, {7, 5, 1, 1}, {{1, 1}, {0, 0, 0, 0}, {1, 1}, 1}},
      {{2, 4, 11}, {6, 4, 3}, {{2}, {2, 1}, {1}, 1}},                          // one dimension
  };
  for (const Convolution& conv : list) {
    SCOPED_TRACE(fmt::format("[{}] by [{}]", fmt::join(conv.x, ","), fmt::join(conv.w, ",")));
    with_bias(conv).check("conv.direct", kTolerance, {cpu::Layout::plain, cpu::Layout::blocked});
  }
}

TEST(Conv, DepthwiseAgreesWithReference) {
  const Convolution list[] = {
      {{1, 32, 14, 14}, {32, 1, 3, 3}, {{1, 1}, {1, 1, 1, 1}, {1, 1}, 32}},
      {{2, 19, 11, 13}, {19, 1, 3, 2}, {{2, 1}, {1, 0, 0, 1}, {1, 1}, 19}},
      {{1, 24, 12, 9}, {24, 1, 5, 5}, {{2, 2}, {2, 2, 2, 2}, {1, 1}, 24}},
      {{1, 16, 9, 9}, {16, 1, 3, 3}, {{1, 1}, {2, 2, 2, 2}, {2, 2}, 16}},
      {{1, 35, 27, 23}, {35, 1, 3, 3}, {{2, 2}, {1, 1, 1, 1}, {1, 1}, 35}},    // whole groups of pixels, and one that overlaps
      {{1, 21, 9, 19}, {21, 1, 5, 5}, {{1, 1}, {2, 2, 2, 2}, {1, 1}, 21}},
      {{1, 17, 13, 21}, {17, 1, 7, 7}, {{1, 1}, {3, 3, 3, 3}, {1, 1}, 17}},
      {{2, 33, 31, 29}, {33, 1, 7, 7}, {{2, 2}, {3, 3, 3, 3}, {1, 1}, 33}},
      {{1, 3, 7, 5}, {3, 1, 3, 3}, {{1, 1}, {1, 1, 1, 1}, {1, 1}, 3}},         // fewer pixels than a group has
      {{1, 18, 4, 3}, {18, 1, 3, 3}, {{1, 1}, {1, 1, 1, 1}, {1, 1}, 18}},
      {{1, 20, 2, 2}, {20, 1, 7, 7}, {{1, 1}, {5, 4, 3, 6}, {1, 1}, 20}},      // more padding than image: rows and columns without any tap
      {{1, 20, 3, 12}, {20, 1, 3, 3}, {{1, 1}, {4, 5, 4, 5}, {3, 2}, 20}},
      {{1, 16, 40}, {16, 1, 9}, {{1}, {4, 4}, {1}, 16}},                       // one dimension
  };
  for (const Convolution& conv : list) {
    SCOPED_TRACE(fmt::format("[{}] by [{}]", fmt::join(conv.x, ","), fmt::join(conv.w, ",")));
    with_bias(conv).check("conv.depthwise", kTolerance);
  }
  EXPECT_NE(with_bias({{1, 32, 6, 6}, {64, 1, 3, 3}, {{1, 1}, {1, 1, 1, 1}, {1, 1}, 32}}).declines("conv.depthwise"), "");
}

TEST(Conv, TakesResidualAndActivationIn) {
  const Convolution dense = {{1, 20, 9, 10}, {35, 20, 3, 3}, {{1, 1}, {1, 1, 1, 1}, {1, 1}, 1}}, depthwise = {{1, 20, 9, 10}, {20, 1, 3, 3}, {{1, 1}, {1, 1, 1, 1}, {1, 1}, 20}};
  for (const UnaryParams& activation : {UnaryParams{UnaryFunction::relu, 0, 0}, UnaryParams{UnaryFunction::clip, -4, 6}, UnaryParams{UnaryFunction::hard_swish, 0, 0}}) {
    with_bias(dense).residual(random_tensor({1, 35, 9, 10}, 1, "r")).activation(activation).check("conv.direct", kTolerance, {cpu::Layout::plain, cpu::Layout::blocked});
    with_bias(depthwise).residual(random_tensor({1, 20, 9, 10}, 1, "r")).activation(activation).check("conv.depthwise", kTolerance);
  }
  KernelCase(Op::Conv, dense.params).input(random_tensor(dense.x)).constant(weight_for(dense.w)).check("conv.direct", kTolerance);  // without a bias
}

TEST(Conv, NaNAndInfinityAreKept) {
  const Convolution dense = {{1, 20, 9, 10}, {35, 20, 3, 3}, {{1, 1}, {1, 1, 1, 1}, {1, 1}, 1}}, pointwise = {{1, 20, 9, 10}, {64, 20, 1, 1}, {{1, 1}, {0, 0, 0, 0}, {1, 1}, 1}};
  const Convolution depthwise = {{1, 20, 9, 10}, {20, 1, 3, 3}, {{1, 1}, {1, 1, 1, 1}, {1, 1}, 20}};
  const auto odd = [](const Convolution& conv) {
    KernelCase result(Op::Conv, conv.params);
    result.input(with_nan_and_infinities(random_tensor(conv.x))).constant(weight_for(conv.w)).constant(random_tensor({conv.w[0]}, 1, "b"));
    return result;
  };
  const std::vector<cpu::Layout> both = {cpu::Layout::plain, cpu::Layout::blocked};
  odd(dense).check("conv.direct", kTolerance, both);
  odd(pointwise).check("conv.direct", kTolerance, both);
  odd(depthwise).check("conv.depthwise", kTolerance);
  for (const UnaryParams& activation : {UnaryParams{UnaryFunction::relu, 0, 0}, UnaryParams{UnaryFunction::clip, 0, 6}, UnaryParams{UnaryFunction::sigmoid, 0, 0}}) {
    odd(dense).activation(activation).check("conv.direct", kTolerance, both);
    odd(pointwise).residual(random_tensor({1, 64, 9, 10}, 1, "r")).activation(activation).check("conv.direct", kTolerance, both);
    odd(depthwise).activation(activation).check("conv.depthwise", kTolerance);
  }
}

TEST(Conv, LeavesTheRestToTheReference) {
  KernelCase computed(Op::Conv, ConvParams{{1, 1}, {0, 0, 0, 0}, {1, 1}, 1});
  computed.input(random_tensor({1, 3, 5, 5})).input(weight_for({4, 3, 3, 3}));
  EXPECT_NE(computed.declines("conv.direct"), "");
  computed.check("reference", 0);
}

// More tiles than one batch has, fewer than the threads could share: all of them work on each batch.
TEST(Conv, WinogradOnManyThreads) {
  const Convolution conv{{1, 17, 28, 26}, {40, 17, 3, 3}, {{1, 1}, {1, 1, 1, 1}, {1, 1}, 1}};
  with_bias(conv).threads({3, 9, 64}).check("conv.winograd_f4x3", kTolerance);
  with_bias(conv).threads({5}).residual(random_tensor({1, 40, 28, 26}, 1, "r")).activation({UnaryFunction::gelu, 0, 0}).check("conv.winograd_f2x3", kTolerance);
}

TEST(Conv, WeightsOf16Bits) {
  const auto stored_half = [](const Shape& x, const char* kernel, double tolerance, const std::vector<cpu::Layout>& layouts = {cpu::Layout::blocked}) {
    KernelCase conv = with_bias({x, {37, 19, 3, 3}, {{1, 1}, {1, 1, 1, 1}, {1, 1}, 1}});
    conv.half_weights().check(kernel, tolerance, layouts);
    return conv.stored_half();
  };
  EXPECT_TRUE(stored_half({2, 19, 9, 11}, "conv.direct", kTolerance, {cpu::Layout::plain, cpu::Layout::blocked}));
  // What is rounded is the transform of the weights, and only of the smallest form.
  EXPECT_TRUE(stored_half({2, 19, 9, 11}, "conv.winograd_f2x3", 5e-4));
  EXPECT_FALSE(stored_half({2, 19, 9, 11}, "conv.winograd_f4x3", kTolerance));
}

// Weights that 16 bits hold, but not their transform: it stays in 32.
TEST(Conv, TransformedWeightsBeyond16Bits) {
  Tensor weights({DType::f32, {20, 16, 3, 3}});
  std::fill(weights.data<float>().begin(), weights.data<float>().end(), 60000.0f);
  KernelCase large(Op::Conv, ConvParams{{1, 1}, {1, 1, 1, 1}, {1, 1}, 1});
  large.input(random_tensor({1, 16, 4, 4})).constant(weights).constant(random_tensor({20}, 1, "b")).half_weights().check("conv.winograd_f2x3", kTolerance);
  EXPECT_FALSE(large.stored_half());
}

}  // namespace
}  // namespace ropeway::test
