#include "check/follow.h"

#include <gtest/gtest.h>

#include "check/outcomes.h"
#include "ir/text.h"
#include "ops/operator.h"
#include "passes/pipeline.h"
#include "passes/substitute.h"

namespace ropeway::check {
namespace {

std::vector<Fate> fates_of(const std::string& text) {
  const Graph graph = parse_graph(text, infer);
  Follower follower(graph);
  run_passes(graph, pipeline(), {}, [&](const Pass& pass, const Graph& after) { follower.after(pass.name, after); });
  return follower.fates();
}

TEST(Follower, NamesThePassThatTookAnOperatorAway) {
  const auto fates = fates_of(
      "graph g\ninput %x: f32[1,2,4,4]\nconst %w: f32[2,2,1,1] = [1, 2, 3, 4]\nconst %one: f32[2] = [1, 1]\n"
      "%c = Conv(%x, %w) strides=[1,1] pads=[0,0,0,0] dilations=[1,1] group=1 @ conv (a)\n"
      "%n = BatchNormalization(%c, %one, %one, %one, %one) epsilon=1e-05 @ bn (b)\n"
      "%d = Dropout(%n) ratio=0.5 training_mode=false @ drop (c)\n"
      "%k = Binary(%one, %one) function=add @ sum (d)\n"
      "%r = Unary(%d) function=relu @ relu (e)\n"
      "output %r\noutput %k\n");
  ASSERT_EQ(fates.size(), 5u);
  EXPECT_EQ(fates[0].node, 0) << "the convolution stays, though its result is another's now";
  EXPECT_EQ(fates[1].pass, "fold_batch_norm");
  EXPECT_EQ(fates[2].pass, "remove_no_ops");
  EXPECT_EQ(fates[3].pass, "fold_constants");
  EXPECT_EQ(fates[4].node, 1);
}

TEST(Follower, NodesThatShareANameAreKnownByTheirResults) {
  const auto fates = fates_of("graph g\ninput %x: f32[2]\n%a = Unary(%x) function=relu @ m (n)\n%i = Identity(%a) @ m (n)\n%b = Unary(%i) function=exp @ m (n)\noutput %b\n");
  EXPECT_EQ(fates[0].node, 0);
  EXPECT_EQ(fates[1].pass, "remove_no_ops");
  EXPECT_EQ(fates[2].node, 1);
}

TEST(Outcomes, EveryPassHasItsWords) {
  for (const Pass& pass : pipeline()) EXPECT_NE(removed({}, pass.name).becomes, "something else") << pass.name;
}

// As --substitute does it.
TEST(Follower, AnOperatorThatBecomesAnotherKeepsItsPlace) {
  Graph graph = parse_graph("graph g\ninput %x: f32[1,1,4,4]\n%p = MaxPool(%x) kernel_shape=[2,2] strides=[2,2] pads=[0,0,0,0] dilations=[1,1] @ pool (p)\noutput %p\n", infer);
  Follower follower(graph);
  graph = substitute(std::move(graph), "maxpool=avgpool").graph;
  follower.after("substitute", graph);
  follower.after("later", graph);
  EXPECT_EQ(follower.fates()[0].node, 0);
  EXPECT_EQ(follower.fates()[0].pass, "substitute");
}

}  // namespace
}  // namespace ropeway::check
