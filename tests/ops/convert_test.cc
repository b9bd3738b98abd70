#include "ops/convert.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

namespace ropeway {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

TEST(Half, EveryNumberComesBack) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const float value = f16_to_f32(static_cast<uint16_t>(bits));
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(f16_to_f32(f32_to_f16(value))));
    } else {
      ASSERT_EQ(f32_to_f16(value), bits);
    }
  }
}

TEST(Half, KnownNumbers) {
  EXPECT_EQ(f16_to_f32(0x3c00), 1.0f);
  EXPECT_EQ(f16_to_f32(0xc000), -2.0f);
  EXPECT_EQ(f16_to_f32(0x7bff), 65504.0f);
  EXPECT_EQ(f16_to_f32(0x0001), 0x1p-24f);
  EXPECT_EQ(f16_to_f32(0x0400), 0x1p-14f);
  EXPECT_EQ(f16_to_f32(0x7c00), kInfinity);
  EXPECT_EQ(f16_to_f32(0xfc00), -kInfinity);
  EXPECT_TRUE(std::isnan(f16_to_f32(0x7e00)));
  EXPECT_TRUE(std::signbit(f16_to_f32(0x8000)));
}

// Halfway between neighbours goes to the even one; a hair more goes up, a hair less down.
TEST(Half, RoundsToNearestEven) {
  for (uint32_t bits = 0; bits < 0x7bff; ++bits) {
    const double low = f16_to_f32(static_cast<uint16_t>(bits)), high = f16_to_f32(static_cast<uint16_t>(bits + 1));
    const auto middle = static_cast<float>((low + high) / 2);
    ASSERT_EQ(f32_to_f16(middle), bits + (bits & 1)) << bits;
    ASSERT_EQ(f32_to_f16(std::nextafter(middle, kInfinity)), bits + 1) << bits;
    ASSERT_EQ(f32_to_f16(std::nextafter(middle, 0.0f)), bits) << bits;
    ASSERT_EQ(f32_to_f16(-middle), 0x8000 | (bits + (bits & 1))) << bits;
  }
}

TEST(Half, Overflows) {
  EXPECT_EQ(f32_to_f16(65519.996f), 0x7bff);
  EXPECT_EQ(f32_to_f16(65520.0f), 0x7c00);
  EXPECT_EQ(f32_to_f16(3e38f), 0x7c00);
  EXPECT_EQ(f32_to_f16(-kInfinity), 0xfc00);
  EXPECT_EQ(f32_to_f16(0x1p-26f), 0);
  EXPECT_TRUE(std::isnan(f16_to_f32(f32_to_f16(NAN))));
}

TEST(BFloat, RoundsToNearestEven) {
  for (uint32_t bits = 0; bits < 0x7f7f; ++bits) {
    const uint32_t low = bits << 16;
    ASSERT_EQ(f32_to_bf16(std::bit_cast<float>(low)), bits);
    ASSERT_EQ(f32_to_bf16(std::bit_cast<float>(low | 0x8000)), bits + (bits & 1));
    ASSERT_EQ(f32_to_bf16(std::bit_cast<float>(low | 0x8001)), bits + 1);
    ASSERT_EQ(f32_to_bf16(std::bit_cast<float>(low | 0x7fff)), bits);
  }
  EXPECT_EQ(f32_to_bf16(std::numeric_limits<float>::max()), 0x7f80);
  EXPECT_EQ(bf16_to_f32(0x3f80), 1.0f);
  EXPECT_TRUE(std::isnan(bf16_to_f32(f32_to_bf16(std::bit_cast<float>(0x7f800001u)))));
}

TEST(Convert, SaturatesFloatsAndWrapsIntegers) {
  const Tensor floats = Tensor::of<float>({6}, {1e20f, -1e20f, NAN, -1.9f, 300.5f, kInfinity});
  const Tensor bytes = convert(floats, DType::u8);
  EXPECT_EQ(std::vector<uint8_t>(bytes.data<uint8_t>().begin(), bytes.data<uint8_t>().end()), (std::vector<uint8_t>{255, 0, 0, 0, 255, 255}));
  const Tensor longs = convert(floats, DType::i64);
  EXPECT_EQ(longs.data<int64_t>()[0], std::numeric_limits<int64_t>::max());
  EXPECT_EQ(longs.data<int64_t>()[1], std::numeric_limits<int64_t>::min());
  EXPECT_EQ(longs.data<int64_t>()[3], -1);
  const Tensor narrow = convert(Tensor::of<int64_t>({2}, {300, -1}), DType::u8);
  EXPECT_EQ(narrow.data<uint8_t>()[0], 44);
  EXPECT_EQ(narrow.data<uint8_t>()[1], 255);
}

TEST(Convert, KeepsWhatIsAlreadyThere) {
  const Tensor tensor = Tensor::of<float>({2}, {1, 2});
  EXPECT_EQ(convert(tensor, DType::f32).raw(), tensor.raw());
}

TEST(Convert, Scalars) {
  EXPECT_EQ(as_scalar(Tensor::of<int64_t>({}, {7})), 7);
  EXPECT_EQ(as_scalar(filled({DType::bf16, {1}}, 0.5)), 0.5);
  EXPECT_THROW(as_scalar(Tensor::of<float>({2}, {1, 2})), Error);
  EXPECT_EQ(as_ints(Tensor::of<int32_t>({2}, {1, -2})), (std::vector<int64_t>{1, -2}));
  EXPECT_EQ(as_ints(Tensor::of<uint8_t>({1}, {255})), std::vector<int64_t>{255});
  EXPECT_THROW(as_ints(Tensor::of<float>({1}, {1})), Error);
}

}  // namespace
}  // namespace ropeway
