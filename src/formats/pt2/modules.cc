#include "formats/pt2/modules.h"

#include "base/text.h"

namespace ropeway::pt2 {
namespace {

// Splits at separators outside brackets: paths may hold slices, such as "layers.slice(0, 2, None)", and classes their parameters.
std::vector<std::string> split_outside_brackets(std::string_view text, char separator) {
  std::vector<std::string> parts(1);
  int depth = 0;
  for (const char c : text) {
    if (c == '(' || c == '[') ++depth;
    if (c == ')' || c == ']') --depth;
    if (c == separator && depth == 0) parts.emplace_back();
    else parts.back() += c;
  }
  return parts;
}

}  // namespace

std::vector<ModuleFrame> parse_module_stack(std::string_view text) {
  std::vector<ModuleFrame> frames;
  if (text.empty()) return frames;
  for (const std::string& frame : split_outside_brackets(text, ';')) {
    const std::vector<std::string> fields = split_outside_brackets(frame, ',');
    if (fields.size() != 3) return {};
    if (fields[0] == "_empty_nn_module_stack_from_metadata_hook") continue;
    const std::string type = fields[2].substr(0, fields[2].find_first_of("(["));
    frames.push_back({fields[1], type.substr(type.rfind('.') + 1)});
  }
  return frames;
}

}  // namespace ropeway::pt2
