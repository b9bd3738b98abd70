#include "ir/graph.h"

#include <gtest/gtest.h>

#include "ir/text.h"
#include "ropeway/error.h"

namespace ropeway {
namespace {

TEST(Graph, NamesStayUnique) {
  Graph graph;
  for (int i = 0; i < 3; ++i) graph.add_value("x", {});
  EXPECT_EQ(graph.values[1].name, "x_1");
  EXPECT_EQ(graph.values[2].name, "x_2");
}

TEST(Graph, CompactDropsWhatNothingRefersTo) {
  Graph graph = parse_graph(
      "graph g\nconst %dead: f32[1] = [1]\ninput %x: f32[1]\nconst %c: f32[1] = [2]\n%a = Binary(%x, %c) function=add : f32[1]\n"
      "%b = Binary(%a, %c) function=mul : f32[1]\noutput %a\n");
  graph.nodes.pop_back();
  EXPECT_EQ(to_text(compact(graph)), "graph g\ninput %x: f32[1]\nconst %c: f32[1] = [2]\n%a = Binary(%x, %c) function=add : f32[1]\noutput %a\n");
}

TEST(Graph, UsesAndProducers) {
  Graph graph = parse_graph("graph g\ninput %x: f32[1]\n%a = Binary(%x, %x) function=add : f32[1]\n%b = Unary(%a) : f32[1]\noutput %a\noutput %b");
  EXPECT_EQ(use_counts(graph), (std::vector<int>{2, 2, 1}));
  EXPECT_EQ(producers(graph), (std::vector<int>{-1, 0, 1}));
  replace_uses(graph, 1, 0);
  EXPECT_EQ(use_counts(graph), (std::vector<int>{4, 0, 1}));
}

TEST(Origin, SaysWhatIsKnown) {
  EXPECT_EQ(to_string(Origin{}), "");
  EXPECT_EQ(to_string(Origin{"conv", {}}), "conv");
  EXPECT_EQ(to_string(Origin{"conv", {{"layer1", "Sequential"}, {"layer1.0", "Block"}}}), "layer1.0 (conv)");
  EXPECT_EQ(to_string(Origin{"", {{"layer1", ""}}}), "layer1");
  EXPECT_EQ(to_string(Origin{"fc", {{"fc", "Linear"}}}), "fc");
}

TEST(Operators, AreFoundByName) {
  for (const Op op : all_ops()) EXPECT_EQ(op_named(name(op)), op);
  EXPECT_FALSE(op_named("Relu"));
}

TEST(Tensor, CountsItsElements) {
  EXPECT_EQ(element_count(Shape{}), 1);
  EXPECT_EQ(element_count(Shape{2, 0, 3}), 0);
  EXPECT_EQ(element_count(Shape{2, 3}), 6);
  EXPECT_THROW(element_count(Shape{-1}), Error);
  EXPECT_THROW(element_count(Shape{0, int64_t{1} << 40, int64_t{1} << 40}), Error);
  // As many bytes as 2^64 would seem to be none.
  EXPECT_THROW(element_count(Shape{int64_t{1} << 61}), Error);
}

TEST(Tensor, SharesItsElementsUntilCloned) {
  Tensor tensor = Tensor::of<float>({2}, {1, 2});
  Tensor copy = tensor, clone = tensor.clone();
  tensor.data<float>()[0] = 5;
  EXPECT_EQ(copy.data<float>()[0], 5);
  EXPECT_EQ(clone.data<float>()[0], 1);
}

TEST(Tensor, RefusesWhatDoesNotFit) {
  EXPECT_THROW(Tensor::of<float>({3}, {1, 2}), Error);
  const Tensor tensor = Tensor::of<float>({2}, {1, 2});
  EXPECT_THROW(tensor.data<int32_t>(), Error);
  EXPECT_THROW(tensor.reshaped({3}), Error);
  EXPECT_EQ(tensor.reshaped({2, 1}).shape(), (Shape{2, 1}));
  EXPECT_THROW(Tensor({DType::u8, {int64_t{1} << 58}}), Error);
}

TEST(DType, NamesReadBack) {
  for (const DType dtype : {DType::f32, DType::f64, DType::f16, DType::bf16, DType::i8, DType::i16, DType::i32, DType::i64, DType::u8, DType::u16, DType::u32, DType::u64, DType::boolean}) {
    EXPECT_EQ(dtype_named(name(dtype)), dtype);
  }
  EXPECT_FALSE(dtype_named("float"));
}

}  // namespace
}  // namespace ropeway
