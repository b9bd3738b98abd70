#include "formats/onnx/importer.h"

#include <algorithm>

#include "base/text.h"
#include "formats/missing.h"
#include "formats/onnx/operators.h"

namespace ropeway::onnx {
namespace {

bool is_onnx_domain(std::string_view domain) { return domain.empty() || domain == "ai.onnx"; }

// What a missing operator is called, and what to do about it.
std::string full_name(const ModelProto& model, const NodeProto& node) {
  const bool is_function = std::find(model.functions.begin(), model.functions.end(), std::pair(node.domain, node.op_type)) != model.functions.end();
  const std::string name = is_onnx_domain(node.domain) ? std::string(node.op_type) : fmt::format("{}::{}", node.domain, node.op_type);
  return is_function ? name + " (a function of the model: onnx.inliner.inline_local_functions replaces it by what it does)" : name;
}

}  // namespace

Importer::Importer(const ModelProto& model, int64_t opset, const std::filesystem::path& file, const ReadOptions& options)
    : model_(model), opset_(opset), file_(file.filename().string()), options_(options), builder_(file.stem().string(), file.string()), files_(file),
      modules_(*model.graph) {}

Graph Importer::run() {
  const GraphProto& graph = *model_.graph;
  if (graph.outputs.empty()) fail(ErrorCode::invalid_model, "{} has no outputs", file_);
  check_operators(graph);
  note_uses(graph);
  import_inputs();
  import_initializers(graph);
  import_nodes(graph);
  for (const ValueInfoProto& output : graph.outputs) builder_.output(value(output.name), std::string(output.name));
  return builder_.finish();
}

// Files of IR version 3 list the weights among the inputs; they are constants all the same.
void Importer::import_inputs() {
  std::unordered_set<std::string_view> weights;
  for (const TensorProto& weight : model_.graph->initializers) weights.insert(weight.name);
  std::vector<const ValueInfoProto*> inputs;
  for (const ValueInfoProto& input : model_.graph->inputs) {
    if (weights.count(input.name) == 0) inputs.push_back(&input);
  }
  inputs_ = bind_inputs(inputs, options_);
  for (size_t i = 0; i < inputs.size(); ++i) define(inputs[i]->name, builder_.input(std::string(inputs[i]->name), inputs_.types[i]));
}

void Importer::import_initializers(const GraphProto& graph) {
  if (graph.has_sparse_initializers) fail(ErrorCode::unsupported, "{} has sparse weights: store them dense", file_);
  for (const TensorProto& weight : graph.initializers) {
    try {
      define(weight.name, builder_.constant(std::string(weight.name), read_tensor(weight, files_)));
    } catch (Error& error) {
      error.add_note(fmt::format("while reading the weight {} of {}", weight.name, file_));
      throw;
    }
  }
}

void Importer::import_nodes(const GraphProto& graph) {
  for (size_t i = 0; i < graph.nodes.size(); ++i) import_node(graph.nodes[i], i);
}

void Importer::import_node(const NodeProto& node, size_t index) {
  const Origin origin = origin_of(node, index);
  try {
    const NodeImporter importer(*this, node, origin);
    const std::vector<ValueId> results = find_operator(node.op_type, opset_)->convert(importer);
    importer.check_complete();
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      if (node.outputs[i].empty()) continue;
      if (i < results.size()) {
        define(node.outputs[i], results[i]);
      } else if (used_.count(node.outputs[i]) > 0) {
        fail(ErrorCode::unsupported, "output {} of {}, '{}', is read, but only the first {} can be computed here", i, node.op_type, node.outputs[i], results.size());
      }
    }
  } catch (const Error& error) {
    rethrow(error, fmt::format("while importing {} node {} of {}", node.op_type, to_string(origin), file_));
  }
}

// Shapes that do not fit are the file's fault, unless the caller chose some of them.
void Importer::rethrow(const Error& error, const std::string& note) const {
  const bool fault_of_file = error.code() == ErrorCode::invalid_argument && !inputs_.by_caller && inputs_.assumed.empty();
  Error result(fault_of_file ? ErrorCode::invalid_model : error.code(), error.message());
  for (const std::string& each : error.notes()) result.add_note(each);
  result.add_note(note);
  if (error.code() == ErrorCode::invalid_argument && !inputs_.assumed.empty()) {
    result.add_note(fmt::format("symbolic dimensions taken as 1, because nothing settles them: {}. Give the shapes of the inputs to choose them", listed(inputs_.assumed)));
  }
  throw result;
}

std::string node_name(const NodeProto& node, size_t index) { return node.name.empty() ? fmt::format("{}_{}", node.op_type, index) : std::string(node.name); }

Origin Importer::origin_of(const NodeProto& node, size_t index) const {
  return {node_name(node, index), modules_.of(node)};
}

void Importer::check_operators(const GraphProto& graph) const {
  MissingOperators missing;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const NodeProto& node = graph.nodes[i];
    if (!is_onnx_domain(node.domain) || find_operator(node.op_type, opset_) == nullptr) missing.add(full_name(model_, node), origin_of(node, i));
  }
  missing.fail_if_any(fmt::format("{} (opset {})", file_, opset_), "Replace the modules they come from, or cut the model before them");
}

void Importer::note_uses(const GraphProto& graph) {
  for (const ValueInfoProto& output : graph.outputs) used_.insert(output.name);
  for (const NodeProto& node : graph.nodes) {
    used_.insert(node.inputs.begin(), node.inputs.end());
    for (const AttributeProto& attribute : node.attributes) {
      if (attribute.g) note_uses(*attribute.g);
    }
  }
}

void Importer::define(std::string_view name, ValueId id) {
  if (name.empty()) fail(ErrorCode::invalid_model, "a value without a name");
  if (!values_.emplace(name, id).second) fail(ErrorCode::invalid_model, "the value '{}' is defined twice", name);
  defined_.push_back(name);
}

ValueId Importer::value(std::string_view name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) fail(ErrorCode::invalid_model, "the value '{}' is read, but nothing before defines it: the nodes are out of order, in a cycle, or incomplete", name);
  return found->second;
}

std::vector<ValueId> Importer::inline_branch(const GraphProto& branch) {
  check_operators(branch);
  const size_t outer = defined_.size();
  import_initializers(branch);
  import_nodes(branch);
  std::vector<ValueId> results;
  for (const ValueInfoProto& output : branch.outputs) results.push_back(value(output.name));
  for (size_t i = outer; i < defined_.size(); ++i) values_.erase(defined_[i]);
  defined_.resize(outer);
  return results;
}

}  // namespace ropeway::onnx
