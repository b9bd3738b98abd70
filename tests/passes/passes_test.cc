// What each pass does to a graph, and that the outputs of the whole graph stay what they were.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/random.h"
#include "ir/verify.h"
#include "ops/builder.h"
#include "ops/operator.h"
#include "passes/pipeline.h"

namespace ropeway {
namespace {

Tensor uniform(const std::string& name, Shape shape, float offset = 0) {
  Tensor tensor({DType::f32, std::move(shape)});
  fill_uniform(tensor.data<float>(), stream_seed(name));
  for (float& element : tensor.data<float>()) element += offset;
  return tensor;
}

int count(const Graph& graph, Op op) {
  return static_cast<int>(std::count_if(graph.nodes.begin(), graph.nodes.end(), [op](const Node& node) { return node.op == op; }));
}

// Largest difference between the outputs of two graphs for the same generated inputs.
double difference(const Graph& a, const Graph& b) {
  std::vector<Tensor> inputs;
  for (const ValueId id : a.inputs) inputs.push_back(uniform(a.value(id).name, a.type(id).shape));
  const auto x = evaluate(a, inputs), y = evaluate(b, inputs);
  double largest = 0;
  for (size_t o = 0; o < x.size(); ++o) {
    for (size_t i = 0; i < x[o].data<float>().size(); ++i) largest = std::max(largest, std::fabs(static_cast<double>(x[o].data<float>()[i]) - y[o].data<float>()[i]));
  }
  return largest;
}

ValueId add_conv(GraphBuilder& builder, ValueId x, int64_t out, bool bias) {
  std::vector<ValueId> inputs = {x, builder.constant("w", uniform("w", {out, builder.shape(x)[1], 3, 3}))};
  if (bias) inputs.push_back(builder.constant("b", uniform("b", {out})));
  return builder.add1(Op::Conv, ConvParams{{1, 1}, {1, 1, 1, 1}, {1, 1}, 1}, inputs, "conv");
}

ValueId add_norm(GraphBuilder& builder, ValueId x) {
  const int64_t channels = builder.shape(x)[1];
  return builder.add1(Op::BatchNormalization, EpsilonParams{1e-3},
                      {x, builder.constant("scale", uniform("scale", {channels})), builder.constant("shift", uniform("shift", {channels})),
                       builder.constant("mean", uniform("mean", {channels})), builder.constant("var", uniform("var", {channels}, 1.5f))},
                      "norm");
}

TEST(FoldBatchNorm, JoinsTheConvolution) {
  for (const bool bias : {false, true}) {
    GraphBuilder builder("m", "test");
    const ValueId x = builder.input("x", {DType::f32, {2, 3, 5, 4}});
    builder.output(add_norm(builder, add_conv(builder, x, 4, bias)));
    const Graph before = builder.finish();
    const Graph after = fold_batch_norm(before);
    verify(after);
    EXPECT_EQ(count(after, Op::BatchNormalization), 0);
    EXPECT_EQ(count(after, Op::Conv), 1);
    EXPECT_LT(difference(before, after), 1e-5);
  }
}

TEST(FoldBatchNorm, LeavesAConvolutionThatSomethingElseReads) {
  GraphBuilder builder("m", "test");
  const ValueId conv = add_conv(builder, builder.input("x", {DType::f32, {1, 3, 5, 4}}), 4, true);
  builder.output(add_norm(builder, conv));
  builder.output(conv);
  const Graph after = fold_batch_norm(builder.finish());
  EXPECT_EQ(count(after, Op::BatchNormalization), 1);
}

TEST(FoldConstants, ComputesWhatNeedsNoInput) {
  GraphBuilder builder("m", "test");
  const ValueId x = builder.input("x", {DType::f32, {2, 3}});
  const ValueId w = builder.add1(Op::Transpose, PermParams{{1, 0}}, {builder.constant("w", uniform("w", {4, 3}))}, "t");
  builder.output(builder.add1(Op::MatMul, NoParams{}, {x, w}, "y"));
  const Graph before = builder.finish();
  const Graph after = fold_constants(before);
  verify(after);
  EXPECT_EQ(count(after, Op::Transpose), 0);
  EXPECT_EQ(difference(before, after), 0);
}

TEST(FoldConstants, KeepsWhatWouldGrowTooLarge) {
  GraphBuilder builder("m", "test");
  builder.output(builder.add1(Op::Expand, ShapeParams{{1024, 1024}}, {builder.constant("w", uniform("w", {1, 1024}))}, "e"));
  EXPECT_EQ(count(fold_constants(builder.finish()), Op::Expand), 1);
}

TEST(RemoveNoOps, DropsDropoutAndJoinsReshapes) {
  GraphBuilder builder("m", "test");
  ValueId v = builder.input("x", {DType::f32, {2, 6}});
  v = builder.add1(Op::Dropout, DropoutParams{}, {v}, "d");
  v = builder.add1(Op::Reshape, ShapeParams{{2, 3, 2}}, {v}, "r1");
  v = builder.add1(Op::Transpose, PermParams{{0, 1, 2}}, {v}, "t");
  v = builder.add1(Op::Reshape, ShapeParams{{4, 3}}, {v}, "r2");
  v = builder.add1(Op::Unary, UnaryParams{UnaryFunction::relu, 0, 0}, {v}, "y");
  builder.output(v);
  const Graph before = builder.finish();
  const Graph after = remove_dead_code(remove_no_ops(before));
  verify(after);
  EXPECT_EQ(after.nodes.size(), 2u);
  EXPECT_EQ(difference(before, after), 0);
}

TEST(RemoveNoOps, KeepsTrainingDropout) {
  GraphBuilder builder("m", "test");
  builder.output(builder.add1(Op::Dropout, DropoutParams{0.5, true}, {builder.input("x", {DType::f32, {2}})}, "d"));
  EXPECT_EQ(count(remove_no_ops(builder.finish()), Op::Dropout), 1);
}

// The windows of AdaptiveAvgPool2d gathered one by one, masked, added and divided: how torch 2.13 writes them to ONNX.
Graph decomposed_pooling(int64_t size, int64_t out, float error) {
  GraphBuilder builder("m", "test");
  const ValueId x = builder.input("x", {DType::f32, {2, 3, size, size}});
  const ValueId first = builder.add1(Op::Transpose, PermParams{{2, 3, 0, 1}}, {x}, "first");
  const auto begin = [&](int64_t i) { return i * size / out; };
  const auto end = [&](int64_t i) { return ((i + 1) * size + out - 1) / out; };
  const int64_t taps = (size + out - 1) / out + 1;
  std::vector<int64_t> indices;
  std::vector<float> counts;
  Tensor outside({DType::boolean, {out, taps, out, taps, 1, 1}});
  for (int64_t y = 0, at = 0; y < out; ++y) {
    for (int64_t ty = 0; ty < taps; ++ty) {
      for (int64_t c = 0; c < out; ++c) {
        for (int64_t tx = 0; tx < taps; ++tx, ++at) {
          indices.push_back(std::min(begin(y) + ty, size - 1));
          indices.push_back(std::min(begin(c) + tx, size - 1));
          outside.data<bool>()[static_cast<size_t>(at)] = begin(y) + ty >= end(y) || begin(c) + tx >= end(c);
        }
      }
    }
    for (int64_t c = 0; c < out; ++c) counts.push_back(static_cast<float>((end(y) - begin(y)) * (end(c) - begin(c))) + error);
  }
  const ValueId index = builder.constant("i", Tensor::of<int64_t>({out, taps, out, taps, 2}, indices));
  const ValueId gathered = builder.add1(Op::GatherND, BatchDimsParams{}, {first, index}, "g");
  const ValueId masked = builder.add1(Op::Where, NoParams{}, {builder.constant("m", outside), builder.constant("zero", Tensor::of<float>({}, {0})), gathered}, "masked");
  const ValueId moved = builder.add1(Op::Transpose, PermParams{{4, 5, 0, 1, 2, 3}}, {masked}, "moved");
  ValueId sum = kNoValue;
  for (int64_t ty = 0; ty < taps; ++ty) {
    const ValueId row = builder.add1(Op::Gather, AxisParams{3}, {moved, builder.constant("ty", Tensor::of<int64_t>({}, {ty}))}, "row");
    for (int64_t tx = 0; tx < taps; ++tx) {
      const ValueId tap = builder.add1(Op::Gather, AxisParams{4}, {row, builder.constant("tx", Tensor::of<int64_t>({}, {tx}))}, "tap");
      sum = sum == kNoValue ? tap : builder.add1(Op::Binary, BinaryParams{BinaryFunction::add}, {sum, tap}, "sum");
    }
  }
  builder.output(builder.add1(Op::Binary, BinaryParams{BinaryFunction::div}, {sum, builder.constant("counts", Tensor::of<float>({out, out}, counts))}, "y"));
  return builder.finish();
}

TEST(RecoverAdaptivePooling, RecognisesOverlappingWindows) {
  for (const auto& [size, out] : {std::pair<int64_t, int64_t>{5, 6}, {7, 3}, {4, 1}}) {
    const Graph before = decomposed_pooling(size, out, 0);
    const Graph after = remove_dead_code(recover_adaptive_pooling(before));
    verify(after);
    ASSERT_EQ(after.nodes.size(), 1u) << size << " to " << out;
    EXPECT_EQ(after.nodes[0].op, Op::AdaptiveAveragePool);
    EXPECT_LT(difference(before, after), 1e-6);
  }
}

TEST(RecoverAdaptivePooling, LeavesWhatIsNotQuiteIt) { EXPECT_EQ(count(recover_adaptive_pooling(decomposed_pooling(5, 6, 0.01f)), Op::AdaptiveAveragePool), 0); }

TEST(RecoverAdaptivePooling, TakesAGlobalMean) {
  GraphBuilder builder("m", "test");
  builder.output(builder.add1(Op::Reduce, ReduceParams{ReduceFunction::mean, {2, 3}, true}, {builder.input("x", {DType::f32, {1, 3, 4, 5}})}, "y"));
  const Graph before = builder.finish();
  const Graph after = recover_adaptive_pooling(before);
  EXPECT_EQ(count(after, Op::AdaptiveAveragePool), 1);
  EXPECT_LT(difference(before, after), 1e-6);
}

}  // namespace
}  // namespace ropeway
