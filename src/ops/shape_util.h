// Index arithmetic that type inference and references share.
#pragma once

#include <algorithm>
#include <span>

#include "base/text.h"
#include "ir/graph.h"

namespace ropeway {

// Fails with Error{invalid_argument} unless `condition` holds.
template <class... Args>
void expect(bool condition, fmt::format_string<Args...> format, Args&&... args) {
  if (!condition) fail(ErrorCode::invalid_argument, format, std::forward<Args>(args)...);
}

inline bool is_float(DType dtype) { return dtype == DType::f32 || dtype == DType::f64 || dtype == DType::f16 || dtype == DType::bf16; }

// Demands on input `input` of operator `op`. Throw Error{invalid_argument} with the type that was given and the one expected.
void expect_float(const char* op, const char* input, const TensorType& type);
void expect_dtype(const char* op, const char* input, const TensorType& type, DType expected);

// The shape that both broadcast to, as in NumPy. Throws Error{invalid_argument} with both shapes.
Shape broadcast(const char* op, const Shape& a, const Shape& b);
// Whether `operand` broadcasts to `result` without changing it.
bool broadcasts_to(const Shape& operand, const Shape& result);

// Row-major strides, in elements.
Shape strides_of(const Shape& shape);
// The strides with which an operand of shape `operand` is read along `result`: 0 where it is broadcast.
Shape broadcast_strides(const Shape& operand, const Shape& result);

// Steps through all indices of a shape in row-major order, keeping offsets into several operands up to date.
class IndexWalk {
 public:
  IndexWalk(const Shape& shape, std::vector<Shape> strides);
  bool done() const { return remaining_ == 0; }
  void next();
  int64_t offset(size_t operand) const { return offsets_[operand]; }
  const Shape& index() const { return index_; }

 private:
  const Shape shape_;
  std::vector<Shape> strides_;
  std::vector<int64_t> offsets_;
  Shape index_;
  int64_t remaining_;
};

// outer × axis × inner sizes around one dimension.
struct AxisSplit {
  int64_t outer = 1, size = 1, inner = 1;
  AxisSplit(const Shape& shape, int64_t axis);
};

// Elements as raw bytes, for operators that only move them.
inline void copy_element(const Tensor& from, int64_t at, Tensor& to, int64_t into) {
  const size_t item = size_of(to.dtype());
  std::copy_n(from.raw() + static_cast<size_t>(at) * item, item, to.raw() + static_cast<size_t>(into) * item);
}

// Throws Error{invalid_argument} unless 0 ≤ axis < rank.
void expect_axis(const char* op, int64_t axis, size_t rank);

}  // namespace ropeway
