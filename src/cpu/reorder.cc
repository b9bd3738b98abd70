#include "cpu/reorder.h"

#include <cstring>

#include "cpu/kernels/reorder.h"
#include "cpu/lambda_kernel.h"

namespace ropeway::cpu {

std::unique_ptr<Kernel> make_to_blocked(const Shape& shape) {
  return make_kernel([shape](const KernelArguments& run) { to_blocked(run.in(0), run.out(), shape, run.pool); });
}

std::unique_ptr<Kernel> make_to_plain(const Shape& shape) {
  return make_kernel([shape](const KernelArguments& run) { to_plain(run.in(0), run.out(), shape, run.pool); });
}

std::unique_ptr<Kernel> make_copy(size_t bytes) {
  return make_kernel([bytes](const KernelArguments& run) { std::memcpy(run.out<void>(), run.in<void>(0), bytes); });
}

}  // namespace ropeway::cpu
