// The cases that the program carries, alone and together in one graph.
#include "selftest/cases.h"

#include <set>

#include "selftest/expectations.h"
#include "support/cases.h"

namespace ropeway::selftest {
namespace {

std::vector<Case> every_case() {
  std::vector<Case> cases;
  for (const Op op : all_ops()) {
    for (Case& each : cases_of(op)) cases.push_back(std::move(each));
  }
  return cases;
}

TEST(Cases, AreThoseOfTheTests) {
  const std::vector<Case> carried = every_case();
  const std::vector<test::Case> files = test::all_cases();
  ASSERT_EQ(carried.size(), files.size());
  for (size_t i = 0; i < files.size(); ++i) {
    ASSERT_EQ(carried[i].name(), files[i].name());
    EXPECT_EQ(to_text(carried[i].graph), to_text(files[i].graph));
    ASSERT_EQ(carried[i].inputs.size(), files[i].inputs.size());
    for (size_t k = 0; k < files[i].inputs.size(); ++k) EXPECT_TRUE(test::close_to(carried[i].inputs[k], files[i].inputs[k], 0)) << carried[i].name();
  }
}

TEST(Cases, TheTablesNameCasesThatThereAre) {
  std::set<std::string> names;
  for (const Case& each : every_case()) names.insert(each.name());
  const std::vector<std::string> listed = listed_cases();
  EXPECT_GE(listed.size(), 10u);
  for (const std::string& name : listed) {
    EXPECT_TRUE(names.contains(name)) << name;
    EXPECT_TRUE(*why_excluded(name) != '\0' || *refused_operator(name) != '\0' || *why_unsettled(name) != '\0') << name;
  }
  EXPECT_STREQ(why_excluded("Conv_plain"), "");
  EXPECT_STREQ(refused_operator("Conv_plain"), "");
}

// Of every operator: each branch gives exactly what the case gives alone.
TEST(Cases, TogetherTheyGiveWhatTheyGiveAlone) {
  for (const Op op : all_ops()) {
    const std::vector<Case> cases = cases_of(op);
    std::vector<Tensor> inputs, expected;
    for (const Case& each : cases) {
      inputs.insert(inputs.end(), each.inputs.begin(), each.inputs.end());
      for (Tensor& output : evaluate(each.graph, each.inputs)) expected.push_back(std::move(output));
    }
    const Graph whole = merged(cases);
    std::set<std::string> names, origins;
    for (const Value& value : whole.values) EXPECT_TRUE(names.insert(value.name).second) << value.name;
    for (const Node& node : whole.nodes) EXPECT_TRUE(origins.insert(node.origin.node).second) << node.origin.node;
    const std::vector<Tensor> actual = evaluate(whole, inputs);
    ASSERT_EQ(actual.size(), expected.size()) << name(op);
    for (size_t i = 0; i < actual.size(); ++i) EXPECT_TRUE(test::close_to(actual[i], expected[i], 0)) << name(op) << ", output " << i;
  }
}

}  // namespace
}  // namespace ropeway::selftest
