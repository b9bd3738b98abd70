#include "formats/builtin.h"

#include <cmath>
#include <utility>

#include "base/random.h"
#include "base/text.h"
#include "ir/deferred.h"
#include "ops/builder.h"

namespace ropeway {
namespace {

// Elements offset + scale · u.
struct Stream {
  uint64_t seed;
  float offset, scale;
};

class StreamReading final : public Reading {
 public:
  explicit StreamReading(Stream stream) : stream_(stream) {}
  void read(size_t offset, std::span<std::byte> into) override {
    const std::span elements(reinterpret_cast<float*>(into.data()), into.size() / sizeof(float));
    fill_uniform(elements, stream_.seed, stream_.scale, offset / sizeof(float));
    if (stream_.offset == 0) return;
    for (float& element : elements) element += stream_.offset;
  }

 private:
  Stream stream_;
};

// Weights are made when they are asked for: each element depends on its place alone.
class StreamSource final : public Source {
 public:
  explicit StreamSource(Stream stream) : stream_(stream) {}
  std::unique_ptr<Reading> begin() const override { return std::make_unique<StreamReading>(stream_); }

 private:
  Stream stream_;
};

// Adds layers one behind the other, as nn.Sequential does, and generates their weights.
class Layers {
 public:
  Layers(std::string model, int64_t batch) : model_(model), builder_(model, "built-in") {
    current_ = builder_.input("input", {DType::f32, {batch, 3, 224, 224}});
  }

  ValueId current() const { return current_; }
  void set_current(ValueId id) { current_ = id; }

  // Modules that enclose the layers added from now on.
  void enter(std::string path, std::string class_name) { modules_.push_back({std::move(path), std::move(class_name)}); }
  void leave() { modules_.pop_back(); }

  void conv(const std::string& module, int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t padding, bool bias = true) {
    std::vector<ValueId> inputs = {current_, weight(module + ".weight", {out, in, kernel, kernel})};
    if (bias) inputs.push_back(stream(module + ".bias", out, 0, 0.1f));
    const ConvParams params{{stride, stride}, {padding, padding, padding, padding}, {1, 1}, 1};
    add(Op::Conv, params, std::move(inputs), module, "Conv2d");
  }

  void batch_norm(const std::string& module, int64_t channels) {
    const std::vector<ValueId> inputs = {current_, stream(module + ".weight", channels, 1, 0.1f), stream(module + ".bias", channels, 0, 0.1f),
                                         stream(module + ".running_mean", channels, 0, 0.1f), stream(module + ".running_var", channels, 1, 0.5f)};
    add(Op::BatchNormalization, EpsilonParams{}, inputs, module, "BatchNorm2d");
  }

  void linear(const std::string& module, int64_t in, int64_t out) {
    GemmParams params;
    params.transB = true;
    add(Op::Gemm, params, {current_, weight(module + ".weight", {out, in}), stream(module + ".bias", out, 0, 0.1f)}, module, "Linear");
  }

  void relu(const std::string& module) { add(Op::Unary, UnaryParams{UnaryFunction::relu, 0, 0}, {current_}, module, "ReLU"); }

  void pool(Op op, const std::string& module, int64_t kernel, int64_t stride, int64_t padding) {
    PoolParams params{{kernel, kernel}, {stride, stride}, {padding, padding, padding, padding}, {1, 1}, false, op == Op::AveragePool, 0};
    add(op, params, {current_}, module, op == Op::MaxPool ? "MaxPool2d" : "AvgPool2d");
  }

  void adaptive_pool(const std::string& module, int64_t size) { add(Op::AdaptiveAveragePool, AdaptivePoolParams{{size, size}}, {current_}, module, "AdaptiveAvgPool2d"); }

  void dropout(const std::string& module) { add(Op::Dropout, DropoutParams{}, {current_}, module, "Dropout"); }

  void flatten(const std::string& module) {
    const Shape& shape = builder_.shape(current_);
    add(Op::Reshape, ShapeParams{{shape[0], element_count(shape) / shape[0]}}, {current_}, module, "Flatten");
  }

  void add_residual(const std::string& module, ValueId other) { add(Op::Binary, BinaryParams{BinaryFunction::add}, {current_, other}, module, ""); }

  Graph finish() {
    builder_.output(current_);
    return builder_.finish();
  }

 private:
  void add(Op op, Params params, std::vector<ValueId> inputs, const std::string& module, const char* class_name) {
    Origin origin{module, modules_};
    if (*class_name != '\0') origin.modules.push_back({module, class_name});
    current_ = builder_.add1(op, std::move(params), std::move(inputs), module + ".out", origin);
  }

  ValueId stream(const std::string& name, Shape shape, float offset, float scale) {
    return builder_.constant(name, defer({DType::f32, std::move(shape)}, std::make_shared<StreamSource>(Stream{stream_seed(model_ + "." + name), offset, scale})));
  }
  ValueId stream(const std::string& name, int64_t count, float offset, float scale) { return stream(name, Shape{count}, offset, scale); }
  ValueId weight(const std::string& name, const Shape& shape) {
    const auto fan_in = static_cast<float>(element_count(shape) / shape[0]);
    return stream(name, shape, 0, std::sqrt(6.0f / fan_in));
  }

