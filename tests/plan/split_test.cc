// The split of least time, against all splits of small graphs; the order of its segments.
#include "plan/split.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/random.h"
#include "ops/builder.h"
#include "plan/min_cut.h"
#include "plan/order.h"

namespace ropeway {
namespace {

// Deterministic, from a counter.
class Random {
 public:
  explicit Random(uint64_t seed) : seed_(seed) {}
  size_t below(size_t bound) { return std::min(bound - 1, static_cast<size_t>((random_uniform(seed_, next_++) + 1) / 2 * static_cast<double>(bound))); }

 private:
  uint64_t seed_, next_ = 0;
};

// Sums of one or two values from anywhere before; some are outputs.
Graph random_graph(Random& random, size_t nodes) {
  GraphBuilder b("random", "test");
  std::vector<ValueId> values = {b.input("x", {DType::f32, {1000}}), b.input("y", {DType::f32, {1000}})};
  for (size_t n = 0; n < nodes; ++n) {
    const ValueId left = values[random.below(values.size())], right = values[random.below(values.size())];
    values.push_back(random.below(3) == 0 ? b.add1(Op::Unary, UnaryParams{UnaryFunction::relu, 0, 0}, {left}, "n") : b.add1(Op::Binary, BinaryParams{}, {left, right}, "n"));
    if (random.below(5) == 0 && n + 1 < nodes) b.output(values.back());
  }
  b.output(values.back());
  return b.finish();
}

Candidate random_candidate(Random& random, size_t nodes, const char* name) {
  Candidate result{name, {}, 0, 0};
  for (size_t n = 0; n < nodes; ++n) result.supports.push_back({true, "", 0.001 * static_cast<double>(random.below(60))});
  return result;
}

// What split.h promises to make least, written down a second time.
double time_of(const Graph& graph, const Candidate& device, const Candidate& host, const std::vector<bool>& on_device) {
  double ms = 0;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Support& support = (on_device[n] ? device : host).supports[n];
    ms += support.yes ? *support.predicted_ms : 1e9;
  }
  const std::vector<int> producer = producers(graph);
  for (size_t v = 0; v < graph.values.size(); ++v) {
    bool read_there = false, read_here = std::count(graph.outputs.begin(), graph.outputs.end(), static_cast<ValueId>(v)) > 0;
    for (size_t n = 0; n < graph.nodes.size(); ++n) {
      if (std::count(graph.nodes[n].inputs.begin(), graph.nodes[n].inputs.end(), static_cast<ValueId>(v)) > 0) (on_device[n] ? read_there : read_here) = true;
    }
    const bool made_there = producer[v] >= 0 && on_device[static_cast<size_t>(producer[v])];
    if ((made_there && read_here) || (!made_there && read_there)) ms += copy_ms(device, graph.values[v].type);
  }
  return ms;
}

TEST(Split, IsTheBestOfAll) {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    Random random(seed);
    const Graph graph = random_graph(random, 3 + random.below(7));
    const size_t nodes = graph.nodes.size();
    Candidate device = random_candidate(random, nodes, "npu"), host = random_candidate(random, nodes, "cpu");
    device.copy_us = 5;
    device.copy_gb_per_s = 1;
    for (size_t n = 0; n < nodes; ++n) {
      if (random.below(5) == 0) device.supports[n] = {false, "not there", std::nullopt};
    }
    double best = 1e18;
    for (size_t choice = 0; choice < size_t{1} << nodes; ++choice) {
      std::vector<bool> on_device;
      for (size_t n = 0; n < nodes; ++n) on_device.push_back((choice >> n & 1) != 0);
      best = std::min(best, time_of(graph, device, host, on_device));
    }
    EXPECT_NEAR(time_of(graph, device, host, split(graph, device, host)), best, 1e-5) << "seed " << seed;
  }
}

// x → a → b → c, of which the device lacks some.
Graph chain(size_t length) {
  GraphBuilder b("chain", "test");
  ValueId value = b.input("x", {DType::f32, {1000}});
  for (size_t n = 0; n < length; ++n) value = b.add1(Op::Unary, UnaryParams{UnaryFunction::relu, 0, 0}, {value}, "n");
  b.output(value);
  return b.finish();
}

Candidate even(const char* name, size_t nodes, double ms) { return {name, std::vector<Support>(nodes, {true, "", ms}), 0, 0}; }

