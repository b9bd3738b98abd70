// Sums, means, products, largest and smallest elements along dimensions that lie side by side.
#include <algorithm>

#include "cpu/implementations.h"
#include "cpu/kernels/reduce.h"
#include "cpu/lambda_kernel.h"
#include "cpu/parallel.h"

namespace ropeway::cpu {
namespace {

// The input as outer × length × inner, where `length` is reduced.
struct Extents {
  int64_t outer = 1, length = 1, inner = 1;
  bool contiguous = true;  // the reduced dimensions lie side by side, those of size 1 aside

  explicit Extents(const KernelRequest& request) {
    const Shape& x = request.input_shape(0);
    const Ints& axes = request.node.get<ReduceParams>().axes;
    for (size_t d = 0; d < x.size(); ++d) {
      if (x[d] == 1) continue;
      if (!std::binary_search(axes.begin(), axes.end(), static_cast<int64_t>(d))) {
        (any_ ? inner : outer) *= x[d];
      } else {
        contiguous = contiguous && inner == 1;
        length *= x[d];
        any_ = true;
      }
    }
  }

 private:
  bool any_ = false;
};

std::string declines_reduce(const KernelRequest& request) {
  if (std::string why = declines_f32(request); !why.empty()) return why;
  if (element_count(request.input_shape(0)) == 0) return "it has nothing to reduce";
  return Extents(request).contiguous ? "" : "the reduced dimensions do not lie side by side";
}

std::unique_ptr<Kernel> make_reduce(const KernelRequest& request) {
  const Extents e(request);
  const auto function = request.node.get<ReduceParams>().function;
  if (e.inner == 1) {
    return make_kernel([=](const KernelArguments& a) {
      parallel_for(a.pool, e.outer, e.length, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) a.out()[i] = reduce_contiguous(function, a.in(0) + i * e.length, e.length);
      });
    });
  }
  return make_kernel([=](const KernelArguments& a) {
    constexpr int64_t kChunk = 64;  // columns of a task: whole cache lines of each row
    const int64_t chunks = divide_up(e.inner, kChunk);
    parallel_for(a.pool, e.outer * chunks, e.length * std::min(kChunk, e.inner), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t column = i % chunks * kChunk, outer = i / chunks;
        reduce_columns(function, a.in(0) + outer * e.length * e.inner + column, e.inner, e.length, a.out() + outer * e.inner + column, std::min(kChunk, e.inner - column));
      }
    });
  });
}

}  // namespace

std::span<const Implementation> reduce_implementations() {
  static const Implementation rows[] = {{"reduce", Layout::plain, Layout::plain, declines_reduce, make_reduce}};
  return rows;
}

}  // namespace ropeway::cpu
