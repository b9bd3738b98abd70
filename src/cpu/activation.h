// The activation of a fused kernel: a clamp in registers, or a function over what was just stored. Rounding likewise.
#pragma once

#include <limits>
#include <optional>

#include "cpu/kernel.h"
#include "cpu/kernels/half.h"
#include "cpu/kernels/unary.h"
#include "ir/params.h"

namespace ropeway::cpu {

struct Activation {
  float low = -std::numeric_limits<float>::infinity();
  float high = std::numeric_limits<float>::infinity();
  std::optional<UnaryParams> function;  // when it is no clamp
  bool round = false;                   // to f16, in the end

  explicit Activation(const Fusion& fusion) : round(fusion.round_f16) {
    const std::optional<UnaryParams>& params = fusion.activation;
    if (!params) return;
    if (params->function == UnaryFunction::relu) {
      low = 0;
    } else if (params->function == UnaryFunction::clip) {
      low = static_cast<float>(params->alpha);
      high = static_cast<float>(params->beta);
    } else {
      function = params;
    }
  }

  // Applies what is no clamp to `count` stored floats.
  void finish(float* values, int64_t count) const {
    if (function) apply_unary(*function, values, values, static_cast<size_t>(count));
    if (round) round_to_f16(values, values, count);
  }
  // The same to `rows` rows of `columns` floats, `stride` apart.
  void finish_rows(float* values, int64_t rows, int64_t columns, int64_t stride) const {
    if (function) apply_unary_to_rows(*function, values, rows, columns, stride);
    for (int64_t row = 0; round && row < rows; ++row) round_to_f16(values + row * stride, values + row * stride, columns);
  }
};

}  // namespace ropeway::cpu
