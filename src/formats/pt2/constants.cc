// Operators that make tensors out of nothing but sizes and numbers.
#include <cmath>

#include "base/text.h"
#include "formats/pt2/operators.h"
#include "ops/convert.h"
#include "ops/shape_util.h"

namespace ropeway::pt2 {
namespace {

using Ids = std::vector<ValueId>;

constexpr int64_t kMostGenerated = int64_t{1} << 28;  // elements that a few bytes of the file may make

DType dtype_of(const Scalar& number) {
  constexpr DType kKinds[] = {DType::boolean, DType::i64, DType::f32};
  return kKinds[number.index()];
}

void ignore_placement(const NodeImporter& node) { node.ignore({"layout", "device", "pin_memory", "memory_format"}); }

Ids generated(const NodeImporter& node, const TensorType& type, const Scalar& value) {
  ignore_placement(node);
  const int64_t count = element_count(type.shape);
  if (count > kMostGenerated) fail(ErrorCode::unsupported, "a generated constant of {} elements: {} are the most", count, kMostGenerated);
  node.builder().account(static_cast<double>(count) * static_cast<double>(size_of(type.dtype)));
  // Whole numbers stay exact beyond 2^53.
  const auto* whole = std::get_if<int64_t>(&value);
  const Tensor one = whole != nullptr ? convert(Tensor::of<int64_t>({1}, {*whole}), type.dtype) : filled({type.dtype, {1}}, as_double(value));
  Tensor result(type);
  for (int64_t i = 0; i < count; ++i) copy_element(one, 0, result, i);
  return node.result(std::move(result));
}

Ids full(const NodeImporter& node) {
  const Scalar value = node.scalar("fill_value");
  return generated(node, {node.dtype("dtype").value_or(dtype_of(value)), node.integers("size")}, value);
}

Ids full_like(const NodeImporter& node) { return generated(node, {node.dtype("dtype").value_or(node.type("self").dtype), node.shape("self")}, node.scalar("fill_value")); }

// What `empty` holds is the model's own matter: it must write before it reads.
template <int value>
Ids filled_with(const NodeImporter& node) {
  return generated(node, {node.dtype("dtype").value_or(DType::f32), node.integers("size")}, Scalar(int64_t{value}));
}

Ids empty_permuted(const NodeImporter& node) {
  node.ignore({"physical_layout"});
  return filled_with<0>(node);
}

template <int value>
Ids filled_like(const NodeImporter& node) {
  return generated(node, {node.dtype("dtype").value_or(node.type("self").dtype), node.shape("self")}, Scalar(int64_t{value}));
}

// new_zeros and its kin: the dtype of `self`, another shape.
template <int value>
Ids new_filled(const NodeImporter& node) {
  return generated(node, {node.dtype("dtype").value_or(node.type("self").dtype), node.integers("size")}, Scalar(int64_t{value}));
}

Ids new_full(const NodeImporter& node) { return generated(node, {node.dtype("dtype").value_or(node.type("self").dtype), node.integers("size")}, node.scalar("fill_value")); }

Ids scalar_tensor(const NodeImporter& node) {
  const Scalar value = node.scalar("s");
  return generated(node, {node.dtype("dtype").value_or(DType::f32), {}}, value);
}

Ids arange(const NodeImporter& node) {
  ignore_placement(node);
  const Scalar start = node.has("start") ? node.scalar("start") : Scalar(int64_t{0}), step = node.has("step") ? node.scalar("step") : Scalar(int64_t{1}), end = node.scalar("end");
  const bool real = std::holds_alternative<double>(start) || std::holds_alternative<double>(end) || std::holds_alternative<double>(step);
  const double steps = std::ceil((as_double(end) - as_double(start)) / as_double(step));
  if (as_double(step) == 0 || !(steps <= static_cast<double>(kMostGenerated))) fail(ErrorCode::unsupported, "arange from {} to {} by {}", as_double(start), as_double(end), as_double(step));
  Tensor values({DType::f64, {std::max<int64_t>(0, static_cast<int64_t>(steps))}});
  node.builder().account(static_cast<double>(values.bytes()));
  for (size_t i = 0; i < values.data<double>().size(); ++i) values.data<double>()[i] = as_double(start) + static_cast<double>(i) * as_double(step);
  return node.result(convert(values, node.dtype("dtype").value_or(real ? DType::f32 : DType::i64)));
}

constexpr Operator kConstantRows[] = {
    {"full.default", full},
    {"full_like.default", full_like},
    {"zeros.default", filled_with<0>},
    {"ones.default", filled_with<1>},
    {"empty.memory_format", filled_with<0>},
    {"empty_permuted.default", empty_permuted},
    {"zeros_like.default", filled_like<0>},
    {"ones_like.default", filled_like<1>},
    {"empty_like.default", filled_like<0>},
    {"new_zeros.default", new_filled<0>},
    {"new_ones.default", new_filled<1>},
    {"new_empty.default", new_filled<0>},
    {"new_full.default", new_full},
    {"scalar_tensor.default", scalar_tensor},
    {"arange.default", arange},
    {"arange.start", arange},
    {"arange.start_step", arange},
};

}  // namespace

std::span<const Operator> constant_operators() { return kConstantRows; }

}  // namespace ropeway::pt2
