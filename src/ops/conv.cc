#include "ops/convert.h"
#include "ops/operator.h"
#include "ops/shape_util.h"
#include "ops/window.h"

namespace ropeway {
namespace {

Window window_of(const ConvParams& p, const Shape& weight) { return {{weight.begin() + 2, weight.end()}, p.strides, p.pads, p.dilations}; }

}  // namespace

std::vector<TensorType> infer_Conv(const ConvParams& p, const InputTypes& in) {
  const Shape& x = in[0]->shape;
  const Shape& w = in[1]->shape;
  expect(x.size() >= 3 && x.size() == w.size(), "Conv: X [{}] and W [{}] need the same rank, 3 to 5", fmt::join(x, ","), fmt::join(w, ","));
  expect_float("Conv", "X", *in[0]);
  expect_dtype("Conv", "W", *in[1], in[0]->dtype);
  expect(p.group >= 1 && w[0] % p.group == 0, "Conv: the {} output channels of W [{}] do not divide into {} groups", w[0], fmt::join(w, ","), p.group);
  expect(x[1] % p.group == 0 && x[1] / p.group == w[1], "Conv: W [{}] takes {} channels in each of {} groups, but X [{}] has {} in all", fmt::join(w, ","), w[1], p.group, fmt::join(x, ","), x[1]);
  if (in[2] != nullptr) {
    expect_dtype("Conv", "B", *in[2], in[0]->dtype);
    expect(in[2]->shape == Shape{w[0]}, "Conv: B is {}, but [{}] is expected", to_string(*in[2]), w[0]);
  }
  const Window window = window_of(p, w);
  window.check("Conv", x.size() - 2);
  Shape out = {x[0], w[0]};
  for (size_t d = 0; d + 2 < x.size(); ++d) out.push_back(window.output_size("Conv", d, x[d + 2], false));
  return {{in[0]->dtype, std::move(out)}};
}

void reference_Conv(const ConvParams& p, const InputTensors& in, std::span<Tensor> out) {
  const Shape& x = in[0]->shape();
  const Shape& w = in[1]->shape();
  const Window window = window_of(p, w);
  const Shape spatial(x.begin() + 2, x.end());
  const int64_t in_image = element_count(spatial), taps = element_count(window.kernel);
  const int64_t outputs_per_group = w[0] / p.group;
  visit_float(in[0]->dtype(), [&]<class T>() {
    const auto image = in[0]->data<T>();
    const auto weight = in[1]->data<T>();
    const auto result = out[0].data<T>();
    for (IndexWalk o(out[0].shape(), {strides_of(out[0].shape())}); !o.done(); o.next()) {
      const int64_t n = o.index()[0], m = o.index()[1];
      double sum = in[2] == nullptr ? 0 : static_cast<double>(in[2]->data<T>()[static_cast<size_t>(m)]);
      for (IndexWalk tap(window.kernel, {strides_of(window.kernel)}); !tap.done(); tap.next()) {
        int64_t at = 0;
        bool inside = true;
        for (size_t d = 0; d < spatial.size(); ++d) {
          const int64_t position = window.position(d, o.index()[d + 2], tap.index()[d]);
          inside &= position >= 0 && position < spatial[d];
          at = at * spatial[d] + position;
        }
        if (!inside) continue;
        for (int64_t c = 0; c < w[1]; ++c) {
          const int64_t channel = m / outputs_per_group * w[1] + c;
          sum += static_cast<double>(image[static_cast<size_t>((n * x[1] + channel) * in_image + at)]) * static_cast<double>(weight[static_cast<size_t>((m * w[1] + c) * taps + tap.offset(0))]);
        }
      }
      result[static_cast<size_t>(o.offset(0))] = static_cast<T>(sum);
    }
  });
}

}  // namespace ropeway
