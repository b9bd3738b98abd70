// Einstein's sums, by products of matrices.
#pragma once

#include <string>
#include <vector>

#include "formats/emitter.h"

namespace ropeway {

// What `equation` ("bij,bjk->bik", "...ij,jk", also without the arrow) says of the operands, which are taken together from left to right. Labels of size 1
// broadcast, as in PyTorch. Throws Error{unsupported} for a label that an operand has twice (a diagonal), Error{invalid_model} for an equation that does not fit.
std::vector<ValueId> einsum(const Emitter& emit, const std::string& equation, const std::vector<ValueId>& operands);

}  // namespace ropeway
