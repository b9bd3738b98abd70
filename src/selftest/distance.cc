#include "selftest/distance.h"

#include <cmath>
#include <cstring>
#include <limits>

#include "base/text.h"
#include "ops/convert.h"

namespace ropeway::selftest {
namespace {

bool is_floating(DType dtype) { return dtype == DType::f32 || dtype == DType::f64 || dtype == DType::f16 || dtype == DType::bf16; }

Distance integer_distance(const Tensor& actual, const Tensor& expected) {
  const size_t size = size_of(expected.dtype());
  for (int64_t i = 0; i < expected.count(); ++i) {
    const size_t at = static_cast<size_t>(i) * size;
    if (std::memcmp(actual.raw() + at, expected.raw() + at, size) != 0) return {1, 0, i};
  }
  return {};
}

}  // namespace

Distance distance(const Tensor& actual, const Tensor& expected, double tolerance) {
  ensure(actual.type() == expected.type(), "{} is compared with {}", to_string(actual.type()), to_string(expected.type()));
  if (!is_floating(expected.dtype())) return integer_distance(actual, expected);
  const Tensor wide_actual = convert(actual, DType::f64), wide_expected = convert(expected, DType::f64);
  const auto a = wide_actual.data<double>(), e = wide_expected.data<double>();
  Distance result;
  double largest = 0;
  for (const double value : e) largest = std::isfinite(value) ? std::max(largest, std::fabs(value)) : largest;
  double worst = 0, dot = 0, a_norm = 0, e_norm = 0;
  for (size_t i = 0; i < e.size(); ++i) {
    double error = 0;
    if (!std::isfinite(e[i]) || !std::isfinite(a[i])) {
      const bool same = a[i] == e[i] || (std::isnan(a[i]) && std::isnan(e[i]));
      error = same ? 0 : std::numeric_limits<double>::infinity();
    } else {
      error = std::fabs(a[i] - e[i]);
      dot += a[i] * e[i];
      a_norm += a[i] * a[i];
      e_norm += e[i] * e[i];
    }
    if (error > tolerance * largest && result.first < 0) result.first = static_cast<int64_t>(i);
    worst = std::max(worst, error);
  }
  result.error = worst == 0 ? 0 : largest == 0 ? std::numeric_limits<double>::infinity() : worst / largest;
  result.cosine = a_norm == 0 && e_norm == 0 ? 1 : a_norm == 0 || e_norm == 0 ? 0 : dot / std::sqrt(a_norm * e_norm);
  return result;
}

}  // namespace ropeway::selftest
