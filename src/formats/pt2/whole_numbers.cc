#include "formats/pt2/whole_numbers.h"

#include "base/text.h"

namespace ropeway {
namespace {

[[noreturn]] void overflow() { fail(ErrorCode::invalid_model, "its value does not fit 64 bits"); }

}  // namespace

int64_t sum(int64_t a, int64_t b) {
  int64_t result = 0;
  if (__builtin_add_overflow(a, b, &result)) overflow();
  return result;
}

int64_t difference(int64_t a, int64_t b) {
  int64_t result = 0;
  if (__builtin_sub_overflow(a, b, &result)) overflow();
  return result;
}

int64_t product(int64_t a, int64_t b) {
  int64_t result = 0;
  if (__builtin_mul_overflow(a, b, &result)) overflow();
  return result;
}

int64_t floor_quotient(int64_t a, int64_t b) {
  if (b == 0) fail(ErrorCode::invalid_model, "it divides by zero");
  if (b == -1) return product(a, -1);
  return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

int64_t modulus(int64_t a, int64_t b) {
  if (b == 0) fail(ErrorCode::invalid_model, "it divides by zero");
  const int64_t rest = b == -1 ? 0 : a % b;
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

int64_t power(int64_t base, int64_t exponent) {
  if (exponent < 0) fail(ErrorCode::invalid_model, "it has a negative exponent");
  if (base == 0 || base == 1) return exponent == 0 ? 1 : base;
  if (base == -1) return exponent % 2 == 0 ? 1 : -1;
  int64_t result = 1;
  for (; exponent > 0; --exponent) result = product(result, base);
  return result;
}

}  // namespace ropeway
