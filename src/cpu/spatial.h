// Geometry that convolutions and their padding share.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/thread_pool.h"
#include "cpu/kernel.h"

namespace ropeway::cpu {

// Images of height × width pixels with a border on each side; a pixel is `width_floats` floats (1: plain, 16: blocked).
struct Padding {
  int64_t planes = 0;  // images × channels, or images × blocks
  int64_t height = 0, width = 0;
  int64_t top = 0, left = 0, bottom = 0, right = 0;
  int64_t pixel = 1;

  bool none() const { return top == 0 && left == 0 && bottom == 0 && right == 0; }
  int64_t padded_height() const { return height + top + bottom; }
  int64_t padded_width() const { return width + left + right; }
  size_t padded_floats() const { return static_cast<size_t>(planes * padded_height() * padded_width() * pixel); }
};

// Copies `from` into `to` with a border of zeros.
void pad_images(const Padding& padding, const float* from, float* to, ThreadPool& pool);

}  // namespace ropeway::cpu
