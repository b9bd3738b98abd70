// Operators that both readers write out in others.
#pragma once

#include <vector>

#include "formats/emitter.h"

namespace ropeway {

// x / √(mean(x²) + epsilon), over the dimensions from `axis` on, times `scale` (kNoValue: none). Of 16-bit floats it is computed in f32, as everywhere.
std::vector<ValueId> rms_norm(const Emitter& emit, ValueId x, int64_t axis, double epsilon, ValueId scale);

// The channels of a group normalised as one, in every element of the batch, then scaled and shifted each (kNoValue: not). As many groups as channels: instance
// normalisation. Throws Error{invalid_model} when the channels do not divide.
std::vector<ValueId> group_norm(const Emitter& emit, ValueId x, int64_t groups, double epsilon, ValueId scale, ValueId shift);

// The last two dimensions `times` as long, of what the third last has in blocks of times². Whether a channel's block lies together (PyTorch; ONNX's CRD) or the
// channels of one place do (DCR). And its inverse.
std::vector<ValueId> depth_to_space(const Emitter& emit, ValueId x, int64_t times, bool channel_first);
std::vector<ValueId> space_to_depth(const Emitter& emit, ValueId x, int64_t times, bool channel_first);

// Zeros of the shape `all`, in which element i of x stands where index i says, counted over the dimensions from `first` on.
std::vector<ValueId> unpooled(const Emitter& emit, ValueId x, ValueId indices, const Shape& all, int64_t first);

// A boolean constant [rows, columns]: true on and below the diagonal (above: on and above). `diagonal`: how far above the main one, any number.
ValueId triangle_mask(const Emitter& emit, int64_t rows, int64_t columns, int64_t diagonal, bool above);

// The triangle of the last two dimensions on and below the diagonal (above: on and above), zeros in the rest. `diagonal`: how far above the main one.
std::vector<ValueId> triangle(const Emitter& emit, ValueId x, int64_t diagonal, bool above);

// [N, C, height, width] or [N, C, width], resized: see ResizeParams, whose sizes and scales have one entry per spatial dimension here.
std::vector<ValueId> resized(const Emitter& emit, ValueId x, const std::string& mode, bool align_corners, const Ints& sizes, const std::vector<double>& scales);

}  // namespace ropeway