TEST(Split, DoesNotGoBackForACheapOperator) {
  const Graph graph = chain(3);
  Candidate device = even("npu", 3, 0.01), host = even("cpu", 3, 0.1);
  device.copy_us = 100;
  device.copy_gb_per_s = 1;
  device.supports[0] = device.supports[2] = {false, "not there", std::nullopt};
  EXPECT_EQ(split(graph, device, host), (std::vector<bool>{false, false, false}));
  // Dear enough on the host, it is worth two copies.
  host.supports[1].predicted_ms = 5;
  EXPECT_EQ(split(graph, device, host), (std::vector<bool>{false, true, false}));
  const Plan plan = make_plan(graph, std::vector{device, host});
  EXPECT_EQ(plan.segments.size(), 3u);
  EXPECT_EQ(plan.copies.number, 2);
  EXPECT_NEAR(plan.copies.ms, 0.208, 1e-9);  // 4 kB take 4 µs
  EXPECT_NEAR(plan.predicted_ms, 0.21, 1e-9);
}

TEST(Split, SaysWhyItIsNotWorthTheCopies) {
  const Graph graph = chain(3);
  Candidate device = even("npu", 3, 0.01), host = even("cpu", 3, 0.02);
  device.copy_us = 100;
  device.copy_gb_per_s = 1;
  device.supports[1] = {false, "not there", std::nullopt};
  const Plan plan = make_plan(graph, std::vector{device, host});
  ASSERT_EQ(plan.segments.size(), 1u);
  EXPECT_EQ(plan.placements[0].reason, "copies to and from npu would take longer than it saves");
  EXPECT_EQ(plan.placements[1].reason, "npu declined: not there");
}

TEST(Split, CopiesAValueOnceForManyReaders) {
  GraphBuilder b("fan", "test");
  const ValueId x = b.input("x", {DType::f32, {1000}});
  const ValueId a = b.add1(Op::Unary, UnaryParams{UnaryFunction::relu, 0, 0}, {x}, "a");
  for (int i = 0; i < 4; ++i) b.output(b.add1(Op::Unary, UnaryParams{UnaryFunction::relu, 0, 0}, {a}, "reader"));
  const Graph graph = b.finish();
  Candidate device = even("npu", 5, 0), host = even("cpu", 5, 0);
  device.copy_us = 100;
  device.copy_gb_per_s = 1;
  for (size_t n = 1; n < 5; ++n) device.supports[n] = {false, "not there", std::nullopt};
  // In and out: 0.208 ms. With a copy for each reader it would be 0.52.
  host.supports[0].predicted_ms = 0.3;
  EXPECT_TRUE(split(graph, device, host)[0]);
  host.supports[0].predicted_ms = 0.2;
  EXPECT_FALSE(split(graph, device, host)[0]);
}

TEST(Order, IsTopologicalWithoutNeedlessChanges) {
  for (uint64_t seed = 0; seed < 100; ++seed) {
    Random random(seed);
    const Graph graph = random_graph(random, 2 + random.below(30));
    std::vector<size_t> sides;
    for (size_t n = 0; n < graph.nodes.size(); ++n) sides.push_back(random.below(2));
    const std::vector<int> nodes = order(graph, sides);
    ASSERT_EQ(nodes.size(), graph.nodes.size());
    std::vector<size_t> position(nodes.size());
    size_t changes = 0, in_order = 0;
    for (size_t i = 0; i < nodes.size(); ++i) {
      position[static_cast<size_t>(nodes[i])] = i;
      if (i > 0) {
        changes += sides[static_cast<size_t>(nodes[i])] != sides[static_cast<size_t>(nodes[i - 1])];
        in_order += sides[i] != sides[i - 1];
      }
    }
    const std::vector<int> producer = producers(graph);
    for (size_t n = 0; n < graph.nodes.size(); ++n) {
      for (const ValueId id : graph.nodes[n].inputs) {
        const int from = producer[static_cast<size_t>(id)];
        if (from >= 0) { EXPECT_LT(position[static_cast<size_t>(from)], position[n]); }
      }
    }
    EXPECT_LE(changes, in_order) << "seed " << seed;
  }
}

// Two branches, each with one node of the other side: three segments, not five.
TEST(Order, GathersBranches) {
  GraphBuilder b("branches", "test");
  const auto relu = [&](ValueId x) { return b.add1(Op::Unary, UnaryParams{UnaryFunction::relu, 0, 0}, {x}, "n"); };
  const ValueId x = b.input("x", {DType::f32, {4}});
  std::vector<size_t> sides;
  for (int branch = 0; branch < 4; ++branch) {
    b.output(relu(relu(relu(x))));
    sides.insert(sides.end(), {0, 1, 0});
  }
  const Graph graph = b.finish();
  std::vector<int> expected = {0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11};
  EXPECT_EQ(order(graph, sides), expected);
}

TEST(MinCut, IsLeastOnALargerNetwork) {
  // A long chain: one edge is cheaper than the others.
  Network network(20000);
  for (size_t i = 0; i + 1 < 20000; ++i) network.add_edge(i, i + 1, i == 12345 ? 1 : 2);
  const std::vector<bool> sources = network.min_cut(0, 19999);
  EXPECT_TRUE(sources[12345]);
  EXPECT_FALSE(sources[12346]);
}

}  // namespace
}  // namespace ropeway
