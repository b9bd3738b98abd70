// Nodes as PyTorch 2.13 prints their modules.
#include "report/describe.h"

#include <gtest/gtest.h>

#include "ir/text.h"
#include "ops/operator.h"

namespace ropeway {
namespace {

const std::string kInputs =
    "graph g\n"
    "input %x: f32[1,4,12,12]\ninput %s: f32[1,4,12]\ninput %v: f32[2,8]\n"
    "const %w: f32[8,1,3,3] = fill(1)\nconst %w1: f32[6,4,3] = fill(1)\nconst %m: f32[8,10] = fill(1)\nconst %mt: f32[10,8] = fill(1)\nconst %m3: f32[1,8,10] = fill(1)\n"
    "const %b8: f32[8] = fill(1)\nconst %b10: f32[10] = fill(1)\nconst %c4: f32[4] = fill(1)\nconst %n: f32[12] = fill(1)\n";

// The description of the node on `line`, which may use the inputs and constants above; further lines follow it.
std::string described(const std::string& line, const std::string& rest = "") {
  const Graph graph = parse_graph(kInputs + "%y = " + line + "\n" + rest + "output %y\n", infer);
  return Describer(graph).describe(graph.nodes[0]);
}

TEST(Describe, Convolutions) {
  EXPECT_EQ(described("Conv(%x, %w, %b8) strides=[1,1] pads=[1,1,1,1] dilations=[1,1] group=4"), "Conv2d(4, 8, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1), groups=4)");
  EXPECT_EQ(described("Conv(%x, %w) strides=[2,1] pads=[0,0,0,0] dilations=[2,2] group=4"), "Conv2d(4, 8, kernel_size=(3, 3), stride=(2, 1), dilation=(2, 2), groups=4, bias=False)");
  EXPECT_EQ(described("Conv(%s, %w1) strides=[1] pads=[0,0] dilations=[1] group=1"), "Conv1d(4, 6, kernel_size=(3,), stride=(1,), bias=False)");
  // Padding that differs at the two ends has no form in PyTorch.
  EXPECT_EQ(described("Conv(%x, %w) strides=[1,1] pads=[0,1,2,1] dilations=[1,1] group=4"), "Conv2d(4, 8, kernel_size=(3, 3), stride=(1, 1), padding=((0, 2), (1, 1)), groups=4, bias=False)");
}

TEST(Describe, Products) {
  EXPECT_EQ(described("Gemm(%v, %mt, %b10) transB=true"), "Linear(in_features=8, out_features=10, bias=True)");
  EXPECT_EQ(described("Gemm(%v, %m)"), "Linear(in_features=8, out_features=10, bias=False)");
  EXPECT_EQ(described("MatMul(%v, %m)"), "Linear(in_features=8, out_features=10, bias=False)");
  const std::string with_bias = "%z = Binary(%b10, %y) function=add\noutput %z\n";
  EXPECT_EQ(described("MatMul(%v, %m)", with_bias), "Linear(in_features=8, out_features=10, bias=False)");  // y is read elsewhere, too
  EXPECT_EQ(described("MatMul(%v, %m3)"), "MatMul");
  EXPECT_EQ(described("MatMul(%x, %x)"), "matmul");
}

TEST(Describe, EmbeddingsAndNormalisationsBearWeights) {
  const Graph graph = parse_graph("graph g\ninput %i: i64[2,5]\ninput %t: f32[7,3]\nconst %w: f32[10,4] = fill(1)\nconst %n: f32[4] = fill(1)\n"
                                  "%e = Gather(%w, %i) axis=0\n%y = LayerNormalization(%e, %n, %n) axis=2\n%p = LayerNormalization(%e) axis=2\n%g = Gather(%t, %i) axis=0\noutput %y\noutput %p\noutput %g\n", infer);
  const Describer describer(graph);
  EXPECT_EQ(describer.describe(graph.nodes[0]), "Embedding(10, 4)");
  EXPECT_EQ(describer.describe(graph.nodes[3]), "Gather");
  for (const size_t i : {0, 1}) EXPECT_TRUE(describer.bears_weight(graph.nodes[i])) << i;
  for (const size_t i : {2, 3}) EXPECT_FALSE(describer.bears_weight(graph.nodes[i])) << i;
}

TEST(Describe, ABiasBelongsToItsProduct) {
  const Graph graph = parse_graph(kInputs + "%p = MatMul(%v, %m)\n%y = Binary(%p, %b10) function=add\n%z = Binary(%y, %b10) function=add\noutput %z\n", infer);
  const Describer describer(graph);
  EXPECT_EQ(describer.describe(graph.nodes[0]), "Linear(in_features=8, out_features=10, bias=True)");
  EXPECT_TRUE(describer.is_bias(graph.nodes[1]));
  EXPECT_FALSE(describer.is_bias(graph.nodes[2]));
  EXPECT_TRUE(describer.bears_weight(graph.nodes[0]));
  EXPECT_FALSE(describer.bears_weight(graph.nodes[1]));
}

TEST(Describe, Pooling) {
  EXPECT_EQ(described("MaxPool(%x) kernel_shape=[3,3] strides=[2,2] pads=[1,1,1,1] dilations=[1,1]"), "MaxPool2d(kernel_size=3, stride=2, padding=1, dilation=1, ceil_mode=False)");
  EXPECT_EQ(described("MaxPool(%x) kernel_shape=[3,2] strides=[2,1] pads=[0,0,0,0] dilations=[1,1] ceil_mode=true"),
            "MaxPool2d(kernel_size=(3, 2), stride=(2, 1), padding=0, dilation=1, ceil_mode=True)");
  EXPECT_EQ(described("AveragePool(%x) kernel_shape=[2,2] strides=[2,2] pads=[0,0,0,0] dilations=[1,1]"), "AvgPool2d(kernel_size=2, stride=2, padding=0)");
  EXPECT_EQ(described("AveragePool(%s) kernel_shape=[2] strides=[2] pads=[0,0] dilations=[1]"), "AvgPool1d(kernel_size=(2,), stride=(2,), padding=(0,))");
  EXPECT_EQ(described("AdaptiveAveragePool(%x) output_size=[6,6]"), "AdaptiveAvgPool2d(output_size=(6, 6))");
}

// Files hold single precision: 0.2 is 0.20000000298023224 there.
TEST(Describe, NumbersAreThoseThatWereWritten) {
  EXPECT_EQ(described("Unary(%x) function=leaky_relu alpha=0.20000000298023224"), "LeakyReLU(negative_slope=0.2)");
  EXPECT_EQ(described("LayerNormalization(%x, %n, %n) axis=3 epsilon=9.999999974752427e-07"), "LayerNorm((12,), eps=1e-06, elementwise_affine=True, bias=True)");
  EXPECT_EQ(described("LayerNormalization(%x) axis=2 epsilon=1e-05"), "LayerNorm((12, 12), eps=1e-05, elementwise_affine=False, bias=False)");
  EXPECT_EQ(described("BatchNormalization(%x, %c4, %c4, %c4, %c4) epsilon=0.001"), "BatchNorm2d(4, eps=0.001)");
}

TEST(Describe, Functions) {
  EXPECT_EQ(described("Unary(%x) function=relu"), "ReLU()");
  EXPECT_EQ(described("Unary(%x) function=clip alpha=0 beta=6"), "ReLU6()");
  EXPECT_EQ(described("Unary(%x) function=clip alpha=-1 beta=1"), "Hardtanh(min_val=-1.0, max_val=1.0)");
  EXPECT_EQ(described("Unary(%x) function=elu alpha=1"), "ELU(alpha=1.0)");
  EXPECT_EQ(described("Unary(%x) function=gelu"), "GELU(approximate='none')");
  EXPECT_EQ(described("Unary(%x) function=gelu_tanh"), "GELU(approximate='tanh')");
  EXPECT_EQ(described("Unary(%x) function=exp"), "exp");
  EXPECT_EQ(described("Softmax(%x) axis=1"), "Softmax(dim=1)");
  EXPECT_EQ(described("Binary(%x, %x) function=sub"), "sub");
  EXPECT_EQ(described("Reduce(%x) function=mean axes=[2,3]"), "mean(dim=(2, 3))");
  EXPECT_EQ(described("Reduce(%x) function=max axes=[1]"), "max(dim=(1,))");
  EXPECT_EQ(described("Reshape(%x) shape=[1,576]"), "reshape(1, 576)");
  EXPECT_EQ(described("Transpose(%s) perm=[0,2,1]"), "permute(0, 2, 1)");
  EXPECT_EQ(described("Concat(%x, %x) axis=1"), "cat(dim=1)");
}

// Passes change nodes: what a table says is what stood in the file.
TEST(Labels, KeepWhatWasRead) {
  const auto conv = [](const std::string& inputs, const std::string& origin) { return "Conv(" + inputs + ") strides=[1,1] pads=[0,0,0,0] dilations=[1,1] group=4 @ " + origin + "\n"; };
  const Graph read = parse_graph(kInputs + "%y = " + conv("%x, %w", "conv1 (a)") + "%z = " + conv("%x, %w", "conv2 (b)") + "%u = " + conv("%x, %w, %b8", "conv2 (b)") + "output %y\n", infer);
  const Graph folded = parse_graph(kInputs + "%y = " + conv("%x, %w, %b8", "conv1 (a)") + "output %y\n", infer);
  const Labels labels(read);
  EXPECT_EQ(labels.find(folded.nodes[0]), "Conv2d(4, 8, kernel_size=(3, 3), stride=(1, 1), groups=4, bias=False)");
  EXPECT_EQ(labels.find(read.nodes[1]), std::nullopt);  // two nodes of one name differ: neither is meant
  EXPECT_EQ(Labels().find(folded.nodes[0]), std::nullopt);
}

}  // namespace
}  // namespace ropeway
