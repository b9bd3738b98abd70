// Arithmetic on sizes from a file: what leaves the range of 64 bits, or has no result, is Error{invalid_model}.
#pragma once

#include <cstdint>

namespace ropeway {

int64_t sum(int64_t a, int64_t b);
int64_t difference(int64_t a, int64_t b);
int64_t product(int64_t a, int64_t b);
// ⌊a / b⌋, as Python has it.
int64_t floor_quotient(int64_t a, int64_t b);
// a − b ⌊a / b⌋: of the divisor's sign.
int64_t modulus(int64_t a, int64_t b);
int64_t power(int64_t base, int64_t exponent);

}  // namespace ropeway
