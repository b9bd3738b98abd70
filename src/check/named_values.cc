#include "check/named_values.h"

#include <algorithm>
#include <functional>

#include "base/text.h"

namespace ropeway {
namespace {

// The last value that comes from nodes that belong together and is read elsewhere; kNoValue when there is none.
ValueId last_result(const Graph& graph, const std::function<bool(const Node&)>& belongs) {
  std::vector<bool> read_elsewhere(graph.values.size(), false);
  const auto mark = [&](ValueId id) {
    if (id != kNoValue) read_elsewhere[static_cast<size_t>(id)] = true;
  };
  std::for_each(graph.outputs.begin(), graph.outputs.end(), mark);
  for (const Node& node : graph.nodes) {
    if (!belongs(node)) std::for_each(node.inputs.begin(), node.inputs.end(), mark);
  }
  for (auto node = graph.nodes.rbegin(); node != graph.nodes.rend(); ++node) {
    if (!belongs(*node)) continue;
    for (const ValueId id : node->outputs) {
      if (read_elsewhere[static_cast<size_t>(id)]) return id;
    }
  }
  return kNoValue;
}

bool lies_in(const Node& node, const std::string& module) {
  return !module.empty() && std::any_of(node.origin.modules.begin(), node.origin.modules.end(), [&](const ModuleFrame& frame) { return frame.path == module; });
}

ValueId find_layer(const Graph& graph, const std::vector<int>& producer, const std::string& name) {
  for (size_t i = 0; i < graph.values.size(); ++i) {
    if (graph.values[i].name == name && producer[i] >= 0) return static_cast<ValueId>(i);
  }
  const ValueId of_node = last_result(graph, [&](const Node& node) { return node.origin.node == name; });
  return of_node != kNoValue ? of_node : last_result(graph, [&](const Node& node) { return lies_in(node, name); });
}

// The output that a name of NumPy's or of habit means, or -1.
int by_position(const Graph& graph, const std::string& name) {
  if (name == "output" && graph.outputs.size() == 1) return 0;
  for (size_t i = 0; i < graph.outputs.size(); ++i) {
    if (name == fmt::format("arr_{}", i)) return static_cast<int>(i);
  }
  return -1;
}

void check_shape(const Graph& graph, const NamedValue& found, const std::string& file) {
  if (found.tensor.shape() == graph.type(found.value).shape) return;
  fail(ErrorCode::invalid_argument, "{} in {} is {}, but {} of {} is {}: the reference must come from the same model, on inputs of the same shape", found.name, file, to_string(found.tensor.type()),
       graph.value(found.value).name, graph.name, to_string(graph.type(found.value)));
}

std::string names_of(const Graph& graph, const std::vector<ValueId>& ids) {
  std::vector<std::string> names;
  for (const ValueId id : ids) names.push_back(graph.value(id).name);
  return first_of(names);
}

}  // namespace

std::string first_of(const std::vector<std::string>& names) {
  constexpr size_t kShown = 10;
  if (names.size() <= kShown) return listed(names);
  std::vector<std::string> words(names.begin(), names.begin() + kShown);
  words.push_back(fmt::format("{} more", names.size() - kShown));
  return listed(words);
}

NamedValues match_names(const Graph& graph, const Npz& npz) {
  NamedValues result;
  result.file = npz.path().string();
  const std::vector<int> producer = producers(graph);
  for (const std::string& name : npz.names()) {
    const auto named = [&](ValueId id) { return graph.value(id).name == name; };
    const auto output = std::find_if(graph.outputs.begin(), graph.outputs.end(), named);
    int position = output == graph.outputs.end() ? -1 : static_cast<int>(output - graph.outputs.begin());
    if (position < 0 && std::any_of(graph.inputs.begin(), graph.inputs.end(), named)) continue;
    const ValueId layer = position < 0 ? find_layer(graph, producer, name) : kNoValue;
    if (position < 0 && layer == kNoValue) position = by_position(graph, name);
    if (position < 0 && layer == kNoValue) {
      result.unmatched.push_back(name);
      continue;
    }
    NamedValue found{name, static_cast<size_t>(std::max(position, 0)), position < 0 ? layer : graph.outputs[static_cast<size_t>(position)], npz.read(name)};
    check_shape(graph, found, result.file);
    (position < 0 ? result.layers : result.outputs).push_back(std::move(found));
  }
  if (result.outputs.empty() && result.layers.empty()) {
    fail(ErrorCode::invalid_argument, "no name in {} is one of {}'s: its outputs are {}; a value, a node or a module path may be named, too, but the file holds {}", result.file, graph.name, names_of(graph, graph.outputs),
         npz.names().empty() ? "nothing" : first_of(npz.names()));
  }
  std::stable_sort(result.outputs.begin(), result.outputs.end(), [](const NamedValue& a, const NamedValue& b) { return a.output < b.output; });
  std::stable_sort(result.layers.begin(), result.layers.end(), [&](const NamedValue& a, const NamedValue& b) { return producer[static_cast<size_t>(a.value)] < producer[static_cast<size_t>(b.value)]; });
  return result;
}

}  // namespace ropeway
