#include "cann/library.h"

#include "base/file.h"
#include "cann/errors.h"
#include "cann/om.h"
#include "support/errors.h"

namespace ropeway::cann {
namespace {

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
  expect_error([&] { Library::load(folder / "lib64/libascendcl.so"); }, ErrorCode::device, "source " + (folder / "set_env.sh").string());
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
