// Segments and their boundaries, on two devices that only say what they can compute.
#include "plan/plan.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/text.h"
#include "ir/text.h"
#include "ir/verify.h"
#include "ops/operator.h"
#include "support/errors.h"

namespace ropeway {
namespace {

// Declines some unary functions, computes everything else.
struct Device {
  std::string name;
  std::set<UnaryFunction> declined;
};
const std::vector<Device> kNpuAndCpu = {{"npu", {UnaryFunction::exp, UnaryFunction::log}}, {"cpu", {}}};

std::vector<Candidate> candidates_for(const Graph& graph, const std::vector<Device>& devices) {
  std::vector<Candidate> result;
  for (const Device& device : devices) {
    Candidate& candidate = result.emplace_back();
    candidate.name = device.name;
    for (const Node& node : graph.nodes) {
      const bool lacking = node.op == Op::Unary && device.declined.contains(node.get<UnaryParams>().function);
      candidate.supports.push_back({!lacking, lacking ? fmt::format("it has no {}", name(node.get<UnaryParams>().function)) : "", 1.0});
    }
  }
  return result;
}

Plan plan_of(const Graph& graph, const std::vector<Device>& devices) { return make_plan(graph, candidates_for(graph, devices)); }

// The npu does all but c; a crosses over c, b is also an output, w is a constant, and a is read twice.
const Graph kGraph = parse_graph(
    "graph g\n"
    "input %x: f32[2]\n"
    "input %y: f32[2]\n"
    "const %w: f32[2] = [1, 2]\n"
    "%a = Unary(%x) function=relu @ block.0 (relu)\n"
    "%b = Binary(%a, %w) function=add @ block.1 (add)\n"
    "%c = Unary(%b) function=exp @ block.2 (exp)\n"
    "%d = Binary(%c, %a) function=mul\n"
    "%e = Binary(%d, %a) function=sub\n"
    "%f = Binary(%e, %y) function=add\n"
    "output %f\n"
    "output %b\n",
    infer);

std::vector<std::string> names(const Graph& graph, const std::vector<ValueId>& ids) {
  std::vector<std::string> result;
  for (const ValueId id : ids) result.push_back(graph.value(id).name);
  return result;
}
using Names = std::vector<std::string>;

TEST(Plan, NeighboursOnOneDeviceFormASegment) {
  const Plan plan = plan_of(kGraph, kNpuAndCpu);
  ASSERT_EQ(plan.segments.size(), 3u);
  EXPECT_EQ(plan.segments[0].nodes, (std::vector<int>{0, 1}));
  EXPECT_EQ(plan.segments[1].nodes, (std::vector<int>{2}));
  EXPECT_EQ(plan.segments[2].nodes, (std::vector<int>{3, 4, 5}));
  EXPECT_EQ(plan.segments[0].backend, 0u);
  EXPECT_EQ(plan.segments[1].backend, 1u);
  EXPECT_EQ(plan.segments[2].backend, 0u);
}

TEST(Plan, BoundariesAreWhatCrossesThem) {
  const Plan plan = plan_of(kGraph, kNpuAndCpu);
  EXPECT_EQ(names(kGraph, plan.segments[0].inputs), (Names{"x"}));
  EXPECT_EQ(names(kGraph, plan.segments[0].outputs), (Names{"b", "a"}));
  EXPECT_EQ(names(kGraph, plan.segments[1].inputs), (Names{"b"}));
  EXPECT_EQ(names(kGraph, plan.segments[1].outputs), (Names{"c"}));
  EXPECT_EQ(names(kGraph, plan.segments[2].inputs), (Names{"c", "a", "y"}));
  EXPECT_EQ(names(kGraph, plan.segments[2].outputs), (Names{"f"}));
}

TEST(Plan, EveryPlacementHasItsReason) {
  const Plan plan = plan_of(kGraph, kNpuAndCpu);
  ASSERT_EQ(plan.placements.size(), kGraph.nodes.size());
  EXPECT_EQ(plan.placements[0].reason, "it is the preferred device");
  EXPECT_EQ(plan.placements[2].backend, 1u);
  EXPECT_EQ(plan.placements[2].reason, "npu declined: it has no exp");
  EXPECT_EQ(plan_of(kGraph, {kNpuAndCpu[1]}).placements[2].reason, "it is the only device");
}

TEST(Plan, IsPrinted) {
  EXPECT_EQ(to_string(plan_of(kGraph, kNpuAndCpu), kGraph),
            "segment 0 on npu: 2 operators\n"
            "  reads  x: f32[2]\n"
            "  leaves b: f32[2], a: f32[2]\n"
            "  because it is the preferred device (2 operators)\n"
            "segment 1 on cpu: 1 operator\n"
            "  reads  b: f32[2]\n"
            "  leaves c: f32[2]\n"
            "  because npu declined: it has no exp (1 operator)\n"
            "segment 2 on npu: 3 operators\n"
            "  reads  c: f32[2], a: f32[2], y: f32[2]\n"
            "  leaves f: f32[2]\n"
            "  because it is the preferred device (3 operators)\n");
}

TEST(Plan, ASegmentIsAGraphOfItsOwn) {
  const Plan plan = plan_of(kGraph, kNpuAndCpu);
  EXPECT_EQ(to_text(extract(kGraph, plan.segments[0])),
            "graph g\n"
            "input %x: f32[2]\n"
            "const %w: f32[2] = [1, 2]\n"
            "%a = Unary(%x) function=relu alpha=0 beta=0 : f32[2] @ block.0 (relu)\n"
            "%b = Binary(%a, %w) function=add : f32[2] @ block.1 (add)\n"
            "output %b\n"
            "output %a\n");
  // Run one after the other, the parts give what the whole gives.
  const Tensor x = Tensor::of<float>({2}, {-1, 1}), y = Tensor::of<float>({2}, {5, 7});
  std::map<std::string, Tensor> known = {{"x", x}, {"y", y}};
  for (const Segment& segment : plan.segments) {
    const Graph part = extract(kGraph, segment);
    verify(part);
    std::vector<Tensor> inputs;
    for (const std::string& name : names(part, part.inputs)) inputs.push_back(known.at(name));
    const std::vector<Tensor> outputs = evaluate(part, inputs);
    for (size_t i = 0; i < outputs.size(); ++i) known[names(part, part.outputs)[i]] = outputs[i];
  }
  const std::vector<Tensor> whole = evaluate(kGraph, {x, y});
  for (const size_t i : {size_t{0}, size_t{1}}) {
    EXPECT_EQ(known["f"].data<float>()[i], whole[0].data<float>()[i]);
    EXPECT_EQ(known["b"].data<float>()[i], whole[1].data<float>()[i]);
  }
}

TEST(Plan, ErrorsListWhatNoDeviceCanCompute) {
  const Graph graph = parse_graph(
      "graph g\ninput %x: f32[2]\n%a = Unary(%x) function=exp @ block.0 (exp_1)\n"
      "%b = Unary(%a) function=log @ head (log_1)\n%c = Unary(%b) function=relu\n%d = Unary(%c) function=log\noutput %d\n", infer);
  const Error error = test::error_of([&] { plan_of(graph, {kNpuAndCpu[0], {"cpu", {UnaryFunction::log}}}); });
  EXPECT_EQ(error.code(), ErrorCode::unsupported);
  EXPECT_TRUE(error.message().starts_with("no device can compute 2 of 4 operators:\n"
                                          "  Unary at head (log_1): npu declined: it has no log; cpu declined: it has no log\n"
                                          "  Unary at ")) << error.message();
  EXPECT_EQ(error.message().find("exp"), std::string::npos) << error.message();
}

TEST(Plan, OfAGraphWithoutNodes) {
  const Graph graph = parse_graph("graph g\ninput %x: f32[2]\noutput %x\n");
  const Plan plan = plan_of(graph, kNpuAndCpu);
  EXPECT_TRUE(plan.segments.empty());
  EXPECT_EQ(to_string(plan, graph), "");
}

// An optional input that is left out crosses no boundary; a part of a split that nobody reads does neither.
TEST(Plan, LeavesOutWhatIsNotThere) {
  const Graph graph = parse_graph(
      "graph g\ninput %x: f32[1,2,3]\nconst %w: f32[2,2,1] = fill(1)\n"
      "%c = Conv(%x, %w, _) strides=[1] pads=[0,0] dilations=[1] group=1\n%a, %b = Split(%c) axis=1 split=[1,1]\n%e = Unary(%b) function=exp\noutput %e\n", infer);
  const Plan plan = plan_of(graph, kNpuAndCpu);
  ASSERT_EQ(plan.segments.size(), 2u);
  EXPECT_EQ(names(graph, plan.segments[0].inputs), (Names{"x"}));
  EXPECT_EQ(names(graph, plan.segments[0].outputs), (Names{"b"}));
}

}  // namespace
}  // namespace ropeway
