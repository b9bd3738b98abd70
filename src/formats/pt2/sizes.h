// Sizes of tensors as numbers: every symbol that torch.export left open is settled, by the caller, by the file's own example, or by its bounds.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "formats/formats.h"
#include "formats/pt2/json.h"
#include "formats/pt2/symbols.h"

namespace ropeway::pt2 {

class Sizes {
 public:
  // `ranges`: the program's range_constraints.
  Sizes(const ReadOptions& options, const Json& ranges);

  // Settles the symbols of all inputs. `inputs`: name and recorded tensor of each, in order. Throws Error{invalid_argument} for options that the file contradicts.
  void settle(const std::vector<std::pair<std::string, const Json*>>& inputs);

  // The shape of a recorded tensor, or its strides (`key`). Nothing when an expression cannot be computed.
  std::optional<Shape> shape(const Json& tensor, const char* key = "sizes") const;

  // Whether the caller's options settled a symbol, so that what does not fit may be theirs.
  bool by_caller() const { return by_caller_; }

 private:
  void apply(const std::string& input, const Json& tensor, size_t dimension, int64_t wanted);
  void check_ranges() const;
  std::string place_of(const std::string& symbol) const;

  const ReadOptions& options_;
  const Json& ranges_;
  Symbols symbols_;
  std::map<std::string, std::string> places_;  // by symbol: the first dimension that it stands in
  bool by_caller_ = false;
};

}  // namespace ropeway::pt2
