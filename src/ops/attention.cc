#include <algorithm>
#include <cmath>
#include <limits>

#include "ops/convert.h"
#include "ops/operator.h"
#include "ops/shape_util.h"

namespace ropeway {

std::vector<TensorType> infer_ScaledDotProductAttention(const AttentionParams&, const InputTypes& in) {
  const Shape& q = in[0]->shape;
  const Shape& k = in[1]->shape;
  const Shape& v = in[2]->shape;
  const size_t rank = q.size();
  expect(rank >= 2 && k.size() == rank && v.size() == rank, "ScaledDotProductAttention: Q, K and V need one rank of at least 2");
  expect_float("ScaledDotProductAttention", "Q", *in[0]);
  expect_dtype("ScaledDotProductAttention", "K", *in[1], in[0]->dtype);
  expect_dtype("ScaledDotProductAttention", "V", *in[2], in[0]->dtype);
  const bool batches = std::equal(q.begin(), q.end() - 2, k.begin()) && std::equal(q.begin(), q.end() - 2, v.begin());
  expect(batches && q[rank - 1] == k[rank - 1] && k[rank - 2] == v[rank - 2], "ScaledDotProductAttention: Q [{}], K [{}] and V [{}] do not fit", fmt::join(q, ","), fmt::join(k, ","), fmt::join(v, ","));
  Shape scores = q;
  scores.back() = k[rank - 2];
  if (in[3] != nullptr) {
    expect(in[3]->dtype == DType::boolean || in[3]->dtype == in[0]->dtype, "ScaledDotProductAttention: the mask is {}; bool or {} is needed", name(in[3]->dtype), name(in[0]->dtype));
    expect(broadcasts_to(in[3]->shape, scores), "ScaledDotProductAttention: a mask of [{}] does not fit scores of [{}]", fmt::join(in[3]->shape, ","), fmt::join(scores, ","));
  }
  Shape out = q;
  out.back() = v.back();
  return {{in[0]->dtype, std::move(out)}};
}

void reference_ScaledDotProductAttention(const AttentionParams& p, const InputTensors& in, std::span<Tensor> out) {
  const Shape& q = in[0]->shape();
  const int64_t rank = static_cast<int64_t>(q.size());
  const int64_t width = q.back(), queries = q[static_cast<size_t>(rank - 2)], keys = in[1]->shape()[static_cast<size_t>(rank - 2)], values = in[2]->shape().back();
  Shape lines = q;  // one softmax per query
  lines.back() = 1;
  Shape scores = q;
  scores.back() = keys;
  const Shape mask_by = in[3] == nullptr ? Shape(q.size(), 0) : broadcast_strides(in[3]->shape(), scores);
  visit_float(in[0]->dtype(), [&]<class T>() {
    std::vector<double> weight(static_cast<size_t>(keys));
    for (IndexWalk line(lines, {strides_of(lines), mask_by}); !line.done(); line.next()) {
      const int64_t row = line.offset(0), batch = row / queries, query = row % queries;
      double largest = -std::numeric_limits<double>::infinity(), sum = 0;
      for (int64_t k = 0; k < keys; ++k) {
        double score = 0;
        for (int64_t i = 0; i < width; ++i) score += static_cast<double>(in[0]->data<T>()[static_cast<size_t>(row * width + i)]) * static_cast<double>(in[1]->data<T>()[static_cast<size_t>((batch * keys + k) * width + i)]);
        score *= p.scale;
        const auto mask_at = static_cast<size_t>(line.offset(1) + k * mask_by.back());
        if (in[3] != nullptr && in[3]->dtype() != DType::boolean) score += static_cast<double>(in[3]->data<T>()[mask_at]);
        const bool hidden = (p.is_causal && k > query) || (in[3] != nullptr && in[3]->dtype() == DType::boolean && !in[3]->data<bool>()[mask_at]);
        weight[static_cast<size_t>(k)] = hidden ? -std::numeric_limits<double>::infinity() : score;
        largest = std::max(largest, weight[static_cast<size_t>(k)]);
      }
      // A query that sees no key gives zeros, as PyTorch has it.
      for (double& each : weight) sum += each = std::isinf(largest) && largest < 0 ? 0 : std::exp(each - largest);
      for (int64_t j = 0; j < values; ++j) {
        double result = 0;
        for (int64_t k = 0; k < keys; ++k) result += weight[static_cast<size_t>(k)] * static_cast<double>(in[2]->data<T>()[static_cast<size_t>((batch * keys + k) * values + j)]);
        out[0].data<T>()[static_cast<size_t>(row * values + j)] = static_cast<T>(sum == 0 ? 0 : result / sum);
      }
    }
  });
}

}  // namespace ropeway
