#include "chip/soc.h"

#include <gtest/gtest.h>

namespace ropeway::chip {
namespace {

TEST(Soc, IsFoundByCannsName) {
  for (const Soc& soc : socs()) EXPECT_EQ(find_soc(soc.name), &soc);
  ASSERT_NE(find_soc("Ascend310B1"), nullptr);
  ASSERT_NE(find_soc("Ascend310B4"), nullptr);
  EXPECT_EQ(find_soc("Ascend310B1x"), nullptr);
  EXPECT_EQ(find_soc("ascend310b1"), nullptr);
  EXPECT_EQ(find_soc(""), nullptr);
}

// What the vendor says of them: 20 and 8 TOPS of int8, half of that in fp16.
TEST(Soc, PeaksAreThoseOfTheVendor) {
  EXPECT_NEAR(find_soc("Ascend310B1")->cube_flops(), 10.0e12, 0.1e12);
  EXPECT_NEAR(find_soc("Ascend310B4")->cube_flops(), 4.1e12, 0.1e12);
  EXPECT_NEAR(find_soc("Ascend310B1")->vector_bytes_per_s(), 156.7e9, 0.1e9);
}

TEST(Soc, NumbersArePossible) {
  for (const Soc& soc : socs()) {
    EXPECT_GT(soc.cube_efficiency, 0) << soc.name;
    EXPECT_LE(soc.cube_efficiency, 1) << soc.name;
    EXPECT_GT(soc.dram_gb_per_s, soc.copy_gb_per_s) << soc.name;
    EXPECT_GT(soc.launch_us, 0) << soc.name;
    EXPECT_GT(soc.filter_plane_cycles, 0) << soc.name;
    EXPECT_GE(soc.memory_bytes, 4'000'000'000) << soc.name;
  }
}

}  // namespace
}  // namespace ropeway::chip
