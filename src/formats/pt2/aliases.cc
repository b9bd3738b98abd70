#include "formats/pt2/aliases.h"

#include <algorithm>

#include "base/text.h"
#include "formats/pt2/window.h"

namespace ropeway::pt2 {

void Aliases::link(ValueId view, ValueId of, bool certain) {
  const ValueId content = now(of), tree = root(of);
  const auto version = versions_.find(tree);
  while (view != content) {
    const Node* node = builder_.producer(view);
    ensure(node != nullptr && !node->inputs.empty(), "{} is no view of {}", builder_.graph().value(view).name, builder_.graph().value(of).name);
    const ValueId from = node->inputs[0];
    if (!views_.emplace(view, View{from == content ? of : from, tree, certain}).second) return;
    if (version != versions_.end()) contents_[view] = {view, version->second};
    view = from;
  }
}

ValueId Aliases::root(ValueId id) const {
  const auto view = views_.find(id);
  return view == views_.end() ? id : view->second.root;
}

// A root's content always is.
bool Aliases::is_current(ValueId id, int version) const {
  const auto content = contents_.find(id);
  return content != contents_.end() && content->second.version == version;
}

ValueId Aliases::now(ValueId id) {
  const auto version = versions_.find(root(id));
  if (version == versions_.end()) return id;
  std::vector<ValueId> stale;
  for (ValueId at = id; !is_current(at, version->second); at = views_.at(at).of) stale.push_back(at);
  for (; !stale.empty(); stale.pop_back()) {
    const View& view = views_.at(stale.back());
    const ValueId from = contents_.at(view.of).value;
    contents_[stale.back()] = {view.certain && from != kNoValue ? again(stale.back(), from) : kNoValue, version->second};
  }
  const ValueId content = contents_.at(id).value;
  if (content == kNoValue) {
    fail(ErrorCode::unsupported, "{} is read after a write in place to a tensor that shares its memory in a way that cannot be followed here. Export with .run_decompositions({{}}), which takes such writes out",
         builder_.graph().value(id).name);
  }
  return content;
}

void Aliases::write(ValueId id, ValueId content) {
  std::vector<std::pair<ValueId, ValueId>> before;  // of each value up to the root: what it held
  for (ValueId at = id;;) {
    const auto view = views_.find(at);
    if (view == views_.end()) break;
    before.emplace_back(view->second.of, now(view->second.of));
    at = view->second.of;
  }
  const int version = ++versions_[root(id)];
  contents_[id] = {content, version};
  for (const auto& [parent, old] : before) {
    content = content == kNoValue || !views_.at(id).certain ? kNoValue : written_back(id, old, content);
    contents_[parent] = {content, version};
    id = parent;
  }
}

// The view's node once more, on what its input holds now.
ValueId Aliases::again(ValueId view, ValueId content) {
  const Node node = *builder_.producer(view);
  std::vector<ValueId> inputs = node.inputs;
  inputs[0] = content;
  const std::vector<ValueId> outputs = builder_.add(node.op, node.params, inputs, builder_.graph().value(view).name, node.origin);
  const auto position = std::find(node.outputs.begin(), node.outputs.end(), view) - node.outputs.begin();
  return outputs[static_cast<size_t>(position)];
}

// What the view's input holds once the view holds `content`: the inverse of the view, `before` supplying what it does not show. kNoValue: that would be a scatter.
ValueId Aliases::written_back(ValueId view, ValueId before, ValueId content) {
  const Node node = *builder_.producer(view);
  const Shape whole = builder_.shape(before);
  const std::string name = builder_.graph().value(before).name;
  SliceParams window{Ints(whole.size(), 0), whole, Ints(whole.size(), 1)};
  switch (node.op) {
    case Op::Identity:
    case Op::Dropout: return content;
    case Op::Reshape: return builder_.add1(Op::Reshape, ShapeParams{whole}, {content}, name, node.origin);
    case Op::Transpose: {
      const Ints& perm = node.get<PermParams>().perm;
      PermParams inverse{Ints(perm.size())};
      for (size_t d = 0; d < perm.size(); ++d) inverse.perm[static_cast<size_t>(perm[d])] = static_cast<int64_t>(d);
      return builder_.add1(Op::Transpose, inverse, {content}, name, node.origin);
    }
    case Op::Slice: window = node.get<SliceParams>(); break;
    case Op::Split: {
      const auto& params = node.get<SplitParams>();
      const auto axis = static_cast<size_t>(params.axis);
      window.ends[axis] = 0;
      for (size_t i = 0; i < node.outputs.size(); ++i) {
        window.starts[axis] = window.ends[axis];
        window.ends[axis] += params.split[i];
        if (node.outputs[i] == view) break;
      }
      break;
    }
    default: return kNoValue;
  }
  return replaced(builder_, before, window, content, node.origin).value_or(kNoValue);
}

}  // namespace ropeway::pt2
