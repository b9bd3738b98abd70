// Which words a user reads for what becomes of an operator.
#pragma once

#include "check/check.h"
#include "check/follow.h"

namespace ropeway::check {

// Of an operator that a pass took away. `node`: as it was read.
OperatorCheck removed(const Node& node, const std::string& pass);

// Of one of which a pass made another operator: that one, `now`, as `computed` says.
OperatorCheck changed(OperatorCheck now, const std::string& pass);

// Of one that is computed. `on_cpu`: why the plan has it there; "" for the chip.
OperatorCheck computed(const Node& node, const ascend::Verdict& verdict, const ascend::Target& target, const std::string& on_cpu);

// What all verdicts for a version rest on.
std::vector<std::string> sources(chip::CannVersion version);

}  // namespace ropeway::check
