// The loops behind `ropeway devices --measure`: that they do what is counted.
#include "cpu/peak.h"

#include <cmath>
#include <map>

#include "base/buffer.h"
#include "cpu/kernels/peak.h"
#include "cpu/simd.h"
#include "support/errors.h"
#include "support/kernel_harness.h"

namespace ropeway::test {
namespace {

TEST(Peak, LoopsDoWhatTheyCount) {
  const auto memory = allocate_buffer(4096 * sizeof(float));
  auto* const elements = reinterpret_cast<float*>(memory.get());
  for (int i = 0; i < 4096; ++i) elements[i] = static_cast<float>(i % 7);
  double expected = 0;
  for (int i = 0; i < 4096; ++i) expected += i % 7;
  for_each_target([&] {
    const cpu::MultiplyAdd once = cpu::multiply_add(1), often = cpu::multiply_add(1000);
    EXPECT_GE(once.operations, 24);  // 12 chains of one element
    EXPECT_EQ(often.operations, 1000 * once.operations);
    EXPECT_EQ(once.sum, once.operations / 24 * (66 / 2.0 + 12));
    EXPECT_EQ(often.sum, often.operations / 1000);  // each has come to 2
    EXPECT_EQ(cpu::read_all(elements, 4096), expected);
  });
}

TEST(Peak, IsPositiveAndFinite) {
  for (const int threads : {1, 2}) {
    const cpu::Peak peak = cpu::measure_peak(threads);
    EXPECT_GT(peak.gflops, 0.01) << threads;
    EXPECT_GT(peak.gb_per_s, 0.01) << threads;
    EXPECT_TRUE(std::isfinite(peak.gflops) && std::isfinite(peak.gb_per_s)) << threads;
  }
  EXPECT_EQ(error_of([] { cpu::measure_peak(0); }).code(), ErrorCode::invalid_argument);
}

// The number of operations tells which target computed.
TEST(Simd, TargetIsTheOneThatWasNamed) {
  const std::map<std::string, double> lanes = {{"avx512", 16}, {"avx2", 8}, {"neon", 4}};
  for (const std::string& name : cpu::simd_available()) {
    cpu::use_simd(name);
    EXPECT_EQ(cpu::simd_in_use(), name);
    const auto at = lanes.find(name);
    if (at != lanes.end()) EXPECT_EQ(cpu::multiply_add(1).operations, 24 * at->second) << name;
    else EXPECT_LE(cpu::multiply_add(1).operations, 24 * 4) << name;
  }
  const Error error = error_of([] { cpu::use_simd("avx1024"); });
  EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
  EXPECT_NE(error.message().find("'avx1024'"), std::string::npos) << error.message();
  EXPECT_NE(error.message().find("there is " + cpu::simd_available().front()), std::string::npos) << error.message();
  hwy::SetSupportedTargetsForTest(0);
}

}  // namespace
}  // namespace ropeway::test
