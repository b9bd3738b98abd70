// Times of operators, from the side of who asks for them.
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <sstream>
#include <thread>

#include "support/cases.h"
#include "virtual_npu/container.h"
#include "virtual_npu/program.h"

namespace ropeway::cann {
namespace {

using test::expect_nothing;
using test::expect_refused;
using test::LoadedModel;
using virtual_npu::Rule;

double wall_ms() { return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

struct Pipe {
  int ends[2] = {-1, -1};
  Pipe() { EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0); }
  // What is there now.
  std::string read_now() const {
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    std::string all;
    char buffer[4096];
    for (ssize_t got = 0; (got = read(ends[0], buffer, sizeof buffer)) > 0;) all.append(buffer, static_cast<size_t>(got));
    return all;
  }
  void fill() const {
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    const std::string piece(4096, 'x');
    while (write(ends[1], piece.data(), piece.size()) > 0) {
    }
    fcntl(ends[1], F_SETFL, 0);
  }
};

void subscribe(const Functions& f, uint32_t model, Pipe& pipe) {
  aclprofSubscribeConfig* const config = f.aclprofCreateSubscribeConfig(1, ACL_AICORE_NONE, &pipe.ends[1]);
  ASSERT_NE(config, nullptr) << test::recent_text(f);
  EXPECT_EQ(f.aclprofModelSubscribe(model, config), 0) << test::recent_text(f);
  EXPECT_EQ(f.aclprofDestroySubscribeConfig(config), 0);
}

ROPEWAY_ALONE(Profiling, SubscribedFromAnotherThread) {
  test::start(f);
  const std::string om = test::small_om();
  const LoadedModel model(f, om);
  Pipe pipe;
  std::thread([&] {
    aclrtContext context = nullptr;
    expect_refused(f, f.aclrtGetCurrentContext(&context), Rule::no_context);
    EXPECT_EQ(f.aclrtSetDevice(0), 0);
    subscribe(f, model.id, pipe);
  }).join();
  EXPECT_EQ(model.execute(), 0);
  EXPECT_EQ(model.execute(), 0);
  EXPECT_EQ(f.aclprofModelUnSubscribe(model.id), 0);
  EXPECT_EQ(model.execute(), 0);
  const std::string data = pipe.read_now();
  const std::vector<virtual_npu::OperatorTime> operators = virtual_npu::parse_container(om).operators;
  size_t size = 0;
  EXPECT_EQ(f.aclprofGetOpDescSize(&size), 0);
  uint32_t count = 0;
  ASSERT_EQ(f.aclprofGetOpNum(data.data(), data.size(), &count), 0);
  ASSERT_EQ(count, 2 * operators.size()) << "the third execution is nobody's";
  EXPECT_EQ(data.size(), size * count);
  uint64_t before = 0;
  for (uint32_t i = 0; i < count; ++i) {
    const virtual_npu::OperatorTime& expected = operators[i % operators.size()];
    size_t name_length = 0, type_length = 0;
    ASSERT_EQ(f.aclprofGetOpNameLen(data.data(), data.size(), i, &name_length), 0);
    ASSERT_EQ(f.aclprofGetOpTypeLen(data.data(), data.size(), i, &type_length), 0);
    std::string name(name_length, 'x'), type(type_length, 'x');
    expect_refused(f, f.aclprofGetOpName(data.data(), data.size(), i, name.data(), name_length - 1), Rule::no_room);
    EXPECT_EQ(f.aclprofGetOpName(data.data(), data.size(), i, name.data(), name_length), 0);
    EXPECT_EQ(f.aclprofGetOpType(data.data(), data.size(), i, type.data(), type_length), 0);
    EXPECT_STREQ(name.c_str(), expected.name.c_str());
    EXPECT_STREQ(type.c_str(), expected.type.c_str());
    EXPECT_EQ(name.size(), std::strlen(name.c_str()) + 1);
    const uint64_t begin = f.aclprofGetOpStart(data.data(), data.size(), i), end = f.aclprofGetOpEnd(data.data(), data.size(), i);
    EXPECT_GE(begin, before);
    before = end;
    EXPECT_EQ(f.aclprofGetOpDuration(data.data(), data.size(), i), end - begin);
    EXPECT_NEAR(static_cast<double>(end - begin), 1e6 * expected.ms, 1);
    EXPECT_EQ(f.aclprofGetModelId(data.data(), data.size(), i), model.id);
  }
  expect_refused(f, f.aclprofGetOpNum(data.data(), data.size() - 1, &count), Rule::invalid_value, "no whole number of operators");
  size_t length = 0;
  expect_refused(f, f.aclprofGetOpNameLen(data.data(), data.size(), count, &length), Rule::invalid_value, "there is no operator");
  const std::string rubbish(size, 'x');
  expect_refused(f, f.aclprofGetOpNameLen(rubbish.data(), size, 0, &length), Rule::invalid_value, "none that a subscription gave");
  expect_nothing(f, f.aclprofGetOpDuration(rubbish.data(), size, 0) == 0, Rule::invalid_value);
}

ROPEWAY_ALONE(Profiling, ReadersMayGo) {
  test::start(f);
  const LoadedModel model(f);
  Pipe pipe;
  subscribe(f, model.id, pipe);
  close(pipe.ends[0]);
  EXPECT_EQ(model.execute(), 0) << "and no SIGPIPE";
  close(pipe.ends[1]);
  EXPECT_EQ(model.execute(), 0);
  EXPECT_EQ(f.aclprofModelUnSubscribe(model.id), 0);
  int closed = pipe.ends[1];
  expect_nothing(f, f.aclprofCreateSubscribeConfig(1, ACL_AICORE_NONE, &closed) == nullptr, Rule::invalid_value);
}

// A subscriber who does not read holds up the stream of its model, no other; unsubscribing, unloading and resetting end that.
ROPEWAY_ALONE(Profiling, FullPipesHoldUpTheirOwnStream) {
  test::start(f);
  const LoadedModel model(f), other(f);
  aclrtStream held = nullptr, free = nullptr;
  ASSERT_EQ(f.aclrtCreateStream(&held), 0);
  ASSERT_EQ(f.aclrtCreateStream(&free), 0);
  Pipe pipe;
  pipe.fill();
  subscribe(f, model.id, pipe);
  EXPECT_EQ(model.execute_on(held), 0);
  expect_refused(f, f.aclrtSynchronizeStreamWithTimeout(held, 100), Rule::stream_timeout);
  EXPECT_EQ(other.execute_on(free), 0);
  EXPECT_EQ(f.aclrtSynchronizeStreamWithTimeout(free, 5000), 0);
  EXPECT_EQ(other.execute(), 0);
  EXPECT_EQ(f.aclprofModelUnSubscribe(model.id), 0);
  close(pipe.ends[1]);  // allowed from here on
  EXPECT_EQ(f.aclrtSynchronizeStreamWithTimeout(held, 5000), 0);
  Pipe second;
  second.fill();
  subscribe(f, model.id, second);
  EXPECT_EQ(model.execute_on(held), 0);
  EXPECT_EQ(f.aclmdlUnload(model.id), 0);
  EXPECT_EQ(f.aclrtSynchronizeStreamWithTimeout(held, 5000), 0);
  subscribe(f, other.id, second);
  EXPECT_EQ(other.execute_on(held), 0);
  const double begin = wall_ms();
  EXPECT_EQ(f.aclrtResetDevice(0), 0);
  EXPECT_LT(wall_ms() - begin, 2500) << "it does not wait until the pipe is given up";
}

ROPEWAY_ALONE(Profiling, FullPipesAreGivenUp) {
  test::start(f);
  const LoadedModel model(f);
  Pipe pipe;
  pipe.fill();
  subscribe(f, model.id, pipe);
  EXPECT_EQ(model.execute_on(nullptr), 0);
  EXPECT_EQ(f.aclrtSynchronizeStreamWithTimeout(nullptr, 30000), 0) << "after 5 s without a reader its records are lost";
  pipe.read_now();
  EXPECT_EQ(model.execute(), 0);
  uint32_t count = 0;
  const std::string data = pipe.read_now();
  EXPECT_EQ(f.aclprofGetOpNum(data.data(), data.size(), &count), 0);
  EXPECT_GT(count, 0u) << "what came later is whole";
}

ROPEWAY_ALONE(Profiling, UnsubscribedWhileRunning) {
  test::start(f);
  const LoadedModel model(f);
  aclrtContext context = nullptr;
  ASSERT_EQ(f.aclrtGetCurrentContext(&context), 0);
  std::atomic<bool> end = false;
  std::thread running([&] {
    EXPECT_EQ(f.aclrtSetCurrentContext(context), 0);
    while (!end) EXPECT_EQ(model.execute(), 0);
  });
  size_t size = 0;
  EXPECT_EQ(f.aclprofGetOpDescSize(&size), 0);
  for (int i = 0; i < 200; ++i) {
    Pipe pipe;
    subscribe(f, model.id, pipe);
    EXPECT_EQ(f.aclprofModelUnSubscribe(model.id), 0);
    EXPECT_EQ(pipe.read_now().size() % size, 0u);
    for (const int each : pipe.ends) close(each);
  }
  end = true;
  running.join();
}

ROPEWAY_ALONE(Profiling, SessionsWriteAFile) {
  test::start(f);
  virtual_npu::Container container = virtual_npu::parse_container(test::small_om());
  container.operators[0].name = "a, \"b\"";
  const size_t operators = container.operators.size();
  const LoadedModel model(f, virtual_npu::to_bytes(container));
  const test::TestFolder folder;
  const auto lines = [&] {
    std::istringstream text(test::read_text(folder / "op_summary.csv"));
    std::vector<std::string> all;
    for (std::string line; std::getline(text, line);) all.push_back(line);
    return all;
  };
  uint32_t devices[] = {0};
  aclprofConfig* const config = f.aclprofCreateConfig(devices, 1, ACL_AICORE_NONE, nullptr, 0);
  for (int session = 0; session < 2; ++session) {
    const std::string path = folder.path().string() + (session == 0 ? "" : " and more that the length does not count");
    EXPECT_EQ(f.aclprofInit(path.c_str(), folder.path().string().size()), 0) << test::recent_text(f);
    EXPECT_EQ(model.execute(), 0);
    EXPECT_EQ(f.aclprofStart(config), 0);
    EXPECT_EQ(lines().size(), 1u) << "a session begins its file anew";
    EXPECT_EQ(model.execute(), 0);
    EXPECT_EQ(f.aclprofStop(config), 0);
    EXPECT_EQ(model.execute(), 0);
    EXPECT_EQ(f.aclprofStart(config), 0) << "the same session goes on";
    EXPECT_EQ(model.execute(), 0);
    EXPECT_EQ(f.aclprofFinalize(), 0);
    EXPECT_EQ(model.execute(), 0);
  }
  const std::vector<std::string> all = lines();
  ASSERT_EQ(all.size(), 1 + 2 * operators);
  EXPECT_EQ(all[0], "Op Name,OP Type,Task Start Time(us),Task Duration(us)");
  EXPECT_TRUE(all[1].starts_with("\"a, \"\"b\"\"\"," + container.operators[0].type + ",")) << all[1];
  expect_refused(f, f.aclprofInit("/nowhere", 8), Rule::invalid_value, "/nowhere is no folder");
  EXPECT_EQ(f.aclprofDestroyConfig(config), 0);
  expect_refused(f, f.aclprofStart(config), Rule::foreign_handle);
  devices[0] = 1;
  expect_nothing(f, f.aclprofCreateConfig(devices, 1, ACL_AICORE_NONE, nullptr, 0) == nullptr, Rule::unknown_device);
}

}  // namespace
}  // namespace ropeway::cann
