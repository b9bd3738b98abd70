// Operators whose elements stay as they are: Identity, Dropout, Reshape; and Cast.
#include <algorithm>

#include "ops/convert.h"
#include "ops/operator.h"
#include "ops/shape_util.h"

namespace ropeway {
namespace {

void copy_all(const Tensor& from, Tensor& to) { std::copy_n(from.raw(), from.bytes(), to.raw()); }

}  // namespace

std::vector<TensorType> infer_Identity(const NoParams&, const InputTypes& in) { return {*in[0]}; }
void reference_Identity(const NoParams&, const InputTensors& in, std::span<Tensor> out) { copy_all(*in[0], out[0]); }

std::vector<TensorType> infer_Dropout(const DropoutParams& p, const InputTypes& in) {
  expect(p.ratio >= 0 && p.ratio <= 1, "Dropout: a ratio of {} is not between 0 and 1", p.ratio);
  expect(!p.whole_channels || in[0]->shape.size() >= 2, "Dropout: X is {}, which has no channels", to_string(*in[0]));
  return {*in[0]};
}
void reference_Dropout(const DropoutParams& p, const InputTensors& in, std::span<Tensor> out) {
  if (p.training_mode) fail(ErrorCode::unsupported, "Dropout in training mode draws random numbers, which no reference does: lower_training_dropout makes masks of it");
  copy_all(*in[0], out[0]);
}

std::vector<TensorType> infer_Reshape(const ShapeParams& p, const InputTypes& in) {
  expect(element_count(p.shape) == element_count(in[0]->shape), "Reshape: [{}] cannot become [{}]", fmt::join(in[0]->shape, ","), fmt::join(p.shape, ","));
  return {{in[0]->dtype, p.shape}};
}
void reference_Reshape(const ShapeParams&, const InputTensors& in, std::span<Tensor> out) { copy_all(*in[0], out[0]); }

std::vector<TensorType> infer_Cast(const CastParams& p, const InputTypes& in) { return {{p.to, in[0]->shape}}; }
void reference_Cast(const CastParams& p, const InputTensors& in, std::span<Tensor> out) { copy_all(convert(*in[0], p.to), out[0]); }

}  // namespace ropeway
