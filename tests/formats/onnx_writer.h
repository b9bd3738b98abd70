// Writes small ONNX files for tests, right ones and wrong ones.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <functional>
#include <optional>
#include <protozero/pbf_writer.hpp>
#include <string>
#include <vector>

#include "base/file.h"
#include "formats/onnx/onnx.h"
#include "ir/verify.h"
#include "support/errors.h"

namespace ropeway::onnx_test {

using protozero::pbf_writer;
using Names = std::vector<std::string>;
using test::error_of;
using test::expect_error;
using test::TestFolder;

inline std::string tensor(const std::string& name, const Ints& dims, int32_t data_type, const std::string& raw) {
  std::string bytes;
  pbf_writer message(bytes);
  for (const int64_t dim : dims) message.add_int64(1, dim);
  message.add_int32(2, data_type);
  message.add_string(8, name);
  message.add_bytes(9, raw);
  return bytes;
}
inline std::string floats(const std::string& name, const Ints& dims, const std::vector<float>& values) {
  return tensor(name, dims, 1, std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)));
}
inline std::string ints(const std::string& name, const Ints& values) {
  return tensor(name, {std::ssize(values)}, 7, std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(int64_t)));
}
inline std::string int_scalar(const std::string& name, int64_t value) { return tensor(name, {}, 7, std::string(reinterpret_cast<const char*>(&value), sizeof(value))); }

inline std::string pair(const std::string& key, const std::string& value) {
  std::string bytes;
  pbf_writer message(bytes);
  message.add_string(1, key);
  message.add_string(2, value);
  return bytes;
}

inline std::string external(const std::string& name, const Ints& dims, const std::vector<std::pair<std::string, std::string>>& entries) {
  std::string bytes;
  pbf_writer message(bytes);
  for (const int64_t dim : dims) message.add_int64(1, dim);
  message.add_int32(2, 1);
  message.add_string(8, name);
  for (const auto& [key, value] : entries) message.add_message(13, pair(key, value));
  message.add_int32(14, 1);
  return bytes;
}

// Attributes, by the number of their field and type.
inline std::string attribute(const std::string& name, int type, const std::function<void(pbf_writer&)>& value) {
  std::string bytes;
  pbf_writer message(bytes);
  message.add_string(1, name);
  value(message);
  message.add_int32(20, type);
  return bytes;
}
inline std::string number(const std::string& name, float value) { return attribute(name, 1, [&](pbf_writer& m) { m.add_float(2, value); }); }
inline std::string integer(const std::string& name, int64_t value) { return attribute(name, 2, [&](pbf_writer& m) { m.add_int64(3, value); }); }
inline std::string text(const std::string& name, const std::string& value) { return attribute(name, 3, [&](pbf_writer& m) { m.add_bytes(4, value); }); }
inline std::string tensor_of(const std::string& name, const std::string& value) { return attribute(name, 4, [&](pbf_writer& m) { m.add_message(5, value); }); }
inline std::string graph_of(const std::string& name, const std::string& value) { return attribute(name, 5, [&](pbf_writer& m) { m.add_message(6, value); }); }
inline std::string numbers(const std::string& name, const std::vector<float>& values) {
  return attribute(name, 6, [&](pbf_writer& m) { for (const float v : values) m.add_float(7, v); });
}
inline std::string integers(const std::string& name, const Ints& values) {
  return attribute(name, 7, [&](pbf_writer& m) { for (const int64_t v : values) m.add_int64(8, v); });
}

struct NodeExtras {
  std::string name, domain;
  std::vector<std::pair<std::string, std::string>> metadata;
};
inline std::string node(const std::string& op_type, const Names& inputs, const Names& outputs, const std::vector<std::string>& attributes = {}, const NodeExtras& extras = {}) {
  std::string bytes;
  pbf_writer message(bytes);
  for (const std::string& input : inputs) message.add_string(1, input);
  for (const std::string& output : outputs) message.add_string(2, output);
  if (!extras.name.empty()) message.add_string(3, extras.name);
  message.add_string(4, op_type);
  for (const std::string& each : attributes) message.add_message(5, each);
  if (!extras.domain.empty()) message.add_string(7, extras.domain);
  for (const auto& [key, value] : extras.metadata) message.add_message(9, pair(key, value));
  return bytes;
}

// A dimension: a number, or a symbol when it begins with a letter; "" has neither.
inline std::string value_info(const std::string& name, const std::optional<Names>& dims, int32_t elem_type = 1) {
  std::string shape;
  for (const std::string& dim : dims.value_or(Names{})) {
    std::string bytes;
    const bool is_symbol = !dim.empty() && std::isalpha(static_cast<unsigned char>(dim[0]));
    if (is_symbol) pbf_writer(bytes).add_string(2, dim);
    if (!is_symbol && !dim.empty()) pbf_writer(bytes).add_int64(1, std::stoll(dim));
    pbf_writer(shape).add_message(1, bytes);
  }
  std::string tensor_type, type, bytes;
  pbf_writer(tensor_type).add_int32(1, elem_type);
  if (dims) pbf_writer(tensor_type).add_message(2, shape);
  pbf_writer(type).add_message(1, tensor_type);
  pbf_writer(bytes).add_string(1, name);
  pbf_writer(bytes).add_message(2, type);
  return bytes;
}

struct GraphParts {
  std::vector<std::string> nodes, weights, inputs;
  Names outputs;
};
inline std::string graph(const GraphParts& parts) {
  std::string bytes;
  pbf_writer message(bytes);
  for (const std::string& each : parts.nodes) message.add_message(1, each);
  message.add_string(2, "main_graph");
  for (const std::string& each : parts.weights) message.add_message(5, each);
  for (const std::string& each : parts.inputs) message.add_message(11, each);
  for (const std::string& each : parts.outputs) message.add_message(12, value_info(each, std::nullopt));
  return bytes;
}

inline std::string model(const std::string& graph_bytes, const std::vector<std::pair<std::string, int64_t>>& opsets = {{"", 20}}, int64_t ir_version = 10, const std::string& function = "") {
  std::string bytes;
  pbf_writer message(bytes);
  message.add_int64(1, ir_version);
  message.add_message(7, graph_bytes);
  for (const auto& [domain, version] : opsets) {
    std::string opset;
    if (!domain.empty()) pbf_writer(opset).add_string(1, domain);
    pbf_writer(opset).add_int64(2, version);
    message.add_message(8, opset);
  }
  if (!function.empty()) message.add_message(25, function);
  return bytes;
}
inline std::string model(const GraphParts& parts, int64_t opset = 20) { return model(graph(parts), {{"", opset}}); }

inline Graph read(const std::string& bytes, const ReadOptions& options = {}) {
  const TestFolder folder;
  write_file(folder / "model.onnx", bytes);
  Graph result = read_onnx(File(folder / "model.onnx"), options);
  verify(result);
  return result;
}

inline void expect_read_error(const std::string& bytes, ErrorCode code, const std::string& part, const ReadOptions& options = {}) {
  expect_error([&] { read(bytes, options); }, code, part);
}

}  // namespace ropeway::onnx_test
