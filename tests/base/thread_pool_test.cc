#include "base/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

#include "ropeway/error.h"

namespace ropeway {
namespace {

class Pool : public testing::TestWithParam<int> {};

TEST_P(Pool, RunsEveryTaskOnce) {
  ThreadPool pool(GetParam());
  EXPECT_EQ(pool.threads(), GetParam());
  for (const int64_t tasks : {0, 1, 2, 7, 1000}) {
    std::vector<std::atomic<int>> calls(static_cast<size_t>(tasks));
    pool.run(tasks, [&](int64_t i, int worker) {
      EXPECT_GE(worker, 0);
      EXPECT_LT(worker, pool.threads());
      ++calls[static_cast<size_t>(i)];
    });
    for (const auto& count : calls) EXPECT_EQ(count, 1);
  }
}

TEST_P(Pool, AWorkerBelongsToOneThreadAtATime) {
  ThreadPool pool(GetParam());
  std::vector<std::atomic<int>> busy(static_cast<size_t>(pool.threads()));
  std::atomic<bool> shared = false;
  for (int round = 0; round < 200; ++round) {
    pool.run(64, [&](int64_t, int worker) {
      if (busy[static_cast<size_t>(worker)].fetch_add(1) != 0) shared = true;
      busy[static_cast<size_t>(worker)].fetch_sub(1);
    });
  }
  EXPECT_FALSE(shared);
}

TEST_P(Pool, ManyShortJobsInARow) {
  ThreadPool pool(GetParam());
  std::atomic<int64_t> sum = 0;
  for (int round = 0; round < 2000; ++round) pool.run(3, [&](int64_t i, int) { sum += i; });
  EXPECT_EQ(sum, 2000 * 3);
}

TEST_P(Pool, ThrowsTheFirstErrorAndGoesOn) {
  ThreadPool pool(GetParam());
  for (int round = 0; round < 20; ++round) {
    std::atomic<int> begun = 0;
    try {
      pool.run(100000, [&](int64_t i, int) {
        ++begun;
        if (i == 5) throw Error(ErrorCode::device, "task 5");
      });
      FAIL() << "nothing thrown";
    } catch (const Error& error) {
      EXPECT_EQ(error.message(), "task 5");
    }
    EXPECT_GE(begun, 1);
    std::atomic<int> after = 0;
    pool.run(10, [&](int64_t, int) { ++after; });
    EXPECT_EQ(after, 10);
  }
}

TEST_P(Pool, ManyErrorsGiveOne) {
  ThreadPool pool(GetParam());
  EXPECT_THROW(pool.run(1000, [](int64_t, int) { throw std::runtime_error("each"); }), std::runtime_error);
}

TEST_P(Pool, NestedCallsRunOnTheirThread) {
  ThreadPool pool(GetParam());
  std::atomic<int> calls = 0;
  pool.run(8, [&](int64_t, int) {
    const auto outer = std::this_thread::get_id();
    pool.run(4, [&](int64_t, int worker) {
      EXPECT_EQ(std::this_thread::get_id(), outer);
      EXPECT_EQ(worker, 0);
      ++calls;
    });
  });
  EXPECT_EQ(calls, 32);
}

TEST_P(Pool, AnErrorOfANestedCallComesThrough) {
  ThreadPool pool(GetParam());
  EXPECT_THROW(pool.run(4, [&](int64_t, int) { pool.run(4, [](int64_t, int) { throw std::runtime_error("inner"); }); }), std::runtime_error);
  std::atomic<int> calls = 0;
  pool.run(4, [&](int64_t, int) { ++calls; });
  EXPECT_EQ(calls, 4);
}

TEST_P(Pool, OnePoolInsideAnother) {
  ThreadPool outer(GetParam()), inner(GetParam());
  std::atomic<int> calls = 0;
  outer.run(4, [&](int64_t, int) { inner.run(4, [&](int64_t, int) { ++calls; }); });
  EXPECT_EQ(calls, 16);
}

TEST_P(Pool, SeveralCallersAtOnce) {
  ThreadPool pool(GetParam());
  std::atomic<int64_t> sum = 0;
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 4; ++caller) {
    callers.emplace_back([&] {
      for (int round = 0; round < 200; ++round) pool.run(10, [&](int64_t i, int) { sum += i; });
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(sum, 4 * 200 * 45);
}

TEST_P(Pool, EndsWithoutWork) { ThreadPool pool(GetParam()); }

INSTANTIATE_TEST_SUITE_P(Threads, Pool, testing::Values(1, 2, 3, 8));

TEST(ThreadPool, WorkIsShared) {
  ThreadPool pool(2);
  std::atomic<int> arrived = 0;
  std::set<std::thread::id> threads;
  std::mutex mutex;
  // Two tasks that wait for each other end only if two threads take them.
  pool.run(2, [&](int64_t, int) {
    ++arrived;
    while (arrived < 2) std::this_thread::yield();
    const std::lock_guard lock(mutex);
    threads.insert(std::this_thread::get_id());
  });
  EXPECT_EQ(threads.size(), 2u);
}

TEST(ThreadPool, RefusesImpossibleSizes) {
  EXPECT_THROW(ThreadPool(0), Error);
  EXPECT_THROW(ThreadPool(-1), Error);
  EXPECT_THROW(ThreadPool(1025), Error);
}

}  // namespace
}  // namespace ropeway
