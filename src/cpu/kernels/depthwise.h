// Depthwise convolution on the blocked layout: a vector is 16 channels of a pixel.
#pragma once

#include <cstdint>

namespace ropeway::cpu {

// One row of output pixels of one block of channels. `in` points at the input pixel under tap (0, 0) of the first output pixel.
struct DepthwiseRow {
  const float* in = nullptr;
  const float* weights = nullptr;          // [taps][16]
  const int32_t* tap_offsets = nullptr;    // [taps], in floats
  int64_t taps = 0;
  int64_t pixels = 0;
  int64_t pixel_stride = 0;                // floats from one output pixel's input to the next one's
  const float* bias = nullptr;             // [16]
  const float* residual = nullptr;         // [pixels][16] or nullptr
  float* out = nullptr;                    // [pixels][16]
  float low = 0, high = 0;                 // clamp
};
void depthwise_row(const DepthwiseRow& row);

}  // namespace ropeway::cpu
