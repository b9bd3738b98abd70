// The examination beside its symptoms: forms of boards, homes of Python, what cannot be read, what is run.
#include "doctor/doctor.h"

#include <nlohmann/json.hpp>

#include "doctor/machine.h"
#include "doctor/python.h"

namespace ropeway::doctor {
namespace {

using Machine = MadeUpMachine;

TEST(Doctor, WithoutCannSaysThatAlone) {
  const Machine machine;
  machine.drop("/usr/local/Ascend");
  const Report report = machine.examine();
  ASSERT_EQ(report.findings.size(), 1u);
  EXPECT_NE(report.findings[0].text.find("--device virtual-npu works"), std::string::npos);
  machine.put("/lib/ld-linux-aarch64.so.1", "");
  EXPECT_NE(machine.examine().findings[0].fix.find("Ascend-cann-nnrt_VERSION_linux-aarch64.run"), std::string::npos) << "a board needs no compiler";
}

TEST(Doctor, ABoardWithTheRunTimeAloneIsWell) {
  Machine machine;
  machine.drop(std::string(Machine::kRoot) + "/bin");
  machine.drop(std::string(Machine::kRoot) + "/opp");
  machine.variables.erase("ASCEND_OPP_PATH");
  machine.drop("/usr/bin");
  const Report report = machine.examine();
  EXPECT_TRUE(report.healthy()) << complaints(report);
  EXPECT_NE(complaint(report, "atc")->text.find("compiled models (.om) run"), std::string::npos);
}

// Images of boards have the driver's libraries among the system's.
TEST(Doctor, TakesADriverOfTheImage) {
  const Machine machine;
  machine.drop(Machine::kDriver);
  for (const char* library : {"libascend_hal.so", "libdrv_inner.so"}) machine.copy(fs::path(ROPEWAY_SMALL_CANN) / library, std::string("/usr/lib64/") + library);
  EXPECT_EQ(complaints(machine.examine()), "");
}

TEST(Doctor, APcThatOnlyCompilesIsWell) {
  const Machine machine;
  machine.drop("/dev");
  machine.drop(Machine::kDriver);
  const Report report = machine.examine();
  EXPECT_TRUE(report.healthy()) << complaints(report);
  EXPECT_NE(complaint(report, "libraries")->text.find("compiled here, but not run"), std::string::npos);
  EXPECT_NE(complaint(report, "devices")->text.find("no NPU is here"), std::string::npos);
}

TEST(Doctor, KnowsTheNodesOfBothForms) {
  const Machine machine;
  machine.drop("/dev");
  for (const char* node : {"davinci0", "davinci_manager", "devmm_svm", "hisi_hdc"}) machine.node_of(node, Machine::kGroup);
  EXPECT_EQ(complaints(machine.examine()), "") << "a card has no svm0";
  machine.drop("/dev/devmm_svm");
  const Report card = machine.examine();
  EXPECT_NE(complaint(card, "devices")->text.find("a card in a host (EP): /dev/devmm_svm"), std::string::npos);

  machine.put("/etc/sys_version.conf", "");
  machine.put("/.dockerenv", "");
  const Report board = machine.examine();
  EXPECT_NE(complaint(board, "devices")->text.find("/dev/svm0 and /dev/ts_aisle; this container was not given"), std::string::npos);
  EXPECT_NE(complaint(board, "devices")->fix.find("docker run --device=/dev/davinci0 --device=/dev/davinci_manager --device=/dev/svm0"), std::string::npos);
}

TEST(Doctor, KnowsWhyANodeIsClosed) {
  if (geteuid() != 0) GTEST_SKIP() << "files of another group are made by root alone";
  Machine machine;
  machine.user.groups = {Machine::kUser};
  EXPECT_EQ(complaint(machine.examine(), "permissions")->fix, "newgrp HwHiAiUser") << "/etc/group has the user, this process does not";
  machine.put("/etc/group", "root:x:0:\n");
  EXPECT_TRUE(complaint(machine.examine(), "permissions")->fix.starts_with("sudo groupadd HwHiAiUser && "));
  machine.user.id = 0;
  EXPECT_EQ(complaint(machine.examine(), "permissions"), nullptr) << "root may";
}

TEST(Doctor, NamesAllMissingFunctions) {
  const Machine machine;
  machine.copy(ROPEWAY_PARTIAL_CANN, std::string(Machine::kRoot) + "/lib64/libascendcl.so");
  const Report report = machine.examine();
  for (const char* name : {"aclrtGetSocName", "aclmdlExecuteAsync", "aclCreateDataBuffer"}) EXPECT_NE(complaint(report, "functions")->text.find(name), std::string::npos) << name;
  EXPECT_EQ(complaint(report, "functions")->text.find("aclInit"), std::string::npos);
  // CANN 9 has them in other libraries.
  machine.copy(ROPEWAY_SMALL_CANN "/libascendcl.so", std::string(Machine::kRoot) + "/lib64/libacl_mdl.so");
  EXPECT_EQ(complaint(machine.examine(), "functions"), nullptr);
}

TEST(Doctor, TellsADamagedLibrary) {
  const Machine machine;
  const fs::path library = machine.at(std::string(Machine::kRoot) + "/lib64/libascendcl.so");
  fs::resize_file(library, 1000);
  EXPECT_NE(complaint(machine.examine(), "libraries")->text.find("is cut off"), std::string::npos);
  write_file(library, std::string("no library"));
  EXPECT_NE(complaint(machine.examine(), "libraries")->text.find("is no library"), std::string::npos);
}

TEST(Doctor, TellsSeveralCanns) {
  const Machine machine;
  machine.put("/usr/local/Ascend/nnrt/8.0.0/lib64/libascendcl.so", "");
  machine.put("/usr/local/Ascend/nnrt/8.0.0/runtime/version.info", "version_dir=8.0.0\n");
  const Report report = machine.examine();
  EXPECT_EQ(report.findings[0].text, "8.1.RC1 at /usr/local/Ascend/ascend-toolkit/latest");
  EXPECT_NE(complaint(report, "cann")->text.find("also 8.0.0 at /usr/local/Ascend/nnrt/8.0.0, the run time alone"), std::string::npos);
  EXPECT_EQ(complaint(report, "cann")->fix, "export ASCEND_HOME_PATH=/usr/local/Ascend/nnrt/8.0.0");
}

TEST(Doctor, KnowsWhichTorchNpuGoesWithWhat) {
  const Machine machine;
  const std::string packages = Machine::kPackages;
  fs::create_directories(machine.at(packages + "torch_npu-2.9.0.dist-info"));
  fs::create_directories(machine.at(packages + "torch-2.8.0+cpu.dist-info"));
  const Report report = machine.examine();
  EXPECT_EQ(complaint(report, "torch_npu")->fix, "/usr/bin/python3 -m pip install torch==2.9.0");
  EXPECT_NE(complaints(report).find("torch_npu 2.9.0 is made for CANN 8.5.0, not 8.1.RC1"), std::string::npos) << complaints(report);
  EXPECT_TRUE(report.healthy()) << "Ropeway needs no torch_npu";
}

TEST(Doctor, LooksIntoAVirtualEnvironment) {
  Machine machine;
  machine.put("/home/pi/venv/bin/python3", "");
  machine.put("/home/pi/venv/pyvenv.cfg", "home = /usr/bin\ninclude-system-site-packages = false\nversion = 3.7.4\n");
  fs::create_directories(machine.at("/home/pi/venv/lib/python3.7/site-packages/numpy"));
  machine.variables["PATH"] = "/home/pi/venv/bin:/usr/bin";
  const Report report = machine.examine();
  EXPECT_NE(complaint(report, "python")->text.find("/home/pi/venv/bin/python3 3.7.4: atc needs 3.7.5"), std::string::npos);
  EXPECT_NE(complaints(report).find("/home/pi/venv/bin/python3 -m pip install attrs cython decorator"), std::string::npos) << complaints(report);
  machine.put("/home/pi/venv/pyvenv.cfg", "include-system-site-packages = true\nversion = 3.11.2\n");
  EXPECT_EQ(complaint(machine.examine(), "python"), nullptr) << complaints(machine.examine());
}

TEST(Doctor, DoesNotJudgeALauncherOfPythons) {
  Machine machine;
  machine.put("/home/pi/.pyenv/shims/python3", "#!/bin/sh\n");
  machine.variables["PATH"] = "/home/pi/.pyenv/shims:/usr/bin";
  const Report report = machine.examine();
  EXPECT_TRUE(report.healthy()) << complaints(report);
  EXPECT_TRUE(complaint(report, "python")->fix.starts_with("/home/pi/.pyenv/shims/python3 -c \"import attr, Cython,")) << complaint(report, "python")->fix;
}

TEST(Doctor, TellsWhatUsingTheDeviceCameTo) {
  Machine machine;
  machine.probe = [] { return Probe{true, "Ascend310B1, memory: 12 GB"}; };
  EXPECT_EQ(machine.examine().findings.back().text, "Ascend310B1, memory: 12 GB");
  machine.probe = [] { return Probe{false, "aclrtSetDevice failed with 507899 and 207006 (ACL_ERROR_RT_NO_PERMISSION)"}; };
  const Report report = machine.examine();
  EXPECT_FALSE(report.healthy());
  EXPECT_EQ(complaint(report, "use")->fix, "sudo usermod -aG HwHiAiUser $USER");
}

TEST(Doctor, GivesJson) {
  const Machine machine;
  machine.drop(Machine::kDriver);
  const auto json = nlohmann::json::parse(to_json(machine.examine()));
  EXPECT_EQ(json["schema"], 1);
  EXPECT_EQ(json["healthy"], false);
  const auto& findings = json["findings"];
  const auto at = std::find_if(findings.begin(), findings.end(), [](const auto& each) { return each["check"] == "driver"; });
  ASSERT_NE(at, findings.end());
  EXPECT_EQ((*at)["status"], "problem");
  EXPECT_EQ((*at)["symptom"], "driver-library");
  EXPECT_NE((*at)["fix"], "");
}

}  // namespace
}  // namespace ropeway::doctor
