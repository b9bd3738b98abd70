// What can go wrong with atc: scripts take its place.
#include "ascend/compiler.h"

#include <thread>

#include "ascend/small_model.h"
#include "support/cases.h"
#include "support/environment.h"
#include "support/errors.h"

namespace ropeway::ascend {
namespace {

namespace fs = std::filesystem;
using test::TestFolder;
using test::expect_error;
using test::read_text;

class Compiler : public ::testing::Test {
 protected:
  fs::path compile(const std::string& script, double seconds = 20, Graph graph = small_model()) {
    return compile_om(make_atc_input(std::move(graph)), "small", scripted_installation(folder_ / "cann", script), {"Ascend310B1", seconds}).path;
  }
  // The compilation ends in an error and leaves nothing but the lock; the next one is done as if it had not been.
  void fails(const std::string& script, ErrorCode code, const std::vector<std::string>& parts, double seconds = 20) {
    for (const std::string& part : parts) expect_error([&] { compile(script, seconds); }, code, part);
    for (const auto& entry : fs::directory_iterator(folder_ / "cache")) EXPECT_EQ(entry.path().extension(), ".lock") << entry.path();
  }

  const TestFolder folder_;
  const test::ScopedVariable cache_{"ROPEWAY_CACHE", (folder_ / "cache").string()};
};

TEST_F(Compiler, KeepsWhatAtcMakes) {
  EXPECT_EQ(read_text(compile("echo made > $output.om")), "made\n");
}

TEST_F(Compiler, TakesTheOtherNameToo) {
  EXPECT_EQ(read_text(compile("echo made > ${output}_linux_aarch64.om")), "made\n");
}

TEST_F(Compiler, GivesAtcItsOptions) {
  const std::string options = read_text(compile("echo \"$@\" > $output.om; pwd >> $output.om"));
  for (const char* part : {"--framework=5", "--soc_version=Ascend310B1", "--precision_mode=force_fp16", "--input_shape=x:1,3,8,8", "/model.onnx"}) EXPECT_NE(options.find(part), std::string::npos) << options;
}

// The names of the file's nodes that came from kept ones; a cache entry of its own.
TEST_F(Compiler, TellsAtcWhichNodesKeepTheirPrecision) {
  const AtcInput input = make_atc_input(small_model());
  const cann::Installation installation = scripted_installation(folder_ / "cann", "echo \"$@\" > $output.om; cat keep_dtype.cfg >> $output.om");
  const auto compiled = [&](CompilerOptions options) { return read_text(compile_om(input, "small", installation, options).path); };
  const std::string kept = compiled({"Ascend310B1", 20, nullptr, chip::PrecisionMode::force_fp16, {0}});
  EXPECT_NE(kept.find("/keep_dtype.cfg"), std::string::npos) << kept;
  for (const auto& [name, node] : input.nodes) EXPECT_EQ(kept.find("\n" + name + "\n") != std::string::npos, node == 0) << name << "\n" << kept;
  EXPECT_NE(compiled({"Ascend310B1", 20, nullptr, chip::PrecisionMode::force_fp16, {1}}), kept);
  EXPECT_NE(compiled({"Ascend310B1", 20, nullptr, chip::PrecisionMode::force_fp32, {0}}).find("--precision_mode=force_fp32"), std::string::npos);
}

// Whoever has not sourced CANN's script need not.
TEST_F(Compiler, GivesAtcItsEnvironment) {
  const test::ScopedVariable opp("ASCEND_OPP_PATH", ""), libraries("LD_LIBRARY_PATH", "/mine");
  fs::create_directories(folder_ / "cann/opp");
  const std::string text = read_text(compile("echo $ASCEND_OPP_PATH $LD_LIBRARY_PATH > $output.om"));
  EXPECT_TRUE(text.starts_with(fmt::format("{0}/opp {0}/lib64:", (folder_ / "cann").string()))) << text;
  EXPECT_TRUE(text.ends_with(":/mine\n")) << text;
}

TEST_F(Compiler, CompilesTheSameOnce) {
  const std::string script = "date +%N > $output.om";
  const std::string first = read_text(compile(script));
  EXPECT_EQ(read_text(compile(script)), first);
  EXPECT_NE(read_text(compile(script, 20, small_model(5))), first) << "another model";
  EXPECT_NE(read_text(compile(script + " # a new version")), first) << "another atc";
}

TEST_F(Compiler, TwoAtOnceCompileOnce) {
  const std::string script = "echo run >> " + (folder_ / "runs").string() + "; sleep 0.3; echo made > $output.om";
  const AtcInput input = make_atc_input(small_model());
  const cann::Installation installation = scripted_installation(folder_ / "cann", script);
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) threads.emplace_back([&] { EXPECT_EQ(read_text(compile_om(input, "small", installation, {"Ascend310B1", 20}).path), "made\n"); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(read_text(folder_ / "runs"), "run\n");
}

TEST_F(Compiler, MakesAgainWhatWasSpoilt) {
  const fs::path entry = compile("echo made > $output.om");
  write_file(entry, std::string("spoilt"));
  EXPECT_EQ(read_text(compile("echo made > $output.om")), "made\n");
}

TEST_F(Compiler, TellsAFailureInAtcsWords) {
  fails("echo 'EZ3003: No supported Ops kernel for [RmsNorm24]'; echo half > $output.om; exit 1", ErrorCode::device, {"atc, compiling small for Ascend310B1", "exit status 1", "EZ3003: No supported Ops kernel for [RmsNorm24]"});
  EXPECT_EQ(read_text(compile("echo made > $output.om")), "made\n");
}

TEST_F(Compiler, TellsAKilledAtc) { fails("echo half > $output.om; kill -9 $$", ErrorCode::device, {"was killed, probably because memory ran out", "ropeway compile"}); }
TEST_F(Compiler, TellsACrashedAtc) { fails("kill -11 $$", ErrorCode::device, {"was ended by a signal"}); }
TEST_F(Compiler, StopsAHangingAtc) { fails("echo half > $output.om; echo compiling; sleep 100", ErrorCode::device, {"was stopped after 0.2 s", "--compile-timeout", "compiling"}, 0.2); }
TEST_F(Compiler, NoticesThatNothingWasMade) {
  fails("echo ATC run success", ErrorCode::device, {"has left no model", "ATC run success"});
  fails(": > $output.om", ErrorCode::device, {"has left no model"});
}
TEST_F(Compiler, TellsAnAtcThatCannotStart) {
  const cann::Installation installation = scripted_installation(folder_ / "cann", "");
  write_file(*installation.atc, std::string("no program"));
  fs::permissions(*installation.atc, fs::perms::owner_all);
  expect_error([&] { compile_om(make_atc_input(small_model()), "small", installation, {"Ascend310B1", 20}); }, ErrorCode::io, "cannot start");
}
TEST_F(Compiler, TellsAMissingAtc) {
  cann::Installation installation = scripted_installation(folder_ / "cann", "");
  installation.atc.reset();
  expect_error([&] { compile_om(make_atc_input(small_model()), "small", installation, {"Ascend310B1", 20}); }, ErrorCode::device, "ropeway compile --soc Ascend310B1");
}

TEST_F(Compiler, MakesInputNamesThatAtcCanSay) {
  GraphBuilder builder("names", "test");
  const ValueId a = builder.input("a:0", {DType::f32, {2}});
  const ValueId b = builder.input("a,0", {DType::f32, {2}});
  builder.output(builder.add1(Op::Binary, BinaryParams{BinaryFunction::sub}, {a, b}, "y"));
  const AtcInput input = make_atc_input(builder.finish());
  EXPECT_EQ(input.input_names, (std::vector<std::string>{"a_0", "a_0_1"}));
  EXPECT_EQ(input.input_shape, "a_0:2;a_0_1:2");
}

}  // namespace
}  // namespace ropeway::ascend
