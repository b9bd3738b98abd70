// Parts of a tensor that are written to.
#pragma once

#include <optional>

#include "ops/builder.h"

namespace ropeway::pt2 {

// `whole` with `content` in the place of `window`, which has its shape: what lies around it is cut out and joined to it. Nothing for a window with steps,
// which would need a scatter.
std::optional<ValueId> replaced(GraphBuilder& builder, ValueId whole, const SliceParams& window, ValueId content, const Origin& origin);

}  // namespace ropeway::pt2
