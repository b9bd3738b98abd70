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

}  // namespace
}  // namespace ropeway::cann
