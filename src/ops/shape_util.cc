#include "ops/shape_util.h"

#include <algorithm>

namespace ropeway {

void expect_float(const char* op, const char* input, const TensorType& type) {
  expect(is_float(type.dtype), "{}: {} is {}, but a floating-point type is expected: cast it first", op, input, to_string(type));
}

void expect_dtype(const char* op, const char* input, const TensorType& type, DType expected) {
  expect(type.dtype == expected, "{}: {} is {}, but {} is expected", op, input, to_string(type), name(expected));
}

Shape broadcast(const char* op, const Shape& a, const Shape& b) {
  Shape result(std::max(a.size(), b.size()), 1);
  for (size_t d = 1; d <= result.size(); ++d) {
    const int64_t x = d <= a.size() ? a[a.size() - d] : 1;
    const int64_t y = d <= b.size() ? b[b.size() - d] : 1;
    expect(x == y || x == 1 || y == 1, "{}: shapes [{}] and [{}] do not broadcast: {} against {}", op, fmt::join(a, ","), fmt::join(b, ","), x, y);
    result[result.size() - d] = x == 1 ? y : x;
  }
  return result;
}

bool broadcasts_to(const Shape& operand, const Shape& result) {
  if (operand.size() > result.size()) return false;
  return std::equal(operand.rbegin(), operand.rend(), result.rbegin(), [](int64_t size, int64_t wanted) { return size == wanted || size == 1; });
}

Shape strides_of(const Shape& shape) {
  Shape strides(shape.size(), 1);
  for (size_t d = shape.size(); d-- > 1;) strides[d - 1] = strides[d] * shape[d];
  return strides;
}

Shape broadcast_strides(const Shape& operand, const Shape& result) {
  const Shape own = strides_of(operand);
  Shape strides(result.size(), 0);
  for (size_t d = 1; d <= operand.size(); ++d) {
    if (operand[operand.size() - d] != 1) strides[result.size() - d] = own[operand.size() - d];
  }
  return strides;
}

IndexWalk::IndexWalk(const Shape& shape, std::vector<Shape> strides)
    : shape_(shape), strides_(std::move(strides)), offsets_(strides_.size(), 0), index_(shape.size(), 0), remaining_(element_count(shape)) {}

void IndexWalk::next() {
  --remaining_;
  for (size_t d = shape_.size(); d-- > 0;) {
    ++index_[d];
    for (size_t o = 0; o < offsets_.size(); ++o) offsets_[o] += strides_[o][d];
    if (index_[d] < shape_[d]) return;
    for (size_t o = 0; o < offsets_.size(); ++o) offsets_[o] -= strides_[o][d] * shape_[d];
    index_[d] = 0;
  }
}

AxisSplit::AxisSplit(const Shape& shape, int64_t axis) {
  for (size_t d = 0; d < shape.size(); ++d) {
    int64_t& part = static_cast<int64_t>(d) < axis ? outer : static_cast<int64_t>(d) == axis ? size : inner;
    part *= shape[d];
  }
}

void expect_axis(const char* op, int64_t axis, size_t rank) {
  expect(axis >= 0 && axis < static_cast<int64_t>(rank), "{}: axis {} is outside a tensor of {} dimensions", op, axis, rank);
}

}  // namespace ropeway
