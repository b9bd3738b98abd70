// NPUs from the command line: the virtual one, a real one that is not there, and bad days.
#include <nlohmann/json.hpp>
#include <thread>

#include "program.h"
#include "support/disguise.h"

namespace ropeway::cli_test {
namespace {

using Json = nlohmann::json;
constexpr int32_t kFloat64 = 11, kBfloat16 = 16;  // in ONNX files

class Npu : public Program {
 protected:
  Npu() { fs::create_directory(file("home")); }

  // An installation that is found as the virtual one, with `script` in the place of its atc; "": the real virtual one's.
  void install(const std::string& script) {
    const fs::path root = file("cann");
    fs::remove_all(root);
    fs::copy(ROPEWAY_VIRTUAL_HOME, root, fs::copy_options::recursive);
    if (!script.empty()) {
      fs::remove(root / "bin/atc");
      write_file(root / "bin/atc", "#!/bin/sh\n" + script + "\n");
      fs::permissions(root / "bin/atc", fs::perms::owner_all);
    }
    set("");
  }
  void set(const std::string& more) { set_environment(fmt::format("ROPEWAY_VIRTUAL_HOME={} ROPEWAY_CACHE={} {}", quoted(file("cann")), quoted(file("cache")), more)); }
  void cache_is_clean() const {
    for (const auto& entry : fs::directory_iterator(file("cache"))) ADD_FAILURE() << entry.path();
  }
  std::string line(const std::string& text, const std::string& begin) const {
    const size_t at = text.find(begin);
    return at == std::string::npos ? "" : text.substr(at, text.find('\n', at) - at);
  }
};

TEST_F(Npu, PrecisionIsChosen) {
  install("");
  const Outcome automatic = ropeway("run lenet --device virtual-npu --precision auto");
  EXPECT_EQ(automatic.status, 0) << automatic.err;
  EXPECT_EQ(line(automatic.err, "note: ").find("note: precision auto: all operators in fp16, error "), 0u) << automatic.err;
  EXPECT_NE(ropeway("compile lenet --device virtual-npu --soc Ascend310B1 --precision auto --tolerance 1e-6 -o l.om").err.find("nothing is kept in fp32"), std::string::npos);
  succeeds("run lenet --device virtual-npu --precision force_fp32");
  fails("run lenet --precision auto", 5, {"the CPU has no precision 'auto'; there is fp32, its default, and fp16"});
  fails("run lenet --device virtual-npu --precision int8", 5, {"an NPU has no precision 'int8'"});
  fails("run l.om --precision fp16", 5, {"its precision was chosen then"});
  const Outcome bench = succeeds("bench lenet --device cpu,virtual-npu --precision force_fp32 --warmup 0 --iterations 1");
  EXPECT_NE(bench.out.find("force_fp32, compiled"), std::string::npos) << bench.out;
}

TEST_F(Npu, BenchSetsThePredictionBesideCpuAndArticle) {
  const Outcome outcome = succeeds("bench lenet resnet34 --device cpu,virtual-npu --warmup 0 --iterations 1 --reference article --json t.json");
  for (const char* part : {"virtual Ascend310B1          the article  Ascend310B1\n", "fp16, compiled             measured        eager\n", "predicted       CPU NPU, eager    predicted\n", "no NPU has run", "Eager is an operator at a time"}) EXPECT_NE(outcome.out.find(part), std::string::npos) << part << "\n" << outcome.out;
  const Json models = Json::parse(read_text(file("t.json")));
  for (size_t m = 0; m < 2; ++m) {
    const Json& cpu = models[m]["devices"][0];
    const Json& npu = models[m]["devices"][1];
    EXPECT_EQ(cpu["predicted"], false);
    EXPECT_EQ(npu["predicted"], true);
    EXPECT_EQ(npu["device"], "virtual-npu");
    EXPECT_EQ(npu["rows"].size(), m == 0 ? 5u : 18u);
    double sum = 0;
    for (size_t r = 0; r < npu["rows"].size(); ++r) {
      EXPECT_EQ(npu["rows"][r]["path"], cpu["rows"][r]["path"]);
      EXPECT_EQ(npu["rows"][r]["description"], cpu["rows"][r]["description"]);
      EXPECT_GT(npu["rows"][r]["latency_ms"]["min"], 0);
      sum += npu["rows"][r]["latency_ms"]["median"].get<double>();
    }
    EXPECT_NEAR(npu["sum_of_rows_ms"].get<double>(), sum, 1e-3);
    EXPECT_GT(npu["end_to_end_ms"]["median"], 0);
  }
}

TEST_F(Npu, RowsOfItsOwnWithoutTheCpu) {
  const Outcome outcome = succeeds("bench lenet --device virtual-npu --by op");
  EXPECT_EQ(count(outcome.out, "MaxPool2d"), 2u) << outcome.out;
  EXPECT_EQ(count(outcome.out, "ReLU"), 4u) << outcome.out;
}

TEST_F(Npu, RowsByTheProfilerOrCompiledApart) {
  install("");
  const auto rows = [&](const std::string& options, const std::string& json) {
    const Outcome outcome = succeeds("bench resnet34 --device virtual-npu --json " + json + " " + options);
    return std::pair(Json::parse(read_text(file(json)))[0]["devices"][0], outcome.out);
  };
  const auto [whole, whole_text] = rows("", "whole.json");
  const auto [apart, apart_text] = rows("--rows separate", "apart.json");
  ASSERT_EQ(whole["rows"].size(), 18u);
  for (size_t r = 0; r < 18; ++r) EXPECT_NEAR(whole["rows"][r]["latency_ms"]["min"].get<double>(), apart["rows"][r]["latency_ms"]["min"].get<double>(), 0.02) << r;
  EXPECT_EQ(whole["end_to_end_ms"], apart["end_to_end_ms"]);
  EXPECT_NE(whole_text.find("as its profiler times them"), std::string::npos);
  EXPECT_NE(apart_text.find("compiled and run each by itself"), std::string::npos);
  // By operator of the CPU, where a relu stands for itself: on the NPU it is part of a convolution.
  const Outcome ops = succeeds("bench resnet34 --device cpu,virtual-npu --by op --disable-pass fuse --iterations 1 --warmup 0");
  EXPECT_GE(count(ops.out, "fused\n"), 32u) << ops.out;
}

TEST_F(Npu, WhatWasMeasuredBeforeAFailureIsKept) {
  install("");
  const Outcome outcome = ropeway("bench lenet " + write_difference("2", kBfloat16) + " --device virtual-npu --no-fallback --json t.json --csv t.csv");
  EXPECT_EQ(outcome.status, 3) << outcome.err;
  EXPECT_NE(outcome.err.find("the models before it are in the files that were asked for"), std::string::npos) << outcome.err;
  EXPECT_EQ(Json::parse(read_text(file("t.json"))).size(), 1u);
  EXPECT_EQ(count(read_text(file("t.csv")), "end to end"), 1u);
}

TEST_F(Npu, HangingAndLostDevicesEndInAnError) {
  install("");
  succeeds("compile lenet --device virtual-npu -o lenet.om");
  for (const auto& [faults, part] : std::map<std::string, std::string>{{"hang=1", "did not answer for 0.5 s while running lenet.om"}, {"lost=1", "ACL_ERROR_RT_LOST_HEARTBEAT"}}) {
    set("ROPEWAY_VIRTUAL_FAULTS=" + faults);
    fails("run lenet.om --run-timeout 0.5", 7, {part});
  }
}

TEST_F(Npu, CacheIsListedAndCleared) {
  install("");
  fs::create_directory(file("cache"));
  EXPECT_EQ(succeeds("cache list").out, fmt::format("0 compiled models, 0 B of at most 4.0 GB, in {}\n", file("cache").string()));
  succeeds("run lenet --device virtual-npu");
  EXPECT_NE(succeeds("cache list").out.find("lenet for Ascend310B1, CANN virtual 8.1.RC1 at "), std::string::npos);
  EXPECT_NE(succeeds("cache clear").out.find("removed 1 compiled model, "), std::string::npos);
  cache_is_clean();
  fails("cache", 5, {"subcommand"});
}

TEST_F(Npu, RunGivesTheChipsNumbers) {
  const Outcome outcome = succeeds("run lenet --device virtual-npu --output npu.npy");
  EXPECT_NE(outcome.out.find("those of a virtual Ascend310B1, predicted"), std::string::npos) << outcome.out;
  succeeds("run lenet --output cpu.npy");
  const Tensor npu = read_npy(file("npu.npy")), cpu = read_npy(file("cpu.npy"));
  EXPECT_TRUE(close_to(npu, cpu, 1e-2));
  EXPECT_FALSE(close_to(npu, cpu, 1e-6)) << "that is the fp32 result";
}

TEST_F(Npu, CompiledModelsRunWhereTheyBelong) {
  install("");
  succeeds("compile lenet --device virtual-npu -o lenet.om");
  const Outcome run = succeeds("run lenet.om --output y.npy");
  EXPECT_NE(run.out.find("virtual Ascend310B1"), std::string::npos);
  succeeds("run lenet --device virtual-npu --output z.npy");
  EXPECT_TRUE(read_text(file("y.npy")) == read_text(file("z.npy")));
  EXPECT_NE(succeeds("bench lenet.om").out.find("compiled for virtual Ascend310B1"), std::string::npos);
  EXPECT_NE(succeeds("inspect lenet.om").out.find("takes input: f32[1,3,224,224]"), std::string::npos);
  fails("run lenet.om --device cpu", 5, {"lenet.om is compiled for an NPU"});
  fails("run lenet.om --batch 2", 5, {"its shapes are fixed"});
  write_npy(file("x.npy"), Tensor({DType::f32, {1, 3, 224, 224}}));
  succeeds("run lenet.om --input x.npy");
  succeeds("run lenet.om --input input=x.npy");
  fails("run lenet.om --input other=x.npy", 5, {"has no input 'other'"});
  fails("compile lenet.om --device virtual-npu -o again.om", 5, {"is compiled already"});

  succeeds("compile lenet --device virtual-npu --soc Ascend310B4 -o b4.om");
  fails("run b4.om", 4, {"compiled for Ascend310B4, but this device is a virtual Ascend310B1", "507008 (ACL_ERROR_RT_SOC_VERSION)"});
  set("ROPEWAY_VIRTUAL_SOC=Ascend310B4");
  EXPECT_NE(succeeds("run b4.om").out.find("virtual Ascend310B4"), std::string::npos);
  set("ROPEWAY_VIRTUAL_SOC=Ascend910");
  fails("run lenet --device virtual-npu", 7, {"there is no virtual Ascend910", "Ascend310B1"});
  set("");
  fails("compile lenet --device virtual-npu --soc Ascend910 -o x.om", 5, {"there is no virtual Ascend910; there is Ascend310B1"});
  fails("run lenet.om --kernel direct", 5, {"no kernel chosen"});
  EXPECT_NE(succeeds("run lenet.om --device auto").out.find("virtual Ascend310B1"), std::string::npos);

  write_file(file("vendor.om"), std::string("IMOD, as CANN's begin"));
  fails("run vendor.om --device virtual-npu", 5, {"compiled by CANN's atc", "--device npu"});
  fails("run vendor.om", 7, {"there is no CANN", "only a real NPU can run it"});
  write_file(file("short.om"), read_text(file("lenet.om")).substr(0, 1000));
  fails("run short.om", 4, {"short.om", "cut off"});
}

TEST_F(Npu, WithoutCannItSaysWhereItLooked) {
  set_environment("-u ASCEND_HOME_PATH -u ASCEND_TOOLKIT_HOME HOME=" + quoted(file("home")));
  if (fs::exists("/usr/local/Ascend")) GTEST_SKIP() << "this machine has CANN";
  for (const char* command : {"run lenet --device npu", "bench lenet --device cpu,npu", "compile lenet --device npu -o x.om"}) {
    fails(command, 7, {"there is no CANN on this machine", "ASCEND_HOME_PATH: not set", "/usr/local/Ascend/ascend-toolkit/latest: no lib64/libascendcl.so", "--device virtual-npu"});
  }
  EXPECT_NE(succeeds("devices").out.find("npu: not here"), std::string::npos);
  write_difference();
  succeeds("run difference.onnx --device auto");
  fails("run lenet --device gpu", 5, {"there is no device 'gpu'; there is cpu, npu, virtual-npu and auto"});
}

// The virtual one under the flag of a real one: the same way, found as CANN is found, timed by the clock.
TEST_F(Npu, ARealInstallationTakesTheSameWay) {
  test::disguise(ROPEWAY_VIRTUAL_HOME, file("cann"));
  set_environment(fmt::format("-u ROPEWAY_VIRTUAL_HOME MAX_COMPILE_CORE_NUMBER=1 ASCEND_HOME_PATH={} ROPEWAY_CACHE={}", quoted(file("cann")), quoted(file("cache"))));
  const Outcome bench = succeeds("bench lenet --device npu --warmup 0 --iterations 1 --json t.json");
  EXPECT_NE(bench.out.find("Ascend310B1"), std::string::npos);
  EXPECT_EQ(bench.out.find("predicted"), std::string::npos) << bench.out;
  const Json device = Json::parse(read_text(file("t.json")))[0]["devices"][0];
  EXPECT_EQ(device["device"], "npu");
  EXPECT_EQ(device["predicted"], false);
  const std::string devices = succeeds("devices").out;
  EXPECT_NE(devices.find("npu: an Ascend 310B NPU, through CANN\n  Ascend310B1\n"), std::string::npos) << devices;
  EXPECT_EQ(succeeds("run lenet --device auto").out, succeeds("run lenet --device npu").out);
  succeeds("compile lenet --device npu -o lenet.om");
  fails("run lenet.om --device npu", 5, {"compiled by Ropeway's virtual atc", "compile the model with --device npu"});
}

TEST_F(Npu, ACannThatCannotBeLoaded) {
  install("");
  fs::remove(file("cann/lib64/libascendcl.so"));
  fails("run lenet --device virtual-npu", 7, {"the virtual CANN is not where it belongs", "no lib64/libascendcl.so"});
  const auto install_library = [&](const std::string& content) {
    fs::remove(file("cann/lib64/libascendcl.so"));
    write_file(file("cann/lib64/libascendcl.so"), content);
  };
  install_library("not a library");
  fails("run lenet --device virtual-npu", 7, {"CANN 8.1.RC1, not Ropeway's virtual one"});
  set_environment("ASCEND_HOME_PATH=cann");
  fails("run lenet --device npu", 7, {"cannot load CANN's", "`ropeway doctor`"});
  install_library(read_text(ROPEWAY_VIRTUAL_HOME "/lib64/libascendcl.so").substr(0, 100000));
  fails("run lenet --device npu", 7, {"is cut off: it has 100000 bytes", "Install CANN again"});
  install_library(read_text(ROPEWAY_PARTIAL_CANN));
  fails("run lenet --device npu", 7, {"lacks", "aclrtGetSocName", "aclmdlExecuteAsync"});
  set_environment(fmt::format("ASCEND_HOME_PATH=cann ROPEWAY_VIRTUAL_HOME={} ROPEWAY_CACHE={}", ROPEWAY_VIRTUAL_HOME, quoted(file("cache"))));
  succeeds("compile lenet --device virtual-npu -o lenet.om");
  succeeds("run lenet.om --device auto");  // without a word about the CPU
  write_difference();
  const Outcome automatic = ropeway("run difference.onnx --device auto");
  EXPECT_EQ(automatic.status, 0);
  EXPECT_NE(automatic.err.find("--device auto is the CPU, because the NPU cannot be used"), std::string::npos) << automatic.err;
  install("");
  fs::remove(file("cann/bin/atc"));
  fails("run lenet --device virtual-npu", 7, {"has no atc", "ropeway compile --soc Ascend310B1"});
}

TEST_F(Npu, ACompilerThatFails) {
  install("echo 'EZ3003: no kernel'; exit 1");
  fs::create_directory(file("cache"));
  const auto ends = [&](const std::string& options, const std::vector<std::string>& parts) {
    const Outcome outcome = ropeway("run lenet --device virtual-npu --no-fallback " + options);
    EXPECT_EQ(outcome.status, 7) << outcome.err;
    for (const std::string& part : parts) EXPECT_NE(outcome.err.find(part), std::string::npos) << outcome.err << "\nlacks: " << part;
    cache_is_clean();
  };
  ends("", {"EZ3003: no kernel", "exit status 1"});
  install("kill -9 $$");
  ends("", {"was killed"});
  install("sleep 100");
  ends("--compile-timeout 0.3", {"was stopped after"});
  // With a fallback it is a note, and the CPU's result.
  install("echo 'EZ3003: no kernel'; exit 1");
  const Outcome fallen = ropeway("run lenet --device virtual-npu --output fallen.npy");
  EXPECT_EQ(fallen.status, 0) << fallen.err;
  EXPECT_TRUE(fallen.err.starts_with("note: 12 operators (first: Conv at conv1")) << fallen.err;
  EXPECT_NE(fallen.err.find("because they could not be compiled for the NPU: atc, compiling lenet"), std::string::npos) << fallen.err;
  EXPECT_NE(fallen.err.find("failed with exit status 1: EZ3003: no kernel\n"), std::string::npos) << fallen.err;
  EXPECT_EQ(line(fallen.out, "split: ").substr(0, 55), "split: 1 segment: virtual-npu 0 operators, cpu 12 (Conv") << fallen.out;
  succeeds("run lenet --output cpu.npy");
  EXPECT_TRUE(read_text(file("fallen.npy")) == read_text(file("cpu.npy")));
  install("");
  set("ROPEWAY_VIRTUAL_FAULTS=atc=9");
  ends("", {"failed with exit status 9", "E19999"});
  EXPECT_EQ(ropeway("run lenet --device virtual-npu").status, 0);
  // No atc at all is another matter.
  fs::remove(file("cann/bin/atc"));
  fails("run lenet --device virtual-npu", 7, {"has no atc"});
  install("");
  succeeds("run lenet --device virtual-npu");
}

TEST_F(Npu, ACacheThatIsSpoiltOrCannotBeWritten) {
  install("");
  succeeds("run lenet --device virtual-npu --output first.npy");
  for (const auto& entry : fs::directory_iterator(file("cache"))) {
    if (entry.path().extension() == ".om") write_file(entry.path(), std::string("spoilt"));
  }
  succeeds("run lenet --device virtual-npu --output second.npy");
  EXPECT_TRUE(read_text(file("first.npy")) == read_text(file("second.npy")));
  write_file(file("in_the_way"), std::string());
  set("ROPEWAY_CACHE=" + quoted(file("in_the_way")));
  fails("run lenet --device virtual-npu", 6, {"compiled models cannot be kept in", "Set ROPEWAY_CACHE"});
}

TEST_F(Npu, ADeviceWithoutMemory) {
  install("");
  succeeds("run lenet --device virtual-npu");
  set("ROPEWAY_VIRTUAL_MEMORY=50");  // MB; the weights alone take more
  fails("run lenet --device virtual-npu", 7, {"207001 (ACL_ERROR_RT_MEMORY_ALLOCATION)", "of device memory", "smaller batch"});
  set("ROPEWAY_VIRTUAL_MEMORY=plenty");
  fails("run lenet --device virtual-npu", 7, {"ROPEWAY_VIRTUAL_MEMORY is 'plenty'"});
}

TEST_F(Npu, TwoProcessesCompileTheSameModel) {
  install("");
  std::thread other([&] { succeeds("run lenet --device virtual-npu --output a.npy"); });
  const std::string command = fmt::format("cd {} && ROPEWAY_VIRTUAL_HOME={} ROPEWAY_CACHE={} {} run lenet --device virtual-npu --output b.npy > /dev/null", quoted(folder()), quoted(file("cann")), quoted(file("cache")), quoted(ROPEWAY_PROGRAM));
  EXPECT_EQ(std::system(command.c_str()), 0);
  other.join();
  EXPECT_TRUE(read_text(file("a.npy")) == read_text(file("b.npy")));
  EXPECT_NE(read_text(file("a.npy")), "");
}

TEST_F(Npu, Float64BecomesFloat32) {
  install("");
  write_difference("2", kFloat64);
  write_npy(file("a.npy"), Tensor::of<double>({2}, {1.0625, 1e300}));
  write_npy(file("b.npy"), Tensor::of<double>({2}, {3, 1}));
  const std::string note = "note: float64 is not supported by Ascend310B1: 3 tensors cast to float32 (first: a)\n";
  const Outcome beyond = ropeway("run difference.onnx --device virtual-npu --input a.npy --input b.npy");
  EXPECT_EQ(beyond.status, 5);
  EXPECT_EQ(beyond.err, note + "ropeway: input a holds 1e+300 at [1], which is beyond float32: the device has no float64\n");
  write_npy(file("a.npy"), Tensor::of<double>({2}, {1.0625, 4}));
  const Outcome outcome = ropeway("run difference.onnx --device virtual-npu --input a.npy --input b.npy --output y.npy");
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.err, note);
  EXPECT_TRUE(outcome.out.starts_with("split: none, all 1 operator on virtual-npu\n")) << outcome.out;
  const Tensor y = read_npy(file("y.npy"));
  ASSERT_EQ(y.dtype(), DType::f64);
  EXPECT_EQ(y.data<double>()[0], -1.9375);
  EXPECT_EQ(y.data<double>()[1], 3);
  EXPECT_EQ(ropeway("compile difference.onnx --device virtual-npu -o x.om").err, note);
  // The CPU has it.
  write_npy(file("a.npy"), Tensor::of<double>({2}, {1 + 1e-12, 1e300}));
  succeeds("run difference.onnx --input a.npy --input b.npy --output z.npy");
  EXPECT_EQ(read_npy(file("z.npy")).data<double>()[0], 1 + 1e-12 - 3);
  EXPECT_EQ(read_npy(file("z.npy")).data<double>()[1], 1e300 - 1);
}

TEST_F(Npu, WhatTheNpuLacksRunsOnTheCpu) {
  install("");
  write_difference("2", kBfloat16);
  const Outcome outcome = succeeds("run difference.onnx --device virtual-npu");
  EXPECT_TRUE(outcome.out.starts_with("split: 1 segment: virtual-npu 0 operators, cpu 1 (Binary at ")) << outcome.out;
  EXPECT_NE(outcome.out.find("virtual-npu declined: CANN has next to no operators in bfloat16"), std::string::npos) << outcome.out;
  fails("run difference.onnx --device virtual-npu --no-fallback", 3, {"1 of 1 operators cannot run on virtual-npu, and --no-fallback keeps them from the cpu:\n  Binary at ", "bfloat16"});
  fails("compile difference.onnx --device virtual-npu -o x.om", 3, {"1 of 1 operators cannot run on Ascend310B1", "bfloat16"});
  EXPECT_NE(succeeds("bench difference.onnx --device virtual-npu").out.find("cpu alone"), std::string::npos);
  // --verbose looks into the CPU's steps, and only there.
  EXPECT_EQ(count(ropeway("bench difference.onnx --device virtual-npu --verbose").out, "The CPU's steps on "), 1u);
  EXPECT_EQ(count(ropeway("run difference.onnx --device virtual-npu --verbose").out, "The CPU's steps on "), 1u);
  EXPECT_EQ(count(ropeway("run lenet --device virtual-npu --verbose").out, "GFLOP/s"), 0u);
  EXPECT_EQ(count(ropeway("bench lenet --device virtual-npu --verbose").out, "GFLOP/s"), 0u);
}

}  // namespace
}  // namespace ropeway::cli_test
