#include "chip/precision.h"

namespace ropeway::chip {
namespace {

struct ModeName {
  std::string_view name;
  PrecisionMode mode;
};
constexpr ModeName kNames[] = {
    {"force_fp16", PrecisionMode::force_fp16},
    {"allow_fp32_to_fp16", PrecisionMode::allow_fp32_to_fp16},
    {"must_keep_origin_dtype", PrecisionMode::must_keep_origin_dtype},
    {"force_fp32", PrecisionMode::force_fp32},
    {"cube_fp16in_fp32out", PrecisionMode::force_fp32},
};
constexpr ModeName kV2Names[] = {
    {"fp16", PrecisionMode::force_fp16},
    {"origin", PrecisionMode::must_keep_origin_dtype},
    {"cube_fp16in_fp32out", PrecisionMode::force_fp32},
};

template <size_t N>
std::optional<PrecisionMode> find(const ModeName (&names)[N], std::string_view name) {
  for (const ModeName& each : names) {
    if (each.name == name) return each.mode;
  }
  return std::nullopt;
}

}  // namespace

const char* name(PrecisionMode mode) {
  for (const ModeName& each : kNames) {
    if (each.mode == mode) return each.name.data();
  }
  return "?";
}

std::optional<PrecisionMode> precision_mode_named(std::string_view name) { return find(kNames, name); }
std::optional<PrecisionMode> precision_mode_v2_named(std::string_view name) { return find(kV2Names, name); }

std::vector<DType> computed_dtypes(PrecisionMode mode, bool is_product, DType dtype) {
  using enum DType;
  if (dtype != f32 && dtype != f16) return {dtype};
  switch (mode) {
    case PrecisionMode::force_fp16: return {f16, f32};
    case PrecisionMode::allow_fp32_to_fp16: return dtype == f16 || is_product ? std::vector{f16, f32} : std::vector{f32, f16};
    case PrecisionMode::must_keep_origin_dtype: return dtype == f16 ? std::vector{f16, f32} : std::vector{f32};
    case PrecisionMode::force_fp32: return is_product ? std::vector{f16, f32} : std::vector{f32, f16};
  }
  return {dtype};
}

}  // namespace ropeway::chip
