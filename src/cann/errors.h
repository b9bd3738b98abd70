// CANN's error codes in words.
#pragma once

#include <string>

#include "cann/types.h"

namespace ropeway::cann {

inline constexpr aclError ACL_SUCCESS = 0;
#define ROPEWAY_CANN_ERROR(number, name) inline constexpr aclError name = number;
#include "cann/errors.def"
#undef ROPEWAY_CANN_ERROR

// "107002 (ACL_ERROR_RT_CONTEXT_NULL)".
std::string describe(aclError code);

// Whether errors.def has the code.
bool is_listed(aclError code);

// What usually helps against a code; "" when that is not known.
const char* remedy(aclError code);

}  // namespace ropeway::cann
