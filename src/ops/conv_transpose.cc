#include <algorithm>
#include <utility>

#include "ops/convert.h"
#include "ops/operator.h"
#include "ops/shape_util.h"
#include "ops/window.h"

namespace ropeway {
namespace {

Window window_of(const ConvTransposeParams& p, const Shape& weight) { return {{weight.begin() + 2, weight.end()}, p.strides, p.pads, p.dilations}; }

// Where one tap of the kernel adds to: for every line of the input (its last dimension) that meets the output, the first elements of both lines, and the
// elements of the line that stay inside.
struct Tap {
  std::vector<std::pair<int64_t, int64_t>> lines;
  int64_t first = 0, end = 0, shift = 0;
};

Tap make_tap(const Window& window, const Shape& tap, const Shape& in, const Shape& out) {
  Tap result;
  const size_t last = in.size() - 1;
  const Shape rows(in.begin(), in.end() - 1);
  for (IndexWalk row(rows, {strides_of(rows)}); !row.done(); row.next()) {
    int64_t at = 0;
    bool inside = true;
    for (size_t d = 0; d < last; ++d) {
      const int64_t position = window.position(d, row.index()[d], tap[d]);
      inside &= position >= 0 && position < out[d];
      at = at * out[d] + position;
    }
    if (inside) result.lines.emplace_back(row.offset(0) * in[last], at * out[last]);
  }
  result.shift = window.position(last, 0, tap[last]);
  const auto inside = [&](int64_t i) { return i * window.strides[last] + result.shift; };
  while (result.first < in[last] && inside(result.first) < 0) ++result.first;
  result.end = in[last];
  while (result.end > result.first && inside(result.end - 1) >= out[last]) --result.end;
  return result;
}

}  // namespace

std::vector<TensorType> infer_ConvTranspose(const ConvTransposeParams& p, const InputTypes& in) {
  const Shape& x = in[0]->shape;
  const Shape& w = in[1]->shape;
  expect(x.size() >= 3 && x.size() == w.size(), "ConvTranspose: X [{}] and W [{}] need the same rank, 3 to 5", fmt::join(x, ","), fmt::join(w, ","));
  expect_float("ConvTranspose", "X", *in[0]);
  expect_dtype("ConvTranspose", "W", *in[1], in[0]->dtype);
  expect(p.group >= 1 && w[0] == x[1] && x[1] % p.group == 0, "ConvTranspose: W [{}] takes {} channels in {} groups, but X [{}] has {}", fmt::join(w, ","), w[0], p.group, fmt::join(x, ","), x[1]);
  const int64_t outputs = element_count(std::vector{w[1], p.group});
  if (in[2] != nullptr) {
    expect_dtype("ConvTranspose", "B", *in[2], in[0]->dtype);
    expect(in[2]->shape == Shape{outputs}, "ConvTranspose: B is {}, but [{}] is expected", to_string(*in[2]), outputs);
  }
  const Window window = window_of(p, w);
  const size_t spatial = x.size() - 2;
  window.check("ConvTranspose", spatial);
  expect(p.output_padding.size() == spatial, "ConvTranspose: output_padding has {} numbers where {} are needed", p.output_padding.size(), spatial);
  Shape out = {x[0], outputs};
  for (size_t d = 0; d < spatial; ++d) {
    const int64_t more = p.output_padding[d];
    expect(more >= 0 && more < std::max(p.strides[d], p.dilations[d]), "ConvTranspose: an output_padding of {} must be less than the stride or the dilation", more);
    expect(x[d + 2] > 0, "ConvTranspose: X is {}, an empty image", to_string(*in[0]));
    const int64_t wide = element_count(std::vector{x[d + 2] - 1, p.strides[d]});
    const int64_t size = wide + window.extent(d) + more - p.pads[d] - p.pads[d + spatial];
    expect(size > 0, "ConvTranspose: the padding leaves nothing of the output along spatial dimension {}", d);
    out.push_back(size);
  }
  return {{in[0]->dtype, std::move(out)}};
}

void reference_ConvTranspose(const ConvTransposeParams& p, const InputTensors& in, std::span<Tensor> out) {
  const Shape &x = in[0]->shape(), &w = in[1]->shape(), &y = out[0].shape();
  const Shape in_spatial(x.begin() + 2, x.end()), out_spatial(y.begin() + 2, y.end());
  const int64_t in_image = element_count(in_spatial), out_image = element_count(out_spatial), channels = x[1] / p.group;
  const Window window = window_of(p, w);
  const int64_t stride = p.strides.back();
  std::vector<Tap> taps;
  for (IndexWalk tap(window.kernel, {}); !tap.done(); tap.next()) taps.push_back(make_tap(window, tap.index(), in_spatial, out_spatial));

  visit_float(in[0]->dtype(), [&]<class T>() {
    const auto image = in[0]->data<T>(), weight = in[1]->data<T>();
    std::vector<double> sums(static_cast<size_t>(out_image));
    for (int64_t plane = 0; plane < y[0] * y[1]; ++plane) {
      const int64_t n = plane / y[1], m = plane % y[1], group = m / w[1];
      std::fill(sums.begin(), sums.end(), in[2] == nullptr ? 0 : static_cast<double>(in[2]->data<T>()[static_cast<size_t>(m)]));
      for (int64_t c = group * channels; c < (group + 1) * channels; ++c) {
        const T* const from = image.data() + (n * x[1] + c) * in_image;
        for (size_t t = 0; t < taps.size(); ++t) {
          const auto factor = static_cast<double>(weight[static_cast<size_t>(c * w[1] + m % w[1]) * taps.size() + t]);
          for (const auto& [in_line, out_line] : taps[t].lines) {
            double* const to = sums.data() + out_line;
            for (int64_t i = taps[t].first; i < taps[t].end; ++i) to[i * stride + taps[t].shift] += factor * static_cast<double>(from[in_line + i]);
          }
        }
      }
      std::transform(sums.begin(), sums.end(), out[0].data<T>().data() + plane * out_image, [](double sum) { return static_cast<T>(sum); });
    }
  });
}

}  // namespace ropeway
