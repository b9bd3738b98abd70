// Errors of type inference name the operator, what does not fit, and the figures.
#include <gtest/gtest.h>

#include <limits>

#include "base/text.h"
#include "ops/convert.h"
#include "ops/operator.h"

namespace ropeway {
namespace {

constexpr int64_t kHuge = std::numeric_limits<int64_t>::max();
constexpr int64_t kLowest = std::numeric_limits<int64_t>::min();

TensorType f32(Shape shape) { return {DType::f32, std::move(shape)}; }
TensorType i64(Shape shape) { return {DType::i64, std::move(shape)}; }
TensorType boolean(Shape shape) { return {DType::boolean, std::move(shape)}; }

struct BadNode {
  const char* what;
  Op op;
  Params params;
  std::vector<TensorType> inputs;
  std::vector<std::string> words;  // of the message
};

void PrintTo(const BadNode& node, std::ostream* stream) { *stream << node.what; }

ConvParams conv(Ints strides = {1, 1}, Ints pads = {0, 0, 0, 0}, Ints dilations = {1, 1}, int64_t group = 1) { return {strides, pads, dilations, group}; }
PoolParams pool(Ints kernel, Ints strides = {1, 1}, Ints pads = {0, 0, 0, 0}, Ints dilations = {1, 1}) { return {kernel, strides, pads, dilations, false, false, 0}; }
PoolParams pool_with_divisor(int64_t divisor) {
  PoolParams params = pool({2, 2});
  params.divisor = divisor;
  return params;
}

ConvTransposeParams conv_transpose(Ints strides = {1, 1}, Ints pads = {0, 0, 0, 0}, Ints output_padding = {0, 0}) { return {strides, pads, {1, 1}, output_padding, 1}; }

const TensorType kImage = f32({1, 4, 5, 5});
const TensorType kWeight = f32({6, 4, 3, 3});

std::vector<BadNode> bad_nodes() {
  return {
      {"conv_rank", Op::Conv, conv(), {f32({1, 4}), kWeight}, {"Conv", "X [1,4]"}},
      {"conv_too_many_dimensions", Op::Conv, conv({1, 1, 1, 1}), {f32({1, 1, 1, 1, 1, 1}), f32({1, 1, 1, 1, 1, 1})}, {"Conv", "4 spatial dimensions"}},
      {"conv_weight_rank", Op::Conv, conv(), {kImage, f32({6, 4, 3})}, {"Conv", "W [6,4,3]", "same rank"}},
      {"conv_channels", Op::Conv, conv(), {kImage, f32({6, 3, 3, 3})}, {"Conv", "takes 3 channels", "has 4"}},
      {"conv_group_channels", Op::Conv, conv({1, 1}, {0, 0, 0, 0}, {1, 1}, 3), {kImage, kWeight}, {"Conv", "3 groups", "has 4"}},
      {"conv_group_filters", Op::Conv, conv({1, 1}, {0, 0, 0, 0}, {1, 1}, 4), {kImage, f32({6, 1, 3, 3})}, {"Conv", "6 output channels", "4 groups"}},
      {"conv_group_zero", Op::Conv, conv({1, 1}, {0, 0, 0, 0}, {1, 1}, 0), {kImage, kWeight}, {"Conv", "0 groups"}},
      {"conv_group_huge", Op::Conv, conv({1, 1}, {0, 0, 0, 0}, {1, 1}, kHuge), {kImage, f32({0, 4, 3, 3})}, {"Conv", "groups"}},
      {"conv_bias_shape", Op::Conv, conv(), {kImage, kWeight, f32({5})}, {"Conv", "B is f32[5]", "[6]"}},
      {"conv_bias_dtype", Op::Conv, conv(), {kImage, kWeight, i64({6})}, {"Conv", "B is i64[6]", "f32"}},
      {"conv_weight_dtype", Op::Conv, conv(), {kImage, {DType::f16, {6, 4, 3, 3}}}, {"Conv", "W is f16", "f32"}},
      {"conv_integers", Op::Conv, conv(), {i64({1, 4, 5, 5}), i64({6, 4, 3, 3})}, {"Conv", "X is i64[1,4,5,5]", "floating-point"}},
      {"conv_stride_zero", Op::Conv, conv({1, 0}), {kImage, kWeight}, {"Conv", "strides [1,0]"}},
      {"conv_stride_negative", Op::Conv, conv({-1, 1}), {kImage, kWeight}, {"Conv", "strides [-1,1]"}},
      {"conv_stride_missing", Op::Conv, conv({1}), {kImage, kWeight}, {"Conv", "strides", "1", "2"}},
      {"conv_pads_missing", Op::Conv, conv({1, 1}, {1, 1}), {kImage, kWeight}, {"Conv", "pads", "2", "4"}},
      {"conv_pads_huge", Op::Conv, conv({1, 1}, {kHuge, 0, kHuge, 0}), {kImage, kWeight}, {"Conv", "pads"}},
      {"conv_pads_negative", Op::Conv, conv({1, 1}, {-1, 0, 0, 0}), {kImage, kWeight}, {"Conv", "pads [-1,0,0,0]"}},
      {"conv_dilation_huge", Op::Conv, conv({1, 1}, {0, 0, 0, 0}, {kHuge, 1}), {kImage, kWeight}, {"Conv", "dilations"}},
      {"conv_kernel_too_large", Op::Conv, conv(), {kImage, f32({6, 4, 7, 3})}, {"Conv", "window of 7", "image of 5", "dimension 0"}},
      {"conv_empty_kernel", Op::Conv, conv(), {kImage, f32({6, 4, 0, 3})}, {"Conv", "kernel [0,3]"}},
      {"conv_output_too_large", Op::Conv, conv({1, 1}, {1 << 30, 1 << 30, 1 << 30, 1 << 30}), {kImage, f32({6, 4, 1, 1})}, {"more elements"}},
      {"conv_without_weight", Op::Conv, conv(), {kImage}, {"Conv", "W"}},
      {"conv_fourth_input", Op::Conv, conv(), {kImage, kWeight, f32({6}), f32({6})}, {"Conv", "at most 3", "4"}},
      {"impossible_input", Op::Identity, NoParams{}, {f32({kHuge, kHuge})}, {"more elements"}},
      {"negative_input", Op::Identity, NoParams{}, {f32({-1})}, {"[-1]", "negative"}},

      {"pool_rank", Op::MaxPool, pool({2, 2}), {f32({4, 4})}, {"MaxPool", "[4,4]"}},
      {"pool_kernel_missing", Op::MaxPool, pool({2}), {kImage}, {"MaxPool", "kernel", "1", "2"}},
      {"pool_kernel_zero", Op::MaxPool, pool({0, 2}), {kImage}, {"MaxPool", "kernel [0,2]"}},
      {"pool_too_large", Op::MaxPool, pool({6, 2}), {kImage}, {"MaxPool", "window of 6", "image of 5"}},
      {"pool_pads_as_large_as_window", Op::MaxPool, pool({2, 2}, {1, 1}, {0, 0, 0, 2}), {kImage}, {"MaxPool", "padding of 2", "windows of 2", "dimension 1"}},
      {"pool_empty_image", Op::MaxPool, pool({2, 2}, {1, 1}, {1, 1, 1, 1}), {f32({1, 2, 0, 5})}, {"MaxPool", "f32[1,2,0,5]", "empty"}},
      {"pool_divisor", Op::AveragePool, pool_with_divisor(-1), {kImage}, {"AveragePool", "divisor -1"}},
      {"pool_integers", Op::AveragePool, pool({2, 2}), {i64({1, 1, 4, 4})}, {"AveragePool", "X is i64"}},
      {"adaptive_rank", Op::AdaptiveAveragePool, AdaptivePoolParams{{1}}, {kImage}, {"AdaptiveAveragePool", "[1]", "[1,4,5,5]"}},
      {"adaptive_negative", Op::AdaptiveAveragePool, AdaptivePoolParams{{1, -1}}, {kImage}, {"AdaptiveAveragePool", "[1,-1]"}},
      {"adaptive_empty", Op::AdaptiveAveragePool, AdaptivePoolParams{{1, 1}}, {f32({1, 1, 0, 3})}, {"AdaptiveAveragePool", "[1,1,0,3]"}},

      {"batch_norm_scale", Op::BatchNormalization, EpsilonParams{}, {kImage, f32({3}), f32({4}), f32({4}), f32({4})}, {"BatchNormalization", "scale is f32[3]", "f32[4]"}},
      {"batch_norm_var", Op::BatchNormalization, EpsilonParams{}, {kImage, f32({4}), f32({4}), f32({4}), i64({4})}, {"BatchNormalization", "var is i64[4]", "f32[4]"}},
      {"batch_norm_rank", Op::BatchNormalization, EpsilonParams{}, {f32({4}), f32({4}), f32({4}), f32({4}), f32({4})}, {"BatchNormalization", "[4]", "no channels"}},
      {"layer_norm_axis", Op::LayerNormalization, NormParams{2, 1e-5}, {f32({3, 4})}, {"LayerNormalization", "axis 2", "2 dimensions"}},
      {"layer_norm_negative_axis", Op::LayerNormalization, NormParams{-1, 1e-5}, {f32({3, 4})}, {"LayerNormalization", "axis -1"}},
      {"layer_norm_scale", Op::LayerNormalization, NormParams{1, 1e-5}, {f32({3, 4}), f32({3})}, {"LayerNormalization", "scale is f32[3]", "f32[4]"}},
      {"softmax_axis", Op::Softmax, AxisParams{1}, {f32({3})}, {"Softmax", "axis 1"}},
      {"softmax_scalar", Op::Softmax, AxisParams{0}, {f32({})}, {"Softmax", "axis 0", "0 dimensions"}},
      {"softmax_integers", Op::LogSoftmax, AxisParams{0}, {i64({3})}, {"LogSoftmax", "X is i64[3]"}},

      {"gemm_rank", Op::Gemm, GemmParams{}, {f32({2, 3, 4}), f32({4, 5})}, {"Gemm", "A [2,3,4]", "matrices"}},
      {"gemm_inner", Op::Gemm, GemmParams{}, {f32({2, 3}), f32({4, 5})}, {"Gemm", "3 columns", "4 rows"}},
      {"gemm_inner_transposed", Op::Gemm, GemmParams{1, 1, false, true}, {f32({2, 3}), f32({3, 5})}, {"Gemm", "3 columns", "5 rows"}},
      {"gemm_c", Op::Gemm, GemmParams{}, {f32({2, 3}), f32({3, 5}), f32({2})}, {"Gemm", "C [2]", "[2,5]"}},
      {"gemm_c_enlarges", Op::Gemm, GemmParams{}, {f32({1, 3}), f32({3, 5}), f32({2, 5})}, {"Gemm", "C [2,5]", "[1,5]"}},
      {"gemm_dtype", Op::Gemm, GemmParams{}, {f32({2, 3}), i64({3, 5})}, {"Gemm", "B is i64[3,5]", "f32"}},
      {"matmul_scalar", Op::MatMul, NoParams{}, {f32({}), f32({2})}, {"MatMul", "f32[]", "scalar"}},
      {"matmul_inner", Op::MatMul, NoParams{}, {f32({2, 3}), f32({2, 3})}, {"MatMul", "3 columns", "2 rows"}},
      {"matmul_batch", Op::MatMul, NoParams{}, {f32({2, 2, 3}), f32({3, 3, 4})}, {"MatMul", "2 against 3"}},
      {"matmul_boolean", Op::MatMul, NoParams{}, {boolean({2}), boolean({2})}, {"MatMul", "A is bool[2]"}},
      {"attention_width", Op::ScaledDotProductAttention, AttentionParams{}, {f32({2, 3, 4}), f32({2, 5, 6}), f32({2, 5, 4})}, {"Attention", "[2,3,4]", "[2,5,6]"}},
      {"attention_keys", Op::ScaledDotProductAttention, AttentionParams{}, {f32({3, 4}), f32({5, 4}), f32({6, 4})}, {"Attention", "[5,4]", "[6,4]"}},
      {"attention_rank", Op::ScaledDotProductAttention, AttentionParams{}, {f32({4}), f32({4}), f32({4})}, {"Attention", "rank"}},
      {"attention_mask", Op::ScaledDotProductAttention, AttentionParams{}, {f32({3, 4}), f32({5, 4}), f32({5, 4}), f32({4, 5})}, {"Attention", "mask of [4,5]", "[3,5]"}},
      {"attention_mask_dtype", Op::ScaledDotProductAttention, AttentionParams{}, {f32({3, 4}), f32({5, 4}), f32({5, 4}), i64({3, 5})}, {"Attention", "mask", "i64"}},

      {"unary_integers", Op::Unary, UnaryParams{UnaryFunction::exp, 0, 0}, {i64({3})}, {"Unary exp", "i64[3]"}},
      {"unary_not", Op::Unary, UnaryParams{UnaryFunction::logical_not, 0, 0}, {f32({3})}, {"Unary logical_not", "f32[3]", "bool"}},
      {"unary_boolean", Op::Unary, UnaryParams{UnaryFunction::neg, 0, 0}, {boolean({3})}, {"Unary neg", "bool[3]"}},
      {"unary_clip_fraction", Op::Unary, UnaryParams{UnaryFunction::clip, 0.5, 2}, {i64({3})}, {"Unary clip", "0.5", "i64[3]"}},
      {"binary_dtypes", Op::Binary, BinaryParams{BinaryFunction::add}, {f32({3}), i64({3})}, {"Binary add", "f32", "i64"}},
      {"binary_shapes", Op::Binary, BinaryParams{BinaryFunction::add}, {f32({2, 3}), f32({2, 4})}, {"Binary", "[2,3]", "[2,4]", "3 against 4"}},
      {"binary_logical", Op::Binary, BinaryParams{BinaryFunction::logical_and}, {f32({3}), f32({3})}, {"Binary logical_and", "f32", "bool"}},
      {"binary_boolean", Op::Binary, BinaryParams{BinaryFunction::add}, {boolean({3}), boolean({3})}, {"Binary add", "bool"}},
      {"binary_too_large", Op::Binary, BinaryParams{BinaryFunction::add}, {f32({int64_t{1} << 40, 1}), f32({int64_t{1} << 40})}, {"more elements"}},
      {"where_condition", Op::Where, NoParams{}, {f32({3}), f32({3}), f32({3})}, {"Where", "condition is f32[3]", "bool"}},
      {"where_dtypes", Op::Where, NoParams{}, {boolean({3}), f32({3}), i64({3})}, {"Where", "X is f32", "Y is i64"}},
      {"where_shapes", Op::Where, NoParams{}, {boolean({2}), f32({3}), f32({3})}, {"Where", "2 against 3"}},
      {"reduce_no_axes", Op::Reduce, ReduceParams{ReduceFunction::sum, {}, true}, {f32({3})}, {"Reduce", "axes []"}},
      {"reduce_axes_twice", Op::Reduce, ReduceParams{ReduceFunction::sum, {0, 0}, true}, {f32({3})}, {"Reduce", "axes [0,0]"}},
      {"reduce_axes_unsorted", Op::Reduce, ReduceParams{ReduceFunction::sum, {1, 0}, true}, {f32({3, 3})}, {"Reduce", "axes [1,0]"}},
      {"reduce_axis", Op::Reduce, ReduceParams{ReduceFunction::sum, {1}, true}, {f32({3})}, {"Reduce", "axis 1"}},
      {"reduce_mean_of_integers", Op::Reduce, ReduceParams{ReduceFunction::mean, {0}, true}, {i64({3})}, {"Reduce mean", "i64"}},
      {"reduce_sum_of_booleans", Op::Reduce, ReduceParams{ReduceFunction::sum, {0}, true}, {boolean({3})}, {"Reduce sum", "bool"}},
      {"reduce_max_of_nothing", Op::Reduce, ReduceParams{ReduceFunction::max, {1}, true}, {f32({3, 0})}, {"Reduce max", "dimension 1"}},

      {"dropout_ratio", Op::Dropout, DropoutParams{1.5, false}, {f32({3})}, {"Dropout", "1.5"}},
      {"reshape_count", Op::Reshape, ShapeParams{{2, 2}}, {f32({3})}, {"Reshape", "[3]", "[2,2]"}},
      {"reshape_negative", Op::Reshape, ShapeParams{{-1, 3}}, {f32({3})}, {"[-1,3]", "negative"}},
      {"reshape_overflow", Op::Reshape, ShapeParams{{int64_t{1} << 32, int64_t{1} << 32}}, {f32({0})}, {"more elements"}},
      {"expand_shrinks", Op::Expand, ShapeParams{{1, 3}}, {f32({2, 3})}, {"Expand", "[2,3]", "[1,3]"}},
      {"expand_loses_a_dimension", Op::Expand, ShapeParams{{3}}, {f32({1, 3})}, {"Expand", "[1,3]", "[3]"}},
      {"expand_negative", Op::Expand, ShapeParams{{-1}}, {f32({1})}, {"[-1]", "negative"}},
      {"transpose_length", Op::Transpose, PermParams{{0}}, {f32({2, 3})}, {"Transpose", "perm [0]", "2 dimensions"}},
      {"transpose_twice", Op::Transpose, PermParams{{0, 0}}, {f32({2, 3})}, {"Transpose", "perm [0,0]"}},
      {"transpose_outside", Op::Transpose, PermParams{{0, kLowest}}, {f32({2, 3})}, {"Transpose", "perm"}},
      {"concat_axis", Op::Concat, AxisParams{2}, {f32({2, 3})}, {"Concat", "axis 2"}},
      {"concat_rank", Op::Concat, AxisParams{0}, {f32({2, 3}), f32({2})}, {"Concat", "input 1", "f32[2]", "f32[2,3]"}},
      {"concat_shape", Op::Concat, AxisParams{0}, {f32({2, 3}), f32({2, 4})}, {"Concat", "input 1", "f32[2,4]"}},
      {"concat_dtype", Op::Concat, AxisParams{0}, {f32({2}), i64({2})}, {"Concat", "input 1", "f32"}},
      {"concat_nothing", Op::Concat, AxisParams{0}, {}, {"Concat", "inputs"}},
      {"concat_too_large", Op::Concat, AxisParams{0}, std::vector<TensorType>(4, f32({int64_t{1} << 58})), {"more elements"}},
      {"split_sum", Op::Split, SplitParams{0, {1, 1}}, {f32({3})}, {"Split", "[1,1]", "3"}},
      {"split_negative", Op::Split, SplitParams{0, {4, -1}}, {f32({3})}, {"Split", "[4,-1]"}},
      {"split_overflow", Op::Split, SplitParams{0, {kHuge, kHuge}}, {f32({3})}, {"Split"}},
      {"split_nothing", Op::Split, SplitParams{0, {}}, {f32({0})}, {"Split", "[]"}},
      {"slice_lengths", Op::Slice, SliceParams{{0}, {1}, {1}}, {f32({2, 3})}, {"Slice", "2 dimensions"}},
      {"slice_step_zero", Op::Slice, SliceParams{{0}, {1}, {0}}, {f32({2})}, {"Slice", "0:1:0"}},
      {"slice_step_lowest", Op::Slice, SliceParams{{1}, {0}, {kLowest}}, {f32({2})}, {"Slice"}},
      {"slice_end", Op::Slice, SliceParams{{0}, {3}, {1}}, {f32({2})}, {"Slice", "0:3:1", "dimension 0 of 2"}},
      {"slice_start", Op::Slice, SliceParams{{-1}, {1}, {1}}, {f32({2})}, {"Slice", "-1:1:1"}},
      {"slice_backward_start", Op::Slice, SliceParams{{2}, {0}, {-1}}, {f32({2})}, {"Slice", "2:0:-1"}},
      {"pad_mode", Op::Pad, PadParams{"mirror", {0, 0}, 0}, {f32({2})}, {"Pad", "mode 'mirror'", "reflect"}},
      {"pad_length", Op::Pad, PadParams{"constant", {0}, 0}, {f32({2})}, {"Pad", "1", "2"}},
      {"pad_crops_too_much", Op::Pad, PadParams{"constant", {-2, -1}, 0}, {f32({2})}, {"Pad", "-2 before", "-1 after", "of 2"}},
      {"pad_huge", Op::Pad, PadParams{"constant", {kHuge, kHuge}, 0}, {f32({2})}, {"Pad"}},
      {"pad_reflects_too_far", Op::Pad, PadParams{"reflect", {2, 0}, 0}, {f32({2})}, {"Pad", "reflect", "2 before", "of 2"}},
      {"pad_wraps_too_far", Op::Pad, PadParams{"wrap", {0, 3}, 0}, {f32({2})}, {"Pad", "wrap", "3 after", "of 2"}},
      {"pad_edge_of_nothing", Op::Pad, PadParams{"edge", {0, 1}, 0}, {f32({0})}, {"Pad", "edge", "of 0"}},
      {"gather_axis", Op::Gather, AxisParams{1}, {f32({3}), i64({2})}, {"Gather", "axis 1"}},
      {"gather_indices", Op::Gather, AxisParams{0}, {f32({3}), f32({2})}, {"Gather", "indices are f32"}},
      {"gather_nd_depth", Op::GatherND, BatchDimsParams{0}, {f32({3}), i64({2, 2})}, {"GatherND", "i64[2,2]", "f32[3]"}},
      {"gather_nd_scalar", Op::GatherND, BatchDimsParams{0}, {f32({3}), i64({})}, {"GatherND", "i64[]"}},
      {"gather_nd_batch", Op::GatherND, BatchDimsParams{1}, {f32({3, 4}), i64({2, 1})}, {"GatherND", "batch dimensions", "f32[3,4]", "i64[2,1]"}},
      {"conv_transpose_channels", Op::ConvTranspose, conv_transpose(), {kImage, f32({3, 6, 3, 3})}, {"ConvTranspose", "takes 3 channels", "has 4"}},
      {"conv_transpose_bias", Op::ConvTranspose, conv_transpose(), {kImage, f32({4, 6, 3, 3}), f32({5})}, {"ConvTranspose", "B is f32[5]", "[6]"}},
      {"conv_transpose_output_padding", Op::ConvTranspose, conv_transpose({2, 2}, {0, 0, 0, 0}, {0, 2}), {kImage, f32({4, 6, 3, 3})}, {"ConvTranspose", "output_padding of 2"}},
      {"conv_transpose_padding", Op::ConvTranspose, conv_transpose({1, 1}, {4, 0, 4, 0}), {kImage, f32({4, 6, 3, 3})}, {"ConvTranspose", "leaves nothing", "dimension 0"}},
      {"pool_indices_rank", Op::MaxPoolIndices, pool({2, 2}), {f32({4, 4})}, {"MaxPoolIndices", "[4,4]"}},
      {"gather_elements_rank", Op::GatherElements, AxisParams{0}, {f32({3, 4}), i64({2})}, {"GatherElements", "i64[2]", "f32[3,4]"}},
      {"gather_elements_rows", Op::GatherElements, AxisParams{1}, {f32({3, 4}), i64({4, 2})}, {"GatherElements", "i64[4,2]", "f32[3,4]"}},
      {"gather_elements_indices", Op::GatherElements, AxisParams{0}, {f32({3}), f32({2})}, {"GatherElements", "indices are f32"}},
      {"scatter_elements_updates", Op::ScatterElements, ScatterParams{0, "none"}, {f32({3}), i64({2}), f32({3})}, {"ScatterElements", "updates are f32[3]", "f32[2]"}},
      {"scatter_elements_reduction", Op::ScatterElements, ScatterParams{0, "mul"}, {f32({3}), i64({2}), f32({2})}, {"ScatterElements", "'mul'"}},
      {"arg_axis", Op::ArgMax, ArgParams{2, true}, {f32({3, 4})}, {"ArgMax", "axis 2"}},
      {"arg_empty", Op::ArgMin, ArgParams{0, true}, {f32({0, 4})}, {"ArgMin", "dimension 0 of f32[0,4] is empty"}},
      {"topk_too_many", Op::TopK, TopKParams{1, 5, true}, {f32({3, 4})}, {"TopK", "the 5 first of dimension 1 of f32[3,4]"}},
      {"cumsum_boolean", Op::CumSum, CumSumParams{}, {boolean({3})}, {"CumSum", "bool"}},
      {"resize_rank", Op::Resize, ResizeParams{"nearest", {4, 4}, 0, 0, false}, {f32({3, 4, 4})}, {"Resize", "f32[3,4,4]"}},
      {"resize_mode", Op::Resize, ResizeParams{"cubic", {4, 4}, 0, 0, false}, {kImage}, {"Resize", "'cubic'"}},
      {"resize_size", Op::Resize, ResizeParams{"linear", {4, 0}, 0, 0, false}, {kImage}, {"Resize", "output_size [4,0]"}},
      {"resize_tiny_scale", Op::Resize, ResizeParams{"linear", {4, 4}, 0, 1e-300, false}, {kImage}, {"Resize", "scale of 1e-300"}},
      {"resize_scale", Op::Resize, ResizeParams{"linear", {4, 4}, -1, 0, false}, {kImage}, {"Resize", "scale of -1"}},
      {"gather_nd_batch_negative", Op::GatherND, BatchDimsParams{-1}, {f32({3, 4}), i64({2, 1})}, {"GatherND", "-1 batch"}},
  };
}

class Inference : public testing::TestWithParam<BadNode> {};

TEST_P(Inference, RefusesAndSaysWhy) {
  const BadNode& node = GetParam();
  std::vector<const TensorType*> types;
  for (const TensorType& type : node.inputs) types.push_back(&type);
  try {
    infer(node.op, node.params, types);
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument) << error.what();
    for (const std::string& word : node.words) EXPECT_NE(error.message().find(word), std::string::npos) << "'" << word << "' is not in: " << error.message();
  }
}

INSTANTIATE_TEST_SUITE_P(BadNodes, Inference, testing::ValuesIn(bad_nodes()), [](const auto& each) { return each.param.what; });

TEST(Inference, ForeignParametersAreOurOwnFault) {
  const TensorType type = f32({3});
  try {
    infer(Op::Softmax, NoParams{}, {&type});
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::internal);
  }
}

