#include "formats/pt2/sizes.h"

#include <algorithm>

#include "base/text.h"

namespace ropeway::pt2 {
namespace {

// The expression of a size that is not a number; nullptr for one that is.
const std::string* expression_of(const Json& size) {
  const Tagged each = tagged(size);
  if (each.tag == "as_int") return nullptr;
  if (each.tag != "as_expr") fail(ErrorCode::invalid_model, "a size is neither a number nor an expression, but {}", each.tag);
  return &each.value.at("expr_str").get_ref<const std::string&>();
}

std::optional<int64_t> hint_of(const Json& size) {
  const Json* hint = member(tagged(size).value, "hint");
  return hint == nullptr || tagged(*hint).tag != "as_int" ? std::nullopt : std::optional(tagged(*hint).value.get<int64_t>());
}

std::string shown(const Shape& shape) { return fmt::format("[{}]", fmt::join(shape, ",")); }

}  // namespace

Sizes::Sizes(const ReadOptions& options, const Json& ranges) : options_(options), ranges_(ranges) {}

void Sizes::apply(const std::string& input, const Json& tensor, size_t dimension, int64_t wanted) {
  if (wanted < 0) fail(ErrorCode::invalid_argument, "dimension {} of input {} cannot be {}", dimension, input, wanted);
  const Json& size = tensor.at("sizes").at(dimension);
  const std::string* expression = expression_of(size);
  if (expression == nullptr) {
    const int64_t fixed = tagged(size).value.get<int64_t>();
    if (fixed == wanted) return;
    fail(ErrorCode::invalid_argument, "the file fixes dimension {} of input {} to {}, but {} is asked for. Export with dynamic_shapes to choose it", dimension, input, fixed, wanted);
  }
  by_caller_ = true;
  if (const auto known = symbols_.evaluate(*expression)) {
    if (*known != wanted) fail(ErrorCode::invalid_argument, "dimension {} of input {} must be {}, as other inputs have it, but {} is asked for", dimension, input, *known, wanted);
  } else if (!symbols_.solve(*expression, wanted)) {
    fail(ErrorCode::invalid_argument, "dimension {} of input {} cannot be {}: the file says {}", dimension, input, wanted, *expression);
  }
}

void Sizes::settle(const std::vector<std::pair<std::string, const Json*>>& inputs) {
  for (const auto& [name, tensor] : inputs) {
    for (size_t d = 0; d < tensor->at("sizes").size(); ++d) {
      const std::string* expression = expression_of(tensor->at("sizes")[d]);
      if (expression == nullptr) continue;
      for (const std::string& symbol : symbols_.unsettled(*expression)) places_.emplace(symbol, fmt::format("dimension {} of input {}", d, name));
    }
  }
  for (const auto& [name, shape] : options_.input_shapes) {
    if (std::any_of(inputs.begin(), inputs.end(), [&](const auto& input) { return input.first == name; })) continue;
    std::vector<std::string> names;
    for (const auto& input : inputs) names.push_back(input.first);
    fail(ErrorCode::invalid_argument, "a shape is given for input '{}', but the model's inputs are {}", name, listed(names));
  }
  for (const auto& [name, tensor] : inputs) {
    const size_t rank = tensor->at("sizes").size();
    const auto given = options_.input_shapes.find(name);
    if (given != options_.input_shapes.end()) {
      if (given->second.size() != rank) fail(ErrorCode::invalid_argument, "input {} has {} dimensions, but the shape given for it, {}, has {}", name, rank, shown(given->second), given->second.size());
      for (size_t d = 0; d < rank; ++d) apply(name, *tensor, d, given->second[d]);
    }
    if (options_.batch && rank > 0) apply(name, *tensor, 0, *options_.batch);
  }
  for (const auto& [name, tensor] : inputs) {
    for (const Json& size : tensor->at("sizes")) {
      const std::string* expression = expression_of(size);
      if (expression == nullptr || symbols_.evaluate(*expression)) continue;
      const auto example = hint_of(size);
      if (!example || !symbols_.solve(*expression, *example)) fail(ErrorCode::unsupported, "nothing settles the size {} of input {}: give its shape", *expression, name);
    }
  }
  check_ranges();
}

std::string Sizes::place_of(const std::string& symbol) const {
  const auto place = places_.find(symbol);
  return place == places_.end() ? symbol : place->second;
}

void Sizes::check_ranges() const {
  for (const auto& [symbol, value] : symbols_.values()) {
    const Json* range = member(ranges_, symbol.c_str());
    if (range == nullptr) continue;
    const Json* least = member(*range, "min_val");
    const Json* most = member(*range, "max_val");
    if (least != nullptr && value < least->get<int64_t>()) fail(ErrorCode::invalid_argument, "the model was exported for at least {} where {} is asked for ({})", least->get<int64_t>(), value, place_of(symbol));
    if (most != nullptr && value > most->get<int64_t>()) fail(ErrorCode::invalid_argument, "the model was exported for at most {} where {} is asked for ({})", most->get<int64_t>(), value, place_of(symbol));
  }
}

std::optional<Shape> Sizes::shape(const Json& tensor, const char* key) const {
  Shape result;
  for (const Json& size : tensor.at(key)) {
    const std::string* expression = expression_of(size);
    const auto value = expression == nullptr ? std::optional(tagged(size).value.get<int64_t>()) : symbols_.evaluate(*expression);
    if (!value) return std::nullopt;
    result.push_back(*value);
  }
  return result;
}

}  // namespace ropeway::pt2
