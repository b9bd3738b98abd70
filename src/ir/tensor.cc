#include "ropeway/tensor.h"

#include <array>
#include <cstring>

#include "base/buffer.h"
#include "base/text.h"
#include "ir/deferred.h"

namespace ropeway {
namespace {

struct DTypeRow {
  const char* name;
  size_t size;
};
constexpr std::array<DTypeRow, 13> kDTypes{{{"f32", 4}, {"f64", 8}, {"f16", 2}, {"bf16", 2}, {"i8", 1}, {"i16", 2}, {"i32", 4},
                                            {"i64", 8}, {"u8", 1}, {"u16", 2}, {"u32", 4}, {"u64", 8}, {"bool", 1}}};

}  // namespace

size_t size_of(DType dtype) { return kDTypes[static_cast<size_t>(dtype)].size; }
const char* name(DType dtype) { return kDTypes[static_cast<size_t>(dtype)].name; }

std::optional<DType> dtype_named(std::string_view name) {
  for (size_t i = 0; i < kDTypes.size(); ++i) {
    if (name == kDTypes[i].name) return static_cast<DType>(i);
  }
  return std::nullopt;
}

int64_t element_count(std::span<const int64_t> shape) {
  constexpr int64_t kLimit = int64_t{1} << 59;  // so that bytes, too, stay below 2^63
  int64_t count = 1;
  bool empty = false;
  for (const int64_t size : shape) {
    if (size < 0) fail(ErrorCode::invalid_argument, "shape [{}] has a negative size", fmt::join(shape, ","));
    empty |= size == 0;
    if (size > 0 && count > kLimit / size) fail(ErrorCode::invalid_argument, "shape [{}] has more elements than any memory holds", fmt::join(shape, ","));
    if (size > 0) count *= size;
  }
  return empty ? 0 : count;
}

std::string to_string(const TensorType& type) { return fmt::format("{}[{}]", name(type.dtype), fmt::join(type.shape, ",")); }

Tensor::Tensor(TensorType type) : type_(std::move(type)), count_(element_count(type_.shape)) {
  storage_ = allocate_zeros(bytes());
}

Tensor::Tensor(TensorType type, std::shared_ptr<std::byte> storage) : type_(std::move(type)), count_(element_count(type_.shape)), storage_(std::move(storage)) {}

Tensor Tensor::copy_of(TensorType type, const void* elements, size_t count) {
  Tensor tensor(std::move(type));
  if (static_cast<size_t>(tensor.count()) != count) fail(ErrorCode::invalid_argument, "{} elements do not fill {}", count, to_string(tensor.type()));
  if (count > 0) std::memcpy(tensor.raw(), elements, tensor.bytes());
  return tensor;
}

Tensor Tensor::clone() const { return copy_of(type_, raw(), static_cast<size_t>(count_)); }

Tensor Tensor::reshaped(Shape shape) const {
  if (element_count(shape) != count_) fail(ErrorCode::invalid_argument, "{} cannot become [{}]: other number of elements", to_string(type_), fmt::join(shape, ","));
  Tensor result = *this;
  result.type_.shape = std::move(shape);
  return result;
}

std::byte* Tensor::read() const { return deferred_->elements(nullptr); }

void Tensor::check_dtype(DType wanted) const {
  if (wanted != type_.dtype) fail(ErrorCode::internal, "a tensor of {} was read as {}", to_string(type_), name(wanted));
}

}  // namespace ropeway
