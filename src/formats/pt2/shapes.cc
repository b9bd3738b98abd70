// Operators that move elements.
#include <algorithm>
#include <numeric>

#include "base/text.h"
#include "formats/pt2/operators.h"
#include "formats/pt2/promotion.h"
#include "formats/pt2/window.h"
#include "ops/convert.h"

namespace ropeway::pt2 {
namespace {

using Ids = std::vector<ValueId>;

size_t at(int64_t dimension) { return static_cast<size_t>(dimension); }

// The dimension that is divided: a scalar has none.
int64_t divided_axis(const NodeImporter& node) {
  if (node.shape("self").empty()) fail(ErrorCode::invalid_model, "a scalar has no parts");
  return node.axis("dim", 0);
}

// ---- other shapes of the same elements ----

Ids to_shape(const NodeImporter& node, Shape shape) { return node.result(Op::Reshape, ShapeParams{std::move(shape)}, {node.tensor("self")}); }

Ids view(const NodeImporter& node) { return to_shape(node, settled_shape(node.type("self"), node.integers("size"))); }

Ids reshape(const NodeImporter& node) { return to_shape(node, settled_shape(node.type("self"), node.integers("shape"))); }

Ids flatten(const NodeImporter& node) {
  const Shape shape = node.shape("self");
  if (shape.empty()) return to_shape(node, {1});
  const int64_t first = node.axis("start_dim", 0), last = node.axis("end_dim", -1);
  if (first > last) fail(ErrorCode::invalid_model, "flatten from dimension {} to {}", first, last);
  Shape result(shape.begin(), shape.begin() + first);
  result.push_back(element_count(std::span(shape).subspan(at(first), at(last - first + 1))));
  result.insert(result.end(), shape.begin() + last + 1, shape.end());
  return to_shape(node, result);
}

Ids unflatten(const NodeImporter& node) {
  const Shape shape = node.shape("self");
  const int64_t dim = divided_axis(node);
  const Shape parts = settled_shape({DType::f32, {shape[at(dim)]}}, node.integers("sizes"));
  Shape result(shape.begin(), shape.begin() + dim);
  result.insert(result.end(), parts.begin(), parts.end());
  result.insert(result.end(), shape.begin() + dim + 1, shape.end());
  return to_shape(node, result);
}

Ids unsqueeze(const NodeImporter& node) {
  Shape shape = node.shape("self");
  shape.insert(shape.begin() + node.axis(node.integer("dim"), std::ssize(shape) + 1), 1);
  return to_shape(node, shape);
}

// Without `dims`, all dimensions of size 1.
Ids squeeze(const NodeImporter& node) {
  const Shape in = node.shape("self");
  const Ints dims = node.has("dim") && !in.empty() ? node.axes(node.integers("dim"), std::ssize(in)) : Ints{};
  Shape out;
  for (size_t d = 0; d < in.size(); ++d) {
    const bool named = !node.has("dim") || std::binary_search(dims.begin(), dims.end(), static_cast<int64_t>(d));
    if (!named || in[d] != 1) out.push_back(in[d]);
  }
  return to_shape(node, out);
}

Ids permute(const NodeImporter& node) {
  PermParams params;
  for (const int64_t dim : node.integers("dims")) params.perm.push_back(node.axis(dim, node.rank("self")));
  return node.result(Op::Transpose, params, {node.tensor("self")});
}

PermParams exchange(int64_t rank, int64_t a, int64_t b) {
  PermParams params{Ints(at(rank))};
  std::iota(params.perm.begin(), params.perm.end(), 0);
  if (rank > 0) std::swap(params.perm[at(a)], params.perm[at(b)]);
  return params;
}

Ids transpose(const NodeImporter& node) { return node.result(Op::Transpose, exchange(node.rank("self"), node.axis("dim0", 0), node.axis("dim1", 0)), {node.tensor("self")}); }

Ids t(const NodeImporter& node) {
  const int64_t rank = node.rank("self");
  if (rank > 2) fail(ErrorCode::invalid_model, "t of {}, which is no matrix", to_string(node.type("self")));
  return node.result(Op::Transpose, exchange(rank, 0, rank - 1), {node.tensor("self")});
}

// The last two dimensions exchanged.
Ids matrix_transpose(const NodeImporter& node) {
  const int64_t rank = node.rank("self");
  if (rank < 2) fail(ErrorCode::invalid_model, "mT of {}, which is no matrix", to_string(node.type("self")));
  return node.result(Op::Transpose, exchange(rank, rank - 2, rank - 1), {node.tensor("self")});
}

Ids reverse_dimensions(const NodeImporter& node) {
  PermParams params{Ints(node.shape("self").size())};
  std::iota(params.perm.rbegin(), params.perm.rend(), 0);
  return node.result(Op::Transpose, params, {node.tensor("self")});
}

// ---- repetition ----

// -1 keeps a size; new dimensions come first.
Ids expand(const NodeImporter& node) {
  node.ignore({"implicit"});
  const Shape in = node.shape("self");
  Shape out = node.integers("size");
  if (out.size() < in.size()) fail(ErrorCode::invalid_model, "expand of {} to fewer dimensions", to_string(node.type("self")));
  for (size_t d = 0; d < in.size(); ++d) {
    int64_t& size = out[d + out.size() - in.size()];
    if (size == -1) size = in[d];
  }
  return node.result(Op::Expand, ShapeParams{out}, {node.tensor("self")});
}

Ids expand_as(const NodeImporter& node) { return node.result(Op::Expand, ShapeParams{node.shape("other")}, {node.tensor("self")}); }

// [a, b] → [1, a, 1, b] → [m, a, n, b] → [m a, n b].
Ids repeated(const NodeImporter& node, const Ints& repeats) {
  Shape shape = node.shape("self");
  if (repeats.size() < shape.size()) fail(ErrorCode::invalid_model, "repeat of {} along {} dimensions", to_string(node.type("self")), repeats.size());
  shape.insert(shape.begin(), repeats.size() - shape.size(), 1);
  Shape open, wide, out;
  for (size_t d = 0; d < repeats.size(); ++d) {
    open.insert(open.end(), {1, shape[d]});
    wide.insert(wide.end(), {repeats[d], shape[d]});
    out.push_back(element_count(std::vector{repeats[d], shape[d]}));
  }
  const ValueId copies = node.step(Op::Expand, ShapeParams{wide}, {node.reshape(node.tensor("self"), open)});
  return node.result(Op::Reshape, ShapeParams{out}, {copies});
}

Ids repeat(const NodeImporter& node) { return repeated(node, node.integers("repeats")); }

// Of the last dimensions, where there are fewer numbers than dimensions.
Ids tile(const NodeImporter& node) {
  Ints repeats = node.integers("dims");
  if (repeats.size() < node.shape("self").size()) repeats.insert(repeats.begin(), node.shape("self").size() - repeats.size(), 1);
  return repeated(node, repeats);
}

// Every element `repeats` times in a row: along one dimension, or of all as one line.
Ids repeat_interleave(const NodeImporter& node) {
  node.ignore({"output_size"});
  Shape shape = node.shape("self");
  if (!node.has("dim")) shape = {element_count(shape)};
  const int64_t axis = node.has("dim") ? divided_axis(node) : 0, repeats = node.integer("repeats");
  Shape open = shape;
  open.insert(open.begin() + axis + 1, 1);
  Shape wide = open;
  wide[at(axis + 1)] = repeats;
  shape[at(axis)] = element_count(std::vector{shape[at(axis)], repeats});
  const ValueId copies = node.step(Op::Expand, ShapeParams{wide}, {node.reshape(node.tensor("self"), open)});
  return node.result(Op::Reshape, ShapeParams{shape}, {copies});
}

// ---- joining ----

// Operands of several dtypes are promoted; empty vectors among them do not count.
Ids joined(const NodeImporter& node, Ids parts, int64_t axis) {
  Promotion promotion;
  for (const ValueId id : parts) promotion.add(node.type_of(id));
  for (ValueId& id : parts) id = cast_to(node, id, promotion.result());
  return node.result(Op::Concat, AxisParams{axis}, parts);
}

Ids cat(const NodeImporter& node) {
  Ids parts = node.tensors("tensors");
  if (parts.size() > 1) std::erase_if(parts, [&](ValueId id) { return node.shape_of(id) == Shape{0}; });
  if (parts.empty()) fail(ErrorCode::unsupported, "cat of nothing but empty tensors");
  return joined(node, parts, node.axis(node.integer("dim", 0), node.rank_of(parts[0])));
}

Ids stack(const NodeImporter& node) {
  Ids parts = node.tensors("tensors");
  if (parts.empty()) fail(ErrorCode::invalid_model, "stack of nothing");
  Shape shape = node.shape_of(parts[0]);
  const int64_t axis = node.axis(node.integer("dim", 0), std::ssize(shape) + 1);
  shape.insert(shape.begin() + axis, 1);
  for (ValueId& id : parts) id = node.reshape(id, shape);
  return joined(node, parts, axis);
}

// ---- parts ----

void expect_outputs(const NodeImporter& node, int64_t parts) {
  if (parts != static_cast<int64_t>(node.output_count())) fail(ErrorCode::invalid_model, "{} parts for {} outputs", parts, node.output_count());
}

Ids parts(const NodeImporter& node, int64_t axis, Ints sizes) {
  expect_outputs(node, std::ssize(sizes));
  return node.result(Op::Split, SplitParams{axis, std::move(sizes)}, {node.tensor("self")});
}

// Parts of `size`, of which the last may be smaller.
Ints parts_of(const NodeImporter& node, int64_t whole, int64_t size) {
  if (size < 1 && whole > 0) fail(ErrorCode::invalid_model, "parts of {}", size);
  const int64_t count = whole == 0 ? 1 : whole / size + (whole % size != 0);
  expect_outputs(node, count);
  Ints result(at(count), size);
  result.back() = whole - (count - 1) * size;
  return result;
}

Ids split(const NodeImporter& node) {
  const int64_t axis = divided_axis(node);
  return parts(node, axis, parts_of(node, node.shape("self")[at(axis)], node.integer("split_size")));
}

Ids split_with_sizes(const NodeImporter& node) { return parts(node, divided_axis(node), node.integers(node.has("split_sizes") ? "split_sizes" : "split_size")); }

Ids chunk(const NodeImporter& node) {
  const int64_t axis = divided_axis(node), count = node.integer("chunks"), whole = node.shape("self")[at(axis)];
  if (count < 1) fail(ErrorCode::invalid_model, "{} chunks", count);
  return parts(node, axis, parts_of(node, whole, std::max<int64_t>(1, whole / count + (whole % count != 0))));
}

Shape without(Shape shape, int64_t axis) {
  shape.erase(shape.begin() + axis);
  return shape;
}

SliceParams all_of(const Shape& shape) { return {Ints(shape.size(), 0), shape, Ints(shape.size(), 1)}; }

Ids unbind(const NodeImporter& node) {
  const int64_t axis = divided_axis(node);
  const Shape shape = node.shape("self");
  expect_outputs(node, shape[at(axis)]);
  Ids result;
  for (int64_t i = 0; i < shape[at(axis)]; ++i) {
    SliceParams params = all_of(shape);
    params.starts[at(axis)] = i, params.ends[at(axis)] = i + 1;
    const ValueId slice = node.step(Op::Slice, params, {node.tensor("self")});
    result.push_back(node.result(Op::Reshape, ShapeParams{without(shape, axis)}, {slice}).front());
  }
  return result;
}

SliceParams slice_window(const NodeImporter& node) {
  const Shape shape = node.shape("self");
  if (shape.empty()) fail(ErrorCode::invalid_model, "a slice of a scalar");
  const size_t axis = at(node.axis("dim", 0));
  SliceParams params = all_of(shape);
  slice_dimension(params, axis, shape[axis], node.integer("start", 0), node.integer("end", INT64_MAX), node.integer("step", 1));
  return params;
}

Ids slice(const NodeImporter& node) { return node.result(Op::Slice, slice_window(node), {node.tensor("self")}); }

Ids narrow(const NodeImporter& node) {
  const Shape shape = node.shape("self");
  const int64_t axis = node.axis("dim", 0), start = node.integer("start"), length = node.integer("length");
  SliceParams params = all_of(shape);
  if (shape.empty() || length < 0 || start > shape[at(axis)] - length) fail(ErrorCode::invalid_model, "{} elements from {} on, of dimension {} of {}", length, start, axis, to_string(node.type("self")));
  slice_dimension(params, at(axis), shape[at(axis)], start, start < 0 ? start + shape[at(axis)] + length : start + length, 1);
  return node.result(Op::Slice, params, {node.tensor("self")});
}

SliceParams selection(const NodeImporter& node) {
  const Shape shape = node.shape("self");
  if (shape.empty()) fail(ErrorCode::invalid_model, "select from a scalar");
  const size_t axis = at(node.axis("dim", 0));
  SliceParams params = all_of(shape);
  params.starts[axis] = node.axis(node.integer("index"), shape[axis]);
  params.ends[axis] = params.starts[axis] + 1;
  return params;
}

Ids select(const NodeImporter& node) {
  const ValueId slice = node.step(Op::Slice, selection(node), {node.tensor("self")});
  return node.result(Op::Reshape, ShapeParams{without(node.shape("self"), node.axis("dim", 0))}, {slice});
}

// What run_decompositions makes of writes to slices.
Ids scattered(const NodeImporter& node, const SliceParams& window, ValueId content) {
  const auto value = replaced(node.builder(), node.tensor("self"), window, cast_to(node, content, node.type("self").dtype), node.origin());
  if (!value) fail(ErrorCode::unsupported, "a write to a slice with a step other than 1 is not supported");
  return node.result(Op::Identity, NoParams{}, {*value});
}

Ids slice_scatter(const NodeImporter& node) { return scattered(node, slice_window(node), node.tensor("src")); }

Ids select_scatter(const NodeImporter& node) {
  Shape shape = node.shape("self");
  const SliceParams window = selection(node);
  shape[at(node.axis("dim", 0))] = 1;
  return scattered(node, window, node.reshape(node.tensor("src"), shape));
}

Ids flip(const NodeImporter& node) {
  const Shape shape = node.shape("self");
  SliceParams params = all_of(shape);
  for (const int64_t axis : node.axes(node.integers("dims"), std::ssize(shape))) {
    if (shape[at(axis)] == 0) continue;
    params.starts[at(axis)] = shape[at(axis)] - 1, params.ends[at(axis)] = -1, params.steps[at(axis)] = -1;
  }
  return node.result(Op::Slice, params, {node.tensor("self")});
}

// The last `shift` elements first.
ValueId rolled(const NodeImporter& node, ValueId id, int64_t axis, int64_t shift) {
  const Shape shape = node.shape_of(id);
  const int64_t size = shape[at(axis)];
  shift = size == 0 ? 0 : (shift % size + size) % size;
  if (shift == 0) return id;
  SliceParams front = all_of(shape), back = front;
  front.ends[at(axis)] = back.starts[at(axis)] = size - shift;
  return node.step(Op::Concat, AxisParams{axis}, {node.step(Op::Slice, back, {id}), node.step(Op::Slice, front, {id})});
}

Ids roll(const NodeImporter& node) {
  const Ints shifts = node.integers("shifts"), dims = node.integers("dims", {});
  const Shape shape = node.shape("self");
  ValueId value = node.tensor("self");
  if (dims.empty()) {
    if (shifts.size() != 1) fail(ErrorCode::invalid_model, "{} shifts without dimensions", shifts.size());
    value = rolled(node, node.reshape(value, {element_count(shape)}), 0, shifts[0]);
  } else {
    if (shifts.size() != dims.size()) fail(ErrorCode::invalid_model, "{} shifts for {} dimensions", shifts.size(), dims.size());
    for (size_t i = 0; i < dims.size(); ++i) value = rolled(node, value, node.axis(dims[i], std::ssize(shape)), shifts[i]);
  }
  return node.result(Op::Reshape, ShapeParams{shape}, {value});
}

// ---- padding ----

// Pairs of begin and end, from the last dimension on.
Ids padded(const NodeImporter& node, const std::string& mode, double value) {
  const size_t rank = node.shape("self").size();
  const Ints given = node.has("pad") ? node.integers("pad") : node.integers("padding");
  PadParams params{mode, Ints(2 * rank, 0), value};
  if (given.size() % 2 != 0 || given.size() > 2 * rank) fail(ErrorCode::invalid_model, "{} pads for {} dimensions", given.size(), rank);
  for (size_t i = 0; i < given.size() / 2; ++i) {
    params.pads[rank - 1 - i] = given[2 * i];
    params.pads[2 * rank - 1 - i] = given[2 * i + 1];
  }
  return node.result(Op::Pad, params, {node.tensor("self")});
}

Ids pad(const NodeImporter& node) {
  const std::string mode = node.text("mode", "constant");
  const double value = node.number("value", 0);
  return padded(node, mode == "replicate" ? "edge" : mode == "circular" ? "wrap" : mode, value);
}

Ids constant_pad(const NodeImporter& node) { return padded(node, "constant", node.number("value", 0)); }
Ids reflection_pad(const NodeImporter& node) { return padded(node, "reflect", 0); }
Ids replication_pad(const NodeImporter& node) { return padded(node, "edge", 0); }

constexpr Operator kShapeRows[] = {
    {"view.default", view, Sharing::view},
    {"_unsafe_view.default", view},
    {"reshape.default", reshape, Sharing::view_or_copy},
    {"flatten.using_ints", flatten, Sharing::view_or_copy},
    {"unflatten.int", unflatten, Sharing::view},
    {"unsqueeze.default", unsqueeze, Sharing::view},
    {"squeeze.default", squeeze, Sharing::view},
    {"squeeze.dim", squeeze, Sharing::view},
    {"squeeze.dims", squeeze, Sharing::view},
    {"permute.default", permute, Sharing::view},
    {"transpose.int", transpose, Sharing::view},
    {"t.default", t, Sharing::view},
    {"mT.default", matrix_transpose, Sharing::view},
    {"numpy_T.default", reverse_dimensions, Sharing::view},
    {"expand.default", expand, Sharing::view},
    {"expand_as.default", expand_as, Sharing::view},
    {"repeat.default", repeat},
    {"tile.default", tile},
    {"repeat_interleave.self_int", repeat_interleave},
    {"cat.default", cat},
    {"stack.default", stack},
    {"split.Tensor", split, Sharing::view},
    {"split.sizes", split_with_sizes, Sharing::view},
    {"split_with_sizes.default", split_with_sizes, Sharing::view},
    {"chunk.default", chunk, Sharing::view},
    {"unbind.int", unbind, Sharing::view},
    {"slice.Tensor", slice, Sharing::view},
    {"narrow.default", narrow, Sharing::view},
    {"select.int", select, Sharing::view},
    {"slice_scatter.default", slice_scatter},
    {"select_scatter.default", select_scatter},
    {"flip.default", flip},
    {"roll.default", roll},
    {"pad.default", pad},
    {"constant_pad_nd.default", constant_pad},
    {"reflection_pad1d.default", reflection_pad},
    {"reflection_pad2d.default", reflection_pad},
    {"reflection_pad3d.default", reflection_pad},
    {"replication_pad1d.default", replication_pad},
    {"replication_pad2d.default", replication_pad},
    {"replication_pad3d.default", replication_pad},
};

}  // namespace

std::span<const Operator> shape_operators() { return kShapeRows; }

}  // namespace ropeway::pt2
