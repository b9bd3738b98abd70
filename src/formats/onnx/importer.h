// From the messages of an ONNX file to a Graph, node by node.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "formats/emitter.h"
#include "formats/formats.h"
#include "formats/onnx/inputs.h"
#include "formats/onnx/modules.h"
#include "formats/onnx/proto.h"
#include "formats/onnx/tensors.h"
#include "ropeway/error.h"

namespace ropeway::onnx {

// What a node is called: its name, or its type and place where it has none.
std::string node_name(const NodeProto& node, size_t index);

class Importer {
 public:
  Importer(const ModelProto& model, int64_t opset, const std::filesystem::path& file, const ReadOptions& options);
  Graph run();
  // Sizes that nothing settled, as "height of x": taken as 1. After run().
  const std::vector<std::string>& assumed_sizes() const { return inputs_.assumed; }

  // For NodeImporter:
  GraphBuilder& builder() { return builder_; }
  int64_t opset() const { return opset_; }
  ExternalFiles& files() { return files_; }
  bool is_read(std::string_view name) const { return used_.count(name) > 0; }       // by a node, or by whoever runs the graph
  ValueId value(std::string_view name) const;                                       // throws Error{invalid_model} for a name that is not defined yet
  std::vector<ValueId> inline_branch(const GraphProto& branch);                     // its outputs

 private:
  void import_inputs();
  void import_initializers(const GraphProto& graph);
  void import_nodes(const GraphProto& graph);
  void import_node(const NodeProto& node, size_t index);
  void check_operators(const GraphProto& graph) const;
  void define(std::string_view name, ValueId id);
  void note_uses(const GraphProto& graph);
  [[noreturn]] void rethrow(const Error& error, const std::string& note) const;
  Origin origin_of(const NodeProto& node, size_t index) const;

  const ModelProto& model_;
  const int64_t opset_;
  const std::string file_;
  const ReadOptions& options_;
  GraphBuilder builder_;
  ExternalFiles files_;
  ModulePaths modules_;
  BoundInputs inputs_;
  std::unordered_map<std::string_view, ValueId> values_;
  std::vector<std::string_view> defined_;         // keys of values_, in order: a branch's are taken back
  std::unordered_set<std::string_view> used_;     // names that a node or the graph's outputs read
};

// One node, as its converter sees it. Whatever the file may get wrong throws Error{invalid_model}.
class NodeImporter : public Emitter {
 public:
  NodeImporter(Importer& importer, const NodeProto& node, const Origin& origin);

  int64_t opset() const { return importer_.opset(); }

  // Inputs. Trailing ones may be missing, and "" stands for one left out.
  size_t input_count() const { return node_.inputs.size(); }
  bool has_input(size_t i) const;
  ValueId input(size_t i) const;                                                      // must be given
  ValueId optional_input(size_t i) const { return has_input(i) ? input(i) : kNoValue; }
  const TensorType& type(size_t i) const { return type_of(input(i)); }
  const Shape& shape(size_t i) const { return shape_of(input(i)); }
  int64_t rank(size_t i) const { return rank_of(input(i)); }
  // The elements of an input that must follow from constants; `what` it is, for the Error{unsupported} when it depends on the graph's inputs.
  Tensor constant(size_t i, const char* what) const;
  Ints ints(size_t i, const char* what) const;
  double scalar(size_t i, const char* what) const;

  // Attributes.
  bool has(const char* name) const { return attribute(name) != nullptr; }
  int64_t integer(const char* name, int64_t fallback) const;
  double number(const char* name, double fallback) const;
  std::string string(const char* name, const char* fallback) const;
  std::optional<Ints> integers(const char* name) const;
  std::optional<std::vector<float>> numbers(const char* name) const;
  std::optional<Tensor> tensor(const char* name) const;
  const GraphProto& graph(const char* name) const;
  void ignore(const char* name) const { attribute(name); }
  // Every field of a parameter struct from the attribute of that name; the struct's value where there is none.
  template <class P> P attributes(P params) const;

  // Refuses attributes and inputs that no call above asked for: to ignore one without a word may give wrong numbers.
  void check_complete() const;

  size_t output_count() const { return node_.outputs.size(); }
  bool reads_output(size_t i) const { return i < node_.outputs.size() && !node_.outputs[i].empty() && importer_.is_read(node_.outputs[i]); }  // somebody does

  std::vector<ValueId> inline_branch(const GraphProto& branch) const { return importer_.inline_branch(branch); }

 private:
  const AttributeProto* attribute(const char* name) const;
  const AttributeProto* attribute(const char* name, AttributeType type) const;

  void read(const char* name, int64_t& into) const { into = integer(name, into); }
  void read(const char* name, bool& into) const { into = integer(name, into) != 0; }
  void read(const char* name, double& into) const { into = number(name, into); }
  void read(const char* name, std::string& into) const { into = string(name, into.c_str()); }
  void read(const char* name, DType& into) const { if (has(name)) into = dtype_of(integer(name, 0)); }
  void read(const char* name, Ints& into) const { if (auto given = integers(name)) into = std::move(*given); }
  template <class E> std::enable_if_t<std::is_enum_v<E>> read(const char*, E&) const {}  // which function: the operator's name says it

  Importer& importer_;
  const NodeProto& node_;
  mutable std::set<std::string_view> asked_attributes_;
  mutable std::set<size_t> asked_inputs_;
};

template <class P>
P NodeImporter::attributes(P params) const {
  std::apply([&](const auto&... field) { (read(field.name, params.*field.member), ...); }, P::fields());
  return params;
}

}  // namespace ropeway::onnx
