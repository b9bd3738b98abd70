// What readers share: adding the nodes that one node of a file becomes.
#pragma once

#include <string>
#include <vector>

#include "ops/builder.h"

namespace ropeway {

class Emitter {
 public:
  // `name`: of the first result. All nodes get `origin`.
  Emitter(GraphBuilder& builder, std::string name, Origin origin) : builder_(builder), name_(std::move(name)), origin_(std::move(origin)) {}

  const Origin& origin() const { return origin_; }
  const TensorType& type_of(ValueId id) const { return builder_.type(id); }
  const Shape& shape_of(ValueId id) const { return builder_.shape(id); }
  int64_t rank_of(ValueId id) const { return static_cast<int64_t>(shape_of(id).size()); }
  // The elements of a value that follows from constants; nothing when it depends on the graph's inputs.
  std::optional<Tensor> known(ValueId id) const { return builder_.known(id); }
  const Node* producer(ValueId id) const { return builder_.producer(id); }
  GraphBuilder& builder() const { return builder_; }

  // `result` carries the name, `step` is one on the way there.
  std::vector<ValueId> result(Op op, Params params, std::vector<ValueId> inputs) const { return builder_.add(op, std::move(params), std::move(inputs), name_, origin_); }
  std::vector<ValueId> result(Tensor constant) const { return {builder_.constant(name_, std::move(constant))}; }
  ValueId step(Op op, Params params, std::vector<ValueId> inputs) const;
  ValueId step_constant(Tensor constant) const { return builder_.constant(name_ + ".constant", std::move(constant)); }
  ValueId reshape(ValueId id, Shape shape) const { return step(Op::Reshape, ShapeParams{std::move(shape)}, {id}); }

  // A dimension's number, counted from the end when negative; several, sorted. Throw Error{invalid_model} for one that is not there, or named twice.
  static int64_t axis(int64_t axis, int64_t rank);
  static Ints axes(const Ints& axes, int64_t rank);

 private:
  GraphBuilder& builder_;
  std::string name_;
  Origin origin_;
};

// `shape` with its one -1, if any, settled by the number of elements of `in`. Throws Error{invalid_argument}.
Shape settled_shape(const TensorType& in, Ints shape);

// Bounds of one dimension by Python's rules: negative ones count from the end, and what lies outside is cut off.
void slice_dimension(SliceParams& params, size_t dimension, int64_t size, int64_t start, int64_t end, int64_t step);

}  // namespace ropeway
