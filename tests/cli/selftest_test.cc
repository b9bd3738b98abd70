// The comparison of a device with what is predicted of it, from the command line.
#include <nlohmann/json.hpp>

#include "base/process.h"
#include "program.h"
#include "support/disguise.h"

namespace ropeway::cli_test {
namespace {

class Selftest : public Program {
 protected:
  static constexpr const char* kUser = "aliceinwonder", * kHost = "lookingglass";
  Selftest() {
    fs::create_directories(home());
    set("");
  }
  fs::path home() const { return folder() / "people" / kUser; }
  // Whose machine it is; the cache is the tests' own.
  void set(const std::string& more) {
    const char* const cache = std::getenv("ROPEWAY_CACHE");
    set_environment(fmt::format("HOME={} USER={} LOGNAME={} HOSTNAME={} ROPEWAY_VIRTUAL_HOME={} ROPEWAY_CACHE={} {}", quoted(home()), kUser, kUser, kHost, ROPEWAY_VIRTUAL_HOME, cache == nullptr ? quoted(file("cache")) : quoted(cache), more));
  }

  std::string shell(const std::string& command) const { return run_process({"/bin/sh", "-c", command}, folder(), 60).output; }
  // A file of the archive.
  std::string unpacked(const std::string& archive, const std::string& name) const { return shell(fmt::format("tar xzOf {} --wildcards '*/{}'", archive, name)); }
  nlohmann::json report(const std::string& archive) const { return nlohmann::json::parse(unpacked(archive, "report.json")); }
  // The archive says nothing of who made it, not even in what lies between its files.
  void expect_impersonal(const std::string& archive) const {
    const std::string all = shell("gzip -dc " + archive);
    EXPECT_GT(all.size(), 2000u);
    for (const std::string& each : {std::string(kUser), std::string(kHost), folder().string() + "/people"}) EXPECT_EQ(all.find(each), std::string::npos) << each << "\n" << all.substr(std::max<size_t>(all.find(each), 300) - 300, 600);
  }
};

TEST_F(Selftest, OfTheVirtualNpu) {
  const Outcome outcome = ropeway("selftest --device virtual-npu --operators Softmax,Dropout");
  EXPECT_EQ(outcome.status, 0) << outcome.out << outcome.err;
  for (const char* part : {"doctor\n", "symbols of libascendcl.so\n", "5 runs of the virtual atc", "conformance of Softmax: ", "model resnet34: ", "copies between"}) EXPECT_NE(outcome.err.find(part), std::string::npos) << outcome.err << part;
  for (const char* part : {"virtual Ascend310B1, card, 12.0 GB of memory: no NPU has run", "42 of 42 that are needed", "2 operators: ", "predicted, too", "by the same model", "\nall as expected\n", "written to ropeway-selftest-Ascend310B1.tar.gz"}) {
    EXPECT_NE(outcome.out.find(part), std::string::npos) << outcome.out << part;
  }
  EXPECT_EQ(outcome.out.find("measured"), std::string::npos) << outcome.out;
  EXPECT_LE(count(outcome.out, "\n"), 40u) << "more than a screen";
  const std::string archive = "ropeway-selftest-Ascend310B1.tar.gz";
  EXPECT_EQ(outcome.out.substr(0, outcome.out.find("written to")), unpacked(archive, "report.txt"));
  const nlohmann::json report = this->report(archive);
  EXPECT_EQ(report["schema"], 1);
  EXPECT_EQ(report["as_expected"], true);
  EXPECT_EQ(report["versions"]["cann"], "8.1.RC1");
  EXPECT_EQ(report["conformance"]["operators"].size(), 2u);
  EXPECT_EQ(report["models"].size(), 3u);
  for (const auto& model : report["models"]) EXPECT_LT(model["output"]["error"], 1e-2) << model["model"];
  EXPECT_EQ(nlohmann::json::parse(unpacked(archive, "doctor.json"))["schema"], 1);
  expect_impersonal(archive);
}

// With CANN in a home folder, which stands in the paths that are told; and a device that hangs at its first execution.
TEST_F(Selftest, OfADeviceThatHangs) {
  test::disguise(ROPEWAY_VIRTUAL_HOME, home() / "Ascend");
  set(fmt::format("ASCEND_HOME_PATH={} ROPEWAY_VIRTUAL_FAULTS=hang=1", quoted(home() / "Ascend")));
  const Outcome outcome = ropeway("selftest --device npu --operators Dropout --run-timeout 0.2 -o r.tar.gz");
  EXPECT_EQ(outcome.status, 1) << outcome.out << outcome.err;
  EXPECT_NE(outcome.out.find("did not answer for 0.2 s"), std::string::npos) << outcome.out;
  EXPECT_EQ(count(outcome.out, "failed: see below"), 3u) << outcome.out;
  EXPECT_NE(outcome.out.find("copy, ms"), std::string::npos) << "what does not execute still works: " << outcome.out;
  EXPECT_NE(outcome.err.find("minutes for all"), std::string::npos) << outcome.err;
  const nlohmann::json report = this->report("r.tar.gz");
  EXPECT_EQ(report["conformance"]["counts"]["failed"], 1);
  EXPECT_EQ(report["environment"]["ASCEND_HOME_PATH"], "~/Ascend");
  EXPECT_EQ(report["device"]["predicted"], false);
  EXPECT_NE(unpacked("r.tar.gz", "failures/lenet.txt").find("did not answer"), std::string::npos);
  expect_impersonal("r.tar.gz");
}

// Outputs and times of the whole are told all the same.
TEST_F(Selftest, AProfilerThatFails) {
  set("ROPEWAY_VIRTUAL_FAULTS=aclprofModelSubscribe=500000");
  succeeds("selftest --device virtual-npu --task model:lenet --result r.json");
  const nlohmann::json lenet = nlohmann::json::parse(read_text(file("r.json")));
  ASSERT_TRUE(lenet.contains("rows_failed")) << lenet;
  EXPECT_NE(lenet["rows_failed"].get<std::string>().find("aclprofModelSubscribe failed with 500000"), std::string::npos) << lenet["rows_failed"];
  EXPECT_TRUE(lenet["rows"][0]["device_ms"].is_null());
  EXPECT_LT(lenet["output"]["error"], 1e-2);
  EXPECT_GT(lenet["device"]["end_to_end_ms"]["min"], 0);
}

TEST_F(Selftest, WithoutADevice) {
  const Outcome outcome = ropeway("selftest --device npu");
  EXPECT_EQ(outcome.status, 7) << outcome.out;
  EXPECT_NE(outcome.out.find("device       cannot be used: there is no CANN on this machine"), std::string::npos) << outcome.out;
  const nlohmann::json report = this->report("ropeway-selftest-npu.tar.gz");
  EXPECT_EQ(report["as_expected"], false);
  EXPECT_GE(report["doctor"]["problems"], 1);
  EXPECT_FALSE(report.contains("models"));
  expect_impersonal("ropeway-selftest-npu.tar.gz");
}

TEST_F(Selftest, LibrariesThatCrash) {
  fs::create_directories(file("cann/lib64"));
  write_file(file("crash.c"), std::string("void begin(void) __attribute__((constructor)); void begin(void) { *(volatile int*)8 = 1; }\n"));
  if (std::system(fmt::format("cc -shared -fPIC -o {} {} 2>/dev/null", quoted(file("cann/lib64/libascendcl.so")), quoted(file("crash.c"))).c_str()) != 0) GTEST_SKIP() << "there is no C compiler";
  set("ASCEND_HOME_PATH=" + quoted(file("cann")));
  const Outcome outcome = ropeway("selftest --device npu -o r.tar.gz");
  EXPECT_EQ(outcome.status, 7) << outcome.out;
  EXPECT_NE(outcome.out.find("ended by signal 11"), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find("symbols      0 of 42"), std::string::npos) << outcome.out;
}

TEST_F(Selftest, TheBudgetAndQuickLeaveOut) {
  const Outcome outcome = ropeway("selftest --device virtual-npu --quick --budget 0.0001 -o r.tar.gz");
  EXPECT_EQ(outcome.status, 0) << outcome.out << outcome.err;
  EXPECT_NE(outcome.out.find("not run      conformance, by --quick\n"), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find("the budget of 0.0001 min was spent"), std::string::npos) << outcome.out;
  EXPECT_EQ(outcome.err.find("conformance of"), std::string::npos);
}

TEST_F(Selftest, WrongArguments) {
  fails("selftest", 5, {"--device is required"});
  fails("selftest --device cpu", 5, {"cpu"});
  fails("selftest --device virtual-npu --operators Relu", 5, {"there is no operator 'Relu'", "Softmax"});
  fails("selftest --device virtual-npu -o nowhere/r.tar.gz", 6, {"there is no folder nowhere"});
  const std::string help = succeeds("selftest --help").out;
  EXPECT_EQ(help.find("--task"), std::string::npos) << "it is for the program itself";
}

}  // namespace
}  // namespace ropeway::cli_test
