#include "cpu/spatial.h"

#include <algorithm>
#include <cstring>

namespace ropeway::cpu {

void pad_images(const Padding& p, const float* from, float* to, ThreadPool& pool) {
  const int64_t row = p.width * p.pixel;
  const int64_t padded_row = p.padded_width() * p.pixel;
  pool.run(p.planes, [&](int64_t plane, int) {
    const float* in = from + plane * p.height * row;
    float* out = to + plane * p.padded_height() * padded_row;
    std::fill(out, out + p.top * padded_row, 0.0f);
    out += p.top * padded_row;
    for (int64_t y = 0; y < p.height; ++y, in += row, out += padded_row) {
      std::fill(out, out + p.left * p.pixel, 0.0f);
      std::memcpy(out + p.left * p.pixel, in, static_cast<size_t>(row) * sizeof(float));
      std::fill(out + p.left * p.pixel + row, out + padded_row, 0.0f);
    }
    std::fill(out, out + p.bottom * padded_row, 0.0f);
  });
}

}  // namespace ropeway::cpu
