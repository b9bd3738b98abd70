// Loops over the elements of several tensors at once, each with its own strides: broadcasting, transposes, slices.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "ir/params.h"
#include "ropeway/tensor.h"

namespace ropeway::cpu {

template <size_t kOperands>
class StridedLoop {
 public:
  using Offsets = std::array<int64_t, kOperands>;
  struct Dim {
    int64_t extent;
    Offsets stride;
  };
  static constexpr size_t kMaxDims = 16;

  // Over the index space `shape`, of at most kMaxDims dimensions; strides[k] are those of operand k. Dimensions that run on
  // in every operand are merged, and those of size 1 vanish: what remains has at least one dimension.
  StridedLoop(const Shape& shape, const std::array<Ints, kOperands>& strides) {
    for (size_t d = 0; d < shape.size(); ++d) {
      Dim dim{shape[d], {}};
      for (size_t k = 0; k < kOperands; ++k) dim.stride[k] = strides[k][d];
      if (shape[d] == 1) continue;
      if (!dims_.empty() && runs_on(dims_.back(), dim)) {
        dim.extent *= dims_.back().extent;
        dims_.pop_back();
      }
      dims_.push_back(dim);
    }
    if (dims_.empty()) dims_.push_back({1, ones()});
  }
  explicit StridedLoop(std::vector<Dim> dims) : dims_(std::move(dims)) {}

  const std::vector<Dim>& dims() const { return dims_; }
  const Dim& inner() const { return dims_.back(); }
  int64_t count() const {
    int64_t product = 1;
    for (const Dim& dim : dims_) product *= dim.extent;
    return product;
  }

  // Offsets of the i-th element, in row-major order.
  Offsets at(int64_t i) const {
    Offsets offsets{};
    for (size_t d = dims_.size(); d-- > 0; i /= dims_[d].extent) advance(offsets, dims_[d], i % dims_[d].extent);
    return offsets;
  }

  // Calls f(offsets, n) for runs along the innermost dimension that together are the elements [begin, end). Does not allocate.
  template <class F>
  void for_runs(int64_t begin, int64_t end, const F& f) const {
    if (begin == end) return;
    std::array<int64_t, kMaxDims> index{};
    Offsets offsets{};
    int64_t rest = begin;
    for (size_t d = dims_.size(); d-- > 0; rest /= dims_[d].extent) {
      index[d] = rest % dims_[d].extent;
      advance(offsets, dims_[d], index[d]);
    }
    const size_t last = dims_.size() - 1;
    while (begin < end) {
      const int64_t n = std::min(dims_[last].extent - index[last], end - begin);
      f(offsets, n);
      begin += n;
      index[last] += n;
      advance(offsets, dims_[last], n);
      for (size_t d = last; d > 0 && index[d] == dims_[d].extent; --d) {
        advance(offsets, dims_[d], -dims_[d].extent);
        index[d] = 0;
        ++index[d - 1];
        advance(offsets, dims_[d - 1], 1);
      }
    }
  }

 private:
  static Offsets ones() {
    Offsets all;
    all.fill(1);
    return all;
  }
  static bool runs_on(const Dim& outer, const Dim& inner) {
    for (size_t k = 0; k < kOperands; ++k) {
      if (outer.stride[k] != inner.stride[k] * inner.extent) return false;
    }
    return true;
  }
  static void advance(Offsets& offsets, const Dim& dim, int64_t steps) {
    for (size_t k = 0; k < kOperands; ++k) offsets[k] += steps * dim.stride[k];
  }

  std::vector<Dim> dims_;
};

}  // namespace ropeway::cpu
