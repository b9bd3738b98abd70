// Tensors whose elements lie elsewhere, such as weights in a file, until someone asks for them: a model's weights are packed one after the other, and so need not be in
// memory all at once.
#pragma once

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <span>

#include "base/thread_pool.h"
#include "ropeway/tensor.h"

namespace ropeway {

// One pass over all elements of a tensor, in parts.
class Reading {
 public:
  virtual ~Reading() = default;
  // Fills `into` with the bytes from `offset`, both multiples of the element's size. Parts come in any order and from several threads at once, each byte in one of them.
  virtual void read(size_t offset, std::span<std::byte> into) = 0;
  // After the last part. Throws when what was read is not what it should have been.
  virtual void finish() {}
};

// Where elements come from. Immutable; any number of passes may be under way.
class Source {
 public:
  virtual ~Source() = default;
  virtual std::unique_ptr<Reading> begin() const = 0;
};

// A tensor that reads its elements when they are first asked for: once for all copies of it. `source` is let go then. An error is thrown to whoever asked; who asks again
// reads again.
Tensor defer(TensorType type, std::shared_ptr<const Source> source);

// A pass over any tensor's elements. Those of a deferred tensor that nobody asked for yet are not kept.
std::unique_ptr<Reading> begin_reading(const Tensor& tensor);

// A whole pass: calls `part(offset, bytes, worker)`, which calls `read`, with all threads of `pool` (nullptr: this one alone), then finishes. Parts are at most 2 MB where
// there are many, and otherwise one for each thread.
template <class Part>
void read_in_parts(Reading& reading, size_t bytes, ThreadPool* pool, Part&& part);

// Has the elements of a deferred tensor read now, by all threads of `pool`. Nothing is to be done for others.
void load(const Tensor& tensor, ThreadPool& pool);

namespace detail {

class Deferred {
 public:
  Deferred(size_t bytes, std::shared_ptr<const Source> source) : bytes_(bytes), source_(std::move(source)) {}
  static Tensor tensor(TensorType type, std::shared_ptr<const Source> source);
  // What stands behind a tensor; nullptr for one that has its elements.
  static Deferred* of(const Tensor& tensor) { return tensor.deferred_.get(); }

  std::byte* elements(ThreadPool* pool);
  // nullptr once the elements are there.
  std::unique_ptr<Reading> begin() const;

 private:
  size_t bytes_;
  std::atomic<std::byte*> ready_{nullptr};
  mutable std::mutex mutex_;
  std::shared_ptr<std::byte> storage_;
  std::shared_ptr<const Source> source_;
};

size_t part_size(size_t bytes, int threads);

}  // namespace detail

template <class Part>
void read_in_parts(Reading& reading, size_t bytes, ThreadPool* pool, Part&& part) {
  const size_t size = detail::part_size(bytes, pool == nullptr ? 1 : pool->threads());
  const auto one = [&](int64_t i, int worker) {
    const size_t offset = static_cast<size_t>(i) * size;
    part(offset, std::min(size, bytes - offset), worker);
  };
  const auto parts = static_cast<int64_t>((bytes + size - 1) / size);
  if (pool != nullptr) pool->run(parts, one);
  else for (int64_t i = 0; i < parts; ++i) one(i, 0);
  reading.finish();
}

}  // namespace ropeway
