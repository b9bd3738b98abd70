// Inputs that a model's file brings along.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ropeway/tensor.h"

namespace ropeway {

// The inputs with which a .pt2 was exported, when the file `source` holds them as plain tensors of `types`; nothing otherwise, whatever the reason: other shapes were
// asked for, the file is of another kind, is gone, or its samples are damaged.
std::optional<std::vector<Tensor>> stored_samples(const std::string& source, const std::vector<TensorType>& types);

}  // namespace ropeway
