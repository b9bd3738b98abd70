#include "base/random.h"

#include <gtest/gtest.h>

#include <vector>

namespace ropeway {
namespace {

// What random_uniform(name, 1000) of tools/random_stream.py gives: elements 0 to 3, and the last.
struct Stream {
  const char* name;
  float first[4];
  float last;
};
constexpr Stream kGolden[] = {
    {"x", {-0x1.31f678p-1f, 0x1.3bee7p-1f, 0x1.2586d8p-2f, 0x1.4ffbe8p-1f}, 0x1.6fdcd8p-1f},
    {"features.0.weight", {0x1.6c4bbp-1f, 0x1.b133800000000p-5f, 0x1.1d7bep-2f, -0x1.a13d2p-1f}, 0x1.24fb14p-1f},
    {"", {0x1.0e05fp-1f, -0x1.bfcc98p-1f, -0x1.59e2d8p-2f, -0x1.4e69b8p-1f}, 0x1.49ad9p-2f},
};

TEST(Random, IsWhatPythonMakes) {
  for (const Stream& stream : kGolden) {
    std::vector<float> values(1000);
    fill_uniform(values, stream_seed(stream.name));
    for (size_t i = 0; i < 4; ++i) EXPECT_EQ(values[i], stream.first[i]) << stream.name << " " << i;
    EXPECT_EQ(values.back(), stream.last) << stream.name;
  }
}

TEST(Random, ElementsDependOnTheirIndexAlone) {
  const uint64_t seed = stream_seed("x");
  std::vector<float> values(100);
  fill_uniform(values, seed, 0.25f);
  for (size_t i = 0; i < values.size(); ++i) EXPECT_EQ(values[i], 0.25f * random_uniform(seed, i));
}

TEST(Random, IsUniform) {
  constexpr uint64_t kCount = 100000;
  double mean = 0, square = 0;
  for (uint64_t i = 0; i < kCount; ++i) {
    const double value = random_uniform(stream_seed("x"), i);
    ASSERT_GE(value, -1);
    ASSERT_LT(value, 1);
    mean += value / kCount;
    square += value * value / kCount;
  }
  EXPECT_NEAR(mean, 0, 0.005);
  EXPECT_NEAR(square, 1.0 / 3, 0.005);
}

}  // namespace
}  // namespace ropeway
