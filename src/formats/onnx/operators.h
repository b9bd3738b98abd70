// The ONNX operators that the reader knows: one row each.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "formats/onnx/importer.h"

namespace ropeway::onnx {

inline constexpr int kOldestOpset = 11, kNewestOpset = 23;

struct Operator {
  std::string_view op_type;
  int since = kOldestOpset, until = kNewestOpset;  // opsets in which the row holds
  // Adds the node to the graph and returns its outputs; fewer than the file lists when the others are never read.
  std::vector<ValueId> (*convert)(const NodeImporter& node) = nullptr;
};

// The row for an operator of domain ai.onnx, or nullptr.
const Operator* find_operator(std::string_view op_type, int64_t opset);

// The rows, by family.
std::span<const Operator> elementwise_operators();
std::span<const Operator> layer_operators();
std::span<const Operator> window_operators();
std::span<const Operator> image_operators();
std::span<const Operator> selection_operators();
std::span<const Operator> shape_operators();
std::span<const Operator> constant_operators();

}  // namespace ropeway::onnx
