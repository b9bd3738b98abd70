// What 16 bits do to small networks, and the search for what must have 32.
#include "accuracy/precision.h"

#include <cmath>

#include "engine/model.h"
#include "support/cases.h"
#include "support/environment.h"
#include "support/errors.h"

namespace ropeway {
namespace {

Graph graph_of(const std::string& lines) { return parse_graph("graph g\n" + lines, infer); }

Tensor scaled(const TensorType& type, float scale) {
  Tensor result = generated_inputs({{"x", type}})[0];
  for (float& each : result.data<float>()) each *= scale;
  return result;
}

// x / sqrt(mean(x²)), over the last dimension, after a product: overflows in x² for large x.
const char* const kRmsNorm = R"(
input %x: f32[4,32]
const %w: f32[32,32] = uniform(w, 0.2)
const %two: f32[] = [2]
const %eps: f32[] = [1e-05]
const %m: f32[32,8] = uniform(m, 0.2)
%p = MatMul(%x, %w)
%square = Binary(%p, %two) function=pow
%mean = Reduce(%square) function=mean axes=[1] keepdims=true
%sum = Binary(%mean, %eps) function=add
%root = Unary(%sum) function=sqrt
%norm = Binary(%p, %root) function=div
%act = Unary(%norm) function=tanh
%y = MatMul(%act, %m)
output %y)";

// Attention whose logits are large: what they differ by, which is all that softmax sees, drowns in 16 bits.
const char* const kLogits = R"(
input %q: f32[16,32]
const %k: f32[32,16] = uniform(k)
const %v: f32[16,8] = uniform(v)
const %large: f32[] = [2000]
%z = MatMul(%q, %k)
%s = Binary(%z, %large) function=add
%a = Softmax(%s) axis=1
%y = MatMul(%a, %v)
output %y)";

// A product of small numbers, which is scaled up again.
const char* const kUnderflow = R"(
input %x: f32[64]
const %small: f32[] = [1e-05]
const %large: f32[] = [10000]
%a = Unary(%x) function=tanh
%b = Binary(%a, %small) function=mul
%c = Binary(%b, %b) function=mul
%d = Binary(%c, %large) function=mul
%e = Binary(%d, %large) function=mul
%y = Unary(%e) function=tanh
output %y)";

std::vector<std::string> names_of(const Graph& graph, const KeptOperators& kept) {
  std::vector<std::string> names;
  for (const KeptOperator& each : kept.operators) names.push_back(graph.value(graph.nodes[static_cast<size_t>(each.node)].outputs[0]).name);
  return names;
}

TEST(ExaminePrecision, FindsOverflow) {
  const Graph graph = graph_of(kRmsNorm);
  const std::vector<Tensor> inputs = {scaled(graph.type(graph.inputs[0]), 2000)};
  const PrecisionReport report = examine_precision(graph, inputs);
  ASSERT_EQ(report.operators.size(), graph.nodes.size());
  EXPECT_EQ(report.operators[0].overflows, 0);
  EXPECT_GT(report.operators[1].overflows, 0);
  EXPECT_GT(report.operators[1].largest, 65504);
  EXPECT_EQ(report.operators[1].elements, 4 * 32);
  EXPECT_FALSE(report.within(kTolerance));
  EXPECT_LT(report.operators[0].difference.relative(), 1e-2);
  EXPECT_GT(report.operators[1].difference.relative(), 0.5);
  EXPECT_EQ(report.operators[1].nans, 0);
  // The same network on small numbers is well.
  EXPECT_TRUE(examine_precision(graph, {scaled(graph.type(graph.inputs[0]), 1)}).within(kTolerance));
}

// A model may itself have the name that a value has before it is rounded.
TEST(ExaminePrecision, NamesOfTheModelAreNotTakenForOthers) {
  const Graph graph = graph_of("input %x: f32[64]\nconst %a.unrounded: f32[] = [300]\n%a = Binary(%x, %a.unrounded) function=mul\noutput %a\n");
  const std::vector<Tensor> inputs = {scaled(graph.type(graph.inputs[0]), 2000)};
  int64_t beyond = 0;
  for (const float each : inputs[0].data<float>()) beyond += std::fabs(each) * 300 > 66000;
  const PrecisionReport report = examine_precision(graph, inputs);
  EXPECT_GT(beyond, 32);
  EXPECT_NEAR(static_cast<double>(report.operators[0].overflows), static_cast<double>(beyond), 2);
  EXPECT_EQ(report.operators[0].lost, 0);
}

