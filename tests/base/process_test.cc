#include "base/process.h"

#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>

#include "support/environment.h"
#include "support/errors.h"

namespace ropeway {
namespace {

using test::TestFolder;
using test::expect_error;

ProcessResult shell(const std::string& script, double seconds = 20) {
  const TestFolder folder;
  return run_process({"/bin/sh", "-c", script}, folder.path(), seconds);
}

TEST(Process, GivesExitStatusAndBothStreams) {
  const ProcessResult result = shell("echo out; echo err >&2; exit 3");
  EXPECT_EQ(result.status, 3);
  EXPECT_EQ(result.signal, 0);
  EXPECT_FALSE(result.timed_out);
  EXPECT_EQ(result.output, "out\nerr\n");
}

TEST(Process, RunsInItsFolderWithoutInput) {
  const TestFolder folder;
  const ProcessResult result = run_process({"/bin/sh", "-c", "pwd -P; cat"}, folder.path(), 20);
  EXPECT_EQ(result.output, std::filesystem::canonical(folder.path()).string() + "\n");
}

TEST(Process, AddsToItsEnvironment) {
  const TestFolder folder;
  const test::ScopedVariable kept("ROPEWAY_TEST_KEPT", "kept"), replaced("ROPEWAY_TEST_REPLACED", "old");
  const std::string script = "echo $ROPEWAY_TEST_KEPT $ROPEWAY_TEST_REPLACED $ROPEWAY_TEST_ADDED";
  const ProcessResult result = run_process({"/bin/sh", "-c", script}, folder.path(), 20, {{"ROPEWAY_TEST_REPLACED", "new"}, {"ROPEWAY_TEST_ADDED", "a b=c"}});
  EXPECT_EQ(result.output, "kept new a b=c\n");
}

TEST(Process, TellsASignal) {
  const ProcessResult result = shell("kill -9 $$");
  EXPECT_EQ(result.signal, SIGKILL);
  EXPECT_EQ(result.status, -1);
}

TEST(Process, KillsWhatTakesTooLongAndItsChildren) {
  const auto begin = std::chrono::steady_clock::now();
  const ProcessResult result = shell("echo begun; sleep 100 & sleep 100", 0.3);
  EXPECT_TRUE(result.timed_out);
  EXPECT_EQ(result.output, "begun\n");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
}

TEST(Process, DoesNotWaitForWhatIsLeftRunning) {
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(shell("sleep 100 & echo done").output, "done\n");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
}

TEST(Process, KnowsTheStatusWhateverTheCallerDoesWithSignals) {
  signal(SIGCHLD, SIG_IGN);
  EXPECT_EQ(shell("exit 3").status, 3);
  signal(SIGCHLD, SIG_DFL);
}

// The program's children too: compilers start workers.
TEST(Process, EndsWithTheCaller) {
  const TestFolder folder;
  const pid_t caller = fork();
  if (caller == 0) {
    run_process({"/bin/sh", "-c", "(sleep 1; touch worker) & sleep 1; touch program"}, folder.path(), 20);
    _exit(0);
  }
  usleep(300000);
  kill(caller, SIGKILL);
  waitpid(caller, nullptr, 0);
  usleep(1200000);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(Process, IsNotHeldByWhatLeftItsGroup) {
  const ProcessResult result = shell("setsid sh -c 'exec timeout 5 yes' & sleep 0.3; exit 4");
  EXPECT_EQ(result.status, 4);
  EXPECT_LE(result.output.size(), size_t{64} << 10);
}

TEST(Process, KeepsTheEndOfLongOutput) {
  const ProcessResult result = shell("i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done");
  EXPECT_LE(result.output.size(), size_t{64} << 10);
  EXPECT_TRUE(result.output.ends_with("line 19999\n"));
}

TEST(Process, SaysWhyItCannotStart) {
  const TestFolder folder;
  expect_error([&] { run_process({"/nowhere/atc"}, folder.path(), 1); }, ErrorCode::io, "cannot start /nowhere/atc: No such file");
  expect_error([&] { run_process({"/bin/sh"}, folder / "missing", 1); }, ErrorCode::io, "cannot start /bin/sh");
}

}  // namespace
}  // namespace ropeway
