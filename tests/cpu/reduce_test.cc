#include "support/kernel_harness.h"

namespace ropeway::test {
namespace {

struct Reduction {
  Shape x;
  Ints axes;
  bool keepdims = true;
};

TEST(Reduce, AgreesWithReference) {
  const Reduction reductions[] = {{{7, 33}, {1}}, {{7, 33}, {0}}, {{2, 19, 7, 7}, {2, 3}}, {{2, 19, 5, 70}, {1}, false}, {{3, 5, 4}, {0, 1, 2}, false}, {{40, 1000}, {1}},
                                  {{3, 50, 200}, {1}}, {{5, 1, 6}, {1}}, {{2, 1, 9, 1}, {0, 2}}, {{300, 300}, {0}}, {{1}, {0}}};
  for (const ReduceFunction function : {ReduceFunction::mean, ReduceFunction::sum, ReduceFunction::max, ReduceFunction::min, ReduceFunction::prod}) {
    for (const Reduction& r : reductions) {
      SCOPED_TRACE(fmt::format("{} of [{}] along [{}]", name(function), fmt::join(r.x, ","), fmt::join(r.axes, ",")));
      Tensor x = random_tensor(r.x, 1.5f);
      if (function == ReduceFunction::prod) {
        for (float& v : x.data<float>()) v = 1 + v / 100;  // so that products of thousands stay in range
      }
      KernelCase(Op::Reduce, ReduceParams{function, r.axes, r.keepdims}).input(x).check("reduce", function == ReduceFunction::prod ? 5e-5 : 2e-6);
    }
  }
}

TEST(Reduce, NaNIsKept) {
  Tensor x = random_tensor({4, 37});
  x.data<float>()[3] = x.data<float>()[80] = std::numeric_limits<float>::quiet_NaN();
  for (const ReduceFunction function : {ReduceFunction::max, ReduceFunction::min, ReduceFunction::mean}) {
    for (const int64_t axis : {0, 1}) KernelCase(Op::Reduce, ReduceParams{function, {axis}, true}).input(x).check("reduce", 2e-6);
  }
}

TEST(Reduce, LeavesTheRestToTheReference) {
  const ReduceParams apart{ReduceFunction::sum, {0, 2}, true};
  EXPECT_NE(KernelCase(Op::Reduce, apart).input(random_tensor({2, 3, 4})).declines("reduce"), "");
  KernelCase(Op::Reduce, apart).input(random_tensor({2, 3, 4})).check("reference", 1e-6);
  EXPECT_NE(KernelCase(Op::Reduce, ReduceParams{ReduceFunction::sum, {0}, true}).input(random_tensor({0, 3})).declines("reduce"), "");
}

}  // namespace
}  // namespace ropeway::test
