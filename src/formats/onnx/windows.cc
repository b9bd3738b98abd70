// Convolution and pooling.
#include <algorithm>

#include "base/text.h"
#include "formats/compositions.h"
#include "formats/onnx/operators.h"

namespace ropeway::onnx {
namespace {

using Ids = std::vector<ValueId>;

size_t spatial_rank(const NodeImporter& node) {
  if (node.rank(0) < 3) fail(ErrorCode::invalid_model, "an input of {} has no spatial dimension", to_string(node.type(0)));
  return static_cast<size_t>(node.rank(0)) - 2;
}

constexpr int64_t kWidest = int64_t{1} << 31;  // no sum or product of a window's numbers overflows

// ⌈size / stride⌉ outputs, with the odd element of the padding at the end (SAME_UPPER) or at the beginning.
Ints pads_to_same(const Shape& in, const Ints& kernel, const Ints& strides, const Ints& dilations, bool upper) {
  const size_t n = kernel.size();
  Ints pads(2 * n);
  for (size_t d = 0; d < n; ++d) {
    const int64_t outputs = (in[d + 2] - 1) / strides[d] + 1;
    const int64_t total = std::max<int64_t>(0, (outputs - 1) * strides[d] + (kernel[d] - 1) * dilations[d] + 1 - in[d + 2]);
    pads[d] = upper ? total / 2 : total - total / 2;
    pads[n + d] = total - pads[d];
  }
  return pads;
}

void expect_window(const Ints& numbers, size_t count, int64_t least, const char* what) {
  const bool fits = std::all_of(numbers.begin(), numbers.end(), [&](int64_t each) { return least <= each && each <= kWidest; });
  if (numbers.size() != count || !fits) fail(ErrorCode::invalid_model, "{} [{}] must be {} numbers of at least {}", what, fmt::join(numbers, ","), count, least);
}

// Attributes that convolution and pooling share: defaults filled in, auto_pad as pads.
template <class P>
P windowed(const NodeImporter& node, P params, const Ints& kernel) {
  const size_t n = spatial_rank(node);
  params = node.attributes(std::move(params));
  if (params.strides.empty()) params.strides.assign(n, 1);
  if (params.dilations.empty()) params.dilations.assign(n, 1);
  if (params.pads.empty()) params.pads.assign(2 * n, 0);
  expect_window(kernel, n, 1, "kernel_shape");
  expect_window(params.strides, n, 1, "strides");
  expect_window(params.dilations, n, 1, "dilations");
  expect_window(params.pads, 2 * n, 0, "pads");
  const std::string auto_pad = node.string("auto_pad", "NOTSET");
  if (auto_pad == "SAME_UPPER" || auto_pad == "SAME_LOWER") {
    params.pads = pads_to_same(node.shape(0), kernel, params.strides, params.dilations, auto_pad == "SAME_UPPER");
  } else if (auto_pad == "VALID") {
    params.pads.assign(2 * n, 0);
  } else if (auto_pad != "NOTSET" && !auto_pad.empty()) {
    fail(ErrorCode::invalid_model, "auto_pad is '{}', not NOTSET, SAME_UPPER, SAME_LOWER or VALID", auto_pad);
  }
  return params;
}

Ids conv(const NodeImporter& node) {
  const Shape& weight = node.shape(1);
  if (weight.size() < 3) fail(ErrorCode::invalid_model, "a weight of {} has no spatial dimension", to_string(node.type(1)));
  const Ints kernel(weight.begin() + 2, weight.end());
  if (node.integers("kernel_shape").value_or(kernel) != kernel) fail(ErrorCode::invalid_model, "kernel_shape is not that of the weight, {}", to_string(node.type(1)));
  return node.result(Op::Conv, windowed(node, ConvParams{}, kernel), {node.input(0), node.input(1), node.optional_input(2)});
}

Ids conv_transpose(const NodeImporter& node) {
  const Shape& weight = node.shape(1);
  if (weight.size() < 3) fail(ErrorCode::invalid_model, "a weight of {} has no spatial dimension", to_string(node.type(1)));
  const Ints kernel(weight.begin() + 2, weight.end());
  if (node.integers("kernel_shape").value_or(kernel) != kernel) fail(ErrorCode::invalid_model, "kernel_shape is not that of the weight, {}", to_string(node.type(1)));
  const std::string auto_pad = node.string("auto_pad", "NOTSET");
  if (auto_pad.starts_with("SAME")) fail(ErrorCode::unsupported, "ConvTranspose with auto_pad {} is not supported", auto_pad);
  ConvTransposeParams params = windowed(node, ConvTransposeParams{}, kernel);
  if (params.output_padding.empty()) params.output_padding.assign(kernel.size(), 0);
  return node.result(Op::ConvTranspose, params, {node.input(0), node.input(1), node.optional_input(2)});
}

PoolParams pool_params(const NodeImporter& node, Op op) {
  const auto kernel = node.integers("kernel_shape");
  if (!kernel) fail(ErrorCode::invalid_model, "{} has no kernel_shape", name(op));
  return windowed(node, PoolParams{}, *kernel);
}

Ids average_pool(const NodeImporter& node) {
  return node.result(Op::AveragePool, pool_params(node, Op::AveragePool), {node.input(0)});
}

// Where the first element of every image [n, c] lies in the whole tensor; of rank `rank`.
Tensor image_offsets(const Shape& shape, size_t rank) {
  Shape images(rank, 1);
  images[0] = shape[0], images[1] = shape[1];
  const int64_t image = element_count(std::span(shape).subspan(2));
  Tensor offsets({DType::i64, images});
  for (int64_t i = 0; i < offsets.count(); ++i) offsets.data<int64_t>()[static_cast<size_t>(i)] = i * image;
  return offsets;
}

// ONNX counts indices through the whole tensor.
Ids max_pool(const NodeImporter& node) {
  const bool by_column = node.integer("storage_order", 0) != 0;
  const PoolParams params = pool_params(node, Op::MaxPool);
  const Ids values = node.result(Op::MaxPool, params, {node.input(0)});
  if (!node.reads_output(1)) return values;
  if (by_column) fail(ErrorCode::unsupported, "MaxPool with indices in column-major order (storage_order = 1) is not supported");
  const ValueId indices = node.step(Op::MaxPoolIndices, params, {node.input(0)});
  const ValueId offsets = node.step_constant(image_offsets(node.shape(0), node.shape(0).size()));
  return {values[0], node.step(Op::Binary, BinaryParams{BinaryFunction::add}, {indices, offsets})};
}

Ids max_unpool(const NodeImporter& node) {
  const auto kernel = node.integers("kernel_shape");
  const size_t n = spatial_rank(node);
  if (!kernel) fail(ErrorCode::invalid_model, "MaxUnpool has no kernel_shape");
  const Ints strides = node.integers("strides").value_or(Ints(n, 1)), pads = node.integers("pads").value_or(Ints(2 * n, 0));
  expect_window(*kernel, n, 1, "kernel_shape");
  expect_window(strides, n, 1, "strides");
  expect_window(pads, 2 * n, 0, "pads");
  Shape all = node.shape(0);
  for (size_t d = 0; d < n; ++d) all[d + 2] = (all[d + 2] - 1) * strides[d] + (*kernel)[d] - pads[d] - pads[d + n];
  for (const int64_t size : all) {
    if (size < 0) fail(ErrorCode::invalid_model, "MaxUnpool to [{}]", fmt::join(all, ","));
  }
  if (node.has_input(2) && node.ints(2, "the output's shape") != all) fail(ErrorCode::unsupported, "MaxUnpool to another shape than its window gives, [{}], is not supported", fmt::join(all, ","));
  return unpooled(node, node.input(0), node.input(1), all, 0);
}

Ids global_average_pool(const NodeImporter& node) {
  return node.result(Op::AdaptiveAveragePool, AdaptivePoolParams{Ints(spatial_rank(node), 1)}, {node.input(0)});
}

Ids global_max_pool(const NodeImporter& node) {
  ReduceParams params{ReduceFunction::max, Ints(spatial_rank(node)), true};
  for (size_t d = 0; d < params.axes.size(); ++d) params.axes[d] = static_cast<int64_t>(d) + 2;
  return node.result(Op::Reduce, params, {node.input(0)});
}

constexpr Operator kWindowRows[] = {
    {.op_type = "Conv", .convert = conv},
    {.op_type = "ConvTranspose", .convert = conv_transpose},
    {.op_type = "MaxPool", .convert = max_pool},
    {.op_type = "MaxUnpool", .convert = max_unpool},
    {.op_type = "AveragePool", .convert = average_pool},
    {.op_type = "GlobalAveragePool", .convert = global_average_pool},
    {.op_type = "GlobalMaxPool", .convert = global_max_pool},
};

}  // namespace

std::span<const Operator> window_operators() { return kWindowRows; }

}  // namespace ropeway::onnx
