#include "ir/pass.h"

#include <gtest/gtest.h>

#include "ir/text.h"
#include "ropeway/error.h"

namespace ropeway {
namespace {

Graph rename_to_one(Graph graph) {
  graph.name += "1";
  return graph;
}
Graph rename_to_two(Graph graph) {
  graph.name += "2";
  return graph;
}
Graph lose_the_nodes(Graph graph) {
  graph.nodes.clear();
  return graph;
}

constexpr Pass kOne{"one", false, rename_to_one};
constexpr Pass kTwo{"two", true, rename_to_two};
constexpr Pass kBad{"lose", false, lose_the_nodes};

Graph example() { return parse_graph("graph g\ninput %x: f32[2]\n%y = Identity(%x) : f32[2]\noutput %y"); }

Error error_of(std::vector<Pass> passes, const std::set<std::string>& disabled) {
  try {
    run_passes(example(), passes, disabled);
  } catch (const Error& error) {
    return error;
  }
  return Error(ErrorCode::internal, "accepted");
}

TEST(Passes, RunInOrder) {
  const Pass passes[] = {kOne, kTwo, kOne};
  EXPECT_EQ(run_passes(example(), passes, {}).name, "g121");
}

TEST(Passes, AreSwitchedOffByName) {
  const Pass passes[] = {kOne, kTwo};
  EXPECT_EQ(run_passes(example(), passes, {"one"}).name, "g2");
}

TEST(Passes, ReportEachThatRan) {
  const Pass passes[] = {kOne, kTwo, kBad};
  std::string seen;
  run_passes(example(), passes, {"lose"}, [&](const Pass& pass, const Graph& graph) { seen += std::string(pass.name) + ":" + graph.name + " "; });
  EXPECT_EQ(seen, "one:g1 two:g12 ");
}

TEST(Passes, RequiredOnesStay) {
  const Error error = error_of({kOne, kTwo}, {"two"});
  EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
  EXPECT_EQ(error.message(), "pass 'two' cannot be switched off: later stages rely on it");
}

TEST(Passes, UnknownNamesListTheOthers) {
  const Error error = error_of({kOne, kTwo, kBad}, {"three"});
  EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
  EXPECT_EQ(error.message(), "there is no pass 'three'; those that can be switched off are one and lose");
}

TEST(Passes, AnInvalidResultNamesThePass) {
  const Error error = error_of({kOne, kBad}, {});
  EXPECT_EQ(error.code(), ErrorCode::internal);
  EXPECT_EQ(error.notes(), std::vector<std::string>{"in pass lose"});
  EXPECT_NE(error.message().find("output y is never computed"), std::string::npos) << error.message();
}

}  // namespace
}  // namespace ropeway
