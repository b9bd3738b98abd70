#include "cpu/kernels/half.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/kernels/half.cc"
#include <hwy/foreach_target.h>
#include "cpu/kernels/vector-inl.h"

// Written with integers rather than the processors' conversions: those differ in what becomes of NaN, and not every target has them.
HWY_BEFORE_NAMESPACE();
namespace ropeway::cpu {
namespace HWY_NAMESPACE {

using DU = hn::RebindToUnsigned<D>;
using U = hn::Vec<DU>;
using D16 = hn::Rebind<uint16_t, D>;

HWY_INLINE U bits(uint32_t value) { return hn::Set(DU(), value); }

HWY_INLINE V rounded(V x) {
  const U all = hn::BitCast(DU(), x), sign = hn::And(all, bits(0x80000000)), size = hn::AndNot(bits(0x80000000), all);
  // Normal numbers lose 13 bits. What passes 65504 is infinity.
  const U odd = hn::And(hn::ShiftRight<13>(size), bits(1));
  U result = hn::AndNot(bits(0x1fff), hn::Add(hn::Add(size, bits(0xfff)), odd));
  result = hn::IfThenElse(hn::Gt(result, bits(0x477fe000)), bits(0x7f800000), result);
  // Below 2^-14 the spacing is 2^-24, as that of f32 is from 1/2 to 1.
  const V half = set(0.5f);
  const U small = hn::BitCast(DU(), hn::Sub(hn::Add(hn::BitCast(D(), size), half), half));
  result = hn::IfThenElse(hn::Lt(size, bits(0x38800000)), small, result);
  result = hn::IfThenElse(hn::Gt(size, bits(0x7f800000)), bits(0x7fc00000), result);
  return hn::BitCast(D(), hn::Or(result, sign));
}

void round_all(const float* in, float* out, int64_t count) {
  map(in, out, count, [](V x) { return rounded(x); });
}

HWY_INLINE hn::Vec<D16> narrow(V x) {
  const V r = rounded(x);
  const U all = hn::BitCast(DU(), r), sign = hn::And(hn::ShiftRight<16>(all), bits(0x8000)), size = hn::AndNot(bits(0x80000000), all);
  const U normal = hn::Sub(hn::ShiftRight<13>(size), bits(112u << 10));
  const U small = hn::BitCast(DU(), hn::ConvertTo(hn::RebindToSigned<D>(), hn::Mul(hn::BitCast(D(), size), set(0x1p24f))));
  const U beyond = hn::IfThenElse(hn::Gt(size, bits(0x7f800000)), bits(0x7e00), bits(0x7c00));
  U result = hn::IfThenElse(hn::Lt(size, bits(0x38800000)), small, normal);
  result = hn::IfThenElse(hn::Gt(size, bits(0x7f7fffff)), beyond, result);
  return hn::DemoteTo(D16(), hn::BitCast(hn::RebindToSigned<D>(), hn::Or(result, sign)));
}

HWY_INLINE V widen(hn::Vec<D16> half) {
  const U all = hn::PromoteTo(DU(), half), sign = hn::ShiftLeft<16>(hn::And(all, bits(0x8000))), size = hn::And(all, bits(0x7fff));
  const U small = hn::BitCast(DU(), hn::Mul(hn::ConvertTo(D(), hn::BitCast(hn::RebindToSigned<D>(), size)), set(0x1p-24f)));
  const U offset = hn::IfThenElse(hn::Gt(size, bits(0x7bff)), bits(224u << 23), bits(112u << 23));  // infinity and NaN have the largest exponent
  const U result = hn::IfThenElse(hn::Lt(size, bits(0x400)), small, hn::Add(hn::ShiftLeft<13>(size), offset));
  return hn::BitCast(D(), hn::Or(result, sign));
}

void narrow_all(const float* in, uint16_t* out, int64_t count) {
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) hn::StoreU(narrow(load(in + i)), D16(), out + i);
  if (i == count) return;
  HWY_ALIGN uint16_t lanes[kLanes];
  hn::Store(narrow(load_first(in + i, count - i)), D16(), lanes);
  std::memcpy(out + i, lanes, static_cast<size_t>(count - i) * sizeof(uint16_t));
}

void widen_all(const uint16_t* in, float* out, int64_t count) {
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) store(widen(hn::LoadU(D16(), in + i)), out + i);
  if (i == count) return;
  HWY_ALIGN uint16_t lanes[kLanes] = {};
  std::memcpy(lanes, in + i, static_cast<size_t>(count - i) * sizeof(uint16_t));
  store_first(widen(hn::Load(D16(), lanes)), out + i, count - i);
}

// As integers, magnitudes are in the same order.
float largest(const float* in, int64_t count) {
  const hn::RebindToSigned<D> di;
  const auto infinity = hn::Set(di, 0x7f800000);
  auto most = hn::Zero(di);
  const auto take = [&](V x) {
    const auto size = hn::BitCast(di, hn::Abs(x));
    most = hn::Max(most, hn::IfThenElseZero(hn::Lt(size, infinity), size));
  };
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) take(load(in + i));
  if (i < count) take(load_first(in + i, count - i));
  return hn::GetLane(hn::BitCast(D(), hn::MaxOfLanes(di, most)));
}

}  // namespace HWY_NAMESPACE
}  // namespace ropeway::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ropeway::cpu {

HWY_EXPORT(round_all);
HWY_EXPORT(narrow_all);
HWY_EXPORT(widen_all);
HWY_EXPORT(largest);
void round_to_f16(const float* in, float* out, int64_t count) { HWY_DYNAMIC_DISPATCH(round_all)(in, out, count); }
void to_f16(const float* in, uint16_t* out, int64_t count) { HWY_DYNAMIC_DISPATCH(narrow_all)(in, out, count); }
void from_f16(const uint16_t* in, float* out, int64_t count) { HWY_DYNAMIC_DISPATCH(widen_all)(in, out, count); }
float largest_finite(const float* in, int64_t count) { return HWY_DYNAMIC_DISPATCH(largest)(in, count); }

}  // namespace ropeway::cpu
#endif  // HWY_ONCE
