// Models at the edges of what an NPU and the CPU can share: without operators, without inputs, with outputs that nothing computes or that are given twice.
#include "ascend/split_model.h"
#include "engine/model.h"
#include "ir/text.h"
#include "ops/operator.h"
#include "support/cases.h"
#include "support/environment.h"
#include "support/errors.h"

namespace ropeway {
namespace {

class OddModel : public ::testing::Test {
 protected:
  // Outputs on the NPU, after they were found to be near those of the CPU alone.
  static std::vector<Tensor> check(const Graph& graph, SessionOptions options = {}) {
    const auto cpu = Model::compile(graph, options);
    options.device = "virtual-npu";
    const auto npu = Model::compile(graph, options);
    const std::vector<Tensor> inputs = generated_inputs(cpu->inputs()), expected = run(*cpu, inputs), actual = run(*npu, inputs);
    for (size_t i = 0; i < expected.size(); ++i) EXPECT_TRUE(test::close_to(actual[i], expected[i], 1e-2)) << "output " << i << "\n" << to_string(npu->plan(), npu->graph());
    return actual;
  }
  static std::vector<Tensor> check(const std::string& text, const SessionOptions& options = {}) { return check(parse_graph(text, infer), options); }
  static std::vector<Tensor> run(const Model& model, const std::vector<Tensor>& inputs) {
    std::vector<Tensor> results;
    for (const ValueInfo& output : model.outputs()) results.emplace_back(output.type);
    model.run(*model.make_context(), inputs, results, nullptr);
    return results;
  }

