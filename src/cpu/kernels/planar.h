// Convolution on plain images, for a few output channels: a vector is pixels of one row.
#pragma once

#include <cstdint>

namespace ropeway::cpu {

inline constexpr int kMaxPlanarOutputs = 6;

// One row of output pixels of up to six channels. `in` points at the input under tap (0, 0) of channel 0; 64 floats beyond the last pixel under a tap may be read.
struct PlanarRow {
  const float* in = nullptr;
  const int32_t* tap_offsets = nullptr;  // [taps], in floats: channels and taps
  int64_t taps = 0;
  const float* weights = nullptr;        // [taps][outputs]
  int outputs = 1;
  int64_t pixels = 0;
  const float* bias = nullptr;           // [outputs]
  const float* residual = nullptr;       // as `out`, or nullptr
  float* out = nullptr;                  // channel o begins at out + o · plane_stride
  int64_t plane_stride = 0;
  float low = 0, high = 0;               // clamp
};
void planar_row(const PlanarRow& row);

}  // namespace ropeway::cpu
