// What 16 bits do to a model, in the words of a check.
#pragma once

#include <set>

#include "check/check.h"
#include "engine/prepare.h"

namespace ropeway::check {

// `on_cpu`: nodes of the prepared graph that the CPU computes, in fp32.
PrecisionCheck check_precision(const PreparedModel& model, const CheckOptions& options, chip::PrecisionMode mode, std::set<int> on_cpu);

}  // namespace ropeway::check
