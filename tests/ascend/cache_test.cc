#include "ascend/cache.h"

#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <vector>

#include "base/file.h"
#include "base/hash.h"
#include "base/text.h"
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
  return cache.store(key, *work / "model.om", "a model");
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
  expect_error([&] { cache.store("key", folder / "missing", "a model"); }, ErrorCode::not_found, "missing");
}

void make_old(const fs::path& entry) { fs::last_write_time(entry, fs::file_time_type::clock::now() - std::chrono::hours(1)); }

TEST(Cache, ListsWhatItHasTheLastUsedFirst) {
  const TestFolder folder;
  const Cache cache(folder.path());
  EXPECT_TRUE(cache.entries().empty());
  make_old(stored(cache, "first", "12345"));
  stored(cache, "second", "123");
  write_file(folder / "first.lock", std::string());
  ASSERT_EQ(cache.entries().size(), 2u);
  EXPECT_EQ(cache.entries()[0].key, "second");
  EXPECT_EQ(cache.entries()[0].bytes, 3u);
  EXPECT_EQ(cache.entries()[0].model, "a model");
  EXPECT_TRUE(cache.find("first"));  // which uses it
  make_old(folder / "second.om");
  EXPECT_EQ(cache.entries()[0].key, "first");
}

TEST(Cache, IsBounded) {
  const TestFolder folder;
  const Cache cache(folder.path());
  const ScopedVariable limit("ROPEWAY_CACHE_SIZE", "2");
  const std::string megabyte(1000000, 'x');
  for (const char* key : {"a", "b"}) make_old(stored(cache, key, megabyte));
  EXPECT_TRUE(cache.find("a"));
  stored(cache, "c", megabyte);
  EXPECT_TRUE(cache.find("a")) << "it was used a moment ago";
  EXPECT_FALSE(cache.find("b"));
  EXPECT_TRUE(cache.find("c"));
  stored(cache, "d", megabyte);
  EXPECT_TRUE(cache.find("a") && cache.find("c") && cache.find("d")) << "somebody may be about to load each of them";
  make_old(folder / "a.om");
  make_old(folder / "c.om");
  const auto held = cache.lock("a", 1);
  stored(cache, "e", megabyte);
  EXPECT_TRUE(cache.find("a")) << "it is being made";
  EXPECT_FALSE(cache.find("c"));
  const ScopedVariable wrong("ROPEWAY_CACHE_SIZE", "much");
  expect_error([&] { stored(cache, "f", megabyte); }, ErrorCode::invalid_argument, "ROPEWAY_CACHE_SIZE is 'much'; it is a number of megabytes, such as 4000");
}

TEST(Cache, ClearsAllButWhatIsBeingMade) {
  const TestFolder folder;
  const Cache cache(folder.path());
  stored(cache, "made", "12345");
  stored(cache, "making", "123");
  fs::create_directories(folder / "made.work.aBcDeF");
  write_file(folder / (content_key("failed") + ".lock"), std::string());
  for (const char* mine : {"mine.txt", "mine.om", "mine.lock"}) write_file(folder / mine, std::string("mine"));
  {
    const auto held = cache.lock("making", 1);
    EXPECT_EQ(cache.clear(), (std::pair<size_t, uintmax_t>{1, 5}));
    EXPECT_TRUE(cache.find("making"));
  }
  EXPECT_EQ(cache.clear(), (std::pair<size_t, uintmax_t>{1, 3}));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), {}), 3) << "what is not the cache's stays";
}

// Processes that store, find and clear at once: each sees whole entries or none.
TEST(Cache, ProcessesMayClearIt) {
  const TestFolder folder;
  std::vector<pid_t> children;
  for (int child = 0; child < 4; ++child) {
    const pid_t pid = fork();
    ASSERT_GE(pid, 0);
    if (pid == 0) {
      const Cache cache(folder.path());
      int status = 0;
      for (int i = 0; i < 100; ++i) {
        const std::string key = fmt::format("key{}", i % 3);
        if (child == 0) {
          cache.clear();
          continue;
        }
        const auto held = cache.lock(key, 10);
        if (!cache.find(key)) stored(cache, key, key);
        if (!cache.find(key)) status = 1;  // nobody removes it while it is locked
      }
      _exit(status);
    }
    children.push_back(pid);
  }
  for (const pid_t pid : children) {
    int status = 0;
    waitpid(pid, &status, 0);
    EXPECT_EQ(status, 0);
  }
}

}  // namespace
}  // namespace ropeway::ascend
