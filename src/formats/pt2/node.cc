#include <algorithm>
#include <cmath>
#include <limits>

#include "base/text.h"
#include "formats/pt2/importer.h"

namespace ropeway::pt2 {
namespace {

std::string result_name(const Json& node, const Origin& origin) {
  if (node.at("outputs").empty()) return origin.node;
  const Tagged first = tagged(node.at("outputs")[0]);
  const Json* name = first.tag == "as_tensor" ? member(first.value, "name") : nullptr;
  return name == nullptr ? origin.node : name->get<std::string>();
}

[[noreturn]] void unexpected(const char* name, const std::string& kind, const char* wanted) {
  fail(ErrorCode::invalid_model, "the argument {} is of the kind {} where {} belongs", name, kind, wanted);
}

}  // namespace

NodeImporter::NodeImporter(Importer& importer, const Json& node, const Origin& origin) : Emitter(importer.builder(), result_name(node, origin), origin), importer_(importer), node_(node) {}

const Json* NodeImporter::given(const char* name) const {
  asked_.insert(name);
  for (const Json& input : node_.at("inputs")) {
    if (input.at("name").get_ref<const std::string&>() != name) continue;
    const Json& argument = input.at("arg");
    return tagged(argument).tag == "as_none" ? nullptr : &argument;
  }
  return nullptr;
}

const Json& NodeImporter::required(const char* name) const {
  const Json* argument = given(name);
  if (argument == nullptr) fail(ErrorCode::invalid_model, "the argument {} is missing", name);
  return *argument;
}

bool NodeImporter::is_tensor(const char* name) const {
  const Json* argument = given(name);
  return argument != nullptr && tagged(*argument).tag == "as_tensor";
}

ValueId NodeImporter::tensor(const char* name) const {
  const auto [kind, value] = tagged(required(name));
  if (kind == "as_tensor") return importer_.tensor(value.at("name").get<std::string>());
  if (kind == "as_optional_tensor") {
    const Tagged inner = tagged(value);
    if (inner.tag == "as_tensor") return importer_.tensor(inner.value.at("name").get<std::string>());
  }
  unexpected(name, kind, "a tensor");
}

std::vector<ValueId> NodeImporter::tensors(const char* name) const {
  const auto [kind, list] = tagged(required(name));
  std::vector<ValueId> result;
  if (kind == "as_tensors") {
    for (const Json& each : list) result.push_back(importer_.tensor(each.at("name").get<std::string>()));
  } else if (kind == "as_optional_tensors") {
    for (const Json& each : list) {
      const Tagged inner = tagged(each);
      result.push_back(inner.tag == "as_tensor" ? importer_.tensor(inner.value.at("name").get<std::string>()) : kNoValue);
    }
  } else {
    unexpected(name, kind, "a list of tensors");
  }
  return result;
}

int64_t NodeImporter::as_integer(const Json& argument, const char* name) const {
  const auto [kind, value] = tagged(argument);
  if (kind == "as_int") return value.get<int64_t>();
  if (kind == "as_sym_int") return as_integer(value, name);
  if (kind == "as_name") {
    const Scalar scalar = importer_.scalar(value.get<std::string>());
    if (const auto* whole = std::get_if<int64_t>(&scalar)) return *whole;
    fail(ErrorCode::invalid_model, "the argument {} must be a whole number", name);
  }
  unexpected(name, kind, "a whole number");
}

int64_t NodeImporter::integer(const char* name) const { return as_integer(required(name), name); }

Ints NodeImporter::integers(const char* name) const {
  const Json& argument = required(name);
  const auto [kind, value] = tagged(argument);
  if (kind == "as_int" || kind == "as_sym_int") return {as_integer(argument, name)};
  Ints result;
  if (kind == "as_ints") {
    for (const Json& each : value) result.push_back(each.get<int64_t>());
  } else if (kind == "as_sym_ints") {
    for (const Json& each : value) result.push_back(as_integer(each, name));
  } else {
    unexpected(name, kind, "a list of whole numbers");
  }
  return result;
}

Scalar NodeImporter::scalar(const char* name) const {
  const auto [kind, value] = tagged(required(name));
  if (kind == "as_bool") return value.get<bool>();
  if (kind == "as_int") return value.get<int64_t>();
  if (kind == "as_float") return number_of(value);
  if (kind == "as_sym_int" || kind == "as_sym_float" || kind == "as_sym_bool") {
    const auto [inner, content] = tagged(value);
    if (inner == "as_name") return importer_.scalar(content.get<std::string>());
    if (inner == "as_int") return content.get<int64_t>();
    if (inner == "as_bool") return content.get<bool>();
    return number_of(content);
  }
  unexpected(name, kind, "a number");
}

std::vector<double> NodeImporter::numbers(const char* name) const {
  const auto [kind, list] = tagged(required(name));
  if (kind != "as_floats" && kind != "as_ints") unexpected(name, kind, "a list of numbers");
  std::vector<double> result;
  for (const Json& each : list) result.push_back(number_of(each));
  return result;
}

bool NodeImporter::boolean(const char* name, bool fallback) const {
  const Json* argument = given(name);
  return argument == nullptr ? fallback : as_double(scalar(name)) != 0;
}

std::string NodeImporter::text(const char* name, const char* fallback) const {
  const Json* argument = given(name);
  if (argument == nullptr) return fallback;
  const auto [kind, value] = tagged(*argument);
  if (kind != "as_string") unexpected(name, kind, "a word");
  return value.get<std::string>();
}

std::optional<DType> NodeImporter::dtype(const char* name) const {
  const Json* argument = given(name);
  if (argument == nullptr) return std::nullopt;
  const auto [kind, value] = tagged(*argument);
  if (kind != "as_scalar_type") unexpected(name, kind, "a dtype");
  return dtype_of(value.get<int64_t>());
}

void NodeImporter::ignore(std::initializer_list<const char*> names) const { asked_.insert(names.begin(), names.end()); }

int64_t NodeImporter::axis(const char* name, int64_t fallback) const {
  return axis(integer(name, fallback), std::max<int64_t>(1, rank_of(importer_.tensor(first_tensor()))));
}

std::string NodeImporter::first_tensor() const {
  if (node_.at("inputs").empty()) fail(ErrorCode::invalid_model, "it has no arguments");
  const Tagged first = tagged(node_.at("inputs")[0].at("arg"));
  if (first.tag != "as_tensor") unexpected("self", first.tag, "a tensor");
  return first.value.at("name").get<std::string>();
}

ValueId NodeImporter::self_handle() const { return importer_.handle(first_tensor()); }

bool NodeImporter::self_has_memory_format(MemoryFormat otherwise) const {
  const Json* argument = given("memory_format");
  const auto format = argument == nullptr ? otherwise : static_cast<MemoryFormat>(tagged(*argument).value.get<int64_t>());
  return format == MemoryFormat::preserve || importer_.has_memory_format(first_tensor(), format);
}

size_t NodeImporter::output_count() const {
  size_t count = 0;
  for (const Json& output : node_.at("outputs")) {
    const Tagged each = tagged(output);
    count += each.tag == "as_tensors" ? each.value.size() : 1;
  }
  return count;
}

void NodeImporter::check_complete() const {
  for (const Json& input : node_.at("inputs")) {
    const std::string& name = input.at("name").get_ref<const std::string&>();
    if (asked_.count(name) == 0 && tagged(input.at("arg")).tag != "as_none") fail(ErrorCode::unsupported, "its argument {} is not supported", name);
  }
}

}  // namespace ropeway::pt2
