// Operators that find, read and write single elements, and running sums.
#include <algorithm>
#include <numeric>

#include "base/text.h"
#include "formats/compositions.h"
#include "formats/pt2/operators.h"
#include "formats/pt2/promotion.h"
#include "ops/convert.h"
#include "ops/shape_util.h"

namespace ropeway::pt2 {
namespace {

using Ids = std::vector<ValueId>;

// Without a dimension, in all elements as one line.
template <Op op>
Ids arg(const NodeImporter& node) {
  const Shape shape = node.shape("self");
  const bool keepdim = node.boolean("keepdim", false);
  if (node.has("dim") && !shape.empty()) return node.result(op, ArgParams{node.axis("dim", 0), keepdim}, {node.tensor("self")});
  node.ignore({"dim"});
  const ValueId found = node.step(op, ArgParams{0, true}, {node.reshape(node.tensor("self"), {element_count(shape)})});
  return node.result(Op::Reshape, ShapeParams{Shape(keepdim ? shape.size() : 0, 1)}, {found});
}

// ---- order ----

Ids top_k(const NodeImporter& node) {
  node.ignore({"sorted"});  // they always are
  return node.result(Op::TopK, TopKParams{node.axis("dim", -1), node.integer("k"), node.boolean("largest", true)}, {node.tensor("self")});
}

TopKParams all_in_order(const NodeImporter& node) {
  node.ignore({"stable"});  // it always is
  if (node.rank("self") == 0) fail(ErrorCode::unsupported, "sorting of a scalar is not supported");
  const int64_t axis = node.axis("dim", -1);
  return {axis, node.shape("self")[static_cast<size_t>(axis)], node.boolean("descending", false)};
}

Ids sort(const NodeImporter& node) { return node.result(Op::TopK, all_in_order(node), {node.tensor("self")}); }

Ids argsort(const NodeImporter& node) {
  const Ids sorted = node.builder().add(Op::TopK, all_in_order(node), {node.tensor("self")}, "sorted", node.origin());
  return node.result(Op::Identity, NoParams{}, {sorted[1]});
}

// Whole numbers and bools are counted in i64.
Ids cumulative_sum(const NodeImporter& node) {
  const DType own = node.type("self").dtype;
  const bool real = own == DType::f32 || own == DType::f64 || own == DType::f16 || own == DType::bf16;
  const ValueId self = cast_to(node, node.tensor("self"), node.dtype("dtype").value_or(real ? own : DType::i64));
  if (node.rank("self") == 0) {
    node.ignore({"dim"});
    return node.result(Op::Identity, NoParams{}, {self});
  }
  return node.result(Op::CumSum, CumSumParams{node.axis("dim", 0), false, false}, {self});
}

// ---- slices and elements by their indices ----

Ids index_select(const NodeImporter& node) {
  const int64_t axis = node.axis("dim", 0);
  return node.result(Op::Gather, AxisParams{axis}, {node.tensor("self"), node.tensor("index")});
}

Ids embedding(const NodeImporter& node) {
  node.ignore({"padding_idx", "scale_grad_by_freq", "sparse"});  // of training
  return node.result(Op::Gather, AxisParams{0}, {node.tensor("weight"), node.tensor("indices")});
}

// x[:, i, j, :]: the indexed dimensions first, then all picked at once, then their result where the first of them was; in front when they are not neighbours.
Ids index(const NodeImporter& node) {
  const Ids given = node.tensors("indices");
  const int64_t rank = node.rank("self");
  Ids indices;
  Ints dims;
  Shape common;
  for (size_t d = 0; d < given.size(); ++d) {
    if (given[d] == kNoValue) continue;
    const DType dtype = node.type_of(given[d]).dtype;
    if (dtype != DType::i64 && dtype != DType::i32) fail(ErrorCode::unsupported, "an index of {}: how many elements it picks would depend on data", name(dtype));
    indices.push_back(cast_to(node, given[d], DType::i64));
    dims.push_back(static_cast<int64_t>(d));
    common = broadcast("index", common, node.shape_of(given[d]));
  }
  if (dims.empty() || dims.back() >= rank) fail(ErrorCode::invalid_model, "{} indices into {}", given.size(), to_string(node.type("self")));
  if (dims.size() == 1) return node.result(Op::Gather, AxisParams{dims[0]}, {node.tensor("self"), indices[0]});

  PermParams front{dims};
  for (int64_t d = 0; d < rank; ++d) {
    if (!std::binary_search(dims.begin(), dims.end(), d)) front.perm.push_back(d);
  }
  Shape columns = common;
  columns.push_back(1);
  for (ValueId& id : indices) id = node.reshape(node.step(Op::Expand, ShapeParams{common}, {id}), columns);
  const ValueId coordinates = node.step(Op::Concat, AxisParams{std::ssize(common)}, indices);
  const ValueId turned = node.step(Op::Transpose, front, {node.tensor("self")});
  const bool neighbours = dims.back() - dims.front() + 1 == std::ssize(dims);
  if (!neighbours || dims.front() == 0) return node.result(Op::GatherND, BatchDimsParams{0}, {turned, coordinates});
  const ValueId picked = node.step(Op::GatherND, BatchDimsParams{0}, {turned, coordinates});
  PermParams back;
  for (int64_t d = 0; d < dims.front(); ++d) back.perm.push_back(std::ssize(common) + d);
  for (int64_t d = 0; d < std::ssize(common); ++d) back.perm.push_back(d);
  for (int64_t d = std::ssize(common) + dims.front(); d < node.rank_of(picked); ++d) back.perm.push_back(d);
  return node.result(Op::Transpose, back, {picked});
}

Ids gather(const NodeImporter& node) {
  node.ignore({"sparse_grad"});
  return node.result(Op::GatherElements, AxisParams{node.axis("dim", 0)}, {node.tensor("self"), node.tensor("index")});
}

// Of a source that is larger than the indices the first part is taken.
ValueId matching_source(const NodeImporter& node) {
  const Shape index = node.shape("index"), source = node.shape("src");
  if (source == index) return node.tensor("src");
  if (source.size() != index.size()) fail(ErrorCode::invalid_model, "a source of {} for indices of {}", to_string(node.type("src")), to_string(node.type("index")));
  return node.step(Op::Slice, SliceParams{Ints(index.size(), 0), index, Ints(index.size(), 1)}, {node.tensor("src")});
}

template <bool add>
Ids scatter(const NodeImporter& node) {
  return node.result(Op::ScatterElements, ScatterParams{node.axis("dim", 0), add ? "add" : "none"}, {node.tensor("self"), node.tensor("index"), matching_source(node)});
}

Ids scatter_value(const NodeImporter& node) {
  const ValueId value = node.step_constant(filled({node.type("self").dtype, {}}, node.number("value")));
  const ValueId values = node.step(Op::Expand, ShapeParams{node.shape("index")}, {value});
  return node.result(Op::ScatterElements, ScatterParams{node.axis("dim", 0), "none"}, {node.tensor("self"), node.tensor("index"), values});
}

// x[mask] = number.
Ids masked_put(const NodeImporter& node, ValueId mask) {
  const Shape shape = node.shape("self");
  if (node.rank("values") != 0 || node.boolean("accumulate", false)) fail(ErrorCode::unsupported, "a write of several values where a mask is true: which goes where depends on data");
  Shape wide = node.shape_of(mask);
  if (wide.size() > shape.size()) fail(ErrorCode::invalid_model, "a mask of {} for {}", to_string(node.type_of(mask)), to_string(node.type("self")));
  wide.resize(shape.size(), 1);
  return node.result(Op::Where, NoParams{}, {node.reshape(mask, wide), cast_to(node, node.tensor("values"), node.type("self").dtype), node.tensor("self")});
}

// x[:, i] = values, with indices in one dimension: whole slices are written.
Ids index_put(const NodeImporter& node) {
  const Ids given = node.tensors("indices");
  const auto first = std::find_if(given.begin(), given.end(), [](ValueId id) { return id != kNoValue; });
  if (first == given.end() || std::count(given.begin(), given.end(), kNoValue) + 1 != std::ssize(given)) fail(ErrorCode::unsupported, "a write to elements named by several indices is not supported");
  const int64_t axis = first - given.begin();
  Shape shape = node.shape("self");
  if (axis >= std::ssize(shape)) fail(ErrorCode::invalid_model, "an index into dimension {} of {}", axis, to_string(node.type("self")));
  if (node.type_of(*first).dtype == DType::boolean && axis == 0) return masked_put(node, *first);
  if (node.rank_of(*first) != 1) fail(ErrorCode::unsupported, "a write to elements named by an index of {} is not supported", to_string(node.type_of(*first)));
  shape[static_cast<size_t>(axis)] = node.shape_of(*first)[0];
  Shape column(shape.size(), 1);
  column[static_cast<size_t>(axis)] = shape[static_cast<size_t>(axis)];
  const ValueId indices = node.step(Op::Expand, ShapeParams{shape}, {node.reshape(*first, column)});
  const ValueId values = node.step(Op::Expand, ShapeParams{shape}, {node.tensor("values")});
  return node.result(Op::ScatterElements, ScatterParams{axis, node.boolean("accumulate", false) ? "add" : "none"}, {node.tensor("self"), indices, values});
}

template <bool above>
Ids triangle_of(const NodeImporter& node) {
  return triangle(node, node.tensor("self"), node.integer("diagonal", 0), above);
}

constexpr Operator kSelectionRows[] = {
    {"argmax.default", arg<Op::ArgMax>},
    {"argmin.default", arg<Op::ArgMin>},
    {"topk.default", top_k},
    {"sort.default", sort},
    {"sort.stable", sort},
    {"argsort.default", argsort},
    {"argsort.stable", argsort},
    {"cumsum.default", cumulative_sum},
    {"index_select.default", index_select},
    {"embedding.default", embedding},
    {"index.Tensor", index},
    {"gather.default", gather},
    {"scatter.src", scatter<false>},
    {"scatter.value", scatter_value},
    {"scatter_add.default", scatter<true>},
    {"index_put.default", index_put},
    {"tril.default", triangle_of<false>},
    {"triu.default", triangle_of<true>},
};

}  // namespace

std::span<const Operator> selection_operators() { return kSelectionRows; }

}  // namespace ropeway::pt2
