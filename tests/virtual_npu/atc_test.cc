// The virtual atc, as a program: what it compiles, what it refuses as CANN's does, and in which words.
#include <cstdlib>

#include "base/process.h"
#include "base/text.h"
#include "formats/onnx_writer.h"
#include "support/environment.h"
#include "virtual_npu/atc/flags.h"
#include "virtual_npu/container.h"

namespace ropeway::virtual_npu {
namespace {

using onnx_test::floats, onnx_test::GraphParts, onnx_test::integer, onnx_test::integers, onnx_test::model, onnx_test::Names, onnx_test::node, onnx_test::TestFolder, onnx_test::value_info;

class AtcProgram : public testing::Test {
 protected:
  // With the flags that it always needs, unless `flags` has them.
  ProcessResult atc(const std::string& bytes, const std::vector<std::string>& flags = {}) {
    write_file(folder_ / "model.onnx", bytes);
    std::vector<std::string> command = {ROPEWAY_VIRTUAL_HOME "/bin/atc", "--framework=5", "--model=" + (folder_ / "model.onnx").string(), "--output=" + (folder_ / "model").string()};
    if (std::ranges::none_of(flags, [](const std::string& flag) { return flag.starts_with("--soc_version="); })) command.emplace_back("--soc_version=Ascend310B1");
    command.insert(command.end(), flags.begin(), flags.end());
    std::filesystem::remove(folder_ / "model.om");
    return run_process(command, folder_.path(), 60);
  }

  Container compiles(const std::string& bytes, const std::vector<std::string>& flags = {}, const std::string& part = "ATC run success") {
    const ProcessResult result = atc(bytes, flags);
    EXPECT_EQ(result.status, 0) << result.output;
    EXPECT_NE(result.output.find(part), std::string::npos) << result.output << "lacks: " << part;
    return parse_container(read_text(folder_ / "model.om"));
  }

  void refuses(const std::string& bytes, const std::vector<std::string>& flags, const std::vector<std::string>& parts) {
    const ProcessResult result = atc(bytes, flags);
    EXPECT_EQ(result.status, 1) << result.output;
    EXPECT_NE(result.output.find("ATC run failed, Please check the detail log"), std::string::npos) << result.output;
    EXPECT_FALSE(std::filesystem::exists(folder_ / "model.om"));
    for (const std::string& part : parts) EXPECT_NE(result.output.find(part), std::string::npos) << result.output << "lacks: " << part;
  }

  static std::string read_text(const std::filesystem::path& path) {
    const File file(path);
    const auto bytes = file.read(0, file.size());
    return {reinterpret_cast<const char*>(bytes.get()), static_cast<size_t>(file.size())};
  }

