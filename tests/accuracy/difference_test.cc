#include "accuracy/difference.h"

#include <cmath>

#include "ops/convert.h"
#include "support/errors.h"

namespace ropeway {
namespace {

constexpr float kInf = INFINITY;
const float kNan = std::nanf("");

Tensor row(const std::vector<float>& elements) { return Tensor::of<float>({static_cast<int64_t>(elements.size())}, elements); }

TEST(Difference, OfEqualTensorsIsNone) {
  const Difference d = difference(row({1, -2, kInf, kNan, -0.0f}), row({1, -2, kInf, kNan, 0.0f}));
  EXPECT_EQ(d.largest_error, 0);
  EXPECT_EQ(d.index, -1);
  EXPECT_EQ(d.relative(), 0);
  EXPECT_NEAR(d.cosine, 1, 1e-12);
  EXPECT_EQ(d.lost, 0);
}

TEST(Difference, NamesTheLargestErrorAndWhereItIs) {
  const Difference d = difference(row({1, 2.5f, 3, 3.5f}), row({1, 2, 3, -4}));
  EXPECT_EQ(d.count, 4);
  EXPECT_EQ(d.largest_error, 7.5);
  EXPECT_EQ(d.index, 3);
  EXPECT_EQ(d.result_at, 3.5);
  EXPECT_EQ(d.reference_at, -4);
  EXPECT_EQ(d.largest_value, 4);
  EXPECT_EQ(d.relative(), 7.5 / 4);
  EXPECT_FALSE(d.within(1.8));
  EXPECT_TRUE(d.within(1.9));
}

TEST(Difference, OfEqualErrorsTheFirstIsNamed) { EXPECT_EQ(difference(row({0, 2, 2}), row({0, 1, 1})).index, 1); }

TEST(Difference, CosineIsOfTheAngle) {
  EXPECT_NEAR(difference(row({1, 0}), row({1, 1})).cosine, std::sqrt(0.5), 1e-12);
  EXPECT_NEAR(difference(row({-3, -6}), row({1, 2})).cosine, -1, 1e-12);
  EXPECT_NEAR(difference(row({2, kNan, 4}), row({1, 5, 2})).cosine, 1, 1e-12);  // of what is finite
  EXPECT_EQ(difference(row({0, 0}), row({0, 0})).cosine, 1);
  EXPECT_EQ(difference(row({0, 0}), row({1, 0})).cosine, 0);
}

TEST(Difference, WhatIsNotFiniteIsCountedOnEachSide) {
  const Difference d = difference(row({kInf, 1, kNan, kNan}), row({2, -kInf, 3, kNan}));
  EXPECT_EQ(d.result_infinities, 1);
  EXPECT_EQ(d.reference_infinities, 1);
  EXPECT_EQ(d.result_nans, 2);
  EXPECT_EQ(d.reference_nans, 1);
  EXPECT_EQ(d.largest_error, kInf);
  EXPECT_EQ(d.index, 0);
  EXPECT_EQ(d.relative(), kInf);
  EXPECT_FALSE(d.within(1e9));
  EXPECT_EQ(d.largest_value, 3);
  EXPECT_EQ(difference(row({kInf}), row({-kInf})).largest_error, kInf);
}

TEST(Difference, ZerosThatShouldBeNoneAreLost) {
  const Difference d = difference(row({0, 0, 1}), row({1e-10f, 0, 0}));
  EXPECT_EQ(d.lost, 1);
  EXPECT_EQ(difference(row({0}), row({kNan})).lost, 0);  // that is a NaN too few, no number too small
  EXPECT_EQ(difference(row({1e-3f}), row({0})).relative(), kInf);  // nothing to be relative to
}

TEST(Difference, DtypesMayDiffer) {
  const Tensor half = convert(row({1, 2, 100000}), DType::f16);
  const Difference d = difference(half, row({1, 2, 100000}));
  EXPECT_EQ(d.result_infinities, 1);
  EXPECT_EQ(d.index, 2);
  EXPECT_EQ(difference(Tensor::of<int64_t>({2}, {1, 2}), Tensor::of<int32_t>({2}, {1, 5})).largest_error, 3);
  EXPECT_EQ(difference(Tensor::of<double>({1}, {1e300}), Tensor::of<double>({1}, {2e300})).largest_error, 1e300);
  EXPECT_EQ(difference(Tensor({DType::f32, {0}}), Tensor({DType::f32, {0}})).relative(), 0);
}

TEST(Difference, ShapesMustBeEqual) {
  test::expect_error([] { difference(row({1, 2}), row({1})); }, ErrorCode::invalid_argument, "f32[2] cannot be compared with f32[1]");
}

TEST(Difference, APositionHasAnIndexPerDimension) {
  EXPECT_EQ(position({2, 3, 4}, 23), "[1,2,3]");
  EXPECT_EQ(position({2, 3, 4}, 5), "[0,1,1]");
  EXPECT_EQ(position({}, 0), "[]");
  EXPECT_EQ(position({4}, -1), "");
}

}  // namespace
}  // namespace ropeway
