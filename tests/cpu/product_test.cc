#include "cpu/kernels/normalize.h"
#include "support/kernel_harness.h"

namespace ropeway::test {
namespace {

constexpr double kTolerance = 2e-6;

Tensor named(const char* name, const Shape& shape) { return random_tensor(shape, 1, name); }

KernelCase linear(int64_t rows, int64_t depth, int64_t columns, bool transposed = true) {
  GemmParams params;
  params.transB = transposed;
  KernelCase result(Op::Gemm, params);
  result.input(named("a", {rows, depth})).constant(named("b", transposed ? Shape{columns, depth} : Shape{depth, columns})).constant(named("c", {columns}));
  return result;
}

TEST(Gemm, OneRowStreamsItsWeights) {
  for (const auto& [depth, columns] : {std::pair<int64_t, int64_t>{1, 1}, {7, 5}, {64, 32}, {130, 67}, {512, 100}}) {
    SCOPED_TRACE(fmt::format("{} to {}", depth, columns));
    linear(1, depth, columns).check("gemm.vector", kTolerance);
    linear(1, depth, columns, false).check("gemm.vector", kTolerance);
  }
  linear(1, 40, 33).residual(named("r", {1, 33})).activation({UnaryFunction::relu, 0, 0}).check("gemm.vector", kTolerance);
  linear(1, 40, 33).activation({UnaryFunction::gelu, 0, 0}).check("gemm.vector", kTolerance);
  EXPECT_NE(linear(2, 40, 33).declines("gemm.vector"), "");
}

TEST(Gemm, OneRowStreamsWeightsOf16Bits) {
  for (const auto& [depth, columns] : {std::pair<int64_t, int64_t>{1, 1}, {7, 5}, {16, 8}, {64, 32}, {130, 67}, {241, 33}, {512, 100}}) {
    SCOPED_TRACE(fmt::format("{} to {}", depth, columns));
    linear(1, depth, columns).half_weights().check("gemm.vector_f16", kTolerance);
    linear(1, depth, columns, false).half_weights().check("gemm.vector_f16", kTolerance);
  }
  linear(1, 40, 33).half_weights().residual(named("r", {1, 33})).activation({UnaryFunction::relu, 0, 0}).check("gemm.vector_f16", kTolerance);
  linear(1, 40, 33).half_weights().activation({UnaryFunction::gelu, 0, 0}).check("gemm.vector_f16", kTolerance);
  KernelCase(Op::MatMul, NoParams{}).input(named("a", {1, 24})).constant(named("b", {24, 40})).half_weights().bias(named("bias", {40})).check("gemm.vector_f16", kTolerance);
  EXPECT_NE(linear(2, 40, 33).half_weights().declines("gemm.vector_f16"), "");
  EXPECT_NE(linear(1, 40, 33).declines("gemm.vector_f16"), "");
}

// What 16 bits cannot hold stays in 32, and what they hold only just does not.
TEST(Gemm, WeightsBeyond16BitsDecline) {
  const auto with = [](float weight, float scale) {
    KernelCase result(Op::MatMul, NoParams{});
    Tensor b = random_tensor({90, 1000}, scale, "b");
    b.data<float>()[70001] = weight;
    result.input(named("a", {1, 90})).constant(b).half_weights();
    return result;
  };
  EXPECT_NE(with(-65505, 1).declines("gemm.vector_f16").find("65505"), std::string::npos);
  EXPECT_NE(with(0, 1e-6f).declines("gemm.vector_f16").find("so small"), std::string::npos);
  EXPECT_EQ(with(0, 0).declines("gemm.vector_f16"), "");
  with(65504, 1).check("gemm.vector_f16", kTolerance);
  with(1e-8f, 1e-4f).check("gemm.vector_f16", kTolerance);  // rounds to a number below the normal ones, and to zero
  with(-std::numeric_limits<float>::infinity(), 1).check("gemm.vector_f16", kTolerance);
  with(std::numeric_limits<float>::quiet_NaN(), 1).check("gemm.vector_f16", kTolerance);
}

TEST(Gemm, ManyRowsArePackedInPanels) {
  for (const auto& [rows, depth, columns] : {std::tuple<int64_t, int64_t, int64_t>{2, 1, 1}, {3, 7, 5}, {14, 64, 32}, {29, 33, 70}, {197, 48, 96}, {120, 16, 17}, {2, 150, 49}}) {
    SCOPED_TRACE(fmt::format("{} rows, {} to {}", rows, depth, columns));
    linear(rows, depth, columns).check("gemm.packed", kTolerance);
    linear(rows, depth, columns, false).check("gemm.packed", kTolerance);
  }
  linear(9, 40, 33).residual(named("r", {9, 33})).activation({UnaryFunction::clip, -1, 1}).check("gemm.packed", kTolerance);
  linear(9, 40, 33).activation({UnaryFunction::gelu, 0, 0}).check("gemm.packed", kTolerance);
}

TEST(MatMul, ByAConstantTakesBiasResidualAndActivationIn) {
  const auto product = [] { KernelCase result(Op::MatMul, NoParams{}); result.input(named("a", {2, 13, 24})).constant(named("b", {24, 40})); return result; };
  product().check("gemm.packed", kTolerance);
  product().bias(named("bias", {40})).residual(named("r", {2, 13, 40})).activation({UnaryFunction::relu, 0, 0}).check("gemm.packed", kTolerance);
}

TEST(MatMul, OfComputedMatrices) {
  const std::pair<Shape, Shape> list[] = {{{5, 7}, {7, 3}}, {{2, 3, 14, 32}, {2, 3, 32, 33}}, {{4, 9, 8}, {8, 16}}, {{2, 1, 6, 5}, {3, 5, 4}}};
  for (const auto& [a, b] : list) {
    SCOPED_TRACE(fmt::format("[{}] by [{}]", fmt::join(a, ","), fmt::join(b, ",")));
    KernelCase(Op::MatMul, NoParams{}).input(named("a", a)).input(named("b", b)).check("matmul.batched", kTolerance);
  }
}

TEST(Products, NaNAndInfinityAreKept) {
  const auto odd = [](int64_t rows, int64_t columns) {
    GemmParams params;
    params.transB = true;
    KernelCase result(Op::Gemm, params);
    Tensor a = named("a", {rows, 16});
    a.data<float>()[5] = std::numeric_limits<float>::quiet_NaN();
    if (rows > 2) a.data<float>()[16 + 7] = std::numeric_limits<float>::infinity();
    result.input(a).constant(named("b", {columns, 16})).constant(named("c", {columns}));
    return result;
  };
  for (const auto& [name, rows] : {std::pair<const char*, int64_t>{"gemm.vector", 1}, {"gemm.packed", 1}, {"gemm.packed", 9}}) {
    odd(rows, 500).check(name, kTolerance);
    odd(rows, 33).activation({UnaryFunction::relu, 0, 0}).check(name, kTolerance);
    odd(rows, 33).residual(named("r", {rows, 33})).activation({UnaryFunction::clip, 0, 6}).check(name, kTolerance);
    odd(rows, 33).activation({UnaryFunction::gelu, 0, 0}).check(name, kTolerance);
  }
  Tensor a = named("a", {2, 7, 16});
  a.data<float>()[40] = std::numeric_limits<float>::quiet_NaN();
  a.data<float>()[70] = -std::numeric_limits<float>::infinity();
  KernelCase(Op::MatMul, NoParams{}).input(a).input(named("b", {2, 16, 37})).check("matmul.batched", kTolerance);
}

TEST(Attention, AgreesWithReference) {
  const auto attention = [](bool causal, const Shape& q, const Shape& k, const Shape& v) { KernelCase result(Op::ScaledDotProductAttention, AttentionParams{0.3, causal}); result.input(named("q", q)).input(named("k", k)).input(named("v", v)); return result; };
  attention(false, {2, 3, 17, 16}, {2, 3, 17, 16}, {2, 3, 17, 16}).check("attention.headwise", kTolerance);
  attention(false, {1, 2, 5, 8}, {1, 2, 9, 8}, {1, 2, 9, 21}).check("attention.headwise", kTolerance);
  attention(true, {1, 2, 33, 12}, {1, 2, 33, 12}, {1, 2, 33, 12}).check("attention.headwise", kTolerance);
  attention(false, {2, 2, 6, 8}, {2, 2, 7, 8}, {2, 2, 7, 8}).input(named("mask", {6, 7})).check("attention.headwise", kTolerance);
  attention(false, {1, 3, 61, 40}, {1, 3, 197, 40}, {1, 3, 197, 40}).check("attention.headwise", kTolerance);     // blocks of queries, whole panels and parts
  attention(true, {30, 5, 3, 64}, {30, 5, 70, 64}, {30, 5, 70, 33}).check("attention.headwise", kTolerance);      // more heads than are packed at a time
  Tensor hidden({DType::boolean, {6, 37}});
  for (size_t i = 0; i < 6 * 37; ++i) hidden.data<bool>()[i] = i / 37 != 4 && i % 3 == 0;                          // the fifth query sees nothing
  attention(false, {2, 2, 6, 8}, {2, 2, 37, 8}, {2, 2, 37, 8}).input(hidden).check("attention.headwise", kTolerance);
}

// What normalize.h states, over all exponents and with what is hidden.
TEST(Attention, ExponentialsAreAsStated) {
  std::vector<float> in(4001);
  for (size_t i = 0; i < in.size(); ++i) in[i] = 3.0f - 0.03f * static_cast<float>(i) - 1e-5f * static_cast<float>(i % 97);
  in[777] = -std::numeric_limits<float>::infinity();
  for_each_target([&] {
    std::vector<float> out = in;
    const double sum = static_cast<double>(cpu::exponentials_of_row(out.data(), static_cast<int64_t>(out.size())));
    double exact_sum = 0;
    for (size_t i = 0; i < in.size(); ++i) {
      const float difference = in[i] - in[0];
      const double exact = std::exp(static_cast<double>(difference));
      exact_sum += exact;
      if (difference < -87) {
        EXPECT_EQ(out[i], 0.0f) << difference;
      } else {
        EXPECT_NEAR(out[i], exact, exact * 2 * 0x1p-23) << difference;
      }
    }
    EXPECT_NEAR(sum, exact_sum, 1e-6 * exact_sum);
    std::vector<float> none(37, -std::numeric_limits<float>::infinity());
    EXPECT_EQ(cpu::exponentials_of_row(none.data(), 37), 0.0f);
    EXPECT_EQ(none, std::vector<float>(37, 0.0f));
  });
}

}  // namespace
}  // namespace ropeway::test