TEST(ExaminePrecision, FindsWhatIsLost) {
  const Graph graph = graph_of(kUnderflow);
  const PrecisionReport report = examine_precision(graph, {scaled(graph.type(graph.inputs[0]), 2)});
  EXPECT_EQ(report.operators[2].lost, 64);
  EXPECT_EQ(report.operators[2].difference.lost, 64);
  EXPECT_EQ(report.operators[0].lost, 0);
  EXPECT_FALSE(report.within(kTolerance));
}

TEST(ExaminePrecision, ListsWeights) {
  const Graph graph = graph_of("input %x: f32[3]\nconst %w: f32[3] = [1e-09, 1, 70000]\n%y = Binary(%x, %w) function=mul\noutput %y\n");
  const PrecisionReport report = examine_precision(graph, {Tensor::of<float>({3}, {1, 1, 0})});
  ASSERT_EQ(report.weights.size(), 1u);
  EXPECT_EQ(report.weights[0].name, "w");
  EXPECT_EQ(report.weights[0].zeros, 1);
  EXPECT_EQ(report.weights[0].overflows, 1);
  EXPECT_TRUE(report.within(kTolerance));  // of no consequence here
}

TEST(ExaminePrecision, BatchesChangeNothing) {
  const Graph graph = graph_of(kRmsNorm);
  const std::vector<Tensor> inputs = {scaled(graph.type(graph.inputs[0]), 3)};
  PrecisionOptions one;
  one.observed_bytes = 1;
  const PrecisionReport a = examine_precision(graph, inputs), b = examine_precision(graph, inputs, one);
  for (size_t i = 0; i < a.operators.size(); ++i) EXPECT_EQ(a.operators[i].difference.largest_error, b.operators[i].difference.largest_error) << i;
  EXPECT_EQ(a.error, b.error);
}

TEST(ExaminePrecision, InputsMustFit) {
  const Graph graph = graph_of(kRmsNorm);
  test::expect_error([&] { examine_precision(graph, {}); }, ErrorCode::invalid_argument, "0 inputs are given");
  test::expect_error([&] { examine_precision(graph, {Tensor({DType::f32, {1}})}); }, ErrorCode::invalid_argument, "input x must be f32[4,32]");
}

TEST(KeepForTolerance, KeepsNothingWhereNothingIsNeeded) {
  const Graph graph = graph_of(kRmsNorm);
  const KeptOperators kept = keep_for_tolerance(graph, {scaled(graph.type(graph.inputs[0]), 1)});
  EXPECT_TRUE(kept.reached);
  EXPECT_TRUE(kept.operators.empty());
  EXPECT_EQ(kept.runs, 1);
  EXPECT_EQ(kept.error_before, kept.error_after);
}

TEST(KeepForTolerance, KeepsTheWayOfAnOverflow) {
  const Graph graph = graph_of(kRmsNorm);
  const KeptOperators kept = keep_for_tolerance(graph, {scaled(graph.type(graph.inputs[0]), 2000)});
  EXPECT_TRUE(kept.reached);
  EXPECT_EQ(names_of(graph, kept), (std::vector<std::string>{"square", "mean", "sum", "root"}));
  EXPECT_NE(kept.operators[0].reason.find("16 bits end at 65504"), std::string::npos) << kept.operators[0].reason;
  EXPECT_GT(kept.error_before, 0.1);
  EXPECT_LE(kept.error_after, kTolerance);
}

TEST(KeepForTolerance, KeepsLogitsAndTheSoftmaxOfThem) {
  const Graph graph = graph_of(kLogits);
  const KeptOperators kept = keep_for_tolerance(graph, {scaled(graph.type(graph.inputs[0]), 1)});
  EXPECT_TRUE(kept.reached);
  EXPECT_EQ(names_of(graph, kept), (std::vector<std::string>{"s", "a"}));
}

TEST(KeepForTolerance, KeepsTheWayOfAnUnderflow) {
  const Graph graph = graph_of(kUnderflow);
  const KeptOperators kept = keep_for_tolerance(graph, {scaled(graph.type(graph.inputs[0]), 2)});
  EXPECT_TRUE(kept.reached);
  EXPECT_EQ(names_of(graph, kept), (std::vector<std::string>{"c", "d", "e"}));
}

// A sum that grows by less than its last digit stands still.
TEST(KeepForTolerance, KeepsASumOfMany) {
  std::string lines = "input %x: f32[8]\n%s0 = Unary(%x) function=abs\n";
  for (int i = 1; i <= 40; ++i) lines += fmt::format("%s{} = Binary(%s{}, %s0) function=add\n", i, i - 1);
  const Graph graph = graph_of(lines + "%d = Binary(%s40, %s39) function=sub\noutput %d\n");
  const KeptOperators kept = keep_for_tolerance(graph, {scaled(graph.type(graph.inputs[0]), 1)});
  EXPECT_TRUE(kept.reached);
  EXPECT_FALSE(kept.operators.empty());
  EXPECT_LE(kept.error_after, kTolerance);
}