  TestFolder folder_;
};

// One node over an input of that type.
std::string single(const std::string& op_type, int64_t opset = 17, int32_t elem_type = 1, const std::vector<std::string>& attributes = {}, const std::string& domain = "") {
  GraphParts parts;
  parts.nodes = {node(op_type, {"x"}, {"y"}, attributes, {"node_1", domain, {}})};
  parts.inputs = {value_info("x", Names{"1", "4", "8", "8"}, elem_type)};
  parts.outputs = {"y"};
  return model(parts, opset);
}

std::string conv_net(int64_t stride = 1) {
  GraphParts parts;
  parts.nodes = {node("Conv", {"x", "w"}, {"c"}, {integers("strides", {stride, stride})}, {"Conv_0", "", {}}), node("Relu", {"c"}, {"r"}, {}, {"Relu_1", "", {}}),
                 node("MaxPool", {"r"}, {"p"}, {integers("kernel_shape", {2, 2})}, {"MaxPool_2", "", {}}), node("Sigmoid", {"p"}, {"s"}, {}, {"Sigmoid_3", "", {}})};
  parts.weights = {floats("w", {2, 4, 1, 1}, {1, 2, 3, 4, 5, 6, 7, 8})};
  parts.inputs = {value_info("x", Names{"1", "4", "128", "128"})};
  parts.outputs = {"s"};
  return model(parts, 17);
}

TEST_F(AtcProgram, FusesAndNamesAsCannDoes) {
  const Container made = compiles(conv_net());
  std::string operators;
  for (const OperatorTime& each : made.operators) operators += each.name + " " + each.type + "\n";
  EXPECT_EQ(operators, "Conv_0Relu_1 Conv2D\nMaxPool_2 MaxPoolV3\nSigmoid_3 Sigmoid\n");
  EXPECT_EQ(made.precision_mode, "force_fp16");
  EXPECT_EQ(made.cann, "8.1.RC1");
}

TEST_F(AtcProgram, KnowsTheParsersOperators) {
  refuses(single("Convx"), {}, {"E19010: No parser is registered for Op [node_1, optype [ai.onnx::17::Convx]]."});
  refuses(single("Relu", 17, 1, {}, "com.microsoft"), {}, {"E19010: No parser is registered for Op [node_1, optype [com.microsoft::17::Relu]]."});
  refuses(single("HardSwish", 13), {}, {"E19010", "ai.onnx::13::HardSwish"});
  refuses(single("Relu", 19), {}, {"E19010: No parser is registered for Op [node_1, optype [ai.onnx::19::Relu]].", "opset 11 to 18"});
  refuses(single("Relu", 10), {}, {"the model is of opset 10", "opset 11 to 18"});
  for (const int64_t opset : {11, 18}) compiles(single("Relu", opset));
}

TEST_F(AtcProgram, KnowsTheEnginesOperators) {
  refuses(single("Abs", 17, 7), {}, {"EZ3003: No supported Ops kernel and engine are found for [node_1], optype [Abs].", "i64 is not among the dtypes"});
  refuses(single("Relu", 17, 11), {}, {"EZ3003", "optype [Relu]", "f64"});
  refuses(single("Cast", 17, 1, {integer("to", 11)}), {}, {"EZ3003", "optype [Cast]", "its result is float64"});
  compiles(single("Cast", 17, 7, {integer("to", 1)}));
  compiles(single("Mish", 18), {}, "[WARNING] whether CANN compiles Mish is unknown");
  refuses(conv_net(64), {}, {"E20001: Failed to compile Op [Conv_0]. (optype: [Conv2D])", "its stride is 64", "63"});
}

TEST_F(AtcProgram, ItsOwnLimitsAreNoneOfCanns) { refuses(single("Tan"), {}, {"Tan", "this is a limit of Ropeway's virtual atc, not one of CANN's"}); }

TEST_F(AtcProgram, PrecisionModes) {
  for (const auto& [flag, recorded] : std::vector<std::pair<std::string, std::string>>{
           {"--precision_mode=force_fp16", "force_fp16"}, {"--precision_mode_v2=fp16", "force_fp16"}, {"--precision_mode=allow_fp32_to_fp16", "allow_fp32_to_fp16"}, {"--precision_mode=force_fp32", "force_fp32"},
           {"--precision_mode_v2=cube_fp16in_fp32out", "force_fp32"}}) {
    EXPECT_EQ(compiles(conv_net(), {flag}).precision_mode, recorded);
  }
  EXPECT_EQ(compiles(single("Relu"), {"--precision_mode_v2=origin"}, "predicted times are those of 16-bit floats").precision_mode, "must_keep_origin_dtype");
  refuses(conv_net(), {"--precision_mode=must_keep_origin_dtype"}, {"EZ3003", "[MaxPool_2], optype [MaxPoolV3]"});
  refuses(conv_net(), {"--precision_mode=fp16"}, {"E10001: Value [fp16] for parameter [--precision_mode] is invalid"});
  refuses(conv_net(), {"--precision_mode_v2=mixed_float16"}, {"E10001: Value [mixed_float16] for parameter [--precision_mode_v2] is invalid", "a list of CANN's own"});
  refuses(conv_net(), {"--precision_mode=force_fp16", "--precision_mode_v2=fp16"}, {"E10001", "cannot be given together with --precision_mode"});
}

TEST_F(AtcProgram, KeepsThePrecisionOfNamedOperators) {
  const auto rounded = [](const Container& made) {
    const Graph graph = read_onnx(made.onnx, "made", {});
    std::string text;
    for (const Node& node : graph.nodes) {
      if (node.op == Op::Cast) text += graph.value(node.outputs[0]).name + " ";
    }
    return text;
  };
  const auto list = [this](const std::string& lines) {
    write_file(folder_ / "keep.txt", lines);
    return "--keep_dtype=" + (folder_ / "keep.txt").string();
  };
  const std::string all = rounded(compiles(conv_net()));
  EXPECT_NE(all.find("s.f16 "), std::string::npos);
  const Container kept = compiles(conv_net(), {list("Sigmoid_3\r\n\n")});
  EXPECT_EQ(rounded(kept).find("s.f16 "), std::string::npos);
  EXPECT_GT(kept.operators.back().ms, compiles(conv_net()).operators.back().ms);  // twice the bytes
  EXPECT_EQ(rounded(compiles(conv_net(), {list("OpType::Sigmoid\n")})), rounded(kept));
  compiles(conv_net(), {list("Sigmoid_4\nSigmoid_3")}, "[WARNING] --keep_dtype: 1 of 2 lines name no operator that is left in the model: Sigmoid_4");
  compiles(single("Relu"), {list("node_1"), "--precision_mode_v2=origin"}, "[WARNING] --keep_dtype has no effect with --precision_mode=must_keep_origin_dtype");
  refuses(conv_net(), {"--keep_dtype=/nowhere"}, {"E10001: Value [/nowhere] for parameter [--keep_dtype] is invalid. Reason: there is no such file"});
}

TEST_F(AtcProgram, OutputsOfChoice) {
  const auto outputs = [](const Container& made) {
    const Graph graph = read_onnx(made.onnx, "made", {});
    std::string text;
    for (const ValueId id : graph.outputs) text += fmt::format("{}: {}\n", graph.value(id).name, to_string(graph.type(id)));
    EXPECT_EQ(graph.value(graph.inputs[0]).name, "x");
    return text;
  };
  EXPECT_EQ(outputs(compiles(conv_net(), {"--out_nodes=Relu_1:0;Sigmoid_3:0"})), "r: f32[1,2,128,128]\ns: f32[1,2,127,127]\n");
  EXPECT_EQ(outputs(compiles(conv_net(), {"--out_nodes=s"})), "s: f32[1,2,127,127]\n");
  EXPECT_EQ(outputs(compiles(conv_net(), {"--output_type=FP16"})), "s: f16[1,2,127,127]\n");
  EXPECT_EQ(outputs(compiles(conv_net(), {"--output_type=FP32"})), "s: f32[1,2,127,127]\n");
  refuses(conv_net(), {"--out_nodes=Relu_9:0"}, {"E10001", "[--out_nodes]", "no node 'Relu_9'"});
  refuses(conv_net(), {"--out_nodes=Relu_1:1"}, {"Relu Relu_1 has 1 result(s)"});
  refuses(conv_net(), {"--out_nodes=Relu_1"}, {"'Relu_1' is no output of the model"});
  refuses(conv_net(), {"--output_type=UINT8"}, {"E10001: Value [UINT8] for parameter [--output_type] is invalid", "FP32 and FP16"});
}

// Every row of the table does what it says.
TEST_F(AtcProgram, Flags) {
  for (const Flag& flag : flags()) {
    const std::string given = fmt::format("--{}=", flag.name), first = flag.text.empty() ? "value" : split(flag.text, '|')[0];
    switch (flag.kind) {
      case FlagKind::used: break;
      case FlagKind::ignored:
        compiles(single("Relu"), {given + first}, fmt::format("[WARNING] --{}={} is ignored by the virtual atc", flag.name, first));
        if (!flag.text.empty()) refuses(single("Relu"), {given + "nonsense"}, {fmt::format("E10001: Value [nonsense] for parameter [--{}] is invalid. Reason: it can be {}", flag.name, first)});
        break;
      case FlagKind::not_here: refuses(single("Relu"), {given + "value"}, {fmt::format("--{}=value: the virtual atc does not have it: {}", flag.name, flag.text)}); break;
      case FlagKind::not_chip: refuses(single("Relu"), {given + "1"}, {fmt::format("the Ascend 310B does not support --{}", flag.name)}); break;
    }
  }
  for (const char* each : {"--input_format=NCHW", "--input_format=ND", "--log=info", "--mode=0", "--soc_version=Ascend310B2", "--soc_version=Ascend310B4", "--input_shape=x:1,4,8,8"}) compiles(single("Relu"), {each});
  refuses(single("Relu"), {"--input_format=NHWC"}, {"E10001: Value [NHWC] for parameter [--input_format] is invalid", "for an ONNX model"});
  refuses(single("Relu"), {"--log=loud"}, {"E10001", "[--log]"});
  refuses(single("Relu"), {"--mode=1"}, {"E10001", "[--mode]"});
  refuses(single("Relu"), {"--nonsense=1"}, {"E10001", "--nonsense"});
  refuses(single("Relu"), {"--soc_version=Ascend310B3"}, {"Ascend310B3", "no measurement of it"});
}

// What the article met, and what is only this atc's own limit with a CANN that lists the operators.
TEST_F(AtcProgram, TheArticlesErrors) {
  GraphParts pool;
  pool.nodes = {node("MaxPool", {"x"}, {"y", "indices"}, {integers("kernel_shape", {2, 2})}, {"MaxPool_0", "", {}})};
  pool.inputs = {value_info("x", Names{"1", "4", "8", "8"})};
  pool.outputs = {"y", "indices"};
  GraphParts unused = pool;
  unused.outputs = {"y"};
  GraphParts dropout = unused;
  dropout.nodes = {node("Dropout", {"x", "p", "t"}, {"y"}, {}, {"Dropout_0", "", {}})};
  dropout.weights = {floats("p", {}, {0.5}), onnx_test::tensor("t", {}, 9, "\1")};
  const std::string own_limit = "this is a limit of Ropeway's virtual atc, not one of CANN's";
  const test::ScopedVariable newer("ROPEWAY_VIRTUAL_CANN", "8.1.RC1");
  refuses(model(pool, 17), {}, {"the indices of the MaxPool at MaxPool_0", own_limit});
  refuses(model(dropout, 17), {}, {"Dropout in training mode at Dropout_0", own_limit});
  compiles(model(unused, 17));
  const test::ScopedVariable older("ROPEWAY_VIRTUAL_CANN", "7.0.RC1");
  refuses(model(pool, 17), {}, {"The Inner error is reported as above. The process exits for this inner error, and the current working operator name is MaxPoolWithArgmaxV1.", "article, unverified", "is assumed"});
  refuses(model(unused, 17), {"--out_nodes=MaxPool_0:1"}, {"MaxPoolWithArgmaxV1"});
  refuses(model(dropout, 17), {}, {"E40021: Failed to compile Op [DropOutDoMask]. (oppath: [Compile opp/built-in/op_impl/ai_core/tbe/impl/drop_out_do_mask.py failed]", "article, unverified", "is assumed"});
  compiles(model(unused, 17));
}

TEST_F(AtcProgram, TheCannOfChoice) {
  {
    const test::ScopedVariable chosen("ROPEWAY_VIRTUAL_CANN", "7.0.RC1");
    EXPECT_EQ(compiles(conv_net()).cann, "7.0.RC1");
  }
  const test::ScopedVariable unknown("ROPEWAY_VIRTUAL_CANN", "6.0");
  refuses(conv_net(), {}, {"ROPEWAY_VIRTUAL_CANN is '6.0'", "7.0.RC1"});
}

}  // namespace
}  // namespace ropeway::virtual_npu
