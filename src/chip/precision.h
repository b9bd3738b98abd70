// Precision modes: in which dtype the chip computes what a model has in f32. As atc's manual describes them for --precision_mode and --precision_mode_v2.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "ropeway/tensor.h"

namespace ropeway::chip {

enum class PrecisionMode : uint8_t {
  force_fp16,              // 16 bits where the operator has them; the default on the 310B
  allow_fp32_to_fp16,      // products in 16 bits, other operators as the model has them, or in 16 bits where they have nothing else
  must_keep_origin_dtype,  // as the model has it, or not at all
  force_fp32,              // products of 16-bit operands with 32-bit results, other operators in 32 bits, or in 16 where they have nothing else
};

// As --precision_mode has it: "force_fp16".
const char* name(PrecisionMode mode);
// By the names of --precision_mode, and of --precision_mode_v2; nothing for one that is not listed here. The modes that mix by a list of CANN's own
// (allow_mix_precision, mixed_float16) are not: the list is not known here. Nor are those of bfloat16.
std::optional<PrecisionMode> precision_mode_named(std::string_view name);
std::optional<PrecisionMode> precision_mode_v2_named(std::string_view name);

// The dtypes in which an operator may compute what the model has in `dtype`, best first. `is_product`: a convolution or matrix product, of the cube.
std::vector<DType> computed_dtypes(PrecisionMode mode, bool is_product, DType dtype);

}  // namespace ropeway::chip
