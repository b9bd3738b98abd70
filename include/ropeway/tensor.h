// Dense tensors: the values that go into and come out of a model.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ropeway {

enum class DType : uint8_t { f32, f64, f16, bf16, i8, i16, i32, i64, u8, u16, u32, u64, boolean };

size_t size_of(DType dtype);     // bytes of one element
const char* name(DType dtype);   // "f32", …, "bool"
std::optional<DType> dtype_named(std::string_view name);

// Sizes of the dimensions, outermost first, each ≥ 0. Empty for a scalar.
using Shape = std::vector<int64_t>;

// Number of elements. Throws Error{invalid_argument} when a dimension is negative or the product exceeds 2^59.
int64_t element_count(std::span<const int64_t> shape);

// "f32[1,3,224,224]".
struct TensorType {
  DType dtype = DType::f32;
  Shape shape;
  bool operator==(const TensorType&) const = default;
};
std::string to_string(const TensorType& type);

namespace detail {
template <class T> constexpr DType dtype_of();
template <> constexpr DType dtype_of<float>() { return DType::f32; }
template <> constexpr DType dtype_of<double>() { return DType::f64; }
template <> constexpr DType dtype_of<int8_t>() { return DType::i8; }
template <> constexpr DType dtype_of<int16_t>() { return DType::i16; }
template <> constexpr DType dtype_of<int32_t>() { return DType::i32; }
template <> constexpr DType dtype_of<int64_t>() { return DType::i64; }
template <> constexpr DType dtype_of<uint8_t>() { return DType::u8; }
template <> constexpr DType dtype_of<uint16_t>() { return DType::u16; }
template <> constexpr DType dtype_of<uint32_t>() { return DType::u32; }
template <> constexpr DType dtype_of<uint64_t>() { return DType::u64; }
template <> constexpr DType dtype_of<bool>() { return DType::boolean; }
class Deferred;
}  // namespace detail

// A contiguous, row-major tensor in host memory. Copies share the elements; `clone` does not.
// The storage is kept alive by every tensor that uses it. Reading from several threads is safe; writing is the writer's matter.
// Elements of a model's weights may still lie in its file: they are read when they are first asked for, by raw(), data() or clone(), which then may throw
// Error{io, invalid_model, out_of_memory}. Tensors that a caller makes or gets from a run are never so.
class Tensor {
 public:
  Tensor() = default;                 // f32[0]
  explicit Tensor(TensorType type);   // new, zeroed storage; throws Error{out_of_memory}
  // Elements that already lie somewhere; `storage` must hold them all, aligned for the type, and keeps them alive.
  Tensor(TensorType type, std::shared_ptr<std::byte> storage);

  // A tensor with a copy of `elements`, whose number must be that of `shape`.
  template <class T>
  static Tensor of(Shape shape, const std::vector<T>& elements) {
    return copy_of({detail::dtype_of<T>(), std::move(shape)}, elements.data(), elements.size());
  }

  const TensorType& type() const { return type_; }
  DType dtype() const { return type_.dtype; }
  const Shape& shape() const { return type_.shape; }
  int64_t count() const { return count_; }
  size_t bytes() const { return static_cast<size_t>(count_) * size_of(type_.dtype); }

  const std::byte* raw() const { return deferred_ == nullptr ? storage_.get() : read(); }
  std::byte* raw() { return deferred_ == nullptr ? storage_.get() : read(); }

  // The elements as T, which must be the C++ type of dtype() (float, int64_t, bool …). Throws Error{internal} otherwise.
  template <class T> std::span<const T> data() const {
    check_dtype(detail::dtype_of<T>());
    return {reinterpret_cast<const T*>(raw()), static_cast<size_t>(count_)};
  }
  template <class T> std::span<T> data() {
    check_dtype(detail::dtype_of<T>());
    return {reinterpret_cast<T*>(raw()), static_cast<size_t>(count_)};
  }

  Tensor clone() const;
  // The same elements under another shape of as many elements. Throws Error{invalid_argument}.
  Tensor reshaped(Shape shape) const;

 private:
  friend class detail::Deferred;
  static Tensor copy_of(TensorType type, const void* elements, size_t count);
  std::byte* read() const;
  void check_dtype(DType wanted) const;

  TensorType type_{DType::f32, {0}};
  int64_t count_ = 0;
  std::shared_ptr<std::byte> storage_;
  std::shared_ptr<detail::Deferred> deferred_;  // instead of a storage, where elements are read when they are asked for
};

}  // namespace ropeway
