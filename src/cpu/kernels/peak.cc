#include "cpu/kernels/peak.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/kernels/peak.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace ropeway::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

// Chains of dependent operations: latency times operations begun at once is at most 10 on today's processors, and 12 chains with two constants fit 16 registers.
constexpr int kChains = 12;
// Places that are read in turn: one stream alone does not keep enough of the memory's requests under way.
constexpr int kStreams = 4;

HWY_INLINE float sum_of(V v) { return hn::GetLane(hn::SumOfLanes(D(), v)); }

MultiplyAdd multiply_add_all(int64_t rounds) {
  const D d;
  const V factor = hn::Set(d, 0.5f), term = hn::Set(d, 1.0f);
  V chain[kChains];
#pragma GCC unroll 16
  for (int c = 0; c < kChains; ++c) chain[c] = hn::Set(d, static_cast<float>(c));
  for (int64_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 16
    for (int c = 0; c < kChains; ++c) chain[c] = hn::MulAdd(chain[c], factor, term);
  }
  V sum = hn::Zero(d);
#pragma GCC unroll 16
  for (int c = 0; c < kChains; ++c) sum = hn::Add(sum, chain[c]);
  return {2.0 * kChains * static_cast<double>(hn::Lanes(d)) * static_cast<double>(rounds), sum_of(sum)};
}

float read(const float* HWY_RESTRICT from, int64_t count) {
  const D d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t stream = count / kStreams;
  V even[kStreams], odd[kStreams];
#pragma GCC unroll 4
  for (int s = 0; s < kStreams; ++s) even[s] = odd[s] = hn::Zero(d);
  for (int64_t i = 0; i < stream; i += 2 * lanes) {
#pragma GCC unroll 4
    for (int s = 0; s < kStreams; ++s) {
      even[s] = hn::Add(even[s], hn::Load(d, from + s * stream + i));
      odd[s] = hn::Add(odd[s], hn::Load(d, from + s * stream + i + lanes));
    }
  }
  float sum = 0;
#pragma GCC unroll 4
  for (int s = 0; s < kStreams; ++s) sum += sum_of(hn::Add(even[s], odd[s]));
  return sum;
}

}  // namespace HWY_NAMESPACE
}  // namespace ropeway::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ropeway::cpu {

HWY_EXPORT(multiply_add_all);
HWY_EXPORT(read);
MultiplyAdd multiply_add(int64_t rounds) { return HWY_DYNAMIC_DISPATCH(multiply_add_all)(rounds); }
float read_all(const float* from, int64_t count) { return HWY_DYNAMIC_DISPATCH(read)(from, count); }

}  // namespace ropeway::cpu
#endif  // HWY_ONCE
