// Every case of every operator on the virtual NPU, the whole way: ONNX, atc, container, C interface. Near PyTorch's numbers, as 16 bits are.
#include <cmath>

#include "ascend/backend.h"
#include "support/cases.h"

namespace ropeway::ascend {
namespace {

// Cases that 16 bits cannot come near, and why.
const std::map<std::string, const char*> kExcluded = {
    {"Softmax_large_numbers", "large numbers lose the bits in which they differ"},
    {"Unary_log_special", "1e-30 is 0 in 16 bits"},
    {"Unary_reciprocal_special", "1e-30 is 0 in 16 bits"},
    {"Unary_rsqrt_special", "1e-30 is 0 in 16 bits"},
    {"Unary_sign_special", "1e-30 is 0 in 16 bits"},
};

class Conformance : public testing::TestWithParam<test::Case> {
 protected:
  static const AscendBackend& backend() {
    static const AscendBackend opened(*cann::installation_at(ROPEWAY_VIRTUAL_HOME));
    return opened;
  }
};

TEST_P(Conformance, IsNearPyTorch) {
  const test::Case& each = GetParam();
  for (const Node& node : each.graph.nodes) {
    if (const Support support = backend().supports(each.graph, node); !support.yes) GTEST_SKIP() << support.why_not;
  }
  if (const auto excluded = kExcluded.find(each.name()); excluded != kExcluded.end()) GTEST_SKIP() << excluded->second;
  const auto executable = backend().compile(each.graph, {});
  std::vector<Tensor> outputs;
  for (const Tensor& expected : each.expected) outputs.emplace_back(expected.type());
  executable->run(*executable->make_context(), each.inputs, outputs, nullptr);
  for (size_t i = 0; i < outputs.size(); ++i) EXPECT_TRUE(test::close_to(outputs[i], each.expected[i], 1e-2)) << to_text(each.graph);
}

INSTANTIATE_TEST_SUITE_P(Cases, Conformance, testing::ValuesIn(test::all_cases()), [](const auto& each) { return each.param.name(); });

}  // namespace
}  // namespace ropeway::ascend
