#include "ir/deferred.h"

#include <algorithm>
#include <cstring>

#include "base/buffer.h"

namespace ropeway {
namespace {

class MemoryReading final : public Reading {
 public:
  explicit MemoryReading(Tensor tensor) : tensor_(std::move(tensor)) {}
  void read(size_t offset, std::span<std::byte> into) override { std::copy_n(std::as_const(tensor_).raw() + offset, into.size(), into.begin()); }

 private:
  Tensor tensor_;
};

}  // namespace

Tensor defer(TensorType type, std::shared_ptr<const Source> source) { return detail::Deferred::tensor(std::move(type), std::move(source)); }

std::unique_ptr<Reading> begin_reading(const Tensor& tensor) {
  const detail::Deferred* const deferred = detail::Deferred::of(tensor);
  std::unique_ptr<Reading> reading = deferred == nullptr ? nullptr : deferred->begin();
  return reading ? std::move(reading) : std::make_unique<MemoryReading>(tensor);
}

void load(const Tensor& tensor, ThreadPool& pool) {
  if (detail::Deferred* const deferred = detail::Deferred::of(tensor)) deferred->elements(&pool);
}

namespace detail {

Tensor Deferred::tensor(TensorType type, std::shared_ptr<const Source> source) {
  Tensor result(std::move(type), nullptr);
  result.deferred_ = std::make_shared<Deferred>(result.bytes(), std::move(source));
  return result;
}

std::byte* Deferred::elements(ThreadPool* pool) {
  if (std::byte* const ready = ready_.load(std::memory_order_acquire)) return ready;
  const std::lock_guard lock(mutex_);
  if (storage_) return storage_.get();
  const auto storage = allocate_buffer(bytes_);
  const auto reading = source_->begin();
  read_in_parts(*reading, bytes_, pool, [&](size_t offset, size_t bytes, int) { reading->read(offset, {storage.get() + offset, bytes}); });
  storage_ = storage;
  source_.reset();
  ready_.store(storage.get(), std::memory_order_release);
  return storage.get();
}

std::unique_ptr<Reading> Deferred::begin() const {
  const std::lock_guard lock(mutex_);
  return storage_ ? nullptr : source_->begin();
}

// Whole huge pages, so that no two threads ask the kernel for the same one; a few hundred kB at least, so that a part is worth a task.
size_t part_size(size_t bytes, int threads) {
  constexpr size_t kMost = size_t{2} << 20, kLeast = size_t{256} << 10;
  const auto count = static_cast<size_t>(threads);
  if (bytes >= 8 * count * kMost) return kMost;
  return std::max(kLeast, ((bytes + count - 1) / count + kLeast - 1) / kLeast * kLeast);
}

}  // namespace detail
}  // namespace ropeway