// A convolution's operands are 16 bits whatever is asked for.
TEST(KeepForTolerance, SaysWhenItIsOfNoUse) {
  const Graph graph = graph_of("input %x: f32[1,2,4,4]\nconst %w: f32[1,2,1,1] = [1, -1]\n%y = Conv(%x, %w) strides=[1,1] pads=[0,0,0,0] dilations=[1,1]\noutput %y\n");
  Tensor x(graph.type(graph.inputs[0]));
  for (size_t i = 0; i < 16; ++i) {
    x.data<float>()[i] = 1000 + 0.01f * static_cast<float>(i);
    x.data<float>()[i + 16] = 1000;
  }
  const KeptOperators kept = keep_for_tolerance(graph, {x});
  EXPECT_FALSE(kept.reached);
  EXPECT_TRUE(kept.operators.empty());
  EXPECT_GT(kept.error_after, kTolerance);
}

TEST(KeepForTolerance, AsManyRunsAsAllowed) {
  const Graph graph = graph_of(kRmsNorm);
  PrecisionOptions options;
  options.most_runs = 4;
  const KeptOperators kept = keep_for_tolerance(graph, {scaled(graph.type(graph.inputs[0]), 2000)}, options);
  EXPECT_TRUE(kept.reached);
  EXPECT_LE(kept.error_after, kTolerance);
  EXPECT_LE(kept.runs, 4);
}

// What is found beforehand is what the virtual NPU then computes, and what it keeps brings the result within the tolerance there.
TEST(PrecisionAuto, HoldsOnTheVirtualNpu) {
  const test::ScopedVariable home("ROPEWAY_VIRTUAL_HOME", ROPEWAY_VIRTUAL_HOME);
  const std::vector<std::pair<const char*, float>> networks = {{kRmsNorm, 2000}, {kLogits, 1}, {kUnderflow, 2}};
  for (const auto& [lines, scale] : networks) {
    const Graph graph = graph_of(lines);
    const std::vector<Tensor> inputs = {scaled(graph.type(graph.inputs[0]), scale)};
    const KeptOperators kept = keep_for_tolerance(graph, inputs);
    const auto run = [&](const std::string& device, const std::string& precision, std::string* note = nullptr) {
      SessionOptions options;
      options.device = device;
      options.precision = precision;
      if (precision == "auto") options.samples = inputs;
      const auto model = Model::compile(graph, options);
      Tensor result(model->outputs()[0].type);
      model->run(*model->make_context(), inputs, std::span(&result, 1), nullptr);
      if (note != nullptr && !model->notes().empty()) *note = model->notes()[0];
      return result;
    };
    std::string note;
    const Tensor exact = run("cpu", ""), half = run("virtual-npu", "fp16"), kept_some = run("virtual-npu", "auto", &note);
    EXPECT_NEAR(difference(half, exact).relative(), kept.error_before, 1e-3) << lines;
    EXPECT_NEAR(difference(kept_some, exact).relative(), kept.error_after, 1e-3) << lines;
    EXPECT_LE(difference(kept_some, exact).relative(), kTolerance) << lines;
    EXPECT_NE(note.find(fmt::format("precision auto: {} of {} operators in fp32", kept.operators.size(), graph.nodes.size())), std::string::npos) << note;
    EXPECT_NE(note.find("judged by the inputs given"), std::string::npos) << note;
  }
}

TEST(PrecisionAuto, ModesAreNamed) {
  const test::ScopedVariable home("ROPEWAY_VIRTUAL_HOME", ROPEWAY_VIRTUAL_HOME);
  const auto compiled = [](const std::string& device, const std::string& precision) {
    SessionOptions options;
    options.device = device;
    options.precision = precision;
    return Model::compile(graph_of(kRmsNorm), options)->backend(0).info().precision;
  };
  EXPECT_EQ(compiled("virtual-npu", ""), "fp16");
  EXPECT_EQ(compiled("virtual-npu", "force_fp16"), "fp16");
  EXPECT_EQ(compiled("virtual-npu", "auto"), "fp16, some fp32");
  EXPECT_EQ(compiled("virtual-npu", "origin"), "must_keep_origin_dtype");
  EXPECT_EQ(compiled("virtual-npu", "force_fp32"), "force_fp32");
  EXPECT_EQ(compiled("cpu", "fp32"), "fp32");
  test::expect_error([&] { compiled("cpu", "auto"); }, ErrorCode::invalid_argument, "the CPU has no precision 'auto'");
  test::expect_error([&] { compiled("virtual-npu", "int8"); }, ErrorCode::invalid_argument, "an NPU has no precision 'int8'; there is fp16, auto");
}

}  // namespace
}  // namespace ropeway
