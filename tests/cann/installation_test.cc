#include "cann/installation.h"

#include "base/file.h"
#include "support/environment.h"
#include "support/errors.h"

namespace ropeway::cann {
namespace {

namespace fs = std::filesystem;
using test::ScopedVariable;
using test::TestFolder;

#if defined(__aarch64__)
constexpr const char* kInfo = "aarch64-linux/ascend_toolkit_install.info";
#else
constexpr const char* kInfo = "x86_64-linux/ascend_toolkit_install.info";
#endif

void put(const fs::path& path, const std::string& content) {
  fs::create_directories(path.parent_path());
  write_file(path, content);
}

// An installation's files, of little content where only their being there counts.
void install(const fs::path& root, const std::string& info, const std::string& library = "") {
  put(root / "lib64/libascendcl.so", library);
  put(root / kInfo, info);
}

TEST(Installation, ReadsVersionAndCompiler) {
  const TestFolder folder;
  install(folder.path(), "package_name=Ascend-cann-toolkit\nversion=8.1.RC1\narch=x86_64\n");
  EXPECT_EQ(installation_at(folder.path())->version, "8.1.RC1");
  EXPECT_FALSE(installation_at(folder.path())->atc);
  put(folder / "compiler/bin/atc", "");
  const auto found = installation_at(folder.path());
  EXPECT_EQ(found->atc, folder / "compiler/bin/atc");
  EXPECT_FALSE(found->is_virtual);
  EXPECT_EQ(to_string(*found), "8.1.RC1 at " + folder.path().string());
}

TEST(Installation, FallsBackToTheRunTimesVersion) {
  const TestFolder folder;
  put(folder / "lib64/libascendcl.so", "");
  EXPECT_EQ(installation_at(folder.path())->version, "unknown");
  put(folder / "runtime/version.info", "Version=7.7.0.1.238\n");
  EXPECT_EQ(installation_at(folder.path())->version, "7.7.0.1.238");
  put(folder / "runtime/version.info", "Version=7.7.0.1.238\nversion_dir=8.1.RC1\n");
  EXPECT_EQ(installation_at(folder.path())->version, "8.1.RC1");
}

TEST(Installation, NeedsTheLibrary) {
  const TestFolder folder;
  EXPECT_FALSE(installation_at(folder.path()));
  fs::create_directories(folder / "lib64/libascendcl.so");  // a folder of that name is none
  EXPECT_FALSE(installation_at(folder.path()));
}

TEST(Installation, RealOnesAreFoundAndWhereItLookedIsTold) {
  const TestFolder folder;
  const ScopedVariable home("HOME", folder.path().string()), toolkit("ASCEND_TOOLKIT_HOME", "");
  install(folder / "Ascend/nnrt/latest", "version=8.0.0\n");
  {
    const ScopedVariable path("ASCEND_HOME_PATH", "");
    const Search search = find_installation();
    if (!installation_at("/usr/local/Ascend/ascend-toolkit/latest")) {
      ASSERT_TRUE(search.found);
      EXPECT_EQ(search.found->root, folder / "Ascend/nnrt/latest");
    }
    EXPECT_EQ(search.looked[0], "ASCEND_HOME_PATH: not set");
  }
  install(folder / "mine", "version=8.1.RC1\n");
  const ScopedVariable path("ASCEND_HOME_PATH", (folder / "mine").string());
  EXPECT_EQ(find_installation().found->version, "8.1.RC1");
}

TEST(Installation, AVirtualOneIsNoRealOne) {
  const TestFolder folder;
  install(folder / "virtual", "version=8.1.RC1\n", std::string("ELF") + kVirtualMark);
  const ScopedVariable home("HOME", folder.path().string()), path("ASCEND_HOME_PATH", (folder / "virtual").string());
  const Search search = find_installation();
  EXPECT_TRUE(!search.found || !search.found->is_virtual);
  EXPECT_EQ(search.looked[0], (folder / "virtual").string() + ": Ropeway's virtual CANN");

  const ScopedVariable virtual_home("ROPEWAY_VIRTUAL_HOME", (folder / "virtual").string());
  EXPECT_TRUE(find_virtual_installation().found->is_virtual);
  install(folder / "real", "version=8.1.RC1\n");
  const ScopedVariable other("ROPEWAY_VIRTUAL_HOME", (folder / "real").string());
  EXPECT_FALSE(find_virtual_installation().found);
  EXPECT_EQ(find_virtual_installation().looked[0], (folder / "real").string() + ": CANN 8.1.RC1, not Ropeway's virtual one");
}

// A row per place: what is put there, and which root is found.
TEST(Installation, IsFoundInEveryPlace) {
  struct Row {
    const char* library;
    const char* root;
    std::map<std::string, std::string> variables = {};
    std::string notes = {};
  };
  const Row rows[] = {
      {"usr/local/Ascend/ascend-toolkit/latest/lib64/libascendcl.so", "usr/local/Ascend/ascend-toolkit/latest"},
      {"usr/local/Ascend/ascend-toolkit/8.1.RC1/lib64/libascendcl.so", "usr/local/Ascend/ascend-toolkit/8.1.RC1"},
      {"usr/local/Ascend/ascend-toolkit/latest/x86_64-linux/lib64/libascendcl.so", "usr/local/Ascend/ascend-toolkit/latest"},
      {"usr/local/Ascend/nnrt/7.0.0/runtime/lib64/libascendcl.so", "usr/local/Ascend/nnrt/7.0.0"},
      {"usr/local/Ascend/nnae/latest/lib64/libascendcl.so", "usr/local/Ascend/nnae/latest"},
      {"usr/local/Ascend/cann/lib64/libascendcl.so", "usr/local/Ascend/cann"},
      {"usr/local/Ascend/cann-9.1.0/lib64/libacl_rt.so", "usr/local/Ascend/cann-9.1.0"},
      {"home/pi/Ascend/nnrt/latest/lib64/libascendcl.so", "home/pi/Ascend/nnrt/latest", {{"HOME", "/home/pi"}}},
      {"opt/huawei/nnrt/latest/lib64/libascendcl.so", "opt/huawei/nnrt/latest", {}, "Nnrt_Install_Path_Param=/opt/huawei/\n"},
      {"opt/huawei/8.2/lib64/libascendcl.so", "opt/huawei/8.2", {}, "path=\"/opt/huawei/8.2\"\n"},
      {"opt/mine/lib64/libascendcl.so", "opt/mine", {{"ASCEND_TOOLKIT_HOME", "/opt/mine"}}},
      {"opt/mine/latest/lib64/libascendcl.so", "opt/mine/latest", {{"ASCEND_INSTALL_PATH", "/opt/mine"}}},
      {"opt/mine/lib64/libascendcl.so", "opt/mine", {{"ASCEND_OPP_PATH", "/opt/mine/opp"}}},
  };
  for (const Row& row : rows) {
    const TestFolder folder;
    put(folder / row.library, "");
    put(folder / "etc/Ascend/ascend_cann_install.info", row.notes);
    const Search search = find_installation({folder.path(), row.variables});
    ASSERT_TRUE(search.found) << row.library;
    EXPECT_EQ(search.found->root, folder / row.root);
    EXPECT_EQ(find_all_installations({folder.path(), row.variables}).size(), 1u) << row.library;
  }
}

TEST(Installation, StubsAreNone) {
  const TestFolder folder;
  for (const char* place : {"devlib", "lib64/stub", "runtime/lib64/stub"}) put(folder / "usr/local/Ascend/ascend-toolkit/latest" / place / "libascendcl.so", "");
  EXPECT_FALSE(find_installation({folder.path(), {}}).found);
  EXPECT_TRUE(is_stub_folder("/x/devlib/linux"));
  EXPECT_TRUE(is_stub_folder("/x/lib64/stub/"));
  EXPECT_FALSE(is_stub_folder("/x/lib64"));
}

TEST(Installation, TheNewestWhereThereIsNoLatest) {
  const TestFolder folder;
  for (const char* version : {"8.0.RC3", "8.0.0", "8.1.RC1", "7.0.1.5"}) put(folder / "usr/local/Ascend/nnrt" / version / "lib64/libascendcl.so", "");
  EXPECT_EQ(find_installation({folder.path(), {}}).found->root, folder / "usr/local/Ascend/nnrt/8.1.RC1");
  const std::vector<std::string> sorted = {"7.0.0", "7.0.1.5", "8.0.RC1.alpha003", "8.0.RC1", "8.0.RC3", "8.0.0", "8.1.RC1", "8.5.0", "9.1.0", "10.0.0"};
  for (size_t i = 0; i + 1 < sorted.size(); ++i) {
    EXPECT_FALSE(is_older(sorted[i + 1], sorted[i])) << sorted[i];
    if (sorted[i].find("alpha") == std::string::npos) { EXPECT_TRUE(is_older(sorted[i], sorted[i + 1])) << sorted[i]; }
  }
}

TEST(Installation, CompilersGetWhatTheScriptWouldSet) {
  const TestFolder folder;
  const fs::path root = folder / "usr/local/Ascend/ascend-toolkit/latest";
  install(root, "version=8.1.RC1\n");
  for (const char* place : {"bin", "compiler/ccec_compiler/bin", "lib64/plugin/opskernel", "opp/built-in/op_impl/ai_core/tbe", "python/site-packages"}) fs::create_directories(root / place);
  put(folder / "usr/local/Ascend/driver/lib64/driver/libascend_hal.so", "");
  const auto variables = [&](std::map<std::string, std::string> set) {
    const Machine machine{folder.path(), std::move(set)};
    return compiler_environment(*find_installation(machine).found, machine);
  };
  auto plain = variables({{"PATH", "/usr/bin"}});
  EXPECT_EQ(plain["ASCEND_OPP_PATH"], (root / "opp").string());
  EXPECT_EQ(plain["ASCEND_HOME_PATH"], root.string());
  EXPECT_EQ(plain["PATH"], fmt::format("{0}/bin:{0}/compiler/ccec_compiler/bin:/usr/bin", root.string()));
  EXPECT_EQ(plain["PYTHONPATH"], fmt::format("{0}/python/site-packages:{0}/opp/built-in/op_impl/ai_core/tbe", root.string()));
  EXPECT_EQ(plain["LD_LIBRARY_PATH"], fmt::format("{0}/lib64:{0}/lib64/plugin/opskernel:{1}/lib64:{1}/lib64/driver", root.string(), (folder / "usr/local/Ascend/driver").string()));
  EXPECT_FALSE(plain.contains("TOOLCHAIN_HOME")) << "there is no such folder";
  EXPECT_FALSE(plain.contains("MAX_COMPILE_CORE_NUMBER")) << "this is no small board";
  EXPECT_FALSE(variables({{"ASCEND_OPP_PATH", "/mine"}}).contains("ASCEND_OPP_PATH")) << "the user has set it";

  put(folder / "proc/meminfo", "MemTotal:        3903120 kB\nMemFree:  1 kB\n");
  EXPECT_EQ(variables({})["MAX_COMPILE_CORE_NUMBER"], "1");
  EXPECT_EQ(variables({})["TE_PARALLEL_COMPILER"], "1");
  EXPECT_FALSE(variables({{"MAX_COMPILE_CORE_NUMBER", "4"}}).contains("MAX_COMPILE_CORE_NUMBER"));
  put(folder / "proc/meminfo", "MemTotal:       65903120 kB\n");
  EXPECT_FALSE(variables({}).contains("MAX_COMPILE_CORE_NUMBER"));
  EXPECT_EQ(why_compiling_is_slow({folder.path(), {}}), "");
  put(folder / "lib/ld-linux-aarch64.so.1", "");
  EXPECT_NE(why_compiling_is_slow({folder.path(), {}}).find("(aarch64, 67.5 GB of memory) may take hours"), std::string::npos) << why_compiling_is_slow({folder.path(), {}});
  EXPECT_EQ(variables({})["MAX_COMPILE_CORE_NUMBER"], "1");
}

}  // namespace
}  // namespace ropeway::cann
