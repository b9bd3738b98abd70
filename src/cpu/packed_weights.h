// The weights of a convolution as the microkernel reads them, and the bias of a convolution or product.
#pragma once

#include <algorithm>
#include <atomic>
#include <memory>
#include <vector>

#include "base/buffer.h"
#include "base/thread_pool.h"
#include "cpu/kernel.h"
#include "cpu/kernels/half.h"
#include "cpu/kernels/matmul.h"
#include "ropeway/tensor.h"

namespace ropeway::cpu {

// In 32 bits or, where that is allowed and they fit, in 16.
class PackedWeights {
 public:
  PackedWeights() = default;
  // Pieces of `sizes` floats, one behind the other; pack(i, float* to) writes all of piece i, on any of the pool's threads. In 16 bits when `half` and no finite weight
  // becomes infinite by it.
  template <class Pack>
  PackedWeights(const std::vector<int64_t>& sizes, bool half, ThreadPool& pool, const Pack& pack) : offsets_{0} {
    for (const int64_t size : sizes) offsets_.push_back(offsets_.back() + size);
    half_ = half && pack_half(pool, pack);
    if (half_) return;
    memory_ = allocate_buffer(static_cast<size_t>(offsets_.back()) * sizeof(float));
    pool.run(pieces(), [&](int64_t i, int) { pack(i, floats() + offset(i)); });
  }

  // Makes B of a panel what lies `from` weights behind the beginning of piece i.
  void put_into(Panel& panel, int64_t i, int64_t from) const {
    panel.b = half_ ? nullptr : floats() + offset(i) + from;
    panel.b_half = half_ ? halves() + offset(i) + from : nullptr;
  }

  size_t bytes() const { return static_cast<size_t>(offsets_.back()) * (half_ ? sizeof(uint16_t) : sizeof(float)); }
  size_t half_bytes() const { return half_ ? bytes() : 0; }

 private:
  template <class Pack>
  bool pack_half(ThreadPool& pool, const Pack& pack) {
    memory_ = allocate_buffer(static_cast<size_t>(offsets_.back()) * sizeof(uint16_t));
    std::atomic<bool> fits{true};
    pool.run(pieces(), [&](int64_t i, int) {
      const int64_t size = offset(i + 1) - offset(i);
      std::vector<float> piece(static_cast<size_t>(size));
      pack(i, piece.data());
      if (largest_finite(piece.data(), size) > kLargestF16) fits = false;
      to_f16(piece.data(), halves() + offset(i), size);
    });
    return fits;
  }

  int64_t pieces() const { return static_cast<int64_t>(offsets_.size()) - 1; }
  int64_t offset(int64_t i) const { return offsets_[static_cast<size_t>(i)]; }
  float* floats() const { return reinterpret_cast<float*>(memory_.get()); }
  uint16_t* halves() const { return reinterpret_cast<uint16_t*>(memory_.get()); }

  std::vector<int64_t> offsets_{0};  // by piece, and the end
  std::shared_ptr<std::byte> memory_;
  bool half_ = false;
};

// A bias in whole panels, zero beyond its elements and where there is none.
inline std::vector<float> padded_bias(const Tensor* given, int64_t outputs) {
  std::vector<float> bias(static_cast<size_t>(divide_up(outputs, kPanelColumns) * kPanelColumns), 0.0f);
  if (given != nullptr) std::copy(given->data<float>().begin(), given->data<float>().end(), bias.begin());
  return bias;
}

}  // namespace ropeway::cpu
