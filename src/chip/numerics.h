// How the chip rounds, written into a graph.
#pragma once

#include <set>

#include "chip/precision.h"
#include "ir/graph.h"

namespace ropeway::chip {

struct NumericsOptions {
  bool everywhere = false;  // also where rounding provably changes nothing: for tests of that, and in force_fp16 alone
  PrecisionMode mode = PrecisionMode::force_fp16;
  std::set<int> keep = {};  // nodes of the graph that keep f32, as atc's --keep_dtype has it; without effect on must_keep_origin_dtype
};

// In the chip's default precision, atc's force_fp16: f32 operators read, keep and deliver 16-bit floats and compute in 32 bits. The graph does the same with visible
// nodes, so that whatever computes f32 computes what the chip would, but for the order of sums:
//   input %x                     →   Cast(%x) to=f16, Cast to=f32
//   const %w: f32                →   const %w.f16: f16, Cast to=f32
//   %y = LayerNormalization(%x)  →   %y.unrounded = LayerNormalization(%x), %y.f16 = Cast(%y.unrounded) to=f16, %y = Cast(%y.f16) to=f32
// The chip's output stage does it in that order ([ini], see soc.cc: it casts sums from 32 to 16 bits, applies a relu, adds a 16-bit residual, applies a relu).
// One rounding per operator, to nearest, halves to even, above 65504 to infinity: within softmax, layer norm, sums of products, and gelu and attention where the graph has them whole, all is f32.
//
// Not rounded, because it changes nothing (but the sign of a zero, for the second):
//   - results of operators that only move, select or negate what is rounded already, or make whole numbers of it;
//   - what only a relu, or a clip to numbers of 16 bits, reads: it is rounded behind that;
//   - what is only read to be rounded: applying it twice is applying it once.
// Nor, because the chip does not either: a product before the addition of its bias, a constant row, which goes into the accumulator.
//
// Inputs and outputs keep names and dtypes; nodes, but for the new ones, their origins. f64, f16, bf16 and integers stay: what is computed in f16 is rounded once
// per operator as it is; f64 is for others to refuse; where an f32 is made of them, that is rounded.
//
// In the other modes each operator by itself: one that computes in 16 bits there (chip/precision.h, chip/operators.h) has its inputs rounded and its result, with the
// same exceptions where they change nothing and for a bias; any other keeps f32.
//   - allow_fp32_to_fp16: convolutions and products, and what the AI Core has in nothing but 16 bits, such as MaxPool.
//   - must_keep_origin_dtype: nothing is rounded but what a convolution reads: CANN's documentation says of float32 that it is computed in float16. Its result stays f32 (assumed).
//   - force_fp32: what convolutions and products read, and what has nothing but 16 bits.
// Operators that the AI CPU takes, or that no list has, keep f32 (assumed).
//
// A kept node computes in f32 where the chip has that: a convolution reads 16 bits all the same, and delivers 32; what has nothing but 16 bits has those. Between a kept node and
// one in 16 bits a value is rounded where the latter reads it. A product and the addition of its bias are one operator: kept when either is.
Graph apply_numerics(Graph graph, const NumericsOptions& options = {});

// In saturation mode, which CANN's documentation says is the 310B's only one, results in 16 bits that overflow become ±65504 and NaN becomes 0: behind each node of
// an applied graph whose result is f16, and in its f16 constants. f32 results are left as they are.
Graph saturate(Graph graph);

}  // namespace ropeway::chip
