#include "selftest/archive.h"

#include "base/process.h"
#include "support/cases.h"
#include "support/environment.h"
#include "support/errors.h"

namespace ropeway::selftest {
namespace {

namespace fs = std::filesystem;

size_t entries(const fs::path& folder) { return static_cast<size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator())); }

std::string listing(const fs::path& archive) { return run_process({"/bin/sh", "-c", "tar tvzf " + archive.string()}, "/", 30).output; }

TEST(Archive, HoldsTheFilesAndNoOwner) {
  const test::TestFolder folder;
  const Archived archived = write_archive(folder / "report.tar.gz", {{"a.txt", "A\n"}, {"deep/b.txt", "B\n"}});
  EXPECT_EQ(archived.why_folder, "");
  EXPECT_EQ(archived.path, folder / "report.tar.gz");
  EXPECT_EQ(entries(folder.path()), 1u) << "something else is left";
  const std::string list = listing(archived.path);
  EXPECT_NE(list.find(" 0/0 "), std::string::npos) << list;
  EXPECT_EQ(list.find("root/root"), std::string::npos) << list;
  EXPECT_EQ(run_process({"/bin/sh", "-c", "tar xzOf report.tar.gz report/a.txt; tar xzOf report.tar.gz report/deep/b.txt"}, folder.path(), 30).output, "A\nB\n");
  // It replaces one of that name, whole.
  write_archive(folder / "report.tar.gz", {{"c.txt", "C\n"}});
  EXPECT_EQ(listing(archived.path).find("a.txt"), std::string::npos);
}

TEST(Archive, WithoutTarAFolder) {
  const test::TestFolder folder;
  const test::ScopedVariable path("PATH", folder.path().string());
  const Archived first = write_archive(folder / "report.tar.gz", {{"a.txt", "A\n"}}), second = write_archive(folder / "report.tar.gz", {{"a.txt", "again\n"}});
  EXPECT_EQ(first.why_folder, "there is no tar on PATH");
  EXPECT_EQ(first.path, folder / "report");
  EXPECT_EQ(second.path, folder / "report-2") << "what was there is not touched";
  EXPECT_EQ(test::read_text(folder / "report/a.txt"), "A\n");
  EXPECT_EQ(test::read_text(folder / "report-2/a.txt"), "again\n");
  EXPECT_EQ(entries(folder.path()), 2u);
}

TEST(Archive, WhereNothingCanBeWritten) {
  const test::TestFolder folder;
  test::expect_error([&] { write_archive(folder / "none/report.tar.gz", {{"a.txt", "A\n"}}); }, ErrorCode::io, "cannot make a folder");
}

}  // namespace
}  // namespace ropeway::selftest
