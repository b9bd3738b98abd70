// The virtual NPU's compiled models: a container of our own in the place of CANN's .om. It holds an ONNX model that says its rounding in visible nodes
// (chip/numerics), and what the cost model predicts for each operator.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"

namespace ropeway::virtual_npu {

struct OperatorTime {
  std::string name;  // of the ONNX node that it is named after
  std::string type;  // GE's operator type
  double ms = 0;     // predicted
};

struct Container {
  std::string compiler;  // name and version of what made it
  std::string soc;       // "Ascend310B1"
  std::string cann;      // version of the virtual CANN that made it
  std::string precision_mode;
  std::vector<OperatorTime> operators;  // in the order of execution
  std::string onnx;
};

std::string to_bytes(const Container& container);

// Throws Error{invalid_model}: no container of this version, cut off, or damaged (a hash over everything tells).
Container parse_container(std::string_view bytes);

}  // namespace ropeway::virtual_npu
