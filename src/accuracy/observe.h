// The results of a model's operators, in fp32 and as the chip has them, side by side.
#pragma once

#include <functional>
#include <vector>

#include "accuracy/chip_run.h"

namespace ropeway {

struct Observed {
  int node = 0;            // of the lowered graph
  size_t output = 0;       // of the node
  const Tensor* exact;     // fp32
  const Tensor* computed;  // by the chip, as others read it
  const Tensor* before;    // the same before it was rounded to 16 bits; nullptr: it is not rounded here
};

// Calls `visit` for every floating-point result of the lowered graph's nodes, in order. `rounded`: that graph as rounded_for_chip makes it. As many results are held at once as fit
// into `most_bytes`, at least one; each batch is one run of both graphs. Tensors live as long as the call.
void observe(const LoweredGraph& lowered, const Graph& rounded, const std::vector<Tensor>& inputs, const Backend& backend, size_t most_bytes, const std::function<void(const Observed&)>& visit);

}  // namespace ropeway
