#include "cpu/kernels/winograd.h"

#include <algorithm>

#include "cpu/kernels/cook_toom.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/kernels/winograd.cc"
#include <hwy/foreach_target.h>
#include "cpu/kernels/clamp-inl.h"
#include "cpu/kernels/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ropeway::cpu {
namespace HWY_NAMESPACE {

template <int m, int r>
struct InputMatrix {
  static constexpr auto kValue = CookToom<m, r>::input();
};
template <int m, int r>
struct FilterMatrix {
  static constexpr auto kValue = CookToom<m, r>::filter();
};
template <int m, int r>
struct OutputMatrix {
  static constexpr auto kValue = CookToom<m, r>::output();
};

// sum (+)= row kRow of the matrix times x, from kColumn on. Coefficients are known when compiling: no work for 0, no product for ±1.
template <class Matrix, int kRow, int kColumn, bool kStarted>
HWY_INLINE void add_products(const V* x, V& sum) {
  if constexpr (kColumn < static_cast<int>(Matrix::kValue[0].size())) {
    constexpr auto c = static_cast<float>(Matrix::kValue[kRow][kColumn]);
    if constexpr (c == 1) {
      sum = kStarted ? hn::Add(sum, x[kColumn]) : x[kColumn];
    } else if constexpr (c == -1 && kStarted) {
      sum = hn::Sub(sum, x[kColumn]);
    } else if constexpr (c != 0) {
      sum = kStarted ? hn::MulAdd(set(c), x[kColumn], sum) : hn::Mul(set(c), x[kColumn]);
    }
    add_products<Matrix, kRow, kColumn + 1, kStarted || c != 0>(x, sum);
  }
}

// y = matrix · x.
template <class Matrix, int kRow = 0>
HWY_INLINE void multiply(const V* x, V* y) {
  if constexpr (kRow < static_cast<int>(Matrix::kValue.size())) {
    add_products<Matrix, kRow, 0, false>(x, y[kRow]);
    multiply<Matrix, kRow + 1>(x, y);
  }
}

template <int kPairs>
HWY_INLINE void butterfly(V* x) {
#pragma GCC unroll 4
  for (int i = 1; i < 2 * kPairs; i += 2) {
    const V even = x[i], odd = x[i + 1];
    x[i] = hn::Add(even, odd);
    x[i + 1] = hn::Sub(even, odd);
  }
}

// One tile of one block: n × n pixels, rows `row_stride` floats apart.
template <int m, int r>
HWY_INLINE void input_tile(const float* from, int64_t row_stride, float* to, int64_t point_stride) {
  using Points = CookToom<m, r>;
  constexpr int n = Points::kPoints;
  for (int lane = 0; lane < 16; lane += static_cast<int>(kLanes)) {
    V columns[n][n];
    for (int x = 0; x < n; ++x) {
      V in[n], out[n];
#pragma GCC unroll 8
      for (int y = 0; y < n; ++y) in[y] = load(from + y * row_stride + x * 16 + lane);
      multiply<InputMatrix<m, r>>(in, out);
      butterfly<Points::kPairs>(out);
#pragma GCC unroll 8
      for (int y = 0; y < n; ++y) columns[y][x] = out[y];
    }
    for (int y = 0; y < n; ++y) {
      V out[n];
      multiply<InputMatrix<m, r>>(columns[y], out);
      butterfly<Points::kPairs>(out);
      float* point = to + y * n * point_stride + lane;
#pragma GCC unroll 8
      for (int x = 0; x < n; ++x, point += point_stride) store(out[x], point);
    }
  }
}

template <int m, int r>
void all_inputs(const WinogradInput& p) {
  constexpr int n = CookToom<m, r>::kPoints;
  const WinogradImages& images = p.images;
  const int64_t row_stride = images.width * 16;
  for (int64_t block = p.first_block; block < p.last_block; ++block) {
    for (int64_t i = 0; i < p.count; ++i) {
      const int64_t tile = p.first + i, across = tile % images.tiles_across, down = tile / images.tiles_across % images.tiles_down;
      const float* plane = p.from + tile / (images.tiles_across * images.tiles_down) * images.image_stride + block * images.plane_stride;
      const int64_t y = down * m - p.top, x = across * m - p.left;
      float* to = p.to + (block * p.count + i) * 16;
      if (y >= 0 && x >= 0 && y + n <= images.height && x + n <= images.width) {
        input_tile<m, r>(plane + y * row_stride + x * 16, row_stride, to, p.point_stride);
        continue;
      }
      HWY_ALIGN float edge[n * n * 16];
      std::fill(edge, edge + n * n * 16, 0.0f);
      const int64_t left = std::max<int64_t>(x, 0), right = std::min<int64_t>(x + n, images.width);
      for (int64_t row = std::max<int64_t>(y, 0); row < std::min<int64_t>(y + n, images.height) && left < right; ++row) {
        std::copy(plane + row * row_stride + left * 16, plane + row * row_stride + right * 16, edge + ((row - y) * n + left - x) * 16);
      }
      input_tile<m, r>(edge, n * 16, to, p.point_stride);
    }
  }
}

// One tile of one block; rows and columns beyond the image's edges are left out.
template <int m, int r>
HWY_INLINE void output_tile(const float* from, int64_t point_stride, const WinogradOutput& p, const float* bias, const float* residual, float* to, int64_t rows, int64_t columns) {
  using Points = CookToom<m, r>;
  constexpr int n = Points::kPoints;
  for (int lane = 0; lane < 16; lane += static_cast<int>(kLanes)) {
    V half[m][n];
    for (int x = 0; x < n; ++x) {
      V in[n], out[m];
#pragma GCC unroll 8
      for (int y = 0; y < n; ++y) in[y] = load(from + (y * n + x) * point_stride + lane);
      butterfly<Points::kPairs>(in);
      multiply<OutputMatrix<m, r>>(in, out);
#pragma GCC unroll 8
      for (int y = 0; y < m; ++y) half[y][x] = out[y];
    }
    const V added = load(bias + lane), low = set(p.low), high = set(p.high);
    for (int64_t y = 0; y < rows; ++y) {
      V out[m];
      butterfly<Points::kPairs>(half[y]);
      multiply<OutputMatrix<m, r>>(half[y], out);
      const int64_t at = y * p.images.width * 16 + lane;
#pragma GCC unroll 8
      for (int x = 0; x < m; ++x) {
        if (x >= columns) break;
        V sum = hn::Add(out[x], added);
        if (residual != nullptr) sum = hn::Add(sum, load(residual + at + x * 16));
        store(clamped(sum, low, high), to + at + x * 16);
      }
    }
  }
}

template <int m, int r>
void all_outputs(const WinogradOutput& p) {
  const WinogradImages& images = p.images;
  for (int64_t block = 0; block < p.blocks; ++block) {
    for (int64_t i = 0; i < p.count; ++i) {
      const int64_t tile = p.first + i, across = tile % images.tiles_across, down = tile / images.tiles_across % images.tiles_down;
      const int64_t at = tile / (images.tiles_across * images.tiles_down) * images.image_stride + block * images.plane_stride + (down * m * images.width + across * m) * 16;
      output_tile<m, r>(p.from + (block * p.count + i) * 16, p.point_stride, p, p.bias + block * 16, p.residual == nullptr ? nullptr : p.residual + at, p.to + at,
                        std::min<int64_t>(m, images.height - down * m), std::min<int64_t>(m, images.width - across * m));
    }
  }
}

template <int m, int r>
void filter(const float* taps, float* to, int64_t point_stride) {
  using Points = CookToom<m, r>;
  constexpr int n = Points::kPoints;
  for (int lane = 0; lane < 16; lane += static_cast<int>(kLanes)) {
    V columns[n][r];
    for (int x = 0; x < r; ++x) {
      V in[r], out[n];
#pragma GCC unroll 8
      for (int y = 0; y < r; ++y) in[y] = load(taps + (y * r + x) * 16 + lane);
      multiply<FilterMatrix<m, r>>(in, out);
      butterfly<Points::kPairs>(out);
#pragma GCC unroll 8
      for (int y = 0; y < n; ++y) columns[y][x] = out[y];
    }
    for (int y = 0; y < n; ++y) {
      V out[n];
      multiply<FilterMatrix<m, r>>(columns[y], out);
      butterfly<Points::kPairs>(out);
#pragma GCC unroll 8
      for (int x = 0; x < n; ++x) store(out[x], to + (y * n + x) * point_stride + lane);
    }
  }
}

void input(WinogradForm form, const WinogradInput& p) {
  switch (form) {
    case WinogradForm::f2x3: return all_inputs<2, 3>(p);
    case WinogradForm::f4x3: return all_inputs<4, 3>(p);
    case WinogradForm::f4x4: return all_inputs<4, 4>(p);
    case WinogradForm::f3x5: return all_inputs<3, 5>(p);
  }
}

void output(WinogradForm form, const WinogradOutput& p) {
  switch (form) {
    case WinogradForm::f2x3: return all_outputs<2, 3>(p);
    case WinogradForm::f4x3: return all_outputs<4, 3>(p);
    case WinogradForm::f4x4: return all_outputs<4, 4>(p);
    case WinogradForm::f3x5: return all_outputs<3, 5>(p);
  }
}

void filters(WinogradForm form, const float* taps, float* to, int64_t point_stride) {
  switch (form) {
    case WinogradForm::f2x3: return filter<2, 3>(taps, to, point_stride);
    case WinogradForm::f4x3: return filter<4, 3>(taps, to, point_stride);
    case WinogradForm::f4x4: return filter<4, 4>(taps, to, point_stride);
    case WinogradForm::f3x5: return filter<3, 5>(taps, to, point_stride);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace ropeway::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ropeway::cpu {

HWY_EXPORT(input);
HWY_EXPORT(output);
HWY_EXPORT(filters);
void winograd_input(WinogradForm form, const WinogradInput& p) { HWY_DYNAMIC_DISPATCH(input)(form, p); }
void winograd_output(WinogradForm form, const WinogradOutput& p) { HWY_DYNAMIC_DISPATCH(output)(form, p); }
void winograd_filter(WinogradForm form, const float* taps, float* to, int64_t point_stride) { HWY_DYNAMIC_DISPATCH(filters)(form, taps, to, point_stride); }

WinogradSizes winograd_sizes(WinogradForm form) {
  switch (form) {
    case WinogradForm::f2x3: return {2, 3};
    case WinogradForm::f4x3: return {4, 3};
    case WinogradForm::f4x4: return {4, 4};
    case WinogradForm::f3x5: return {3, 5};
  }
  return {};
}

}  // namespace ropeway::cpu
#endif  // HWY_ONCE
