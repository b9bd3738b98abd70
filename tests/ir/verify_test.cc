// Every rule, broken once.
#include "ir/verify.h"

#include <gtest/gtest.h>

#include <functional>

#include "ir/text.h"
#include "ropeway/error.h"

namespace ropeway {
namespace {

constexpr const char* kValid =
    "graph g\n"
    "input %x: f32[2]\n"
    "const %c: f32[2] = [1, 2]\n"
    "%a = Binary(%x, %c) function=add : f32[2] @ block (add)\n"
    "%b = Unary(%a) function=relu : f32[2] @ block.act (relu)\n"
    "output %b\n";
enum : ValueId { kX, kC, kA, kB };

struct Break {
  const char* name;
  std::function<void(Graph&)> apply;
  const char* message;  // what it contains
};
void PrintTo(const Break& each, std::ostream* stream) { *stream << each.name; }

class Rule : public testing::TestWithParam<Break> {};

TEST(Verifier, AcceptsAValidGraph) { EXPECT_NO_THROW(verify(parse_graph(kValid))); }
TEST(Verifier, AcceptsAnInputThatIsAnOutput) { EXPECT_NO_THROW(verify(parse_graph("graph g\ninput %x: f32[2]\noutput %x\noutput %x"))); }

TEST_P(Rule, Holds) {
  Graph graph = parse_graph(kValid);
  GetParam().apply(graph);
  try {
    verify(graph);
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::internal);
    EXPECT_NE(error.message().find(GetParam().message), std::string::npos) << error.message();
  }
}

INSTANTIATE_TEST_SUITE_P(
    Breaks, Rule,
    testing::Values(Break{"names_are_unique", [](Graph& g) { g.value(kA).name = "x"; }, "two values are called x"},
                    Break{"constants_have_their_type", [](Graph& g) { g.value(kC).type.shape = {3}; }, "constant c is f32[2], but its value says f32[3]"},
                    Break{"inputs_exist", [](Graph& g) { g.inputs[0] = 9; }, "inputs of the graph: value 9 does not exist"},
                    Break{"inputs_are_no_constants", [](Graph& g) { g.inputs.push_back(kC); }, "value c has two producers"},
                    Break{"inputs_are_distinct", [](Graph& g) { g.inputs.push_back(kX); }, "value x has two producers"},
                    Break{"node_inputs_exist", [](Graph& g) { g.nodes[0].inputs[1] = 4; }, "Binary block (add): value 4 does not exist"},
                    Break{"node_inputs_are_not_negative", [](Graph& g) { g.nodes[0].inputs[1] = -2; }, "Binary block (add): value -2 does not exist"},
                    Break{"node_outputs_exist", [](Graph& g) { g.nodes[0].outputs[0] = kNoValue; }, "Binary block (add): value -1 does not exist"},
                    Break{"nodes_have_outputs", [](Graph& g) { g.nodes[1].outputs.clear(); }, "Unary block.act (relu): no output"},
                    Break{"one_producer", [](Graph& g) { g.nodes[1].outputs[0] = kA; }, "Unary block.act (relu): value a has two producers"},
                    Break{"constants_have_no_producer", [](Graph& g) { g.nodes[1].outputs[0] = kC; }, "value c has two producers"},
                    Break{"topological_order", [](Graph& g) { std::swap(g.nodes[0], g.nodes[1]); }, "Unary block.act (relu): reads a before it is computed"},
                    Break{"no_node_reads_itself", [](Graph& g) { g.nodes[1].inputs[0] = kB; }, "reads b before it is computed"},
                    Break{"parameters_of_the_operator", [](Graph& g) { g.nodes[1].params = NoParams{}; }, "Unary block.act (relu): parameters of another operator"},
                    Break{"outputs_exist", [](Graph& g) { g.outputs[0] = 7; }, "outputs of the graph: value 7 does not exist"},
                    Break{"outputs_are_given", [](Graph& g) { g.outputs[0] = kNoValue; }, "outputs of the graph: value -1 does not exist"},
                    Break{"outputs_are_computed", [](Graph& g) { g.nodes.pop_back(); }, "output b is never computed"}),
    [](const auto& each) { return each.param.name; });

}  // namespace
}  // namespace ropeway
