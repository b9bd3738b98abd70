#include "formats/pt2/promotion.h"

#include <algorithm>

#include "base/text.h"
#include "ops/shape_util.h"

namespace ropeway::pt2 {
namespace {

bool is_unsigned(DType dtype) { return dtype == DType::u8 || dtype == DType::u16 || dtype == DType::u32 || dtype == DType::u64; }

void promote(std::optional<DType>& dtype, DType other) { dtype = dtype ? promoted(*dtype, other) : other; }

// `lower` has a say only when it is of a higher kind.
std::optional<DType> combined(std::optional<DType> higher, std::optional<DType> lower) {
  if (!higher) return lower;
  if (!lower || is_float(*higher)) return higher;
  return *higher == DType::boolean || is_float(*lower) ? promoted(*higher, *lower) : higher;
}

}  // namespace

DType promoted(DType a, DType b) {
  if (a == b || b == DType::boolean) return a;
  if (a == DType::boolean) return b;
  if (is_float(a) != is_float(b)) return is_float(a) ? a : b;
  if (is_float(a)) return size_of(a) == size_of(b) ? DType::f32 : size_of(a) > size_of(b) ? a : b;  // of f16 and bf16, neither holds the other
  if (is_unsigned(a) == is_unsigned(b)) return size_of(a) > size_of(b) ? a : b;
  if (is_unsigned(a)) std::swap(a, b);
  if (b != DType::u8) fail(ErrorCode::unsupported, "{} and {} have no common dtype", name(a), name(b));
  return a == DType::i8 ? DType::i16 : a;
}

void Promotion::add(const TensorType& type) { promote(type.shape.empty() ? scalars_ : tensors_, type.dtype); }

void Promotion::add(const Scalar& number) {
  constexpr DType kKinds[] = {DType::boolean, DType::i64, DType::f32};
  promote(numbers_, kKinds[number.index()]);
}

DType Promotion::result() const { return combined(tensors_, combined(scalars_, numbers_)).value_or(DType::f32); }

ValueId cast_to(const NodeImporter& node, ValueId id, DType dtype) { return node.type_of(id).dtype == dtype ? id : node.step(Op::Cast, CastParams{dtype}, {id}); }

ValueId as_real(const NodeImporter& node, ValueId id) { return is_float(node.type_of(id).dtype) ? id : cast_to(node, id, DType::f32); }

}  // namespace ropeway::pt2
