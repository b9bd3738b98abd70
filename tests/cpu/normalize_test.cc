#include "support/kernel_harness.h"

namespace ropeway::test {
namespace {

using cpu::Layout;

TEST(Softmax, EveryAxis) {
  const std::pair<Shape, int64_t> cases[] = {{{3, 10}, 1}, {{3, 1000}, 1}, {{2, 5, 197}, 2}, {{2, 5, 7}, 1}, {{2, 37, 70}, 1}, {{9, 4, 3}, 0}, {{1}, 0}, {{3, 0}, 1}, {{40, 20, 130}, 1}, {{300, 197}, 1}};
  for (const auto& [x, axis] : cases) {
    SCOPED_TRACE(fmt::format("[{}] axis {}", fmt::join(x, ","), axis));
    KernelCase(Op::Softmax, AxisParams{axis}).input(random_tensor(x, 10)).check("softmax", 1e-6);
    KernelCase(Op::LogSoftmax, AxisParams{axis}).input(random_tensor(x, 10)).check("log_softmax", 1e-6);
  }
}

TEST(Softmax, LargeAndMaskedArguments) {
  const float infinity = std::numeric_limits<float>::infinity();
  const Tensor x = Tensor::of<float>({3, 4}, {1e4f, 1e4f, -1e4f, 0, -infinity, 1, 2, -infinity, -infinity, -infinity, -infinity, -infinity});
  for (const int64_t axis : {0, 1}) {
    KernelCase(Op::Softmax, AxisParams{axis}).input(x).check("softmax", 1e-6);
    KernelCase(Op::LogSoftmax, AxisParams{axis}).input(x).check("log_softmax", 1e-6);
  }
}

TEST(LayerNormalization, ScaleAndShiftAreOptional) {
  for (const Shape& x : {Shape{3, 5, 64}, Shape{2, 197, 192}, Shape{7, 3}, Shape{4, 5, 33}}) {
    const Shape last{x.back()};
    const NormParams params{static_cast<int64_t>(x.size()) - 1, 1e-6};
    KernelCase(Op::LayerNormalization, params).input(random_tensor(x, 4)).constant(random_tensor(last, 1, "s")).constant(random_tensor(last, 1, "b")).check("layer_norm", 1e-6);
    KernelCase(Op::LayerNormalization, params).input(random_tensor(x, 4)).input(random_tensor(last, 1, "s")).check("layer_norm", 1e-6);
    KernelCase(Op::LayerNormalization, params).input(random_tensor(x, 4)).check("layer_norm", 1e-6);
  }
  const NormParams from_one{1, 1e-5};
  const Tensor scale = random_tensor({5, 33});
  KernelCase(Op::LayerNormalization, from_one).input(random_tensor({4, 5, 33})).constant(scale).constant(scale).check("layer_norm", 1e-6);
}

TEST(BatchNormalization, PlainAndBlocked) {
  for (const Shape& x : {Shape{2, 19, 5, 7}, Shape{1, 48, 33, 34}, Shape{2, 5, 9}, Shape{1, 16, 1, 1}}) {
    const Shape channels{x[1]};
    Tensor variance = random_tensor(channels, 0.9f, "v");
    for (float& v : variance.data<float>()) v += 1;
    const auto node = [&] {
      return KernelCase(Op::BatchNormalization, EpsilonParams{1e-5})
          .input(random_tensor(x, 3))
          .constant(random_tensor(channels, 1, "s"))
          .constant(random_tensor(channels, 1, "b"))
          .constant(random_tensor(channels, 1, "m"))
          .constant(variance);
    };
    node().check("batch_norm", 1e-6, {Layout::plain, Layout::blocked});
  }
  const Tensor of4 = random_tensor({4}, 1, "s"), one = Tensor::of<float>({4}, {1, 1, 1, 1});
  KernelCase(Op::BatchNormalization, EpsilonParams{}).input(random_tensor({3, 4})).constant(of4).constant(of4).constant(of4).constant(one).check("batch_norm", 1e-6);
  EXPECT_NE(KernelCase(Op::BatchNormalization, EpsilonParams{}).input(random_tensor({3, 4})).constant(of4).constant(of4).constant(of4).input(one).declines("batch_norm"), "");
}

}  // namespace
}  // namespace ropeway::test
