// An attention of a vision transformer, whole and in the operators that it is made of, as lines of a graph's text.
#pragma once

namespace ropeway::chip {

inline constexpr char kAttention[] = R"(
input %q: f32[1,12,197,64]
input %k: f32[1,12,197,64]
input %v: f32[1,12,197,64]
%y = ScaledDotProductAttention(%q, %k, %v) scale=0.125
output %y)";

inline constexpr char kAttentionInParts[] = R"(
input %q: f32[1,12,197,64]
input %k: f32[1,12,64,197]
input %v: f32[1,12,197,64]
const %s: f32[] = fill(0.125)
%m = MatMul(%q, %k)
%c = Binary(%m, %s) function=mul
%p = Softmax(%c) axis=3
%y = MatMul(%p, %v)
output %y)";

}  // namespace ropeway::chip
