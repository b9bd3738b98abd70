// `ropeway run`: what it computes, and how inputs find their places and outputs their files.
#include "formats/zip_writer.h"
#include "program.h"

namespace ropeway::cli_test {
namespace {

class Run : public Program {};

TEST_F(Run, GivesTheNumbersOfPyTorch) {
  const Outcome outcome = succeeds("run " + golden("resnet.plain.onnx") + " --input " + golden("resnet.x.npy") + " --output y.npy");
  EXPECT_TRUE(close_to(read_npy(file("y.npy")), golden_tensor("resnet.y0.npy"), 1e-5));
  EXPECT_TRUE(outcome.out.starts_with("linear: f32[2,10], min ")) << outcome.out;
  EXPECT_EQ(files(), (std::set<std::string>{"y.npy"}));
}

TEST_F(Run, BuiltInModelsGiveTheNumbersOfPyTorch) {
  for (const std::string model : {"alexnet", "lenet", "resnet34"}) {
    succeeds("run " + model + " --output " + model + ".npy");
    EXPECT_TRUE(close_to(read_npy(file(model + ".npy")), read_npy(fs::path(ROPEWAY_TEST_DATA) / "golden/builtin" / (model + ".npy")), 1e-5)) << model;
  }
}

TEST_F(Run, EngineOptionsDoNotChangeTheResult) {
  for (const std::string options : {"--threads 1", "--threads 2", "--device cpu", "--disable-pass fold_batch_norm --disable-pass fuse", "--disable-pass fuse --kernel reference"}) {
    succeeds("run " + golden("resnet.plain.onnx") + " --input " + golden("resnet.x.npy") + " --output y.npy " + options);
    EXPECT_TRUE(close_to(read_npy(file("y.npy")), golden_tensor("resnet.y0.npy"), 1e-5)) << options;
  }
}

TEST_F(Run, VerboseSaysWhatIsDone) {
  const Outcome outcome = ropeway("run " + golden("lenet.d20.onnx") + " --verbose");
  EXPECT_EQ(outcome.status, 0);
  EXPECT_NE(outcome.err.find("reading "), std::string::npos);
  EXPECT_NE(outcome.err.find("compiling for cpu\n"), std::string::npos);
  EXPECT_EQ(count(outcome.out, "The CPU's steps on "), 1u) << outcome.out;
  EXPECT_NE(outcome.out.find("  features.0  "), std::string::npos) << outcome.out;
  EXPECT_EQ(count(outcome.out, "GFLOP/s counts "), 1u) << outcome.out;
}

TEST_F(Run, NeverWritesOverItsModel) {
  fs::copy_file(fs::path(ROPEWAY_TEST_DATA) / "golden/onnx/lenet.d20.onnx", file("model.onnx"));
  fs::create_symlink(file("model.onnx"), file("link"));
  const auto size = fs::file_size(file("model.onnx"));
  for (const std::string options : {"run model.onnx --output model.onnx", "run model.onnx --output link", "bench model.onnx --json model.onnx", "bench model.onnx --csv ./model.onnx"}) {
    fails(options, 5, {"is the model itself: writing there would destroy it"});
  }
  EXPECT_EQ(fs::file_size(file("model.onnx")), size);
}

TEST_F(Run, DropoutInTrainingModeGoesByTheSeed) {
  using namespace onnx_test;
  const GraphParts dropout{{node("Dropout", {"x", "p", "t"}, {"y"}, {})}, {floats("p", {}, {0.5}), tensor("t", {}, 9, "\1")}, {value_info("x", {{"64"}})}, {"y"}};
  write_file(file("dropout.onnx"), model(dropout, 17));
  write_vector<float>("x.npy", std::vector<float>(64, 1));
  const auto drawn = [&](const std::string& options) {
    const Outcome outcome = ropeway("run dropout.onnx --input x.npy --output y.npy " + options);
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_NE(outcome.err.find("note: the model has 1 dropout in training mode: each run draws masks of its own, by --seed "), std::string::npos) << outcome.err;
    const Tensor y = read_npy(file("y.npy"));
    return std::vector<float>(y.data<float>().begin(), y.data<float>().end());
  };
  const auto first = drawn("");
  EXPECT_EQ(std::set<float>(first.begin(), first.end()), (std::set<float>{0, 2}));
  EXPECT_EQ(drawn("--seed 0 --device virtual-npu"), first);
  EXPECT_NE(drawn("--seed 1"), first);
  EXPECT_EQ(ropeway("bench dropout.onnx --by op --warmup 0 --iterations 2 --device cpu,virtual-npu").status, 0);
  fails("compile dropout.onnx --device virtual-npu --soc Ascend310B1 -o m.om", 3, {"a compiled file cannot draw the masks of dropout in training mode"});
}

TEST_F(Run, SubstitutesOnRequestAlone) {
  const Outcome outcome = ropeway("run lenet --substitute maxpool=avgpool");
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_TRUE(outcome.err.starts_with("note: maxpool=avgpool replaces 2 MaxPool (")) << outcome.err;
  for (const char* part : {"this is another function", "Largest change of ", "(cosine 0."}) EXPECT_NE(outcome.err.find(part), std::string::npos) << outcome.err;
  EXPECT_EQ(count(ropeway("bench lenet --substitute maxpool=avgpool --device cpu,virtual-npu --warmup 0 --iterations 1").err, "this is another function"), 1u);
  EXPECT_EQ(ropeway("compile lenet --substitute maxpool=avgpool --device virtual-npu --soc Ascend310B1 -o m.om").status, 0);
  fails("run m.om --substitute maxpool=avgpool", 5, {"m.om is compiled"});
  fails("run lenet --substitute relu=gelu", 5, {"there is no substitution 'relu=gelu'; there is maxpool=avgpool"});
  EXPECT_NE(ropeway("run resnet34 --substitute maxpool=avgpool").err.find("replaces nothing"), std::string::npos);
}

// Inputs.
TEST_F(Run, UnnamedInputsGoInTheModelsOrder) {
  const std::string model = write_difference();
  write_vector<float>("first.npy", {10, 20});
  write_vector<float>("second.npy", {1, 2});
  const auto result = [&](const std::string& inputs) {
    succeeds("run " + model + " --output y.npy " + inputs);
    const Tensor y = read_npy(file("y.npy"));
    return std::vector<float>{y.data<float>()[0], y.data<float>()[1]};
  };
  EXPECT_EQ(result("--input first.npy --input second.npy"), (std::vector<float>{9, 18}));
  EXPECT_EQ(result("--input second.npy --input first.npy"), (std::vector<float>{-9, -18}));
  EXPECT_EQ(result("--input b=first.npy --input a=second.npy"), (std::vector<float>{-9, -18}));
  EXPECT_EQ(result("--input b=second.npy --input first.npy"), (std::vector<float>{9, 18}));  // the unnamed one takes the place that is left
  fs::rename(file("second.npy"), file("b=second.npy"));
  EXPECT_EQ(result("--input b=second.npy --input first.npy"), (std::vector<float>{-9, -18}));  // a file of that name is meant, not a name
}

TEST_F(Run, InputsSettleOpenDimensions) {
  const std::string model = write_difference("N");
  write_vector<float>("three.npy", {1, 2, 3});
  for (const std::string inputs : {"--input three.npy --input three.npy", "--input a=three.npy --input b=three.npy", "--input b=three.npy --input three.npy"}) {
    EXPECT_EQ(succeeds("run " + model + " " + inputs).out, "y: f32[3], min 0, mean 0, max 0\n") << inputs;
  }
  write_npy(file("batch.npy"), Tensor({DType::f32, {5, 3, 20, 20}}));
  EXPECT_TRUE(succeeds("run " + golden("resnet.dynamic.onnx") + " --input batch.npy").out.starts_with("linear: f32[5,10]"));
}

TEST_F(Run, InputsSettleTheBatchOfABuiltInModel) {
  write_npy(file("two.npy"), Tensor({DType::f32, {2, 3, 224, 224}}));
  for (const std::string name : {"", "input="}) EXPECT_TRUE(succeeds("run lenet --input " + name + "two.npy").out.starts_with("fc3.out: f32[2,1000]")) << name;
}

TEST_F(Run, InputsAreGeneratedWhenNoneIsGiven) {
  const Outcome outcome = succeeds("run " + golden("resnet.dynamic.onnx") + " --batch 3 --output first.npy");
  EXPECT_NE(outcome.out.find("the inputs are generated"), std::string::npos);
  EXPECT_NE(outcome.out.find("linear: f32[3,10]"), std::string::npos) << outcome.out;
  succeeds("run " + golden("resnet.dynamic.onnx") + " --batch 3 --output second.npy");
  EXPECT_EQ(read_text(file("first.npy")), read_text(file("second.npy")));
}

TEST_F(Run, WrongInputs) {
  const std::string model = write_difference() + " ";
  write_vector<float>("good.npy", {1, 2});
  write_vector<float>("long.npy", {1, 2, 3});
  write_vector<double>("double.npy", {1, 2});
  fails("run " + model + "--input x=good.npy", 5, {"'x'", "a and b"});
  fails("run lenet --input inputt=good.npy", 5, {"lenet has no input 'inputt' (did you mean input?)", "input: f32[1,3,224,224]"});
  fails("run " + model + "--input good.npy --input long.npy", 5, {"input b", "2", "3", "long.npy"});
  fails("run " + model + "--input a=long.npy --input good.npy", 5, {"input a", "2", "3", "long.npy"});
  fails("run " + model + "--input double.npy --input good.npy", 5, {"input a of difference must be f32[2], but double.npy holds f64[2]. Convert it with .astype(numpy.float32)"});
  fails("run " + model + "--input good.npy", 5, {"no --input is given for b (f32[2])"});
  fails("run " + model + "--input good.npy --input good.npy --input good.npy", 5, {"3 inputs are given, but difference has 2: a: f32[2] and b: f32[2]"});
  fails("run " + model + "--input a=good.npy --input a=long.npy", 5, {"input 'a' is given twice: good.npy and long.npy"});
  fails("run " + model + "--input missing.npy --input good.npy", 6, {"missing.npy", "No such file"});
  fails("run " + model + "--input a= --input good.npy", 5, {"'a='", "names no file"});
  fails("run " + model + "--input difference.onnx --input good.npy", 5, {"difference.onnx is not a .npy file"});
  fails("run " + model + "--input good.npy --batch 2", 5, {"--input excludes --batch", "see ropeway run --help"});
}

TEST_F(Run, WrongIntegerInput) {
  write_difference("2", 7);
  write_vector<float>("good.npy", {1, 2});
  fails("run difference.onnx --input good.npy --input good.npy", 5, {"must be i64[2], but good.npy holds f32[2]. Convert it with .astype(numpy.int64)"});
}

TEST_F(Run, BatchOfAFileThatFixesIt) { fails("run " + golden("resnet.plain.onnx") + " --batch 4 --output y.npy", 5, {"dimension 0 of input x to 2, but 4 is asked for", "resnet.plain.onnx"}); }

// Outputs.
TEST_F(Run, SeveralOutputsGoToAFolder) {
  for (int round = 0; round < 2; ++round) {  // into a new folder, then over what is there
    succeeds("run " + golden("mixed.plain.onnx") + " --input " + golden("mixed.x.npy") + " --output-dir results");
    EXPECT_EQ(files(), (std::set<std::string>{"results/", "results/mean.npy", "results/select.npy", "results/sum_2.npy"}));
    EXPECT_TRUE(close_to(read_npy(file("results/mean.npy")), golden_tensor("mixed.y0.npy"), 1e-5));
    EXPECT_TRUE(close_to(read_npy(file("results/select.npy")), golden_tensor("mixed.y1.npy"), 1e-5));
    EXPECT_TRUE(close_to(read_npy(file("results/sum_2.npy")), golden_tensor("mixed.y2.npy"), 0));
    write_file(file("results/mean.npy"), std::string("old"));
  }
}

TEST_F(Run, OneFileForSeveralOutputsIsAnError) {
  fails("run " + golden("mixed.plain.onnx") + " --output y.npy", 5, {"3 outputs, mean, select and sum_2", "use --output-dir DIR"});
  fails("run " + golden("resnet.plain.onnx") + " --output y.npy --output-dir results", 5, {"--output excludes --output-dir"});
}

// Names come from files that nobody vouches for: they must not leave the folder, nor meet in one file.
TEST_F(Run, NamesOfOutputsBecomeNamesOfFiles) {
  using namespace onnx_test;
  const std::vector<std::string> nodes = {node("Neg", {"x"}, {"../a:b"}), node("Abs", {"x"}, {"../a/b"}), node("Exp", {"x"}, {".hidden"})};
  write_file(file("names.onnx"), onnx_test::model({nodes, {}, {value_info("x", {{"2"}})}, {"../a:b", "../a/b", ".hidden"}}));
  write_vector<float>("x.npy", {1, 1});
  succeeds("run names.onnx --input x.npy --output-dir results");
  EXPECT_EQ(files(), (std::set<std::string>{"names.onnx", "results/", "results/_._a_b.npy", "results/_._a_b_1.npy", "results/_hidden.npy", "x.npy"}));
  EXPECT_EQ(read_npy(file("results/_._a_b.npy")).data<float>()[0], -1);
  EXPECT_EQ(read_npy(file("results/_._a_b_1.npy")).data<float>()[0], 1);
}

TEST_F(Run, OutputsThatCannotBeWritten) {
  const std::string model = "run " + golden("resnet.plain.onnx") + " ";
  fs::create_directory(file("folder"));
  write_file(file("file"), std::string("content"));
  fails(model + "--output missing/y.npy", 6, {"cannot write missing/y.npy: there is no folder missing"});
  fails(model + "--output folder", 6, {"cannot write folder: it is a folder"});
  fails(model + "--output file/y.npy", 6, {"cannot write file/y.npy"});
  fails(model + "--output /dev/full", 6, {"cannot write /dev/full: No space left on device"});
  fails(model + "--output-dir missing/folder", 6, {"missing"});
  fails(model + "--output-dir file", 6, {"file", "no folder"});
  fails(model + "> /dev/full", 6, {"No space left on device"});
  EXPECT_EQ(read_text(file("file")), "content");
}

TEST_F(Run, OutputsAreWrittenTogetherOrNotAtAll) {
  fs::create_directories(file("results/select.npy"));
  write_file(file("results/mean.npy"), std::string("old"));
  fails("run " + golden("mixed.plain.onnx") + " --output-dir results", 6, {"cannot write results/select.npy: it is a folder"});
  EXPECT_EQ(read_text(file("results/mean.npy")), "old");
}

// Model files.
TEST_F(Run, ModelsThatAreNone) {
  const std::string whole = read_text(fs::path(ROPEWAY_TEST_DATA) / "golden/onnx/resnet.plain.onnx");
  write_file(file("truncated.onnx"), whole.substr(0, whole.size() / 2));
  write_file(file("foreign.onnx"), std::string("import torch\nmodel = torch.nn.Linear(3, 4)\n"));
  write_file(file("empty.onnx"), std::string());
  fails("run missing.onnx --output y.npy", 6, {"there is no model 'missing.onnx'", "alexnet, lenet and resnet34"});
  fails("run resnet43 --output y.npy", 6, {"Did you mean resnet34?"});
  fails("run . --output y.npy", 6, {". is a folder"});
  fails("run truncated.onnx --output y.npy", 4, {"truncated.onnx"});
  fails("run foreign.onnx --output y.npy", 4, {"foreign.onnx is not a model that can be read here", "torch.export.save"});
  fails("run empty.onnx --output y.npy", 4, {"empty.onnx is not a model that can be read here"});
}

TEST_F(Run, ArchivesThatAreNoModel) {
  const std::string archive = zip_test::archive({zip_test::stored("m/notes.txt", "text")});
  write_file(file("foreign.pt2"), archive);
  write_file(file("truncated.pt2"), archive.substr(0, archive.size() - 1));
  write_file(file("weights.pt2"), zip_test::archive({zip_test::stored("m/data.pkl", ""), zip_test::stored("m/byteorder", "little")}));
  fails("run foreign.pt2 --output y.npy", 4, {"not one that torch.export.save writes", "while reading foreign.pt2"});
  fails("run truncated.pt2 --output y.npy", 4, {"truncated.pt2 is damaged: it has no end record, so it was cut off"});
  fails("run weights.pt2 --output y.npy", 3, {"weights alone", "torch.export.save"});
}

TEST_F(Run, UnknownOperator) {
  using namespace onnx_test;
  const NodeExtras extras{"lstm_1", "", {{"pkg.torch.onnx.name_scopes", "['', 'encoder', 'encoder.rnn', 'lstm_1']"}}};
  write_file(file("lstm.onnx"), onnx_test::model({{node("LSTM", {"x"}, {"y"}, {}, extras)}, {}, {value_info("x", {{"2"}})}, {"y"}}));
  fails("run lstm.onnx --output y.npy", 3, {"LSTM", "encoder.rnn (lstm_1)", "lstm.onnx"});
}

TEST_F(Run, MoreThanMemory) { fails("run lenet --batch 2147483648 --output y.npy", 8, {"no memory for a block of 1293.0 TB"}); }

TEST_F(Run, AnInputIsNotOverwritten) {
  const std::string model = write_difference();
  write_vector<float>("a.npy", {1, 2});
  write_vector<float>("b.npy", {3, 5});
  fails("run " + model + " --input a.npy --input b.npy --output b.npy", 5, {"b.npy is an input itself: writing there would destroy it"});
}

}  // namespace
}  // namespace ropeway::cli_test
