// The microkernel that convolutions, fully connected layers and attention share: a panel of C = A · B + bias + residual, clamped.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

namespace ropeway::cpu {

// B is packed in blocks of 16 columns, one behind the other: block[k][16]. Columns beyond the matrix are zero. A panel is two of them, the last one of a matrix maybe one.
inline constexpr int64_t kPanelColumns = 32;
inline constexpr int64_t kBlockColumns = 16;

// A is never copied: element (m, k) is a[row_offsets[m] + k_offsets[k]]. For a convolution, rows are output pixels and k runs over channels and taps;
// for a matrix, rows are its rows and k_offsets count up. That is the whole difference between the two.
// Without row_offsets, A is blocked as images are: element (m, k) is a[m · 16 + (k / 16) · a_block_stride + k % 16], which needs no look-up.
struct Panel {
  const float* a = nullptr;
  const int32_t* row_offsets = nullptr;  // [rows], or nullptr
  const int32_t* k_offsets = nullptr;    // [depth], or nullptr with row_offsets
  int64_t a_block_stride = 0;
  int64_t rows = 0;
  int64_t depth = 0;
  const float* b = nullptr;  // packed
  const uint16_t* b_half = nullptr;  // in place of b: the same in 16-bit floats

  float* c = nullptr;        // element (m, n) is c[m · c_row_stride + (n / 16) · c_block_stride + n % 16]
  int64_t c_row_stride = 0;
  int64_t c_block_stride = 0;
  int64_t columns = 0;       // 1 to 32: of one block, or of two

  const float* bias = nullptr;      // of whole blocks, or nullptr
  const float* residual = nullptr;  // addressed as c, or nullptr
  float low = -std::numeric_limits<float>::infinity();
  float high = std::numeric_limits<float>::infinity();
};

// AVX-512 holds tiles of 28 rows by 1 vector, or 14 by 2 with row_offsets, AVX2 6 by 2, NEON 6 by 4, others 2 by 4: with AVX-512 products of 49 rows and more were measured at 87 to 93 % of
// the fp32 peak, from 64 k on.
void multiply_panel(const Panel& panel);

// Offsets 0, stride, 2 · stride …, as row_offsets and k_offsets of a matrix.
inline std::vector<int32_t> multiples(int64_t count, int64_t stride) {
  std::vector<int32_t> result(static_cast<size_t>(count));
  for (size_t i = 0; i < result.size(); ++i) result[i] = static_cast<int32_t>(static_cast<int64_t>(i) * stride);
  return result;
}

// The panel's columns, of `columns` in all, from `column` on, where C is row-major.
inline void describe_columns(Panel& panel, int64_t column, int64_t columns, int64_t c_row_stride) {
  panel.columns = std::min(kPanelColumns, columns - column);
  panel.c_row_stride = c_row_stride;
  panel.c_block_stride = kBlockColumns;
}

// Floats of `columns` columns packed at `depth`: whole blocks of 16.
inline int64_t packed_size(int64_t depth, int64_t columns) { return depth * ((columns + kBlockColumns - 1) / kBlockColumns) * kBlockColumns; }
// Offset of the block that begins at `column` (a multiple of 16).
inline int64_t block_offset(int64_t depth, int64_t column) { return depth * column; }

// Packs B: element (k, n) is b[k · k_stride + n · n_stride]. `to` has packed_size(depth, columns) floats.
void pack_blocks(const float* b, int64_t k_stride, int64_t n_stride, int64_t depth, int64_t columns, float* to);

}  // namespace ropeway::cpu
