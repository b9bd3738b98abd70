#include "chip/rounding.h"

#include <cmath>

#include "ops/convert.h"

namespace ropeway::chip {
namespace {

bool representable(double value) {
  const auto single = static_cast<float>(value);
  return f16_to_f32(f32_to_f16(single)) == single;
}

}  // namespace

bool is_clamp(const Node& node) {
  if (node.op != Op::Unary) return false;
  const auto& params = node.get<UnaryParams>();
  return params.function == UnaryFunction::relu || (params.function == UnaryFunction::clip && representable(params.alpha) && representable(params.beta));
}

bool selects(const Graph& graph, const Node& node) {
  switch (node.op) {
    case Op::Identity:
    case Op::Dropout:
    case Op::Reshape:
    case Op::Expand:
    case Op::Transpose:
    case Op::Concat:
    case Op::Split:
    case Op::Slice:
    case Op::Gather:
    case Op::GatherND:
    case Op::GatherElements:
    case Op::MaxPool:
    case Op::Where: return true;
    case Op::Pad: return representable(node.get<PadParams>().value) && std::isfinite(node.get<PadParams>().value);  // infinity may saturate
    case Op::Reduce: return node.get<ReduceParams>().function == ReduceFunction::max || node.get<ReduceParams>().function == ReduceFunction::min;
    case Op::Binary: return node.get<BinaryParams>().function == BinaryFunction::max || node.get<BinaryParams>().function == BinaryFunction::min;
    case Op::Cast: {
      const DType from = graph.type(node.inputs[0]).dtype;
      return from == DType::f32 || from == DType::f16 || from == DType::i8 || from == DType::u8 || from == DType::boolean;
    }
    case Op::Unary: {
      // Whole numbers that come of 16-bit floats are such: above 2048 every one of them is whole itself.
      const UnaryFunction f = node.get<UnaryParams>().function;
      return is_clamp(node) || f == UnaryFunction::abs || f == UnaryFunction::neg || f == UnaryFunction::sign || f == UnaryFunction::floor || f == UnaryFunction::ceil ||
             f == UnaryFunction::round;
    }
    default: return false;
  }
}

bool adds_bias(const Graph& graph, const Node& node, ValueId product, const std::vector<bool>& constant) {
  if (node.op != Op::Binary || node.get<BinaryParams>().function != BinaryFunction::add || graph.type(node.outputs[0]) != graph.type(product)) return false;
  const ValueId other = node.inputs[0] == product ? node.inputs[1] : node.inputs[0];
  const Shape& shape = graph.type(other).shape;
  return constant[static_cast<size_t>(other)] && !shape.empty() && !graph.type(product).shape.empty() && shape.back() == graph.type(product).shape.back() && element_count(shape) == shape.back();
}

}  // namespace ropeway::chip
