#include "formats/pt2/output_names.h"

#include <fmt/format.h>

namespace ropeway::pt2 {
namespace {

// The keys of a dictionary, which torch writes as JSON inside a JSON string; none for tuples and lists.
std::vector<std::string> keys_of(const Json& node) {
  const Json* context = member(node, "context");
  if (context == nullptr || !context->is_string()) return {};
  const Json keys = Json::parse(context->get_ref<const std::string&>(), nullptr, false);
  std::vector<std::string> result;
  if (!keys.is_array()) return result;
  for (const Json& key : keys) {
    if (!key.is_string()) return {};
    result.push_back(key.get<std::string>());
  }
  return result;
}

void collect(const Json& node, const std::string& path, bool in_dictionary, std::vector<std::string>& names) {
  const Json& children = node.at("children_spec");
  if (children.empty() && node.at("type").is_null()) {
    names.push_back(in_dictionary ? path : "");
    return;
  }
  const std::vector<std::string> keys = keys_of(node);
  const bool named = !keys.empty() && keys.size() == children.size();
  for (size_t i = 0; i < children.size(); ++i) {
    const std::string part = named ? keys[i] : std::to_string(i);
    collect(children[i], path.empty() ? part : path + "." + part, in_dictionary || named, names);
  }
}

}  // namespace

std::vector<std::string> output_names(const Json& program, size_t count) {
  std::vector<std::string> names;
  const Json& calls = program.at("graph_module").at("module_call_graph");
  const Json* signature = calls.empty() ? nullptr : member(calls[0], "signature");
  const Json* spec = signature == nullptr ? nullptr : member(*signature, "out_spec");
  if (spec != nullptr) {
    const Json tree = parse_json(spec->get_ref<const std::string&>(), "the structure of the outputs");
    if (tree.is_array() && tree.size() == 2) collect(tree[1], "", false, names);
  }
  if (names.size() != count) names.assign(count, "");
  return names;
}

}  // namespace ropeway::pt2
