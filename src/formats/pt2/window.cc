#include "formats/pt2/window.h"

#include <algorithm>

namespace ropeway::pt2 {

std::optional<ValueId> replaced(GraphBuilder& builder, ValueId whole, const SliceParams& window, ValueId content, const Origin& origin) {
  if (std::any_of(window.steps.begin(), window.steps.end(), [](int64_t step) { return step != 1; })) return std::nullopt;
  const Shape shape = builder.shape(whole);
  const std::string name = builder.graph().value(whole).name;
  const auto rest = [&](const SliceParams& part) { return builder.add1(Op::Slice, part, {whole}, name + ".rest", origin); };
  // From the last dimension to the first, so that `content` is whole in all dimensions behind.
  for (size_t d = shape.size(); d-- > 0;) {
    SliceParams before = window;
    for (size_t inner = d + 1; inner < shape.size(); ++inner) before.starts[inner] = 0, before.ends[inner] = shape[inner];
    SliceParams behind = before;
    before.starts[d] = 0, before.ends[d] = window.starts[d];
    behind.starts[d] = window.ends[d], behind.ends[d] = shape[d];
    std::vector<ValueId> parts;
    if (before.ends[d] > 0) parts.push_back(rest(before));
    parts.push_back(content);
    if (behind.starts[d] < shape[d]) parts.push_back(rest(behind));
    if (parts.size() > 1) content = builder.add1(Op::Concat, AxisParams{static_cast<int64_t>(d)}, parts, name, origin);
  }
  return content;
}

}  // namespace ropeway::pt2
