// Cast between f32 and f16, and the pair of both that rounds.
#include "cpu/implementations.h"
#include "cpu/kernels/half.h"
#include "cpu/kernels/reorder.h"
#include "cpu/lambda_kernel.h"
#include "cpu/parallel.h"

namespace ropeway::cpu {
namespace {

// Cast to f16 and back, in one step and in any layout.
std::string declines_round(const KernelRequest& request) {
  const Fusion& fusion = request.fusion;
  if (!fusion.round_f16) return "it only rounds";
  return fusion.bias == kNoValue && fusion.residual == kNoValue && !fusion.activation && request.graph.type(request.node.inputs[0]).dtype == DType::f32 ? "" : "it fuses nothing";
}

std::unique_ptr<Kernel> make_round(const KernelRequest& request) {
  const Shape shape = request.output_shape();
  return make_kernel([shape, layout = request.layout, count = physical_count(shape, request.layout)](const KernelArguments& a) {
    parallel_for(a.pool, count, 1, [&](int64_t begin, int64_t end) { round_to_f16(a.in(0) + begin, a.out() + begin, end - begin); });
    if (layout == Layout::blocked) clear_padding(a.out(), shape, a.pool);  // promised to be finite, which a large number does not stay
  });
}

template <DType from, DType to>
std::string declines_conversion(const KernelRequest& request) {
  if (!request.fusion.empty()) return "it fuses nothing";
  const bool fits = request.graph.type(request.node.inputs[0]).dtype == from && request.graph.type(request.node.outputs[0]).dtype == to;
  return fits ? "" : fmt::format("it converts {} to {} only", name(from), name(to));
}

std::unique_ptr<Kernel> make_to_f16(const KernelRequest& request) {
  return make_kernel([count = element_count(request.output_shape())](const KernelArguments& a) {
    parallel_for(a.pool, count, 1, [&](int64_t begin, int64_t end) { to_f16(a.in(0) + begin, a.out<uint16_t>() + begin, end - begin); });
  });
}

std::unique_ptr<Kernel> make_from_f16(const KernelRequest& request) {
  return make_kernel([count = element_count(request.output_shape())](const KernelArguments& a) {
    parallel_for(a.pool, count, 1, [&](int64_t begin, int64_t end) { from_f16(a.in<uint16_t>(0) + begin, a.out() + begin, end - begin); });
  });
}

}  // namespace

std::span<const Implementation> cast_implementations() {
  static const std::vector<Implementation> rows = [] {
    std::vector<Implementation> all = {
        {"round_f16", Layout::any, Layout::any, declines_round, make_round},
        {"to_f16", Layout::plain, Layout::plain, declines_conversion<DType::f32, DType::f16>, make_to_f16},
        {"from_f16", Layout::plain, Layout::plain, declines_conversion<DType::f16, DType::f32>, make_from_f16},
    };
    const auto copies = copy_implementations();  // to the same dtype
    all.insert(all.end(), copies.begin(), copies.end());
    return all;
  }();
  return rows;
}

}  // namespace ropeway::cpu
