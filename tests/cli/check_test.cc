// `ropeway check` from outside. What it says of models of PyTorch's: tests/torch/test_check.py.
#include <nlohmann/json.hpp>

#include "program.h"

namespace ropeway::cli_test {
namespace {

using Json = nlohmann::json;

class Check : public Program {};

TEST_F(Check, SaysWhatBecomesOfEveryOperatorOfAModel) {
  const Outcome outcome = succeeds("check lenet --json check.json");
  for (const char* part : {"lenet, input: f32[1,3,224,224]\n", "Ascend310B1, CANN 8.1.RC1, fp16: runs as it is. Predicted, no NPU has run", "MaxPoolV3", "within the tolerance of 0.01 (judged by generated inputs in [-1, 1))", "rests on"}) {
    EXPECT_NE(outcome.out.find(part), std::string::npos) << part << "\n" << outcome.out;
  }
  const Json report = Json::parse(read_text(file("check.json")));
  EXPECT_EQ(report["schema"], 1);
  EXPECT_EQ(report["predicted"], true);
  EXPECT_EQ(report["reservations"], Json::array());
  double share = 0;
  for (const Json& each : report["operators"]) share += each["ms"].get<double>();
  EXPECT_NEAR(share, report["compute_ms"].get<double>(), 1e-4);
  EXPECT_EQ(report["segments"].size(), 1u);
}

TEST_F(Check, ALineForEachOnRequest) {
  const auto lines = [](const std::string& text) { return std::count(text.begin(), text.end(), '\n'); };
  EXPECT_LT(lines(succeeds("check resnet34").out), 25);
  EXPECT_GT(lines(succeeds("check resnet34 --all").out), 120);
}

// A Sub in float64, whose elements 16 bits hold: float32 takes its place.
TEST_F(Check, Float64IsNoReservation) {
  const Outcome outcome = succeeds("check " + write_difference("2", 11));
  EXPECT_NE(outcome.out.find("float64 is not supported by Ascend310B1: "), std::string::npos) << outcome.out;
}

TEST_F(Check, ToleranceDecidesWhatIsAFinding) {
  const Outcome outcome = ropeway("check lenet --tolerance 1e-6 --json check.json");
  EXPECT_EQ(outcome.status, 2) << outcome.out << outcome.err;
  EXPECT_NE(outcome.out.find("runs, with a precision finding"), std::string::npos) << outcome.out;
  EXPECT_EQ(Json::parse(read_text(file("check.json")))["reservations"], Json::array({"a precision finding"}));
}

TEST_F(Check, WhatCannotBeReadKeepsItsStatus) {
  fails("check missing.pt2", 6, {"missing.pt2"});
  fails("check lenet --json nowhere/check.json", 6, {"there is no folder nowhere"});
  fails("check lenet --cann 6.0", 5, {"--cann"});
  fails("check lenet --soc Ascend310B3", 5, {"--soc"});
  fails("check lenet --disable-pass nothing", 5, {"there is no pass 'nothing'"});
  fails("check lenet --range 0,inf", 5, {"--range 0,inf is empty, or beyond"});
  fails("check lenet --tolerance nan", 5, {"--tolerance"});
  fails("run lenet --seed -1", 5, {"--seed"});
  fails("check lenet --range 1,-1", 5, {"--range 1,-1 is empty, or beyond"});
}

TEST_F(Check, ACompiledModelCannotBeLookedInto) {
  set_environment("HOME=" + quoted(folder()));
  succeeds("compile " + golden("lenet.d20.onnx") + " --device virtual-npu -o lenet.om");
  fails("check lenet.om", 3, {"lenet.om is compiled already", "give the model that it was made from"});
}

}  // namespace
}  // namespace ropeway::cli_test
