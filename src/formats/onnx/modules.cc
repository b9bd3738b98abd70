#include "formats/onnx/modules.h"

#include <algorithm>

#include "base/text.h"

namespace ropeway::onnx {
namespace {

bool has_prefix(std::string_view text, std::string_view prefix) { return text.substr(0, prefix.size()) == prefix; }
bool has_suffix(std::string_view text, std::string_view suffix) { return text.size() >= suffix.size() && text.substr(text.size() - suffix.size()) == suffix; }

bool is_inside(std::string_view path, std::string_view of) { return of.empty() || path == of || (has_prefix(path, of) && path[of.size()] == '.'); }

std::string joined(const std::string& parent, const std::string& name) { return parent.empty() ? name : parent + "." + name; }

// "relu_1" → "relu"; "" when there is no such suffix.
std::string without_call_number(const std::string& name) {
  const size_t underscore = name.rfind('_');
  const bool numbered = underscore != std::string::npos && underscore > 0 && underscore + 1 < name.size() &&
                        std::all_of(name.begin() + static_cast<std::ptrdiff_t>(underscore) + 1, name.end(), [](char c) { return c >= '0' && c <= '9'; });
  return numbered ? name.substr(0, underscore) : "";
}

// The scopes of "/layer1/layer1.0/relu/Relu": all segments but the last, which is the operator. Nothing for other names.
std::vector<std::string> scopes_of(std::string_view node_name) {
  if (!has_prefix(node_name, "/")) return {};
  std::vector<std::string> segments = split(node_name.substr(1), '/');
  segments.pop_back();
  return segments;
}

// A child of a Sequential or ModuleList repeats its parent's name, "layer1.0" inside "layer1": it then stands in the parent's place.
// `parent` is the path of the scope around `previous`, whose place the segment may take.
struct Position {
  std::string path, outer, segment;
  Position inside(const std::string& next) const {
    if (!segment.empty() && has_prefix(next, segment + ".")) return {joined(outer, next), outer, next};
    return {joined(path, next), path, next};
  }
};

std::string last_part(const std::string& text, char separator) { return text.substr(text.rfind(separator) + 1); }

}  // namespace

std::vector<std::string> parse_string_list(std::string_view text) {
  std::vector<std::string> result;
  size_t at = 0;
  const auto skip_to = [&](std::string_view wanted) {
    while (at < text.size() && (text[at] == ' ' || text[at] == ',')) ++at;
    return at < text.size() && wanted.find(text[at]) != std::string_view::npos;
  };
  if (!skip_to("[")) return {};
  ++at;
  while (skip_to("'\"")) {
    const char quote = text[at++];
    std::string word;
    for (; at < text.size() && text[at] != quote; ++at) {
      if (text[at] == '\\' && at + 1 < text.size()) ++at;
      word += text[at];
    }
    ++at;
    result.push_back(std::move(word));
  }
  return skip_to("]") ? result : std::vector<std::string>{};
}

ModulePaths::ModulePaths(const GraphProto& graph) {
  for (const TensorProto& weight : graph.initializers) {
    const size_t dot = weight.name.rfind('.');
    if (dot != std::string_view::npos) with_weights_.emplace(weight.name.substr(0, dot));
  }
  for (const NodeProto& node : graph.nodes) {
    Position position;
    for (const std::string& segment : scopes_of(node.name)) {
      position = position.inside(segment);
      in_names_.insert(position.path);
    }
  }
}

std::vector<ModuleFrame> ModulePaths::of(const NodeProto& node) const {
  std::vector<ModuleFrame> frames = from_metadata(node);
  return frames.empty() ? from_name(node.name) : frames;
}

std::vector<ModuleFrame> ModulePaths::from_metadata(const NodeProto& node) const {
  const std::vector<std::string> scopes = parse_string_list(find(node.metadata, "pkg.torch.onnx.name_scopes"));
  const std::vector<std::string> classes = parse_string_list(find(node.metadata, "pkg.torch.onnx.class_hierarchy"));
  std::vector<ModuleFrame> frames;
  // The last scope is the operation inside the innermost module.
  for (size_t i = 0; i + 1 < scopes.size(); ++i) frames.push_back({scopes[i], i + 1 < classes.size() ? last_part(classes[i], '.') : ""});

  const bool is_folded = !frames.empty() && has_prefix(frames.back().class_name, "BatchNorm") && node.op_type != "BatchNormalization";
  if (!is_folded || node.inputs.size() < 2 || !has_suffix(node.inputs[1], ".weight")) return frames;
  const std::string owner(node.inputs[1].substr(0, node.inputs[1].size() - std::string_view(".weight").size()));
  if (with_weights_.count(owner) == 0) return frames;
  while (!frames.empty() && !is_inside(owner, frames.back().path)) frames.pop_back();
  if (frames.empty() || frames.back().path != owner) frames.push_back({owner, ""});
  return frames;
}

bool ModulePaths::is_repeated_call(const std::string& path, const std::string& first_call) const {
  const auto first_inside = with_weights_.lower_bound(path);
  const bool owns_weights = first_inside != with_weights_.end() && is_inside(*first_inside, path);
  return !owns_weights && in_names_.count(first_call) > 0;
}

std::vector<ModuleFrame> ModulePaths::from_name(std::string_view node_name) const {
  if (!has_prefix(node_name, "/")) return {};
  std::vector<ModuleFrame> frames = {{"", ""}};
  Position raw, clean;
  for (const std::string& segment : scopes_of(node_name)) {
    const Position next = raw.inside(segment);
    const std::string first = without_call_number(segment);
    const bool repeated = !first.empty() && is_repeated_call(next.path, raw.inside(first).path);
    clean = clean.inside(repeated ? first : segment);
    raw = next;
    frames.push_back({clean.path, ""});
  }
  return frames;
}

}  // namespace ropeway::onnx
