// The inputs of an ONNX graph as static types.
#pragma once

#include <string>
#include <vector>

#include "formats/formats.h"
#include "formats/onnx/proto.h"

namespace ropeway::onnx {

struct BoundInputs {
  std::vector<TensorType> types;     // in the order given
  bool by_caller = false;            // the caller's options settled a dimension
  std::vector<std::string> assumed;  // symbolic dimensions that nothing settled, as "height of x": taken as 1
};

// Binds every symbolic dimension: from `options`, else from another input that has the same symbol, else 1.
// Throws Error{invalid_argument} for options that the file contradicts, Error{unsupported} for inputs that are no tensors.
BoundInputs bind_inputs(const std::vector<const ValueInfoProto*>& inputs, const ReadOptions& options);

}  // namespace ropeway::onnx
