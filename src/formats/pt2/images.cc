// Resizing of images, and pixels as channels.
#include <cmath>

#include "base/text.h"
#include "formats/compositions.h"
#include "formats/pt2/operators.h"

namespace ropeway::pt2 {
namespace {

using Ids = std::vector<ValueId>;

// By size or by factors; with factors the size is ⌊size · factor⌋, and pixels lie as the factor says.
template <size_t n, bool linear>
Ids upsample_by_list(const NodeImporter& node) {
  const bool align_corners = linear && node.boolean("align_corners", false);
  Ints sizes;
  std::vector<double> scales(n, 0);
  if (node.rank("input") != static_cast<int64_t>(n) + 2) fail(ErrorCode::unsupported, "an input of {} has no batch and channels. Export the model with x.unsqueeze(0)", to_string(node.type("input")));
  if (node.has("scale_factors")) scales = node.numbers("scale_factors");
  if (scales.size() != n) fail(ErrorCode::invalid_model, "{} scale factors for {} dimensions", scales.size(), n);
  if (node.has("output_size")) sizes = node.integers("output_size");
  for (size_t d = 0; d < n && !node.has("output_size"); ++d) {
    const double size = std::floor(static_cast<double>(node.shape("input")[d + 2]) * scales[d]);
    if (!(size >= 1 && size < 1e9)) fail(ErrorCode::invalid_model, "a scale factor of {}", scales[d]);
    sizes.push_back(static_cast<int64_t>(size));
  }
  return resized(node, node.tensor("input"), linear ? "linear" : "nearest", align_corners, sizes, scales);
}

template <size_t n, bool linear>
Ids upsample(const NodeImporter& node) {
  const bool align_corners = linear && node.boolean("align_corners", false);
  std::vector<double> scales;
  if (n == 1) scales = {node.number("scales", 0)};
  else scales = {node.number("scales_h", 0), node.number("scales_w", 0)};
  return resized(node, node.tensor("self"), linear ? "linear" : "nearest", align_corners, node.integers("output_size"), scales);
}

Ids pixel_shuffle(const NodeImporter& node) { return depth_to_space(node, node.tensor("self"), node.integer("upscale_factor"), true); }
Ids pixel_unshuffle(const NodeImporter& node) { return space_to_depth(node, node.tensor("self"), node.integer("downscale_factor"), true); }

// [groups, channels] turned to [channels, groups].
Ids channel_shuffle(const NodeImporter& node) {
  const Shape shape = node.shape("self");
  const int64_t groups = node.integer("groups");
  if (shape.size() < 2 || groups < 1 || shape[1] % groups != 0) fail(ErrorCode::invalid_model, "the channels of {} do not divide into {} groups", to_string(node.type("self")), groups);
  const ValueId split = node.reshape(node.tensor("self"), settled_shape(node.type("self"), {shape[0], groups, shape[1] / groups, -1}));
  return node.result(Op::Reshape, ShapeParams{shape}, {node.step(Op::Transpose, PermParams{{0, 2, 1, 3}}, {split})});
}

constexpr Operator kImageRows[] = {
    {"upsample_nearest1d.vec", upsample_by_list<1, false>},
    {"upsample_nearest2d.vec", upsample_by_list<2, false>},
    {"upsample_linear1d.vec", upsample_by_list<1, true>},
    {"upsample_bilinear2d.vec", upsample_by_list<2, true>},
    {"upsample_nearest1d.default", upsample<1, false>},
    {"upsample_nearest2d.default", upsample<2, false>},
    {"upsample_linear1d.default", upsample<1, true>},
    {"upsample_bilinear2d.default", upsample<2, true>},
    {"pixel_shuffle.default", pixel_shuffle},
    {"pixel_unshuffle.default", pixel_unshuffle},
    {"channel_shuffle.default", channel_shuffle},
};

}  // namespace

std::span<const Operator> image_operators() { return kImageRows; }

}  // namespace ropeway::pt2
