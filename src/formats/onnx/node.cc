#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "formats/onnx/importer.h"
#include "ops/convert.h"

namespace ropeway::onnx {

constexpr int64_t kLongestList = 4096;  // of sizes, axes or bounds

NodeImporter::NodeImporter(Importer& importer, const NodeProto& node, const Origin& origin)
    : Emitter(importer.builder(), node.outputs.empty() || node.outputs[0].empty() ? origin.node : std::string(node.outputs[0]), origin), importer_(importer), node_(node) {}

bool NodeImporter::has_input(size_t i) const {
  asked_inputs_.insert(i);
  return i < node_.inputs.size() && !node_.inputs[i].empty();
}

ValueId NodeImporter::input(size_t i) const {
  if (!has_input(i)) fail(ErrorCode::invalid_model, "{} lacks its input {}", node_.op_type, i);
  return importer_.value(node_.inputs[i]);
}

Tensor NodeImporter::constant(size_t i, const char* what) const {
  std::optional<Tensor> result = known(input(i));
  if (!result) {
    fail(ErrorCode::unsupported, "{} of {} ('{}') depends on data: every shape must follow from the shapes of the inputs", what, node_.op_type, node_.inputs[i]);
  }
  return *result;
}

Ints NodeImporter::ints(size_t i, const char* what) const {
  const Tensor tensor = constant(i, what);
  if (tensor.shape().size() > 1) fail(ErrorCode::invalid_model, "{} of {} must be a list of integers, but is {}", what, node_.op_type, to_string(tensor.type()));
  if (tensor.count() > kLongestList) fail(ErrorCode::unsupported, "{} of {} is a list of {} integers: {} are the most", what, node_.op_type, tensor.count(), kLongestList);
  return as_ints(tensor);
}

double NodeImporter::scalar(size_t i, const char* what) const { return as_scalar(constant(i, what)); }

const AttributeProto* NodeImporter::attribute(const char* name) const {
  asked_attributes_.insert(name);
  const auto found = std::find_if(node_.attributes.begin(), node_.attributes.end(), [&](const AttributeProto& each) { return each.name == name; });
  return found == node_.attributes.end() ? nullptr : &*found;
}

const AttributeProto* NodeImporter::attribute(const char* name, AttributeType type) const {
  const AttributeProto* result = attribute(name);
  if (result == nullptr) return nullptr;
  if (result->is_reference) fail(ErrorCode::invalid_model, "attribute {} of {} refers to a function's attribute, but stands in no function", name, node_.op_type);
  // Without a type, an old file means a number, an integer or a string whose field cannot be told from its default.
  if (result->type != type && result->type != AttributeType::undefined) {
    fail(ErrorCode::invalid_model, "attribute {} of {} has type {} where {} belongs", name, node_.op_type, static_cast<int64_t>(result->type), static_cast<int64_t>(type));
  }
  return result;
}

int64_t NodeImporter::integer(const char* name, int64_t fallback) const {
  const AttributeProto* found = attribute(name, AttributeType::integer);
  return found == nullptr ? fallback : found->i;
}

double NodeImporter::number(const char* name, double fallback) const {
  const AttributeProto* found = attribute(name, AttributeType::number);
  return found == nullptr ? fallback : static_cast<double>(found->f);
}

std::string NodeImporter::string(const char* name, const char* fallback) const {
  const AttributeProto* found = attribute(name, AttributeType::string);
  return found == nullptr ? fallback : std::string(found->s);
}

std::optional<Ints> NodeImporter::integers(const char* name) const {
  const AttributeProto* found = attribute(name, AttributeType::integers);
  return found == nullptr ? std::nullopt : std::optional(found->ints);
}

std::optional<std::vector<float>> NodeImporter::numbers(const char* name) const {
  const AttributeProto* found = attribute(name, AttributeType::numbers);
  return found == nullptr ? std::nullopt : std::optional(found->floats);
}

std::optional<Tensor> NodeImporter::tensor(const char* name) const {
  const AttributeProto* found = attribute(name, AttributeType::tensor);
  if (found == nullptr) return std::nullopt;
  if (!found->t) fail(ErrorCode::invalid_model, "attribute {} of {} has no tensor", name, node_.op_type);
  return read_tensor(*found->t, importer_.files());
}

const GraphProto& NodeImporter::graph(const char* name) const {
  const AttributeProto* found = attribute(name, AttributeType::graph);
  if (found == nullptr || !found->g) fail(ErrorCode::invalid_model, "{} lacks its graph {}", node_.op_type, name);
  return *found->g;
}

void NodeImporter::check_complete() const {
  for (size_t i = 0; i < node_.attributes.size(); ++i) {
    const std::string_view name = node_.attributes[i].name;
    if (asked_attributes_.count(name) == 0) fail(ErrorCode::unsupported, "{} has the attribute '{}', which opset {} does not define or which is not supported", node_.op_type, name, opset());
    const bool again = std::any_of(node_.attributes.begin(), node_.attributes.begin() + static_cast<std::ptrdiff_t>(i), [&](const AttributeProto& each) { return each.name == name; });
    if (again) fail(ErrorCode::invalid_model, "{} has the attribute '{}' twice", node_.op_type, name);
  }
  for (size_t i = 0; i < node_.inputs.size(); ++i) {
    if (!node_.inputs[i].empty() && asked_inputs_.count(i) == 0) fail(ErrorCode::unsupported, "{} has an input {} ('{}'), which opset {} does not define or which is not supported", node_.op_type, i, node_.inputs[i], opset());
  }
}

}  // namespace ropeway::onnx
