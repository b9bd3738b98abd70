// The CPU backend on graphs that the chip's rounding was written into: the virtual chip's arithmetic.
#include <algorithm>
#include <cmath>

#include "chip/numerics.h"
#include "engine/model.h"
#include "formats/formats.h"
#include "passes/pipeline.h"
#include "support/cases.h"

namespace ropeway::chip {
namespace {

const char* const kNet = R"(graph g
input %x: f32[1,3,12,12]
const %w: f32[24,3,3,3] = uniform(w, 0.4)
const %b: f32[24] = uniform(b)
const %v: f32[24,24,3,3] = uniform(v, 0.15)
const %m: f32[96,10] = uniform(m, 0.3)
const %c: f32[10] = uniform(c)
%conv1 = Conv(%x, %w, %b) strides=[1,1] pads=[1,1,1,1] dilations=[1,1]
%relu1 = Unary(%conv1) function=relu
%pool1 = MaxPool(%relu1) kernel_shape=[2,2] strides=[2,2] pads=[0,0,0,0] dilations=[1,1]
%conv2 = Conv(%pool1, %v) strides=[1,1] pads=[1,1,1,1] dilations=[1,1]
%sum = Binary(%conv2, %pool1) function=add
%relu6 = Unary(%sum) function=clip alpha=0 beta=6
%pool2 = AveragePool(%relu6) kernel_shape=[3,3] strides=[3,3] pads=[0,0,0,0] dilations=[1,1]
%flat = Reshape(%pool2) shape=[1,96]
%product = MatMul(%flat, %m)
%linear = Binary(%product, %c) function=add
%gelu = Unary(%linear) function=gelu
%y = Softmax(%gelu) axis=1
output %y
output %c
)";

struct Outcome {
  std::vector<Tensor> outputs;
  std::vector<std::string> kernels;
  size_t weights = 0;  // bytes
};

Outcome run(Graph graph, const std::vector<Tensor>& inputs, const std::set<std::string>& disabled) {
  SessionOptions options;
  options.threads = 1;
  options.weight_growth = 1;  // what is rounded transforms no weights, either
  options.disabled_passes = disabled;
  const auto model = Model::compile(std::move(graph), options);
  const auto context = model->make_context();
  Outcome result;
  for (const ValueInfo& output : model->outputs()) result.outputs.emplace_back(output.type);
  model->run(*context, inputs, result.outputs, nullptr);
  for (const auto& executable : model->executables()) {
    for (const StepInfo& step : executable->steps()) result.kernels.emplace_back(step.kernel);
    result.weights += executable->memory().weights;
  }
  return result;
}

double error(const Tensor& actual, const Tensor& expected) {
  double largest = 0, difference = 0;
  for (size_t i = 0; i < static_cast<size_t>(expected.count()); ++i) {
    const auto e = static_cast<double>(expected.data<float>()[i]);
    largest = std::max(largest, std::fabs(e));
    difference = std::max(difference, std::fabs(e - static_cast<double>(actual.data<float>()[i])));
  }
  return difference / largest;
}

TEST(RoundedModel, IsComputedAsTheReferencesDo) {
  const Graph exact = parse_graph(kNet, infer), rounded = apply_numerics(exact);
  const std::vector<Tensor> inputs = {test::case_input(exact.value(exact.inputs[0]))};
  const Tensor expected = evaluate(rounded, inputs)[0];
  for (const std::set<std::string>& disabled : {std::set<std::string>{}, {"fuse"}, {"fold_constants"}}) {
    const Outcome actual = run(rounded, inputs, disabled);
    EXPECT_LT(error(actual.outputs[0], expected), 2e-3);  // sums in another order fall to the other side of a rounding here and there
    EXPECT_GT(error(actual.outputs[0], run(exact, inputs, disabled).outputs[0]), 1e-6);
    for (const float value : actual.outputs[0].data<float>()) EXPECT_EQ(f16_to_f32(f32_to_f16(value)), value);
    EXPECT_EQ(error(actual.outputs[1], evaluate(rounded, inputs)[1]), 0);  // a weight that is delivered, too
  }
}

TEST(RoundedModel, RunsOnKernelsAndHoldsItsWeightsOnce) {
  const std::set<std::string> disabled = {"fold_constants"};  // which leaves large weights alone, too
  const Graph exact = parse_graph(kNet, infer);
  const std::vector<Tensor> inputs = {test::case_input(exact.value(exact.inputs[0]))};
  const Outcome as_it_is = run(exact, inputs, disabled), rounded = run(apply_numerics(exact), inputs, disabled);
  const auto count = [](const Outcome& outcome, const std::string& kernel) { return std::count(outcome.kernels.begin(), outcome.kernels.end(), kernel); };
  EXPECT_EQ(count(rounded, "reference"), 0);
  EXPECT_EQ(count(rounded, "round_f16"), 3);  // the input, the average pool, the softmax: all else is rounded where it is computed
  EXPECT_EQ(count(rounded, "to_f16") + count(rounded, "from_f16"), 0);
  EXPECT_EQ(rounded.weights, as_it_is.weights + 10 * sizeof(float));  // the bias that is delivered: no constant of the graph any more
}

// The error of 16 bits at full size, where thousands of roundings come together.
TEST(RoundedModel, ResNetKeepsItsClass) {
  const Graph exact = run_passes(read_model("resnet34", {}), pipeline(), {});
  const std::vector<Tensor> inputs = {test::case_input(exact.value(exact.inputs[0]))};
  const Tensor expected = run(exact, inputs, {}).outputs[0], actual = run(apply_numerics(exact), inputs, {}).outputs[0];
  EXPECT_GT(error(actual, expected), 1e-5);
  EXPECT_LT(error(actual, expected), 1e-2);
  const auto largest = [](const Tensor& tensor) { return std::max_element(tensor.data<float>().begin(), tensor.data<float>().end()) - tensor.data<float>().begin(); };
  EXPECT_EQ(largest(actual), largest(expected));
}

}  // namespace
}  // namespace ropeway::chip
