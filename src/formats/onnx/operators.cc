#include "formats/onnx/operators.h"

namespace ropeway::onnx {

const Operator* find_operator(std::string_view op_type, int64_t opset) {
  for (const auto& family : {elementwise_operators(), layer_operators(), window_operators(), image_operators(), selection_operators(), shape_operators(), constant_operators()}) {
    for (const Operator& row : family) {
      if (row.op_type == op_type && row.since <= opset && opset <= row.until) return &row;
    }
  }
  return nullptr;
}

}  // namespace ropeway::onnx
