// Streams, events and the device's clock. Faults make models slow, so that what overlaps and what waits shows on the wall's clock too.
#include <chrono>
#include <cstring>
#include <set>

#include "virtual_npu/program.h"

namespace ropeway::cann {
namespace {

using test::expect_refused;
using test::LoadedModel;
using virtual_npu::Rule;

double wall_ms() { return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

aclrtStream stream(const Functions& f) {
  aclrtStream made = nullptr;
  EXPECT_EQ(f.aclrtCreateStream(&made), 0) << test::recent_text(f);
  return made;
}

aclrtEvent recorded(const Functions& f, aclrtStream on) {
  aclrtEvent made = nullptr;
  EXPECT_EQ(f.aclrtCreateEvent(&made), 0);
  EXPECT_EQ(f.aclrtRecordEvent(made, on), 0);
  return made;
}

float elapsed(const Functions& f, aclrtEvent begin, aclrtEvent end) {
  float ms = -1;
  EXPECT_EQ(f.aclrtEventElapsedTime(&ms, begin, end), 0) << test::recent_text(f);
  return ms;
}

bool is_done(const Functions& f, aclrtEvent event) {
  aclrtEventRecordedStatus status = ACL_EVENT_RECORDED_STATUS_NOT_READY;
  EXPECT_EQ(f.aclrtQueryEventStatus(event, &status), 0);
  return status == ACL_EVENT_RECORDED_STATUS_COMPLETE;
}

// Device and page-locked memory: copies between them are queued.
struct Blocks {
  static constexpr size_t kBytes = 1 << 20;
  void* device = nullptr;
  void* host = nullptr;
  explicit Blocks(const Functions& f) {
    EXPECT_EQ(f.aclrtMalloc(&device, kBytes, ACL_MEM_MALLOC_HUGE_FIRST), 0);
    EXPECT_EQ(f.aclrtMallocHost(&host, kBytes), 0);
  }
  aclError to_device(const Functions& f, aclrtStream on) const { return f.aclrtMemcpyAsync(device, kBytes, host, kBytes, ACL_MEMCPY_HOST_TO_DEVICE, on); }
  aclError to_host(const Functions& f, aclrtStream on) const { return f.aclrtMemcpyAsync(host, kBytes, device, kBytes, ACL_MEMCPY_DEVICE_TO_HOST, on); }
};

ROPEWAY_ALONE(Streams, KeepTheirOrder) {
  test::start(f);
  const Blocks first(f), second(f);
  for (aclrtStream on : {stream(f), aclrtStream{nullptr}}) {  // the default one too
    std::memset(first.host, 1, Blocks::kBytes);
    for (int i = 0; i < 50; ++i) {
      EXPECT_EQ(first.to_device(f, on), 0);
      EXPECT_EQ(f.aclrtMemcpyAsync(second.device, Blocks::kBytes, first.device, Blocks::kBytes, ACL_MEMCPY_DEVICE_TO_DEVICE, on), 0);
      EXPECT_EQ(f.aclrtMemsetAsync(first.device, Blocks::kBytes, 7, Blocks::kBytes, on), 0);
      EXPECT_EQ(first.to_host(f, on), 0);
      EXPECT_EQ(second.to_host(f, on), 0);
      EXPECT_EQ(f.aclrtMemcpyAsync(first.device, Blocks::kBytes, second.host, Blocks::kBytes, ACL_MEMCPY_HOST_TO_DEVICE, on), 0);
      EXPECT_EQ(first.to_host(f, on), 0);
    }
    EXPECT_EQ(f.aclrtSynchronizeStream(on), 0);
    for (const Blocks* each : {&first, &second}) {
      EXPECT_EQ(static_cast<char*>(each->host)[0], 1);
      EXPECT_EQ(static_cast<char*>(each->host)[Blocks::kBytes - 1], 1);
    }
  }
}

ROPEWAY_ALONE(Streams, CopiesGoOnWhileAModelRuns, {"ROPEWAY_VIRTUAL_FAULTS", "slow=500"}) {
  test::start(f);
  const LoadedModel model(f);
  const Blocks blocks(f);
  const aclrtStream running = stream(f), copying = stream(f);
  const double begin = wall_ms();
  EXPECT_EQ(model.execute_on(running), 0);
  const aclrtEvent ran = recorded(f, running), copy_begin = recorded(f, copying);
  EXPECT_EQ(blocks.to_device(f, copying), 0);
  const aclrtEvent copied = recorded(f, copying);
  EXPECT_EQ(f.aclrtSynchronizeStream(copying), 0);
  EXPECT_TRUE(is_done(f, copied));
  EXPECT_FALSE(is_done(f, ran));
  EXPECT_EQ(f.aclrtSynchronizeStream(running), 0);
  EXPECT_GE(wall_ms() - begin, 500);
  EXPECT_TRUE(is_done(f, ran));
  EXPECT_GT(elapsed(f, copy_begin, copied), 0);
  EXPECT_GT(elapsed(f, copied, ran), 400) << "on the device's clock, too, they overlap";
}

ROPEWAY_ALONE(Streams, EventsReachAcross, {"ROPEWAY_VIRTUAL_FAULTS", "slow=200"}) {
  test::start(f);
  const LoadedModel model(f);
  const aclrtStream running = stream(f), reading = stream(f);
  std::vector<char> empty(model.bytes[1]);
  void* host = nullptr;
  ASSERT_EQ(f.aclrtMallocHost(&host, empty.size()), 0);
  std::memset(host, 0, empty.size());
  EXPECT_EQ(model.execute_on(running), 0);
  const aclrtEvent ran = recorded(f, running);
  EXPECT_EQ(f.aclrtStreamWaitEvent(reading, ran), 0);
  EXPECT_EQ(f.aclrtMemcpyAsync(host, empty.size(), model.memory[1], empty.size(), ACL_MEMCPY_DEVICE_TO_HOST, reading), 0);
  const aclrtEvent read = recorded(f, reading);
  EXPECT_EQ(f.aclrtDestroyEvent(ran), 0) << "its stream knows it still";
  EXPECT_EQ(f.aclrtSynchronizeEvent(read), 0);
  EXPECT_NE(std::memcmp(host, empty.data(), empty.size()), 0) << "read before it was written";
  aclrtEvent never = nullptr;
  ASSERT_EQ(f.aclrtCreateEvent(&never), 0);
  EXPECT_TRUE(is_done(f, never));
  EXPECT_EQ(f.aclrtStreamWaitEvent(reading, never), 0);
  EXPECT_EQ(f.aclrtSynchronizeEvent(never), 0);
  EXPECT_EQ(f.aclrtSynchronizeStream(reading), 0);
}

// Who waits, waits for what was recorded before it asked: one event can go to and fro.
ROPEWAY_ALONE(Streams, EventsAreRecordedAgain) {
  test::start(f);
  const aclrtStream one = stream(f), other = stream(f);
  const Blocks blocks(f);
  const aclrtEvent event = recorded(f, one);
  for (int i = 0; i < 200; ++i) {
    EXPECT_EQ(blocks.to_device(f, one), 0);
    EXPECT_EQ(f.aclrtRecordEvent(event, one), 0);
    EXPECT_EQ(f.aclrtStreamWaitEvent(other, event), 0);
    EXPECT_EQ(blocks.to_host(f, other), 0);
    EXPECT_EQ(f.aclrtRecordEvent(event, other), 0);
    EXPECT_EQ(f.aclrtStreamWaitEvent(one, event), 0);
  }
  EXPECT_EQ(f.aclrtSynchronizeStreamWithTimeout(one, 20000), 0);
  EXPECT_EQ(f.aclrtSynchronizeStreamWithTimeout(other, 20000), 0);
}

ROPEWAY_ALONE(Streams, TheDeviceWaitsForAll, {"ROPEWAY_VIRTUAL_FAULTS", "slow=100"}) {
  test::start(f);
  const LoadedModel one(f), other(f), last(f);
  const double begin = wall_ms();
  const aclrtStream first = stream(f), second = stream(f);
  EXPECT_EQ(one.execute_on(first), 0);
  EXPECT_EQ(other.execute_on(second), 0);
  EXPECT_EQ(last.execute_on(nullptr), 0);
  const std::vector<aclrtEvent> events = {recorded(f, first), recorded(f, second), recorded(f, nullptr)};
  EXPECT_EQ(f.aclrtSynchronizeDevice(), 0);
  EXPECT_GE(wall_ms() - begin, 300) << "the chip has one core";
  for (const aclrtEvent each : events) EXPECT_TRUE(is_done(f, each));
  EXPECT_GE(elapsed(f, events[0], events[1]), 100);
  EXPECT_GE(elapsed(f, events[1], events[2]), 100);
}

ROPEWAY_ALONE(Streams, TimeOutsLeaveTheWorkAlone, {"ROPEWAY_VIRTUAL_FAULTS", "slow=600"}) {
  test::start(f);
  const LoadedModel model(f);
  const aclrtStream on = stream(f);
  EXPECT_EQ(model.execute_on(on), 0);
  expect_refused(f, f.aclrtSynchronizeStreamWithTimeout(on, 0), Rule::stream_timeout);
  expect_refused(f, f.aclrtSynchronizeStreamWithTimeout(on, 20), Rule::stream_timeout);
  EXPECT_EQ(f.aclrtSynchronizeStreamWithTimeout(on, -1), 0) << "-1: no limit";
  EXPECT_EQ(f.aclrtSynchronizeStreamWithTimeout(on, 0), 0);
}

ROPEWAY_ALONE(Streams, WhatIsQueuedOutlivesItsHandles, {"ROPEWAY_VIRTUAL_FAULTS", "slow=100"}) {
  test::start(f);
  std::vector<char> before(40), after(40, 1);
  {
    const LoadedModel model(f);
    const aclrtStream on = stream(f);
    EXPECT_EQ(model.execute_on(on), 0);
    EXPECT_EQ(f.aclrtDestroyStream(on), 0) << "waits: assumed";
    EXPECT_EQ(f.aclrtMemcpy(after.data(), 40, model.memory[1], 40, ACL_MEMCPY_DEVICE_TO_HOST), 0);
    EXPECT_NE(before, after) << "the work was done";
  }
  size_t free_before = 0, free_after = 0, total = 0;
  EXPECT_EQ(f.aclrtGetMemInfo(ACL_DDR_MEM, &free_before, &total), 0);
  const LoadedModel model(f);
  const aclrtStream on = stream(f);
  const aclrtEvent event = recorded(f, on);
  EXPECT_EQ(model.execute_on(on), 0);
  EXPECT_EQ(f.aclrtRecordEvent(event, on), 0);
  EXPECT_EQ(f.aclrtDestroyEvent(event), 0);
  for (void* each : model.memory) EXPECT_EQ(f.aclrtFree(each), 0) << "what still uses it keeps it";
  EXPECT_EQ(f.aclmdlUnload(model.id), 0);
  EXPECT_EQ(f.aclmdlDestroyDataset(model.inputs), 0);
  EXPECT_EQ(f.aclmdlDestroyDataset(model.outputs), 0);
  for (aclDataBuffer* each : model.buffers) EXPECT_EQ(f.aclDestroyDataBuffer(each), 0);
  EXPECT_EQ(f.aclrtSynchronizeStream(on), 0);
  EXPECT_EQ(f.aclrtGetMemInfo(ACL_DDR_MEM, &free_after, &total), 0);
  EXPECT_EQ(free_before, free_after);
  aclrtContext context = nullptr;
  ASSERT_EQ(f.aclrtCreateContext(&context, 0), 0);
  const LoadedModel last(f);
  EXPECT_EQ(last.execute_on(nullptr), 0);
  EXPECT_EQ(f.aclrtDestroyContext(context), 0);
  expect_refused(f, f.aclrtSynchronizeStream(nullptr), Rule::no_context);
}

ROPEWAY_ALONE(Streams, AllOf512Work) {
  test::start(f);
  const Blocks blocks(f);
  std::vector<aclrtStream> streams;
  for (int i = 0; i < 512; ++i) streams.push_back(stream(f));
  for (size_t i = 0; i < streams.size(); ++i) EXPECT_EQ(f.aclrtMemsetAsync(static_cast<char*>(blocks.device) + i, 1, static_cast<int>(i % 100), 1, streams[i]), 0);
  EXPECT_EQ(f.aclrtSynchronizeDevice(), 0);
  EXPECT_EQ(blocks.to_host(f, nullptr), 0);
  EXPECT_EQ(f.aclrtSynchronizeStream(nullptr), 0);
  for (size_t i = 0; i < streams.size(); ++i) EXPECT_EQ(static_cast<char*>(blocks.host)[i], static_cast<char>(i % 100));
  for (const aclrtStream each : streams) EXPECT_EQ(f.aclrtDestroyStream(each), 0);
}

// Submitting says yes; who synchronises next is told, once for each stream.
ROPEWAY_ALONE(Streams, TellsFailuresAtSynchronise, {"ROPEWAY_VIRTUAL_FAULTS", "lost=2"}) {
  test::start(f);
  const LoadedModel one(f), other(f);
  const aclrtStream on = stream(f);
  EXPECT_EQ(one.execute_on(on), 0);
  EXPECT_EQ(other.execute_on(on), 0);
  expect_refused(f, f.aclrtSynchronizeStream(on), Rule::device_lost);
  EXPECT_EQ(f.aclrtResetDevice(0), 0);
  EXPECT_EQ(f.aclrtSetDevice(0), 0);
  expect_refused(f, f.aclrtSynchronizeStream(on), Rule::foreign_stream);
  const LoadedModel again(f);
  EXPECT_EQ(again.execute(), 0);
}

// A program of two streams and three models: what the device's clock says. Printed, for the test below.
void overlapping_program(const Functions& f) {
  test::start(f);
  const LoadedModel one(f), other(f, test::small_om("Ascend310B1", 64)), third(f);
  const Blocks blocks(f), more(f);
  const aclrtStream a = stream(f), b = stream(f);
  std::vector<aclrtEvent> events = {recorded(f, a)};
  for (int i = 0; i < 30; ++i) {
    EXPECT_EQ(blocks.to_device(f, a), 0);
    EXPECT_EQ(one.execute_on(a), 0);
    events.push_back(recorded(f, a));
    EXPECT_EQ(other.execute_on(b), 0);
    EXPECT_EQ(more.to_host(f, b), 0);
    events.push_back(recorded(f, b));
    EXPECT_EQ(i % 10 == 9 ? f.aclrtStreamWaitEvent(a, events.back()) : 0, 0);
    EXPECT_EQ(i % 7 == 6 ? third.execute() : 0, 0);
    EXPECT_EQ(i % 9 == 8 ? f.aclrtSynchronizeStream(b) : 0, 0);
  }
  EXPECT_EQ(f.aclrtSynchronizeDevice(), 0);
  float on_a = 0, on_b = 0;
  for (size_t i = 1; i < events.size(); ++i) {
    const float now = elapsed(f, events[0], events[i]);
    std::printf("%a ", static_cast<double>(now));
    EXPECT_GE(now, i % 2 == 1 ? on_a : on_b) << "a stream's clock goes on";
    (i % 2 == 1 ? on_a : on_b) = now;
  }
  std::printf("\n");
}

TEST(Clock, SaysTheSameEveryTime) {
  if (environment("ROPEWAY_ALONE")) return overlapping_program(test::virtual_cann());
  std::set<std::string> times;
  for (int i = 0; i < 6; ++i) {
    const std::string output = test::output_alone("Clock.SaysTheSameEveryTime", {});
    const size_t begin = output.find("0x");
    times.insert(output.substr(begin, output.find('\n', begin) - begin));
  }
  EXPECT_EQ(times.size(), 1u);
}

}  // namespace
}  // namespace ropeway::cann
