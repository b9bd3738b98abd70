// float64 becomes float32, and int64 int32 where that cannot change a result, for a chip that lacks them:
//   %y = MatMul(%x, %w) : f64[2,3]        →   %y = MatMul(%x, %w) : f32[2,3]
//   %i = Cast(%m) to=i64 : i64[4]         →   %i = Cast(%m) to=i32 : i32[4]
// Inputs and outputs of the graph change with it: converting what comes in and goes out is the caller's.
#include <algorithm>
#include <cmath>
#include <limits>

#include "base/text.h"
#include "ops/convert.h"
#include "ops/operator.h"
#include "passes/lower.h"

namespace ropeway {
namespace {

bool fits(int64_t value) { return value >= std::numeric_limits<int32_t>::lowest() && value <= std::numeric_limits<int32_t>::max(); }

// The first element that the narrower type cannot hold, as a finding; "" without one.
std::string finding(const Value& value) {
  const Tensor& tensor = *value.constant;
  for (size_t i = 0; i < static_cast<size_t>(tensor.count()); ++i) {
    if (value.type.dtype == DType::f64) {
      const double each = tensor.data<double>()[i];
      if (each != 0 && static_cast<float>(each) == 0) return fmt::format("{} holds {:g} (element {}), which is too small for float32 and becomes zero", value.name, each, i);
      if (std::isfinite(each) && !std::isfinite(static_cast<float>(each))) return fmt::format("{} holds {:g} (element {}), which is beyond float32 and becomes infinite", value.name, each, i);
    } else if (!fits(tensor.data<int64_t>()[i])) {
      return fmt::format("{} holds {} (element {}), which is beyond int32: it stays int64", value.name, tensor.data<int64_t>()[i], i);
    }
  }
  return "";
}

// Operators whose results are elements of their inputs; a Cast from what int32 can hold.
bool only_moves(const Graph& graph, const Node& node) {
  switch (node.op) {
    case Op::Identity:
    case Op::Reshape:
    case Op::Transpose:
    case Op::Concat:
    case Op::Split:
    case Op::Slice:
    case Op::Expand:
    case Op::Gather:
    case Op::GatherND:
    case Op::Where: return true;
    case Op::Cast: break;
    default: return false;
  }
  constexpr DType kWithin[] = {DType::boolean, DType::i8, DType::u8, DType::i16, DType::u16, DType::i32, DType::i64};  // i64: what is chosen is known to be within
  return std::count(std::begin(kWithin), std::end(kWithin), graph.type(node.inputs[0]).dtype) > 0;
}

// Which values become narrower: a set that shrinks until every operator takes and gives it.
class Choice {
 public:
  Choice(const Graph& graph, bool integers, Narrowing& done) : graph_(graph), chosen_(graph.values.size(), false) {
    for (size_t v = 0; v < graph.values.size(); ++v) {
      const Value& value = graph.values[v];
      if (value.type.dtype != DType::f64 && !(integers && value.type.dtype == DType::i64)) continue;
      const std::string found = value.constant ? finding(value) : "";
      if (!found.empty()) (value.type.dtype == DType::f64 ? done.findings : done.kept).push_back(found);
      chosen_[v] = value.type.dtype == DType::f64 || found.empty();
    }
    bool changed = integers;
    while (changed) {
      changed = false;
      for (const Node& node : graph.nodes) changed = keep_wide(node) || changed;
    }
  }
  bool holds(ValueId id) const { return id != kNoValue && chosen_[static_cast<size_t>(id)]; }
  TensorType type(ValueId id) const {
    TensorType result = graph_.type(id);
    if (holds(id)) result.dtype = result.dtype == DType::f64 ? DType::f32 : DType::i32;
    return result;
  }

 private:
  // Whether integers around a node had to stay as they are.
  bool keep_wide(const Node& node) {
    const bool makes_integers = std::any_of(node.outputs.begin(), node.outputs.end(), [&](ValueId id) { return graph_.type(id).dtype == DType::i64; });
    if (!makes_integers && takes(node)) return false;
    if (makes_integers && only_moves(graph_, node) && takes(node)) return false;
    bool changed = false;
    for (const auto* side : {&node.inputs, &node.outputs}) {
      for (const ValueId id : *side) {
        if (!holds(id) || graph_.type(id).dtype != DType::i64) continue;
        chosen_[static_cast<size_t>(id)] = false;
        changed = true;
      }
    }
    return changed;
  }
  // Whether the operator, with the chosen inputs, gives exactly the chosen outputs.
  bool takes(const Node& node) const {
    if (node.op == Op::Cast) return !holds(node.outputs[0]) || graph_.type(node.inputs[0]).dtype != DType::i64 || holds(node.inputs[0]);
    std::vector<TensorType> types;
    types.reserve(node.inputs.size());
    std::vector<const TensorType*> inputs;
    for (const ValueId id : node.inputs) {
      if (id != kNoValue) types.push_back(type(id));
      inputs.push_back(id == kNoValue ? nullptr : &types.back());
    }
    try {
      const std::vector<TensorType> outputs = infer(node.op, node.params, inputs);
      return std::equal(outputs.begin(), outputs.end(), node.outputs.begin(), node.outputs.end(), [&](const TensorType& given, ValueId id) { return given == type(id); });
    } catch (const Error&) {
      return false;  // the operator says that it does not take them: an answer, not a failure
    }
  }

  const Graph& graph_;
  std::vector<bool> chosen_;
};

}  // namespace

Graph narrow(Graph graph, bool integers, Narrowing& done) {
  graph = compact(graph);
  const Choice choice(graph, integers, done);
  const auto count = [](NarrowedValues& list, const Value& value) {
    ++list.number;
    if (!list.first.empty() && (!value.constant || list.first_is_constant)) return;
    list.first = value.name;
    list.first_is_constant = value.constant.has_value();
  };
  std::vector<TensorType> types;
  for (size_t v = 0; v < graph.values.size(); ++v) types.push_back(choice.type(static_cast<ValueId>(v)));
  for (size_t v = 0; v < graph.values.size(); ++v) {
    Value& value = graph.values[v];
    if (value.type == types[v]) continue;
    count(value.type.dtype == DType::f64 ? done.floats : done.integers, value);
    value.type = types[v];
    if (value.constant) value.constant = convert(*value.constant, types[v].dtype);
  }
  for (Node& node : graph.nodes) {
    if (node.op == Op::Cast) std::get<CastParams>(node.params).to = graph.type(node.outputs[0]).dtype;
  }
  return graph;
}

}  // namespace ropeway
