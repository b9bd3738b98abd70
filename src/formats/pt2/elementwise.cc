// Element-wise operators, and their rules of types.
#include <cmath>
#include <limits>

#include "base/text.h"
#include "formats/pt2/operators.h"
#include "formats/pt2/promotion.h"
#include "ops/convert.h"
#include "ops/shape_util.h"

namespace ropeway::pt2 {
namespace {

using Ids = std::vector<ValueId>;

// ---- one operand ----

Ids apply(const NodeImporter& node, UnaryFunction function, double alpha = 0, double beta = 0) {
  return node.result(Op::Unary, UnaryParams{function, alpha, beta}, {node.tensor("self")});
}

// Functions that keep whole numbers whole.
template <UnaryFunction function>
Ids exact(const NodeImporter& node) {
  return apply(node, function);
}

template <UnaryFunction function>
Ids real(const NodeImporter& node) {
  return node.result(Op::Unary, UnaryParams{function, function == UnaryFunction::silu ? 1.0 : 0.0, 0}, {as_real(node, node.tensor("self"))});
}

Ids relu6(const NodeImporter& node) { return apply(node, UnaryFunction::clip, 0, 6); }
Ids hardtanh(const NodeImporter& node) { return apply(node, UnaryFunction::clip, node.number("min_val", -1), node.number("max_val", 1)); }
Ids leaky_relu(const NodeImporter& node) { return apply(node, UnaryFunction::leaky_relu, node.number("negative_slope", 0.01)); }
Ids hardsigmoid(const NodeImporter& node) { return apply(node, UnaryFunction::hard_sigmoid, 1.0 / 6, 0.5); }

Ids times(const NodeImporter& node, ValueId id, double factor) {
  return node.result(Op::Binary, BinaryParams{BinaryFunction::mul}, {id, node.step_constant(filled({node.type_of(id).dtype, {}}, factor))});
}

Ids elu(const NodeImporter& node) {
  const double alpha = node.number("alpha", 1), scale = node.number("scale", 1);
  if (node.number("input_scale", 1) != 1) fail(ErrorCode::unsupported, "elu with an input_scale is not supported");
  if (scale == 1) return apply(node, UnaryFunction::elu, alpha);
  return times(node, node.step(Op::Unary, UnaryParams{UnaryFunction::elu, alpha, 0}, {node.tensor("self")}), scale);
}

// With the two numbers of its paper.
Ids selu(const NodeImporter& node) { return times(node, node.step(Op::Unary, UnaryParams{UnaryFunction::elu, 1.6732632423543772, 0}, {node.tensor("self")}), 1.0507009873554805); }

// −ln(1 + e^−x).
Ids log_sigmoid(const NodeImporter& node) {
  const ValueId turned = node.step(Op::Unary, UnaryParams{UnaryFunction::neg}, {node.tensor("self")});
  return node.result(Op::Unary, UnaryParams{UnaryFunction::neg}, {node.step(Op::Unary, UnaryParams{UnaryFunction::softplus}, {turned})});
}

// One half, by how open the other is.
Ids glu(const NodeImporter& node) {
  const int64_t axis = node.axis("dim", -1);
  const Shape shape = node.shape("self");
  if (shape.empty() || shape[static_cast<size_t>(axis)] % 2 != 0) fail(ErrorCode::invalid_model, "dimension {} of {} has no halves", axis, to_string(node.type("self")));
  const int64_t half = shape[static_cast<size_t>(axis)] / 2;
  const Ids halves = node.builder().add(Op::Split, SplitParams{axis, {half, half}}, {node.tensor("self")}, "half", node.origin());
  return node.result(Op::Binary, BinaryParams{BinaryFunction::mul}, {halves[0], node.step(Op::Unary, UnaryParams{UnaryFunction::sigmoid}, {halves[1]})});
}

Ids gelu(const NodeImporter& node) {
  const std::string approximate = node.text("approximate", "none");
  if (approximate != "none" && approximate != "tanh") fail(ErrorCode::invalid_model, "gelu's approximate is '{}', not none or tanh", approximate);
  return apply(node, approximate == "tanh" ? UnaryFunction::gelu_tanh : UnaryFunction::gelu);
}

Ids softplus(const NodeImporter& node) {
  if (node.number("beta", 1) != 1 || node.number("threshold", 20) != 20) fail(ErrorCode::unsupported, "softplus with a beta other than 1 or a threshold other than 20 is not supported");
  return apply(node, UnaryFunction::softplus);
}

Ids is_nan(const NodeImporter& node) {
  const TensorType self = node.type("self");
  return is_float(self.dtype) ? apply(node, UnaryFunction::is_nan) : node.result(filled({DType::boolean, self.shape}, 0));
}

Ids logical_not(const NodeImporter& node) { return node.result(Op::Unary, UnaryParams{UnaryFunction::logical_not}, {cast_to(node, node.tensor("self"), DType::boolean)}); }

Ids bitwise_not(const NodeImporter& node) {
  if (node.type("self").dtype != DType::boolean) fail(ErrorCode::unsupported, "bitwise_not of {}: only bool is supported", name(node.type("self").dtype));
  return apply(node, UnaryFunction::logical_not);
}

// ln(1 + x). Without log1p's care for small x: the error is that of rounding 1 + x.
Ids log1p(const NodeImporter& node) {
  const ValueId self = as_real(node, node.tensor("self"));
  const ValueId one = node.step_constant(filled({node.type_of(self).dtype, {}}, 1));
  return node.result(Op::Unary, UnaryParams{UnaryFunction::log}, {node.step(Op::Binary, BinaryParams{BinaryFunction::add}, {self, one})});
}

Ids square(const NodeImporter& node) { return node.result(Op::Binary, BinaryParams{BinaryFunction::mul}, {node.tensor("self"), node.tensor("self")}); }

// ---- two operands ----

// An operand that is a tensor or a Python number, with its part in the promotion.
struct Operand {
  ValueId tensor = kNoValue;
  Scalar number;
};

Operand operand(const NodeImporter& node, const char* name, Promotion& promotion) {
  Operand result;
  if (node.is_tensor(name)) {
    result.tensor = node.tensor(name);
    promotion.add(node.type_of(result.tensor));
  } else {
    result.number = node.scalar(name);
    promotion.add(result.number);
  }
  return result;
}

ValueId as(const NodeImporter& node, const Operand& operand, DType dtype) {
  if (operand.tensor != kNoValue) return cast_to(node, operand.tensor, dtype);
  // Whole numbers stay exact beyond 2^53.
  if (const auto* whole = std::get_if<int64_t>(&operand.number)) return node.step_constant(convert(Tensor::of<int64_t>({}, {*whole}), dtype));
  return node.step_constant(filled({dtype, {}}, as_double(operand.number)));
}

struct Pair {
  ValueId a = kNoValue, b = kNoValue;
  DType dtype = DType::f32;
};

Pair promoted_pair(const NodeImporter& node, const char* first, const char* second, bool to_real = false) {
  Promotion promotion;
  const Operand a = operand(node, first, promotion), b = operand(node, second, promotion);
  DType dtype = promotion.result();
  if (to_real && !is_float(dtype)) dtype = DType::f32;
  return {as(node, a, dtype), as(node, b, dtype), dtype};
}

Ids combine(const NodeImporter& node, BinaryFunction function, ValueId a, ValueId b) { return node.result(Op::Binary, BinaryParams{function}, {a, b}); }
ValueId step(const NodeImporter& node, BinaryFunction function, ValueId a, ValueId b) { return node.step(Op::Binary, BinaryParams{function}, {a, b}); }

template <BinaryFunction function>
Ids binary(const NodeImporter& node) {
  const Pair pair = promoted_pair(node, "self", "other");
  const bool logical = pair.dtype == DType::boolean && (function == BinaryFunction::mul || function == BinaryFunction::min || function == BinaryFunction::max);
  if (logical) return combine(node, function == BinaryFunction::max ? BinaryFunction::logical_or : BinaryFunction::logical_and, pair.a, pair.b);
  return combine(node, function, pair.a, pair.b);
}

// other · alpha is added or taken away.
template <BinaryFunction function, bool reversed>
Ids scaled(const NodeImporter& node) {
  Pair pair = promoted_pair(node, "self", "other");
  if (pair.dtype == DType::boolean) return combine(node, BinaryFunction::logical_or, pair.a, pair.b);  // PyTorch has no other sum of bools
  ValueId& factor = reversed ? pair.a : pair.b;
  const double alpha = node.number("alpha", 1);
  if (alpha != 1) factor = step(node, BinaryFunction::mul, factor, node.step_constant(filled({pair.dtype, {}}, alpha)));
  return reversed ? combine(node, function, pair.b, pair.a) : combine(node, function, pair.a, pair.b);
}

// (a − a mod b) / b, where mod has the sign of b: PyTorch's ⌊a / b⌋, exact where a / b is rounded up to a whole number. Of reals, a / b itself where b is 0.
Ids floored_quotient(const NodeImporter& node, const Pair& pair) {
  const ValueId whole_part = step(node, BinaryFunction::div, step(node, BinaryFunction::sub, pair.a, step(node, BinaryFunction::mod, pair.a, pair.b)), pair.b);
  if (!is_float(pair.dtype)) return node.result(Op::Identity, NoParams{}, {whole_part});
  const ValueId by_zero = step(node, BinaryFunction::equal, pair.b, node.step_constant(filled({pair.dtype, {}}, 0)));
  const ValueId rounded = node.step(Op::Unary, UnaryParams{UnaryFunction::round}, {whole_part});
  return node.result(Op::Where, NoParams{}, {by_zero, step(node, BinaryFunction::div, pair.a, pair.b), rounded});
}

Ids divide(const NodeImporter& node) {
  const std::string mode = node.text("rounding_mode", "");
  const Pair pair = promoted_pair(node, "self", "other", mode.empty());
  if (mode.empty()) return combine(node, BinaryFunction::div, pair.a, pair.b);
  if (mode == "floor") return floored_quotient(node, pair);
  if (mode != "trunc" || is_float(pair.dtype)) fail(ErrorCode::unsupported, "div of {} with rounding_mode '{}' is not supported", name(pair.dtype), mode);
  return combine(node, BinaryFunction::div, pair.a, pair.b);
}

Ids floor_divide(const NodeImporter& node) { return floored_quotient(node, promoted_pair(node, "self", "other")); }

// The sign of the dividend: a − trunc(a / b) · b.
Ids fmod(const NodeImporter& node) {
  const Pair pair = promoted_pair(node, "self", "other");
  if (is_float(pair.dtype)) fail(ErrorCode::unsupported, "fmod of {} is not supported", name(pair.dtype));
  return combine(node, BinaryFunction::sub, pair.a, step(node, BinaryFunction::mul, step(node, BinaryFunction::div, pair.a, pair.b), pair.b));
}

Ids raised(const NodeImporter& node) {
  const Pair pair = promoted_pair(node, "self", "exponent");
  const bool squares = !node.is_tensor("exponent") && node.number("exponent") == 2;
  return squares ? combine(node, BinaryFunction::mul, pair.a, pair.a) : combine(node, BinaryFunction::pow, pair.a, pair.b);
}

Ids not_equal(const NodeImporter& node) {
  const Pair pair = promoted_pair(node, "self", "other");
  return node.result(Op::Unary, UnaryParams{UnaryFunction::logical_not}, {step(node, BinaryFunction::equal, pair.a, pair.b)});
}

template <BinaryFunction function>
Ids logical(const NodeImporter& node) {
  const Pair pair = promoted_pair(node, "self", "other");
  return combine(node, function, cast_to(node, pair.a, DType::boolean), cast_to(node, pair.b, DType::boolean));
}

template <BinaryFunction function>
Ids bitwise(const NodeImporter& node) {
  const Pair pair = promoted_pair(node, "self", "other");
  if (pair.dtype != DType::boolean) fail(ErrorCode::unsupported, "bitwise operators on {} are not supported, only on bool", name(pair.dtype));
  return combine(node, function, pair.a, pair.b);
}

// The slope, one for all or one per channel, along dimension 1.
Ids prelu(const NodeImporter& node) {
  ValueId weight = node.tensor("weight");
  const int64_t rank = node.rank("self");
  if (node.rank_of(weight) == 1 && rank > 2) {
    Shape shape(static_cast<size_t>(rank), 1);
    shape[1] = node.shape_of(weight)[0];
    weight = node.reshape(weight, shape);
  }
  return combine(node, BinaryFunction::prelu, node.tensor("self"), weight);
}

// ---- bounds and choices ----

Ids clamp(const NodeImporter& node) {
  const auto limit = [&](const char* name, double none) { return node.has(name) ? node.number(name) : none; };
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  Promotion promotion;
  promotion.add(node.type("self"));
  for (const char* name : {"min", "max"}) {
    if (node.has(name)) promotion.add(node.scalar(name));
  }
  const ValueId self = cast_to(node, node.tensor("self"), promotion.result());
  const bool whole = !is_float(promotion.result());
  const double low = limit("min", whole ? std::numeric_limits<double>::lowest() : -kInfinity), high = limit("max", whole ? std::numeric_limits<double>::max() : kInfinity);
  return node.result(Op::Unary, UnaryParams{UnaryFunction::clip, low, high}, {self});
}

Ids clamp_tensor(const NodeImporter& node) {
  ValueId value = node.tensor("self");
  if (node.has("min")) value = step(node, BinaryFunction::max, value, cast_to(node, node.tensor("min"), node.type_of(value).dtype));
  if (node.has("max")) value = step(node, BinaryFunction::min, value, cast_to(node, node.tensor("max"), node.type_of(value).dtype));
  return node.result(Op::Identity, NoParams{}, {value});
}

Ids where(const NodeImporter& node) {
  const Pair pair = promoted_pair(node, "self", "other");
  return node.result(Op::Where, NoParams{}, {cast_to(node, node.tensor("condition"), DType::boolean), pair.a, pair.b});
}

Ids masked_fill(const NodeImporter& node) {
  Promotion ignored;
  const DType dtype = node.type("self").dtype;
  return node.result(Op::Where, NoParams{}, {node.tensor("mask"), as(node, operand(node, "value", ignored), dtype), node.tensor("self")});
}

// ---- types and copies ----

Ids itself(const NodeImporter& node) { return {node.tensor("self")}; }

Ids copied(const NodeImporter& node) {
  node.ignore({"memory_format"});
  return node.result(Op::Identity, NoParams{}, {node.tensor("self")});
}

Ids contiguous(const NodeImporter& node) { return node.self_has_memory_format(MemoryFormat::contiguous) ? itself(node) : copied(node); }

// A conversion returns its operand itself where nothing changes, unless it is told to copy.
Ids converted(const NodeImporter& node, DType dtype) {
  node.ignore({"layout", "device", "pin_memory", "non_blocking"});
  const bool copy = node.boolean("copy", false) || !node.self_has_memory_format(MemoryFormat::preserve);
  if (node.type("self").dtype == dtype) return copy ? copied(node) : itself(node);
  return node.result(Op::Cast, CastParams{dtype}, {node.tensor("self")});
}

Ids to(const NodeImporter& node) { return converted(node, node.dtype("dtype").value_or(node.type("self").dtype)); }
Ids to_other(const NodeImporter& node) { return converted(node, node.type("other").dtype); }

Ids to_copy(const NodeImporter& node) {
  node.ignore({"layout", "device", "pin_memory", "non_blocking", "memory_format"});
  const DType dtype = node.dtype("dtype").value_or(node.type("self").dtype);
  return node.type("self").dtype == dtype ? copied(node) : node.result(Op::Cast, CastParams{dtype}, {node.tensor("self")});
}

Ids copy(const NodeImporter& node) {
  node.ignore({"non_blocking"});
  const TensorType self = node.type("self");
  const ValueId source = cast_to(node, node.tensor("src"), self.dtype);
  return node.result(Op::Expand, ShapeParams{self.shape}, {source});
}

Ids fill(const NodeImporter& node) {
  Promotion ignored;
  const TensorType self = node.type("self");
  const ValueId value = as(node, operand(node, "value", ignored), self.dtype);
  return node.result(Op::Expand, ShapeParams{self.shape}, {value});
}

Ids zero(const NodeImporter& node) { return node.result(filled(node.type("self"), 0)); }

using U = UnaryFunction;
using B = BinaryFunction;

constexpr Operator kElementwiseRows[] = {
    {"relu.default", exact<U::relu>},
    {"abs.default", exact<U::abs>},
    {"neg.default", exact<U::neg>},
    {"sign.default", exact<U::sign>},
    {"floor.default", exact<U::floor>},
    {"ceil.default", exact<U::ceil>},
    {"round.default", exact<U::round>},
    {"isnan.default", is_nan},
    {"sigmoid.default", real<U::sigmoid>},
    {"hardswish.default", exact<U::hard_swish>},
    {"silu.default", real<U::silu>},
    {"mish.default", exact<U::mish>},
    {"tanh.default", real<U::tanh>},
    {"erf.default", real<U::erf>},
    {"exp.default", real<U::exp>},
    {"log.default", real<U::log>},
    {"log1p.default", log1p},
    {"sqrt.default", real<U::sqrt>},
    {"rsqrt.default", real<U::rsqrt>},
    {"reciprocal.default", real<U::reciprocal>},
    {"sin.default", real<U::sin>},
    {"cos.default", real<U::cos>},
    {"square.default", square},
    {"relu6.default", relu6},
    {"hardtanh.default", hardtanh},
    {"leaky_relu.default", leaky_relu},
    {"hardsigmoid.default", hardsigmoid},
    {"elu.default", elu},
    {"selu.default", selu},
    {"log_sigmoid.default", log_sigmoid},
    {"glu.default", glu},
    {"gelu.default", gelu},
    {"softplus.default", softplus},
    {"logical_not.default", logical_not},
    {"bitwise_not.default", bitwise_not},
    {"add.Tensor", scaled<B::add, false>},
    {"add.Scalar", scaled<B::add, false>},
    {"sub.Tensor", scaled<B::sub, false>},
    {"sub.Scalar", scaled<B::sub, false>},
    {"rsub.Tensor", scaled<B::sub, true>},
    {"rsub.Scalar", scaled<B::sub, true>},
    {"mul.Tensor", binary<B::mul>},
    {"mul.Scalar", binary<B::mul>},
    {"div.Tensor", divide},
    {"div.Scalar", divide},
    {"div.Tensor_mode", divide},
    {"div.Scalar_mode", divide},
    {"floor_divide.default", floor_divide},
    {"remainder.Tensor", binary<B::mod>},
    {"remainder.Scalar", binary<B::mod>},
    {"fmod.Tensor", fmod},
    {"fmod.Scalar", fmod},
    {"pow.Tensor_Tensor", raised},
    {"pow.Tensor_Scalar", raised},
    {"pow.Scalar", raised},
    {"minimum.default", binary<B::min>},
    {"maximum.default", binary<B::max>},
    {"eq.Tensor", binary<B::equal>},
    {"eq.Scalar", binary<B::equal>},
    {"ne.Tensor", not_equal},
    {"ne.Scalar", not_equal},
    {"lt.Tensor", binary<B::less>},
    {"lt.Scalar", binary<B::less>},
    {"le.Tensor", binary<B::less_or_equal>},
    {"le.Scalar", binary<B::less_or_equal>},
    {"gt.Tensor", binary<B::greater>},
    {"gt.Scalar", binary<B::greater>},
    {"ge.Tensor", binary<B::greater_or_equal>},
    {"ge.Scalar", binary<B::greater_or_equal>},
    {"logical_and.default", logical<B::logical_and>},
    {"logical_or.default", logical<B::logical_or>},
    {"logical_xor.default", logical<B::logical_xor>},
    {"bitwise_and.Tensor", bitwise<B::logical_and>},
    {"bitwise_or.Tensor", bitwise<B::logical_or>},
    {"bitwise_xor.Tensor", bitwise<B::logical_xor>},
    {"__and__.Tensor", bitwise<B::logical_and>},
    {"__or__.Tensor", bitwise<B::logical_or>},
    {"__xor__.Tensor", bitwise<B::logical_xor>},
    {"prelu.default", prelu},
    {"_prelu_kernel.default", prelu},
    {"clamp.default", clamp},
    {"clamp.Tensor", clamp_tensor},
    {"clamp_min.default", clamp},
    {"clamp_max.default", clamp},
    {"where.self", where},
    {"where.ScalarOther", where},
    {"where.ScalarSelf", where},
    {"where.Scalar", where},
    {"masked_fill.Scalar", masked_fill},
    {"masked_fill.Tensor", masked_fill},
    {"alias.default", itself, Sharing::argument},
    {"detach.default", itself, Sharing::argument},
    {"clone.default", copied},
    {"lift_fresh_copy.default", copied},
    {"contiguous.default", contiguous, Sharing::argument},
    {"to.dtype", to, Sharing::argument},
    {"to.dtype_layout", to, Sharing::argument},
    {"to.device", to, Sharing::argument},
    {"to.other", to_other, Sharing::argument},
    {"type_as.default", to_other, Sharing::argument},
    {"_to_copy.default", to_copy},
    {"copy.default", copy},
    {"fill.Scalar", fill},
    {"fill.Tensor", fill},
    {"zero.default", zero},
};

}  // namespace

std::span<const Operator> elementwise_operators() { return kElementwiseRows; }

}  // namespace ropeway::pt2
