// `ropeway inspect`, `ropeway devices` and the program's own options.
#include <regex>

#include "base/env.h"
#include "base/text.h"
#include "ir/text.h"
#include "ops/operator.h"
#include "program.h"

namespace ropeway::cli_test {
namespace {

class Inspect : public Program {};

TEST_F(Inspect, GraphIsTextThatParses) {
  const std::string model = "inspect " + golden("resnet.dynamic.onnx");
  const std::string text = succeeds(model + " --batch 2").out;
  const Graph graph = parse_graph(text, infer);
  EXPECT_EQ(to_string(graph.type(graph.inputs[0])), "f32[2,3,20,20]");
  EXPECT_EQ(graph.nodes.size(), 17u);
  EXPECT_EQ(graph.nodes[0].origin.module_path(), "conv1");
  EXPECT_EQ(succeeds(model + " --batch 2 --stage graph").out, text);
}

TEST_F(Inspect, PassesSayWhatTheyChanged) {
  const std::string text = succeeds("inspect " + golden("resnet.plain.onnx") + " --stage passes").out;
  // Six convolutions are joined with their batch normalisations: 12 nodes go, 6 come.
  EXPECT_NE(text.find("# as read: 23 nodes\n"), std::string::npos) << text;
  EXPECT_NE(text.find("# fold_batch_norm: 17 nodes; 12 gone, 6 new\n"), std::string::npos) << text;
  EXPECT_NE(text.find("# remove_dead_code (required): "), std::string::npos) << text;
  EXPECT_EQ(parse_graph(text, infer).nodes.size(), 17u);
  const std::string without = succeeds("inspect " + golden("resnet.plain.onnx") + " --stage passes --disable-pass fold_batch_norm").out;
  EXPECT_NE(without.find("# fold_batch_norm: switched off\n"), std::string::npos) << without;
  EXPECT_EQ(parse_graph(without, infer).nodes.size(), 23u);
}

TEST_F(Inspect, PlanNamesKernelsAndMemory) {
  const std::string text = succeeds("inspect " + golden("lenet.d20.onnx") + " --stage plan").out;
  EXPECT_TRUE(text.starts_with("segment 0 on cpu: 11 operators\n  reads  x: f32[2,1,24,24]\n  leaves log_softmax: f32[2,10]\n")) << text;
  EXPECT_NE(text.find("segment 0: 11 steps; weights "), std::string::npos) << text;
  // 2 images of 4 channels of 20×20: 25 taps of a multiplication and an addition each, and the tanh: 2·4·400·51 operations.
  EXPECT_NE(text.find("0.163 MFLOP"), std::string::npos) << text;
  EXPECT_NE(text.find("features.0  Conv2d(1, 4, kernel_size=(5, 5), stride=(1, 1)) + Tanh\n"), std::string::npos) << text;
  // Why a kernel declined is said once, for all steps.
  EXPECT_TRUE(std::regex_search(text, std::regex(R"(\n +\d+  conv\.\S+ \[1\] )"))) << text;
  EXPECT_NE(text.find("Kernels that are ranked higher, and why they do not serve:\n  [1] conv."), std::string::npos) << text;
  EXPECT_EQ(count(text, "\n  [1] "), 1u) << text;
  const std::string forced = succeeds("inspect " + golden("lenet.d20.onnx") + " --stage plan --kernel reference --disable-pass fuse").out;
  EXPECT_EQ(forced.find("conv.direct"), std::string::npos) << forced;
  EXPECT_EQ(count(forced, "  reference "), 10u) << forced;  // of 11 operators, all but the reshape, which costs nothing
}

TEST_F(Inspect, WrongArguments) {
  fails("inspect lenet --stage graf", 5, {"--stage: graf not in {graph,passes,plan}"});
  fails("inspect lenet --device gpu", 5, {"there is no device 'gpu'; there is cpu"});
  fails("inspect missing.onnx", 6, {"there is no model 'missing.onnx'"});
  fails("inspect lenet --stage passes --disable-pass fold", 5, {"there is no pass 'fold'"});
  fails("inspect lenet --stage plan --kernel nothing", 5, {"no step of lenet can use the kernel 'nothing'"});
  fails("inspect lenet > /dev/full", 6, {"No space left on device"});
}

class Main : public Program {};

TEST_F(Main, DevicesAreListed) {
  const std::string text = succeeds("devices").out;
  EXPECT_TRUE(text.starts_with("cpu: ")) << text;
  EXPECT_NE(text.find("fp32"), std::string::npos);
  EXPECT_NE(text.find("SIMD: "), std::string::npos);
}

TEST_F(Main, DevicesAreMeasured) {
  const std::string text = succeeds("devices --measure").out;
  const std::regex peak("\n  peak on (\\d+) threads?: (\\d+\\.\\d) GFLOP/s in fp32, (\\d+\\.\\d) GB/s from memory\n");
  std::smatch first;
  ASSERT_TRUE(std::regex_search(text, first, peak)) << text;
  EXPECT_EQ(first[1], "1");
  EXPECT_GT(std::stod(first[2]), 0);
  EXPECT_GT(std::stod(first[3]), 0);
  EXPECT_EQ(count(text, "\n  peak on "), available_processors() > 1 ? 2u : 1u) << text;
  EXPECT_EQ(count(succeeds("devices").out, "peak"), 0u);
}

// Each target that there is computes, and is the one that is shown.
TEST_F(Main, SimdTargetIsTheOneThatTheEnvironmentNames) {
  std::string all = succeeds("devices").out;
  const std::string key = "  SIMD targets: ";
  all = all.substr(all.find(key) + key.size());
  std::vector<std::string> names = split(all.substr(0, all.find('\n')), ',');
  for (std::string& name : names) {
    std::erase(name, ' ');
    set_environment("ROPEWAY_SIMD=" + name);
    EXPECT_NE(succeeds("devices").out.find("\n  SIMD: " + name + "\n"), std::string::npos) << name;
    succeeds("run " + golden("resnet.plain.onnx") + " --input " + golden("resnet.x.npy") + " --output y.npy");
    EXPECT_TRUE(close_to(read_npy(file("y.npy")), golden_tensor("resnet.y0.npy"), 1e-5)) << name;
    EXPECT_NE(succeeds("bench " + golden("lenet.d20.onnx") + " --iterations 1").out.find("(" + name + ", "), std::string::npos) << name;
  }
  set_environment("ROPEWAY_SIMD=");
  EXPECT_NE(succeeds("devices").out.find("\n  SIMD: " + names[0] + "\n"), std::string::npos);
  set_environment("ROPEWAY_SIMD=avx1024");
  for (const std::string line : {"devices", "devices --measure", "run lenet", "bench lenet", "inspect lenet --stage plan"}) {
    fails(line, 5, {"ROPEWAY_SIMD is 'avx1024'", "there is " + names[0]});
  }
}

TEST_F(Main, HelpNamesEveryOption) {
  const std::vector<std::pair<std::string, std::vector<std::string>>> options = {
      {"", {"run", "bench", "inspect", "devices", "doctor", "--version"}},
      {"run", {"MODEL", "--device", "--input", "--output", "--output-dir", "--threads", "--batch", "--disable-pass", "--kernel", "--verbose"}},
      {"bench", {"MODEL", "--device", "--by", "--depth", "--batch", "--threads", "--warmup", "--iterations", "--json", "--csv", "--reference", "--disable-pass", "--kernel", "--verbose"}},
      {"inspect", {"MODEL", "--stage", "--device", "--batch", "--threads", "--disable-pass", "--kernel"}},
      {"devices", {"--measure"}}};
  for (const auto& [command, names] : options) {
    const std::string help = succeeds(command + " --help").out;
    for (const std::string& name : names) EXPECT_NE(help.find("\n  " + name), std::string::npos) << name << " is not in\n" << help;
    EXPECT_NE(help.find("Examples:\n  ropeway "), std::string::npos) << help;
    EXPECT_NE(help.find("Exit status: 0 done, 3 model not supported, 4 invalid model file, 5 wrong arguments or inputs,\n6 reading or writing failed"), std::string::npos) << help;
  }
}

TEST_F(Main, WrongCommands) {
  EXPECT_TRUE(succeeds("--version").out.starts_with("ropeway "));
  fails("", 5, {"ropeway --help"});
  fails("benhc lenet", 5, {"there is no command or option 'benhc'", "see ropeway --help"});
  fails("--nothing", 5, {"there is no command or option '--nothing'"});
  fails("run lenet --nothing", 5, {"--nothing", "see ropeway run --help"});
  fails("devices cpu", 5, {"cpu"});
  for (const std::string line : {"--help", "run --help", "--version", "devices"}) fails(line + " > /dev/full", 6, {"No space left on device"});
}

}  // namespace
}  // namespace ropeway::cli_test
