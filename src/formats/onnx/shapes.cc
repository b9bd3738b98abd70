// Operators that move elements or reduce dimensions. What ONNX computes at run time, shapes and bounds, is known here and becomes parameters.
#include <algorithm>
#include <numeric>

#include "base/text.h"
#include "formats/onnx/operators.h"
#include "ops/convert.h"
#include "ops/shape_util.h"

namespace ropeway::onnx {
namespace {

using Ids = std::vector<ValueId>;

// Axes as an attribute, or from opset `as_input` on as input 1. Nothing when there are none.
std::optional<Ints> axes_of(const NodeImporter& node, int64_t as_input) {
  if (node.opset() < as_input) return node.integers("axes");
  return node.has_input(1) ? std::optional(node.ints(1, "the axes")) : std::nullopt;
}

Ids to_shape(const NodeImporter& node, Shape shape) { return node.result(Op::Reshape, ShapeParams{std::move(shape)}, {node.input(0)}); }

Ids reshape(const NodeImporter& node) {
  const bool allow_zero = node.integer("allowzero", 0) != 0;
  Ints shape = node.ints(1, "the shape");
  for (size_t d = 0; d < shape.size() && !allow_zero; ++d) {
    if (shape[d] != 0) continue;
    if (d >= node.shape(0).size()) fail(ErrorCode::invalid_model, "the shape [{}] copies a dimension that {} lacks", fmt::join(shape, ","), to_string(node.type(0)));
    shape[d] = node.shape(0)[d];
  }
  return to_shape(node, settled_shape(node.type(0), shape));
}

Ids flatten(const NodeImporter& node) {
  const int64_t given = node.integer("axis", 1), rank = node.rank(0);
  const auto axis = static_cast<size_t>(given == rank ? rank : node.axis(given, rank));  // one past the last dimension is allowed
  const std::span shape(node.shape(0));
  return to_shape(node, {element_count(shape.first(axis)), element_count(shape.subspan(axis))});
}

Ids squeeze(const NodeImporter& node) {
  const Shape in = node.shape(0);
  const auto given = axes_of(node, 13);
  const Ints axes = given ? node.axes(*given, node.rank(0)) : Ints{};
  Shape out;
  for (size_t d = 0; d < in.size(); ++d) {
    const bool named = std::binary_search(axes.begin(), axes.end(), static_cast<int64_t>(d));
    if (named && in[d] != 1) fail(ErrorCode::invalid_argument, "Squeeze of dimension {} of {}, which is not 1", d, to_string(node.type(0)));
    if (given ? !named : in[d] != 1) out.push_back(in[d]);
  }
  return to_shape(node, out);
}

Ids unsqueeze(const NodeImporter& node) {
  const auto given = axes_of(node, 13);
  if (!given) fail(ErrorCode::invalid_model, "Unsqueeze has no axes");
  Shape out = node.shape(0);
  for (const int64_t axis : node.axes(*given, node.rank(0) + std::ssize(*given))) out.insert(out.begin() + axis, 1);
  return to_shape(node, out);
}

Ids expand(const NodeImporter& node) {
  const Shape shape = broadcast("Expand", node.shape(0), node.ints(1, "the shape"));
  return node.result(Op::Expand, ShapeParams{shape}, {node.input(0)});
}

// [a, b] → [1, a, 1, b] → [m, a, n, b] → [m a, n b].
Ids tile(const NodeImporter& node) {
  const Ints repeats = node.ints(1, "the repeats");
  if (std::ssize(repeats) != node.rank(0)) fail(ErrorCode::invalid_model, "Tile has {} repeats for {}", repeats.size(), to_string(node.type(0)));
  Shape open, wide, out;
  for (size_t d = 0; d < repeats.size(); ++d) {
    const int64_t size = node.shape(0)[d];
    open.insert(open.end(), {1, size});
    wide.insert(wide.end(), {repeats[d], size});
    out.push_back(element_count(std::vector{repeats[d], size}));
  }
  const ValueId repeated = node.step(Op::Expand, ShapeParams{wide}, {node.reshape(node.input(0), open)});
  return node.result(Op::Reshape, ShapeParams{out}, {repeated});
}

Ids transpose(const NodeImporter& node) {
  PermParams params = node.attributes(PermParams{});
  if (!node.has("perm")) {
    params.perm.resize(node.shape(0).size());
    std::iota(params.perm.rbegin(), params.perm.rend(), 0);
  }
  return node.result(Op::Transpose, params, {node.input(0)});
}

Ids concat(const NodeImporter& node) {
  if (!node.has("axis") || node.input_count() == 0) fail(ErrorCode::invalid_model, "Concat needs an axis and an input");
  Ids inputs;
  for (size_t i = 0; i < node.input_count(); ++i) inputs.push_back(node.input(i));
  return node.result(Op::Concat, AxisParams{node.axis(node.integer("axis", 0), node.rank(0))}, inputs);
}

// Equal parts; from opset 18 on the last one may be smaller.
Ints equal_parts(const NodeImporter& node, int64_t size) {
  const int64_t count = node.integer("num_outputs", static_cast<int64_t>(node.output_count()));
  if (count < 1 || count != static_cast<int64_t>(node.output_count()) || (node.opset() < 18 && size % count != 0)) {
    fail(ErrorCode::invalid_model, "Split of a dimension of {} into {} parts, for {} outputs", size, count, node.output_count());
  }
  const int64_t part = (size + count - 1) / count;
  Ints result;
  for (int64_t begin = 0; std::ssize(result) < count; begin += part) result.push_back(std::max<int64_t>(0, std::min(part, size - begin)));
  return result;
}

Ids split(const NodeImporter& node) {
  SplitParams params;
  params.axis = node.axis(node.integer("axis", 0), node.rank(0));
  const auto given = node.opset() < 13 ? node.integers("split") : node.has_input(1) ? std::optional(node.ints(1, "the sizes")) : std::nullopt;
  params.split = given ? *given : equal_parts(node, node.shape(0)[static_cast<size_t>(params.axis)]);
  if (params.split.size() != node.output_count()) fail(ErrorCode::invalid_model, "Split into {} parts, for {} outputs", params.split.size(), node.output_count());
  return node.result(Op::Split, params, {node.input(0)});
}

Ids slice(const NodeImporter& node) {
  const Shape shape = node.shape(0);
  const Ints starts = node.ints(1, "the starts"), ends = node.ints(2, "the ends");
  Ints axes(starts.size());
  std::iota(axes.begin(), axes.end(), 0);
  if (node.has_input(3)) axes = node.ints(3, "the axes");
  const Ints steps = node.has_input(4) ? node.ints(4, "the steps") : Ints(starts.size(), 1);
  if (ends.size() != starts.size() || axes.size() != starts.size() || steps.size() != starts.size()) {
    fail(ErrorCode::invalid_model, "Slice has {} starts, {} ends, {} axes and {} steps", starts.size(), ends.size(), axes.size(), steps.size());
  }
  node.axes(axes, node.rank(0));  // each once
  SliceParams params{Ints(shape.size(), 0), shape, Ints(shape.size(), 1)};
  for (size_t i = 0; i < axes.size(); ++i) {
    const auto d = static_cast<size_t>(node.axis(axes[i], node.rank(0)));
    slice_dimension(params, d, shape[d], starts[i], ends[i], steps[i]);
  }
  return node.result(Op::Slice, params, {node.input(0)});
}

Ids pad(const NodeImporter& node) {
  const auto rank = static_cast<size_t>(node.rank(0));
  PadParams params;
  params.mode = node.string("mode", "constant");
  const Ints given = node.ints(1, "the pads");
  if (node.has_input(2)) params.value = node.scalar(2, "the padding's value");
  Ints axes(rank);
  std::iota(axes.begin(), axes.end(), 0);
  if (node.has_input(3)) axes = node.ints(3, "the axes");
  node.axes(axes, node.rank(0));  // each once
  if (given.size() != 2 * axes.size()) fail(ErrorCode::invalid_model, "Pad has {} pads for {} axes", given.size(), axes.size());
  params.pads.assign(2 * rank, 0);
  for (size_t i = 0; i < axes.size(); ++i) {
    const auto d = static_cast<size_t>(node.axis(axes[i], node.rank(0)));
    params.pads[d] = given[i];
    params.pads[rank + d] = given[axes.size() + i];
  }
  return node.result(Op::Pad, params, {node.input(0)});
}

Ids gather(const NodeImporter& node) {
  return node.result(Op::Gather, AxisParams{node.axis(node.integer("axis", 0), node.rank(0))}, {node.input(0), node.input(1)});
}

Ids gather_nd(const NodeImporter& node) { return node.result(Op::GatherND, node.attributes(BatchDimsParams{}), {node.input(0), node.input(1)}); }

template <ReduceFunction function>
Ids reduce(const NodeImporter& node) {
  const int64_t axes_as_input = function == ReduceFunction::sum ? 13 : 18;
  const bool nothing_without_axes = node.integer("noop_with_empty_axes", 0) != 0;
  ReduceParams params{function, node.axes(axes_of(node, axes_as_input).value_or(Ints{}), node.rank(0)), node.integer("keepdims", 1) != 0};
  const bool is_noop = node.rank(0) == 0 || (params.axes.empty() && nothing_without_axes);
  if (is_noop) return node.result(Op::Identity, NoParams{}, {node.input(0)});
  if (params.axes.empty()) {
    params.axes.resize(node.shape(0).size());
    std::iota(params.axes.begin(), params.axes.end(), 0);
  }
  return node.result(Op::Reduce, params, {node.input(0)});
}

std::vector<Operator> make_shape_rows() {
  std::vector<Operator> rows = {
      {.op_type = "Reshape", .convert = reshape},   {.op_type = "Flatten", .convert = flatten}, {.op_type = "Squeeze", .convert = squeeze},
      {.op_type = "Unsqueeze", .convert = unsqueeze}, {.op_type = "Expand", .convert = expand},   {.op_type = "Tile", .convert = tile},
      {.op_type = "Transpose", .convert = transpose}, {.op_type = "Concat", .convert = concat},   {.op_type = "Split", .convert = split},
      {.op_type = "Slice", .convert = slice},         {.op_type = "Pad", .convert = pad},         {.op_type = "Gather", .convert = gather},
      {.op_type = "GatherND", .convert = gather_nd},
  };
#define ROPEWAY_REDUCE(name, onnx) rows.push_back({.op_type = #onnx, .convert = reduce<ReduceFunction::name>});
#include "ir/functions.def"
#undef ROPEWAY_REDUCE
  return rows;
}

}  // namespace

std::span<const Operator> shape_operators() {
  static const std::vector<Operator> rows = make_shape_rows();
  return rows;
}

}  // namespace ropeway::onnx
