#include "accuracy/difference.h"

#include <cmath>
#include <limits>

#include "ops/convert.h"

namespace ropeway {
namespace {

double error_of(double result, double reference) {
  if (result == reference || (std::isnan(result) && std::isnan(reference))) return 0;
  if (!std::isfinite(result) || !std::isfinite(reference)) return std::numeric_limits<double>::infinity();
  return std::fabs(result - reference);
}

// Of two vectors, by what was summed over their elements.
double cosine_of(double product, double result_squares, double reference_squares) {
  if (result_squares == 0 && reference_squares == 0) return 1;
  if (result_squares == 0 || reference_squares == 0) return 0;
  return product / std::sqrt(result_squares) / std::sqrt(reference_squares);
}

template <class T>
Difference compare(std::span<const T> results, std::span<const T> references) {
  Difference d;
  d.count = static_cast<int64_t>(results.size());
  double product = 0, result_squares = 0, reference_squares = 0;
  for (size_t i = 0; i < results.size(); ++i) {
    const auto result = static_cast<double>(results[i]), reference = static_cast<double>(references[i]);
    d.result_nans += std::isnan(result);
    d.reference_nans += std::isnan(reference);
    d.result_infinities += std::isinf(result);
    d.reference_infinities += std::isinf(reference);
    d.lost += result == 0 && reference != 0 && !std::isnan(reference);
    if (std::isfinite(reference)) d.largest_value = std::max(d.largest_value, std::fabs(reference));
    if (std::isfinite(result) && std::isfinite(reference)) {
      product += result * reference;
      result_squares += result * result;
      reference_squares += reference * reference;
    }
    const double error = error_of(result, reference);
    if (error <= d.largest_error) continue;
    d.largest_error = error;
    d.index = static_cast<int64_t>(i);
    d.result_at = result;
    d.reference_at = reference;
  }
  d.cosine = cosine_of(product, result_squares, reference_squares);
  return d;
}

}  // namespace

double Difference::relative() const {
  if (largest_error == 0) return 0;
  return largest_value == 0 ? std::numeric_limits<double>::infinity() : largest_error / largest_value;
}

Difference difference(const Tensor& result, const Tensor& reference) {
  if (result.shape() != reference.shape()) fail(ErrorCode::invalid_argument, "{} cannot be compared with {}", to_string(result.type()), to_string(reference.type()));
  if (result.dtype() == DType::f32 && reference.dtype() == DType::f32) return compare(result.data<float>(), reference.data<float>());
  const Tensor wide_result = convert(result, DType::f64), wide_reference = convert(reference, DType::f64);
  return compare(std::as_const(wide_result).data<double>(), std::as_const(wide_reference).data<double>());
}

std::string position(const Shape& shape, int64_t index) {
  if (index < 0) return "";
  Shape at(shape.size());
  for (size_t d = shape.size(); d-- > 0; index /= shape[d]) at[d] = index % shape[d];
  return fmt::format("[{}]", fmt::join(at, ","));
}

}  // namespace ropeway