TEST(Evaluation, RefusesWhatOnlyElementsShow) {
  const auto message = [](Op op, const Params& params, const std::vector<Tensor>& inputs) -> std::string {
    std::vector<const Tensor*> arguments;
    for (const Tensor& input : inputs) arguments.push_back(&input);
    try {
      evaluate(op, params, arguments);
    } catch (const Error& error) {
      return error.message();
    }
    return "accepted";
  };
  const Tensor table = Tensor::of<float>({2, 2}, {1, 2, 3, 4});
  EXPECT_EQ(message(Op::Gather, AxisParams{0}, {table, Tensor::of<int64_t>({1}, {2})}), "Gather: index 2 is outside a dimension of 2");
  EXPECT_EQ(message(Op::Gather, AxisParams{0}, {table, Tensor::of<int64_t>({1}, {-3})}), "Gather: index -3 is outside a dimension of 2");
  EXPECT_EQ(message(Op::GatherND, BatchDimsParams{0}, {table, Tensor::of<int64_t>({1, 2}, {0, kLowest})}), fmt::format("GatherND: index {} is outside a dimension of 2", kLowest));
  EXPECT_NE(message(Op::Dropout, DropoutParams{0.5, true}, {table}).find("lower_training_dropout"), std::string::npos);
  EXPECT_EQ(message(Op::GatherElements, AxisParams{1}, {table, Tensor::of<int64_t>({1, 1}, {2})}), "GatherElements: index 2 is outside a dimension of 2");
  EXPECT_EQ(message(Op::ScatterElements, ScatterParams{0, "none"}, {table, Tensor::of<int64_t>({1, 1}, {-3}), Tensor::of<float>({1, 1}, {0})}), "ScatterElements: index -3 is outside a dimension of 2");
}