 private:
  const test::ScopedVariable home_{"ROPEWAY_VIRTUAL_HOME", ROPEWAY_VIRTUAL_HOME};
};

TEST_F(OddModel, WithoutOperators) {
  GraphBuilder b("nothing", "test");
  const ValueId x = b.input("x", {DType::f32, {2, 3}});
  b.output(x);
  b.output(x);
  b.output(b.constant("c", Tensor::of<float>({2}, {1, 2})));
  const std::vector<Tensor> results = check(b.finish());
  EXPECT_EQ(results.at(2).data<float>()[1], 2);
}

TEST_F(OddModel, WithoutInputs) {
  for (const bool all_on_npu : {false, true}) {
    GraphBuilder b("constants", "test");
    const ValueId y = b.add1(Op::Unary, UnaryParams{UnaryFunction::tanh, 0, 0}, {b.constant("c", Tensor::of<float>({2, 2}, {1, 2, 3, 4}))}, "y");
    b.output(y);
    if (!all_on_npu) b.output(b.add1(Op::Cast, CastParams{DType::f32}, {b.add1(Op::Cast, CastParams{DType::bf16}, {y}, "half")}, "z"));
    const Graph graph = b.finish();
    check(graph);
    check(graph, {.disabled_passes = {"fold_constants"}});
  }
}

TEST_F(OddModel, OutputsThatAreInputsKeepEveryBit) {
  GraphBuilder b("through", "test");
  const ValueId x = b.input("x", {DType::f64, {2}}), k = b.input("k", {DType::i64, {2}});
  b.output(b.add1(Op::Binary, BinaryParams{}, {x, x}, "sum"));
  b.output(x);
  b.output(k);
  const auto npu = Model::compile(b.finish(), {.device = "virtual-npu"});
  const std::vector<Tensor> inputs = {Tensor::of<double>({2}, {1.0 / 3, 2}), Tensor::of<int64_t>({2}, {int64_t{1} << 40, 1})};
  const std::vector<Tensor> results = run(*npu, inputs);
  EXPECT_EQ(results[1].data<double>()[0], 1.0 / 3);
  EXPECT_EQ(results[2].data<int64_t>()[0], int64_t{1} << 40);
}

// One value, asked for as what it is, in another dtype, and again.
TEST_F(OddModel, OneValueForSeveralOutputs) {
  GraphBuilder b("twice", "test");
  const ValueId x = b.input("x", {DType::f64, {4, 4}});
  const ValueId y = b.add1(Op::Unary, UnaryParams{UnaryFunction::tanh, 0, 0}, {x}, "y");
  const ValueId narrow = b.add1(Op::Cast, CastParams{DType::f32}, {y}, "narrow");
  b.output(narrow);
  b.output(y);
  b.output(y);
  b.output(b.add1(Op::Cast, CastParams{DType::f64}, {narrow}, "again"));
  b.output(narrow);
  check(b.finish());
}

TEST_F(OddModel, WithoutElements) {
  check("graph empty\ninput %x: f32[2,0]\ninput %y: f32[2,3]\n%a = Unary(%x) function=relu\n%b = Concat(%a, %y) axis=1\n%c = Unary(%b) function=relu\noutput %c\noutput %a\n");
}

TEST_F(OddModel, BooleansAndScalarsCrossOver) {
  GraphBuilder b("crossing", "test");
  const ValueId x = b.input("x", {DType::f32, {1, 16, 48, 48}}), s = b.input("s", {DType::f32, {}});
  Tensor weight({DType::f32, {16, 16, 3, 3}});
  fill_uniform(weight.data<float>(), 1, 0.1f);
  const ValueId w = b.constant("w", std::move(weight));
  const auto conv = [&](ValueId id) { return b.add1(Op::Conv, ConvParams{{1, 1}, {1, 1, 1, 1}, {1, 1}, 1}, {id, w}, "conv"); };
  const ValueId deep = conv(conv(conv(x)));
  const ValueId positive = b.add1(Op::Binary, BinaryParams{BinaryFunction::less}, {s, x}, "positive");
  const ValueId half = b.add1(Op::Cast, CastParams{DType::bf16}, {deep}, "half");
  const ValueId chosen = b.add1(Op::Where, NoParams{}, {positive, half, b.add1(Op::Unary, UnaryParams{UnaryFunction::neg, 0, 0}, {half}, "negative")}, "chosen");
  b.output(b.add1(Op::Reduce, ReduceParams{ReduceFunction::mean, {0, 1, 2, 3}, false}, {conv(conv(b.add1(Op::Cast, CastParams{DType::f32}, {chosen}, "back")))}, "mean"));
  b.output(b.add1(Op::Reduce, ReduceParams{ReduceFunction::max, {0, 1, 2, 3}, false}, {deep}, "largest"));
  const Graph graph = b.finish();
  const auto npu = Model::compile(graph, {.device = "virtual-npu"});
  const std::vector<Tensor> inputs = generated_inputs(npu->inputs());
  const std::vector<Tensor> actual = run(*npu, inputs), expected = run(*Model::compile(graph, {}), inputs);
  EXPECT_TRUE(test::close_to(actual[1], expected[1], 1e-2));
  EXPECT_NEAR(actual[0].data<float>()[0], expected[0].data<float>()[0], 1e-2);
  EXPECT_TRUE(npu->is_split());
}

// Nothing is lost of the constants of a part that the NPU's compiler refuses after all.
TEST_F(OddModel, PartsThatCannotBeCompiled) {
  const test::TestFolder cache;
  const test::ScopedVariable in("ROPEWAY_CACHE", cache.path().string()), faults("ROPEWAY_VIRTUAL_FAULTS", "atc=9");
  const Graph graph = ascend::split_model();
  // The same kernels in the whole and in its parts, whose weights are transformed each within its own limits: the bfloat16 between makes much of a last digit.
  const auto npu = Model::compile(graph, {.device = "virtual-npu", .weight_growth = 1});
  EXPECT_EQ(npu->notes().size(), 2u);
  EXPECT_EQ(npu->info().title, "cpu alone");
  const std::vector<Tensor> inputs = generated_inputs(npu->inputs());
  EXPECT_TRUE(test::close_to(run(*npu, inputs)[0], run(*Model::compile(graph, {.weight_growth = 1}), inputs)[0], 1e-5));
}

TEST_F(OddModel, PrecisionOfASplitModel) {
  const Graph graph = ascend::split_model(true);
  const auto npu = Model::compile(graph, {.device = "virtual-npu", .precision = "auto", .tolerance = 1e-4});
  EXPECT_TRUE(npu->is_split());
  ASSERT_EQ(npu->notes().size(), 2u);
  EXPECT_TRUE(npu->notes()[1].starts_with("precision auto: ")) << npu->notes()[1];
}

}  // namespace
}  // namespace ropeway
