#include "accuracy/observe.h"

#include <unordered_map>
#include <utility>

namespace ropeway {
namespace {

struct Place {
  int node;
  size_t output;
  ValueId exact, computed, before;  // before: kNoValue
};

std::unordered_map<std::string_view, ValueId> by_name(const Graph& graph) {
  std::unordered_map<std::string_view, ValueId> result;
  for (size_t i = 0; i < graph.values.size(); ++i) result.emplace(graph.values[i].name, static_cast<ValueId>(i));
  return result;
}

// What is rounded to 16 bits to give the value: Cast(Cast(Where(…, …, clip(x)))), as rounded_for_chip writes it, is x. kNoValue: it is not rounded here. By names it
// cannot be found: a model may have a "y.unrounded" of its own.
ValueId unrounded(const Graph& rounded, const std::vector<int>& makers, ValueId value) {
  constexpr std::pair<Op, size_t> kSteps[] = {{Op::Cast, 0}, {Op::Cast, 0}, {Op::Where, 2}, {Op::Unary, 0}};  // and the operand that goes on
  ValueId id = value;
  for (const auto& [op, operand] : kSteps) {
    const int maker = makers[static_cast<size_t>(id)];
    if (maker < 0 || rounded.nodes[static_cast<size_t>(maker)].op != op) return kNoValue;
    id = rounded.nodes[static_cast<size_t>(maker)].inputs[operand];
  }
  return rounded.type(id) == rounded.type(value) ? id : kNoValue;
}

// Values keep their names when rounding is put in: "y" is then what is rounded.
std::vector<Place> places(const Graph& exact, const Graph& rounded) {
  const auto names = by_name(rounded);
  const std::vector<int> makers = producers(rounded);
  const auto named = [&](const std::string& name) {
    const auto found = names.find(name);
    return found == names.end() ? kNoValue : found->second;
  };
  std::vector<Place> result;
  for (size_t i = 0; i < exact.nodes.size(); ++i) {
    const std::vector<ValueId>& outputs = exact.nodes[i].outputs;
    for (size_t k = 0; k < outputs.size(); ++k) {
      const Value& value = exact.value(outputs[k]);
      const ValueId computed = named(value.name);
      if (value.type.dtype != DType::f32 || computed == kNoValue || rounded.type(computed) != value.type) continue;
      result.push_back({static_cast<int>(i), k, outputs[k], computed, unrounded(rounded, makers, computed)});
    }
  }
  return result;
}

}  // namespace

void observe(const LoweredGraph& lowered, const Graph& rounded, const std::vector<Tensor>& inputs, const Backend& backend, size_t most_bytes, const std::function<void(const Observed&)>& visit) {
  const std::vector<Place> all = places(lowered.graph, rounded);
  for (size_t from = 0, to = 0; from < all.size(); from = to) {
    std::vector<ValueId> exact, chip;
    size_t bytes = 0;
    for (; to < all.size() && (to == from || bytes < most_bytes); ++to) {
      bytes += 3 * sizeof(float) * static_cast<size_t>(element_count(lowered.graph.type(all[to].exact).shape));
      exact.push_back(all[to].exact);
      chip.push_back(all[to].computed);
      if (all[to].before != kNoValue) chip.push_back(all[to].before);
    }
    const std::vector<Tensor> expected = run_graph(lowered.graph, exact, inputs, backend), computed = run_graph(rounded, chip, inputs, backend);
    for (size_t i = from, at = 0; i < to; ++i) {
      const Tensor* const value = &computed[at++];
      visit({all[i].node, all[i].output, &expected[i - from], value, all[i].before == kNoValue ? nullptr : &computed[at++]});
    }
  }
}

}  // namespace ropeway
