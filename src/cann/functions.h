// CANN's functions as pointers, one member per row of abi.def.
#pragma once

#include "cann/types.h"

namespace ropeway::cann {

struct Functions {
#define ROPEWAY_CANN(library, need, result, name, parameters) result (*name) parameters = nullptr;
#include "cann/abi.def"
#undef ROPEWAY_CANN
};

}  // namespace ropeway::cann
