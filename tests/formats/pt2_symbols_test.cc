// Symbolic sizes, in the words of torch 2.13 (sympy.srepr of the sizes of exported programs).
#include "formats/pt2/symbols.h"

#include <gtest/gtest.h>

#include <limits>

#include "support/errors.h"

namespace ropeway {
namespace {

constexpr auto kLeast = std::numeric_limits<int64_t>::min(), kMost = std::numeric_limits<int64_t>::max();
const std::string kS = "Symbol('s77', positive=True, integer=True)", kT = "Symbol('s3', integer=True)";

std::string integer(int64_t value) { return "Integer(" + std::to_string(value) + ")"; }
std::string call(const std::string& function, const std::string& a, const std::string& b) { return function + "(" + a + ", " + b + ")"; }
std::string call(const std::string& function, int64_t a, int64_t b) { return call(function, integer(a), integer(b)); }

std::optional<int64_t> value(const std::string& expression, int64_t s77 = 7) {
  Symbols symbols;
  symbols.bind("s77", s77);
  return symbols.evaluate(expression);
}

TEST(Symbols, Evaluate) {
  EXPECT_EQ(value("Integer(-3)"), -3);
  EXPECT_EQ(value(kS), 7);
  EXPECT_EQ(value("Add(Integer(1), Mul(Integer(-1), " + kS + "))"), -6);
  EXPECT_EQ(value("Add(Integer(1), Integer(2), Integer(3), " + kS + ")"), 13);
  EXPECT_EQ(value("FloorDiv(Add(" + kS + ", Integer(-1)), Integer(2))"), 3);
  EXPECT_EQ(value("Max(Integer(3), " + kS + ")"), 7);
  EXPECT_EQ(value("Min(Integer(3), " + kS + ", Integer(1))"), 1);
  EXPECT_EQ(value("Pow(" + kS + ", Integer(2))"), 49);
}

// As Python has them: -7 // 2 is -4 and -7 % 2 is 1, 7 // -2 is -4 and 7 % -2 is -1.
TEST(Symbols, DivideAsPythonDoes) {
  EXPECT_EQ(value(call("FloorDiv", -7, 2)), -4);
  EXPECT_EQ(value(call("FloorDiv", 7, -2)), -4);
  EXPECT_EQ(value(call("FloorDiv", -7, -2)), 3);
  EXPECT_EQ(value(call("FloorDiv", -8, 2)), -4);
  EXPECT_EQ(value(call("FloorDiv", kMost, -1)), -kMost);
  EXPECT_EQ(value(call("PythonMod", -7, 2)), 1);
  EXPECT_EQ(value(call("Mod", 7, -2)), -1);
  EXPECT_EQ(value(call("Mod", kLeast, -1)), 0);
  EXPECT_EQ(value(call("CleanDiv", 12, 4)), 3);
}

TEST(Symbols, Powers) {
  EXPECT_EQ(value(call("Pow", 2, 62)), int64_t{1} << 62);
  EXPECT_EQ(value(call("PowByNatural", -2, 63)), kLeast);
  EXPECT_EQ(value(call("Pow", 0, 0)), 1);
  EXPECT_EQ(value(call("Pow", 0, kMost)), 0);
  EXPECT_EQ(value(call("Pow", 1, kMost)), 1);  // at once
  EXPECT_EQ(value(call("Pow", -1, kMost)), -1);
}

TEST(Symbols, WhatCannotBeComputedIsAnError) {
  const auto refuses = [](const std::string& expression, const std::string& part) {
    test::expect_error([&] { value(expression); }, ErrorCode::invalid_model, "cannot be computed: " + part);
  };
  refuses(call("Add", kMost, 1), "its value does not fit 64 bits");
  refuses(call("Mul", kLeast, -1), "its value does not fit 64 bits");
  refuses(call("FloorDiv", kLeast, -1), "its value does not fit 64 bits");
  refuses(call("Pow", 2, 63), "its value does not fit 64 bits");
  refuses(call("Pow", 2, -1), "it has a negative exponent");
  refuses(call("FloorDiv", 1, 0), "it divides by zero");
  refuses(call("Mod", 1, 0), "it divides by zero");
  refuses("FloorDiv(Integer(1))", "FloorDiv has 1 arguments, not 2");
  refuses("Mod(Integer(1), Integer(2), Integer(3))", "Mod has 3 arguments, not 2");
}

TEST(Symbols, ExpressionsThatAreNone) {
  for (const std::string expression : {"", "3", "s77", "Integer", "Integer(", "Integer()", "Integer(1", "Integer(x)", "Integer(1.5)", "Integer(1))", "Integer(1) Integer(2)",
                                       "Integer(99999999999999999999)", "Symbol(s77)", "Symbol('s77", "Symbol('')", "Symbol('s77', positive)", "Add()", "Add(Integer(1),)",
                                       "Add(Integer(1) Integer(2))", "Float('0.5", "Float(precision=)", "__import__('os')()", "Add(\n)"}) {
    test::expect_error([&] { value(expression); }, ErrorCode::invalid_model, "cannot be computed");
  }
  const auto nested = [](int depth) {
    std::string text = integer(1);
    for (int i = 0; i < depth; ++i) text = "Add(" + text + ")";
    return text;
  };
  EXPECT_EQ(value(nested(100)), 1);
  test::expect_error([&] { value(nested(101)); }, ErrorCode::invalid_model, "it is nested too deeply");
  test::expect_error([&] { value(std::string(100'000, '(')); }, ErrorCode::invalid_model, "an expression of 100000 characters");
}

// Sizes that go through real numbers, and functions that are not known, have no number here, but are no errors.
TEST(Symbols, OtherFunctionsHaveNoNumber) {
  EXPECT_EQ(value("Mul(Rational(1, 2), " + kS + ")"), std::nullopt);
  EXPECT_EQ(value("floor(Mul(Rational(-1, 2), " + kS + "))"), std::nullopt);
  EXPECT_EQ(value("FloorToInt(Mul(Float('1.5', precision=53), " + kS + "))"), std::nullopt);
  EXPECT_EQ(value("TruncToInt(IntTrueDiv(" + kS + ", Integer(2)))"), std::nullopt);
  EXPECT_EQ(value("Add(Integer(1), " + kT + ")"), std::nullopt);  // a symbol that is not settled
}

TEST(Symbols, UnsettledAreNamedOnce) {
  Symbols symbols;
  EXPECT_EQ(symbols.unsettled("Add(" + kS + ", Mul(" + kT + ", " + kS + "))"), (std::vector<std::string>{"s77", "s3"}));
  EXPECT_EQ(symbols.unsettled("floor(Mul(Rational(1, 2), " + kT + "))"), (std::vector<std::string>{"s3"}));
  symbols.bind("s77", 1);
  EXPECT_EQ(symbols.unsettled("Add(" + kS + ", Mul(" + kT + ", " + kS + "))"), (std::vector<std::string>{"s3"}));
  EXPECT_TRUE(symbols.unsettled(integer(1)).empty());
}

TEST(Symbols, SolveLinearExpressions) {
  const auto solution = [](const std::string& expression, int64_t wanted) -> std::optional<int64_t> {
    Symbols symbols;
    if (!symbols.solve(expression, wanted)) {
      EXPECT_TRUE(symbols.values().empty()) << expression;
      return std::nullopt;
    }
    return symbols.values().at("s77");
  };
  EXPECT_EQ(solution(kS, 5), 5);
  EXPECT_EQ(solution("Mul(Integer(2), " + kS + ")", 6), 3);
  EXPECT_EQ(solution("Mul(Integer(2), " + kS + ")", 7), std::nullopt);
  EXPECT_EQ(solution("Add(Integer(10), Mul(Integer(-3), " + kS + "))", 1), 3);
  EXPECT_EQ(solution("Add(Integer(1), Mul(Integer(4), " + kS + "))", 1), 0);
  EXPECT_EQ(solution("Pow(" + kS + ", Integer(2))", 49), std::nullopt);  // not linear: no solution is guessed
  EXPECT_EQ(solution("Max(" + kS + ", Integer(3))", 3), std::nullopt);
  EXPECT_EQ(solution("Mul(Rational(1, 2), " + kS + ")", 3), std::nullopt);
  EXPECT_EQ(solution(integer(3), 3), std::nullopt);
  EXPECT_EQ(solution("Add(" + kS + ", " + kT + ")", 3), std::nullopt);
}

TEST(Symbols, SolveGoesByWhatIsSettled) {
  Symbols symbols;
  symbols.bind("s3", 2);
  EXPECT_TRUE(symbols.solve("Add(" + kT + ", " + kS + ")", 9));
  EXPECT_EQ(symbols.values(), (std::map<std::string, int64_t>{{"s3", 2}, {"s77", 7}}));
}

}  // namespace
}  // namespace ropeway
