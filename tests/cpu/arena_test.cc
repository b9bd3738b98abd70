#include "cpu/arena.h"

#include <gtest/gtest.h>

#include <random>

namespace ropeway::cpu {
namespace {

bool overlap_in_time(const Lifetime& a, const Lifetime& b) { return a.first <= b.last && b.first <= a.last; }
bool overlap_in_memory(const Lifetime& a, const Lifetime& b) { return a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes; }

TEST(Arena, ReusesMemoryOfDeadBuffers) {
  std::vector<Lifetime> buffers = {{1024, 0, 1, 0}, {1024, 1, 2, 0}, {1024, 2, 3, 0}};
  EXPECT_EQ(plan_arena(buffers), 2048u);
  EXPECT_EQ(buffers[0].offset, buffers[2].offset);
  EXPECT_NE(buffers[0].offset, buffers[1].offset);
}

TEST(Arena, NothingNeedsNothing) { EXPECT_EQ(plan_arena({}), 0u); }

TEST(Arena, LivingBuffersNeverOverlap) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    std::vector<Lifetime> buffers;
    for (int i = 0; i < 40; ++i) {
      const int first = static_cast<int>(random() % 50);
      buffers.push_back({random() % 5000, first, first + static_cast<int>(random() % 10), 0});
    }
    const size_t total = plan_arena(buffers);
    for (size_t i = 0; i < buffers.size(); ++i) {
      EXPECT_EQ(buffers[i].offset % 64, 0u);
      EXPECT_LE(buffers[i].offset + buffers[i].bytes, total);
      for (size_t j = 0; j < i; ++j) EXPECT_FALSE(overlap_in_time(buffers[i], buffers[j]) && overlap_in_memory(buffers[i], buffers[j])) << round << ": " << i << " and " << j;
    }
  }
}

}  // namespace
}  // namespace ropeway::cpu
