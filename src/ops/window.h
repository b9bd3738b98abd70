// Sliding windows: what convolution and pooling share, in any number of spatial dimensions.
#pragma once

#include "ir/graph.h"

namespace ropeway {

struct Window {
  Ints kernel, strides, pads, dilations;

  // Throws Error{invalid_argument} unless every list has its length and every number makes sense. `op` begins the message.
  void check(const char* op, size_t spatial) const;
  int64_t extent(size_t d) const { return dilations[d] * (kernel[d] - 1) + 1; }
  // Output size along dimension d. Throws Error{invalid_argument} when the window does not fit the padded image.
  // ceil_mode rounds it up, but the last window begins inside the image or the padding before it (torch.nn.MaxPool2d).
  int64_t output_size(const char* op, size_t d, int64_t input, bool ceil_mode) const;
  // Input position of tap t for output position i; may lie outside the image.
  int64_t position(size_t d, int64_t i, int64_t t) const { return i * strides[d] - pads[d] + t * dilations[d]; }
};

}  // namespace ropeway
