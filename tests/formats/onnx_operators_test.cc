// What single ONNX operators become, opset by opset. Expected values follow from the operator's definition by hand.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "onnx_writer.h"
#include "ops/operator.h"

namespace ropeway::onnx_test {
namespace {

using Floats = std::vector<float>;

// The one output, as floats.
Floats run(const std::string& bytes, const std::vector<Tensor>& inputs) {
  const Tensor result = evaluate(read(bytes), inputs).at(0);
  return {result.data<float>().begin(), result.data<float>().end()};
}

// A model of one node with input x; `weights` are its further inputs.
std::string single(const std::string& op, const Names& dims, const std::vector<std::string>& weights, const Names& inputs, const std::vector<std::string>& attributes = {}, int64_t opset = 20) {
  return model({{node(op, inputs, {"y"}, attributes)}, weights, {value_info("x", dims)}, {"y"}}, opset);
}
Shape shape_of(const std::string& bytes) {
  const Graph graph = read(bytes);
  return graph.type(graph.outputs[0]).shape;
}

Tensor counting(Shape shape) {
  Tensor result({DType::f32, std::move(shape)});
  for (int64_t i = 0; i < result.count(); ++i) result.data<float>()[static_cast<size_t>(i)] = static_cast<float>(i);
  return result;
}

TEST(OnnxOperators, SoftmaxBeforeOpset13IsOverAllDimensionsFromTheAxisOn) {
  const auto at = [](int64_t opset) { return single("Softmax", {"1", "2", "2"}, {}, {"x"}, {integer("axis", 1)}, opset); };
  const Floats over_all = run(at(12), {Tensor({DType::f32, {1, 2, 2}})}), over_one = run(at(13), {Tensor({DType::f32, {1, 2, 2}})});
  EXPECT_FLOAT_EQ(over_all[0], 0.25f);
  EXPECT_FLOAT_EQ(over_one[0], 0.5f);
  EXPECT_FLOAT_EQ(run(single("Softmax", {"1", "2", "4"}, {}, {"x"}), {Tensor({DType::f32, {1, 2, 4}})})[0], 0.25f);                 // default axis: -1
  EXPECT_FLOAT_EQ(run(single("Softmax", {"1", "2", "4"}, {}, {"x"}, {}, 11), {Tensor({DType::f32, {1, 2, 4}})})[0], 0.125f);        // default axis: 1
}

TEST(OnnxOperators, AxesAreAttributesOrInputsByOpset) {
  const std::string axes = ints("axes", {-1});
  EXPECT_EQ(shape_of(single("ReduceMean", {"2", "3"}, {}, {"x"}, {integers("axes", {-1})}, 17)), (Shape{2, 1}));
  EXPECT_EQ(shape_of(single("ReduceMean", {"2", "3"}, {axes}, {"x", "axes"}, {integer("keepdims", 0)}, 18)), (Shape{2}));
  EXPECT_EQ(shape_of(single("ReduceSum", {"2", "3"}, {}, {"x"}, {integers("axes", {0})}, 12)), (Shape{1, 3}));
  EXPECT_EQ(shape_of(single("ReduceSum", {"2", "3"}, {axes}, {"x", "axes"}, {}, 13)), (Shape{2, 1}));
  EXPECT_EQ(shape_of(single("ReduceMax", {"2", "3"}, {}, {"x"}, {integer("keepdims", 0)})), (Shape{}));
  EXPECT_EQ(shape_of(single("ReduceSum", {"2", "3"}, {}, {"x"}, {integer("noop_with_empty_axes", 1)})), (Shape{2, 3}));
  EXPECT_EQ(shape_of(single("Squeeze", {"2", "1", "1"}, {}, {"x"}, {integers("axes", {1})}, 11)), (Shape{2, 1}));
  EXPECT_EQ(shape_of(single("Squeeze", {"2", "1", "1"}, {axes}, {"x", "axes"})), (Shape{2, 1}));
  EXPECT_EQ(shape_of(single("Squeeze", {"2", "1", "1"}, {}, {"x"})), (Shape{2}));
  EXPECT_EQ(shape_of(single("Unsqueeze", {"2", "3"}, {}, {"x"}, {integers("axes", {0, -1})}, 12)), (Shape{1, 2, 3, 1}));
  EXPECT_EQ(shape_of(single("Unsqueeze", {"2", "3"}, {axes}, {"x", "axes"})), (Shape{2, 3, 1}));
  expect_read_error(single("ReduceMean", {"2", "3"}, {}, {"x"}, {integers("axes", {1})}, 18), ErrorCode::unsupported, "has the attribute 'axes', which opset 18 does not define");
  expect_read_error(single("ReduceMean", {"2", "3"}, {}, {"x"}, {integers("axes", {0, -2})}, 17), ErrorCode::invalid_model, "a dimension is named twice");
  expect_read_error(single("ReduceMean", {"2", "3"}, {}, {"x"}, {integers("axes", {2})}, 17), ErrorCode::invalid_model, "there is no dimension 2: there are 2");
  expect_read_error(single("Squeeze", {"2", "3"}, {axes}, {"x", "axes"}), ErrorCode::invalid_model, "Squeeze of dimension 1 of f32[2,3], which is not 1");
}

TEST(OnnxOperators, SplitIntoEqualParts) {
  const auto split = [](int64_t opset, const std::vector<std::string>& attributes) {
    return model({{node("Split", {"x"}, {"a", "b", "c"}, attributes)}, {}, {value_info("x", {{"7"}})}, {"a", "b", "c"}}, opset);
  };
  const Graph graph = read(split(18, {integer("num_outputs", 3)}));
  EXPECT_EQ(graph.type(graph.outputs[0]).shape, Shape{3});
  EXPECT_EQ(graph.type(graph.outputs[2]).shape, Shape{1});  // the last may be smaller
  expect_read_error(split(17, {}), ErrorCode::invalid_model, "Split of a dimension of 7 into 3 parts");
  expect_read_error(split(18, {integer("num_outputs", 2)}), ErrorCode::invalid_model, "into 2 parts, for 3 outputs");
  const Graph by_attribute = read(split(12, {integers("split", {1, 2, 4})}));
  EXPECT_EQ(by_attribute.type(by_attribute.outputs[2]).shape, Shape{4});
}

TEST(OnnxOperators, ReshapeCopiesInfersAndAllowsZero) {
  const auto reshape = [](const Names& dims, const Ints& shape, int64_t allow_zero) { return single("Reshape", dims, {ints("s", shape)}, {"x", "s"}, {integer("allowzero", allow_zero)}); };
  EXPECT_EQ(shape_of(reshape({"2", "3", "4"}, {0, -1}, 0)), (Shape{2, 12}));
  EXPECT_EQ(shape_of(reshape({"0", "3"}, {3, 0}, 1)), (Shape{3, 0}));
  expect_read_error(reshape({"2", "3"}, {0, 6}, 1), ErrorCode::invalid_model, "Reshape");
  expect_read_error(reshape({"2", "3"}, {-1, -1}, 0), ErrorCode::invalid_model, "is no shape");
  expect_read_error(reshape({"2", "3"}, {-1, 4}, 0), ErrorCode::invalid_model, "cannot take the shape [-1,4]");
  expect_read_error(reshape({"2", "3"}, {1, 2, 0}, 0), ErrorCode::invalid_model, "copies a dimension");
  expect_read_error(model({{node("Reshape", {"x", "s"}, {"y"})}, {}, {value_info("x", {{"2"}}), value_info("s", {{"1"}}, 7)}, {"y"}}), ErrorCode::unsupported, "the shape of Reshape ('s') depends on data");
}

TEST(OnnxOperators, FlattenAtEveryAxis) {
  EXPECT_EQ(shape_of(single("Flatten", {"2", "3", "4"}, {}, {"x"})), (Shape{2, 12}));
  EXPECT_EQ(shape_of(single("Flatten", {"2", "3", "4"}, {}, {"x"}, {integer("axis", 0)})), (Shape{1, 24}));
  EXPECT_EQ(shape_of(single("Flatten", {"2", "3", "4"}, {}, {"x"}, {integer("axis", 3)})), (Shape{24, 1}));
  EXPECT_EQ(shape_of(single("Flatten", {"2", "3", "4"}, {}, {"x"}, {integer("axis", -1)})), (Shape{6, 4}));
  expect_read_error(single("Flatten", {"2", "3"}, {}, {"x"}, {integer("axis", 4)}), ErrorCode::invalid_model, "there is no dimension 4");
}

TEST(OnnxOperators, SliceFollowsPythonsRules) {
  const auto slice = [](const Ints& starts, const Ints& ends, const Ints& axes, const Ints& steps) {
    return single("Slice", {"5"}, {ints("s", starts), ints("e", ends), ints("a", axes), ints("t", steps)}, {"x", "s", "e", "a", "t"});
  };
  constexpr int64_t kMin = std::numeric_limits<int64_t>::min(), kMax = std::numeric_limits<int64_t>::max();
  const std::vector<Tensor> x = {counting({5})};
  EXPECT_EQ(run(slice({1}, {kMax}, {0}, {2}), x), (Floats{1, 3}));
  EXPECT_EQ(run(slice({-2}, {kMax}, {-1}, {1}), x), (Floats{3, 4}));
  EXPECT_EQ(run(slice({-1}, {kMin}, {0}, {-1}), x), (Floats{4, 3, 2, 1, 0}));
  EXPECT_EQ(run(slice({kMax}, {0}, {0}, {-2}), x), (Floats{4, 2}));
  EXPECT_EQ(run(slice({kMin}, {kMax}, {0}, {kMax}), x), Floats{0});
  EXPECT_EQ(run(slice({kMax}, {kMin}, {0}, {kMin}), x), Floats{4});
  EXPECT_EQ(run(slice({3}, {1}, {0}, {1}), x), Floats{});
  EXPECT_EQ(run(slice({1}, {3}, {0}, {-1}), x), Floats{});
  expect_read_error(slice({0}, {1}, {0}, {0}), ErrorCode::invalid_model, "a slice with step 0");
  expect_read_error(slice({0, 0}, {1, 1}, {0, -1}, {1, 1}), ErrorCode::invalid_model, "a dimension is named twice");
  expect_read_error(slice({0}, {1, 2}, {0}, {1}), ErrorCode::invalid_model, "1 starts, 2 ends");
}

TEST(OnnxOperators, PadOfSomeAxes) {
  const std::string bytes = single("Pad", {"1", "2"}, {ints("p", {1, 2}), floats("v", {}, {9}), ints("a", {-1})}, {"x", "p", "v", "a"});
  EXPECT_EQ(run(bytes, {counting({1, 2})}), (Floats{9, 0, 1, 9, 9}));
}

TEST(OnnxOperators, ClipWithLimitsThatAreKnownAbsentOrComputed) {
  const std::vector<Tensor> x = {counting({4})};
  EXPECT_EQ(run(single("Clip", {"4"}, {floats("l", {}, {1}), floats("h", {}, {2})}, {"x", "l", "h"}), x), (Floats{1, 1, 2, 2}));
  EXPECT_EQ(run(single("Clip", {"4"}, {floats("h", {}, {2})}, {"x", "", "h"}), x), (Floats{0, 1, 2, 2}));
  EXPECT_EQ(run(single("Clip", {"4"}, {}, {"x"}), x), (Floats{0, 1, 2, 3}));
  const std::string computed = model({{node("ReduceMin", {"x"}, {"l"}, {integer("keepdims", 0)}), node("Clip", {"z", "l"}, {"y"})}, {floats("z", {3}, {-9, 1, 9})}, {value_info("x", {{"4"}})}, {"y"}});
  EXPECT_EQ(run(computed, x), (Floats{0, 1, 9}));
}

TEST(OnnxOperators, ElementwiseWithSeveralOperandsOrTypes) {
  const std::vector<std::string> weights = {floats("a", {2}, {3, 0}), floats("b", {2}, {-1, 5})};
  const std::vector<Tensor> x = {Tensor::of<float>({2}, {1, 4})};
  EXPECT_EQ(run(single("Max", {"2"}, weights, {"x", "a", "b"}), x), (Floats{3, 5}));
  EXPECT_EQ(run(single("Min", {"2"}, weights, {"x", "a", "b"}), x), (Floats{-1, 0}));
  EXPECT_EQ(run(single("Sum", {"2"}, weights, {"x", "a", "b"}), x), (Floats{3, 9}));
  EXPECT_EQ(run(single("Mean", {"2"}, weights, {"x", "a", "b"}), x), (Floats{1, 3}));
  EXPECT_EQ(run(single("Max", {"2"}, {}, {"x"}), x), (Floats{1, 4}));
  EXPECT_EQ(run(single("Pow", {"2"}, {ints("e", {3})}, {"x", "e"}), x), (Floats{1, 64}));
  EXPECT_EQ(run(single("LeakyRelu", {"2"}, {}, {"x"}), {Tensor::of<float>({2}, {-100, 1})}), (Floats{-1, 1}));  // default slope: 0.01
  EXPECT_EQ(run(single("HardSigmoid", {"2"}, {}, {"x"}), {Tensor::of<float>({2}, {0, 9})}), (Floats{0.5, 1}));
  expect_read_error(single("Mod", {"2"}, {ints("e", {3})}, {"e", "e"}, {integer("fmod", 1)}), ErrorCode::unsupported, "fmod");
  EXPECT_EQ(run(single("Mod", {"4"}, {floats("m", {4}, {3, -3, 3, -3})}, {"x", "m"}, {integer("fmod", 1)}), {Tensor::of<float>({4}, {-5, 5, 4.5, -1})}), (Floats{-2, 2, 1.5, -1}));
  expect_read_error(single("Gelu", {"2"}, {}, {"x"}, {text("approximate", "best")}), ErrorCode::invalid_model, "'best'");
}

TEST(OnnxOperators, AutoPadBecomesPads) {
  const std::string weight = floats("w", {1, 1, 2}, {1, 10});
  const auto conv = [&](const std::string& auto_pad) { return single("Conv", {"1", "1", "3"}, {weight}, {"x", "w"}, {text("auto_pad", auto_pad)}); };
  const std::vector<Tensor> x = {Tensor::of<float>({1, 1, 3}, {1, 2, 3})};
  EXPECT_EQ(run(conv("SAME_UPPER"), x), (Floats{21, 32, 3}));
  EXPECT_EQ(run(conv("SAME_LOWER"), x), (Floats{10, 21, 32}));
  EXPECT_EQ(run(conv("VALID"), x), (Floats{21, 32}));
  expect_read_error(conv("SAME"), ErrorCode::invalid_model, "auto_pad is 'SAME'");
  expect_read_error(single("Conv", {"1", "1", "3"}, {weight}, {"x", "w"}, {integers("kernel_shape", {3})}), ErrorCode::invalid_model, "kernel_shape is not that of the weight");
  expect_read_error(single("Conv", {"1", "1", "3"}, {weight}, {"x", "w"}, {integers("strides", {0})}), ErrorCode::invalid_model, "strides [0]");
  expect_read_error(single("Conv", {"1", "1", "3"}, {weight}, {"x", "w"}, {integers("pads", {std::numeric_limits<int64_t>::max(), 0})}), ErrorCode::invalid_model, "pads");
  expect_read_error(single("Conv", {"1", "1", "3"}, {floats("w", {1, 2, 2}, {1, 2, 3, 4})}, {"x", "w"}), ErrorCode::invalid_model, "while importing Conv node Conv_0 of model.onnx");
}

TEST(OnnxOperators, PoolingRoundsUpOnlyToWindowsThatBeginInside) {
  const auto pool = [](const std::vector<std::string>& more) {
    std::vector<std::string> attributes = {integers("kernel_shape", {2}), integers("strides", {2}), integers("pads", {1, 1}), integer("ceil_mode", 1)};
    attributes.insert(attributes.end(), more.begin(), more.end());
    return single("AveragePool", {"1", "1", "4"}, {}, {"x"}, attributes);
  };
  const std::vector<Tensor> x = {Tensor::of<float>({1, 1, 4}, {2, 4, 6, 8})};
  EXPECT_EQ(run(pool({}), x), (Floats{2, 5, 8}));
  EXPECT_EQ(run(pool({integer("count_include_pad", 1)}), x), (Floats{1, 5, 4}));
  EXPECT_EQ(run(single("MaxPool", {"1", "1", "4"}, {}, {"x"}, {integers("kernel_shape", {3}), integers("strides", {2}), integers("pads", {1, 2})}), x), (Floats{4, 8, 8}));
  expect_read_error(single("MaxPool", {"1", "1", "9"}, {}, {"x"}, {integers("kernel_shape", {3}), integers("pads", {2, 3})}), ErrorCode::invalid_model, "that see padding alone");
  expect_read_error(single("MaxPool", {"1", "1", "9"}, {}, {"x"}), ErrorCode::invalid_model, "no kernel_shape");
}

TEST(OnnxOperators, DropoutInTrainingMode) {
  const auto params_of = [](const std::string& training) {
    const Graph graph = read(single("Dropout", {"2"}, {floats("r", {}, {0.25}), tensor("t", {}, 9, training)}, {"x", "r", "t"}, {integer("seed", 7)}));
    return graph.nodes.at(0).get<DropoutParams>();
  };
  EXPECT_EQ(params_of("\1"), (DropoutParams{0.25, true, false}));
  EXPECT_EQ(params_of(std::string(1, '\0')), (DropoutParams{0.25, false, false}));
}

TEST(OnnxOperators, OutputsThatTrainingNeedsAreRefusedWhenRead) {
  const auto two_outputs = [](const std::string& op, const std::vector<std::string>& attributes, const Names& read_outputs) {
    return model({{node(op, {"x"}, {"y", "extra"}, attributes)}, {}, {value_info("x", {{"1", "1", "4"}})}, read_outputs});
  };
  EXPECT_EQ(read(two_outputs("MaxPool", {integers("kernel_shape", {2})}, {"y"})).nodes.size(), 1u);
  expect_read_error(two_outputs("MaxPool", {integers("kernel_shape", {2}), integer("storage_order", 1)}, {"y", "extra"}), ErrorCode::unsupported, "column-major order");
  expect_read_error(two_outputs("Dropout", {}, {"extra"}), ErrorCode::unsupported, "output 1 of Dropout");
  const std::vector<std::string> statistics = {floats("w", {1}, {1})};
  expect_read_error(single("BatchNormalization", {"2", "1"}, statistics, {"x", "w", "w", "w", "w"}, {integer("training_mode", 1)}), ErrorCode::unsupported, "call model.eval()");
}

// Indices count through the whole tensor, and MaxUnpool puts them back.
TEST(OnnxOperators, MaxPoolWithIndicesAndMaxUnpool) {
  const auto window = [] { return std::vector{integers("kernel_shape", {2}), integers("strides", {2})}; };
  const Tensor x = Tensor::of<float>({1, 2, 4}, {1, 3, 5, 2, 0, -1, 4, 4});
  const Graph pooled = read(model({{node("MaxPool", {"x"}, {"y", "i"}, window())}, {}, {value_info("x", {{"1", "2", "4"}})}, {"y", "i"}}));
  const Tensor indices = evaluate(pooled, {x})[1];
  EXPECT_EQ(Ints(indices.data<int64_t>().begin(), indices.data<int64_t>().end()), (Ints{1, 2, 4, 6}));
  const std::string back = model({{node("MaxPool", {"x"}, {"p", "i"}, window()), node("MaxUnpool", {"p", "i"}, {"y"}, window())}, {}, {value_info("x", {{"1", "2", "4"}})}, {"y"}});
  EXPECT_EQ(run(back, {x}), (Floats{0, 3, 5, 0, 0, 0, 4, 0}));
  const std::string longer = model({{node("MaxPool", {"x"}, {"p", "i"}, window()), node("MaxUnpool", {"p", "i", "s"}, {"y"}, window())}, {ints("s", {1, 2, 5})}, {value_info("x", {{"1", "2", "4"}})}, {"y"}});
  expect_read_error(longer, ErrorCode::unsupported, "MaxUnpool to another shape than its window gives, [1,2,4]");
}

TEST(OnnxOperators, Einsum) {
  const auto sum = [](const std::string& equation, const Names& inputs = {"x", "w"}) { return single("Einsum", {"2", "2"}, {floats("w", {2, 2}, {1, 2, 3, 4})}, inputs, {text("equation", equation)}); };
  EXPECT_EQ(run(sum("ij,jk->ik"), {counting({2, 2})}), (Floats{3, 4, 11, 16}));
  EXPECT_EQ(run(sum("ij,ij->"), {counting({2, 2})}), (Floats{2 + 6 + 12}));
  EXPECT_EQ(run(sum("ij,jk,kl->li", {"x", "w", "w"}), {counting({2, 2})}), (Floats{3 + 12, 11 + 48, 6 + 16, 22 + 64}));
  EXPECT_EQ(run(sum(" ... j, jk -> ... k"), {counting({2, 2})}), (Floats{3, 4, 11, 16}));
  EXPECT_EQ(run(sum("ba", {"x"}), {counting({2, 2})}), (Floats{0, 2, 1, 3}));
  expect_read_error(sum("ii->i", {"x"}), ErrorCode::unsupported, "a diagonal ('ii')");
  expect_read_error(sum("ij,jk->iz"), ErrorCode::invalid_model, "one that no operand has");
  expect_read_error(sum("ij->i"), ErrorCode::invalid_model, "of 2 operands");
  expect_read_error(sum("i,jk->i"), ErrorCode::invalid_model, "does not have the dimensions 'i'");
  expect_read_error(model({{node("Einsum", {"x", "w"}, {"y"}, {text("equation", "ij,jk->ik")})}, {floats("w", {3, 1}, {1, 2, 3})}, {value_info("x", {{"2", "2"}})}, {"y"}}), ErrorCode::invalid_model, "a dimension is 2 and 3");
}

TEST(OnnxOperators, Normalisations) {
  const std::vector<std::string> weights = {floats("s", {2}, {1, 3}), floats("b", {2}, {0, 10})};
  const Tensor x = Tensor::of<float>({1, 2, 2}, {0, 2, 0, 4});
  EXPECT_EQ(run(single("InstanceNormalization", {"1", "2", "2"}, weights, {"x", "s", "b"}, {number("epsilon", 0)}), {x}), (Floats{-1, 1, 7, 13}));
  EXPECT_EQ(run(single("GroupNormalization", {"1", "2", "2"}, weights, {"x", "s", "b"}, {number("epsilon", 0), integer("num_groups", 2)}), {x}), (Floats{-1, 1, 7, 13}));
  // Per group before opset 21, per channel since.
  const std::vector<std::string> one = {floats("s", {1}, {2}), floats("b", {1}, {1})};
  const Tensor even = Tensor::of<float>({1, 2, 2}, {0, 2, 0, 2});
  EXPECT_EQ(run(single("GroupNormalization", {"1", "2", "2"}, one, {"x", "s", "b"}, {number("epsilon", 0), integer("num_groups", 1)}), {even}), (Floats{-1, 3, -1, 3}));
  EXPECT_EQ(run(single("GroupNormalization", {"1", "2", "2"}, weights, {"x", "s", "b"}, {number("epsilon", 0), integer("num_groups", 1)}, 21), {even}), (Floats{-1, 1, 7, 13}));
  EXPECT_EQ(run(single("RMSNormalization", {"1", "1", "2"}, weights, {"x", "s"}, {number("epsilon", 0)}, 23), {Tensor::of<float>({1, 1, 2}, {2, 2})}), (Floats{1, 3}));
}

TEST(OnnxOperators, Selections) {
  const Tensor x = Tensor::of<float>({2, 3}, {5, 7, 7, 1, 0, 0});
  const auto indices = [&](const std::string& bytes) {
    const std::vector<Tensor> results = evaluate(read(bytes), {x});
    return Ints(results.back().data<int64_t>().begin(), results.back().data<int64_t>().end());
  };
  EXPECT_EQ(indices(single("ArgMax", {"2", "3"}, {}, {"x"}, {integer("axis", -1), integer("keepdims", 0)})), (Ints{1, 0}));
  EXPECT_EQ(indices(single("ArgMin", {"2", "3"}, {}, {"x"})), (Ints{1, 1, 1}));  // default axis: 0
  expect_read_error(single("ArgMax", {"2", "3"}, {}, {"x"}, {integer("select_last_index", 1)}), ErrorCode::unsupported, "select_last_index");
  const std::string two = ints("k", {2});
  EXPECT_EQ(indices(model({{node("TopK", {"x", "k"}, {"y", "i"})}, {two}, {value_info("x", {{"2", "3"}})}, {"y", "i"}})), (Ints{1, 2, 0, 1}));
  EXPECT_EQ(run(single("TopK", {"2", "3"}, {two}, {"x", "k"}, {integer("largest", 0), integer("axis", 1)}), {x}), (Floats{5, 7, 0, 0}));
  EXPECT_EQ(run(single("CumSum", {"2", "3"}, {int_scalar("a", 1)}, {"x", "a"}, {integer("exclusive", 1), integer("reverse", 1)}), {x}), (Floats{14, 7, 0, 0, 0, 0}));
  EXPECT_EQ(run(single("GatherElements", {"2", "3"}, {tensor("i", {1, 2}, 7, std::string(16, '\0'))}, {"x", "i"}, {integer("axis", 1)}), {x}), (Floats{5, 5}));
  const std::vector<std::string> scatter = {tensor("i", {1, 2}, 7, std::string(16, '\0')), floats("u", {1, 2}, {1, 2})};
  EXPECT_EQ(run(single("ScatterElements", {"2", "3"}, scatter, {"x", "i", "u"}, {integer("axis", 1), text("reduction", "add")}), {x}), (Floats{8, 7, 7, 1, 0, 0}));
  expect_read_error(single("ScatterElements", {"2", "3"}, scatter, {"x", "i", "u"}, {text("reduction", "mul")}), ErrorCode::unsupported, "reduction mul");
  const auto place = [](Shape shape, const Ints& values) { return tensor("i", shape, 7, std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(int64_t))); };
  const std::vector<std::string> rows = {place({2, 1}, {1, -1}), floats("u", {2, 3}, {1, 2, 3, 4, 5, 6})};
  EXPECT_EQ(run(single("ScatterND", {"2", "3"}, rows, {"x", "i", "u"}, {text("reduction", "add")}, 16), {x}), (Floats{5, 7, 7, 6, 7, 9}));
  EXPECT_EQ(run(single("ScatterND", {"2", "3"}, {rows[0], floats("u", {2, 3}, {0, 0, 0, 4, 5, 6})}, {"x", "i", "u"}), {x}), (Floats{5, 7, 7, 4, 5, 6}));
  expect_read_error(single("ScatterND", {"2", "3"}, {place({1, 2}, {1, 2}), floats("u", {1}, {1})}, {"x", "i", "u"}), ErrorCode::unsupported, "ScatterND whose indices name 2 dimensions");
  expect_read_error(single("ScatterND", {"2", "3"}, {rows[0], floats("u", {2, 2}, {1, 2, 3, 4})}, {"x", "i", "u"}), ErrorCode::invalid_model, "ScatterND of f32[2,2] into f32[2,3]");
  EXPECT_EQ(run(single("Trilu", {"2", "3"}, {int_scalar("k", 1)}, {"x", "k"}), {x}), (Floats{0, 7, 7, 0, 0, 0}));
  EXPECT_EQ(run(single("Trilu", {"2", "3"}, {}, {"x"}, {integer("upper", 0)}), {x}), (Floats{5, 0, 0, 1, 0, 0}));
  // However far away the diagonal is.
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(run(single("Trilu", {"2", "3"}, {int_scalar("k", kMost)}, {"x", "k"}), {x}), (Floats{0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(run(single("Trilu", {"2", "3"}, {int_scalar("k", kMost)}, {"x", "k"}, {integer("upper", 0)}), {x}), (Floats{5, 7, 7, 1, 0, 0}));
  EXPECT_EQ(run(single("Trilu", {"2", "3"}, {int_scalar("k", -kMost - 1)}, {"x", "k"}), {x}), (Floats{5, 7, 7, 1, 0, 0}));
}

TEST(OnnxOperators, Images) {
  const auto resize = [](const std::vector<float>& scales, const std::string& mode, const std::string& place, const std::string& nearest) {
    return single("Resize", {"1", "1", "1", "2"}, {floats("s", {std::ssize(scales)}, scales)}, {"x", "", "s"}, {text("mode", mode), text("coordinate_transformation_mode", place), text("nearest_mode", nearest)});
  };
  const std::vector<Tensor> x = {Tensor::of<float>({1, 1, 1, 2}, {0, 4})};
  EXPECT_EQ(run(resize({1, 1, 1, 2}, "nearest", "asymmetric", "floor"), x), (Floats{0, 0, 4, 4}));
  EXPECT_EQ(run(resize({1, 1, 1, 2}, "nearest", "half_pixel", "round_prefer_floor"), x), (Floats{0, 0, 4, 4}));
  EXPECT_EQ(run(resize({1, 1, 1, 2}, "linear", "half_pixel", "floor"), x), (Floats{0, 1, 3, 4}));
  EXPECT_EQ(run(single("Resize", {"1", "1", "1", "2"}, {ints("s", {1, 1, 1, 3})}, {"x", "", "", "s"}, {text("mode", "linear"), text("coordinate_transformation_mode", "align_corners")}), x), (Floats{0, 2, 4}));
  expect_read_error(resize({1, 1, 1, 1.5f}, "nearest", "half_pixel", "round_prefer_floor"), ErrorCode::unsupported, "only by asymmetric and floor");
  expect_read_error(resize({1, 1, 1, 2}, "cubic", "half_pixel", "floor"), ErrorCode::unsupported, "mode cubic");
  expect_read_error(resize({1, 1, 1, 2}, "linear", "asymmetric", "floor"), ErrorCode::unsupported, "Resize by asymmetric");
  expect_read_error(resize({1, 2, 1, 2}, "linear", "half_pixel", "floor"), ErrorCode::unsupported, "only of spatial dimensions");
  const std::vector<Tensor> deep = {counting({1, 8, 1, 1})};
  EXPECT_EQ(run(single("DepthToSpace", {"1", "8", "1", "1"}, {}, {"x"}, {integer("blocksize", 2)}), deep), (Floats{0, 2, 4, 6, 1, 3, 5, 7}));
  EXPECT_EQ(run(single("DepthToSpace", {"1", "8", "1", "1"}, {}, {"x"}, {integer("blocksize", 2), text("mode", "CRD")}), deep), (Floats{0, 1, 2, 3, 4, 5, 6, 7}));
  // 2^32 squared is 0 in 64 bits.
  expect_read_error(single("DepthToSpace", {"1", std::to_string(int64_t{1} << 32), "1", "1"}, {}, {"x"}, {integer("blocksize", int64_t{1} << 32)}), ErrorCode::invalid_model, "do not divide into blocks");
  EXPECT_EQ(run(single("SpaceToDepth", {"1", "2", "2", "2"}, {}, {"x"}, {integer("blocksize", 2)}), {counting({1, 2, 2, 2})}), (Floats{0, 4, 1, 5, 2, 6, 3, 7}));
}

TEST(OnnxOperators, ConvTranspose) {
  const std::vector<std::string> weights = {floats("w", {1, 1, 2}, {1, 10})};
  const std::vector<Tensor> x = {Tensor::of<float>({1, 1, 2}, {1, 2})};
  EXPECT_EQ(run(single("ConvTranspose", {"1", "1", "2"}, weights, {"x", "w"}), x), (Floats{1, 12, 20}));
  EXPECT_EQ(run(single("ConvTranspose", {"1", "1", "2"}, weights, {"x", "w"}, {integers("strides", {3}), integers("output_padding", {1})}), x), (Floats{1, 10, 0, 2, 20, 0}));
  expect_read_error(single("ConvTranspose", {"1", "1", "2"}, weights, {"x", "w"}, {text("auto_pad", "SAME_UPPER")}), ErrorCode::unsupported, "auto_pad SAME_UPPER");
  expect_read_error(single("ConvTranspose", {"1", "1", "2"}, weights, {"x", "w"}, {integers("output_shape", {5})}), ErrorCode::unsupported, "attribute 'output_shape'");
}

TEST(OnnxOperators, WhatARowDoesNotKnowIsRefused) {
  expect_read_error(single("Relu", {"2"}, {}, {"x"}, {integer("strange", 1)}), ErrorCode::unsupported, "Relu has the attribute 'strange'");
  expect_read_error(single("Relu", {"2"}, {floats("w", {}, {1})}, {"x", "w"}), ErrorCode::unsupported, "Relu has an input 1 ('w')");
  expect_read_error(single("Elu", {"2"}, {}, {"x"}, {integer("alpha", 1)}), ErrorCode::invalid_model, "attribute alpha of Elu has type 2 where 1 belongs");
  expect_read_error(single("Elu", {"2"}, {}, {"x"}, {number("alpha", 1), number("alpha", 2)}), ErrorCode::invalid_model, "twice");
}

TEST(OnnxOperators, AttentionIn3DSplitsHeads) {
  // Every key is alike, so each head returns the mean of its values.
  const std::vector<std::string> weights = {floats("k", {1, 2, 4}, {0, 0, 0, 0, 0, 0, 0, 0}), floats("v", {1, 2, 4}, {1, 2, 3, 4, 5, 6, 7, 8})};
  const std::vector<std::string> heads = {integer("q_num_heads", 2), integer("kv_num_heads", 2)};
  EXPECT_EQ(run(single("Attention", {"1", "1", "4"}, weights, {"x", "k", "v"}, heads, 23), {counting({1, 1, 4})}), (Floats{3, 4, 5, 6}));
  std::vector<std::string> causal = heads;
  causal.push_back(integer("is_causal", 1));
  EXPECT_EQ(run(single("Attention", {"1", "1", "4"}, weights, {"x", "k", "v"}, causal, 23), {counting({1, 1, 4})}), (Floats{1, 2, 3, 4}));
  expect_read_error(single("Attention", {"1", "1", "4"}, weights, {"x", "k", "v"}, {integer("q_num_heads", 3), integer("kv_num_heads", 3)}, 23), ErrorCode::invalid_model, "cannot be divided into 3 heads");
  expect_read_error(single("Attention", {"1", "1", "4"}, weights, {"x", "k", "v"}, {integer("q_num_heads", 2), integer("kv_num_heads", 1)}, 23), ErrorCode::unsupported, "fewer heads");
  causal.push_back(number("softcap", 2));
  expect_read_error(single("Attention", {"1", "1", "4"}, weights, {"x", "k", "v"}, causal, 23), ErrorCode::unsupported, "softcap");
  expect_read_error(single("Attention", {"1", "1", "4"}, weights, {"x", "k", "v"}, heads, 22), ErrorCode::unsupported, "Attention: 1 node");
}

TEST(OnnxOperators, LayerNormBroadcastsItsScale) {
  const std::string bytes = single("LayerNormalization", {"1", "2"}, {floats("s", {1}, {3}), floats("b", {2}, {0, 1})}, {"x", "s", "b"}, {number("epsilon", 0)});
  EXPECT_EQ(run(bytes, {Tensor::of<float>({1, 2}, {0, 2})}), (Floats{-3, 4}));
}

TEST(OnnxOperators, GlobalPoolingTransposeAndTile) {
  EXPECT_EQ(run(single("GlobalMaxPool", {"1", "2", "3"}, {}, {"x"}), {counting({1, 2, 3})}), (Floats{2, 5}));
  EXPECT_EQ(run(single("GlobalAveragePool", {"1", "2", "3"}, {}, {"x"}), {counting({1, 2, 3})}), (Floats{1, 4}));
  EXPECT_EQ(run(single("Transpose", {"2", "2"}, {}, {"x"}), {counting({2, 2})}), (Floats{0, 2, 1, 3}));  // default: reversed
  EXPECT_EQ(run(single("Tile", {"1", "2"}, {ints("r", {2, 2})}, {"x", "r"}), {counting({1, 2})}), (Floats{0, 1, 0, 1, 0, 1, 0, 1}));
  EXPECT_EQ(shape_of(single("Expand", {"3", "1"}, {ints("s", {2, 1, 4})}, {"x", "s"})), (Shape{2, 3, 4}));
}

// Constants of every form, and the chains that compute shapes, become plain numbers.
TEST(OnnxConstants, AllForms) {
  const auto value = [](const std::string& attribute) { return *read(model({{node("Constant", {}, {"y"}, {attribute})}, {}, {}, {"y"}})).values.at(0).constant; };
  EXPECT_EQ(value(number("value_float", 1.5)).data<float>()[0], 1.5f);
  EXPECT_EQ(value(integer("value_int", -7)).data<int64_t>()[0], -7);
  EXPECT_EQ(value(numbers("value_floats", {1, 2})).data<float>()[1], 2);
  EXPECT_EQ(value(integers("value_ints", {1, 2})).shape(), Shape{2});
  EXPECT_EQ(value(tensor_of("value", ints("", {3, 4}))).data<int64_t>()[1], 4);
  expect_read_error(model({{node("Constant", {}, {"y"}, {text("value_string", "a")})}, {}, {}, {"y"}}), ErrorCode::unsupported, "a string");
}

TEST(OnnxConstants, ShapeChainsAreFolded) {
  const Graph graph = read(model({{node("Shape", {"x"}, {"all"}), node("Shape", {"x"}, {"last"}, {integer("start", -1)}), node("Gather", {"all", "zero"}, {"first"}), node("Unsqueeze", {"first", "axes"}, {"head"}),
                                   node("Mul", {"last", "last"}, {"square"}), node("Concat", {"head", "minus"}, {"shape"}, {integer("axis", 0)}), node("Reshape", {"x", "shape"}, {"flat"}),
                                   node("Expand", {"flat", "wide"}, {"y"}), node("Range", {"zero", "zero", "one"}, {"none"}), node("ConstantOfShape", {"square"}, {"zeros"}), node("Size", {"zeros"}, {"size"}),
                                   node("CastLike", {"size", "x"}, {"number"}), node("Add", {"y", "number"}, {"z"})},
                                  {int_scalar("zero", 0), int_scalar("one", 1), ints("axes", {0}), ints("minus", {-1}), ints("wide", {1, 1})},
                                  {value_info("x", {{"2", "3", "4"}})},
                                  {"z"}}));
  EXPECT_EQ(graph.type(graph.outputs[0]).shape, (Shape{2, 12}));
  EXPECT_EQ(graph.nodes.size(), 3u);  // Reshape, Expand, Add
  EXPECT_EQ(evaluate(graph, {counting({2, 3, 4})})[0].data<float>()[1], 1 + 16);
}

TEST(OnnxConstants, RangeInEveryDirection) {
  const auto range = [](int64_t start, int64_t limit, int64_t delta) {
    return model({{node("Range", {"s", "l", "d"}, {"y"})}, {int_scalar("s", start), int_scalar("l", limit), int_scalar("d", delta)}, {}, {"y"}});
  };
  const auto values = [&](int64_t start, int64_t limit, int64_t delta) {
    const Tensor result = evaluate(read(range(start, limit, delta)), {})[0];
    return Ints(result.data<int64_t>().begin(), result.data<int64_t>().end());
  };
  EXPECT_EQ(values(1, 8, 3), (Ints{1, 4, 7}));
  EXPECT_EQ(values(5, 0, -2), (Ints{5, 3, 1}));
  EXPECT_EQ(values(5, 0, 2), Ints{});
  expect_read_error(range(0, 1, 0), ErrorCode::invalid_model, "Range from 0 to 1 by 0");
  expect_read_error(range(0, std::numeric_limits<int64_t>::max(), 1), ErrorCode::unsupported, "a generated constant");
}

TEST(OnnxConstants, IfWithAKnownConditionIsItsBranch) {
  const auto branch = [](const std::string& op, const std::string& value) { return graph({{node(op, {"x", "w"}, {value})}, {floats("w", {2}, {10, 20})}, {}, {value}}); };
  const auto choose = [&](const std::string& condition, const std::vector<std::string>& weights) {
    return model({{node("If", {condition}, {"y"}, {graph_of("then_branch", branch("Add", "sum")), graph_of("else_branch", branch("Mul", "product"))}),
                   node("If", {condition}, {"z"}, {graph_of("then_branch", branch("Mul", "product")), graph_of("else_branch", branch("Add", "sum"))})},
                  weights, {value_info("x", {{"2"}}), value_info("c", {{}}, 9)}, {"y", "z", "y"}});
  };
  const Tensor x = counting({2}), condition({DType::boolean, {}});
  const std::vector<Tensor> taken = evaluate(read(choose("t", {tensor("t", {}, 9, "\1")})), {x, condition});
  EXPECT_EQ(taken[0].data<float>()[1], 21);
  EXPECT_EQ(taken[1].data<float>()[1], 20);
  EXPECT_EQ(evaluate(read(choose("t", {tensor("t", {}, 9, std::string(1, '\0'))})), {x, condition})[0].data<float>()[1], 20);
  expect_read_error(choose("c", {}), ErrorCode::unsupported, "the condition of If ('c') depends on data");
}

TEST(OnnxConstants, ABranchThatHandsTheInputThroughKeepsBothNames) {
  const std::string branch = graph({{}, {}, {}, {"x"}});
  const Graph graph = read(model({{node("If", {"t"}, {"y"}, {graph_of("then_branch", branch), graph_of("else_branch", branch)})}, {tensor("t", {}, 9, "\1")}, {value_info("x", {{"2"}})}, {"y"}}));
  EXPECT_EQ(graph.value(graph.inputs[0]).name, "x");
  EXPECT_EQ(graph.value(graph.outputs[0]).name, "y");
}

}  // namespace
}  // namespace ropeway::onnx_test
