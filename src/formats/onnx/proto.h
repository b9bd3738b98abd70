// The messages of onnx.proto that the reader needs, as plain structs. Texts and bytes are views into the file's buffer, which must outlive them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ropeway::onnx {

using StringPairs = std::vector<std::pair<std::string_view, std::string_view>>;

// The value stored under `key`, or "".
std::string_view find(const StringPairs& pairs, std::string_view key);

struct TensorProto {
  std::string_view name;
  std::vector<int64_t> dims;
  int64_t data_type = 0;
  std::optional<std::string_view> raw_data;
  std::vector<float> float_data;
  std::vector<double> double_data;
  std::vector<int64_t> int32_data, int64_data;
  std::vector<uint64_t> uint64_data;
  StringPairs external_data;
  bool external = false;
  bool has_segment = false;
  bool has_strings = false;
};

struct GraphProto;

// Numbers as in AttributeProto.AttributeType.
enum class AttributeType : int64_t { undefined = 0, number = 1, integer = 2, string = 3, tensor = 4, graph = 5, numbers = 6, integers = 7, strings = 8 };

struct AttributeProto {
  std::string_view name;
  AttributeType type = AttributeType::undefined;
  bool is_reference = false;  // stands for an attribute of the enclosing function
  float f = 0;
  int64_t i = 0;
  std::string_view s;
  std::vector<float> floats;
  std::vector<int64_t> ints;
  std::vector<std::string_view> strings;
  std::optional<TensorProto> t;
  std::shared_ptr<const GraphProto> g;
};

struct NodeProto {
  std::vector<std::string_view> inputs, outputs;  // "" for one left out
  std::string_view name, op_type, domain;
  std::vector<AttributeProto> attributes;
  StringPairs metadata;
};

struct DimProto {
  std::optional<int64_t> value;
  std::string_view param;  // its symbol; may be empty
};

struct ValueInfoProto {
  std::string_view name;
  bool is_tensor = false;
  int64_t elem_type = 0;
  std::optional<std::vector<DimProto>> shape;  // nothing: not even the number of dimensions is known
};

struct GraphProto {
  std::string_view name;
  std::vector<NodeProto> nodes;
  std::vector<TensorProto> initializers;
  std::vector<ValueInfoProto> inputs, outputs;
  bool has_sparse_initializers = false;
};

struct ModelProto {
  int64_t ir_version = 0;
  std::vector<std::pair<std::string_view, int64_t>> opsets;  // domain, version
  std::vector<std::pair<std::string_view, std::string_view>> functions;  // domain, name
  std::optional<GraphProto> graph;
};

// Throws Error{invalid_model} when the bytes are no such message: cut short, of another wire type, nested too deep, too many nodes.
ModelProto parse_model(std::string_view bytes);

}  // namespace ropeway::onnx
