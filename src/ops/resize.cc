#include <algorithm>
#include <cmath>

#include "ops/convert.h"
#include "ops/operator.h"
#include "ops/shape_util.h"

namespace ropeway {
namespace {

// The two pixels that one of the output lies between, and the weight of the second.
struct Between {
  int64_t first = 0, second = 0;
  double weight = 0;
};

// T: what positions are computed in.
template <class T>
Between between(const ResizeParams& p, int64_t i, int64_t size, int64_t output_size, double scale) {
  T step = scale > 0 ? static_cast<T>(1 / scale) : static_cast<T>(size) / static_cast<T>(output_size);
  if (p.align_corners) step = output_size > 1 ? static_cast<T>(size - 1) / static_cast<T>(output_size - 1) : T{0};
  const bool nearest = p.mode == "nearest";
  const T half = static_cast<T>(0.5);
  const T position = nearest || p.align_corners ? static_cast<T>(i) * step : std::max(T{0}, step * (static_cast<T>(i) + half) - half);
  // In 16 bits a position may be infinite, or not a number.
  const auto at = static_cast<double>(position);
  const int64_t first = at < static_cast<double>(size) ? static_cast<int64_t>(std::floor(at)) : size - 1;
  if (nearest) return {first, first, 0};
  return {first, std::min(first + 1, size - 1), std::clamp(static_cast<double>(position) - static_cast<double>(first), 0.0, 1.0)};
}

template <class T>
std::vector<Between> positions(const ResizeParams& p, int64_t size, int64_t output_size, double scale) {
  std::vector<Between> result;
  for (int64_t i = 0; i < output_size; ++i) result.push_back(between<T>(p, i, size, output_size, scale));
  return result;
}

}  // namespace

std::vector<TensorType> infer_Resize(const ResizeParams& p, const InputTypes& in) {
  const Shape& x = in[0]->shape;
  expect_float("Resize", "X", *in[0]);
  expect(x.size() == 4 && p.output_size.size() == 2, "Resize: an input of {} to [{}]; images [N, C, height, width] are resized", to_string(*in[0]), fmt::join(p.output_size, ","));
  expect(p.mode == "nearest" || p.mode == "linear", "Resize: mode '{}' is neither nearest nor linear", p.mode);
  expect(p.mode == "linear" || !p.align_corners, "Resize: align_corners has no meaning for the mode nearest");
  expect(x[2] > 0 && x[3] > 0, "Resize: X is {}, an empty image", to_string(*in[0]));
  for (const int64_t size : p.output_size) expect(size > 0 && size < (int64_t{1} << 31), "Resize: output_size [{}] is not possible", fmt::join(p.output_size, ","));
  for (const double scale : {p.scale_h, p.scale_w}) expect(scale == 0 || (scale > 1e-9 && scale < 1e9), "Resize: a scale of {} is not possible", scale);
  return {{in[0]->dtype, {x[0], x[1], p.output_size[0], p.output_size[1]}}};
}

void reference_Resize(const ResizeParams& p, const InputTensors& in, std::span<Tensor> out) {
  const Shape& shape = in[0]->shape();
  const int64_t image = shape[2] * shape[3];
  visit_float(in[0]->dtype(), [&]<class T>() {
    const auto x = in[0]->data<T>();
    // In the image's own dtype, as PyTorch does, where one pixel is chosen: in another, at a border between two, it would be the other one.
    const auto along = [&](size_t d, double scale) {
      const int64_t from = shape[d + 2], to = p.output_size[d];
      return p.mode == "nearest" ? positions<T>(p, from, to, scale) : positions<double>(p, from, to, scale);
    };
    const std::vector<Between> rows = along(0, p.scale_h), columns = along(1, p.scale_w);
    T* to = out[0].data<T>().data();
    for (int64_t plane = 0; plane < shape[0] * shape[1]; ++plane) {
      const T* const from = x.data() + plane * image;
      for (const Between& row : rows) {
        const T *const above = from + row.first * shape[3], *const below = from + row.second * shape[3];
        for (const Between& column : columns) {
          if (p.mode == "nearest") {
            *to++ = above[column.first];
            continue;
          }
          const auto mixed = [&](const T* line) { return static_cast<double>(line[column.first]) * (1 - column.weight) + static_cast<double>(line[column.second]) * column.weight; };
          *to++ = static_cast<T>(mixed(above) * (1 - row.weight) + mixed(below) * row.weight);
        }
      }
    }
  });
}

}  // namespace ropeway
