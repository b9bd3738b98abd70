// Depthwise convolution on the blocked layout: a vector is 16 channels of a pixel.
#pragma once

#include <cstdint>

namespace ropeway::cpu {

// One row of output pixels of one block of channels. Taps beyond the image's sides count as zeros and are not read; those above and below it the caller leaves out.
struct DepthwiseRow {
  const float* in = nullptr;        // [width][16]: the image's row under the first row of taps
  int64_t width = 0;                // pixels of the image's rows
  const float* weights = nullptr;   // [tap_rows][tap_columns][16]
  int64_t tap_rows = 0, tap_columns = 0;
  int64_t tap_row_stride = 0;       // floats of the image from one row of taps to the next one
  int64_t dilation = 1, stride = 1; // along the row, in pixels
  int64_t left = 0;                 // pixels of padding: tap x of output pixel i is over pixel i · stride + x · dilation - left
  int64_t pixels = 0;               // of the output
  const float* bias = nullptr;      // [16]
  const float* residual = nullptr;  // [pixels][16] or nullptr
  float* out = nullptr;             // [pixels][16]
  float low = 0, high = 0;          // clamp
};

// Rows of 3, 5 and 7 taps side by side, with stride 1 or 2, take an input pixel from memory once for all output pixels that lie in registers.
void depthwise_row(const DepthwiseRow& row);

}  // namespace ropeway::cpu
