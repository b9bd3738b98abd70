#include <set>

#include "support/kernel_harness.h"

namespace ropeway::test {
namespace {

TEST(Implementations, EndWithTheReference) {
  for (const Op op : all_ops()) {
    const auto rows = cpu::implementations(op);
    ASSERT_FALSE(rows.empty()) << name(op);
    EXPECT_STREQ(rows.back().name, "reference") << name(op);
    std::set<std::string> names;
    for (const cpu::Implementation& row : rows) EXPECT_TRUE(names.insert(row.name).second) << name(op) << " has two implementations " << row.name;
  }
}

TEST(Reference, ServesWhatNothingElseDoes) {
  KernelCase(Op::GatherND, BatchDimsParams{0}).input(random_tensor({4, 3})).input(Tensor::of<int64_t>({2, 1}, {3, 0})).check("reference", 0);
  KernelCase(Op::LayerNormalization, NormParams{1, 1e-5}).input(random_tensor({2, 8})).omitted().constant(random_tensor({8}, 1, "b")).check("reference", 0);
  Tensor half({DType::f16, {3}});
  KernelCase(Op::Unary, UnaryParams{UnaryFunction::exp, 0, 0}).input(half).check("reference", 0);
}

TEST(Reference, FusesNothing) {
  EXPECT_NE(KernelCase(Op::Softmax, AxisParams{0}).input(random_tensor({4})).activation({UnaryFunction::relu, 0, 0}).declines("reference"), "");
}

}  // namespace
}  // namespace ropeway::test
