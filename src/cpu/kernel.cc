#include "cpu/kernel.h"

#include <algorithm>

namespace ropeway::cpu {

int64_t physical_count(const Shape& shape, Layout layout) {
  if (layout != Layout::blocked) return element_count(shape);
  Shape rounded = shape;
  rounded[1] = divide_up(shape[1], kBlock) * kBlock;
  return element_count(rounded);
}

bool KernelRequest::all_f32() const {
  const auto is_f32 = [&](ValueId id) { return id == kNoValue || graph.type(id).dtype == DType::f32; };
  return std::all_of(node.inputs.begin(), node.inputs.end(), is_f32) && std::all_of(node.outputs.begin(), node.outputs.end(), is_f32);
}

}  // namespace ropeway::cpu
