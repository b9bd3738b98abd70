// Resizing of images, and pixels as channels.
#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "formats/compositions.h"
#include "formats/onnx/operators.h"
#include "ops/convert.h"

namespace ropeway::onnx {
namespace {

using Ids = std::vector<ValueId>;

// Sizes and scales by dimension; a scale of 0 is the ratio of the sizes.
struct Target {
  Ints sizes;
  std::vector<double> scales;
};

Target target_of(const NodeImporter& node) {
  const Shape shape = node.shape(0);
  const bool by_size = node.has_input(3);
  if (by_size == node.has_input(2)) fail(ErrorCode::invalid_model, "Resize needs sizes or scales, not both");
  Target target{by_size ? node.ints(3, "the sizes") : Ints{}, std::vector<double>(shape.size(), 0)};
  if (!by_size) {
    const Tensor scales = convert(node.constant(2, "the scales"), DType::f64);
    target.scales.assign(scales.data<double>().begin(), scales.data<double>().end());
    for (size_t d = 0; d < std::min(shape.size(), target.scales.size()); ++d) {
      const double size = std::floor(static_cast<double>(shape[d]) * target.scales[d]);
      if (!(size >= 0 && size < 1e9)) fail(ErrorCode::invalid_model, "Resize by a scale of {}", target.scales[d]);
      target.sizes.push_back(static_cast<int64_t>(size));
    }
  }
  if (target.sizes.size() != shape.size() || target.scales.size() != shape.size()) fail(ErrorCode::invalid_model, "Resize to {} sizes of {}", target.sizes.size(), to_string(node.type(0)));
  return target;
}

// Whether every output is a whole number of times as long as the input: then the ways to find the nearest pixel agree.
bool is_whole(const Shape& shape, const Target& target) {
  for (size_t d = 0; d < shape.size(); ++d) {
    if (shape[d] == 0 || target.sizes[d] % shape[d] != 0) return false;
    if (target.scales[d] != 0 && target.scales[d] * static_cast<double>(shape[d]) != static_cast<double>(target.sizes[d])) return false;
  }
  return true;
}

Ids resize(const NodeImporter& node) {
  const std::string mode = node.string("mode", "nearest"), nearest = node.string("nearest_mode", "round_prefer_floor");
  const std::string place = node.string("coordinate_transformation_mode", "half_pixel");
  node.ignore("cubic_coeff_a");  // of other modes, as are these
  node.ignore("exclude_outside");
  node.ignore("extrapolation_value");
  node.has_input(1);  // the region, of another mode
  if (node.integer("antialias", 0) != 0 || node.string("keep_aspect_ratio_policy", "stretch") != "stretch") fail(ErrorCode::unsupported, "Resize with antialias or keep_aspect_ratio_policy is not supported");
  Target target = target_of(node);
  const Shape shape = node.shape(0);
  if (shape.size() < 3 || target.sizes[0] != shape[0] || target.sizes[1] != shape[1]) fail(ErrorCode::unsupported, "Resize of {} to [{}]: only of spatial dimensions is it supported", to_string(node.type(0)), fmt::join(target.sizes, ","));
  if (mode != "nearest" && mode != "linear") fail(ErrorCode::unsupported, "Resize with mode {} is not supported: only nearest and linear", mode);
  if (mode == "nearest") {
    const bool floored = place == "asymmetric" && nearest == "floor";
    const bool rounded = (place == "half_pixel" || place == "pytorch_half_pixel") && nearest.starts_with("round_prefer") && is_whole(shape, target);
    if (!floored && !rounded) fail(ErrorCode::unsupported, "Resize to the nearest pixel by {} and {} is not supported: only by asymmetric and floor, as PyTorch does it", place, nearest);
  } else {
    // To a size of 1, pytorch_half_pixel means the first pixel, which PyTorch itself does not.
    const bool first_pixel = place == "pytorch_half_pixel" && std::count(target.sizes.begin() + 2, target.sizes.end(), 1) > 0;
    if ((place != "half_pixel" && place != "pytorch_half_pixel" && place != "align_corners") || first_pixel) fail(ErrorCode::unsupported, "Resize by {} is not supported: only by half_pixel and align_corners", place);
  }
  const Ints sizes(target.sizes.begin() + 2, target.sizes.end());
  return resized(node, node.input(0), mode, mode == "linear" && place == "align_corners", sizes, {target.scales.begin() + 2, target.scales.end()});
}

Ids depth_to_space_of(const NodeImporter& node) {
  const std::string mode = node.string("mode", "DCR");
  if (mode != "DCR" && mode != "CRD") fail(ErrorCode::invalid_model, "DepthToSpace's mode is '{}', not DCR or CRD", mode);
  return depth_to_space(node, node.input(0), node.integer("blocksize", 0), mode == "CRD");
}

Ids space_to_depth_of(const NodeImporter& node) { return space_to_depth(node, node.input(0), node.integer("blocksize", 0), false); }

constexpr Operator kImageRows[] = {
    {.op_type = "Resize", .convert = resize},
    {.op_type = "DepthToSpace", .convert = depth_to_space_of},
    {.op_type = "SpaceToDepth", .convert = space_to_depth_of},
};

}  // namespace

std::span<const Operator> image_operators() { return kImageRows; }

}  // namespace ropeway::onnx
