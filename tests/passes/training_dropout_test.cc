#include <gtest/gtest.h>

#include "base/random.h"
#include "ir/text.h"
#include "ir/verify.h"
#include "ops/operator.h"
#include "passes/lower.h"
#include "passes/pipeline.h"

namespace ropeway {
namespace {

constexpr const char* kBefore =
    "graph g\n"
    "input %x: f32[2,3,4]\n"
    "%a = Dropout(%x) ratio=0.25 training_mode=true : f32[2,3,4] @ drop (a)\n"
    "%b = Dropout(%a) ratio=0.5 training_mode=true whole_channels=true : f32[2,3,4] @ drop2 (b)\n"
    "%c = Dropout(%b) ratio=0 training_mode=true : f32[2,3,4] @ (c)\n"
    "%d = Dropout(%c) ratio=1 training_mode=true : f32[2,3,4] @ (d)\n"
    "output %d\n";
constexpr const char* kAfter =
    "graph g\n"
    "input %x: f32[2,3,4]\n"
    "input %a.mask: f32[2,3,4]\n"
    "input %b.mask: f32[2,3,1]\n"
    "const %d.zero: f32[] = [0]\n"
    "%a = Binary(%x, %a.mask) function=mul : f32[2,3,4] @ drop (a)\n"
    "%b = Binary(%a, %b.mask) function=mul : f32[2,3,4] @ drop2 (b)\n"
    "%d = Binary(%b, %d.zero) function=mul : f32[2,3,4] @ (d)\n"
    "output %d\n";

TEST(LowerTrainingDropout, MakesMasksInputs) {
  std::vector<DropoutMask> masks;
  Graph graph = lower_training_dropout(parse_graph(kBefore, infer), masks);
  verify(graph);
  graph = run_passes(std::move(graph), pipeline(), {});
  EXPECT_EQ(to_text(graph), kAfter);
  ASSERT_EQ(masks.size(), 2u);
  EXPECT_EQ(masks[0].ratio, 0.25);
  EXPECT_EQ(masks[0].stream, stream_seed("a"));
  EXPECT_EQ(masks[1].ratio, 0.5);
}

// Constants that go through it are none.
TEST(LowerTrainingDropout, WhatIsRandomIsNotFolded) {
  const Graph graph = parse_graph("graph g\nconst %c: f32[2] = [1, 2]\n%a = Dropout(%c) ratio=0.5 training_mode=true : f32[2] @ (a)\noutput %a\n", infer);
  EXPECT_EQ(run_passes(graph, pipeline(), {}).nodes.size(), 1u);
}

}  // namespace
}  // namespace ropeway
