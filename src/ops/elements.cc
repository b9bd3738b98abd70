// Operators that read or write single elements along one dimension, and running sums: GatherElements, ScatterElements, CumSum.
#include <type_traits>

#include "ops/convert.h"
#include "ops/operator.h"
#include "ops/shape_util.h"

namespace ropeway {
namespace {

void expect_indices(const char* op, int64_t axis, const TensorType& x, const TensorType& indices) {
  expect_axis(op, axis, x.shape.size());
  expect(indices.dtype == DType::i32 || indices.dtype == DType::i64, "{}: indices are {}; i32 or i64 is needed", op, name(indices.dtype));
  bool fits = indices.shape.size() == x.shape.size();
  for (size_t d = 0; fits && d < x.shape.size(); ++d) fits = static_cast<int64_t>(d) == axis || indices.shape[d] <= x.shape[d];
  expect(fits, "{}: indices of {} do not fit {} along dimension {}", op, to_string(indices), to_string(x), axis);
}

// Calls f(position in indices, position in the data that the index there means) for every index.
template <class F>
void for_each_index(const char* op, int64_t axis, const Shape& data, const Tensor& indices, F&& f) {
  const Ints picked = as_ints(indices);
  const auto along = static_cast<size_t>(axis);
  const Shape strides = strides_of(data);
  for (IndexWalk i(indices.shape(), {strides_of(indices.shape()), strides}); !i.done(); i.next()) {
    const int64_t index = picked[static_cast<size_t>(i.offset(0))], size = data[along];
    expect(index >= -size && index < size, "{}: index {} is outside a dimension of {}", op, index, size);
    f(i.offset(0), i.offset(1) + ((index < 0 ? index + size : index) - i.index()[along]) * strides[along]);
  }
}

}  // namespace

std::vector<TensorType> infer_GatherElements(const AxisParams& p, const InputTypes& in) {
  expect_indices("GatherElements", p.axis, *in[0], *in[1]);
  return {{in[0]->dtype, in[1]->shape}};
}
void reference_GatherElements(const AxisParams& p, const InputTensors& in, std::span<Tensor> out) {
  for_each_index("GatherElements", p.axis, in[0]->shape(), *in[1], [&](int64_t at, int64_t from) { copy_element(*in[0], from, out[0], at); });
}

std::vector<TensorType> infer_ScatterElements(const ScatterParams& p, const InputTypes& in) {
  expect_indices("ScatterElements", p.axis, *in[0], *in[1]);
  expect(p.reduction == "none" || p.reduction == "add", "ScatterElements: reduction '{}' is neither none nor add", p.reduction);
  expect(p.reduction == "none" || in[0]->dtype != DType::boolean, "ScatterElements: reduction add is not defined for bool");
  expect(in[2]->dtype == in[0]->dtype && in[2]->shape == in[1]->shape, "ScatterElements: updates are {}, but {}[{}] is expected", to_string(*in[2]), name(in[0]->dtype), fmt::join(in[1]->shape, ","));
  return {*in[0]};
}
void reference_ScatterElements(const ScatterParams& p, const InputTensors& in, std::span<Tensor> out) {
  std::copy_n(in[0]->raw(), in[0]->bytes(), out[0].raw());
  visit_dtype(out[0].dtype(), [&]<class T>() {
    const auto updates = in[2]->data<T>();
    const auto y = out[0].data<T>();
    for_each_index("ScatterElements", p.axis, in[0]->shape(), *in[1], [&](int64_t at, int64_t into) {
      const T update = updates[static_cast<size_t>(at)];
      T& element = y[static_cast<size_t>(into)];
      if (p.reduction == "none") element = update;
      else if constexpr (std::is_integral_v<T>) element = static_cast<T>(static_cast<uint64_t>(element) + static_cast<uint64_t>(update));
      else element = static_cast<T>(element + update);
    });
  });
}

std::vector<TensorType> infer_CumSum(const CumSumParams& p, const InputTypes& in) {
  expect_axis("CumSum", p.axis, in[0]->shape.size());
  expect(in[0]->dtype != DType::boolean, "CumSum: not defined for bool");
  return {*in[0]};
}
// Floating point in double, integers modulo 2^64.
void reference_CumSum(const CumSumParams& p, const InputTensors& in, std::span<Tensor> out) {
  const AxisSplit split(in[0]->shape(), p.axis);
  visit_dtype(in[0]->dtype(), [&]<class T>() {
    const auto x = in[0]->data<T>();
    const auto y = out[0].data<T>();
    for (int64_t line = 0; line < split.outer * split.inner; ++line) {
      std::conditional_t<std::is_floating_point_v<T>, double, uint64_t> sum = 0;
      for (int64_t step = 0; step < split.size; ++step) {
        const int64_t i = p.reverse ? split.size - 1 - step : step;
        const auto at = static_cast<size_t>((line / split.inner * split.size + i) * split.inner + line % split.inner);
        const auto before = sum;
        sum += static_cast<decltype(sum)>(x[at]);
        y[at] = static_cast<T>(p.exclusive ? before : sum);
      }
    }
  });
}

}  // namespace ropeway
