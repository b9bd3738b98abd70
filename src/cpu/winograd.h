// Winograd convolution: stride 1, square filters of 3 to 5 taps.
#pragma once

#include <memory>
#include <string>

#include "cpu/conv_geometry.h"
#include "cpu/kernel.h"
#include "cpu/kernels/winograd.h"

namespace ropeway::cpu {

// A convolution of the geometry's sizes, on a blocked input; of the request it has bias, fusion and pool. `weights`: [outputs][channels][taps]; `half`: stored in 16 bits, if
// they fit.
std::unique_ptr<Kernel> make_winograd_conv(const KernelRequest& request, const ConvGeometry& geometry, const float* weights, WinogradForm form, bool half);

// Transformed weights over given ones.
double winograd_growth(WinogradForm form);

// Why weights may not be made `growth` times as many; "" when they may.
std::string declines_growth(const KernelRequest& request, double growth);

}  // namespace ropeway::cpu
