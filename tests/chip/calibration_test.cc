// The committed constants against what was measured, for the models that can be written down in a few lines; bench/calibrate.py has all of it.
// Weights are inputs here: they cost the same, and take no memory.
#include "chip/cost_model.h"
#include "formats/formats.h"
#include "ops/builder.h"
#include "passes/pipeline.h"

#include <gtest/gtest.h>

namespace ropeway::chip {
namespace {

constexpr double kWithin = 0.2;

class Net {
 public:
  explicit Net(const Shape& input) { x_ = weight(input); }

  ValueId weight(const Shape& shape) { return builder_.input(fmt::format("in{}", count_++), {DType::f32, shape}); }
  ValueId add(Op op, Params params, std::vector<ValueId> inputs) { return x_ = builder_.add1(op, std::move(params), std::move(inputs), fmt::format("v{}", count_++)); }
  Net& conv(int64_t outputs, int64_t kernel, int64_t stride, int64_t pad) {
    add(Op::Conv, ConvParams{{stride, stride}, {pad, pad, pad, pad}, {1, 1}, 1}, {x_, weight({outputs, shape()[1], kernel, kernel}), weight({outputs})});
    return *this;
  }
  Net& relu() { return unary(UnaryFunction::relu); }
  Net& unary(UnaryFunction function) {
    add(Op::Unary, UnaryParams{function, 0, 0}, {x_});
    return *this;
  }
  Net& pool() {
    add(Op::MaxPool, PoolParams{{2, 2}, {2, 2}, {0, 0, 0, 0}, {1, 1}}, {x_});
    return *this;
  }
  Net& linear(int64_t outputs) {
    add(Op::MatMul, NoParams{}, {x_, weight({shape().back(), outputs})});
    return plus(weight({outputs}));
  }
  Net& plus(ValueId other) {
    add(Op::Binary, BinaryParams{BinaryFunction::add}, {x_, other});
    return *this;
  }
  Net& norm() {
    add(Op::LayerNormalization, NormParams{static_cast<int64_t>(shape().size()) - 1}, {x_, weight({shape().back()}), weight({shape().back()})});
    return *this;
  }
  Net& reshape(const Shape& shape) {
    add(Op::Reshape, ShapeParams{shape}, {x_});
    return *this;
  }
  Net& transpose(const Ints& perm) {
    add(Op::Transpose, PermParams{perm}, {x_});
    return *this;
  }

  const Shape& shape() const { return builder_.shape(x_); }
  ValueId now() const { return x_; }
  void from(ValueId value) { x_ = value; }
  Graph finish() {
    builder_.output(x_);
    return builder_.finish();
  }

 private:
  GraphBuilder builder_{"net", "test"};
  ValueId x_ = kNoValue;
  int count_ = 0;
};

Graph vgg16() {
  Net net({1, 3, 224, 224});
  for (const int64_t width : {64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0}) {
    if (width == 0) {
      net.pool();
    } else {
      net.conv(width, 3, 1, 1).relu();
    }
  }
  net.reshape({1, 512 * 49}).linear(4096).relu().linear(4096).relu().linear(1000);
  return net.finish();
}

// One product for queries, keys and values, which a Transpose and Slices take apart.
void attend(Net& net) {
  net.linear(3 * 768).reshape({197, 3, 12, 64}).transpose({1, 2, 0, 3});
  const ValueId all = net.now();
  std::vector<ValueId> parts;
  for (const int64_t i : {0, 1, 2}) {
    net.add(Op::Slice, SliceParams{{i, 0, 0, 0}, {i + 1, 12, 197, 64}, {1, 1, 1, 1}}, {all});
    parts.push_back(net.now());
  }
  net.add(Op::ScaledDotProductAttention, AttentionParams{0.125, false}, parts);
  net.reshape({12, 197, 64}).transpose({1, 0, 2}).reshape({1, 197, 768}).linear(768);
}

Graph vit_b16() {
  Net net({1, 3, 224, 224});
  net.conv(768, 16, 16, 0).reshape({1, 768, 196}).transpose({0, 2, 1});
  net.add(Op::Concat, AxisParams{1}, {net.weight({1, 1, 768}), net.now()});
  net.plus(net.weight({1, 197, 768}));
  for (int layer = 0; layer < 12; ++layer) {
    ValueId before = net.now();
    net.norm();
    attend(net);
    net.plus(before);
    before = net.now();
    net.norm().linear(3072).unary(UnaryFunction::gelu).linear(768).plus(before);
  }
  net.norm();
  net.add(Op::Slice, SliceParams{{0, 0, 0}, {1, 1, 768}, {1, 1, 1}}, {net.now()});
  net.reshape({1, 768}).linear(1000);
  return net.finish();
}

void expect_near(const Graph& graph, double measured_ms) {
  const double ms = total_ms(compiled_cost(graph, *find_soc("Ascend310B1")));
  EXPECT_GT(ms, (1 - kWithin) * measured_ms);
  EXPECT_LT(ms, (1 + kWithin) * measured_ms);
}

TEST(Calibration, Vgg16) {
  const Graph graph = vgg16();
  expect_near(graph, 13.69);
  EXPECT_EQ(compiled_cost(graph, *find_soc("Ascend310B1")).size(), 13u + 5 + 3);
}

TEST(Calibration, VitB16) { expect_near(vit_b16(), 19.31); }

// Each convolution with its batch norm, residual and activation; two pools and the classifier.
TEST(Calibration, ResNet34IsThirtyNineOperators) {
  const Graph raw = read_model("resnet34", {});
  const Graph graph = run_passes(raw, pipeline(), {});
  EXPECT_EQ(compiled_cost(graph, *find_soc("Ascend310B1")).size(), 36u + 2 + 1);
  EXPECT_EQ(compiled_cost(raw, *find_soc("Ascend310B1")).size(), 36u + 2 + 1);  // the batch norms still there
}

}  // namespace
}  // namespace ropeway::chip
