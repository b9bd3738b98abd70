// Operators that find, read and write single elements, and running sums.
#include "base/text.h"
#include "formats/compositions.h"
#include "formats/onnx/operators.h"

namespace ropeway::onnx {
namespace {

using Ids = std::vector<ValueId>;

template <Op op>
Ids arg(const NodeImporter& node) {
  if (node.integer("select_last_index", 0) != 0) fail(ErrorCode::unsupported, "{} with select_last_index = 1 is not supported", name(op));
  return node.result(op, ArgParams{node.axis(node.integer("axis", 0), node.rank(0)), node.integer("keepdims", 1) != 0}, {node.input(0)});
}

// Every bit of it, unlike a scalar.
int64_t whole_number(const NodeImporter& node, size_t i, const char* what) {
  const Ints numbers = node.ints(i, what);
  if (numbers.size() != 1) fail(ErrorCode::invalid_model, "{} is {} numbers", what, numbers.size());
  return numbers[0];
}

Ids top_k(const NodeImporter& node) {
  node.ignore("sorted");  // they always are
  const Ints k = node.ints(1, "the number of elements");
  if (k.size() != 1) fail(ErrorCode::invalid_model, "TopK of {} numbers", k.size());
  return node.result(Op::TopK, TopKParams{node.axis(node.integer("axis", -1), node.rank(0)), k[0], node.integer("largest", 1) != 0}, {node.input(0)});
}

Ids cumulative_sum(const NodeImporter& node) {
  const int64_t axis = whole_number(node, 1, "the axis");
  return node.result(Op::CumSum, CumSumParams{node.axis(axis, node.rank(0)), node.integer("exclusive", 0) != 0, node.integer("reverse", 0) != 0}, {node.input(0)});
}

Ids gather_elements(const NodeImporter& node) {
  return node.result(Op::GatherElements, AxisParams{node.axis(node.integer("axis", 0), node.rank(0))}, {node.input(0), node.input(1)});
}

std::string reduction_of(const NodeImporter& node, std::string_view op) {
  const std::string reduction = node.string("reduction", "none");
  if (reduction != "none" && reduction != "add") fail(ErrorCode::unsupported, "{} with reduction {} is not supported: only none and add", op, reduction);
  return reduction;
}

Ids scatter_elements(const NodeImporter& node) {
  const std::string reduction = reduction_of(node, "ScatterElements");
  return node.result(Op::ScatterElements, ScatterParams{node.axis(node.integer("axis", 0), node.rank(0)), reduction}, {node.input(0), node.input(1), node.input(2)});
}

// Whole rows of the first dimension: their elements scattered, the row's index repeated for each.
Ids scatter_rows(const NodeImporter& node) {
  const std::string reduction = reduction_of(node, "ScatterND");
  const Shape data = node.type(0).shape, indices = node.type(1).shape;
  if (data.empty() || indices.empty()) fail(ErrorCode::invalid_model, "ScatterND into {} by indices of {}", to_string(node.type(0)), to_string(node.type(1)));
  if (indices.back() != 1) fail(ErrorCode::unsupported, "ScatterND whose indices name {} dimensions is not supported: only the first", indices.back());
  const Shape row(data.begin() + 1, data.end());
  Shape wanted(indices.begin(), indices.end() - 1);
  wanted.insert(wanted.end(), row.begin(), row.end());
  if (node.type(2).shape != wanted) fail(ErrorCode::invalid_model, "ScatterND of {} into {} by indices of {}", to_string(node.type(2)), to_string(node.type(0)), to_string(node.type(1)));
  const Shape updates{element_count(indices), element_count(row)};
  const ValueId elements = node.step(Op::Expand, ShapeParams{updates}, {node.reshape(node.input(1), {updates[0], 1})});
  const ValueId scattered = node.step(Op::ScatterElements, ScatterParams{0, reduction}, {node.reshape(node.input(0), {data[0], updates[1]}), elements, node.reshape(node.input(2), updates)});
  return node.result(Op::Reshape, ShapeParams{data}, {scattered});
}

Ids triangle_of(const NodeImporter& node) {
  const int64_t diagonal = node.has_input(1) ? whole_number(node, 1, "the diagonal") : 0;
  return triangle(node, node.input(0), diagonal, node.integer("upper", 1) != 0);
}

constexpr Operator kSelectionRows[] = {
    {.op_type = "ArgMax", .convert = arg<Op::ArgMax>},
    {.op_type = "ArgMin", .convert = arg<Op::ArgMin>},
    {.op_type = "TopK", .convert = top_k},
    {.op_type = "CumSum", .convert = cumulative_sum},
    {.op_type = "GatherElements", .convert = gather_elements},
    {.op_type = "ScatterElements", .convert = scatter_elements},
    {.op_type = "ScatterND", .convert = scatter_rows},
    {.op_type = "Trilu", .since = 14, .convert = triangle_of},
};

}  // namespace

std::span<const Operator> selection_operators() { return kSelectionRows; }

}  // namespace ropeway::onnx
