#include "cpu/kernels/half.h"

#include <bit>

#include "cpu/fusion.h"
#include "cpu/widened.h"
#include "ir/deferred.h"
#include "ir/text.h"
#include "support/kernel_harness.h"

namespace ropeway::test {
namespace {

using cpu::Layout;

// Every 16-bit float, what lies half-way to the next, the f32 next to each of these on both sides, and a million patterns of bits.
const std::vector<float>& floats() {
  static const std::vector<float> list = [] {
    std::vector<float> result;
    const auto around = [&](uint32_t bits) {
      for (const uint32_t each : {bits - 1, bits, bits + 1}) result.push_back(std::bit_cast<float>(each));
    };
    for (uint32_t half = 0; half < 0x10000; ++half) {
      const uint32_t bits = std::bit_cast<uint32_t>(f16_to_f32(static_cast<uint16_t>(half)));
      const uint32_t next = std::bit_cast<uint32_t>(f16_to_f32(static_cast<uint16_t>(half + 1)));
      around(bits);
      if ((half & 0x7fff) < 0x7c00) around(static_cast<uint32_t>((uint64_t{bits} + next) / 2));
    }
    for (uint32_t i = 0; i < 1000003; ++i) result.push_back(std::bit_cast<float>(i * 2654435761u));
    for (const float each : {65519.99f, 65520.0f, 65536.0f, 3.4e38f, 1e-45f, 1e-8f, 0x1p-25f, 0x1.000002p-25f, -0x1p-25f}) result.push_back(each);
    return result;
  }();
  return list;
}

TEST(Half, RoundsAsTheReferenceDoes) {
  const std::vector<float>& in = floats();
  for_each_target([&] {
    std::vector<float> rounded(in.size()), back(in.size());
    std::vector<uint16_t> halves(in.size());
    cpu::round_to_f16(in.data(), rounded.data(), static_cast<int64_t>(in.size()));
    cpu::to_f16(in.data(), halves.data(), static_cast<int64_t>(in.size()));
    cpu::from_f16(halves.data(), back.data(), static_cast<int64_t>(in.size()));
    for (size_t i = 0; i < in.size(); ++i) {
      const uint16_t expected = f32_to_f16(in[i]);
      ASSERT_EQ(halves[i], expected) << in[i];
      ASSERT_EQ(std::bit_cast<uint32_t>(rounded[i]), std::bit_cast<uint32_t>(f16_to_f32(expected))) << in[i];
      ASSERT_EQ(std::bit_cast<uint32_t>(back[i]), std::bit_cast<uint32_t>(rounded[i])) << in[i];
    }
  });
}

TEST(Half, EveryOneOfThemWidens) {
  std::vector<uint16_t> in(0x10000);
  for (size_t i = 0; i < in.size(); ++i) in[i] = static_cast<uint16_t>(i);
  for_each_target([&] {
    std::vector<float> out(in.size());
    cpu::from_f16(in.data(), out.data(), static_cast<int64_t>(in.size()));
    for (size_t i = 0; i < in.size(); ++i) ASSERT_EQ(std::bit_cast<uint32_t>(out[i]), std::bit_cast<uint32_t>(f16_to_f32(in[i]))) << i;
  });
}

TEST(Half, TouchesNothingBehind) {
  for_each_target([&] {
    for (int64_t count = 0; count <= 40; ++count) {
      Guarded floats_out(static_cast<size_t>(count) * 4, 4), halves_out(static_cast<size_t>(count) * 2, 2);
      cpu::to_f16(floats().data(), reinterpret_cast<uint16_t*>(halves_out.data()), count);
      cpu::from_f16(reinterpret_cast<const uint16_t*>(halves_out.data()), reinterpret_cast<float*>(floats_out.data()), count);
      cpu::round_to_f16(floats().data(), reinterpret_cast<float*>(floats_out.data()), count);
      EXPECT_TRUE(floats_out.intact() && halves_out.intact()) << count;
    }
  });
}

TEST(Half, Casts) {
  Tensor large = random_tensor({1, 5, 9, 11}, 1e5f);
  KernelCase(Op::Cast, CastParams{DType::f16}).input(large).rounded().check("round_f16", 0, {Layout::plain, Layout::blocked});
  KernelCase(Op::Cast, CastParams{DType::f16}).input(random_tensor({100003})).rounded().check("round_f16", 0);
  KernelCase(Op::Cast, CastParams{DType::f16}).input(random_tensor({100003})).check("to_f16", 0);
  KernelCase(Op::Cast, CastParams{DType::f32}).input(convert(random_tensor({100003}), DType::f16)).check("from_f16", 0);
  EXPECT_NE(KernelCase(Op::Cast, CastParams{DType::f16}).input(large).declines("round_f16"), "");
  EXPECT_NE(KernelCase(Op::Cast, CastParams{DType::i32}).input(large).declines("to_f16"), "");
}

TEST(Half, WeightsAreWidenedWhenTheyAreRead) {
  const Tensor half = convert(random_tensor({1009, 1013}), DType::f16);
  const Tensor wide = cpu::widened(half);
  ThreadPool pool(2);
  load(wide, pool);
  expect_close(wide, convert(half, DType::f32), 0);
}

// What is computed bit by bit as the reference does is rounded to the same bits.
TEST(Half, IsFusedToElementWiseOperators) {
  const UnaryParams relu{UnaryFunction::relu, 0, 0};
  for (const Shape& shape : {Shape{1, 20, 7, 9}, Shape{2, 32, 40, 40}}) {
    KernelCase(Op::Binary, BinaryParams{BinaryFunction::add}).input(random_tensor(shape)).input(random_tensor(shape, 1, "y")).activation(relu).rounded()
        .check("binary.flat", 0, {Layout::plain, Layout::blocked});
    KernelCase(Op::Unary, UnaryParams{UnaryFunction::hard_sigmoid, 0.25, 0.5}).input(random_tensor(shape)).rounded().check("unary", 1e-3, {Layout::plain, Layout::blocked});
    KernelCase(Op::Unary, UnaryParams{UnaryFunction::sqrt, 0, 0}).input(random_tensor(shape)).rounded().check("unary", 0, {Layout::plain});
  }
  KernelCase(Op::Binary, BinaryParams{BinaryFunction::mul}).input(random_tensor({3, 50, 33})).input(random_tensor({50, 1}, 1, "y")).rounded().check("binary.broadcast", 0);
}

// Sums come in another order: a result may fall to the other side of a rounding. All of them are 16-bit floats, all the same.
TEST(Half, IsFusedToConvolutionsAndProducts) {
  constexpr double kOneRounding = 1e-3;
  const UnaryParams relu{UnaryFunction::relu, 0, 0}, gelu{UnaryFunction::gelu, 0, 0};
  const ConvParams same{{1, 1}, {1, 1, 1, 1}, {1, 1}, 1};
  for (const auto& activation : {relu, gelu}) {
    KernelCase(Op::Conv, same).input(random_tensor({1, 20, 9, 11})).constant(random_tensor({48, 20, 3, 3}, 0.1f, "w")).constant(random_tensor({48}, 1, "b"))
        .residual(random_tensor({1, 48, 9, 11}, 1, "r")).activation(activation).rounded().check("conv.direct", kOneRounding, {Layout::plain, Layout::blocked});
    KernelCase(Op::Gemm, GemmParams{1, 1, false, true}).input(random_tensor({1, 70})).constant(random_tensor({50, 70}, 0.1f, "w")).activation(activation).rounded()
        .check("gemm.vector", kOneRounding);
    KernelCase(Op::MatMul, NoParams{}).input(random_tensor({130, 70})).constant(random_tensor({70, 50}, 0.1f, "w")).activation(activation).rounded()
        .check("gemm.packed", kOneRounding);
  }
  KernelCase(Op::Conv, ConvParams{{1, 1}, {1, 1, 1, 1}, {1, 1}, 20}).input(random_tensor({1, 20, 9, 11})).constant(random_tensor({20, 1, 3, 3}, 1, "w")).rounded()
      .check("conv.depthwise", kOneRounding);
  EXPECT_NE(KernelCase(Op::Conv, same).input(random_tensor({1, 20, 9, 11})).constant(random_tensor({40, 20, 3, 3}, 0.1f, "w")).residual(random_tensor({1, 40, 9, 11}, 1, "r")).rounded()
                .declines("conv.direct"), "");
  // Weights of whole numbers, inputs of few bits: no sum is rounded on the way, so that the result is exact to the bit.
  Tensor x = random_tensor({1, 20, 9, 11}), w = random_tensor({40, 20, 3, 3}, 1, "w");
  for (float& each : x.data<float>()) each = std::round(each * 64) / 64;
  for (float& each : w.data<float>()) each = std::round(each * 8);
  KernelCase(Op::Conv, same).input(x).constant(w).activation(relu).rounded().check("conv.direct", 0, {Layout::plain, Layout::blocked});
}

std::vector<std::string> fused(const std::string& lines) {
  const Graph graph = parse_graph("graph g\n" + lines, infer);
  std::vector<std::string> result;
  for (const cpu::FusedNode& each : cpu::fuse(graph, true)) result.push_back(fmt::format("{}{}", fmt::join(each.nodes, " "), each.fusion.round_f16 ? " rounded" : ""));
  return result;
}

TEST(Half, TheFuserFindsPairsOfCasts) {
  using Parts = std::vector<std::string>;
  const std::string input = "input %x: f32[1,16,8,8]\nconst %w: f32[16,16,1,1] = uniform(w)\n";
  const std::string conv = "%c = Conv(%x, %w) strides=[1,1] pads=[0,0,0,0] dilations=[1,1]\n";
  const std::string casts = "%h = Cast(%c) to=f16\n%r = Cast(%h) to=f32\n";
  EXPECT_EQ(fused(input + conv + casts + "output %r\n"), (Parts{"0 1 2 rounded"}));
  EXPECT_EQ(fused(input + conv + casts + "%y = Unary(%r) function=relu\noutput %y\n"), (Parts{"0 1 2 rounded", "3"}));  // nothing follows the rounding
  EXPECT_EQ(fused(input + conv + "%a = Unary(%c) function=relu\n%h = Cast(%a) to=f16\n%r = Cast(%h) to=f32\noutput %r\n"), (Parts{"0 1 2 3 rounded"}));
  EXPECT_EQ(fused(input + conv + casts + "output %r\noutput %h\n"), (Parts{"0", "1", "2"}));  // the 16 bits are wanted as such
  EXPECT_EQ(fused(input + conv + casts + "output %r\noutput %c\n"), (Parts{"0", "1 2 rounded"}));
  EXPECT_EQ(fused("input %c: f32[4]\n" + casts + "output %r\n"), (Parts{"0 1 rounded"}));
  EXPECT_EQ(fused("input %c: f64[4]\n" + casts + "output %r\n"), (Parts{"0", "1"}));
  EXPECT_EQ(fused(input + "%c = Softmax(%x) axis=1\n" + casts + "output %r\n"), (Parts{"0", "1 2 rounded"}));
}

}  // namespace
}  // namespace ropeway::test
