#include <type_traits>

#include "ops/convert.h"
#include "ops/operator.h"
#include "ops/shape_util.h"

namespace ropeway {
namespace {

struct Strides {
  int64_t row, column;
};

// Σ_k a[m, k] b[k, n]: floating point in double, integers modulo 2^64.
template <class T, class Sum = std::conditional_t<std::is_floating_point_v<T>, double, uint64_t>>
Sum dot(std::span<const T> a, int64_t a_at, Strides a_by, std::span<const T> b, int64_t b_at, Strides b_by, int64_t depth) {
  Sum sum = 0;
  for (int64_t k = 0; k < depth; ++k) sum += static_cast<Sum>(a[static_cast<size_t>(a_at + k * a_by.column)]) * static_cast<Sum>(b[static_cast<size_t>(b_at + k * b_by.row)]);
  return sum;
}

}  // namespace

std::vector<TensorType> infer_Gemm(const GemmParams& p, const InputTypes& in) {
  const Shape& a = in[0]->shape;
  const Shape& b = in[1]->shape;
  expect(a.size() == 2 && b.size() == 2, "Gemm: A [{}] and B [{}] must be matrices", fmt::join(a, ","), fmt::join(b, ","));
  expect_float("Gemm", "A", *in[0]);
  expect_dtype("Gemm", "B", *in[1], in[0]->dtype);
  const int64_t depth_a = p.transA ? a[0] : a[1], depth_b = p.transB ? b[1] : b[0];
  expect(depth_a == depth_b, "Gemm: A [{}] and B [{}] do not fit: {} columns against {} rows", fmt::join(a, ","), fmt::join(b, ","), depth_a, depth_b);
  const Shape out = {p.transA ? a[1] : a[0], p.transB ? b[0] : b[1]};
  if (in[2] != nullptr) {
    expect_dtype("Gemm", "C", *in[2], in[0]->dtype);
    expect(broadcasts_to(in[2]->shape, out), "Gemm: C [{}] does not broadcast to [{}]", fmt::join(in[2]->shape, ","), fmt::join(out, ","));
  }
  return {{in[0]->dtype, out}};
}

void reference_Gemm(const GemmParams& p, const InputTensors& in, std::span<Tensor> out) {
  const Shape& shape = out[0].shape();
  const int64_t depth = p.transA ? in[0]->shape()[0] : in[0]->shape()[1];
  const Strides a_by = p.transA ? Strides{1, in[0]->shape()[1]} : Strides{in[0]->shape()[1], 1};
  const Strides b_by = p.transB ? Strides{1, in[1]->shape()[1]} : Strides{in[1]->shape()[1], 1};
  const Shape c_by = in[2] == nullptr ? Shape{0, 0} : broadcast_strides(in[2]->shape(), shape);
  visit_float(in[0]->dtype(), [&]<class T>() {
    for (IndexWalk o(shape, {strides_of(shape), c_by}); !o.done(); o.next()) {
      double value = p.alpha * dot(in[0]->data<T>(), o.index()[0] * a_by.row, a_by, in[1]->data<T>(), o.index()[1] * b_by.column, b_by, depth);
      if (in[2] != nullptr && p.beta != 0) value += p.beta * static_cast<double>(in[2]->data<T>()[static_cast<size_t>(o.offset(1))]);
      out[0].data<T>()[static_cast<size_t>(o.offset(0))] = static_cast<T>(value);
    }
  });
}

std::vector<TensorType> infer_MatMul(const NoParams&, const InputTypes& in) {
  Shape a = in[0]->shape, b = in[1]->shape;
  expect(!a.empty() && !b.empty(), "MatMul: A is {} and B is {}, but a scalar is no matrix", to_string(*in[0]), to_string(*in[1]));
  expect(in[0]->dtype != DType::boolean, "MatMul: A is {}, but numbers are expected", to_string(*in[0]));
  expect_dtype("MatMul", "B", *in[1], in[0]->dtype);
  const bool row = a.size() == 1, column = b.size() == 1;
  if (row) a.insert(a.begin(), 1);
  if (column) b.push_back(1);
  expect(a.back() == b[b.size() - 2], "MatMul: [{}] and [{}] do not fit: {} columns against {} rows", fmt::join(in[0]->shape, ","), fmt::join(in[1]->shape, ","), a.back(), b[b.size() - 2]);
  Shape out = broadcast("MatMul", {a.begin(), a.end() - 2}, {b.begin(), b.end() - 2});
  if (!row) out.push_back(a[a.size() - 2]);
  if (!column) out.push_back(b.back());
  return {{in[0]->dtype, std::move(out)}};
}

void reference_MatMul(const NoParams&, const InputTensors& in, std::span<Tensor> out) {
  Shape a = in[0]->shape(), b = in[1]->shape();
  if (a.size() == 1) a.insert(a.begin(), 1);
  if (b.size() == 1) b.push_back(1);
  Shape a_batch(a.begin(), a.end() - 2), b_batch(b.begin(), b.end() - 2);
  const int64_t rows = a[a.size() - 2], depth = a.back(), columns = b.back();
  const Shape batch = broadcast("MatMul", a_batch, b_batch);
  visit_dtype(in[0]->dtype(), [&]<class T>() {
    for (IndexWalk o(batch, {strides_of(batch), broadcast_strides(a_batch, batch), broadcast_strides(b_batch, batch)}); !o.done(); o.next()) {
      for (int64_t i = 0; i < rows * columns; ++i) {
        const int64_t a_at = o.offset(1) * rows * depth + i / columns * depth, b_at = o.offset(2) * depth * columns + i % columns;
        out[0].data<T>()[static_cast<size_t>(o.offset(0) * rows * columns + i)] = static_cast<T>(dot(in[0]->data<T>(), a_at, {depth, 1}, in[1]->data<T>(), b_at, {columns, 1}, depth));
      }
    }
  });
}

}  // namespace ropeway
