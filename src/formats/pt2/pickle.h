// A reader of the few pickles that torch.save writes of plain tensors. Nothing is ever called or imported: names stay names.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace ropeway::pt2 {

struct Pickled;
using PickledPtr = std::shared_ptr<const Pickled>;

// A value of a pickle. Tuples, lists and dictionaries (keys and values in turn) have items; a call has the function's name and one item, its arguments; a reference
// to a storage has one item, its description; a name is "module name".
struct Pickled {
  enum class Kind : uint8_t { none, boolean, integer, text, name, tuple, list, dict, call, storage } kind = Kind::none;
  int64_t integer = 0;
  std::string text;
  std::vector<PickledPtr> items;
  int depth = 0;  // of the items in it, within each other
};

// Throws Error{invalid_model} for a pickle that is damaged, too large, too deep (more than 100), or has anything else in it.
PickledPtr read_pickle(std::string_view bytes);

}  // namespace ropeway::pt2
