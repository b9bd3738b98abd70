// `ropeway cost`: predictions without a device.
#include <nlohmann/json.hpp>

#include "program.h"

namespace ropeway::cli_test {
namespace {

using Json = nlohmann::json;

class Cost : public Program {
 protected:
  Json json(const std::string& arguments) const {
    succeeds("cost " + arguments + " --json cost.json");
    return Json::parse(read_text(file("cost.json")));
  }
};

TEST_F(Cost, SaysThatItIsPredictedAndForWhichChip) {
  const Outcome outcome = succeeds("cost lenet");
  for (const char* part : {"lenet, input: f32[1,3,224,224]\n", "Ascend310B1, compiled, fp16: predicted by a cost model, no NPU has run\n", "Linear(in_features=46656, out_features=1024, bias=True)", "  total  ", "docs/cost-model.md"}) {
    EXPECT_NE(outcome.out.find(part), std::string::npos) << part << "\n" << outcome.out;
  }
}

TEST_F(Cost, JsonHasTheTotalOfTheRows) {
  const Json cost = json("resnet34 --mode eager");
  EXPECT_EQ(cost["soc"], "Ascend310B1");
  EXPECT_EQ(cost["mode"], "eager");
  EXPECT_EQ(cost["predicted"], true);
  ASSERT_EQ(cost["rows"].size(), 18u);
  double sum = 0;
  for (const Json& row : cost["rows"]) sum += row["ms"].get<double>();
  EXPECT_NEAR(cost["total_ms"].get<double>(), sum, 1e-4);
  EXPECT_NEAR(cost["total_ms"].get<double>(), 101.042, 10.1);
  EXPECT_EQ(cost["rows"][16]["bound"], "layout");
}

TEST_F(Cost, OptionsChooseChipModeRowsAndBatch) {
  const double whole = json("alexnet")["total_ms"];
  EXPECT_GT(json("alexnet --soc Ascend310B4")["total_ms"], whole);
  EXPECT_GT(json("alexnet --mode eager")["total_ms"], whole);
  EXPECT_GT(json("alexnet --batch 8")["total_ms"], whole);
  EXPECT_EQ(json("alexnet --batch 8")["inputs"]["input"], "f32[8,3,224,224]");
  EXPECT_EQ(json("alexnet")["rows"].size(), 8u);
  EXPECT_EQ(json("alexnet --by module --depth 1")["rows"].size(), 3u);  // features, avgpool, classifier
  EXPECT_GT(json(golden("resnet.plain.onnx") + " --by op --disable-pass fold_batch_norm")["rows"].size(), 0u);
}

TEST_F(Cost, WhatTheChipLacksIsNamed) {
  fails("cost " + write_difference("2", 16), 3, {"Ascend310B1 cannot compute 1 of 1 operators", "ropeway check", "Binary at Sub_0", "next to no operators in bfloat16"});
  const Outcome narrowed = ropeway("cost " + write_difference("2", 11));
  EXPECT_EQ(narrowed.status, 0);
  EXPECT_NE(narrowed.err.find("note: float64 is not supported by Ascend310B1: 3 tensors cast to float32 (first: a)"), std::string::npos) << narrowed.err;
}

TEST_F(Cost, ACompiledModelCannotBeLookedInto) {
  set_environment("HOME=" + quoted(folder()));
  succeeds("compile " + golden("lenet.d20.onnx") + " --device virtual-npu -o lenet.om");
  fails("cost lenet.om", 3, {"lenet.om is compiled already", "give the model that it was made from"});
}

TEST_F(Cost, WrongArguments) {
  fails("cost", 5, {"MODEL is required"});
  fails("cost lenet --soc Ascend910", 5, {"--soc: Ascend910 not in {Ascend310B1,Ascend310B2,Ascend310B4}"});
  fails("cost lenet --mode lazy", 5, {"--mode: lazy not in {compiled,eager}"});
  fails("cost lenet --by rows", 5, {"--by: rows not in"});
  fails("cost lenet --mode eager --disable-pass fold_batch_norm", 5, {"no passes go before eager execution"});
  fails("cost lenet --disable-pass fold", 5, {"there is no pass 'fold'"});
  fails("cost missing.onnx", 6, {"there is no model 'missing.onnx'"});
  EXPECT_EQ(fails("cost lenet --json missing/cost.json", 6, {"there is no folder missing"}).out, "");
}

}  // namespace
}  // namespace ropeway::cli_test
