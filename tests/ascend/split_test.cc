// Models of which the NPU computes a part: results as the CPU's alone, within the chip's precision.
#include "base/random.h"
#include "engine/model.h"
#include "ops/builder.h"
#include "support/cases.h"
#include "support/environment.h"
#include "support/errors.h"

namespace ropeway {
namespace {

// Convolutions, heavy enough for the NPU; `lacking` marks what runs through bfloat16, which it does not have.
class Network {
 public:
  Network() : b_("network", "test"), value_(b_.input("x", {DType::f32, {1, 16, 48, 48}})) {}
  ValueId conv(ValueId x) {
    Tensor w({DType::f32, {16, 16, 3, 3}});
    fill_uniform(w.data<float>(), stream_seed(fmt::format("w{}", count_)), 0.1F);
    return b_.add1(Op::Conv, ConvParams{{1, 1}, {1, 1, 1, 1}, {1, 1}, 1}, {x, b_.constant("w", std::move(w))}, fmt::format("conv{}", count_++));
  }
  ValueId lacking(ValueId x) {
    const ValueId half = b_.add1(Op::Cast, CastParams{DType::bf16}, {x}, "narrow");
    return b_.add1(Op::Cast, CastParams{DType::f32}, {b_.add1(Op::Unary, UnaryParams{UnaryFunction::relu, 0, 0}, {half}, "lacking")}, "widen");
  }
  ValueId add(ValueId x, ValueId y) { return b_.add1(Op::Binary, BinaryParams{}, {x, y}, "add"); }
  ValueId input() const { return value_; }
  Graph finish(ValueId output) {
    b_.output(output);
    return b_.finish();
  }

 private:
  GraphBuilder b_;
  ValueId value_;
  int count_ = 0;
};

Tensor run(const Model& model) {
  std::vector<Tensor> results;
  for (const ValueInfo& output : model.outputs()) results.emplace_back(output.type);
  model.run(*model.make_context(), generated_inputs(model.inputs()), results, nullptr);
  return results[0];
}

// The segments' devices, in order: "ncn" for NPU, CPU, NPU.
std::string check(const Graph& graph) {
  const test::ScopedVariable home("ROPEWAY_VIRTUAL_HOME", ROPEWAY_VIRTUAL_HOME);
  const auto split = Model::compile(graph, {.device = "virtual-npu"});
  EXPECT_TRUE(test::close_to(run(*split), run(*Model::compile(graph, {})), 2e-2));
  test::expect_error([&] { Model::compile(graph, {.device = "virtual-npu", .fallback = false}); }, ErrorCode::unsupported, "--no-fallback keeps them from the cpu:\n  Cast at : virtual-npu declined: ");
  std::string devices;
  for (const Segment& segment : split->plan().segments) devices += segment.backend == 0 ? "n" : "c";
  return devices;
}

TEST(SplitModel, InTheMiddle) {
  Network n;
  EXPECT_EQ(check(n.finish(n.conv(n.conv(n.lacking(n.conv(n.conv(n.input()))))))), "ncn");
}

TEST(SplitModel, AtTheEnds) {
  Network n;
  EXPECT_EQ(check(n.finish(n.lacking(n.conv(n.conv(n.conv(n.lacking(n.input()))))))), "cnc");
}

TEST(SplitModel, InParallelBranches) {
  Network n;
  const ValueId stem = n.conv(n.conv(n.input()));
  const ValueId left = n.conv(n.lacking(n.conv(stem))), right = n.conv(n.lacking(n.conv(stem)));
  EXPECT_EQ(check(n.finish(n.conv(n.add(n.add(left, right), stem)))), "ncn");
}

TEST(SplitModel, OneAfterTheOther) {
  Network n;
  ValueId x = n.conv(n.input());
  for (int i = 0; i < 3; ++i) x = n.add(n.conv(n.conv(n.lacking(n.conv(n.conv(x))))), x);
  EXPECT_EQ(check(n.finish(x)), "ncncncn");
}

// Nothing is left out of a model that the NPU computes wholly.
TEST(SplitModel, IsNoneWhereTheNpuHasAll) {
  const test::ScopedVariable home("ROPEWAY_VIRTUAL_HOME", ROPEWAY_VIRTUAL_HOME);
  Network n;
  const auto model = Model::compile(n.finish(n.conv(n.input())), {.device = "virtual-npu", .fallback = false});
  EXPECT_FALSE(model->is_split());
  EXPECT_EQ(model->info().title, "virtual Ascend310B1");
  EXPECT_TRUE(model->notes().empty());
}

}  // namespace
}  // namespace ropeway
