#include "formats/compositions.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/text.h"
#include "ops/convert.h"
#include "ops/shape_util.h"

namespace ropeway {
namespace {

using Ids = std::vector<ValueId>;

ValueId binary(const Emitter& emit, BinaryFunction function, ValueId a, ValueId b) { return emit.step(Op::Binary, BinaryParams{function}, {a, b}); }

// The shape [batch, channels, height, width]: all dimensions before the last three as one.
Shape as_images(const Emitter& emit, ValueId x) {
  const Shape& shape = emit.shape_of(x);
  if (shape.size() < 3) fail(ErrorCode::invalid_model, "{} has no channels and two spatial dimensions", to_string(emit.type_of(x)));
  const size_t batch = shape.size() - 3;
  return {element_count(std::span(shape).first(batch)), shape[batch], shape[batch + 1], shape[batch + 2]};
}

Shape with_images(const Emitter& emit, ValueId x, int64_t channels, int64_t height, int64_t width) {
  Shape result = emit.shape_of(x);
  result.resize(result.size() - 3);
  result.insert(result.end(), {channels, height, width});
  return result;
}

}  // namespace

Ids rms_norm(const Emitter& emit, ValueId x, int64_t axis, double epsilon, ValueId scale) {
  const DType dtype = emit.type_of(x).dtype;
  const bool is_short = dtype == DType::f16 || dtype == DType::bf16;
  const auto as = [&](ValueId id, DType wanted) { return emit.type_of(id).dtype == wanted ? id : emit.step(Op::Cast, CastParams{wanted}, {id}); };
  const ValueId wide = is_short ? as(x, DType::f32) : x;
  Ints axes(emit.shape_of(x).size() - static_cast<size_t>(axis));
  std::iota(axes.begin(), axes.end(), axis);
  if (axes.empty()) fail(ErrorCode::invalid_model, "a root mean square of {} over no dimensions", to_string(emit.type_of(x)));
  const ValueId mean = emit.step(Op::Reduce, ReduceParams{ReduceFunction::mean, axes, true}, {binary(emit, BinaryFunction::mul, wide, wide)});
  const ValueId sum = binary(emit, BinaryFunction::add, mean, emit.step_constant(filled({emit.type_of(wide).dtype, {}}, epsilon)));
  ValueId y = binary(emit, BinaryFunction::mul, wide, emit.step(Op::Unary, UnaryParams{UnaryFunction::rsqrt}, {sum}));
  if (scale != kNoValue) y = binary(emit, BinaryFunction::mul, y, as(scale, emit.type_of(wide).dtype));
  return emit.result(Op::Identity, NoParams{}, {as(y, dtype)});
}

Ids group_norm(const Emitter& emit, ValueId x, int64_t groups, double epsilon, ValueId scale, ValueId shift) {
  const Shape shape = emit.shape_of(x);
  if (shape.size() < 2 || groups < 1 || shape[1] % groups != 0) fail(ErrorCode::invalid_model, "the channels of {} do not divide into {} groups", to_string(emit.type_of(x)), groups);
  const ValueId rows = emit.reshape(x, settled_shape(emit.type_of(x), {shape[0], groups, -1}));
  ValueId y = emit.reshape(emit.step(Op::LayerNormalization, NormParams{2, epsilon}, {rows}), shape);
  Shape channel(shape.size(), 1);
  channel[1] = shape[1];
  if (scale != kNoValue) y = binary(emit, BinaryFunction::mul, y, emit.reshape(scale, channel));
  if (shift != kNoValue) y = binary(emit, BinaryFunction::add, y, emit.reshape(shift, channel));
  return emit.result(Op::Identity, NoParams{}, {y});
}

Ids depth_to_space(const Emitter& emit, ValueId x, int64_t times, bool channel_first) {
  const Shape s = as_images(emit, x);
  if (times < 1 || times > s[1] / times || s[1] % (times * times) != 0) fail(ErrorCode::invalid_model, "the channels of {} do not divide into blocks of {} by {}", to_string(emit.type_of(x)), times, times);
  const int64_t channels = s[1] / (times * times);
  const Shape blocks = channel_first ? Shape{s[0], channels, times, times, s[2], s[3]} : Shape{s[0], times, times, channels, s[2], s[3]};
  const PermParams perm{channel_first ? Ints{0, 1, 4, 2, 5, 3} : Ints{0, 3, 4, 1, 5, 2}};
  const ValueId turned = emit.step(Op::Transpose, perm, {emit.reshape(x, blocks)});
  return emit.result(Op::Reshape, ShapeParams{with_images(emit, x, channels, s[2] * times, s[3] * times)}, {turned});
}

Ids space_to_depth(const Emitter& emit, ValueId x, int64_t times, bool channel_first) {
  const Shape s = as_images(emit, x);
  if (times < 1 || s[2] % times != 0 || s[3] % times != 0) fail(ErrorCode::invalid_model, "the images of {} do not divide into blocks of {} by {}", to_string(emit.type_of(x)), times, times);
  const ValueId blocks = emit.reshape(x, {s[0], s[1], s[2] / times, times, s[3] / times, times});
  const ValueId turned = emit.step(Op::Transpose, PermParams{channel_first ? Ints{0, 1, 3, 5, 2, 4} : Ints{0, 3, 5, 1, 2, 4}}, {blocks});
  return emit.result(Op::Reshape, ShapeParams{with_images(emit, x, element_count(std::vector{s[1], times, times}), s[2] / times, s[3] / times)}, {turned});
}

Ids unpooled(const Emitter& emit, ValueId x, ValueId indices, const Shape& all, int64_t first) {
  if (emit.shape_of(x) != emit.shape_of(indices)) fail(ErrorCode::invalid_model, "unpooling of {} by indices of {}", to_string(emit.type_of(x)), to_string(emit.type_of(indices)));
  const auto flat = [&](const Shape& shape) {
    Shape result(shape.begin(), shape.begin() + first);
    result.push_back(element_count(std::span(shape).subspan(static_cast<size_t>(first))));
    return result;
  };
  const Shape from = flat(emit.shape_of(x)), to = flat(all);
  emit.builder().account(static_cast<double>(element_count(to)) * 8);
  const ValueId zeros = emit.step_constant(filled({emit.type_of(x).dtype, to}, 0));
  const ValueId scattered = emit.step(Op::ScatterElements, ScatterParams{first}, {zeros, emit.reshape(indices, from), emit.reshape(x, from)});
  return emit.result(Op::Reshape, ShapeParams{all}, {scattered});
}

ValueId triangle_mask(const Emitter& emit, int64_t rows, int64_t columns, int64_t diagonal, bool above) {
  emit.builder().account(static_cast<double>(element_count(std::vector{rows, columns})));
  Tensor mask({DType::boolean, {rows, columns}});
  const int64_t shift = std::clamp(diagonal, -(rows + columns), rows + columns);
  for (int64_t i = 0; i < mask.count(); ++i) {
    const int64_t row = i / columns, column = i % columns;
    mask.data<bool>()[static_cast<size_t>(i)] = above ? column >= row + shift : column <= row + shift;
  }
  return emit.step_constant(std::move(mask));
}

Ids triangle(const Emitter& emit, ValueId x, int64_t diagonal, bool above) {
  const Shape& shape = emit.shape_of(x);
  if (shape.size() < 2) fail(ErrorCode::invalid_model, "{} has no diagonal", to_string(emit.type_of(x)));
  const ValueId mask = triangle_mask(emit, shape[shape.size() - 2], shape.back(), diagonal, above);
  const ValueId zero = emit.step_constant(filled({emit.type_of(x).dtype, {}}, 0));
  return emit.result(Op::Where, NoParams{}, {mask, x, zero});
}

Ids resized(const Emitter& emit, ValueId x, const std::string& mode, bool align_corners, const Ints& sizes, const std::vector<double>& scales) {
  const Shape shape = emit.shape_of(x);
  const size_t spatial = sizes.size();
  if (shape.size() != spatial + 2 || spatial < 1 || spatial > 2 || scales.size() != spatial) {
    fail(ErrorCode::unsupported, "resizing of {} is not supported: only of [batch, channels, height, width] or [batch, channels, width]", to_string(emit.type_of(x)));
  }
  // A scale that is the ratio of the sizes need not be named.
  const auto scale = [&](size_t d) { return scales[d] * static_cast<double>(shape[d + 2]) == static_cast<double>(sizes[d]) ? 0 : scales[d]; };
  if (spatial == 2) return emit.result(Op::Resize, ResizeParams{mode, sizes, scale(0), scale(1), align_corners}, {x});
  const ValueId image = emit.reshape(x, {shape[0], shape[1], 1, shape[2]});
  const ValueId wide = emit.step(Op::Resize, ResizeParams{mode, {1, sizes[0]}, 0, scale(0), align_corners}, {image});
  return emit.result(Op::Reshape, ShapeParams{{shape[0], shape[1], sizes[0]}}, {wide});
}

}  // namespace ropeway
