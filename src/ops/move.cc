// Operators that move elements: Expand, Transpose, Concat, Split, Slice, Pad, Gather, GatherND. They serve every dtype.
#include <algorithm>

#include "ops/convert.h"
#include "ops/operator.h"
#include "ops/shape_util.h"

namespace ropeway {
namespace {

// Sizes of outputs are computed from these; beyond, they could overflow.
constexpr int64_t kLimit = int64_t{1} << 40;

// An index of Gather or GatherND into a dimension of `size`; negative ones count from the end.
int64_t resolved(const char* op, int64_t index, int64_t size) {
  expect(index >= -size && index < size, "{}: index {} is outside a dimension of {}", op, index, size);
  return index < 0 ? index + size : index;
}

bool is_index_type(DType dtype) { return dtype == DType::i32 || dtype == DType::i64; }

}  // namespace

std::vector<TensorType> infer_Expand(const ShapeParams& p, const InputTypes& in) {
  element_count(p.shape);
  expect(broadcasts_to(in[0]->shape, p.shape), "Expand: [{}] does not broadcast to [{}]", fmt::join(in[0]->shape, ","), fmt::join(p.shape, ","));
  return {{in[0]->dtype, p.shape}};
}
void reference_Expand(const ShapeParams& p, const InputTensors& in, std::span<Tensor> out) {
  for (IndexWalk o(p.shape, {strides_of(p.shape), broadcast_strides(in[0]->shape(), p.shape)}); !o.done(); o.next()) copy_element(*in[0], o.offset(1), out[0], o.offset(0));
}

std::vector<TensorType> infer_Transpose(const PermParams& p, const InputTypes& in) {
  const Shape& x = in[0]->shape;
  Ints sorted = p.perm;
  std::sort(sorted.begin(), sorted.end());
  bool valid = sorted.size() == x.size();
  for (size_t d = 0; valid && d < sorted.size(); ++d) valid = sorted[d] == static_cast<int64_t>(d);
  expect(valid, "Transpose: perm [{}] is no permutation of {} dimensions", fmt::join(p.perm, ","), x.size());
  Shape out;
  for (const int64_t d : p.perm) out.push_back(x[static_cast<size_t>(d)]);
  return {{in[0]->dtype, std::move(out)}};
}
void reference_Transpose(const PermParams& p, const InputTensors& in, std::span<Tensor> out) {
  const Shape own = strides_of(in[0]->shape());
  Shape strides;
  for (const int64_t d : p.perm) strides.push_back(own[static_cast<size_t>(d)]);
  for (IndexWalk o(out[0].shape(), {strides_of(out[0].shape()), strides}); !o.done(); o.next()) copy_element(*in[0], o.offset(1), out[0], o.offset(0));
}

std::vector<TensorType> infer_Concat(const AxisParams& p, const InputTypes& in) {
  TensorType out = *in[0];
  expect_axis("Concat", p.axis, out.shape.size());
  const auto axis = static_cast<size_t>(p.axis);
  for (size_t i = 1; i < in.size(); ++i) {
    expect(in[i] != nullptr && in[i]->dtype == out.dtype, "Concat: input {} has another dtype than the first, {}", i, name(out.dtype));
    Shape other = in[i]->shape;
    expect(other.size() == out.shape.size(), "Concat: input {} is {}, but the first is {}", i, to_string(*in[i]), to_string(*in[0]));
    const int64_t size = std::exchange(other[axis], in[0]->shape[axis]);
    expect(other == in[0]->shape, "Concat: input {} is {}, but the first is {}", i, to_string(*in[i]), to_string(*in[0]));
    out.shape[axis] += size;
    element_count(out.shape);
  }
  return {std::move(out)};
}
void reference_Concat(const AxisParams& p, const InputTensors& in, std::span<Tensor> out) {
  const AxisSplit whole(out[0].shape(), p.axis);
  const size_t item = size_of(out[0].dtype());
  int64_t begin = 0;
  for (const Tensor* part : in) {
    const int64_t size = part->shape()[static_cast<size_t>(p.axis)];
    const size_t bytes = static_cast<size_t>(size * whole.inner) * item;
    for (int64_t o = 0; o < whole.outer; ++o) std::copy_n(part->raw() + static_cast<size_t>(o) * bytes, bytes, out[0].raw() + static_cast<size_t>((o * whole.size + begin) * whole.inner) * item);
    begin += size;
  }
}

std::vector<TensorType> infer_Split(const SplitParams& p, const InputTypes& in) {
  expect_axis("Split", p.axis, in[0]->shape.size());
  int64_t total = 0;
  std::vector<TensorType> out;
  for (const int64_t size : p.split) {
    expect(size >= 0 && size <= in[0]->shape[static_cast<size_t>(p.axis)] - total, "Split: parts [{}] do not fit into dimension {} of {}", fmt::join(p.split, ","), p.axis, to_string(*in[0]));
    total += size;
    out.push_back(*in[0]);
    out.back().shape[static_cast<size_t>(p.axis)] = size;
  }
  expect(!out.empty() && total == in[0]->shape[static_cast<size_t>(p.axis)], "Split: parts [{}] do not add up to {}", fmt::join(p.split, ","), in[0]->shape[static_cast<size_t>(p.axis)]);
  return out;
}
void reference_Split(const SplitParams& p, const InputTensors& in, std::span<Tensor> out) {
  const AxisSplit whole(in[0]->shape(), p.axis);
  const size_t item = size_of(in[0]->dtype());
  int64_t begin = 0;
  for (size_t i = 0; i < out.size(); ++i) {
    const size_t bytes = static_cast<size_t>(p.split[i] * whole.inner) * item;
    for (int64_t o = 0; o < whole.outer; ++o) std::copy_n(in[0]->raw() + static_cast<size_t>((o * whole.size + begin) * whole.inner) * item, bytes, out[i].raw() + static_cast<size_t>(o) * bytes);
    begin += p.split[i];
  }
}

std::vector<TensorType> infer_Slice(const SliceParams& p, const InputTypes& in) {
  TensorType out = *in[0];
  const size_t rank = out.shape.size();
  expect(p.starts.size() == rank && p.ends.size() == rank && p.steps.size() == rank, "Slice: starts, ends and steps need one number for each of {} dimensions", rank);
  for (size_t d = 0; d < rank; ++d) {
    const int64_t size = out.shape[d], start = p.starts[d], end = p.ends[d], step = p.steps[d];
    const bool forward = step > 0 && step <= kLimit && 0 <= start && start <= end && end <= size;
    const bool backward = step < 0 && step >= -kLimit && -1 <= end && end <= start && start < size;
    expect(forward || backward, "Slice: {}:{}:{} does not fit dimension {} of {}", start, end, step, d, size);
    out.shape[d] = forward ? (end - start + step - 1) / step : (start - end - step - 1) / -step;
  }
  return {std::move(out)};
}
void reference_Slice(const SliceParams& p, const InputTensors& in, std::span<Tensor> out) {
  Shape strides = strides_of(in[0]->shape());
  int64_t first = 0;
  for (size_t d = 0; d < strides.size(); ++d) {
    first += p.starts[d] * strides[d];
    strides[d] *= out[0].shape()[d] > 1 ? p.steps[d] : 0;  // a step that is never taken may be huge
  }
  for (IndexWalk o(out[0].shape(), {strides_of(out[0].shape()), strides}); !o.done(); o.next()) copy_element(*in[0], first + o.offset(1), out[0], o.offset(0));
}

std::vector<TensorType> infer_Pad(const PadParams& p, const InputTypes& in) {
  TensorType out = *in[0];
  const size_t rank = out.shape.size();
  expect(p.mode == "constant" || p.mode == "reflect" || p.mode == "edge" || p.mode == "wrap", "Pad: mode '{}' is none of constant, reflect, edge, wrap", p.mode);
  expect(p.pads.size() == 2 * rank, "Pad: {} numbers where {} are needed", p.pads.size(), 2 * rank);
  for (size_t d = 0; d < rank; ++d) {
    const int64_t size = out.shape[d], begin = p.pads[d], end = p.pads[d + rank];
    expect(begin > -kLimit && begin < kLimit && end > -kLimit && end < kLimit && size + begin + end >= 0, "Pad: {} before and {} after dimension {} of {} is not possible", begin, end, d, size);
    const int64_t most = p.mode == "constant" ? kLimit : p.mode == "reflect" ? std::max<int64_t>(size - 1, 0) : p.mode == "wrap" ? size : size > 0 ? kLimit : 0;
    expect(begin <= most && end <= most, "Pad: {} before and {} after is more than mode {} can take from dimension {} of {}", begin, end, p.mode, d, size);
    out.shape[d] = size + begin + end;
  }
  return {std::move(out)};
}
void reference_Pad(const PadParams& p, const InputTensors& in, std::span<Tensor> out) {
  const Shape& x = in[0]->shape();
  const Shape strides = strides_of(x);
  const Tensor value = filled({out[0].dtype(), {1}}, p.value);
  for (IndexWalk o(out[0].shape(), {strides_of(out[0].shape())}); !o.done(); o.next()) {
    int64_t from = 0;
    bool inside = true;
    for (size_t d = 0; d < x.size(); ++d) {
      int64_t position = o.index()[d] - p.pads[d];
      if (p.mode == "reflect") position = position < 0 ? -position : position >= x[d] ? 2 * (x[d] - 1) - position : position;
      if (p.mode == "edge") position = std::clamp<int64_t>(position, 0, x[d] - 1);
      if (p.mode == "wrap") position = (position + x[d]) % x[d];
      inside &= position >= 0 && position < x[d];
      from += position * strides[d];
    }
    copy_element(inside ? *in[0] : value, inside ? from : 0, out[0], o.offset(0));
  }
}

std::vector<TensorType> infer_Gather(const AxisParams& p, const InputTypes& in) {
  const Shape& x = in[0]->shape;
  expect_axis("Gather", p.axis, x.size());
  expect(is_index_type(in[1]->dtype), "Gather: indices are {}; i32 or i64 is needed", name(in[1]->dtype));
  Shape out(x.begin(), x.begin() + p.axis);
  out.insert(out.end(), in[1]->shape.begin(), in[1]->shape.end());
  out.insert(out.end(), x.begin() + p.axis + 1, x.end());
  return {{in[0]->dtype, std::move(out)}};
}
void reference_Gather(const AxisParams& p, const InputTensors& in, std::span<Tensor> out) {
  const AxisSplit split(in[0]->shape(), p.axis);
  const Ints indices = as_ints(*in[1]);
  const size_t bytes = static_cast<size_t>(split.inner) * size_of(out[0].dtype());
  std::byte* to = out[0].raw();
  for (int64_t o = 0; o < split.outer; ++o) {
    for (const int64_t index : indices) {
      std::copy_n(in[0]->raw() + static_cast<size_t>(o * split.size + resolved("Gather", index, split.size)) * bytes, bytes, to);
      to += bytes;
    }
  }
}

std::vector<TensorType> infer_GatherND(const BatchDimsParams& p, const InputTypes& in) {
  const Shape& x = in[0]->shape;
  const Shape& indices = in[1]->shape;
  expect(is_index_type(in[1]->dtype) && !indices.empty(), "GatherND: indices are {}; i32 or i64 with a dimension is needed", to_string(*in[1]));
  const int64_t batch = p.batch_dims, depth = indices.back();
  expect(batch >= 0 && batch < static_cast<int64_t>(std::min(x.size(), indices.size())) && depth >= 1 && batch + depth <= static_cast<int64_t>(x.size()), "GatherND: indices of {} do not fit data of {} with {} batch dimensions", to_string(*in[1]),
         to_string(*in[0]), batch);
  expect(std::equal(x.begin(), x.begin() + batch, indices.begin()), "GatherND: the batch dimensions of {} and {} differ", to_string(*in[0]), to_string(*in[1]));
  Shape out(indices.begin(), indices.end() - 1);
  out.insert(out.end(), x.begin() + batch + depth, x.end());
  return {{in[0]->dtype, std::move(out)}};
}
void reference_GatherND(const BatchDimsParams& p, const InputTensors& in, std::span<Tensor> out) {
  const Shape& x = in[0]->shape();
  const Ints indices = as_ints(*in[1]);
  const auto depth = static_cast<size_t>(in[1]->shape().back());
  const auto batch_dims = static_cast<size_t>(p.batch_dims);
  const int64_t batches = element_count(std::span(x).first(batch_dims));
  const size_t bytes = static_cast<size_t>(element_count(std::span(x).subspan(batch_dims + depth))) * size_of(out[0].dtype());
  const int64_t tuples = static_cast<int64_t>(indices.size() / depth);
  for (int64_t t = 0; t < tuples; ++t) {
    int64_t from = batches == 0 ? 0 : t / (tuples / batches);
    for (size_t d = 0; d < depth; ++d) from = from * x[batch_dims + d] + resolved("GatherND", indices[static_cast<size_t>(t) * depth + d], x[batch_dims + d]);
    std::copy_n(in[0]->raw() + static_cast<size_t>(from) * bytes, bytes, out[0].raw() + static_cast<size_t>(t) * bytes);
  }
}

}  // namespace ropeway
