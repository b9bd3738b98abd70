#include "support/kernel_harness.h"

namespace ropeway::test {
namespace {

constexpr double kTolerance = 1e-6;

struct Pooling {
  Shape x;
  PoolParams params;
};

const std::vector<Pooling>& poolings() {
  static const std::vector<Pooling> list = {
      {{1, 64, 30, 30}, {{3, 3}, {2, 2}, {1, 1, 1, 1}, {1, 1}}},
      {{2, 19, 11, 13}, {{3, 2}, {2, 1}, {1, 1, 0, 0}, {1, 1}}},
      {{1, 5, 12, 9}, {{3, 3}, {2, 2}, {1, 0, 1, 1}, {1, 1}, true}},
      {{2, 17, 9, 10}, {{2, 3}, {3, 2}, {1, 1, 1, 1}, {1, 1}, true, true}},
      {{1, 33, 14, 15}, {{3, 3}, {1, 2}, {2, 1, 2, 2}, {2, 3}}},
      {{1, 16, 13, 13}, {{3, 3}, {2, 2}, {1, 1, 1, 1}, {2, 1}, true, true}},
      {{2, 8, 6, 6}, {{2, 2}, {2, 2}, {0, 0, 0, 0}, {1, 1}, false, false, 3}},
      {{3, 20, 17}, {{4}, {3}, {2, 1}, {1}}},
      {{3, 20, 18}, {{3}, {2}, {1, 1}, {2}, true, true}},
      {{1, 3, 1, 1}, {{1, 1}, {1, 1}, {0, 0, 0, 0}, {1, 1}}},
      {{1, 48, 150, 61}, {{3, 3}, {1, 1}, {1, 1, 1, 1}, {1, 1}}},
      {{1, 18, 11, 10}, {{3, 3}, {2, 2}, {1, 2, 2, 2}, {1, 1}}},
  };
  return list;
}

TEST(MaxPool, AgreesWithReference) {
  for (const Pooling& pooling : poolings()) {
    SCOPED_TRACE(fmt::format("[{}]", fmt::join(pooling.x, ",")));
    KernelCase(Op::MaxPool, pooling.params).input(random_tensor(pooling.x)).check("max_pool.blocked", 0);
  }
}

// Wider than what it takes at a time, so that windows lie at the end of that, too.
TEST(MaxPool, PlainTakesWideImages) {
  for (const int64_t kernel : {2, 3}) {
    for (const int64_t stride : {1, 2, 3}) {
      for (const int64_t pad : {0, 1}) {
        SCOPED_TRACE(fmt::format("kernel {}, stride {}, pad {}", kernel, stride, pad));
        KernelCase(Op::MaxPool, PoolParams{{kernel, kernel}, {stride, stride}, {pad, pad, pad, pad}, {1, 1}}).input(random_tensor({1, 3, 5, 1100})).check("max_pool.plain", 0);
      }
    }
  }
}

TEST(AveragePool, AgreesWithReference) {
  for (const Pooling& pooling : poolings()) {
    SCOPED_TRACE(fmt::format("[{}]", fmt::join(pooling.x, ",")));
    KernelCase(Op::AveragePool, pooling.params).input(random_tensor(pooling.x)).check("average_pool.blocked", kTolerance);
  }
}

TEST(AdaptiveAveragePool, AgreesWithReference) {
  const std::pair<Shape, Ints> cases[] = {{{2, 19, 5, 5}, {6, 6}}, {{1, 64, 7, 7}, {1, 1}}, {{1, 17, 13, 9}, {6, 4}}, {{2, 3, 10}, {3}}, {{1, 130, 40, 40}, {7, 5}}, {{1, 16, 3, 4}, {0, 2}}};
  for (const auto& [x, size] : cases) {
    SCOPED_TRACE(fmt::format("[{}]", fmt::join(x, ",")));
    KernelCase(Op::AdaptiveAveragePool, AdaptivePoolParams{size}).input(random_tensor(x)).check("average_pool.blocked", kTolerance);
  }
}

TEST(MaxPool, NaNAndInfinityAreKept) {
  Tensor x = random_tensor({1, 4, 8, 8});
  x.data<float>()[10] = std::numeric_limits<float>::quiet_NaN();
  x.data<float>()[70] = -std::numeric_limits<float>::infinity();
  x.data<float>()[140] = std::numeric_limits<float>::infinity();
  KernelCase(Op::MaxPool, PoolParams{{3, 3}, {1, 1}, {1, 1, 1, 1}, {1, 1}}).input(x).check("max_pool.blocked", 0);
}

TEST(Pool, LeavesTheRestToTheReference) {
  const PoolParams cube{{2, 2, 2}, {2, 2, 2}, {0, 0, 0, 0, 0, 0}, {1, 1, 1}};
  EXPECT_NE(KernelCase(Op::MaxPool, cube).input(random_tensor({1, 3, 4, 4, 4})).declines("max_pool.blocked"), "");
  KernelCase(Op::MaxPool, cube).input(random_tensor({1, 3, 4, 4, 4})).check("reference", 0);
  // Both taps of the only window lie in the padding.
  const PoolParams outside{{2}, {1}, {1, 1}, {2}};
  EXPECT_NE(KernelCase(Op::MaxPool, outside).input(random_tensor({1, 3, 1})).declines("max_pool.blocked"), "");
  EXPECT_NE(KernelCase(Op::MaxPool, PoolParams{{2}, {1}, {0, 0}, {1}}).input(Tensor::of<int32_t>({1, 1, 2}, {1, 2})).declines("max_pool.blocked"), "");
}

}  // namespace
}  // namespace ropeway::test
