#include "support/kernel_harness.h"

namespace ropeway::test {
namespace {

using cpu::Layout;
constexpr BinaryFunction kArithmetic[] = {BinaryFunction::add, BinaryFunction::sub, BinaryFunction::mul, BinaryFunction::div, BinaryFunction::min,
                                          BinaryFunction::max, BinaryFunction::prelu, BinaryFunction::pow, BinaryFunction::mod};

KernelCase binary(BinaryFunction function, Tensor a, Tensor b) { return KernelCase(Op::Binary, BinaryParams{function}).input(std::move(a)).input(std::move(b)); }

// Powers of negative numbers and remainders by 0 give NaN, on both sides.
TEST(Binary, SameShape) {
  for (const Shape& shape : {Shape{2, 19, 5, 7}, Shape{1, 7, 3}, Shape{1, 20, 64, 65}}) {
    for (const BinaryFunction function : kArithmetic) {
      binary(function, random_tensor(shape, 3, "a"), random_tensor(shape, 3, "b")).check("binary.flat", 1e-6, {Layout::plain, Layout::blocked});
    }
  }
}

TEST(Binary, SingleElement) {
  const Tensor one = Tensor::of<float>({1}, {1.5f});
  for (const BinaryFunction function : kArithmetic) {
    const BinaryParams params{function};
    const std::vector<Layout> both = {Layout::plain, Layout::blocked};
    KernelCase(Op::Binary, params).input(random_tensor({2, 19, 5, 7}, 3)).constant(one).check("binary.flat", 1e-6, both);
    KernelCase(Op::Binary, params).constant(one).input(random_tensor({2, 19, 5, 7}, 3)).check("binary.flat", 1e-6, both);
    KernelCase(Op::Binary, params).input(random_tensor({9, 5}, 3)).input(Tensor::of<float>({}, {2.0f})).check("binary.flat", 1e-6);
  }
  KernelCase(Op::Binary, BinaryParams{BinaryFunction::pow}).input(random_tensor({37}, 3)).constant(Tensor::of<float>({}, {2.0f})).check("binary.flat", 0);
  KernelCase(Op::Binary, BinaryParams{BinaryFunction::pow}).constant(Tensor::of<float>({}, {2.0f})).input(random_tensor({37}, 3)).check("binary.flat", 1e-6);
  KernelCase(Op::Binary, BinaryParams{BinaryFunction::add}).constant(one).input(one).check("binary.flat", 0);
}

TEST(Binary, BlockedWants) {
  const auto declines = [](KernelCase node) { return node.declines("binary.flat", Layout::blocked); };
  const Tensor image = random_tensor({2, 19, 5, 7});
  const BinaryParams add{BinaryFunction::add};
  EXPECT_NE(declines(KernelCase(Op::Binary, add).input(image).constant(image)), "");                           // a constant lies plain
  EXPECT_NE(declines(KernelCase(Op::Binary, add).input(image).input(random_tensor({19, 5, 7}))), "");          // broadcast
  EXPECT_NE(declines(KernelCase(Op::Binary, add).input(image).input(random_tensor({1, 1, 1, 1}))), "");        // has 16 lanes of its own
  EXPECT_EQ(declines(KernelCase(Op::Binary, add).input(image).input(image)), "");
}

TEST(Binary, Broadcast) {
  const std::pair<Shape, Shape> pairs[] = {{{5, 33}, {33}},        {{33}, {5, 33}},          {{5, 33}, {5, 1}},          {{5, 1}, {1, 33}},
                                           {{2, 7, 5, 9}, {7, 1, 1}}, {{2, 1, 5, 1}, {7, 1, 9}}, {{1, 70, 300}, {2, 70, 1}}, {{3, 1, 200, 200}, {3, 2, 1, 200}},
                                           {{4, 0}, {1}},           {{2, 0, 3}, {3}},         {{1, 1}, {3, 1, 1}}};
  for (const auto& [a, b] : pairs) {
    for (const BinaryFunction function : kArithmetic) binary(function, random_tensor(a, 3, "a"), random_tensor(b, 3, "b")).check("binary.broadcast", 1e-6);
  }
}

TEST(Binary, FusedActivation) {
  const UnaryParams relu{UnaryFunction::relu, 0, 0}, gelu{UnaryFunction::gelu, 0, 0};
  const Tensor a = random_tensor({2, 19, 5, 7}, 3, "a"), b = random_tensor({2, 19, 5, 7}, 3, "b");
  binary(BinaryFunction::add, a, b).activation(relu).check("binary.flat", 1e-6, {Layout::plain, Layout::blocked});
  binary(BinaryFunction::mul, a, b).activation(gelu).check("binary.flat", 1e-6, {Layout::plain, Layout::blocked});
  binary(BinaryFunction::sub, a, random_tensor({19, 1, 1})).activation(relu).check("binary.broadcast", 1e-6);
  EXPECT_NE(binary(BinaryFunction::add, a, b).residual(a).declines("binary.flat"), "");
  EXPECT_NE(binary(BinaryFunction::add, a, b).residual(a).declines("binary.broadcast"), "");
}

TEST(Binary, NaNIsKeptByMinAndMax) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Tensor a = Tensor::of<float>({6}, {nan, 1, nan, 2, -1, 0}), b = Tensor::of<float>({6}, {1, nan, nan, 3, -2, 0});
  for (const BinaryFunction function : {BinaryFunction::min, BinaryFunction::max}) binary(function, a, b).check("binary.flat", 0);
}

TEST(Binary, OnlyFloatArithmetic) {
  const Tensor ints = Tensor::of<int64_t>({3}, {1, 2, 3});
  EXPECT_NE(binary(BinaryFunction::add, ints, ints).declines("binary.flat"), "");
  EXPECT_NE(binary(BinaryFunction::less, random_tensor({3}), random_tensor({3})).declines("binary.broadcast"), "");
  binary(BinaryFunction::add, ints, ints).check("reference", 0);
}

TEST(Where, Broadcast) {
  const Shape shapes[][3] = {{{5, 33}, {5, 33}, {5, 33}}, {{5, 33}, {1}, {5, 33}}, {{5, 33}, {5, 33}, {}}, {{5, 1}, {33}, {5, 33}}, {{33}, {5, 1}, {1, 1}},
                             {{1, 1, 60, 60}, {2, 9, 60, 60}, {1}}, {{3, 0}, {1}, {1}}, {{1}, {7}, {7}}};
  for (const auto& [condition, x, y] : shapes) {
    KernelCase(Op::Where, NoParams{}).input(random_flags(condition)).input(random_tensor(x, 1, "x")).input(random_tensor(y, 1, "y")).check("where", 0);
  }
}

}  // namespace
}  // namespace ropeway::test
