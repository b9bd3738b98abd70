#include "cpu/conv_geometry.h"

#include <algorithm>
#include <limits>

namespace ropeway::cpu {

std::string declines_any_conv(const KernelRequest& request) {
  if (!request.all_f32()) return "it computes in f32 only";
  const size_t rank = request.input_shape(0).size();
  if (rank != 3 && rank != 4) return "it has one or two spatial dimensions";
  if (request.constant(1) == nullptr || (request.node.input(2) != kNoValue && request.constant(2) == nullptr)) return "its weights are packed beforehand, but these are computed";
  if (element_count(request.output_shape()) == 0) return "it has nothing to compute";
  // What a residual has beyond its channels is finite, but need not stay so.
  if (request.fusion.round_f16 && request.fusion.residual != kNoValue && request.output_shape()[1] % kBlock != 0) return "it rounds a residual's channels in whole blocks only";
  if (std::any_of(request.node.get<ConvParams>().pads.begin(), request.node.get<ConvParams>().pads.end(), [](int64_t pad) { return pad < 0; })) return "negative padding";
  if (ConvGeometry(request, Layout::blocked).image_floats() > std::numeric_limits<int32_t>::max()) return "an image of more than 2^31 elements";
  return "";
}

}  // namespace ropeway::cpu
