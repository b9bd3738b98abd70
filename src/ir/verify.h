// The rules that every graph obeys.
#pragma once

#include "ir/graph.h"

namespace ropeway {

// Throws Error{internal} that names the node and the rule: values exist, have one producer and unique names; nodes come after what they read;
// parameters are of the operator's struct; constants have the type of their value; inputs and outputs exist.
void verify(const Graph& graph);

}  // namespace ropeway
