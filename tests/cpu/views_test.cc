#include "cpu/views.h"

#include <functional>

#include "cpu/backend.h"
#include "support/kernel_harness.h"

namespace ropeway::test {
namespace {

using Strides = std::optional<Shape>;

TEST(Views, StridesOfAReshape) {
  EXPECT_EQ(cpu::reshaped_strides({4, 6}, {6, 1}, {2, 2, 3, 2}), Strides(Shape{12, 6, 2, 1}));
  EXPECT_EQ(cpu::reshaped_strides({2, 2, 3}, {6, 3, 1}, {12}), Strides(Shape{1}));
  EXPECT_EQ(cpu::reshaped_strides({3, 4}, {1, 3}, {3, 2, 2}), Strides(Shape{1, 6, 3}));          // transposed: a dimension may be split
  EXPECT_EQ(cpu::reshaped_strides({3, 4}, {1, 3}, {12}), Strides());                              // but not joined to its neighbour
  EXPECT_EQ(cpu::reshaped_strides({3, 4}, {1, 3}, {2, 6}), Strides());
  EXPECT_EQ(cpu::reshaped_strides({1, 5, 1, 2}, {99, 20, 7, 10}, {10, 1}), Strides(Shape{10, 1}));  // dimensions of one element count for nothing
}

// Queries, keys and values out of one product, as vision transformers write it. `other`: what else is done.
Graph self_attention(int64_t step, const std::function<void(GraphBuilder&, ValueId qkv, ValueId q)>& other) {
  GraphBuilder b("g", "test");
  const ValueId x = b.input("x", {DType::f32, {2, 19, 3 * 2 * 24}});
  const ValueId qkv = b.add1(Op::Unary, UnaryParams{UnaryFunction::neg, 0, 0}, {x}, "qkv");
  const ValueId split = b.add1(Op::Reshape, ShapeParams{{2, 19, 3, 2, 24}}, {qkv}, "split");
  const ValueId heads = b.add1(Op::Transpose, PermParams{{2, 0, 3, 1, 4}}, {split}, "heads");
  std::vector<ValueId> parts;
  for (int64_t i = 0; i < 3; ++i) {
    const ValueId part = b.add1(Op::Slice, SliceParams{{i, 0, 0, 0, 0}, {i + 1, 2, 2, 19, 24}, {1, 1, 1, 1, step}}, {heads}, fmt::format("part{}", i));
    parts.push_back(b.add1(Op::Reshape, ShapeParams{{2, 2, 19, 24 / step}}, {part}, fmt::format("qkv{}", i)));
  }
  b.output(b.add1(Op::ScaledDotProductAttention, AttentionParams{0.2, false}, parts, "attention"));
  other(b, qkv, parts[0]);
  return b.graph();
}

Tensor run(Graph graph, const Tensor& x, const CompileOptions& options, size_t output) {
  std::vector<Tensor> outputs;
  for (const ValueId id : graph.outputs) outputs.emplace_back(graph.type(id));
  const auto executable = make_cpu_backend(2)->compile(std::move(graph), options);
  const auto context = executable->make_context();
  executable->run(*context, {&x, 1}, outputs, nullptr);
  return outputs[output];
}

void expect_same_as_reference(const Graph& graph) {
  CompileOptions reference;
  reference.force_kernel = "reference";
  const Tensor x = random_tensor({2, 19, 144});
  for (size_t i = 0; i < graph.outputs.size(); ++i) expect_close(run(graph, x, {}, i), run(graph, x, reference, i), 1e-6);
}

TEST(Views, AttentionReadsItsInputsWhereTheyLie) {
  const Graph graph = self_attention(1, [](GraphBuilder&, ValueId, ValueId) {});
  EXPECT_EQ(cpu::attention_views(graph).size(), 8u);  // split, heads, and two for each of three
  expect_same_as_reference(graph);
}

TEST(Views, WhatSomethingElseReadsIsComputed) {
  const Graph both = self_attention(1, [](GraphBuilder& b, ValueId qkv, ValueId q) {
    b.output(qkv);
    b.output(b.add1(Op::Unary, UnaryParams{UnaryFunction::exp, 0, 0}, {q}, "exp"));
  });
  EXPECT_EQ(cpu::attention_views(both).size(), 4u);  // those of keys and values
  expect_same_as_reference(both);
  const Graph output = self_attention(1, [](GraphBuilder& b, ValueId, ValueId q) { b.output(q); });
  EXPECT_EQ(cpu::attention_views(output).size(), 4u);
  expect_same_as_reference(output);
}

TEST(Views, RowsWithGapsAreComputed) {
  const Graph graph = self_attention(2, [](GraphBuilder&, ValueId, ValueId) {});
  EXPECT_TRUE(cpu::attention_views(graph).empty());
  expect_same_as_reference(graph);
}

}  // namespace
}  // namespace ropeway::test
