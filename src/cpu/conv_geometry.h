// What all convolutions have in common: sizes, bias, and what none of them serves.
#pragma once

#include <string>
#include <vector>

#include "cpu/kernel.h"
#include "cpu/spatial.h"

namespace ropeway::cpu {

// A convolution's sizes; one-dimensional ones have height 1.
struct ConvGeometry {
  int64_t images, channels, outputs, groups;
  int64_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w;
  int64_t out_h, out_w;
  Padding padding;

  ConvGeometry(const KernelRequest& request, Layout layout) {
    const auto& params = request.node.get<ConvParams>();
    const Shape& in = request.input_shape(0);
    const Shape& weight = request.input_shape(1);
    const Shape& out = request.output_shape();
    const size_t n = in.size() - 2;
    const auto two = [n](const Ints& values, size_t i) { return n == 2 ? values[i] : i == 0 ? 1 : values[0]; };
    images = in[0], channels = in[1], outputs = out[1], groups = params.group;
    kernel_h = n == 2 ? weight[2] : 1, kernel_w = weight.back();
    stride_h = two(params.strides, 0), stride_w = two(params.strides, 1);
    dilation_h = two(params.dilations, 0), dilation_w = two(params.dilations, 1);
    out_h = n == 2 ? out[2] : 1, out_w = out.back();
    padding.height = n == 2 ? in[2] : 1, padding.width = in.back();
    padding.top = n == 2 ? params.pads[0] : 0, padding.left = params.pads[n - 1];
    padding.bottom = n == 2 ? params.pads[2] : 0, padding.right = params.pads.back();
    padding.pixel = layout == Layout::blocked ? kBlock : 1;
    padding.planes = images * planes(channels);
  }

  int64_t taps() const { return kernel_h * kernel_w; }
  int64_t pixels() const { return out_h * out_w; }
  bool blocked() const { return padding.pixel == kBlock; }
  int64_t planes(int64_t count) const { return blocked() ? divide_up(count, kBlock) : count; }
  int64_t plane_floats() const { return padding.padded_height() * padding.padded_width() * padding.pixel; }
  int64_t image_floats() const { return planes(channels) * plane_floats(); }
  // Offset of channel c under tap (y, x), from the top left of the padded image.
  int64_t offset(int64_t c, int64_t y, int64_t x) const {
    const int64_t pixel = (y * dilation_h * padding.padded_width() + x * dilation_w) * padding.pixel;
    return blocked() ? c / kBlock * plane_floats() + pixel + c % kBlock : c * plane_floats() + pixel;
  }
};

// Why no convolution that packs its weights can serve a request; "" when one may.
std::string declines_any_conv(const KernelRequest& request);

}  // namespace ropeway::cpu
