// A machine made up of files: a board or PC where all is well, for tests to spoil.
#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <string>

#include "base/file.h"
#include "base/text.h"
#include "doctor/doctor.h"
#include "support/errors.h"

namespace ropeway::doctor {

namespace fs = std::filesystem;

class MadeUpMachine {
 public:
  static constexpr const char* kRoot = "/usr/local/Ascend/ascend-toolkit/latest";
  static constexpr const char* kDriver = "/usr/local/Ascend/driver";
  static constexpr const char* kPackages = "/usr/lib/python3/dist-packages/";
  static constexpr unsigned kUser = 1000, kGroup = 1001;

  MadeUpMachine() {
    install_cann();
    install_driver();
    install_python();
    for (const char* node : {"davinci0", "davinci_manager", "svm0", "ts_aisle", "upgrade", "sys", "vdec", "vpc", "pngd", "venc", "dvpp_cmdlist", "log_drv"}) node_of(node, kGroup);
    put("/etc/group", fmt::format("root:x:0:\nHwHiAiUser:x:{}:pi\n", kGroup));
    put("/proc/meminfo", "MemTotal:       65903120 kB\n");
    if (geteuid() != 0) user.groups.insert(getegid());  // the nodes are then of this group
    variables = {{"HOME", "/home/pi"}, {"PATH", "/usr/bin"}, {"LD_LIBRARY_PATH", std::string(kRoot) + "/lib64"}, {"ASCEND_OPP_PATH", std::string(kRoot) + "/opp"}};
  }

  fs::path at(const std::string& path) const { return folder_.path() / path.substr(1); }
  void put(const std::string& path, const std::string& content) const {
    fs::create_directories(at(path).parent_path());
    write_file(at(path), content);
  }
  void copy(const std::string& library, const std::string& path) const {
    fs::create_directories(at(path).parent_path());
    fs::copy_file(library, at(path), fs::copy_options::overwrite_existing);
  }
  void drop(const std::string& path) const { ASSERT_GT(fs::remove_all(at(path)), 0u) << path << " was not there"; }
  // A device node, as far as access is judged: a file of root's, for a group.
  void node_of(const std::string& name, unsigned group, unsigned mode = 0660) const {
    put("/dev/" + name, "");
    ASSERT_EQ(chmod(at("/dev/" + name).c_str(), mode), 0);
    if (geteuid() == 0) {
      ASSERT_EQ(chown(at("/dev/" + name).c_str(), 0, group), 0);
    }
  }
  void log(const std::string& line) const { put("/home/pi/ascend/log/debug/plog/plog-17_1.log", "[INFO] RUNTIME(17): fine\n[ERROR] GE(17,main):" + line + "\n"); }

  Report examine() const { return doctor::examine({{folder_.path(), variables}, user, std::nullopt, probe}); }

  std::map<std::string, std::string> variables;
  User user{"pi", kUser, {kUser, kGroup}};
  std::function<Probe()> probe;

 private:
  void install_cann() const {
    const std::string root = kRoot, tbe = root + "/opp/built-in/op_impl/ai_core/tbe";
    copy(ROPEWAY_SMALL_CANN "/libascendcl.so", root + "/lib64/libascendcl.so");
    put(root + "/lib64/libhccl.so", "");
    put(root + "/x86_64-linux/ascend_toolkit_install.info", "package_name=Ascend-cann-toolkit\nversion=8.1.RC1\n");
    put(root + "/runtime/version.info", "Version=7.7.0.1.238\nrequired_driver_ascendhal_version=4.0.0\n");
    put(root + "/set_env.sh", "");
    put(root + "/bin/atc", "");
    fs::permissions(at(root + "/bin/atc"), fs::perms::owner_all | fs::perms::others_exec);
    fs::create_directories(at(tbe + "/kernel/ascend310b"));
    fs::create_directories(at(tbe + "/config/ascend310b"));
  }
  void install_driver() const {
    const std::string driver = kDriver;
    copy(ROPEWAY_SMALL_CANN "/libascend_hal.so", driver + "/lib64/driver/libascend_hal.so");
    copy(ROPEWAY_SMALL_CANN "/libdrv_inner.so", driver + "/lib64/common/libdrv_inner.so");
    put(driver + "/version.info", "Version=24.1.rc3\nascendhal_version=7.35.19\n");
    put("/usr/local/Ascend/firmware/version.info", "Version=24.1.rc3\n");
  }
  void install_python() const {
    put("/usr/bin/python3.11", "");
    fs::create_symlink("python3.11", at("/usr/bin/python3"));
    for (const char* module : {"attr", "Cython", "numpy", "sympy", "cffi", "yaml", "pathlib2", "psutil", "google/protobuf", "scipy", "requests", "absl"}) fs::create_directories(at(std::string(kPackages) + module));
    put(std::string(kPackages) + "decorator.py", "");
  }

  const test::TestFolder folder_;
};

// Findings that are not well, one a line, for messages of tests.
inline std::string complaints(const Report& report) {
  std::string text;
  for (const Finding& each : report.findings) {
    if (each.status != Status::ok) text += fmt::format("{} {}: {} [{}] fix: {}\n", to_string(each.status), each.check, each.text, each.symptom, each.fix);
  }
  return text;
}

// The first finding of a check that is not well; null when there is none.
inline const Finding* complaint(const Report& report, const std::string& check) {
  for (const Finding& each : report.findings) {
    if (each.check == check && each.status != Status::ok) return &each;
  }
  return nullptr;
}

}  // namespace ropeway::doctor
