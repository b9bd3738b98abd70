// Setting, resetting and losing the device, with threads and live objects.
#include <atomic>
#include <chrono>
#include <thread>

#include "virtual_npu/program.h"

namespace ropeway::cann {
namespace {

using test::expect_refused;
using test::LoadedModel;
using virtual_npu::Rule;

aclrtContext current(const Functions& f) {
  aclrtContext context = nullptr;
  EXPECT_EQ(f.aclrtGetCurrentContext(&context), 0) << test::recent_text(f);
  return context;
}

// All that a device can hold, and whether every call with it is refused.
struct Everything {
  LoadedModel model;
  aclrtContext context;
  aclrtStream stream = nullptr;
  aclrtEvent event = nullptr;

  explicit Everything(const Functions& f) : model(f), context(current(f)) {
    EXPECT_EQ(f.aclrtCreateStream(&stream), 0);
    EXPECT_EQ(f.aclrtCreateEvent(&event), 0);
    EXPECT_EQ(f.aclrtRecordEvent(event, stream), 0);
  }
  void expect_stale(const Functions& f) const {
    char host[8] = {};
    float ms = 0;
    expect_refused(f, f.aclrtSetCurrentContext(context), Rule::foreign_context);
    expect_refused(f, f.aclrtSynchronizeStream(stream), Rule::foreign_stream);
    expect_refused(f, f.aclrtDestroyStream(stream), Rule::foreign_stream);
    expect_refused(f, f.aclrtRecordEvent(event, nullptr), Rule::foreign_event);
    expect_refused(f, f.aclrtEventElapsedTime(&ms, event, event), Rule::foreign_event);
    expect_refused(f, f.aclrtDestroyEvent(event), Rule::foreign_event);
    expect_refused(f, model.execute(), Rule::unknown_model);
    expect_refused(f, f.aclmdlUnload(model.id), Rule::unknown_model);
    expect_refused(f, f.aclrtMemcpy(host, 8, model.memory[0], 8, ACL_MEMCPY_DEVICE_TO_HOST), Rule::not_device_memory);
    expect_refused(f, f.aclrtFree(model.memory[0]), Rule::foreign_memory);
    EXPECT_EQ(f.aclmdlGetNumInputs(model.desc), 1u) << "descriptions are the host's";
    EXPECT_EQ(f.aclmdlDestroyDesc(model.desc), 0);
    EXPECT_EQ(f.aclmdlDestroyDataset(model.inputs), 0);
  }
};

ROPEWAY_ALONE(State, ResetsAreCounted) {
  test::start(f);
  EXPECT_EQ(f.aclrtSetDevice(0), 0);
  const Everything all(f);
  EXPECT_EQ(f.aclrtResetDevice(0), 0);
  expect_refused(f, f.aclrtSynchronizeStream(all.stream), Rule::no_context);  // the thread has let go of the device
  EXPECT_EQ(f.aclrtSetCurrentContext(all.context), 0);
  EXPECT_EQ(f.aclrtSynchronizeStream(all.stream), 0) << "somebody has set it still";
  EXPECT_EQ(all.model.execute(), 0);
  EXPECT_EQ(f.aclrtResetDevice(0), 0);
  expect_refused(f, f.aclrtResetDevice(0), Rule::reset_without_set);
  EXPECT_EQ(f.aclrtSetDevice(0), 0);
  EXPECT_NE(current(f), all.context);
  size_t free = 0, total = 0;
  EXPECT_EQ(f.aclrtGetMemInfo(ACL_DDR_MEM, &free, &total), 0);
  EXPECT_EQ(free, total);
  all.expect_stale(f);
}

// What comes after never takes the place of what was before.
ROPEWAY_ALONE(State, StaleHandlesStayStale) {
  test::start(f);
  const Everything before(f);
  EXPECT_EQ(f.aclrtResetDevice(0), 0);
  EXPECT_EQ(f.aclrtSetDevice(0), 0);
  for (int i = 0; i < 20; ++i) const Everything after(f);
  expect_refused(f, f.aclrtSynchronizeStream(before.stream), Rule::foreign_stream);
  expect_refused(f, f.aclrtRecordEvent(before.event, nullptr), Rule::foreign_event);
  expect_refused(f, f.aclrtSetCurrentContext(before.context), Rule::foreign_context);
  expect_refused(f, before.model.execute(), Rule::unknown_model);
}

ROPEWAY_ALONE(State, FinalisedAndInitialisedAgain) {
  test::start(f);
  const Everything all(f);
  EXPECT_EQ(f.aclFinalize(), 0);
  expect_refused(f, all.model.execute(), Rule::not_initialised);
  expect_refused(f, f.aclrtSynchronizeStream(all.stream), Rule::not_initialised);
  expect_refused(f, f.aclrtFree(all.model.memory[0]), Rule::not_initialised);
  EXPECT_EQ(f.aclInit(nullptr), 0);
  EXPECT_EQ(f.aclrtResetDevice(0), 0);
  EXPECT_EQ(f.aclrtSetDevice(0), 0);
  all.expect_stale(f);
  EXPECT_EQ(LoadedModel(f).execute(), 0);
}

ROPEWAY_ALONE(State, ThreadsHaveTheirOwn) {
  test::start(f);
  const Everything all(f);
  std::thread([&] {
    expect_refused(f, all.model.execute(), Rule::no_context);
    expect_refused(f, f.aclrtSynchronizeStream(all.stream), Rule::no_context);
    expect_refused(f, f.aclrtSynchronizeDevice(), Rule::no_context);
    EXPECT_EQ(f.aclrtSetCurrentContext(all.context), 0);
    EXPECT_EQ(all.model.execute(), 0);
    aclrtContext own = nullptr;
    EXPECT_EQ(f.aclrtCreateContext(&own, 0), 0);
    EXPECT_EQ(current(f), own);
    EXPECT_EQ(f.aclrtDestroyContext(own), 0);
    expect_refused(f, f.aclrtSynchronizeDevice(), Rule::no_context);
  }).join();
  EXPECT_EQ(current(f), all.context);
  std::atomic<bool> is_reset = false;
  std::thread other([&] {
    EXPECT_EQ(f.aclrtSetCurrentContext(all.context), 0);
    while (!is_reset) std::this_thread::yield();
    expect_refused(f, all.model.execute(), Rule::no_context);  // its context went with the reset
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(f.aclrtResetDevice(0), 0);
  is_reset = true;
  other.join();
}

// Many threads use the device while another resets it: codes, no crash, and in the end it works.
ROPEWAY_ALONE(State, ResetsUnderLoad) {
  test::start(f);
  const std::string om = test::small_om();
  std::atomic<bool> end = false;
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      while (!end) {
        if (f.aclrtSetDevice(0) != 0) continue;
        uint32_t id = 0;
        aclrtStream stream = nullptr;
        f.aclrtCreateStream(&stream);
        void* memory = nullptr;
        if (f.aclrtMalloc(&memory, 4096, ACL_MEM_MALLOC_HUGE_FIRST) == 0) f.aclrtMemsetAsync(memory, 4096, 1, 4096, stream);
        if (f.aclmdlLoadFromMem(om.data(), om.size(), &id) == 0) f.aclmdlUnload(id);
        f.aclrtSynchronizeStream(stream);
        f.aclrtFree(memory);
      }
    });
  }
  for (int i = 0; i < 300; ++i) {
    f.aclrtResetDevice(0);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  end = true;
  for (std::thread& each : threads) each.join();
  while (f.aclrtResetDevice(0) == 0) {
  }
  EXPECT_EQ(f.aclrtSetDevice(0), 0);
  size_t free = 0, total = 0;
  EXPECT_EQ(f.aclrtGetMemInfo(ACL_DDR_MEM, &free, &total), 0);
  EXPECT_EQ(free, total);
  EXPECT_EQ(LoadedModel(f).execute(), 0);
}

ROPEWAY_ALONE(State, LostIsLostForAll, {"ROPEWAY_VIRTUAL_FAULTS", "lost=1"}) {
  test::start(f);
  const Everything all(f);
  EXPECT_EQ(all.model.execute_on(all.stream), 0);
  expect_refused(f, f.aclrtSynchronizeStream(all.stream), Rule::device_lost);
  expect_refused(f, f.aclrtSynchronizeEvent(all.event), Rule::device_lost);
  expect_refused(f, f.aclrtFree(all.model.memory[0]), Rule::device_lost);
  std::thread([&] { expect_refused(f, f.aclrtSetDevice(0), Rule::device_lost); }).join();
  EXPECT_EQ(f.aclrtResetDevice(0), 0);
  EXPECT_EQ(f.aclrtSetDevice(0), 0);
  all.expect_stale(f);
  EXPECT_EQ(LoadedModel(f).execute(), 0);
}

// The reset comes before, while, and after the stream's thread gets to the execution that hangs.
ROPEWAY_ALONE(State, HangsEndWithAReset, {"ROPEWAY_VIRTUAL_FAULTS", "hang=1"}) {
  test::start(f);
  const Everything all(f);
  EXPECT_EQ(all.model.execute_on(all.stream), 0);
  EXPECT_EQ(f.aclrtResetDevice(0), 0);
  EXPECT_EQ(f.aclrtSetDevice(0), 0);
  all.expect_stale(f);
}

ROPEWAY_ALONE(State, HangsEndWithALaterReset, {"ROPEWAY_VIRTUAL_FAULTS", "hang=1"}) {
  test::start(f);
  const Everything all(f);
  const LoadedModel behind(f);
  std::thread waiting([&] {
    EXPECT_EQ(f.aclrtSetCurrentContext(all.context), 0);
    expect_refused(f, all.model.execute(), Rule::device_lost, "it was reset before this execution had ended");
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_EQ(behind.execute_on(all.stream), 0) << "the chip has one core: this waits";
  expect_refused(f, f.aclrtSynchronizeStreamWithTimeout(all.stream, 50), Rule::stream_timeout);
  EXPECT_EQ(f.aclrtResetDevice(0), 0);
  waiting.join();
  EXPECT_EQ(f.aclrtSetDevice(0), 0);
  EXPECT_EQ(LoadedModel(f).execute(), 0);
}

// One model, two threads: one waits for the other, as CANN's programs lock; a stream that has it refuses both.
ROPEWAY_ALONE(State, ThreadsShareAModel, {"ROPEWAY_VIRTUAL_FAULTS", "slow=300"}) {
  test::start(f);
  const Everything all(f);
  std::thread other([&] {
    EXPECT_EQ(f.aclrtSetCurrentContext(all.context), 0);
    EXPECT_EQ(all.model.execute(), 0);
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  expect_refused(f, all.model.execute_on(all.stream), Rule::model_busy);
  EXPECT_EQ(all.model.execute(), 0);
  other.join();
}

ROPEWAY_ALONE(Faults, FailTheNthCall, {"ROPEWAY_VIRTUAL_FAULTS", "aclrtMalloc:2=207001,aclrtFree=507899,aclmdlCreateDesc=500000,aclrtMalloc:4=999999"}) {
  test::start(f);
  void* memory = nullptr;
  EXPECT_EQ(f.aclrtMalloc(&memory, 10, ACL_MEM_MALLOC_HUGE_FIRST), 0);
  void* const first = memory;
  EXPECT_EQ(f.aclrtMalloc(&memory, 10, ACL_MEM_MALLOC_HUGE_FIRST), 207001);
  EXPECT_EQ(memory, first) << "nothing is done";
  EXPECT_NE(test::recent_text(f).find("aclrtMalloc: call 2 of aclrtMalloc fails because ROPEWAY_VIRTUAL_FAULTS asks for it"), std::string::npos);
  EXPECT_EQ(f.aclrtMalloc(&memory, 10, ACL_MEM_MALLOC_HUGE_FIRST), 0);
  EXPECT_EQ(f.aclrtMalloc(&memory, 10, ACL_MEM_MALLOC_HUGE_FIRST), 999999);
  EXPECT_EQ(f.aclrtFree(first), 507899);
  EXPECT_EQ(f.aclrtFree(first), 0);
  EXPECT_EQ(f.aclmdlCreateDesc(), nullptr);
  EXPECT_NE(f.aclmdlCreateDesc(), nullptr);
}

}  // namespace
}  // namespace ropeway::cann
