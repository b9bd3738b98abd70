// Compiled operators back to nodes.
#include "ascend/steps.h"

#include "ascend/backend.h"
#include "ascend/small_model.h"
#include "engine/model.h"
#include "support/errors.h"

namespace ropeway::ascend {
namespace {

const std::map<std::string, int> kNodes = {{"Conv_0", 0}, {"Relu_1", 1}, {"Relu_11", 2}, {"layer1.0/add", 3}, {"conv", 4}};

TEST(Steps, NamesOfFusedOperatorsAreParted) {
  EXPECT_EQ(nodes_behind("Conv_0", kNodes), std::vector<int>{0});
  EXPECT_EQ(nodes_behind("Conv_0Relu_1", kNodes), (std::vector<int>{0, 1}));
  EXPECT_EQ(nodes_behind("Conv_0Relu_11", kNodes), (std::vector<int>{0, 2})) << "the longest name that fits";
  EXPECT_EQ(nodes_behind("PartitionedCall_Conv_0_Conv2D_32layer1.0/addRelu_1", kNodes), (std::vector<int>{0, 3, 1}));
  EXPECT_EQ(nodes_behind("Relu_1Relu_1", kNodes), std::vector<int>{1});
  EXPECT_TRUE(nodes_behind("trans_TransData_7", kNodes).empty());
  EXPECT_TRUE(nodes_behind("", kNodes).empty());
}

TEST(Steps, BeginWithTheHeaviestNode) {
  const Graph graph = small_model();  // conv, relu, flat, fc
  const std::map<std::string, int> nodes = {{"conv", 0}, {"relu", 1}, {"flat", 2}, {"fc", 3}};
  const std::vector<OperatorTime> operators = {{"trans_TransData_0", "TransData", 0.1}, {"reluconv", "Conv2D", 0.2}, {"fc", "MatMulV2", 0.3}, {"relu", "Relu", 0.1}, {"trans_Cast_1", "Cast", 0.1}};
  const std::vector<StepInfo> steps = make_steps(graph, operators, nodes);
  ASSERT_EQ(steps.size(), 5u);
  EXPECT_EQ(steps[1].nodes, (std::vector<int>{0, 1}));
  EXPECT_EQ(steps[1].kernel, "Conv2D");
  EXPECT_EQ(steps[0].nodes, std::vector<int>{});
  EXPECT_EQ(steps[0].on_behalf_of, 0) << "what CANN puts in is on behalf of what follows";
  EXPECT_EQ(steps[4].on_behalf_of, -1);
  EXPECT_GT(steps[1].flops, 0);
  EXPECT_EQ(steps[3].flops, 0) << "its node's work was counted before";
}

TEST(Steps, AreTimedByTheProfiler) {
  const AscendBackend backend(*cann::installation_at(ROPEWAY_VIRTUAL_HOME));
  CompileOptions options;
  options.time_steps = true;
  const auto executable = backend.compile(small_model(), options);
  // The relu is fused into the convolution; the reshape is no operator.
  ASSERT_EQ(executable->steps().size(), 2u);
  EXPECT_EQ(executable->steps()[0].nodes, (std::vector<int>{0, 1}));
  EXPECT_EQ(executable->steps()[1].nodes[0], 3);
  const std::vector<Tensor> inputs = generated_inputs({{"x", {DType::f32, {1, 3, 8, 8}}}});
  std::vector<Tensor> outputs = {Tensor({DType::f32, {1, 10}})};
  const auto context = executable->make_context();
  Trace timed, whole;
  executable->run(*context, inputs, outputs, &timed);
  ASSERT_EQ(timed.step_ms.size(), 2u);
  backend.compile(small_model(), {})->run(*backend.compile(small_model(), {})->make_context(), inputs, outputs, &whole);
  EXPECT_NEAR(timed.step_ms[0] + timed.step_ms[1], whole.step_ms[0], 1e-5);
  EXPECT_NEAR(timed.device_ms, whole.device_ms, 1e-5);
}

}  // namespace
}  // namespace ropeway::ascend
