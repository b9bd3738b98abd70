#include "selftest/cases.h"

#include "base/text.h"
#include "ir/text.h"
#include "ops/operator.h"

namespace ropeway::selftest {
namespace {

struct CaseText {
  const char *op, *text;
};
constexpr CaseText kTexts[] = {
#include "selftest/case_texts.inc"
};

// As tests and tools/golden_ops.py fill them: between -2 and 2, or whole numbers between -9 and 9.
Tensor case_input(const Value& value) {
  const DType dtype = value.type.dtype;
  const bool floating = dtype == DType::f32 || dtype == DType::f64;
  return uniform_tensor(value.type, value.name, dtype == DType::boolean ? 1 : floating ? 2 : 9);
}

std::string text_of(Op op) {
  for (const CaseText& each : kTexts) {
    if (std::string_view(each.op) == ropeway::name(op)) return std::string("\n") + each.text;
  }
  fail(ErrorCode::internal, "{} has no cases: tests/cases/{}.txt is missing", ropeway::name(op), ropeway::name(op));
}

}  // namespace

std::string Case::name() const { return fmt::format("{}_{}", ropeway::name(op), graph.name); }

std::vector<Case> cases_of(Op op) {
  const std::string text = text_of(op);
  std::vector<Case> cases;
  for (size_t at = text.find("\ngraph "); at != std::string::npos;) {
    const size_t next = text.find("\ngraph ", at + 1);
    Case each{op, parse_graph(text.substr(at, next - at), infer), {}};
    for (const ValueId id : each.graph.inputs) each.inputs.push_back(case_input(each.graph.value(id)));
    cases.push_back(std::move(each));
    at = next;
  }
  return cases;
}

Graph merged(const std::vector<Case>& cases) {
  Graph whole;
  for (const Case& each : cases) {
    whole.name += (whole.name.empty() ? "" : "+") + each.graph.name;
    const auto offset = static_cast<ValueId>(whole.values.size());
    const auto moved = [&](std::vector<ValueId> ids) {
      for (ValueId& id : ids) id = id == kNoValue ? kNoValue : id + offset;
      return ids;
    };
    for (Value value : each.graph.values) {
      value.name = each.graph.name + "." + value.name;
      whole.values.push_back(std::move(value));
    }
    for (Node node : each.graph.nodes) {
      node.inputs = moved(node.inputs);
      node.outputs = moved(node.outputs);
      node.origin = {fmt::format("{}.{}", each.graph.name, whole.nodes.size()), {}};
      whole.nodes.push_back(std::move(node));
    }
    for (const ValueId id : moved(each.graph.inputs)) whole.inputs.push_back(id);
    for (const ValueId id : moved(each.graph.outputs)) whole.outputs.push_back(id);
  }
  if (cases.size() > 1) whole.name = fmt::format("{} cases of {}", cases.size(), name(cases[0].op));
  whole.source = "selftest";
  return whole;
}

}  // namespace ropeway::selftest
