// What the virtual atc does: ONNX file → container.
#pragma once

#include <string>
#include <string_view>

#include "virtual_npu/container.h"

namespace ropeway::virtual_npu {

struct AtcOptions {
  int framework = -1;  // 5: ONNX, the one that this atc reads
  std::string model;   // path of the .onnx
  std::string output;  // path of the .om, without its ending
  std::string soc_version;
  std::string input_shape;  // "a:1,3,224,224;b:1,8"; "" when the model fixes all
  std::string precision_mode = "force_fp16";
};

// Throws Error: unsupported for options of the real atc that this one does not have, and for operators that are not supported; and as read_onnx does.
Container compile(const AtcOptions& options);
// The same for a model in memory; options.model is then what messages call it.
Container compile(std::string_view onnx, const AtcOptions& options);

}  // namespace ropeway::virtual_npu
