#include "report/measure.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include "ir/text.h"
#include "ops/operator.h"

namespace ropeway {
namespace {

std::shared_ptr<const Model> small_model() {
  return Model::compile(parse_graph("graph g\ninput %x: f32[4]\n%a = Unary(%x) function=exp\n%b = Reduce(%a) function=sum axes=[0] keepdims=false\noutput %b\n", infer), {});
}

TEST(Measure, TakesTwoKindsOfRunsPerIteration) {
  const auto model = small_model();
  std::vector<int> seen;
  const Measurement result = measure(*model, generated_inputs(model->inputs()), {2, 4, [&](int done, double) { seen.push_back(done); }});
  EXPECT_EQ(result.end_to_end_ms.size(), 4u);
  ASSERT_EQ(result.step_ms.size(), 4u);
  EXPECT_EQ(result.step_ms[3].size(), model->executables()[0]->steps().size());
  for (const double ms : result.end_to_end_ms) EXPECT_GT(ms, 0);
  EXPECT_EQ(seen, (std::vector<int>{1, 2, 3, 4}));
}

TEST(Measure, WithoutANumberRunsForASecond) {
  const auto model = small_model();
  const Stopwatch watch;
  const Measurement result = measure(*model, generated_inputs(model->inputs()), {});
  EXPECT_GE(result.end_to_end_ms.size(), static_cast<size_t>(kLeastIterations));
  const bool stopped_by_time = result.end_to_end_ms.size() < static_cast<size_t>(kMostIterations);
  EXPECT_TRUE(!stopped_by_time || watch.milliseconds() >= 1000 * kDefaultSeconds);
}

TEST(Measure, PeakMemoryCountsFromItsReset) {
  constexpr size_t kBytes = 200'000'000;
  const auto with_block = [] {
    void* const block = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    EXPECT_NE(block, MAP_FAILED);
    const double peak = peak_rss_mb();
    munmap(block, kBytes);
    return peak;
  };
  reset_peak_rss();
  const double before = peak_rss_mb();
  EXPECT_GE(with_block(), before + 190);
  EXPECT_GE(peak_rss_mb(), before + 190);  // a peak remains
  reset_peak_rss();
  EXPECT_LT(peak_rss_mb(), before + 100);
}

}  // namespace
}  // namespace ropeway
