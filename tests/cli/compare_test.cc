// `ropeway compare`: exit statuses, tables, JSON, reference files.
#include <nlohmann/json.hpp>

#include "formats/zip_writer.h"
#include "program.h"

namespace ropeway::cli_test {
namespace {

using Json = nlohmann::json;

class Compare : public Program {
 protected:
  Compare() { set_environment("ROPEWAY_VIRTUAL_HOME=" + quoted(ROPEWAY_VIRTUAL_HOME)); }
  void write_npz(const std::string& name, const std::vector<std::pair<std::string, Tensor>>& arrays) const {
    std::vector<zip_test::Member> members;
    for (const auto& [array, tensor] : arrays) {
      write_npy(file("array.npy"), tensor);
      members.push_back(zip_test::stored(array + ".npy", read_text(file("array.npy"))));
      fs::remove(file("array.npy"));
    }
    write_file(file(name), zip_test::archive(members));
  }
  Json json(const std::string& name) const { return Json::parse(read_text(file(name))); }
  const std::string lenet_ = "compare " + golden("lenet.d20.onnx") + " --input " + golden("lenet.x.npy") + " ";
};

TEST_F(Compare, WithinTolerance) {
  const Outcome outcome = succeeds(lenet_ + "--device virtual-npu --json c.json");
  for (const char* part : {"lenet.d20.onnx on virtual Ascend310B1 (predicted: no NPU has run) against cpu\n", "tolerance 0.01\n", "inf ref|dev", "\nwithin tolerance\n"}) EXPECT_NE(outcome.out.find(part), std::string::npos) << outcome.out;
  EXPECT_EQ(outcome.out.find("layer"), std::string::npos);
  const Json result = json("c.json");
  EXPECT_EQ(result["schema"], 1);
  EXPECT_EQ(result["device"], "virtual-npu");
  EXPECT_EQ(result["predicted"], true);
  EXPECT_EQ(result["over"], false);
  EXPECT_EQ(result["outputs"].size(), 1u);
  EXPECT_EQ(result["layers_compared"], false);
  EXPECT_TRUE(result["first_over"].is_null());
  EXPECT_EQ(result["outputs"][0]["index"].size(), 2u);
}

TEST_F(Compare, LayersAndWhatTheyCost) {
  const Outcome outcome = ropeway(lenet_ + "--device virtual-npu --layers --json c.json");
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_TRUE(outcome.err.starts_with("note: to look into ")) << outcome.err;
  EXPECT_NE(outcome.err.find("atc compiles it once more"), std::string::npos);
  EXPECT_EQ(count(outcome.out, "Tanh"), 2u) << outcome.out;
  for (const Json& layer : json("c.json")["layers"]) EXPECT_LT(layer["error"].get<double>(), 1e-2) << layer;
}

TEST_F(Compare, OverTolerance) {
  const Outcome outcome = ropeway(lenet_ + "--device virtual-npu --tolerance 1e-6 --json c.json");
  EXPECT_EQ(outcome.status, 1) << outcome.err;
  EXPECT_NE(outcome.err.find("by itself, for its own error\n"), std::string::npos) << outcome.err;
  for (const char* part : {"\nfirst over tolerance: Conv2d at ", "\n  by itself, fed with the reference's values, its error is ", "it is the operator's own\nover tolerance\n"}) EXPECT_NE(outcome.out.find(part), std::string::npos) << part << "\n" << outcome.out;
  const Json result = json("c.json");
  EXPECT_EQ(result["over"], true);
  EXPECT_EQ(result["tolerance"], 1e-6);
  EXPECT_EQ(result["first_over"]["kind"], "Conv2d");
  EXPECT_GT(result["first_over"]["own"]["error"], 1e-6);
}

// A compiler that fails when the model is compiled again, to look within, has compiled it as it is: nothing of the CPU's may stand for the device's.
TEST_F(Compare, ACompilerThatFailsWithin) {
  const std::string environment = fmt::format("ROPEWAY_VIRTUAL_HOME={} ROPEWAY_CACHE={} ", quoted(ROPEWAY_VIRTUAL_HOME), quoted(file("cache")));
  set_environment(environment);
  succeeds(lenet_ + "--device virtual-npu");
  set_environment(environment + "ROPEWAY_VIRTUAL_FAULTS=atc=9");
  const Outcome within = ropeway(lenet_ + "--device virtual-npu --layers");
  EXPECT_EQ(within.status, 7) << within.out << within.err;
  for (const char* part : {"failed with exit status 9", "\n  while taking values out of ", "whose outputs are within tolerance"}) EXPECT_NE(within.err.find(part), std::string::npos) << within.err;
  EXPECT_EQ(within.out, "");
  // One that fails with the model as it is makes the CPU compute: that is what is compared, and it is said.
  fs::remove_all(file("cache"));
  const Outcome fallen = ropeway(lenet_ + "--device virtual-npu --layers --json c.json");
  EXPECT_EQ(fallen.status, 0) << fallen.err;
  EXPECT_NE(fallen.out.find("lenet.d20.onnx on cpu alone against cpu\n"), std::string::npos) << fallen.out;
  EXPECT_NE(fallen.out.find("split: 1 segment: virtual-npu 0 operators, cpu "), std::string::npos) << fallen.out;
  EXPECT_NE(fallen.out.find("because they could not be compiled for the NPU"), std::string::npos) << fallen.out;
  EXPECT_EQ(fallen.err, "");
  for (const Json& layer : json("c.json")["layers"]) EXPECT_EQ(layer["on_cpu"], true);
  EXPECT_EQ(json("c.json")["predicted"], false);
  EXPECT_EQ(ropeway(lenet_ + "--device virtual-npu --no-fallback").status, 7);
}

TEST_F(Compare, OptionsOfARun) {
  const Outcome substituted = ropeway("compare alexnet --device virtual-npu --substitute maxpool=avgpool");
  EXPECT_EQ(substituted.status, 1) << substituted.err;
  EXPECT_TRUE(substituted.err.starts_with("note: maxpool=avgpool replaces 3 MaxPool")) << substituted.err;
  EXPECT_NE(substituted.out.find("first over tolerance: MaxPool2d at features.2"), std::string::npos) << substituted.out;
  const Outcome automatic = ropeway(lenet_ + "--device virtual-npu --precision auto --tolerance 1e-3");
  EXPECT_EQ(automatic.status, 0) << automatic.out;
  EXPECT_NE(automatic.out.find("tolerance 0.001\n"), std::string::npos) << automatic.out;
  EXPECT_NE(automatic.out.find("precision auto: all operators in fp16, error "), std::string::npos) << automatic.out;
  EXPECT_NE(automatic.out.find("\nsplit: none, all "), std::string::npos) << automatic.out;
  const Outcome halves = ropeway("compare lenet --device cpu --precision fp16 --tolerance 1e-3");
  EXPECT_EQ(halves.status, 0) << halves.out;
  EXPECT_NE(halves.out.find("of weights are stored in 16 bits, the rest in 32, arithmetic is fp32"), std::string::npos) << halves.out;
  fails(lenet_ + "--device cpu --precision force_fp32", 5, {"the CPU has no precision 'force_fp32'"});
}

TEST_F(Compare, GeneratedInputsAreSaid) {
  const Outcome outcome = succeeds("compare " + golden("lenet.d20.onnx") + " --device cpu");
  EXPECT_NE(outcome.out.find("no --input is given: the inputs are generated"), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find("tolerance 0.0001\n"), std::string::npos) << outcome.out;
}

TEST_F(Compare, ReferenceFile) {
  const Tensor x = golden_tensor("lenet.x.npy"), y = golden_tensor("lenet.y0.npy");
  write_npz("out.npz", {{"output", y}, {"nothing", y}});
  const Outcome outcome = succeeds(lenet_ + "--device cpu --reference out.npz");
  EXPECT_NE(outcome.out.find("is called nothing\n"), std::string::npos) << outcome.out;

  const Json inputs = [&] {
    succeeds(lenet_ + "--device cpu --json c.json");
    return json("c.json");
  }();
  const std::string model = "compare " + golden("lenet.d20.onnx") + " --device cpu ";
  write_npz("with.npz", {{"x", x}, {inputs["outputs"][0]["name"], y}});
  EXPECT_NE(succeeds(model + "--reference with.npz").out.find("no --input is given: the inputs are those in with.npz\n"), std::string::npos);
  const Outcome without = ropeway(model + "--reference out.npz");  // on other inputs
  EXPECT_EQ(without.status, 1);
  EXPECT_NE(without.out.find("the reference must have been computed on the same\n"), std::string::npos) << without.out;
  EXPECT_NE(without.out.find("out.npz has no values of operators"), std::string::npos) << without.out;
}

TEST_F(Compare, WrongReferences) {
  const std::string model = lenet_ + "--device cpu --reference ";
  fails(model + "missing.npz", 6, {"missing.npz", "No such file"});
  write_file(file("text.npz"), std::string("this is text, and long enough to be looked at"));
  fails(model + "text.npz", 5, {"text.npz is not a .npz file: it is no archive. Write it with numpy.savez"});
  write_npz("good.npz", {{"output", golden_tensor("lenet.y0.npy")}});
  const std::string good = read_text(file("good.npz"));
  write_file(file("cut.npz"), good.substr(0, good.size() - 30));
  fails(model + "cut.npz", 4, {"the archive cut.npz is damaged"});
  std::string flipped = good;
  flipped[flipped.find("NUMPY")] = 'X';
  write_file(file("flipped.npz"), flipped);
  fails(model + "flipped.npz", 5, {"output.npy in flipped.npz is not a .npy file that can be read"});
  write_npz("small.npz", {{"output", Tensor({DType::f32, {1, 2}})}});
  fails(model + "small.npz", 5, {"output in small.npz is f32[1,2], but "});
  write_npz("other.npz", {{"a", Tensor()}});
  fails(model + "other.npz", 5, {"no name in other.npz is one of", "but the file holds a"});
}

TEST_F(Compare, WhatCannotBeCompared) {
  fails("compare lenet", 5, {"--device is required"});
  fails("compare lenet --device cpu --json missing/c.json", 6, {"there is no folder missing"});
  fails("compare letnet --device cpu", 6, {"lenet"});
  fails(lenet_ + "--device tpu", 5, {"there is no device 'tpu'"});
  fails(lenet_ + "--device cpu --batch 2", 5, {"--input excludes --batch"});
  const Outcome compiled = ropeway("compile " + golden("lenet.d20.onnx") + " --device virtual-npu -o m.om");
  ASSERT_EQ(compiled.status, 0) << compiled.err;
  fails("compare m.om --device virtual-npu", 3, {"m.om is compiled already, its operators cannot be seen: give the model that it was made from"});
}

}  // namespace
}  // namespace ropeway::cli_test
