#include "formats/onnx/inputs.h"

#include <algorithm>

#include "base/text.h"
#include "formats/onnx/tensors.h"

namespace ropeway::onnx {
namespace {

class Binder {
 public:
  explicit Binder(const ReadOptions& options) : options_(options) {}

  // What the options say, for all inputs before any symbol is read: symbols are shared between inputs.
  void bind(const ValueInfoProto& input) {
    const std::string name(input.name);
    const auto given = options_.input_shapes.find(name);
    if (given != options_.input_shapes.end()) {
      for (size_t d = 0; d < given->second.size(); ++d) expect_size(name, d, given->second[d]);
      if (input.shape && given->second.size() != input.shape->size()) {
        fail(ErrorCode::invalid_argument, "input {} has {} dimensions, but the shape given for it, [{}], has {}", name, input.shape->size(), fmt::join(given->second, ","), given->second.size());
      }
      for (size_t d = 0; input.shape && d < input.shape->size(); ++d) bind(name, d, (*input.shape)[d], given->second[d]);
    } else if (!input.shape) {
      fail(ErrorCode::invalid_argument, "the file does not say how many dimensions input {} has: give its shape", name);
    }
    if (!options_.batch || (input.shape && input.shape->empty())) return;
    if (given != options_.input_shapes.end() && (given->second.empty() || given->second[0] != *options_.batch)) {
      fail(ErrorCode::invalid_argument, "the shape given for input {}, [{}], contradicts the batch of {}", name, fmt::join(given->second, ","), *options_.batch);
    }
    if (input.shape) bind(name, 0, (*input.shape)[0], *options_.batch);
  }

  Shape shape_of(const ValueInfoProto& input) {
    const std::string name(input.name);
    const auto given = options_.input_shapes.find(name);
    if (given != options_.input_shapes.end()) return given->second;
    Shape result;
    for (size_t d = 0; d < input.shape->size(); ++d) {
      const DimProto& dim = (*input.shape)[d];
      const auto bound = symbols_.find(dim.param);
      if (dim.value) {
        result.push_back(*dim.value);
      } else if (d == 0 && options_.batch) {
        result.push_back(*options_.batch);
      } else if (bound != symbols_.end()) {
        result.push_back(bound->second);
      } else {
        result.push_back(1);
        bound_.assumed.push_back(fmt::format("{} of {}", dim.param.empty() ? fmt::format("dimension {}", d) : std::string(dim.param), name));
      }
    }
    return result;
  }

  BoundInputs& bound() { return bound_; }

 private:
  static void expect_size(const std::string& input, size_t d, int64_t size) {
    if (size < 1) fail(ErrorCode::invalid_argument, "dimension {} of input {} cannot be {}: it must be at least 1", d, input, size);
  }

  void bind(const std::string& input, size_t d, const DimProto& dim, int64_t size) {
    expect_size(input, d, size);
    if (dim.value) {
      if (*dim.value != size) {
        fail(ErrorCode::invalid_argument, "the file fixes dimension {} of input {} to {}, but {} is asked for. Export the model with a dynamic dimension to choose it", d, input, *dim.value, size);
      }
      return;
    }
    bound_.by_caller = true;
    if (dim.param.empty()) return;
    const auto [known, is_new] = symbols_.emplace(dim.param, size);
    if (!is_new && known->second != size) {
      fail(ErrorCode::invalid_argument, "dimension {} of input {} is the file's '{}', which is {} elsewhere: it cannot be {}", d, input, dim.param, known->second, size);
    }
  }

  const ReadOptions& options_;
  std::map<std::string_view, int64_t> symbols_;
  BoundInputs bound_;
};

}  // namespace

BoundInputs bind_inputs(const std::vector<const ValueInfoProto*>& inputs, const ReadOptions& options) {
  std::vector<std::string> names;
  for (const ValueInfoProto* input : inputs) {
    if (!input->is_tensor) fail(ErrorCode::unsupported, "input {} is no tensor (a sequence, a map or an optional)", input->name);
    names.emplace_back(input->name);
  }
  for (const auto& [name, shape] : options.input_shapes) {
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    fail(ErrorCode::invalid_argument, "a shape is given for input '{}', but the model's inputs are {}", name, listed(names));
  }
  Binder binder(options);
  for (const ValueInfoProto* input : inputs) binder.bind(*input);
  for (const ValueInfoProto* input : inputs) {
    try {
      TensorType type{dtype_of(input->elem_type), binder.shape_of(*input)};
      if (std::any_of(type.shape.begin(), type.shape.end(), [](int64_t size) { return size < 0; })) fail(ErrorCode::invalid_model, "its shape [{}] has a negative dimension", fmt::join(type.shape, ","));
      element_count(type.shape);
      binder.bound().types.push_back(std::move(type));
    } catch (Error& error) {
      error.add_note(fmt::format("in the type of input {}", input->name));
      throw;
    }
  }
  return std::move(binder.bound());
}

}  // namespace ropeway::onnx
