// Operators that find elements by their size: ArgMax, ArgMin, TopK. As in PyTorch a NaN is larger than any number, and the first of equal ones counts.
#include <algorithm>
#include <numeric>

#include "ops/convert.h"
#include "ops/operator.h"
#include "ops/shape_util.h"

namespace ropeway {
namespace {

template <class T>
bool above(T a, T b) {
  return a > b || (a != a && b == b);
}
template <class T>
bool below(T a, T b) {
  return a < b || (a == a && b != b);
}

std::vector<TensorType> infer_arg(const char* op, const ArgParams& p, const TensorType& input) {
  Shape out = input.shape;
  expect_axis(op, p.axis, out.size());
  expect(input.dtype != DType::boolean, "{}: not defined for bool", op);
  expect(out[static_cast<size_t>(p.axis)] > 0, "{}: dimension {} of {} is empty", op, p.axis, to_string(input));
  if (p.keepdims) out[static_cast<size_t>(p.axis)] = 1;
  else out.erase(out.begin() + p.axis);
  return {{DType::i64, std::move(out)}};
}

// The element of each line along the axis that is better than all before it. A NaN is better than any number, whether the least or the largest is sought.
template <class Better>
void find_along(const ArgParams& p, const Tensor& in, Tensor& out, Better&& better) {
  const AxisSplit split(in.shape(), p.axis);
  visit_dtype(in.dtype(), [&]<class T>() {
    const auto x = in.data<T>();
    for (int64_t line = 0; line < split.outer * split.inner; ++line) {
      const auto at = [&](int64_t i) { return x[static_cast<size_t>((line / split.inner * split.size + i) * split.inner + line % split.inner)]; };
      int64_t best = 0;
      for (int64_t i = 1; i < split.size; ++i) {
        const bool first_nan = at(i) != at(i) && at(best) == at(best);
        if (first_nan || (at(best) == at(best) && better(at(i), at(best)))) best = i;
      }
      out.data<int64_t>()[static_cast<size_t>(line)] = best;
    }
  });
}

}  // namespace

std::vector<TensorType> infer_ArgMax(const ArgParams& p, const InputTypes& in) { return infer_arg("ArgMax", p, *in[0]); }
std::vector<TensorType> infer_ArgMin(const ArgParams& p, const InputTypes& in) { return infer_arg("ArgMin", p, *in[0]); }
void reference_ArgMax(const ArgParams& p, const InputTensors& in, std::span<Tensor> out) {
  find_along(p, *in[0], out[0], [](auto a, auto b) { return a > b; });
}
void reference_ArgMin(const ArgParams& p, const InputTensors& in, std::span<Tensor> out) {
  find_along(p, *in[0], out[0], [](auto a, auto b) { return a < b; });
}

std::vector<TensorType> infer_TopK(const TopKParams& p, const InputTypes& in) {
  Shape out = in[0]->shape;
  expect_axis("TopK", p.axis, out.size());
  expect(in[0]->dtype != DType::boolean, "TopK: not defined for bool");
  int64_t& size = out[static_cast<size_t>(p.axis)];
  expect(p.k >= 0 && p.k <= size, "TopK: the {} first of dimension {} of {}", p.k, p.axis, to_string(*in[0]));
  size = p.k;
  return {{in[0]->dtype, out}, {DType::i64, out}};
}

void reference_TopK(const TopKParams& p, const InputTensors& in, std::span<Tensor> out) {
  const AxisSplit split(in[0]->shape(), p.axis);
  std::vector<int64_t> order(static_cast<size_t>(split.size));
  visit_dtype(in[0]->dtype(), [&]<class T>() {
    const auto x = in[0]->data<T>();
    for (int64_t line = 0; line < split.outer * split.inner; ++line) {
      const auto at = [&](int64_t i, int64_t size) { return static_cast<size_t>((line / split.inner * size + i) * split.inner + line % split.inner); };
      std::iota(order.begin(), order.end(), 0);
      std::stable_sort(order.begin(), order.end(), [&](int64_t i, int64_t j) {
        const T a = x[at(i, split.size)], b = x[at(j, split.size)];
        return p.largest ? above(a, b) : below(a, b);
      });
      for (int64_t i = 0; i < p.k; ++i) {
        const int64_t from = order[static_cast<size_t>(i)];
        out[0].data<T>()[at(i, p.k)] = x[at(from, split.size)];
        out[1].data<int64_t>()[at(i, p.k)] = from;
      }
    }
  });
}

}  // namespace ropeway
