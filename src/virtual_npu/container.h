// The virtual NPU's compiled models: a container of our own in the place of CANN's .om. It holds an ONNX model that says its rounding in visible nodes
// (chip/numerics), and what the cost model predicts for each operator.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"

namespace ropeway::virtual_npu {

struct OperatorTime {
  std::string name;  // as CANN's: the names of its ONNX nodes, one behind the other
  std::string type;  // of its first node, as CANN's graph engine has it: "Conv2D"
  double ms = 0;     // predicted for 16-bit floats, whatever the precision mode; for 32 where --keep_dtype names it
};

struct Container {
  std::string compiler;  // name and version of what made it
  std::string soc;       // "Ascend310B1"
  std::string cann;      // version of the virtual CANN that made it
  std::string precision_mode;           // as --precision_mode names it
  std::vector<OperatorTime> operators;  // in the order of execution
  std::string onnx;
};

std::string to_bytes(const Container& container);

// Throws Error{invalid_model}: no container of this version, cut off, or damaged (a hash over everything tells).
Container parse_container(std::string_view bytes);

}  // namespace ropeway::virtual_npu
