// Convolution and pooling.
#include <algorithm>
#include <numeric>

#include "base/text.h"
#include "formats/compositions.h"
#include "formats/pt2/operators.h"

namespace ropeway::pt2 {
namespace {

using Ids = std::vector<ValueId>;

// PyTorch's operators for n spatial dimensions also take an image without a batch.
template <size_t n>
void expect_batch(const NodeImporter& node, const char* input) {
  const auto rank = static_cast<size_t>(node.rank(input));
  if (rank == n + 1) fail(ErrorCode::unsupported, "an input of {} has no batch dimension. Export the model with x.unsqueeze(0)", to_string(node.type(input)));
  if (rank != n + 2) fail(ErrorCode::invalid_model, "an input of {} does not have {} spatial dimensions", to_string(node.type(input)), n);
}

// One number per spatial dimension: a single one is meant for all.
Ints per_dimension(const NodeImporter& node, const char* name, size_t count, int64_t fallback) {
  Ints result = node.integers(name, {fallback});
  if (result.empty()) result = {fallback};
  if (result.size() == 1) result.assign(count, result[0]);
  if (result.size() != count) fail(ErrorCode::invalid_model, "{} [{}] must have {} numbers", name, fmt::join(result, ","), count);
  return result;
}

Ints both_sides(const Ints& pads) {
  Ints result = pads;
  result.insert(result.end(), pads.begin(), pads.end());
  return result;
}

// ---- convolution ----

// Padding "same": the odd element at the end.
Ints named_padding(const std::string& name, const Shape& weight, const Ints& dilations) {
  const size_t n = dilations.size();
  Ints pads(2 * n, 0);
  if (name != "same" && name != "valid") fail(ErrorCode::invalid_model, "the padding is '{}', not same or valid", name);
  for (size_t d = 0; d < n && name == "same"; ++d) {
    const int64_t total = dilations[d] * (weight[d + 2] - 1);
    pads[d] = total / 2;
    pads[n + d] = total - total / 2;
  }
  return pads;
}

template <size_t n, bool named>
Ids conv(const NodeImporter& node) {
  expect_batch<n>(node, "input");
  if (node.rank("weight") != node.rank("input")) fail(ErrorCode::invalid_model, "a weight of {} does not fit an input of {}", to_string(node.type("weight")), to_string(node.type("input")));
  ConvParams params{per_dimension(node, "stride", n, 1), {}, per_dimension(node, "dilation", n, 1), node.integer("groups", 1)};
  params.pads = named ? named_padding(node.text("padding", "valid"), node.shape("weight"), params.dilations) : both_sides(per_dimension(node, "padding", n, 0));
  return node.result(Op::Conv, params, {node.tensor("input"), node.tensor("weight"), node.optional_tensor("bias")});
}

template <size_t n>
Ids conv_transpose(const NodeImporter& node) {
  expect_batch<n>(node, "input");
  const ConvTransposeParams params{per_dimension(node, "stride", n, 1), both_sides(per_dimension(node, "padding", n, 0)), per_dimension(node, "dilation", n, 1), per_dimension(node, "output_padding", n, 0), node.integer("groups", 1)};
  return node.result(Op::ConvTranspose, params, {node.tensor("input"), node.tensor("weight"), node.optional_tensor("bias")});
}

Ids convolution(const NodeImporter& node) {
  const bool transposed = node.boolean("transposed", false);
  node.ignore({"output_padding"});  // of the transposed one
  switch (node.rank("weight")) {
    case 3: return transposed ? conv_transpose<1>(node) : conv<1, false>(node);
    case 4: return transposed ? conv_transpose<2>(node) : conv<2, false>(node);
    case 5: return transposed ? conv_transpose<3>(node) : conv<3, false>(node);
    default: fail(ErrorCode::invalid_model, "convolution with a weight of {}", to_string(node.type("weight")));
  }
}

// ---- pooling ----

PoolParams window(const NodeImporter& node, size_t n) {
  PoolParams params;
  params.kernel_shape = per_dimension(node, "kernel_size", n, 1);
  const bool has_stride = node.has("stride") && !node.integers("stride").empty();
  params.strides = has_stride ? per_dimension(node, "stride", n, 1) : params.kernel_shape;
  params.pads = both_sides(per_dimension(node, "padding", n, 0));
  params.dilations.assign(n, 1);
  params.ceil_mode = node.boolean("ceil_mode", false);
  return params;
}

template <size_t n>
Ids max_pool(const NodeImporter& node) {
  expect_batch<n>(node, "self");
  PoolParams params = window(node, n);
  params.dilations = per_dimension(node, "dilation", n, 1);
  return node.result(Op::MaxPool, params, {node.tensor("self")});
}

// Indices that nobody reads fall away: a MaxPool is left.
template <size_t n>
Ids max_pool_with_indices(const NodeImporter& node) {
  const Ids values = max_pool<n>(node);
  const Node pool = *node.producer(values[0]);
  return {values[0], node.step(Op::MaxPoolIndices, pool.params, pool.inputs)};
}

// The elements stand where the indices say; output_size has the last n dimensions.
template <size_t n>
Ids max_unpool(const NodeImporter& node) {
  node.ignore({"stride", "padding"});  // the size says it all
  const Ints size = per_dimension(node, "output_size", n, 1);
  Shape all = node.shape("self");
  if (all.size() < n) fail(ErrorCode::invalid_model, "unpooling of {} to [{}]", to_string(node.type("self")), fmt::join(size, ","));
  const int64_t first = std::ssize(all) - static_cast<int64_t>(n);
  std::copy(size.begin(), size.end(), all.begin() + first);
  return unpooled(node, node.tensor("self"), node.tensor("indices"), all, first);
}

template <size_t n>
Ids average_pool(const NodeImporter& node) {
  expect_batch<n>(node, "self");
  PoolParams params = window(node, n);
  params.count_include_pad = node.boolean("count_include_pad", true);
  params.divisor = node.integer("divisor_override", 0);
  return node.result(Op::AveragePool, params, {node.tensor("self")});
}

template <size_t n>
Ids adaptive_average_pool(const NodeImporter& node) {
  expect_batch<n>(node, "self");
  return node.result(Op::AdaptiveAveragePool, AdaptivePoolParams{per_dimension(node, "output_size", n, 1)}, {node.tensor("self")});
}

// Bins of one size are a window; [⌊i s / n⌋, ⌈(i + 1) s / n⌉) otherwise.
bool is_even(const Shape& shape, const Ints& sizes) {
  for (size_t d = 0; d < sizes.size(); ++d) {
    if (sizes[d] < 1 || shape[d + 2] % sizes[d] != 0) return false;
  }
  return element_count(shape) > 0;
}

// By bin the positions in it, the last one repeated where others have more: a maximum does not change by that.
Tensor bins(const NodeImporter& node, int64_t size, int64_t count) {
  node.builder().account(8.0 * static_cast<double>(count) * static_cast<double>(size / count + 2));
  Shape shape = {count, 1};
  const auto end = [&](int64_t bin) { return ((bin + 1) * size + count - 1) / count; };
  for (int64_t bin = 0; bin < count; ++bin) shape[1] = std::max(shape[1], end(bin) - bin * size / count);
  Tensor result({DType::i64, shape});
  for (int64_t i = 0; i < result.count(); ++i) {
    const int64_t bin = i / shape[1];
    result.data<int64_t>()[static_cast<size_t>(i)] = std::min(bin * size / count + i % shape[1], end(bin) - 1);
  }
  return result;
}

// [N, C, bins…, the elements of a bin].
ValueId in_bins(const NodeImporter& node, ValueId x, const Ints& sizes) {
  const Shape shape = node.shape_of(x);
  PermParams perm{{0, 1}};
  Shape flat = {shape[0], shape[1]};
  int64_t elements = 1;
  for (size_t d = 0; d < sizes.size(); ++d) {
    const Tensor positions = bins(node, shape[d + 2], sizes[d]);
    elements *= positions.shape()[1];
    x = node.step(Op::Gather, AxisParams{static_cast<int64_t>(2 + 2 * d)}, {x, node.step_constant(positions)});
    perm.perm.push_back(static_cast<int64_t>(2 + 2 * d));
    flat.push_back(sizes[d]);
  }
  for (size_t d = 0; d < sizes.size(); ++d) perm.perm.push_back(static_cast<int64_t>(3 + 2 * d));
  flat.push_back(elements);
  return node.reshape(node.step(Op::Transpose, perm, {x}), flat);
}

template <size_t n>
Ids adaptive_max_pool(const NodeImporter& node) {
  expect_batch<n>(node, "self");
  const Shape shape = node.shape("self");
  const Ints sizes = per_dimension(node, "output_size", n, 1);
  const ValueId self = node.tensor("self");
  if (is_even(shape, sizes)) {
    PoolParams pool{{}, {}, Ints(2 * n, 0), Ints(n, 1)};
    for (size_t d = 0; d < n; ++d) pool.kernel_shape.push_back(shape[d + 2] / sizes[d]);
    pool.strides = pool.kernel_shape;
    // To one element it is a maximum of all, however large the image.
    ReduceParams all{ReduceFunction::max, Ints(n), true};
    std::iota(all.axes.begin(), all.axes.end(), 2);
    const Ids values = sizes == Ints(n, 1) ? node.result(Op::Reduce, all, {self}) : node.result(Op::MaxPool, pool, {self});
    return {values[0], node.step(Op::MaxPoolIndices, pool, {self})};
  }
  for (size_t d = 0; d < n; ++d) {
    if (sizes[d] < 1 || shape[d + 2] < 1) fail(ErrorCode::unsupported, "adaptive max pooling of {} to [{}] is not supported", to_string(node.type("self")), fmt::join(sizes, ","));
  }
  const auto last = static_cast<int64_t>(n) + 2;
  const ValueId elements = in_bins(node, self, sizes);
  // Where each element of a bin lies in the image.
  const Shape size(shape.begin() + 2, shape.end());
  node.builder().account(static_cast<double>(element_count(size)) * sizeof(int64_t));
  Tensor places({DType::i64, size});
  std::iota(places.data<int64_t>().begin(), places.data<int64_t>().end(), 0);
  Shape image = places.shape();
  image.insert(image.begin(), {1, 1});
  const ValueId where = in_bins(node, node.reshape(node.step_constant(std::move(places)), image), sizes);
  const ValueId best = node.step(Op::ArgMax, ArgParams{last, true}, {elements});
  Shape all = node.shape_of(elements), one = node.shape_of(best);
  const ValueId found = node.step(Op::GatherElements, AxisParams{last}, {node.step(Op::Expand, ShapeParams{all}, {where}), best});
  one.pop_back();
  return {node.result(Op::Reduce, ReduceParams{ReduceFunction::max, {last}, false}, {elements})[0], node.reshape(found, one)};
}

constexpr Operator kWindowRows[] = {
    {"conv1d.default", conv<1, false>},
    {"conv2d.default", conv<2, false>},
    {"conv3d.default", conv<3, false>},
    {"conv1d.padding", conv<1, true>},
    {"conv2d.padding", conv<2, true>},
    {"conv3d.padding", conv<3, true>},
    {"conv_transpose1d.default", conv_transpose<1>},
    {"conv_transpose2d.input", conv_transpose<2>},
    {"conv_transpose3d.input", conv_transpose<3>},
    {"convolution.default", convolution},
    {"max_pool1d.default", max_pool<1>},
    {"max_pool2d.default", max_pool<2>},
    {"max_pool3d.default", max_pool<3>},
    {"max_pool1d_with_indices.default", max_pool_with_indices<1>},
    {"max_pool2d_with_indices.default", max_pool_with_indices<2>},
    {"max_pool3d_with_indices.default", max_pool_with_indices<3>},
    {"max_unpool2d.default", max_unpool<2>},
    {"max_unpool3d.default", max_unpool<3>},
    {"avg_pool1d.default", average_pool<1>},
    {"avg_pool2d.default", average_pool<2>},
    {"avg_pool3d.default", average_pool<3>},
    {"adaptive_avg_pool1d.default", adaptive_average_pool<1>},
    {"adaptive_avg_pool2d.default", adaptive_average_pool<2>},
    {"adaptive_avg_pool3d.default", adaptive_average_pool<3>},
    {"_adaptive_avg_pool2d.default", adaptive_average_pool<2>},
    {"_adaptive_avg_pool3d.default", adaptive_average_pool<3>},
    {"adaptive_max_pool1d.default", adaptive_max_pool<1>},
    {"adaptive_max_pool2d.default", adaptive_max_pool<2>},
    {"adaptive_max_pool3d.default", adaptive_max_pool<3>},
};

}  // namespace

std::span<const Operator> window_operators() { return kWindowRows; }

}  // namespace ropeway::pt2
