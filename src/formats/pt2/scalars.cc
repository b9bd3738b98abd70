// Arithmetic on Python's numbers, which programs with dynamic shapes do with sizes: all of it is known here.
#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "formats/pt2/operators.h"
#include "formats/pt2/whole_numbers.h"

namespace ropeway::pt2 {
namespace {

bool is_real(const Scalar& scalar) { return std::holds_alternative<double>(scalar); }

int64_t whole(const Scalar& scalar) {
  const auto* truth = std::get_if<bool>(&scalar);
  return truth != nullptr ? *truth : std::get<int64_t>(scalar);
}

// Whole where both operands are.
template <int64_t (*of_whole)(int64_t, int64_t), double (*of_real)(double, double)>
Scalar arithmetic(const NodeImporter& node) {
  const Scalar a = node.scalar("a"), b = node.scalar("b");
  if (is_real(a) || is_real(b)) return of_real(as_double(a), as_double(b));
  return of_whole(whole(a), whole(b));
}

template <bool (*compare)(double, double)>
Scalar comparison(const NodeImporter& node) {
  return compare(node.number("a"), node.number("b"));
}

int64_t larger(int64_t a, int64_t b) { return std::max(a, b); }
int64_t smaller(int64_t a, int64_t b) { return std::min(a, b); }

Scalar quotient(const NodeImporter& node) { return node.number("a") / node.number("b"); }

Scalar negated(const NodeImporter& node) {
  const Scalar a = node.scalar("a");
  return is_real(a) ? Scalar(-as_double(a)) : Scalar(difference(0, whole(a)));
}

Scalar size(const NodeImporter& node) { return node.shape("self")[static_cast<size_t>(node.axis(node.integer("dim"), node.rank("self")))]; }

Scalar count(const NodeImporter& node) { return element_count(node.shape("self")); }

Scalar real(const NodeImporter& node) { return node.number("a"); }

constexpr ScalarOperator kScalarRows[] = {
    {"torch.ops.aten.sym_size.int", size},
    {"torch.ops.aten.sym_numel.default", count},
    {"torch.sym_float", real},
    {"_operator.neg", negated},
    {"_operator.truediv", quotient},
    {"_operator.add", arithmetic<sum, [](double a, double b) { return a + b; }>},
    {"_operator.sub", arithmetic<difference, [](double a, double b) { return a - b; }>},
    {"_operator.mul", arithmetic<product, [](double a, double b) { return a * b; }>},
    {"_operator.floordiv", arithmetic<floor_quotient, [](double a, double b) { return std::floor(a / b); }>},
    {"_operator.mod", arithmetic<modulus, [](double a, double b) { return a - b * std::floor(a / b); }>},
    {"_operator.pow", arithmetic<power, [](double a, double b) { return std::pow(a, b); }>},
    {"torch.sym_max", arithmetic<larger, [](double a, double b) { return std::max(a, b); }>},
    {"torch.sym_min", arithmetic<smaller, [](double a, double b) { return std::min(a, b); }>},
    {"_operator.eq", comparison<[](double a, double b) { return a == b; }>},
    {"_operator.ne", comparison<[](double a, double b) { return a != b; }>},
    {"_operator.lt", comparison<[](double a, double b) { return a < b; }>},
    {"_operator.le", comparison<[](double a, double b) { return a <= b; }>},
    {"_operator.gt", comparison<[](double a, double b) { return b < a; }>},
    {"_operator.ge", comparison<[](double a, double b) { return b <= a; }>},
};

}  // namespace

const ScalarOperator* find_scalar_operator(std::string_view target) {
  const auto row = std::find_if(std::begin(kScalarRows), std::end(kScalarRows), [&](const ScalarOperator& each) { return each.target == target; });
  return row == std::end(kScalarRows) ? nullptr : row;
}

}  // namespace ropeway::pt2
