#include "formats/onnx/writer.h"

#include <protozero/pbf_writer.hpp>

#include <algorithm>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "base/text.h"
#include "formats/onnx/node_writer.h"
#include "formats/onnx/tensors.h"

namespace ropeway {
namespace {

// Field numbers of onnx.proto.
enum : protozero::pbf_tag_type { kIrVersion = 1, kProducerName = 2, kGraph = 7, kOpsetImport = 8 };
enum : protozero::pbf_tag_type { kDomain = 1, kVersion = 2 };
enum : protozero::pbf_tag_type { kGraphNode = 1, kGraphName = 2, kGraphInitialiser = 5, kGraphInput = 11, kGraphOutput = 12 };
enum : protozero::pbf_tag_type { kDims = 1, kDataType = 2, kTensorName = 8, kRawData = 9 };
enum : protozero::pbf_tag_type { kInfoName = 1, kInfoType = 2, kTensorType = 1, kElemType = 1, kShape = 2, kDim = 1, kDimValue = 1 };

constexpr int64_t kWrittenIrVersion = 8;  // the one that opset 17 came with
constexpr size_t kLargestFile = (size_t{1} << 31) - 1;
constexpr size_t kOverhead = 256;  // of a tensor's or node's bytes beside its data, at most, names apart

std::string value_info(const std::string& name, const TensorType& type) {
  std::string shape_bytes;
  protozero::pbf_writer shape(shape_bytes);
  for (const int64_t size : type.shape) {
    std::string dim_bytes;
    protozero::pbf_writer(dim_bytes).add_int64(kDimValue, size);
    shape.add_message(kDim, dim_bytes);
  }
  std::string tensor_bytes, type_bytes, info_bytes;
  protozero::pbf_writer tensor(tensor_bytes);
  tensor.add_int64(kElemType, onnx::data_type_of(type.dtype));
  tensor.add_message(kShape, shape_bytes);
  protozero::pbf_writer(type_bytes).add_message(kTensorType, tensor_bytes);
  protozero::pbf_writer info(info_bytes);
  info.add_string(kInfoName, name);
  info.add_message(kInfoType, type_bytes);
  return info_bytes;
}

// Names of nodes in a file, each once.
class NodeNames {
 public:
  std::string next(const Node& node) {
    const std::string& path = node.origin.module_path();
    std::string wanted = path.empty() || node.origin.node == path || node.origin.node.starts_with(path + "/") ? node.origin.node : node.origin.node.empty() ? path : path + "/" + node.origin.node;
    if (wanted.empty()) wanted = name(node.op);
    std::string unique_name = wanted;
    for (int& i = next_[wanted]; !taken_.insert(unique_name).second;) unique_name = fmt::format("{}_{}", wanted, ++i);
    return unique_name;
  }

 private:
  std::unordered_set<std::string> taken_;
  std::unordered_map<std::string, int> next_;
};

class GraphWriter final : public onnx::Names {
 public:
  explicit GraphWriter(const Graph& graph) : graph_(graph) {
    for (const Value& value : graph.values) taken_.insert(value.name);
  }

  std::string run() {
    check_size();
    std::string model_bytes;
    model_bytes.reserve(static_cast<size_t>(constant_bytes_) + (size_t{1} << 16));
    protozero::pbf_writer model(model_bytes);
    model.add_int64(kIrVersion, kWrittenIrVersion);
    model.add_string(kProducerName, "ropeway");
    std::string opset_bytes;
    protozero::pbf_writer opset(opset_bytes);
    opset.add_string(kDomain, "");
    opset.add_int64(kVersion, kWrittenOpset);
    model.add_message(kOpsetImport, opset_bytes);
    {
      protozero::pbf_writer graph(model, kGraph);  // in place: weights are copied once
      write_graph(graph);
    }
    if (model_bytes.size() > kLargestFile) too_large();
    return model_bytes;
  }

  const std::string& value(ValueId id) const override { return graph_.value(id).name; }

  std::string initialiser(const Tensor& tensor) override {
    std::string name = unique("parameter");
    extra_.emplace_back(name, tensor);
    return name;
  }

 private:
  [[noreturn]] void too_large() const {
    fail(ErrorCode::unsupported, "{} has {} of weights, but an ONNX file holds less than 2 GB: compile a smaller part of it", graph_.name, readable_bytes(constant_bytes_));
  }

  void check_size() {
    for (const Value& each : graph_.values) {
      if (each.constant) constant_bytes_ += static_cast<double>(each.constant->bytes() + kOverhead);
    }
    if (constant_bytes_ > static_cast<double>(kLargestFile)) too_large();
  }

  std::string unique(const std::string& wanted) {
    std::string name = wanted;
    for (int& i = next_[wanted]; !taken_.insert(name).second;) name = fmt::format("{}_{}", wanted, ++i);
    return name;
  }

  void write_graph(protozero::pbf_writer& graph) {
    for (const Node& node : graph_.nodes) graph.add_message(kGraphNode, onnx::write_node(graph_, node, node_names_.next(node), *this));
    write_outputs(graph);
    graph.add_string(kGraphName, graph_.name.empty() ? "model" : graph_.name);
    for (const Value& each : graph_.values) {
      if (each.constant) write_tensor(graph, each.name, *each.constant);
    }
    for (const auto& [name, tensor] : extra_) write_tensor(graph, name, tensor);
    for (const ValueId id : graph_.inputs) graph.add_message(kGraphInput, value_info(value(id), graph_.type(id)));
  }

  // In ONNX every output is a node's, and has a name of its own: an input, a constant or an output that is delivered again goes through an Identity.
  void write_outputs(protozero::pbf_writer& graph) {
    const std::vector<int> producer = producers(graph_);
    std::set<ValueId> delivered;
    for (const ValueId id : graph_.outputs) {
      std::string name = value(id);
      if (producer[static_cast<size_t>(id)] < 0 || !delivered.insert(id).second) {
        name = unique(name);
        Node copy{Op::Identity, NoParams{}, {id}, {}, {}};
        std::string bytes = onnx::write_node(graph_, copy, node_names_.next(copy), *this);
        protozero::pbf_writer(bytes).add_string(2, name);  // NodeProto.output
        graph.add_message(kGraphNode, bytes);
      }
      graph.add_message(kGraphOutput, value_info(name, graph_.type(id)));
    }
  }

  static void write_tensor(protozero::pbf_writer& graph, const std::string& name, const Tensor& tensor) {
    protozero::pbf_writer proto(graph, kGraphInitialiser);
    for (const int64_t size : tensor.shape()) proto.add_int64(kDims, size);
    proto.add_int64(kDataType, onnx::data_type_of(tensor.dtype()));
    proto.add_string(kTensorName, name);
    proto.add_bytes(kRawData, reinterpret_cast<const char*>(tensor.raw()), tensor.bytes());
  }

  const Graph& graph_;
  double constant_bytes_ = 0;
  NodeNames node_names_;
  std::unordered_set<std::string> taken_;
  std::unordered_map<std::string, int> next_;
  std::vector<std::pair<std::string, Tensor>> extra_;  // parameters that ONNX takes as inputs
};

}  // namespace

std::vector<std::string> onnx_node_names(const Graph& graph) {
  NodeNames names;
  std::vector<std::string> result;
  for (const Node& node : graph.nodes) result.push_back(names.next(node));
  return result;
}

std::string write_onnx(const Graph& graph) { return GraphWriter(graph).run(); }

}  // namespace ropeway
