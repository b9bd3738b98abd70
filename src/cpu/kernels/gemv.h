// y = W x + b for one x: bound by the memory bus, so W is read once, in as few bits as it is stored in.
#pragma once

#include <cstdint>

namespace ropeway::cpu {

// y[n] = Σ_k w[n · depth + k] · x[k] + bias[n], for n in [begin, end); bias may be nullptr. W is read as it lies: row-major.
// Four rows are streamed together: that reaches the bus (27 to 30 GB/s where one row at a time gives 16 to 22).
void multiply_vector(const float* w, const float* x, const float* bias, float* y, int64_t depth, int64_t begin, int64_t end);

// The same from 16-bit floats, added up in 32 bits. Rows lie in groups of kHalfRows, whatever the vector width: [⌈rows / 8⌉][⌈depth / 16⌉][8][16], so that a group is
// one stream: 25 GB/s on a thread where rows as they lie give 21. Rows and elements beyond the last are zeros.
inline constexpr int64_t kHalfRows = 8;
inline constexpr int64_t kHalfElements = 16;

// 16-bit floats that `rows` rows take up.
int64_t packed_half_size(int64_t rows, int64_t depth);
// Some rows of W, and of these some elements: element k of row n is w[(n - first_row) · row_stride + (k - first_k) · k_stride].
struct HalfPart {
  const float* w;
  int64_t row_stride, k_stride;
  int64_t first_row, rows;     // the first a multiple of kHalfRows; so many of them that the next part's, too, is one, unless there is none
  int64_t first_k, elements;   // the same, of kHalfElements
};
// `packed` is where row 0 lies.
void pack_half(const HalfPart& part, int64_t depth, uint16_t* packed);
// As multiply_vector; begin is a multiple of kHalfRows.
void multiply_vector_half(const uint16_t* packed, const float* x, const float* bias, float* y, int64_t depth, int64_t begin, int64_t end);

}  // namespace ropeway::cpu