// Steps of 16 bits that are infinite still end at the last pixel.
TEST(Evaluation, TinyScalesStayInTheImage) {
  const Tensor image = Tensor::of<float>({1, 1, 1, 2}, {3, 5});
  for (const DType dtype : {DType::f32, DType::f16, DType::bf16}) {
    const Tensor x = convert(image, dtype);
    const Tensor y = convert(evaluate(Op::Resize, ResizeParams{"nearest", {1, 3}, 0, 1e-8, false}, {&x})[0], DType::f32);
    EXPECT_EQ(std::as_const(y).data<float>()[2], 5) << name(dtype);
  }
}

// As everywhere, integers are added modulo 2^n.
TEST(Evaluation, ScatteredSumsWrapAround) {
  const Tensor x = Tensor::of<int64_t>({1}, {std::numeric_limits<int64_t>::max()}), at = Tensor::of<int64_t>({1}, {0}), one = Tensor::of<int64_t>({1}, {1});
  const std::vector<Tensor> y = evaluate(Op::ScatterElements, ScatterParams{0, "add"}, {&x, &at, &one});
  EXPECT_EQ(y[0].data<int64_t>()[0], std::numeric_limits<int64_t>::min());
}

// Windows and images of extreme size cost no more than what they touch.
TEST(Evaluation, HugeWindowsTouchOnlyTheImage) {
  const int64_t size = (int64_t{1} << 30) + 1;
  const Tensor image = Tensor::of<float>({1, 1, 1, 2}, {3, 5});
  PoolParams params = pool({1, size}, {1, 1 << 30}, {0, 1 << 29, 0, 1 << 29});
  EXPECT_EQ(evaluate(Op::MaxPool, params, {&image})[0].data<float>()[0], 5.0f);
  EXPECT_EQ(evaluate(Op::AveragePool, params, {&image})[0].data<float>()[0], 4.0f);
}

// Integers have no quotient by zero: PyTorch raises an error, we give 0 rather than end the process.
TEST(Evaluation, IntegersDividedByZero) {
  const Tensor a = Tensor::of<int32_t>({3}, {7, -2147483647 - 1, 0}), b = Tensor::of<int32_t>({3}, {0, -1, 0});
  const auto quotients = evaluate(Op::Binary, BinaryParams{BinaryFunction::div}, {&a, &b});
  EXPECT_EQ(quotients[0].data<int32_t>()[0], 0);
  EXPECT_EQ(quotients[0].data<int32_t>()[1], -2147483647 - 1);
  const auto rests = evaluate(Op::Binary, BinaryParams{BinaryFunction::mod}, {&a, &b});
  EXPECT_EQ(rests[0].data<int32_t>()[0], 0);
  EXPECT_EQ(rests[0].data<int32_t>()[1], 0);
}

}  // namespace
}  // namespace ropeway