  std::string model_;
  GraphBuilder builder_;
  std::vector<ModuleFrame> modules_;
  ValueId current_ = kNoValue;
};

// conv3×3, bn, relu, conv3×3, bn, + input (through a 1×1 convolution where the width changes), relu.
void basic_block(Layers& layers, int index, int64_t in, int64_t out, int64_t stride) {
  const std::string path = std::to_string(index);
  const std::string dot = path + ".";
  layers.enter(path, in == out ? fmt::format("BasicBlock({}, {})", in, out) : fmt::format("BasicBlock({}, {}, stride={}, downsample)", in, out, stride));
  const ValueId input = layers.current();
  ValueId shortcut = input;
  layers.conv(dot + "conv1", in, out, 3, stride, 1, false);
  layers.batch_norm(dot + "bn1", out);
  layers.relu(dot + "relu");
  layers.conv(dot + "conv2", out, out, 3, 1, 1, false);
  layers.batch_norm(dot + "bn2", out);
  if (in != out) {
    const ValueId main = layers.current();
    layers.set_current(input);
    layers.enter(dot + "downsample", "Sequential");
    layers.conv(dot + "downsample.0", in, out, 1, stride, 0, false);
    layers.batch_norm(dot + "downsample.1", out);
    layers.leave();
    shortcut = layers.current();
    layers.set_current(main);
  }
  layers.add_residual(path, shortcut);
  layers.relu(dot + "relu");
  layers.leave();
}

}  // namespace

Graph make_alexnet(int64_t batch) {
  Layers layers("alexnet", batch);
  layers.enter("", "AlexNet");
  layers.enter("features", "Sequential");
  layers.conv("features.0", 3, 64, 11, 4, 1);
  layers.relu("features.1");
  layers.pool(Op::MaxPool, "features.2", 3, 2, 0);
  layers.conv("features.3", 64, 192, 5, 1, 2);
  layers.relu("features.4");
  layers.pool(Op::MaxPool, "features.5", 3, 2, 0);
  layers.conv("features.6", 192, 384, 3, 1, 1);
  layers.relu("features.7");
  layers.conv("features.8", 384, 256, 3, 1, 1);
  layers.relu("features.9");
  layers.conv("features.10", 256, 256, 3, 1, 1);
  layers.relu("features.11");
  layers.pool(Op::MaxPool, "features.12", 3, 2, 0);
  layers.leave();
  layers.adaptive_pool("avgpool", 6);
  layers.flatten("flatten");
  layers.enter("classifier", "Sequential");
  layers.dropout("classifier.0");
  layers.linear("classifier.1", 9216, 4096);
  layers.relu("classifier.2");
  layers.dropout("classifier.3");
  layers.linear("classifier.4", 4096, 4096);
  layers.relu("classifier.5");
  layers.linear("classifier.6", 4096, 1000);
  return layers.finish();
}

Graph make_lenet(int64_t batch) {
  Layers layers("lenet", batch);
  layers.enter("", "LeNet");
  layers.conv("conv1", 3, 6, 5, 1, 2);
  layers.relu("relu1");
  layers.pool(Op::MaxPool, "pool1", 2, 2, 0);
  layers.conv("conv2", 6, 16, 5, 1, 0);
  layers.relu("relu2");
  layers.pool(Op::MaxPool, "pool2", 2, 2, 0);
  layers.flatten("flatten");
  layers.linear("fc1", 46656, 1024);
  layers.relu("relu3");
  layers.linear("fc2", 1024, 1024);
  layers.relu("relu4");
  layers.linear("fc3", 1024, 1000);
  return layers.finish();
}

Graph make_resnet34(int64_t batch) {
  Layers layers("resnet34", batch);
  layers.enter("", "ResNet34");
  layers.enter("0", "Sequential(Conv2d(3, 64, kernel_size=(7, 7), stride=(2, 2), padding=(3, 3), bias=False), BatchNorm2d(64), ReLU, AvgPool2d(kernel_size=3, stride=2, padding=1))");
  layers.conv("0.0", 3, 64, 7, 2, 3, false);
  layers.batch_norm("0.1", 64);
  layers.relu("0.2");
  layers.pool(Op::AveragePool, "0.3", 3, 2, 1);
  layers.leave();
  int index = 1;
  int64_t width = 64;
  for (const auto& [blocks, out] : {std::pair{3, 64}, {4, 128}, {6, 256}, {3, 512}}) {
    for (int i = 0; i < blocks; ++i, ++index) {
      basic_block(layers, index, width, out, width == out ? 1 : 2);
      width = out;
    }
  }
  layers.enter("17", "Sequential(AdaptiveAvgPool2d((1, 1)), Flatten, Linear(in_features=512, out_features=1000, bias=True))");
  layers.adaptive_pool("17.0", 1);
  layers.flatten("17.1");
  layers.linear("17.2", 512, 1000);
  layers.leave();
  return layers.finish();
}

}  // namespace ropeway
