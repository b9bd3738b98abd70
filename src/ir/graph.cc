#include "ir/graph.h"

#include <algorithm>
#include <unordered_set>

#include "base/text.h"

namespace ropeway {
namespace {

constexpr const char* kOpNames[] = {
#define ROPEWAY_OP(name, params, inputs, outputs) #name,
#include "ir/ops.def"
#undef ROPEWAY_OP
};

}  // namespace

const char* name(Op op) { return kOpNames[static_cast<size_t>(op)]; }

std::optional<Op> op_named(std::string_view name) {
  for (size_t i = 0; i < std::size(kOpNames); ++i) {
    if (name == kOpNames[i]) return static_cast<Op>(i);
  }
  return std::nullopt;
}

const std::vector<Op>& all_ops() {
  static const std::vector<Op> ops = {
#define ROPEWAY_OP(name, params, inputs, outputs) Op::name,
#include "ir/ops.def"
#undef ROPEWAY_OP
  };
  return ops;
}

Params default_params(Op op) {
  switch (op) {
#define ROPEWAY_OP(name, params, inputs, outputs) \
  case Op::name: return params{};
#include "ir/ops.def"
#undef ROPEWAY_OP
  }
  return NoParams{};
}

const std::string& Origin::module_path() const {
  static const std::string root;
  return modules.empty() ? root : modules.back().path;
}

std::string to_string(const Origin& origin) {
  const std::string& path = origin.module_path();
  if (path.empty()) return origin.node;
  return origin.node.empty() || origin.node == path ? path : fmt::format("{} ({})", path, origin.node);
}

ValueId Graph::add_value(std::string wanted, TensorType type) {
  // Linear in the number of values only for a name that is taken; models have few of those.
  const auto taken = [this](const std::string& candidate) {
    return std::any_of(values.begin(), values.end(), [&](const Value& value) { return value.name == candidate; });
  };
  std::string unique = wanted;
  for (int i = 1; taken(unique); ++i) unique = fmt::format("{}_{}", wanted, i);
  values.push_back({std::move(unique), std::move(type), std::nullopt});
  return static_cast<ValueId>(values.size() - 1);
}

ValueId Graph::add_constant(std::string wanted, Tensor tensor) {
  const ValueId id = add_value(std::move(wanted), tensor.type());
  value(id).constant = std::move(tensor);
  return id;
}

std::vector<int> producers(const Graph& graph) {
  std::vector<int> result(graph.values.size(), -1);
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    for (const ValueId output : graph.nodes[i].outputs) result[static_cast<size_t>(output)] = static_cast<int>(i);
  }
  return result;
}

std::vector<int> use_counts(const Graph& graph) {
  std::vector<int> result(graph.values.size(), 0);
  for (const Node& node : graph.nodes) {
    for (const ValueId input : node.inputs) {
      if (input != kNoValue) ++result[static_cast<size_t>(input)];
    }
  }
  for (const ValueId output : graph.outputs) ++result[static_cast<size_t>(output)];
  return result;
}

void replace_uses(Graph& graph, ValueId from, ValueId to) {
  for (Node& node : graph.nodes) std::replace(node.inputs.begin(), node.inputs.end(), from, to);
  std::replace(graph.outputs.begin(), graph.outputs.end(), from, to);
}

Graph compact(const Graph& graph) {
  Graph result{graph.name, graph.source, {}, {}, {}, {}};
  std::vector<ValueId> renumbered(graph.values.size(), kNoValue);
  const auto keep = [&](ValueId id) {
    if (id == kNoValue) return kNoValue;
    ValueId& to = renumbered[static_cast<size_t>(id)];
    if (to == kNoValue) {
      to = static_cast<ValueId>(result.values.size());
      result.values.push_back(graph.value(id));
    }
    return to;
  };
  for (const ValueId id : graph.inputs) result.inputs.push_back(keep(id));
  for (const Node& node : graph.nodes) {
    Node copy = node;
    for (ValueId& id : copy.inputs) id = keep(id);
    for (ValueId& id : copy.outputs) id = keep(id);
    result.nodes.push_back(std::move(copy));
  }
  for (const ValueId id : graph.outputs) result.outputs.push_back(keep(id));
  return result;
}

}  // namespace ropeway
