// Operators that reduce dimensions.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/text.h"
#include "formats/pt2/operators.h"
#include "formats/pt2/promotion.h"
#include "ops/convert.h"
#include "ops/shape_util.h"

namespace ropeway::pt2 {
namespace {

using Ids = std::vector<ValueId>;

// No dimensions, or none given, are all of them.
Ints dims_of(const NodeImporter& node) {
  const int64_t rank = node.rank("self");
  Ints dims = node.integers("dim", {});
  if (rank == 0) return {};
  if (dims.empty()) {
    dims.resize(static_cast<size_t>(rank));
    std::iota(dims.begin(), dims.end(), 0);
  }
  return node.axes(dims, rank);
}

// Over no dimensions, of a scalar, a reduction is the value itself.
Ids reduced(const NodeImporter& node, ReduceFunction function, ValueId id, const Ints& dims, bool keepdim) {
  if (dims.empty()) return node.result(Op::Identity, NoParams{}, {id});
  return node.result(Op::Reduce, ReduceParams{function, dims, keepdim}, {id});
}

// Sums of whole numbers and of bools are counted in i64.
ValueId summand(const NodeImporter& node) {
  const ValueId self = node.tensor("self");
  if (const auto dtype = node.dtype("dtype")) return cast_to(node, self, *dtype);
  return is_float(node.type_of(self).dtype) ? self : cast_to(node, self, DType::i64);
}

Ids summed(const NodeImporter& node) { return reduced(node, ReduceFunction::sum, summand(node), dims_of(node), node.boolean("keepdim", false)); }
Ids prod(const NodeImporter& node) { return reduced(node, ReduceFunction::prod, summand(node), dims_of(node), node.boolean("keepdim", false)); }

Ids mean(const NodeImporter& node) {
  const ValueId self = cast_to(node, node.tensor("self"), node.dtype("dtype").value_or(node.type("self").dtype));
  return reduced(node, ReduceFunction::mean, self, dims_of(node), node.boolean("keepdim", false));
}

template <ReduceFunction function>
Ids extreme(const NodeImporter& node) {
  return reduced(node, function, node.tensor("self"), dims_of(node), node.boolean("keepdim", false));
}

// The extremes along one dimension, and where they are.
template <ReduceFunction function, Op op>
Ids extreme_with_indices(const NodeImporter& node) {
  const bool keepdim = node.boolean("keepdim", false);
  const Ids values = extreme<function>(node);
  if (node.rank("self") == 0) return {values[0], node.step_constant(filled({DType::i64, {}}, 0))};
  return {values[0], node.step(op, ArgParams{node.axis("dim", 0), keepdim}, {node.tensor("self")})};
}

template <ReduceFunction function>
Ids truth(const NodeImporter& node) {
  return reduced(node, function, cast_to(node, node.tensor("self"), DType::boolean), dims_of(node), node.boolean("keepdim", false));
}

// Σ (x − mean)² / (n − correction).
ValueId variance(const NodeImporter& node) {
  const ValueId self = node.tensor("self");
  const Ints dims = dims_of(node);
  const double correction = node.has("correction") ? node.number("correction") : node.boolean("unbiased", true) ? 1 : 0;
  double count = 1;
  for (const int64_t d : dims) count *= static_cast<double>(node.shape_of(self)[static_cast<size_t>(d)]);
  if (dims.empty() || count <= correction) fail(ErrorCode::unsupported, "the variance of {} elements with a correction of {} is not defined", count, correction);
  const ValueId center = node.step(Op::Reduce, ReduceParams{ReduceFunction::mean, dims, true}, {self});
  const ValueId difference = node.step(Op::Binary, BinaryParams{BinaryFunction::sub}, {self, center});
  const ValueId square = node.step(Op::Binary, BinaryParams{BinaryFunction::mul}, {difference, difference});
  const ValueId total = node.step(Op::Reduce, ReduceParams{ReduceFunction::sum, dims, node.boolean("keepdim", false)}, {square});
  return node.step(Op::Binary, BinaryParams{BinaryFunction::div}, {total, node.step_constant(filled({node.type_of(self).dtype, {}}, count - correction))});
}

Ids var(const NodeImporter& node) { return node.result(Op::Identity, NoParams{}, {variance(node)}); }
Ids std_deviation(const NodeImporter& node) { return node.result(Op::Unary, UnaryParams{UnaryFunction::sqrt}, {variance(node)}); }

// Σ |x|, √ Σ x² or the largest |x|.
Ids vector_norm(const NodeImporter& node) {
  const double order = node.number("ord", 2);
  const ValueId self = cast_to(node, node.tensor("self"), node.dtype("dtype").value_or(node.type("self").dtype));
  const Ints dims = dims_of(node);
  const bool keepdim = node.boolean("keepdim", false);
  const bool squares = order == 2;
  if (!squares && order != 1 && !(std::isinf(order) && order > 0)) fail(ErrorCode::unsupported, "a norm of order {} is not supported: only 1, 2 and infinity", order);
  if (!squares || dims.empty()) return reduced(node, order == 1 ? ReduceFunction::sum : ReduceFunction::max, node.step(Op::Unary, UnaryParams{UnaryFunction::abs}, {self}), dims, keepdim);
  const ValueId total = node.step(Op::Reduce, ReduceParams{ReduceFunction::sum, dims, keepdim}, {node.step(Op::Binary, BinaryParams{BinaryFunction::mul}, {self, self})});
  return node.result(Op::Unary, UnaryParams{UnaryFunction::sqrt}, {total});
}

constexpr Operator kReductionRows[] = {
    {"sum.default", summed},
    {"sum.dim_IntList", summed},
    {"prod.default", prod},
    {"prod.dim_int", prod},
    {"mean.default", mean},
    {"mean.dim", mean},
    {"amax.default", extreme<ReduceFunction::max>},
    {"amin.default", extreme<ReduceFunction::min>},
    {"max.default", extreme<ReduceFunction::max>},
    {"min.default", extreme<ReduceFunction::min>},
    {"max.dim", extreme_with_indices<ReduceFunction::max, Op::ArgMax>},
    {"min.dim", extreme_with_indices<ReduceFunction::min, Op::ArgMin>},
    {"any.default", truth<ReduceFunction::max>},
    {"any.dim", truth<ReduceFunction::max>},
    {"any.dims", truth<ReduceFunction::max>},
    {"all.default", truth<ReduceFunction::min>},
    {"all.dim", truth<ReduceFunction::min>},
    {"all.dims", truth<ReduceFunction::min>},
    {"linalg_vector_norm.default", vector_norm},
    {"var.dim", var},
    {"var.correction", var},
    {"std.dim", std_deviation},
    {"std.correction", std_deviation},
};

}  // namespace

std::span<const Operator> reduction_operators() { return kReductionRows; }

}  // namespace ropeway::pt2
