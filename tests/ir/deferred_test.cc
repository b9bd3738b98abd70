#include "ir/deferred.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <thread>
#include <vector>

#include "base/text.h"
#include "support/errors.h"

namespace ropeway {
namespace {

// Counts up, and counts how often it is read; a number of passes fail at their end.
class Counting final : public Source {
 public:
  std::unique_ptr<Reading> begin() const override {
    ++passes;
    return std::make_unique<Pass>(failures-- > 0);
  }
  mutable std::atomic<int> passes{0};
  mutable std::atomic<int> failures{0};

 private:
  class Pass final : public Reading {
   public:
    explicit Pass(bool fails) : fails_(fails) {}
    void read(size_t offset, std::span<std::byte> into) override {
      EXPECT_EQ(offset % sizeof(int32_t), 0u);
      EXPECT_EQ(into.size() % sizeof(int32_t), 0u);
      std::vector<int32_t> values(into.size() / sizeof(int32_t));
      std::iota(values.begin(), values.end(), static_cast<int32_t>(offset / sizeof(int32_t)));
      std::memcpy(into.data(), values.data(), into.size());
    }
    void finish() override {
      if (fails_) fail(ErrorCode::io, "the disk is gone");
    }

   private:
    bool fails_;
  };
};

void expect_counts_up(const Tensor& tensor) {
  const auto values = tensor.data<int32_t>();
  std::vector<int32_t> expected(values.size());
  std::iota(expected.begin(), expected.end(), 0);
  EXPECT_TRUE(std::ranges::equal(values, expected));
}

TEST(Deferred, IsReadWhenItIsAskedForAndOnce) {
  const auto source = std::make_shared<Counting>();
  const Tensor tensor = defer({DType::i32, {3, 5}}, source), copy = tensor, reshaped = tensor.reshaped({15});
  EXPECT_EQ(source->passes, 0);
  EXPECT_EQ(tensor.count(), 15);
  expect_counts_up(reshaped);
  EXPECT_EQ(source.use_count(), 1) << "the source is let go";
  expect_counts_up(tensor);
  EXPECT_EQ(copy.raw(), tensor.raw());
  expect_counts_up(copy.clone());
  EXPECT_EQ(source->passes, 1);
}

TEST(Deferred, IsReadInPartsByAllThreads) {
  for (const int64_t count : {int64_t{1}, int64_t{100'003}, int64_t{3'000'001}, int64_t{4'300'001}}) {
    for (const int threads : {1, 2, 3}) {
      ThreadPool pool(threads);
      const Tensor tensor = defer({DType::i32, {count}}, std::make_shared<Counting>());
      load(tensor, pool);
      expect_counts_up(tensor);
    }
  }
}

TEST(Deferred, AnyThreadMayAskFirst) {
  const auto source = std::make_shared<Counting>();
  ThreadPool pool(2);
  const Tensor tensor = defer({DType::i32, {2'000'000}}, source);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i, mine = tensor] {
      if (i % 2 == 0) load(mine, pool);
      expect_counts_up(mine);
    });
  }
  for (std::thread& each : threads) each.join();
  EXPECT_EQ(source->passes, 1);
}

TEST(Deferred, AnErrorGoesToWhoeverAsks) {
  const auto source = std::make_shared<Counting>();
  source->failures = 2;
  const Tensor tensor = defer({DType::i32, {100}}, source);
  test::expect_error([&] { tensor.raw(); }, ErrorCode::io, "the disk is gone");
  test::expect_error([&] { tensor.clone(); }, ErrorCode::io, "the disk is gone");
  expect_counts_up(tensor);
}

TEST(Deferred, APassKeepsNothing) {
  const auto source = std::make_shared<Counting>();
  const Tensor tensor = defer({DType::i32, {1'000'000}}, source), plain = Tensor::of<int32_t>({3}, {0, 1, 2});
  for (const Tensor& each : {tensor, tensor, plain}) {
    Tensor read(each.type());
    const auto reading = begin_reading(each);
    read_in_parts(*reading, each.bytes(), nullptr, [&](size_t offset, size_t bytes, int) { reading->read(offset, {read.raw() + offset, bytes}); });
    expect_counts_up(read);
  }
  EXPECT_EQ(source->passes, 2);
  tensor.raw();
  begin_reading(tensor);
  EXPECT_EQ(source->passes, 3) << "what is in memory is not read again";
}

}  // namespace
}  // namespace ropeway
