#include "ascend/cache.h"

#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "support/environment.h"
#include "support/errors.h"

namespace ropeway::ascend {
namespace {

namespace fs = std::filesystem;
using test::ScopedVariable;
using test::TestFolder;
using test::expect_error;

fs::path stored(const Cache& cache, const std::string& key, const std::string& content) {
  const auto work = cache.work_folder(key);
  write_file(*work / "model.om", content);
  return cache.store(key, *work / "model.om");
}

TEST(Cache, FindsWhatWasStored) {
  const TestFolder folder;
  const Cache cache(folder / "deep/cache");
  EXPECT_FALSE(cache.find("key"));
  const fs::path entry = stored(cache, "key", "content");
  EXPECT_EQ(cache.find("key"), entry);
  EXPECT_FALSE(cache.find("other"));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder / "deep/cache"), {}), 2) << "the work folder stays";
}

TEST(Cache, DropsADamagedEntry) {
  const TestFolder folder;
  const Cache cache(folder.path());
  for (const char* damage : {"cont", "contenT", ""}) {
    const fs::path entry = stored(cache, "key", "content");
    write_file(entry, std::string(damage));
    EXPECT_FALSE(cache.find("key"));
  }
  const fs::path entry = stored(cache, "key", "content");
  fs::remove(folder / "key.sum");  // as after a crash between the two
  EXPECT_FALSE(cache.find("key"));
  EXPECT_EQ(stored(cache, "key", "again"), entry);
  EXPECT_TRUE(cache.find("key"));
}

TEST(Cache, ClearsTheWorkOfAKilledProcess) {
  const TestFolder folder;
  const Cache cache(folder.path());
  fs::create_directories(folder / "key.work.aBcDeF/kernel_meta");
  fs::create_directories(folder / "other.work.aBcDeF");
  const auto work = cache.work_folder("key");
  EXPECT_TRUE(fs::is_empty(*work));
  EXPECT_FALSE(fs::exists(folder / "key.work.aBcDeF"));
  EXPECT_TRUE(fs::exists(folder / "other.work.aBcDeF"));
}

TEST(Cache, ForgetsWhatIsDiscarded) {
  const TestFolder folder;
  const Cache cache(folder.path());
  stored(cache, "key", "content");
  cache.discard("key");
  EXPECT_FALSE(cache.find("key"));
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST(Cache, LocksAKeyAgainstOtherProcesses) {
  const TestFolder folder;
  const Cache cache(folder.path());
  const auto waits_for = [&](const std::string& key) {
    const pid_t child = fork();
    if (child == 0) {
      try {
        cache.lock(key, 0.2);
        _exit(0);
      } catch (const Error& error) {
        _exit(error.code() == ErrorCode::device ? 7 : 1);
      }
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WEXITSTATUS(status);
  };
  auto lock = cache.lock("key", 1);
  EXPECT_EQ(waits_for("key"), 7);
  EXPECT_EQ(waits_for("other"), 0);
  lock.reset();
  EXPECT_EQ(waits_for("key"), 0);
}

TEST(Cache, StandsWhereTheEnvironmentSays) {
  const TestFolder folder;
  {
    const ScopedVariable own("ROPEWAY_CACHE", (folder / "own").string());
    Cache::open();
    EXPECT_TRUE(fs::exists(folder / "own"));
  }
  const ScopedVariable none("ROPEWAY_CACHE", ""), xdg("XDG_CACHE_HOME", (folder / "xdg").string());
  Cache::open();
  EXPECT_TRUE(fs::exists(folder / "xdg/ropeway"));
}

TEST(Cache, SaysWhatCannotBeWritten) {
  const TestFolder folder;
  write_file(folder / "file", std::string("in the way"));
  expect_error([&] { Cache(folder / "file"); }, ErrorCode::io, "Set ROPEWAY_CACHE");
  const Cache cache(folder / "cache");
  expect_error([&] { cache.store("key", folder / "missing"); }, ErrorCode::not_found, "missing");
}

}  // namespace
}  // namespace ropeway::ascend
