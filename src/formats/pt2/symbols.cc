#include "formats/pt2/symbols.h"

#include <algorithm>
#include <charconv>
#include <functional>

#include "base/text.h"
#include "formats/pt2/whole_numbers.h"

namespace ropeway {
namespace {

constexpr size_t kMaxLength = 1 << 16;
constexpr int kMaxExpressionDepth = 100;

using MaybeInt = std::optional<int64_t>;

int64_t least(int64_t a, int64_t b) { return std::min(a, b); }
int64_t largest(int64_t a, int64_t b) { return std::max(a, b); }

struct Function {
  std::string_view name;
  int64_t (*apply)(int64_t, int64_t);
  bool variadic;  // applied from left to right to any number of arguments; else to exactly two
};
constexpr Function kFunctions[] = {{"Add", sum, true},
                                   {"Mul", product, true},
                                   {"Max", largest, true},
                                   {"Min", least, true},
                                   {"FloorDiv", floor_quotient, false},
                                   {"CleanDiv", floor_quotient, false},
                                   {"Mod", modulus, false},
                                   {"PythonMod", modulus, false},
                                   {"Pow", power, false},
                                   {"PowByNatural", power, false}};

// expression := Integer(number) | Symbol('name', word=word …) | Function(argument, …)
// argument := expression | number | 'text' | word=word
class Parser {
 public:
  using Lookup = std::function<MaybeInt(const std::string&)>;
  Parser(std::string_view text, const Lookup& lookup) : rest_(text), lookup_(lookup) {}

  MaybeInt whole() {
    const MaybeInt value = expression(0);
    if (!rest_.empty()) fail(ErrorCode::invalid_model, "something follows its end");
    return value;
  }

 private:
  MaybeInt expression(int depth) {
    if (depth > kMaxExpressionDepth) fail(ErrorCode::invalid_model, "it is nested too deeply");
    const std::string name = word();
    if (!accept('(')) fail(ErrorCode::invalid_model, "'(' is missing after '{}'", name);
    MaybeInt value;
    if (name == "Integer") {
      value = number();
    } else if (name == "Symbol") {
      value = symbol();
    } else {
      value = call(name, depth);
    }
    if (!accept(')')) fail(ErrorCode::invalid_model, "')' is missing");
    return value;
  }

  // Functions other than those of whole numbers also have plain numbers, texts and word=word for arguments, as in Float('0.5', precision=53). They have no value here.
  MaybeInt argument(int depth) {
    skip_spaces();
    const char first = rest_.empty() ? '\0' : rest_.front();
    if (first == '-' || (first >= '0' && first <= '9')) {
      number();
      return std::nullopt;
    }
    if (accept('\'')) {
      const size_t end = rest_.find('\'');
      if (end == std::string_view::npos) fail(ErrorCode::invalid_model, "a text does not end");
      rest_.remove_prefix(end + 1);
      return std::nullopt;
    }
    if (const size_t end = rest_.find_first_of("=(,)"); end == std::string_view::npos || rest_[end] != '=') return expression(depth);
    word();
    accept('=');
    word();
    return std::nullopt;
  }

  MaybeInt call(const std::string& name, int depth) {
    std::vector<MaybeInt> arguments;
    do {
      arguments.push_back(argument(depth + 1));
    } while (accept(','));
    const auto function = std::find_if(std::begin(kFunctions), std::end(kFunctions), [&](const Function& row) { return row.name == name; });
    if (function == std::end(kFunctions)) return std::nullopt;
    if (!function->variadic && arguments.size() != 2) fail(ErrorCode::invalid_model, "{} has {} arguments, not 2", name, arguments.size());
    if (std::any_of(arguments.begin(), arguments.end(), [](const MaybeInt& argument) { return !argument; })) return std::nullopt;
    int64_t value = *arguments[0];
    for (size_t i = 1; i < arguments.size(); ++i) value = function->apply(value, *arguments[i]);
    return value;
  }

  // Assumptions, such as positive=True, are no concern of ours.
  MaybeInt symbol() {
    if (!accept('\'')) fail(ErrorCode::invalid_model, "a symbol has no name");
    const std::string name = word();
    if (!accept('\'')) fail(ErrorCode::invalid_model, "a symbol's name does not end");
    while (accept(',')) {
      word();
      if (!accept('=')) fail(ErrorCode::invalid_model, "'=' is missing");
      word();
    }
    return lookup_(name);
  }

  int64_t number() {
    int64_t value = 0;
    const auto [end, problem] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    if (problem != std::errc{}) fail(ErrorCode::invalid_model, "a whole number of 64 bits is missing");
    rest_.remove_prefix(static_cast<size_t>(end - rest_.data()));
    return value;
  }

  std::string word() {
    skip_spaces();
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; };
    const size_t length = static_cast<size_t>(std::find_if_not(rest_.begin(), rest_.end(), letter) - rest_.begin());
    if (length == 0) fail(ErrorCode::invalid_model, "a name is missing");
    const std::string result(rest_.substr(0, length));
    rest_.remove_prefix(length);
    return result;
  }

  bool accept(char wanted) {
    skip_spaces();
    if (rest_.empty() || rest_.front() != wanted) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void skip_spaces() {
    while (!rest_.empty() && rest_.front() == ' ') rest_.remove_prefix(1);
  }

  std::string_view rest_;
  const Lookup& lookup_;
};

MaybeInt parse(std::string_view expression, const Parser::Lookup& lookup) {
  if (expression.size() > kMaxLength) fail(ErrorCode::invalid_model, "a size is given by an expression of {} characters", expression.size());
  try {
    return Parser(expression, lookup).whole();
  } catch (const Error& error) {
    fail(error.code(), "the size {} cannot be computed: {}", expression, error.message());
  }
}

}  // namespace

MaybeInt Symbols::evaluate(std::string_view expression) const {
  return parse(expression, [this](const std::string& symbol) -> MaybeInt {
    const auto found = values_.find(symbol);
    return found == values_.end() ? std::nullopt : MaybeInt(found->second);
  });
}

std::vector<std::string> Symbols::unsettled(std::string_view expression) const {
  std::vector<std::string> result;
  parse(expression, [&](const std::string& symbol) -> MaybeInt {
    if (!values_.contains(symbol) && std::find(result.begin(), result.end(), symbol) == result.end()) result.push_back(symbol);
    return std::nullopt;
  });
  return result;
}

bool Symbols::solve(std::string_view expression, int64_t wanted) {
  const std::vector<std::string> open = unsettled(expression);
  if (open.size() != 1) return false;
  Symbols trial = *this;
  const auto at = [&](int64_t value) {
    trial.bind(open[0], value);
    return trial.evaluate(expression);
  };
  // Through two points; the third, the solution itself, shows whether the expression is linear.
  const MaybeInt first = at(1), second = at(2);
  if (!first || !second || *first == *second) return false;
  const int64_t slope = difference(*second, *first), rise = difference(wanted, *first);
  if (modulus(rise, slope) != 0 || at(sum(floor_quotient(rise, slope), 1)) != wanted) return false;
  *this = std::move(trial);
  return true;
}

}  // namespace ropeway
