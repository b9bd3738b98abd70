// Every reference against real PyTorch.
#include "support/cases.h"

namespace ropeway {
namespace {

class Reference : public testing::TestWithParam<test::Case> {};

TEST_P(Reference, GivesPyTorchsNumbers) {
  const test::Case& each = GetParam();
  const std::vector<Tensor> outputs = evaluate(each.graph, each.inputs);
  ASSERT_EQ(outputs.size(), each.expected.size());
  for (size_t i = 0; i < outputs.size(); ++i) {
    EXPECT_TRUE(test::close_to(outputs[i], each.expected[i], outputs[i].dtype() == DType::f64 ? 1e-14 : 2.5e-7)) << to_text(each.graph);
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, Reference, testing::ValuesIn(test::all_cases()), [](const auto& each) { return each.param.name(); });

}  // namespace
}  // namespace ropeway
