// Every case of every operator on the virtual NPU, the whole way: ONNX, atc, container, C interface. Near PyTorch's numbers, as 16 bits are.
#include <cmath>

#include "ascend/backend.h"
#include "selftest/expectations.h"
#include "support/cases.h"
#include "support/environment.h"
#include "support/errors.h"

namespace ropeway::ascend {
namespace {

class Conformance : public testing::TestWithParam<test::Case> {
 protected:
  static const AscendBackend& backend() {
    static const AscendBackend opened(*cann::installation_at(ROPEWAY_VIRTUAL_HOME));
    return opened;
  }
  // PyTorch does not saturate.
  const test::ScopedVariable overflow_{"ROPEWAY_VIRTUAL_OVERFLOW", "infinite"};
};

TEST_P(Conformance, IsNearPyTorch) {
  const test::Case& each = GetParam();
  for (const Support& support : backend().supports(each.graph)) {
    if (!support.yes) GTEST_SKIP() << support.why_not;
  }
  if (const std::string why = selftest::why_excluded(each.name()); !why.empty()) GTEST_SKIP() << why;
  if (const std::string refused = selftest::refused_operator(each.name()); !refused.empty()) {
    const Error error = test::error_of([&] { backend().compile(each.graph, {}); });
    for (const std::string& part : {std::string("EZ3003: No supported Ops kernel and engine are found for"), "optype [" + refused + "]", std::string("i64 is not among the dtypes")}) EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    return;
  }
  const auto executable = backend().compile(each.graph, {});
  std::vector<Tensor> outputs;
  for (const Tensor& expected : each.expected) outputs.emplace_back(expected.type());
  executable->run(*executable->make_context(), each.inputs, outputs, nullptr);
  for (size_t i = 0; i < outputs.size(); ++i) EXPECT_TRUE(test::close_to(outputs[i], each.expected[i], selftest::kTolerance)) << to_text(each.graph);
}

INSTANTIATE_TEST_SUITE_P(Cases, Conformance, testing::ValuesIn(test::all_cases()), [](const auto& each) { return each.param.name(); });

}  // namespace
}  // namespace ropeway::ascend
