// The nn.Module that a node belongs to, as torch.export notes it.
#pragma once

#include <string_view>
#include <vector>

#include "ir/graph.h"

namespace ropeway::pt2 {

// A node's nn_module_stack as frames, outermost first: "L__self__,,models.Net;L__self__conv1,conv1,torch.nn.modules.conv.Conv2d". Calls of one module beyond
// the first, which have a key that ends in @1, @2 …, keep its path. Nothing for nodes that torch added itself, and for what is no such text.
std::vector<ModuleFrame> parse_module_stack(std::string_view text);

}  // namespace ropeway::pt2
