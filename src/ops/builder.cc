#include "ops/builder.h"

#include <algorithm>

#include "base/text.h"
#include "ops/operator.h"

namespace ropeway {
namespace {

constexpr size_t kMostDimensions = 32;
constexpr size_t kMostConstantBytes = size_t{4} << 30;  // that a file of a few bytes may make us compute
constexpr size_t kFoldAtOnce = 4096;                    // bytes: shapes and their like
constexpr int kDeepestChain = 256;                      // of constants computed from each other before they are folded
constexpr int kDependsOnInputs = -1;                    // or on random numbers

// `wanted`, or wanted_1, wanted_2 … when that is in `names`, to which it is added with the last number tried.
std::string unused(std::unordered_map<std::string, int>& names, const std::string& wanted) {
  const auto [at, is_new] = names.emplace(wanted, 0);
  if (is_new) return wanted;
  int& number = at->second;  // stays where it is when the map grows
  std::string name;
  do name = fmt::format("{}_{}", wanted, ++number);
  while (!names.emplace(name, 0).second);
  return name;
}

// A value that has the name already takes the other's.
void rename(Graph& graph, ValueId id, const std::string& name) {
  if (graph.value(id).name == name) return;
  const auto holder = std::find_if(graph.values.begin(), graph.values.end(), [&](const Value& value) { return value.name == name; });
  if (holder != graph.values.end()) std::swap(holder->name, graph.value(id).name);
  graph.value(id).name = name;
}

}  // namespace

GraphBuilder::GraphBuilder(std::string name, std::string source) {
  graph_.name = std::move(name);
  graph_.source = std::move(source);
}

// As Graph::add_value, without its search of all values.
ValueId GraphBuilder::add_value(std::string name, TensorType type, int producer, int depth) {
  graph_.values.push_back({unused(names_, name), std::move(type), std::nullopt});
  producer_.push_back(producer);
  depth_.push_back(depth);
  return static_cast<ValueId>(graph_.values.size() - 1);
}

ValueId GraphBuilder::input(const std::string& name, TensorType type) {
  const ValueId id = add_value(name, std::move(type), -1, kDependsOnInputs);
  graph_.inputs.push_back(id);
  callers_name_[id] = unused(callers_names_, graph_.value(id).name);
  return id;
}

ValueId GraphBuilder::constant(const std::string& name, Tensor tensor) {
  const ValueId id = add_value(name, tensor.type(), -1, 0);
  graph_.value(id).constant = std::move(tensor);
  return id;
}

std::vector<ValueId> GraphBuilder::add(Op op, Params params, std::vector<ValueId> inputs, std::string name, const Origin& origin) {
  while (!inputs.empty() && inputs.back() == kNoValue) inputs.pop_back();
  std::vector<const TensorType*> types;
  int depth = is_random(op, params) ? kDependsOnInputs : 0;
  for (const ValueId id : inputs) {
    types.push_back(id == kNoValue ? nullptr : &graph_.type(id));
    if (id == kNoValue || depth == kDependsOnInputs) continue;
    depth = depth_[static_cast<size_t>(id)] == kDependsOnInputs ? kDependsOnInputs : std::max(depth, depth_[static_cast<size_t>(id)]);
  }
  const std::vector<TensorType> results = infer(op, params, types);
  for (const TensorType& type : results) {
    if (type.shape.size() > kMostDimensions) fail(ErrorCode::unsupported, "a result with {} dimensions; {} are the most", type.shape.size(), kMostDimensions);
  }
  Node node{op, std::move(params), std::move(inputs), {}, origin};
  for (size_t i = 0; i < results.size(); ++i) {
    node.outputs.push_back(add_value(i == 0 ? name : fmt::format("{}.{}", name, i), results[i], static_cast<int>(graph_.nodes.size()), depth == kDependsOnInputs ? depth : depth + 1));
  }
  std::vector<ValueId> outputs = node.outputs;
  graph_.nodes.push_back(std::move(node));
  if (depth != kDependsOnInputs) account_constants(outputs);
  return outputs;
}

// Small results are folded at once, and long chains now and then, so that `known` never goes deep.
void GraphBuilder::account_constants(const std::vector<ValueId>& ids) {
  for (const ValueId id : ids) {
    const TensorType& type = graph_.type(id);
    const double bytes = static_cast<double>(element_count(type.shape)) * static_cast<double>(size_of(type.dtype));
    account(bytes);
    if (bytes <= kFoldAtOnce || depth_[static_cast<size_t>(id)] > kDeepestChain) known(id);
  }
}

void GraphBuilder::account(double bytes) {
  if (bytes > static_cast<double>(kMostConstantBytes - constant_bytes_)) {
    fail(ErrorCode::unsupported, "constants that the model computes from others take more than {}", readable_bytes(static_cast<double>(kMostConstantBytes)));
  }
  constant_bytes_ += static_cast<size_t>(bytes);
}

const Node* GraphBuilder::producer(ValueId id) const {
  const int index = producer_[static_cast<size_t>(id)];
  return index < 0 ? nullptr : &graph_.nodes[static_cast<size_t>(index)];
}

ValueId GraphBuilder::add1(Op op, Params params, std::vector<ValueId> inputs, std::string name, const Origin& origin) {
  return add(op, std::move(params), std::move(inputs), std::move(name), origin).front();
}

void GraphBuilder::output(ValueId id) { output(id, graph_.value(id).name); }

void GraphBuilder::output(ValueId id, const std::string& wanted) {
  const auto known = callers_name_.find(id);
  const bool as_input = known != callers_name_.end() && known->second == wanted && delivered_.insert(id).second;
  std::string name = wanted;
  if (!as_input) {
    name = unused(callers_names_, wanted);
    if (known != callers_name_.end()) id = add1(Op::Identity, NoParams{}, {id}, name);
    callers_name_[id] = name;
    delivered_.insert(id);
  }
  graph_.outputs.push_back(id);
  output_names_.push_back(std::move(name));
}

std::optional<Tensor> GraphBuilder::known(ValueId id) {
  if (depth_[static_cast<size_t>(id)] == kDependsOnInputs) return std::nullopt;
  if (graph_.value(id).constant) return graph_.value(id).constant;
  const Node& node = *producer(id);
  std::vector<std::optional<Tensor>> inputs;
  std::vector<const Tensor*> arguments;
  for (const ValueId input : node.inputs) inputs.push_back(input == kNoValue ? std::nullopt : known(input));
  for (const auto& input : inputs) arguments.push_back(input ? &*input : nullptr);
  const std::vector<Tensor> results = evaluate(node.op, node.params, arguments);
  for (size_t i = 0; i < results.size(); ++i) {
    // The node stays until `finish`; its outputs now stand on their own.
    graph_.value(node.outputs[i]).constant = results[i];
    depth_[static_cast<size_t>(node.outputs[i])] = 0;
  }
  return graph_.value(id).constant;
}

Graph GraphBuilder::finish() {
  std::vector<bool> wanted(graph_.values.size(), false);
  for (const ValueId id : graph_.outputs) wanted[static_cast<size_t>(id)] = true;
  std::vector<Node> kept;
  for (auto node = graph_.nodes.rbegin(); node != graph_.nodes.rend(); ++node) {
    const bool needed = std::any_of(node->outputs.begin(), node->outputs.end(), [&](ValueId id) { return wanted[static_cast<size_t>(id)] && !graph_.value(id).constant; });
    if (!needed) continue;
    for (const ValueId id : node->outputs) graph_.value(id).constant.reset();
    for (const ValueId id : node->inputs) {
      if (id != kNoValue) wanted[static_cast<size_t>(id)] = true;
    }
    kept.push_back(std::move(*node));
  }
  std::reverse(kept.begin(), kept.end());
  graph_.nodes = std::move(kept);
  Graph result = compact(graph_);
  for (size_t i = 0; i < result.outputs.size(); ++i) rename(result, result.outputs[i], output_names_[i]);
  return result;
}

}  // namespace ropeway
