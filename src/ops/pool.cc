#include <algorithm>
#include <limits>

#include "ops/convert.h"
#include "ops/operator.h"
#include "ops/shape_util.h"
#include "ops/window.h"

namespace ropeway {
namespace {

Window window_of(const PoolParams& p) { return {p.kernel_shape, p.strides, p.pads, p.dilations}; }

std::vector<TensorType> infer_pool(const char* op, const PoolParams& p, const TensorType& input) {
  expect(input.shape.size() >= 3, "{}: an input of [{}] has no spatial dimension", op, fmt::join(input.shape, ","));
  const size_t spatial = input.shape.size() - 2;
  const Window window = window_of(p);
  window.check(op, spatial);
  expect(p.divisor >= 0, "{}: divisor {} is negative", op, p.divisor);
  Shape out = {input.shape[0], input.shape[1]};
  for (size_t d = 0; d + 2 < input.shape.size(); ++d) {
    const int64_t pad = std::max(p.pads[d], p.pads[d + spatial]);
    expect(pad < window.extent(d), "{}: a padding of {} makes windows of {} that see padding alone, along spatial dimension {}", op, pad, window.extent(d), d);
    expect(input.shape[d + 2] > 0, "{}: X is {}, an empty image", op, to_string(input));
    out.push_back(window.output_size(op, d, input.shape[d + 2], p.ceil_mode));
  }
  return {{input.dtype, std::move(out)}};
}

// The taps of one window that lie in [0, size) along dimension d: at most as many as the image is long, however large the window.
struct Taps {
  int64_t first, count;
  Taps(const Window& window, size_t d, int64_t output, int64_t size) {
    const int64_t start = window.position(d, output, 0), step = window.dilations[d];
    first = start < 0 ? (-start + step - 1) / step : 0;
    const int64_t end = start < size ? std::min(window.kernel[d], (size - 1 - start) / step + 1) : 0;
    count = std::max<int64_t>(end - first, 0);
  }
};

// Calls reduce(output, first element of the channel, positions inside the image, number of taps inside image and padding) for every output element.
template <class Reduce>
void for_each_window(const PoolParams& p, const Shape& in, const Shape& out, Reduce&& reduce) {
  const Window window = window_of(p);
  const Shape spatial(in.begin() + 2, in.end());
  const int64_t image = element_count(spatial);
  std::vector<int64_t> inside;
  for (IndexWalk o(out, {strides_of(out)}); !o.done(); o.next()) {
    inside.clear();
    double padded = 1;
    Shape begin, count;
    for (size_t d = 0; d < spatial.size(); ++d) {
      const int64_t i = o.index()[d + 2];
      const Taps taps(window, d, i, spatial[d]);
      begin.push_back(window.position(d, i, taps.first));
      count.push_back(taps.count);
      const int64_t room = spatial[d] + p.pads[d + spatial.size()] - window.position(d, i, 0);  // up to the end of the padding
      padded *= static_cast<double>(std::min(window.kernel[d], (room - 1) / window.dilations[d] + 1));
    }
    for (IndexWalk tap(count, {}); !tap.done(); tap.next()) {
      int64_t at = 0;
      for (size_t d = 0; d < spatial.size(); ++d) at = at * spatial[d] + begin[d] + tap.index()[d] * window.dilations[d];
      inside.push_back(at);
    }
    reduce(o.offset(0), (o.index()[0] * in[1] + o.index()[1]) * image, inside, padded);
  }
}

}  // namespace

std::vector<TensorType> infer_MaxPool(const PoolParams& p, const InputTypes& in) { return infer_pool("MaxPool", p, *in[0]); }
std::vector<TensorType> infer_MaxPoolIndices(const PoolParams& p, const InputTypes& in) {
  std::vector<TensorType> out = infer_pool("MaxPoolIndices", p, *in[0]);
  out[0].dtype = DType::i64;
  return out;
}
std::vector<TensorType> infer_AveragePool(const PoolParams& p, const InputTypes& in) {
  expect_float("AveragePool", "X", *in[0]);
  return infer_pool("AveragePool", p, *in[0]);
}

void reference_MaxPool(const PoolParams& p, const InputTensors& in, std::span<Tensor> out) {
  visit_dtype(in[0]->dtype(), [&]<class T>() {
    const auto x = in[0]->data<T>();
    const auto y = out[0].data<T>();
    for_each_window(p, in[0]->shape(), out[0].shape(), [&](int64_t o, int64_t channel, const std::vector<int64_t>& inside, double) {
      T best = std::numeric_limits<T>::has_infinity ? static_cast<T>(-std::numeric_limits<T>::infinity()) : std::numeric_limits<T>::lowest();
      for (const int64_t at : inside) {
        const T value = x[static_cast<size_t>(channel + at)];
        if (value > best || value != value) best = value;
        if (best != best) break;
      }
      y[static_cast<size_t>(o)] = best;
    });
  });
}

// As in PyTorch the first of equal maxima counts, but the last NaN.
void reference_MaxPoolIndices(const PoolParams& p, const InputTensors& in, std::span<Tensor> out) {
  visit_dtype(in[0]->dtype(), [&]<class T>() {
    const auto x = in[0]->data<T>();
    const auto y = out[0].data<int64_t>();
    for_each_window(p, in[0]->shape(), out[0].shape(), [&](int64_t o, int64_t channel, const std::vector<int64_t>& inside, double) {
      int64_t best = inside.empty() ? 0 : inside[0];
      for (const int64_t at : inside) {
        const T value = x[static_cast<size_t>(channel + at)];
        if (value > x[static_cast<size_t>(channel + best)] || value != value) best = at;
      }
      y[static_cast<size_t>(o)] = best;
    });
  });
}

void reference_AveragePool(const PoolParams& p, const InputTensors& in, std::span<Tensor> out) {
  visit_float(in[0]->dtype(), [&]<class T>() {
    const auto x = in[0]->data<T>();
    const auto y = out[0].data<T>();
    for_each_window(p, in[0]->shape(), out[0].shape(), [&](int64_t o, int64_t channel, const std::vector<int64_t>& inside, double padded) {
      double sum = 0;
      for (const int64_t at : inside) sum += static_cast<double>(x[static_cast<size_t>(channel + at)]);
      const double divisor = p.divisor != 0 ? static_cast<double>(p.divisor) : p.count_include_pad ? padded : static_cast<double>(inside.size());
      y[static_cast<size_t>(o)] = static_cast<T>(inside.empty() ? 0 : sum / divisor);
    });
  });
}

std::vector<TensorType> infer_AdaptiveAveragePool(const AdaptivePoolParams& p, const InputTypes& in) {
  const Shape& x = in[0]->shape;
  expect_float("AdaptiveAveragePool", "X", *in[0]);
  expect(x.size() >= 3 && p.output_size.size() + 2 == x.size(), "AdaptiveAveragePool: output_size [{}] does not fit an input of [{}]", fmt::join(p.output_size, ","), fmt::join(x, ","));
  Shape out = {x[0], x[1]};
  for (size_t d = 0; d < p.output_size.size(); ++d) {
    expect(p.output_size[d] >= 0 && p.output_size[d] < (int64_t{1} << 31), "AdaptiveAveragePool: output_size [{}] is not possible", fmt::join(p.output_size, ","));
    expect(x[d + 2] > 0, "AdaptiveAveragePool: an empty image [{}]", fmt::join(x, ","));
    out.push_back(p.output_size[d]);
  }
  return {{in[0]->dtype, std::move(out)}};
}

void reference_AdaptiveAveragePool(const AdaptivePoolParams& p, const InputTensors& in, std::span<Tensor> out) {
  const Shape& x = in[0]->shape();
  const Shape spatial(x.begin() + 2, x.end());
  visit_float(in[0]->dtype(), [&]<class T>() {
    const auto values = in[0]->data<T>();
    for (IndexWalk o(out[0].shape(), {strides_of(out[0].shape())}); !o.done(); o.next()) {
      Shape begin, size;
      for (size_t d = 0; d < spatial.size(); ++d) {
        const int64_t i = o.index()[d + 2], n = p.output_size[d];
        begin.push_back(i * spatial[d] / n);
        size.push_back(((i + 1) * spatial[d] + n - 1) / n - begin.back());
      }
      double sum = 0;
      for (IndexWalk cell(size, {}); !cell.done(); cell.next()) {
        int64_t at = o.index()[0] * x[1] + o.index()[1];
        for (size_t d = 0; d < spatial.size(); ++d) at = at * spatial[d] + begin[d] + cell.index()[d];
        sum += static_cast<double>(values[static_cast<size_t>(at)]);
      }
      out[0].data<T>()[static_cast<size_t>(o.offset(0))] = static_cast<T>(sum / static_cast<double>(element_count(size)));
    }
  });
}

}  // namespace ropeway
