// The passes that every model goes through, whatever will compute it.
#pragma once

#include <vector>

#include "ir/pass.h"

namespace ropeway {

// In order. Each stands in a file of its own, whose head shows before → after.
const std::vector<Pass>& pipeline();

Graph fold_constants(Graph graph);
Graph remove_no_ops(Graph graph);
Graph recover_adaptive_pooling(Graph graph);
Graph fold_batch_norm(Graph graph);
Graph remove_dead_code(Graph graph);

}  // namespace ropeway
