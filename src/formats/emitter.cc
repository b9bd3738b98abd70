#include "formats/emitter.h"

#include <algorithm>

#include "base/text.h"

namespace ropeway {

ValueId Emitter::step(Op op, Params params, std::vector<ValueId> inputs) const {
  return builder_.add1(op, std::move(params), std::move(inputs), name_ + "." + ropeway::name(op), origin_);
}

int64_t Emitter::axis(int64_t axis, int64_t rank) {
  if (axis < -rank || axis >= rank) fail(ErrorCode::invalid_model, "there is no dimension {}: there are {}", axis, rank);
  return axis < 0 ? axis + rank : axis;
}

Ints Emitter::axes(const Ints& axes, int64_t rank) {
  Ints result;
  for (const int64_t each : axes) result.push_back(axis(each, rank));
  std::sort(result.begin(), result.end());
  if (std::adjacent_find(result.begin(), result.end()) != result.end()) fail(ErrorCode::invalid_model, "a dimension is named twice: [{}]", fmt::join(axes, ","));
  return result;
}

Shape settled_shape(const TensorType& in, Ints shape) {
  int64_t known = 1, open = -1;
  for (size_t d = 0; d < shape.size(); ++d) {
    if (shape[d] < -1 || (shape[d] == -1 && open >= 0)) fail(ErrorCode::invalid_argument, "[{}] is no shape", fmt::join(shape, ","));
    if (shape[d] == -1) open = static_cast<int64_t>(d);
    known = shape[d] == -1 ? known : element_count(std::vector{known, shape[d]});
  }
  if (open < 0) return shape;
  const int64_t count = element_count(in.shape);
  if (known == 0 || count % known != 0) fail(ErrorCode::invalid_argument, "{} cannot take the shape [{}]", to_string(in), fmt::join(shape, ","));
  shape[static_cast<size_t>(open)] = count / known;
  return shape;
}

void slice_dimension(SliceParams& params, size_t dimension, int64_t size, int64_t start, int64_t end, int64_t step) {
  if (step == 0) fail(ErrorCode::invalid_model, "a slice with step 0");
  const bool forward = step > 0 || size == 0;
  const int64_t lowest = forward ? 0 : -1, highest = forward ? size : size - 1;
  start = std::clamp(start < 0 ? start + size : start, forward ? lowest : 0, highest);
  end = std::clamp(end < 0 ? end + size : end, lowest, highest);
  params.starts[dimension] = start;
  params.ends[dimension] = forward ? std::max(start, end) : std::min(start, end);
  params.steps[dimension] = size == 0 ? 1 : std::clamp(step, -size, size);  // a longer step takes one element, too
}

}  // namespace ropeway
