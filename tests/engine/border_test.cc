#include "engine/border.h"

#include <gtest/gtest.h>

#include <limits>

#include "support/errors.h"

namespace ropeway {
namespace {

TEST(Border, NarrowsWhatFits) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  Tensor floats({DType::f32, {3}}), integers({DType::i32, {2}});
  convert_at_border("input", "x", Tensor::of<double>({3}, {0.1, -kInfinity, 3e38}), floats);
  EXPECT_EQ(floats.data<float>()[0], 0.1F);
  EXPECT_EQ(floats.data<float>()[1], -std::numeric_limits<float>::infinity());
  convert_at_border("input", "i", Tensor::of<int64_t>({2}, {-2147483648, 2147483647}), integers);
  EXPECT_EQ(integers.data<int32_t>()[0], std::numeric_limits<int32_t>::lowest());
  EXPECT_EQ(integers.data<int32_t>()[1], std::numeric_limits<int32_t>::max());
}

TEST(Border, NamesWhatDoesNot) {
  Tensor floats({DType::f32, {2, 2}}), integers({DType::i32, {2, 2}});
  test::expect_error([&] { convert_at_border("input", "x", Tensor::of<double>({2, 2}, {0, 1, 2, -1e39}), floats); }, ErrorCode::invalid_argument, "input x holds -1e+39 at [1, 1], which is beyond float32");
  test::expect_error([&] { convert_at_border("input", "i", Tensor::of<int64_t>({2, 2}, {0, 1, 2147483648, 3}), integers); }, ErrorCode::invalid_argument, "input i holds 2147483648 at [1, 0], which is beyond int32");
}

TEST(Border, WidensExactly) {
  Tensor floats({DType::f64, {1}}), integers({DType::i64, {1}});
  convert_at_border("output", "y", Tensor::of<float>({1}, {0.1F}), floats);
  EXPECT_EQ(floats.data<double>()[0], static_cast<double>(0.1F));
  convert_at_border("output", "i", Tensor::of<int32_t>({1}, {-7}), integers);
  EXPECT_EQ(integers.data<int64_t>()[0], -7);
}

}  // namespace
}  // namespace ropeway
