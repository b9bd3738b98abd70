#include <cctype>
#include <cmath>
#include <cstring>

#include "base/random.h"
#include "base/text.h"
#include "ir/text.h"

namespace ropeway {
namespace {

constexpr int64_t kInlineElements = 8;

bool is_plain(std::string_view name) {
  if (name.empty() || name == "_") return false;
  for (const char c : name) {
    if (!std::isalnum(static_cast<unsigned char>(c)) && std::strchr("_.-/", c) == nullptr) return false;
  }
  return true;
}

std::string in_quotes(std::string_view name) {
  if (is_plain(name)) return std::string(name);
  std::string result = "\"";
  for (const char c : name) {
    if (c == '"' || c == '\\') result += '\\';
    if (static_cast<unsigned char>(c) < 0x20) {
      result += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      result += c;
    }
  }
  return result + "\"";
}

std::string value_text(const Graph& graph, ValueId id) { return id == kNoValue ? "_" : "%" + in_quotes(graph.value(id).name); }

std::string field_text(bool value) { return value ? "true" : "false"; }
std::string field_text(int64_t value) { return fmt::format("{}", value); }
std::string field_text(double value) { return fmt::format("{}", value); }
std::string field_text(const Ints& values) { return fmt::format("[{}]", fmt::join(values, ",")); }
std::string field_text(const std::string& value) { return in_quotes(value); }
template <class Enum>
  requires std::is_enum_v<Enum>
std::string field_text(Enum value) {
  return name(value);
}

std::string params_text(const Params& params) {
  std::string result;
  std::visit(
      [&]<class P>(const P& p) {
        const auto add = [&](const auto&... fields) { ((result += fmt::format(" {}={}", fields.name, field_text(p.*fields.member))), ...); };
        std::apply(add, P::fields());
      },
      params);
  return result;
}

// Shortest text that reads back as the same number.
template <class T>
std::string element_text(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  if constexpr (std::is_same_v<T, bool>) return field_text(value);
  return fmt::format("{}", value);
}

std::string element_text(DType dtype, const std::byte* at) {
  switch (dtype) {
    case DType::f32: return element_text<float>(at);
    case DType::f64: return element_text<double>(at);
    case DType::f16:
    case DType::bf16: {
      uint16_t bits;
      std::memcpy(&bits, at, sizeof bits);
      return fmt::format("{:#06x}", bits);
    }
    case DType::i8: return fmt::format("{}", static_cast<int>(static_cast<int8_t>(*at)));
    case DType::i16: return element_text<int16_t>(at);
    case DType::i32: return element_text<int32_t>(at);
    case DType::i64: return element_text<int64_t>(at);
    case DType::u8: return fmt::format("{}", static_cast<int>(*at));
    case DType::u16: return element_text<uint16_t>(at);
    case DType::u32: return element_text<uint32_t>(at);
    case DType::u64: return element_text<uint64_t>(at);
    case DType::boolean: return element_text<bool>(at);
  }
  fail(ErrorCode::internal, "a dtype that does not exist");
}

std::string elements_text(const Tensor& tensor) {
  const size_t size = size_of(tensor.dtype());
  if (tensor.count() <= kInlineElements) {
    std::vector<std::string> elements;
    for (size_t i = 0; i < static_cast<size_t>(tensor.count()); ++i) elements.push_back(element_text(tensor.dtype(), tensor.raw() + i * size));
    return fmt::format("[{}]", fmt::join(elements, ", "));
  }
  // Every element equals its successor.
  if (std::memcmp(tensor.raw(), tensor.raw() + size, tensor.bytes() - size) == 0) return fmt::format("fill({})", element_text(tensor.dtype(), tensor.raw()));
  return fmt::format("data({:#018x})", stream_seed({reinterpret_cast<const char*>(tensor.raw()), tensor.bytes()}));
}

std::string origin_text(const Origin& origin) {
  std::string result;
  if (!origin.module_path().empty()) result += " " + in_quotes(origin.module_path());
  if (!origin.node.empty()) result += " (" + in_quotes(origin.node) + ")";
  return result.empty() ? "" : " @" + result;
}

}  // namespace

std::string to_text(const Graph& graph, const Node& node) {
  std::vector<std::string> inputs, outputs, types;
  for (const ValueId id : node.inputs) inputs.push_back(value_text(graph, id));
  for (const ValueId id : node.outputs) {
    outputs.push_back(value_text(graph, id));
    types.push_back(to_string(graph.type(id)));
  }
  return fmt::format("{} = {}({}){} : {}{}", fmt::join(outputs, ", "), name(node.op), fmt::join(inputs, ", "), params_text(node.params), fmt::join(types, ", "),
                     origin_text(node.origin));
}

std::string to_text(const Graph& graph) {
  std::string result = fmt::format("graph {}\n", in_quotes(graph.name));
  for (const ValueId id : graph.inputs) result += fmt::format("input {}: {}\n", value_text(graph, id), to_string(graph.type(id)));
  for (size_t i = 0; i < graph.values.size(); ++i) {
    const Value& value = graph.values[i];
    if (value.constant) result += fmt::format("const {}: {} = {}\n", value_text(graph, static_cast<ValueId>(i)), to_string(value.type), elements_text(*value.constant));
  }
  for (const Node& node : graph.nodes) result += to_text(graph, node) + "\n";
  for (const ValueId id : graph.outputs) result += fmt::format("output {}\n", value_text(graph, id));
  return result;
}

}  // namespace ropeway
