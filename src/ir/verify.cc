#include "ir/verify.h"

#include <unordered_set>

#include "base/text.h"

namespace ropeway {

void verify(const Graph& graph) {
  enum class State : uint8_t { unknown, ready };
  std::vector<State> state(graph.values.size(), State::unknown);
  const auto check_id = [&](ValueId id, const std::string& where) {
    ensure(id >= 0 && static_cast<size_t>(id) < graph.values.size(), "{}: value {} does not exist", where, id);
  };
  const auto define = [&](ValueId id, const std::string& where) {
    check_id(id, where);
    ensure(state[static_cast<size_t>(id)] == State::unknown, "{}: value {} has two producers", where, graph.value(id).name);
    state[static_cast<size_t>(id)] = State::ready;
  };

  std::unordered_set<std::string> names;
  for (size_t i = 0; i < graph.values.size(); ++i) {
    const Value& value = graph.values[i];
    ensure(names.insert(value.name).second, "two values are called {}", value.name);
    if (!value.constant) continue;
    ensure(value.constant->type() == value.type, "constant {} is {}, but its value says {}", value.name, to_string(value.constant->type()), to_string(value.type));
    define(static_cast<ValueId>(i), "constant");
  }
  for (const ValueId id : graph.inputs) define(id, "inputs of the graph");
  for (const Node& node : graph.nodes) {
    const std::string where = fmt::format("{} {}", name(node.op), to_string(node.origin));
    ensure(node.params.index() == default_params(node.op).index(), "{}: parameters of another operator", where);
    ensure(!node.outputs.empty(), "{}: no output", where);
    for (const ValueId id : node.inputs) {
      if (id == kNoValue) continue;
      check_id(id, where);
      ensure(state[static_cast<size_t>(id)] == State::ready, "{}: reads {} before it is computed", where, graph.value(id).name);
    }
    for (const ValueId id : node.outputs) define(id, where);
  }
  for (const ValueId id : graph.outputs) {
    check_id(id, "outputs of the graph");
    ensure(state[static_cast<size_t>(id)] == State::ready, "output {} is never computed", graph.value(id).name);
  }
}

}  // namespace ropeway
