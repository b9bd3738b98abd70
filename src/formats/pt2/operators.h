// The ATen operators that the reader knows: one row each.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "formats/pt2/importer.h"

namespace ropeway::pt2 {

// Whether the result shares memory with the first argument, so that a write to one changes the other.
enum class Sharing : uint8_t {
  none,
  argument,      // it is that argument, where the row returns its value
  view,
  view_or_copy,  // a view of a contiguous argument; of others PyTorch decides by strides, which is not followed here
};

// A row serves the operator in place, too: "relu.default" also relu_.default.
struct Operator {
  std::string_view name;  // "conv2d.default": the target without torch.ops.aten
  // Adds the node to the graph and returns its tensors; fewer than the file lists when the others are never read.
  std::vector<ValueId> (*convert)(const NodeImporter& node) = nullptr;
  Sharing sharing = Sharing::none;
};

// The row for a name without the underscore of operators in place, or nullptr.
const Operator* find_operator(std::string_view name);
// "relu.default" of "relu_.default"; nothing for an operator that is not in place.
std::optional<std::string> without_underscore(std::string_view name);

// Operators on Python's numbers, by their whole target: sizes of tensors and arithmetic with them.
struct ScalarOperator {
  std::string_view target;  // "_operator.mul"
  Scalar (*compute)(const NodeImporter& node);
};
const ScalarOperator* find_scalar_operator(std::string_view target);

// Targets that check what is true of any model that was exported, or what was checked here already: they compute nothing.
bool is_assertion(std::string_view target);

// The rows, by family.
std::span<const Operator> elementwise_operators();
std::span<const Operator> layer_operators();
std::span<const Operator> window_operators();
std::span<const Operator> image_operators();
std::span<const Operator> selection_operators();
std::span<const Operator> reduction_operators();
std::span<const Operator> shape_operators();
std::span<const Operator> constant_operators();

}  // namespace ropeway::pt2
