// The three transforms of Winograd convolution with stride 1, on the blocked layout. Between them stand matrix products, one for each point of a tile.
// A NaN is never lost, but may reach all outputs whose tile reads it, and an infinity may become one there: the transforms add and subtract what no single output does.
#pragma once

#include <cstdint>

namespace ropeway::cpu {

// F(m, r) in both dimensions: tiles of m × m outputs, filters of r × r taps, n × n points a tile, n = m + r − 1.
enum class WinogradForm : uint8_t { f2x3, f4x3, f4x4, f3x5 };

struct WinogradSizes {
  int outputs, taps;  // m, r
  int points() const { return (outputs + taps - 1) * (outputs + taps - 1); }
};
WinogradSizes winograd_sizes(WinogradForm form);

// Images [blocks][height][width][16], cut into tiles_down × tiles_across tiles each; tiles are counted through all images.
struct WinogradImages {
  int64_t height = 0, width = 0;
  int64_t plane_stride = 0, image_stride = 0;  // floats from block to block, and from image to image
  int64_t tiles_down = 0, tiles_across = 0;
};

// Transforms tiles [first, first + count) of blocks [first_block, last_block): tile t, block b, point p go to
// to[p · point_stride + (b · count + t − first) · 16]. Beyond the image's edges it is zero.
struct WinogradInput {
  WinogradImages images;
  const float* from = nullptr;
  int64_t top = 0, left = 0;  // padding
  int64_t first = 0, count = 0;
  int64_t first_block = 0, last_block = 0;
  float* to = nullptr;
  int64_t point_stride = 0;
};
void winograd_input(WinogradForm form, const WinogradInput& input);

// The way back, for blocks [0, blocks): what lies as WinogradInput's `to` becomes outputs, plus bias, plus residual, clamped. `to` and `residual` begin at the first block.
struct WinogradOutput {
  WinogradImages images;
  const float* from = nullptr;
  int64_t point_stride = 0;
  int64_t first = 0, count = 0;
  int64_t blocks = 0;
  const float* bias = nullptr;      // [16 · blocks]
  const float* residual = nullptr;  // as `to`, or nullptr
  float* to = nullptr;
  float low = 0, high = 0;
};
void winograd_output(WinogradForm form, const WinogradOutput& output);

// Transforms filters of 16 output channels, taps[r · r][16]: point p goes to to[p · point_stride].
void winograd_filter(WinogradForm form, const float* taps, float* to, int64_t point_stride);

}  // namespace ropeway::cpu
