// Symbolic sizes. torch writes them as SymPy expressions, such as "Mul(Integer(2), Symbol('s77', positive=True, integer=True))".
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ropeway {

// The symbols whose numbers are settled.
class Symbols {
 public:
  void bind(const std::string& symbol, int64_t value) { values_[symbol] = value; }
  const std::map<std::string, int64_t>& values() const { return values_; }

  // The expression's number; nothing when it has a symbol that is not settled, or a function other than those of whole numbers (Add, Mul, FloorDiv, Mod, Max, Min, Pow).
  // Throws Error{invalid_model} when it is no such expression, or leaves the range of 64 bits.
  std::optional<int64_t> evaluate(std::string_view expression) const;

  // Names of the symbols that are not settled, each once. Throws as `evaluate` does.
  std::vector<std::string> unsettled(std::string_view expression) const;

  // Settles the expression's one open symbol so that its number is `wanted`. False when no whole number does, or when more than one symbol is open.
  // Finds solutions of linear expressions, the only ones that torch makes for the sizes of inputs.
  bool solve(std::string_view expression, int64_t wanted);

 private:
  std::map<std::string, int64_t> values_;
};

}  // namespace ropeway
