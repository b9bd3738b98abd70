#include "formats/onnx/proto.h"

#include <protozero/pbf_reader.hpp>

#include "base/text.h"

namespace ropeway::onnx {
namespace {

constexpr int kDeepest = 64;           // graphs in attributes of nodes of graphs …
constexpr size_t kMostNodes = 100'000;  // of one graph; the largest published models have some ten thousand

using Reader = protozero::pbf_reader;
using Wire = protozero::pbf_wire_type;

// protozero asserts the wire type, which is right for trusted files only.
void expect(const Reader& field, Wire type) {
  if (field.wire_type() != type) {
    fail(ErrorCode::invalid_model, "field {} has wire type {} where {} belongs: the file is damaged, or no ONNX model", field.tag(), static_cast<int>(field.wire_type()),
         static_cast<int>(type));
  }
}

std::string_view text(Reader& field) {
  expect(field, Wire::length_delimited);
  const auto view = field.get_view();
  return {view.data(), view.size()};
}

Reader nested(Reader& field) {
  expect(field, Wire::length_delimited);
  return field.get_message();
}

int64_t integer(Reader& field) {
  expect(field, Wire::varint);
  return field.get_int64();
}

float number(Reader& field) {
  expect(field, Wire::fixed32);
  return field.get_float();
}

// Repeated numbers come packed into one field, or as a field each: a reader must take both.
template <class T, class Range, class One>
void append(Reader& field, std::vector<T>& to, Wire single, Range packed, One one) {
  if (field.wire_type() == Wire::length_delimited) {
    for (const auto value : (field.*packed)()) to.push_back(static_cast<T>(value));
  } else {
    expect(field, single);
    to.push_back(static_cast<T>((field.*one)()));
  }
}

void append_ints(Reader& field, std::vector<int64_t>& to) { append(field, to, Wire::varint, &Reader::get_packed_int64, &Reader::get_int64); }
void append_floats(Reader& field, std::vector<float>& to) { append(field, to, Wire::fixed32, &Reader::get_packed_float, &Reader::get_float); }

std::pair<std::string_view, std::string_view> parse_pair(Reader message) {
  std::pair<std::string_view, std::string_view> result;
  while (message.next()) {
    switch (message.tag()) {
      case 1: result.first = text(message); break;
      case 2: result.second = text(message); break;
      default: message.skip();
    }
  }
  return result;
}

TensorProto parse_tensor(Reader message) {
  TensorProto result;
  while (message.next()) {
    switch (message.tag()) {
      case 1: append_ints(message, result.dims); break;
      case 2: result.data_type = integer(message); break;
      case 3: result.has_segment = true; message.skip(); break;
      case 4: append_floats(message, result.float_data); break;
      case 5: append_ints(message, result.int32_data); break;
      case 6: result.has_strings = true; message.skip(); break;
      case 7: append_ints(message, result.int64_data); break;
      case 8: result.name = text(message); break;
      case 9: result.raw_data = text(message); break;
      case 10: append(message, result.double_data, Wire::fixed64, &Reader::get_packed_double, &Reader::get_double); break;
      case 11: append(message, result.uint64_data, Wire::varint, &Reader::get_packed_uint64, &Reader::get_uint64); break;
      case 13: result.external_data.push_back(parse_pair(nested(message))); break;
      case 14: result.external = integer(message) == 1; break;
      default: message.skip();
    }
  }
  return result;
}

GraphProto parse_graph(Reader message, int depth);

// Files from before the `type` field was required say it by the field that is set.
AttributeType implied_type(const AttributeProto& attribute) {
  if (attribute.g) return AttributeType::graph;
  if (attribute.t) return AttributeType::tensor;
  if (!attribute.ints.empty()) return AttributeType::integers;
  if (!attribute.floats.empty()) return AttributeType::numbers;
  if (!attribute.strings.empty()) return AttributeType::strings;
  return AttributeType::undefined;
}

AttributeProto parse_attribute(Reader message, int depth) {
  AttributeProto result;
  while (message.next()) {
    switch (message.tag()) {
      case 1: result.name = text(message); break;
      case 2: result.f = number(message); break;
      case 3: result.i = integer(message); break;
      case 4: result.s = text(message); break;
      case 5: result.t = parse_tensor(nested(message)); break;
      case 6: result.g = std::make_shared<GraphProto>(parse_graph(nested(message), depth + 1)); break;
      case 7: append_floats(message, result.floats); break;
      case 8: append_ints(message, result.ints); break;
      case 9: result.strings.push_back(text(message)); break;
      case 20: result.type = static_cast<AttributeType>(integer(message)); break;
      case 21: result.is_reference = true; message.skip(); break;
      default: message.skip();
    }
  }
  if (result.type == AttributeType::undefined) result.type = implied_type(result);
  return result;
}

NodeProto parse_node(Reader message, int depth) {
  NodeProto result;
  while (message.next()) {
    switch (message.tag()) {
      case 1: result.inputs.push_back(text(message)); break;
      case 2: result.outputs.push_back(text(message)); break;
      case 3: result.name = text(message); break;
      case 4: result.op_type = text(message); break;
      case 5: result.attributes.push_back(parse_attribute(nested(message), depth)); break;
      case 7: result.domain = text(message); break;
      case 9: result.metadata.push_back(parse_pair(nested(message))); break;
      default: message.skip();
    }
  }
  return result;
}

DimProto parse_dim(Reader message) {
  DimProto result;
  while (message.next()) {
    switch (message.tag()) {
      case 1: result.value = integer(message); break;
      case 2: result.param = text(message); break;
      default: message.skip();
    }
  }
  return result;
}

std::vector<DimProto> parse_shape(Reader message) {
  std::vector<DimProto> result;
  while (message.next()) {
    if (message.tag() == 1) {
      result.push_back(parse_dim(nested(message)));
    } else {
      message.skip();
    }
  }
  return result;
}

void parse_type(Reader message, ValueInfoProto& result) {
  while (message.next()) {
    if (message.tag() != 1) {
      message.skip();  // a sequence, a map, an optional: `is_tensor` stays false
      continue;
    }
    result.is_tensor = true;
    Reader tensor = nested(message);
    while (tensor.next()) {
      switch (tensor.tag()) {
        case 1: result.elem_type = integer(tensor); break;
        case 2: result.shape = parse_shape(nested(tensor)); break;
        default: tensor.skip();
      }
    }
  }
}

ValueInfoProto parse_value_info(Reader message) {
  ValueInfoProto result;
  while (message.next()) {
    switch (message.tag()) {
      case 1: result.name = text(message); break;
      case 2: parse_type(nested(message), result); break;
      default: message.skip();
    }
  }
  return result;
}

GraphProto parse_graph(Reader message, int depth) {
  if (depth > kDeepest) fail(ErrorCode::invalid_model, "graphs are nested more than {} deep", kDeepest);
  GraphProto result;
  while (message.next()) {
    switch (message.tag()) {
      case 1: result.nodes.push_back(parse_node(nested(message), depth)); break;
      case 2: result.name = text(message); break;
      case 5: result.initializers.push_back(parse_tensor(nested(message))); break;
      case 11: result.inputs.push_back(parse_value_info(nested(message))); break;
      case 12: result.outputs.push_back(parse_value_info(nested(message))); break;
      case 15: result.has_sparse_initializers = true; message.skip(); break;
      default: message.skip();
    }
    if (result.nodes.size() > kMostNodes) fail(ErrorCode::invalid_model, "a graph has more than {} nodes", kMostNodes);
  }
  return result;
}

std::pair<std::string_view, int64_t> parse_opset(Reader message) {
  std::pair<std::string_view, int64_t> result;
  while (message.next()) {
    switch (message.tag()) {
      case 1: result.first = text(message); break;
      case 2: result.second = integer(message); break;
      default: message.skip();
    }
  }
  return result;
}

std::pair<std::string_view, std::string_view> parse_function_name(Reader message) {
  std::pair<std::string_view, std::string_view> result;
  while (message.next()) {
    switch (message.tag()) {
      case 1: result.second = text(message); break;
      case 10: result.first = text(message); break;
      default: message.skip();
    }
  }
  return result;
}

ModelProto parse(Reader message) {
  ModelProto result;
  while (message.next()) {
    switch (message.tag()) {
      case 1: result.ir_version = integer(message); break;
      case 7:
        if (result.graph) fail(ErrorCode::invalid_model, "the model has two graphs");
        result.graph = parse_graph(nested(message), 0);
        break;
      case 8: result.opsets.push_back(parse_opset(nested(message))); break;
      case 25: result.functions.push_back(parse_function_name(nested(message))); break;
      default: message.skip();
    }
  }
  return result;
}

}  // namespace

std::string_view find(const StringPairs& pairs, std::string_view key) {
  for (const auto& [name, value] : pairs) {
    if (name == key) return value;
  }
  return {};
}

ModelProto parse_model(std::string_view bytes) {
  try {
    return parse(Reader(bytes.data(), bytes.size()));
  } catch (const protozero::exception& error) {
    fail(ErrorCode::invalid_model, "no well-formed ONNX message ({}): the file is truncated or damaged", error.what());
  }
}

}  // namespace ropeway::onnx
