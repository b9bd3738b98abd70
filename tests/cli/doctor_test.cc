// The doctor from the command line.
#include <nlohmann/json.hpp>

#include "doctor/machine.h"
#include "program.h"
#include "support/disguise.h"

namespace ropeway::cli_test {
namespace {

class Doctor : public Program {
 protected:
  Doctor() { set_environment(fmt::format("ROPEWAY_VIRTUAL_HOME={}", ROPEWAY_VIRTUAL_HOME)); }
  std::string root() const { return quoted(machine_.at("/")); }

  const doctor::MadeUpMachine machine_;
};

TEST_F(Doctor, ExaminesAnotherMachinesFiles) {
  // Another user's device nodes: whoever runs the tests may use them.
  for (const char* node : {"davinci0", "davinci_manager", "svm0", "ts_aisle"}) machine_.node_of(node, doctor::MadeUpMachine::kGroup, 0666);
  const Outcome outcome = succeeds("doctor --root " + root() + " --json d.json");
  EXPECT_NE(outcome.out.find("ok       cann         8.1.RC1 at /usr/local/Ascend/ascend-toolkit/latest\n"), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find("ok       virtual-npu  " ROPEWAY_VIRTUAL_HOME), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find("\n0 problems, 1 note\n"), std::string::npos) << outcome.out;
  EXPECT_LE(count(outcome.out, "\n"), 40u) << "more than a screen";
  EXPECT_EQ(nlohmann::json::parse(read_text(file("d.json")))["healthy"], true);

  machine_.drop("/usr/local/Ascend/driver");
  const Outcome ill = ropeway("doctor --root " + root());
  EXPECT_EQ(ill.status, 1) << ill.out;
  EXPECT_EQ(ill.err, "");
  EXPECT_NE(ill.out.find("fix: sudo ./Ascend-hdk-310b-npu-driver_VERSION_linux-"), std::string::npos) << ill.out;
  EXPECT_LE(count(ill.out, "\n"), 40u);
}

TEST_F(Doctor, ExplainsCodesAndTexts) {
  EXPECT_NE(succeeds("doctor 507009").out.find("507009 (ACL_ERROR_RT_TASK_TYPE_NOT_SUPPORT)\n"), std::string::npos);
  EXPECT_NE(succeeds("doctor 'libhccl.so: cannot open shared object file'").out.find("set_env.sh"), std::string::npos);
  EXPECT_NE(succeeds("doctor No module named decorator").out.find("pip install"), std::string::npos);
  const std::string help = succeeds("doctor --help").out;
  for (const char* name : {"CODE_OR_TEXT", "--root", "--json"}) EXPECT_NE(help.find(std::string("\n  ") + name), std::string::npos) << help;
  EXPECT_EQ(help.find("--probe"), std::string::npos) << "it is for the program itself";
  fails("doctor hello", 5, {"'hello' shows no code and no symptom"});
  fails("doctor --root nowhere", 6, {"there is no folder nowhere"});
  fails("doctor --json nowhere/d.json", 6, {"there is no folder nowhere"});
}

// Of this machine, the NPU is used, too, in a process of its own. Every function of this CANN returns a code: of its driver's library, or of the stub in its place.
TEST_F(Doctor, StubsOnThePathAreNotLoaded) {
  fs::create_directories(file("cann/lib64"));
  for (const char* library : {"libascendcl.so", "libascend_hal.so", "libdrv_inner.so"}) fs::copy_file(fs::path(ROPEWAY_SMALL_CANN) / library, file("cann/lib64") / library);
  fs::create_directories(file("cann/devlib"));
  fs::copy_file(ROPEWAY_SMALL_CANN "/devlib/libascend_hal.so", file("cann/devlib/libascend_hal.so"));
  const auto devices = [&](const std::string& path) {
    set_environment(fmt::format("{} ASCEND_HOME_PATH={}", path, quoted(file("cann"))));
    return succeeds("devices").out;
  };
  EXPECT_NE(devices("-u LD_LIBRARY_PATH").find("507899"), std::string::npos);
  EXPECT_NE(devices("LD_LIBRARY_PATH=" + quoted(file("cann/devlib"))).find("507899"), std::string::npos);
  const Outcome outcome = ropeway("doctor");
  EXPECT_EQ(outcome.status, 1);
  EXPECT_NE(outcome.out.find("whose every function returns 100039: " + file("cann/devlib").string()), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find("problem  use          aclInit failed with 507899"), std::string::npos) << outcome.out;
}

TEST_F(Doctor, SurvivesLibrariesThatCrash) {
  fs::create_directories(file("cann/lib64"));
  write_file(file("crash.c"), std::string("void begin(void) __attribute__((constructor)); void begin(void) { *(volatile int*)8 = 1; }\n"));
  if (std::system(fmt::format("cc -shared -fPIC -o {} {} 2>/dev/null", quoted(file("cann/lib64/libascendcl.so")), quoted(file("crash.c"))).c_str()) != 0) GTEST_SKIP() << "there is no C compiler";
  set_environment("ASCEND_HOME_PATH=" + quoted(file("cann")));
  const Outcome outcome = ropeway("doctor");
  EXPECT_EQ(outcome.status, 1);
  EXPECT_NE(outcome.out.find("CANN's libraries crash (signal 11)"), std::string::npos) << outcome.out;
}

// What the doctor says of a machine with a working NPU, with the virtual one in its place.
TEST_F(Doctor, UsesTheDevice) {
  test::disguise(ROPEWAY_VIRTUAL_HOME, file("cann"));
  set_environment("ASCEND_HOME_PATH=" + quoted(file("cann")));
  EXPECT_NE(ropeway("doctor").out.find("ok       use          Ascend310B1, CANN: 8.1.RC1 at"), std::string::npos) << ropeway("doctor").out;
}

}  // namespace
}  // namespace ropeway::cli_test
