#include "virtual_npu/atc/operators.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <unordered_map>

#include "base/text.h"
#include "formats/onnx/importer.h"
#include "ops/operator.h"

namespace ropeway::virtual_npu {
namespace {

bool is_onnx_domain(std::string_view domain) { return domain.empty() || domain == "ai.onnx"; }

// Every node, those of branches too.
void for_each_node(const onnx::GraphProto& graph, const std::function<void(const onnx::NodeProto&, size_t)>& visit) {
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    visit(graph.nodes[i], i);
    for (const onnx::AttributeProto& attribute : graph.nodes[i].attributes) {
      if (attribute.g) for_each_node(*attribute.g, visit);
    }
  }
}

std::string no_parser(const std::string& name, const onnx::NodeProto& node, int64_t opset) {
  return fmt::format("E19010: No parser is registered for Op [{}, optype [{}::{}::{}]].", name, is_onnx_domain(node.domain) ? "ai.onnx" : node.domain, opset, node.op_type);
}

int64_t declared_opset(const onnx::ModelProto& model, std::string_view domain) {
  for (const auto& [name, version] : model.opsets) {
    if (name == domain || (is_onnx_domain(name) && is_onnx_domain(domain))) return version;
  }
  return 0;
}

// The node of the graph that computes what the file's does: a reader may put casts and shapes around it.
const Node& main_node(const Graph& graph, const std::vector<const Node*>& nodes, std::string_view expected) {
  const auto found = std::ranges::find_if(nodes, [&](const Node* node) { return chip::ge_operator(graph, *node) == expected; });
  return **(found == nodes.end() ? nodes.begin() : found);
}

bool makes_f64(const Graph& graph, const Node& node) {
  return std::ranges::any_of(node.outputs, [&](ValueId id) { return graph.type(id).dtype == DType::f64; });
}

// What becomes of a node of the file. A float64 result needs an operator that lists it.
chip::Verdict judge(std::string_view op_type, int64_t opset, const Graph& graph, const std::vector<const Node*>& nodes, chip::PrecisionMode mode, chip::CannVersion version) {
  const TensorType& first = graph.type(nodes[0]->outputs[0]);
  const Node& node = main_node(graph, nodes, chip::verdict(op_type, opset, first, mode, version).ge_operator);
  const ValueId data = chip::data_input(node);
  chip::Verdict result = chip::verdict(op_type, opset, graph.type(data == kNoValue ? node.outputs[0] : data), mode, version);
  if (result.engine == chip::Engine::none || !std::ranges::any_of(nodes, [&](const Node* each) { return makes_f64(graph, *each); })) return result;
  const chip::GeOperator* const listed = chip::find_ge_operator(result.ge_operator);
  if (listed != nullptr && std::ranges::count(listed->core_dtypes, DType::f64) > 0) return result;
  return {chip::Engine::none, result.ge_operator, std::nullopt, "its result is float64, which the chip computes nothing in: export the model after .float()"};
}

// Names of values that a node, of branches too, or the graph's outputs read.
std::set<std::string_view> read_names(const onnx::GraphProto& graph) {
  std::set<std::string_view> names;
  const auto add_outputs = [&](const onnx::GraphProto& each) {
    for (const onnx::ValueInfoProto& output : each.outputs) names.insert(output.name);
  };
  add_outputs(graph);
  for_each_node(graph, [&](const onnx::NodeProto& node, size_t) {
    names.insert(node.inputs.begin(), node.inputs.end());
    for (const onnx::AttributeProto& attribute : node.attributes) {
      if (attribute.g) add_outputs(*attribute.g);
    }
  });
  return names;
}

}  // namespace

int64_t checked_opset(const onnx::ModelProto& model) {
  const int64_t opset = declared_opset(model, "");
  if (opset <= 0) fail(ErrorCode::invalid_model, "no opset is declared for the domain ai.onnx");
  const std::string range = fmt::format("By its manual CANN's atc reads opset {} to {}: export the model again, torch.onnx.export takes opset_version", chip::kOldestOpset, chip::kNewestOpset);
  if (opset < chip::kOldestOpset) fail(ErrorCode::unsupported, "the model is of opset {}. {}", opset, range);
  if (opset > chip::kNewestOpset && !model.graph->nodes.empty()) fail(ErrorCode::unsupported, "{}\n{}", no_parser(onnx::node_name(model.graph->nodes[0], 0), model.graph->nodes[0], opset), range);
  return opset;
}

