// What the virtual atc does: ONNX file → container.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "virtual_npu/container.h"

namespace ropeway::virtual_npu {

// As on the command line; "" for what is not given.
struct AtcOptions {
  std::string framework;  // "5": ONNX, the one that this atc reads
  std::string model;      // path of the .onnx
  std::string output;     // path of the .om, without its ending
  std::string soc_version;
  std::string input_shape;        // "a:1,3,224,224;b:1,8"; not needed when the model fixes all
  std::string input_format;       // says nothing of an ONNX model but that it is one
  std::string precision_mode;     // force_fp16 when neither is given
  std::string precision_mode_v2;  // never both
  std::string keep_dtype;         // path of a file: names of the model's nodes, or OpType::TYPE, a line each, that keep their precision
  std::string out_nodes;          // "node:0;other:1", results of these nodes, or names of outputs, in the place of all outputs
  std::string output_type;        // "FP16", "FP32": of all floating-point outputs
  std::string log;
  std::string mode;  // "0": compile
};

// Throws Error{invalid_argument} with CANN's code E10001: `flag` cannot have that value.
[[noreturn]] void refuse_value(std::string_view flag, std::string_view value, const std::string& reason);

// Adds to `warnings` what may be otherwise on a real chip. Throws Error: with CANN's codes in the text where CANN refuses the same (E10001 a flag's value, E19010 an
// operator that its parser does not know, EZ3003 an operator or dtype that the chip does not have, E20001 one beyond CANN's limits); with words that say so for limits of this atc; and as read_onnx does.
Container compile(const AtcOptions& options, std::vector<std::string>& warnings);
// The same for a model in memory; options.model is then what messages call it.
Container compile(std::string_view onnx, const AtcOptions& options, std::vector<std::string>& warnings);

}  // namespace ropeway::virtual_npu
