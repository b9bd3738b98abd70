#include "cann/library.h"

#include "base/file.h"
#include "cann/elf.h"
#include "cann/errors.h"
#include "cann/installation.h"
#include "cann/om.h"
#include "support/errors.h"

namespace ropeway::cann {
namespace {

namespace fs = std::filesystem;
using test::TestFolder;
using test::error_of;
using test::expect_error;

TEST(Library, FindsEveryFunctionOfTheVirtualCann) {
  const auto library = Library::load(ROPEWAY_VIRTUAL_HOME "/lib64/libascendcl.so");
#define ROPEWAY_CANN(file, need, result, name, parameters) EXPECT_NE(library->functions().name, nullptr) << #name;
#include "cann/abi.def"
#undef ROPEWAY_CANN
  EXPECT_EQ(Library::load(library->path()), library) << "loaded twice";
}

TEST(Library, NamesAllThatIsMissing) {
  const Error error = error_of([] { Library::load(ROPEWAY_PARTIAL_CANN); });
  EXPECT_EQ(error.code(), ErrorCode::device);
  const std::string text = error.what();
  // tests/cann/partial_cann.cc has aclInit alone.
#define needed(name) EXPECT_NE(text.find(#name), std::string::npos) << #name << " is not in: " << text;
#define offered(name)
#define ROPEWAY_CANN(file, need, result, name, parameters) \
  if (std::string(#name) != "aclInit") { need(name) }
#include "cann/abi.def"
#undef ROPEWAY_CANN
#undef needed
#undef offered
  EXPECT_EQ(text.find("aclInit"), std::string::npos);
  EXPECT_EQ(text.find("aclrtMemset"), std::string::npos) << "it is only offered";
}

TEST(Library, SaysWhyItCannotBeLoaded) {
  const TestFolder folder;
  std::filesystem::create_directory(folder / "lib64");
  expect_error([&] { Library::load(folder / "lib64/libascendcl.so"); }, ErrorCode::device, "cannot open shared object file");
  write_file(folder / "lib64/libascendcl.so", std::string("not a library"));
  expect_error([&] { Library::load(folder / "lib64/libascendcl.so"); }, ErrorCode::device, "`ropeway doctor` says what is wrong");
}

// As CANN 9 has it: libascendcl.so is gone, and each function is in one of several libraries.
TEST(Library, LooksForEachFunctionInAllLibraries) {
  const TestFolder folder;
  fs::create_directory(folder / "lib64");
  fs::copy_file(ROPEWAY_PARTIAL_CANN, folder / "lib64/libacl_rt.so");  // aclInit alone
  fs::copy_file(ROPEWAY_VIRTUAL_HOME "/lib64/libhwy.so.1", folder / "lib64/libhwy.so.1");
  fs::copy_file(ROPEWAY_VIRTUAL_HOME "/lib64/libascendcl.so", folder / "lib64/libmsprofiler.so");  // none of abi.def's rows need name it
  const auto installation = installation_at(folder.path());
  ASSERT_TRUE(installation);
  EXPECT_EQ(installation->library, folder / "lib64/libacl_rt.so");
  const auto library = Library::load(installation->library);
  EXPECT_NE(library->functions().aclmdlExecuteAsync, nullptr);
  EXPECT_NE(library->functions().aclInit, nullptr);
}

// The driver's libraries, two folders away, although no variable says where.
class Driver : public ::testing::Test {
 protected:
  Driver() {
    put("libascendcl.so", "usr/local/Ascend/nnrt/latest/lib64");
    put("libascend_hal.so", "opt/driver/lib64/driver");
    fs::create_directory(folder_ / "etc");
    write_file(folder_ / "etc/ascend_install.info", std::string("Driver_Install_Path_Param=/opt\n"));
  }
  void put(const std::string& library, const std::string& where) const {
    fs::create_directories(folder_ / where);
    fs::copy_file(fs::path(ROPEWAY_SMALL_CANN) / library, folder_ / where / library, fs::copy_options::overwrite_existing);
  }
  std::shared_ptr<const Library> load() const { return Library::load(find_installation(machine_).found->library, machine_); }

  const TestFolder folder_;
  const Machine machine_{folder_.path(), {}};
};

// Before the next: what a process has loaded, its loader takes again.
TEST_F(Driver, ThatIsCutOffIsNotMapped) {
  const fs::path hal = folder_ / "opt/driver/lib64/driver/libascend_hal.so";
  fs::resize_file(hal, fs::file_size(hal) / 2);
  expect_error([&] { load(); }, ErrorCode::device, "libascend_hal.so is cut off");
}

TEST_F(Driver, IsFoundWithoutLdLibraryPath) {
  const Error error = error_of([&] { load(); });
  EXPECT_NE(std::string(error.what()).find("libdrv_inner.so (needed by libascend_hal.so)"), std::string::npos) << error.what();
  put("libdrv_inner.so", "opt/driver/lib64/common");
  const auto library = load();
  EXPECT_EQ(library->functions().aclrtSetDevice(0), 507899);
}

TEST(Elf, TellsNeedsAndFunctions) {
  const ElfLibrary hal = read_elf(ROPEWAY_SMALL_CANN "/libascend_hal.so");
  EXPECT_NE(std::find(hal.needed.begin(), hal.needed.end(), "libdrv_inner.so"), hal.needed.end());
  EXPECT_TRUE(hal.functions.contains("ascend_hal"));
  EXPECT_FALSE(hal.functions.contains("drv_inner")) << "it is needed, not offered";
}

// Whatever the bytes are, the end is an error or an answer.
TEST(Elf, TakesDamagedFiles) {
  const TestFolder folder;
  const File file(ROPEWAY_SMALL_CANN "/libascend_hal.so");
  const auto content = file.read(0, file.size());
  const std::string bytes(reinterpret_cast<const char*>(content.get()), file.size());
  const auto reads = [&](const std::string& text) {
    write_file(folder / "x.so", text);
    try {
      read_elf(folder / "x.so");
    } catch (const Error& error) {
      EXPECT_NE(error.code(), ErrorCode::internal) << error.what();
    }
  };
  for (size_t size = 0; size < bytes.size(); size += 61) reads(bytes.substr(0, size));
  for (size_t i = 0; i < bytes.size(); i += 7) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(0xff);
    reads(damaged);
  }
}

TEST(Errors, HaveNamesAndRemedies) {
  EXPECT_EQ(describe(107002), "107002 (ACL_ERROR_RT_CONTEXT_NULL)");
  EXPECT_EQ(describe(4711), "4711 (a code that CANN does not list)");
  EXPECT_NE(std::string(remedy(ACL_ERROR_RT_MEMORY_ALLOCATION)), "");
  EXPECT_EQ(std::string(remedy(4711)), "");
}

TEST(Om, IsToldByItsFirstBytes) {
  const TestFolder folder;
  const auto maker_of = [&](const std::string& content) {
    write_file(folder / "x", content);
    return om_maker(File(folder / "x"));
  };
  EXPECT_EQ(maker_of("IMOD and more"), OmMaker::cann);
  EXPECT_EQ(maker_of(std::string(kVirtualOmMagic) + "x"), OmMaker::virtual_atc);
  EXPECT_EQ(maker_of(std::string(kVirtualOmMagic).substr(0, 5)), std::nullopt);
  EXPECT_EQ(maker_of(""), std::nullopt);
  EXPECT_EQ(maker_of("onnx"), std::nullopt);
}

}  // namespace
}  // namespace ropeway::cann
