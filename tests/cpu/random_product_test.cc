// Every implementation of matrix products and attention on random sizes.
#include "support/kernel_harness.h"
#include "support/random_cases.h"

namespace ropeway::test {
namespace {

// Of the largest sum of absolute terms.
double product_tolerance(const std::string&) { return 1e-6; }

// What follows a product, and weights of 16 bits.
void draw_fusion(Draw& draw, KernelCase& product, const Shape& out) {
  if (draw.coin()) product.half_weights();
  if (draw.once_in(4)) product.residual(random_tensor(out, 1, "r"));
  if (draw.once_in(3)) product.activation(draw.one_of<UnaryParams>({{UnaryFunction::relu, 0, 0}, {UnaryFunction::clip, -1, 2}, {UnaryFunction::gelu, 0, 0}}));
  product.judged_by_terms();
}

TEST(RandomProduct, GemmAgreesWithReference) {
  Draw draw("gemm");
  Tally tally;
  for (int i = 0; i < 100; ++i) {
    const int64_t rows = draw.coin() ? 1 : draw.from(2, 130), depth = draw.from(1, 90), columns = draw.from(1, 80);
    const GemmParams params{draw.once_in(8) ? 0.5 : 1.0, draw.once_in(8) ? 0.5 : 1.0, draw.once_in(8), draw.coin()};
    SCOPED_TRACE(fmt::format("case {}: {} rows, {} to {}", i, rows, depth, columns));
    KernelCase product(Op::Gemm, params);
    product.input(random_tensor(params.transA ? Shape{depth, rows} : Shape{rows, depth}, 1, "a")).constant(random_tensor(params.transB ? Shape{columns, depth} : Shape{depth, columns}, 1, "b"));
    if (draw.coin()) product.constant(random_tensor(draw.coin() ? Shape{columns} : Shape{1, columns}, 1, "c"));
    draw_fusion(draw, product, {rows, columns});
    tally.add(product.check_all(product_tolerance));
    if (HasFailure()) return;
  }
  tally.expect_all(Op::Gemm, 15);
}

TEST(RandomProduct, MatMulAgreesWithReference) {
  Draw draw("matmul");
  Tally tally;
  for (int i = 0; i < 100; ++i) {
    const int64_t rows = draw.coin() ? 1 : draw.from(2, 40), depth = draw.from(1, 70), columns = draw.from(1, 80), dimensions = draw.from(0, 2);
    Shape a = rows == 1 && draw.coin() ? Shape(static_cast<size_t>(dimensions), 1) : draw.shape(dimensions, 1, 3), out = a;
    a.push_back(rows), a.push_back(depth);
    out.push_back(rows), out.push_back(columns);
    KernelCase product(Op::MatMul, NoParams{});
    if (draw.coin()) {  // by weights
      SCOPED_TRACE(fmt::format("case {}: [{}] by {} columns", i, fmt::join(a, ","), columns));
      product.input(random_tensor(a, 1, "a")).constant(random_tensor({depth, columns}, 1, "b"));
      if (draw.coin()) product.bias(random_tensor({columns}, 1, "bias"));
      draw_fusion(draw, product, out);
      tally.add(product.check_all(product_tolerance));
    } else {  // both computed, broadcast against each other
      Shape b = a;
      b[b.size() - 2] = depth, b.back() = columns;
      for (int64_t d = 0; d < dimensions; ++d) {
        if (draw.once_in(3)) (draw.coin() ? a : b)[static_cast<size_t>(d)] = 1;
      }
      if (draw.once_in(3)) b.erase(b.begin(), b.begin() + draw.from(0, dimensions));
      SCOPED_TRACE(fmt::format("case {}: [{}] by [{}]", i, fmt::join(a, ","), fmt::join(b, ",")));
      tally.add(product.input(random_tensor(a, 1, "a")).input(random_tensor(b, 1, "b")).judged_by_terms().check_all(product_tolerance));
    }
    if (HasFailure()) return;
  }
  tally.expect_all(Op::MatMul, 8);
}

TEST(RandomProduct, AttentionAgreesWithReference) {
  Draw draw("attention");
  Tally tally;
  for (int i = 0; i < 60; ++i) {
    const Shape heads = draw.shape(draw.from(1, 2), 1, 3);
    const int64_t queries = draw.from(1, 70), keys = draw.from(1, 70), width = draw.from(1, 40), values = draw.from(1, 40);
    const auto matrices = [&](int64_t rows, int64_t columns) { Shape shape = heads; shape.push_back(rows), shape.push_back(columns); return shape; };
    SCOPED_TRACE(fmt::format("case {}: [{}] heads, {} queries of {}, {} keys, values of {}", i, fmt::join(heads, ","), queries, width, keys, values));
    const int64_t mask = draw.from(0, 2);
    KernelCase attention(Op::ScaledDotProductAttention, AttentionParams{0.3, mask == 0 && draw.coin()});
    attention.input(random_tensor(matrices(queries, width), 1, "q")).input(random_tensor(matrices(keys, width), 1, "k")).input(random_tensor(matrices(keys, values), 1, "v"));
    if (mask > 0) {
      Shape shape = matrices(queries, keys);
      for (int64_t& size : shape) size = draw.once_in(3) ? 1 : size;
      attention.input(mask == 1 ? random_tensor(shape, 1, "mask") : random_flags(shape));
    }
    tally.add(attention.judged_by(1).check_all([](const std::string&) { return 2e-6; }));
    if (HasFailure()) return;
  }
  tally.expect_all(Op::ScaledDotProductAttention, 60);
}

}  // namespace
}  // namespace ropeway::test
