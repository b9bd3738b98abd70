// Element-wise operators. Most rows come from ir/functions.def.
#include <limits>

#include "base/text.h"
#include "formats/onnx/operators.h"
#include "ops/convert.h"
#include "ops/shape_util.h"

namespace ropeway::onnx {
namespace {

using Ids = std::vector<ValueId>;

// ONNX's defaults of alpha and beta; unused by the other functions.
constexpr UnaryParams defaults_of(UnaryFunction function) {
  switch (function) {
    case UnaryFunction::leaky_relu: return {function, 0.01, 0};
    case UnaryFunction::elu: return {function, 1, 0};
    case UnaryFunction::hard_sigmoid: return {function, 0.2, 0.5};
    default: return {function, 0, 0};
  }
}

template <UnaryFunction function>
Ids unary(const NodeImporter& node) {
  return node.result(Op::Unary, node.attributes(defaults_of(function)), {node.input(0)});
}

template <BinaryFunction function>
Ids binary(const NodeImporter& node) {
  return node.result(Op::Binary, BinaryParams{function}, {node.input(0), node.input(1)});
}

// Functions whose ONNX operator is more than the function, or is none; they have rows of their own below.
constexpr bool is_special(UnaryFunction function) {
  using enum UnaryFunction;
  return function == clip || function == gelu || function == gelu_tanh || function == silu || function == rsqrt;
}
constexpr bool is_special(BinaryFunction function) {
  using enum BinaryFunction;
  return function == pow || function == mod || function == min || function == max;
}

Ids clip(const NodeImporter& node) {
  const auto limit = [&](size_t i, double none) -> std::optional<double> {
    if (!node.has_input(i)) return none;
    const auto known = node.known(node.input(i));
    return known ? std::optional(as_scalar(*known)) : std::nullopt;
  };
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const auto low = limit(1, -kInfinity), high = limit(2, kInfinity);
  if (low && high) return node.result(Op::Unary, UnaryParams{UnaryFunction::clip, *low, *high}, {node.input(0)});
  ValueId value = node.input(0);
  if (node.has_input(1)) value = node.step(Op::Binary, BinaryParams{BinaryFunction::max}, {value, node.input(1)});
  return node.has_input(2) ? node.result(Op::Binary, BinaryParams{BinaryFunction::min}, {value, node.input(2)}) : node.result(Op::Identity, NoParams{}, {value});
}

Ids gelu(const NodeImporter& node) {
  const std::string approximate = node.string("approximate", "none");
  if (approximate != "none" && approximate != "tanh") fail(ErrorCode::invalid_model, "Gelu's approximate is '{}', not none or tanh", approximate);
  return node.result(Op::Unary, UnaryParams{approximate == "tanh" ? UnaryFunction::gelu_tanh : UnaryFunction::gelu}, {node.input(0)});
}

// The exponent may be of another type than the base, which is that of the result.
Ids power(const NodeImporter& node) {
  const DType dtype = node.type(0).dtype;
  const ValueId exponent = node.type(1).dtype == dtype ? node.input(1) : node.step(Op::Cast, CastParams{dtype}, {node.input(1)});
  return node.result(Op::Binary, BinaryParams{BinaryFunction::pow}, {node.input(0), exponent});
}

// With fmod = 1 the rest has the sign of the dividend: that of the sizes, with the sign put back.
Ids modulo(const NodeImporter& node) {
  if (node.integer("fmod", 0) == 0) return binary<BinaryFunction::mod>(node);
  const ValueId a = node.input(0);
  const DType dtype = node.type(0).dtype;
  if (!is_float(dtype)) fail(ErrorCode::unsupported, "Mod with fmod = 1 (the sign of the dividend) of {} is not supported", name(dtype));
  const auto size = [&](ValueId id) { return node.step(Op::Unary, UnaryParams{UnaryFunction::abs}, {id}); };
  const ValueId rest = node.step(Op::Binary, BinaryParams{BinaryFunction::mod}, {size(a), size(node.input(1))});
  const ValueId below = node.step(Op::Binary, BinaryParams{BinaryFunction::less}, {a, node.step_constant(filled({dtype, {}}, 0))});
  return node.result(Op::Where, NoParams{}, {below, node.step(Op::Unary, UnaryParams{UnaryFunction::neg}, {rest}), rest});
}

// Max, Min and Sum take any number of operands.
template <BinaryFunction function>
Ids chain(const NodeImporter& node) {
  if (node.input_count() == 1) return node.result(Op::Identity, NoParams{}, {node.input(0)});
  ValueId value = node.input(0);
  for (size_t i = 1; i + 1 < node.input_count(); ++i) value = node.step(Op::Binary, BinaryParams{function}, {value, node.input(i)});
  return node.result(Op::Binary, BinaryParams{function}, {value, node.input(node.input_count() - 1)});
}

Ids mean(const NodeImporter& node) {
  ValueId sum = node.input(0);
  for (size_t i = 1; i < node.input_count(); ++i) sum = node.step(Op::Binary, BinaryParams{BinaryFunction::add}, {sum, node.input(i)});
  const ValueId count = node.step_constant(filled({node.type(0).dtype, {}}, static_cast<double>(node.input_count())));
  return node.result(Op::Binary, BinaryParams{BinaryFunction::div}, {sum, count});
}

Ids cast(const NodeImporter& node) {
  if (!node.has("to")) fail(ErrorCode::invalid_model, "Cast does not say to which type");
  node.ignore("saturate");  // of 8-bit floating point, which is refused
  return node.result(Op::Cast, node.attributes(CastParams{}), {node.input(0)});
}

Ids cast_like(const NodeImporter& node) {
  node.ignore("saturate");
  return node.result(Op::Cast, CastParams{node.type(1).dtype}, {node.input(0)});
}

Ids where(const NodeImporter& node) { return node.result(Op::Where, NoParams{}, {node.input(0), node.input(1), node.input(2)}); }

std::vector<Operator> make_elementwise_rows() {
  std::vector<Operator> rows = {
      {.op_type = "Clip", .convert = clip},
      {.op_type = "Gelu", .since = 20, .convert = gelu},
      {.op_type = "Pow", .convert = power},
      {.op_type = "Mod", .convert = modulo},
      {.op_type = "Max", .convert = chain<BinaryFunction::max>},
      {.op_type = "Min", .convert = chain<BinaryFunction::min>},
      {.op_type = "Sum", .convert = chain<BinaryFunction::add>},
      {.op_type = "Mean", .convert = mean},
      {.op_type = "Cast", .convert = cast},
      {.op_type = "CastLike", .since = 15, .convert = cast_like},
      {.op_type = "Where", .convert = where},
  };
#define ROPEWAY_UNARY(name, onnx) \
  if constexpr (!is_special(UnaryFunction::name)) rows.push_back({.op_type = #onnx, .convert = unary<UnaryFunction::name>});
#define ROPEWAY_BINARY(name, onnx) \
  if constexpr (!is_special(BinaryFunction::name)) rows.push_back({.op_type = #onnx, .convert = binary<BinaryFunction::name>});
#include "ir/functions.def"
#undef ROPEWAY_UNARY
#undef ROPEWAY_BINARY
  return rows;
}

}  // namespace

std::span<const Operator> elementwise_operators() {
  static const std::vector<Operator> rows = make_elementwise_rows();
  return rows;
}

}  // namespace ropeway::onnx
