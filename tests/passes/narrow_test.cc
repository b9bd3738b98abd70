// float64 and int64 for a chip that lacks them.
#include "ir/text.h"
#include "ir/verify.h"
#include "ops/operator.h"
#include "passes/lower.h"
#include "support/cases.h"

namespace ropeway {
namespace {

std::string narrowed(const std::string& text, bool integers, Narrowing& done) {
  const Graph graph = narrow(parse_graph(text, infer), integers, done);
  verify(graph);
  return to_text(graph);
}

TEST(Narrow, FloatsEverywhere) {
  Narrowing done;
  EXPECT_EQ(narrowed("graph g\ninput %x: f64[2]\nconst %w: f64[2] = [1, 2]\n%y = Binary(%x, %w) function=add\n%z = Cast(%y) to=f64\n%i = Cast(%z) to=i64\noutput %z\noutput %i\n", false, done),
            "graph g\ninput %x: f32[2]\nconst %w: f32[2] = [1, 2]\n%y = Binary(%x, %w) function=add : f32[2]\n%z = Cast(%y) to=f32 : f32[2]\n%i = Cast(%z) to=i64 : i64[2]\noutput %z\noutput %i\n");
  EXPECT_EQ(done.floats.number, 4);
  EXPECT_EQ(done.floats.first, "w");
  EXPECT_EQ(done.integers.number, 0);
  EXPECT_TRUE(done.findings.empty());
}

TEST(Narrow, FindsWhatDoesNotFit) {
  Narrowing done;
  narrowed("graph g\ninput %x: f64[2]\ninput %i: i64[2]\nconst %w: f64[2] = [1, 1e300]\nconst %k: i64[2] = [1, 3000000000]\n%y = Binary(%x, %w) function=add\n%m = Binary(%i, %k) function=less\noutput %y\noutput %m\n", true, done);
  EXPECT_EQ(done.findings, (std::vector<std::string>{"w holds 1e+300 (element 1), which is beyond float32 and becomes infinite"}));
  EXPECT_EQ(done.kept, std::vector<std::string>{"k holds 3000000000 (element 1), which is beyond int32: it stays int64"});
  EXPECT_EQ(done.integers.number, 0);  // and so does what it is compared with
}

// Indices are moved and read, never computed with; a sum may leave int32.
TEST(Narrow, IntegersThatAreOnlyMoved) {
  Narrowing done;
  EXPECT_EQ(narrowed("graph g\ninput %t: f32[9,4]\ninput %i: i64[6]\ninput %j: i64[6]\n%r = Reshape(%i) shape=[2,3]\n%g = Gather(%t, %r) axis=0\n%s = Binary(%j, %j) function=add\noutput %g\noutput %s\n", true, done),
            "graph g\ninput %t: f32[9,4]\ninput %i: i32[6]\ninput %j: i64[6]\n%r = Reshape(%i) shape=[2,3] : i32[2,3]\n%g = Gather(%t, %r) axis=0 : f32[2,3,4]\n%s = Binary(%j, %j) function=add : i64[6]\noutput %g\noutput %s\n");
  EXPECT_EQ(done.integers.number, 2);
  EXPECT_EQ(done.integers.first, "i");
}

// A Cast of what int32 cannot hold stays.
TEST(Narrow, CastsOnlyFromWithin) {
  Narrowing done;
  const std::string text = narrowed("graph g\ninput %x: f32[2]\ninput %b: bool[2]\n%i = Cast(%x) to=i64\n%j = Cast(%b) to=i64\noutput %i\noutput %j\n", true, done);
  EXPECT_NE(text.find("%i = Cast(%x) to=i64 : i64[2]"), std::string::npos) << text;
  EXPECT_NE(text.find("%j = Cast(%b) to=i32 : i32[2]"), std::string::npos) << text;
}

}  // namespace
}  // namespace ropeway
