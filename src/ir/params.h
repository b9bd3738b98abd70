// Parameters of the operators. Field names and meanings are those of the ONNX attributes, unless a comment says otherwise.
// `fields` lists them once: printing, parsing, hashing and reading of ONNX attributes all go by it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "ropeway/tensor.h"

namespace ropeway {

enum class UnaryFunction : uint8_t {
#define ROPEWAY_UNARY(name, onnx) name,
#include "ir/functions.def"
#undef ROPEWAY_UNARY
};
enum class BinaryFunction : uint8_t {
#define ROPEWAY_BINARY(name, onnx) name,
#include "ir/functions.def"
#undef ROPEWAY_BINARY
};
enum class ReduceFunction : uint8_t {
#define ROPEWAY_REDUCE(name, onnx) name,
#include "ir/functions.def"
#undef ROPEWAY_REDUCE
};

const char* name(UnaryFunction function);
const char* name(BinaryFunction function);
const char* name(ReduceFunction function);
// The ONNX operator that a function is, such as "Relu".
const char* onnx_name(UnaryFunction function);
const char* onnx_name(BinaryFunction function);
const char* onnx_name(ReduceFunction function);
// Set `function` and return true when `name` names one.
bool parse(std::string_view name, UnaryFunction& function);
bool parse(std::string_view name, BinaryFunction& function);
bool parse(std::string_view name, ReduceFunction& function);

template <class Struct, class Member>
struct Field {
  const char* name;
  Member Struct::*member;
};
template <class Struct, class Member>
Field(const char*, Member Struct::*) -> Field<Struct, Member>;

using Ints = std::vector<int64_t>;

// Every struct below: `static auto fields()` and equality.
#define ROPEWAY_FIELDS(Struct, ...)                         \
  static auto fields() { return std::make_tuple(__VA_ARGS__); } \
  bool operator==(const Struct&) const = default;
#define ROPEWAY_FIELD(Struct, member) Field{#member, &Struct::member}

struct NoParams {
  ROPEWAY_FIELDS(NoParams)
};

// n spatial dimensions: strides and dilations have n entries; pads has 2n, all begins, then all ends. Never empty: readers fill in the defaults.
struct ConvParams {
  Ints strides, pads, dilations;
  int64_t group = 1;
  ROPEWAY_FIELDS(ConvParams, ROPEWAY_FIELD(ConvParams, strides), ROPEWAY_FIELD(ConvParams, pads), ROPEWAY_FIELD(ConvParams, dilations), ROPEWAY_FIELD(ConvParams, group))
};

// As above. W is [inputs, outputs per group, kernel…]; output_padding makes the output longer at its end.
struct ConvTransposeParams {
  Ints strides, pads, dilations, output_padding;
  int64_t group = 1;
  ROPEWAY_FIELDS(ConvTransposeParams, ROPEWAY_FIELD(ConvTransposeParams, strides), ROPEWAY_FIELD(ConvTransposeParams, pads), ROPEWAY_FIELD(ConvTransposeParams, dilations),
                 ROPEWAY_FIELD(ConvTransposeParams, output_padding), ROPEWAY_FIELD(ConvTransposeParams, group))
};

// As above. AveragePool divides by the taps inside the image (count_include_pad: inside image and padding), or by `divisor` when it is not 0 (torch's divisor_override).
struct PoolParams {
  Ints kernel_shape, strides, pads, dilations;
  bool ceil_mode = false;  // as torch has it: the last window must begin inside the image or its left padding
  bool count_include_pad = false;
  int64_t divisor = 0;
  ROPEWAY_FIELDS(PoolParams, ROPEWAY_FIELD(PoolParams, kernel_shape), ROPEWAY_FIELD(PoolParams, strides), ROPEWAY_FIELD(PoolParams, pads), ROPEWAY_FIELD(PoolParams, dilations),
                 ROPEWAY_FIELD(PoolParams, ceil_mode), ROPEWAY_FIELD(PoolParams, count_include_pad), ROPEWAY_FIELD(PoolParams, divisor))
};

// Output cell i of n over an input of size s averages [⌊i s / n⌋, ⌈(i + 1) s / n⌉).
struct AdaptivePoolParams {
  Ints output_size;  // one entry per spatial dimension
  ROPEWAY_FIELDS(AdaptivePoolParams, ROPEWAY_FIELD(AdaptivePoolParams, output_size))
};

struct EpsilonParams {
  double epsilon = 1e-5;
  ROPEWAY_FIELDS(EpsilonParams, ROPEWAY_FIELD(EpsilonParams, epsilon))
};

// Normalises over all dimensions from `axis` on (≥ 0).
struct NormParams {
  int64_t axis = -1;
  double epsilon = 1e-5;
  ROPEWAY_FIELDS(NormParams, ROPEWAY_FIELD(NormParams, axis), ROPEWAY_FIELD(NormParams, epsilon))
};

struct GemmParams {
  double alpha = 1, beta = 1;
  bool transA = false, transB = false;
  ROPEWAY_FIELDS(GemmParams, ROPEWAY_FIELD(GemmParams, alpha), ROPEWAY_FIELD(GemmParams, beta), ROPEWAY_FIELD(GemmParams, transA), ROPEWAY_FIELD(GemmParams, transB))
};

// softmax(Q Kᵀ scale + mask) V over the last two dimensions of [batch…, length, width]. A boolean mask keeps what is true.
struct AttentionParams {
  double scale = 1;
  bool is_causal = false;  // query i sees keys 0 … i
  ROPEWAY_FIELDS(AttentionParams, ROPEWAY_FIELD(AttentionParams, scale), ROPEWAY_FIELD(AttentionParams, is_causal))
};

struct AxisParams {
  int64_t axis = 0;  // ≥ 0: readers resolve negative ones
  ROPEWAY_FIELDS(AxisParams, ROPEWAY_FIELD(AxisParams, axis))
};

struct UnaryParams {
  UnaryFunction function = UnaryFunction::relu;
  double alpha = 0, beta = 0;  // see functions.def
  ROPEWAY_FIELDS(UnaryParams, ROPEWAY_FIELD(UnaryParams, function), ROPEWAY_FIELD(UnaryParams, alpha), ROPEWAY_FIELD(UnaryParams, beta))
};

// Operands are broadcast against each other as in NumPy, and have one dtype.
struct BinaryParams {
  BinaryFunction function = BinaryFunction::add;
  ROPEWAY_FIELDS(BinaryParams, ROPEWAY_FIELD(BinaryParams, function))
};

struct ReduceParams {
  ReduceFunction function = ReduceFunction::mean;
  Ints axes;  // sorted, ≥ 0; not empty
  bool keepdims = true;
  ROPEWAY_FIELDS(ReduceParams, ROPEWAY_FIELD(ReduceParams, function), ROPEWAY_FIELD(ReduceParams, axes), ROPEWAY_FIELD(ReduceParams, keepdims))
};

struct CastParams {
  DType to = DType::f32;
  ROPEWAY_FIELDS(CastParams, ROPEWAY_FIELD(CastParams, to))
};

struct DropoutParams {
  double ratio = 0.5;
  bool training_mode = false;
  bool whole_channels = false;  // one draw for each of the first two dimensions, as torch's feature_dropout has it
  ROPEWAY_FIELDS(DropoutParams, ROPEWAY_FIELD(DropoutParams, ratio), ROPEWAY_FIELD(DropoutParams, training_mode), ROPEWAY_FIELD(DropoutParams, whole_channels))
};

// The full result shape: no 0 or -1 with a special meaning.
struct ShapeParams {
  Ints shape;
  ROPEWAY_FIELDS(ShapeParams, ROPEWAY_FIELD(ShapeParams, shape))
};

struct PermParams {
  Ints perm;
  ROPEWAY_FIELDS(PermParams, ROPEWAY_FIELD(PermParams, perm))
};

struct SplitParams {
  int64_t axis = 0;
  Ints split;  // sizes; their sum is the dimension
  ROPEWAY_FIELDS(SplitParams, ROPEWAY_FIELD(SplitParams, axis), ROPEWAY_FIELD(SplitParams, split))
};

// One entry per dimension of the input. 0 ≤ start, and with step > 0: start ≤ end ≤ size; with step < 0: -1 ≤ end ≤ start < size.
struct SliceParams {
  Ints starts, ends, steps;
  ROPEWAY_FIELDS(SliceParams, ROPEWAY_FIELD(SliceParams, starts), ROPEWAY_FIELD(SliceParams, ends), ROPEWAY_FIELD(SliceParams, steps))
};

struct PadParams {
  std::string mode = "constant";  // or reflect, edge, wrap
  Ints pads;                      // all begins, then all ends, one each per dimension; negative ones crop
  double value = 0;
  ROPEWAY_FIELDS(PadParams, ROPEWAY_FIELD(PadParams, mode), ROPEWAY_FIELD(PadParams, pads), ROPEWAY_FIELD(PadParams, value))
};

struct BatchDimsParams {
  int64_t batch_dims = 0;
  ROPEWAY_FIELDS(BatchDimsParams, ROPEWAY_FIELD(BatchDimsParams, batch_dims))
};

struct ScatterParams {
  int64_t axis = 0;
  std::string reduction = "none";  // or add: to what is there
  ROPEWAY_FIELDS(ScatterParams, ROPEWAY_FIELD(ScatterParams, axis), ROPEWAY_FIELD(ScatterParams, reduction))
};

// The first of equal extremes; a NaN is more extreme than any number.
struct ArgParams {
  int64_t axis = 0;
  bool keepdims = true;
  ROPEWAY_FIELDS(ArgParams, ROPEWAY_FIELD(ArgParams, axis), ROPEWAY_FIELD(ArgParams, keepdims))
};

// The k largest (or smallest) in order, and where they were: the first of equal ones first. A NaN is larger than any number.
struct TopKParams {
  int64_t axis = 0, k = 1;
  bool largest = true;
  ROPEWAY_FIELDS(TopKParams, ROPEWAY_FIELD(TopKParams, axis), ROPEWAY_FIELD(TopKParams, k), ROPEWAY_FIELD(TopKParams, largest))
};

struct CumSumParams {
  int64_t axis = 0;
  bool exclusive = false, reverse = false;
  ROPEWAY_FIELDS(CumSumParams, ROPEWAY_FIELD(CumSumParams, axis), ROPEWAY_FIELD(CumSumParams, exclusive), ROPEWAY_FIELD(CumSumParams, reverse))
};

// Of [N, C, height, width]. nearest takes the pixel ⌊i / scale⌋, linear weighs the four around (i + 0.5) / scale − 0.5, or with align_corners those around
// i (size − 1) / (output size − 1).
struct ResizeParams {
  std::string mode = "nearest";     // or linear
  Ints output_size;                 // height and width
  double scale_h = 0, scale_w = 0;  // 0: the ratio of the sizes
  bool align_corners = false;
  ROPEWAY_FIELDS(ResizeParams, ROPEWAY_FIELD(ResizeParams, mode), ROPEWAY_FIELD(ResizeParams, output_size), ROPEWAY_FIELD(ResizeParams, scale_h), ROPEWAY_FIELD(ResizeParams, scale_w),
                 ROPEWAY_FIELD(ResizeParams, align_corners))
};

#undef ROPEWAY_FIELD
#undef ROPEWAY_FIELDS

}  // namespace ropeway
