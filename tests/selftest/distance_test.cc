#include "selftest/distance.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace ropeway::selftest {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity(), kNan = std::numeric_limits<float>::quiet_NaN();

Distance between(const std::vector<float>& actual, const std::vector<float>& expected) {
  const Shape shape = {std::ssize(expected)};
  return distance(Tensor::of(shape, actual), Tensor::of(shape, expected), 1e-2);
}

TEST(Distance, IsOfTheLargestValue) {
  const Distance near = between({1, 2, -4.02f}, {1, 2, -4});
  EXPECT_NEAR(near.error, 0.005, 1e-6);
  EXPECT_EQ(near.first, -1);
  EXPECT_GT(near.cosine, 0.99999);
  EXPECT_LT(near.cosine, 1);
  const Distance far = between({1, 2.1f, -8}, {1, 2, -4});
  EXPECT_NEAR(far.error, 1, 1e-6);
  EXPECT_EQ(far.first, 1);
  EXPECT_NEAR(between({-1, 1}, {1, -1}).cosine, -1, 1e-9);
  EXPECT_EQ(between({0, 0}, {1, 0}).cosine, 0);
  EXPECT_EQ(between({}, {}).first, -1);
}

TEST(Distance, OfWhatIsNotFinite) {
  EXPECT_EQ(between({1, kInfinity, kNan}, {1, kInfinity, kNan}).error, 0);
  const Distance saturated = between({1, 65504, 1}, {1, kInfinity, 1});
  EXPECT_TRUE(std::isinf(saturated.error));
  EXPECT_EQ(saturated.first, 1);
  EXPECT_EQ(saturated.cosine, 1);
  EXPECT_EQ(between({0, kNan}, {0, 0}).first, 1);
  EXPECT_EQ(between({-kInfinity}, {kInfinity}).first, 0);
}

TEST(Distance, OfIntegersIsAllOrNothing) {
  const auto of = [](const std::vector<int64_t>& actual, const std::vector<int64_t>& expected) { return distance(Tensor::of<int64_t>({3}, actual), Tensor::of<int64_t>({3}, expected), 1e-2); };
  EXPECT_EQ(of({1, 2, 3}, {1, 2, 3}).error, 0);
  EXPECT_EQ(of({1, 2, 1000001}, {1, 2, 1000000}).error, 1);
  EXPECT_EQ(of({1, 2, 1000001}, {1, 2, 1000000}).first, 2);
}

}  // namespace
}  // namespace ropeway::selftest
