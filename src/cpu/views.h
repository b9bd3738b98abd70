// Values that are nothing but another order of the elements of a value: an attention reads them where those lie, so that they are never written.
#pragma once

#include <map>
#include <optional>

#include "ir/graph.h"

namespace ropeway::cpu {

// Element i… of the value is element offset + Σ i · strides of `base`, which lies plain.
struct View {
  ValueId base;
  int64_t offset = 0;
  Shape strides;
};

using Views = std::map<ValueId, View>;

// The values of f32 that attentions alone read, directly or through other such values, and that are made by Reshape, Transpose, Slice, Identity or Dropout.
Views attention_views(const Graph& graph);

// The strides of `shape` over elements that have `strides` in `from`; nothing where they would have to be moved.
std::optional<Shape> reshaped_strides(const Shape& from, const Shape& strides, const Shape& shape);

}  // namespace ropeway::cpu
