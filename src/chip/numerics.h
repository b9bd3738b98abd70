// How the chip rounds, as a graph that says so.
#pragma once

#include "ir/graph.h"

namespace ropeway {

// The chip's default, precision mode force_fp16: operators take and give 16-bit numbers and add up in 32. Every f32 input, constant and result is rounded to f16 by a
// visible pair of Casts, f32 → f16 → f32, constants by one from an f16 constant, so that any f32 backend computes as the chip does. No pair stands where it would
// change nothing: behind what only moves or chooses rounded numbers, and between an operator and the relu that alone reads it (rounding and relu commute).
// Inputs and outputs of the graph keep their names and dtypes. f64 is left alone: the chip does not have it.
Graph apply_numerics(Graph graph);

}  // namespace ropeway
