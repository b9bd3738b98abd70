#include <algorithm>
#include <utility>

#include "chip/numerics.h"
#include "chip/rounding.h"
#include "ops/convert.h"

namespace ropeway::chip {
namespace {

constexpr double kLargestHalf = 65504;

// The element within ±65504; NaN: 0.
float within(float value) { return value != value ? 0.0f : std::clamp(value, static_cast<float>(-kLargestHalf), static_cast<float>(kLargestHalf)); }

class Saturation {
 public:
  explicit Saturation(Graph graph) : graph_(std::move(graph)) {}

  Graph run() {
    for (Value& value : graph_.values) {
      if (value.constant && value.type.dtype == DType::f16) value.constant = saturated(*value.constant);
    }
    for (Node& node : std::exchange(graph_.nodes, {})) add(std::move(node));
    return std::move(graph_);
  }

 private:
  static Tensor saturated(const Tensor& half) {
    Tensor single = convert(half, DType::f32);
    for (float& each : single.data<float>()) each = within(each);
    return convert(single, DType::f16);
  }

  ValueId part(ValueId like, DType dtype) { return graph_.add_value(graph_.value(like).name + ".saturated", {dtype, graph_.type(like).shape}); }

  // `to` becomes `from` within what 16 bits hold. Both are of one dtype.
  void limit(ValueId from, ValueId to, const Origin& origin) {
    const DType dtype = graph_.type(from).dtype;
    const ValueId is_nan = part(to, DType::boolean), clipped = part(to, dtype);
    const ValueId zero = graph_.add_constant("zero", convert(Tensor::of<float>({}, {0.0f}), dtype));
    graph_.nodes.push_back({Op::Unary, UnaryParams{UnaryFunction::is_nan, 0, 0}, {from}, {is_nan}, origin});
    graph_.nodes.push_back({Op::Unary, UnaryParams{UnaryFunction::clip, -kLargestHalf, kLargestHalf}, {from}, {clipped}, origin});
    graph_.nodes.push_back({Op::Where, NoParams{}, {is_nan, zero, clipped}, {to}, origin});
  }

  void add(Node node) {
    const Origin origin = node.origin;
    if (node.op == Op::Cast && graph_.type(node.inputs[0]).dtype == DType::f32 && graph_.type(node.outputs[0]).dtype == DType::f16) {
      const ValueId limited = part(node.inputs[0], DType::f32);  // the same as behind it, and faster
      limit(std::exchange(node.inputs[0], limited), limited, origin);
      graph_.nodes.push_back(std::move(node));
      return;
    }
    const bool moves = node.op != Op::Cast && selects(graph_, node);  // adds no overflow
    std::vector<std::pair<ValueId, ValueId>> results;                 // what the node gives, what others read
    for (ValueId& id : node.outputs) {
      if (graph_.type(id).dtype != DType::f16 || moves) continue;
      const ValueId whole = id;
      id = part(whole, DType::f16);
      results.emplace_back(id, whole);
    }
    graph_.nodes.push_back(std::move(node));
    for (const auto& [from, to] : results) limit(from, to, origin);
  }

  Graph graph_;
};

}  // namespace

Graph saturate(Graph graph) { return Saturation(std::move(graph)).run(); }

}  // namespace ropeway::chip
