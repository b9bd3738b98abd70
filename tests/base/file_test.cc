#include "base/file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <fstream>

#include "base/buffer.h"
#include "ropeway/error.h"

namespace ropeway {
namespace {

namespace fs = std::filesystem;

class Files : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "ropeway-file-test-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
  }
  void TearDown() override {
    fs::permissions(folder_, fs::perms::owner_all);
    fs::remove_all(folder_);
  }
  fs::path path(const char* name) const { return folder_ / name; }
  size_t entries() const { return static_cast<size_t>(std::distance(fs::directory_iterator(folder_), {})); }

  fs::path folder_;
};

std::string content_of(const fs::path& path) {
  const File file(path);
  const auto bytes = file.read(0, file.size());
  return {reinterpret_cast<const char*>(bytes.get()), file.size()};
}

template <class F>
ErrorCode code_of(F&& f) {
  try {
    f();
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::internal;
}

TEST_F(Files, ReadWhatWasWritten) {
  write_file(path("a"), std::string("hello\0world", 11));
  EXPECT_EQ(content_of(path("a")), std::string("hello\0world", 11));
  EXPECT_EQ(entries(), 1u);
}

TEST_F(Files, ReadAtAnOffset) {
  write_file(path("a"), std::string("0123456789"));
  const File file(path("a"));
  std::array<std::byte, 3> three{};
  file.read(4, three);
  EXPECT_EQ(std::to_integer<char>(three[2]), '6');
  const auto block = file.read(10, 0);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(block.get()) % kBufferAlignment, 0u);
}

TEST_F(Files, ReplaceTheOldContentAtOnce) {
  write_file(path("a"), std::string("old"));
  const File old(path("a"));
  write_file(path("a"), std::string("newer"));
  std::array<std::byte, 3> three{};
  old.read(0, three);  // who reads keeps the old file
  EXPECT_EQ(std::to_integer<char>(three[0]), 'o');
  EXPECT_EQ(content_of(path("a")), "newer");
  EXPECT_EQ(entries(), 1u);
}

TEST_F(Files, ObeyTheUmask) {
  const mode_t mask = umask(027);
  write_file(path("a"), std::string("x"));
  umask(mask);
  struct stat status {};
  ASSERT_EQ(stat(path("a").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0640u);
}

TEST_F(Files, EndBeforeWhatIsWanted) {
  write_file(path("a"), std::string("0123456789"));
  const File file(path("a"));
  EXPECT_EQ(code_of([&] { file.read(8, 3); }), ErrorCode::invalid_model);
  EXPECT_EQ(code_of([&] { file.read(11, 0); }), ErrorCode::invalid_model);
  EXPECT_EQ(code_of([&] { file.read(UINT64_MAX, 2); }), ErrorCode::invalid_model);
  EXPECT_EQ(code_of([&] { file.read(1, SIZE_MAX); }), ErrorCode::invalid_model);
}

TEST_F(Files, ShrinkWhileTheyAreRead) {
  write_file(path("a"), std::string(10000, 'x'));
  const File file(path("a"));
  fs::resize_file(path("a"), 100);
  EXPECT_EQ(code_of([&] { file.read(0, file.size()); }), ErrorCode::io);
}

TEST_F(Files, KnowWhetherTheyChanged) {
  write_file(path("a"), std::string(100, 'x'));
  const File file(path("a")), same = file;
  file.check_unchanged();
  write_file(path("a"), std::string(100, 'y'));  // a new file under the old name: what is open stays what it was
  file.check_unchanged();
  EXPECT_EQ(*same.read(99, 1), std::byte{'x'});
  const File new_one(path("a"));
  std::fstream(path("a"), std::ios::in | std::ios::out).put('z');
  fs::last_write_time(path("a"), fs::last_write_time(path("a")) + std::chrono::seconds(1));
  EXPECT_EQ(code_of([&] { new_one.check_unchanged(); }), ErrorCode::io);
}

TEST_F(Files, ThatCannotBeOpened) {
  EXPECT_EQ(code_of([&] { File file(path("missing")); }), ErrorCode::not_found);
  EXPECT_EQ(code_of([&] { File file(folder_); }), ErrorCode::io);
  write_file(path("a"), std::string("x"));
  EXPECT_EQ(code_of([&] { File file(path("a") / "below"); }), ErrorCode::not_found);
  ASSERT_EQ(mkfifo(path("pipe").c_str(), 0600), 0);
  EXPECT_EQ(code_of([&] { File file(path("pipe")); }), ErrorCode::io);  // and does not wait for a writer
}

TEST_F(Files, ThatCannotBeWrittenLeaveNothing) {
  EXPECT_EQ(code_of([&] { write_file(path("missing") / "a", std::string("x")); }), ErrorCode::io);
  fs::create_directory(path("folder"));
  EXPECT_EQ(code_of([&] { write_file(path("folder"), std::string("x")); }), ErrorCode::io);
  EXPECT_EQ(entries(), 1u);
}

TEST_F(Files, AFullDeviceIsAnError) {
  if (!fs::exists("/dev/full")) GTEST_SKIP() << "no /dev/full here";
  EXPECT_EQ(code_of([&] { write_file("/dev/full", std::string("x")); }), ErrorCode::io);
}

TEST_F(Files, DevicesAreWrittenDirectly) {
  EXPECT_NO_THROW(write_file("/dev/null", std::string("x")));
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
}

TEST_F(Files, ASymbolicLinkStays) {
  write_file(path("real"), std::string("old"));
  fs::create_symlink(path("real"), path("link"));
  write_file(path("link"), std::string("new"));
  EXPECT_TRUE(fs::is_symlink(path("link")));
  EXPECT_EQ(content_of(path("real")), "new");
}

TEST(Buffer, IsAligned) {
  for (const size_t bytes : {size_t{0}, size_t{1}, size_t{63}, size_t{64}, size_t{5} << 20}) {
    EXPECT_EQ(reinterpret_cast<uintptr_t>(allocate_buffer(bytes).get()) % kBufferAlignment, 0u) << bytes;
  }
}

TEST(Buffer, LargeBlocksAreTheirOwn) {
  constexpr size_t kBytes = (size_t{5} << 20) + 1;
  const auto one = allocate_zeros(kBytes), two = allocate_buffer(kBytes);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(one.get()) % (size_t{2} << 20), 0u);
  std::fill_n(two.get(), kBytes, std::byte{7});
  EXPECT_TRUE(std::all_of(one.get(), one.get() + kBytes, [](std::byte each) { return each == std::byte{0}; }));
}

TEST(Buffer, RefusesMoreThanThereIs) {
  EXPECT_EQ(code_of([] { allocate_buffer(SIZE_MAX); }), ErrorCode::out_of_memory);
  EXPECT_EQ(code_of([] { allocate_buffer(size_t{1} << 62); }), ErrorCode::out_of_memory);
}

}  // namespace
}  // namespace ropeway
