#include <algorithm>
#include <cmath>
#include <limits>

#include "ops/convert.h"
#include "ops/operator.h"
#include "ops/shape_util.h"

namespace ropeway {
namespace {

std::vector<TensorType> infer_along(const char* op, const AxisParams& p, const TensorType& input) {
  expect_float(op, "X", input);
  expect_axis(op, p.axis, input.shape.size());
  return {input};
}

// Calls f(x − max, Σ e^(x − max)) for every element, along the axis.
template <class F>
void along(const AxisParams& p, const Tensor& in, Tensor& out, F&& f) {
  const AxisSplit split(in.shape(), p.axis);
  visit_float(in.dtype(), [&]<class T>() {
    const auto x = in.data<T>();
    const auto y = out.data<T>();
    for (int64_t line = 0; line < split.outer * split.inner; ++line) {
      const auto at = [&](int64_t i) { return static_cast<size_t>((line / split.inner * split.size + i) * split.inner + line % split.inner); };
      double largest = -std::numeric_limits<double>::infinity(), sum = 0;
      for (int64_t i = 0; i < split.size; ++i) largest = std::max(largest, static_cast<double>(x[at(i)]));
      for (int64_t i = 0; i < split.size; ++i) sum += std::exp(static_cast<double>(x[at(i)]) - largest);
      for (int64_t i = 0; i < split.size; ++i) y[at(i)] = static_cast<T>(f(static_cast<double>(x[at(i)]) - largest, sum));
    }
  });
}

}  // namespace

std::vector<TensorType> infer_Softmax(const AxisParams& p, const InputTypes& in) { return infer_along("Softmax", p, *in[0]); }
std::vector<TensorType> infer_LogSoftmax(const AxisParams& p, const InputTypes& in) { return infer_along("LogSoftmax", p, *in[0]); }
void reference_Softmax(const AxisParams& p, const InputTensors& in, std::span<Tensor> out) {
  along(p, *in[0], out[0], [](double x, double sum) { return std::exp(x) / sum; });
}
void reference_LogSoftmax(const AxisParams& p, const InputTensors& in, std::span<Tensor> out) {
  along(p, *in[0], out[0], [](double x, double sum) { return x - std::log(sum); });
}

}  // namespace ropeway
