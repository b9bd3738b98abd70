#include "ops/builder.h"

#include <gtest/gtest.h>

#include "ir/text.h"
#include "ir/verify.h"
#include "ops/operator.h"
#include "ropeway/error.h"

namespace ropeway {
namespace {

TEST(Builder, KnowsTypesAtOnce) {
  GraphBuilder builder("g", "test");
  const ValueId x = builder.input("x", {DType::f32, {2, 6}});
  const auto parts = builder.add(Op::Split, SplitParams{1, {2, 4}}, {x}, "parts");
  EXPECT_EQ(builder.shape(parts[1]), (Shape{2, 4}));
  builder.output(parts[0]);
  const Graph graph = builder.finish();
  verify(graph);
  EXPECT_EQ(to_text(graph), "graph g\ninput %x: f32[2,6]\n%parts, %parts.1 = Split(%x) axis=1 split=[2,4] : f32[2,2], f32[2,4]\noutput %parts\n");
}

TEST(Builder, DropsWhatNoOutputNeeds) {
  GraphBuilder builder("g", "test");
  const ValueId x = builder.input("x", {DType::f32, {2}});
  const ValueId y = builder.add1(Op::Unary, UnaryParams{}, {x}, "y");
  builder.add1(Op::Unary, UnaryParams{}, {y}, "dead");
  builder.output(y);
  EXPECT_EQ(to_text(builder.finish()), "graph g\ninput %x: f32[2]\n%y = Unary(%x) function=relu alpha=0 beta=0 : f32[2]\noutput %y\n");
}

// The chains that exporters write to compute shapes.
TEST(Builder, SeesThroughConstantChains) {
  GraphBuilder builder("g", "test");
  const ValueId x = builder.input("x", {DType::i64, {2}});
  const ValueId c = builder.constant("c", Tensor::of<int64_t>({2}, {3, 4}));
  const ValueId sum = builder.add1(Op::Binary, BinaryParams{BinaryFunction::add}, {c, c}, "sum");
  const ValueId product = builder.add1(Op::Reduce, ReduceParams{ReduceFunction::prod, {0}, false}, {sum}, "product");
  const ValueId mixed = builder.add1(Op::Binary, BinaryParams{BinaryFunction::add}, {x, product}, "mixed");
  ASSERT_TRUE(builder.known(product));
  EXPECT_EQ(builder.known(product)->data<int64_t>()[0], 48);
  EXPECT_FALSE(builder.known(mixed));
  EXPECT_FALSE(builder.known(x));
  builder.output(mixed);
  const Graph graph = builder.finish();
  verify(graph);
  const std::vector<Tensor> outputs = evaluate(graph, {Tensor::of<int64_t>({2}, {1, 2})});
  EXPECT_EQ(outputs[0].data<int64_t>()[1], 50);
}

TEST(Builder, ForgetsOptionalInputsAtTheEnd) {
  GraphBuilder builder("g", "test");
  const ValueId a = builder.input("a", {DType::f32, {2, 3}}), b = builder.input("b", {DType::f32, {3, 2}});
  builder.output(builder.add1(Op::Gemm, GemmParams{}, {a, b, kNoValue}, "y"));
  EXPECT_EQ(builder.finish().nodes[0].inputs.size(), 2u);
}

TEST(Builder, PassesOnWhatInferenceSays) {
  GraphBuilder builder("g", "test");
  const ValueId x = builder.input("x", {DType::f32, {2}});
  EXPECT_THROW(builder.add1(Op::Softmax, AxisParams{1}, {x}, "y"), Error);
  EXPECT_THROW(builder.add1(Op::Conv, ConvParams{}, {x}, "y"), Error);
}

}  // namespace
}  // namespace ropeway
