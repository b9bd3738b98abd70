// Every case of every operator on the virtual NPU, the whole way: ONNX, atc, container, C interface. Near PyTorch's numbers, as 16 bits are.
#include <cmath>

#include "ascend/backend.h"
#include "support/cases.h"
#include "support/environment.h"
#include "support/errors.h"

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

// Cases with an operator that CANN's lists have on neither engine in int64: the virtual atc refuses it.
const std::map<std::string, const char*> kRefused = {
    {"Unary_abs_integers", "optype [Abs]"},
    {"Unary_sign_integers", "optype [Sign]"},
    {"Unary_floor_integers", "optype [Floor]"},
    {"Cast_integers_to_u8", "optype [Abs]"},
};

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
  for (const Node& node : each.graph.nodes) {
    if (const Support support = backend().supports(each.graph, node); !support.yes) GTEST_SKIP() << support.why_not;
  }
  if (const auto excluded = kExcluded.find(each.name()); excluded != kExcluded.end()) GTEST_SKIP() << excluded->second;
  if (const auto refused = kRefused.find(each.name()); refused != kRefused.end()) {
    const Error error = test::error_of([&] { backend().compile(each.graph, {}); });
    for (const char* part : {"EZ3003: No supported Ops kernel and engine are found for", refused->second, "i64 is not among the dtypes"}) EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    return;
  }
  const auto executable = backend().compile(each.graph, {});
  std::vector<Tensor> outputs;
  for (const Tensor& expected : each.expected) outputs.emplace_back(expected.type());
  executable->run(*executable->make_context(), each.inputs, outputs, nullptr);
  for (size_t i = 0; i < outputs.size(); ++i) EXPECT_TRUE(test::close_to(outputs[i], each.expected[i], 1e-2)) << to_text(each.graph);
}

INSTANTIATE_TEST_SUITE_P(Cases, Conformance, testing::ValuesIn(test::all_cases()), [](const auto& each) { return each.param.name(); });

}  // namespace
}  // namespace ropeway::ascend
