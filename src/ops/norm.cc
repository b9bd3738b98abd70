#include <cmath>

#include "ops/convert.h"
#include "ops/operator.h"
#include "ops/shape_util.h"

namespace ropeway {
namespace {

constexpr const char* kBatchInputs[] = {"X", "scale", "B", "mean", "var"};
constexpr const char* kLayerInputs[] = {"X", "scale", "B"};

}  // namespace

std::vector<TensorType> infer_BatchNormalization(const EpsilonParams&, const InputTypes& in) {
  const Shape& x = in[0]->shape;
  expect(x.size() >= 2, "BatchNormalization: an input of [{}] has no channels", fmt::join(x, ","));
  expect_float("BatchNormalization", "X", *in[0]);
  for (size_t i = 1; i < 5; ++i) {
    expect(in[i]->shape == Shape{x[1]} && in[i]->dtype == in[0]->dtype, "BatchNormalization: {} is {}, but {}[{}] is expected", kBatchInputs[i], to_string(*in[i]), name(in[0]->dtype), x[1]);
  }
  return {*in[0]};
}

void reference_BatchNormalization(const EpsilonParams& p, const InputTensors& in, std::span<Tensor> out) {
  const AxisSplit channels(in[0]->shape(), 1);
  visit_float(in[0]->dtype(), [&]<class T>() {
    const auto x = in[0]->data<T>();
    for (size_t i = 0; i < x.size(); ++i) {
      const size_t c = i / static_cast<size_t>(channels.inner) % static_cast<size_t>(channels.size);
      const auto parameter = [&](size_t input) { return static_cast<double>(in[input]->data<T>()[c]); };
      out[0].data<T>()[i] = static_cast<T>((static_cast<double>(x[i]) - parameter(3)) / std::sqrt(parameter(4) + p.epsilon) * parameter(1) + parameter(2));
    }
  });
}

std::vector<TensorType> infer_LayerNormalization(const NormParams& p, const InputTypes& in) {
  const Shape& x = in[0]->shape;
  expect_float("LayerNormalization", "X", *in[0]);
  expect_axis("LayerNormalization", p.axis, x.size());
  const Shape normalised(x.begin() + p.axis, x.end());
  for (size_t i = 1; i < 3; ++i) {
    if (in[i] == nullptr) continue;
    expect(in[i]->dtype == in[0]->dtype && in[i]->shape == normalised, "LayerNormalization: {} is {}, but {}[{}] is expected", kLayerInputs[i], to_string(*in[i]), name(in[0]->dtype), fmt::join(normalised, ","));
  }
  return {*in[0]};
}

void reference_LayerNormalization(const NormParams& p, const InputTensors& in, std::span<Tensor> out) {
  const Shape& shape = in[0]->shape();
  const auto width = static_cast<size_t>(element_count(std::span(shape).subspan(static_cast<size_t>(p.axis))));
  visit_float(in[0]->dtype(), [&]<class T>() {
    const auto x = in[0]->data<T>();
    for (size_t begin = 0; width > 0 && begin < x.size(); begin += width) {
      double mean = 0, variance = 0;
      for (size_t i = 0; i < width; ++i) mean += static_cast<double>(x[begin + i]) / static_cast<double>(width);
      for (size_t i = 0; i < width; ++i) variance += std::pow(static_cast<double>(x[begin + i]) - mean, 2) / static_cast<double>(width);
      for (size_t i = 0; i < width; ++i) {
        double value = (static_cast<double>(x[begin + i]) - mean) / std::sqrt(variance + p.epsilon);
        if (in[1] != nullptr) value *= static_cast<double>(in[1]->data<T>()[i]);
        if (in[2] != nullptr) value += static_cast<double>(in[2]->data<T>()[i]);
        out[0].data<T>()[begin + i] = static_cast<T>(value);
      }
    }
  });
}

}  // namespace ropeway