void check_parsers(const onnx::GraphProto& graph, int64_t opset) {
  std::vector<std::string> missing;
  for_each_node(graph, [&](const onnx::NodeProto& node, size_t index) {
    if (!is_onnx_domain(node.domain) || !chip::has_parser(node.op_type, opset)) missing.push_back(no_parser(onnx::node_name(node, index), node, opset));
  });
  if (!missing.empty()) fail(ErrorCode::unsupported, "{}", fmt::join(missing, "\n"));
}

void check_max_pools(const onnx::GraphProto& graph, chip::CannVersion version) {
  constexpr std::string_view kOperator = "MaxPoolWithArgmaxV1";
  const std::string_view why = chip::why_lacking(version, kOperator);
  if (why.empty()) return;
  const std::set<std::string_view> read = read_names(graph);
  for_each_node(graph, [&](const onnx::NodeProto& node, size_t index) {
    if (node.op_type != "MaxPool" || node.outputs.size() < 2 || node.outputs[1].empty() || !read.contains(node.outputs[1])) return;
    fail(ErrorCode::unsupported, "EZ3003: No supported Ops kernel and engine are found for [{}], optype [{}].\n        Reason: {}. That a MaxPool whose indices are read becomes this operator is assumed.\n"
         "The Inner error is reported as above. The process exits for this inner error, and the current working operator name is {}.", onnx::node_name(node, index), kOperator, why, kOperator);
  });
}

void check_dropouts(const Graph& graph, chip::CannVersion version) {
  constexpr std::string_view kOperator = "DropOutDoMask";
  const std::string_view why = chip::why_lacking(version, kOperator);
  for (const Node& node : graph.nodes) {
    if (!is_random(node.op, node.params)) continue;
    if (why.empty()) fail(ErrorCode::unsupported, "Dropout in training mode at {}: this atc draws no random numbers. {}", to_string(node.origin), kOwnLimit);
    fail(ErrorCode::unsupported, "E40021: Failed to compile Op [{}]. (oppath: [Compile opp/built-in/op_impl/ai_core/tbe/impl/drop_out_do_mask.py failed], node [{}])\n"
         "        Reason: {}. That a Dropout in training mode becomes this operator is assumed.", kOperator, node.origin.node, why);
  }
}

void check_indices(const Graph& graph) {
  for (const Node& node : graph.nodes) {
    if (node.op == Op::MaxPoolIndices) fail(ErrorCode::unsupported, "the indices of the MaxPool at {}: this atc has no operator for them. {}", to_string(node.origin), kOwnLimit);
  }
}

void check_engines(const onnx::GraphProto& file, int64_t opset, const Graph& graph, chip::PrecisionMode mode, chip::CannVersion version, std::vector<std::string>& warnings) {
  std::unordered_map<std::string_view, std::vector<const Node*>> nodes;  // of the graph, by the name of the file's node that they come from
  for (const Node& node : graph.nodes) nodes[node.origin.node].push_back(&node);
  std::vector<std::string> refused;
  std::map<std::string, int> unknown;
  for_each_node(file, [&](const onnx::NodeProto& node, size_t index) {
    const std::string name = onnx::node_name(node, index);
    const auto found = nodes.find(name);
    if (found == nodes.end()) return;
    const chip::Verdict verdict = judge(node.op_type, opset, graph, found->second, mode, version);
    const std::string ge = verdict.ge_operator.empty() ? std::string(node.op_type) : verdict.ge_operator;
    if (verdict.engine == chip::Engine::none) refused.push_back(fmt::format("EZ3003: No supported Ops kernel and engine are found for [{}], optype [{}].\n        Reason: {}.", name, ge, verdict.why));
    for (const Node* each : found->second) {
      if (const std::string why = chip::beyond_limits(graph, *each); !why.empty()) refused.push_back(fmt::format("E20001: Failed to compile Op [{}]. (optype: [{}])\n        Reason: {}.", name, ge, why));
    }
    if (verdict.engine == chip::Engine::unknown) ++unknown[fmt::format("whether CANN compiles {} is unknown: {}", node.op_type, verdict.why)];
  });
  if (!refused.empty()) fail(ErrorCode::unsupported, "{}", fmt::join(refused, "\n"));
  for (const auto& [text, count] : unknown) warnings.push_back(fmt::format("{} ({} node{})", text, count, count == 1 ? "" : "s"));
}

}  // namespace ropeway::virtual_npu
